/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Guest memory: regions of a guest physical address space that are backed by a
 * process's memory.
 */
#ifndef MSHV_REGION_H
#define MSHV_REGION_H

#include <linux/kref.h>
#include <linux/list.h>
#include <linux/mm_types.h>
#include <linux/rbtree.h>
#include <linux/spinlock.h>
#include <linux/types.h>

#include <uapi/linux/mshv.h>

struct mshv_partition;
struct mshv_region;
struct seq_file;

/**
 * struct mshv_region_ops - what differs between the kinds of region
 * @name: of the kind, for debugfs
 * @map: back the region's pages and map them; all or nothing. If a failed one
 *	leaves pages mapped that cannot be unmapped, it leaves @backing set
 * @unmap: unmap them from the guest; the backing stays. May be called again
 *	after it failed
 * @fault: the guest wanted a page that is not there; NULL where that cannot be.
 *	Returns 0 if it is there now; a negative errno if that is for user space
 * @mapped: how many of its pages the guest has, for debugfs; needs no lock
 * @merge_states: add to what the hypervisor said of pages' accessed and dirty bits what
 *	is known of them here, and do to that what it did to its own; NULL where nothing
 *	is. Its arguments are those of mshv_movable_merge_states()
 * @release: let go of the backing; called once, for a region that was mapped and
 *	that the hypervisor has nothing of any more
 * @abandon: called in the place of @release if the hypervisor may have: as that, but
 *	what the guest may still reach is never freed
 *
 * @map is called with the partition's mutex held; @fault with a reference held; the
 * others by whoever took the region out of the partition.
 */
struct mshv_region_ops {
	const char *name;
	int (*map)(struct mshv_region *region);
	int (*unmap)(struct mshv_region *region);
	int (*fault)(struct mshv_region *region, u64 gfn, bool write);
	u64 (*mapped)(const struct mshv_region *region);
	void (*merge_states)(struct mshv_region *region, u64 first, u64 nr, u64 flags,
			     u8 *states);
	void (*release)(struct mshv_region *region);
	void (*abandon)(struct mshv_region *region);
};

/**
 * struct mshv_region - a range of guest memory
 * @node: in the partition's tree
 * @subtree_last: of the tree
 * @ref: one for being in the tree, one for each thread that uses it
 * @partition: whose memory it is
 * @ops: what kind of region it is
 * @gfn: first guest page number
 * @nr_pages: its length, in pages of 4 KiB
 * @uaddr: where it is in @mm
 * @map_flags: HV_MAP_GPA_* of its pages
 * @mm: the address space that it comes from, kept allocated but not alive
 * @backing: the kind's own
 * @stuck: in the partition's list of those that could not be unmapped
 *
 * Those from @partition to @backing are constant once the region is mapped.
 */
struct mshv_region {
	struct rb_node node;
	u64 subtree_last;
	struct list_head stuck;
	struct kref ref;
	struct mshv_partition *partition;
	const struct mshv_region_ops *ops;
	u64 gfn;
	u64 nr_pages;
	unsigned long uaddr;
	u32 map_flags;
	struct mm_struct *mm;
	void *backing;
};

/**
 * struct mshv_mem - a partition's memory
 * @lock: guards @regions; written with the partition's mutex held as well
 * @regions: interval tree by guest page number
 * @stuck: regions that are none any more, but that the hypervisor would not unmap;
 *	guarded by the partition's mutex
 */
struct mshv_mem {
	spinlock_t lock;	/* @regions */
	struct rb_root_cached regions;
	struct list_head stuck;
};

extern const struct mshv_region_ops mshv_region_pinned_ops;
extern const struct mshv_region_ops mshv_region_movable_ops;
extern const struct mshv_region_ops mshv_region_mmio_ops;

/* region.c */

/**
 * mshv_mem_choose() - choose how the memory of new regions is held
 * @kind: "auto", "movable" or "pinned"
 *
 * Return: 0; -EINVAL if it is none of these, or one that this kernel cannot do.
 */
