// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guests that attack: whatever they execute, they have neither the hypervisor nor
 * the processor, and leave nothing behind.
 */
#include <tlfs/msr.h>

#include "attack.h"

#define CODE		0x600000ULL	/* of random instructions, up to the end of memory */
#define CODE_SIZE	0x100000ULL
#define SCRATCH		0x700000ULL
#define SLICE_MS	150

/* What the guests know of the test; each VP takes a number of its own. */
static volatile uint64_t guest_seed, guest_number, guest_next;

static GUEST_CODE uint64_t guest_random_begin(void)
{
	return guest_seed + 2 * __atomic_add_fetch(&guest_number, 1, __ATOMIC_SEQ_CST);
}

/* attack_value() without the C library's program around it */
static GUEST_CODE uint64_t guest_value(uint64_t *state)
{
	uint64_t value = attack_random(state);
	unsigned int bits = attack_random(state) & 63;

	switch (attack_random(state) & 3) {
	case 0:
		return value & 0x7fffff;
	case 1:
		return 1ULL << bits;
	case 2:
		return value >> bits;
	default:
		return value;
	}
}

/* A guest and its VPs: all start the same function. */
struct attacker {
	struct test_vm vm;
	struct mshv_vp more[ATTACK_VPS - 1];
	struct mshv_vp *vps[ATTACK_VPS];
	unsigned int count;
};

static void attacker_init(struct attacker *a, struct attack *attack, void (*function)(void),
			  unsigned int count)
{
	unsigned int i;

	a->count = count;
	guest_seed = attack_random(&attack->random) | 1;
	vm_init_long(&a->vm, PT_LAPIC, function);
	a->vps[0] = &a->vm.vp;
	for (i = 1; i < count; i++) {
		a->vps[i] = &a->more[i - 1];
		vm_add_vp(&a->vm, a->vps[i], i, function);
	}
}

static void attacker_destroy(struct attacker *a)
{
	unsigned int i;

	for (i = 1; i < a->count; i++)
		mshv_vp_destroy(a->vps[i]);
	vm_destroy(&a->vm);
}

/* New guests that all run the same function, until there is no time left */
static void attack_by(void (*function)(void), unsigned int units, unsigned int count,
		      void (*prepare)(struct attack *attack, struct test_vm *vm),
		      bool (*restart)(struct attack *attack, struct mshv_vp *vp))
{
	struct attack attack;
	struct attacker a;

	attack_begin(&attack, units);
	do {
		attacker_init(&a, &attack, function, count);
		if (prepare)
			prepare(&attack, &a.vm);
		attack_run(&attack, a.vps, count, SLICE_MS, restart);
		attacker_destroy(&a);
	} while (attack_goes_on(&attack));
	attack_end(&attack);
}

/* ---- Random instructions ---- */

