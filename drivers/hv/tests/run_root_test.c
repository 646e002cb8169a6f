// SPDX-License-Identifier: GPL-2.0-only
/*
 * Running VPs under the root scheduler.
 */
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/jiffies.h>
#include <linux/kthread.h>
#include <linux/processor.h>
#include <linux/rcupdate.h>
#include <linux/sched/signal.h>
#include <linux/uaccess.h>

#include <tlfs/status.h>
#include <tlfs/vp.h>
#include <uapi/linux/mshv.h>

#include "../compat.h"
#include "../partition.h"
#include "../vp.h"
#include "test.h"

#define DISPATCHES()	fake_hv_calls(HVCALL_DISPATCH_VP)

/* How long what must not happen is waited for */
#define SETTLE_MS	100

static long run(struct kunit *test, int vp_fd, unsigned long user)
{
	return test_ioctl(test, vp_fd, MSHV_RUN_VP, user);
}

/**
 * struct script - what dispatching a VP leads to, one time after the other
 * @n: dispatches so far
 * @steps: state and event of each; after the last, the default is asked
 * @flags: the flags that each came with
 * @irqs_on: interrupts were enabled, each time
 * @preempt_on: preemption was enabled, any time
 */
struct script {
	unsigned int n;
	struct hv_output_dispatch_vp steps[8];
	u32 flags[8];
	bool irqs_on;
	bool preempt_on;
};

static int dispatch(const struct fake_call *call, u16 *done, void *context)
{
	const struct hv_input_dispatch_vp *in = call->in;
	struct hv_output_dispatch_vp *out = call->out;
	struct script *script = context;
	unsigned int n = script->n++;

	script->irqs_on = (!n || script->irqs_on) && call->irqs_on;
	script->preempt_on |= call->preempt_on;
	if (n >= ARRAY_SIZE(script->steps))
		return FAKE_DEFAULT;
	script->flags[n] = in->flags;
	if (!script->steps[n].dispatch_state)
		return FAKE_DEFAULT;
	if (in->flags & HV_DISPATCH_VP_FLAG_CLEAR_INTERCEPT_SUSPEND)
		*fake_hv_reg(in->partition_id, in->vp_index, HV_REGISTER_INTERCEPT_SUSPEND) = 0;
	*out = script->steps[n];

	return HV_STATUS_SUCCESS;
}

static const struct hv_output_dispatch_vp ready = { HV_VP_DISPATCH_STATE_READY };
static const struct hv_output_dispatch_vp blocked = { HV_VP_DISPATCH_STATE_BLOCKED };

/* A VP that has been run before, so that it is no longer explicitly suspended */
static int running_vp(struct kunit *test, int fd, unsigned long user)
{
	int vp_fd = test_vp(test, fd, 0);

	KUNIT_ASSERT_EQ(test, run(test, vp_fd, user), 0);

	return vp_fd;
}

static void first_run_clears_explicit_suspend_and_waits_for_the_signal(struct kunit *test)
{
	unsigned long user = test_user(test, PAGE_SIZE);
	int fd = test_partition(test);
	int vp_fd = test_vp(test, fd, 0);
	struct mshv_vp *vp = test_vp_of(test, vp_fd);

	KUNIT_EXPECT_EQ(test, run(test, vp_fd, user), 0);
	KUNIT_EXPECT_EQ(test, test_message_type(test, user), HVMSG_X64_HALT);
	KUNIT_EXPECT_EQ(test, DISPATCHES(), 2);
	KUNIT_EXPECT_EQ(test, fake_hv_calls(HVCALL_SET_VP_REGISTERS), 1);
	KUNIT_EXPECT_EQ(test, atomic64_read(&vp->run.signals), 1);
	test_close(vp_fd);
	test_close(fd);
}

static void next_run_clears_intercept_suspend_once(struct kunit *test)
{
	unsigned long user = test_user(test, PAGE_SIZE);
	int fd = test_partition(test);
	int vp_fd = running_vp(test, fd, user);
	struct script script = { .steps = { ready, ready } };

	fake_hv_handle(HVCALL_DISPATCH_VP, dispatch, &script);
	KUNIT_EXPECT_EQ(test, run(test, vp_fd, user), 0);
	KUNIT_EXPECT_EQ(test, script.n, 3);
	KUNIT_EXPECT_EQ(test, script.flags[0], HV_DISPATCH_VP_FLAG_CLEAR_INTERCEPT_SUSPEND);
	KUNIT_EXPECT_EQ(test, script.flags[1], 0);
	KUNIT_EXPECT_EQ(test, script.flags[2], 0);
	test_close(vp_fd);
	test_close(fd);
}

