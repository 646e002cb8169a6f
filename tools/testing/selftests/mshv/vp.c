// SPDX-License-Identifier: GPL-2.0-only
/*
 * Creating VPs, mapping their pages, and closing things in any order.
 */
#include <fcntl.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <tlfs/interrupt.h>
#include <tlfs/msr.h>

#include "mshv_test.h"

#define MAX_VPS	256

FIXTURE(partition) {
	int dev, fd;
};

FIXTURE_SETUP(partition)
{
	self->dev = dev_open();
	self->fd = partition_create(self->dev, PT_LAPIC);
}

FIXTURE_TEARDOWN(partition)
{
	close(self->fd);
	close(self->dev);
}

TEST_F(partition, create_vp_by_index)
{
	static const __u32 indices[] = { 0, 1, 5, 63, MAX_VPS - 1 };
	int fds[ARRAY_SIZE(indices)];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(indices); i++) {
		fds[i] = mshv_create_vp(self->fd, indices[i]);
		ASSERT_OK(fds[i]);
	}
	for (i = 0; i < ARRAY_SIZE(indices); i++) {
		EXPECT_EQ(0, close(fds[i]));
	}
}

TEST_F(partition, create_vp_refuses_wrong_arguments)
{
	struct mshv_create_vp args = { .vp_index = MAX_VPS };
	int fd;

	EXPECT_ERRNO(EINVAL, ioctl(self->fd, MSHV_CREATE_VP, &args));
	args.vp_index = ~0U;
	EXPECT_ERRNO(EINVAL, ioctl(self->fd, MSHV_CREATE_VP, &args));
	EXPECT_ERRNO(EFAULT, ioctl(self->fd, MSHV_CREATE_VP, NULL));

	/* A failed call has taken no index. */
	args.vp_index = 0;
	fd = ioctl(self->fd, MSHV_CREATE_VP, &args);
	ASSERT_LE(0, fd);
	EXPECT_ERRNO(EEXIST, ioctl(self->fd, MSHV_CREATE_VP, &args));
	/* A VP lives as long as its partition: its index is not free again. */
	close(fd);
	EXPECT_ERRNO(EEXIST, ioctl(self->fd, MSHV_CREATE_VP, &args));
}

TEST_F(partition, create_vp_before_initialize_fails)
{
	struct mshv_create_vp args = { 0 };
	int fd = mshv_create_partition(self->dev, 0);

	ASSERT_OK(fd);
	EXPECT_EQ(-1, ioctl(fd, MSHV_CREATE_VP, &args));
	/* And takes nothing with it. */
	ASSERT_OK(mshv_initialize_partition(fd));
	EXPECT_LE(0, ioctl(fd, MSHV_CREATE_VP, &args));
}

