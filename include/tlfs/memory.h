/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Memory: deposits and guest physical address spaces
 * (TLFS, "Physical Hardware Management" and "Guest Physical Address Spaces").
 */
#ifndef TLFS_MEMORY_H
#define TLFS_MEMORY_H

#include <tlfs/types.h>

/* HVCALL_DEPOSIT_MEMORY: rep, one page frame number of the caller an element */
struct hv_input_deposit_memory {
	__u64 partition_id;
	__u64 gpa_page_list[];
};
TLFS_ASSERT_OFFSET(struct hv_input_deposit_memory, gpa_page_list, 8);
#define HV_DEPOSIT_MAX_REPS	511

/* HVCALL_WITHDRAW_MEMORY: rep, one page frame number of the caller an element */
struct hv_input_withdraw_memory {
	__u64 partition_id;
	struct hv_proximity_domain_info proximity_domain_info;
};
TLFS_ASSERT_SIZE(struct hv_input_withdraw_memory, 16);
struct hv_output_withdraw_memory {
	__u64 gpa_page_list[512];
};
TLFS_ASSERT_SIZE(struct hv_output_withdraw_memory, 4096);
#define HV_WITHDRAW_MAX_REPS	512

/* HVCALL_MAP_GPA_PAGES: map_flags */
#define HV_MAP_GPA_READABLE		0x00000001
#define HV_MAP_GPA_WRITABLE		0x00000002
#define HV_MAP_GPA_KERNEL_EXECUTABLE	0x00000004
#define HV_MAP_GPA_USER_EXECUTABLE	0x00000008
#define HV_MAP_GPA_EXECUTABLE		0x0000000C
#define HV_MAP_GPA_PERMISSIONS_MASK	0x0000000F
#define HV_MAP_GPA_ADJUSTABLE		0x00008000
#define HV_MAP_GPA_NO_ACCESS		0x00010000
#define HV_MAP_GPA_NOT_CACHED		0x00200000
#define HV_MAP_GPA_LARGE_PAGE		0x80000000

struct hv_input_map_gpa_pages {
	__u64 target_partition_id;
	__u64 target_gpa_base;		/* 4 KiB page number */
	__u32 map_flags;
	__u32 padding;
	__u64 source_gpa_page_list[];	/* 4 KiB page number of each unit's first page */
};
TLFS_ASSERT_OFFSET(struct hv_input_map_gpa_pages, target_gpa_base, 8);
TLFS_ASSERT_OFFSET(struct hv_input_map_gpa_pages, map_flags, 16);
TLFS_ASSERT_OFFSET(struct hv_input_map_gpa_pages, source_gpa_page_list, 24);
#define HV_MAP_GPA_MAX_REPS	509

/* HVCALL_UNMAP_GPA_PAGES: unmap_flags */
#define HV_UNMAP_GPA_LARGE_PAGE		0x00000002

struct hv_input_unmap_gpa_pages {
	__u64 target_partition_id;
	__u64 target_gpa_base;
	__u32 unmap_flags;
	__u32 padding;
};
TLFS_ASSERT_SIZE(struct hv_input_unmap_gpa_pages, 24);
TLFS_ASSERT_OFFSET(struct hv_input_unmap_gpa_pages, unmap_flags, 16);
#define HV_UNMAP_GPA_MAX_REPS	512

/* HVCALL_GET_GPA_PAGES_ACCESS_STATES: flags */
#define HV_PAGE_ACCESS_CLEAR_ACCESSED	TLFS_BIT64(0)
#define HV_PAGE_ACCESS_SET_ACCESSED	TLFS_BIT64(1)
#define HV_PAGE_ACCESS_CLEAR_DIRTY	TLFS_BIT64(2)
#define HV_PAGE_ACCESS_SET_DIRTY	TLFS_BIT64(3)
#define HV_PAGE_ACCESS_FLAGS_VALID	0xFULL

struct hv_input_get_gpa_pages_access_state {
	__u64 partition_id;
	__u64 flags;
	__u64 hv_gpa_page_number;
};
TLFS_ASSERT_SIZE(struct hv_input_get_gpa_pages_access_state, 24);
TLFS_ASSERT_OFFSET(struct hv_input_get_gpa_pages_access_state, hv_gpa_page_number, 16);

/* Output of the above: one byte a page */
#define HV_PAGE_STATE_ACCESSED		TLFS_BIT(0)
#define HV_PAGE_STATE_DIRTY		TLFS_BIT(1)
#define HV_PAGE_ACCESS_STATES_MAX_REPS	4095

/* HVCALL_READ_GPA / HVCALL_WRITE_GPA */
#define HV_READ_WRITE_GPA_MAX_SIZE	16
struct hv_input_read_gpa {
	__u64 partition_id;
	__u32 vp_index;
	__u32 byte_count;
	__u64 base_gpa;
	__u64 control_flags;
};
TLFS_ASSERT_SIZE(struct hv_input_read_gpa, 32);

/* Cache types (HV_CACHE_TYPE) */
#define HV_CACHE_TYPE_UNCACHED		0
#define HV_CACHE_TYPE_WRITE_COMBINING	1
#define HV_CACHE_TYPE_WRITE_THROUGH	4
#define HV_CACHE_TYPE_WRITE_PROTECTED	5
#define HV_CACHE_TYPE_WRITE_BACK	6

#endif /* TLFS_MEMORY_H */
