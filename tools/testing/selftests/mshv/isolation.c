// SPDX-License-Identifier: GPL-2.0-only
/*
 * A guest that reaches for what it was not given: all of it is a message to its
 * VMM, none of it is memory, and nothing of the host or of another guest is seen.
 */
#include <inttypes.h>

#include <tlfs/msr.h>

#include "mshv_test.h"

/* Addresses that are something on the host: its low memory, its APICs, its RAM, its devices */
static const uint64_t foreign[] = {
	0x800000, 0x900000, 0x1000000, 0x2000000, 0x7ff0000, 0x8000000, 0x10000000, 0x3ffff000,
	0x40000000, 0x7fff0000, 0x80000000, 0xb0000000, 0xc0000000, 0xfd000000, 0xfec00000,
	0xfed00000, 0xfee01000, 0xfff00000, 0xfffff000,
};

static volatile uint64_t guest_address;

static GUEST_CODE void guest_reaches(void)
{
	for (;;) {
		GUEST_SYNC(1);
		GUEST_SYNC_ARG(2, *(volatile uint64_t *)guest_address);
	}
}

static GUEST_CODE void guest_writes(void)
{
	for (;;) {
		GUEST_SYNC(1);
		*(volatile uint64_t *)guest_address = 0xbadbadbadbad;
		GUEST_SYNC(2);
	}
}

static void reach(struct __test_metadata *_metadata, void (*function)(void), uint8_t access)
{
	const struct hv_x64_memory_intercept_message *mem;
	struct mshv_regs regs;
	struct test_vm vm;
	size_t i;

	vm_init_long(&vm, PT_LAPIC, function);
	mem = mshv_msg_memory(&vm.vp.msg);
	for (i = 0; i < ARRAY_SIZE(foreign); i++) {
		vm_run_to_sync(&vm, 1);
		*vm_guest_variable(&vm, guest_address) = foreign[i];
		ASSERT_EQ(HVMSG_UNMAPPED_GPA, vm_run(&vm)) TH_LOG("0x%" PRIx64, foreign[i]);
		EXPECT_EQ(foreign[i], mem->guest_physical_address & ~0xfffULL);
		EXPECT_EQ(access, mem->header.intercept_access_type);
		/* Let it go on as if nothing had happened. */
		ASSERT_OK(mshv_vp_get_regs(&vm.vp, &regs));
		ASSERT_OK(mshv_vp_set_register(&vm.vp, HV_X64_REGISTER_RIP, regs.rip));
		vm_destroy(&vm);
		vm_init_long(&vm, PT_LAPIC, function);
	}
	vm_destroy(&vm);
}

TEST_TIMEOUT(reads_of_foreign_memory_are_messages, 120)
{
	reach(_metadata, guest_reaches, HV_INTERCEPT_ACCESS_READ);
}

TEST_TIMEOUT(writes_to_foreign_memory_are_messages, 120)
{
	reach(_metadata, guest_writes, HV_INTERCEPT_ACCESS_WRITE);
}

/* The guest's own page tables may point wherever they like: the GPA decides. */
static GUEST_CODE void guest_maps_high_addresses(void)
{
	volatile uint64_t *pdpt = (void *)0x700000, *pml4 = (void *)0x2000;

	/* 1 GiB pages from 512 GiB virtual on, of physical 1 TiB, 64 TiB and 2^51 */
	pdpt[0] = 1ULL << 40 | 0x83;
	pdpt[1] = 1ULL << 46 | 0x83;
	pml4[1] = 0x700000 | 3;
	GUEST_SYNC(1);
	*(volatile uint64_t *)(1ULL << 39) = 1;
	GUEST_SYNC(2);
	GUEST_DONE();
}

TEST(memory_beyond_all_memory)
{
	struct test_vm vm;
	uint32_t type;

	vm_init_long(&vm, PT_LAPIC, guest_maps_high_addresses);
	vm_run_to_sync(&vm, 1);
	type = vm_run(&vm);
	/* With fewer physical address bits than that it is the guest's own page fault. */
	EXPECT_TRUE(type == HVMSG_UNMAPPED_GPA || type == HVMSG_UNRECOVERABLE_EXCEPTION) {
		TH_LOG("message 0x%x", type);
	}
	vm_destroy(&vm);
}

/* Memory that one guest had is nothing to another until its VMM gives it again. */
static GUEST_CODE void guest_looks_for_a_secret(void)
{
	volatile uint64_t *p;

	/* All that this guest has: below its tables, behind the program */
	for (p = (void *)0x600000; p < (uint64_t *)0x800000; p++)
		GUEST_ASSERT(*p != 0x5ec4e75ec4e75ec4);
	GUEST_DONE();
}

TEST(new_memory_is_empty)
{
	struct test_vm vm;
	uint64_t i;
	int round;

	for (round = 0; round < 3; round++) {
		vm_init_long(&vm, PT_LAPIC, guest_looks_for_a_secret);
		vm_run_to_done(&vm);
		for (i = 0x600000; i < 0x800000; i += 8)
			*(uint64_t *)(vm.mem + i) = 0x5ec4e75ec4e75ec4;
		vm_destroy(&vm);
	}
}

