// SPDX-License-Identifier: GPL-2.0-only
/*
 * Event rings: the way of doorbells to root. One ring a SINT and root VP; the
 * producer is here, the consumer is root's driver.
 *
 * The producer stores an entry, then looks whether the consumer wants to be
 * told (signal_masked); the consumer clears signal_masked, then looks for an
 * entry once more. Both have a full barrier in between.
 */
#include <openhv/atomic.h>
#include <openhv/partition.h>
#include <openhv/ports.h>
#include <openhv/ring.h>
#include <openhv/root.h>

/*
 * Ports that found their ring full, as a bitmap: coalesced, as an event is
 * nothing but "at least once".
 */
static u32 pending[RING_PORTS / 32];
static u32 pending_any;

static struct hv_synic_event_ring *ring_of(struct vp *vp, u32 sint)
{
	struct synic *s = &vp->synic;

	if (!(s->scontrol & HV_SYNIC_CONTROL_ENABLE) || !s->sirbp.page)
		return NULL;
	return &((struct hv_synic_event_ring_page *)s->sirbp.page)->sint_event_ring[sint];
}

/*
 * Remember a port that found no room. The consumer clears ring_full, calls
 * ring_retry() and looks at the ring again; so the port is remembered first,
 * and the ring looked at again last.
 */
static void remember(u32 port)
{
	bitmap_set_atomic(pending, port);
	WRITE_ONCE(pending_any, 1);
	/* Remembered first, then the look at the ring */
	smp_mb();
}

/* Returns: false if there is no ring or no room */
static bool push(struct vp *vp, u32 sint, u32 port, bool *notify)
{
	struct synic *s = &vp->synic;
	struct hv_synic_event_ring *ring;
	bool room = false;
	u8 head;

	spin_lock(&s->lock);
	ring = ring_of(vp, sint);
	if (ring && !(READ_ONCE(s->sint[sint]) & HV_SYNIC_SINT_MASKED)) {
		head = s->ring_head[sint];
		room = !READ_ONCE(ring->data[head]);
		if (!room) {
			remember(port);
			WRITE_ONCE(ring->ring_full, 1);
			/* ring_full first, then the look at the ring */
			smp_mb();
			room = !READ_ONCE(ring->data[head]);
			if (room)
				bitmap_clear_atomic(pending, port);
		}
		if (room) {
			store_release(&ring->data[head], port);
			s->ring_head[sint] = (head + 1) % HV_SYNIC_EVENT_RING_MESSAGE_COUNT;
			/* The port first, then the look at the mask */
			smp_mb();
			if (!READ_ONCE(ring->signal_masked)) {
				s->ring_notify |= TLFS_BIT(sint);
				*notify = true;
			}
		}
	} else {
		remember(port);
	}
	spin_unlock(&s->lock);
	return room;
}

void ring_push(u32 sint, u32 target, u32 port)
{
	struct lp *lp = lp_self();
	struct vp *vp = lp->root_vp;
	bool notify = false, done;
	u32 i;

	if (target != HV_ANY_VP && target < lp_count)
		vp = lps[target]->root_vp;
	done = push(vp, sint, port, &notify);
	/* The ring of this processor may be off: root has taken it offline. */
	for (i = 0; !done && target == HV_ANY_VP && i < lp_count; i++) {
		if (ring_of(lps[i]->root_vp, sint) && !ring_of(vp, sint)) {
			vp = lps[i]->root_vp;
			done = push(vp, sint, port, &notify);
			if (done)
				ring_forget(port);
		}
	}
	if (notify)
		root_messages_pump(vp);
}

void ring_retry(struct vp *vp, u32 sint)
{
	bool notify = false;
	u32 i, port;

	if (!atomic_xchg(&pending_any, 0))
		return;
	for (i = 0; i < ARRAY_SIZE(pending); i++) {
		while (READ_ONCE(pending[i])) {
			port = i * 32 + __builtin_ctz(READ_ONCE(pending[i]));
			/* Cleared first: what comes meanwhile is a new event. */
			bitmap_clear_atomic(pending, port);
			if (!push(vp, sint, port, &notify))
				goto out;
		}
	}
out:
	if (notify)
		root_messages_pump(vp);
}

void ring_forget(u32 port)
{
	if (port < RING_PORTS)
		bitmap_clear_atomic(pending, port);
}

bool ring_wants_message(struct vp *vp, u32 *sint)
{
	struct synic *s = &vp->synic;
	bool wants = false;

	spin_lock(&s->lock);
	if (s->ring_notify) {
		*sint = __builtin_ctz(s->ring_notify);
		s->ring_notify &= ~TLFS_BIT(*sint);
		wants = true;
	}
	spin_unlock(&s->lock);
	return wants;
}
