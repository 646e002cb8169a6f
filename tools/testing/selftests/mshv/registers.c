// SPDX-License-Identifier: GPL-2.0-only
/*
 * VP registers: what a new VP has in them, what is written is read back and is
 * what the guest finds, and the register page says the same as the hypercalls.
 */
#include <tlfs/msr.h>
#include <tlfs/partition.h>

#include "mshv_test.h"

FIXTURE(vp) {
	struct test_vm vm;
};

FIXTURE_SETUP(vp)
{
	vm_init(&self->vm, PT_LAPIC, 16 * PAGE_SIZE);
}

FIXTURE_TEARDOWN(vp)
{
	vm_destroy(&self->vm);
}

static union hv_register_value get(struct test_vm *vm, __u32 name)
{
	union hv_register_value value = { 0 };
	int ret = mshv_get_registers(vm->vp.fd, 0, &name, &value, 1);

	TEST_ASSERT(!ret, "register 0x%x: %s", name, mshv_strerror());
	return value;
}

static void set(struct test_vm *vm, __u32 name, union hv_register_value value)
{
	struct hv_register_assoc assoc = { .name = name, .value = value };
	int ret = mshv_set_registers(vm->vp.fd, 0, &assoc, 1);

	TEST_ASSERT(!ret, "register 0x%x: %s", name, mshv_strerror());
}

static void set64(struct test_vm *vm, __u32 name, __u64 value)
{
	set(vm, name, (union hv_register_value){ .reg64 = value });
}

TEST_F(vp, reset_values)
{
	static const struct {
		__u32 name;
		__u64 value;
	} expected[] = {
		{ HV_X64_REGISTER_RIP, 0xfff0 }, { HV_X64_REGISTER_RFLAGS, 2 },
		{ HV_X64_REGISTER_CR0, 0x60000010 }, { HV_X64_REGISTER_CR3, 0 },
		{ HV_X64_REGISTER_CR4, 0 }, { HV_X64_REGISTER_CR8, 0 },
		{ HV_X64_REGISTER_EFER, 0 }, { HV_X64_REGISTER_DR6, 0xffff0ff0 },
		{ HV_X64_REGISTER_DR7, 0x400 }, { HV_X64_REGISTER_XFEM, 1 },
		{ HV_X64_REGISTER_APIC_BASE, 0xfee00900 },
		{ HV_REGISTER_EXPLICIT_SUSPEND, 1 }, { HV_REGISTER_INTERCEPT_SUSPEND, 0 },
		{ HV_REGISTER_PENDING_INTERRUPTION, 0 }, { HV_REGISTER_INTERRUPT_STATE, 0 },
		{ HV_REGISTER_VP_INDEX, 0 }, { HV_REGISTER_INTERNAL_ACTIVITY_STATE, 0 },
	};
	struct hv_x64_segment_register cs;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(expected); i++) {
		EXPECT_EQ(expected[i].value, get(&self->vm, expected[i].name).reg64) {
			TH_LOG("register 0x%x", expected[i].name);
		}
	}
	cs = get(&self->vm, HV_X64_REGISTER_CS).segment;
	EXPECT_EQ(0xf000, cs.selector);
	EXPECT_EQ(0xffff0000, cs.base);
	EXPECT_EQ(0xffff, cs.limit);
	EXPECT_EQ(0x1f80, get(&self->vm, HV_X64_REGISTER_XMM_CONTROL_STATUS)
			  .xmm_control_status.xmm_status_control);
}

