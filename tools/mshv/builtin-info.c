// SPDX-License-Identifier: GPL-2.0-only
/*
 * mshv info: what the hypervisor and the driver offer.
 */
#include <cpuid.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/klog.h>
#include <unistd.h>

#include <mshv/mshv.h>
#include <tlfs/cpuid.h>

#include "builtin.h"
#include "openhv.h"
#include "util.h"

#define MODULE_VERSION_FILE	"/sys/module/mshv_root/version"
#define MODULE_DIRECTORY	"/sys/module/mshv_root"

static const char help[] =
	"usage: mshv info [--openhv] [--log] [--root-partition]\n"
	"\n"
	"What the hypervisor under this machine and the driver offer; or why there is no\n"
	"/dev/mshv.\n"
	"\n"
	"  --openhv   what openhv tells of itself: memory, exits by reason\n"
	"  --log      openhv's log\n"
	"  --root-partition\n"
	"             nothing but an exit status: 0 on a root partition\n"
	"  --help     this text\n"
	"\n"
	"Exit status: 0 if /dev/mshv can be used (or openhv has answered), 1 if not.\n";

struct bit_name {
	uint64_t bit;
	const char *name;
};

static const struct bit_name privileges_low[] = {
	{ HV_ACCESS_VP_RUNTIME, "VP runtime" },
	{ HV_ACCESS_PARTITION_REFERENCE_COUNTER, "reference counter" },
	{ HV_ACCESS_SYNIC_REGS, "SynIC" },
	{ HV_ACCESS_SYNTHETIC_TIMER_REGS, "synthetic timers" },
	{ HV_ACCESS_INTR_CTRL_REGS, "APIC registers" },
	{ HV_ACCESS_HYPERCALL_REGS, "hypercalls" },
	{ HV_ACCESS_VP_INDEX, "VP index" },
	{ HV_ACCESS_RESET_REG, "reset" },
	{ HV_ACCESS_STATS_REG, "statistics" },
	{ HV_ACCESS_PARTITION_REFERENCE_TSC, "reference TSC" },
	{ HV_ACCESS_GUEST_IDLE_REG, "guest idle" },
	{ HV_ACCESS_FREQUENCY_REGS, "frequencies" },
	{ HV_ACCESS_REENLIGHTENMENT, "reenlightenment" },
	{ HV_ACCESS_TSC_INVARIANT, "invariant TSC control" },
	{ 0, NULL }
};

static const struct bit_name privileges_high[] = {
	{ HV_CREATE_PARTITIONS, "create partitions" },
	{ HV_ACCESS_PARTITION_ID, "partition ID" },
	{ HV_ACCESS_MEMORY_POOL, "memory pool" },
	{ HV_ADJUST_MESSAGE_BUFFERS, "message buffers" },
	{ HV_POST_MESSAGES, "post messages" },
	{ HV_SIGNAL_EVENTS, "signal events" },
	{ HV_CREATE_PORT, "create ports" },
	{ HV_CONNECT_PORT, "connect ports" },
	{ HV_ACCESS_STATS, "statistics pages" },
	{ HV_DEBUGGING, "debugging" },
	{ HV_CPU_MANAGEMENT, "CPU management" },
	{ HV_ACCESS_VP_REGISTERS, "VP registers" },
	{ HV_ENABLE_EXTENDED_HYPERCALLS, "extended hypercalls" },
	{ HV_START_VIRTUAL_PROCESSOR, "start VP" },
	{ HV_ISOLATION, "isolation" },
	{ 0, NULL }
};

static const struct bit_name features[] = {
	{ HV_X64_MWAIT_AVAILABLE, "MWAIT" },
	{ HV_X64_GUEST_DEBUGGING_AVAILABLE, "guest debugging" },
	{ HV_X64_HYPERCALL_XMM_INPUT_AVAILABLE, "XMM hypercall input" },
	{ HV_X64_GUEST_IDLE_STATE_AVAILABLE, "guest idle state" },
	{ HV_FEATURE_FREQUENCY_MSRS_AVAILABLE, "frequency MSRs" },
	{ HV_FEATURE_GUEST_CRASH_MSR_AVAILABLE, "guest crash MSRs" },
	{ HV_FEATURE_EXT_GVA_RANGES_FLUSH, "extended GVA ranges" },
	{ HV_X64_HYPERCALL_XMM_OUTPUT_AVAILABLE, "XMM hypercall output" },
	{ HV_STIMER_DIRECT_MODE_AVAILABLE, "direct-mode timers" },
	{ 0, NULL }
};

