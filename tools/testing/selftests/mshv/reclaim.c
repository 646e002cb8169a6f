// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the host does to a guest's memory while the guest uses it: swap it out, merge
 * it, copy it at a fork, take it away, make it large pages and small ones.
 */
#include <fcntl.h>
#include <pthread.h>

#include "mshv_test.h"

#define REGION_GPA	0x40000000ULL
#define REGION_SIZE	(8ULL << 20)
#define REGION_PAGES	(REGION_SIZE / PAGE_SIZE)
#define MAPPED_SIZE	(REGION_SIZE + LARGE_PAGE)
#define LARGE_PAGE	(2ULL << 20)
#define DISK		"/dev/vda"	/* to swap to, and as a file */
#define HUGE_PAGES	"/proc/sys/vm/nr_hugepages"
#define MAX_HUGE_PAGES	12		/* the region, a fork's copy of it, and some */
#define KSM		"/sys/kernel/mm/ksm/"
#define NOTHING		0		/* what a page that was given up has */

#ifndef MADV_PAGEOUT
#define MADV_PAGEOUT	21
#endif
#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE	25
#endif

/*
 * The guest goes over the region again and again. In each page it finds the number of
 * the pass before, or if pages may be given up nothing, and leaves that of this one.
 */
static volatile bool guest_stop, guest_may_lose;

static GUEST_CODE void guest_counts(void)
{
	uint64_t pass, gpa, seen;

	for (pass = 1; !guest_stop; pass++) {
		for (gpa = REGION_GPA; gpa < REGION_GPA + REGION_SIZE; gpa += PAGE_SIZE) {
			seen = *(volatile uint64_t *)gpa;
			if (!guest_may_lose || seen != NOTHING)
				GUEST_ASSERT_EQ(seen, pass == 1 ? NOTHING : gpa + pass - 1);
			*(volatile uint64_t *)gpa = gpa + pass;
		}
		GUEST_SYNC_ARG(1, pass);
	}
	GUEST_DONE();
}

FIXTURE(guest) {
	struct test_vm vm;
	pthread_t thread;
	uint8_t *mem, *region;
	volatile uint64_t passes, intercepts;
	int file;
};

enum backing { ANONYMOUS, SHMEM, BLOCKS, HUGETLB };

FIXTURE_VARIANT(guest) {
	bool large;		/* the guest may have large pages */
	enum backing backing;
};

FIXTURE_VARIANT_ADD(guest, small_pages) { false, ANONYMOUS };
FIXTURE_VARIANT_ADD(guest, large_pages) { true, ANONYMOUS };
FIXTURE_VARIANT_ADD(guest, shmem) { true, SHMEM };
FIXTURE_VARIANT_ADD(guest, file) { false, BLOCKS };
FIXTURE_VARIANT_ADD(guest, hugetlb) { true, HUGETLB };

static bool is_memory_intercept(uint32_t type)
{
	return type == HVMSG_UNMAPPED_GPA || type == HVMSG_GPA_INTERCEPT;
}

/* An access that there is no memory for is tried again, until there is. */
static void *run_thread(void *arg)
{
	struct guest_fixture_data *self = arg;
	struct test_vm *vm = &self->vm;
	struct ucall uc;

	for (;;) {
		if (is_memory_intercept(vm_run(vm))) {
			self->intercepts++;
			usleep(500);
			continue;
		}
		memcpy(&uc, vm_guest_address(vm, (uint32_t)mshv_msg_io(&vm->vp.msg)->rax,
					     sizeof(uc)), sizeof(uc));
		vm_complete(vm);
		TEST_ASSERT(uc.cmd != UCALL_ABORT, "line %llu: 0x%llx, and not 0x%llx",
			    (unsigned long long)uc.args[1], (unsigned long long)uc.args[2],
			    (unsigned long long)uc.args[3]);
		if (uc.cmd == UCALL_DONE)
			return NULL;
		self->passes = uc.args[1];
	}
}

/* A number from a file: the only one, or that after @name; -1 if it is not there */
static long read_count(const char *path, const char *name)
{
	char line[128], word[64] = "";
	long value, found = -1;
	FILE *f = fopen(path, "r");

	if (!f)
		return -1;
	while (found < 0 && fgets(line, sizeof(line), f)) {
		if (!name)
			found = atol(line);
		else if (sscanf(line, "%63s %ld", word, &value) == 2 && !strcmp(word, name))
			found = value;
	}
	fclose(f);
	return found;
}

