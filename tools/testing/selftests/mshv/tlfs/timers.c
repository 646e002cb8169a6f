// SPDX-License-Identifier: GPL-2.0-only
/*
 * TLFS, "Timers": the partition reference counter, the reference TSC page, and
 * the synthetic timers.
 */
#include <tlfs/cpuid.h>
#include <tlfs/message.h>
#include <tlfs/msr.h>

#include "mshv_test.h"

#define VECTOR		0x51
#define MS		10000ULL	/* in units of 100 ns */
#define SINT		3

static struct hv_message_page simp __attribute__((aligned(4096)));
static struct hv_reference_tsc_page tsc_page __attribute__((aligned(4096)));

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

static uint64_t now(void)
{
	return rdmsr(HV_X64_MSR_TIME_REF_COUNT);
}

GUEST_TEST(reference_counter_goes_up_at_10_mhz)
{
	const uint64_t frequency = rdmsr(HV_X64_MSR_TSC_FREQUENCY), unit = frequency / 10000000;
	uint64_t tsc[4], start, last, time, least, most;
	int i;

	/* What the TSC is just before and after each of two reads of the counter */
	tsc[0] = rdtsc();
	start = now();
	tsc[1] = rdtsc();
	last = start;

	for (i = 0; i < 1000; i++) {
		time = now();
		GUEST_ASSERT(time >= last);
		last = time;
	}
	while (rdtsc() - tsc[1] < frequency / 50)
		;
	tsc[2] = rdtsc();
	time = now() - start;
	tsc[3] = rdtsc();
	least = (tsc[2] - tsc[1]) / unit;
	most = (tsc[3] - tsc[0]) / unit;
	/* Within 5 %, and a millisecond */
	GUEST_ASSERT(time <= most + most / 20 + MS);
	GUEST_ASSERT(time + least / 20 + MS >= least);
	GUEST_DONE();
}

/* "ReferenceTime = ((VirtualTsc * TscScale) >> 64) + TscOffset" */
GUEST_TEST(reference_tsc_page_agrees_with_the_counter)
{
	volatile struct hv_reference_tsc_page *p = &tsc_page;
	uint64_t before, time, after;
	uint32_t sequence;
	int i;

	wrmsr(HV_X64_MSR_REFERENCE_TSC, (uintptr_t)p | HV_MSR_PAGE_ENABLE);
	GUEST_ASSERT_EQ(rdmsr(HV_X64_MSR_REFERENCE_TSC), (uintptr_t)p | HV_MSR_PAGE_ENABLE);
	for (i = 0; i < 100; i++) {
		before = now();
		sequence = p->sequence;
		if (sequence == HV_REFERENCE_TSC_SEQUENCE_INVALID)
			break;
		time = multiply_high(rdtsc(), p->scale) + p->offset;
		after = now();
		if (p->sequence != sequence)
			continue;
		/* 1 us for the rounding */
		GUEST_ASSERT(time + 10 >= before);
		GUEST_ASSERT(time <= after + 10);
	}
	wrmsr(HV_X64_MSR_REFERENCE_TSC, 0);
	GUEST_ASSERT_EQ(p->scale, 0);	/* the guest's own page again */
	GUEST_DONE();
}

GUEST_TEST(frequencies_are_plausible)
{
	GUEST_ASSERT(rdmsr(HV_X64_MSR_TSC_FREQUENCY) > 100000000);
	GUEST_ASSERT(rdmsr(HV_X64_MSR_APIC_FREQUENCY) > 1000000);
	GUEST_DONE();
}

/* ---- Synthetic timers ---- */

#define CONFIG(n)	(HV_X64_MSR_STIMER0_CONFIG + 2 * (n))
#define COUNT(n)	(HV_X64_MSR_STIMER0_COUNT + 2 * (n))
#define DIRECT		(HV_STIMER_DIRECT_MODE | (uint64_t)VECTOR << HV_STIMER_APIC_VECTOR_SHIFT)
#define MESSAGE		((uint64_t)SINT << HV_STIMER_SINT_SHIFT)

static void guest_init(void)
{
	guest_handler = guest_count_interrupts;
	guest_install_handlers();
	guest_enable_x2apic();
}

static void synic_init(void)
{
	guest_init();
	wrmsr(HV_X64_MSR_SIMP, (uintptr_t)&simp | HV_MSR_PAGE_ENABLE);
	wrmsr(HV_X64_MSR_SINT0 + SINT, VECTOR);
	wrmsr(HV_X64_MSR_SCONTROL, HV_SYNIC_CONTROL_ENABLE);
}

