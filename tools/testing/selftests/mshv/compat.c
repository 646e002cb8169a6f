// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a hypervisor of some age has and has not: the level that openhv was started
 * with (compat=) is in MSHV_COMPAT. Whatever is missing, a guest runs.
 */
#include <cpuid.h>

#include "mshv_test.h"

#define ROOT_FEATURES		0x40000003
#define REGISTER_PAGE_INTERRUPTS BIT(9)		/* of ECX */

/* 0: not told; whatever is there is right then, but it must agree with itself. */
static int level(void)
{
	const char *text = getenv("MSHV_COMPAT");

	return text ? atoi(text) : 0;
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
