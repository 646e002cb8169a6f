// SPDX-License-Identifier: GPL-2.0-only
/*
 * INT instructions that exit. INT1 always does, so that its #DB cannot pass by
 * those who look at exceptions; the others do on QEMU's emulator only.
 *
 * The emulator keeps translations of a guest's code. A processor that translates
 * an instruction while another one overwrites it may file what it has read after
 * the write has thrown away all translations of those bytes; QEMU 7.2 does not
 * lock the page in between. That translation stays. Linux patches its code by way
 * of INT3: one that is left behind like this is executed when Linux no longer
 * knows of it, and Linux dies of it.
 *
 * So look whether the instruction is in memory at all. If it is not, writing to
 * where it was makes the emulator forget it. INT1 is not looked at: nobody patches
 * code by way of it, and there is no way to let the guest execute it itself. What
 * exited as INT1 was one, whatever memory says now, and raises its #DB.
 */
#include <asm/x86.h>
#include <openhv/atomic.h>
#include <openhv/gpamap.h>
#include <openhv/gwalk.h>
#include <openhv/log.h>
#include <openhv/run.h>
#include <tlfs/interrupt.h>

#define OPCODE_INT3	0xCC
#define OPCODE_INT	0xCD
#define OPCODE_INTO	0xCE

/* Have the emulator translate the instruction at RIP again. */
static bool translate_again(struct vp *vp)
{
	struct gpamap *map = &vp->partition->gpamap;
	struct walk_result r;
	u8 *page;

	if (!gva_walk(vp, vp_linear_rip(vp), WALK_EXEC, &r))
		return false;
	read_lock(&map->lock);
	page = gpamap_page(map, r.gpa >> PAGE_SHIFT, GPA_READ);
	/* It changes nothing, not even what another processor writes at the same time. */
	if (page)
		atomic_or(page + (r.gpa & (PAGE_SIZE - 1)), 0);
	read_unlock(&map->lock);
	/* It may be another page that the guest's processor still has in its TLB. */
	vcpu_flush_tlb(&vp->vcpu);
	return page;
}

/* The exception of an instruction that has been executed */
static void raise(struct vp *vp, u32 length, u8 vector, u8 type)
{
	struct vcpu_exit *e = &vp->vcpu.exit;
	struct vcpu_event ev = {
		.valid = true,
		.type = type,
		.vector = vector,
	};

	if (vp->partition->exception_intercepts & BIT(vector)) {
		e->exception.vector = vector;
		e->exception.has_error = false;
		e->exception.error = 0;
		e->exception.parameter = vector == X86_TRAP_DB ? vcpu_get_dr6(&vp->vcpu) : 0;
		intercept_exception(vp);
		return;
	}
	vp_advance(vp, length);
	vcpu_set_injection(&vp->vcpu, &ev);
}

void vp_soft_interrupt(struct vp *vp)
{
	static bool said;
	u8 bytes[15];
	u32 n, at;

	/* At any privilege level, and without a bit of DR6 (APM vol. 3, INT 1) */
	if (vp->vcpu.exit.soft.int1) {
		/* Where neither processor nor memory tells its length it has no prefix. */
		raise(vp, vp_insn_length(vp, 1), X86_TRAP_DB,
		      HV_INTERRUPTION_TYPE_PRIV_SW_EXCEPTION);
		return;
	}
	n = vp_fetch(vp, bytes, sizeof(bytes));
	at = vp_insn_prefixes(vp, bytes, n);
	if (at < n && bytes[at] == OPCODE_INT3 &&
	    (!vcpu_get_cpl(&vp->vcpu) ||
	     vp->partition->exception_intercepts & BIT(X86_TRAP_BP))) {
		raise(vp, at + 1, X86_TRAP_BP, HV_INTERRUPTION_TYPE_SW_EXCEPTION);
		return;
	}
	/* The processor knows best what else they do, and whether they may at that CPL. */
	if (at >= n || bytes[at] == OPCODE_INT3 || bytes[at] == OPCODE_INT ||
	    bytes[at] == OPCODE_INTO || !translate_again(vp)) {
		vcpu_pass_soft_interrupt(&vp->vcpu);
		return;
	}
	if (!said)
		log_info("partition %llu VP %u: the emulator executed an INT at %llx that is no longer there; it is made to look again",
			 vp->partition->id, vp->index, vp->vcpu.rip);
	said = true;
}
