// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * A guest's memory.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include <mshv/memory.h>

#include "internal.h"

#define LARGE_PAGE	(1ULL << HV_HYP_LARGE_PAGE_SHIFT)
#define CHUNK_PAGES	32768ULL	/* asked for at a time: 128 MiB */

int mshv_memory_init(struct mshv_memory *memory, uint64_t size)
{
	uint8_t *mem;
	uint64_t head;

	memset(memory, 0, sizeof(*memory));
	if (!size || size > MSHV_MEMORY_MAX)
		return mshv_fail(EINVAL, HV_STATUS_SUCCESS, "memory for the guest",
				 "%llu MiB", (unsigned long long)size >> 20);
	size = (size + MSHV_HV_PAGE_SIZE - 1) & -(uint64_t)MSHV_HV_PAGE_SIZE;

	/* Aligned, so that large pages here can be large pages in the guest. */
	mem = mmap(NULL, size + LARGE_PAGE, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (mem == MAP_FAILED)
		return mshv_fail(errno, HV_STATUS_SUCCESS, "memory for the guest",
				 "%llu MiB", (unsigned long long)size >> 20);
	head = -(uintptr_t)mem % LARGE_PAGE;
	if (head)
		munmap(mem, head);
	if (head != LARGE_PAGE)
		munmap(mem + head + size, LARGE_PAGE - head);

	memory->base = mem + head;
	memory->low = size < MSHV_MEMORY_HOLE ? size : MSHV_MEMORY_HOLE;
	memory->high = size - memory->low;
	/* Both are wishes: a kernel without them does without. */
	madvise(memory->base, size, MADV_HUGEPAGE);
	madvise(memory->base, size, MADV_DONTDUMP);
	return 0;
}

void mshv_memory_destroy(struct mshv_memory *memory)
{
	if (memory->base)
		munmap(memory->base, memory->low + memory->high);
	memory->base = NULL;
}

int mshv_memory_map(const struct mshv_memory *memory, int partition)
{
	const __u8 flags = 1 << MSHV_SET_MEM_BIT_WRITABLE | 1 << MSHV_SET_MEM_BIT_EXECUTABLE;
	int ret = mshv_map_memory(partition, 0, memory->base, memory->low, flags);

	if (!ret && memory->high)
		ret = mshv_map_memory(partition, MSHV_MEMORY_HIGH, memory->base + memory->low,
				      memory->high, flags);
	return ret;
}

void *mshv_memory_at(const struct mshv_memory *memory, uint64_t gpa, uint64_t size)
{
	if (gpa <= memory->low && size <= memory->low - gpa)
		return memory->base + gpa;
	if (gpa < MSHV_MEMORY_HIGH)
		return NULL;
	gpa -= MSHV_MEMORY_HIGH;
	if (gpa <= memory->high && size <= memory->high - gpa)
		return memory->base + memory->low + gpa;
	return NULL;
}

static int64_t take_dirty(int partition, uint64_t gpa, uint64_t size)
{
	uint64_t pages = size / MSHV_HV_PAGE_SIZE, n, i, bitmap[CHUNK_PAGES / 64];
	int64_t dirty = 0;
	long ret;

	for (; pages; pages -= n, gpa += n * MSHV_HV_PAGE_SIZE) {
		n = pages < CHUNK_PAGES ? pages : CHUNK_PAGES;
		memset(bitmap, 0, sizeof(bitmap));
		ret = mshv_get_access_bitmap(partition, MSHV_GPAP_ACCESS_TYPE_DIRTY,
					     MSHV_GPAP_ACCESS_OP_CLEAR, gpa, n, bitmap);
		if (ret < 0)
			return ret;
		for (i = 0; i < ARRAY_SIZE(bitmap); i++)
			dirty += __builtin_popcountll(bitmap[i]);
	}
	return dirty;
}

int64_t mshv_memory_take_dirty(const struct mshv_memory *memory, int partition)
{
	int64_t low = take_dirty(partition, 0, memory->low), high;

	if (low < 0 || !memory->high)
		return low;
	high = take_dirty(partition, MSHV_MEMORY_HIGH, memory->high);
	return high < 0 ? high : low + high;
}
