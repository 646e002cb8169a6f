/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the suites share.
 */
#ifndef MSHV_TEST_H
#define MSHV_TEST_H

#include <kunit/test.h>
#include <linux/completion.h>
#include <linux/types.h>

#include "fake_hv.h"

struct mshv_partition;
struct mshv_vp;

/**
 * test_init() - start of every test
 * @test: the test
 *
 * Return: 0.
 */
int test_init(struct kunit *test);

/**
 * test_exit() - end of every test
 * @test: the test; it fails if it leaves a partition, or if the driver did what
 *	no driver may
 */
void test_exit(struct kunit *test);

/**
 * test_user() - memory of user space
 * @test: the test
 * @size: bytes, a multiple of the page size
 *
 * Return: its address; zeroed, readable, writable.
 */
unsigned long test_user(struct kunit *test, size_t size);

/**
 * test_ioctl() - an ioctl as user space makes it
 * @test: the test
 * @fd: a file descriptor
 * @cmd: which ioctl
 * @arg: its argument, in user memory, or 0
 *
 * Return: what user space gets, errors negative.
 */
long test_ioctl(struct kunit *test, int fd, unsigned int cmd, unsigned long arg);

/**
 * test_ioctl_in() - an ioctl with an argument that it only reads
 * @test: the test
 * @fd: a file descriptor
 * @cmd: which ioctl
 * @arg: its argument
 * @size: of that, in bytes
 *
 * Return: what user space gets, errors negative.
 */
long test_ioctl_in(struct kunit *test, int fd, unsigned int cmd, const void *arg, size_t size);

/**
 * test_close() - close a file
 * @fd: its descriptor
 *
 * What that leads to has happened when this returns.
 */
void test_close(int fd);

/**
 * test_partition() - a new partition, initialized
 * @test: the test
 *
 * Return: its file descriptor, which is for the test to close.
 */
int test_partition(struct kunit *test);

/**
 * test_delete() - let the hypervisor delete a partition that the driver has given up
 * @test: the test
 * @id: its ID
 */
void test_delete(struct kunit *test, u64 id);

/**
 * test_partition_of() - the driver's structure behind a partition's file
 * @test: the test
 * @fd: its descriptor
 *
 * Return: the partition, valid as long as the file is open.
 */
struct mshv_partition *test_partition_of(struct kunit *test, int fd);

/**
 * test_vp() - a new VP
 * @test: the test
 * @fd: its partition's file descriptor
 * @vp_index: its index
 *
 * Return: its file descriptor, which is for the test to close.
 */
int test_vp(struct kunit *test, int fd, u32 vp_index);

/**
 * test_vp_of() - the driver's structure behind a VP's file
 * @test: the test
 * @fd: its descriptor
 *
 * Return: the VP, valid as long as the file is open.
 */
struct mshv_vp *test_vp_of(struct kunit *test, int fd);

/**
 * test_eventfd() - a new eventfd
 * @test: the test
 *
 * Return: its file descriptor, which is for the test to close.
 */
int test_eventfd(struct kunit *test);

/**
 * test_signal() - signal an eventfd
 * @test: the test
 * @fd: its descriptor
 */
void test_signal(struct kunit *test, int fd);

/**
 * test_count() - take an eventfd's count
 * @test: the test
 * @fd: its descriptor
 *
 * Return: what read(2) would give, and 0 where it would block.
 */
u64 test_count(struct kunit *test, int fd);

/**
 * test_route() - set a routing table of one entry
 * @test: the test
 * @fd: partition's file descriptor
 * @gsi: the entry's number
 * @address: MSI address
 * @data: MSI data
 */
void test_route(struct kunit *test, int fd, u32 gsi, u32 address, u32 data);

/**
 * test_set_scheduler() - let the hypervisor have another scheduler
 * @scheduler: HV_SCHEDULER_TYPE_*
 *
 * Until the end of the test; no partition exists.
 */
void test_set_scheduler(u64 scheduler);

/**
 * struct test_runner - a thread that runs a VP
 * @task: the thread
 * @mm: the address space it does that in
 * @vp_fd: the VP's file descriptor
 * @user: where the message goes
 * @ret: what MSHV_RUN_VP returned
 * @done: completed when it has
 */
struct test_runner {
	struct task_struct *task;
	struct mm_struct *mm;
	int vp_fd;
	unsigned long user;
	long ret;
	struct completion done;
};

/**
 * test_run() - run a VP in a thread of its own
 * @test: the test
 * @vp_fd: the VP's file descriptor
 *
 * The thread can be sent SIGUSR1.
 *
 * Return: the thread, freed with the test.
 */
struct test_runner *test_run(struct kunit *test, int vp_fd);

/**
 * test_run_waits() - run a VP in a thread of its own, until it waits for the hypervisor
 * @test: the test
 * @vp_fd: the VP's file descriptor
 *
 * As test_run(), for a VP that is blocked, or that runs by itself until it has a message.
 *
 * Return: the thread, freed with the test.
 */
struct test_runner *test_run_waits(struct kunit *test, int vp_fd);

/**
 * test_ran() - wait until MSHV_RUN_VP has returned
 * @test: the test
 * @runner: the thread
 *
 * Return: what it returned.
 */
long test_ran(struct kunit *test, struct test_runner *runner);

/**
 * test_message_type() - the message that user space got
 * @test: the test
 * @user: where
 *
 * Return: its type.
 */
u32 test_message_type(struct kunit *test, unsigned long user);

/**
 * test_root_balance() - pages that root's own pool holds
 *
 * Return: their number.
 */
u64 test_root_balance(void);

/**
 * test_fail_alloc() - let an allocation of this thread's fail
 * @n: which one from now on, from 1; 0: none after all
 */
void test_fail_alloc(unsigned int n);

/**
 * test_alloc_failed() - whether the allocation that test_fail_alloc() spoke of has come
 *
 * Return: true if it has. None will fail after this call.
 */
bool test_alloc_failed(void);

#endif /* MSHV_TEST_H */
