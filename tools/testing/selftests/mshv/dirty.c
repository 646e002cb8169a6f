// SPDX-License-Identifier: GPL-2.0-only
/*
 * MSHV_GET_GPAP_ACCESS_BITMAP: which pages a guest has read and written.
 */
#include <pthread.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "mshv_test.h"

#define REGION_GPA	0x1000000ULL
#define REGION_PAGES	256

static volatile uint64_t guest_step, guest_start;

/* Each sync: a write to every guest_step-th page of the region, from guest_start on */
static GUEST_CODE void guest_writes(void)
{
	uint64_t page;

	for (;;) {
		GUEST_SYNC(1);
		for (page = guest_start; page < REGION_PAGES; page += guest_step)
			*(volatile uint64_t *)(REGION_GPA + page * PAGE_SIZE) = page;
	}
}

FIXTURE(guest) {
	struct test_vm vm;
	uint64_t *region;
	uint64_t bitmap[REGION_PAGES / 64];
};

FIXTURE_SETUP(guest)
{
	struct mshv_gpap_access_bitmap args = { 0 };

	vm_init_long(&self->vm, PT_LAPIC | BIT(MSHV_PT_BIT_GPA_SUPER_PAGES), guest_writes);
	if (ioctl(self->vm.partition, MSHV_GET_GPAP_ACCESS_BITMAP, &args) < 0 && errno == ENOTTY)
		SKIP(return, "the driver has no access bitmaps");
	self->region = mem_alloc(REGION_PAGES * PAGE_SIZE);
	memset(self->region, 1, REGION_PAGES * PAGE_SIZE);
	ASSERT_OK(mshv_map_memory(self->vm.partition, REGION_GPA, self->region,
				  REGION_PAGES * PAGE_SIZE, MEM_RW));
	ASSERT_OK(mshv_set_property(self->vm.partition,
				    HV_PARTITION_PROPERTY_GPA_PAGE_ACCESS_TRACKING, 1));
	vm_run_to_sync(&self->vm, 1);
}

FIXTURE_TEARDOWN(guest)
{
	vm_destroy(&self->vm);
}

