// SPDX-License-Identifier: GPL-2.0-only
/*
 * Translation of guest virtual addresses, in the modes that a VP can be in.
 */
#include <sys/mman.h>

#include "mshv_test.h"

#define P	0x001ULL
#define RW	0x002ULL
#define US	0x004ULL
#define A	0x020ULL
#define D	0x040ULL
#define PS	0x080ULL
#define NX	(1ULL << 63)

#define TABLES	0x10000ULL

FIXTURE(vp) {
	struct test_vm vm;
	uint64_t *pml4, *pdpt, *pd, *pt;
};

/* Four levels of tables, for addresses from 0x400000000000 on, and long mode on */
FIXTURE_SETUP(vp)
{
	struct mshv_regs regs = { .rip = 0 };

	vm_init(&self->vm, 0, 64 * PAGE_SIZE);
	mshv_write_boot_tables(vm_guest_address(&self->vm, TABLES, MSHV_BOOT_TABLES_SIZE), TABLES);
	self->pml4 = vm_guest_address(&self->vm, TABLES + PAGE_SIZE, PAGE_SIZE);
	self->pdpt = vm_guest_address(&self->vm, 0x20000, PAGE_SIZE);
	self->pd = vm_guest_address(&self->vm, 0x21000, PAGE_SIZE);
	self->pt = vm_guest_address(&self->vm, 0x22000, PAGE_SIZE);
	self->pml4[128] = 0x20000 | P | RW | US;
	self->pdpt[0] = 0x21000 | P | RW | US;
	self->pd[0] = 0x22000 | P | RW | US;
	ASSERT_OK(mshv_vp_setup_long_mode(&self->vm.vp, TABLES, &regs));
}

FIXTURE_TEARDOWN(vp)
{
	vm_destroy(&self->vm);
}

#define BASE	0x400000000000ULL
#define READ	HV_TRANSLATE_GVA_VALIDATE_READ
#define WRITE	HV_TRANSLATE_GVA_VALIDATE_WRITE
#define EXECUTE	HV_TRANSLATE_GVA_VALIDATE_EXECUTE
#define USER	HV_TRANSLATE_GVA_USER_ACCESS

#define TRANSLATE(gva, flags) \
	mshv_translate_gva(self->vm.vp.fd, 0, gva, flags, &gpa)

TEST_F(vp, pages_of_all_sizes)
{
	__u64 gpa = 0;

	self->pt[5] = 0x7000 | P | RW;
	ASSERT_EQ(0, TRANSLATE(BASE + 0x5123, READ)) TH_LOG("%s", mshv_strerror());
	EXPECT_EQ(0x7123, gpa);
	/* 2 MiB and 1 GiB pages; all of the guest's memory is in their first 4 MiB */
	self->pd[1] = 0 | P | RW | PS;
	EXPECT_EQ(0, TRANSLATE(BASE + 0x203456, READ));
	EXPECT_EQ(0x3456, gpa);
	self->pdpt[1] = 0 | P | RW | PS;
	EXPECT_EQ(0, TRANSLATE(BASE + 0x40004567, READ));
	EXPECT_EQ(0x4567, gpa);
}

TEST_F(vp, what_has_no_translation_says_why)
{
	__u64 gpa = 0x5555;

	EXPECT_EQ(HV_TRANSLATE_GVA_PAGE_NOT_PRESENT, TRANSLATE(BASE + 0x8000, READ));
	EXPECT_EQ(HV_TRANSLATE_GVA_PAGE_NOT_PRESENT, TRANSLATE(BASE + (1ULL << 39), READ));
	self->pt[1] = 0x7000 | P;
	EXPECT_EQ(0, TRANSLATE(BASE + 0x1000, READ));
	EXPECT_EQ(HV_TRANSLATE_GVA_PRIVILEGE_VIOLATION, TRANSLATE(BASE + 0x1000, WRITE));
	EXPECT_EQ(HV_TRANSLATE_GVA_PRIVILEGE_VIOLATION, TRANSLATE(BASE + 0x1000, READ | USER));
	self->pt[1] = 0x7000 | P | RW | US;
	EXPECT_EQ(0, TRANSLATE(BASE + 0x1000, WRITE | USER));
	EXPECT_EQ(0, TRANSLATE(BASE + 0x1000, EXECUTE));

	/* Reserved bits: a page larger than there are */
	self->pml4[129] = 0 | P | RW | PS;
	EXPECT_EQ(HV_TRANSLATE_GVA_INVALID_PAGE_TABLE_FLAGS,
		  TRANSLATE(BASE + (1ULL << 39), READ));

	/* Translated, but to where there is no memory */
	self->pt[2] = 0x10000000 | P | RW;
	EXPECT_EQ(HV_TRANSLATE_GVA_GPA_UNMAPPED, TRANSLATE(BASE + 0x2000, READ));
	/* And tables where there is no memory */
	self->pdpt[2] = 0x10000000 | P | RW;
	EXPECT_EQ(HV_TRANSLATE_GVA_GPA_UNMAPPED, TRANSLATE(BASE + 0x80000000, READ));
}

