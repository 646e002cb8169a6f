// SPDX-License-Identifier: GPL-2.0-only
/*
 * virtio: rings as good drivers and bad ones make them, and the devices behind them.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/virtio_blk.h>
#include <linux/virtio_config.h>
#include <linux/virtio_net.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "util.h"
#include "virtio.h"

#include "kselftest_harness.h"

/* There is no tap device here. */
int __wrap_ioctl(int fd, unsigned long request, void *args);
int __wrap_ioctl(int fd, unsigned long request, void *args)
{
	(void)fd;
	(void)request;
	(void)args;
	errno = ENOTTY;
	return -1;
}

#define QUEUE_SIZE	16
#define DESC		0x10000ULL
#define AVAIL		0x11000ULL
#define USED		0x12000ULL
#define NEXT_QUEUE	0x4000ULL
#define DATA		0x40000ULL
#define MEMORY		MIB

#define NEXT		VRING_DESC_F_NEXT
#define WRITE		VRING_DESC_F_WRITE

/* A guest's driver: its memory, a device, and where its queues are up to */
struct driver {
	struct guest_memory memory;
	struct virtio *dev;
	unsigned int descs[VIRTIO_QUEUES];
};

static struct vring_desc *desc_of(struct driver *d, unsigned int queue)
{
	return (struct vring_desc *)(d->memory.base + DESC + queue * NEXT_QUEUE);
}

static struct vring_avail *avail_of(struct driver *d, unsigned int queue)
{
	return (struct vring_avail *)(d->memory.base + AVAIL + queue * NEXT_QUEUE);
}

static struct vring_used *used_of(struct driver *d, unsigned int queue)
{
	return (struct vring_used *)(d->memory.base + USED + queue * NEXT_QUEUE);
}

static void out(struct driver *d, uint64_t offset, uint32_t value)
{
	virtio_ops.write(d->dev, offset, 4, value);
}

static uint32_t in(struct driver *d, uint64_t offset)
{
	return virtio_ops.read(d->dev, offset, 4);
}

static void set_queue(struct driver *d, unsigned int queue)
{
	out(d, VIRTIO_MMIO_QUEUE_SEL, queue);
	out(d, VIRTIO_MMIO_QUEUE_NUM, QUEUE_SIZE);
	out(d, VIRTIO_MMIO_QUEUE_DESC_LOW, DESC + queue * NEXT_QUEUE);
	out(d, VIRTIO_MMIO_QUEUE_AVAIL_LOW, AVAIL + queue * NEXT_QUEUE);
	out(d, VIRTIO_MMIO_QUEUE_USED_LOW, USED + queue * NEXT_QUEUE);
	out(d, VIRTIO_MMIO_QUEUE_READY, 1);
}

static void set_features(struct driver *d, uint64_t features)
{
	out(d, VIRTIO_MMIO_STATUS, 0);
	out(d, VIRTIO_MMIO_STATUS, VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER);
	out(d, VIRTIO_MMIO_DRIVER_FEATURES_SEL, 0);
	out(d, VIRTIO_MMIO_DRIVER_FEATURES, features);
	out(d, VIRTIO_MMIO_DRIVER_FEATURES_SEL, 1);
	out(d, VIRTIO_MMIO_DRIVER_FEATURES, features >> 32);
	out(d, VIRTIO_MMIO_STATUS, in(d, VIRTIO_MMIO_STATUS) | VIRTIO_CONFIG_S_FEATURES_OK);
}

/* As Linux's driver does it */
static void bring_up(struct driver *d)
{
	unsigned int queue;

	memset(d->memory.base + DESC, 0, DATA - DESC);
	memset(d->descs, 0, sizeof(d->descs));
	set_features(d, d->dev->features);
	for (queue = 0; queue < d->dev->queue_count; queue++)
		set_queue(d, queue);
	out(d, VIRTIO_MMIO_STATUS, in(d, VIRTIO_MMIO_STATUS) | VIRTIO_CONFIG_S_DRIVER_OK);
}

static bool is_broken(struct driver *d)
{
	return in(d, VIRTIO_MMIO_STATUS) & VIRTIO_CONFIG_S_NEEDS_RESET;
}

