/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MSHV_IOEVENTFD_H
#define MSHV_IOEVENTFD_H

#include <uapi/linux/mshv.h>

struct mshv_partition;

/**
 * mshv_ioctl_ioeventfd() - MSHV_IOEVENTFD
 * @partition: the partition; the caller holds its mutex
 * @uarg: arguments
 *
 * Return: 0; a negative errno.
 */
long mshv_ioctl_ioeventfd(struct mshv_partition *partition,
			  struct mshv_user_ioeventfd __user *uarg);

/**
 * mshv_ioeventfd_release() - remove all ioeventfds of a partition
 * @partition: the partition, whose file is being closed
 *
 * None of them is signalled after this. May sleep.
 */
void mshv_ioeventfd_release(struct mshv_partition *partition);

#endif /* MSHV_IOEVENTFD_H */
