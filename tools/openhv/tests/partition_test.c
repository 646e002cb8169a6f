// SPDX-License-Identifier: GPL-2.0-only
/*
 * The life of partitions and VPs: core/partition.c, core/vp.c,
 * core/hvc_partition.c.
 */
#include <asm/cpu.h>
#include <asm/x86.h>
#include <openhv/features.h>
#include <openhv/info_page.h>
#include <openhv/options.h>
#include <openhv/run.h>
#include <openhv/time.h>
#include <tlfs/cpuid.h>
#include <tlfs/memory.h>
#include <tlfs/partition.h>
#include <tlfs/state.h>
#include <tlfs/vp.h>
#include "test.h"

static hv_status_t create(const struct hv_input_create_partition *in, u64 *id)
{
	struct hv_output_create_partition out = {};
	hv_status_t status = hv(HVCALL_CREATE_PARTITION, in, sizeof(*in), &out, sizeof(out));

	*id = out.partition_id;
	return status;
}

#define initialize(id)	hv_fast(HVCALL_INITIALIZE_PARTITION, id, 0)
#define finalize(id)	hv_fast(HVCALL_FINALIZE_PARTITION, id, 0)
#define delete(id)	hv_fast(HVCALL_DELETE_PARTITION, id, 0)

static hv_status_t create_vp(u64 id, u32 index)
{
	struct hv_input_create_vp in = { .partition_id = id, .vp_index = index };

	return hv(HVCALL_CREATE_VP, &in, sizeof(in), NULL, 0);
}

#define delete_vp(id, index)	hv_fast(HVCALL_DELETE_VP, id, index)

static hv_status_t get(u64 id, u32 code, u64 *value)
{
	struct hv_input_get_partition_property in = { .partition_id = id, .property_code = code };

	return hv(HVCALL_GET_PARTITION_PROPERTY, &in, sizeof(in), value, sizeof(*value));
}

static u64 property(u64 id, u32 code)
{
	u64 value;
	hv_status_t status = get(id, code, &value);

	if (status)
		host_fail("property %x: status %x", code, status);
	return value;
}

static hv_status_t set(u64 id, u32 code, u64 value)
{
	struct hv_input_set_partition_property in = {
		.partition_id = id, .property_code = code, .property_value = value,
	};

	return hv(HVCALL_SET_PARTITION_PROPERTY, &in, sizeof(in), NULL, 0);
}

static void expect_completion(struct hv_message *slot, u64 id, hv_status_t status)
{
	const struct hv_async_completion_message_payload *m = (void *)slot->u.payload;

	EXPECT_EQ(HVMSG_ASYNC_CALL_COMPLETION, slot->header.message_type);
	EXPECT_EQ(sizeof(*m), slot->header.payload_size);
	EXPECT_EQ(id, m->partition_id);
	EXPECT_EQ(status, m->status);
	EXPECT_EQ(1, m->completion_count);
	/* Read it, and say so. */
	slot->header.message_type = HVMSG_NONE;
	EXPECT_EQ(MSR_OK, vp_msr_write(lps[0]->root_vp, HV_X64_MSR_EOM, 0, true));
}

TEST_ON_MACHINE(property_may_be_set_later)
{
	const u32 code = HV_PARTITION_PROPERTY_PROCESSORS_PER_SOCKET;
	u64 a = child_create(CHILD_FLAGS), b = child_create(0);
	struct hv_message *slot;

	options_parse("properties=later");
	/* To whom nothing can be told, it is answered at once. */
	EXPECT_EQ(0, set(a, code, 3));
	slot = root_sint0_on();
	EXPECT_EQ(HV_STATUS_CALL_PENDING, set(a, code, 4));
	EXPECT_EQ(4, property(a, code));
	/* Another one's, and one for which there is no room in the slot yet */
	EXPECT_EQ(HV_STATUS_CALL_PENDING, set(b, code, 0));
	EXPECT_EQ(HV_STATUS_PROPERTY_VALUE_OUT_OF_RANGE, set(b, code, 0));
	expect_completion(slot, a, HV_STATUS_SUCCESS);
	expect_completion(slot, b, HV_STATUS_PROPERTY_VALUE_OUT_OF_RANGE);
	EXPECT_EQ(HVMSG_NONE, slot->header.message_type);
	/* What is wrong with the call itself is said at once. */
	EXPECT_EQ(HV_STATUS_INVALID_PARTITION_ID, set(a + 1, code, 4));
	EXPECT_EQ(HV_STATUS_ACCESS_DENIED, set(HV_PARTITION_ID_SELF, code, 4));
	/* Of a partition that is gone there is nothing to tell. */
	EXPECT_EQ(HV_STATUS_CALL_PENDING, set(a, code, 5));
	EXPECT_EQ(HV_STATUS_CALL_PENDING, set(b, code, 5));
	EXPECT_EQ(0, delete(b));
	expect_completion(slot, a, HV_STATUS_SUCCESS);
	EXPECT_EQ(HVMSG_NONE, slot->header.message_type);
	EXPECT_EQ(DEBUG_EXIT_REFUSED, HOST_STOP_SAYING("at-once or later is meant",
						       options_parse("properties=soon")));
}

/* --- Creation ------------------------------------------------------------------------ */

