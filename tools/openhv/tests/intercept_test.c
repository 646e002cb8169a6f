// SPDX-License-Identifier: GPL-2.0-only
/*
 * Intercepts, and results of CPUID that the parent gives: which one counts, and
 * how many there can be (core/hvc_intercept.c).
 */
#include <openhv/run.h>
#include <tlfs/vp.h>
#include "test.h"

#define LEAF		0x8FFF1234	/* without a value of its own */
#define RESULTS		65536U
#define INTERCEPTS	1024U

static struct partition *p;
static struct vp *vp;

static hv_status_t result(u32 vp_index, u32 leaf, bool specific, u32 subleaf, u32 eax)
{
	struct hv_input_register_intercept_result in = {
		.partition_id = p->id, .vp_index = vp_index,
		.intercept_type = HV_INTERCEPT_TYPE_X64_CPUID,
		.parameters.cpuid = {
			.eax = leaf, .ecx = subleaf, .subleaf_specific = specific,
			.result_eax = eax, .result_eax_mask = ~0U,
		},
	};

	return hv(HVCALL_REGISTER_INTERCEPT_RESULT, &in, sizeof(in), NULL, 0);
}

static hv_status_t intercept(u32 type, u64 parameter, u32 access)
{
	struct hv_input_install_intercept in = {
		.partition_id = p->id, .access_type = access, .intercept_type = type,
		.intercept_parameter = parameter,
	};

	return hv(HVCALL_INSTALL_INTERCEPT, &in, sizeof(in), NULL, 0);
}

static u32 eax(struct vp *v, u32 leaf, u32 subleaf)
{
	struct hv_cpuid_result r;

	vp_cpuid(v, leaf, subleaf, &r);
	return r.eax;
}

/* In whatever order they come */
TEST_ON_MACHINE(own_result_counts_before_the_partitions_then_that_for_the_subleaf)
{
	static const struct {
		u32 vp_index;
		bool specific;
		u32 value;
	} results[] = {
		{ HV_ANY_VP, false, 1 }, { HV_ANY_VP, true, 2 }, { 0, false, 3 }, { 0, true, 4 },
	};
	static const u8 orders[][4] = {
		{ 0, 1, 2, 3 }, { 3, 2, 1, 0 }, { 1, 2, 3, 0 }, { 2, 1, 0, 3 }, { 3, 0, 2, 1 },
	};
	u32 order, i;
	struct vp *other;

	p = child_new();
	vp = child_vp(p, 0);
	other = child_vp(p, 1);
	EXPECT_EQ(0, eax(vp, LEAF, 7));
	for (order = 0; order < ARRAY_SIZE(orders); order++) {
		u32 leaf = LEAF + order;

		CONTEXT("order %u", order);
		for (i = 0; i < 4; i++) {
			u32 n = orders[order][i];

			ASSERT_EQ(0, result(results[n].vp_index, leaf, results[n].specific, 7,
					    results[n].value));
		}
		EXPECT_EQ(4, eax(vp, leaf, 7));
		EXPECT_EQ(3, eax(vp, leaf, 8));
		EXPECT_EQ(2, eax(other, leaf, 7));
		EXPECT_EQ(1, eax(other, leaf, 8));
	}
	/* The same again takes the place of what was there. */
	ASSERT_EQ(0, result(0, LEAF, true, 7, 5));
	EXPECT_EQ(5, eax(vp, LEAF, 7));
	EXPECT_EQ(4 * ARRAY_SIZE(orders), p->cpuid_count);
	child_gone(p);
}

