// SPDX-License-Identifier: GPL-2.0-only
/*
 * Running VPs under a scheduler of the hypervisor's.
 */
#include <linux/delay.h>
#include <linux/sched/signal.h>
#include <linux/uaccess.h>

#include <tlfs/status.h>
#include <tlfs/system.h>
#include <tlfs/vp.h>
#include <uapi/linux/mshv.h>

#include "../partition.h"
#include "../vp.h"
#include "test.h"

/* How long what must not happen is waited for */
#define SETTLE_MS	100

static int hv_init(struct kunit *test)
{
	int ret = test_init(test);

	test_set_scheduler(HV_SCHEDULER_TYPE_LP);

	return ret;
}

static long run(struct kunit *test, int vp_fd, unsigned long user)
{
	return test_ioctl(test, vp_fd, MSHV_RUN_VP, user);
}

static u64 *reg(struct kunit *test, int fd, u32 name)
{
	return fake_hv_reg(test_partition_of(test, fd)->id, 0, name);
}

/* Stop the VP with a message, and tell root of it. */
static void stop_with_message(u64 id, u32 type)
{
	struct hv_message *page = fake_hv_message_page(id, 0);
	struct hv_message opaque = {
		.header.message_type = HVMSG_OPAQUE_INTERCEPT,
		.header.sender = id,
	};

	page->header.message_type = type;
	*fake_hv_reg(id, 0, HV_REGISTER_INTERCEPT_SUSPEND) = HV_SUSPEND_SUSPENDED;
	fake_hv_post(&opaque);
}

static void vp_runs_until_the_hypervisor_has_a_message(struct kunit *test)
{
	const struct hv_input_set_vp_registers *in = fake_hv_last(HVCALL_SET_VP_REGISTERS);
	int fd = test_partition(test);
	u64 id = test_partition_of(test, fd)->id;
	int vp_fd = test_vp(test, fd, 0);
	struct test_runner *runner;
	unsigned int i;

	for (i = 0; i < 3; i++) {
		runner = test_run_waits(test, vp_fd);
		/* Both suspends cleared, the one that it has from us last */
		KUNIT_EXPECT_EQ(test, fake_hv_calls(HVCALL_SET_VP_REGISTERS), i + 1);
		KUNIT_EXPECT_EQ(test, in->elements[0].name, HV_REGISTER_INTERCEPT_SUSPEND);
		KUNIT_EXPECT_EQ(test, in->elements[1].name, HV_REGISTER_EXPLICIT_SUSPEND);
		KUNIT_EXPECT_EQ(test, *reg(test, fd, HV_REGISTER_INTERCEPT_SUSPEND), 0);
		KUNIT_EXPECT_EQ(test, *reg(test, fd, HV_REGISTER_EXPLICIT_SUSPEND), 0);
		stop_with_message(id, HVMSG_X64_HALT + i);
		KUNIT_EXPECT_EQ(test, test_ran(test, runner), 0);
		KUNIT_EXPECT_EQ(test, test_message_type(test, runner->user), HVMSG_X64_HALT + i);
	}
	KUNIT_EXPECT_EQ(test, fake_hv_calls(HVCALL_DISPATCH_VP), 0);
	test_close(vp_fd);
	test_close(fd);
}

static void signal_suspends_the_vp_before_user_space_sees_it(struct kunit *test)
{
	int fd = test_partition(test);
	u64 id = test_partition_of(test, fd)->id;
	int vp_fd = test_vp(test, fd, 0);
	struct test_runner *runner;

	runner = test_run_waits(test, vp_fd);
	send_sig(SIGUSR1, runner->task, 1);
	KUNIT_EXPECT_EQ(test, test_ran(test, runner), -EINTR);
	KUNIT_EXPECT_EQ(test, *reg(test, fd, HV_REGISTER_EXPLICIT_SUSPEND), 1);

	/* And it goes on from there. */
	runner = test_run_waits(test, vp_fd);
	KUNIT_EXPECT_EQ(test, *reg(test, fd, HV_REGISTER_EXPLICIT_SUSPEND), 0);
	stop_with_message(id, HVMSG_X64_HALT);
	KUNIT_EXPECT_EQ(test, test_ran(test, runner), 0);
	test_close(vp_fd);
	test_close(fd);
}

