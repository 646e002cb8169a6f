// SPDX-License-Identifier: GPL-2.0-only
/*
 * virtio: the registers, and a disk behind them.
 */
#include <fcntl.h>
#include <linux/virtio_blk.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/stat.h>

#include "virtio_driver.h"

#include "kselftest_harness.h"

#define SECTORS		64

FIXTURE(disk) {
	struct driver d;
	char path[32];
	int fd;
};

static void open_disk(struct disk_fixture_data *self, const char *option)
{
	char spec[64];

	snprintf(spec, sizeof(spec), "%s%s", self->path, option);
	self->d.dev = blk_open(spec);
	if (!self->d.dev || virtio_init(self->d.dev, &self->d.memory))
		abort();
	bring_up(&self->d);
}

FIXTURE_SETUP(disk)
{
	uint8_t sector[512];
	unsigned int i;

	snprintf(self->path, sizeof(self->path), "/tmp/mshv-disk-XXXXXX");
	self->fd = mkstemp(self->path);
	ASSERT_LE(0, self->fd);
	for (i = 0; i < SECTORS; i++) {
		memset(sector, i, sizeof(sector));
		ASSERT_EQ(512, write(self->fd, sector, sizeof(sector)));
	}
	ASSERT_EQ(0, mshv_memory_init(&self->d.memory, MEMORY));
	open_disk(self, "");
}

FIXTURE_TEARDOWN(disk)
{
	virtio_destroy(self->d.dev);
	mshv_memory_destroy(&self->d.memory);
	close(self->fd);
	unlink(self->path);
}

#define STATUS	(DATA + 0x8000)

/* A request, with its data at DATA; returns its status, or -1 if there is none */
static int request(struct driver *d, uint32_t type, uint64_t sector, uint32_t size)
{
	struct virtio_blk_outhdr header = { .type = type, .sector = sector };
	uint8_t *status = d->memory.base + STATUS;

	d->descs[0] = 0;
	memcpy(d->memory.base + DATA - 16, &header, sizeof(header));
	*status = 0xff;
	/* In other pieces than everybody's */
	add_desc(d, 0, DATA - 16, 5, NEXT);
	if (type == VIRTIO_BLK_T_OUT) {
		add_desc(d, 0, DATA - 11, 11 + size, NEXT);
	} else {
		add_desc(d, 0, DATA - 11, 11, NEXT);
		add_desc(d, 0, DATA, size, NEXT | WRITE);
	}
	add_desc(d, 0, STATUS, 1, WRITE);
	offer(d, 0, 0);
	if (d->dev->work(d->dev))
		return -1;
	return *status;
}

TEST_F(disk, reads_and_writes)
{
	uint8_t *data = self->d.memory.base + DATA, byte;

	EXPECT_EQ(SECTORS, virtio_ops.read(self->d.dev, VIRTIO_MMIO_CONFIG, 8));
	ASSERT_EQ(VIRTIO_BLK_S_OK, request(&self->d, VIRTIO_BLK_T_IN, 3, 1024));
	EXPECT_EQ(3, data[0]);
	EXPECT_EQ(4, data[1023]);
	EXPECT_EQ(1025, used_of(&self->d, 0)->ring[0].len);
	EXPECT_EQ(VIRTIO_MMIO_INT_VRING, in(&self->d, VIRTIO_MMIO_INTERRUPT_STATUS));
	out(&self->d, VIRTIO_MMIO_INTERRUPT_ACK, VIRTIO_MMIO_INT_VRING);
	EXPECT_EQ(0, in(&self->d, VIRTIO_MMIO_INTERRUPT_STATUS));

	memset(data, 0xaa, 512);
	ASSERT_EQ(VIRTIO_BLK_S_OK, request(&self->d, VIRTIO_BLK_T_OUT, SECTORS - 1, 512));
	ASSERT_EQ(1, pread(self->fd, &byte, 1, SECTORS * 512 - 1));
	EXPECT_EQ(0xaa, byte);
	EXPECT_EQ(1, used_of(&self->d, 0)->ring[1].len);
	EXPECT_EQ(VIRTIO_BLK_S_OK, request(&self->d, VIRTIO_BLK_T_FLUSH, 0, 0));
}

