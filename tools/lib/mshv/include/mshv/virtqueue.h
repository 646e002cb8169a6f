/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * libmshv: split virtqueues (virtio 1.2, section 2.7): what a guest's driver and a device
 * of ours share. Everything in them is the guest's to write, at any moment.
 */
#ifndef MSHV_VIRTQUEUE_H
#define MSHV_VIRTQUEUE_H

#include <stdbool.h>
#include <sys/uio.h>

#include <mshv/memory.h>

#ifdef __cplusplus
extern "C" {
#endif

#define MSHV_VIRTQUEUE_MAX	128	/* descriptors; also the most that are in one chain */

/* <linux/virtio_ring.h> has them: not included, as it does not compile as C++. */
struct vring_desc;
struct vring_avail;
struct vring_used;

/* The parts of a queue, in the order of their registers */
enum { MSHV_VRING_DESC, MSHV_VRING_AVAIL, MSHV_VRING_USED, MSHV_VRING_PARTS };

/**
 * struct mshv_virtqueue - a queue
 * @size: number of descriptors that the driver has chosen
 * @gpa: where it has its parts
 * @ready: the queue is in use; what is above has been checked and stays
 * @next_avail: how many chains were taken
 * @next_used: how many were given back
 * @memory: the guest's memory
 * @desc: the descriptors
 * @avail: the available ring
 * @used: the used ring
 */
struct mshv_virtqueue {
	uint32_t size;
	uint64_t gpa[MSHV_VRING_PARTS];

	bool ready;
	uint16_t next_avail;
	uint16_t next_used;
	const struct mshv_memory *memory;
	const struct vring_desc *desc;
	const struct vring_avail *avail;
	struct vring_used *used;
};

/**
 * struct mshv_chain - the buffers of one request, all of them in the guest's memory
 * @head: its number, to give it back
 * @readable: how many buffers the device may read
 * @writable: how many it may write
 * @iov: the readable ones, then the writable ones
 */
struct mshv_chain {
	uint16_t head;
	unsigned int readable;
	unsigned int writable;
	struct iovec iov[MSHV_VIRTQUEUE_MAX];
};

/**
 * mshv_virtqueue_enable() - take a queue into use
 * @vq: the queue; @size and @gpa are as the driver wants them
 * @memory: the guest's memory
 *
 * Return: 0, or -1 if there can be no such queue.
 */
int mshv_virtqueue_enable(struct mshv_virtqueue *vq, const struct mshv_memory *memory);

/**
 * mshv_virtqueue_pop() - take the next chain
 * @vq: the queue
 * @chain: where it goes
 *
 * Each descriptor is read once and checked as it was read.
 *
 * Return: 1, 0 if there is none, or -1 if the driver breaks the rules; then the
 * queue must not be used until it is enabled again.
 */
int mshv_virtqueue_pop(struct mshv_virtqueue *vq, struct mshv_chain *chain);

/**
 * mshv_virtqueue_push() - give a chain back
 * @vq: the queue
 * @chain: the chain
 * @written: how many bytes of its writable buffers were written, from the first on
 */
void mshv_virtqueue_push(struct mshv_virtqueue *vq, const struct mshv_chain *chain,
			 uint32_t written);

/**
 * mshv_virtqueue_wants_interrupt() - does the driver want to hear of what was given back
 * @vq: the queue
 *
 * Return: true if it does.
 */
bool mshv_virtqueue_wants_interrupt(const struct mshv_virtqueue *vq);

/**
 * mshv_iov_size() - how much buffers hold together
 * @iov: the buffers
 * @count: how many
 *
 * Return: bytes.
 */
size_t mshv_iov_size(const struct iovec *iov, unsigned int count);

/**
 * mshv_iov_read() - take the first bytes of buffers
 * @iov: the buffers, which are without them afterwards
 * @count: how many
 * @to: where to
 * @size: bytes
 *
 * Return: how many bytes there were, at most @size.
 */
size_t mshv_iov_read(struct iovec *iov, unsigned int count, void *to, size_t size);

/**
 * mshv_iov_write() - fill the first bytes of buffers
 * @iov: the buffers, which are without them afterwards
 * @count: how many
 * @from: where from
 * @size: bytes
 *
 * Return: how many bytes there was room for, at most @size.
 */
size_t mshv_iov_write(struct iovec *iov, unsigned int count, const void *from, size_t size);

#ifdef __cplusplus
}
#endif

#endif /* MSHV_VIRTQUEUE_H */
