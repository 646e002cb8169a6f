// SPDX-License-Identifier: GPL-2.0-only
/*
 * Registers by name (TLFS, "Virtual Processor Register Names"), for
 * HVCALL_GET_VP_REGISTERS and HVCALL_SET_VP_REGISTERS. The caller owns the VP.
 */
#include <asm/cpu.h>
#include <asm/x86.h>
#include <openhv/features.h>
#include <openhv/log.h>
#include <openhv/run.h>
#include <openhv/sched.h>
#include <openhv/string.h>
#include <tlfs/cpuid.h>
#include <tlfs/partition.h>

/* Registers that are an MSR under another number: count of consecutive ones */
static const struct {
	u32 name;
	u32 msr;
	u16 count;
	u8 msr_step;
} msr_names[] = {
	{ HV_REGISTER_GUEST_CRASH_P0, HV_X64_MSR_CRASH_P0, 6, 1 },
	{ HV_REGISTER_PROCESSOR_CLOCK_FREQUENCY, HV_X64_MSR_TSC_FREQUENCY, 2, 1 },
	{ HV_X64_REGISTER_TSC, MSR_TSC, 1, 1 },
	{ HV_X64_REGISTER_KERNEL_GS_BASE, MSR_KERNEL_GS_BASE, 1, 1 },
	{ HV_X64_REGISTER_APIC_BASE, MSR_APIC_BASE, 1, 1 },
	{ HV_X64_REGISTER_PAT, MSR_PAT, 1, 1 },
	{ HV_X64_REGISTER_SYSENTER_CS, MSR_SYSENTER_CS, 1, 1 },
	{ HV_X64_REGISTER_SYSENTER_EIP, MSR_SYSENTER_EIP, 1, 1 },
	{ HV_X64_REGISTER_SYSENTER_ESP, MSR_SYSENTER_ESP, 1, 1 },
	{ HV_X64_REGISTER_STAR, MSR_STAR, 1, 1 },
	{ HV_X64_REGISTER_LSTAR, MSR_LSTAR, 1, 1 },
	{ HV_X64_REGISTER_CSTAR, MSR_CSTAR, 1, 1 },
	{ HV_X64_REGISTER_SFMASK, MSR_SFMASK, 1, 1 },
	{ HV_X64_REGISTER_MSR_MTRR_CAP, MSR_MTRRCAP, 1, 1 },
	{ HV_X64_REGISTER_MSR_MTRR_DEF_TYPE, MSR_MTRR_DEF_TYPE, 1, 1 },
	{ HV_X64_REGISTER_MSR_MTRR_PHYS_BASE0, MSR_MTRR_PHYSBASE0, 8, 2 },
	{ HV_X64_REGISTER_MSR_MTRR_PHYS_MASK0, MSR_MTRR_PHYSBASE0 + 1, 8, 2 },
	{ HV_X64_REGISTER_MSR_MTRR_FIX64K00000, MSR_MTRR_FIX64K_00000, 1, 1 },
	{ HV_X64_REGISTER_MSR_MTRR_FIX16K80000, MSR_MTRR_FIX16K_80000, 2, 1 },
	{ HV_X64_REGISTER_MSR_MTRR_FIX4KC0000, MSR_MTRR_FIX4K_C0000, 8, 1 },
	{ HV_X64_REGISTER_TSC_AUX, MSR_TSC_AUX, 1, 1 },
	{ HV_X64_REGISTER_DEBUG_CTL, MSR_DEBUGCTL, 1, 1 },
	{ HV_X64_REGISTER_U_XSS, MSR_XSS, 1, 1 },
	{ HV_X64_REGISTER_TSC_ADJUST, MSR_TSC_ADJUST, 1, 1 },
	{ HV_REGISTER_VP_RUNTIME, HV_X64_MSR_VP_RUNTIME, 1, 1 },
	{ HV_X64_REGISTER_HYPERCALL, HV_X64_MSR_HYPERCALL, 1, 1 },
	{ HV_REGISTER_GUEST_OS_ID, HV_X64_MSR_GUEST_OS_ID, 1, 1 },
	{ HV_REGISTER_VP_INDEX, HV_X64_MSR_VP_INDEX, 1, 1 },
	{ HV_REGISTER_TIME_REF_COUNT, HV_X64_MSR_TIME_REF_COUNT, 1, 1 },
	{ HV_X64_REGISTER_SYNTHETIC_ICR, HV_X64_MSR_ICR, 2, 1 },
	{ HV_REGISTER_VP_ASSIST_PAGE, HV_X64_MSR_VP_ASSIST_PAGE, 1, 1 },
	{ HV_REGISTER_REFERENCE_TSC, HV_X64_MSR_REFERENCE_TSC, 1, 1 },
	{ HV_REGISTER_SINT0, HV_X64_MSR_SINT0, 16, 1 },
	{ HV_REGISTER_SCONTROL, HV_X64_MSR_SCONTROL, 6, 1 },
	{ HV_REGISTER_STIMER0_CONFIG, HV_X64_MSR_STIMER0_CONFIG, 8, 1 },
};

