// SPDX-License-Identifier: GPL-2.0-only
/*
 * The hypercall engine.
 */
#include <linux/gfp.h>
#include <linux/mm.h>

#include <tlfs/memory.h>
#include <tlfs/status.h>

#include "../hvcall.h"
#include "../hvcalls.h"
#include "../partition.h"
#include "../pool.h"
#include "test.h"

/* A code that the fake hypervisor knows nothing of */
#define CODE	HVCALL_INSTALL_INTERCEPT
#define REPS	10

/**
 * struct engine - what a scripted call did
 * @issued: how often it was issued
 * @starts: where from, each time
 * @step: repetitions it does at a time
 * @statuses: what it answers, each time; the rest is success
 * @short_of: answers this until @wanted pages have been deposited
 * @wanted: see @short_of
 * @pool: whose pages these are
 */
struct engine {
	unsigned int issued;
	u16 starts[32];
	unsigned int step;
	u16 statuses[32];
	u16 short_of;
	unsigned int wanted;
	struct mshv_pool *pool;
};

static int scripted(const struct fake_call *call, u16 *done, void *context)
{
	struct engine *engine = context;
	unsigned int n = engine->issued++;
	const u32 *in = call->in;
	u32 *out = call->out;
	u16 end;

	engine->starts[n % ARRAY_SIZE(engine->starts)] = call->start;
	if (engine->short_of && mshv_pool_balance(engine->pool) < engine->wanted)
		return engine->short_of;

	end = min_t(unsigned int, call->start + engine->step, call->reps);
	for (; *done < end; (*done)++)
		if (out)
			out[*done] = in[2 + *done] * 2;

	return engine->statuses[n % ARRAY_SIZE(engine->statuses)];
}

struct rep_args {
	u64 header;
	u32 in[REPS];
	u32 out[REPS];
};

static struct mshv_hvcall rep_call(struct rep_args *args)
{
	unsigned int i;

	for (i = 0; i < REPS; i++)
		args->in[i] = i + 100;
	memset(args->out, 0, sizeof(args->out));

	return (struct mshv_hvcall) {
		.code = CODE,
		.flags = MSHV_HVCALL_QUIET,
		.reps = REPS,
		.in = &args->header,
		.in_size = sizeof(args->header),
		.in_reps = args->in,
		.in_rep_size = sizeof(args->in[0]),
		.out = args->out,
		.out_rep_size = sizeof(args->out[0]),
	};
}

static void expect_output(struct kunit *test, const struct rep_args *args, unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < REPS; i++)
		KUNIT_EXPECT_EQ(test, args->out[i], i < nr ? (i + 100) * 2 : 0);
}

static void rep_call_continues_where_the_hypervisor_stopped(struct kunit *test)
{
	struct engine engine = { .step = 3 };
	struct rep_args args;
	struct mshv_hvcall call = rep_call(&args);

	fake_hv_handle(CODE, scripted, &engine);
	KUNIT_EXPECT_EQ(test, mshv_hvcall(&call), 0);
	KUNIT_EXPECT_EQ(test, call.done, REPS);
	KUNIT_ASSERT_EQ(test, engine.issued, 4);
	KUNIT_EXPECT_EQ(test, engine.starts[0], 0);
	KUNIT_EXPECT_EQ(test, engine.starts[1], 3);
	KUNIT_EXPECT_EQ(test, engine.starts[2], 6);
	KUNIT_EXPECT_EQ(test, engine.starts[3], 9);
	expect_output(test, &args, REPS);
}

static void success_without_progress_is_an_error_not_a_loop(struct kunit *test)
{
	struct engine engine = { .step = 0 };
	struct rep_args args;
	struct mshv_hvcall call = rep_call(&args);

	fake_hv_handle(CODE, scripted, &engine);
	KUNIT_EXPECT_EQ(test, mshv_hvcall(&call), -EIO);
	KUNIT_EXPECT_EQ(test, engine.issued, 1);
}

