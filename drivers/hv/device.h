/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MSHV_DEVICE_H
#define MSHV_DEVICE_H

/**
 * mshv_device_init() - load the module: find the hypervisor, and offer /dev/mshv
 *
 * Return: 0; -ENODEV anywhere but on a root partition; another negative errno.
 */
int mshv_device_init(void);

/**
 * mshv_device_exit() - undo mshv_device_init()
 *
 * No file of the device or of a partition is open.
 */
void mshv_device_exit(void);

/**
 * mshv_ioctl_unknown() - answer an ioctl that a file does not have
 * @file: what kind of file it is, for the log
 * @cmd: the ioctl
 *
 * Return: -ENOTTY.
 */
long mshv_ioctl_unknown(const char *file, unsigned int cmd);

#endif /* MSHV_DEVICE_H */