/* What a hypervisor has to do with: put between bytes of no meaning */
static const struct {
	uint8_t size, bytes[4];
} telling[] = {
	{ 3, { 0x0f, 0x01, 0xd9 } },		/* VMMCALL */
	{ 3, { 0x0f, 0x01, 0xc1 } },		/* VMCALL */
	{ 3, { 0x0f, 0x01, 0xd8 } },		/* VMRUN */
	{ 3, { 0x0f, 0x01, 0xda } },		/* VMLOAD */
	{ 3, { 0x0f, 0x01, 0xdb } },		/* VMSAVE */
	{ 3, { 0x0f, 0x01, 0xdc } },		/* STGI */
	{ 3, { 0x0f, 0x01, 0xdd } },		/* CLGI */
	{ 3, { 0x0f, 0x01, 0xdf } },		/* INVLPGA */
	{ 3, { 0x0f, 0x01, 0xd1 } },		/* XSETBV */
	{ 3, { 0x0f, 0x01, 0xf9 } },		/* RDTSCP */
	{ 2, { 0x0f, 0x30 } },			/* WRMSR */
	{ 2, { 0x0f, 0x32 } },			/* RDMSR */
	{ 2, { 0x0f, 0xa2 } },			/* CPUID */
	{ 2, { 0x0f, 0x08 } },			/* INVD */
	{ 2, { 0x0f, 0x09 } },			/* WBINVD */
	{ 2, { 0x0f, 0x33 } },			/* RDPMC */
	{ 2, { 0x0f, 0x22 } },			/* MOV CR */
	{ 2, { 0x0f, 0x20 } },
	{ 2, { 0x0f, 0x21 } },			/* MOV from DR */
	{ 2, { 0x0f, 0x01 } },			/* LGDT, LIDT, LMSW, INVLPG and more */
	{ 2, { 0x0f, 0x00 } },			/* LLDT, LTR and more */
	{ 2, { 0x0f, 0xae } },			/* XRSTOR, XSAVE, FXRSTOR and more */
	{ 2, { 0x0f, 0xc7 } },			/* CMPXCHG16B, XRSTORS, RDRAND and more */
	{ 1, { 0xf4 } }, { 1, { 0xfa } }, { 1, { 0xfb } }, { 1, { 0xcf } }, { 1, { 0xcb } },
	{ 1, { 0x6c } }, { 1, { 0x6d } }, { 1, { 0x6e } }, { 1, { 0x6f } },
	{ 1, { 0xe4 } }, { 1, { 0xe6 } }, { 1, { 0xec } }, { 1, { 0xed } }, { 1, { 0xee } },
	{ 1, { 0xef } }, { 1, { 0xf0 } }, { 1, { 0xf2 } }, { 1, { 0xf3 } }, { 1, { 0x66 } },
	{ 1, { 0x67 } }, { 1, { 0xcc } }, { 1, { 0xcd } }, { 1, { 0xf1 } }, { 1, { 0x9d } },
	{ 1, { 0x8e } }, { 1, { 0xea } }, { 1, { 0xa4 } }, { 1, { 0xa5 } }, { 1, { 0xab } },
	{ 4, { 0xf3, 0x0f, 0x01, 0xd9 } },
};

static void random_code(struct attack *attack, uint8_t *code, uint64_t size)
{
	uint64_t i, value;
	unsigned int n;

	for (i = 0; i + 8 <= size;) {
		value = attack_random(&attack->random);
		n = (value >> 8) % ARRAY_SIZE(telling);
		if (value & 3) {
			memcpy(code + i, telling[n].bytes, telling[n].size);
			i += telling[n].size;
		} else {
			n = 1 + (value >> 8) % 6;
			value = attack_random(&attack->random);
			memcpy(code + i, &value, n);
			i += n;
		}
	}
}

/* Numbers of registers that mean something to the instructions above */
static uint64_t telling_value(struct attack *attack)
{
	static const uint32_t numbers[] = {
		0x1b, 0x10, 0x277, 0x2ff, 0x800, 0x830, 0x832, 0x838, 0x40000000, 0x40000001,
		0x40000020, 0x40000070, 0x40000073, 0x40000080, 0x40000083, 0x400000b0,
		0x400000f0, 0x40000105, 0xc0000080, 0xc0000081, 0xc0000100, 0xc0010114,
		0xc0010117, 0xda0, 2, 3, 0x13, 0x15, 0x5c, 0x5d, 0x10008, 0x1000a,
	};
	uint64_t value = attack_random(&attack->random);

	return value & 1 ? numbers[(value >> 1) % ARRAY_SIZE(numbers)] :
			   attack_value(&attack->random);
}

static void random_registers(struct attack *attack, struct mshv_regs *regs)
{
	int i;

	for (i = 0; i < MSHV_GPR_COUNT; i++)
		regs->gpr[i] = telling_value(attack);
	regs->rflags = 2;
}

static void prepare_long(struct attack *attack, struct test_vm *vm)
{
	random_code(attack, vm_guest_address(vm, CODE, CODE_SIZE), CODE_SIZE);
}

/* A fault goes on somewhere else. */
static GUEST_CODE void go_elsewhere(struct guest_frame *frame)
{
	uint64_t state = rdtsc() | 1;

	frame->rip = CODE + attack_random(&state) % (CODE_SIZE - 64);
	frame->rcx = guest_value(&state);
	frame->rax = guest_value(&state);
	frame->rsp = (frame->rsp & 0x7ffff0) ?: 0x80000;
}

