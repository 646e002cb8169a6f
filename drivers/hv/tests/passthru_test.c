// SPDX-License-Identifier: GPL-2.0-only
/*
 * Hypercalls that user space makes by itself.
 */
#include <linux/delay.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/kmsg_dump.h>
#include <linux/kthread.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include <tlfs/message.h>
#include <tlfs/partition.h>
#include <tlfs/status.h>
#include <uapi/linux/mshv.h>

#include "../partition.h"
#include "../passthru.h"
#include "test.h"

/* Where in user memory the arguments, the input and the output are */
#define ARGS	0
#define IN	PAGE_SIZE
#define OUT	(2 * PAGE_SIZE)
#define SIZE	(3 * PAGE_SIZE)

struct caller {
	struct kunit *test;
	unsigned long user;
	struct mshv_root_hvcall args;
};

static struct caller caller(struct kunit *test, u16 code)
{
	unsigned long user = test_user(test, SIZE);

	KUNIT_ASSERT_EQ(test, clear_user((void __user *)user, SIZE), 0);

	return (struct caller) {
		.test = test,
		.user = user,
		.args = {
			.code = code,
			.in_sz = 16,
			.in_ptr = user + IN,
			.out_sz = 16,
			.out_ptr = user + OUT,
		},
	};
}

/* Make the call, and fetch what came of its arguments. */
static long call(struct caller *c, struct mshv_partition *partition, enum mshv_passthru_from from)
{
	struct mshv_root_hvcall __user *uarg = (void __user *)c->user;
	long ret;

	KUNIT_EXPECT_EQ(c->test, copy_to_user(uarg, &c->args, sizeof(c->args)), 0);
	if (partition)
		mutex_lock(&partition->mutex);
	ret = mshv_ioctl_root_hvcall(partition, from, uarg);
	if (partition)
		mutex_unlock(&partition->mutex);
	KUNIT_EXPECT_EQ(c->test, copy_from_user(&c->args, uarg, sizeof(c->args)), 0);

	return ret;
}

static void only_listed_calls_are_let_through(struct kunit *test)
{
	static const struct {
		u16 code;
		bool device;
		bool vp;
	} listed[] = {
		{ HVCALL_GET_PARTITION_PROPERTY, true, true },
		{ HVCALL_SET_PARTITION_PROPERTY, false, false },
		{ HVCALL_INSTALL_INTERCEPT, false, true },
		{ HVCALL_GET_VP_REGISTERS, false, true },
		{ HVCALL_SET_VP_REGISTERS, false, true },
		{ HVCALL_TRANSLATE_VIRTUAL_ADDRESS, false, true },
		{ HVCALL_CLEAR_VIRTUAL_INTERRUPT, false, true },
		{ HVCALL_REGISTER_INTERCEPT_RESULT, false, true },
		{ HVCALL_ASSERT_VIRTUAL_INTERRUPT, false, true },
		{ HVCALL_SIGNAL_EVENT_DIRECT, false, true },
		{ HVCALL_POST_MESSAGE_DIRECT, false, true },
		{ HVCALL_GET_GPA_PAGES_ACCESS_STATES, false, true },
		{ HVCALL_GET_VP_CPUID_VALUES, false, true },
		{ HVCALL_GET_PARTITION_PROPERTY_EX, true, true },
	};
	int fd = test_partition(test);
	struct mshv_partition *partition = test_partition_of(test, fd);
	struct caller c = caller(test, 0);
	const struct mshv_root_hvcall args = c.args;
	unsigned int code;
	unsigned int i;

	/* Those that are let through fail in a way of their own. */
	for (code = 0; code < 0x140; code++)
		fake_hv_fail(code, HV_STATUS_ACCESS_DENIED, 0, 3);

	for (code = 0; code <= U16_MAX; code += code < 0x200 ? 1 : 0x3fff) {
		bool device = false, child = false, vp = false;

		for (i = 0; i < ARRAY_SIZE(listed); i++) {
			if (listed[i].code == code) {
				device = listed[i].device;
				child = true;
				vp = listed[i].vp;
			}
		}
		c.args = args;
		c.args.code = code;
		KUNIT_EXPECT_EQ_MSG(test, call(&c, NULL, MSHV_PASSTHRU_DEVICE),
				    device ? -EACCES : -EINVAL, "device, code %#x", code);
		c.args = args;
		c.args.code = code;
		KUNIT_EXPECT_EQ_MSG(test, call(&c, partition, MSHV_PASSTHRU_PARTITION),
				    child ? -EACCES : -EINVAL, "partition, code %#x", code);
		c.args = args;
		c.args.code = code;
		KUNIT_EXPECT_EQ_MSG(test, call(&c, partition, MSHV_PASSTHRU_VP),
				    vp ? -EACCES : -EINVAL, "VP, code %#x", code);
	}
	fake_hv_reset();
	test_close(fd);
}

