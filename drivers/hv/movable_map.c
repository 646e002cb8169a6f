// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the hypervisor has of a movable region, block by block.
 *
 * A block that a 2 MiB page maps is taken from the guest as a whole and never split:
 * splitting takes memory, and there is none to be had when memory is reclaimed.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/bitmap.h>
#include <linux/bitops.h>
#include <linux/gfp.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/printk.h>
#include <linux/string.h>

#include <tlfs/memory.h>

#include "hvcalls.h"
#include "movable.h"
#include "partition.h"
#include "region.h"

#define BLOCK_PAGES	HV_PAGES_PER_LARGE_PAGE

/* Pages without access have no number. */
static const u64 no_pfns[HV_MAP_GPA_MAX_REPS];

static u64 block_index(const struct mshv_region *region, u64 i)
{
	return (region->gfn + i) / BLOCK_PAGES - region->gfn / BLOCK_PAGES;
}

/* Where page @i of the region is in its block */
static unsigned int in_block(const struct mshv_region *region, u64 i)
{
	return (region->gfn + i) % BLOCK_PAGES;
}

/* First page of a block, counted from the region's start; 0 of the first */
static u64 block_first(const struct mshv_region *region, u64 block)
{
	return block ? block * BLOCK_PAGES - region->gfn % BLOCK_PAGES : 0;
}

static u64 block_end(const struct mshv_region *region, u64 block)
{
	return min(block_first(region, block + 1), region->nr_pages);
}

/* The region has all of the block, and the guest may have 2 MiB pages. */
static bool block_may_be_large(const struct mshv_region *region, u64 block)
{
	return (region->partition->flags & HV_PARTITION_CREATION_FLAG_GPA_SUPER_PAGES_ENABLED) &&
	       block_end(region, block) - block_first(region, block) == BLOCK_PAGES;
}

/* Map without access @nr units from page @i on; @status as in mshv_hvcall_map_gpa(). */
static int map_no_access(const struct mshv_region *region, u64 i, u64 nr, bool large, u16 *status)
{
	u32 flags = HV_MAP_GPA_NO_ACCESS | (large ? HV_MAP_GPA_LARGE_PAGE : 0);
	unsigned int done;
	u64 total = 0;
	int ret = 0;

	while (!ret && total < nr) {
		ret = mshv_hvcall_map_gpa(&region->partition->pool,
					  region->gfn + i + total * (large ? BLOCK_PAGES : 1),
					  flags, no_pfns,
					  min_t(u64, nr - total, HV_MAP_GPA_MAX_REPS), 0, &done,
					  status);
		total += done;
	}

	return ret;
}

int mshv_movable_map_empty(struct mshv_region *region)
{
	struct mshv_movable *m = region->backing;
	u64 block;
	bool large;
	u64 next;
	int ret;

	/*
	 * All of them before any is mapped: if that fails, they are unmapped as what they
	 * are, and a block that the region has a part of is not unmapped as a whole.
	 */
	for (block = 0; block < m->nr_blocks; block++)
		m->blocks[block].state = block_may_be_large(region, block) ? MSHV_BLOCK_EMPTY :
									     MSHV_BLOCK_SMALL;

	for (block = 0; block < m->nr_blocks; block = next) {
		large = m->blocks[block].state == MSHV_BLOCK_EMPTY;
		/* Blocks that are alike by as few hypercalls as may be */
		for (next = block + 1; next < m->nr_blocks &&
		     m->blocks[next].state == m->blocks[block].state; next++)
			;

		ret = map_no_access(region, block_first(region, block),
				    large ? next - block : block_end(region, next - 1) -
							   block_first(region, block),
				    large, NULL);
		if (ret)
			return ret;
	}

	return 0;
}

/*
 * The guest may have written to a page, of which its process's page tables need not
 * tell: after mprotect() or MADV_FREE they may be writable and clean, and the page
 * be thrown away as it is. It is still the process's when this is called. Pages of
 * file systems that keep account of writes are never both.
 */
static void page_written(const struct mshv_movable *m, u64 pfn)
{
	struct folio *folio;

	if (!m->ram || !(pfn & MSHV_PFN_WRITABLE))
		return;
	folio = page_folio(pfn_to_page(pfn & ~MSHV_PFN_WRITABLE));
	if (folio_test_anon(folio) || folio_test_swapbacked(folio))
		folio_mark_dirty(folio);
}

