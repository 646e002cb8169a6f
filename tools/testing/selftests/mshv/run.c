// SPDX-License-Identifier: GPL-2.0-only
/*
 * Running a VP: the messages that a guest's instructions make, how a VMM goes
 * on after them, and how it gets its thread back.
 */
#include <pthread.h>
#include <time.h>

#include "mshv_test.h"

/* A guest in real mode that adds two numbers and prints the sum */
static const uint8_t add_and_print[] = {
	0xba, 0xf8, 0x03,	/* mov $0x3f8, %dx	*/
	0x00, 0xd8,		/* add %bl, %al		*/
	0x04, '0',		/* add $'0', %al	*/
	0xee,			/* out %al, %dx		*/
	0xb0, 0x00,		/* mov $0, %al		*/
	0xee,			/* out %al, %dx		*/
	0xf4,			/* hlt			*/
};

TEST(flat_guest_adds_and_prints)
{
	const struct hv_x64_io_port_intercept_message *io;
	struct test_vm vm;

	vm_init_real(&vm, 0, add_and_print, sizeof(add_and_print));
	ASSERT_OK(mshv_vp_set_register(&vm.vp, HV_X64_REGISTER_RAX, 2));
	ASSERT_OK(mshv_vp_set_register(&vm.vp, HV_X64_REGISTER_RBX, 2));

	ASSERT_EQ(HVMSG_X64_IO_PORT_INTERCEPT, vm_run(&vm));
	io = mshv_msg_io(&vm.vp.msg);
	EXPECT_EQ(128, vm.vp.msg.header.payload_size);
	EXPECT_EQ(0, io->header.vp_index);
	EXPECT_EQ(0x3f8, io->port_number);
	EXPECT_EQ('4', io->rax);
	EXPECT_EQ(1, io->access_info) TH_LOG("one byte, no string, no REP");
	EXPECT_EQ(HV_INTERCEPT_ACCESS_WRITE, io->header.intercept_access_type);
	EXPECT_EQ(0x1007, io->header.rip) TH_LOG("RIP is that of the instruction");
	EXPECT_EQ(1, mshv_msg_insn_length(&io->header));
	EXPECT_EQ(0, io->header.execution_state & HV_X64_EXEC_STATE_CR0_PE);
	vm_complete(&vm);

	ASSERT_EQ(HVMSG_X64_IO_PORT_INTERCEPT, vm_run(&vm));
	EXPECT_EQ(0, io->rax);
	vm_complete(&vm);
	EXPECT_EQ(HVMSG_X64_HALT, vm_run(&vm));
	vm_destroy(&vm);
}

/* The same by hypercalls, as a VMM without the register page does */
TEST(flat_guest_runs_without_the_register_page)
{
	struct test_vm vm;

	vm_init_real(&vm, 0, add_and_print, sizeof(add_and_print));
	vm.vp.page = NULL;
	ASSERT_OK(mshv_vp_set_register(&vm.vp, HV_X64_REGISTER_RAX, 3));
	ASSERT_OK(mshv_vp_set_register(&vm.vp, HV_X64_REGISTER_RBX, 4));
	ASSERT_EQ(HVMSG_X64_IO_PORT_INTERCEPT, vm_run(&vm));
	EXPECT_EQ('7', mshv_msg_io(&vm.vp.msg)->rax);
	vm_complete(&vm);
	ASSERT_EQ(HVMSG_X64_IO_PORT_INTERCEPT, vm_run(&vm));
	vm_complete(&vm);
	EXPECT_EQ(HVMSG_X64_HALT, vm_run(&vm));
	vm_destroy(&vm);
}

TEST(message_page_has_the_message)
{
	const struct hv_message *page;
	struct test_vm vm;

	vm_init_real(&vm, 0, add_and_print, sizeof(add_and_print));
	page = mmap(NULL, PAGE_SIZE, PROT_READ, MAP_SHARED, vm.vp.fd, PAGE_SIZE);
	ASSERT_NE(MAP_FAILED, (void *)page);
	ASSERT_EQ(HVMSG_X64_IO_PORT_INTERCEPT, vm_run(&vm));
	EXPECT_EQ(0, memcmp(page, &vm.vp.msg, sizeof(*page)));
	vm_destroy(&vm);
}

/* Until the VMM goes past it, the instruction is executed again. */
TEST(message_repeats_until_rip_is_moved)
{
	struct test_vm vm;
	int i;

	vm_init_real(&vm, 0, add_and_print + 7, sizeof(add_and_print) - 7);
	for (i = 0; i < 3; i++) {
		ASSERT_EQ(HVMSG_X64_IO_PORT_INTERCEPT, vm_run(&vm));
		EXPECT_EQ(0x1000, mshv_msg_header(&vm.vp.msg)->rip);
	}
	vm_destroy(&vm);
}