/* The VP stops with a message that is still on its way. */
static int message_in_flight(const struct fake_call *call, u16 *done, void *context)
{
	const struct hv_input_get_vp_registers *in = call->in;

	if (in->names[0] == HV_REGISTER_INTERCEPT_SUSPEND)
		*fake_hv_reg(in->partition_id, 0, HV_REGISTER_INTERCEPT_SUSPEND) = 1;

	return FAKE_DEFAULT;
}

static void message_that_races_with_a_signal_is_not_lost(struct kunit *test)
{
	int fd = test_partition(test);
	u64 id = test_partition_of(test, fd)->id;
	int vp_fd = test_vp(test, fd, 0);
	struct test_runner *runner;

	fake_hv_handle(HVCALL_GET_VP_REGISTERS, message_in_flight, NULL);
	runner = test_run_waits(test, vp_fd);
	send_sig(SIGUSR1, runner->task, 1);
	msleep(SETTLE_MS);
	KUNIT_EXPECT_FALSE(test, completion_done(&runner->done));
	stop_with_message(id, HVMSG_X64_HALT);
	KUNIT_EXPECT_EQ(test, test_ran(test, runner), 0);
	KUNIT_EXPECT_EQ(test, test_message_type(test, runner->user), HVMSG_X64_HALT);
	test_close(vp_fd);
	test_close(fd);
}

static void message_that_never_comes_is_not_waited_for_for_ever(struct kunit *test)
{
	int fd = test_partition(test);
	int vp_fd = test_vp(test, fd, 0);
	struct test_runner *runner;

	/* As if user space had set the register itself */
	fake_hv_handle(HVCALL_GET_VP_REGISTERS, message_in_flight, NULL);
	runner = test_run_waits(test, vp_fd);
	send_sig(SIGUSR1, runner->task, 1);
	KUNIT_EXPECT_EQ(test, test_ran(test, runner), -EINTR);
	test_close(vp_fd);
	test_close(fd);
}

static void stray_kick_does_not_end_the_next_run(struct kunit *test)
{
	int fd = test_partition(test);
	u64 id = test_partition_of(test, fd)->id;
	int vp_fd = test_vp(test, fd, 0);
	const struct hv_message opaque = {
		.header.message_type = HVMSG_OPAQUE_INTERCEPT,
		.header.sender = id,
	};
	struct test_runner *runner;

	fake_hv_post(&opaque);
	runner = test_run_waits(test, vp_fd);
	stop_with_message(id, HVMSG_X64_HALT);
	KUNIT_EXPECT_EQ(test, test_ran(test, runner), 0);
	test_close(vp_fd);
	test_close(fd);
}

static void vp_that_cannot_be_suspended_is_still_running(struct kunit *test)
{
	static const u16 calls[] = { HVCALL_SET_VP_REGISTERS, HVCALL_GET_VP_REGISTERS };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(calls); i++) {
		int fd = test_partition(test);
		u64 id = test_partition_of(test, fd)->id;
		int vp_fd = test_vp(test, fd, 0);
		struct test_runner *runner;
		unsigned int sets;

		runner = test_run_waits(test, vp_fd);
		fake_hv_fail(calls[i], HV_STATUS_OPERATION_FAILED, 0, 1);
		send_sig(SIGUSR1, runner->task, 1);
		KUNIT_EXPECT_EQ(test, test_ran(test, runner), -EIO);

		/* Its message comes in between, and is there for the next run. */
		sets = fake_hv_calls(HVCALL_SET_VP_REGISTERS);
		stop_with_message(id, HVMSG_X64_HALT);
		runner = test_run(test, vp_fd);
		KUNIT_EXPECT_EQ(test, test_ran(test, runner), 0);
		KUNIT_EXPECT_EQ(test, fake_hv_calls(HVCALL_SET_VP_REGISTERS), sets);
		test_close(vp_fd);
		test_close(fd);
	}
}