static const struct bit_name hints[] = {
	{ HV_X64_AS_SWITCH_RECOMMENDED, "address space switch" },
	{ HV_X64_LOCAL_TLB_FLUSH_RECOMMENDED, "local TLB flush" },
	{ HV_X64_REMOTE_TLB_FLUSH_RECOMMENDED, "remote TLB flush" },
	{ HV_X64_APIC_ACCESS_RECOMMENDED, "APIC MSRs" },
	{ HV_X64_SYSTEM_RESET_RECOMMENDED, "system reset MSR" },
	{ HV_X64_RELAXED_TIMING_RECOMMENDED, "relaxed timing" },
	{ HV_DEPRECATING_AEOI_RECOMMENDED, "no AutoEOI" },
	{ HV_X64_CLUSTER_IPI_RECOMMENDED, "cluster IPI" },
	{ HV_X64_EX_PROCESSOR_MASKS_RECOMMENDED, "extended processor masks" },
	{ HV_X64_HYPERV_NESTED, "nested" },
	{ HV_X64_ENLIGHTENED_VMCS_RECOMMENDED, "enlightened VMCS" },
	{ HV_X64_USE_MMIO_HYPERCALLS, "MMIO hypercalls" },
	{ 0, NULL }
};

static const struct bit_name vmm_capabilities[] = {
	{ HV_VMM_CAP_MAP_GPA_PRESERVE_ADJUSTABLE, "preserve adjustable" },
	{ HV_VMM_CAP_CAN_PROVIDE_OVERLAY_GPFN, "provide overlay pages" },
	{ HV_VMM_CAP_VP_AFFINITY_PROPERTY, "VP affinity" },
	{ HV_VMM_CAP_ASSIGNABLE_SYNTHETIC_FEATURES, "assignable synthetic features" },
	{ HV_VMM_CAP_INTEGRATED_SCHEDULER, "integrated scheduler" },
	{ 0, NULL }
};

static const struct bit_name synthetic_features[] = {
#define SYNTHETIC_NAME(name, bit) { HV_SYNTHETIC_FEATURE(bit), #name },
	HV_SYNTHETIC_FEATURE_LIST(SYNTHETIC_NAME)
	{ 0, NULL }
};

/* "label   0x12: this, that", wrapped */
static void print_bits(const char *label, uint64_t value, const struct bit_name *names)
{
	int column = printf("%-22s 0x%lx", label, value);
	const char *separator = ": ";

	for (; names->name; names++) {
		if (!(value & names->bit))
			continue;
		value &= ~names->bit;
		if (column + strlen(names->name) > 96) {
			printf("%s\n%-22s ", separator[0] == ':' ? ":" : ",", "");
			separator = "";
			column = 23;
		}
		column += printf("%s%s", separator, names->name);
		separator = ", ";
	}
	/* What we have no name for is still there. */
	if (value && separator[0] == ',')
		printf(", 0x%lx", value);
	putchar('\n');
}