static bool write_count(const char *path, long value)
{
	FILE *f = fopen(path, "w");
	bool ok;

	if (!f)
		return false;
	ok = fprintf(f, "%ld", value) > 0;
	return !fclose(f) && ok;
}

/* Flags of mmap() for memory of a kind */
static int map_flags(enum backing backing)
{
	switch (backing) {
	case SHMEM:
		return MAP_SHARED | MAP_ANONYMOUS;
	case BLOCKS:
		return MAP_SHARED;
	case HUGETLB:
		return MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB;
	default:
		return MAP_PRIVATE | MAP_ANONYMOUS;
	}
}

/* A file that is written back, and in which the guest finds nothing at first */
static int open_disk(void)
{
	static const char nothing[1 << 16];
	int fd = open(DISK, O_RDWR | O_CLOEXEC);
	uint64_t done;

	for (done = 0; fd >= 0 && done < MAPPED_SIZE; done += sizeof(nothing))
		TEST_ASSERT(write(fd, nothing, sizeof(nothing)) == sizeof(nothing), "%s",
			    strerror(errno));
	return fd;
}

FIXTURE_SETUP(guest)
{
	memset(self, 0, sizeof(*self));
	self->file = -1;
	if (!memory_is("movable"))
		SKIP(return, "memory is pinned");
	if (variant->backing == BLOCKS) {
		self->file = open_disk();
		if (self->file < 0)
			SKIP(return, "no disk");
	}
	if (variant->backing == HUGETLB && (!write_count(HUGE_PAGES, MAX_HUGE_PAGES) ||
					    read_count(HUGE_PAGES, NULL) != MAX_HUGE_PAGES))
		SKIP(return, "no 2 MiB pages");
	self->mem = mmap(NULL, MAPPED_SIZE, PROT_READ | PROT_WRITE, map_flags(variant->backing),
			 self->file, 0);
	ASSERT_NE(MAP_FAILED, (void *)self->mem);
	self->region = (uint8_t *)(((uintptr_t)self->mem + LARGE_PAGE - 1) & ~(LARGE_PAGE - 1));
	madvise(self->region, REGION_SIZE, variant->large ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
	vm_init_long(&self->vm, PT_LAPIC | (variant->large ? BIT(MSHV_PT_BIT_GPA_SUPER_PAGES) : 0),
		     guest_counts);
	ASSERT_OK(mshv_map_memory(self->vm.partition, REGION_GPA, self->region, REGION_SIZE,
				  MEM_RW));
}

static void start(struct guest_fixture_data *self)
{
	TEST_ASSERT(!pthread_create(&self->thread, NULL, run_thread, self), "no thread");
	while (self->passes < 2)
		usleep(1000);
}

/* Let the guest end its pass; all that it has written is there. */
static void stop(struct __test_metadata *_metadata, struct guest_fixture_data *self)
{
	uint64_t i, seen, expected, wrong = 0;

	*vm_guest_variable(&self->vm, guest_stop) = true;
	pthread_join(self->thread, NULL);
	for (i = 0; i < REGION_SIZE; i += PAGE_SIZE) {
		seen = *(volatile uint64_t *)(self->region + i);
		expected = REGION_GPA + i + self->passes;
		wrong += seen != expected && !(guest_may_lose && seen == NOTHING);
	}
	EXPECT_EQ(0, wrong) TH_LOG("pages that the guest and its process see differently");
}

FIXTURE_TEARDOWN(guest)
{
	vm_destroy(&self->vm);
	munmap(self->mem, MAPPED_SIZE);
	close(self->file);
	if (variant->backing == HUGETLB) {
		EXPECT_TRUE(write_count(HUGE_PAGES, 0));
		EXPECT_EQ(0, read_count(HUGE_PAGES, NULL)) TH_LOG("a page is still in use");
	}
}

static void next_pass(struct guest_fixture_data *self)
{
	uint64_t now = self->passes;

	while (self->passes == now)
		usleep(500);
}

TEST_F_TIMEOUT(guest, survives_swapping, 60)
{
	unsigned int i, rounds = test_rounds(2, 20);
	long before, after;

	TEST_REQUIRE(variant->backing == ANONYMOUS || variant->backing == SHMEM,
		     "only anonymous memory is swapped out");
	TEST_REQUIRE(!access(DISK, W_OK), "no disk to swap to");
	if (system("mkswap " DISK " >/dev/null && swapon " DISK))
		SKIP(return, "no swap space");
	before = read_count("/proc/vmstat", "pswpout");
	start(self);
	for (i = 0; i < rounds; i++) {
		ASSERT_EQ(0, madvise(self->region, REGION_SIZE, MADV_PAGEOUT));
		next_pass(self);
	}
	stop(_metadata, self);
	after = read_count("/proc/vmstat", "pswpout");
	TH_LOG("%ld pages swapped out, %llu passes", after - before,
	       (unsigned long long)self->passes);
	EXPECT_LT(before, after);
	EXPECT_EQ(0, system("swapoff " DISK));
}

/* The guest writes, and the kernel has it written to the disk, which makes pages read-only. */
TEST_F_TIMEOUT(guest, is_written_back_to_its_file, 60)
{
	unsigned int i, rounds = test_rounds(5, 50), wrong = 0;
	uint64_t *page = mem_alloc(PAGE_SIZE);
	int direct;

	TEST_REQUIRE(variant->backing == BLOCKS, "there is no file");
	direct = open(DISK, O_RDONLY | O_DIRECT | O_CLOEXEC);
	ASSERT_LE(0, direct);
	start(self);
	for (i = 0; i < rounds; i++) {
		ASSERT_EQ(0, msync(self->region, REGION_SIZE, MS_SYNC));
		ASSERT_EQ(0, madvise(self->region, REGION_SIZE, MADV_PAGEOUT));
		next_pass(self);
	}
	stop(_metadata, self);
	ASSERT_EQ(0, msync(self->region, REGION_SIZE, MS_SYNC));
	for (i = 0; i < REGION_PAGES; i++) {
		ASSERT_EQ(PAGE_SIZE, pread(direct, page, PAGE_SIZE,
					   self->region - self->mem + i * PAGE_SIZE));
		wrong += page[0] != REGION_GPA + i * PAGE_SIZE + self->passes;
	}
	EXPECT_EQ(0, wrong) TH_LOG("pages that the disk has not got");
	close(direct);
}

TEST_F_TIMEOUT(guest, pages_given_up_are_new_ones, 60)
{
	unsigned int i, page, seed = 5, rounds = test_rounds(100, 2000);
	int advice = variant->backing == SHMEM ? MADV_REMOVE : MADV_DONTNEED;

	/* What is in a file is not given up like this. */
	TEST_REQUIRE(variant->backing != BLOCKS, "there is a file");
	guest_may_lose = true;
	*vm_guest_variable(&self->vm, guest_may_lose) = true;
	start(self);
	for (i = 0; i < rounds; i++) {
		page = rand_r(&seed) % (REGION_PAGES - 16);
		if (variant->backing == HUGETLB) {
			ASSERT_EQ(0, madvise(self->region + page * PAGE_SIZE / LARGE_PAGE *
					     LARGE_PAGE, LARGE_PAGE, advice));
		} else {
			ASSERT_EQ(0, madvise(self->region + page * PAGE_SIZE,
					     (1 + i % 16) * PAGE_SIZE, advice));
		}
		if (i % 100 == 0)
			next_pass(self);
	}
	stop(_metadata, self);
}

TEST_F_TIMEOUT(guest, survives_merging, 60)
{
	static uint8_t *same;
	long sharing = 0;
	int i;

	TEST_REQUIRE(variant->backing == ANONYMOUS, "only private memory is merged");
	TEST_REQUIRE(write_count(KSM "pages_to_scan", 20000) &&
		     write_count(KSM "sleep_millisecs", 1), "no KSM");
	/* Pages that are alike, of which the guest then writes to each. */
	same = self->region;
	madvise(same, REGION_SIZE, MADV_NOHUGEPAGE);
	memset(same, 0, REGION_SIZE);
	for (i = 0; i < REGION_PAGES; i++)
		same[i * PAGE_SIZE + 8] = 1;
	ASSERT_EQ(0, madvise(same, REGION_SIZE, MADV_MERGEABLE));
	ASSERT_TRUE(write_count(KSM "run", 1));
	for (i = 0; i < 100 && sharing < 1000; i++) {
		usleep(100000);
		sharing = read_count(KSM "pages_sharing", NULL);
	}
	start(self);
	for (i = 0; i < test_rounds(2, 10); i++)
		next_pass(self);
	stop(_metadata, self);
	TH_LOG("%ld pages were merged", sharing);
	EXPECT_LT(0, sharing);
	for (i = 0; i < REGION_PAGES; i++) {
		ASSERT_EQ(1, same[i * PAGE_SIZE + 8]);
	}
	write_count(KSM "run", 2);
}

/* ---- Pages that are merged while the guest has them ---- */

#define MERGED_PAGES	512
#define MERGED_VALUE	0x4b534d4b534d4b53ULL
#define MERGED_ONE	77		/* the page that is then written to */

static volatile uint64_t guest_looks_wrong;

/* The same to every page; then another to one, and a look at all */
static GUEST_CODE void guest_writes_the_same(void)
{
	uint64_t i;

	for (i = 0; i < MERGED_PAGES; i++)
		*(volatile uint64_t *)(REGION_GPA + i * PAGE_SIZE) = MERGED_VALUE;
	GUEST_SYNC(1);
	*(volatile uint64_t *)(REGION_GPA + MERGED_ONE * PAGE_SIZE) = MERGED_ONE;
	for (i = 0; i < MERGED_PAGES; i++)
		guest_looks_wrong += *(volatile uint64_t *)(REGION_GPA + i * PAGE_SIZE) !=
				     (i == MERGED_ONE ? MERGED_ONE : MERGED_VALUE);
	GUEST_SYNC_ARG(2, guest_looks_wrong);
	GUEST_DONE();
}

/* The guest could write to each of them when it was merged, and finds its own later. */
TEST_TIMEOUT(pages_are_merged_while_the_guest_has_them, 60)
{
	const uint64_t size = MERGED_PAGES * PAGE_SIZE;
	unsigned int wrong = 0, i;
	struct test_vm vm;
	long sharing = 0;
	uint8_t *mem;

	TEST_REQUIRE(memory_is("movable"), "memory is pinned");
	TEST_REQUIRE(write_count(KSM "run", 2) && write_count(KSM "pages_to_scan", 20000) &&
		     write_count(KSM "sleep_millisecs", 1), "no KSM");
	mem = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, (void *)mem);
	madvise(mem, size, MADV_NOHUGEPAGE);
	vm_init_long(&vm, PT_LAPIC, guest_writes_the_same);
	ASSERT_OK(mshv_map_memory(vm.partition, REGION_GPA, mem, size, MEM_RW));
	vm_run_to_sync(&vm, 1);

	ASSERT_EQ(0, read_count(KSM "pages_sharing", NULL));
	ASSERT_EQ(0, madvise(mem, size, MADV_MERGEABLE));
	ASSERT_TRUE(write_count(KSM "run", 1));
	for (i = 0; i < 200 && sharing < MERGED_PAGES - 1; i++) {
		usleep(100000);
		sharing = read_count(KSM "pages_sharing", NULL);
	}
	TH_LOG("%ld pages were merged", sharing);
	EXPECT_LT(MERGED_PAGES / 2, sharing);
	EXPECT_EQ(0, vm_run_to_sync(&vm, 2)) TH_LOG("pages that the guest sees wrong");
	for (i = 0; i < MERGED_PAGES; i++)
		wrong += *(volatile uint64_t *)(mem + i * PAGE_SIZE) !=
			 (i == MERGED_ONE ? MERGED_ONE : MERGED_VALUE);
	EXPECT_EQ(0, wrong) TH_LOG("pages that the process sees wrong");
	EXPECT_LT(MERGED_PAGES / 2, read_count(KSM "pages_sharing", NULL));
	write_count(KSM "run", 2);
	vm_destroy(&vm);
	munmap(mem, size);
}

