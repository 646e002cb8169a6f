// SPDX-License-Identifier: GPL-2.0-only
/*
 * Intercept messages (TLFS, "Intercepts"): they are written to the VP's
 * intercept message page, and suspend the VP until its parent resumes it.
 */
#include <asm/cpu.h>
#include <openhv/atomic.h>
#include <openhv/emulate.h>
#include <openhv/gwalk.h>
#include <openhv/log.h>
#include <openhv/options.h>
#include <openhv/run.h>
#include <openhv/string.h>
#include <tlfs/interrupt.h>
#include <tlfs/memory.h>

static void *begin(struct vp *vp, struct hv_message *msg, u32 type, u8 size)
{
	memset(msg, 0, sizeof(*msg));
	msg->header.message_type = type;
	msg->header.payload_size = size;
	msg->header.sender = vp->partition->id;
	return msg->u.payload;
}

/*
 * Without a message page there is nobody who could read the message: the VP
 * stays suspended, as it does when the parent never resumes it.
 */
static void end(struct vp *vp, const struct hv_message *msg)
{
	if (vp->message)
		memcpy(vp->message, msg, sizeof(*msg));
	if (log_level >= LOG_DEBUG)
		log_debug("partition %llu VP %u: message %x at %llx", vp->partition->id,
			  vp->index, msg->header.message_type, vp->vcpu.rip);
	vp->intercept_suspend = true;
}

static void fill_header(struct vp *vp, struct hv_x64_intercept_message_header *h, u32 length,
			u8 access)
{
	struct vcpu *v = &vp->vcpu;
	struct vcpu_event ev;
	u64 cr0 = vcpu_get_cr(v, 0);
	u16 state;

	h->vp_index = vp->index;
	h->instruction_length_and_cr8 = (length & HV_INTERCEPT_INSN_LENGTH_MASK) |
					vcpu_get_cr(v, 8) << HV_INTERCEPT_CR8_SHIFT;
	h->intercept_access_type = access;
	state = vcpu_get_cpl(v);
	if (cr0 & CR0_PE)
		state |= HV_X64_EXEC_STATE_CR0_PE;
	if (cr0 & CR0_AM)
		state |= HV_X64_EXEC_STATE_CR0_AM;
	if (vcpu_get_efer(v) & EFER_LMA)
		state |= HV_X64_EXEC_STATE_EFER_LMA;
	if (vcpu_get_dr7(v) & 0xFF)
		state |= HV_X64_EXEC_STATE_DEBUG_ACTIVE;
	vcpu_get_injection(v, &ev);
	if (ev.valid)
		state |= HV_X64_EXEC_STATE_INTERRUPTION_PENDING;
	if (vcpu_get_shadow(v))
		state |= HV_X64_EXEC_STATE_INTERRUPT_SHADOW;
	h->execution_state = state;
	vcpu_get_seg(v, SEG_CS, &h->cs_segment);
	h->rip = v->rip;
	h->rflags = v->rflags;
}

void intercept_io(struct vp *vp)
{
	const struct vcpu_exit *e = &vp->vcpu.exit;
	struct hv_x64_io_port_intercept_message *m;
	u64 *gpr = vp->vcpu.gpr;
	struct hv_message msg;

	m = begin(vp, &msg, HVMSG_X64_IO_PORT_INTERCEPT, sizeof(*m));
	fill_header(vp, &m->header, e->insn_len,
		    e->io.in ? HV_INTERCEPT_ACCESS_READ : HV_INTERCEPT_ACCESS_WRITE);
	m->port_number = e->io.port;
	m->access_info = e->io.size;
	if (e->io.string)
		m->access_info |= HV_X64_IO_PORT_STRING_OP;
	if (e->io.rep && e->io.string)
		m->access_info |= HV_X64_IO_PORT_REP_PREFIX;
	m->rax = gpr[GPR_RAX];
	m->instruction_byte_count = vp_fetch(vp, m->instruction_bytes,
					     e->insn_len ? e->insn_len : HV_INTERCEPT_INSN_BYTES);
	vcpu_get_seg(&vp->vcpu, SEG_DS, &m->ds_segment);
	vcpu_get_seg(&vp->vcpu, SEG_ES, &m->es_segment);
	m->rcx = gpr[GPR_RCX];
	m->rsi = gpr[GPR_RSI];
	m->rdi = gpr[GPR_RDI];
	end(vp, &msg);
}

