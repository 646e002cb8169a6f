// SPDX-License-Identifier: GPL-2.0-only
/*
 * MSRs of VPs: those of the architecture. The hypervisor's own are in
 * hvmsr.c, those that only root has in root/msr.c.
 */
#include <asm/cpu.h>
#include <asm/x86.h>
#include <openhv/features.h>
#include <openhv/gwalk.h>
#include <openhv/log.h>
#include <openhv/lp.h>
#include <openhv/run.h>
#include <tlfs/partition.h>

/* MTRRs that a child has: 8 variable ranges, the fixed ones, write-combining */
#define MTRR_CAP		(8UL | BIT(8) | BIT(10))
#define MTRR_VARIABLE		8

/* AMD MSRs that kernels read to learn what the processor is; all are zero here */
#define MSR_AMD_PATCH_LEVEL	0x0000008B
#define MSR_AMD_HWCR		0xC0010015
#define MSR_AMD_SYSCFG		0xC0010010
#define MSR_AMD_NB_CFG		0xC001001F
#define MSR_AMD_INT_PENDING	0xC0010055
#define MSR_AMD_OSVW_LENGTH	0xC0010140
#define MSR_AMD_OSVW_STATUS	0xC0010141
#define MSR_AMD_DE_CFG		0xC0011029
#define MSR_AMD_DE_CFG_LFENCE	BIT(1)

static bool canonical(u64 address)
{
	return (u64)((s64)(address << 16) >> 16) == address;
}

static bool mtrr_type_valid(u8 type)
{
	return type == 0 || type == 1 || type == 4 || type == 5 || type == 6;
}

/* A PAT or a fixed MTRR: eight memory types */
static bool types_valid(u64 value, bool pat)
{
	u32 i;

	for (i = 0; i < 8; i++) {
		u8 type = value >> (8 * i);

		if (!mtrr_type_valid(type) && !(pat && type == 7))
			return false;
	}
	return true;
}

static int fixed_mtrr(u32 msr)
{
	switch (msr) {
	case MSR_MTRR_FIX64K_00000:
		return 0;
	case MSR_MTRR_FIX16K_80000:
	case MSR_MTRR_FIX16K_A0000:
		return 1 + msr - MSR_MTRR_FIX16K_80000;
	case MSR_MTRR_FIX4K_C0000 ... MSR_MTRR_FIX4K_F8000:
		return 3 + msr - MSR_MTRR_FIX4K_C0000;
	}
	return -1;
}

static bool proc_has(const struct vp *vp, u32 bank, u32 bit)
{
	return vp->partition->proc_features[bank] & TLFS_BIT64(bit);
}

enum msr_result vp_msr_read(struct vp *vp, u32 msr, u64 *value, bool host)
{
	struct vcpu *v = &vp->vcpu;
	u64 *slot;
	int i;