static bool find_msr(u32 name, u32 *msr)
{
	u32 i;

	for (i = 0; i < ARRAY_SIZE(msr_names); i++) {
		u32 offset = name - msr_names[i].name;

		if (offset < msr_names[i].count) {
			*msr = msr_names[i].msr + offset * msr_names[i].msr_step;
			return true;
		}
	}
	return false;
}

/* Offsets in the FXSAVE area (APM vol. 2, 11.5.9) */
#define FX_FCW		0
#define FX_ST0		32
#define FX_RDP		16
#define FX_XMM0		160
#define XSAVE_BV	512

static void *fpu_at(struct vp *vp, u32 offset)
{
	return (u8 *)vp->vcpu.fpu + offset;
}

/* What is written to the area counts only if the header says that it is there. */
static void fpu_valid(struct vp *vp)
{
	if (vcpu_caps.cr4_valid & CR4_OSXSAVE)
		*(u64 *)fpu_at(vp, XSAVE_BV) |= 3;
}

static void get_cpuid(struct vp *vp, u32 leaf, union hv_register_value *value)
{
	struct hv_cpuid_result r;

	vp_cpuid(vp, leaf, 0, &r);
	value->reg128.low = (u64)r.ebx << 32 | r.eax;
	value->reg128.high = (u64)r.edx << 32 | r.ecx;
}

static u64 get_pending_interruption(struct vp *vp)
{
	struct vcpu_event ev;

	vcpu_get_injection(&vp->vcpu, &ev);
	if (!ev.valid)
		return 0;
	return HV_INTERRUPTION_PENDING | (u64)ev.type << HV_INTERRUPTION_TYPE_SHIFT |
	       (ev.has_error ? HV_INTERRUPTION_DELIVER_ERROR_CODE : 0) |
	       (u64)ev.vector << HV_INTERRUPTION_VECTOR_SHIFT |
	       (u64)(ev.has_error ? ev.error : 0) << HV_INTERRUPTION_ERROR_CODE_SHIFT;
}

static hv_status_t set_pending_interruption(struct vp *vp, u64 value)
{
	u64 vector = (value & HV_INTERRUPTION_VECTOR_MASK) >> HV_INTERRUPTION_VECTOR_SHIFT;
	struct vcpu_event ev = { .valid = value & HV_INTERRUPTION_PENDING };

	ev.type = (value & HV_INTERRUPTION_TYPE_MASK) >> HV_INTERRUPTION_TYPE_SHIFT;
	ev.vector = vector;
	ev.has_error = value & HV_INTERRUPTION_DELIVER_ERROR_CODE;
	ev.error = value >> HV_INTERRUPTION_ERROR_CODE_SHIFT;
	if (!ev.valid) {
		vcpu_set_injection(&vp->vcpu, &ev);
		return HV_STATUS_SUCCESS;
	}
	switch (ev.type) {
	case HV_INTERRUPTION_TYPE_NMI:
		ev.vector = X86_TRAP_NMI;
		break;
	case HV_INTERRUPTION_TYPE_EXCEPTION:
	case HV_INTERRUPTION_TYPE_PRIV_SW_EXCEPTION:
	case HV_INTERRUPTION_TYPE_SW_EXCEPTION:
		/* The processor refuses to inject others as exceptions. */
		if (vector >= 31 || vector == X86_TRAP_NMI)
			return HV_STATUS_INVALID_PARAMETER;
		break;
	case HV_INTERRUPTION_TYPE_EXT_INT:
	case HV_INTERRUPTION_TYPE_SW_INT:
		if (vector > 255)
			return HV_STATUS_INVALID_PARAMETER;
		break;
	default:
		return HV_STATUS_INVALID_PARAMETER;
	}
	vcpu_set_injection(&vp->vcpu, &ev);
	return HV_STATUS_SUCCESS;
}

