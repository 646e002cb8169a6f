// SPDX-License-Identifier: GPL-2.0-only
/*
 * Interrupt routes.
 */
#include <linux/kthread.h>
#include <linux/uaccess.h>

#include <tlfs/interrupt.h>
#include <uapi/linux/mshv.h>

#include "../intr.h"
#include "../partition.h"
#include "test.h"

static int set_routes(struct mshv_partition *partition, const struct mshv_user_irq_entry *entries,
		      u32 nr)
{
	int ret;

	mutex_lock(&partition->mutex);
	ret = mshv_routing_set(partition, entries, nr);
	mutex_unlock(&partition->mutex);

	return ret;
}

static void msi_is_decoded_into_a_route(struct kunit *test)
{
	const struct mshv_user_irq_entry entries[] = {
		/* Physical destination 0x12, fixed vector 0x34, edge */
		{ .gsi = 0, .address_lo = 0xfee12000, .data = 0x34 },
		/* Logical destination 0xff, lowest priority, level */
		{ .gsi = 7, .address_lo = 0xfeeff004, .data = 0x8000 | 0x100 | 0x99 },
		/* External interrupt */
		{ .gsi = 4095, .address_lo = 0xfee00000, .data = 0x700 },
	};
	int fd = test_partition(test);
	struct mshv_partition *partition = test_partition_of(test, fd);
	struct mshv_route route;

	KUNIT_ASSERT_EQ(test, set_routes(partition, entries, ARRAY_SIZE(entries)), 0);

	route = mshv_routing_get(&partition->intr, 0);
	KUNIT_EXPECT_TRUE(test, route.valid);
	KUNIT_EXPECT_EQ(test, route.dest, 0x12);
	KUNIT_EXPECT_EQ(test, route.vector, 0x34);
	KUNIT_EXPECT_EQ(test, route.type, HV_X64_INTERRUPT_TYPE_FIXED);
	KUNIT_EXPECT_FALSE(test, route.level);
	KUNIT_EXPECT_FALSE(test, route.logical);

	route = mshv_routing_get(&partition->intr, 7);
	KUNIT_EXPECT_TRUE(test, route.valid);
	KUNIT_EXPECT_EQ(test, route.dest, 0xff);
	KUNIT_EXPECT_EQ(test, route.vector, 0x99);
	KUNIT_EXPECT_EQ(test, route.type, HV_X64_INTERRUPT_TYPE_LOWESTPRIORITY);
	KUNIT_EXPECT_TRUE(test, route.level);
	KUNIT_EXPECT_TRUE(test, route.logical);

	route = mshv_routing_get(&partition->intr, 4095);
	KUNIT_EXPECT_TRUE(test, route.valid);
	KUNIT_EXPECT_EQ(test, route.type, HV_X64_INTERRUPT_TYPE_EXTINT);
	test_close(fd);
}

static void hole_in_the_table_is_no_route(struct kunit *test)
{
	const struct mshv_user_irq_entry entry = { .gsi = 5, .data = 0x40 };
	int fd = test_partition(test);
	struct mshv_partition *partition = test_partition_of(test, fd);

	KUNIT_EXPECT_FALSE(test, mshv_routing_get(&partition->intr, 0).valid);
	KUNIT_ASSERT_EQ(test, set_routes(partition, &entry, 1), 0);
	KUNIT_EXPECT_FALSE(test, mshv_routing_get(&partition->intr, 0).valid);
	KUNIT_EXPECT_FALSE(test, mshv_routing_get(&partition->intr, 4).valid);
	KUNIT_EXPECT_TRUE(test, mshv_routing_get(&partition->intr, 5).valid);
	KUNIT_EXPECT_FALSE(test, mshv_routing_get(&partition->intr, 6).valid);
	KUNIT_EXPECT_FALSE(test, mshv_routing_get(&partition->intr, U32_MAX).valid);
	test_close(fd);
}

