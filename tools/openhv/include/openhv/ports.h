/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Ports, connections and doorbells (TLFS, "Inter-Partition Communication").
 */
#ifndef OPENHV_PORTS_H
#define OPENHV_PORTS_H

#include <openhv/types.h>
#include <tlfs/synic.h>

struct partition;
struct vp;

/* The hypercalls of the same names; the caller is the root partition. */
hv_status_t port_create(struct partition *owner, const struct hv_input_create_port *in);
hv_status_t port_delete(struct partition *owner, u32 id);
hv_status_t port_connect(struct partition *from, struct partition *owner,
			 const struct hv_input_connect_port *in);
hv_status_t port_disconnect(struct partition *from, u32 id);

/* HVCALL_POST_MESSAGE and HVCALL_SIGNAL_EVENT of a partition */
hv_status_t connection_post(struct partition *from, const struct hv_input_post_message *in);
hv_status_t connection_signal(struct partition *from, u32 id, u32 flag);

/* Whether a partition has a doorbell at an address. */
bool doorbell_near(struct partition *p, u64 gpa);

/**
 * doorbell_ring() - a guest stores to an unmapped address
 * @p: the guest's partition
 * @gpa: where
 * @value: what
 * @size: bytes
 *
 * Returns: true if a doorbell was waiting for just that
 */
bool doorbell_ring(struct partition *p, u64 gpa, u64 value, u32 size);

/* HVCALL_NOTIFY_PORT_RING_EMPTY: ports that found a ring full try again. */
hv_status_t ring_empty(struct vp *vp, u32 sint);

/* All ports and connections of a partition that goes away */
void ports_destroy(struct partition *p);

#endif /* OPENHV_PORTS_H */
