// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the suites share.
 */
#include <linux/delay.h>
#include <linux/eventfd.h>
#include <linux/fdtable.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/kthread.h>
#include <linux/mman.h>
#include <linux/module.h>
#include <linux/ptrace.h>
#include <linux/sched/signal.h>
#include <linux/uaccess.h>

#include <tlfs/partition.h>
#include <uapi/linux/mshv.h>

#include "../compat.h"
#include "../hvcalls.h"
#include "../intr.h"
#include "../mshv.h"
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

void test_signal(struct kunit *test, int fd)
{
	struct eventfd_ctx *ctx = eventfd_ctx_fdget(fd);

	KUNIT_ASSERT_FALSE(test, IS_ERR(ctx));
	mshv_eventfd_signal(ctx);
	eventfd_ctx_put(ctx);
}

u64 test_count(struct kunit *test, int fd)
{
	struct eventfd_ctx *ctx = eventfd_ctx_fdget(fd);
	wait_queue_entry_t wait;
	u64 count = 0;

	KUNIT_ASSERT_FALSE(test, IS_ERR(ctx));
	/* Removing what is not in the queue takes the count all the same. */
	init_waitqueue_entry(&wait, current);
	INIT_LIST_HEAD(&wait.entry);
	eventfd_ctx_remove_wait_queue(ctx, &wait, &count);
	eventfd_ctx_put(ctx);

	return count;
}

void test_route(struct kunit *test, int fd, u32 gsi, u32 address, u32 data)
{
	const struct mshv_user_irq_entry entry = {
		.gsi = gsi, .address_lo = address, .data = data,
	};
	struct mshv_partition *partition = test_partition_of(test, fd);
	int ret;

	mutex_lock(&partition->mutex);
	ret = mshv_routing_set(partition, &entry, 1);
	mutex_unlock(&partition->mutex);
	KUNIT_ASSERT_EQ(test, ret, 0);
}

void test_set_scheduler(u64 scheduler)
{
	fake_config.scheduler = scheduler;
	mshv_root.scheduler = scheduler;
}

static int runner_thread(void *data)
{
	struct test_runner *runner = data;
	struct file *file = fget(runner->vp_fd);

	allow_signal(SIGUSR1);
	kthread_use_mm(runner->mm);
	runner->ret = file->f_op->unlocked_ioctl(file, MSHV_RUN_VP, runner->user);
	kthread_unuse_mm(runner->mm);
	fput(file);
	complete(&runner->done);
	while (!kthread_should_stop())
		schedule_timeout_interruptible(HZ / 100);

	return 0;
}

struct test_runner *test_run(struct kunit *test, int vp_fd)
{
	struct test_runner *runner = kunit_kzalloc(test, sizeof(*runner), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, runner);
	runner->user = test_user(test, PAGE_SIZE);
	runner->mm = current->mm;
	runner->vp_fd = vp_fd;
	init_completion(&runner->done);
	runner->task = kthread_create(runner_thread, runner, "mshv-runner");
	KUNIT_ASSERT_FALSE(test, IS_ERR(runner->task));
	get_task_struct(runner->task);
	wake_up_process(runner->task);

	return runner;
}

struct test_runner *test_run_waits(struct kunit *test, int vp_fd)
{
	struct wait_queue_head *queue = &test_vp_of(test, vp_fd)->run.queue;
	struct test_runner *runner = test_run(test, vp_fd);
	unsigned long end = jiffies + 20 * HZ;

	while (!wq_has_sleeper(queue) && !completion_done(&runner->done) &&
	       time_before(jiffies, end))
		usleep_range(1000, 2000);
	KUNIT_EXPECT_FALSE_MSG(test, completion_done(&runner->done), "MSHV_RUN_VP has returned");
	KUNIT_EXPECT_TRUE_MSG(test, wq_has_sleeper(queue), "MSHV_RUN_VP does not wait");

	return runner;
}

long test_ran(struct kunit *test, struct test_runner *runner)
{
	bool done = wait_for_completion_timeout(&runner->done, 20 * HZ);

	KUNIT_ASSERT_TRUE_MSG(test, done, "MSHV_RUN_VP does not return");
	kthread_stop(runner->task);
	put_task_struct(runner->task);

	return runner->ret;
}

u32 test_message_type(struct kunit *test, unsigned long user)
{
	u32 type;

	KUNIT_ASSERT_EQ(test, copy_from_user(&type, (void __user *)user, sizeof(type)), 0);

	return type;
}

/* One test's mistakes are not the next one's. */
static unsigned int errors_before;

int test_init(struct kunit *test)
{
	fake_hv_reset();
	errors_before = fake_hv_errors();

	return 0;
}

void test_exit(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, fake_hv_errors(), errors_before);
	KUNIT_EXPECT_EQ(test, fake_hv_partitions(), 0);
	fake_hv_reset();
	test_set_scheduler(HV_SCHEDULER_TYPE_ROOT);
	mshv_root.platform.ext_features = 0;
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
	KUNIT_EXPECT_FALSE(test, irqs_disabled());
	KUNIT_EXPECT_FALSE(test, in_atomic());

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
	struct file *file = fget(fd);

	/* A kernel thread's last fput() would leave the rest to a worker. */
	close_fd(fd);
	if (file)
		__fput_sync(file);
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

void test_delete(struct kunit *test, u64 id)
{
	struct mshv_pool pool;

	mshv_pool_init(&pool, id);
	KUNIT_EXPECT_EQ(test, mshv_hvcall_finalize_partition(id), 0);
	mshv_pool_withdraw(&pool, U64_MAX);
	KUNIT_EXPECT_EQ(test, mshv_hvcall_delete_partition(id), 0);
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
