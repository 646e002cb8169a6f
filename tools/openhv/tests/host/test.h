/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What every test of the host build includes, last: the harness, whose
 * processes make a panic the failure of one test, and the machine.
 */
#ifndef HOST_TEST_H
#define HOST_TEST_H

#include "calls.h"
#include "machine.h"
#include "vcpu.h"

/* Both have one. */
#undef ARRAY_SIZE
#include <kselftest_harness.h>

/*
 * The harness's comparisons, for any function and any place of a statement.
 * ASSERT_*() ends the test, EXPECT_*() marks it failed and goes on.
 */
#undef TH_COMPARE
#define TH_COMPARE(_expected, _seen, _op, _fatal) \
	do { \
		__typeof__(({ (_expected); })) th_exp = (_expected); \
		__typeof__(({ (_seen); })) th_seen = (_seen); \
		if (!(th_exp _op th_seen)) \
			host_mismatch(__FILE__, __LINE__, __func__, #_expected, \
				      (unsigned long long)th_exp, #_op, #_seen, \
				      (unsigned long long)th_seen, _fatal); \
	} while (0)

/* What the next comparisons are about; shown with one that fails. */
static char host_context[256];
#define CONTEXT(...) snprintf(host_context, sizeof(host_context), __VA_ARGS__)

static bool host_mismatched;

static inline void host_mismatch(const char *file, int line, const char *function,
				 const char *expected, unsigned long long e, const char *op,
				 const char *seen, unsigned long long s, bool fatal)
{
	printf("# %s:%d: %s: expected %s (0x%llx) %s %s (0x%llx)%s%s\n", file, line, function,
	       expected, e, op, seen, s, host_context[0] ? ": " : "", host_context);
	fflush(stdout);
	host_mismatched = true;
	if (fatal)
		_exit(KSFT_FAIL);
}

/* TEST_ON_MACHINE(name): a test that begins with a machine that has been started */
#define TEST_ON_MACHINE(test_name) \
	static void test_name##_test(void); \
	TEST(test_name) \
	{ \
		host_boot(); \
		test_name##_test(); \
		if (host_mismatched) \
			_metadata->result->status = KSFT_FAIL; \
	} \
	static void test_name##_test(void)

/* TEST_BARE(name): one that starts the machine itself, or needs none */
#define TEST_BARE(test_name) \
	static void test_name##_test(void); \
	TEST(test_name) \
	{ \
		test_name##_test(); \
		if (host_mismatched) \
			_metadata->result->status = KSFT_FAIL; \
	} \
	static void test_name##_test(void)

#endif /* HOST_TEST_H */
