/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The subcommands of mshv, and the exit statuses they share.
 */
#ifndef MSHV_BUILTIN_H
#define MSHV_BUILTIN_H

#include <stdio.h>

/*
 * Exit statuses. Those of a flat guest (mshv run --bin) are the guest's own;
 * the others keep clear of what shells, timeout(1) and mshv-vm use.
 */
enum mshv_status {
	STATUS_SNAPSHOT = -1,		/* never an exit status: the machine is to be saved */
	STATUS_OK = 0,			/* the guest switched itself off */
	STATUS_ERROR = 1,		/* mshv could not do what it was asked to */
	STATUS_USAGE = 2,		/* wrong command line */
	STATUS_GUEST_PANIC = 110,
	STATUS_GUEST_TRIPLE_FAULT = 111,
	STATUS_GUEST_RESET = 112,	/* the guest asked for a reset */
	STATUS_GUEST_HALTED = 113,	/* halted with interrupts off: it never ends */
	STATUS_TIMEOUT = 114,		/* --timeout has run out */
	STATUS_SIGNAL = 128,		/* plus the signal that ended mshv */
	STATUS_CTRL_A_X = 130,		/* as after SIGINT */
};

/**
 * struct builtin - a subcommand
 * @name: its name
 * @run: its main(); argv[0] is its name
 * @summary: what it does, in a few words
 */
struct builtin {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *summary;
};

/* All of them; the last has no name. */
extern const struct builtin builtins[];

int cmd_run(int argc, char **argv);
int cmd_info(int argc, char **argv);
int cmd_help(int argc, char **argv);

/**
 * print_commands() - print the list of subcommands
 * @f: where to
 */
void print_commands(FILE *f);

#endif /* MSHV_BUILTIN_H */
