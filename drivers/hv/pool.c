// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory deposited with the hypervisor. A partition's objects live in pages
 * that its parent gave, and that come back when the partition is gone.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/gfp.h>
#include <linux/log2.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/printk.h>
#include <linux/srcu.h>

#include <tlfs/hypercall.h>
#include <tlfs/memory.h>
#include <tlfs/status.h>

#include "hvcall.h"
#include "pool.h"
#include "trace.h"

/* Pages a hypercall; the list is on the stack. */
#define CHUNK_PAGES	64

/* A deposited page carries this and its pool in page->private. */
#define DEPOSIT_MARK	0x6d73687600000000UL

struct mshv_pool mshv_root_pool;

static atomic64_t total;
static bool closed;
/* Read by who deposits, which may need a deposit to root's pool first */
DEFINE_STATIC_SRCU(depositing);

void mshv_pool_init(struct mshv_pool *pool, u64 partition_id)
{
	pool->partition_id = partition_id;
	atomic64_set(&pool->deposited, 0);
	atomic64_set(&pool->withdrawn, 0);
}

u64 mshv_pool_balance(struct mshv_pool *pool)
{
	return atomic64_read(&pool->deposited) - atomic64_read(&pool->withdrawn);
}

u64 mshv_pool_total(void)
{
	return atomic64_read(&total);
}

void mshv_pool_open(void)
{
	atomic64_set(&total, 0);
	WRITE_ONCE(closed, false);
}

void mshv_pool_close(void)
{
	WRITE_ONCE(closed, true);
	synchronize_srcu(&depositing);
}

static unsigned long pool_mark(const struct mshv_pool *pool)
{
	return DEPOSIT_MARK ^ (unsigned long)pool->partition_id;
}

/*
 * Zeroed: some of these pages are made visible to user space later, as a VP's
 * register page for one. A guest's are charged to the cgroup of its VMM.
 */
static struct page *alloc_run(const struct mshv_pool *pool, unsigned int order)
{
	gfp_t gfp = GFP_KERNEL | __GFP_ZERO | __GFP_NOWARN;
	struct page *page;

	if (pool != &mshv_root_pool)
		gfp |= __GFP_ACCOUNT;
	if (order)
		gfp |= __GFP_NORETRY;
	page = alloc_pages(gfp, order);
	if (page && order)
		split_page(page, order);

	return page;
}

static void free_deposit(u64 pfn)
{
	struct page *page = pfn_to_page(pfn);

	set_page_private(page, 0);
	__free_page(page);
}

/* Fill @pfns with @nr pages; returns how many there were. */
static unsigned int alloc_deposit(const struct mshv_pool *pool, u64 *pfns, unsigned int nr,
				  bool contiguous)
{
	unsigned int got = 0;
	unsigned int order;
	struct page *page;
	unsigned int i;

	while (got < nr) {
		order = ilog2(nr - got);
		while (!(page = alloc_run(pool, order)) && order && !contiguous)
			order--;
		if (!page)
			break;
		for (i = 0; i < 1U << order; i++) {
			set_page_private(page + i, pool_mark(pool));
			pfns[got++] = page_to_pfn(page + i);
		}
	}

	return got;
}

/* Both ways: the partition, then (of a deposit) the list. */
static int pool_deposit_chunk(struct mshv_pool *pool, unsigned int nr, bool contiguous)
{
	struct hv_input_deposit_memory in = { .partition_id = pool->partition_id };
	u64 pfns[CHUNK_PAGES];
	struct mshv_hvcall call = {
		.code = HVCALL_DEPOSIT_MEMORY,
		.in = &in,
		.in_size = sizeof(in),
		.in_reps = pfns,
		.in_rep_size = sizeof(pfns[0]),
		.flags = pool == &mshv_root_pool ? MSHV_HVCALL_NO_DEPOSIT : 0,
	};
	unsigned int got;
	unsigned int i;
	int ret;

	got = alloc_deposit(pool, pfns, nr, contiguous);
	if (!got)
		return -ENOMEM;

	call.reps = got;
	ret = mshv_hvcall(&call);
	/* Those that the hypervisor took before it failed are its own now. */
	atomic64_add(call.done, &pool->deposited);
	atomic64_add(call.done, &total);
	for (i = call.done; i < got; i++)
		free_deposit(pfns[i]);

	return ret ?: (got < nr ? -ENOMEM : 0);
}

int mshv_pool_deposit(struct mshv_pool *pool, unsigned int nr, bool contiguous)
{
	int idx = srcu_read_lock(&depositing);
	unsigned int chunk;
	int ret;

	do {
		chunk = min_t(unsigned int, nr, CHUNK_PAGES);
		ret = READ_ONCE(closed) ? -ESHUTDOWN : pool_deposit_chunk(pool, chunk, contiguous);
		nr -= chunk;
	} while (nr && !ret);
	srcu_read_unlock(&depositing, idx);

	return ret;
}

/*
 * The kernel deposits to root too, at boot and for good, without a mark. Which
 * of root's pages come back is the hypervisor's choice.
 */
static bool pool_owns(const struct mshv_pool *pool, u64 pfn)
{
	struct page *page;

	if (!pfn_valid(pfn))
		return false;
	page = pfn_to_page(pfn);
	if (page_private(page) == pool_mark(pool))
		return true;

	return pool == &mshv_root_pool && page_ref_count(page) == 1 && !page_private(page) &&
	       !PageReserved(page) && !PageSlab(page) && !PageLRU(page) && !PageCompound(page);
}

u64 mshv_pool_withdraw(struct mshv_pool *pool, u64 max)
{
	struct hv_input_withdraw_memory in = { .partition_id = pool->partition_id };
	u64 pfns[CHUNK_PAGES];
	struct mshv_hvcall call = {
		.code = HVCALL_WITHDRAW_MEMORY,
		.flags = MSHV_HVCALL_QUIET,
		.in = &in,
		.in_size = sizeof(in),
		.out = pfns,
		.out_rep_size = sizeof(pfns[0]),
	};
	u64 came = 0;
	unsigned int i;
	int ret = 0;

	call.status = HV_STATUS_SUCCESS;
	while (!ret && came < max) {
		call.reps = min_t(u64, max - came, CHUNK_PAGES);
		ret = mshv_hvcall(&call);
		for (i = 0; i < call.done; i++) {
			if (pool_owns(pool, pfns[i]))
				free_deposit(pfns[i]);
			else
				pr_err_ratelimited("partition %llu gave back page %#llx, which is not its own\n",
						   pool->partition_id, pfns[i]);
		}
		came += call.done;
	}
	/* "No resources" is how the hypervisor says that nothing is left. */
	if (ret && call.status != HV_STATUS_NO_RESOURCES)
		pr_warn_ratelimited("partition %llu: withdrawing memory failed: %d\n",
				    pool->partition_id, ret);
	atomic64_add(came, &pool->withdrawn);
	atomic64_sub(came, &total);
	trace_mshv_hvcall_withdraw_memory(pool->partition_id, came, call.status);

	return came;
}
