// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guest physical address spaces: core/gpamap.c.
 */
#include <asm/x86.h>
#include <openhv/features.h>
#include <openhv/gpamap.h>
#include <openhv/npt.h>
#include <tlfs/memory.h>
#include "test.h"

#define PAGES_2M	(1UL << MAP_ORDER_2M)
#define PAGES_1G	(1UL << MAP_ORDER_1G)
#define DEVICE_PFN	(HOST_DEVICE >> PAGE_SHIFT)
#define FRAMES_1G	(HOST_FREE_1G >> PAGE_SHIFT)

static hv_status_t map(struct partition *p, u64 gpfn, u64 spfn, unsigned int order, u32 rights)
{
	struct gpa_gather g;
	hv_status_t status;

	gpa_gather_init(&g, &p->gpamap);
	write_lock(&p->gpamap.lock);
	status = gpamap_map(&g, gpfn, spfn, order, rights);
	gpa_gather_finish(&g);
	write_unlock(&p->gpamap.lock);
	return status;
}

static hv_status_t unmap(struct partition *p, u64 gpfn, unsigned int order)
{
	struct gpa_gather g;
	hv_status_t status;

	gpa_gather_init(&g, &p->gpamap);
	write_lock(&p->gpamap.lock);
	status = gpamap_unmap(&g, gpfn, order);
	gpa_gather_finish(&g);
	write_unlock(&p->gpamap.lock);
	return status;
}

static struct gpa_info look(struct partition *p, u64 gpfn)
{
	struct gpa_info info;

	gpamap_lookup(&p->gpamap, gpfn, &info);
	return info;
}

/* Whether a page is mapped to a frame with these rights, by a mapping of this size */
static void expect_mapping(struct partition *p, u64 gpfn, u64 spfn, unsigned int order, u32 rights)
{
	struct gpa_info info = look(p, gpfn);

	EXPECT_TRUE(info.mapped);
	EXPECT_EQ(spfn, info.spfn);
	EXPECT_EQ(order, info.order);
	EXPECT_EQ(rights, info.rights);
}

static void expect_hole(struct partition *p, u64 gpfn)
{
	struct gpa_info info = look(p, gpfn);

	EXPECT_FALSE(info.mapped);
	EXPECT_EQ(0, info.rights);
	EXPECT_EQ(0, info.spfn);
}

/* A frame is mapped nowhere if its type can change. */
static bool is_mapped(u64 pfn)
{
	if (!frame_change(pfn, FRAME_ROOT, FRAME_POOL))
		return true;
	if (!frame_change(pfn, FRAME_POOL, FRAME_ROOT))
		host_fail("a frame's type cannot be changed back");
	return false;
}

/* --- One size ------------------------------------------------------------------ */

TEST_ON_MACHINE(mapping_4k_and_unmapping)
{
	struct partition *p = child_new();
	u64 pfn = ram_pages(1);

	expect_hole(p, 7);
	EXPECT_EQ(0, map(p, 7, pfn, MAP_ORDER_4K, GPA_READ));
	expect_mapping(p, 7, pfn, MAP_ORDER_4K, GPA_READ);
	expect_hole(p, 6);
	expect_hole(p, 8);
	EXPECT_EQ(1, p->gpamap.pages_4k);
	EXPECT_TRUE(is_mapped(pfn));
	EXPECT_EQ(0, unmap(p, 7, MAP_ORDER_4K));
	expect_hole(p, 7);
	EXPECT_EQ(0, p->gpamap.pages_4k);
	EXPECT_FALSE(is_mapped(pfn));
	child_gone(p);
}

TEST_ON_MACHINE(rights_of_a_mapping)
{
	static const u32 rights[] = {
		GPA_READ, GPA_RW, GPA_READ | GPA_EXEC, GPA_RWX, GPA_RW | GPA_UNCACHED,
	};
	struct partition *p = child_new();
	u64 pfn = ram_pages(1);
	u32 i;

	for (i = 0; i < ARRAY_SIZE(rights); i++) {
		CONTEXT("rights %x", rights[i]);
		EXPECT_EQ(0, map(p, 0, pfn, MAP_ORDER_4K, rights[i]));
		expect_mapping(p, 0, pfn, MAP_ORDER_4K, rights[i]);
		EXPECT_EQ(1, p->gpamap.pages_4k);
	}
	child_gone(p);
	EXPECT_FALSE(is_mapped(pfn));
}

TEST_ON_MACHINE(mapping_2m_and_unmapping)
{
	struct partition *p = child_new();
	u64 pfn = ram_pages_2m(1);

	EXPECT_EQ(0, map(p, PAGES_2M, pfn, MAP_ORDER_2M, GPA_RWX));
	expect_mapping(p, PAGES_2M, pfn, MAP_ORDER_2M, GPA_RWX);
	expect_mapping(p, PAGES_2M + 300, pfn + 300, MAP_ORDER_2M, GPA_RWX);
	expect_hole(p, PAGES_2M - 1);
	expect_hole(p, 2 * PAGES_2M);
	EXPECT_EQ(1, p->gpamap.pages_2m);
	EXPECT_EQ(0, p->gpamap.pages_4k);
	EXPECT_TRUE(is_mapped(pfn));
	EXPECT_TRUE(is_mapped(pfn + 511));
	EXPECT_FALSE(is_mapped(pfn + 512));
	EXPECT_EQ(0, unmap(p, PAGES_2M, MAP_ORDER_2M));
	expect_hole(p, PAGES_2M + 300);
	EXPECT_FALSE(is_mapped(pfn));
	EXPECT_FALSE(is_mapped(pfn + 511));
	EXPECT_EQ(0, p->gpamap.pages_2m);
	child_gone(p);
}

TEST_ON_MACHINE(mapping_1g_and_unmapping)
{
	struct partition *p = child_new();

	EXPECT_EQ(0, map(p, PAGES_1G, FRAMES_1G, MAP_ORDER_1G, GPA_RWX));
	expect_mapping(p, PAGES_1G + 100000, FRAMES_1G + 100000, MAP_ORDER_1G, GPA_RWX);
	EXPECT_EQ(1, p->gpamap.pages_1g);
	EXPECT_TRUE(is_mapped(FRAMES_1G + 262143));
	EXPECT_EQ(0, unmap(p, PAGES_1G, MAP_ORDER_1G));
	expect_hole(p, PAGES_1G);
	EXPECT_FALSE(is_mapped(FRAMES_1G + 262143));
	EXPECT_EQ(0, p->gpamap.pages_1g);
	child_gone(p);
}

