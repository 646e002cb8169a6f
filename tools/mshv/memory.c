// SPDX-License-Identifier: GPL-2.0-only
/*
 * The guest's memory.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/mman.h>

#include "memory.h"
#include "util.h"

#define LARGE_PAGE	(2 * MIB)

int memory_init(struct guest_memory *memory, uint64_t size)
{
	uint8_t *mem;
	uint64_t head;

	memset(memory, 0, sizeof(*memory));
	if (size > 1ULL << 46)
		return complain("--memory: too much");
	size = align_up(size, PAGE_SIZE);

	/* Aligned, so that large pages here can be large pages in the guest. */
	mem = mmap(NULL, size + LARGE_PAGE, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (mem == MAP_FAILED)
		return complain("no %" PRIu64 " MiB of memory for the guest: %s", size / MIB,
				strerror(errno));
	head = -(uintptr_t)mem % LARGE_PAGE;
	if (head)
		munmap(mem, head);
	if (head != LARGE_PAGE)
		munmap(mem + head + size, LARGE_PAGE - head);

	memory->base = mem + head;
	memory->low = size < MEMORY_HOLE ? size : MEMORY_HOLE;
	memory->high = size - memory->low;
	/* Both are wishes: a kernel without them does without. */
	madvise(memory->base, size, MADV_HUGEPAGE);
	madvise(memory->base, size, MADV_DONTDUMP);
	return 0;
}

void memory_free(struct guest_memory *memory)
{
	if (memory->base)
		munmap(memory->base, memory->low + memory->high);
	memory->base = NULL;
}

void *memory_at(const struct guest_memory *memory, uint64_t gpa, uint64_t size)
{
	if (gpa <= memory->low && size <= memory->low - gpa)
		return memory->base + gpa;
	if (gpa < MEMORY_HIGH)
		return NULL;
	gpa -= MEMORY_HIGH;
	if (gpa <= memory->high && size <= memory->high - gpa)
		return memory->base + memory->low + gpa;
	return NULL;
}
