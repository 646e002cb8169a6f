/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MSHV_PARTITION_H
#define MSHV_PARTITION_H

#include <linux/completion.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>
#include <linux/refcount.h>
#include <linux/spinlock.h>
#include <linux/types.h>

#include <tlfs/partition.h>

#include "intr.h"
#include "mshv.h"
#include "pool.h"
#include "region.h"

struct dentry;
struct mshv_stats_file;
struct mshv_vp;

/**
 * struct mshv_async - the one asynchronous hypercall that a partition may have under way
 * @done: completed by the hypervisor's message
 * @status: its status
 * @pending: a call was answered with CALL_PENDING and its message is still to come
 *
 * @pending is guarded by the partition's mutex; @status is written before @done
 * is completed.
 */
struct mshv_async {
	struct completion done;
	u32 status;
	bool pending;
};

/**
 * struct mshv_partition - a child partition
 * @node: in the table of partitions, which is read under RCU
 * @rcu: frees the structure when no interrupt handler can hold it any more
 * @refs: one for the partition's file and one for each VP's
 * @id: the hypervisor's ID for it
 * @flags: HV_PARTITION_CREATION_FLAG_*
 * @pool: the memory that it was given
 * @mutex: held by every ioctl on the partition's file
 * @initialized: INITIALIZE_PARTITION has succeeded; @mutex
 * @vps: by VP index; written under @mutex, read under RCU
 * @mem: guest memory
 * @intr: interrupt routes and irqfds
 * @ioeventfds: its doorbells; @mutex
 * @async: its asynchronous hypercall
 * @debugfs_dir: what is shown of it; @mutex for these three
 * @debugfs_vps: what is shown of its VPs
 * @stats: its counters; read under RCU on the way to a crash kernel
 */
struct mshv_partition {
	struct hlist_node node;
	struct rcu_head rcu;
	refcount_t refs;
	u64 id;
	u64 flags;
	struct mshv_pool pool;
	struct mutex mutex;	/* the partition's ioctls */
	bool initialized;
	struct mshv_vp __rcu *vps[MSHV_MAX_VPS];
	struct mshv_mem mem;
	struct mshv_intr intr;
	struct list_head ioeventfds;
	struct mshv_async async;
	struct dentry *debugfs_dir;
	struct dentry *debugfs_vps;
	struct mshv_stats_file __rcu *stats;
};

/**
 * mshv_partition_create() - create a partition and a file for it
 * @in: what to create
 *
 * Return: a file descriptor; a negative errno.
 */
int mshv_partition_create(const struct hv_input_create_partition *in);

/**
 * mshv_partition_get() - take a reference
 * @partition: one that the caller has a reference to
 */
static inline void mshv_partition_get(struct mshv_partition *partition)
{
	refcount_inc(&partition->refs);
}

/**
 * mshv_partition_put() - drop a reference
 * @partition: the partition; destroyed with the last one
 *
 * May sleep.
 */
void mshv_partition_put(struct mshv_partition *partition);

/**
 * mshv_partition_find() - look up a partition
 * @id: the hypervisor's ID
 *
 * Caller holds the RCU read lock, for as long as it uses the result.
 *
 * Return: the partition, or NULL.
 */
struct mshv_partition *mshv_partition_find(u64 id);

/**
 * mshv_partition_each() - do something with every partition there is
 * @fn: what; called under the RCU read lock, with no other lock held
 *
 * May be called in any context.
 */
void mshv_partition_each(void (*fn)(struct mshv_partition *partition));

/**
 * mshv_partition_vp() - look up a VP
 * @partition: its partition
 * @vp_index: any number
 *
 * Caller holds the RCU read lock or the partition's mutex, for as long as it
 * uses the result.
 *
 * Return: the VP, or NULL.
 */
struct mshv_vp *mshv_partition_vp(struct mshv_partition *partition, u32 vp_index);

#endif /* MSHV_PARTITION_H */
