// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guest memory: giving it, taking it back, and what a guest sees of it.
 */
#include <fcntl.h>
#include <linux/capability.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "mshv_test.h"

#define REGION_GPA	0x1000000ULL	/* beyond what vm_init_long() maps */

FIXTURE(memory) {
	int dev, fd;
	void *mem;
};

FIXTURE_SETUP(memory)
{
	self->dev = dev_open();
	self->fd = partition_create(self->dev, 0);
	self->mem = mem_alloc(64 * PAGE_SIZE);
}

FIXTURE_TEARDOWN(memory)
{
	close(self->fd);
	close(self->dev);
}

static int set_memory(int fd, uint64_t gfn, void *addr, uint64_t pages, uint8_t flags)
{
	struct mshv_user_mem_region region = {
		.guest_pfn = gfn,
		.userspace_addr = (uintptr_t)addr,
		.size = pages * PAGE_SIZE,
		.flags = flags,
	};

	return ioctl(fd, MSHV_SET_GUEST_MEMORY, &region);
}

#define UNMAP	BIT(MSHV_SET_MEM_BIT_UNMAP)

TEST_F(memory, map_and_unmap)
{
	static const uint8_t flags[] = { 0, MEM_RW, MEM_RX, MEM_RWX };
	char *mem = self->mem;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		ASSERT_EQ(0, set_memory(self->fd, 1, self->mem, 1, flags[i]));
		ASSERT_EQ(0, set_memory(self->fd, 1, self->mem, 1, UNMAP));
	}
	/* The same memory twice in one guest, and in pieces */
	ASSERT_EQ(0, set_memory(self->fd, 0, mem, 64, MEM_RWX));
	ASSERT_EQ(0, set_memory(self->fd, 0x100000, mem, 32, MEM_RW));
	ASSERT_EQ(0, set_memory(self->fd, 0x100020, mem + 32 * PAGE_SIZE, 32, MEM_RW));
}

TEST_F(memory, wrong_arguments_are_refused)
{
	const struct mshv_user_mem_region good = {
		.guest_pfn = 16, .userspace_addr = (uintptr_t)self->mem, .size = 4 * PAGE_SIZE,
		.flags = MEM_RWX,
	};
	struct mshv_user_mem_region r;
	int i;

#define REFUSED(error, field, value) \
	do { \
		r = good; \
		r.field = value; \
		EXPECT_ERRNO(error, ioctl(self->fd, MSHV_SET_GUEST_MEMORY, &r)); \
	} while (0)

	REFUSED(EINVAL, size, 0);
	REFUSED(EINVAL, size, 1);
	REFUSED(EINVAL, size, PAGE_SIZE + 1);
	REFUSED(EINVAL, size, ~0ULL);
	REFUSED(EINVAL, userspace_addr, good.userspace_addr + 1);
	REFUSED(EINVAL, userspace_addr, good.userspace_addr + 0x800);
	for (i = MSHV_SET_MEM_BIT_COUNT; i < 8; i++)
		REFUSED(EINVAL, flags, good.flags | BIT(i));
	for (i = 0; i < sizeof(r.rsvd); i++)
		REFUSED(EINVAL, rsvd[i], 1);
	EXPECT_ERRNO(EFAULT, ioctl(self->fd, MSHV_SET_GUEST_MEMORY, NULL));

	/* Nothing was changed by all this. */
	r = good;
	EXPECT_EQ(0, ioctl(self->fd, MSHV_SET_GUEST_MEMORY, &r));
}

TEST_F(memory, wrapping_and_huge_regions_are_refused)
{
	static const struct {
		uint64_t gfn, size;
	} wrong[] = {
		{ ~0ULL, 4096 }, { ~0ULL - 1, 4 * 4096 }, { 1ULL << 52, 4096 },
		{ 0x000fffffffffffffULL, 2 * 4096 }, { 0, 0xfffffffffffff000ULL },
		{ 1, 0xfffffffffffff000ULL }, { 0, 1ULL << 63 },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(wrong); i++) {
		EXPECT_EQ(-1, set_memory(self->fd, wrong[i].gfn, self->mem,
					 wrong[i].size / PAGE_SIZE, MEM_RWX)) {
			TH_LOG("case %zu", i);
		}
	}
	EXPECT_EQ(0, set_memory(self->fd, 0, self->mem, 64, MEM_RWX));
}

