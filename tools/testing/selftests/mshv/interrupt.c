// SPDX-License-Identifier: GPL-2.0-only
/*
 * Interrupts for a guest: asserted by hypercall, by irqfd, and by its own local
 * APIC; and what wakes it from HLT.
 */
#include <fcntl.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/mman.h>

#include "mshv_test.h"

#define VECTOR	GUEST_VECTOR

/* Assert an edge to APIC 0 */
static int assert_fixed(struct test_vm *vm, unsigned int vector)
{
	return mshv_assert_interrupt(vm->partition, HV_X64_INTERRUPT_TYPE_FIXED, 0, vector);
}

FIXTURE(guest) {
	struct test_vm vm;
};

FIXTURE_SETUP(guest)
{
	vm_init_long(&self->vm, PT_LAPIC, guest_waits);
	vm_run_to_sync(&self->vm, 1);
}

FIXTURE_TEARDOWN(guest)
{
	vm_destroy(&self->vm);
}

/* Assert a fixed interrupt from another thread, after a while */
struct asserter {
	int partition;
	pthread_t thread;
};

static void *assert_later(void *arg)
{
	struct asserter *a = arg;

	usleep(50000);
	mshv_assert_interrupt(a->partition, HV_X64_INTERRUPT_TYPE_FIXED, 0, VECTOR);
	return NULL;
}

TEST_F(guest, takes_what_was_asserted_before_it_ran)
{
	ASSERT_OK(assert_fixed(&self->vm, VECTOR));
	EXPECT_EQ(1, vm_run_to_sync(&self->vm, 2));
	ASSERT_OK(mshv_assert_interrupt(self->vm.vp.fd, HV_X64_INTERRUPT_TYPE_LOWESTPRIORITY, 0,
					VECTOR));
	EXPECT_EQ(2, vm_run_to_sync(&self->vm, 2));
}

TEST_F(guest, is_woken_from_hlt)
{
	struct asserter a = { .partition = self->vm.partition };

	ASSERT_EQ(0, pthread_create(&a.thread, NULL, assert_later, &a));
	EXPECT_EQ(1, vm_run_to_sync(&self->vm, 2));
	pthread_join(a.thread, NULL);
}

TEST_F(guest, takes_each_interrupt_of_many)
{
	int i;

	for (i = 1; i <= 1000; i++) {
		ASSERT_OK(assert_fixed(&self->vm, VECTOR));
		ASSERT_EQ(i, vm_run_to_sync(&self->vm, 2));
	}
}

TEST_F(guest, logical_destination)
{
	/* x2APIC: the logical ID of APIC 0 is bit 0 of cluster 0 */
	ASSERT_OK(mshv_assert_interrupt(self->vm.partition, HV_X64_INTERRUPT_TYPE_FIXED |
					HV_INTERRUPT_CONTROL_LOGICAL_DEST, 1, VECTOR));
	EXPECT_EQ(1, vm_run_to_sync(&self->vm, 2));
	/* Nobody has that logical ID: no interrupt, and no harm */
	mshv_assert_interrupt(self->vm.partition, HV_X64_INTERRUPT_TYPE_FIXED |
			      HV_INTERRUPT_CONTROL_LOGICAL_DEST, 2, VECTOR);
	ASSERT_OK(assert_fixed(&self->vm, VECTOR));
	EXPECT_EQ(2, vm_run_to_sync(&self->vm, 2));
}

TEST_F(guest, level_interrupt_sends_its_eoi_to_the_vmm)
{
	ASSERT_OK(mshv_assert_interrupt(self->vm.partition, HV_X64_INTERRUPT_TYPE_FIXED |
					HV_INTERRUPT_CONTROL_LEVEL_TRIGGERED, 0, VECTOR));
	ASSERT_EQ(HVMSG_X64_APIC_EOI, vm_run(&self->vm));
	EXPECT_EQ(8, self->vm.vp.msg.header.payload_size);
	EXPECT_EQ(VECTOR, mshv_msg_eoi(&self->vm.vp.msg)->interrupt_vector);
	EXPECT_EQ(0, mshv_msg_eoi(&self->vm.vp.msg)->vp_index);
	EXPECT_EQ(1, vm_run_to_sync(&self->vm, 2));
	/* An edge of the same vector has no EOI message. */
	ASSERT_OK(assert_fixed(&self->vm, VECTOR));
	EXPECT_EQ(2, vm_run_to_sync(&self->vm, 2));
}

