/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Synthetic MSRs (TLFS, "Synthetic MSRs" and the chapters they belong to).
 */
#ifndef TLFS_MSR_H
#define TLFS_MSR_H

#include <tlfs/types.h>

#define HV_X64_MSR_GUEST_OS_ID			0x40000000
#define HV_X64_MSR_HYPERCALL			0x40000001
#define HV_X64_MSR_VP_INDEX			0x40000002
#define HV_X64_MSR_RESET			0x40000003
#define HV_X64_MSR_VP_RUNTIME			0x40000010
#define HV_X64_MSR_TIME_REF_COUNT		0x40000020
#define HV_X64_MSR_REFERENCE_TSC		0x40000021
#define HV_X64_MSR_TSC_FREQUENCY		0x40000022
#define HV_X64_MSR_APIC_FREQUENCY		0x40000023
#define HV_X64_MSR_EOI				0x40000070
#define HV_X64_MSR_ICR				0x40000071
#define HV_X64_MSR_TPR				0x40000072
#define HV_X64_MSR_VP_ASSIST_PAGE		0x40000073
#define HV_X64_MSR_SCONTROL			0x40000080
#define HV_X64_MSR_SVERSION			0x40000081
#define HV_X64_MSR_SIEFP			0x40000082
#define HV_X64_MSR_SIMP				0x40000083
#define HV_X64_MSR_EOM				0x40000084
#define HV_X64_MSR_SIRBP			0x40000085
#define HV_X64_MSR_SINT0			0x40000090
#define HV_X64_MSR_SINT15			0x4000009F
#define HV_X64_MSR_STIMER0_CONFIG		0x400000B0
#define HV_X64_MSR_STIMER0_COUNT		0x400000B1
#define HV_X64_MSR_STIMER3_COUNT		0x400000B7
#define HV_X64_MSR_GUEST_IDLE			0x400000F0
#define HV_X64_MSR_CRASH_P0			0x40000100
#define HV_X64_MSR_CRASH_P4			0x40000104
#define HV_X64_MSR_CRASH_CTL			0x40000105
#define HV_X64_MSR_REENLIGHTENMENT_CONTROL	0x40000106
#define HV_X64_MSR_TSC_EMULATION_CONTROL	0x40000107
#define HV_X64_MSR_TSC_EMULATION_STATUS		0x40000108
#define HV_X64_MSR_TSC_INVARIANT_CONTROL	0x40000118

/* The hypervisor's MSRs lie in this range; others of it do not exist. */
#define HV_X64_MSR_FIRST			0x40000000
#define HV_X64_MSR_LAST				0x400001FF

/*
 * MSRs that place a page: bit 0 enables it, bits 12-63 are its GPA page
 * number, the rest is preserved (hypercall: bit 1 locks the register).
 */
#define HV_MSR_PAGE_ENABLE			TLFS_BIT64(0)
#define HV_MSR_PAGE_PFN_SHIFT			12
#define HV_X64_MSR_HYPERCALL_LOCKED		TLFS_BIT64(1)

#define HV_SYNIC_CONTROL_ENABLE			TLFS_BIT64(0)
#define HV_SYNIC_VERSION_1			1

/* SINTx (TLFS, "SINTx Registers") */
#define HV_SYNIC_SINT_VECTOR_MASK		0xFFULL
#define HV_SYNIC_SINT_MASKED			TLFS_BIT64(16)
#define HV_SYNIC_SINT_AUTO_EOI			TLFS_BIT64(17)
#define HV_SYNIC_SINT_POLLING			TLFS_BIT64(18)
#define HV_SYNIC_SINT_AS_INTERCEPT		TLFS_BIT64(19)
#define HV_SYNIC_SINT_PROXY			TLFS_BIT64(20)
#define HV_SYNIC_SINT_RESET			HV_SYNIC_SINT_MASKED
#define HV_SYNIC_FIRST_VALID_VECTOR		16
#define HV_SYNIC_SINT_COUNT			16

/* STIMERx_CONFIG (TLFS, "Synthetic Timer Configuration Register") */
#define HV_STIMER_ENABLE			TLFS_BIT64(0)
#define HV_STIMER_PERIODIC			TLFS_BIT64(1)
#define HV_STIMER_LAZY				TLFS_BIT64(2)
#define HV_STIMER_AUTO_ENABLE			TLFS_BIT64(3)
#define HV_STIMER_APIC_VECTOR_SHIFT		4
#define HV_STIMER_APIC_VECTOR_MASK		(0xFFULL << 4)
#define HV_STIMER_DIRECT_MODE			TLFS_BIT64(12)
#define HV_STIMER_SINT_SHIFT			16
#define HV_STIMER_SINT_MASK			(0xFULL << 16)
#define HV_STIMER_CONFIG_VALID			(0x1FFFULL | HV_STIMER_SINT_MASK)
#define HV_STIMER_COUNT				4

/* CRASH_CTL */
#define HV_CRASH_CTL_CRASH_NOTIFY_MSG		TLFS_BIT64(62)
#define HV_CRASH_CTL_CRASH_NOTIFY		TLFS_BIT64(63)

/* VP assist page (TLFS, "Virtual VP Assist Page"); 624 bytes are defined. */
struct hv_vp_assist_page {
	__u32 apic_assist;
	__u32 reserved1;
	__u32 vtl_entry_reason;
	__u32 vtl_reserved;
	__u64 vtl_ret_x64rax;
	__u64 vtl_ret_x64rcx;
	__u64 nested_control;
	__u8 enlighten_vmentry;
	__u8 reserved2[7];
	__u64 current_nested_vmcs;
	__u8 time_unhalted_timer_expired;
	__u8 reserved3[7];
	__u8 virtualization_fault_info[40];
	__u8 reserved4[8];
	__u8 intercept_message[256];
	__u8 vtl_return_actions[256];
};
TLFS_ASSERT_SIZE(struct hv_vp_assist_page, 624);
TLFS_ASSERT_OFFSET(struct hv_vp_assist_page, nested_control, 32);
TLFS_ASSERT_OFFSET(struct hv_vp_assist_page, enlighten_vmentry, 40);
TLFS_ASSERT_OFFSET(struct hv_vp_assist_page, current_nested_vmcs, 48);
TLFS_ASSERT_OFFSET(struct hv_vp_assist_page, virtualization_fault_info, 64);
TLFS_ASSERT_OFFSET(struct hv_vp_assist_page, intercept_message, 112);
TLFS_ASSERT_OFFSET(struct hv_vp_assist_page, vtl_return_actions, 368);

/* apic_assist: the guest may skip its next EOI */
#define HV_APIC_ASSIST_NO_EOI_REQUIRED		TLFS_BIT(0)

/*
 * Reference TSC page (TLFS, "Partition Reference TSC Mechanism"):
 * time in 100 ns = ((tsc * scale) >> 64) + offset, while sequence is not 0.
 */
struct hv_reference_tsc_page {
	__u32 sequence;
	__u32 reserved;
	__u64 scale;
	__s64 offset;
};
TLFS_ASSERT_SIZE(struct hv_reference_tsc_page, 24);
TLFS_ASSERT_OFFSET(struct hv_reference_tsc_page, scale, 8);
TLFS_ASSERT_OFFSET(struct hv_reference_tsc_page, offset, 16);

#define HV_REFERENCE_TSC_SEQUENCE_INVALID	0

#endif /* TLFS_MSR_H */
