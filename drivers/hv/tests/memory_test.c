// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guest memory: the arithmetic of mapping it, and pinned regions.
 */
#include <linux/bitmap.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/pfn.h>
#include <linux/uaccess.h>

#include <tlfs/memory.h>
#include <tlfs/status.h>
#include <uapi/linux/mshv.h>

#include "../hvcalls.h"
#include "../partition.h"
#include "../region.h"
#include "test.h"

#define BLOCK		HV_PAGES_PER_LARGE_PAGE
/* Pages of RAM in a row, on a 2 MiB boundary; nothing looks into them. */
#define FIRST_PFN	(4 * BLOCK)
#define MAX_PAGES	(4 * BLOCK)

/**
 * struct map_test - a region that is made of whatever pages a test likes
 * @fd: its partition
 * @region: the region
 * @pages: what it is made of
 * @large: which of its blocks are mapped by 2 MiB pages
 */
struct map_test {
	int fd;
	struct mshv_region region;
	struct page **pages;
	DECLARE_BITMAP(large, 16);
};

static struct map_test *map_test(struct kunit *test, u64 gfn, u64 nr, u64 pfn)
{
	struct map_test *t = kunit_kzalloc(test, sizeof(*t), GFP_KERNEL);
	u64 i;

	KUNIT_ASSERT_NOT_NULL(test, t);
	t->fd = test_partition(test);
	t->pages = kunit_kcalloc(test, MAX_PAGES, sizeof(*t->pages), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, t->pages);
	for (i = 0; i < nr; i++)
		t->pages[i] = pfn_to_page(pfn + i);
	t->region.partition = test_partition_of(test, t->fd);
	t->region.gfn = gfn;
	t->region.nr_pages = nr;
	t->region.map_flags = HV_MAP_GPA_READABLE | HV_MAP_GPA_ADJUSTABLE;

	return t;
}

static int map(struct map_test *t)
{
	bool stuck;
	int ret = mshv_region_map_pages(&t->region, t->pages, t->large, &stuck);

	return stuck ? -EBUSY : ret;
}

/* Each page is where it belongs, and @large of them by 2 MiB pages. */
static void expect_mapped(struct kunit *test, struct map_test *t, unsigned int large)
{
	unsigned int by_large = 0;
	unsigned int wrong = 0;
	u32 flags;
	u64 pfn;
	u64 i;

	for (i = 0; i < t->region.nr_pages; i++) {
		pfn = fake_hv_mapping(t->region.partition->id, t->region.gfn + i, &flags);
		wrong += pfn != page_to_pfn(t->pages[i]);
		by_large += !!(flags & HV_MAP_GPA_LARGE_PAGE);
	}
	KUNIT_EXPECT_EQ(test, wrong, 0);
	KUNIT_EXPECT_EQ(test, by_large, large);
}

static void expect_unmapped(struct kunit *test, struct map_test *t)
{
	unsigned int mapped = 0;
	u32 flags;
	u64 i;

	for (i = 0; i < t->region.nr_pages; i++)
		mapped += fake_hv_mapping(t->region.partition->id, t->region.gfn + i, &flags) !=
			  U64_MAX;
	KUNIT_EXPECT_EQ(test, mapped, 0);
}

struct map_case {
	const char *name;
	u64 gfn;
	u64 nr;
	u64 pfn;
	u64 hole;
	unsigned int large;
};

