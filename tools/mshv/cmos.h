/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The CMOS real-time clock, which shows the host's time and cannot be set.
 */
#ifndef MSHV_CMOS_H
#define MSHV_CMOS_H

#include <time.h>

#include <mshv/bus.h>

#define CMOS_PORTS	2

/**
 * struct cmos - the clock
 * @now: what time it is, in seconds since 1970 UTC; never NULL
 * @selected: index of the register that the data port reaches
 */
struct cmos {
	time_t (*now)(void);
	uint8_t selected;
};

extern const struct mshv_device_ops cmos_ops;

#endif /* MSHV_CMOS_H */
