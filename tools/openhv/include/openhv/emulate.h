/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Accesses to memory that is not there: the guest's local APIC page,
 * doorbells, and the operand of memory intercepts.
 */
#ifndef OPENHV_EMULATE_H
#define OPENHV_EMULATE_H

#include <openhv/types.h>

struct vp;
struct hv_x64_memory_intercept_message;

/**
 * vp_emulate_mmio() - carry out a VP's access to an unmapped address
 * @vp: the VP, owned, with the exit of the access
 *
 * Returns: true if the access was one to the local APIC or a doorbell's, and
 * has been carried out
 */
bool vp_emulate_mmio(struct vp *vp);

/* Fill in the guest virtual address of an access, where it can be told. */
void memory_operand_gva(struct vp *vp, struct hv_x64_memory_intercept_message *m);

#endif /* OPENHV_EMULATE_H */
