// SPDX-License-Identifier: GPL-2.0-only
/*
 * The scripted hypervisor's partitions and VPs.
 */
#include <linux/mm.h>
#include <linux/string.h>

#include <tlfs/partition.h>
#include <tlfs/state.h>
#include <tlfs/status.h>
#include <tlfs/system.h>

#include "fake_impl.h"

struct fake_partition fake_partitions[FAKE_MAX_PARTITIONS] = {
	{ .id = FAKE_ROOT_ID, .state = FAKE_INITIALIZED },
};

static u64 next_id = 0x100;

struct fake_partition *fake_find(u64 id)
{
	unsigned int i;

	if (id == HV_PARTITION_ID_SELF)
		id = FAKE_ROOT_ID;
	for (i = 0; i < FAKE_MAX_PARTITIONS; i++)
		if (fake_partitions[i].state != FAKE_UNUSED && fake_partitions[i].id == id)
			return &fake_partitions[i];

	return NULL;
}

static struct fake_vp *find_vp(u64 id, u32 vp_index)
{
	struct fake_partition *p = fake_find(id);

	if (!p || vp_index >= FAKE_MAX_VPS || !p->vps[vp_index].exists)
		return NULL;

	return &p->vps[vp_index];
}

unsigned int fake_hv_partitions(void)
{
	unsigned int nr = 0;
	unsigned int i;

	for (i = 1; i < FAKE_MAX_PARTITIONS; i++)
		nr += fake_partitions[i].state != FAKE_UNUSED;

	return nr;
}

static int reg_index(u32 name)
{
	switch (name) {
	case HV_REGISTER_EXPLICIT_SUSPEND:
		return 0;
	case HV_REGISTER_INTERCEPT_SUSPEND:
		return 1;
	case HV_REGISTER_DISPATCH_SUSPEND:
		return 2;
	case HV_REGISTER_VP_ROOT_SIGNAL_COUNT:
		return 3;
	case HV_X64_REGISTER_RAX:
		return 4;
	case HV_X64_REGISTER_INITIAL_APIC_ID:
	case HV_X64_REGISTER_APIC_ID:
		return 5;
	default:
		return -1;
	}
}

u64 *fake_hv_reg(u64 id, u32 vp_index, u32 name)
{
	struct fake_vp *vp = find_vp(id, vp_index);

	return vp ? &vp->regs[reg_index(name)] : NULL;
}

static void *state_page(u64 id, u32 vp_index, u16 type)
{
	struct fake_vp *vp = find_vp(id, vp_index);

	if (!vp || !vp->pages[type])
		return NULL;

	return page_address(pfn_to_page(vp->pages[type]));
}

struct hv_message *fake_hv_message_page(u64 id, u32 vp_index)
{
	return state_page(id, vp_index, HV_VP_STATE_PAGE_INTERCEPT_MESSAGE);
}

struct hv_vp_register_page *fake_hv_register_page(u64 id, u32 vp_index)
{
	return state_page(id, vp_index, HV_VP_STATE_PAGE_REGISTERS);
}

static int create_partition(const struct fake_call *call)
{
	struct hv_output_create_partition *out = call->out;
	unsigned int i;

	for (i = 1; i < FAKE_MAX_PARTITIONS; i++) {
		struct fake_partition *p = &fake_partitions[i];

		if (p->state != FAKE_UNUSED)
			continue;
		memset(p, 0, sizeof(*p));
		p->id = next_id++;
		p->state = FAKE_CREATED;
		out->partition_id = p->id;
		return HV_STATUS_SUCCESS;
	}

	return HV_STATUS_NO_RESOURCES;
}

static int finalize(struct fake_partition *p)
{
	unsigned int i;
	unsigned int j;

	for (i = 0; i < FAKE_MAX_VPS; i++)
		for (j = 0; j < FAKE_STATE_PAGES; j++)
			if (p->vps[i].pages[j])
				fake_error("state page still mapped at the end", j);
	if (fake_drop_stats(p->id) && !fake_call_failed(HVCALL_UNMAP_STATS_PAGE))
		fake_error("statistics page still mapped at the end", p->id);
	fake_free_memory(p);
	memset(p->vps, 0, sizeof(p->vps));
	p->state = FAKE_FINALIZED;

	return HV_STATUS_SUCCESS;
}

