// SPDX-License-Identifier: GPL-2.0-only
/*
 * mshv run: run a guest.
 */
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <mshv/load.h>

#include "builtin.h"
#include "snapshot.h"
#include "vm.h"

#define MEMORY_LINUX	(256 * MIB)
#define MEMORY_FLAT	(16 * MIB)
#define MEMORY_MIN	(64 * KIB)
#define MEMORY_MIN_LINUX (16 * MIB)
#define IMAGE_MAX	(2 * GIB)
#define SECONDS_MAX	1000000

#define CMDLINE_DEFAULT	"console=ttyS0"
/* A guest that panics shall end, not sit there; the user's own choice goes first. */
#define CMDLINE_PANIC	"panic=-1"
/* Without EFI, Linux resets a hardware-reduced machine by its BIOS unless it is told better. */
#define CMDLINE_REBOOT	"reboot=acpi"

struct options {
	const char *kernel;
	const char *initrd;
	const char *cmdline;
	const char *bin;
	const char *mode;
	const char *snapshot;
	const char *restore;
	uint64_t timeout;
	struct vm_config config;
};

static const char help[] =
	"usage: mshv run --kernel IMG [OPTION]...\n"
	"       mshv run --bin FILE --mode real|long [OPTION]...\n"
	"       mshv run --restore FILE [OPTION]...\n"
	"\n"
	"Run a guest on /dev/mshv: Linux, or a flat program.\n"
	"\n"
	"  --kernel IMG        a Linux kernel image (bzImage)\n"
	"  --initrd FILE       its initial RAM disk\n"
	"  --cmdline STRING    its command line (default: \"" CMDLINE_DEFAULT "\");\n"
	"                      \"" CMDLINE_PANIC "\" and \"" CMDLINE_REBOOT "\" are added\n"
	"                      unless it has a panic= or reboot= of its own\n"
	"  --bin FILE          a flat program, at 0x1000 (real) or 0x100000 (long)\n"
	"  --mode real|long    the mode it starts in\n"
	"  --memory SIZE       the guest's memory, with K, M or G (default: 256M; flat: 16M)\n"
	"  --cpus N            number of processors, 1 to 64 (default: 1)\n"
	"  --serial stdio|FILE where the serial line ends (default: stdio)\n"
	"  --snapshot FILE     on SIGUSR1 save the whole machine in FILE, and end with status 0\n"
	"  --restore FILE      go on with a machine that was saved so\n"
	"  --disk FILE[,readonly] a virtio disk: a file or a block device; up to 8 devices\n"
	"  --net tap=NAME      a virtio network interface, on a tap device,\n"
	"  --net socket=PATH   or on a Unix socket, as QEMU's stream netdev has it\n"
	"  --timeout SECONDS   end the guest after this time\n"
	"  --dirty-rate SECONDS  each time these are over, say how much memory the guest wrote to\n"
	"  --stats             at the end, say how many intercepts of each type there were, and\n"
	"                      how many notifications and interrupts of each device\n"
	"  --help              this text\n"
	"\n"
	"On a terminal, Ctrl-A X ends the guest and Ctrl-A Ctrl-A sends a Ctrl-A.\n"
	"\n"
	"Exit status: 0 the guest switched itself off, 1 mshv failed, 2 wrong command line,\n"
	"110 guest panic, 111 triple fault, 112 reset, 113 halted for good, 114 timeout,\n"
	"128 and the signal's number (130 SIGINT, 143 SIGTERM) ended by a signal, 130 also by\n"
	"Ctrl-A X.\n"
	"A flat program's status is the byte it writes to port 0xf4, or 0 if it ends by HLT.\n";

enum option_kind { TEXT, CPUS, SECONDS, MEMORY, MODE, DISK, NET, STATS, HELP };

#define FIELD(field)	offsetof(struct options, field)

/* Each option's name, how it is read, and for the first kinds where to */
static const struct {
	const char *name;
	enum option_kind kind;
	size_t field;
} known[] = {
	{ "kernel", TEXT, FIELD(kernel) },
	{ "initrd", TEXT, FIELD(initrd) },
	{ "cmdline", TEXT, FIELD(cmdline) },
	{ "bin", TEXT, FIELD(bin) },
	{ "mode", MODE, 0 },
	{ "memory", MEMORY, 0 },
	{ "cpus", CPUS, 0 },
	{ "serial", TEXT, FIELD(config.serial) },
	{ "snapshot", TEXT, FIELD(snapshot) },
	{ "restore", TEXT, FIELD(restore) },
	{ "disk", DISK, 0 },
	{ "net", NET, 0 },
	{ "timeout", SECONDS, FIELD(timeout) },
	{ "dirty-rate", SECONDS, FIELD(config.dirty_rate) },
	{ "stats", STATS, 0 },
	{ "help", HELP, 0 },
};

