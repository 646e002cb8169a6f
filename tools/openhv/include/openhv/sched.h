/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Schedulers (TLFS, "Virtual Processor Execution"): who decides which VP runs
 * where, and how the root partition is told of what happens to VPs.
 */
#ifndef OPENHV_SCHED_H
#define OPENHV_SCHED_H

#include <openhv/atomic.h>
#include <openhv/list.h>
#include <openhv/types.h>
#include <tlfs/message.h>

struct vp;
struct lp;
struct partition;
struct hv_input_dispatch_vp;
struct hv_output_dispatch_vp;

/**
 * struct sched_ops - a scheduler
 * @type: enum hv_scheduler_type
 * @run: run this LP for ever
 * @wake: a VP that said it was blocked has something to do
 * @resume: a suspend register of the VP was cleared; the caller owns the VP
 * @forget: the VP is going away
 * @dispatch: HVCALL_DISPATCH_VP, or NULL
 * @compose: fill in a message for root about VPs that wait in an LP's queue
 *	(core/notify.c); called with the queue's lock held
 */
struct sched_ops {
	u32 type;
	void (*run)(struct lp *lp) __noreturn;
	void (*wake)(struct vp *vp);
	void (*resume)(struct vp *vp);
	void (*forget)(struct vp *vp);
	hv_status_t (*dispatch)(struct vp *vp, const struct hv_input_dispatch_vp *in,
				struct hv_output_dispatch_vp *out);
	void (*compose)(struct lp *lp, struct hv_message *msg);
};

extern const struct sched_ops sched_root, sched_core;
/* The one that was chosen at boot */
extern const struct sched_ops *sched;

/* The suspend registers; the caller owns the VP. */
hv_status_t sched_explicit_suspend(struct vp *vp, bool suspend);
hv_status_t sched_intercept_suspend(struct vp *vp, bool suspend);
hv_status_t sched_dispatch_suspend(struct vp *vp, bool suspend);

/**
 * notify_root() - have root told of a VP
 * @vp: the VP; it is in one queue at most
 *
 * Returns: true if it was not in a queue yet
 */
bool notify_root(struct vp *vp);
/* Take a VP out of the queue that it may be in. */
void notify_forget(struct vp *vp);
/**
 * notify_completion() - have root told that a call is complete, which was answered by CALL_PENDING
 * @p: the partition that it was about; held
 * @status: the call's status
 *
 * Returns: false if root has no SynIC to be told by, or has not been told of the last one yet
 */
bool notify_completion(struct partition *p, hv_status_t status);
/* There is nobody any more who could ask for this partition. */
void notify_forget_completion(struct partition *p);
/* The first VP of an LP's queue, taken out of it; NULL: it is empty. Queue's lock held. */
struct vp *notify_take(struct lp *lp);

/* A VP's part of the core scheduler (core/sched_core.c) */
struct sched_entity {
	struct list_head node;		/* in an LP's queue while @queued */
	u64 vruntime;			/* TSC ticks of service, as the queue counts them */
	struct lp *lp;			/* whose queue it is in, or where it ran last */
	bool queued;
};

/**
 * struct sched_queue - VPs that wait for an LP
 * @lock: guards the rest, and the entities in @waiting
 * @waiting: entities, least served first
 * @count: how many
 * @min_vruntime: never falls; what a newcomer starts with
 * @current_vruntime: of the one that runs, for those who compare
 */
struct sched_queue {
	struct spinlock lock;
	struct list_head waiting;
	u32 count;
	u64 min_vruntime;
	u64 current_vruntime;
};

#endif /* OPENHV_SCHED_H */
