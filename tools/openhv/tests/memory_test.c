// SPDX-License-Identifier: GPL-2.0-only
/*
 * Page frames and pools: core/frames.c, core/pool.c, and the hypercalls that
 * deposit and withdraw.
 */
#include <asm/x86.h>
#include <openhv/gpamap.h>
#include <openhv/memory.h>
#include <openhv/root.h>
#include <tlfs/memory.h>
#include "test.h"

#define OWN_PFN		(HOST_OWN_BASE >> PAGE_SHIFT)
#define DEVICE_PFN	(HOST_DEVICE >> PAGE_SHIFT)
#define HOLE_PFN	(HOST_LOW_END >> PAGE_SHIFT)

static bool root_sees(u64 pfn)
{
	struct gpa_info info;

	gpamap_lookup(&root_partition.gpamap, pfn, &info);
	return info.mapped;
}

/* --- Frames ------------------------------------------------------------------ */

TEST_ON_MACHINE(frame_types_follow_the_memory_map)
{
	EXPECT_EQ(FRAME_ROOT, frame_type(0));
	EXPECT_EQ(FRAME_NONE, frame_type(HOLE_PFN));
	EXPECT_EQ(FRAME_ROOT, frame_type(HOST_HIGH_START >> PAGE_SHIFT));
	EXPECT_EQ(FRAME_OPENHV, frame_type(OWN_PFN + HOST_OWN_PAGES - 1));
	EXPECT_EQ(FRAME_ROOT, frame_type(OWN_PFN + HOST_OWN_PAGES));
	EXPECT_EQ(FRAME_NONE, frame_type(HOST_RAM_END >> PAGE_SHIFT));
	EXPECT_EQ(FRAME_NONE, frame_type(~0UL));
	EXPECT_EQ(FRAME_SHOWN, frame_type(virt_to_phys(root_vp()->synic.simp.own) >> PAGE_SHIFT));
}

TEST_ON_MACHINE(frames_set_stops_at_the_end_of_memory)
{
	u64 last = (HOST_RAM_END >> PAGE_SHIFT) - 1;

	frames_set(last, 1000, FRAME_OPENHV);
	EXPECT_EQ(FRAME_OPENHV, frame_type(last));
	EXPECT_EQ(FRAME_NONE, frame_type(last + 1));
	frames_set(last + 1, 1, FRAME_ROOT);
	EXPECT_EQ(FRAME_NONE, frame_type(last + 1));
}

TEST_ON_MACHINE(only_root_frames_can_be_mapped)
{
	EXPECT_TRUE(frame_map_get(0));
	EXPECT_FALSE(frame_map_get(HOLE_PFN));
	EXPECT_FALSE(frame_map_get(OWN_PFN));
	EXPECT_FALSE(frame_map_get(DEVICE_PFN));
	EXPECT_FALSE(frame_map_get(~0UL));
}

TEST_ON_MACHINE(mapped_frame_keeps_its_type)
{
	u64 pfn = ram_pages(1);

	ASSERT_TRUE(frame_map_get(pfn));
	ASSERT_TRUE(frame_map_get(pfn));
	EXPECT_FALSE(frame_change(pfn, FRAME_ROOT, FRAME_POOL));
	frame_map_put(pfn);
	EXPECT_FALSE(frame_change(pfn, FRAME_ROOT, FRAME_POOL));
	frame_map_put(pfn);
	EXPECT_TRUE(frame_change(pfn, FRAME_ROOT, FRAME_POOL));
	EXPECT_EQ(FRAME_POOL, frame_type(pfn));
}

TEST_ON_MACHINE(frame_change_wants_the_type_it_is_told)
{
	u64 pfn = ram_pages(1);

	EXPECT_FALSE(frame_change(pfn, FRAME_POOL, FRAME_ROOT));
	EXPECT_FALSE(frame_change(pfn, FRAME_LENT, FRAME_POOL));
	EXPECT_EQ(FRAME_ROOT, frame_type(pfn));
	EXPECT_FALSE(frame_change(HOST_RAM_END >> PAGE_SHIFT, FRAME_NONE, FRAME_POOL));
	EXPECT_FALSE(frame_change(~0UL, FRAME_NONE, FRAME_POOL));
}

