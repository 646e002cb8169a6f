// SPDX-License-Identifier: GPL-2.0-only
/*
 * Movable memory, and device memory, which moves likewise.
 */
#include <linux/anon_inodes.h>
#include <linux/bitmap.h>
#include <linux/delay.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/mmu_context.h>
#include <linux/random.h>
#include <linux/rbtree.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include <tlfs/memory.h>
#include <tlfs/message.h>
#include <tlfs/status.h>
#include <tlfs/vp.h>
#include <uapi/linux/mshv.h>

#include "../movable.h"
#include "../partition.h"
#include "../region.h"
#include "../vp.h"
#include "test.h"

#define BLOCK		HV_PAGES_PER_LARGE_PAGE
#define BLOCK_BYTES	(BLOCK * PAGE_SIZE)
#define WRITABLE	BIT(MSHV_SET_MEM_BIT_WRITABLE)
#define EXECUTABLE	BIT(MSHV_SET_MEM_BIT_EXECUTABLE)
#define UNMAP		BIT(MSHV_SET_MEM_BIT_UNMAP)
#define ACCESS_READ	HV_INTERCEPT_ACCESS_READ
#define ACCESS_WRITE	HV_INTERCEPT_ACCESS_WRITE
#define EXECUTE		HV_INTERCEPT_ACCESS_EXECUTE

/**
 * struct movable_test - a guest with one region
 * @fd: its partition
 * @partition: its partition
 * @user: the memory
 * @gfn: where the guest has it
 * @nr: pages
 */
struct movable_test {
	int fd;
	struct mshv_partition *partition;
	unsigned long user;
	u64 gfn;
	u64 nr;
};

static long set_memory(struct kunit *test, const struct movable_test *t, u8 flags)
{
	const struct mshv_user_mem_region args = {
		.guest_pfn = t->gfn, .size = t->nr * PAGE_SIZE, .userspace_addr = t->user,
		.flags = flags,
	};

	return test_ioctl_in(test, t->fd, MSHV_SET_GUEST_MEMORY, &args, sizeof(args));
}

/* Memory that begins on a 2 MiB boundary */
static unsigned long aligned_memory(struct kunit *test, unsigned long size, unsigned long prot)
{
	unsigned long addr;

	addr = kunit_vm_mmap(test, NULL, 0, size + BLOCK_BYTES, prot,
			     MAP_ANONYMOUS | MAP_PRIVATE | MAP_NORESERVE, 0);
	KUNIT_ASSERT_NE(test, addr, 0);
	KUNIT_ASSERT_FALSE(test, IS_ERR_VALUE(addr));

	return ALIGN(addr, BLOCK_BYTES);
}

static struct movable_test movable(struct kunit *test, u64 gfn, u64 nr, u8 flags)
{
	struct movable_test t = { .gfn = gfn, .nr = nr };

	t.fd = test_partition(test);
	t.partition = test_partition_of(test, t.fd);
	t.user = aligned_memory(test, nr * PAGE_SIZE, PROT_READ | PROT_WRITE);
	KUNIT_ASSERT_EQ(test, set_memory(test, &t, flags), 0);

	return t;
}

static u64 mapping(const struct movable_test *t, u64 i, u32 *flags)
{
	return fake_hv_mapping(t->partition->id, t->gfn + i, flags);
}

static int fault(const struct movable_test *t, u64 i, u8 access)
{
	return mshv_mem_fault(t->partition, t->gfn + i, access);
}

/* The page that the process has at page @i of the region, which it has touched */
static u64 user_pfn(struct kunit *test, const struct movable_test *t, u64 i)
{
	struct page *page;
	u64 pfn;

	KUNIT_ASSERT_EQ(test, get_user_pages_fast(t->user + i * PAGE_SIZE, 1, 0, &page), 1);
	pfn = page_to_pfn(page);
	put_page(page);

	return pfn;
}

static void touch(struct kunit *test, const struct movable_test *t, u64 i)
{
	KUNIT_ASSERT_EQ(test, put_user(0x55, (u8 __user *)(t->user + i * PAGE_SIZE)), 0);
}

/* No huge pages in there: they come to memory that is touched first elsewhere. */
static void touch_small(struct kunit *test, const struct movable_test *t)
{
	unsigned long addr = t->user & ~(BLOCK_BYTES - 1);

	/* A hole in each block keeps them out. */
	for (; addr < t->user + t->nr * PAGE_SIZE; addr += BLOCK_BYTES)
		vm_munmap(addr + BLOCK_BYTES - PAGE_SIZE, PAGE_SIZE);
}

static void eight_gigabytes_cost_nothing_until_they_are_touched(struct kunit *test)
{
	unsigned long rss;
	struct movable_test t;
	unsigned int calls;
	u32 flags;
	u64 i;

	t = movable(test, 0, 8ULL << 18, WRITABLE);
	calls = fake_hv_calls(HVCALL_MAP_GPA_PAGES);
	rss = get_mm_rss(current->mm);
	KUNIT_EXPECT_LT(test, rss, 100);
	KUNIT_EXPECT_LT(test, calls, 20);
	for (i = 0; i < t.nr; i += 12345) {
		KUNIT_EXPECT_EQ(test, mapping(&t, i, &flags), i % BLOCK);
		KUNIT_EXPECT_EQ(test, flags, HV_MAP_GPA_NO_ACCESS | HV_MAP_GPA_LARGE_PAGE);
	}
	KUNIT_EXPECT_EQ(test, set_memory(test, &t, UNMAP), 0);
	KUNIT_EXPECT_EQ(test, mapping(&t, 5, &flags), U64_MAX);
	test_close(t.fd);
}

static void fault_maps_what_the_process_has_there(struct kunit *test)
{
	struct movable_test t = movable(test, 0x107, 3 * BLOCK, WRITABLE | EXECUTABLE);
	static const u64 pages[] = { 0, 1, 700, 3 * BLOCK - 1 };
	unsigned int i;
	u32 flags;

	for (i = 0; i < ARRAY_SIZE(pages); i++) {
		touch(test, &t, pages[i]);
		KUNIT_ASSERT_EQ(test, fault(&t, pages[i], ACCESS_WRITE), 0);
		KUNIT_EXPECT_EQ(test, mapping(&t, pages[i], &flags), user_pfn(test, &t, pages[i]));
		KUNIT_EXPECT_EQ(test, flags, HV_MAP_GPA_READABLE | HV_MAP_GPA_WRITABLE |
					     HV_MAP_GPA_EXECUTABLE);
	}
	/* Guest and host disagree on where 2 MiB pages begin, so there are none. */
	mapping(&t, 5 * BLOCK / 2, &flags);
	KUNIT_EXPECT_FALSE(test, flags & HV_MAP_GPA_READABLE);
	test_close(t.fd);
}

static void huge_page_is_mapped_as_one(struct kunit *test)
{
	struct movable_test t = movable(test, 4 * BLOCK, 2 * BLOCK, WRITABLE);
	unsigned int calls;
	u32 flags;
	u64 i;

	touch(test, &t, BLOCK);
	calls = fake_hv_calls(HVCALL_MAP_GPA_PAGES);
	KUNIT_ASSERT_EQ(test, fault(&t, BLOCK + 77, ACCESS_WRITE), 0);
	KUNIT_EXPECT_EQ(test, fake_hv_calls(HVCALL_MAP_GPA_PAGES), calls + 1);
	for (i = BLOCK; i < 2 * BLOCK; i += 73) {
		KUNIT_EXPECT_EQ(test, mapping(&t, i, &flags), user_pfn(test, &t, i));
		KUNIT_EXPECT_EQ(test, flags, HV_MAP_GPA_READABLE | HV_MAP_GPA_WRITABLE |
					     HV_MAP_GPA_LARGE_PAGE);
	}
	/* It goes as one, too, whatever part of it goes. */
	vm_munmap(t.user + (BLOCK + 5) * PAGE_SIZE, PAGE_SIZE);
	mapping(&t, 2 * BLOCK - 1, &flags);
	KUNIT_EXPECT_EQ(test, flags, HV_MAP_GPA_NO_ACCESS | HV_MAP_GPA_LARGE_PAGE);

	/* And comes back page by page. */
	KUNIT_ASSERT_EQ(test, fault(&t, BLOCK + 77, ACCESS_WRITE), 0);
	KUNIT_EXPECT_EQ(test, mapping(&t, BLOCK + 77, &flags), user_pfn(test, &t, BLOCK + 77));
	KUNIT_EXPECT_FALSE(test, flags & HV_MAP_GPA_LARGE_PAGE);
	KUNIT_EXPECT_LT(test, fault(&t, BLOCK + 5, ACCESS_WRITE), 0);
	KUNIT_EXPECT_EQ(test, fault(&t, BLOCK + 4, ACCESS_WRITE), 0);
	test_close(t.fd);
}

