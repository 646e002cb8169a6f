// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * Split virtqueues (virtio 1.2, section 2.7), without indirect descriptors and
 * event indices. Little-endian, as this machine is.
 */
#include <linux/virtio_ring.h>
#include <string.h>

#include <mshv/virtqueue.h>

#define LOAD(p)		__atomic_load_n(&(p), __ATOMIC_RELAXED)

static void *ring_at(const struct mshv_memory *memory, uint64_t gpa, uint64_t size,
		     uint64_t alignment)
{
	return gpa % alignment ? NULL : mshv_memory_at(memory, gpa, size);
}

int mshv_virtqueue_enable(struct mshv_virtqueue *vq, const struct mshv_memory *memory)
{
	const uint64_t *gpa = vq->gpa, n = vq->size;

	if (!n || n > MSHV_VIRTQUEUE_MAX || n & (n - 1))
		return -1;
	vq->memory = memory;
	vq->desc = ring_at(memory, gpa[MSHV_VRING_DESC], n * sizeof(*vq->desc),
			   VRING_DESC_ALIGN_SIZE);
	vq->avail = ring_at(memory, gpa[MSHV_VRING_AVAIL],
			    sizeof(*vq->avail) + n * sizeof(__virtio16), VRING_AVAIL_ALIGN_SIZE);
	vq->used = ring_at(memory, gpa[MSHV_VRING_USED],
			   sizeof(*vq->used) + n * sizeof(struct vring_used_elem),
			   VRING_USED_ALIGN_SIZE);
	if (!vq->desc || !vq->avail || !vq->used)
		return -1;
	vq->next_avail = 0;
	vq->next_used = 0;
	vq->ready = true;
	return 0;
}

/* The guest may be at it with another processor: each field is loaded once. */
static struct vring_desc read_desc(const struct mshv_virtqueue *vq, unsigned int index)
{
	const struct vring_desc *desc = &vq->desc[index];

	return (struct vring_desc){
		.addr = LOAD(desc->addr),
		.len = LOAD(desc->len),
		.flags = LOAD(desc->flags),
		.next = LOAD(desc->next),
	};
}

int mshv_virtqueue_pop(struct mshv_virtqueue *vq, struct mshv_chain *chain)
{
	unsigned int index, count = 0;
	struct vring_desc desc;
	uint16_t pending;
	void *data;

	if (!vq->ready)
		return 0;
	pending = __atomic_load_n(&vq->avail->idx, __ATOMIC_ACQUIRE) - vq->next_avail;
	if (!pending)
		return 0;
	if (pending > vq->size)
		return -1;

	index = LOAD(vq->avail->ring[vq->next_avail % vq->size]);
	chain->head = index;
	chain->readable = 0;
	chain->writable = 0;
	do {
		/* A chain that is longer than its queue goes round in a circle. */
		if (index >= vq->size || count == vq->size)
			return -1;
		desc = read_desc(vq, index);
		data = mshv_memory_at(vq->memory, desc.addr, desc.len);
		if (!data || desc.flags & VRING_DESC_F_INDIRECT)
			return -1;
		if (desc.flags & VRING_DESC_F_WRITE)
			chain->writable++;
		else if (!chain->writable)
			chain->readable++;
		else
			return -1;
		chain->iov[count++] = (struct iovec){ data, desc.len };
		index = desc.next;
	} while (desc.flags & VRING_DESC_F_NEXT);
	vq->next_avail++;
	return 1;
}

void mshv_virtqueue_push(struct mshv_virtqueue *vq, const struct mshv_chain *chain,
			 uint32_t written)
{
	struct vring_used_elem *elem = &vq->used->ring[vq->next_used++ % vq->size];

	elem->id = chain->head;
	elem->len = written;
	__atomic_store_n(&vq->used->idx, vq->next_used, __ATOMIC_RELEASE);
}

bool mshv_virtqueue_wants_interrupt(const struct mshv_virtqueue *vq)
{
	/* Neither side may miss the other's last word: idx is written, then flags are read. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return !(LOAD(vq->avail->flags) & VRING_AVAIL_F_NO_INTERRUPT);
}

size_t mshv_iov_size(const struct iovec *iov, unsigned int count)
{
	size_t size = 0;

	while (count--)
		size += iov++->iov_len;
	return size;
}

/* Returns the next piece, of at most @size bytes, and takes it off the buffer it is in */
static void *iov_take(struct iovec *iov, size_t size, size_t *part)
{
	uint8_t *base = iov->iov_base;

	*part = size < iov->iov_len ? size : iov->iov_len;
	iov->iov_base = base + *part;
	iov->iov_len -= *part;
	return base;
}

size_t mshv_iov_read(struct iovec *iov, unsigned int count, void *to, size_t size)
{
	size_t done, part;
	void *piece;

	for (done = 0; count--; done += part) {
		piece = iov_take(iov++, size - done, &part);
		memcpy((uint8_t *)to + done, piece, part);
	}
	return done;
}

size_t mshv_iov_write(struct iovec *iov, unsigned int count, const void *from, size_t size)
{
	size_t done, part;
	void *piece;

	for (done = 0; count--; done += part) {
		piece = iov_take(iov++, size - done, &part);
		memcpy(piece, (const uint8_t *)from + done, part);
	}
	return done;
}
