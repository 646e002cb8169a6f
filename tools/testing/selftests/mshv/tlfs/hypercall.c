// SPDX-License-Identifier: GPL-2.0-only
/*
 * TLFS, "Hypercall Interface": establishing the interface, the control word, the
 * parameters, and the status codes.
 */
#include <tlfs/cpuid.h>
#include <tlfs/guest.h>
#include <tlfs/hypercall.h>
#include <tlfs/msr.h>
#include <tlfs/status.h>
#include <tlfs/synic.h>

#include "mshv_test.h"

static uint8_t page[4096] __attribute__((aligned(4096)));
static uint64_t input[512] __attribute__((aligned(4096)));

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

#define STATUS(result)	((result) & HV_HYPERCALL_RESULT_MASK)

/* "If the guest OS ID is zero, the enable bit will read zero" */
GUEST_TEST(page_needs_a_guest_os_id)
{
	GUEST_ASSERT_EQ(rdmsr(HV_X64_MSR_GUEST_OS_ID), 0);
	wrmsr(HV_X64_MSR_HYPERCALL, (uintptr_t)page | HV_MSR_PAGE_ENABLE);
	GUEST_ASSERT_EQ(rdmsr(HV_X64_MSR_HYPERCALL) & HV_MSR_PAGE_ENABLE, 0);
	wrmsr(HV_X64_MSR_GUEST_OS_ID, GUEST_OS_ID);
	GUEST_ASSERT_EQ(rdmsr(HV_X64_MSR_GUEST_OS_ID), GUEST_OS_ID);
	wrmsr(HV_X64_MSR_HYPERCALL, (uintptr_t)page | HV_MSR_PAGE_ENABLE);
	GUEST_ASSERT_EQ(rdmsr(HV_X64_MSR_HYPERCALL), (uintptr_t)page | HV_MSR_PAGE_ENABLE);
	GUEST_DONE();
}

/* "If the guest OS ID is subsequently cleared, the hypercall page becomes disabled" */
GUEST_TEST(page_goes_with_the_guest_os_id)
{
	guest_hypercall_init();
	GUEST_ASSERT(rdmsr(HV_X64_MSR_HYPERCALL) & HV_MSR_PAGE_ENABLE);
	wrmsr(HV_X64_MSR_GUEST_OS_ID, 0);
	GUEST_ASSERT_EQ(rdmsr(HV_X64_MSR_HYPERCALL) & HV_MSR_PAGE_ENABLE, 0);
	GUEST_DONE();
}

/* The page overlays the guest's own, which is there again when it is gone. */
GUEST_TEST(page_is_an_overlay)
{
	volatile uint8_t *p = page;
	unsigned int i, differ = 0;

	for (i = 0; i < sizeof(page); i++)
		p[i] = 0x5a;
	wrmsr(HV_X64_MSR_GUEST_OS_ID, GUEST_OS_ID);
	wrmsr(HV_X64_MSR_HYPERCALL, (uintptr_t)page | HV_MSR_PAGE_ENABLE);
	for (i = 0; i < 16; i++)
		differ += p[i] != 0x5a;
	GUEST_ASSERT(differ > 0);
	wrmsr(HV_X64_MSR_HYPERCALL, 0);
	for (i = 0; i < sizeof(page); i++)
		GUEST_ASSERT_EQ(p[i], 0x5a);
	GUEST_DONE();
}

/* "Once set, bit 1 makes the register immutable" */
GUEST_TEST(page_can_be_locked)
{
	uint64_t value;

	guest_hypercall_init();
	value = rdmsr(HV_X64_MSR_HYPERCALL) | HV_X64_MSR_HYPERCALL_LOCKED;
	wrmsr(HV_X64_MSR_HYPERCALL, value);
	GUEST_ASSERT_EQ(rdmsr(HV_X64_MSR_HYPERCALL), value);
	guest_install_handlers();
	wrmsr_safe(HV_X64_MSR_HYPERCALL, 0);
	GUEST_ASSERT_EQ(rdmsr(HV_X64_MSR_HYPERCALL), value);
	GUEST_DONE();
}