#define HARVEST(type, op) \
	mshv_get_access_bitmap(self->vm.partition, MSHV_GPAP_ACCESS_TYPE_##type, \
			       MSHV_GPAP_ACCESS_OP_##op, REGION_GPA, REGION_PAGES, self->bitmap)

static void write_pages(struct test_vm *vm, uint64_t start, uint64_t step)
{
	*vm_guest_variable(vm, guest_start) = start;
	*vm_guest_variable(vm, guest_step) = step;
	vm_run_to_sync(vm, 1);
}

static bool page_is_set(const uint64_t *bitmap, unsigned int page)
{
	return bitmap[page / 64] >> (page % 64) & 1;
}

TEST_F(guest, dirty_pages_are_those_that_were_written)
{
	static const struct {
		uint64_t start, step;
	} patterns[] = { { 0, 3 }, { 1, 7 }, { 255, 1 }, { 0, 1 }, { 17, 64 } };
	unsigned int page;
	size_t i;

	ASSERT_EQ(REGION_PAGES, HARVEST(DIRTY, CLEAR)) TH_LOG("%s", mshv_strerror());
	for (i = 0; i < ARRAY_SIZE(patterns); i++) {
		write_pages(&self->vm, patterns[i].start, patterns[i].step);
		ASSERT_EQ(REGION_PAGES, HARVEST(DIRTY, CLEAR));
		for (page = 0; page < REGION_PAGES; page++) {
			EXPECT_EQ(page >= patterns[i].start &&
				  (page - patterns[i].start) % patterns[i].step == 0,
				  page_is_set(self->bitmap, page)) {
				TH_LOG("pattern %zu, page %u", i, page);
			}
		}
	}
	ASSERT_EQ(REGION_PAGES, HARVEST(DIRTY, CLEAR));
	for (i = 0; i < ARRAY_SIZE(self->bitmap); i++) {
		EXPECT_EQ(0, self->bitmap[i]) TH_LOG("nothing was written since");
	}
}

TEST_F(guest, set_and_clear)
{
	size_t i;

	/* A page that was never touched may not be there to be marked. */
	write_pages(&self->vm, 0, 1);
	ASSERT_EQ(REGION_PAGES, HARVEST(DIRTY, CLEAR));
	/* The state is that before the operation. */
	ASSERT_EQ(REGION_PAGES, HARVEST(DIRTY, SET));
	for (i = 0; i < ARRAY_SIZE(self->bitmap); i++) {
		EXPECT_EQ(0, self->bitmap[i]);
	}
	ASSERT_EQ(REGION_PAGES, HARVEST(DIRTY, CLEAR));
	for (i = 0; i < ARRAY_SIZE(self->bitmap); i++) {
		EXPECT_EQ(~0ULL, self->bitmap[i]);
	}
}

TEST_F(guest, accessed_pages)
{
	unsigned int page;

	ASSERT_EQ(REGION_PAGES, HARVEST(ACCESSED, CLEAR));
	write_pages(&self->vm, 5, 100);
	ASSERT_EQ(REGION_PAGES, HARVEST(ACCESSED, CLEAR));
	for (page = 5; page < REGION_PAGES; page += 100) {
		EXPECT_TRUE(page_is_set(self->bitmap, page)) TH_LOG("page %u", page);
	}
}

TEST_F(guest, parts_of_a_region)
{
	uint64_t bits = 0;

	ASSERT_EQ(REGION_PAGES, HARVEST(DIRTY, CLEAR));
	write_pages(&self->vm, 70, 1000);
	EXPECT_EQ(1, mshv_get_access_bitmap(self->vm.partition, MSHV_GPAP_ACCESS_TYPE_DIRTY,
					    MSHV_GPAP_ACCESS_OP_NOOP, REGION_GPA + 70 * PAGE_SIZE,
					    1, &bits));
	EXPECT_EQ(1, bits & 1);
	EXPECT_EQ(20, mshv_get_access_bitmap(self->vm.partition, MSHV_GPAP_ACCESS_TYPE_DIRTY,
					     MSHV_GPAP_ACCESS_OP_CLEAR,
					     REGION_GPA + 60 * PAGE_SIZE, 20, &bits));
	EXPECT_EQ(1 << 10, bits & 0xfffff);
}

TEST_F(guest, states_by_hypercall)
{
	uint8_t states[20];

	ASSERT_EQ(REGION_PAGES, HARVEST(DIRTY, CLEAR));
	write_pages(&self->vm, 70, 1000);
	ASSERT_OK(mshv_get_access_states(self->vm.partition, HV_PAGE_ACCESS_CLEAR_DIRTY,
					 REGION_GPA + 60 * PAGE_SIZE, states, sizeof(states)));
	EXPECT_EQ(HV_PAGE_STATE_ACCESSED | HV_PAGE_STATE_DIRTY, states[10]);
	EXPECT_EQ(0, states[9] & HV_PAGE_STATE_DIRTY);
	ASSERT_OK(mshv_get_access_states(self->vm.partition, 0, REGION_GPA + 60 * PAGE_SIZE,
					 states, sizeof(states)));
	EXPECT_EQ(0, states[10] & HV_PAGE_STATE_DIRTY);
	EXPECT_GT(0, mshv_get_access_states(self->vm.partition, 0x10, REGION_GPA, states, 1));
}

TEST_F(guest, what_cannot_be_told_is_not_cleared)
{
	struct mshv_gpap_access_bitmap args = {
		.access_type = MSHV_GPAP_ACCESS_TYPE_DIRTY,
		.access_op = MSHV_GPAP_ACCESS_OP_CLEAR,
		.page_count = REGION_PAGES,
		.gpap_base = REGION_GPA / PAGE_SIZE,
	};
	void *read_only = mem_alloc(PAGE_SIZE);

	ASSERT_EQ(REGION_PAGES, HARVEST(DIRTY, CLEAR));
	write_pages(&self->vm, 70, 1000);
	ASSERT_EQ(0, mprotect(read_only, PAGE_SIZE, PROT_READ));
	args.bitmap_ptr = (uintptr_t)read_only;
	EXPECT_ERRNO(EFAULT, ioctl(self->vm.partition, MSHV_GET_GPAP_ACCESS_BITMAP, &args));
	ASSERT_EQ(REGION_PAGES, HARVEST(DIRTY, CLEAR));
	EXPECT_TRUE(page_is_set(self->bitmap, 70));
}

/* ---- What the host does to memory that the guest has written to ---- */

#define HOST_PAGE	70
#define DISK		"/dev/vda"	/* to swap to */

#ifndef MADV_PAGEOUT
#define MADV_PAGEOUT	21
#endif

/* Each sync: a write to one page, or if that is 0, a look at another */
static volatile uint64_t guest_writes_to, guest_looks_at;

static GUEST_CODE void guest_does_as_it_is_told(void)
{
	for (;;) {
		GUEST_SYNC(1);
		if (guest_writes_to)
			*(volatile uint64_t *)guest_writes_to += 1;
		else
			(void)*(volatile uint64_t *)guest_looks_at;
	}
}

enum what { PROTECT, FORK, PAGE_OUT, GIVE_UP_NEIGHBOUR };

FIXTURE(host) {
	struct test_vm vm;
	uint8_t *region;
};

FIXTURE_VARIANT(host) {
	enum what what;
	int neighbour;	/* the page that the guest looks at then, from the one it wrote to */
};

FIXTURE_VARIANT_ADD(host, makes_it_read_only_and_back) { PROTECT, 0 };
FIXTURE_VARIANT_ADD(host, makes_it_read_only_and_back_near_by) { PROTECT, 1 };
FIXTURE_VARIANT_ADD(host, forks) { FORK, 0 };
FIXTURE_VARIANT_ADD(host, swaps_it_out) { PAGE_OUT, 0 };
FIXTURE_VARIANT_ADD(host, gives_up_its_neighbour) { GIVE_UP_NEIGHBOUR, 1 };

FIXTURE_SETUP(host)
{
	const uint64_t size = REGION_PAGES * PAGE_SIZE;

	self->region = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
			    0);
	ASSERT_NE(MAP_FAILED, (void *)self->region);
	madvise(self->region, size, MADV_NOHUGEPAGE);
	memset(self->region, 1, size);
	vm_init_long(&self->vm, PT_LAPIC, guest_does_as_it_is_told);
	ASSERT_OK(mshv_map_memory(self->vm.partition, REGION_GPA, self->region, size, MEM_RW));
	ASSERT_OK(mshv_set_property(self->vm.partition,
				    HV_PARTITION_PROPERTY_GPA_PAGE_ACCESS_TRACKING, 1));
	vm_run_to_sync(&self->vm, 1);
}

