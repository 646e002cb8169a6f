// SPDX-License-Identifier: GPL-2.0-only
/*
 * A child that runs: core/run.c, core/exit.c, core/sched_root.c, and the
 * messages that its intercepts make (core/intercept.c).
 */
#include <asm/cpu.h>
#include <asm/x86.h>
#include <openhv/info_page.h>
#include <openhv/options.h>
#include <openhv/run.h>
#include <tlfs/interrupt.h>
#include <tlfs/memory.h>
#include <tlfs/message.h>
#include <tlfs/msr.h>
#include <tlfs/state.h>
#include <tlfs/vp.h>
#include "test.h"

#define CODE	0x1000UL
#define INT1_EXIT { .reason = VCPU_EXIT_SOFT_INTERRUPT, .soft = { .int1 = true } }
#define IO_EXIT(p) { .reason = VCPU_EXIT_IO, .insn_len = 2, .io = { .port = (p), .size = 1 } }

static struct partition *p;
static struct vp *vp;
static struct host_vmcb *vmcb;
static struct hv_message *message;

static void begin(void)
{
	p = child_new();
	vp = child_vp(p, 0);
	map_ram(p, 0, 32);
	message = state_page(vp, HV_VP_STATE_PAGE_INTERCEPT_MESSAGE);
	vmcb = vp->vcpu.arch.vmcb;
	vmcb->cr[0] = CR0_PE | CR0_ET;
	vmcb->seg[SEG_CS].base = 0;
	vp->vcpu.rip = CODE;
	vp->vcpu.rflags |= RFLAGS_IF;
}

/* Run the child through some exits; the last one has to be one that stops it. */
static struct hv_output_dispatch_vp run(const struct vcpu_exit *exits, u32 count)
{
	struct hv_output_dispatch_vp out;

	host_guest_plays(exits, count);
	out = dispatch(vp, HV_DISPATCH_VP_FLAG_CLEAR_INTERCEPT_SUSPEND);
	EXPECT_EQ(0, host_exits_left());
	return out;
}

#define RUN(...) ({ \
	const struct vcpu_exit run_exits[] = { __VA_ARGS__ }; \
	run(run_exits, ARRAY_SIZE(run_exits)); })
/* The same, with an intercept at its end that the test asked for */
#define RUN_TO_IO(...) RUN(__VA_ARGS__, IO_EXIT(0x80))

static hv_status_t install(u32 type, u32 access, u64 parameter)
{
	struct hv_input_install_intercept in = {
		.partition_id = p->id, .access_type = access, .intercept_type = type,
	};

	memcpy(&in.intercept_parameter, &parameter, 8);
	return hv(HVCALL_INSTALL_INTERCEPT, &in, sizeof(in), NULL, 0);
}

static struct vcpu_event pending(void)
{
	struct vcpu_event ev;

	vcpu_get_injection(&vp->vcpu, &ev);
	return ev;
}

/* --- Ports --------------------------------------------------------------------------- */

TEST_ON_MACHINE(port_access_is_an_intercept)
{
	struct hv_x64_io_port_intercept_message *m;
	struct hv_output_dispatch_vp out;
	static const u8 code[] = { 0xF3, 0x6E, 0x90 };

	begin();
	gpa_write(&p->gpamap, CODE, code, sizeof(code));
	vp->vcpu.gpr[GPR_RAX] = 0x55;
	vp->vcpu.gpr[GPR_RSI] = 0x66;
	vmcb->dr7 |= 1;
	vmcb->cr[0] |= CR0_AM;
	out = RUN({ .reason = VCPU_EXIT_IO, .insn_len = 2,
		    .io = { .port = 0x3F8, .size = 1, .string = true, .rep = true } });
	EXPECT_EQ(HV_VP_DISPATCH_STATE_READY, out.dispatch_state);
	EXPECT_EQ(HV_VP_DISPATCH_EVENT_INTERCEPT, out.dispatch_event);
	m = (void *)message->u.payload;
	EXPECT_EQ(HVMSG_X64_IO_PORT_INTERCEPT, message->header.message_type);
	EXPECT_EQ(p->id, message->header.sender);
	EXPECT_EQ(0x3F8, m->port_number);
	EXPECT_EQ(1 | HV_X64_IO_PORT_STRING_OP | HV_X64_IO_PORT_REP_PREFIX, m->access_info);
	EXPECT_EQ(HV_INTERCEPT_ACCESS_WRITE, m->header.intercept_access_type);
	EXPECT_EQ(2, m->header.instruction_length_and_cr8 & HV_INTERCEPT_INSN_LENGTH_MASK);
	EXPECT_EQ(HV_X64_EXEC_STATE_CR0_PE | HV_X64_EXEC_STATE_CR0_AM |
		  HV_X64_EXEC_STATE_DEBUG_ACTIVE, m->header.execution_state);
	EXPECT_EQ(CODE, m->header.rip);
	EXPECT_EQ(2, m->instruction_byte_count);
	EXPECT_EQ(0xF3, m->instruction_bytes[0]);
	EXPECT_EQ(0x55, m->rax);
	EXPECT_EQ(0x66, m->rsi);
	/* It stays where it is until it is resumed. */
	out = dispatch(vp, 0);
	EXPECT_EQ(HV_VP_DISPATCH_EVENT_INTERCEPT, out.dispatch_event);
	EXPECT_EQ(1, vmcb->entries);
	child_gone(p);
}

/* --- CPUID, MSRs, control registers -------------------------------------------------- */

TEST_ON_MACHINE(cpuid_is_answered_and_skipped)
{
	begin();
	vp->vcpu.gpr[GPR_RAX] = 0x40000001;
	RUN_TO_IO({ .reason = VCPU_EXIT_CPUID, .insn_len = 2 });
	EXPECT_EQ(0x31237648, vp->vcpu.gpr[GPR_RAX]);
	EXPECT_EQ(CODE + 2, vp->vcpu.rip);
	EXPECT_EQ(1, vp->exits[OPENHV_EXIT_CPUID]);
	child_gone(p);
}

TEST_ON_MACHINE(cpuid_that_the_parent_wants_is_an_intercept)
{
	struct hv_x64_cpuid_intercept_message *m;

	begin();
	ASSERT_EQ(0, install(HV_INTERCEPT_TYPE_X64_CPUID, HV_INTERCEPT_ACCESS_MASK_EXECUTE,
			     0x40000001));
	vp->vcpu.gpr[GPR_RAX] = 0x40000001;
	RUN({ .reason = VCPU_EXIT_CPUID, .insn_len = 2 });
	m = (void *)message->u.payload;
	EXPECT_EQ(HVMSG_X64_CPUID_INTERCEPT, message->header.message_type);
	EXPECT_EQ(0x31237648, m->default_result_rax);
	EXPECT_EQ(0x40000001, m->rax);
	EXPECT_EQ(CODE, vp->vcpu.rip);
	child_gone(p);
}

TEST_ON_MACHINE(msrs_are_read_and_written)
{
	u64 *gpr;

	begin();
	gpr = vp->vcpu.gpr;
	gpr[GPR_RCX] = HV_X64_MSR_GUEST_OS_ID;
	gpr[GPR_RAX] = 0x89ABCDEF;
	gpr[GPR_RDX] = 0x01234567;
	RUN_TO_IO({ .reason = VCPU_EXIT_MSR_WRITE, .insn_len = 2 });
	EXPECT_EQ(0x0123456789ABCDEF, p->guest_os_id);
	gpr[GPR_RAX] = 0;
	gpr[GPR_RDX] = 0;
	RUN_TO_IO({ .reason = VCPU_EXIT_MSR_READ, .insn_len = 2 });
	EXPECT_EQ(0x89ABCDEF, gpr[GPR_RAX]);
	EXPECT_EQ(0x01234567, gpr[GPR_RDX]);
	EXPECT_EQ(CODE + 4, vp->vcpu.rip);
	/* One that is switched with the guest is in the processor's registers. */
	gpr[GPR_RCX] = MSR_LSTAR;
	gpr[GPR_RAX] = 0x1234;
	gpr[GPR_RDX] = 0;
	RUN_TO_IO({ .reason = VCPU_EXIT_MSR_WRITE, .insn_len = 2 },
		  { .reason = VCPU_EXIT_MSR_READ, .insn_len = 2 });
	EXPECT_EQ(0x1234, gpr[GPR_RAX]);
	child_gone(p);
}

