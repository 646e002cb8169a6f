// SPDX-License-Identifier: GPL-2.0-only
/*
 * Hypercalls on guest physical address spaces (core/hvc_memory.c), accessed
 * and dirty bits, and what happens when the pool ends.
 */
#include <asm/x86.h>
#include <openhv/gpamap.h>
#include <openhv/npt.h>
#include <openhv/time.h>
#include <tlfs/memory.h>
#include "test.h"

#define PAGES_2M	(1UL << MAP_ORDER_2M)
#define RW		(HV_MAP_GPA_READABLE | HV_MAP_GPA_WRITABLE)
#define LARGE		HV_MAP_GPA_LARGE_PAGE

static struct gpa_info look(struct partition *p, u64 gpfn)
{
	struct gpa_info info;

	gpamap_lookup(&p->gpamap, gpfn, &info);
	return info;
}

static u64 map_list(u64 id, u64 gpfn, u32 flags, const u64 *pfns, u32 count, u32 padding)
{
	struct hv_input_map_gpa_pages in = {
		.target_partition_id = id, .target_gpa_base = gpfn, .map_flags = flags,
		.padding = padding,
	};

	return hv_rep(HVCALL_MAP_GPA_PAGES, count, &in, sizeof(in), pfns, count * 8, NULL, 0);
}

/* --- Map and unmap --------------------------------------------------------------- */

TEST_ON_MACHINE(map_flags_give_rights)
{
	static const struct {
		u32 flags;
		u32 rights;
	} cases[] = {
		{ HV_MAP_GPA_READABLE, GPA_READ },
		{ RW, GPA_RW },
		{ RW | HV_MAP_GPA_ADJUSTABLE, GPA_RW },
		{ MAP_RWX, GPA_RWX },
		{ HV_MAP_GPA_READABLE | HV_MAP_GPA_KERNEL_EXECUTABLE, GPA_READ | GPA_EXEC },
		{ HV_MAP_GPA_READABLE | HV_MAP_GPA_USER_EXECUTABLE, GPA_READ | GPA_EXEC },
		{ RW | HV_MAP_GPA_NOT_CACHED, GPA_RW | GPA_UNCACHED },
		{ HV_MAP_GPA_NO_ACCESS, GPA_NO_ACCESS },
		{ HV_MAP_GPA_NO_ACCESS | HV_MAP_GPA_ADJUSTABLE, GPA_NO_ACCESS },
	};
	struct partition *p = child_new();
	u64 pfn = ram_pages(1);
	u32 i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		CONTEXT("flags %x", cases[i].flags);
		EXPECT_EQ(0, map_pages(p, 3, pfn, 1, cases[i].flags));
		EXPECT_EQ(cases[i].rights, look(p, 3).rights);
	}
	child_gone(p);
}

TEST_ON_MACHINE(map_refuses_flags_it_cannot_keep)
{
	static const u32 bad[] = {
		0, HV_MAP_GPA_WRITABLE, HV_MAP_GPA_EXECUTABLE, 0x10, 0x40000000, RW | 0x100,
		HV_MAP_GPA_NO_ACCESS | HV_MAP_GPA_READABLE,
		HV_MAP_GPA_NO_ACCESS | HV_MAP_GPA_NOT_CACHED, HV_MAP_GPA_ADJUSTABLE,
	};
	struct partition *p = child_new();
	u64 pfn = ram_pages(1);
	u32 i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		CONTEXT("flags %x", bad[i]);
		EXPECT_EQ(HV_STATUS_INVALID_PARAMETER, map_pages(p, 3, pfn, 1, bad[i]));
		EXPECT_FALSE(look(p, 3).mapped);
	}
	/* What is in the padding is no one's business. */
	EXPECT_EQ(0, hv_status(map_list(p->id, 3, RW, &pfn, 1, ~0)));
	EXPECT_EQ(GPA_RW, look(p, 3).rights);
	child_gone(p);
}

