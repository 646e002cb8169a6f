/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The synthetic interrupt controller: ports, connections, event flags, event
 * rings and synthetic timers (TLFS, "Inter-Partition Communication" and
 * "Timers").
 */
#ifndef TLFS_SYNIC_H
#define TLFS_SYNIC_H

#include <tlfs/types.h>
#include <tlfs/message.h>

/* SINTs that the root partition's driver uses */
#define HV_SYNIC_INTERCEPTION_SINT_INDEX	0
#define HV_SYNIC_IOMMU_FAULT_SINT_INDEX		1
#define HV_SYNIC_VMBUS_SINT_INDEX		2
#define HV_SYNIC_DOORBELL_SINT_INDEX		5

/* Event flags (SIEF page): 2048 flags a SINT */
#define HV_EVENT_FLAGS_COUNT			2048
#define HV_EVENT_FLAGS_BYTES			(HV_EVENT_FLAGS_COUNT / 8)
struct hv_synic_event_flags_page {
	__u8 flags[16][HV_EVENT_FLAGS_BYTES];
};
TLFS_ASSERT_SIZE(struct hv_synic_event_flags_page, 4096);

/* Event ring (SIRB page): one a SINT */
#define HV_SYNIC_EVENT_RING_MESSAGE_COUNT	63
struct hv_synic_event_ring {
	__u8 signal_masked;
	__u8 ring_full;
	__u16 reserved;
	__u32 data[HV_SYNIC_EVENT_RING_MESSAGE_COUNT];	/* port ID; 0 is empty */
};
TLFS_ASSERT_SIZE(struct hv_synic_event_ring, 256);
TLFS_ASSERT_OFFSET(struct hv_synic_event_ring, ring_full, 1);
TLFS_ASSERT_OFFSET(struct hv_synic_event_ring, data, 4);

struct hv_synic_event_ring_page {
	struct hv_synic_event_ring sint_event_ring[16];
};
TLFS_ASSERT_SIZE(struct hv_synic_event_ring_page, 4096);

/* Ports and connections */
#define HV_PORT_ID_MASK				0x00FFFFFFU
#define HV_CONNECTION_ID_MASK			0x00FFFFFFU

enum hv_port_type {
	HV_PORT_TYPE_MESSAGE	= 1,
	HV_PORT_TYPE_EVENT	= 2,
	HV_PORT_TYPE_MONITOR	= 3,
	HV_PORT_TYPE_DOORBELL	= 4,
};

struct hv_port_info {
	__u32 port_type;
	__u32 padding;
	union {
		struct {
			__u32 target_sint;
			__u32 target_vp;
			__u64 reserved;
		} message_port_info;
		struct {
			__u32 target_sint;
			__u32 target_vp;
			__u16 base_flag_number;
			__u16 flag_count;
			__u32 reserved;
		} event_port_info;
		struct {
			__u64 monitor_address;
			__u64 reserved;
		} monitor_port_info;
		struct {
			__u32 target_sint;
			__u32 target_vp;
			__u64 reserved;
		} doorbell_port_info;
	};
};
TLFS_ASSERT_SIZE(struct hv_port_info, 24);
TLFS_ASSERT_OFFSET(struct hv_port_info, doorbell_port_info, 8);

/* HVCALL_CREATE_PORT */
struct hv_input_create_port {
	__u64 port_partition_id;
	__u32 port_id;
	__u8 port_vtl;
	__u8 min_connection_vtl;
	__u16 padding;
	__u64 connection_partition_id;
	struct hv_port_info port_info;
	struct hv_proximity_domain_info proximity_domain_info;
};
TLFS_ASSERT_SIZE(struct hv_input_create_port, 56);
TLFS_ASSERT_OFFSET(struct hv_input_create_port, connection_partition_id, 16);
TLFS_ASSERT_OFFSET(struct hv_input_create_port, port_info, 24);
TLFS_ASSERT_OFFSET(struct hv_input_create_port, proximity_domain_info, 48);

/* HVCALL_DELETE_PORT */
struct hv_input_delete_port {
	__u64 port_partition_id;
	__u32 port_id;
	__u32 reserved;
};
TLFS_ASSERT_SIZE(struct hv_input_delete_port, 16);

/* Doorbell flags: the size and value of the store that hits */
#define HV_DOORBELL_FLAG_TRIGGER_SIZE_MASK	0x7ULL
#define HV_DOORBELL_FLAG_TRIGGER_SIZE_ANY	0
#define HV_DOORBELL_FLAG_TRIGGER_SIZE_BYTE	1
#define HV_DOORBELL_FLAG_TRIGGER_SIZE_WORD	2
#define HV_DOORBELL_FLAG_TRIGGER_SIZE_DWORD	3
#define HV_DOORBELL_FLAG_TRIGGER_SIZE_QWORD	4
#define HV_DOORBELL_FLAG_TRIGGER_ANY_VALUE	TLFS_BIT64(31)

