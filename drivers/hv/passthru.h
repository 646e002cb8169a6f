/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MSHV_PASSTHRU_H
#define MSHV_PASSTHRU_H

#include <linux/types.h>

#include <uapi/linux/mshv.h>

struct mshv_partition;

/* The file that MSHV_ROOT_HVCALL came by */
enum mshv_passthru_from {
	MSHV_PASSTHRU_DEVICE,
	MSHV_PASSTHRU_PARTITION,
	MSHV_PASSTHRU_VP,
};

/**
 * mshv_ioctl_root_hvcall() - MSHV_ROOT_HVCALL
 * @partition: the partition that the call is about; NULL is root itself
 * @from: which file's list of permitted calls applies; of a partition's or a VP's
 *	the caller holds the mutex
 * @uarg: arguments; status and repetitions done are written back
 *
 * Return: 0; -EINVAL for a call that is not permitted or whose sizes are wrong;
 * the errno of the hypervisor's status; another negative errno.
 */
long mshv_ioctl_root_hvcall(struct mshv_partition *partition, enum mshv_passthru_from from,
			    struct mshv_root_hvcall __user *uarg);

#endif /* MSHV_PASSTHRU_H */
