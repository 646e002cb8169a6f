// SPDX-License-Identifier: GPL-2.0-only
/*
 * Logical processors: the parts that touch the hardware.
 */
#include <asm/cpu.h>
#include <asm/x86.h>
#include <openhv/lp.h>

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
	if (lp != lp_self())
		apic_send_ipi(lp->apic_id, VECTOR_KICK);
}

void lp_take_interrupts(struct lp *lp)
{
	(void)lp;
	__asm__ __volatile__("stgi; nop; nop; clgi" ::: "memory");
}

void lp_wait_for_interrupt(struct lp *lp)
{
	(void)lp;
	/* STI takes effect after HLT: an interrupt cannot slip in between. */
	__asm__ __volatile__("cli; stgi; sti; hlt; clgi" ::: "memory");
}

void lp_program_timer(struct lp *lp, u64 deadline)
{
	u64 now, count;

	if (deadline == lp->timer_programmed)
		return;
	lp->timer_programmed = deadline;
	if (!deadline) {
		apic_timer_start(0);
		return;
	}
	now = rdtsc();
	if ((s64)(deadline - now) <= 0) {
		count = 1;
	} else {
		u64 delta = deadline - now;

		/* The counter has 32 bits; what is further away is looked at again then. */
		if (delta > tsc_hz)
			delta = tsc_hz;
		count = delta * (apic_timer_hz / 1000) / (tsc_hz / 1000) + 1;
		if (count > 0xFFFFFFFF)
			count = 0xFFFFFFFF;
	}
	apic_timer_start(count);
}
