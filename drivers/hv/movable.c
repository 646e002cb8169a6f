// SPDX-License-Identifier: GPL-2.0-only
/*
 * Movable memory: faults and invalidations.
 *
 * A page is found without the region's lock and mapped with it, if nothing was
 * invalidated in between; an invalidation takes the lock and revokes what is
 * mapped. So a page that the process has lost is never the guest's.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/gfp.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include <tlfs/memory.h>
#include <tlfs/status.h>

#include "hvcall.h"
#include "hvcalls.h"
#include "movable.h"
#include "partition.h"
#include "region.h"
#include "status.h"

/* How often the hypervisor may ask for memory while one fault is dealt with */
#define MAX_DEPOSITS	64

static bool movable_invalidate(struct mmu_interval_notifier *notifier,
			       const struct mmu_notifier_range *range, unsigned long seq)
{
	struct mshv_movable *m = container_of(notifier, struct mshv_movable, notifier);
	struct mshv_region *region = m->region;
	unsigned long size = region->nr_pages << PAGE_SHIFT;
	unsigned long first;
	unsigned long last;

	if (mmu_notifier_range_blockable(range))
		mutex_lock(&m->lock);
	else if (!mutex_trylock(&m->lock))
		return false;

	mmu_interval_set_seq(notifier, seq);
	if (m->dead)
		goto out;
	first = max(range->start, region->uaddr);
	last = min(range->end - 1, region->uaddr + size - 1);
	mshv_movable_revoke(region, (first - region->uaddr) >> PAGE_SHIFT,
			    (last - region->uaddr) >> PAGE_SHIFT);
out:
	mutex_unlock(&m->lock);

	return true;
}

static const struct mmu_interval_notifier_ops movable_notifier_ops = {
	.invalidate = movable_invalidate,
};

static void movable_free(struct mshv_movable *m, bool keep)
{
	mshv_movable_free_blocks(m, keep);
	kvfree(m);
}

static struct mshv_movable *movable_alloc(struct mshv_region *region, mshv_resolve_t resolve,
					  bool ram)
{
	u64 nr = mshv_region_nr_blocks(region);
	struct mshv_movable *m;

	if (struct_size(m, blocks, nr) > INT_MAX)
		return NULL;
	m = kvzalloc(struct_size(m, blocks, nr), GFP_KERNEL_ACCOUNT);
	if (!m)
		return NULL;

	m->region = region;
	m->resolve = resolve;
	m->ram = ram;
	m->extra_flags = ram ? 0 : HV_MAP_GPA_NOT_CACHED;
	m->nr_blocks = nr;
	mutex_init(&m->lock);

	return m;
}

int mshv_movable_create(struct mshv_region *region, mshv_resolve_t resolve, bool ram)
{
	struct mshv_movable *m;
	int ret;

	m = movable_alloc(region, resolve, ram);
	if (!m)
		return -ENOMEM;
	region->backing = m;

	ret = mmu_interval_notifier_insert(&m->notifier, region->mm, region->uaddr,
					   region->nr_pages << PAGE_SHIFT, &movable_notifier_ops);
	if (ret)
		goto err_free;
	ret = mshv_movable_map_empty(region);
	if (!ret)
		return 0;

	/* If that cannot be undone, the notifier is wanted for as long as it is there. */
	if (mshv_movable_unmap(region))
		return ret;
	mmu_interval_notifier_remove(&m->notifier);
err_free:
	region->backing = NULL;
	movable_free(m, false);
	return ret;
}

static int unmap_once(struct mshv_region *region, u16 *status)
{
	struct mshv_movable *m = region->backing;
	int ret;

	*status = HV_STATUS_SUCCESS;
	mutex_lock(&m->lock);
	ret = mshv_movable_unmap_all(region, status);
	/* What is still a region goes on being one. */
	if (!ret)
		m->dead = true;
	mutex_unlock(&m->lock);

	return ret;
}

int mshv_movable_unmap(struct mshv_region *region)
{
	unsigned int deposits = 0;
	u16 status;
	int ret;

	for (;;) {
		ret = unmap_once(region, &status);
		if (!ret || !mshv_status_needs_memory(status) || deposits++ >= MAX_DEPOSITS)
			return ret;
		ret = mshv_hvcall_deposit(&region->partition->pool, status, 1);
		if (ret)
			return ret;
	}
}

