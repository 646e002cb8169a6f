// SPDX-License-Identifier: GPL-2.0-only
/*
 * /dev/mshv: creating partitions, initializing them, and what every file
 * descriptor answers to an ioctl that it does not know.
 */
#include "mshv_test.h"

#define ALL_PT_FLAGS	(PT_LAPIC | BIT(MSHV_PT_BIT_GPA_SUPER_PAGES))

FIXTURE(device) {
	int fd;
};

FIXTURE_SETUP(device)
{
	self->fd = dev_open();
}

FIXTURE_TEARDOWN(device)
{
	close(self->fd);
}

TEST_F(device, can_be_opened_more_than_once)
{
	int second = mshv_open(NULL);

	ASSERT_OK(second);
	EXPECT_NE(self->fd, second);
	EXPECT_EQ(0, close(second));
}

TEST_F(device, creates_partitions)
{
	int plain, apic, both[2];

	plain = mshv_create_partition(self->fd, 0);
	ASSERT_OK(plain);
	EXPECT_OK(mshv_initialize_partition(plain));
	apic = mshv_create_partition(self->fd, ALL_PT_FLAGS);
	ASSERT_OK(apic);
	EXPECT_OK(mshv_initialize_partition(apic));
	close(plain);
	close(apic);

	/* Not initialized, and closed in the other order */
	both[0] = mshv_create_partition(self->fd, 0);
	both[1] = mshv_create_partition(self->fd, 0);
	ASSERT_OK(both[0]);
	ASSERT_OK(both[1]);
	close(both[1]);
	close(both[0]);
}

TEST_F(device, partition_outlives_the_device_fd)
{
	int dev = dev_open(), partition = mshv_create_partition(dev, 0);

	ASSERT_OK(partition);
	close(dev);
	EXPECT_OK(mshv_initialize_partition(partition));
	close(partition);
}

TEST_F(device, partition_fd_is_closed_by_exec)
{
	int partition = mshv_create_partition(self->fd, 0);
	char path[64], command[128];

	ASSERT_OK(partition);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", partition);
	ASSERT_EQ(0, access(path, F_OK));
	snprintf(command, sizeof(command), "test ! -e /proc/self/fd/%d", partition);
	EXPECT_EQ(0, system(command));
}

TEST_F(device, initialize_again_does_nothing)
{
	int partition = mshv_create_partition(self->fd, 0);

	ASSERT_OK(partition);
	EXPECT_OK(mshv_initialize_partition(partition));
	EXPECT_OK(ioctl(partition, MSHV_INITIALIZE_PARTITION));
}

TEST_F(device, create_partition_takes_features_away)
{
	struct mshv_create_partition_v2 args = {
		.pt_flags = ALL_PT_FLAGS | BIT(MSHV_PT_BIT_CPU_AND_XSAVE_FEATURES),
		.pt_num_cpu_fbanks = MSHV_NUM_CPU_FEATURES_BANKS,
	};
	const __u64 pop_cnt = BIT(HV_PROC_FEATURE0_POP_CNT_BIT);
	__u64 host = 0, guest = 0;
	int partition;

	ASSERT_OK(mshv_get_property(self->fd, HV_PARTITION_PROPERTY_PROCESSOR_FEATURES0, &host));
	TEST_REQUIRE(host & pop_cnt, "the processor has no POPCNT");

	args.pt_cpu_fbanks[0] = ~host | pop_cnt;
	ASSERT_OK(mshv_get_property(self->fd, HV_PARTITION_PROPERTY_PROCESSOR_FEATURES1, &guest));
	args.pt_cpu_fbanks[1] = ~guest;
	partition = mshv_create_partition_v2(self->fd, &args);
	ASSERT_OK(partition);
	ASSERT_OK(mshv_initialize_partition(partition));
	ASSERT_OK(mshv_get_property(partition, HV_PARTITION_PROPERTY_PROCESSOR_FEATURES0, &guest));
	EXPECT_EQ(host & ~pop_cnt, guest);
}

TEST_F(device, create_partition_refuses_wrong_arguments)
{
	const struct mshv_create_partition_v2 good = {
		.pt_flags = ALL_PT_FLAGS | BIT(MSHV_PT_BIT_CPU_AND_XSAVE_FEATURES),
		.pt_num_cpu_fbanks = MSHV_NUM_CPU_FEATURES_BANKS,
	};
	struct mshv_create_partition_v2 args;
	int bit;

	for (bit = MSHV_PT_BIT_COUNT; bit < 64; bit++) {
		args = good;
		args.pt_flags |= BIT(bit);
		EXPECT_ERRNO(EINVAL, ioctl(self->fd, MSHV_CREATE_PARTITION, &args));
		args.pt_flags = BIT(bit);
		EXPECT_ERRNO(EINVAL, ioctl(self->fd, MSHV_CREATE_PARTITION, &args));
	}
	args = good;
	args.pt_isolation = MSHV_PT_ISOLATION_COUNT;
	EXPECT_ERRNO(EINVAL, ioctl(self->fd, MSHV_CREATE_PARTITION, &args));
	args.pt_isolation = ~0ULL;
	EXPECT_ERRNO(EINVAL, ioctl(self->fd, MSHV_CREATE_PARTITION, &args));
	args = good;
	args.pt_num_cpu_fbanks = 1;
	EXPECT_ERRNO(EINVAL, ioctl(self->fd, MSHV_CREATE_PARTITION, &args));
	args.pt_num_cpu_fbanks = 3;
	EXPECT_ERRNO(EINVAL, ioctl(self->fd, MSHV_CREATE_PARTITION, &args));
	for (bit = 0; bit < sizeof(args.pt_rsvd); bit++) {
		args = good;
		args.pt_rsvd[bit] = 1;
		EXPECT_ERRNO(EINVAL, ioctl(self->fd, MSHV_CREATE_PARTITION, &args));
	}
	for (bit = 0; bit < 2; bit++) {
		args = good;
		args.pt_rsvd1[bit] = 1ULL << 63;
		EXPECT_ERRNO(EINVAL, ioctl(self->fd, MSHV_CREATE_PARTITION, &args));
	}
	EXPECT_ERRNO(EFAULT, ioctl(self->fd, MSHV_CREATE_PARTITION, NULL));
	EXPECT_ERRNO(EFAULT, ioctl(self->fd, MSHV_CREATE_PARTITION, (void *)~0xfffUL));
}

