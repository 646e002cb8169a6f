// SPDX-License-Identifier: GPL-2.0-only
/*
 * The console's input, which others may read, too, or which is a terminal.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <termios.h>
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

FIXTURE(terminal) {
	int keyboard;
	struct termios before;
	struct vm vm;
};

FIXTURE_SETUP(terminal)
{
	int fd;

	self->keyboard = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	ASSERT_LE(0, self->keyboard);
	ASSERT_EQ(0, grantpt(self->keyboard));
	ASSERT_EQ(0, unlockpt(self->keyboard));
	fd = open(ptsname(self->keyboard), O_RDWR | O_NOCTTY);
	ASSERT_LE(0, fd);
	ASSERT_EQ(STDIN_FILENO, dup2(fd, STDIN_FILENO));
	close(fd);
	ASSERT_EQ(0, tcgetattr(STDIN_FILENO, &self->before));

	pthread_mutex_init(&self->vm.space.lock, NULL);
	pthread_mutex_init(&self->vm.end_lock, NULL);
	self->vm.end_event = eventfd(0, EFD_CLOEXEC);
	serial_init(&self->vm.serial);
	/* Room for all that is typed here */
	serial_ops.write(&self->vm.serial, 2, 1, 1);
	self->vm.console.vm = &self->vm;
	ASSERT_EQ(0, console_open(&self->vm.console, "stdio"));
	ASSERT_EQ(0, console_start(&self->vm.console));
}

FIXTURE_TEARDOWN(terminal)
{
	struct termios after = { 0 };

	console_close(&self->vm.console);
	EXPECT_EQ(0, tcgetattr(STDIN_FILENO, &after));
	EXPECT_EQ(self->before.c_lflag, after.c_lflag);
	close(self->vm.end_event);
	close(self->keyboard);
}

/* Type something, and see what the guest gets in 10 s, or so many bytes */
static const char *typed(struct terminal_fixture_data *self, const char *text, unsigned int count)
{
	struct serial_state *state = &self->vm.serial.state;
	static char bytes[SERIAL_FIFO_SIZE + 1];
	unsigned int i, n = 0;

	memset(bytes, 0, sizeof(bytes));
	if (write(self->keyboard, text, strlen(text)) < 0)
		return "";
	for (i = 0; i < 10000 && n < count; i++) {
		usleep(1000);
		pthread_mutex_lock(&self->vm.space.lock);
		while (state->count && n < SERIAL_FIFO_SIZE)
			bytes[n++] = serial_ops.read(&self->vm.serial, 0, 1);
		pthread_mutex_unlock(&self->vm.space.lock);
	}
	return bytes;
}

/* What comes after it is seen, so that what should not come would have been. */
TEST_F(terminal, ctrl_a_twice_is_one)
{
	EXPECT_STREQ("a\003b\rc", typed(self, "a\003b\rc", 5));
	EXPECT_STREQ("\001c", typed(self, "\001\001c", 2));
	/* And so it is when the second one comes later. */
	EXPECT_STREQ("d", typed(self, "d\001", 1));
	EXPECT_STREQ("\001x", typed(self, "\001x", 2));
	EXPECT_FALSE(self->vm.ended);
}

TEST_F(terminal, ctrl_a_and_something_else_is_both)
{
	EXPECT_STREQ("\001bx", typed(self, "\001bx", 3));
	EXPECT_FALSE(self->vm.ended);
}

static void ends(struct __test_metadata *_metadata, struct terminal_fixture_data *self,
		 const char *text)
{
	unsigned int i;

	EXPECT_STREQ("a", typed(self, text, 1));
	for (i = 0; i < 10000 && !self->vm.ended; i++)
		usleep(1000);
	ASSERT_TRUE(self->vm.ended);
	EXPECT_EQ(130, self->vm.status);
	EXPECT_STREQ("ended by Ctrl-A X", self->vm.reason);
	EXPECT_TRUE(self->vm.console.hurry);
	/* It was not typed to the guest. */
	EXPECT_EQ(0, received(&self->vm));
}

TEST_F(terminal, ctrl_a_x_ends_it)
{
	ends(_metadata, self, "a\001x");
}

TEST_F(terminal, so_does_a_capital)
{
	ends(_metadata, self, "a\001X");
}

/* Everything else can hold these bytes: they are the guest's. */
TEST_F(consoles, without_a_terminal_nothing_is_special)
{
	unsigned int count;

	serial_ops.write(&self->vms[0].serial, 2, 1, 1);
	ASSERT_EQ(0, console_start(&self->vms[0].console));
	ASSERT_EQ(4, write(self->to_stdin, "\001x\001\001", 4));
	for (count = 0; count < 4; usleep(100))
		count += received(&self->vms[0]);
	EXPECT_FALSE(self->vms[0].ended);
}

TEST_HARNESS_MAIN