static int partition_life(const struct fake_call *call)
{
	const struct hv_input_partition_id *in = call->in;
	struct fake_partition *p = fake_find(in->partition_id);

	if (!p || p->id == FAKE_ROOT_ID)
		return HV_STATUS_INVALID_PARTITION_ID;

	switch (call->code) {
	case HVCALL_INITIALIZE_PARTITION:
		if (p->state != FAKE_CREATED)
			return HV_STATUS_INVALID_PARTITION_STATE;
		if (!fake_charge(p, fake_config.init_cost))
			return HV_STATUS_INSUFFICIENT_MEMORY;
		p->state = FAKE_INITIALIZED;
		return HV_STATUS_SUCCESS;
	case HVCALL_FINALIZE_PARTITION:
		if (p->state != FAKE_INITIALIZED)
			return HV_STATUS_INVALID_PARTITION_STATE;
		return finalize(p);
	default:
		if (p->state == FAKE_INITIALIZED)
			return HV_STATUS_INVALID_PARTITION_STATE;
		if (p->pool)
			fake_error("partition deleted with memory of root's", p->id);
		p->state = FAKE_UNUSED;
		return HV_STATUS_SUCCESS;
	}
}

static int create_vp(const struct fake_call *call)
{
	const struct hv_input_create_vp *in = call->in;
	struct fake_partition *p = fake_find(in->partition_id);
	struct fake_vp *vp;

	if (!p || p->state != FAKE_INITIALIZED)
		return HV_STATUS_INVALID_PARTITION_STATE;
	if (in->vp_index >= FAKE_MAX_VPS || p->vps[in->vp_index].exists)
		return HV_STATUS_INVALID_VP_INDEX;
	if (!fake_charge(p, fake_config.vp_cost))
		return HV_STATUS_INSUFFICIENT_MEMORY;

	vp = &p->vps[in->vp_index];
	memset(vp, 0, sizeof(*vp));
	vp->exists = true;
	vp->regs[0] = HV_SUSPEND_SUSPENDED;
	vp->regs[5] = in->vp_index;

	return HV_STATUS_SUCCESS;
}

static int delete_vp(const struct fake_call *call)
{
	const struct hv_input_delete_vp *in = call->in;
	struct fake_vp *vp = find_vp(in->partition_id, in->vp_index);

	if (!vp)
		return HV_STATUS_INVALID_VP_INDEX;
	if (memchr_inv(vp->pages, 0, sizeof(vp->pages)))
		fake_error("VP deleted with its state pages mapped", in->vp_index);
	vp->exists = false;

	return HV_STATUS_SUCCESS;
}

static int map_state_page(const struct fake_call *call)
{
	const struct hv_input_map_vp_state_page *in = call->in;
	struct hv_output_map_vp_state_page *out = call->out;
	struct fake_vp *vp = find_vp(in->partition_id, in->vp_index);

	if (!vp || in->type >= FAKE_STATE_PAGES)
		return HV_STATUS_INVALID_VP_INDEX;
	if (vp->pages[in->type])
		fake_error("state page mapped twice", in->type);
	vp->pages[in->type] = fake_take(fake_find(in->partition_id));
	if (!vp->pages[in->type])
		return HV_STATUS_INSUFFICIENT_MEMORY;
	out->map_location = vp->pages[in->type];

	return HV_STATUS_SUCCESS;
}

static int unmap_state_page(const struct fake_call *call)
{
	const struct hv_input_unmap_vp_state_page *in = call->in;
	struct fake_vp *vp = find_vp(in->partition_id, in->vp_index);

	if (!vp || in->type >= FAKE_STATE_PAGES || !vp->pages[in->type]) {
		fake_error("state page unmapped that is not mapped", in->type);
		return HV_STATUS_INVALID_PARAMETER;
	}
	fake_give(fake_find(in->partition_id), vp->pages[in->type]);
	vp->pages[in->type] = 0;

	return HV_STATUS_SUCCESS;
}

static int get_registers(const struct fake_call *call, u16 *done)
{
	const struct hv_input_get_vp_registers *in = call->in;
	struct fake_vp *vp = find_vp(in->partition_id, in->vp_index);
	union hv_register_value *out = call->out;

	if (!vp)
		return HV_STATUS_INVALID_VP_INDEX;
	for (; *done < call->reps; (*done)++) {
		if (reg_index(in->names[*done]) < 0)
			return HV_STATUS_INVALID_PARAMETER;
		out[*done] = (union hv_register_value) {
			.reg64 = vp->regs[reg_index(in->names[*done])],
		};
	}

	return HV_STATUS_SUCCESS;
}