static GUEST_CODE void guest_executes_anything(void)
{
	uint64_t state = guest_random_begin();
	void (*code)(void);

	code = (void *)(CODE + attack_random(&state) % (CODE_SIZE - 64));
	guest_handler = go_elsewhere;
	guest_install_handlers();
	code();
	for (;;)
		go_elsewhere(&(struct guest_frame){ 0 });
}

static bool restart_long(struct attack *attack, struct mshv_vp *vp)
{
	struct mshv_regs regs;
	uint64_t state = __atomic_add_fetch(&attack->random, 2, __ATOMIC_SEQ_CST) | 1;
	struct attack own = { .random = state };

	random_registers(&own, &regs);
	regs.rip = CODE + attack_random(&own.random) % (CODE_SIZE - 64);
	regs.gpr[MSHV_RSP] = 0x70000 + vp->index * 0x10000;
	return !mshv_vp_setup_long_mode(vp, 0x1000, &regs) &&
	       !mshv_vp_set_register(vp, HV_REGISTER_INTERNAL_ACTIVITY_STATE, 0);
}

TEST_TIMEOUT(random_instructions_in_long_mode, 600)
{
	attack_by(guest_executes_anything, 4, 3, prepare_long, restart_long);
}

static bool restart_real(struct attack *attack, struct mshv_vp *vp)
{
	uint64_t state = __atomic_add_fetch(&attack->random, 2, __ATOMIC_SEQ_CST) | 1;
	struct attack own = { .random = state };
	struct mshv_regs regs;

	if (mshv_vp_setup_real_mode(vp, 0x1000 + attack_random(&own.random) % 0xe000, 0xf000))
		return false;
	if (mshv_vp_get_regs(vp, &regs))
		return false;
	state = regs.rip;
	random_registers(&own, &regs);
	regs.rip = state;
	return !mshv_vp_set_regs(vp, &regs);
}

TEST_TIMEOUT(random_instructions_in_real_mode, 600)
{
	static uint8_t code[0xe000];
	struct attack attack;
	struct mshv_vp *vps[1];
	struct test_vm vm;

	attack_begin(&attack, 3);
	do {
		random_code(&attack, code, sizeof(code));
		vm_init_real(&vm, PT_LAPIC, code, sizeof(code));
		vps[0] = &vm.vp;
		attack_run(&attack, vps, 1, SLICE_MS, restart_real);
		vm_destroy(&vm);
	} while (attack_goes_on(&attack));
	attack_end(&attack);
}

/* ---- Registers ---- */

#define MSR_RANGES	4

static const uint32_t msr_ranges[MSR_RANGES][2] = {
	{ 0x40000000, 0x200 }, { 0, 0x2000 }, { 0xc0000000, 0x2000 }, { 0xc0010000, 0x2000 },
};

#define MSRS		(0x200 + 3 * 0x2000)

static GUEST_CODE void guest_tries_msrs(void)
{
	uint64_t state = guest_random_begin(), number, value, range;

	guest_install_handlers();
	for (;;) {
		number = guest_next++;
		if (number >= MSRS)
			GUEST_DONE();
		for (range = 0; number >= msr_ranges[range][1]; range++)
			number -= msr_ranges[range][1];
		number += msr_ranges[range][0];
		/* It sleeps until an interrupt comes. */
		if (number != HV_X64_MSR_GUEST_IDLE)
			rdmsr_safe(number, &value);
		wrmsr_safe(number, guest_value(&state));
	}
}

TEST_TIMEOUT(every_msr_read_and_written, 600)
{
	uint64_t next = 0, reached;
	struct attack attack;
	struct attacker a;
	int tries;

	attack_begin(&attack, 0);
	/* A guest that ends has met an MSR that ends it; the next one begins behind that. */
	for (tries = 0; next < MSRS && tries < 300; tries++) {
		guest_next = next;
		attacker_init(&a, &attack, guest_tries_msrs, 1);
		attack_run(&attack, a.vps, 1, 1000, NULL);
		reached = *vm_guest_variable(&a.vm, guest_next);
		next = reached > next ? reached : next + 1;
		attacker_destroy(&a);
	}
	guest_next = 0;
	printf("# %d guests\n", tries);
	EXPECT_LE(MSRS, next);
	attack_end(&attack);
}