TEST_ON_MACHINE(map_of_large_pages_counts_in_them)
{
	struct partition *p = child_new();
	u64 pfn = ram_pages_2m(3);

	EXPECT_EQ(0, map_pages(p, PAGES_2M, pfn, 3, RW | LARGE));
	EXPECT_EQ(pfn, look(p, PAGES_2M).spfn);
	EXPECT_EQ(pfn + 2 * PAGES_2M + 5, look(p, 3 * PAGES_2M + 5).spfn);
	EXPECT_FALSE(look(p, 4 * PAGES_2M).mapped);
	EXPECT_EQ(3, p->gpamap.pages_2m);
	EXPECT_EQ(0, unmap_pages(p, 2 * PAGES_2M, 2, HV_UNMAP_GPA_LARGE_PAGE));
	EXPECT_TRUE(look(p, PAGES_2M).mapped);
	EXPECT_FALSE(look(p, 2 * PAGES_2M).mapped);
	EXPECT_EQ(1, p->gpamap.pages_2m);
	child_gone(p);
}

TEST_ON_MACHINE(map_says_how_many_pages_it_mapped)
{
	struct partition *p = child_new();
	u64 pfn = ram_pages(4), result;
	u64 pfns[] = { pfn, pfn + 1, HOST_OWN_HIDDEN >> PAGE_SHIFT, pfn + 2 };

	result = map_list(p->id, 0x100, RW, pfns, 4, 0);
	EXPECT_EQ(HV_STATUS_OPERATION_DENIED, hv_status(result));
	EXPECT_EQ(2, hv_completed(result));
	EXPECT_TRUE(look(p, 0x101).mapped);
	EXPECT_FALSE(look(p, 0x102).mapped);
	EXPECT_FALSE(look(p, 0x103).mapped);
	child_gone(p);
}

TEST_ON_MACHINE(map_is_interrupted_and_goes_on)
{
	struct partition *p = child_new();
	u64 pfn = ram_pages(20), result, in[3 + 20];
	u32 i;

	in[0] = p->id;
	in[1] = 0x100;
	in[2] = RW;
	for (i = 0; i < 20; i++)
		in[3 + i] = pfn + i;
	/* The time of a call is over at once. */
	host_tsc_step = tsc_hz;
	result = hv_call(hv_reps(HVCALL_MAP_GPA_PAGES, 20, 0), in, sizeof(in), NULL, 0);
	EXPECT_EQ(0, hv_status(result));
	EXPECT_EQ(1, hv_completed(result));
	EXPECT_TRUE(look(p, 0x100).mapped);
	EXPECT_FALSE(look(p, 0x101).mapped);
	/* It always gets somewhere, and begins where it was. */
	EXPECT_EQ(0, map_pages(p, 0x100, pfn, 20, RW));
	for (i = 0; i < 20; i++)
		EXPECT_EQ(pfn + i, look(p, 0x100 + i).spfn);
	EXPECT_EQ(0, unmap_pages(p, 0x100, 20, 0));
	EXPECT_EQ(0, p->gpamap.pages_4k);
	child_gone(p);
}

TEST_ON_MACHINE(map_beyond_the_address_space_is_refused)
{
	struct partition *p = child_new();
	u64 pfn = ram_pages(2), max = p->gpamap.max_pfn, result;
	u64 pfns[] = { pfn, pfn + 1 };

	result = map_list(p->id, max - 1, RW, pfns, 2, 0);
	EXPECT_EQ(HV_STATUS_INVALID_PARAMETER, hv_status(result));
	EXPECT_EQ(1, hv_completed(result));
	EXPECT_EQ(HV_STATUS_INVALID_PARAMETER, hv_status(map_list(p->id, ~0UL, RW, pfns, 2, 0)));
	EXPECT_EQ(HV_STATUS_INVALID_PARAMETER,
		  hv_status(map_list(p->id, 1, RW | LARGE, pfns, 1, 0)));
	EXPECT_EQ(HV_STATUS_INVALID_PARAMETER, unmap_pages(p, max, 1, 0));
	EXPECT_EQ(HV_STATUS_INVALID_PARAMETER, unmap_pages(p, ~0UL, 2, 0));
	EXPECT_EQ(HV_STATUS_INVALID_PARAMETER, unmap_pages(p, 0, 1, 4));
	EXPECT_EQ(0, unmap_pages(p, 0, 4095, 0));
	child_gone(p);
}

