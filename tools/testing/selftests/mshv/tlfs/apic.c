// SPDX-License-Identifier: GPL-2.0-only
/*
 * TLFS, "Local APIC Virtualization": the processor's own local APIC, as a page and as
 * MSRs (AMD64 Architecture Programmer's Manual, volume 2, chapter 16).
 */
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <tlfs/hypercall.h>
#include <tlfs/interrupt.h>
#include <tlfs/msr.h>

#include "mshv_test.h"

#define VECTOR		0x51
#define HIGHER		0x91

#define XAPIC		0xfee00000ULL
#define XAPIC_ID	0x20
#define XAPIC_TPR	0x80
#define XAPIC_EOI	0xb0
#define XAPIC_SVR	0xf0
#define XAPIC_ICR	0x300
#define XAPIC_LVT_TIMER	0x320

#define MSR_X2APIC_LDR		0x80d
#define MSR_X2APIC_ISR(vector)	(0x810 + (vector) / 32)
#define MSR_X2APIC_LVT_LINT0	0x835
#define MSR_X2APIC_TIMER_CURRENT 0x839
#define MSR_TSC_DEADLINE	0x6e0

#define LVT_MASKED	0x10000
#define LVT_PERIODIC	0x20000
#define LVT_DEADLINE	0x40000
#define LVT_EXTINT	0x700
#define ICR_SELF	0x40000
#define ICR_LOGICAL	0x800
#define ICR_NMI		0x400

