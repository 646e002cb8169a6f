// SPDX-License-Identifier: GPL-2.0-only
/*
 * State components of a VP, and the pages that its file maps.
 */
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/uaccess.h>

#include <tlfs/register.h>
#include <tlfs/state.h>
#include <tlfs/status.h>
#include <uapi/linux/mshv.h>

#include "../partition.h"
#include "../vp.h"
#include "test.h"

#define ARGS	0
#define BUF	PAGE_SIZE
#define SIZE	(3 * PAGE_SIZE)

struct state_test {
	int fd;
	int vp_fd;
	unsigned long user;
};

static struct state_test state_test(struct kunit *test)
{
	struct state_test t;

	t.fd = test_partition(test);
	t.vp_fd = test_vp(test, t.fd, 0);
	t.user = test_user(test, SIZE);
	KUNIT_ASSERT_EQ(test, clear_user((void __user *)t.user, SIZE), 0);

	return t;
}

static void close_state(struct state_test *t)
{
	test_close(t->vp_fd);
	test_close(t->fd);
}

static long state(struct kunit *test, struct state_test *t, unsigned int cmd,
		  struct mshv_get_set_vp_state *args)
{
	void __user *uarg = (void __user *)(t->user + ARGS);
	long ret;

	KUNIT_ASSERT_EQ(test, copy_to_user(uarg, args, sizeof(*args)), 0);
	ret = test_ioctl(test, t->vp_fd, cmd, t->user + ARGS);
	KUNIT_ASSERT_EQ(test, copy_from_user(args, uarg, sizeof(*args)), 0);

	return ret;
}

/* Writes its type into the first page and a mark into the second. */
static int fill_pages(const struct fake_call *call, u16 *done, void *context)
{
	const struct hv_input_get_vp_state *in = call->in;
	u32 *page;

	*(u16 *)context = call->varhead;
	page = page_address(pfn_to_page(in->output_data_pfns[0]));
	page[0] = in->state_data.type;
	page[1] = in->state_data.xsave.states;

	return HV_STATUS_SUCCESS;
}

static void state_in_pages_goes_straight_to_the_caller(struct kunit *test)
{
	static const struct {
		u8 type;
		u32 hv_type;
		u32 size;
		u32 states;
	} types[] = {
		{ MSHV_VP_STATE_LAPIC, HV_VP_STATE_LAPIC, 4096, 0 },
		{ MSHV_VP_STATE_XSAVE, HV_VP_STATE_XSAVE, 0x340, 7 },
		{ MSHV_VP_STATE_SIMP, HV_VP_STATE_SIM_PAGE, 4096, 0 },
		{ MSHV_VP_STATE_SIEFP, HV_VP_STATE_SIEF_PAGE, 4096, 0 },
	};
	struct state_test t = state_test(test);
	struct mshv_get_set_vp_state args;
	unsigned int i;
	u16 varhead;
	u32 got[2];

	fake_hv_handle(HVCALL_GET_VP_STATE, fill_pages, &varhead);
	for (i = 0; i < ARRAY_SIZE(types); i++) {
		args = (struct mshv_get_set_vp_state) {
			.type = types[i].type, .buf_sz = 2 * PAGE_SIZE, .buf_ptr = t.user + BUF,
		};
		KUNIT_EXPECT_EQ(test, state(test, &t, MSHV_GET_VP_STATE, &args), 0);
		KUNIT_EXPECT_EQ(test, args.buf_sz, types[i].size);
		KUNIT_EXPECT_EQ(test, varhead, 2);
		KUNIT_ASSERT_EQ(test, copy_from_user(got, (void __user *)(t.user + BUF),
						     sizeof(got)), 0);
		KUNIT_EXPECT_EQ(test, got[0], types[i].hv_type);
		KUNIT_EXPECT_EQ(test, got[1], types[i].states);
	}
	KUNIT_EXPECT_EQ(test, state(test, &t, MSHV_SET_VP_STATE, &args), 0);
	KUNIT_EXPECT_EQ(test, fake_hv_calls(HVCALL_SET_VP_STATE), 1);
	close_state(&t);
}

static int get_timers(const struct fake_call *call, u16 *done, void *context)
{
	struct hv_synthetic_timers_state *out = call->out;

	out->timers[3].count = 0x1234;

	return HV_STATUS_SUCCESS;
}

