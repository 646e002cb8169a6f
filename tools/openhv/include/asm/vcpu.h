/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The vendor's part of a VCPU: Secure Virtual Machine.
 */
#ifndef OPENHV_ASM_VCPU_H
#define OPENHV_ASM_VCPU_H

#include <openhv/types.h>

struct vmcb;
struct lp;

/**
 * struct vcpu_arch - SVM state of a VCPU
 * @vmcb: the control block; identity mapped, so also its physical address
 * @asid_lp: the LP whose ASIDs @asid is one of
 * @asid_gen: the generation of that LP's ASIDs
 * @asid: 0: take a new one at the next entry
 * @virq: the vector offered by V_IRQ, or -1
 * @root: runs the root partition
 * @keeps_dr7: the guest's DR7 is @dr7, and never in the processor
 * @dr7: see @keeps_dr7
 * @soft_passes: software interrupts do not exit before the next exit
 * @nmi_masked: an NMI was injected and its IRET has not been executed
 * @nmi_iret: the IRET has been reached, at @nmi_iret_rip
 * @nmi_iret_rip: where it is
 */
struct vcpu_arch {
	struct vmcb *vmcb;
	struct lp *asid_lp;
	u64 asid_gen;
	u32 asid;
	int virq;
	bool root;
	bool keeps_dr7;
	u64 dr7;
	bool soft_passes;
	bool nmi_masked;
	bool nmi_iret;
	u64 nmi_iret_rip;
};

#endif /* OPENHV_ASM_VCPU_H */
