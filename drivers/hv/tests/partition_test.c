// SPDX-License-Identifier: GPL-2.0-only
/*
 * The life of partitions and VPs, and what there is of it in a hypervisor and a
 * kernel where anything may fail.
 */
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/rcupdate.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include <tlfs/cpuid.h>
#include <tlfs/interrupt.h>
#include <tlfs/status.h>
#include <tlfs/system.h>
#include <tlfs/vp.h>
#include <uapi/linux/mshv.h>

#include "../device.h"
#include "../intr.h"
#include "../mshv.h"
#include "../partition.h"
#include "../trace.h"
#include "../vp.h"
#include "test.h"

static int open_device(struct kunit *test)
{
	struct file *file = filp_open("/dev/mshv", O_RDWR, 0);
	int fd = get_unused_fd_flags(0);

	KUNIT_ASSERT_FALSE(test, IS_ERR(file));
	KUNIT_ASSERT_GE(test, fd, 0);
	fd_install(fd, file);

	return fd;
}

static const u64 all_flags = MSHV_PT_FLAGS_MASK & ~BIT_ULL(MSHV_PT_BIT_CPU_AND_XSAVE_FEATURES);

static void create_partition_takes_both_versions(struct kunit *test)
{
	const struct mshv_create_partition v1 = { .pt_flags = all_flags };
	const struct mshv_create_partition_v2 v2 = {
		.pt_flags = BIT(MSHV_PT_BIT_CPU_AND_XSAVE_FEATURES),
		.pt_num_cpu_fbanks = MSHV_NUM_CPU_FEATURES_BANKS,
		.pt_cpu_fbanks = { 0x1111, 0x2222 },
		.pt_disabled_xsave = 0x3333,
	};
	const struct hv_input_create_partition *in = fake_hv_last(HVCALL_CREATE_PARTITION);
	const u64 always = HV_PARTITION_CREATION_FLAG_EXO_PARTITION |
			   HV_PARTITION_CREATION_FLAG_INTERCEPT_MESSAGE_PAGE_ENABLED;
	int dev = open_device(test);
	int fd;

	fd = test_ioctl_in(test, dev, MSHV_CREATE_PARTITION, &v1, sizeof(v1));
	KUNIT_ASSERT_GE(test, fd, 0);
	KUNIT_EXPECT_EQ(test, in->flags,
			always | HV_PARTITION_CREATION_FLAG_LAPIC_ENABLED |
			HV_PARTITION_CREATION_FLAG_X2APIC_CAPABLE |
			HV_PARTITION_CREATION_FLAG_GPA_SUPER_PAGES_ENABLED |
			HV_PARTITION_CREATION_FLAG_NESTED_VIRTUALIZATION_CAPABLE |
			HV_PARTITION_CREATION_FLAG_SMT_ENABLED_GUEST);
	KUNIT_EXPECT_EQ(test, in->compatibility_version, HV_COMPATIBILITY_21_H2);
	KUNIT_EXPECT_EQ(test, in->disabled_processor_features[0], 0);
	test_close(fd);

	fd = test_ioctl_in(test, dev, MSHV_CREATE_PARTITION, &v2, sizeof(v2));
	KUNIT_ASSERT_GE(test, fd, 0);
	KUNIT_EXPECT_EQ(test, in->flags, always);
	KUNIT_EXPECT_EQ(test, in->disabled_processor_features[0], 0x1111);
	KUNIT_EXPECT_EQ(test, in->disabled_processor_features[1], 0x2222);
	KUNIT_EXPECT_EQ(test, in->disabled_xsave_features, 0x3333);
	test_close(fd);
	test_close(dev);
}