static const struct map_case map_cases[] = {
	{ "one page", 5, 1, FIRST_PFN, 0, 0 },
	{ "a block less one page", BLOCK, BLOCK - 1, FIRST_PFN, 0, 0 },
	{ "a block", BLOCK, BLOCK, FIRST_PFN, 0, BLOCK },
	{ "two blocks", 2 * BLOCK, 2 * BLOCK, FIRST_PFN, 0, 2 * BLOCK },
	{ "a block, host page misaligned", BLOCK, BLOCK, FIRST_PFN + 1, 0, 0 },
	{ "a block, guest page misaligned", BLOCK + 1, BLOCK, FIRST_PFN, 0, 0 },
	{ "both misaligned alike", BLOCK + 3, 2 * BLOCK, FIRST_PFN + 3, 0, BLOCK },
	{ "head, block, tail", BLOCK - 7, BLOCK + 20, FIRST_PFN - 7, 0, BLOCK },
	{ "a hole in the first of two", 0, 2 * BLOCK, FIRST_PFN, 100, BLOCK },
	{ "a hole in the second of two", 0, 2 * BLOCK, FIRST_PFN, BLOCK + 1, BLOCK },
	{ "a hole in the second of three", 0, 3 * BLOCK, FIRST_PFN, BLOCK + 511, 2 * BLOCK },
	{ "more than a hypercall's worth", 1, 3 * BLOCK, FIRST_PFN, 0, 0 },
	{ "at the very end of guest memory", MSHV_MAX_GFN - BLOCK, BLOCK, FIRST_PFN, 0, BLOCK },
};

KUNIT_ARRAY_PARAM_DESC(map, map_cases, name);

static void large_pages_are_used_where_both_sides_allow_it(struct kunit *test)
{
	const struct map_case *param = test->param_value;
	struct map_test *t = map_test(test, param->gfn, param->nr, param->pfn);

	/* A page of its own, out of the row */
	if (param->hole)
		t->pages[param->hole] = pfn_to_page(1);
	KUNIT_ASSERT_EQ(test, map(t), 0);
	expect_mapped(test, t, param->large);
	KUNIT_EXPECT_EQ(test, bitmap_weight(t->large, 16), param->large / BLOCK);

	/* Each page is unmapped as it was mapped, which the fake insists on. */
	KUNIT_EXPECT_EQ(test, mshv_region_unmap_pages(&t->region, param->nr, t->large), 0);
	expect_unmapped(test, t);
	test_close(t->fd);
}

static void large_pages_are_not_used_where_the_guest_has_none(struct kunit *test)
{
	struct map_test *t = map_test(test, BLOCK, BLOCK, FIRST_PFN);

	t->region.partition->flags &= ~HV_PARTITION_CREATION_FLAG_GPA_SUPER_PAGES_ENABLED;
	KUNIT_ASSERT_EQ(test, map(t), 0);
	expect_mapped(test, t, 0);
	test_close(t->fd);
}

static void failed_mapping_unmaps_all_that_it_mapped(struct kunit *test)
{
	unsigned int n;

	/* Small pages, a large one, small ones: whichever call fails */
	for (n = 0; n < 4; n++) {
		struct map_test *t = map_test(test, BLOCK - 9, BLOCK + 600, FIRST_PFN - 9);

		fake_hv_fail(HVCALL_MAP_GPA_PAGES, HV_STATUS_OPERATION_FAILED, n, 1);
		KUNIT_EXPECT_EQ(test, map(t), n < 3 ? -EIO : 0);
		if (n < 3)
			expect_unmapped(test, t);
		test_close(t->fd);
		fake_hv_reset();
	}
}

/* Maps 200 pages of the second call, and then fails. */
static int map_some(const struct fake_call *call, u16 *done, void *context)
{
	unsigned int *n = context;

	if (!call->start && (*n)++ == 1) {
		/* Going on from there, the default has no more than these to do. */
		fake_hv_fail(HVCALL_MAP_GPA_PAGES, HV_STATUS_ACCESS_DENIED, 0, 1);
		return fake_hv_map_some(call, done, 200);
	}

	return FAKE_DEFAULT;
}

static void failure_in_the_middle_of_a_call_is_undone_too(struct kunit *test)
{
	struct map_test *t = map_test(test, BLOCK + 1, BLOCK + 600, FIRST_PFN);
	unsigned int n = 0;

	fake_hv_handle(HVCALL_MAP_GPA_PAGES, map_some, &n);
	KUNIT_EXPECT_EQ(test, map(t), -EACCES);
	expect_unmapped(test, t);
	test_close(t->fd);
}

