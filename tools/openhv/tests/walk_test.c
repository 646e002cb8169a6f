// SPDX-License-Identifier: GPL-2.0-only
/*
 * Walks of guests' page tables: core/gwalk.c, HVCALL_TRANSLATE_VIRTUAL_ADDRESS.
 */
#include <asm/cpu.h>
#include <asm/x86.h>
#include <openhv/gwalk.h>
#include <openhv/run.h>
#include <tlfs/memory.h>
#include <tlfs/vp.h>
#include "test.h"

#define RIGHTS	(PTE_PRESENT | PTE_WRITE | PTE_USER)

static struct partition *p;
static struct vp *vp;
static struct host_vmcb *vmcb;
static u64 ram_pfn;

static void put(u64 gpa, u64 value)
{
	gpa_write(&p->gpamap, gpa, &value, 8);
}

static u64 get(u64 gpa)
{
	u64 value = 0;

	gpa_read(&p->gpamap, gpa, &value, 8);
	return value;
}

static void begin(void)
{
	p = child_new();
	vp = child_vp(p, 0);
	ram_pfn = map_ram(p, 0, 64);
	vmcb = vp->vcpu.arch.vmcb;
	vmcb->cr[0] = CR0_PE | CR0_PG;
	vmcb->seg[SEG_SS].attributes = 0x93;
	vmcb->seg[SEG_CS].base = 0;
}

/* Four levels at 0x1000 to 0x4000: page 0 is 0x8000, the second 2 MiB are a large page. */
static void long_mode(void)
{
	begin();
	vmcb->efer = EFER_LME | EFER_LMA | EFER_NXE;
	vmcb->cr[4] = CR4_PAE;
	vmcb->cr[3] = 0x1000;
	put(0x1000, 0x2000 | RIGHTS);
	put(0x2000, 0x3000 | RIGHTS);
	put(0x2008, 0 | RIGHTS | PTE_LARGE);
	put(0x3000, 0x4000 | RIGHTS);
	put(0x3008, 0 | RIGHTS | PTE_LARGE);
	put(0x4000, 0x8000 | RIGHTS);
}

static u32 walk(u64 gva, u32 flags, u64 *gpa)
{
	struct walk_result r;
	bool ok = gva_walk(vp, gva, flags, &r);

	EXPECT_EQ(r.code == HV_TRANSLATE_GVA_SUCCESS, ok);
	if (gpa)
		*gpa = r.gpa;
	return r.code;
}

static void expect_walk(u64 gva, u32 flags, u64 want)
{
	u64 gpa = ~0UL;

	EXPECT_EQ(HV_TRANSLATE_GVA_SUCCESS, walk(gva, flags, &gpa));
	EXPECT_EQ(want, gpa);
}

TEST_ON_MACHINE(without_paging_addresses_are_physical)
{
	begin();
	vmcb->cr[0] = CR0_PE;
	expect_walk(0x100001234, WALK_READ, 0x1234);
	EXPECT_EQ(HV_TRANSLATE_GVA_GPA_UNMAPPED, walk(0x900000, WALK_READ, NULL));
}

TEST_ON_MACHINE(long_mode_tables_of_all_sizes)
{
	long_mode();
	expect_walk(0x123, WALK_READ, 0x8123);
	expect_walk(0x200000 + 0x5678, WALK_READ, 0x5678);
	expect_walk(0x40000000 + 0x3456, WALK_READ, 0x3456);
	EXPECT_EQ(HV_TRANSLATE_GVA_PAGE_NOT_PRESENT, walk(0x1000, WALK_READ, NULL));
	/* An address that is not canonical; a table that is not there; five levels */
	EXPECT_EQ(HV_TRANSLATE_GVA_PAGE_NOT_PRESENT, walk(1UL << 47, WALK_READ, NULL));
	put(0x3010, 0x900000 | RIGHTS);
	EXPECT_EQ(HV_TRANSLATE_GVA_GPA_UNMAPPED, walk(0x400000, WALK_READ, NULL));
	put(0x7000, 0x1000 | RIGHTS);
	vmcb->cr[3] = 0x7000;
	vmcb->cr[4] |= CR4_LA57;
	expect_walk(0x123, WALK_READ, 0x8123);
}