TEST_F(memory, memory_that_is_not_there_is_refused)
{
	char *mem = self->mem;

	EXPECT_EQ(-1, set_memory(self->fd, 16, NULL, 1, MEM_RWX));
	EXPECT_EQ(-1, set_memory(self->fd, 16, (void *)0xffff800000000000UL, 1, MEM_RWX));
	ASSERT_EQ(0, munmap(mem + 8 * PAGE_SIZE, PAGE_SIZE));
	EXPECT_EQ(-1, set_memory(self->fd, 16, mem + 8 * PAGE_SIZE, 1, MEM_RWX));
	/* A hole: it is seen at once where the region is pinned */
	if (set_memory(self->fd, 16, mem, 16, MEM_RWX)) {
		EXPECT_EQ(0, set_memory(self->fd, 16, mem, 8, MEM_RWX)) {
			TH_LOG("the failed region is still there: %s", strerror(errno));
		}
	}
}

/* Regression: overlap was once tested by the ends of a region only. */
TEST_F(memory, overlapping_regions_are_eexist)
{
	static const struct {
		const char *how;
		uint64_t gfn, pages;
	} overlaps[] = {
		{ "equal", 100, 10 }, { "inside", 103, 2 }, { "around", 90, 30 },
		{ "over the start", 95, 6 }, { "over the end", 109, 5 }, { "first page", 100, 1 },
		{ "last page", 109, 1 }, { "start and more", 100, 11 }, { "more and end", 99, 11 },
	};
	size_t i;

	ASSERT_EQ(0, set_memory(self->fd, 100, self->mem, 10, MEM_RWX));
	for (i = 0; i < ARRAY_SIZE(overlaps); i++) {
		errno = 0;
		EXPECT_EQ(-1, set_memory(self->fd, overlaps[i].gfn, self->mem, overlaps[i].pages,
					 MEM_RWX)) TH_LOG("%s", overlaps[i].how);
		EXPECT_EQ(EEXIST, errno) TH_LOG("%s", overlaps[i].how);
	}
	EXPECT_EQ(0, set_memory(self->fd, 99, self->mem, 1, MEM_RWX));
	EXPECT_EQ(0, set_memory(self->fd, 110, self->mem, 1, MEM_RWX));
}

TEST_F(memory, only_the_same_region_is_unmapped)
{
	char *mem = self->mem;

	ASSERT_EQ(0, set_memory(self->fd, 100, mem, 10, MEM_RWX));
	EXPECT_ERRNO(EINVAL, set_memory(self->fd, 100, mem, 9, UNMAP));
	EXPECT_ERRNO(EINVAL, set_memory(self->fd, 101, mem, 9, UNMAP));
	EXPECT_ERRNO(EINVAL, set_memory(self->fd, 101, mem + PAGE_SIZE, 9, UNMAP));
	EXPECT_ERRNO(EINVAL, set_memory(self->fd, 100, mem + PAGE_SIZE, 10, UNMAP));
	EXPECT_ERRNO(EINVAL, set_memory(self->fd, 100, mem, 11, UNMAP));
	EXPECT_ERRNO(ENOENT, set_memory(self->fd, 0, mem, 10, UNMAP));
	EXPECT_EQ(0, set_memory(self->fd, 100, mem, 10, UNMAP));
	EXPECT_ERRNO(ENOENT, set_memory(self->fd, 100, mem, 10, UNMAP));
}

TEST_F(memory, map_before_initialize_fails_or_lasts)
{
	int fd = mshv_create_partition(self->dev, 0);

	ASSERT_OK(fd);
	if (set_memory(fd, 0, self->mem, 4, MEM_RWX)) {
		ASSERT_OK(mshv_initialize_partition(fd));
		EXPECT_EQ(0, set_memory(fd, 0, self->mem, 4, MEM_RWX));
	} else {
		ASSERT_OK(mshv_initialize_partition(fd));
		EXPECT_ERRNO(EEXIST, set_memory(fd, 0, self->mem, 4, MEM_RWX));
	}
}

