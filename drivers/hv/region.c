// SPDX-License-Identifier: GPL-2.0-only
/*
 * The set of a partition's memory regions.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/interval_tree_generic.h>
#include <linux/mm.h>
#include <linux/moduleparam.h>
#include <linux/nospec.h>
#include <linux/overflow.h>
#include <linux/printk.h>
#include <linux/sched/mm.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/sysfs.h>
#include <linux/uaccess.h>

#include <tlfs/memory.h>
#include <tlfs/message.h>

#include "mshv.h"
#include "partition.h"
#include "region.h"
#include "trace.h"

/* The kind of region that memory becomes */
static const struct mshv_region_ops *ram_ops =
	IS_ENABLED(CONFIG_HMM_MIRROR) ? &mshv_region_movable_ops : &mshv_region_pinned_ops;

int mshv_mem_choose(const char *kind)
{
	bool has_movable = IS_ENABLED(CONFIG_HMM_MIRROR);

	if (sysfs_streq(kind, "pinned") || (!has_movable && sysfs_streq(kind, "auto"))) {
		ram_ops = &mshv_region_pinned_ops;
	} else if (has_movable && (sysfs_streq(kind, "movable") || sysfs_streq(kind, "auto"))) {
		ram_ops = &mshv_region_movable_ops;
	} else {
		pr_err("memory=%s: must be auto, pinned%s\n", kind,
		       has_movable ? " or movable" : "; this kernel has no movable");
		return -EINVAL;
	}

	return 0;
}

static int memory_set(const char *value, const struct kernel_param *param)
{
	return mshv_mem_choose(value);
}

static int memory_get(char *buffer, const struct kernel_param *param)
{
	return sysfs_emit(buffer, "%s\n", ram_ops->name);
}

static const struct kernel_param_ops memory_ops = {
	.set = memory_set,
	.get = memory_get,
};

module_param_cb(memory, &memory_ops, NULL, 0644);
MODULE_PARM_DESC(memory, "how the memory of new regions is held: auto, movable or pinned");

static u64 region_first(const struct mshv_region *region)
{
	return region->gfn;
}

static u64 region_last(const struct mshv_region *region)
{
	return region->gfn + region->nr_pages - 1;
}

INTERVAL_TREE_DEFINE(struct mshv_region, node, u64, subtree_last, region_first, region_last,
		     static __maybe_unused, region_tree)

void mshv_mem_init(struct mshv_mem *mem)
{
	spin_lock_init(&mem->lock);
	mem->regions = RB_ROOT_CACHED;
	INIT_LIST_HEAD(&mem->stuck);
}

static void region_free(struct mshv_region *region)
{
	mmdrop(region->mm);
	kfree(region);
}

static void region_release(struct kref *ref)
{
	struct mshv_region *region = container_of(ref, struct mshv_region, ref);

	region->ops->release(region);
	region_free(region);
}

static void region_put(struct mshv_region *region)
{
	kref_put(&region->ref, region_release);
}

static struct mshv_region *region_alloc(struct mshv_partition *partition,
					const struct mshv_user_mem_region *args)
{
	struct mshv_region *region;

	region = kzalloc(sizeof(*region), GFP_KERNEL_ACCOUNT);
	if (!region)
		return NULL;

	kref_init(&region->ref);
	region->partition = partition;
	region->gfn = args->guest_pfn;
	region->nr_pages = args->size >> HV_HYP_PAGE_SHIFT;
	region->uaddr = args->userspace_addr;
	region->map_flags = HV_MAP_GPA_READABLE | HV_MAP_GPA_ADJUSTABLE;
	if (args->flags & BIT(MSHV_SET_MEM_BIT_WRITABLE))
		region->map_flags |= HV_MAP_GPA_WRITABLE;
	if (args->flags & BIT(MSHV_SET_MEM_BIT_EXECUTABLE))
		region->map_flags |= HV_MAP_GPA_EXECUTABLE;
	region->mm = current->mm;
	mmgrab(region->mm);

	return region;
}

