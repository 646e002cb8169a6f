// SPDX-License-Identifier: GPL-2.0-only
/*
 * Load another kernel, for now or for when this one crashes, and start it:
 * what tests need of kexec(8), by kexec_file_load(2).
 *
 * Usage: kexec load|crash KERNEL INITRD PARAMETERS
 *        kexec start
 */
#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <linux/kexec.h>
#include <linux/reboot.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static int open_file(const char *name)
{
	int fd = open(name, O_RDONLY);

	if (fd < 0)
		err(1, "%s", name);
	return fd;
}

static void load(char **argv, unsigned long flags)
{
	int kernel = open_file(argv[0]), initrd = open_file(argv[1]);

	/* The length counts the byte that ends the string. */
	if (syscall(SYS_kexec_file_load, kernel, initrd, strlen(argv[2]) + 1, argv[2], flags))
		err(1, "kexec_file_load");
}

int main(int argc, char **argv)
{
	if (argc == 5 && !strcmp(argv[1], "load")) {
		load(argv + 2, 0);
	} else if (argc == 5 && !strcmp(argv[1], "crash")) {
		load(argv + 2, KEXEC_FILE_ON_CRASH);
	} else if (argc == 2 && !strcmp(argv[1], "start")) {
		syscall(SYS_reboot, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2,
			LINUX_REBOOT_CMD_KEXEC, NULL);
		err(1, "reboot");
	} else {
		fprintf(stderr, "usage: kexec load|crash KERNEL INITRD PARAMETERS\n"
			"       kexec start\n");
		return 2;
	}
	return 0;
}
