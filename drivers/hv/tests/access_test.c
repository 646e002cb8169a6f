// SPDX-License-Identifier: GPL-2.0-only
/*
 * Accessed and dirty bits.
 */
#include <linux/atomic.h>
#include <linux/mm.h>
#include <linux/uaccess.h>

#include <tlfs/memory.h>
#include <tlfs/status.h>
#include <uapi/linux/mshv.h>

#include "../access.h"
#include "../partition.h"
#include "../pool.h"
#include "test.h"

/* More than two hypercalls, and not a multiple of eight */
#define PAGES		10003
#define BITMAP		PAGE_SIZE
#define SIZE		(2 * PAGE_SIZE)
#define FIRST_GFN	0x500

/**
 * struct tracker - the hypervisor's bits of pages from FIRST_GFN on
 * @states: HV_PAGE_STATE_* of each
 * @flags: HV_PAGE_ACCESS_* of the last call
 * @fail_at: the page at which it fails
 * @tables: how many pages it must have been given to go on at @table_at
 * @table_at: the page at which it wants them
 * @pool: where it finds them
 */
struct tracker {
	u8 states[PAGES];
	u64 flags;
	u64 fail_at;
	u64 tables;
	u64 table_at;
	const struct mshv_pool *pool;
};

static int track(const struct fake_call *call, u16 *done, void *context)
{
	const struct hv_input_get_gpa_pages_access_state *in = call->in;
	struct tracker *tracker = context;
	u8 *out = call->out;
	u64 i;

	tracker->flags = in->flags;
	for (; *done < call->reps; (*done)++) {
		i = in->hv_gpa_page_number - FIRST_GFN + *done;
		if (i == tracker->fail_at)
			return HV_STATUS_INVALID_PARAMETER;
		if (i == tracker->table_at &&
		    (u64)atomic64_read(&tracker->pool->deposited) < tracker->tables)
			return HV_STATUS_INSUFFICIENT_MEMORY;
		out[*done] = tracker->states[i];
		if (in->flags & HV_PAGE_ACCESS_CLEAR_ACCESSED)
			tracker->states[i] &= ~HV_PAGE_STATE_ACCESSED;
		if (in->flags & HV_PAGE_ACCESS_SET_ACCESSED)
			tracker->states[i] |= HV_PAGE_STATE_ACCESSED;
		if (in->flags & HV_PAGE_ACCESS_CLEAR_DIRTY)
			tracker->states[i] &= ~HV_PAGE_STATE_DIRTY;
		if (in->flags & HV_PAGE_ACCESS_SET_DIRTY)
			tracker->states[i] |= HV_PAGE_STATE_DIRTY;
	}

	return HV_STATUS_SUCCESS;
}

struct access_test {
	int fd;
	struct tracker *tracker;
	unsigned long user;
	struct mshv_gpap_access_bitmap args;
};

static struct access_test access_test(struct kunit *test)
{
	struct access_test t = {
		.fd = test_partition(test),
		.tracker = kunit_kzalloc(test, sizeof(struct tracker), GFP_KERNEL),
		.user = test_user(test, SIZE),
	};

	KUNIT_ASSERT_NOT_NULL(test, t.tracker);
	t.tracker->fail_at = U64_MAX;
	t.tracker->table_at = U64_MAX;
	t.tracker->pool = &test_partition_of(test, t.fd)->pool;
	t.args = (struct mshv_gpap_access_bitmap) {
		.access_type = MSHV_GPAP_ACCESS_TYPE_DIRTY,
		.page_count = PAGES,
		.gpap_base = FIRST_GFN,
		.bitmap_ptr = t.user + BITMAP,
	};
	fake_hv_handle(HVCALL_GET_GPA_PAGES_ACCESS_STATES, track, t.tracker);

	return t;
}

static long harvest(struct kunit *test, struct access_test *t)
{
	long ret;

	KUNIT_ASSERT_EQ(test, copy_to_user((void __user *)t->user, &t->args, sizeof(t->args)), 0);
	ret = test_ioctl(test, t->fd, MSHV_GET_GPAP_ACCESS_BITMAP, t->user);
	KUNIT_ASSERT_EQ(test, copy_from_user(&t->args, (void __user *)t->user, sizeof(t->args)),
			0);

	return ret;
}

static void bitmap_has_a_bit_of_every_page(struct kunit *test)
{
	struct access_test t = access_test(test);
	u8 *bitmap = kunit_kmalloc(test, PAGE_SIZE, GFP_KERNEL);
	unsigned int wrong = 0;
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, bitmap);
	for (i = 0; i < PAGES; i++)
		t.tracker->states[i] = i % 7 == 0 ? HV_PAGE_STATE_DIRTY : HV_PAGE_STATE_ACCESSED;
	memset(bitmap, 0xff, PAGE_SIZE);
	KUNIT_ASSERT_EQ(test, copy_to_user((void __user *)(t.user + BITMAP), bitmap, PAGE_SIZE),
			0);
	KUNIT_EXPECT_EQ(test, harvest(test, &t), 0);
	KUNIT_EXPECT_EQ(test, t.args.page_count, PAGES);
	KUNIT_ASSERT_EQ(test, copy_from_user(bitmap, (void __user *)(t.user + BITMAP), PAGE_SIZE),
			0);
	for (i = 0; i < PAGES; i++)
		wrong += !!(bitmap[i / 8] & BIT(i % 8)) != (i % 7 == 0);
	KUNIT_EXPECT_EQ(test, wrong, 0);
	/* The last byte's other bits are zero, and nothing is written after it. */
	KUNIT_EXPECT_EQ(test, bitmap[PAGES / 8] >> (PAGES % 8), 0);
	KUNIT_EXPECT_EQ(test, bitmap[PAGES / 8 + 1], 0xff);
	test_close(t.fd);
}

