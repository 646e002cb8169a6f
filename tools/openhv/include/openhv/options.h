/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * openhv's command line.
 */
#ifndef OPENHV_OPTIONS_H
#define OPENHV_OPTIONS_H

#include <openhv/types.h>

/* Schedulers, as HV_SYSTEM_PROPERTY_SCHEDULER_TYPE has them */
struct options {
	u32 scheduler;			/* enum hv_scheduler_type */
	u16 console_port;		/* I/O port, 0: none */
	/* What older builds of Microsoft's hypervisor do not have */
	bool compat_no_fast_irq;
	bool compat_no_vmm_caps;
	bool compat_no_register_page;
	bool compat_no_parent_stats;
};
extern struct options options;

/**
 * options_parse() - read the command line
 * @cmdline: words separated by spaces
 *
 * Refuses to start with a word that it does not know.
 */
void options_parse(const char *cmdline);

#endif /* OPENHV_OPTIONS_H */