/* Its process's page tables may not know, and the page be thrown away. */
static void page_that_the_guest_may_have_written_to_is_dirty(struct kunit *test)
{
	struct movable_test t;
	struct page *page;
	unsigned int i;

	for (i = 0; i < 4; i++) {
		t = movable(test, 0x100, BLOCK, i & 1 ? WRITABLE : 0);
		KUNIT_ASSERT_EQ(test, get_user_pages_fast(t.user, 1, FOLL_WRITE, &page), 1);
		KUNIT_EXPECT_EQ(test, fault(&t, 0, ACCESS_READ), 0);
		ClearPageDirty(compound_head(page));
		/* Whether the process lets go of it, or the guest */
		if (i & 2)
			vm_munmap(t.user, t.nr * PAGE_SIZE);
		else
			test_close(t.fd);
		KUNIT_EXPECT_EQ(test, PageDirty(compound_head(page)), i & 1);
		put_page(page);
		if (i & 2)
			test_close(t.fd);
	}
}

static void memory_that_was_only_read_is_nobodys_yet(struct kunit *test)
{
	struct movable_test t = movable(test, 0, BLOCK, WRITABLE);
	unsigned long rss;
	u32 flags;

	touch_small(test, &t);
	rss = get_mm_rss(current->mm);
	KUNIT_ASSERT_EQ(test, fault(&t, 3, ACCESS_READ), 0);
	KUNIT_EXPECT_EQ(test, get_mm_rss(current->mm), rss);
	mapping(&t, 3, &flags);
	KUNIT_EXPECT_EQ(test, flags, HV_MAP_GPA_READABLE);

	KUNIT_ASSERT_EQ(test, fault(&t, 3, ACCESS_WRITE), 0);
	KUNIT_EXPECT_EQ(test, mapping(&t, 3, &flags), user_pfn(test, &t, 3));
	KUNIT_EXPECT_EQ(test, flags, HV_MAP_GPA_READABLE | HV_MAP_GPA_WRITABLE);
	KUNIT_EXPECT_EQ(test, fault(&t, 3, EXECUTE), -EFAULT);
	test_close(t.fd);
}

static void access_the_region_does_not_allow_is_for_user_space(struct kunit *test)
{
	struct movable_test t = movable(test, 0, BLOCK, 0);
	unsigned int calls = fake_hv_calls(HVCALL_MAP_GPA_PAGES);
	u32 flags;

	KUNIT_EXPECT_EQ(test, fault(&t, 3, ACCESS_WRITE), -EFAULT);
	KUNIT_EXPECT_EQ(test, fault(&t, 3, EXECUTE), -EFAULT);
	KUNIT_EXPECT_EQ(test, fault(&t, 3, 3), -EINVAL);
	KUNIT_EXPECT_EQ(test, fault(&t, BLOCK, ACCESS_READ), -ENOENT);
	KUNIT_EXPECT_EQ(test, fake_hv_calls(HVCALL_MAP_GPA_PAGES), calls);
	touch(test, &t, 3);
	KUNIT_EXPECT_EQ(test, fault(&t, 3, ACCESS_READ), 0);
	mapping(&t, 3, &flags);
	KUNIT_EXPECT_FALSE(test, flags & HV_MAP_GPA_WRITABLE);
	test_close(t.fd);
}

static void read_only_memory_can_be_read(struct kunit *test)
{
	struct movable_test t = { .gfn = 0, .nr = 8 };
	u32 flags;

	t.fd = test_partition(test);
	t.partition = test_partition_of(test, t.fd);
	t.user = aligned_memory(test, t.nr * PAGE_SIZE, PROT_READ);
	KUNIT_ASSERT_EQ(test, set_memory(test, &t, WRITABLE), 0);
	KUNIT_EXPECT_EQ(test, fault(&t, 3, ACCESS_READ), 0);
	mapping(&t, 3, &flags);
	KUNIT_EXPECT_EQ(test, flags, HV_MAP_GPA_READABLE);
	/* The process could not do it either. */
	KUNIT_EXPECT_LT(test, fault(&t, 3, ACCESS_WRITE), 0);
	test_close(t.fd);
}

static void pages_that_go_away_are_taken_from_the_guest(struct kunit *test)
{
	struct movable_test t = movable(test, 3, 100, WRITABLE);
	u32 flags;
	u64 i;

	touch_small(test, &t);
	for (i = 0; i < t.nr; i++)
		KUNIT_ASSERT_EQ(test, fault(&t, i, ACCESS_WRITE), 0);
	vm_munmap(t.user + 40 * PAGE_SIZE, 20 * PAGE_SIZE);
	for (i = 0; i < t.nr; i++) {
		mapping(&t, i, &flags);
		KUNIT_EXPECT_EQ(test, flags, i >= 40 && i < 60 ? HV_MAP_GPA_NO_ACCESS :
				HV_MAP_GPA_READABLE | HV_MAP_GPA_WRITABLE);
	}
	KUNIT_EXPECT_LT(test, fault(&t, 50, ACCESS_READ), 0);
	/* Its neighbours do not suffer. */
	KUNIT_EXPECT_EQ(test, fault(&t, 39, ACCESS_WRITE), 0);

	/* Whatever is put there later is what the guest gets. */
	KUNIT_ASSERT_EQ(test, vm_mmap(NULL, t.user + 40 * PAGE_SIZE, 20 * PAGE_SIZE,
				      PROT_READ | PROT_WRITE,
				      MAP_ANONYMOUS | MAP_PRIVATE | MAP_FIXED, 0),
			t.user + 40 * PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, fault(&t, 50, ACCESS_WRITE), 0);
	KUNIT_EXPECT_EQ(test, mapping(&t, 50, &flags), user_pfn(test, &t, 50));
	KUNIT_EXPECT_EQ(test, set_memory(test, &t, UNMAP), 0);
	KUNIT_EXPECT_EQ(test, mapping(&t, 50, &flags), U64_MAX);
	test_close(t.fd);
}

static void region_goes_when_all_its_memory_has_gone(struct kunit *test)
{
	struct movable_test t = movable(test, BLOCK, 2 * BLOCK, WRITABLE);
	u32 flags;

	touch(test, &t, 0);
	KUNIT_ASSERT_EQ(test, fault(&t, 0, ACCESS_WRITE), 0);
	vm_munmap(t.user, t.nr * PAGE_SIZE);
	mapping(&t, 0, &flags);
	KUNIT_EXPECT_TRUE(test, flags & HV_MAP_GPA_NO_ACCESS);
	KUNIT_EXPECT_EQ(test, set_memory(test, &t, UNMAP), 0);
	test_close(t.fd);
}

