// SPDX-License-Identifier: GPL-2.0-only
/*
 * Synthetic MSRs (TLFS, "Synthetic MSRs").
 */
#include <asm/cpu.h>
#include <asm/x86.h>
#include <openhv/features.h>
#include <openhv/log.h>
#include <openhv/root.h>
#include <openhv/run.h>
#include <openhv/string.h>
#include <tlfs/cpuid.h>
#include <tlfs/msr.h>
#include <tlfs/partition.h>

/* The privilege (CPUID 0x40000003 EAX) that an MSR needs; 0: none exists for it */
static u32 privilege_of(u32 msr)
{
	switch (msr) {
	case HV_X64_MSR_GUEST_OS_ID:
	case HV_X64_MSR_HYPERCALL:
		return HV_ACCESS_HYPERCALL_REGS;
	case HV_X64_MSR_VP_INDEX:
		return HV_ACCESS_VP_INDEX;
	case HV_X64_MSR_RESET:
		return HV_ACCESS_RESET_REG;
	case HV_X64_MSR_VP_RUNTIME:
		return HV_ACCESS_VP_RUNTIME;
	case HV_X64_MSR_TIME_REF_COUNT:
		return HV_ACCESS_PARTITION_REFERENCE_COUNTER;
	case HV_X64_MSR_REFERENCE_TSC:
		return HV_ACCESS_PARTITION_REFERENCE_TSC;
	case HV_X64_MSR_TSC_FREQUENCY:
	case HV_X64_MSR_APIC_FREQUENCY:
		return HV_ACCESS_FREQUENCY_REGS;
	case HV_X64_MSR_EOI ... HV_X64_MSR_VP_ASSIST_PAGE:
		return HV_ACCESS_INTR_CTRL_REGS;
	case HV_X64_MSR_SCONTROL ... HV_X64_MSR_SIRBP:
	case HV_X64_MSR_SINT0 ... HV_X64_MSR_SINT15:
		return HV_ACCESS_SYNIC_REGS;
	case HV_X64_MSR_STIMER0_CONFIG ... HV_X64_MSR_STIMER3_COUNT:
		return HV_ACCESS_SYNTHETIC_TIMER_REGS;
	case HV_X64_MSR_GUEST_IDLE:
		return HV_ACCESS_GUEST_IDLE_REG;
	case HV_X64_MSR_TSC_INVARIANT_CONTROL:
		return HV_ACCESS_TSC_INVARIANT;
	case HV_X64_MSR_CRASH_P0 ... HV_X64_MSR_CRASH_CTL:
		/* Whoever has the hypercall MSRs has these. */
		return HV_ACCESS_HYPERCALL_REGS;
	}
	return 0;
}

static bool allowed(const struct vp *vp, u32 msr, bool host)
{
	u32 privilege = privilege_of(msr);

	return privilege && (host || vp->partition->privileges & privilege);
}

enum msr_result vp_hv_msr_read(struct vp *vp, u32 msr, u64 *value, bool host)
{
	struct partition *p = vp->partition;
	u32 v;

