// SPDX-License-Identifier: GPL-2.0-only
/*
 * Hypercalls of a guest on itself, TLB flushes and IPIs, in all their forms:
 * core/hvc_guest.c.
 */
#include <asm/x86.h>
#include <openhv/features.h>
#include <openhv/hypercall.h>
#include <openhv/run.h>
#include <tlfs/guest.h>
#include <tlfs/interrupt.h>
#include <tlfs/msr.h>
#include <tlfs/partition.h>
#include "test.h"

#define VECTOR		0x41
#define ALL		HV_GENERIC_SET_ALL
#define SPARSE		HV_GENERIC_SET_SPARSE_4K
#define FEATURE(name)	TLFS_BIT64(HV_SYNTHETIC_FEATURE_##name##_BIT)
/* Some VPs of two banks and of a third that is not there */
#define VPS		5
static const u32 indices[VPS] = { 0, 1, 63, 64, 130 };

static struct partition *p;
static struct vp *vps[VPS];
/* Where the guest's input is */
static u64 *input;

static void begin(u64 features)
{
	u32 i;

	p = child_with(CHILD_POOL, features);
	for (i = 0; i < VPS; i++) {
		vps[i] = child_vp(p, indices[i]);
		/* APICs that take interrupts */
		vps[i]->apic.base |= APIC_BASE_ENABLE | APIC_BASE_EXTD;
		vps[i]->apic.svr |= APIC_SVR_ENABLE;
	}
	input = ram(map_ram(p, 0, 4));
}

/* A call of the first VP's, whose input is at GPA 0 */
static hv_status_t call(u64 control)
{
	return hv_status(hypercall_run(lp_self(), vps[0], control, 0, 0x1000));
}

/* A bit for each VP that has got the vector; it is taken back. */
static u32 interrupted(void)
{
	u32 i, who = 0;

	for (i = 0; i < VPS; i++) {
		if (bitmap_test(vps[i]->apic.irr, VECTOR))
			who |= 1U << i;
		bitmap_clear_atomic(vps[i]->apic.irr, VECTOR);
	}
	return who;
}

/* Likewise for each whose translations are flushed; the caller's are at once. */
static u32 flushed(void)
{
	u32 i, who = 0;

	for (i = 0; i < VPS; i++) {
		struct host_vmcb *vmcb = vps[i]->vcpu.arch.vmcb;

		if (i ? vps[i]->requests & VP_REQ_FLUSH : vmcb->flushes)
			who |= 1U << i;
		vps[i]->requests &= ~(u64)VP_REQ_FLUSH;
		vmcb->flushes = 0;
	}
	return who;
}

/* SEND_IPI_EX with @banks words of variable header */
static hv_status_t ipi_ex(u32 vector, u32 vtl, u64 format, u64 mask, u32 banks)
{
	input[0] = (u64)vtl << 32 | vector;
	input[1] = format;
	input[2] = mask;
	return call(hv_var(HVCALL_SEND_IPI_EX, banks));
}

static hv_status_t flush_ex(u64 flags, u64 format, u64 mask, u32 banks)
{
	input[0] = 0;
	input[1] = flags;
	input[2] = format;
	input[3] = mask;
	return call(hv_var(HVCALL_FLUSH_VIRTUAL_ADDRESS_SPACE_EX, banks));
}

TEST_ON_MACHINE(ipi_goes_to_the_first_64_vps_by_a_mask)
{
	begin(assignable_synthetic_features);
	input[0] = VECTOR;
	input[1] = 1UL << 63 | 3;
	EXPECT_EQ(0, call(HVCALL_SEND_IPI));
	EXPECT_EQ(7, interrupted());
	/* Bits of VPs that there are not mean nobody. */
	input[1] = 1UL << 5;
	EXPECT_EQ(0, call(HVCALL_SEND_IPI));
	EXPECT_EQ(0, interrupted());
	input[1] = ~0UL;
	input[0] = HV_IPI_LOW_VECTOR - 1;
	EXPECT_EQ(HV_STATUS_INVALID_PARAMETER, call(HVCALL_SEND_IPI));
	input[0] = 0x100 | VECTOR;
	EXPECT_EQ(HV_STATUS_INVALID_PARAMETER, call(HVCALL_SEND_IPI));
	input[0] = 1UL << 32 | VECTOR;
	EXPECT_EQ(HV_STATUS_INVALID_VTL_STATE, call(HVCALL_SEND_IPI));
	/* The mask is no variable header. */
	input[0] = VECTOR;
	EXPECT_EQ(HV_STATUS_INVALID_HYPERCALL_INPUT, call(hv_var(HVCALL_SEND_IPI, 1)));
	EXPECT_EQ(0, interrupted());
	child_gone(p);
}

