// SPDX-License-Identifier: GPL-2.0-only
/*
 * A disk (virtio 1.2, section 5.2): a file or a block device, one request after
 * the other.
 */
#include <fcntl.h>
#include <limits.h>
#include <linux/virtio_blk.h>
#include <linux/virtio_ids.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "util.h"
#include "virtio.h"

#define SECTOR		512
#define READONLY	",readonly"
#define FEATURE(name)	(1ULL << VIRTIO_BLK_F_##name)

struct blk {
	struct virtio virtio;
	struct virtio_blk_config config;
};

static uint8_t transfer(struct blk *blk, const struct iovec *iov, unsigned int count,
			uint64_t sector, bool write)
{
	uint64_t capacity = blk->config.capacity, size = mshv_iov_size(iov, count);
	ssize_t done;

	if (size % SECTOR || sector > capacity || size / SECTOR > capacity - sector)
		return VIRTIO_BLK_S_IOERR;
	/* What is read-only was opened so, and refuses to be written to by itself. */
	done = (write ? pwritev : preadv)(blk->virtio.file, iov, count, sector * SECTOR);
	/* A driver that knows no flush expects every write to be on the disk. */
	if (write && !(blk->virtio.driver_features & FEATURE(FLUSH)) && fdatasync(blk->virtio.file))
		return VIRTIO_BLK_S_IOERR;
	return done == (ssize_t)size ? VIRTIO_BLK_S_OK : VIRTIO_BLK_S_IOERR;
}

/* A request: header and data to be read, data and status to be written */
static int64_t handle(struct virtio *dev, struct mshv_chain *chain)
{
	struct iovec *in = chain->iov + chain->readable, *last;
	struct blk *blk = (struct blk *)dev;
	struct virtio_blk_outhdr header;
	uint8_t *status;
	int64_t written = 1;

	if (mshv_iov_read(chain->iov, chain->readable, &header, sizeof(header)) !=
	    sizeof(header) || !chain->writable)
		return -1;
	last = &in[chain->writable - 1];
	if (!last->iov_len)
		return -1;
	last->iov_len--;
	status = (uint8_t *)last->iov_base + last->iov_len;

	switch (header.type) {
	case VIRTIO_BLK_T_IN:
		*status = transfer(blk, in, chain->writable, header.sector, false);
		written += mshv_iov_size(in, chain->writable);
		break;
	case VIRTIO_BLK_T_OUT:
		*status = transfer(blk, chain->iov, chain->readable, header.sector, true);
		break;
	case VIRTIO_BLK_T_FLUSH:
		*status = fdatasync(blk->virtio.file) ? VIRTIO_BLK_S_IOERR : VIRTIO_BLK_S_OK;
		break;
	default:
		*status = VIRTIO_BLK_S_UNSUPP;
	}
	return written;
}

/* A request can be of any size: between two of them the machine may end. */
static bool goes_on(struct virtio *dev)
{
	return !dev->stop;
}

static int blk_work(struct virtio *dev)
{
	return virtio_serve(dev, &dev->queues[0], goes_on, handle);
}

/* Open the file and see whether it can be a disk; returns -1 after a complaint */
static int open_file(struct blk *blk, const char *path, bool readonly)
{
	off_t size;

	blk->virtio.file = open(path, (readonly ? O_RDONLY : O_RDWR) | O_CLOEXEC);
	size = blk->virtio.file < 0 ? -1 : lseek(blk->virtio.file, 0, SEEK_END);
	if (size < 0)
		return complain("--disk %s: %m", path);
	if (!size || size % SECTOR)
		return complain("--disk %s: its size is no multiple of %u bytes", path, SECTOR);
	/* Two guests that write to one disk destroy what is on it. */
	if (flock(blk->virtio.file, (readonly ? LOCK_SH : LOCK_EX) | LOCK_NB))
		return complain("--disk %s: in use", path);
	blk->config.capacity = size / SECTOR;
	blk->config.seg_max = MSHV_VIRTQUEUE_MAX - 2;	/* header and status */
	return 0;
}

struct virtio *blk_open(const char *spec)
{
	size_t length = strlen(spec), option = strlen(READONLY);
	bool readonly = length > option && !strcmp(spec + length - option, READONLY);
	struct blk *blk = calloc(1, sizeof(*blk));
	char path[PATH_MAX];

	if (!blk) {
		complain("out of memory");
		return NULL;
	}
	snprintf(path, sizeof(path), "%.*s", (int)(length - (readonly ? option : 0)), spec);
	blk->virtio = (struct virtio){
		.name = "disk",
		.id = VIRTIO_ID_BLOCK,
		.features = FEATURE(SEG_MAX) | FEATURE(FLUSH) | (readonly ? FEATURE(RO) : 0),
		.config = &blk->config,
		.config_size = sizeof(blk->config),
		.queue_count = 1,
		.work = blk_work,
	};
	if (!open_file(blk, path, readonly))
		return &blk->virtio;
	if (blk->virtio.file >= 0)
		close(blk->virtio.file);
	free(blk);
	return NULL;
}
