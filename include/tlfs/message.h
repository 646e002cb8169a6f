/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Messages from the hypervisor (TLFS, "SynIC Messages" and "Intercepts").
 */
#ifndef TLFS_MESSAGE_H
#define TLFS_MESSAGE_H

#include <tlfs/types.h>
#include <tlfs/register.h>

/* HV_MESSAGE_TYPE_LIST(X) expands X(name, value, payload size in bytes or 0 for none). */
#define HV_MESSAGE_TYPE_LIST(X) \
	X(NONE, 0x00000000, 0) \
	X(UNMAPPED_GPA, 0x80000000, 80) \
	X(GPA_INTERCEPT, 0x80000001, 80) \
	X(UNACCEPTED_GPA, 0x80000003, 80) \
	X(GPA_ATTRIBUTE_INTERCEPT, 0x80000004, 240) \
	X(TIMER_EXPIRED, 0x80000010, 24) \
	X(INVALID_VP_REGISTER_VALUE, 0x80000020, 8) \
	X(UNRECOVERABLE_EXCEPTION, 0x80000021, 40) \
	X(UNSUPPORTED_FEATURE, 0x80000022, 16) \
	X(OPAQUE_INTERCEPT, 0x8000003F, 4) \
	X(EVENTLOG_BUFFER_COMPLETE, 0x80000040, 0) \
	X(HYPERCALL_INTERCEPT, 0x80000050, 196) \
	X(SYNIC_EVENT_INTERCEPT, 0x80000060, 0) \
	X(SYNIC_SINT_INTERCEPT, 0x80000061, 4) \
	X(SYNIC_SINT_DELIVERABLE, 0x80000062, 48) \
	X(ASYNC_CALL_COMPLETION, 0x80000070, 24) \
	X(SCHEDULER_VP_SIGNAL_BITSET, 0x80000100, 160) \
	X(SCHEDULER_VP_SIGNAL_PAIR, 0x80000101, 240) \
	X(X64_IO_PORT_INTERCEPT, 0x80010000, 128) \
	X(X64_MSR_INTERCEPT, 0x80010001, 64) \
	X(X64_CPUID_INTERCEPT, 0x80010002, 104) \
	X(X64_EXCEPTION_INTERCEPT, 0x80010003, 240) \
	X(X64_APIC_EOI, 0x80010004, 8) \
	X(X64_LEGACY_FP_ERROR, 0x80010005, 8) \
	X(X64_IOMMU_PRQ, 0x80010006, 0) \
	X(X64_HALT, 0x80010007, 40) \
	X(X64_INTERRUPTION_DELIVERABLE, 0x80010008, 48) \
	X(X64_SIPI_INTERCEPT, 0x80010009, 48) \
	X(X64_SEV_VMGEXIT_INTERCEPT, 0x80010013, 104)

enum hv_message_type {
#define HV_MESSAGE_TYPE_ENUM(name, value, size) HVMSG_##name = (value),
	HV_MESSAGE_TYPE_LIST(HV_MESSAGE_TYPE_ENUM)
#undef HV_MESSAGE_TYPE_ENUM
};

#define HV_MESSAGE_SIZE			256
#define HV_MESSAGE_PAYLOAD_BYTE_COUNT	240
#define HV_MESSAGE_PAYLOAD_QWORD_COUNT	30

/* message_flags */
#define HV_MESSAGE_FLAG_PENDING		TLFS_BIT(0)

struct hv_message_header {
	__u32 message_type;		/* HVMSG_* */
	__u8 payload_size;		/* bytes */
	__u8 message_flags;
	__u8 reserved[2];
	__u64 sender;			/* partition ID, or port ID in the low 24 bits */
};
TLFS_ASSERT_SIZE(struct hv_message_header, 16);
TLFS_ASSERT_OFFSET(struct hv_message_header, payload_size, 4);
TLFS_ASSERT_OFFSET(struct hv_message_header, message_flags, 5);
TLFS_ASSERT_OFFSET(struct hv_message_header, sender, 8);

struct hv_message {
	struct hv_message_header header;
	union {
		__u64 payload[HV_MESSAGE_PAYLOAD_QWORD_COUNT];
		__u8 payload_bytes[HV_MESSAGE_PAYLOAD_BYTE_COUNT];
	} u;
};
TLFS_ASSERT_SIZE(struct hv_message, HV_MESSAGE_SIZE);
TLFS_ASSERT_OFFSET(struct hv_message, u, 16);

