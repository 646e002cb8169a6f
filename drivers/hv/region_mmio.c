// SPDX-License-Identifier: GPL-2.0-only
/*
 * Device memory: what a driver has mapped into a process, and may take away, as
 * when a device is reset. It is mapped uncached, and by pages of 4 KiB.
 */
#include <linux/ioport.h>
#include <linux/mm.h>
#include <linux/mmu_notifier.h>

#include <tlfs/memory.h>

#include "compat.h"
#include "movable.h"
#include "region.h"

/* Find the page at @addr, and have its driver map it if it has not; -EBUSY: once more. */
static int mmio_follow(struct mshv_region *region, unsigned long addr, bool write,
		       unsigned long *pfn, bool *writable)
{
	struct vm_area_struct *vma;
	bool unlocked = false;
	int ret;

	vma = vma_lookup(region->mm, addr);
	/* The mapping may be another one by now. */
	if (!vma || !(vma->vm_flags & (VM_IO | VM_PFNMAP)))
		return -EFAULT;
	ret = mshv_follow_pfnmap(vma, addr, pfn, writable);
	if (!ret && (*writable || !write))
		return 0;

	ret = fixup_user_fault(region->mm, addr, write ? FAULT_FLAG_WRITE : 0, &unlocked);
	if (unlocked)
		return -EBUSY;
	if (ret)
		return ret;
	vma = vma_lookup(region->mm, addr);

	return mshv_follow_pfnmap(vma, addr, pfn, writable);
}

static int mmio_resolve(struct mshv_region *region, struct mshv_fault *fault, unsigned long *seq)
{
	struct mshv_movable *m = region->backing;
	unsigned long addr = region->uaddr + ((fault->first + fault->target) << PAGE_SHIFT);
	unsigned long pfn;
	bool writable;
	int ret;

	*seq = mmu_interval_read_begin(&m->notifier);
	mmap_read_lock(region->mm);
	ret = mmio_follow(region, addr, fault->write, &pfn, &writable);
	mmap_read_unlock(region->mm);
	if (ret)
		return ret;
	/*
	 * Memory that is mapped like that is someone else's, the hypervisor's own
	 * pages of a VP among others, and there is nothing to hold it by.
	 */
	if (page_is_ram(pfn))
		return -EFAULT;

	fault->pfns[fault->target] = pfn;
	__set_bit(fault->target, &fault->valid);
	if (writable)
		__set_bit(fault->target, &fault->writable);

	return 0;
}

static int mmio_map(struct mshv_region *region)
{
	/* There is nothing to execute, and nothing for the hypervisor to move. */
	region->map_flags &= ~(HV_MAP_GPA_ADJUSTABLE | HV_MAP_GPA_EXECUTABLE);

	return mshv_movable_create(region, mmio_resolve, false);
}

const struct mshv_region_ops mshv_region_mmio_ops = {
	.name = "mmio",
	.map = mmio_map,
	.unmap = mshv_movable_unmap,
	.fault = mshv_movable_fault,
	.mapped = mshv_movable_mapped,
	.merge_states = mshv_movable_merge_states,
	.release = mshv_movable_release,
	.abandon = mshv_movable_abandon,
};