static void page_tables_are_paid_for_as_they_are_needed(struct kunit *test)
{
	struct map_test *t = map_test(test, 1, 3 * BLOCK, FIRST_PFN);
	struct mshv_pool *pool = &t->region.partition->pool;
	u64 before;

	/* Four tables of pages, and those above them */
	mshv_pool_withdraw(pool, U64_MAX);
	before = mshv_pool_balance(pool);
	KUNIT_ASSERT_EQ(test, map(t), 0);
	KUNIT_EXPECT_LE(test, mshv_pool_balance(pool) - before, 12);
	test_close(t->fd);
}

/* MSHV_SET_GUEST_MEMORY, with its arguments in memory of its own */
static long set_memory(struct kunit *test, int fd, u64 gfn, u64 size, u64 uaddr, u8 flags)
{
	const struct mshv_user_mem_region args = {
		.guest_pfn = gfn, .size = size, .userspace_addr = uaddr, .flags = flags,
	};

	return test_ioctl_in(test, fd, MSHV_SET_GUEST_MEMORY, &args, sizeof(args));
}

#define WRITABLE	BIT(MSHV_SET_MEM_BIT_WRITABLE)
#define EXECUTABLE	BIT(MSHV_SET_MEM_BIT_EXECUTABLE)
#define UNMAP		BIT(MSHV_SET_MEM_BIT_UNMAP)

static void memory_ioctl_checks_its_arguments(struct kunit *test)
{
	unsigned long user = test_user(test, 4 * PAGE_SIZE);
	struct mshv_user_mem_region args = {
		.guest_pfn = 1, .size = PAGE_SIZE, .userspace_addr = user, .rsvd = { 1 },
	};
	int fd = test_partition(test);

	KUNIT_EXPECT_EQ(test, set_memory(test, fd, 1, 0, user, 0), -EINVAL);
	KUNIT_EXPECT_EQ(test, set_memory(test, fd, 1, PAGE_SIZE + 1, user, 0), -EINVAL);
	KUNIT_EXPECT_EQ(test, set_memory(test, fd, 1, PAGE_SIZE, user + 8, 0), -EINVAL);
	KUNIT_EXPECT_EQ(test, set_memory(test, fd, 1, PAGE_SIZE, user,
					 BIT(MSHV_SET_MEM_BIT_COUNT)), -EINVAL);
	KUNIT_EXPECT_EQ(test, test_ioctl_in(test, fd, MSHV_SET_GUEST_MEMORY, &args, sizeof(args)),
			-EINVAL);
	KUNIT_EXPECT_EQ(test, test_ioctl(test, fd, MSHV_SET_GUEST_MEMORY, PAGE_SIZE), -EFAULT);

	/* Guest pages that wrap round, or that no guest can have */
	KUNIT_EXPECT_EQ(test, set_memory(test, fd, U64_MAX, PAGE_SIZE, user, 0), -EINVAL);
	KUNIT_EXPECT_EQ(test, set_memory(test, fd, U64_MAX - 1, 4 * PAGE_SIZE, user, 0), -EINVAL);
	KUNIT_EXPECT_EQ(test, set_memory(test, fd, MSHV_MAX_GFN - 1, 2 * PAGE_SIZE, user, 0),
			-EINVAL);
	/* Addresses where user space has nothing, or that are not its own */
	KUNIT_EXPECT_EQ(test, set_memory(test, fd, 1, PAGE_SIZE, 0, 0), -EINVAL);
	KUNIT_EXPECT_EQ(test, set_memory(test, fd, 1, PAGE_SIZE, PAGE_OFFSET, 0), -EINVAL);
	KUNIT_EXPECT_EQ(test, set_memory(test, fd, 1, ULONG_MAX & PAGE_MASK, user, 0), -EINVAL);
	/* Nothing is there to be unmapped. */
	KUNIT_EXPECT_EQ(test, set_memory(test, fd, 1, PAGE_SIZE, user, UNMAP), -ENOENT);
	KUNIT_EXPECT_EQ(test, fake_hv_calls(HVCALL_MAP_GPA_PAGES), 0);
	test_close(fd);
}