TEST_F(vp, what_is_written_is_read)
{
	static const struct {
		__u32 name;
		__u64 value;
	} values[] = {
		{ HV_X64_REGISTER_RIP, 0x123456789abc }, { HV_X64_REGISTER_RFLAGS, 0x246 },
		{ HV_X64_REGISTER_CR2, 0xffff800012345678 }, { HV_X64_REGISTER_CR3, 0x5000 },
		{ HV_X64_REGISTER_CR8, 5 }, { HV_X64_REGISTER_DR0, 0x1111 },
		{ HV_X64_REGISTER_DR1, 0x2222 }, { HV_X64_REGISTER_DR2, 0x3333 },
		{ HV_X64_REGISTER_DR3, 0x4444 }, { HV_X64_REGISTER_DR7, 0x401 },
		{ HV_X64_REGISTER_KERNEL_GS_BASE, 0xffff888000000000 },
		{ HV_X64_REGISTER_PAT, 0x0007040600070406 },
		{ HV_X64_REGISTER_SYSENTER_CS, 1 }, { HV_X64_REGISTER_SYSENTER_ESP, 2 },
		{ HV_X64_REGISTER_SYSENTER_EIP, 0xffffffff81000000 },
		{ HV_X64_REGISTER_STAR, 0x0023001000000000 },
		{ HV_X64_REGISTER_LSTAR, 0xffffffff81000040 },
		{ HV_X64_REGISTER_CSTAR, 0xffffffff81000080 },
		{ HV_X64_REGISTER_SFMASK, 0x47700 },
		{ HV_X64_REGISTER_MSR_MTRR_DEF_TYPE, 0x806 },
		{ HV_X64_REGISTER_MSR_MTRR_PHYS_BASE0, 0xc0000000 },
		{ HV_X64_REGISTER_MSR_MTRR_PHYS_MASK0, 0xffc0000800 },
		{ HV_X64_REGISTER_MSR_MTRR_FIX64K00000, 0x0606060606060606 },
		{ HV_X64_REGISTER_MSR_MTRR_FIX4KF8000, 0x0505050505050505 },
		{ HV_REGISTER_INTERRUPT_STATE, 1 }, { HV_REGISTER_INTERRUPT_STATE, 3 },
		{ HV_REGISTER_PENDING_INTERRUPTION, 0x00210001 },
		{ HV_REGISTER_PENDING_INTERRUPTION, 0 },
		{ HV_REGISTER_GUEST_OS_ID, 0x8100060c00000000 },
		{ HV_REGISTER_EXPLICIT_SUSPEND, 1 },
	};
	__u32 i;

	for (i = 0; i < ARRAY_SIZE(values); i++) {
		set64(&self->vm, values[i].name, values[i].value);
		EXPECT_EQ(values[i].value, get(&self->vm, values[i].name).reg64) {
			TH_LOG("register 0x%x", values[i].name);
		}
	}
	for (i = 0; i < MSHV_GPR_COUNT; i++)
		set64(&self->vm, HV_X64_REGISTER_RAX + i, 0x8000000000000000 + i);
	for (i = 0; i < MSHV_GPR_COUNT; i++) {
		EXPECT_EQ(0x8000000000000000 + i, get(&self->vm, HV_X64_REGISTER_RAX + i).reg64);
	}
}

TEST_F(vp, intermediate_control_registers_are_the_same)
{
	set64(&self->vm, HV_X64_REGISTER_INTERMEDIATE_CR0, 0x10);
	EXPECT_EQ(0x10, get(&self->vm, HV_X64_REGISTER_CR0).reg64);
	set64(&self->vm, HV_X64_REGISTER_CR0, 0x60000010);
	EXPECT_EQ(0x60000010, get(&self->vm, HV_X64_REGISTER_INTERMEDIATE_CR0).reg64);
	set64(&self->vm, HV_X64_REGISTER_INTERMEDIATE_CR3, 0x7000);
	EXPECT_EQ(0x7000, get(&self->vm, HV_X64_REGISTER_CR3).reg64);
	set64(&self->vm, HV_X64_REGISTER_INTERMEDIATE_CR4, 0x20);
	EXPECT_EQ(0x20, get(&self->vm, HV_X64_REGISTER_CR4).reg64);
}

TEST_F(vp, segments_and_tables)
{
	const struct hv_x64_segment_register segment = {
		.base = 0x12345000, .limit = 0xfffff, .selector = 0x28, .attributes = 0xc093,
	};
	const struct hv_x64_table_register table = { .base = 0xffff000012340000, .limit = 0x7f };
	union hv_register_value value;
	__u32 name;

	for (name = HV_X64_REGISTER_ES; name <= HV_X64_REGISTER_GS; name++) {
		set(&self->vm, name, (union hv_register_value){ .segment = segment });
		value = get(&self->vm, name);
		EXPECT_EQ(0, memcmp(&segment, &value, sizeof(segment))) TH_LOG("0x%x", name);
	}
	for (name = HV_X64_REGISTER_IDTR; name <= HV_X64_REGISTER_GDTR; name++) {
		set(&self->vm, name, (union hv_register_value){ .table = table });
		value = get(&self->vm, name);
		EXPECT_EQ(table.base, value.table.base);
		EXPECT_EQ(table.limit, value.table.limit);
	}
}