TEST_ON_MACHINE(map_wants_an_initialized_child)
{
	u64 id = child_create(CHILD_FLAGS), pfn = ram_pages(1);
	struct hv_input_unmap_gpa_pages unmap = { .target_partition_id = HV_PARTITION_ID_SELF };

	EXPECT_EQ(HV_STATUS_INVALID_PARTITION_STATE, hv_status(map_list(id, 0, RW, &pfn, 1, 0)));
	EXPECT_EQ(HV_STATUS_ACCESS_DENIED,
		  hv_status(map_list(HV_PARTITION_ID_SELF, 0, RW, &pfn, 1, 0)));
	EXPECT_EQ(HV_STATUS_ACCESS_DENIED,
		  hv_status(map_list(root_partition.id, 0, RW, &pfn, 1, 0)));
	EXPECT_EQ(HV_STATUS_INVALID_PARTITION_ID, hv_status(map_list(id + 1, 0, RW, &pfn, 1, 0)));
	EXPECT_EQ(HV_STATUS_ACCESS_DENIED,
		  hv_status(hv_rep(HVCALL_UNMAP_GPA_PAGES, 1, &unmap, sizeof(unmap), NULL, 0, NULL,
				   0)));
	ASSERT_EQ(0, hv_fast(HVCALL_FINALIZE_PARTITION, id, 0));
	EXPECT_EQ(HV_STATUS_INVALID_PARTITION_STATE, hv_status(map_list(id, 0, RW, &pfn, 1, 0)));
}

TEST_ON_MACHINE(rights_taken_away_make_vps_drop_their_translations)
{
	struct partition *p = child_new();
	u64 pfn = ram_pages(1), generation = p->gpamap.generation;

	ASSERT_EQ(0, map_pages(p, 0, pfn, 1, RW));
	/* Nothing was there: nothing can be stale. */
	EXPECT_EQ(generation, p->gpamap.generation);
	ASSERT_EQ(0, map_pages(p, 0, pfn, 1, HV_MAP_GPA_READABLE));
	EXPECT_GT(p->gpamap.generation, generation);
	generation = p->gpamap.generation;
	ASSERT_EQ(0, unmap_pages(p, 0, 1, 0));
	EXPECT_GT(p->gpamap.generation, generation);
	generation = p->gpamap.generation;
	ASSERT_EQ(0, unmap_pages(p, 0, 1, 0));
	EXPECT_EQ(generation, p->gpamap.generation);
	child_gone(p);
}

/* --- Accessed and dirty -------------------------------------------------------------- */

static void track(struct partition *p, u64 on)
{
	struct hv_input_set_partition_property in = {
		.partition_id = p->id,
		.property_code = HV_PARTITION_PROPERTY_GPA_PAGE_ACCESS_TRACKING,
		.property_value = on,
	};

	ASSERT_EQ(0, hv(HVCALL_SET_PARTITION_PROPERTY, &in, sizeof(in), NULL, 0));
}

static u64 states(u64 id, u64 gpfn, u32 count, u64 flags, u8 *out)
{
	struct hv_input_get_gpa_pages_access_state in = {
		.partition_id = id, .flags = flags, .hv_gpa_page_number = gpfn,
	};

	return hv_rep(HVCALL_GET_GPA_PAGES_ACCESS_STATES, count, &in, sizeof(in), NULL, 0, out,
		      count);
}

