// SPDX-License-Identifier: GPL-2.0-only
/*
 * The consumer's side of an event ring (TLFS, "Event Ring"). The producer sends a
 * notification only while the ring is not masked, so unmasking it and looking
 * once more belong together, with a full barrier in between.
 */
#include <linux/compiler.h>
#include <asm/barrier.h>

#include <tlfs/synic.h>

#include "hvcalls.h"
#include "port.h"
#include "synic.h"

#define RING_SIZE	HV_SYNIC_EVENT_RING_MESSAGE_COUNT

/*
 * Put the tail where the next event is. It is there already, unless the
 * hypervisor's own index was not what we took it for when the ring was turned on.
 */
static u32 ring_peek(struct mshv_event_ring *ring)
{
	unsigned int i;

	for (i = 0; i < RING_SIZE; i++) {
		u8 at = (ring->tail + i) % RING_SIZE;
		u32 port = READ_ONCE(ring->ring->data[at]);

		if (port) {
			ring->tail = at;
			return port;
		}
	}

	return 0;
}

/* Take the next event; 0 if there is none, and a notification will come of the next. */
static u32 ring_take(struct mshv_event_ring *ring)
{
	u32 port = ring_peek(ring);

	if (!port && READ_ONCE(ring->ring->ring_full)) {
		WRITE_ONCE(ring->ring->ring_full, 0);
		mshv_hvcall_notify_port_ring_empty(HV_SYNIC_DOORBELL_SINT_INDEX);
		port = ring_peek(ring);
	}
	if (!port) {
		WRITE_ONCE(ring->ring->signal_masked, 0);
		/* The producer writes an event and then looks whether the ring is masked. */
		mb();
		port = ring_peek(ring);
		if (!port)
			return 0;
	}
	WRITE_ONCE(ring->ring->signal_masked, 1);
	WRITE_ONCE(ring->ring->data[ring->tail], 0);
	ring->tail = (ring->tail + 1) % RING_SIZE;

	return port;
}

bool mshv_doorbell_drain(struct mshv_event_ring *ring)
{
	unsigned int i;
	u32 port;

	if (!ring->ring)
		return true;

	for (i = 0; i < RING_SIZE; i++) {
		port = ring_take(ring);
		if (!port)
			return true;
		mshv_port_signal(port);
	}

	return false;
}