TEST_F(vp, floating_point_registers)
{
	const struct hv_u128 pattern = { 0x0123456789abcdef, 0xfedcba9876543210 };
	union hv_register_value value;
	__u32 name;

	for (name = HV_X64_REGISTER_XMM0; name <= HV_X64_REGISTER_XMM15; name++)
		set(&self->vm, name, (union hv_register_value){ .reg128 = { name, ~name } });
	for (name = HV_X64_REGISTER_XMM0; name <= HV_X64_REGISTER_XMM15; name++) {
		value = get(&self->vm, name);
		EXPECT_EQ(name, value.reg128.low);
		EXPECT_EQ((__u64)~name, value.reg128.high);
	}
	for (name = HV_X64_REGISTER_FP_MMX0; name <= HV_X64_REGISTER_FP_MMX7; name++) {
		set(&self->vm, name, (union hv_register_value){
			.reg128 = { pattern.low, pattern.high & 0xffff } });
		value = get(&self->vm, name);
		EXPECT_EQ(pattern.low, value.reg128.low);
		EXPECT_EQ(pattern.high & 0xffff, value.reg128.high);
	}
	value = get(&self->vm, HV_X64_REGISTER_FP_CONTROL_STATUS);
	value.fp_control_status.fp_control = 0x27f;
	set(&self->vm, HV_X64_REGISTER_FP_CONTROL_STATUS, value);
	EXPECT_EQ(0x27f, get(&self->vm, HV_X64_REGISTER_FP_CONTROL_STATUS)
			 .fp_control_status.fp_control);
	value = get(&self->vm, HV_X64_REGISTER_XMM_CONTROL_STATUS);
	value.xmm_control_status.xmm_status_control = 0x9fc0;
	set(&self->vm, HV_X64_REGISTER_XMM_CONTROL_STATUS, value);
	EXPECT_EQ(0x9fc0, get(&self->vm, HV_X64_REGISTER_XMM_CONTROL_STATUS)
			  .xmm_control_status.xmm_status_control);
}

#define PROC0(name)	BIT(HV_PROC_FEATURE0_##name##_BIT)
#define PROC1(name)	BIT(HV_PROC_FEATURE1_##name##_BIT)
#define XSAVE(name)	BIT(HV_XSAVE_FEATURE_##name##_BIT)
#define SYNTHETIC(name)	HV_SYNTHETIC_FEATURE(HV_SYNTHETIC_FEATURE_##name##_BIT)
/* More than there are of those that VMMs read and write back */
#define MOST_MSRS	120

/*
 * The registers that VMMs in Rust take for a partition's MSRs: names that follow each
 * other, and the feature of the partition's that they come with.
 */
static const struct msr_group {
	__u32 name;
	__u32 count;
	__u32 property;
	__u64 feature;
} msr_groups[] = {
	{ HV_X64_REGISTER_TSC, 4, 0, 0 },		/* EFER, KERNEL_GS_BASE, APIC_BASE */
	{ HV_X64_REGISTER_PAT, 4, 0, 0 },		/* SYSENTER_CS, EIP, ESP */
	{ HV_X64_REGISTER_STAR, 4, 0, 0 },		/* LSTAR, CSTAR, SFMASK */
	{ HV_X64_REGISTER_MSR_MTRR_DEF_TYPE, 1, 0, 0 },
	{ HV_X64_REGISTER_MSR_MTRR_PHYS_BASE0, 8, 0, 0 },
	{ HV_X64_REGISTER_MSR_MTRR_PHYS_MASK0, 8, 0, 0 },
	{ HV_X64_REGISTER_MSR_MTRR_FIX64K00000, 11, 0, 0 },
	{ HV_X64_REGISTER_DEBUG_CTL, 1, 0, 0 },
	{ HV_REGISTER_EOM, 1, 0, 0 },
	{ HV_X64_REGISTER_TSC_AUX, 1, HV_PARTITION_PROPERTY_PROCESSOR_FEATURES0, PROC0(RDTSCP) },
	{ HV_X64_REGISTER_U_XSS, 1, HV_PARTITION_PROPERTY_PROCESSOR_XSAVE_FEATURES,
	  XSAVE(XSAVE_SUPERVISOR) },
	/* S_CET, SSP, PL0_SSP to PL3_SSP, INTERRUPT_SSP_TABLE_ADDR */
	{ HV_X64_REGISTER_U_CET, 8, HV_PARTITION_PROPERTY_PROCESSOR_FEATURES1, PROC1(CET_SS) },
	{ HV_REGISTER_SINT0, 17, HV_PARTITION_PROPERTY_SYNTHETIC_PROC_FEATURES,
	  SYNTHETIC(ACCESS_SYNIC_REGS) },		/* to SINT15, and SCONTROL */
	{ HV_REGISTER_SIEFP, 2, HV_PARTITION_PROPERTY_SYNTHETIC_PROC_FEATURES,
	  SYNTHETIC(ACCESS_SYNIC_REGS) },		/* and SIMP */
	{ HV_REGISTER_REFERENCE_TSC, 1, HV_PARTITION_PROPERTY_SYNTHETIC_PROC_FEATURES,
	  SYNTHETIC(ACCESS_PARTITION_REFERENCE_TSC) },
	{ HV_REGISTER_GUEST_OS_ID, 1, HV_PARTITION_PROPERTY_SYNTHETIC_PROC_FEATURES,
	  SYNTHETIC(ACCESS_HYPERCALL_REGS) },
};

