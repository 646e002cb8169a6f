// SPDX-License-Identifier: GPL-2.0-only
/*
 * A root kernel that is followed by another one: root/leave.c.
 */
#include <openhv/atomic.h>
#include <openhv/root.h>
#include <openhv/run.h>
#include <tlfs/synic.h>
#include <tlfs/msr.h>
#include <tlfs/partition.h>
#include <tlfs/stats.h>
#include <tlfs/system.h>
#include "test.h"

#include <pthread.h>
#include <sched.h>
#include <unistd.h>

#define LINUX	0x8100060C00000000UL

/* What a kernel writes into its MSR: its identity first, 0 in the end */
static void os_id(u64 value)
{
	if (vp_hv_msr_write(root_vp(), HV_X64_MSR_GUEST_OS_ID, value, false) != MSR_OK)
		host_fail("writing %llx to GUEST_OS_ID faults", (unsigned long long)value);
}

static hv_status_t create_doorbell(u32 id, u64 peer)
{
	struct hv_input_create_port in = {
		.port_partition_id = HV_PARTITION_ID_SELF, .port_id = id,
		.connection_partition_id = peer,
		.port_info = { .port_type = HV_PORT_TYPE_DOORBELL,
			       .doorbell_port_info = { .target_sint = 2 } },
	};

	return hv(HVCALL_CREATE_PORT, &in, sizeof(in), NULL, 0);
}

static hv_status_t connect_doorbell(u64 from, u32 id)
{
	struct hv_input_connect_port in = {
		.connection_partition_id = from, .connection_id = id,
		.port_partition_id = HV_PARTITION_ID_SELF, .port_id = id,
		.connection_info = { .port_type = HV_PORT_TYPE_DOORBELL,
				     .doorbell_connection_info = { .gpa = 0xFEB00000 } },
	};

	return hv(HVCALL_CONNECT_PORT, &in, sizeof(in), NULL, 0);
}

static u64 map_stats(u32 type, const union hv_stats_object_identity *id)
{
	struct hv_input_map_stats_page in = { .type = type, .identity = *id };
	struct hv_output_map_stats_page out;

	if (hv(HVCALL_MAP_STATS_PAGE, &in, sizeof(in), &out, sizeof(out)))
		host_fail("no statistics page of type %u", type);
	return out.map_location;
}

static void map_all_stats(u64 child)
{
	union hv_stats_object_identity id = {};

	map_stats(HV_STATS_OBJECT_HYPERVISOR, &id);
	id.lp.lp_index = 1;
	map_stats(HV_STATS_OBJECT_LOGICAL_PROCESSOR, &id);
	id = (union hv_stats_object_identity){ .partition.partition_id = root_partition.id };
	map_stats(HV_STATS_OBJECT_PARTITION, &id);
	id.partition.partition_id = child;
	map_stats(HV_STATS_OBJECT_PARTITION, &id);
	id = (union hv_stats_object_identity){ .vp.partition_id = root_partition.id };
	id.vp.vp_index = 1;
	map_stats(HV_STATS_OBJECT_VP, &id);
}

static hv_status_t add_lp(u32 index, u32 apic_id)
{
	struct hv_input_add_logical_processor in = { .lp_index = index, .apic_id = apic_id };
	struct hv_lp_startup_status out;

	return hv(HVCALL_ADD_LOGICAL_PROCESSOR, &in, sizeof(in), &out, sizeof(out));
}

static hv_status_t create_root_vp(u32 index)
{
	struct hv_input_create_vp in = { .partition_id = HV_PARTITION_ID_SELF, .vp_index = index,
					 .flags = index };

	return hv(HVCALL_CREATE_VP, &in, sizeof(in), NULL, 0);
}

static hv_status_t lp_run_time(u32 index)
{
	struct hv_input_get_logical_processor_run_time in = { .lp_index = index };
	struct hv_output_get_logical_processor_run_time out;

	return hv(HVCALL_GET_LOGICAL_PROCESSOR_RUN_TIME, &in, sizeof(in), &out, sizeof(out));
}

