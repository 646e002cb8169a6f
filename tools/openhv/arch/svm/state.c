// SPDX-License-Identifier: GPL-2.0-only
/*
 * The registers of a VCPU that SVM keeps in the VMCB.
 */
#include <asm/cpu.h>
#include <openhv/log.h>
#include <openhv/string.h>
#include <openhv/vcpu.h>
#include <tlfs/register.h>
#include "svm.h"
#include "vmcb.h"

bool svm_has_tsc_aux;

#define PAT_RESET	0x0007040600070406UL
#define DR6_RESET	0xFFFF0FF0UL
#define DR7_RESET	0x400UL
#define CR0_RESET	(CR0_CD | CR0_NW | CR0_ET)
#define MXCSR_RESET	0x1F80U
#define FCW_RESET	0x0040U

static void set_reset_seg(struct vmcb_seg *seg, u16 selector, u64 base, u16 attrib)
{
	seg->selector = selector;
	seg->base = base;
	seg->limit = 0xFFFF;
	seg->attrib = attrib;
}

static void reset_fpu(struct vcpu *v)
{
	/* FXSAVE layout: FCW at 0, MXCSR at 24; XSTATE_BV at 512 */
	memset(v->fpu, 0, PAGE_SIZE);
	*(u16 *)v->fpu = FCW_RESET;
	*(u32 *)((u8 *)v->fpu + 24) = MXCSR_RESET;
	if (vcpu_caps.cr4_valid & CR4_OSXSAVE)
		*(u64 *)((u8 *)v->fpu + 512) = 3;
	v->xcr0 = 1;
	v->xss = 0;
	v->tsc_aux = 0;
}

void vcpu_reset(struct vcpu *v, bool init)
{
	struct vmcb *vmcb = v->arch.vmcb;

	memset(v->gpr, 0, sizeof(v->gpr));
	v->gpr[GPR_RDX] = 0x600;		/* family 6: as a reset leaves it */
	v->rip = 0xFFF0;
	v->rflags = RFLAGS_FIXED;
	set_reset_seg(&vmcb->cs, 0xF000, 0xFFFF0000, 0x09B);
	set_reset_seg(&vmcb->ds, 0, 0, 0x093);
	set_reset_seg(&vmcb->es, 0, 0, 0x093);
	set_reset_seg(&vmcb->fs, 0, 0, 0x093);
	set_reset_seg(&vmcb->gs, 0, 0, 0x093);
	set_reset_seg(&vmcb->ss, 0, 0, 0x093);
	set_reset_seg(&vmcb->gdtr, 0, 0, 0);
	set_reset_seg(&vmcb->idtr, 0, 0, 0);
	set_reset_seg(&vmcb->ldtr, 0, 0, 0x082);
	set_reset_seg(&vmcb->tr, 0, 0, 0x08B);
	vmcb->cpl = 0;
	/* INIT keeps CD and NW as they were (APM vol. 2, table 14-1) */
	if (init)
		vmcb->cr0 = (vmcb->cr0 & (CR0_CD | CR0_NW)) | CR0_ET;
	else
		vmcb->cr0 = CR0_RESET;
	vmcb->cr2 = 0;
	vmcb->cr3 = 0;
	vmcb->cr4 = 0;
	vmcb->efer = EFER_SVME;
	vmcb->dr6 = DR6_RESET;
	vmcb->dr7 = DR7_RESET;
	v->arch.dr7 = DR7_RESET;
	memset(v->dr, 0, sizeof(v->dr));
	vmcb->event_inj = 0;
	vmcb->int_state = 0;
	vmcb->int_ctl = SVM_V_INTR_MASKING;
	v->arch.virq = -1;
	vcpu_set_nmi_masked(v, false);
	if (!init) {
		vmcb->star = 0;
		vmcb->lstar = 0;
		vmcb->cstar = 0;
		vmcb->sfmask = 0;
		vmcb->kernel_gs_base = 0;
		vmcb->sysenter_cs = 0;
		vmcb->sysenter_esp = 0;
		vmcb->sysenter_eip = 0;
		vmcb->g_pat = PAT_RESET;
		reset_fpu(v);
	}
	vcpu_flush_tlb(v);
}