/* The names of the MSRs that a machine has; returns how many */
static __u32 msr_names(struct test_vm *vm, __u32 *names)
{
	const struct msr_group *group;
	__u32 i, n = 0;
	__u64 features;
	int ret;

	for (group = msr_groups; group < msr_groups + ARRAY_SIZE(msr_groups); group++) {
		features = 0;
		ret = group->property ?
		      mshv_get_property(vm->partition, group->property, &features) : 0;
		TEST_ASSERT(!ret, "property 0x%x: %s", group->property, mshv_strerror());
		for (i = 0; i < group->count && (features & group->feature) == group->feature; i++)
			names[n++] = group->name + i;
	}
	TEST_ASSERT(n <= MOST_MSRS, "%u MSRs", n);
	return n;
}

/* VMMs write back what they have read, of every register they know. */
TEST_F(vp, what_is_read_can_be_written_back)
{
	static const __u32 others[] = {
		HV_X64_REGISTER_HYPERCALL, HV_X64_REGISTER_TSC_ADJUST,
		HV_REGISTER_VP_ASSIST_PAGE, HV_REGISTER_PENDING_EVENT0, HV_REGISTER_PENDING_EVENT1,
		HV_REGISTER_INTERNAL_ACTIVITY_STATE, HV_REGISTER_INTERRUPT_STATE,
		HV_X64_REGISTER_CR0, HV_X64_REGISTER_CR4, HV_X64_REGISTER_TR, HV_X64_REGISTER_LDTR,
		HV_X64_REGISTER_DR6, HV_X64_REGISTER_DR7, HV_X64_REGISTER_XFEM,
	};
	struct hv_register_assoc all[MOST_MSRS + ARRAY_SIZE(others)] = { 0 };
	__u32 names[MOST_MSRS + ARRAY_SIZE(others)], n, i;
	union hv_register_value value, again;

	n = msr_names(&self->vm, names);
	EXPECT_LE(42 + 21, n) TH_LOG("those that are always there, and the hypervisor's own");
	memcpy(names + n, others, sizeof(others));
	n += ARRAY_SIZE(others);
	for (i = 0; i < n; i++) {
		value = get(&self->vm, names[i]);
		set(&self->vm, names[i], value);
		again = get(&self->vm, names[i]);
		all[i].name = names[i];
		all[i].value = value;
		if (names[i] >= HV_REGISTER_SINT0 && names[i] <= HV_REGISTER_SINT15) {
			EXPECT_EQ(0x10000, value.reg64) TH_LOG("0x%x is masked", names[i]);
		}
		if (names[i] == HV_X64_REGISTER_TSC)
			continue;
		EXPECT_EQ(0, memcmp(&value, &again, sizeof(value))) TH_LOG("0x%x", names[i]);
	}
	/* As they do it: all at once */
	EXPECT_OK(mshv_set_registers(self->vm.vp.fd, 0, all, n));
}

/* Numbered ones: each has a place of its own, and is the MSR that the guest knows by it. */
#define PHYS_BASE(n)	(0x10000000ULL * ((n) + 1) | 6)
#define PHYS_MASK(n)	(0xff00000800ULL + 0x1000000 * (n))
#define SINT(n)		(0x10030ULL + (n))
#define TSC_AUX		0x12345678

