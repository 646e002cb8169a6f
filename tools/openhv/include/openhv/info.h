/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What openhv, and only openhv, tells its root partition of itself: a few
 * read-only pages with its version, its memory, its exit counters and its log.
 *
 * They are found by CPUID, in the way of all hypervisors: leaf
 * OPENHV_CPUID_SIGNATURE has the signature, OPENHV_CPUID_INFO has the place.
 * The pages are no RAM of the root's memory map, so that /dev/mem can read
 * them under CONFIG_STRICT_DEVMEM.
 */
#ifndef OPENHV_INFO_H
#define OPENHV_INFO_H

#include <tlfs/types.h>

/* EAX: highest leaf of this range; EBX, ECX, EDX: "openhvopenhv" */
#define OPENHV_CPUID_SIGNATURE		0x40000100
#define OPENHV_CPUID_SIGNATURE_EBX	0x6e65706fU	/* "open" */
#define OPENHV_CPUID_SIGNATURE_ECX	0x706f7668U	/* "hvop" */
#define OPENHV_CPUID_SIGNATURE_EDX	0x76686e65U	/* "enhv" */
/* EAX: 4 KiB page number of struct openhv_info; EBX: pages; ECX: OPENHV_INFO_VERSION */
#define OPENHV_CPUID_INFO		0x40000101

#define OPENHV_INFO_MAGIC		0x4f48564e46494f31ULL
#define OPENHV_INFO_VERSION		1

#define OPENHV_INFO_MAX_LPS		64
#define OPENHV_EXIT_COUNTERS		32

/* Reasons that a VP left guest mode for; OPENHV_EXIT_LIST(X) expands X(name). */
#define OPENHV_EXIT_LIST(X) \
	X(CPUID) X(MSR_READ) X(MSR_WRITE) X(IO) X(HYPERCALL) X(HLT) X(INTERRUPT) X(NMI) \
	X(INTERRUPT_WINDOW) X(NPT_FAULT) X(APIC_ACCESS) X(EXCEPTION) X(CR_ACCESS) X(XSETBV) \
	X(SHUTDOWN) X(OTHER)

enum openhv_exit {
#define OPENHV_EXIT_ENUM(name) OPENHV_EXIT_##name,
	OPENHV_EXIT_LIST(OPENHV_EXIT_ENUM)
#undef OPENHV_EXIT_ENUM
	OPENHV_EXIT_COUNT,
};

/* Counters of one logical processor; they only grow */
struct openhv_lp_info {
	__u64 root_exits[OPENHV_EXIT_COUNTERS];		/* by enum openhv_exit */
	__u64 child_exits[OPENHV_EXIT_COUNTERS];
	__u64 dispatches;				/* HVCALL_DISPATCH_VP */
	__u64 hypercalls;
	__u64 reserved[6];
};
TLFS_ASSERT_SIZE(struct openhv_lp_info, 576);

struct openhv_info {
	__u64 magic;
	__u32 version;
	__u32 size;			/* bytes of this structure */
	char version_string[64];
	__u32 lp_count;
	__u32 partition_count;		/* children */
	__u64 own_pages;		/* pages openhv took for itself at boot */
	__u64 free_pages;		/* of those, pages not in use now */
	__u64 deposited_pages;		/* pages of root in pools, all partitions */
	__u64 tsc_hz;
	__u64 apic_timer_hz;
	/* The log: a ring of bytes; log_head counts all bytes ever written */
	__u32 log_offset;		/* from the start of this structure */
	__u32 log_size;			/* a power of two */
	__u64 log_head;
	__u64 reserved[16];
	struct openhv_lp_info lp[OPENHV_INFO_MAX_LPS];
};
TLFS_ASSERT_OFFSET(struct openhv_info, lp_count, 80);
TLFS_ASSERT_OFFSET(struct openhv_info, log_offset, 128);
TLFS_ASSERT_OFFSET(struct openhv_info, lp, 272);

#endif /* OPENHV_INFO_H */
