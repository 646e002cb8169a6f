// SPDX-License-Identifier: GPL-2.0-only
/*
 * What an SVM exit means.
 */
#include <asm/cpu.h>
#include <openhv/string.h>
#include <openhv/vcpu.h>
#include <tlfs/register.h>
#include "svm.h"
#include "vmcb.h"

/* The length of the instruction that exited, where the processor tells it. */
static u8 insn_len(const struct vcpu *v)
{
	const struct vmcb *vmcb = v->arch.vmcb;
	u64 len;

	if (!vcpu_caps.next_rip)
		return 0;
	len = vmcb->next_rip - vmcb->rip;
	return len <= 15 ? len : 0;
}

static void decode_io(struct vcpu *v)
{
	const struct vmcb *vmcb = v->arch.vmcb;
	struct vcpu_exit *e = &v->exit;
	u64 info = vmcb->exit_info1;
	u64 len = vmcb->exit_info2 - vmcb->rip;

	e->reason = VCPU_EXIT_IO;
	e->io.port = info >> SVM_IOIO_PORT_SHIFT;
	e->io.size = (info & SVM_IOIO_SIZE_MASK) >> SVM_IOIO_SIZE_SHIFT;
	e->io.in = info & SVM_IOIO_IN;
	e->io.string = info & SVM_IOIO_STRING;
	e->io.rep = info & SVM_IOIO_REP;
	e->insn_len = len <= 15 ? len : 0;
}

static void decode_npf(struct vcpu *v)
{
	const struct vmcb *vmcb = v->arch.vmcb;
	struct vcpu_exit *e = &v->exit;
	u64 info = vmcb->exit_info1;

	e->reason = VCPU_EXIT_NPT_FAULT;
	e->insn_len = 0;
	e->npt.gpa = vmcb->exit_info2;
	e->npt.flags = 0;
	if (info & PF_PRESENT)
		e->npt.flags |= NPT_FAULT_PRESENT;
	/* A page walk's access is reported as a write, whatever the walk is for. */
	if (info & SVM_NPF_WALK)
		e->npt.flags |= NPT_FAULT_WALK;
	if (info & PF_WRITE)
		e->npt.flags |= NPT_FAULT_WRITE;
	if (info & PF_INSTR)
		e->npt.flags |= NPT_FAULT_EXEC;
}

static void decode_exception(struct vcpu *v, u8 vector)
{
	const struct vmcb *vmcb = v->arch.vmcb;
	struct vcpu_exit *e = &v->exit;

	e->reason = VCPU_EXIT_EXCEPTION;
	e->insn_len = 0;
	e->exception.vector = vector;
	e->exception.has_error = vector == X86_TRAP_DF || vector == X86_TRAP_TS ||
				 vector == X86_TRAP_NP || vector == X86_TRAP_SS ||
				 vector == X86_TRAP_GP || vector == X86_TRAP_PF ||
				 vector == X86_TRAP_AC;
	e->exception.error = vmcb->exit_info1;
	if (vector == X86_TRAP_PF)
		e->exception.parameter = vmcb->exit_info2;
	else if (vector == X86_TRAP_DB)
		e->exception.parameter = vmcb->dr6;
	else
		e->exception.parameter = 0;
}

/*
 * QEMU's emulator calls every interrupted delivery that of an exception. Vectors
 * from 31 on are interrupts, and vector 2 is the NMI; injected as exceptions
 * the processor would refuse them.
 */
static u64 true_type(u64 info)
{
	u64 vector = info & SVM_EVENT_VECTOR_MASK, type;

	if ((info & SVM_EVENT_TYPE_MASK) >> SVM_EVENT_TYPE_SHIFT != SVM_EVENT_TYPE_EXCEPTION)
		return info;
	if (vector == X86_TRAP_NMI)
		type = SVM_EVENT_TYPE_NMI;
	else if (vector >= 31)
		type = SVM_EVENT_TYPE_INTR;
	else
		return info;
	return (info & ~SVM_EVENT_TYPE_MASK) | type << SVM_EVENT_TYPE_SHIFT;
}

/*
 * The delivery of an event may have been interrupted by the exit: inject it
 * again. A virtual interrupt that was on its way counts as taken, even where
 * the processor left V_IRQ set.
 */
static void decode_interrupted_delivery(struct vcpu *v)
{
	struct vmcb *vmcb = v->arch.vmcb;
	u64 info = true_type(vmcb->exit_int_info);

	if (!(info & SVM_EVENT_VALID))
		return;
	vmcb->event_inj = info;
	if ((info & SVM_EVENT_TYPE_MASK) >> SVM_EVENT_TYPE_SHIFT == SVM_EVENT_TYPE_INTR &&
	    v->arch.virq == (int)(info & SVM_EVENT_VECTOR_MASK))
		vmcb->int_ctl &= ~SVM_V_IRQ;
	/* Soft interrupts and exceptions are raised again by their instruction. */
	if ((info & SVM_EVENT_TYPE_MASK) >> SVM_EVENT_TYPE_SHIFT == SVM_EVENT_TYPE_SOFT)
		vmcb->event_inj = 0;
}

