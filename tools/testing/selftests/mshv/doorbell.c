// SPDX-License-Identifier: GPL-2.0-only
/*
 * ioeventfd: a guest's store that signals an eventfd and is no message.
 */
#include <sys/eventfd.h>

#include "mshv_test.h"

#define DEVICE_GPA	0xd0000000ULL

static volatile struct {
	uint64_t address, value;
	uint32_t size;
} guest_store;

/* Each sync: one store of what the test has put into guest_store */
static GUEST_CODE void guest_stores(void)
{
	for (;;) {
		GUEST_SYNC(1);
		switch (guest_store.size) {
		case 1:
			*(volatile uint8_t *)guest_store.address = guest_store.value;
			break;
		case 2:
			*(volatile uint16_t *)guest_store.address = guest_store.value;
			break;
		case 4:
			*(volatile uint32_t *)guest_store.address = guest_store.value;
			break;
		case 8:
			*(volatile uint64_t *)guest_store.address = guest_store.value;
			break;
		}
	}
}

FIXTURE(guest) {
	struct test_vm vm;
	int fd;
};

FIXTURE_SETUP(guest)
{
	__u64 value = 0;
	int ret;

	vm_init_long(&self->vm, PT_LAPIC, guest_stores);
	self->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	ASSERT_LE(0, self->fd);
	ret = mshv_assign_ioeventfd(self->vm.partition, self->fd, 0, 4, &value);
	if (ret == -ENOTTY)
		SKIP(return, "the driver has no ioeventfds");
	ASSERT_OK(ret);
	ASSERT_OK(mshv_deassign_ioeventfd(self->vm.partition, self->fd, 0, 4, &value));
	vm_run_to_sync(&self->vm, 1);
}

FIXTURE_TEARDOWN(guest)
{
	close(self->fd);
	vm_destroy(&self->vm);
}

/* One store; true if it was a message */
static bool store(struct test_vm *vm, uint64_t address, uint32_t size, uint64_t value)
{
	struct ucall uc;

	vm_guest_variable(vm, guest_store)->address = address;
	vm_guest_variable(vm, guest_store)->size = size;
	vm_guest_variable(vm, guest_store)->value = value;
	if (vm_run(vm) == HVMSG_UNMAPPED_GPA) {
		struct mshv_regs regs;
		int ret = mshv_vp_get_regs(&vm->vp, &regs);

		/* Go past it, as if it had been emulated: MOV to memory, of two or three bytes. */
		TEST_ASSERT(!ret, "%s", mshv_strerror());
		regs.rip += vm->mem[regs.rip] == 0x66 || vm->mem[regs.rip] == 0x48 ? 3 : 2;
		ret = mshv_vp_set_regs(&vm->vp, &regs);
		TEST_ASSERT(!ret, "%s", mshv_strerror());
		vm_run_to_sync(vm, 1);
		return true;
	}
	memcpy(&uc, vm_guest_address(vm, (uint32_t)mshv_msg_io(&vm->vp.msg)->rax, sizeof(uc)),
	       sizeof(uc));
	TEST_ASSERT(uc.cmd == UCALL_SYNC, "ucall %llu", (unsigned long long)uc.cmd);
	vm_complete(vm);
	return false;
}

/* How often the eventfd was signalled within some time: it may come after the store */
static uint64_t signals_within(int fd, int ms)
{
	uint64_t count = 0;
	int i;

	for (i = 0; i < ms; i++) {
		if (read(fd, &count, 8) == 8)
			return count;
		usleep(1000);
	}
	return 0;
}

static uint64_t signals(int fd)
{
	return signals_within(fd, 5000);
}

static bool no_signals(int fd)
{
	return !signals_within(fd, 100);
}

TEST_F(guest, store_of_the_right_size_signals)
{
	static const uint32_t sizes[] = { 1, 2, 4, 8 };
	size_t i, j;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		ASSERT_OK(mshv_assign_ioeventfd(self->vm.partition, self->fd, DEVICE_GPA, sizes[i],
						NULL));
		for (j = 0; j < ARRAY_SIZE(sizes); j++) {
			EXPECT_EQ(i != j, store(&self->vm, DEVICE_GPA, sizes[j], 0x1234)) {
				TH_LOG("a store of %u bytes where %u are waited for", sizes[j],
				       sizes[i]);
			}
			EXPECT_EQ(i == j, i == j ? signals(self->fd) : !no_signals(self->fd));
		}
		ASSERT_OK(mshv_deassign_ioeventfd(self->vm.partition, self->fd, DEVICE_GPA,
						  sizes[i], NULL));
		EXPECT_TRUE(store(&self->vm, DEVICE_GPA, sizes[i], 0)) TH_LOG("after deassign");
		EXPECT_TRUE(no_signals(self->fd));
	}
}

TEST_F(guest, any_size)
{
	uint32_t size;

	ASSERT_OK(mshv_assign_ioeventfd(self->vm.partition, self->fd, DEVICE_GPA, 0, NULL));
	for (size = 1; size <= 8; size *= 2) {
		EXPECT_FALSE(store(&self->vm, DEVICE_GPA, size, 77));
		EXPECT_EQ(1, signals(self->fd));
	}
	EXPECT_TRUE(store(&self->vm, DEVICE_GPA + 8, 4, 77));
	EXPECT_TRUE(no_signals(self->fd));
}