TEST_ON_MACHINE(unknown_msrs_fault_unless_the_partition_ignores_them)
{
	u64 *gpr;

	begin();
	gpr = vp->vcpu.gpr;
	gpr[GPR_RCX] = 0x12345678;
	RUN({ .reason = VCPU_EXIT_MSR_READ, .insn_len = 2 }, IO_EXIT(1));
	EXPECT_EQ(13, host_injected.vector);
	EXPECT_TRUE(host_injected.valid && host_injected.has_error);
	EXPECT_EQ(CODE, vp->vcpu.rip);
	RUN({ .reason = VCPU_EXIT_MSR_WRITE, .insn_len = 2 }, IO_EXIT(1));
	EXPECT_EQ(13, host_injected.vector);
	p->msr_ignore = true;
	gpr[GPR_RAX] = 9;
	RUN_TO_IO({ .reason = VCPU_EXIT_MSR_WRITE, .insn_len = 2 },
		  { .reason = VCPU_EXIT_MSR_READ, .insn_len = 2 });
	EXPECT_EQ(0, gpr[GPR_RAX]);
	EXPECT_EQ(CODE + 4, vp->vcpu.rip);
	child_gone(p);
}

TEST_ON_MACHINE(msr_that_the_parent_wants_is_an_intercept)
{
	struct hv_x64_msr_intercept_message *m;

	begin();
	ASSERT_EQ(0, install(HV_INTERCEPT_TYPE_X64_MSR_INDEX, HV_INTERCEPT_ACCESS_MASK_WRITE,
			     0x1234));
	vp->vcpu.gpr[GPR_RCX] = 0x1234;
	vp->vcpu.gpr[GPR_RAX] = 1;
	vp->vcpu.gpr[GPR_RDX] = 2;
	RUN({ .reason = VCPU_EXIT_MSR_WRITE, .insn_len = 2 });
	m = (void *)message->u.payload;
	EXPECT_EQ(HVMSG_X64_MSR_INTERCEPT, message->header.message_type);
	EXPECT_EQ(0x1234, m->msr_number);
	EXPECT_EQ(1, m->rax);
	EXPECT_EQ(2, m->rdx);
	/* All of them, reads too */
	ASSERT_EQ(0, install(HV_INTERCEPT_TYPE_X64_MSR, HV_INTERCEPT_ACCESS_MASK_READ, 0));
	vp->vcpu.gpr[GPR_RCX] = MSR_PAT;
	RUN({ .reason = VCPU_EXIT_MSR_READ, .insn_len = 2 });
	EXPECT_EQ(HV_INTERCEPT_ACCESS_READ, m->header.intercept_access_type);
	EXPECT_EQ(MSR_PAT, m->msr_number);
	child_gone(p);
}

static void put_code(const char *code, u32 size)
{
	gpa_write(&p->gpamap, CODE, code, size);
	vp->vcpu.rip = CODE;
}

TEST_ON_MACHINE(writes_of_control_registers)
{
	u64 *gpr;

	begin();
	gpr = vp->vcpu.gpr;
	put_code("\x0F\x22\xE3\x90\x90\x90\x90\x90", 8);		/* mov cr4,ebx */
	gpr[GPR_RBX] = CR4_PAE | CR4_PSE;
	RUN_TO_IO({ .reason = VCPU_EXIT_CR_WRITE, .cr = { 4 } });
	EXPECT_EQ(CR4_PAE | CR4_PSE, vmcb->cr[4]);
	EXPECT_EQ(CODE + 3, vp->vcpu.rip);
	/* A bit that there is not; PCIDs outside of long mode */
	vp->vcpu.rip = CODE;
	gpr[GPR_RBX] = 1U << 31;
	RUN({ .reason = VCPU_EXIT_CR_WRITE, .cr = { 4 } }, IO_EXIT(1));
	EXPECT_EQ(13, host_injected.vector);
	gpr[GPR_RBX] = CR4_PAE | CR4_PCIDE;
	RUN({ .reason = VCPU_EXIT_CR_WRITE, .cr = { 4 } }, IO_EXIT(1));
	EXPECT_EQ(13, host_injected.vector);
	EXPECT_EQ(CR4_PAE | CR4_PSE, vmcb->cr[4]);
	/* In long mode PAE stays. */
	vmcb->efer = EFER_LMA;
	gpr[GPR_RBX] = 0;
	RUN({ .reason = VCPU_EXIT_CR_WRITE, .cr = { 4 } }, IO_EXIT(1));
	EXPECT_EQ(13, host_injected.vector);
	vmcb->efer = 0;
	put_code("\x66\x0F\x22\xC1\x90\x90\x90\x90", 8);	/* mov cr8,ecx, so to speak */
	gpr[GPR_RCX] = 5;
	RUN_TO_IO({ .reason = VCPU_EXIT_CR_WRITE, .cr = { 8 } });
	EXPECT_EQ(5, vmcb->cr[8]);
	EXPECT_EQ(CODE + 4, vp->vcpu.rip);
	gpr[GPR_RCX] = 16;
	vp->vcpu.rip = CODE;
	RUN({ .reason = VCPU_EXIT_CR_WRITE, .cr = { 8 } }, IO_EXIT(1));
	EXPECT_EQ(13, host_injected.vector);
	put_code("\x90\x90\x90\x90\x90\x90\x90\x90", 8);
	RUN({ .reason = VCPU_EXIT_CR_WRITE, .cr = { 8 } }, IO_EXIT(1));
	EXPECT_EQ(6, host_injected.vector);
	child_gone(p);
}

TEST_ON_MACHINE(dr7_is_read_and_written)
{
	u64 *gpr;

	begin();
	gpr = vp->vcpu.gpr;
	put_code("\x0F\x23\xF8\x90\x90\x90\x90\x90", 8);		/* mov dr7,eax */
	gpr[GPR_RAX] = 0xFFFF0003;
	RUN_TO_IO({ .reason = VCPU_EXIT_DR7_WRITE });
	EXPECT_EQ(0xFFFF0403, vmcb->dr7);
	EXPECT_EQ(CODE + 3, vp->vcpu.rip);
	put_code("\x0F\x21\xFB\x90\x90\x90\x90\x90", 8);		/* mov ebx,dr7 */
	RUN_TO_IO({ .reason = VCPU_EXIT_DR7_READ });
	EXPECT_EQ(0xFFFF0403, gpr[GPR_RBX]);
	EXPECT_EQ(CODE + 3, vp->vcpu.rip);
	/* The upper half is reserved. */
	vmcb->efer = EFER_LMA;
	put_code("\x0F\x23\xF8\x90\x90\x90\x90\x90", 8);
	gpr[GPR_RAX] = 1UL << 32;
	RUN({ .reason = VCPU_EXIT_DR7_WRITE }, IO_EXIT(1));
	EXPECT_EQ(13, host_injected.vector);
	EXPECT_EQ(0xFFFF0403, vmcb->dr7);
	vmcb->efer = 0;
	put_code("\x0F\x22\xF8\x90\x90\x90\x90\x90", 8);		/* that is CR7 */
	RUN({ .reason = VCPU_EXIT_DR7_WRITE }, IO_EXIT(1));
	EXPECT_EQ(6, host_injected.vector);
	child_gone(p);
}

