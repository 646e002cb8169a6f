/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Registers of a VP's local APIC, at APIC_*, for tests in which none may be
 * refused.
 */
#ifndef HOST_APIC_H
#define HOST_APIC_H

#include <openhv/vlapic.h>
#include "machine.h"

static inline u32 rd(struct vp *vp, u32 reg)
{
	u32 value = 0xDEADBEEF;

	if (!vlapic_read(&vp->apic, reg, &value))
		host_fail("APIC register %x cannot be read", reg);
	return value;
}

static inline void wr(struct vp *vp, u32 reg, u32 value)
{
	if (!vlapic_write(&vp->apic, reg, value))
		host_fail("APIC register %x cannot be written", reg);
}

#endif /* HOST_APIC_H */