#define MOVE(how, name) \
	asm volatile("lea 1f(%%rip), %%rax; mov %%rax, guest_fixup(%%rip)\n" \
		     how "\n1:" : : "r"(name) : "rax", "memory")

static GUEST_CODE void guest_abuses_registers(void)
{
	uint64_t state = guest_random_begin(), value;

	guest_install_handlers();
	for (;;) {
		value = guest_value(&state);
		switch (attack_random(&state) % 16) {
		case 0:
			MOVE("mov %0, %%cr0", value);
			break;
		case 1:
			MOVE("mov %0, %%cr4", value);
			break;
		case 2:
			/* Only what does not throw the tables away, most of the time */
			MOVE("mov %0, %%cr3", attack_random(&state) & 63 ?
			     0x1000 | (value & 0xfff) : value);
			break;
		case 3:
			MOVE("mov %0, %%cr8", value);
			break;
		case 4:
			MOVE("mov %0, %%dr0", value);
			MOVE("mov %0, %%dr3", value >> 3);
			break;
		case 5:
			MOVE("mov %0, %%dr6", value);
			break;
		case 6:
			MOVE("mov %0, %%dr7", value);
			/* The same, unless CR4.DE is set */
			MOVE("mov %0, %%db5", value);
			break;
		case 7:
			asm volatile("lea 1f(%%rip), %%r8; mov %%r8, guest_fixup(%%rip)\n"
				     "xsetbv\n1:"
				     : : "a"((uint32_t)value), "d"(0),
					 "c"((uint32_t)attack_random(&state) & 1) : "r8", "memory");
			break;
		case 8:
			wrmsr_safe(0xc0000080, value);
			break;
		case 9:
			MOVE("mov %0, %%cr0", 0x80010033 ^ (value & 0x60000000));
			break;
		case 10:
			MOVE("push %0; popfq", value & 0x254dd5);
			break;
		default:
			MOVE("mov %0, %%cr0", 0x80010031 | (value & 0xe));
			MOVE("mov %0, %%cr4", 0x20 | (value & 0x407df));
			break;
		}
	}
}

TEST_TIMEOUT(control_registers_of_any_value, 600)
{
	attack_by(guest_abuses_registers, 2, 3, prepare_long, restart_long);
}

/* ---- Hypercalls ---- */

static GUEST_CODE void guest_calls_anything(void)
{
	uint64_t state = guest_random_begin(), code, control, i;
	volatile uint64_t *input = (void *)SCRATCH;

	guest_install_handlers();
	guest_hypercall_init();
	for (;;) {
		code = __atomic_fetch_add(&guest_next, 1, __ATOMIC_SEQ_CST) % 0x300;
		if (code >= 0x200)
			code += 0x8000 - 0x200;
		for (i = 0; i < 64; i++)
			input[i] = guest_value(&state);
		control = code;
		i = attack_random(&state);
		if (i & 1)
			control |= 1 << 16;				/* fast */
		if (i & 2)
			control |= (i >> 8 & 0x3ff) << 17;		/* variable header size */
		if (i & 4)
			control |= (i >> 20 & 0xfff) << 32;		/* repetitions */
		if (i & 8)
			control |= (i >> 32 & 0xfff) << 48;		/* the first of them */
		if (!(i & 0xf0))
			control |= 1ULL << (i >> 44 & 63);		/* what is reserved */
		hypercall(control, i & 0x100 ? SCRATCH + (i >> 50 & 0xff8) : guest_value(&state),
			  i & 0x200 ? SCRATCH + 0x2000 : guest_value(&state));
	}
}

TEST_TIMEOUT(every_hypercall_with_any_control_word, 600)
{
	attack_by(guest_calls_anything, 3, 3, prepare_long, NULL);
}

/* ---- The local APIC ---- */

static GUEST_CODE void end_interrupt(struct guest_frame *frame)
{
	uint64_t value;

	if (frame->vector >= 32)
		wrmsr(MSR_X2APIC_EOI, 0);
	else if (!rdmsr_safe(MSR_X2APIC_ID, &value))
		frame->rip = (uintptr_t)end_interrupt;
}

