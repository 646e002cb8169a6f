/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the suites share.
 */
#ifndef MSHV_TEST_H
#define MSHV_TEST_H

#include <kunit/test.h>
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