/* The SIM page: one slot a SINT */
struct hv_message_page {
	struct hv_message sint_message[16];
};
TLFS_ASSERT_SIZE(struct hv_message_page, 4096);

enum hv_intercept_access_type {
	HV_INTERCEPT_ACCESS_READ	= 0,
	HV_INTERCEPT_ACCESS_WRITE	= 1,
	HV_INTERCEPT_ACCESS_EXECUTE	= 2,
};

/* instruction_length_and_cr8 of the header */
#define HV_INTERCEPT_INSN_LENGTH_MASK		0x0F
#define HV_INTERCEPT_CR8_SHIFT			4

/* execution_state of the header */
#define HV_X64_EXEC_STATE_CPL_MASK		0x0003
#define HV_X64_EXEC_STATE_CR0_PE		0x0004
#define HV_X64_EXEC_STATE_CR0_AM		0x0008
#define HV_X64_EXEC_STATE_EFER_LMA		0x0010
#define HV_X64_EXEC_STATE_DEBUG_ACTIVE		0x0020
#define HV_X64_EXEC_STATE_INTERRUPTION_PENDING	0x0040
#define HV_X64_EXEC_STATE_VTL_SHIFT		7
#define HV_X64_EXEC_STATE_INTERRUPT_SHADOW	0x1000

struct hv_x64_intercept_message_header {
	__u32 vp_index;
	__u8 instruction_length_and_cr8;
	__u8 intercept_access_type;	/* enum hv_intercept_access_type */
	__u16 execution_state;		/* HV_X64_EXEC_STATE_* */
	struct hv_x64_segment_register cs_segment;
	__u64 rip;
	__u64 rflags;
};
TLFS_ASSERT_SIZE(struct hv_x64_intercept_message_header, 40);
TLFS_ASSERT_OFFSET(struct hv_x64_intercept_message_header, execution_state, 6);
TLFS_ASSERT_OFFSET(struct hv_x64_intercept_message_header, cs_segment, 8);
TLFS_ASSERT_OFFSET(struct hv_x64_intercept_message_header, rip, 24);
TLFS_ASSERT_OFFSET(struct hv_x64_intercept_message_header, rflags, 32);

#define HV_INTERCEPT_INSN_BYTES		16

/* access_info of an I/O port intercept */
#define HV_X64_IO_PORT_ACCESS_SIZE_MASK		0x07
#define HV_X64_IO_PORT_STRING_OP		0x08
#define HV_X64_IO_PORT_REP_PREFIX		0x10

struct hv_x64_io_port_intercept_message {
	struct hv_x64_intercept_message_header header;
	__u16 port_number;
	__u8 access_info;
	__u8 instruction_byte_count;
	__u32 reserved;
	__u64 rax;
	__u8 instruction_bytes[HV_INTERCEPT_INSN_BYTES];
	struct hv_x64_segment_register ds_segment;
	struct hv_x64_segment_register es_segment;
	__u64 rcx;
	__u64 rsi;
	__u64 rdi;
};
TLFS_ASSERT_SIZE(struct hv_x64_io_port_intercept_message, 128);
TLFS_ASSERT_OFFSET(struct hv_x64_io_port_intercept_message, port_number, 40);
TLFS_ASSERT_OFFSET(struct hv_x64_io_port_intercept_message, access_info, 42);
TLFS_ASSERT_OFFSET(struct hv_x64_io_port_intercept_message, rax, 48);
TLFS_ASSERT_OFFSET(struct hv_x64_io_port_intercept_message, instruction_bytes, 56);
TLFS_ASSERT_OFFSET(struct hv_x64_io_port_intercept_message, ds_segment, 72);
TLFS_ASSERT_OFFSET(struct hv_x64_io_port_intercept_message, rcx, 104);
TLFS_ASSERT_OFFSET(struct hv_x64_io_port_intercept_message, rdi, 120);

/* memory_access_info of a memory intercept */
#define HV_X64_MEMORY_ACCESS_GVA_VALID		0x01
#define HV_X64_MEMORY_ACCESS_GVA_GPA_VALID	0x02
#define HV_X64_MEMORY_ACCESS_HYPERCALL_OUTPUT	0x04
#define HV_X64_MEMORY_ACCESS_TLB_LOCKED		0x08

