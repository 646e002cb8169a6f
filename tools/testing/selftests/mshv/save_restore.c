// SPDX-License-Identifier: GPL-2.0-only
/*
 * A machine of two VPs is saved and goes on in another partition, as in a migration:
 * registers, all states of each VP, and the partition's time. What was on its way to
 * the guest arrives there, once: a message, an event flag, interrupts, an exception,
 * a timer.
 */
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <tlfs/msr.h>
#include <tlfs/synic.h>

#include "mshv_test.h"

#define VPS		2
#define SINT		4
#define FLAG		65
#define MESSAGE(vp)	(0x1000 + (vp))
#define ERROR_CODE(vp)	(0x1230U + 8 * (vp))
/* Interrupts: of the SINT, of the timer, of the VMM, of the other VP, of a device */
#define V_SINT		0x51
#define V_TIMER		0x61
#define V_ASSERTED	0x71
#define V_IPI		0x81
#define V_IRQFD		0x91
#define SECONDS(n)	((n) * 10000000ULL)
/* Where the first partition's clocks begin, far from those of a new one */
#define BEGIN_TIME	SECONDS(36000)
#define BEGIN_TSC	(1ULL << 50)
#define MXCSR		0x9fc0
#define CR4_OSXSAVE	(1ULL << 18)
#define MILLISECONDS(n)	((n) * 10000ULL)

/* What a VP has found after the move */
#define F_MESSAGE	BIT(0)
#define F_FLAG		BIT(1)
#define F_SINT		BIT(2)
#define F_TIMER		BIT(3)
#define F_ASSERTED	BIT(4)
#define F_EXCEPTION	BIT(5)
#define F_EXTENDED	BIT(6)
#define F_TIME		BIT(7)
#define F_TSC		BIT(8)
#define F_HYPERCALL	BIT(9)
#define F_IPI		BIT(10)
#define F_IRQFD		BIT(11)
#define F_MSRS		BIT(12)
#define F_ASSIST	BIT(13)
#define F_TSC_PAGE	BIT(14)
#define F_ALL		(BIT(15) - 1)

/* ---- The guest ---- */

static struct {
	struct hv_message_page simp;
	struct hv_synic_event_flags_page siefp;
} pages[VPS] __attribute__((aligned(4096)));

/* A page of its own: nothing else can be seen there. */
static volatile union {
	struct hv_reference_tsc_page page;
	uint8_t all[4096];
} reference_tsc __attribute__((aligned(4096)));
static uint8_t assist_pages[VPS][4096] __attribute__((aligned(4096)));

static volatile uint32_t counts[VPS][256], errors[VPS];
static const uint8_t patterns[VPS][32] __attribute__((aligned(32))) = {
	"sixteen bytes, and sixteen more", "another one, for the second VP.",
};

static GUEST_CODE void count(struct guest_frame *frame)
{
	uint32_t vp = rdmsr(HV_X64_MSR_VP_INDEX);

	counts[vp][frame->vector]++;
	if (frame->vector < 32)
		errors[vp] = frame->error_code;
	else
		wrmsr(MSR_X2APIC_EOI, 0);
}

static inline void xsetbv(uint64_t value)
{
	asm volatile("xsetbv" : : "c"(0), "a"((uint32_t)value), "d"((uint32_t)(value >> 32)));
}

static inline uint64_t xgetbv(void)
{
	uint32_t low, high;

	asm volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
	return low | (uint64_t)high << 32;
}

/* A pattern in YMM7, or in XMM7 where there is no AVX, and rounding of its own */
static bool extended_set(const uint8_t *pattern)
{
	const uint32_t mxcsr = MXCSR;
	uint64_t cr4;
	uint32_t r[4];
	bool avx;

	guest_cpuid(1, 0, r);
	avx = (r[2] & (BIT(26) | BIT(28))) == (BIT(26) | BIT(28));
	asm volatile("mov %%cr4, %0" : "=r"(cr4));
	cr4 |= 0x600 | (avx ? CR4_OSXSAVE : 0);		/* OSFXSR, OSXMMEXCPT */
	asm volatile("mov %0, %%cr4" : : "r"(cr4));
	if (avx) {
		xsetbv(7);
		asm volatile("vmovdqa (%0), %%ymm7" : : "r"(pattern) : "memory");
	} else {
		asm volatile("movdqa (%0), %%xmm7" : : "r"(pattern) : "memory");
	}
	asm volatile("ldmxcsr %0" : : "m"(mxcsr));
	return avx;
}

