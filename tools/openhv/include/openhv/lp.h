/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Logical processors.
 */
#ifndef OPENHV_LP_H
#define OPENHV_LP_H

#include <openhv/atomic.h>
#include <openhv/info.h>
#include <openhv/list.h>
#include <openhv/sched.h>
#include <openhv/types.h>

struct vp;
struct vcpu;

#define LP_MAX		OPENHV_INFO_MAX_LPS
#define LP_STACK_SIZE	16384UL

/**
 * struct htimer - a timer of the hypervisor's
 * @node: in its LP's list while armed
 * @lp: the LP it is armed on, or NULL
 * @deadline: TSC value
 * @vector: an interrupt of root's that the physical timer may raise itself instead of
 *	calling @fn, if no other timer is armed on the LP; or 0
 * @fn: called on that LP, with no lock held, when the deadline has passed; it
 *	may only note that and wake somebody
 * @runner: the LP that calls @fn now, or NULL
 */
struct htimer {
	struct list_head node;
	struct lp *lp;
	u64 deadline;
	u8 vector;
	void (*fn)(struct htimer *timer);
	struct lp *runner;
};

/**
 * struct lp - a logical processor
 * @index: its number; also the index of its root VP
 * @apic_id: of the physical local APIC
 * @root_vp: the root partition's VP that lives here
 * @current: the VP in whose name the LP works now
 * @loaded: whose extra state is in the processor's registers, or NULL
 * @added: root has added it (HVCALL_ADD_LOGICAL_PROCESSOR)
 * @inherited: by a kernel that is gone; the one that is there has not
 * @stack: its stack, LP_STACK_SIZE bytes, with this structure's address at the bottom
 * @host_save: page for the processor's own state across a world switch
 * @host_vmcb: page for what VMSAVE saves of openhv itself
 * @next_asid: next address space ID to give out
 * @asid_gen: grows each time they start over
 * @timer_lock: guards @timers and the timers in it
 * @timers: armed timers, earliest first
 * @timer_programmed: TSC value that the physical timer was set for, or 0
 * @timer_vector: what the physical timer raises
 * @timer_due: with the shim: VECTOR_TIMER may come, in root's time as well
 * @taken: with the shim: the interrupt of root's that was just taken from the physical
 *	APIC and is in service there, or 0
 * @root_interrupt: with the shim: an interrupt of root's waits in the physical APIC
 * @kicked: the NMI of a kick is on its way; atomic
 * @hc_pages: pages for the input and the output of the hypercall in hand: of
 *	root, and of the child that one of root's dispatches
 * @state_page: a page for a VP's state on its way (HVCALL_GET_VP_STATE)
 * @info: counters that root can read
 * @pump_lock: messages to this LP's root VP are written one at a time
 * @notify_lock: guards @notify
 * @notify: VPs that root is to be told of (core/notify.c)
 * @queue: VPs that wait for this LP (core/sched_core.c)
 * @idle: it has nothing to run and sleeps, or is about to
 * @need_resched: the VP that runs has to make way
 * @slice_timer: sets it
 * @started: when it began to work, TSC value
 * @guest_time: in guest mode, in TSC ticks, up to now or to @guest_since
 * @guest_since: TSC value since when it is in guest mode, or 0
 * @idle_time: asleep, in TSC ticks, up to now or to @idle_since
 * @idle_since: TSC value since when it is asleep, or 0
 * @halts: how often it went to sleep
 * @switches: how often it took a VP, to run it
 * @stats_due: when its statistics are to be refreshed, TSC value
 * @stats_lock: guards @stats, the statistics pages of @root_vp, and @times_total and
 *	@times_hypervisor
 * @times_total: what stats_lp_times() said last
 * @times_hypervisor: likewise
 * @stats: statistics page, or NULL
 *
 * Fields without a lock are the LP's own.
 */
struct lp {
	u32 index;
	u32 apic_id;
	struct vp *root_vp;
	struct vp *current;
	struct vcpu *loaded;
	bool added;
	bool inherited;
	void *stack;
	void *host_save;
	void *host_vmcb;
	u32 next_asid;
	u64 asid_gen;
	struct spinlock timer_lock;
	struct list_head timers;
	u64 timer_programmed;
	u8 timer_vector;
	u8 taken;
	bool timer_due;
	bool root_interrupt;
	u32 kicked;
	void *hc_pages[2][2];
	void *state_page;
	struct openhv_lp_info *info;
	struct spinlock pump_lock;
	struct spinlock notify_lock;
	struct list_head notify;
	struct sched_queue queue;
	bool idle;
	bool need_resched;
	struct htimer slice_timer;
	u64 started;
	u64 guest_time;
	u64 guest_since;
	u64 idle_time;
	u64 idle_since;
	u64 halts;
	u64 switches;
	u64 stats_due;
	struct spinlock stats_lock;
	u64 times_total;
	u64 times_hypervisor;
	u64 *stats;
};

extern struct lp *lps[LP_MAX];
extern u32 lp_count;

/* The LP that this code runs on (from the bottom of its stack). */
struct lp *lp_self(void);

/* Run root's VP of this LP, for ever; on its own stack. */
void lp_main(struct lp *lp) __noreturn;
/* Leave the boot stack: calls boot_continue() on the LP's own. */
void lp_switch_stack(struct lp *lp) __noreturn;
void boot_continue(void) __noreturn;

/* Make another LP leave guest mode, soon. */
void lp_kick(struct lp *lp);

/**
 * lp_take_interrupts() - let pending physical interrupts in
 * @lp: this LP
 *
 * Device interrupts go to the root VP of this LP.
 */
void lp_take_interrupts(struct lp *lp);

/* The same for NMIs alone. */
void lp_take_nmi(struct lp *lp);

/* Sleep until an interrupt comes, and let it in. */
void lp_wait_for_interrupt(struct lp *lp);
/* The same; the time counts as idle. */
void lp_sleep(struct lp *lp);

/* Hooks of the interrupt path, called with GIF clear on the LP itself. */
void lp_device_interrupt(struct lp *lp, u8 vector, bool level);

/**
 * htimer_arm() - call a timer's function at a time
 * @t: the timer; re-armed if it is armed already
 * @deadline: TSC value
 *
 * It will fire on the calling LP.
 */
void htimer_arm(struct htimer *t, u64 deadline);

/* Disarm; on return the function is not running and will not. */
void htimer_cancel(struct htimer *t);

/**
 * htimer_is_physical() - the physical timer raises the timer's vector itself
 * @t: a timer of this LP's
 *
 * Nobody says whether it has done so already.
 */
bool htimer_is_physical(const struct htimer *t);

/* VECTOR_TIMER has come from the physical timer; htimers_run() is called next. */
void htimers_interrupt(struct lp *lp);

/* Run what is due, and program the physical timer for the next. */
void htimers_run(struct lp *lp);

/**
 * lp_program_timer() - set the physical timer
 * @lp: this LP
 * @deadline: TSC value; 0: never
 * @vector: what it raises then: VECTOR_TIMER, or one of root's with the shim
 */
void lp_program_timer(struct lp *lp, u64 deadline, u8 vector);

#endif /* OPENHV_LP_H */
