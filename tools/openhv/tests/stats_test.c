// SPDX-License-Identifier: GPL-2.0-only
/*
 * Statistics pages (core/stats.c): who has which, and that what they say is so
 * and goes on being so.
 */
#include <asm/cpu.h>
#include <openhv/options.h>
#include <openhv/run.h>
#include <openhv/stats.h>
#include <tlfs/memory.h>
#include <tlfs/stats.h>
#include <tlfs/system.h>
#include "test.h"

static struct partition *p;
static struct vp *vp;

static void begin(void)
{
	p = child_new();
	vp = child_vp(p, 0);
}

static hv_status_t map_stats(u32 type, const union hv_stats_object_identity *id, u64 **page)
{
	struct hv_input_map_stats_page in = { .type = type, .identity = *id };
	struct hv_output_map_stats_page out;
	hv_status_t status = hv(HVCALL_MAP_STATS_PAGE, &in, sizeof(in), &out, sizeof(out));

	if (!status)
		*page = ram(out.map_location);
	return status;
}

static hv_status_t unmap_stats(u32 type, const union hv_stats_object_identity *id)
{
	struct hv_input_map_stats_page in = { .type = type, .identity = *id };

	return hv(HVCALL_UNMAP_STATS_PAGE, &in, sizeof(in), NULL, 0);
}

TEST_ON_MACHINE(statistics_of_a_child)
{
	union hv_stats_object_identity id = { .partition = { .partition_id = 0 } };
	u64 *page, *again;

	begin();
	map_ram(p, 0, 3);
	id.partition.partition_id = p->id;
	id.partition.stats_area_type = HV_STATS_AREA_SELF;
	/* The child's pool has pages; what is wanted is root's. */
	EXPECT_EQ(HV_STATUS_INSUFFICIENT_MEMORY, map_stats(HV_STATS_OBJECT_PARTITION, &id, &page));
	ASSERT_EQ(0, deposit(HV_PARTITION_ID_SELF, 2));
	ASSERT_EQ(0, map_stats(HV_STATS_OBJECT_PARTITION, &id, &page));
	EXPECT_EQ(p->id, page[HV_STATS_PARTITION_PARTITION_ID]);
	EXPECT_EQ(3, page[HV_STATS_PARTITION_GPA_PAGES_4K]);
	EXPECT_EQ(1, page[HV_STATS_PARTITION_VIRTUAL_PROCESSORS]);
	ASSERT_EQ(0, map_stats(HV_STATS_OBJECT_PARTITION, &id, &again));
	EXPECT_EQ(page, again);
	EXPECT_EQ(0, unmap_stats(HV_STATS_OBJECT_PARTITION, &id));
	EXPECT_EQ(HV_STATUS_INVALID_PARAMETER, unmap_stats(HV_STATS_OBJECT_PARTITION, &id));
	id.partition.stats_area_type = HV_STATS_AREA_PARENT;
	EXPECT_EQ(0, map_stats(HV_STATS_OBJECT_PARTITION, &id, &page));
	/* Older hypervisors have no such area. */
	options.compat = COMPAT_VMM_CAPS;
	EXPECT_EQ(HV_STATUS_INVALID_PARAMETER, map_stats(HV_STATS_OBJECT_PARTITION, &id, &page));
	id.partition.stats_area_type = 77;
	EXPECT_EQ(HV_STATUS_INVALID_PARAMETER, map_stats(HV_STATS_OBJECT_PARTITION, &id, &page));
	child_gone(p);
}

TEST_ON_MACHINE(statistics_of_a_vp)
{
	union hv_stats_object_identity id = { .vp = { .partition_id = 0 } };
	u64 *page;

	begin();
	id.vp.partition_id = p->id;
	id.vp.stats_area_type = HV_STATS_AREA_SELF;
	ASSERT_EQ(0, deposit(HV_PARTITION_ID_SELF, 1));
	ASSERT_EQ(0, map_stats(HV_STATS_OBJECT_VP, &id, &page));
	vp->exits[OPENHV_EXIT_MSR_READ] = 4;
	vp->exits[OPENHV_EXIT_MSR_WRITE] = 5;
	vp->run_time = HOST_TSC_HZ + 1000;
	stats_update_vp(vp);
	EXPECT_EQ(9, page[HV_STATS_VP_MSR_ACCESSES_COUNT]);
	EXPECT_EQ(10000004, page[HV_STATS_VP_TOTAL_RUN_TIME]);
	EXPECT_EQ(0, unmap_stats(HV_STATS_OBJECT_VP, &id));
	id.vp.vp_index = 1;
	EXPECT_EQ(HV_STATUS_INVALID_VP_INDEX, map_stats(HV_STATS_OBJECT_VP, &id, &page));
	id.vp.partition_id = 4711;
	EXPECT_EQ(HV_STATUS_INVALID_PARTITION_ID, map_stats(HV_STATS_OBJECT_VP, &id, &page));
	child_gone(p);
}

