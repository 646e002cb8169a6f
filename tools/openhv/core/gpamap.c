// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guest physical address spaces: nested page tables.
 *
 * The tables are changed under the map's write lock. The processor sets
 * accessed and dirty bits at any time, so that live entries are exchanged
 * atomically.
 */
#include <openhv/gpamap.h>
#include <openhv/gpamap_walk.h>
#include <openhv/log.h>
#include <openhv/npt.h>
#include <openhv/partition.h>
#include <openhv/string.h>
#include <tlfs/memory.h>

#define NPTE_USED	(PTE_ACCESSED | PTE_DIRTY)

static unsigned int level_of_order(unsigned int order)
{
	return order / 9;
}

/* @reserve: for an overlay, which may use what was kept back for it */
static void *table_alloc(struct gpamap *map, bool reserve)
{
	void *page;

	if (map->own)
		return own_alloc();
	page = pool_alloc(&map->partition->pool);
	if (!page && reserve)
		page = pool_alloc(&map->partition->reserve);
	return page;
}

static void table_free(struct gpamap *map, void *table)
{
	if (map->own)
		own_free(table);
	else
		pool_free(&map->partition->pool, table);
}

static void count_mapping(struct gpamap *map, u64 e, unsigned int level, s64 sign)
{
	if (!npte_mapped(e) || e & NPTE_SOFT_OVERLAY)
		return;
	if (level == 0)
		map->pages_4k += sign;
	else if (level == 1)
		map->pages_2m += sign;
	else
		map->pages_1g += sign;
}

/* References that a mapping holds to the frames it maps */
static bool frames_get(u64 spfn, unsigned int level)
{
	u64 i, n = level_pages(level);

	for (i = 0; i < n; i++) {
		if (!frame_map_get(spfn + i)) {
			while (i--)
				frame_map_put(spfn + i);
			return false;
		}
	}
	return true;
}

static void frames_put(u64 e, unsigned int level)
{
	u64 i, n = level_pages(level);

	if (!(e & NPTE_SOFT_COUNTED))
		return;
	for (i = 0; i < n; i++)
		frame_map_put(npte_pfn(e) + i);
}

static void spare_push(struct gpamap *map, u64 *table)
{
	table[0] = (u64)map->spare;
	map->spare = table;
}

static u64 *spare_pop(struct gpamap *map)
{
	u64 *table = map->spare;

	if (table)
		map->spare = (u64 *)table[0];
	return table;
}

/* The entry that maps part @i of the NPT_ENTRIES that a large page has */
static u64 part_of(u64 e, unsigned int level, u32 i)
{
	u64 part = e & ~(NPTE_SOFT_SPARE | NPTE_SOFT_SPARES);

	if (npte_present(e))
		part += (i * level_pages(level - 1)) << PAGE_SHIFT;
	if (level == 1)
		part &= ~PTE_LARGE;
	if (e & NPTE_SOFT_SPARES)
		part |= NPTE_SOFT_SPARE;
	return part;
}

/* Replace a leaf by a table of leaves that map the same. */
static hv_status_t split(struct gpamap *map, u64 *entry, unsigned int level, bool reserve)
{
	u64 e = READ_ONCE(*entry), missed;
	u64 *table = NULL;
	u32 i;

	if (e & NPTE_SOFT_SPARE)
		table = spare_pop(map);
	if (!table)
		table = table_alloc(map, reserve);
	if (!table)
		return HV_STATUS_INSUFFICIENT_MEMORY;
	for (i = 0; i < NPT_ENTRIES; i++) {
		table[i] = part_of(e, level, i);
		count_mapping(map, table[i], level - 1, 1);
	}
	count_mapping(map, e, level, -1);
	/* The processor may have used the page meanwhile: it is not known which part. */
	missed = atomic_xchg(entry, npte_table(virt_to_phys(table))) & ~e & NPTE_USED;
	for (i = 0; i < NPT_ENTRIES && missed; i++)
		atomic_or(&table[i], missed);
	return HV_STATUS_SUCCESS;
}

/* Statistics of a leaf, or of the tree below an entry, that is mapped no more */
static void uncount(struct gpamap *map, u64 e, unsigned int level)
{
	u32 i;

	if (!npte_is_table(e, level)) {
		count_mapping(map, e, level, -1);
		return;
	}
	for (i = 0; i < NPT_ENTRIES; i++)
		uncount(map, table_of(e)[i], level - 1);
}

