// SPDX-License-Identifier: GPL-2.0-only
/*
 * Hypercalls on ports and connections.
 */
#include <tlfs/hypercall.h>

#include "hvcall.h"
#include "hvcalls.h"

int mshv_hvcall_create_doorbell_port(u32 port_id, u64 connection_partition_id)
{
	struct hv_input_create_port in = {
		.port_partition_id = mshv_root_pool.partition_id,
		.port_id = port_id,
		.connection_partition_id = connection_partition_id,
		.port_info.port_type = HV_PORT_TYPE_DOORBELL,
		.port_info.doorbell_port_info.target_sint = HV_SYNIC_DOORBELL_SINT_INDEX,
		.port_info.doorbell_port_info.target_vp = HV_ANY_VP,
	};
	struct mshv_hvcall call = {
		.code = HVCALL_CREATE_PORT,
		.in = &in,
		.in_size = sizeof(in),
		.pool = &mshv_root_pool,
	};

	return mshv_hvcall(&call);
}

int mshv_hvcall_delete_port(u32 port_id)
{
	return mshv_hvcall_fast(HVCALL_DELETE_PORT, mshv_root_pool.partition_id, port_id, NULL);
}

int mshv_hvcall_connect_doorbell(struct mshv_pool *pool, u32 port_id, u64 gpa,
				 u64 trigger_value, u64 flags)
{
	struct hv_input_connect_port in = {
		.connection_partition_id = pool->partition_id,
		.connection_id = port_id,
		.port_partition_id = mshv_root_pool.partition_id,
		.port_id = port_id,
		.connection_info.port_type = HV_PORT_TYPE_DOORBELL,
		.connection_info.doorbell_connection_info.gpa = gpa,
		.connection_info.doorbell_connection_info.trigger_value = trigger_value,
		.connection_info.doorbell_connection_info.flags = flags,
	};
	struct mshv_hvcall call = {
		.code = HVCALL_CONNECT_PORT,
		.in = &in,
		.in_size = sizeof(in),
		.pool = pool,
	};

	return mshv_hvcall(&call);
}

int mshv_hvcall_disconnect_doorbell(u64 partition_id, u32 port_id)
{
	return mshv_hvcall_fast(HVCALL_DISCONNECT_PORT, partition_id,
				port_id | (u64)HV_DISCONNECT_PORT_IS_DOORBELL << 32, NULL);
}

int mshv_hvcall_notify_port_ring_empty(u32 sint)
{
	return mshv_hvcall_fast(HVCALL_NOTIFY_PORT_RING_EMPTY, sint, 0, NULL);
}