TEST_ON_MACHINE(int3_of_the_kernel_is_a_breakpoint)
{
	begin();
	put_code("\x66\xCC\x90\x90\x90\x90\x90\x90", 8);
	RUN_TO_IO({ .reason = VCPU_EXIT_SOFT_INTERRUPT });
	EXPECT_EQ(3, host_injected.vector);
	EXPECT_EQ(HV_INTERRUPTION_TYPE_SW_EXCEPTION, host_injected.type);
	EXPECT_EQ(false, host_injected.has_error);
	EXPECT_EQ(CODE + 2, vp->vcpu.rip);
	EXPECT_EQ(false, vmcb->soft_passes);
	child_gone(p);
}

TEST_ON_MACHINE(int3_is_the_parents_if_it_wants_it)
{
	struct hv_x64_exception_intercept_message *m;

	begin();
	ASSERT_EQ(0, install(HV_INTERCEPT_TYPE_EXCEPTION, HV_INTERCEPT_ACCESS_MASK_EXECUTE, 3));
	put_code("\xCC\x90\x90\x90\x90\x90\x90\x90", 8);
	RUN({ .reason = VCPU_EXIT_SOFT_INTERRUPT });
	m = (void *)message->u.payload;
	EXPECT_EQ(HVMSG_X64_EXCEPTION_INTERCEPT, message->header.message_type);
	EXPECT_EQ(3, m->exception_vector);
	EXPECT_EQ(CODE, vp->vcpu.rip);
	EXPECT_EQ(false, vmcb->soft_passes);
	child_gone(p);
}

TEST_ON_MACHINE(int1_is_a_debug_exception_at_any_level)
{
	struct hv_x64_exception_intercept_message *m;

	begin();
	vmcb->dr6 = 0xFFFF0FF0;
	vmcb->seg[SEG_SS].attributes |= HV_SEGMENT_DPL_MASK;
	put_code("\x66\xF1\x90\x90\x90\x90\x90\x90", 8);
	RUN_TO_IO(INT1_EXIT);
	EXPECT_EQ(1, host_injected.vector);
	EXPECT_EQ(HV_INTERRUPTION_TYPE_PRIV_SW_EXCEPTION, host_injected.type);
	EXPECT_EQ(CODE + 2, vp->vcpu.rip);
	EXPECT_EQ(0xFFFF0FF0, vmcb->dr6);
	EXPECT_EQ(false, vmcb->soft_passes);
	/* The parent sees it like any other #DB. */
	ASSERT_EQ(0, install(HV_INTERCEPT_TYPE_EXCEPTION, HV_INTERCEPT_ACCESS_MASK_EXECUTE, 1));
	vp->vcpu.rip = CODE;
	RUN(INT1_EXIT);
	m = (void *)message->u.payload;
	EXPECT_EQ(HVMSG_X64_EXCEPTION_INTERCEPT, message->header.message_type);
	EXPECT_EQ(1, m->exception_vector);
	EXPECT_EQ(0xFFFF0FF0, m->exception_parameter);
	EXPECT_EQ(CODE, vp->vcpu.rip);
	child_gone(p);
}

/*
 * The page that it was in is gone since, or holds something else: it has been executed
 * all the same, and looking again would find it no more than before.
 */
TEST_ON_MACHINE(int1_that_cannot_be_read_is_a_debug_exception)
{
	begin();
	vp->vcpu.rip = 0x800000;
	RUN_TO_IO(INT1_EXIT);
	EXPECT_EQ(1, host_injected.vector);
	EXPECT_EQ(HV_INTERRUPTION_TYPE_PRIV_SW_EXCEPTION, host_injected.type);
	EXPECT_EQ(0x800001, vp->vcpu.rip);
	EXPECT_EQ(false, vmcb->soft_passes);
	/* The processor may know its length. */
	RUN_TO_IO({ .reason = VCPU_EXIT_SOFT_INTERRUPT, .insn_len = 3, .soft = { true } });
	EXPECT_EQ(1, host_injected.vector);
	EXPECT_EQ(0x800004, vp->vcpu.rip);
	vp->vcpu.rip = CODE;
	put_code("\x90\x90\x90\x90\x90\x90\x90\x90", 8);
	RUN_TO_IO(INT1_EXIT);
	EXPECT_EQ(1, host_injected.vector);
	EXPECT_EQ(CODE + 1, vp->vcpu.rip);
	put_code("\xCC\x90\x90\x90\x90\x90\x90\x90", 8);
	RUN_TO_IO(INT1_EXIT);
	EXPECT_EQ(1, host_injected.vector);
	EXPECT_EQ(false, vmcb->soft_passes);
	child_gone(p);
}

TEST_ON_MACHINE(int_is_left_to_the_processor)
{
	begin();
	put_code("\xCD\x80\x90\x90\x90\x90\x90\x90", 8);
	RUN_TO_IO({ .reason = VCPU_EXIT_SOFT_INTERRUPT });
	EXPECT_EQ(true, vmcb->soft_passes);
	EXPECT_EQ(CODE, vp->vcpu.rip);
	/* Whether a program may do that is in the interrupt table. */
	vmcb->soft_passes = false;
	vmcb->seg[SEG_SS].attributes |= HV_SEGMENT_DPL_MASK;
	put_code("\xCC\x90\x90\x90\x90\x90\x90\x90", 8);
	RUN_TO_IO({ .reason = VCPU_EXIT_SOFT_INTERRUPT });
	EXPECT_EQ(true, vmcb->soft_passes);
	EXPECT_EQ(CODE, vp->vcpu.rip);
	/* Nothing can be read there. */
	vmcb->soft_passes = false;
	vp->vcpu.rip = 0x800000;
	RUN_TO_IO({ .reason = VCPU_EXIT_SOFT_INTERRUPT });
	EXPECT_EQ(true, vmcb->soft_passes);
	child_gone(p);
}

/* QEMU's emulator executes an INT3 that another processor has overwritten. */
TEST_ON_MACHINE(int_that_is_not_there_is_not_executed)
{
	u32 flushes;
	u8 code[8];

	begin();
	flushes = vmcb->flushes;
	put_code("\x90\x90\x90\x90\x90\x90\x90\x90", 8);
	RUN_TO_IO({ .reason = VCPU_EXIT_SOFT_INTERRUPT });
	EXPECT_EQ(false, vmcb->soft_passes);
	EXPECT_EQ(false, host_injected.valid);
	EXPECT_EQ(CODE, vp->vcpu.rip);
	EXPECT_EQ(flushes + 1, vmcb->flushes);
	ASSERT_EQ(true, gpa_read(&p->gpamap, CODE, code, sizeof(code)));
	EXPECT_EQ(0, memcmp(code, "\x90\x90\x90\x90\x90\x90\x90\x90", 8));
	child_gone(p);
}