u64 mshv_movable_mapped(const struct mshv_region *region)
{
	const struct mshv_movable *m = region->backing;

	return READ_ONCE(m->mapped);
}

void mshv_movable_release(struct mshv_region *region)
{
	struct mshv_movable *m = region->backing;

	mutex_lock(&m->lock);
	if (!m->dead)
		mshv_movable_forget(region);
	m->dead = true;
	mutex_unlock(&m->lock);
	mmu_interval_notifier_remove(&m->notifier);
	movable_free(m, false);
}

void mshv_movable_abandon(struct mshv_region *region)
{
	struct mshv_movable *m = region->backing;

	mutex_lock(&m->lock);
	/* After this the guest has only pages that are kept from being freed. */
	if (!m->dead)
		mshv_movable_revoke(region, 0, region->nr_pages - 1);
	m->dead = true;
	mutex_unlock(&m->lock);
	mmu_interval_notifier_remove(&m->notifier);
	movable_free(m, true);
}

/* The pages that are brought in with the one that is wanted */
static void fault_range(const struct mshv_region *region, struct mshv_fault *fault, u64 i)
{
	u64 gfn = region->gfn + i;
	u64 before = min_t(u64, gfn % MSHV_FAULT_PAGES, i);

	fault->first = i - before;
	fault->target = before;
	fault->nr = min_t(u64, MSHV_FAULT_PAGES - (gfn - before) % MSHV_FAULT_PAGES,
			  region->nr_pages - fault->first);
}

/* One attempt; -EBUSY for another, -EAGAIN for another with memory at hand. */
static int fault_once(struct mshv_region *region, struct mshv_fault *fault, u16 *status,
		      u64 **spare)
{
	struct mshv_movable *m = region->backing;
	unsigned long seq;
	int ret;

	fault->valid = 0;
	fault->writable = 0;
	fault->large = false;
	ret = m->resolve(region, fault, &seq);
	if (ret)
		return ret;

	mutex_lock(&m->lock);
	if (m->dead)
		ret = -ENOENT;
	else if (mmu_interval_read_retry(&m->notifier, seq))
		ret = -EBUSY;
	else
		ret = mshv_movable_map(region, fault, status, spare);
	mutex_unlock(&m->lock);

	return ret;
}

static int fault_in(struct mshv_region *region, struct mshv_fault *fault)
{
	struct mshv_pool *pool = &region->partition->pool;
	unsigned int deposits = 0;
	u64 *spare = NULL;
	u16 status;
	int ret;

	do {
		status = HV_STATUS_SUCCESS;
		ret = fault_once(region, fault, &status, &spare);
		if (ret == -EAGAIN) {
			spare = (u64 *)get_zeroed_page(GFP_KERNEL_ACCOUNT);
			ret = spare ? -EBUSY : -ENOMEM;
		} else if (mshv_status_needs_memory(status) && deposits++ < MAX_DEPOSITS) {
			ret = mshv_hvcall_deposit(pool, status,
						  mshv_hvcall_map_gpa_deposit(region->gfn +
									      fault->first,
									      fault->nr, false));
			if (!ret)
				ret = -EBUSY;
		}
		cond_resched();
	} while (ret == -EBUSY && !fatal_signal_pending(current));
	free_page((unsigned long)spare);

	return ret;
}

int mshv_movable_fault(struct mshv_region *region, u64 gfn, bool write)
{
	struct mshv_fault fault = { .write = write };
	u64 i = gfn - region->gfn;
	int ret;

	/* The process may have gone, and left the VP to another one. */
	if (!mmget_not_zero(region->mm))
		return -EFAULT;

	fault_range(region, &fault, i);
	ret = fault_in(region, &fault);
	if (ret && fault.nr > 1) {
		/* Perhaps it is its neighbours that are not to be had. */
		fault.first = i;
		fault.nr = 1;
		fault.target = 0;
		ret = fault_in(region, &fault);
	}
	mmput(region->mm);

	return ret;
}
