// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guest physical address spaces: nested page tables.
 *
 * The tables are changed under the map's write lock. The processor sets
 * accessed and dirty bits at any time, so that live entries are exchanged
 * atomically.
 */
#include <openhv/gpamap.h>
#include <openhv/log.h>
#include <openhv/npt.h>
#include <openhv/partition.h>
#include <openhv/string.h>
#include <tlfs/memory.h>

#define LEVEL_TOP	(NPT_LEVELS - 1)

static unsigned int level_of_order(unsigned int order)
{
	return order / 9;
}

static u64 level_pages(unsigned int level)
{
	return 1UL << (9 * level);
}

static u64 *entry_at(u64 *table, u64 gpfn, unsigned int level)
{
	return &table[gpfn >> (9 * level) & (NPT_ENTRIES - 1)];
}

static u64 *table_of(u64 e)
{
	return phys_to_virt(e & PTE_ADDR);
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

static struct overlay *overlay_at(struct gpamap *map, u64 gpfn)
{
	struct overlay *ov;

	list_for_each_entry(ov, &map->overlays, node) {
		if (ov->gpfn == gpfn)
			return ov;
	}
	return NULL;
}

static bool overlay_within(struct gpamap *map, u64 gpfn, u64 pages)
{
	struct overlay *ov;

	list_for_each_entry(ov, &map->overlays, node) {
		if (ov->gpfn - gpfn < pages)
			return true;
	}
	return false;
}

/* Replace a leaf by a table of leaves that map the same. */
static hv_status_t split(struct gpamap *map, u64 *entry, unsigned int level, bool reserve)
{
	u64 e = READ_ONCE(*entry);
	u64 *table = table_alloc(map, reserve);
	u64 step = level_pages(level - 1) << PAGE_SHIFT;
	u32 i;

	if (!table)
		return HV_STATUS_INSUFFICIENT_MEMORY;
	for (i = 0; i < NPT_ENTRIES; i++) {
		u64 sub = e;

		if (npte_present(e))
			sub += i * step;
		if (level == 1)
			sub &= ~PTE_LARGE;
		table[i] = sub;
		count_mapping(map, sub, level - 1, 1);
	}
	count_mapping(map, e, level, -1);
	/* An accessed bit that the processor sets meanwhile is set in no page: none is lost. */
	atomic_xchg(entry, npte_table(virt_to_phys(table)));
	return HV_STATUS_SUCCESS;
}

/* Drop what an entry maps: its leaf, or the whole tree below it. */
static void drop(struct gpamap *map, u64 e, unsigned int level)
{
	u64 *table;
	u32 i;

	if (!npte_is_table(e, level)) {
		if (e & NPTE_SOFT_OVERLAY)
			return;
		count_mapping(map, e, level, -1);
		frames_put(e, level);
		return;
	}
	table = table_of(e);
	for (i = 0; i < NPT_ENTRIES; i++)
		drop(map, table[i], level - 1);
	table_free(map, table);
}

#define WALK_CREATE	BIT(0)
#define WALK_RESERVE	BIT(1)

/**
 * find_entry() - the entry of a page at a level, with the tables above it
 * @map: the address space, locked for writing
 * @gpfn: the page
 * @level: the level wanted
 * @how: WALK_CREATE: make tables where they are missing; otherwise a hole ends
 *	the walk. WALK_RESERVE: tables may come from the partition's reserve
 * @entry: receives the entry; NULL at a hole
 */
static hv_status_t find_entry(struct gpamap *map, u64 gpfn, unsigned int level, u32 how,
			      u64 **entry)
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
	u32 i;

	if (!map->top)
		return;
	for (i = 0; i < NPT_ENTRIES; i++)
		drop(map, map->top[i], LEVEL_TOP);
	table_free(map, map->top);
	map->top = NULL;
}