TEST_ON_MACHINE(xsetbv_sets_what_the_partition_has)
{
	u64 *gpr;

	begin();
	gpr = vp->vcpu.gpr;
	gpr[GPR_RAX] = 7;
	gpr[GPR_RDX] = 0;
	RUN({ .reason = VCPU_EXIT_XSETBV, .insn_len = 3 }, IO_EXIT(1));
	EXPECT_EQ(6, host_injected.vector);
	vmcb->cr[4] |= CR4_OSXSAVE;
	RUN_TO_IO({ .reason = VCPU_EXIT_XSETBV, .insn_len = 3 });
	EXPECT_EQ(7, vp->vcpu.xcr0);
	gpr[GPR_RAX] = 4;
	RUN({ .reason = VCPU_EXIT_XSETBV, .insn_len = 3 }, IO_EXIT(1));
	EXPECT_EQ(13, host_injected.vector);
	gpr[GPR_RAX] = 3;
	gpr[GPR_RCX] = 1;
	RUN({ .reason = VCPU_EXIT_XSETBV, .insn_len = 3 }, IO_EXIT(1));
	EXPECT_EQ(13, host_injected.vector);
	EXPECT_EQ(7, vp->vcpu.xcr0);
	child_gone(p);
}

/* --- Memory ------------------------------------------------------------------------------ */

TEST_ON_MACHINE(access_to_a_hole_is_an_intercept)
{
	struct hv_x64_memory_intercept_message *m = NULL;
	static const u8 code[] = { 0x89, 0x03, 0x90, 0x90 };

	begin();
	m = (void *)message->u.payload;
	gpa_write(&p->gpamap, CODE, code, sizeof(code));
	vmcb->seg[SEG_CS].attributes |= HV_SEGMENT_DEFAULT;
	vp->vcpu.gpr[GPR_RBX] = 0xA00123;
	RUN({ .reason = VCPU_EXIT_NPT_FAULT, .npt = { .gpa = 0xA00123,
						      .flags = NPT_FAULT_WRITE } });
	EXPECT_EQ(HVMSG_UNMAPPED_GPA, message->header.message_type);
	EXPECT_EQ(0xA00123, m->guest_physical_address);
	EXPECT_EQ(0xA00123, m->guest_virtual_address);
	EXPECT_EQ(HV_INTERCEPT_ACCESS_WRITE, m->header.intercept_access_type);
	EXPECT_EQ(16, m->instruction_byte_count);
	options.gpa_intercept_page = true;
	RUN({ .reason = VCPU_EXIT_NPT_FAULT, .npt = { .gpa = 0xA00123 } });
	EXPECT_EQ(0xA00000, m->guest_physical_address);
	EXPECT_EQ(HV_INTERCEPT_ACCESS_READ, m->header.intercept_access_type);
	RUN({ .reason = VCPU_EXIT_NPT_FAULT,
	      .npt = { .gpa = 0xA00123, .flags = NPT_FAULT_EXEC } });
	EXPECT_EQ(HV_INTERCEPT_ACCESS_EXECUTE, m->header.intercept_access_type);
	child_gone(p);
}

TEST_ON_MACHINE(access_without_the_right_is_an_intercept_of_its_own)
{
	begin();
	ASSERT_EQ(0, map_pages(p, 0x400, ram_pages(1), 1, HV_MAP_GPA_READABLE));
	RUN({ .reason = VCPU_EXIT_NPT_FAULT,
	      .npt = { .gpa = 0x400000, .flags = NPT_FAULT_WRITE | NPT_FAULT_PRESENT } });
	EXPECT_EQ(HVMSG_GPA_INTERCEPT, message->header.message_type);
	/* What another processor has mapped meanwhile is just tried again. */
	RUN_TO_IO({ .reason = VCPU_EXIT_NPT_FAULT, .npt = { .gpa = 0x400000 } });
	EXPECT_EQ(HVMSG_X64_IO_PORT_INTERCEPT, message->header.message_type);
	child_gone(p);
}

/* --- Exceptions, halts, shutdown ---------------------------------------------------------- */

TEST_ON_MACHINE(exception_goes_to_the_guest_or_to_the_parent)
{
	struct hv_x64_exception_intercept_message *m;

	begin();
	m = (void *)message->u.payload;
	RUN({ .reason = VCPU_EXIT_EXCEPTION,
	      .exception = { .vector = 14, .has_error = true, .error = 6,
			     .parameter = 0x777 } }, IO_EXIT(1));
	EXPECT_EQ(14, host_injected.vector);
	EXPECT_EQ(6, host_injected.error);
	EXPECT_EQ(0x777, vmcb->cr[2]);
	ASSERT_EQ(0, install(HV_INTERCEPT_TYPE_EXCEPTION, HV_INTERCEPT_ACCESS_MASK_EXECUTE, 14));
	vp->vcpu.gpr[GPR_R15] = 0x15;
	RUN({ .reason = VCPU_EXIT_EXCEPTION,
	      .exception = { .vector = 14, .has_error = true, .error = 6,
			     .parameter = 0x888 } });
	EXPECT_EQ(HVMSG_X64_EXCEPTION_INTERCEPT, message->header.message_type);
	EXPECT_EQ(14, m->exception_vector);
	EXPECT_EQ(6, m->error_code);
	EXPECT_EQ(0x888, m->exception_parameter);
	EXPECT_EQ(0x15, m->gp_registers[GPR_R15]);
	EXPECT_EQ(0x777, vmcb->cr[2]);
	/* Those that always exit go back to the guest as they came. */
	vmcb->dr6 = 0xFFFF4FF1;
	RUN({ .reason = VCPU_EXIT_EXCEPTION,
	      .exception = { .vector = 17, .has_error = true } }, IO_EXIT(1));
	EXPECT_EQ(17, host_injected.vector);
	EXPECT_TRUE(host_injected.has_error);
	EXPECT_EQ(0, host_injected.error);
	RUN({ .reason = VCPU_EXIT_EXCEPTION,
	      .exception = { .vector = 1, .parameter = 0xFFFF4FF1 } }, IO_EXIT(1));
	EXPECT_EQ(1, host_injected.vector);
	EXPECT_FALSE(host_injected.has_error);
	EXPECT_EQ(0xFFFF4FF1, vmcb->dr6);
	EXPECT_EQ(0x777, vmcb->cr[2]);
	/* In real mode exceptions have no error code. */
	vmcb->cr[0] = 0;
	RUN({ .reason = VCPU_EXIT_UNDEFINED }, { .reason = VCPU_EXIT_MSR_READ }, IO_EXIT(1));
	EXPECT_FALSE(host_injected.has_error);
	child_gone(p);
}

TEST_ON_MACHINE(halted_vp_is_blocked_until_an_interrupt_comes)
{
	struct hv_output_dispatch_vp out;
	u64 signals;

	begin();
	child_vp(p, 1);
	out = RUN({ .reason = VCPU_EXIT_HLT, .insn_len = 1 });
	EXPECT_EQ(HV_VP_DISPATCH_STATE_BLOCKED, out.dispatch_state);
	EXPECT_EQ(HV_VP_DISPATCH_EVENT_NONE, out.dispatch_event);
	EXPECT_TRUE(vp->halted);
	EXPECT_EQ(CODE + 1, vp->vcpu.rip);
	/* Root has read what it was told so far. */
	notify_forget(vp);
	vp->notify_queued = 0;
	signals = vp->root_signal_count;
	EXPECT_EQ(MSR_OK, vp_msr_write(vp, MSR_APIC_BASE, APIC_DEFAULT_BASE | 0x800 | 0x100, true));
	EXPECT_TRUE(vlapic_write(&vp->apic, 0xF0, 0x1FF));
	vlapic_accept(&vp->apic, 0x55, false);
	EXPECT_EQ(signals + 1, vp->root_signal_count);
	RUN_TO_IO({ .reason = VCPU_EXIT_INTERRUPT_WINDOW });
	EXPECT_FALSE(vp->halted);
	EXPECT_EQ(0x55, vmcb->virq);
	child_gone(p);
}