TEST_ON_MACHINE(all_that_root_deposited_is_roots_when_its_kernel_leaves)
{
	u64 mark = ram_mark(), ids[3];
	struct partition *p;

	os_id(LINUX);
	ASSERT_EQ(0, deposit(HV_PARTITION_ID_SELF, 20));
	/* One that runs, one that waits to be initialized, one that waits to be deleted */
	p = child_new();
	ids[0] = p->id;
	child_vp(p, 0);
	map_ram(p, 0, 3);
	state_page(child_vp(p, 1), HV_VP_STATE_PAGE_REGISTERS);
	ids[1] = child_create(CHILD_FLAGS);
	ASSERT_EQ(0, deposit(ids[1], 5));
	ids[2] = child_new()->id;
	ASSERT_EQ(0, hv_fast(HVCALL_FINALIZE_PARTITION, ids[2], 0));
	ASSERT_EQ(0, create_doorbell(7, ids[0]));
	ASSERT_EQ(0, connect_doorbell(ids[0], 7));
	map_all_stats(ids[0]);

	os_id(0);
	EXPECT_EQ(0, partition_children());
	EXPECT_EQ(0, pool_deposited_total());
	EXPECT_EQ(NULL, partition_get(ids[0], &root_partition));
	/* Each page is root's, and in no child. */
	ram_release(mark);

	/* The next kernel begins as the first one did, by the same numbers. */
	os_id(LINUX);
	ASSERT_EQ(0, deposit(HV_PARTITION_ID_SELF, 20));
	p = child_new();
	EXPECT_EQ(0, create_doorbell(7, p->id));
	EXPECT_EQ(0, connect_doorbell(p->id, 7));
	map_all_stats(p->id);
}

TEST_ON_MACHINE(kernel_that_crashed_leaves_when_another_one_tells_its_name)
{
	os_id(LINUX);
	ASSERT_EQ(0, deposit(HV_PARTITION_ID_SELF, 20));
	child_new();
	os_id(LINUX);
	EXPECT_EQ(0, partition_children());
	EXPECT_EQ(0, pool_deposited_total());
}

TEST_ON_MACHINE(first_kernel_takes_nothing_from_anyone)
{
	ASSERT_EQ(0, deposit(HV_PARTITION_ID_SELF, 20));
	child_new();
	os_id(LINUX);
	EXPECT_EQ(1, partition_children());
}

TEST_ON_MACHINE(child_that_forgets_its_name_is_no_kernel_of_roots)
{
	struct partition *p;
	struct vp *vp;

	ASSERT_EQ(0, deposit(HV_PARTITION_ID_SELF, 20));
	p = child_new();
	vp = child_vp(p, 0);
	vp_hv_msr_write(vp, HV_X64_MSR_GUEST_OS_ID, LINUX, false);
	vp_hv_msr_write(vp, HV_X64_MSR_GUEST_OS_ID, 0, false);
	EXPECT_EQ(1, partition_children());
	child_gone(p);
}

TEST_ON_MACHINE(processors_may_be_added_once_by_each_kernel)
{
	u32 first = lps[1]->apic_id, second = lps[2]->apic_id;

	os_id(LINUX);
	EXPECT_NE(0, lp_run_time(1));
	ASSERT_EQ(0, add_lp(1, first));
	ASSERT_EQ(0, create_root_vp(1));
	EXPECT_EQ(HV_STATUS_INVALID_PARAMETER, add_lp(1, first));

	os_id(0);
	os_id(LINUX);
	/* They are there, for kernels that look. */
	EXPECT_EQ(0, lp_run_time(1));
	EXPECT_EQ(HV_STATUS_INVALID_PARAMETER, add_lp(1, second));
	EXPECT_EQ(HV_STATUS_INVALID_PARAMETER, add_lp(2, first));
	EXPECT_EQ(0, add_lp(1, first));
	EXPECT_EQ(HV_STATUS_INVALID_PARAMETER, add_lp(1, first));
	EXPECT_EQ(0, create_root_vp(1));
	/* One that the first kernel did not have */
	EXPECT_EQ(HV_STATUS_INVALID_VP_INDEX, create_root_vp(2));
	EXPECT_EQ(0, add_lp(2, second));
	EXPECT_EQ(0, create_root_vp(2));
}

/* A hypercall that another LP is in, and that goes on when its reference is dropped */
static struct {
	struct partition *p;
	struct vp *vp;
	u16 code;
	u64 id;
	hv_status_t status;
	u32 leaves;
} other;

static void *call_on_other_lp(void *arg)
{
	(void)arg;
	host_lp = lps[1];
	other.status = hv_fast(other.code, other.id, 0);
	return NULL;
}

/* The first LP has done all that it can do by itself, and waits. */
static void *let_it_finalize(void *arg)
{
	(void)arg;
	while (READ_ONCE(other.p->pool.free))
		sched_yield();
	vp_put(other.vp);
	return NULL;
}

