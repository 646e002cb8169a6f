/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * State components of a virtual processor that are too large for registers:
 * HVCALL_GET_VP_STATE and HVCALL_SET_VP_STATE.
 */
#ifndef TLFS_STATE_H
#define TLFS_STATE_H

#include <tlfs/types.h>
#include <tlfs/msr.h>

/* Types with bit 31 exchange their data through a list of pages. */
#define HV_VP_STATE_TYPE_PFN			TLFS_BIT(31)
enum hv_vp_state_type {
	HV_VP_STATE_SYNTHETIC_TIMERS		= 4,
	HV_VP_STATE_LAPIC			= 0x80000000,
	HV_VP_STATE_XSAVE			= 0x80000001,
	HV_VP_STATE_SIM_PAGE			= 0x80000002,
	HV_VP_STATE_SIEF_PAGE			= 0x80000003,
};

struct hv_vp_state_data_xsave {
	__u64 flags;
	__u64 states;			/* XCR0 and XSS mask */
};
TLFS_ASSERT_SIZE(struct hv_vp_state_data_xsave, 16);

struct hv_vp_state_data {
	__u32 type;			/* enum hv_vp_state_type */
	__u32 reserved;
	struct hv_vp_state_data_xsave xsave;
};
TLFS_ASSERT_SIZE(struct hv_vp_state_data, 24);
TLFS_ASSERT_OFFSET(struct hv_vp_state_data, xsave, 8);

/* The page list (or, for SET, the data) follows as the variable header. */
struct hv_input_get_vp_state {
	__u64 partition_id;
	__u32 vp_index;
	__u8 input_vtl;
	__u8 reserved[3];
	struct hv_vp_state_data state_data;
	__u64 output_data_pfns[];
};
TLFS_ASSERT_OFFSET(struct hv_input_get_vp_state, state_data, 16);
TLFS_ASSERT_OFFSET(struct hv_input_get_vp_state, output_data_pfns, 40);

struct hv_input_set_vp_state {
	__u64 partition_id;
	__u32 vp_index;
	__u8 input_vtl;
	__u8 reserved[3];
	struct hv_vp_state_data state_data;
	union {
		__u64 pfns[1];
		__u8 bytes[8];
	} data;				/* as long as the variable header says */
};
TLFS_ASSERT_SIZE(struct hv_input_set_vp_state, 48);
TLFS_ASSERT_OFFSET(struct hv_input_set_vp_state, data, 40);

/* HV_VP_STATE_LAPIC */
struct hv_local_interrupt_controller_state {
	__u32 apic_id;			/* the plain APIC ID, unshifted */
	__u32 apic_version;
	__u32 apic_ldr;
	__u32 apic_dfr;
	__u32 apic_spurious;
	__u32 apic_isr[8];
	__u32 apic_tmr[8];
	__u32 apic_irr[8];
	__u32 apic_esr;
	__u32 apic_icr_high;
	__u32 apic_icr_low;
	__u32 apic_lvt_timer;
	__u32 apic_lvt_thermal;
	__u32 apic_lvt_perfmon;
	__u32 apic_lvt_lint0;
	__u32 apic_lvt_lint1;
	__u32 apic_lvt_error;
	__u32 apic_lvt_cmci;
	__u32 apic_error_status;
	__u32 apic_initial_count;
	__u32 apic_counter_value;
	__u32 apic_divide_configuration;
	__u32 apic_remote_read;
};
TLFS_ASSERT_SIZE(struct hv_local_interrupt_controller_state, 176);
TLFS_ASSERT_OFFSET(struct hv_local_interrupt_controller_state, apic_isr, 20);
TLFS_ASSERT_OFFSET(struct hv_local_interrupt_controller_state, apic_tmr, 52);
TLFS_ASSERT_OFFSET(struct hv_local_interrupt_controller_state, apic_irr, 84);
TLFS_ASSERT_OFFSET(struct hv_local_interrupt_controller_state, apic_esr, 116);
TLFS_ASSERT_OFFSET(struct hv_local_interrupt_controller_state, apic_lvt_timer, 128);
TLFS_ASSERT_OFFSET(struct hv_local_interrupt_controller_state, apic_lvt_lint0, 140);
TLFS_ASSERT_OFFSET(struct hv_local_interrupt_controller_state, apic_lvt_cmci, 152);
TLFS_ASSERT_OFFSET(struct hv_local_interrupt_controller_state, apic_initial_count, 160);
TLFS_ASSERT_OFFSET(struct hv_local_interrupt_controller_state, apic_divide_configuration, 168);

/* HV_VP_STATE_SYNTHETIC_TIMERS */
#define HV_STIMER_STATE_UNDELIVERED_MESSAGE	TLFS_BIT(0)
struct hv_stimer_state {
	__u32 flags;
	__u32 reserved;
	__u64 config;
	__u64 count;
	__u64 adjustment;
	__u64 undelivered_expiration_time;
};
TLFS_ASSERT_SIZE(struct hv_stimer_state, 40);
TLFS_ASSERT_OFFSET(struct hv_stimer_state, adjustment, 24);

struct hv_synthetic_timers_state {
	struct hv_stimer_state timers[HV_STIMER_COUNT];
	__u64 reserved[5];
};
TLFS_ASSERT_SIZE(struct hv_synthetic_timers_state, 200);
TLFS_ASSERT_OFFSET(struct hv_synthetic_timers_state, reserved, 160);

#endif /* TLFS_STATE_H */