TEST_ON_MACHINE(halt_that_nothing_ends_is_told_to_the_parent)
{
	begin();
	vp->vcpu.rflags &= ~RFLAGS_IF;
	RUN({ .reason = VCPU_EXIT_HLT, .insn_len = 1 });
	EXPECT_EQ(HVMSG_X64_HALT, message->header.message_type);
	EXPECT_FALSE(vp->halted);
	child_gone(p);
}

TEST_ON_MACHINE(halt_is_not_the_last_one_while_another_vp_can_wake)
{
	static const struct {
		const char *what;
		bool alive;
		bool startup, running, interrupts, nmi, masked;
		u64 requests;
		bool bsp;
	} others[] = {
		{ "halted", .alive = false },
		{ "runs", .alive = true, .running = true },
		{ "halted with interrupts on", .alive = true, .interrupts = true },
		{ "an NMI is on its way", .alive = true, .nmi = true },
		{ "NMIs are masked", .alive = false, .nmi = true, .masked = true },
		{ "waits for a SIPI", .alive = false, .startup = true },
		{ "SIPI", .alive = true, .startup = true, .requests = VP_REQ_SIPI },
		{ "SIPI not waited for", .alive = false, .requests = VP_REQ_SIPI },
		{ "INIT", .alive = false, .requests = VP_REQ_INIT },
		{ "INIT and SIPI", .alive = true, .requests = VP_REQ_INIT | VP_REQ_SIPI },
		{ "INIT of the first", .alive = true, .requests = VP_REQ_INIT, .bsp = true },
	};
	struct vp *other;
	u32 i;

	begin();
	other = child_vp(p, 1);
	for (i = 0; i < ARRAY_SIZE(others); i++) {
		CONTEXT("%s", others[i].what);
		other->startup_suspend = others[i].startup;
		other->halted = !others[i].running && !others[i].startup;
		other->vcpu.rflags = RFLAGS_FIXED | (others[i].interrupts ? RFLAGS_IF : 0);
		other->nmi_pending = others[i].nmi;
		vcpu_set_nmi_masked(&other->vcpu, others[i].masked);
		other->requests = others[i].requests;
		other->apic.base = APIC_DEFAULT_BASE | (others[i].bsp ? APIC_BASE_BSP : 0);
		vp->vcpu.rflags = RFLAGS_FIXED;
		vp->halted = false;
		message->header.message_type = HVMSG_NONE;
		RUN({ .reason = VCPU_EXIT_HLT, .insn_len = 1 });
		EXPECT_EQ(others[i].alive ? HVMSG_NONE : HVMSG_X64_HALT,
			  message->header.message_type);
		EXPECT_EQ(others[i].alive, vp->halted);
	}
	other->requests = 0;
	child_gone(p);
}

TEST_ON_MACHINE(end_of_a_guest_is_told_to_the_parent)
{
	struct hv_x64_invalid_vp_register_message *m;

	begin();
	m = (void *)message->u.payload;
	RUN({ .reason = VCPU_EXIT_SHUTDOWN });
	EXPECT_EQ(HVMSG_UNRECOVERABLE_EXCEPTION, message->header.message_type);
	m->vp_index = 9;
	RUN({ .reason = VCPU_EXIT_INVALID });
	EXPECT_EQ(HVMSG_INVALID_VP_REGISTER_VALUE, message->header.message_type);
	EXPECT_EQ(0, m->vp_index);
	child_gone(p);
}

TEST_ON_MACHINE(small_exits_change_nothing)
{
	begin();
	RUN_TO_IO({ .reason = VCPU_EXIT_RETRY }, { .reason = VCPU_EXIT_INTERRUPT },
		  { .reason = VCPU_EXIT_NMI }, { .reason = VCPU_EXIT_INTERRUPT_WINDOW });
	EXPECT_EQ(CODE, vp->vcpu.rip);
	RUN_TO_IO({ .reason = VCPU_EXIT_WBINVD, .insn_len = 2 });
	EXPECT_EQ(CODE + 2, vp->vcpu.rip);
	RUN({ .reason = VCPU_EXIT_UNDEFINED }, IO_EXIT(1));
	EXPECT_EQ(6, host_injected.vector);
	child_gone(p);
}

static bool ring_has(const char *text)
{
	const char *log = (const char *)openhv_info + openhv_info->log_offset;
	u64 i;

	for (i = 0; i + strlen(text) <= openhv_info->log_head; i++) {
		if (!strncmp(log + i, text, strlen(text)))
			return true;
	}
	return false;
}

TEST_ON_MACHINE(exits_are_logged_on_demand)
{
	begin();
	RUN_TO_IO({ .reason = VCPU_EXIT_WBINVD, .insn_len = 2 });
	EXPECT_FALSE(ring_has("WBINVD"));
	options.log_exits = true;
	RUN_TO_IO({ .reason = VCPU_EXIT_WBINVD, .insn_len = 2 }, { .reason = VCPU_EXIT_RETRY });
	RUN({ .reason = VCPU_EXIT_EXCEPTION, .exception = { .vector = 17 } }, IO_EXIT(0x3F9));
	RUN({ .reason = VCPU_EXIT_NPT_FAULT, .npt = { .gpa = 0xBAD000 } });
	EXPECT_TRUE(ring_has("WBINVD rax"));
	EXPECT_TRUE(ring_has("exception 17 error 0"));
	EXPECT_TRUE(ring_has("out port 3f9 size 1"));
	EXPECT_TRUE(ring_has("memory bad000 flags 0"));
	/* Not to the serial port, which is slow */
	EXPECT_FALSE(host_log_has("WBINVD"));
	child_gone(p);
}

/* --- Hypercalls of a guest ------------------------------------------------------------------ */

TEST_ON_MACHINE(hypercall_needs_a_page_and_the_kernel)
{
	u64 *gpr;

	begin();
	gpr = vp->vcpu.gpr;
	RUN({ .reason = VCPU_EXIT_HYPERCALL, .insn_len = 3 }, IO_EXIT(1));
	EXPECT_EQ(6, host_injected.vector);
	p->hypercall = HV_MSR_PAGE_ENABLE;
	/* 32-bit code: EDX:EAX, EBX:ECX, EDI:ESI */
	gpr[GPR_RAX] = 0x4321;
	gpr[GPR_RDX] = 0;
	RUN_TO_IO({ .reason = VCPU_EXIT_HYPERCALL, .insn_len = 3 });
	EXPECT_EQ(HV_STATUS_INVALID_HYPERCALL_CODE, gpr[GPR_RAX]);
	EXPECT_EQ(CODE + 3, vp->vcpu.rip);
	vmcb->efer = EFER_LMA;
	gpr[GPR_RCX] = HVCALL_CREATE_PARTITION;
	RUN_TO_IO({ .reason = VCPU_EXIT_HYPERCALL, .insn_len = 3 });
	EXPECT_EQ(HV_STATUS_ACCESS_DENIED, gpr[GPR_RAX]);
	vmcb->seg[SEG_SS].attributes = 0xF3;
	RUN({ .reason = VCPU_EXIT_HYPERCALL, .insn_len = 3 }, IO_EXIT(1));
	EXPECT_EQ(6, host_injected.vector);
	child_gone(p);
}