TEST_F(guest, wrong_arguments_do_no_harm)
{
	static const struct {
		__u64 control, destination;
		__u32 vector;
	} wrong[] = {
		{ 0x1234, 0, VECTOR }, { 1ULL << 40, 0, VECTOR }, { ~0ULL, 0, VECTOR },
		{ HV_X64_INTERRUPT_TYPE_FIXED, 0, 0x100 }, { HV_X64_INTERRUPT_TYPE_FIXED, 0, ~0U },
		{ HV_X64_INTERRUPT_TYPE_FIXED, 0, 0 }, { HV_X64_INTERRUPT_TYPE_FIXED, 0, 15 },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(wrong); i++) {
		EXPECT_GT(0, mshv_assert_interrupt(self->vm.partition, wrong[i].control,
						   wrong[i].destination, wrong[i].vector)) {
			TH_LOG("case %zu", i);
		}
	}
	/* An APIC that nobody has: refused or ignored */
	mshv_assert_interrupt(self->vm.partition, HV_X64_INTERRUPT_TYPE_FIXED, 0x1234, VECTOR);
	ASSERT_OK(assert_fixed(&self->vm, VECTOR));
	EXPECT_EQ(1, vm_run_to_sync(&self->vm, 2));
}

/* What VMMs do at start: an ExtINT of vector 0 to a VP that has never run, twice */
TEST(extint_to_a_new_vp)
{
	struct test_vm vm;

	vm_init(&vm, PT_LAPIC, PAGE_SIZE);
	EXPECT_OK(mshv_assert_interrupt(vm.partition, HV_X64_INTERRUPT_TYPE_EXTINT, 0, 0));
	EXPECT_OK(mshv_assert_interrupt(vm.partition, HV_X64_INTERRUPT_TYPE_EXTINT, 0, 0));
	vm_destroy(&vm);
}

static volatile uint64_t guest_nmis;

static void count_nmi(struct guest_frame *frame)
{
	GUEST_ASSERT_EQ(frame->vector, 2);
	guest_nmis++;
}

static GUEST_CODE void guest_waits_for_nmi(void)
{
	guest_handler = count_nmi;
	guest_install_handlers();
	guest_enable_x2apic();
	GUEST_SYNC(1);
	while (!guest_nmis)
		asm volatile("pause");
	GUEST_SYNC_ARG(2, guest_nmis);
	GUEST_DONE();
}

TEST(nmi_reaches_a_guest_with_interrupts_off)
{
	struct test_vm vm;

	vm_init_long(&vm, PT_LAPIC, guest_waits_for_nmi);
	vm_run_to_sync(&vm, 1);
	ASSERT_OK(mshv_assert_interrupt(vm.partition, HV_X64_INTERRUPT_TYPE_NMI, 0, 0));
	EXPECT_EQ(1, vm_run_to_sync(&vm, 2));
	vm_destroy(&vm);
}

/* ---- The guest's own local APIC ---- */

static GUEST_CODE void guest_uses_its_timer(void)
{
	int i;

	guest_handler = guest_count_interrupts;
	guest_install_handlers();
	guest_enable_x2apic();
	GUEST_ASSERT_EQ(rdmsr(MSR_X2APIC_ID), 0);
	wrmsr(MSR_X2APIC_TIMER_DIVIDE, 0xb);
	wrmsr(MSR_X2APIC_LVT_TIMER, VECTOR);
	for (i = 0; i < 5; i++) {
		wrmsr(MSR_X2APIC_TIMER_COUNT, 100000);
		sti_hlt();
		GUEST_ASSERT_EQ(guest_interrupts[VECTOR], i + 1);
	}
	wrmsr(MSR_X2APIC_LVT_TIMER, 0x20000 | VECTOR);	/* periodic */
	wrmsr(MSR_X2APIC_TIMER_COUNT, 100000);
	for (i = 0; i < 5; i++)
		sti_hlt();
	GUEST_ASSERT(guest_interrupts[VECTOR] >= 10);
	wrmsr(MSR_X2APIC_TIMER_COUNT, 0);
	GUEST_DONE();
}

TEST(local_apic_timer)
{
	struct test_vm vm;

	vm_init_long(&vm, PT_LAPIC, guest_uses_its_timer);
	vm_run_to_done(&vm);
	vm_destroy(&vm);
}