static GUEST_CODE void guest_storms(void)
{
	uint64_t state = guest_random_begin(), value;

	guest_handler = end_interrupt;
	guest_install_handlers();
	guest_enable_x2apic();
	wrmsr(MSR_X2APIC_TIMER_DIVIDE, 0xb);
	asm volatile("sti");
	for (;;) {
		value = attack_random(&state);
		switch (value & 15) {
		case 0:
			/* A timer: one-shot, periodic, TSC deadline; tiny periods */
			wrmsr_safe(MSR_X2APIC_LVT_TIMER,
				   (value >> 8 & 0x70000) | (value >> 40 & 0xff));
			wrmsr_safe(MSR_X2APIC_TIMER_COUNT, value >> 48 & 0x1f);
			wrmsr_safe(0x6e0, rdtsc() + (value >> 32 & 0xff));
			break;
		case 1:
			wrmsr_safe(MSR_X2APIC_TPR, value >> 8 & 0xff);
			break;
		case 2:
			wrmsr_safe(0x83f, value >> 8 & 0xff);		/* self IPI */
			break;
		case 3:
			wrmsr_safe(HV_X64_MSR_STIMER0_CONFIG, value >> 8 & 0x1fff);
			wrmsr_safe(HV_X64_MSR_STIMER0_COUNT, value >> 48);
			break;
		case 4:
			/* LVT entries, of whatever kind */
			wrmsr_safe(0x832 + (value >> 8 & 7), value >> 16 & 0x1ffff);
			break;
		case 5:
			/* INIT or SIPI, to whomever */
			wrmsr_safe(MSR_X2APIC_ICR, (value >> 32 & 7) << 32 | 0x4500 |
				   (value >> 8 & 0x100) | 0x70);
			break;
		case 6:
			asm volatile("sti; hlt");
			break;
		default:
			/* Any mode, any shorthand, any destination */
			wrmsr_safe(MSR_X2APIC_ICR, (value & 0x100 ? (value >> 32 & 0xf) :
				   value >> 32) << 32 | (value >> 9 & 0xccfff));
		}
	}
}

TEST_TIMEOUT(storms_of_the_local_apic, 600)
{
	attack_by(guest_storms, 3, 4, prepare_long, restart_long);
}

/* ---- Delivery that does not end ---- */

static uint64_t bad_idt[512] __attribute__((aligned(4096)));

static GUEST_CODE void load_idt(uint64_t base, uint16_t limit)
{
	struct {
		uint16_t limit;
		uint64_t base;
	} __attribute__((packed)) idtr = { limit, base };

	asm volatile("lidt %0" : : "m"(idtr));
}

/* A data breakpoint on the stack: delivery of #DB sets off another one. */
static GUEST_CODE void guest_breaks_on_its_stack(void)
{
	uint64_t rsp;

	guest_install_handlers();
	asm volatile("mov %%rsp, %0" : "=r"(rsp));
	rsp &= ~15ULL;
	asm volatile("mov %0, %%dr0; mov %1, %%dr7" : : "r"(rsp - 24), "r"(0xd0701ULL));
	asm volatile("mov %0, %%rsp; int3" : : "r"(rsp));
	__builtin_unreachable();
}

/* A code breakpoint on the handler of #DB, with the trap flag set */
static GUEST_CODE void guest_breaks_in_its_handler(void)
{
	guest_install_handlers();
	guest_handler = end_interrupt;
	asm volatile("mov %0, %%dr0; mov %1, %%dr7"
		     : : "r"((uint64_t)(uintptr_t)end_interrupt), "r"(0x701ULL));
	for (;;)
		asm volatile("pushfq; orq $0x100, (%%rsp); popfq; .byte 0xf1" : : : "memory");
}

/* An IDT that is not there, one that is empty, and one in memory that no one has */
static GUEST_CODE void guest_has_no_idt(void)
{
	load_idt(0, 0);
	asm volatile("ud2");
	__builtin_unreachable();
}