TEST_ON_MACHINE(hypercall_that_the_parent_wants_is_an_intercept)
{
	struct hv_x64_hypercall_intercept_message *m;

	begin();
	m = (void *)message->u.payload;
	p->hypercall = HV_MSR_PAGE_ENABLE;
	vmcb->efer = EFER_LMA;
	ASSERT_EQ(0, install(HV_INTERCEPT_TYPE_UNKNOWN_SYNIC_CONNECTION,
			     HV_INTERCEPT_ACCESS_MASK_EXECUTE, 0));
	vp->vcpu.gpr[GPR_RCX] = HVCALL_SIGNAL_EVENT | HV_HYPERCALL_FAST;
	vp->vcpu.gpr[GPR_RDX] = 0x99;
	RUN({ .reason = VCPU_EXIT_HYPERCALL, .insn_len = 3 });
	EXPECT_EQ(HVMSG_HYPERCALL_INTERCEPT, message->header.message_type);
	EXPECT_EQ(0x99, m->rdx);
	EXPECT_EQ(HVCALL_SIGNAL_EVENT | HV_HYPERCALL_FAST, m->rcx);
	EXPECT_EQ(CODE, vp->vcpu.rip);
	child_gone(p);
}

/* Only a call that is right, but for a device that nobody knows */
TEST_ON_MACHINE(retarget_of_an_unknown_device_is_the_parents_if_it_wants_it)
{
	static const struct {
		u64 partition, control;
		hv_status_t status;
	} wrong[] = {
		{ HV_PARTITION_ID_SELF, HV_HYPERCALL_FAST, HV_STATUS_INVALID_HYPERCALL_INPUT },
		{ HV_PARTITION_ID_SELF, 1UL << HV_HYPERCALL_REP_COUNT_SHIFT,
		  HV_STATUS_INVALID_HYPERCALL_INPUT },
		{ 0x1234, 0, HV_STATUS_ACCESS_DENIED },
	};
	u64 call = hv_var(HVCALL_RETARGET_INTERRUPT, 2);
	u64 *gpr, input[9] = { HV_PARTITION_ID_SELF, 0x77 }, features;
	u32 i;

	begin();
	gpr = vp->vcpu.gpr;
	p->hypercall = HV_MSR_PAGE_ENABLE;
	vmcb->efer = EFER_LMA;
	gpr[GPR_RDX] = 0;
	gpa_write(&p->gpamap, 0, input, sizeof(input));
	gpr[GPR_RCX] = call;
	RUN_TO_IO({ .reason = VCPU_EXIT_HYPERCALL, .insn_len = 3 });
	EXPECT_EQ(HV_STATUS_INVALID_DEVICE_ID, gpr[GPR_RAX]);

	ASSERT_EQ(0, install(HV_INTERCEPT_TYPE_RETARGET_INTERRUPT_WITH_UNKNOWN_DEVICE_ID,
			     HV_INTERCEPT_ACCESS_MASK_EXECUTE, 0));
	for (i = 0; i < ARRAY_SIZE(wrong); i++) {
		CONTEXT("case %u", i);
		gpa_write(&p->gpamap, 0, &wrong[i].partition, 8);
		gpr[GPR_RCX] = wrong[i].control & HV_HYPERCALL_FAST ?
			       HVCALL_RETARGET_INTERRUPT | wrong[i].control :
			       call | wrong[i].control;
		RUN_TO_IO({ .reason = VCPU_EXIT_HYPERCALL, .insn_len = 3 });
		EXPECT_EQ(wrong[i].status, gpr[GPR_RAX]);
	}
	gpa_write(&p->gpamap, 0, input, sizeof(input));
	gpr[GPR_RCX] = call;
	features = p->synthetic_features;
	p->synthetic_features &= ~TLFS_BIT64(HV_SYNTHETIC_FEATURE_RETARGET_DEVICE_INTERRUPT_BIT);
	RUN_TO_IO({ .reason = VCPU_EXIT_HYPERCALL, .insn_len = 3 });
	EXPECT_EQ(HV_STATUS_ACCESS_DENIED, gpr[GPR_RAX]);
	p->synthetic_features = features;

	vp->vcpu.rip = CODE;
	RUN({ .reason = VCPU_EXIT_HYPERCALL, .insn_len = 3 });
	EXPECT_EQ(HVMSG_HYPERCALL_INTERCEPT, message->header.message_type);
	EXPECT_EQ(CODE, vp->vcpu.rip);
	child_gone(p);
}

/* The intercept of hypercalls has no parameter: it is of the codes that openhv does not have. */
TEST_ON_MACHINE(hypercall_that_is_none_is_the_parents_if_it_wants_them)
{
	struct hv_x64_hypercall_intercept_message *m;

	begin();
	m = (void *)message->u.payload;
	p->hypercall = HV_MSR_PAGE_ENABLE;
	vmcb->efer = EFER_LMA;
	vp->vcpu.gpr[GPR_RCX] = HVCALL_EXT_QUERY_CAPABILITIES;
	RUN_TO_IO({ .reason = VCPU_EXIT_HYPERCALL, .insn_len = 3 });
	EXPECT_EQ(HV_STATUS_INVALID_HYPERCALL_CODE, vp->vcpu.gpr[GPR_RAX]);

	/* Bits of the parameter that nobody uses do not matter, here and below. */
	ASSERT_EQ(0, install(HV_INTERCEPT_TYPE_HYPERCALL, HV_INTERCEPT_ACCESS_MASK_EXECUTE, 77));
	vp->vcpu.rip = CODE;
	RUN({ .reason = VCPU_EXIT_HYPERCALL, .insn_len = 3 });
	EXPECT_EQ(HVMSG_HYPERCALL_INTERCEPT, message->header.message_type);
	EXPECT_EQ(HVCALL_EXT_QUERY_CAPABILITIES, m->rcx);
	EXPECT_EQ(CODE, vp->vcpu.rip);

	/* What openhv answers is not asked twice. */
	vp->vcpu.gpr[GPR_RCX] = HVCALL_FLUSH_VIRTUAL_ADDRESS_SPACE | 1UL << 62;
	RUN_TO_IO({ .reason = VCPU_EXIT_HYPERCALL, .insn_len = 3 });
	EXPECT_EQ(HV_STATUS_INVALID_HYPERCALL_INPUT, vp->vcpu.gpr[GPR_RAX]);
	vp->vcpu.gpr[GPR_RCX] = HVCALL_CREATE_PARTITION;
	RUN_TO_IO({ .reason = VCPU_EXIT_HYPERCALL, .insn_len = 3 });
	EXPECT_EQ(HV_STATUS_ACCESS_DENIED, vp->vcpu.gpr[GPR_RAX]);

	ASSERT_EQ(0, install(HV_INTERCEPT_TYPE_HYPERCALL, HV_INTERCEPT_ACCESS_MASK_NONE, 0));
	vp->vcpu.gpr[GPR_RCX] = HVCALL_EXT_QUERY_CAPABILITIES;
	RUN_TO_IO({ .reason = VCPU_EXIT_HYPERCALL, .insn_len = 3 });
	EXPECT_EQ(HV_STATUS_INVALID_HYPERCALL_CODE, vp->vcpu.gpr[GPR_RAX]);
	child_gone(p);
}

