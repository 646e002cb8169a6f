// SPDX-License-Identifier: GPL-2.0-only
/*
 * The counters below /sys/kernel/debug/mshv: they say what is so, and go on
 * saying so.
 */
#include <cpuid.h>
#include <dirent.h>
#include <sched.h>
#include <time.h>

#include <tlfs/cpuid.h>

#include "mshv_test.h"

#define TOP		"/sys/kernel/debug/mshv"
#define PATIENCE	10		/* seconds until something must have happened */
#define EXITS		50

/* out %al, $0x10; jmp back */
static const uint8_t exits[] = { 0xe6, 0x10, 0xeb, 0xfc };

#define REQUIRE_COUNTERS() \
	TEST_REQUIRE(!access(TOP "/stats", R_OK), "no " TOP "/stats")

/* The number in a line "name: number" or "name number" of a file */
static uint64_t counter(const char *file, const char *name)
{
	char path[256], line[256], found[128];
	unsigned long long value;
	FILE *f;

	snprintf(path, sizeof(path), TOP "/%s", file);
	f = fopen(path, "r");
	TEST_ASSERT(f, "%s: %s", path, strerror(errno));
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%127[^: ]%*[: ]%llu", found, &value) == 2 &&
		    !strcmp(found, name)) {
			fclose(f);
			return value;
		}
	}
	test_fail(__FILE__, __LINE__, name, "not in %s", path);
}

/* IDs are never used again, and grow: the newest partition's, or the first one's, root's */
static unsigned long long partition_id(bool newest)
{
	unsigned long long best = 0;
	DIR *dir = opendir(TOP "/partition");
	struct dirent *entry;

	TEST_ASSERT(dir, "%s", strerror(errno));
	while ((entry = readdir(dir))) {
		unsigned long long id = strtoull(entry->d_name, NULL, 10);

		if (id && (!best || (newest ? id > best : id < best)))
			best = id;
	}
	closedir(dir);
	TEST_ASSERT(best, "no partition in " TOP);

	return best;
}

static uint64_t seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);

	return now.tv_sec;
}

/* Whether a counter becomes a value while this processor is busy */
static bool becomes(const char *file, const char *name, uint64_t value)
{
	uint64_t end = seconds() + PATIENCE;

	while (counter(file, name) != value) {
		if (seconds() > end)
			return false;
	}

	return true;
}

static bool grows(const char *file, const char *name)
{
	uint64_t end = seconds() + PATIENCE, was = counter(file, name);

	while (counter(file, name) <= was) {
		if (seconds() > end)
			return false;
	}

	return true;
}

TEST(hypervisor_counts_partitions_and_vps)
{
	uint64_t partitions, vps, pages;
	struct test_vm vm;

	REQUIRE_COUNTERS();
	partitions = counter("stats", "HvPartitions");
	vps = counter("stats", "HvVirtualProcessors");
	pages = counter("stats", "HvTotalPages");
	EXPECT_LE(1, partitions);
	EXPECT_LE(counter("stats", "HvLogicalProcessors"), vps);

	vm_init_real(&vm, 0, exits, sizeof(exits));
	EXPECT_EQ(partitions + 1, counter("stats", "HvPartitions"));
	EXPECT_EQ(vps + 1, counter("stats", "HvVirtualProcessors"));
	EXPECT_LT(pages, counter("stats", "HvTotalPages"));
	vm_destroy(&vm);
	EXPECT_TRUE(becomes("stats", "HvPartitions", partitions));
	EXPECT_EQ(vps, counter("stats", "HvVirtualProcessors"));
}