TEST_F(memory, many_regions)
{
	char *mem = self->mem;
	int i;

	for (i = 0; i < 512; i++) {
		ASSERT_EQ(0, set_memory(self->fd, 2 * i, mem + i % 64 * PAGE_SIZE, 1, MEM_RW));
	}
	for (i = 0; i < 512; i += 2) {
		ASSERT_EQ(0, set_memory(self->fd, 2 * i, mem + i % 64 * PAGE_SIZE, 1, UNMAP));
	}
	for (i = 0; i < 512; i += 2) {
		ASSERT_EQ(0, set_memory(self->fd, 2 * i, mem, 1, MEM_RWX));
	}
}

/* What the two sides write, the other side reads. */
static volatile uint64_t guest_value = 1;

static GUEST_CODE void guest_shares(void)
{
	volatile uint64_t *region = (void *)REGION_GPA;

	GUEST_ASSERT_EQ(guest_value, 1);
	guest_value = 2;
	GUEST_ASSERT_EQ(region[0], 0x1122334455667788);
	region[511] = 0x99;
	GUEST_SYNC(1);
	GUEST_ASSERT_EQ(region[0], 0x42);
	GUEST_DONE();
}

TEST(guest_and_host_share_the_memory)
{
	uint64_t *region = mem_alloc(PAGE_SIZE);
	struct test_vm vm;

	vm_init_long(&vm, 0, guest_shares);
	ASSERT_OK(mshv_map_memory(vm.partition, REGION_GPA, region, PAGE_SIZE, MEM_RWX));
	region[0] = 0x1122334455667788;
	vm_run_to_sync(&vm, 1);
	EXPECT_EQ(2, *vm_guest_variable(&vm, guest_value));
	EXPECT_EQ(1, guest_value) TH_LOG("the guest has its own copy of the program");
	EXPECT_EQ(0x99, region[511]);
	region[0] = 0x42;
	vm_run_to_done(&vm);
	vm_destroy(&vm);
}

static GUEST_CODE void guest_reads_and_writes(void)
{
	volatile uint64_t *region = (void *)REGION_GPA;
	uint64_t value = region[1];

	GUEST_SYNC_ARG(1, value);
	region[2] = 0x1234;
	GUEST_SYNC(2);
	GUEST_DONE();
}

/* Regression: a write to read-only memory looped in the fault path. */
TEST(write_to_read_only_memory_is_a_message)
{
	const struct hv_x64_memory_intercept_message *mem;
	uint64_t *region = mem_alloc(PAGE_SIZE);
	struct mshv_regs regs;
	struct test_vm vm;
	uint32_t type;

	region[1] = 77;
	vm_init_long(&vm, 0, guest_reads_and_writes);
	ASSERT_OK(mshv_map_memory(vm.partition, REGION_GPA, region, PAGE_SIZE, 0));
	EXPECT_EQ(77, vm_run_to_sync(&vm, 1));

	type = vm_run(&vm);
	ASSERT_EQ(HVMSG_GPA_INTERCEPT, type);
	mem = mshv_msg_memory(&vm.vp.msg);
	EXPECT_EQ(HV_INTERCEPT_ACCESS_WRITE, mem->header.intercept_access_type);
	EXPECT_EQ(REGION_GPA, mem->guest_physical_address & ~0xfffULL);
	EXPECT_EQ(0, region[2]);

	/* The instruction was not carried out: it comes again. */
	ASSERT_EQ(HVMSG_GPA_INTERCEPT, vm_run(&vm));
	ASSERT_OK(mshv_vp_get_regs(&vm.vp, &regs));
	EXPECT_EQ(mem->header.rip, regs.rip);
	vm_destroy(&vm);
}

TEST(memory_that_is_taken_away_is_gone)
{
	const struct hv_x64_memory_intercept_message *mem;
	uint64_t *region = mem_alloc(PAGE_SIZE);
	struct test_vm vm;

	vm_init_long(&vm, 0, guest_reads_and_writes);
	ASSERT_OK(mshv_map_memory(vm.partition, REGION_GPA, region, PAGE_SIZE, MEM_RW));
	EXPECT_EQ(0, vm_run_to_sync(&vm, 1));
	ASSERT_OK(mshv_unmap_memory(vm.partition, REGION_GPA, region, PAGE_SIZE));
	ASSERT_EQ(HVMSG_UNMAPPED_GPA, vm_run(&vm));
	mem = mshv_msg_memory(&vm.vp.msg);
	EXPECT_EQ(HV_INTERCEPT_ACCESS_WRITE, mem->header.intercept_access_type);
	EXPECT_EQ(0, region[2]);

	/* And it can come back, with other contents. */
	ASSERT_OK(mshv_map_memory(vm.partition, REGION_GPA, region, PAGE_SIZE, MEM_RW));
	vm_run_to_sync(&vm, 2);
	EXPECT_EQ(0x1234, region[2]);
	vm_destroy(&vm);
}

