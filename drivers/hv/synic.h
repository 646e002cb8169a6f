/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MSHV_SYNIC_H
#define MSHV_SYNIC_H

#include <linux/types.h>

#include <tlfs/message.h>
#include <tlfs/synic.h>

/* synic.c */

/**
 * mshv_synic_init() - set up the SynIC of every CPU, now and as it comes online
 *
 * Return: 0; a negative errno.
 */
int mshv_synic_init(void);

/**
 * mshv_synic_exit() - undo mshv_synic_init()
 *
 * No message is handled after this. May sleep.
 */
void mshv_synic_exit(void);

/**
 * mshv_synic_crash() - turn the SynIC of this CPU off on the way to a crash kernel
 *
 * The hypervisor must not write messages to memory that is another kernel's.
 */
void mshv_synic_crash(void);

/* message.c */

/**
 * struct mshv_event_ring - the consumer's side of an event ring
 * @ring: shared with the hypervisor
 * @tail: where the next event is
 */
struct mshv_event_ring {
	struct hv_synic_event_ring *ring;
	u8 tail;
};

/**
 * mshv_message_handle() - act on a message of the hypervisor's
 * @message: in this CPU's slot; what it says is not trusted to be well formed
 *
 * Called in interrupt context.
 *
 * Return: true if the message says that there are doorbell events.
 */
bool mshv_message_handle(const struct hv_message *message);

/* doorbell.c */

/**
 * mshv_doorbell_drain() - take events out of a CPU's ring, and signal their ports
 * @ring: this CPU's
 *
 * Called with interrupts disabled.
 *
 * Return: true if the ring is empty; false if there may be more, which will not be
 * notified of: call again, soon.
 */
bool mshv_doorbell_drain(struct mshv_event_ring *ring);

#endif /* MSHV_SYNIC_H */
