// SPDX-License-Identifier: GPL-2.0-only
/*
 * virtio-mmio (virtio 1.2, section 4.2): registers, and the thread of a device.
 */
#include <linux/virtio_config.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "util.h"
#include "virtio.h"

#define MAGIC		0x74726976	/* "virt" */
#define VERSION		2
#define VENDOR		0x5648534d	/* "MSHV" */
#define FEATURE_VERSION_1 (1ULL << VIRTIO_F_VERSION_1)

static void kick_self(struct virtio *dev)
{
	dev->own_kicks++;
	eventfd_write(dev->kick, 1);
}

static void raise_irq(struct virtio *dev, uint32_t reason)
{
	dev->irq_status |= reason;
	dev->interrupts++;
	eventfd_write(dev->irq, 1);
}

int virtio_serve(struct virtio *dev, struct mshv_virtqueue *vq, bool (*ready)(struct virtio *dev),
		 int64_t (*handle)(struct virtio *dev, struct mshv_chain *chain))
{
	unsigned int done = 0;
	struct mshv_chain chain;
	int64_t written;
	int ret = 1;

	while (done < MSHV_VIRTQUEUE_MAX && ready(dev)) {
		ret = mshv_virtqueue_pop(vq, &chain);
		if (ret <= 0)
			break;
		written = handle(dev, &chain);
		if (written < 0)
			return -1;
		mshv_virtqueue_push(vq, &chain, written);
		done++;
	}
	if (done && mshv_virtqueue_wants_interrupt(vq))
		raise_irq(dev, VIRTIO_MMIO_INT_VRING);
	return ret;
}

/* The driver breaks the rules: until it resets the device, nothing more happens. */
static void give_up(struct virtio *dev)
{
	dev->status |= VIRTIO_CONFIG_S_NEEDS_RESET;
	if (dev->status & VIRTIO_CONFIG_S_DRIVER_OK)
		raise_irq(dev, VIRTIO_MMIO_INT_CONFIG);
}

static bool is_running(const struct virtio *dev)
{
	const uint32_t wanted = VIRTIO_CONFIG_S_FEATURES_OK | VIRTIO_CONFIG_S_DRIVER_OK;

	return (dev->status & (wanted | VIRTIO_CONFIG_S_NEEDS_RESET)) == wanted;
}

static void *virtio_thread(void *arg)
{
	struct virtio *dev = arg;
	short events = 0;
	eventfd_t count;
	int ret;

	while (!dev->stop) {
		struct pollfd fds[2] = {
			{ .fd = dev->kick, .events = POLLIN },
			{ .fd = events ? dev->file : -1, .events = events },
		};

		if (poll(fds, ARRAY_SIZE(fds), -1) < 0)
			continue;
		if (fds[0].revents && !eventfd_read(dev->kick, &count))
			dev->kicks += count;

		pthread_mutex_lock(&dev->lock);
		ret = is_running(dev) ? dev->work(dev) : 0;
		if (ret < 0)
			give_up(dev);
		else if (ret)
			kick_self(dev);
		events = is_running(dev) ? dev->events : 0;
		pthread_mutex_unlock(&dev->lock);
	}
	return NULL;
}

int virtio_init(struct virtio *dev, const struct mshv_memory *memory)
{
	dev->features |= FEATURE_VERSION_1;
	dev->memory = memory;
	pthread_mutex_init(&dev->lock, NULL);
	dev->kick = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	dev->irq = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (dev->kick < 0 || dev->irq < 0)
		return complain("eventfd: %m");
	return 0;
}

int virtio_start(struct virtio *dev)
{
	dev->started = start_thread(&dev->thread, virtio_thread, dev);
	return dev->started ? 0 : -1;
}

void virtio_destroy(struct virtio *dev)
{
	if (dev->started) {
		dev->stop = true;
		kick_self(dev);
		pthread_join(dev->thread, NULL);
	}
	if (dev->kick > 0)
		close(dev->kick);
	if (dev->irq > 0)
		close(dev->irq);
	if (dev->file >= 0)
		close(dev->file);
	free(dev);
}

static void reset(struct virtio *dev)
{
	dev->status = 0;
	dev->irq_status = 0;
	dev->driver_features = 0;
	memset(dev->queues, 0, sizeof(dev->queues));
}

static void set_status(struct virtio *dev, uint32_t status)
{
	if (!status) {
		reset(dev);
		return;
	}
	if (dev->driver_features & ~dev->features || !(dev->driver_features & FEATURE_VERSION_1))
		status &= ~VIRTIO_CONFIG_S_FEATURES_OK;
	dev->status = status | (dev->status & VIRTIO_CONFIG_S_NEEDS_RESET);
	if (is_running(dev))
		kick_self(dev);
}

static void set_half(uint64_t *value, bool high, uint32_t half)
{
	if (high)
		*value = (uint32_t)*value | (uint64_t)half << 32;
	else
		*value = (*value & ~0xffffffffULL) | half;
}

