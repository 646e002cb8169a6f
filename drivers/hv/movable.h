/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Memory that its process may do with as it likes while a guest has it: pages are
 * mapped when the guest wants them, and taken from it when they go away.
 */
#ifndef MSHV_MOVABLE_H
#define MSHV_MOVABLE_H

#include <linux/bits.h>
#include <linux/mmu_notifier.h>
#include <linux/mutex.h>
#include <linux/types.h>

#include <tlfs/memory.h>
#include <tlfs/types.h>

struct mshv_region;

/* Pages that one fault may bring in */
#define MSHV_FAULT_PAGES	16

/**
 * struct mshv_fault - a guest's wish for a page, and what was found
 * @first: first page, counted from the region's start
 * @nr: pages
 * @target: the one that is wanted, counted from @first
 * @write: it is wanted for writing
 * @pfns: result: their page numbers
 * @valid: result: bitmap of those that there are
 * @writable: result: bitmap of those that may be written to
 * @large: result: @target is in a 2 MiB page, or a larger one
 */
struct mshv_fault {
	u64 first;
	unsigned int nr;
	unsigned int target;
	bool write;
	u64 pfns[MSHV_FAULT_PAGES];
	unsigned long valid;
	unsigned long writable;
	bool large;
};

/**
 * typedef mshv_resolve_t - find the pages behind a range of a region
 * @region: the region, whose address space is alive
 * @fault: the range; the results are filled in
 * @seq: sequence number that they were found under, or later
 *
 * Return: 0; -EBUSY to be called again; another negative errno if @target is not to
 * be had. Pages but for that may be missing.
 */
typedef int (*mshv_resolve_t)(struct mshv_region *region, struct mshv_fault *fault,
			      unsigned long *seq);

/* What an aligned 2 MiB block of guest memory is mapped by */
enum mshv_block_state {
	MSHV_BLOCK_EMPTY,	/* a 2 MiB page without access */
	MSHV_BLOCK_LARGE,	/* a 2 MiB page */
	MSHV_BLOCK_SMALL,	/* 4 KiB pages, with and without access */
	MSHV_BLOCK_LOST,	/* the guest has what could not be taken from it */
};

/* Beside a page number: the guest may write to the page. */
#define MSHV_PFN_WRITABLE	BIT_ULL(63)

/**
 * struct mshv_block - an aligned 2 MiB block of guest memory
 * @state: what it is mapped by
 * @pfn: of a 2 MiB page: its page number, with MSHV_PFN_WRITABLE
 * @pfns: of 4 KiB pages: the same, 0 for those without access
 * @dirty: pages that the guest could write to by an entry that the hypervisor has no
 *	longer, and whose dirty bit went with it
 *
 * A block that is lost has a reference to what it is mapped to, by one or the other.
 */
struct mshv_block {
	enum mshv_block_state state;
	u64 pfn;
	u64 *pfns;
	DECLARE_BITMAP(dirty, HV_PAGES_PER_LARGE_PAGE);
};

/**
 * struct mshv_movable - what is behind a movable region
 * @region: the region
 * @notifier: tells when pages go away
 * @resolve: finds them
 * @extra_flags: HV_MAP_GPA_* of all its pages
 * @ram: its pages are the process's own memory, and may be marked dirty
 * @lock: guards what follows, and that it is what the hypervisor has. Taken when
 *	memory is being reclaimed: nothing is allocated under it
 * @dead: no pages are mapped any more
 * @mapped: 4 KiB pages mapped with access
 * @nr_blocks: blocks that the region touches
 * @blocks: these
 */
struct mshv_movable {
	struct mshv_region *region;
	struct mmu_interval_notifier notifier;
	mshv_resolve_t resolve;
	u32 extra_flags;
	bool ram;
	struct mutex lock;	/* @dead and all after it */
	bool dead;
	u64 mapped;
	u64 nr_blocks;
	struct mshv_block blocks[];
};

/* movable.c */