/* What an event will be when it is delivered; not valid if there is no such event. */
static struct vcpu_event event_decode(u64 low)
{
	struct vcpu_event ev = {};

	switch ((low & HV_PENDING_EVENT_TYPE_MASK) >> HV_PENDING_EVENT_TYPE_SHIFT) {
	case HV_PENDING_EVENT_EXCEPTION:
		ev.type = HV_INTERRUPTION_TYPE_EXCEPTION;
		ev.vector = low >> HV_PENDING_EVENT_VECTOR_SHIFT;
		ev.has_error = low & HV_PENDING_EVENT_DELIVER_ERROR_CODE;
		ev.error = low >> HV_PENDING_EVENT_ERROR_CODE_SHIFT;
		ev.valid = (low & HV_PENDING_EVENT_VECTOR_MASK) >>
				HV_PENDING_EVENT_VECTOR_SHIFT < 31 &&
			   ev.vector != X86_TRAP_NMI;
		break;
	case HV_PENDING_EVENT_EXT_INT:
		ev.type = HV_INTERRUPTION_TYPE_EXT_INT;
		ev.vector = low >> HV_PENDING_EVENT_EXT_INT_VECTOR_SHIFT;
		ev.valid = true;
		break;
	}
	return ev;
}

static hv_status_t set_pending_event(struct vp *vp, const union hv_register_value *value)
{
	if (!(value->reg128.low & HV_PENDING_EVENT_PENDING)) {
		vp->pending_event = (struct hv_u128){};
		return HV_STATUS_SUCCESS;
	}
	if (!event_decode(value->reg128.low).valid)
		return HV_STATUS_INVALID_PARAMETER;
	vp->pending_event = value->reg128;
	return HV_STATUS_SUCCESS;
}

void vp_take_event(struct vp *vp)
{
	const struct hv_u128 event = vp->pending_event;
	struct vcpu_event ev = event_decode(event.low);

	if (!(event.low & HV_PENDING_EVENT_PENDING))
		return;
	vp->pending_event = (struct hv_u128){};
	if (ev.type == HV_INTERRUPTION_TYPE_EXCEPTION && ev.vector == X86_TRAP_PF)
		vcpu_set_cr(&vp->vcpu, 2, event.high);
	vcpu_set_injection(&vp->vcpu, &ev);
}

static u64 get_activity(const struct vp *vp)
{
	return (vp->startup_suspend ? HV_ACTIVITY_STARTUP_SUSPEND : 0) |
	       (vp->halted ? HV_ACTIVITY_HALT_SUSPEND : 0) |
	       (vp->idle ? HV_ACTIVITY_IDLE_SUSPEND : 0);
}