TEST_ON_MACHINE(saturated_map_count_stays)
{
	u64 pfn = ram_pages(1);
	u32 i;

	for (i = 0; i < FRAME_COUNT_MASK + 10; i++)
		ASSERT_TRUE(frame_map_get(pfn));
	EXPECT_EQ(FRAME_ROOT, frame_type(pfn));
	for (i = 0; i < FRAME_COUNT_MASK + 20; i++)
		frame_map_put(pfn);
	/* Nobody knows any more how many mappings there are: never is it free again. */
	EXPECT_FALSE(frame_change(pfn, FRAME_ROOT, FRAME_POOL));
	EXPECT_TRUE(frame_map_get(pfn));
}

TEST_ON_MACHINE(releasing_an_unmapped_frame_is_a_panic)
{
	EXPECT_EQ(DEBUG_EXIT_PANIC, HOST_STOP(frame_map_put(ram_pages(1))));
	EXPECT_EQ(DEBUG_EXIT_PANIC, HOST_STOP(frame_map_put(DEVICE_PFN)));
}

/* --- openhv's own pages ------------------------------------------------------ */

TEST_ON_MACHINE(own_pages_are_zeroed_and_counted)
{
	u64 before = own_free_pages();
	u64 *page = own_alloc();
	u32 i;

	EXPECT_EQ(HOST_OWN_PAGES, own_total_pages());
	EXPECT_EQ(before - 1, own_free_pages());
	memset(page, 0x55, PAGE_SIZE);
	own_free(page);
	EXPECT_EQ(before, own_free_pages());
	EXPECT_EQ(page, own_alloc());
	for (i = 0; i < PAGE_SIZE / 8; i++)
		ASSERT_EQ(0, page[i]);
	own_free(NULL);
	EXPECT_EQ(before - 1, own_free_pages());
	for (i = 0; i < before - 1; i++)
		ASSERT_NE(NULL, own_alloc());
	EXPECT_NULL(own_alloc());
	EXPECT_EQ(0, own_free_pages());
}

/* --- Deposits ---------------------------------------------------------------- */

static u64 deposit_list(u64 id, const u64 *pfns, u32 count)
{
	return hv_rep(HVCALL_DEPOSIT_MEMORY, count, &id, sizeof(id), pfns, count * 8, NULL, 0);
}

TEST_ON_MACHINE(deposited_pages_leave_root)
{
	u64 id = child_create(CHILD_FLAGS), pfn = ram_pages(4) + 1;
	u64 total = pool_deposited_total();
	u64 pfns[] = { pfn, pfn + 1 };
	u8 byte;

	ASSERT_TRUE(root_sees(pfn));
	EXPECT_EQ(hv_reps(0, 2, 0), deposit_list(id, pfns, 2));
	EXPECT_EQ(2, partition_of(id)->pool.total);
	EXPECT_EQ(2, partition_of(id)->pool.free);
	EXPECT_EQ(total + 2, pool_deposited_total());
	EXPECT_EQ(FRAME_POOL, frame_type(pfn));
	EXPECT_FALSE(root_sees(pfn));
	EXPECT_FALSE(root_sees(pfn + 1));
	EXPECT_TRUE(root_sees(pfn + 2));
	EXPECT_TRUE(root_sees(pfn - 1));
	EXPECT_FALSE(gpa_read(&root_partition.gpamap, pfn << PAGE_SHIFT, &byte, 1));
	EXPECT_FALSE(gpa_write(&root_partition.gpamap, pfn << PAGE_SHIFT, &byte, 1));
	EXPECT_TRUE(gpa_read(&root_partition.gpamap, (pfn + 2) << PAGE_SHIFT, &byte, 1));
}

TEST_ON_MACHINE(deposit_makes_root_vps_drop_their_translations)
{
	u64 id = child_create(CHILD_FLAGS), generation = root_partition.gpamap.generation;

	ASSERT_EQ(0, deposit(id, 1));
	EXPECT_GT(root_partition.gpamap.generation, generation);
}