static bool extended_is(const uint8_t *pattern, bool avx)
{
	uint8_t seen[32] __attribute__((aligned(32)));
	uint32_t mxcsr, i;

	if (avx) {
		if (xgetbv() != 7)
			return false;
		asm volatile("vmovdqu %%ymm7, (%0)" : : "r"(seen) : "memory");
	} else {
		asm volatile("movdqu %%xmm7, (%0)" : : "r"(seen) : "memory");
	}
	asm volatile("stmxcsr %0" : "=m"(mxcsr));
	for (i = 0; i < (avx ? 32 : 16); i++) {
		if (seen[i] != pattern[i])
			return false;
	}
	return mxcsr == MXCSR;
}

/* MSRs that only hold what is written to them, and what each VP writes */
static const struct {
	uint32_t msr;
	uint64_t value;			/* of VP 0; VP 1 has more of it */
	uint64_t more;
} kept[] = {
	{ 0x2ff, 0xc06, 0 },				/* MTRR_DEF_TYPE */
	{ 0x200, 0x80000000, 0x10000000 },		/* MTRR_PHYS_BASE0 */
	{ 0x201, 0xff80000800, 0x40000000 },
	{ 0x20e, 0x90000000, 0x10000000 },		/* MTRR_PHYS_BASE7 */
	{ 0x20f, 0xffc0000800, 0x20000000 },
	{ 0x250, 0x0606060606060600, 1 },		/* FIX64K */
	{ 0x259, 0x0606060606060601, 3 },		/* FIX16K */
	{ 0x26f, 0x0606060606060604, 1 },		/* FIX4K, the last */
	{ 0x1d9, 1, 0 },				/* DEBUG_CTL */
};

static bool has_rdtscp(void)
{
	uint32_t r[4];

	guest_cpuid(0x80000001, 0, r);
	return r[3] & BIT(27);
}

static bool has_tsc_adjust(void)
{
	uint32_t r[4];

	guest_cpuid(7, 0, r);
	return r[1] & BIT(1);
}

static void msrs_set(uint32_t vp)
{
	uint32_t i;

	for (i = 0; i < ARRAY_SIZE(kept); i++)
		wrmsr(kept[i].msr, kept[i].value + vp * kept[i].more);
	if (has_rdtscp())
		wrmsr(0xc0000103, 0x1000 + vp);
	/* VP 0's TSC is the one that the partition's page is about. */
	if (vp && has_tsc_adjust())
		wrmsr(0x3b, 0x1000);
}

static bool msrs_are(uint32_t vp)
{
	uint32_t i;

	for (i = 0; i < ARRAY_SIZE(kept); i++) {
		if (rdmsr(kept[i].msr) != kept[i].value + vp * kept[i].more)
			return false;
	}
	if (has_rdtscp() && rdmsr(0xc0000103) != 0x1000 + vp)
		return false;
	return !vp || !has_tsc_adjust() || rdmsr(0x3b) == 0x1000;
}

/* The time that the page gives is that of the MSR. */
static bool tsc_page_is_right(void)
{
	const uint64_t msr = (uintptr_t)&reference_tsc | HV_MSR_PAGE_ENABLE;
	uint64_t before = rdmsr(HV_X64_MSR_TIME_REF_COUNT), time, after;

	time = multiply_high(rdtsc(), reference_tsc.page.scale) + reference_tsc.page.offset;
	after = rdmsr(HV_X64_MSR_TIME_REF_COUNT);
	return rdmsr(HV_X64_MSR_REFERENCE_TSC) == msr &&
	       reference_tsc.page.sequence && time + MILLISECONDS(1) >= before &&
	       time <= after + MILLISECONDS(1);
}

