// SPDX-License-Identifier: GPL-2.0-only
/*
 * The file of a snapshot: what is written is read again, and what is not whole or
 * makes no sense is refused before anything comes of it.
 */
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>

#include "builtin.h"
#include "no_ioctl.h"
#include "snapshot.h"
#include "vm.h"

#include "kselftest_harness.h"

#define PAGES	64		/* of the guest's memory */
#define CPUS	2

FIXTURE(snapshot) {
	char dir[32], path[64];
	struct mshv_memory memory;
	struct snapshot s;
};

/* All of these pages are zero but for their last byte. */
static const unsigned int used[] = { 0, 1, 5, 7, PAGES - 1 };

#define FILE_PAGES	(1 + CPUS * (MSHV_VP_STATE_COUNT + 1) + PAGES)

FIXTURE_SETUP(snapshot)
{
	unsigned int i;

	sprintf(self->dir, "/tmp/mshv-snapshot-XXXXXX");
	ASSERT_NE(NULL, (void *)mkdtemp(self->dir));
	sprintf(self->path, "%s/file", self->dir);
	ASSERT_EQ(0, mshv_memory_init(&self->memory, PAGES * PAGE_SIZE));
	for (i = 0; i < ARRAY_SIZE(used); i++)
		self->memory.base[(used[i] + 1) * PAGE_SIZE - 1] = i + 1;
	ASSERT_EQ(0, snapshot_alloc(&self->s, self->path, CPUS));
	self->s.header->flags = SNAPSHOT_FLAT;
	self->s.header->reference_time = 12345;
	self->s.vps[1].count = MSHV_VP_STATE_REGISTERS;
	self->s.vps[1].registers[MSHV_VP_STATE_REGISTERS - 1].name = HV_X64_REGISTER_RIP;
	self->s.vps[1].pages[MSHV_VP_STATE_COUNT - 1][4095] = 0x5a;
	ASSERT_EQ(0, snapshot_write(&self->s, &self->memory, -1));
}

FIXTURE_TEARDOWN(snapshot)
{
	unlink(self->path);
	/* It fails if anything else was left there. */
	EXPECT_EQ(0, rmdir(self->dir));
	snapshot_free(&self->s);
	mshv_memory_destroy(&self->memory);
}

/* Open the file and read the memory that it says; complaints are not shown. */
static int read_back(const char *path)
{
	int null = open("/dev/null", O_WRONLY), saved = dup(STDERR_FILENO), ret;
	struct mshv_memory memory = { 0 };
	struct snapshot s;

	dup2(null, STDERR_FILENO);
	ret = snapshot_open(&s, path);
	if (!ret)
		ret = mshv_memory_init(&memory, s.header->memory) ||
		      snapshot_read_memory(&s, &memory);
	dup2(saved, STDERR_FILENO);
	mshv_memory_destroy(&memory);
	snapshot_free(&s);
	close(saved);
	close(null);
	return ret;
}

TEST_F(snapshot, is_read_as_it_was_written)
{
	struct mshv_memory memory;
	struct snapshot s;
	struct stat st;

	ASSERT_EQ(0, stat(self->path, &st));
	EXPECT_EQ(FILE_PAGES * PAGE_SIZE, st.st_size);
	EXPECT_EQ(0, st.st_mode & 077) TH_LOG("others could read the guest's memory");
	ASSERT_EQ(0, snapshot_open(&s, self->path));
	EXPECT_EQ(0, memcmp(s.header, self->s.header, PAGE_SIZE));
	EXPECT_EQ(0, memcmp(s.vps, self->s.vps, CPUS * sizeof(*s.vps)));
	ASSERT_EQ(PAGES * PAGE_SIZE, s.header->memory);
	ASSERT_EQ(0, mshv_memory_init(&memory, s.header->memory));
	ASSERT_EQ(0, snapshot_read_memory(&s, &memory));
	EXPECT_EQ(0, memcmp(memory.base, self->memory.base, PAGES * PAGE_SIZE));
	mshv_memory_destroy(&memory);
	snapshot_free(&s);
}

/* More than is written at once, of both kinds */
TEST_F(snapshot, what_is_zero_takes_no_room)
{
	const uint64_t size = 8 * MIB, full = 5 * MIB / 2;
	struct mshv_memory memory, again;
	struct snapshot s;
	struct stat st;

	ASSERT_EQ(0, mshv_memory_init(&memory, size));
	ASSERT_EQ(0, mshv_memory_init(&again, size));
	memset(memory.base + 3 * MIB, 0x5a, full);
	ASSERT_EQ(0, snapshot_write(&self->s, &memory, -1));
	ASSERT_EQ(0, stat(self->path, &st));
	EXPECT_LE(size, st.st_size);
	EXPECT_GT(3 * MIB, st.st_blocks * 512);
	ASSERT_EQ(0, snapshot_open(&s, self->path));
	ASSERT_EQ(0, snapshot_read_memory(&s, &again));
	EXPECT_EQ(0, memcmp(memory.base, again.base, size));
	snapshot_free(&s);
	mshv_memory_destroy(&memory);
	mshv_memory_destroy(&again);
}