TEST_ON_MACHINE(reserved_bits_are_found)
{
	u64 gpa;

	long_mode();
	put(0x4000, 0x8000 | RIGHTS | 1UL << 45);
	EXPECT_EQ(HV_TRANSLATE_GVA_INVALID_PAGE_TABLE_FLAGS, walk(0, WALK_READ, &gpa));
	EXPECT_EQ(0x4000, gpa);
	put(0x3008, 0x2000 | RIGHTS | PTE_LARGE);
	EXPECT_EQ(HV_TRANSLATE_GVA_INVALID_PAGE_TABLE_FLAGS, walk(0x200000, WALK_READ, NULL));
	put(0x1000, 0x2000 | RIGHTS | PTE_LARGE);
	EXPECT_EQ(HV_TRANSLATE_GVA_INVALID_PAGE_TABLE_FLAGS, walk(0, WALK_READ, NULL));
	put(0x1000, 0x2000 | RIGHTS | PTE_NX);
	vmcb->efer &= ~EFER_NXE;
	EXPECT_EQ(HV_TRANSLATE_GVA_INVALID_PAGE_TABLE_FLAGS, walk(0, WALK_READ, NULL));
}

TEST_ON_MACHINE(rights_are_those_of_all_levels)
{
	u32 denied = HV_TRANSLATE_GVA_PRIVILEGE_VIOLATION;

	long_mode();
	/* A page of the supervisor's */
	put(0x3000, 0x4000 | PTE_PRESENT | PTE_WRITE);
	EXPECT_EQ(denied, walk(0, WALK_READ | WALK_USER, NULL));
	EXPECT_EQ(0, walk(0, WALK_READ | WALK_SUPERVISOR, NULL));
	vmcb->seg[SEG_SS].attributes = 0xF3;
	EXPECT_EQ(denied, walk(0, WALK_READ, NULL));
	EXPECT_EQ(0, walk(0, WALK_READ | WALK_EXEMPT, NULL));
	vmcb->seg[SEG_SS].attributes = 0x93;
	/* Read-only: the supervisor may write unless CR0.WP is set. */
	put(0x3000, 0x4000 | PTE_PRESENT | PTE_USER);
	EXPECT_EQ(denied, walk(0, WALK_WRITE | WALK_USER, NULL));
	EXPECT_EQ(0, walk(0, WALK_WRITE, NULL));
	vmcb->cr[0] |= CR0_WP;
	EXPECT_EQ(denied, walk(0, WALK_WRITE, NULL));
	/* No execution; SMEP, SMAP */
	put(0x3000, 0x4000 | RIGHTS | PTE_NX);
	EXPECT_EQ(denied, walk(0, WALK_EXEC, NULL));
	put(0x3000, 0x4000 | RIGHTS);
	EXPECT_EQ(0, walk(0, WALK_EXEC, NULL));
	vmcb->cr[4] |= CR4_SMEP | CR4_SMAP;
	EXPECT_EQ(denied, walk(0, WALK_EXEC, NULL));
	EXPECT_EQ(denied, walk(0, WALK_READ, NULL));
	EXPECT_EQ(0, walk(0, WALK_READ | WALK_SMAP_OFF, NULL));
	vp->vcpu.rflags |= RFLAGS_AC;
	EXPECT_EQ(0, walk(0, WALK_READ, NULL));
	EXPECT_EQ(denied, walk(0, WALK_READ | WALK_SMAP_ON, NULL));
}

