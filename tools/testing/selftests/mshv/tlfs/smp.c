// SPDX-License-Identifier: GPL-2.0-only
/*
 * TLFS, "Virtual Processors", "Virtual MMU" and "Virtual Interrupts", for what
 * needs more than one VP: INIT and SIPI, IPIs, and flushes of other VPs' TLBs.
 */
#include <pthread.h>

#include <tlfs/guest.h>
#include <tlfs/hypercall.h>
#include <tlfs/msr.h>
#include <tlfs/status.h>

#include "mshv_test.h"

#define VECTOR	0x51

/* Another VP's thread; it runs until the VP is done */
struct other {
	struct test_vm *vm;
	struct mshv_vp vp;
	pthread_t thread;
	bool failed;
	volatile bool ended;		/* of run_until_cancelled() */
};

static void *run_other(void *arg)
{
	struct other *o = arg;
	struct test_vm view = *o->vm;
	struct ucall uc;

	view.vp = o->vp;
	do {
		uc = vm_run_ucall(&view);
	} while (uc.cmd != UCALL_DONE);
	return NULL;
}

static void start_other(struct test_vm *vm, struct other *o, unsigned int index,
			void (*function)(void))
{
	o->vm = vm;
	if (function)
		vm_add_vp(vm, &o->vp, index, function);
	TEST_ASSERT(!pthread_create(&o->thread, NULL, run_other, o), "no thread");
}

static void end_other(struct other *o)
{
	pthread_join(o->thread, NULL);
	mshv_vp_destroy(&o->vp);
}

static volatile uint32_t guest_ready, guest_seen[4], guest_go;

static GUEST_CODE void count_by_vp(struct guest_frame *frame)
{
	(void)frame;
	guest_seen[rdmsr(HV_X64_MSR_VP_INDEX) & 3]++;
	wrmsr(MSR_X2APIC_EOI, 0);
}

static void guest_join(void)
{
	guest_handler = count_by_vp;
	guest_install_handlers();
	guest_enable_x2apic();
	__atomic_fetch_add(&guest_ready, 1, __ATOMIC_SEQ_CST);
}

static void wait_for(volatile uint32_t *value, uint32_t wanted)
{
	while (*value < wanted)
		asm volatile("pause");
}

/* The others wait in HLT for three interrupts each. */
static GUEST_CODE void other_waits(void)
{
	uint32_t me = rdmsr(HV_X64_MSR_VP_INDEX);

	GUEST_ASSERT(me == 1 || me == 2);
	guest_join();
	while (guest_seen[me] < 3)
		sti_hlt();
	GUEST_DONE();
}

/* ---- IPIs ---- */

static GUEST_CODE void first_sends_ipis(void)
{
	guest_join();
	wait_for(&guest_ready, 3);
	wrmsr(MSR_X2APIC_ICR, 1ULL << 32 | VECTOR);		/* to APIC 1 */
	wait_for(&guest_seen[1], 1);
	GUEST_ASSERT_EQ(guest_seen[2], 0);
	wrmsr(MSR_X2APIC_ICR, 2ULL << 32 | VECTOR);
	wait_for(&guest_seen[2], 1);
	wrmsr(MSR_X2APIC_ICR, 0xc0000 | VECTOR);		/* all but self */
	wait_for(&guest_seen[1], 2);
	wait_for(&guest_seen[2], 2);
	wrmsr(MSR_X2APIC_ICR, 6ULL << 32 | 0x800 | VECTOR);	/* logical: APICs 1 and 2 */
	wait_for(&guest_seen[1], 3);
	wait_for(&guest_seen[2], 3);
	GUEST_ASSERT_EQ(guest_seen[0], 0);
	GUEST_DONE();
}

static void run_three(void (*first)(void), void (*others)(void))
{
	struct other one = { 0 }, two = { 0 };
	struct test_vm vm;

	vm_init_long(&vm, PT_LAPIC, first);
	start_other(&vm, &one, 1, others);
	start_other(&vm, &two, 2, others);
	vm_run_to_done(&vm);
	end_other(&one);
	end_other(&two);
	vm_destroy(&vm);
}

TEST(ipis_by_the_local_apic)
{
	run_three(first_sends_ipis, other_waits);
}