static void fault_deposits_what_the_hypervisor_wants(struct kunit *test)
{
	static const u16 statuses[] = {
		HV_STATUS_INSUFFICIENT_MEMORY, HV_STATUS_INSUFFICIENT_ROOT_MEMORY,
		HV_STATUS_INSUFFICIENT_CONTIGUOUS_MEMORY,
	};
	struct movable_test t = movable(test, 0, 4 * BLOCK, WRITABLE);
	struct mshv_pool *pool = &t.partition->pool;
	u32 flags;
	u64 i;

	touch_small(test, &t);
	/* The table that 4 KiB pages need is not there yet. */
	mshv_pool_withdraw(pool, U64_MAX);
	KUNIT_EXPECT_EQ(test, fault(&t, 5, ACCESS_WRITE), 0);
	KUNIT_EXPECT_EQ(test, mapping(&t, 5, &flags), user_pfn(test, &t, 5));
	for (i = 0; i < ARRAY_SIZE(statuses); i++) {
		fake_hv_fail(HVCALL_MAP_GPA_PAGES, statuses[i], 0, 2);
		KUNIT_EXPECT_EQ(test, fault(&t, BLOCK + 40 * i, ACCESS_WRITE), 0);
	}
	/* If there is no end to it, user space is told. */
	fake_hv_fail(HVCALL_MAP_GPA_PAGES, HV_STATUS_INSUFFICIENT_MEMORY, 0, 1000);
	KUNIT_EXPECT_EQ(test, fault(&t, 3 * BLOCK, ACCESS_WRITE), -ENOMEM);
	fake_hv_fail(HVCALL_MAP_GPA_PAGES, HV_STATUS_OPERATION_FAILED, 0, 2);
	KUNIT_EXPECT_EQ(test, fault(&t, 3 * BLOCK, ACCESS_WRITE), -EIO);
	test_close(t.fd);
}

static void page_that_cannot_be_taken_from_the_guest_is_kept(struct kunit *test)
{
	unsigned int large;

	for (large = 0; large < 2; large++) {
		struct movable_test t = movable(test, BLOCK, BLOCK, WRITABLE);
		struct page *page;
		u32 flags;

		if (!large)
			touch_small(test, &t);
		touch(test, &t, 7);
		KUNIT_ASSERT_EQ(test, fault(&t, 7, ACCESS_WRITE), 0);
		page = pfn_to_page(mapping(&t, 7, &flags));
		KUNIT_EXPECT_EQ(test, !!(flags & HV_MAP_GPA_LARGE_PAGE), large);
		get_page(page);
		fake_hv_fail(HVCALL_MAP_GPA_PAGES, HV_STATUS_OPERATION_FAILED, 0, 1);
		vm_munmap(t.user, t.nr * PAGE_SIZE);
		/* One is ours, one the driver's, one of what is on its way to the LRU lists. */
		KUNIT_EXPECT_EQ(test, page_count(page), 2 + !PageLRU(page));
		KUNIT_EXPECT_EQ(test, fault(&t, 7, ACCESS_READ), -EFAULT);
		test_close(t.fd);
		KUNIT_EXPECT_EQ(test, page_count(page), 1 + !PageLRU(page));
		put_page(page);
	}
}

static void lost_block_is_unmapped_as_it_was_mapped(struct kunit *test)
{
	struct movable_test t = movable(test, BLOCK, 3 * BLOCK, WRITABLE);
	u32 flags;

	touch(test, &t, BLOCK);
	KUNIT_ASSERT_EQ(test, fault(&t, BLOCK, ACCESS_WRITE), 0);
	fake_hv_fail(HVCALL_MAP_GPA_PAGES, HV_STATUS_OPERATION_FAILED, 0, 1);
	vm_munmap(t.user + BLOCK_BYTES, PAGE_SIZE);
	/* The process has the rest of it again, and the guest the page of before. */
	KUNIT_EXPECT_EQ(test, fault(&t, BLOCK + 9, ACCESS_WRITE), -EIO);
	KUNIT_EXPECT_EQ(test, set_memory(test, &t, UNMAP), 0);
	KUNIT_EXPECT_EQ(test, mapping(&t, BLOCK, &flags), U64_MAX);
	test_close(t.fd);
}

static void failed_mapping_leaves_no_notifier(struct kunit *test)
{
	struct movable_test t = { .gfn = 100, .nr = 4 * BLOCK };
	struct movable_test next;
	u32 flags;

	/* It has the rest of the last block. */
	next = movable(test, t.gfn + t.nr, 4, WRITABLE);
	touch(test, &next, 0);
	KUNIT_EXPECT_EQ(test, fault(&next, 0, ACCESS_WRITE), 0);
	t.fd = next.fd;
	t.partition = next.partition;
	t.user = aligned_memory(test, t.nr * PAGE_SIZE, PROT_READ | PROT_WRITE);
	/* The head is mapped, the blocks after it are not. */
	fake_hv_fail(HVCALL_MAP_GPA_PAGES, HV_STATUS_OPERATION_FAILED, 1, 1);
	KUNIT_EXPECT_EQ(test, set_memory(test, &t, WRITABLE), -EIO);
	KUNIT_EXPECT_EQ(test, mapping(&t, 0, &flags), U64_MAX);
	KUNIT_EXPECT_EQ(test, mapping(&next, 0, &flags), user_pfn(test, &next, 0));
	touch(test, &t, 3);
	vm_munmap(t.user, PAGE_SIZE);

	/* If it cannot be undone either, it stays until the partition goes. */
	fake_hv_fail(HVCALL_MAP_GPA_PAGES, HV_STATUS_OPERATION_FAILED, 1, 1);
	fake_hv_fail(HVCALL_UNMAP_GPA_PAGES, HV_STATUS_OPERATION_FAILED, 0, 1);
	t.user += PAGE_SIZE;
	t.nr -= 2;
	KUNIT_EXPECT_EQ(test, set_memory(test, &t, WRITABLE), -EIO);
	KUNIT_EXPECT_FALSE(test, list_empty(&t.partition->mem.stuck));
	test_close(t.fd);
}

static void region_that_cannot_be_unmapped_is_still_one(struct kunit *test)
{
	struct movable_test t = movable(test, BLOCK, BLOCK, WRITABLE);

	fake_hv_fail(HVCALL_UNMAP_GPA_PAGES, HV_STATUS_OPERATION_FAILED, 0, 1);
	KUNIT_EXPECT_EQ(test, set_memory(test, &t, UNMAP), -EIO);
	KUNIT_EXPECT_EQ(test, fault(&t, 3, ACCESS_WRITE), 0);
	KUNIT_EXPECT_EQ(test, set_memory(test, &t, UNMAP), 0);
	KUNIT_EXPECT_EQ(test, fault(&t, 3, ACCESS_WRITE), -ENOENT);
	test_close(t.fd);
}

static void guest_without_large_pages_gets_small_ones(struct kunit *test)
{
	struct movable_test t = { .gfn = BLOCK, .nr = BLOCK + 9 };
	u32 flags;

	t.fd = test_partition(test);
	t.partition = test_partition_of(test, t.fd);
	t.partition->flags &= ~HV_PARTITION_CREATION_FLAG_GPA_SUPER_PAGES_ENABLED;
	t.user = aligned_memory(test, t.nr * PAGE_SIZE, PROT_READ | PROT_WRITE);
	KUNIT_ASSERT_EQ(test, set_memory(test, &t, WRITABLE), 0);
	touch(test, &t, 9);
	KUNIT_EXPECT_EQ(test, fault(&t, 9, ACCESS_WRITE), 0);
	mapping(&t, 9, &flags);
	KUNIT_EXPECT_EQ(test, flags, HV_MAP_GPA_READABLE | HV_MAP_GPA_WRITABLE);
	KUNIT_EXPECT_EQ(test, set_memory(test, &t, UNMAP), 0);
	test_close(t.fd);
}

