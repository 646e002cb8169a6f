// SPDX-License-Identifier: GPL-2.0-only
/*
 * openhv's memory: its image, and one block at the top of the RAM below 4 GiB.
 */
#include <asm/cpu.h>
#include <asm/paging.h>
#include <asm/x86.h>
#include <openhv/info_page.h>
#include <openhv/log.h>
#include <openhv/lp.h>
#include <openhv/memory.h>
#include <openhv/platform.h>
#include <openhv/string.h>
#include <openhv/vcpu.h>
#include <openhv/vlapic.h>
#include "multiboot.h"

extern char image_start[], image_end[];

static u64 block_base, block_size;

/* Pages for each LP and its root VP, and for what there is one of, with some to spare */
#define PAGES_PER_LP	24
#define PAGES_FIXED	160
/* Tables for memory of devices that root touches later */
#define PAGES_DEVICES	512

static u64 pages_needed(u64 *table_pages, u32 cpus)
{
	u64 ram = 0, end = e820_ram_end();
	u32 i;

	for (i = 0; i < e820_count; i++) {
		if (e820[i].type == E820_RAM)
			ram += e820[i].size;
	}
	/* Root's page tables, down to 4 KiB for all of its RAM: they can always be split. */
	*table_pages = DIV_ROUND_UP(ram, SIZE_2M) + e820_count + DIV_ROUND_UP(end, SIZE_1G) +
		       PAGES_DEVICES;
	return PAGES_FIXED + cpus * PAGES_PER_LP + DIV_ROUND_UP(end >> PAGE_SHIFT, PAGE_SIZE / 2) +
	       paging_pages(platform_map_end()) + openhv_info_pages;
}

static bool overlaps(u64 base, u64 size, u64 other, u64 other_size)
{
	return base < other + other_size && other < base + size;
}

/* The highest place below 4 GiB that is RAM and holds nothing that is needed yet */
static u64 find_block(u64 size)
{
	u64 best = 0;
	u32 i;

	for (i = 0; i < e820_count; i++) {
		u64 end = min(e820[i].base + e820[i].size, 1UL << 32), base;

		if (e820[i].type != E820_RAM || end < size + e820[i].base)
			continue;
		base = ALIGN_DOWN(end - size, SIZE_2M);
		if (base < e820[i].base)
			base = ALIGN_UP(e820[i].base, PAGE_SIZE);
		if (base + size > end || base < SIZE_2M ||
		    overlaps(base, size, (u64)image_start, image_end - image_start) ||
		    overlaps(base, size, boot_info.kernel.start, boot_info.kernel.size) ||
		    (boot_info.has_initrd &&
		     overlaps(base, size, boot_info.initrd.start, boot_info.initrd.size)))
			continue;
		if (base > best)
			best = base;
	}
	return best;
}

u64 platform_map_end(void)
{
	return ALIGN_UP(max(e820_ram_end(), 1UL << 32), SIZE_1G);
}

bool platform_is_own(u64 pfn, u64 count)
{
	u64 base = pfn << PAGE_SHIFT, size = count << PAGE_SHIFT;

	return overlaps(base, size, (u64)image_start, ALIGN_UP((u64)(image_end - image_start),
							      PAGE_SIZE)) ||
	       overlaps(base, size, block_base, block_size) ||
	       overlaps(base, size, APIC_DEFAULT_BASE, PAGE_SIZE);
}

bool platform_tsc_invariant(void)
{
	u32 a, b, c, d;

	/* The emulator's TSC is the same on all of its processors. */
	if (platform_is_tcg())
		return true;
	cpuid_count(0x80000000, 0, &a, &b, &c, &d);
	if (a < 0x80000007)
		return false;
	cpuid_count(0x80000007, 0, &a, &b, &c, &d);
	return d & BIT(8);
}

void platform_memory_init(u32 cpus)
{
	u64 table_pages, pages = pages_needed(&table_pages, cpus), end = e820_ram_end();
	u64 frames_size = ALIGN_UP((end >> PAGE_SHIFT) * sizeof(u16), PAGE_SIZE);
	u64 image = ALIGN_DOWN((u64)image_start, PAGE_SIZE);
	u32 i;

	block_size = (pages + table_pages) << PAGE_SHIFT;
	block_base = find_block(block_size);
	if (!block_base)
		refuse("too little memory: %llu KiB in one piece below 4 GiB are needed",
		       block_size / 1024);

	/* The frame table is the block's beginning; the rest is openhv's pool. */
	memset((void *)block_base, 0, frames_size);
	frames_init((u16 *)block_base, end >> PAGE_SHIFT);
	for (i = 0; i < e820_count; i++) {
		u64 first = ALIGN_UP(e820[i].base, PAGE_SIZE) >> PAGE_SHIFT;
		u64 last = (e820[i].base + e820[i].size) >> PAGE_SHIFT;

		if (e820[i].type == E820_RAM && last > first)
			frames_set(first, last - first, FRAME_ROOT);
	}
	e820_reserve(image, ALIGN_UP((u64)image_end, PAGE_SIZE) - image);
	e820_reserve(block_base, block_size);
	frames_set(image >> PAGE_SHIFT, (ALIGN_UP((u64)image_end, PAGE_SIZE) - image) >> PAGE_SHIFT,
		   FRAME_OPENHV);
	frames_set(block_base >> PAGE_SHIFT, block_size >> PAGE_SHIFT, FRAME_OPENHV);
	own_init(block_base + frames_size, (block_size - frames_size) >> PAGE_SHIFT);
	log_info("memory: %llu MiB of RAM, openhv takes %llu KiB at %llx, of these %llu KiB for root's page tables",
		 end >> 20, block_size / 1024, block_base, table_pages * 4);
}