static void vp_is_dispatched_with_interrupts_on_and_preemption_off(struct kunit *test)
{
	unsigned long user = test_user(test, PAGE_SIZE);
	int fd = test_partition(test);
	int vp_fd = running_vp(test, fd, user);
	struct script script = {};

	fake_hv_handle(HVCALL_DISPATCH_VP, dispatch, &script);
	KUNIT_EXPECT_EQ(test, run(test, vp_fd, user), 0);
	KUNIT_EXPECT_TRUE(test, script.irqs_on);
	KUNIT_EXPECT_FALSE(test, script.preempt_on);
	test_close(vp_fd);
	test_close(fd);
}

static void blocked_vp_is_dispatched_again_when_it_is_signalled(struct kunit *test)
{
	unsigned long user = test_user(test, PAGE_SIZE);
	int fd = test_partition(test);
	int vp_fd = running_vp(test, fd, user);
	struct script script = { .steps = { blocked } };
	struct test_runner *runner;

	fake_hv_handle(HVCALL_DISPATCH_VP, dispatch, &script);
	runner = test_run_waits(test, vp_fd);
	KUNIT_EXPECT_EQ(test, script.n, 1);
	fake_hv_signal_vp(test_partition_of(test, fd)->id, 0);
	KUNIT_EXPECT_EQ(test, test_ran(test, runner), 0);
	KUNIT_EXPECT_EQ(test, script.n, 2);
	test_close(vp_fd);
	test_close(fd);
}

static void signal_that_comes_during_the_dispatch_is_not_lost(struct kunit *test)
{
	unsigned long user = test_user(test, PAGE_SIZE);
	int fd = test_partition(test);
	int vp_fd = running_vp(test, fd, user);
	struct script script = { .steps = { blocked } };

	/* Here it comes before: what was signalled before it blocked counts too. */
	fake_hv_signal_vp(test_partition_of(test, fd)->id, 0);
	fake_hv_handle(HVCALL_DISPATCH_VP, dispatch, &script);
	KUNIT_EXPECT_EQ(test, run(test, vp_fd, user), 0);
	KUNIT_EXPECT_EQ(test, script.n, 2);
	test_close(vp_fd);
	test_close(fd);
}

static void vp_whose_dispatch_thread_is_to_stay_blocked_does(struct kunit *test)
{
	unsigned long user = test_user(test, PAGE_SIZE);
	int fd = test_partition(test);
	u64 id = test_partition_of(test, fd)->id;
	int vp_fd = running_vp(test, fd, user);
	struct mshv_vp *vp = test_vp_of(test, vp_fd);
	unsigned int area;

	/* By counter 202, in either area */
	for (area = 0; area < MSHV_STATS_AREAS; area++) {
		u64 *counter = (u64 *)vp->stats[area] + 202;
		struct script script = { .steps = { blocked } };
		struct test_runner *runner;

		fake_hv_handle(HVCALL_DISPATCH_VP, dispatch, &script);
		WRITE_ONCE(*counter, 1);
		runner = test_run_waits(test, vp_fd);
		fake_hv_signal_vp(id, 0);
		msleep(SETTLE_MS);
		KUNIT_EXPECT_EQ(test, script.n, 1);
		WRITE_ONCE(*counter, 0);
		fake_hv_signal_vp(id, 0);
		KUNIT_EXPECT_EQ(test, test_ran(test, runner), 0);
		KUNIT_EXPECT_EQ(test, script.n, 2);
	}
	test_close(vp_fd);
	test_close(fd);
}

static void signal_interrupts_at_once_and_loses_nothing(struct kunit *test)
{
	unsigned long user = test_user(test, PAGE_SIZE);
	int fd = test_partition(test);
	int vp_fd = running_vp(test, fd, user);
	struct script script = { .steps = { blocked } };
	struct test_runner *runner;

	fake_hv_handle(HVCALL_DISPATCH_VP, dispatch, &script);
	runner = test_run_waits(test, vp_fd);
	send_sig(SIGUSR1, runner->task, 1);
	KUNIT_EXPECT_EQ(test, test_ran(test, runner), -EINTR);
	KUNIT_EXPECT_EQ(test, script.n, 1);

	/* It is still blocked, and not dispatched before it is signalled. */
	runner = test_run_waits(test, vp_fd);
	KUNIT_EXPECT_EQ(test, script.n, 1);
	fake_hv_signal_vp(test_partition_of(test, fd)->id, 0);
	KUNIT_EXPECT_EQ(test, test_ran(test, runner), 0);
	test_close(vp_fd);
	test_close(fd);
}

