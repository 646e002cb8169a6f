/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A small test harness with the macro names of the kernel's
 * tools/testing/selftests/kselftest_harness.h, so that a test written for the
 * one builds with the other. It is a separate implementation because the tests
 * also have to build where no kernel source is, and needs nothing but libc.
 *
 *	TEST(name) { ... }
 *	FIXTURE(f) { int fd; };
 *	FIXTURE_SETUP(f) { self->fd = ...; ASSERT_GE(self->fd, 0); }
 *	FIXTURE_TEARDOWN(f) { close(self->fd); }
 *	TEST_F(f, name) { EXPECT_EQ(0, ioctl(self->fd, ...)); }
 *	TEST_HARNESS_MAIN
 *
 * Each test runs in a process (and process group) of its own; one that hangs is
 * killed after its timeout. ASSERT_*() ends the test, EXPECT_*() only marks it
 * failed; both take a block for more words: ASSERT_EQ(0, ret) { TH_LOG("..."); }
 * The output is KTAP; the exit status is 0, 1 (a test failed) or 4 (all skipped).
 *
 * Arguments: -l lists the tests, "-t NAME" runs one (may be repeated).
 */
#ifndef KSELFTEST_HARNESS_H
#define KSELFTEST_HARNESS_H

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef ARRAY_SIZE
#define ARRAY_SIZE(array)	(sizeof(array) / sizeof((array)[0]))
#endif

#define KSFT_PASS	0
#define KSFT_FAIL	1
#define KSFT_SKIP	4

#define TEST_TIMEOUT_DEFAULT	30	/* seconds */
#define TEST_TIMEOUT_LONG	10	/* times as many, if MSHV_TEST_LONG is set */

/* What a test's process tells the runner */
struct th_result {
	int status;		/* KSFT_* */
	char reason[256];	/* of a skip */
};

struct __test_metadata {
	const char *name;
	const char *fixture;		/* NULL for TEST() */
	void (*fn)(struct __test_metadata *_metadata, const void *variant);
	unsigned int timeout;		/* seconds */
	struct __test_metadata *next;
	/* only in the test's own process */
	struct th_result *result;
	bool trigger;			/* a check has just failed: run its block */
	bool fatal;			/* and then leave the test */
	jmp_buf leave;
};

/* A set of values that a fixture's tests are run with */
struct th_variant {
	const char *name;
	const char *fixture;
	const void *data;
	struct th_variant *next;
};

static struct __test_metadata *th_tests, **th_tests_tail = &th_tests;
static struct th_variant *th_variants, **th_variants_tail = &th_variants;

static inline void th_register(struct __test_metadata *test)
{
	*th_tests_tail = test;
	th_tests_tail = &test->next;
}

static inline void th_register_variant(struct th_variant *variant)
{
	*th_variants_tail = variant;
	th_variants_tail = &variant->next;
}