static void region_that_overlaps_another_is_refused(struct kunit *test)
{
	static const struct {
		u64 gfn;
		u64 nr;
		long ret;
	} others[] = {
		/* Of a region of pages 100 to 109 */
		{ 100, 10, -EEXIST }, { 102, 2, -EEXIST }, { 98, 14, -EEXIST }, { 95, 6, -EEXIST },
		{ 109, 1, -EEXIST }, { 100, 1, -EEXIST }, { 105, 10, -EEXIST },
		{ 99, 1, 0 }, { 110, 1, 0 }, { 0, 99, 0 },
	};
	unsigned long user = test_user(test, 128 * PAGE_SIZE);
	int fd = test_partition(test);
	unsigned int i;

	KUNIT_ASSERT_EQ(test, set_memory(test, fd, 100, 10 * PAGE_SIZE, user, 0), 0);
	for (i = 0; i < ARRAY_SIZE(others); i++)
		KUNIT_EXPECT_EQ_MSG(test, set_memory(test, fd, others[i].gfn,
						     others[i].nr * PAGE_SIZE, user, 0),
				    others[i].ret, "case %u", i);
	test_close(fd);
}

static void region_is_unmapped_by_what_it_was_mapped_by(struct kunit *test)
{
	unsigned long user = test_user(test, 16 * PAGE_SIZE);
	int fd = test_partition(test);
	u64 id = test_partition_of(test, fd)->id;
	u32 flags;

	KUNIT_ASSERT_EQ(test, set_memory(test, fd, 100, 8 * PAGE_SIZE, user, WRITABLE), 0);
	KUNIT_EXPECT_EQ(test, set_memory(test, fd, 101, 7 * PAGE_SIZE, user, UNMAP), -EINVAL);
	KUNIT_EXPECT_EQ(test, set_memory(test, fd, 100, 7 * PAGE_SIZE, user, UNMAP), -EINVAL);
	KUNIT_EXPECT_EQ(test, set_memory(test, fd, 100, 8 * PAGE_SIZE, user + PAGE_SIZE, UNMAP),
			-EINVAL);
	KUNIT_EXPECT_NE(test, fake_hv_mapping(id, 107, &flags), U64_MAX);

	/* A hypervisor that refuses leaves it as it is. */
	fake_hv_fail(HVCALL_UNMAP_GPA_PAGES, HV_STATUS_OPERATION_FAILED, 0, 1);
	KUNIT_EXPECT_EQ(test, set_memory(test, fd, 100, 8 * PAGE_SIZE, user, UNMAP), -EIO);
	KUNIT_EXPECT_EQ(test, set_memory(test, fd, 100, PAGE_SIZE, user, 0), -EEXIST);

	/* The other flags do not matter. */
	KUNIT_EXPECT_EQ(test, set_memory(test, fd, 100, 8 * PAGE_SIZE, user, UNMAP | WRITABLE), 0);
	KUNIT_EXPECT_EQ(test, fake_hv_mapping(id, 100, &flags), U64_MAX);
	KUNIT_EXPECT_EQ(test, set_memory(test, fd, 100, 8 * PAGE_SIZE, user, 0), 0);
	test_close(fd);
}