static GUEST_CODE void guest_interrupts_itself(void)
{
	guest_handler = guest_count_interrupts;
	guest_install_handlers();
	guest_enable_x2apic();
	wrmsr(MSR_X2APIC_ICR, 0x40000 | VECTOR);	/* self */
	wrmsr(MSR_X2APIC_ICR, 0x60);			/* to APIC 0, which is us */
	GUEST_ASSERT_EQ(guest_interrupts[VECTOR], 0);
	asm volatile("sti; nop; nop; cli" : : : "memory");
	GUEST_ASSERT_EQ(guest_interrupts[VECTOR], 1);
	GUEST_ASSERT_EQ(guest_interrupts[0x60], 1);

	/* The task priority holds back what is not above it. */
	wrmsr(MSR_X2APIC_TPR, 0x50);
	wrmsr(MSR_X2APIC_ICR, 0x40000 | VECTOR);
	wrmsr(MSR_X2APIC_ICR, 0x40000 | 0x60);
	asm volatile("sti; nop; nop; cli" : : : "memory");
	GUEST_ASSERT_EQ(guest_interrupts[VECTOR], 1);
	GUEST_ASSERT_EQ(guest_interrupts[0x60], 2);
	wrmsr(MSR_X2APIC_TPR, 0);
	asm volatile("sti; nop; nop; cli" : : : "memory");
	GUEST_ASSERT_EQ(guest_interrupts[VECTOR], 2);
	GUEST_DONE();
}

TEST(self_ipi_and_task_priority)
{
	struct test_vm vm;

	vm_init_long(&vm, PT_LAPIC, guest_interrupts_itself);
	vm_run_to_done(&vm);
	vm_destroy(&vm);
}

/* ---- irqfd ---- */

static struct mshv_user_irq_entry route(unsigned int gsi, unsigned int vector)
{
	return (struct mshv_user_irq_entry){
		.gsi = gsi, .address_lo = 0xfee00000, .data = vector,
	};
}

TEST_F(guest, irqfd_injects)
{
	const struct mshv_user_irq_entry entry = route(30, VECTOR);
	int fd = eventfd(0, EFD_CLOEXEC);
	uint64_t one = 1;
	int i;

	ASSERT_LE(0, fd);
	ASSERT_OK(mshv_set_msi_routing(self->vm.partition, &entry, 1));
	ASSERT_OK(mshv_assign_irqfd(self->vm.partition, fd, 30, -1));
	for (i = 1; i <= 100; i++) {
		ASSERT_EQ(8, write(fd, &one, 8));
		ASSERT_EQ(i, vm_run_to_sync(&self->vm, 2));
	}
	ASSERT_OK(mshv_deassign_irqfd(self->vm.partition, fd, 30));
}

TEST_F(guest, irqfd_signalled_before_it_was_assigned_injects)
{
	const struct mshv_user_irq_entry entry = route(3, VECTOR);
	int fd = eventfd(1, EFD_CLOEXEC);

	ASSERT_OK(mshv_set_msi_routing(self->vm.partition, &entry, 1));
	ASSERT_OK(mshv_assign_irqfd(self->vm.partition, fd, 3, -1));
	EXPECT_EQ(1, vm_run_to_sync(&self->vm, 2));
}

/* Regression: the counter that was left made a spurious interrupt at the next assign. */
TEST_F(guest, deassign_takes_the_count_along)
{
	const struct mshv_user_irq_entry entry = route(3, VECTOR);
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	uint64_t one = 1, count = 0;

	ASSERT_OK(mshv_set_msi_routing(self->vm.partition, &entry, 1));
	ASSERT_OK(mshv_assign_irqfd(self->vm.partition, fd, 3, -1));
	ASSERT_EQ(8, write(fd, &one, 8));
	EXPECT_EQ(1, vm_run_to_sync(&self->vm, 2));
	ASSERT_OK(mshv_deassign_irqfd(self->vm.partition, fd, 3));
	EXPECT_EQ(-1, read(fd, &count, 8)) TH_LOG("count %llu", (unsigned long long)count);
	ASSERT_OK(mshv_assign_irqfd(self->vm.partition, fd, 3, -1));
	ASSERT_OK(assert_fixed(&self->vm, 0x70));
	EXPECT_EQ(1, vm_run_to_sync(&self->vm, 2));
}