static bool all_came(uint32_t vp)
{
	return counts[vp][V_SINT] && counts[vp][V_TIMER] && counts[vp][V_ASSERTED] &&
	       counts[vp][V_IRQFD] && (!vp || counts[vp][V_IPI]);
}

static GUEST_CODE void guest_moves(void)
{
	uint32_t vp = rdmsr(HV_X64_MSR_VP_INDEX);
	volatile struct hv_message *slot = &pages[vp].simp.sint_message[SINT];
	volatile uint8_t *flags = (volatile uint8_t *)&pages[vp].siefp.flags[SINT];
	uint64_t tsc = rdtsc(), time, begin, found = 0;
	bool avx;

	guest_handler = count;
	guest_install_handlers();
	guest_enable_x2apic();
	if (!vp) {
		guest_hypercall_init();
		wrmsr(HV_X64_MSR_REFERENCE_TSC, (uintptr_t)&reference_tsc | HV_MSR_PAGE_ENABLE);
	}
	wrmsr(HV_X64_MSR_VP_ASSIST_PAGE, (uintptr_t)assist_pages[vp] | HV_MSR_PAGE_ENABLE);
	msrs_set(vp);
	wrmsr(HV_X64_MSR_SIMP, (uintptr_t)&pages[vp].simp | HV_MSR_PAGE_ENABLE);
	wrmsr(HV_X64_MSR_SIEFP, (uintptr_t)&pages[vp].siefp | HV_MSR_PAGE_ENABLE);
	wrmsr(HV_X64_MSR_SINT0 + SINT, V_SINT);
	wrmsr(HV_X64_MSR_SCONTROL, 1);
	avx = extended_set(patterns[vp]);
	GUEST_SYNC(1);

	/* Time stands still. Timer 1: direct, once, 200 ms after it goes on */
	time = rdmsr(HV_X64_MSR_TIME_REF_COUNT);
	wrmsr(HV_X64_MSR_STIMER0_COUNT + 2, time + SECONDS(1) / 5);
	wrmsr(HV_X64_MSR_STIMER0_CONFIG + 2, 1 | 1 << 12 | V_TIMER << 4);
	GUEST_SYNC(2);

	/* In another partition. What has not come by then does not come at all. */
	begin = rdmsr(HV_X64_MSR_TIME_REF_COUNT);
	asm volatile("sti" : : : "memory");
	while (!all_came(vp) && rdmsr(HV_X64_MSR_TIME_REF_COUNT) - begin < SECONDS(3) / 5)
		asm volatile("pause" : : : "memory");
	asm volatile("cli" : : : "memory");
	if (slot->header.message_type == MESSAGE(vp))
		found |= F_MESSAGE;
	if (flags[FLAG / 8] & 1 << FLAG % 8)
		found |= F_FLAG;
	if (counts[vp][V_SINT] == 1)
		found |= F_SINT;
	if (counts[vp][V_TIMER] == 1)
		found |= F_TIMER;
	if (counts[vp][V_ASSERTED] == 1)
		found |= F_ASSERTED;
	if (counts[vp][V_IRQFD] == 1)
		found |= F_IRQFD;
	if (counts[vp][13] == 1 && errors[vp] == ERROR_CODE(vp))
		found |= F_EXCEPTION;
	if (extended_is(patterns[vp], avx))
		found |= F_EXTENDED;
	if (time >= BEGIN_TIME && rdmsr(HV_X64_MSR_TIME_REF_COUNT) - time < SECONDS(60))
		found |= F_TIME;
	if (tsc >= BEGIN_TSC && rdtsc() - tsc < 1ULL << 40)
		found |= F_TSC;
	if (!hypercall(HVCALL_NOTIFY_LONG_SPIN_WAIT | HV_HYPERCALL_FAST, 1, 0))
		found |= F_HYPERCALL;
	if (msrs_are(vp))
		found |= F_MSRS;
	if (rdmsr(HV_X64_MSR_VP_ASSIST_PAGE) == ((uintptr_t)assist_pages[vp] | HV_MSR_PAGE_ENABLE))
		found |= F_ASSIST;
	if (vp || tsc_page_is_right())
		found |= F_TSC_PAGE;
	if (!vp)
		wrmsr(MSR_X2APIC_ICR, 1ULL << 32 | V_IPI);
	if (!vp || counts[vp][V_IPI] == 1)
		found |= F_IPI;
	GUEST_SYNC_ARG(3, found);
	GUEST_DONE();
}

