// SPDX-License-Identifier: GPL-2.0-only
/*
 * The physical local APIC (APM vol. 2, chapter 16).
 */
#include <asm/cpu.h>
#include <asm/x86.h>
#include <openhv/log.h>
#include <openhv/options.h>
#include <openhv/vlapic.h>

static bool x2apic;

#define APIC_TIMER_DIVIDE_BY_1	0xB
#define ICR_NMI			(4U << APIC_DELIVERY_SHIFT)
#define ICR_INIT		(5U << APIC_DELIVERY_SHIFT)
#define ICR_STARTUP		(6U << APIC_DELIVERY_SHIFT)

u32 apic_read(u32 offset)
{
	if (x2apic)
		return rdmsr(X2APIC_MSR(offset));
	return READ_ONCE(*(u32 *)(APIC_DEFAULT_BASE + offset));
}

void apic_write(u32 offset, u32 value)
{
	if (x2apic)
		wrmsr(X2APIC_MSR(offset), value);
	else
		WRITE_ONCE(*(u32 *)(APIC_DEFAULT_BASE + offset), value);
}

static void apic_write_icr(u32 dest, u32 low)
{
	if (x2apic) {
		wrmsr(X2APIC_MSR(APIC_ICR_LOW), (u64)dest << 32 | low);
		return;
	}
	while (apic_read(APIC_ICR_LOW) & APIC_ICR_PENDING)
		cpu_relax();
	apic_write(APIC_ICR_HIGH, dest << 24);
	apic_write(APIC_ICR_LOW, low);
}

void apic_init_bsp(void)
{
	u64 base = rdmsr(MSR_APIC_BASE);

	x2apic = (base & (APIC_BASE_ENABLE | APIC_BASE_EXTD)) ==
		 (APIC_BASE_ENABLE | APIC_BASE_EXTD);
	/* Root ends its interrupts itself there; in the other mode that takes an exit. */
	if (options.root_shim && apic_has_x2apic())
		x2apic = true;
	if (!x2apic && (base & PTE_ADDR) != APIC_DEFAULT_BASE)
		refuse("the local APIC is at %llx, not at %lx", base & PTE_ADDR, APIC_DEFAULT_BASE);
	log_debug("physical local APIC in %s mode", x2apic ? "x2APIC" : "xAPIC");
}

void apic_init_lp(void)
{
	u64 base = rdmsr(MSR_APIC_BASE) | APIC_BASE_ENABLE;

	wrmsr(MSR_APIC_BASE, base);
	/* From "disabled" the way to this mode is by the other one (APM vol. 2, 16.9). */
	if (x2apic)
		wrmsr(MSR_APIC_BASE, base | APIC_BASE_EXTD);
	apic_write(APIC_LVT_LINT0, APIC_LVT_MASKED);
	/* LINT1 is the platform's NMI. */
	apic_write(APIC_LVT_LINT1, 4U << APIC_DELIVERY_SHIFT);
	apic_write(APIC_LVT_PERF, APIC_LVT_MASKED);
	apic_write(APIC_LVT_THERMAL, APIC_LVT_MASKED);
	/* With the shim what is not masked is root's. */
	apic_write(APIC_LVT_ERROR, options.root_shim ? APIC_LVT_MASKED : VECTOR_APIC_ERROR);
	apic_write(APIC_LVT_TIMER, VECTOR_TIMER);
	apic_write(APIC_TIMER_DCR, APIC_TIMER_DIVIDE_BY_1);
	apic_write(APIC_TIMER_ICR, 0);
	apic_write(APIC_TPR, 0);
	apic_write(APIC_SVR, APIC_SVR_ENABLE | VECTOR_SPURIOUS);
}

void apic_quiesce(void)
{
	apic_write(APIC_LVT_TIMER, APIC_LVT_MASKED);
	apic_write(APIC_LVT_LINT0, APIC_LVT_MASKED);
	apic_write(APIC_LVT_LINT1, APIC_LVT_MASKED);
	apic_write(APIC_TPR, 0xFF);
}

u32 apic_read_id(void)
{
	u32 id = apic_read(APIC_ID);

	return x2apic ? id : id >> 24;
}

void apic_send_ipi(u32 apic_id, u8 vector)
{
	apic_write_icr(apic_id, APIC_ICR_ASSERT | vector);
}

void apic_send_nmi(u32 apic_id)
{
	apic_write_icr(apic_id, ICR_NMI | APIC_ICR_ASSERT);
}

void apic_send_init(u32 apic_id)
{
	apic_write_icr(apic_id, ICR_INIT | APIC_ICR_ASSERT);
}

void apic_send_sipi(u32 apic_id, u8 vector)
{
	apic_write_icr(apic_id, ICR_STARTUP | APIC_ICR_ASSERT | vector);
}

void apic_eoi(void)
{
	apic_write(APIC_EOI, 0);
}

static bool vector_bit(u32 offset, u8 vector)
{
	return apic_read(offset + (vector / 32) * 16) & (1U << (vector % 32));
}

bool apic_vector_is_level(u8 vector)
{
	return vector_bit(APIC_TMR, vector);
}

bool apic_vector_in_service(u8 vector)
{
	return vector_bit(APIC_ISR, vector);
}

bool apic_vector_waits(u8 vector)
{
	return vector_bit(APIC_IRR, vector);
}

void apic_timer_start(u32 count)
{
	apic_write(APIC_TIMER_ICR, count);
}

void apic_timer_vector(u8 vector)
{
	apic_write(APIC_LVT_TIMER, vector);
}

u32 apic_timer_count(void)
{
	return apic_read(APIC_TIMER_CCR);
}

void apic_timer_free_run(bool on)
{
	apic_write(APIC_LVT_TIMER, on ? APIC_LVT_MASKED : VECTOR_TIMER);
	apic_write(APIC_TIMER_ICR, on ? 0xFFFFFFFF : 0);
}
