// SPDX-License-Identifier: GPL-2.0-only
/*
 * irqfds and ioeventfds that come and go, and routes that change, while they are used
 * by other threads.
 */
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <time.h>

#include "mshv_test.h"

#define STORM_SECONDS	2
#define LONG_SECONDS	30

static volatile bool storm_over;

static void storm(void)
{
	sleep(test_is_long() ? LONG_SECONDS : STORM_SECONDS);
	storm_over = true;
}

/* Runs a VP until its guest says that it is done */
static void *run_vp(void *arg)
{
	struct test_vm *vm = arg;

	vm_run_to_done(vm);
	return NULL;
}

static uint64_t drain(int fd)
{
	uint64_t count = 0;

	return read(fd, &count, sizeof(count)) == sizeof(count) ? count : 0;
}

/* ---- Interrupts ---- */

#define IRQFDS		8
#define GSIS		(IRQFDS + 1)	/* the last one's eventfds are closed in use */
#define FIRST_GSI	20
#define VECTOR		0x60	/* of the storm, to VP 0 */
#define OTHER_VECTOR	0x61	/* of the storm, to VP 1 */
#define LAST_VECTOR	0x62	/* of the test after it */
#define STOP_VECTOR	0x63

static volatile uint32_t came[2][256];

static void count_by_apic(struct guest_frame *frame)
{
	came[rdmsr(MSR_X2APIC_ID) & 1][frame->vector & 0xff]++;
	wrmsr(MSR_X2APIC_EOI, 0);
}

static GUEST_CODE void guest_takes_interrupts(void)
{
	unsigned int apic;

	guest_handler = count_by_apic;
	guest_install_handlers();
	guest_enable_x2apic();
	apic = rdmsr(MSR_X2APIC_ID) & 1;
	while (!came[apic][STOP_VECTOR])
		sti_hlt();
	GUEST_DONE();
}

struct irq_storm {
	struct test_vm vm;
	int fds[IRQFDS];
	unsigned long signals, assigns, routings, closes;
};

static struct mshv_user_irq_entry route(unsigned int gsi, unsigned int apic, unsigned int vector)
{
	return (struct mshv_user_irq_entry){
		.gsi = gsi, .address_lo = 0xfee00000 | apic << 12, .data = vector,
	};
}

static void *signal_thread(void *arg)
{
	struct irq_storm *s = arg;
	uint64_t one = 1;

	for (; !storm_over; s->signals++)
		if (write(s->fds[s->signals % IRQFDS], &one, sizeof(one)) != sizeof(one))
			sched_yield();
	return NULL;
}

static void *assign_thread(void *arg)
{
	struct irq_storm *s = arg;
	unsigned int i;

	for (; !storm_over; s->assigns++) {
		i = s->assigns % IRQFDS;
		if (mshv_assign_irqfd(s->vm.partition, s->fds[i], FIRST_GSI + i, -1) == -EBUSY)
			mshv_deassign_irqfd(s->vm.partition, s->fds[i], FIRST_GSI + i);
	}
	return NULL;
}

/* An eventfd that is closed takes its irqfd along, if that is still there. */
static void *close_thread(void *arg)
{
	const uint64_t one = 1;
	struct irq_storm *s = arg;
	int fd, ret;

	for (; !storm_over; s->closes++) {
		fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		ret = mshv_assign_irqfd(s->vm.partition, fd, FIRST_GSI + IRQFDS, -1);
		TEST_ASSERT(!ret, "%s", mshv_strerror());
		TEST_ASSERT(write(fd, &one, sizeof(one)) == sizeof(one), "write() failed");
		if (s->closes % 3) {
			ret = mshv_deassign_irqfd(s->vm.partition, fd, FIRST_GSI + IRQFDS);
			TEST_ASSERT(!ret, "%s", mshv_strerror());
		}
		close(fd);
	}
	return NULL;
}

/* One vector is for one VP and one for the other: half of a route with half of another shows. */
static void *route_thread(void *arg)
{
	struct mshv_user_irq_entry entries[GSIS];
	struct irq_storm *s = arg;
	unsigned int i, vp, nr;
	int ret;

	for (; !storm_over; s->routings++) {
		for (i = 0; i < GSIS; i++) {
			vp = (s->routings + i) & 1;
			entries[i] = route(FIRST_GSI + i, vp, vp ? OTHER_VECTOR : VECTOR);
		}
		nr = s->routings % (GSIS + 1);
		ret = mshv_set_msi_routing(s->vm.partition, nr ? entries : NULL, nr);
		TEST_ASSERT(!ret, "%s", mshv_strerror());
	}
	return NULL;
}