/* The second half of the argument is read only if the flag says that it is there. */
TEST_F(device, short_argument_at_the_end_of_memory)
{
	uint8_t *mem = mem_alloc(2 * PAGE_SIZE);
	struct mshv_create_partition *args = (void *)(mem + PAGE_SIZE - sizeof(*args));
	int partition;

	ASSERT_EQ(0, munmap(mem + PAGE_SIZE, PAGE_SIZE));
	args->pt_flags = 0;
	partition = ioctl(self->fd, MSHV_CREATE_PARTITION, args);
	EXPECT_LE(0, partition);
	args->pt_flags = BIT(MSHV_PT_BIT_CPU_AND_XSAVE_FEATURES);
	EXPECT_ERRNO(EFAULT, ioctl(self->fd, MSHV_CREATE_PARTITION, args));
}

TEST_F(device, unknown_ioctls_are_enotty_on_every_fd)
{
	static const unsigned long never[] = {
		_IO(MSHV_IOCTL, 0x7f), _IO(MSHV_IOCTL, 0xff), _IOW(MSHV_IOCTL, 0x80, __u64),
		_IOWR(MSHV_IOCTL, 0xf2, __u64), _IO('T', 1), 0, ~0UL & 0xffffffff,
		/* known numbers with another size or direction */
		_IOW(MSHV_IOCTL, 0x00, __u32), _IOR(MSHV_IOCTL, 0x02, struct mshv_user_mem_region),
		_IOWR(MSHV_IOCTL, 0x07, __u64),
	};
	struct test_vm vm;
	char buf[4096] = { 0 };
	int fds[3], i;
	size_t j;

	vm_init(&vm, 0, PAGE_SIZE);
	fds[0] = self->fd;
	fds[1] = vm.partition;
	fds[2] = vm.vp.fd;
	for (i = 0; i < 3; i++) {
		for (j = 0; j < ARRAY_SIZE(never); j++) {
			errno = 0;
			EXPECT_EQ(-1, ioctl(fds[i], never[j], buf));
			EXPECT_EQ(ENOTTY, errno) TH_LOG("fd %d, ioctl 0x%lx", i, never[j]);
		}
	}

	/* The ioctls of one kind of fd on another */
	EXPECT_ERRNO(ENOTTY, ioctl(self->fd, MSHV_INITIALIZE_PARTITION));
	EXPECT_ERRNO(ENOTTY, ioctl(self->fd, MSHV_CREATE_VP, buf));
	EXPECT_ERRNO(ENOTTY, ioctl(self->fd, MSHV_SET_GUEST_MEMORY, buf));
	EXPECT_ERRNO(ENOTTY, ioctl(self->fd, MSHV_RUN_VP, buf));
	EXPECT_ERRNO(ENOTTY, ioctl(vm.partition, MSHV_CREATE_PARTITION, buf));
	EXPECT_ERRNO(ENOTTY, ioctl(vm.partition, MSHV_RUN_VP, buf));
	EXPECT_ERRNO(ENOTTY, ioctl(vm.partition, MSHV_GET_VP_STATE, buf));
	EXPECT_ERRNO(ENOTTY, ioctl(vm.vp.fd, MSHV_INITIALIZE_PARTITION));
	EXPECT_ERRNO(ENOTTY, ioctl(vm.vp.fd, MSHV_CREATE_VP, buf));
	EXPECT_ERRNO(ENOTTY, ioctl(vm.vp.fd, MSHV_SET_GUEST_MEMORY, buf));
	EXPECT_ERRNO(ENOTTY, ioctl(vm.vp.fd, MSHV_CREATE_PARTITION, buf));
	vm_destroy(&vm);
}

TEST_F(device, fds_take_no_reads_writes_or_maps)
{
	int partition = mshv_create_partition(self->fd, 0);
	char c = 0;

	ASSERT_OK(partition);
	EXPECT_EQ(-1, read(self->fd, &c, 1));
	EXPECT_EQ(-1, write(self->fd, &c, 1));
	EXPECT_EQ(-1, read(partition, &c, 1));
	EXPECT_EQ(-1, write(partition, &c, 1));
	EXPECT_EQ(MAP_FAILED, mmap(NULL, PAGE_SIZE, PROT_READ, MAP_SHARED, self->fd, 0));
	EXPECT_EQ(MAP_FAILED, mmap(NULL, PAGE_SIZE, PROT_READ, MAP_SHARED, partition, 0));
}

MSHV_TEST_MAIN