TEST_ON_MACHINE(new_partition_has_an_id_of_its_own)
{
	u64 a = child_create(CHILD_FLAGS), b = child_create(0), c;

	EXPECT_NE(0, a);
	EXPECT_NE(HV_PARTITION_ID_SELF, a);
	EXPECT_NE(root_partition.id, a);
	EXPECT_NE(a, b);
	EXPECT_EQ(2, partition_children());
	EXPECT_EQ(2, openhv_info->partition_count);
	/* An ID does not come again, even where the slot does. */
	ASSERT_EQ(0, delete(a));
	EXPECT_EQ(1, openhv_info->partition_count);
	c = child_create(0);
	EXPECT_NE(a, c);
	EXPECT_EQ(HV_STATUS_INVALID_PARTITION_ID, initialize(a));
	EXPECT_NULL(partition_of(a));
}

TEST_ON_MACHINE(creation_checks_its_whole_input)
{
	struct hv_input_create_partition good = { .flags = CHILD_FLAGS }, in;
	u64 id;
	u32 i;

	ASSERT_EQ(0, deposit(HV_PARTITION_ID_SELF, 4));
	for (i = 0; i < 64; i++) {
		in = good;
		in.flags = TLFS_BIT64(i);
		CONTEXT("flag %u", i);
		switch (i) {
		case 0:
		case 1:
		case 4:
		case 8:
		case 13:
		case 19:
		case 22:
			EXPECT_EQ(0, create(&in, &id));
			EXPECT_EQ(0, delete(id));
			break;
		default:
			EXPECT_EQ(HV_STATUS_INVALID_PARAMETER, create(&in, &id));
		}
	}
	in = good;
	in.padding = 1;
	EXPECT_EQ(HV_STATUS_INVALID_PARAMETER, create(&in, &id));
	in = good;
	in.proximity_domain_info.flags = 2;
	EXPECT_EQ(HV_STATUS_INVALID_PARAMETER, create(&in, &id));
	in = good;
	in.proximity_domain_info.flags = HV_PXM_VALID | HV_PXM_PREFERRED;
	EXPECT_EQ(0, create(&in, &id));
	in = good;
	in.isolation_properties = HV_PARTITION_ISOLATION_TYPE_SNP;
	EXPECT_EQ(HV_STATUS_FEATURE_UNAVAILABLE, create(&in, &id));
	EXPECT_EQ(1, partition_children());
}

TEST_ON_MACHINE(creation_takes_one_page_of_roots_pool)
{
	struct hv_input_create_partition in = { .flags = CHILD_FLAGS };
	u64 id;

	EXPECT_EQ(HV_STATUS_INSUFFICIENT_MEMORY, create(&in, &id));
	ASSERT_EQ(0, deposit(HV_PARTITION_ID_SELF, 1));
	EXPECT_EQ(0, create(&in, &id));
	EXPECT_EQ(0, root_partition.pool.free);
	EXPECT_EQ(0, delete(id));
	EXPECT_EQ(1, root_partition.pool.free);
}

TEST_ON_MACHINE(table_of_partitions_ends)
{
	struct hv_input_create_partition in = { .flags = CHILD_FLAGS };
	u64 ids[PARTITION_MAX], id;
	u32 n = 0, free;

	ASSERT_EQ(0, deposit(HV_PARTITION_ID_SELF, PARTITION_MAX + 5));
	while (!create(&in, &id))
		ids[n++] = id;
	EXPECT_EQ(HV_STATUS_NO_RESOURCES, create(&in, &id));
	EXPECT_EQ(PARTITION_MAX - 2, n);
	free = root_partition.pool.free;
	EXPECT_EQ(HV_STATUS_NO_RESOURCES, create(&in, &id));
	EXPECT_EQ(free, root_partition.pool.free);
	EXPECT_EQ(0, delete(ids[100]));
	EXPECT_EQ(0, create(&in, &id));
	ids[100] = id;
	while (n)
		EXPECT_EQ(0, delete(ids[--n]));
	EXPECT_EQ(0, partition_children());
	EXPECT_EQ(root_partition.pool.total, root_partition.pool.free);
}

/* --- From state to state ---------------------------------------------------------------- */

enum step { INITIALIZE, FINALIZE, DELETE, CREATE_VP, DELETE_VP, STEPS };

static hv_status_t take_step(u64 id, enum step step)
{
	switch (step) {
	case INITIALIZE:
		return initialize(id);
	case FINALIZE:
		return finalize(id);
	case DELETE:
		return delete(id);
	case CREATE_VP:
		return create_vp(id, 0);
	default:
		return delete_vp(id, 0);
	}
}

/* What a step must answer, and the state after it; states as enum partition_state */
static hv_status_t expected(enum partition_state *state, u32 *vps, bool deposited, enum step step)
{
	if (*state == PARTITION_DELETED)
		return HV_STATUS_INVALID_PARTITION_ID;
	switch (step) {
	case INITIALIZE:
		if (*state != PARTITION_CREATED)
			return HV_STATUS_INVALID_PARTITION_STATE;
		*state = PARTITION_ACTIVE;
		return HV_STATUS_SUCCESS;
	case FINALIZE:
		if (*state == PARTITION_FINALIZED)
			return HV_STATUS_INVALID_PARTITION_STATE;
		*state = PARTITION_FINALIZED;
		*vps = 0;
		return HV_STATUS_SUCCESS;
	case DELETE:
		if (*state == PARTITION_ACTIVE)
			return HV_STATUS_INVALID_PARTITION_STATE;
		if (deposited)
			return HV_STATUS_OBJECT_IN_USE;
		*state = PARTITION_DELETED;
		return HV_STATUS_SUCCESS;
	case CREATE_VP:
		if (*state != PARTITION_ACTIVE)
			return HV_STATUS_INVALID_PARTITION_STATE;
		if (*vps)
			return HV_STATUS_INVALID_VP_INDEX;
		*vps = 1;
		return HV_STATUS_SUCCESS;
	default:
		if (!*vps)
			return HV_STATUS_INVALID_VP_INDEX;
		*vps = 0;
		return HV_STATUS_SUCCESS;
	}
}

