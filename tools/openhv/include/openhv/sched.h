/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a scheduler has to know of VPs (TLFS, "Virtual Processor Execution").
 */
#ifndef OPENHV_SCHED_H
#define OPENHV_SCHED_H

#include <openhv/types.h>

struct vp;
struct lp;

/* The suspend registers; the caller owns the VP. */
hv_status_t sched_explicit_suspend(struct vp *vp, bool suspend);
hv_status_t sched_intercept_suspend(struct vp *vp, bool suspend);
hv_status_t sched_dispatch_suspend(struct vp *vp, bool suspend);

/* A VP that said it was blocked has something to do. */
void sched_wake(struct vp *vp);

/* A VP is going away: nothing may refer to it any more. */
void sched_forget(struct vp *vp);

#endif /* OPENHV_SCHED_H */