static void bad_arguments_reach_no_hypervisor(struct kunit *test)
{
	int fd = test_partition(test);
	struct mshv_partition *partition = test_partition_of(test, fd);
	struct caller c = caller(test, HVCALL_GET_VP_REGISTERS);
	const struct mshv_root_hvcall good = c.args;
	struct mshv_root_hvcall bad[10];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bad); i++)
		bad[i] = good;
	bad[0].in_sz = 7;
	bad[1].in_sz = 0;
	bad[2].in_sz = HV_HYP_PAGE_SIZE + 1;
	bad[3].out_sz = 0;
	bad[4].out_sz = HV_HYP_PAGE_SIZE + 1;
	bad[5].status = 1;
	bad[6].rsvd[0] = 1;
	bad[7].rsvd[5] = 1;
	bad[8].in_ptr = 0;
	bad[9].reps = 4096;
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		c.args = bad[i];
		KUNIT_EXPECT_EQ_MSG(test, call(&c, partition, MSHV_PASSTHRU_VP), -EINVAL,
				    "case %u", i);
	}
	/* No memory there */
	c.args = good;
	c.args.in_ptr = c.user + SIZE - 8;
	KUNIT_EXPECT_EQ(test, call(&c, partition, MSHV_PASSTHRU_VP), -EFAULT);
	KUNIT_EXPECT_EQ(test, fake_hv_calls(HVCALL_GET_VP_REGISTERS), 0);
	KUNIT_EXPECT_EQ(test, test_ioctl(test, fd, MSHV_ROOT_HVCALL, PAGE_SIZE), -EFAULT);

	for (i = 1; i <= 2; i++) {
		c.args = good;
		test_fail_alloc(i);
		KUNIT_EXPECT_EQ(test, call(&c, partition, MSHV_PASSTHRU_VP), -ENOMEM);
		KUNIT_EXPECT_TRUE(test, test_alloc_failed());
	}
	test_close(fd);
}

static void partition_is_not_the_callers_to_choose(struct kunit *test)
{
	int fd = test_partition(test);
	struct mshv_partition *partition = test_partition_of(test, fd);
	const u64 *in = fake_hv_last(HVCALL_GET_PARTITION_PROPERTY);
	struct caller c = caller(test, HVCALL_GET_PARTITION_PROPERTY);
	const u64 other[2] = { 0xdead, HV_PARTITION_PROPERTY_XSAVE_STATES };
	u64 value;

	KUNIT_ASSERT_EQ(test, copy_to_user((void __user *)(c.user + IN), other, sizeof(other)), 0);
	KUNIT_EXPECT_EQ(test, call(&c, partition, MSHV_PASSTHRU_PARTITION), 0);
	KUNIT_EXPECT_EQ(test, in[0], partition->id);
	KUNIT_ASSERT_EQ(test, copy_from_user(&value, (void __user *)(c.user + OUT), sizeof(value)),
			0);
	KUNIT_EXPECT_EQ(test, value, 7);
	KUNIT_EXPECT_EQ(test, call(&c, NULL, MSHV_PASSTHRU_DEVICE), 0);
	KUNIT_EXPECT_EQ(test, in[0], HV_PARTITION_ID_SELF);
	test_close(fd);
}