static GUEST_CODE void guest_jumps(void)
{
	GUEST_SYNC(1);
	((void (*)(void))REGION_GPA)();
	GUEST_SYNC(2);
	GUEST_DONE();
}

TEST(execution_needs_permission)
{
	uint8_t *region = mem_alloc(PAGE_SIZE);
	struct test_vm vm;

	region[0] = 0xc3;	/* ret */
	vm_init_long(&vm, 0, guest_jumps);
	ASSERT_OK(mshv_map_memory(vm.partition, REGION_GPA, region, PAGE_SIZE, MEM_RW));
	vm_run_to_sync(&vm, 1);
	ASSERT_EQ(HVMSG_GPA_INTERCEPT, vm_run(&vm));
	EXPECT_EQ(HV_INTERCEPT_ACCESS_EXECUTE,
		  mshv_msg_header(&vm.vp.msg)->intercept_access_type);
	ASSERT_OK(mshv_unmap_memory(vm.partition, REGION_GPA, region, PAGE_SIZE));
	ASSERT_OK(mshv_map_memory(vm.partition, REGION_GPA, region, PAGE_SIZE, MEM_RX));
	vm_run_to_sync(&vm, 2);
	vm_destroy(&vm);
}

/* Every page of a region of several MiB is where it belongs, whatever page size is used. */
#define LARGE_GPA	0x40000000ULL
#define LARGE_SIZE	(5 << 20)

static GUEST_CODE void guest_checks_pages(void)
{
	uint64_t gpa;

	for (gpa = LARGE_GPA; gpa < LARGE_GPA + LARGE_SIZE; gpa += PAGE_SIZE) {
		GUEST_ASSERT_EQ(*(volatile uint64_t *)gpa, gpa);
		*(volatile uint64_t *)(gpa + 8) = ~gpa;
	}
	GUEST_DONE();
}

static void check_large(struct __test_metadata *_metadata, uint64_t skew, int advice)
{
	uint8_t *mem = mem_alloc(16 << 20), *region;
	struct test_vm vm;
	uint64_t i;

	/* @skew pages off the alignment that large pages would need */
	region = (uint8_t *)(((uintptr_t)mem + (2 << 20) - 1) & ~((2UL << 20) - 1));
	region += skew * PAGE_SIZE;
	madvise(region, LARGE_SIZE, advice);
	for (i = 0; i < LARGE_SIZE; i += PAGE_SIZE)
		*(uint64_t *)(region + i) = LARGE_GPA + i;
	vm_init_long(&vm, BIT(MSHV_PT_BIT_GPA_SUPER_PAGES), guest_checks_pages);
	ASSERT_OK(mshv_map_memory(vm.partition, LARGE_GPA, region, LARGE_SIZE, MEM_RW));
	vm_run_to_done(&vm);
	for (i = 0; i < LARGE_SIZE; i += PAGE_SIZE) {
		ASSERT_EQ(~(LARGE_GPA + i), *(uint64_t *)(region + i + 8));
	}
	vm_destroy(&vm);
	munmap(mem, 16 << 20);
}

TEST(pages_of_a_large_region_are_in_order)
{
	check_large(_metadata, 0, MADV_NOHUGEPAGE);
	check_large(_metadata, 0, MADV_HUGEPAGE);
	check_large(_metadata, 1, MADV_HUGEPAGE);
	check_large(_metadata, 511, MADV_HUGEPAGE);
}

TEST(read_only_file_is_guest_memory)
{
	int fd = open("/proc/self/exe", O_RDONLY);
	struct test_vm vm;
	void *file;

	ASSERT_LE(0, fd);
	file = mmap(NULL, PAGE_SIZE, PROT_READ, MAP_SHARED, fd, 0);
	ASSERT_NE(MAP_FAILED, file);
	vm_init_long(&vm, 0, guest_reads_and_writes);
	if (mshv_map_memory(vm.partition, REGION_GPA, file, PAGE_SIZE, 0))
		SKIP(return, "read-only files need movable regions: %s", mshv_strerror());
	EXPECT_EQ(((uint64_t *)file)[1], vm_run_to_sync(&vm, 1));
	EXPECT_EQ(HVMSG_GPA_INTERCEPT, vm_run(&vm));
	vm_destroy(&vm);
}