/* Regression: a GSI without a route injected vector 0 into VP 0, or crashed the host. */
TEST_F(guest, irqfd_without_a_route_injects_nothing)
{
	static const unsigned int gsis[] = { 0, 1, 29, 30, 31, 4095, 4096, ~0U };
	const struct mshv_user_irq_entry entry = route(30, 0x70);
	uint64_t one = 1;
	size_t i;

	ASSERT_OK(mshv_set_msi_routing(self->vm.partition, &entry, 1));
	for (i = 0; i < ARRAY_SIZE(gsis); i++) {
		int fd = eventfd(0, EFD_CLOEXEC);

		if (gsis[i] == 30)
			continue;
		if (mshv_assign_irqfd(self->vm.partition, fd, gsis[i], -1))
			continue;
		ASSERT_EQ(8, write(fd, &one, 8));
	}
	ASSERT_OK(assert_fixed(&self->vm, VECTOR));
	EXPECT_EQ(1, vm_run_to_sync(&self->vm, 2));
	EXPECT_EQ(0, vm_guest_variable(&self->vm, guest_interrupts[0])[0]);
}

/* Regression: a route to an APIC whose VP does not exist crashed the host. */
TEST_F(guest, irqfd_to_a_vp_that_is_not_there)
{
	struct mshv_user_irq_entry entry = route(5, VECTOR);
	int fd = eventfd(0, EFD_CLOEXEC);
	uint64_t one = 1;

	entry.address_lo |= 77 << 12;
	ASSERT_OK(mshv_set_msi_routing(self->vm.partition, &entry, 1));
	ASSERT_OK(mshv_assign_irqfd(self->vm.partition, fd, 5, -1));
	ASSERT_EQ(8, write(fd, &one, 8));
	ASSERT_OK(assert_fixed(&self->vm, VECTOR));
	EXPECT_EQ(1, vm_run_to_sync(&self->vm, 2));
}

/* Regression: a state that was put back, as a reset does, had an interrupt of the old one. */
TEST_F(guest, interrupt_on_its_way_goes_with_the_state_that_it_was_for)
{
	const struct mshv_user_irq_entry entry = route(5, 0x70);
	int fd = eventfd(0, EFD_CLOEXEC);
	void *state = mem_alloc(PAGE_SIZE);
	uint64_t one = 1;

	ASSERT_OK(mshv_set_msi_routing(self->vm.partition, &entry, 1));
	ASSERT_OK(mshv_assign_irqfd(self->vm.partition, fd, 5, -1));
	ASSERT_OK(mshv_get_vp_state(self->vm.vp.fd, MSHV_VP_STATE_LAPIC, state, PAGE_SIZE));
	ASSERT_EQ(8, write(fd, &one, 8));
	ASSERT_OK(mshv_set_vp_state(self->vm.vp.fd, MSHV_VP_STATE_LAPIC, state, PAGE_SIZE));
	ASSERT_OK(assert_fixed(&self->vm, VECTOR));
	EXPECT_EQ(1, vm_run_to_sync(&self->vm, 2));
	EXPECT_EQ(0, vm_guest_variable(&self->vm, guest_interrupts[0x70])[0]);
	munmap(state, PAGE_SIZE);
	close(fd);
}

TEST_F(guest, routes_can_change_under_an_irqfd)
{
	struct mshv_user_irq_entry entries[2] = { route(5, 0x70), route(6, 0x71) };
	int fd = eventfd(0, EFD_CLOEXEC);
	uint64_t one = 1;

	ASSERT_OK(mshv_assign_irqfd(self->vm.partition, fd, 5, -1));
	ASSERT_OK(mshv_set_msi_routing(self->vm.partition, entries, 2));
	ASSERT_EQ(8, write(fd, &one, 8));
	EXPECT_EQ(0, vm_run_to_sync(&self->vm, 2));
	EXPECT_EQ(1, vm_guest_variable(&self->vm, guest_interrupts[0x70])[0]);
	entries[0] = route(5, VECTOR);
	ASSERT_OK(mshv_set_msi_routing(self->vm.partition, entries, 2));
	ASSERT_EQ(8, write(fd, &one, 8));
	EXPECT_EQ(1, vm_run_to_sync(&self->vm, 2));
}

TEST_F(guest, closing_the_eventfd_ends_the_irqfd)
{
	const struct mshv_user_irq_entry entry = route(5, VECTOR);
	int fd = eventfd(0, EFD_CLOEXEC);

	ASSERT_OK(mshv_set_msi_routing(self->vm.partition, &entry, 1));
	ASSERT_OK(mshv_assign_irqfd(self->vm.partition, fd, 5, -1));
	close(fd);
	fd = eventfd(0, EFD_CLOEXEC);
	EXPECT_OK(mshv_assign_irqfd(self->vm.partition, fd, 5, -1));
}

