// SPDX-License-Identifier: GPL-2.0-only
/*
 * The shim: root has the physical local APIC of its processor instead of a
 * virtual one (option root-apic=shim).
 *
 * While root runs, interrupts go from the physical APIC to root, without an
 * exit, and root ends them there. openhv adds its own to root's by sending
 * them to the physical APIC. What stays openhv's: the timer, which it shares
 * with root, and IPIs, of which INIT and SIPI must not come to a processor.
 * Kicks are NMIs.
 *
 * While a child runs, and while the physical timer is set for a timer that is
 * not root's, interrupts exit. Those of root's are left in the physical APIC
 * until root runs, or are given to it at once: they are in service then, as if
 * root had taken them itself.
 */
#include <asm/cpu.h>
#include <asm/x86.h>
#include <openhv/partition.h>
#include <openhv/root.h>
#include <tlfs/register.h>

void root_apic_raise(struct vp *vp, u8 vector)
{
	apic_send_ipi(READ_ONCE(vp->lp)->apic_id, vector);
}

bool root_apic_read(const struct vp *vp, u32 offset, u32 *value)
{
	if (vp->lp != lp_self())
		return false;
	switch (offset) {
	case APIC_TPR:
	case APIC_PPR:
	case APIC_ISR ... APIC_ISR + 0x70:
	case APIC_TMR ... APIC_TMR + 0x70:
	case APIC_IRR ... APIC_IRR + 0x70:
		*value = apic_read(offset);
		return true;
	}
	return false;
}

bool root_apic_write(struct vp *vp, u32 offset, u32 value)
{
	if (vp->lp != lp_self())
		return false;
	switch (offset) {
	case APIC_TPR:
	case APIC_EOI:
		apic_write(offset, value);
		return true;
	}
	return false;
}

void root_apic_reset(void)
{
	int i;

	/* Each EOI ends the highest one. */
	for (i = 255; i >= 0; i--) {
		if (apic_vector_in_service(i))
			apic_eoi();
	}
	apic_write(APIC_TPR, 0);
	lp_self()->taken = 0;
}

void root_apic_enter(struct lp *lp, struct vp *vp)
{
	lp->root_interrupt = false;
	vcpu_pass_interrupts(&vp->vcpu, lp->timer_due);
}

/* Put back what was taken: end it here, and have it come again. */
static void give_back(struct lp *lp)
{
	u8 vector = lp->taken;
	bool level;

	lp->taken = 0;
	/* A spurious interrupt is not in service, and nobody misses it. */
	if (!vector || !apic_vector_in_service(vector))
		return;
	/* The line of a level-triggered one sees to that itself. */
	level = apic_vector_is_level(vector);
	apic_eoi();
	if (!level)
		apic_send_ipi(lp->apic_id, vector);
}

/* Root's VP takes what was taken for it, if it can. */
static void hand_over(struct lp *lp, struct vp *vp)
{
	struct vcpu_event ev;

	if (!lp->taken)
		return;
	vcpu_get_injection(&vp->vcpu, &ev);
	if (ev.valid || !(vp->vcpu.rflags & RFLAGS_IF)) {
		give_back(lp);
		return;
	}
	ev = (struct vcpu_event){ .valid = true, .type = HV_INTERRUPTION_TYPE_EXT_INT,
				  .vector = lp->taken };
	vcpu_set_injection(&vp->vcpu, &ev);
	lp->taken = 0;
}

void root_apic_interrupt(struct lp *lp, struct vp *vp)
{
	u32 highest_word = APIC_IRR + VECTOR_TIMER / 32 * 16;

	if (partition_is_root(vp->partition)) {
		lp_take_interrupts(lp);
		hand_over(lp, vp);
		return;
	}
	/* In a child's time take openhv's own timer, unless root wants the LP anyway. */
	if (!lp->timer_due || apic_read(highest_word) >> VECTOR_TIMER % 32 != 1) {
		lp->root_interrupt = true;
		return;
	}
	lp_take_interrupts(lp);
	if (lp->taken) {
		give_back(lp);
		lp->root_interrupt = true;
	}
}

void root_apic_woken(struct lp *lp, struct vp *vp)
{
	/*
	 * One that has been stopped for good takes none until INIT: what is in service keeps
	 * others away, and is not raised again.
	 */
	if (vp->halted && !(vp->vcpu.rflags & RFLAGS_IF)) {
		lp->taken = 0;
		return;
	}
	if (!vp->startup_suspend) {
		hand_over(lp, vp);
		return;
	}
	/* A processor that has not been started has nobody who would take it. */
	if (lp->taken && apic_vector_in_service(lp->taken))
		apic_eoi();
	lp->taken = 0;
}