static void nothing_is_left_whichever_allocation_fails(struct kunit *test)
{
	struct movable_test t = { .gfn = 5, .nr = BLOCK };
	unsigned long user = test_user(test, PAGE_SIZE);
	struct mshv_user_mem_region args;
	unsigned int refused = 0;
	unsigned int round;
	unsigned int n;
	long ret;

	t.fd = test_partition(test);
	t.partition = test_partition_of(test, t.fd);
	t.user = aligned_memory(test, t.nr * PAGE_SIZE, PROT_READ | PROT_WRITE);
	args = (struct mshv_user_mem_region) {
		.guest_pfn = t.gfn, .size = t.nr * PAGE_SIZE, .userspace_addr = t.user,
		.flags = WRITABLE,
	};
	KUNIT_ASSERT_EQ(test, copy_to_user((void __user *)user, &args, sizeof(args)), 0);
	/*
	 * Allocations of KASAN's own, which it makes now and then, count with the
	 * driver's, and it does without them: then all is tried once more.
	 */
	for (round = 0; round < 8 && refused < 2; round++) {
		if (round)
			KUNIT_EXPECT_EQ(test, set_memory(test, &t, UNMAP), 0);
		refused = 0;
		for (n = 1; n < 50; n++) {
			test_fail_alloc(n);
			ret = test_ioctl(test, t.fd, MSHV_SET_GUEST_MEMORY, user);
			if (ret == -ENOMEM)
				refused++;
			else
				KUNIT_EXPECT_EQ(test, ret, 0);
			if (!test_alloc_failed())
				break;
			if (!ret)
				KUNIT_EXPECT_EQ(test, set_memory(test, &t, UNMAP), 0);
		}
	}
	KUNIT_EXPECT_GE_MSG(test, refused, 2, "of %u", n);
	for (n = 1; n < 50; n++) {
		test_fail_alloc(n);
		ret = fault(&t, 3 * n, ACCESS_WRITE);
		if (!test_alloc_failed())
			break;
		KUNIT_EXPECT_TRUE(test, !ret || ret == -ENOMEM || ret == -EFAULT);
		KUNIT_EXPECT_EQ(test, fault(&t, 3 * n, ACCESS_WRITE), 0);
	}
	test_close(t.fd);
}

/* An intercept of a page, then the end. */
static int intercept_then_halt(const struct fake_call *call, u16 *done, void *context)
{
	const struct hv_input_dispatch_vp *in = call->in;
	struct hv_output_dispatch_vp *out = call->out;
	struct hv_message *page = fake_hv_message_page(in->partition_id, in->vp_index);
	struct hv_x64_memory_intercept_message *intercept = (void *)page->u.payload;
	u64 *gpa = context;

	page->header.message_type = *gpa ? HVMSG_GPA_INTERCEPT : HVMSG_X64_HALT;
	intercept->guest_physical_address = *gpa;
	intercept->header.intercept_access_type = ACCESS_WRITE;
	if (*gpa < 0x100000)
		*gpa = 0;
	out->dispatch_state = HV_VP_DISPATCH_STATE_READY;
	out->dispatch_event = HV_VP_DISPATCH_EVENT_INTERCEPT;

	return HV_STATUS_SUCCESS;
}

static void vmm_does_not_hear_of_a_page_that_was_only_not_there(struct kunit *test)
{
	struct movable_test t = movable(test, 0, 16, WRITABLE);
	unsigned long user = test_user(test, PAGE_SIZE);
	int vp_fd = test_vp(test, t.fd, 0);
	u64 gpa = 0x3008;
	u32 flags;

	fake_hv_handle(HVCALL_DISPATCH_VP, intercept_then_halt, &gpa);
	KUNIT_EXPECT_EQ(test, test_ioctl(test, vp_fd, MSHV_RUN_VP, user), 0);
	KUNIT_EXPECT_EQ(test, test_message_type(test, user), HVMSG_X64_HALT);
	KUNIT_EXPECT_EQ(test, mapping(&t, 3, &flags), user_pfn(test, &t, 3));
	/* Of one that is none of the guest's memory it does. */
	gpa = 0x100000;
	KUNIT_EXPECT_EQ(test, test_ioctl(test, vp_fd, MSHV_RUN_VP, user), 0);
	KUNIT_EXPECT_EQ(test, test_message_type(test, user), HVMSG_GPA_INTERCEPT);
	test_close(vp_fd);
	test_close(t.fd);
}

/* Stops at pages that the guest has no access to, first one, then the other. */
static int translate(const struct fake_call *call, u16 *done, void *context)
{
	const struct hv_input_translate_virtual_address *in = call->in;
	struct hv_output_translate_virtual_address *out = call->out;
	u64 gfn;
	u32 flags;

	for (gfn = 2; gfn <= 600; gfn += 299) {
		fake_hv_mapping(in->partition_id, gfn, &flags);
		out->gpa_page = gfn;
		out->result_code = HV_TRANSLATE_GVA_GPA_NO_READ_ACCESS;
		if (!(flags & HV_MAP_GPA_READABLE))
			return HV_STATUS_SUCCESS;
	}
	out->result_code = HV_TRANSLATE_GVA_GPA_NO_WRITE_ACCESS;
	if (!(flags & HV_MAP_GPA_WRITABLE))
		return HV_STATUS_SUCCESS;
	out->result_code = HV_TRANSLATE_GVA_SUCCESS;

	return HV_STATUS_SUCCESS;
}

static void translation_brings_in_the_pages_that_it_needs(struct kunit *test)
{
	struct movable_test t = movable(test, 0, 2 * BLOCK, WRITABLE);
	unsigned long user = test_user(test, 2 * PAGE_SIZE);
	struct hv_output_translate_virtual_address out;
	struct mshv_root_hvcall args = {
		.code = HVCALL_TRANSLATE_VIRTUAL_ADDRESS,
		.in_sz = sizeof(struct hv_input_translate_virtual_address),
		.in_ptr = user,
		.out_sz = sizeof(out),
		.out_ptr = user + PAGE_SIZE,
	};

	KUNIT_ASSERT_EQ(test, clear_user((void __user *)user, PAGE_SIZE), 0);
	fake_hv_handle(HVCALL_TRANSLATE_VIRTUAL_ADDRESS, translate, NULL);
	KUNIT_EXPECT_EQ(test, test_ioctl_in(test, t.fd, MSHV_ROOT_HVCALL, &args, sizeof(args)), 0);
	KUNIT_ASSERT_EQ(test, copy_from_user(&out, (void __user *)(user + PAGE_SIZE), sizeof(out)),
			0);
	KUNIT_EXPECT_EQ(test, out.result_code, HV_TRANSLATE_GVA_SUCCESS);
	KUNIT_EXPECT_EQ(test, fake_hv_calls(HVCALL_TRANSLATE_VIRTUAL_ADDRESS), 4);

	/* A page that is not to be had is what user space is told. */
	vm_munmap(t.user, t.nr * PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, test_ioctl_in(test, t.fd, MSHV_ROOT_HVCALL, &args, sizeof(args)), 0);
	KUNIT_ASSERT_EQ(test, copy_from_user(&out, (void __user *)(user + PAGE_SIZE), sizeof(out)),
			0);
	KUNIT_EXPECT_EQ(test, out.result_code, HV_TRANSLATE_GVA_GPA_NO_READ_ACCESS);
	test_close(t.fd);
}

/**
 * struct storm - threads that fault while the memory is being changed
 * @t: the guest
 * @mm: its memory's address space
 * @faults: how many faults succeeded
 */
struct storm {
	struct movable_test *t;
	struct mm_struct *mm;
	atomic_t faults;
};

static int storm_thread(void *data)
{
	struct storm *storm = data;

	while (!kthread_should_stop()) {
		if (!fault(storm->t, get_random_u32() % storm->t->nr, ACCESS_WRITE))
			atomic_inc(&storm->faults);
		cond_resched();
	}

	return 0;
}

