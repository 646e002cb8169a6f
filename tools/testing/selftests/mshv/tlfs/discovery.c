// SPDX-License-Identifier: GPL-2.0-only
/*
 * TLFS, "Feature and Interface Discovery": the CPUID leaves, and that what they
 * grant can be used and what they do not grant cannot.
 */
#include <tlfs/cpuid.h>
#include <tlfs/guest.h>
#include <tlfs/hypercall.h>
#include <tlfs/msr.h>

#include "mshv_test.h"

#define FEATURE(name)	HV_SYNTHETIC_FEATURE(HV_SYNTHETIC_FEATURE_##name##_BIT)
#define NO_FEATURES	(FEATURE(HYPERVISOR_PRESENT) | FEATURE(HV1))

/* What a privilege opens: an MSR that can be read with it, and cannot without */
static const struct privilege {
	uint64_t feature;
	uint32_t eax_bit;
	uint32_t msr;
} privileges[] = {
	{ FEATURE(ACCESS_VP_RUN_TIME_REG), HV_ACCESS_VP_RUNTIME, HV_X64_MSR_VP_RUNTIME },
	{ FEATURE(ACCESS_PARTITION_REFERENCE_COUNTER), HV_ACCESS_PARTITION_REFERENCE_COUNTER,
	  HV_X64_MSR_TIME_REF_COUNT },
	{ FEATURE(ACCESS_SYNIC_REGS), HV_ACCESS_SYNIC_REGS, HV_X64_MSR_SCONTROL },
	{ FEATURE(ACCESS_SYNIC_REGS), HV_ACCESS_SYNIC_REGS, HV_X64_MSR_SINT15 },
	{ FEATURE(ACCESS_SYNTHETIC_TIMER_REGS), HV_ACCESS_SYNTHETIC_TIMER_REGS,
	  HV_X64_MSR_STIMER0_CONFIG },
	{ FEATURE(ACCESS_INTR_CTRL_REGS), HV_ACCESS_INTR_CTRL_REGS, HV_X64_MSR_TPR },
	{ FEATURE(ACCESS_INTR_CTRL_REGS), HV_ACCESS_INTR_CTRL_REGS, HV_X64_MSR_VP_ASSIST_PAGE },
	{ FEATURE(ACCESS_HYPERCALL_REGS), HV_ACCESS_HYPERCALL_REGS, HV_X64_MSR_GUEST_OS_ID },
	{ FEATURE(ACCESS_HYPERCALL_REGS), HV_ACCESS_HYPERCALL_REGS, HV_X64_MSR_HYPERCALL },
	{ FEATURE(ACCESS_VP_INDEX), HV_ACCESS_VP_INDEX, HV_X64_MSR_VP_INDEX },
	{ FEATURE(ACCESS_PARTITION_REFERENCE_TSC), HV_ACCESS_PARTITION_REFERENCE_TSC,
	  HV_X64_MSR_REFERENCE_TSC },
	{ FEATURE(ACCESS_FREQUENCY_REGS), HV_ACCESS_FREQUENCY_REGS, HV_X64_MSR_TSC_FREQUENCY },
	{ FEATURE(ACCESS_FREQUENCY_REGS), HV_ACCESS_FREQUENCY_REGS, HV_X64_MSR_APIC_FREQUENCY },
};

static volatile uint32_t guest_eax;

/* Reports, one bit an entry, which MSRs can be read */
static GUEST_CODE void guest_reads_all(void)
{
	uint64_t readable = 0, value;
	uint32_t r[4];
	unsigned int i;

	guest_install_handlers();
	guest_cpuid(HV_CPUID_FEATURES, 0, r);
	guest_eax = r[0];
	for (i = 0; i < ARRAY_SIZE(privileges); i++) {
		if (rdmsr_safe(privileges[i].msr, &value))
			readable |= 1ULL << i;
	}
	GUEST_SYNC_ARG(1, readable);
	GUEST_DONE();
}

/* A machine whose guest is given these features and no others */
static void vm_init_features(struct test_vm *vm, uint64_t features, void (*function)(void))
{
	static struct test_vm other;
	int ret;

	/* The library decides the features of a machine: change them in one of our own. */
	vm_init_long(vm, PT_LAPIC, function);
	memset(&other, 0, sizeof(other));
	other.dev = vm->dev;
	other.partition = mshv_create_partition(vm->dev, PT_LAPIC);
	TEST_ASSERT(other.partition >= 0, "%s", mshv_strerror());
	ret = mshv_set_property(other.partition, HV_PARTITION_PROPERTY_SYNTHETIC_PROC_FEATURES,
				features);
	TEST_ASSERT(!ret, "%s", mshv_strerror());
	ret = mshv_initialize_partition(other.partition);
	TEST_ASSERT(!ret, "%s", mshv_strerror());
	mshv_vp_destroy(&vm->vp);
	close(vm->partition);
	vm->partition = other.partition;
	ret = mshv_map_memory(vm->partition, 0, vm->mem, vm->mem_size, MEM_RWX);
	TEST_ASSERT(!ret, "%s", mshv_strerror());
	vm_add_vp(vm, &vm->vp, 0, function);
}