TEST_ON_MACHINE(statistics_of_the_machine_are_roots)
{
	union hv_stats_object_identity id = {};
	u64 *page;

	id.hv.stats_area_type = HV_STATS_AREA_SELF;
	EXPECT_EQ(HV_STATUS_INSUFFICIENT_MEMORY, map_stats(HV_STATS_OBJECT_HYPERVISOR, &id, &page));
	ASSERT_EQ(0, deposit(HV_PARTITION_ID_SELF, 2));
	ASSERT_EQ(0, map_stats(HV_STATS_OBJECT_HYPERVISOR, &id, &page));
	EXPECT_EQ(HOST_LPS, page[HV_STATS_HYPERVISOR_LOGICAL_PROCESSORS]);
	EXPECT_EQ(1, page[HV_STATS_HYPERVISOR_PARTITIONS]);
	id.hv.stats_area_type = HV_STATS_AREA_PARENT;
	EXPECT_EQ(HV_STATUS_INVALID_PARAMETER, map_stats(HV_STATS_OBJECT_HYPERVISOR, &id, &page));
	memset(&id, 0, sizeof(id));
	id.lp.lp_index = 2;
	id.lp.stats_area_type = HV_STATS_AREA_SELF;
	ASSERT_EQ(0, map_stats(HV_STATS_OBJECT_LOGICAL_PROCESSOR, &id, &page));
	EXPECT_EQ(2, page[HV_STATS_LP_ROOT_VP_INDEX]);
	id.lp.lp_index = HOST_LPS;
	EXPECT_EQ(HV_STATUS_INVALID_LP_INDEX,
		  map_stats(HV_STATS_OBJECT_LOGICAL_PROCESSOR, &id, &page));
	EXPECT_EQ(HV_STATUS_INVALID_PARAMETER, map_stats(99, &id, &page));
}

/* --- They go on -------------------------------------------------------------------------- */

/* A page of a partition's or VP's in an area, or of an LP's, or the hypervisor's */
static u64 *partition_page(u64 id, u8 area)
{
	union hv_stats_object_identity identity = { .partition = { .partition_id = id } };
	u64 *page;

	identity.partition.stats_area_type = area;
	ASSERT_EQ(0, deposit(HV_PARTITION_ID_SELF, 1));
	ASSERT_EQ(0, map_stats(HV_STATS_OBJECT_PARTITION, &identity, &page));
	return page;
}

static u64 *vp_page(u64 id, u32 index, u8 area)
{
	union hv_stats_object_identity identity = { .vp = { .partition_id = id } };
	u64 *page;

	identity.vp.vp_index = index;
	identity.vp.stats_area_type = area;
	ASSERT_EQ(0, deposit(HV_PARTITION_ID_SELF, 1));
	ASSERT_EQ(0, map_stats(HV_STATS_OBJECT_VP, &identity, &page));
	return page;
}

static u64 *lp_page(u32 index)
{
	union hv_stats_object_identity identity = { .lp = { .lp_index = index } };
	u64 *page;

	ASSERT_EQ(0, deposit(HV_PARTITION_ID_SELF, 1));
	ASSERT_EQ(0, map_stats(HV_STATS_OBJECT_LOGICAL_PROCESSOR, &identity, &page));
	return page;
}

static u64 *hypervisor_page(void)
{
	union hv_stats_object_identity identity = {};
	u64 *page;

	ASSERT_EQ(0, deposit(HV_PARTITION_ID_SELF, 1));
	ASSERT_EQ(0, map_stats(HV_STATS_OBJECT_HYPERVISOR, &identity, &page));
	return page;
}

