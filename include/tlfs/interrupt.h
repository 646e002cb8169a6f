/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Interrupts: virtual ones of a child, physical ones of the root
 * (TLFS, "Virtual Interrupt Control"; the device interrupt calls are those of
 * the root partition).
 */
#ifndef TLFS_INTERRUPT_H
#define TLFS_INTERRUPT_H

#include <tlfs/types.h>

enum hv_interrupt_type {
	HV_X64_INTERRUPT_TYPE_FIXED		= 0x0000,
	HV_X64_INTERRUPT_TYPE_LOWESTPRIORITY	= 0x0001,
	HV_X64_INTERRUPT_TYPE_SMI		= 0x0002,
	HV_X64_INTERRUPT_TYPE_REMOTEREAD	= 0x0003,
	HV_X64_INTERRUPT_TYPE_NMI		= 0x0004,
	HV_X64_INTERRUPT_TYPE_INIT		= 0x0005,
	HV_X64_INTERRUPT_TYPE_SIPI		= 0x0006,
	HV_X64_INTERRUPT_TYPE_EXTINT		= 0x0007,
	HV_X64_INTERRUPT_TYPE_LOCALINT0		= 0x0008,
	HV_X64_INTERRUPT_TYPE_LOCALINT1		= 0x0009,
};

/* HVCALL_ASSERT_VIRTUAL_INTERRUPT: interrupt_control, low half the type */
#define HV_INTERRUPT_CONTROL_TYPE_MASK		0xFFFFFFFFULL
#define HV_INTERRUPT_CONTROL_LEVEL_TRIGGERED	TLFS_BIT64(32)
#define HV_INTERRUPT_CONTROL_LOGICAL_DEST	TLFS_BIT64(33)
#define HV_INTERRUPT_CONTROL_VALID		0x3FFFFFFFFULL

struct hv_input_assert_virtual_interrupt {
	__u64 partition_id;
	__u64 interrupt_control;
	__u64 dest_addr;		/* APIC ID, or logical destination */
	__u32 vector;
	__u8 target_vtl;
	__u8 reserved[3];
};
TLFS_ASSERT_SIZE(struct hv_input_assert_virtual_interrupt, 32);
TLFS_ASSERT_OFFSET(struct hv_input_assert_virtual_interrupt, interrupt_control, 8);
TLFS_ASSERT_OFFSET(struct hv_input_assert_virtual_interrupt, dest_addr, 16);
TLFS_ASSERT_OFFSET(struct hv_input_assert_virtual_interrupt, vector, 24);
TLFS_ASSERT_OFFSET(struct hv_input_assert_virtual_interrupt, target_vtl, 28);

/* Device IDs: the type is in bits 62-63 */
#define HV_DEVICE_TYPE_SHIFT		62
#define HV_DEVICE_TYPE_LOGICAL		0ULL
#define HV_DEVICE_TYPE_PCI		1ULL
#define HV_DEVICE_TYPE_IOAPIC		2ULL
#define HV_DEVICE_TYPE_ACPI		3ULL
#define HV_DEVICE_IOAPIC_ID_MASK	0xFFULL
#define HV_DEVICE_PCI_RID_MASK		0xFFFFULL
#define HV_DEVICE_PCI_SEGMENT_SHIFT	16

enum hv_interrupt_source {
	HV_INTERRUPT_SOURCE_MSI		= 1,	/* MSI and MSI-X */
	HV_INTERRUPT_SOURCE_IOAPIC	= 2,
};

struct hv_interrupt_entry {
	__u32 source;
	__u32 reserved1;
	union {
		struct {
			__u32 address;
			__u32 data;
		} msi_entry;
		struct {
			__u32 low;
			__u32 high;
		} ioapic_rte;
		__u64 as_uint64;
	};
};
TLFS_ASSERT_SIZE(struct hv_interrupt_entry, 16);
TLFS_ASSERT_OFFSET(struct hv_interrupt_entry, msi_entry, 8);