static void add_desc(struct driver *d, unsigned int queue, uint64_t addr, uint32_t len,
		     uint16_t flags)
{
	unsigned int i = d->descs[queue]++;

	desc_of(d, queue)[i] = (struct vring_desc){ addr, len, flags, i + 1 };
}

static void offer(struct driver *d, unsigned int queue, uint16_t head)
{
	struct vring_avail *avail = avail_of(d, queue);

	avail->ring[avail->idx++ % QUEUE_SIZE] = head;
}

/* A chain of one buffer */
static void offer_buffer(struct driver *d, unsigned int queue, uint64_t addr, uint32_t size,
			 uint16_t flags)
{
	offer(d, queue, d->descs[queue]);
	add_desc(d, queue, addr, size, flags);
}

/* ---- The rings ---- */

FIXTURE(ring) {
	struct driver d;
	struct virtqueue vq;
	struct chain chain;
};

FIXTURE_SETUP(ring)
{
	ASSERT_EQ(0, memory_init(&self->d.memory, MEMORY));
	self->vq.size = QUEUE_SIZE;
	self->vq.gpa[VRING_DESC] = DESC;
	self->vq.gpa[VRING_AVAIL] = AVAIL;
	self->vq.gpa[VRING_USED] = USED;
	ASSERT_EQ(0, virtqueue_pop(&self->vq, &self->chain)) TH_LOG("it is not ready");
	ASSERT_EQ(0, virtqueue_enable(&self->vq, &self->d.memory));
}

FIXTURE_TEARDOWN(ring)
{
	memory_free(&self->d.memory);
}

TEST_F(ring, chains_are_taken_and_given_back)
{
	unsigned int i;

	for (i = 0; i < 3 * QUEUE_SIZE; i++) {
		self->d.descs[0] = 2;
		add_desc(&self->d, 0, DATA, 100, NEXT);
		add_desc(&self->d, 0, DATA + 0x1000, 0, NEXT);
		add_desc(&self->d, 0, DATA + 0x2000, 50, WRITE);
		ASSERT_EQ(0, virtqueue_pop(&self->vq, &self->chain));
		offer(&self->d, 0, 2);
		ASSERT_EQ(1, virtqueue_pop(&self->vq, &self->chain));
		ASSERT_EQ(2, self->chain.readable);
		ASSERT_EQ(1, self->chain.writable);
		ASSERT_EQ(self->d.memory.base + DATA, self->chain.iov[0].iov_base);
		ASSERT_EQ(50, self->chain.iov[2].iov_len);
		virtqueue_push(&self->vq, &self->chain, i);
		ASSERT_EQ(i + 1, used_of(&self->d, 0)->idx);
		ASSERT_EQ(2, used_of(&self->d, 0)->ring[i % QUEUE_SIZE].id);
		ASSERT_EQ(i, used_of(&self->d, 0)->ring[i % QUEUE_SIZE].len);
	}
	EXPECT_TRUE(virtqueue_wants_interrupt(&self->vq));
	avail_of(&self->d, 0)->flags = VRING_AVAIL_F_NO_INTERRUPT;
	EXPECT_FALSE(virtqueue_wants_interrupt(&self->vq));
}

TEST_F(ring, places_that_are_none_are_refused)
{
	static const struct {
		uint32_t size;
		uint64_t desc, avail, used;
	} bad[] = {
		{ 0, DESC, AVAIL, USED },
		{ 3, DESC, AVAIL, USED },
		{ 2 * VIRTQUEUE_MAX, DESC, AVAIL, USED },
		{ 0x80000000, DESC, AVAIL, USED },
		{ 16, DESC + 8, AVAIL, USED },
		{ 16, DESC, AVAIL + 1, USED },
		{ 16, DESC, AVAIL, USED + 2 },
		{ 16, MEMORY - 16 * 16 + 16, AVAIL, USED },
		{ 16, DESC, MEMORY - 34, USED },
		{ 16, DESC, AVAIL, MEMORY - 128 },
		{ 16, ~0xfULL, AVAIL, USED },
		{ 16, DESC, AVAIL, VIRTIO_BASE },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		struct virtqueue vq = { .size = bad[i].size,
					.gpa = { bad[i].desc, bad[i].avail, bad[i].used } };

		EXPECT_EQ(-1, virtqueue_enable(&vq, &self->d.memory)) TH_LOG("case %zu", i);
		EXPECT_FALSE(vq.ready);
	}
}

