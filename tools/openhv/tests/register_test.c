// SPDX-License-Identifier: GPL-2.0-only
/*
 * Registers of VPs by name: core/register.c, and the hypercalls on them.
 */
#include <asm/cpu.h>
#include <asm/x86.h>
#include <openhv/features.h>
#include <openhv/run.h>
#include <tlfs/cpuid.h>
#include <tlfs/msr.h>
#include <tlfs/partition.h>
#include <tlfs/vp.h>
#include "test.h"

static struct vp *new_vp(void)
{
	struct partition *p = child_new();

	map_ram(p, 0, 16);
	return child_vp(p, 0);
}

/* --- Which there are ---------------------------------------------------------------- */

/* How a register behaves when what was read is written back */
enum kind {
	SAME,		/* it is accepted, and reads the same again */
	COUNTS,		/* accepted, but it goes on by itself */
	READ_ONLY,	/* not accepted */
};

static const struct {
	u32 first;
	u32 last;
	enum kind kind;
} names[] = {
	{ HV_REGISTER_EXPLICIT_SUSPEND, HV_REGISTER_INTERCEPT_SUSPEND, SAME },
	{ HV_REGISTER_INSTRUCTION_EMULATION_HINTS, HV_REGISTER_INSTRUCTION_EMULATION_HINTS,
	  READ_ONLY },
	{ HV_REGISTER_DISPATCH_SUSPEND, HV_REGISTER_INTERNAL_ACTIVITY_STATE, SAME },
	{ HV_REGISTER_HYPERVISOR_VERSION, HV_REGISTER_HYPERVISOR_VERSION, READ_ONLY },
	{ HV_REGISTER_PRIVILEGES_AND_FEATURES_INFO, HV_REGISTER_HARDWARE_FEATURES_INFO, READ_ONLY },
	{ HV_REGISTER_GUEST_CRASH_P0, HV_REGISTER_GUEST_CRASH_CTL, SAME },
	{ HV_REGISTER_PROCESSOR_CLOCK_FREQUENCY, HV_REGISTER_INTERRUPT_CLOCK_FREQUENCY, SAME },
	{ HV_REGISTER_PENDING_INTERRUPTION, HV_X64_REGISTER_PENDING_DEBUG_EXCEPTION, SAME },
	{ HV_X64_REGISTER_RAX, HV_X64_REGISTER_RFLAGS, SAME },
	{ HV_X64_REGISTER_XMM0, HV_X64_REGISTER_XMM_CONTROL_STATUS, SAME },
	{ HV_X64_REGISTER_CR0, HV_X64_REGISTER_XFEM, SAME },
	{ HV_X64_REGISTER_INTERMEDIATE_CR0, HV_X64_REGISTER_INTERMEDIATE_CR0, SAME },
	{ HV_X64_REGISTER_INTERMEDIATE_CR3, HV_X64_REGISTER_INTERMEDIATE_CR8, SAME },
	{ HV_X64_REGISTER_DR0, HV_X64_REGISTER_DR7, SAME },
	{ HV_X64_REGISTER_ES, HV_X64_REGISTER_TR, SAME },
	{ HV_X64_REGISTER_IDTR, HV_X64_REGISTER_GDTR, SAME },
	{ HV_X64_REGISTER_TSC, HV_X64_REGISTER_TSC, COUNTS },
	{ HV_X64_REGISTER_EFER, HV_X64_REGISTER_MSR_MTRR_DEF_TYPE, SAME },
	{ HV_X64_REGISTER_MSR_MTRR_PHYS_BASE0, HV_X64_REGISTER_MSR_MTRR_PHYS_BASE0 + 7, SAME },
	{ HV_X64_REGISTER_MSR_MTRR_PHYS_MASK0, HV_X64_REGISTER_MSR_MTRR_PHYS_MASK0 + 7, SAME },
	{ HV_X64_REGISTER_MSR_MTRR_FIX64K00000, HV_X64_REGISTER_TSC_AUX, SAME },
	{ HV_X64_REGISTER_DEBUG_CTL, HV_X64_REGISTER_DEBUG_CTL, SAME },
	{ HV_X64_REGISTER_TSC_ADJUST, HV_X64_REGISTER_TSC_ADJUST, SAME },
	{ HV_X64_REGISTER_MSR_IA32_MISC_ENABLE, HV_X64_REGISTER_MSR_IA32_MISC_ENABLE, SAME },
	{ HV_X64_REGISTER_APIC_ID, HV_X64_REGISTER_APIC_ID, SAME },
	{ HV_X64_REGISTER_APIC_VERSION, HV_X64_REGISTER_APIC_VERSION, READ_ONLY },
	/* TPR to IRR, by the numbers of the x2APIC's MSRs, without the EOI register */
	{ HV_X64_REGISTER_X2APIC_BASE + 0x08, HV_X64_REGISTER_X2APIC_BASE + 0x0A, READ_ONLY },
	{ HV_X64_REGISTER_X2APIC_BASE + 0x0C, HV_X64_REGISTER_X2APIC_BASE + 0x28, READ_ONLY },
	{ HV_X64_REGISTER_X2APIC_BASE + 0x2F, HV_X64_REGISTER_X2APIC_BASE + 0x39, READ_ONLY },
	{ HV_X64_REGISTER_X2APIC_BASE + 0x3E, HV_X64_REGISTER_X2APIC_BASE + 0x3E, READ_ONLY },
	{ HV_REGISTER_VP_RUNTIME, HV_REGISTER_VP_INDEX, SAME },
	{ HV_REGISTER_TIME_REF_COUNT, HV_REGISTER_TIME_REF_COUNT, COUNTS },
	{ HV_X64_REGISTER_SYNTHETIC_ICR, HV_REGISTER_VP_ASSIST_PAGE, SAME },
	{ HV_REGISTER_VP_ROOT_SIGNAL_COUNT, HV_REGISTER_VP_ROOT_SIGNAL_COUNT, READ_ONLY },
	{ HV_REGISTER_REFERENCE_TSC, HV_REGISTER_REFERENCE_TSC, SAME },
	{ HV_REGISTER_SINT0, HV_REGISTER_EOM, SAME },
	{ HV_REGISTER_STIMER0_CONFIG, HV_REGISTER_STIMER3_COUNT, SAME },
};

