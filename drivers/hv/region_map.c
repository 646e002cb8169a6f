// SPDX-License-Identifier: GPL-2.0-only
/*
 * Mapping of a region's pages, by pages of 2 MiB where they allow it.
 */
#include <linux/bitmap.h>
#include <linux/gfp.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/sched/signal.h>

#include <tlfs/memory.h>

#include "hvcalls.h"
#include "partition.h"
#include "region.h"

#define BLOCK_PAGES	HV_PAGES_PER_LARGE_PAGE

u64 mshv_region_nr_blocks(const struct mshv_region *region)
{
	return (region->gfn + region->nr_pages - 1) / BLOCK_PAGES - region->gfn / BLOCK_PAGES + 1;
}

/* Number of the block that page @i of the region is in */
static u64 block_of(const struct mshv_region *region, u64 i)
{
	return (region->gfn + i) / BLOCK_PAGES - region->gfn / BLOCK_PAGES;
}

static bool may_be_large(const struct mshv_region *region, struct page **pages, u64 i)
{
	unsigned long pfn = page_to_pfn(pages[i]);
	unsigned int j;

	if (!(region->partition->flags & HV_PARTITION_CREATION_FLAG_GPA_SUPER_PAGES_ENABLED))
		return false;
	if ((region->gfn + i) % BLOCK_PAGES || pfn % BLOCK_PAGES ||
	    region->nr_pages - i < BLOCK_PAGES)
		return false;
	for (j = 1; j < BLOCK_PAGES; j++)
		if (page_to_pfn(pages[i + j]) != pfn + j)
			return false;

	return true;
}

/*
 * Gather in @pfns what can be mapped by one call from page @i on, and note in
 * @large which blocks that is. Returns the number of units.
 */
static unsigned int gather(const struct mshv_region *region, struct page **pages, u64 i,
			   unsigned long *large, u64 *pfns, bool *is_large)
{
	unsigned int nr = 0;

	*is_large = may_be_large(region, pages, i);
	do {
		if (*is_large)
			__set_bit(block_of(region, i), large);
		pfns[nr++] = page_to_pfn(pages[i]);
		i += *is_large ? BLOCK_PAGES : 1;
		if (i == region->nr_pages || nr == HV_MAP_GPA_MAX_REPS)
			break;
		/* Within a block that is mapped by small pages nothing changes. */
	} while ((!*is_large && (region->gfn + i) % BLOCK_PAGES) ||
		 may_be_large(region, pages, i) == *is_large);

	return nr;
}

int mshv_region_map_pages(struct mshv_region *region, struct page **pages,
			  unsigned long *large, bool *stuck)
{
	unsigned int done = 0;
	u64 mapped = 0;
	unsigned int nr;
	bool is_large;
	u64 unit;
	u64 *pfns;
	int ret = 0;

	pfns = (u64 *)__get_free_page(GFP_KERNEL);
	if (!pfns)
		return -ENOMEM;

	while (mapped < region->nr_pages) {
		if (fatal_signal_pending(current)) {
			ret = -EINTR;
			break;
		}
		nr = gather(region, pages, mapped, large, pfns, &is_large);
		unit = is_large ? BLOCK_PAGES : 1;
		ret = mshv_hvcall_map_gpa(&region->partition->pool, region->gfn + mapped,
					  region->map_flags |
					  (is_large ? HV_MAP_GPA_LARGE_PAGE : 0),
					  pfns, nr, (region->nr_pages - mapped) / unit - nr,
					  &done, NULL);
		mapped += done * unit;
		if (ret)
			break;
	}
	free_page((unsigned long)pfns);

	*stuck = ret && mshv_region_unmap_pages(region, mapped, large);

	return ret;
}

int mshv_region_unmap_pages(struct mshv_region *region, u64 nr, const unsigned long *large)
{
	u64 next;
	u64 done;
	u64 i = 0;
	int ret;

	while (i < nr) {
		bool is_large = test_bit(block_of(region, i), large);

		/* To the end of the blocks that are mapped alike */
		for (next = i; next < nr && test_bit(block_of(region, next), large) == is_large; )
			next += BLOCK_PAGES - (region->gfn + next) % BLOCK_PAGES;
		next = min(next, nr);

		ret = mshv_hvcall_unmap_gpa(region->partition->id, region->gfn + i,
					    is_large ? HV_UNMAP_GPA_LARGE_PAGE : 0,
					    is_large ? (next - i) / BLOCK_PAGES : next - i, &done,
					    NULL);
		if (ret)
			return ret;
		i = next;
		cond_resched();
	}

	return 0;
}