static u8 state(struct partition *p, u64 gpfn, u64 flags)
{
	u8 out;

	if (hv_status(states(p->id, gpfn, 1, flags, &out)))
		host_fail("access state of page %llx", (unsigned long long)gpfn);
	return out;
}

#define A	HV_PAGE_STATE_ACCESSED
#define D	HV_PAGE_STATE_DIRTY

TEST_ON_MACHINE(access_states_are_those_before_the_change)
{
	struct partition *p = child_new();
	u8 byte = 1;

	track(p, 1);
	map_ram(p, 0, 2);
	EXPECT_EQ(0, state(p, 0, 0));
	EXPECT_EQ(0, state(p, 0, HV_PAGE_ACCESS_SET_ACCESSED));
	EXPECT_EQ(A, state(p, 0, HV_PAGE_ACCESS_SET_DIRTY));
	EXPECT_EQ(A | D, state(p, 0, HV_PAGE_ACCESS_CLEAR_DIRTY));
	EXPECT_EQ(A, state(p, 0, HV_PAGE_ACCESS_CLEAR_ACCESSED | HV_PAGE_ACCESS_SET_DIRTY));
	EXPECT_EQ(D, state(p, 0, HV_PAGE_ACCESS_CLEAR_ACCESSED | HV_PAGE_ACCESS_CLEAR_DIRTY));
	EXPECT_EQ(0, state(p, 0, 0));
	/* The hypervisor's own writes count. */
	ASSERT_TRUE(gpa_write(&p->gpamap, 0, &byte, 1));
	EXPECT_EQ(A | D, state(p, 0, 0));
	EXPECT_EQ(0, state(p, 1, 0));
	child_gone(p);
}

TEST_ON_MACHINE(access_states_of_a_large_page_are_kept_by_small_ones)
{
	struct partition *p = child_new();
	u64 pfn = ram_pages_2m(1);
	u8 out[512];
	u32 i;

	track(p, 1);
	ASSERT_EQ(0, map_pages(p, 0, pfn, 1, RW | LARGE));
	ASSERT_NE(NULL, gpamap_page(&p->gpamap, 5, GPA_WRITE));
	/* Only to look leaves it in one piece. */
	EXPECT_EQ(A | D, state(p, 5, 0));
	EXPECT_EQ(1, p->gpamap.pages_2m);
	EXPECT_EQ(A | D, state(p, 5, HV_PAGE_ACCESS_CLEAR_ACCESSED | HV_PAGE_ACCESS_CLEAR_DIRTY));
	EXPECT_EQ(0, p->gpamap.pages_2m);
	EXPECT_EQ(512, p->gpamap.pages_4k);
	/* Which of the others was written is not known: each may have been. */
	EXPECT_EQ(0, hv_status(states(p->id, 0, 512, 0, out)));
	for (i = 0; i < 512; i++)
		EXPECT_EQ(i == 5 ? 0 : A | D, out[i]);
	EXPECT_EQ(pfn + 5, look(p, 5).spfn);
	child_gone(p);
}

TEST_ON_MACHINE(clearing_makes_vps_drop_their_translations)
{
	struct partition *p = child_new();
	u64 generation;

	track(p, 1);
	map_ram(p, 0, 1);
	generation = p->gpamap.generation;
	state(p, 0, HV_PAGE_ACCESS_CLEAR_DIRTY);
	EXPECT_EQ(generation, p->gpamap.generation);
	state(p, 0, HV_PAGE_ACCESS_SET_DIRTY);
	EXPECT_EQ(generation, p->gpamap.generation);
	state(p, 0, HV_PAGE_ACCESS_CLEAR_DIRTY);
	EXPECT_GT(p->gpamap.generation, generation);
	child_gone(p);
}