static GUEST_CODE void guest_does_port_io(void)
{
	GUEST_ASSERT_EQ(inb(0x60), 0xfe);
	GUEST_ASSERT_EQ(inw(0x62), 0xdcfe);
	GUEST_ASSERT_EQ(inl(0x64), 0x7698dcfe);
	outb(0x70, 0x12);
	outw(0x72, 0x1234);
	outl(0x74, 0x12345678);
	GUEST_DONE();
}

TEST(port_io_of_all_sizes)
{
	static const struct {
		unsigned int port, size;
		uint64_t value;
	} writes[] = { { 0x70, 1, 0x12 }, { 0x72, 2, 0x1234 }, { 0x74, 4, 0x12345678 } };
	const struct hv_x64_io_port_intercept_message *io;
	const __u64 device = 0x7698dcfe;
	struct test_vm vm;
	__u64 mask, rax;
	int i;

	vm_init_long(&vm, 0, guest_does_port_io);
	io = mshv_msg_io(&vm.vp.msg);
	for (i = 0; i < 3; i++) {
		ASSERT_EQ(HVMSG_X64_IO_PORT_INTERCEPT, vm_run(&vm));
		EXPECT_EQ(0x60 + 2 * i, io->port_number);
		EXPECT_EQ(1 << i, io->access_info & HV_X64_IO_PORT_ACCESS_SIZE_MASK);
		EXPECT_EQ(HV_INTERCEPT_ACCESS_READ, io->header.intercept_access_type);
		mask = (1ULL << (8 << i)) - 1;
		rax = (io->rax & ~mask) | (device & mask);
		ASSERT_OK(mshv_vp_complete(&vm.vp, &rax));
	}
	for (i = 0; i < 3; i++) {
		ASSERT_EQ(HVMSG_X64_IO_PORT_INTERCEPT, vm_run(&vm));
		EXPECT_EQ(writes[i].port, io->port_number);
		EXPECT_EQ(writes[i].size, io->access_info);
		mask = (1ULL << (8 * writes[i].size)) - 1;
		EXPECT_EQ(writes[i].value, io->rax & mask);
		EXPECT_EQ(HV_INTERCEPT_ACCESS_WRITE, io->header.intercept_access_type);
		vm_complete(&vm);
	}
	vm_run_to_done(&vm);
	vm_destroy(&vm);
}

static const char guest_string[] = "string";

static GUEST_CODE void guest_does_string_io(void)
{
	const void *address = guest_string;
	unsigned long count = sizeof(guest_string) - 1;

	asm volatile("rep outsb" : "+S"(address), "+c"(count) : "d"(0x80) : "memory");
	GUEST_DONE();
}

TEST(string_io_message_is_complete)
{
	const struct hv_x64_io_port_intercept_message *io;
	struct test_vm vm;

	vm_init_long(&vm, 0, guest_does_string_io);
	io = mshv_msg_io(&vm.vp.msg);
	ASSERT_EQ(HVMSG_X64_IO_PORT_INTERCEPT, vm_run(&vm));
	EXPECT_EQ(0x80, io->port_number);
	EXPECT_EQ(1 | HV_X64_IO_PORT_STRING_OP | HV_X64_IO_PORT_REP_PREFIX, io->access_info);
	EXPECT_EQ(sizeof(guest_string) - 1, io->rcx);
	EXPECT_EQ((uintptr_t)guest_string, io->rsi);
	EXPECT_EQ(2, mshv_msg_insn_length(&io->header));
	ASSERT_LE(2, io->instruction_byte_count);
	EXPECT_EQ(0xf3, io->instruction_bytes[0]);
	EXPECT_EQ(0x6e, io->instruction_bytes[1]);
	EXPECT_EQ(MSHV_BOOT_DS, io->ds_segment.selector);
	EXPECT_EQ(0xffffffff, io->es_segment.limit);
	EXPECT_EQ(0, io->es_segment.base);
	vm_complete(&vm);
	vm_run_to_done(&vm);
	vm_destroy(&vm);
}

#define DEVICE_GPA	0xd0000000ULL

static GUEST_CODE void guest_does_mmio(void)
{
	volatile uint32_t *device = (void *)DEVICE_GPA;

	GUEST_ASSERT_EQ(device[4], 0xabcd1234);
	device[5] = 0x5a5a5a5a;
	GUEST_DONE();
}

