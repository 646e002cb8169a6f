// SPDX-License-Identifier: GPL-2.0-only
/*
 * TLFS, "Inter-Partition Communication" and "Virtual Interrupts": the SynIC's
 * registers and pages, messages and events that a parent sends, and the
 * synthetic registers of the local APIC.
 */
#include <tlfs/cpuid.h>
#include <tlfs/message.h>
#include <tlfs/msr.h>
#include <tlfs/synic.h>

#include "mshv_test.h"

#define VECTOR	0x51
#define SINT	4

static struct hv_message_page simp __attribute__((aligned(4096)));
static struct hv_synic_event_flags_page siefp __attribute__((aligned(4096)));
static struct hv_vp_assist_page assist __attribute__((aligned(4096)));

static void run_guest(void (*function)(void))
{
	struct test_vm vm;

	vm_init_long(&vm, PT_LAPIC, function);
	vm_run_to_done(&vm);
	vm_destroy(&vm);
}

#define GUEST_TEST(name) \
	static GUEST_CODE void guest_##name(void); \
	TEST(name) \
	{ \
		run_guest(guest_##name); \
	} \
	static GUEST_CODE void guest_##name(void)

static void guest_init(void)
{
	guest_handler = guest_count_interrupts;
	guest_install_handlers();
	guest_enable_x2apic();
}

GUEST_TEST(synic_registers_after_reset)
{
	unsigned int i;

	GUEST_ASSERT_EQ(rdmsr(HV_X64_MSR_SVERSION), HV_SYNIC_VERSION_1);
	GUEST_ASSERT_EQ(rdmsr(HV_X64_MSR_SCONTROL), 0);
	GUEST_ASSERT_EQ(rdmsr(HV_X64_MSR_SIMP) & HV_MSR_PAGE_ENABLE, 0);
	GUEST_ASSERT_EQ(rdmsr(HV_X64_MSR_SIEFP) & HV_MSR_PAGE_ENABLE, 0);
	GUEST_ASSERT_EQ(rdmsr(HV_X64_MSR_EOM), 0);
	for (i = 0; i < HV_SYNIC_SINT_COUNT; i++)
		GUEST_ASSERT_EQ(rdmsr(HV_X64_MSR_SINT0 + i), HV_SYNIC_SINT_RESET);
	GUEST_DONE();
}

/* "A vector below 16 of a SINT that is not masked is #GP" */
GUEST_TEST(sint_vectors)
{
	guest_install_handlers();
	GUEST_ASSERT(wrmsr_safe(HV_X64_MSR_SINT0, VECTOR));
	GUEST_ASSERT_EQ(rdmsr(HV_X64_MSR_SINT0), VECTOR);
	GUEST_ASSERT(wrmsr_safe(HV_X64_MSR_SINT0, VECTOR | HV_SYNIC_SINT_AUTO_EOI));
	GUEST_ASSERT(wrmsr_safe(HV_X64_MSR_SINT0, HV_SYNIC_SINT_MASKED));
	GUEST_ASSERT(!wrmsr_safe(HV_X64_MSR_SINT0, 0));
	GUEST_ASSERT_EQ(guest_fault_vector, 13);
	GUEST_ASSERT(!wrmsr_safe(HV_X64_MSR_SINT0, 15));
	GUEST_ASSERT_EQ(rdmsr(HV_X64_MSR_SINT0), HV_SYNIC_SINT_MASKED);
	GUEST_DONE();
}

GUEST_TEST(pages_are_overlays)
{
	volatile uint64_t *p = (volatile uint64_t *)&simp;

	p[0] = 0x5a5a;
	wrmsr(HV_X64_MSR_SIMP, (uintptr_t)&simp | HV_MSR_PAGE_ENABLE);
	GUEST_ASSERT_EQ(rdmsr(HV_X64_MSR_SIMP), (uintptr_t)&simp | HV_MSR_PAGE_ENABLE);
	GUEST_ASSERT_EQ(p[0], 0);
	p[1] = 0x77;
	wrmsr(HV_X64_MSR_SIMP, (uintptr_t)&simp);
	GUEST_ASSERT_EQ(p[0], 0x5a5a);
	GUEST_ASSERT_EQ(p[1], 0);
	GUEST_DONE();
}

/* ---- From the parent ---- */

static GUEST_CODE void guest_listens(void)
{
	volatile struct hv_message *slot = &simp.sint_message[SINT];

	guest_init();
	wrmsr(HV_X64_MSR_SIMP, (uintptr_t)&simp | HV_MSR_PAGE_ENABLE);
	wrmsr(HV_X64_MSR_SIEFP, (uintptr_t)&siefp | HV_MSR_PAGE_ENABLE);
	wrmsr(HV_X64_MSR_SINT0 + SINT, VECTOR);
	wrmsr(HV_X64_MSR_SCONTROL, HV_SYNIC_CONTROL_ENABLE);
	GUEST_SYNC(1);
	for (;;) {
		sti_hlt();
		GUEST_SYNC_ARG(2, slot->header.message_type);
		slot->header.message_type = HVMSG_NONE;
		if (slot->header.message_flags & HV_MESSAGE_FLAG_PENDING)
			wrmsr(HV_X64_MSR_EOM, 0);
		GUEST_SYNC_ARG(3, *(volatile uint64_t *)(siefp.flags[SINT] + 8));
	}
}

static struct hv_message a_message(uint32_t type)
{
	struct hv_message msg = { .header = { .message_type = type, .payload_size = 16 } };

	msg.u.payload[0] = 0x1122334455667788;
	msg.u.payload[1] = type;
	return msg;
}

TEST(message_from_the_parent)
{
	struct hv_message msg = a_message(0x1234), busy = a_message(0x5678);
	struct test_vm vm;

	vm_init_long(&vm, PT_LAPIC, guest_listens);
	vm_run_to_sync(&vm, 1);
	ASSERT_OK(mshv_post_message_direct(vm.partition, 0, SINT, &msg));
	/* The slot is taken: the parent has to come again. */
	EXPECT_GT(0, mshv_post_message_direct(vm.partition, 0, SINT, &busy));
	EXPECT_EQ(0x1234, vm_run_to_sync(&vm, 2));
	vm_run_to_sync(&vm, 3);
	ASSERT_OK(mshv_post_message_direct(vm.partition, 0, SINT, &busy));
	EXPECT_EQ(0x5678, vm_run_to_sync(&vm, 2));
	vm_destroy(&vm);
}

/* A parent that asks is told when the slot is free. */
TEST(parent_is_told_when_a_slot_is_free)
{
	const struct hv_x64_synic_sint_deliverable_message *told;
	struct hv_message msg = a_message(0x1234);
	struct test_vm vm;

	vm_init_long(&vm, PT_LAPIC, guest_listens);
	told = (const void *)vm.vp.msg.u.payload;
	vm_run_to_sync(&vm, 1);
	ASSERT_OK(mshv_post_message_direct(vm.partition, 0, SINT, &msg));
	EXPECT_GT(0, mshv_post_message_direct(vm.partition, 0, SINT, &msg));
	ASSERT_OK(mshv_vp_set_register(&vm.vp, HV_REGISTER_DELIVERABILITY_NOTIFICATIONS,
				       1ULL << (HV_DELIVERABILITY_SINTS_SHIFT + SINT)));
	EXPECT_EQ(0x1234, vm_run_to_sync(&vm, 2));
	ASSERT_EQ(HVMSG_SYNIC_SINT_DELIVERABLE, vm_run(&vm));
	EXPECT_EQ(1 << SINT, told->deliverable_sints);
	ASSERT_OK(mshv_post_message_direct(vm.partition, 0, SINT, &msg));
	vm_run_to_sync(&vm, 3);
	EXPECT_EQ(0x1234, vm_run_to_sync(&vm, 2));
	vm_destroy(&vm);
}

TEST(events_from_the_parent)
{
	struct test_vm vm;

	vm_init_long(&vm, PT_LAPIC, guest_listens);
	vm_run_to_sync(&vm, 1);
	/* Flag 64 is bit 0 of the second quadword. */
	EXPECT_EQ(1, mshv_signal_event_direct(vm.partition, 0, SINT, 64));
	EXPECT_EQ(0, mshv_signal_event_direct(vm.partition, 0, SINT, 64)) TH_LOG("set already");
	EXPECT_EQ(1, mshv_signal_event_direct(vm.partition, 0, SINT, 64 + 5));
	EXPECT_EQ(0, vm_run_to_sync(&vm, 2));
	EXPECT_EQ(1 | 1 << 5, vm_run_to_sync(&vm, 3));
	EXPECT_GT(0, mshv_signal_event_direct(vm.partition, 0, SINT, HV_EVENT_FLAGS_COUNT));
	EXPECT_GT(0, mshv_signal_event_direct(vm.partition, 0, HV_SYNIC_SINT_COUNT, 0));
	EXPECT_GT(0, mshv_signal_event_direct(vm.partition, 99, SINT, 0));
	vm_destroy(&vm);
}

/* ---- Synthetic APIC registers ---- */

GUEST_TEST(tpr_and_icr_by_msr)
{
	guest_init();
	wrmsr(HV_X64_MSR_TPR, 0x40);
	GUEST_ASSERT_EQ(rdmsr(HV_X64_MSR_TPR), 0x40);
	GUEST_ASSERT_EQ(rdmsr(MSR_X2APIC_TPR), 0x40);
	wrmsr(HV_X64_MSR_TPR, 0);
	/* ICR: a fixed interrupt to oneself */
	wrmsr(HV_X64_MSR_ICR, 0x40000 | VECTOR);
	asm volatile("sti; nop; nop; cli" : : : "memory");
	GUEST_ASSERT_EQ(guest_interrupts[VECTOR], 1);
	GUEST_DONE();
}

static void end_by_msr(struct guest_frame *frame)
{
	guest_interrupts[frame->vector & 0xff]++;
	wrmsr(HV_X64_MSR_EOI, 0);
}

GUEST_TEST(eoi_by_msr)
{
	int i;

	guest_handler = end_by_msr;
	guest_install_handlers();
	guest_enable_x2apic();
	for (i = 1; i <= 3; i++) {
		wrmsr(MSR_X2APIC_ICR, 0x40000 | VECTOR);
		asm volatile("sti; nop; nop; cli" : : : "memory");
		GUEST_ASSERT_EQ(guest_interrupts[VECTOR], i);
	}
	GUEST_DONE();
}

static volatile uint32_t eois_saved;

/* "If bit 0 of the APIC assist is set, the guest may clear it instead of an EOI" */
static void end_by_assist(struct guest_frame *frame)
{
	uint32_t bits = __atomic_fetch_and(&assist.apic_assist, ~HV_APIC_ASSIST_NO_EOI_REQUIRED,
					   __ATOMIC_SEQ_CST);

	guest_interrupts[frame->vector & 0xff]++;
	if (bits & HV_APIC_ASSIST_NO_EOI_REQUIRED)
		eois_saved++;
	else
		wrmsr(MSR_X2APIC_EOI, 0);
}

GUEST_TEST(eoi_assist)
{
	int i;

	guest_handler = end_by_assist;
	guest_install_handlers();
	guest_enable_x2apic();
	wrmsr(HV_X64_MSR_VP_ASSIST_PAGE, (uintptr_t)&assist | HV_MSR_PAGE_ENABLE);
	GUEST_ASSERT_EQ(rdmsr(HV_X64_MSR_VP_ASSIST_PAGE),
			(uintptr_t)&assist | HV_MSR_PAGE_ENABLE);
	/* With or without: each interrupt comes, and is over before the next. */
	for (i = 1; i <= 20; i++) {
		wrmsr(MSR_X2APIC_ICR, 0x40000 | VECTOR);
		asm volatile("sti; nop; nop; cli" : : : "memory");
		GUEST_ASSERT_EQ(guest_interrupts[VECTOR], i);
	}
	/* One of a higher priority inside the other */
	wrmsr(MSR_X2APIC_ICR, 0x40000 | VECTOR);
	wrmsr(MSR_X2APIC_ICR, 0x40000 | 0x90);
	asm volatile("sti; nop; nop; nop; nop; cli" : : : "memory");
	GUEST_ASSERT_EQ(guest_interrupts[VECTOR], 21);
	GUEST_ASSERT_EQ(guest_interrupts[0x90], 1);
	GUEST_DONE();
}

/* ---- Idle, crash ---- */

static GUEST_CODE void guest_idles(void)
{
	guest_init();
	GUEST_SYNC(1);
	/* "A read halts the VP until an interrupt is pending", though they are off. */
	rdmsr(HV_X64_MSR_GUEST_IDLE);
	GUEST_ASSERT_EQ(guest_interrupts[VECTOR], 0);
	asm volatile("sti; nop; nop; cli" : : : "memory");
	GUEST_ASSERT_EQ(guest_interrupts[VECTOR], 1);
	GUEST_DONE();
}

/* It idles after its first sync, and is woken by VECTOR. */
static void wake_idle_guest(void (*function)(void))
{
	struct test_vm vm;

	vm_init_long(&vm, PT_LAPIC, function);
	vm_run_to_sync(&vm, 1);
	TEST_ASSERT(!mshv_assert_interrupt(vm.partition, HV_X64_INTERRUPT_TYPE_FIXED, 0, VECTOR),
		    "%s", mshv_strerror());
	vm_run_to_done(&vm);
	vm_destroy(&vm);
}

TEST(guest_idle)
{
	wake_idle_guest(guest_idles);
}

static void idle_inside(struct guest_frame *frame)
{
	guest_interrupts[frame->vector & 0xff]++;
	if (frame->vector == 0x90) {
		GUEST_SYNC(1);
		rdmsr(HV_X64_MSR_GUEST_IDLE);
		GUEST_ASSERT_EQ(guest_interrupts[VECTOR], 0);
	}
	wrmsr(MSR_X2APIC_EOI, 0);
}

static GUEST_CODE void guest_idles_in_an_interrupt(void)
{
	guest_handler = idle_inside;
	guest_install_handlers();
	guest_enable_x2apic();
	wrmsr(MSR_X2APIC_ICR, 0x40000 | 0x90);
	asm volatile("sti; nop; nop; nop; nop; cli" : : : "memory");
	GUEST_ASSERT_EQ(guest_interrupts[0x90], 1);
	GUEST_ASSERT_EQ(guest_interrupts[VECTOR], 1);
	GUEST_DONE();
}

/* What is pending need not be deliverable, for RFLAGS.IF or for its priority. */
TEST(guest_idle_ends_by_an_interrupt_of_any_priority)
{
	wake_idle_guest(guest_idles_in_an_interrupt);
}

static GUEST_CODE void guest_crashes(void)
{
	unsigned int i;

	for (i = 0; i < 5; i++) {
		wrmsr(HV_X64_MSR_CRASH_P0 + i, 0x1000 + i);
		GUEST_ASSERT_EQ(rdmsr(HV_X64_MSR_CRASH_P0 + i), 0x1000 + i);
	}
	wrmsr(HV_X64_MSR_CRASH_CTL, HV_CRASH_CTL_CRASH_NOTIFY);
	GUEST_SYNC(1);
	GUEST_DONE();
}

TEST(guest_crash_parameters_reach_the_parent)
{
	struct test_vm vm;
	__u64 value;
	int i;

	vm_init_long(&vm, PT_LAPIC, guest_crashes);
	ASSERT_OK(mshv_vp_get_register(&vm.vp, HV_REGISTER_GUEST_CRASH_P0, &value));
	EXPECT_EQ(0, value);
	vm_run_to_sync(&vm, 1);
	for (i = 0; i < 5; i++) {
		ASSERT_OK(mshv_vp_get_register(&vm.vp, HV_REGISTER_GUEST_CRASH_P0 + i, &value));
		EXPECT_EQ(0x1000 + i, value);
	}
	vm_destroy(&vm);
}

MSHV_TEST_MAIN