static void release_spares(struct gpamap *map, u64 e)
{
	u32 n = (e & NPTE_SOFT_SPARE ? 1 : 0) + (e & NPTE_SOFT_SPARES ? NPT_ENTRIES : 0);

	while (n--) {
		u64 *table = spare_pop(map);

		if (table)
			table_free(map, table);
	}
}

/* Let go of the frames and tables behind an entry. */
static void release(struct gpamap *map, u64 e, unsigned int level)
{
	u64 *table;
	u32 i;

	if (!npte_is_table(e, level)) {
		if (!(e & NPTE_SOFT_OVERLAY))
			frames_put(e, level);
		release_spares(map, e);
		return;
	}
	table = table_of(e);
	for (i = 0; i < NPT_ENTRIES; i++)
		release(map, table[i], level - 1);
	table_free(map, table);
}

/* "Level" of a dropped table whose frames are still mapped */
#define GATHER_TABLE	~0U

void gpa_gather_finish(struct gpa_gather *g)
{
	u32 i;

	if (g->flush)
		gpamap_flush(g->map);
	for (i = 0; i < g->count; i++) {
		if (g->dropped[i].level == GATHER_TABLE)
			spare_push(g->map, phys_to_virt(g->dropped[i].entry));
		else
			release(g->map, g->dropped[i].entry, g->dropped[i].level);
	}
	gpa_gather_init(g, g->map);
}

/* An entry has been taken out of the tables. */
static void drop(struct gpa_gather *g, u64 e, unsigned int level)
{
	uncount(g->map, e, level);
	if (npte_present(e))
		g->flush = true;
	/* Nothing is behind the memory of a device, unless it was promoted. */
	if (!npte_is_table(e, level) && !(e & (NPTE_SOFT_COUNTED | NPTE_SOFT_SPARE)))
		return;
	if (g->count == GPA_GATHER_MAX)
		gpa_gather_finish(g);
	g->dropped[g->count].entry = e;
	g->dropped[g->count++].level = level;
}

hv_status_t find_entry(struct gpamap *map, u64 gpfn, unsigned int level, u32 how, u64 **entry)
{
	u64 *table = map->top;
	unsigned int l;

	for (l = LEVEL_TOP; l > level; l--) {
		u64 *e = entry_at(table, gpfn, l);

		if (!npte_mapped(*e)) {
			void *next;

			if (!(how & WALK_CREATE)) {
				*entry = NULL;
				return HV_STATUS_SUCCESS;
			}
			next = table_alloc(map, how & WALK_RESERVE);
			if (!next)
				return HV_STATUS_INSUFFICIENT_MEMORY;
			WRITE_ONCE(*e, npte_table(virt_to_phys(next)));
		} else if (!npte_is_table(*e, l)) {
			hv_status_t status = split(map, e, l, how & WALK_RESERVE);

			if (status)
				return status;
		}
		table = table_of(*e);
	}
	*entry = entry_at(table, gpfn, level);
	return HV_STATUS_SUCCESS;
}

hv_status_t gpamap_init(struct gpamap *map, struct partition *partition, bool own)
{
	map->partition = partition;
	map->own = own;
	map->counted = !own;
	map->max_pfn = 1UL << (min(vcpu_caps.phys_bits, (u8)48) - PAGE_SHIFT);
	list_init(&map->overlays);
	map->top = table_alloc(map, false);
	return map->top ? HV_STATUS_SUCCESS : HV_STATUS_INSUFFICIENT_MEMORY;
}

void gpamap_destroy(struct gpamap *map)
{
	u64 *table;
	u32 i;

	if (!map->top)
		return;
	for (i = 0; i < NPT_ENTRIES; i++) {
		uncount(map, map->top[i], LEVEL_TOP);
		release(map, map->top[i], LEVEL_TOP);
	}
	for (table = spare_pop(map); table; table = spare_pop(map))
		table_free(map, table);
	table_free(map, map->top);
	map->top = NULL;
}

/* Put a new entry in place of what is there. */
static void replace(struct gpa_gather *g, u64 *entry, u64 new, unsigned int level, u64 gpfn)
{
	struct gpamap *map = g->map;
	struct overlay *ov = NULL;
	u64 old = READ_ONCE(*entry);

	if (level == 0 && old & NPTE_SOFT_OVERLAY)
		ov = overlay_at(map, gpfn);
	if (ov) {
		old = ov->saved;
		ov->saved = new;
	} else {
		old = atomic_xchg(entry, new);
	}
	drop(g, old, level);
	count_mapping(map, new, level, 1);
	map->modifications++;
}