TEST_F_TIMEOUT(guest, survives_forks, 60)
{
	unsigned int i, rounds = test_rounds(4, 50);
	int status;
	pid_t pid;

	start(self);
	for (i = 0; i < rounds; i++) {
		pid = fork();
		if (!pid) {
			/* The child's copy is its own, shared memory is not. */
			if (map_flags(variant->backing) & MAP_PRIVATE)
				memset(self->region, 0xee, REGION_SIZE);
			_exit(0);
		}
		ASSERT_LT(0, pid);
		ASSERT_EQ(pid, waitpid(pid, &status, 0));
		ASSERT_EQ(0, status);
		next_pass(self);
	}
	stop(_metadata, self);
}

/* Protection that comes and goes, pages that are moved, collapsed and split */
TEST_F_TIMEOUT(guest, survives_being_moved, 60)
{
	unsigned int i, rounds = test_rounds(3, 30);

	start(self);
	for (i = 0; i < rounds; i++) {
		write_count("/proc/sys/vm/compact_memory", 1);
		madvise(self->region, REGION_SIZE, MADV_COLLAPSE);
		next_pass(self);
		madvise(self->region + i * PAGE_SIZE, PAGE_SIZE, MADV_PAGEOUT);
		madvise(self->region, REGION_SIZE, i % 2 ? MADV_COLD : MADV_HUGEPAGE);
	}
	stop(_metadata, self);
}

