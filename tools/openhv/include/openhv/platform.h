/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The machine's memory, and what openhv has taken of it.
 */
#ifndef OPENHV_PLATFORM_H
#define OPENHV_PLATFORM_H

#include <openhv/types.h>

#define E820_RAM	1
#define E820_RESERVED	2
#define E820_MAX	128

struct e820_entry {
	u64 base;
	u64 size;
	u32 type;
} __packed;

extern struct e820_entry e820[E820_MAX];
extern u32 e820_count;

/* Add a range as the firmware gave it. */
void e820_add(u64 base, u64 size, u32 type);
/* Make a range reserved, whatever it was. */
void e820_reserve(u64 base, u64 size);
/* First address above all RAM */
u64 e820_ram_end(void);

/**
 * platform_memory_init() - take openhv's memory
 * @cpus: how many processors there may be
 *
 * Chooses its block, marks all frames, fills openhv's own pool.
 */
void platform_memory_init(u32 cpus);

/* Whether any of these frames is openhv's, or the local APIC's. */
bool platform_is_own(u64 pfn, u64 count);
/* Up to here root's page tables are made at boot. */
u64 platform_map_end(void);
/* The TSC runs at one rate on all processors, always. */
bool platform_tsc_invariant(void);

#endif /* OPENHV_PLATFORM_H */
