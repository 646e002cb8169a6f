// SPDX-License-Identifier: GPL-2.0-only
/*
 * CPUID as a guest sees it: the partition's features, the hypervisor's leaves,
 * and results that the VMM has registered.
 */
#include <tlfs/cpuid.h>

#include "mshv_test.h"

static volatile struct {
	uint32_t leaf, subleaf;
} guest_asks;
static uint32_t guest_answer[4];

/* Each sync: one CPUID, of what the test has put into guest_asks */
static GUEST_CODE void guest_cpuids(void)
{
	for (;;) {
		guest_cpuid(guest_asks.leaf, guest_asks.subleaf, guest_answer);
		GUEST_SYNC(1);
	}
}

static const uint32_t *ask(struct test_vm *vm, uint32_t leaf, uint32_t subleaf)
{
	vm_guest_variable(vm, guest_asks)->leaf = leaf;
	vm_guest_variable(vm, guest_asks)->subleaf = subleaf;
	vm_run_to_sync(vm, 1);
	return *vm_guest_variable(vm, guest_answer);
}

FIXTURE(guest) {
	struct test_vm vm;
};

FIXTURE_SETUP(guest)
{
	vm_init_long(&self->vm, PT_LAPIC, guest_cpuids);
}

FIXTURE_TEARDOWN(guest)
{
	vm_destroy(&self->vm);
}

TEST_F(guest, hypervisor_leaves)
{
	const uint32_t *r;

	r = ask(&self->vm, 1, 0);
	EXPECT_TRUE(r[2] & HV_X64_CPUID_1_ECX_HYPERVISOR_PRESENT);
	EXPECT_TRUE(r[2] & 1 << 21) TH_LOG("x2APIC");
	EXPECT_FALSE(r[2] & 1 << 5) TH_LOG("no VMX");
	r = ask(&self->vm, HV_CPUID_VENDOR_AND_MAX_FUNCTIONS, 0);
	EXPECT_LE(HV_CPUID_IMPLEMENT_LIMITS, r[0]);
	EXPECT_EQ(HV_CPUID_VENDOR_EBX, r[1]);
	EXPECT_EQ(HV_CPUID_VENDOR_ECX, r[2]);
	EXPECT_EQ(HV_CPUID_VENDOR_EDX, r[3]);
	r = ask(&self->vm, HV_CPUID_INTERFACE, 0);
	EXPECT_EQ(HV_CPUID_SIGNATURE_EAX, r[0]);
	r = ask(&self->vm, HV_CPUID_FEATURES, 0);
	EXPECT_EQ(0, r[1] & (HV_CREATE_PARTITIONS | HV_CPU_MANAGEMENT)) {
		TH_LOG("a child is no root partition");
	}
	r = ask(&self->vm, 0x80000001, 0);
	EXPECT_FALSE(r[2] & 1 << 2) TH_LOG("no SVM");
}

TEST(features_that_are_not_given_are_not_there)
{
	struct test_vm vm;
	const uint32_t *r;

	/* Without a local APIC the library gives no synthetic feature. */
	vm_init_long(&vm, 0, guest_cpuids);
	r = ask(&vm, 1, 0);
	EXPECT_FALSE(r[2] & HV_X64_CPUID_1_ECX_HYPERVISOR_PRESENT);
	vm_destroy(&vm);
}

/* Bits that tell the VP's own state, as its APIC ID does, may remain the hypervisor's. */
TEST_F(guest, registered_results_replace_bits)
{
	struct hv_register_x64_cpuid_result_parameters result = {
		.eax = 1, .always_override = 1,
		.result_ebx = 0x00550000, .result_ebx_mask = 0x00ff0000,
		.result_ecx_mask = 1 << 23,	/* no POPCNT */
	};
	uint32_t before[4];
	const uint32_t *r;

	r = ask(&self->vm, 1, 0);
	memcpy(before, r, sizeof(before));
	ASSERT_OK(mshv_register_cpuid_result(self->vm.vp.fd, 0, &result));
	r = ask(&self->vm, 1, 0);
	EXPECT_EQ(before[0], r[0]);
	EXPECT_EQ((before[1] & 0xff00ffff) | 0x00550000, r[1]);
	EXPECT_EQ(before[2] & ~(1U << 23), r[2]);
	EXPECT_EQ(before[3], r[3]);

	/* A second registration replaces the first. */
	result.result_ebx = 0x00340000;
	result.result_ecx_mask = 0;
	ASSERT_OK(mshv_register_cpuid_result(self->vm.vp.fd, 0, &result));
	r = ask(&self->vm, 1, 0);
	EXPECT_EQ(0x34, r[1] >> 16 & 0xff);
	EXPECT_EQ(before[2], r[2]);
}