TEST_ON_MACHINE(every_order_of_steps_answers_as_its_state_has_it)
{
	u32 total = 1, i, j;
	u64 mark;

	for (i = 0; i < STEPS; i++)
		total *= STEPS;
	ASSERT_EQ(0, deposit(HV_PARTITION_ID_SELF, 1));
	mark = ram_mark();
	for (i = 0; i < total; i++) {
		enum partition_state state = PARTITION_CREATED;
		u64 id = child_create(CHILD_FLAGS);
		u32 vps = 0, code = i, back;

		ASSERT_EQ(0, deposit(id, 64));
		for (j = 0; j < STEPS; j++, code /= STEPS) {
			enum step step = code % STEPS;
			hv_status_t status = expected(&state, &vps, true, step);

			CONTEXT("order %u, step %u is %u", i, j, step);
			ASSERT_EQ(status, take_step(id, step));
			ASSERT_EQ(state, partition_of(id)->state);
		}
		if (state != PARTITION_FINALIZED)
			ASSERT_EQ(0, finalize(id));
		back = withdraw(id);
		ASSERT_EQ(64, back);
		ASSERT_EQ(0, delete(id));
		ASSERT_EQ(HV_STATUS_INVALID_PARTITION_ID, delete(id));
		ram_release(mark);
	}
	EXPECT_EQ(0, partition_children());
}

TEST_ON_MACHINE(partition_that_was_never_initialized_can_be_deleted)
{
	u64 id = child_create(CHILD_FLAGS);

	EXPECT_EQ(0, delete(id));
	id = child_create(CHILD_FLAGS);
	EXPECT_EQ(0, finalize(id));
	EXPECT_EQ(0, delete(id));
	id = child_create(CHILD_FLAGS);
	ASSERT_EQ(0, deposit(id, 1));
	EXPECT_EQ(HV_STATUS_OBJECT_IN_USE, delete(id));
	EXPECT_EQ(1, withdraw(id));
	EXPECT_EQ(0, delete(id));
}

TEST_ON_MACHINE(root_is_for_ever)
{
	EXPECT_EQ(HV_STATUS_INVALID_PARTITION_STATE, initialize(HV_PARTITION_ID_SELF));
	EXPECT_EQ(HV_STATUS_OPERATION_DENIED, finalize(HV_PARTITION_ID_SELF));
	EXPECT_EQ(HV_STATUS_OPERATION_DENIED, delete(HV_PARTITION_ID_SELF));
	EXPECT_EQ(HV_STATUS_OPERATION_DENIED, delete(root_partition.id));
	EXPECT_EQ(HV_STATUS_OPERATION_DENIED, delete_vp(HV_PARTITION_ID_SELF, 0));
	EXPECT_EQ(HV_STATUS_OPERATION_DENIED, delete_vp(HV_PARTITION_ID_SELF, 1));
	EXPECT_EQ(PARTITION_ACTIVE, root_partition.state);
}

TEST_ON_MACHINE(ids_that_name_nobody)
{
	static const u64 bad[] = { 0, 2, 255, 256, 0x101, ~0UL - 1, 1UL << 63 };
	u32 i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		CONTEXT("ID %llx", (unsigned long long)bad[i]);
		EXPECT_EQ(HV_STATUS_INVALID_PARTITION_ID, initialize(bad[i]));
		EXPECT_EQ(HV_STATUS_INVALID_PARTITION_ID, finalize(bad[i]));
		EXPECT_EQ(HV_STATUS_INVALID_PARTITION_ID, delete(bad[i]));
		EXPECT_EQ(HV_STATUS_INVALID_PARTITION_ID, create_vp(bad[i], 0));
		EXPECT_EQ(HV_STATUS_INVALID_PARTITION_ID, delete_vp(bad[i], 0));
	}
}

TEST_ON_MACHINE(initialization_without_memory_leaves_nothing_behind)
{
	u64 id = child_create(CHILD_FLAGS);
	struct partition *p = partition_of(id);
	u32 needed = 0;

	while (initialize(id)) {
		EXPECT_EQ(PARTITION_CREATED, p->state);
		EXPECT_EQ(p->pool.total, p->pool.free);
		EXPECT_EQ(0, p->reserve.free);
		EXPECT_NULL(p->vps);
		EXPECT_NULL(p->gpamap.top);
		ASSERT_EQ(0, deposit(id, 1));
		needed++;
	}
	EXPECT_EQ(3 + RESERVE_PARTITION, needed);
	EXPECT_EQ(0, p->pool.free);
	child_gone(p);
}

/* --- VPs -------------------------------------------------------------------------------------- */