static struct hv_input_send_ipi_ex_room {
	struct hv_input_send_ipi_ex head;
	uint64_t banks[2];
} ipi __attribute__((aligned(64)));

static GUEST_CODE void first_sends_synthetic_ipis(void)
{
	const uint64_t fast = HVCALL_SEND_IPI | HV_HYPERCALL_FAST;
	uint64_t result;

	guest_hypercall_init();
	guest_join();
	wait_for(&guest_ready, 3);
	result = hypercall(fast, VECTOR, 1 << 1);
	GUEST_ASSERT_EQ(result & HV_HYPERCALL_RESULT_MASK, HV_STATUS_SUCCESS);
	wait_for(&guest_seen[1], 1);
	GUEST_ASSERT_EQ(guest_seen[2], 0);
	result = hypercall(fast, VECTOR, 1 << 1 | 1 << 2);
	GUEST_ASSERT_EQ(result & HV_HYPERCALL_RESULT_MASK, HV_STATUS_SUCCESS);
	wait_for(&guest_seen[1], 2);
	wait_for(&guest_seen[2], 1);
	/* A vector that no IPI can have */
	result = hypercall(fast, HV_IPI_LOW_VECTOR - 1, 1 << 1);
	GUEST_ASSERT_EQ(result & HV_HYPERCALL_RESULT_MASK, HV_STATUS_INVALID_PARAMETER);

	ipi.head.vector = VECTOR;
	ipi.head.vp_set_format = HV_GENERIC_SET_SPARSE_4K;
	ipi.head.vp_set_valid_bank_mask = 1;
	ipi.banks[0] = 1 << 1 | 1 << 2;
	result = hypercall(HVCALL_SEND_IPI_EX | 1ULL << HV_HYPERCALL_VARHEAD_SHIFT,
			   (uintptr_t)&ipi, 0);
	GUEST_ASSERT_EQ(result & HV_HYPERCALL_RESULT_MASK, HV_STATUS_SUCCESS);
	wait_for(&guest_seen[1], 3);
	wait_for(&guest_seen[2], 2);
	result = hypercall(fast, VECTOR, 1 << 2);
	GUEST_ASSERT_EQ(result & HV_HYPERCALL_RESULT_MASK, HV_STATUS_SUCCESS);
	wait_for(&guest_seen[2], 3);
	GUEST_DONE();
}

TEST(ipis_by_hypercall)
{
	run_three(first_sends_synthetic_ipis, other_waits);
}

static GUEST_CODE uint16_t send_ex(uint64_t format, uint64_t mask, uint64_t header)
{
	ipi.head.vp_set_format = format;
	ipi.head.vp_set_valid_bank_mask = mask;
	return hypercall(HVCALL_SEND_IPI_EX | header << HV_HYPERCALL_VARHEAD_SHIFT,
			 (uintptr_t)&ipi, 0) & HV_HYPERCALL_RESULT_MASK;
}

static GUEST_CODE void first_sends_to_sets(void)
{
	guest_hypercall_init();
	guest_join();
	wait_for(&guest_ready, 3);
	ipi.head.vector = VECTOR;
	ipi.banks[0] = 1 << 1 | 1 << 2;
	/* A bank is missing; a format that there is not; a vector that no IPI can have */
	GUEST_ASSERT(send_ex(HV_GENERIC_SET_SPARSE_4K, 3, 1) != HV_STATUS_SUCCESS);
	GUEST_ASSERT(send_ex(2, 1, 1) != HV_STATUS_SUCCESS);
	ipi.head.vector = HV_IPI_LOW_VECTOR - 1;
	GUEST_ASSERT(send_ex(HV_GENERIC_SET_SPARSE_4K, 1, 1) != HV_STATUS_SUCCESS);
	ipi.head.vector = VECTOR;
	GUEST_ASSERT_EQ(guest_seen[1] + guest_seen[2], 0);

	ipi.banks[0] = 1 << 2;
	GUEST_ASSERT_EQ(send_ex(HV_GENERIC_SET_SPARSE_4K, 1, 1), HV_STATUS_SUCCESS);
	wait_for(&guest_seen[2], 1);
	GUEST_ASSERT_EQ(guest_seen[1], 0);
	/* A second bank, which names nobody */
	ipi.banks[0] = 1 << 1 | 1 << 2;
	ipi.banks[1] = 0;
	GUEST_ASSERT_EQ(send_ex(HV_GENERIC_SET_SPARSE_4K, 3, 2), HV_STATUS_SUCCESS);
	wait_for(&guest_seen[1], 1);
	wait_for(&guest_seen[2], 2);
	/* All of them, the sender too */
	GUEST_ASSERT_EQ(guest_seen[0], 0);
	GUEST_ASSERT_EQ(send_ex(HV_GENERIC_SET_ALL, 0, 0), HV_STATUS_SUCCESS);
	wait_for(&guest_seen[1], 2);
	wait_for(&guest_seen[2], 3);
	asm volatile("sti; nop; nop; cli" : : : "memory");
	GUEST_ASSERT_EQ(guest_seen[0], 1);
	ipi.banks[0] = 1 << 1;
	GUEST_ASSERT_EQ(send_ex(HV_GENERIC_SET_SPARSE_4K, 1, 1), HV_STATUS_SUCCESS);
	GUEST_DONE();
}

