// SPDX-License-Identifier: GPL-2.0-only
/*
 * MSHV_RUN_VP: what both schedulers have in common.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/printk.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "compat.h"
#include "hvcalls.h"
#include "intr.h"
#include "mshv.h"
#include "partition.h"
#include "trace.h"
#include "vp.h"

int mshv_vp_run_init(struct mshv_vp *vp)
{
	struct mshv_vp_run *run = &vp->run;

	BUILD_BUG_ON(sizeof(struct hv_message) != MSHV_RUN_VP_BUF_SZ);

	/* Rounded to a power of two, it lies within a page. */
	run->dispatch = kzalloc(roundup_pow_of_two(sizeof(*run->dispatch)), GFP_KERNEL_ACCOUNT);
	if (!run->dispatch)
		return -ENOMEM;
	init_waitqueue_head(&run->queue);
	atomic64_set(&run->signals, 0);
	run->cpu = -1;

	return 0;
}

void mshv_vp_run_exit(struct mshv_vp *vp)
{
	kfree(vp->run.dispatch);
}

void mshv_vp_kick(struct mshv_vp *vp)
{
	atomic64_inc(&vp->run.signals);
	WRITE_ONCE(vp->run.kicked, true);
	wake_up(&vp->run.queue);
}

/*
 * Work that is no signal is done on the way to user mode and back: modules have
 * no other way to it. A pretended signal makes the kernel look at the return
 * code, which restarts the ioctl unless a real signal has a handler to run.
 */
static long restart_by_user_mode(void)
{
	set_thread_flag(TIF_SIGPENDING);

	return -ERESTARTNOHAND;
}

long mshv_vp_interrupted(void)
{
	if (task_sigpending(current))
		return -EINTR;

	return restart_by_user_mode();
}

long mshv_vp_entry_work(struct mshv_vp *vp)
{
	unsigned long flags;
	long ret = 0;

	for (;;) {
		flags = read_thread_flags();
		if (READ_ONCE(vp->run.cancel))
			return -EINTR;
		if (!(flags & MSHV_TIF_WORK))
			return 0;

		if (flags & _TIF_SIGPENDING)
			ret = -EINTR;
		else if (flags & (_TIF_NOTIFY_SIGNAL | _TIF_NOTIFY_RESUME))
			ret = restart_by_user_mode();
		else
			schedule();
		trace_mshv_xfer_to_guest_mode_work(vp->partition->id, vp->index, flags, ret);
		if (ret)
			return ret;
	}
}

long mshv_vp_ioctl_cancel(struct mshv_vp *vp, unsigned long flags)
{
	struct mshv_vp_run *run = &vp->run;

	if (flags & ~(unsigned long)MSHV_CANCEL_VP_FLAGS_MASK) {
		pr_warn_ratelimited("CANCEL_VP: flags %#lx are not offered\n", flags);
		return -EINVAL;
	}
	if (flags & MSHV_CANCEL_VP_CLEAR)
		return xchg(&run->cancel, false);

	WRITE_ONCE(run->cancel, true);
	/* Orders this before the look at where the VP is; see dispatch(). */
	smp_mb();
	wake_up(&run->queue);
	if (mshv_root_scheduler())
		mshv_vp_interrupt_root(vp);

	return 0;
}

/* A page that is not there may only have been moved, or not been touched yet. */
static bool gpa_intercept_handled(struct mshv_vp *vp, const struct hv_message *message)
{
	const struct hv_x64_memory_intercept_message *intercept = (void *)message->u.payload;
	u64 gfn = READ_ONCE(intercept->guest_physical_address) >> HV_HYP_PAGE_SHIFT;
	u8 access = READ_ONCE(intercept->header.intercept_access_type);
	bool handled;

	handled = !mshv_mem_fault(vp->partition, gfn, access);
	trace_mshv_handle_gpa_intercept(vp->partition->id, vp->index, gfn, access, handled);

	return handled;
}

/*
 * Deal with a message that user space need not see. The page that it is in is user
 * space's too; what is done here can only hurt the guest.
 */
static bool intercept_handled(struct mshv_vp *vp)
{
	const struct hv_message *message = vp->intercept_page;
	const struct hv_x64_apic_eoi_message *eoi;

	switch (READ_ONCE(message->header.message_type)) {
	case HVMSG_GPA_INTERCEPT:
		return gpa_intercept_handled(vp, message);
	case HVMSG_X64_APIC_EOI:
		eoi = (const void *)message->u.payload;
		return mshv_irqfd_eoi(vp->partition, READ_ONCE(eoi->interrupt_vector));
	default:
		return false;
	}
}

static long run_until_message(struct mshv_vp *vp)
{
	long ret;

	do {
		ret = mshv_root_scheduler() ? mshv_vp_run_root(vp) : mshv_vp_run_hv(vp);
	} while (!ret && intercept_handled(vp));

	return ret;
}

long mshv_vp_ioctl_run(struct mshv_vp *vp, struct mshv_run_vp __user *uarg)
{
	struct mshv_vp_run *run = &vp->run;
	long ret = 0;

	lockdep_assert_held(&vp->mutex);
	trace_mshv_run_vp_entry(vp->partition->id, vp->index);

	/* One that came while a message was being delivered goes before the next. */
	if (READ_ONCE(run->cancel))
		ret = -EINTR;
	else if (!run->message_pending)
		ret = run_until_message(vp);
	if (ret)
		goto out;
	run->message_pending = true;

	/* A message that user space could not take is there the next time. */
	if (copy_to_user(uarg, vp->intercept_page, sizeof(*vp->intercept_page)))
		ret = -EFAULT;
	else
		run->message_pending = false;

out:
	/* Whatever it was that interrupted, who asked for it has got it. */
	if (ret == -EINTR)
		WRITE_ONCE(run->cancel, false);
	trace_mshv_run_vp_exit(vp->partition->id, vp->index,
			       READ_ONCE(vp->intercept_page->header.message_type), ret);

	return ret;
}