static void guest_may_do_what_the_region_says(struct kunit *test)
{
	static const u8 user_flags[] = { 0, WRITABLE, EXECUTABLE, WRITABLE | EXECUTABLE };
	unsigned long user = test_user(test, PAGE_SIZE);
	int fd = test_partition(test);
	u64 id = test_partition_of(test, fd)->id;
	unsigned int i;
	u32 flags;

	for (i = 0; i < ARRAY_SIZE(user_flags); i++) {
		KUNIT_ASSERT_EQ(test, set_memory(test, fd, i, PAGE_SIZE, user, user_flags[i]), 0);
		fake_hv_mapping(id, i, &flags);
		KUNIT_EXPECT_EQ(test, flags,
				HV_MAP_GPA_READABLE |
				(user_flags[i] & WRITABLE ? HV_MAP_GPA_WRITABLE : 0) |
				(user_flags[i] & EXECUTABLE ? HV_MAP_GPA_EXECUTABLE : 0));
	}
	test_close(fd);
}

/* The page at an address of user space's, and whether someone has pinned it */
static bool pinned(struct kunit *test, unsigned long addr)
{
	struct page *page;
	bool ret;

	KUNIT_ASSERT_EQ(test, get_user_pages_fast(addr, 1, 0, &page), 1);
	ret = folio_maybe_dma_pinned(page_folio(page));
	put_page(page);

	return ret;
}

static void pinned_memory_stays_and_is_accounted_for(struct kunit *test)
{
	unsigned long user = test_user(test, 16 * PAGE_SIZE);
	int fd = test_partition(test);
	unsigned long locked = current->mm->locked_vm;

	KUNIT_ASSERT_EQ(test, set_memory(test, fd, 0, 16 * PAGE_SIZE, user, WRITABLE), 0);
	KUNIT_EXPECT_EQ(test, current->mm->locked_vm, locked + 16);
	KUNIT_EXPECT_TRUE(test, pinned(test, user + 15 * PAGE_SIZE));
	KUNIT_EXPECT_EQ(test, set_memory(test, fd, 0, 16 * PAGE_SIZE, user, UNMAP), 0);
	KUNIT_EXPECT_EQ(test, current->mm->locked_vm, locked);
	KUNIT_EXPECT_FALSE(test, pinned(test, user + 15 * PAGE_SIZE));

	/* And so when the partition goes */
	KUNIT_ASSERT_EQ(test, set_memory(test, fd, 0, 16 * PAGE_SIZE, user, WRITABLE), 0);
	test_close(fd);
	KUNIT_EXPECT_EQ(test, current->mm->locked_vm, locked);
	KUNIT_EXPECT_FALSE(test, pinned(test, user));
}

static void nothing_stays_pinned_whichever_allocation_fails(struct kunit *test)
{
	unsigned long user = test_user(test, 16 * PAGE_SIZE);
	unsigned long args = test_user(test, PAGE_SIZE);
	int fd = test_partition(test);
	unsigned long locked = current->mm->locked_vm;
	const struct mshv_user_mem_region region = {
		.size = 16 * PAGE_SIZE, .userspace_addr = user, .flags = WRITABLE,
	};
	unsigned int refused = 0;
	unsigned int n;
	u32 flags;
	long ret;

	KUNIT_ASSERT_EQ(test, copy_to_user((void __user *)args, &region, sizeof(region)), 0);
	/* The pages themselves are there already. */
	KUNIT_ASSERT_EQ(test, set_memory(test, fd, 0, 16 * PAGE_SIZE, user, WRITABLE), 0);
	KUNIT_ASSERT_EQ(test, set_memory(test, fd, 0, 16 * PAGE_SIZE, user, UNMAP), 0);
	for (n = 1; n < 50; n++) {
		test_fail_alloc(n);
		ret = test_ioctl(test, fd, MSHV_SET_GUEST_MEMORY, args);
		if (!test_alloc_failed())
			break;
		/* KASAN's own allocations count too, and it does without. */
		if (!ret) {
			KUNIT_EXPECT_EQ(test, set_memory(test, fd, 0, 16 * PAGE_SIZE, user, UNMAP),
					0);
			continue;
		}
		refused++;
		KUNIT_EXPECT_EQ(test, ret, -ENOMEM);
		KUNIT_EXPECT_EQ(test, current->mm->locked_vm, locked);
		KUNIT_EXPECT_FALSE(test, pinned(test, user));
		KUNIT_EXPECT_EQ(test, fake_hv_mapping(test_partition_of(test, fd)->id, 0, &flags),
				U64_MAX);
	}
	KUNIT_EXPECT_GE_MSG(test, refused, 3, "of %u", n);
	KUNIT_EXPECT_EQ(test, ret, 0);
	test_close(fd);
}

