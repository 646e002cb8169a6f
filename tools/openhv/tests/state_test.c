// SPDX-License-Identifier: GPL-2.0-only
/*
 * State of VPs that is larger than a register (core/hvc_state.c, core/xsave.c),
 * CPUID (core/cpuid.c).
 */
#include <asm/cpu.h>
#include <openhv/info_page.h>
#include <openhv/run.h>
#include <openhv/xsave.h>
#include <tlfs/cpuid.h>
#include <tlfs/state.h>
#include "test.h"

static struct partition *p;
static struct vp *vp;

static void begin(void)
{
	p = child_new();
	vp = child_vp(p, 0);
}

/* GET_ or SET_VP_STATE with one page for the data */
static hv_status_t state(u16 code, u32 type, u64 states, u64 pfn, u32 pages)
{
	u8 in[PAGE_SIZE] = {};
	struct hv_input_get_vp_state *call = (void *)in;
	u64 pfns[2] = { pfn, pfn };

	call->partition_id = p->id;
	call->state_data.type = type;
	if (type == HV_VP_STATE_XSAVE)
		call->state_data.xsave.states = states;
	memcpy(in + sizeof(*call), pfns, sizeof(pfns));
	return hv_status(hv_call(hv_var(code, pages), in, sizeof(in), NULL, 0));
}

/* --- XSAVE ------------------------------------------------------------------------ */

TEST_ON_MACHINE(xsave_state_is_compacted)
{
	u64 pfn = ram_pages(1), header[2];
	u8 *page = ram(pfn), *fpu;

	begin();
	vcpu_sync(lp_self(), &vp->vcpu);
	fpu = vp->vcpu.fpu;
	header[0] = 0x27;
	memcpy(fpu + 512, header, 8);
	memset(fpu + 576, 0xA1, 256);		/* AVX */
	memset(fpu + 1088, 0xA5, 64);		/* opmask */
	EXPECT_EQ(0, state(HVCALL_GET_VP_STATE, HV_VP_STATE_XSAVE, ~0UL, pfn, 1));
	memcpy(header, page + 512, sizeof(header));
	EXPECT_EQ(0x27, header[0]);
	EXPECT_EQ(1UL << 63 | 0xE7, header[1]);
	EXPECT_EQ(0xA1, page[576]);
	EXPECT_EQ(0xA5, page[832]);
	EXPECT_EQ(0, page[896]);
	/* Only what was asked for */
	EXPECT_EQ(0, state(HVCALL_GET_VP_STATE, HV_VP_STATE_XSAVE, 0x20, pfn, 1));
	memcpy(header, page + 512, sizeof(header));
	EXPECT_EQ(1UL << 63 | 0x23, header[1]);
	EXPECT_EQ(0xA5, page[576]);
	EXPECT_EQ(HV_STATUS_INSUFFICIENT_BUFFER,
		  state(HVCALL_GET_VP_STATE, HV_VP_STATE_XSAVE, 0, pfn, 0));
	/* It comes back as it was, in either format. */
	EXPECT_EQ(0, state(HVCALL_GET_VP_STATE, HV_VP_STATE_XSAVE, ~0UL, pfn, 1));
	memset(fpu + 576, 0, 256);
	EXPECT_EQ(0, state(HVCALL_SET_VP_STATE, HV_VP_STATE_XSAVE, 0, pfn, 1));
	EXPECT_EQ(0xA1, fpu[576 + 255]);
	EXPECT_EQ(0xA5, fpu[1088]);
	memcpy(page, fpu, PAGE_SIZE);
	memset(fpu + 576, 0, 1000);
	EXPECT_EQ(0, state(HVCALL_SET_VP_STATE, HV_VP_STATE_XSAVE, 0, pfn, 1));
	EXPECT_EQ(0xA1, fpu[576]);
	EXPECT_EQ(0xA5, fpu[1088 + 63]);
	child_gone(p);
}