/* Reads all of its input page, and answers with it. */
static int echo(const struct fake_call *call, u16 *done, void *context)
{
	const u64 *in = call->in;
	u64 *out = call->out;
	unsigned int i;

	for (i = 2; i < HV_HYP_PAGE_SIZE / sizeof(u64); i++)
		out[i] = in[i];
	*done = call->reps;

	return HV_STATUS_SUCCESS;
}

static void no_memory_of_roots_shows_through(struct kunit *test)
{
	int fd = test_partition(test);
	struct mshv_partition *partition = test_partition_of(test, fd);
	struct caller c = caller(test, HVCALL_INSTALL_INTERCEPT);
	u64 *out = kunit_kmalloc(test, HV_HYP_PAGE_SIZE, GFP_KERNEL);

	/* Far less input than the hypervisor reads, and all of its output page */
	c.args.out_sz = HV_HYP_PAGE_SIZE;
	fake_hv_handle(HVCALL_INSTALL_INTERCEPT, echo, NULL);
	KUNIT_EXPECT_EQ(test, call(&c, partition, MSHV_PASSTHRU_PARTITION), 0);
	KUNIT_ASSERT_EQ(test, copy_from_user(out, (void __user *)(c.user + OUT), HV_HYP_PAGE_SIZE),
			0);
	KUNIT_EXPECT_NULL(test, memchr_inv(out, 0, HV_HYP_PAGE_SIZE));
	test_close(fd);
}

/* Does three repetitions, then wants memory, then does the rest. */
static int thirsty(const struct fake_call *call, u16 *done, void *context)
{
	unsigned int *starts = context;
	u8 *out = call->out;

	if (!call->start) {
		*done = 3;
		memset(out, 1, 3);
		return HV_STATUS_INSUFFICIENT_MEMORY;
	}
	*starts = call->start;
	memset(out + call->start, 2, call->reps - call->start);
	*done = call->reps;

	return HV_STATUS_SUCCESS;
}

static void rep_call_that_wants_memory_goes_on_where_it_stopped(struct kunit *test)
{
	static const u8 expected[8] = { 1, 1, 1, 2, 2, 2, 2, 2 };
	int fd = test_partition(test);
	struct mshv_partition *partition = test_partition_of(test, fd);
	struct caller c = caller(test, HVCALL_GET_GPA_PAGES_ACCESS_STATES);
	u64 before = mshv_pool_balance(&partition->pool);
	unsigned int start = 0;
	u8 out[8];

	c.args.reps = 8;
	c.args.out_sz = 8;
	fake_hv_handle(HVCALL_GET_GPA_PAGES_ACCESS_STATES, thirsty, &start);
	KUNIT_EXPECT_EQ(test, call(&c, partition, MSHV_PASSTHRU_PARTITION), 0);
	KUNIT_EXPECT_EQ(test, start, 3);
	KUNIT_EXPECT_EQ(test, c.args.reps, 8);
	KUNIT_EXPECT_EQ(test, c.args.status, HV_STATUS_SUCCESS);
	KUNIT_ASSERT_EQ(test, copy_from_user(out, (void __user *)(c.user + OUT), 8), 0);
	KUNIT_EXPECT_MEMEQ(test, out, expected, 8);
	KUNIT_EXPECT_GT(test, mshv_pool_balance(&partition->pool), before);
	test_close(fd);
}

static void failed_call_tells_status_and_repetitions(struct kunit *test)
{
	int fd = test_partition(test);
	struct mshv_partition *partition = test_partition_of(test, fd);
	struct caller c = caller(test, HVCALL_GET_PARTITION_PROPERTY);
	u64 out;

	/* A property that there is not */
	KUNIT_EXPECT_EQ(test, call(&c, partition, MSHV_PASSTHRU_PARTITION), -EINVAL);
	KUNIT_EXPECT_EQ(test, c.args.status, HV_STATUS_UNKNOWN_PROPERTY);
	KUNIT_EXPECT_EQ(test, c.args.reps, 0);
	KUNIT_ASSERT_EQ(test, copy_from_user(&out, (void __user *)(c.user + OUT), sizeof(out)), 0);
	KUNIT_EXPECT_EQ(test, out, 0);
	test_close(fd);
}