TEST_ON_MACHINE(vp_without_memory_leaves_nothing_behind)
{
	struct partition *p = child_with(3 + RESERVE_PARTITION, 0);
	u32 needed = 0;

	while (create_vp(p->id, 0) == HV_STATUS_INSUFFICIENT_MEMORY) {
		EXPECT_EQ(needed, p->pool.free);
		EXPECT_EQ(RESERVE_PARTITION, p->reserve.free);
		EXPECT_EQ(0, p->vp_count);
		ASSERT_EQ(0, deposit(p->id, 1));
		needed++;
	}
	EXPECT_EQ(6 + RESERVE_VP, needed);
	EXPECT_EQ(1, p->vp_count);
	/* What is there of it can be had, and given back. */
	EXPECT_EQ(1, reg64(p->vps[0].vp, HV_REGISTER_EXPLICIT_SUSPEND));
	child_gone(p);
}

TEST_ON_MACHINE(vp_index_is_in_range_and_free)
{
	struct partition *p = child_new();

	EXPECT_EQ(0, create_vp(p->id, 0));
	EXPECT_EQ(HV_STATUS_INVALID_VP_INDEX, create_vp(p->id, 0));
	EXPECT_EQ(0, create_vp(p->id, VP_MAX - 1));
	EXPECT_EQ(HV_STATUS_INVALID_VP_INDEX, create_vp(p->id, VP_MAX));
	EXPECT_EQ(HV_STATUS_INVALID_VP_INDEX, create_vp(p->id, HV_ANY_VP));
	EXPECT_EQ(HV_STATUS_INVALID_VP_INDEX, create_vp(p->id, HV_VP_INDEX_SELF));
	EXPECT_EQ(2, p->vp_count);
	EXPECT_EQ(0, delete_vp(p->id, 0));
	EXPECT_EQ(HV_STATUS_INVALID_VP_INDEX, delete_vp(p->id, 0));
	EXPECT_EQ(HV_STATUS_INVALID_VP_INDEX, delete_vp(p->id, 7));
	EXPECT_EQ(HV_STATUS_INVALID_VP_INDEX, delete_vp(p->id, VP_MAX));
	EXPECT_EQ(0, create_vp(p->id, 0));
	child_gone(p);
}

TEST_ON_MACHINE(vp_of_a_child_has_no_flags)
{
	struct partition *p = child_new();
	struct hv_input_create_vp in = { .partition_id = p->id, .flags = 1 };

	EXPECT_EQ(HV_STATUS_INVALID_PARAMETER, hv(HVCALL_CREATE_VP, &in, sizeof(in), NULL, 0));
	child_gone(p);
}

TEST_ON_MACHINE(many_vps_give_every_page_back)
{
	struct partition *p = child_with(20 + 64 * 20, assignable_synthetic_features);
	u64 free = p->pool.free;
	u32 i;

	for (i = 0; i < 64; i++)
		ASSERT_EQ(0, create_vp(p->id, i * 4));
	EXPECT_EQ(64, p->vp_count);
	EXPECT_EQ(64 * (6 + RESERVE_VP), free - p->pool.free);
	for (i = 0; i < 32; i++)
		ASSERT_EQ(0, delete_vp(p->id, i * 4));
	EXPECT_EQ(32, p->vp_count);
	child_gone(p);
}

/* Documentation, openhv.rst: what it costs */
TEST_ON_MACHINE(vp_costs_fourteen_pages)
{
	struct partition *p = child_new();
	u64 before = p->pool.free;
	struct vp *vp = child_vp(p, 0);

	state_page(vp, HV_VP_STATE_PAGE_REGISTERS);
	state_page(vp, HV_VP_STATE_PAGE_INTERCEPT_MESSAGE);
	EXPECT_EQ(14, before - p->pool.free);
	child_gone(p);
}

TEST_ON_MACHINE(new_vp_is_in_the_state_of_a_reset)
{
	struct partition *p = child_new();
	union hv_register_value v;
	struct vp *vp, *other;
	u32 i;

	ASSERT_EQ(0, create_vp(p->id, 0));
	ASSERT_EQ(0, create_vp(p->id, 3));
	vp = p->vps[0].vp;
	other = p->vps[3].vp;
	EXPECT_EQ(1, reg64(vp, HV_REGISTER_EXPLICIT_SUSPEND));
	EXPECT_EQ(0, reg64(vp, HV_REGISTER_INTERCEPT_SUSPEND));
	EXPECT_EQ(0, reg64(vp, HV_REGISTER_DISPATCH_SUSPEND));
	EXPECT_EQ(0, reg64(vp, HV_REGISTER_INTERNAL_ACTIVITY_STATE));
	EXPECT_EQ(HV_ACTIVITY_STARTUP_SUSPEND,
		  reg64(other, HV_REGISTER_INTERNAL_ACTIVITY_STATE));
	EXPECT_EQ(0xFEE00900, reg64(vp, HV_X64_REGISTER_APIC_BASE));
	EXPECT_EQ(0xFEE00800, reg64(other, HV_X64_REGISTER_APIC_BASE));
	EXPECT_EQ(3, reg64(other, HV_REGISTER_VP_INDEX));
	EXPECT_EQ(3, reg64(other, HV_X64_REGISTER_INITIAL_APIC_ID));
	EXPECT_EQ(0xFFF0, reg64(vp, HV_X64_REGISTER_RIP));
	EXPECT_EQ(2, reg64(vp, HV_X64_REGISTER_RFLAGS));
	EXPECT_EQ(0x60000010, reg64(vp, HV_X64_REGISTER_CR0));
	EXPECT_EQ(1, reg64(vp, HV_X64_REGISTER_XFEM));
	EXPECT_EQ(0xFFFF0FF0, reg64(vp, HV_X64_REGISTER_DR6));
	EXPECT_EQ(0x400, reg64(vp, HV_X64_REGISTER_DR7));
	ASSERT_EQ(0, reg_get(vp, HV_X64_REGISTER_CS, &v));
	EXPECT_EQ(0xF000, v.segment.selector);
	EXPECT_EQ(0xFFFF0000, v.segment.base);
	for (i = 0; i < 16; i++)
		EXPECT_EQ(HV_SYNIC_SINT_RESET, reg64(vp, HV_REGISTER_SINT0 + i));
	EXPECT_EQ(0, reg64(vp, HV_REGISTER_SCONTROL));
	EXPECT_EQ(0, reg64(vp, HV_REGISTER_SIMP));
	EXPECT_EQ(0, reg64(vp, HV_REGISTER_VP_ROOT_SIGNAL_COUNT));
	child_gone(p);
}