/* ---- The VMM ---- */

/* In the order in which they are set; count of registers that follow each other */
static const struct {
	uint32_t name;
	uint16_t count;
	bool first_only;		/* the partition's: VP 0 has them for all */
} groups[] = {
	{ HV_X64_REGISTER_EFER, 1, false }, { HV_X64_REGISTER_XFEM, 1, false },
	{ HV_X64_REGISTER_CR0, 5, false },		/* CR0, CR2, CR3, CR4, CR8 */
	{ HV_X64_REGISTER_ES, 8, false },		/* to TR */
	{ HV_X64_REGISTER_IDTR, 2, false },
	{ HV_X64_REGISTER_DR0, 6, false },
	{ HV_X64_REGISTER_RAX, 18, false },		/* to RFLAGS */
	{ HV_X64_REGISTER_KERNEL_GS_BASE, 1, false },
	{ HV_X64_REGISTER_PAT, 8, false },		/* to SFMASK */
	{ HV_X64_REGISTER_TSC_AUX, 1, false }, { HV_X64_REGISTER_DEBUG_CTL, 1, false },
	{ HV_X64_REGISTER_MSR_MTRR_DEF_TYPE, 1, false },
	{ HV_X64_REGISTER_MSR_MTRR_PHYS_BASE0, 8, false },
	{ HV_X64_REGISTER_MSR_MTRR_PHYS_MASK0, 8, false },
	{ HV_X64_REGISTER_MSR_MTRR_FIX64K00000, 11, false },
	{ HV_X64_REGISTER_TSC_ADJUST, 1, false },	/* moves the TSC */
	{ HV_X64_REGISTER_TSC, 1, false },
	{ HV_X64_REGISTER_APIC_BASE, 1, false },
	{ HV_REGISTER_GUEST_OS_ID, 1, true },
	{ HV_X64_REGISTER_HYPERCALL, 1, true }, { HV_REGISTER_REFERENCE_TSC, 1, true },
	{ HV_REGISTER_VP_ASSIST_PAGE, 1, false },
	{ HV_REGISTER_SINT0, 17, false },		/* and SCONTROL */
	{ HV_REGISTER_SIEFP, 2, false },		/* and SIMP */
	/* INTERRUPT_STATE, PENDING_EVENT0 and 1 */
	{ HV_REGISTER_PENDING_INTERRUPTION, 4, false },
	{ HV_REGISTER_INTERNAL_ACTIVITY_STATE, 1, false },
};

static const char * const state_names[MSHV_VP_STATE_COUNT] = {
	[MSHV_VP_STATE_LAPIC] = "local APIC", [MSHV_VP_STATE_XSAVE] = "XSAVE",
	[MSHV_VP_STATE_SIMP] = "SIMP", [MSHV_VP_STATE_SIEFP] = "SIEFP",
	[MSHV_VP_STATE_SYNTHETIC_TIMERS] = "timers",
};

struct saved {
	struct hv_register_assoc registers[HV_SET_REGISTERS_MAX_REPS];
	unsigned int count;
	void *states[MSHV_VP_STATE_COUNT];
};

static void must(int ret)
{
	TEST_ASSERT(ret >= 0, "%s", mshv_strerror());
}

