/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * openhv's command line.
 */
#ifndef OPENHV_OPTIONS_H
#define OPENHV_OPTIONS_H

#include <openhv/types.h>

/*
 * Levels of compat=: each has what the one before it has, and more, in the
 * order in which Microsoft's builds came to have it.
 */
enum compat_level {
	COMPAT_BASE = 1,	/* registers by hypercall only */
	COMPAT_REGISTER_PAGE,	/* the VP register page, and interrupts through it */
	COMPAT_VMM_CAPS,	/* property VMM_CAPABILITIES */
	COMPAT_PARENT_STATS,	/* statistics pages of the area PARENT; the default */
	COMPAT_STATUSES,	/* statuses that tell which memory is missing */
	COMPAT_MAX = COMPAT_STATUSES,
};

/**
 * struct options - what was chosen on the command line
 * @console_port: I/O port of the log's serial port, 0: none
 * @compat: enum compat_level
 * @gpa_intercept_page: memory intercepts give the address of the page only
 * @properties_later: setting a property is answered by CALL_PENDING, and completes by a message
 * @log_exits: exits of children go to the log's ring
 * @root_shim: root has the physical local APIC (root/apic.c)
 */
struct options {
	u16 console_port;
	u32 compat;
	bool gpa_intercept_page;
	bool properties_later;
	bool log_exits;
	bool root_shim;
};

extern struct options options;

/**
 * options_parse() - read the command line
 * @cmdline: words separated by spaces
 *
 * Refuses to start with a word that it does not know, and with words that do not go together.
 */
void options_parse(const char *cmdline);

#endif /* OPENHV_OPTIONS_H */
