/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The scripted hypervisor's own side: see fake_hv.h for that of the tests.
 */
#ifndef MSHV_FAKE_IMPL_H
#define MSHV_FAKE_IMPL_H

#include <linux/types.h>

#include "fake_hv.h"

#define FAKE_MAX_PARTITIONS	80
#define FAKE_REGS		6
#define FAKE_STATE_PAGES	3

enum fake_state {
	FAKE_UNUSED,
	FAKE_CREATED,
	FAKE_INITIALIZED,
	FAKE_FINALIZED,
};

/**
 * struct fake_vp - a child's VP
 * @exists: it has been created
 * @regs: its registers, as fake_reg_index() numbers them
 * @pages: page numbers of its state pages; 0 is none
 */
struct fake_vp {
	bool exists;
	u64 regs[FAKE_REGS];
	u64 pages[FAKE_STATE_PAGES];
};

/**
 * struct fake_partition - a partition
 * @id: its ID
 * @state: where it is in its life
 * @pool: deposited pages not in use; a list through the pages themselves
 * @used: pages that its objects cost, likewise
 * @table: top of its page tables, or 0
 * @vps: its VPs
 */
struct fake_partition {
	u64 id;
	enum fake_state state;
	u64 pool;
	u64 used;
	u64 table;
	struct fake_vp vps[FAKE_MAX_VPS];
};

extern struct fake_partition fake_partitions[FAKE_MAX_PARTITIONS];

/* fake_hv.c */

/**
 * fake_error() - report something that the driver must not do
 * @what: what it did
 * @value: with what
 */
void fake_error(const char *what, u64 value);

/**
 * fake_post_later() - deliver a message as soon as interrupts are on
 * @message: the message
 */
void fake_post_later(const struct hv_message *message);

/**
 * fake_signal_vp() - fake_hv_signal_vp(), from within a hypercall
 * @id: partition
 * @vp_index: VP
 */
void fake_signal_vp(u64 id, u32 vp_index);

/* fake_memory.c */

/**
 * fake_take() - take a page out of a pool
 * @p: whose
 *
 * Return: its number, zeroed; 0 if the pool is empty.
 */
u64 fake_take(struct fake_partition *p);

/**
 * fake_give() - put a page back
 * @p: whose pool
 * @pfn: its number
 */
void fake_give(struct fake_partition *p, u64 pfn);

/**
 * fake_charge() - take what an object costs
 * @p: whose pool
 * @pages: how many pages
 *
 * Return: false if the pool has not got that many; nothing is taken then.
 */
bool fake_charge(struct fake_partition *p, unsigned int pages);

/**
 * fake_free_memory() - unmap all of a partition's memory, and free what its objects cost
 * @p: the partition
 */
void fake_free_memory(struct fake_partition *p);

/**
 * fake_memory_call() - answer a hypercall on memory
 * @call: the call
 * @done: repetitions completed
 *
 * Return: a status, or FAKE_DEFAULT if the call is no such.
 */
int fake_memory_call(const struct fake_call *call, u16 *done);

/* fake_hv.c */

/**
 * fake_call_failed() - whether a call has failed as it was ordered to
 * @code: HVCALL_*
 */
bool fake_call_failed(u16 code);

/* fake_partition.c */

/**
 * fake_find() - look up a partition
 * @id: its ID; HV_PARTITION_ID_SELF is root
 *
 * Return: the partition, or NULL.
 */
struct fake_partition *fake_find(u64 id);

/**
 * fake_partition_call() - answer a hypercall on partitions, VPs and the system
 * @call: the call
 * @done: repetitions completed
 *
 * Return: a status, or FAKE_DEFAULT if the call is no such.
 */
int fake_partition_call(const struct fake_call *call, u16 *done);

/* fake_stats.c */

/**
 * fake_drop_stats() - unmap what statistics of a partition and its VPs are mapped
 * @id: the partition
 *
 * Return: whether there were any.
 */
bool fake_drop_stats(u64 id);

/**
 * fake_stats_call() - answer a hypercall on statistics pages
 * @call: the call
 *
 * Return: a status.
 */
int fake_stats_call(const struct fake_call *call);

#endif /* MSHV_FAKE_IMPL_H */