GUEST_TEST(timers_are_off_after_reset)
{
	int i;

	for (i = 0; i < HV_STIMER_COUNT; i++) {
		GUEST_ASSERT_EQ(rdmsr(CONFIG(i)), 0);
		GUEST_ASSERT_EQ(rdmsr(COUNT(i)), 0);
	}
	GUEST_DONE();
}

/* "If message mode with SINTx 0 is set, or a count of 0, the timer is not enabled" */
GUEST_TEST(timers_that_cannot_expire_are_not_enabled)
{
	wrmsr(COUNT(0), now() + 600000 * MS);
	wrmsr(CONFIG(0), HV_STIMER_ENABLE);
	GUEST_ASSERT_EQ(rdmsr(CONFIG(0)) & HV_STIMER_ENABLE, 0);
	wrmsr(COUNT(1), 0);
	wrmsr(CONFIG(1), HV_STIMER_ENABLE | MESSAGE);
	GUEST_ASSERT_EQ(rdmsr(CONFIG(1)) & HV_STIMER_ENABLE, 0);
	wrmsr(COUNT(1), now() + 600000 * MS);
	wrmsr(CONFIG(1), HV_STIMER_ENABLE | MESSAGE);
	GUEST_ASSERT_EQ(rdmsr(CONFIG(1)) & HV_STIMER_ENABLE, HV_STIMER_ENABLE);
	/* Writing a count of 0 stops it. */
	wrmsr(COUNT(1), 0);
	GUEST_ASSERT_EQ(rdmsr(CONFIG(1)) & HV_STIMER_ENABLE, 0);
	GUEST_DONE();
}

GUEST_TEST(reserved_configuration_bits_fault)
{
	guest_install_handlers();
	GUEST_ASSERT(!wrmsr_safe(CONFIG(0), 1ULL << 13));
	GUEST_ASSERT_EQ(guest_fault_vector, 13);
	GUEST_ASSERT(!wrmsr_safe(CONFIG(0), 1ULL << 40));
	GUEST_DONE();
}

/* "AutoEnable: writing the counter implicitly causes the timer to be enabled" */
GUEST_TEST(auto_enable)
{
	guest_init();
	wrmsr(CONFIG(0), HV_STIMER_AUTO_ENABLE | DIRECT);
	GUEST_ASSERT_EQ(rdmsr(CONFIG(0)) & HV_STIMER_ENABLE, 0);
	wrmsr(COUNT(0), now() + 600000 * MS);
	GUEST_ASSERT_EQ(rdmsr(CONFIG(0)) & HV_STIMER_ENABLE, HV_STIMER_ENABLE);
	wrmsr(CONFIG(0), 0);
	GUEST_DONE();
}

/* One-shot: the count is an absolute time; the timer is disabled when it expires. */
GUEST_TEST(one_shot_in_direct_mode)
{
	uint64_t due;
	int i;

	guest_init();
	for (i = 1; i <= 3; i++) {
		due = now() + 5 * MS;
		wrmsr(COUNT(0), due);
		wrmsr(CONFIG(0), HV_STIMER_ENABLE | DIRECT);
		sti_hlt();
		GUEST_ASSERT(now() >= due);
		GUEST_ASSERT_EQ(guest_interrupts[VECTOR], i);
		GUEST_ASSERT_EQ(rdmsr(CONFIG(0)) & HV_STIMER_ENABLE, 0);
	}
	/* A time in the past expires at once. */
	wrmsr(COUNT(0), now() - MS);
	wrmsr(CONFIG(0), HV_STIMER_ENABLE | DIRECT);
	sti_hlt();
	GUEST_ASSERT_EQ(guest_interrupts[VECTOR], 4);
	GUEST_DONE();
}

GUEST_TEST(periodic_in_direct_mode)
{
	uint64_t start;

	guest_init();
	start = now();
	wrmsr(COUNT(0), 5 * MS);
	wrmsr(CONFIG(0), HV_STIMER_ENABLE | HV_STIMER_PERIODIC | DIRECT);
	while (guest_interrupts[VECTOR] < 5)
		sti_hlt();
	GUEST_ASSERT(now() - start >= 20 * MS);
	GUEST_ASSERT_EQ(rdmsr(CONFIG(0)) & HV_STIMER_ENABLE, HV_STIMER_ENABLE);
	wrmsr(CONFIG(0), 0);
	GUEST_DONE();
}

