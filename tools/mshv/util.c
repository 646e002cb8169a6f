// SPDX-License-Identifier: GPL-2.0-only
/*
 * Messages, numbers and files.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util.h"

int complain(const char *fmt, ...)
{
	char line[512];
	va_list ap;
	int len;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);

	/* One write, so that lines of several threads do not mix; \r for a raw terminal. */
	len = dprintf(STDERR_FILENO, "mshv: %s%s\n", line, isatty(STDERR_FILENO) ? "\r" : "");
	(void)len;
	return -1;
}

/* A number and where it ends; strtoull() alone takes signs and white space. */
static bool parse_unsigned(const char *text, uint64_t *value, char **end)
{
	if (*text < '0' || *text > '9')
		return false;
	errno = 0;
	*value = strtoull(text, end, 0);
	return errno == 0;
}

bool parse_size(const char *text, uint64_t *size)
{
	static const char units[] = "KMGT";
	const char *unit;
	unsigned int shift = 0;
	char *end;

	if (!parse_unsigned(text, size, &end))
		return false;
	if (*end) {
		unit = strchr(units, *end & ~0x20);
		if (!unit || end[1])
			return false;
		shift = 10 * (unit - units + 1);
	}
	if (!*size || *size > UINT64_MAX >> shift)
		return false;
	*size <<= shift;
	return true;
}

bool parse_number(const char *text, uint64_t min, uint64_t max, uint64_t *value)
{
	char *end;

	return parse_unsigned(text, value, &end) && !*end && *value >= min && *value <= max;
}

ssize_t read_all(int fd, void *data, size_t size, off_t offset)
{
	size_t done = 0;
	ssize_t n = 1;

	while (done < size && n) {
		n = pread(fd, (uint8_t *)data + done, size - done, offset + done);
		if (n < 0 && errno != EINTR)
			return -1;
		if (n > 0)
			done += n;
	}
	return done;
}

int read_file(const char *path, uint64_t max, struct file *file)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), ret = -1;
	struct stat st = { 0 };

	*file = (struct file){ 0 };
	if (fd < 0)
		return complain("%s: %m", path);
	if (!fstat(fd, &st) && (uint64_t)st.st_size <= max)
		file->data = malloc(st.st_size + 1);
	if (!S_ISREG(st.st_mode))
		complain("%s: not a regular file", path);
	else if ((uint64_t)st.st_size > max)
		complain("%s: too large: more than %" PRIu64 " KiB", path, max / KIB);
	else if (!file->data)
		complain("%s: out of memory", path);
	else if (read_all(fd, file->data, st.st_size, 0) != st.st_size)
		complain("%s: it cannot be read", path);
	else
		ret = 0;
	close(fd);
	file->size = st.st_size;
	if (ret)
		free_file(file);
	return ret;
}

void free_file(struct file *file)
{
	free(file->data);
	file->data = NULL;
	file->size = 0;
}

int write_all(int fd, const void *data, size_t size)
{
	const char *p = data;
	ssize_t n;

	while (size) {
		n = write(fd, p, size);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		p += n;
		size -= n;
	}
	return 0;
}

bool start_thread(pthread_t *thread, void *(*run)(void *arg), void *arg)
{
	sigset_t all, before;
	int ret;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	ret = pthread_create(thread, NULL, run, arg);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (ret)
		complain("cannot start a thread: %s", strerror(ret));
	return !ret;
}
