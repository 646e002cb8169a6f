// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pinned memory: all of a region is in memory and stays where it is, for as long
 * as the region is mapped. Counted against RLIMIT_MEMLOCK.
 */
#include <linux/bitmap.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include <tlfs/memory.h>

#include "region.h"

/* Pages a call; a long-term pin allocates room for its pages anew. */
#define PIN_BATCH	512

/**
 * struct pinned - what is behind a pinned region
 * @pages: its pages
 * @large: which of its 2 MiB blocks are mapped as such
 */
struct pinned {
	struct page **pages;
	unsigned long *large;
};

static void pinned_free(struct pinned *pinned)
{
	if (!pinned)
		return;
	bitmap_free(pinned->large);
	vfree(pinned->pages);
	kfree(pinned);
}

static struct pinned *pinned_alloc(const struct mshv_region *region)
{
	struct pinned *pinned;

	/* It cannot be pinned then, and is not worth trying to. */
	if (region->nr_pages > totalram_pages())
		return NULL;

	pinned = kzalloc(sizeof(*pinned), GFP_KERNEL_ACCOUNT);
	if (!pinned)
		return NULL;
	pinned->pages = __vmalloc(array_size(region->nr_pages, sizeof(*pinned->pages)),
				  GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
	pinned->large = bitmap_zalloc(mshv_region_nr_blocks(region), GFP_KERNEL_ACCOUNT);
	if (!pinned->pages || !pinned->large) {
		pinned_free(pinned);
		return NULL;
	}

	return pinned;
}

/*
 * Memory that the guest only reads is pinned for writing as well where that is
 * possible, so that a later write of the VMM does not go to a copy.
 */
static int pin_some(struct mshv_region *region, u64 first, struct page **pages, int nr)
{
	unsigned long addr = region->uaddr + (first << PAGE_SHIFT);
	int ret;

	ret = pin_user_pages_fast(addr, nr, FOLL_LONGTERM | FOLL_WRITE, pages);
	if (ret == -EFAULT && !(region->map_flags & HV_MAP_GPA_WRITABLE))
		ret = pin_user_pages_fast(addr, nr, FOLL_LONGTERM, pages);

	return ret;
}

static int pin_all(struct mshv_region *region, struct page **pages)
{
	u64 done = 0;
	int ret = 0;

	while (done < region->nr_pages) {
		ret = -EINTR;
		if (fatal_signal_pending(current))
			break;
		ret = pin_some(region, done, pages + done,
			       min_t(u64, region->nr_pages - done, PIN_BATCH));
		/* Fewer than asked for is not yet a failure, none at all is. */
		if (!ret)
			ret = -EFAULT;
		if (ret < 0)
			break;
		done += ret;
		ret = 0;
		cond_resched();
	}
	if (ret)
		unpin_user_pages(pages, done);

	return ret;
}

static void unpin_all(struct mshv_region *region, struct page **pages)
{
	u64 done;

	for (done = 0; done < region->nr_pages; done += PIN_BATCH) {
		unpin_user_pages_dirty_lock(pages + done,
					    min_t(u64, region->nr_pages - done, PIN_BATCH),
					    region->map_flags & HV_MAP_GPA_WRITABLE);
		cond_resched();
	}
}

static int pinned_map(struct mshv_region *region)
{
	struct pinned *pinned;
	bool stuck;
	int ret;

	pinned = pinned_alloc(region);
	if (!pinned)
		return -ENOMEM;

	ret = account_locked_vm(region->mm, region->nr_pages, true);
	if (ret)
		goto err_free;
	ret = pin_all(region, pinned->pages);
	if (ret)
		goto err_unaccount;
	ret = mshv_region_map_pages(region, pinned->pages, pinned->large, &stuck);
	if (ret && !stuck)
		goto err_unpin;
	region->backing = pinned;

	return ret;

err_unpin:
	unpin_all(region, pinned->pages);
err_unaccount:
	account_locked_vm(region->mm, region->nr_pages, false);
err_free:
	pinned_free(pinned);
	return ret;
}

static int pinned_unmap(struct mshv_region *region)
{
	struct pinned *pinned = region->backing;

	return mshv_region_unmap_pages(region, region->nr_pages, pinned->large);
}

static u64 pinned_mapped(const struct mshv_region *region)
{
	return region->nr_pages;
}

static void pinned_release(struct mshv_region *region)
{
	struct pinned *pinned = region->backing;

	unpin_all(region, pinned->pages);
	account_locked_vm(region->mm, region->nr_pages, false);
	pinned_free(pinned);
}

/* They stay pinned, and accounted for, as the guest may have all of them. */
static void pinned_abandon(struct mshv_region *region)
{
	pinned_free(region->backing);
}

const struct mshv_region_ops mshv_region_pinned_ops = {
	.name = "pinned",
	.map = pinned_map,
	.unmap = pinned_unmap,
	.mapped = pinned_mapped,
	.release = pinned_release,
	.abandon = pinned_abandon,
};