/* A new VP knows nothing of the one that was there before. */
TEST(new_vp_has_clean_registers)
{
	struct hv_register_assoc dirty[16];
	union hv_register_value value;
	struct test_vm vm;
	__u32 name;
	int i;

	vm_init(&vm, PT_LAPIC, PAGE_SIZE);
	for (i = 0; i < 16; i++)
		dirty[i] = (struct hv_register_assoc){
			.name = HV_X64_REGISTER_XMM0 + i, .value.reg128 = { 0x5ec4e7, 0x5ec4e7 },
		};
	ASSERT_OK(mshv_set_registers(vm.vp.fd, 0, dirty, 16));
	for (i = 0; i < 16; i++)
		dirty[i].name = HV_X64_REGISTER_RAX + i;
	ASSERT_OK(mshv_set_registers(vm.vp.fd, 0, dirty, 16));
	vm_destroy(&vm);

	vm_init(&vm, PT_LAPIC, PAGE_SIZE);
	for (name = HV_X64_REGISTER_XMM0; name <= HV_X64_REGISTER_XMM15; name++) {
		ASSERT_OK(mshv_get_registers(vm.vp.fd, 0, &name, &value, 1));
		EXPECT_EQ(0, value.reg128.low | value.reg128.high) TH_LOG("0x%x", name);
	}
	for (name = HV_X64_REGISTER_RBX; name <= HV_X64_REGISTER_R15; name++) {
		ASSERT_OK(mshv_get_registers(vm.vp.fd, 0, &name, &value, 1));
		EXPECT_EQ(0, value.reg64) TH_LOG("0x%x", name);
	}
	vm_destroy(&vm);
}

/* ---- A guest that tries everything, and must not get anywhere ---- */

static volatile uint64_t guest_faults;

static void skip_two_bytes(struct guest_frame *frame)
{
	guest_faults++;
	frame->rip += 2;
}

static GUEST_CODE void guest_tries_all_msrs(void)
{
	static const uint32_t bases[] = {
		0, 0x800, 0x40000000, 0xc0000000, 0xc0010000, 0xc0011000,
	};
	unsigned int i, msr;

	guest_handler = skip_two_bytes;
	guest_install_handlers();
	for (i = 0; i < ARRAY_SIZE(bases); i++) {
		for (msr = bases[i]; msr < bases[i] + 0x200; msr++) {
			uint32_t low = 0, high = 0;

			if (msr == HV_X64_MSR_GUEST_IDLE)
				continue;	/* it sleeps until an interrupt comes */
			asm volatile("rdmsr" : "+a"(low), "+d"(high) : "c"(msr) : "memory");
		}
	}
	GUEST_DONE();
}

TEST(every_msr_can_be_tried)
{
	struct test_vm vm;

	vm_init_long(&vm, PT_LAPIC, guest_tries_all_msrs);
	vm_run_to_done(&vm);
	EXPECT_LT(0, *vm_guest_variable(&vm, guest_faults));
	vm_destroy(&vm);
}

static void skip_three_bytes(struct guest_frame *frame)
{
	guest_faults++;
	frame->rip += 3;
}

static GUEST_CODE void guest_tries_all_hypercalls(void)
{
	uint64_t code, result;

	guest_handler = skip_three_bytes;
	guest_install_handlers();
	for (code = 0; code < 0x400; code++) {
		result = 0;
		asm volatile("xor %%r8, %%r8; vmmcall"
			     : "+a"(result) : "c"(code), "d"(0ULL)
			     : "r8", "r9", "r10", "r11", "memory");
		/* Root's calls, and whatever does not exist, are not for a guest. */
		if (code >= 0x40 && code < 0x5c && !guest_faults)
			GUEST_ASSERT((result & 0xffff) != 0);
	}
	GUEST_DONE();
}

TEST(every_hypercall_can_be_tried)
{
	struct test_vm vm;

	vm_init_long(&vm, PT_LAPIC, guest_tries_all_hypercalls);
	vm_run_to_done(&vm);
	vm_destroy(&vm);
}

static GUEST_CODE void guest_sets_a_breakpoint(void)
{
	asm volatile("mov %0, %%dr0; mov %1, %%dr7" : : "r"(guest_address), "r"(1ULL));
	for (;;)
		GUEST_SYNC(1);
}

static volatile unsigned int called;

static __attribute__((noinline)) void only_the_host_calls_it(void)
{
	called++;
}

TEST(breakpoint_of_a_guest_is_the_guests)
{
	struct test_vm vm;
	int i;

	/* A breakpoint that were the processor's would end this program by SIGTRAP. */
	vm_init_long(&vm, PT_LAPIC, guest_sets_a_breakpoint);
	*vm_guest_variable(&vm, guest_address) = (uint64_t)only_the_host_calls_it;
	for (i = 0; i < 50; i++) {
		vm_run_to_sync(&vm, 1);
		only_the_host_calls_it();
	}
	EXPECT_EQ(50, called);
	vm_destroy(&vm);
}

MSHV_TEST_MAIN
