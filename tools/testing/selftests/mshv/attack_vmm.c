// SPDX-License-Identifier: GPL-2.0-only
/*
 * A VMM that attacks: whatever it passes to the hypervisor, and however it leaves
 * its VP to run, the hypervisor and the root partition go on.
 */
#include <sys/mman.h>

#include "attack.h"

#define SLICE_MS	20

static const uint16_t codes[] = {
	HVCALL_GET_PARTITION_PROPERTY, HVCALL_GET_PARTITION_PROPERTY_EX,
	HVCALL_SET_PARTITION_PROPERTY, HVCALL_INSTALL_INTERCEPT, HVCALL_GET_VP_REGISTERS,
	HVCALL_SET_VP_REGISTERS, HVCALL_TRANSLATE_VIRTUAL_ADDRESS,
	HVCALL_CLEAR_VIRTUAL_INTERRUPT, HVCALL_REGISTER_INTERCEPT_RESULT,
	HVCALL_ASSERT_VIRTUAL_INTERRUPT, HVCALL_SIGNAL_EVENT_DIRECT,
	HVCALL_POST_MESSAGE_DIRECT, HVCALL_GET_GPA_PAGES_ACCESS_STATES,
	HVCALL_GET_VP_CPUID_VALUES,
};

static const uint8_t spin[] = { 0xf4, 0x0f, 0xa2, 0xe6, 0x80, 0xeb, 0xf9 };

static void run_for_a_while(struct attack *attack, struct test_vm *vm)
{
	struct mshv_vp *vps[1] = { &vm->vp };

	attack_run(attack, vps, 1, SLICE_MS, NULL);
}

static void fill(struct attack *attack, void *buf, size_t size)
{
	uint64_t *words = buf;
	size_t i;

	for (i = 0; i < size / 8; i++)
		words[i] = attack_value(&attack->random);
}

TEST_TIMEOUT(any_input_of_passed_on_hypercalls, 600)
{
	static uint64_t in[512], out[512];
	struct mshv_root_hvcall call;
	uint64_t calls = 0, good = 0, r;
	struct attack attack;
	struct test_vm vm;
	int i;

	attack_begin(&attack, 4);
	do {
		vm_init_real(&vm, PT_LAPIC, spin, sizeof(spin));
		for (i = 0; i < 1000; i++, calls++) {
			const int fds[] = { vm.dev, vm.partition, vm.vp.fd };

			r = attack_random(&attack.random);
			fill(&attack, in, sizeof(in));
			/* A VP that is there, and a register or property that might be */
			if (r & 0x10000)
				in[1] = r >> 60 & 1;
			if (r & 0x20000)
				in[2] = (r >> 48 & 0xf00ff) | (r >> 20 & 1) << 17;
			call = (struct mshv_root_hvcall){
				.code = codes[(r >> 8 & 0xff) % ARRAY_SIZE(codes)],
				.in_sz = r & 0x40000 ? 8 + (r >> 32 & 0xfff) :
					       8 * (2 + (r >> 32 & 7)),
				.out_sz = r & 0x80000 ? r >> 44 & 0xfff : 64,
				.reps = r & 0x100000 ? r >> 52 : r >> 56 & 3,
				.in_ptr = (uintptr_t)in,
				.out_ptr = r & 0x200000 ? (uintptr_t)out : 0,
			};
			good += !ioctl(fds[r % 3], MSHV_ROOT_HVCALL, &call);
		}
		run_for_a_while(&attack, &vm);
		vm_destroy(&vm);
	} while (attack_goes_on(&attack));
	printf("# %llu calls, %llu of them good\n", (unsigned long long)calls,
	       (unsigned long long)good);
	EXPECT_LT(0, good);
	attack_end(&attack);
}

/* Names that registers have, with gaps */
static const uint32_t register_ranges[] = {
	0x00000, 0x10000, 0x20000, 0x30000, 0x40000, 0x50000, 0x60000, 0x70000, 0x80000, 0x90000,
	0xa0000,
};