static bool known(u32 name, enum kind *kind)
{
	u32 i;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		if (name >= names[i].first && name <= names[i].last) {
			*kind = names[i].kind;
			return true;
		}
	}
	return false;
}

TEST_ON_MACHINE(every_name_is_known_or_refused)
{
	struct vp *vp = new_vp();
	union hv_register_value value;
	enum kind kind;
	u32 name;

	for (name = 0; name < 0x100000; name++) {
		hv_status_t status = vp_get_register(vp, name, &value);

		CONTEXT("register %x", name);
		if (known(name, &kind))
			EXPECT_EQ(0, status);
		else
			EXPECT_EQ(HV_STATUS_INVALID_PARAMETER, status);
	}
	EXPECT_EQ(HV_STATUS_INVALID_PARAMETER, vp_get_register(vp, 0xFFFFFFFF, &value));
	EXPECT_EQ(HV_STATUS_INVALID_PARAMETER, vp_get_register(vp, 0x80020000, &value));
}

TEST_ON_MACHINE(unknown_name_cannot_be_set)
{
	struct vp *vp = new_vp();
	union hv_register_value value = {};
	enum kind kind;
	u32 name;

	for (name = 0; name < 0x100000; name++) {
		/* This one has only an effect. */
		if (name == HV_X64_REGISTER_SYNTHETIC_EOI || known(name, &kind))
			continue;
		CONTEXT("register %x", name);
		EXPECT_EQ(HV_STATUS_INVALID_PARAMETER, vp_set_register(vp, name, &value));
	}
}

TEST_ON_MACHINE(what_was_read_can_be_written_back)
{
	struct vp *vp = new_vp();
	union hv_register_value value, again;
	u32 i, name;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		for (name = names[i].first; name <= names[i].last; name++) {
			CONTEXT("register %x", name);
			ASSERT_EQ(0, reg_get(vp, name, &value));
			if (names[i].kind == READ_ONLY) {
				EXPECT_EQ(HV_STATUS_INVALID_PARAMETER, reg_set(vp, name, &value));
				continue;
			}
			EXPECT_EQ(0, reg_set(vp, name, &value));
			ASSERT_EQ(0, reg_get(vp, name, &again));
			if (names[i].kind == SAME)
				EXPECT_EQ(0, memcmp(&value, &again, sizeof(value)));
		}
	}
	/* And nothing came of it. */
	EXPECT_FALSE(host_log_has("crash"));
	child_gone(vp->partition);
}

TEST_ON_MACHINE(registers_that_hold_any_value)
{
	struct vp *vp = new_vp();
	u32 name;

	for (name = HV_X64_REGISTER_RAX; name <= HV_X64_REGISTER_RIP; name++) {
		CONTEXT("register %x", name);
		EXPECT_EQ(0, reg64_set(vp, name, 0xF123456789ABCDE0 + name));
	}
	for (name = HV_X64_REGISTER_RAX; name <= HV_X64_REGISTER_RIP; name++) {
		CONTEXT("register %x", name);
		EXPECT_EQ(0xF123456789ABCDE0 + name, reg64(vp, name));
	}
	for (name = HV_X64_REGISTER_DR0; name <= HV_X64_REGISTER_DR0 + 3; name++) {
		EXPECT_EQ(0, reg64_set(vp, name, 0xF000000000000000 + name));
		EXPECT_EQ(0xF000000000000000 + name, reg64(vp, name));
	}
	EXPECT_EQ(0, reg64_set(vp, HV_X64_REGISTER_CR2, ~0UL));
	EXPECT_EQ(~0UL, reg64(vp, HV_X64_REGISTER_CR2));
	/* The names have the hardware's order. */
	EXPECT_EQ(reg64(vp, HV_X64_REGISTER_RSP), vp->vcpu.gpr[GPR_RSP]);
	EXPECT_EQ(reg64(vp, HV_X64_REGISTER_R15), vp->vcpu.gpr[GPR_R15]);
	child_gone(vp->partition);
}

TEST_ON_MACHINE(fixed_bits_are_fixed)
{
	struct vp *vp = new_vp();

	EXPECT_EQ(0, reg64_set(vp, HV_X64_REGISTER_RFLAGS, ~0UL));
	EXPECT_EQ(RFLAGS_VALID | RFLAGS_FIXED, reg64(vp, HV_X64_REGISTER_RFLAGS));
	EXPECT_EQ(0, reg64_set(vp, HV_X64_REGISTER_RFLAGS, 0));
	EXPECT_EQ(RFLAGS_FIXED, reg64(vp, HV_X64_REGISTER_RFLAGS));
	EXPECT_EQ(0, reg64_set(vp, HV_X64_REGISTER_DR6, 0));
	EXPECT_EQ(0xFFFF0FF0, reg64(vp, HV_X64_REGISTER_DR6));
	EXPECT_EQ(0, reg64_set(vp, HV_X64_REGISTER_DR7, ~0UL));
	EXPECT_EQ(0xFFFF2FFF, reg64(vp, HV_X64_REGISTER_DR7));
	EXPECT_EQ(0, reg64_set(vp, HV_X64_REGISTER_DR7, 0));
	EXPECT_EQ(0x400, reg64(vp, HV_X64_REGISTER_DR7));
	EXPECT_EQ(0, reg64_set(vp, HV_X64_REGISTER_CR0, 0));
	EXPECT_EQ(CR0_ET, reg64(vp, HV_X64_REGISTER_CR0));
	child_gone(vp->partition);
}

