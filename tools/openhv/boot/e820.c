// SPDX-License-Identifier: GPL-2.0-only
/*
 * The memory map.
 */
#include <openhv/log.h>
#include <openhv/platform.h>

struct e820_entry e820[E820_MAX];
u32 e820_count;

void e820_add(u64 base, u64 size, u32 type)
{
	/* What goes beyond the end of all addresses is no memory. */
	if (!size || base + size < base || e820_count == E820_MAX)
		return;
	e820[e820_count++] = (struct e820_entry){ base, size, type };
}

void e820_reserve(u64 base, u64 size)
{
	u64 end = base + size;
	u32 i, n = e820_count;

	for (i = 0; i < n; i++) {
		struct e820_entry *e = &e820[i];
		u64 e_end = e->base + e->size;

		if (e->type != E820_RAM || e->base >= end || e_end <= base)
			continue;
		/* What is left of it, below and above */
		if (e->base < base && e_end > end) {
			e->size = base - e->base;
			e820_add(end, e_end - end, E820_RAM);
		} else if (e->base < base) {
			e->size = base - e->base;
		} else if (e_end > end) {
			e->size = e_end - end;
			e->base = end;
		} else {
			e->type = E820_RESERVED;
		}
	}
	e820_add(base, size, E820_RESERVED);
}

u64 e820_ram_end(void)
{
	u64 end = 0;
	u32 i;

	for (i = 0; i < e820_count; i++) {
		if (e820[i].type == E820_RAM && e820[i].base + e820[i].size > end)
			end = e820[i].base + e820[i].size;
	}
	return end;
}