TEST(each_privilege_opens_its_msrs_and_no_others)
{
	int dev = dev_open();
	const uint64_t offered = offered_features(dev);
	uint64_t readable;
	struct test_vm vm;
	size_t i, j;

	close(dev);
	for (i = 0; i < ARRAY_SIZE(privileges); i++) {
		if (!(offered & privileges[i].feature))
			continue;
		vm_init_features(&vm, NO_FEATURES | privileges[i].feature, guest_reads_all);
		readable = vm_run_to_sync(&vm, 1);
		EXPECT_EQ(privileges[i].eax_bit,
			  *vm_guest_variable(&vm, guest_eax) & privileges[i].eax_bit) {
			TH_LOG("CPUID does not tell privilege %zu", i);
		}
		for (j = 0; j < ARRAY_SIZE(privileges); j++) {
			EXPECT_EQ(privileges[j].feature == privileges[i].feature,
				  readable >> j & 1) {
				TH_LOG("MSR 0x%x with privilege of MSR 0x%x", privileges[j].msr,
				       privileges[i].msr);
			}
		}
		vm_destroy(&vm);
	}
}

TEST(without_privileges_no_msr_is_there)
{
	struct test_vm vm;

	vm_init_features(&vm, NO_FEATURES, guest_reads_all);
	EXPECT_EQ(0, vm_run_to_sync(&vm, 1));
	EXPECT_EQ(0, *vm_guest_variable(&vm, guest_eax));
	vm_destroy(&vm);
}

/* Calls that a feature opens: all are fast, and fail without doing anything, or do nothing */
static const struct call {
	uint64_t feature;
	uint32_t ebx_bit;
	uint16_t code;
} calls[] = {
	{ FEATURE(NOTIFY_LONG_SPIN_WAIT), 0, HVCALL_NOTIFY_LONG_SPIN_WAIT },
	{ FEATURE(SYNTHETIC_CLUSTER_IPI), 0, HVCALL_SEND_IPI },
	{ FEATURE(SIGNAL_EVENTS), HV_SIGNAL_EVENTS, HVCALL_SIGNAL_EVENT },
};

#define CALLER	(NO_FEATURES | FEATURE(ACCESS_HYPERCALL_REGS) | FEATURE(ACCESS_SYNIC_REGS))

static volatile uint32_t guest_ebx;

/* Reports, one bit an entry, which calls it may make */
static GUEST_CODE void guest_makes_calls(void)
{
	uint64_t allowed = 0, status;
	uint32_t r[4];
	unsigned int i;

	guest_cpuid(HV_CPUID_FEATURES, 0, r);
	guest_ebx = r[1];
	guest_hypercall_init();
	for (i = 0; i < ARRAY_SIZE(calls); i++) {
		/* No such connection; no such vector */
		status = hypercall(calls[i].code | HV_HYPERCALL_FAST, 1, 0) &
			 HV_HYPERCALL_RESULT_MASK;
		if (status != HV_STATUS_ACCESS_DENIED)
			allowed |= 1ULL << i;
	}
	GUEST_SYNC_ARG(1, allowed);
	GUEST_DONE();
}

TEST(each_feature_opens_its_call_and_no_other)
{
	int dev = dev_open();
	const uint64_t offered = offered_features(dev);
	struct test_vm vm;
	size_t i;

	close(dev);
	vm_init_features(&vm, CALLER, guest_makes_calls);
	EXPECT_EQ(0, vm_run_to_sync(&vm, 1));
	EXPECT_EQ(0, *vm_guest_variable(&vm, guest_ebx) & HV_SIGNAL_EVENTS);
	EXPECT_TRUE(*vm_guest_variable(&vm, guest_ebx) & HV_POST_MESSAGES);
	vm_destroy(&vm);
	for (i = 0; i < ARRAY_SIZE(calls); i++) {
		if (!(offered & calls[i].feature))
			continue;
		vm_init_features(&vm, CALLER | calls[i].feature, guest_makes_calls);
		EXPECT_EQ(1ULL << i, vm_run_to_sync(&vm, 1)) TH_LOG("call 0x%x", calls[i].code);
		EXPECT_EQ(calls[i].ebx_bit,
			  *vm_guest_variable(&vm, guest_ebx) & HV_SIGNAL_EVENTS);
		vm_destroy(&vm);
	}
}