static void output_that_cannot_be_written_is_EFAULT(struct kunit *test)
{
	int fd = test_partition(test);
	struct mshv_partition *partition = test_partition_of(test, fd);
	struct caller c = caller(test, HVCALL_INSTALL_INTERCEPT);

	c.args.out_ptr = PAGE_SIZE;
	KUNIT_EXPECT_EQ(test, call(&c, partition, MSHV_PASSTHRU_PARTITION), -EFAULT);
	/* None is wanted. */
	c.args.status = 0;
	c.args.out_ptr = 0;
	KUNIT_EXPECT_EQ(test, call(&c, partition, MSHV_PASSTHRU_PARTITION), 0);
	test_close(fd);
}

/* Without a page, the hypervisor writes to the first one of root's memory. */
static int wants_output_page(const struct fake_call *call, u16 *done, void *context)
{
	unsigned int *missing = context;

	*missing += !call->out;
	if (call->out)
		memset(call->out, 0x5a, HV_HYP_PAGE_SIZE);
	*done = call->reps;

	return HV_STATUS_SUCCESS;
}

static void output_has_a_page_even_if_no_one_wants_to_see_it(struct kunit *test)
{
	static const u16 codes[] = {
		HVCALL_GET_VP_REGISTERS, HVCALL_GET_PARTITION_PROPERTY,
		HVCALL_GET_PARTITION_PROPERTY_EX, HVCALL_TRANSLATE_VIRTUAL_ADDRESS,
		HVCALL_GET_GPA_PAGES_ACCESS_STATES, HVCALL_GET_VP_CPUID_VALUES,
		HVCALL_REGISTER_INTERCEPT_RESULT,
	};
	int fd = test_partition(test);
	struct mshv_partition *partition = test_partition_of(test, fd);
	struct caller c = caller(test, 0);
	const struct mshv_root_hvcall args = c.args;
	unsigned int missing = 0;
	unsigned int i;
	u64 out;

	for (i = 0; i < ARRAY_SIZE(codes); i++) {
		fake_hv_handle(codes[i], wants_output_page, &missing);
		c.args = args;
		c.args.code = codes[i];
		c.args.reps = codes[i] == HVCALL_GET_VP_REGISTERS;
		c.args.out_ptr = 0;
		c.args.out_sz = 0;
		KUNIT_EXPECT_EQ_MSG(test, call(&c, partition, MSHV_PASSTHRU_PARTITION), 0,
				    "code %#x", codes[i]);
		KUNIT_EXPECT_EQ_MSG(test, missing, 0, "code %#x", codes[i]);
	}
	KUNIT_ASSERT_EQ(test, copy_from_user(&out, (void __user *)(c.user + OUT), sizeof(out)), 0);
	KUNIT_EXPECT_EQ(test, out, 0);
	test_close(fd);
}

/* Completes the call of @data's partition when that waits for it. */
static int complete_later(void *data)
{
	struct mshv_partition *partition = data;
	struct hv_message message = { .header.message_type = HVMSG_ASYNC_CALL_COMPLETION };
	struct hv_async_completion_message_payload *payload = (void *)message.u.payload;

	while (!READ_ONCE(partition->async.pending) && !kthread_should_stop())
		usleep_range(1000, 2000);
	payload->partition_id = partition->id;
	payload->status = HV_STATUS_PROPERTY_VALUE_OUT_OF_RANGE;
	fake_hv_post(&message);
	while (!kthread_should_stop())
		schedule_timeout_interruptible(HZ / 100);

	return 0;
}