/* Put a new entry in place of what is there. */
static void replace(struct gpamap *map, u64 *entry, u64 new, unsigned int level, u64 gpfn,
		    bool *flush)
{
	struct overlay *ov = NULL;
	u64 old = READ_ONCE(*entry);

	if (level == 0 && old & NPTE_SOFT_OVERLAY)
		ov = overlay_at(map, gpfn);
	if (ov) {
		drop(map, ov->saved, level);
		ov->saved = new;
	} else {
		old = atomic_xchg(entry, new);
		if (npte_present(old))
			*flush = true;
		drop(map, old, level);
	}
	count_mapping(map, new, level, 1);
	map->modifications++;
}

hv_status_t gpamap_map(struct gpamap *map, u64 gpfn, u64 spfn, unsigned int order, u32 rights,
		       bool *flush)
{
	unsigned int level = level_of_order(order);
	u64 pages = level_pages(level);
	hv_status_t status;
	u64 *entry, new;

	if (gpfn >= map->max_pfn || pages > map->max_pfn - gpfn || !IS_ALIGNED(gpfn, pages))
		return HV_STATUS_INVALID_PARAMETER;
	if (rights & GPA_NO_ACCESS) {
		spfn = 0;
	} else if (spfn >= 1UL << (vcpu_caps.phys_bits - PAGE_SHIFT) || !IS_ALIGNED(spfn, pages)) {
		return HV_STATUS_INVALID_PARAMETER;
	}
	/* Around an overlay, and where the processor has no such page: smaller ones. */
	if (level && (overlay_within(map, gpfn, pages) || (level == 2 && !vcpu_caps.large_1g))) {
		u64 step = level_pages(level - 1);
		u64 i;

		for (i = 0; i < pages; i += step) {
			status = gpamap_map(map, gpfn + i, spfn + i, order - 9, rights, flush);
			if (status)
				return status;
		}
		return HV_STATUS_SUCCESS;
	}
	status = find_entry(map, gpfn, level, WALK_CREATE, &entry);
	if (status)
		return status;
	new = npte_leaf(spfn, level, rights);
	if (map->counted && !(rights & GPA_NO_ACCESS)) {
		if (frames_get(spfn, level)) {
			new |= NPTE_SOFT_COUNTED;
		} else {
			u64 i;

			/* Not RAM at all: the memory of a device, which root may pass on. */
			for (i = 0; i < pages; i++) {
				if (frame_type(spfn + i) != FRAME_NONE)
					return HV_STATUS_OPERATION_DENIED;
			}
		}
	}
	replace(map, entry, new, level, gpfn, flush);
	return HV_STATUS_SUCCESS;
}

hv_status_t gpamap_unmap(struct gpamap *map, u64 gpfn, unsigned int order, bool *flush)
{
	unsigned int level = level_of_order(order);
	u64 pages = level_pages(level);
	hv_status_t status;
	u64 *entry;

	if (gpfn >= map->max_pfn || pages > map->max_pfn - gpfn || !IS_ALIGNED(gpfn, pages))
		return HV_STATUS_INVALID_PARAMETER;
	if (level && overlay_within(map, gpfn, pages)) {
		u64 step = level_pages(level - 1);
		u64 i;

		for (i = 0; i < pages; i += step) {
			status = gpamap_unmap(map, gpfn + i, order - 9, flush);
			if (status)
				return status;
		}
		return HV_STATUS_SUCCESS;
	}
	status = find_entry(map, gpfn, level, 0, &entry);
	if (status || !entry)
		return status;
	if (npte_mapped(*entry))
		replace(map, entry, 0, level, gpfn, flush);
	return HV_STATUS_SUCCESS;
}

/* The leaf that maps a page, or NULL; *level receives its level. */
static u64 *leaf_of(struct gpamap *map, u64 gpfn, unsigned int *level)
{
	u64 *table = map->top;
	unsigned int l = LEVEL_TOP;

	if (gpfn >= map->max_pfn || !table)
		return NULL;
	for (;; l--) {
		u64 *e = entry_at(table, gpfn, l);
		u64 v = READ_ONCE(*e);

		if (!npte_mapped(v))
			return NULL;
		if (!npte_is_table(v, l)) {
			*level = l;
			return e;
		}
		table = table_of(v);
	}
}