/* Message mode: the message tells which timer, when it was due and when it was delivered. */
GUEST_TEST(expiration_message)
{
	volatile struct hv_message *slot = &simp.sint_message[SINT];
	volatile struct hv_timer_message_payload *payload = (void *)slot->u.payload;
	uint64_t due;

	synic_init();
	GUEST_ASSERT_EQ(slot->header.message_type, HVMSG_NONE);
	due = now() + 3 * MS;
	wrmsr(COUNT(2), due);
	wrmsr(CONFIG(2), HV_STIMER_ENABLE | MESSAGE);
	sti_hlt();
	GUEST_ASSERT_EQ(guest_interrupts[VECTOR], 1);
	GUEST_ASSERT_EQ(slot->header.message_type, HVMSG_TIMER_EXPIRED);
	GUEST_ASSERT_EQ(slot->header.payload_size, sizeof(*payload));
	GUEST_ASSERT_EQ(payload->timer_index, 2);
	GUEST_ASSERT_EQ(payload->expiration_time, due);
	GUEST_ASSERT(payload->delivery_time >= due && payload->delivery_time <= now());
	GUEST_DONE();
}

/* "The message is not delivered until the slot is empty": then EOM brings the next one. */
GUEST_TEST(message_waits_for_its_slot)
{
	volatile struct hv_message *slot = &simp.sint_message[SINT];
	volatile struct hv_timer_message_payload *payload = (void *)slot->u.payload;

	synic_init();
	wrmsr(COUNT(0), now() + MS);
	wrmsr(CONFIG(0), HV_STIMER_ENABLE | MESSAGE);
	sti_hlt();
	GUEST_ASSERT_EQ(payload->timer_index, 0);
	/* The slot is not emptied: the second timer's message has to wait. */
	wrmsr(COUNT(1), now() + MS);
	wrmsr(CONFIG(1), HV_STIMER_ENABLE | MESSAGE);
	while (!(slot->header.message_flags & HV_MESSAGE_FLAG_PENDING))
		now();
	GUEST_ASSERT_EQ(payload->timer_index, 0);
	slot->header.message_type = HVMSG_NONE;
	wrmsr(HV_X64_MSR_EOM, 0);
	while (slot->header.message_type == HVMSG_NONE)
		now();
	GUEST_ASSERT_EQ(payload->timer_index, 1);
	GUEST_DONE();
}

/* The four timers are independent. */
GUEST_TEST(four_timers_at_once)
{
	unsigned int i, expired = 0;
	uint64_t start;

	guest_init();
	start = now();
	for (i = 0; i < HV_STIMER_COUNT; i++) {
		wrmsr(COUNT(i), start + (4 - i) * 3 * MS);
		wrmsr(CONFIG(i), HV_STIMER_ENABLE | HV_STIMER_DIRECT_MODE |
				 (uint64_t)(VECTOR + i) << HV_STIMER_APIC_VECTOR_SHIFT);
	}
	while (expired < HV_STIMER_COUNT) {
		sti_hlt();
		for (expired = 0, i = 0; i < HV_STIMER_COUNT; i++)
			expired += guest_interrupts[VECTOR + i];
	}
	for (i = 0; i < HV_STIMER_COUNT; i++)
		GUEST_ASSERT_EQ(guest_interrupts[VECTOR + i], 1);
	GUEST_ASSERT(now() - start >= 12 * MS);
	GUEST_DONE();
}

/* ---- Time as the parent has it ---- */

static GUEST_CODE void guest_tells_the_time(void)
{
	for (;;)
		GUEST_SYNC_ARG(1, now());
}

TEST(frozen_time_stands_still_and_can_be_set)
{
	struct test_vm vm;
	uint64_t time;

	vm_init_long(&vm, PT_LAPIC, guest_tells_the_time);
	time = vm_run_to_sync(&vm, 1);
	EXPECT_LT(time, vm_run_to_sync(&vm, 1));
	ASSERT_OK(mshv_set_property(vm.partition, HV_PARTITION_PROPERTY_TIME_FREEZE, 1));
	time = vm_run_to_sync(&vm, 1);
	usleep(20000);
	EXPECT_EQ(time, vm_run_to_sync(&vm, 1));
	ASSERT_OK(mshv_set_property(vm.partition, HV_PARTITION_PROPERTY_REFERENCE_TIME,
				    1000000000));
	EXPECT_EQ(1000000000, vm_run_to_sync(&vm, 1));
	ASSERT_OK(mshv_set_property(vm.partition, HV_PARTITION_PROPERTY_TIME_FREEZE, 0));
	usleep(20000);
	time = vm_run_to_sync(&vm, 1);
	EXPECT_LT(1000000000 + 19 * MS, time);
	EXPECT_GT(1000000000 + 10000 * MS, time);
	vm_destroy(&vm);
}

MSHV_TEST_MAIN
