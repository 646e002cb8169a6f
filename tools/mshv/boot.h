/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Putting a program into the guest's memory, ready to start.
 */
#ifndef MSHV_BOOT_H
#define MSHV_BOOT_H

#include <stdint.h>

#include <mshv/memory.h>
#include "util.h"

/**
 * struct boot_entry - how the first processor starts
 * @rip: where
 * @rsp: its stack pointer
 * @rsi: its RSI
 * @tables: guest physical address of its GDT and page tables (64-bit mode only)
 */
struct boot_entry {
	uint64_t rip;
	uint64_t rsp;
	uint64_t rsi;
	uint64_t tables;
};

/**
 * boot_linux() - load a Linux kernel for the 64-bit boot protocol, or complain
 * @memory: the guest's memory
 * @name: the kernel image's name, for complaints
 * @image: the kernel image, a bzImage
 * @initrd: initial RAM disk, or NULL
 * @cmdline: kernel command line
 * @entry: how to start it
 *
 * Return: 0, or -1 after a complaint.
 */
int boot_linux(const struct mshv_memory *memory, const char *name, const struct file *image,
	       const struct file *initrd, const char *cmdline,
	       struct boot_entry *entry);

/* Where a flat guest starts, by its mode */
#define BOOT_FLAT_REAL		0x1000ULL
#define BOOT_FLAT_REAL_MAX	0x10000ULL	/* 16-bit offsets reach no further */
#define BOOT_FLAT_LONG		0x100000ULL

/**
 * boot_flat() - load a flat program, or complain
 * @memory: the guest's memory
 * @name: the program's name, for complaints
 * @image: the program
 * @long_mode: it is 64-bit code; otherwise it starts in real mode
 * @entry: how to start it
 *
 * Return: 0, or -1 after a complaint.
 */
int boot_flat(const struct mshv_memory *memory, const char *name, const struct file *image,
	      bool long_mode, struct boot_entry *entry);

#endif /* MSHV_BOOT_H */