void gpamap_lookup(struct gpamap *map, u64 gpfn, struct gpa_info *info)
{
	unsigned int level;
	u64 *entry = leaf_of(map, gpfn, &level);
	u64 e;

	memset(info, 0, sizeof(*info));
	if (!entry)
		return;
	e = READ_ONCE(*entry);
	info->mapped = true;
	info->overlay = e & NPTE_SOFT_OVERLAY;
	info->rights = npte_rights(e);
	info->order = level * 9;
	if (npte_present(e))
		info->spfn = npte_pfn(e) + (gpfn & (level_pages(level) - 1));
}

void *gpamap_page(struct gpamap *map, u64 gpfn, u32 rights)
{
	unsigned int level;
	u64 *entry = leaf_of(map, gpfn, &level);
	u64 spfn, e;

	if (!entry)
		return NULL;
	e = READ_ONCE(*entry);
	if (!npte_present(e) || rights & ~npte_rights(e))
		return NULL;
	spfn = npte_pfn(e) + (gpfn & (level_pages(level) - 1));
	switch (frame_type(spfn)) {
	case FRAME_ROOT:
	case FRAME_LENT:
	case FRAME_SHOWN:
		break;
	case FRAME_POOL:
		/* A child's overlay is made of its own pool. */
		if (e & NPTE_SOFT_OVERLAY)
			break;
		return NULL;
	default:
		return NULL;
	}
	if (rights & GPA_WRITE && !(e & PTE_DIRTY))
		atomic_or(entry, PTE_ACCESSED | PTE_DIRTY);
	return phys_to_virt(spfn << PAGE_SHIFT);
}

hv_status_t gpamap_access_state(struct gpamap *map, u64 gpfn, u64 flags, u8 *state, bool *flush)
{
	unsigned int level;
	u64 *entry, set = 0, clear = 0, old;
	hv_status_t status;

	entry = leaf_of(map, gpfn, &level);
	if (!entry)
		return HV_STATUS_INVALID_PARAMETER;
	if (flags & HV_PAGE_ACCESS_CLEAR_ACCESSED)
		clear |= PTE_ACCESSED;
	if (flags & HV_PAGE_ACCESS_CLEAR_DIRTY)
		clear |= PTE_DIRTY;
	if (flags & HV_PAGE_ACCESS_SET_ACCESSED)
		set |= PTE_ACCESSED;
	if (flags & HV_PAGE_ACCESS_SET_DIRTY)
		set |= PTE_DIRTY;
	old = READ_ONCE(*entry);
	if (level && npte_present(old) && (set | clear)) {
		/* The bits are kept by 4 KiB page: a large page has to be split for that. */
		status = find_entry(map, gpfn, 0, 0, &entry);
		if (status)
			return status;
		*flush = true;
	}
	if (old & NPTE_SOFT_OVERLAY) {
		struct overlay *ov = overlay_at(map, gpfn);

		old = ov->saved;
		if (npte_present(old))
			ov->saved = (old & ~clear) | set;
	} else if (npte_present(old)) {
		if (clear)
			old = atomic_and(entry, ~clear);
		if (set)
			old = atomic_or(entry, set) | (clear ? old & clear : 0);
		if (old & clear)
			*flush = true;
	}
	*state = 0;
	if (npte_present(old) && old & PTE_ACCESSED)
		*state |= HV_PAGE_STATE_ACCESSED;
	if (npte_present(old) && old & PTE_DIRTY)
		*state |= HV_PAGE_STATE_DIRTY;
	return HV_STATUS_SUCCESS;
}