/* NMIs stay masked until the IRET has been executed, not just reached. */
static void track_iret(struct vcpu *v)
{
	struct vcpu_arch *a = &v->arch;

	if (a->vmcb->exit_code == SVM_EXIT_IRET) {
		a->nmi_iret = true;
		a->nmi_iret_rip = v->rip;
		a->vmcb->intercept1 &= ~SVM_INTERCEPT1_IRET;
	} else if (a->nmi_iret && v->rip != a->nmi_iret_rip) {
		a->nmi_iret = false;
		a->nmi_masked = false;
	}
}

/* Without CR4.DE, DR5 is another name of DR7. */
static bool no_such_dr(const struct vmcb *vmcb)
{
	bool dr5 = vmcb->exit_code == SVM_EXIT_DR_READ0 + 5 ||
		   vmcb->exit_code == SVM_EXIT_DR_WRITE0 + 5;

	return dr5 && vmcb->cr4 & CR4_DE;
}

void svm_decode_exit(struct vcpu *v)
{
	struct vmcb *vmcb = v->arch.vmcb;
	struct vcpu_exit *e = &v->exit;

	e->code = vmcb->exit_code;
	vmcb->event_inj = 0;
	decode_interrupted_delivery(v);
	if (unlikely(v->arch.nmi_masked))
		track_iret(v);
	if (unlikely(v->arch.soft_passes)) {
		v->arch.soft_passes = false;
		vmcb->intercept1 |= SVM_INTERCEPT1_SWINT;
	}

	switch (vmcb->exit_code) {
	case SVM_EXIT_INTR:
		e->reason = VCPU_EXIT_INTERRUPT;
		break;
	case SVM_EXIT_NMI:
		e->reason = VCPU_EXIT_NMI;
		break;
	case SVM_EXIT_VINTR:
		e->reason = VCPU_EXIT_INTERRUPT_WINDOW;
		break;
	case SVM_EXIT_CPUID:
		e->reason = VCPU_EXIT_CPUID;
		e->insn_len = insn_len(v);
		break;
	case SVM_EXIT_MSR:
		e->reason = vmcb->exit_info1 ? VCPU_EXIT_MSR_WRITE : VCPU_EXIT_MSR_READ;
		e->insn_len = insn_len(v);
		break;
	case SVM_EXIT_IOIO:
		decode_io(v);
		break;
	case SVM_EXIT_VMMCALL:
		e->reason = VCPU_EXIT_HYPERCALL;
		e->insn_len = insn_len(v);
		break;
	case SVM_EXIT_HLT:
		e->reason = VCPU_EXIT_HLT;
		e->insn_len = insn_len(v);
		break;
	case SVM_EXIT_SWINT:
	case SVM_EXIT_ICEBP:
		e->reason = VCPU_EXIT_SOFT_INTERRUPT;
		e->soft.int1 = vmcb->exit_code == SVM_EXIT_ICEBP;
		e->insn_len = insn_len(v);
		break;
	case SVM_EXIT_XSETBV:
		e->reason = VCPU_EXIT_XSETBV;
		e->insn_len = insn_len(v);
		break;
	case SVM_EXIT_WBINVD:
	case SVM_EXIT_INVD:
		e->reason = VCPU_EXIT_WBINVD;
		e->insn_len = insn_len(v);
		break;
	case SVM_EXIT_NPF:
		decode_npf(v);
		break;
	case SVM_EXIT_EXCEPTION0 ... SVM_EXIT_EXCEPTION0 + 31:
		decode_exception(v, vmcb->exit_code - SVM_EXIT_EXCEPTION0);
		break;
	case SVM_EXIT_CR_WRITE0 ... SVM_EXIT_CR_WRITE0 + 15:
		e->reason = VCPU_EXIT_CR_WRITE;
		e->cr.cr = vmcb->exit_code - SVM_EXIT_CR_WRITE0;
		e->insn_len = 0;
		break;
	case SVM_EXIT_DR_READ0 + 5:
	case SVM_EXIT_DR_READ0 + 7:
		e->reason = no_such_dr(vmcb) ? VCPU_EXIT_UNDEFINED : VCPU_EXIT_DR7_READ;
		e->insn_len = 0;
		break;
	case SVM_EXIT_DR_WRITE0 + 5:
	case SVM_EXIT_DR_WRITE0 + 7:
		e->reason = no_such_dr(vmcb) ? VCPU_EXIT_UNDEFINED : VCPU_EXIT_DR7_WRITE;
		e->insn_len = 0;
		break;
	case SVM_EXIT_SHUTDOWN:
		e->reason = VCPU_EXIT_SHUTDOWN;
		break;
	case SVM_EXIT_IRET:
	case SVM_EXIT_INIT:
		e->reason = VCPU_EXIT_RETRY;
		break;
	case SVM_EXIT_INVALID:
	case SVM_EXIT_INVALID32:
		e->reason = VCPU_EXIT_INVALID;
		break;
	default:
		/* Instructions of SVM itself, MONITOR, RSM and the like: not the guest's. */
		e->reason = VCPU_EXIT_UNDEFINED;
		break;
	}
}
