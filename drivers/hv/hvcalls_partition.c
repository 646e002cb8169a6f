// SPDX-License-Identifier: GPL-2.0-only
/*
 * Hypercalls on partitions and on the system.
 */
#include <tlfs/hypercall.h>

#include "hvcall.h"
#include "hvcalls.h"
#include "trace.h"

/* Pages deposited at a time while a partition is being initialized; it takes some 200. */
#define INITIALIZE_DEPOSIT	32
/* Pages that creating a partition may take from root's own pool */
#define CREATE_DEPOSIT		1

int mshv_hvcall_create_partition(const struct hv_input_create_partition *in, u64 *partition_id)
{
	struct hv_output_create_partition out;
	struct mshv_hvcall call = {
		.code = HVCALL_CREATE_PARTITION,
		.in = in,
		.in_size = sizeof(*in),
		.out = &out,
		.out_size = sizeof(out),
		.pool = &mshv_root_pool,
		.deposit = CREATE_DEPOSIT,
	};
	int ret = mshv_hvcall(&call);

	trace_mshv_hvcall_create_partition(in->flags, ret ?: (s64)out.partition_id);
	if (!ret)
		*partition_id = out.partition_id;

	return ret;
}

int mshv_hvcall_initialize_partition(struct mshv_pool *pool)
{
	struct hv_input_partition_id in = { .partition_id = pool->partition_id };
	struct mshv_hvcall call = {
		.code = HVCALL_INITIALIZE_PARTITION,
		.in = &in,
		.in_size = sizeof(in),
		.pool = pool,
		.deposit = INITIALIZE_DEPOSIT,
	};
	int ret = mshv_hvcall(&call);

	trace_mshv_hvcall_initialize_partition(pool->partition_id, call.status);

	return ret;
}

int mshv_hvcall_finalize_partition(u64 partition_id)
{
	u16 status;
	int ret;

	ret = mshv_hvcall_fast(HVCALL_FINALIZE_PARTITION, partition_id, 0, &status);
	trace_mshv_hvcall_finalize_partition(partition_id, status);

	return ret;
}

int mshv_hvcall_delete_partition(u64 partition_id)
{
	u16 status;
	int ret;

	ret = mshv_hvcall_fast(HVCALL_DELETE_PARTITION, partition_id, 0, &status);
	trace_mshv_hvcall_delete_partition(partition_id, status);

	return ret;
}

int mshv_hvcall_get_partition_property(u64 partition_id, u32 code, u64 *value)
{
	struct hv_input_get_partition_property in = {
		.partition_id = partition_id,
		.property_code = code,
	};
	struct hv_output_get_partition_property out;
	struct mshv_hvcall call = {
		.code = HVCALL_GET_PARTITION_PROPERTY,
		.in = &in,
		.in_size = sizeof(in),
		.out = &out,
		.out_size = sizeof(out),
	};
	int ret = mshv_hvcall(&call);

	if (!ret)
		*value = out.property_value;

	return ret;
}

int mshv_hvcall_get_partition_property_ex(u64 partition_id, u32 code, void *value, size_t size)
{
	struct hv_input_get_partition_property_ex in = {
		.partition_id = partition_id,
		.property_code = code,
	};
	struct mshv_hvcall call = {
		.code = HVCALL_GET_PARTITION_PROPERTY_EX,
		.flags = MSHV_HVCALL_QUIET,
		.in = &in,
		.in_size = sizeof(in),
		.out = value,
		.out_size = size,
	};

	return mshv_hvcall(&call);
}

int mshv_hvcall_get_system_property(u32 id, u64 *value)
{
	struct hv_input_get_system_property in = { .property_id = id };
	struct hv_output_get_system_property out;
	struct mshv_hvcall call = {
		.code = HVCALL_GET_SYSTEM_PROPERTY,
		.in = &in,
		.in_size = sizeof(in),
		.out = &out,
		.out_size = sizeof(out),
	};
	int ret = mshv_hvcall(&call);

	if (!ret)
		*value = out.value;

	return ret;
}

int mshv_hvcall_map_stats_page(u32 type, const union hv_stats_object_identity *identity,
			       u64 *pfn)
{
	struct hv_input_map_stats_page in = { .type = type, .identity = *identity };
	struct hv_output_map_stats_page out;
	struct mshv_hvcall call = {
		.code = HVCALL_MAP_STATS_PAGE,
		.flags = MSHV_HVCALL_QUIET,
		.in = &in,
		.in_size = sizeof(in),
		.out = &out,
		.out_size = sizeof(out),
		.pool = &mshv_root_pool,
	};
	int ret = mshv_hvcall(&call);

	if (!ret)
		*pfn = out.map_location;

	return ret;
}

int mshv_hvcall_unmap_stats_page(u32 type, const union hv_stats_object_identity *identity)
{
	struct hv_input_map_stats_page in = { .type = type, .identity = *identity };
	struct mshv_hvcall call = {
		.code = HVCALL_UNMAP_STATS_PAGE,
		.flags = MSHV_HVCALL_ATOMIC,
		.in = &in,
		.in_size = sizeof(in),
	};

	return mshv_hvcall(&call);
}