/*
 * If the table that an entry is in maps one aligned piece of memory, with the
 * same rights all over, a leaf can stand for it. That is looked at when its
 * last entry is written, as memory is mapped in ascending order.
 */
static void promote(struct gpa_gather *g, u64 gpfn, unsigned int level)
{
	struct gpamap *map = g->map;
	u64 pages = level_pages(level + 1), base = gpfn & ~(pages - 1);
	u64 *parent, *table, first, new, used = 0;
	u32 i;

	if (map->own || map->track || level + 1 > 1 + vcpu_caps.large_1g ||
	    gpfn - base + level_pages(level) != pages || overlay_within(map, base, pages))
		return;
	if (find_entry(map, base, level + 1, 0, &parent) || !parent ||
	    !npte_is_table(*parent, level + 1))
		return;
	table = table_of(*parent);
	first = table[0] & ~NPTE_USED;
	if (!npte_present(first) || npte_is_table(first, level) || npte_pfn(first) & (pages - 1))
		return;
	new = first | PTE_LARGE | NPTE_SOFT_SPARE;
	if (first & NPTE_SOFT_SPARE)
		new |= NPTE_SOFT_SPARES;
	for (i = 0; i < NPT_ENTRIES; i++) {
		u64 e = READ_ONCE(table[i]);

		if ((e & ~NPTE_USED) != part_of(new, level + 1, i))
			return;
		used |= e & NPTE_USED;
	}
	for (i = 0; i < NPT_ENTRIES; i++)
		count_mapping(map, table[i], level, -1);
	count_mapping(map, new, level + 1, 1);
	/* The frames' counts pass to the leaf; of what is dropped, only the table is left. */
	atomic_xchg(parent, new | used);
	g->flush = true;
	if (g->count == GPA_GATHER_MAX)
		gpa_gather_finish(g);
	g->dropped[g->count].entry = virt_to_phys(table);
	g->dropped[g->count++].level = GATHER_TABLE;
	if (level == 0)
		promote(g, gpfn & ~(level_pages(1) - 1), 1);
}

/* Around an overlay, and where the processor has no such page: smaller ones. */
static bool in_pieces(struct gpamap *map, u64 gpfn, unsigned int level)
{
	return level && (overlay_within(map, gpfn, level_pages(level)) ||
			 (level == 2 && !vcpu_caps.large_1g));
}

static hv_status_t check_range(struct gpamap *map, u64 gpfn, unsigned int level)
{
	u64 pages = level_pages(level);

	if (gpfn >= map->max_pfn || pages > map->max_pfn - gpfn || !IS_ALIGNED(gpfn, pages))
		return HV_STATUS_INVALID_PARAMETER;
	return HV_STATUS_SUCCESS;
}

hv_status_t gpamap_map(struct gpa_gather *g, u64 gpfn, u64 spfn, unsigned int order, u32 rights)
{
	struct gpamap *map = g->map;
	unsigned int level = level_of_order(order);
	u64 pages = level_pages(level), i;
	hv_status_t status = check_range(map, gpfn, level);
	u64 *entry, new;

	if (status)
		return status;
	if (rights & GPA_NO_ACCESS)
		spfn = 0;
	else if (spfn >= 1UL << (vcpu_caps.phys_bits - PAGE_SHIFT) || !IS_ALIGNED(spfn, pages))
		return HV_STATUS_INVALID_PARAMETER;
	if (in_pieces(map, gpfn, level)) {
		for (i = 0; i < pages && !status; i += level_pages(level - 1))
			status = gpamap_map(g, gpfn + i, spfn + i, order - 9, rights);
		return status;
	}
	status = find_entry(map, gpfn, level, WALK_CREATE, &entry);
	if (status)
		return status;
	new = npte_leaf(spfn, level, rights);
	if (map->counted && !(rights & GPA_NO_ACCESS)) {
		if (frames_get(spfn, level)) {
			new |= NPTE_SOFT_COUNTED;
		} else {
			/* Not RAM at all: the memory of a device, which root may pass on. */
			for (i = 0; i < pages; i++) {
				if (frame_type(spfn + i) != FRAME_NONE)
					return HV_STATUS_OPERATION_DENIED;
			}
		}
	}
	replace(g, entry, new, level, gpfn);
	promote(g, gpfn, level);
	return HV_STATUS_SUCCESS;
}

