// SPDX-License-Identifier: GPL-2.0-only
/*
 * Statistics pages.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/err.h>
#include <linux/mm.h>
#include <linux/string.h>

#include "hvcalls.h"
#include "mshv.h"
#include "partition.h"
#include "stats.h"
#include "vp.h"

DECLARE_RWSEM(mshv_stats_unmap_sem);

static const u64 *stats_map(u32 type, const union hv_stats_object_identity *identity)
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

int mshv_stats_map(u32 type, union hv_stats_object_identity identity, unsigned int areas,
		   const u64 *pages[MSHV_STATS_AREAS])
{
	const u64 *stats;

	/* The area is in the same place of all identities. */
	identity.hv.stats_area_type = HV_STATS_AREA_SELF;
	stats = stats_map(type, &identity);
	if (IS_ERR(stats))
		return PTR_ERR(stats);
	pages[HV_STATS_AREA_SELF] = stats;
	pages[HV_STATS_AREA_PARENT] = stats;

	/* Older hypervisors have no second area. */
	if (areas > HV_STATS_AREA_PARENT) {
		identity.hv.stats_area_type = HV_STATS_AREA_PARENT;
		stats = stats_map(type, &identity);
		if (!IS_ERR(stats))
			pages[HV_STATS_AREA_PARENT] = stats;
	}

	return 0;
}

void mshv_stats_unmap(u32 type, union hv_stats_object_identity identity,
		      const u64 *pages[MSHV_STATS_AREAS])
{
	if (pages[HV_STATS_AREA_PARENT] != pages[HV_STATS_AREA_SELF]) {
		identity.hv.stats_area_type = HV_STATS_AREA_PARENT;
		mshv_hvcall_unmap_stats_page(type, &identity);
	}
	if (pages[HV_STATS_AREA_SELF]) {
		identity.hv.stats_area_type = HV_STATS_AREA_SELF;
		mshv_hvcall_unmap_stats_page(type, &identity);
	}
	pages[HV_STATS_AREA_SELF] = NULL;
	pages[HV_STATS_AREA_PARENT] = NULL;
}

static union hv_stats_object_identity vp_identity(const struct mshv_vp *vp)
{
	return (union hv_stats_object_identity) {
		.vp.partition_id = vp->partition->id,
		.vp.vp_index = vp->index,
	};
}

int mshv_stats_map_vp(struct mshv_vp *vp)
{
	int ret = mshv_stats_map(HV_STATS_OBJECT_VP, vp_identity(vp), MSHV_STATS_AREAS,
				 vp->stats_mapped);

	memcpy(vp->stats, vp->stats_mapped, sizeof(vp->stats));

	return mshv_root_scheduler() ? ret : 0;
}

void mshv_stats_unmap_vp_pages(struct mshv_vp *vp)
{
	mshv_stats_unmap(HV_STATS_OBJECT_VP, vp_identity(vp), vp->stats_mapped);
}

void mshv_stats_unmap_vp(struct mshv_vp *vp)
{
	down_read(&mshv_stats_unmap_sem);
	mshv_stats_unmap_vp_pages(vp);
	up_read(&mshv_stats_unmap_sem);
	memset(vp->stats, 0, sizeof(vp->stats));
}