TEST_BARE(mapping_1g_where_the_processor_has_none_takes_2m)
{
	struct vcpu_caps caps;
	struct partition *p;

	host_caps_default(&caps);
	caps.large_1g = false;
	host_boot_with(&caps, 1);
	p = child_new();
	EXPECT_EQ(0, map(p, 0, FRAMES_1G, MAP_ORDER_1G, GPA_RW));
	expect_mapping(p, 100000, FRAMES_1G + 100000, MAP_ORDER_2M, GPA_RW);
	EXPECT_EQ(512, p->gpamap.pages_2m);
	EXPECT_EQ(0, p->gpamap.pages_1g);
	/* A page that is mapped with no access has no place to go on from. */
	EXPECT_EQ(0, map(p, 0, 0, MAP_ORDER_1G, GPA_NO_ACCESS));
	expect_mapping(p, 100000, 0, MAP_ORDER_2M, GPA_NO_ACCESS);
	child_gone(p);
}

TEST_ON_MACHINE(mappings_are_aligned_and_in_range)
{
	struct partition *p = child_new();
	u64 max = 1UL << (HOST_PHYS_BITS - PAGE_SHIFT), pfn = ram_pages_2m(2);

	EXPECT_EQ(max, p->gpamap.max_pfn);
	EXPECT_EQ(0, map(p, max - 1, pfn, MAP_ORDER_4K, GPA_RW));
	EXPECT_EQ(HV_STATUS_INVALID_PARAMETER, map(p, max, pfn, MAP_ORDER_4K, GPA_RW));
	EXPECT_EQ(HV_STATUS_INVALID_PARAMETER, map(p, ~0UL, pfn, MAP_ORDER_4K, GPA_RW));
	EXPECT_EQ(HV_STATUS_INVALID_PARAMETER, map(p, max, pfn, MAP_ORDER_2M, GPA_RW));
	EXPECT_EQ(HV_STATUS_INVALID_PARAMETER, map(p, -PAGES_2M, pfn, MAP_ORDER_2M, GPA_RW));
	EXPECT_EQ(HV_STATUS_INVALID_PARAMETER, map(p, 1, pfn, MAP_ORDER_2M, GPA_RW));
	EXPECT_EQ(HV_STATUS_INVALID_PARAMETER, map(p, 0, pfn + 1, MAP_ORDER_2M, GPA_RW));
	EXPECT_EQ(HV_STATUS_INVALID_PARAMETER, map(p, PAGES_2M, FRAMES_1G, MAP_ORDER_1G, GPA_RW));
	EXPECT_EQ(HV_STATUS_INVALID_PARAMETER,
		  map(p, 0, FRAMES_1G + PAGES_2M, MAP_ORDER_1G, GPA_RW));
	EXPECT_EQ(HV_STATUS_INVALID_PARAMETER, map(p, 0, max, MAP_ORDER_4K, GPA_RW));
	EXPECT_EQ(HV_STATUS_INVALID_PARAMETER, unmap(p, max, MAP_ORDER_4K));
	EXPECT_EQ(HV_STATUS_INVALID_PARAMETER, unmap(p, 1, MAP_ORDER_2M));
	EXPECT_EQ(0, p->gpamap.pages_2m);
	EXPECT_EQ(1, p->gpamap.pages_4k);
	child_gone(p);
}

/* --- One over another ------------------------------------------------------------ */

TEST_ON_MACHINE(remapping_moves_the_reference)
{
	struct partition *p = child_new();
	u64 a = ram_pages(2), b = a + 1;

	ASSERT_EQ(0, map(p, 3, a, MAP_ORDER_4K, GPA_RWX));
	ASSERT_EQ(0, map(p, 3, b, MAP_ORDER_4K, GPA_READ));
	expect_mapping(p, 3, b, MAP_ORDER_4K, GPA_READ);
	EXPECT_FALSE(is_mapped(a));
	EXPECT_TRUE(is_mapped(b));
	/* The same frame at two places holds two references. */
	ASSERT_EQ(0, map(p, 4, b, MAP_ORDER_4K, GPA_READ));
	ASSERT_EQ(0, unmap(p, 3, MAP_ORDER_4K));
	EXPECT_TRUE(is_mapped(b));
	ASSERT_EQ(0, unmap(p, 4, MAP_ORDER_4K));
	EXPECT_FALSE(is_mapped(b));
	child_gone(p);
}

TEST_ON_MACHINE(small_page_in_a_large_one_splits_it)
{
	struct partition *p = child_new();
	u64 large = ram_pages_2m(1), small = ram_pages(1);
	u32 i;

	ASSERT_EQ(0, map(p, PAGES_2M, large, MAP_ORDER_2M, GPA_RW));
	ASSERT_EQ(0, map(p, PAGES_2M + 10, small, MAP_ORDER_4K, GPA_READ));
	for (i = 0; i < PAGES_2M; i++) {
		CONTEXT("page %u", i);
		if (i == 10)
			expect_mapping(p, PAGES_2M + i, small, MAP_ORDER_4K, GPA_READ);
		else
			expect_mapping(p, PAGES_2M + i, large + i, MAP_ORDER_4K, GPA_RW);
	}
	EXPECT_EQ(0, p->gpamap.pages_2m);
	EXPECT_EQ(512, p->gpamap.pages_4k);
	EXPECT_FALSE(is_mapped(large + 10));
	EXPECT_TRUE(is_mapped(large + 9));
	child_gone(p);
	EXPECT_FALSE(is_mapped(large + 9));
	EXPECT_FALSE(is_mapped(small));
}

