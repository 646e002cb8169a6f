// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is mapped in a guest physical address space, and access to it.
 */
#include <openhv/gpamap.h>
#include <openhv/gpamap_walk.h>
#include <openhv/npt.h>
#include <openhv/string.h>
#include <tlfs/memory.h>

u64 *leaf_of(struct gpamap *map, u64 gpfn, unsigned int *level)
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

hv_status_t gpamap_access_state(struct gpa_gather *g, u64 gpfn, u64 flags, u8 *state)
{
	struct gpamap *map = g->map;
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
		g->flush = true;
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
			g->flush = true;
	}
	*state = 0;
	if (npte_present(old) && old & PTE_ACCESSED)
		*state |= HV_PAGE_STATE_ACCESSED;
	if (npte_present(old) && old & PTE_DIRTY)
		*state |= HV_PAGE_STATE_DIRTY;
	return HV_STATUS_SUCCESS;
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