TEST_ON_MACHINE(hypervisor_counts_partitions_vps_and_pages)
{
	u64 *hv_page = hypervisor_page();
	u64 *root = partition_page(HV_PARTITION_ID_SELF, HV_STATS_AREA_SELF);
	u64 before = hv_page[HV_STATS_HYPERVISOR_TOTAL_PAGES];
	struct partition *other;

	EXPECT_EQ(HOST_LPS, hv_page[HV_STATS_HYPERVISOR_VIRTUAL_PROCESSORS]);
	EXPECT_EQ(HOST_LPS, root[HV_STATS_PARTITION_VIRTUAL_PROCESSORS]);
	EXPECT_EQ(0, root[HV_STATS_PARTITION_NUMBER_OF_ACTIVE_CHILD_PARTITIONS]);
	begin();
	child_vp(p, 1);
	other = child_new();
	EXPECT_EQ(3, hv_page[HV_STATS_HYPERVISOR_PARTITIONS]);
	EXPECT_EQ(HOST_LPS + 2, hv_page[HV_STATS_HYPERVISOR_VIRTUAL_PROCESSORS]);
	/* Each child took one page of root's for itself; what they were given is theirs. */
	EXPECT_LE(before + 2 * CHILD_POOL, hv_page[HV_STATS_HYPERVISOR_TOTAL_PAGES]);
	EXPECT_EQ(own_total_pages() + pool_deposited_total(),
		  hv_page[HV_STATS_HYPERVISOR_TOTAL_PAGES]);
	EXPECT_EQ(2, root[HV_STATS_PARTITION_NUMBER_OF_ACTIVE_CHILD_PARTITIONS]);
	EXPECT_EQ(root_partition.pool.total, root[HV_STATS_PARTITION_DEPOSITED_PAGES]);
	child_gone(other);
	EXPECT_EQ(2, hv_page[HV_STATS_HYPERVISOR_PARTITIONS]);
	child_gone(p);
	EXPECT_EQ(1, hv_page[HV_STATS_HYPERVISOR_PARTITIONS]);
	EXPECT_EQ(HOST_LPS, hv_page[HV_STATS_HYPERVISOR_VIRTUAL_PROCESSORS]);
	EXPECT_EQ(own_total_pages() + pool_deposited_total(),
		  hv_page[HV_STATS_HYPERVISOR_TOTAL_PAGES]);
	EXPECT_EQ(0, root[HV_STATS_PARTITION_NUMBER_OF_ACTIVE_CHILD_PARTITIONS]);
}

TEST_ON_MACHINE(partition_counts_what_it_has_in_both_areas)
{
	u64 id = child_create(CHILD_FLAGS), *pages[2], modifications;
	u32 i;

	/* The driver maps them as soon as there is anything to map. */
	ASSERT_EQ(0, deposit(id, CHILD_POOL));
	p = partition_of(id);
	ASSERT_EQ(0, partition_initialize(p));
	pages[0] = partition_page(id, HV_STATS_AREA_SELF);
	pages[1] = partition_page(id, HV_STATS_AREA_PARENT);
	EXPECT_NE(pages[0], pages[1]);
	ASSERT_EQ(0, deposit(id, 30));
	child_vp(p, 0);
	child_vp(p, 3);
	map_ram(p, 0, 3);
	ASSERT_EQ(0, map_pages(p, 512, ram_pages_2m(1), 1, MAP_RWX | HV_MAP_GPA_LARGE_PAGE));
	for (i = 0; i < 2; i++) {
		CONTEXT("area %u", i);
		EXPECT_EQ(id, pages[i][HV_STATS_PARTITION_PARTITION_ID]);
		EXPECT_EQ(CHILD_POOL + 30, pages[i][HV_STATS_PARTITION_DEPOSITED_PAGES]);
		EXPECT_EQ(2, pages[i][HV_STATS_PARTITION_VIRTUAL_PROCESSORS]);
		EXPECT_EQ(3, pages[i][HV_STATS_PARTITION_GPA_PAGES_4K]);
		EXPECT_EQ(1, pages[i][HV_STATS_PARTITION_GPA_PAGES_2M]);
		EXPECT_EQ(515, pages[i][HV_STATS_PARTITION_GPA_PAGES]);
		EXPECT_EQ(4, pages[i][HV_STATS_PARTITION_GPA_SPACE_MODIFICATIONS]);
	}
	ASSERT_EQ(0, unmap_pages(p, 0, 2, 0));
	ASSERT_EQ(0, vp_delete(p, 3));
	modifications = pages[1][HV_STATS_PARTITION_GPA_SPACE_MODIFICATIONS];
	EXPECT_EQ(6, modifications);
	for (i = 0; i < 2; i++) {
		CONTEXT("area %u", i);
		EXPECT_EQ(1, pages[i][HV_STATS_PARTITION_GPA_PAGES_4K]);
		EXPECT_EQ(1, pages[i][HV_STATS_PARTITION_VIRTUAL_PROCESSORS]);
	}
	/* What can be taken back is counted when it has been. */
	i = withdraw(id);
	EXPECT_NE(0, i);
	EXPECT_EQ(CHILD_POOL + 30 - i, pages[0][HV_STATS_PARTITION_DEPOSITED_PAGES]);
	EXPECT_EQ(p->pool.total, pages[1][HV_STATS_PARTITION_DEPOSITED_PAGES]);
	child_gone(p);
}