static void guest_never_has_what_the_process_has_lost(struct kunit *test)
{
	struct movable_test t = movable(test, BLOCK - 50, 3 * BLOCK, WRITABLE);
	struct storm storm = { .t = &t, .mm = current->mm };
	struct task_struct *threads[2];
	unsigned int wrong = 0;
	unsigned int i;
	u32 flags;
	u64 pfn;

	for (i = 0; i < ARRAY_SIZE(threads); i++) {
		threads[i] = kthread_run(storm_thread, &storm, "mshv-storm");
		KUNIT_ASSERT_FALSE(test, IS_ERR(threads[i]));
	}
	for (i = 0; i < 300; i++) {
		u64 first = get_random_u32() % t.nr;
		u64 nr = get_random_u32() % (t.nr - first) + 1;
		unsigned long addr = t.user + first * PAGE_SIZE;

		/* New memory in the place of old, and now and then none. */
		if (i % 3)
			addr = vm_mmap(NULL, addr, nr * PAGE_SIZE, PROT_READ | PROT_WRITE,
				       MAP_ANONYMOUS | MAP_PRIVATE | MAP_FIXED, 0);
		else
			vm_munmap(addr, nr * PAGE_SIZE);
		KUNIT_ASSERT_EQ(test, addr, t.user + first * PAGE_SIZE);
		cond_resched();
	}
	for (i = 0; i < ARRAY_SIZE(threads); i++)
		kthread_stop(threads[i]);
	KUNIT_EXPECT_GT(test, atomic_read(&storm.faults), 0);

	for (i = 0; i < t.nr; i++) {
		struct page *page;

		pfn = mapping(&t, i, &flags);
		if (flags & HV_MAP_GPA_NO_ACCESS)
			continue;
		if (get_user_pages_fast(t.user + i * PAGE_SIZE, 1, 0, &page) != 1) {
			wrong++;
			continue;
		}
		wrong += page_to_pfn(page) != pfn;
		put_page(page);
	}
	KUNIT_EXPECT_EQ(test, wrong, 0);
	test_close(t.fd);
}

/* ---- What the hypervisor forgets of pages that are taken from the guest ---- */

/* The one region that there is */
static struct mshv_region *region_of(const struct movable_test *t)
{
	return rb_entry(rb_first_cached(&t->partition->mem.regions), struct mshv_region, node);
}

static struct mshv_movable *movable_of(const struct movable_test *t)
{
	return region_of(t)->backing;
}

/* How many pages are said to be dirty, of which the hypervisor says nothing */
static unsigned int dirty(struct kunit *test, const struct movable_test *t, u8 op,
			  unsigned long *bitmap)
{
	unsigned long user = test_user(test, 2 * PAGE_SIZE);
	const struct mshv_gpap_access_bitmap args = {
		.access_type = MSHV_GPAP_ACCESS_TYPE_DIRTY, .access_op = op,
		.page_count = t->nr, .gpap_base = t->gfn, .bitmap_ptr = user + PAGE_SIZE,
	};

	KUNIT_ASSERT_EQ(test, copy_to_user((void __user *)user, &args, sizeof(args)), 0);
	KUNIT_EXPECT_EQ(test, test_ioctl(test, t->fd, MSHV_GET_GPAP_ACCESS_BITMAP, user), 0);
	bitmap_zero(bitmap, t->nr);
	KUNIT_ASSERT_EQ(test, copy_from_user(bitmap, (void __user *)(user + PAGE_SIZE),
					     DIV_ROUND_UP(t->nr, 8)), 0);

	return bitmap_weight(bitmap, t->nr);
}

static void pages_that_were_taken_from_the_guest_are_dirty(struct kunit *test)
{
	struct movable_test t = movable(test, BLOCK - 32, 64, WRITABLE);
	DECLARE_BITMAP(bitmap, 64);

	touch_small(test, &t);
	KUNIT_ASSERT_EQ(test, fault(&t, 3, ACCESS_WRITE), 0);
	KUNIT_ASSERT_EQ(test, fault(&t, 40, ACCESS_WRITE), 0);
	KUNIT_ASSERT_EQ(test, fault(&t, 20, ACCESS_READ), 0);
	KUNIT_EXPECT_EQ(test, dirty(test, &t, MSHV_GPAP_ACCESS_OP_CLEAR, bitmap), 0);
	vm_munmap(t.user + 3 * PAGE_SIZE, 2 * PAGE_SIZE);
	/* One that the guest could only read */
	vm_munmap(t.user + 20 * PAGE_SIZE, PAGE_SIZE);
	vm_munmap(t.user + 47 * PAGE_SIZE, PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, dirty(test, &t, MSHV_GPAP_ACCESS_OP_NOOP, bitmap), 3);
	KUNIT_EXPECT_TRUE(test, test_bit(3, bitmap) && test_bit(4, bitmap) && test_bit(47, bitmap));
	/* Whatever is there now */
	KUNIT_ASSERT_EQ(test, vm_mmap(NULL, t.user + 3 * PAGE_SIZE, PAGE_SIZE,
				      PROT_READ | PROT_WRITE,
				      MAP_ANONYMOUS | MAP_PRIVATE | MAP_FIXED, 0),
			t.user + 3 * PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, fault(&t, 3, ACCESS_READ), 0);
	KUNIT_EXPECT_EQ(test, dirty(test, &t, MSHV_GPAP_ACCESS_OP_CLEAR, bitmap), 3);
	KUNIT_EXPECT_EQ(test, dirty(test, &t, MSHV_GPAP_ACCESS_OP_CLEAR, bitmap), 0);
	test_close(t.fd);
}

static void large_page_that_was_taken_is_dirty_in_all_its_parts(struct kunit *test)
{
	struct movable_test t = movable(test, 4 * BLOCK, 2 * BLOCK, WRITABLE);
	struct movable_test part = t;
	DECLARE_BITMAP(bitmap, 2 * BLOCK);
	u32 flags;

	touch(test, &t, BLOCK);
	KUNIT_ASSERT_EQ(test, fault(&t, BLOCK + 77, ACCESS_WRITE), 0);
	mapping(&t, BLOCK, &flags);
	KUNIT_ASSERT_TRUE(test, flags & HV_MAP_GPA_LARGE_PAGE);
	KUNIT_EXPECT_EQ(test, dirty(test, &t, MSHV_GPAP_ACCESS_OP_CLEAR, bitmap), 0);
	vm_munmap(t.user + (BLOCK + 5) * PAGE_SIZE, PAGE_SIZE);
	part.gfn += BLOCK - 10;
	part.nr = 30;
	KUNIT_EXPECT_EQ(test, dirty(test, &part, MSHV_GPAP_ACCESS_OP_CLEAR, bitmap), 20);
	/* What comes there next changes nothing of that. */
	KUNIT_ASSERT_EQ(test, fault(&t, BLOCK + 77, ACCESS_READ), 0);
	KUNIT_EXPECT_EQ(test, dirty(test, &t, MSHV_GPAP_ACCESS_OP_CLEAR, bitmap), BLOCK - 20);
	KUNIT_EXPECT_FALSE(test, test_bit(BLOCK + 19, bitmap));
	KUNIT_EXPECT_TRUE(test, test_bit(BLOCK + 20, bitmap));
	KUNIT_EXPECT_EQ(test, dirty(test, &t, MSHV_GPAP_ACCESS_OP_NOOP, bitmap), 0);
	test_close(t.fd);
}

static int count_pages(const struct fake_call *call, u16 *done, void *context)
{
	unsigned int *pages = context;

	*pages += call->reps - call->start;

	return FAKE_DEFAULT;
}

