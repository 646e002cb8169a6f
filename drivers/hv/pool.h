/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MSHV_POOL_H
#define MSHV_POOL_H

#include <linux/atomic.h>
#include <linux/types.h>

/**
 * struct mshv_pool - the memory that this driver gave a partition's hypervisor objects
 * @partition_id: whose pool it is
 * @deposited: pages given, ever
 * @withdrawn: pages got back, ever
 *
 * Between the two counts lie the pages that are the hypervisor's: root neither
 * touches nor frees them.
 */
struct mshv_pool {
	u64 partition_id;
	atomic64_t deposited;
	atomic64_t withdrawn;
};

/* What this driver deposited to the root partition itself */
extern struct mshv_pool mshv_root_pool;

/**
 * mshv_pool_init() - start counting for a partition
 * @pool: the pool
 * @partition_id: whose it is
 */
void mshv_pool_init(struct mshv_pool *pool, u64 partition_id);

/**
 * mshv_pool_balance() - pages that are the hypervisor's now
 * @pool: the pool
 *
 * Return: pages deposited and not yet withdrawn.
 */
u64 mshv_pool_balance(struct mshv_pool *pool);

/**
 * mshv_pool_total() - pages of all pools that are the hypervisor's now
 *
 * May be called in any context.
 *
 * Return: their number, with those of pools that are no more.
 */
u64 mshv_pool_total(void);

/**
 * mshv_pool_open() - allow deposits; there have been none
 */
void mshv_pool_open(void);

/**
 * mshv_pool_close() - allow no more deposits to any pool
 *
 * None is under way when this returns. May sleep.
 */
void mshv_pool_close(void);

/**
 * mshv_pool_deposit() - give pages to a partition's pool
 * @pool: the pool
 * @nr: pages, at least 1
 * @contiguous: they have to be physically contiguous; @nr is a power of two then
 *
 * May sleep. (TLFS, "HvCallDepositMemory".)
 *
 * Return: 0; -ENOMEM if there is no such memory; -ESHUTDOWN after mshv_pool_close();
 * the errno of the hypercall.
 * After a failure some of the pages may have been deposited; they are counted.
 */
int mshv_pool_deposit(struct mshv_pool *pool, unsigned int nr, bool contiguous);

/**
 * mshv_pool_withdraw() - take pages back and free them
 * @pool: the pool
 * @max: pages, at most; the hypervisor gives what it has no use for
 *
 * May sleep. Stops where the hypervisor has nothing more to give. A page that is
 * none of the pool's is reported and left alone. (TLFS, "HvCallWithdrawMemory".)
 *
 * Return: pages that came back.
 */
u64 mshv_pool_withdraw(struct mshv_pool *pool, u64 max);

#endif /* MSHV_POOL_H */
