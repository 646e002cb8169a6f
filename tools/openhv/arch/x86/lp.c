// SPDX-License-Identifier: GPL-2.0-only
/*
 * Logical processors: the parts that touch the hardware.
 */
#include <asm/cpu.h>
#include <asm/x86.h>
#include <openhv/atomic.h>
#include <openhv/lp.h>
#include <openhv/options.h>

/* The bottom of every stack holds the LP it belongs to, or NULL early at boot. */
struct lp *lp_self(void)
{
	return *(struct lp **)ALIGN_DOWN((u64)__builtin_frame_address(0), LP_STACK_SIZE);
}

void lp_switch_stack(struct lp *lp)
{
	__asm__ __volatile__("mov %0, %%rsp\n\t"
			     "xor %%ebp, %%ebp\n\t"
			     "push %%rbp\n\t"
			     "jmp boot_continue"
			     :: "r"((u64)lp->stack + LP_STACK_SIZE - 8) : "memory");
	__builtin_unreachable();
}

void lp_kick(struct lp *lp)
{
	if (lp == lp_self())
		return;
	/* With the shim vectors are root's; an NMI exits. One that is on its way is enough. */
	if (!options.root_shim)
		apic_send_ipi(lp->apic_id, VECTOR_KICK);
	else if (!atomic_xchg(&lp->kicked, 1))
		apic_send_nmi(lp->apic_id);
}

void wait_for_interrupt(void);
extern char wait_open[], wait_over[];

void lp_take_interrupts(struct lp *lp)
{
	(void)lp;
	/* trap_handle() may have left the interrupt flag clear. */
	__asm__ __volatile__("stgi; nop; nop; clgi; sti" ::: "memory");
}

void lp_take_nmi(struct lp *lp)
{
	(void)lp;
	__asm__ __volatile__("cli; stgi; nop; nop; clgi; sti" ::: "memory");
}

void lp_wait_for_interrupt(struct lp *lp)
{
	(void)lp;
	wait_for_interrupt();
}

void lp_nmi_ends_wait(struct trap_frame *f)
{
	if (f->rip >= (u64)wait_open && f->rip < (u64)wait_over)
		f->rip = (u64)wait_over;
}

/* The timer stops, and what it raises next is @vector. */
static void stop_timer(struct lp *lp, u8 vector)
{
	apic_timer_start(0);
	if (vector != lp->timer_vector)
		apic_timer_vector(vector);
	lp->timer_vector = vector;
	/* It may have come to its end before, and not have been taken. */
	if (lp->timer_due)
		lp->timer_due = apic_vector_waits(VECTOR_TIMER);
}

void lp_program_timer(struct lp *lp, u64 deadline, u8 vector)
{
	u64 now, count;

	if (deadline == lp->timer_programmed && (!deadline || vector == lp->timer_vector))
		return;
	lp->timer_programmed = deadline;
	if (!deadline || vector != lp->timer_vector)
		stop_timer(lp, vector);
	if (!deadline)
		return;
	if (options.root_shim && vector == VECTOR_TIMER)
		lp->timer_due = true;
	now = rdtsc();
	if ((s64)(deadline - now) <= 0) {
		count = 1;
	} else {
		u64 delta = deadline - now;

		/* The counter has 32 bits; what is further away is looked at again then. */
		if (delta > tsc_hz && vector == VECTOR_TIMER)
			delta = tsc_hz;
		count = delta * (apic_timer_hz / 1000) / (tsc_hz / 1000) + 1;
		if (count > 0xFFFFFFFF)
			count = 0xFFFFFFFF;
	}
	apic_timer_start(count);
}