/* UNMAPPED_GPA, GPA_INTERCEPT, UNACCEPTED_GPA */
struct hv_x64_memory_intercept_message {
	struct hv_x64_intercept_message_header header;
	__u32 cache_type;		/* HV_CACHE_TYPE_* */
	__u8 instruction_byte_count;
	__u8 memory_access_info;
	__u8 tpr_priority;
	__u8 reserved;
	__u64 guest_virtual_address;
	__u64 guest_physical_address;
	__u8 instruction_bytes[HV_INTERCEPT_INSN_BYTES];
};
TLFS_ASSERT_SIZE(struct hv_x64_memory_intercept_message, 80);
TLFS_ASSERT_OFFSET(struct hv_x64_memory_intercept_message, cache_type, 40);
TLFS_ASSERT_OFFSET(struct hv_x64_memory_intercept_message, memory_access_info, 45);
TLFS_ASSERT_OFFSET(struct hv_x64_memory_intercept_message, guest_virtual_address, 48);
TLFS_ASSERT_OFFSET(struct hv_x64_memory_intercept_message, guest_physical_address, 56);
TLFS_ASSERT_OFFSET(struct hv_x64_memory_intercept_message, instruction_bytes, 64);

struct hv_x64_msr_intercept_message {
	struct hv_x64_intercept_message_header header;
	__u32 msr_number;
	__u32 reserved;
	__u64 rdx;
	__u64 rax;
};
TLFS_ASSERT_SIZE(struct hv_x64_msr_intercept_message, 64);
TLFS_ASSERT_OFFSET(struct hv_x64_msr_intercept_message, rdx, 48);

struct hv_x64_cpuid_intercept_message {
	struct hv_x64_intercept_message_header header;
	__u64 rax;
	__u64 rcx;
	__u64 rdx;
	__u64 rbx;
	__u64 default_result_rax;
	__u64 default_result_rcx;
	__u64 default_result_rdx;
	__u64 default_result_rbx;
};
TLFS_ASSERT_SIZE(struct hv_x64_cpuid_intercept_message, 104);
TLFS_ASSERT_OFFSET(struct hv_x64_cpuid_intercept_message, default_result_rax, 72);

/* exception_info */
#define HV_X64_EXCEPTION_ERROR_CODE_VALID	0x01
#define HV_X64_EXCEPTION_SOFTWARE		0x02

struct hv_x64_exception_intercept_message {
	struct hv_x64_intercept_message_header header;
	__u16 exception_vector;
	__u8 exception_info;
	__u8 instruction_byte_count;
	__u32 error_code;
	__u64 exception_parameter;	/* CR2 or DR6 */
	__u64 reserved;
	__u8 instruction_bytes[HV_INTERCEPT_INSN_BYTES];
	struct hv_x64_segment_register ds_segment;
	struct hv_x64_segment_register ss_segment;
	__u64 gp_registers[16];
};
TLFS_ASSERT_SIZE(struct hv_x64_exception_intercept_message, 240);
TLFS_ASSERT_OFFSET(struct hv_x64_exception_intercept_message, error_code, 44);
TLFS_ASSERT_OFFSET(struct hv_x64_exception_intercept_message, instruction_bytes, 64);
TLFS_ASSERT_OFFSET(struct hv_x64_exception_intercept_message, gp_registers, 112);

struct hv_x64_apic_eoi_message {
	__u32 vp_index;
	__u32 interrupt_vector;
};
TLFS_ASSERT_SIZE(struct hv_x64_apic_eoi_message, 8);

struct hv_x64_interruption_deliverable_message {
	struct hv_x64_intercept_message_header header;
	__u32 deliverable_type;		/* enum hv_interruption_type */
	__u32 reserved;
};
TLFS_ASSERT_SIZE(struct hv_x64_interruption_deliverable_message, 48);

struct hv_x64_synic_sint_deliverable_message {
	struct hv_x64_intercept_message_header header;
	__u16 deliverable_sints;
	__u16 reserved1;
	__u32 reserved2;
};
TLFS_ASSERT_SIZE(struct hv_x64_synic_sint_deliverable_message, 48);

