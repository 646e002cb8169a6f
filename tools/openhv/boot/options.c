// SPDX-License-Identifier: GPL-2.0-only
/*
 * The command line.
 */
#include <asm/x86.h>
#include <openhv/log.h>
#include <openhv/options.h>
#include <openhv/sched.h>
#include <openhv/string.h>
#include <tlfs/system.h>

#define COM1	0x3F8
#define COM2	0x2F8

struct options options = {
	.console_port = COM1,
	.compat = COMPAT_PARENT_STATS,
};

static void set_console(const char *v)
{
	if (!strcmp(v, "com1"))
		options.console_port = COM1;
	else if (!strcmp(v, "com2"))
		options.console_port = COM2;
	else if (!strcmp(v, "none"))
		options.console_port = 0;
	else
		refuse("console=%s: com1, com2 or none is meant", v);
	/* At once: what is wrong with a later option is said there, too. */
	if (options.console_port)
		serial_init(options.console_port);
}

static void set_loglevel(const char *v)
{
	static const char * const names[] = { "error", "warn", "info", "debug" };
	u32 i;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		if (!strcmp(v, names[i])) {
			log_level = i;
			return;
		}
	}
	refuse("loglevel=%s: error, warn, info or debug is meant", v);
}

static void set_compat(const char *v)
{
	if (v[0] < '0' + COMPAT_BASE || v[0] > '0' + COMPAT_MAX || v[1])
		refuse("compat=%s: a level from %u to %u is meant", v, COMPAT_BASE, COMPAT_MAX);
	options.compat = v[0] - '0';
}

static void set_gpa_intercept(const char *v)
{
	if (!strcmp(v, "page"))
		options.gpa_intercept_page = true;
	else if (strcmp(v, "exact"))
		refuse("gpa-intercept=%s: exact or page is meant", v);
}

static void set_properties(const char *v)
{
	if (!strcmp(v, "later"))
		options.properties_later = true;
	else if (strcmp(v, "at-once"))
		refuse("properties=%s: at-once or later is meant", v);
}

static void set_log(const char *v)
{
	if (strcmp(v, "exits"))
		refuse("log=%s: exits is meant", v);
	options.log_exits = true;
}

static enum { BETTER, VIRTUAL, SHIM } root_apic;

static void set_root_apic(const char *v)
{
	if (!strcmp(v, "virtual"))
		root_apic = VIRTUAL;
	else if (!strcmp(v, "shim"))
		root_apic = SHIM;
	else
		refuse("root-apic=%s: virtual or shim is meant", v);
}

static void choose_root_apic(void)
{
	bool shared = sched->type != HV_SCHEDULER_TYPE_ROOT;

	/* A root VP that has to share its LP cannot have the LP's interrupts. */
	if (root_apic == SHIM && shared)
		refuse("root-apic=shim: sched=core needs root-apic=virtual");
	/* With x2APIC root ends its interrupts without an exit, too. */
	if (root_apic == BETTER)
		options.root_shim = !shared && apic_has_x2apic();
	else
		options.root_shim = root_apic == SHIM;
}

static void set_sched(const char *v)
{
	if (!strcmp(v, "root"))
		sched = &sched_root;
	else if (!strcmp(v, "core"))
		sched = &sched_core;
	else
		refuse("sched=%s: root or core is meant", v);
}

static const struct {
	const char *name;
	void (*set)(const char *value);
} known[] = {
	{ "compat", set_compat },
	{ "gpa-intercept", set_gpa_intercept },
	{ "properties", set_properties },
	{ "log", set_log },
	{ "console", set_console },
	{ "loglevel", set_loglevel },
	{ "root-apic", set_root_apic },
	{ "sched", set_sched },
};

static void parse_word(char *word)
{
	char *value = strchr(word, '=');
	u32 i;

	if (value) {
		*value++ = 0;
		for (i = 0; i < ARRAY_SIZE(known); i++) {
			if (!strcmp(word, known[i].name)) {
				known[i].set(value);
				return;
			}
		}
	}
	refuse("unknown option \"%s\"", word);
}

static void parse_words(const char *cmdline)
{
	char word[64];

	for (;;) {
		size_t n = 0;

		while (*cmdline == ' ')
			cmdline++;
		if (!*cmdline)
			return;
		while (cmdline[n] && cmdline[n] != ' ')
			n++;
		if (n >= sizeof(word))
			refuse("an option is too long");
		memcpy(word, cmdline, n);
		word[n] = 0;
		cmdline += n;
		parse_word(word);
	}
}

void options_parse(const char *cmdline)
{
	parse_words(cmdline);
	choose_root_apic();
}