FIXTURE_TEARDOWN(host)
{
	vm_destroy(&self->vm);
	munmap(self->region, REGION_PAGES * PAGE_SIZE);
}

static void guest_touches(struct test_vm *vm, uint64_t write, uint64_t read)
{
	*vm_guest_variable(vm, guest_writes_to) = write ? REGION_GPA + write * PAGE_SIZE : 0;
	*vm_guest_variable(vm, guest_looks_at) = REGION_GPA + read * PAGE_SIZE;
	vm_run_to_sync(vm, 1);
}

static void host_does(struct __test_metadata *_metadata, enum what what, uint8_t *page)
{
	int status;
	pid_t pid;

	switch (what) {
	case PROTECT:
		ASSERT_EQ(0, mprotect(page, PAGE_SIZE, PROT_READ));
		ASSERT_EQ(0, mprotect(page, PAGE_SIZE, PROT_READ | PROT_WRITE));
		break;
	case FORK:
		pid = fork();
		if (!pid)
			_exit(0);
		ASSERT_LT(0, pid);
		ASSERT_EQ(pid, waitpid(pid, &status, 0));
		break;
	case PAGE_OUT:
		ASSERT_EQ(0, madvise(page, PAGE_SIZE, MADV_PAGEOUT));
		break;
	case GIVE_UP_NEIGHBOUR:
		ASSERT_EQ(0, madvise(page + PAGE_SIZE, PAGE_SIZE, MADV_DONTNEED));
		break;
	}
}

