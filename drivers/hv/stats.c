// SPDX-License-Identifier: GPL-2.0-only
/*
 * Statistics pages.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/err.h>
#include <linux/mm.h>

#include "hvcalls.h"
#include "mshv.h"
#include "partition.h"
#include "stats.h"
#include "vp.h"

const u64 *mshv_stats_map(u32 type, const union hv_stats_object_identity *identity)
{
	u64 pfn;
	int ret;

	ret = mshv_hvcall_map_stats_page(type, identity, &pfn);
	if (ret)
		return ERR_PTR(ret);
	if (!pfn_valid(pfn)) {
		pr_err_ratelimited("statistics page %#llx is no memory of this kernel's\n", pfn);
		mshv_hvcall_unmap_stats_page(type, identity);
		return ERR_PTR(-EIO);
	}

	return page_to_virt(pfn_to_page(pfn));
}

static union hv_stats_object_identity vp_identity(const struct mshv_vp *vp, u8 area)
{
	return (union hv_stats_object_identity) {
		.vp.partition_id = vp->partition->id,
		.vp.vp_index = vp->index,
		.vp.stats_area_type = area,
	};
}

int mshv_stats_map_vp(struct mshv_vp *vp)
{
	union hv_stats_object_identity identity = vp_identity(vp, HV_STATS_AREA_SELF);
	const u64 *stats;

	stats = mshv_stats_map(HV_STATS_OBJECT_VP, &identity);
	if (IS_ERR(stats))
		return mshv_root_scheduler() ? PTR_ERR(stats) : 0;
	vp->stats[HV_STATS_AREA_SELF] = stats;

	/* Older hypervisors have no second area. */
	identity = vp_identity(vp, HV_STATS_AREA_PARENT);
	stats = mshv_stats_map(HV_STATS_OBJECT_VP, &identity);
	vp->stats[HV_STATS_AREA_PARENT] = IS_ERR(stats) ? vp->stats[HV_STATS_AREA_SELF] : stats;

	return 0;
}

void mshv_stats_unmap_vp(struct mshv_vp *vp)
{
	union hv_stats_object_identity identity;

	if (vp->stats[HV_STATS_AREA_PARENT] != vp->stats[HV_STATS_AREA_SELF]) {
		identity = vp_identity(vp, HV_STATS_AREA_PARENT);
		mshv_hvcall_unmap_stats_page(HV_STATS_OBJECT_VP, &identity);
	}
	if (vp->stats[HV_STATS_AREA_SELF]) {
		identity = vp_identity(vp, HV_STATS_AREA_SELF);
		mshv_hvcall_unmap_stats_page(HV_STATS_OBJECT_VP, &identity);
	}
	vp->stats[HV_STATS_AREA_SELF] = NULL;
	vp->stats[HV_STATS_AREA_PARENT] = NULL;
}
