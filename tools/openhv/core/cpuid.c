// SPDX-License-Identifier: GPL-2.0-only
/*
 * CPUID of VPs.
 */
#include <asm/cpu.h>
#include <openhv/atomic.h>
#include <openhv/features.h>
#include <openhv/info_page.h>
#include <openhv/options.h>
#include <openhv/root.h>
#include <openhv/run.h>
#include <openhv/string.h>
#include <tlfs/cpuid.h>
#include <tlfs/partition.h>

/* The version that 0x40000002 gives: build, major and minor of the TLFS's time */
#define OPENHV_BUILD		27744
#define OPENHV_VERSION		(10U << 16 | 0)

#define HV_LEAF_MAX		HV_CPUID_CPU_MANAGEMENT_FEATURES

static void host(u32 leaf, u32 subleaf, struct hv_cpuid_result *r)
{
	cpuid_count(leaf, subleaf, &r->eax, &r->ebx, &r->ecx, &r->edx);
}

static u32 root_hints(void)
{
	u32 hints = HV_DEPRECATING_AEOI_RECOMMENDED | HV_X64_RELAXED_TIMING_RECOMMENDED;

	/* Synthetic MSRs always exit; those of an x2APIC that root has itself do not. */
	if (!options.root_shim)
		hints |= HV_X64_APIC_ACCESS_RECOMMENDED;
	return hints;
}

static u32 child_hints(const struct partition *p)
{
	u64 s = p->synthetic_features;
	u32 hints = HV_DEPRECATING_AEOI_RECOMMENDED | HV_X64_RELAXED_TIMING_RECOMMENDED;

	if (s & TLFS_BIT64(HV_SYNTHETIC_FEATURE_ACCESS_INTR_CTRL_REGS_BIT))
		hints |= HV_X64_APIC_ACCESS_RECOMMENDED;
	if (s & TLFS_BIT64(HV_SYNTHETIC_FEATURE_TB_FLUSH_HYPERCALLS_BIT))
		hints |= HV_X64_REMOTE_TLB_FLUSH_RECOMMENDED;
	if (s & TLFS_BIT64(HV_SYNTHETIC_FEATURE_SYNTHETIC_CLUSTER_IPI_BIT))
		hints |= HV_X64_CLUSTER_IPI_RECOMMENDED;
	if (s & TLFS_BIT64(HV_SYNTHETIC_FEATURE_EXTENDED_PROCESSOR_MASKS_BIT))
		hints |= HV_X64_EX_PROCESSOR_MASKS_RECOMMENDED;
	return hints;
}

static void features_leaf(const struct partition *p, struct hv_cpuid_result *r)
{
	u64 s = p->synthetic_features;

	r->eax = lower_32(p->privileges);
	r->ebx = upper_32(p->privileges);
	if (partition_is_root(p)) {
		r->ecx = options.compat < COMPAT_REGISTER_PAGE ? 0 :
			 HV_VP_DISPATCH_INTERRUPT_INJECTION_AVAILABLE;
		r->edx = HV_FEATURE_FREQUENCY_MSRS_AVAILABLE |
			 HV_FEATURE_GUEST_CRASH_MSR_AVAILABLE;
		/* The shim's better timer is the APIC's: the physical one can raise it. */
		if (!options.root_shim)
			r->edx |= HV_STIMER_DIRECT_MODE_AVAILABLE;
		return;
	}
	r->edx = HV_FEATURE_GUEST_CRASH_MSR_AVAILABLE;
	if (s & TLFS_BIT64(HV_SYNTHETIC_FEATURE_ACCESS_FREQUENCY_REGS_BIT))
		r->edx |= HV_FEATURE_FREQUENCY_MSRS_AVAILABLE;
	if (s & TLFS_BIT64(HV_SYNTHETIC_FEATURE_DIRECT_SYNTHETIC_TIMERS_BIT))
		r->edx |= HV_STIMER_DIRECT_MODE_AVAILABLE;
	if (s & TLFS_BIT64(HV_SYNTHETIC_FEATURE_ENABLE_EXTENDED_GVA_RANGES_BIT))
		r->edx |= HV_FEATURE_EXT_GVA_RANGES_FLUSH;
	if (s & TLFS_BIT64(HV_SYNTHETIC_FEATURE_ACCESS_GUEST_IDLE_REG_BIT))
		r->edx |= HV_X64_GUEST_IDLE_STATE_AVAILABLE;
}

