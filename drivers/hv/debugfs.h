/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * /sys/kernel/debug/mshv: what is there is for information. None of it is missed
 * where it cannot be had, and none of these functions can fail.
 */
#ifndef MSHV_DEBUGFS_H
#define MSHV_DEBUGFS_H

struct mshv_partition;
struct mshv_vp;

/**
 * mshv_debugfs_init() - show the hypervisor, its processors and the root partition
 */
void mshv_debugfs_init(void);

/**
 * mshv_debugfs_exit() - undo mshv_debugfs_init()
 */
void mshv_debugfs_exit(void);

/**
 * mshv_debugfs_unmap() - the files stay, but those that last as long as the module have
 *	nothing to show any more
 *
 * The caller holds mshv_stats_unmap_sem for writing, or is on the way to a crash kernel,
 * where who is reading may get nonsense, or crash as well. May be called in any context.
 */
void mshv_debugfs_unmap(void);

/**
 * mshv_debugfs_unmap_partition() - the same for a child partition's own counters
 * @partition: the partition, shown or not; the caller holds the RCU read lock
 */
void mshv_debugfs_unmap_partition(struct mshv_partition *partition);

/**
 * mshv_debugfs_add_partition() - show a child partition
 * @partition: one that has been initialized; the caller holds its mutex
 */
void mshv_debugfs_add_partition(struct mshv_partition *partition);

/**
 * mshv_debugfs_remove_partition() - show a partition and its VPs no more
 * @partition: the partition, shown or not
 *
 * Nobody reads of it any more when this returns. May sleep.
 */
void mshv_debugfs_remove_partition(struct mshv_partition *partition);

/**
 * mshv_debugfs_add_vp() - show a VP
 * @vp: one of a child partition; the caller holds its partition's mutex
 */
void mshv_debugfs_add_vp(struct mshv_vp *vp);

#endif /* MSHV_DEBUGFS_H */