static void create_partition_refuses_bad_arguments(struct kunit *test)
{
	const struct mshv_create_partition_v2 good = {
		.pt_flags = BIT(MSHV_PT_BIT_CPU_AND_XSAVE_FEATURES),
		.pt_num_cpu_fbanks = MSHV_NUM_CPU_FEATURES_BANKS,
	};
	struct mshv_create_partition_v2 bad[7];
	int dev = open_device(test);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bad); i++)
		bad[i] = good;
	bad[0].pt_flags |= BIT_ULL(MSHV_PT_BIT_COUNT);
	bad[1].pt_flags |= BIT_ULL(63);
	bad[2].pt_isolation = MSHV_PT_ISOLATION_COUNT;
	bad[3].pt_num_cpu_fbanks = 1;
	bad[4].pt_num_cpu_fbanks = 3;
	bad[5].pt_rsvd[5] = 1;
	bad[6].pt_rsvd1[1] = 1;
	for (i = 0; i < ARRAY_SIZE(bad); i++)
		KUNIT_EXPECT_EQ_MSG(test, test_ioctl_in(test, dev, MSHV_CREATE_PARTITION, &bad[i],
							sizeof(bad[i])), -EINVAL, "case %u", i);
	/* No memory there */
	KUNIT_EXPECT_EQ(test, test_ioctl(test, dev, MSHV_CREATE_PARTITION, PAGE_SIZE), -EFAULT);
	KUNIT_EXPECT_EQ(test, fake_hv_calls(HVCALL_CREATE_PARTITION), 0);
	test_close(dev);
}

static void unknown_ioctl_is_ENOTTY_on_every_file(struct kunit *test)
{
	static const unsigned int unknown[] = {
		_IO(MSHV_IOCTL, 0x3f), _IOW(MSHV_IOCTL, 0x80, u64), _IO('x', 0x00), 0, ~0U,
	};
	int dev = open_device(test);
	int fd = test_partition(test);
	int vp = test_vp(test, fd, 0);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(unknown); i++) {
		KUNIT_EXPECT_EQ(test, test_ioctl(test, dev, unknown[i], 0), -ENOTTY);
		KUNIT_EXPECT_EQ(test, test_ioctl(test, fd, unknown[i], 0), -ENOTTY);
		KUNIT_EXPECT_EQ(test, test_ioctl(test, vp, unknown[i], 0), -ENOTTY);
	}
	test_close(vp);
	test_close(fd);
	test_close(dev);
}

static void initializing_again_does_nothing(struct kunit *test)
{
	int fd = test_partition(test);

	unsigned int calls = fake_hv_calls(HVCALL_INITIALIZE_PARTITION);

	KUNIT_EXPECT_EQ(test, test_ioctl(test, fd, MSHV_INITIALIZE_PARTITION, 0), 0);
	KUNIT_EXPECT_EQ(test, fake_hv_calls(HVCALL_INITIALIZE_PARTITION), calls);
	test_close(fd);
}

static void initializing_can_be_tried_again_after_it_failed(struct kunit *test)
{
	const struct hv_input_create_partition in = {};
	int fd = mshv_partition_create(&in);

	KUNIT_ASSERT_GE(test, fd, 0);
	fake_hv_fail(HVCALL_INITIALIZE_PARTITION, HV_STATUS_OPERATION_FAILED, 0, 1);
	KUNIT_EXPECT_EQ(test, test_ioctl(test, fd, MSHV_INITIALIZE_PARTITION, 0), -EIO);
	KUNIT_EXPECT_EQ(test, test_ioctl(test, fd, MSHV_INITIALIZE_PARTITION, 0), 0);
	test_close(fd);
}

static void files_may_be_closed_in_any_order(struct kunit *test)
{
	static const u8 orders[][3] = {
		{ 0, 1, 2 }, { 0, 2, 1 }, { 1, 0, 2 }, { 1, 2, 0 }, { 2, 0, 1 }, { 2, 1, 0 },
	};
	unsigned int i;
	unsigned int j;
	int fds[3];

	for (i = 0; i < ARRAY_SIZE(orders); i++) {
		fds[0] = test_partition(test);
		fds[1] = test_vp(test, fds[0], 0);
		fds[2] = test_vp(test, fds[0], 5);
		KUNIT_EXPECT_EQ(test, fake_hv_partitions(), 1);
		for (j = 0; j < 3; j++) {
			KUNIT_EXPECT_EQ(test, fake_hv_partitions(), 1);
			test_close(fds[orders[i][j]]);
		}
		KUNIT_EXPECT_EQ(test, fake_hv_partitions(), 0);
	}
}

