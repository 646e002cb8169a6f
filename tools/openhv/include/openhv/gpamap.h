/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Guest physical address spaces (TLFS, "Guest Physical Address Spaces") as
 * nested page tables (APM vol. 2, 15.25).
 */
#ifndef OPENHV_GPAMAP_H
#define OPENHV_GPAMAP_H

#include <openhv/atomic.h>
#include <openhv/list.h>
#include <openhv/memory.h>
#include <openhv/types.h>

struct partition;

/* Sizes of a mapping, as the shift of its pages over 4 KiB */
#define MAP_ORDER_4K	0
#define MAP_ORDER_2M	9
#define MAP_ORDER_1G	18

/* Access rights of a mapping */
#define GPA_READ	BIT(0)
#define GPA_WRITE	BIT(1)
#define GPA_EXEC	BIT(2)
#define GPA_UNCACHED	BIT(3)
#define GPA_NO_ACCESS	BIT(4)	/* mapped, and every access is an intercept */
#define GPA_RW		(GPA_READ | GPA_WRITE)
#define GPA_RWX		(GPA_RW | GPA_EXEC)

/**
 * struct gpamap - the guest physical address space of a partition
 * @lock: readers translate and touch guest memory; writers change mappings
 * @top: the top table's page
 * @partition: whose it is
 * @own: tables come from openhv's own pages, not from the partition's pool
 * @counted: mappings of RAM count as references to its frames
 * @max_pfn: first page number that cannot be mapped
 * @generation: grows when a right was taken away; a VP that entered the guest
 *	under an older one has stale translations
 * @spare: tables whose place a large page has taken, linked by their first
 *	entries: each is kept so that its page can be split again, whatever the
 *	partition's pool has
 * @overlays: pages laid over mappings (struct overlay), in no order
 * @pages_4k: how many mappings of this size there are
 * @pages_2m: likewise
 * @pages_1g: likewise
 * @modifications: entries that were replaced, ever; for statistics
 * @track: accessed and dirty bits are kept by 4 KiB page
 */
struct gpamap {
	struct rwlock lock;
	u64 *top;
	struct partition *partition;
	bool own;
	bool counted;
	u64 max_pfn;
	u64 generation;
	u64 *spare;
	struct list_head overlays;
	u64 pages_4k;
	u64 pages_2m;
	u64 pages_1g;
	u64 modifications;
	bool track;
};

/**
 * struct overlay - a page of the hypervisor's at a place that the guest chose
 * @node: in the map's list while @active
 * @active: it is laid over
 * @gpfn: where
 * @page: what
 * @rights: GPA_*
 * @saved: the entry that it hides
 *
 * Guarded by the map's lock (write).
 */
struct overlay {
	struct list_head node;
	bool active;
	u64 gpfn;
	void *page;
	u32 rights;
	u64 saved;
};

#define GPA_GATHER_MAX	64

/**
 * struct gpa_gather - what changes to an address space have made stale
 * @map: the address space
 * @flush: a right was taken away: translations may be stale
 * @count: entries of @dropped in use
 * @dropped: entries that are mapped no more, with the tables and frames behind
 *	them, which stay as they are until nobody can have a translation of them
 *
 * Changes are made under the map's write lock; gpa_gather_finish() comes before
 * it is released. No frame and no table goes to another use before.
 */
struct gpa_gather {
	struct gpamap *map;
	bool flush;
	u32 count;
	struct {
		u64 entry;
		u32 level;
	} dropped[GPA_GATHER_MAX];
};

static inline void gpa_gather_init(struct gpa_gather *g, struct gpamap *map)
{
	g->map = map;
	g->flush = false;
	g->count = 0;
}

/**
 * gpa_gather_finish() - flush if need be, then let go of what was dropped
 * @g: what changes have gathered; nothing afterwards. Its map is locked for
 *	writing: a VP that is waited for leaves the guest without that lock
 */
void gpa_gather_finish(struct gpa_gather *g);

/* What is at a guest physical page */
struct gpa_info {
	bool mapped;		/* there is a mapping, be it NO_ACCESS */
	bool overlay;
	u32 rights;
	u64 spfn;		/* machine page number, if any right is given */
	unsigned int order;
};

/**
 * gpamap_init() - an empty address space
 * @map: the address space
 * @partition: whose it is; its pool gives the tables unless @own
 * @own: root's: tables come from openhv's own pages, mappings are not counted
 *
 * Returns: HV_STATUS_INSUFFICIENT_MEMORY if there is no page for the top table
 */