hv_status_t vp_get_register(struct vp *vp, u32 name, union hv_register_value *value)
{
	struct vcpu *v = &vp->vcpu;
	u32 msr, v32;

	memset(value, 0, sizeof(*value));
	if (find_msr(name, &msr)) {
		switch (vp_msr_read(vp, msr, &value->reg64, true)) {
		case MSR_OK:
			return HV_STATUS_SUCCESS;
		default:
			return HV_STATUS_INVALID_PARAMETER;
		}
	}
	switch (name) {
	case HV_REGISTER_EXPLICIT_SUSPEND:
		value->reg64 = vp->explicit_suspend;
		break;
	case HV_REGISTER_INTERCEPT_SUSPEND:
		value->reg64 = vp->intercept_suspend;
		break;
	case HV_REGISTER_DISPATCH_SUSPEND:
		value->reg64 = vp->dispatch_suspend;
		break;
	case HV_REGISTER_INSTRUCTION_EMULATION_HINTS:
	case HV_REGISTER_PENDING_EVENT1:
		break;
	case HV_REGISTER_PENDING_EVENT0:
		value->reg128 = vp->pending_event;
		break;
	case HV_REGISTER_INTERNAL_ACTIVITY_STATE:
		value->reg64 = get_activity(vp);
		break;
	case HV_REGISTER_HYPERVISOR_VERSION:
		get_cpuid(vp, HV_CPUID_VERSION, value);
		break;
	case HV_REGISTER_PRIVILEGES_AND_FEATURES_INFO:
		get_cpuid(vp, HV_CPUID_FEATURES, value);
		break;
	case HV_REGISTER_FEATURES_INFO:
		get_cpuid(vp, HV_CPUID_ENLIGHTENMENT_INFO, value);
		break;
	case HV_REGISTER_IMPLEMENTATION_LIMITS_INFO:
		get_cpuid(vp, HV_CPUID_IMPLEMENT_LIMITS, value);
		break;
	case HV_REGISTER_HARDWARE_FEATURES_INFO:
		get_cpuid(vp, HV_CPUID_HARDWARE_FEATURES, value);
		break;
	case HV_REGISTER_PENDING_INTERRUPTION:
		value->reg64 = get_pending_interruption(vp);
		break;
	case HV_REGISTER_INTERRUPT_STATE:
		value->reg64 = (vcpu_get_shadow(v) ? HV_INTERRUPT_STATE_SHADOW : 0) |
			       (vcpu_nmi_masked(v) ? HV_INTERRUPT_STATE_NMI_MASKED : 0);
		break;
	case HV_REGISTER_DELIVERABILITY_NOTIFICATIONS:
		value->reg64 = vp->deliverability;
		break;
	case HV_X64_REGISTER_PENDING_DEBUG_EXCEPTION:
		value->reg64 = vp->pending_debug;
		break;
	case HV_X64_REGISTER_RAX ... HV_X64_REGISTER_R15:
		value->reg64 = v->gpr[name - HV_X64_REGISTER_RAX];
		break;
	case HV_X64_REGISTER_RIP:
		value->reg64 = v->rip;
		break;
	case HV_X64_REGISTER_RFLAGS:
		value->reg64 = v->rflags;
		break;
	case HV_X64_REGISTER_XMM0 ... HV_X64_REGISTER_XMM15:
		memcpy(value, fpu_at(vp, FX_XMM0 + 16 * (name - HV_X64_REGISTER_XMM0)), 16);
		break;
	case HV_X64_REGISTER_FP_MMX0 ... HV_X64_REGISTER_FP_MMX7:
		/* 80 bits in a slot of 128 */
		memcpy(value, fpu_at(vp, FX_ST0 + 16 * (name - HV_X64_REGISTER_FP_MMX0)), 10);
		break;
	case HV_X64_REGISTER_FP_CONTROL_STATUS:
		memcpy(value, fpu_at(vp, FX_FCW), 16);
		break;
	case HV_X64_REGISTER_XMM_CONTROL_STATUS:
		memcpy(value, fpu_at(vp, FX_RDP), 16);
		break;
	case HV_X64_REGISTER_CR0:
	case HV_X64_REGISTER_INTERMEDIATE_CR0:
		value->reg64 = vcpu_get_cr(v, 0);
		break;
	case HV_X64_REGISTER_CR2:
		value->reg64 = vcpu_get_cr(v, 2);
		break;
	case HV_X64_REGISTER_CR3:
	case HV_X64_REGISTER_INTERMEDIATE_CR3:
		value->reg64 = vcpu_get_cr(v, 3);
		break;
	case HV_X64_REGISTER_CR4:
	case HV_X64_REGISTER_INTERMEDIATE_CR4:
		value->reg64 = vcpu_get_cr(v, 4);
		break;
	case HV_X64_REGISTER_CR8:
	case HV_X64_REGISTER_INTERMEDIATE_CR8:
		value->reg64 = vcpu_get_cr(v, 8);
		break;
	case HV_X64_REGISTER_XFEM:
		value->reg64 = v->xcr0;
		break;
	case HV_X64_REGISTER_DR0 ... HV_X64_REGISTER_DR3:
		value->reg64 = v->dr[name - HV_X64_REGISTER_DR0];
		break;
	case HV_X64_REGISTER_DR6:
		value->reg64 = vcpu_get_dr6(v);
		break;
	case HV_X64_REGISTER_DR7:
		value->reg64 = vcpu_get_dr7(v);
		break;
	case HV_X64_REGISTER_ES ... HV_X64_REGISTER_TR:
		/* The names have the order of enum seg. */
		vcpu_get_seg(v, name - HV_X64_REGISTER_ES, &value->segment);
		break;
	case HV_X64_REGISTER_IDTR:
	case HV_X64_REGISTER_GDTR:
		vcpu_get_table(v, name == HV_X64_REGISTER_IDTR, &value->table);
		break;
	case HV_X64_REGISTER_EFER:
		value->reg64 = vcpu_get_efer(v);
		break;
	case HV_X64_REGISTER_INITIAL_APIC_ID:
		value->reg64 = vp->apic.id;
		break;
	case HV_X64_REGISTER_MSR_IA32_MISC_ENABLE:
		value->reg64 = vp->msrs.misc_enable;
		break;
	case HV_X64_REGISTER_X2APIC_BASE ... HV_X64_REGISTER_X2APIC_BASE + 0xFF:
		if (!vlapic_read(&vp->apic, (name - HV_X64_REGISTER_X2APIC_BASE) * 16, &v32))
			return HV_STATUS_INVALID_PARAMETER;
		value->reg64 = name == HV_X64_REGISTER_APIC_ID ? vp->apic.id : v32;
		break;
	case HV_REGISTER_VP_ROOT_SIGNAL_COUNT:
		value->reg64 = READ_ONCE(vp->root_signal_count);
		break;
	default:
		return HV_STATUS_INVALID_PARAMETER;
	}
	return HV_STATUS_SUCCESS;
}

