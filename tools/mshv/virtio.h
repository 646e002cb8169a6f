/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * virtio devices on virtio-mmio (virtio 1.2, section 4.2), each with a thread of
 * its own that does the work.
 *
 * A notification of the driver's is an eventfd (kick) and no exit to us, once it
 * is an ioeventfd; an interrupt is an eventfd (irq) and no ioctl, once it is an
 * irqfd. devices.c makes them that.
 */
#ifndef MSHV_VIRTIO_H
#define MSHV_VIRTIO_H

#include <linux/virtio_mmio.h>
#include <pthread.h>
#include <stdatomic.h>

#include <mshv/bus.h>
#include <mshv/virtqueue.h>

#include "layout.h"

#define VIRTIO_QUEUES	2

/*
 * A device, which begins what its maker has allocated. The first part is set by that:
 * what is told to the driver; the file that it is about (or -1), for which the thread
 * waits if there are events (of poll()), which @work may change; and
 *
 * @work: do what there is to do on the queues, in bounded time; returns 1 if there
 *	is more to do, 0 if not, -1 if the driver breaks the rules
 *
 * The lock guards the registers and queues; @work is called with it. @irq_status
 * and what is counted have no lock.
 */
struct virtio {
	const char *name;
	uint32_t id;
	uint64_t features;
	const void *config;
	size_t config_size;
	unsigned int queue_count;
	int file;
	short events;
	int (*work)(struct virtio *dev);

	const struct mshv_memory *memory;
	int kick, irq;
	pthread_t thread;
	bool started;
	atomic_bool stop;
	atomic_uint irq_status;
	atomic_ulong kicks, own_kicks, exits, interrupts;

	pthread_mutex_t lock;
	uint32_t status;
	uint32_t features_select, driver_select, queue_select;
	uint64_t driver_features;
	struct mshv_virtqueue queues[VIRTIO_QUEUES];
};

/* The registers */
extern const struct mshv_device_ops virtio_ops;

/**
 * virtio_init() - bring a device to life, or complain
 * @dev: the device; the first part of it is set
 * @memory: the guest's memory
 *
 * Return: 0, or -1 after a complaint.
 */
int virtio_init(struct virtio *dev, const struct mshv_memory *memory);

/**
 * virtio_start() - start the device's thread, or complain
 * @dev: the device
 *
 * Return: 0, or -1 after a complaint.
 */
int virtio_start(struct virtio *dev);

/**
 * virtio_destroy() - stop a device's thread and free the device
 * @dev: the device
 */
void virtio_destroy(struct virtio *dev);

/**
 * virtio_serve() - take chains off a queue, do what they ask for, and give them back
 * @dev: the device, whose lock is held
 * @vq: the queue
 * @ready: is the device ready for the next one; asked before it is taken
 * @handle: does it; returns how many bytes of its buffers were written, or -1 if the
 *	driver breaks the rules
 *
 * The guest is interrupted if the driver wants that.
 *
 * Return: as @work of struct virtio, 0 only if the queue is empty.
 */
int virtio_serve(struct virtio *dev, struct mshv_virtqueue *vq, bool (*ready)(struct virtio *dev),
		 int64_t (*handle)(struct virtio *dev, struct mshv_chain *chain));

/**
 * blk_open() - a disk, or complain
 * @spec: the path of a file or block device, with ",readonly" after it if it is not
 *	to be written
 *
 * Return: the device, or NULL after a complaint.
 */
struct virtio *blk_open(const char *spec);

/**
 * net_open() - a network interface, or complain
 * @spec: "tap=" and the name of an interface, or "socket=" and the path of a Unix
 *	socket on which each frame has its length before it
 *
 * Return: the device, or NULL after a complaint.
 */
struct virtio *net_open(const char *spec);

#endif /* MSHV_VIRTIO_H */
