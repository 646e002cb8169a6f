// SPDX-License-Identifier: GPL-2.0-only
/*
 * Starting the machine's processors (APM vol. 2, 16.5).
 */
#include <asm/cpu.h>
#include <asm/paging.h>
#include <asm/x86.h>
#include <openhv/atomic.h>
#include <openhv/log.h>
#include <openhv/lp.h>
#include <openhv/memory.h>
#include <openhv/string.h>

/* A page of conventional memory, borrowed while processors start */
#define TRAMPOLINE	0x8000UL
#define START_TIMEOUT_MS 5000

struct trampoline_data {
	u64 cr3;
	u64 stack;
	u64 entry;
};

extern char trampoline_start[], trampoline_end[], trampoline_data[];
/* The boot tables: in openhv's own, conventional memory cannot be executed. */
extern u64 boot_pml4[];

static u32 started;

static void __noreturn lp_entry(void)
{
	struct lp *lp = lp_self();

	paging_load();
	descriptors_load();
	apic_init_lp();
	if (apic_read_id() != lp->apic_id)
		panic("a processor with APIC ID %u started as LP %u, which has %u",
		      apic_read_id(), lp->index, lp->apic_id);
	store_release(&started, 1);
	lp_main(lp);
}

static void start_one(struct lp *lp, struct trampoline_data *data)
{
	u32 ms;

	data->stack = (u64)lp->stack + LP_STACK_SIZE;
	started = 0;
	apic_send_init(lp->apic_id);
	udelay(10000);
	for (ms = 0; ms < START_TIMEOUT_MS; ms++) {
		if (ms == 0 || ms == 1)
			apic_send_sipi(lp->apic_id, TRAMPOLINE >> PAGE_SHIFT);
		udelay(1000);
		if (load_acquire(&started))
			return;
	}
	refuse("processor %u (APIC ID %u) does not start", lp->index, lp->apic_id);
}

void smp_start(void)
{
	u32 self = apic_read_id(), size = trampoline_end - trampoline_start, i;
	struct trampoline_data *data;
	u8 saved[1024];

	BUG_ON(size > sizeof(saved));
	memcpy(saved, (void *)TRAMPOLINE, size);
	memcpy((void *)TRAMPOLINE, trampoline_start, size);
	data = (void *)(TRAMPOLINE + (trampoline_data - trampoline_start));
	data->cr3 = (u64)boot_pml4;
	data->entry = (u64)lp_entry;
	for (i = 0; i < lp_count; i++) {
		if (lps[i]->apic_id != self)
			start_one(lps[i], data);
	}
	memcpy((void *)TRAMPOLINE, saved, size);
}