/* EFER.LMA is LME and CR0.PG together, in whatever order they are written. */
static void fix_lma(struct vp *vp)
{
	u64 efer = vcpu_get_efer(&vp->vcpu) & ~EFER_LMA;

	if (efer & EFER_LME && vcpu_get_cr(&vp->vcpu, 0) & CR0_PG)
		efer |= EFER_LMA;
	vcpu_set_efer(&vp->vcpu, efer);
}

bool vp_set_cr0(struct vp *vp, u64 value)
{
	if (value >> 32 || ((value & CR0_NW) && !(value & CR0_CD)) ||
	    ((value & CR0_PG) && !(value & CR0_PE)))
		return false;
	vcpu_set_cr(&vp->vcpu, 0, value | CR0_ET);
	fix_lma(vp);
	return true;
}

bool vp_set_cr4(struct vp *vp, u64 value)
{
	const struct partition *p = vp->partition;

	if (value & ~features_cr4(p->proc_features, p->xsave_features))
		return false;
	vcpu_set_cr(&vp->vcpu, 4, value);
	return true;
}

static bool set_cr3(struct vp *vp, u64 value)
{
	if (value >> vcpu_caps.phys_bits)
		return false;
	vcpu_set_cr(&vp->vcpu, 3, value);
	return true;
}

static bool set_efer(struct vp *vp, u64 value)
{
	if (value & ~vcpu_caps.efer_valid)
		return false;
	vcpu_set_efer(&vp->vcpu, value);
	fix_lma(vp);
	return true;
}