TEST(ipis_to_sparse_sets)
{
	run_three(first_sends_to_sets, other_waits);
}

/* ---- TLB flushes ---- */

#define WINDOW	0x700000UL	/* a page of the guest's that is mapped by a table of our own */

static uint64_t table[512] __attribute__((aligned(4096)));
static volatile uint64_t pages[2][512] __attribute__((aligned(4096)));
static volatile uint32_t flush_stage;

/* Map WINDOW's 2 MiB by a table: the others must not have used it before. */
static void map_window(void)
{
	volatile uint64_t *pd = (void *)0x4000;		/* of mshv_write_boot_tables() */

	table[(WINDOW >> 12) & 511] = (uintptr_t)pages[0] | 3;
	pd[WINDOW >> 21] = (uintptr_t)table | 3;
	asm volatile("mov %%cr3, %%rax; mov %%rax, %%cr3" : : : "rax", "memory");
}

static GUEST_CODE void other_looks(void)
{
	volatile uint64_t *window = (void *)WINDOW;
	uint32_t stage;

	guest_join();
	wait_for(&flush_stage, 1);
	asm volatile("mov %%cr3, %%rax; mov %%rax, %%cr3" : : : "rax", "memory");
	for (stage = 1; stage < 9; stage++) {
		wait_for(&flush_stage, stage);
		/* Whatever the TLB had, it is the page of this stage now. */
		GUEST_ASSERT_EQ(window[0], stage & 1);
		__atomic_fetch_add(&guest_seen[3], 1, __ATOMIC_SEQ_CST);
		while (flush_stage == stage) {
			uint64_t value = window[0];	/* keep it in the TLB */

			GUEST_ASSERT(value <= 1);
		}
	}
	GUEST_DONE();
}

static struct {
	struct hv_input_flush_virtual_address_space head;
	uint64_t ranges[2];
} flush __attribute__((aligned(64)));

/* The _EX forms: the ranges follow the banks. */
static struct {
	struct hv_input_flush_virtual_address_space_ex head;
	uint64_t banks[1];
	uint64_t ranges[1];
} flush_ex __attribute__((aligned(64)));

static GUEST_CODE uint64_t flush_by_mask(bool list)
{
	flush.head.flags = HV_FLUSH_ALL_VIRTUAL_ADDRESS_SPACES;
	flush.head.processor_mask = 7;
	flush.ranges[0] = WINDOW;
	return hypercall(list ? HVCALL_FLUSH_VIRTUAL_ADDRESS_LIST |
			 1ULL << HV_HYPERCALL_REP_COUNT_SHIFT :
			 HVCALL_FLUSH_VIRTUAL_ADDRESS_SPACE, (uintptr_t)&flush, 0);
}