static void print_hypervisor(void)
{
	unsigned int eax, ebx, ecx, edx, max;
	char vendor[13];

	if (!__get_cpuid(1, &eax, &ebx, &ecx, &edx) ||
	    !(ecx & HV_X64_CPUID_1_ECX_HYPERVISOR_PRESENT)) {
		printf("%-22s none\n", "hypervisor");
		return;
	}
	__cpuid(HV_CPUID_VENDOR_AND_MAX_FUNCTIONS, max, ebx, ecx, edx);
	memcpy(vendor, &ebx, 4);
	memcpy(vendor + 4, &ecx, 4);
	memcpy(vendor + 8, &edx, 4);
	vendor[12] = '\0';
	printf("%-22s %s\n", "hypervisor", vendor);
	if (strcmp(vendor, "Microsoft Hv") || max < HV_CPUID_IMPLEMENT_LIMITS)
		return;

	__cpuid(HV_CPUID_VERSION, eax, ebx, ecx, edx);
	printf("%-22s %u.%u.%u, service pack %u, branch %u, service number %u\n", "version",
	       ebx >> 16, ebx & 0xffff, eax, ecx, edx >> 24, edx & 0xffffff);
	__cpuid(HV_CPUID_FEATURES, eax, ebx, ecx, edx);
	printf("%-22s %s\n", "this partition",
	       ebx & HV_CREATE_PARTITIONS ? "root: it may create partitions" : "a guest");
	print_bits("privileges, low", eax, privileges_low);
	print_bits("privileges, high", ebx, privileges_high);
	print_bits("features", edx, features);
	__cpuid(HV_CPUID_ENLIGHTENMENT_INFO, eax, ebx, ecx, edx);
	print_bits("hints", eax, hints);
	__cpuid(HV_CPUID_IMPLEMENT_LIMITS, eax, ebx, ecx, edx);
	printf("%-22s %u VPs in a partition, %u logical processors\n", "limits", eax, ebx);
}

