// SPDX-License-Identifier: GPL-2.0-only
/*
 * What both schedulers have in common: the suspend registers.
 */
#include <openhv/partition.h>
#include <openhv/sched.h>

const struct sched_ops *sched = &sched_root;

hv_status_t sched_explicit_suspend(struct vp *vp, bool suspend)
{
	bool was = vp->explicit_suspend;

	vp->explicit_suspend = suspend;
	if (was && !suspend)
		sched->resume(vp);
	return HV_STATUS_SUCCESS;
}

hv_status_t sched_intercept_suspend(struct vp *vp, bool suspend)
{
	bool was = vp->intercept_suspend;

	vp->intercept_suspend = suspend;
	if (was && !suspend)
		sched->resume(vp);
	return HV_STATUS_SUCCESS;
}

hv_status_t sched_dispatch_suspend(struct vp *vp, bool suspend)
{
	bool was = vp->dispatch_suspend;

	WRITE_ONCE(vp->dispatch_suspend, suspend);
	if (was && !suspend)
		sched->resume(vp);
	return HV_STATUS_SUCCESS;
}
