/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What guest code in a test can do. It is compiled into the test's program, and
 * the whole program is copied into the guest's memory at its own addresses: see
 * vm_init_long(). Guest code must not call the C library.
 */
#ifndef MSHV_GUEST_H
#define MSHV_GUEST_H

#include <stdbool.h>
#include <stdint.h>

/* The port on which a guest talks to its test: a doubleword, the address of a struct ucall */
#define UCALL_PORT	0x100

enum ucall_cmd {
	UCALL_SYNC = 1,		/* args[0]: how far the guest is */
	UCALL_DONE,
	UCALL_ABORT,		/* args: text of the assertion, line, the two values */
};

struct ucall {
	uint64_t cmd;
	uint64_t args[4];
};

static inline void outb(uint16_t port, uint8_t value)
{
	asm volatile("outb %0, %1" : : "a"(value), "Nd"(port) : "memory");
}

static inline void outw(uint16_t port, uint16_t value)
{
	asm volatile("outw %0, %1" : : "a"(value), "Nd"(port) : "memory");
}

static inline void outl(uint16_t port, uint32_t value)
{
	asm volatile("outl %0, %1" : : "a"(value), "Nd"(port) : "memory");
}

static inline uint8_t inb(uint16_t port)
{
	uint8_t value;

	asm volatile("inb %1, %0" : "=a"(value) : "Nd"(port) : "memory");
	return value;
}

static inline uint16_t inw(uint16_t port)
{
	uint16_t value;

	asm volatile("inw %1, %0" : "=a"(value) : "Nd"(port) : "memory");
	return value;
}

static inline uint32_t inl(uint16_t port)
{
	uint32_t value;

	asm volatile("inl %1, %0" : "=a"(value) : "Nd"(port) : "memory");
	return value;
}

static inline uint64_t rdmsr(uint32_t msr)
{
	uint32_t low, high;

	asm volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr) : "memory");
	return low | (uint64_t)high << 32;
}

static inline void wrmsr(uint32_t msr, uint64_t value)
{
	asm volatile("wrmsr" : : "c"(msr), "a"((uint32_t)value), "d"((uint32_t)(value >> 32))
		     : "memory");
}

static inline void guest_cpuid(uint32_t leaf, uint32_t subleaf, uint32_t regs[4])
{
	asm volatile("cpuid"
		     : "=a"(regs[0]), "=b"(regs[1]), "=c"(regs[2]), "=d"(regs[3])
		     : "a"(leaf), "c"(subleaf));
}

/* RDMSR and WRMSR that may fault: true if they did not. They need guest_install_handlers(). */
bool rdmsr_safe(uint32_t msr, uint64_t *value);
bool wrmsr_safe(uint32_t msr, uint64_t value);

/**
 * hypercall() - make a hypercall by VMMCALL or VMCALL, as the processor has it
 * @control: control word (RCX)
 * @input: RDX: input GPA, or the first half of a fast call's input
 * @output: R8: output GPA, or the second half
 *
 * Called by the guest, which has set the hypercall page up: guest_hypercall_init().
 *
 * Return: result word (RAX).
 */
uint64_t hypercall(uint64_t control, uint64_t input, uint64_t output);

/* Any guest OS ID will do: an open-source one, of no known vendor (TLFS, "Guest OS Identity") */
#define GUEST_OS_ID	(1ULL << 63 | 0x7fULL << 56 | 1)

/**
 * guest_hypercall_init() - enable the hypercall page, at a page of this program
 *
 * Called by the guest.
 */
void guest_hypercall_init(void);

static inline uint64_t rdtsc(void)
{
	uint32_t low, high;

	asm volatile("rdtsc" : "=a"(low), "=d"(high));
	return low | (uint64_t)high << 32;
}

/* The upper half of a product */
static inline uint64_t multiply_high(uint64_t a, uint64_t b)
{
	uint64_t low, high;

	asm("mulq %3" : "=a"(low), "=d"(high) : "0"(a), "rm"(b) : "cc");
	return high;
}

