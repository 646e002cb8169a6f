// SPDX-License-Identifier: GPL-2.0-only
/*
 * A machine's memory and devices by address, and an emulated instruction's way there.
 */
#include <sys/ioctl.h>

#include <mshv/bus.h>

#include "kselftest_harness.h"

#define GIB	(1ULL << 30)

/* What was mapped, and what is dirty */
static struct mshv_user_mem_region mapped[4];
static unsigned int mapped_count;
static __u64 dirty_gpa;

int __wrap_ioctl(int fd, unsigned long request, void *args);
int __wrap_ioctl(int fd, unsigned long request, void *args)
{
	struct mshv_gpap_access_bitmap *access = args;
	__u64 *bitmap;

	(void)fd;
	switch (request) {
	case MSHV_SET_GUEST_MEMORY:
		mapped[mapped_count++] = *(struct mshv_user_mem_region *)args;
		return 0;
	case MSHV_GET_GPAP_ACCESS_BITMAP:
		bitmap = (__u64 *)(unsigned long)access->bitmap_ptr;
		if (dirty_gpa / 4096 - access->gpap_base < access->page_count)
			bitmap[(dirty_gpa / 4096 - access->gpap_base) / 64] = 5;
		return 0;
	default:
		errno = ENOTTY;
		return -1;
	}
}

/* ---- The bus ---- */

static uint64_t echo_read(void *device, uint64_t offset, unsigned int size)
{
	return (uintptr_t)device * 0x1000000 + offset * 0x100 + size;
}

static uint64_t last_write;

static void echo_write(void *device, uint64_t offset, unsigned int size, uint64_t value)
{
	last_write = echo_read(device, offset, size) * 0x100 + value;
}

static const struct mshv_device_ops echo_ops = { .read = echo_read, .write = echo_write };

TEST(bus_finds_devices_by_address)
{
	struct mshv_bus bus = { 0 };

	ASSERT_EQ(0, mshv_bus_add(&bus, 0x100, 0x10, &echo_ops, (void *)2));
	ASSERT_EQ(0, mshv_bus_add(&bus, 0x10, 0x10, &echo_ops, (void *)1));
	ASSERT_EQ(0, mshv_bus_add(&bus, 0x110, 1, &echo_ops, (void *)3));
	EXPECT_EQ(0x01000004, mshv_bus_read(&bus, 0x10, 4));
	EXPECT_EQ(0x02000f01 & 0xff, mshv_bus_read(&bus, 0x10f, 1));
	EXPECT_EQ(0x03000001 & 0xff, mshv_bus_read(&bus, 0x110, 1));
	mshv_bus_write(&bus, 0x104, 2, 0x55);
	EXPECT_EQ(0x200040255, last_write);
}

TEST(bus_without_a_device_reads_all_ones)
{
	struct mshv_bus bus = { 0 };

	ASSERT_EQ(0, mshv_bus_add(&bus, 0x10, 4, &echo_ops, NULL));
	EXPECT_EQ(0xff, mshv_bus_read(&bus, 0xf, 1));
	EXPECT_EQ(0xffff, mshv_bus_read(&bus, 0x14, 2));
	EXPECT_EQ(0xffffffff, mshv_bus_read(&bus, 0x12, 4)) TH_LOG("it leaves its device");
	EXPECT_EQ(~0ULL, mshv_bus_read(&bus, 0, 8));
	last_write = 0;
	mshv_bus_write(&bus, 0x12, 4, 1);
	EXPECT_EQ(0, last_write);
}

TEST(bus_refuses_overlaps_and_overflow)
{
	struct mshv_bus bus = { 0 };
	unsigned int i;

	ASSERT_EQ(0, mshv_bus_add(&bus, 0x100, 0x10, &echo_ops, NULL));
	EXPECT_EQ(-EEXIST, mshv_bus_add(&bus, 0x100, 0x10, &echo_ops, NULL));
	EXPECT_EQ(-EEXIST, mshv_bus_add(&bus, 0xff, 2, &echo_ops, NULL));
	EXPECT_EQ(-EEXIST, mshv_bus_add(&bus, 0x10f, 1, &echo_ops, NULL));
	EXPECT_EQ(-EEXIST, mshv_bus_add(&bus, 0, 0x1000, &echo_ops, NULL));
	EXPECT_EQ(-EINVAL, mshv_bus_add(&bus, ~0ULL, 2, &echo_ops, NULL));
	EXPECT_EQ(-EINVAL, mshv_bus_add(&bus, 0x200, 0, &echo_ops, NULL));
	for (i = 1; i < MSHV_BUS_MAX_DEVICES; i++) {
		EXPECT_EQ(0, mshv_bus_add(&bus, 0x1000 + i, 1, &echo_ops, NULL));
	}
	EXPECT_EQ(-ENOSPC, mshv_bus_add(&bus, 0x9000, 1, &echo_ops, NULL));
}