/* Which kind of region the memory at its address makes it */
static int region_choose(struct mshv_region *region)
{
	unsigned long size = region->nr_pages << HV_HYP_PAGE_SHIFT;
	struct vm_area_struct *vma;
	int ret = 0;

	mmap_read_lock(region->mm);
	vma = vma_lookup(region->mm, region->uaddr);
	if (!vma)
		ret = -EINVAL;
	else if (!(vma->vm_flags & (VM_IO | VM_PFNMAP)))
		region->ops = ram_ops;
	else if (!IS_ENABLED(CONFIG_HMM_MIRROR))
		ret = -EOPNOTSUPP;
	else if (vma->vm_end - region->uaddr < size)
		ret = -EINVAL;
	else
		region->ops = &mshv_region_mmio_ops;
	mmap_read_unlock(region->mm);

	if (ret)
		pr_warn_ratelimited("SET_GUEST_MEMORY: %#lx bytes from %#lx are no memory that is offered to guests\n",
				    size, region->uaddr);

	return ret;
}

static long region_map(struct mshv_partition *partition, const struct mshv_user_mem_region *args)
{
	struct mshv_mem *mem = &partition->mem;
	struct mshv_region *region;
	long ret;

	region = region_alloc(partition, args);
	if (!region)
		return -ENOMEM;

	/* Writers hold the partition's mutex, so reading the tree needs no more. */
	if (region_tree_iter_first(&mem->regions, region_first(region), region_last(region))) {
		ret = -EEXIST;
		goto err_free;
	}

	ret = region_choose(region);
	if (ret)
		goto err_free;
	ret = region->ops->map(region);
	trace_mshv_map_user_memory(partition->id, region->uaddr, region->gfn, region->nr_pages,
				   region->map_flags, ret);
	if (ret) {
		if (!region->backing)
			goto err_free;
		list_add(&region->stuck, &mem->stuck);
		return ret;
	}

	spin_lock(&mem->lock);
	region_tree_insert(region, &mem->regions);
	spin_unlock(&mem->lock);

	return 0;

err_free:
	region_free(region);
	return ret;
}

static long region_unmap(struct mshv_partition *partition,
			 const struct mshv_user_mem_region *args)
{
	struct mshv_mem *mem = &partition->mem;
	struct mshv_region *region;
	int ret;

	region = region_tree_iter_first(&mem->regions, args->guest_pfn, args->guest_pfn);
	if (!region || region->gfn != args->guest_pfn ||
	    region->nr_pages != args->size >> HV_HYP_PAGE_SHIFT ||
	    region->uaddr != args->userspace_addr) {
		pr_warn_ratelimited("SET_GUEST_MEMORY: %#llx bytes from %#llx at page %#llx are no region to unmap\n",
				    args->size, args->userspace_addr, args->guest_pfn);
		return region ? -EINVAL : -ENOENT;
	}

	ret = region->ops->unmap(region);
	if (ret)
		return ret;

	spin_lock(&mem->lock);
	region_tree_remove(region, &mem->regions);
	spin_unlock(&mem->lock);
	region_put(region);

	return 0;
}

static bool memory_valid(const struct mshv_user_mem_region *args)
{
	u64 end;

	if (!args->size || !PAGE_ALIGNED(args->size) || !PAGE_ALIGNED(args->userspace_addr) ||
	    (args->flags & ~MSHV_SET_MEM_FLAGS_MASK) ||
	    memchr_inv(args->rsvd, 0, sizeof(args->rsvd)))
		return false;
	if (!access_ok(u64_to_user_ptr(args->userspace_addr), args->size))
		return false;

	return !check_add_overflow(args->guest_pfn, args->size >> HV_HYP_PAGE_SHIFT, &end) &&
	       end <= MSHV_MAX_GFN;
}

long mshv_ioctl_set_guest_memory(struct mshv_partition *partition,
				 struct mshv_user_mem_region __user *uarg)
{
	struct mshv_user_mem_region args;

	lockdep_assert_held(&partition->mutex);

	if (copy_from_user(&args, uarg, sizeof(args)))
		return -EFAULT;
	if (!memory_valid(&args)) {
		pr_warn_ratelimited("SET_GUEST_MEMORY: flags %#x for %#llx bytes from %#llx at page %#llx are not offered\n",
				    args.flags, args.size, args.userspace_addr, args.guest_pfn);
		return -EINVAL;
	}