static void memory_that_is_only_half_there_is_not_pinned(struct kunit *test)
{
	unsigned long user = test_user(test, 2048 * PAGE_SIZE);
	int fd = test_partition(test);
	unsigned long locked = current->mm->locked_vm;

	KUNIT_ASSERT_EQ(test, vm_munmap(user + 1500 * PAGE_SIZE, PAGE_SIZE), 0);
	KUNIT_EXPECT_EQ(test, set_memory(test, fd, 0, 2048 * PAGE_SIZE, user, WRITABLE), -EFAULT);
	KUNIT_EXPECT_EQ(test, current->mm->locked_vm, locked);
	KUNIT_EXPECT_FALSE(test, pinned(test, user));
	KUNIT_EXPECT_FALSE(test, pinned(test, user + 1499 * PAGE_SIZE));
	KUNIT_EXPECT_EQ(test, fake_hv_calls(HVCALL_MAP_GPA_PAGES), 0);
	/* More than there is memory, at an address that user space goes on behind for as long */
	user = kunit_vm_mmap(test, NULL, SZ_4G, PAGE_SIZE, PROT_READ | PROT_WRITE,
			     MAP_ANONYMOUS | MAP_PRIVATE | MAP_FIXED, 0);
	KUNIT_ASSERT_EQ(test, user, SZ_4G);
	KUNIT_EXPECT_EQ(test, set_memory(test, fd, 0, 1ULL << 40, user, WRITABLE), -ENOMEM);
	test_close(fd);
}

static void memory_that_cannot_be_mapped_is_not_kept(struct kunit *test)
{
	unsigned long user = test_user(test, 16 * PAGE_SIZE);
	int fd = test_partition(test);
	unsigned long locked = current->mm->locked_vm;

	fake_hv_fail(HVCALL_MAP_GPA_PAGES, HV_STATUS_OPERATION_FAILED, 0, 1);
	KUNIT_EXPECT_EQ(test, set_memory(test, fd, 0, 16 * PAGE_SIZE, user, WRITABLE), -EIO);
	KUNIT_EXPECT_EQ(test, current->mm->locked_vm, locked);
	KUNIT_EXPECT_FALSE(test, pinned(test, user));
	/* It is no region: */
	KUNIT_EXPECT_EQ(test, set_memory(test, fd, 0, 16 * PAGE_SIZE, user, UNMAP), -ENOENT);
	KUNIT_EXPECT_EQ(test, set_memory(test, fd, 0, 16 * PAGE_SIZE, user, WRITABLE), 0);
	test_close(fd);
}

static void memory_the_guest_may_still_reach_is_not_let_go(struct kunit *test)
{
	unsigned long user = test_user(test, 2 * BLOCK * PAGE_SIZE);
	int fd = test_partition(test);
	struct mshv_partition *partition = test_partition_of(test, fd);

	/* Mapping fails, and so does undoing it. */
	fake_hv_fail(HVCALL_MAP_GPA_PAGES, HV_STATUS_OPERATION_FAILED, 1, 1);
	fake_hv_fail(HVCALL_UNMAP_GPA_PAGES, HV_STATUS_OPERATION_FAILED, 0, 1);
	KUNIT_EXPECT_EQ(test, set_memory(test, fd, 1, 700 * PAGE_SIZE, user, WRITABLE), -EIO);
	KUNIT_EXPECT_TRUE(test, pinned(test, user));
	KUNIT_EXPECT_FALSE(test, list_empty(&partition->mem.stuck));
	/* Until the hypervisor has deleted the partition. */
	test_close(fd);
	KUNIT_EXPECT_FALSE(test, pinned(test, user));
}