static void pending_signal_comes_before_the_guest(struct kunit *test)
{
	unsigned long user = test_user(test, PAGE_SIZE);
	int fd = test_partition(test);
	int vp_fd = running_vp(test, fd, user);
	unsigned int before = DISPATCHES();

	set_thread_flag(TIF_SIGPENDING);
	KUNIT_EXPECT_EQ(test, run(test, vp_fd, user), -EINTR);
	clear_thread_flag(TIF_SIGPENDING);
	KUNIT_EXPECT_EQ(test, DISPATCHES(), before);
	KUNIT_EXPECT_EQ(test, run(test, vp_fd, user), 0);
	test_close(vp_fd);
	test_close(fd);
}

static void work_that_is_no_signal_goes_through_user_mode(struct kunit *test)
{
	static const int work[] = { TIF_NOTIFY_RESUME, TIF_NOTIFY_SIGNAL };
	unsigned long user = test_user(test, PAGE_SIZE);
	int fd = test_partition(test);
	int vp_fd = running_vp(test, fd, user);
	unsigned int before = DISPATCHES();
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(work); i++) {
		set_thread_flag(work[i]);
		/* Restarted by the kernel unless a handler runs, which needs the flag. */
		KUNIT_EXPECT_EQ(test, run(test, vp_fd, user), -ERESTARTNOHAND);
		KUNIT_EXPECT_TRUE(test, test_thread_flag(TIF_SIGPENDING));
		clear_thread_flag(TIF_SIGPENDING);
		clear_thread_flag(work[i]);
	}
	KUNIT_EXPECT_EQ(test, DISPATCHES(), before);
	KUNIT_EXPECT_EQ(test, run(test, vp_fd, user), 0);
	test_close(vp_fd);
	test_close(fd);
}

static int count_resched(const struct fake_call *call, u16 *done, void *context)
{
	unsigned int *asked = context;

	if (read_thread_flags() & MSHV_TIF_NEED_RESCHED)
		(*asked)++;

	return FAKE_DEFAULT;
}

/*
 * Of whichever kind this kernel has: see MSHV_TIF_NEED_RESCHED. A tick can always ask for it
 * once more, after the driver has looked: not each time.
 */
static void guest_makes_way_for_what_is_to_be_scheduled(struct kunit *test)
{
	unsigned long user = test_user(test, PAGE_SIZE);
	int fd = test_partition(test);
	int vp_fd = running_vp(test, fd, user);
	unsigned int before = DISPATCHES();
	unsigned int bit, i, asked = 0, runs = 0;

	static_assert((MSHV_TIF_WORK & MSHV_TIF_NEED_RESCHED) == MSHV_TIF_NEED_RESCHED);
	fake_hv_handle(HVCALL_DISPATCH_VP, count_resched, &asked);
	for (bit = 0; bit < BITS_PER_LONG; bit++) {
		if (!(MSHV_TIF_NEED_RESCHED & BIT(bit)))
			continue;
		for (i = 0; i < 10; i++, runs++) {
			set_thread_flag(bit);
			KUNIT_EXPECT_EQ(test, run(test, vp_fd, user), 0);
			KUNIT_EXPECT_FALSE(test, test_thread_flag(bit));
		}
	}
	KUNIT_EXPECT_GE(test, DISPATCHES(), before + runs);
	KUNIT_EXPECT_LT(test, asked, runs / 2);
	test_close(vp_fd);
	test_close(fd);
}

static void message_that_user_space_cannot_take_is_kept(struct kunit *test)
{
	unsigned long user = test_user(test, PAGE_SIZE);
	int fd = test_partition(test);
	int vp_fd = test_vp(test, fd, 0);
	unsigned int dispatches;

	KUNIT_EXPECT_EQ(test, run(test, vp_fd, PAGE_SIZE), -EFAULT);
	dispatches = DISPATCHES();
	KUNIT_EXPECT_EQ(test, run(test, vp_fd, PAGE_SIZE), -EFAULT);
	KUNIT_EXPECT_EQ(test, run(test, vp_fd, user), 0);
	KUNIT_EXPECT_EQ(test, test_message_type(test, user), HVMSG_X64_HALT);
	KUNIT_EXPECT_EQ(test, DISPATCHES(), dispatches);
	KUNIT_EXPECT_EQ(test, run(test, vp_fd, user), 0);
	KUNIT_EXPECT_EQ(test, DISPATCHES(), dispatches + 1);
	test_close(vp_fd);
	test_close(fd);
}