/* A page that is said to be clean is not copied again. */
TEST_F(host, dirty_pages_survive_what_the_host_does)
{
	uint8_t *page = self->region + HOST_PAGE * PAGE_SIZE;
	uint64_t bitmap[REGION_PAGES / 64];

#define HARVEST_HOST() \
	mshv_get_access_bitmap(self->vm.partition, MSHV_GPAP_ACCESS_TYPE_DIRTY, \
			       MSHV_GPAP_ACCESS_OP_CLEAR, REGION_GPA, REGION_PAGES, bitmap)

	if (variant->what == PAGE_OUT &&
	    (access(DISK, W_OK) || system("mkswap " DISK " >/dev/null && swapon " DISK)))
		SKIP(return, "no swap space");
	guest_touches(&self->vm, HOST_PAGE, 0);
	ASSERT_EQ(REGION_PAGES, HARVEST_HOST()) TH_LOG("%s", mshv_strerror());
	guest_touches(&self->vm, HOST_PAGE, 0);
	host_does(_metadata, variant->what, page);
	guest_touches(&self->vm, 0, HOST_PAGE + variant->neighbour);
	ASSERT_EQ(REGION_PAGES, HARVEST_HOST());
	EXPECT_TRUE(page_is_set(bitmap, HOST_PAGE));
	EXPECT_FALSE(page_is_set(bitmap, HOST_PAGE + 100)) TH_LOG("a page that no one touched");
	/* And that once. */
	ASSERT_EQ(REGION_PAGES, HARVEST_HOST());
	EXPECT_FALSE(page_is_set(bitmap, HOST_PAGE));
	guest_touches(&self->vm, HOST_PAGE, 0);
	ASSERT_EQ(REGION_PAGES, HARVEST_HOST());
	EXPECT_TRUE(page_is_set(bitmap, HOST_PAGE));
	EXPECT_EQ(0x0101010101010104, *(volatile uint64_t *)page);
	if (variant->what == PAGE_OUT) {
		EXPECT_EQ(0, system("swapoff " DISK));
	}
}

/* ---- Large pages ---- */

#define LARGE_GPA	0x40000000ULL
#define LARGE_PAGE	(2ULL << 20)
#define LARGE_PAGES	4
#define SMALL_PAGES	(LARGE_PAGES * LARGE_PAGE / PAGE_SIZE)

/* All large pages, so that they are mapped; then one small one at a time */
static GUEST_CODE void guest_writes_large_pages(void)
{
	uint64_t i;

	for (i = 0; i < LARGE_PAGES; i++)
		*(volatile uint64_t *)(LARGE_GPA + i * LARGE_PAGE) = i;
	for (;;) {
		GUEST_SYNC(1);
		*(volatile uint64_t *)(LARGE_GPA + guest_start * PAGE_SIZE) = guest_start;
	}
}

TEST(large_pages_are_told_apart)
{
	const uint64_t size = LARGE_PAGES * LARGE_PAGE;
	uint8_t *mem = mem_alloc(size + LARGE_PAGE), *region;
	uint64_t bitmap[SMALL_PAGES / 64];
	struct test_vm vm;
	unsigned int page;
	long ret;

	region = (uint8_t *)(((uintptr_t)mem + LARGE_PAGE - 1) & ~(LARGE_PAGE - 1));
	madvise(region, size, MADV_HUGEPAGE);
	memset(region, 1, size);
	vm_init_long(&vm, PT_LAPIC | BIT(MSHV_PT_BIT_GPA_SUPER_PAGES), guest_writes_large_pages);
	ASSERT_OK(mshv_map_memory(vm.partition, LARGE_GPA, region, size, MEM_RW));
	vm_run_to_sync(&vm, 1);
	ASSERT_OK(mshv_set_property(vm.partition, HV_PARTITION_PROPERTY_GPA_PAGE_ACCESS_TRACKING,
				    1));
	ret = mshv_get_access_bitmap(vm.partition, MSHV_GPAP_ACCESS_TYPE_DIRTY,
				     MSHV_GPAP_ACCESS_OP_CLEAR, LARGE_GPA, SMALL_PAGES, bitmap);
	ASSERT_EQ(SMALL_PAGES, ret) TH_LOG("%s", mshv_strerror());
	*vm_guest_variable(&vm, guest_start) = 700;
	vm_run_to_sync(&vm, 1);
	ret = mshv_get_access_bitmap(vm.partition, MSHV_GPAP_ACCESS_TYPE_DIRTY,
				     MSHV_GPAP_ACCESS_OP_CLEAR, LARGE_GPA, SMALL_PAGES, bitmap);
	ASSERT_EQ(SMALL_PAGES, ret) TH_LOG("%s", mshv_strerror());
	for (page = 0; page < SMALL_PAGES; page++) {
		EXPECT_EQ(page == 700, page_is_set(bitmap, page)) TH_LOG("page %u", page);
	}
	EXPECT_EQ(700, *(uint64_t *)(region + 700 * PAGE_SIZE));
	vm_destroy(&vm);
}