/* Other memory in its place, at once; and no memory, until there is some again */
TEST_F_TIMEOUT(guest, survives_remapping, 60)
{
	const uint64_t piece = variant->backing == HUGETLB ? LARGE_PAGE : 16 * PAGE_SIZE;
	unsigned int i, seed = 7, rounds = test_rounds(40, 400);
	int flags = map_flags(variant->backing) | MAP_FIXED;
	uint64_t seen, offset;
	uint8_t *at;

	/* The same part of a file has what it had. */
	guest_may_lose = variant->backing != BLOCKS;
	*vm_guest_variable(&self->vm, guest_may_lose) = guest_may_lose;
	start(self);
	for (i = 0; i < rounds; i++) {
		offset = rand_r(&seed) % (REGION_SIZE / piece) * piece;
		at = self->region + offset;
		if (i % 4 == 0) {
			ASSERT_EQ(0, munmap(at, piece));
			seen = self->intercepts;
			while (self->intercepts == seen)
				usleep(500);
		}
		ASSERT_EQ((void *)at, mmap(at, piece, PROT_READ | PROT_WRITE, flags, self->file,
					   self->file < 0 ? 0 : at - self->mem));
		if (i % 10 == 0)
			next_pass(self);
	}
	stop(_metadata, self);
}

/* Regions go and come under the guest: it gets intercepts, and goes on where it was. */
TEST_F_TIMEOUT(guest, survives_the_loss_of_its_region, 60)
{
	unsigned int i, rounds = test_rounds(10, 200);
	uint64_t seen, passes;

	start(self);
	for (i = 0; i < rounds; i++) {
		seen = self->intercepts;
		ASSERT_OK(mshv_unmap_memory(self->vm.partition, REGION_GPA, self->region,
					    REGION_SIZE));
		while (self->intercepts < seen + 2)
			usleep(500);
		passes = self->passes;
		usleep(2000);
		EXPECT_EQ(passes, self->passes) TH_LOG("without memory");
		ASSERT_OK(mshv_map_memory(self->vm.partition, REGION_GPA, self->region,
					  REGION_SIZE, MEM_RW));
		EXPECT_EQ(-EEXIST, mshv_map_memory(self->vm.partition, REGION_GPA + PAGE_SIZE,
						   self->region, PAGE_SIZE, MEM_RW));
		next_pass(self);
	}
	stop(_metadata, self);
}

