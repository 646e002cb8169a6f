// SPDX-License-Identifier: GPL-2.0-only
/*
 * Running a VP under a scheduler of the hypervisor's: it runs from when it is
 * resumed until it has a message, which comes with an interrupt. Two registers
 * suspend it: one the hypervisor sets when it sends a message, one is ours.
 */
#include <linux/wait.h>

#include "hvcalls.h"
#include "partition.h"
#include "trace.h"
#include "vp.h"

/* How long a message that the hypervisor says is on its way may take */
#define MESSAGE_TIMEOUT	(5 * HZ)

/*
 * In this order, as the hypervisor does one after the other: a message of a VP
 * that is already running again must not be forgotten.
 */
static int resume(struct mshv_vp *vp)
{
	static const struct hv_register_assoc regs[] = {
		{ .name = HV_REGISTER_INTERCEPT_SUSPEND },
		{ .name = HV_REGISTER_EXPLICIT_SUSPEND },
	};
	int ret;

	ret = mshv_hvcall_set_vp_registers(vp->partition->id, vp->index, regs, ARRAY_SIZE(regs));
	trace_mshv_vp_clear_explicit_suspend(vp->partition->id, vp->index, ret);

	return ret;
}

int mshv_vp_suspend_hv(struct mshv_vp *vp, bool *message)
{
	static const struct hv_register_assoc suspend = {
		.name = HV_REGISTER_EXPLICIT_SUSPEND,
		.value.reg64 = HV_SUSPEND_SUSPENDED,
	};
	u64 intercept_suspend;
	int ret;

	/* When this returns, the VP executes nothing any more. */
	ret = mshv_hvcall_set_vp_registers(vp->partition->id, vp->index, &suspend, 1);
	if (ret)
		return ret;
	ret = mshv_hvcall_get_vp_register(vp->partition->id, vp->index,
					  HV_REGISTER_INTERCEPT_SUSPEND, &intercept_suspend);
	if (ret)
		return ret;
	*message = intercept_suspend & HV_SUSPEND_SUSPENDED;

	return 0;
}

/* The wait was interrupted: stop the VP, unless it just now has a message. */
static long stop(struct mshv_vp *vp, long reason)
{
	struct mshv_vp_run *run = &vp->run;
	bool message;
	int ret;

	ret = mshv_vp_suspend_hv(vp, &message);
	if (ret)
		return ret;
	run->resumed = false;

	/*
	 * The register is the hypervisor's word that a message was sent. It is also
	 * one that user space can write to, so there is an end to the waiting.
	 */
	if (message && wait_event_timeout(run->queue, READ_ONCE(run->kicked), MESSAGE_TIMEOUT))
		return 0;

	return reason;
}

long mshv_vp_run_hv(struct mshv_vp *vp)
{
	struct mshv_vp_run *run = &vp->run;
	long ret;

	ret = mshv_vp_entry_work(vp);
	if (ret)
		return ret;

	if (!run->resumed) {
		/* It is suspended, and all its messages have been taken. */
		WRITE_ONCE(run->kicked, false);
		ret = resume(vp);
		if (ret)
			return ret;
		run->resumed = true;
	}

	ret = wait_event_interruptible(run->queue,
				       READ_ONCE(run->kicked) || READ_ONCE(run->cancel));
	trace_mshv_vp_wait_for_hv_kick(vp->partition->id, vp->index, READ_ONCE(run->kicked),
				       false, false);
	if (READ_ONCE(run->kicked)) {
		run->resumed = false;
		return 0;
	}

	return stop(vp, ret ? mshv_vp_interrupted() : -EINTR);
}