/* ---- Pinned memory, and RLIMIT_MEMLOCK ---- */

/* Pages of this process that count as locked */
static long locked_pages(void)
{
	FILE *status = fopen("/proc/self/status", "r");
	long kib = -1;
	char line[128];

	TEST_ASSERT(status, "%s", strerror(errno));
	while (fgets(line, sizeof(line), status))
		if (sscanf(line, "VmLck: %ld", &kib) == 1)
			break;
	fclose(status);
	TEST_ASSERT(kib >= 0, "no VmLck");
	return kib / 4;
}

/* The limit holds for those without CAP_IPC_LOCK. */
static void limit_locked_pages(unsigned int pages)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct rlimit limit = { pages * PAGE_SIZE, pages * PAGE_SIZE };
	struct __user_cap_data_struct caps[2];

	TEST_ASSERT(!syscall(SYS_capget, &header, caps), "%s", strerror(errno));
	caps[CAP_TO_INDEX(CAP_IPC_LOCK)].effective &= ~CAP_TO_MASK(CAP_IPC_LOCK);
	TEST_ASSERT(!syscall(SYS_capset, &header, caps), "%s", strerror(errno));
	TEST_ASSERT(!setrlimit(RLIMIT_MEMLOCK, &limit), "%s", strerror(errno));
}

TEST_F(memory, pinned_memory_counts_as_locked)
{
	char *mem = self->mem;

	TEST_REQUIRE(memory_is("pinned"), "memory is not pinned: see the parameter \"memory\"");
	limit_locked_pages(10);
	ASSERT_EQ(0, locked_pages());
	ASSERT_EQ(0, set_memory(self->fd, 0, mem, 6, MEM_RWX));
	EXPECT_EQ(6, locked_pages());
	EXPECT_ERRNO(ENOMEM, set_memory(self->fd, 100, mem + 6 * PAGE_SIZE, 5, MEM_RWX));
	EXPECT_EQ(6, locked_pages());
	/* Up to the limit; and the same page is counted for each region that it is in. */
	EXPECT_EQ(0, set_memory(self->fd, 100, mem, 4, MEM_RW));
	EXPECT_EQ(10, locked_pages());
	EXPECT_ERRNO(ENOMEM, set_memory(self->fd, 200, mem, 1, 0));
	/* A region that is refused for another reason has not been counted either. */
	EXPECT_EQ(0, set_memory(self->fd, 0, mem, 6, UNMAP));
	EXPECT_EQ(4, locked_pages());
	EXPECT_ERRNO(EEXIST, set_memory(self->fd, 102, mem, 4, MEM_RW));
	ASSERT_EQ(0, munmap(mem + 8 * PAGE_SIZE, PAGE_SIZE));
	EXPECT_ERRNO(EFAULT, set_memory(self->fd, 0, mem + 6 * PAGE_SIZE, 4, MEM_RW));
	EXPECT_EQ(4, locked_pages());

	/* The partition's end gives back the rest. */
	close(self->fd);
	self->fd = -1;
	EXPECT_EQ(0, locked_pages());
}

/* What is pinned is in the guest before the guest has touched it, and stays when it is unmapped. */
TEST(pinned_memory_outlasts_its_mapping)
{
	uint64_t *region = mem_alloc(PAGE_SIZE);
	struct test_vm vm;

	TEST_REQUIRE(memory_is("pinned"), "memory is not pinned: see the parameter \"memory\"");
	region[1] = 77;
	vm_init_long(&vm, 0, guest_reads_and_writes);
	ASSERT_OK(mshv_map_memory(vm.partition, REGION_GPA, region, PAGE_SIZE, MEM_RW));
	ASSERT_EQ(0, munmap(region, PAGE_SIZE));
	EXPECT_EQ(77, vm_run_to_sync(&vm, 1));
	vm_run_to_sync(&vm, 2);
	vm_run_to_done(&vm);
	vm_destroy(&vm);
}

MSHV_TEST_MAIN