static GUEST_CODE void guest_has_an_empty_idt(void)
{
	load_idt((uintptr_t)bad_idt, sizeof(bad_idt) - 1);
	asm volatile("int3");
	__builtin_unreachable();
}

static GUEST_CODE void guest_has_its_idt_nowhere(void)
{
	load_idt(0x40000000, 0xfff);
	asm volatile("int3");
	__builtin_unreachable();
}

/* A page fault whose handler is on a page that is not there, on a stack that is not */
static GUEST_CODE void guest_has_its_stack_nowhere(void)
{
	guest_install_handlers();
	asm volatile("mov %0, %%rsp; mov %1, %%rax; mov (%%rax), %%rax"
		     : : "r"(0x40000800ULL), "r"(0xffff800000000000ULL) : "rax");
	__builtin_unreachable();
}

static void (*const loops[])(void) = {
	guest_breaks_on_its_stack, guest_breaks_in_its_handler, guest_has_no_idt,
	guest_has_an_empty_idt, guest_has_its_idt_nowhere, guest_has_its_stack_nowhere,
};

TEST_TIMEOUT(delivery_that_does_not_end, 600)
{
	struct attack attack;
	struct attacker a;
	unsigned int i;

	attack_begin(&attack, 0);
	for (i = 0; i < ARRAY_SIZE(loops); i++) {
		attacker_init(&a, &attack, loops[i], 2);
		attack_run(&attack, a.vps, 2, 2 * SLICE_MS, NULL);
		attacker_destroy(&a);
	}
	attack_end(&attack);
}

/* #AC at privilege level 0 does not come: real mode goes by the stack's limit instead. */
static const uint8_t real_loops[][12] = {
	/* lidt [0x2000]: all zeros; int3 */
	{ 0x0f, 0x01, 0x1e, 0x00, 0x20, 0xcc, 0xeb, 0xfe },
	/* sp = 1; int3 with the vectors that are there: to 0:0, zeros, add [bx+si], al */
	{ 0xbc, 0x01, 0x00, 0xcc, 0xeb, 0xfe },
	/* cli; jmp . */
	{ 0xfa, 0xeb, 0xfe },
	/* rep outsb of a whole segment, for ever */
	{ 0xba, 0x80, 0x00, 0x66, 0xb9, 0xff, 0xff, 0xff, 0x7f, 0xf3, 0x6e },
};

TEST_TIMEOUT(real_mode_that_does_not_end, 600)
{
	struct mshv_vp *vps[1];
	struct attack attack;
	struct test_vm vm;
	unsigned int i;

	attack_begin(&attack, 0);
	for (i = 0; i < ARRAY_SIZE(real_loops); i++) {
		vm_init_real(&vm, PT_LAPIC, real_loops[i], sizeof(real_loops[i]));
		vps[0] = &vm.vp;
		attack_run(&attack, vps, 1, 2 * SLICE_MS, NULL);
		vm_destroy(&vm);
	}
	attack_end(&attack);
}

/* ---- Long string instructions ---- */

static GUEST_CODE void guest_repeats(void)
{
	register uint64_t how asm("r8");
	uint64_t state = guest_random_begin(), address, count, other;

	guest_install_handlers();
	for (;;) {
		address = attack_random(&state) & 1 ? SCRATCH : guest_value(&state);
		other = guest_value(&state);
		count = ~0ULL >> (attack_random(&state) & 63);
		how = attack_random(&state);
		asm volatile("lea 1f(%%rip), %%rax; mov %%rax, guest_fixup(%%rip)\n"
			     "test $1, %%r8b; jz 2f; std\n"
			     "2: test $2, %%r8b; jz 3f; rep outsb; jmp 1f\n"
			     "3: test $4, %%r8b; jz 4f; rep insl; jmp 1f\n"
			     "4: rep movsq\n"
			     "1: cld"
			     : "+S"(address), "+D"(other), "+c"(count)
			     : "d"(0x80), "r"(how) : "rax", "memory", "cc");
	}
}

TEST_TIMEOUT(string_instructions_without_end, 600)
{
	attack_by(guest_repeats, 2, 3, prepare_long, restart_long);
}

MSHV_TEST_MAIN
