// SPDX-License-Identifier: GPL-2.0-only
/*
 * The console's input, which others may read, too.
 */
#include <fcntl.h>
#include <unistd.h>

#include "no_ioctl.h"
#include "vm.h"

#include "kselftest_harness.h"

#define ROUNDS	50

FIXTURE(consoles) {
	int to_stdin;
	struct vm vms[2];
};

FIXTURE_SETUP(consoles)
{
	int fds[2];
	unsigned int i;

	ASSERT_EQ(0, pipe(fds));
	ASSERT_EQ(STDIN_FILENO, dup2(fds[0], STDIN_FILENO));
	close(fds[0]);
	self->to_stdin = fds[1];
	for (i = 0; i < 2; i++) {
		pthread_mutex_init(&self->vms[i].space.lock, NULL);
		serial_init(&self->vms[i].serial);
		self->vms[i].console.vm = &self->vms[i];
		ASSERT_EQ(0, console_open(&self->vms[i].console, "stdio"));
	}
}

FIXTURE_TEARDOWN(consoles)
{
	unsigned int i;

	for (i = 0; i < 2; i++)
		console_close(&self->vms[i].console);
	close(self->to_stdin);
}

TEST_F(consoles, do_not_block_and_leave_others_alone)
{
	int in = self->vms[0].console.in;

	EXPECT_NE(STDIN_FILENO, in);
	EXPECT_TRUE(fcntl(in, F_GETFL) & O_NONBLOCK);
	EXPECT_FALSE(fcntl(STDIN_FILENO, F_GETFL) & O_NONBLOCK);
}

static unsigned int received(struct vm *vm)
{
	unsigned int count;

	pthread_mutex_lock(&vm->space.lock);
	count = vm->serial.state.count;
	vm->serial.state.count = 0;
	pthread_mutex_unlock(&vm->space.lock);
	return count;
}

/* Each byte is announced to both; the one that comes too late goes on, and can be closed. */
TEST_F(consoles, share_what_comes_in)
{
	unsigned int i, count;

	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, console_start(&self->vms[i].console));
	}
	for (i = 0; i < ROUNDS; i++) {
		ASSERT_EQ(1, write(self->to_stdin, "x", 1));
		for (count = 0; !count; usleep(100))
			count = received(&self->vms[0]) + received(&self->vms[1]);
		EXPECT_EQ(1, count);
	}
	for (i = 0; i < 2; i++)
		console_close(&self->vms[i].console);
}

TEST_HARNESS_MAIN