TEST_ON_MACHINE(sparse_set_has_a_bank_for_each_bit_of_its_mask)
{
	begin(assignable_synthetic_features);
	input[3] = 1UL << 63 | 2;
	EXPECT_EQ(0, ipi_ex(VECTOR, 0, SPARSE, 1, 1));
	EXPECT_EQ(6, interrupted());
	/* The second bank is that of VPs 128 and up. */
	input[3] = 1;
	input[4] = 1UL << 2;
	EXPECT_EQ(0, ipi_ex(VECTOR, 0, SPARSE, 1 | 4, 2));
	EXPECT_EQ(1 | 16, interrupted());
	/* Banks of VPs that cannot be */
	input[3] = ~0UL;
	EXPECT_EQ(0, ipi_ex(VECTOR, 0, SPARSE, 1UL << 63, 1));
	EXPECT_EQ(0, interrupted());
	EXPECT_EQ(0, ipi_ex(VECTOR, 0, SPARSE, 0, 0));
	EXPECT_EQ(0, interrupted());
	/* All of them: a header of the largest size */
	memset(&input[3], 0xFF, 64 * 8);
	EXPECT_EQ(0, ipi_ex(VECTOR, 0, SPARSE, ~0UL, 64));
	EXPECT_EQ(31, interrupted());
	/* All that there are, without a mask */
	EXPECT_EQ(0, ipi_ex(VECTOR, 0, ALL, 0, 0));
	EXPECT_EQ(31, interrupted());
	child_gone(p);
}

TEST_ON_MACHINE(set_that_does_not_fit_its_header_is_refused)
{
	begin(assignable_synthetic_features);
	memset(&input[3], 0xFF, 64 * 8);
	EXPECT_EQ(HV_STATUS_INVALID_PARAMETER, ipi_ex(VECTOR, 0, SPARSE, 3, 1));
	EXPECT_EQ(HV_STATUS_INVALID_PARAMETER, ipi_ex(VECTOR, 0, SPARSE, 1, 2));
	EXPECT_EQ(HV_STATUS_INVALID_PARAMETER, ipi_ex(VECTOR, 0, SPARSE, ~0UL, 63));
	EXPECT_EQ(HV_STATUS_INVALID_PARAMETER, ipi_ex(VECTOR, 0, SPARSE, ~0UL, 65));
	EXPECT_EQ(HV_STATUS_INVALID_PARAMETER, ipi_ex(VECTOR, 0, 2, 1, 1));
	EXPECT_EQ(HV_STATUS_INVALID_PARAMETER, ipi_ex(VECTOR, 0, ~0UL, 1, 1));
	EXPECT_EQ(HV_STATUS_INVALID_PARAMETER, ipi_ex(0xF, 0, SPARSE, 1, 1));
	EXPECT_EQ(HV_STATUS_INVALID_VTL_STATE, ipi_ex(VECTOR, 2, SPARSE, 1, 1));
	/* A header that ends behind the page */
	EXPECT_EQ(HV_STATUS_INVALID_HYPERCALL_INPUT, ipi_ex(VECTOR, 0, SPARSE, ~0UL, 600));
	/* No fast form: 16 bytes are less than the input */
	EXPECT_EQ(HV_STATUS_INVALID_HYPERCALL_INPUT,
		  call(hv_var(HVCALL_SEND_IPI_EX, 1) | HV_HYPERCALL_FAST));
	EXPECT_EQ(0, interrupted());
	child_gone(p);
}

TEST_ON_MACHINE(flush_reaches_the_vps_of_a_set)
{
	begin(assignable_synthetic_features);
	flushed();
	input[0] = 0;
	input[1] = 0;
	input[2] = 2;
	EXPECT_EQ(0, call(HVCALL_FLUSH_VIRTUAL_ADDRESS_SPACE));
	EXPECT_EQ(2, flushed());
	input[1] = HV_FLUSH_ALL_PROCESSORS;
	input[2] = 0;
	EXPECT_EQ(0, call(HVCALL_FLUSH_VIRTUAL_ADDRESS_SPACE));
	EXPECT_EQ(31, flushed());
	input[4] = 1;
	EXPECT_EQ(0, flush_ex(HV_FLUSH_ALL_VIRTUAL_ADDRESS_SPACES, SPARSE, 2, 1));
	EXPECT_EQ(8, flushed());
	EXPECT_EQ(0, flush_ex(HV_FLUSH_ALL_PROCESSORS, SPARSE, 0, 0));
	EXPECT_EQ(31, flushed());
	EXPECT_EQ(0, flush_ex(HV_FLUSH_NON_GLOBAL_MAPPINGS_ONLY, ALL, 0, 0));
	EXPECT_EQ(31, flushed());
	/* Reserved bits are zero. */
	EXPECT_EQ(HV_STATUS_INVALID_PARAMETER, flush_ex(0x10, SPARSE, 2, 1));
	EXPECT_EQ(HV_STATUS_INVALID_PARAMETER, flush_ex(1UL << 63, SPARSE, 2, 1));
	EXPECT_EQ(HV_STATUS_INVALID_PARAMETER, flush_ex(0, SPARSE, 3, 1));
	EXPECT_EQ(HV_STATUS_INVALID_PARAMETER, flush_ex(0, 2, 2, 1));
	input[1] = 0x10;
	EXPECT_EQ(HV_STATUS_INVALID_PARAMETER, call(HVCALL_FLUSH_VIRTUAL_ADDRESS_SPACE));
	EXPECT_EQ(0, flushed());
	child_gone(p);
}