TEST_ON_MACHINE(unused_bits_of_an_intercepts_parameter_mean_nothing)
{
	begin();
	ASSERT_EQ(0, install(HV_INTERCEPT_TYPE_X64_CPUID, HV_INTERCEPT_ACCESS_MASK_EXECUTE,
			     0x1234567800000005));
	vp->vcpu.gpr[GPR_RAX] = 5;
	RUN({ .reason = VCPU_EXIT_CPUID, .insn_len = 2 });
	EXPECT_EQ(HVMSG_X64_CPUID_INTERCEPT, message->header.message_type);
	ASSERT_EQ(0, install(HV_INTERCEPT_TYPE_X64_MSR_INDEX, HV_INTERCEPT_ACCESS_MASK_READ,
			     0xFFFFFFFF00000000 | HV_X64_MSR_VP_INDEX));
	vp->vcpu.gpr[GPR_RCX] = HV_X64_MSR_VP_INDEX;
	RUN({ .reason = VCPU_EXIT_MSR_READ, .insn_len = 2 });
	EXPECT_EQ(HVMSG_X64_MSR_INTERCEPT, message->header.message_type);
	/* All MSRs, whatever is in the parameter; and none again, by another one */
	ASSERT_EQ(0, install(HV_INTERCEPT_TYPE_X64_MSR, HV_INTERCEPT_ACCESS_MASK_READ, 99));
	vp->vcpu.gpr[GPR_RCX] = HV_X64_MSR_TIME_REF_COUNT;
	RUN({ .reason = VCPU_EXIT_MSR_READ, .insn_len = 2 });
	EXPECT_EQ(HVMSG_X64_MSR_INTERCEPT, message->header.message_type);
	ASSERT_EQ(0, install(HV_INTERCEPT_TYPE_X64_MSR, HV_INTERCEPT_ACCESS_MASK_NONE, 100));
	RUN_TO_IO({ .reason = VCPU_EXIT_MSR_READ, .insn_len = 2 });
	/* The vector has 16 bits. */
	EXPECT_EQ(0, install(HV_INTERCEPT_TYPE_EXCEPTION, HV_INTERCEPT_ACCESS_MASK_EXECUTE,
			     0x10003));
	EXPECT_EQ(BIT(3), p->exception_intercepts);
	EXPECT_EQ(HV_STATUS_INVALID_PARAMETER,
		  install(HV_INTERCEPT_TYPE_EXCEPTION, HV_INTERCEPT_ACCESS_MASK_EXECUTE, 32));
	child_gone(p);
}

/* --- Events --------------------------------------------------------------------------------- */

TEST_ON_MACHINE(nmi_is_injected_once_and_masked)
{
	begin();
	WRITE_ONCE(vp->nmi_pending, 1);
	RUN({ .reason = VCPU_EXIT_RETRY }, IO_EXIT(1));
	EXPECT_EQ(0, vp->nmi_pending);
	EXPECT_TRUE(vmcb->nmi_masked);
	WRITE_ONCE(vp->nmi_pending, 1);
	RUN({ .reason = VCPU_EXIT_RETRY }, IO_EXIT(1));
	EXPECT_EQ(1, vp->nmi_pending);
	vmcb->nmi_masked = false;
	RUN(IO_EXIT(1));
	EXPECT_EQ(2, host_injected.vector);
	EXPECT_FALSE(pending().valid);
	child_gone(p);
}

TEST_ON_MACHINE(pending_event_is_injected_once_and_ends_a_halt)
{
	begin();
	ASSERT_EQ(0, reg64_set(vp, HV_REGISTER_PENDING_EVENT0, HV_PENDING_EVENT_PENDING |
			       (u64)X86_TRAP_UD << HV_PENDING_EVENT_VECTOR_SHIFT));
	vp->halted = true;
	RUN(IO_EXIT(1));
	EXPECT_TRUE(host_injected.valid);
	EXPECT_EQ(HV_INTERRUPTION_TYPE_EXCEPTION, host_injected.type);
	EXPECT_EQ(X86_TRAP_UD, host_injected.vector);
	EXPECT_EQ(0, reg64(vp, HV_REGISTER_PENDING_EVENT0));
	RUN(IO_EXIT(1));
	EXPECT_FALSE(host_injected.valid);
	child_gone(p);
}

static void takes_interrupt(struct lp *lp, struct vcpu *v)
{
	(void)lp;
	if (host_take_virq(v) >= 0)
		v->exit = (struct vcpu_exit){ .reason = VCPU_EXIT_RETRY };
	else
		v->exit = (struct vcpu_exit)IO_EXIT(1);
}

TEST_ON_MACHINE(interrupt_is_in_service_once_the_guest_took_it)
{
	begin();
	EXPECT_TRUE(vlapic_write(&vp->apic, 0xF0, 0x1FF));
	vlapic_accept(&vp->apic, 0x61, false);
	host_guest = takes_interrupt;
	dispatch(vp, 0);
	EXPECT_FALSE(bitmap_test(vp->apic.irr, 0x61));
	EXPECT_TRUE(bitmap_test(vp->apic.isr, 0x61));
	/* One that is not taken waits on. */
	vlapic_accept(&vp->apic, 0x72, false);
	RUN(IO_EXIT(1));
	EXPECT_TRUE(bitmap_test(vp->apic.irr, 0x72));
	child_gone(p);
}

TEST_ON_MACHINE(eoi_is_saved_by_the_assist_page)
{
	struct hv_vp_assist_page *assist;

	begin();
	EXPECT_EQ(MSR_OK, vp_msr_write(vp, HV_X64_MSR_VP_ASSIST_PAGE, 0x9000 | 1, true));
	assist = vp->assist.page;
	ASSERT_NE(NULL, assist);
	EXPECT_TRUE(vlapic_write(&vp->apic, 0xF0, 0x1FF));
	vlapic_accept(&vp->apic, 0x61, false);
	host_guest = takes_interrupt;
	dispatch(vp, 0);
	EXPECT_TRUE(vp->assist_armed);
	EXPECT_TRUE(assist->apic_assist & HV_APIC_ASSIST_NO_EOI_REQUIRED);
	/* The guest clears the bit instead of writing EOI. */
	assist->apic_assist = 0;
	RUN(IO_EXIT(1));
	EXPECT_FALSE(vp->assist_armed);
	EXPECT_FALSE(bitmap_test(vp->apic.isr, 0x61));
	/* While another one waits the EOI has to be written. */
	vlapic_accept(&vp->apic, 0x61, false);
	host_guest = takes_interrupt;
	dispatch(vp, HV_DISPATCH_VP_FLAG_CLEAR_INTERCEPT_SUSPEND);
	vlapic_accept(&vp->apic, 0x51, false);
	RUN(IO_EXIT(1));
	EXPECT_FALSE(vp->assist_armed);
	EXPECT_FALSE(assist->apic_assist & HV_APIC_ASSIST_NO_EOI_REQUIRED);
	EXPECT_TRUE(bitmap_test(vp->apic.isr, 0x61));
	child_gone(p);
}

TEST_ON_MACHINE(no_promise_outlives_the_assist_page)
{
	const u64 on = 0x9000 | 1;
	struct hv_vp_assist_page *assist;

	begin();
	assist = vp->assist.own;
	/* What the memory was left with */
	assist->apic_assist = HV_APIC_ASSIST_NO_EOI_REQUIRED | 2;
	EXPECT_EQ(MSR_OK, vp_msr_write(vp, HV_X64_MSR_VP_ASSIST_PAGE, on, true));
	ASSERT_EQ(assist, vp->assist.page);
	EXPECT_EQ(2, assist->apic_assist);
	EXPECT_TRUE(vlapic_write(&vp->apic, 0xF0, 0x1FF));
	vlapic_accept(&vp->apic, 0x61, false);
	host_guest = takes_interrupt;
	dispatch(vp, 0);
	EXPECT_TRUE(vp->assist_armed);
	EXPECT_EQ(3, assist->apic_assist);
	/* Written again as it is, it changes nothing. */
	EXPECT_EQ(MSR_OK, vp_msr_write(vp, HV_X64_MSR_VP_ASSIST_PAGE, on, true));
	EXPECT_EQ(3, assist->apic_assist);
	/* Turned off before the guest has come to the end of the interrupt, it is to write EOI. */
	EXPECT_EQ(MSR_OK, vp_msr_write(vp, HV_X64_MSR_VP_ASSIST_PAGE, 0, true));
	EXPECT_EQ(2, assist->apic_assist);
	EXPECT_TRUE(bitmap_test(vp->apic.isr, 0x61));
	vlapic_eoi(&vp->apic);
	/* Turned off when it has cleared the bit, that was its EOI. */
	EXPECT_EQ(MSR_OK, vp_msr_write(vp, HV_X64_MSR_VP_ASSIST_PAGE, on, true));
	vlapic_accept(&vp->apic, 0x61, false);
	host_guest = takes_interrupt;
	dispatch(vp, HV_DISPATCH_VP_FLAG_CLEAR_INTERCEPT_SUSPEND);
	EXPECT_TRUE(vp->assist_armed);
	EXPECT_TRUE(bitmap_test(vp->apic.isr, 0x61));
	assist->apic_assist = 0;
	EXPECT_EQ(MSR_OK, vp_msr_write(vp, HV_X64_MSR_VP_ASSIST_PAGE, 0, true));
	EXPECT_FALSE(bitmap_test(vp->apic.isr, 0x61));
	/* A processor that is reset serves no interrupt, and is promised nothing. */
	EXPECT_EQ(MSR_OK, vp_msr_write(vp, HV_X64_MSR_VP_ASSIST_PAGE, on, true));
	assist->apic_assist = HV_APIC_ASSIST_NO_EOI_REQUIRED;
	vp_reset(vp, true);
	EXPECT_EQ(0, assist->apic_assist);
	child_gone(p);
}

