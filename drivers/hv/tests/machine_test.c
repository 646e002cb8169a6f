// SPDX-License-Identifier: GPL-2.0-only
/*
 * What becomes of the machine while there are partitions.
 */
#include <linux/cpumask.h>
#include <linux/notifier.h>
#include <linux/string.h>
#include <linux/suspend.h>

#include <tlfs/msr.h>
#include <tlfs/partition.h>
#include <tlfs/stats.h>
#include <tlfs/status.h>
#include <tlfs/synic.h>
#include <tlfs/vp.h>
#include <uapi/linux/mshv.h>

#include "../device.h"
#include "../hvcall.h"
#include "../machine.h"
#include "../partition.h"
#include "../pool.h"
#include "../vp.h"
#include "test.h"

static int machine_init(struct kunit *test)
{
	/* Other suites' pools do not all add up, and the hypervisor has kept some of root's. */
	mshv_device_exit();
	if (mshv_hvcall_init())
		return -ENOMEM;
	mshv_pool_withdraw(&mshv_root_pool, U64_MAX);
	mshv_hvcall_exit();

	return test_init(test) ?: mshv_device_init();
}

/* As it is after a boot */
static void reload(struct kunit *test)
{
	mshv_device_exit();
	KUNIT_ASSERT_EQ(test, mshv_device_init(), 0);
}

static bool synic_is_on(unsigned int cpu)
{
	return *fake_hv_msr(cpu, HV_X64_MSR_SCONTROL) & HV_SYNIC_CONTROL_ENABLE ||
	       *fake_hv_msr(cpu, HV_X64_MSR_SIMP) & HV_MSR_PAGE_ENABLE ||
	       *fake_hv_msr(cpu, HV_X64_MSR_SIEFP) & HV_MSR_PAGE_ENABLE ||
	       *fake_hv_msr(cpu, HV_X64_MSR_SIRBP) & HV_MSR_PAGE_ENABLE;
}

static bool stats_are_mapped(void)
{
	const union hv_stats_object_identity identity = {};

	return fake_hv_stats(HV_STATS_OBJECT_HYPERVISOR, identity);
}

static bool partition_stats_are_mapped(u64 id)
{
	const union hv_stats_object_identity identity = { .partition.partition_id = id };

	return fake_hv_stats(HV_STATS_OBJECT_PARTITION, identity);
}

static bool vp_stats_are_mapped(u64 id, u32 vp_index)
{
	const union hv_stats_object_identity identity = {
		.vp.partition_id = id,
		.vp.vp_index = vp_index,
	};

	return fake_hv_stats(HV_STATS_OBJECT_VP, identity);
}

static void kexec_is_refused_while_pages_are_deposited(struct kunit *test)
{
	int fd, vp;

	KUNIT_EXPECT_EQ(test, fake_hv_kexec(), 0);
	fd = test_partition(test);
	KUNIT_EXPECT_EQ(test, fake_hv_kexec(), -EBUSY);
	vp = test_vp(test, fd, 0);
	test_close(fd);
	KUNIT_EXPECT_EQ(test, fake_hv_kexec(), -EBUSY);
	/* And the partition has not been touched. */
	KUNIT_EXPECT_EQ(test, fake_hv_partitions(), 1);
	KUNIT_EXPECT_TRUE(test, synic_is_on(0));
	test_close(vp);
	KUNIT_EXPECT_EQ(test, fake_hv_kexec(), 0);
	KUNIT_EXPECT_EQ(test, fake_hv_restarts(), 0);
}

static void nothing_is_the_hypervisors_when_the_next_kernel_starts(struct kunit *test)
{
	unsigned int restarts = fake_hv_restarts();
	unsigned int cpu;

	KUNIT_ASSERT_GT(test, test_root_balance(), 0);
	KUNIT_ASSERT_TRUE(test, stats_are_mapped());
	mshv_machine_going_down(true);
	for_each_online_cpu(cpu)
		KUNIT_EXPECT_FALSE_MSG(test, synic_is_on(cpu), "CPU %u", cpu);
	KUNIT_EXPECT_FALSE(test, stats_are_mapped());
	KUNIT_EXPECT_EQ(test, test_root_balance(), 0);
	KUNIT_EXPECT_EQ(test, mshv_pool_total(), 0);
	KUNIT_EXPECT_EQ(test, fake_hv_restarts(), restarts);
	reload(test);
}

static void machine_is_reset_if_pages_do_not_come_back(struct kunit *test)
{
	unsigned int restarts = fake_hv_restarts();

	fake_hv_fail(HVCALL_WITHDRAW_MEMORY, HV_STATUS_NO_RESOURCES, 0, 1);
	mshv_machine_going_down(true);
	KUNIT_EXPECT_EQ(test, fake_hv_restarts(), restarts + 1);
	/* The second time, when the reset comes by here, it is let pass. */
	mshv_machine_going_down(false);
	KUNIT_EXPECT_EQ(test, fake_hv_restarts(), restarts + 1);
	reload(test);
}

