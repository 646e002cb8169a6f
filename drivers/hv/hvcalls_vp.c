// SPDX-License-Identifier: GPL-2.0-only
/*
 * Hypercalls on virtual processors.
 */
#include <linux/kernel.h>
#include <linux/string.h>

#include <tlfs/hypercall.h>
#include <tlfs/status.h>

#include "compat.h"
#include "hvcall.h"
#include "hvcalls.h"
#include "status.h"
#include "trace.h"

/* Pages deposited at a time while a VP is being created; it takes up to 90. */
#define CREATE_VP_DEPOSIT	16

int mshv_hvcall_create_vp(struct mshv_pool *pool, u32 vp_index)
{
	struct hv_input_create_vp in = {
		.partition_id = pool->partition_id,
		.vp_index = vp_index,
		.subnode_type = HV_SUBNODE_ANY,
	};
	struct mshv_hvcall call = {
		.code = HVCALL_CREATE_VP,
		.in = &in,
		.in_size = sizeof(in),
		.pool = pool,
		.deposit = CREATE_VP_DEPOSIT,
	};

	return mshv_hvcall(&call);
}

int mshv_hvcall_delete_vp(u64 partition_id, u32 vp_index)
{
	return mshv_hvcall_fast(HVCALL_DELETE_VP, partition_id, vp_index, NULL);
}

int mshv_hvcall_get_vp_register(u64 partition_id, u32 vp_index, u32 name, u64 *value)
{
	struct hv_input_get_vp_registers in = {
		.partition_id = partition_id,
		.vp_index = vp_index,
	};
	union hv_register_value out;
	struct mshv_hvcall call = {
		.code = HVCALL_GET_VP_REGISTERS,
		.reps = 1,
		.in = &in,
		.in_size = sizeof(in),
		.in_reps = &name,
		.in_rep_size = sizeof(name),
		.out = &out,
		.out_rep_size = sizeof(out),
	};
	int ret = mshv_hvcall(&call);

	if (!ret)
		*value = out.reg64;

	return ret;
}

int mshv_hvcall_set_vp_registers(u64 partition_id, u32 vp_index,
				 const struct hv_register_assoc *regs, unsigned int nr)
{
	struct hv_input_set_vp_registers in = {
		.partition_id = partition_id,
		.vp_index = vp_index,
	};
	struct mshv_hvcall call = {
		.code = HVCALL_SET_VP_REGISTERS,
		.reps = nr,
		.in = &in,
		.in_size = sizeof(in),
		.in_reps = regs,
		.in_rep_size = sizeof(regs[0]),
	};

	return mshv_hvcall(&call);
}

int mshv_hvcall_map_vp_state_page(struct mshv_pool *pool, u32 vp_index, u16 type, u64 *pfn)
{
	struct hv_input_map_vp_state_page in = {
		.partition_id = pool->partition_id,
		.vp_index = vp_index,
		.type = type,
	};
	struct hv_output_map_vp_state_page out;
	struct mshv_hvcall call = {
		.code = HVCALL_MAP_VP_STATE_PAGE,
		/* Older hypervisors have no register page, which is nothing to warn of. */
		.flags = type == HV_VP_STATE_PAGE_REGISTERS ? MSHV_HVCALL_QUIET : 0,
		.in = &in,
		.in_size = sizeof(in),
		.out = &out,
		.out_size = sizeof(out),
		.pool = pool,
	};
	int ret = mshv_hvcall(&call);

	trace_mshv_hvcall_map_vp_state_page(pool->partition_id, vp_index, type, call.status);
	if (!ret)
		*pfn = out.map_location;

	return ret;
}

int mshv_hvcall_unmap_vp_state_page(u64 partition_id, u32 vp_index, u16 type)
{
	struct hv_input_unmap_vp_state_page in = {
		.partition_id = partition_id,
		.vp_index = vp_index,
		.type = type,
	};
	struct mshv_hvcall call = {
		.code = HVCALL_UNMAP_VP_STATE_PAGE,
		.flags = MSHV_HVCALL_ATOMIC,
		.in = &in,
		.in_size = sizeof(in),
	};

	return mshv_hvcall(&call);
}

int mshv_hvcall_get_vp_state(struct mshv_pool *pool, u32 vp_index,
			     const struct hv_vp_state_data *data, const u64 *pfns,
			     unsigned int nr, void *out, size_t out_size)
{
	struct hv_input_get_vp_state in = {
		.partition_id = pool->partition_id,
		.vp_index = vp_index,
		.state_data = *data,
	};
	struct mshv_hvcall call = {
		.code = HVCALL_GET_VP_STATE,
		.varhead = nr,
		.in = &in,
		.in_size = sizeof(in),
		.in_reps = pfns,
		.in_rep_size = nr * sizeof(pfns[0]),
		.out = out,
		.out_size = out_size,
		.pool = pool,
	};

	return mshv_hvcall(&call);
}

int mshv_hvcall_set_vp_state(struct mshv_pool *pool, u32 vp_index,
			     const struct hv_vp_state_data *data, const void *bytes, size_t size)
{
	struct hv_input_get_vp_state in = {	/* the fixed part is that of the other one */
		.partition_id = pool->partition_id,
		.vp_index = vp_index,
		.state_data = *data,
	};
	struct mshv_hvcall call = {
		.code = HVCALL_SET_VP_STATE,
		.varhead = DIV_ROUND_UP(size, sizeof(u64)),
		.in = &in,
		.in_size = sizeof(in),
		.in_reps = bytes,
		.in_rep_size = size,
		.pool = pool,
	};

	return mshv_hvcall(&call);
}

int mshv_hvcall_dispatch_vp(struct mshv_dispatch *dispatch, u16 *status)
{
	u64 result;

	result = mshv_platform_hypercall(HVCALL_DISPATCH_VP, &dispatch->in, &dispatch->out);
	*status = result & HV_HYPERCALL_RESULT_MASK;
	if (*status != HV_STATUS_SUCCESS)
		pr_warn_ratelimited("%s: DISPATCH_VP: %s (%#x)\n", KBUILD_MODNAME,
				    mshv_status_name(*status), *status);

	return mshv_status_to_errno(*status);
}

int mshv_hvcall_assert_virtual_interrupt(u64 partition_id, u64 control, u64 dest, u32 vector)
{
	struct hv_input_assert_virtual_interrupt in = {
		.partition_id = partition_id,
		.interrupt_control = control,
		.dest_addr = dest,
		.vector = vector,
	};
	struct mshv_hvcall call = {
		.code = HVCALL_ASSERT_VIRTUAL_INTERRUPT,
		.flags = MSHV_HVCALL_ATOMIC,
		.in = &in,
		.in_size = sizeof(in),
	};

	return mshv_hvcall(&call);
}

int mshv_hvcall_clear_virtual_interrupt(u64 partition_id)
{
	return mshv_hvcall_fast(HVCALL_CLEAR_VIRTUAL_INTERRUPT, partition_id, 0, NULL);
}
