// SPDX-License-Identifier: GPL-2.0-only
/*
 * The root scheduler: root decides which VP runs where (HVCALL_DISPATCH_VP),
 * and is told by messages when a VP that was blocked can go on.
 */
#include <asm/cpu.h>
#include <openhv/atomic.h>
#include <openhv/log.h>
#include <openhv/partition.h>
#include <openhv/ring.h>
#include <openhv/root.h>
#include <openhv/run.h>
#include <openhv/sched.h>
#include <openhv/stats.h>
#include <openhv/string.h>

/* An LP whose root VP can be told something */
static bool can_tell(const struct lp *lp)
{
	const struct synic *s = &lp->root_vp->synic;

	return READ_ONCE(s->scontrol) & HV_SYNIC_CONTROL_ENABLE && READ_ONCE(s->simp.page) &&
	       !(READ_ONCE(s->sint[HV_SYNIC_INTERCEPTION_SINT_INDEX]) & HV_SYNIC_SINT_MASKED);
}

static struct lp *lp_to_tell(void)
{
	struct lp *lp = lp_self();
	u32 i;

	if (likely(can_tell(lp)))
		return lp;
	for (i = 0; i < lp_count; i++) {
		if (can_tell(lps[i]))
			return lps[i];
	}
	return lp;
}

/*
 * Queue a VP for a signal message. A VP is in one queue at most; the counter
 * tells root how many signals it will get in all.
 */
void sched_wake(struct vp *vp)
{
	struct lp *lp = lp_to_tell();
	bool queued = false;

	if (READ_ONCE(vp->dispatch_suspend))
		return;
	if (!atomic_xchg(&vp->signal_queued, 1)) {
		spin_lock(&lp->signal_lock);
		vp->signal_lp = lp;
		vp->root_signal_count++;
		list_add_tail(&vp->signal_node, &lp->signals);
		spin_unlock(&lp->signal_lock);
		queued = true;
	}
	if (queued)
		root_messages_pump(lp->root_vp);
}

void sched_forget(struct vp *vp)
{
	struct lp *lp;

	while ((lp = READ_ONCE(vp->signal_lp)) != NULL) {
		spin_lock(&lp->signal_lock);
		if (READ_ONCE(vp->signal_lp) == lp) {
			list_del(&vp->signal_node);
			spin_unlock(&lp->signal_lock);
			return;
		}
		spin_unlock(&lp->signal_lock);
	}
}

/* Fill in one message with as many of an LP's signals as it holds. */
static bool take_signals(struct lp *lp, struct hv_message *msg)
{
	struct hv_vp_signal_pair_scheduler_message *m;
	struct vp *vp;
	u32 n = 0;

	if (list_empty(&lp->signals))
		return false;
	memset(msg, 0, sizeof(*msg));
	msg->header.message_type = HVMSG_SCHEDULER_VP_SIGNAL_PAIR;
	msg->header.payload_size = sizeof(*m);
	m = (struct hv_vp_signal_pair_scheduler_message *)msg->u.payload;
	spin_lock(&lp->signal_lock);
	while (n < HV_VP_SIGNAL_PAIR_MAX && !list_empty(&lp->signals)) {
		vp = list_first_entry(&lp->signals, struct vp, signal_node);
		list_del(&vp->signal_node);
		m->partition_ids[n] = vp->partition->id;
		m->vp_indexes[n] = vp->index;
		n++;
		store_release(&vp->signal_queued, 0);
	}
	m->vp_count = n;
	spin_unlock(&lp->signal_lock);
	return n;
}

static void notify_ring(struct vp *vp, u32 sint)
{
	struct hv_notification_message_payload *m;
	struct hv_message msg;

	memset(&msg, 0, sizeof(msg));
	msg.header.message_type = HVMSG_SYNIC_SINT_INTERCEPT;
	msg.header.payload_size = sizeof(*m);
	m = (struct hv_notification_message_payload *)msg.u.payload;
	m->sint_index = sint;
	synic_post(vp, HV_SYNIC_INTERCEPTION_SINT_INDEX, &msg);
}