TEST_ON_MACHINE(control_registers_refuse_what_no_processor_has)
{
	static const struct {
		u32 name;
		u64 value;
		hv_status_t status;
	} cases[] = {
		{ HV_X64_REGISTER_CR0, CR0_PE | CR0_PG, 0 },
		{ HV_X64_REGISTER_CR0, CR0_PG, HV_STATUS_INVALID_PARAMETER },
		{ HV_X64_REGISTER_CR0, CR0_NW, HV_STATUS_INVALID_PARAMETER },
		{ HV_X64_REGISTER_CR0, CR0_NW | CR0_CD, 0 },
		{ HV_X64_REGISTER_CR0, 1UL << 32, HV_STATUS_INVALID_PARAMETER },
		{ HV_X64_REGISTER_INTERMEDIATE_CR0, CR0_PG, HV_STATUS_INVALID_PARAMETER },
		{ HV_X64_REGISTER_CR3, 1UL << HOST_PHYS_BITS, HV_STATUS_INVALID_PARAMETER },
		{ HV_X64_REGISTER_CR3, (1UL << HOST_PHYS_BITS) - 1, 0 },
		{ HV_X64_REGISTER_INTERMEDIATE_CR3, ~0UL, HV_STATUS_INVALID_PARAMETER },
		{ HV_X64_REGISTER_CR4, CR4_PAE | CR4_OSXSAVE | CR4_LA57 * 0, 0 },
		{ HV_X64_REGISTER_CR4, CR4_PKE, HV_STATUS_INVALID_PARAMETER },
		{ HV_X64_REGISTER_CR4, CR4_CET, HV_STATUS_INVALID_PARAMETER },
		{ HV_X64_REGISTER_CR4, 1UL << 13, HV_STATUS_INVALID_PARAMETER },
		{ HV_X64_REGISTER_INTERMEDIATE_CR4, 1UL << 63, HV_STATUS_INVALID_PARAMETER },
		{ HV_X64_REGISTER_CR8, 15, 0 },
		{ HV_X64_REGISTER_CR8, 16, HV_STATUS_INVALID_PARAMETER },
		{ HV_X64_REGISTER_INTERMEDIATE_CR8, ~0UL, HV_STATUS_INVALID_PARAMETER },
		{ HV_X64_REGISTER_EFER, EFER_SCE | EFER_NXE, 0 },
		{ HV_X64_REGISTER_EFER, EFER_SVME, HV_STATUS_INVALID_PARAMETER },
		{ HV_X64_REGISTER_EFER, EFER_LMSLE, HV_STATUS_INVALID_PARAMETER },
		{ HV_X64_REGISTER_EFER, 2, HV_STATUS_INVALID_PARAMETER },
		{ HV_X64_REGISTER_XFEM, 0, HV_STATUS_INVALID_PARAMETER },
		{ HV_X64_REGISTER_XFEM, 2, HV_STATUS_INVALID_PARAMETER },
		{ HV_X64_REGISTER_XFEM, 1, 0 },
		{ HV_X64_REGISTER_XFEM, 5, HV_STATUS_INVALID_PARAMETER },
		{ HV_X64_REGISTER_XFEM, 7, 0 },
		{ HV_X64_REGISTER_XFEM, 0xE7, 0 },
		{ HV_X64_REGISTER_XFEM, 0x67, HV_STATUS_INVALID_PARAMETER },
		{ HV_X64_REGISTER_XFEM, 0xE3, HV_STATUS_INVALID_PARAMETER },
		{ HV_X64_REGISTER_XFEM, 0x207, HV_STATUS_INVALID_PARAMETER },
	};
	struct vp *vp = new_vp();
	u32 i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		u64 before = reg64(vp, cases[i].name);

		CONTEXT("register %x, value %llx", cases[i].name,
			(unsigned long long)cases[i].value);
		EXPECT_EQ(cases[i].status, reg64_set(vp, cases[i].name, cases[i].value));
		if (cases[i].status)
			EXPECT_EQ(before, reg64(vp, cases[i].name));
	}
	child_gone(vp->partition);
}

TEST_ON_MACHINE(intermediate_registers_are_the_registers)
{
	struct vp *vp = new_vp();

	ASSERT_EQ(0, reg64_set(vp, HV_X64_REGISTER_INTERMEDIATE_CR0, CR0_PE));
	EXPECT_EQ(CR0_PE | CR0_ET, reg64(vp, HV_X64_REGISTER_CR0));
	ASSERT_EQ(0, reg64_set(vp, HV_X64_REGISTER_INTERMEDIATE_CR3, 0x5000));
	EXPECT_EQ(0x5000, reg64(vp, HV_X64_REGISTER_CR3));
	ASSERT_EQ(0, reg64_set(vp, HV_X64_REGISTER_INTERMEDIATE_CR4, CR4_PAE));
	EXPECT_EQ(CR4_PAE, reg64(vp, HV_X64_REGISTER_CR4));
	ASSERT_EQ(0, reg64_set(vp, HV_X64_REGISTER_INTERMEDIATE_CR8, 7));
	EXPECT_EQ(7, reg64(vp, HV_X64_REGISTER_CR8));
	child_gone(vp->partition);
}