static GUEST_CODE uint64_t flush_by_set(bool list)
{
	const uint64_t header = 1ULL << HV_HYPERCALL_VARHEAD_SHIFT;

	flush_ex.head.flags = HV_FLUSH_ALL_VIRTUAL_ADDRESS_SPACES;
	flush_ex.head.vp_set_format = HV_GENERIC_SET_SPARSE_4K;
	flush_ex.head.vp_set_valid_bank_mask = 1;
	flush_ex.banks[0] = 7;
	flush_ex.ranges[0] = WINDOW;
	return hypercall(header | (list ? HVCALL_FLUSH_VIRTUAL_ADDRESS_LIST_EX |
				   1ULL << HV_HYPERCALL_REP_COUNT_SHIFT :
				   HVCALL_FLUSH_VIRTUAL_ADDRESS_SPACE_EX),
			 (uintptr_t)&flush_ex, 0);
}

static GUEST_CODE void first_flushes_others(void)
{
	uint64_t result;
	uint32_t stage;

	guest_hypercall_init();
	pages[0][0] = 0;
	pages[1][0] = 1;
	map_window();
	guest_join();
	wait_for(&guest_ready, 3);
	for (stage = 1; stage < 9; stage++) {
		table[(WINDOW >> 12) & 511] = (uintptr_t)pages[stage & 1] | 3;
		result = stage & 4 ? flush_by_set(stage & 2) : flush_by_mask(stage & 2);
		GUEST_ASSERT_EQ(result & HV_HYPERCALL_RESULT_MASK, HV_STATUS_SUCCESS);
		flush_stage = stage;
		wait_for(&guest_seen[3], 2 * stage);
	}
	flush_stage = 9;
	GUEST_DONE();
}

TEST(flush_hypercalls_reach_other_vps)
{
	run_three(first_flushes_others, other_looks);
}

/* ---- INIT and SIPI ---- */

/* Real-mode code at 0x9000, where the SIPI's vector 9 starts it */
static const uint8_t sipi_code[] = {
	0xb8, 0x00, 0x00,		/* mov $0, %ax		*/
	0x8e, 0xd8,			/* mov %ax, %ds		*/
	0xff, 0x06, 0x00, 0x80,		/* incw 0x8000		*/
	0xf4,				/* hlt			*/
};

static GUEST_CODE void first_starts_another(void)
{
	volatile uint16_t *counter = (void *)0x8000;

	guest_enable_x2apic();
	GUEST_ASSERT_EQ(*counter, 0);
	wrmsr(MSR_X2APIC_ICR, 1ULL << 32 | 0xc500);	/* INIT, assert */
	wrmsr(MSR_X2APIC_ICR, 1ULL << 32 | 0x600 | 9);	/* SIPI */
	while (*counter < 1)
		asm volatile("pause");
	wrmsr(MSR_X2APIC_ICR, 1ULL << 32 | 0xc500);
	wrmsr(MSR_X2APIC_ICR, 1ULL << 32 | 0x600 | 9);
	while (*counter < 2)
		asm volatile("pause");
	GUEST_DONE();
}

static void *run_until_cancelled(void *arg)
{
	struct other *o = arg;
	struct hv_message msg;

	/* It waits for its SIPI, and ends in HLT: no message is expected. */
	o->failed = mshv_run_vp(o->vp.fd, &msg) != -EINTR;
	o->ended = true;
	return NULL;
}

static void on_signal(int signal)
{
	(void)signal;
}

TEST(init_and_sipi_start_a_vp)
{
	struct sigaction action = { .sa_handler = on_signal };
	struct other one = { 0 };
	struct test_vm vm;
	__u64 activity = 0;

	sigaction(SIGUSR1, &action, NULL);
	vm_init_long(&vm, PT_LAPIC, first_starts_another);
	memcpy(vm_guest_address(&vm, 0x9000, sizeof(sipi_code)), sipi_code, sizeof(sipi_code));
	*(uint16_t *)vm_guest_address(&vm, 0x8000, 2) = 0;
	ASSERT_OK(mshv_vp_init(&one.vp, vm.partition, 1));
	ASSERT_OK(mshv_vp_get_register(&one.vp, HV_REGISTER_INTERNAL_ACTIVITY_STATE, &activity));
	EXPECT_EQ(HV_ACTIVITY_STARTUP_SUSPEND, activity & HV_ACTIVITY_STARTUP_SUSPEND);
	ASSERT_EQ(0, pthread_create(&one.thread, NULL, run_until_cancelled, &one));
	vm_run_to_done(&vm);
	vm_interrupt(one.thread, &one.ended);
	EXPECT_FALSE(one.failed);
	mshv_vp_destroy(&one.vp);
	vm_destroy(&vm);
}