static void save(const struct mshv_vp *vp, struct saved *s)
{
	union hv_register_value values[HV_SET_REGISTERS_MAX_REPS];
	__u32 names[HV_SET_REGISTERS_MAX_REPS];
	unsigned int i, j, n = 0;

	memset(s, 0, sizeof(*s));
	for (i = 0; i < ARRAY_SIZE(groups); i++) {
		for (j = 0; j < groups[i].count && !(groups[i].first_only && vp->index); j++)
			names[n++] = groups[i].name + j;
	}
	must(mshv_get_registers(vp->fd, vp->index, names, values, n));
	for (i = 0; i < n; i++) {
		s->registers[i].name = names[i];
		s->registers[i].value = values[i];
	}
	s->count = n;
	for (i = 0; i < MSHV_VP_STATE_COUNT; i++) {
		s->states[i] = mem_alloc(PAGE_SIZE);
		must(mshv_get_vp_state(vp->fd, i, s->states[i], PAGE_SIZE));
	}
}

/* All but one of the states; -1: all */
static void restore(const struct mshv_vp *vp, const struct saved *s, int but)
{
	int i;

	must(mshv_set_registers(vp->fd, vp->index, s->registers, s->count));
	for (i = 0; i < MSHV_VP_STATE_COUNT; i++) {
		if (i != but)
			must(mshv_set_vp_state(vp->fd, i, s->states[i], PAGE_SIZE));
		munmap(s->states[i], PAGE_SIZE);
	}
}

static int freeze(struct test_vm *vm, bool frozen)
{
	return mshv_set_property(vm->partition, HV_PARTITION_PROPERTY_TIME_FREEZE, frozen);
}

/* Run one of the two VPs until it says something. */
static uint64_t run(struct test_vm *vm, const struct mshv_vp *vp, uint64_t stage)
{
	struct test_vm view = *vm;

	view.vp = *vp;
	return vm_run_to_sync(&view, stage);
}

/* A device has an interrupt for a VP that does not run: where it waits is the driver's affair. */
static void signal_irqfd(struct test_vm *vm, const struct mshv_vp *vp)
{
	const struct mshv_user_irq_entry entry = {
		.gsi = vp->index, .address_lo = 0xfee00000 | vp->index << 12, .data = V_IRQFD,
	};
	int fd = eventfd(0, EFD_CLOEXEC);
	uint64_t one = 1;

	TEST_ASSERT(fd >= 0, "%s", strerror(errno));
	must(mshv_set_msi_routing(vm->partition, &entry, 1));
	must(mshv_assign_irqfd(vm->partition, fd, entry.gsi, -1));
	TEST_ASSERT(write(fd, &one, sizeof(one)) == sizeof(one), "%s", strerror(errno));
	must(mshv_deassign_irqfd(vm->partition, fd, entry.gsi));
	close(fd);
}

/* What is on its way to a VP that does not run */
static void send(struct test_vm *vm, const struct mshv_vp *vp)
{
	const struct hv_message msg = {
		.header = { .message_type = MESSAGE(vp->index), .payload_size = 16 },
	};
	const __u64 interruption = HV_INTERRUPTION_PENDING | HV_INTERRUPTION_DELIVER_ERROR_CODE |
		HV_INTERRUPTION_TYPE_EXCEPTION << HV_INTERRUPTION_TYPE_SHIFT |
		13ULL << HV_INTERRUPTION_VECTOR_SHIFT |
		(__u64)ERROR_CODE(vp->index) << HV_INTERRUPTION_ERROR_CODE_SHIFT;
	const __u64 event = HV_PENDING_EVENT_PENDING | HV_PENDING_EVENT_DELIVER_ERROR_CODE |
		13ULL << HV_PENDING_EVENT_VECTOR_SHIFT |
		(__u64)ERROR_CODE(vp->index) << HV_PENDING_EVENT_ERROR_CODE_SHIFT;
	/* The same exception, by each of the registers for that */
	const struct hv_register_assoc pending[VPS] = {
		{ .name = HV_REGISTER_PENDING_INTERRUPTION, .value.reg64 = interruption },
		{ .name = HV_REGISTER_PENDING_EVENT0, .value.reg64 = event },
	};

	must(mshv_post_message_direct(vm->partition, vp->index, SINT, &msg));
	must(mshv_signal_event_direct(vm->partition, vp->index, SINT, FLAG));
	must(mshv_assert_interrupt(vm->partition, HV_X64_INTERRUPT_TYPE_FIXED, vp->index,
				   V_ASSERTED));
	signal_irqfd(vm, vp);
	must(mshv_set_registers(vp->fd, vp->index, &pending[vp->index], 1));
}

