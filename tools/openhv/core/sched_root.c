// SPDX-License-Identifier: GPL-2.0-only
/*
 * The root scheduler: root decides which VP runs where (HVCALL_DISPATCH_VP),
 * and is told by messages when a VP that was blocked can go on.
 */
#include <asm/cpu.h>
#include <openhv/atomic.h>
#include <openhv/log.h>
#include <openhv/partition.h>
#include <openhv/root.h>
#include <openhv/run.h>
#include <openhv/sched.h>
#include <openhv/stats.h>
#include <tlfs/system.h>

static void __noreturn run(struct lp *lp)
{
	vp_run(lp, lp->root_vp);
	panic("root VP %u stopped", lp->index);
}

/* A VP that is not to be dispatched any more gives no signals. */
static void wake(struct vp *vp)
{
	if (!READ_ONCE(vp->dispatch_suspend))
		notify_root(vp);
}

static void resume(struct vp *vp)
{
	if (partition_is_root(vp->partition))
		return;
	WRITE_ONCE(vp->blocked, 0);
	wake(vp);
}

/* One message with as many of an LP's signals as it holds */
static void compose(struct lp *lp, struct hv_message *msg)
{
	struct hv_vp_signal_pair_scheduler_message *m = (void *)msg->u.payload;
	struct vp *vp;
	u32 n;

	msg->header.message_type = HVMSG_SCHEDULER_VP_SIGNAL_PAIR;
	msg->header.payload_size = sizeof(*m);
	for (n = 0; n < HV_VP_SIGNAL_PAIR_MAX; n++) {
		vp = notify_take(lp);
		if (!vp)
			break;
		m->partition_ids[n] = vp->partition->id;
		m->vp_indexes[n] = vp->index;
	}
	m->vp_count = n;
}

static void slice_over(struct htimer *t)
{
	WRITE_ONCE(container_of(t, struct lp, slice_timer)->need_resched, true);
}

static bool ready_after_all(struct vp *vp)
{
	/* An event may have come between the decision to block and its announcement. */
	WRITE_ONCE(vp->blocked, VP_BLOCKED);
	/* Announced first, then the look for an event */
	smp_mb();
	if (!vp_can_continue(vp))
		return false;
	/* Whoever brought the event may have signalled already: a spurious signal is fine. */
	return atomic_xchg(&vp->blocked, 0);
}

static void result(enum vp_stop stop, struct hv_output_dispatch_vp *out)
{
	out->dispatch_event = HV_VP_DISPATCH_EVENT_NONE;
	switch (stop) {
	case VP_STOP_BLOCKED:
		out->dispatch_state = HV_VP_DISPATCH_STATE_BLOCKED;
		break;
	case VP_STOP_SUSPENDED:
		out->dispatch_state = HV_VP_DISPATCH_STATE_BLOCKED;
		out->dispatch_event = HV_VP_DISPATCH_EVENT_SUSPEND;
		break;
	case VP_STOP_INTERCEPT:
		out->dispatch_state = HV_VP_DISPATCH_STATE_READY;
		out->dispatch_event = HV_VP_DISPATCH_EVENT_INTERCEPT;
		break;
	default:
		out->dispatch_state = HV_VP_DISPATCH_STATE_READY;
	}
}

static hv_status_t dispatch(struct vp *vp, const struct hv_input_dispatch_vp *in,
			    struct hv_output_dispatch_vp *out)
{
	struct lp *lp = lp_self();
	enum vp_stop stop;
	u32 idle = 0;

	if (in->flags & ~HV_DISPATCH_VP_FLAGS_VALID)
		return HV_STATUS_INVALID_PARAMETER;
	if (partition_is_root(vp->partition))
		return HV_STATUS_OPERATION_DENIED;
	if (vp->partition->state != PARTITION_ACTIVE)
		return HV_STATUS_INVALID_PARTITION_STATE;
	if (!atomic_cmpxchg(&vp->running, &idle, VP_RUNNING))
		return HV_STATUS_INVALID_VP_STATE;
	WRITE_ONCE(vp->blocked, 0);
	lp->info->dispatches++;
	vp_begin(lp, vp);
	if (in->flags & HV_DISPATCH_VP_FLAG_CLEAR_INTERCEPT_SUSPEND)
		vp->intercept_suspend = false;
	if (in->flags & HV_DISPATCH_VP_FLAG_SCAN_INTERRUPT_INJECTION)
		regpage_scan_vectors(vp);
	if (!vp->intercept_suspend)
		regpage_load(vp);
	lp->need_resched = false;
	if (in->time_slice) {
		lp->slice_timer.fn = slice_over;
		htimer_arm(&lp->slice_timer, rdtsc() + tsc_from_100ns(in->time_slice));
	}
	do {
		stop = vp_run(lp, vp);
	} while (stop == VP_STOP_BLOCKED && ready_after_all(vp));
	if (in->time_slice)
		htimer_cancel(&lp->slice_timer);
	lp->need_resched = false;
	result(stop, out);
	vp->dispatches++;
	stats_update_vp(vp);
	regpage_fill(vp);
	store_release(&vp->running, 0);
	return HV_STATUS_SUCCESS;
}

const struct sched_ops sched_root = {
	.type = HV_SCHEDULER_TYPE_ROOT,
	.run = run,
	.wake = wake,
	.resume = resume,
	.forget = notify_forget,
	.dispatch = dispatch,
	.compose = compose,
};