TEST_ON_MACHINE(access_state_below_an_overlay_is_the_mappings)
{
	struct partition *p = child_new();
	struct overlay ov = {};
	void *page = pool_alloc(&p->pool);

	track(p, 1);
	list_init(&ov.node);
	map_ram(p, 0, 1);
	ASSERT_NE(NULL, gpamap_page(&p->gpamap, 0, GPA_WRITE));
	ASSERT_EQ(0, overlay_set(&p->gpamap, &ov, 0, page, GPA_RW));
	EXPECT_EQ(A | D, state(p, 0, HV_PAGE_ACCESS_CLEAR_DIRTY));
	EXPECT_EQ(A, state(p, 0, 0));
	/* Writes go to the overlay, not to the page below it. */
	ASSERT_NE(NULL, gpamap_page(&p->gpamap, 0, GPA_WRITE));
	EXPECT_EQ(A, state(p, 0, 0));
	overlay_clear(&p->gpamap, &ov);
	EXPECT_EQ(A, state(p, 0, 0));
	pool_free(&p->pool, page);
	child_gone(p);
}

TEST_ON_MACHINE(access_state_wants_a_mapping)
{
	struct partition *p = child_new();
	u64 result;
	u8 out[3];

	track(p, 1);
	map_ram(p, 0, 2);
	result = states(p->id, 0, 3, 0, out);
	EXPECT_EQ(HV_STATUS_INVALID_PARAMETER, hv_status(result));
	EXPECT_EQ(2, hv_completed(result));
	EXPECT_EQ(0, out[0]);
	EXPECT_EQ(0, out[1]);
	EXPECT_EQ(0xAA, out[2]);
	ASSERT_EQ(0, map_pages(p, 5, 0, 1, HV_MAP_GPA_NO_ACCESS));
	EXPECT_EQ(0, state(p, 5, HV_PAGE_ACCESS_SET_DIRTY | HV_PAGE_ACCESS_SET_ACCESSED));
	EXPECT_EQ(0, state(p, 5, 0));
	EXPECT_EQ(GPA_NO_ACCESS, look(p, 5).rights);
	EXPECT_EQ(HV_STATUS_INVALID_PARAMETER, hv_status(states(p->id, ~0UL, 2, 0, out)));
	EXPECT_EQ(HV_STATUS_INVALID_PARAMETER, hv_status(states(p->id, 0, 1, 0x10, out)));
	child_gone(p);
}

TEST_ON_MACHINE(access_state_wants_tracking)
{
	struct partition *p = child_new();
	u8 out;

	map_ram(p, 0, 1);
	EXPECT_EQ(HV_STATUS_INVALID_PARTITION_STATE, hv_status(states(p->id, 0, 1, 0, &out)));
	track(p, 1);
	EXPECT_EQ(0, hv_status(states(p->id, 0, 1, 0, &out)));
	track(p, 0);
	EXPECT_EQ(HV_STATUS_INVALID_PARTITION_STATE, hv_status(states(p->id, 0, 1, 0, &out)));
	EXPECT_EQ(HV_STATUS_ACCESS_DENIED,
		  hv_status(states(HV_PARTITION_ID_SELF, 0, 1, 0, &out)));
	child_gone(p);
}

/* --- The end of the pool ---------------------------------------------------------------- */

TEST_ON_MACHINE(map_without_pages_for_its_tables_changes_nothing)
{
	u64 pfn = ram_pages(1), large = ram_pages_2m(1);
	void *pages[CHILD_POOL];
	u32 left, n;

	/* In an empty address space a small page wants three tables. */
	for (left = 0; left < 3; left++) {
		struct partition *p = child_new();

		CONTEXT("%u pages left", left);
		n = pool_drain(p, left, pages);
		EXPECT_EQ(HV_STATUS_INSUFFICIENT_MEMORY, map_pages(p, 0x100, pfn, 1, RW));
		EXPECT_FALSE(look(p, 0x100).mapped);
		EXPECT_EQ(0, p->gpamap.pages_4k);
		if (left < 2)
			EXPECT_EQ(HV_STATUS_INSUFFICIENT_MEMORY,
				  map_pages(p, PAGES_2M, large, 1, RW | LARGE));
		EXPECT_EQ(0, unmap_pages(p, 0x100, 1, 0));
		/* One page more at a time is enough, as the caller does it. */
		while (map_pages(p, 0x100, pfn, 1, RW))
			ASSERT_EQ(0, deposit(p->id, 1));
		EXPECT_EQ(pfn, look(p, 0x100).spfn);
		pool_refill(p, pages, n);
		child_gone(p);
		ASSERT_TRUE(frame_change(pfn, FRAME_ROOT, FRAME_POOL));
		ASSERT_TRUE(frame_change(pfn, FRAME_POOL, FRAME_ROOT));
	}
}