TEST_F(partition, vp_pages_can_be_mapped)
{
	int fd = mshv_create_vp(self->fd, 0);
	struct hv_vp_register_page *regs;
	struct hv_message *msg;

	ASSERT_OK(fd);
	regs = mmap(NULL, PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	ASSERT_NE(MAP_FAILED, (void *)regs);
	EXPECT_EQ(HV_VP_REGISTER_PAGE_VERSION_1, regs->version);
	EXPECT_EQ(1, regs->isvalid);
	EXPECT_EQ(0, regs->dirty);
	EXPECT_EQ(0xfff0, regs->rip);
	EXPECT_EQ(2, regs->rflags);

	msg = mmap(NULL, PAGE_SIZE, PROT_READ, MAP_SHARED, fd, PAGE_SIZE);
	ASSERT_NE(MAP_FAILED, (void *)msg);
	EXPECT_EQ(HVMSG_NONE, msg->header.message_type);
}

TEST_F(partition, vp_mmap_refuses_wrong_arguments)
{
	int fd = mshv_create_vp(self->fd, 0);
	static const struct {
		size_t size;
		int flags;
		off_t offset;
	} wrong[] = {
		{ 2 * 4096, MAP_SHARED, 0 },		/* more than the page */
		{ 2 * 4096, MAP_SHARED, 4096 },
		{ 4096, MAP_PRIVATE, 0 },
		{ 4096, MAP_SHARED, 3 * 4096 },		/* no such page */
		{ 4096, MAP_SHARED, 1 << 30 },
	};
	size_t i;

	ASSERT_OK(fd);
	for (i = 0; i < ARRAY_SIZE(wrong); i++) {
		errno = 0;
		EXPECT_EQ(MAP_FAILED, mmap(NULL, wrong[i].size, PROT_READ, wrong[i].flags, fd,
					   wrong[i].offset)) TH_LOG("case %zu", i);
		EXPECT_EQ(EINVAL, errno) TH_LOG("case %zu", i);
	}
	/* There is a place for a GHCB page, but only isolated partitions have one. */
	EXPECT_EQ(MAP_FAILED, mmap(NULL, PAGE_SIZE, PROT_READ, MAP_SHARED, fd, 2 * PAGE_SIZE));
}

/* The pages of a VP stay where they are mapped, whatever is closed. */
TEST_F(partition, mapped_pages_outlive_every_fd)
{
	int dev = dev_open(), fd = partition_create(dev, 0), vp = mshv_create_vp(fd, 0);
	volatile struct hv_vp_register_page *regs;

	ASSERT_OK(vp);
	regs = mmap(NULL, PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, vp, 0);
	ASSERT_NE(MAP_FAILED, (void *)regs);
	close(dev);
	close(fd);
	close(vp);
	EXPECT_EQ(1, regs->version);
	regs->rip = 0x1234;
	EXPECT_EQ(0x1234, regs->rip);
	EXPECT_EQ(0, munmap((void *)regs, PAGE_SIZE));
}

TEST_F(partition, fds_may_be_closed_in_any_order)
{
	int order;

	for (order = 0; order < 6; order++) {
		static const int orders[6][3] = {
			{ 0, 1, 2 }, { 0, 2, 1 }, { 1, 0, 2 },
			{ 1, 2, 0 }, { 2, 0, 1 }, { 2, 1, 0 },
		};
		int fds[3], i;

		fds[0] = dev_open();
		fds[1] = partition_create(fds[0], PT_LAPIC);
		fds[2] = mshv_create_vp(fds[1], 0);
		ASSERT_OK(fds[2]);
		for (i = 0; i < 3; i++) {
			EXPECT_EQ(0, close(fds[orders[order][i]]));
		}
	}
}

/* A VP whose partition's fd is closed can still be used. */
TEST_F(partition, vp_outlives_the_partition_fd)
{
	/* outb %al, $0x10 */
	static const uint8_t code[] = { 0xe6, 0x10 };
	struct test_vm vm;

	vm_init_real(&vm, 0, code, sizeof(code));
	close(vm.partition);
	close(vm.dev);
	EXPECT_EQ(HVMSG_X64_IO_PORT_INTERCEPT, vm_run(&vm));
	EXPECT_EQ(0x10, mshv_msg_io(&vm.vp.msg)->port_number);
}

TEST_F(partition, two_partitions_do_not_know_each_other)
{
	static const uint8_t code[2][2] = { { 0xe6, 0x10 }, { 0xe6, 0x20 } };
	struct test_vm vm[2];
	int i;

	for (i = 0; i < 2; i++)
		vm_init_real(&vm[i], 0, code[i], sizeof(code[i]));
	for (i = 0; i < 2; i++) {
		EXPECT_EQ(HVMSG_X64_IO_PORT_INTERCEPT, vm_run(&vm[i]));
		EXPECT_EQ(0x10 * (i + 1), mshv_msg_io(&vm[i].vp.msg)->port_number);
	}
	for (i = 0; i < 2; i++)
		vm_destroy(&vm[i]);
}

/* One of a machine's VPs that halts, and is woken three times */
static volatile uint32_t guest_index, guest_apic_id;

static GUEST_CODE void guest_halts(void)
{
	int i;

	guest_handler = guest_count_interrupts;
	guest_install_handlers();
	guest_enable_x2apic();
	guest_index = rdmsr(HV_X64_MSR_VP_INDEX);
	guest_apic_id = rdmsr(MSR_X2APIC_ID);
	GUEST_SYNC(1);
	for (i = 0; i < 3; i++) {
		sti_hlt();
		GUEST_SYNC_ARG(2, guest_interrupts[GUEST_VECTOR]);
	}
	GUEST_DONE();
}

/* VP 0 sends the interrupt, to the other one's APIC ID. */
static volatile uint64_t guest_target;

static GUEST_CODE void guest_sends(void)
{
	guest_enable_x2apic();
	wrmsr(MSR_X2APIC_ICR, guest_target << 32 | GUEST_VECTOR);
	GUEST_DONE();
}

struct sleeper {
	struct test_vm vm;
	volatile bool awake;
	uint64_t count;
};

static void *sleep_and_wake(void *arg)
{
	struct sleeper *s = arg;

	s->count = vm_run_to_sync(&s->vm, 2);
	s->awake = true;
	return NULL;
}

/* Its thread sleeps in the driver until the VP is woken by what each way is about. */
static void runs_and_is_woken(struct __test_metadata *_metadata, unsigned int index)
{
	const struct mshv_user_irq_entry route = {
		.gsi = 7, .address_lo = 0xfee00000 | index << 12, .data = GUEST_VECTOR,
	};
	int fd = eventfd(0, EFD_CLOEXEC), way;
	struct sleeper s = { 0 };
	struct mshv_vp vp;
	struct test_vm vm;
	pthread_t thread;
	__u64 one = 1;

	guest_target = index;
	vm_init_long(&vm, PT_LAPIC, guest_sends);
	vm_add_vp(&vm, &vp, index, guest_halts);
	ASSERT_OK(mshv_set_msi_routing(vm.partition, &route, 1));
	ASSERT_OK(mshv_assign_irqfd(vm.partition, fd, route.gsi, -1));
	s.vm = vm;
	s.vm.vp = vp;
	vm_run_to_sync(&s.vm, 1);
	EXPECT_EQ(index, *vm_guest_variable(&vm, guest_index));
	EXPECT_EQ(index, *vm_guest_variable(&vm, guest_apic_id));
	for (way = 0; way < 3; way++) {
		s.awake = false;
		ASSERT_EQ(0, pthread_create(&thread, NULL, sleep_and_wake, &s));
		usleep(20000);
		EXPECT_FALSE(s.awake);
		if (way == 0) {
			EXPECT_OK(mshv_assert_interrupt(vm.partition, HV_X64_INTERRUPT_TYPE_FIXED,
							index, GUEST_VECTOR));
		} else if (way == 1) {
			EXPECT_EQ(8, write(fd, &one, 8));
		} else {
			vm_run_to_done(&vm);
		}
		pthread_join(thread, NULL);
		EXPECT_EQ(way + 1, s.count);
	}
	vm_run_to_done(&s.vm);
	close(fd);
	mshv_vp_destroy(&vp);
	vm_destroy(&vm);
}

/* A scheduler signal names VPs by banks of 64, an interrupt by 8 bits of APIC ID. */
TEST(vps_of_high_index_run_and_are_woken)
{
	/* 64 would have the stack of VP 0, which runs at the same time. */
	static const unsigned int indices[] = { 65, 200, MAX_VPS - 1 };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(indices); i++)
		runs_and_is_woken(_metadata, indices[i]);
}

static void *create_all(void *arg)
{
	int *partition = arg;
	long created = 0;
	__u32 i;

	for (i = 0; i < 32; i++) {
		struct mshv_create_vp args = { .vp_index = i };

		created += ioctl(*partition, MSHV_CREATE_VP, &args) >= 0;
	}
	return (void *)created;
}

TEST_F(partition, each_index_is_given_once_however_many_ask)
{
	pthread_t threads[4];
	void *created;
	long sum = 0;
	int i;

	for (i = 0; i < 4; i++) {
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, create_all, &self->fd));
	}
	for (i = 0; i < 4; i++) {
		pthread_join(threads[i], &created);
		sum += (long)created;
	}
	EXPECT_EQ(32, sum);
}

MSHV_TEST_MAIN
