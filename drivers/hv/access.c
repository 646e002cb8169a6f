// SPDX-License-Identifier: GPL-2.0-only
/*
 * Accessed and dirty bits of guest pages.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/bitmap.h>
#include <linux/minmax.h>
#include <linux/overflow.h>
#include <linux/printk.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include <tlfs/memory.h>

#include "access.h"
#include "hvcalls.h"
#include "partition.h"

/* Pages a hypercall: what fits in its output, in whole words of the bitmap */
#define BATCH_PAGES	rounddown(HV_PAGE_ACCESS_STATES_MAX_REPS, BITS_PER_LONG)

/**
 * struct access_batch - what is needed for one hypercall
 * @states: HV_PAGE_STATE_*, a byte a page
 * @bitmap: the bit that was asked for of each
 */
struct access_batch {
	u8 states[HV_PAGE_ACCESS_STATES_MAX_REPS];
	DECLARE_BITMAP(bitmap, HV_PAGE_ACCESS_STATES_MAX_REPS);
};

/*
 * What to do to the pages after their state was read. Where one bit implies
 * something of the other, both are changed.
 */
static u64 access_flags(u8 type, u8 op)
{
	bool dirty = type == MSHV_GPAP_ACCESS_TYPE_DIRTY;

	switch (op) {
	case MSHV_GPAP_ACCESS_OP_CLEAR:
		/* A page that was not accessed is not dirty. */
		return HV_PAGE_ACCESS_CLEAR_DIRTY | (dirty ? 0 : HV_PAGE_ACCESS_CLEAR_ACCESSED);
	case MSHV_GPAP_ACCESS_OP_SET:
		/* A dirty page was accessed. */
		return HV_PAGE_ACCESS_SET_ACCESSED | (dirty ? HV_PAGE_ACCESS_SET_DIRTY : 0);
	default:
		return 0;
	}
}

static int access_one_batch(struct mshv_partition *partition,
			    const struct mshv_gpap_access_bitmap *args, u64 first,
			    unsigned int nr, struct access_batch *batch, unsigned int *done)
{
	u8 mask = args->access_type == MSHV_GPAP_ACCESS_TYPE_DIRTY ? HV_PAGE_STATE_DIRTY :
								     HV_PAGE_STATE_ACCESSED;
	u64 flags = access_flags(args->access_type, args->access_op);
	u8 __user *bitmap = u64_to_user_ptr(args->bitmap_ptr);
	unsigned int i;
	int ret;

	/* What is changed below must not go unreported: find out now if it cannot be told. */
	if (clear_user(bitmap + first / 8, DIV_ROUND_UP(nr, 8)))
		return -EFAULT;

	ret = mshv_hvcall_get_gpa_access_states(&partition->pool, args->gpap_base + first, flags,
						batch->states, nr, args->page_count - first - nr,
						done);
	mshv_mem_merge_states(&partition->mem, args->gpap_base + first, *done, flags,
			      batch->states);
	bitmap_zero(batch->bitmap, nr);
	for (i = 0; i < *done; i++)
		if (batch->states[i] & mask)
			__set_bit(i, batch->bitmap);
	if (copy_to_user(bitmap + first / 8, batch->bitmap, DIV_ROUND_UP(nr, 8)))
		return -EFAULT;

	return ret;
}

static bool access_valid(const struct mshv_gpap_access_bitmap *args)
{
	u64 end;

	if (args->access_type >= MSHV_GPAP_ACCESS_TYPE_COUNT ||
	    args->access_op >= MSHV_GPAP_ACCESS_OP_COUNT ||
	    memchr_inv(args->rsvd, 0, sizeof(args->rsvd)))
		return false;
	if (!args->page_count || !args->bitmap_ptr)
		return false;

	return !check_add_overflow(args->gpap_base, args->page_count, &end) && end <= MSHV_MAX_GFN;
}

long mshv_ioctl_get_gpap_access_bitmap(struct mshv_partition *partition,
				       struct mshv_gpap_access_bitmap __user *uarg)
{
	struct mshv_gpap_access_bitmap args;
	struct access_batch *batch;
	unsigned int done;
	u64 total = 0;
	long ret = 0;

	if (copy_from_user(&args, uarg, sizeof(args)))
		return -EFAULT;
	if (!access_valid(&args)) {
		pr_warn_ratelimited("GET_GPAP_ACCESS_BITMAP: type %u, operation %u, %llu pages at %#llx are not offered\n",
				    args.access_type, args.access_op, args.page_count,
				    args.gpap_base);
		return -EINVAL;
	}
	/* As with the bitmap itself */
	if (put_user(args.page_count, &uarg->page_count))
		return -EFAULT;

	batch = kmalloc(sizeof(*batch), GFP_KERNEL);
	if (!batch)
		return -ENOMEM;

	while (!ret && total < args.page_count) {
		if (fatal_signal_pending(current)) {
			ret = -EINTR;
			break;
		}
		done = 0;
		ret = access_one_batch(partition, &args, total,
				       min_t(u64, args.page_count - total, BATCH_PAGES), batch,
				       &done);
		total += done;
		cond_resched();
	}
	kfree(batch);
	if (put_user(total, &uarg->page_count))
		ret = -EFAULT;

	return ret;
}
