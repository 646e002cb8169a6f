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
#define SWAP_DISK	"/dev/vda"
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
	volatile uint64_t passes;
};

FIXTURE_VARIANT(guest) {
	bool large;		/* the guest may have large pages */
	bool shared;
};

FIXTURE_VARIANT_ADD(guest, small_pages) { false, false };
FIXTURE_VARIANT_ADD(guest, large_pages) { true, false };
FIXTURE_VARIANT_ADD(guest, shmem) { true, true };

static void *run_thread(void *arg)
{
	struct guest_fixture_data *self = arg;
	struct ucall uc;

	while ((uc = vm_run_ucall(&self->vm)).cmd == UCALL_SYNC)
		self->passes = uc.args[1];
	return NULL;
}

static bool memory_is_movable(void)
{
	char kind[16] = "";
	FILE *f = fopen("/sys/module/mshv_root/parameters/memory", "r");

	if (f) {
		if (!fgets(kind, sizeof(kind), f))
			kind[0] = 0;
		fclose(f);
	}
	return !strncmp(kind, "movable", 7);
}

FIXTURE_SETUP(guest)
{
	memset(self, 0, sizeof(*self));
	if (!memory_is_movable())
		SKIP(return, "memory is pinned");
	self->mem = mmap(NULL, REGION_SIZE + (2 << 20), PROT_READ | PROT_WRITE,
			 MAP_ANONYMOUS | (variant->shared ? MAP_SHARED : MAP_PRIVATE), -1, 0);
	ASSERT_NE(MAP_FAILED, (void *)self->mem);
	self->region = (uint8_t *)(((uintptr_t)self->mem + (2 << 20) - 1) & ~((2UL << 20) - 1));
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
	munmap(self->mem, REGION_SIZE + (2 << 20));
}

static void next_pass(struct guest_fixture_data *self)
{
	uint64_t now = self->passes;

	while (self->passes == now)
		usleep(500);
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

TEST_F_TIMEOUT(guest, survives_swapping, 60)
{
	unsigned int i, rounds = test_rounds(2, 20);
	long before, after;

	TEST_REQUIRE(!access(SWAP_DISK, W_OK), "no disk to swap to");
	if (system("mkswap " SWAP_DISK " >/dev/null && swapon " SWAP_DISK))
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
	EXPECT_EQ(0, system("swapoff " SWAP_DISK));
}

TEST_F_TIMEOUT(guest, pages_given_up_are_new_ones, 60)
{
	unsigned int i, page, seed = 5, rounds = test_rounds(100, 2000);
	int advice = variant->shared ? MADV_REMOVE : MADV_DONTNEED;

	guest_may_lose = true;
	*vm_guest_variable(&self->vm, guest_may_lose) = true;
	start(self);
	for (i = 0; i < rounds; i++) {
		page = rand_r(&seed) % (REGION_PAGES - 16);
		ASSERT_EQ(0, madvise(self->region + page * PAGE_SIZE,
				     (1 + i % 16) * PAGE_SIZE, advice));
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

	TEST_REQUIRE(!variant->shared, "only private memory is merged");
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
			if (!variant->shared)
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

TEST_F_TIMEOUT(guest, is_stopped_where_memory_is_made_read_only, 60)
{
	const struct hv_x64_memory_intercept_message *mem;

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

	TEST_REQUIRE(memory_is_movable(), "memory is pinned");
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

	TEST_REQUIRE(memory_is_movable(), "memory is pinned");
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
