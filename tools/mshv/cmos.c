// SPDX-License-Identifier: GPL-2.0-only
/*
 * The CMOS real-time clock (Motorola MC146818A data sheet): always in BCD and
 * 24 hours, without interrupts and alarm. Guests read the time when they boot.
 */
#include "vm.h"

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

/* Registers of the time are in BCD. */
static uint8_t read_register(uint8_t index, const struct tm *tm)
{
	static const uint8_t fixed[] = {
		[REG_A] = A_RATE, [REG_B] = B_24_HOURS, [REG_D] = D_VALID,
	};
	const int now[REG_CENTURY + 1] = {
		[REG_SECONDS] = tm->tm_sec,
		[REG_MINUTES] = tm->tm_min,
		[REG_HOURS] = tm->tm_hour,
		[REG_WEEKDAY] = tm->tm_wday + 1,
		[REG_DAY] = tm->tm_mday,
		[REG_MONTH] = tm->tm_mon + 1,
		[REG_YEAR] = tm->tm_year % 100,
		[REG_CENTURY] = (tm->tm_year + 1900) / 100,
	};

	if (index < ARRAY_SIZE(fixed) && fixed[index])
		return fixed[index];
	return index <= REG_CENTURY ? now[index] / 10 << 4 | now[index] % 10 : 0;
}

static uint64_t cmos_read(void *device, uint64_t offset, unsigned int size)
{
	const struct cmos *cmos = device;
	time_t seconds = cmos->now(NULL);
	struct tm tm;

	if (size != 1 || offset != 1)
		return ~0ULL;
	return read_register(cmos->selected, gmtime_r(&seconds, &tm));
}

static void cmos_write(void *device, uint64_t offset, unsigned int size, uint64_t value)
{
	struct cmos *cmos = device;

	if (size == 1 && offset == 0)
		cmos->selected = value & 0x7f;
}

const struct mshv_device_ops cmos_ops = { .read = cmos_read, .write = cmos_write };