/* ---- An address space: emulate.c calls what its ops are ---- */

TEST(space_leads_to_ports_devices_and_memory)
{
	struct mshv_space space = { .lock = PTHREAD_MUTEX_INITIALIZER };

	ASSERT_EQ(0, mshv_memory_init(&space.memory, 0x4000));
	ASSERT_EQ(0, mshv_bus_add(&space.ports, 0x70, 2, &echo_ops, (void *)1));
	ASSERT_EQ(0, mshv_bus_add(&space.mmio, 0xd0000000, 0x1000, &echo_ops, (void *)2));
	EXPECT_EQ(0x0101, mshv_space_ops.port_read(&space, 0x71, 1) | 0x0100);
	EXPECT_EQ(0x02000404, mshv_space_ops.mmio_read(&space, 0xd0000004, 4));
	mshv_space_ops.port_write(&space, 0x71, 1, 0x33);
	EXPECT_EQ(0x100010133, last_write);
	mshv_space_ops.mmio_write(&space, 0xd0000008, 8, 0x44);
	EXPECT_EQ(0x200080844, last_write);
	EXPECT_EQ((void *)(space.memory.base + 0x3000), mshv_space_ops.memory(&space, 0x3000, 8));
	EXPECT_EQ((void *)NULL, mshv_space_ops.memory(&space, 0xd0000000, 8));
	/* What a device does is done under the lock, and it is given back. */
	EXPECT_EQ(0, pthread_mutex_trylock(&space.lock));
	mshv_memory_destroy(&space.memory);
}

/* ---- Memory ---- */

TEST(memory_has_a_hole_below_4_gib)
{
	struct mshv_memory memory;

	ASSERT_EQ(0, mshv_memory_init(&memory, 4 * GIB));
	EXPECT_EQ(MSHV_MEMORY_HOLE, memory.low);
	EXPECT_EQ(1 * GIB, memory.high);
	EXPECT_EQ((void *)memory.base, mshv_memory_at(&memory, 0, MSHV_MEMORY_HOLE));
	EXPECT_EQ((void *)NULL, mshv_memory_at(&memory, 0, MSHV_MEMORY_HOLE + 1));
	EXPECT_EQ((void *)NULL, mshv_memory_at(&memory, MSHV_MEMORY_HOLE, 1));
	EXPECT_EQ((void *)NULL, mshv_memory_at(&memory, 0xfec00000, 1));
	EXPECT_EQ((void *)(memory.base + MSHV_MEMORY_HOLE),
		  mshv_memory_at(&memory, MSHV_MEMORY_HIGH, GIB));
	EXPECT_EQ((void *)NULL, mshv_memory_at(&memory, MSHV_MEMORY_HIGH, GIB + 1));
	EXPECT_EQ((void *)NULL, mshv_memory_at(&memory, MSHV_MEMORY_HIGH + GIB, 1));
	EXPECT_EQ((void *)NULL, mshv_memory_at(&memory, ~0ULL, 1));
	EXPECT_EQ((void *)NULL, mshv_memory_at(&memory, 0x1000, ~0ULL));
	mshv_memory_destroy(&memory);
}

TEST(memory_is_mapped_on_both_sides_of_the_hole)
{
	struct mshv_memory memory;

	ASSERT_EQ(0, mshv_memory_init(&memory, 4 * GIB));
	ASSERT_EQ(0, mshv_memory_map(&memory, 5));
	ASSERT_EQ(2, mapped_count);
	EXPECT_EQ(0, mapped[0].guest_pfn);
	EXPECT_EQ(MSHV_MEMORY_HOLE, mapped[0].size);
	EXPECT_EQ(MSHV_MEMORY_HIGH / 4096, mapped[1].guest_pfn);
	EXPECT_EQ(mapped[0].userspace_addr + MSHV_MEMORY_HOLE, mapped[1].userspace_addr);
	mshv_memory_destroy(&memory);
	ASSERT_EQ(-EINVAL, mshv_memory_init(&memory, MSHV_MEMORY_MAX + 1));
}

TEST(dirty_pages_are_counted_on_both_sides_of_the_hole)
{
	const struct mshv_memory memory = { .low = MSHV_MEMORY_HOLE, .high = GIB };

	dirty_gpa = 0x5000000;
	EXPECT_EQ(2, mshv_memory_take_dirty(&memory, 5));
	dirty_gpa = MSHV_MEMORY_HIGH + 0x9000000;
	EXPECT_EQ(2, mshv_memory_take_dirty(&memory, 5));
	dirty_gpa = MSHV_MEMORY_HOLE;
	EXPECT_EQ(0, mshv_memory_take_dirty(&memory, 5));
}

TEST_HARNESS_MAIN
