// SPDX-License-Identifier: GPL-2.0-only
/*
 * /sys/kernel/debug/mshv: the hypervisor's counters, laid out as the kernel's own
 * driver does it, and what this driver knows of memory.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/cpumask.h>
#include <linux/debugfs.h>
#include <linux/err.h>
#include <linux/list.h>
#include <linux/lockdep.h>
#include <linux/minmax.h>
#include <linux/rcupdate.h>
#include <linux/rwsem.h>
#include <linux/seq_file.h>
#include <linux/slab.h>

#include <tlfs/stats.h>

#include "compat.h"
#include "counters.h"
#include "debugfs.h"
#include "mshv.h"
#include "partition.h"
#include "pool.h"
#include "region.h"
#include "stats.h"
#include "vp.h"

/* More than any hypervisor has processors */
#define MAX_LPS		4096

/**
 * struct mshv_stats_file - a file of counters, and their pages
 * @link: in the list of those that last as long as the module
 * @rcu: frees it when a crash that is being dealt with cannot have it any more
 * @type: HV_STATS_OBJECT_*
 * @identity: the object
 * @counters: their names
 * @pages: the counters, by area; both may be the same; NULL once the machine is going
 *	down; mshv_stats_unmap_sem
 */
struct mshv_stats_file {
	struct list_head link;
	struct rcu_head rcu;
	u32 type;
	union hv_stats_object_identity identity;
	const struct mshv_counters *counters;
	const u64 *pages[MSHV_STATS_AREAS];
};

static struct dentry *root_dir;
static struct dentry *partitions_dir;
static LIST_HEAD(stats_files);

static int stats_show(struct seq_file *m, void *v)
{
	const struct mshv_stats_file *file = m->private;

	down_read(&mshv_stats_unmap_sem);
	if (file->pages[HV_STATS_AREA_SELF])
		mshv_counters_show(m, file->counters, file->pages[HV_STATS_AREA_SELF],
				   file->pages[HV_STATS_AREA_PARENT]);
	up_read(&mshv_stats_unmap_sem);

	return 0;
}
DEFINE_SHOW_ATTRIBUTE(stats);

static int vp_stats_show(struct seq_file *m, void *v)
{
	const struct mshv_vp *vp = m->private;

	down_read(&mshv_stats_unmap_sem);
	if (vp->stats_mapped[HV_STATS_AREA_SELF])
		mshv_counters_show(m, &mshv_vp_counters, vp->stats_mapped[HV_STATS_AREA_SELF],
				   vp->stats_mapped[HV_STATS_AREA_PARENT]);
	up_read(&mshv_stats_unmap_sem);

	return 0;
}
DEFINE_SHOW_ATTRIBUTE(vp_stats);

static int memory_show(struct seq_file *m, void *v)
{
	const struct mshv_pool *pool = m->private;

	seq_printf(m, "deposited %llu\n", (u64)atomic64_read(&pool->deposited));
	seq_printf(m, "withdrawn %llu\n", (u64)atomic64_read(&pool->withdrawn));

	return 0;
}
DEFINE_SHOW_ATTRIBUTE(memory);

static int regions_show(struct seq_file *m, void *v)
{
	mshv_mem_show(m, m->private);

	return 0;
}
DEFINE_SHOW_ATTRIBUTE(regions);

/* Show the counters of an object in @dir; NULL if they are not to be had. */
static struct mshv_stats_file *stats_file(struct dentry *dir, u32 type,
					  union hv_stats_object_identity identity,
					  unsigned int areas,
					  const struct mshv_counters *counters)
{
	struct mshv_stats_file *file;

	if (IS_ERR(dir))
		return NULL;
	file = kzalloc(sizeof(*file), GFP_KERNEL_ACCOUNT);
	if (!file)
		return NULL;
	file->type = type;
	file->identity = identity;
	file->counters = counters;
	if (mshv_stats_map(type, identity, areas, file->pages)) {
		kfree(file);
		return NULL;
	}
	debugfs_create_file("stats", 0400, dir, file, &stats_fops);

	return file;
}

/* Nobody reads the file any more, nor finds it. */
static void stats_file_free(struct mshv_stats_file *file)
{
	if (!file)
		return;
	down_read(&mshv_stats_unmap_sem);
	mshv_stats_unmap(file->type, file->identity, file->pages);
	up_read(&mshv_stats_unmap_sem);
	kfree_rcu(file, rcu);
}

static struct mshv_stats_file *lasting_stats_file(struct dentry *dir, u32 type,
						  union hv_stats_object_identity identity,
						  unsigned int areas,
						  const struct mshv_counters *counters)
{
	struct mshv_stats_file *file = stats_file(dir, type, identity, areas, counters);

	if (file)
		list_add_tail(&file->link, &stats_files);

	return file;
}

static struct dentry *numbered_dir(u64 number, struct dentry *parent)
{
	char name[24];

