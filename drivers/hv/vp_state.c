// SPDX-License-Identifier: GPL-2.0-only
/*
 * State components of a VP. Most are exchanged through pages of the caller's,
 * which the hypervisor reads and writes directly.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/printk.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include <tlfs/partition.h>
#include <tlfs/state.h>

#include "hvcalls.h"
#include "intr.h"
#include "partition.h"
#include "vp.h"

/* x87 and SSE state, which the hypervisor's mask of XSAVE states may leave out */
#define XSAVE_LEGACY_STATES	0x3

/* The page list has to fit in the hypercall's input. */
#define MAX_STATE_PAGES \
	((HV_HYP_PAGE_SIZE - sizeof(struct hv_input_get_vp_state)) / sizeof(u64))

/* Fill in @data for a MSHV_VP_STATE_* and tell its size in bytes. */
static int state_describe(struct mshv_vp *vp, u8 type, struct hv_vp_state_data *data, u64 *size)
{
	u64 id = vp->partition->id;
	int ret;

	memset(data, 0, sizeof(*data));
	*size = HV_HYP_PAGE_SIZE;

	switch (type) {
	case MSHV_VP_STATE_LAPIC:
		data->type = HV_VP_STATE_LAPIC;
		return 0;
	case MSHV_VP_STATE_XSAVE:
		data->type = HV_VP_STATE_XSAVE;
		ret = mshv_hvcall_get_partition_property(id, HV_PARTITION_PROPERTY_XSAVE_STATES,
							 &data->xsave.states);
		if (ret)
			return ret;
		data->xsave.states |= XSAVE_LEGACY_STATES;
		return mshv_hvcall_get_partition_property(id,
							  HV_PARTITION_PROPERTY_MAX_XSAVE_DATA_SIZE,
							  size);
	case MSHV_VP_STATE_SIMP:
		data->type = HV_VP_STATE_SIM_PAGE;
		return 0;
	case MSHV_VP_STATE_SIEFP:
		data->type = HV_VP_STATE_SIEF_PAGE;
		return 0;
	case MSHV_VP_STATE_SYNTHETIC_TIMERS:
		data->type = HV_VP_STATE_SYNTHETIC_TIMERS;
		*size = sizeof(struct hv_synthetic_timers_state);
		return 0;
	default:
		return -EINVAL;
	}
}

static int state_by_value(struct mshv_vp *vp, const struct hv_vp_state_data *data,
			  void __user *buf, bool set)
{
	struct hv_synthetic_timers_state timers = {};
	int ret;

	if (set) {
		if (copy_from_user(&timers, buf, sizeof(timers)))
			return -EFAULT;
		return mshv_hvcall_set_vp_state(&vp->partition->pool, vp->index, data, &timers,
						sizeof(timers));
	}

	ret = mshv_hvcall_get_vp_state(&vp->partition->pool, vp->index, data, NULL, 0, &timers,
				       sizeof(timers));
	if (ret)
		return ret;

	return copy_to_user(buf, &timers, sizeof(timers)) ? -EFAULT : 0;
}

static int state_pin(unsigned long addr, struct page **pages, unsigned int nr)
{
	unsigned int done = 0;
	int ret;

	while (done < nr) {
		ret = pin_user_pages_fast(addr + done * PAGE_SIZE, nr - done, FOLL_WRITE,
					  pages + done);
		if (ret <= 0) {
			unpin_user_pages(pages, done);
			return ret ?: -EFAULT;
		}
		done += ret;
	}

	return 0;
}

static void lapic_set_begin(struct mshv_vp *vp, const struct page *page, u64 *vectors)
{
	const struct hv_local_interrupt_controller_state *lapic = page_address(page);

	if (READ_ONCE(lapic->apic_id) != vp->index)
		mshv_intr_apic_ids_differ(vp->partition);
	/* They are of the state that goes. */
	*vectors = mshv_intr_take_vectors(vp);
}

static int state_by_pages(struct mshv_vp *vp, const struct hv_vp_state_data *data,
			  unsigned long addr, unsigned int nr, bool set)
{
	bool lapic = data->type == HV_VP_STATE_LAPIC;
	struct page **pages;
	u64 vectors = 0;
	unsigned int i;
	u64 *pfns;
	int ret;

	pages = kcalloc(nr, sizeof(*pages), GFP_KERNEL);
	pfns = kcalloc(nr, sizeof(*pfns), GFP_KERNEL);
	if (!pages || !pfns) {
		ret = -ENOMEM;
		goto out_free;
	}

	ret = state_pin(addr, pages, nr);
	if (ret)
		goto out_free;
	for (i = 0; i < nr; i++)
		pfns[i] = page_to_pfn(pages[i]);

	if (set) {
		if (lapic)
			lapic_set_begin(vp, pages[0], &vectors);
		ret = mshv_hvcall_set_vp_state(&vp->partition->pool, vp->index, data, pfns,
					       nr * sizeof(*pfns));
		/* The old state stays, and all that belongs to it. */
		if (ret)
			mshv_intr_assert_vectors(vp, vectors);
	} else {
		if (lapic)
			mshv_intr_flush_vectors(vp);
		ret = mshv_hvcall_get_vp_state(&vp->partition->pool, vp->index, data, pfns, nr,
					       NULL, 0);
	}
	unpin_user_pages_dirty_lock(pages, nr, !set);

out_free:
	kfree(pfns);
	kfree(pages);
	return ret;
}

long mshv_vp_ioctl_state(struct mshv_vp *vp, struct mshv_get_set_vp_state __user *uarg, bool set)
{
	struct mshv_get_set_vp_state args;
	struct hv_vp_state_data data;
	unsigned int nr;
	u64 size;
	int ret;

	if (copy_from_user(&args, uarg, sizeof(args)))
		return -EFAULT;
	if (args.type >= MSHV_VP_STATE_COUNT || memchr_inv(args.rsvd, 0, sizeof(args.rsvd)) ||
	    !args.buf_sz || !PAGE_ALIGNED(args.buf_sz) || !PAGE_ALIGNED(args.buf_ptr)) {
		pr_warn_ratelimited("%s_VP_STATE: state %u in %u bytes at %#llx is not offered\n",
				    set ? "SET" : "GET", args.type, args.buf_sz, args.buf_ptr);
		return -EINVAL;
	}
	if (!access_ok(u64_to_user_ptr(args.buf_ptr), args.buf_sz))
		return -EFAULT;

	ret = state_describe(vp, args.type, &data, &size);
	if (ret)
		return ret;
	if (size > MAX_STATE_PAGES * HV_HYP_PAGE_SIZE)
		return -EINVAL;
	/* A caller whose buffer is too small learns here how large it must be. */
	if (put_user((u32)size, &uarg->buf_sz))
		return -EFAULT;
	if (size > args.buf_sz)
		return -EINVAL;

	if (!(data.type & HV_VP_STATE_TYPE_PFN))
		return state_by_value(vp, &data, u64_to_user_ptr(args.buf_ptr), set);

	/* The buffer may be larger than can be told to the hypervisor; the state is not. */
	nr = min_t(u64, args.buf_sz / PAGE_SIZE, MAX_STATE_PAGES);

	return state_by_pages(vp, &data, args.buf_ptr, nr, set);
}