GUEST_TEST(call_codes)
{
	uint64_t code;

	guest_hypercall_init();
	GUEST_ASSERT_EQ(STATUS(hypercall(0, 0, 0)), HV_STATUS_INVALID_HYPERCALL_CODE);
	GUEST_ASSERT_EQ(STATUS(hypercall(1, 0, 0)), HV_STATUS_INVALID_HYPERCALL_CODE);
	for (code = 0x200; code < 0x8000; code += 0x111)
		GUEST_ASSERT_EQ(STATUS(hypercall(code, 0, 0)), HV_STATUS_INVALID_HYPERCALL_CODE);
	GUEST_DONE();
}

/* Reserved bits of the control word, of a call that is otherwise right */
GUEST_TEST(reserved_control_bits)
{
	static const uint64_t bits[] = {
		1ULL << 27, 1ULL << 30, 1ULL << 44, 1ULL << 47, 1ULL << 60, 1ULL << 63,
	};
	const uint64_t good = HVCALL_NOTIFY_LONG_SPIN_WAIT | HV_HYPERCALL_FAST;
	unsigned int i;

	guest_hypercall_init();
	GUEST_ASSERT_EQ(STATUS(hypercall(good, 1, 0)), HV_STATUS_SUCCESS);
	for (i = 0; i < ARRAY_SIZE(bits); i++)
		GUEST_ASSERT_EQ(STATUS(hypercall(good | bits[i], 1, 0)),
				HV_STATUS_INVALID_HYPERCALL_INPUT);
	GUEST_DONE();
}

/* "A simple hypercall with a nonzero rep count or start, a rep hypercall without" */
GUEST_TEST(rep_counts)
{
	const uint64_t simple = HVCALL_NOTIFY_LONG_SPIN_WAIT | HV_HYPERCALL_FAST;
	const uint64_t rep = HVCALL_FLUSH_VIRTUAL_ADDRESS_LIST;
	const uint64_t count = 1ULL << HV_HYPERCALL_REP_COUNT_SHIFT;
	const uint64_t start = 1ULL << HV_HYPERCALL_REP_START_SHIFT;
	struct hv_input_flush_virtual_address_space *flush = (void *)input;
	uint64_t result;

	guest_hypercall_init();
	GUEST_ASSERT_EQ(STATUS(hypercall(simple | count, 1, 0)), HV_STATUS_INVALID_HYPERCALL_INPUT);
	GUEST_ASSERT_EQ(STATUS(hypercall(simple | start, 1, 0)), HV_STATUS_INVALID_HYPERCALL_INPUT);

	flush->flags = HV_FLUSH_ALL_PROCESSORS | HV_FLUSH_ALL_VIRTUAL_ADDRESS_SPACES;
	input[3] = 0x400000;
	input[4] = 0x401000;
	GUEST_ASSERT_EQ(STATUS(hypercall(rep, (uintptr_t)input, 0)),
			HV_STATUS_INVALID_HYPERCALL_INPUT);
	GUEST_ASSERT_EQ(STATUS(hypercall(rep | count | start, (uintptr_t)input, 0)),
			HV_STATUS_INVALID_HYPERCALL_INPUT);
	result = hypercall(rep | 2 * count, (uintptr_t)input, 0);
	GUEST_ASSERT_EQ(STATUS(result), HV_STATUS_SUCCESS);
	GUEST_ASSERT_EQ(result >> HV_HYPERCALL_REP_COMP_SHIFT & 0xfff, 2);
	GUEST_DONE();
}