static int usage(const char *what, const char *value)
{
	complain("%s%s%s: see 'mshv run --help'", what, value ? " " : "", value ? value : "");
	return STATUS_USAGE;
}

static int add_device(struct vm_config *config, struct virtio *(*open)(const char *spec),
		      const char *spec)
{
	if (config->device_count == VIRTIO_SLOTS)
		return usage("too many devices: --disk and --net, at most 8 of both", NULL);
	config->devices[config->device_count++] = (struct vm_device){ open, spec };
	return STATUS_OK;
}

/* One option; returns STATUS_OK or STATUS_USAGE after a complaint */
static int parse_option(struct options *o, unsigned int i, const char *arg)
{
	void *field = (uint8_t *)o + known[i].field;
	char what[64];

	switch (known[i].kind) {
	case TEXT:
		*(const char **)field = arg;
		return STATUS_OK;
	case CPUS:
		if (!parse_number(arg, 1, VM_MAX_CPUS, &o->config.cpus))
			return usage("--cpus: not a number from 1 to 64:", arg);
		return STATUS_OK;
	case SECONDS:
		snprintf(what, sizeof(what), "--%s: not a number of seconds:", known[i].name);
		return parse_number(arg, 1, SECONDS_MAX, field) ? STATUS_OK : usage(what, arg);
	case MEMORY:
		if (!parse_size(arg, &o->config.memory) || o->config.memory < MEMORY_MIN)
			return usage("--memory: not a size of at least 64K:", arg);
		return STATUS_OK;
	case MODE:
		o->mode = arg;
		o->config.long_mode = !strcmp(arg, "long");
		if (strcmp(arg, "real") && strcmp(arg, "long"))
			return usage("--mode is real or long, not", arg);
		return STATUS_OK;
	case DISK:
		return add_device(&o->config, blk_open, arg);
	case NET:
		if (strncmp(arg, "tap=", 4) && strncmp(arg, "socket=", 7))
			return usage("--net: neither tap=NAME nor socket=PATH:", arg);
		return add_device(&o->config, net_open, arg);
	default:
		o->config.stats = true;
		return STATUS_OK;
	}
}

static int check_options(struct options *o)
{
	struct vm_config *config = &o->config;

	if (o->snapshot && config->device_count)
		return usage("--snapshot does not save what --disk and --net are doing", NULL);
	if (o->restore) {
		if (o->kernel || o->bin || o->initrd || o->cmdline || o->mode || config->memory ||
		    config->cpus || config->device_count)
			return usage("--restore takes the whole machine from its file", NULL);
		return STATUS_OK;
	}
	if (!o->kernel == !o->bin)
		return usage(o->kernel ? "--kernel and --bin exclude each other" :
					 "one of --kernel, --bin and --restore is needed", NULL);
	if (o->bin && (o->initrd || o->cmdline || config->cpus > 1 || config->device_count))
		return usage("--initrd, --cmdline, --cpus, --disk, --net go with --kernel", NULL);
	if (o->bin && !o->mode)
		return usage("--bin needs --mode real or --mode long", NULL);
	if (o->kernel && o->mode)
		return usage("--mode goes with --bin", NULL);

	config->flat = o->bin;
	if (!config->cpus)
		config->cpus = 1;
	if (!config->memory)
		config->memory = o->bin ? MEMORY_FLAT : MEMORY_LINUX;
	if (o->kernel && config->memory < MEMORY_MIN_LINUX) {
		complain("too little memory: no Linux kernel runs in less than %" PRIu64 " MiB",
			 MEMORY_MIN_LINUX / MIB);
		return STATUS_ERROR;
	}
	return STATUS_OK;
}

