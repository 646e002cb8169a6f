// SPDX-License-Identifier: GPL-2.0-only
/*
 * Exceptions of openhv are fatal. Interrupts come only in the windows that
 * lp_take_interrupts() opens, and when an LP idles.
 */
#include <asm/cpu.h>
#include <asm/x86.h>
#include <openhv/log.h>
#include <openhv/atomic.h>
#include <openhv/lp.h>
#include <openhv/options.h>
#include <openhv/partition.h>

static const char * const trap_names[] = {
	"#DE divide error", "#DB debug", "NMI", "#BP breakpoint", "#OF overflow",
	"#BR bound range", "#UD invalid opcode", "#NM device not available", "#DF double fault",
	"vector 9", "#TS invalid TSS", "#NP segment not present", "#SS stack fault",
	"#GP general protection", "#PF page fault", "vector 15", "#MF x87 error",
	"#AC alignment check", "#MC machine check", "#XF SIMD error",
};

#define BACKTRACE_DEPTH	24

extern char text_start[], text_end[];

static bool is_text(u64 address)
{
	return address >= (u64)text_start && address < (u64)text_end;
}

/* Frame pointers are kept; the stack is that of this LP, so walk no further. */
static void dump_backtrace(u64 rip, u64 rbp)
{
	u64 top = ALIGN_UP(rbp + 1, LP_STACK_SIZE);
	u32 i;

	log_error("back-trace (addr2line -e openhv.debug):");
	if (is_text(rip))
		log_error("  %016lx", (unsigned long)rip);
	for (i = 0; i < BACKTRACE_DEPTH; i++) {
		u64 *frame = (u64 *)rbp;

		if (!IS_ALIGNED(rbp, 8) || rbp + 16 > top || !is_text(frame[1]))
			break;
		log_error("  %016lx", (unsigned long)frame[1]);
		if (frame[0] <= rbp)
			break;
		rbp = frame[0];
	}
}

static void dump_vp(const struct vp *vp)
{
	const struct vcpu *v = &vp->vcpu;

	log_error("in the name of partition %llu VP %u, last exit %llx (reason %u)",
		  vp->partition->id, vp->index, v->exit.code, v->exit.reason);
	log_error("  guest rip %016llx rflags %08llx rsp %016llx cr0 %llx cr3 %llx cr4 %llx",
		  v->rip, v->rflags, v->gpr[GPR_RSP], vcpu_get_cr(v, 0), vcpu_get_cr(v, 3),
		  vcpu_get_cr(v, 4));
	log_error("  guest rax %016llx rbx %016llx rcx %016llx rdx %016llx",
		  v->gpr[GPR_RAX], v->gpr[GPR_RBX], v->gpr[GPR_RCX], v->gpr[GPR_RDX]);
	log_error("  guest rsi %016llx rdi %016llx rbp %016llx r8  %016llx",
		  v->gpr[GPR_RSI], v->gpr[GPR_RDI], v->gpr[GPR_RBP], v->gpr[GPR_R8]);
}

void dump_state(const struct trap_frame *f)
{
	struct lp *lp = lp_self();

	if (f) {
		log_error("rip %016llx rflags %08llx error %llx cr2 %016llx cr3 %llx",
			  f->rip, f->rflags, f->error, read_cr2(), read_cr3());
		log_error("rax %016llx rbx %016llx rcx %016llx rdx %016llx",
			  f->rax, f->rbx, f->rcx, f->rdx);
		log_error("rsi %016llx rdi %016llx rbp %016llx rsp %016llx",
			  f->rsi, f->rdi, f->rbp, f->rsp);
		log_error("r8  %016llx r9  %016llx r10 %016llx r11 %016llx",
			  f->r8, f->r9, f->r10, f->r11);
		log_error("r12 %016llx r13 %016llx r14 %016llx r15 %016llx",
			  f->r12, f->r13, f->r14, f->r15);
	}
	if (lp) {
		log_error("LP %u, APIC ID %u", lp->index, lp->apic_id);
		if (lp->current)
			dump_vp(lp->current);
	}
	if (f)
		dump_backtrace(f->rip, f->rbp);
	else
		dump_backtrace(0, (u64)__builtin_frame_address(0));
}

static __noreturn void trap_fatal(struct trap_frame *f)
{
	const char *name = f->vector < ARRAY_SIZE(trap_names) ? trap_names[f->vector] : "exception";

	log_error("PANIC: %s in the hypervisor", name);
	dump_state(f);
	machine_stop(DEBUG_EXIT_PANIC);
}

void trap_handle(struct trap_frame *f);
void trap_handle(struct trap_frame *f)
{
	struct lp *lp = lp_self();

	if (f->vector == X86_TRAP_NMI) {
		lp_nmi_ends_wait(f);
		if (lp && atomic_xchg(&lp->kicked, 0))
			return;
		/* Not openhv's: it is the machine's, and the root's to handle. */
		if (lp && lp->root_vp) {
			WRITE_ONCE(lp->root_vp->nmi_pending, 1);
			vp_wake(lp->root_vp);
		}
		return;
	}
	if (f->vector < VECTOR_DEVICE_FIRST)
		trap_fatal(f);
	if (options.root_shim && lp) {
		/* One at a time: whose it is decides root_apic_interrupt(). */
		f->rflags &= ~RFLAGS_IF;
		if (f->vector != VECTOR_TIMER) {
			lp->taken = f->vector;
			return;
		}
	} else if (f->vector <= VECTOR_DEVICE_LAST) {
		bool level = apic_vector_is_level(f->vector);

		/* A level-triggered line is released when root says so: lp_root_eoi(). */
		if (!level)
			apic_eoi();
		if (lp)
			lp_device_interrupt(lp, f->vector, level);
		return;
	}
	if (f->vector != VECTOR_SPURIOUS)
		apic_eoi();
	if (f->vector == VECTOR_APIC_ERROR)
		log_warn("error interrupt of the local APIC of LP %u", lp ? lp->index : ~0U);
	if (f->vector == VECTOR_TIMER && lp)
		htimers_interrupt(lp);
}