static void pending_call_waits_for_its_message(struct kunit *test)
{
	int fd = test_partition(test);
	struct mshv_partition *partition = test_partition_of(test, fd);
	struct caller c = caller(test, HVCALL_SET_PARTITION_PROPERTY);
	struct task_struct *thread;

	fake_hv_fail(HVCALL_SET_PARTITION_PROPERTY, HV_STATUS_CALL_PENDING, 0, 1);
	thread = kthread_run(complete_later, partition, "mshv-complete");
	KUNIT_ASSERT_FALSE(test, IS_ERR(thread));
	KUNIT_EXPECT_EQ(test, call(&c, partition, MSHV_PASSTHRU_PARTITION), -EINVAL);
	kthread_stop(thread);
	KUNIT_EXPECT_EQ(test, c.args.status, HV_STATUS_PROPERTY_VALUE_OUT_OF_RANGE);
	/* And then there is another. */
	c.args.status = 0;
	KUNIT_EXPECT_EQ(test, call(&c, partition, MSHV_PASSTHRU_PARTITION), 0);
	test_close(fd);
}

/* The last line of the kernel's log that is the driver's, or an empty string */
static const char *last_line(char *last, size_t size)
{
	struct kmsg_dump_iter iter;
	char line[256];
	size_t length;

	last[0] = '\0';
	kmsg_dump_rewind(&iter);
	while (kmsg_dump_get_line(&iter, false, line, sizeof(line) - 1, &length)) {
		line[length] = '\0';
		if (strstr(line, KBUILD_MODNAME ": "))
			strscpy(last, strim(line), size);
	}

	return last;
}

static void final_status_of_a_pending_call_is_in_the_log(struct kunit *test)
{
	int fd = test_partition(test);
	struct mshv_partition *partition = test_partition_of(test, fd);
	struct caller c = caller(test, HVCALL_SET_PARTITION_PROPERTY);
	struct task_struct *thread;
	char line[256];

	fake_hv_fail(HVCALL_SET_PARTITION_PROPERTY, HV_STATUS_CALL_PENDING, 0, 1);
	thread = kthread_run(complete_later, partition, "mshv-complete");
	KUNIT_ASSERT_FALSE(test, IS_ERR(thread));
	KUNIT_EXPECT_EQ(test, call(&c, partition, MSHV_PASSTHRU_PARTITION), -EINVAL);
	kthread_stop(thread);
	KUNIT_EXPECT_NOT_NULL(test, strstr(last_line(line, sizeof(line)),
					   "SET_PARTITION_PROPERTY: PROPERTY_VALUE_OUT_OF_RANGE"));
	test_close(fd);
}

static void pending_is_no_answer_to_any_other_call(struct kunit *test)
{
	int fd = test_partition(test);
	struct mshv_partition *partition = test_partition_of(test, fd);
	struct caller c = caller(test, HVCALL_INSTALL_INTERCEPT);

	fake_hv_fail(HVCALL_INSTALL_INTERCEPT, HV_STATUS_CALL_PENDING, 0, 1);
	KUNIT_EXPECT_EQ(test, call(&c, partition, MSHV_PASSTHRU_PARTITION), -EBADFD);
	test_close(fd);
}

static struct kunit_case passthru_cases[] = {
	KUNIT_CASE(only_listed_calls_are_let_through),
	KUNIT_CASE(bad_arguments_reach_no_hypervisor),
	KUNIT_CASE(partition_is_not_the_callers_to_choose),
	KUNIT_CASE(no_memory_of_roots_shows_through),
	KUNIT_CASE(rep_call_that_wants_memory_goes_on_where_it_stopped),
	KUNIT_CASE(failed_call_tells_status_and_repetitions),
	KUNIT_CASE(output_that_cannot_be_written_is_EFAULT),
	KUNIT_CASE(output_has_a_page_even_if_no_one_wants_to_see_it),
	KUNIT_CASE(pending_call_waits_for_its_message),
	KUNIT_CASE(final_status_of_a_pending_call_is_in_the_log),
	KUNIT_CASE(pending_is_no_answer_to_any_other_call),
	{}
};

static struct kunit_suite passthru_suite = {
	.name = "mshv_passthru",
	.init = test_init,
	.exit = test_exit,
	.test_cases = passthru_cases,
};

kunit_test_suite(passthru_suite);