	if (!allowed(vp, msr, host))
		return MSR_FAULT;
	switch (msr) {
	case HV_X64_MSR_GUEST_OS_ID:
		*value = p->guest_os_id;
		return MSR_OK;
	case HV_X64_MSR_HYPERCALL:
		*value = p->hypercall;
		return MSR_OK;
	case HV_X64_MSR_VP_INDEX:
		*value = vp->index;
		return MSR_OK;
	case HV_X64_MSR_RESET:
		*value = 0;
		return MSR_OK;
	case HV_X64_MSR_VP_RUNTIME:
		*value = tsc_to_100ns(vp->run_time);
		return MSR_OK;
	case HV_X64_MSR_TIME_REF_COUNT:
		*value = partition_time(p);
		return MSR_OK;
	case HV_X64_MSR_REFERENCE_TSC:
		*value = p->reference_tsc;
		return MSR_OK;
	case HV_X64_MSR_TSC_FREQUENCY:
		*value = tsc_hz;
		return MSR_OK;
	case HV_X64_MSR_APIC_FREQUENCY:
		*value = apic_timer_hz;
		return MSR_OK;
	case HV_X64_MSR_EOI:
		return MSR_FAULT;	/* write-only */
	case HV_X64_MSR_ICR:
		*value = vp->apic.icr;
		return MSR_OK;
	case HV_X64_MSR_TPR:
		if (!vlapic_read(&vp->apic, APIC_TPR, &v))
			return MSR_FAULT;
		*value = v;
		return MSR_OK;
	case HV_X64_MSR_VP_ASSIST_PAGE:
		*value = vp->assist.msr;
		return MSR_OK;
	case HV_X64_MSR_SCONTROL ... HV_X64_MSR_SIRBP:
	case HV_X64_MSR_SINT0 ... HV_X64_MSR_SINT15:
		return synic_msr_read(vp, msr, value) ? MSR_OK : MSR_FAULT;
	case HV_X64_MSR_STIMER0_CONFIG ... HV_X64_MSR_STIMER3_COUNT:
		*value = stimer_read(vp, msr - HV_X64_MSR_STIMER0_CONFIG);
		return MSR_OK;
	case HV_X64_MSR_GUEST_IDLE:
		/* Reading it idles the VP until something is pending, whatever RFLAGS.IF. */
		if (!host)
			vp->idle = true;
		*value = 0;
		return MSR_OK;
	case HV_X64_MSR_CRASH_P0 ... HV_X64_MSR_CRASH_P4:
		*value = p->crash[msr - HV_X64_MSR_CRASH_P0];
		return MSR_OK;
	case HV_X64_MSR_CRASH_CTL:
		*value = HV_CRASH_CTL_CRASH_NOTIFY | HV_CRASH_CTL_CRASH_NOTIFY_MSG;
		return MSR_OK;
	case HV_X64_MSR_TSC_INVARIANT_CONTROL:
		*value = p->tsc_invariant;
		return MSR_OK;
	}
	return MSR_FAULT;
}

static void hypercall_page_off(struct partition *p)
{
	overlay_clear(&p->gpamap, &p->hypercall_overlay);
	p->hypercall &= ~HV_MSR_PAGE_ENABLE;
}

static enum msr_result write_guest_os_id(struct partition *p, u64 value)
{
	p->guest_os_id = value;
	/* Without an identity there are no hypercalls. */
	if (!value && !partition_is_root(p))
		hypercall_page_off(p);
	if (!value)
		p->hypercall &= ~(HV_MSR_PAGE_ENABLE | HV_X64_MSR_HYPERCALL_LOCKED);
	return MSR_OK;
}

static enum msr_result write_hypercall(struct partition *p, u64 value)
{
	u64 pfn = value >> HV_MSR_PAGE_PFN_SHIFT;

	if (p->hypercall & HV_X64_MSR_HYPERCALL_LOCKED || pfn >= p->gpamap.max_pfn)
		return MSR_FAULT;
	/* Without an identity the enable bit does not take. */
	if (!p->guest_os_id)
		value &= ~HV_MSR_PAGE_ENABLE;
	if (partition_is_root(p) && pfn == virt_to_phys(hypercall_page) >> PAGE_SHIFT) {
		p->hypercall = value;
		return MSR_OK;
	}
	hypercall_page_off(p);
	p->hypercall = value;
	if (!(value & HV_MSR_PAGE_ENABLE))
		return MSR_OK;
	if (overlay_set(&p->gpamap, &p->hypercall_overlay, pfn, hypercall_page,
			GPA_READ | GPA_EXEC)) {
		p->hypercall &= ~HV_MSR_PAGE_ENABLE;
		return MSR_FAULT;
	}
	return MSR_OK;
}

static enum msr_result write_reference_tsc(struct partition *p, u64 value)
{
	u64 pfn = value >> HV_MSR_PAGE_PFN_SHIFT;

	if (pfn >= p->gpamap.max_pfn)
		return MSR_FAULT;
	if (partition_is_root(p) && pfn == virt_to_phys(reference_tsc_page) >> PAGE_SHIFT) {
		p->reference_tsc = value;
		return MSR_OK;
	}
	overlay_clear(&p->gpamap, &p->tsc_overlay);
	p->reference_tsc = value;
	if (!(value & HV_MSR_PAGE_ENABLE))
		return MSR_OK;
	if (!p->tsc_page ||
	    overlay_set(&p->gpamap, &p->tsc_overlay, pfn, p->tsc_page, GPA_READ)) {
		p->reference_tsc &= ~HV_MSR_PAGE_ENABLE;
		return MSR_FAULT;
	}
	partition_tsc_page(p, p->tsc_page);
	return MSR_OK;
}