TEST_F_TIMEOUT(guest, is_stopped_where_memory_is_made_read_only, 60)
{
	const struct hv_x64_memory_intercept_message *mem;

	TEST_REQUIRE(variant->backing != HUGETLB, "large pages cannot be protected in part");
	vm_run_to_sync(&self->vm, 1);
	ASSERT_EQ(0, mprotect(self->region + PAGE_SIZE, PAGE_SIZE, PROT_READ));
	ASSERT_EQ(HVMSG_GPA_INTERCEPT, vm_run(&self->vm));
	mem = mshv_msg_memory(&self->vm.vp.msg);
	EXPECT_EQ(HV_INTERCEPT_ACCESS_WRITE, mem->header.intercept_access_type);
	EXPECT_EQ(REGION_GPA + PAGE_SIZE, mem->guest_physical_address & ~0xfffULL);
	ASSERT_EQ(0, mprotect(self->region + PAGE_SIZE, PAGE_SIZE, PROT_READ | PROT_WRITE));
	EXPECT_EQ(2, vm_run_to_sync(&self->vm, 1));
}

/* ---- A stack that is not there when an interrupt comes ---- */

#define STACK_VECTOR	0x61

static GUEST_CODE void guest_takes_interrupts_on_region(void)
{
	guest_handler = guest_count_interrupts;
	guest_install_handlers();
	guest_enable_x2apic();
	for (;;) {
		asm volatile("mov %%rsp, %%rbx; mov %0, %%rsp; sti; hlt; cli; mov %%rbx, %%rsp"
			     : : "r"(REGION_GPA + PAGE_SIZE) : "rbx", "memory");
		GUEST_SYNC_ARG(1, guest_interrupts[STACK_VECTOR]);
	}
}

