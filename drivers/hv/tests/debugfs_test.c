// SPDX-License-Identifier: GPL-2.0-only
/*
 * What /sys/kernel/debug/mshv shows.
 */
#include <linux/delay.h>
#include <linux/fdtable.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/kthread.h>
#include <linux/mman.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include <tlfs/stats.h>
#include <tlfs/status.h>
#include <uapi/linux/mshv.h>

#include "../debugfs.h"
#include "../device.h"
#include "../partition.h"
#include "../region.h"
#include "test.h"

#define DIR	"/sys/kernel/debug/mshv/"

/* Long enough for the file of a VP, which is the longest one */
#define TEXT_SIZE	(4 * PAGE_SIZE)

static bool there_is(const char *path)
{
	struct file *file = filp_open(path, O_RDONLY, 0);

	if (IS_ERR(file))
		return false;
	__fput_sync(file);

	return true;
}

/* What a file says; it is the test's own. */
static char *text_of(struct kunit *test, struct file *file)
{
	char *text = kunit_kzalloc(test, TEXT_SIZE, GFP_KERNEL);
	unsigned long user = test_user(test, TEXT_SIZE);
	size_t size = 0;
	loff_t pos = 0;
	ssize_t n;

	KUNIT_ASSERT_NOT_NULL(test, text);
	do {
		n = file->f_op->read(file, (char __user *)user + size, TEXT_SIZE - 1 - size, &pos);
		KUNIT_ASSERT_GE(test, n, 0);
		size += n;
	} while (n);
	KUNIT_ASSERT_EQ(test, copy_from_user(text, (void __user *)user, size), 0);

	return text;
}

static char *text_at(struct kunit *test, const char *path)
{
	struct file *file = filp_open(path, O_RDONLY, 0);
	char *text;

	KUNIT_ASSERT_FALSE_MSG(test, IS_ERR(file), "%s: %ld", path, PTR_ERR(file));
	text = text_of(test, file);
	__fput_sync(file);

	return text;
}

/* Whether one of the lines of a text is @line */
static bool has_line(const char *text, const char *line)
{
	size_t len = strlen(line);

	for (; text && *text; text = strchrnul(text, '\n'), text += *text == '\n')
		if (!strncmp(text, line, len) && text[len] == '\n')
			return true;

	return false;
}

static char *text_of_partition(struct kunit *test, u64 id, const char *name)
{
	char path[64];

	snprintf(path, sizeof(path), DIR "partition/%llu/%s", id, name);

	return text_at(test, path);
}

static void counters_have_the_names_that_tools_know(struct kunit *test)
{
	const char *text;

	text = text_at(test, DIR "stats");
	KUNIT_EXPECT_TRUE(test, has_line(text, "HvLogicalProcessors        : 2"));
	KUNIT_EXPECT_TRUE(test, has_line(text, "HvIOSpacePages             : 0"));
	KUNIT_EXPECT_TRUE(test, has_line(text, "HvNonEssentialPagesForDump : 0"));

	text = text_at(test, DIR "lp/0/stats");
	KUNIT_EXPECT_TRUE(test, has_line(text, "LpC1TransitionsCount            : 0"));
	KUNIT_EXPECT_TRUE(test, has_line(text, "LpInterProcessorInterruptsSent  : 0"));
	KUNIT_EXPECT_TRUE(test, has_line(text, "LpImmediateL1DataCacheFlushes   : 0"));
	KUNIT_EXPECT_TRUE(test, has_line(text, "LpPerfmonInterruptCount         : 0"));

	text = text_at(test, DIR "partition/1/stats");
	KUNIT_EXPECT_TRUE(test, has_line(text, "PtGpaPages4K                         : 0"));
	KUNIT_EXPECT_TRUE(test, has_line(text, "PtDevicePages512G                    : 0"));
	KUNIT_EXPECT_TRUE(test, has_line(text, "PtVirtualTlbFlushEntires             : 0"));
	KUNIT_EXPECT_TRUE(test, has_line(text, "PtNumberofActiveChildPartitions      : 0"));

	text = text_at(test, DIR "partition/1/vp/0/stats");
	KUNIT_EXPECT_TRUE(test,
			  has_line(text, "VpTotalRunTime                             : 0"));
	KUNIT_EXPECT_TRUE(test,
			  has_line(text, "VpNestedVMEntriesCount                     : 0"));
	KUNIT_EXPECT_TRUE(test,
			  has_line(text, "VpNestedSLATSoftPageFaultsTime             : 0"));
	KUNIT_EXPECT_TRUE(test,
			  has_line(text, "VpFlushGuestPhysicalAddressSpaceHypercalls : 0"));
	KUNIT_EXPECT_TRUE(test,
			  has_line(text, "VpRootDispatchThreadBlocked                : 0"));
	KUNIT_EXPECT_TRUE(test,
			  has_line(text, "VpExpressSchedulingCount                   : 0"));
}

