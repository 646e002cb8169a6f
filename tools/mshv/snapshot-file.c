// SPDX-License-Identifier: GPL-2.0-only
/*
 * The file of a snapshot. Whoever wrote it is not trusted: nothing in it is used
 * before it has been checked.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "builtin.h"
#include "snapshot.h"
#include "vm.h"

#define CHUNK	MIB	/* the most that is written between two looks at signals */

/* Pages of zeros, or a complaint */
static void *alloc_pages(const struct snapshot *s, size_t size)
{
	void *p = aligned_alloc(PAGE_SIZE, size);

	if (!p)
		complain("%s: out of memory", s->path);
	return p ? memset(p, 0, size) : NULL;
}

/* Where the memory begins, behind the processors */
static uint64_t memory_offset(const struct snapshot *s)
{
	return sizeof(*s->header) + s->header->cpus * sizeof(*s->vps);
}

int snapshot_alloc(struct snapshot *s, const char *path, uint32_t cpus)
{
	*s = (struct snapshot){ .path = path, .fd = -1 };
	s->header = alloc_pages(s, sizeof(*s->header));
	s->vps = s->header ? alloc_pages(s, cpus * sizeof(*s->vps)) : NULL;
	if (!s->vps)
		return -1;
	memcpy(s->header->magic, SNAPSHOT_MAGIC, sizeof(s->header->magic));
	s->header->version = SNAPSHOT_VERSION;
	s->header->cpus = cpus;
	return 0;
}

void snapshot_free(struct snapshot *s)
{
	if (s->fd >= 0)
		close(s->fd);
	free(s->header);
	free(s->vps);
	*s = (struct snapshot){ .fd = -1 };
}

/* ---- Writing ---- */

static bool page_is_zero(const uint8_t *page)
{
	/* Its first bytes are zero, and each of the others is the same as one before it. */
	return !page[0] && !memcmp(page, page + 1, PAGE_SIZE - 1);
}

/* How much of what is left of the memory is of one kind, zero or not */
static uint64_t run_length(const uint8_t *memory, uint64_t left, bool zero)
{
	uint64_t size = 0;

	while (size < left && size < CHUNK && page_is_zero(memory + size) == zero)
		size += PAGE_SIZE;
	return size;
}

/* Returns an exit status: STATUS_ERROR if errno says what is wrong */
static int write_parts(const struct snapshot *s, int fd, const struct mshv_memory *memory,
		       int signals)
{
	uint64_t size = s->header->memory, done, n;
	struct signalfd_siginfo info;
	bool zero = false;

	if (write_all(fd, s->header, sizeof(*s->header)) ||
	    write_all(fd, s->vps, memory_offset(s) - sizeof(*s->header)))
		return STATUS_ERROR;
	for (done = 0; done < size; done += n, zero = !zero) {
		n = run_length(memory->base + done, size - done, zero);
		if (zero ? lseek(fd, n, SEEK_CUR) < 0 : write_all(fd, memory->base + done, n))
			return STATUS_ERROR;
		if (signals >= 0 && read(signals, &info, sizeof(info)) == sizeof(info))
			return STATUS_SIGNAL + info.ssi_signo;
	}
	return ftruncate(fd, memory_offset(s) + size) || fsync(fd) ? STATUS_ERROR : STATUS_OK;
}

int snapshot_write(struct snapshot *s, const struct mshv_memory *memory, int signals)
{
	char *temporary;
	int fd, status;

	s->header->memory = memory->low + memory->high;
	/* Beside the file: whoever finds one under its name finds a whole one. */
	if (asprintf(&temporary, "%s.XXXXXX", s->path) < 0)
		temporary = NULL;
	fd = temporary ? mkostemp(temporary, O_CLOEXEC) : -1;
	status = fd < 0 ? STATUS_ERROR : write_parts(s, fd, memory, signals);
	if (!status && rename(temporary, s->path))
		status = STATUS_ERROR;
	if (status == STATUS_ERROR)
		complain("%s: %m", s->path);
	else if (status)
		complain("%s: not written: ended by a signal: %s", s->path,
			 strsignal(status - STATUS_SIGNAL));
	if (fd >= 0) {
		if (status)
			unlink(temporary);
		close(fd);
	}
	free(temporary);
	return status;
}

/* ---- Reading ---- */

static int bad(const struct snapshot *s, const char *what)
{
	return complain("%s: not a snapshot that can be used: %s", s->path, what);
}

static int read_part(const struct snapshot *s, void *data, size_t size, uint64_t offset)
{
	ssize_t n = read_all(s->fd, data, size, offset);

	if (n < 0)
		return complain("%s: %m", s->path);
	return (size_t)n == size ? 0 : bad(s, "it is too short");
}

static int check_header(const struct snapshot *s, uint64_t size)
{
	const struct snapshot_header *h = s->header;

	if (memcmp(h->magic, SNAPSHOT_MAGIC, sizeof(h->magic)))
		return bad(s, "it does not begin like one");
	if (h->version != SNAPSHOT_VERSION)
		return complain("%s: a snapshot of version %u; this is mshv for version %u",
				s->path, h->version, SNAPSHOT_VERSION);
	if (h->flags & ~SNAPSHOT_FLAGS_VALID)
		return bad(s, "unknown flags");
	if (!h->cpus || h->cpus > VM_MAX_CPUS)
		return bad(s, "number of processors");
	if (!h->memory || h->memory > MSHV_MEMORY_MAX || h->memory % PAGE_SIZE)
		return bad(s, "size of the memory");
	if (h->serial.head >= SERIAL_FIFO_SIZE || h->serial.count > SERIAL_FIFO_SIZE)
		return bad(s, "state of the serial line");
	if (h->ioapic.lines >> MSHV_IOAPIC_PINS)
		return bad(s, "state of the I/O APIC");
	return size == memory_offset(s) + h->memory ? 0 : bad(s, "its size");
}

int snapshot_open(struct snapshot *s, const char *path)
{
	struct stat st;
	uint32_t i;

	*s = (struct snapshot){ .path = path };
	s->fd = open(path, O_RDONLY | O_CLOEXEC);
	if (s->fd < 0 || fstat(s->fd, &st))
		return complain("%s: %m", path);
	if (!S_ISREG(st.st_mode))
		return complain("%s: not a regular file", path);
	s->header = alloc_pages(s, sizeof(*s->header));
	if (!s->header || read_part(s, s->header, sizeof(*s->header), 0) ||
	    check_header(s, st.st_size))
		return -1;

	s->vps = alloc_pages(s, s->header->cpus * sizeof(*s->vps));
	if (!s->vps || read_part(s, s->vps, s->header->cpus * sizeof(*s->vps), sizeof(*s->header)))
		return -1;
	for (i = 0; i < s->header->cpus; i++) {
		if (s->vps[i].count > MSHV_VP_STATE_REGISTERS)
			return bad(s, "number of registers");
	}
	return 0;
}

int snapshot_read_memory(const struct snapshot *s, const struct mshv_memory *memory)
{
	off_t offset = memory_offset(s), end = offset + s->header->memory, start, hole;

	/* What was never written stays untouched, and takes no room. */
	for (start = offset; start < end; start = hole) {
		start = lseek(s->fd, start, SEEK_DATA);
		hole = start < 0 ? start : lseek(s->fd, start, SEEK_HOLE);
		if (hole < 0 && errno == ENXIO)
			break;
		if (hole < 0)
			return complain("%s: %m", s->path);
		if (hole > end)
			hole = end;
		if (start < hole &&
		    read_part(s, memory->base + (start - offset), hole - start, start))
			return -1;
	}
	return 0;
}