static int load_linux(struct vm *vm, const struct options *o, const struct file *kernel,
		      const struct file *initrd)
{
	const char *cmdline = o->cmdline ? o->cmdline : CMDLINE_DEFAULT;
	struct mshv_linux program = {
		.kernel = kernel->data,
		.kernel_size = kernel->size,
		.initrd = initrd->data,
		.initrd_size = initrd->size,
		.rsdp = ACPI_BASE,
	};
	char *full;
	int ret;

	if (asprintf(&full, "%s%s%s", cmdline,
		     strstr(cmdline, "panic=") ? "" : " " CMDLINE_PANIC,
		     strstr(cmdline, "reboot=") ? "" : " " CMDLINE_REBOOT) < 0)
		return complain("out of memory");
	program.cmdline = full;
	acpi_write_tables(mshv_memory_at(&vm->space.memory, ACPI_BASE, ACPI_SIZE),
			  o->config.cpus);
	ret = mshv_load_linux(&vm->cpus[0].vp, &vm->space.memory, &program);
	free(full);
	return ret ? complain("%s: %s", o->kernel, mshv_strerror()) : 0;
}

static int load_flat(struct vm *vm, const struct options *o, const struct file *image)
{
	if (mshv_load_flat(&vm->cpus[0].vp, &vm->space.memory, image->data, image->size,
			   o->config.long_mode))
		return complain("%s: %s", o->bin, mshv_strerror());
	return 0;
}

/* From the start of a machine's processors to its end */
static int run_machine(struct vm *vm, const struct options *o)
{
	int status;

	if (vm_start(vm))
		return STATUS_ERROR;
	status = vm_wait(vm, o->timeout);
	console_close(&vm->console);
	if (status == STATUS_SNAPSHOT)
		status = snapshot_save(vm, o->snapshot);
	if (vm->reason[0])
		complain("%s", vm->reason);
	if (o->config.stats)
		vm_print_stats(vm);
	return status;
}

static int restore(struct options *o)
{
	int status = STATUS_ERROR;
	struct snapshot s;
	struct vm vm;

	if (!snapshot_open(&s, o->restore)) {
		o->config.memory = s.header->memory;
		o->config.cpus = s.header->cpus;
		o->config.flat = s.header->flags & SNAPSHOT_FLAT;
		o->config.long_mode = s.header->flags & SNAPSHOT_LONG_MODE;
		if (!vm_create(&vm, &o->config) && !snapshot_restore(&s, &vm))
			status = run_machine(&vm, o);
		vm_destroy(&vm);
	}
	snapshot_free(&s);
	return status;
}

static int run(const struct options *o)
{
	struct file image = { 0 }, initrd = { 0 };
	int status = STATUS_ERROR;
	struct vm vm;

	if (read_file(o->bin ? o->bin : o->kernel, IMAGE_MAX, &image) ||
	    (o->initrd && read_file(o->initrd, IMAGE_MAX, &initrd)))
		goto free_files;

	if (vm_create(&vm, &o->config))
		goto destroy;
	if (o->bin ? load_flat(&vm, o, &image) : load_linux(&vm, o, &image, &initrd))
		goto destroy;
	status = run_machine(&vm, o);
destroy:
	vm_destroy(&vm);
free_files:
	free_file(&image);
	free_file(&initrd);
	return status;
}

int cmd_run(int argc, char **argv)
{
	struct option options[ARRAY_SIZE(known) + 1] = { 0 };
	struct options o = { .config.serial = "stdio" };
	unsigned int i;
	int opt, ret;

	for (i = 0; i < ARRAY_SIZE(known); i++)
		options[i] = (struct option){ known[i].name, known[i].kind < STATS, NULL, i };
	/* What getopt complains of, it complains of as "mshv run". */
	argv[0] = "mshv run";
	optind = 1;
	while ((opt = getopt_long(argc, argv, "+h", options, NULL)) >= 0) {
		if (opt == '?')
			return STATUS_USAGE;
		if (opt == 'h' || known[opt].kind == HELP) {
			fputs(help, stdout);
			return STATUS_OK;
		}
		ret = parse_option(&o, opt, optarg);
		if (ret)
			return ret;
	}
	if (optind < argc)
		return usage("what is this argument for:", argv[optind]);
	ret = check_options(&o);
	if (ret)
		return ret;
	/* Output that nobody reads is an error of write(), not the end. */
	signal(SIGPIPE, SIG_IGN);
	if (o.snapshot)
		snapshot_catch_signal();
	return o.restore ? restore(&o) : run(&o);
}
