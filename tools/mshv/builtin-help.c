// SPDX-License-Identifier: GPL-2.0-only
/*
 * mshv help: the list of subcommands, or the help of one.
 */
#include <string.h>

#include "builtin.h"

void print_commands(FILE *f)
{
	const struct builtin *b;

	fprintf(f, "usage: mshv SUBCOMMAND [OPTION]...\n\n");
	for (b = builtins; b->name; b++)
		fprintf(f, "  %-6s %s\n", b->name, b->summary);
	fprintf(f, "\n'mshv SUBCOMMAND --help' shows its options, mshv(1) has the rest.\n");
}

int cmd_help(int argc, char **argv)
{
	const struct builtin *b;

	if (argc < 2 || !strcmp(argv[1], "help") || !strcmp(argv[1], "--help")) {
		print_commands(stdout);
		return STATUS_OK;
	}
	for (b = builtins; b->name; b++) {
		if (!strcmp(argv[1], b->name)) {
			argv[0] = argv[1];
			argv[1] = "--help";
			return b->run(2, argv);
		}
	}
	fprintf(stderr, "mshv: '%s' is not a subcommand: see 'mshv help'\n", argv[1]);
	return STATUS_USAGE;
}