/* --- An interrupt does not come between STI and HLT ------------------------------------------- */

TEST_ON_MACHINE(hlt_in_an_interrupt_shadow_is_completed)
{
	struct partition *p = child_new();
	struct vp *vp = child_vp(p, 0);
	u8 *code = ram(map_ram(p, 0, 1));
	struct host_vmcb *vmcb = vp->vcpu.arch.vmcb;

	vmcb->seg[SEG_CS].base = 0;
	vp->vcpu.rip = 0x10;
	vp->vcpu.rflags |= RFLAGS_IF;
	code[0x10] = 0x90;
	code[0x11] = 0xF4;
	vmcb->shadow = true;
	EXPECT_FALSE(vp_complete_hlt(lp_self(), vp));
	EXPECT_EQ(0x10, vp->vcpu.rip);
	EXPECT_TRUE(vmcb->shadow);

	vp->vcpu.rip = 0x11;
	EXPECT_EQ(0, vp->exits[OPENHV_EXIT_HLT]);
	EXPECT_TRUE(vp_complete_hlt(lp_self(), vp));
	EXPECT_EQ(0x12, vp->vcpu.rip);
	/* It counts like one that the processor told of. */
	EXPECT_EQ(1, vp->exits[OPENHV_EXIT_HLT]);
	EXPECT_EQ(1, lp_self()->info->child_exits[OPENHV_EXIT_HLT]);
	EXPECT_TRUE(vp->halted);
	EXPECT_FALSE(vmcb->shadow);

	/* Nothing is mapped there. */
	vp->vcpu.rip = 0x1000;
	vmcb->shadow = true;
	EXPECT_FALSE(vp_complete_hlt(lp_self(), vp));
	child_gone(p);
}

/* --- Finalizing takes everything along ------------------------------------------------------ */

TEST_ON_MACHINE(finalizing_takes_everything_along)
{
	struct partition *p = child_with(CHILD_POOL, assignable_synthetic_features);
	struct vp *vp = child_vp(p, 0);
	struct hv_input_install_intercept intercept = {
		.partition_id = p->id, .intercept_type = HV_INTERCEPT_TYPE_X64_CPUID,
		.access_type = HV_INTERCEPT_ACCESS_MASK_EXECUTE, .intercept_parameter = 1,
	};
	struct hv_input_register_intercept_result result = {
		.partition_id = p->id, .vp_index = HV_ANY_VP,
		.intercept_type = HV_INTERCEPT_TYPE_X64_CPUID,
	};
	u64 pfn = map_ram(p, 0, 32);

	state_page(vp, HV_VP_STATE_PAGE_REGISTERS);
	state_page(vp, HV_VP_STATE_PAGE_INTERCEPT_MESSAGE);
	ASSERT_EQ(0, hv(HVCALL_INSTALL_INTERCEPT, &intercept, sizeof(intercept), NULL, 0));
	ASSERT_EQ(0, hv(HVCALL_REGISTER_INTERCEPT_RESULT, &result, sizeof(result), NULL, 0));
	/* Overlays over mappings, and where there are none */
	ASSERT_EQ(0, reg64_set(vp, HV_REGISTER_GUEST_OS_ID, 1));
	ASSERT_EQ(0, reg64_set(vp, HV_X64_REGISTER_HYPERCALL, 0x3001));
	ASSERT_EQ(0, reg64_set(vp, HV_REGISTER_REFERENCE_TSC, 0x4001));
	ASSERT_EQ(0, reg64_set(vp, HV_REGISTER_SIMP, 0x5001));
	ASSERT_EQ(0, reg64_set(vp, HV_REGISTER_SIEFP, 0x123456001));
	ASSERT_EQ(0, reg64_set(vp, HV_REGISTER_VP_ASSIST_PAGE, 0xFFFFF001));
	/* A timer that runs */
	ASSERT_EQ(0, reg64_set(vp, HV_REGISTER_STIMER0_CONFIG, 0x20000));
	ASSERT_EQ(0, reg64_set(vp, HV_REGISTER_STIMER0_COUNT, ~0UL / 4));
	ASSERT_EQ(0, reg64_set(vp, HV_REGISTER_STIMER0_CONFIG, 0x20001));
	EXPECT_FALSE(list_empty(&lp_self()->timers));
	child_gone(p);
	EXPECT_TRUE(list_empty(&lp_self()->timers));
	EXPECT_TRUE(frame_change(pfn + 3, FRAME_ROOT, FRAME_POOL));
}

