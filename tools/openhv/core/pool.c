// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pools of pages: openhv's own, and those that partitions deposit (TLFS,
 * "Memory Pools"). A free page holds the address of the next free one; it is
 * zeroed when it is taken, and again before it goes back to root.
 */
#include <openhv/gpamap.h>
#include <openhv/log.h>
#include <openhv/memory.h>
#include <openhv/partition.h>
#include <openhv/string.h>

static struct pool own;
static u64 deposited;

static void push(struct pool *pool, void *page)
{
	*(paddr_t *)page = pool->head;
	pool->head = virt_to_phys(page);
	pool->free++;
	memory_poison(page, PAGE_SIZE);
}

static void *pop(struct pool *pool)
{
	void *page;

	if (!pool->head)
		return NULL;
	page = phys_to_virt(pool->head);
	memory_unpoison(page, PAGE_SIZE);
	pool->head = *(paddr_t *)page;
	pool->free--;
	memset(page, 0, PAGE_SIZE);
	return page;
}

void own_init(paddr_t base, u64 pages)
{
	own.total = pages;
	/* Downwards, so that allocation begins at the low end. */
	while (pages--)
		push(&own, phys_to_virt(base + pages * PAGE_SIZE));
}

void *own_alloc(void)
{
	return pool_alloc(&own);
}

void own_free(void *page)
{
	pool_free(&own, page);
}

u64 own_free_pages(void)
{
	return READ_ONCE(own.free);
}

u64 own_total_pages(void)
{
	return own.total;
}

/* Undo what hides the first @count frames from root. */
static void give_back(const u64 *pfns, u32 count)
{
	while (count--) {
		BUG_ON(!frame_change(pfns[count], FRAME_POOL, FRAME_ROOT));
		root_show_page(pfns[count], GPA_RWX);
	}
}

hv_status_t pool_deposit(struct partition *p, const u64 *pfns, u32 count)
{
	struct pool *pool = &p->pool;
	bool finalized;
	u32 i;

	for (i = 0; i < count; i++) {
		/* Page 0 cannot be in a list that ends with address 0. */
		if (!pfns[i] || !frame_change(pfns[i], FRAME_ROOT, FRAME_POOL))
			break;
		root_hide_page(pfns[i]);
	}
	if (i < count) {
		give_back(pfns, i);
		return HV_STATUS_INVALID_PARAMETER;
	}
	/* Not before the last stale translation is gone may the pages hold anything. */
	gpamap_flush(&root_partition.gpamap);
	/*
	 * Another LP may have finalized the partition, withdrawn its pages and deleted it
	 * since the caller found it: what is added after that is lost.
	 */
	spin_lock(&p->lock);
	finalized = p->state >= PARTITION_FINALIZED;
	if (!finalized) {
		spin_lock(&pool->lock);
		for (i = 0; i < count; i++)
			push(pool, phys_to_virt(pfns[i] << PAGE_SHIFT));
		pool->total += count;
		spin_unlock(&pool->lock);
		atomic_add(&deposited, count);
	}
	spin_unlock(&p->lock);
	if (!finalized)
		return HV_STATUS_SUCCESS;
	give_back(pfns, count);
	return HV_STATUS_INVALID_PARTITION_STATE;
}

bool pool_withdraw(struct pool *pool, u64 *pfn)
{
	void *page;

	spin_lock(&pool->lock);
	page = pop(pool);
	if (page)
		pool->total--;
	spin_unlock(&pool->lock);
	if (!page)
		return false;
	atomic_sub(&deposited, 1);
	*pfn = virt_to_phys(page) >> PAGE_SHIFT;
	BUG_ON(!frame_change(*pfn, FRAME_POOL, FRAME_ROOT));
	root_show_page(*pfn, GPA_RWX);
	return true;
}

void *pool_alloc(struct pool *pool)
{
	void *page;

	spin_lock(&pool->lock);
	page = pop(pool);
	spin_unlock(&pool->lock);
	return page;
}

void pool_free(struct pool *pool, void *page)
{
	if (!page)
		return;
	spin_lock(&pool->lock);
	push(pool, page);
	spin_unlock(&pool->lock);
}

u64 pool_deposited_total(void)
{
	return READ_ONCE(deposited);
}

void *pool_alloc_lent(struct pool *pool)
{
	void *page = pool_alloc(pool);
	u64 pfn;

	if (!page)
		return NULL;
	pfn = virt_to_phys(page) >> PAGE_SHIFT;
	BUG_ON(!frame_change(pfn, FRAME_POOL, FRAME_LENT));
	root_show_page(pfn, GPA_RW);
	return page;
}

void pool_free_lent(struct pool *pool, void *page)
{
	u64 pfn = virt_to_phys(page) >> PAGE_SHIFT;

	if (!page)
		return;
	root_hide_page(pfn);
	gpamap_flush(&root_partition.gpamap);
	BUG_ON(!frame_change(pfn, FRAME_LENT, FRAME_POOL));
	pool_free(pool, page);
}

/* The last word of an object page links the pages. */
#define OBJPOOL_LINK	(PAGE_SIZE / sizeof(void *) - 1)

void objpool_init(struct objpool *op, u32 size)
{
	op->size = size;
	op->used = 0;
	op->free = NULL;
	op->pages = NULL;
}

static void put_object(struct objpool *op, void *obj)
{
	*(void **)obj = op->free;
	op->free = obj;
	memory_poison(obj, op->size);
}

void *objpool_alloc(struct objpool *op, struct pool *pool)
{
	void *obj;

	if (!op->free) {
		void **page = pool_alloc(pool);
		u32 offset;

		if (!page)
			return NULL;
		page[OBJPOOL_LINK] = op->pages;
		op->pages = page;
		for (offset = 0; offset + op->size <= OBJPOOL_LINK * sizeof(void *);
		     offset += op->size)
			put_object(op, (u8 *)page + offset);
	}
	obj = op->free;
	memory_unpoison(obj, op->size);
	op->free = *(void **)obj;
	memset(obj, 0, op->size);
	op->used++;
	return obj;
}

void objpool_free(struct objpool *op, void *obj)
{
	put_object(op, obj);
	op->used--;
}

void objpool_destroy(struct objpool *op, struct pool *pool)
{
	while (op->pages) {
		void **page = op->pages;

		op->pages = page[OBJPOOL_LINK];
		memory_unpoison(page, PAGE_SIZE);
		pool_free(pool, page);
	}
	op->used = 0;
	op->free = NULL;
}