TEST_ON_MACHINE(deposit_takes_all_pages_or_none)
{
	u64 id = child_create(CHILD_FLAGS), good = ram_pages(3);
	u64 lent = virt_to_phys(root_vp()->synic.simp.own) >> PAGE_SHIFT;
	struct partition *p = child_new();
	u64 mapped = map_ram(p, 0, 1);
	const u64 bad[] = { OWN_PFN, HOST_OWN_HIDDEN >> PAGE_SHIFT, HOLE_PFN, DEVICE_PFN, ~0UL,
			    good, mapped, lent, 1UL << 52, HOST_RAM_END >> PAGE_SHIFT };
	u64 total = pool_deposited_total();
	u32 i, at;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		for (at = 1; at < 4; at++) {
			u64 pfns[4] = { good, good + 1, good + 2, good + 2 };
			u64 result;

			pfns[at] = bad[i];
			CONTEXT("frame %llx at %u", (unsigned long long)bad[i], at);
			result = deposit_list(id, pfns, at + 1);
			EXPECT_EQ(HV_STATUS_INVALID_PARAMETER, hv_status(result));
			EXPECT_EQ(0, hv_completed(result));
			EXPECT_EQ(FRAME_ROOT, frame_type(good));
			EXPECT_TRUE(root_sees(good));
			EXPECT_TRUE(root_sees(good + 1));
		}
	}
	EXPECT_EQ(0, partition_of(id)->pool.total);
	EXPECT_EQ(total, pool_deposited_total());
	/* And the good ones are as good as before. */
	EXPECT_EQ(0, hv_status(deposit_list(id, &good, 1)));
}

TEST_ON_MACHINE(page_cannot_be_deposited_twice)
{
	u64 a = child_create(CHILD_FLAGS), b = child_create(CHILD_FLAGS), pfn = ram_pages(1);

	ASSERT_EQ(0, hv_status(deposit_list(a, &pfn, 1)));
	EXPECT_EQ(HV_STATUS_INVALID_PARAMETER, hv_status(deposit_list(a, &pfn, 1)));
	EXPECT_EQ(HV_STATUS_INVALID_PARAMETER, hv_status(deposit_list(b, &pfn, 1)));
	EXPECT_EQ(1, partition_of(a)->pool.total);
	EXPECT_EQ(0, partition_of(b)->pool.total);
}

TEST_ON_MACHINE(mapped_page_cannot_be_deposited_until_it_is_unmapped)
{
	struct partition *p = child_new();
	u64 pfn = map_ram(p, 5, 1);

	ASSERT_EQ(0, map_pages(p, 9, pfn, 1, MAP_RWX));
	EXPECT_EQ(HV_STATUS_INVALID_PARAMETER, hv_status(deposit_list(p->id, &pfn, 1)));
	ASSERT_EQ(0, unmap_pages(p, 5, 1, 0));
	EXPECT_EQ(HV_STATUS_INVALID_PARAMETER, hv_status(deposit_list(p->id, &pfn, 1)));
	ASSERT_EQ(0, unmap_pages(p, 9, 1, 0));
	EXPECT_EQ(0, hv_status(deposit_list(p->id, &pfn, 1)));
	child_gone(p);
}

TEST_ON_MACHINE(deposited_page_cannot_be_mapped)
{
	struct partition *a = child_new(), *b = child_new();
	u64 pfn = ram_pages(1);

	ASSERT_EQ(0, hv_status(deposit_list(a->id, &pfn, 1)));
	EXPECT_EQ(HV_STATUS_OPERATION_DENIED, map_pages(a, 0, pfn, 1, MAP_RWX));
	EXPECT_EQ(HV_STATUS_OPERATION_DENIED, map_pages(b, 0, pfn, 1, MAP_RWX));
}

TEST_ON_MACHINE(deposit_begins_at_the_rep_start)
{
	u64 id = child_create(CHILD_FLAGS), pfn = ram_pages(2);
	u64 in[] = { id, OWN_PFN, pfn, pfn + 1 };
	u64 result = hv_call(hv_reps(HVCALL_DEPOSIT_MEMORY, 3, 1), in, sizeof(in), NULL, 0);

	EXPECT_EQ(0, hv_status(result));
	EXPECT_EQ(3, hv_completed(result));
	EXPECT_EQ(2, partition_of(id)->pool.total);
}

TEST_ON_MACHINE(deposit_wants_a_partition_that_is_not_finalized)
{
	u64 id = child_create(CHILD_FLAGS), pfn = ram_pages(1);

	EXPECT_EQ(HV_STATUS_INVALID_PARTITION_ID, hv_status(deposit_list(id + 1, &pfn, 1)));
	EXPECT_EQ(HV_STATUS_INVALID_PARTITION_ID, hv_status(deposit_list(0, &pfn, 1)));
	ASSERT_EQ(0, hv_fast(HVCALL_FINALIZE_PARTITION, id, 0));
	EXPECT_EQ(HV_STATUS_INVALID_PARTITION_STATE, hv_status(deposit_list(id, &pfn, 1)));
	EXPECT_EQ(FRAME_ROOT, frame_type(pfn));
}