/* ---- What a migration depends on ---- */

#define QUIET_PAGES	16	/* at the end of the region, which the guest leaves alone */

static volatile bool guest_stop;
static volatile uint64_t guest_count;

/* Numbers that go up, to pages here and there */
static GUEST_CODE void guest_writes_at_random(void)
{
	uint64_t random = 1;

	GUEST_SYNC(1);
	while (!guest_stop) {
		random = random * 6364136223846793005ULL + 1442695040888963407ULL;
		*(volatile uint64_t *)(REGION_GPA + (random >> 33) %
				       (REGION_PAGES - QUIET_PAGES) * PAGE_SIZE) = ++guest_count;
	}
	GUEST_SYNC_ARG(2, guest_count);
	GUEST_DONE();
}

static void *run_thread(void *arg)
{
	return (void *)vm_run_to_sync(arg, 2);
}

/* Copy what is said to have changed since; afterwards the copy is the same. */
TEST_TIMEOUT(no_dirty_page_is_lost_while_the_guest_runs, 60)
{
	const uint64_t size = REGION_PAGES * PAGE_SIZE;
	uint64_t bitmap[REGION_PAGES / 64], copied = 0, quiet = 0, seen = 0;
	unsigned int page, round, rounds = test_rounds(200, 5000);
	volatile uint64_t *progress;
	uint8_t *region = mem_alloc(size), *copy = mem_alloc(size);
	struct test_vm vm;
	pthread_t thread;
	void *count;

	/* So that no page is new to the guest, of which nobody can say if it is dirty. */
	memset(region, 1, size);
	vm_init_long(&vm, PT_LAPIC | BIT(MSHV_PT_BIT_GPA_SUPER_PAGES), guest_writes_at_random);
	ASSERT_OK(mshv_map_memory(vm.partition, REGION_GPA, region, size, MEM_RW));
	ASSERT_OK(mshv_set_property(vm.partition, HV_PARTITION_PROPERTY_GPA_PAGE_ACCESS_TRACKING,
				    1));
	vm_run_to_sync(&vm, 1);
	ASSERT_EQ(REGION_PAGES, mshv_get_access_bitmap(vm.partition, MSHV_GPAP_ACCESS_TYPE_DIRTY,
						       MSHV_GPAP_ACCESS_OP_CLEAR, REGION_GPA,
						       REGION_PAGES, bitmap));
	memcpy(copy, region, size);
	ASSERT_EQ(0, pthread_create(&thread, NULL, run_thread, &vm));

	progress = vm_guest_variable(&vm, guest_count);
	for (round = 0; round <= rounds; round++, seen = *progress) {
		while (*progress == seen)
			usleep(100);
		if (round == rounds) {
			/* The last time nothing is written meanwhile. */
			*vm_guest_variable(&vm, guest_stop) = true;
			pthread_join(thread, &count);
		}
		ASSERT_EQ(REGION_PAGES,
			  mshv_get_access_bitmap(vm.partition, MSHV_GPAP_ACCESS_TYPE_DIRTY,
						 MSHV_GPAP_ACCESS_OP_CLEAR, REGION_GPA,
						 REGION_PAGES, bitmap)) {
			TH_LOG("%s", mshv_strerror());
		}
		for (page = 0; page < REGION_PAGES; page++) {
			if (!(bitmap[page / 64] >> (page % 64) & 1))
				continue;
			memcpy(copy + page * PAGE_SIZE, region + page * PAGE_SIZE, PAGE_SIZE);
			copied++;
			quiet += page >= REGION_PAGES - QUIET_PAGES;
		}
	}
	TH_LOG("%llu writes, %llu pages copied", (unsigned long long)(uintptr_t)count,
	       (unsigned long long)copied);
	EXPECT_LT(0, copied);
	EXPECT_EQ(0, quiet) TH_LOG("pages that were never written to");
	for (page = 0; page < REGION_PAGES; page++) {
		EXPECT_EQ(0, memcmp(copy + page * PAGE_SIZE, region + page * PAGE_SIZE,
				    PAGE_SIZE)) TH_LOG("page %u", page);
	}
	vm_destroy(&vm);
}