/* ---- As many as a partition may have ---- */

#define ALL_VPS		64
#define STARTED		0x8000		/* how many have started */
#define ANSWERED	0x8002		/* how many have had the NMI */
#define NMI_VECTOR	2

/* As above; each takes a number, and a stack by it. */
static const uint8_t crowd_code[] = {
	0xb8, 0x00, 0x00,			/* mov $0, %ax			*/
	0x8e, 0xd8,				/* mov %ax, %ds			*/
	0xb8, 0x01, 0x00,			/* mov $1, %ax			*/
	0xf0, 0x0f, 0xc1, 0x06, 0x00, 0x80,	/* lock xadd %ax, STARTED	*/
	0xc1, 0xe0, 0x06,			/* shl $6, %ax			*/
	0x05, 0x40, 0xa0,			/* add $0xa040, %ax		*/
	0x89, 0xc4,				/* mov %ax, %sp			*/
	0xf4,					/* 1: hlt			*/
	0xeb, 0xfd,				/* jmp 1b			*/
};

static const uint8_t crowd_nmi[] = {
	0xf0, 0xff, 0x06, 0x02, 0x80,		/* lock incw ANSWERED		*/
	0xcf,					/* iret				*/
};

static GUEST_CODE void first_starts_all(void)
{
	volatile uint16_t *started = (void *)STARTED, *answered = (void *)ANSWERED;
	uint64_t i;

	guest_enable_x2apic();
	for (i = 1; i < ALL_VPS; i++) {
		wrmsr(MSR_X2APIC_ICR, i << 32 | 0xc500);	/* INIT, assert */
		wrmsr(MSR_X2APIC_ICR, i << 32 | 0x600 | 9);	/* SIPI */
	}
	while (*started < ALL_VPS - 1)
		asm volatile("pause");
	/* Nobody starts twice, and nobody has had an NMI. */
	GUEST_SYNC(1);
	GUEST_ASSERT_EQ(*started, ALL_VPS - 1);
	GUEST_ASSERT_EQ(*answered, 0);
	wrmsr(MSR_X2APIC_ICR, 0xc0400);			/* NMI to all but self */
	while (*answered < ALL_VPS - 1)
		asm volatile("pause");
	GUEST_DONE();
}

TEST_TIMEOUT(sixty_four_vps_start_and_answer, 120)
{
	struct sigaction action = { .sa_handler = on_signal };
	struct other others[ALL_VPS - 1] = { 0 };
	struct test_vm vm;
	uint16_t *vector;
	unsigned int i;

	sigaction(SIGUSR1, &action, NULL);
	vm_init_long(&vm, PT_LAPIC, first_starts_all);
	memcpy(vm_guest_address(&vm, 0x9000, sizeof(crowd_code)), crowd_code, sizeof(crowd_code));
	memcpy(vm_guest_address(&vm, 0x9040, sizeof(crowd_nmi)), crowd_nmi, sizeof(crowd_nmi));
	vector = vm_guest_address(&vm, NMI_VECTOR * 4, 4);
	vector[0] = 0x9040;
	vector[1] = 0;
	memset(vm_guest_address(&vm, STARTED, 4), 0, 4);
	for (i = 0; i < ALL_VPS - 1; i++) {
		ASSERT_OK(mshv_vp_init(&others[i].vp, vm.partition, i + 1));
		ASSERT_EQ(0, pthread_create(&others[i].thread, NULL, run_until_cancelled,
					    &others[i]));
	}
	vm_run_to_sync(&vm, 1);
	vm_run_to_done(&vm);
	for (i = 0; i < ALL_VPS - 1; i++) {
		vm_interrupt(others[i].thread, &others[i].ended);
		EXPECT_FALSE(others[i].failed);
		mshv_vp_destroy(&others[i].vp);
	}
	vm_destroy(&vm);
}

MSHV_TEST_MAIN