TEST_ON_MACHINE(large_page_over_small_ones_frees_their_table)
{
	struct partition *p = child_new();
	u64 large = ram_pages_2m(1), small = ram_pages(3), free;

	ASSERT_EQ(0, map(p, PAGES_2M * 4, large, MAP_ORDER_2M, GPA_RW));
	free = p->pool.free;
	ASSERT_EQ(0, map(p, 1, small, MAP_ORDER_4K, GPA_RW));
	ASSERT_EQ(0, map(p, 2, small + 1, MAP_ORDER_4K, GPA_RW));
	ASSERT_EQ(0, map(p, 511, small + 2, MAP_ORDER_4K, GPA_RW));
	EXPECT_EQ(free - 1, p->pool.free);
	ASSERT_EQ(0, map(p, 0, large, MAP_ORDER_2M, GPA_RWX));
	EXPECT_EQ(free, p->pool.free);
	expect_mapping(p, 1, large + 1, MAP_ORDER_2M, GPA_RWX);
	EXPECT_EQ(0, p->gpamap.pages_4k);
	EXPECT_EQ(2, p->gpamap.pages_2m);
	EXPECT_FALSE(is_mapped(small));
	EXPECT_FALSE(is_mapped(small + 2));
	child_gone(p);
}

TEST_ON_MACHINE(unmapping_splits_what_is_larger)
{
	struct partition *p = child_new();

	ASSERT_EQ(0, map(p, 0, FRAMES_1G, MAP_ORDER_1G, GPA_RWX));
	EXPECT_EQ(0, unmap(p, 1000, MAP_ORDER_4K));
	expect_hole(p, 1000);
	expect_mapping(p, 1001, FRAMES_1G + 1001, MAP_ORDER_4K, GPA_RWX);
	expect_mapping(p, 0, FRAMES_1G, MAP_ORDER_2M, GPA_RWX);
	EXPECT_EQ(0, p->gpamap.pages_1g);
	EXPECT_EQ(511, p->gpamap.pages_2m);
	EXPECT_EQ(511, p->gpamap.pages_4k);
	EXPECT_FALSE(is_mapped(FRAMES_1G + 1000));
	EXPECT_TRUE(is_mapped(FRAMES_1G + 999));
	EXPECT_EQ(0, unmap(p, PAGES_2M, MAP_ORDER_2M));
	expect_hole(p, 999);
	EXPECT_EQ(0, p->gpamap.pages_4k);
	EXPECT_EQ(0, unmap(p, 0, MAP_ORDER_1G));
	EXPECT_EQ(0, p->gpamap.pages_2m);
	EXPECT_FALSE(is_mapped(FRAMES_1G));
	child_gone(p);
}

TEST_ON_MACHINE(unmapping_a_hole_is_no_error_and_takes_no_memory)
{
	struct partition *p = child_new();
	u64 free = p->pool.free;

	EXPECT_EQ(0, unmap(p, 0x12345, MAP_ORDER_4K));
	EXPECT_EQ(0, unmap(p, 0, MAP_ORDER_2M));
	EXPECT_EQ(0, unmap(p, 0, MAP_ORDER_1G));
	EXPECT_EQ(free, p->pool.free);
	ASSERT_EQ(0, map(p, 0, ram_pages(1), MAP_ORDER_4K, GPA_RW));
	free = p->pool.free;
	EXPECT_EQ(0, unmap(p, 1, MAP_ORDER_4K));
	EXPECT_EQ(free, p->pool.free);
	EXPECT_EQ(1, p->gpamap.pages_4k);
	child_gone(p);
}

/* --- No access --------------------------------------------------------------------- */

TEST_ON_MACHINE(page_without_access_is_no_hole)
{
	struct partition *p = child_new();
	u64 pfn = ram_pages_2m(1);

	EXPECT_EQ(0, map(p, 0, 0x12345, MAP_ORDER_4K, GPA_NO_ACCESS));
	expect_mapping(p, 0, 0, MAP_ORDER_4K, GPA_NO_ACCESS);
	EXPECT_NULL(gpamap_page(&p->gpamap, 0, 0));
	EXPECT_NULL(gpamap_page(&p->gpamap, 0, GPA_READ));
	EXPECT_EQ(1, p->gpamap.pages_4k);

	EXPECT_EQ(0, map(p, PAGES_2M, 0, MAP_ORDER_2M, GPA_NO_ACCESS));
	expect_mapping(p, PAGES_2M + 77, 0, MAP_ORDER_2M, GPA_NO_ACCESS);
	/* A page in the middle leaves the others as they are. */
	EXPECT_EQ(0, map(p, PAGES_2M + 77, pfn, MAP_ORDER_4K, GPA_RW));
	expect_mapping(p, PAGES_2M + 77, pfn, MAP_ORDER_4K, GPA_RW);
	expect_mapping(p, PAGES_2M + 78, 0, MAP_ORDER_4K, GPA_NO_ACCESS);
	EXPECT_EQ(0, map(p, PAGES_2M, pfn, MAP_ORDER_2M, GPA_RWX));
	expect_mapping(p, PAGES_2M + 78, pfn + 78, MAP_ORDER_2M, GPA_RWX);
	/* And back */
	EXPECT_EQ(0, map(p, PAGES_2M, 0, MAP_ORDER_2M, GPA_NO_ACCESS));
	EXPECT_FALSE(is_mapped(pfn));
	EXPECT_EQ(0, unmap(p, PAGES_2M + 5, MAP_ORDER_4K));
	expect_hole(p, PAGES_2M + 5);
	expect_mapping(p, PAGES_2M + 6, 0, MAP_ORDER_4K, GPA_NO_ACCESS);
	child_gone(p);
}

/* --- What may be mapped -------------------------------------------------------------- */

TEST_ON_MACHINE(memory_of_devices_is_mapped_without_references)
{
	struct partition *p = child_new();

	EXPECT_EQ(0, map(p, 0, DEVICE_PFN, MAP_ORDER_4K, GPA_RW | GPA_UNCACHED));
	expect_mapping(p, 0, DEVICE_PFN, MAP_ORDER_4K, GPA_RW | GPA_UNCACHED);
	EXPECT_EQ(0, map(p, PAGES_2M, DEVICE_PFN, MAP_ORDER_2M, GPA_RW));
	/* The hypervisor itself does not touch it. */
	EXPECT_NULL(gpamap_page(&p->gpamap, 0, GPA_READ));
	EXPECT_EQ(0, unmap(p, PAGES_2M + 1, MAP_ORDER_4K));
	child_gone(p);
}