static void timers_are_passed_by_value(struct kunit *test)
{
	const struct hv_input_set_vp_state *in = fake_hv_last(HVCALL_SET_VP_STATE);
	struct state_test t = state_test(test);
	struct hv_synthetic_timers_state timers;
	struct mshv_get_set_vp_state args = {
		.type = MSHV_VP_STATE_SYNTHETIC_TIMERS, .buf_sz = PAGE_SIZE,
		.buf_ptr = t.user + BUF,
	};

	fake_hv_handle(HVCALL_GET_VP_STATE, get_timers, NULL);
	KUNIT_EXPECT_EQ(test, state(test, &t, MSHV_GET_VP_STATE, &args), 0);
	KUNIT_EXPECT_EQ(test, args.buf_sz, sizeof(timers));
	KUNIT_ASSERT_EQ(test, copy_from_user(&timers, (void __user *)(t.user + BUF),
					     sizeof(timers)), 0);
	KUNIT_EXPECT_EQ(test, timers.timers[3].count, 0x1234);

	args.buf_sz = PAGE_SIZE;
	KUNIT_EXPECT_EQ(test, state(test, &t, MSHV_SET_VP_STATE, &args), 0);
	KUNIT_EXPECT_EQ(test, in->state_data.type, HV_VP_STATE_SYNTHETIC_TIMERS);
	KUNIT_EXPECT_MEMEQ(test, in->data.bytes, &timers, sizeof(timers));

	fake_hv_handle(HVCALL_GET_VP_STATE, NULL, NULL);
	fake_hv_fail(HVCALL_GET_VP_STATE, HV_STATUS_INVALID_VP_STATE, 0, 1);
	args.buf_sz = PAGE_SIZE;
	KUNIT_EXPECT_EQ(test, state(test, &t, MSHV_GET_VP_STATE, &args), -EIO);
	args.buf_sz = PAGE_SIZE;
	args.buf_ptr = PAGE_SIZE;
	KUNIT_EXPECT_EQ(test, state(test, &t, MSHV_GET_VP_STATE, &args), -EFAULT);
	args.buf_sz = PAGE_SIZE;
	KUNIT_EXPECT_EQ(test, state(test, &t, MSHV_SET_VP_STATE, &args), -EFAULT);
	close_state(&t);
}

static void state_ioctl_checks_its_arguments(struct kunit *test)
{
	struct state_test t = state_test(test);
	const struct mshv_get_set_vp_state good = {
		.type = MSHV_VP_STATE_LAPIC, .buf_sz = PAGE_SIZE, .buf_ptr = t.user + BUF,
	};
	struct mshv_get_set_vp_state bad[6];
	unsigned int refused = 0;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bad); i++)
		bad[i] = good;
	bad[0].type = MSHV_VP_STATE_COUNT;
	bad[1].rsvd[2] = 1;
	bad[2].buf_sz = 0;
	bad[3].buf_sz = PAGE_SIZE + 1;
	bad[4].buf_ptr += 8;
	bad[5].buf_sz = 100;
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		struct mshv_get_set_vp_state args = bad[i];

		KUNIT_EXPECT_EQ(test, state(test, &t, MSHV_GET_VP_STATE, &args), -EINVAL);
		args = bad[i];
		KUNIT_EXPECT_EQ(test, state(test, &t, MSHV_SET_VP_STATE, &args), -EINVAL);
	}
	bad[0] = good;
	bad[0].buf_ptr = ULONG_MAX & PAGE_MASK;
	KUNIT_EXPECT_EQ(test, state(test, &t, MSHV_GET_VP_STATE, &bad[0]), -EFAULT);
	/* Half of it is there, and is not left pinned. */
	bad[0] = good;
	bad[0].buf_sz = 64 * PAGE_SIZE;
	KUNIT_EXPECT_EQ(test, state(test, &t, MSHV_GET_VP_STATE, &bad[0]), -EFAULT);
	KUNIT_EXPECT_EQ(test, test_ioctl(test, t.vp_fd, MSHV_GET_VP_STATE, PAGE_SIZE), -EFAULT);
	KUNIT_EXPECT_EQ(test, fake_hv_calls(HVCALL_GET_VP_STATE), 0);

	for (i = 1; i < 20; i++) {
		long ret;

		bad[0] = good;
		KUNIT_ASSERT_EQ(test, copy_to_user((void __user *)t.user, &bad[0],
						   sizeof(bad[0])), 0);
		test_fail_alloc(i);
		ret = test_ioctl(test, t.vp_fd, MSHV_GET_VP_STATE, t.user);
		refused += ret == -ENOMEM;
		if (!test_alloc_failed())
			break;
	}
	KUNIT_EXPECT_GE(test, refused, 1);
	close_state(&t);
}

/* Properties that the size of XSAVE state hangs on */
static int huge_property(const struct fake_call *call, u16 *done, void *context)
{
	*(u64 *)call->out = *(u64 *)context;

	return HV_STATUS_SUCCESS;
}