TEST(child_counts_its_pages_and_vps)
{
	char stats[64], memory[64], path[128];
	unsigned long long id;
	struct test_vm vm;

	REQUIRE_COUNTERS();
	vm_init_real(&vm, 0, exits, sizeof(exits));
	/* What it runs on has been mapped by now, whenever that is done. */
	ASSERT_EQ(HVMSG_X64_IO_PORT_INTERCEPT, vm_run(&vm));
	id = partition_id(true);
	snprintf(stats, sizeof(stats), "partition/%llu/stats", id);
	snprintf(memory, sizeof(memory), "partition/%llu/memory", id);
	EXPECT_EQ(id, counter(stats, "PtPartitionId"));
	EXPECT_EQ(1, counter(stats, "PtVirtualProcessors"));
	EXPECT_LE(1, counter(stats, "PtGpaPages"));
	EXPECT_EQ(counter(stats, "PtGpaPages"),
		  counter(stats, "PtGpaPages4K") + 512 * counter(stats, "PtGpaPages2M"));
	EXPECT_LE(1, counter(stats, "PtDepositedPages"));
	/* The kernel's own driver does not tell what it has deposited. */
	snprintf(path, sizeof(path), TOP "/%s", memory);
	if (!access(path, R_OK)) {
		EXPECT_EQ(counter(memory, "deposited") - counter(memory, "withdrawn"),
			  counter(stats, "PtDepositedPages"));
	}
	vm_destroy(&vm);
}

TEST(vp_counts_its_exits)
{
	uint64_t io, dispatches, run;
	struct test_vm vm;
	char stats[64];
	int i;

	REQUIRE_COUNTERS();
	vm_init_real(&vm, 0, exits, sizeof(exits));
	snprintf(stats, sizeof(stats), "partition/%llu/vp/0/stats", partition_id(true));
	io = counter(stats, "VpIoInstructionsCount");
	dispatches = counter(stats, "VpLogicalProcessorDispatches");
	run = counter(stats, "VpTotalRunTime");
	for (i = 0; i < EXITS; i++) {
		ASSERT_EQ(HVMSG_X64_IO_PORT_INTERCEPT, vm_run(&vm));
		vm_complete(&vm);
	}
	EXPECT_EQ(io + EXITS, counter(stats, "VpIoInstructionsCount"));
	EXPECT_LE(dispatches + EXITS, counter(stats, "VpLogicalProcessorDispatches"));
	EXPECT_LT(run, counter(stats, "VpTotalRunTime"));
	vm_destroy(&vm);
}

/*
 * Whether the hypervisor hears of root's interrupts: openhv advises against the APIC's
 * MSRs of its own where root has the physical one, and takes them without it.
 */
static bool interrupts_are_counted(void)
{
	unsigned int eax, ebx, ecx, edx;

	__cpuid(HV_CPUID_ENLIGHTENMENT_INFO, eax, ebx, ecx, edx);

	return eax & HV_X64_APIC_ACCESS_RECOMMENDED;
}

/* On the processor that this runs on: it is busy, and its timer ticks. */
TEST(processor_and_its_root_vp_count)
{
	static const char * const lp_counters[] = {
		"LpGlobalTime", "LpTotalRunTime", "LpHypervisorRunTime", "LpHardwareInterrupts",
	}, * const vp_counters[] = { "VpTotalRunTime", "VpExternalInterruptsCount" };
	bool interrupts = interrupts_are_counted();
	unsigned int cpu = sched_getcpu(), i;
	char lp[64], vp[64];
	cpu_set_t set;

	REQUIRE_COUNTERS();
	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	ASSERT_EQ(0, sched_setaffinity(0, sizeof(set), &set));
	snprintf(lp, sizeof(lp), "lp/%u/stats", cpu);
	snprintf(vp, sizeof(vp), "partition/%llu/vp/%u/stats", partition_id(false), cpu);
	EXPECT_EQ(cpu, counter(lp, "LpRootVpIndex"));
	for (i = 0; i < (interrupts ? 4 : 3); i++) {
		EXPECT_TRUE(grows(lp, lp_counters[i])) TH_LOG("%s", lp_counters[i]);
	}
	for (i = 0; i < (interrupts ? 2 : 1); i++) {
		EXPECT_TRUE(grows(vp, vp_counters[i])) TH_LOG("%s", vp_counters[i]);
	}
	EXPECT_LE(counter(lp, "LpHypervisorRunTime"), counter(lp, "LpTotalRunTime"));
	EXPECT_LE(counter(lp, "LpTotalRunTime"), counter(lp, "LpGlobalTime"));
}

MSHV_TEST_MAIN
