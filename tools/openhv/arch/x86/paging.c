// SPDX-License-Identifier: GPL-2.0-only
/*
 * openhv's own page tables: all of memory at its own addresses.
 */
#include <asm/cpu.h>
#include <asm/paging.h>
#include <openhv/log.h>
#include <openhv/memory.h>
#include <openhv/vcpu.h>

extern char text_start[], text_end[], rodata_start[], rodata_end[];

/* This much is mapped in 4 KiB pages: the image lies in it */
#define FINE_END	(4 * SIZE_2M)

static u64 *pml4;

u64 paging_pages(u64 end)
{
	/* Without 1 GiB pages, a table for each */
	return 2 + DIV_ROUND_UP(end, SIZE_1G) + FINE_END / SIZE_2M;
}

static u64 *next_table(u64 *entry)
{
	if (!(*entry & PTE_PRESENT)) {
		void *table = own_alloc();

		if (!table)
			refuse("out of memory for openhv's page tables");
		*entry = virt_to_phys(table) | PTE_PRESENT | PTE_WRITE;
	}
	return phys_to_virt(*entry & PTE_ADDR);
}

static u64 fine_flags(u64 pa)
{
	if (pa >= (u64)text_start && pa < (u64)text_end)
		return PTE_PRESENT;
	if (pa >= (u64)rodata_start && pa < (u64)rodata_end)
		return PTE_PRESENT | PTE_NX;
	return PTE_PRESENT | PTE_WRITE | PTE_NX;
}

void paging_init(u64 end)
{
	u64 pa = 0;

	BUG_ON((u64)rodata_end > FINE_END || (u64)text_end > FINE_END);
	pml4 = own_alloc();
	while (pa < end) {
		u64 *pdpt = next_table(&pml4[pa >> 39 & 511]);
		u64 *entry = &pdpt[pa >> 30 & 511];
		u64 flags = PTE_PRESENT | PTE_WRITE | PTE_NX | PTE_LARGE;

		if (pa >= SIZE_1G && vcpu_caps.large_1g) {
			*entry = pa | flags;
			pa += SIZE_1G;
			continue;
		}
		entry = &next_table(entry)[pa >> 21 & 511];
		if (pa >= FINE_END) {
			*entry = pa | flags;
			pa += SIZE_2M;
			continue;
		}
		entry = &next_table(entry)[pa >> 12 & 511];
		/* Nothing at address 0: what goes there went wrong. */
		if (pa)
			*entry = pa | fine_flags(pa);
		pa += PAGE_SIZE;
	}
	paging_load();
}

void paging_load(void)
{
	write_cr3(virt_to_phys(pml4));
}