TEST_ON_MACHINE(nothing_of_one_partition_is_left_for_the_next)
{
	struct partition *p = child_with(40, assignable_synthetic_features);
	u64 deposited = pool_deposited_total(), before = own_free_pages();
	u32 i;

	child_gone(p);
	for (i = 0; i < 50; i++) {
		p = child_with(40, assignable_synthetic_features);
		child_vp(p, 0);
		map_ram(p, 7, 3);
		EXPECT_EQ(deposited, pool_deposited_total());
		child_gone(p);
	}
	/* Hiding single pages has split root's large ones, no more. */
	EXPECT_LE(before - own_free_pages(), 4);
}

/* --- Properties ----------------------------------------------------------------------------- */

TEST_ON_MACHINE(properties_of_a_new_child)
{
	u64 id = child_create(CHILD_FLAGS);

	EXPECT_EQ(0, property(id, HV_PARTITION_PROPERTY_PRIVILEGE_FLAGS));
	EXPECT_EQ(0, property(id, HV_PARTITION_PROPERTY_SYNTHETIC_PROC_FEATURES));
	EXPECT_EQ(0, property(id, HV_PARTITION_PROPERTY_TIME_FREEZE));
	EXPECT_EQ(HOST_APIC_TIMER_HZ, property(id, HV_PARTITION_PROPERTY_APIC_FREQUENCY));
	EXPECT_EQ(HOST_TSC_HZ, property(id, HV_PARTITION_PROPERTY_PROCESSOR_CLOCK_FREQUENCY));
	EXPECT_EQ(VP_MAX, property(id, HV_PARTITION_PROPERTY_PROCESSORS_PER_SOCKET));
	EXPECT_EQ(0, property(id, HV_PARTITION_PROPERTY_GPA_PAGE_ACCESS_TRACKING));
	EXPECT_EQ(HV_UNIMPLEMENTED_MSR_ACTION_FAULT,
		  property(id, HV_PARTITION_PROPERTY_UNIMPLEMENTED_MSR_ACTION));
	EXPECT_EQ(HOST_PHYS_BITS, property(id, HV_PARTITION_PROPERTY_PHYSICAL_ADDRESS_WIDTH));
	EXPECT_EQ(HOST_PHYS_BITS,
		  property(id, HV_PARTITION_PROPERTY_IMPLEMENTED_PHYSICAL_ADDRESS_BITS));
	EXPECT_EQ(HV_PROCESSOR_VENDOR_AMD, property(id, HV_PARTITION_PROPERTY_PROCESSOR_VENDOR));
	EXPECT_EQ(6, property(id, HV_PARTITION_PROPERTY_PROCESSOR_CL_FLUSH_SIZE));
	EXPECT_EQ(HV_COMPATIBILITY_21_H2,
		  property(id, HV_PARTITION_PROPERTY_COMPATIBILITY_VERSION));
	EXPECT_EQ(0xE7, property(id, HV_PARTITION_PROPERTY_XSAVE_STATES));
	EXPECT_EQ(2688, property(id, HV_PARTITION_PROPERTY_MAX_XSAVE_DATA_SIZE));
	EXPECT_EQ(host_proc_features[0],
		  property(id, HV_PARTITION_PROPERTY_PROCESSOR_FEATURES0));
	EXPECT_EQ(host_proc_features[1],
		  property(id, HV_PARTITION_PROPERTY_PROCESSOR_FEATURES1));
	EXPECT_EQ(host_xsave_features,
		  property(id, HV_PARTITION_PROPERTY_PROCESSOR_XSAVE_FEATURES));
	EXPECT_EQ(0, property(id, HV_PARTITION_PROPERTY_GUEST_OS_ID));
}

TEST_ON_MACHINE(properties_of_root)
{
	u64 id = HV_PARTITION_ID_SELF;

	EXPECT_EQ(root_partition.privileges, property(id, HV_PARTITION_PROPERTY_PRIVILEGE_FLAGS));
	EXPECT_EQ(assignable_synthetic_features,
		  property(id, HV_PARTITION_PROPERTY_SYNTHETIC_PROC_FEATURES));
	EXPECT_EQ(assignable_synthetic_features,
		  property(id, HV_PARTITION_PROPERTY_ROOT_SYNTHETIC_PROC_FEATURES));
	EXPECT_EQ(host_proc_features[0], property(id, HV_PARTITION_PROPERTY_PROCESSOR_FEATURES0));
	EXPECT_EQ(host_proc_features[1],
		  property(id, HV_PARTITION_PROPERTY_ROOT_PROCESSOR_FEATURES1));
	EXPECT_EQ(host_xsave_features,
		  property(id, HV_PARTITION_PROPERTY_ROOT_PROCESSOR_XSAVE_FEATURES));
	EXPECT_EQ(HV_COMPATIBILITY_21_H2,
		  property(id, HV_PARTITION_PROPERTY_COMPATIBILITY_VERSION));
	EXPECT_EQ(HV_STATUS_ACCESS_DENIED,
		  set(id, HV_PARTITION_PROPERTY_TIME_FREEZE, 1));
}