int mshv_mem_choose(const char *kind);

/**
 * mshv_mem_init() - prepare a new partition for memory
 * @mem: the partition's
 */
void mshv_mem_init(struct mshv_mem *mem);

/**
 * mshv_ioctl_set_guest_memory() - MSHV_SET_GUEST_MEMORY
 * @partition: the partition; the caller holds its mutex
 * @uarg: arguments
 *
 * Return: 0; a negative errno.
 */
long mshv_ioctl_set_guest_memory(struct mshv_partition *partition,
				 struct mshv_user_mem_region __user *uarg);

/**
 * mshv_mem_fault() - a guest wanted a page that it has no access to
 * @partition: its partition
 * @gfn: guest page number
 * @access: HV_INTERCEPT_ACCESS_*
 *
 * May sleep; called without the partition's mutex, or with it.
 *
 * Return: 0 if the access can be tried again; a negative errno if it is user
 * space's to deal with.
 */
int mshv_mem_fault(struct mshv_partition *partition, u64 gfn, u8 access);

/**
 * mshv_mem_merge_states() - complete what the hypervisor said of accessed and dirty bits
 * @mem: the partition's
 * @gfn: first guest page number
 * @nr: pages
 * @flags: HV_PAGE_ACCESS_*, as the hypervisor was given them
 * @states: HV_PAGE_STATE_* of each, as the hypervisor gave them
 *
 * Movable pages lose their bits when they are taken from the guest: that it could write
 * to them is remembered here. May sleep.
 */
void mshv_mem_merge_states(struct mshv_mem *mem, u64 gfn, u64 nr, u64 flags, u8 *states);

/**
 * mshv_mem_show() - print a partition's regions, one a line
 * @m: where to
 * @mem: the partition's
 */
void mshv_mem_show(struct seq_file *m, struct mshv_mem *mem);

/**
 * mshv_mem_detach() - take the memory of a partition that is being destroyed
 * @partition: the partition, of which no VP runs any more
 * @finalized: the hypervisor has finalized it, and unmapped everything; if not,
 *	that is done here
 *
 * Regions that could not be unmapped keep their backing. May sleep.
 */
void mshv_mem_detach(struct mshv_partition *partition, bool finalized);

/**
 * mshv_mem_release_stuck() - let go of what could not be unmapped
 * @partition: the partition
 * @deleted: the hypervisor has deleted it; if not, what a guest may still reach of that
 *	memory is kept for ever
 *
 * Nothing is left that knows of the partition.
 */
void mshv_mem_release_stuck(struct mshv_partition *partition, bool deleted);

/* region_map.c */

/**
 * mshv_region_map_pages() - map pages into the guest
 * @region: the region
 * @pages: all its pages
 * @large: bitmap of its 2 MiB blocks, all clear; those mapped as such are set
 *
 * @stuck: set if the call fails and cannot undo what it did
 *
 * 2 MiB pages are used where guest and host page numbers are aligned alike and
 * the host's are contiguous. All or nothing. May sleep.
 *
 * Return: 0; a negative errno.
 */
int mshv_region_map_pages(struct mshv_region *region, struct page **pages,
			  unsigned long *large, bool *stuck);

/**
 * mshv_region_unmap_pages() - undo mshv_region_map_pages()
 * @region: the region
 * @nr: how many of its pages are mapped
 * @large: which of its 2 MiB blocks are mapped as such
 *
 * Return: 0; a negative errno.
 */
int mshv_region_unmap_pages(struct mshv_region *region, u64 nr, const unsigned long *large);

/**
 * mshv_region_nr_blocks() - how many aligned 2 MiB blocks of guest memory a region touches
 * @region: the region
 *
 * Return: their number, those at its ends included.
 */
u64 mshv_region_nr_blocks(const struct mshv_region *region);

#endif /* MSHV_REGION_H */
