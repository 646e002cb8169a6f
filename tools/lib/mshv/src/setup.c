// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * Bringing a new VP into the mode that a program starts in.
 */
#include <string.h>

#include <mshv/vp.h>

#include "internal.h"

/* CR0, CR4, EFER and page table bits (AMD64 Architecture Programmer's Manual, volume 2) */
#define X86_CR0_PE		0x00000001
#define X86_CR0_ET		0x00000010
#define X86_CR0_NE		0x00000020
#define X86_CR0_WP		0x00010000
#define X86_CR0_PG		0x80000000
#define X86_CR4_PAE		0x00000020
#define X86_EFER_LME		0x00000100
#define X86_EFER_LMA		0x00000400
#define X86_RFLAGS_FIXED	0x00000002
#define X86_PAGE_PRESENT	0x001
#define X86_PAGE_WRITABLE	0x002
#define X86_PAGE_LARGE		0x080

#define SEGMENT_CODE		0x000B	/* execute, read, accessed */
#define SEGMENT_DATA		0x0003	/* read, write, accessed */
#define SEGMENT_TSS_BUSY	0x000B

#define ATTR_REAL_CODE	(SEGMENT_CODE | HV_SEGMENT_NON_SYSTEM | HV_SEGMENT_PRESENT)
#define ATTR_REAL_DATA	(SEGMENT_DATA | HV_SEGMENT_NON_SYSTEM | HV_SEGMENT_PRESENT)
#define ATTR_LONG_CODE	(ATTR_REAL_CODE | HV_SEGMENT_LONG | HV_SEGMENT_GRANULARITY)
#define ATTR_FLAT_DATA	(ATTR_REAL_DATA | HV_SEGMENT_DEFAULT | HV_SEGMENT_GRANULARITY)

static const __u32 data_segments[] = {
	HV_X64_REGISTER_DS, HV_X64_REGISTER_ES, HV_X64_REGISTER_SS,
	HV_X64_REGISTER_FS, HV_X64_REGISTER_GS,
};

static void add_segment(struct hv_register_assoc **reg, __u32 name, __u16 selector, __u32 limit,
			__u16 attributes)
{
	(*reg)->name = name;
	(*reg)->value.segment.selector = selector;
	(*reg)->value.segment.limit = limit;
	(*reg)->value.segment.attributes = attributes;
	(*reg)++;
}

static void add_value(struct hv_register_assoc **reg, __u32 name, __u64 value)
{
	(*reg)->name = name;
	(*reg)->value.reg64 = value;
	(*reg)++;
}

int mshv_vp_setup_real_mode(struct mshv_vp *vp, __u16 ip, __u16 sp)
{
	struct hv_register_assoc regs[16] = { 0 }, *reg = regs;
	unsigned int i;

	add_segment(&reg, HV_X64_REGISTER_CS, 0, 0xFFFF, ATTR_REAL_CODE);
	for (i = 0; i < ARRAY_SIZE(data_segments); i++)
		add_segment(&reg, data_segments[i], 0, 0xFFFF, ATTR_REAL_DATA);
	add_value(&reg, HV_X64_REGISTER_RIP, ip);
	add_value(&reg, HV_X64_REGISTER_RSP, sp);
	add_value(&reg, HV_X64_REGISTER_RFLAGS, X86_RFLAGS_FIXED);
	return mshv_set_registers(vp->fd, vp->index, regs, reg - regs);
}

/* A GDT entry: limit 0xFFFFF in 4 KiB units, base 0, attributes as a segment register has them */
static __u64 gdt_entry(__u16 attributes)
{
	return 0x000F00000000FFFFULL | (__u64)(attributes & 0xFF) << 40 |
	       (__u64)(attributes & 0xF000) << 40;
}

void mshv_write_boot_tables(void *mem, __u64 gpa)
{
	enum { PAGE = MSHV_HV_PAGE_SIZE, ENTRIES = PAGE / 8 };
	__u64 *gdt = mem, *pml4 = gdt + ENTRIES, *pdpt = pml4 + ENTRIES, *pd = pdpt + ENTRIES;
	int i;

	memset(mem, 0, MSHV_BOOT_TABLES_SIZE);
	gdt[MSHV_BOOT_CS / 8] = gdt_entry(ATTR_LONG_CODE);
	gdt[MSHV_BOOT_DS / 8] = gdt_entry(ATTR_FLAT_DATA);
	/* An available 64-bit TSS; limit 0xFFF, base 0. It takes two entries. */
	gdt[MSHV_BOOT_TR / 8] = 0x0000890000000FFFULL;

	pml4[0] = (gpa + 2 * PAGE) | X86_PAGE_PRESENT | X86_PAGE_WRITABLE;
	for (i = 0; i < 4; i++)
		pdpt[i] = (gpa + (3 + i) * PAGE) | X86_PAGE_PRESENT | X86_PAGE_WRITABLE;
	for (i = 0; i < 4 * ENTRIES; i++)
		pd[i] = (__u64)i << HV_HYP_LARGE_PAGE_SHIFT | X86_PAGE_PRESENT |
			X86_PAGE_WRITABLE | X86_PAGE_LARGE;
}

int mshv_vp_setup_long_mode(struct mshv_vp *vp, __u64 tables, const struct mshv_regs *regs)
{
	struct hv_register_assoc assoc[40] = { 0 }, *reg = assoc;
	unsigned int i;

	/* The order is that of the architecture: CR4 and CR3, EFER, then CR0. */
	add_value(&reg, HV_X64_REGISTER_CR4, X86_CR4_PAE);
	add_value(&reg, HV_X64_REGISTER_CR3, tables + MSHV_HV_PAGE_SIZE);
	add_value(&reg, HV_X64_REGISTER_EFER, X86_EFER_LME | X86_EFER_LMA);
	add_value(&reg, HV_X64_REGISTER_CR0,
		  X86_CR0_PE | X86_CR0_ET | X86_CR0_NE | X86_CR0_WP | X86_CR0_PG);
	add_segment(&reg, HV_X64_REGISTER_CS, MSHV_BOOT_CS, 0xFFFFFFFF, ATTR_LONG_CODE);
	for (i = 0; i < ARRAY_SIZE(data_segments); i++)
		add_segment(&reg, data_segments[i], MSHV_BOOT_DS, 0xFFFFFFFF, ATTR_FLAT_DATA);
	add_segment(&reg, HV_X64_REGISTER_TR, MSHV_BOOT_TR, 0xFFF,
		    SEGMENT_TSS_BUSY | HV_SEGMENT_PRESENT);
	add_segment(&reg, HV_X64_REGISTER_LDTR, 0, 0, 0);

	reg->name = HV_X64_REGISTER_GDTR;
	reg->value.table.base = tables;
	reg->value.table.limit = MSHV_BOOT_TR + 16 - 1;
	reg++;
	reg->name = HV_X64_REGISTER_IDTR;
	reg++;

	for (i = 0; i < MSHV_GPR_COUNT; i++)
		add_value(&reg, HV_X64_REGISTER_RAX + i, regs->gpr[i]);
	add_value(&reg, HV_X64_REGISTER_RIP, regs->rip);
	add_value(&reg, HV_X64_REGISTER_RFLAGS, regs->rflags | X86_RFLAGS_FIXED);
	return mshv_set_registers(vp->fd, vp->index, assoc, reg - assoc);
}
