/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Hypercalls of an enlightened guest: TLB flushes, IPIs, long spin waits
 * (TLFS, "Virtual MMU Hypercalls" and "Virtual Interrupt Hypercalls").
 */
#ifndef TLFS_GUEST_H
#define TLFS_GUEST_H

#include <tlfs/types.h>

#define HV_FLUSH_ALL_PROCESSORS			TLFS_BIT64(0)
#define HV_FLUSH_ALL_VIRTUAL_ADDRESS_SPACES	TLFS_BIT64(1)
#define HV_FLUSH_NON_GLOBAL_MAPPINGS_ONLY	TLFS_BIT64(2)
#define HV_FLUSH_USE_EXTENDED_RANGE_FORMAT	TLFS_BIT64(3)
#define HV_FLUSH_FLAGS_VALID			0xFULL

/* HVCALL_FLUSH_VIRTUAL_ADDRESS_SPACE; _LIST: a rep of GVA ranges follows */
struct hv_input_flush_virtual_address_space {
	__u64 address_space;
	__u64 flags;
	__u64 processor_mask;
};
TLFS_ASSERT_SIZE(struct hv_input_flush_virtual_address_space, 24);

/* The _EX forms: the set's banks are the variable header, the ranges follow it */
struct hv_input_flush_virtual_address_space_ex {
	__u64 address_space;
	__u64 flags;
	__u64 vp_set_format;
	__u64 vp_set_valid_bank_mask;
	__u64 bank_contents[];
};
TLFS_ASSERT_OFFSET(struct hv_input_flush_virtual_address_space_ex, bank_contents, 32);

/* A GVA range: the page in bits 12-63, the count of further pages in bits 0-11 */
#define HV_GVA_RANGE_EXTRA_PAGES_MASK		0xFFFULL

/* HVCALL_SEND_IPI */
struct hv_input_send_ipi {
	__u32 vector;
	__u32 target_vtl;
	__u64 cpu_mask;
};
TLFS_ASSERT_SIZE(struct hv_input_send_ipi, 16);
#define HV_IPI_LOW_VECTOR	0x10
#define HV_IPI_HIGH_VECTOR	0xFF

struct hv_input_send_ipi_ex {
	__u32 vector;
	__u32 target_vtl;
	__u64 vp_set_format;
	__u64 vp_set_valid_bank_mask;
	__u64 bank_contents[];
};
TLFS_ASSERT_OFFSET(struct hv_input_send_ipi_ex, bank_contents, 24);

/* HVCALL_NOTIFY_LONG_SPIN_WAIT */
struct hv_input_notify_long_spin_wait {
	__u64 spin_info;
};
TLFS_ASSERT_SIZE(struct hv_input_notify_long_spin_wait, 8);

#endif /* TLFS_GUEST_H */
