/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Running a VP, and what its exits do.
 */
#ifndef OPENHV_RUN_H
#define OPENHV_RUN_H

#include <openhv/partition.h>
#include <openhv/types.h>

/* Why vp_run() came back */
enum vp_stop {
	VP_STOP_NONE,
	VP_STOP_PREEMPTED,	/* this LP has something else to do */
	VP_STOP_BLOCKED,	/* the VP waits for an event */
	VP_STOP_SUSPENDED,	/* explicitly, or for dispatch */
	VP_STOP_INTERCEPT,	/* it has sent an intercept message and waits for the parent */
};

/**
 * vp_run() - run a VP on this LP
 * @lp: this LP
 * @vp: the VP; vp->running is this LP's
 *
 * Runs until the VP or its LP has a reason to stop; under the root scheduler
 * root's VPs never have one. On return the VP's registers are all in @vp.
 */
enum vp_stop vp_run(struct lp *lp, struct vp *vp);

/*
 * Take over a VP whose @running has just become this LP's: whoever owned it by
 * vp_lock() finishes first.
 */
void vp_begin(struct lp *lp, struct vp *vp);

/* A VP that vp_run() found blocked has something to do after all. */
bool vp_can_continue(struct vp *vp);

/* Handle vp->vcpu.exit. */
void vp_handle_exit(struct lp *lp, struct vp *vp);

/**
 * vp_stay_halted() - root's kernel is gone: keep a VP halted that it has stopped for good
 * @vp: a VP of root's, out of guest mode
 *
 * Under the root scheduler root halts without an exit. What then takes its LP out of guest
 * mode, be it a timer of openhv's, leaves RIP behind the HLT: an idle loop does not mind, nor
 * does one of a kernel that stops its processors, as long as the loop is there. The next kernel
 * overwrites it. From now on, and until INIT, HLT exits; a VP that is behind one already, with
 * interrupts off, has halted.
 */
void vp_stay_halted(struct vp *vp);

/**
 * vp_complete_hlt() - execute the HLT that an interrupt shadow covers
 * @lp: this LP
 * @vp: a VP that is about to be entered with a shadow
 *
 * After "sti; hlt" an interrupt ends the HLT, and never comes before it: idle
 * loops rest on that. A processor that forgets the shadow at a world switch, as
 * QEMU's emulator does, takes it before, and then halts with nothing to wake it.
 * In the statistics it is an exit like that of any other HLT.
 *
 * Returns: false if the next instruction is something else
 */
bool vp_complete_hlt(struct lp *lp, struct vp *vp);

/* Handle VCPU_EXIT_SOFT_INTERRUPT: the guest executes INT, INT1, INT3 or INTO, or seems to. */
void vp_soft_interrupt(struct vp *vp);

/* Move RIP behind the instruction that exited. @opcode: its length without prefixes. */
void vp_skip_insn(struct vp *vp, u32 opcode);
/* Move RIP by a length that is known. */
void vp_advance(struct vp *vp, u32 length);

void vp_inject_exception(struct vp *vp, u8 vector, bool has_error, u32 error);
static inline void vp_inject_gp(struct vp *vp)
{
	vp_inject_exception(vp, 13, true, 0);
}

static inline void vp_inject_ud(struct vp *vp)
{
	vp_inject_exception(vp, 6, false, 0);
}

/* CPUID of a VP: @in EAX and ECX; the result in @out. */
void vp_cpuid(struct vp *vp, u32 leaf, u32 subleaf, struct hv_cpuid_result *out);
/* Without what the parent has registered. */
void vp_cpuid_default(struct vp *vp, u32 leaf, u32 subleaf, struct hv_cpuid_result *out);
/* Bytes of an XSAVE area in the standard format with these components. */
u32 xsave_size(u64 xcr0);

enum msr_result {
	MSR_OK,
	MSR_UNKNOWN,		/* there is no such MSR: the partition's policy decides */
	MSR_FAULT,		/* the guest gets #GP */
};

/**
 * vp_msr_read() - read an MSR of a VP
 * @vp: the VP, owned
 * @msr: its number
 * @value: receives it
 * @host: for the parent: what the guest is not granted can be read as well
 */
enum msr_result vp_msr_read(struct vp *vp, u32 msr, u64 *value, bool host);
enum msr_result vp_msr_write(struct vp *vp, u32 msr, u64 value, bool host);