TEST_ON_MACHINE(deposit_of_a_whole_input_page)
{
	u64 id = child_create(CHILD_FLAGS);

	EXPECT_EQ(0, deposit(id, HV_DEPOSIT_MAX_REPS));
	EXPECT_EQ(HV_DEPOSIT_MAX_REPS, partition_of(id)->pool.total);
	EXPECT_EQ(HV_DEPOSIT_MAX_REPS, withdraw(id));
}

/* --- Withdrawals ------------------------------------------------------------- */

TEST_ON_MACHINE(withdrawn_pages_are_zeroed_and_root_sees_them)
{
	u64 id = child_create(CHILD_FLAGS), pfn = ram_pages(3), total = pool_deposited_total();
	u64 pfns[] = { pfn, pfn + 1, pfn + 2 }, out[4];
	struct hv_input_withdraw_memory in = { .partition_id = id };
	struct partition *p = partition_of(id);
	struct gpa_info info;
	u64 result;
	u8 *secret;
	u32 i, j;

	memset(ram(pfn), 0x11, 3 * PAGE_SIZE);
	ASSERT_EQ(0, hv_status(deposit_list(id, pfns, 3)));
	secret = pool_alloc(&p->pool);
	for (i = 0; i < PAGE_SIZE; i++)
		ASSERT_EQ(0, secret[i]);
	memset(secret, 0x77, PAGE_SIZE);
	pool_free(&p->pool, secret);

	result = hv_call(hv_reps(HVCALL_WITHDRAW_MEMORY, 4, 0), &in, sizeof(in), out, sizeof(out));
	EXPECT_EQ(HV_STATUS_NO_RESOURCES, hv_status(result));
	ASSERT_EQ(3, hv_completed(result));
	EXPECT_EQ(total, pool_deposited_total());
	EXPECT_EQ(0, p->pool.total);
	for (i = 0; i < 3; i++) {
		ASSERT_GE(out[i], pfn);
		ASSERT_LE(out[i], pfn + 2);
		for (j = 0; j < i; j++)
			EXPECT_NE(out[j], out[i]);
		EXPECT_EQ(FRAME_ROOT, frame_type(out[i]));
		gpamap_lookup(&root_partition.gpamap, out[i], &info);
		EXPECT_EQ(GPA_RWX, info.rights);
		EXPECT_EQ(out[i], info.spfn);
		for (j = 0; j < PAGE_SIZE; j++)
			ASSERT_EQ(0, ((u8 *)ram(out[i]))[j]);
	}
	/* What was not completed is not written. */
	EXPECT_EQ(0xAAAAAAAAAAAAAAAAUL, out[3]);
}

TEST_ON_MACHINE(withdraw_gives_only_what_is_free)
{
	struct partition *p = child_new();
	u64 used = p->pool.total - p->pool.free;

	EXPECT_GT(used, 0);
	EXPECT_EQ(CHILD_POOL - used, withdraw(p->id));
	EXPECT_EQ(used, p->pool.total);
	EXPECT_EQ(0, withdraw(p->id));
	child_gone(p);
}

TEST_ON_MACHINE(withdraw_that_is_served_in_full_succeeds)
{
	struct hv_input_withdraw_memory in = { .partition_id = child_create(CHILD_FLAGS) };
	u64 out[2], result;

	ASSERT_EQ(0, deposit(in.partition_id, 3));
	result = hv_call(hv_reps(HVCALL_WITHDRAW_MEMORY, 2, 0), &in, sizeof(in), out, sizeof(out));
	EXPECT_EQ(0, hv_status(result));
	EXPECT_EQ(2, hv_completed(result));
	EXPECT_EQ(1, partition_of(in.partition_id)->pool.total);
}