TEST_ON_MACHINE(long_mode_is_active_when_both_its_bits_are_set)
{
	struct vp *vp = new_vp();

	/* In either order, as clients write them */
	ASSERT_EQ(0, reg64_set(vp, HV_X64_REGISTER_EFER, EFER_LME));
	EXPECT_EQ(EFER_LME, reg64(vp, HV_X64_REGISTER_EFER));
	ASSERT_EQ(0, reg64_set(vp, HV_X64_REGISTER_CR0, CR0_PE | CR0_PG));
	EXPECT_EQ(EFER_LME | EFER_LMA, reg64(vp, HV_X64_REGISTER_EFER));
	ASSERT_EQ(0, reg64_set(vp, HV_X64_REGISTER_EFER, EFER_SCE));
	EXPECT_EQ(EFER_SCE, reg64(vp, HV_X64_REGISTER_EFER));
	ASSERT_EQ(0, reg64_set(vp, HV_X64_REGISTER_EFER, EFER_LME | EFER_LMA));
	EXPECT_EQ(EFER_LME | EFER_LMA, reg64(vp, HV_X64_REGISTER_EFER));
	ASSERT_EQ(0, reg64_set(vp, HV_X64_REGISTER_CR0, CR0_PE));
	EXPECT_EQ(EFER_LME, reg64(vp, HV_X64_REGISTER_EFER));
	child_gone(vp->partition);
}

/* --- Extended state ------------------------------------------------------------------------- */

TEST_ON_MACHINE(xmm_and_x87_registers_are_in_the_state)
{
	struct vp *vp = new_vp();
	union hv_register_value v = {}, seen;
	const u8 *fpu = vp->vcpu.fpu;
	u64 present;
	u32 i;

	memset(vp->vcpu.fpu, 0, PAGE_SIZE);
	for (i = 0; i < 16; i++) {
		v.reg128 = (struct hv_u128){ 0x1111111111111111UL * i, 0x0101010101010101UL * i };
		ASSERT_EQ(0, reg_set(vp, HV_X64_REGISTER_XMM0 + i, &v));
		ASSERT_EQ(0, reg_get(vp, HV_X64_REGISTER_XMM0 + i, &seen));
		EXPECT_EQ(0, memcmp(&v, &seen, 16));
		EXPECT_EQ(0, memcmp(fpu + 160 + 16 * i, &v, 16));
	}
	/* An 80-bit register ends where its exponent ends. */
	v.reg128 = (struct hv_u128){ 0x8000000000000001, 0xFFFFFFFFFFFF3FFF };
	ASSERT_EQ(0, reg_set(vp, HV_X64_REGISTER_FP_MMX0 + 7, &v));
	ASSERT_EQ(0, reg_get(vp, HV_X64_REGISTER_FP_MMX0 + 7, &seen));
	EXPECT_EQ(0x8000000000000001, seen.reg128.low);
	EXPECT_EQ(0x3FFF, seen.reg128.high);
	EXPECT_EQ(0, fpu[32 + 7 * 16 + 10]);
	/* And the processor is told that all this is there. */
	memcpy(&present, fpu + 512, 8);
	EXPECT_EQ(3, present);
	child_gone(vp->partition);
}

TEST_ON_MACHINE(control_and_status_of_x87_and_sse)
{
	struct vp *vp = new_vp();
	union hv_register_value v = {
		.fp_control_status = {
			.fp_control = 0x37F, .fp_status = 0x3800, .fp_tag = 0x81,
			.last_fp_op = 0x123, .last_fp_rip = 0x1122334455667788,
		},
	}, seen;

	ASSERT_EQ(0, reg_set(vp, HV_X64_REGISTER_FP_CONTROL_STATUS, &v));
	ASSERT_EQ(0, reg_get(vp, HV_X64_REGISTER_FP_CONTROL_STATUS, &seen));
	EXPECT_EQ(0, memcmp(&v, &seen, 16));
	v = (union hv_register_value){
		.xmm_control_status = { .last_fp_rdp = 0x99, .xmm_status_control = 0x9FC0 },
	};
	ASSERT_EQ(0, reg_set(vp, HV_X64_REGISTER_XMM_CONTROL_STATUS, &v));
	ASSERT_EQ(0, reg_get(vp, HV_X64_REGISTER_XMM_CONTROL_STATUS, &seen));
	EXPECT_EQ(0x9FC0, seen.xmm_control_status.xmm_status_control);
	EXPECT_EQ(0x99, seen.xmm_control_status.last_fp_rdp);
	/* A bit that the processor does not have would fault in the hypervisor. */
	v.xmm_control_status.xmm_status_control = 0x80000000;
	EXPECT_EQ(HV_STATUS_INVALID_PARAMETER,
		  reg_set(vp, HV_X64_REGISTER_XMM_CONTROL_STATUS, &v));
	ASSERT_EQ(0, reg_get(vp, HV_X64_REGISTER_XMM_CONTROL_STATUS, &seen));
	EXPECT_EQ(0x9FC0, seen.xmm_control_status.xmm_status_control);
	child_gone(vp->partition);
}

/* --- Segments and tables -------------------------------------------------------------------- */

TEST_ON_MACHINE(segments_keep_their_attributes)
{
	struct vp *vp = new_vp();
	union hv_register_value v, seen;
	u32 name;

	ASSERT_EQ(0, reg64_set(vp, HV_X64_REGISTER_CR0, CR0_PE));
	for (name = HV_X64_REGISTER_ES; name <= HV_X64_REGISTER_TR; name++) {
		v.segment = (struct hv_x64_segment_register){
			.base = 0xFFFF800000000000 + name, .limit = 0xFFFFF000 + name,
			.selector = name, .attributes = 0xF0FF,
		};
		CONTEXT("register %x", name);
		ASSERT_EQ(0, reg_set(vp, name, &v));
		ASSERT_EQ(0, reg_get(vp, name, &seen));
		EXPECT_EQ(0, memcmp(&v, &seen, sizeof(v)));
	}
	v.table = (struct hv_x64_table_register){ .base = 0x123456789ABC, .limit = 0xFFF };
	ASSERT_EQ(0, reg_set(vp, HV_X64_REGISTER_IDTR, &v));
	v.table.limit = 0x7F;
	ASSERT_EQ(0, reg_set(vp, HV_X64_REGISTER_GDTR, &v));
	ASSERT_EQ(0, reg_get(vp, HV_X64_REGISTER_IDTR, &seen));
	EXPECT_EQ(0xFFF, seen.table.limit);
	EXPECT_EQ(0x123456789ABC, seen.table.base);
	ASSERT_EQ(0, reg_get(vp, HV_X64_REGISTER_GDTR, &seen));
	EXPECT_EQ(0x7F, seen.table.limit);
	child_gone(vp->partition);
}