	if (msr >= HV_X64_MSR_FIRST && msr <= HV_X64_MSR_LAST)
		return vp_hv_msr_read(vp, msr, value, host);
	if (msr >= MSR_X2APIC_FIRST && msr <= MSR_X2APIC_LAST)
		return vlapic_msr_read(&vp->apic, msr, value) ? MSR_OK : MSR_FAULT;
	if (partition_is_root(vp->partition)) {
		enum msr_result r = root_msr_read(vp, msr, value);

		if (r != MSR_UNKNOWN)
			return r;
	}
	slot = vcpu_msr_slot(v, msr);
	if (slot) {
		*value = *slot;
		return MSR_OK;
	}
	i = fixed_mtrr(msr);
	if (i >= 0) {
		*value = vp->msrs.mtrr_fix[i];
		return MSR_OK;
	}
	if (msr >= MSR_MTRR_PHYSBASE0 && msr < MSR_MTRR_PHYSBASE0 + 2 * MTRR_VARIABLE) {
		*value = vp->msrs.mtrr_var[msr - MSR_MTRR_PHYSBASE0];
		return MSR_OK;
	}
	switch (msr) {
	case MSR_TSC:
		*value = (host ? partition_tsc(vp->partition) : rdtsc()) + vcpu_get_tsc_offset(v);
		return MSR_OK;
	case MSR_APIC_BASE:
		*value = vp->apic.base;
		return MSR_OK;
	case MSR_TSC_ADJUST:
		if (!host && !proc_has(vp, 1, HV_PROC_FEATURE1_TSC_ADJUST_BIT))
			return MSR_UNKNOWN;
		*value = vp->msrs.tsc_adjust;
		return MSR_OK;
	case MSR_EFER:
		*value = vcpu_get_efer(v);
		return MSR_OK;
	case MSR_TSC_AUX:
		if (!host && !proc_has(vp, 0, HV_PROC_FEATURE0_RDTSCP_BIT))
			return MSR_UNKNOWN;
		vcpu_sync(lp_self(), v);
		*value = v->tsc_aux;
		return MSR_OK;
	case MSR_XSS:
		if (!vcpu_caps.xss)
			return MSR_UNKNOWN;
		vcpu_sync(lp_self(), v);
		*value = v->xss;
		return MSR_OK;
	case MSR_TSC_DEADLINE:
		if (!proc_has(vp, 1, HV_PROC_FEATURE1_TSC_DEADLINE_TMR_BIT))
			return MSR_UNKNOWN;
		vlapic_poll_timer(&vp->apic);
		*value = vp->apic.tsc_deadline;
		return MSR_OK;
	case MSR_MTRRCAP:
		*value = MTRR_CAP;
		return MSR_OK;
	case MSR_MTRR_DEF_TYPE:
		*value = vp->msrs.mtrr_def_type;
		return MSR_OK;
	case MSR_MCG_CAP:
		*value = 0;
		return MSR_OK;
	case MSR_MCG_STATUS:
		*value = vp->msrs.mcg_status;
		return MSR_OK;
	case MSR_DEBUGCTL:
		*value = vp->msrs.debugctl;
		return MSR_OK;
	case MSR_AMD_PATCH_LEVEL:
	case MSR_AMD_HWCR:
	case MSR_AMD_SYSCFG:
	case MSR_AMD_NB_CFG:
	case MSR_AMD_INT_PENDING:
	case MSR_AMD_OSVW_LENGTH:
	case MSR_AMD_OSVW_STATUS:
	case MSR_VM_CR:
		*value = msr == MSR_VM_CR ? VM_CR_SVMDIS : 0;
		return MSR_OK;
	case MSR_AMD_DE_CFG:
		/* LFENCE waits for earlier instructions, as it does below us. */
		*value = MSR_AMD_DE_CFG_LFENCE;
		return MSR_OK;
	}
	return MSR_UNKNOWN;
}

bool vp_set_efer(struct vp *vp, u64 value)
{
	struct vcpu *v = &vp->vcpu;
	u64 old = vcpu_get_efer(v);

	if (value & ~vcpu_caps.efer_valid)
		return false;
	/* LME cannot change while paging is on; LMA is the processor's. */
	if (vcpu_get_cr(v, 0) & CR0_PG && (value ^ old) & EFER_LME)
		return false;
	vcpu_set_efer(v, (value & ~EFER_LMA) | (old & EFER_LMA));
	return true;
}

bool vp_set_xcr0(struct vp *vp, u64 value)
{
	u64 valid = partition_is_root(vp->partition) ? vcpu_caps.xcr0 :
		    features_xcr0(vp->partition->xsave_features);

	/* x87 always; AVX needs SSE; the three parts of AVX-512 go together, with AVX. */
	if (!(value & 1) || value & ~valid || ((value & 4) && !(value & 2)))
		return false;
	if (value & 0xE0 && ((value & 0xE0) != 0xE0 || !(value & 4)))
		return false;
	vp->vcpu.xcr0 = value;
	return true;
}

static enum msr_result ok_if(bool ok)
{
	return ok ? MSR_OK : MSR_FAULT;
}

static enum msr_result write_slot(u64 *slot, u32 msr, u64 value)
{
	switch (msr) {
	case MSR_PAT:
		if (!types_valid(value, true))
			return MSR_FAULT;
		break;
	case MSR_LSTAR:
	case MSR_CSTAR:
	case MSR_FS_BASE:
	case MSR_GS_BASE:
	case MSR_KERNEL_GS_BASE:
	case MSR_SYSENTER_ESP:
	case MSR_SYSENTER_EIP:
		if (!canonical(value))
			return MSR_FAULT;
		break;
	case MSR_SFMASK:
	case MSR_SYSENTER_CS:
		value = (u32)value;
		break;
	}
	*slot = value;
	return MSR_OK;
}

/*
 * The offset from the machine's TSC that makes a VP's what its VMM sets it to.
 *
 * VMMs set the TSCs of a partition's VPs one after the other, as if no time passed in
 * between. While the partition's time is frozen none does. Otherwise what they mean is
 * that the TSCs agree, which the reference TSC page relies on: one that is about the
 * same as another VP's, set before, becomes the same.
 */
