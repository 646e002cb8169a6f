// SPDX-License-Identifier: GPL-2.0-only
/*
 * mshv: run guests on /dev/mshv, and look at the hypervisor under it.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "builtin.h"

const struct builtin builtins[] = {
	{ "run", cmd_run, "run a guest" },
	{ "info", cmd_info, "what the hypervisor and the driver offer" },
	{ "help", cmd_help, "this list, or a subcommand's options" },
	{ NULL, NULL, NULL },
};

int main(int argc, char **argv)
{
	const struct builtin *b;
	int fd;

	/* A file opened later is not to take the place of a standard stream that is closed. */
	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= STDIN_FILENO && fd <= STDERR_FILENO);
	close(fd);
	if (argc < 2) {
		print_commands(stderr);
		return STATUS_USAGE;
	}
	for (b = builtins; b->name; b++) {
		if (!strcmp(argv[1], b->name))
			return b->run(argc - 1, argv + 1);
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))
		return cmd_help(1, argv);
	fprintf(stderr, "mshv: '%s' is not a subcommand: see 'mshv help'\n", argv[1]);
	return STATUS_USAGE;
}