TEST_ON_MACHINE(rights_of_the_partition_count_as_well)
{
	long_mode();
	ASSERT_EQ(0, map_pages(p, 8, ram_pfn + 8, 1, HV_MAP_GPA_READABLE));
	EXPECT_EQ(0, walk(0, WALK_READ, NULL));
	EXPECT_EQ(HV_TRANSLATE_GVA_GPA_NO_WRITE_ACCESS, walk(0, WALK_WRITE, NULL));
	ASSERT_EQ(0, map_pages(p, 8, 0, 1, HV_MAP_GPA_NO_ACCESS));
	EXPECT_EQ(HV_TRANSLATE_GVA_GPA_NO_READ_ACCESS, walk(0, WALK_READ, NULL));
	ASSERT_EQ(0, unmap_pages(p, 8, 1, 0));
	EXPECT_EQ(HV_TRANSLATE_GVA_GPA_UNMAPPED, walk(0, WALK_READ, NULL));
	/* Tables that cannot be written take no accessed bits. */
	ASSERT_EQ(0, map_pages(p, 1, ram_pfn + 1, 1, HV_MAP_GPA_READABLE));
	EXPECT_EQ(HV_TRANSLATE_GVA_GPA_NO_WRITE_ACCESS, walk(0, WALK_READ | WALK_SET_BITS, NULL));
}

TEST_ON_MACHINE(accessed_and_dirty_bits_are_set_on_demand)
{
	long_mode();
	EXPECT_EQ(0, walk(0, WALK_READ, NULL));
	EXPECT_EQ(0, get(0x4000) & PTE_ACCESSED);
	EXPECT_EQ(0, walk(0, WALK_READ | WALK_SET_BITS, NULL));
	EXPECT_TRUE(get(0x1000) & PTE_ACCESSED);
	EXPECT_TRUE(get(0x4000) & PTE_ACCESSED);
	EXPECT_FALSE(get(0x4000) & PTE_DIRTY);
	EXPECT_EQ(0, walk(0, WALK_WRITE | WALK_SET_BITS, NULL));
	EXPECT_TRUE(get(0x4000) & PTE_DIRTY);
	EXPECT_FALSE(get(0x3000) & PTE_DIRTY);
}

TEST_ON_MACHINE(pae_tables)
{
	begin();
	vmcb->cr[4] = CR4_PAE;
	vmcb->cr[3] = 0x1020;
	put(0x1020, 0x2000 | PTE_PRESENT);
	put(0x2000, 0x3000 | RIGHTS);
	put(0x2008, 0 | RIGHTS | PTE_LARGE);
	put(0x3000, 0x9000 | RIGHTS);
	expect_walk(0x44, WALK_READ | WALK_SET_BITS, 0x9044);
	expect_walk(0x200044, WALK_READ, 0x44);
	EXPECT_EQ(HV_TRANSLATE_GVA_PAGE_NOT_PRESENT, walk(0x40000000, WALK_READ, NULL));
}

TEST_ON_MACHINE(tables_of_two_levels)
{
	u32 entry;

	begin();
	vmcb->cr[4] = CR4_PSE;
	vmcb->cr[3] = 0x1000;
	put(0x1000, 0x2000 | RIGHTS | (u64)(0 | RIGHTS | PTE_LARGE) << 32);
	put(0x2000, 0xA000 | RIGHTS);
	expect_walk(0x77, WALK_WRITE | WALK_SET_BITS, 0xA077);
	entry = get(0x2000);
	EXPECT_EQ(PTE_ACCESSED | PTE_DIRTY, entry & (PTE_ACCESSED | PTE_DIRTY));
	expect_walk(0x400077, WALK_READ, 0x77);
	EXPECT_EQ(HV_TRANSLATE_GVA_PAGE_NOT_PRESENT, walk(0x1000, WALK_READ, NULL));
	EXPECT_EQ(HV_TRANSLATE_GVA_PAGE_NOT_PRESENT, walk(0x800000, WALK_READ, NULL));
	put(0x1008, 0x900000 | RIGHTS);
	EXPECT_EQ(HV_TRANSLATE_GVA_GPA_UNMAPPED, walk(0x800000, WALK_READ, NULL));
	put(0x2000, 0xA000 | PTE_PRESENT);
	EXPECT_EQ(HV_TRANSLATE_GVA_PRIVILEGE_VIOLATION, walk(0, WALK_READ | WALK_USER, NULL));
	vmcb->cr[3] = 0x900000;
	EXPECT_EQ(HV_TRANSLATE_GVA_GPA_UNMAPPED, walk(0, WALK_READ, NULL));
}