static void bad_table_is_refused_and_the_old_one_stands(struct kunit *test)
{
	const struct mshv_user_irq_entry good = { .gsi = 1, .data = 0x40 };
	const struct mshv_user_irq_entry bad[][2] = {
		{ { .gsi = MSHV_MAX_GSIS }, { .gsi = 1 } },
		{ { .gsi = U32_MAX }, { .gsi = 1 } },
		{ { .gsi = 1 }, { .gsi = 2, .address_hi = 1 } },
		{ { .gsi = 3 }, { .gsi = 3 } },
		/* Zero is a number like any other. */
		{ { .gsi = 0 }, { .gsi = 0 } },
	};
	int fd = test_partition(test);
	struct mshv_partition *partition = test_partition_of(test, fd);
	unsigned int i;

	KUNIT_ASSERT_EQ(test, set_routes(partition, &good, 1), 0);
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		KUNIT_EXPECT_EQ_MSG(test, set_routes(partition, bad[i], 2), -EINVAL, "case %u", i);
		KUNIT_EXPECT_EQ(test, mshv_routing_get(&partition->intr, 1).vector, 0x40);
	}
	test_fail_alloc(1);
	KUNIT_EXPECT_EQ(test, set_routes(partition, &good, 1), -ENOMEM);
	KUNIT_EXPECT_TRUE(test, test_alloc_failed());
	KUNIT_EXPECT_EQ(test, mshv_routing_get(&partition->intr, 1).vector, 0x40);

	KUNIT_EXPECT_EQ(test, set_routes(partition, NULL, 0), 0);
	KUNIT_EXPECT_FALSE(test, mshv_routing_get(&partition->intr, 1).valid);
	test_close(fd);
}

static void routing_ioctl_checks_its_arguments(struct kunit *test)
{
	struct {
		struct mshv_user_irq_table table;
		struct mshv_user_irq_entry entry;
	} args = { .table.nr = 1, .entry = { .gsi = 9, .data = 0x50 } };
	int fd = test_partition(test);
	struct mshv_partition *partition = test_partition_of(test, fd);

	KUNIT_EXPECT_EQ(test, test_ioctl_in(test, fd, MSHV_SET_MSI_ROUTING, &args, sizeof(args)),
			0);
	KUNIT_EXPECT_EQ(test, mshv_routing_get(&partition->intr, 9).vector, 0x50);
	args.table.rsvd = 1;
	KUNIT_EXPECT_EQ(test, test_ioctl_in(test, fd, MSHV_SET_MSI_ROUTING, &args, sizeof(args)),
			-EINVAL);
	args.table.rsvd = 0;
	args.table.nr = MSHV_MAX_GSIS + 1;
	KUNIT_EXPECT_EQ(test, test_ioctl_in(test, fd, MSHV_SET_MSI_ROUTING, &args, sizeof(args)),
			-EINVAL);
	/* More entries than there is memory */
	args.table.nr = MSHV_MAX_GSIS;
	KUNIT_EXPECT_EQ(test, test_ioctl_in(test, fd, MSHV_SET_MSI_ROUTING, &args, sizeof(args)),
			-EFAULT);
	KUNIT_EXPECT_EQ(test, test_ioctl(test, fd, MSHV_SET_MSI_ROUTING, PAGE_SIZE), -EFAULT);
	KUNIT_EXPECT_EQ(test, mshv_routing_get(&partition->intr, 9).vector, 0x50);
	args.table.nr = 0;
	KUNIT_EXPECT_EQ(test, test_ioctl_in(test, fd, MSHV_SET_MSI_ROUTING, &args, sizeof(args)),
			0);
	test_close(fd);
}

/* Keeps looking at a route that is being replaced. */
static int watch_route(void *context)
{
	struct mshv_intr *intr = context;
	unsigned long torn = 0;

	while (!kthread_should_stop()) {
		struct mshv_route route = mshv_routing_get(intr, 3);

		/* Vector and destination belong together in both tables. */
		torn += route.valid && route.vector != route.dest;
		cond_resched();
	}

	return torn;
}

static void route_is_never_seen_half_replaced(struct kunit *test)
{
	const struct mshv_user_irq_entry tables[] = {
		{ .gsi = 3, .address_lo = 0xfee41000, .data = 0x41 },
		{ .gsi = 3, .address_lo = 0xfee42000, .data = 0x42 },
	};
	int fd = test_partition(test);
	struct mshv_partition *partition = test_partition_of(test, fd);
	struct task_struct *watcher;
	unsigned int i;

	watcher = kthread_run(watch_route, &partition->intr, "mshv-watch");
	KUNIT_ASSERT_FALSE(test, IS_ERR(watcher));
	for (i = 0; i < 5000; i++) {
		set_routes(partition, &tables[i % 2], i % 3 ? 1 : 0);
		cond_resched();
	}
	KUNIT_EXPECT_EQ(test, kthread_stop(watcher), 0);
	test_close(fd);
}

static struct kunit_case routing_cases[] = {
	KUNIT_CASE(msi_is_decoded_into_a_route),
	KUNIT_CASE(hole_in_the_table_is_no_route),
	KUNIT_CASE(bad_table_is_refused_and_the_old_one_stands),
	KUNIT_CASE(routing_ioctl_checks_its_arguments),
	KUNIT_CASE(route_is_never_seen_half_replaced),
	{}
};

static struct kunit_suite routing_suite = {
	.name = "mshv_routing",
	.init = test_init,
	.exit = test_exit,
	.test_cases = routing_cases,
};

kunit_test_suite(routing_suite);
