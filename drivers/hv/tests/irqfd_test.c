// SPDX-License-Identifier: GPL-2.0-only
/*
 * irqfds: what a signalled eventfd does to a guest, and what the guest's EOI does.
 */
#include <linux/uaccess.h>

#include <tlfs/interrupt.h>
#include <tlfs/message.h>
#include <uapi/linux/mshv.h>

#include "../intr.h"
#include "../partition.h"
#include "test.h"

#define ASSERTS()	fake_hv_calls(HVCALL_ASSERT_VIRTUAL_INTERRUPT)

static const struct hv_input_assert_virtual_interrupt *last_assert(void)
{
	return fake_hv_last(HVCALL_ASSERT_VIRTUAL_INTERRUPT);
}

static long irqfd(struct kunit *test, int fd, int event, u32 gsi, u32 flags, int resample)
{
	const struct mshv_user_irqfd args = {
		.fd = event, .gsi = gsi, .flags = flags, .resamplefd = resample,
	};

	return test_ioctl_in(test, fd, MSHV_IRQFD, &args, sizeof(args));
}

static void signal_injects_by_the_route(struct kunit *test)
{
	int fd = test_partition(test);
	int event = test_eventfd(test);

	test_route(test, fd, 5, 0xfee03004, 0x8161);
	KUNIT_ASSERT_EQ(test, irqfd(test, fd, event, 5, 0, -1), 0);
	KUNIT_EXPECT_EQ(test, ASSERTS(), 0);
	test_signal(test, event);
	KUNIT_ASSERT_EQ(test, ASSERTS(), 1);
	KUNIT_EXPECT_EQ(test, last_assert()->partition_id, test_partition_of(test, fd)->id);
	KUNIT_EXPECT_EQ(test, last_assert()->vector, 0x61);
	KUNIT_EXPECT_EQ(test, last_assert()->dest_addr, 0x03);
	KUNIT_EXPECT_EQ(test, last_assert()->interrupt_control,
			HV_X64_INTERRUPT_TYPE_LOWESTPRIORITY |
			HV_INTERRUPT_CONTROL_LEVEL_TRIGGERED | HV_INTERRUPT_CONTROL_LOGICAL_DEST);
	/* The signal is spent. */
	KUNIT_EXPECT_EQ(test, test_count(test, event), 0);
	test_close(fd);
	test_close(event);
}

static void signal_from_before_the_assignment_counts(struct kunit *test)
{
	int fd = test_partition(test);
	int event = test_eventfd(test);

	test_route(test, fd, 5, 0, 0x61);
	test_signal(test, event);
	KUNIT_ASSERT_EQ(test, irqfd(test, fd, event, 5, 0, -1), 0);
	KUNIT_EXPECT_EQ(test, ASSERTS(), 1);
	test_close(fd);
	test_close(event);
}

static void signal_without_a_route_injects_nothing(struct kunit *test)
{
	int fd = test_partition(test);
	int event = test_eventfd(test);
	int other = test_eventfd(test);

	/* GSI 0 before there is a table; a hole below one that there is */
	KUNIT_ASSERT_EQ(test, irqfd(test, fd, event, 0, 0, -1), 0);
	KUNIT_ASSERT_EQ(test, irqfd(test, fd, other, 4, 0, -1), 0);
	test_signal(test, event);
	test_route(test, fd, 9, 0, 0x61);
	test_signal(test, event);
	test_signal(test, other);
	/* A route that a VMM has only reserved has vector 0, which is no interrupt. */
	test_route(test, fd, 0, 0, 0);
	test_signal(test, event);
	KUNIT_EXPECT_EQ(test, ASSERTS(), 0);
	test_close(fd);
	test_close(event);
	test_close(other);
}

static void deassigned_irqfd_injects_nothing_and_leaves_no_count(struct kunit *test)
{
	int fd = test_partition(test);
	int event = test_eventfd(test);

	test_route(test, fd, 5, 0, 0x61);
	KUNIT_ASSERT_EQ(test, irqfd(test, fd, event, 5, 0, -1), 0);
	/* Of another GSI: nothing is removed. */
	KUNIT_EXPECT_EQ(test, irqfd(test, fd, event, 6, BIT(MSHV_IRQFD_BIT_DEASSIGN), -1), 0);
	test_signal(test, event);
	KUNIT_EXPECT_EQ(test, ASSERTS(), 1);

	KUNIT_EXPECT_EQ(test, irqfd(test, fd, event, 5, BIT(MSHV_IRQFD_BIT_DEASSIGN), -1), 0);
	KUNIT_EXPECT_EQ(test, test_count(test, event), 0);
	test_signal(test, event);
	KUNIT_EXPECT_EQ(test, ASSERTS(), 1);
	KUNIT_EXPECT_EQ(test, test_count(test, event), 1);

	/* And there is none at the next assignment. */
	KUNIT_EXPECT_EQ(test, irqfd(test, fd, event, 5, 0, -1), 0);
	KUNIT_EXPECT_EQ(test, ASSERTS(), 1);
	test_close(fd);
	test_close(event);
}