TEST_ON_MACHINE(memory_types_come_from_the_pat)
{
	static const struct { u64 bits; u8 type; } all[] = {
		{ 0, HV_CACHE_TYPE_WRITE_BACK },
		{ PTE_PWT, HV_CACHE_TYPE_WRITE_THROUGH },
		{ PTE_PCD | PTE_PWT, HV_CACHE_TYPE_UNCACHED },
		{ PTE_LARGE, HV_CACHE_TYPE_WRITE_COMBINING },
		{ PTE_LARGE | PTE_PWT, HV_CACHE_TYPE_WRITE_PROTECTED },
	};
	struct walk_result r;
	u32 i;

	long_mode();
	vmcb->slots[HOST_PAT] = 0x0000050100070406;
	for (i = 0; i < ARRAY_SIZE(all); i++) {
		CONTEXT("entry %u", i);
		put(0x4000, 0x8000 | RIGHTS | all[i].bits);
		EXPECT_TRUE(gva_walk(vp, 0, WALK_READ, &r));
		EXPECT_EQ(all[i].type, r.cache_type);
	}
}

TEST_ON_MACHINE(hypercall_translates)
{
	struct hv_input_translate_virtual_address in = { .control_flags = WALK_READ };
	struct hv_output_translate_virtual_address out;

	long_mode();
	in.partition_id = p->id;
	EXPECT_EQ(0, hv(HVCALL_TRANSLATE_VIRTUAL_ADDRESS, &in, sizeof(in), &out, sizeof(out)));
	EXPECT_EQ(HV_TRANSLATE_GVA_SUCCESS, out.result_code);
	EXPECT_EQ(8, out.gpa_page);
	in.gva_page = 1;
	EXPECT_EQ(0, hv(HVCALL_TRANSLATE_VIRTUAL_ADDRESS, &in, sizeof(in), &out, sizeof(out)));
	EXPECT_EQ(HV_TRANSLATE_GVA_PAGE_NOT_PRESENT, out.result_code);
	in.control_flags = 1UL << 60;
	EXPECT_EQ(HV_STATUS_INVALID_PARAMETER,
		  hv(HVCALL_TRANSLATE_VIRTUAL_ADDRESS, &in, sizeof(in), &out, sizeof(out)));
}

TEST_ON_MACHINE(instruction_bytes_end_where_memory_does)
{
	u8 bytes[32];

	long_mode();
	vmcb->seg[SEG_CS].attributes = 0x9B | HV_SEGMENT_LONG;
	put(0x8FF8, 0x1122334455667788);
	vp->vcpu.rip = 0xFFC;
	EXPECT_EQ(4, vp_fetch(vp, bytes, sizeof(bytes)));
	EXPECT_EQ(0x44, bytes[0]);
	put(0x4008, 0x9000 | RIGHTS);
	EXPECT_EQ(32, vp_fetch(vp, bytes, sizeof(bytes)));
	/* Prefixes count for the length: 66 2E, then REX in 64-bit code only */
	put(0x8000, 0x0F482E66);
	vp->vcpu.rip = 0;
	vp->vcpu.exit.insn_len = 0;
	EXPECT_EQ(3 + 2, vp_insn_length(vp, 2));
	vmcb->seg[SEG_CS].attributes = 0x9B;
	EXPECT_EQ(2 + 2, vp_insn_length(vp, 2));
	vp->vcpu.exit.insn_len = 7;
	EXPECT_EQ(7, vp_insn_length(vp, 2));
}

TEST_HARNESS_MAIN