TEST_F(disk, ends_where_it_ends)
{
	struct stat st;

	EXPECT_EQ(VIRTIO_BLK_S_IOERR, request(&self->d, VIRTIO_BLK_T_IN, SECTORS, 512));
	EXPECT_EQ(VIRTIO_BLK_S_IOERR, request(&self->d, VIRTIO_BLK_T_IN, SECTORS - 1, 1024));
	EXPECT_EQ(VIRTIO_BLK_S_IOERR, request(&self->d, VIRTIO_BLK_T_OUT, SECTORS, 512));
	EXPECT_EQ(VIRTIO_BLK_S_IOERR, request(&self->d, VIRTIO_BLK_T_OUT, ~0ULL, 512));
	EXPECT_EQ(VIRTIO_BLK_S_IOERR, request(&self->d, VIRTIO_BLK_T_OUT, 1ULL << 55, 512));
	EXPECT_EQ(VIRTIO_BLK_S_IOERR, request(&self->d, VIRTIO_BLK_T_IN, 0, 511));
	EXPECT_EQ(VIRTIO_BLK_S_UNSUPP, request(&self->d, 99, 0, 512));
	ASSERT_EQ(0, fstat(self->fd, &st));
	EXPECT_EQ(SECTORS * 512, st.st_size);
}

TEST_F(disk, a_readonly_one_is_not_written)
{
	uint8_t byte;

	virtio_destroy(self->d.dev);
	open_disk(self, ",readonly");
	EXPECT_NE(0, in(&self->d, VIRTIO_MMIO_DEVICE_FEATURES) & 1 << VIRTIO_BLK_F_RO);
	memset(self->d.memory.base + DATA, 0xaa, 512);
	EXPECT_EQ(VIRTIO_BLK_S_IOERR, request(&self->d, VIRTIO_BLK_T_OUT, 1, 512));
	ASSERT_EQ(1, pread(self->fd, &byte, 1, 512));
	EXPECT_EQ(1, byte);
	EXPECT_EQ(VIRTIO_BLK_S_OK, request(&self->d, VIRTIO_BLK_T_IN, 1, 512));
}

TEST_F(disk, what_cannot_be_one_is_refused)
{
	char spec[64];

	freopen("/dev/null", "w", stderr);
	EXPECT_NULL(blk_open(self->path)) TH_LOG("in use");
	EXPECT_NULL(blk_open("/nowhere"));
	EXPECT_NULL(blk_open(",readonly"));
	EXPECT_NULL(blk_open("/tmp"));
	snprintf(spec, sizeof(spec), "%s,readonly", self->path);
	virtio_destroy(self->d.dev);
	ASSERT_EQ(0, ftruncate(self->fd, 1000));
	EXPECT_NULL(blk_open(spec)) TH_LOG("half a sector");
	ASSERT_EQ(0, ftruncate(self->fd, 0));
	EXPECT_NULL(blk_open(spec)) TH_LOG("empty");
	ASSERT_EQ(0, ftruncate(self->fd, 512));
	open_disk(self, "");
}

TEST_F(disk, requests_that_are_none_stop_it_until_its_reset)
{
	static const struct {
		const char *what;
		uint32_t header, data, status;
	} bad[] = {
		{ "short header", 15, 512, 1 },
		{ "no status", 16, 512, 0 },
		{ "nothing", 0, 0, 0 },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		bring_up(&self->d);
		add_desc(&self->d, 0, DATA, bad[i].header, NEXT);
		add_desc(&self->d, 0, DATA, bad[i].data, NEXT | WRITE);
		add_desc(&self->d, 0, STATUS, bad[i].status, WRITE);
		offer(&self->d, 0, 0);
		EXPECT_EQ(-1, self->d.dev->work(self->d.dev)) TH_LOG("%s", bad[i].what);
	}
	bring_up(&self->d);
	offer_buffer(&self->d, 0, DATA, 100, 0);
	EXPECT_EQ(-1, self->d.dev->work(self->d.dev)) TH_LOG("nothing to write to");
	bring_up(&self->d);
	EXPECT_EQ(VIRTIO_BLK_S_OK, request(&self->d, VIRTIO_BLK_T_IN, 0, 512));
}