/* A processor that has not run has not stored the mask of MXCSR's bits. */
TEST_ON_MACHINE(xsave_state_of_another_vp_is_taken_by_a_new_one)
{
	u32 mxcsr = 0x9FC0, seen;		/* with DAZ, bit 6 */
	u64 pfn = ram_pages(1);
	u8 *page = ram(pfn);

	begin();
	ASSERT_EQ(0, state(HVCALL_GET_VP_STATE, HV_VP_STATE_XSAVE, ~0UL, pfn, 1));
	memcpy(page + 24, &mxcsr, 4);
	EXPECT_EQ(0, state(HVCALL_SET_VP_STATE, HV_VP_STATE_XSAVE, 0, pfn, 1));
	memset(page, 0, PAGE_SIZE);
	ASSERT_EQ(0, state(HVCALL_GET_VP_STATE, HV_VP_STATE_XSAVE, ~0UL, pfn, 1));
	memcpy(&seen, page + 24, 4);
	EXPECT_EQ(0x9FC0, seen);
	child_gone(p);
}

TEST_ON_MACHINE(xsave_state_that_would_fault_is_refused)
{
	u64 pfn = ram_pages(1), word;
	u8 *page = ram(pfn);
	u32 mxcsr;

	begin();
	ASSERT_EQ(0, state(HVCALL_GET_VP_STATE, HV_VP_STATE_XSAVE, ~0UL, pfn, 1));
	mxcsr = 0xFFFF0000;
	memcpy(page + 24, &mxcsr, 4);
	EXPECT_EQ(HV_STATUS_INVALID_REGISTER_VALUE,
		  state(HVCALL_SET_VP_STATE, HV_VP_STATE_XSAVE, 0, pfn, 1));
	/* Whatever the mask says that is behind it, and what it said in the image before */
	memcpy(page + 28, &(u32){ ~0U }, 4);
	EXPECT_EQ(HV_STATUS_INVALID_REGISTER_VALUE,
		  state(HVCALL_SET_VP_STATE, HV_VP_STATE_XSAVE, 0, pfn, 1));
	memset(page + 24, 0, 4);
	EXPECT_EQ(0, state(HVCALL_SET_VP_STATE, HV_VP_STATE_XSAVE, 0, pfn, 1));
	memcpy(page + 24, &mxcsr, 4);
	EXPECT_EQ(HV_STATUS_INVALID_REGISTER_VALUE,
		  state(HVCALL_SET_VP_STATE, HV_VP_STATE_XSAVE, 0, pfn, 1));
	memset(page + 24, 0, 8);
	word = 1UL << 9;
	memcpy(page + 512, &word, 8);
	EXPECT_EQ(HV_STATUS_INVALID_PARAMETER,
		  state(HVCALL_SET_VP_STATE, HV_VP_STATE_XSAVE, 0, pfn, 1));
	/* In use, but not in the compacted image */
	word = 7;
	memcpy(page + 512, &word, 8);
	word = 1UL << 63 | 3;
	memcpy(page + 520, &word, 8);
	EXPECT_EQ(HV_STATUS_INVALID_PARAMETER,
		  state(HVCALL_SET_VP_STATE, HV_VP_STATE_XSAVE, 0, pfn, 1));
	EXPECT_EQ(HV_STATUS_INVALID_PARAMETER,
		  state(HVCALL_SET_VP_STATE, HV_VP_STATE_XSAVE, 0, pfn, 0));
	EXPECT_EQ(HV_STATUS_INVALID_PARAMETER, xsave_set(vp, page, 575));
	child_gone(p);
}

/* --- Other states --------------------------------------------------------------------- */

