// SPDX-License-Identifier: GPL-2.0-only
/*
 * Overlay pages (TLFS, "Overlay Pages"): pages of the hypervisor's over guest
 * pages. What is mapped there goes on being mapped, changed and unmapped
 * below, in struct overlay's @saved.
 */
#include <openhv/gpamap.h>
#include <openhv/gpamap_walk.h>
#include <openhv/log.h>
#include <openhv/npt.h>
#include <openhv/stats.h>

struct overlay *overlay_at(struct gpamap *map, u64 gpfn)
{
	struct overlay *ov;

	list_for_each_entry(ov, &map->overlays, node) {
		if (ov->gpfn == gpfn)
			return ov;
	}
	return NULL;
}

bool overlay_within(struct gpamap *map, u64 gpfn, u64 pages)
{
	struct overlay *ov;

	list_for_each_entry(ov, &map->overlays, node) {
		if (ov->gpfn - gpfn < pages)
			return true;
	}
	return false;
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
	/* A large page may have been split. */
	stats_update_partition(map->partition);
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