TEST_ON_MACHINE(large_pages_of_roots_are_whole_again_after_a_withdrawal)
{
	u64 id = child_create(CHILD_FLAGS), other = child_create(CHILD_FLAGS);
	u64 pfn = HOST_RAM_END / 2 >> PAGE_SHIFT;
	u64 pfns[] = { pfn, pfn + 1, pfn + 511 }, lone = pfn + 100;
	struct gpamap *map = &root_partition.gpamap;
	u64 own = own_free_pages(), huge = map->pages_1g, large = map->pages_2m;
	u64 small = map->pages_4k, generation;
	struct gpa_info info;

	ASSERT_EQ(0, hv_status(deposit_list(id, pfns, 3)));
	ASSERT_EQ(0, hv_status(deposit_list(other, &lone, 1)));
	EXPECT_EQ(huge - 1, map->pages_1g);
	EXPECT_EQ(own - 2, own_free_pages());
	ASSERT_EQ(3, withdraw(id));
	EXPECT_EQ(small + 511, map->pages_4k);
	EXPECT_FALSE(root_sees(lone));

	generation = map->generation;
	ASSERT_EQ(1, withdraw(other));
	EXPECT_EQ(huge, map->pages_1g);
	EXPECT_EQ(large, map->pages_2m);
	EXPECT_EQ(small, map->pages_4k);
	EXPECT_EQ(own, own_free_pages());
	/* The processor may have kept where the tables were. */
	EXPECT_LT(generation, map->generation);
	gpamap_lookup(map, lone, &info);
	EXPECT_EQ(GPA_RWX, info.rights);
	EXPECT_EQ(lone, info.spfn);
}

TEST_ON_MACHINE(root_withdraws_its_own_pool)
{
	u64 before = root_partition.pool.total;

	ASSERT_EQ(0, deposit(HV_PARTITION_ID_SELF, 5));
	EXPECT_EQ(before + 5, root_partition.pool.total);
	EXPECT_EQ(root_partition.pool.free, withdraw(HV_PARTITION_ID_SELF) + 0);
	EXPECT_EQ(0, root_partition.pool.free);
}

/* --- Pages that are lent to root --------------------------------------------- */

TEST_ON_MACHINE(lent_page_is_seen_by_root_and_stays_the_pools)
{
	struct partition *p = child_new();
	struct gpa_info info;
	u64 pfn;
	u8 *page;

	page = pool_alloc_lent(&p->pool);
	pfn = virt_to_phys(page) >> PAGE_SHIFT;
	EXPECT_EQ(FRAME_LENT, frame_type(pfn));
	gpamap_lookup(&root_partition.gpamap, pfn, &info);
	EXPECT_EQ(GPA_RW, info.rights);
	EXPECT_EQ(HV_STATUS_INVALID_PARAMETER, hv_status(deposit_list(p->id, &pfn, 1)));
	EXPECT_EQ(HV_STATUS_OPERATION_DENIED, map_pages(p, 0, pfn, 1, MAP_RWX));
	memset(page, 0x99, PAGE_SIZE);

	pool_free_lent(&p->pool, page);
	EXPECT_EQ(FRAME_POOL, frame_type(pfn));
	EXPECT_FALSE(root_sees(pfn));
	EXPECT_EQ(page, pool_alloc(&p->pool));
	EXPECT_EQ(0, page[0]);
	EXPECT_EQ(0, page[PAGE_SIZE - 1]);
	pool_free(&p->pool, page);
	pool_free_lent(&p->pool, NULL);
	child_gone(p);
}

TEST_ON_MACHINE(empty_pool_lends_nothing)
{
	struct pool pool = {};

	EXPECT_NULL(pool_alloc(&pool));
	EXPECT_NULL(pool_alloc_lent(&pool));
}

/* --- Small objects ----------------------------------------------------------- */

TEST_ON_MACHINE(objects_are_apart_zeroed_and_used_again)
{
	struct partition *p = child_new();
	u64 free = p->pool.free, pages;
	u8 *objects[100];
	struct objpool op;
	u32 i, j;

	objpool_init(&op, OBJ_SIZE);
	for (i = 0; i < ARRAY_SIZE(objects); i++) {
		objects[i] = objpool_alloc(&op, &p->pool);
		ASSERT_NE(NULL, objects[i]);
		for (j = 0; j < OBJ_SIZE; j++)
			ASSERT_EQ(0, objects[i][j]);
		memset(objects[i], i + 1, OBJ_SIZE);
	}
	for (i = 0; i < ARRAY_SIZE(objects); i++) {
		for (j = 0; j < OBJ_SIZE; j++)
			ASSERT_EQ(i + 1, objects[i][j]);
	}
	pages = free - p->pool.free;
	EXPECT_EQ(4, pages);
	for (i = 0; i < ARRAY_SIZE(objects); i++)
		objpool_free(&op, objects[i]);
	for (i = 0; i < ARRAY_SIZE(objects); i++) {
		objects[i] = objpool_alloc(&op, &p->pool);
		for (j = 0; j < OBJ_SIZE; j++)
			ASSERT_EQ(0, objects[i][j]);
	}
	EXPECT_EQ(pages, free - p->pool.free);
	objpool_destroy(&op, &p->pool);
	EXPECT_EQ(free, p->pool.free);
	EXPECT_NULL(op.free);
	child_gone(p);
}