static void vp_index_is_unique_and_bounded(struct kunit *test)
{
	struct mshv_create_vp args = { .vp_index = MSHV_MAX_VPS };
	int fd = test_partition(test);
	int vp = test_vp(test, fd, 3);

	KUNIT_EXPECT_EQ(test, test_ioctl_in(test, fd, MSHV_CREATE_VP, &args, sizeof(args)),
			-EINVAL);
	args.vp_index = U32_MAX;
	KUNIT_EXPECT_EQ(test, test_ioctl_in(test, fd, MSHV_CREATE_VP, &args, sizeof(args)),
			-EINVAL);
	args.vp_index = 3;
	KUNIT_EXPECT_EQ(test, test_ioctl_in(test, fd, MSHV_CREATE_VP, &args, sizeof(args)),
			-EEXIST);
	KUNIT_EXPECT_EQ(test, test_ioctl(test, fd, MSHV_CREATE_VP, PAGE_SIZE), -EFAULT);
	test_close(vp);
	test_close(fd);
}

/* Whether there is a file, and a VP, when one has been created and nobody been told */
struct creation {
	unsigned int seen;
	bool published;
	bool installed;
};

static void see_creation(void *data, u64 partition_id, u32 vp_index, long vp_fd)
{
	struct creation *c = data;
	struct mshv_partition *partition;
	struct file *file = fget(vp_fd);

	rcu_read_lock();
	partition = mshv_partition_find(partition_id);
	c->published = partition && rcu_access_pointer(partition->vps[vp_index]);
	rcu_read_unlock();
	c->installed = file;
	c->seen++;
	if (file)
		fput(file);
}

static void vp_is_published_before_its_file_is(struct kunit *test)
{
	int fd = test_partition(test);
	struct creation c = {};
	struct mshv_partition *partition = test_partition_of(test, fd);
	int vp;

	/* Between the one and the other, whichever comes first, is a tracepoint. */
	KUNIT_ASSERT_EQ(test, register_trace_mshv_create_vp(see_creation, &c), 0);
	vp = test_vp(test, fd, 0);
	unregister_trace_mshv_create_vp(see_creation, &c);
	tracepoint_synchronize_unregister();
	KUNIT_EXPECT_EQ(test, c.seen, 1);
	KUNIT_EXPECT_TRUE(test, c.published);
	KUNIT_EXPECT_FALSE(test, c.installed);

	rcu_read_lock();
	KUNIT_EXPECT_PTR_EQ(test, mshv_partition_vp(partition, 0), test_vp_of(test, vp));
	KUNIT_EXPECT_PTR_EQ(test, mshv_partition_find(partition->id), partition);
	rcu_read_unlock();
	test_close(vp);
	test_close(fd);
}

static void vp_without_parent_statistics_is_created(struct kunit *test)
{
	int fd = test_partition(test);
	struct mshv_vp *vp;
	int vp_fd;

	fake_config.no_parent_stats = true;
	vp_fd = test_vp(test, fd, 0);
	vp = test_vp_of(test, vp_fd);
	KUNIT_EXPECT_NOT_NULL(test, vp->stats[HV_STATS_AREA_SELF]);
	KUNIT_EXPECT_PTR_EQ(test, vp->stats[HV_STATS_AREA_PARENT], vp->stats[HV_STATS_AREA_SELF]);
	test_close(vp_fd);
	test_close(fd);
}

/* A page number that is no RAM of this kernel's */
static int page_out_of_nowhere(const struct fake_call *call, u16 *done, void *context)
{
	*(u64 *)call->out = 1ULL << 40;

	return HV_STATUS_SUCCESS;
}

/* The answer to that: */
static int unmap_anything(const struct fake_call *call, u16 *done, void *context)
{
	return HV_STATUS_SUCCESS;
}

static void state_page_that_is_no_memory_is_refused(struct kunit *test)
{
	static const u16 calls[] = { HVCALL_MAP_VP_STATE_PAGE, HVCALL_MAP_STATS_PAGE };
	const struct mshv_create_vp args = { .vp_index = 0 };
	int fd = test_partition(test);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(calls); i++) {
		fake_hv_reset();
		fake_hv_handle(calls[i], page_out_of_nowhere, NULL);
		fake_hv_handle(i ? HVCALL_UNMAP_STATS_PAGE : HVCALL_UNMAP_VP_STATE_PAGE,
			       unmap_anything, NULL);
		KUNIT_EXPECT_EQ(test, test_ioctl_in(test, fd, MSHV_CREATE_VP, &args, sizeof(args)),
				-EIO);
		if (i)
			break;
	}
	fake_hv_reset();
	test_close(fd);
}

