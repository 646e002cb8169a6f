// SPDX-License-Identifier: GPL-2.0-only
/*
 * virtio: rings as good drivers and bad ones make them.
 */
#include "virtio_driver.h"

#include "kselftest_harness.h"

FIXTURE(ring) {
	struct driver d;
	struct mshv_virtqueue vq;
	struct mshv_chain chain;
};

FIXTURE_SETUP(ring)
{
	ASSERT_EQ(0, mshv_memory_init(&self->d.memory, MEMORY));
	self->vq.size = QUEUE_SIZE;
	self->vq.gpa[MSHV_VRING_DESC] = DESC;
	self->vq.gpa[MSHV_VRING_AVAIL] = AVAIL;
	self->vq.gpa[MSHV_VRING_USED] = USED;
	ASSERT_EQ(0, mshv_virtqueue_pop(&self->vq, &self->chain)) TH_LOG("it is not ready");
	ASSERT_EQ(0, mshv_virtqueue_enable(&self->vq, &self->d.memory));
}

FIXTURE_TEARDOWN(ring)
{
	mshv_memory_destroy(&self->d.memory);
}

TEST_F(ring, chains_are_taken_and_given_back)
{
	unsigned int i;

	for (i = 0; i < 3 * QUEUE_SIZE; i++) {
		self->d.descs[0] = 2;
		add_desc(&self->d, 0, DATA, 100, NEXT);
		add_desc(&self->d, 0, DATA + 0x1000, 0, NEXT);
		add_desc(&self->d, 0, DATA + 0x2000, 50, WRITE);
		ASSERT_EQ(0, mshv_virtqueue_pop(&self->vq, &self->chain));
		offer(&self->d, 0, 2);
		ASSERT_EQ(1, mshv_virtqueue_pop(&self->vq, &self->chain));
		ASSERT_EQ(2, self->chain.readable);
		ASSERT_EQ(1, self->chain.writable);
		ASSERT_EQ(self->d.memory.base + DATA, self->chain.iov[0].iov_base);
		ASSERT_EQ(50, self->chain.iov[2].iov_len);
		mshv_virtqueue_push(&self->vq, &self->chain, i);
		ASSERT_EQ(i + 1, used_of(&self->d, 0)->idx);
		ASSERT_EQ(2, used_of(&self->d, 0)->ring[i % QUEUE_SIZE].id);
		ASSERT_EQ(i, used_of(&self->d, 0)->ring[i % QUEUE_SIZE].len);
	}
	EXPECT_TRUE(mshv_virtqueue_wants_interrupt(&self->vq));
	avail_of(&self->d, 0)->flags = VRING_AVAIL_F_NO_INTERRUPT;
	EXPECT_FALSE(mshv_virtqueue_wants_interrupt(&self->vq));
}

TEST_F(ring, places_that_are_none_are_refused)
{
	static const struct {
		uint32_t size;
		uint64_t desc, avail, used;
	} bad[] = {
		{ 0, DESC, AVAIL, USED },
		{ 3, DESC, AVAIL, USED },
		{ 2 * MSHV_VIRTQUEUE_MAX, DESC, AVAIL, USED },
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
		struct mshv_virtqueue vq = { .size = bad[i].size,
					.gpa = { bad[i].desc, bad[i].avail, bad[i].used } };

		EXPECT_EQ(-1, mshv_virtqueue_enable(&vq, &self->d.memory)) TH_LOG("case %zu", i);
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
		ASSERT_EQ(0, mshv_virtqueue_enable(&self->vq, &self->d.memory));
		memcpy(desc_of(&self->d, 0), bad[i].desc, sizeof(bad[i].desc));
		avail_of(&self->d, 0)->ring[0] = bad[i].head;
		avail_of(&self->d, 0)->idx = 1;
		EXPECT_EQ(-1, mshv_virtqueue_pop(&self->vq, &self->chain)) {
			TH_LOG("%s", bad[i].what);
		}
	}
	desc_of(&self->d, 0)[0] = (struct vring_desc){ .addr = DATA, .len = 8 };
	avail_of(&self->d, 0)->ring[0] = 0;
	avail_of(&self->d, 0)->idx = QUEUE_SIZE + 1;
	ASSERT_EQ(0, mshv_virtqueue_enable(&self->vq, &self->d.memory));
	EXPECT_EQ(-1, mshv_virtqueue_pop(&self->vq, &self->chain)) TH_LOG("more than there are");
}

TEST_F(ring, the_longest_chain_is_as_long_as_the_ring)
{
	unsigned int i;

	for (i = 0; i < QUEUE_SIZE; i++)
		add_desc(&self->d, 0, DATA, 1, i < QUEUE_SIZE - 1 ? NEXT : 0);
	offer(&self->d, 0, 0);
	EXPECT_EQ(1, mshv_virtqueue_pop(&self->vq, &self->chain));
	EXPECT_EQ(QUEUE_SIZE, self->chain.readable);
}

TEST(buffers_in_pieces)
{
	char a[] = "abc", b[] = "", c[] = "defgh", text[16] = "";
	struct iovec iov[] = { { a, 3 }, { b, 0 }, { c, 5 } };

	EXPECT_EQ(8, mshv_iov_size(iov, 3));
	EXPECT_EQ(4, mshv_iov_read(iov, 3, text, 4));
	EXPECT_STREQ("abcd", text);
	EXPECT_EQ(4, mshv_iov_size(iov, 3));
	EXPECT_EQ(1, mshv_iov_write(iov, 3, "W", 1));
	EXPECT_EQ(3, mshv_iov_write(iov, 3, "XYZ+", 4));
	EXPECT_STREQ("dWXYZ", c);
	EXPECT_STREQ("abc", a);
	EXPECT_EQ(0, mshv_iov_size(iov, 3));
	EXPECT_EQ(0, mshv_iov_read(iov, 3, text, 15));
	EXPECT_EQ(0, mshv_iov_write(iov, 3, text, 15));
}

TEST_HARNESS_MAIN