static void machine_is_reset_where_kexec_cannot_be_refused(struct kunit *test)
{
	unsigned int restarts = fake_hv_restarts();
	int fd;

	fake_config.no_kexec_guard = true;
	reload(test);
	fd = test_partition(test);
	KUNIT_EXPECT_EQ(test, fake_hv_kexec(), 0);
	mshv_machine_going_down(true);
	KUNIT_EXPECT_EQ(test, fake_hv_restarts(), restarts + 1);
	test_close(fd);
	fake_config.no_kexec_guard = false;
	reload(test);
}

/* VMs may still run then: nobody has asked them to end. */
static void reboot_takes_the_counters_of_what_still_runs(struct kunit *test)
{
	unsigned long user = test_user(test, PAGE_SIZE);
	int fd = test_partition(test);
	int vps[] = { test_vp(test, fd, 0), test_vp(test, fd, 3) };
	u64 id = test_partition_of(test, fd)->id;
	struct mshv_vp *vp = test_vp_of(test, vps[1]);

	KUNIT_ASSERT_TRUE(test, partition_stats_are_mapped(id));
	KUNIT_ASSERT_TRUE(test, vp_stats_are_mapped(id, 3));
	mshv_machine_going_down(false);
	KUNIT_EXPECT_FALSE(test, stats_are_mapped());
	KUNIT_EXPECT_FALSE(test, partition_stats_are_mapped(id));
	KUNIT_EXPECT_FALSE(test, vp_stats_are_mapped(id, 0));
	KUNIT_EXPECT_FALSE(test, vp_stats_are_mapped(id, 3));
	KUNIT_ASSERT_NOT_NULL(test, vp->stats[HV_STATS_AREA_SELF]);
	KUNIT_EXPECT_EQ(test, vp->stats[HV_STATS_AREA_SELF][0], 0);
	KUNIT_EXPECT_EQ(test, vp->stats[HV_STATS_AREA_PARENT][0], 0);
	/* User space may have these mapped. */
	KUNIT_EXPECT_NOT_NULL(test, fake_hv_register_page(id, 3));
	KUNIT_EXPECT_NOT_NULL(test, fake_hv_message_page(id, 3));

	/* A VP that has run before runs, and all of it ends as ever. */
	*fake_hv_reg(id, 3, HV_REGISTER_EXPLICIT_SUSPEND) = 0;
	KUNIT_EXPECT_EQ(test, test_ioctl(test, vps[1], MSHV_RUN_VP, user), 0);
	test_close(vps[0]);
	test_close(vps[1]);
	test_close(fd);
	KUNIT_EXPECT_EQ(test, fake_hv_partitions(), 0);
	reload(test);
}

static void reboot_turns_off_what_the_hypervisor_writes_to(struct kunit *test)
{
	const struct hv_input_create_partition in = {};
	unsigned int restarts = fake_hv_restarts();
	int fd = test_partition(test);
	unsigned int cpu;

	mshv_machine_going_down(false);
	for_each_online_cpu(cpu)
		KUNIT_EXPECT_FALSE_MSG(test, synic_is_on(cpu), "CPU %u", cpu);
	KUNIT_EXPECT_FALSE(test, stats_are_mapped());
	KUNIT_EXPECT_EQ(test, fake_hv_restarts(), restarts);

	/* What still runs may end, but gets no more memory. */
	test_close(fd);
	KUNIT_EXPECT_EQ(test, fake_hv_partitions(), 0);
	fd = mshv_partition_create(&in);
	if (fd >= 0) {
		KUNIT_EXPECT_EQ(test, test_ioctl(test, fd, MSHV_INITIALIZE_PARTITION, 0),
				-ESHUTDOWN);
		test_close(fd);
	} else {
		KUNIT_EXPECT_EQ(test, fd, -ESHUTDOWN);
	}
	reload(test);
}

/* What crash() did is not undone when the files are closed; no kernel gets that far. */
static void forget_pages(struct mshv_vp *vp)
{
	vp->register_page = NULL;
	vp->intercept_page = NULL;
}