/* Whatever is in the rings, nothing outside of the guest's memory is touched. */
TEST_F(disk, random_rings_do_no_harm)
{
	unsigned int i, j, broken = 0, served = 0;

	srandom(3);
	for (i = 0; i < 20000; i++) {
		bring_up(&self->d);
		for (j = 0; j < QUEUE_SIZE; j++) {
			desc_of(&self->d, 0)[j] = (struct vring_desc){
				.addr = random() % 8 ? DATA + random() % 0x4000 : random() << 8,
				.len = random() % 8 ? random() % 1024 : random(),
				.flags = random() % 16 ? random() % 4 : random(),
				.next = random() % 16 ? random() % QUEUE_SIZE : random(),
			};
			avail_of(&self->d, 0)->ring[j] = random() % (QUEUE_SIZE + 1);
		}
		for (j = 0; j < 64; j++)
			self->d.memory.base[DATA + random() % 0x4000] = random() % 4;
		avail_of(&self->d, 0)->idx = random() % (QUEUE_SIZE + 2);
		broken += self->d.dev->work(self->d.dev) < 0;
		served += used_of(&self->d, 0)->idx;
	}
	EXPECT_LT(0, broken);
	EXPECT_LT(0, served);
}

/* ---- The registers ---- */

TEST_F(disk, registers_say_what_it_is)
{
	EXPECT_EQ(0x74726976, in(&self->d, VIRTIO_MMIO_MAGIC_VALUE));
	EXPECT_EQ(2, in(&self->d, VIRTIO_MMIO_VERSION));
	EXPECT_EQ(2, in(&self->d, VIRTIO_MMIO_DEVICE_ID));
	out(&self->d, VIRTIO_MMIO_QUEUE_SEL, 0);
	EXPECT_EQ(MSHV_VIRTQUEUE_MAX, in(&self->d, VIRTIO_MMIO_QUEUE_NUM_MAX));
	out(&self->d, VIRTIO_MMIO_QUEUE_SEL, 1);
	EXPECT_EQ(0, in(&self->d, VIRTIO_MMIO_QUEUE_NUM_MAX));
	out(&self->d, VIRTIO_MMIO_QUEUE_SEL, ~0U);
	EXPECT_EQ(0, in(&self->d, VIRTIO_MMIO_QUEUE_NUM_MAX));
	EXPECT_EQ(0, in(&self->d, VIRTIO_MMIO_QUEUE_READY));
	out(&self->d, VIRTIO_MMIO_DEVICE_FEATURES_SEL, 1);
	EXPECT_EQ(1, in(&self->d, VIRTIO_MMIO_DEVICE_FEATURES));
	out(&self->d, VIRTIO_MMIO_DEVICE_FEATURES_SEL, 2);
	EXPECT_EQ(0, in(&self->d, VIRTIO_MMIO_DEVICE_FEATURES));
	EXPECT_EQ(~0U, in(&self->d, VIRTIO_MMIO_SHM_LEN_LOW));
	EXPECT_EQ(0, virtio_ops.read(self->d.dev, VIRTIO_MMIO_MAGIC_VALUE, 2));
	EXPECT_EQ(0, virtio_ops.read(self->d.dev, 0xfff, 1)) TH_LOG("beyond the configuration");
	EXPECT_EQ(0, virtio_ops.read(self->d.dev, 0x100 + sizeof(struct virtio_blk_config) - 4, 8));
}