TEST_ON_MACHINE(real_mode_segment_without_attributes_can_be_used)
{
	struct vp *vp = new_vp();
	union hv_register_value v = { .segment = { .base = 0x1000, .limit = 0xFFFF,
						   .selector = 0x100 } }, seen;

	ASSERT_EQ(0, reg_set(vp, HV_X64_REGISTER_CS, &v));
	ASSERT_EQ(0, reg_get(vp, HV_X64_REGISTER_CS, &seen));
	EXPECT_EQ(HV_SEGMENT_PRESENT | HV_SEGMENT_NON_SYSTEM | 0xB, seen.segment.attributes);
	ASSERT_EQ(0, reg_set(vp, HV_X64_REGISTER_DS, &v));
	ASSERT_EQ(0, reg_get(vp, HV_X64_REGISTER_DS, &seen));
	EXPECT_EQ(HV_SEGMENT_PRESENT | HV_SEGMENT_NON_SYSTEM | 0x3, seen.segment.attributes);
	/* Not in protected mode, where a segment may be no segment */
	ASSERT_EQ(0, reg64_set(vp, HV_X64_REGISTER_CR0, CR0_PE));
	ASSERT_EQ(0, reg_set(vp, HV_X64_REGISTER_DS, &v));
	ASSERT_EQ(0, reg_get(vp, HV_X64_REGISTER_DS, &seen));
	EXPECT_EQ(0, seen.segment.attributes);
	child_gone(vp->partition);
}

/* --- Events --------------------------------------------------------------------------------- */

#define PENDING(type, vector, extra) \
	(HV_INTERRUPTION_PENDING | (u64)(type) << HV_INTERRUPTION_TYPE_SHIFT | \
	 (u64)(vector) << HV_INTERRUPTION_VECTOR_SHIFT | (extra))

TEST_ON_MACHINE(pending_interruptions_are_checked)
{
	static const struct {
		u64 value;
		hv_status_t status;
		u64 seen;
	} cases[] = {
		{ PENDING(HV_INTERRUPTION_TYPE_EXT_INT, 0x41, 0), 0, 0 },
		{ PENDING(HV_INTERRUPTION_TYPE_EXT_INT, 255, 0), 0, 0 },
		{ PENDING(HV_INTERRUPTION_TYPE_EXT_INT, 256, 0), HV_STATUS_INVALID_PARAMETER, 0 },
		{ PENDING(HV_INTERRUPTION_TYPE_NMI, 2, 0), 0, 0 },
		{ PENDING(HV_INTERRUPTION_TYPE_NMI, 99, 0), 0,
		  PENDING(HV_INTERRUPTION_TYPE_NMI, 2, 0) },
		{ PENDING(HV_INTERRUPTION_TYPE_EXCEPTION, X86_TRAP_GP,
			  HV_INTERRUPTION_DELIVER_ERROR_CODE |
			  0x1234UL << HV_INTERRUPTION_ERROR_CODE_SHIFT), 0, 0 },
		{ PENDING(HV_INTERRUPTION_TYPE_EXCEPTION, 30, 0), 0, 0 },
		{ PENDING(HV_INTERRUPTION_TYPE_EXCEPTION, 31, 0), HV_STATUS_INVALID_PARAMETER, 0 },
		{ PENDING(HV_INTERRUPTION_TYPE_EXCEPTION, 2, 0), HV_STATUS_INVALID_PARAMETER, 0 },
		{ PENDING(HV_INTERRUPTION_TYPE_EXCEPTION, 256 + 13, 0),
		  HV_STATUS_INVALID_PARAMETER, 0 },
		{ PENDING(HV_INTERRUPTION_TYPE_SW_INT, 0x80, 0), 0, 0 },
		{ PENDING(HV_INTERRUPTION_TYPE_SW_EXCEPTION, 3, 0), 0, 0 },
		{ PENDING(HV_INTERRUPTION_TYPE_PRIV_SW_EXCEPTION, 1, 0), 0, 0 },
		{ PENDING(1, 0x41, 0), HV_STATUS_INVALID_PARAMETER, 0 },
		{ PENDING(7, 0x41, 0), HV_STATUS_INVALID_PARAMETER, 0 },
	};
	struct vp *vp = new_vp();
	u32 i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		u64 expected = cases[i].seen ? cases[i].seen : cases[i].status ? 0 : cases[i].value;

		CONTEXT("value %llx", (unsigned long long)cases[i].value);
		ASSERT_EQ(0, reg64_set(vp, HV_REGISTER_PENDING_INTERRUPTION, 0));
		EXPECT_EQ(0, reg64(vp, HV_REGISTER_PENDING_INTERRUPTION));
		EXPECT_EQ(cases[i].status,
			  reg64_set(vp, HV_REGISTER_PENDING_INTERRUPTION, cases[i].value));
		EXPECT_EQ(expected, reg64(vp, HV_REGISTER_PENDING_INTERRUPTION));
	}
	child_gone(vp->partition);
}

#define EVENT(vector, more)	(HV_PENDING_EVENT_PENDING | (more) | \
				 (u64)(vector) << HV_PENDING_EVENT_VECTOR_SHIFT)