TEST_F(guest, irqfd_wrong_arguments)
{
	int fd = eventfd(0, EFD_CLOEXEC), other = eventfd(0, EFD_CLOEXEC);
	struct mshv_user_irqfd args = { .fd = fd, .gsi = 5 };
	int i;

	for (i = MSHV_IRQFD_BIT_COUNT; i < 32; i++) {
		args.flags = 1U << i;
		EXPECT_ERRNO(EINVAL, ioctl(self->vm.partition, MSHV_IRQFD, &args));
	}
	args.flags = 0;
	args.fd = -1;
	EXPECT_ERRNO(EBADF, ioctl(self->vm.partition, MSHV_IRQFD, &args));
	args.fd = self->vm.dev;
	EXPECT_ERRNO(EINVAL, ioctl(self->vm.partition, MSHV_IRQFD, &args));
	EXPECT_ERRNO(EFAULT, ioctl(self->vm.partition, MSHV_IRQFD, NULL));
	args.fd = fd;
	/* Resample needs a level-triggered route. */
	args.flags = BIT(MSHV_IRQFD_BIT_RESAMPLE);
	args.resamplefd = other;
	EXPECT_ERRNO(EINVAL, ioctl(self->vm.partition, MSHV_IRQFD, &args));
	args.flags = BIT(MSHV_IRQFD_BIT_DEASSIGN) | BIT(MSHV_IRQFD_BIT_RESAMPLE);
	ioctl(self->vm.partition, MSHV_IRQFD, &args);

	EXPECT_OK(mshv_assign_irqfd(self->vm.partition, fd, 5, -1));
	args.flags = 0;
	EXPECT_ERRNO(EBUSY, ioctl(self->vm.partition, MSHV_IRQFD, &args));
	EXPECT_OK(mshv_assign_irqfd(self->vm.partition, other, 5, -1));
	EXPECT_OK(mshv_deassign_irqfd(self->vm.partition, fd, 5));
	EXPECT_OK(mshv_assign_irqfd(self->vm.partition, fd, 5, -1));
}

TEST_F(guest, routing_wrong_arguments)
{
	struct mshv_user_irq_entry entries[2] = { route(5, VECTOR), route(6, 0x70) };
	struct {
		struct mshv_user_irq_table table;
		struct mshv_user_irq_entry entries[1];
	} raw = { .table.nr = 1, .entries = { route(5, 0x70) } };
	static struct mshv_user_irq_entry many[4096];
	int fd = eventfd(0, EFD_CLOEXEC), i;
	uint64_t one = 1;

	ASSERT_OK(mshv_set_msi_routing(self->vm.partition, entries, 2));
	entries[1].gsi = 4096;
	EXPECT_EQ(-EINVAL, mshv_set_msi_routing(self->vm.partition, entries, 2));
	entries[1].gsi = 5;
	EXPECT_EQ(-EINVAL, mshv_set_msi_routing(self->vm.partition, entries, 2));
	entries[0].gsi = 0;
	entries[1].gsi = 0;
	EXPECT_EQ(-EINVAL, mshv_set_msi_routing(self->vm.partition, entries, 2)) {
		TH_LOG("GSI 0 twice");
	}
	entries[1].gsi = 6;
	entries[1].address_hi = 1;
	EXPECT_EQ(-EINVAL, mshv_set_msi_routing(self->vm.partition, entries, 2));
	raw.table.rsvd = 1;
	EXPECT_ERRNO(EINVAL, ioctl(self->vm.partition, MSHV_SET_MSI_ROUTING, &raw));
	raw.table.rsvd = 0;
	raw.table.nr = 4097;
	EXPECT_ERRNO(EINVAL, ioctl(self->vm.partition, MSHV_SET_MSI_ROUTING, &raw));
	raw.table.nr = ~0U;
	EXPECT_ERRNO(EINVAL, ioctl(self->vm.partition, MSHV_SET_MSI_ROUTING, &raw));
	EXPECT_ERRNO(EFAULT, ioctl(self->vm.partition, MSHV_SET_MSI_ROUTING, NULL));

	/* After all these failures the first table is the one that counts. */
	ASSERT_OK(mshv_assign_irqfd(self->vm.partition, fd, 5, -1));
	ASSERT_EQ(8, write(fd, &one, 8));
	EXPECT_EQ(1, vm_run_to_sync(&self->vm, 2));

	for (i = 0; i < 4096; i++)
		many[i] = route(i, 0x70);
	EXPECT_OK(mshv_set_msi_routing(self->vm.partition, many, 4096));
	EXPECT_OK(mshv_set_msi_routing(self->vm.partition, NULL, 0));
}