/* A new entry would be a clean one. */
static void fault_leaves_alone_what_is_mapped(struct kunit *test)
{
	struct movable_test t = movable(test, BLOCK, 3 * BLOCK, WRITABLE);
	DECLARE_BITMAP(bitmap, 3 * BLOCK);
	unsigned int pages = 0;
	u32 flags;
	u64 i;

	/* Small pages in the first block, a large one in the last */
	vm_munmap(t.user + (BLOCK - 1) * PAGE_SIZE, PAGE_SIZE);
	touch(test, &t, 2 * BLOCK);
	/* What page tables that takes is there for the others. */
	KUNIT_ASSERT_EQ(test, fault(&t, 40, ACCESS_WRITE), 0);
	fake_hv_handle(HVCALL_MAP_GPA_PAGES, count_pages, &pages);
	KUNIT_ASSERT_EQ(test, fault(&t, 3, ACCESS_WRITE), 0);
	KUNIT_EXPECT_EQ(test, pages, MSHV_FAULT_PAGES);
	vm_munmap(t.user + 5 * PAGE_SIZE, PAGE_SIZE);
	KUNIT_ASSERT_EQ(test, vm_mmap(NULL, t.user + 5 * PAGE_SIZE, PAGE_SIZE,
				      PROT_READ | PROT_WRITE,
				      MAP_ANONYMOUS | MAP_PRIVATE | MAP_FIXED, 0),
			t.user + 5 * PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, mshv_movable_mapped(region_of(&t)), 2 * MSHV_FAULT_PAGES - 1);
	pages = 0;
	KUNIT_ASSERT_EQ(test, fault(&t, 5, ACCESS_WRITE), 0);
	KUNIT_EXPECT_EQ(test, pages, 1);
	KUNIT_EXPECT_EQ(test, mshv_movable_mapped(region_of(&t)), 2 * MSHV_FAULT_PAGES);
	for (i = 0; i < MSHV_FAULT_PAGES; i++)
		KUNIT_EXPECT_EQ(test, mapping(&t, i, &flags), user_pfn(test, &t, i));
	/* As when two VPs want the same page */
	KUNIT_EXPECT_EQ(test, fault(&t, 3, ACCESS_WRITE), 0);
	KUNIT_EXPECT_EQ(test, pages, 1);

	KUNIT_EXPECT_EQ(test, fault(&t, 2 * BLOCK + 9, ACCESS_WRITE), 0);
	KUNIT_EXPECT_EQ(test, pages, 2);
	KUNIT_EXPECT_EQ(test, fault(&t, 2 * BLOCK + 8, ACCESS_WRITE), 0);
	KUNIT_EXPECT_EQ(test, pages, 2);
	KUNIT_EXPECT_EQ(test, mshv_movable_mapped(region_of(&t)), BLOCK + 2 * MSHV_FAULT_PAGES);
	KUNIT_EXPECT_EQ(test, dirty(test, &t, MSHV_GPAP_ACCESS_OP_NOOP, bitmap), 1);
	KUNIT_EXPECT_TRUE(test, test_bit(5, bitmap));
	test_close(t.fd);
}

static void pages_that_are_not_there_can_be_marked_dirty(struct kunit *test)
{
	struct movable_test t = movable(test, BLOCK - 7, BLOCK + 30, WRITABLE);
	DECLARE_BITMAP(bitmap, BLOCK + 30);

	KUNIT_EXPECT_EQ(test, dirty(test, &t, MSHV_GPAP_ACCESS_OP_SET, bitmap), 0);
	KUNIT_EXPECT_EQ(test, dirty(test, &t, MSHV_GPAP_ACCESS_OP_NOOP, bitmap), t.nr);
	KUNIT_EXPECT_EQ(test, dirty(test, &t, MSHV_GPAP_ACCESS_OP_CLEAR, bitmap), t.nr);
	KUNIT_EXPECT_EQ(test, dirty(test, &t, MSHV_GPAP_ACCESS_OP_NOOP, bitmap), 0);
	test_close(t.fd);
}

/**
 * struct revoker - takes a page from the guest while its bits are being asked for
 * @t: the guest
 * @page: the page
 * @calls: hypercalls for the bits before
 * @locked: nothing can be merged from now on
 */
struct revoker {
	const struct movable_test *t;
	u64 page;
	unsigned int calls;
	struct completion locked;
};

static int revoke_after_the_hypercall(void *data)
{
	struct revoker *revoker = data;
	struct mshv_movable *m = movable_of(revoker->t);

	mutex_lock(&m->lock);
	complete(&revoker->locked);
	while (fake_hv_calls(HVCALL_GET_GPA_PAGES_ACCESS_STATES) == revoker->calls)
		usleep_range(100, 200);
	mshv_movable_revoke(m->region, revoker->page, revoker->page);
	mutex_unlock(&m->lock);
	while (!kthread_should_stop())
		usleep_range(100, 200);

	return 0;
}

static void page_that_is_taken_while_bits_are_read_is_not_lost(struct kunit *test)
{
	struct movable_test t = movable(test, 0, 32, WRITABLE);
	struct revoker revoker = {
		.t = &t, .page = 3, .calls = fake_hv_calls(HVCALL_GET_GPA_PAGES_ACCESS_STATES),
	};
	struct task_struct *thread;
	DECLARE_BITMAP(bitmap, 32);

	touch_small(test, &t);
	KUNIT_ASSERT_EQ(test, fault(&t, 3, ACCESS_WRITE), 0);
	init_completion(&revoker.locked);
	thread = kthread_run(revoke_after_the_hypercall, &revoker, "mshv-revoker");
	KUNIT_ASSERT_FALSE(test, IS_ERR(thread));
	wait_for_completion(&revoker.locked);
	KUNIT_EXPECT_EQ(test, dirty(test, &t, MSHV_GPAP_ACCESS_OP_CLEAR, bitmap), 1);
	KUNIT_EXPECT_TRUE(test, test_bit(3, bitmap));
	KUNIT_EXPECT_EQ(test, dirty(test, &t, MSHV_GPAP_ACCESS_OP_CLEAR, bitmap), 0);
	kthread_stop(thread);
	test_close(t.fd);
}

static void hypercall_that_is_passed_through_tells_the_same(struct kunit *test)
{
	struct movable_test t = movable(test, BLOCK, 32, WRITABLE);
	unsigned long user = test_user(test, 2 * PAGE_SIZE);
	struct hv_input_get_gpa_pages_access_state in = {
		.flags = HV_PAGE_ACCESS_CLEAR_DIRTY, .hv_gpa_page_number = BLOCK - 4,
	};
	const struct mshv_root_hvcall args = {
		.code = HVCALL_GET_GPA_PAGES_ACCESS_STATES, .reps = 20,
		.in_sz = sizeof(in), .in_ptr = user, .out_sz = 18, .out_ptr = user + PAGE_SIZE,
	};
	DECLARE_BITMAP(bitmap, 32);
	u8 states[20];

	touch_small(test, &t);
	KUNIT_ASSERT_EQ(test, fault(&t, 3, ACCESS_WRITE), 0);
	vm_munmap(t.user + 3 * PAGE_SIZE, PAGE_SIZE);
	vm_munmap(t.user + 15 * PAGE_SIZE, PAGE_SIZE);
	KUNIT_ASSERT_EQ(test, copy_to_user((void __user *)user, &in, sizeof(in)), 0);
	KUNIT_EXPECT_EQ(test, test_ioctl_in(test, t.fd, MSHV_ROOT_HVCALL, &args, sizeof(args)), 0);
	KUNIT_ASSERT_EQ(test, copy_from_user(states, (void __user *)(user + PAGE_SIZE), 20), 0);
	KUNIT_EXPECT_EQ(test, states[4 + 2], 0);
	KUNIT_EXPECT_EQ(test, states[4 + 3], HV_PAGE_STATE_ACCESSED | HV_PAGE_STATE_DIRTY);
	/* What there was no room for is told the next time. */
	KUNIT_EXPECT_EQ(test, states[4 + 15], 0);
	KUNIT_EXPECT_EQ(test, dirty(test, &t, MSHV_GPAP_ACCESS_OP_NOOP, bitmap), 1);
	KUNIT_EXPECT_TRUE(test, test_bit(15, bitmap));
	/* A number that no page has is the hypervisor's to refuse. */
	in.hv_gpa_page_number = U64_MAX - 3;
	KUNIT_ASSERT_EQ(test, copy_to_user((void __user *)user, &in, sizeof(in)), 0);
	KUNIT_EXPECT_EQ(test, test_ioctl_in(test, t.fd, MSHV_ROOT_HVCALL, &args, sizeof(args)), 0);
	test_close(t.fd);
}

/* The hypervisor's own bits of five pages, and no more of them */
static int harvest_ends_early(const struct fake_call *call, u16 *done, void *context)
{
	memset(call->out, HV_PAGE_STATE_ACCESSED, 5);
	*done = 5;

	return HV_STATUS_OPERATION_FAILED;
}