/* A large page that an overlay splits changes its sizes. */
TEST_ON_MACHINE(partition_counts_pages_that_an_overlay_splits)
{
	u64 *page;

	begin();
	page = partition_page(p->id, HV_STATS_AREA_SELF);
	ASSERT_EQ(0, map_pages(p, 512, ram_pages_2m(1), 1, MAP_RWX | HV_MAP_GPA_LARGE_PAGE));
	EXPECT_EQ(1, page[HV_STATS_PARTITION_GPA_PAGES_2M]);
	ASSERT_EQ(0, reg64_set(vp, HV_REGISTER_REFERENCE_TSC, 520UL << 12 | 1));
	EXPECT_EQ(0, page[HV_STATS_PARTITION_GPA_PAGES_2M]);
	EXPECT_EQ(512, page[HV_STATS_PARTITION_GPA_PAGES_4K]);
	child_gone(p);
}

TEST_ON_MACHINE(vp_counts_its_exits_in_both_areas)
{
	static const struct vcpu_exit first[] = {
		{ .reason = VCPU_EXIT_CPUID, .insn_len = 2 },
		{ .reason = VCPU_EXIT_CPUID, .insn_len = 2 },
		{ .reason = VCPU_EXIT_IO, .insn_len = 1, .io = { .port = 0x80, .size = 1 } },
	}, second[] = {
		{ .reason = VCPU_EXIT_IO, .insn_len = 1, .io = { .port = 0x80, .size = 1 } },
	};
	u64 *pages[2], run[2];
	u32 i;

	begin();
	/* The second area is mapped late, and knows all the same. */
	pages[0] = vp_page(p->id, 0, HV_STATS_AREA_SELF);
	host_tsc_step = 1000;
	host_guest_plays(first, ARRAY_SIZE(first));
	dispatch(vp, 0);
	EXPECT_EQ(2, pages[0][HV_STATS_VP_CPUID_INSTRUCTIONS_COUNT]);
	EXPECT_EQ(1, pages[0][HV_STATS_VP_IO_INSTRUCTIONS_COUNT]);
	pages[1] = vp_page(p->id, 0, HV_STATS_AREA_PARENT);
	EXPECT_NE(pages[0], pages[1]);
	for (i = 0; i < 2; i++) {
		CONTEXT("area %u", i);
		EXPECT_EQ(2, pages[i][HV_STATS_VP_CPUID_INSTRUCTIONS_COUNT]);
		EXPECT_EQ(1, pages[i][HV_STATS_VP_LOGICAL_PROCESSOR_DISPATCHES]);
		run[i] = pages[i][HV_STATS_VP_TOTAL_RUN_TIME];
		EXPECT_NE(0, run[i]);
		EXPECT_EQ(0, pages[i][HV_STATS_VP_ROOT_DISPATCH_THREAD_BLOCKED]);
	}
	host_guest_plays(second, ARRAY_SIZE(second));
	dispatch(vp, HV_DISPATCH_VP_FLAG_CLEAR_INTERCEPT_SUSPEND);
	for (i = 0; i < 2; i++) {
		CONTEXT("area %u", i);
		EXPECT_EQ(2, pages[i][HV_STATS_VP_IO_INSTRUCTIONS_COUNT]);
		EXPECT_EQ(2, pages[i][HV_STATS_VP_LOGICAL_PROCESSOR_DISPATCHES]);
		EXPECT_LT(run[i], pages[i][HV_STATS_VP_TOTAL_RUN_TIME]);
	}
	child_gone(p);
}

/* An interrupt of the machine comes, as the first exit of those that root's VP has. */
static void interrupt(void)
{
	root_vp()->vcpu.exit = (struct vcpu_exit){ .reason = VCPU_EXIT_INTERRUPT };
	vp_handle_exit(lp_self(), root_vp());
}

/* An LP that begins to work now has not said anything yet. */
static void set_started(struct lp *lp)
{
	lp->started = rdtsc();
	lp->times_total = 0;
	lp->times_hypervisor = 0;
}