TEST_BARE(properties_follow_the_processor)
{
	host_cpuid_set(0, 0, 0xD, 0x756E6547, 0, 0);
	host_cpuid_set(1, 0, 0, 0, 0, 0);
	host_boot();
	EXPECT_EQ(HV_PROCESSOR_VENDOR_INTEL,
		  property(HV_PARTITION_ID_SELF, HV_PARTITION_PROPERTY_PROCESSOR_VENDOR));
	EXPECT_EQ(0, property(HV_PARTITION_ID_SELF, HV_PARTITION_PROPERTY_PROCESSOR_CL_FLUSH_SIZE));
	host_cpuid_set(0, 0, 0xD, 0x6F677948, 0, 0);
	EXPECT_EQ(HV_PROCESSOR_VENDOR_HYGON,
		  property(HV_PARTITION_ID_SELF, HV_PARTITION_PROPERTY_PROCESSOR_VENDOR));
}

TEST_ON_MACHINE(features_are_chosen_before_initialization)
{
	u64 synthetic = HV_SYNTHETIC_FEATURE(HV_SYNTHETIC_FEATURE_ACCESS_SYNIC_REGS_BIT);
	u64 absent = HV_SYNTHETIC_FEATURE(HV_SYNTHETIC_FEATURE_ACCESS_VP_REGS_BIT);
	u64 id = child_create(CHILD_FLAGS);

	/* What openhv does not have may be wished for, and is not given. */
	EXPECT_EQ(0, set(id, HV_PARTITION_PROPERTY_SYNTHETIC_PROC_FEATURES, synthetic | absent));
	EXPECT_EQ(synthetic, property(id, HV_PARTITION_PROPERTY_SYNTHETIC_PROC_FEATURES));
	EXPECT_EQ(features_privileges(synthetic),
		  property(id, HV_PARTITION_PROPERTY_PRIVILEGE_FLAGS));
	EXPECT_EQ(HV_STATUS_INVALID_PARAMETER,
		  set(id, HV_PARTITION_PROPERTY_SYNTHETIC_PROC_FEATURES, TLFS_BIT64(63)));
	EXPECT_EQ(0, set(id, HV_PARTITION_PROPERTY_PRIVILEGE_FLAGS, HV_ACCESS_VP_INDEX));
	EXPECT_EQ(HV_ACCESS_VP_INDEX, property(id, HV_PARTITION_PROPERTY_PRIVILEGE_FLAGS));
	/* What is root's is not given away. */
	EXPECT_EQ(HV_STATUS_ACCESS_DENIED, set(id, HV_PARTITION_PROPERTY_PRIVILEGE_FLAGS,
					       (u64)HV_CREATE_PARTITIONS << 32));
	ASSERT_EQ(0, deposit(id, 30));
	ASSERT_EQ(0, initialize(id));
	EXPECT_EQ(HV_STATUS_INVALID_PARTITION_STATE,
		  set(id, HV_PARTITION_PROPERTY_PRIVILEGE_FLAGS, 0));
	EXPECT_EQ(HV_STATUS_INVALID_PARTITION_STATE,
		  set(id, HV_PARTITION_PROPERTY_SYNTHETIC_PROC_FEATURES, 0));
	EXPECT_EQ(HV_ACCESS_VP_INDEX, property(id, HV_PARTITION_PROPERTY_PRIVILEGE_FLAGS));
}

/* Of the features that have a name, the guest is given those that there are. */
TEST_ON_MACHINE(features_that_are_not_there_are_left_out)
{
	static const struct {
		const char *name;
		u32 bit;
	} names[] = {
#define NAME(name, bit) { #name, bit },
		HV_SYNTHETIC_FEATURE_LIST(NAME)
#undef NAME
	};
	u64 id = child_create(CHILD_FLAGS), named = 0, wish, given;
	u32 i, bit;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		CONTEXT("%s", names[i].name);
		wish = TLFS_BIT64(names[i].bit);
		given = wish & assignable_synthetic_features;
		EXPECT_EQ(0, set(id, HV_PARTITION_PROPERTY_SYNTHETIC_PROC_FEATURES, wish));
		EXPECT_EQ(given, property(id, HV_PARTITION_PROPERTY_SYNTHETIC_PROC_FEATURES));
		EXPECT_EQ(features_privileges(given),
			  property(id, HV_PARTITION_PROPERTY_PRIVILEGE_FLAGS));
		named |= wish;
	}
	EXPECT_EQ(0, set(id, HV_PARTITION_PROPERTY_SYNTHETIC_PROC_FEATURES, named));
	EXPECT_EQ(assignable_synthetic_features,
		  property(id, HV_PARTITION_PROPERTY_SYNTHETIC_PROC_FEATURES));
	for (bit = 0; bit < 64; bit++) {
		if (named & TLFS_BIT64(bit))
			continue;
		CONTEXT("bit %u", bit);
		EXPECT_EQ(HV_STATUS_INVALID_PARAMETER,
			  set(id, HV_PARTITION_PROPERTY_SYNTHETIC_PROC_FEATURES,
			      TLFS_BIT64(bit) | 3));
	}
	EXPECT_EQ(assignable_synthetic_features,
		  property(id, HV_PARTITION_PROPERTY_SYNTHETIC_PROC_FEATURES));
}

