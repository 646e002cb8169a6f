// SPDX-License-Identifier: GPL-2.0-only
/*
 * virtio: a network and the other end of it.
 */
#include <arpa/inet.h>
#include <linux/virtio_net.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "virtio_driver.h"

#include "kselftest_harness.h"

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
	ASSERT_EQ(0, mshv_memory_init(&self->d.memory, MEMORY));
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
	mshv_memory_destroy(&self->d.memory);
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