/**
 * mshv_movable_create() - make a region movable
 * @region: the region; its backing is set
 * @resolve: finds its pages
 * @ram: they are the process's own memory, and not a device's
 *
 * All of it is mapped without access, so that the guest's first look at a page is
 * an intercept that tells of it.
 *
 * Return: 0; a negative errno. If the backing is set then all the same, something is
 * mapped that cannot be unmapped.
 */
int mshv_movable_create(struct mshv_region *region, mshv_resolve_t resolve, bool ram);

/**
 * mshv_movable_unmap() - the region's unmap operation
 * @region: the region
 *
 * Return: 0; a negative errno.
 */
int mshv_movable_unmap(struct mshv_region *region);

/**
 * mshv_movable_fault() - the region's fault operation
 * @region: the region
 * @gfn: guest page number
 * @write: it is wanted for writing
 *
 * Return: 0; a negative errno.
 */
int mshv_movable_fault(struct mshv_region *region, u64 gfn, bool write);

/**
 * mshv_movable_mapped() - the region's mapped operation
 * @region: the region
 *
 * Return: how many of its pages of 4 KiB the guest has.
 */
u64 mshv_movable_mapped(const struct mshv_region *region);

/**
 * mshv_movable_release() - the region's release operation
 * @region: the region
 */
void mshv_movable_release(struct mshv_region *region);

/**
 * mshv_movable_abandon() - the region's abandon operation
 * @region: the region
 */
void mshv_movable_abandon(struct mshv_region *region);

/* movable_map.c */

/**
 * mshv_movable_map_empty() - map a whole region without access
 * @region: the region
 *
 * Return: 0; a negative errno, and some of it may be mapped.
 */
int mshv_movable_map_empty(struct mshv_region *region);

/**
 * mshv_movable_unmap_all() - unmap a whole region
 * @region: the region; the caller holds its lock
 * @status: the hypervisor's status, if it fails by -ENOMEM
 *
 * Nothing is deposited here: allocating memory may take this very lock.
 *
 * Return: 0; a negative errno, and some of it may be unmapped, and is not counted as
 * mapped any more.
 */
int mshv_movable_unmap_all(struct mshv_region *region, u16 *status);

/**
 * mshv_movable_map() - map pages that were found
 * @region: the region; the caller holds its lock
 * @fault: what was found
 * @status: the hypervisor's status, if it fails by -ENOMEM
 * @spare: a zeroed page, or NULL; taken if needed, and set to NULL
 *
 * Return: 0; -EAGAIN if there is need of @spare; -ENOMEM if the hypervisor needs
 * memory; another negative errno.
 */
int mshv_movable_map(struct mshv_region *region, struct mshv_fault *fault, u16 *status,
		     u64 **spare);

/**
 * mshv_movable_revoke() - take pages from the guest
 * @region: the region; the caller holds its lock
 * @first: first page, counted from the region's start
 * @last: last page
 *
 * Atomic. What the hypervisor will not let go of is kept from being freed.
 */
void mshv_movable_revoke(struct mshv_region *region, u64 first, u64 last);

/**
 * mshv_movable_forget() - the hypervisor has unmapped a region by itself
 * @region: the region; the caller holds its lock
 *
 * What the guest may have written to is marked dirty, as it is when it is revoked.
 */
void mshv_movable_forget(struct mshv_region *region);

/**
 * mshv_movable_merge_states() - the region's merge_states operation
 * @region: the region
 * @first: first page, counted from the region's start
 * @nr: pages
 * @flags: HV_PAGE_ACCESS_*, as the hypervisor was given them
 * @states: HV_PAGE_STATE_* of each, as the hypervisor gave them
 *
 * What was revoked after the hypervisor was asked is told now, or the next time.
 */
void mshv_movable_merge_states(struct mshv_region *region, u64 first, u64 nr, u64 flags,
			       u8 *states);

/**
 * mshv_movable_free_blocks() - free what is known of a region's blocks
 * @m: what is behind it
 * @keep: the hypervisor may still map what could not be taken from the guest
 */
void mshv_movable_free_blocks(struct mshv_movable *m, bool keep);

#endif /* MSHV_MOVABLE_H */
