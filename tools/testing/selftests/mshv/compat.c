// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a hypervisor of some age has and has not: the level that openhv was started
 * with (compat=) is in MSHV_COMPAT. Whatever is missing, a guest runs.
 *
 * Of levels 4 and 5 user space sees nothing: the driver does without, or does what it
 * is told. The kernel's probes show what the hypervisor has answered it.
 */
#include <cpuid.h>
#include <fcntl.h>

#include <openhv/info.h>

#include "mshv_test.h"

#define TRACING			"/sys/kernel/tracing"
#define DEFAULT_LEVEL		4
#define VPS			8

#define ROOT_FEATURES		0x40000003
#define REGISTER_PAGE_INTERRUPTS BIT(9)		/* of ECX */

static bool is_openhv(void)
{
	unsigned int eax, ebx, ecx, edx;

	__cpuid(OPENHV_CPUID_SIGNATURE, eax, ebx, ecx, edx);

	return ebx == OPENHV_CPUID_SIGNATURE_EBX && ecx == OPENHV_CPUID_SIGNATURE_ECX &&
	       edx == OPENHV_CPUID_SIGNATURE_EDX;
}

/*
 * What was told, or openhv's default. 0: another hypervisor; whatever is there is
 * right then, but it must agree with itself.
 */
static int level(void)
{
	const char *text = getenv("MSHV_COMPAT");

	if (text)
		return atoi(text);

	return is_openhv() ? DEFAULT_LEVEL : 0;
}

TEST(register_page_from_level_2_on)
{
	struct test_vm vm;

	vm_init(&vm, PT_LAPIC, PAGE_SIZE);
	if (level()) {
		EXPECT_EQ(level() >= 2, !!vm.vp.page);
	}
	vm_destroy(&vm);
}

TEST(interrupts_by_the_register_page_only_if_there_is_one)
{
	unsigned int eax, ebx, ecx, edx;
	struct test_vm vm;

	__cpuid(ROOT_FEATURES, eax, ebx, ecx, edx);
	vm_init(&vm, PT_LAPIC, PAGE_SIZE);
	if (ecx & REGISTER_PAGE_INTERRUPTS) {
		EXPECT_TRUE(vm.vp.page);
	}
	if (level()) {
		EXPECT_EQ(level() >= 2, !!(ecx & REGISTER_PAGE_INTERRUPTS));
	}
	vm_destroy(&vm);
}

TEST(vmm_capabilities_from_level_3_on)
{
	struct hv_partition_property_vmm_capabilities caps;
	int dev = dev_open(), ret;

	ret = mshv_get_property_ex(dev, HV_PARTITION_PROPERTY_VMM_CAPABILITIES, 0, &caps,
				   sizeof(caps));
	if (level()) {
		EXPECT_EQ(level() >= 3, !ret) TH_LOG("%s", mshv_strerror());
	}
	close(dev);
}

static bool tracing_write(const char *file, const char *text, int flags)
{
	char path[128];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), TRACING "/%s", file);
	fd = open(path, O_WRONLY | flags);
	if (fd < 0)
		return false;
	n = write(fd, text, strlen(text));
	close(fd);

	return n == (ssize_t)strlen(text);
}

/* Answers of the hypervisor's while a machine with some VPs was made */
struct answers {
	unsigned int mapped;		/* statistics pages */
	unsigned int not_mapped;	/* those that it does not have */
	unsigned int memory;		/* INSUFFICIENT_MEMORY */
	unsigned int which_memory;	/* one of those that tell which */
};