static void what_the_parent_counts_goes_before(struct kunit *test)
{
	union hv_stats_object_identity identity = {};
	int fd = test_partition(test);
	const char *text;
	u64 *pages[2];
	unsigned int i;

	identity.partition.partition_id = test_partition_of(test, fd)->id;
	for (i = 0; i < ARRAY_SIZE(pages); i++) {
		identity.partition.stats_area_type = i;
		pages[i] = fake_hv_stats(HV_STATS_OBJECT_PARTITION, identity);
		KUNIT_ASSERT_NOT_NULL(test, pages[i]);
		pages[i][HV_STATS_PARTITION_GPA_PAGES] = 100 + i;
	}
	pages[HV_STATS_AREA_SELF][HV_STATS_PARTITION_ADDRESS_SPACES] = 5;
	pages[HV_STATS_AREA_PARENT][HV_STATS_PARTITION_TLB_SIZE] = 6;

	text = text_of_partition(test, identity.partition.partition_id, "stats");
	KUNIT_EXPECT_TRUE(test, has_line(text, "PtGpaPages                           : 101"));
	KUNIT_EXPECT_TRUE(test, has_line(text, "PtAddressSpaces                      : 5"));
	KUNIT_EXPECT_TRUE(test, has_line(text, "PtTlbSize                            : 6"));
	test_close(fd);
}

static void all_processors_are_shown(struct kunit *test)
{
	unsigned int cpu;
	char path[64];
	unsigned int i;

	for (i = 0; i < FAKE_LPS; i++) {
		snprintf(path, sizeof(path), DIR "lp/%u/stats", i);
		KUNIT_EXPECT_TRUE_MSG(test, there_is(path), "%s", path);
	}
	for_each_online_cpu(cpu) {
		snprintf(path, sizeof(path), DIR "partition/1/vp/%u/stats", cpu);
		KUNIT_EXPECT_TRUE_MSG(test, there_is(path), "%s", path);
	}
	snprintf(path, sizeof(path), DIR "lp/%u/stats", i);
	KUNIT_EXPECT_FALSE(test, there_is(path));
}

static void partition_is_shown_while_it_lives(struct kunit *test)
{
	static const char * const names[] = { "stats", "memory", "regions", "vp/3/stats" };
	struct file *files[ARRAY_SIZE(names)];
	unsigned long user = test_user(test, PAGE_SIZE);
	int fd = test_partition(test);
	int vp_fd = test_vp(test, fd, 3);
	u64 id = test_partition_of(test, fd)->id;
	loff_t pos = 0;
	char path[64];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		snprintf(path, sizeof(path), DIR "partition/%llu/%s", id, names[i]);
		files[i] = filp_open(path, O_RDONLY, 0);
		KUNIT_ASSERT_FALSE_MSG(test, IS_ERR(files[i]), "%s", path);
		KUNIT_EXPECT_GT(test, strlen(text_of(test, files[i])), 0);
	}
	test_close(vp_fd);
	test_close(fd);

	/* Who still has a file open reads nothing of what has been freed. */
	for (i = 0; i < ARRAY_SIZE(names); i++) {
		KUNIT_EXPECT_LT(test,
				files[i]->f_op->read(files[i], (char __user *)user, 8, &pos), 0);
		__fput_sync(files[i]);
		snprintf(path, sizeof(path), DIR "partition/%llu/%s", id, names[i]);
		KUNIT_EXPECT_FALSE(test, there_is(path));
	}
}