#define HV_DEVICE_INTERRUPT_TARGET_MULTICAST		TLFS_BIT(0)
#define HV_DEVICE_INTERRUPT_TARGET_PROCESSOR_SET	TLFS_BIT(1)

#define HV_INTERRUPT_TRIGGER_MODE_EDGE	0
#define HV_INTERRUPT_TRIGGER_MODE_LEVEL	1

/* A sparse set of VPs: bank i is present if bit i of the mask is set */
#define HV_VPSET_BANK_SIZE	64
#define HV_VPSET_MAX_BANKS	64
struct hv_vpset {
	__u64 format;			/* HV_GENERIC_SET_* */
	__u64 valid_bank_mask;
	__u64 bank_contents[];
};
TLFS_ASSERT_OFFSET(struct hv_vpset, bank_contents, 16);

/* The fixed part; the set's banks follow as a variable header. */
struct hv_device_interrupt_descriptor {
	__u32 interrupt_type;
	__u32 trigger_mode;
	__u32 vector_count;
	__u32 reserved;
	__u32 vector;
	__u32 target_flags;
	__u64 vp_set_format;
	__u64 vp_set_valid_bank_mask;
};
TLFS_ASSERT_SIZE(struct hv_device_interrupt_descriptor, 40);
TLFS_ASSERT_OFFSET(struct hv_device_interrupt_descriptor, vector, 16);
TLFS_ASSERT_OFFSET(struct hv_device_interrupt_descriptor, vp_set_format, 24);

/* HVCALL_MAP_DEVICE_INTERRUPT; the variable header counts from the bank mask on */
struct hv_input_map_device_interrupt {
	__u64 partition_id;
	__u64 device_id;
	__u32 flags;
	__u32 base_irt_idx;
	struct hv_interrupt_entry logical_interrupt_entry;
	struct hv_device_interrupt_descriptor interrupt_descriptor;
	__u64 banks[];
};
TLFS_ASSERT_OFFSET(struct hv_input_map_device_interrupt, logical_interrupt_entry, 24);
TLFS_ASSERT_OFFSET(struct hv_input_map_device_interrupt, interrupt_descriptor, 40);
TLFS_ASSERT_OFFSET(struct hv_input_map_device_interrupt, banks, 80);

struct hv_output_map_device_interrupt {
	struct hv_interrupt_entry interrupt_entry;
};
TLFS_ASSERT_SIZE(struct hv_output_map_device_interrupt, 16);

/* HVCALL_UNMAP_DEVICE_INTERRUPT */
struct hv_input_unmap_device_interrupt {
	__u64 partition_id;
	__u64 device_id;
	struct hv_interrupt_entry interrupt_entry;
};
TLFS_ASSERT_SIZE(struct hv_input_unmap_device_interrupt, 32);
TLFS_ASSERT_OFFSET(struct hv_input_unmap_device_interrupt, interrupt_entry, 16);

/*
 * HVCALL_RETARGET_INTERRUPT, of a guest on a device that is passed through to it.
 * With a set of processors the variable header counts from the bank mask on.
 */
struct hv_input_retarget_interrupt {
	__u64 partition_id;
	__u64 device_id;
	struct hv_interrupt_entry interrupt_entry;
	__u64 reserved;
	__u32 vector;
	__u32 target_flags;
	union {
		__u64 processor_mask;
		__u64 vp_set_format;
	};
	__u64 vp_set_valid_bank_mask;
	__u64 banks[];
};
TLFS_ASSERT_OFFSET(struct hv_input_retarget_interrupt, interrupt_entry, 16);
TLFS_ASSERT_OFFSET(struct hv_input_retarget_interrupt, vector, 40);
TLFS_ASSERT_OFFSET(struct hv_input_retarget_interrupt, processor_mask, 48);
TLFS_ASSERT_OFFSET(struct hv_input_retarget_interrupt, vp_set_valid_bank_mask, 56);

#endif /* TLFS_INTERRUPT_H */
