/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Machine memory: who owns each page frame, openhv's own pages, and the pools
 * of deposited pages.
 */
#ifndef OPENHV_MEMORY_H
#define OPENHV_MEMORY_H

#include <openhv/atomic.h>
#include <openhv/types.h>
#include <asm/memory.h>

/*
 * Every page frame of RAM has 16 bits: its type in bits 12-15, and in bits
 * 0-11 the number of mappings in children's address spaces. Only a frame of
 * the root's has mappings; a frame with mappings does not change its type. A
 * count that has reached its maximum stays there: such a frame (the root
 * kernel's zero page, say) can be mapped any number of times, and never be
 * deposited.
 */
enum frame_type {
	FRAME_NONE,		/* no RAM: a hole, or memory of a device */
	FRAME_ROOT,		/* the root partition's */
	FRAME_OPENHV,		/* taken at boot */
	FRAME_POOL,		/* deposited: in a pool, or in an object made from one */
	FRAME_LENT,		/* deposited, and shown to root: state and statistics pages */
	FRAME_SHOWN,		/* taken at boot, and shown to root: overlay pages, the log */
};

#define FRAME_TYPE_SHIFT	12
#define FRAME_COUNT_MASK	0x0FFFU

/**
 * frames_init() - begin with every frame FRAME_NONE
 * @table: one zeroed u16 a frame
 * @count: frames from page 0 on
 */
void frames_init(u16 *table, u64 count);

/* Set a range's type at boot. */
void frames_set(u64 pfn, u64 count, enum frame_type type);

enum frame_type frame_type(u64 pfn);

/**
 * frame_map_get() - count a mapping of a frame in a child
 * @pfn: the frame
 *
 * Returns: false if the frame is not the root's
 */
bool __must_check frame_map_get(u64 pfn);
void frame_map_put(u64 pfn);

/**
 * frame_change() - change an unmapped frame's type
 * @pfn: the frame
 * @from: what it is now
 * @to: what it will be
 *
 * Returns: false, and nothing changed, if it is not @from or has mappings
 */
bool __must_check frame_change(u64 pfn, enum frame_type from, enum frame_type to);

/* openhv's own pages: taken at boot, used for root's tables, never a child's. */
void own_init(paddr_t base, u64 pages);
/* A zeroed page, or NULL. */
void *own_alloc(void);
void own_free(void *page);
u64 own_free_pages(void);
u64 own_total_pages(void);

struct partition;

/**
 * struct pool - deposited pages of one partition
 * @lock: guards the rest
 * @head: first free page, each holding the address of the next in its first
 *	eight bytes; 0: none
 * @free: pages on the list
 * @total: pages deposited and not withdrawn
 */
struct pool {
	struct spinlock lock;
	paddr_t head;
	u64 free;
	u64 total;
};

/**
 * pool_deposit() - take pages of the root's into a partition's pool
 * @p: the partition; its lock is not held
 * @pfns: the frames
 * @count: how many
 *
 * They leave the root's address space. All are taken, or none.
 *
 * Returns: HV_STATUS_SUCCESS, HV_STATUS_INVALID_PARAMETER if one is not the root's to
 * give, or HV_STATUS_INVALID_PARTITION_STATE if the partition is finalized
 */
hv_status_t pool_deposit(struct partition *p, const u64 *pfns, u32 count);

/**
 * pool_withdraw() - give a free page back to the root
 * @pool: the pool
 * @pfn: receives the frame
 *
 * Returns: false if no page is free
 */
bool pool_withdraw(struct pool *pool, u64 *pfn);

/* A zeroed page, or NULL if the pool is empty. */
void *pool_alloc(struct pool *pool);
void pool_free(struct pool *pool, void *page);

/* All pages in all pools, for openhv_info. */
u64 pool_deposited_total(void);

/*
 * Pages of a pool that root may see: shown when they are lent out, hidden
 * again before they go back to the pool.
 */
void *pool_alloc_lent(struct pool *pool);
void pool_free_lent(struct pool *pool, void *page);

/**
 * struct objpool - small objects of one size, made from a partition's pool
 * @size: of one object in bytes, a multiple of 8
 * @used: objects that are not free
 * @free: list of free objects, linked through their first word
 * @pages: list of pages, linked through their last word
 *
 * @used: objects that are not free
 *
 * Guarded by the owner's lock. Pages go back to the pool all at once.
 */
struct objpool {
	u32 size;
	u32 used;
	void *free;
	void *pages;
};

void objpool_init(struct objpool *op, u32 size);
/* A zeroed object, or NULL if the pool is empty. */
void *objpool_alloc(struct objpool *op, struct pool *pool);
void objpool_free(struct objpool *op, void *obj);
void objpool_destroy(struct objpool *op, struct pool *pool);

#endif /* OPENHV_MEMORY_H */