static void set_segment(struct vp *vp, u32 name, const struct hv_x64_segment_register *in)
{
	struct hv_x64_segment_register seg = *in;

	/*
	 * A segment of real mode may come without attributes; the processor wants
	 * one that can be used.
	 */
	if (!(vcpu_get_cr(&vp->vcpu, 0) & CR0_PE) && name < HV_X64_REGISTER_LDTR &&
	    !(seg.attributes & HV_SEGMENT_PRESENT))
		seg.attributes = HV_SEGMENT_PRESENT | HV_SEGMENT_NON_SYSTEM |
				 (name == HV_X64_REGISTER_CS ? 0xB : 0x3);
	vcpu_set_seg(&vp->vcpu, name - HV_X64_REGISTER_ES, &seg);
}

static hv_status_t set_deliverability(struct vp *vp, u64 value)
{
	/* Notifications of NMI windows are not offered. */
	if (value & ~(HV_DELIVERABILITY_INTERRUPT | HV_DELIVERABILITY_PRIORITY_MASK |
		      HV_DELIVERABILITY_SINTS_MASK))
		return HV_STATUS_INVALID_PARAMETER;
	vp->deliverability = value;
	return HV_STATUS_SUCCESS;
}

static hv_status_t set_apic_id(struct vp *vp, u64 value)
{
	if (value >= 0xFFFFFFFF)
		return HV_STATUS_INVALID_PARAMETER;
	vp->apic.id = value;
	return HV_STATUS_SUCCESS;
}

static hv_status_t status_of(bool ok)
{
	return ok ? HV_STATUS_SUCCESS : HV_STATUS_INVALID_PARAMETER;
}