static u64 set_tsc_offset(struct vp *vp, u64 value)
{
	struct partition *p = vp->partition;
	u64 offset = value - partition_tsc(p);

	spin_lock(&p->small_lock);
	if (!READ_ONCE(p->time_frozen) && p->tsc_setter && p->tsc_setter != vp->index + 1 &&
	    offset - p->tsc_offset + tsc_hz < 2 * tsc_hz)
		offset = p->tsc_offset;
	p->tsc_offset = offset;
	p->tsc_setter = vp->index + 1;
	spin_unlock(&p->small_lock);

	return offset;
}

enum msr_result vp_msr_write(struct vp *vp, u32 msr, u64 value, bool host)
{
	struct vcpu *v = &vp->vcpu;
	u64 *slot;
	int i;

	if (msr >= HV_X64_MSR_FIRST && msr <= HV_X64_MSR_LAST)
		return vp_hv_msr_write(vp, msr, value, host);
	if (msr >= MSR_X2APIC_FIRST && msr <= MSR_X2APIC_LAST)
		return ok_if(vlapic_msr_write(&vp->apic, msr, value));
	if (partition_is_root(vp->partition)) {
		enum msr_result r = root_msr_write(vp, msr, value);

		if (r != MSR_UNKNOWN)
			return r;
	}
	slot = vcpu_msr_slot(v, msr);
	if (slot)
		return write_slot(slot, msr, value);
	i = fixed_mtrr(msr);
	if (i >= 0) {
		if (!types_valid(value, false))
			return MSR_FAULT;
		vp->msrs.mtrr_fix[i] = value;
		return MSR_OK;
	}
	if (msr >= MSR_MTRR_PHYSBASE0 && msr < MSR_MTRR_PHYSBASE0 + 2 * MTRR_VARIABLE) {
		u64 address = ((1UL << vcpu_caps.phys_bits) - 1) & PAGE_MASK;

		if (msr & 1 ? value & ~(address | BIT(11)) : value & ~(address | 0xFF))
			return MSR_FAULT;
		if (!(msr & 1) && !mtrr_type_valid(value))
			return MSR_FAULT;
		vp->msrs.mtrr_var[msr - MSR_MTRR_PHYSBASE0] = value;
		return MSR_OK;
	}
	switch (msr) {
	case MSR_TSC:
		vcpu_set_tsc_offset(v, host ? set_tsc_offset(vp, value) : value - rdtsc());
		return MSR_OK;
	case MSR_APIC_BASE:
		return ok_if(vlapic_set_base(&vp->apic, value));
	case MSR_TSC_ADJUST:
		if (!host && !proc_has(vp, 1, HV_PROC_FEATURE1_TSC_ADJUST_BIT))
			return MSR_UNKNOWN;
		vcpu_set_tsc_offset(v, vcpu_get_tsc_offset(v) + value - vp->msrs.tsc_adjust);
		vp->msrs.tsc_adjust = value;
		return MSR_OK;
	case MSR_EFER:
		return ok_if(vp_set_efer(vp, value));
	case MSR_TSC_AUX:
		if (!host && !proc_has(vp, 0, HV_PROC_FEATURE0_RDTSCP_BIT))
			return MSR_UNKNOWN;
		vcpu_sync(lp_self(), v);
		v->tsc_aux = (u32)value;
		return MSR_OK;
	case MSR_XSS:
		if (!vcpu_caps.xss)
			return MSR_UNKNOWN;
		/* No supervisor state is offered. */
		return ok_if(!value);
	case MSR_TSC_DEADLINE:
		if (!proc_has(vp, 1, HV_PROC_FEATURE1_TSC_DEADLINE_TMR_BIT))
			return MSR_UNKNOWN;
		vlapic_set_tsc_deadline(&vp->apic, value);
		return MSR_OK;
	case MSR_MTRR_DEF_TYPE:
		if (value & ~0xCFFUL || !mtrr_type_valid(value))
			return MSR_FAULT;
		vp->msrs.mtrr_def_type = value;
		return MSR_OK;
	case MSR_MTRRCAP:
	case MSR_MCG_CAP:
		return host ? MSR_OK : MSR_FAULT;
	case MSR_MCG_STATUS:
		vp->msrs.mcg_status = value;
		return MSR_OK;
	case MSR_DEBUGCTL:
		/* Last-branch records and BTF are not kept for the guest. */
		if (value & ~0x3FUL)
			return MSR_FAULT;
		vp->msrs.debugctl = value;
		return MSR_OK;
	case MSR_AMD_PATCH_LEVEL:
	case MSR_AMD_HWCR:
	case MSR_AMD_SYSCFG:
	case MSR_AMD_NB_CFG:
	case MSR_AMD_INT_PENDING:
	case MSR_AMD_DE_CFG:
		return MSR_OK;		/* accepted, without effect */
	}
	return MSR_UNKNOWN;
}