#define EVENT_OF_TYPE(type)	(HV_PENDING_EVENT_PENDING | \
				 (u64)(type) << HV_PENDING_EVENT_TYPE_SHIFT)

TEST_ON_MACHINE(pending_event_is_kept_until_the_vp_runs)
{
	struct vp *vp = new_vp();
	const union hv_register_value v = {
		.reg128 = {
			.low = EVENT(X86_TRAP_PF, HV_PENDING_EVENT_DELIVER_ERROR_CODE |
				     6UL << HV_PENDING_EVENT_ERROR_CODE_SHIFT),
			.high = 0xDEADBEEF000,
		},
	};
	union hv_register_value again;
	struct vcpu_event ev;

	ASSERT_EQ(0, reg64_set(vp, HV_X64_REGISTER_CR2, 0x1234));
	ASSERT_EQ(0, reg_set(vp, HV_REGISTER_PENDING_EVENT0, &v));
	ASSERT_EQ(0, reg_get(vp, HV_REGISTER_PENDING_EVENT0, &again));
	EXPECT_EQ(v.reg128.low, again.reg128.low);
	EXPECT_EQ(v.reg128.high, again.reg128.high);
	/* It has not begun. */
	EXPECT_EQ(0, reg64(vp, HV_REGISTER_PENDING_INTERRUPTION));
	EXPECT_EQ(0x1234, reg64(vp, HV_X64_REGISTER_CR2));

	vp_take_event(vp);
	EXPECT_EQ(PENDING(HV_INTERRUPTION_TYPE_EXCEPTION, X86_TRAP_PF,
			  HV_INTERRUPTION_DELIVER_ERROR_CODE |
			  6UL << HV_INTERRUPTION_ERROR_CODE_SHIFT),
		  reg64(vp, HV_REGISTER_PENDING_INTERRUPTION));
	EXPECT_EQ(0xDEADBEEF000, reg64(vp, HV_X64_REGISTER_CR2));
	EXPECT_EQ(0, reg64(vp, HV_REGISTER_PENDING_EVENT0));

	/* It is there no more: what comes now is left alone. */
	ASSERT_EQ(0, reg64_set(vp, HV_REGISTER_PENDING_INTERRUPTION, 0));
	vp_take_event(vp);
	vcpu_get_injection(&vp->vcpu, &ev);
	EXPECT_FALSE(ev.valid);

	/* An interrupt; and one that is withdrawn, and one before an INIT */
	ASSERT_EQ(0, reg64_set(vp, HV_REGISTER_PENDING_EVENT0,
			       EVENT_OF_TYPE(HV_PENDING_EVENT_EXT_INT) | 0x55 << 8));
	vp_take_event(vp);
	EXPECT_EQ(PENDING(HV_INTERRUPTION_TYPE_EXT_INT, 0x55, 0),
		  reg64(vp, HV_REGISTER_PENDING_INTERRUPTION));
	ASSERT_EQ(0, reg64_set(vp, HV_REGISTER_PENDING_EVENT0, EVENT(X86_TRAP_UD, 0)));
	ASSERT_EQ(0, reg64_set(vp, HV_REGISTER_PENDING_EVENT0, 0));
	EXPECT_EQ(0, reg64(vp, HV_REGISTER_PENDING_EVENT0));
	ASSERT_EQ(0, reg64_set(vp, HV_REGISTER_PENDING_EVENT0, EVENT(X86_TRAP_UD, 0)));
	vp_reset(vp, true);
	EXPECT_EQ(0, reg64(vp, HV_REGISTER_PENDING_EVENT0));
	child_gone(vp->partition);
}

TEST_ON_MACHINE(events_that_are_not_offered_are_refused)
{
	static const u64 refused[] = {
		EVENT_OF_TYPE(HV_PENDING_EVENT_MEMORY_INTERCEPT),
		EVENT_OF_TYPE(HV_PENDING_EVENT_HYPERCALL_OUTPUT),
		EVENT(X86_TRAP_NMI, 0), EVENT(0x10D, 0), EVENT(31, 0),
	};
	struct vp *vp = new_vp();
	u32 i;

	for (i = 0; i < ARRAY_SIZE(refused); i++) {
		CONTEXT("event %llx", (unsigned long long)refused[i]);
		EXPECT_EQ(HV_STATUS_INVALID_PARAMETER,
			  reg64_set(vp, HV_REGISTER_PENDING_EVENT0, refused[i]));
		EXPECT_EQ(0, reg64(vp, HV_REGISTER_PENDING_EVENT0));
	}
	EXPECT_EQ(HV_STATUS_INVALID_PARAMETER,
		  reg64_set(vp, HV_REGISTER_PENDING_EVENT1, HV_PENDING_EVENT_PENDING));
	EXPECT_EQ(0, reg64_set(vp, HV_REGISTER_PENDING_EVENT1, 0));
	child_gone(vp->partition);
}

TEST_ON_MACHINE(interrupt_state_is_shadow_and_nmi_mask)
{
	struct vp *vp = new_vp();
	u64 value;

	for (value = 0; value <= HV_INTERRUPT_STATE_VALID; value++) {
		EXPECT_EQ(0, reg64_set(vp, HV_REGISTER_INTERRUPT_STATE, value));
		EXPECT_EQ(value, reg64(vp, HV_REGISTER_INTERRUPT_STATE));
		EXPECT_EQ(value & 1, vcpu_get_shadow(&vp->vcpu));
		EXPECT_EQ(value >> 1, vcpu_nmi_masked(&vp->vcpu));
	}
	EXPECT_EQ(HV_STATUS_INVALID_PARAMETER, reg64_set(vp, HV_REGISTER_INTERRUPT_STATE, 4));
	child_gone(vp->partition);
}