void vcpu_sipi(struct vcpu *v, u8 vector)
{
	struct vmcb *vmcb = v->arch.vmcb;

	set_reset_seg(&vmcb->cs, (u16)vector << 8, (u64)vector << 12, 0x09B);
	v->rip = 0;
}

u64 vcpu_get_cr(const struct vcpu *v, unsigned int cr)
{
	const struct vmcb *vmcb = v->arch.vmcb;

	switch (cr) {
	case 0:
		return vmcb->cr0;
	case 2:
		return vmcb->cr2;
	case 3:
		return vmcb->cr3;
	case 4:
		return vmcb->cr4;
	case 8:
		return vmcb->int_ctl & SVM_V_TPR_MASK;
	}
	panic("no CR%u", cr);
}

void vcpu_set_cr(struct vcpu *v, unsigned int cr, u64 value)
{
	struct vmcb *vmcb = v->arch.vmcb;

	switch (cr) {
	case 0:
		vmcb->cr0 = value;
		break;
	case 2:
		vmcb->cr2 = value;
		break;
	case 3:
		vmcb->cr3 = value;
		break;
	case 4:
		vmcb->cr4 = value;
		break;
	case 8:
		vmcb->int_ctl = (vmcb->int_ctl & ~SVM_V_TPR_MASK) | (value & SVM_V_TPR_MASK);
		return;
	default:
		panic("no CR%u", cr);
	}
	vcpu_flush_tlb(v);
}

u64 vcpu_get_dr6(const struct vcpu *v)
{
	return v->arch.vmcb->dr6;
}

u64 vcpu_get_dr7(const struct vcpu *v)
{
	return v->arch.keeps_dr7 ? v->arch.dr7 : v->arch.vmcb->dr7;
}

void vcpu_set_dr6(struct vcpu *v, u64 value)
{
	v->arch.vmcb->dr6 = value;
}

void vcpu_set_dr7(struct vcpu *v, u64 value)
{
	if (v->arch.keeps_dr7)
		v->arch.dr7 = value;
	else
		v->arch.vmcb->dr7 = value;
}

/* EFER.SVME must be set in the VMCB; the guest never sees it. */
u64 vcpu_get_efer(const struct vcpu *v)
{
	return v->arch.vmcb->efer & ~EFER_SVME;
}

void vcpu_set_efer(struct vcpu *v, u64 value)
{
	v->arch.vmcb->efer = value | EFER_SVME;
	vcpu_flush_tlb(v);
}

unsigned int vcpu_get_cpl(const struct vcpu *v)
{
	const struct vmcb *vmcb = v->arch.vmcb;

	if (!(vmcb->cr0 & CR0_PE))
		return 0;
	if (v->rflags & RFLAGS_VM)
		return 3;
	return vmcb->cpl & 3;
}

static struct vmcb_seg *seg_of(struct vmcb *vmcb, enum seg seg)
{
	switch (seg) {
	case SEG_ES:
		return &vmcb->es;
	case SEG_CS:
		return &vmcb->cs;
	case SEG_SS:
		return &vmcb->ss;
	case SEG_DS:
		return &vmcb->ds;
	case SEG_FS:
		return &vmcb->fs;
	case SEG_GS:
		return &vmcb->gs;
	case SEG_LDTR:
		return &vmcb->ldtr;
	default:
		return &vmcb->tr;
	}
}

/* The VMCB packs the attributes' bits 12-15 into 8-11. */
void vcpu_get_seg(const struct vcpu *v, enum seg seg, struct hv_x64_segment_register *out)
{
	const struct vmcb_seg *s = seg_of(v->arch.vmcb, seg);

	out->base = s->base;
	out->limit = s->limit;
	out->selector = s->selector;
	out->attributes = (s->attrib & 0xFF) | (s->attrib & 0xF00) << 4;
}

