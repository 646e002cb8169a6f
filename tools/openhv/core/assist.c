// SPDX-License-Identifier: GPL-2.0-only
/*
 * EOI assist (TLFS, "EOI Assist"): an exit saved for each interrupt.
 *
 * The bit may be set while the interrupt on offer is the only one that waits,
 * none is in service and it is edge-triggered: then its EOI changes nothing
 * that we have to know at once. When another one arrives before the EOI, the
 * bit is taken back, and the guest writes EOI in the ordinary way.
 */
#include <openhv/atomic.h>
#include <openhv/run.h>

static struct hv_vp_assist_page *page_of(struct vp *vp)
{
	return vp->assist.page;
}

static bool only_one_waits(const struct vlapic *apic, int *vector)
{
	u32 i, found = 0;

	for (i = 0; i < 8; i++) {
		u32 w = READ_ONCE(apic->irr[i]);

		if (apic->isr[i])
			return false;
		if (!w)
			continue;
		if (found++ || w & (w - 1))
			return false;
		*vector = i * 32 + __builtin_ctz(w);
	}
	return found == 1;
}

static bool something_waits(const struct vlapic *apic)
{
	u32 i;

	for (i = 0; i < 8; i++) {
		if (READ_ONCE(apic->irr[i]))
			return true;
	}
	return false;
}

static bool in_service(const struct vlapic *apic)
{
	u32 i;

	for (i = 0; i < 8; i++) {
		if (apic->isr[i])
			return true;
	}
	return false;
}

/* After the next interrupt the guest shall write EOI; if it has used the bit, that was one. */
static void take_back(struct vp *vp)
{
	vp->assist_armed = false;
	if (!(atomic_and(&page_of(vp)->apic_assist, ~HV_APIC_ASSIST_NO_EOI_REQUIRED) &
	      HV_APIC_ASSIST_NO_EOI_REQUIRED) && in_service(&vp->apic))
		vlapic_eoi(&vp->apic);
}

void apic_assist_reconsider(struct vp *vp)
{
	struct vlapic *apic = &vp->apic;
	int vector;

	if (!vp->assist_armed || !page_of(vp))
		return;
	if (in_service(apic) ? !something_waits(apic) : only_one_waits(apic, &vector))
		return;
	/* Something came since. */
	take_back(vp);
}

bool apic_assist_msr_write(struct vp *vp, u64 value)
{
	if (value == vp->assist.msr)
		return true;
	if (vp->assist_armed && page_of(vp))
		take_back(vp);
	if (!synic_page_write(vp, &vp->assist, value))
		return false;
	/* What its memory was left with, when it was in use before, promises nothing. */
	apic_assist_forget(vp);
	return true;
}

void apic_assist_forget(struct vp *vp)
{
	vp->assist_armed = false;
	if (page_of(vp))
		atomic_and(&page_of(vp)->apic_assist, ~HV_APIC_ASSIST_NO_EOI_REQUIRED);
}

void apic_assist_arm(struct vp *vp)
{
	struct hv_vp_assist_page *page = page_of(vp);
	struct vlapic *apic = &vp->apic;
	int vector;

	if (vp->assist_armed || !page || vp->offered_extint || !only_one_waits(apic, &vector))
		return;
	if (bitmap_test(apic->tmr, vector) || bitmap_test(apic->physical, vector) ||
	    synic_auto_eoi(vp, vector))
		return;
	vp->assist_armed = true;
	atomic_or(&page->apic_assist, HV_APIC_ASSIST_NO_EOI_REQUIRED);
}

void apic_assist_collect(struct vp *vp)
{
	struct hv_vp_assist_page *page = page_of(vp);
	struct vlapic *apic = &vp->apic;

	if (!vp->assist_armed)
		return;
	if (!page) {
		vp->assist_armed = false;
		return;
	}
	if (READ_ONCE(page->apic_assist) & HV_APIC_ASSIST_NO_EOI_REQUIRED)
		return;
	/* Taken and done, or cleared by an EOI for nothing. */
	vp->assist_armed = false;
	if (in_service(apic))
		vlapic_eoi(apic);
}
