// SPDX-License-Identifier: GPL-2.0-only
/*
 * VP registers: what a new VP has in them, what is written is read back and is
 * what the guest finds, and the register page says the same as the hypercalls.
 */
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

/* VMMs write back what they have read, of every register they know. */
TEST_F(vp, what_is_read_can_be_written_back)
{
	static const __u32 names[] = {
		HV_X64_REGISTER_TSC, HV_X64_REGISTER_EFER, HV_X64_REGISTER_KERNEL_GS_BASE,
		HV_X64_REGISTER_APIC_BASE, HV_X64_REGISTER_PAT, HV_X64_REGISTER_SYSENTER_CS,
		HV_X64_REGISTER_STAR, HV_X64_REGISTER_LSTAR, HV_X64_REGISTER_CSTAR,
		HV_X64_REGISTER_SFMASK, HV_X64_REGISTER_MSR_MTRR_DEF_TYPE,
		HV_X64_REGISTER_DEBUG_CTL, HV_REGISTER_EOM, HV_REGISTER_SINT0, HV_REGISTER_SINT15,
		HV_REGISTER_SCONTROL, HV_REGISTER_SIEFP, HV_REGISTER_SIMP,
		HV_REGISTER_REFERENCE_TSC, HV_REGISTER_GUEST_OS_ID, HV_X64_REGISTER_HYPERCALL,
		HV_REGISTER_VP_ASSIST_PAGE, HV_REGISTER_PENDING_EVENT0, HV_REGISTER_PENDING_EVENT1,
		HV_REGISTER_INTERNAL_ACTIVITY_STATE, HV_REGISTER_INTERRUPT_STATE,
		HV_X64_REGISTER_CR0, HV_X64_REGISTER_CR4, HV_X64_REGISTER_TR, HV_X64_REGISTER_LDTR,
		HV_X64_REGISTER_DR6, HV_X64_REGISTER_DR7, HV_X64_REGISTER_XFEM,
	};
	union hv_register_value value, again;
	size_t i;
	__u32 n;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		value = get(&self->vm, names[i]);
		set(&self->vm, names[i], value);
		again = get(&self->vm, names[i]);
		if (names[i] == HV_X64_REGISTER_TSC)
			continue;
		EXPECT_EQ(0, memcmp(&value, &again, sizeof(value))) TH_LOG("0x%x", names[i]);
	}
	for (n = 0; n < 16; n++) {
		value = get(&self->vm, HV_X64_REGISTER_MSR_MTRR_PHYS_BASE0 + n % 8);
		set(&self->vm, HV_X64_REGISTER_MSR_MTRR_PHYS_BASE0 + n % 8, value);
		value = get(&self->vm, HV_REGISTER_SINT0 + n);
		EXPECT_EQ(0x10000, value.reg64) TH_LOG("SINT%u is masked", n);
	}
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