static void what_a_failed_hypercall_has_cleared_is_told(struct kunit *test)
{
	struct movable_test t = movable(test, BLOCK, 32, WRITABLE);
	unsigned long user = test_user(test, 2 * PAGE_SIZE);
	const struct hv_input_get_gpa_pages_access_state in = {
		.flags = HV_PAGE_ACCESS_CLEAR_DIRTY, .hv_gpa_page_number = BLOCK,
	};
	const struct mshv_root_hvcall args = {
		.code = HVCALL_GET_GPA_PAGES_ACCESS_STATES, .reps = 20,
		.in_sz = sizeof(in), .in_ptr = user, .out_sz = 20, .out_ptr = user + PAGE_SIZE,
	};
	DECLARE_BITMAP(bitmap, 32);
	u8 states[20];

	touch_small(test, &t);
	KUNIT_ASSERT_EQ(test, fault(&t, 3, ACCESS_WRITE), 0);
	vm_munmap(t.user + 3 * PAGE_SIZE, 2 * PAGE_SIZE);
	vm_munmap(t.user + 5 * PAGE_SIZE, PAGE_SIZE);
	KUNIT_ASSERT_EQ(test, copy_to_user((void __user *)user, &in, sizeof(in)), 0);
	fake_hv_handle(HVCALL_GET_GPA_PAGES_ACCESS_STATES, harvest_ends_early, NULL);
	KUNIT_EXPECT_EQ(test, test_ioctl_in(test, t.fd, MSHV_ROOT_HVCALL, &args, sizeof(args)),
			-EIO);
	KUNIT_ASSERT_EQ(test, copy_from_user(states, (void __user *)(user + PAGE_SIZE), 20), 0);
	KUNIT_EXPECT_EQ(test, states[0], HV_PAGE_STATE_ACCESSED);
	KUNIT_EXPECT_EQ(test, states[3], HV_PAGE_STATE_ACCESSED | HV_PAGE_STATE_DIRTY);
	KUNIT_EXPECT_EQ(test, states[5], 0);
	/* The one after them is told the next time. */
	fake_hv_handle(HVCALL_GET_GPA_PAGES_ACCESS_STATES, NULL, NULL);
	KUNIT_EXPECT_EQ(test, dirty(test, &t, MSHV_GPAP_ACCESS_OP_NOOP, bitmap), 1);
	KUNIT_EXPECT_TRUE(test, test_bit(5, bitmap));
	test_close(t.fd);
}

/* ---- Regions that the hypervisor does not unmap ---- */

static void what_was_unmapped_of_a_region_that_stays_comes_back(struct kunit *test)
{
	struct movable_test t = movable(test, BLOCK - 50, BLOCK + 50, WRITABLE);
	DECLARE_BITMAP(bitmap, BLOCK + 50);
	u32 flags;

	touch_small(test, &t);
	KUNIT_ASSERT_EQ(test, fault(&t, 15, ACCESS_WRITE), 0);
	/* The head is unmapped, the block after it is not. */
	fake_hv_fail(HVCALL_UNMAP_GPA_PAGES, HV_STATUS_OPERATION_FAILED, 1, 1);
	KUNIT_EXPECT_EQ(test, set_memory(test, &t, UNMAP), -EIO);
	KUNIT_EXPECT_EQ(test, mapping(&t, 15, &flags), U64_MAX);
	KUNIT_EXPECT_EQ(test, mshv_movable_mapped(region_of(&t)), 0);
	KUNIT_EXPECT_EQ(test, fault(&t, 15, ACCESS_WRITE), 0);
	KUNIT_EXPECT_EQ(test, mapping(&t, 15, &flags), user_pfn(test, &t, 15));
	dirty(test, &t, MSHV_GPAP_ACCESS_OP_CLEAR, bitmap);
	KUNIT_EXPECT_TRUE(test, test_bit(15, bitmap));
	test_close(t.fd);
}

/**
 * struct deposits - what goes on when memory is deposited
 * @lock: a lock
 * @nr: how many deposits there were
 * @locked: how many with the lock held
 */
struct deposits {
	struct mutex *lock;	/* the region's */
	unsigned int nr;
	unsigned int locked;
};

static int watch_deposit(const struct fake_call *call, u16 *done, void *context)
{
	struct deposits *deposits = context;

	deposits->nr++;
	deposits->locked += mutex_is_locked(deposits->lock);

	return FAKE_DEFAULT;
}

/* Memory may have to be reclaimed for that, and this region's at that. */
static void unmapping_deposits_nothing_with_the_lock_held(struct kunit *test)
{
	struct movable_test t = movable(test, BLOCK - 50, BLOCK + 50, WRITABLE);
	struct deposits deposits = { .lock = &movable_of(&t)->lock };

	touch_small(test, &t);
	KUNIT_ASSERT_EQ(test, fault(&t, 15, ACCESS_WRITE), 0);
	fake_hv_handle(HVCALL_DEPOSIT_MEMORY, watch_deposit, &deposits);
	fake_hv_fail(HVCALL_UNMAP_GPA_PAGES, HV_STATUS_INSUFFICIENT_ROOT_MEMORY, 1, 2);
	KUNIT_EXPECT_EQ(test, set_memory(test, &t, UNMAP), 0);
	fake_hv_handle(HVCALL_DEPOSIT_MEMORY, NULL, NULL);
	KUNIT_EXPECT_EQ(test, deposits.nr, 2);
	KUNIT_EXPECT_EQ(test, deposits.locked, 0);

	/* There is an end to it. */
	KUNIT_ASSERT_EQ(test, set_memory(test, &t, WRITABLE), 0);
	fake_hv_fail(HVCALL_UNMAP_GPA_PAGES, HV_STATUS_INSUFFICIENT_ROOT_MEMORY, 0, 1000);
	KUNIT_EXPECT_EQ(test, set_memory(test, &t, UNMAP), -ENOMEM);
	fake_hv_fail(HVCALL_UNMAP_GPA_PAGES, 0, 0, 0);
	test_close(t.fd);
}

static void memory_outlives_a_partition_that_cannot_be_deleted(struct kunit *test)
{
	unsigned int kept;

	/* Whether at least its pages can be taken from the guest */
	for (kept = 0; kept < 2; kept++) {
		struct movable_test t = movable(test, BLOCK, BLOCK, WRITABLE);
		u64 id = t.partition->id;
		struct page *page;
		u32 flags;

		touch_small(test, &t);
		touch(test, &t, 7);
		KUNIT_ASSERT_EQ(test, fault(&t, 7, ACCESS_WRITE), 0);
		page = pfn_to_page(mapping(&t, 7, &flags));
		get_page(page);
		fake_hv_fail(HVCALL_FINALIZE_PARTITION, HV_STATUS_OPERATION_FAILED, 0, 1);
		fake_hv_fail(HVCALL_UNMAP_GPA_PAGES, HV_STATUS_OPERATION_FAILED, 0, 1);
		fake_hv_fail(HVCALL_DELETE_PARTITION, HV_STATUS_OPERATION_FAILED, 0, 1);
		if (kept)
			fake_hv_fail(HVCALL_MAP_GPA_PAGES, HV_STATUS_OPERATION_FAILED, 0, 1);
		test_close(t.fd);
		kvfree_rcu_barrier();
		fake_hv_mapping(id, t.gfn + 7, &flags);
		KUNIT_EXPECT_EQ(test, !(flags & HV_MAP_GPA_NO_ACCESS), kept);
		/* No one asks after the partition any more. */
		vm_munmap(t.user, t.nr * PAGE_SIZE);
		/* What is on its way to the LRU lists has a reference of theirs. */
		KUNIT_EXPECT_EQ(test, page_count(page), 1 + kept + !PageLRU(page));
		if (kept)
			put_page(page);
		put_page(page);
		test_delete(test, id);
	}
}

/* A device's memory; no one ever looks into it. */
#define DEVICE_PFN	0xfed00
#define DEVICE_PAGES	8