/* As hypervisors answer that do not have it */
static int no_register_page(const struct fake_call *call, u16 *done, void *context)
{
	const struct hv_input_map_vp_state_page *in = call->in;

	return in->type == HV_VP_STATE_PAGE_REGISTERS ? HV_STATUS_INVALID_PARAMETER : FAKE_DEFAULT;
}

static void vp_may_have_no_register_page(struct kunit *test)
{
	const struct mshv_route route = {
		.valid = true, .vector = 0x61, .type = HV_X64_INTERRUPT_TYPE_FIXED, .dest = 0,
	};
	int fd = test_partition(test);
	struct mshv_partition *partition = test_partition_of(test, fd);
	struct mshv_vp *vp;
	int vp_fd;

	fake_hv_reset();
	fake_hv_handle(HVCALL_MAP_VP_STATE_PAGE, no_register_page, NULL);
	vp_fd = test_vp(test, fd, 0);
	vp = test_vp_of(test, vp_fd);
	KUNIT_EXPECT_NULL(test, vp->register_page);
	KUNIT_EXPECT_NOT_NULL(test, vp->intercept_page);
	/* Even if the hypervisor says that it takes interrupts from such pages */
	mshv_root.platform.ext_features |= HV_VP_DISPATCH_INTERRUPT_INJECTION_AVAILABLE;
	KUNIT_EXPECT_EQ(test, mshv_intr_inject(partition, &route), 0);
	KUNIT_EXPECT_EQ(test, fake_hv_calls(HVCALL_ASSERT_VIRTUAL_INTERRUPT), 1);
	test_close(vp_fd);
	test_close(fd);
	fake_hv_reset();
}

/*
 * All that a VMM does before its guest runs. Returns the first error; everything
 * is closed when it returns, with no more failures than were ordered before.
 */
static long set_up_a_guest(struct kunit *test, unsigned long user)
{
	const struct hv_input_create_partition in = {
		.flags = HV_PARTITION_CREATION_FLAG_GPA_SUPER_PAGES_ENABLED,
	};
	const struct mshv_user_mem_region region = {
		.size = 16 * PAGE_SIZE,
		.guest_pfn = 0x100,
		.userspace_addr = user + PAGE_SIZE,
		.flags = BIT(MSHV_SET_MEM_BIT_WRITABLE),
	};
	const struct mshv_user_irq_entry routes[] = {
		{ .gsi = 5, .data = 0x41 }, { .gsi = 900, .data = 0x42 },
	};
	struct mshv_partition *partition;
	int vps[2] = { -1, -1 };
	unsigned int i;
	long ret;
	int fd;

	fd = mshv_partition_create(&in);
	if (fd < 0)
		return fd;
	partition = test_partition_of(test, fd);
	ret = test_ioctl(test, fd, MSHV_INITIALIZE_PARTITION, 0);
	if (ret)
		goto out;
	mutex_lock(&partition->mutex);
	ret = mshv_routing_set(partition, routes, ARRAY_SIZE(routes));
	if (!ret) {
		KUNIT_EXPECT_EQ(test, copy_to_user((void __user *)user, &region, sizeof(region)),
				0);
		ret = mshv_ioctl_set_guest_memory(partition, (void __user *)user);
	}
	for (i = 0; ret >= 0 && i < ARRAY_SIZE(vps); i++) {
		vps[i] = mshv_vp_create(partition, i);
		ret = vps[i];
		/* 0 is a file like any other, and must not stand for success. */
		if (ret >= 0)
			KUNIT_EXPECT_PTR_EQ(test, mshv_partition_vp(partition, i),
					    test_vp_of(test, ret));
	}
	mutex_unlock(&partition->mutex);

out:
	/* Only what comes before is to fail. */
	fake_hv_fail_nth(0, 0);
	if (vps[0] >= 0)
		test_close(vps[0]);
	if (vps[1] >= 0)
		test_close(vps[1]);
	test_close(fd);

	return ret;
}