static void failed_rep_call_tells_what_it_did(struct kunit *test)
{
	struct engine engine = { .step = 4, .statuses = { 0, HV_STATUS_INVALID_PARAMETER } };
	struct rep_args args;
	struct mshv_hvcall call = rep_call(&args);

	fake_hv_handle(CODE, scripted, &engine);
	KUNIT_EXPECT_EQ(test, mshv_hvcall(&call), -EINVAL);
	KUNIT_EXPECT_EQ(test, call.done, 8);
	KUNIT_EXPECT_EQ(test, call.status, HV_STATUS_INVALID_PARAMETER);
	expect_output(test, &args, 8);
}

/* More repetitions done than there are would be read past the end of the output. */
static int overdone(const struct fake_call *call, u16 *done, void *context)
{
	*done = 0xfff;

	return HV_STATUS_SUCCESS;
}

static void more_repetitions_than_asked_for_are_not_believed(struct kunit *test)
{
	struct rep_args args;
	struct mshv_hvcall call = rep_call(&args);

	fake_hv_handle(CODE, overdone, NULL);
	KUNIT_EXPECT_EQ(test, mshv_hvcall(&call), 0);
	KUNIT_EXPECT_EQ(test, call.done, REPS);
}

static void parameters_that_do_not_fit_in_a_page_are_refused(struct kunit *test)
{
	static u8 big[HV_HYP_PAGE_SIZE + 1];
	struct mshv_hvcall call = { .code = CODE, .in = big, .in_size = sizeof(big) };

	KUNIT_EXPECT_EQ(test, mshv_hvcall(&call), -EINVAL);
	KUNIT_EXPECT_EQ(test, fake_hv_calls(CODE), 0);
}

struct memory_case {
	const char *name;
	u16 status;
	bool root;
	bool contiguous;
};

static const struct memory_case memory_cases[] = {
	{ "the partition's", HV_STATUS_INSUFFICIENT_MEMORY, false, false },
	{ "root's", HV_STATUS_INSUFFICIENT_ROOT_MEMORY, true, false },
	{ "the partition's, contiguous", HV_STATUS_INSUFFICIENT_CONTIGUOUS_MEMORY, false, true },
	{ "root's, contiguous", HV_STATUS_INSUFFICIENT_CONTIGUOUS_ROOT_MEMORY, true, true },
};

KUNIT_ARRAY_PARAM_DESC(memory, memory_cases, name);

static void memory_is_deposited_where_it_is_wanted(struct kunit *test)
{
	const struct memory_case *param = test->param_value;
	int fd = test_partition(test);
	struct mshv_pool *pool = &test_partition_of(test, fd)->pool;
	struct mshv_pool *wanted = param->root ? &mshv_root_pool : pool;
	u64 before = mshv_pool_balance(wanted);
	struct engine engine = {
		.step = 4,
		.short_of = param->status,
		.pool = wanted,
		.wanted = before + (param->contiguous ? 8 : 1),
	};
	const struct hv_input_deposit_memory *deposit;
	struct rep_args args;
	struct mshv_hvcall call = rep_call(&args);
	unsigned int calls = fake_hv_calls(HVCALL_DEPOSIT_MEMORY);
	unsigned int i;

	call.pool = pool;
	fake_hv_handle(CODE, scripted, &engine);
	KUNIT_EXPECT_EQ(test, mshv_hvcall(&call), 0);
	KUNIT_EXPECT_EQ(test, call.done, REPS);
	expect_output(test, &args, REPS);

	/* One deposit, of a page or of eight in a row, and then it went on. */
	KUNIT_EXPECT_EQ(test, fake_hv_calls(HVCALL_DEPOSIT_MEMORY), calls + 1);
	KUNIT_EXPECT_EQ(test, mshv_pool_balance(wanted), engine.wanted);
	deposit = fake_hv_last(HVCALL_DEPOSIT_MEMORY);
	KUNIT_EXPECT_EQ(test, deposit->partition_id, wanted->partition_id);
	for (i = 1; param->contiguous && i < 8; i++)
		KUNIT_EXPECT_EQ(test, deposit->gpa_page_list[i], deposit->gpa_page_list[0] + i);
	test_close(fd);
}