static void crash_leaves_no_page_to_the_hypervisor(struct kunit *test)
{
	int fd = test_partition(test);
	int vps[] = { test_vp(test, fd, 0), test_vp(test, fd, 3) };
	u64 id = test_partition_of(test, fd)->id;
	struct mshv_vp *vp = test_vp_of(test, vps[1]);
	const u64 *stats = vp->stats[HV_STATS_AREA_SELF];
	unsigned int calls;
	unsigned int cpu;

	KUNIT_ASSERT_TRUE(test, partition_stats_are_mapped(id));
	KUNIT_ASSERT_TRUE(test, vp_stats_are_mapped(id, 3));
	KUNIT_ASSERT_NOT_NULL(test, fake_hv_register_page(id, 3));
	migrate_disable();
	cpu = smp_processor_id();
	fake_hv_crash();
	KUNIT_EXPECT_FALSE(test, synic_is_on(cpu));
	migrate_enable();
	KUNIT_EXPECT_FALSE(test, stats_are_mapped());
	KUNIT_EXPECT_FALSE(test, partition_stats_are_mapped(id));
	KUNIT_EXPECT_FALSE(test, vp_stats_are_mapped(id, 0));
	KUNIT_EXPECT_FALSE(test, vp_stats_are_mapped(id, 3));
	KUNIT_EXPECT_NULL(test, fake_hv_register_page(id, 0));
	KUNIT_EXPECT_NULL(test, fake_hv_register_page(id, 3));
	KUNIT_EXPECT_NULL(test, fake_hv_message_page(id, 3));
	/* Threads on other CPUs go on reading, and see nothing. */
	KUNIT_EXPECT_PTR_NE(test, vp->stats[HV_STATS_AREA_SELF], stats);
	KUNIT_EXPECT_EQ(test, vp->stats[HV_STATS_AREA_SELF][0], 0);
	KUNIT_EXPECT_EQ(test, vp->register_page->isvalid, 0);

	/* A panic on the way to the crash kernel does not begin again. */
	calls = fake_hv_calls(HVCALL_UNMAP_VP_STATE_PAGE);
	fake_hv_crash();
	KUNIT_EXPECT_EQ(test, fake_hv_calls(HVCALL_UNMAP_VP_STATE_PAGE), calls);

	forget_pages(test_vp_of(test, vps[0]));
	forget_pages(vp);
	test_close(vps[0]);
	test_close(vps[1]);
	test_close(fd);
	reload(test);
}

/* Memory, of all things, which a kernel that has crashed is in no position to give */
static int wants_memory(const struct fake_call *call, u16 *done, void *context)
{
	const struct hv_input_map_stats_page *in = call->in;

	return in->type == HV_STATS_OBJECT_VP && in->identity.vp.partition_id != FAKE_ROOT_ID ?
		HV_STATUS_INSUFFICIENT_ROOT_MEMORY : FAKE_DEFAULT;
}

static void crash_goes_on_whatever_fails(struct kunit *test)
{
	int fd = test_partition(test);
	int vp = test_vp(test, fd, 0);
	u64 id = test_partition_of(test, fd)->id;
	const u64 *stats[MSHV_STATS_AREAS];
	struct mshv_vp *v = test_vp_of(test, vp);
	unsigned int deposits = fake_hv_calls(HVCALL_DEPOSIT_MEMORY);

	memcpy(stats, v->stats_mapped, sizeof(stats));
	fake_hv_handle(HVCALL_UNMAP_STATS_PAGE, wants_memory, NULL);
	fake_hv_crash();
	KUNIT_EXPECT_TRUE(test, vp_stats_are_mapped(id, 0));
	KUNIT_EXPECT_NULL(test, fake_hv_register_page(id, 0));
	KUNIT_EXPECT_NULL(test, fake_hv_message_page(id, 0));
	KUNIT_EXPECT_EQ(test, fake_hv_calls(HVCALL_DEPOSIT_MEMORY), deposits);
	fake_hv_handle(HVCALL_UNMAP_STATS_PAGE, NULL, NULL);

	/* What a crashed kernel has not had done */
	memcpy(v->stats_mapped, stats, sizeof(stats));
	mshv_stats_unmap_vp_pages(v);
	forget_pages(v);
	test_close(vp);
	test_close(fd);
	reload(test);
}

static void suspend_is_refused(struct kunit *test)
{
	static const unsigned long no[] = {
		PM_SUSPEND_PREPARE, PM_HIBERNATION_PREPARE, PM_RESTORE_PREPARE,
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(no); i++)
		KUNIT_EXPECT_EQ(test, notifier_to_errno(mshv_machine_pm(no[i])), -EBUSY);
	KUNIT_EXPECT_EQ(test, mshv_machine_pm(PM_POST_SUSPEND), NOTIFY_DONE);
}

static struct kunit_case machine_cases[] = {
	KUNIT_CASE(kexec_is_refused_while_pages_are_deposited),
	KUNIT_CASE(nothing_is_the_hypervisors_when_the_next_kernel_starts),
	KUNIT_CASE(machine_is_reset_if_pages_do_not_come_back),
	KUNIT_CASE(machine_is_reset_where_kexec_cannot_be_refused),
	KUNIT_CASE(reboot_turns_off_what_the_hypervisor_writes_to),
	KUNIT_CASE(reboot_takes_the_counters_of_what_still_runs),
	KUNIT_CASE(crash_leaves_no_page_to_the_hypervisor),
	KUNIT_CASE(crash_goes_on_whatever_fails),
	KUNIT_CASE(suspend_is_refused),
	{}
};

static struct kunit_suite machine_suite = {
	.name = "mshv_machine",
	.init = machine_init,
	.exit = test_exit,
	.test_cases = machine_cases,
};

kunit_test_suite(machine_suite);