TEST_ON_MACHINE(memory_that_is_not_roots_cannot_be_mapped)
{
	struct partition *p = child_new();
	u64 own = HOST_OWN_BASE >> PAGE_SHIFT, pfn = ram_pages_2m(2), free;
	u64 shown = virt_to_phys(root_vp()->synic.simp.own) >> PAGE_SHIFT;

	ASSERT_EQ(0, map(p, 0, pfn + PAGES_2M, MAP_ORDER_4K, GPA_RW));
	free = p->pool.free;
	EXPECT_EQ(HV_STATUS_OPERATION_DENIED, map(p, 1, own, MAP_ORDER_4K, GPA_RW));
	EXPECT_EQ(HV_STATUS_OPERATION_DENIED, map(p, 1, shown, MAP_ORDER_4K, GPA_READ));
	EXPECT_EQ(HV_STATUS_OPERATION_DENIED,
		  map(p, PAGES_2M, own, MAP_ORDER_2M, GPA_RW));
	/* One page of the lot is enough. */
	ASSERT_TRUE(frame_change(pfn + 200, FRAME_ROOT, FRAME_POOL));
	EXPECT_EQ(HV_STATUS_OPERATION_DENIED, map(p, PAGES_2M, pfn, MAP_ORDER_2M, GPA_RW));
	EXPECT_FALSE(is_mapped(pfn));
	EXPECT_FALSE(is_mapped(pfn + 511));
	/* Neither may RAM and a device's memory be mixed. */
	EXPECT_EQ(HV_STATUS_OPERATION_DENIED, map(p, PAGES_2M, 0, MAP_ORDER_2M, GPA_RW));
	EXPECT_FALSE(is_mapped(0));
	expect_hole(p, 1);
	expect_hole(p, PAGES_2M);
	EXPECT_EQ(free, p->pool.free);
	EXPECT_EQ(1, p->gpamap.pages_4k);
	child_gone(p);
}

TEST_ON_MACHINE(refused_mapping_leaves_what_was_there)
{
	struct partition *p = child_new();
	u64 own = HOST_OWN_BASE >> PAGE_SHIFT, pfn = ram_pages_2m(1);

	ASSERT_EQ(0, map(p, 0, pfn, MAP_ORDER_2M, GPA_RW));
	EXPECT_EQ(HV_STATUS_OPERATION_DENIED, map(p, 0, own, MAP_ORDER_2M, GPA_RW));
	EXPECT_EQ(HV_STATUS_OPERATION_DENIED, map(p, 3, own, MAP_ORDER_4K, GPA_RW));
	EXPECT_EQ(pfn, look(p, 0).spfn);
	EXPECT_EQ(pfn + 3, look(p, 3).spfn);
	EXPECT_EQ(GPA_RW, look(p, 3).rights);
	child_gone(p);
}

/* --- The hypervisor's own view -------------------------------------------------------- */

TEST_ON_MACHINE(page_is_given_only_with_its_rights)
{
	struct partition *p = child_new();
	u64 pfn = ram_pages(1);
	struct gpa_gather g;
	u8 state;

	gpa_gather_init(&g, &p->gpamap);
	ASSERT_EQ(0, map(p, 0, pfn, MAP_ORDER_4K, GPA_READ));
	EXPECT_EQ(ram(pfn), gpamap_page(&p->gpamap, 0, GPA_READ));
	EXPECT_NULL(gpamap_page(&p->gpamap, 0, GPA_WRITE));
	EXPECT_NULL(gpamap_page(&p->gpamap, 0, GPA_EXEC));
	ASSERT_EQ(0, map(p, 0, pfn, MAP_ORDER_4K, GPA_RW));
	ASSERT_EQ(0, gpamap_access_state(&g, 0, 0, &state));
	EXPECT_EQ(0, state);
	EXPECT_EQ(ram(pfn), gpamap_page(&p->gpamap, 0, GPA_WRITE));
	ASSERT_EQ(0, gpamap_access_state(&g, 0, 0, &state));
	EXPECT_EQ(HV_PAGE_STATE_ACCESSED | HV_PAGE_STATE_DIRTY, state);
	EXPECT_NULL(gpamap_page(&p->gpamap, p->gpamap.max_pfn, GPA_READ));
	EXPECT_NULL(gpamap_page(&p->gpamap, ~0UL, GPA_READ));
	child_gone(p);
}

TEST_ON_MACHINE(copies_cross_pages_and_stop_at_holes)
{
	struct partition *p = child_new();
	u64 pfn = ram_pages(4);
	u8 buf[8192], *second = ram(pfn + 2);
	u32 i;

	/* Two pages that follow each other in the guest only */
	ASSERT_EQ(0, map(p, 10, pfn, MAP_ORDER_4K, GPA_RW));
	ASSERT_EQ(0, map(p, 11, pfn + 2, MAP_ORDER_4K, GPA_READ));
	memset(ram(pfn), 1, PAGE_SIZE);
	memset(ram(pfn + 1), 0xFF, PAGE_SIZE);
	memset(second, 2, PAGE_SIZE);
	EXPECT_TRUE(gpa_read(&p->gpamap, (10 << PAGE_SHIFT) + 4000, buf, 200));
	for (i = 0; i < 200; i++)
		ASSERT_EQ(i < 96 ? 1 : 2, buf[i]);
	EXPECT_TRUE(gpa_read(&p->gpamap, 10 << PAGE_SHIFT, buf, 8192));
	EXPECT_FALSE(gpa_read(&p->gpamap, (11 << PAGE_SHIFT) + 4095, buf, 2));
	EXPECT_EQ(2, buf[0]);
	EXPECT_TRUE(gpa_read(&p->gpamap, (11 << PAGE_SHIFT) + 4095, buf, 1));
	EXPECT_TRUE(gpa_read(&p->gpamap, ~0UL, buf, 0));
	EXPECT_FALSE(gpa_read(&p->gpamap, ~0UL, buf, 1));

	memset(buf, 9, sizeof(buf));
	EXPECT_TRUE(gpa_write(&p->gpamap, (10 << PAGE_SHIFT) + 4090, buf, 6));
	EXPECT_FALSE(gpa_write(&p->gpamap, (10 << PAGE_SHIFT) + 4090, buf, 7));
	EXPECT_EQ(9, ((u8 *)ram(pfn))[4095]);
	EXPECT_EQ(1, ((u8 *)ram(pfn))[4089]);
	EXPECT_EQ(2, second[0]);
	child_gone(p);
}

