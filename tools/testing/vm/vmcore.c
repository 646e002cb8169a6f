// SPDX-License-Identifier: GPL-2.0-only
/*
 * In a crash kernel: read all of the memory that the one before it had, as programs that
 * dump it do: by mmap() of /proc/vmcore. From each page a word is taken.
 */
#include <elf.h>
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define PAGE_SIZE	4096UL
#define CHUNK		(16UL << 20)

/* Returns: how many pages were not zero */
static unsigned long read_part(int fd, off_t offset, size_t size)
{
	unsigned char *mem = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, offset);
	unsigned long used = 0, word;
	size_t at;

	if (mem == MAP_FAILED)
		err(1, "mmap: 0x%lx bytes at 0x%lx", size, (unsigned long)offset);
	for (at = 0; at + sizeof(word) <= size; at += PAGE_SIZE) {
		memcpy(&word, mem + at, sizeof(word));
		used += word != 0;
	}
	munmap(mem, size);
	return used;
}

int main(void)
{
	int fd = open("/proc/vmcore", O_RDONLY);
	unsigned long used = 0;
	char ident[SELFMAG];
	struct stat stat;
	off_t at;

	if (fd < 0 || fstat(fd, &stat) || read(fd, ident, SELFMAG) != SELFMAG)
		err(1, "/proc/vmcore");
	if (memcmp(ident, ELFMAG, SELFMAG))
		errx(1, "/proc/vmcore is no core");
	for (at = 0; at < stat.st_size; at += CHUNK) {
		size_t rest = stat.st_size - at;

		used += read_part(fd, at, rest < CHUNK ? rest : CHUNK);
	}
	printf("%lu MiB read, %lu pages are not empty\n", (unsigned long)stat.st_size >> 20, used);
	return used ? 0 : 1;
}