static vm_fault_t device_fault(struct vm_fault *vmf)
{
	return vmf_insert_pfn(vmf->vma, vmf->address, DEVICE_PFN + vmf->pgoff);
}

static const struct vm_operations_struct device_vm_ops = { .fault = device_fault };

static int device_mmap(struct file *file, struct vm_area_struct *vma)
{
	vm_flags_set(vma, VM_PFNMAP | VM_IO | VM_DONTEXPAND);
	vma->vm_ops = &device_vm_ops;

	return 0;
}

static const struct file_operations device_fops = { .mmap = device_mmap };

static unsigned long device_memory(struct kunit *test, unsigned long prot)
{
	struct file *file = anon_inode_getfile("device", &device_fops, NULL, O_RDWR);
	unsigned long addr;

	KUNIT_ASSERT_FALSE(test, IS_ERR(file));
	addr = kunit_vm_mmap(test, file, 0, DEVICE_PAGES * PAGE_SIZE, prot, MAP_SHARED, 0);
	fput(file);
	KUNIT_ASSERT_FALSE(test, IS_ERR_VALUE(addr));

	return addr;
}

static void device_memory_is_mapped_uncached_while_it_is_there(struct kunit *test)
{
	struct movable_test t = { .gfn = 0xe0000, .nr = DEVICE_PAGES };
	const struct hv_input_map_gpa_pages *in = fake_hv_last(HVCALL_MAP_GPA_PAGES);
	u32 flags;

	t.fd = test_partition(test);
	t.partition = test_partition_of(test, t.fd);
	t.user = device_memory(test, PROT_READ | PROT_WRITE);
	KUNIT_ASSERT_EQ(test, set_memory(test, &t, WRITABLE | EXECUTABLE), 0);
	KUNIT_EXPECT_EQ(test, fault(&t, 3, ACCESS_WRITE), 0);
	KUNIT_EXPECT_EQ(test, mapping(&t, 3, &flags), DEVICE_PFN + 3);
	KUNIT_EXPECT_EQ(test, in->map_flags, HV_MAP_GPA_READABLE | HV_MAP_GPA_WRITABLE |
					     HV_MAP_GPA_NOT_CACHED);
	KUNIT_EXPECT_EQ(test, fault(&t, 3, EXECUTE), -EFAULT);

	/* As when the device is reset */
	vm_munmap(t.user, 4 * PAGE_SIZE);
	mapping(&t, 3, &flags);
	KUNIT_EXPECT_EQ(test, flags, HV_MAP_GPA_NO_ACCESS);
	KUNIT_EXPECT_LT(test, fault(&t, 3, ACCESS_READ), 0);
	KUNIT_EXPECT_EQ(test, fault(&t, 5, ACCESS_READ), 0);
	KUNIT_EXPECT_EQ(test, mapping(&t, 5, &flags), DEVICE_PFN + 5);
	test_close(t.fd);
}

static void device_memory_is_bounded_by_its_mapping(struct kunit *test)
{
	struct movable_test t = { .gfn = 0xe0000, .nr = DEVICE_PAGES + 1 };

	t.fd = test_partition(test);
	t.partition = test_partition_of(test, t.fd);
	t.user = device_memory(test, PROT_READ);
	KUNIT_EXPECT_EQ(test, set_memory(test, &t, WRITABLE), -EINVAL);
	t.nr = DEVICE_PAGES;
	KUNIT_EXPECT_EQ(test, set_memory(test, &t, WRITABLE), 0);
	KUNIT_EXPECT_EQ(test, fault(&t, 3, ACCESS_READ), 0);
	KUNIT_EXPECT_LT(test, fault(&t, 3, ACCESS_WRITE), 0);
	test_close(t.fd);
}

static void hypervisors_own_pages_are_no_device_memory(struct kunit *test)
{
	struct movable_test t = { .gfn = 0xe0000, .nr = 1 };
	int vp_fd;
	struct file *file;

	t.fd = test_partition(test);
	t.partition = test_partition_of(test, t.fd);
	vp_fd = test_vp(test, t.fd, 0);
	file = fget(vp_fd);
	t.user = kunit_vm_mmap(test, file, 0, PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, 0);
	fput(file);
	KUNIT_ASSERT_FALSE(test, IS_ERR_VALUE(t.user));
	KUNIT_EXPECT_EQ(test, set_memory(test, &t, WRITABLE), 0);
	KUNIT_EXPECT_EQ(test, fault(&t, 0, ACCESS_READ), -EFAULT);
	vm_munmap(t.user, PAGE_SIZE);
	test_close(vp_fd);
	test_close(t.fd);
}

static void kind_of_memory_can_be_chosen(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, mshv_mem_choose("movable"), 0);
	KUNIT_EXPECT_EQ(test, mshv_mem_choose("pinned\n"), 0);
	KUNIT_EXPECT_EQ(test, mshv_mem_choose(""), -EINVAL);
	KUNIT_EXPECT_EQ(test, mshv_mem_choose("pin"), -EINVAL);
	KUNIT_EXPECT_EQ(test, mshv_mem_choose("auto"), 0);
}

static struct kunit_case movable_cases[] = {
	KUNIT_CASE(eight_gigabytes_cost_nothing_until_they_are_touched),
	KUNIT_CASE(fault_maps_what_the_process_has_there),
	KUNIT_CASE(huge_page_is_mapped_as_one),
	KUNIT_CASE(page_that_the_guest_may_have_written_to_is_dirty),
	KUNIT_CASE(memory_that_was_only_read_is_nobodys_yet),
	KUNIT_CASE(access_the_region_does_not_allow_is_for_user_space),
	KUNIT_CASE(read_only_memory_can_be_read),
	KUNIT_CASE(pages_that_go_away_are_taken_from_the_guest),
	KUNIT_CASE(region_goes_when_all_its_memory_has_gone),
	KUNIT_CASE(fault_deposits_what_the_hypervisor_wants),
	KUNIT_CASE(page_that_cannot_be_taken_from_the_guest_is_kept),
	KUNIT_CASE(lost_block_is_unmapped_as_it_was_mapped),
	KUNIT_CASE(failed_mapping_leaves_no_notifier),
	KUNIT_CASE(region_that_cannot_be_unmapped_is_still_one),
	KUNIT_CASE(guest_without_large_pages_gets_small_ones),
	KUNIT_CASE(nothing_is_left_whichever_allocation_fails),
	KUNIT_CASE(vmm_does_not_hear_of_a_page_that_was_only_not_there),
	KUNIT_CASE(translation_brings_in_the_pages_that_it_needs),
	KUNIT_CASE_SLOW(guest_never_has_what_the_process_has_lost),
	KUNIT_CASE(pages_that_were_taken_from_the_guest_are_dirty),
	KUNIT_CASE(large_page_that_was_taken_is_dirty_in_all_its_parts),
	KUNIT_CASE(fault_leaves_alone_what_is_mapped),
	KUNIT_CASE(pages_that_are_not_there_can_be_marked_dirty),
	KUNIT_CASE(page_that_is_taken_while_bits_are_read_is_not_lost),
	KUNIT_CASE(hypercall_that_is_passed_through_tells_the_same),
	KUNIT_CASE(what_a_failed_hypercall_has_cleared_is_told),
	KUNIT_CASE(what_was_unmapped_of_a_region_that_stays_comes_back),
	KUNIT_CASE(unmapping_deposits_nothing_with_the_lock_held),
	KUNIT_CASE(memory_outlives_a_partition_that_cannot_be_deleted),
	KUNIT_CASE(device_memory_is_mapped_uncached_while_it_is_there),
	KUNIT_CASE(device_memory_is_bounded_by_its_mapping),
	KUNIT_CASE(hypervisors_own_pages_are_no_device_memory),
	KUNIT_CASE(kind_of_memory_can_be_chosen),
	{}
};

static struct kunit_suite movable_suite = {
	.name = "mshv_movable",
	.init = test_init,
	.exit = test_exit,
	.test_cases = movable_cases,
};

kunit_test_suite(movable_suite);