TEST_ON_MACHINE(child_that_another_processor_finalizes_leaves_nothing_behind)
{
	pthread_t finalizer, helper;

	os_id(LINUX);
	ASSERT_EQ(0, deposit(HV_PARTITION_ID_SELF, 20));
	other.p = child_new();
	other.id = other.p->id;
	child_vp(other.p, 0);
	map_ram(other.p, 0, 3);
	other.code = HVCALL_FINALIZE_PARTITION;
	other.vp = vp_get(other.p, 0);
	ASSERT_EQ(0, pthread_create(&finalizer, NULL, call_on_other_lp, NULL));
	while (READ_ONCE(other.p->state) != PARTITION_FINALIZED)
		sched_yield();
	ASSERT_EQ(0, pthread_create(&helper, NULL, let_it_finalize, NULL));
	os_id(0);
	pthread_join(helper, NULL);
	pthread_join(finalizer, NULL);
	EXPECT_EQ(0, other.status);
	EXPECT_EQ(0, partition_children());
	EXPECT_EQ(0, pool_deposited_total());
}

static void *let_it_delete(void *arg)
{
	(void)arg;
	while (!READ_ONCE(other.leaves))
		sched_yield();
	usleep(20000);
	partition_put(other.p);
	return NULL;
}

static void begin_delete(pthread_t *deleter)
{
	os_id(LINUX);
	ASSERT_EQ(0, deposit(HV_PARTITION_ID_SELF, 20));
	other.id = child_create(CHILD_FLAGS);
	other.p = partition_of(other.id);
	other.code = HVCALL_DELETE_PARTITION;
	partition_get(other.id, &root_partition);
	ASSERT_EQ(0, pthread_create(deleter, NULL, call_on_other_lp, NULL));
	while (READ_ONCE(other.p->state) != PARTITION_DELETED)
		sched_yield();
}

/* Its last page is one of those that root has deposited for itself. */
TEST_ON_MACHINE(child_that_another_processor_deletes_leaves_nothing_behind)
{
	pthread_t deleter, helper;

	begin_delete(&deleter);
	ASSERT_EQ(0, pthread_create(&helper, NULL, let_it_delete, NULL));
	WRITE_ONCE(other.leaves, 1);
	os_id(0);
	pthread_join(helper, NULL);
	pthread_join(deleter, NULL);
	EXPECT_EQ(0, other.status);
	EXPECT_EQ(0, partition_children());
	EXPECT_EQ(0, pool_deposited_total());
}

/* The next kernel puts something else where their loops are. */
TEST_ON_MACHINE(processors_that_were_stopped_stay_halted)
{
	struct vp *vp = lps[1]->root_vp;
	struct host_vmcb *vmcb = vp->vcpu.arch.vmcb;
	u64 code = ram_pages(1) << PAGE_SHIFT;

	os_id(LINUX);
	EXPECT_FALSE(vmcb->intercept_hlt);
	os_id(0);
	EXPECT_EQ(0, root_vp()->requests);
	EXPECT_EQ(VP_REQ_LEFT, vp->requests);

	vmcb->seg[SEG_CS].base = 0;
	vp->startup_suspend = false;
	vp->vcpu.rip = code + 1;
	*(u8 *)ram(code >> PAGE_SHIFT) = 0x90;
	vp_stay_halted(vp);
	EXPECT_FALSE(vp->halted);
	EXPECT_TRUE(vmcb->intercept_hlt);
	/* Behind a HLT, but any interrupt was to wake it. */
	*(u8 *)ram(code >> PAGE_SHIFT) = 0xF4;
	vp->vcpu.rflags |= RFLAGS_IF;
	vp_stay_halted(vp);
	EXPECT_FALSE(vp->halted);
	vp->vcpu.rflags &= ~(u64)RFLAGS_IF;
	vp->startup_suspend = true;
	vp_stay_halted(vp);
	EXPECT_FALSE(vp->halted);
	vp->startup_suspend = false;
	vp_stay_halted(vp);
	EXPECT_TRUE(vp->halted);
	EXPECT_EQ(code + 1, vp->vcpu.rip);
	/* Nothing is in front of that. */
	vp->halted = false;
	vp->vcpu.rip = HOST_DEVICE;
	vp_stay_halted(vp);
	EXPECT_EQ(HOST_DEVICE, vp->vcpu.rip);
}

TEST_ON_MACHINE(kernel_does_not_leave_for_ever)
{
	pthread_t deleter;

	begin_delete(&deleter);
	host_tsc_step = HOST_TSC_HZ / 1000;
	os_id(0);
	EXPECT_TRUE(host_log_has("a processor is still at work"));
	EXPECT_EQ(1, partition_children());
	partition_put(other.p);
	pthread_join(deleter, NULL);
	EXPECT_EQ(0, partition_children());
}

TEST_HARNESS_MAIN