/* A memory type for seven of the eight parts, and another one for the first */
static uint64_t fixed_mtrr(unsigned int n)
{
	static const uint8_t types[] = { 0, 1, 4, 5, 6 };

	return 0x0101010101010100ULL * types[n % 5] | types[n / 5];
}

static GUEST_CODE void guest_reads_numbered_msrs(void)
{
	static const uint32_t fixed[] = {
		0x250, 0x258, 0x259, 0x268, 0x269, 0x26a, 0x26b, 0x26c, 0x26d, 0x26e, 0x26f,
	};
	uint32_t n;

	for (n = 0; n < 8; n++) {
		GUEST_ASSERT_EQ(rdmsr(0x200 + 2 * n), PHYS_BASE(n));
		GUEST_ASSERT_EQ(rdmsr(0x201 + 2 * n), PHYS_MASK(n));
	}
	for (n = 0; n < ARRAY_SIZE(fixed); n++)
		GUEST_ASSERT_EQ(rdmsr(fixed[n]), fixed_mtrr(n));
	for (n = 0; n < 16; n++)
		GUEST_ASSERT_EQ(rdmsr(HV_X64_MSR_SINT0 + n), SINT(n));
	GUEST_ASSERT_EQ(rdmsr(0x174), 0x10);
	GUEST_ASSERT_EQ(rdmsr(0x175), 0xffff888000001000);
	GUEST_ASSERT_EQ(rdmsr(0x176), 0xffffffff81000000);
	GUEST_SYNC(1);
	/* Where there is one */
	GUEST_SYNC_ARG(2, rdmsr(0xc0000103));
	GUEST_DONE();
}

TEST(guest_finds_each_msr_that_the_vmm_has_set)
{
	__u64 features = 0;
	struct test_vm vm;
	__u32 n;

	vm_init_long(&vm, PT_LAPIC, guest_reads_numbered_msrs);
	for (n = 0; n < 8; n++) {
		set64(&vm, HV_X64_REGISTER_MSR_MTRR_PHYS_BASE0 + n, PHYS_BASE(n));
		set64(&vm, HV_X64_REGISTER_MSR_MTRR_PHYS_MASK0 + n, PHYS_MASK(n));
	}
	for (n = 0; n < 11; n++)
		set64(&vm, HV_X64_REGISTER_MSR_MTRR_FIX64K00000 + n, fixed_mtrr(n));
	for (n = 0; n < 16; n++)
		set64(&vm, HV_REGISTER_SINT0 + n, SINT(n));
	set64(&vm, HV_X64_REGISTER_SYSENTER_CS, 0x10);
	set64(&vm, HV_X64_REGISTER_SYSENTER_ESP, 0xffff888000001000);
	set64(&vm, HV_X64_REGISTER_SYSENTER_EIP, 0xffffffff81000000);
	for (n = 0; n < 8; n++) {
		EXPECT_EQ(PHYS_BASE(n), get(&vm, HV_X64_REGISTER_MSR_MTRR_PHYS_BASE0 + n).reg64);
		EXPECT_EQ(PHYS_MASK(n), get(&vm, HV_X64_REGISTER_MSR_MTRR_PHYS_MASK0 + n).reg64);
	}
	for (n = 0; n < 11; n++) {
		EXPECT_EQ(fixed_mtrr(n), get(&vm, HV_X64_REGISTER_MSR_MTRR_FIX64K00000 + n).reg64);
	}
	for (n = 0; n < 16; n++) {
		EXPECT_EQ(SINT(n), get(&vm, HV_REGISTER_SINT0 + n).reg64);
	}
	vm_run_to_sync(&vm, 1);
	ASSERT_OK(mshv_get_property(vm.partition, HV_PARTITION_PROPERTY_PROCESSOR_FEATURES0,
				    &features));
	if (features & PROC0(RDTSCP)) {
		set64(&vm, HV_X64_REGISTER_TSC_AUX, TSC_AUX);
		EXPECT_EQ(TSC_AUX, get(&vm, HV_X64_REGISTER_TSC_AUX).reg64);
		EXPECT_EQ(TSC_AUX, vm_run_to_sync(&vm, 2));
	}
	vm_destroy(&vm);
}

