/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The machine as the root partition manages it: logical processors, system
 * properties, power.
 */
#ifndef TLFS_SYSTEM_H
#define TLFS_SYSTEM_H

#include <tlfs/types.h>

/*
 * HVCALL_ADD_LOGICAL_PROCESSOR; Linux 6.1 passes 8 bytes of flags more, all 0,
 * so a hypervisor reads no more than this.
 */
struct hv_input_add_logical_processor {
	__u32 lp_index;
	__u32 apic_id;
	struct hv_proximity_domain_info proximity_domain_info;
};
TLFS_ASSERT_SIZE(struct hv_input_add_logical_processor, 16);
TLFS_ASSERT_OFFSET(struct hv_input_add_logical_processor, proximity_domain_info, 8);

struct hv_lp_startup_status {
	__u64 hv_status;
	__u64 substatus[6];
};
TLFS_ASSERT_SIZE(struct hv_lp_startup_status, 56);

/* HVCALL_GET_LOGICAL_PROCESSOR_RUN_TIME; all times in 100 ns */
struct hv_input_get_logical_processor_run_time {
	__u32 lp_index;
	__u32 reserved;
};
TLFS_ASSERT_SIZE(struct hv_input_get_logical_processor_run_time, 8);
struct hv_output_get_logical_processor_run_time {
	__u64 global_time;
	__u64 local_run_time;
	__u64 reserved;
	__u64 hypervisor_time;
};
TLFS_ASSERT_SIZE(struct hv_output_get_logical_processor_run_time, 32);

/* HVCALL_GET_SYSTEM_PROPERTY */
enum hv_system_property {
	HV_SYSTEM_PROPERTY_SLEEP_STATE		= 3,
	HV_SYSTEM_PROPERTY_SCHEDULER_TYPE	= 15,
	HV_SYSTEM_PROPERTY_CRASHDUMPAREA	= 47,
};

enum hv_scheduler_type {
	HV_SCHEDULER_TYPE_LP		= 1,	/* Classic, without SMT */
	HV_SCHEDULER_TYPE_LP_SMT	= 2,
	HV_SCHEDULER_TYPE_CORE_SMT	= 3,
	HV_SCHEDULER_TYPE_ROOT		= 4,
};

struct hv_input_get_system_property {
	__u32 property_id;
	__u32 reserved;
	__u64 arg;
};
TLFS_ASSERT_SIZE(struct hv_input_get_system_property, 16);
struct hv_output_get_system_property {
	__u64 value;
};
TLFS_ASSERT_SIZE(struct hv_output_get_system_property, 8);

/* HVCALL_SET_SYSTEM_PROPERTY, HV_SYSTEM_PROPERTY_SLEEP_STATE */
enum hv_sleep_state {
	HV_SLEEP_STATE_S1	= 1,
	HV_SLEEP_STATE_S2	= 2,
	HV_SLEEP_STATE_S3	= 3,
	HV_SLEEP_STATE_S4	= 4,
	HV_SLEEP_STATE_S5	= 5,
};

struct hv_input_set_system_property {
	__u32 property_id;
	__u32 reserved;
	struct {
		__u32 sleep_state;
		__u8 pm1a_slp_typ;
		__u8 pm1b_slp_typ;
		__u8 reserved[2];
	} sleep_state_info;
	__u8 padding[56];
};
TLFS_ASSERT_SIZE(struct hv_input_set_system_property, 72);
TLFS_ASSERT_OFFSET(struct hv_input_set_system_property, sleep_state_info, 8);

/* HVCALL_ENTER_SLEEP_STATE */
struct hv_input_enter_sleep_state {
	__u32 sleep_state;
};
TLFS_ASSERT_SIZE(struct hv_input_enter_sleep_state, 4);

/* HVCALL_NOTIFY_PARTITION_EVENT */
enum hv_partition_event {
	HV_PARTITION_EVENT_ROOT_CRASHDUMP	= 2,
	HV_PARTITION_ALL_LOGICAL_PROCESSORS_STARTED = 4,
};

struct hv_input_notify_partition_event {
	__u32 event;
	__u32 input;
};
TLFS_ASSERT_SIZE(struct hv_input_notify_partition_event, 8);

#endif /* TLFS_SYSTEM_H */