TEST_ON_MACHINE(activity_state_is_three_bits)
{
	struct vp *vp = new_vp();
	u64 value;

	for (value = 0; value <= HV_ACTIVITY_VALID; value++) {
		EXPECT_EQ(0, reg64_set(vp, HV_REGISTER_INTERNAL_ACTIVITY_STATE, value));
		EXPECT_EQ(value, reg64(vp, HV_REGISTER_INTERNAL_ACTIVITY_STATE));
	}
	EXPECT_TRUE(vp->startup_suspend && vp->halted && vp->idle);
	EXPECT_EQ(HV_STATUS_INVALID_PARAMETER,
		  reg64_set(vp, HV_REGISTER_INTERNAL_ACTIVITY_STATE, 8));
	child_gone(vp->partition);
}

TEST_ON_MACHINE(deliverability_of_nmis_is_not_offered)
{
	struct vp *vp = new_vp();

	EXPECT_EQ(0, reg64_set(vp, HV_REGISTER_DELIVERABILITY_NOTIFICATIONS, 0));
	EXPECT_EQ(HV_STATUS_INVALID_PARAMETER,
		  reg64_set(vp, HV_REGISTER_DELIVERABILITY_NOTIFICATIONS, HV_DELIVERABILITY_NMI));
	EXPECT_EQ(HV_STATUS_INVALID_PARAMETER,
		  reg64_set(vp, HV_REGISTER_DELIVERABILITY_NOTIFICATIONS, 0x40));
	EXPECT_EQ(0, reg64_set(vp, HV_REGISTER_DELIVERABILITY_NOTIFICATIONS,
			       HV_DELIVERABILITY_INTERRUPT | HV_DELIVERABILITY_SINTS_MASK));
	EXPECT_EQ(HV_DELIVERABILITY_INTERRUPT | HV_DELIVERABILITY_SINTS_MASK,
		  reg64(vp, HV_REGISTER_DELIVERABILITY_NOTIFICATIONS));
	child_gone(vp->partition);
}

/* --- Through the hypercalls ----------------------------------------------------------------- */

TEST_ON_MACHINE(information_registers_are_the_hypervisors_leaves)
{
	struct vp *vp = new_vp();
	union hv_register_value v;
	struct hv_cpuid_result r;

	vp_cpuid(vp, HV_CPUID_FEATURES, 0, &r);
	ASSERT_EQ(0, reg_get(vp, HV_REGISTER_PRIVILEGES_AND_FEATURES_INFO, &v));
	EXPECT_EQ((u64)r.ebx << 32 | r.eax, v.reg128.low);
	EXPECT_EQ((u64)r.edx << 32 | r.ecx, v.reg128.high);
	EXPECT_EQ(vp->partition->privileges, v.reg128.low);
	ASSERT_EQ(0, reg_get(vp, HV_REGISTER_IMPLEMENTATION_LIMITS_INFO, &v));
	EXPECT_EQ(VP_MAX, lower_32(v.reg128.low));
	child_gone(vp->partition);
}

TEST_ON_MACHINE(elements_are_set_in_their_order_until_one_fails)
{
	struct vp *vp = new_vp();
	struct hv_input_set_vp_registers in = { .partition_id = vp->partition->id };
	struct hv_register_assoc e[] = {
		{ .name = HV_X64_REGISTER_RAX, .value.reg64 = 1 },
		{ .name = HV_X64_REGISTER_RAX, .value.reg64 = 2 },
		{ .name = HV_X64_REGISTER_CR8, .value.reg64 = 99 },
		{ .name = HV_X64_REGISTER_RAX, .value.reg64 = 3 },
	};
	u64 result = hv_rep(HVCALL_SET_VP_REGISTERS, 4, &in, sizeof(in), e, sizeof(e), NULL, 0);

	EXPECT_EQ(HV_STATUS_INVALID_PARAMETER, hv_status(result));
	EXPECT_EQ(2, hv_completed(result));
	EXPECT_EQ(2, reg64(vp, HV_X64_REGISTER_RAX));
	child_gone(vp->partition);
}

TEST_ON_MACHINE(vp_is_named_by_partition_index_and_vtl)
{
	struct vp *vp = new_vp();
	struct hv_input_get_vp_registers in = { .partition_id = vp->partition->id };
	u32 name = HV_REGISTER_VP_INDEX;
	union hv_register_value v;
	u32 i;

#define GET() hv_status(hv_rep(HVCALL_GET_VP_REGISTERS, 1, &in, sizeof(in), &name, 4, &v, 16))
	EXPECT_EQ(0, GET());
	for (i = 0; i < 256; i++) {
		CONTEXT("VTL field %x", i);
		in.input_vtl = i;
		if (i == HV_INPUT_VTL_USE_TARGET || i < HV_INPUT_VTL_USE_TARGET)
			EXPECT_EQ(0, GET());
		else
			EXPECT_EQ(HV_STATUS_INVALID_VTL_STATE, GET());
	}
	in.input_vtl = 0;
	in.vp_index = 1;
	EXPECT_EQ(HV_STATUS_INVALID_VP_INDEX, GET());
	in.vp_index = VP_MAX;
	EXPECT_EQ(HV_STATUS_INVALID_VP_INDEX, GET());
	/* "Self" is the caller, who is none of the child's. */
	in.vp_index = HV_VP_INDEX_SELF;
	EXPECT_EQ(HV_STATUS_INVALID_VP_INDEX, GET());
	in.partition_id = HV_PARTITION_ID_SELF;
	EXPECT_EQ(0, GET());
	/* Another processor of root's own is none of this one's business. */
	in.vp_index = 1;
	EXPECT_EQ(HV_STATUS_ACCESS_DENIED, GET());
	in.partition_id = 0x12345;
	EXPECT_EQ(HV_STATUS_INVALID_PARTITION_ID, GET());
	child_gone(vp->partition);
}