/* --- Promotion -------------------------------------------------------------------------- */

/* Map pages in a row, one by one, in one batch as a hypercall does. */
static void map_row(struct partition *p, u64 gpfn, u64 spfn, u32 count, unsigned int order,
		    u32 rights)
{
	struct gpa_gather g;
	u32 i;

	gpa_gather_init(&g, &p->gpamap);
	write_lock(&p->gpamap.lock);
	for (i = 0; i < count; i++)
		ASSERT_EQ(0, gpamap_map(&g, gpfn + ((u64)i << order), spfn + ((u64)i << order),
					order, rights));
	gpa_gather_finish(&g);
	write_unlock(&p->gpamap.lock);
}

TEST_ON_MACHINE(pages_in_a_row_become_a_large_page)
{
	struct partition *p = child_new();
	u64 pfn = ram_pages_2m(1), generation;

	map_row(p, PAGES_2M, pfn, 511, MAP_ORDER_4K, GPA_RW);
	expect_mapping(p, PAGES_2M, pfn, MAP_ORDER_4K, GPA_RW);
	generation = p->gpamap.generation;
	map_row(p, PAGES_2M + 511, pfn + 511, 1, MAP_ORDER_4K, GPA_RW);
	expect_mapping(p, PAGES_2M, pfn, MAP_ORDER_2M, GPA_RW);
	expect_mapping(p, PAGES_2M + 511, pfn + 511, MAP_ORDER_2M, GPA_RW);
	EXPECT_EQ(0, p->gpamap.pages_4k);
	EXPECT_EQ(1, p->gpamap.pages_2m);
	/* The table that the large page replaces may be cached. */
	EXPECT_EQ(generation + 1, p->gpamap.generation);
	EXPECT_TRUE(is_mapped(pfn));
	EXPECT_EQ(0, unmap(p, PAGES_2M, MAP_ORDER_2M));
	EXPECT_FALSE(is_mapped(pfn));
	EXPECT_FALSE(is_mapped(pfn + 511));
	child_gone(p);
}

TEST_ON_MACHINE(what_does_not_fit_together_stays_in_pages)
{
	struct partition *p = child_new();
	u64 pfn = ram_pages_2m(2);

	/* One page has other rights. */
	map_row(p, 0, pfn, 511, MAP_ORDER_4K, GPA_RW);
	ASSERT_EQ(0, map(p, 7, pfn + 7, MAP_ORDER_4K, GPA_READ));
	map_row(p, 511, pfn + 511, 1, MAP_ORDER_4K, GPA_RW);
	EXPECT_EQ(MAP_ORDER_4K, look(p, 0).order);
	/* One page is another frame; one is a hole. */
	ASSERT_EQ(0, map(p, 7, pfn + PAGES_2M, MAP_ORDER_4K, GPA_RW));
	map_row(p, 511, pfn + 511, 1, MAP_ORDER_4K, GPA_RW);
	EXPECT_EQ(MAP_ORDER_4K, look(p, 0).order);
	ASSERT_EQ(0, unmap(p, 7, MAP_ORDER_4K));
	map_row(p, 511, pfn + 511, 1, MAP_ORDER_4K, GPA_RW);
	EXPECT_EQ(MAP_ORDER_4K, look(p, 0).order);
	/* Frames in a row that do not begin on a boundary; pages without access */
	map_row(p, PAGES_2M, pfn + 1, 512, MAP_ORDER_4K, GPA_RW);
	EXPECT_EQ(MAP_ORDER_4K, look(p, PAGES_2M).order);
	map_row(p, PAGES_2M, 0, 512, MAP_ORDER_4K, GPA_NO_ACCESS);
	EXPECT_EQ(MAP_ORDER_4K, look(p, PAGES_2M).order);
	/* And when all fits after all */
	map_row(p, 0, pfn, 512, MAP_ORDER_4K, GPA_RW);
	EXPECT_EQ(MAP_ORDER_2M, look(p, 0).order);
	child_gone(p);
}

TEST_ON_MACHINE(promoted_page_is_split_without_memory)
{
	struct partition *p = child_new();
	u64 pfn = ram_pages_2m(1), other = ram_pages(1);
	void *pages[CHILD_POOL];
	u32 n, i;

	map_row(p, 0, pfn, 512, MAP_ORDER_4K, GPA_RW);
	n = pool_drain(p, 0, pages);
	ASSERT_EQ(0, map(p, 100, other, MAP_ORDER_4K, GPA_READ));
	EXPECT_EQ(0, p->pool.free);
	for (i = 0; i < 512; i++) {
		CONTEXT("page %u", i);
		if (i == 100)
			expect_mapping(p, i, other, MAP_ORDER_4K, GPA_READ);
		else
			expect_mapping(p, i, pfn + i, MAP_ORDER_4K, GPA_RW);
	}
	EXPECT_NULL(p->gpamap.spare);
	EXPECT_FALSE(is_mapped(pfn + 100));
	/* Again one, and split by an unmap */
	ASSERT_EQ(0, map(p, 100, pfn + 100, MAP_ORDER_4K, GPA_RW));
	map_row(p, 511, pfn + 511, 1, MAP_ORDER_4K, GPA_RW);
	EXPECT_EQ(MAP_ORDER_2M, look(p, 0).order);
	EXPECT_EQ(0, unmap(p, 3, MAP_ORDER_4K));
	expect_hole(p, 3);
	expect_mapping(p, 4, pfn + 4, MAP_ORDER_4K, GPA_RW);
	pool_refill(p, pages, n);
	child_gone(p);
}

TEST_ON_MACHINE(accessed_and_dirty_bits_survive_promotion_and_splitting)
{
	struct partition *p = child_new();
	u64 pfn = ram_pages_2m(1);
	struct gpa_gather g;
	u8 state;

	map_row(p, 0, pfn, 511, MAP_ORDER_4K, GPA_RW);
	ASSERT_NE(NULL, gpamap_page(&p->gpamap, 5, GPA_WRITE));
	map_row(p, 511, pfn + 511, 1, MAP_ORDER_4K, GPA_RW);
	EXPECT_EQ(MAP_ORDER_2M, look(p, 0).order);
	ASSERT_EQ(0, unmap(p, 9, MAP_ORDER_4K));
	gpa_gather_init(&g, &p->gpamap);
	/* Which page it was is forgotten: it may have been any. */
	ASSERT_EQ(0, gpamap_access_state(&g, 6, 0, &state));
	EXPECT_EQ(HV_PAGE_STATE_ACCESSED | HV_PAGE_STATE_DIRTY, state);
	child_gone(p);
}