struct hv_x64_sipi_intercept_message {
	struct hv_x64_intercept_message_header header;
	__u32 target_vp_index;
	__u32 interrupt_vector;
};
TLFS_ASSERT_SIZE(struct hv_x64_sipi_intercept_message, 48);

/* Packed by the ABI: 196 bytes. */
struct hv_x64_hypercall_intercept_message {
	struct hv_x64_intercept_message_header header;
	__u64 rax;
	__u64 rbx;
	__u64 rcx;
	__u64 rdx;
	__u64 r8;
	__u64 rsi;
	__u64 rdi;
	struct hv_u128 xmm[6];
	__u32 flags;
} __attribute__((packed));
TLFS_ASSERT_SIZE(struct hv_x64_hypercall_intercept_message, 196);
TLFS_ASSERT_OFFSET(struct hv_x64_hypercall_intercept_message, xmm, 96);
TLFS_ASSERT_OFFSET(struct hv_x64_hypercall_intercept_message, flags, 192);

struct hv_x64_unsupported_feature_message {
	__u32 vp_index;
	__u32 feature_code;
	__u64 feature_parameter;
};
TLFS_ASSERT_SIZE(struct hv_x64_unsupported_feature_message, 16);

struct hv_x64_invalid_vp_register_message {
	__u32 vp_index;
	__u32 reserved;
};
TLFS_ASSERT_SIZE(struct hv_x64_invalid_vp_register_message, 8);

struct hv_opaque_intercept_message {
	__u32 vp_index;
};
TLFS_ASSERT_SIZE(struct hv_opaque_intercept_message, 4);

struct hv_notification_message_payload {
	__u32 sint_index;
};
TLFS_ASSERT_SIZE(struct hv_notification_message_payload, 4);

struct hv_async_completion_message_payload {
	__u64 partition_id;
	__u32 status;
	__u32 completion_count;
	__u64 sub_status;
};
TLFS_ASSERT_SIZE(struct hv_async_completion_message_payload, 24);

struct hv_timer_message_payload {
	__u32 timer_index;
	__u32 reserved;
	__u64 expiration_time;		/* 100 ns */
	__u64 delivery_time;		/* 100 ns */
};
TLFS_ASSERT_SIZE(struct hv_timer_message_payload, 24);

#define HV_VP_SIGNAL_BITSET_BANKS	16
/* HV_GENERIC_SET formats */
#define HV_GENERIC_SET_SPARSE_4K	0
#define HV_GENERIC_SET_ALL		1

struct hv_vp_signal_bitset_scheduler_message {
	__u64 partition_id;
	__u32 overflow_count;
	__u16 vp_count;
	__u16 reserved;
	__u64 format;			/* HV_GENERIC_SET_SPARSE_4K */
	__u64 valid_bank_mask;
	__u64 bank_contents[HV_VP_SIGNAL_BITSET_BANKS];
};
TLFS_ASSERT_SIZE(struct hv_vp_signal_bitset_scheduler_message, 160);
TLFS_ASSERT_OFFSET(struct hv_vp_signal_bitset_scheduler_message, vp_count, 12);
TLFS_ASSERT_OFFSET(struct hv_vp_signal_bitset_scheduler_message, format, 16);
TLFS_ASSERT_OFFSET(struct hv_vp_signal_bitset_scheduler_message, bank_contents, 32);

#define HV_VP_SIGNAL_PAIR_MAX		19

struct hv_vp_signal_pair_scheduler_message {
	__u32 overflow_count;
	__u8 vp_count;
	__u8 reserved1[3];
	__u64 partition_ids[HV_VP_SIGNAL_PAIR_MAX];
	__u32 vp_indexes[HV_VP_SIGNAL_PAIR_MAX];
	__u32 reserved2;
};
TLFS_ASSERT_SIZE(struct hv_vp_signal_pair_scheduler_message, 240);
TLFS_ASSERT_OFFSET(struct hv_vp_signal_pair_scheduler_message, vp_count, 4);
TLFS_ASSERT_OFFSET(struct hv_vp_signal_pair_scheduler_message, partition_ids, 8);
TLFS_ASSERT_OFFSET(struct hv_vp_signal_pair_scheduler_message, vp_indexes, 160);

#endif /* TLFS_MESSAGE_H */