TEST_ON_MACHINE(roots_own_registers_are_those_in_the_processor)
{
	struct vp *vp = root_vp();
	union hv_register_value v;

	vp->vcpu.dr[0] = 0x1234;
	vcpu_load(lp_self(), &vp->vcpu);
	EXPECT_NE(0x1234, vp->vcpu.dr[0]);
	EXPECT_EQ(0x1234, reg64(vp, HV_X64_REGISTER_DR0));
	ASSERT_EQ(0, reg_get(vp, HV_X64_REGISTER_FS, &v));
	EXPECT_EQ(0, v.segment.base);
}

TEST_ON_MACHINE(tscs_that_a_vmm_sets_to_about_the_same_agree)
{
	struct vp *first = new_vp();
	struct vp *second = child_vp(first->partition, 1);

	host_tsc_step = 0;
	host_tsc = 100 * tsc_hz;
	ASSERT_EQ(0, reg64_set(first, HV_X64_REGISTER_TSC, 0));
	host_tsc += tsc_hz / 2;
	ASSERT_EQ(0, reg64_set(second, HV_X64_REGISTER_TSC, 0));
	EXPECT_EQ(tsc_hz / 2, reg64(first, HV_X64_REGISTER_TSC));
	EXPECT_EQ(tsc_hz / 2, reg64(second, HV_X64_REGISTER_TSC));
	/* Later, when the machine is reset */
	host_tsc += 50 * tsc_hz;
	ASSERT_EQ(0, reg64_set(first, HV_X64_REGISTER_TSC, 0));
	EXPECT_EQ(0, reg64(first, HV_X64_REGISTER_TSC));
	ASSERT_EQ(0, reg64_set(second, HV_X64_REGISTER_TSC, 7));
	EXPECT_EQ(0, reg64(second, HV_X64_REGISTER_TSC));
	/* What is different on purpose, or the only one that is set, stays as it is. */
	ASSERT_EQ(0, reg64_set(first, HV_X64_REGISTER_TSC, 9 * tsc_hz));
	EXPECT_EQ(9 * tsc_hz, reg64(first, HV_X64_REGISTER_TSC));
	ASSERT_EQ(0, reg64_set(first, HV_X64_REGISTER_TSC, 9 * tsc_hz + 5));
	EXPECT_EQ(9 * tsc_hz + 5, reg64(first, HV_X64_REGISTER_TSC));
}

TEST_ON_MACHINE(tsc_and_its_adjustment)
{
	struct vp *vp = new_vp();
	u64 now;

	host_tsc_step = 0;
	ASSERT_EQ(0, reg64_set(vp, HV_X64_REGISTER_TSC, 5000));
	EXPECT_EQ(5000, reg64(vp, HV_X64_REGISTER_TSC));
	host_tsc += 10;
	EXPECT_EQ(5010, reg64(vp, HV_X64_REGISTER_TSC));
	now = reg64(vp, HV_X64_REGISTER_TSC);
	ASSERT_EQ(0, reg64_set(vp, HV_X64_REGISTER_TSC_ADJUST, 1000));
	EXPECT_EQ(now + 1000, reg64(vp, HV_X64_REGISTER_TSC));
	ASSERT_EQ(0, reg64_set(vp, HV_X64_REGISTER_TSC_ADJUST, 400));
	EXPECT_EQ(now + 400, reg64(vp, HV_X64_REGISTER_TSC));
	child_gone(vp->partition);
}

/* The parent may save and restore it all the same. */
TEST_ON_MACHINE(tsc_adjustment_is_the_guests_only_with_its_feature)
{
	struct vp *vp = new_vp();
	u64 value;

	vp->partition->proc_features[1] |= TLFS_BIT64(HV_PROC_FEATURE1_TSC_ADJUST_BIT);
	EXPECT_EQ(MSR_OK, vp_msr_write(vp, MSR_TSC_ADJUST, 700, false));
	EXPECT_EQ(MSR_OK, vp_msr_read(vp, MSR_TSC_ADJUST, &value, false));
	EXPECT_EQ(700, value);
	vp->partition->proc_features[1] &= ~TLFS_BIT64(HV_PROC_FEATURE1_TSC_ADJUST_BIT);
	EXPECT_EQ(MSR_UNKNOWN, vp_msr_write(vp, MSR_TSC_ADJUST, 800, false));
	EXPECT_EQ(MSR_UNKNOWN, vp_msr_read(vp, MSR_TSC_ADJUST, &value, false));
	EXPECT_EQ(700, reg64(vp, HV_X64_REGISTER_TSC_ADJUST));
	child_gone(vp->partition);
}

/* Or the TSCs of a guest's processors would differ by the time between two calls. */
TEST_ON_MACHINE(tsc_is_that_of_the_moment_when_time_was_frozen)
{
	struct vp *vp = new_vp();

	host_tsc_step = 0;
	ASSERT_EQ(0, reg64_set(vp, HV_X64_REGISTER_TSC, 5000));
	partition_freeze_time(vp->partition, true);
	host_tsc += 100;
	EXPECT_EQ(5000, reg64(vp, HV_X64_REGISTER_TSC));
	ASSERT_EQ(0, reg64_set(vp, HV_X64_REGISTER_TSC, 7000));
	host_tsc += 100;
	EXPECT_EQ(7000, reg64(vp, HV_X64_REGISTER_TSC));
	/* It has gone on below. */
	partition_freeze_time(vp->partition, false);
	EXPECT_EQ(7200, reg64(vp, HV_X64_REGISTER_TSC));
	child_gone(vp->partition);
}

TEST_HARNESS_MAIN