TEST_ON_MACHINE(large_pages_in_a_row_become_one_of_1g)
{
	struct partition *p = child_new();
	u64 free;

	map_row(p, PAGES_1G, FRAMES_1G, 1, MAP_ORDER_2M, GPA_RWX);
	free = p->pool.free;
	map_row(p, PAGES_1G + PAGES_2M, FRAMES_1G + PAGES_2M, 511, MAP_ORDER_2M, GPA_RWX);
	expect_mapping(p, PAGES_1G + 12345, FRAMES_1G + 12345, MAP_ORDER_1G, GPA_RWX);
	EXPECT_EQ(0, p->gpamap.pages_2m);
	EXPECT_EQ(1, p->gpamap.pages_1g);
	EXPECT_EQ(free, p->pool.free);
	/* Its one table is kept; a page of 4 KiB takes one more. */
	ASSERT_EQ(0, unmap(p, PAGES_1G, MAP_ORDER_2M));
	EXPECT_EQ(free, p->pool.free);
	EXPECT_EQ(511, p->gpamap.pages_2m);
	ASSERT_EQ(0, unmap(p, PAGES_1G + PAGES_2M, MAP_ORDER_4K));
	EXPECT_EQ(free - 1, p->pool.free);
	EXPECT_EQ(0, unmap(p, PAGES_1G, MAP_ORDER_1G));
	EXPECT_FALSE(is_mapped(FRAMES_1G + 777));
	child_gone(p);
}

TEST_ON_MACHINE(small_pages_become_one_of_1g_in_two_steps)
{
	struct partition *p = child_with(600, assignable_synthetic_features);
	u64 before, i;

	/* The tables above stay; what is counted is what comes on top. */
	ASSERT_EQ(0, map(p, 0, FRAMES_1G, MAP_ORDER_1G, GPA_RW));
	before = p->pool.free;
	for (i = 0; i < PAGES_1G; i += PAGES_2M)
		map_row(p, i, FRAMES_1G + i, 512, MAP_ORDER_4K, GPA_RW);
	expect_mapping(p, 54321, FRAMES_1G + 54321, MAP_ORDER_1G, GPA_RW);
	EXPECT_EQ(1, p->gpamap.pages_1g);
	EXPECT_EQ(0, p->gpamap.pages_2m + p->gpamap.pages_4k);
	/* A table for the GiB and one for each of its parts */
	EXPECT_EQ(before - 513, p->pool.free);
	ASSERT_EQ(0, unmap(p, 1000, MAP_ORDER_4K));
	EXPECT_EQ(before - 513, p->pool.free);
	expect_mapping(p, 1001, FRAMES_1G + 1001, MAP_ORDER_4K, GPA_RW);
	expect_mapping(p, 2048, FRAMES_1G + 2048, MAP_ORDER_2M, GPA_RW);
	/* All of them come back with the last of the pages. */
	ASSERT_EQ(0, unmap(p, 0, MAP_ORDER_1G));
	EXPECT_EQ(before, p->pool.free);
	EXPECT_NULL(p->gpamap.spare);
	EXPECT_FALSE(is_mapped(FRAMES_1G + 1001));
	child_gone(p);
}

/* Documentation, openhv.rst: what it costs */
TEST_ON_MACHINE(gib_in_pages_of_2m_takes_two_tables)
{
	struct partition *p = child_new();
	u64 before = p->pool.free;

	/* Not all of it: that would become one page. */
	map_row(p, 0, FRAMES_1G, 511, MAP_ORDER_2M, GPA_RWX);
	EXPECT_EQ(511, p->gpamap.pages_2m);
	EXPECT_EQ(2, before - p->pool.free);
	child_gone(p);
}

TEST_ON_MACHINE(no_page_of_1g_where_the_processor_has_none)
{
	struct partition *p = child_new();

	vcpu_caps.large_1g = false;
	map_row(p, 0, FRAMES_1G, 512, MAP_ORDER_2M, GPA_RWX);
	EXPECT_EQ(MAP_ORDER_2M, look(p, 0).order);
	EXPECT_EQ(512, p->gpamap.pages_2m);
	child_gone(p);
}

TEST_ON_MACHINE(dropped_large_page_gives_its_tables_back)
{
	struct partition *p = child_new();
	u64 pfn = ram_pages_2m(1), free, i;

	ASSERT_EQ(0, map(p, 0, pfn, MAP_ORDER_2M, GPA_RW));
	free = p->pool.free;
	for (i = 0; i < 3; i++) {
		CONTEXT("round %llu", (unsigned long long)i);
		map_row(p, 0, pfn, 512, MAP_ORDER_4K, GPA_RW);
		EXPECT_EQ(free - 1, p->pool.free);
		EXPECT_EQ(0, unmap(p, 0, MAP_ORDER_2M));
		EXPECT_EQ(free, p->pool.free);
		/* By another mapping in its place as well */
		map_row(p, 0, pfn, 512, MAP_ORDER_4K, GPA_RW);
		EXPECT_EQ(0, map(p, 0, 0, MAP_ORDER_2M, GPA_NO_ACCESS));
		EXPECT_EQ(free, p->pool.free);
	}
	child_gone(p);
}

TEST_ON_MACHINE(promoted_memory_of_devices_gives_its_tables_back)
{
	struct partition *p = child_new();
	u64 free, i;

	ASSERT_EQ(0, map(p, 0, DEVICE_PFN, MAP_ORDER_2M, GPA_RW));
	free = p->pool.free;
	for (i = 0; i < 3; i++) {
		map_row(p, 0, DEVICE_PFN, 512, MAP_ORDER_4K, GPA_RW | GPA_UNCACHED);
		EXPECT_EQ(MAP_ORDER_2M, look(p, 0).order);
		EXPECT_EQ(0, unmap(p, 0, MAP_ORDER_2M));
		EXPECT_EQ(free, p->pool.free);
	}
	EXPECT_NULL(p->gpamap.spare);
	child_gone(p);
}