static void rep_call_goes_on_after_a_deposit_where_it_stopped(struct kunit *test)
{
	int fd = test_partition(test);
	struct mshv_partition *partition = test_partition_of(test, fd);
	struct engine engine = { .step = 6, .statuses = { HV_STATUS_INSUFFICIENT_MEMORY } };
	struct rep_args args;
	struct mshv_hvcall call = rep_call(&args);

	call.pool = &partition->pool;
	fake_hv_handle(CODE, scripted, &engine);
	KUNIT_EXPECT_EQ(test, mshv_hvcall(&call), 0);
	KUNIT_ASSERT_EQ(test, engine.issued, 2);
	KUNIT_EXPECT_EQ(test, engine.starts[1], 6);
	expect_output(test, &args, REPS);
	test_close(fd);
}

static void first_deposit_is_as_large_as_the_caller_knows(struct kunit *test)
{
	int fd = test_partition(test);
	struct mshv_pool *pool = &test_partition_of(test, fd)->pool;
	u64 before = mshv_pool_balance(pool);
	struct engine engine = {
		.step = REPS,
		.short_of = HV_STATUS_INSUFFICIENT_MEMORY,
		.pool = pool,
		.wanted = before + 150,
	};
	struct rep_args args;
	struct mshv_hvcall call = rep_call(&args);

	call.pool = pool;
	call.deposit = 150;
	fake_hv_handle(CODE, scripted, &engine);
	KUNIT_EXPECT_EQ(test, mshv_hvcall(&call), 0);
	KUNIT_EXPECT_EQ(test, engine.issued, 2);
	KUNIT_EXPECT_EQ(test, mshv_pool_balance(pool), before + 150);
	test_close(fd);
}

static void hypervisor_that_always_wants_more_is_given_up(struct kunit *test)
{
	int fd = test_partition(test);
	struct mshv_pool *pool = &test_partition_of(test, fd)->pool;
	struct engine engine = {
		.step = REPS,
		.short_of = HV_STATUS_INSUFFICIENT_MEMORY,
		.pool = pool,
		.wanted = UINT_MAX,
	};
	struct rep_args args;
	struct mshv_hvcall call = rep_call(&args);

	call.pool = pool;
	fake_hv_handle(CODE, scripted, &engine);
	KUNIT_EXPECT_EQ(test, mshv_hvcall(&call), -ENOMEM);
	KUNIT_EXPECT_LT(test, mshv_pool_balance(pool), 8192);
	/* What it was given comes back. */
	fake_hv_handle(CODE, NULL, NULL);
	test_close(fd);
}

static void call_that_may_not_deposit_fails_at_once(struct kunit *test)
{
	static const u16 flags[] = { MSHV_HVCALL_ATOMIC, MSHV_HVCALL_NO_DEPOSIT };
	int fd = test_partition(test);
	unsigned int deposits = fake_hv_calls(HVCALL_DEPOSIT_MEMORY);
	struct rep_args args;
	unsigned int i;

	for (i = 0; i <= ARRAY_SIZE(flags); i++) {
		struct mshv_hvcall call = rep_call(&args);

		fake_hv_fail(CODE, HV_STATUS_INSUFFICIENT_MEMORY, 0, 1);
		if (i < ARRAY_SIZE(flags)) {
			call.pool = &test_partition_of(test, fd)->pool;
			call.flags |= flags[i];
		}
		KUNIT_EXPECT_EQ(test, mshv_hvcall(&call), -ENOMEM);
		KUNIT_EXPECT_EQ(test, call.status, HV_STATUS_INSUFFICIENT_MEMORY);
	}
	KUNIT_EXPECT_EQ(test, fake_hv_calls(HVCALL_DEPOSIT_MEMORY), deposits);
	test_close(fd);
}

static void call_fails_if_there_is_no_memory_to_deposit(struct kunit *test)
{
	int fd = test_partition(test);
	struct rep_args args;
	struct mshv_hvcall call = rep_call(&args);

	call.pool = &test_partition_of(test, fd)->pool;
	fake_hv_fail(CODE, HV_STATUS_INSUFFICIENT_MEMORY, 0, 1);
	test_fail_alloc(1);
	KUNIT_EXPECT_EQ(test, mshv_hvcall(&call), -ENOMEM);
	KUNIT_EXPECT_TRUE(test, test_alloc_failed());
	test_close(fd);
}

/* Fails, after it has read both registers. */
static int fast_registers(const struct fake_call *call, u16 *done, void *context)
{
	const u64 *in = call->in;
	u64 *got = context;

	got[0] = in[0];
	got[1] = in[1];

	return HV_STATUS_INVALID_VP_INDEX;
}

