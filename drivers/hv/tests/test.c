// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the suites share.
 */
#include <linux/eventfd.h>
#include <linux/fdtable.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/mman.h>
#include <linux/module.h>
#include <linux/ptrace.h>
#include <linux/uaccess.h>

#include <tlfs/partition.h>
#include <uapi/linux/mshv.h>

#include "../partition.h"
#include "../pool.h"
#include "../vp.h"
#include "test.h"

/*
 * The kernel exports no way to create an eventfd. The one program of the test
 * machine says where its system call is.
 */
static unsigned long eventfd2;
module_param(eventfd2, ulong, 0);

int test_eventfd(struct kunit *test)
{
	long (*syscall)(const struct pt_regs *regs) = (void *)eventfd2;
	const struct pt_regs regs = { .di = 0, .si = EFD_NONBLOCK };
	int fd;

	KUNIT_ASSERT_NE(test, eventfd2, 0);
	fd = syscall(&regs);
	KUNIT_ASSERT_GE(test, fd, 0);

	return fd;
}

int test_init(struct kunit *test)
{
	fake_hv_reset();

	return 0;
}

void test_exit(struct kunit *test)
{
	flush_delayed_fput();
	KUNIT_EXPECT_EQ(test, fake_hv_errors(), 0);
	KUNIT_EXPECT_EQ(test, fake_hv_partitions(), 0);
	fake_hv_reset();
}

unsigned long test_user(struct kunit *test, size_t size)
{
	unsigned long addr;

	addr = kunit_vm_mmap(test, NULL, 0, size, PROT_READ | PROT_WRITE,
			     MAP_ANONYMOUS | MAP_PRIVATE, 0);
	KUNIT_ASSERT_NE(test, addr, 0);
	KUNIT_ASSERT_FALSE(test, IS_ERR_VALUE(addr));

	return addr;
}

long test_ioctl(struct kunit *test, int fd, unsigned int cmd, unsigned long arg)
{
	struct file *file = fget(fd);
	long ret;

	KUNIT_ASSERT_NOT_NULL(test, file);
	ret = file->f_op->unlocked_ioctl(file, cmd, arg);
	fput(file);

	return ret;
}

long test_ioctl_in(struct kunit *test, int fd, unsigned int cmd, const void *arg, size_t size)
{
	unsigned long user = test_user(test, PAGE_ALIGN(size));

	KUNIT_ASSERT_EQ(test, copy_to_user((void __user *)user, arg, size), 0);

	return test_ioctl(test, fd, cmd, user);
}

void test_close(int fd)
{
	close_fd(fd);
	flush_delayed_fput();
}

int test_partition(struct kunit *test)
{
	const struct hv_input_create_partition in = {
		.flags = HV_PARTITION_CREATION_FLAG_LAPIC_ENABLED |
			 HV_PARTITION_CREATION_FLAG_GPA_SUPER_PAGES_ENABLED,
	};
	int fd = mshv_partition_create(&in);

	KUNIT_ASSERT_GE(test, fd, 0);
	KUNIT_ASSERT_EQ(test, test_ioctl(test, fd, MSHV_INITIALIZE_PARTITION, 0), 0);

	return fd;
}

static void *private_data(struct kunit *test, int fd)
{
	struct file *file = fget(fd);
	void *data;

	KUNIT_ASSERT_NOT_NULL(test, file);
	data = file->private_data;
	fput(file);

	return data;
}

struct mshv_partition *test_partition_of(struct kunit *test, int fd)
{
	return private_data(test, fd);
}

int test_vp(struct kunit *test, int fd, u32 vp_index)
{
	const struct mshv_create_vp args = { .vp_index = vp_index };
	int vp_fd = test_ioctl_in(test, fd, MSHV_CREATE_VP, &args, sizeof(args));

	KUNIT_ASSERT_GE(test, vp_fd, 0);

	return vp_fd;
}

struct mshv_vp *test_vp_of(struct kunit *test, int fd)
{
	return private_data(test, fd);
}

u64 test_root_balance(void)
{
	return mshv_pool_balance(&mshv_root_pool);
}

void test_fail_alloc(unsigned int n)
{
	WRITE_ONCE(current->fail_nth, n);
}

bool test_alloc_failed(void)
{
	bool failed = !READ_ONCE(current->fail_nth);

	WRITE_ONCE(current->fail_nth, 0);

	return failed;
}
