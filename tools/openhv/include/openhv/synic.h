/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The synthetic interrupt controller and the synthetic timers of a VP
 * (TLFS, "Inter-Partition Communication", "Timers").
 */
#ifndef OPENHV_SYNIC_H
#define OPENHV_SYNIC_H

#include <openhv/gpamap.h>
#include <openhv/lp.h>
#include <openhv/types.h>
#include <tlfs/message.h>
#include <tlfs/msr.h>
#include <tlfs/synic.h>
#include <tlfs/state.h>

struct vp;

/**
 * struct stimer - a synthetic timer
 * @vp: whose it is
 * @index: 0 to 3
 * @config: HV_STIMER_*
 * @count: expiration time, or period, in 100 ns
 * @expiration: absolute reference time of the next expiration
 * @message_pending: it expired, and its message waits for a free slot
 * @undelivered: the expiration time in that message
 * @timer: fires at @expiration
 */
struct stimer {
	struct vp *vp;
	u32 index;
	u64 config;
	u64 count;
	u64 expiration;
	bool message_pending;
	u64 undelivered;
	struct htimer timer;
};

/**
 * struct synic_page - a page of the SynIC's, at a place that its owner chose
 * @msr: SIMP, SIEFP or SIRBP
 * @page: what the hypervisor writes to, or NULL while the page is off
 * @own: the page that the hypervisor provides
 * @overlay: a child's: @own laid over its memory
 * @pinned: root's: a frame of its own that it chose instead of @own, or 0
 */
struct synic_page {
	u64 msr;
	void *page;
	void *own;
	struct overlay overlay;
	u64 pinned;
};

/**
 * struct synic - the SynIC of a VP
 * @lock: guards the pages' contents and pointers, which are used from any LP;
 *	everything else belongs to the owner of the VP
 * @scontrol: SCONTROL
 * @sint: SINT0 to SINT15
 * @simp: message page
 * @siefp: event flags page
 * @sirbp: event ring page; root only
 * @ring_head: producer index of each ring
 * @ring_notify: a ring has asked for a notification message
 * @stimers: synthetic timers
 */
struct synic {
	struct spinlock lock;
	u64 scontrol;
	u64 sint[HV_SYNIC_SINT_COUNT];
	struct synic_page simp;
	struct synic_page siefp;
	struct synic_page sirbp;
	u8 ring_head[HV_SYNIC_SINT_COUNT];
	u32 ring_notify;
	struct stimer stimers[HV_STIMER_COUNT];
};

/**
 * synic_init() - the SynIC of a new VP
 * @vp: the VP
 * @pages: zeroed pages for SIMP, SIEFP and, with root only, SIRBP
 */
void synic_init(struct vp *vp, void **pages);
/* RESET and INIT: everything off */
void synic_reset(struct vp *vp);
void synic_destroy(struct vp *vp);

/* Place a page, turn it on or off: SIMP, SIEFP, SIRBP, VP assist. */
bool synic_page_write(struct vp *vp, struct synic_page *sp, u64 value);
void synic_page_off(struct vp *vp, struct synic_page *sp);

/* Whether a SINT's message slot is free. */
bool synic_slot_free(struct vp *vp, u32 sint);
/*
 * The same, for one who has a message: a slot that is not free is marked, so
 * that its reader will write EOM.
 */
bool synic_slot_claim(struct vp *vp, u32 sint);

/**
 * synic_msr_read() - the MSRs 0x40000080 to 0x400000b7
 * @vp: the VP, owned
 * @msr: its number
 * @value: what it has
 *
 * Returns: false if there is no such MSR (the guest gets #GP)
 */
bool synic_msr_read(struct vp *vp, u32 msr, u64 *value);
/* @host: written by the parent, which may restore what the guest could not write */
bool synic_msr_write(struct vp *vp, u32 msr, u64 value, bool host);

/**
 * synic_post() - write a message into a SINT's slot
 * @vp: the receiver; may be running
 * @sint: 0 to 15
 * @msg: the message
 *
 * Returns: HV_STATUS_SUCCESS; HV_STATUS_INSUFFICIENT_BUFFERS if the slot is
 * busy, which is then marked pending; HV_STATUS_INVALID_SYNIC_STATE if the
 * SynIC or the message page is off
 */
hv_status_t synic_post(struct vp *vp, u32 sint, const struct hv_message *msg);

/* Set an event flag and raise the SINT; the same errors. */
hv_status_t synic_signal(struct vp *vp, u32 sint, u32 flag, bool *newly);

/* A slot may have become free: EOM was written. */
void synic_eom(struct vp *vp);

/* Whether a SINT has this vector and AutoEOI: the interrupt needs no EOI. */
bool synic_auto_eoi(struct vp *vp, u8 vector);

/* STIMERn_CONFIG and STIMERn_COUNT; @reg is twice the timer's number, plus 1 for the count. */
u64 stimer_read(struct vp *vp, u32 reg);
bool stimer_write(struct vp *vp, u32 reg, u64 value);
void stimers_init(struct vp *vp);
void stimers_reset(struct vp *vp);
void stimers_destroy(struct vp *vp);
/* Expire what is due; deliver messages that waited for a free slot. */
void stimers_poll(struct vp *vp);
void stimers_get_state(struct vp *vp, struct hv_synthetic_timers_state *out);
hv_status_t stimers_set_state(struct vp *vp, const struct hv_synthetic_timers_state *in);
/* Reference time was frozen, thawed or changed: compute all deadlines again. */
void stimers_rearm(struct vp *vp);

#endif /* OPENHV_SYNIC_H */