TEST_F(vp, wrong_names_and_values_are_refused)
{
	static const __u32 wrong[] = { 0x5, 0x1ffff, 0x20012, 0xdeadbeef, ~0U };
	__u32 names[3] = { HV_X64_REGISTER_RAX, 0xdeadbeef, HV_X64_REGISTER_RBX };
	struct hv_register_assoc assoc[3] = {
		{ .name = HV_X64_REGISTER_RAX, .value.reg64 = 0x11 },
		{ .name = 0xdeadbeef, .value.reg64 = 0x22 },
		{ .name = HV_X64_REGISTER_RBX, .value.reg64 = 0x33 },
	};
	struct mshv_root_hvcall call = { .code = HVCALL_GET_VP_REGISTERS, .reps = 3 };
	struct {
		struct hv_input_get_vp_registers head;
		__u32 names[3];
	} in = { 0 };
	union hv_register_value values[3];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(wrong); i++) {
		EXPECT_STATUS(INVALID_PARAMETER,
			      mshv_get_registers(self->vm.vp.fd, 0, &wrong[i], values, 1));
	}
	EXPECT_STATUS(INVALID_VP_INDEX,
		      mshv_get_registers(self->vm.partition, 7, names, values, 1));

	/* How far it came is told. */
	memcpy(in.names, names, sizeof(names));
	call.in_sz = sizeof(in);
	call.in_ptr = (uintptr_t)&in;
	call.out_sz = sizeof(values);
	call.out_ptr = (uintptr_t)values;
	EXPECT_ERRNO(EINVAL, ioctl(self->vm.vp.fd, MSHV_ROOT_HVCALL, &call));
	EXPECT_EQ(HV_STATUS_INVALID_PARAMETER, call.status);
	EXPECT_EQ(1, call.reps);

	/* Elements before the wrong one are set, those after it are not. */
	set64(&self->vm, HV_X64_REGISTER_RBX, 0);
	EXPECT_STATUS(INVALID_PARAMETER, mshv_set_registers(self->vm.vp.fd, 0, assoc, 3));
	EXPECT_EQ(0x11, get(&self->vm, HV_X64_REGISTER_RAX).reg64);
	EXPECT_EQ(0, get(&self->vm, HV_X64_REGISTER_RBX).reg64);

	/* NMI deliverability is not offered; nothing at all is fine. */
	assoc[0].name = HV_REGISTER_DELIVERABILITY_NOTIFICATIONS;
	assoc[0].value.reg64 = 1;
	EXPECT_STATUS(INVALID_PARAMETER, mshv_set_registers(self->vm.vp.fd, 0, assoc, 1));
	assoc[0].value.reg64 = 0;
	EXPECT_OK(mshv_set_registers(self->vm.vp.fd, 0, assoc, 1));
}

TEST_F(vp, as_many_registers_as_fit_in_a_page)
{
	union hv_register_value values[HV_GET_REGISTERS_MAX_REPS];
	struct hv_register_assoc assoc[HV_SET_REGISTERS_MAX_REPS] = { 0 };
	__u32 names[HV_GET_REGISTERS_MAX_REPS];
	int i;

	for (i = 0; i < HV_SET_REGISTERS_MAX_REPS; i++) {
		assoc[i].name = HV_X64_REGISTER_RAX + i % MSHV_GPR_COUNT;
		assoc[i].value.reg64 = i;
	}
	ASSERT_OK(mshv_set_registers(self->vm.vp.fd, 0, assoc, HV_SET_REGISTERS_MAX_REPS));
	for (i = 0; i < HV_GET_REGISTERS_MAX_REPS; i++)
		names[i] = HV_X64_REGISTER_RAX + i % MSHV_GPR_COUNT;
	ASSERT_OK(mshv_get_registers(self->vm.vp.fd, 0, names, values, HV_GET_REGISTERS_MAX_REPS));
	/* Set in order: the last value of each register counts. */
	EXPECT_EQ(112, values[0].reg64);
	EXPECT_EQ(126, values[14].reg64);
	EXPECT_EQ(111, values[15].reg64);
	EXPECT_EQ(111, values[255].reg64);
}

/* ---- The register page ---- */

