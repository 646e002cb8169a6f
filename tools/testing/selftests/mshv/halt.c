// SPDX-License-Identifier: GPL-2.0-only
/*
 * HLT: the hypervisor's own affair, but for one that nothing in the guest can end.
 */
#include <pthread.h>
#include <signal.h>
#include <sys/time.h>

#include "mshv_test.h"

static volatile uint32_t guest_nmis;

static void count_nmis(struct guest_frame *frame)
{
	GUEST_ASSERT_EQ(frame->vector, 2);
	guest_nmis++;
}

/* VP 1 halts with interrupts off, again after each NMI. */
static GUEST_CODE void guest_halts(void)
{
	guest_handler = count_nmis;
	guest_install_handlers();
	for (;;)
		asm volatile("cli; hlt" : : : "memory");
}

/* VP 0 runs, and halts likewise when it has been told to. */
static GUEST_CODE void guest_runs(void)
{
	GUEST_SYNC_ARG(1, guest_nmis);
	GUEST_SYNC_ARG(2, guest_nmis);
	asm volatile("cli; hlt" : : : "memory");
	GUEST_DONE();
}

struct other {
	struct mshv_vp vp;
	pthread_t thread;
	volatile int ret;
	volatile bool ended;
};

static void *run_thread(void *arg)
{
	struct other *o = arg;

	o->ret = mshv_vp_run(&o->vp);
	o->ended = true;
	return NULL;
}

/* Until the hypervisor says that VP 1 has halted; the VP itself is in its ioctl. */
static bool has_halted(struct test_vm *vm)
{
	const __u32 name = HV_REGISTER_INTERNAL_ACTIVITY_STATE;
	union hv_register_value value = { 0 };
	int i;

	for (i = 0; i < 10000; i++) {
		if (mshv_get_registers(vm->partition, 1, &name, &value, 1))
			return false;
		if (value.reg64 & HV_ACTIVITY_HALT_SUSPEND)
			return true;
		usleep(1000);
	}
	return false;
}

TEST(only_the_last_vp_to_halt_with_interrupts_off_makes_a_message)
{
	struct other o = { .ended = false };
	struct test_vm vm;

	vm_init_long(&vm, PT_LAPIC, guest_runs);
	vm_add_vp(&vm, &o.vp, 1, guest_halts);
	ASSERT_EQ(0, pthread_create(&o.thread, NULL, run_thread, &o));
	ASSERT_EQ(true, has_halted(&vm));
	EXPECT_EQ(0, vm_run_to_sync(&vm, 1));
	EXPECT_EQ(false, o.ended) TH_LOG("VP 1: message 0x%x", o.vp.msg.header.message_type);

	/* An NMI ends it: VP 0 might have sent it. */
	ASSERT_OK(mshv_assert_interrupt(vm.partition, HV_X64_INTERRUPT_TYPE_NMI, 1, 0));
	ASSERT_EQ(true, test_comes(vm_guest_variable(&vm, guest_nmis), 1));
	ASSERT_EQ(true, has_halted(&vm));
	EXPECT_EQ(1, vm_run_to_sync(&vm, 2));
	EXPECT_EQ(false, o.ended) TH_LOG("VP 1: message 0x%x", o.vp.msg.header.message_type);

	/* Nobody is left. The message is VP 0's; VP 1 goes on waiting. */
	ASSERT_EQ(HVMSG_X64_HALT, vm_run(&vm));
	EXPECT_EQ(0, mshv_msg_header(&vm.vp.msg)->vp_index);
	EXPECT_EQ(1, mshv_msg_insn_length(mshv_msg_header(&vm.vp.msg)));
	EXPECT_EQ(false, o.ended);
	/* The VMM may go past it. */
	vm_complete(&vm);
	vm_run_to_done(&vm);

	ASSERT_OK(mshv_cancel_vp(o.vp.fd, 0));
	pthread_join(o.thread, NULL);
	EXPECT_EQ(-EINTR, o.ret);
	mshv_vp_destroy(&o.vp);
	vm_destroy(&vm);
}

static void on_signal(int sig)
{
	(void)sig;
}

static GUEST_CODE void guest_waits_for_ever(void)
{
	sti_hlt();
	GUEST_DONE();
}

/* With interrupts on it is no message, whatever the other VPs do. */
TEST(halt_with_interrupts_on_makes_no_message)
{
	struct sigaction action = { .sa_handler = on_signal };
	struct itimerval timer = { .it_value = { .tv_usec = 200000 } };
	struct test_vm vm;

	ASSERT_EQ(0, sigaction(SIGALRM, &action, NULL));
	vm_init_long(&vm, PT_LAPIC, guest_waits_for_ever);
	timer.it_interval = timer.it_value;
	ASSERT_EQ(0, setitimer(ITIMER_REAL, &timer, NULL));
	EXPECT_EQ(-EINTR, mshv_vp_run(&vm.vp));
	timer = (struct itimerval){ 0 };
	ASSERT_EQ(0, setitimer(ITIMER_REAL, &timer, NULL));
	vm_destroy(&vm);
}

MSHV_TEST_MAIN