void gpamap_flush(struct gpamap *map)
{
	struct partition *p = map->partition;
	u64 generation;
	u32 i;

	generation = atomic_add(&map->generation, 1);
	if (!p->vps)
		return;
	/*
	 * A VP that enters the guest from here on sees the new generation and
	 * starts with no translations; wait for those that are in it.
	 */
	for (i = 0; i < VP_MAX; i++) {
		struct vp *vp;

		if (!READ_ONCE(p->vps[i].ref.count))
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

hv_status_t overlay_set(struct gpamap *map, struct overlay *ov, u64 gpfn, void *page, u32 rights)
{
	hv_status_t status = HV_STATUS_SUCCESS;
	bool flush = false;
	u64 *entry;

	overlay_clear(map, ov);
	write_lock(&map->lock);
	if (gpfn >= map->max_pfn)
		status = HV_STATUS_INVALID_PARAMETER;
	else if (overlay_at(map, gpfn))
		status = HV_STATUS_OBJECT_IN_USE;
	else
		status = find_entry(map, gpfn, 0, WALK_CREATE | WALK_RESERVE, &entry);
	if (!status) {
		u64 new = npte_leaf(virt_to_phys(page) >> PAGE_SHIFT, 0, rights) |
			  NPTE_SOFT_OVERLAY;

		ov->saved = atomic_xchg(entry, new);
		flush = npte_present(ov->saved);
		ov->gpfn = gpfn;
		ov->page = page;
		ov->rights = rights;
		ov->active = true;
		list_add_tail(&ov->node, &map->overlays);
	}
	write_unlock(&map->lock);
	if (flush)
		gpamap_flush(map);
	return status;
}

void overlay_clear(struct gpamap *map, struct overlay *ov)
{
	u64 *entry;

	if (!ov->active)
		return;
	write_lock(&map->lock);
	/* The tables above an overlay are there: they cannot go while it is active. */
	BUG_ON(find_entry(map, ov->gpfn, 0, 0, &entry) || !entry);
	atomic_xchg(entry, ov->saved);
	list_del(&ov->node);
	ov->active = false;
	write_unlock(&map->lock);
	gpamap_flush(map);
}

static bool gpa_copy(struct gpamap *map, u64 gpa, u8 *buf, size_t len, bool write)
{
	bool ok = true;

	read_lock(&map->lock);
	while (len) {
		size_t offset = gpa & (PAGE_SIZE - 1);
		size_t n = min(len, PAGE_SIZE - offset);
		u8 *page = gpamap_page(map, gpa >> PAGE_SHIFT, write ? GPA_WRITE : GPA_READ);

		if (!page) {
			ok = false;
			break;
		}
		if (write)
			memcpy(page + offset, buf, n);
		else
			memcpy(buf, page + offset, n);
		gpa += n;
		buf += n;
		len -= n;
	}
	read_unlock(&map->lock);
	return ok;
}

bool gpa_read(struct gpamap *map, u64 gpa, void *buf, size_t len)
{
	return gpa_copy(map, gpa, buf, len, false);
}

bool gpa_write(struct gpamap *map, u64 gpa, const void *buf, size_t len)
{
	return gpa_copy(map, gpa, (u8 *)buf, len, true);
}

/* Root's own entries: the caller flushes after a hide. */
static void root_set_page(u64 pfn, u64 new)
{
	struct gpamap *map = &root_partition.gpamap;
	u64 *entry;

	write_lock(&map->lock);
	/* The tables for all of RAM were reserved at boot. */
	BUG_ON(find_entry(map, pfn, 0, WALK_CREATE, &entry));
	count_mapping(map, *entry, 0, -1);
	count_mapping(map, new, 0, 1);
	atomic_xchg(entry, new);
	write_unlock(&map->lock);
}

void root_hide_page(u64 pfn)
{
	root_set_page(pfn, 0);
}

void root_show_page(u64 pfn, u32 rights)
{
	root_set_page(pfn, npte_leaf(pfn, 0, rights));
}