static enum msr_result write_crash(struct vp *vp, u32 msr, u64 value, bool host)
{
	struct partition *p = vp->partition;

	p->crash[msr - HV_X64_MSR_CRASH_P0] = value;
	/* A parent that writes back what it has read reports nothing. */
	if (host || msr != HV_X64_MSR_CRASH_CTL || !(value & HV_CRASH_CTL_CRASH_NOTIFY))
		return MSR_OK;
	log_warn("partition %llu VP %u reports a crash: %llx %llx %llx %llx %llx", p->id, vp->index,
		 p->crash[0], p->crash[1], p->crash[2], p->crash[3], p->crash[4]);
	return MSR_OK;
}

enum msr_result vp_hv_msr_write(struct vp *vp, u32 msr, u64 value, bool host)
{
	struct partition *p = vp->partition;
	enum msr_result r = MSR_OK;
	bool root_left;

	if (!allowed(vp, msr, host))
		return MSR_FAULT;
	switch (msr) {
	case HV_X64_MSR_GUEST_OS_ID:
	case HV_X64_MSR_HYPERCALL:
	case HV_X64_MSR_REFERENCE_TSC:
		/* The partition's, not the VP's */
		spin_lock(&p->lock);
		/* A kernel tells its identity once: that is its last word, or another's first. */
		root_left = msr == HV_X64_MSR_GUEST_OS_ID && partition_is_root(p) && p->guest_os_id;
		if (msr == HV_X64_MSR_GUEST_OS_ID)
			r = write_guest_os_id(p, value);
		else if (msr == HV_X64_MSR_HYPERCALL)
			r = write_hypercall(p, value);
		else
			r = write_reference_tsc(p, value);
		spin_unlock(&p->lock);
		if (root_left)
			root_leave();
		return r;
	case HV_X64_MSR_RESET:
		if (value & 1 && !host)
			vp_request(vp, VP_REQ_INIT);
		return MSR_OK;
	case HV_X64_MSR_EOI:
		vlapic_eoi(&vp->apic);
		return MSR_OK;
	case HV_X64_MSR_ICR:
		if (vlapic_x2apic(&vp->apic))
			return vlapic_msr_write(&vp->apic, MSR_X2APIC_FIRST + APIC_ICR_LOW / 16,
						value) ? MSR_OK : MSR_FAULT;
		vlapic_write(&vp->apic, APIC_ICR_HIGH, upper_32(value));
		vlapic_write(&vp->apic, APIC_ICR_LOW, lower_32(value));
		return MSR_OK;
	case HV_X64_MSR_TPR:
		if (value & ~0xFFUL)
			return MSR_FAULT;
		vlapic_write(&vp->apic, APIC_TPR, value);
		return MSR_OK;
	case HV_X64_MSR_VP_ASSIST_PAGE:
		return apic_assist_msr_write(vp, value) ? MSR_OK : MSR_FAULT;
	case HV_X64_MSR_SCONTROL ... HV_X64_MSR_SIRBP:
	case HV_X64_MSR_SINT0 ... HV_X64_MSR_SINT15:
		return synic_msr_write(vp, msr, value, host) ? MSR_OK : MSR_FAULT;
	case HV_X64_MSR_STIMER0_CONFIG ... HV_X64_MSR_STIMER3_COUNT:
		return stimer_write(vp, msr - HV_X64_MSR_STIMER0_CONFIG, value) ? MSR_OK :
		       MSR_FAULT;
	case HV_X64_MSR_CRASH_P0 ... HV_X64_MSR_CRASH_CTL:
		return write_crash(vp, msr, value, host);
	case HV_X64_MSR_TSC_INVARIANT_CONTROL:
		if (value & ~1UL)
			return MSR_FAULT;
		p->tsc_invariant = value;
		return MSR_OK;
	}
	/* VP index, times and frequencies are read-only; the parent may write them back. */
	return host ? MSR_OK : MSR_FAULT;
}