TEST_F(guest, resample_tells_of_the_eoi)
{
	struct mshv_user_irq_entry entry = route(9, VECTOR);
	int fd = eventfd(0, EFD_CLOEXEC), resample = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	uint64_t one = 1, count = 0;

	entry.data |= 1 << 15;		/* level-triggered */
	ASSERT_OK(mshv_set_msi_routing(self->vm.partition, &entry, 1));
	ASSERT_OK(mshv_assign_irqfd(self->vm.partition, fd, 9, resample));
	EXPECT_EQ(-1, read(resample, &count, 8));
	ASSERT_EQ(8, write(fd, &one, 8));
	EXPECT_EQ(1, vm_run_to_sync(&self->vm, 2));
	EXPECT_EQ(8, read(resample, &count, 8)) TH_LOG("%s", strerror(errno));
	EXPECT_EQ(1, count);
	ASSERT_OK(mshv_deassign_irqfd(self->vm.partition, fd, 9));
}

/* ---- APIC IDs that are no VP indices ---- */

#define SPARSE_VPS	3

static volatile uint32_t came_by_apic[2 * SPARSE_VPS];

static void note_apic(struct guest_frame *frame)
{
	(void)frame;
	came_by_apic[rdmsr(MSR_X2APIC_ID) % ARRAY_SIZE(came_by_apic)]++;
	wrmsr(MSR_X2APIC_EOI, 0);
}

static GUEST_CODE void guest_looks_for_interrupts(void)
{
	guest_handler = note_apic;
	guest_install_handlers();
	guest_enable_x2apic();
	GUEST_SYNC_ARG(1, rdmsr(MSR_X2APIC_ID));
	for (;;) {
		asm volatile("sti; nop; nop; cli" : : : "memory");
		GUEST_SYNC(2);
	}
}

static uint64_t run_vp_to_sync(struct test_vm *vm, const struct mshv_vp *vp, uint64_t stage)
{
	struct test_vm view = *vm;

	view.vp = *vp;
	return vm_run_to_sync(&view, stage);
}

/* Regression: an interrupt to APIC 2 was left for VP 2, which may be any other. */
TEST(irqfd_finds_the_apic_and_not_the_vp)
{
	struct mshv_user_irq_entry entry = route(30, VECTOR);
	int fd = eventfd(0, EFD_CLOEXEC), i, apic;
	volatile uint32_t *came;
	struct mshv_vp vp[SPARSE_VPS];
	uint64_t one = 1;
	struct test_vm vm;

	/* As OpenVMM numbers them where each is a core of two threads */
	vm_init_long(&vm, PT_LAPIC, guest_looks_for_interrupts);
	vp[0] = vm.vp;
	for (i = 0; i < SPARSE_VPS; i++) {
		if (i)
			vm_add_vp(&vm, &vp[i], i, guest_looks_for_interrupts);
		ASSERT_OK(mshv_vp_set_register(&vp[i], HV_X64_REGISTER_INITIAL_APIC_ID, 2 * i));
	}
	for (i = 0; i < SPARSE_VPS; i++) {
		ASSERT_EQ(2 * i, run_vp_to_sync(&vm, &vp[i], 1));
	}
	came = *vm_guest_variable(&vm, came_by_apic);
	ASSERT_OK(mshv_assign_irqfd(vm.partition, fd, 30, -1));
	for (apic = 0; apic < 2 * SPARSE_VPS; apic += 2) {
		entry.address_lo = 0xfee00000 | apic << 12;
		ASSERT_OK(mshv_set_msi_routing(vm.partition, &entry, 1));
		ASSERT_EQ(8, write(fd, &one, 8));
		for (i = 0; i < SPARSE_VPS; i++)
			run_vp_to_sync(&vm, &vp[i], 2);
		for (i = 0; i < 2 * SPARSE_VPS; i++) {
			EXPECT_EQ(i % 2 == 0 && i <= apic, came[i]) {
				TH_LOG("interrupts of APIC %d, one to APIC %d", i, apic);
			}
		}
	}
	close(fd);
	for (i = 1; i < SPARSE_VPS; i++)
		mshv_vp_destroy(&vp[i]);
	vm_destroy(&vm);
}

MSHV_TEST_MAIN
