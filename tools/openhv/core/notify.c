// SPDX-License-Identifier: GPL-2.0-only
/*
 * Telling root: messages in slot SINT0 of a root VP. There are three sources:
 * VPs that something happened to, queued at an LP, event rings that have got
 * an entry, and calls that are complete. A slot holds one message; the next
 * is written when its reader says that it is free (EOM).
 */
#include <openhv/atomic.h>
#include <openhv/partition.h>
#include <openhv/ring.h>
#include <openhv/root.h>
#include <openhv/sched.h>
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

bool notify_root(struct vp *vp)
{
	struct lp *lp = lp_to_tell();

	if (atomic_xchg(&vp->notify_queued, 1))
		return false;
	spin_lock(&lp->notify_lock);
	vp->notify_lp = lp;
	vp->root_signal_count++;
	list_add_tail(&vp->notify_node, &lp->notify);
	spin_unlock(&lp->notify_lock);
	root_messages_pump(lp->root_vp);
	return true;
}

void notify_forget(struct vp *vp)
{
	struct lp *lp;

	while ((lp = READ_ONCE(vp->notify_lp)) != NULL) {
		spin_lock(&lp->notify_lock);
		if (READ_ONCE(vp->notify_lp) == lp) {
			list_del(&vp->notify_node);
			spin_unlock(&lp->notify_lock);
			return;
		}
		spin_unlock(&lp->notify_lock);
	}
}

struct vp *notify_take(struct lp *lp)
{
	struct vp *vp;

	if (list_empty(&lp->notify))
		return NULL;
	vp = list_first_entry(&lp->notify, struct vp, notify_node);
	list_del(&vp->notify_node);
	store_release(&vp->notify_queued, 0);
	return vp;
}

/* Of which partitions a call is complete, by their slots; whichever LP can tells root. */
static struct {
	struct spinlock lock;
	u32 count;
	u32 slots[PARTITION_MAX / 32];
} completions;

bool notify_completion(struct partition *p, hv_status_t status)
{
	struct lp *lp = lp_to_tell();
	bool free;

	if (!can_tell(lp))
		return false;
	spin_lock(&completions.lock);
	free = !bitmap_test(completions.slots, p->slot);
	if (free) {
		p->completion = status;
		bitmap_set_atomic(completions.slots, p->slot);
		WRITE_ONCE(completions.count, completions.count + 1);
	}
	spin_unlock(&completions.lock);
	if (free)
		root_messages_pump(lp->root_vp);
	return free;
}

/* completions.lock is held. */
static void completion_done(u32 slot)
{
	if (bitmap_clear_atomic(completions.slots, slot))
		WRITE_ONCE(completions.count, completions.count - 1);
}

void notify_forget_completion(struct partition *p)
{
	spin_lock(&completions.lock);
	completion_done(p->slot);
	spin_unlock(&completions.lock);
}

/* Another LP's SINT0 has gone away with VPs in its queue: take them over. */
static void move_queue(struct lp *from, struct lp *to)
{
	struct lp *first = from->index < to->index ? from : to;
	struct lp *second = first == from ? to : from;
	struct vp *vp, *next;

	spin_lock(&first->notify_lock);
	spin_lock(&second->notify_lock);
	list_for_each_entry_safe(vp, next, &from->notify, notify_node) {
		list_del(&vp->notify_node);
		WRITE_ONCE(vp->notify_lp, to);
		list_add_tail(&vp->notify_node, &to->notify);
	}
	spin_unlock(&second->notify_lock);
	spin_unlock(&first->notify_lock);
}

static void tell_of_ring(struct vp *vp, u32 sint)
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

static void tell_of_vps(struct lp *lp)
{
	struct hv_message msg;

	memset(&msg, 0, sizeof(msg));
	spin_lock(&lp->notify_lock);
	if (!list_empty(&lp->notify))
		sched->compose(lp, &msg);
	spin_unlock(&lp->notify_lock);
	if (msg.header.message_type != HVMSG_NONE)
		synic_post(lp->root_vp, HV_SYNIC_INTERCEPTION_SINT_INDEX, &msg);
}

static void tell_of_completion(struct lp *lp)
{
	struct hv_async_completion_message_payload *m;
	struct hv_message msg;
	u32 slot;

	memset(&msg, 0, sizeof(msg));
	m = (struct hv_async_completion_message_payload *)msg.u.payload;
	spin_lock(&completions.lock);
	for (slot = 0; slot < PARTITION_MAX; slot++) {
		if (bitmap_test(completions.slots, slot)) {
			const struct partition *p = partition_in_slot(slot);

			msg.header.message_type = HVMSG_ASYNC_CALL_COMPLETION;
			msg.header.payload_size = sizeof(*m);
			m->partition_id = p->id;
			m->status = p->completion;
			m->completion_count = 1;
			completion_done(slot);
			break;
		}
	}
	spin_unlock(&completions.lock);
	if (msg.header.message_type != HVMSG_NONE)
		synic_post(lp->root_vp, HV_SYNIC_INTERCEPTION_SINT_INDEX, &msg);
}

static bool has_messages(const struct lp *lp)
{
	return READ_ONCE(lp->root_vp->synic.ring_notify) || !list_empty(&lp->notify) ||
	       READ_ONCE(completions.count);
}

void root_messages_pump(struct vp *vp)
{
	struct lp *lp = lps[vp->index];
	u32 sint;

	if (!can_tell(lp)) {
		struct lp *other = lp_to_tell();

		if (other == lp || !can_tell(other))
			return;
		if (list_empty(&lp->notify) && !READ_ONCE(completions.count))
			return;
		move_queue(lp, other);
		lp = other;
	}
	spin_lock(&lp->pump_lock);
	/* A slot that is not free is marked, and its reader's EOM brings us back. */
	while (has_messages(lp) &&
	       synic_slot_claim(lp->root_vp, HV_SYNIC_INTERCEPTION_SINT_INDEX)) {
		if (ring_wants_message(lp->root_vp, &sint))
			tell_of_ring(lp->root_vp, sint);
		else if (READ_ONCE(completions.count))
			tell_of_completion(lp);
		else
			tell_of_vps(lp);
	}
	spin_unlock(&lp->pump_lock);
}