static void vp_that_cannot_be_resumed_is_an_error(struct kunit *test)
{
	unsigned long user = test_user(test, PAGE_SIZE);
	int fd = test_partition(test);
	int vp_fd = test_vp(test, fd, 0);

	fake_hv_fail(HVCALL_SET_VP_REGISTERS, HV_STATUS_INVALID_VP_STATE, 0, 1);
	KUNIT_EXPECT_EQ(test, run(test, vp_fd, user), -EIO);
	set_thread_flag(TIF_SIGPENDING);
	KUNIT_EXPECT_EQ(test, run(test, vp_fd, user), -EINTR);
	clear_thread_flag(TIF_SIGPENDING);
	KUNIT_EXPECT_EQ(test, fake_hv_calls(HVCALL_SET_VP_REGISTERS), 1);
	test_close(vp_fd);
	test_close(fd);
}

static void vp_left_running_is_suspended_before_it_is_destroyed(struct kunit *test)
{
	const struct hv_input_set_vp_registers *in = fake_hv_last(HVCALL_SET_VP_REGISTERS);
	int fd = test_partition(test);
	int vp_fd = test_vp(test, fd, 0);
	struct test_runner *runner;

	runner = test_run_waits(test, vp_fd);
	fake_hv_fail(HVCALL_SET_VP_REGISTERS, HV_STATUS_OPERATION_FAILED, 0, 1);
	send_sig(SIGUSR1, runner->task, 1);
	KUNIT_EXPECT_EQ(test, test_ran(test, runner), -EIO);
	test_close(vp_fd);
	test_close(fd);
	KUNIT_EXPECT_EQ(test, in->elements[0].name, HV_REGISTER_EXPLICIT_SUSPEND);
	KUNIT_EXPECT_EQ(test, in->elements[0].value.reg64, 1);
	KUNIT_EXPECT_EQ(test, fake_hv_calls(HVCALL_SET_VP_REGISTERS), 3);
}

static void statistics_are_not_needed(struct kunit *test)
{
	int fd = test_partition(test);
	int vp_fd;

	fake_hv_fail(HVCALL_MAP_STATS_PAGE, HV_STATUS_INVALID_HYPERCALL_CODE, 0, 2);
	vp_fd = test_vp(test, fd, 0);
	KUNIT_EXPECT_NULL(test, test_vp_of(test, vp_fd)->stats[HV_STATS_AREA_SELF]);
	KUNIT_EXPECT_NULL(test, test_vp_of(test, vp_fd)->stats[HV_STATS_AREA_PARENT]);
	test_close(vp_fd);
	test_close(fd);
}

static struct kunit_case run_hv_cases[] = {
	KUNIT_CASE(vp_runs_until_the_hypervisor_has_a_message),
	KUNIT_CASE(signal_suspends_the_vp_before_user_space_sees_it),
	KUNIT_CASE(message_that_races_with_a_signal_is_not_lost),
	KUNIT_CASE_SLOW(message_that_never_comes_is_not_waited_for_for_ever),
	KUNIT_CASE(stray_kick_does_not_end_the_next_run),
	KUNIT_CASE(vp_that_cannot_be_suspended_is_still_running),
	KUNIT_CASE(vp_that_cannot_be_resumed_is_an_error),
	KUNIT_CASE(vp_left_running_is_suspended_before_it_is_destroyed),
	KUNIT_CASE(statistics_are_not_needed),
	{}
};

static struct kunit_suite run_hv_suite = {
	.name = "mshv_run_hv",
	.init = hv_init,
	.exit = test_exit,
	.test_cases = run_hv_cases,
};

kunit_test_suite(run_hv_suite);
