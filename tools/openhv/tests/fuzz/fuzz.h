/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the fuzz targets share: the input as a stream of numbers, and a machine
 * with children that are gone, with every page, when an input has been played.
 */
#ifndef HOST_FUZZ_H
#define HOST_FUZZ_H

#include "calls.h"
#include "machine.h"
#include "vcpu.h"

/* The function that libFuzzer, or fuzz/replay.c, calls with each input */
int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

/**
 * struct fuzz - an input that is being played
 * @data: what is left of it
 * @size: bytes left; all that is read beyond is zero
 */
struct fuzz {
	const u8 *data;
	size_t size;
};

u8 fuzz8(struct fuzz *f);
u16 fuzz16(struct fuzz *f);
u32 fuzz32(struct fuzz *f);
u64 fuzz64(struct fuzz *f);
/* A number that is more often small, or a power of two, or all ones, than by chance */
u64 fuzz_number(struct fuzz *f);
/* @size bytes, zeroes behind the end */
void fuzz_bytes(struct fuzz *f, void *to, size_t size);

/* Pages of root's that inputs may deposit, map, and name otherwise */
#define FUZZ_PAGES	1024U
#define FUZZ_PAGES_2M	4U
#define FUZZ_CHILDREN	4U
u64 fuzz_pfn(u32 index);
u64 fuzz_pfn_2m(u32 index);

/**
 * fuzz_begin() - begin an input: the machine runs, and there is no child
 * @f: receives the input
 * @data: it
 * @size: its size
 */
void fuzz_begin(struct fuzz *f, const u8 *data, size_t size);

/**
 * fuzz_end() - end an input: delete all children
 *
 * Fails if a page does not come back, or is still mapped.
 */
void fuzz_end(void);

/* Have fuzz_end() delete a partition; false, and it is deleted now, if there are too many. */
bool fuzz_add_child(u64 id);
/* The ID of a child, of root, of nobody */
u64 fuzz_partition_id(u32 index);

/**
 * fuzz_child() - a child to begin with
 * @vps: how many VPs
 *
 * It has all synthetic features; FUZZ_GUEST_PAGES pages at GPA 0, which are
 * the first of fuzz_pfn(); a hypercall page.
 *
 * Returns: the partition
 */
struct partition *fuzz_child(u32 vps);
#define FUZZ_GUEST_PAGES	32U
#define FUZZ_POOL		192U
/* Its memory */
static inline u8 *fuzz_guest(void)
{
	return ram(fuzz_pfn(0));
}

/* Bytes of the input to it, unless the page is not the guest's any more */
void fuzz_guest_write(struct fuzz *f, u64 gpa, u32 size);

/* A VP of it; it stays until the input deletes it. */
struct vp *fuzz_vp(struct partition *p, u32 index);

/* Dispatch a VP whose exits the rest of the input, or at most @exits of them, says. */
void fuzz_dispatch(struct fuzz *f, struct vp *vp, u32 exits, u32 flags);
/* Registers and descriptors of a VP that nobody runs, as no check would have let them in */
void fuzz_mode(struct fuzz *f, struct vp *vp);

/* Synthetic and other MSRs that mean something, and any */
u32 fuzz_msr(struct fuzz *f);
/* Likewise registers of GET_ and SET_VP_REGISTERS */
u32 fuzz_register(struct fuzz *f);

#endif /* HOST_FUZZ_H */