/*
 * The guest virtual address of a memory access is not given by the processor;
 * it is that of the operand, which the parent's emulator computes from the
 * instruction. So only the physical address is marked valid.
 */
void intercept_memory(struct vp *vp, bool mapped)
{
	const struct vcpu_exit *e = &vp->vcpu.exit;
	struct hv_x64_memory_intercept_message *m;
	struct hv_message msg;
	u8 access;

	if (e->npt.flags & NPT_FAULT_EXEC)
		access = HV_INTERCEPT_ACCESS_EXECUTE;
	else if (e->npt.flags & NPT_FAULT_WRITE)
		access = HV_INTERCEPT_ACCESS_WRITE;
	else
		access = HV_INTERCEPT_ACCESS_READ;
	m = begin(vp, &msg, mapped ? HVMSG_GPA_INTERCEPT : HVMSG_UNMAPPED_GPA, sizeof(*m));
	fill_header(vp, &m->header, 0, access);
	m->cache_type = HV_CACHE_TYPE_WRITE_BACK;
	m->tpr_priority = vcpu_get_cr(&vp->vcpu, 8);
	m->guest_physical_address = e->npt.gpa;
	if (options.gpa_intercept_page)
		m->guest_physical_address &= PAGE_MASK;
	m->instruction_byte_count = vp_fetch(vp, m->instruction_bytes, HV_INTERCEPT_INSN_BYTES);
	memory_operand_gva(vp, m);
	end(vp, &msg);
}

void intercept_msr(struct vp *vp, bool write)
{
	struct hv_x64_msr_intercept_message *m;
	struct hv_message msg;

	m = begin(vp, &msg, HVMSG_X64_MSR_INTERCEPT, sizeof(*m));
	fill_header(vp, &m->header, vp_insn_length(vp, 2),
		    write ? HV_INTERCEPT_ACCESS_WRITE : HV_INTERCEPT_ACCESS_READ);
	m->msr_number = vp->vcpu.gpr[GPR_RCX];
	m->rdx = vp->vcpu.gpr[GPR_RDX];
	m->rax = vp->vcpu.gpr[GPR_RAX];
	end(vp, &msg);
}

void intercept_cpuid(struct vp *vp, const struct hv_cpuid_result *result)
{
	struct hv_x64_cpuid_intercept_message *m;
	struct hv_message msg;

	m = begin(vp, &msg, HVMSG_X64_CPUID_INTERCEPT, sizeof(*m));
	fill_header(vp, &m->header, vp_insn_length(vp, 2), HV_INTERCEPT_ACCESS_EXECUTE);
	m->rax = vp->vcpu.gpr[GPR_RAX];
	m->rcx = vp->vcpu.gpr[GPR_RCX];
	m->rdx = vp->vcpu.gpr[GPR_RDX];
	m->rbx = vp->vcpu.gpr[GPR_RBX];
	m->default_result_rax = result->eax;
	m->default_result_rcx = result->ecx;
	m->default_result_rdx = result->edx;
	m->default_result_rbx = result->ebx;
	end(vp, &msg);
}

void intercept_exception(struct vp *vp)
{
	const struct vcpu_exit *e = &vp->vcpu.exit;
	struct hv_x64_exception_intercept_message *m;
	struct hv_message msg;

	m = begin(vp, &msg, HVMSG_X64_EXCEPTION_INTERCEPT, sizeof(*m));
	fill_header(vp, &m->header, 0, HV_INTERCEPT_ACCESS_EXECUTE);
	m->exception_vector = e->exception.vector;
	if (e->exception.has_error) {
		m->exception_info |= HV_X64_EXCEPTION_ERROR_CODE_VALID;
		m->error_code = e->exception.error;
	}
	m->exception_parameter = e->exception.parameter;
	m->instruction_byte_count = vp_fetch(vp, m->instruction_bytes, HV_INTERCEPT_INSN_BYTES);
	vcpu_get_seg(&vp->vcpu, SEG_DS, &m->ds_segment);
	vcpu_get_seg(&vp->vcpu, SEG_SS, &m->ss_segment);
	memcpy(m->gp_registers, vp->vcpu.gpr, sizeof(m->gp_registers));
	end(vp, &msg);
}

static void intercept_plain(struct vp *vp, u32 type, u32 length)
{
	struct hv_x64_intercept_message_header *h;
	struct hv_message msg;

	h = begin(vp, &msg, type, sizeof(*h));
	fill_header(vp, h, length, HV_INTERCEPT_ACCESS_EXECUTE);
	end(vp, &msg);
}