static void irqfd_goes_with_its_eventfd(struct kunit *test)
{
	int fd = test_partition(test);
	struct mshv_partition *partition = test_partition_of(test, fd);
	int event = test_eventfd(test);

	KUNIT_ASSERT_EQ(test, irqfd(test, fd, event, 5, 0, -1), 0);
	KUNIT_EXPECT_FALSE(test, list_empty(&partition->intr.irqfds));
	test_close(event);
	KUNIT_EXPECT_TRUE(test, list_empty(&partition->intr.irqfds));
	test_close(fd);
}

static void irqfd_ioctl_checks_its_arguments(struct kunit *test)
{
	const u32 resample = BIT(MSHV_IRQFD_BIT_RESAMPLE);
	int fd = test_partition(test);
	int event = test_eventfd(test);
	int other = test_eventfd(test);

	test_route(test, fd, 5, 0, 0x8061);
	KUNIT_EXPECT_EQ(test, irqfd(test, fd, event, 5, BIT(MSHV_IRQFD_BIT_COUNT), -1), -EINVAL);
	KUNIT_EXPECT_EQ(test, irqfd(test, fd, event, MSHV_MAX_GSIS, 0, -1), -EINVAL);
	KUNIT_EXPECT_EQ(test, irqfd(test, fd, -1, 5, 0, -1), -EBADF);
	/* A file, but no eventfd */
	KUNIT_EXPECT_EQ(test, irqfd(test, fd, fd, 5, 0, -1), -EINVAL);
	KUNIT_EXPECT_EQ(test, irqfd(test, fd, -1, 5, BIT(MSHV_IRQFD_BIT_DEASSIGN), -1), -EBADF);
	KUNIT_EXPECT_EQ(test, irqfd(test, fd, event, 5, resample, -1), -EBADF);
	KUNIT_EXPECT_EQ(test, irqfd(test, fd, event, 5, resample, fd), -EINVAL);
	/* Not level triggered, or not there at all */
	test_route(test, fd, 5, 0, 0x61);
	KUNIT_EXPECT_EQ(test, irqfd(test, fd, event, 5, resample, other), -EINVAL);
	KUNIT_EXPECT_EQ(test, irqfd(test, fd, event, 6, resample, other), -EINVAL);
	KUNIT_EXPECT_EQ(test, test_ioctl(test, fd, MSHV_IRQFD, PAGE_SIZE), -EFAULT);

	KUNIT_EXPECT_EQ(test, irqfd(test, fd, event, 5, 0, -1), 0);
	KUNIT_EXPECT_EQ(test, irqfd(test, fd, event, 5, 0, -1), -EBUSY);
	KUNIT_EXPECT_EQ(test, irqfd(test, fd, event, 6, 0, -1), -EBUSY);
	test_close(fd);
	test_close(event);
	test_close(other);
}

static void post_eoi(u64 id, u32 vector)
{
	struct hv_message message = {
		.header.message_type = HVMSG_X64_APIC_EOI,
		.header.sender = id,
	};

	((struct hv_x64_apic_eoi_message *)message.u.payload)->interrupt_vector = vector;
	fake_hv_post(&message);
}

