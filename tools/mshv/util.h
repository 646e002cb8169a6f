/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Messages, numbers and files.
 */
#ifndef MSHV_UTIL_H
#define MSHV_UTIL_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define __printf(fmt, args)	__attribute__((format(printf, fmt, args)))
#define ARRAY_SIZE(array)	(sizeof(array) / sizeof((array)[0]))
#define KIB			((uint64_t)1 << 10)
#define MIB			((uint64_t)1 << 20)
#define GIB			((uint64_t)1 << 30)
#define PAGE_SIZE		((uint64_t)4096)

static inline uint64_t align_up(uint64_t value, uint64_t to)
{
	return (value + to - 1) & ~(to - 1);
}

/**
 * complain() - print "mshv: " and one line to stderr
 * @fmt: in the manner of printf, without a newline
 *
 * May be called by any thread, while the terminal is in raw mode too.
 *
 * Return: -1, for callers that pass a failure on.
 */
__printf(1, 2)
int complain(const char *fmt, ...);

/**
 * parse_size() - a size as people write it
 * @text: a decimal or hexadecimal number with an optional K, M, G or T
 * @size: where it goes, in bytes
 *
 * Return: true if @text is a size of at least one byte.
 */
bool parse_size(const char *text, uint64_t *size);

/**
 * parse_number() - a number within bounds
 * @text: a decimal or hexadecimal number
 * @min: the least that is allowed
 * @max: the most that is allowed
 * @value: where it goes
 *
 * Return: true if @text is such a number.
 */
bool parse_number(const char *text, uint64_t min, uint64_t max, uint64_t *value);

/**
 * struct file - a file that was read as a whole
 * @data: its bytes
 * @size: how many
 */
struct file {
	uint8_t *data;
	size_t size;
};

/**
 * read_file() - read a file as a whole, or complain
 * @path: its path
 * @max: the most that is read, in bytes
 * @file: where it goes; free_file() it
 *
 * Return: 0, or -1 after a complaint.
 */
int read_file(const char *path, uint64_t max, struct file *file);

/**
 * free_file() - free what read_file() has read
 * @file: the file
 */
void free_file(struct file *file);

/**
 * write_all() - write everything, however many calls it takes
 * @fd: where to
 * @data: what
 * @size: how many bytes
 *
 * Return: 0, or -1 with errno set.
 */
int write_all(int fd, const void *data, size_t size);

/**
 * read_all() - read as much as there is, however many calls it takes
 * @fd: a file
 * @data: where it goes
 * @size: how much is wanted, in bytes
 * @offset: where in the file
 *
 * Return: how many bytes there were, or -1 with errno set.
 */
ssize_t read_all(int fd, void *data, size_t size, off_t offset);

/**
 * start_thread() - start a thread to which no signals come, or complain
 * @thread: which
 * @run: what it does
 * @arg: passed on to it
 *
 * Return: true if it was started.
 */
bool start_thread(pthread_t *thread, void *(*run)(void *arg), void *arg);

#endif /* MSHV_UTIL_H */
