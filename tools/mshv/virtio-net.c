// SPDX-License-Identifier: GPL-2.0-only
/*
 * A network interface (virtio 1.2, section 5.1). Its other end is a tap device, or
 * a Unix socket on which frames go with their length before them, in four bytes
 * that begin with the highest: as QEMU's stream netdev has it.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <linux/virtio_ids.h>
#include <linux/virtio_net.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "util.h"
#include "virtio.h"

#define FRAME_MAX	65550	/* the largest MTU, an Ethernet header, a VLAN tag */
#define PREFIX		sizeof(uint32_t)
#define UNIX_PATH_MAX	sizeof(((struct sockaddr_un *)NULL)->sun_path)

enum { RX, TX };

/*
 * A frame on its way: bytes[PREFIX] is its first byte, before that is its length
 * if that is to be sent too.
 */
struct frame {
	size_t size;	/* bytes from the start of @bytes; 0: there is no frame */
	size_t done;	/* TX: so many of them are sent */
	uint8_t bytes[PREFIX + FRAME_MAX];
};

struct net {
	struct virtio virtio;
	struct virtio_net_config config;
	bool stream;
	struct frame rx, tx;
};

static void hang_up(struct net *net, const char *why)
{
	complain("network: %s", why);
	close(net->virtio.file);
	net->virtio.file = -1;
}

/* Send the rest of a frame; returns false if the other end cannot take it yet */
static bool send_frame(struct virtio *dev)
{
	struct net *net = (struct net *)dev;
	struct frame *tx = &net->tx;
	ssize_t n;

	while (tx->done < tx->size) {
		n = write(dev->file, tx->bytes + tx->done, tx->size - tx->done);
		if (n < 0 && errno == EAGAIN)
			return false;
		if (n < 0) {
			/* Frames get lost, as for a tap device that is down; a stream is over. */
			if (net->stream && dev->file >= 0)
				hang_up(net, strerror(errno));
			break;
		}
		tx->done += n;
	}
	tx->size = 0;
	return true;
}

/* Put a chain's frame into net->tx; one that cannot be a frame is left out */
static int64_t take_frame(struct virtio *dev, struct mshv_chain *chain)
{
	size_t size = mshv_iov_size(chain->iov, chain->readable);
	struct net *net = (struct net *)dev;
	struct virtio_net_hdr_v1 header;
	struct frame *tx = &net->tx;
	uint32_t length;

	if (size <= sizeof(header) || size > sizeof(header) + FRAME_MAX)
		return 0;
	/* No offload was offered, so there is nothing in the header. */
	size -= mshv_iov_read(chain->iov, chain->readable, &header, sizeof(header));
	mshv_iov_read(chain->iov, chain->readable, tx->bytes + PREFIX, size);
	length = htonl(size);
	memcpy(tx->bytes, &length, PREFIX);
	tx->size = PREFIX + size;
	tx->done = net->stream ? 0 : PREFIX;
	return 0;
}

/* How many bytes of a frame are still to come, or 0 if it cannot be one */
static size_t missing(const struct net *net)
{
	const struct frame *rx = &net->rx;
	uint32_t length;

	if (!net->stream)
		return FRAME_MAX;
	if (rx->size < PREFIX)
		return PREFIX - rx->size;
	memcpy(&length, rx->bytes, PREFIX);
	length = ntohl(length);
	return length && length <= FRAME_MAX ? PREFIX + length - rx->size : 0;
}

/* Returns true if there is a whole frame in net->rx */
static bool receive_frame(struct virtio *dev)
{
	struct net *net = (struct net *)dev;
	struct frame *rx = &net->rx;
	size_t wanted;
	ssize_t n;

	while (net->virtio.file >= 0) {
		if (rx->size > PREFIX && (!net->stream || !missing(net)))
			return true;
		if (!net->stream)
			rx->size = PREFIX;
		wanted = missing(net);
		if (!wanted) {
			hang_up(net, "a frame of an impossible length");
			break;
		}
		n = read(net->virtio.file, rx->bytes + rx->size, wanted);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			break;
		if (n <= 0) {
			hang_up(net, n ? strerror(errno) : "the other end is gone");
			break;
		}
		rx->size += n;
	}
	return false;
}

static int64_t give_frame(struct virtio *dev, struct mshv_chain *chain)
{
	static const struct virtio_net_hdr_v1 header = { .num_buffers = 1 };
	struct iovec *in = chain->iov + chain->readable;
	struct net *net = (struct net *)dev;
	size_t size = net->rx.size - PREFIX;

	net->rx.size = 0;
	if (sizeof(header) + size > mshv_iov_size(in, chain->writable))
		return 0;
	mshv_iov_write(in, chain->writable, &header, sizeof(header));
	mshv_iov_write(in, chain->writable, net->rx.bytes + PREFIX, size);
	return sizeof(header) + size;
}

static int net_work(struct virtio *dev)
{
	int sent = virtio_serve(dev, &dev->queues[TX], send_frame, take_frame);
	int received = virtio_serve(dev, &dev->queues[RX], receive_frame, give_frame);
	const struct net *net = (struct net *)dev;

	if (sent < 0 || received < 0)
		return -1;
	/* Without a buffer the frame waits for the driver to notify us of one. */
	dev->events = received ? POLLIN : 0;
	/* With a frame on its way it is for POLLOUT to go on. */
	if (!net->tx.size)
		return sent;
	dev->events |= POLLOUT;
	return 0;
}

static int open_tap(const char *name)
{
	struct ifreq request = { .ifr_flags = IFF_TAP | IFF_NO_PI };
	int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);

	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	if (fd >= 0 && !ioctl(fd, TUNSETIFF, &request))
		return fd;
	complain("--net tap=%s: /dev/net/tun: %m", name);
	close(fd);
	return -1;
}

static int open_socket(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	if (fd >= 0 && !connect(fd, (struct sockaddr *)&address, sizeof(address)) &&
	    !fcntl(fd, F_SETFL, O_NONBLOCK))
		return fd;
	complain("--net socket=%s: %m", path);
	close(fd);
	return -1;
}

struct virtio *net_open(const char *spec)
{
	bool stream = !strncmp(spec, "socket=", 7);
	const char *name = strchr(spec, '=') + 1;
	struct net *net = calloc(1, sizeof(*net));

	if (!net || strlen(name) >= (stream ? UNIX_PATH_MAX : IFNAMSIZ)) {
		complain("--net %s: %s", spec, net ? "too long a name" : "out of memory");
		goto fail;
	}
	/* Any address that is no one's: unicast, and not a maker's */
	if (getrandom(net->config.mac, ETH_ALEN, 0) != ETH_ALEN) {
		complain("getrandom: %m");
		goto fail;
	}
	net->config.mac[0] = (net->config.mac[0] & 0xfc) | 0x02;
	net->stream = stream;
	net->virtio = (struct virtio){
		.name = "network",
		.id = VIRTIO_ID_NET,
		.features = 1ULL << VIRTIO_NET_F_MAC,
		.config = &net->config,
		.config_size = sizeof(net->config.mac),
		.queue_count = 2,
		.file = stream ? open_socket(name) : open_tap(name),
		.work = net_work,
	};
	if (net->virtio.file >= 0)
		return &net->virtio;
fail:
	free(net);
	return NULL;
}
