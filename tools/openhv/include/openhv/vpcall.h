/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Hypercalls that look into a VP.
 */
#ifndef OPENHV_VPCALL_H
#define OPENHV_VPCALL_H

#include <openhv/types.h>

struct hvcall;
struct partition;
struct vp;

struct vpcall {
	struct partition *partition;
	struct vp *vp;
	bool own;			/* it is the caller itself */
};

/**
 * vpcall_begin() - find a VP and own it
 * @c: the call
 * @id: partition ID
 * @index: VP index; HV_VP_INDEX_SELF is the caller
 * @vtl: input VTL field
 * @vc: receives the VP, all of whose state is in memory, with what its parent
 *	has written to the register page
 */
hv_status_t vpcall_begin(struct hvcall *c, u64 id, u32 index, u8 vtl, struct vpcall *vc);
/* Let go; the register page shows what has changed. */
void vpcall_end(struct vpcall *vc);

/* HVCALL_CREATE_VP of root's own: the LP has been added before. */
hv_status_t root_create_vp(u32 index, u64 lp_index);

#endif /* OPENHV_VPCALL_H */
