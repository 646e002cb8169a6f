/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * What the files of libmshv share with each other.
 */
#ifndef MSHV_INTERNAL_H
#define MSHV_INTERNAL_H

#include <mshv/mshv.h>

#define ARRAY_SIZE(array)	(sizeof(array) / sizeof((array)[0]))

/**
 * mshv_fail() - record why a call failed
 * @error: errno value, positive
 * @status: HV_STATUS_*, or HV_STATUS_SUCCESS
 * @call: name of the ioctl or hypercall, a string that stays
 * @fmt: what it was called for, in the manner of printf
 *
 * errno is set as well, for those who look there.
 *
 * Return: -@error.
 */
__attribute__((format(printf, 4, 5)))
int mshv_fail(int error, unsigned int status, const char *call, const char *fmt, ...);

#endif /* MSHV_INTERNAL_H */
