// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guest code that tests share. It runs in the guest only.
 */
#include "guest.h"

#define GUEST_CS	0x10	/* MSHV_BOOT_CS */
#define VECTORS		256

void guest_ucall(enum ucall_cmd cmd, uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
	/* On the stack: it is below 4 GiB, and each VP has its own. */
	struct ucall uc = { cmd, { a, b, c, d } };

	outl(UCALL_PORT, (uint32_t)(uintptr_t)&uc);
}

void (*guest_handler)(struct guest_frame *frame);
volatile uint32_t guest_interrupts[VECTORS];

/*
 * One entry of 16 bytes a vector. Those exceptions that push no error code get
 * a zero, so that all frames look alike.
 */
asm("	.text\n"
"	.balign 16\n"
"guest_entries:\n"
"	.set vector, 0\n"
"	.rept 256\n"
"	.balign 16\n"
"	.if !(vector == 8 || (vector >= 10 && vector <= 14) || vector == 17 || vector == 21)\n"
"	push $0\n"
"	.endif\n"
"	push $vector\n"
"	jmp guest_entry\n"
"	.set vector, vector + 1\n"
"	.endr\n"
"guest_entry:\n"
"	push %rax\n push %rbx\n push %rcx\n push %rdx\n push %rsi\n push %rdi\n push %rbp\n"
"	push %r8\n push %r9\n push %r10\n push %r11\n push %r12\n push %r13\n push %r14\n push %r15\n"
/* The vector comes second, the error code third, as struct guest_frame has them. */
"	mov %rsp, %rdi\n"
"	call *guest_handler(%rip)\n"
"	pop %r15\n pop %r14\n pop %r13\n pop %r12\n pop %r11\n pop %r10\n pop %r9\n pop %r8\n"
"	pop %rbp\n pop %rdi\n pop %rsi\n pop %rdx\n pop %rcx\n pop %rbx\n pop %rax\n"
"	add $16, %rsp\n"
"	iretq\n");

extern const char guest_entries[];

static struct {
	uint64_t low, high;
} idt[VECTORS];

void guest_install_handlers(void)
{
	struct {
		uint16_t limit;
		uint64_t base;
	} __attribute__((packed)) idtr = { sizeof(idt) - 1, (uintptr_t)idt };
	uint64_t address;
	unsigned int i;

	for (i = 0; i < VECTORS; i++) {
		address = (uintptr_t)guest_entries + 16 * i;
		/* An interrupt gate, present, for privilege level 0 */
		idt[i].low = (address & 0xffff) | GUEST_CS << 16 | 0x8e00ULL << 32 |
			     (address & 0xffff0000) << 32;
		idt[i].high = address >> 32;
	}
	asm volatile("lidt %0" : : "m"(idtr));
}

void guest_count_interrupts(struct guest_frame *frame)
{
	guest_interrupts[frame->vector & 0xff]++;
	wrmsr(MSR_X2APIC_EOI, 0);
}

void guest_enable_x2apic(void)
{
	wrmsr(MSR_APIC_BASE, rdmsr(MSR_APIC_BASE) | APIC_BASE_ENABLE | APIC_BASE_X2APIC);
	wrmsr(MSR_X2APIC_SVR, APIC_SVR_ENABLE | 0xff);
}
