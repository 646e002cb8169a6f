// SPDX-License-Identifier: GPL-2.0-only
/*
 * Intercepts that a VMM installs: CPUID, MSRs, exceptions. Each gives a message
 * with what the instruction needs, and is gone when it is removed.
 */
#include "mshv_test.h"

#define ACCESS(type)	HV_INTERCEPT_ACCESS_MASK_##type
#define TEST_LEAF	0x40000321
#define TEST_MSR	0xc0000081	/* STAR: every guest has it */

static GUEST_CODE void guest_cpuids(void)
{
	uint32_t r[4];

	for (;;) {
		guest_cpuid(TEST_LEAF, 0x77, r);
		GUEST_SYNC_ARG(1, r[1]);
	}
}

TEST(cpuid_intercept)
{
	const struct hv_x64_cpuid_intercept_message *msg;
	struct test_vm vm;
	uint32_t type;

	vm_init_long(&vm, PT_LAPIC, guest_cpuids);
	msg = (const void *)vm.vp.msg.u.payload;
	vm_run_to_sync(&vm, 1);
	ASSERT_OK(mshv_install_intercept(vm.partition, HV_INTERCEPT_TYPE_X64_CPUID,
					 ACCESS(EXECUTE), TEST_LEAF));
	type = vm_run(&vm);
	ASSERT_EQ(HVMSG_X64_CPUID_INTERCEPT, type);
	EXPECT_EQ(TEST_LEAF, msg->rax);
	EXPECT_EQ(0x77, msg->rcx);
	EXPECT_EQ(HV_INTERCEPT_ACCESS_EXECUTE, msg->header.intercept_access_type);
	EXPECT_EQ(2, mshv_msg_insn_length(&msg->header));
	EXPECT_EQ(0x0f, vm.mem[msg->header.rip]);
	EXPECT_EQ(0xa2, vm.mem[msg->header.rip + 1]);

	/* The VMM is the processor now: it gives the result and goes on. */
	ASSERT_OK(mshv_vp_set_register(&vm.vp, HV_X64_REGISTER_RBX, 0x1234));
	vm_complete(&vm);
	EXPECT_EQ(0x1234, vm_run_to_sync(&vm, 1));

	ASSERT_EQ(HVMSG_X64_CPUID_INTERCEPT, vm_run(&vm));
	ASSERT_OK(mshv_install_intercept(vm.partition, HV_INTERCEPT_TYPE_X64_CPUID, ACCESS(NONE),
					 TEST_LEAF));
	EXPECT_NE(0x1234, vm_run_to_sync(&vm, 1));
	vm_destroy(&vm);
}

static GUEST_CODE void guest_uses_an_msr(void)
{
	for (;;) {
		wrmsr(TEST_MSR, 0x1122334455667788);
		GUEST_SYNC_ARG(1, rdmsr(TEST_MSR));
	}
}

TEST(msr_intercept)
{
	const struct hv_x64_msr_intercept_message *msg;
	struct test_vm vm;
	__u64 rax = 0x99;

	vm_init_long(&vm, PT_LAPIC, guest_uses_an_msr);
	msg = (const void *)vm.vp.msg.u.payload;
	EXPECT_EQ(0x1122334455667788, vm_run_to_sync(&vm, 1));
	if (mshv_install_intercept(vm.partition, HV_INTERCEPT_TYPE_X64_MSR_INDEX,
				   ACCESS(READ) | ACCESS(WRITE), TEST_MSR))
		SKIP(return, "no intercepts of single MSRs: %s", mshv_strerror());

	ASSERT_EQ(HVMSG_X64_MSR_INTERCEPT, vm_run(&vm));
	EXPECT_EQ(TEST_MSR, msg->msr_number);
	EXPECT_EQ(HV_INTERCEPT_ACCESS_WRITE, msg->header.intercept_access_type);
	EXPECT_EQ(0x55667788, msg->rax & 0xffffffff);
	EXPECT_EQ(0x11223344, msg->rdx & 0xffffffff);
	EXPECT_EQ(2, mshv_msg_insn_length(&msg->header));
	vm_complete(&vm);
	ASSERT_EQ(HVMSG_X64_MSR_INTERCEPT, vm_run(&vm));
	EXPECT_EQ(HV_INTERCEPT_ACCESS_READ, msg->header.intercept_access_type);
	ASSERT_OK(mshv_vp_set_register(&vm.vp, HV_X64_REGISTER_RDX, 0));
	ASSERT_OK(mshv_vp_complete(&vm.vp, &rax));
	EXPECT_EQ(0x99, vm_run_to_sync(&vm, 1));
	vm_destroy(&vm);
}