/* The memory is there already, so that mapping it is all that can fail. */
static unsigned long guest_memory(struct kunit *test)
{
	unsigned long user = test_user(test, 17 * PAGE_SIZE);

	KUNIT_ASSERT_EQ(test, clear_user((void __user *)user, 17 * PAGE_SIZE), 0);

	return user;
}

static void nothing_is_left_whichever_hypercall_fails(struct kunit *test)
{
	unsigned long user = guest_memory(test);
	unsigned int survived = 0;
	unsigned int n;
	bool failed;
	long ret;

	for (n = 1; n < 200; n++) {
		fake_hv_fail_nth(n, HV_STATUS_OPERATION_FAILED);
		ret = set_up_a_guest(test, user);
		failed = fake_hv_failed();
		KUNIT_EXPECT_EQ(test, fake_hv_partitions(), 0);
		if (!failed) {
			KUNIT_EXPECT_GE(test, ret, 0);
			break;
		}
		if (ret >= 0)
			survived++;
		else
			KUNIT_EXPECT_EQ_MSG(test, ret, -EIO, "call %u", n);
		fake_hv_fail_nth(0, 0);
	}
	/*
	 * The partition's statistics, and the two VPs' of the second kind, can be
	 * done without.
	 */
	KUNIT_EXPECT_EQ(test, survived, 2 + 2);
	KUNIT_EXPECT_GT(test, n, 12);
}

static void shortage_of_memory_at_any_hypercall_is_made_good(struct kunit *test)
{
	unsigned long user = guest_memory(test);
	unsigned int n;

	for (n = 1; n < 200; n++) {
		long ret;

		fake_hv_fail_nth(n, HV_STATUS_INSUFFICIENT_MEMORY);
		ret = set_up_a_guest(test, user);
		/* A deposit itself is the one call that it cannot be made good for. */
		if (ret < 0)
			KUNIT_EXPECT_EQ_MSG(test, ret, -ENOMEM, "call %u", n);
		KUNIT_EXPECT_EQ(test, fake_hv_partitions(), 0);
		if (!fake_hv_failed())
			break;
	}
	KUNIT_EXPECT_GT(test, n, 12);
}

static void nothing_is_left_whichever_allocation_fails(struct kunit *test)
{
	unsigned long user = guest_memory(test);
	unsigned int refused = 0;
	unsigned int n;
	bool failed;
	long ret;

	for (n = 1; n < 500; n++) {
		test_fail_alloc(n);
		ret = set_up_a_guest(test, user);
		failed = test_alloc_failed();
		KUNIT_EXPECT_EQ(test, fake_hv_partitions(), 0);
		if (!failed) {
			KUNIT_EXPECT_GE(test, ret, 0);
			break;
		}
		/* Some can be done without; none may fail in another way. */
		if (ret < 0) {
			KUNIT_EXPECT_TRUE_MSG(test, ret == -ENOMEM || ret == -ENFILE,
					      "allocation %u: %ld", n, ret);
			refused++;
		}
	}
	KUNIT_EXPECT_LT(test, n, 500);
	KUNIT_EXPECT_GT(test, refused, 6);
}

/* A partition with two VPs and some memory, to be torn down */
static int furnished(struct kunit *test, int *vps)
{
	int fd = test_partition(test);
	unsigned long user = guest_memory(test);
	const struct mshv_user_mem_region region = {
		.size = 16 * PAGE_SIZE,
		.guest_pfn = 0x100,
		.userspace_addr = user,
	};

	KUNIT_ASSERT_EQ(test, test_ioctl_in(test, fd, MSHV_SET_GUEST_MEMORY, &region,
					    sizeof(region)), 0);
	vps[0] = test_vp(test, fd, 0);
	vps[1] = test_vp(test, fd, 1);

	return fd;
}

static void teardown_goes_on_whatever_fails(struct kunit *test)
{
	static const u16 calls[] = {
		HVCALL_SET_VP_REGISTERS, HVCALL_GET_VP_REGISTERS, HVCALL_UNMAP_STATS_PAGE,
	};
	unsigned int i;
	int vps[2];
	int fd;

	for (i = 0; i < ARRAY_SIZE(calls); i++) {
		fd = furnished(test, vps);
		fake_hv_fail(calls[i], HV_STATUS_OPERATION_FAILED, 0, 1);
		test_close(vps[0]);
		test_close(vps[1]);
		test_close(fd);
		KUNIT_EXPECT_EQ(test, fake_hv_partitions(), 0);
	}
}

