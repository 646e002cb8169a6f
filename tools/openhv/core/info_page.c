// SPDX-License-Identifier: GPL-2.0-only
/*
 * openhv's own pages for root, and the log.
 */
#include <asm/x86.h>
#include <openhv/atomic.h>
#include <openhv/gpamap.h>
#include <openhv/info_page.h>
#include <openhv/log.h>
#include <openhv/memory.h>
#include <openhv/partition.h>
#include <openhv/string.h>
#include <openhv/version.h>

#define LOG_SIZE	65536U
#define INFO_SIZE	ALIGN_UP(sizeof(struct openhv_info), PAGE_SIZE)
#define LINE_MAX	256

/* Before the pages are there the log goes here. */
static u8 early[PAGE_SIZE];
static struct openhv_info early_info;

struct openhv_info *openhv_info = &early_info;
u32 openhv_info_pages = (INFO_SIZE + LOG_SIZE) / PAGE_SIZE;

static u8 *ring = early;
static u32 ring_size = PAGE_SIZE;
static struct spinlock log_lock;
enum log_level log_level = LOG_INFO;

void info_page_init(void)
{
	u8 *base = NULL;
	u32 i;

	/* The pool gives pages in ascending order at boot. */
	for (i = 0; i < openhv_info_pages; i++) {
		u8 *page = own_alloc();

		if (!base)
			base = page;
		if (page != base + i * PAGE_SIZE)
			refuse("openhv's memory is not in one piece");
	}
	openhv_info = (void *)base;
	openhv_info->magic = OPENHV_INFO_MAGIC;
	openhv_info->version = OPENHV_INFO_VERSION;
	openhv_info->size = sizeof(*openhv_info);
	snprintf(openhv_info->version_string, sizeof(openhv_info->version_string), "%s",
		 OPENHV_VERSION_STRING);
	openhv_info->own_pages = own_total_pages();
	openhv_info->tsc_hz = tsc_hz;
	openhv_info->apic_timer_hz = apic_timer_hz;
	openhv_info->log_offset = INFO_SIZE;
	openhv_info->log_size = LOG_SIZE;

	spin_lock(&log_lock);
	ring = base + INFO_SIZE;
	ring_size = LOG_SIZE;
	/* At boot the early ring has not wrapped. */
	openhv_info->log_head = early_info.log_head;
	memcpy(ring, early, min(early_info.log_head, (u64)sizeof(early)));
	spin_unlock(&log_lock);
}

void info_page_show(void)
{
	u64 pfn = virt_to_phys(openhv_info) >> PAGE_SHIFT;
	u32 i;

	for (i = 0; i < openhv_info_pages; i++) {
		frames_set(pfn + i, 1, FRAME_SHOWN);
		root_show_page(pfn + i, GPA_READ);
	}
	info_page_update();
}

void info_page_update(void)
{
	openhv_info->partition_count = partition_children();
	openhv_info->free_pages = own_free_pages();
	openhv_info->deposited_pages = pool_deposited_total();
}

static void put(const char *s, size_t n, bool serial)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (serial && s[i] == '\n')
			serial_putc('\r');
		if (serial)
			serial_putc(s[i]);
		ring[openhv_info->log_head++ & (ring_size - 1)] = s[i];
	}
}

static void emit(const char *name, bool serial, const char *fmt, va_list args)
{
	char line[LINE_MAX];
	u64 us = tsc_hz ? tsc_to_100ns(rdtsc()) / 10 : 0;
	int n;

	n = snprintf(line, sizeof(line), "[%5llu.%06llu] openhv: %s", us / 1000000, us % 1000000,
		     name);
	n += vsnprintf(line + n, sizeof(line) - n, fmt, args);
	n = min(n, LINE_MAX - 2);
	line[n++] = '\n';
	spin_lock(&log_lock);
	put(line, n, serial);
	spin_unlock(&log_lock);
}

void log_printf(enum log_level level, const char *fmt, ...)
{
	static const char * const names[] = { "ERROR ", "WARN  ", "", "debug " };
	va_list args;

	va_start(args, fmt);
	emit(names[level], true, fmt, args);
	va_end(args);
}

void log_ring(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	emit("", false, fmt, args);
	va_end(args);
}

void panic(const char *fmt, ...)
{
	va_list args;

	/* Whoever holds the lock may be the one that failed. */
	log_lock.locked = 0;
	va_start(args, fmt);
	log_printf(LOG_ERROR, "PANIC:");
	emit("ERROR ", true, fmt, args);
	va_end(args);
	dump_state(NULL);
	machine_stop(DEBUG_EXIT_PANIC);
}

void refuse(const char *fmt, ...)
{
	va_list args;

	/* Too early for the options, perhaps: say it where most look. */
	serial_init_default();
	va_start(args, fmt);
	emit("ERROR ", true, fmt, args);
	va_end(args);
	machine_stop(DEBUG_EXIT_REFUSED);
}