TEST_TIMEOUT(irqfds_and_routes_may_change_at_any_time, 60)
{
	void *(*const functions[])(void *) = {
		signal_thread, signal_thread, assign_thread, assign_thread, close_thread,
		close_thread, route_thread,
	};
	pthread_t threads[ARRAY_SIZE(functions)], runners[2];
	struct mshv_user_irq_entry last;
	volatile uint32_t (*counts)[256];
	uint64_t one = 1;
	struct irq_storm s = { 0 };
	struct test_vm second;
	int i, vp;

	vm_init_long(&s.vm, PT_LAPIC, guest_takes_interrupts);
	second = s.vm;
	vm_add_vp(&s.vm, &second.vp, 1, guest_takes_interrupts);
	counts = *vm_guest_variable(&s.vm, came);
	for (i = 0; i < IRQFDS; i++) {
		s.fds[i] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		ASSERT_LE(0, s.fds[i]);
	}
	ASSERT_EQ(0, pthread_create(&runners[0], NULL, run_vp, &s.vm));
	ASSERT_EQ(0, pthread_create(&runners[1], NULL, run_vp, &second));
	for (i = 0; i < (int)ARRAY_SIZE(functions); i++) {
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, functions[i], &s));
	}
	storm();
	for (i = 0; i < (int)ARRAY_SIZE(functions); i++)
		pthread_join(threads[i], NULL);
	TH_LOG("%lu signals, %lu assigned or not, %lu closed, %lu tables: %u and %u interrupts",
	       s.signals, s.assigns, s.closes, s.routings, counts[0][VECTOR],
	       counts[1][OTHER_VECTOR]);
	EXPECT_LT(10, s.closes);
	EXPECT_LT(0, counts[0][VECTOR]);
	EXPECT_LT(0, counts[1][OTHER_VECTOR]);

	/* After all this each irqfd injects, once a signal. */
	for (i = 0; i < IRQFDS; i++) {
		mshv_deassign_irqfd(s.vm.partition, s.fds[i], FIRST_GSI + i);
		drain(s.fds[i]);
		last = route(FIRST_GSI + i, i & 1, LAST_VECTOR);
		ASSERT_OK(mshv_set_msi_routing(s.vm.partition, &last, 1));
		ASSERT_OK(mshv_assign_irqfd(s.vm.partition, s.fds[i], FIRST_GSI + i, -1));
		ASSERT_EQ(8, write(s.fds[i], &one, sizeof(one)));
		EXPECT_TRUE(test_comes(&counts[i & 1][LAST_VECTOR], i / 2 + 1))
			TH_LOG("irqfd %d: %u interrupts", i, counts[i & 1][LAST_VECTOR]);
	}
	for (vp = 0; vp < 2; vp++) {
		for (i = 0; i < 256; i++) {
			if (i == LAST_VECTOR || i == (vp ? OTHER_VECTOR : VECTOR))
				continue;
			EXPECT_EQ(0, counts[vp][i]) TH_LOG("vector 0x%x of VP %d", i, vp);
		}
		ASSERT_OK(mshv_assert_interrupt(s.vm.partition, HV_X64_INTERRUPT_TYPE_FIXED, vp,
						STOP_VECTOR));
	}
	for (i = 0; i < 2; i++)
		pthread_join(runners[i], NULL);
	mshv_vp_destroy(&second.vp);
	vm_destroy(&s.vm);
}

/* ---- Doorbells ---- */

#define DOORBELLS	4
#define DEVICE_GPA	0xd0000000ULL
#define STORE_LENGTH	2	/* of the instruction that ring() is */

static volatile bool guest_stop;

static inline void ring(uint64_t gpa)
{
	asm volatile("movl %%eax, (%%rdx)" : : "a"(1), "d"(gpa) : "memory");
}

static GUEST_CODE void guest_rings(void)
{
	unsigned int i;

	for (i = 0; !guest_stop; i++)
		ring(DEVICE_GPA + i % DOORBELLS * 8);
	GUEST_DONE();
}

struct door_storm {
	struct test_vm vm;
	unsigned long messages;
	int next;
	int bad;
	unsigned long rings[DOORBELLS], assigns[DOORBELLS];
};