TEST_F(guest, datamatch)
{
	const __u64 match = 0x12345678;

	ASSERT_OK(mshv_assign_ioeventfd(self->vm.partition, self->fd, DEVICE_GPA, 4, &match));
	EXPECT_FALSE(store(&self->vm, DEVICE_GPA, 4, match));
	EXPECT_EQ(1, signals(self->fd));
	EXPECT_TRUE(store(&self->vm, DEVICE_GPA, 4, match + 1));
	EXPECT_TRUE(no_signals(self->fd));
	EXPECT_TRUE(store(&self->vm, DEVICE_GPA, 8, match));
	EXPECT_TRUE(no_signals(self->fd));
}

TEST_F(guest, each_queue_its_own)
{
	int fds[4], i;

	for (i = 0; i < 4; i++) {
		__u64 match = i;

		fds[i] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		ASSERT_OK(mshv_assign_ioeventfd(self->vm.partition, fds[i], DEVICE_GPA + 0x50, 4,
						&match));
	}
	for (i = 3; i >= 0; i--) {
		EXPECT_FALSE(store(&self->vm, DEVICE_GPA + 0x50, 4, i));
		EXPECT_EQ(1, signals(fds[i]));
	}
	EXPECT_TRUE(store(&self->vm, DEVICE_GPA + 0x50, 4, 4));
	for (i = 0; i < 4; i++) {
		EXPECT_TRUE(no_signals(fds[i])) TH_LOG("queue %d", i);
	}
}

/* More stores than the hypervisor's ring has places: signals merge, but none is the last. */
TEST_F(guest, many_stores)
{
	uint64_t count = 0;
	int i;

	ASSERT_OK(mshv_assign_ioeventfd(self->vm.partition, self->fd, DEVICE_GPA, 4, NULL));
	for (i = 0; i < 500; i++) {
		ASSERT_FALSE(store(&self->vm, DEVICE_GPA, 4, i));
	}
	count = signals(self->fd);
	EXPECT_LE(1, count);
	EXPECT_GE(500, count);
	/* And the next one still arrives. */
	while (!no_signals(self->fd))
		;
	EXPECT_FALSE(store(&self->vm, DEVICE_GPA, 4, 0));
	EXPECT_EQ(1, signals(self->fd));
}

/* Upstream's rule, and KVM's: an ioeventfd ends when it is deassigned, or with its partition. */
TEST_F(guest, ioeventfd_outlives_its_closed_eventfd)
{
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

	ASSERT_OK(mshv_assign_ioeventfd(self->vm.partition, fd, DEVICE_GPA, 4, NULL));
	EXPECT_FALSE(store(&self->vm, DEVICE_GPA, 4, 0));
	EXPECT_EQ(1, signals(fd));
	close(fd);
	EXPECT_FALSE(store(&self->vm, DEVICE_GPA, 4, 0)) TH_LOG("the store is still taken");
	EXPECT_EQ(-EEXIST, mshv_assign_ioeventfd(self->vm.partition, self->fd, DEVICE_GPA, 4,
						 NULL));
	EXPECT_EQ(-ENOENT, mshv_deassign_ioeventfd(self->vm.partition, self->fd, DEVICE_GPA, 4,
						   NULL));
	EXPECT_TRUE(store(&self->vm, DEVICE_GPA + 64, 4, 0));
}

/* As Cloud Hypervisor does it: with neither the value nor the length */
TEST_F(guest, deassign_without_datamatch)
{
	const __u64 match = 0x12345678;

	ASSERT_OK(mshv_assign_ioeventfd(self->vm.partition, self->fd, DEVICE_GPA, 4, &match));
	EXPECT_FALSE(store(&self->vm, DEVICE_GPA, 4, match));
	EXPECT_EQ(1, signals(self->fd));
	EXPECT_EQ(-ENOENT, mshv_deassign_ioeventfd(self->vm.partition, self->fd, DEVICE_GPA, 8,
						   NULL));
	EXPECT_OK(mshv_deassign_ioeventfd(self->vm.partition, self->fd, DEVICE_GPA, 0, NULL));
	EXPECT_TRUE(store(&self->vm, DEVICE_GPA, 4, match));
	EXPECT_TRUE(no_signals(self->fd));
}

TEST_F(guest, wrong_arguments_are_refused)
{
	const struct mshv_user_ioeventfd good = { .addr = DEVICE_GPA, .len = 4, .fd = self->fd };
	struct mshv_user_ioeventfd args;
	int i;

#define REFUSED(error, field, value) \
	do { \
		args = good; \
		args.field = value; \
		EXPECT_ERRNO(error, ioctl(self->vm.partition, MSHV_IOEVENTFD, &args)); \
	} while (0)

	for (i = 3; i < 16; i++) {
		if (i != 4 && i != 8)
			REFUSED(EINVAL, len, i);
	}
	REFUSED(EINVAL, len, ~0U);
	REFUSED(EINVAL, addr, ~0ULL - 2);
	for (i = MSHV_IOEVENTFD_BIT_COUNT; i < 32; i++)
		REFUSED(EINVAL, flags, 1U << i);
	for (i = 0; i < sizeof(args.rsvd); i++)
		REFUSED(EINVAL, rsvd[i], 1);
	REFUSED(EBADF, fd, -1);
	REFUSED(EINVAL, fd, self->vm.dev);
	REFUSED(EOPNOTSUPP, flags, BIT(MSHV_IOEVENTFD_BIT_PIO));
	REFUSED(ENOENT, flags, BIT(MSHV_IOEVENTFD_BIT_DEASSIGN));
	EXPECT_ERRNO(EFAULT, ioctl(self->vm.partition, MSHV_IOEVENTFD, NULL));

	args = good;
	ASSERT_EQ(0, ioctl(self->vm.partition, MSHV_IOEVENTFD, &args));
	EXPECT_ERRNO(EEXIST, ioctl(self->vm.partition, MSHV_IOEVENTFD, &args));
}

MSHV_TEST_MAIN