/* The list follows the banks. */
TEST_ON_MACHINE(flush_of_a_list_counts_its_ranges)
{
	const u64 ex = hv_var(HVCALL_FLUSH_VIRTUAL_ADDRESS_LIST_EX, 1);
	u64 result;

	begin(assignable_synthetic_features);
	flushed();
	memset(input, 0, 64);
	input[2] = SPARSE;
	input[3] = 1;
	input[4] = 2;
	result = hypercall_run(lp_self(), vps[0], ex | hv_reps(0, 3, 0), 0, 0x1000);
	EXPECT_EQ(0, hv_status(result));
	EXPECT_EQ(3, hv_completed(result));
	EXPECT_EQ(2, flushed());
	/* A list has a range at least, and is as long as the page allows. */
	EXPECT_EQ(HV_STATUS_INVALID_HYPERCALL_INPUT, call(ex));
	EXPECT_EQ(HV_STATUS_INVALID_HYPERCALL_INPUT, call(ex | hv_reps(0, 3, 3)));
	EXPECT_EQ(0, call(ex | hv_reps(0, (4096 - 40) / 8, 0)));
	EXPECT_EQ(HV_STATUS_INVALID_HYPERCALL_INPUT, call(ex | hv_reps(0, (4096 - 40) / 8 + 1, 0)));
	EXPECT_EQ(2, flushed());
	/* The form without a list has none. */
	EXPECT_EQ(HV_STATUS_INVALID_HYPERCALL_INPUT,
		  call(hv_var(HVCALL_FLUSH_VIRTUAL_ADDRESS_SPACE_EX, 1) | hv_reps(0, 1, 0)));
	EXPECT_EQ(0, flushed());
	child_gone(p);
}

TEST_ON_MACHINE(each_form_needs_its_feature)
{
	begin(assignable_synthetic_features & ~FEATURE(EXTENDED_PROCESSOR_MASKS));
	input[0] = VECTOR;
	input[1] = 2;
	EXPECT_EQ(0, call(HVCALL_SEND_IPI));
	EXPECT_EQ(2, interrupted());
	input[3] = 2;
	input[4] = 2;
	EXPECT_EQ(HV_STATUS_ACCESS_DENIED, ipi_ex(VECTOR, 0, SPARSE, 1, 1));
	EXPECT_EQ(HV_STATUS_ACCESS_DENIED, flush_ex(0, SPARSE, 1, 1));
	child_gone(p);

	begin(assignable_synthetic_features & ~FEATURE(TB_FLUSH_HYPERCALLS));
	flushed();
	EXPECT_EQ(HV_STATUS_ACCESS_DENIED, flush_ex(0, ALL, 0, 0));
	memset(input, 0, 64);
	EXPECT_EQ(HV_STATUS_ACCESS_DENIED, call(HVCALL_FLUSH_VIRTUAL_ADDRESS_SPACE));
	EXPECT_EQ(0, ipi_ex(VECTOR, 0, ALL, 0, 0));
	EXPECT_EQ(0, flushed());
	EXPECT_EQ(31, interrupted());
	child_gone(p);

	begin(assignable_synthetic_features & ~FEATURE(SYNTHETIC_CLUSTER_IPI));
	EXPECT_EQ(HV_STATUS_ACCESS_DENIED, ipi_ex(VECTOR, 0, ALL, 0, 0));
	EXPECT_EQ(0, flush_ex(0, ALL, 0, 0));
	EXPECT_EQ(0, interrupted());
	child_gone(p);

	begin(assignable_synthetic_features & ~FEATURE(NOTIFY_LONG_SPIN_WAIT));
	EXPECT_EQ(HV_STATUS_ACCESS_DENIED, call(HVCALL_NOTIFY_LONG_SPIN_WAIT));
	EXPECT_EQ(0, flush_ex(0, ALL, 0, 0));
	child_gone(p);

	/* A SynIC alone does for messages, not for events. */
	begin(assignable_synthetic_features & ~FEATURE(SIGNAL_EVENTS));
	memset(input, 0, 64);
	input[0] = 0x123456;
	EXPECT_EQ(HV_STATUS_ACCESS_DENIED, call(HVCALL_SIGNAL_EVENT));
	EXPECT_EQ(HV_STATUS_INVALID_PARAMETER, call(HVCALL_POST_MESSAGE));
	EXPECT_EQ(0, call(HVCALL_NOTIFY_LONG_SPIN_WAIT));
	child_gone(p);
	begin(assignable_synthetic_features);
	memset(input, 0, 64);
	input[0] = 0x123456;
	EXPECT_EQ(HV_STATUS_INVALID_CONNECTION_ID, call(HVCALL_SIGNAL_EVENT));
	child_gone(p);
}

TEST_HARNESS_MAIN