#define MSR_TSC_ADJUST		0x3b
#define LEAF7_EBX_TSC_ADJUST	BIT(1)

static GUEST_CODE void guest_adjusts_tsc(void)
{
	uint64_t value = 0;
	uint32_t r[4];
	bool there;

	guest_install_handlers();
	guest_cpuid(7, 0, r);
	there = r[1] & LEAF7_EBX_TSC_ADJUST;
	GUEST_ASSERT_EQ(rdmsr_safe(MSR_TSC_ADJUST, &value), there);
	GUEST_ASSERT_EQ(wrmsr_safe(MSR_TSC_ADJUST, value), there);
	GUEST_SYNC_ARG(1, there);
	GUEST_DONE();
}

/* Whether the machine has it or not, and where the partition was not given it */
TEST(tsc_adjust_is_there_if_cpuid_says_so)
{
	struct mshv_create_partition_v2 args = {
		.pt_flags = PT_LAPIC | BIT(MSHV_PT_BIT_CPU_AND_XSAVE_FEATURES),
		.pt_num_cpu_fbanks = MSHV_NUM_CPU_FEATURES_BANKS,
		.pt_cpu_fbanks[1] = BIT(HV_PROC_FEATURE1_TSC_ADJUST_BIT),
	};
	int dev = dev_open(), partition, ret;
	struct test_vm vm;

	vm_init_long(&vm, PT_LAPIC, guest_adjusts_tsc);
	vm_run_to_sync(&vm, 1);
	vm_destroy(&vm);

	partition = mshv_create_partition_v2(dev, &args);
	ASSERT_OK(partition);
	ret = mshv_initialize_partition(partition);
	ASSERT_EQ(0, ret);
	vm_init_long_with(&vm, dev, partition, guest_adjusts_tsc);
	EXPECT_EQ(0, vm_run_to_sync(&vm, 1));
	vm_destroy(&vm);
}

static GUEST_CODE void guest_reads_leaves(void)
{
	uint32_t r[4], max, edx, eax;

	guest_cpuid(HV_CPUID_VENDOR_AND_MAX_FUNCTIONS, 0, r);
	max = r[0];
	GUEST_ASSERT(max >= HV_CPUID_IMPLEMENT_LIMITS && max <= 0x4000ffff);
	guest_cpuid(HV_CPUID_VERSION, 0, r);
	GUEST_ASSERT(r[0] != 0);			/* build number */
	GUEST_ASSERT(r[1] >> 16 != 0);			/* major version */
	guest_cpuid(HV_CPUID_FEATURES, 0, r);
	eax = r[0];
	edx = r[3];
	/* The frequency MSRs need both bits to be used. */
	if (eax & HV_ACCESS_FREQUENCY_REGS)
		GUEST_ASSERT(edx & HV_FEATURE_FREQUENCY_MSRS_AVAILABLE);
	if (edx & HV_STIMER_DIRECT_MODE_AVAILABLE)
		GUEST_ASSERT(eax & HV_ACCESS_SYNTHETIC_TIMER_REGS);
	guest_cpuid(HV_CPUID_ENLIGHTENMENT_INFO, 0, r);
	GUEST_ASSERT(!(r[0] & HV_X64_HYPERV_NESTED));
	guest_cpuid(HV_CPUID_IMPLEMENT_LIMITS, 0, r);
	GUEST_ASSERT(r[0] >= 1);			/* VPs in a partition */
	GUEST_DONE();
}

TEST(leaves_are_consistent)
{
	struct test_vm vm;

	vm_init_long(&vm, PT_LAPIC, guest_reads_leaves);
	vm_run_to_done(&vm);
	vm_destroy(&vm);
}

static GUEST_CODE void guest_writes_read_only_msrs(void)
{
	static const uint32_t msrs[] = {
		HV_X64_MSR_VP_INDEX, HV_X64_MSR_VP_RUNTIME, HV_X64_MSR_TIME_REF_COUNT,
		HV_X64_MSR_TSC_FREQUENCY, HV_X64_MSR_APIC_FREQUENCY, HV_X64_MSR_SVERSION,
	};
	unsigned int i;

	guest_install_handlers();
	for (i = 0; i < ARRAY_SIZE(msrs); i++) {
		GUEST_ASSERT(!wrmsr_safe(msrs[i], 0));
		GUEST_ASSERT_EQ(guest_fault_vector, 13);
	}
	GUEST_ASSERT_EQ(rdmsr(HV_X64_MSR_VP_INDEX), 0);
	GUEST_DONE();
}

TEST(read_only_msrs_fault_when_written)
{
	struct test_vm vm;

	vm_init_long(&vm, PT_LAPIC, guest_writes_read_only_msrs);
	vm_run_to_done(&vm);
	vm_destroy(&vm);
}

MSHV_TEST_MAIN