/* Counts, and says that it is done. */
static int count_calls(const struct fake_call *call, u16 *done, void *context)
{
	(*(unsigned int *)context)++;

	return FAKE_DEFAULT;
}

static void finalized_partition_is_not_unmapped_page_by_page(struct kunit *test)
{
	unsigned int unmaps = 0;
	int vps[2];
	int fd = furnished(test, vps);

	fake_hv_handle(HVCALL_UNMAP_GPA_PAGES, count_calls, &unmaps);
	test_close(vps[0]);
	test_close(vps[1]);
	test_close(fd);
	KUNIT_EXPECT_EQ(test, unmaps, 0);
}

static void module_that_cannot_be_set_up_leaves_nothing(struct kunit *test)
{
	unsigned int n;
	int ret = 0;

	mshv_device_exit();
	for (n = 1; n < 100; n++) {
		fake_hv_fail_nth(n, HV_STATUS_OPERATION_FAILED);
		ret = mshv_device_init();
		if (!fake_hv_failed())
			break;
		/* That the hypervisor tells nothing of VMM capabilities is no failure. */
		if (!ret)
			mshv_device_exit();
		else
			KUNIT_EXPECT_EQ(test, ret, -EIO);
	}
	fake_hv_fail_nth(0, 0);
	KUNIT_EXPECT_EQ(test, ret, 0);
	KUNIT_EXPECT_GT(test, n, 2);

	mshv_device_exit();
	for (n = 1; n < 1000; n++) {
		test_fail_alloc(n);
		ret = mshv_device_init();
		if (!test_alloc_failed())
			break;
		if (!ret)
			mshv_device_exit();
		else
			KUNIT_EXPECT_EQ_MSG(test, test_root_balance(), 0, "allocation %u", n);
	}
	KUNIT_ASSERT_EQ(test, ret, 0);
	KUNIT_EXPECT_GT(test, n, 5);
}

static void module_does_not_load_where_it_has_no_business(struct kunit *test)
{
	mshv_device_exit();
	fake_config.probe = -ENODEV;
	KUNIT_EXPECT_EQ(test, mshv_device_init(), -ENODEV);
	fake_config.probe = 0;
	fake_config.scheduler = 5;
	KUNIT_EXPECT_EQ(test, mshv_device_init(), -EOPNOTSUPP);
	fake_config.scheduler = HV_SCHEDULER_TYPE_ROOT;
	KUNIT_ASSERT_EQ(test, mshv_device_init(), 0);
}

static struct kunit_case partition_cases[] = {
	KUNIT_CASE(create_partition_takes_both_versions),
	KUNIT_CASE(create_partition_refuses_bad_arguments),
	KUNIT_CASE(unknown_ioctl_is_ENOTTY_on_every_file),
	KUNIT_CASE(initializing_again_does_nothing),
	KUNIT_CASE(initializing_can_be_tried_again_after_it_failed),
	KUNIT_CASE(files_may_be_closed_in_any_order),
	KUNIT_CASE(vp_index_is_unique_and_bounded),
	KUNIT_CASE(vp_is_published_before_its_file_is),
	KUNIT_CASE(vp_without_parent_statistics_is_created),
	KUNIT_CASE(state_page_that_is_no_memory_is_refused),
	KUNIT_CASE(vp_may_have_no_register_page),
	KUNIT_CASE(nothing_is_left_whichever_hypercall_fails),
	KUNIT_CASE(shortage_of_memory_at_any_hypercall_is_made_good),
	KUNIT_CASE(nothing_is_left_whichever_allocation_fails),
	KUNIT_CASE(teardown_goes_on_whatever_fails),
	KUNIT_CASE(finalized_partition_is_not_unmapped_page_by_page),
	KUNIT_CASE(module_that_cannot_be_set_up_leaves_nothing),
	KUNIT_CASE(module_does_not_load_where_it_has_no_business),
	{}
};

static struct kunit_suite partition_suite = {
	.name = "mshv_partition",
	.init = test_init,
	.exit = test_exit,
	.test_cases = partition_cases,
};

kunit_test_suite(partition_suite);