void vcpu_set_seg(struct vcpu *v, enum seg seg, const struct hv_x64_segment_register *in)
{
	struct vmcb_seg *s = seg_of(v->arch.vmcb, seg);

	s->base = in->base;
	s->limit = in->limit;
	s->selector = in->selector;
	s->attrib = (in->attributes & 0xFF) | (in->attributes >> 4 & 0xF00);
	/* The privilege level is that of SS (APM vol. 2, 15.5.1). */
	if (seg == SEG_SS)
		v->arch.vmcb->cpl = (in->attributes & HV_SEGMENT_DPL_MASK) >> HV_SEGMENT_DPL_SHIFT;
}

void vcpu_get_table(const struct vcpu *v, bool idt, struct hv_x64_table_register *out)
{
	const struct vmcb_seg *s = idt ? &v->arch.vmcb->idtr : &v->arch.vmcb->gdtr;

	memset(out, 0, sizeof(*out));
	out->base = s->base;
	out->limit = s->limit;
}

void vcpu_set_table(struct vcpu *v, bool idt, const struct hv_x64_table_register *in)
{
	struct vmcb_seg *s = idt ? &v->arch.vmcb->idtr : &v->arch.vmcb->gdtr;

	s->base = in->base;
	s->limit = in->limit;
}

u64 *vcpu_msr_slot(struct vcpu *v, u32 msr)
{
	struct vmcb *vmcb = v->arch.vmcb;

	switch (msr) {
	case MSR_STAR:
		return &vmcb->star;
	case MSR_LSTAR:
		return &vmcb->lstar;
	case MSR_CSTAR:
		return &vmcb->cstar;
	case MSR_SFMASK:
		return &vmcb->sfmask;
	case MSR_FS_BASE:
		return &vmcb->fs.base;
	case MSR_GS_BASE:
		return &vmcb->gs.base;
	case MSR_KERNEL_GS_BASE:
		return &vmcb->kernel_gs_base;
	case MSR_SYSENTER_CS:
		return &vmcb->sysenter_cs;
	case MSR_SYSENTER_ESP:
		return &vmcb->sysenter_esp;
	case MSR_SYSENTER_EIP:
		return &vmcb->sysenter_eip;
	case MSR_PAT:
		return &vmcb->g_pat;
	}
	return NULL;
}

bool vcpu_get_shadow(const struct vcpu *v)
{
	return v->arch.vmcb->int_state & SVM_INT_STATE_SHADOW;
}

void vcpu_set_shadow(struct vcpu *v, bool on)
{
	v->arch.vmcb->int_state = on ? SVM_INT_STATE_SHADOW : 0;
}

void vcpu_get_injection(const struct vcpu *v, struct vcpu_event *ev)
{
	u64 inj = v->arch.vmcb->event_inj;

	ev->valid = inj & SVM_EVENT_VALID;
	ev->vector = inj & SVM_EVENT_VECTOR_MASK;
	/* SVM's types have the TLFS's numbers: 0, 2, 3, 4 */
	ev->type = (inj & SVM_EVENT_TYPE_MASK) >> SVM_EVENT_TYPE_SHIFT;
	ev->has_error = inj & SVM_EVENT_ERROR_VALID;
	ev->error = inj >> 32;
}

