// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guest code that tests share. It runs in the guest only.
 */
#include <tlfs/msr.h>

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
volatile uint64_t guest_fixup;
volatile uint32_t guest_fault_vector;

/*
 * One entry of 16 bytes a vector. Those exceptions that push no error code get
 * a zero, so that all frames look alike.
 */
/* What every interrupt and exception calls: a fault that is waited for ends here. */
static void __attribute__((used)) guest_dispatch(struct guest_frame *frame)
{
	if (frame->vector < 32 && guest_fixup) {
		guest_fault_vector = frame->vector ? frame->vector : 0x100;
		frame->rip = guest_fixup;
		guest_fixup = 0;
	} else if (guest_handler) {
		guest_handler(frame);
	} else {
		guest_ucall(UCALL_ABORT, (uintptr_t)"no unexpected interrupt or exception",
			    __LINE__, frame->vector, frame->rip);
	}
}

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
"	call guest_dispatch\n"
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

void guest_waits(void)
{
	guest_handler = guest_count_interrupts;
	guest_install_handlers();
	guest_enable_x2apic();
	GUEST_SYNC(1);
	for (;;) {
		sti_hlt();
		GUEST_SYNC_ARG(2, guest_interrupts[GUEST_VECTOR]);
	}
}

bool rdmsr_safe(uint32_t msr, uint64_t *value)
{
	uint32_t low = 0, high = 0;

	guest_fault_vector = 0;
	asm volatile("lea 1f(%%rip), %%rax; mov %%rax, guest_fixup(%%rip)\n"
		     "rdmsr\n"
		     "1:"
		     : "=a"(low), "+d"(high) : "c"(msr) : "memory");
	guest_fixup = 0;
	*value = low | (uint64_t)high << 32;
	return !guest_fault_vector;
}

bool wrmsr_safe(uint32_t msr, uint64_t value)
{
	uint64_t fixup;

	guest_fault_vector = 0;
	asm volatile("lea 1f(%%rip), %0; mov %0, guest_fixup(%%rip)\n"
		     "wrmsr\n"
		     "1:"
		     : "=&r"(fixup)
		     : "c"(msr), "a"((uint32_t)value), "d"((uint32_t)(value >> 32)) : "memory");
	guest_fixup = 0;
	return !guest_fault_vector;
}

static uint8_t hypercall_page[4096] __attribute__((aligned(4096)));

uint64_t hypercall(uint64_t control, uint64_t input, uint64_t output)
{
	register uint64_t r8 asm("r8") = output;
	uint64_t result;

	asm volatile("call *%[page]"
		     : "=a"(result), "+c"(control), "+d"(input), "+r"(r8)
		     : [page] "r"(hypercall_page)
		     : "r9", "r10", "r11", "memory", "cc");
	return result;
}

void guest_hypercall_init(void)
{
	wrmsr(HV_X64_MSR_GUEST_OS_ID, GUEST_OS_ID);
	wrmsr(HV_X64_MSR_HYPERCALL, (uintptr_t)hypercall_page | HV_MSR_PAGE_ENABLE);
}
