/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The log: levels, the serial console, and the ring that root can read.
 */
#ifndef OPENHV_LOG_H
#define OPENHV_LOG_H

#include <openhv/types.h>

enum log_level {
	LOG_ERROR,
	LOG_WARN,
	LOG_INFO,
	LOG_DEBUG,
};

extern enum log_level log_level;

void log_printf(enum log_level level, const char *fmt, ...) __printf(2, 3);
int vsnprintf(char *buf, size_t size, const char *fmt, va_list args);
int snprintf(char *buf, size_t size, const char *fmt, ...) __printf(3, 4);

/* To the ring only, which root can read: for what comes too often for a serial port */
void log_ring(const char *fmt, ...) __printf(1, 2);

#define log_at(level, ...) \
	do { \
		if ((level) <= log_level) \
			log_printf((level), __VA_ARGS__); \
	} while (0)
#define log_error(...)	log_at(LOG_ERROR, __VA_ARGS__)
#define log_warn(...)	log_at(LOG_WARN, __VA_ARGS__)
#define log_info(...)	log_at(LOG_INFO, __VA_ARGS__)
#define log_debug(...)	log_at(LOG_DEBUG, __VA_ARGS__)

/**
 * panic() - print why openhv cannot go on, and stop the machine
 * @fmt: what happened
 *
 * Prints the message, the state of this logical processor and a back-trace,
 * then ends the machine with OPENHV_EXIT_PANIC where it can be ended.
 */
void panic(const char *fmt, ...) __printf(1, 2) __noreturn;

/**
 * refuse() - say in one line why openhv does not start here, and stop
 * @fmt: what is missing or wrong
 */
void refuse(const char *fmt, ...) __printf(1, 2) __noreturn;

#define BUG_ON(cond) \
	do { \
		if (unlikely(cond)) \
			panic("%s:%d: %s", __FILE__, __LINE__, #cond); \
	} while (0)

#endif /* OPENHV_LOG_H */