/*
 * The guest has a page no longer by the entry that it had it by. If it has written to
 * it, only that entry knew.
 */
static void page_gone(const struct mshv_movable *m, struct mshv_block *block, unsigned int i)
{
	page_written(m, block->pfns[i]);
	if (block->pfns[i] & MSHV_PFN_WRITABLE)
		__set_bit(i, block->dirty);
	block->pfns[i] = 0;
}

/* The same of a 2 MiB page: any part of it may have been written to. */
static void large_gone(const struct mshv_movable *m, struct mshv_block *block)
{
	page_written(m, block->pfn);
	if (block->pfn & MSHV_PFN_WRITABLE)
		bitmap_fill(block->dirty, BLOCK_PAGES);
	block->state = MSHV_BLOCK_EMPTY;
}

/* The hypervisor has nothing of a part of a block any more; of a large page, of all of it. */
static void block_gone(struct mshv_movable *m, struct mshv_block *block, unsigned int first,
		       unsigned int nr)
{
	unsigned int i;

	if (block->state == MSHV_BLOCK_LARGE) {
		large_gone(m, block);
		m->mapped -= BLOCK_PAGES;
		return;
	}
	if (block->state != MSHV_BLOCK_SMALL || !block->pfns)
		return;
	for (i = first; i < first + nr; i++) {
		m->mapped -= !!block->pfns[i];
		page_gone(m, block, i);
	}
}

/* Pages from @first on, which begins a block, are unmapped. */
static void pages_gone(struct mshv_region *region, u64 first, u64 nr)
{
	struct mshv_movable *m = region->backing;
	u64 end = first + nr;
	u64 index;
	u64 next;

	for (; first < end; first = next) {
		index = block_index(region, first);
		next = min(end, block_end(region, index));
		block_gone(m, &m->blocks[index], in_block(region, first), next - first);
	}
}

int mshv_movable_unmap_all(struct mshv_region *region, u16 *status)
{
	struct mshv_movable *m = region->backing;
	u64 first;
	u64 block;
	u64 done;
	u64 next;
	int ret;

	lockdep_assert_held(&m->lock);

	for (block = 0; block < m->nr_blocks; block = next) {
		bool small = m->blocks[block].state == MSHV_BLOCK_SMALL;

		if (m->blocks[block].state == MSHV_BLOCK_LOST)
			small = m->blocks[block].pfns;
		next = block + 1;
		first = block_first(region, block);
		while (next < m->nr_blocks && m->blocks[block].state != MSHV_BLOCK_LOST &&
		       m->blocks[next].state != MSHV_BLOCK_LOST &&
		       (m->blocks[next].state == MSHV_BLOCK_SMALL) == small)
			next++;

		ret = mshv_hvcall_unmap_gpa(region->partition->id, region->gfn + first,
					    small ? 0 : HV_UNMAP_GPA_LARGE_PAGE,
					    small ? block_end(region, next - 1) - first :
						    next - block, &done, status);
		pages_gone(region, first, done * (small ? 1 : BLOCK_PAGES));
		if (ret)
			return ret;
	}

	return 0;
}

static u32 page_flags(const struct mshv_region *region, const struct mshv_fault *fault,
		      unsigned int i)
{
	const struct mshv_movable *m = region->backing;
	u32 flags = region->map_flags | m->extra_flags;

	return test_bit(i, &fault->writable) ? flags : flags & ~HV_MAP_GPA_WRITABLE;
}

/* A page's number, as it is kept when it has been mapped with @flags */
static u64 mapped_pfn(u64 pfn, u32 flags)
{
	return pfn | (flags & HV_MAP_GPA_WRITABLE ? MSHV_PFN_WRITABLE : 0);
}

