/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Virtual processors: the hypercalls on them (TLFS, "Virtual Processor
 * Management" and "Virtual Processor Execution").
 */
#ifndef TLFS_VP_H
#define TLFS_VP_H

#include <tlfs/types.h>
#include <tlfs/register.h>

/* HVCALL_CREATE_VP */
struct hv_input_create_vp {
	__u64 partition_id;
	__u32 vp_index;
	__u8 padding[3];
	__u8 subnode_type;
	__u64 subnode_id;
	struct hv_proximity_domain_info proximity_domain_info;
	__u64 flags;			/* root: the LP index; a child: 0 */
};
TLFS_ASSERT_SIZE(struct hv_input_create_vp, 40);
TLFS_ASSERT_OFFSET(struct hv_input_create_vp, subnode_type, 15);
TLFS_ASSERT_OFFSET(struct hv_input_create_vp, subnode_id, 16);
TLFS_ASSERT_OFFSET(struct hv_input_create_vp, proximity_domain_info, 24);
TLFS_ASSERT_OFFSET(struct hv_input_create_vp, flags, 32);
#define HV_SUBNODE_ANY		0

/* HVCALL_DELETE_VP */
struct hv_input_delete_vp {
	__u64 partition_id;
	__u32 vp_index;
	__u32 reserved;
};
TLFS_ASSERT_SIZE(struct hv_input_delete_vp, 16);

/* HVCALL_GET_VP_REGISTERS: rep, one register name an element */
struct hv_input_get_vp_registers {
	__u64 partition_id;
	__u32 vp_index;
	__u8 input_vtl;
	__u8 reserved[3];
	__u32 names[];
};
TLFS_ASSERT_OFFSET(struct hv_input_get_vp_registers, names, 16);
/* Bounded by the output: 16 bytes a register in one page */
#define HV_GET_REGISTERS_MAX_REPS	256

/* HVCALL_SET_VP_REGISTERS: rep, one hv_register_assoc an element */
struct hv_input_set_vp_registers {
	__u64 partition_id;
	__u32 vp_index;
	__u8 input_vtl;
	__u8 reserved[3];
	struct hv_register_assoc elements[];
};
TLFS_ASSERT_OFFSET(struct hv_input_set_vp_registers, elements, 16);
#define HV_SET_REGISTERS_MAX_REPS	127

/* HVCALL_TRANSLATE_VIRTUAL_ADDRESS: control_flags */
#define HV_TRANSLATE_GVA_VALIDATE_READ		TLFS_BIT64(0)
#define HV_TRANSLATE_GVA_VALIDATE_WRITE		TLFS_BIT64(1)
#define HV_TRANSLATE_GVA_VALIDATE_EXECUTE	TLFS_BIT64(2)
#define HV_TRANSLATE_GVA_PRIVILEGE_EXEMPT	TLFS_BIT64(3)
#define HV_TRANSLATE_GVA_SET_PAGE_TABLE_BITS	TLFS_BIT64(4)
#define HV_TRANSLATE_GVA_TLB_FLUSH_INHIBIT	TLFS_BIT64(5)
#define HV_TRANSLATE_GVA_SUPERVISOR_ACCESS	TLFS_BIT64(6)
#define HV_TRANSLATE_GVA_USER_ACCESS		TLFS_BIT64(7)
#define HV_TRANSLATE_GVA_ENFORCE_SMAP		TLFS_BIT64(8)
#define HV_TRANSLATE_GVA_OVERRIDE_SMAP		TLFS_BIT64(9)
#define HV_TRANSLATE_GVA_FLAGS_VALID		0x3FFULL

struct hv_input_translate_virtual_address {
	__u64 partition_id;
	__u32 vp_index;
	__u32 padding;
	__u64 control_flags;
	__u64 gva_page;
};
TLFS_ASSERT_SIZE(struct hv_input_translate_virtual_address, 32);
TLFS_ASSERT_OFFSET(struct hv_input_translate_virtual_address, control_flags, 16);
TLFS_ASSERT_OFFSET(struct hv_input_translate_virtual_address, gva_page, 24);

enum hv_translate_gva_result_code {
	HV_TRANSLATE_GVA_SUCCESS			= 0,
	HV_TRANSLATE_GVA_PAGE_NOT_PRESENT		= 1,
	HV_TRANSLATE_GVA_PRIVILEGE_VIOLATION		= 2,
	HV_TRANSLATE_GVA_INVALID_PAGE_TABLE_FLAGS	= 3,
	HV_TRANSLATE_GVA_GPA_UNMAPPED			= 4,
	HV_TRANSLATE_GVA_GPA_NO_READ_ACCESS		= 5,
	HV_TRANSLATE_GVA_GPA_NO_WRITE_ACCESS		= 6,
	HV_TRANSLATE_GVA_GPA_ILLEGAL_OVERLAY_ACCESS	= 7,
	HV_TRANSLATE_GVA_INTERCEPT			= 8,
	HV_TRANSLATE_GVA_GPA_UNACCEPTED			= 9,
};

/* cache_type in bits 0-7, overlay page in bit 8 */
#define HV_TRANSLATE_GVA_CACHE_TYPE_MASK	0xFFU
#define HV_TRANSLATE_GVA_OVERLAY_PAGE		TLFS_BIT(8)

struct hv_output_translate_virtual_address {
	__u32 result_code;
	__u32 cache_type_and_overlay;
	__u64 gpa_page;
};
TLFS_ASSERT_SIZE(struct hv_output_translate_virtual_address, 16);
TLFS_ASSERT_OFFSET(struct hv_output_translate_virtual_address, gpa_page, 8);

/* HVCALL_INSTALL_INTERCEPT */
#define HV_INTERCEPT_ACCESS_MASK_NONE		0x0
#define HV_INTERCEPT_ACCESS_MASK_READ		0x1
#define HV_INTERCEPT_ACCESS_MASK_WRITE		0x2
#define HV_INTERCEPT_ACCESS_MASK_EXECUTE	0x4
#define HV_INTERCEPT_ACCESS_MASK_VALID		0x7

enum hv_intercept_type {
	HV_INTERCEPT_TYPE_X64_IO_PORT			= 0x0,
	HV_INTERCEPT_TYPE_X64_MSR			= 0x1,
	HV_INTERCEPT_TYPE_X64_CPUID			= 0x2,
	HV_INTERCEPT_TYPE_EXCEPTION			= 0x3,
	HV_INTERCEPT_TYPE_MMIO				= 0x5,
	HV_INTERCEPT_TYPE_X64_GLOBAL_CPUID		= 0x6,
	HV_INTERCEPT_TYPE_X64_APIC_SMI			= 0x7,
	HV_INTERCEPT_TYPE_HYPERCALL			= 0x8,
	HV_INTERCEPT_TYPE_X64_APIC_INIT_SIPI		= 0x9,
	HV_INTERCEPT_TYPE_MC_UPDATE_PATCH_LEVEL_MSR	= 0xA,
	HV_INTERCEPT_TYPE_X64_APIC_WRITE		= 0xB,
	HV_INTERCEPT_TYPE_X64_MSR_INDEX			= 0xC,
	HV_INTERCEPT_TYPE_UNKNOWN_SYNIC_CONNECTION	= 0xD,
	HV_INTERCEPT_TYPE_X64_APIC_EOI			= 0xE,
	HV_INTERCEPT_TYPE_RETARGET_INTERRUPT_WITH_UNKNOWN_DEVICE_ID = 0xF,
	HV_INTERCEPT_TYPE_X64_IO_PORT_RANGE		= 0x11,
};

struct hv_input_install_intercept {
	__u64 partition_id;
	__u32 access_type;		/* mask of HV_INTERCEPT_ACCESS_MASK_* */
	__u32 intercept_type;
	__u64 intercept_parameter;	/* port, CPUID leaf, MSR, vector, ... by type */
};
TLFS_ASSERT_SIZE(struct hv_input_install_intercept, 24);
TLFS_ASSERT_OFFSET(struct hv_input_install_intercept, intercept_type, 12);
TLFS_ASSERT_OFFSET(struct hv_input_install_intercept, intercept_parameter, 16);

/* HVCALL_REGISTER_INTERCEPT_RESULT */
struct hv_register_x64_cpuid_result_parameters {
	__u32 eax;			/* input leaf */
	__u32 ecx;			/* input subleaf */
	__u8 subleaf_specific;
	__u8 always_override;
	__u16 padding;
	__u32 result_eax;
	__u32 result_eax_mask;
	__u32 result_ebx;
	__u32 result_ebx_mask;
	__u32 result_ecx;
	__u32 result_ecx_mask;
	__u32 result_edx;
	__u32 result_edx_mask;
};
TLFS_ASSERT_SIZE(struct hv_register_x64_cpuid_result_parameters, 44);
TLFS_ASSERT_OFFSET(struct hv_register_x64_cpuid_result_parameters, subleaf_specific, 8);
TLFS_ASSERT_OFFSET(struct hv_register_x64_cpuid_result_parameters, result_eax, 12);
TLFS_ASSERT_OFFSET(struct hv_register_x64_cpuid_result_parameters, result_edx_mask, 40);

struct hv_register_x64_msr_result_parameters {
	__u32 msr_index;
	__u32 access_type;
	__u32 action;			/* HV_UNIMPLEMENTED_MSR_ACTION_* */
};
TLFS_ASSERT_SIZE(struct hv_register_x64_msr_result_parameters, 12);

struct hv_input_register_intercept_result {
	__u64 partition_id;
	__u32 vp_index;			/* HV_ANY_VP: all of the partition */
	__u32 intercept_type;
	union {
		struct hv_register_x64_cpuid_result_parameters cpuid;
		struct hv_register_x64_msr_result_parameters msr;
	} parameters;
};
TLFS_ASSERT_SIZE(struct hv_input_register_intercept_result, 64);
TLFS_ASSERT_OFFSET(struct hv_input_register_intercept_result, intercept_type, 12);
TLFS_ASSERT_OFFSET(struct hv_input_register_intercept_result, parameters, 16);

/* HVCALL_GET_VP_CPUID_VALUES: rep, one leaf an element */
#define HV_GET_VP_CPUID_VALUES_USE_VP_XFEM_XSS		TLFS_BIT(0)
#define HV_GET_VP_CPUID_VALUES_APPLY_REGISTERED_VALUES	TLFS_BIT(1)
#define HV_GET_VP_CPUID_VALUES_FLAGS_VALID		0x3U

struct hv_cpuid_leaf_info {
	__u32 eax;
	__u32 ecx;
	__u64 xfem;
	__u64 xss;
};
TLFS_ASSERT_SIZE(struct hv_cpuid_leaf_info, 24);

struct hv_input_get_vp_cpuid_values {
	__u64 partition_id;
	__u32 vp_index;
	__u32 flags;
	__u32 reserved;
	__u32 padding;
	struct hv_cpuid_leaf_info leaf[];
};
TLFS_ASSERT_OFFSET(struct hv_input_get_vp_cpuid_values, leaf, 24);

struct hv_cpuid_result {
	__u32 eax;
	__u32 ebx;
	__u32 ecx;
	__u32 edx;
};
TLFS_ASSERT_SIZE(struct hv_cpuid_result, 16);

/* HVCALL_MAP_VP_STATE_PAGE, HVCALL_UNMAP_VP_STATE_PAGE */
enum hv_vp_state_page_type {
	HV_VP_STATE_PAGE_REGISTERS		= 0,
	HV_VP_STATE_PAGE_INTERCEPT_MESSAGE	= 1,
	HV_VP_STATE_PAGE_GHCB			= 2,
};

#define HV_MAP_VP_STATE_PAGE_LOCATION_PROVIDED	TLFS_BIT(0)

struct hv_input_map_vp_state_page {
	__u64 partition_id;
	__u32 vp_index;
	__u16 type;
	__u8 input_vtl;
	__u8 flags;
	__u64 requested_map_location;	/* page frame number, if provided */
};
TLFS_ASSERT_SIZE(struct hv_input_map_vp_state_page, 24);
TLFS_ASSERT_OFFSET(struct hv_input_map_vp_state_page, type, 12);
TLFS_ASSERT_OFFSET(struct hv_input_map_vp_state_page, flags, 15);
TLFS_ASSERT_OFFSET(struct hv_input_map_vp_state_page, requested_map_location, 16);

struct hv_output_map_vp_state_page {
	__u64 map_location;		/* page frame number */
};
TLFS_ASSERT_SIZE(struct hv_output_map_vp_state_page, 8);

struct hv_input_unmap_vp_state_page {
	__u64 partition_id;
	__u32 vp_index;
	__u16 type;
	__u8 input_vtl;
	__u8 reserved;
};
TLFS_ASSERT_SIZE(struct hv_input_unmap_vp_state_page, 16);

/* HVCALL_DISPATCH_VP */
#define HV_DISPATCH_VP_FLAG_CLEAR_INTERCEPT_SUSPEND	TLFS_BIT(0)
#define HV_DISPATCH_VP_FLAG_ENABLE_CALLER_INTERRUPTS	TLFS_BIT(1)
#define HV_DISPATCH_VP_FLAG_SET_CALLER_SPEC_CTRL	TLFS_BIT(2)
#define HV_DISPATCH_VP_FLAG_SKIP_VP_SPEC_FLUSH		TLFS_BIT(3)
#define HV_DISPATCH_VP_FLAG_SKIP_CALLER_SPEC_FLUSH	TLFS_BIT(4)
#define HV_DISPATCH_VP_FLAG_SKIP_CALLER_USER_SPEC_FLUSH	TLFS_BIT(5)
#define HV_DISPATCH_VP_FLAG_SCAN_INTERRUPT_INJECTION	TLFS_BIT(6)
#define HV_DISPATCH_VP_FLAGS_VALID			0x7FU

struct hv_input_dispatch_vp {
	__u64 partition_id;
	__u32 vp_index;
	__u32 flags;
	__u64 time_slice;		/* 100 ns; 0 is unlimited */
	__u64 spec_ctrl;
};
TLFS_ASSERT_SIZE(struct hv_input_dispatch_vp, 32);
TLFS_ASSERT_OFFSET(struct hv_input_dispatch_vp, flags, 12);
TLFS_ASSERT_OFFSET(struct hv_input_dispatch_vp, time_slice, 16);

enum hv_vp_dispatch_state {
	HV_VP_DISPATCH_STATE_INVALID	= 0,
	HV_VP_DISPATCH_STATE_BLOCKED	= 1,
	HV_VP_DISPATCH_STATE_READY	= 2,
};

enum hv_vp_dispatch_event {
	HV_VP_DISPATCH_EVENT_NONE	= 0,
	HV_VP_DISPATCH_EVENT_SUSPEND	= 1,
	HV_VP_DISPATCH_EVENT_INTERCEPT	= 2,
};

struct hv_output_dispatch_vp {
	__u32 dispatch_state;
	__u32 dispatch_event;
};
TLFS_ASSERT_SIZE(struct hv_output_dispatch_vp, 8);

/* HVCALL_START_VIRTUAL_PROCESSOR / HVCALL_ENABLE_VP_VTL header */
struct hv_input_start_virtual_processor {
	__u64 partition_id;
	__u32 vp_index;
	__u8 target_vtl;
	__u8 reserved[3];
	__u8 vp_context[224];
};
TLFS_ASSERT_SIZE(struct hv_input_start_virtual_processor, 240);
TLFS_ASSERT_OFFSET(struct hv_input_start_virtual_processor, vp_context, 16);

#endif /* TLFS_VP_H */