static void fast_call_passes_both_registers(struct kunit *test)
{
	u64 got[2] = {};
	u16 status;

	fake_hv_handle(CODE, fast_registers, got);
	KUNIT_EXPECT_EQ(test, mshv_hvcall_fast(CODE, 0x1111222233334444, 0x5555666677778888,
					       &status), -EINVAL);
	KUNIT_EXPECT_EQ(test, status, HV_STATUS_INVALID_VP_INDEX);
	KUNIT_EXPECT_EQ(test, got[0], 0x1111222233334444);
	KUNIT_EXPECT_EQ(test, got[1], 0x5555666677778888);
}

/* Sees what an earlier call has left, if anything, and leaves something itself. */
static int stale(const struct fake_call *call, u16 *done, void *context)
{
	u64 *out = call->out;

	*(u64 *)context = out[0];
	out[0] = 0x5ec4e7;
	*done = call->reps;

	return HV_STATUS_SUCCESS;
}

static void output_page_holds_nothing_of_an_earlier_call(struct kunit *test)
{
	u64 in = 0;
	u64 out;
	u64 seen = 1;
	struct mshv_hvcall call = {
		.code = CODE,
		.in = &in,
		.in_size = sizeof(in),
		.out = &out,
		.out_size = sizeof(out),
	};

	fake_hv_handle(CODE, stale, &seen);
	KUNIT_EXPECT_EQ(test, mshv_hvcall(&call), 0);
	KUNIT_EXPECT_EQ(test, out, 0x5ec4e7);
	KUNIT_EXPECT_EQ(test, mshv_hvcall(&call), 0);
	KUNIT_EXPECT_EQ(test, seen, 0);
}

static void page_tables_under_a_range_are_counted(struct kunit *test)
{
	/* One table at each of three levels, and one more where a boundary is crossed */
	KUNIT_EXPECT_EQ(test, mshv_hvcall_map_gpa_deposit(0, 1, false), 3);
	KUNIT_EXPECT_EQ(test, mshv_hvcall_map_gpa_deposit(511, 2, false), 4);
	KUNIT_EXPECT_EQ(test, mshv_hvcall_map_gpa_deposit(0x3ffff, 2, false), 5);
	KUNIT_EXPECT_EQ(test, mshv_hvcall_map_gpa_deposit(0x7ffffff, 2, false), 6);
	/* A GiB: 512 tables of pages of 4 KiB, one of pages of 2 MiB */
	KUNIT_EXPECT_EQ(test, mshv_hvcall_map_gpa_deposit(0x40000, 0x40000, false), 514);
	KUNIT_EXPECT_EQ(test, mshv_hvcall_map_gpa_deposit(0x40000, 0x40000, true), 2);
}

static struct kunit_case hvcall_cases[] = {
	KUNIT_CASE(rep_call_continues_where_the_hypervisor_stopped),
	KUNIT_CASE(success_without_progress_is_an_error_not_a_loop),
	KUNIT_CASE(failed_rep_call_tells_what_it_did),
	KUNIT_CASE(more_repetitions_than_asked_for_are_not_believed),
	KUNIT_CASE(parameters_that_do_not_fit_in_a_page_are_refused),
	KUNIT_CASE_PARAM(memory_is_deposited_where_it_is_wanted, memory_gen_params),
	KUNIT_CASE(rep_call_goes_on_after_a_deposit_where_it_stopped),
	KUNIT_CASE(first_deposit_is_as_large_as_the_caller_knows),
	KUNIT_CASE(hypervisor_that_always_wants_more_is_given_up),
	KUNIT_CASE(call_that_may_not_deposit_fails_at_once),
	KUNIT_CASE(call_fails_if_there_is_no_memory_to_deposit),
	KUNIT_CASE(fast_call_passes_both_registers),
	KUNIT_CASE(output_page_holds_nothing_of_an_earlier_call),
	KUNIT_CASE(page_tables_under_a_range_are_counted),
	{}
};

static struct kunit_suite hvcall_suite = {
	.name = "mshv_hvcall",
	.init = test_init,
	.exit = test_exit,
	.test_cases = hvcall_cases,
};

kunit_test_suite(hvcall_suite);
