/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Statistics pages.
 */
#ifndef OPENHV_STATS_H
#define OPENHV_STATS_H

#include <openhv/types.h>
#include <tlfs/stats.h>

struct hvcall;
struct vp;
struct partition;
struct lp;

/* HVCALL_MAP_STATS_PAGE, HVCALL_UNMAP_STATS_PAGE */
hv_status_t stats_map(struct hvcall *c, const struct hv_input_map_stats_page *in, u64 *pfn);
hv_status_t stats_unmap(struct hvcall *c, const struct hv_input_map_stats_page *in);

/* Bring the counters of mapped pages up to date. */
void stats_update_vp(struct vp *vp);

/* The statistics pages of a partition that has been finalized go back to root's pool. */
void stats_drop(struct partition *p);

/* The same for the hypervisor's, the LPs' and root's own counters, its VPs' among them. */
void stats_drop_root(void);

#endif /* OPENHV_STATS_H */