TEST_ON_MACHINE(no_promotion_while_pages_are_tracked)
{
	struct partition *p = child_new();
	u64 pfn = ram_pages_2m(1);

	p->gpamap.track = true;
	map_row(p, 0, pfn, 512, MAP_ORDER_4K, GPA_RW);
	EXPECT_EQ(MAP_ORDER_4K, look(p, 0).order);
	EXPECT_EQ(512, p->gpamap.pages_4k);
	child_gone(p);
}

/* --- Overlays ---------------------------------------------------------------------------- */

/* An overlay as the SynIC has one; its page is one of the partition's pool. */
static struct overlay new_overlay(struct partition *p, void **page)
{
	struct overlay ov = {};

	*page = pool_alloc(&p->pool);
	memset(*page, 0xAB, PAGE_SIZE);
	return ov;
}

static void free_overlay(struct partition *p, struct overlay *ov, void *page)
{
	overlay_clear(&p->gpamap, ov);
	pool_free(&p->pool, page);
}

TEST_ON_MACHINE(overlay_hides_a_page_until_it_is_removed)
{
	struct partition *p = child_new();
	u64 pfn = ram_pages(1);
	struct gpa_info info;
	struct overlay ov;
	void *page;
	u8 byte;

	ov = new_overlay(p, &page);
	list_init(&ov.node);
	ASSERT_EQ(0, map(p, 4, pfn, MAP_ORDER_4K, GPA_RWX));
	memset(ram(pfn), 0x11, PAGE_SIZE);
	ASSERT_EQ(0, overlay_set(&p->gpamap, &ov, 4, page, GPA_RW));
	info = look(p, 4);
	EXPECT_TRUE(info.overlay);
	EXPECT_EQ(GPA_RW, info.rights);
	EXPECT_EQ(virt_to_phys(page) >> PAGE_SHIFT, info.spfn);
	EXPECT_TRUE(gpa_read(&p->gpamap, 4 << PAGE_SHIFT, &byte, 1));
	EXPECT_EQ(0xAB, byte);
	/* An overlay is no mapping of the parent's. */
	EXPECT_EQ(1, p->gpamap.pages_4k);
	EXPECT_TRUE(is_mapped(pfn));

	overlay_clear(&p->gpamap, &ov);
	expect_mapping(p, 4, pfn, MAP_ORDER_4K, GPA_RWX);
	EXPECT_FALSE(look(p, 4).overlay);
	EXPECT_TRUE(gpa_read(&p->gpamap, 4 << PAGE_SHIFT, &byte, 1));
	EXPECT_EQ(0x11, byte);
	overlay_clear(&p->gpamap, &ov);
	free_overlay(p, &ov, page);
	child_gone(p);
}

TEST_ON_MACHINE(overlay_over_a_hole_or_a_page_without_access)
{
	struct partition *p = child_new();
	struct overlay ov;
	void *page;

	ov = new_overlay(p, &page);
	list_init(&ov.node);
	ASSERT_EQ(0, overlay_set(&p->gpamap, &ov, 0x500, page, GPA_READ));
	EXPECT_EQ(GPA_READ, look(p, 0x500).rights);
	expect_hole(p, 0x501);
	overlay_clear(&p->gpamap, &ov);
	expect_hole(p, 0x500);

	ASSERT_EQ(0, map(p, 0, 0, MAP_ORDER_2M, GPA_NO_ACCESS));
	ASSERT_EQ(0, overlay_set(&p->gpamap, &ov, 5, page, GPA_READ));
	EXPECT_TRUE(look(p, 5).overlay);
	EXPECT_EQ(GPA_NO_ACCESS, look(p, 6).rights);
	overlay_clear(&p->gpamap, &ov);
	EXPECT_EQ(GPA_NO_ACCESS, look(p, 5).rights);
	free_overlay(p, &ov, page);
	child_gone(p);
}

TEST_ON_MACHINE(mapping_below_an_overlay_comes_to_light_when_it_goes)
{
	struct partition *p = child_new();
	u64 pfn = ram_pages(2);
	struct overlay ov;
	void *page;

	ov = new_overlay(p, &page);
	list_init(&ov.node);
	ASSERT_EQ(0, overlay_set(&p->gpamap, &ov, 4, page, GPA_RW));
	ASSERT_EQ(0, map(p, 4, pfn, MAP_ORDER_4K, GPA_READ));
	EXPECT_TRUE(look(p, 4).overlay);
	EXPECT_TRUE(is_mapped(pfn));
	EXPECT_EQ(1, p->gpamap.pages_4k);
	ASSERT_EQ(0, map(p, 4, pfn + 1, MAP_ORDER_4K, GPA_RW));
	EXPECT_FALSE(is_mapped(pfn));
	EXPECT_EQ(1, p->gpamap.pages_4k);
	overlay_clear(&p->gpamap, &ov);
	expect_mapping(p, 4, pfn + 1, MAP_ORDER_4K, GPA_RW);

	ASSERT_EQ(0, overlay_set(&p->gpamap, &ov, 4, page, GPA_RW));
	ASSERT_EQ(0, unmap(p, 4, MAP_ORDER_4K));
	EXPECT_TRUE(look(p, 4).overlay);
	EXPECT_FALSE(is_mapped(pfn + 1));
	EXPECT_EQ(0, p->gpamap.pages_4k);
	overlay_clear(&p->gpamap, &ov);
	expect_hole(p, 4);
	free_overlay(p, &ov, page);
	child_gone(p);
}