static void hypervisor_leaf(const struct partition *p, u32 leaf, struct hv_cpuid_result *r)
{
	memset(r, 0, sizeof(*r));
	switch (leaf) {
	case HV_CPUID_VENDOR_AND_MAX_FUNCTIONS:
		r->eax = HV_LEAF_MAX;
		r->ebx = HV_CPUID_VENDOR_EBX;
		r->ecx = HV_CPUID_VENDOR_ECX;
		r->edx = HV_CPUID_VENDOR_EDX;
		break;
	case HV_CPUID_INTERFACE:
		r->eax = HV_CPUID_SIGNATURE_EAX;
		break;
	case HV_CPUID_VERSION:
		r->eax = OPENHV_BUILD;
		r->ebx = OPENHV_VERSION;
		break;
	case HV_CPUID_FEATURES:
		features_leaf(p, r);
		break;
	case HV_CPUID_ENLIGHTENMENT_INFO:
		r->eax = partition_is_root(p) ? root_hints() : child_hints(p);
		r->ebx = HV_SPIN_NEVER_NOTIFY;
		r->ecx = vcpu_caps.phys_bits;
		break;
	case HV_CPUID_IMPLEMENT_LIMITS:
		r->eax = VP_MAX;
		r->ebx = LP_MAX;
		break;
	case OPENHV_CPUID_SIGNATURE:
		if (!partition_is_root(p))
			break;
		r->eax = OPENHV_CPUID_INFO;
		r->ebx = OPENHV_CPUID_SIGNATURE_EBX;
		r->ecx = OPENHV_CPUID_SIGNATURE_ECX;
		r->edx = OPENHV_CPUID_SIGNATURE_EDX;
		break;
	case OPENHV_CPUID_INFO:
		if (!partition_is_root(p))
			break;
		r->eax = virt_to_phys(openhv_info) >> PAGE_SHIFT;
		r->ebx = openhv_info_pages;
		r->ecx = OPENHV_INFO_VERSION;
		break;
	}
}

static bool hypervisor_present(const struct partition *p)
{
	return partition_is_root(p) ||
	       p->synthetic_features & TLFS_BIT64(HV_SYNTHETIC_FEATURE_HYPERVISOR_PRESENT_BIT);
}

/* Bits that follow the VP's state */
static void dynamic_bits(struct vp *vp, u32 leaf, struct hv_cpuid_result *r)
{
	if (leaf == 1) {
		r->ebx = (r->ebx & 0x00FFFFFF) | vp->apic.id << 24;
		r->ecx &= ~BIT(27);
		if (vcpu_get_cr(&vp->vcpu, 4) & CR4_OSXSAVE)
			r->ecx |= BIT(27);
		if (!vlapic_enabled(&vp->apic))
			r->edx &= ~BIT(9);
	} else if (leaf == 7) {
		/* OSPKE follows CR4.PKE. */
		r->ecx &= ~BIT(4);
		if (vcpu_get_cr(&vp->vcpu, 4) & CR4_PKE)
			r->ecx |= BIT(4);
	}
}

static void root_cpuid(u32 leaf, u32 subleaf, struct hv_cpuid_result *r)
{
	host(leaf, subleaf, r);
	switch (leaf) {
	case 1:
		/* The local APIC that root sees is openhv's; MONITOR would halt the LP. */
		r->ecx &= ~(BIT(3) | BIT(24));
		r->ecx |= HV_X64_CPUID_1_ECX_HYPERVISOR_PRESENT | BIT(21);
		break;
	case 5:
		memset(r, 0, sizeof(*r));
		break;
	case 0x80000001:
		r->ecx &= ~(BIT(2) | BIT(12));		/* SVM, SKINIT */
		break;
	case 0x8000000A:
		memset(r, 0, sizeof(*r));
		break;
	}
}

u32 xsave_size(u64 xcr0)
{
	u32 size = 576, i;

	for (i = 2; i < 63; i++) {
		u32 a, b, c, d;

		if (!(xcr0 & (1UL << i)))
			continue;
		cpuid_count(0xD, i, &a, &b, &c, &d);
		size = max(size, a + b);
	}
	return size;
}

static void xsave_leaf(struct vp *vp, u32 subleaf, struct hv_cpuid_result *r)
{
	struct partition *p = vp->partition;
	u64 xcr0 = features_xcr0(p->xsave_features);
	u32 mask[4];

	if (!(p->xsave_features & TLFS_BIT64(HV_XSAVE_FEATURE_XSAVE_BIT))) {
		memset(r, 0, sizeof(*r));
		return;
	}
	switch (subleaf) {
	case 0:
		r->eax = lower_32(xcr0);
		r->edx = upper_32(xcr0);
		r->ebx = xsave_size(vcpu_get_xcr0(&vp->vcpu));
		r->ecx = xsave_size(xcr0);
		break;
	case 1:
		features_cpuid_mask(p->proc_features, p->xsave_features, 0xD, 1, mask);
		r->eax &= mask[0];
		r->ecx = 0;
		r->edx = 0;
		if (!(r->eax & (BIT(1) | BIT(3))))
			r->ebx = 0;
		break;
	default:
		if (subleaf > 62 || !(xcr0 & (1UL << subleaf)))
			memset(r, 0, sizeof(*r));
	}
}

