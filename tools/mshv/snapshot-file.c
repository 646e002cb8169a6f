// SPDX-License-Identifier: GPL-2.0-only
/*
 * The file of a snapshot. Whoever wrote it is not trusted: nothing in it is used
 * before it has been checked.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "snapshot.h"
#include "vm.h"

#define MEMORY_MAX	((uint64_t)1 << 46)	/* as memory_init() has it */

static void *alloc_pages(size_t size)
{
	void *p = aligned_alloc(PAGE_SIZE, size);

	if (p)
		memset(p, 0, size);
	return p;
}

static size_t vps_size(const struct snapshot *s)
{
	return s->header->cpus * sizeof(*s->vps);
}

/* The table of runs fills whole pages. */
static uint64_t runs_size(const struct snapshot *s)
{
	return align_up(s->header->runs * sizeof(*s->runs), PAGE_SIZE);
}

int snapshot_alloc(struct snapshot *s, const char *path, uint32_t cpus)
{
	memset(s, 0, sizeof(*s));
	s->path = path;
	s->fd = -1;
	s->header = alloc_pages(sizeof(*s->header));
	s->vps = alloc_pages(cpus * sizeof(*s->vps));
	if (!s->header || !s->vps)
		return complain("%s: out of memory", path);
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
	free(s->runs);
	memset(s, 0, sizeof(*s));
	s->fd = -1;
}

/* ---- Writing ---- */

static bool page_is_zero(const uint8_t *page)
{
	/* Its first bytes are zero, and each of the others is the same as one before it. */
	return !page[0] && !memcmp(page, page + 1, PAGE_SIZE - 1);
}

/* Find the pages that are not zero. */
static int find_runs(struct snapshot *s, const struct guest_memory *memory)
{
	uint64_t pages = (memory->low + memory->high) / PAGE_SIZE, i;
	struct snapshot_run *run = NULL;
	uint32_t room = 0, used = 0;

	for (i = 0; i < pages; i++) {
		if (page_is_zero(memory->base + i * PAGE_SIZE)) {
			run = NULL;
			continue;
		}
		if (run) {
			run->count++;
			continue;
		}
		if (used == room) {
			room += PAGE_SIZE / sizeof(*run);
			run = realloc(s->runs, room * sizeof(*run));
			if (!run)
				return complain("%s: out of memory", s->path);
			s->runs = run;
			memset(run + used, 0, PAGE_SIZE);
		}
		run = &s->runs[used++];
		run->first = i;
		run->count = 1;
	}
	s->header->runs = used;
	return 0;
}

static int write_parts(const struct snapshot *s, int fd, const struct guest_memory *memory)
{
	uint32_t i;

	if (write_all(fd, s->header, sizeof(*s->header)) ||
	    write_all(fd, s->vps, vps_size(s)) || write_all(fd, s->runs, runs_size(s)))
		return -1;
	for (i = 0; i < s->header->runs; i++) {
		if (write_all(fd, memory->base + s->runs[i].first * PAGE_SIZE,
			      s->runs[i].count * PAGE_SIZE))
			return -1;
	}
	return fsync(fd);
}

int snapshot_write(struct snapshot *s, const struct guest_memory *memory)
{
	char *temporary;
	int fd, ret = 0;

	s->header->memory = memory->low + memory->high;
	if (find_runs(s, memory))
		return -1;
	/* Beside the file: whoever finds one under its name finds a whole one. */
	if (asprintf(&temporary, "%s.XXXXXX", s->path) < 0)
		return complain("%s: out of memory", s->path);
	fd = mkostemp(temporary, O_CLOEXEC);
	if (fd < 0) {
		ret = complain("%s: %s", temporary, strerror(errno));
		free(temporary);
		return ret;
	}
	if (write_parts(s, fd, memory) || rename(temporary, s->path)) {
		ret = complain("%s: %s", s->path, strerror(errno));
		unlink(temporary);
	}
	close(fd);
	free(temporary);
	return ret;
}

/* ---- Reading ---- */

static int bad(const struct snapshot *s, const char *what)
{
	return complain("%s: not a snapshot that can be used: %s", s->path, what);
}

static int read_at(const struct snapshot *s, void *data, uint64_t size, uint64_t offset)
{
	uint8_t *p = data;
	ssize_t n;

	while (size) {
		n = pread(s->fd, p, size, offset);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return complain("%s: %s", s->path, strerror(errno));
		if (!n)
			return bad(s, "it is too short");
		p += n;
		offset += n;
		size -= n;
	}
	return 0;
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
	if (!h->memory || h->memory > MEMORY_MAX || h->memory % PAGE_SIZE)
		return bad(s, "size of the memory");
	if (h->serial.head >= SERIAL_FIFO_SIZE || h->serial.count > SERIAL_FIFO_SIZE)
		return bad(s, "state of the serial line");
	if (h->ioapic.lines >> IOAPIC_PINS)
		return bad(s, "state of the I/O APIC");
	/* Each run has a page at least: no more is asked of our own memory than the file has. */
	if (size < sizeof(*h) + vps_size(s) + runs_size(s) + h->runs * PAGE_SIZE)
		return bad(s, "it is too short");
	return 0;
}

/* Runs are in order, do not touch each other, and are all that is in the file. */
static int check_runs(const struct snapshot *s, uint64_t size)
{
	uint64_t end = s->header->memory / PAGE_SIZE, next = 0, pages = 0;
	const struct snapshot_run *run;

	for (run = s->runs; run < s->runs + s->header->runs; run++) {
		if (run->first < next || run->first >= end || !run->count ||
		    run->count > end - run->first)
			return bad(s, "where its memory goes");
		next = run->first + run->count;
		pages += run->count;
	}
	if (size != sizeof(*s->header) + vps_size(s) + runs_size(s) + pages * PAGE_SIZE)
		return bad(s, "its size");
	return 0;
}

int snapshot_open(struct snapshot *s, const char *path)
{
	struct stat st;
	uint32_t i;

	memset(s, 0, sizeof(*s));
	s->path = path;
	s->fd = open(path, O_RDONLY | O_CLOEXEC);
	if (s->fd < 0 || fstat(s->fd, &st))
		return complain("%s: %s", path, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return complain("%s: not a regular file", path);
	s->header = alloc_pages(sizeof(*s->header));
	if (!s->header)
		return complain("%s: out of memory", path);
	if (read_at(s, s->header, sizeof(*s->header), 0) || check_header(s, st.st_size))
		return -1;

	s->vps = alloc_pages(vps_size(s));
	s->runs = malloc(runs_size(s) + 1);
	if (!s->vps || !s->runs)
		return complain("%s: out of memory", path);
	if (read_at(s, s->vps, vps_size(s), sizeof(*s->header)) ||
	    read_at(s, s->runs, runs_size(s), sizeof(*s->header) + vps_size(s)) ||
	    check_runs(s, st.st_size))
		return -1;
	for (i = 0; i < s->header->cpus; i++) {
		if (s->vps[i].count > SNAPSHOT_REGISTERS)
			return bad(s, "number of registers");
	}
	return 0;
}

int snapshot_read_memory(const struct snapshot *s, const struct guest_memory *memory)
{
	uint64_t offset = sizeof(*s->header) + vps_size(s) + runs_size(s);
	const struct snapshot_run *run;

	for (run = s->runs; run < s->runs + s->header->runs; run++) {
		if (read_at(s, memory->base + run->first * PAGE_SIZE, run->count * PAGE_SIZE,
			    offset))
			return -1;
		offset += run->count * PAGE_SIZE;
	}
	return 0;
}