/* The driver says at load which scheduler it has found, and only there. */
static void print_scheduler(void)
{
	static const char * const names[] = {
		"root scheduler", "core scheduler", "classic scheduler with SMT",
		"classic scheduler",
	};
	int size = klogctl(10, NULL, 0);	/* SYSLOG_ACTION_SIZE_BUFFER */
	const char *found = NULL;
	char *log, *line, *rest;
	unsigned int i;
	int len;

	log = size > 0 ? malloc(size + 1) : NULL;
	len = log ? klogctl(3, log, size) : -1;	/* SYSLOG_ACTION_READ_ALL */
	if (len >= 0) {
		log[len] = '\0';
		for (line = strtok_r(log, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
			for (i = 0; strstr(line, "mshv") && i < ARRAY_SIZE(names); i++) {
				if (strstr(line, names[i])) {
					found = names[i];
					break;
				}
			}
		}
	}
	printf("%-22s %s\n", "scheduler", found ? found : "unknown: no longer in the kernel's log");
	free(log);
}

static void print_module(void)
{
	char version[64] = "";
	FILE *f;

	if (access(MODULE_DIRECTORY, F_OK)) {
		printf("%-22s not loaded as a module\n", "mshv_root");
		return;
	}
	f = fopen(MODULE_VERSION_FILE, "re");
	if (f) {
		if (!fgets(version, sizeof(version), f))
			version[0] = '\0';
		fclose(f);
	}
	version[strcspn(version, "\n")] = '\0';
	if (version[0])
		printf("%-22s version %s\n", "mshv_root", version);
	else
		printf("%-22s loaded, of an unknown version\n", "mshv_root");
}

static void print_property(int dev, const char *label, uint32_t code, const char *fmt)
{
	__u64 value;

	printf("%-22s ", label);
	if (mshv_get_property(dev, code, &value))
		printf("not told (%s)", mshv_strerror());
	else
		printf(fmt, value);
	putchar('\n');
}

static void print_host(int dev)
{
	struct hv_partition_property_synthetic_features assignable = { 0 };
	struct hv_partition_property_vmm_capabilities caps = { 0 };
	static const char * const vendors[] = { "AMD", "Intel", "Hygon" };
	__u64 vendor;

	print_scheduler();
	if (!mshv_get_property_ex(dev, HV_PARTITION_PROPERTY_VMM_CAPABILITIES, 0, &caps,
				  sizeof(caps)) && caps.bank_count)
		print_bits("VMM capabilities", caps.bank0, vmm_capabilities);
	else
		printf("%-22s not told\n", "VMM capabilities");
	if (!mshv_get_property_ex(dev, HV_PARTITION_PROPERTY_ASSIGNABLE_SYNTHETIC_PROC_FEATURES, 0,
				  &assignable, sizeof(assignable)))
		print_bits("for guests", assignable.bank0, synthetic_features);
	else
		printf("%-22s not told\n", "for guests");

	if (!mshv_get_property(dev, HV_PARTITION_PROPERTY_PROCESSOR_VENDOR, &vendor))
		printf("%-22s %s\n", "processors",
		       vendor < ARRAY_SIZE(vendors) ? vendors[vendor] : "of another vendor");
	print_property(dev, "clock frequency", HV_PARTITION_PROPERTY_PROCESSOR_CLOCK_FREQUENCY,
		       "%llu Hz");
	print_property(dev, "physical addresses", HV_PARTITION_PROPERTY_PHYSICAL_ADDRESS_WIDTH,
		       "%llu bits");
	print_property(dev, "processor features 0", HV_PARTITION_PROPERTY_PROCESSOR_FEATURES0,
		       "0x%llx");
	print_property(dev, "processor features 1", HV_PARTITION_PROPERTY_PROCESSOR_FEATURES1,
		       "0x%llx");
	print_property(dev, "XSAVE features", HV_PARTITION_PROPERTY_PROCESSOR_XSAVE_FEATURES,
		       "0x%llx");
	print_property(dev, "XSAVE states", HV_PARTITION_PROPERTY_XSAVE_STATES, "0x%llx");
	print_property(dev, "XSAVE size", HV_PARTITION_PROPERTY_MAX_XSAVE_DATA_SIZE, "%llu bytes");
}

static int show_host(void)
{
	int dev;

	print_hypervisor();
	print_module();
	dev = mshv_open(NULL);
	if (dev < 0) {
		fflush(stdout);
		complain("%s", mshv_explain(NULL, dev));
		return STATUS_ERROR;
	}
	printf("%-22s %s\n", "device", MSHV_DEVICE);
	print_host(dev);
	close(dev);
	return STATUS_OK;
}

static int show_openhv(bool info, bool log)
{
	struct openhv_info *pages;
	size_t size;

	pages = openhv_info_read(&size);
	if (!pages)
		return STATUS_ERROR;
	if (info)
		openhv_info_print(stdout, pages);
	if (log)
		openhv_log_print(stdout, pages);
	free(pages);
	return STATUS_OK;
}

/* By the same bits that the kernel goes by; the driver need not be there. */
static bool is_root_partition(void)
{
	unsigned int eax, ebx, ecx, edx;

	if (!__get_cpuid(1, &eax, &ebx, &ecx, &edx) ||
	    !(ecx & HV_X64_CPUID_1_ECX_HYPERVISOR_PRESENT))
		return false;
	__cpuid(HV_CPUID_VENDOR_AND_MAX_FUNCTIONS, eax, ebx, ecx, edx);
	if (eax < HV_CPUID_FEATURES || ebx != HV_CPUID_VENDOR_EBX ||
	    ecx != HV_CPUID_VENDOR_ECX || edx != HV_CPUID_VENDOR_EDX)
		return false;
	__cpuid(HV_CPUID_FEATURES, eax, ebx, ecx, edx);
	return (ebx & HV_CPU_MANAGEMENT) && !(ebx & HV_ISOLATION);
}

int cmd_info(int argc, char **argv)
{
	static const struct option long_options[] = {
		{ "openhv", no_argument, NULL, 'o' },
		{ "log", no_argument, NULL, 'l' },
		{ "root-partition", no_argument, NULL, 'r' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	bool openhv = false, log = false;
	int opt;

	argv[0] = "mshv info";
	optind = 1;
	while ((opt = getopt_long(argc, argv, "+h", long_options, NULL)) >= 0) {
		switch (opt) {
		case 'o':
			openhv = true;
			break;
		case 'l':
			log = true;
			break;
		case 'r':
			return is_root_partition() ? STATUS_OK : STATUS_ERROR;
		case 'h':
			fputs(help, stdout);
			return STATUS_OK;
		default:
			return STATUS_USAGE;
		}
	}
	if (optind < argc) {
		complain("what is this argument for: %s: see 'mshv info --help'", argv[optind]);
		return STATUS_USAGE;
	}
	return openhv || log ? show_openhv(openhv, log) : show_host();
}
