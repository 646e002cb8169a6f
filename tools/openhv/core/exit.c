// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a VP's exits do.
 */
#include <asm/cpu.h>
#include <asm/x86.h>
#include <openhv/gwalk.h>
#include <openhv/log.h>
#include <openhv/lp.h>
#include <openhv/options.h>
#include <openhv/root.h>
#include <openhv/run.h>
#include <openhv/stats.h>
#include <tlfs/interrupt.h>

#define OPCODE_HLT	0xF4

void vp_advance(struct vp *vp, u32 length)
{
	struct vcpu *v = &vp->vcpu;
	struct hv_x64_segment_register cs;
	u64 rip = v->rip + length;

	if (!(vcpu_get_efer(v) & EFER_LMA)) {
		rip = (u32)rip;
	} else {
		vcpu_get_seg(v, SEG_CS, &cs);
		if (!(cs.attributes & HV_SEGMENT_LONG))
			rip = (u32)rip;
	}
	v->rip = rip;
	v->rflags &= ~RFLAGS_RF;
	vcpu_set_shadow(v, false);
}

void vp_skip_insn(struct vp *vp, u32 opcode)
{
	vp_advance(vp, vp_insn_length(vp, opcode));
}

void vp_inject_exception(struct vp *vp, u8 vector, bool has_error, u32 error)
{
	struct vcpu_event ev = {
		.valid = true,
		.type = HV_INTERRUPTION_TYPE_EXCEPTION,
		.vector = vector,
		.has_error = has_error,
		/* In real mode no error code is pushed. */
		.error = error,
	};

	if (!(vcpu_get_cr(&vp->vcpu, 0) & CR0_PE))
		ev.has_error = false;
	vcpu_set_injection(&vp->vcpu, &ev);
}

static const u8 exit_counter[] = {
	[VCPU_EXIT_INTERRUPT] = OPENHV_EXIT_INTERRUPT,
	[VCPU_EXIT_NMI] = OPENHV_EXIT_NMI,
	[VCPU_EXIT_INTERRUPT_WINDOW] = OPENHV_EXIT_INTERRUPT_WINDOW,
	[VCPU_EXIT_CPUID] = OPENHV_EXIT_CPUID,
	[VCPU_EXIT_MSR_READ] = OPENHV_EXIT_MSR_READ,
	[VCPU_EXIT_MSR_WRITE] = OPENHV_EXIT_MSR_WRITE,
	[VCPU_EXIT_IO] = OPENHV_EXIT_IO,
	[VCPU_EXIT_HYPERCALL] = OPENHV_EXIT_HYPERCALL,
	[VCPU_EXIT_HLT] = OPENHV_EXIT_HLT,
	[VCPU_EXIT_NPT_FAULT] = OPENHV_EXIT_NPT_FAULT,
	[VCPU_EXIT_EXCEPTION] = OPENHV_EXIT_EXCEPTION,
	[VCPU_EXIT_CR_WRITE] = OPENHV_EXIT_CR_ACCESS,
	[VCPU_EXIT_DR7_READ] = OPENHV_EXIT_OTHER,
	[VCPU_EXIT_DR7_WRITE] = OPENHV_EXIT_OTHER,
	[VCPU_EXIT_XSETBV] = OPENHV_EXIT_XSETBV,
	[VCPU_EXIT_WBINVD] = OPENHV_EXIT_OTHER,
	[VCPU_EXIT_SOFT_INTERRUPT] = OPENHV_EXIT_EXCEPTION,
	[VCPU_EXIT_SHUTDOWN] = OPENHV_EXIT_SHUTDOWN,
	[VCPU_EXIT_UNDEFINED] = OPENHV_EXIT_OTHER,
	[VCPU_EXIT_RETRY] = OPENHV_EXIT_OTHER,
	[VCPU_EXIT_INVALID] = OPENHV_EXIT_OTHER,
};

static void count_exit(struct lp *lp, struct vp *vp)
{
	u32 counter = exit_counter[vp->vcpu.exit.reason];

	vp->exits[counter]++;
	if (partition_is_root(vp->partition))
		lp->info->root_exits[counter]++;
	else
		lp->info->child_exits[counter]++;
}