static void memory_is_accounted_for(struct kunit *test)
{
	int fd = test_partition(test);
	struct mshv_partition *partition = test_partition_of(test, fd);
	char line[64];
	const char *text;

	text = text_of_partition(test, partition->id, "memory");
	snprintf(line, sizeof(line), "deposited %llu",
		 (u64)atomic64_read(&partition->pool.deposited));
	KUNIT_EXPECT_GT(test, atomic64_read(&partition->pool.deposited), 0);
	KUNIT_EXPECT_TRUE(test, has_line(text, line));
	KUNIT_EXPECT_TRUE(test, has_line(text, "withdrawn 0"));

	text = text_of_partition(test, FAKE_ROOT_ID, "memory");
	snprintf(line, sizeof(line), "deposited %llu",
		 (u64)atomic64_read(&mshv_root_pool.deposited));
	KUNIT_EXPECT_TRUE(test, has_line(text, line));
	test_close(fd);
}

static void regions_are_shown_with_their_kind(struct kunit *test)
{
	static const char * const kinds[] = { "pinned", "movable" };
	int fd = test_partition(test);
	struct mshv_partition *partition = test_partition_of(test, fd);
	unsigned long user = test_user(test, 8 * PAGE_SIZE);
	const char *text;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		const struct mshv_user_mem_region args = {
			.guest_pfn = 0x100 * (i + 1), .size = 4 * PAGE_SIZE,
			.userspace_addr = user + i * 4 * PAGE_SIZE,
			.flags = i ? BIT(MSHV_SET_MEM_BIT_EXECUTABLE) :
				     BIT(MSHV_SET_MEM_BIT_WRITABLE),
		};

		KUNIT_ASSERT_EQ(test, mshv_mem_choose(kinds[i]), 0);
		KUNIT_ASSERT_EQ(test, test_ioctl_in(test, fd, MSHV_SET_GUEST_MEMORY, &args,
						    sizeof(args)), 0);
	}
	KUNIT_EXPECT_EQ(test, mshv_mem_choose("auto"), 0);

	text = text_of_partition(test, partition->id, "regions");
	KUNIT_EXPECT_TRUE(test,
			  has_line(text, "pinned   0x100                  4            4 rw-"));
	KUNIT_EXPECT_TRUE(test,
			  has_line(text, "movable  0x200                  4            0 r-x"));
	KUNIT_EXPECT_EQ(test, mshv_mem_fault(partition, 0x201, HV_INTERCEPT_ACCESS_READ), 0);
	text = text_of_partition(test, partition->id, "regions");
	KUNIT_EXPECT_TRUE(test,
			  has_line(text, "movable  0x200                  4            4 r-x"));
	test_close(fd);
}

/**
 * struct crash_race - a crash, and a partition that is destroyed meanwhile
 * @crashing: the thread that is in mshv_debugfs_unmap_partition()
 * @partition: the last reference to the partition's file
 * @start: completed when the thread is inside
 */
struct crash_race {
	struct task_struct *crashing;
	struct file *partition;
	struct completion start;
};

static int destroy_partition(void *data)
{
	struct crash_race *race = data;

	wait_for_completion(&race->start);
	__fput_sync(race->partition);
	while (!kthread_should_stop())
		schedule_timeout_interruptible(HZ / 100);

	return 0;
}

