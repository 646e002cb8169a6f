/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MSHV_STATS_H
#define MSHV_STATS_H

#include <linux/rwsem.h>
#include <linux/types.h>

#include <tlfs/stats.h>

struct mshv_vp;

#define MSHV_STATS_AREAS	2	/* HV_STATS_AREA_SELF, HV_STATS_AREA_PARENT */

/*
 * Held for writing by who unmaps what others may be reading or unmapping; not on the way
 * to a crash kernel
 */
extern struct rw_semaphore mshv_stats_unmap_sem;

/**
 * mshv_stats_map() - make an object's pages of counters visible
 * @type: HV_STATS_OBJECT_*
 * @identity: which object; the area is of no matter
 * @areas: how many areas the object has, 1 or 2
 * @pages: where the counters of each area go, HV_STATS_COUNTERS_PER_PAGE of them; the
 *	same ones twice, if there is but one
 *
 * May sleep.
 *
 * Return: 0; a negative errno, and @pages as they were.
 */
int mshv_stats_map(u32 type, union hv_stats_object_identity identity, unsigned int areas,
		   const u64 *pages[MSHV_STATS_AREAS]);

/**
 * mshv_stats_unmap() - undo mshv_stats_map()
 * @type: HV_STATS_OBJECT_*
 * @identity: which object
 * @pages: its pages, or none; none afterwards
 *
 * May be called in any context.
 */
void mshv_stats_unmap(u32 type, union hv_stats_object_identity identity,
		      const u64 *pages[MSHV_STATS_AREAS]);

/**
 * mshv_stats_map_vp() - map the counters of a VP
 * @vp: a VP of a child partition; its @stats and @stats_mapped are filled in
 *
 * The root scheduler depends on them; elsewhere they are for information only,
 * and may be absent.
 *
 * Return: 0; a negative errno.
 */
int mshv_stats_map_vp(struct mshv_vp *vp);

/**
 * mshv_stats_unmap_vp_pages() - take a VP's counters away under those who read them
 * @vp: the VP; its @stats are something else already
 *
 * The caller holds mshv_stats_unmap_sem for writing, or is on the way to a crash kernel.
 * May be called in any context.
 */
void mshv_stats_unmap_vp_pages(struct mshv_vp *vp);

/**
 * mshv_stats_unmap_vp() - undo mshv_stats_map_vp(), unless that has been done
 * @vp: the VP
 *
 * May sleep.
 */
void mshv_stats_unmap_vp(struct mshv_vp *vp);

#endif /* MSHV_STATS_H */
