// SPDX-License-Identifier: GPL-2.0-only
/*
 * The other end of the guest's serial line.
 *
 * Output is gathered until a line ends, and for at most FLUSH_MS: a guest
 * writes byte by byte, and a system call for each would be most of the cost.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "builtin.h"
#include "vm.h"

#define FLUSH_MS	10
#define POLL_FULL_MS	20	/* how often to look whether a full guest has room again */
#define POLL_READER_MS	100	/* how often to look whether the machine has ended meanwhile */
#define ESCAPE		0x01	/* Ctrl-A, as in QEMU and kvmtool */

static void make_raw(struct console *console)
{
	struct termios raw;

	if (console->out != STDOUT_FILENO || tcgetattr(STDIN_FILENO, &console->terminal))
		return;
	raw = console->terminal;
	cfmakeraw(&raw);
	console->raw = !tcsetattr(STDIN_FILENO, TCSANOW, &raw);
}

/*
 * Standard input that never blocks: someone else may read what there is between poll()
 * and read(), and the console's thread would not end before there is more. Our own
 * opening of it, where that can be: others go on as they are.
 */
static int open_stdin(void)
{
	struct stat st;
	int fd = -1;

	if (!fstat(STDIN_FILENO, &st) && (S_ISCHR(st.st_mode) || S_ISFIFO(st.st_mode)))
		fd = open("/dev/stdin", O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	return fd < 0 ? STDIN_FILENO : fd;
}

int console_open(struct console *console, const char *target)
{
	int fd;

	console->in = -1;
	console->out = -1;
	console->signals = -1;
	pthread_mutex_init(&console->lock, NULL);
	console->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (console->wake < 0)
		return complain("eventfd: %s", strerror(errno));

	if (!strcmp(target, "stdio")) {
		console->in = open_stdin();
		console->out = STDOUT_FILENO;
		return 0;
	}
	fd = open(target, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (fd >= 0 && isatty(fd)) {
		console->in = fd;
		console->out = fd;
		return 0;
	}
	if (fd >= 0)
		close(fd);
	console->out = open(target, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (console->out < 0)
		return complain("--serial %s: %s", target, strerror(errno));
	return 0;
}

/*
 * Whoever is to read may not: a processor that writes waits, but not longer than its
 * machine lives. What is ready takes a whole buffer at least, if it is a pipe or a file.
 */
static bool wait_for_reader(const struct console *console)
{
	struct pollfd fds[] = {
		{ .fd = console->out, .events = POLLOUT },
		{ .fd = console->signals, .events = POLLIN },
	};

	do {
		if (poll(fds, ARRAY_SIZE(fds), POLL_READER_MS) > 0 && fds[0].revents)
			return true;
	} while (!console->hurry && !fds[1].revents);
	return false;
}

static void flush_locked(struct console *console)
{
	if (!console->used)
		return;
	if (console->out >= 0 && !wait_for_reader(console))
		console->out = -1;
	/* Nobody reads any more: the guest goes on, its words are lost. */
	if (console->out >= 0 && write_all(console->out, console->buffer, console->used)) {
		complain("serial output: %s", strerror(errno));
		console->out = -1;
	}
	console->used = 0;
}

void console_flush(struct console *console)
{
	pthread_mutex_lock(&console->lock);
	flush_locked(console);
	pthread_mutex_unlock(&console->lock);
}

void console_output(struct console *console, uint8_t byte)
{
	bool first;

	pthread_mutex_lock(&console->lock);
	first = !console->used;
	console->buffer[console->used++] = byte;
	if (byte == '\n' || console->used == sizeof(console->buffer) || !console->started) {
		flush_locked(console);
		first = false;
	}
	pthread_mutex_unlock(&console->lock);
	if (first)
		eventfd_write(console->wake, 1);
}

static unsigned int guest_room(struct vm *vm)
{
	unsigned int room;

	pthread_mutex_lock(&vm->space.lock);
	room = serial_room(&vm->serial);
	pthread_mutex_unlock(&vm->space.lock);
	return room;
}

static void give_guest(struct vm *vm, uint8_t byte)
{
	pthread_mutex_lock(&vm->space.lock);
	serial_receive(&vm->serial, byte);
	pthread_mutex_unlock(&vm->space.lock);
}

/* Ctrl-A X leaves, Ctrl-A Ctrl-A is one Ctrl-A; only where a terminal is in raw mode */
static void handle_input(struct console *console, uint8_t byte)
{
	if (console->raw && !console->escape && byte == ESCAPE) {
		console->escape = true;
		return;
	}
	if (console->escape) {
		console->escape = false;
		if (byte == 'x' || byte == 'X') {
			vm_end(console->vm, STATUS_CTRL_A_X, "ended by Ctrl-A X");
			console->hurry = true;
			return;
		}
		if (byte != ESCAPE)
			give_guest(console->vm, ESCAPE);
	}
	give_guest(console->vm, byte);
}

/* Pass on as much input as the guest has room for */
static void read_input(struct console *console, unsigned int room)
{
	uint8_t bytes[16];
	ssize_t n, i;

	n = read(console->in, bytes, room < sizeof(bytes) ? room : sizeof(bytes));
	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n <= 0) {
		console->in = -1;	/* the end of the input is not the end of the guest */
		return;
	}
	for (i = 0; i < n; i++)
		handle_input(console, bytes[i]);
}

static void *console_thread(void *arg)
{
	struct console *console = arg;
	unsigned int room;
	eventfd_t count;
	bool pending;

	while (!console->stop) {
		struct pollfd fds[2] = {
			{ .fd = console->wake, .events = POLLIN },
			{ .fd = console->in, .events = POLLIN },
		};
		int timeout = -1;

		pthread_mutex_lock(&console->lock);
		pending = console->used;
		pthread_mutex_unlock(&console->lock);
		room = console->in >= 0 ? guest_room(console->vm) : 0;
		if (pending)
			timeout = FLUSH_MS;
		else if (console->in >= 0 && !room)
			timeout = POLL_FULL_MS;
		if (!room)
			fds[1].fd = -1;

		if (poll(fds, ARRAY_SIZE(fds), timeout) < 0)
			continue;
		if (fds[0].revents && eventfd_read(console->wake, &count) == 0 && !console->stop)
			usleep(FLUSH_MS * 1000);
		console_flush(console);
		if (fds[1].revents)
			read_input(console, room);
	}
	return NULL;
}

int console_start(struct console *console)
{
	if (console->in >= 0 && isatty(console->in))
		make_raw(console);
	console->started = start_thread(&console->thread, console_thread, console);
	return console->started ? 0 : -1;
}

void console_close(struct console *console)
{
	if (console->started) {
		console->stop = true;
		eventfd_write(console->wake, 1);
		pthread_join(console->thread, NULL);
		console->started = false;
		console_flush(console);
	}
	if (console->raw)
		tcsetattr(STDIN_FILENO, TCSANOW, &console->terminal);
	console->raw = false;
	if (console->wake > 0)
		close(console->wake);
	if (console->in > STDERR_FILENO && console->in != console->out)
		close(console->in);
	if (console->out > STDERR_FILENO)
		close(console->out);
	console->wake = -1;
	console->in = -1;
	console->out = -1;
}
