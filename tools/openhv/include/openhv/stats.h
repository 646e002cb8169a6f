/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Statistics pages.
 */
#ifndef OPENHV_STATS_H
#define OPENHV_STATS_H

#include <asm/cpu.h>
#include <openhv/lp.h>
#include <openhv/types.h>
#include <tlfs/stats.h>

struct hvcall;
struct vp;
struct partition;

/* HVCALL_MAP_STATS_PAGE, HVCALL_UNMAP_STATS_PAGE */
hv_status_t stats_map(struct hvcall *c, const struct hv_input_map_stats_page *in, u64 *pfn);
hv_status_t stats_unmap(struct hvcall *c, const struct hv_input_map_stats_page *in);

/* Bring the counters of mapped pages up to date: of a child's VP, by who owns it. */
void stats_update_vp(struct vp *vp);

/*
 * Of a partition, and of the hypervisor and root as a whole, after a change. No
 * address space may be locked.
 */
void stats_update_partition(struct partition *p);
void stats_update_machine(void);

/* Of an LP and the root VP that lives there, by the LP itself */
void stats_refresh(struct lp *lp);

/*
 * The same if it is time; called when an interrupt has come, or, with the shim, at any
 * exit, so that it is cheap if not.
 */
static inline void stats_tick(struct lp *lp)
{
	if ((s64)(rdtsc() - lp->stats_due) >= 0)
		stats_refresh(lp);
}

/**
 * stats_lp_times() - how long an LP has been at work
 * @lp: the LP
 * @total: receives the time that it was not idle, in 100 ns
 * @hypervisor: receives how much of that was not a guest's, in 100 ns
 *
 * Where HLT does not exit, a guest that halts is at work. Neither is ever less than what
 * anybody was told before. The LP's stats_lock is taken.
 */
void stats_lp_times(struct lp *lp, u64 *total, u64 *hypervisor);

/* The statistics pages of a partition that has been finalized go back to root's pool. */
void stats_drop(struct partition *p);

/* The same for the hypervisor's, the LPs' and root's own counters, its VPs' among them. */
void stats_drop_root(void);

#endif /* OPENHV_STATS_H */
