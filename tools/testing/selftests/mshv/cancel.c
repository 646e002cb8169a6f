// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sticky cancellation under load: each MSHV_CANCEL_VP ends one MSHV_RUN_VP, wherever
 * the VP is just then, and no message is lost to it.
 */
#include <pthread.h>
#include <time.h>

#include "mshv_test.h"

/* jmp . */
static const uint8_t spins[] = { 0xeb, 0xfe };
/* 1: sti; hlt; jmp 1b: there are no interrupts, and with them off it would be a message */
static const uint8_t halts[] = { 0xfb, 0xf4, 0xeb, 0xfc };
/* 1: in $0x10, %al; inc %bx; jmp 1b */
static const uint8_t sends_messages[] = { 0xe4, 0x10, 0x43, 0xeb, 0xfb };

FIXTURE(guest) {
	struct test_vm vm;
	pthread_t thread;
	unsigned int interrupted;	/* runs that ended with EINTR */
	unsigned int messages;
	unsigned int lost;		/* messages whose number is not the next */
	int error;			/* what else a run returned */
	bool stop;
};

FIXTURE_VARIANT(guest) {
	const uint8_t *code;
	size_t size;
	uint64_t flags;
};

FIXTURE_VARIANT_ADD(guest, that_spins) { spins, sizeof(spins), 0 };
FIXTURE_VARIANT_ADD(guest, that_is_halted) { halts, sizeof(halts), PT_LAPIC };
FIXTURE_VARIANT_ADD(guest, that_sends_messages) { sends_messages, sizeof(sends_messages), 0 };

static void *run_thread(void *arg)
{
	struct guest_fixture_data *self = arg;
	__u64 rbx;
	int ret;

	while (!__atomic_load_n(&self->stop, __ATOMIC_ACQUIRE)) {
		ret = mshv_vp_run(&self->vm.vp);
		if (ret == -EINTR) {
			__atomic_add_fetch(&self->interrupted, 1, __ATOMIC_RELEASE);
			continue;
		}
		if (ret || mshv_vp_get_register(&self->vm.vp, HV_X64_REGISTER_RBX, &rbx)) {
			self->error = ret ?: -EIO;
			break;
		}
		self->lost += (rbx & 0xffff) != (self->messages & 0xffff);
		self->messages++;
		if (mshv_vp_complete(&self->vm.vp, NULL))
			break;
	}
	return NULL;
}

FIXTURE_SETUP(guest)
{
	memset(self, 0, sizeof(*self));
	vm_init_real(&self->vm, variant->flags, variant->code, variant->size);
	ASSERT_OK(mshv_vp_set_register(&self->vm.vp, HV_X64_REGISTER_RBX, 0));
	ASSERT_EQ(0, pthread_create(&self->thread, NULL, run_thread, self));
}

FIXTURE_TEARDOWN(guest)
{
	self->stop = true;
	mshv_cancel_vp(self->vm.vp.fd, 0);
	pthread_join(self->thread, NULL);
	EXPECT_EQ(0, self->error);
	EXPECT_EQ(0, self->lost);
	vm_destroy(&self->vm);
}

/* A cancellation that is lost is waited for until the test's time is over. */
TEST_F_TIMEOUT(guest, each_cancellation_is_one_interruption, 60)
{
	unsigned int i, rounds = test_rounds(200, 4000);
	unsigned int seed = 7, seen;

	for (i = 0; i < rounds; i++) {
		ASSERT_OK(mshv_cancel_vp(self->vm.vp.fd, 0));
		do {
			seen = __atomic_load_n(&self->interrupted, __ATOMIC_ACQUIRE);
			if (seen == i)
				sched_yield();
		} while (seen == i);
		ASSERT_EQ(i + 1, seen);
		/* So that the next one finds the VP elsewhere */
		if (i % 4)
			usleep(rand_r(&seed) % 300);
	}
	usleep(20000);
	EXPECT_EQ(rounds, self->interrupted) TH_LOG("one that nobody asked for");
}

/*
 * What a VMM's signal handler does: ask for the end of its loop, and cancel. If the
 * signal comes between the look at the flag and the ioctl, the ioctl returns at once.
 */
static struct {
	int vp;
	volatile bool stop;
} handled;

static void stop_by_signal(int signal)
{
	(void)signal;
	handled.stop = true;
	ioctl(handled.vp, MSHV_CANCEL_VP, 0);
}

TEST_TIMEOUT(cancellation_in_a_signal_handler_has_no_window, 60)
{
	struct sigaction action = { .sa_handler = stop_by_signal };
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1 };
	unsigned int i, rounds = test_rounds(200, 4000), seed = 11;
	struct itimerspec once = { 0 };
	struct test_vm vm;
	timer_t timer;
	int ret = 0;

	vm_init_real(&vm, 0, spins, sizeof(spins));
	handled.vp = vm.vp.fd;
	sigaction(SIGUSR1, &action, NULL);
	ASSERT_EQ(0, timer_create(CLOCK_MONOTONIC, &event, &timer));
	for (i = 0; i < rounds; i++) {
		handled.stop = false;
		once.it_value.tv_nsec = 1 + rand_r(&seed) % 200000;
		ASSERT_EQ(0, timer_settime(timer, 0, &once, NULL));
		while (!handled.stop) {
			ret = mshv_run_vp(vm.vp.fd, &vm.vp.msg);
			ASSERT_EQ(-EINTR, ret);
		}
		/* It may have come after the last run; none may be left for the next round. */
		ASSERT_LE(0, ioctl(vm.vp.fd, MSHV_CANCEL_VP, MSHV_CANCEL_VP_CLEAR));
	}
	timer_delete(timer);
	vm_destroy(&vm);
}

MSHV_TEST_MAIN