struct op_case {
	const char *name;
	u8 type;
	u8 op;
	u64 flags;
};

static const struct op_case op_cases[] = {
	{ "accessed, no-op", 0, MSHV_GPAP_ACCESS_OP_NOOP, 0 },
	{ "accessed, clear", 0, MSHV_GPAP_ACCESS_OP_CLEAR,
	  HV_PAGE_ACCESS_CLEAR_ACCESSED | HV_PAGE_ACCESS_CLEAR_DIRTY },
	{ "accessed, set", 0, MSHV_GPAP_ACCESS_OP_SET, HV_PAGE_ACCESS_SET_ACCESSED },
	{ "dirty, no-op", 1, MSHV_GPAP_ACCESS_OP_NOOP, 0 },
	{ "dirty, clear", 1, MSHV_GPAP_ACCESS_OP_CLEAR, HV_PAGE_ACCESS_CLEAR_DIRTY },
	{ "dirty, set", 1, MSHV_GPAP_ACCESS_OP_SET,
	  HV_PAGE_ACCESS_SET_ACCESSED | HV_PAGE_ACCESS_SET_DIRTY },
};

KUNIT_ARRAY_PARAM_DESC(op, op_cases, name);

static void operation_does_what_it_says(struct kunit *test)
{
	const struct op_case *param = test->param_value;
	struct access_test t = access_test(test);

	t.args.access_type = param->type;
	t.args.access_op = param->op;
	KUNIT_EXPECT_EQ(test, harvest(test, &t), 0);
	KUNIT_EXPECT_EQ(test, t.tracker->flags, param->flags);
	test_close(t.fd);
}

static void access_ioctl_checks_its_arguments(struct kunit *test)
{
	struct access_test t = access_test(test);
	const struct mshv_gpap_access_bitmap good = t.args;
	struct mshv_gpap_access_bitmap bad[8];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bad); i++)
		bad[i] = good;
	bad[0].access_type = MSHV_GPAP_ACCESS_TYPE_COUNT;
	bad[1].access_op = MSHV_GPAP_ACCESS_OP_COUNT;
	bad[2].rsvd[5] = 1;
	bad[3].page_count = 0;
	bad[4].bitmap_ptr = 0;
	/* Wrapping, and beyond what a guest can have */
	bad[5].page_count = U64_MAX;
	bad[6].gpap_base = U64_MAX - 5;
	bad[7].gpap_base = MSHV_MAX_GFN - 5;
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		t.args = bad[i];
		KUNIT_EXPECT_EQ_MSG(test, harvest(test, &t), -EINVAL, "case %u", i);
	}
	KUNIT_EXPECT_EQ(test, fake_hv_calls(HVCALL_GET_GPA_PAGES_ACCESS_STATES), 0);
	KUNIT_EXPECT_EQ(test, test_ioctl(test, t.fd, MSHV_GET_GPAP_ACCESS_BITMAP, PAGE_SIZE),
			-EFAULT);
	t.args = good;
	t.args.bitmap_ptr = PAGE_SIZE;
	KUNIT_EXPECT_EQ(test, harvest(test, &t), -EFAULT);
	t.args = good;
	KUNIT_ASSERT_EQ(test, copy_to_user((void __user *)t.user, &t.args, sizeof(t.args)), 0);
	test_fail_alloc(1);
	KUNIT_EXPECT_EQ(test, test_ioctl(test, t.fd, MSHV_GET_GPAP_ACCESS_BITMAP, t.user),
			-ENOMEM);
	KUNIT_EXPECT_TRUE(test, test_alloc_failed());
	test_close(t.fd);
}

static void failure_tells_how_far_it_got(struct kunit *test)
{
	struct access_test t = access_test(test);

	t.tracker->fail_at = 7000;
	KUNIT_EXPECT_EQ(test, harvest(test, &t), -EINVAL);
	KUNIT_EXPECT_EQ(test, t.args.page_count, 7000);
	test_close(t.fd);
}

/* To tell the pages of a large one apart, the hypervisor makes small ones of it. */
static void page_tables_are_deposited_for_all_that_is_asked(struct kunit *test)
{
	struct access_test t = access_test(test);
	unsigned int deposits = fake_hv_calls(HVCALL_DEPOSIT_MEMORY);
	u64 before = atomic64_read(&t.tracker->pool->deposited);

	t.args.access_op = MSHV_GPAP_ACCESS_OP_CLEAR;
	t.tracker->table_at = 100;
	t.tracker->tables = before + PAGES / HV_PAGES_PER_LARGE_PAGE;
	t.tracker->states[99] = HV_PAGE_STATE_DIRTY;
	KUNIT_EXPECT_EQ(test, harvest(test, &t), 0);
	KUNIT_EXPECT_EQ(test, t.args.page_count, PAGES);
	KUNIT_EXPECT_EQ(test, fake_hv_calls(HVCALL_DEPOSIT_MEMORY), deposits + 1);
	/* What was done before the shortage is not done again, nor forgotten. */
	KUNIT_EXPECT_EQ(test, t.tracker->states[99], 0);
	test_close(t.fd);
}

static struct kunit_case access_cases[] = {
	KUNIT_CASE(bitmap_has_a_bit_of_every_page),
	KUNIT_CASE_PARAM(operation_does_what_it_says, op_gen_params),
	KUNIT_CASE(access_ioctl_checks_its_arguments),
	KUNIT_CASE(failure_tells_how_far_it_got),
	KUNIT_CASE(page_tables_are_deposited_for_all_that_is_asked),
	{}
};

static struct kunit_suite access_suite = {
	.name = "mshv_access",
	.init = test_init,
	.exit = test_exit,
	.test_cases = access_cases,
};

kunit_test_suite(access_suite);