TEST_ON_MACHINE(states_come_and_go_by_page_lists)
{
	static const u32 pages[] = { HV_VP_STATE_SIM_PAGE, HV_VP_STATE_SIEF_PAGE };
	u64 pfn = ram_pages(1);
	u8 *page = ram(pfn);
	u32 i;

	begin();
	for (i = 0; i < ARRAY_SIZE(pages); i++) {
		memset(page, 0x30 + i, PAGE_SIZE);
		EXPECT_EQ(0, state(HVCALL_SET_VP_STATE, pages[i], 0, pfn, 1));
		memset(page, 0, PAGE_SIZE);
		EXPECT_EQ(0, state(HVCALL_GET_VP_STATE, pages[i], 0, pfn, 1));
		EXPECT_EQ(0x30 + i, page[4095]);
		EXPECT_EQ(HV_STATUS_INVALID_PARAMETER,
			  state(HVCALL_GET_VP_STATE, pages[i], 0, pfn, 0));
	}
	EXPECT_TRUE(vlapic_write(&vp->apic, 0xF0, 0x1AB));
	EXPECT_EQ(0, state(HVCALL_GET_VP_STATE, HV_VP_STATE_LAPIC, 0, pfn, 1));
	EXPECT_TRUE(vlapic_write(&vp->apic, 0xF0, 0xFF));
	EXPECT_EQ(0, state(HVCALL_SET_VP_STATE, HV_VP_STATE_LAPIC, 0, pfn, 1));
	EXPECT_TRUE(vlapic_read(&vp->apic, 0xF0, &i));
	EXPECT_EQ(0x1AB, i);
	/* Memory that is not the caller's; a state that there is not */
	EXPECT_EQ(HV_STATUS_INVALID_PARAMETER,
		  state(HVCALL_SET_VP_STATE, HV_VP_STATE_LAPIC, 0, ~0UL, 1));
	EXPECT_EQ(HV_STATUS_INVALID_PARAMETER,
		  state(HVCALL_GET_VP_STATE, HV_VP_STATE_LAPIC, 0, HOST_OWN_HIDDEN >> 12, 1));
	EXPECT_EQ(HV_STATUS_INVALID_PARAMETER, state(HVCALL_GET_VP_STATE, 99, 0, pfn, 1));
	EXPECT_EQ(HV_STATUS_INVALID_PARAMETER, state(HVCALL_SET_VP_STATE, 99, 0, pfn, 1));
	child_gone(p);
}

TEST_ON_MACHINE(timers_are_in_the_output_itself)
{
	struct hv_synthetic_timers_state timers;
	u8 in[PAGE_SIZE] = {};
	struct hv_input_get_vp_state *call = (void *)in;

	begin();
	call->partition_id = p->id;
	call->state_data.type = HV_VP_STATE_SYNTHETIC_TIMERS;
	EXPECT_EQ(0, hv_status(hv_call(hv_var(HVCALL_GET_VP_STATE, 0), in, sizeof(in), &timers,
				       sizeof(timers))));
	memcpy(in + sizeof(*call), &timers, sizeof(timers));
	EXPECT_EQ(0, hv_status(hv_call(hv_var(HVCALL_SET_VP_STATE, sizeof(timers) / 8), in,
				       sizeof(in), NULL, 0)));
	EXPECT_EQ(HV_STATUS_INVALID_PARAMETER,
		  hv_status(hv_call(hv_var(HVCALL_SET_VP_STATE, 1), in, sizeof(in), NULL, 0)));
	child_gone(p);
}

/* --- CPUID ----------------------------------------------------------------------------- */

static struct hv_cpuid_result cpuid(struct vp *v, u32 leaf, u32 subleaf)
{
	struct hv_cpuid_result r;

	vp_cpuid(v, leaf, subleaf, &r);
	return r;
}

TEST_ON_MACHINE(child_sees_a_processor_of_its_own)
{
	begin();
	child_vp(p, 1);
	EXPECT_EQ(0x68747541, cpuid(vp, 0, 0).ebx);
	EXPECT_EQ(2, cpuid(vp, 1, 0).ebx >> 16 & 0xFF);
	EXPECT_TRUE(cpuid(vp, 1, 0).edx & BIT(28));
	EXPECT_TRUE(cpuid(vp, 1, 0).ecx & BIT(31));
	EXPECT_FALSE(cpuid(vp, 1, 0).ecx & BIT(27));
	vcpu_set_cr(&vp->vcpu, 4, CR4_OSXSAVE | CR4_PKE);
	EXPECT_TRUE(cpuid(vp, 1, 0).ecx & BIT(27));
	EXPECT_EQ(0, cpuid(vp, 7, 1).ebx);
	EXPECT_EQ(1, cpuid(vp, 0xB, 0).ebx);
	EXPECT_EQ(2, cpuid(vp, 0xB, 1).ebx);
	EXPECT_EQ(0x201, cpuid(vp, 0xB, 1).ecx);
	EXPECT_EQ(0, cpuid(vp, 0xB, 2).ebx);
	EXPECT_EQ(1, cpuid(vp, 0x80000008, 0).ecx);
	EXPECT_EQ(0, cpuid(vp, 0x8000001E, 0).ebx);
	/* No SVM, nothing beyond the last leaf, nothing that is not known */
	EXPECT_EQ(0, cpuid(vp, 0x80000001, 0).ecx & BIT(2));
	EXPECT_EQ(0, cpuid(vp, 0x8000000A, 0).ebx);
	EXPECT_EQ(0, cpuid(vp, 0x20, 0).eax);
	/* Extended state */
	EXPECT_EQ(0xE7, cpuid(vp, 0xD, 0).eax);
	EXPECT_EQ(576, cpuid(vp, 0xD, 0).ebx);
	EXPECT_EQ(2688, cpuid(vp, 0xD, 0).ecx);
	EXPECT_EQ(0, cpuid(vp, 0xD, 1).ecx);
	EXPECT_EQ(256, cpuid(vp, 0xD, 2).eax);
	EXPECT_EQ(0, cpuid(vp, 0xD, 9).eax);
	p->xsave_features = 0;
	EXPECT_EQ(0, cpuid(vp, 0xD, 0).eax);
	child_gone(p);
}

