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

void apic_assist_reconsider(struct vp *vp)
{
	struct hv_vp_assist_page *page = page_of(vp);
	struct vlapic *apic = &vp->apic;
	bool serving;
	int vector;

	if (!vp->assist_armed || !page)
		return;
	serving = in_service(apic);
	if (serving ? !something_waits(apic) : only_one_waits(apic, &vector))
		return;
	/* Something came since: after the next interrupt the guest shall write EOI. */
	vp->assist_armed = false;
	if (!(atomic_and(&page->apic_assist, ~HV_APIC_ASSIST_NO_EOI_REQUIRED) &
	      HV_APIC_ASSIST_NO_EOI_REQUIRED) && serving)
		vlapic_eoi(apic);
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