TEST(access_without_memory_is_a_message)
{
	const struct hv_x64_memory_intercept_message *mem;
	struct mshv_regs regs;
	struct test_vm vm;
	__u64 gpa = 0;

	vm_init_long(&vm, 0, guest_does_mmio);
	mem = mshv_msg_memory(&vm.vp.msg);
	ASSERT_EQ(HVMSG_UNMAPPED_GPA, vm_run(&vm));
	EXPECT_EQ(80, vm.vp.msg.header.payload_size);
	EXPECT_EQ(HV_INTERCEPT_ACCESS_READ, mem->header.intercept_access_type);
	EXPECT_EQ(DEVICE_GPA, mem->guest_physical_address & ~0xfffULL);
	EXPECT_TRUE(mem->memory_access_info & HV_X64_MEMORY_ACCESS_GVA_VALID);
	EXPECT_TRUE(mem->memory_access_info & HV_X64_MEMORY_ACCESS_GVA_GPA_VALID);
	EXPECT_EQ(DEVICE_GPA, mem->guest_virtual_address & ~0xfffULL);
	EXPECT_TRUE(mem->header.execution_state & HV_X64_EXEC_STATE_CR0_PE);
	EXPECT_TRUE(mem->header.execution_state & HV_X64_EXEC_STATE_EFER_LMA);
	EXPECT_EQ(MSHV_BOOT_CS, mem->header.cs_segment.selector);
	ASSERT_GE(16, mem->instruction_byte_count);
	EXPECT_EQ(0, memcmp(mem->instruction_bytes,
			    vm_guest_address(&vm, mem->header.rip, 16),
			    mem->instruction_byte_count));
	EXPECT_LE(1, mem->instruction_byte_count) TH_LOG("VMMs decode these bytes");
	ASSERT_OK(mshv_vp_get_regs(&vm.vp, &regs));
	EXPECT_EQ(mem->header.rip, regs.rip);
	EXPECT_EQ(HV_TRANSLATE_GVA_GPA_UNMAPPED,
		  mshv_translate_gva(vm.vp.fd, 0, mem->guest_virtual_address,
				     HV_TRANSLATE_GVA_VALIDATE_READ, &gpa));
	vm_destroy(&vm);
}

static GUEST_CODE void guest_faults_thrice(void)
{
	GUEST_SYNC(1);
	/* No IDT: the page fault, the double fault, and then nothing more */
	*(volatile int *)0x123456789abc = 1;
	GUEST_SYNC(2);
	GUEST_DONE();
}

TEST(triple_fault_is_a_message)
{
	struct test_vm vm;

	vm_init_long(&vm, 0, guest_faults_thrice);
	vm_run_to_sync(&vm, 1);
	EXPECT_EQ(HVMSG_UNRECOVERABLE_EXCEPTION, vm_run(&vm));
	vm_destroy(&vm);
}

/* ---- Getting the thread back ---- */

static const uint8_t spin[] = { 0xeb, 0xfe };	/* jmp . */

/* movb $1, 0x1800; jmp . */
static const uint8_t tell_and_spin[] = { 0xc6, 0x06, 0x00, 0x18, 0x01, 0xeb, 0xfe };

struct runner {
	struct test_vm vm;
	pthread_t thread;
	volatile bool ended;
	int ret;
};

static void on_signal(int signal)
{
	(void)signal;
}

static void *run_thread(void *arg)
{
	struct runner *r = arg;

	r->ret = mshv_run_vp(r->vm.vp.fd, &r->vm.vp.msg);
	r->ended = true;
	return NULL;
}

/* A guest that spins, in a thread of its own: it does when this returns. */
static void start_runner(struct runner *r)
{
	struct sigaction action = { .sa_handler = on_signal };
	volatile uint8_t *spins;

	sigaction(SIGUSR1, &action, NULL);
	memset(r, 0, sizeof(*r));
	vm_init_real(&r->vm, 0, tell_and_spin, sizeof(tell_and_spin));
	spins = vm_guest_address(&r->vm, 0x1800, 1);
	TEST_ASSERT(!pthread_create(&r->thread, NULL, run_thread, r), "no thread");
	while (!*spins && !r->ended)
		usleep(1000);
}

TEST(signal_interrupts_a_guest_that_spins)
{
	struct runner r;
	__u64 suspend = 2;

	start_runner(&r);
	EXPECT_GE(2, vm_interrupt(r.thread, &r.ended));
	EXPECT_EQ(-EINTR, r.ret);
	/* Its state can be read, and it can go on. */
	EXPECT_OK(mshv_vp_get_register(&r.vm.vp, HV_REGISTER_INTERCEPT_SUSPEND, &suspend));
	EXPECT_EQ(0, suspend);
	ASSERT_OK(mshv_vp_set_register(&r.vm.vp, HV_X64_REGISTER_RIP, 0x1002));
	memcpy(vm_guest_address(&r.vm, 0x1002, 2), "\xe6\x10", 2);	/* out %al, $0x10 */
	EXPECT_EQ(HVMSG_X64_IO_PORT_INTERCEPT, vm_run(&r.vm));
	vm_destroy(&r.vm);
}