/* It sleeps for 0.1 s; another LP asks meanwhile. */
static void wake_after_long(struct lp *lp)
{
	struct hv_input_get_logical_processor_run_time in = { .lp_index = lp->index };
	struct hv_output_get_logical_processor_run_time out;

	host_pass_time(1000000);
	ASSERT_EQ(0, hv(HVCALL_GET_LOGICAL_PROCESSOR_RUN_TIME, &in, sizeof(in), &out, sizeof(out)));
	EXPECT_GE(1001000, out.local_run_time);
	EXPECT_LE(1000000 - 1, out.local_run_time);
	EXPECT_GE(301000, out.hypervisor_time);
	EXPECT_LE(2000000, out.global_time);
}

TEST_ON_MACHINE(lp_and_its_root_vp_count_now_and_then)
{
	struct lp *lp = lp_self();
	struct vp *root = lp->root_vp;
	u64 *page = lp_page(0), *pages[2], was, refreshed;
	u32 i;

	pages[0] = vp_page(HV_PARTITION_ID_SELF, 0, HV_STATS_AREA_SELF);
	pages[1] = vp_page(HV_PARTITION_ID_SELF, 0, HV_STATS_AREA_PARENT);
	interrupt();
	was = page[HV_STATS_LP_HARDWARE_INTERRUPTS];
	refreshed = page[HV_STATS_LP_COUNTER_REFRESH_SEQUENCE_NUMBER];
	/* Not at each of them */
	host_pass_time(1000);
	interrupt();
	EXPECT_EQ(refreshed, page[HV_STATS_LP_COUNTER_REFRESH_SEQUENCE_NUMBER]);
	EXPECT_EQ(was, page[HV_STATS_LP_HARDWARE_INTERRUPTS]);

	set_started(lp);
	lp->idle_time = 0;
	host_pass_time(1000000);
	lp->guest_time = 700000 * (HOST_TSC_HZ / 10000000);
	root->run_time = 500000 * (HOST_TSC_HZ / 10000000);
	interrupt();
	EXPECT_EQ(refreshed + 1, page[HV_STATS_LP_COUNTER_REFRESH_SEQUENCE_NUMBER]);
	EXPECT_EQ(was + 2, page[HV_STATS_LP_HARDWARE_INTERRUPTS]);
	EXPECT_LE(1000000 - 1, page[HV_STATS_LP_TOTAL_RUN_TIME]);
	EXPECT_GE(1001000, page[HV_STATS_LP_TOTAL_RUN_TIME]);
	EXPECT_LE(300000 - 1, page[HV_STATS_LP_HYPERVISOR_RUN_TIME]);
	EXPECT_GE(301000, page[HV_STATS_LP_HYPERVISOR_RUN_TIME]);
	EXPECT_GE(hv_time(), page[HV_STATS_LP_GLOBAL_TIME]);
	for (i = 0; i < 2; i++) {
		CONTEXT("area %u", i);
		EXPECT_EQ(root->exits[OPENHV_EXIT_INTERRUPT],
			  pages[i][HV_STATS_VP_EXTERNAL_INTERRUPTS_COUNT]);
		EXPECT_LE(500000 - 1, pages[i][HV_STATS_VP_TOTAL_RUN_TIME]);
		EXPECT_GE(500000, pages[i][HV_STATS_VP_TOTAL_RUN_TIME]);
	}
	/* What it sleeps is neither a guest's time nor the hypervisor's. */
	was = page[HV_STATS_LP_PROCESSOR_HALTS];
	host_interrupts = wake_after_long;
	lp_sleep(lp);
	EXPECT_EQ(was + 1, page[HV_STATS_LP_PROCESSOR_HALTS]);
	EXPECT_GE(1001000, page[HV_STATS_LP_TOTAL_RUN_TIME]);
	EXPECT_GE(301000, page[HV_STATS_LP_HYPERVISOR_RUN_TIME]);
	host_interrupts = NULL;
	/* Without its page nothing is written to where that was. */
	unmap_stats(HV_STATS_OBJECT_LOGICAL_PROCESSOR, &(union hv_stats_object_identity){});
	host_pass_time(1000000);
	interrupt();
	EXPECT_EQ(NULL, lp->stats);
}