/* The delivery itself is interrupted, and done again when the page is there. */
TEST(interrupt_comes_to_a_stack_that_was_given_up)
{
	struct test_vm vm;
	uint8_t *mem;
	int i;

	TEST_REQUIRE(memory_is("movable"), "memory is pinned");
	mem = mem_alloc(PAGE_SIZE);
	vm_init_long(&vm, PT_LAPIC, guest_takes_interrupts_on_region);
	ASSERT_OK(mshv_map_memory(vm.partition, REGION_GPA, mem, PAGE_SIZE, MEM_RW));
	for (i = 1; i <= 10; i++) {
		ASSERT_EQ(0, madvise(mem, PAGE_SIZE, MADV_REMOVE));
		ASSERT_OK(mshv_assert_interrupt(vm.partition, HV_X64_INTERRUPT_TYPE_FIXED, 0,
						STACK_VECTOR));
		ASSERT_EQ(i, vm_run_to_sync(&vm, 1));
	}
	vm_destroy(&vm);
	munmap(mem, PAGE_SIZE);
}

/* ---- hugetlb, and memory that there is not ---- */

static volatile uint64_t touch_at;

static GUEST_CODE void guest_touches(void)
{
	*(volatile uint64_t *)touch_at += 0x1234;
	GUEST_DONE();
}

TEST(hugetlb_pages)
{
	const char *reserve = "/proc/sys/vm/nr_hugepages";
	struct test_vm vm;
	uint64_t *mem;

	TEST_REQUIRE(write_count(reserve, 2) && read_count(reserve, NULL) == 2, "no 2 MiB pages");
	mem = mmap(NULL, 4 << 20, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);
	ASSERT_NE(MAP_FAILED, (void *)mem);
	touch_at = REGION_GPA + (3 << 20);
	vm_init_long(&vm, BIT(MSHV_PT_BIT_GPA_SUPER_PAGES), guest_touches);
	ASSERT_OK(mshv_map_memory(vm.partition, REGION_GPA, mem, 4 << 20, MEM_RW));
	vm_run_to_done(&vm);
	EXPECT_EQ(0x1234, mem[(3 << 20) / 8]);
	vm_destroy(&vm);
	munmap(mem, 4 << 20);
	EXPECT_TRUE(write_count(reserve, 0));
	EXPECT_EQ(0, read_count(reserve, NULL)) TH_LOG("a page is still in use");
}

TEST(much_more_memory_than_there_is_costs_nothing)
{
	const uint64_t size = 8ULL << 30, cost_kib = 16 << 10;
	long before, after;
	struct test_vm vm;
	uint8_t *mem;

	TEST_REQUIRE(memory_is("movable"), "memory is pinned");
	mem = mmap(NULL, size, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	ASSERT_NE(MAP_FAILED, (void *)mem);
	touch_at = 0xc0000000;
	vm_init_long(&vm, BIT(MSHV_PT_BIT_GPA_SUPER_PAGES), guest_touches);
	before = read_count("/proc/meminfo", "MemFree:");
	ASSERT_OK(mshv_map_memory(vm.partition, REGION_GPA, mem, size, MEM_RW));
	vm_run_to_done(&vm);
	after = read_count("/proc/meminfo", "MemFree:");
	ASSERT_LT(0, before);
	TH_LOG("MemFree %ld -> %ld KiB", before, after);
	EXPECT_LT(before - (long)cost_kib, after);
	EXPECT_EQ(0x1234, *(uint64_t *)(mem + (touch_at - REGION_GPA)));
	vm_destroy(&vm);
	munmap(mem, size);
}

MSHV_TEST_MAIN