TEST_ON_MACHINE(hypervisor_leaves_follow_the_features)
{
	begin();
	EXPECT_LE(HV_CPUID_IMPLEMENT_LIMITS, cpuid(vp, HV_CPUID_VENDOR_AND_MAX_FUNCTIONS, 0).eax);
	EXPECT_EQ(HV_CPUID_VENDOR_EBX, cpuid(vp, HV_CPUID_VENDOR_AND_MAX_FUNCTIONS, 0).ebx);
	EXPECT_EQ((u32)p->privileges, cpuid(vp, HV_CPUID_FEATURES, 0).eax);
	EXPECT_TRUE(cpuid(vp, HV_CPUID_FEATURES, 0).edx & HV_STIMER_DIRECT_MODE_AVAILABLE);
	EXPECT_TRUE(cpuid(vp, HV_CPUID_ENLIGHTENMENT_INFO, 0).eax &
		    HV_X64_REMOTE_TLB_FLUSH_RECOMMENDED);
	EXPECT_EQ(VP_MAX, cpuid(vp, HV_CPUID_IMPLEMENT_LIMITS, 0).eax);
	EXPECT_NE(0, cpuid(vp, HV_CPUID_VERSION, 0).eax);
	/* openhv's own leaves are root's. */
	EXPECT_EQ(0, cpuid(vp, OPENHV_CPUID_SIGNATURE, 0).eax);
	EXPECT_EQ(0, cpuid(vp, OPENHV_CPUID_INFO, 0).eax);
	EXPECT_EQ(OPENHV_CPUID_SIGNATURE_EBX, cpuid(root_vp(), OPENHV_CPUID_SIGNATURE, 0).ebx);
	EXPECT_EQ(virt_to_phys(openhv_info) >> PAGE_SHIFT,
		  cpuid(root_vp(), OPENHV_CPUID_INFO, 0).eax);
	EXPECT_TRUE(cpuid(root_vp(), HV_CPUID_FEATURES, 0).ebx & HV_CREATE_PARTITIONS);
	EXPECT_EQ(0, cpuid(root_vp(), HV_CPUID_ENLIGHTENMENT_INFO, 0).eax &
		     HV_X64_REMOTE_TLB_FLUSH_RECOMMENDED);
	p->synthetic_features = 0;
	EXPECT_EQ(0, cpuid(vp, HV_CPUID_INTERFACE, 0).eax);
	EXPECT_EQ(0, cpuid(vp, 1, 0).ecx & BIT(31));
	child_gone(p);
}

TEST_ON_MACHINE(root_sees_the_machine_without_what_is_openhvs)
{
	EXPECT_EQ(0, cpuid(root_vp(), 1, 0).ecx & BIT(3));
	EXPECT_TRUE(cpuid(root_vp(), 1, 0).ecx & BIT(31));
	EXPECT_EQ(0, cpuid(root_vp(), 5, 0).eax);
	EXPECT_EQ(0, cpuid(root_vp(), 0x80000001, 0).ecx & (BIT(2) | BIT(12)));
	EXPECT_EQ(0, cpuid(root_vp(), 0x8000000A, 0).eax);
}

TEST_HARNESS_MAIN