static inline uint64_t read_cr2(void)
{
	uint64_t value;

	asm volatile("mov %%cr2, %0" : "=r"(value));
	return value;
}

/* Enable interrupts and wait for one; nothing comes between the two. */
static inline void sti_hlt(void)
{
	asm volatile("sti; hlt; cli" : : : "memory");
}

/* The guest's program counts: it must not be moved, and not be thrown away. */
#define GUEST_CODE	__attribute__((noinline, noclone, used))

void guest_ucall(enum ucall_cmd cmd, uint64_t a, uint64_t b, uint64_t c, uint64_t d);

#define GUEST_SYNC(stage)	guest_ucall(UCALL_SYNC, stage, 0, 0, 0)
#define GUEST_SYNC_ARG(stage, arg) guest_ucall(UCALL_SYNC, stage, arg, 0, 0)
#define GUEST_DONE() \
	do { \
		guest_ucall(UCALL_DONE, 0, 0, 0, 0); \
	} while (1)
#define GUEST_ASSERT_EQ(a, b) \
	do { \
		uint64_t ga_a = (uint64_t)(a), ga_b = (uint64_t)(b); \
		if (ga_a != ga_b) \
			guest_ucall(UCALL_ABORT, (uintptr_t)#a " == " #b, __LINE__, ga_a, ga_b); \
	} while (0)
#define GUEST_ASSERT(condition)	GUEST_ASSERT_EQ(!(condition), 0)

/* ---- Interrupts and exceptions ---- */

/* What an interrupt or exception finds on its stack */
struct guest_frame {
	uint64_t r15, r14, r13, r12, r11, r10, r9, r8;
	uint64_t rbp, rdi, rsi, rdx, rcx, rbx, rax;
	uint64_t vector, error_code;
	uint64_t rip, cs, rflags, rsp, ss;
};

/**
 * guest_install_handlers() - load an IDT whose every vector calls guest_handler()
 *
 * Called by the guest.
 */
void guest_install_handlers(void);

/* Called by the guest's interrupts and exceptions; it may change the frame. */
extern void (*guest_handler)(struct guest_frame *frame);

/*
 * Where a fault of an instruction is caught: the address after it is in
 * guest_fixup, and guest_fault_vector tells what came. 0 is no fault: vector 0
 * is stored as 0x100.
 */
extern volatile uint64_t guest_fixup;
extern volatile uint32_t guest_fault_vector;

/* How often each vector has come, if guest_handler is guest_count_interrupts */
extern volatile uint32_t guest_interrupts[256];

/**
 * guest_count_interrupts() - count an interrupt and end it, in x2APIC mode
 * @frame: the interrupt's stack frame
 */
void guest_count_interrupts(struct guest_frame *frame);

/* The vector that guest_waits() tells of */
#define GUEST_VECTOR		0x51

/**
 * guest_waits() - guest code that halts, and says what has woken it
 *
 * At sync 1 it takes interrupts; at each sync 2 its argument is how often
 * GUEST_VECTOR has come.
 */
void guest_waits(void);

/* x2APIC registers */
#define MSR_APIC_BASE		0x1b
#define MSR_X2APIC_ID		0x802
#define MSR_X2APIC_TPR		0x808
#define MSR_X2APIC_EOI		0x80b
#define MSR_X2APIC_SVR		0x80f
#define MSR_X2APIC_ICR		0x830
#define MSR_X2APIC_LVT_TIMER	0x832
#define MSR_X2APIC_TIMER_COUNT	0x838
#define MSR_X2APIC_TIMER_DIVIDE	0x83e
#define APIC_BASE_X2APIC	(1ULL << 10)
#define APIC_BASE_ENABLE	(1ULL << 11)
#define APIC_SVR_ENABLE		0x100

/**
 * guest_enable_x2apic() - switch the local APIC on, in x2APIC mode
 *
 * Called by the guest.
 */
void guest_enable_x2apic(void);

#endif /* MSHV_GUEST_H */
