// SPDX-License-Identifier: GPL-2.0-only
/*
 * Loading a flat program.
 */
#include <inttypes.h>
#include <string.h>

#include <mshv/vp.h>

#include "boot.h"

/* 64-bit programs: their tables and their stack lie below them. */
#define TABLES	0x1000ULL
#define STACK	BOOT_FLAT_LONG

int boot_flat(const struct mshv_memory *memory, const char *name, const struct file *image,
	      bool long_mode, struct boot_entry *entry)
{
	uint64_t start = long_mode ? BOOT_FLAT_LONG : BOOT_FLAT_REAL;
	uint64_t end = memory->low;

	if (!long_mode && end > BOOT_FLAT_REAL_MAX)
		end = BOOT_FLAT_REAL_MAX;
	if (!image->size)
		return complain("%s: the file is empty", name);
	if (start > end || image->size > end - start)
		return complain("%s: %zu bytes at 0x%" PRIx64 " do not fit below 0x%" PRIx64, name,
				image->size, start, end);
	memcpy(mshv_memory_at(memory, start, image->size), image->data, image->size);

	memset(entry, 0, sizeof(*entry));
	entry->rip = start;
	entry->rsp = start;
	if (long_mode) {
		entry->rsp = STACK;
		entry->tables = TABLES;
		mshv_write_boot_tables(mshv_memory_at(memory, TABLES, MSHV_BOOT_TABLES_SIZE), TABLES);
	}
	return 0;
}
