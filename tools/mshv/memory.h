/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The guest's memory: one piece from address 0, and one above 4 GiB if it does
 * not all fit below the devices.
 */
#ifndef MSHV_MEMORY_H
#define MSHV_MEMORY_H

#include <stdint.h>

/* Devices lie between here and 4 GiB. */
#define MEMORY_HOLE	0xc0000000ULL
#define MEMORY_HIGH	0x100000000ULL

/**
 * struct guest_memory - the guest's memory
 * @base: where it is in this process, in one piece
 * @low: bytes below MEMORY_HOLE
 * @high: bytes from MEMORY_HIGH on
 */
struct guest_memory {
	uint8_t *base;
	uint64_t low;
	uint64_t high;
};

/**
 * memory_init() - get memory for a guest, or complain
 * @memory: what to fill in
 * @size: bytes; rounded up to whole pages
 *
 * It takes no room in the host until it is touched.
 *
 * Return: 0, or -1 after a complaint.
 */
int memory_init(struct guest_memory *memory, uint64_t size);

/**
 * memory_free() - give the memory back
 * @memory: the memory; nothing happens if it was not got
 */
void memory_free(struct guest_memory *memory);

/**
 * memory_at() - where guest memory is in this process
 * @memory: the memory
 * @gpa: guest physical address
 * @size: bytes
 *
 * Return: a pointer, or NULL if not all of it is memory.
 */
void *memory_at(const struct guest_memory *memory, uint64_t gpa, uint64_t size);

#endif /* MSHV_MEMORY_H */