static void failing_hypervisor_is_an_error_not_a_loop(struct kunit *test)
{
	static const struct hv_output_dispatch_vp invalid = { 7 };
	unsigned long user = test_user(test, PAGE_SIZE);
	int fd = test_partition(test);
	int vp_fd = test_vp(test, fd, 0);
	struct script script = { .steps = { invalid } };

	fake_hv_fail(HVCALL_SET_VP_REGISTERS, HV_STATUS_OPERATION_FAILED, 0, 1);
	KUNIT_EXPECT_EQ(test, run(test, vp_fd, user), -EIO);
	KUNIT_EXPECT_EQ(test, run(test, vp_fd, user), 0);
	fake_hv_fail(HVCALL_DISPATCH_VP, HV_STATUS_INVALID_VP_INDEX, 0, 1);
	KUNIT_EXPECT_EQ(test, run(test, vp_fd, user), -EINVAL);
	fake_hv_handle(HVCALL_DISPATCH_VP, dispatch, &script);
	KUNIT_EXPECT_EQ(test, run(test, vp_fd, user), -EIO);
	test_close(vp_fd);
	test_close(fd);
}

static void teardown_waits_for_signals_that_were_sent(struct kunit *test)
{
	unsigned long user = test_user(test, PAGE_SIZE);
	int fd = test_partition(test);
	u64 id = test_partition_of(test, fd)->id;
	int vp_fd = running_vp(test, fd, user);
	unsigned int sets = fake_hv_calls(HVCALL_SET_VP_REGISTERS);
	const struct hv_input_set_vp_registers *in = fake_hv_last(HVCALL_SET_VP_REGISTERS);

	fake_hv_signal_vp(id, 0);
	test_close(vp_fd);
	test_close(fd);
	KUNIT_EXPECT_EQ(test, fake_hv_calls(HVCALL_SET_VP_REGISTERS), sets + 1);
	KUNIT_EXPECT_EQ(test, in->elements[0].name, HV_REGISTER_DISPATCH_SUSPEND);
	KUNIT_EXPECT_EQ(test, in->elements[0].value.reg64, 1);
	KUNIT_EXPECT_EQ(test, fake_hv_calls(HVCALL_GET_VP_REGISTERS), 1);
}

/**
 * struct holder - someone who has found a VP, as an interrupt handler does
 * @partition_id: whose VP 0
 * @has_it: it has been found
 * @closed: the files have been closed
 * @index: what it was like after that
 * @done: and the thread has ended
 */
struct holder {
	u64 partition_id;
	struct completion has_it;
	bool closed;
	u32 index;
	struct completion done;
};

static int hold_vp(void *data)
{
	unsigned long end = jiffies + 10 * HZ;
	struct holder *holder = data;
	struct mshv_partition *partition;
	struct mshv_vp *vp;

	rcu_read_lock();
	partition = mshv_partition_find(holder->partition_id);
	vp = mshv_partition_vp(partition, 0);
	complete(&holder->has_it);
	while (!READ_ONCE(holder->closed) && time_before(jiffies, end))
		cpu_relax();
	/* All that is read of it there; KASAN would tell of a VP that is not one any more. */
	holder->index = READ_ONCE(vp->index) + READ_ONCE(vp->run.kicked) +
			READ_ONCE(vp->partition->intr.apic_ids_differ);
	rcu_read_unlock();
	complete(&holder->done);

	return 0;
}

