// SPDX-License-Identifier: GPL-2.0-only
/*
 * Descriptor tables.
 *
 * There is no task state segment: openhv runs at CPL 0 only, on one stack per
 * LP, and guests' values of TR come and go with VMLOAD.
 */
#include <asm/x86.h>
#include <openhv/types.h>

struct idt_gate {
	u16 offset_low;
	u16 selector;
	u8 ist;
	u8 type;
	u16 offset_mid;
	u32 offset_high;
	u32 reserved;
};

struct table_pointer {
	u16 limit;
	u64 base;
} __packed;

/* Null, 64-bit code, data */
static u64 gdt[] = { 0, 0x00AF9B000000FFFFUL, 0x00CF93000000FFFFUL };
static struct idt_gate idt[256];

extern char trap_entries[];
#define TRAP_ENTRY_SIZE	16

void descriptors_init(void)
{
	u32 i;

	for (i = 0; i < ARRAY_SIZE(idt); i++) {
		u64 entry = (u64)trap_entries + i * TRAP_ENTRY_SIZE;

		idt[i].offset_low = entry;
		idt[i].selector = SEL_CODE64;
		idt[i].type = 0x8E;	/* present interrupt gate */
		idt[i].offset_mid = entry >> 16;
		idt[i].offset_high = entry >> 32;
	}
}

void descriptors_load(void)
{
	struct table_pointer gdtr = { sizeof(gdt) - 1, (u64)gdt };
	struct table_pointer idtr = { sizeof(idt) - 1, (u64)idt };

	__asm__ __volatile__("lgdt %0\n\t"
			     "push %1\n\t"
			     "lea 1f(%%rip), %%rax\n\t"
			     "push %%rax\n\t"
			     "lretq\n"
			     "1:\n\t"
			     "mov %2, %%ds\n\t"
			     "mov %2, %%es\n\t"
			     "mov %2, %%ss\n\t"
			     "mov %3, %%fs\n\t"
			     "mov %3, %%gs\n\t"
			     "lidt %4"
			     :: "m"(gdtr), "i"(SEL_CODE64), "r"(SEL_DATA), "r"(0), "m"(idtr)
			     : "rax", "memory");
}