/* Put a 2 MiB page where one fits. Any failure leaves it to small pages. */
static bool map_large(struct mshv_region *region, const struct mshv_fault *fault, u64 index)
{
	struct mshv_movable *m = region->backing;
	struct mshv_block *block = &m->blocks[index];
	unsigned int offset = in_block(region, fault->first + fault->target);
	u64 pfn = fault->pfns[fault->target] - offset;
	unsigned int done;
	u16 status;

	if (!fault->large || !block_may_be_large(region, index) || pfn % BLOCK_PAGES)
		return false;
	/* Another VP has had it mapped. */
	if (block->state == MSHV_BLOCK_LARGE &&
	    block->pfn == mapped_pfn(pfn, page_flags(region, fault, fault->target)))
		return true;
	/* Small pages that the guest still has are not known to be the same ones. */
	if (block->state == MSHV_BLOCK_SMALL && memchr_inv(block->pfns, 0, PAGE_SIZE))
		return false;
	if (mshv_hvcall_map_gpa(&region->partition->pool,
				region->gfn + block_first(region, index),
				page_flags(region, fault, fault->target) | HV_MAP_GPA_LARGE_PAGE,
				&pfn, 1, 0, &done, &status))
		return false;
	if (block->state == MSHV_BLOCK_LARGE)
		large_gone(m, block);
	else
		m->mapped += BLOCK_PAGES;
	block->state = MSHV_BLOCK_LARGE;
	block->pfn = mapped_pfn(pfn, page_flags(region, fault, fault->target));
	free_page((unsigned long)block->pfns);
	block->pfns = NULL;

	return true;
}

/*
 * Page @i of a fault is to be mapped. What is there already, as it would be, is left
 * alone: a new entry would not know that the guest has written to the page.
 */
static bool page_wanted(const struct mshv_region *region, const struct mshv_fault *fault,
			unsigned int i, const struct mshv_block *block)
{
	u64 pfn;

	if (!test_bit(i, &fault->valid))
		return false;
	pfn = block->pfns[in_block(region, fault->first + i)];

	return !pfn || pfn != mapped_pfn(fault->pfns[i], page_flags(region, fault, i));
}

/* Map those pages from @i on that go together; returns how many that is, or an error. */
static int map_run(struct mshv_region *region, const struct mshv_fault *fault, unsigned int i,
		   struct mshv_block *block, u16 *status)
{
	struct mshv_movable *m = region->backing;
	u64 first = fault->first + i;
	unsigned int done;
	unsigned int n;
	unsigned int j;
	int ret;

	for (n = 1; i + n < fault->nr && page_wanted(region, fault, i + n, block) &&
	     page_flags(region, fault, i + n) == page_flags(region, fault, i); n++)
		;
	ret = mshv_hvcall_map_gpa(&region->partition->pool, region->gfn + first,
				  page_flags(region, fault, i), fault->pfns + i, n, 0, &done,
				  status);
	/* The hypervisor has made small pages of a large one with the first. */
	if (done)
		block->state = MSHV_BLOCK_SMALL;
	for (j = 0; j < done; j++) {
		unsigned int page = in_block(region, first + j);

		m->mapped += !block->pfns[page];
		page_gone(m, block, page);
		/* Page 0 is memory of no one's. */
		block->pfns[page] = mapped_pfn(fault->pfns[i + j], page_flags(region, fault, i));
	}

	return ret ?: n;
}

int mshv_movable_map(struct mshv_region *region, struct mshv_fault *fault, u16 *status,
		     u64 **spare)
{
	struct mshv_movable *m = region->backing;
	u64 index = block_index(region, fault->first);
	struct mshv_block *block = &m->blocks[index];
	unsigned int i;
	int n;

	lockdep_assert_held(&m->lock);

	if (block->state == MSHV_BLOCK_LOST)
		return -EIO;
	if (map_large(region, fault, index))
		return 0;

	if (!block->pfns) {
		if (!*spare)
			return -EAGAIN;
		block->pfns = *spare;
		*spare = NULL;
	}
	if (block->state == MSHV_BLOCK_LARGE) {
		mshv_movable_revoke(region, block_first(region, index),
				    block_end(region, index) - 1);
		if (block->state == MSHV_BLOCK_LOST)
			return -EIO;
	}
	for (i = 0; i < fault->nr; i += n) {
		n = 1;
		if (!page_wanted(region, fault, i, block))
			continue;
		n = map_run(region, fault, i, block, status);
		if (n < 0)
			return n;
	}

	return 0;
}

/* Keep a page, if there is one and it has a struct page, from being freed. */
static void page_hold(u64 pfn)
{
	pfn &= ~MSHV_PFN_WRITABLE;
	if (pfn && pfn_valid(pfn))
		get_page(pfn_to_page(pfn));
}