static void vp_is_not_freed_under_who_has_found_it(struct kunit *test)
{
	int fd = test_partition(test);
	int vp_fd = test_vp(test, fd, 0);
	struct holder holder = { .partition_id = test_partition_of(test, fd)->id, .index = 77 };
	bool held;

	init_completion(&holder.has_it);
	init_completion(&holder.done);
	KUNIT_ASSERT_FALSE(test, IS_ERR(kthread_run(hold_vp, &holder, "mshv-holder")));
	wait_for_completion(&holder.has_it);
	test_close(vp_fd);
	test_close(fd);
	/* It was held until now: closing the files does not wait for readers. */
	held = !completion_done(&holder.done);
	WRITE_ONCE(holder.closed, true);
	wait_for_completion(&holder.done);
	KUNIT_EXPECT_TRUE(test, held);
	KUNIT_EXPECT_EQ(test, fake_hv_partitions(), 0);
	KUNIT_EXPECT_EQ(test, holder.index, 0);
}

/* The first message is the end of an interrupt, the second is not. */
static int eoi_then_halt(const struct fake_call *call, u16 *done, void *context)
{
	const struct hv_input_dispatch_vp *in = call->in;
	struct hv_output_dispatch_vp *out = call->out;
	struct hv_message *message = fake_hv_message_page(in->partition_id, in->vp_index);
	unsigned int *n = context;

	message->header.message_type = (*n)++ ? HVMSG_X64_HALT : HVMSG_X64_APIC_EOI;
	((struct hv_x64_apic_eoi_message *)message->u.payload)->interrupt_vector = 0x61;
	out->dispatch_state = HV_VP_DISPATCH_STATE_READY;
	out->dispatch_event = HV_VP_DISPATCH_EVENT_INTERCEPT;

	return HV_STATUS_SUCCESS;
}

static void eoi_goes_to_a_resample_irqfd_and_else_to_the_vmm(struct kunit *test)
{
	unsigned long user = test_user(test, PAGE_SIZE);
	int fd = test_partition(test);
	int vp_fd = running_vp(test, fd, user);
	struct mshv_user_irqfd args = {
		.fd = test_eventfd(test),
		.resamplefd = test_eventfd(test),
		.gsi = 5,
		.flags = BIT(MSHV_IRQFD_BIT_RESAMPLE),
	};
	unsigned int n = 0;

	fake_hv_handle(HVCALL_DISPATCH_VP, eoi_then_halt, &n);
	KUNIT_EXPECT_EQ(test, run(test, vp_fd, user), 0);
	KUNIT_EXPECT_EQ(test, test_message_type(test, user), HVMSG_X64_APIC_EOI);

	test_route(test, fd, 5, 0, 0x8061);
	KUNIT_ASSERT_EQ(test, test_ioctl_in(test, fd, MSHV_IRQFD, &args, sizeof(args)), 0);
	n = 0;
	KUNIT_EXPECT_EQ(test, run(test, vp_fd, user), 0);
	KUNIT_EXPECT_EQ(test, test_message_type(test, user), HVMSG_X64_HALT);
	KUNIT_EXPECT_EQ(test, test_count(test, args.resamplefd), 1);
	test_close(vp_fd);
	test_close(fd);
	test_close(args.fd);
	test_close(args.resamplefd);
}

static struct kunit_case run_root_cases[] = {
	KUNIT_CASE(first_run_clears_explicit_suspend_and_waits_for_the_signal),
	KUNIT_CASE(next_run_clears_intercept_suspend_once),
	KUNIT_CASE(vp_is_dispatched_with_interrupts_on_and_preemption_off),
	KUNIT_CASE(blocked_vp_is_dispatched_again_when_it_is_signalled),
	KUNIT_CASE(signal_that_comes_during_the_dispatch_is_not_lost),
	KUNIT_CASE(vp_whose_dispatch_thread_is_to_stay_blocked_does),
	KUNIT_CASE(signal_interrupts_at_once_and_loses_nothing),
	KUNIT_CASE(pending_signal_comes_before_the_guest),
	KUNIT_CASE(work_that_is_no_signal_goes_through_user_mode),
	KUNIT_CASE(guest_makes_way_for_what_is_to_be_scheduled),
	KUNIT_CASE(message_that_user_space_cannot_take_is_kept),
	KUNIT_CASE(failing_hypervisor_is_an_error_not_a_loop),
	KUNIT_CASE(teardown_waits_for_signals_that_were_sent),
	KUNIT_CASE(vp_is_not_freed_under_who_has_found_it),
	KUNIT_CASE(eoi_goes_to_a_resample_irqfd_and_else_to_the_vmm),
	{}
};

static struct kunit_suite run_root_suite = {
	.name = "mshv_run_root",
	.init = test_init,
	.exit = test_exit,
	.test_cases = run_root_cases,
};

kunit_test_suite(run_root_suite);
