/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The library of the tests of /dev/mshv, in the manner of the KVM selftests:
 * what a test takes for granted is asserted in here.
 */
#ifndef MSHV_TEST_H
#define MSHV_TEST_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/ioctl.h>

#include <mshv/vp.h>

#include "guest.h"
#include "kselftest_harness.h"

#define PAGE_SIZE	4096ULL
#define BIT(n)		(1ULL << (n))

#define MEM_RW		(BIT(MSHV_SET_MEM_BIT_WRITABLE))
#define MEM_RX		(BIT(MSHV_SET_MEM_BIT_EXECUTABLE))
#define MEM_RWX		(MEM_RW | MEM_RX)
#define PT_LAPIC	(BIT(MSHV_PT_BIT_LAPIC) | BIT(MSHV_PT_BIT_X2APIC))

/*
 * End the test's process if something is not as it has to be: for the library and
 * for helpers; a test itself uses ASSERT_*() and EXPECT_*().
 */
#define TEST_ASSERT(condition, fmt, ...) \
	do { \
		if (!(condition)) \
			test_fail(__FILE__, __LINE__, #condition, fmt, ##__VA_ARGS__); \
	} while (0)

/* Skip the test, with the reason, unless the condition holds. */
#define TEST_REQUIRE(condition, fmt, ...) \
	do { \
		if (!(condition)) \
			SKIP(return, fmt, ##__VA_ARGS__); \
	} while (0)

/* An ioctl that must fail, with this errno */
#define EXPECT_ERRNO(error, call) \
	do { \
		errno = 0; \
		EXPECT_EQ(-1, call) TH_LOG("%s", #call); \
		EXPECT_EQ(error, errno) { \
			TH_LOG("%s: %s", #call, strerror(errno)); \
		} \
	} while (0)

/* A call of libmshv that must succeed */
#define ASSERT_OK(call)	ASSERT_LE(0, call) TH_LOG("%s", mshv_strerror())
#define EXPECT_OK(call)	EXPECT_LE(0, call) TH_LOG("%s", mshv_strerror())

/* A call of libmshv that must fail with this status of the hypervisor */
#define EXPECT_STATUS(expected, call) \
	do { \
		EXPECT_GT(0, call) TH_LOG("%s", #call); \
		EXPECT_EQ(HV_STATUS_##expected, mshv_last_error()->status) { \
			TH_LOG("%s: %s", #call, mshv_strerror()); \
		} \
	} while (0)

void __attribute__((noreturn, format(printf, 4, 5)))
test_fail(const char *file, int line, const char *condition, const char *fmt, ...);

/**
 * struct test_vm - a machine with one VP and some memory at address 0
 * @dev: /dev/mshv
 * @partition: the partition, initialized
 * @mem: its memory
 * @mem_size: bytes of it
 * @vp: VP 0
 */
struct test_vm {
	int dev;
	int partition;
	uint8_t *mem;
	uint64_t mem_size;
	struct mshv_vp vp;
};

/**
 * test_is_long() - whether this is a long run: MSHV_TEST_LONG is set
 *
 * Return: true if it is.
 */
bool test_is_long(void);

/**
 * test_rounds() - how often to do something
 * @few: in a run of all tests
 * @many: in a long one
 *
 * Return: one of the two.
 */
unsigned int test_rounds(unsigned int few, unsigned int many);

/**
 * dev_open() - open /dev/mshv
 *
 * Return: a file descriptor.
 */
int dev_open(void);

/**
 * partition_create() - create and initialize a partition
 * @dev: /dev/mshv
 * @flags: set of BIT(MSHV_PT_BIT_*)
 *
 * With a local APIC the guest is given all of the hypervisor's features that it
 * can be given.
 *
 * Return: a file descriptor.
 */
int partition_create(int dev, uint64_t flags);

/**
 * offered_features() - the hypervisor's features that a guest can be given
 * @dev: /dev/mshv
 *
 * Return: set of HV_SYNTHETIC_FEATURE().
 */
uint64_t offered_features(int dev);

/**
 * partition_create_as_clients() - create a partition as VMMs in Rust do
 * @dev: /dev/mshv
 * @flags: set of BIT(MSHV_PT_BIT_*), besides large pages and the lists of features
 * @features: the hypervisor's features to ask for, set of HV_SYNTHETIC_FEATURE()
 *
 * They ask what processor features the host offers, and take the others away. The
 * partition is not initialized.
 *
 * Return: a file descriptor.
 */
int partition_create_as_clients(int dev, uint64_t flags, uint64_t features);

/**
 * memory_is() - how memory that a guest is given now is held
 * @kind: "movable" or "pinned"
 *
 * Return: true if the driver's parameter says so; false too if there is none.
 */
bool memory_is(const char *kind);

/**
 * mem_alloc() - memory that can be given to a guest
 * @size: bytes, a multiple of 4096
 *
 * Return: zeroed pages.
 */
void *mem_alloc(uint64_t size);

/**
 * vm_init() - a machine without a program
 * @vm: what to fill in
 * @flags: set of BIT(MSHV_PT_BIT_*)
 * @mem_size: bytes of memory, read, write and execute
 */
void vm_init(struct test_vm *vm, uint64_t flags, uint64_t mem_size);

/**
 * vm_init_with() - as vm_init(), in a partition that the test has made
 * @vm: what to fill in
 * @dev: /dev/mshv, which is the machine's now
 * @partition: an initialized partition, which is the machine's now
 * @mem_size: bytes of memory, read, write and execute
 */
void vm_init_with(struct test_vm *vm, int dev, int partition, uint64_t mem_size);

/**
 * vm_init_real() - a machine that starts flat code in real mode, at 0x1000
 * @vm: what to fill in
 * @flags: set of BIT(MSHV_PT_BIT_*)
 * @code: the code
 * @size: bytes of it
 */
void vm_init_real(struct test_vm *vm, uint64_t flags, const void *code, size_t size);

/**
 * vm_init_long() - a machine that starts a function of this program in 64-bit mode
 * @vm: what to fill in
 * @flags: set of BIT(MSHV_PT_BIT_*)
 * @function: the function, which must not return
 *
 * The program is in the guest's memory at its own addresses, with its variables
 * as they are now: what a guest changes is seen by vm_guest_variable() only. The
 * first 4 GiB are mapped one to one.
 */
void vm_init_long(struct test_vm *vm, uint64_t flags, void (*function)(void));

/**
 * vm_init_long_with() - as vm_init_long(), in a partition that the test has made
 * @vm: what to fill in
 * @dev: /dev/mshv, which is the machine's now
 * @partition: an initialized partition, which is the machine's now
 * @function: the function, which must not return
 */
void vm_init_long_with(struct test_vm *vm, int dev, int partition, void (*function)(void));

/**
 * vm_add_vp() - another VP, which starts a function of this program in 64-bit mode
 * @vm: the machine, made by vm_init_long()
 * @vp: the VP to create
 * @index: its index; two of them that are a multiple of 16 apart have the same stack
 * @function: the function, which must not return
 *
 * It waits for no SIPI.
 */
void vm_add_vp(struct test_vm *vm, struct mshv_vp *vp, unsigned int index, void (*function)(void));

/* The guest's copy of a variable of this program */
#define vm_guest_variable(vm, variable) \
	((__typeof__(variable) *)vm_guest_address(vm, (uintptr_t)(&(variable)), sizeof(variable)))

/**
 * vm_guest_address() - guest memory in this process
 * @vm: the machine
 * @gpa: guest physical address
 * @size: bytes
 *
 * Return: a pointer; it is asserted that there is memory.
 */
void *vm_guest_address(struct test_vm *vm, uint64_t gpa, uint64_t size);

/**
 * vm_destroy() - free what a machine has
 * @vm: the machine
 */
void vm_destroy(struct test_vm *vm);

/**
 * vm_run() - run until a message comes
 * @vm: the machine
 *
 * Return: the type of the message, which is in vm->vp.msg.
 */
uint32_t vm_run(struct test_vm *vm);

/**
 * vm_run_ucall() - run until the guest's next ucall
 * @vm: the machine
 *
 * A failed assertion in the guest ends the test.
 *
 * Return: the ucall.
 */
struct ucall vm_run_ucall(struct test_vm *vm);

/**
 * vm_run_to_sync() - run until the guest says how far it is
 * @vm: the machine
 * @stage: how far it must be
 *
 * Return: the second argument of the guest's GUEST_SYNC_ARG().
 */
uint64_t vm_run_to_sync(struct test_vm *vm, uint64_t stage);

/**
 * vm_run_to_done() - run until the guest is done
 * @vm: the machine
 */
void vm_run_to_done(struct test_vm *vm);

/**
 * test_comes() - wait until something that a guest counts has got to a value
 * @count: the counter, in the guest's memory
 * @value: the value
 *
 * Return: whether it has, within 10 s.
 */
bool test_comes(const volatile uint32_t *count, uint32_t value);

/**
 * vm_interrupt() - interrupt the thread that runs a VP, by SIGUSR1, and wait for its end
 * @thread: the thread; it has a handler for the signal
 * @ended: what it sets when its run has ended
 *
 * A signal that comes just before the ioctl, or while the kernel restarts it, interrupts nothing:
 * another follows after a second.
 *
 * Return: how many signals it took.
 */
unsigned int vm_interrupt(pthread_t thread, const volatile bool *ended);

/**
 * vm_complete() - go past an intercepted port, CPUID, MSR or HLT instruction
 * @vm: the machine
 */
void vm_complete(struct test_vm *vm);

/**
 * test_require_device() - end the program, as skipped, if there is no /dev/mshv
 * @argc: of main()
 * @argv: of main()
 */
void test_require_device(int argc, char **argv);

#define MSHV_TEST_MAIN \
	int main(int argc, char **argv) \
	{ \
		test_require_device(argc, argv); \
		return test_harness_run(argc, argv); \
	}

#endif /* MSHV_TEST_H */
