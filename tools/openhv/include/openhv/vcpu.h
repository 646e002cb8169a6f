/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A virtual CPU as the core sees it: registers, events and exits, without a
 * word of how the processor's virtualization extension stores them. One
 * vendor directory under arch/ implements these functions; which one is
 * decided when openhv is linked.
 *
 * Unless a function says otherwise, the caller owns the VCPU: it is not in
 * guest mode, and nobody else may put it there (the VP's lock is held, or the
 * VP is this LP's own).
 */
#ifndef OPENHV_VCPU_H
#define OPENHV_VCPU_H

#include <openhv/types.h>
#include <asm/vcpu.h>
#include <tlfs/register.h>

/* Order of gpr[]: the hardware's register numbers */
enum gpr {
	GPR_RAX, GPR_RCX, GPR_RDX, GPR_RBX, GPR_RSP, GPR_RBP, GPR_RSI, GPR_RDI,
	GPR_R8, GPR_R9, GPR_R10, GPR_R11, GPR_R12, GPR_R13, GPR_R14, GPR_R15,
	GPR_COUNT,
};

enum seg {
	SEG_ES, SEG_CS, SEG_SS, SEG_DS, SEG_FS, SEG_GS, SEG_LDTR, SEG_TR,
	SEG_COUNT,
};

enum vcpu_exit_reason {
	VCPU_EXIT_INTERRUPT,		/* a physical interrupt is pending */
	VCPU_EXIT_NMI,			/* a physical NMI is pending */
	VCPU_EXIT_INTERRUPT_WINDOW,	/* the guest can take an interrupt now */
	VCPU_EXIT_CPUID,
	VCPU_EXIT_MSR_READ,
	VCPU_EXIT_MSR_WRITE,
	VCPU_EXIT_IO,
	VCPU_EXIT_HYPERCALL,
	VCPU_EXIT_HLT,
	VCPU_EXIT_NPT_FAULT,
	VCPU_EXIT_EXCEPTION,
	VCPU_EXIT_CR_WRITE,
	VCPU_EXIT_DR7_READ,
	VCPU_EXIT_DR7_WRITE,
	VCPU_EXIT_XSETBV,
	VCPU_EXIT_WBINVD,
	VCPU_EXIT_SOFT_INTERRUPT,	/* INT, INT1, INT3 or INTO */
	VCPU_EXIT_SHUTDOWN,		/* triple fault */
	VCPU_EXIT_UNDEFINED,		/* an instruction that the guest does not have */
	VCPU_EXIT_RETRY,		/* nothing to do: enter again */
	VCPU_EXIT_INVALID,		/* the guest state is not one the processor accepts */
};

/* Flags of VCPU_EXIT_NPT_FAULT */
#define NPT_FAULT_PRESENT	BIT(0)	/* an entry exists, the access is not allowed */
#define NPT_FAULT_WRITE		BIT(1)
#define NPT_FAULT_EXEC		BIT(2)
#define NPT_FAULT_WALK		BIT(3)	/* the access was one of the guest's page walk */

struct vcpu_exit {
	enum vcpu_exit_reason reason;
	u8 insn_len;			/* bytes; 0 where it is not known */
	u64 code;			/* as the hardware gave it, for the log */
	union {
		struct {
			u16 port;
			u8 size;	/* bytes: 1, 2, 4 */
			bool in;
			bool string;
			bool rep;
		} io;
		struct {
			u64 gpa;
			u32 flags;	/* NPT_FAULT_* */
		} npt;
		struct {
			u8 vector;
			bool has_error;
			u32 error;
			u64 parameter;	/* CR2 or DR6 */
		} exception;
		struct {
			u8 cr;
		} cr;
		struct {
			bool int1;
		} soft;
	};
};

/* What is to be injected, or what an exit interrupted the delivery of */
struct vcpu_event {
	bool valid;
	u8 type;			/* enum hv_interruption_type */
	u8 vector;
	bool has_error;
	u32 error;
};

/**
 * struct vcpu - the processor state of one VP
 * @gpr: general purpose registers, by enum gpr
 * @rip: instruction pointer
 * @rflags: flags
 * @dr: DR0 to DR3
 * @xcr0: extended control register 0
 * @xss: IA32_XSS
 * @tsc_aux: TSC_AUX
 * @fpu: a page for the state that XSAVE keeps, in the standard format
 * @exit: why the last entry ended
 * @arch: the vendor's part
 *
 * Owned by whoever owns the VCPU (see above).
 */
struct vcpu {
	u64 gpr[GPR_COUNT];
	u64 rip;
	u64 rflags;
	u64 dr[4];
	u64 xcr0;
	u64 xss;
	u64 tsc_aux;
	void *fpu;
	struct vcpu_exit exit;
	struct vcpu_arch arch;
};

struct lp;

/* What the processor offers to guests, found once at boot */
struct vcpu_caps {
	bool next_rip;			/* exits carry the next instruction's address */
	bool large_1g;			/* nested page tables may have 1 GiB pages */
	u32 asids;			/* address space IDs */
	u64 xcr0;			/* XCR0 bits that exist */
	u64 xss;			/* IA32_XSS bits that exist */
	u32 xsave_size;			/* bytes of the standard format with all of xcr0 */
	u32 mxcsr_mask;			/* MXCSR bits that exist */
	u8 phys_bits;			/* physical address width */
	u64 cr4_valid;			/* CR4 bits that exist */
	u64 efer_valid;			/* EFER bits that a guest may set */
};

extern struct vcpu_caps vcpu_caps;

/**
 * vcpu_probe() - check that this machine can virtualize, and how
 *
 * Refuses to start (refuse()) where it cannot. Fills vcpu_caps.
 */
void vcpu_probe(void);

/**
 * vcpu_lp_enable() - switch virtualization on, on the calling LP
 * @lp: this LP; its host_save page is used
 */
void vcpu_lp_enable(struct lp *lp);

/**
 * vcpu_init() - give a VCPU its memory and the state of a reset
 * @v: the VCPU
 * @page: a zeroed page for the vendor's control block
 * @fpu: a zeroed page for the extended state
 * @npt: physical address of the top table of the guest's physical memory
 * @root: the VCPU runs the root partition, which has the machine's own I/O
 */
void vcpu_init(struct vcpu *v, void *page, void *fpu, paddr_t npt, bool root);

/**
 * vcpu_reset() - the state after RESET or INIT (APM vol. 2, 14.1.3)
 * @v: the VCPU
 * @init: an INIT, which keeps the extended state and some registers
 */
void vcpu_reset(struct vcpu *v, bool init);

/* Start at vector << 12 in real mode, as a SIPI does. */
void vcpu_sipi(struct vcpu *v, u8 vector);

/**
 * vcpu_load() - put the state that a world switch leaves alone into this LP
 * @lp: this LP
 * @v: the VCPU that will run here next
 *
 * The state of the VCPU that was here before is saved first.
 */
void vcpu_load(struct lp *lp, struct vcpu *v);

/* Save what vcpu_load() put here, so that the VCPU may be looked at or move. */
void vcpu_sync(struct lp *lp, struct vcpu *v);

/**
 * vcpu_enter() - run the guest until it has to be left
 * @lp: this LP
 * @v: the VCPU, loaded here
 *
 * Fills v->exit.
 */
void vcpu_enter(struct lp *lp, struct vcpu *v);

/* XCR0 as it is now: an emulator lets the guest change it without an exit. */
u64 vcpu_get_xcr0(const struct vcpu *v);

/* The guest's translations that this VCPU's next entry may use are stale. */
void vcpu_flush_tlb(struct vcpu *v);

u64 vcpu_get_cr(const struct vcpu *v, unsigned int cr);
void vcpu_set_cr(struct vcpu *v, unsigned int cr, u64 value);
u64 vcpu_get_dr6(const struct vcpu *v);
u64 vcpu_get_dr7(const struct vcpu *v);
void vcpu_set_dr6(struct vcpu *v, u64 value);
void vcpu_set_dr7(struct vcpu *v, u64 value);
u64 vcpu_get_efer(const struct vcpu *v);
void vcpu_set_efer(struct vcpu *v, u64 value);
unsigned int vcpu_get_cpl(const struct vcpu *v);
void vcpu_get_seg(const struct vcpu *v, enum seg seg, struct hv_x64_segment_register *out);
void vcpu_set_seg(struct vcpu *v, enum seg seg, const struct hv_x64_segment_register *in);
void vcpu_get_table(const struct vcpu *v, bool idt, struct hv_x64_table_register *out);
void vcpu_set_table(struct vcpu *v, bool idt, const struct hv_x64_table_register *in);

/**
 * vcpu_msr_slot() - where an MSR that switches with the guest is kept
 * @v: the VCPU
 * @msr: its number
 *
 * Returns: a pointer to the value, or NULL if the MSR is not one of those
 */
u64 *vcpu_msr_slot(struct vcpu *v, u32 msr);

/**
 * vcpu_pass_msrs() - whether the guest reads and writes an MSR itself
 * @v: the VCPU
 * @all: false: every MSR access exits; true: those of vcpu_msr_slot() do not
 */
void vcpu_pass_msrs(struct vcpu *v, bool all);

bool vcpu_get_shadow(const struct vcpu *v);
void vcpu_set_shadow(struct vcpu *v, bool on);

/* The event that the next entry injects. */
void vcpu_get_injection(const struct vcpu *v, struct vcpu_event *ev);
void vcpu_set_injection(struct vcpu *v, const struct vcpu_event *ev);

/**
 * vcpu_set_virq() - offer a virtual interrupt to the guest
 * @v: the VCPU
 * @vector: taken as soon as RFLAGS.IF, the interrupt shadow and CR8 allow it;
 *	negative: withdraw what was offered
 * @ignore_tpr: CR8 does not matter (ExtINT)
 */
void vcpu_set_virq(struct vcpu *v, int vector, bool ignore_tpr);

/* What vcpu_set_virq() was last given, unless it has been taken since; or -1. */
int vcpu_virq_offered(const struct vcpu *v);

/**
 * vcpu_virq_taken() - whether the guest took the interrupt that was offered
 * @v: the VCPU
 *
 * Returns: the vector, or -1 if none was offered or it was not taken
 */
int vcpu_virq_taken(struct vcpu *v);

/*
 * NMIs are masked from the injection of one until its IRET has been executed.
 * An IRET ends the masking at the first exit after it; there is no exit for
 * its own sake.
 */
bool vcpu_nmi_masked(const struct vcpu *v);
void vcpu_set_nmi_masked(struct vcpu *v, bool on);

/**
 * vcpu_pass_soft_interrupt() - let the guest execute its INT instruction itself
 * @v: the VCPU, which exited for VCPU_EXIT_SOFT_INTERRUPT
 *
 * Until its next exit, whatever that is for, it does not exit for the like.
 */
void vcpu_pass_soft_interrupt(struct vcpu *v);

/**
 * vcpu_pass_interrupts() - the guest takes physical interrupts itself
 * @v: the VCPU
 * @exit: exit all the same where it would take one
 */
void vcpu_pass_interrupts(struct vcpu *v, bool exit);

/* Exit when the guest halts. */
void vcpu_intercept_hlt(struct vcpu *v, bool on);
/* Exit when the guest writes CR4: it may not set all bits that the processor has. */
void vcpu_intercept_cr4(struct vcpu *v, bool on);
/* Exit when the guest writes CR8. */
void vcpu_intercept_cr8(struct vcpu *v, bool on);
/* Exit on these exceptions, beside those that always do; a bit a vector. */
void vcpu_intercept_exceptions(struct vcpu *v, u32 mask);

void vcpu_set_tsc_offset(struct vcpu *v, u64 offset);
u64 vcpu_get_tsc_offset(const struct vcpu *v);

/* Nested page table entries in the processor's own format */
#define NPTE_READ	BIT(0)
#define NPTE_WRITE	BIT(1)
#define NPTE_EXEC	BIT(2)
#define NPTE_UNCACHED	BIT(3)

#endif /* OPENHV_VCPU_H */