static GUEST_CODE void guest_divides(void)
{
	uint32_t zero = 0;

	GUEST_SYNC(1);
	asm volatile("divl %0" : : "r"(zero), "a"(1), "d"(0));
	GUEST_SYNC(2);
	GUEST_DONE();
}

TEST(exception_intercept)
{
	const struct hv_x64_exception_intercept_message *msg;
	struct mshv_regs regs;
	struct test_vm vm;

	vm_init_long(&vm, PT_LAPIC, guest_divides);
	msg = (const void *)vm.vp.msg.u.payload;
	vm_run_to_sync(&vm, 1);
	if (mshv_install_intercept(vm.partition, HV_INTERCEPT_TYPE_EXCEPTION, ACCESS(EXECUTE), 0))
		SKIP(return, "no intercepts of exceptions: %s", mshv_strerror());
	ASSERT_EQ(HVMSG_X64_EXCEPTION_INTERCEPT, vm_run(&vm));
	EXPECT_EQ(0, msg->exception_vector);
	EXPECT_EQ(0, msg->exception_info & HV_X64_EXCEPTION_ERROR_CODE_VALID);
	ASSERT_OK(mshv_vp_get_regs(&vm.vp, &regs));
	EXPECT_EQ(msg->header.rip, regs.rip);
	EXPECT_EQ(regs.gpr[MSHV_RAX], msg->gp_registers[MSHV_RAX]);
	EXPECT_EQ(1, msg->gp_registers[MSHV_RAX]);
	/* Two bytes of DIV with a register: the exception is swallowed. */
	ASSERT_OK(mshv_vp_set_register(&vm.vp, HV_X64_REGISTER_RIP, regs.rip + 2));
	vm_run_to_sync(&vm, 2);
	vm_destroy(&vm);
}

TEST(wrong_intercepts_are_refused)
{
	struct test_vm vm;

	vm_init(&vm, PT_LAPIC, PAGE_SIZE);
	EXPECT_STATUS(INVALID_PARAMETER, mshv_install_intercept(vm.partition, 0x1234,
								ACCESS(EXECUTE), 0));
	EXPECT_STATUS(INVALID_PARAMETER,
		      mshv_install_intercept(vm.partition, HV_INTERCEPT_TYPE_X64_CPUID, 0x80, 1));
	EXPECT_STATUS(INVALID_PARAMETER,
		      mshv_install_intercept(vm.partition, HV_INTERCEPT_TYPE_EXCEPTION,
					     ACCESS(EXECUTE), 32));
	vm_destroy(&vm);
}

/* ---- MSRs that nobody has ---- */

static volatile uint64_t guest_faults;

static void skip_msr_instruction(struct guest_frame *frame)
{
	GUEST_ASSERT_EQ(frame->vector, 13);
	guest_faults++;
	frame->rip += 2;
}

#define NO_SUCH_MSR	0x12345678

static GUEST_CODE void guest_tries_msrs(void)
{
	guest_handler = skip_msr_instruction;
	guest_install_handlers();
	for (;;) {
		wrmsr(NO_SUCH_MSR, 1);
		GUEST_SYNC_ARG(guest_faults, rdmsr(NO_SUCH_MSR));
	}
}

TEST(unimplemented_msrs_fault_or_not_as_the_vmm_wants)
{
	struct ucall uc;
	struct test_vm vm;

	vm_init_long(&vm, PT_LAPIC, guest_tries_msrs);
	/* The stage is evaluated before the read: one fault has been seen by then. */
	uc = vm_run_ucall(&vm);
	EXPECT_LE(1, uc.args[0]);
	EXPECT_EQ(2, *vm_guest_variable(&vm, guest_faults));
	ASSERT_OK(mshv_set_property(vm.partition, HV_PARTITION_PROPERTY_UNIMPLEMENTED_MSR_ACTION,
				    HV_UNIMPLEMENTED_MSR_ACTION_IGNORE_WRITE_READ_ZERO));
	uc = vm_run_ucall(&vm);
	EXPECT_EQ(2, *vm_guest_variable(&vm, guest_faults));
	EXPECT_EQ(0, uc.args[1]);
	vm_destroy(&vm);
}

MSHV_TEST_MAIN