/* The addresses of a queue's parts: two halves each, 16 bytes from part to part */
#define QUEUE_PARTS	VIRTIO_MMIO_QUEUE_DESC_LOW
#define QUEUE_PARTS_END	(VIRTIO_MMIO_QUEUE_USED_HIGH + 4)

static void write_queue(struct virtio *dev, struct mshv_virtqueue *vq, uint64_t offset,
			uint32_t value)
{
	if (offset == VIRTIO_MMIO_QUEUE_READY && !value)
		vq->ready = false;
	/* What has been checked stays as it is. */
	if (vq->ready)
		return;

	if (offset == VIRTIO_MMIO_QUEUE_READY && value && mshv_virtqueue_enable(vq, dev->memory))
		give_up(dev);
	else if (offset == VIRTIO_MMIO_QUEUE_NUM)
		vq->size = value;
	else if (offset >= QUEUE_PARTS && offset < QUEUE_PARTS_END && offset % 16 < 8)
		set_half(&vq->gpa[(offset - QUEUE_PARTS) / 16], offset & 4, value);
}

static void write_register(struct virtio *dev, uint64_t offset, uint32_t value)
{
	switch (offset) {
	case VIRTIO_MMIO_DEVICE_FEATURES_SEL:
		dev->features_select = value;
		break;
	case VIRTIO_MMIO_DRIVER_FEATURES_SEL:
		dev->driver_select = value;
		break;
	case VIRTIO_MMIO_DRIVER_FEATURES:
		if (dev->driver_select < 2 && !(dev->status & VIRTIO_CONFIG_S_FEATURES_OK))
			set_half(&dev->driver_features, dev->driver_select, value);
		break;
	case VIRTIO_MMIO_QUEUE_SEL:
		dev->queue_select = value;
		break;
	case VIRTIO_MMIO_STATUS:
		set_status(dev, value);
		break;
	default:
		if (dev->queue_select < dev->queue_count)
			write_queue(dev, &dev->queues[dev->queue_select], offset, value);
	}
}

static void virtio_write(void *device, uint64_t offset, unsigned int size, uint64_t value)
{
	struct virtio *dev = device;

	if (size != sizeof(uint32_t))
		return;
	switch (offset) {
	case VIRTIO_MMIO_QUEUE_NOTIFY:	/* where it is no ioeventfd */
		dev->exits++;
		eventfd_write(dev->kick, 1);
		break;
	case VIRTIO_MMIO_INTERRUPT_ACK:
		dev->irq_status &= ~(unsigned int)value;
		break;
	default:
		pthread_mutex_lock(&dev->lock);
		write_register(dev, offset, value);
		pthread_mutex_unlock(&dev->lock);
	}
}

static uint32_t read_register(const struct virtio *dev, uint64_t offset)
{
	bool queue = dev->queue_select < dev->queue_count;

	switch (offset) {
	case VIRTIO_MMIO_MAGIC_VALUE:
		return MAGIC;
	case VIRTIO_MMIO_VERSION:
		return VERSION;
	case VIRTIO_MMIO_DEVICE_ID:
		return dev->id;
	case VIRTIO_MMIO_VENDOR_ID:
		return VENDOR;
	case VIRTIO_MMIO_DEVICE_FEATURES:
		return dev->features_select < 2 ? dev->features >> 32 * dev->features_select : 0;
	case VIRTIO_MMIO_QUEUE_NUM_MAX:
		return queue ? MSHV_VIRTQUEUE_MAX : 0;
	case VIRTIO_MMIO_QUEUE_READY:
		return queue && dev->queues[dev->queue_select].ready;
	case VIRTIO_MMIO_STATUS:
		return dev->status;
	case VIRTIO_MMIO_SHM_LEN_LOW:
	case VIRTIO_MMIO_SHM_LEN_HIGH:
		return ~0U;	/* there is no shared memory */
	default:
		return 0;
	}
}

static uint64_t virtio_read(void *device, uint64_t offset, unsigned int size)
{
	struct virtio *dev = device;
	uint64_t value = 0;

	if (offset >= VIRTIO_MMIO_CONFIG) {
		offset -= VIRTIO_MMIO_CONFIG;
		if (offset < dev->config_size && size <= dev->config_size - offset)
			memcpy(&value, (const uint8_t *)dev->config + offset, size);
		return value;
	}
	if (size != sizeof(uint32_t))
		return value;
	if (offset == VIRTIO_MMIO_INTERRUPT_STATUS)
		return dev->irq_status;
	pthread_mutex_lock(&dev->lock);
	value = read_register(dev, offset);
	pthread_mutex_unlock(&dev->lock);
	return value;
}

const struct mshv_device_ops virtio_ops = { .read = virtio_read, .write = virtio_write };