/* "Input parameters must be 8-byte aligned and must not cross a page" */
GUEST_TEST(parameter_alignment)
{
	const uint64_t call = HVCALL_FLUSH_VIRTUAL_ADDRESS_SPACE;

	guest_hypercall_init();
	input[1] = HV_FLUSH_ALL_PROCESSORS | HV_FLUSH_ALL_VIRTUAL_ADDRESS_SPACES;
	GUEST_ASSERT_EQ(STATUS(hypercall(call, (uintptr_t)input, 0)), HV_STATUS_SUCCESS);
	GUEST_ASSERT_EQ(STATUS(hypercall(call, (uintptr_t)input + 4, 0)),
			HV_STATUS_INVALID_ALIGNMENT);
	GUEST_ASSERT_EQ(STATUS(hypercall(call, (uintptr_t)input + 4096 - 16, 0)),
			HV_STATUS_INVALID_ALIGNMENT);
	GUEST_DONE();
}

/* The calls of a root partition are not for a guest. */
GUEST_TEST(root_calls_are_refused)
{
	static const uint16_t calls[] = {
		HVCALL_CREATE_PARTITION, HVCALL_INITIALIZE_PARTITION, HVCALL_DELETE_PARTITION,
		HVCALL_DEPOSIT_MEMORY, HVCALL_WITHDRAW_MEMORY, HVCALL_MAP_GPA_PAGES,
		HVCALL_UNMAP_GPA_PAGES, HVCALL_CREATE_VP, HVCALL_DELETE_VP,
		HVCALL_ASSERT_VIRTUAL_INTERRUPT, HVCALL_CREATE_PORT, HVCALL_CONNECT_PORT,
		HVCALL_DISPATCH_VP, HVCALL_MAP_VP_STATE_PAGE, HVCALL_MAP_STATS_PAGE,
		HVCALL_ADD_LOGICAL_PROCESSOR, HVCALL_SET_SYSTEM_PROPERTY, HVCALL_ENTER_SLEEP_STATE,
	};
	unsigned int i, rep;

	guest_hypercall_init();
	input[0] = HV_PARTITION_ID_SELF;
	for (i = 0; i < ARRAY_SIZE(calls); i++) {
		for (rep = 0; rep < 2; rep++)
			GUEST_ASSERT(STATUS(hypercall(calls[i] | (uint64_t)rep <<
						      HV_HYPERCALL_REP_COUNT_SHIFT,
						      (uintptr_t)input, (uintptr_t)page)));
	}
	GUEST_DONE();
}

GUEST_TEST(unknown_connections)
{
	struct hv_input_post_message *post = (void *)input;

	guest_hypercall_init();
	GUEST_ASSERT_EQ(STATUS(hypercall(HVCALL_SIGNAL_EVENT | HV_HYPERCALL_FAST, 0x123456, 0)),
			HV_STATUS_INVALID_CONNECTION_ID);
	post->connection_id = 0x123456;
	post->message_type = 1;
	post->payload_size = 8;
	GUEST_ASSERT_EQ(STATUS(hypercall(HVCALL_POST_MESSAGE, (uintptr_t)input, 0)),
			HV_STATUS_INVALID_CONNECTION_ID);
	GUEST_DONE();
}

/* "An attempt to invoke a hypercall from CPL 3, or from real mode, is #UD" */
static const uint8_t real_mode_hypercall[] = {
	0x0f, 0x01, 0xd9,	/* vmmcall */
	0xf4,			/* hlt */
	0xb0, 0x42,		/* at 0x1004, the handler of #UD: mov $0x42, %al */
	0xe6, 0x10,		/* out %al, $0x10 */
};

TEST(real_mode_hypercall_is_undefined)
{
	struct test_vm vm;

	vm_init_real(&vm, PT_LAPIC, real_mode_hypercall, sizeof(real_mode_hypercall));
	*(uint16_t *)(vm.mem + 6 * 4) = 0x1004;
	ASSERT_EQ(HVMSG_X64_IO_PORT_INTERCEPT, vm_run(&vm));
	EXPECT_EQ(0x42, mshv_msg_io(&vm.vp.msg)->rax & 0xff);
	vm_destroy(&vm);
}

MSHV_TEST_MAIN