	if (args.flags & BIT(MSHV_SET_MEM_BIT_UNMAP))
		return region_unmap(partition, &args);

	return region_map(partition, &args);
}

/* The first region with pages from @first to @last */
static struct mshv_region *region_get(struct mshv_mem *mem, u64 first, u64 last)
{
	struct mshv_region *region;

	spin_lock(&mem->lock);
	region = region_tree_iter_first(&mem->regions, first, last);
	if (region)
		kref_get(&region->ref);
	spin_unlock(&mem->lock);

	return region;
}

int mshv_mem_fault(struct mshv_partition *partition, u64 gfn, u8 access)
{
	static const u32 wanted[] = {
		[HV_INTERCEPT_ACCESS_READ] = HV_MAP_GPA_READABLE,
		[HV_INTERCEPT_ACCESS_WRITE] = HV_MAP_GPA_WRITABLE,
		[HV_INTERCEPT_ACCESS_EXECUTE] = HV_MAP_GPA_EXECUTABLE,
	};
	struct mshv_region *region;
	int ret = -EFAULT;

	if (access >= ARRAY_SIZE(wanted))
		return -EINVAL;
	access = array_index_nospec(access, ARRAY_SIZE(wanted));
	region = region_get(&partition->mem, gfn, gfn);
	if (!region)
		return -ENOENT;

	/* What the region does not allow is no fault of its pages. */
	if (region->ops->fault && (region->map_flags & wanted[access]))
		ret = region->ops->fault(region, gfn, access == HV_INTERCEPT_ACCESS_WRITE);
	region_put(region);

	return ret;
}

void mshv_mem_merge_states(struct mshv_mem *mem, u64 gfn, u64 nr, u64 flags, u8 *states)
{
	struct mshv_region *region;
	u64 first = gfn;
	u64 last;
	u64 end;

	/* A caller may have made the hypercall with any number. */
	if (!nr || check_add_overflow(gfn, nr - 1, &last))
		return;
	while (first <= last && (region = region_get(mem, first, last))) {
		first = max(first, region_first(region));
		end = min(last, region_last(region)) + 1;
		if (region->ops->merge_states)
			region->ops->merge_states(region, first - region->gfn, end - first, flags,
						  states + (first - gfn));
		region_put(region);
		first = end;
	}
}

void mshv_mem_show(struct seq_file *m, struct mshv_mem *mem)
{
	struct mshv_region *region;

	seq_puts(m, "kind     guest page        pages       mapped access\n");
	spin_lock(&mem->lock);
	for (region = region_tree_iter_first(&mem->regions, 0, U64_MAX); region;
	     region = region_tree_iter_next(region, 0, U64_MAX))
		seq_printf(m, "%-8s %#-11llx %12llu %12llu r%c%c\n", region->ops->name,
			   region->gfn, region->nr_pages, region->ops->mapped(region),
			   region->map_flags & HV_MAP_GPA_WRITABLE ? 'w' : '-',
			   region->map_flags & HV_MAP_GPA_EXECUTABLE ? 'x' : '-');
	spin_unlock(&mem->lock);
}

void mshv_mem_detach(struct mshv_partition *partition, bool finalized)
{
	struct mshv_mem *mem = &partition->mem;
	struct mshv_region *region;

	while ((region = region_tree_iter_first(&mem->regions, 0, U64_MAX))) {
		spin_lock(&mem->lock);
		region_tree_remove(region, &mem->regions);
		spin_unlock(&mem->lock);
		if (!finalized && region->ops->unmap(region))
			list_add(&region->stuck, &mem->stuck);
		else
			region_put(region);
	}
}

void mshv_mem_release_stuck(struct mshv_partition *partition, bool deleted)
{
	struct mshv_region *region, *next;

	list_for_each_entry_safe(region, next, &partition->mem.stuck, stuck) {
		list_del(&region->stuck);
		if (deleted) {
			region_put(region);
			continue;
		}
		pr_err("guest memory that cannot be unmapped is lost: %llu pages at %#llx\n",
		       region->nr_pages, region->gfn);
		region->ops->abandon(region);
		region_free(region);
	}
}