/* All VPs that there can be, and 256 results for each: as many as VMMs give */
TEST_ON_MACHINE(results_of_cpuid_are_so_many_and_no_more)
{
	u32 i, v;

	p = child_with(2400, 0);
	vp = child_vp(p, 9);
	for (v = 0; v < VP_MAX; v++) {
		for (i = 0; i < RESULTS / VP_MAX; i++)
			ASSERT_EQ(0, result(v, i / 4, true, i % 4, v << 16 | i));
	}
	EXPECT_EQ(HV_STATUS_NO_RESOURCES, result(0, LEAF, false, 0, 1));
	EXPECT_EQ(HV_STATUS_NO_RESOURCES, result(HV_ANY_VP, 0, false, 0, 1));
	/* What there is can be changed, and is found. */
	EXPECT_EQ(0, result(9, 60, true, 3, 77));
	EXPECT_EQ(77, eax(vp, 60, 3));
	EXPECT_EQ(9 << 16 | 62, eax(vp, 15, 2));
	child_gone(p);
}

TEST_ON_MACHINE(intercepts_are_so_many_and_no_more)
{
	u32 i;

	p = child_new();
	for (i = 0; i < INTERCEPTS; i++)
		ASSERT_EQ(0, intercept(HV_INTERCEPT_TYPE_X64_MSR_INDEX, 0xC0000000 + i,
				       HV_INTERCEPT_ACCESS_MASK_READ));
	EXPECT_EQ(HV_STATUS_NO_RESOURCES, intercept(HV_INTERCEPT_TYPE_X64_MSR_INDEX, 5,
						    HV_INTERCEPT_ACCESS_MASK_READ));
	/* None that is not there is none more. */
	EXPECT_EQ(0, intercept(HV_INTERCEPT_TYPE_X64_MSR_INDEX, 5, 0));
	for (i = 0; i < INTERCEPTS; i++) {
		CONTEXT("%u", i);
		EXPECT_TRUE(intercept_wanted(p, HV_INTERCEPT_TYPE_X64_MSR_INDEX, 0xC0000000 + i,
					     HV_INTERCEPT_ACCESS_MASK_READ));
		EXPECT_FALSE(intercept_wanted(p, HV_INTERCEPT_TYPE_X64_MSR_INDEX, 0xC0000000 + i,
					      HV_INTERCEPT_ACCESS_MASK_WRITE));
		EXPECT_FALSE(intercept_wanted(p, HV_INTERCEPT_TYPE_X64_CPUID, 0xC0000000 + i,
					      HV_INTERCEPT_ACCESS_MASK_READ));
	}
	EXPECT_EQ(0, intercept(HV_INTERCEPT_TYPE_X64_MSR_INDEX, 0xC0000007,
			       HV_INTERCEPT_ACCESS_MASK_WRITE));
	EXPECT_FALSE(intercept_wanted(p, HV_INTERCEPT_TYPE_X64_MSR_INDEX, 0xC0000007,
				      HV_INTERCEPT_ACCESS_MASK_READ));
	child_gone(p);
}

/* The page for the tables is asked for like any other. */
TEST_ON_MACHINE(without_memory_nothing_is_installed)
{
	void *pages[CHILD_POOL];
	u32 n;

	p = child_new();
	n = pool_drain(p, 0, pages);
	EXPECT_EQ(HV_STATUS_INSUFFICIENT_MEMORY, result(0, LEAF, false, 0, 1));
	EXPECT_EQ(HV_STATUS_INSUFFICIENT_MEMORY,
		  intercept(HV_INTERCEPT_TYPE_X64_MSR, 0, HV_INTERCEPT_ACCESS_MASK_READ));
	pool_refill(p, pages, n);
	n = pool_drain(p, 1, pages);
	/* That page is there now, but there is none for the entry. */
	EXPECT_EQ(HV_STATUS_INSUFFICIENT_MEMORY, result(0, LEAF, false, 0, 1));
	pool_refill(p, pages, n);
	EXPECT_EQ(0, result(0, LEAF, false, 0, 1));
	EXPECT_EQ(0, intercept(HV_INTERCEPT_TYPE_X64_MSR, 0, HV_INTERCEPT_ACCESS_MASK_READ));
	EXPECT_FALSE(p->pass_msrs);
	EXPECT_EQ(0, intercept(HV_INTERCEPT_TYPE_X64_MSR, 0, 0));
	EXPECT_TRUE(p->pass_msrs);
	child_gone(p);
}

TEST_HARNESS_MAIN
