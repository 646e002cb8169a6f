/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The other end of the guest's serial line: the terminal, or a file.
 */
#ifndef MSHV_CONSOLE_H
#define MSHV_CONSOLE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <termios.h>

struct vm;

/*
 * The console. The caller sets the machine; hurry if no one is to be waited for any
 * longer who does not read: what cannot be written at once is lost then; and signals.
 * The rest is the console's own. The lock guards buffer and used.
 */
struct console {
	struct vm *vm;

	int in, out;			/* -1: none */
	bool raw;			/* the terminal is in raw mode */
	struct termios terminal;	/* as it was before */
	bool escape;			/* the last byte was Ctrl-A */
	int wake;			/* eventfd for the thread */
	bool started;
	atomic_bool stop;
	atomic_bool hurry;
	int signals;			/* when it can be read, it is in a hurry too; -1: none */
	pthread_t thread;

	pthread_mutex_t lock;
	unsigned int used;
	uint8_t buffer[512];		/* output that is not written yet */
};

/**
 * console_open() - open the console, or complain
 * @console: what to fill in; its machine is set
 * @target: "stdio" or the path of a file, a terminal or a pipe
 *
 * Return: 0, or -1 after a complaint.
 */
int console_open(struct console *console, const char *target);

/**
 * console_start() - start to read input
 * @console: the console
 *
 * If the input is a terminal, it is in raw mode from here to console_close().
 *
 * Return: 0, or -1 after a complaint.
 */
int console_start(struct console *console);

/**
 * console_close() - write what is left, give the terminal back, and close
 * @console: the console, or one that console_open() has not opened
 */
void console_close(struct console *console);

/**
 * console_output() - a byte from the guest
 * @console: the console
 * @byte: the byte
 */
void console_output(struct console *console, uint8_t byte);

/**
 * console_flush() - write what the guest has sent
 * @console: the console
 */
void console_flush(struct console *console);

#endif /* MSHV_CONSOLE_H */