/* Synthetic MSRs, 0x40000000 to 0x400001ff */
enum msr_result vp_hv_msr_read(struct vp *vp, u32 msr, u64 *value, bool host);
enum msr_result vp_hv_msr_write(struct vp *vp, u32 msr, u64 value, bool host);

/* MSRs that only root has; MSR_UNKNOWN for all others */
enum msr_result root_msr_read(struct vp *vp, u32 msr, u64 *value);
enum msr_result root_msr_write(struct vp *vp, u32 msr, u64 value);

/* Write a control register as the guest or its parent may; false: not allowed */
bool vp_set_cr0(struct vp *vp, u64 value);
bool vp_set_cr4(struct vp *vp, u64 value);
bool vp_set_efer(struct vp *vp, u64 value);
bool vp_set_xcr0(struct vp *vp, u64 value);

/* Registers by name (HVCALL_GET_VP_REGISTERS, HVCALL_SET_VP_REGISTERS) */
hv_status_t vp_get_register(struct vp *vp, u32 name, union hv_register_value *value);
hv_status_t vp_set_register(struct vp *vp, u32 name, const union hv_register_value *value);

/* HV_REGISTER_PENDING_EVENT0 becomes what the next entry injects, in the place of another event. */
void vp_take_event(struct vp *vp);

/* The register page: fill it when the VP has stopped, take from it before it runs. */
void regpage_fill(struct vp *vp);
void regpage_load(struct vp *vp);
/* Vectors that the parent put into the page (the fast interrupt path) */
void regpage_scan_vectors(struct vp *vp);

/*
 * The EOI assist (TLFS, "EOI Assist"): tell the guest, before it takes an
 * interrupt, that it need not write EOI; see afterwards whether it "did".
 */
void apic_assist_arm(struct vp *vp);
/* Something else has come since: take it back. Before the next vector is chosen. */
void apic_assist_reconsider(struct vp *vp);
void apic_assist_collect(struct vp *vp);
/* HV_X64_MSR_VP_ASSIST_PAGE. Returns: false if the page cannot be where it should be */
bool apic_assist_msr_write(struct vp *vp, u64 value);
/* No EOI is spared any more: the local APIC is reset, or the page is new. */
void apic_assist_forget(struct vp *vp);

/* Intercept messages; each fills vp->message and suspends the VP. */
void intercept_io(struct vp *vp);
void intercept_memory(struct vp *vp, bool mapped);
void intercept_msr(struct vp *vp, bool write);
void intercept_cpuid(struct vp *vp, const struct hv_cpuid_result *result);
void intercept_exception(struct vp *vp);
void intercept_halt(struct vp *vp);
void intercept_triple_fault(struct vp *vp);
void intercept_invalid_state(struct vp *vp);
void intercept_hypercall(struct vp *vp);
void intercept_sint_deliverable(struct vp *vp, u16 sints);
void intercept_interruption_deliverable(struct vp *vp, u32 type);
/* A level-triggered interrupt was EOIed. */
void vp_eoi_message(struct vp *vp, u8 vector);
/* See whether a deliverability notification that was asked for is due. */
void vp_check_deliverability(struct vp *vp);

/**
 * intercept_wanted() - whether the parent has installed an intercept
 * @p: the partition
 * @type: enum hv_intercept_type
 * @parameter: MSR, CPUID leaf or vector; 0 for types that have none
 * @access: HV_INTERCEPT_ACCESS_MASK_*
 */
bool intercept_wanted(struct partition *p, u32 type, u64 parameter, u32 access);

/**
 * cpuid_result() - what the parent has set a result of CPUID to
 * @vp: the VP
 * @leaf: EAX
 * @subleaf: ECX
 *
 * Returns: the VP's own, or the partition's; of either, that for the sub-leaf, or that
 * for all; NULL if there is none
 */
const struct cpuid_override *cpuid_result(struct vp *vp, u32 leaf, u32 subleaf);

/* The APIC page and doorbells: returns true if the access was carried out. */
bool vp_emulate_mmio(struct vp *vp);

/* A hypercall of this VP, as its registers have it */
void hypercall_handle(struct lp *lp, struct vp *vp);

#endif /* OPENHV_RUN_H */
