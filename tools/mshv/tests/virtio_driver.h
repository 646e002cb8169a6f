/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The other side of a virtio device: a guest's driver, for tests.
 */
#ifndef MSHV_TESTS_VIRTIO_DRIVER_H
#define MSHV_TESTS_VIRTIO_DRIVER_H

#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>
#include <string.h>

#include "no_ioctl.h"
#include "util.h"
#include "virtio.h"

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
	struct mshv_memory memory;
	struct virtio *dev;
	unsigned int descs[VIRTIO_QUEUES];
};

static inline struct vring_desc *desc_of(struct driver *d, unsigned int queue)
{
	return (struct vring_desc *)(d->memory.base + DESC + queue * NEXT_QUEUE);
}

static inline struct vring_avail *avail_of(struct driver *d, unsigned int queue)
{
	return (struct vring_avail *)(d->memory.base + AVAIL + queue * NEXT_QUEUE);
}

static inline struct vring_used *used_of(struct driver *d, unsigned int queue)
{
	return (struct vring_used *)(d->memory.base + USED + queue * NEXT_QUEUE);
}

static inline void out(struct driver *d, uint64_t offset, uint32_t value)
{
	virtio_ops.write(d->dev, offset, 4, value);
}

static inline uint32_t in(struct driver *d, uint64_t offset)
{
	return virtio_ops.read(d->dev, offset, 4);
}

static inline void set_queue(struct driver *d, unsigned int queue)
{
	out(d, VIRTIO_MMIO_QUEUE_SEL, queue);
	out(d, VIRTIO_MMIO_QUEUE_NUM, QUEUE_SIZE);
	out(d, VIRTIO_MMIO_QUEUE_DESC_LOW, DESC + queue * NEXT_QUEUE);
	out(d, VIRTIO_MMIO_QUEUE_AVAIL_LOW, AVAIL + queue * NEXT_QUEUE);
	out(d, VIRTIO_MMIO_QUEUE_USED_LOW, USED + queue * NEXT_QUEUE);
	out(d, VIRTIO_MMIO_QUEUE_READY, 1);
}

static inline void set_features(struct driver *d, uint64_t features)
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
static inline void bring_up(struct driver *d)
{
	unsigned int queue;

	memset(d->memory.base + DESC, 0, DATA - DESC);
	memset(d->descs, 0, sizeof(d->descs));
	set_features(d, d->dev->features);
	for (queue = 0; queue < d->dev->queue_count; queue++)
		set_queue(d, queue);
	out(d, VIRTIO_MMIO_STATUS, in(d, VIRTIO_MMIO_STATUS) | VIRTIO_CONFIG_S_DRIVER_OK);
}

static inline bool is_broken(struct driver *d)
{
	return in(d, VIRTIO_MMIO_STATUS) & VIRTIO_CONFIG_S_NEEDS_RESET;
}

static inline void add_desc(struct driver *d, unsigned int queue, uint64_t addr, uint32_t len,
			    uint16_t flags)
{
	unsigned int i = d->descs[queue]++;

	desc_of(d, queue)[i] = (struct vring_desc){ addr, len, flags, i + 1 };
}

static inline void offer(struct driver *d, unsigned int queue, uint16_t head)
{
	struct vring_avail *avail = avail_of(d, queue);

	avail->ring[avail->idx++ % QUEUE_SIZE] = head;
}

/* A chain of one buffer */
static inline void offer_buffer(struct driver *d, unsigned int queue, uint64_t addr, uint32_t size,
				uint16_t flags)
{
	offer(d, queue, d->descs[queue]);
	add_desc(d, queue, addr, size, flags);
}

#endif /* MSHV_TESTS_VIRTIO_DRIVER_H */