/* One diagnostic line; stdout is a pipe or a serial console, so it is flushed at once. */
#define TH_LOG(fmt, ...) \
	do { \
		printf("# %s:%d:%s:" fmt "\n", __FILE__, __LINE__, _metadata->name, \
		       ##__VA_ARGS__); \
		fflush(stdout); \
	} while (0)

/* SKIP(return, "no %s here", what): the test is skipped, and leaves by its first argument. */
#define SKIP(statement, fmt, ...) \
	do { \
		snprintf(_metadata->result->reason, sizeof(_metadata->result->reason), fmt, \
			 ##__VA_ARGS__); \
		_metadata->result->status = KSFT_SKIP; \
		statement; \
	} while (0)

static inline void th_bail(struct __test_metadata *_metadata)
{
	_metadata->trigger = false;
	if (_metadata->fatal)
		longjmp(_metadata->leave, 1);
}

#define TH_COMPARE(_expected, _seen, _op, _fatal) \
	do { \
		__typeof__(({ (_expected); })) th_exp = (_expected); \
		__typeof__(({ (_seen); })) th_seen = (_seen); \
		if (!(th_exp _op th_seen)) { \
			TH_LOG("Expected %s (%lld, 0x%llx) " #_op " %s (%lld, 0x%llx)", \
			       #_expected, (long long)(uintptr_t)th_exp, \
			       (long long)(uintptr_t)th_exp, #_seen, \
			       (long long)(uintptr_t)th_seen, (long long)(uintptr_t)th_seen); \
			_metadata->result->status = KSFT_FAIL; \
			_metadata->fatal = (_fatal); \
			_metadata->trigger = true; \
		} \
	} while (0); \
	for (; _metadata->trigger; th_bail(_metadata))

#define TH_COMPARE_STR(_expected, _seen, _op, _fatal) \
	do { \
		const char *th_exp = (_expected), *th_seen = (_seen); \
		if (!(strcmp(th_exp, th_seen) _op 0)) { \
			TH_LOG("Expected '%s' " #_op " '%s'", th_exp, th_seen); \
			_metadata->result->status = KSFT_FAIL; \
			_metadata->fatal = (_fatal); \
			_metadata->trigger = true; \
		} \
	} while (0); \
	for (; _metadata->trigger; th_bail(_metadata))

#define ASSERT_EQ(expected, seen)	TH_COMPARE(expected, seen, ==, true)
#define ASSERT_NE(expected, seen)	TH_COMPARE(expected, seen, !=, true)
#define ASSERT_LT(expected, seen)	TH_COMPARE(expected, seen, <, true)
#define ASSERT_LE(expected, seen)	TH_COMPARE(expected, seen, <=, true)
#define ASSERT_GT(expected, seen)	TH_COMPARE(expected, seen, >, true)
#define ASSERT_GE(expected, seen)	TH_COMPARE(expected, seen, >=, true)
#define ASSERT_NULL(seen)		TH_COMPARE((void *)NULL, seen, ==, true)
#define ASSERT_TRUE(seen)		TH_COMPARE(0, !!(seen), !=, true)
#define ASSERT_FALSE(seen)		TH_COMPARE(0, !!(seen), ==, true)
#define ASSERT_STREQ(expected, seen)	TH_COMPARE_STR(expected, seen, ==, true)
#define ASSERT_STRNE(expected, seen)	TH_COMPARE_STR(expected, seen, !=, true)

#define EXPECT_EQ(expected, seen)	TH_COMPARE(expected, seen, ==, false)
#define EXPECT_NE(expected, seen)	TH_COMPARE(expected, seen, !=, false)
#define EXPECT_LT(expected, seen)	TH_COMPARE(expected, seen, <, false)
#define EXPECT_LE(expected, seen)	TH_COMPARE(expected, seen, <=, false)
#define EXPECT_GT(expected, seen)	TH_COMPARE(expected, seen, >, false)
#define EXPECT_GE(expected, seen)	TH_COMPARE(expected, seen, >=, false)
#define EXPECT_NULL(seen)		TH_COMPARE((void *)NULL, seen, ==, false)
#define EXPECT_TRUE(seen)		TH_COMPARE(0, !!(seen), !=, false)
#define EXPECT_FALSE(seen)		TH_COMPARE(0, !!(seen), ==, false)
#define EXPECT_STREQ(expected, seen)	TH_COMPARE_STR(expected, seen, ==, false)
#define EXPECT_STRNE(expected, seen)	TH_COMPARE_STR(expected, seen, !=, false)

/* Registration happens before main(), in the order of the file. */
#define TH_TEST(test_id, test_name, test_fixture, test_fn, seconds) \
	static struct __test_metadata test_id##_metadata = { \
		.name = test_name, .fixture = test_fixture, .fn = test_fn, .timeout = seconds, \
	}; \
	static void __attribute__((constructor)) test_id##_register(void) \
	{ \
		th_register(&test_id##_metadata); \
	}

#define TEST_TIMEOUT(test_name, seconds) \
	static void test_name##_body(struct __test_metadata *_metadata); \
	static void test_name##_wrapper(struct __test_metadata *_metadata, const void *variant) \
	{ \
		(void)variant; \
		if (!setjmp(_metadata->leave)) \
			test_name##_body(_metadata); \
	} \
	TH_TEST(test_name, #test_name, NULL, test_name##_wrapper, seconds) \
	static void test_name##_body(struct __test_metadata __attribute__((unused)) *_metadata)

#define TEST(test_name)	TEST_TIMEOUT(test_name, TEST_TIMEOUT_DEFAULT)

#define FIXTURE(fixture_name) \
	struct fixture_name##_fixture_variant; \
	struct fixture_name##_fixture_data

#define FIXTURE_VARIANT(fixture_name)	struct fixture_name##_fixture_variant

#define FIXTURE_VARIANT_ADD(fixture_name, variant_name) \
	extern const struct fixture_name##_fixture_variant fixture_name##_##variant_name##_data; \
	static struct th_variant fixture_name##_##variant_name##_variant = { \
		.name = #variant_name, .fixture = #fixture_name, \
		.data = &fixture_name##_##variant_name##_data, \
	}; \
	static void __attribute__((constructor)) fixture_name##_##variant_name##_register(void) \
	{ \
		th_register_variant(&fixture_name##_##variant_name##_variant); \
	} \
	const struct fixture_name##_fixture_variant fixture_name##_##variant_name##_data =

#define TH_FIXTURE_ARGS(fixture_name) \
	struct __test_metadata __attribute__((unused)) *_metadata, \
	struct fixture_name##_fixture_data __attribute__((unused)) *self, \
	const struct fixture_name##_fixture_variant __attribute__((unused)) *variant

#define FIXTURE_SETUP(fixture_name) \
	static void fixture_name##_setup(TH_FIXTURE_ARGS(fixture_name))
#define FIXTURE_TEARDOWN(fixture_name) \
	static void fixture_name##_teardown(TH_FIXTURE_ARGS(fixture_name))

/* The teardown runs if the setup came to its end, whatever the test did. */
#define TEST_F_TIMEOUT(fixture_name, test_name, seconds) \
	static void fixture_name##_##test_name##_body(TH_FIXTURE_ARGS(fixture_name)); \
	static void fixture_name##_##test_name##_wrapper(struct __test_metadata *_metadata, \
							 const void *variant) \
	{ \
		static struct fixture_name##_fixture_data self; \
		if (setjmp(_metadata->leave)) \
			return; \
		fixture_name##_setup(_metadata, &self, variant); \
		if (_metadata->result->status == KSFT_SKIP) \
			return; \
		if (!setjmp(_metadata->leave)) \
			fixture_name##_##test_name##_body(_metadata, &self, variant); \
		if (!setjmp(_metadata->leave)) \
			fixture_name##_teardown(_metadata, &self, variant); \
	} \
	TH_TEST(fixture_name##_##test_name, #test_name, #fixture_name, \
		fixture_name##_##test_name##_wrapper, seconds) \
	static void fixture_name##_##test_name##_body(TH_FIXTURE_ARGS(fixture_name))

#define TEST_F(fixture_name, test_name) \
	TEST_F_TIMEOUT(fixture_name, test_name, TEST_TIMEOUT_DEFAULT)

/* Run one test in a process of its own and print its result line */
static inline int th_run_one(struct __test_metadata *test, const struct th_variant *variant,
			     unsigned int number, const char *full_name)
{
	struct timespec wait = { .tv_sec = test->timeout };
	int status = 0, result;
	siginfo_t info;
	sigset_t chld;
	bool timed_out = false;
	pid_t pid;

	if (getenv("MSHV_TEST_LONG"))
		wait.tv_sec *= TEST_TIMEOUT_LONG;
	memset(test->result, 0, sizeof(*test->result));
	fflush(NULL);
	sigemptyset(&chld);
	sigaddset(&chld, SIGCHLD);
	sigprocmask(SIG_BLOCK, &chld, NULL);

	pid = fork();
	if (pid < 0) {
		printf("not ok %u %s # fork: %s\n", number, full_name, strerror(errno));
		return KSFT_FAIL;
	}
	if (!pid) {
		setpgid(0, 0);
		sigprocmask(SIG_UNBLOCK, &chld, NULL);
		test->fn(test, variant ? variant->data : NULL);
		fflush(NULL);
		_exit(test->result->status == KSFT_SKIP ? KSFT_PASS : test->result->status);
	}
	setpgid(pid, pid);

	while (!waitpid(pid, &status, WNOHANG)) {
		if (sigtimedwait(&chld, &info, &wait) < 0 && errno == EAGAIN) {
			timed_out = true;
			kill(-pid, SIGKILL);
			waitpid(pid, &status, 0);
			break;
		}
	}
	/* Whatever the test has started ends with it. */
	kill(-pid, SIGKILL);

	if (timed_out) {
		printf("# %s: timed out after %ld s\n", full_name, (long)wait.tv_sec);
		result = KSFT_FAIL;
	} else if (WIFSIGNALED(status)) {
		printf("# %s: killed by signal %d (%s)\n", full_name, WTERMSIG(status),
		       strsignal(WTERMSIG(status)));
		result = KSFT_FAIL;
	} else if (WEXITSTATUS(status)) {
		result = KSFT_FAIL;
	} else {
		result = test->result->status;
	}

	if (result == KSFT_SKIP)
		printf("ok %u %s # SKIP %s\n", number, full_name, test->result->reason);
	else
		printf("%sok %u %s\n", result == KSFT_PASS ? "" : "not ", number, full_name);
	fflush(stdout);
	return result;
}

struct th_counts {
	unsigned int tests, pass, fail, skip;
};

static inline bool th_selected(int argc, char **argv, const char *name)
{
	bool filtered = false;
	int i;

	for (i = 1; i + 1 < argc; i++) {
		if (strcmp(argv[i], "-t"))
			continue;
		filtered = true;
		if (!strcmp(argv[++i], name))
			return true;
	}
	return !filtered;
}

/* Go through all tests with all their variants; @run: run them, otherwise count or list them */
static inline void th_for_each(int argc, char **argv, struct th_counts *counts, bool run, bool list)
{
	static const struct th_variant none;
	struct __test_metadata *test;
	const struct th_variant *variant;
	unsigned int number = 0;
	char name[256];
	bool any;
	int result;

	for (test = th_tests; test; test = test->next) {
		any = false;
		for (variant = th_variants; variant || !any; variant = variant->next) {
			if (!variant)
				variant = &none;
			else if (!test->fixture || strcmp(variant->fixture, test->fixture))
				continue;
			any = true;
			if (test->fixture)
				snprintf(name, sizeof(name), "%s%s%s.%s", test->fixture,
					 variant->name ? "." : "",
					 variant->name ? variant->name : "", test->name);
			else
				snprintf(name, sizeof(name), "%s", test->name);
			if (th_selected(argc, argv, name)) {
				counts->tests += !run;
				if (list)
					printf("%s\n", name);
				if (run) {
					result = th_run_one(test, variant, ++number, name);
					counts->pass += result == KSFT_PASS;
					counts->fail += result == KSFT_FAIL;
					counts->skip += result == KSFT_SKIP;
				}
			}
			if (variant == &none)
				break;
		}
	}
}

static inline int test_harness_run(int argc, char **argv)
{
	struct th_counts counts = { 0 };
	struct __test_metadata *test;
	struct th_result *result;
	bool list = argc == 2 && !strcmp(argv[1], "-l");

	th_for_each(argc, argv, &counts, false, list);
	if (list)
		return KSFT_PASS;
	if (!counts.tests) {
		fprintf(stderr, "%s: no such test\n", argv[0]);
		return KSFT_FAIL;
	}

	result = mmap(NULL, sizeof(*result), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		      -1, 0);
	if (result == MAP_FAILED) {
		perror("mmap");
		return KSFT_FAIL;
	}
	for (test = th_tests; test; test = test->next)
		test->result = result;

	printf("TAP version 13\n1..%u\n", counts.tests);
	th_for_each(argc, argv, &counts, true, false);
	printf("# Totals: pass:%u fail:%u xfail:0 xpass:0 skip:%u error:0\n", counts.pass,
	       counts.fail, counts.skip);
	if (counts.fail)
		return KSFT_FAIL;
	return counts.pass ? KSFT_PASS : KSFT_SKIP;
}

#define TEST_HARNESS_MAIN \
	int main(int argc, char **argv) \
	{ \
		return test_harness_run(argc, argv); \
	}

#endif /* KSELFTEST_HARNESS_H */
