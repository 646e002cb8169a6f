/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MSHV_VP_H
#define MSHV_VP_H

#include <linux/atomic.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>
#include <linux/types.h>
#include <linux/wait.h>

#include <tlfs/message.h>
#include <tlfs/register.h>
#include <uapi/linux/mshv.h>

#include "stats.h"

struct mshv_dispatch;
struct mshv_partition;

/**
 * struct mshv_vp_run - how a VP stands to being run
 * @queue: where its thread waits for the hypervisor
 * @signals: signals of the hypervisor for this VP, ever
 * @kicked: one has come since its thread last looked; set in interrupt context
 * @cancel: RUN_VP is asked to return; set by anyone
 * @cpu: where it is dispatched, or -1
 * @message_pending: its message has not been delivered to user space yet
 * @dispatch: root scheduler: input and output of the dispatch hypercall
 * @blocked: root scheduler: the hypervisor will signal when it can be dispatched
 * @intercept_suspend: root scheduler: it stopped with a message; the next
 *	dispatch clears that
 * @resumed: hypervisor's scheduler: it may be running, or its message be on the way
 *
 * Those from @message_pending on are guarded by the VP's mutex.
 */
struct mshv_vp_run {
	wait_queue_head_t queue;
	atomic64_t signals;
	bool kicked;
	bool cancel;
	int cpu;
	bool message_pending;
	struct mshv_dispatch *dispatch;
	bool blocked;
	bool intercept_suspend;
	bool resumed;
};

/**
 * struct mshv_vp - a VP of a child partition
 * @rcu: frees the structure when no interrupt handler can hold it any more
 * @partition: its partition, which it does not outlive
 * @index: its index there
 * @mutex: held by every ioctl on the VP's file, MSHV_RUN_VP included
 * @register_page: registers, shared with the hypervisor and with user space
 * @intercept_page: the message of the last intercept, likewise: not to be trusted
 * @stats: counters by area; PARENT may be the same page as SELF, and both NULL. Read under
 *	RCU by who runs the VP: they are taken away before the machine goes down
 * @stats_mapped: the same, as the hypervisor has them mapped; mshv_stats_unmap_sem
 * @run: how it stands to being run
 */
struct mshv_vp {
	struct rcu_head rcu;
	struct mshv_partition *partition;
	u32 index;
	struct mutex mutex;	/* the VP's ioctls */
	struct hv_vp_register_page *register_page;
	struct hv_message *intercept_page;
	const u64 *stats[MSHV_STATS_AREAS];
	const u64 *stats_mapped[MSHV_STATS_AREAS];
	struct mshv_vp_run run;
};

/* vp.c */

/**
 * mshv_vp_create() - create a VP and a file for it
 * @partition: its partition; the caller holds its mutex
 * @vp_index: its index
 *
 * Return: a file descriptor; -EINVAL if @vp_index is too large; -EEXIST; another
 * negative errno.
 */
int mshv_vp_create(struct mshv_partition *partition, u32 vp_index);

/**
 * mshv_vp_quiesce() - stop a VP for good
 * @vp: a VP whose files are closed; still in its partition's table
 *
 * After this the hypervisor neither runs it nor sends signals for it. May sleep.
 */
void mshv_vp_quiesce(struct mshv_vp *vp);

/**
 * mshv_vp_destroy() - give up a VP of a partition that is being destroyed
 * @vp: one that mshv_vp_quiesce() was called for
 *
 * Freed after an RCU grace period. May sleep.
 */
void mshv_vp_destroy(struct mshv_vp *vp);

/* vp_state.c */

/**
 * mshv_vp_ioctl_state() - MSHV_GET_VP_STATE and MSHV_SET_VP_STATE
 * @vp: the VP; the caller holds its mutex
 * @uarg: arguments
 * @set: which of the two
 *
 * Return: 0; a negative errno.
 */
long mshv_vp_ioctl_state(struct mshv_vp *vp, struct mshv_get_set_vp_state __user *uarg, bool set);

/* run.c */

/**
 * mshv_vp_run_init() - prepare a new VP for being run
 * @vp: the VP
 *
 * Return: 0; -ENOMEM.
 */
int mshv_vp_run_init(struct mshv_vp *vp);

/**
 * mshv_vp_run_exit() - undo mshv_vp_run_init()
 * @vp: the VP
 */
void mshv_vp_run_exit(struct mshv_vp *vp);

/**
 * mshv_vp_ioctl_run() - MSHV_RUN_VP
 * @vp: the VP; the caller holds its mutex
 * @uarg: where the message goes
 *
 * Return: 0 with a message; -EINTR if a signal or a cancellation came first; a
 * restart code that user space never sees; another negative errno.
 */
long mshv_vp_ioctl_run(struct mshv_vp *vp, struct mshv_run_vp __user *uarg);

/**
 * mshv_vp_kick() - the hypervisor signalled a VP
 * @vp: the VP
 *
 * Called in interrupt context, under the RCU read lock.
 */
void mshv_vp_kick(struct mshv_vp *vp);

/**
 * mshv_vp_entry_work() - see to what a thread must not enter a guest with
 * @vp: the VP that it is about to run
 *
 * Return: 0; -EINTR for a signal or a cancellation; a restart code if user mode
 * has to be passed through and the ioctl is then to be gone on with.
 */
long mshv_vp_entry_work(struct mshv_vp *vp);

/**
 * mshv_vp_interrupted() - what to return after an interruptible wait was interrupted
 *
 * Return: -EINTR for a signal; a restart code for work that is no signal.
 */
long mshv_vp_interrupted(void);

/**
 * mshv_vp_ioctl_cancel() - MSHV_CANCEL_VP
 * @vp: the VP; its mutex is not wanted
 * @flags: MSHV_CANCEL_VP_*
 *
 * Return: 0 for a request; whether there was one, for MSHV_CANCEL_VP_CLEAR;
 * -EINVAL for an unknown flag.
 */
long mshv_vp_ioctl_cancel(struct mshv_vp *vp, unsigned long flags);

/* run_root.c, run_hv.c */

/**
 * mshv_vp_run_root() - run a VP that this kernel schedules, until it has a message
 * @vp: the VP; the caller holds its mutex
 *
 * Return: as mshv_vp_ioctl_run().
 */
long mshv_vp_run_root(struct mshv_vp *vp);

/**
 * mshv_vp_interrupt_root() - get a VP that is dispatched out of the hypervisor
 * @vp: the VP; its @cancel is set
 *
 * May sleep.
 */
void mshv_vp_interrupt_root(struct mshv_vp *vp);

/**
 * mshv_vp_run_hv() - let the hypervisor run a VP, until it has a message
 * @vp: the VP; the caller holds its mutex
 *
 * Return: as mshv_vp_ioctl_run().
 */
long mshv_vp_run_hv(struct mshv_vp *vp);

/**
 * mshv_vp_suspend_hv() - stop a VP that the hypervisor runs
 * @vp: the VP; the caller holds its mutex, or is destroying it
 * @message: set if it stopped with a message, which may still be on its way
 *
 * Return: 0; a negative errno, and it may still be running.
 */
int mshv_vp_suspend_hv(struct mshv_vp *vp, bool *message);

#endif /* MSHV_VP_H */