TEST_F(guest, registered_results_by_subleaf)
{
	struct hv_register_x64_cpuid_result_parameters result = {
		.eax = 4, .ecx = 1, .subleaf_specific = 1, .always_override = 1,
		.result_eax = 0x1111, .result_eax_mask = ~0U,
	};

	ASSERT_OK(mshv_register_cpuid_result(self->vm.vp.fd, 0, &result));
	result.ecx = 2;
	result.result_eax = 0x2222;
	ASSERT_OK(mshv_register_cpuid_result(self->vm.vp.fd, 0, &result));
	EXPECT_EQ(0x1111, ask(&self->vm, 4, 1)[0]);
	EXPECT_EQ(0x2222, ask(&self->vm, 4, 2)[0]);
	EXPECT_NE(0x1111, ask(&self->vm, 4, 0)[0]);
	EXPECT_NE(0x2222, ask(&self->vm, 4, 3)[0]);
}

TEST_F(guest, leaves_that_do_not_exist_can_be_made)
{
	struct hv_register_x64_cpuid_result_parameters result = {
		.eax = 0x40000200, .always_override = 1,
		.result_eax = 1, .result_eax_mask = ~0U, .result_ebx = 2, .result_ebx_mask = ~0U,
		.result_ecx = 3, .result_ecx_mask = ~0U, .result_edx = 4, .result_edx_mask = ~0U,
	};
	const uint32_t *r;

	ASSERT_OK(mshv_register_cpuid_result(self->vm.partition, HV_ANY_VP, &result));
	r = ask(&self->vm, 0x40000200, 0);
	EXPECT_EQ(1, r[0]);
	EXPECT_EQ(2, r[1]);
	EXPECT_EQ(3, r[2]);
	EXPECT_EQ(4, r[3]);
}

TEST_F(guest, more_than_a_hundred_results)
{
	struct hv_register_x64_cpuid_result_parameters result = {
		.subleaf_specific = 1, .always_override = 1, .result_eax_mask = ~0U,
	};
	int i;

	for (i = 0; i < 128; i++) {
		result.eax = i < 64 ? 0xd : 0x40000300 + i;
		result.ecx = i < 64 ? i : 0;
		result.result_eax = 0x1000 + i;
		ASSERT_OK(mshv_register_cpuid_result(self->vm.vp.fd, 0, &result));
	}
	EXPECT_EQ(0x103f, ask(&self->vm, 0xd, 63)[0]);
	EXPECT_EQ(0x1002, ask(&self->vm, 0xd, 2)[0]);
	EXPECT_EQ(0x107f, ask(&self->vm, 0x4000037f, 0)[0]);
}

TEST_F(guest, values_can_be_asked_for)
{
	const struct hv_cpuid_leaf_info leaves[] = {
		{ .eax = 0 }, { .eax = 1 }, { .eax = HV_CPUID_FEATURES },
	};
	struct hv_cpuid_result results[ARRAY_SIZE(leaves)];
	const uint32_t *r;
	size_t i;

	ASSERT_OK(mshv_get_cpuid_values(self->vm.vp.fd, 0,
					HV_GET_VP_CPUID_VALUES_APPLY_REGISTERED_VALUES, leaves,
					results, ARRAY_SIZE(leaves)));
	EXPECT_LE(1, results[0].eax);
	for (i = 0; i < ARRAY_SIZE(leaves); i++) {
		r = ask(&self->vm, leaves[i].eax, 0);
		EXPECT_EQ(r[0], results[i].eax) TH_LOG("leaf 0x%x", leaves[i].eax);
		EXPECT_EQ(r[3], results[i].edx) TH_LOG("leaf 0x%x", leaves[i].eax);
	}
}

TEST_F(guest, wrong_registrations_are_refused)
{
	struct hv_register_x64_cpuid_result_parameters result = { .eax = 1 };
	struct {
		struct hv_input_register_intercept_result in;
	} raw = { .in = { .intercept_type = 0xff } };

	EXPECT_STATUS(INVALID_VP_INDEX,
		      mshv_register_cpuid_result(self->vm.partition, 0x10000, &result));
	EXPECT_GT(0, mshv_hvcall(self->vm.partition, HVCALL_REGISTER_INTERCEPT_RESULT, 0, &raw,
				 sizeof(raw), NULL, 0));
	EXPECT_EQ(HV_STATUS_INVALID_PARAMETER, mshv_last_error()->status);
}

MSHV_TEST_MAIN
