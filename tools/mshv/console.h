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

/**
 * struct console_ops - what the console does to the machine
 * @room: how many bytes of input the guest can take now
 * @input: a byte for the guest
 * @quit: the user wants to leave (Ctrl-A X)
 *
 * They are called by the console's own thread.
 */
struct console_ops {
	unsigned int (*room)(void *context);
	void (*input)(void *context, uint8_t byte);
	void (*quit)(void *context);
};

/*
 * The console. The caller sets ops and context, which is passed on to ops; the rest
 * is the console's own. The lock guards buffer and used.
 */
struct console {
	const struct console_ops *ops;
	void *context;

	int in, out;			/* -1: none */
	bool raw;			/* the terminal is in raw mode */
	bool escape;			/* the last byte was Ctrl-A */
	int wake;			/* eventfd for the thread */
	bool started;
	atomic_bool stop;
	atomic_bool hurry;		/* see console_hurry() */
	int signals;			/* when it can be read, it is in a hurry too; -1: none */
	pthread_t thread;

	pthread_mutex_t lock;
	unsigned int used;
	uint8_t buffer[512];		/* output that is not written yet */
};

/**
 * console_open() - open the console, or complain
 * @console: what to fill in; @ops and @context are set
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

/**
 * console_hurry() - wait no longer for someone who does not read
 * @console: the console; what cannot be written at once is lost from now on
 */
void console_hurry(struct console *console);

/**
 * console_wake() - the guest may have room for input again
 * @console: the console
 */
void console_wake(struct console *console);

#endif /* MSHV_CONSOLE_H */
