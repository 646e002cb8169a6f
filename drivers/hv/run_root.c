// SPDX-License-Identifier: GPL-2.0-only
/*
 * Running a VP under the root scheduler: a thread of this kernel lends it its
 * CPU inside HVCALL_DISPATCH_VP.
 */
#include <linux/delay.h>
#include <linux/preempt.h>
#include <linux/rcupdate.h>
#include <linux/sched/signal.h>
#include <linux/smp.h>
#include <linux/wait.h>

#include <tlfs/status.h>
#include <tlfs/vp.h>

#include "compat.h"
#include "hvcalls.h"
#include "mshv.h"
#include "partition.h"
#include "trace.h"
#include "vp.h"

/* How long a VP is interrupted for before that is given up: the next tick will do. */
#define INTERRUPT_TRIES		200
#define INTERRUPT_PAUSE_US	50

/* The hypervisor has the VP blocked for reasons of its own, signalled or not. */
static bool dispatch_thread_blocked(const struct mshv_vp *vp)
{
	const unsigned int i = HV_STATS_VP_ROOT_DISPATCH_THREAD_BLOCKED;
	bool blocked;

	rcu_read_lock();
	blocked = READ_ONCE(READ_ONCE(vp->stats[HV_STATS_AREA_SELF])[i]) ||
		  READ_ONCE(READ_ONCE(vp->stats[HV_STATS_AREA_PARENT])[i]);
	rcu_read_unlock();

	return blocked;
}

/*
 * Interrupts that were put in the register page and not injected yet. The page is
 * user space's too, so it means nothing where the hypervisor does not read it.
 */
static u64 interrupts_pending(const struct mshv_vp *vp)
{
	if (!mshv_fast_interrupts())
		return 0;

	return vp->register_page ? READ_ONCE(vp->register_page->interrupt_vectors.as_uint64) : 0;
}

static bool may_dispatch(const struct mshv_vp *vp)
{
	return (READ_ONCE(vp->run.kicked) && !dispatch_thread_blocked(vp)) ||
	       interrupts_pending(vp);
}

/* Wait until a blocked VP can be dispatched again. */
static long wait_for_kick(struct mshv_vp *vp)
{
	struct mshv_vp_run *run = &vp->run;
	int ret;

	ret = wait_event_interruptible(run->queue, may_dispatch(vp) || READ_ONCE(run->cancel));
	trace_mshv_vp_wait_for_hv_kick(vp->partition->id, vp->index, READ_ONCE(run->kicked),
				       dispatch_thread_blocked(vp), interrupts_pending(vp));
	if (ret)
		return mshv_vp_interrupted();
	/* A cancellation is noticed, like a signal, before the VP is dispatched. */
	if (READ_ONCE(run->cancel))
		return -EINTR;

	run->blocked = false;
	WRITE_ONCE(run->kicked, false);

	return 0;
}

/*
 * The initial state of a VP, and what user space may set. Clearing it makes the
 * hypervisor signal the VP, which is what to wait for.
 */
static int clear_explicit_suspend(struct mshv_vp *vp)
{
	const struct hv_register_assoc suspend = { .name = HV_REGISTER_EXPLICIT_SUSPEND };
	int ret;

	ret = mshv_hvcall_set_vp_registers(vp->partition->id, vp->index, &suspend, 1);
	trace_mshv_vp_clear_explicit_suspend(vp->partition->id, vp->index, ret);

	return ret;
}

/*
 * Dispatch the VP once. Returns -EAGAIN, with nothing done, if there is something
 * to see to first.
 */
static int dispatch(struct mshv_vp *vp)
{
	struct mshv_vp_run *run = &vp->run;
	struct mshv_dispatch *d = run->dispatch;
	u16 status = HV_STATUS_SUCCESS;
	int ret;

	d->in.partition_id = vp->partition->id;
	d->in.vp_index = vp->index;
	d->in.flags = 0;
	if (run->intercept_suspend)
		d->in.flags |= HV_DISPATCH_VP_FLAG_CLEAR_INTERCEPT_SUSPEND;
	d->out.dispatch_state = HV_VP_DISPATCH_STATE_INVALID;
	d->out.dispatch_event = HV_VP_DISPATCH_EVENT_NONE;

	preempt_disable();
	WRITE_ONCE(run->cpu, smp_processor_id());
	/* Whoever asks us to stop either is seen here, or sees where to interrupt us. */
	smp_mb();
	if (READ_ONCE(run->cancel) || (read_thread_flags() & MSHV_TIF_WORK)) {
		ret = -EAGAIN;
	} else {
		if (interrupts_pending(vp))
			d->in.flags |= HV_DISPATCH_VP_FLAG_SCAN_INTERRUPT_INJECTION;
		ret = mshv_hvcall_dispatch_vp(d, &status);
	}
	WRITE_ONCE(run->cpu, -1);
	preempt_enable();

	if (ret != -EAGAIN)
		trace_mshv_hvcall_dispatch_vp(vp->partition->id, vp->index, d->in.flags,
					      d->out.dispatch_state, d->out.dispatch_event,
					      interrupts_pending(vp), status);

	return ret;
}

static void interrupted(void *unused)
{
}

/*
 * An interrupt makes the hypervisor return. One that comes in the instant before
 * the hypercall does not, so it is sent until the VP has been seen elsewhere.
 */
void mshv_vp_interrupt_root(struct mshv_vp *vp)
{
	struct mshv_vp_run *run = &vp->run;
	unsigned int tries;
	int cpu;

	for (tries = 0; tries < INTERRUPT_TRIES; tries++) {
		cpu = READ_ONCE(run->cpu);
		if (cpu < 0 || !READ_ONCE(run->cancel))
			return;
		smp_call_function_single(cpu, interrupted, NULL, true);
		if (READ_ONCE(run->cpu) < 0)
			return;
		usleep_range(INTERRUPT_PAUSE_US, 2 * INTERRUPT_PAUSE_US);
	}
}

long mshv_vp_run_root(struct mshv_vp *vp)
{
	struct mshv_vp_run *run = &vp->run;
	struct mshv_dispatch *d = run->dispatch;
	long ret;

	for (;;) {
		if (run->blocked) {
			ret = wait_for_kick(vp);
			if (ret)
				return ret;
		}
		ret = mshv_vp_entry_work(vp);
		if (ret)
			return ret;

		ret = dispatch(vp);
		if (ret == -EAGAIN)
			continue;
		if (ret)
			return ret;
		run->intercept_suspend = false;

		switch (d->out.dispatch_state) {
		case HV_VP_DISPATCH_STATE_BLOCKED:
			if (d->out.dispatch_event == HV_VP_DISPATCH_EVENT_SUSPEND) {
				ret = clear_explicit_suspend(vp);
				if (ret)
					return ret;
			}
			run->blocked = true;
			break;
		case HV_VP_DISPATCH_STATE_READY:
			if (d->out.dispatch_event == HV_VP_DISPATCH_EVENT_INTERCEPT) {
				run->intercept_suspend = true;
				return 0;
			}
			/* An interrupt of ours; it has been taken by now. */
			break;
		default:
			return -EIO;
		}
	}
}
