// SPDX-License-Identifier: GPL-2.0-only
/*
 * The tests' physical local APICs: what waits, and what is in service.
 */
#include <asm/x86.h>
#include <openhv/vlapic.h>
#include "machine.h"

u32 host_eois;

static struct host_apic apics[LP_MAX];

struct host_apic *host_apic(const struct lp *lp)
{
	return &apics[lp->index];
}

static int highest(const u32 *map)
{
	int i;

	for (i = 255; i >= 0; i--) {
		if (map[i / 32] & 1U << i % 32)
			return i;
	}
	return -1;
}

u8 host_apic_take(struct lp *lp)
{
	struct host_apic *apic = host_apic(lp);
	int vector = highest(apic->irr), served = highest(apic->isr);

	if (vector < 0 || (served >= 0 && vector >> 4 <= served >> 4))
		return 0;
	apic->irr[vector / 32] &= ~(1U << vector % 32);
	apic->isr[vector / 32] |= 1U << vector % 32;
	return vector;
}

void apic_send_ipi(u32 apic_id, u8 vector)
{
	u32 i;

	for (i = 0; i < lp_count; i++) {
		if (lps[i]->apic_id == apic_id)
			apics[i].irr[vector / 32] |= 1U << vector % 32;
	}
}

void apic_eoi(void)
{
	u32 *isr = host_apic(host_lp)->isr;
	int vector = highest(isr);

	host_eois++;
	if (vector >= 0)
		isr[vector / 32] &= ~(1U << vector % 32);
}

bool apic_vector_is_level(u8 vector)
{
	return host_apic(host_lp)->tmr[vector / 32] & 1U << vector % 32;
}

bool apic_vector_in_service(u8 vector)
{
	return host_apic(host_lp)->isr[vector / 32] & 1U << vector % 32;
}

u32 apic_read(u32 offset)
{
	const struct host_apic *apic = host_apic(host_lp);

	switch (offset) {
	case APIC_TPR:
		return apic->tpr;
	case APIC_ISR ... APIC_ISR + 0x70:
		return apic->isr[(offset - APIC_ISR) / 16];
	case APIC_TMR ... APIC_TMR + 0x70:
		return apic->tmr[(offset - APIC_TMR) / 16];
	case APIC_IRR ... APIC_IRR + 0x70:
		return apic->irr[(offset - APIC_IRR) / 16];
	}
	host_fail("the physical APIC's register %x is read", offset);
}

void apic_write(u32 offset, u32 value)
{
	switch (offset) {
	case APIC_TPR:
		host_apic(host_lp)->tpr = value;
		return;
	case APIC_EOI:
		apic_eoi();
		return;
	}
	host_fail("the physical APIC's register %x is written", offset);
}
