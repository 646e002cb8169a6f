/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files that implement struct gpamap share: its page tables. The
 * map's lock is held in all of these.
 */
#ifndef OPENHV_GPAMAP_WALK_H
#define OPENHV_GPAMAP_WALK_H

#include <openhv/gpamap.h>
#include <openhv/npt.h>

#define LEVEL_TOP	(NPT_LEVELS - 1)

/* How find_entry() walks */
#define WALK_CREATE	BIT(0)
#define WALK_RESERVE	BIT(1)

static inline u64 level_pages(unsigned int level)
{
	return 1UL << (9 * level);
}

static inline u64 *entry_at(u64 *table, u64 gpfn, unsigned int level)
{
	return &table[gpfn >> (9 * level) & (NPT_ENTRIES - 1)];
}

static inline u64 *table_of(u64 e)
{
	return phys_to_virt(e & PTE_ADDR);
}

/**
 * find_entry() - the entry of a page at a level, with the tables above it
 * @map: the address space, locked for writing
 * @gpfn: the page
 * @level: the level wanted; a larger mapping is split down to it
 * @how: WALK_CREATE: make tables where they are missing; otherwise a hole ends
 *	the walk. WALK_RESERVE: tables may come from the partition's reserve
 * @entry: receives the entry; NULL at a hole
 *
 * Returns: HV_STATUS_INSUFFICIENT_MEMORY if there is no page for a table
 */
hv_status_t find_entry(struct gpamap *map, u64 gpfn, unsigned int level, u32 how, u64 **entry);

/**
 * leaf_of() - the entry that maps a page, of whatever size
 * @map: the address space
 * @gpfn: the page
 * @level: receives the entry's level
 *
 * Returns: NULL if the page is not mapped
 */
u64 *leaf_of(struct gpamap *map, u64 gpfn, unsigned int *level);

/* The overlay at a page, or NULL; whether there is one in a range. */
struct overlay *overlay_at(struct gpamap *map, u64 gpfn);
bool overlay_within(struct gpamap *map, u64 gpfn, u64 pages);

#endif /* OPENHV_GPAMAP_WALK_H */