#define GUEST_TEST(name) \
	static GUEST_CODE void guest_##name(void); \
	TEST(name) \
	{ \
		struct test_vm vm; \
		vm_init_long(&vm, PT_LAPIC, guest_##name); \
		vm_run_to_done(&vm); \
		vm_destroy(&vm); \
	} \
	static GUEST_CODE void guest_##name(void)

static GUEST_CODE void guest_init(void)
{
	guest_handler = guest_count_interrupts;
	guest_install_handlers();
	guest_enable_x2apic();
}

static GUEST_CODE void take_interrupts(void)
{
	asm volatile("sti; nop; nop; cli" : : : "memory");
}

static GUEST_CODE void wait_seconds(unsigned int vector, unsigned int count, unsigned int seconds)
{
	uint64_t end = rdtsc() + seconds * rdmsr(HV_X64_MSR_TSC_FREQUENCY);

	while (guest_interrupts[vector] < count && rdtsc() < end)
		take_interrupts();
}

/* Wait with interrupts on until a vector has come that often; by then it has, or never will. */
static GUEST_CODE void wait_for(unsigned int vector, unsigned int count)
{
	wait_seconds(vector, count, 20);
}

/* Wait with interrupts on for a second, or until one has come that should not. */
static GUEST_CODE void wait_in_vain(unsigned int vector)
{
	wait_seconds(vector, 1, 1);
}

static GUEST_CODE uint64_t read_cr8(void)
{
	uint64_t value;

	asm volatile("mov %%cr8, %0" : "=r"(value));
	return value;
}

static GUEST_CODE void write_cr8(uint64_t value)
{
	asm volatile("mov %0, %%cr8" : : "r"(value) : "memory");
}

static GUEST_CODE volatile uint32_t *xapic(unsigned int offset)
{
	return (volatile uint32_t *)(XAPIC + offset);
}

static GUEST_CODE void count_by_page(struct guest_frame *frame)
{
	guest_interrupts[frame->vector & 0xff]++;
	*xapic(XAPIC_EOI) = 0;
}

GUEST_TEST(xapic_page)
{
	int i;

	guest_handler = count_by_page;
	guest_install_handlers();
	wrmsr(MSR_APIC_BASE, XAPIC | APIC_BASE_ENABLE);
	GUEST_ASSERT_EQ(*xapic(XAPIC_ID) >> 24, 0);
	GUEST_ASSERT_EQ(*xapic(XAPIC_LVT_TIMER), LVT_MASKED);
	*xapic(XAPIC_SVR) = APIC_SVR_ENABLE | 0xff;
	GUEST_ASSERT_EQ(*xapic(XAPIC_SVR), APIC_SVR_ENABLE | 0xff);
	*xapic(XAPIC_TPR) = 0x40;
	GUEST_ASSERT_EQ(read_cr8(), 4);
	*xapic(XAPIC_TPR) = 0;
	for (i = 1; i <= 3; i++) {
		*xapic(XAPIC_ICR) = ICR_SELF | VECTOR;
		take_interrupts();
		GUEST_ASSERT_EQ(guest_interrupts[VECTOR], i);
	}
	GUEST_DONE();
}

GUEST_TEST(cr8_is_the_upper_half_of_tpr)
{
	guest_init();
	write_cr8(5);
	GUEST_ASSERT_EQ(rdmsr(MSR_X2APIC_TPR), 0x50);
	wrmsr(MSR_X2APIC_TPR, 0x35);
	GUEST_ASSERT_EQ(read_cr8(), 3);
	write_cr8(0);
	GUEST_DONE();
}

GUEST_TEST(cr8_holds_back_what_is_not_of_a_higher_class)
{
	guest_init();
	write_cr8(VECTOR >> 4);
	wrmsr(MSR_X2APIC_ICR, ICR_SELF | VECTOR);
	wrmsr(MSR_X2APIC_ICR, ICR_SELF | HIGHER);
	take_interrupts();
	GUEST_ASSERT_EQ(guest_interrupts[VECTOR], 0);
	GUEST_ASSERT_EQ(guest_interrupts[HIGHER], 1);
	write_cr8((VECTOR >> 4) - 1);
	take_interrupts();
	GUEST_ASSERT_EQ(guest_interrupts[VECTOR], 1);
	GUEST_DONE();
}

GUEST_TEST(timer_one_shot)
{
	guest_init();
	wrmsr(MSR_X2APIC_TIMER_DIVIDE, 0xb);
	wrmsr(MSR_X2APIC_LVT_TIMER, VECTOR);
	wrmsr(MSR_X2APIC_TIMER_COUNT, rdmsr(HV_X64_MSR_APIC_FREQUENCY) / 1000);
	wait_for(VECTOR, 1);
	GUEST_ASSERT_EQ(guest_interrupts[VECTOR], 1);
	GUEST_ASSERT_EQ(rdmsr(MSR_X2APIC_TIMER_CURRENT), 0);
	GUEST_DONE();
}

GUEST_TEST(timer_periodic_until_its_count_is_0)
{
	uint32_t before;

	guest_init();
	wrmsr(MSR_X2APIC_TIMER_DIVIDE, 0xb);
	wrmsr(MSR_X2APIC_LVT_TIMER, LVT_PERIODIC | VECTOR);
	wrmsr(MSR_X2APIC_TIMER_COUNT, rdmsr(HV_X64_MSR_APIC_FREQUENCY) / 1000);
	wait_for(VECTOR, 3);
	GUEST_ASSERT(guest_interrupts[VECTOR] >= 3);
	wrmsr(MSR_X2APIC_TIMER_COUNT, 0);
	take_interrupts();
	before = guest_interrupts[VECTOR];
	wait_in_vain(HIGHER);
	GUEST_ASSERT_EQ(guest_interrupts[VECTOR], before);
	GUEST_DONE();
}

GUEST_TEST(timer_by_tsc_deadline)
{
	uint32_t regs[4];

	guest_init();
	guest_cpuid(1, 0, regs);
	if (regs[2] & 1 << 24) {
		wrmsr(MSR_X2APIC_LVT_TIMER, LVT_DEADLINE | VECTOR);
		wrmsr(MSR_TSC_DEADLINE, rdtsc() + rdmsr(HV_X64_MSR_TSC_FREQUENCY) / 1000);
		wait_for(VECTOR, 1);
		GUEST_ASSERT_EQ(guest_interrupts[VECTOR], 1);
		GUEST_ASSERT_EQ(rdmsr(MSR_TSC_DEADLINE), 0);
	}
	GUEST_DONE();
}

GUEST_TEST(timer_that_is_masked)
{
	guest_init();
	wrmsr(MSR_X2APIC_LVT_TIMER, LVT_MASKED | VECTOR);
	wrmsr(MSR_X2APIC_TIMER_COUNT, 1000);
	wait_in_vain(VECTOR);
	GUEST_ASSERT_EQ(guest_interrupts[VECTOR], 0);
	GUEST_DONE();
}

GUEST_TEST(logical_destination_of_x2apic)
{
	uint64_t id, ldr;

	guest_init();
	id = rdmsr(MSR_X2APIC_ID);
	ldr = rdmsr(MSR_X2APIC_LDR);
	GUEST_ASSERT_EQ(ldr, (id >> 4) << 16 | 1 << (id & 15));
	wrmsr(MSR_X2APIC_ICR, ldr << 32 | ICR_LOGICAL | VECTOR);
	take_interrupts();
	GUEST_ASSERT_EQ(guest_interrupts[VECTOR], 1);
	GUEST_DONE();
}

GUEST_TEST(nmi_comes_with_interrupts_off)
{
	guest_init();
	wrmsr(MSR_X2APIC_ICR, rdmsr(MSR_X2APIC_ID) << 32 | ICR_NMI);
	asm volatile("nop; nop" : : : "memory");
	GUEST_ASSERT_EQ(guest_interrupts[2], 1);
	GUEST_DONE();
}

/* An interrupt of the external controller's does not pass the local APIC: nothing is in service. */
static volatile uint64_t in_service;

static GUEST_CODE void look_at_isr(struct guest_frame *frame)
{
	guest_interrupts[frame->vector & 0xff]++;
	in_service = rdmsr(MSR_X2APIC_ISR(VECTOR));
}

static GUEST_CODE void guest_takes_an_external_interrupt(void)
{
	guest_init();
	guest_handler = look_at_isr;
	wrmsr(MSR_X2APIC_LVT_LINT0, LVT_EXTINT);
	in_service = 1;
	GUEST_SYNC(1);
	take_interrupts();
	GUEST_ASSERT_EQ(guest_interrupts[VECTOR], 1);
	GUEST_ASSERT_EQ(in_service, 0);
	GUEST_DONE();
}

TEST(extint_is_not_in_service)
{
	struct test_vm vm;

	vm_init_long(&vm, PT_LAPIC, guest_takes_an_external_interrupt);
	vm_run_to_sync(&vm, 1);
	ASSERT_OK(mshv_assert_interrupt(vm.partition, HV_X64_INTERRUPT_TYPE_EXTINT, 0, VECTOR));
	vm_run_to_done(&vm);
	vm_destroy(&vm);
}

/* ---- EOI of level-triggered interrupts ---- */

#define MSR_X2APIC_TMR(vector)	(0x818 + (vector) / 32)
#define LEVEL			(1 << 15)	/* of a route's data */

static GUEST_CODE void count_without_eoi(struct guest_frame *frame)
{
	guest_interrupts[frame->vector & 0xff]++;
}

static GUEST_CODE bool is_level(unsigned int vector)
{
	return rdmsr(MSR_X2APIC_TMR(vector)) & 1U << vector % 32;
}

static GUEST_CODE void guest_ends_interrupts_late(void)
{
	guest_init();
	guest_handler = count_without_eoi;
	GUEST_SYNC(1);
	wait_for(VECTOR, 1);
	GUEST_ASSERT_EQ(guest_interrupts[VECTOR], 1);
	GUEST_ASSERT(is_level(VECTOR));
	GUEST_SYNC(2);
	/* A higher one comes in between, and is the first to be ended. */
	wait_for(HIGHER, 1);
	GUEST_ASSERT_EQ(guest_interrupts[HIGHER], 1);
	GUEST_SYNC(3);
	wrmsr(MSR_X2APIC_EOI, 0);
	GUEST_SYNC(4);
	wrmsr(MSR_X2APIC_EOI, 0);
	GUEST_SYNC(5);
	/* Nothing is in service. */
	wrmsr(MSR_X2APIC_EOI, 0);
	GUEST_SYNC(6);
	/* The same vector again, by an edge */
	wait_for(VECTOR, 2);
	GUEST_ASSERT_EQ(guest_interrupts[VECTOR], 2);
	GUEST_ASSERT(!is_level(VECTOR));
	wrmsr(MSR_X2APIC_EOI, 0);
	GUEST_SYNC(7);
	wait_for(HIGHER, 2);
	wrmsr(MSR_X2APIC_EOI, 0);
	GUEST_DONE();
}

/* Whether an eventfd is signalled within @ms, and how often it was */
static uint64_t signalled(int fd, int ms)
{
	struct pollfd wait = { .fd = fd, .events = POLLIN };
	uint64_t count;

	if (poll(&wait, 1, ms) != 1 || read(fd, &count, 8) != 8)
		return 0;
	return count;
}

/*
 * AMD64 manual, volume 2, 16.6.5: the EOI of a level-triggered interrupt is broadcast
 * to the I/O APICs; here it is the parent's to know. That of the others is not.
 */
TEST(eoi_of_level_triggered_interrupts_is_broadcast)
{
	/* The number of a route is that of its vector, which some drivers rest on. */
	struct mshv_user_irq_entry routes[2] = {
		{ .gsi = VECTOR, .address_lo = 0xfee00000, .data = VECTOR | LEVEL },
		{ .gsi = HIGHER, .address_lo = 0xfee00000, .data = HIGHER | LEVEL },
	};
	int raise[2], ended[2], i;
	uint64_t one = 1;
	struct test_vm vm;

	vm_init_long(&vm, PT_LAPIC, guest_ends_interrupts_late);
	ASSERT_OK(mshv_set_msi_routing(vm.partition, routes, 2));
	for (i = 0; i < 2; i++) {
		raise[i] = eventfd(0, EFD_CLOEXEC);
		ended[i] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		ASSERT_OK(mshv_assign_irqfd(vm.partition, raise[i], routes[i].gsi, ended[i]));
	}
	vm_run_to_sync(&vm, 1);
	ASSERT_EQ(8, write(raise[0], &one, 8));
	vm_run_to_sync(&vm, 2);
	ASSERT_EQ(8, write(raise[1], &one, 8));
	vm_run_to_sync(&vm, 3);
	/* Both are in service. */
	EXPECT_EQ(0, signalled(ended[0], 0));
	EXPECT_EQ(0, signalled(ended[1], 0));
	vm_run_to_sync(&vm, 4);
	EXPECT_EQ(1, signalled(ended[1], 5000));
	EXPECT_EQ(0, signalled(ended[0], 0));
	vm_run_to_sync(&vm, 5);
	EXPECT_EQ(1, signalled(ended[0], 5000));
	vm_run_to_sync(&vm, 6);
	ASSERT_OK(mshv_assert_interrupt(vm.partition, HV_X64_INTERRUPT_TYPE_FIXED, 0, VECTOR));
	vm_run_to_sync(&vm, 7);
	/* After this one has been told of, one before it would have been, too. */
	ASSERT_EQ(8, write(raise[1], &one, 8));
	vm_run_to_done(&vm);
	EXPECT_EQ(1, signalled(ended[1], 5000));
	EXPECT_EQ(0, signalled(ended[0], 0));
	for (i = 0; i < 2; i++) {
		ASSERT_OK(mshv_deassign_irqfd(vm.partition, raise[i], routes[i].gsi));
		close(raise[i]);
		close(ended[i]);
	}
	vm_destroy(&vm);
}

/* TLFS, "HvCallNotifyLongSpinWait": a hint, of any number of spins */
GUEST_TEST(long_spin_wait)
{
	uint64_t spins;

	guest_init();
	guest_hypercall_init();
	for (spins = 0; spins < 1ULL << 32; spins = spins * 16 + 1)
		GUEST_ASSERT_EQ(hypercall(HVCALL_NOTIFY_LONG_SPIN_WAIT | HV_HYPERCALL_FAST,
					  spins, 0), 0);
	GUEST_DONE();
}

MSHV_TEST_MAIN
