/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef OPENHV_LINUX_H
#define OPENHV_LINUX_H

struct vp;

/**
 * linux_load() - put the kernel and its boot data in place
 * @vp: the VP that will run it; its registers are set
 *
 * Refuses to go on with what is no kernel, or where it does not fit.
 */
void linux_load(struct vp *vp);

#endif /* OPENHV_LINUX_H */
