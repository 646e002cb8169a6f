// SPDX-License-Identifier: GPL-2.0-only
/*
 * Movable RAM: pages are found as any access of the process's own would find them,
 * and may be swapped out, moved, merged, written back or given up meanwhile.
 */
#include <linux/hmm.h>
#include <linux/mm.h>
#include <linux/mmu_notifier.h>

#include <tlfs/memory.h>

#include "movable.h"
#include "region.h"

static int ram_resolve(struct mshv_region *region, struct mshv_fault *fault, unsigned long *seq)
{
	struct mshv_movable *m = region->backing;
	unsigned long start = region->uaddr + (fault->first << PAGE_SHIFT);
	unsigned long pfns[MSHV_FAULT_PAGES];
	struct hmm_range range = {
		.notifier = &m->notifier,
		.start = start,
		.end = start + ((unsigned long)fault->nr << PAGE_SHIFT),
		.hmm_pfns = pfns,
		.default_flags = HMM_PFN_REQ_FAULT | (fault->write ? HMM_PFN_REQ_WRITE : 0),
	};
	unsigned int i;
	int ret;

	range.notifier_seq = mmu_interval_read_begin(&m->notifier);
	mmap_read_lock(region->mm);
	ret = hmm_range_fault(&range);
	mmap_read_unlock(region->mm);
	if (ret)
		return ret;

	*seq = range.notifier_seq;
	for (i = 0; i < fault->nr; i++) {
		fault->pfns[i] = page_to_pfn(hmm_pfn_to_page(pfns[i]));
		__set_bit(i, &fault->valid);
		if (pfns[i] & HMM_PFN_WRITE)
			__set_bit(i, &fault->writable);
	}
	fault->large = hmm_pfn_to_map_order(pfns[fault->target]) >=
		       HV_HYP_LARGE_PAGE_SHIFT - HV_HYP_PAGE_SHIFT;

	return 0;
}

static int ram_map(struct mshv_region *region)
{
	return mshv_movable_create(region, ram_resolve, true);
}

const struct mshv_region_ops mshv_region_movable_ops = {
	.name = "movable",
	.map = ram_map,
	.unmap = mshv_movable_unmap,
	.fault = mshv_movable_fault,
	.mapped = mshv_movable_mapped,
	.merge_states = mshv_movable_merge_states,
	.release = mshv_movable_release,
	.abandon = mshv_movable_abandon,
};