TEST_ON_MACHINE(split_without_a_page_for_its_table_changes_nothing)
{
	struct partition *p = child_new();
	u64 pfn = ram_pages_2m(1), small = ram_pages(1);
	void *pages[CHILD_POOL];
	u32 n;
	u8 out;

	track(p, 1);
	ASSERT_EQ(0, map_pages(p, 0, pfn, 1, RW | LARGE));
	n = pool_drain(p, 0, pages);
	EXPECT_EQ(HV_STATUS_INSUFFICIENT_MEMORY, map_pages(p, 3, small, 1, RW));
	EXPECT_EQ(HV_STATUS_INSUFFICIENT_MEMORY, unmap_pages(p, 3, 1, 0));
	EXPECT_EQ(HV_STATUS_INSUFFICIENT_MEMORY,
		  hv_status(states(p->id, 3, 1, HV_PAGE_ACCESS_CLEAR_DIRTY, &out)));
	EXPECT_EQ(MAP_ORDER_2M, look(p, 3).order);
	EXPECT_EQ(pfn + 3, look(p, 3).spfn);
	EXPECT_EQ(1, p->gpamap.pages_2m);
	/* What needs no table goes on. */
	EXPECT_EQ(0, map_pages(p, 0, pfn, 1, HV_MAP_GPA_READABLE | LARGE));
	EXPECT_EQ(0, unmap_pages(p, 0, 1, HV_UNMAP_GPA_LARGE_PAGE));
	pool_refill(p, pages, n);
	child_gone(p);
}

TEST_ON_MACHINE(many_mappings_give_every_page_back)
{
	struct partition *p = child_new();
	u64 pfn = ram_pages(64), large = ram_pages_2m(2), seed = 1;
	u32 i;

	for (i = 0; i < 3000; i++) {
		u64 gpfn;

		seed = seed * 6364136223846793005UL + 1442695040888963407UL;
		gpfn = (seed >> 33) % (8 * PAGES_2M);
		switch (seed >> 60) {
		case 0 ... 7:
			ASSERT_EQ(0, map_pages(p, gpfn, pfn + i % 64, 1, MAP_RWX));
			break;
		case 8 ... 9:
			ASSERT_EQ(0, map_pages(p, ALIGN_DOWN(gpfn, PAGES_2M),
					       large + i % 2 * PAGES_2M, 1, RW | LARGE));
			break;
		case 10:
			ASSERT_EQ(0, map_pages(p, gpfn, 0, 1, HV_MAP_GPA_NO_ACCESS));
			break;
		case 11:
			ASSERT_EQ(0, unmap_pages(p, ALIGN_DOWN(gpfn, PAGES_2M), 1,
						 HV_UNMAP_GPA_LARGE_PAGE));
			break;
		default:
			ASSERT_EQ(0, unmap_pages(p, gpfn, 1 + i % 5, 0));
		}
	}
	child_gone(p);
	for (i = 0; i < 64; i++)
		EXPECT_TRUE(frame_change(pfn + i, FRAME_ROOT, FRAME_POOL));
	for (i = 0; i < 2 * PAGES_2M; i++)
		EXPECT_TRUE(frame_change(large + i, FRAME_ROOT, FRAME_POOL));
}

TEST_HARNESS_MAIN