static void read_answers(struct answers *answers)
{
	FILE *trace = fopen(TRACING "/trace", "r");
	const char *value;
	char line[512];

	TEST_ASSERT(trace, "%s", strerror(errno));
	while (fgets(line, sizeof(line), trace)) {
		value = strstr(line, " mshv_map=");
		if (value && atoi(value + 10))
			answers->not_mapped++;
		else if (value)
			answers->mapped++;
		value = strstr(line, " mshv_status=");
		if (!value)
			continue;
		switch (atoi(value + 13)) {
		case HV_STATUS_INSUFFICIENT_MEMORY:
			answers->memory++;
			break;
		case HV_STATUS_INSUFFICIENT_ROOT_MEMORY:
		case HV_STATUS_INSUFFICIENT_CONTIGUOUS_MEMORY:
			answers->which_memory++;
			break;
		}
	}
	fclose(trace);
}

/* Returns: false if this kernel has no such probes, or another driver is loaded */
static bool watch_machine(struct answers *answers)
{
	struct test_vm vm;
	int vps[VPS], i;

	memset(answers, 0, sizeof(*answers));
	if (!tracing_write("kprobe_events",
			   "r:mshv_test/map mshv_root:mshv_hvcall_map_stats_page mshv_map=$retval:s32",
			   O_APPEND) ||
	    !tracing_write("kprobe_events",
			   "p:mshv_test/status mshv_root:mshv_status_needs_memory mshv_status=%di:u16",
			   O_APPEND))
		return false;
	tracing_write("trace", "", O_TRUNC);
	TEST_ASSERT(tracing_write("events/mshv_test/enable", "1", 0), "%s", strerror(errno));
	vm_init(&vm, PT_LAPIC, PAGE_SIZE);
	for (i = 1; i < VPS; i++) {
		vps[i] = mshv_create_vp(vm.partition, i);
		TEST_ASSERT(vps[i] >= 0, "%s", mshv_strerror());
	}
	TEST_ASSERT(tracing_write("events/mshv_test/enable", "0", 0), "%s", strerror(errno));
	read_answers(answers);
	for (i = 1; i < VPS; i++)
		close(vps[i]);
	vm_destroy(&vm);
	tracing_write("kprobe_events", "-:mshv_test/map", O_APPEND);
	tracing_write("kprobe_events", "-:mshv_test/status", O_APPEND);

	return true;
}

TEST(parent_statistics_from_level_4_on)
{
	struct answers answers;

	TEST_REQUIRE(watch_machine(&answers), "no probes of this driver's functions");
	/* Of each VP at least its own area is there. */
	EXPECT_LE(VPS, answers.mapped);
	if (level() >= 4) {
		EXPECT_EQ(0, answers.not_mapped);
		EXPECT_LE(2 * VPS, answers.mapped);
	} else if (level()) {
		EXPECT_LE(VPS, answers.not_mapped);
	}
}

TEST(statuses_that_tell_which_memory_from_level_5_on)
{
	struct answers answers;

	TEST_REQUIRE(watch_machine(&answers), "no probes of this driver's functions");
	EXPECT_LT(0, answers.memory + answers.which_memory);
	if (level() >= 5) {
		EXPECT_LT(0, answers.which_memory);
	} else if (level()) {
		EXPECT_EQ(0, answers.which_memory);
	}
}

/* A guest runs, and its registers are to be had, by the page or by hypercalls. */
static GUEST_CODE void guest_counts(void)
{
	uint64_t i;

	for (i = 1; i <= 20; i++)
		GUEST_SYNC_ARG(i, i * i);
	GUEST_DONE();
}

TEST(a_guest_runs)
{
	struct mshv_regs regs;
	struct test_vm vm;
	uint64_t i;

	vm_init_long(&vm, PT_LAPIC, guest_counts);
	for (i = 1; i <= 20; i++) {
		EXPECT_EQ(i * i, vm_run_to_sync(&vm, i));
		ASSERT_OK(mshv_vp_get_regs(&vm.vp, &regs));
		EXPECT_EQ(2, regs.rflags & 2);
		ASSERT_OK(mshv_vp_set_regs(&vm.vp, &regs));
	}
	vm_run_to_done(&vm);
	vm_destroy(&vm);
}

MSHV_TEST_MAIN