TEST_F(vp, register_page_shows_what_hypercalls_set)
{
	struct hv_vp_register_page *page = self->vm.vp.page;
	const union hv_register_value ds = {
		.segment = { .base = 0x500, .limit = 0xffff, .selector = 0x50, .attributes = 0x93 },
	};

	TEST_REQUIRE(page, "no register page");
	set64(&self->vm, HV_X64_REGISTER_RDX, 0x77);
	set64(&self->vm, HV_X64_REGISTER_R15, 0x88);
	set64(&self->vm, HV_X64_REGISTER_RIP, 0x99);
	set64(&self->vm, HV_X64_REGISTER_CR3, 0x3000);
	set(&self->vm, HV_X64_REGISTER_DS, ds);
	if (!page->isvalid)
		return;		/* then nobody may look into it */
	EXPECT_EQ(0, page->dirty);
	EXPECT_EQ(0x77, page->gp_registers[MSHV_RDX]);
	EXPECT_EQ(0x88, page->gp_registers[MSHV_R15]);
	EXPECT_EQ(0x99, page->rip);
	EXPECT_EQ(0x3000, page->cr3);
	EXPECT_EQ(0x500, page->ds.base);
	EXPECT_EQ(0x50, page->ds.selector);
}

static GUEST_CODE void guest_registers(void)
{
	uint64_t a, b;

	for (;;) {
		asm volatile("mov $0x111, %%rbx; mov $0x222, %%r12; outb %%al, $0x10\n"
			     "mov %%rbx, %0; mov %%r12, %1"
			     : "=r"(a), "=r"(b) : : "rbx", "r12", "memory");
		GUEST_SYNC_ARG(1, a << 32 | b);
	}
}

TEST(register_page_goes_in_by_its_dirty_bits)
{
	struct hv_vp_register_page *page;
	struct test_vm vm;

	vm_init_long(&vm, 0, guest_registers);
	page = vm.vp.page;
	TEST_REQUIRE(page, "no register page");

	ASSERT_EQ(HVMSG_X64_IO_PORT_INTERCEPT, vm_run(&vm));
	EXPECT_EQ(1, page->isvalid);
	EXPECT_EQ(0, page->dirty);
	EXPECT_EQ(0x111, page->gp_registers[MSHV_RBX]);
	EXPECT_EQ(0x222, page->gp_registers[MSHV_R12]);
	EXPECT_EQ(mshv_msg_header(&vm.vp.msg)->rip, page->rip);
	EXPECT_EQ(MSHV_BOOT_CS, page->cs.selector);
	EXPECT_EQ(0x80010031, page->cr0);
	EXPECT_EQ(0x500, page->efer);

	/* Without a dirty bit a change is none. */
	page->gp_registers[MSHV_RBX] = 0x333;
	page->rip += 2;
	page->dirty = HV_REGISTER_PAGE_DIRTY_IP;
	EXPECT_EQ(0x11100000222, vm_run_to_sync(&vm, 1));

	ASSERT_EQ(HVMSG_X64_IO_PORT_INTERCEPT, vm_run(&vm));
	page->gp_registers[MSHV_RBX] = 0x333;
	page->gp_registers[MSHV_R12] = 0x444;
	page->rip += 2;
	page->dirty = HV_REGISTER_PAGE_DIRTY_IP | HV_REGISTER_PAGE_DIRTY_GENERAL;
	EXPECT_EQ(0x33300000444, vm_run_to_sync(&vm, 1));
	EXPECT_EQ(0, page->dirty & HV_REGISTER_PAGE_DIRTY_XMM);

	/* What was changed in the page and what was set by a hypercall both count. */
	ASSERT_EQ(HVMSG_X64_IO_PORT_INTERCEPT, vm_run(&vm));
	page->rip += 2;
	page->dirty = HV_REGISTER_PAGE_DIRTY_IP;
	set64(&vm, HV_X64_REGISTER_R12, 0x555);
	EXPECT_EQ(0x11100000555, vm_run_to_sync(&vm, 1));
	vm_destroy(&vm);
}

TEST(guest_finds_what_the_vmm_has_set)
{
	/* xchg %ebx, %eax; out %al, $0x10 */
	static const uint8_t code[] = { 0x66, 0x93, 0xe6, 0x10 };
	struct test_vm vm;

	vm_init_real(&vm, 0, code, sizeof(code));
	set64(&vm, HV_X64_REGISTER_RBX, 0xcafe1234);
	ASSERT_EQ(HVMSG_X64_IO_PORT_INTERCEPT, vm_run(&vm));
	EXPECT_EQ(0xcafe1234, mshv_msg_io(&vm.vp.msg)->rax);
	vm_destroy(&vm);
}

MSHV_TEST_MAIN