hv_status_t gpamap_unmap(struct gpa_gather *g, u64 gpfn, unsigned int order)
{
	struct gpamap *map = g->map;
	unsigned int level = level_of_order(order);
	hv_status_t status = check_range(map, gpfn, level);
	u64 *entry, i;

	if (status)
		return status;
	if (in_pieces(map, gpfn, level)) {
		for (i = 0; i < level_pages(level) && !status; i += level_pages(level - 1))
			status = gpamap_unmap(g, gpfn + i, order - 9);
		return status;
	}
	status = find_entry(map, gpfn, level, 0, &entry);
	if (status || !entry)
		return status;
	if (npte_mapped(*entry))
		replace(g, entry, 0, level, gpfn);
	return HV_STATUS_SUCCESS;
}

void gpamap_flush(struct gpamap *map)
{
	struct partition *p = map->partition;
	/* They go with the partition, which waits for whoever holds the map's lock. */
	struct vp_slot *slots = load_acquire(&p->vps);
	u64 generation;
	u32 i;

	generation = atomic_add(&map->generation, 1);
	if (!slots)
		return;
	/*
	 * A VP that enters the guest from here on sees the new generation and
	 * starts with no translations; wait for those that are in it.
	 */
	for (i = 0; i < VP_MAX; i++) {
		struct vp *vp;

		if (!READ_ONCE(slots[i].ref.count))
			continue;
		vp = vp_get(p, i);
		if (!vp)
			continue;
		if (READ_ONCE(vp->in_guest) && READ_ONCE(vp->generation) < generation) {
			lp_kick(vp->lp);
			while (READ_ONCE(vp->in_guest) && READ_ONCE(vp->generation) < generation)
				cpu_relax();
		}
		vp_put(vp);
	}
}

/* Root's own entries: the caller flushes after a hide. */
static void root_set_page(struct gpamap *map, u64 pfn, u64 new)
{
	u64 *entry;

	/* The tables for all of RAM were reserved at boot. */
	BUG_ON(find_entry(map, pfn, 0, WALK_CREATE, &entry));
	count_mapping(map, *entry, 0, -1);
	count_mapping(map, new, 0, 1);
	atomic_xchg(entry, new);
}

/*
 * Once all of a large page is root's again, one leaf maps it as it did at boot.
 * Returns the table that is not needed any more after a flush, or NULL.
 */
static u64 *root_join(struct gpamap *map, u64 pfn, unsigned int level)
{
	u64 base = pfn & ~(level_pages(level) - 1), used = 0;
	u64 *entry, *table;
	u32 i;

	if (level > 1 + vcpu_caps.large_1g ||
	    find_entry(map, base, level, 0, &entry) || !entry || !npte_is_table(*entry, level))
		return NULL;
	table = table_of(*entry);
	for (i = 0; i < NPT_ENTRIES; i++) {
		u64 e = READ_ONCE(table[i]);

		if ((e & ~NPTE_USED) !=
		    npte_leaf(base + i * level_pages(level - 1), level - 1, GPA_RWX))
			return NULL;
		used |= e & NPTE_USED;
	}
	for (i = 0; i < NPT_ENTRIES; i++)
		count_mapping(map, table[i], level - 1, -1);
	count_mapping(map, npte_leaf(base, level, GPA_RWX), level, 1);
	atomic_xchg(entry, npte_leaf(base, level, GPA_RWX) | used);
	return table;
}

void root_hide_page(u64 pfn)
{
	struct gpamap *map = &root_partition.gpamap;

	write_lock(&map->lock);
	root_set_page(map, pfn, 0);
	write_unlock(&map->lock);
}

void root_show_page(u64 pfn, u32 rights)
{
	struct gpamap *map = &root_partition.gpamap;
	u64 *unused[LEVEL_TOP];
	unsigned int n = 0;

	write_lock(&map->lock);
	root_set_page(map, pfn, npte_leaf(pfn, 0, rights));
	while (rights == GPA_RWX && n < LEVEL_TOP) {
		unused[n] = root_join(map, pfn, n + 1);
		if (!unused[n])
			break;
		n++;
	}
	write_unlock(&map->lock);
	if (n)
		gpamap_flush(map);
	while (n--)
		table_free(map, unused[n]);
}