	snprintf(name, sizeof(name), "%llu", number);

	return debugfs_create_dir(name, parent);
}

/* The hypervisor says how many logical processors there are. */
static void add_lps(u64 nr)
{
	struct dentry *dir = debugfs_create_dir("lp", root_dir);
	union hv_stats_object_identity identity = {};
	struct dentry *lp;
	u32 i;

	for (i = 0; i < min_t(u64, nr, MAX_LPS); i++) {
		identity.lp.lp_index = i;
		lp = numbered_dir(i, dir);
		if (!lasting_stats_file(lp, HV_STATS_OBJECT_LOGICAL_PROCESSOR, identity, 1,
					&mshv_lp_counters))
			debugfs_remove(lp);
	}
}

static void add_hypervisor(void)
{
	const union hv_stats_object_identity identity = {};
	struct mshv_stats_file *file;

	file = lasting_stats_file(root_dir, HV_STATS_OBJECT_HYPERVISOR, identity, 1,
				  &mshv_hypervisor_counters);
	if (file)
		add_lps(file->pages[HV_STATS_AREA_SELF][HV_STATS_HYPERVISOR_LOGICAL_PROCESSORS]);
	else
		pr_info("the hypervisor does not let its counters be seen\n");
}

static void add_root_partition(void)
{
	union hv_stats_object_identity identity = {
		.partition.partition_id = mshv_root.platform.partition_id,
	};
	struct dentry *dir = numbered_dir(identity.partition.partition_id, partitions_dir);
	struct dentry *vps = debugfs_create_dir("vp", dir);
	struct dentry *vp;
	unsigned int cpu;

	lasting_stats_file(dir, HV_STATS_OBJECT_PARTITION, identity, MSHV_STATS_AREAS,
			   &mshv_partition_counters);
	debugfs_create_file("memory", 0400, dir, &mshv_root_pool, &memory_fops);

	for_each_online_cpu(cpu) {
		identity.vp.vp_index = mshv_platform_vp_index(cpu);
		vp = numbered_dir(identity.vp.vp_index, vps);
		if (!lasting_stats_file(vp, HV_STATS_OBJECT_VP, identity, MSHV_STATS_AREAS,
					&mshv_vp_counters))
			debugfs_remove(vp);
	}
}

void mshv_debugfs_init(void)
{
	if (!debugfs_initialized())
		return;

	root_dir = debugfs_create_dir("mshv", NULL);
	partitions_dir = debugfs_create_dir("partition", root_dir);
	add_hypervisor();
	add_root_partition();
}

void mshv_debugfs_exit(void)
{
	struct mshv_stats_file *file, *next;

	debugfs_remove(root_dir);
	list_for_each_entry_safe(file, next, &stats_files, link) {
		list_del(&file->link);
		stats_file_free(file);
	}
}

void mshv_debugfs_unmap(void)
{
	struct mshv_stats_file *file;

	list_for_each_entry(file, &stats_files, link)
		mshv_stats_unmap(file->type, file->identity, file->pages);
}

void mshv_debugfs_unmap_partition(struct mshv_partition *partition)
{
	struct mshv_stats_file *file = rcu_dereference(partition->stats);

	if (file)
		mshv_stats_unmap(file->type, file->identity, file->pages);
}

void mshv_debugfs_add_partition(struct mshv_partition *partition)
{
	const union hv_stats_object_identity identity = {
		.partition.partition_id = partition->id,
	};
	struct mshv_stats_file *file;
	struct dentry *dir;

	lockdep_assert_held(&partition->mutex);

	if (!debugfs_initialized())
		return;

	dir = numbered_dir(partition->id, partitions_dir);
	partition->debugfs_dir = dir;
	partition->debugfs_vps = debugfs_create_dir("vp", dir);
	debugfs_create_file("memory", 0400, dir, &partition->pool, &memory_fops);
	debugfs_create_file("regions", 0400, dir, &partition->mem, &regions_fops);
	file = stats_file(dir, HV_STATS_OBJECT_PARTITION, identity, MSHV_STATS_AREAS,
			  &mshv_partition_counters);
	rcu_assign_pointer(partition->stats, file);
}

void mshv_debugfs_remove_partition(struct mshv_partition *partition)
{
	struct mshv_stats_file *file;

	debugfs_remove(partition->debugfs_dir);
	partition->debugfs_dir = NULL;
	/* The last reference is gone; who still sees the partition takes its counters away. */
	file = rcu_replace_pointer(partition->stats, NULL, true);
	stats_file_free(file);
}

void mshv_debugfs_add_vp(struct mshv_vp *vp)
{
	struct dentry *dir;

	if (IS_ERR_OR_NULL(vp->partition->debugfs_vps) || !vp->stats[HV_STATS_AREA_SELF])
		return;

	dir = numbered_dir(vp->index, vp->partition->debugfs_vps);
	debugfs_create_file("stats", 0400, dir, vp, &vp_stats_fops);
}