static void eoi_signals_the_resample_eventfd(struct kunit *test)
{
	int fd = test_partition(test);
	u64 id = test_partition_of(test, fd)->id;
	int event = test_eventfd(test);
	int resample = test_eventfd(test);

	test_route(test, fd, 5, 0xfee00000, 0x8061);
	KUNIT_ASSERT_EQ(test, irqfd(test, fd, event, 5, BIT(MSHV_IRQFD_BIT_RESAMPLE), resample),
			0);
	test_signal(test, event);
	KUNIT_EXPECT_TRUE(test, last_assert()->interrupt_control &
				HV_INTERRUPT_CONTROL_LEVEL_TRIGGERED);
	/* By vector, which is not the GSI */
	post_eoi(id, 5);
	KUNIT_EXPECT_EQ(test, test_count(test, resample), 0);
	post_eoi(id, 0x61);
	KUNIT_EXPECT_EQ(test, test_count(test, resample), 1);
	KUNIT_EXPECT_EQ(test, fake_hv_calls(HVCALL_CLEAR_VIRTUAL_INTERRUPT), 0);
	post_eoi(id + 1, 0x61);
	KUNIT_EXPECT_EQ(test, test_count(test, resample), 0);
	test_close(fd);
	test_close(event);
	test_close(resample);
}

static void resampling_stays_level_triggered_when_the_table_changes(struct kunit *test)
{
	int fd = test_partition(test);
	int event = test_eventfd(test);
	int resample = test_eventfd(test);

	test_route(test, fd, 5, 0, 0x8061);
	KUNIT_ASSERT_EQ(test, irqfd(test, fd, event, 5, BIT(MSHV_IRQFD_BIT_RESAMPLE), resample),
			0);
	test_route(test, fd, 5, 0, 0x61);
	test_signal(test, event);
	KUNIT_EXPECT_TRUE(test, last_assert()->interrupt_control &
				HV_INTERRUPT_CONTROL_LEVEL_TRIGGERED);
	test_close(fd);
	test_close(event);
	test_close(resample);
}

static void eoi_of_an_external_interrupt_clears_it(struct kunit *test)
{
	int fd = test_partition(test);
	int event = test_eventfd(test);
	int resample = test_eventfd(test);

	test_route(test, fd, 5, 0, 0x8761);
	KUNIT_ASSERT_EQ(test, irqfd(test, fd, event, 5, BIT(MSHV_IRQFD_BIT_RESAMPLE), resample),
			0);
	post_eoi(test_partition_of(test, fd)->id, 0x61);
	KUNIT_EXPECT_EQ(test, fake_hv_calls(HVCALL_CLEAR_VIRTUAL_INTERRUPT), 1);
	KUNIT_EXPECT_EQ(test, test_count(test, resample), 1);
	test_close(fd);
	test_close(event);
	test_close(resample);
}

static void nothing_is_left_whichever_allocation_fails(struct kunit *test)
{
	const struct mshv_user_irqfd args = { .gsi = 5, .flags = BIT(MSHV_IRQFD_BIT_RESAMPLE) };
	unsigned long user = test_user(test, PAGE_SIZE);
	int fd = test_partition(test);
	struct mshv_user_irqfd arg = args;
	unsigned int n;
	long ret = -ENOMEM;

	arg.fd = test_eventfd(test);
	arg.resamplefd = test_eventfd(test);
	test_route(test, fd, 5, 0, 0x8061);
	KUNIT_ASSERT_EQ(test, copy_to_user((void __user *)user, &arg, sizeof(arg)), 0);
	for (n = 1; ret == -ENOMEM; n++) {
		test_fail_alloc(n);
		ret = test_ioctl(test, fd, MSHV_IRQFD, user);
		test_alloc_failed();
	}
	KUNIT_EXPECT_EQ(test, ret, 0);
	KUNIT_EXPECT_GT(test, n, 2);
	test_close(fd);
	test_close(arg.fd);
	test_close(arg.resamplefd);
}

static struct kunit_case irqfd_cases[] = {
	KUNIT_CASE(signal_injects_by_the_route),
	KUNIT_CASE(signal_from_before_the_assignment_counts),
	KUNIT_CASE(signal_without_a_route_injects_nothing),
	KUNIT_CASE(deassigned_irqfd_injects_nothing_and_leaves_no_count),
	KUNIT_CASE(irqfd_goes_with_its_eventfd),
	KUNIT_CASE(irqfd_ioctl_checks_its_arguments),
	KUNIT_CASE(eoi_signals_the_resample_eventfd),
	KUNIT_CASE(resampling_stays_level_triggered_when_the_table_changes),
	KUNIT_CASE(eoi_of_an_external_interrupt_clears_it),
	KUNIT_CASE(nothing_is_left_whichever_allocation_fails),
	{}
};

static struct kunit_suite irqfd_suite = {
	.name = "mshv_irqfd",
	.init = test_init,
	.exit = test_exit,
	.test_cases = irqfd_cases,
};

kunit_test_suite(irqfd_suite);
