// SPDX-License-Identifier: GPL-2.0-only
/*
 * Deposited memory: every page is the hypervisor's or ours, and is counted.
 */
#include <linux/gfp.h>
#include <linux/mm.h>

#include <tlfs/memory.h>
#include <tlfs/status.h>

#include "../partition.h"
#include "../pool.h"
#include "test.h"

static void pages_deposited_are_counted_until_they_come_back(struct kunit *test)
{
	int fd = test_partition(test);
	struct mshv_pool *pool = &test_partition_of(test, fd)->pool;
	u64 before = mshv_pool_balance(pool);

	KUNIT_EXPECT_EQ(test, mshv_pool_deposit(pool, 200, false), 0);
	KUNIT_EXPECT_EQ(test, mshv_pool_balance(pool), before + 200);
	KUNIT_EXPECT_EQ(test, mshv_pool_withdraw(pool, 50), 50);
	KUNIT_EXPECT_EQ(test, mshv_pool_balance(pool), before + 150);
	/* Not more than are not in use */
	KUNIT_EXPECT_GE(test, mshv_pool_withdraw(pool, U64_MAX), 150);
	KUNIT_EXPECT_EQ(test, mshv_pool_withdraw(pool, U64_MAX), 0);
	test_close(fd);
}

/* Takes two pages of each list, then fails. */
static int two_of_them(const struct fake_call *call, u16 *done, void *context)
{
	u64 *taken = context;
	const struct hv_input_deposit_memory *in = call->in;

	taken[0] = in->gpa_page_list[0];
	taken[1] = in->gpa_page_list[1];
	*done = 2;

	return HV_STATUS_INVALID_PARTITION_STATE;
}

static void failed_deposit_keeps_what_the_hypervisor_took(struct kunit *test)
{
	struct mshv_pool pool;
	u64 taken[2];

	mshv_pool_init(&pool, 0x77);
	fake_hv_handle(HVCALL_DEPOSIT_MEMORY, two_of_them, taken);
	KUNIT_EXPECT_EQ(test, mshv_pool_deposit(&pool, 8, false), -EIO);
	KUNIT_EXPECT_EQ(test, mshv_pool_balance(&pool), 2);
	/* Neither was freed: they are still allocated, to be given back here. */
	KUNIT_EXPECT_EQ(test, page_count(pfn_to_page(taken[0])), 1);
	set_page_private(pfn_to_page(taken[0]), 0);
	__free_page(pfn_to_page(taken[0]));
	set_page_private(pfn_to_page(taken[1]), 0);
	__free_page(pfn_to_page(taken[1]));
}

/* Gives back a page that is none of the pool's. */
static int foreign_page(const struct fake_call *call, u16 *done, void *context)
{
	struct hv_output_withdraw_memory *out = call->out;

	out->gpa_page_list[0] = *(u64 *)context;
	*done = 1;

	return HV_STATUS_NO_RESOURCES;
}

static void page_that_was_never_deposited_is_not_freed(struct kunit *test)
{
	struct page *page = alloc_page(GFP_KERNEL);
	struct mshv_pool pool;
	u64 pfn;

	KUNIT_ASSERT_NOT_NULL(test, page);
	mshv_pool_init(&pool, 0x77);
	fake_hv_handle(HVCALL_WITHDRAW_MEMORY, foreign_page, &pfn);

	/* One in use by someone else, and one that does not exist */
	pfn = page_to_pfn(page);
	mshv_pool_withdraw(&pool, 1);
	KUNIT_EXPECT_EQ(test, page_count(page), 1);
	pfn = 1ULL << 40;
	mshv_pool_withdraw(&pool, 1);
	__free_page(page);
}

static void contiguous_pages_are_contiguous_or_none(struct kunit *test)
{
	int fd = test_partition(test);
	struct mshv_pool *pool = &test_partition_of(test, fd)->pool;
	u64 before = mshv_pool_balance(pool);

	test_fail_alloc(1);
	KUNIT_EXPECT_EQ(test, mshv_pool_deposit(pool, 8, true), -ENOMEM);
	KUNIT_EXPECT_TRUE(test, test_alloc_failed());
	KUNIT_EXPECT_EQ(test, mshv_pool_balance(pool), before);
	test_close(fd);
}

static void fragmented_memory_is_deposited_page_by_page(struct kunit *test)
{
	int fd = test_partition(test);
	struct mshv_pool *pool = &test_partition_of(test, fd)->pool;
	u64 before = mshv_pool_balance(pool);

	/* The first attempt, at eight pages in a row, fails; smaller ones do not. */
	test_fail_alloc(1);
	KUNIT_EXPECT_EQ(test, mshv_pool_deposit(pool, 8, false), 0);
	KUNIT_EXPECT_TRUE(test, test_alloc_failed());
	KUNIT_EXPECT_EQ(test, mshv_pool_balance(pool), before + 8);
	test_close(fd);
}

static void roots_pool_gives_less_than_it_got_without_complaint(struct kunit *test)
{
	u64 before = test_root_balance();

	KUNIT_EXPECT_EQ(test, mshv_pool_deposit(&mshv_root_pool, 4, false), 0);
	fake_hv_fail(HVCALL_WITHDRAW_MEMORY, HV_STATUS_NO_RESOURCES, 0, 1);
	KUNIT_EXPECT_EQ(test, mshv_pool_withdraw(&mshv_root_pool, 4), 0);
	KUNIT_EXPECT_EQ(test, test_root_balance(), before + 4);
	KUNIT_EXPECT_EQ(test, mshv_pool_withdraw(&mshv_root_pool, 4), 4);
	KUNIT_EXPECT_EQ(test, test_root_balance(), before);
}

static void page_that_does_not_come_back_is_warned_of(struct kunit *test)
{
	int fd = test_partition(test);
	struct mshv_partition *partition = test_partition_of(test, fd);
	struct page *page;

	KUNIT_ASSERT_EQ(test, mshv_pool_deposit(&partition->pool, 3, false), 0);
	page = fake_hv_withhold(partition->id);
	KUNIT_ASSERT_NOT_NULL(test, page);
	/* Whoever runs this machine counts the kernel's warnings, and misses one of these. */
	kunit_info(test, "a warning is due: partition %llu: 1 deposited pages did not come back",
		   partition->id);
	test_close(fd);
	/* Nobody touches or frees a page that the hypervisor has. */
	KUNIT_EXPECT_EQ(test, page_count(page), 1);
	set_page_private(page, 0);
	__free_page(page);
}

static struct kunit_case pool_cases[] = {
	KUNIT_CASE(pages_deposited_are_counted_until_they_come_back),
	KUNIT_CASE(failed_deposit_keeps_what_the_hypervisor_took),
	KUNIT_CASE(page_that_was_never_deposited_is_not_freed),
	KUNIT_CASE(contiguous_pages_are_contiguous_or_none),
	KUNIT_CASE(fragmented_memory_is_deposited_page_by_page),
	KUNIT_CASE(roots_pool_gives_less_than_it_got_without_complaint),
	KUNIT_CASE(page_that_does_not_come_back_is_warned_of),
	{}
};

static struct kunit_suite pool_suite = {
	.name = "mshv_pool",
	.init = test_init,
	.exit = test_exit,
	.test_cases = pool_cases,
};

kunit_test_suite(pool_suite);
