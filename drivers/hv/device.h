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

#endif /* MSHV_DEVICE_H */