TEST_ON_MACHINE(values_of_properties_are_in_range)
{
	static const struct {
		u32 code;
		u64 max;
		u64 min;
	} cases[] = {
		{ HV_PARTITION_PROPERTY_TIME_FREEZE, 1, 0 },
		{ HV_PARTITION_PROPERTY_PROCESSORS_PER_SOCKET, VP_MAX, 1 },
		{ HV_PARTITION_PROPERTY_GPA_PAGE_ACCESS_TRACKING, 1, 0 },
		{ HV_PARTITION_PROPERTY_UNIMPLEMENTED_MSR_ACTION, 1, 0 },
	};
	u64 id = child_create(CHILD_FLAGS), value;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		CONTEXT("property %x", cases[i].code);
		for (value = cases[i].min; value <= cases[i].max; value++) {
			EXPECT_EQ(0, set(id, cases[i].code, value));
			EXPECT_EQ(value, property(id, cases[i].code));
		}
		EXPECT_EQ(HV_STATUS_PROPERTY_VALUE_OUT_OF_RANGE,
			  set(id, cases[i].code, cases[i].max + 1));
		EXPECT_EQ(HV_STATUS_PROPERTY_VALUE_OUT_OF_RANGE, set(id, cases[i].code, ~0UL));
		EXPECT_EQ(HV_STATUS_PROPERTY_VALUE_OUT_OF_RANGE,
			  set(id, cases[i].code, 1UL << 32 | cases[i].min));
		EXPECT_EQ(cases[i].max, property(id, cases[i].code));
	}
	EXPECT_EQ(HV_STATUS_PROPERTY_VALUE_OUT_OF_RANGE,
		  set(id, HV_PARTITION_PROPERTY_PROCESSORS_PER_SOCKET, 0));
}

TEST_ON_MACHINE(unknown_properties_and_such_as_can_only_be_read)
{
	static const u32 unknown[] = { 0, 0x10002, 0x20000, 0x50004, 0x80000, 0xFFFFFFFF };
	static const u32 fixed[] = {
		HV_PARTITION_PROPERTY_APIC_FREQUENCY, HV_PARTITION_PROPERTY_PROCESSOR_VENDOR,
		HV_PARTITION_PROPERTY_PROCESSOR_FEATURES0, HV_PARTITION_PROPERTY_XSAVE_STATES,
		HV_PARTITION_PROPERTY_GUEST_OS_ID,
	};
	u64 id = child_create(CHILD_FLAGS), value;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(unknown); i++) {
		EXPECT_EQ(HV_STATUS_UNKNOWN_PROPERTY, get(id, unknown[i], &value));
		EXPECT_EQ(HV_STATUS_UNKNOWN_PROPERTY, set(id, unknown[i], 0));
	}
	for (i = 0; i < ARRAY_SIZE(fixed); i++)
		EXPECT_EQ(HV_STATUS_OPERATION_DENIED, set(id, fixed[i], 0));
	EXPECT_EQ(HV_STATUS_INVALID_PARTITION_ID, get(id + 1, fixed[0], &value));
	EXPECT_EQ(HV_STATUS_INVALID_PARTITION_ID, set(id + 1, fixed[0], 0));
}

TEST_ON_MACHINE(properties_can_be_read_in_every_state)
{
	u64 id = child_create(CHILD_FLAGS), value;

	ASSERT_EQ(0, deposit(id, 30));
	ASSERT_EQ(0, initialize(id));
	EXPECT_EQ(0, get(id, HV_PARTITION_PROPERTY_XSAVE_STATES, &value));
	ASSERT_EQ(0, finalize(id));
	EXPECT_EQ(0, get(id, HV_PARTITION_PROPERTY_XSAVE_STATES, &value));
	EXPECT_EQ(0, set(id, HV_PARTITION_PROPERTY_REFERENCE_TIME, 5));
	EXPECT_EQ(0, set(id, HV_PARTITION_PROPERTY_TIME_FREEZE, 1));
}

TEST_ON_MACHINE(long_properties)
{
	struct hv_input_get_partition_property_ex in = {
		.partition_id = HV_PARTITION_ID_SELF,
		.property_code = HV_PARTITION_PROPERTY_VMM_CAPABILITIES,
	};
	struct hv_partition_property_vmm_capabilities caps;
	struct hv_partition_property_synthetic_features synthetic;

	EXPECT_EQ(0, hv(HVCALL_GET_PARTITION_PROPERTY_EX, &in, sizeof(in), &caps, sizeof(caps)));
	EXPECT_EQ(1, caps.bank_count);
	EXPECT_EQ(HV_VMM_CAP_ASSIGNABLE_SYNTHETIC_FEATURES, caps.bank0);
	options.compat = COMPAT_REGISTER_PAGE;
	EXPECT_EQ(HV_STATUS_UNKNOWN_PROPERTY,
		  hv(HVCALL_GET_PARTITION_PROPERTY_EX, &in, sizeof(in), NULL, 0));
	in.property_code = HV_PARTITION_PROPERTY_ASSIGNABLE_SYNTHETIC_PROC_FEATURES;
	EXPECT_EQ(0, hv(HVCALL_GET_PARTITION_PROPERTY_EX, &in, sizeof(in), &synthetic,
			sizeof(synthetic)));
	EXPECT_EQ(assignable_synthetic_features, synthetic.bank0);
	in.property_code = HV_PARTITION_PROPERTY_PRIVILEGE_FLAGS;
	EXPECT_EQ(HV_STATUS_UNKNOWN_PROPERTY,
		  hv(HVCALL_GET_PARTITION_PROPERTY_EX, &in, sizeof(in), NULL, 0));
	in.partition_id = 0;
	EXPECT_EQ(HV_STATUS_INVALID_PARTITION_ID,
		  hv(HVCALL_GET_PARTITION_PROPERTY_EX, &in, sizeof(in), NULL, 0));
}

TEST_HARNESS_MAIN