/* Another LP's SINT0 has gone away with signals in its queue: take them over. */
static void move_signals(struct lp *from, struct lp *to)
{
	struct lp *first = from->index < to->index ? from : to;
	struct lp *second = first == from ? to : from;
	struct vp *vp, *next;

	spin_lock(&first->signal_lock);
	spin_lock(&second->signal_lock);
	list_for_each_entry_safe(vp, next, &from->signals, signal_node) {
		list_del(&vp->signal_node);
		WRITE_ONCE(vp->signal_lp, to);
		list_add_tail(&vp->signal_node, &to->signals);
	}
	spin_unlock(&second->signal_lock);
	spin_unlock(&first->signal_lock);
}

static bool has_messages(const struct lp *lp)
{
	return READ_ONCE(lp->root_vp->synic.ring_notify) || !list_empty(&lp->signals);
}

void root_messages_pump(struct vp *vp)
{
	struct lp *lp = lps[vp->index];
	struct hv_message msg;
	u32 sint;

	if (!can_tell(lp)) {
		struct lp *other = lp_to_tell();

		if (other == lp || list_empty(&lp->signals) || !can_tell(other))
			return;
		move_signals(lp, other);
		lp = other;
		vp = lp->root_vp;
	}
	spin_lock(&lp->pump_lock);
	/* A slot that is not free is marked, and its reader's EOM brings us back. */
	while (has_messages(lp) && synic_slot_claim(vp, HV_SYNIC_INTERCEPTION_SINT_INDEX)) {
		if (ring_wants_message(vp, &sint))
			notify_ring(vp, sint);
		else if (take_signals(lp, &msg))
			synic_post(vp, HV_SYNIC_INTERCEPTION_SINT_INDEX, &msg);
	}
	spin_unlock(&lp->pump_lock);
}

hv_status_t sched_explicit_suspend(struct vp *vp, bool suspend)
{
	bool was = vp->explicit_suspend;

	vp->explicit_suspend = suspend;
	/* A VP that becomes free to run has to be dispatched: tell root. */
	if (was && !suspend && !partition_is_root(vp->partition)) {
		WRITE_ONCE(vp->blocked, 0);
		sched_wake(vp);
	}
	return HV_STATUS_SUCCESS;
}

hv_status_t sched_intercept_suspend(struct vp *vp, bool suspend)
{
	bool was = vp->intercept_suspend;

	vp->intercept_suspend = suspend;
	if (was && !suspend) {
		WRITE_ONCE(vp->blocked, 0);
		sched_wake(vp);
	}
	return HV_STATUS_SUCCESS;
}

hv_status_t sched_dispatch_suspend(struct vp *vp, bool suspend)
{
	WRITE_ONCE(vp->dispatch_suspend, suspend);
	return HV_STATUS_SUCCESS;
}

static void slice_over(struct htimer *t)
{
	WRITE_ONCE(container_of(t, struct lp, slice_timer)->slice_expired, true);
}

static bool ready_after_all(struct vp *vp)
{
	/* An event may have come between the decision to block and its announcement. */
	WRITE_ONCE(vp->blocked, 1);
	smp_mb();
	if (!vp_can_continue(vp))
		return false;
	/* Whoever brought the event may have signalled already: a spurious signal is fine. */
	return atomic_xchg(&vp->blocked, 0);
}

hv_status_t dispatch_vp(struct vp *vp, const struct hv_input_dispatch_vp *in,
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
	if (!atomic_cmpxchg(&vp->running, &idle, 1))
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
	lp->slice_expired = false;
	if (in->time_slice) {
		lp->slice_timer.fn = slice_over;
		htimer_arm(&lp->slice_timer, rdtsc() + tsc_from_100ns(in->time_slice));
	}
	for (;;) {
		stop = vp_run(lp, vp);
		if (stop != VP_STOP_BLOCKED || !ready_after_all(vp))
			break;
	}
	if (in->time_slice)
		htimer_cancel(&lp->slice_timer);

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
	vp->dispatches++;
	stats_update_vp(vp);
	regpage_fill(vp);
	store_release(&vp->running, 0);
	return HV_STATUS_SUCCESS;
}