TEST(signal_that_was_there_before_interrupts_at_once)
{
	struct sigaction action = { .sa_handler = on_signal };
	struct hv_message msg;
	struct test_vm vm;
	sigset_t set;
	int i, ret;

	sigaction(SIGUSR1, &action, NULL);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	vm_init_real(&vm, 0, spin, sizeof(spin));
	/* From another process, so that it may arrive at any moment of the call */
	for (i = 0; i < 50; i++) {
		pid_t self = getpid(), pid = fork();

		if (!pid) {
			for (;;) {
				usleep(500);
				if (kill(self, SIGUSR1))
					_exit(0);
			}
		}
		ret = mshv_run_vp(vm.vp.fd, &msg);
		EXPECT_EQ(-EINTR, ret);
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
	}
	vm_destroy(&vm);
}

TEST(no_message_is_lost_to_a_signal)
{
	/* 1: in $0x10, %al; inc %bx; jmp 1b */
	static const uint8_t code[] = { 0xe4, 0x10, 0x43, 0xeb, 0xfb };
	struct sigaction action = { .sa_handler = on_signal };
	struct itimerspec every = { .it_value.tv_nsec = 1000000, .it_interval.tv_nsec = 777777 };
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1 };
	unsigned int messages = 0, signals = 0, in_a_row = 0;
	struct test_vm vm;
	__u64 rbx = 0;
	timer_t timer;
	int ret;

	sigaction(SIGUSR1, &action, NULL);
	vm_init_real(&vm, 0, code, sizeof(code));
	ASSERT_OK(mshv_vp_set_register(&vm.vp, HV_X64_REGISTER_RBX, 0));
	ASSERT_EQ(0, timer_create(CLOCK_MONOTONIC, &event, &timer));
	ASSERT_EQ(0, timer_settime(timer, 0, &every, NULL));
	while (messages < 3000) {
		ret = mshv_vp_run(&vm.vp);
		if (ret == -EINTR) {
			signals++;
			/* A machine that is too slow for the guest to run in between */
			if (++in_a_row % 16 == 0) {
				every.it_interval.tv_nsec *= 2;
				ASSERT_GT(1000000000, every.it_interval.tv_nsec);
				ASSERT_EQ(0, timer_settime(timer, 0, &every, NULL));
			}
			continue;
		}
		in_a_row = 0;
		ASSERT_EQ(0, ret);
		ASSERT_EQ(HVMSG_X64_IO_PORT_INTERCEPT, vm.vp.msg.header.message_type);
		ASSERT_OK(mshv_vp_get_register(&vm.vp, HV_X64_REGISTER_RBX, &rbx));
		ASSERT_EQ(messages, rbx);
		messages++;
		vm_complete(&vm);
	}
	timer_delete(timer);
	TH_LOG("%u messages, %u signals", messages, signals);
	vm_destroy(&vm);
}

/* ---- Sticky cancellation ---- */

TEST(cancellation_stays_until_a_run_takes_it)
{
	struct test_vm vm;
	struct hv_message msg;

	vm_init_real(&vm, 0, spin, sizeof(spin));
	if (ioctl(vm.vp.fd, MSHV_CANCEL_VP, MSHV_CANCEL_VP_CLEAR) < 0 && errno == ENOTTY)
		SKIP(return, "the driver has no sticky cancellation");
	EXPECT_EQ(0, ioctl(vm.vp.fd, MSHV_CANCEL_VP, MSHV_CANCEL_VP_CLEAR));

	/* Made before the run: it ends the run at once, and only that one. */
	EXPECT_EQ(0, ioctl(vm.vp.fd, MSHV_CANCEL_VP, 0));
	EXPECT_EQ(-EINTR, mshv_run_vp(vm.vp.fd, &msg));
	EXPECT_EQ(0, ioctl(vm.vp.fd, MSHV_CANCEL_VP, MSHV_CANCEL_VP_CLEAR));

	/* Two are one; one that was withdrawn is none. */
	EXPECT_EQ(0, ioctl(vm.vp.fd, MSHV_CANCEL_VP, 0));
	EXPECT_EQ(0, ioctl(vm.vp.fd, MSHV_CANCEL_VP, 0));
	EXPECT_EQ(-EINTR, mshv_run_vp(vm.vp.fd, &msg));
	EXPECT_EQ(0, ioctl(vm.vp.fd, MSHV_CANCEL_VP, 0));
	EXPECT_EQ(1, ioctl(vm.vp.fd, MSHV_CANCEL_VP, MSHV_CANCEL_VP_CLEAR));
	EXPECT_EQ(0, ioctl(vm.vp.fd, MSHV_CANCEL_VP, MSHV_CANCEL_VP_CLEAR));
	memcpy(vm_guest_address(&vm, 0x1000, 2), "\xe6\x10", 2);	/* out %al, $0x10 */
	EXPECT_EQ(HVMSG_X64_IO_PORT_INTERCEPT, vm_run(&vm));

	EXPECT_ERRNO(EINVAL, ioctl(vm.vp.fd, MSHV_CANCEL_VP, ~MSHV_CANCEL_VP_FLAGS_MASK));
	EXPECT_ERRNO(ENOTTY, ioctl(vm.partition, MSHV_CANCEL_VP, 0));
	EXPECT_ERRNO(ENOTTY, ioctl(vm.dev, MSHV_CANCEL_VP, 0));
	vm_destroy(&vm);
}