static int set_registers(const struct fake_call *call, u16 *done)
{
	const struct hv_input_set_vp_registers *in = call->in;
	struct fake_vp *vp = find_vp(in->partition_id, in->vp_index);
	int i;

	if (!vp)
		return HV_STATUS_INVALID_VP_INDEX;
	for (; *done < call->reps; (*done)++) {
		const struct hv_register_assoc *reg = &in->elements[*done];

		i = reg_index(reg->name);
		if (i < 0)
			return HV_STATUS_INVALID_PARAMETER;
		/* Resuming a VP that root schedules makes it ready, which is a signal. */
		if (reg->name == HV_REGISTER_EXPLICIT_SUSPEND && vp->regs[i] &&
		    !reg->value.reg64 && fake_config.scheduler == HV_SCHEDULER_TYPE_ROOT)
			fake_signal_vp(in->partition_id, in->vp_index);
		vp->regs[i] = reg->value.reg64;
	}

	return HV_STATUS_SUCCESS;
}

/* A VP that runs halts at once. */
static int dispatch_vp(const struct fake_call *call)
{
	const struct hv_input_dispatch_vp *in = call->in;
	struct hv_output_dispatch_vp *out = call->out;
	struct fake_vp *vp = find_vp(in->partition_id, in->vp_index);
	struct hv_message *message;

	if (!vp)
		return HV_STATUS_INVALID_VP_INDEX;
	if (in->flags & HV_DISPATCH_VP_FLAG_CLEAR_INTERCEPT_SUSPEND)
		vp->regs[1] = 0;
	if (vp->regs[0] || vp->regs[2]) {
		out->dispatch_state = HV_VP_DISPATCH_STATE_BLOCKED;
		out->dispatch_event = HV_VP_DISPATCH_EVENT_SUSPEND;
		return HV_STATUS_SUCCESS;
	}
	if (vp->regs[1])
		return HV_STATUS_INVALID_VP_STATE;

	message = fake_hv_message_page(in->partition_id, in->vp_index);
	memset(message, 0, sizeof(*message));
	message->header.message_type = HVMSG_X64_HALT;
	vp->regs[1] = HV_SUSPEND_SUSPENDED;
	out->dispatch_state = HV_VP_DISPATCH_STATE_READY;
	out->dispatch_event = HV_VP_DISPATCH_EVENT_INTERCEPT;

	return HV_STATUS_SUCCESS;
}

static int get_property(const struct fake_call *call)
{
	const struct hv_input_get_partition_property *in = call->in;
	struct hv_output_get_partition_property *out = call->out;

	if (!fake_find(in->partition_id))
		return HV_STATUS_INVALID_PARTITION_ID;
	switch (in->property_code) {
	case HV_PARTITION_PROPERTY_XSAVE_STATES:
		out->property_value = 0x7;
		return HV_STATUS_SUCCESS;
	case HV_PARTITION_PROPERTY_MAX_XSAVE_DATA_SIZE:
		out->property_value = 0x340;
		return HV_STATUS_SUCCESS;
	default:
		return HV_STATUS_UNKNOWN_PROPERTY;
	}
}

static int get_system_property(const struct fake_call *call)
{
	const struct hv_input_get_system_property *in = call->in;
	struct hv_output_get_system_property *out = call->out;

	if (in->property_id != HV_SYSTEM_PROPERTY_SCHEDULER_TYPE)
		return HV_STATUS_INVALID_PARAMETER;
	out->value = fake_config.scheduler;

	return HV_STATUS_SUCCESS;
}

int fake_partition_call(const struct fake_call *call, u16 *done)
{
	switch (call->code) {
	case HVCALL_CREATE_PARTITION:
		return create_partition(call);
	case HVCALL_INITIALIZE_PARTITION:
	case HVCALL_FINALIZE_PARTITION:
	case HVCALL_DELETE_PARTITION:
		return partition_life(call);
	case HVCALL_CREATE_VP:
		return create_vp(call);
	case HVCALL_DELETE_VP:
		return delete_vp(call);
	case HVCALL_MAP_VP_STATE_PAGE:
		return map_state_page(call);
	case HVCALL_UNMAP_VP_STATE_PAGE:
		return unmap_state_page(call);
	case HVCALL_MAP_STATS_PAGE:
	case HVCALL_UNMAP_STATS_PAGE:
		return fake_stats_call(call);
	case HVCALL_GET_VP_REGISTERS:
		return get_registers(call, done);
	case HVCALL_SET_VP_REGISTERS:
		return set_registers(call, done);
	case HVCALL_DISPATCH_VP:
		return dispatch_vp(call);
	case HVCALL_GET_PARTITION_PROPERTY:
		return get_property(call);
	case HVCALL_GET_SYSTEM_PROPERTY:
		return get_system_property(call);
	default:
		return FAKE_DEFAULT;
	}
}
