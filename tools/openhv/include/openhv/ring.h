/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Event rings of the root partition.
 */
#ifndef OPENHV_RING_H
#define OPENHV_RING_H

#include <openhv/types.h>

struct vp;

/* Doorbell ports have IDs below this. */
#define RING_PORTS	65536

/**
 * ring_push() - tell root that a doorbell was rung
 * @sint: ring, the number of its SINT
 * @target: root VP, or HV_ANY_VP for the one where it happened
 * @port: port ID
 *
 * If the ring is full the port is remembered until there is room.
 */
void ring_push(u32 sint, u32 target, u32 port);

/* Ports that were remembered for this VP's ring try again. */
void ring_retry(struct vp *vp, u32 sint);

/* A port is gone: forget it where it was remembered. */
void ring_forget(u32 port);

/* Whether a ring of this VP waits for its notification message to be written. */
bool ring_wants_message(struct vp *vp, u32 *sint);

#endif /* OPENHV_RING_H */