TEST_F(vp, no_execute)
{
	__u64 gpa = 0, efer = 0;

	ASSERT_OK(mshv_vp_get_register(&self->vm.vp, HV_X64_REGISTER_EFER, &efer));
	ASSERT_OK(mshv_vp_set_register(&self->vm.vp, HV_X64_REGISTER_EFER, efer | 1 << 11));
	self->pt[1] = 0x7000 | P | RW | NX;
	EXPECT_EQ(0, TRANSLATE(BASE + 0x1000, READ));
	EXPECT_EQ(HV_TRANSLATE_GVA_PRIVILEGE_VIOLATION, TRANSLATE(BASE + 0x1000, EXECUTE));
}

TEST_F(vp, accessed_and_dirty_bits_on_demand)
{
	__u64 gpa = 0;

	self->pt[1] = 0x7000 | P | RW;
	ASSERT_EQ(0, TRANSLATE(BASE + 0x1000, READ));
	EXPECT_EQ(0x7000 | P | RW, self->pt[1]);
	ASSERT_EQ(0, TRANSLATE(BASE + 0x1000, READ | HV_TRANSLATE_GVA_SET_PAGE_TABLE_BITS));
	EXPECT_EQ(0x7000 | P | RW | A, self->pt[1]);
	ASSERT_EQ(0, TRANSLATE(BASE + 0x1000, WRITE | HV_TRANSLATE_GVA_SET_PAGE_TABLE_BITS));
	EXPECT_EQ(0x7000 | P | RW | A | D, self->pt[1]);
	EXPECT_TRUE(self->pd[0] & A);
}

TEST_F(vp, without_paging_it_is_the_same_address)
{
	__u64 gpa = 0;

	ASSERT_OK(mshv_vp_setup_real_mode(&self->vm.vp, 0, 0));
	ASSERT_OK(mshv_vp_set_register(&self->vm.vp, HV_X64_REGISTER_EFER, 0));
	ASSERT_OK(mshv_vp_set_register(&self->vm.vp, HV_X64_REGISTER_CR0, 0x10));
	EXPECT_EQ(0, TRANSLATE(0x3456, READ | WRITE | EXECUTE));
	EXPECT_EQ(0x3456, gpa);
	EXPECT_EQ(HV_TRANSLATE_GVA_GPA_UNMAPPED, TRANSLATE(0x10000000, READ));
}

TEST_F(vp, wrong_arguments_are_refused)
{
	__u64 gpa;

	EXPECT_STATUS(INVALID_VP_INDEX,
		      mshv_translate_gva(self->vm.partition, 5, BASE, READ, &gpa));
	EXPECT_STATUS(INVALID_PARAMETER, TRANSLATE(BASE, 1ULL << 40));
}

/* A page table that points to itself, 512 times over: an end is found all the same. */
TEST_F(vp, recursive_tables)
{
	__u64 gpa = 0;

	self->pml4[130] = (TABLES + PAGE_SIZE) | P | RW;
	EXPECT_EQ(0, TRANSLATE(0xffff000000000000ULL | 130ULL << 39 | 130ULL << 30 | 130ULL << 21 |
			       130ULL << 12, READ) & 0) TH_LOG("no crash");
	EXPECT_EQ(0, TRANSLATE(130ULL << 39 | 130ULL << 30 | 130ULL << 21 | 130ULL << 12, READ));
	EXPECT_EQ(TABLES + PAGE_SIZE, gpa);
}

/* ---- Pages that have to be brought in ---- */

#define REGION_GPA	0x1000000ULL
#define REGION_PAGES	4

/* Memory at REGION_GPA that nobody has touched yet */
static uint8_t *map_untouched(struct test_vm *vm, int how)
{
	uint8_t *mem = mmap(NULL, REGION_PAGES * PAGE_SIZE, PROT_READ | PROT_WRITE,
			    how | MAP_ANONYMOUS, -1, 0);
	int ret;

	TEST_ASSERT(mem != MAP_FAILED, "%s", strerror(errno));
	madvise(mem, REGION_PAGES * PAGE_SIZE, MADV_NOHUGEPAGE);
	ret = mshv_map_memory(vm->partition, REGION_GPA, mem, REGION_PAGES * PAGE_SIZE, MEM_RW);
	TEST_ASSERT(!ret, "%s", mshv_strerror());
	return mem;
}

static bool is_resident(uint8_t *page)
{
	unsigned char vec = 0;

	TEST_ASSERT(!mincore(page, PAGE_SIZE, &vec), "%s", strerror(errno));
	return vec & 1;
}

#define REQUIRE_MOVABLE \
	TEST_REQUIRE(memory_is("movable"), "memory is pinned: all of it is there")