TEST_ON_MACHINE(large_mappings_go_around_an_overlay)
{
	struct partition *p = child_new();
	u64 pfn = ram_pages_2m(1);
	struct overlay ov;
	void *page;
	u32 i;

	ov = new_overlay(p, &page);
	list_init(&ov.node);
	/* Over a large page: that one is split. */
	ASSERT_EQ(0, map(p, 0, FRAMES_1G, MAP_ORDER_1G, GPA_RWX));
	ASSERT_EQ(0, overlay_set(&p->gpamap, &ov, PAGES_2M + 9, page, GPA_RW));
	EXPECT_TRUE(look(p, PAGES_2M + 9).overlay);
	expect_mapping(p, PAGES_2M + 8, FRAMES_1G + PAGES_2M + 8, MAP_ORDER_4K, GPA_RWX);
	expect_mapping(p, 0, FRAMES_1G, MAP_ORDER_2M, GPA_RWX);
	/* A large page over it leaves it where it is. */
	ASSERT_EQ(0, map(p, PAGES_2M, pfn, MAP_ORDER_2M, GPA_RW));
	for (i = 0; i < PAGES_2M; i++) {
		CONTEXT("page %u", i);
		if (i == 9)
			EXPECT_TRUE(look(p, PAGES_2M + i).overlay);
		else
			expect_mapping(p, PAGES_2M + i, pfn + i, MAP_ORDER_4K, GPA_RW);
	}
	ASSERT_EQ(0, unmap(p, PAGES_2M, MAP_ORDER_2M));
	expect_hole(p, PAGES_2M + 8);
	EXPECT_TRUE(look(p, PAGES_2M + 9).overlay);
	EXPECT_FALSE(is_mapped(pfn + 9));
	ASSERT_EQ(0, map(p, PAGES_2M, 0, MAP_ORDER_2M, GPA_NO_ACCESS));
	EXPECT_TRUE(look(p, PAGES_2M + 9).overlay);
	overlay_clear(&p->gpamap, &ov);
	expect_mapping(p, PAGES_2M + 9, 0, MAP_ORDER_4K, GPA_NO_ACCESS);
	free_overlay(p, &ov, page);
	child_gone(p);
}

TEST_ON_MACHINE(no_promotion_around_an_overlay)
{
	struct partition *p = child_new();
	u64 pfn = ram_pages_2m(1);
	void *page, *pages[CHILD_POOL];
	struct overlay ov;
	u64 reserved = p->reserve.free;
	u32 n;

	ov = new_overlay(p, &page);
	list_init(&ov.node);
	ASSERT_EQ(0, overlay_set(&p->gpamap, &ov, 9, page, GPA_RW));
	map_row(p, 0, pfn, 512, MAP_ORDER_4K, GPA_RW);
	EXPECT_EQ(MAP_ORDER_4K, look(p, 0).order);
	EXPECT_TRUE(look(p, 9).overlay);
	overlay_clear(&p->gpamap, &ov);
	expect_mapping(p, 9, pfn + 9, MAP_ORDER_4K, GPA_RW);
	/* One that comes later splits a promoted page, and takes nothing for it. */
	map_row(p, 511, pfn + 511, 1, MAP_ORDER_4K, GPA_RW);
	EXPECT_EQ(MAP_ORDER_2M, look(p, 0).order);
	n = pool_drain(p, 0, pages);
	ASSERT_EQ(0, overlay_set(&p->gpamap, &ov, 10, page, GPA_RW));
	EXPECT_EQ(reserved, p->reserve.free);
	EXPECT_EQ(MAP_ORDER_4K, look(p, 11).order);
	pool_refill(p, pages, n);
	free_overlay(p, &ov, page);
	child_gone(p);
}

TEST_ON_MACHINE(large_mapping_from_frame_0_around_an_overlay)
{
	struct partition *p = child_new();
	struct overlay ov;
	void *page;

	/* Frames 0 to 511 would all be RAM, for once. */
	frames_set(0, PAGES_2M, FRAME_ROOT);
	ov = new_overlay(p, &page);
	list_init(&ov.node);
	ASSERT_EQ(0, overlay_set(&p->gpamap, &ov, 9, page, GPA_RW));
	ASSERT_EQ(0, map(p, 0, 0, MAP_ORDER_2M, GPA_RW));
	expect_mapping(p, 0, 0, MAP_ORDER_4K, GPA_RW);
	expect_mapping(p, 1, 1, MAP_ORDER_4K, GPA_RW);
	expect_mapping(p, 511, 511, MAP_ORDER_4K, GPA_RW);
	free_overlay(p, &ov, page);
	child_gone(p);
}

TEST_ON_MACHINE(overlays_do_not_lie_on_each_other)
{
	struct partition *p = child_new();
	struct overlay a, b;
	void *pa, *pb;

	a = new_overlay(p, &pa);
	b = new_overlay(p, &pb);
	list_init(&a.node);
	list_init(&b.node);
	ASSERT_EQ(0, overlay_set(&p->gpamap, &a, 4, pa, GPA_RW));
	EXPECT_EQ(HV_STATUS_OBJECT_IN_USE, overlay_set(&p->gpamap, &b, 4, pb, GPA_RW));
	EXPECT_FALSE(b.active);
	EXPECT_EQ(HV_STATUS_INVALID_PARAMETER,
		  overlay_set(&p->gpamap, &b, p->gpamap.max_pfn, pb, GPA_RW));
	EXPECT_EQ(0, overlay_set(&p->gpamap, &b, 5, pb, GPA_RW));
	/* One that moves leaves its old place. */
	EXPECT_EQ(0, overlay_set(&p->gpamap, &a, 6, pa, GPA_RW));
	expect_hole(p, 4);
	EXPECT_EQ(virt_to_phys(pa) >> PAGE_SHIFT, look(p, 6).spfn);
	/* One whose new place is taken has none. */
	EXPECT_EQ(HV_STATUS_OBJECT_IN_USE, overlay_set(&p->gpamap, &a, 5, pa, GPA_RW));
	EXPECT_FALSE(a.active);
	expect_hole(p, 6);
	free_overlay(p, &a, pa);
	free_overlay(p, &b, pb);
	child_gone(p);
}

TEST_ON_MACHINE(overlay_takes_tables_from_the_reserve)
{
	struct partition *p = child_new();
	u64 reserved = p->reserve.free;
	void *page, *pages[CHILD_POOL];
	struct overlay ov;
	u32 n;

	ov = new_overlay(p, &page);
	list_init(&ov.node);
	n = pool_drain(p, 0, pages);
	/* Nothing is mapped: it takes three tables. */
	EXPECT_EQ(0, overlay_set(&p->gpamap, &ov, 0x1234567, page, GPA_RW));
	EXPECT_EQ(reserved - 3, p->reserve.free);
	EXPECT_EQ(HV_STATUS_INSUFFICIENT_MEMORY, map(p, 0, ram_pages(1), MAP_ORDER_4K, GPA_RW));
	pool_refill(p, pages, n);
	free_overlay(p, &ov, page);
	child_gone(p);
}

TEST_HARNESS_MAIN