TEST_F(disk, features_that_were_not_offered_are_not_accepted)
{
	uint64_t all = self->d.dev->features;

	set_features(&self->d, all);
	EXPECT_NE(0, in(&self->d, VIRTIO_MMIO_STATUS) & VIRTIO_CONFIG_S_FEATURES_OK);
	set_features(&self->d, all & ~(1ULL << VIRTIO_F_VERSION_1));
	EXPECT_EQ(0, in(&self->d, VIRTIO_MMIO_STATUS) & VIRTIO_CONFIG_S_FEATURES_OK);
	set_features(&self->d, all | 1ULL << VIRTIO_RING_F_INDIRECT_DESC);
	EXPECT_EQ(0, in(&self->d, VIRTIO_MMIO_STATUS) & VIRTIO_CONFIG_S_FEATURES_OK);
	set_features(&self->d, 1ULL << VIRTIO_F_VERSION_1);
	out(&self->d, VIRTIO_MMIO_DRIVER_FEATURES, ~0U);
	EXPECT_EQ(1ULL << VIRTIO_F_VERSION_1, self->d.dev->driver_features) TH_LOG("too late");
}

TEST_F(disk, a_queue_in_use_does_not_move)
{
	out(&self->d, VIRTIO_MMIO_QUEUE_SEL, 0);
	out(&self->d, VIRTIO_MMIO_QUEUE_NUM, 1);
	out(&self->d, VIRTIO_MMIO_QUEUE_DESC_LOW, 0);
	out(&self->d, VIRTIO_MMIO_QUEUE_USED_HIGH, 0x100);
	EXPECT_EQ(QUEUE_SIZE, self->d.dev->queues[0].size);
	EXPECT_EQ(DESC, self->d.dev->queues[0].gpa[MSHV_VRING_DESC]);
	EXPECT_EQ(USED, self->d.dev->queues[0].gpa[MSHV_VRING_USED]);

	out(&self->d, VIRTIO_MMIO_QUEUE_READY, 0);
	EXPECT_EQ(0, in(&self->d, VIRTIO_MMIO_QUEUE_READY));
	out(&self->d, VIRTIO_MMIO_QUEUE_USED_HIGH, 0x100);
	out(&self->d, VIRTIO_MMIO_QUEUE_READY, 1);
	EXPECT_EQ(0, in(&self->d, VIRTIO_MMIO_QUEUE_READY));
	EXPECT_TRUE(is_broken(&self->d));
	out(&self->d, VIRTIO_MMIO_STATUS, 0xf);
	EXPECT_TRUE(is_broken(&self->d)) TH_LOG("only a reset helps");
	out(&self->d, VIRTIO_MMIO_STATUS, 0);
	EXPECT_EQ(0, in(&self->d, VIRTIO_MMIO_STATUS));
	EXPECT_EQ(0, in(&self->d, VIRTIO_MMIO_INTERRUPT_STATUS));
}

static bool wait_for(int fd)
{
	struct pollfd poller = { .fd = fd, .events = POLLIN };
	eventfd_t count;

	return poll(&poller, 1, 10000) == 1 && !eventfd_read(fd, &count);
}

TEST_F(disk, its_thread_works_when_it_is_kicked)
{
	ASSERT_EQ(0, virtio_start(self->d.dev));
	offer_buffer(&self->d, 0, DATA, 16, NEXT);
	memset(self->d.memory.base + DATA, 0, 16);
	self->d.memory.base[DATA] = VIRTIO_BLK_T_FLUSH;
	add_desc(&self->d, 0, STATUS, 1, WRITE);
	ASSERT_EQ(0, eventfd_write(self->d.dev->kick, 1));
	ASSERT_TRUE(wait_for(self->d.dev->irq));
	EXPECT_EQ(1, used_of(&self->d, 0)->idx);

	/* A bad ring stops it, and it says so; a notification by an exit does the same. */
	offer(&self->d, 0, QUEUE_SIZE);
	out(&self->d, VIRTIO_MMIO_QUEUE_NOTIFY, 0);
	ASSERT_TRUE(wait_for(self->d.dev->irq));
	EXPECT_TRUE(is_broken(&self->d));
	EXPECT_NE(0, in(&self->d, VIRTIO_MMIO_INTERRUPT_STATUS) & VIRTIO_MMIO_INT_CONFIG);
}

TEST_HARNESS_MAIN