/* Move a machine without one of its VPs' states, or with all (-1); what its VPs find. */
static void move(int without, uint64_t *found)
{
	struct test_vm from, to;
	struct mshv_vp vp[VPS];
	struct saved saved[VPS];
	__u64 time;
	int i;

	vm_init_long(&from, PT_LAPIC, guest_moves);
	must(freeze(&from, true));
	must(mshv_set_property(from.partition, HV_PARTITION_PROPERTY_REFERENCE_TIME, BEGIN_TIME));
	vp[0] = from.vp;
	vm_add_vp(&from, &vp[1], 1, guest_moves);
	for (i = 0; i < VPS; i++)
		must(mshv_vp_set_register(&vp[i], HV_X64_REGISTER_TSC, BEGIN_TSC));
	must(freeze(&from, false));
	for (i = 0; i < VPS; i++)
		run(&from, &vp[i], 1);

	must(freeze(&from, true));
	for (i = 0; i < VPS; i++) {
		run(&from, &vp[i], 2);
		send(&from, &vp[i]);
	}
	must(mshv_get_property(from.partition, HV_PARTITION_PROPERTY_REFERENCE_TIME, &time));
	for (i = 0; i < VPS; i++)
		save(&vp[i], &saved[i]);

	vm_init(&to, PT_LAPIC, from.mem_size);
	memcpy(to.mem, from.mem, from.mem_size);
	mshv_vp_destroy(&vp[1]);
	vm_destroy(&from);

	vp[0] = to.vp;
	must(mshv_vp_init(&vp[1], to.partition, 1));
	must(freeze(&to, true));
	must(mshv_set_property(to.partition, HV_PARTITION_PROPERTY_REFERENCE_TIME, time));
	for (i = 0; i < VPS; i++)
		restore(&vp[i], &saved[i], without);
	must(freeze(&to, false));
	for (i = 0; i < VPS; i++)
		found[i] = run(&to, &vp[i], 3);
	mshv_vp_destroy(&vp[1]);
	vm_destroy(&to);
}

TEST(machine_goes_on_in_another_partition)
{
	uint64_t found[VPS];
	int i;

	move(-1, found);
	for (i = 0; i < VPS; i++) {
		EXPECT_EQ(F_ALL, found[i]) TH_LOG("VP %d misses 0x%llx", i,
						  (unsigned long long)(F_ALL & ~found[i]));
	}
}

/* Each state is needed: nothing but itself brings what is in it. */
TEST(what_is_left_behind_is_missed)
{
	static const uint64_t missed[MSHV_VP_STATE_COUNT] = {
		[MSHV_VP_STATE_LAPIC] = F_SINT | F_TIMER | F_ASSERTED | F_IRQFD,
		[MSHV_VP_STATE_XSAVE] = F_EXTENDED,
		[MSHV_VP_STATE_SIMP] = F_MESSAGE,
		[MSHV_VP_STATE_SIEFP] = F_FLAG,
		[MSHV_VP_STATE_SYNTHETIC_TIMERS] = F_TIMER,
	};
	uint64_t found[VPS], expected;
	int i, state;

	for (state = 0; state < MSHV_VP_STATE_COUNT; state++) {
		move(state, found);
		for (i = 0; i < VPS; i++) {
			expected = F_ALL & ~missed[state];
			/* An APIC that is off takes no IPI. */
			if (state == MSHV_VP_STATE_LAPIC && i)
				expected &= ~F_IPI;
			EXPECT_EQ(expected, found[i]) {
				TH_LOG("VP %d, without %s", i, state_names[state]);
			}
		}
	}
}

MSHV_TEST_MAIN