TEST_F(ring, bad_chains_are_refused)
{
	static const struct {
		const char *what;
		struct vring_desc desc[3];
		uint16_t head;
	} bad[] = {
		{ "head", { }, QUEUE_SIZE },
		{ "next", { { DATA, 8, NEXT, QUEUE_SIZE } }, 0 },
		{ "circle", { { DATA, 8, NEXT, 1 }, { DATA, 8, NEXT, 0 } }, 0 },
		{ "itself", { { DATA, 8, NEXT, 0 } }, 0 },
		{ "order", { { DATA, 8, NEXT | WRITE, 1 }, { DATA, 8, 0, 0 } }, 0 },
		{ "indirect", { { DATA, 32, VRING_DESC_F_INDIRECT, 0 } }, 0 },
		{ "no memory", { { MEMORY, 8, 0, 0 } }, 0 },
		{ "too long", { { MEMORY - 8, 9, 0, 0 } }, 0 },
		{ "wraps", { { ~0ULL - 3, 8, 0, 0 } }, 0 },
		{ "device", { { VIRTIO_BASE, 8, WRITE, 0 } }, 0 },
		{ "huge", { { DATA, ~0U, WRITE, 0 } }, 0 },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		ASSERT_EQ(0, virtqueue_enable(&self->vq, &self->d.memory));
		memcpy(desc_of(&self->d, 0), bad[i].desc, sizeof(bad[i].desc));
		avail_of(&self->d, 0)->ring[0] = bad[i].head;
		avail_of(&self->d, 0)->idx = 1;
		EXPECT_EQ(-1, virtqueue_pop(&self->vq, &self->chain)) TH_LOG("%s", bad[i].what);
	}
	desc_of(&self->d, 0)[0] = (struct vring_desc){ .addr = DATA, .len = 8 };
	avail_of(&self->d, 0)->ring[0] = 0;
	avail_of(&self->d, 0)->idx = QUEUE_SIZE + 1;
	ASSERT_EQ(0, virtqueue_enable(&self->vq, &self->d.memory));
	EXPECT_EQ(-1, virtqueue_pop(&self->vq, &self->chain)) TH_LOG("more than there are");
}

TEST_F(ring, the_longest_chain_is_as_long_as_the_ring)
{
	unsigned int i;

	for (i = 0; i < QUEUE_SIZE; i++)
		add_desc(&self->d, 0, DATA, 1, i < QUEUE_SIZE - 1 ? NEXT : 0);
	offer(&self->d, 0, 0);
	EXPECT_EQ(1, virtqueue_pop(&self->vq, &self->chain));
	EXPECT_EQ(QUEUE_SIZE, self->chain.readable);
}

TEST(buffers_in_pieces)
{
	char a[] = "abc", b[] = "", c[] = "defgh", text[16] = "";
	struct iovec iov[] = { { a, 3 }, { b, 0 }, { c, 5 } };

	EXPECT_EQ(8, iov_size(iov, 3));
	EXPECT_EQ(4, iov_read(iov, 3, text, 4));
	EXPECT_STREQ("abcd", text);
	EXPECT_EQ(4, iov_size(iov, 3));
	EXPECT_EQ(1, iov_write(iov, 3, "W", 1));
	EXPECT_EQ(3, iov_write(iov, 3, "XYZ+", 4));
	EXPECT_STREQ("dWXYZ", c);
	EXPECT_STREQ("abc", a);
	EXPECT_EQ(0, iov_size(iov, 3));
	EXPECT_EQ(0, iov_read(iov, 3, text, 15));
	EXPECT_EQ(0, iov_write(iov, 3, text, 15));
}

/* ---- A disk ---- */

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
	ASSERT_EQ(0, memory_init(&self->d.memory, MEMORY));
	open_disk(self, "");
}