hv_status_t gpamap_init(struct gpamap *map, struct partition *partition, bool own);

/* Drop all mappings and give the tables back; no VP uses the map any more. */
void gpamap_destroy(struct gpamap *map);

/**
 * gpamap_map() - map one page of a size
 * @g: the address space, and what becomes stale
 * @gpfn: guest page number, aligned to @order
 * @spfn: machine page number, aligned to @order; ignored with GPA_NO_ACCESS
 * @order: MAP_ORDER_*
 * @rights: GPA_*
 *
 * What was mapped there before is replaced. Where a table is full of pages in
 * a row, a larger page takes its place; the table is kept for the day it has to
 * be split. The caller holds the lock for writing.
 *
 * Returns: HV_STATUS_SUCCESS; HV_STATUS_INSUFFICIENT_MEMORY if a table is
 * needed and there is no page for it; HV_STATUS_INVALID_PARAMETER for an
 * address out of range; HV_STATUS_OPERATION_DENIED for memory that is not the
 * root's to map. The address space is then as it was, but for a large page
 * around an overlay: that is mapped in pieces, in ascending order.
 */
hv_status_t gpamap_map(struct gpa_gather *g, u64 gpfn, u64 spfn, unsigned int order, u32 rights);

/**
 * gpamap_unmap() - unmap a range of one size; holes are fine
 * @g: the address space, locked for writing, and what becomes stale
 * @gpfn: guest page number, aligned to @order
 * @order: MAP_ORDER_*
 *
 * Returns: as gpamap_map(): a larger mapping may have to be split
 */
hv_status_t gpamap_unmap(struct gpa_gather *g, u64 gpfn, unsigned int order);

/**
 * gpamap_lookup() - what is mapped at a page
 * @map: the address space, locked
 * @gpfn: guest page number
 * @info: receives it
 */
void gpamap_lookup(struct gpamap *map, u64 gpfn, struct gpa_info *info);

/**
 * gpamap_page() - the hypervisor's view of a guest page
 * @map: the address space, locked (the pointer is good while it is)
 * @gpfn: guest page number
 * @rights: GPA_READ, GPA_WRITE: what will be done
 *
 * A page that is going to be written is marked dirty.
 *
 * Returns: NULL if the page is not RAM, or @rights are not all given
 */
void *gpamap_page(struct gpamap *map, u64 gpfn, u32 rights);

/**
 * gpamap_access_state() - read, then change, a page's accessed and dirty bits
 * @g: the address space, locked for writing, and what becomes stale
 * @gpfn: guest page number
 * @flags: HV_PAGE_ACCESS_*
 * @state: receives HV_PAGE_STATE_*
 *
 * Returns: HV_STATUS_SUCCESS, HV_STATUS_INSUFFICIENT_MEMORY if a large page
 * must be split for it, HV_STATUS_INVALID_PARAMETER if nothing is mapped
 */
hv_status_t gpamap_access_state(struct gpa_gather *g, u64 gpfn, u64 flags, u8 *state);

/**
 * gpamap_flush() - make sure that no processor uses a stale translation
 * @map: the address space
 *
 * On return every VP of the partition that was in guest mode has left it, or
 * has entered it after the change.
 */
void gpamap_flush(struct gpamap *map);

/* Lay a page over a guest page, or move or remove it; takes the lock itself. */
hv_status_t overlay_set(struct gpamap *map, struct overlay *ov, u64 gpfn, void *page, u32 rights);
void overlay_clear(struct gpamap *map, struct overlay *ov);

/**
 * gpa_read() - copy from a partition's memory
 * @map: its address space, not locked
 * @gpa: where from
 * @buf: where to
 * @len: bytes
 *
 * Returns: false if some of it is not RAM that may be read; what could be
 * read has then been copied
 */
bool gpa_read(struct gpamap *map, u64 gpa, void *buf, size_t len);
bool gpa_write(struct gpamap *map, u64 gpa, const void *buf, size_t len);

/*
 * Root's own address space: hide a page from it, and show it again. A large page
 * that is split by that is one again when all of it is shown with GPA_RWX.
 */
void root_hide_page(u64 pfn);
void root_show_page(u64 pfn, u32 rights);

#endif /* OPENHV_GPAMAP_H */
