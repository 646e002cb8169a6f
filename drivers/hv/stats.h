/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MSHV_STATS_H
#define MSHV_STATS_H

#include <linux/types.h>

#include <tlfs/stats.h>

struct mshv_vp;

/**
 * mshv_stats_map() - make a page of counters visible
 * @type: HV_STATS_OBJECT_*
 * @identity: which object and area
 *
 * May sleep.
 *
 * Return: the counters, HV_STATS_COUNTERS_PER_PAGE of them; an ERR_PTR().
 */
const u64 *mshv_stats_map(u32 type, const union hv_stats_object_identity *identity);

/**
 * mshv_stats_map_vp() - map the counters of a VP
 * @vp: a VP of a child partition; its @stats are filled in
 *
 * The root scheduler depends on them; elsewhere they are for information only,
 * and may be absent.
 *
 * Return: 0; a negative errno.
 */
int mshv_stats_map_vp(struct mshv_vp *vp);

/**
 * mshv_stats_unmap_vp() - undo mshv_stats_map_vp()
 * @vp: the VP
 */
void mshv_stats_unmap_vp(struct mshv_vp *vp);

#endif /* MSHV_STATS_H */