TEST_F(snapshot, file_of_another_length_is_refused)
{
	off_t size;

	ASSERT_EQ(0, read_back(self->path));
	ASSERT_EQ(0, truncate(self->path, FILE_PAGES * PAGE_SIZE + 1));
	EXPECT_EQ(-1, read_back(self->path)) TH_LOG("a byte more");
	for (size = FILE_PAGES * PAGE_SIZE - 1; size > 0; size -= 1021) {
		ASSERT_EQ(0, truncate(self->path, size));
		EXPECT_EQ(-1, read_back(self->path)) TH_LOG("%ld bytes", (long)size);
	}
	ASSERT_EQ(0, truncate(self->path, 0));
	EXPECT_EQ(-1, read_back(self->path));
}

#define HEADER(field)	offsetof(struct snapshot_header, field)
#define VP0(field)	(PAGE_SIZE + offsetof(struct mshv_vp_state, field))

TEST_F(snapshot, nonsense_is_refused)
{
	static const struct {
		const char *what;
		off_t offset;
		unsigned int size;
		uint64_t value;
	} wrong[] = {
		{ "magic", HEADER(magic), 1, 'M' },
		{ "an older version", HEADER(version), 4, SNAPSHOT_VERSION - 1 },
		{ "a newer version", HEADER(version), 4, SNAPSHOT_VERSION + 1 },
		{ "flags", HEADER(flags), 4, 0x80 },
		{ "no processor", HEADER(cpus), 4, 0 },
		{ "one processor less", HEADER(cpus), 4, CPUS - 1 },
		{ "one processor more", HEADER(cpus), 4, CPUS + 1 },
		{ "many processors", HEADER(cpus), 4, 0xffffffff },
		{ "no memory", HEADER(memory), 8, 0 },
		{ "half a page", HEADER(memory), 8, PAGES * PAGE_SIZE + 2048 },
		{ "a page less", HEADER(memory), 8, (PAGES - 1) * PAGE_SIZE },
		{ "a page more", HEADER(memory), 8, (PAGES + 1) * PAGE_SIZE },
		{ "too much memory", HEADER(memory), 8, 1ULL << 47 },
		{ "all memory", HEADER(memory), 8, -PAGE_SIZE },
		{ "FIFO's head", HEADER(serial.head), 1, SERIAL_FIFO_SIZE },
		{ "FIFO's length", HEADER(serial.count), 1, SERIAL_FIFO_SIZE + 1 },
		{ "I/O APIC's lines", HEADER(ioapic.lines), 4, 1U << MSHV_IOAPIC_PINS },
		{ "registers", VP0(count), 4, MSHV_VP_STATE_REGISTERS + 1 },
	};
	uint64_t old;
	size_t i;
	int fd;

	fd = open(self->path, O_RDWR);
	ASSERT_LE(0, fd);
	for (i = 0; i < ARRAY_SIZE(wrong); i++) {
		ASSERT_EQ(wrong[i].size, pread(fd, &old, wrong[i].size, wrong[i].offset));
		ASSERT_EQ(wrong[i].size, pwrite(fd, &wrong[i].value, wrong[i].size,
						wrong[i].offset));
		EXPECT_EQ(-1, read_back(self->path)) TH_LOG("%s", wrong[i].what);
		ASSERT_EQ(wrong[i].size, pwrite(fd, &old, wrong[i].size, wrong[i].offset));
	}
	close(fd);
	EXPECT_EQ(0, read_back(self->path));
}

/* A disk that is full, for one; the fixture looks whether a part was left. */
TEST_F(snapshot, what_cannot_be_written_leaves_the_old_file)
{
	const struct rlimit small = { .rlim_cur = 3 * PAGE_SIZE, .rlim_max = RLIM_INFINITY };
	const struct rlimit large = { .rlim_cur = RLIM_INFINITY, .rlim_max = RLIM_INFINITY };
	struct snapshot s;

	signal(SIGXFSZ, SIG_IGN);
	ASSERT_EQ(0, setrlimit(RLIMIT_FSIZE, &small));
	self->s.header->reference_time = 99;
	EXPECT_EQ(STATUS_ERROR, snapshot_write(&self->s, &self->memory, -1));
	ASSERT_EQ(0, setrlimit(RLIMIT_FSIZE, &large));
	ASSERT_EQ(0, snapshot_open(&s, self->path));
	EXPECT_EQ(12345, s.header->reference_time);
	snapshot_free(&s);
	self->s.path = "/nowhere/file";
	EXPECT_EQ(STATUS_ERROR, snapshot_write(&self->s, &self->memory, -1));
}

/* Likewise */
TEST_F(snapshot, a_signal_ends_the_writing)
{
	struct snapshot s;
	sigset_t set;
	int signals;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	ASSERT_EQ(0, sigprocmask(SIG_BLOCK, &set, NULL));
	signals = signalfd(-1, &set, SFD_NONBLOCK);
	ASSERT_LE(0, signals);
	self->s.header->reference_time = 99;
	raise(SIGTERM);
	EXPECT_EQ(STATUS_SIGNAL + SIGTERM, snapshot_write(&self->s, &self->memory, signals));
	ASSERT_EQ(0, snapshot_open(&s, self->path));
	EXPECT_EQ(12345, s.header->reference_time);
	snapshot_free(&s);
	/* It was taken: the next one is written. */
	EXPECT_EQ(0, snapshot_write(&self->s, &self->memory, signals));
	ASSERT_EQ(0, snapshot_open(&s, self->path));
	EXPECT_EQ(99, s.header->reference_time);
	snapshot_free(&s);
	close(signals);
}

TEST_HARNESS_MAIN
