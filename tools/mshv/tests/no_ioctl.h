/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * For tests that do not get as far as a device: each ioctl is one that there is not.
 */
#ifndef MSHV_TESTS_NO_IOCTL_H
#define MSHV_TESTS_NO_IOCTL_H

#include <errno.h>

int __wrap_ioctl(int fd, unsigned long request, void *args);
int __wrap_ioctl(int fd, unsigned long request, void *args)
{
	(void)fd;
	(void)request;
	(void)args;
	errno = ENOTTY;
	return -1;
}

#endif /* MSHV_TESTS_NO_IOCTL_H */