static void page_unhold(const struct mshv_movable *m, u64 pfn)
{
	if (!pfn || !pfn_valid(pfn & ~MSHV_PFN_WRITABLE))
		return;
	page_written(m, pfn);
	put_page(pfn_to_page(pfn & ~MSHV_PFN_WRITABLE));
}

/* The guest keeps it, so it must not become anyone else's. */
static void block_lost(struct mshv_region *region, struct mshv_block *block)
{
	unsigned int i;

	pr_err_ratelimited("partition %llu: the hypervisor does not take pages from its guest\n",
			   region->partition->id);
	if (block->state == MSHV_BLOCK_LARGE) {
		page_hold(block->pfn);
	} else {
		for (i = 0; i < BLOCK_PAGES; i++) {
			page_hold(block->pfns[i]);
			/* Some of the entries may be gone all the same. */
			if (block->pfns[i] & MSHV_PFN_WRITABLE)
				__set_bit(i, block->dirty);
		}
		block->pfn = 0;
	}
	block->state = MSHV_BLOCK_LOST;
}

static void revoke_small(struct mshv_region *region, struct mshv_block *block, u64 first, u64 last)
{
	u16 status;
	u64 next;
	u64 i;

	for (i = first; i <= last; i = next) {
		next = i + 1;
		if (!block->pfns[in_block(region, i)])
			continue;
		while (next <= last && block->pfns[in_block(region, next)])
			next++;
		if (map_no_access(region, i, next - i, false, &status)) {
			block_lost(region, block);
			return;
		}
		block_gone(region->backing, block, in_block(region, i), next - i);
	}
}

void mshv_movable_revoke(struct mshv_region *region, u64 first, u64 last)
{
	struct mshv_movable *m = region->backing;
	u64 last_block = block_index(region, last);
	struct mshv_block *block;
	u16 status;
	u64 index;

	lockdep_assert_held(&m->lock);

	for (index = block_index(region, first); index <= last_block; index++) {
		block = &m->blocks[index];
		if (block->state == MSHV_BLOCK_LARGE) {
			if (map_no_access(region, block_first(region, index), 1, true, &status)) {
				block_lost(region, block);
				continue;
			}
			block_gone(m, block, 0, BLOCK_PAGES);
		} else if (block->state == MSHV_BLOCK_SMALL && block->pfns) {
			revoke_small(region, block, max(first, block_first(region, index)),
				     min(last, block_end(region, index) - 1));
		}
	}
}

void mshv_movable_forget(struct mshv_region *region)
{
	struct mshv_movable *m = region->backing;

	lockdep_assert_held(&m->lock);

	pages_gone(region, 0, region->nr_pages);
}

void mshv_movable_merge_states(struct mshv_region *region, u64 first, u64 nr, u64 flags,
			       u8 *states)
{
	struct mshv_movable *m = region->backing;
	unsigned long *dirty;
	unsigned int bit;
	u64 i;

	mutex_lock(&m->lock);
	for (i = 0; i < nr; i++) {
		dirty = m->blocks[block_index(region, first + i)].dirty;
		bit = in_block(region, first + i);
		if (test_bit(bit, dirty))
			states[i] |= HV_PAGE_STATE_ACCESSED | HV_PAGE_STATE_DIRTY;
		if (flags & HV_PAGE_ACCESS_CLEAR_DIRTY)
			__clear_bit(bit, dirty);
		/* A page that the guest has not got can be marked nowhere else. */
		if (flags & HV_PAGE_ACCESS_SET_DIRTY)
			__set_bit(bit, dirty);
	}
	mutex_unlock(&m->lock);
}

void mshv_movable_free_blocks(struct mshv_movable *m, bool keep)
{
	struct mshv_block *block;
	unsigned int i;
	u64 index;

	for (index = 0; index < m->nr_blocks; index++) {
		block = &m->blocks[index];
		if (block->state == MSHV_BLOCK_LOST && !keep) {
			page_unhold(m, block->pfn);
			for (i = 0; !block->pfn && i < BLOCK_PAGES; i++)
				page_unhold(m, block->pfns[i]);
		}
		free_page((unsigned long)block->pfns);
	}
}