FIXTURE_TEARDOWN(disk)
{
	virtio_destroy(self->d.dev);
	memory_free(&self->d.memory);
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
	EXPECT_EQ(VIRTQUEUE_MAX, in(&self->d, VIRTIO_MMIO_QUEUE_NUM_MAX));
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
	EXPECT_EQ(DESC, self->d.dev->queues[0].gpa[VRING_DESC]);
	EXPECT_EQ(USED, self->d.dev->queues[0].gpa[VRING_USED]);

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

/* ---- A network ---- */

enum { RX, TX };

#define HEADER		sizeof(struct virtio_net_hdr_v1)

FIXTURE(network) {
	struct driver d;
	int listener, peer;
	char dir[32];
	struct sockaddr_un address;
};

FIXTURE_SETUP(network)
{
	char spec[128];

	snprintf(self->dir, sizeof(self->dir), "/tmp/mshv-net-XXXXXX");
	ASSERT_NE(NULL, (void *)mkdtemp(self->dir));
	self->address.sun_family = AF_UNIX;
	snprintf(self->address.sun_path, sizeof(self->address.sun_path), "%s/s", self->dir);
	self->listener = socket(AF_UNIX, SOCK_STREAM, 0);
	ASSERT_EQ(0, bind(self->listener, (struct sockaddr *)&self->address,
			  sizeof(self->address)));
	ASSERT_EQ(0, listen(self->listener, 1));
	ASSERT_EQ(0, memory_init(&self->d.memory, MEMORY));
	snprintf(spec, sizeof(spec), "socket=%s", self->address.sun_path);
	self->d.dev = net_open(spec);
	ASSERT_NE(NULL, (void *)self->d.dev);
	self->peer = accept(self->listener, NULL, NULL);
	ASSERT_LE(0, self->peer);
	ASSERT_EQ(0, virtio_init(self->d.dev, &self->d.memory));
	bring_up(&self->d);
	signal(SIGPIPE, SIG_IGN);
}

FIXTURE_TEARDOWN(network)
{
	virtio_destroy(self->d.dev);
	memory_free(&self->d.memory);
	close(self->peer);
	close(self->listener);
	unlink(self->address.sun_path);
	rmdir(self->dir);
}

#define WORK()	self->d.dev->work(self->d.dev)

TEST_F(network, a_frame_goes_out_with_its_length)
{
	uint8_t *data = self->d.memory.base + DATA, bytes[128];
	uint32_t length;

	memset(data, 0, HEADER);
	memset(data + HEADER, 0x5a, 60);
	offer(&self->d, TX, 0);
	add_desc(&self->d, TX, DATA, 7, NEXT);
	add_desc(&self->d, TX, DATA + 7, HEADER - 7 + 60, 0);
	/* What can be no frame is left out: too short, empty, too long */
	offer_buffer(&self->d, TX, DATA, HEADER - 1, 0);
	offer_buffer(&self->d, TX, DATA, HEADER, 0);
	offer_buffer(&self->d, TX, DATA, 0x20000, 0);
	EXPECT_EQ(0, WORK());
	EXPECT_EQ(4, used_of(&self->d, TX)->idx);
	ASSERT_EQ(64, recv(self->peer, bytes, sizeof(bytes), MSG_DONTWAIT));
	memcpy(&length, bytes, sizeof(length));
	EXPECT_EQ(60, ntohl(length));
	EXPECT_EQ(0x5a, bytes[63]);
}

/* A frame of @size bytes, with its length, of which @sent were sent before */
static void send_frame(int peer, uint32_t size, size_t from, size_t to)
{
	static uint8_t bytes[4 + 2000];
	uint32_t length = htonl(size);

	memcpy(bytes, &length, sizeof(length));
	memset(bytes + sizeof(length), size, size);
	if (write(peer, bytes + from, to - from) != (ssize_t)(to - from))
		abort();
}

TEST_F(network, frames_come_in_however_they_are_cut)
{
	uint8_t *data = self->d.memory.base + DATA;
	struct virtio_net_hdr_v1 header;
	unsigned int i;

	for (i = 0; i < 3; i++)
		offer_buffer(&self->d, RX, DATA + i * 0x1000, 1526, WRITE);
	for (i = 0; i < 64 + 4; i++) {
		EXPECT_EQ(0, used_of(&self->d, RX)->idx);
		send_frame(self->peer, 64, i, i + 1);
		EXPECT_EQ(0, WORK());
	}
	EXPECT_EQ(1, used_of(&self->d, RX)->idx);
	EXPECT_EQ(HEADER + 64, used_of(&self->d, RX)->ring[0].len);
	memcpy(&header, data, HEADER);
	EXPECT_EQ(1, header.num_buffers);
	EXPECT_EQ(64, data[HEADER]);
	EXPECT_EQ(0, data[HEADER + 64]);

	/* Two at once, of which the first is too long for its buffer */
	send_frame(self->peer, 1600, 0, 1604);
	send_frame(self->peer, 100, 0, 104);
	EXPECT_EQ(0, WORK());
	EXPECT_EQ(3, used_of(&self->d, RX)->idx);
	EXPECT_EQ(0, used_of(&self->d, RX)->ring[1].len);
	EXPECT_EQ(HEADER + 100, used_of(&self->d, RX)->ring[2].len);
	EXPECT_EQ(POLLIN, self->d.dev->events);
}

TEST_F(network, a_frame_waits_for_a_buffer)
{
	send_frame(self->peer, 100, 0, 104);
	EXPECT_EQ(0, WORK());
	EXPECT_EQ(0, self->d.dev->events) TH_LOG("it is the driver's turn");
	offer_buffer(&self->d, RX, DATA, 1526, WRITE);
	EXPECT_EQ(0, WORK());
	EXPECT_EQ(HEADER + 100, used_of(&self->d, RX)->ring[0].len);
	EXPECT_EQ(POLLIN, self->d.dev->events);
}

/* A reader that is slow loses nothing, and does not keep the thread. */
TEST_F(network, what_cannot_be_sent_yet_is_sent_later)
{
	unsigned int sent = 0, got = 0, i;
	static uint8_t bytes[65536];
	ssize_t n;

	memset(self->d.memory.base + DATA, 0x33, 0x8000);
	for (i = 0; i < 1000 && !(self->d.dev->events & POLLOUT); i++) {
		self->d.descs[TX] = 0;
		offer_buffer(&self->d, TX, DATA, HEADER + 0x4000, 0);
		ASSERT_EQ(0, WORK());
		sent++;
	}
	EXPECT_NE(0, self->d.dev->events & POLLOUT);
	while ((n = recv(self->peer, bytes, sizeof(bytes), MSG_DONTWAIT)) > 0 ||
	       self->d.dev->events & POLLOUT) {
		got += n > 0 ? n : 0;
		ASSERT_EQ(0, WORK());
	}
	EXPECT_EQ(sent, used_of(&self->d, TX)->idx);
	EXPECT_EQ(sent * (4 + 0x4000), got);
}

TEST_F(network, a_bad_length_or_a_hangup_is_the_end_of_the_network_only)
{
	uint32_t length = htonl(0x100000);

	freopen("/dev/null", "w", stderr);
	ASSERT_EQ(4, write(self->peer, &length, sizeof(length)));
	offer_buffer(&self->d, RX, DATA, 1526, WRITE);
	EXPECT_EQ(0, WORK());
	EXPECT_EQ(-1, self->d.dev->file);
	EXPECT_EQ(0, used_of(&self->d, RX)->idx);
	offer_buffer(&self->d, TX, DATA, 100, 0);
	EXPECT_EQ(0, WORK());
	EXPECT_EQ(1, used_of(&self->d, TX)->idx) TH_LOG("it goes nowhere, but it goes");
}

TEST_F(network, a_closed_socket_is_noticed)
{
	freopen("/dev/null", "w", stderr);
	close(self->peer);
	offer_buffer(&self->d, RX, DATA, 1526, WRITE);
	offer_buffer(&self->d, TX, DATA, 100, 0);
	EXPECT_EQ(0, WORK());
	EXPECT_EQ(-1, self->d.dev->file);
	EXPECT_EQ(1, used_of(&self->d, TX)->idx);
}

TEST_F(network, bad_rings_are_refused)
{
	offer(&self->d, TX, QUEUE_SIZE);
	EXPECT_EQ(-1, WORK());
	bring_up(&self->d);
	send_frame(self->peer, 100, 0, 104);
	offer_buffer(&self->d, RX, VIRTIO_BASE, 1526, WRITE);
	EXPECT_EQ(-1, WORK());
}

TEST(networks_that_are_none)
{
	char spec[256] = "socket=";

	freopen("/dev/null", "w", stderr);
	EXPECT_NULL(net_open("socket=/nowhere"));
	EXPECT_NULL(net_open("tap=a_name_that_is_too_long"));
	EXPECT_NULL(net_open("tap=tap0"));
	memset(spec + 7, 'x', sizeof(spec) - 8);
	EXPECT_NULL(net_open(spec));
}

TEST_HARNESS_MAIN