void vcpu_set_injection(struct vcpu *v, const struct vcpu_event *ev)
{
	u64 inj = 0;
	u8 type = ev->type;

	if (ev->valid) {
		/* Software exceptions (INT3, INTO) are injected as exceptions. */
		if (type == HV_INTERRUPTION_TYPE_SW_EXCEPTION ||
		    type == HV_INTERRUPTION_TYPE_PRIV_SW_EXCEPTION)
			type = SVM_EVENT_TYPE_EXCEPTION;
		inj = SVM_EVENT_VALID | ev->vector | (u64)type << SVM_EVENT_TYPE_SHIFT;
		if (ev->has_error)
			inj |= SVM_EVENT_ERROR_VALID | (u64)ev->error << 32;
		if (type == SVM_EVENT_TYPE_NMI)
			vcpu_set_nmi_masked(v, true);
	}
	v->arch.vmcb->event_inj = inj;
}

void vcpu_set_virq(struct vcpu *v, int vector, bool ignore_tpr)
{
	struct vmcb *vmcb = v->arch.vmcb;
	u32 ctl = vmcb->int_ctl & ~(SVM_V_IRQ | SVM_V_IGN_TPR | SVM_V_INTR_PRIO_MASK);

	v->arch.virq = vector;
	if (vector >= 0) {
		ctl |= SVM_V_IRQ | (u32)(vector >> 4) << SVM_V_INTR_PRIO_SHIFT;
		if (ignore_tpr)
			ctl |= SVM_V_IGN_TPR;
		vmcb->int_vector = vector;
	}
	vmcb->int_ctl = ctl;
}

int vcpu_virq_offered(const struct vcpu *v)
{
	return v->arch.virq;
}

int vcpu_virq_taken(struct vcpu *v)
{
	int vector = v->arch.virq;

	if (vector < 0 || v->arch.vmcb->int_ctl & SVM_V_IRQ)
		return -1;
	v->arch.virq = -1;
	return vector;
}

bool vcpu_nmi_masked(const struct vcpu *v)
{
	return v->arch.nmi_masked;
}

void vcpu_set_nmi_masked(struct vcpu *v, bool on)
{
	v->arch.nmi_masked = on;
	v->arch.nmi_iret = false;
	if (on)
		v->arch.vmcb->intercept1 |= SVM_INTERCEPT1_IRET;
	else
		v->arch.vmcb->intercept1 &= ~SVM_INTERCEPT1_IRET;
}

void vcpu_intercept_cr8(struct vcpu *v, bool on)
{
	if (on)
		v->arch.vmcb->intercept_cr_write |= BIT(8);
	else
		v->arch.vmcb->intercept_cr_write &= ~BIT(8);
}

void vcpu_pass_interrupts(struct vcpu *v, bool exit)
{
	struct vmcb *vmcb = v->arch.vmcb;

	/* RFLAGS.IF and CR8 are those of the processor then (APM vol. 2, 15.21.1). */
	vmcb->int_ctl &= ~SVM_V_INTR_MASKING;
	if (exit)
		vmcb->intercept1 |= SVM_INTERCEPT1_INTR;
	else
		vmcb->intercept1 &= ~SVM_INTERCEPT1_INTR;
}

void vcpu_intercept_hlt(struct vcpu *v, bool on)
{
	if (on)
		v->arch.vmcb->intercept1 |= SVM_INTERCEPT1_HLT;
	else
		v->arch.vmcb->intercept1 &= ~SVM_INTERCEPT1_HLT;
}

void vcpu_intercept_cr4(struct vcpu *v, bool on)
{
	if (on)
		v->arch.vmcb->intercept_cr_write |= BIT(4);
	else
		v->arch.vmcb->intercept_cr_write &= ~BIT(4);
}

void vcpu_intercept_exceptions(struct vcpu *v, u32 mask)
{
	u32 always = v->arch.root ? 0 : BIT(X86_TRAP_AC) | BIT(X86_TRAP_DB);

	v->arch.vmcb->intercept_exceptions = mask | always;
}

void vcpu_set_tsc_offset(struct vcpu *v, u64 offset)
{
	v->arch.vmcb->tsc_offset = offset;
}

u64 vcpu_get_tsc_offset(const struct vcpu *v)
{
	return v->arch.vmcb->tsc_offset;
}