static void exit_cpuid(struct vp *vp)
{
	u64 *gpr = vp->vcpu.gpr;
	u32 leaf = gpr[GPR_RAX], subleaf = gpr[GPR_RCX];
	struct hv_cpuid_result out;

	vp_cpuid(vp, leaf, subleaf, &out);
	if (vp->partition->intercept_count &&
	    intercept_wanted(vp->partition, HV_INTERCEPT_TYPE_X64_CPUID, leaf,
			     HV_INTERCEPT_ACCESS_MASK_EXECUTE)) {
		intercept_cpuid(vp, &out);
		return;
	}
	gpr[GPR_RAX] = out.eax;
	gpr[GPR_RBX] = out.ebx;
	gpr[GPR_RCX] = out.ecx;
	gpr[GPR_RDX] = out.edx;
	vp_skip_insn(vp, 2);
}

static bool msr_intercepted(struct vp *vp, u32 msr, u32 access)
{
	struct partition *p = vp->partition;

	if (!p->intercept_count)
		return false;
	return intercept_wanted(p, HV_INTERCEPT_TYPE_X64_MSR, 0, access) ||
	       intercept_wanted(p, HV_INTERCEPT_TYPE_X64_MSR_INDEX, msr, access);
}

static void exit_msr_read(struct lp *lp, struct vp *vp)
{
	u64 *gpr = vp->vcpu.gpr;
	u32 msr = gpr[GPR_RCX];
	u64 value = 0;

	if (msr_intercepted(vp, msr, HV_INTERCEPT_ACCESS_MASK_READ)) {
		intercept_msr(vp, false);
		return;
	}
	/* State that VMLOAD switched in has to be in the VMCB to be read. */
	if (vcpu_msr_slot(&vp->vcpu, msr))
		vcpu_sync(lp, &vp->vcpu);
	switch (vp_msr_read(vp, msr, &value, false)) {
	case MSR_OK:
		break;
	case MSR_UNKNOWN:
		if (vp->partition->msr_ignore) {
			value = 0;
			break;
		}
		fallthrough;
	default:
		vp_inject_gp(vp);
		return;
	}
	gpr[GPR_RAX] = lower_32(value);
	gpr[GPR_RDX] = upper_32(value);
	vp_skip_insn(vp, 2);
}

static void exit_msr_write(struct lp *lp, struct vp *vp)
{
	u64 *gpr = vp->vcpu.gpr;
	u32 msr = gpr[GPR_RCX];
	u64 value = (u64)lower_32(gpr[GPR_RDX]) << 32 | lower_32(gpr[GPR_RAX]);

	if (msr_intercepted(vp, msr, HV_INTERCEPT_ACCESS_MASK_WRITE)) {
		intercept_msr(vp, true);
		return;
	}
	if (vcpu_msr_slot(&vp->vcpu, msr))
		vcpu_sync(lp, &vp->vcpu);
	switch (vp_msr_write(vp, msr, value, false)) {
	case MSR_OK:
		break;
	case MSR_UNKNOWN:
		if (vp->partition->msr_ignore)
			break;
		fallthrough;
	default:
		vp_inject_gp(vp);
		return;
	}
	vp_skip_insn(vp, 2);
}

/*
 * Something has been sent that makes a VP go on, though it waits for a SIPI or has
 * halted with interrupts off: it takes it before it looks any different.
 */
static bool has_been_woken(struct vp *vp)
{
	u64 requests = READ_ONCE(vp->requests);

	if (READ_ONCE(vp->nmi_pending) && !vcpu_nmi_masked(&vp->vcpu))
		return true;
	/* After the requests: it says so before it takes them. */
	smp_mb();
	if (load_acquire(&vp->serving))
		return true;
	if (requests & VP_REQ_INIT)
		return requests & VP_REQ_SIPI || vp->apic.base & APIC_BASE_BSP;
	return requests & VP_REQ_SIPI && READ_ONCE(vp->startup_suspend);
}

/*
 * A VP that halts with interrupts off is woken by an NMI, INIT or SIPI only.
 * When no VP of the partition is left that could send one, the guest is dead,
 * and its parent is told.
 */
static bool partition_is_dead(struct partition *p)
{
	bool dead = true;
	u32 i;

	for (i = 0; i < VP_MAX && dead; i++) {
		struct vp *vp = vp_get(p, i);

		if (!vp)
			continue;
		/* What wakes it first: it is seen as awake before that is gone. */
		dead = !has_been_woken(vp) &&
		       (READ_ONCE(vp->startup_suspend) ||
			(READ_ONCE(vp->halted) && !(READ_ONCE(vp->vcpu.rflags) & RFLAGS_IF)));
		vp_put(vp);
	}
	return dead;
}