hv_status_t vp_set_register(struct vp *vp, u32 name, const union hv_register_value *value)
{
	struct vcpu *v = &vp->vcpu;
	u64 val = value->reg64;
	u32 msr;

	if (find_msr(name, &msr)) {
		if (vp_msr_write(vp, msr, val, true) != MSR_OK)
			return HV_STATUS_INVALID_PARAMETER;
		if (msr == MSR_TSC && vp->partition->tsc_overlay.active && !vp->index)
			partition_tsc_page(vp->partition, vp->partition->tsc_page);
		return HV_STATUS_SUCCESS;
	}
	switch (name) {
	case HV_REGISTER_EXPLICIT_SUSPEND:
		return sched_explicit_suspend(vp, val & HV_SUSPEND_SUSPENDED);
	case HV_REGISTER_INTERCEPT_SUSPEND:
		return sched_intercept_suspend(vp, val & HV_SUSPEND_SUSPENDED);
	case HV_REGISTER_DISPATCH_SUSPEND:
		return sched_dispatch_suspend(vp, val & HV_SUSPEND_SUSPENDED);
	case HV_REGISTER_INTERNAL_ACTIVITY_STATE:
		if (val & ~HV_ACTIVITY_VALID)
			return HV_STATUS_INVALID_PARAMETER;
		vp->startup_suspend = val & HV_ACTIVITY_STARTUP_SUSPEND;
		vp->halted = val & HV_ACTIVITY_HALT_SUSPEND;
		vp->idle = val & HV_ACTIVITY_IDLE_SUSPEND;
		break;
	case HV_REGISTER_PENDING_INTERRUPTION:
		return set_pending_interruption(vp, val);
	case HV_REGISTER_PENDING_EVENT0:
		return set_pending_event(vp, value);
	case HV_REGISTER_PENDING_EVENT1:
		/* The second half of events that are not offered */
		return status_of(!(val & HV_PENDING_EVENT_PENDING));
	case HV_REGISTER_INTERRUPT_STATE:
		if (val & ~HV_INTERRUPT_STATE_VALID)
			return HV_STATUS_INVALID_PARAMETER;
		vcpu_set_shadow(v, val & HV_INTERRUPT_STATE_SHADOW);
		vcpu_set_nmi_masked(v, val & HV_INTERRUPT_STATE_NMI_MASKED);
		break;
	case HV_REGISTER_DELIVERABILITY_NOTIFICATIONS:
		return set_deliverability(vp, val);
	case HV_X64_REGISTER_PENDING_DEBUG_EXCEPTION:
		vp->pending_debug = val;
		break;
	case HV_X64_REGISTER_RAX ... HV_X64_REGISTER_R15:
		v->gpr[name - HV_X64_REGISTER_RAX] = val;
		break;
	case HV_X64_REGISTER_RIP:
		v->rip = val;
		break;
	case HV_X64_REGISTER_RFLAGS:
		v->rflags = (val & RFLAGS_VALID) | RFLAGS_FIXED;
		break;
	case HV_X64_REGISTER_XMM0 ... HV_X64_REGISTER_XMM15:
		memcpy(fpu_at(vp, FX_XMM0 + 16 * (name - HV_X64_REGISTER_XMM0)), value, 16);
		fpu_valid(vp);
		break;
	case HV_X64_REGISTER_FP_MMX0 ... HV_X64_REGISTER_FP_MMX7:
		memcpy(fpu_at(vp, FX_ST0 + 16 * (name - HV_X64_REGISTER_FP_MMX0)), value, 10);
		fpu_valid(vp);
		break;
	case HV_X64_REGISTER_FP_CONTROL_STATUS:
		memcpy(fpu_at(vp, FX_FCW), value, 16);
		fpu_valid(vp);
		break;
	case HV_X64_REGISTER_XMM_CONTROL_STATUS:
		/* A reserved bit in MXCSR would make the next load of it fault. */
		if (value->xmm_control_status.xmm_status_control & ~0xFFFFU)
			return HV_STATUS_INVALID_PARAMETER;
		memcpy(fpu_at(vp, FX_RDP), value, 12);
		fpu_valid(vp);
		break;
	case HV_X64_REGISTER_CR0:
	case HV_X64_REGISTER_INTERMEDIATE_CR0:
		return status_of(vp_set_cr0(vp, val));
	case HV_X64_REGISTER_CR2:
		vcpu_set_cr(v, 2, val);
		break;
	case HV_X64_REGISTER_CR3:
	case HV_X64_REGISTER_INTERMEDIATE_CR3:
		return status_of(set_cr3(vp, val));
	case HV_X64_REGISTER_CR4:
	case HV_X64_REGISTER_INTERMEDIATE_CR4:
		return status_of(vp_set_cr4(vp, val));
	case HV_X64_REGISTER_CR8:
	case HV_X64_REGISTER_INTERMEDIATE_CR8:
		if (val > 15)
			return HV_STATUS_INVALID_PARAMETER;
		vcpu_set_cr(v, 8, val);
		break;
	case HV_X64_REGISTER_XFEM:
		return status_of(vp_set_xcr0(vp, val));
	case HV_X64_REGISTER_DR0 ... HV_X64_REGISTER_DR3:
		v->dr[name - HV_X64_REGISTER_DR0] = val;
		break;
	case HV_X64_REGISTER_DR6:
		vcpu_set_dr6(v, (u32)val | 0xFFFF0FF0);
		break;
	case HV_X64_REGISTER_DR7:
		vcpu_set_dr7(v, ((u32)val & 0xFFFF2FFF) | 0x400);
		break;
	case HV_X64_REGISTER_ES ... HV_X64_REGISTER_TR:
		set_segment(vp, name, &value->segment);
		break;
	case HV_X64_REGISTER_IDTR:
	case HV_X64_REGISTER_GDTR:
		vcpu_set_table(v, name == HV_X64_REGISTER_IDTR, &value->table);
		break;
	case HV_X64_REGISTER_EFER:
		return status_of(set_efer(vp, val));
	case HV_X64_REGISTER_INITIAL_APIC_ID:
	case HV_X64_REGISTER_APIC_ID:
		return set_apic_id(vp, val);
	case HV_X64_REGISTER_MSR_IA32_MISC_ENABLE:
		vp->msrs.misc_enable = val;
		break;
	case HV_X64_REGISTER_SYNTHETIC_EOI:
		vlapic_eoi(&vp->apic);
		break;
	default:
		return HV_STATUS_INVALID_PARAMETER;
	}
	return HV_STATUS_SUCCESS;
}