TEST_F(guest, wrong_arguments_are_refused)
{
	const struct mshv_gpap_access_bitmap good = {
		.access_type = MSHV_GPAP_ACCESS_TYPE_DIRTY,
		.access_op = MSHV_GPAP_ACCESS_OP_CLEAR,
		.page_count = REGION_PAGES,
		.gpap_base = REGION_GPA / PAGE_SIZE,
		.bitmap_ptr = (uintptr_t)self->bitmap,
	};
	struct mshv_gpap_access_bitmap args;
	int i;

#define REFUSED(error, field, value) \
	do { \
		args = good; \
		args.field = value; \
		EXPECT_ERRNO(error, \
			     ioctl(self->vm.partition, MSHV_GET_GPAP_ACCESS_BITMAP, &args)); \
	} while (0)

	REFUSED(EINVAL, access_type, MSHV_GPAP_ACCESS_TYPE_COUNT);
	REFUSED(EINVAL, access_op, MSHV_GPAP_ACCESS_OP_COUNT);
	for (i = 0; i < sizeof(args.rsvd); i++)
		REFUSED(EINVAL, rsvd[i], 1);
	REFUSED(EINVAL, page_count, 0);
	REFUSED(EINVAL, bitmap_ptr, 0);
	EXPECT_ERRNO(EFAULT, ioctl(self->vm.partition, MSHV_GET_GPAP_ACCESS_BITMAP, NULL));
	args = good;
	args.page_count = ~0ULL;
	EXPECT_EQ(-1, ioctl(self->vm.partition, MSHV_GET_GPAP_ACCESS_BITMAP, &args));
	args = good;
	args.bitmap_ptr = 0xffff800000000000;
	EXPECT_EQ(-1, ioctl(self->vm.partition, MSHV_GET_GPAP_ACCESS_BITMAP, &args));
	args = good;
	EXPECT_EQ(0, ioctl(self->vm.partition, MSHV_GET_GPAP_ACCESS_BITMAP, &args));
	EXPECT_EQ(REGION_PAGES, args.page_count);
}

/* Before it is asked for, and after it has been given up: a number of pages that is no lie */
TEST_F(guest, without_tracking_nothing_is_told)
{
	const uint32_t property = HV_PARTITION_PROPERTY_GPA_PAGE_ACCESS_TRACKING;
	struct mshv_gpap_access_bitmap args = {
		.access_type = MSHV_GPAP_ACCESS_TYPE_DIRTY,
		.access_op = MSHV_GPAP_ACCESS_OP_CLEAR,
		.page_count = REGION_PAGES,
		.gpap_base = REGION_GPA / PAGE_SIZE,
		.bitmap_ptr = (uintptr_t)self->bitmap,
	};

	ASSERT_EQ(REGION_PAGES, HARVEST(DIRTY, CLEAR));
	write_pages(&self->vm, 70, 1000);
	ASSERT_OK(mshv_set_property(self->vm.partition, property, 0));
	EXPECT_ERRNO(EIO, ioctl(self->vm.partition, MSHV_GET_GPAP_ACCESS_BITMAP, &args));
	EXPECT_EQ(0, args.page_count);
	/* Nor has anything been forgotten. */
	ASSERT_OK(mshv_set_property(self->vm.partition, property, 1));
	ASSERT_EQ(REGION_PAGES, HARVEST(DIRTY, NOOP));
	EXPECT_TRUE(page_is_set(self->bitmap, 70));
}

TEST(partition_that_is_not_initialized_has_no_pages_to_tell_of)
{
	struct mshv_gpap_access_bitmap args = { .page_count = 64 };
	int dev = dev_open(), partition;
	uint64_t bitmap = 0;

	args.bitmap_ptr = (uintptr_t)&bitmap;
	partition = mshv_create_partition(dev, 0);
	ASSERT_OK(partition);
	EXPECT_ERRNO(EIO, ioctl(partition, MSHV_GET_GPAP_ACCESS_BITMAP, &args));
	close(partition);
	close(dev);
}

MSHV_TEST_MAIN