static void exit_hlt(struct vp *vp)
{
	u32 length = vp_insn_length(vp, 1);

	vp->halted = true;
	if (!partition_is_root(vp->partition) && !(vp->vcpu.rflags & RFLAGS_IF) &&
	    partition_is_dead(vp->partition)) {
		/* An intercept like others: what happens next is up to the parent. */
		vp->halted = false;
		intercept_halt(vp);
		return;
	}
	vp_advance(vp, length);
}

bool vp_complete_hlt(struct lp *lp, struct vp *vp)
{
	struct vcpu_event ev;
	u8 opcode;

	vcpu_get_injection(&vp->vcpu, &ev);
	if (ev.valid || vcpu_get_cpl(&vp->vcpu) || vp->vcpu.rflags & RFLAGS_TF ||
	    vp_fetch(vp, &opcode, 1) != 1 || opcode != OPCODE_HLT)
		return false;
	vp->vcpu.exit.reason = VCPU_EXIT_HLT;
	vp->vcpu.exit.insn_len = 1;
	count_exit(lp, vp);
	exit_hlt(vp);
	return true;
}

void vp_stay_halted(struct vp *vp)
{
	struct vcpu_event ev;
	u8 opcode;

	vcpu_intercept_hlt(&vp->vcpu, true);
	vcpu_get_injection(&vp->vcpu, &ev);
	if (vp->halted || vp->startup_suspend || ev.valid || vp->vcpu.rflags & RFLAGS_IF)
		return;
	vp->vcpu.rip--;
	vp->halted = vp_fetch(vp, &opcode, 1) == 1 && opcode == OPCODE_HLT;
	vp->vcpu.rip++;
}

/* What the architecture asks of a write to CR4 beyond the bits that exist */
static bool cr4_transition(struct vp *vp, u64 value)
{
	struct vcpu *v = &vp->vcpu;
	u64 old = vcpu_get_cr(v, 4);
	bool lma = vcpu_get_efer(v) & EFER_LMA;

	if (lma && (!(value & CR4_PAE) || (value ^ old) & CR4_LA57))
		return false;
	if (value & ~old & CR4_PCIDE && (!lma || vcpu_get_cr(v, 3) & 0xFFF))
		return false;
	return vp_set_cr4(vp, value);
}

#define OPCODE_MOV_FROM_DR	0x21
#define OPCODE_MOV_TO_CR	0x22
#define OPCODE_MOV_TO_DR	0x23

/*
 * The register that MOV to or from a control or debug register names:
 * [prefixes] [REX] 0F opcode /r.
 * Returns: the instruction's length; 0: it is something else
 */
static u32 mov_register(struct vp *vp, u8 opcode, u64 **gpr)
{
	struct vcpu *v = &vp->vcpu;
	u8 bytes[8], rex = 0, reg;
	u32 n = vp_fetch(vp, bytes, sizeof(bytes)), i;

	for (i = 0; i < n; i++) {
		if ((bytes[i] & 0xF0) == 0x40)
			rex = bytes[i];
		else if (bytes[i] == 0x0F)
			break;
	}
	if (i + 3 > n || bytes[i + 1] != opcode)
		return 0;
	reg = (bytes[i + 2] & 7) | (rex & 1 ? 8 : 0);
	*gpr = &v->gpr[reg];
	return i + 3;
}

static u32 mov_operand(struct vp *vp, u8 opcode, u64 *value)
{
	u64 *gpr;
	u32 len = mov_register(vp, opcode, &gpr);

	if (len)
		*value = vcpu_get_efer(&vp->vcpu) & EFER_LMA ? *gpr : (u32)*gpr;
	return len;
}

static void exit_cr_write(struct vp *vp)
{
	struct vcpu *v = &vp->vcpu;
	u64 value;
	u32 len = mov_operand(vp, OPCODE_MOV_TO_CR, &value);

	if (!len) {
		vp_inject_ud(vp);
		return;
	}
	if (v->exit.cr.cr == 8 && !(value & ~0xFUL)) {
		vcpu_set_cr(v, 8, value);
	} else if (v->exit.cr.cr != 4 || !cr4_transition(vp, value)) {
		vp_inject_gp(vp);
		return;
	}
	vp_advance(vp, len);
}