TEST(cancellation_ends_a_guest_that_spins)
{
	struct test_vm vm;
	struct runner r;
	int i;

	/* Linux's own has any ioctl wait for a VP that runs, and one that it does not know. */
	vm_init_real(&vm, 0, spin, sizeof(spin));
	if (ioctl(vm.vp.fd, MSHV_CANCEL_VP, MSHV_CANCEL_VP_CLEAR) < 0 && errno == ENOTTY)
		SKIP(return, "the driver has no sticky cancellation");
	vm_destroy(&vm);

	for (i = 0; i < 20; i++) {
		start_runner(&r);
		ASSERT_EQ(0, ioctl(r.vm.vp.fd, MSHV_CANCEL_VP, 0));
		pthread_join(r.thread, NULL);
		EXPECT_EQ(-EINTR, r.ret);
		vm_destroy(&r.vm);
	}
}

TEST(second_run_waits_for_the_first)
{
	struct runner r, second;
	int ms;

	start_runner(&r);
	second = r;
	ASSERT_EQ(0, pthread_create(&second.thread, NULL, run_thread, &second));
	usleep(50000);
	EXPECT_FALSE(r.ended);
	EXPECT_FALSE(second.ended);
	pthread_kill(r.thread, SIGUSR1);
	for (ms = 0; ms < 1000 && !r.ended; ms++)
		usleep(1000);
	/*
	 * When the first went through user mode, for other work that it had, the second may have
	 * taken its place: what waits is deaf to signals until that has gone, too.
	 */
	if (!r.ended)
		pthread_kill(second.thread, SIGUSR1);
	vm_interrupt(r.thread, &r.ended);
	EXPECT_EQ(-EINTR, r.ret);
	usleep(50000);
	vm_interrupt(second.thread, &second.ended);
	EXPECT_EQ(-EINTR, second.ret);
}

TEST(closing_every_fd_while_a_vp_runs)
{
	struct runner r;

	start_runner(&r);
	close(r.vm.vp.fd);
	close(r.vm.partition);
	close(r.vm.dev);
	usleep(20000);
	vm_interrupt(r.thread, &r.ended);
	/*
	 * A thread that lost its processor meanwhile goes through user mode, and comes
	 * back with a descriptor that is none any more.
	 */
	EXPECT_TRUE(r.ret == -EINTR || r.ret == -EBADF);
	errno = 0;
	EXPECT_EQ(-1, ioctl(r.vm.vp.fd, MSHV_RUN_VP, &r.vm.vp.msg));
	EXPECT_EQ(EBADF, errno);
}

TEST(run_to_unreadable_memory_loses_nothing)
{
	struct test_vm vm;

	vm_init_real(&vm, 0, add_and_print, sizeof(add_and_print));
	ASSERT_OK(mshv_vp_set_register(&vm.vp, HV_X64_REGISTER_RAX, 2));
	ASSERT_OK(mshv_vp_set_register(&vm.vp, HV_X64_REGISTER_RBX, 2));
	EXPECT_ERRNO(EFAULT, ioctl(vm.vp.fd, MSHV_RUN_VP, NULL));
	ASSERT_EQ(HVMSG_X64_IO_PORT_INTERCEPT, vm_run(&vm));
	EXPECT_EQ('4', mshv_msg_io(&vm.vp.msg)->rax);
	vm_destroy(&vm);
}

MSHV_TEST_MAIN