TEST_TIMEOUT(any_value_of_any_register, 600)
{
	struct hv_register_assoc reg = { 0 };
	uint64_t tried = 0, taken = 0, r;
	struct attack attack;
	struct test_vm vm;
	int i;

	attack_begin(&attack, 3);
	do {
		vm_init_real(&vm, PT_LAPIC, spin, sizeof(spin));
		for (i = 0; i < 300; i++, tried++) {
			r = attack_random(&attack.random);
			reg.name = register_ranges[r % ARRAY_SIZE(register_ranges)] +
				   (r >> 16 & 0xff);
			/* Suspended by itself, it would only not run. */
			if (reg.name <= HV_REGISTER_DISPATCH_SUSPEND)
				reg.name = HV_X64_REGISTER_CR0 + (r >> 24 & 7);
			fill(&attack, &reg.value, sizeof(reg.value));
			taken += !mshv_set_registers(vm.vp.fd, 0, &reg, 1);
			if (i % 30 == 29)
				run_for_a_while(&attack, &vm);
		}
		vm_destroy(&vm);
	} while (attack_goes_on(&attack));
	printf("# %llu values, %llu of them taken\n", (unsigned long long)tried,
	       (unsigned long long)taken);
	EXPECT_LT(0, taken);
	attack_end(&attack);
}

TEST_TIMEOUT(any_vp_state, 600)
{
	static const uint32_t sizes[MSHV_VP_STATE_COUNT] = { 4096, 4096, 4096, 4096, 200 };
	uint64_t *page = mem_alloc(2 * PAGE_SIZE), r;
	struct attack attack;
	struct test_vm vm;
	uint64_t taken = 0;
	int i, j, type;
	long size;

	attack_begin(&attack, 3);
	do {
		vm_init_real(&vm, PT_LAPIC, spin, sizeof(spin));
		for (i = 0; i < 100; i++) {
			r = attack_random(&attack.random);
			type = r % MSHV_VP_STATE_COUNT;
			memset(page, 0, 2 * PAGE_SIZE);
			/* A state that is right but for some words, or nothing but noise */
			size = mshv_get_vp_state(vm.vp.fd, type, page, sizes[type]);
			if (size <= 0 || !(r & 0x70000)) {
				size = r & 0x80000 ? 4096 : sizes[type];
				fill(&attack, page, size);
			}
			for (j = 0; j < (int)(r >> 24 & 3); j++)
				page[attack_random(&attack.random) % ((size + 7) / 8)] =
					attack_value(&attack.random);
			taken += !mshv_set_vp_state(vm.vp.fd, type, page, size);
			if (i % 10 == 9)
				run_for_a_while(&attack, &vm);
		}
		vm_destroy(&vm);
	} while (attack_goes_on(&attack));
	munmap(page, 2 * PAGE_SIZE);
	printf("# %llu states taken\n", (unsigned long long)taken);
	EXPECT_LT(0, taken);
	attack_end(&attack);
}

/* Another thread scribbles over the register page while the VP runs. */
static void *scribble(void *arg)
{
	struct test_vm *vm = arg;
	volatile uint64_t *words = (void *)vm->vp.page;
	uint64_t state = (uintptr_t)arg | 1;
	int i;

	for (i = 0; i < 20000; i++) {
		words[attack_random(&state) % (sizeof(*vm->vp.page) / 8)] = attack_value(&state);
		if (i % 64 == 0)
			usleep(100);
	}
	return NULL;
}

TEST_TIMEOUT(any_register_page, 600)
{
	struct attack attack;
	struct test_vm vm;
	pthread_t thread;

	attack_begin(&attack, 3);
	do {
		vm_init_real(&vm, PT_LAPIC, spin, sizeof(spin));
		if (!vm.vp.page) {
			vm_destroy(&vm);
			SKIP(return, "the hypervisor has no register page");
		}
		run_for_a_while(&attack, &vm);
		fill(&attack, vm.vp.page, sizeof(*vm.vp.page));
		run_for_a_while(&attack, &vm);
		ASSERT_EQ(0, pthread_create(&thread, NULL, scribble, &vm));
		run_for_a_while(&attack, &vm);
		run_for_a_while(&attack, &vm);
		pthread_join(thread, NULL);
		vm_destroy(&vm);
	} while (attack_goes_on(&attack));
	attack_end(&attack);
}

MSHV_TEST_MAIN