TEST_ON_MACHINE(deliverability_is_told_when_it_comes)
{
	struct hv_x64_interruption_deliverable_message *m;

	begin();
	m = (void *)message->u.payload;
	vp->vcpu.rflags &= ~RFLAGS_IF;
	ASSERT_EQ(0, reg64_set(vp, HV_REGISTER_DELIVERABILITY_NOTIFICATIONS,
			       HV_DELIVERABILITY_INTERRUPT));
	RUN_TO_IO({ .reason = VCPU_EXIT_RETRY });
	EXPECT_EQ(HVMSG_X64_IO_PORT_INTERCEPT, message->header.message_type);
	vp->vcpu.rflags |= RFLAGS_IF;
	host_guest = NULL;
	dispatch(vp, HV_DISPATCH_VP_FLAG_CLEAR_INTERCEPT_SUSPEND);
	EXPECT_EQ(HVMSG_X64_INTERRUPTION_DELIVERABLE, message->header.message_type);
	EXPECT_EQ(HV_INTERRUPTION_TYPE_EXT_INT, m->deliverable_type);
	child_gone(p);
}

TEST_ON_MACHINE(init_and_sipi_start_a_processor)
{
	struct hv_output_dispatch_vp out;

	begin();
	vp = child_vp(p, 1);
	vmcb = vp->vcpu.arch.vmcb;
	vp_request(vp, VP_REQ_INIT);
	host_guest = NULL;
	out = dispatch(vp, 0);
	EXPECT_EQ(HV_VP_DISPATCH_STATE_BLOCKED, out.dispatch_state);
	EXPECT_TRUE(vp->startup_suspend);
	vp->sipi_vector = 0x9A;
	vp_request(vp, VP_REQ_SIPI | VP_REQ_FLUSH);
	RUN(IO_EXIT(1));
	EXPECT_FALSE(vp->startup_suspend);
	EXPECT_EQ(0x9A000, vmcb->seg[SEG_CS].base);
	EXPECT_EQ(0, vp->vcpu.rip);
	child_gone(p);
}

/* --- Dispatch -------------------------------------------------------------------------------- */

TEST_ON_MACHINE(dispatch_says_why_it_is_over)
{
	struct hv_output_dispatch_vp out;
	hv_status_t status;

	begin();
	ASSERT_EQ(0, reg64_set(vp, HV_REGISTER_EXPLICIT_SUSPEND, 1));
	out = dispatch(vp, 0);
	EXPECT_EQ(HV_VP_DISPATCH_STATE_BLOCKED, out.dispatch_state);
	EXPECT_EQ(HV_VP_DISPATCH_EVENT_SUSPEND, out.dispatch_event);
	ASSERT_EQ(0, reg64_set(vp, HV_REGISTER_EXPLICIT_SUSPEND, 0));
	dispatch_full(vp, 1U << 31, 0, &status);
	EXPECT_EQ(HV_STATUS_INVALID_PARAMETER, status);
	dispatch_full(root_vp(), 0, 0, &status);
	EXPECT_NE(0, status);
	WRITE_ONCE(vp->running, VP_RUNNING);
	EXPECT_EQ(HV_STATUS_INVALID_VP_STATE,
		  sched->dispatch(vp, &(struct hv_input_dispatch_vp){}, &out));
	WRITE_ONCE(vp->running, 0);
	/* Root has an interrupt of its own. */
	WRITE_ONCE(root_vp()->nmi_pending, 1);
	host_guest = NULL;
	out = dispatch(vp, 0);
	EXPECT_EQ(HV_VP_DISPATCH_STATE_READY, out.dispatch_state);
	EXPECT_EQ(HV_VP_DISPATCH_EVENT_NONE, out.dispatch_event);
	WRITE_ONCE(root_vp()->nmi_pending, 0);
	child_gone(p);
}

static void runs_long(struct lp *lp, struct vcpu *v)
{
	(void)lp;
	host_pass_time(100);
	v->exit = (struct vcpu_exit){ .reason = VCPU_EXIT_INTERRUPT };
}

TEST_ON_MACHINE(slice_comes_to_its_end)
{
	struct hv_output_dispatch_vp out;

	begin();
	host_guest = runs_long;
	out = dispatch_full(vp, 0, 1000, NULL);
	EXPECT_EQ(HV_VP_DISPATCH_STATE_READY, out.dispatch_state);
	EXPECT_GE(12, vmcb->entries);
	EXPECT_LE(9, vmcb->entries);
	child_gone(p);
}

/* Another of root's processors sends an IPI to the one whose time the child uses. */
static void root_is_interrupted(struct lp *lp, struct vcpu *v)
{
	host_lp = lps[1];
	vlapic_accept(&lp->root_vp->apic, 0x41, false);
	host_lp = lp;
	v->exit = (struct vcpu_exit){ .reason = VCPU_EXIT_INTERRUPT };
}

TEST_ON_MACHINE(interrupt_of_root_ends_its_child_s_time)
{
	struct hv_output_dispatch_vp out;
	struct lp *lp = lp_self();

	begin();
	root_vp()->apic.svr |= APIC_SVR_ENABLE;
	host_kicks[lp->index] = 0;
	host_guest = root_is_interrupted;
	out = dispatch(vp, HV_DISPATCH_VP_FLAG_CLEAR_INTERCEPT_SUSPEND);
	EXPECT_EQ(HV_VP_DISPATCH_STATE_READY, out.dispatch_state);
	EXPECT_EQ(1, vmcb->entries);
	EXPECT_EQ(1, host_kicks[lp->index]);
	/* Root's VP itself, in openhv, sees it without being told. */
	lp->current = root_vp();
	host_lp = lps[1];
	vlapic_accept(&lp->root_vp->apic, 0x42, false);
	host_lp = lp;
	EXPECT_EQ(1, host_kicks[lp->index]);
	child_gone(p);
}

TEST_ON_MACHINE(stale_translations_are_gone_at_the_next_entry)
{
	u32 flushes;

	begin();
	RUN(IO_EXIT(1));
	flushes = vmcb->flushes;
	RUN(IO_EXIT(1));
	EXPECT_EQ(flushes, vmcb->flushes);
	ASSERT_EQ(0, unmap_pages(p, 5, 1, 0));
	RUN(IO_EXIT(1));
	EXPECT_EQ(flushes + 1, vmcb->flushes);
	child_gone(p);
}

TEST_HARNESS_MAIN
