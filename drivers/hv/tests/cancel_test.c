// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sticky cancellation of MSHV_RUN_VP, under both schedulers.
 */
#include <linux/sched/signal.h>
#include <linux/uaccess.h>

#include <tlfs/status.h>
#include <tlfs/system.h>
#include <tlfs/vp.h>
#include <uapi/linux/mshv.h>

#include "../partition.h"
#include "../vp.h"
#include "test.h"

static const u64 schedulers[] = { HV_SCHEDULER_TYPE_ROOT, HV_SCHEDULER_TYPE_LP };

static void scheduler_desc(const u64 *scheduler, char *desc)
{
	strscpy(desc, *scheduler == HV_SCHEDULER_TYPE_ROOT ? "root" : "hypervisor",
		KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(scheduler, schedulers, scheduler_desc);

static long cancel(struct kunit *test, int vp_fd)
{
	return test_ioctl(test, vp_fd, MSHV_CANCEL_VP, 0);
}

/*
 * A VP that, once resumed or dispatched, runs until it is stopped: blocked, as
 * root sees it.
 */
static int dispatch_blocked(const struct fake_call *call, u16 *done, void *context)
{
	struct hv_output_dispatch_vp *out = call->out;

	out->dispatch_state = HV_VP_DISPATCH_STATE_BLOCKED;
	out->dispatch_event = HV_VP_DISPATCH_EVENT_NONE;

	return HV_STATUS_SUCCESS;
}

static int endless_vp(struct kunit *test, int *fd)
{
	test_set_scheduler(*(const u64 *)test->param_value);
	fake_hv_handle(HVCALL_DISPATCH_VP, dispatch_blocked, NULL);
	*fd = test_partition(test);

	return test_vp(test, *fd, 0);
}

static void request_made_before_is_answered_by_the_next_run(struct kunit *test)
{
	int fd;
	int vp_fd = endless_vp(test, &fd);
	unsigned long user = test_user(test, PAGE_SIZE);
	struct test_runner *runner;

	KUNIT_EXPECT_EQ(test, cancel(test, vp_fd), 0);
	/* Two are one. */
	KUNIT_EXPECT_EQ(test, cancel(test, vp_fd), 0);
	KUNIT_EXPECT_EQ(test, test_ioctl(test, vp_fd, MSHV_RUN_VP, user), -EINTR);
	KUNIT_EXPECT_EQ(test, fake_hv_calls(HVCALL_DISPATCH_VP), 0);

	/* Once only: this one goes on until there is another. */
	runner = test_run_waits(test, vp_fd);
	KUNIT_EXPECT_EQ(test, cancel(test, vp_fd), 0);
	KUNIT_EXPECT_EQ(test, test_ran(test, runner), -EINTR);
	test_close(vp_fd);
	test_close(fd);
}

static void request_can_be_withdrawn_and_asked_for(struct kunit *test)
{
	int fd;
	int vp_fd = endless_vp(test, &fd);
	struct test_runner *runner;

	KUNIT_EXPECT_EQ(test, test_ioctl(test, vp_fd, MSHV_CANCEL_VP, MSHV_CANCEL_VP_CLEAR), 0);
	KUNIT_EXPECT_EQ(test, cancel(test, vp_fd), 0);
	KUNIT_EXPECT_EQ(test, test_ioctl(test, vp_fd, MSHV_CANCEL_VP, MSHV_CANCEL_VP_CLEAR), 1);
	KUNIT_EXPECT_EQ(test, test_ioctl(test, vp_fd, MSHV_CANCEL_VP, MSHV_CANCEL_VP_CLEAR), 0);
	KUNIT_EXPECT_EQ(test, test_ioctl(test, vp_fd, MSHV_CANCEL_VP, 2), -EINVAL);
	KUNIT_EXPECT_EQ(test, test_ioctl(test, vp_fd, MSHV_CANCEL_VP, 1UL << 40), -EINVAL);

	runner = test_run_waits(test, vp_fd);
	cancel(test, vp_fd);
	KUNIT_EXPECT_EQ(test, test_ran(test, runner), -EINTR);
	test_close(vp_fd);
	test_close(fd);
}

static void request_is_spent_by_a_signals_EINTR(struct kunit *test)
{
	int fd;
	int vp_fd = endless_vp(test, &fd);
	unsigned long user = test_user(test, PAGE_SIZE);

	cancel(test, vp_fd);
	set_thread_flag(TIF_SIGPENDING);
	KUNIT_EXPECT_EQ(test, test_ioctl(test, vp_fd, MSHV_RUN_VP, user), -EINTR);
	clear_thread_flag(TIF_SIGPENDING);
	KUNIT_EXPECT_EQ(test, test_ioctl(test, vp_fd, MSHV_CANCEL_VP, MSHV_CANCEL_VP_CLEAR), 0);
	test_close(vp_fd);
	test_close(fd);
}

static void cancellation_is_for_vps_only(struct kunit *test)
{
	int fd = test_partition(test);

	KUNIT_EXPECT_EQ(test, test_ioctl(test, fd, MSHV_CANCEL_VP, 0), -ENOTTY);
	test_close(fd);
}

/**
 * struct busy_vp - one that executes until the driver is asked to stop
 * @vp: the driver's structure
 * @executes: completed when it does
 */
struct busy_vp {
	struct mshv_vp *vp;
	struct completion executes;
};

static int dispatch_busy(const struct fake_call *call, u16 *done, void *context)
{
	struct hv_output_dispatch_vp *out = call->out;
	struct busy_vp *busy = context;
	unsigned long end = jiffies + 10 * HZ;

	complete(&busy->executes);
	while (!READ_ONCE(busy->vp->run.cancel) && time_before(jiffies, end))
		cpu_relax();
	/* The interrupt that was sent has been taken: interrupts are on. */
	out->dispatch_state = HV_VP_DISPATCH_STATE_READY;

	return HV_STATUS_SUCCESS;
}

static void vp_that_is_executing_is_interrupted(struct kunit *test)
{
	int fd = test_partition(test);
	int vp_fd = test_vp(test, fd, 0);
	struct busy_vp busy = { .vp = test_vp_of(test, vp_fd) };
	struct test_runner *runner;

	init_completion(&busy.executes);
	fake_hv_handle(HVCALL_DISPATCH_VP, dispatch_busy, &busy);
	runner = test_run(test, vp_fd);
	KUNIT_EXPECT_TRUE(test, wait_for_completion_timeout(&busy.executes, 10 * HZ));
	KUNIT_EXPECT_GE(test, READ_ONCE(busy.vp->run.cpu), 0);
	KUNIT_EXPECT_EQ(test, cancel(test, vp_fd), 0);
	KUNIT_EXPECT_EQ(test, READ_ONCE(busy.vp->run.cpu), -1);
	KUNIT_EXPECT_EQ(test, test_ran(test, runner), -EINTR);
	test_close(vp_fd);
	test_close(fd);
}

/* The VP has a message at the very moment that it is cancelled. */
static int dispatch_and_cancel(const struct fake_call *call, u16 *done, void *context)
{
	struct mshv_vp *vp = context;

	WRITE_ONCE(vp->run.cancel, true);

	return FAKE_DEFAULT;
}

static void message_that_comes_first_is_delivered_first(struct kunit *test)
{
	unsigned long user = test_user(test, PAGE_SIZE);
	int fd = test_partition(test);
	int vp_fd = test_vp(test, fd, 0);

	KUNIT_EXPECT_EQ(test, test_ioctl(test, vp_fd, MSHV_RUN_VP, user), 0);
	fake_hv_handle(HVCALL_DISPATCH_VP, dispatch_and_cancel, test_vp_of(test, vp_fd));
	KUNIT_EXPECT_EQ(test, test_ioctl(test, vp_fd, MSHV_RUN_VP, user), 0);
	KUNIT_EXPECT_EQ(test, test_message_type(test, user), HVMSG_X64_HALT);
	fake_hv_handle(HVCALL_DISPATCH_VP, NULL, NULL);
	KUNIT_EXPECT_EQ(test, test_ioctl(test, vp_fd, MSHV_RUN_VP, user), -EINTR);
	KUNIT_EXPECT_EQ(test, test_ioctl(test, vp_fd, MSHV_RUN_VP, user), 0);

	/* Nor is one lost that user space could not take. */
	KUNIT_EXPECT_EQ(test, test_ioctl(test, vp_fd, MSHV_RUN_VP, PAGE_SIZE), -EFAULT);
	cancel(test, vp_fd);
	KUNIT_EXPECT_EQ(test, test_ioctl(test, vp_fd, MSHV_RUN_VP, user), -EINTR);
	KUNIT_EXPECT_EQ(test, test_ioctl(test, vp_fd, MSHV_RUN_VP, user), 0);
	test_close(vp_fd);
	test_close(fd);
}

static struct kunit_case cancel_cases[] = {
	KUNIT_CASE_PARAM(request_made_before_is_answered_by_the_next_run, scheduler_gen_params),
	KUNIT_CASE_PARAM(request_can_be_withdrawn_and_asked_for, scheduler_gen_params),
	KUNIT_CASE_PARAM(request_is_spent_by_a_signals_EINTR, scheduler_gen_params),
	KUNIT_CASE(cancellation_is_for_vps_only),
	KUNIT_CASE(vp_that_is_executing_is_interrupted),
	KUNIT_CASE(message_that_comes_first_is_delivered_first),
	{}
};

static struct kunit_suite cancel_suite = {
	.name = "mshv_cancel",
	.init = test_init,
	.exit = test_exit,
	.test_cases = cancel_cases,
};

kunit_test_suite(cancel_suite);