static void size_of_xsave_state_is_the_hypervisors_and_is_bounded(struct kunit *test)
{
	struct state_test t = state_test(test);
	struct mshv_get_set_vp_state args = {
		.type = MSHV_VP_STATE_XSAVE, .buf_sz = PAGE_SIZE, .buf_ptr = t.user + BUF,
	};
	const struct mshv_get_set_vp_state good = args;
	u64 size = 5000;

	fake_hv_handle(HVCALL_GET_PARTITION_PROPERTY, huge_property, &size);
	KUNIT_EXPECT_EQ(test, state(test, &t, MSHV_GET_VP_STATE, &args), -EINVAL);
	KUNIT_EXPECT_EQ(test, args.buf_sz, 5000);
	size = U64_MAX;
	args = good;
	KUNIT_EXPECT_EQ(test, state(test, &t, MSHV_GET_VP_STATE, &args), -EINVAL);
	fake_hv_fail(HVCALL_GET_PARTITION_PROPERTY, HV_STATUS_UNKNOWN_PROPERTY, 0, 1);
	args = good;
	KUNIT_EXPECT_EQ(test, state(test, &t, MSHV_GET_VP_STATE, &args), -EINVAL);
	fake_hv_fail(HVCALL_GET_PARTITION_PROPERTY, HV_STATUS_ACCESS_DENIED, 1, 1);
	args = good;
	KUNIT_EXPECT_EQ(test, state(test, &t, MSHV_GET_VP_STATE, &args), -EACCES);
	close_state(&t);
}

static unsigned long map_vp(struct kunit *test, int vp_fd, unsigned long size,
			    unsigned long flags, unsigned long page)
{
	struct file *file = fget(vp_fd);
	unsigned long addr;

	addr = vm_mmap(file, 0, size, PROT_READ | PROT_WRITE, flags, page * PAGE_SIZE);
	fput(file);

	return addr;
}

static void vp_file_maps_its_pages_and_nothing_else(struct kunit *test)
{
	struct state_test t = state_test(test);
	u64 id = test_partition_of(test, t.fd)->id;
	struct hv_vp_register_page *page = fake_hv_register_page(id, 0);
	unsigned long addr;
	struct page *gup;
	u64 rip;

	addr = map_vp(test, t.vp_fd, PAGE_SIZE, MAP_SHARED, MSHV_VP_MMAP_OFFSET_REGISTERS);
	KUNIT_ASSERT_FALSE(test, IS_ERR_VALUE(addr));
	page->rip = 0x1234;
	KUNIT_ASSERT_EQ(test, get_user(rip, (u64 __user *)(addr + offsetof(typeof(*page), rip))),
			0);
	KUNIT_EXPECT_EQ(test, rip, 0x1234);
	/* The page goes back to the hypervisor, so no one may hold on to it. */
	KUNIT_EXPECT_LT(test, pin_user_pages_fast(addr, 1, FOLL_WRITE, &gup), 0);
	vm_munmap(addr, PAGE_SIZE);

	addr = map_vp(test, t.vp_fd, PAGE_SIZE, MAP_SHARED, MSHV_VP_MMAP_OFFSET_INTERCEPT_MESSAGE);
	KUNIT_EXPECT_FALSE(test, IS_ERR_VALUE(addr));
	vm_munmap(addr, PAGE_SIZE);

	KUNIT_EXPECT_EQ(test, (long)map_vp(test, t.vp_fd, PAGE_SIZE, MAP_SHARED,
					   MSHV_VP_MMAP_OFFSET_GHCB), -ENODEV);
	KUNIT_EXPECT_EQ(test, (long)map_vp(test, t.vp_fd, PAGE_SIZE, MAP_SHARED,
					   MSHV_VP_MMAP_OFFSET_COUNT), -EINVAL);
	KUNIT_EXPECT_EQ(test, (long)map_vp(test, t.vp_fd, 2 * PAGE_SIZE, MAP_SHARED, 0), -EINVAL);
	KUNIT_EXPECT_EQ(test, (long)map_vp(test, t.vp_fd, PAGE_SIZE, MAP_PRIVATE, 0), -EINVAL);
	close_state(&t);
}

static void mapping_outlives_the_files(struct kunit *test)
{
	struct state_test t = state_test(test);
	struct file *file;
	unsigned long addr;
	u16 version;

	addr = map_vp(test, t.vp_fd, PAGE_SIZE, MAP_SHARED, MSHV_VP_MMAP_OFFSET_REGISTERS);
	KUNIT_ASSERT_FALSE(test, IS_ERR_VALUE(addr));
	file = fget(t.vp_fd);
	close_state(&t);
	KUNIT_EXPECT_EQ(test, fake_hv_partitions(), 1);
	KUNIT_EXPECT_EQ(test, get_user(version, (u16 __user *)addr), 0);
	vm_munmap(addr, PAGE_SIZE);
	__fput_sync(file);
	KUNIT_EXPECT_EQ(test, fake_hv_partitions(), 0);
}

static struct kunit_case state_cases[] = {
	KUNIT_CASE(state_in_pages_goes_straight_to_the_caller),
	KUNIT_CASE(timers_are_passed_by_value),
	KUNIT_CASE(state_ioctl_checks_its_arguments),
	KUNIT_CASE(size_of_xsave_state_is_the_hypervisors_and_is_bounded),
	KUNIT_CASE(vp_file_maps_its_pages_and_nothing_else),
	KUNIT_CASE(mapping_outlives_the_files),
	{}
};

static struct kunit_suite state_suite = {
	.name = "mshv_state",
	.init = test_init,
	.exit = test_exit,
	.test_cases = state_cases,
};

kunit_test_suite(state_suite);