TEST_F(vp, target_that_nobody_has_touched_is_brought_in)
{
	uint8_t *mem;
	__u64 gpa = 0;

	REQUIRE_MOVABLE;
	mem = map_untouched(&self->vm, MAP_SHARED);
	ASSERT_FALSE(is_resident(mem + 2 * PAGE_SIZE));
	self->pt[1] = (REGION_GPA + 2 * PAGE_SIZE) | P | RW;
	EXPECT_EQ(0, TRANSLATE(BASE + 0x1234, READ));
	EXPECT_EQ(REGION_GPA + 2 * PAGE_SIZE + 0x234, gpa);
	EXPECT_TRUE(is_resident(mem + 2 * PAGE_SIZE));
}

/* Nothing is present in a table of zeroes: not that there is no table. */
TEST_F(vp, table_that_nobody_has_touched_is_brought_in)
{
	uint8_t *mem;
	__u64 gpa = 0;

	REQUIRE_MOVABLE;
	mem = map_untouched(&self->vm, MAP_SHARED);
	self->pd[1] = REGION_GPA | P | RW;
	ASSERT_FALSE(is_resident(mem));
	EXPECT_EQ(HV_TRANSLATE_GVA_PAGE_NOT_PRESENT, TRANSLATE(BASE + 0x200000, READ));
	EXPECT_TRUE(is_resident(mem));
}

/* Three levels of tables and the target, all taken from the guest; their contents stay. */
TEST_F(vp, tables_that_were_taken_away_are_brought_back)
{
	uint64_t *table;
	uint8_t *mem;
	__u64 gpa = 0;
	int i;

	REQUIRE_MOVABLE;
	mem = map_untouched(&self->vm, MAP_SHARED);
	self->pml4[129] = REGION_GPA | P | RW;
	for (i = 0; i < 3; i++) {
		table = (uint64_t *)(mem + i * PAGE_SIZE);
		table[i + 1] = (REGION_GPA + (i + 1) * PAGE_SIZE) | P | RW;
	}
	for (i = 0; i < 2; i++) {
		const uint64_t gva = BASE + (1ULL << 39) + (1ULL << 30) + (2ULL << 21) +
				     (3ULL << 12) + 0x678;

		ASSERT_EQ(0, madvise(mem, REGION_PAGES * PAGE_SIZE, MADV_DONTNEED));
		ASSERT_EQ(0, TRANSLATE(gva, WRITE | HV_TRANSLATE_GVA_SET_PAGE_TABLE_BITS)) {
			TH_LOG("%s", mshv_strerror());
		}
		EXPECT_EQ(REGION_GPA + 3 * PAGE_SIZE + 0x678, gpa);
	}
	table = (uint64_t *)(mem + 2 * PAGE_SIZE);
	EXPECT_EQ((REGION_GPA + 3 * PAGE_SIZE) | P | RW | A | D, table[3]);
}

/* Private memory that was only read is a page that all share: to write takes another one. */
TEST_F(vp, target_to_be_written_is_made_writable)
{
	uint8_t *mem;
	__u64 gpa = 0;

	REQUIRE_MOVABLE;
	mem = map_untouched(&self->vm, MAP_PRIVATE);
	self->pt[1] = REGION_GPA | P | RW;
	EXPECT_EQ(0, *(volatile uint8_t *)mem);
	EXPECT_EQ(0, TRANSLATE(BASE + 0x1000, READ));
	EXPECT_EQ(0, TRANSLATE(BASE + 0x1000, WRITE));
	EXPECT_EQ(REGION_GPA, gpa);
}

/* Memory of a region that cannot be had is unmapped, or mapped without any right. */
static bool is_inaccessible(int result)
{
	return result == HV_TRANSLATE_GVA_GPA_UNMAPPED ||
	       result == HV_TRANSLATE_GVA_GPA_NO_READ_ACCESS;
}

TEST_F(vp, page_that_is_not_to_be_had_is_told_of)
{
	uint8_t *mem;
	__u64 gpa = 0;

	REQUIRE_MOVABLE;
	mem = map_untouched(&self->vm, MAP_SHARED);
	self->pt[1] = REGION_GPA | P | RW;
	self->pd[1] = REGION_GPA | P | RW;
	EXPECT_EQ(0, TRANSLATE(BASE + 0x1000, READ));
	ASSERT_EQ(0, munmap(mem, PAGE_SIZE));
	EXPECT_TRUE(is_inaccessible(TRANSLATE(BASE + 0x1000, READ)));
	EXPECT_TRUE(is_inaccessible(TRANSLATE(BASE + 0x200000, READ)));

	/* It can come back. */
	ASSERT_EQ(mem, mmap(mem, PAGE_SIZE, PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
	EXPECT_EQ(0, TRANSLATE(BASE + 0x1000, READ));
}

MSHV_TEST_MAIN
