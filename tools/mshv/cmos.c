// SPDX-License-Identifier: GPL-2.0-only
/*
 * The CMOS real-time clock (Motorola MC146818A data sheet): always in BCD and
 * 24 hours, without interrupts and alarm. Guests read the time when they boot.
 */
#include "cmos.h"

enum {
	REG_SECONDS	= 0x00,
	REG_MINUTES	= 0x02,
	REG_HOURS	= 0x04,
	REG_WEEKDAY	= 0x06,
	REG_DAY		= 0x07,
	REG_MONTH	= 0x08,
	REG_YEAR	= 0x09,
	REG_A		= 0x0a,
	REG_B		= 0x0b,
	REG_D		= 0x0d,
	REG_CENTURY	= 0x32,
};

#define A_RATE		0x26	/* 32768 Hz time base, 1024 Hz rate; no update in progress */
#define B_24_HOURS	0x02
#define D_VALID		0x80

static uint8_t bcd(int value)
{
	return value / 10 << 4 | value % 10;
}

static uint8_t read_register(const struct cmos *cmos)
{
	time_t seconds = cmos->now();
	struct tm tm;

	gmtime_r(&seconds, &tm);
	switch (cmos->selected) {
	case REG_SECONDS:
		return bcd(tm.tm_sec);
	case REG_MINUTES:
		return bcd(tm.tm_min);
	case REG_HOURS:
		return bcd(tm.tm_hour);
	case REG_WEEKDAY:
		return bcd(tm.tm_wday + 1);
	case REG_DAY:
		return bcd(tm.tm_mday);
	case REG_MONTH:
		return bcd(tm.tm_mon + 1);
	case REG_YEAR:
		return bcd(tm.tm_year % 100);
	case REG_CENTURY:
		return bcd((tm.tm_year + 1900) / 100);
	case REG_A:
		return A_RATE;
	case REG_B:
		return B_24_HOURS;
	case REG_D:
		return D_VALID;
	default:
		return 0;
	}
}

static uint64_t cmos_read(void *device, uint64_t offset, unsigned int size)
{
	const struct cmos *cmos = device;

	return size == 1 && offset == 1 ? read_register(cmos) : ~0ULL;
}

static void cmos_write(void *device, uint64_t offset, unsigned int size, uint64_t value)
{
	struct cmos *cmos = device;

	if (size == 1 && offset == 0)
		cmos->selected = value & 0x7f;
}

const struct device_ops cmos_ops = {
	.read = cmos_read,
	.write = cmos_write,
};
