/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MSHV_ACCESS_H
#define MSHV_ACCESS_H

#include <uapi/linux/mshv.h>

struct mshv_partition;

/**
 * mshv_ioctl_get_gpap_access_bitmap() - MSHV_GET_GPAP_ACCESS_BITMAP
 * @partition: the partition; the caller holds its mutex
 * @uarg: arguments; the number of pages done is written back
 *
 * Return: 0; a negative errno.
 */
long mshv_ioctl_get_gpap_access_bitmap(struct mshv_partition *partition,
				       struct mshv_gpap_access_bitmap __user *uarg);

#endif /* MSHV_ACCESS_H */