void intercept_halt(struct vp *vp)
{
	intercept_plain(vp, HVMSG_X64_HALT, vp_insn_length(vp, 1));
}

void intercept_triple_fault(struct vp *vp)
{
	intercept_plain(vp, HVMSG_UNRECOVERABLE_EXCEPTION, 0);
}

void intercept_invalid_state(struct vp *vp)
{
	struct hv_x64_invalid_vp_register_message *m;
	struct hv_message msg;

	m = begin(vp, &msg, HVMSG_INVALID_VP_REGISTER_VALUE, sizeof(*m));
	m->vp_index = vp->index;
	end(vp, &msg);
}

void intercept_hypercall(struct vp *vp)
{
	struct hv_x64_hypercall_intercept_message *m;
	struct hv_x64_intercept_message_header header = {};
	u64 *gpr = vp->vcpu.gpr;
	struct hv_message msg;

	m = begin(vp, &msg, HVMSG_HYPERCALL_INTERCEPT, sizeof(*m));
	/* The message is packed, its header is not. */
	fill_header(vp, &header, vp_insn_length(vp, 3), HV_INTERCEPT_ACCESS_EXECUTE);
	memcpy(&m->header, &header, sizeof(header));
	m->rax = gpr[GPR_RAX];
	m->rbx = gpr[GPR_RBX];
	m->rcx = gpr[GPR_RCX];
	m->rdx = gpr[GPR_RDX];
	m->r8 = gpr[GPR_R8];
	m->rsi = gpr[GPR_RSI];
	m->rdi = gpr[GPR_RDI];
	/* XMM registers are at offset 160 of the FXSAVE area (APM vol. 2, 11.5.9) */
	vcpu_sync(lp_self(), &vp->vcpu);
	memcpy(m->xmm, (u8 *)vp->vcpu.fpu + 160, sizeof(m->xmm));
	end(vp, &msg);
}

void intercept_sint_deliverable(struct vp *vp, u16 sints)
{
	struct hv_x64_synic_sint_deliverable_message *m;
	struct hv_message msg;

	m = begin(vp, &msg, HVMSG_SYNIC_SINT_DELIVERABLE, sizeof(*m));
	fill_header(vp, &m->header, 0, HV_INTERCEPT_ACCESS_EXECUTE);
	m->deliverable_sints = sints;
	end(vp, &msg);
}

void intercept_interruption_deliverable(struct vp *vp, u32 type)
{
	struct hv_x64_interruption_deliverable_message *m;
	struct hv_message msg;

	m = begin(vp, &msg, HVMSG_X64_INTERRUPTION_DELIVERABLE, sizeof(*m));
	fill_header(vp, &m->header, 0, HV_INTERCEPT_ACCESS_EXECUTE);
	m->deliverable_type = type;
	end(vp, &msg);
}

/* This one has no intercept header. */
void vp_eoi_message(struct vp *vp, u8 vector)
{
	struct hv_x64_apic_eoi_message *m;
	struct hv_message msg;

	m = begin(vp, &msg, HVMSG_X64_APIC_EOI, sizeof(*m));
	m->vp_index = vp->index;
	m->interrupt_vector = vector;
	end(vp, &msg);
}

/*
 * Deliverability notifications: the parent asked to be told when a SINT's
 * slot is free, or when an interrupt can be delivered.
 */
void vp_check_deliverability(struct vp *vp)
{
	u16 sints = vp->deliverability >> HV_DELIVERABILITY_SINTS_SHIFT, free = 0;
	u32 i;

	if (likely(!vp->deliverability) || vp->intercept_suspend)
		return;
	for (i = 0; i < HV_SYNIC_SINT_COUNT; i++) {
		if (sints & TLFS_BIT(i) && synic_slot_free(vp, i))
			free |= TLFS_BIT(i);
	}
	if (free) {
		vp->deliverability &= ~((u64)free << HV_DELIVERABILITY_SINTS_SHIFT);
		intercept_sint_deliverable(vp, free);
		return;
	}
	if (vp->deliverability & HV_DELIVERABILITY_INTERRUPT &&
	    vp->vcpu.rflags & RFLAGS_IF && !vcpu_get_shadow(&vp->vcpu)) {
		vp->deliverability &= ~(HV_DELIVERABILITY_INTERRUPT |
					HV_DELIVERABILITY_PRIORITY_MASK);
		intercept_interruption_deliverable(vp, HV_INTERRUPTION_TYPE_EXT_INT);
	}
}