struct hv_connection_info {
	__u32 port_type;
	__u32 padding;
	union {
		struct {
			__u64 reserved[3];
		} message_connection_info;
		struct {
			__u64 reserved[3];
		} event_connection_info;
		struct {
			__u64 monitor_address;
			__u64 reserved[2];
		} monitor_connection_info;
		struct {
			__u64 gpa;
			__u64 trigger_value;
			__u64 flags;	/* HV_DOORBELL_FLAG_* */
		} doorbell_connection_info;
	};
};
TLFS_ASSERT_SIZE(struct hv_connection_info, 32);
TLFS_ASSERT_OFFSET(struct hv_connection_info, doorbell_connection_info, 8);

/* HVCALL_CONNECT_PORT */
struct hv_input_connect_port {
	__u64 connection_partition_id;
	__u32 connection_id;
	__u8 connection_vtl;
	__u8 reserved1[3];
	__u64 port_partition_id;
	__u32 port_id;
	__u32 reserved2;
	struct hv_connection_info connection_info;
	struct hv_proximity_domain_info proximity_domain_info;
};
TLFS_ASSERT_SIZE(struct hv_input_connect_port, 72);
TLFS_ASSERT_OFFSET(struct hv_input_connect_port, port_partition_id, 16);
TLFS_ASSERT_OFFSET(struct hv_input_connect_port, connection_info, 32);
TLFS_ASSERT_OFFSET(struct hv_input_connect_port, proximity_domain_info, 64);

/* HVCALL_DISCONNECT_PORT */
#define HV_DISCONNECT_PORT_IS_DOORBELL		TLFS_BIT(0)
struct hv_input_disconnect_port {
	__u64 connection_partition_id;
	__u32 connection_id;
	__u32 flags;
};
TLFS_ASSERT_SIZE(struct hv_input_disconnect_port, 16);

/* HVCALL_NOTIFY_PORT_RING_EMPTY */
struct hv_input_notify_port_ring_empty {
	__u32 sint_index;
	__u32 reserved;
};
TLFS_ASSERT_SIZE(struct hv_input_notify_port_ring_empty, 8);

/* HVCALL_POST_MESSAGE */
struct hv_input_post_message {
	__u32 connection_id;
	__u32 reserved;
	__u32 message_type;
	__u32 payload_size;
	__u64 payload[HV_MESSAGE_PAYLOAD_QWORD_COUNT];
};
TLFS_ASSERT_SIZE(struct hv_input_post_message, 256);
TLFS_ASSERT_OFFSET(struct hv_input_post_message, payload, 16);
/* Message types with this bit are the hypervisor's own; a guest may not send them. */
#define HV_MESSAGE_TYPE_HYPERVISOR_MASK		0x80000000U

/* HVCALL_SIGNAL_EVENT */
struct hv_input_signal_event {
	__u32 connection_id;
	__u16 flag_number;
	__u16 reserved;
};
TLFS_ASSERT_SIZE(struct hv_input_signal_event, 8);

/* HVCALL_SIGNAL_EVENT_DIRECT */
struct hv_input_signal_event_direct {
	__u64 target_partition;
	__u32 target_vp;
	__u8 target_vtl;
	__u8 target_sint;
	__u16 flag_number;
};
TLFS_ASSERT_SIZE(struct hv_input_signal_event_direct, 16);
TLFS_ASSERT_OFFSET(struct hv_input_signal_event_direct, flag_number, 14);
struct hv_output_signal_event_direct {
	__u8 newly_signaled;
	__u8 reserved[7];
};
TLFS_ASSERT_SIZE(struct hv_output_signal_event_direct, 8);

/* HVCALL_POST_MESSAGE_DIRECT */
struct hv_input_post_message_direct {
	__u64 partition_id;
	__u32 vp_index;
	__u8 vtl;
	__u8 padding1[3];
	__u32 sint_index;
	__u8 message[HV_MESSAGE_SIZE];
	__u32 padding2;
};
TLFS_ASSERT_SIZE(struct hv_input_post_message_direct, 280);
TLFS_ASSERT_OFFSET(struct hv_input_post_message_direct, sint_index, 16);
TLFS_ASSERT_OFFSET(struct hv_input_post_message_direct, message, 20);

#endif /* TLFS_SYNIC_H */
