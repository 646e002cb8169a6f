/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * libmshv: a guest's memory: one piece from address 0, and one above 4 GiB if it
 * does not all fit below the devices of a PC.
 */
#ifndef MSHV_MEMORY_H
#define MSHV_MEMORY_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Devices lie between here and 4 GiB. */
#define MSHV_MEMORY_HOLE	0xc0000000ULL
#define MSHV_MEMORY_HIGH	0x100000000ULL
/* The most that there can be, in bytes */
#define MSHV_MEMORY_MAX		(1ULL << 46)

/**
 * struct mshv_memory - a guest's memory
 * @base: where it is in this process, in one piece
 * @low: bytes below MSHV_MEMORY_HOLE
 * @high: bytes from MSHV_MEMORY_HIGH on
 */
struct mshv_memory {
	uint8_t *base;
	uint64_t low;
	uint64_t high;
};

/**
 * mshv_memory_init() - get memory for a guest
 * @memory: what to fill in
 * @size: bytes, at most MSHV_MEMORY_MAX; rounded up to whole pages
 *
 * It is all zero, and takes no room in the host until it is touched.
 *
 * Return: 0 or a negative errno.
 */
int mshv_memory_init(struct mshv_memory *memory, uint64_t size);

/**
 * mshv_memory_destroy() - give the memory back
 * @memory: the memory; nothing happens if it was not got
 */
void mshv_memory_destroy(struct mshv_memory *memory);

/**
 * mshv_memory_map() - let a partition have it, to read, write and execute
 * @memory: the memory
 * @partition: file descriptor of the partition
 *
 * Return: 0 or a negative errno.
 */
int mshv_memory_map(const struct mshv_memory *memory, int partition);

/**
 * mshv_memory_at() - where guest memory is in this process
 * @memory: the memory
 * @gpa: guest physical address
 * @size: bytes
 *
 * Return: a pointer, or NULL if not all of it is memory.
 */
void *mshv_memory_at(const struct mshv_memory *memory, uint64_t gpa, uint64_t size);

/**
 * mshv_memory_take_dirty() - count the pages that are dirty, and clean them
 * @memory: the memory
 * @partition: the partition that has it, with property GPA_PAGE_ACCESS_TRACKING at 1
 *
 * What this process has written is not among them.
 *
 * Return: number of 4 KiB pages, or a negative errno.
 */
int64_t mshv_memory_take_dirty(const struct mshv_memory *memory, int partition);

#ifdef __cplusplus
}
#endif

#endif /* MSHV_MEMORY_H */