static u32 look_at(const void *va)
{
	/* What AddressSanitizer has to say of it is not for the log. */
	fclose(stderr);
	close(STDERR_FILENO);
	return READ_ONCE(*(const u32 *)va);
}

TEST_ON_MACHINE(free_memory_is_not_touched_unseen)
{
	struct partition *p = child_new();
	u64 *page = own_alloc(), *other = own_alloc();
	u8 *obj = partition_alloc_small(p);

	/* Without AddressSanitizer there is nothing to be seen. */
	if (!host_watches_free_memory())
		return;
	EXPECT_EQ(0, HOST_STOP(look_at(page)));
	EXPECT_EQ(0, HOST_STOP(look_at(obj)));
	own_free(page);
	partition_free_small(p, obj);
	EXPECT_NE(0, HOST_STOP(look_at(page)));
	EXPECT_NE(0, HOST_STOP(look_at(page + 511)));
	EXPECT_NE(0, HOST_STOP(look_at(obj + OBJ_SIZE - 4)));
	EXPECT_EQ(0, HOST_STOP(look_at(other)));
	/* What is withdrawn is root's, and may be looked at. */
	ASSERT_EQ(0, deposit(HV_PARTITION_ID_SELF, 1));
	EXPECT_NE(0, HOST_STOP(look_at(ram(ram_mark() - 1))));
	EXPECT_EQ(1, withdraw(HV_PARTITION_ID_SELF));
	EXPECT_EQ(0, HOST_STOP(look_at(ram(ram_mark() - 1))));
	child_gone(p);
}

TEST_ON_MACHINE(objects_end_with_the_pool)
{
	u64 id = child_create(CHILD_FLAGS);
	struct partition *p = partition_of(id);
	struct objpool op;
	u32 n = 0;

	ASSERT_EQ(0, deposit(id, 1));
	objpool_init(&op, OBJ_SIZE);
	while (objpool_alloc(&op, &p->pool))
		n++;
	EXPECT_EQ((PAGE_SIZE - 8) / OBJ_SIZE, n);
	objpool_destroy(&op, &p->pool);
	EXPECT_EQ(1, withdraw(id));
}

/* --- What root cannot do to openhv's own memory -------------------------------- */

TEST_ON_MACHINE(root_cannot_see_openhvs_pages)
{
	u64 pfn, shown = 0;

	for (pfn = OWN_PFN; pfn < OWN_PFN + HOST_OWN_PAGES; pfn++) {
		if (frame_type(pfn) == FRAME_SHOWN) {
			shown++;
			continue;
		}
		ASSERT_FALSE(root_sees(pfn));
		ASSERT_EQ(FRAME_OPENHV, frame_type(pfn));
	}
	/* Four pages a VP, the hypercall page, the TSC page, and those of openhv_info */
	EXPECT_LE(4 * HOST_LPS + 2, shown);
	EXPECT_FALSE(root_sees(APIC_DEFAULT_BASE >> PAGE_SHIFT));
	EXPECT_TRUE(root_sees(DEVICE_PFN));
}

TEST_ON_MACHINE(root_touching_devices_leaves_the_tables_for_its_own_memory)
{
	struct vp *vp = root_vp();
	u64 gpa;

	/* Each GiB of the address space wants a table. */
	for (gpa = 4 * SIZE_1G; gpa < 1UL << HOST_PHYS_BITS; gpa += SIZE_1G) {
		vp->vcpu.exit.npt.gpa = gpa;
		vp->vcpu.exit.npt.flags = 0;
		root_npt_fault(vp);
	}
	EXPECT_EQ(0, deposit(child_create(CHILD_FLAGS), 1));
}

/* Its address is the end of a pool's list: with it, all the others would be lost. */
TEST_ON_MACHINE(page_0_is_not_taken)
{
	struct partition *p = child_new();
	u64 free = p->pool.free, pfn = 0;

	EXPECT_EQ(HV_STATUS_INVALID_PARAMETER,
		  hv_status(hv_rep(HVCALL_DEPOSIT_MEMORY, 1, &p->id, 8, &pfn, 8, NULL, 0)));
	EXPECT_EQ(FRAME_ROOT, frame_type(0));
	EXPECT_TRUE(root_sees(0));
	EXPECT_EQ(free, p->pool.free);
	child_gone(p);
}

TEST_HARNESS_MAIN