static u32 vp_count(const struct partition *p)
{
	return max(p->vp_count, 1U);
}

static void child_cpuid(struct vp *vp, u32 leaf, u32 subleaf, struct hv_cpuid_result *r)
{
	struct partition *p = vp->partition;
	u32 mask[4];

	host(leaf, subleaf, r);
	if (features_cpuid_mask(p->proc_features, p->xsave_features, leaf,
				leaf == 1 || leaf >= 0x80000000 ? 0 : subleaf, mask) &&
	    leaf != 0xD) {
		r->eax &= mask[0];
		r->ebx &= mask[1];
		r->ecx &= mask[2];
		r->edx &= mask[3];
	}
	switch (leaf) {
	case 0:
	case 2:
	case 4:
	case 0x80000000:
	case 0x80000002 ... 0x80000006:
	case 0x8000001D:
		break;
	case 1:
		r->ebx = (r->ebx & 0x0000FFFF) | min(vp_count(p), 255U) << 16;
		r->edx &= ~BIT(28);
		if (vp_count(p) > 1)
			r->edx |= BIT(28);
		if (hypervisor_present(p))
			r->ecx |= HV_X64_CPUID_1_ECX_HYPERVISOR_PRESENT;
		if (p->flags & HV_PARTITION_CREATION_FLAG_X2APIC_CAPABLE)
			r->ecx |= BIT(21);
		if (p->proc_features[1] & TLFS_BIT64(HV_PROC_FEATURE1_TSC_DEADLINE_TMR_BIT))
			r->ecx |= BIT(24);
		break;
	case 7:
		if (subleaf)
			memset(r, 0, sizeof(*r));
		break;
	case 0xB:
		/* One thread a core, all cores in one package, unless the parent says otherwise. */
		r->eax = subleaf ? 32 - __builtin_clz(max(vp_count(p) - 1, 1U)) : 0;
		r->ebx = subleaf == 0 ? 1 : subleaf == 1 ? vp_count(p) : 0;
		r->ecx = (subleaf & 0xFF) | (subleaf < 2 ? (subleaf + 1) << 8 : 0);
		r->edx = vp->apic.id;
		if (subleaf > 1)
			r->eax = 0;
		break;
	case 0xD:
		xsave_leaf(vp, subleaf, r);
		break;
	case 0x80000001:
	case 0x80000007:
		break;
	case 0x80000008:
		r->eax &= 0xFFFF;
		r->ecx = vp_count(p) - 1;
		r->edx = 0;
		break;
	case 0x8000001E:
		r->eax = vp->apic.id;
		r->ebx = vp->index;
		r->ecx = 0;
		r->edx = 0;
		break;
	default:
		memset(r, 0, sizeof(*r));
	}
}

void vp_cpuid_default(struct vp *vp, u32 leaf, u32 subleaf, struct hv_cpuid_result *r)
{
	if (leaf >= 0x40000000 && leaf <= 0x4FFFFFFF) {
		if (hypervisor_present(vp->partition))
			hypervisor_leaf(vp->partition, leaf, r);
		else
			memset(r, 0, sizeof(*r));
		return;
	}
	if (partition_is_root(vp->partition)) {
		root_cpuid(leaf, subleaf, r);
	} else {
		u32 a, b, c, d;

		/* Beyond the highest leaf: as AMD processors do, all zero */
		cpuid_count(leaf & 0x80000000, 0, &a, &b, &c, &d);
		if (leaf > a)
			memset(r, 0, sizeof(*r));
		else
			child_cpuid(vp, leaf, subleaf, r);
	}
}

static u32 merge(u32 value, u32 given, u32 mask)
{
	return (value & ~mask) | (given & mask);
}

void vp_cpuid(struct vp *vp, u32 leaf, u32 subleaf, struct hv_cpuid_result *r)
{
	const struct cpuid_override *o = cpuid_result(vp, leaf, subleaf);

	vp_cpuid_default(vp, leaf, subleaf, r);
	if (o) {
		r->eax = merge(r->eax, o->p.result_eax, o->p.result_eax_mask);
		r->ebx = merge(r->ebx, o->p.result_ebx, o->p.result_ebx_mask);
		r->ecx = merge(r->ecx, o->p.result_ecx, o->p.result_ecx_mask);
		r->edx = merge(r->edx, o->p.result_edx, o->p.result_edx_mask);
	}
	dynamic_bits(vp, leaf, r);
}
