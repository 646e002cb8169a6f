/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Basic types of the hypervisor ABI, usable in the kernel, in user space and
 * in a freestanding program.
 *
 * Every structure of include/tlfs is a wire format: little endian, packed by
 * construction (explicit padding, no bit-fields), and held to its size and
 * offsets by the assertions that follow it.
 */
#ifndef TLFS_TYPES_H
#define TLFS_TYPES_H

#include <linux/types.h>

/* Each language has its own word for it, and C has had no other for long. */
#ifdef __cplusplus
#define TLFS_ASSERT		static_assert
#else
#define TLFS_ASSERT		_Static_assert
#endif
#define TLFS_ASSERT_SIZE(type, size) \
	TLFS_ASSERT(sizeof(type) == (size), "size of " #type)
#define TLFS_ASSERT_OFFSET(type, field, off) \
	TLFS_ASSERT(__builtin_offsetof(type, field) == (off), "offset of " #field " in " #type)

/* A single bit of a 32- or 64-bit word; usable in #if as well as in C. */
#define TLFS_BIT(n)		(1U << (n))
#define TLFS_BIT64(n)		(1ULL << (n))

#define HV_HYP_PAGE_SHIFT	12
#define HV_HYP_PAGE_SIZE	(1UL << HV_HYP_PAGE_SHIFT)
#define HV_HYP_PAGE_MASK	(~(HV_HYP_PAGE_SIZE - 1))
#define HV_HYP_LARGE_PAGE_SHIFT	21
#define HV_HYP_LARGE_PAGE_SIZE	(1UL << HV_HYP_LARGE_PAGE_SHIFT)
/* 4 KiB pages in one 2 MiB page */
#define HV_PAGES_PER_LARGE_PAGE	(1UL << (HV_HYP_LARGE_PAGE_SHIFT - HV_HYP_PAGE_SHIFT))

/* Partition IDs (TLFS, "Partition ID"). */
#define HV_PARTITION_ID_INVALID	0x0000000000000000ULL
#define HV_PARTITION_ID_SELF	0xFFFFFFFFFFFFFFFFULL

/* VP indices (TLFS, "Virtual Processor Index"). */
#define HV_ANY_VP		0xFFFFFFFFU
#define HV_VP_INDEX_SELF	0xFFFFFFFEU

/* The hypervisor's unit of time: 100 ns, 10 MHz. */
#define HV_REFERENCE_TIME_HZ	10000000ULL

/* A proximity domain with its flags: the NUMA node an object should come from. */
struct hv_proximity_domain_info {
	__u32 domain_id;
	__u32 flags;
};
TLFS_ASSERT_SIZE(struct hv_proximity_domain_info, 8);
TLFS_ASSERT_OFFSET(struct hv_proximity_domain_info, flags, 4);

#define HV_PXM_PREFERRED	TLFS_BIT(0)
#define HV_PXM_VALID		TLFS_BIT(31)

/* Virtual Trust Level field of an input block (TLFS, "HV_INPUT_VTL"). */
#define HV_INPUT_VTL_TARGET_MASK	0x0F
#define HV_INPUT_VTL_USE_TARGET		TLFS_BIT(4)

#endif /* TLFS_TYPES_H */
