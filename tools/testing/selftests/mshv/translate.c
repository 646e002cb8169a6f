// SPDX-License-Identifier: GPL-2.0-only
/*
 * Translation of guest virtual addresses, in the modes that a VP can be in.
 */
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

MSHV_TEST_MAIN