static void memory_outlives_a_partition_that_cannot_be_deleted(struct kunit *test)
{
	unsigned long user = test_user(test, PAGE_SIZE);
	unsigned long locked = current->mm->locked_vm;
	int fd = test_partition(test);
	u64 id = test_partition_of(test, fd)->id;
	struct page *page;

	KUNIT_ASSERT_EQ(test, set_memory(test, fd, 0, PAGE_SIZE, user, WRITABLE), 0);
	fake_hv_fail(HVCALL_FINALIZE_PARTITION, HV_STATUS_OPERATION_FAILED, 0, 1);
	fake_hv_fail(HVCALL_UNMAP_GPA_PAGES, HV_STATUS_OPERATION_FAILED, 0, 1);
	fake_hv_fail(HVCALL_DELETE_PARTITION, HV_STATUS_OPERATION_FAILED, 0, 1);
	test_close(fd);
	KUNIT_EXPECT_TRUE(test, pinned(test, user));
	KUNIT_EXPECT_EQ(test, current->mm->locked_vm, locked + 1);

	test_delete(test, id);
	KUNIT_ASSERT_EQ(test, get_user_pages_fast(user, 1, 0, &page), 1);
	unpin_user_page(page);
	put_page(page);
	KUNIT_EXPECT_EQ(test, account_locked_vm(current->mm, 1, false), 0);
}

static void read_only_memory_is_mapped_read_only(struct kunit *test)
{
	int fd = test_partition(test);
	unsigned long user;

	user = kunit_vm_mmap(test, NULL, 0, PAGE_SIZE, PROT_READ, MAP_ANONYMOUS | MAP_PRIVATE, 0);
	KUNIT_EXPECT_EQ(test, set_memory(test, fd, 0, PAGE_SIZE, user, EXECUTABLE), 0);
	KUNIT_EXPECT_EQ(test, set_memory(test, fd, 1, PAGE_SIZE, user, WRITABLE), -EFAULT);
	test_close(fd);
}

static struct kunit_case memory_cases[] = {
	KUNIT_CASE_PARAM(large_pages_are_used_where_both_sides_allow_it, map_gen_params),
	KUNIT_CASE(large_pages_are_not_used_where_the_guest_has_none),
	KUNIT_CASE(failed_mapping_unmaps_all_that_it_mapped),
	KUNIT_CASE(failure_in_the_middle_of_a_call_is_undone_too),
	KUNIT_CASE(page_tables_are_paid_for_as_they_are_needed),
	KUNIT_CASE(memory_ioctl_checks_its_arguments),
	KUNIT_CASE(region_that_overlaps_another_is_refused),
	KUNIT_CASE(region_is_unmapped_by_what_it_was_mapped_by),
	KUNIT_CASE(guest_may_do_what_the_region_says),
	KUNIT_CASE(pinned_memory_stays_and_is_accounted_for),
	KUNIT_CASE(nothing_stays_pinned_whichever_allocation_fails),
	KUNIT_CASE(memory_that_is_only_half_there_is_not_pinned),
	KUNIT_CASE(memory_that_cannot_be_mapped_is_not_kept),
	KUNIT_CASE(memory_the_guest_may_still_reach_is_not_let_go),
	KUNIT_CASE(memory_outlives_a_partition_that_cannot_be_deleted),
	KUNIT_CASE(read_only_memory_is_mapped_read_only),
	{}
};

static int pinned_init(struct kunit *test)
{
	KUNIT_ASSERT_EQ(test, mshv_mem_choose("pinned"), 0);

	return test_init(test);
}

static void pinned_exit(struct kunit *test)
{
	test_exit(test);
	mshv_mem_choose("auto");
}

static struct kunit_suite memory_suite = {
	.name = "mshv_memory",
	.init = pinned_init,
	.exit = pinned_exit,
	.test_cases = memory_cases,
};

kunit_test_suite(memory_suite);
