// SPDX-License-Identifier: GPL-2.0-only
/*
 * Delivery of interrupts to local APICs: destinations, and what each delivery
 * mode does (APM vol. 2, 16.5 and 16.6).
 */
#include <openhv/atomic.h>
#include <openhv/partition.h>
#include <openhv/vlapic.h>
#include <tlfs/interrupt.h>

static bool match_logical(const struct vlapic *apic, u32 dest)
{
	if (vlapic_x2apic(apic)) {
		/* Cluster in the high half, a bit a member in the low half */
		return dest >> 16 == apic->id >> 4 && dest & (1U << (apic->id & 0xF));
	}
	if (apic->dfr >> 28 == 0xF)		/* flat */
		return apic->ldr >> 24 & dest & 0xFF;
	/* cluster: a cluster of 15 means all of them */
	if ((dest >> 4 & 0xF) != 0xF && (dest >> 4 & 0xF) != apic->ldr >> 28)
		return false;
	return apic->ldr >> 24 & dest & 0xF;
}

static bool matches(const struct vlapic *apic, bool logical, u32 dest, bool x2apic)
{
	if (!vlapic_enabled(apic))
		return false;
	if (dest == (x2apic ? APIC_BROADCAST_X2APIC : APIC_BROADCAST_XAPIC))
		return true;
	return logical ? match_logical(apic, dest) : apic->id == dest;
}

static void deliver_one(struct vp *vp, u32 delivery, u8 vector, bool level)
{
	switch (delivery) {
	case HV_X64_INTERRUPT_TYPE_FIXED:
	case HV_X64_INTERRUPT_TYPE_LOWESTPRIORITY:
		vlapic_accept(&vp->apic, vector, level);
		break;
	case HV_X64_INTERRUPT_TYPE_NMI:
		WRITE_ONCE(vp->nmi_pending, 1);
		vp_wake(vp);
		break;
	case HV_X64_INTERRUPT_TYPE_INIT:
		vp_request(vp, VP_REQ_INIT);
		break;
	case HV_X64_INTERRUPT_TYPE_SIPI:
		WRITE_ONCE(vp->sipi_vector, vector);
		vp_request(vp, VP_REQ_SIPI);
		break;
	case HV_X64_INTERRUPT_TYPE_EXTINT:
		vlapic_accept_extint(&vp->apic, vector);
		break;
	}
}

u32 vlapic_deliver(struct partition *p, u32 delivery, u8 vector, bool logical, u32 dest,
		   bool level, bool x2apic)
{
	bool lowest = delivery == HV_X64_INTERRUPT_TYPE_LOWESTPRIORITY;
	u32 i, n = 0;

	if (!p->vps)
		return 0;
	for (i = 0; i < VP_MAX; i++) {
		struct vp *vp = vp_get(p, i);

		if (!vp)
			continue;
		if (matches(&vp->apic, logical, dest, x2apic)) {
			deliver_one(vp, delivery, vector, level);
			n++;
		}
		vp_put(vp);
		/* Lowest priority goes to one of the destinations: the first will do. */
		if (n && (lowest || (!logical && dest != APIC_BROADCAST_X2APIC &&
				     dest != APIC_BROADCAST_XAPIC)))
			break;
	}
	return n;
}

void vlapic_send(struct vp *from, u32 delivery, u8 vector, bool logical, u32 dest, u32 shorthand,
		 bool x2apic)
{
	struct partition *p = from->partition;
	u32 i;

	switch (shorthand) {
	case 0:
		vlapic_deliver(p, delivery, vector, logical, dest, false, x2apic);
		return;
	case 1:
		deliver_one(from, delivery, vector, false);
		return;
	}
	for (i = 0; i < VP_MAX; i++) {
		struct vp *vp = vp_get(p, i);

		if (!vp)
			continue;
		if (vlapic_enabled(&vp->apic) && (shorthand == 2 || vp != from))
			deliver_one(vp, delivery, vector, false);
		vp_put(vp);
	}
}