/* What another LP is told of LP 0, which is never less than before */
static void ask_lp_time(u64 *total, u64 *hypervisor)
{
	struct hv_input_get_logical_processor_run_time in = { .lp_index = 0 };
	struct hv_output_get_logical_processor_run_time out;

	ASSERT_EQ(0, hv(HVCALL_GET_LOGICAL_PROCESSOR_RUN_TIME, &in, sizeof(in), &out, sizeof(out)));
	EXPECT_LE(*total, out.local_run_time);
	EXPECT_LE(*hypervisor, out.hypervisor_time);
	*total = out.local_run_time;
	*hypervisor = out.hypervisor_time;
}

static u64 asked_total, asked_hypervisor;

/* Another LP asks while this one has been in guest mode for 0.1 s, and for 0.2 s. */
static void ask_from_guest(struct lp *lp, struct vcpu *v)
{
	(void)lp;
	ask_lp_time(&asked_total, &asked_hypervisor);
	host_pass_time(1000000);
	ask_lp_time(&asked_total, &asked_hypervisor);
	host_pass_time(1000000);
	v->exit = (struct vcpu_exit){ .reason = VCPU_EXIT_IO, .insn_len = 1,
				      .io = { .port = 0x80, .size = 1 } };
}

TEST_ON_MACHINE(times_of_an_lp_do_not_go_back_when_a_guest_is_left)
{
	u64 *page = lp_page(0);

	begin();
	set_started(lp_self());
	host_guest = ask_from_guest;
	dispatch(vp, 0);
	ask_lp_time(&asked_total, &asked_hypervisor);
	/* All of it was a guest's. */
	EXPECT_LE(2000000, asked_total);
	EXPECT_GE(2001000, asked_total);
	EXPECT_GE(1000, asked_hypervisor);
	/* The page says the same. */
	stats_refresh(lp_self());
	EXPECT_LE(asked_total, page[HV_STATS_LP_TOTAL_RUN_TIME]);
	EXPECT_LE(asked_hypervisor, page[HV_STATS_LP_HYPERVISOR_RUN_TIME]);
	EXPECT_GE(1000, page[HV_STATS_LP_HYPERVISOR_RUN_TIME]);
	child_gone(p);
}

/* The clock of the LP that asks is behind, or what an LP has slept was missed. */
TEST_ON_MACHINE(times_of_an_lp_do_not_go_back_when_they_were_too_large)
{
	u64 total = 0, hypervisor = 0, second = HOST_TSC_HZ;
	struct lp *lp = lp_self();

	host_tsc_step = 0;
	set_started(lp);
	host_pass_time(1000000);
	ask_lp_time(&total, &hypervisor);
	lp->idle_time += second / 20;
	ask_lp_time(&total, &hypervisor);
	host_tsc -= second / 10 + 1000;
	ask_lp_time(&total, &hypervisor);
	/* Counted twice, which leaves less than nothing */
	lp->idle_time += second;
	lp->guest_time += second;
	ask_lp_time(&total, &hypervisor);
	EXPECT_LE(1000000 - 1, total);
	EXPECT_GE(1000000, total);
	/* It goes on when it has been caught up with. */
	host_pass_time(20000000);
	ask_lp_time(&total, &hypervisor);
	EXPECT_LE(9000000, total);
	/* One that has not begun has not worked. */
	EXPECT_EQ(0, lps[1]->started);
	stats_lp_times(lps[1], &total, &hypervisor);
	EXPECT_EQ(0, total);
}

/* An LP's page is one thing, a neighbour's counters another. */
TEST_ON_MACHINE(lp_refreshes_what_is_its_own)
{
	u64 *other = lp_page(1), *vp1 = vp_page(HV_PARTITION_ID_SELF, 1, HV_STATS_AREA_SELF);
	u64 was = other[HV_STATS_LP_COUNTER_REFRESH_SEQUENCE_NUMBER];

	lps[1]->root_vp->exits[OPENHV_EXIT_IO] = 77;
	host_pass_time(1000000);
	interrupt();
	EXPECT_EQ(was, other[HV_STATS_LP_COUNTER_REFRESH_SEQUENCE_NUMBER]);
	EXPECT_EQ(0, vp1[HV_STATS_VP_IO_INSTRUCTIONS_COUNT]);
	stats_refresh(lps[1]);
	EXPECT_EQ(was + 1, other[HV_STATS_LP_COUNTER_REFRESH_SEQUENCE_NUMBER]);
	EXPECT_EQ(77, vp1[HV_STATS_VP_IO_INSTRUCTIONS_COUNT]);
}

TEST_HARNESS_MAIN
