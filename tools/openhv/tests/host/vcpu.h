/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The host build's VCPU: what the tests see of it, and the guest that they
 * play.
 */
#ifndef HOST_VCPU_H
#define HOST_VCPU_H

#include <openhv/lp.h>
#include <openhv/vcpu.h>

/* MSRs that have a place in the control block */
enum host_slot {
	HOST_STAR, HOST_LSTAR, HOST_CSTAR, HOST_SFMASK, HOST_KERNEL_GS_BASE,
	HOST_SYSENTER_CS, HOST_SYSENTER_ESP, HOST_SYSENTER_EIP, HOST_PAT,
	HOST_SLOTS,
};

/**
 * struct host_vmcb - a VCPU's control block: the page that vcpu_init() was given
 * @cr: CR0 to CR8
 * @dr6: DR6
 * @dr7: DR7
 * @efer: EFER
 * @seg: segments, by enum seg
 * @gdtr: descriptor table
 * @idtr: interrupt descriptor table
 * @slots: MSRs, by enum host_slot
 * @shadow: interrupt shadow
 * @injection: what the next entry injects
 * @virq: the vector on offer, or -1
 * @virq_ignore_tpr: it is an ExtINT
 * @virq_taken: the guest took it
 * @nmi_masked: an NMI is being handled
 * @tsc_offset: guest's TSC minus the machine's
 * @intercept_cr4: writes of CR4 exit
 * @intercept_cr8: writes of CR8 exit
 * @intercept_hlt: HLT exits
 * @passes_interrupts: physical interrupts are the guest's
 * @intercept_interrupts: they exit
 * @intercept_exceptions: a bit a vector
 * @soft_passes: the guest executes its INT itself
 * @pass_msrs: MSRs that have a slot do not exit
 * @npt: the address that vcpu_init() was given
 * @root: it runs the root partition
 * @flushes: calls of vcpu_flush_tlb()
 * @entries: calls of vcpu_enter()
 */
struct host_vmcb {
	u64 cr[9];
	u64 dr6;
	u64 dr7;
	u64 efer;
	struct hv_x64_segment_register seg[SEG_COUNT];
	struct hv_x64_table_register gdtr;
	struct hv_x64_table_register idtr;
	u64 slots[HOST_SLOTS];
	bool shadow;
	struct vcpu_event injection;
	int virq;
	bool virq_ignore_tpr;
	bool virq_taken;
	bool nmi_masked;
	u64 tsc_offset;
	bool intercept_cr4;
	bool intercept_cr8;
	bool intercept_hlt;
	bool passes_interrupts;
	bool intercept_interrupts;
	u32 intercept_exceptions;
	bool soft_passes;
	bool pass_msrs;
	paddr_t npt;
	bool root;
	u32 flushes;
	u32 entries;
};

/*
 * The guest: called for each world switch
 *
 * It changes registers, and sets v->exit; the event to inject has been taken
 * into host_injected. NULL: a guest that is entered fails the test.
 */
extern void (*host_guest)(struct lp *lp, struct vcpu *v);
/* The event that the latest entry injected */
extern __thread struct vcpu_event host_injected;

/* Let the guest take the interrupt that is on offer. */
int host_take_virq(struct vcpu *v);

/* Exits to be played one after the other by host_guest_plays(). */
void host_guest_plays(const struct vcpu_exit *exits, u32 count);
/* Those that are left */
u32 host_exits_left(void);

/*
 * While a VCPU is loaded on an LP, this is where its extended state and the
 * MSRs are that a world switch leaves alone: in the processor.
 */
struct host_registers {
	u8 fpu[PAGE_SIZE];
	u64 dr[4];
	u64 xcr0;
	u64 xss;
	u64 tsc_aux;
	struct hv_x64_segment_register fs, gs, tr, ldtr;
	u64 slots[HOST_SLOTS];
};

struct host_registers *host_registers(struct lp *lp);

#endif /* HOST_VCPU_H */