static void exit_dr7_read(struct vp *vp)
{
	u64 *gpr;
	u32 len = mov_register(vp, OPCODE_MOV_FROM_DR, &gpr);

	if (!len) {
		vp_inject_ud(vp);
		return;
	}
	*gpr = vcpu_get_dr7(&vp->vcpu);
	vp_advance(vp, len);
}

static void exit_dr7_write(struct vp *vp)
{
	union hv_register_value value = {};
	u32 len = mov_operand(vp, OPCODE_MOV_TO_DR, &value.reg64);

	if (!len) {
		vp_inject_ud(vp);
		return;
	}
	if (upper_32(value.reg64) || vp_set_register(vp, HV_X64_REGISTER_DR7, &value)) {
		vp_inject_gp(vp);
		return;
	}
	vp_advance(vp, len);
}

static void exit_xsetbv(struct lp *lp, struct vp *vp)
{
	u64 *gpr = vp->vcpu.gpr;
	u64 value = (u64)lower_32(gpr[GPR_RDX]) << 32 | lower_32(gpr[GPR_RAX]);

	if (!(vcpu_get_cr(&vp->vcpu, 4) & CR4_OSXSAVE)) {
		vp_inject_ud(vp);
		return;
	}
	vcpu_sync(lp, &vp->vcpu);
	if (vcpu_get_cpl(&vp->vcpu) || lower_32(gpr[GPR_RCX]) || !vp_set_xcr0(vp, value)) {
		vp_inject_gp(vp);
		return;
	}
	vp_skip_insn(vp, 3);
}

static void exit_exception(struct vp *vp)
{
	const struct vcpu_exit *e = &vp->vcpu.exit;

	if (vp->partition->exception_intercepts & BIT(e->exception.vector)) {
		intercept_exception(vp);
		return;
	}
	/* Intercepted only so that its delivery cannot loop in the processor */
	if (e->exception.vector == X86_TRAP_PF)
		vcpu_set_cr(&vp->vcpu, 2, e->exception.parameter);
	vp_inject_exception(vp, e->exception.vector, e->exception.has_error, e->exception.error);
}

static void exit_npt_fault(struct vp *vp)
{
	const struct vcpu_exit *e = &vp->vcpu.exit;
	struct gpamap *map = &vp->partition->gpamap;
	struct gpa_info info;

	if (partition_is_root(vp->partition)) {
		root_npt_fault(vp);
		return;
	}
	read_lock(&map->lock);
	gpamap_lookup(map, e->npt.gpa >> PAGE_SHIFT, &info);
	read_unlock(&map->lock);
	/* Another processor may have mapped it meanwhile: then the access just goes on. */
	if (info.mapped && !(info.rights & GPA_NO_ACCESS) &&
	    (info.rights & GPA_WRITE || !(e->npt.flags & NPT_FAULT_WRITE)) &&
	    (info.rights & GPA_EXEC || !(e->npt.flags & NPT_FAULT_EXEC)))
		return;
	if (!info.mapped && vp_emulate_mmio(vp))
		return;
	intercept_memory(vp, info.mapped);
}

static void exit_shutdown(struct vp *vp)
{
	if (partition_is_root(vp->partition)) {
		log_error("root VP %u: triple fault at %llx; resetting the machine", vp->index,
			  vp->vcpu.rip);
		machine_reset();
	}
	intercept_triple_fault(vp);
}