/* A store that is no doorbell at the moment is a message. */
static void *run_ringing_vp(void *arg)
{
	struct door_storm *s = arg;
	struct mshv_regs regs;

	while (vm_run(&s->vm) == HVMSG_UNMAPPED_GPA) {
		s->messages++;
		if (mshv_vp_get_regs(&s->vm.vp, &regs))
			break;
		regs.rip += STORE_LENGTH;
		if (mshv_vp_set_regs(&s->vm.vp, &regs))
			break;
	}
	return NULL;
}

static void *doorbell_thread(void *arg)
{
	int i = __atomic_fetch_add(&((struct door_storm *)arg)->next, 1, __ATOMIC_RELAXED);
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	struct door_storm *s = arg;

	for (; !storm_over; s->assigns[i]++) {
		s->bad |= mshv_assign_ioeventfd(s->vm.partition, fd, DEVICE_GPA + i * 8, 4, NULL);
		usleep(s->assigns[i] % 8 * 200);
		s->bad |= mshv_deassign_ioeventfd(s->vm.partition, fd, DEVICE_GPA + i * 8, 4,
						  NULL);
		s->rings[i] += drain(fd);
		/* Nothing comes any more when it is deassigned. */
		usleep(100);
		if (drain(fd))
			s->bad = -EBUSY;
	}
	close(fd);
	return NULL;
}

TEST_TIMEOUT(doorbells_may_come_and_go_at_any_time, 60)
{
	pthread_t threads[DOORBELLS], runner;
	struct door_storm s = { 0 };
	unsigned long rings = 0;
	int i, fd;

	vm_init_long(&s.vm, PT_LAPIC, guest_rings);
	ASSERT_EQ(0, pthread_create(&runner, NULL, run_ringing_vp, &s));
	for (i = 0; i < DOORBELLS; i++) {
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, doorbell_thread, &s));
	}
	storm();
	for (i = 0; i < DOORBELLS; i++) {
		pthread_join(threads[i], NULL);
		rings += s.rings[i];
		EXPECT_LT(0, s.assigns[i]);
	}
	TH_LOG("%lu messages, %lu rings, %lu assigned by the first thread", s.messages, rings,
	       s.assigns[0]);
	EXPECT_EQ(0, s.bad);
	EXPECT_LT(0, s.messages);
	EXPECT_LT(0, rings);

	/* And one that stays rings. */
	fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	ASSERT_OK(mshv_assign_ioeventfd(s.vm.partition, fd, DEVICE_GPA, 4, NULL));
	for (i = 0; i < 10000 && !drain(fd); i++)
		usleep(1000);
	EXPECT_GT(10000, i);
	*vm_guest_variable(&s.vm, guest_stop) = true;
	pthread_join(runner, NULL);
	vm_destroy(&s.vm);
}

/* One ring, and then nothing more until it has been heard: one that is lost is the last. */
static volatile uint32_t heard;

static GUEST_CODE void guest_rings_and_waits(void)
{
	uint32_t n;

	for (n = 1; !guest_stop; n++) {
		ring(DEVICE_GPA);
		while (heard != n && !guest_stop)
			asm volatile("pause" : : : "memory");
	}
	GUEST_DONE();
}

TEST_TIMEOUT(no_ring_of_a_doorbell_is_lost, 60)
{
	const unsigned int seconds = test_is_long() ? LONG_SECONDS : STORM_SECONDS;
	struct pollfd event = { .events = POLLIN };
	volatile uint32_t *answer;
	time_t end;
	pthread_t runner;
	struct test_vm vm;
	uint32_t n = 0;

	vm_init_long(&vm, PT_LAPIC, guest_rings_and_waits);
	answer = vm_guest_variable(&vm, heard);
	event.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	ASSERT_OK(mshv_assign_ioeventfd(vm.partition, event.fd, DEVICE_GPA, 4, NULL));
	ASSERT_EQ(0, pthread_create(&runner, NULL, run_vp, &vm));
	for (end = time(NULL) + seconds; time(NULL) < end; *answer = n) {
		ASSERT_EQ(1, poll(&event, 1, 10000)) TH_LOG("ring %u does not come", n + 1);
		ASSERT_EQ(1, drain(event.fd));
		n++;
	}
	TH_LOG("%u rings", n);
	EXPECT_LT(10, n);
	*vm_guest_variable(&vm, guest_stop) = true;
	pthread_join(runner, NULL);
	close(event.fd);
	vm_destroy(&vm);
}

MSHV_TEST_MAIN
