// SPDX-License-Identifier: GPL-2.0-only
/*
 * What openhv tells of itself: pages that its root partition may read.
 */
#include <cpuid.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <tlfs/cpuid.h>

#include "openhv.h"
#include "util.h"

#define INFO_PAGES_MAX	1024

static const char * const exit_names[] = {
#define EXIT_NAME(name) #name,
	OPENHV_EXIT_LIST(EXIT_NAME)
#undef EXIT_NAME
};

/* Where the pages are, if there are any */
static bool find_pages(uint64_t *address, size_t *size)
{
	unsigned int eax, ebx, ecx, edx;

	if (!__get_cpuid(1, &eax, &ebx, &ecx, &edx) ||
	    !(ecx & HV_X64_CPUID_1_ECX_HYPERVISOR_PRESENT))
		return false;
	__cpuid(OPENHV_CPUID_SIGNATURE, eax, ebx, ecx, edx);
	if (eax < OPENHV_CPUID_INFO || ebx != OPENHV_CPUID_SIGNATURE_EBX ||
	    ecx != OPENHV_CPUID_SIGNATURE_ECX || edx != OPENHV_CPUID_SIGNATURE_EDX)
		return false;
	__cpuid(OPENHV_CPUID_INFO, eax, ebx, ecx, edx);
	if (!eax || !ebx || ebx > INFO_PAGES_MAX)
		return false;
	*address = (uint64_t)eax * PAGE_SIZE;
	*size = ebx * PAGE_SIZE;
	return true;
}

struct openhv_info *openhv_info_read(size_t *size)
{
	struct openhv_info *copy = NULL;
	uint64_t address;
	void *pages;
	int fd;

	if (!find_pages(&address, size)) {
		complain("the hypervisor is not openhv, or this is not its root partition");
		return NULL;
	}
	fd = open("/dev/mem", O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		complain("/dev/mem: %s", strerror(errno));
		return NULL;
	}
	pages = mmap(NULL, *size, PROT_READ, MAP_SHARED, fd, address);
	close(fd);
	if (pages == MAP_FAILED) {
		complain("/dev/mem: openhv's pages at 0x%lx: %s", address, strerror(errno));
		return NULL;
	}

	copy = malloc(*size);
	if (copy)
		memcpy(copy, pages, *size);
	munmap(pages, *size);
	if (!copy || !openhv_info_valid(copy, *size)) {
		complain("openhv's pages are not of version %d", OPENHV_INFO_VERSION);
		free(copy);
		copy = NULL;
	}
	return copy;
}

bool openhv_info_valid(const struct openhv_info *info, size_t size)
{
	return size >= sizeof(*info) && info->magic == OPENHV_INFO_MAGIC &&
	       info->version == OPENHV_INFO_VERSION && info->lp_count <= OPENHV_INFO_MAX_LPS &&
	       info->log_size && !(info->log_size & (info->log_size - 1)) &&
	       info->log_offset <= size && info->log_size <= size - info->log_offset;
}

static void print_exits(FILE *f, const struct openhv_info *info, const char *of, size_t offset)
{
	uint64_t total, count;
	unsigned int exit, lp;

	for (exit = 0; exit < OPENHV_EXIT_COUNT; exit++) {
		total = 0;
		for (lp = 0; lp < info->lp_count; lp++)
			total += ((const __u64 *)((const char *)&info->lp[lp] + offset))[exit];
		if (!total)
			continue;
		fprintf(f, "  %-6s %-18s %12lu", of, exit_names[exit], total);
		for (lp = 0; info->lp_count > 1 && lp < info->lp_count; lp++) {
			count = ((const __u64 *)((const char *)&info->lp[lp] + offset))[exit];
			fprintf(f, " %12lu", count);
		}
		fputc('\n', f);
	}
}

void openhv_info_print(FILE *f, const struct openhv_info *info)
{
	uint64_t dispatches = 0, hypercalls = 0;
	unsigned int lp;

	for (lp = 0; lp < info->lp_count; lp++) {
		dispatches += info->lp[lp].dispatches;
		hypercalls += info->lp[lp].hypercalls;
	}
	fprintf(f, "openhv %.*s\n", (int)sizeof(info->version_string), info->version_string);
	fprintf(f, "  logical processors         %12u\n", info->lp_count);
	fprintf(f, "  child partitions           %12u\n", info->partition_count);
	fprintf(f, "  own pages                  %12llu\n", info->own_pages);
	fprintf(f, "  own pages that are free    %12llu\n", info->free_pages);
	fprintf(f, "  pages deposited by root    %12llu\n", info->deposited_pages);
	fprintf(f, "  TSC frequency              %12llu Hz\n", info->tsc_hz);
	fprintf(f, "  APIC timer frequency       %12llu Hz\n", info->apic_timer_hz);
	fprintf(f, "  dispatches of child VPs    %12lu\n", dispatches);
	fprintf(f, "  hypercalls                 %12lu\n", hypercalls);
	fprintf(f, "exits, by reason; total and each logical processor\n");
	print_exits(f, info, "root", offsetof(struct openhv_lp_info, root_exits));
	print_exits(f, info, "child", offsetof(struct openhv_lp_info, child_exits));
}

void openhv_log_print(FILE *f, const struct openhv_info *info)
{
	const char *log = (const char *)info + info->log_offset;
	uint64_t at = info->log_head > info->log_size ? info->log_head - info->log_size : 0;

	/* What is left of a line that was overwritten is no line. */
	if (at) {
		while (at < info->log_head && log[at % info->log_size] != '\n')
			at++;
		at++;
	}
	for (; at < info->log_head; at++)
		fputc(log[at % info->log_size], f);
}
