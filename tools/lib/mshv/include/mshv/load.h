/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * libmshv: putting a program into a guest's memory, and a VP where it starts.
 */
#ifndef MSHV_LOAD_H
#define MSHV_LOAD_H

#include <stdbool.h>

#include <mshv/memory.h>
#include <mshv/vp.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Where a BIOS is: Linux leaves it alone, and looks for the ACPI RSDP there. */
#define MSHV_LOAD_BIOS		0xe0000ULL
#define MSHV_LOAD_BIOS_SIZE	0x20000ULL

/**
 * struct mshv_linux - a Linux kernel and what it is told
 * @kernel: the kernel image, a bzImage
 * @kernel_size: bytes
 * @initrd: initial RAM disk, or NULL
 * @initrd_size: bytes
 * @cmdline: kernel command line
 * @rsdp: guest physical address of the ACPI RSDP, or 0
 */
struct mshv_linux {
	const void *kernel;
	size_t kernel_size;
	const void *initrd;
	size_t initrd_size;
	const char *cmdline;
	uint64_t rsdp;
};

/**
 * mshv_load_linux() - load a Linux kernel by the 64-bit boot protocol
 * @vp: the VP that starts it, never run
 * @memory: the guest's memory
 * @program: the kernel, which may be anything at all
 *
 * Return: 0, -ENOEXEC if it is no kernel that starts so, -ENOMEM if there is too
 * little memory, -E2BIG for a command line that is too long, or another negative
 * errno; mshv_strerror() says more.
 */
int mshv_load_linux(struct mshv_vp *vp, const struct mshv_memory *memory,
		    const struct mshv_linux *program);

/* Where a flat program starts, by its mode */
#define MSHV_LOAD_REAL		0x1000ULL
#define MSHV_LOAD_LONG		0x100000ULL

/**
 * mshv_load_flat() - load a flat program
 * @vp: the VP that starts it, never run
 * @memory: the guest's memory
 * @image: the program
 * @size: bytes
 * @long_mode: it is 64-bit code; otherwise it starts in real mode
 *
 * Return: 0, -ENOEXEC for a program of no bytes, -ENOMEM if it does not fit, or
 * another negative errno.
 */
int mshv_load_flat(struct mshv_vp *vp, const struct mshv_memory *memory, const void *image,
		   size_t size, bool long_mode);

#ifdef __cplusplus
}
#endif

#endif /* MSHV_LOAD_H */