/* What a newcomer needs to see why a guest died, in the ring (option log=exits) */
static void trace_exit(const struct vp *vp)
{
	static const char * const names[] = {
		[VCPU_EXIT_CPUID] = "CPUID", [VCPU_EXIT_MSR_READ] = "RDMSR",
		[VCPU_EXIT_MSR_WRITE] = "WRMSR", [VCPU_EXIT_IO] = "I/O",
		[VCPU_EXIT_HYPERCALL] = "hypercall", [VCPU_EXIT_HLT] = "HLT",
		[VCPU_EXIT_NPT_FAULT] = "memory", [VCPU_EXIT_EXCEPTION] = "exception",
		[VCPU_EXIT_CR_WRITE] = "CR write", [VCPU_EXIT_DR7_READ] = "DR7 read",
		[VCPU_EXIT_DR7_WRITE] = "DR7 write",
		[VCPU_EXIT_XSETBV] = "XSETBV",
		[VCPU_EXIT_WBINVD] = "WBINVD", [VCPU_EXIT_SOFT_INTERRUPT] = "INT",
		[VCPU_EXIT_SHUTDOWN] = "triple fault",
		[VCPU_EXIT_UNDEFINED] = "undefined", [VCPU_EXIT_INVALID] = "invalid state",
	};
	const struct vcpu *v = &vp->vcpu;
	const struct vcpu_exit *e = &v->exit;
	const char *name = e->reason < ARRAY_SIZE(names) ? names[e->reason] : NULL;

	/* Interrupts of the machine say nothing of the guest. */
	if (!name)
		return;
	switch (e->reason) {
	case VCPU_EXIT_IO:
		log_ring("%llu/%u %llx: %s port %x%s size %u%s rax %llx", vp->partition->id,
			 vp->index, v->rip, e->io.in ? "in" : "out", e->io.port,
			 e->io.rep ? " rep" : "", e->io.size, e->io.string ? " string" : "",
			 v->gpr[GPR_RAX]);
		break;
	case VCPU_EXIT_NPT_FAULT:
		log_ring("%llu/%u %llx: %s %llx flags %x", vp->partition->id, vp->index, v->rip,
			 name, e->npt.gpa, e->npt.flags);
		break;
	case VCPU_EXIT_EXCEPTION:
		log_ring("%llu/%u %llx: %s %u error %x parameter %llx", vp->partition->id,
			 vp->index, v->rip, name, e->exception.vector, e->exception.error,
			 e->exception.parameter);
		break;
	default:
		log_ring("%llu/%u %llx: %s rax %llx rcx %llx rdx %llx cr0 %llx cr3 %llx",
			 vp->partition->id, vp->index, v->rip, name, v->gpr[GPR_RAX],
			 v->gpr[GPR_RCX], v->gpr[GPR_RDX], vcpu_get_cr(v, 0), vcpu_get_cr(v, 3));
	}
}

void vp_handle_exit(struct lp *lp, struct vp *vp)
{
	count_exit(lp, vp);
	if (unlikely(options.log_exits) && !partition_is_root(vp->partition))
		trace_exit(vp);
	switch (vp->vcpu.exit.reason) {
	case VCPU_EXIT_INTERRUPT:
		if (unlikely(options.root_shim))
			root_apic_interrupt(lp, vp);
		else
			lp_take_interrupts(lp);
		htimers_run(lp);
		stats_tick(lp);
		break;
	case VCPU_EXIT_NMI:
		lp_take_nmi(lp);
		break;
	case VCPU_EXIT_INTERRUPT_WINDOW:
	case VCPU_EXIT_RETRY:
		break;
	case VCPU_EXIT_CPUID:
		exit_cpuid(vp);
		break;
	case VCPU_EXIT_MSR_READ:
		exit_msr_read(lp, vp);
		break;
	case VCPU_EXIT_MSR_WRITE:
		exit_msr_write(lp, vp);
		break;
	case VCPU_EXIT_IO:
		intercept_io(vp);
		break;
	case VCPU_EXIT_HYPERCALL:
		hypercall_handle(lp, vp);
		break;
	case VCPU_EXIT_HLT:
		exit_hlt(vp);
		break;
	case VCPU_EXIT_NPT_FAULT:
		exit_npt_fault(vp);
		break;
	case VCPU_EXIT_EXCEPTION:
		exit_exception(vp);
		break;
	case VCPU_EXIT_CR_WRITE:
		exit_cr_write(vp);
		break;
	case VCPU_EXIT_DR7_READ:
		exit_dr7_read(vp);
		break;
	case VCPU_EXIT_DR7_WRITE:
		exit_dr7_write(vp);
		break;
	case VCPU_EXIT_XSETBV:
		exit_xsetbv(lp, vp);
		break;
	case VCPU_EXIT_WBINVD:
		/* The machine's caches are not the guest's to empty. */
		vp_skip_insn(vp, 2);
		break;
	case VCPU_EXIT_SOFT_INTERRUPT:
		vp_soft_interrupt(vp);
		break;
	case VCPU_EXIT_SHUTDOWN:
		exit_shutdown(vp);
		break;
	case VCPU_EXIT_UNDEFINED:
		vp_inject_ud(vp);
		break;
	case VCPU_EXIT_INVALID:
		if (partition_is_root(vp->partition))
			panic("the processor does not accept root VP %u's state", vp->index);
		intercept_invalid_state(vp);
		break;
	}
	/* Then interrupts do not bring it here, but setting the next timer does. */
	if (unlikely(options.root_shim))
		stats_tick(lp);
}