/* Keeps the crash in its first hypercall until the counters are gone. */
static int unmap_slowly(const struct fake_call *call, u16 *done, void *context)
{
	struct crash_race *race = context;
	unsigned int ms;

	if (current != race->crashing)
		return FAKE_DEFAULT;
	complete(&race->start);
	for (ms = 0; ms < 15000 && !fake_hv_calls(HVCALL_FINALIZE_PARTITION); ms++)
		mdelay(1);

	return HV_STATUS_SUCCESS;
}

/*
 * What KASAN would tell of is a use after the counters were freed. Interrupts are off in the
 * hypercall: the two threads need a processor each.
 */
static void crash_may_meet_a_partition_that_is_destroyed(struct kunit *test)
{
	struct crash_race race = { .crashing = current };
	struct task_struct *thread;
	int fd;

	if (num_online_cpus() < 2)
		kunit_skip(test, "there is one processor only");
	init_completion(&race.start);
	fd = test_partition(test);
	race.partition = fget(fd);
	close_fd(fd);
	thread = kthread_run_on_cpu(destroy_partition, &race, 1, "mshv-destroy/%u");
	KUNIT_ASSERT_FALSE(test, IS_ERR(thread));
	KUNIT_ASSERT_EQ(test, set_cpus_allowed_ptr(current, cpumask_of(0)), 0);

	fake_hv_handle(HVCALL_UNMAP_STATS_PAGE, unmap_slowly, &race);
	mshv_partition_each(mshv_debugfs_unmap_partition);
	KUNIT_EXPECT_EQ(test, set_cpus_allowed_ptr(current, cpu_possible_mask), 0);
	KUNIT_EXPECT_GT(test, fake_hv_calls(HVCALL_FINALIZE_PARTITION), 0);
	kthread_stop(thread);
	fake_hv_handle(HVCALL_UNMAP_STATS_PAGE, NULL, NULL);
	KUNIT_EXPECT_EQ(test, fake_hv_partitions(), 0);
}

/* None of it is worth failing for. */
static void driver_does_without_what_cannot_be_shown(struct kunit *test)
{
	char path[64];
	int fd;
	u64 id;

	mshv_device_exit();
	fake_hv_fail(HVCALL_MAP_STATS_PAGE, HV_STATUS_ACCESS_DENIED, 0, 1000);
	KUNIT_EXPECT_EQ(test, mshv_device_init(), 0);
	KUNIT_EXPECT_FALSE(test, there_is(DIR "stats"));
	KUNIT_EXPECT_FALSE(test, there_is(DIR "partition/1/vp/0"));
	KUNIT_EXPECT_TRUE(test, there_is(DIR "partition/1/memory"));
	fd = test_partition(test);
	id = test_partition_of(test, fd)->id;
	snprintf(path, sizeof(path), DIR "partition/%llu/memory", id);
	KUNIT_EXPECT_TRUE(test, there_is(path));
	test_close(fd);

	mshv_device_exit();
	KUNIT_EXPECT_FALSE(test, there_is(DIR));
	fake_hv_fail(HVCALL_MAP_STATS_PAGE, 0, 0, 0);
	KUNIT_EXPECT_EQ(test, mshv_device_init(), 0);
}

static struct kunit_case debugfs_cases[] = {
	KUNIT_CASE(counters_have_the_names_that_tools_know),
	KUNIT_CASE(what_the_parent_counts_goes_before),
	KUNIT_CASE(all_processors_are_shown),
	KUNIT_CASE(partition_is_shown_while_it_lives),
	KUNIT_CASE(memory_is_accounted_for),
	KUNIT_CASE(regions_are_shown_with_their_kind),
	KUNIT_CASE(crash_may_meet_a_partition_that_is_destroyed),
	KUNIT_CASE(driver_does_without_what_cannot_be_shown),
	{}
};

static struct kunit_suite debugfs_suite = {
	.name = "mshv_debugfs",
	.init = test_init,
	.exit = test_exit,
	.test_cases = debugfs_cases,
};

kunit_test_suite(debugfs_suite);
