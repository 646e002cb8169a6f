// SPDX-License-Identifier: GPL-2.0-only
/*
 * From the loader to the root partition.
 */
#include <asm/cpu.h>
#include <asm/paging.h>
#include <asm/x86.h>
#include <openhv/acpi.h>
#include <openhv/atomic.h>
#include <openhv/features.h>
#include <openhv/info_page.h>
#include <openhv/log.h>
#include <openhv/lp.h>
#include <openhv/memory.h>
#include <openhv/options.h>
#include <openhv/partition.h>
#include <openhv/platform.h>
#include <openhv/root.h>
#include <openhv/time.h>
#include <openhv/version.h>
#include <tlfs/system.h>
#include "linux.h"
#include "multiboot.h"

struct lp *lps[LP_MAX];
u32 lp_count;

static u32 ready;		/* LPs that wait for the start */
static u32 go;

static void *boot_page(void)
{
	void *page = own_alloc();

	if (!page)
		refuse("out of memory for the processors");
	return page;
}

/* A stack is four pages in a row, aligned to its size: cut from a run of pool pages. */
static void *make_stack(struct lp *lp)
{
	u32 pages = LP_STACK_SIZE / PAGE_SIZE, run = 0;
	u8 *page = NULL, *next;

	/* The pool gives pages in ascending order at boot; what does not fit is left. */
	while (run < pages) {
		next = boot_page();
		if (!IS_ALIGNED((u64)next, LP_STACK_SIZE) && !run)
			continue;
		if (run && next != page + run * PAGE_SIZE)
			refuse("openhv's memory is not in one piece");
		if (!run)
			page = next;
		run++;
	}
	*(struct lp **)page = lp;
	return page;
}

static struct lp *make_lp(u32 index, u32 apic_id)
{
	struct lp *lp = boot_page();

	lp->index = index;
	lp->apic_id = apic_id;
	lp->stack = make_stack(lp);
	lp->host_save = boot_page();
	lp->host_vmcb = boot_page();
	lp->hc_pages[0][0] = boot_page();
	lp->hc_pages[0][1] = boot_page();
	lp->hc_pages[1][0] = boot_page();
	lp->hc_pages[1][1] = boot_page();
	lp->state_page = boot_page();
	lp->info = &openhv_info->lp[index];
	list_init(&lp->timers);
	list_init(&lp->notify);
	list_init(&lp->queue.waiting);
	list_init(&lp->slice_timer.node);
	return lp;
}

/*
 * The LPs of root: the processor that runs this comes first, unless it is to
 * be parked.
 */
static void make_lps(const u32 *ids, u32 count, bool park)
{
	u32 self = apic_read_id(), i;

	if (!park)
		lps[lp_count++] = make_lp(0, self);
	for (i = 0; i < count && lp_count < LP_MAX; i++) {
		if (ids[i] == self)
			continue;
		lps[lp_count] = make_lp(lp_count, ids[i]);
		lp_count++;
	}
	if (park)
		acpi_hide_cpu(self);
	openhv_info->lp_count = lp_count;
}

void lp_main(struct lp *lp)
{
	vcpu_lp_enable(lp);
	atomic_add(&ready, 1);
	while (!load_acquire(&go))
		cpu_relax();
	WRITE_ONCE(lp->started, rdtsc());
	sched->run(lp);
}

static void __noreturn park_cpu(void)
{
	apic_quiesce();
	for (;;)
		__asm__ __volatile__("cli; hlt");
}

static void start(void)
{
	u32 ids[LP_MAX + 1], count;
	bool park;

	vcpu_probe();
	descriptors_init();
	descriptors_load();
	acpi_init(boot_info.has_rsdp ? boot_info.rsdp_copy : NULL);
	apic_init_bsp();
	apic_init_lp();
	clocks_calibrate();
	time_init();
	count = acpi_cpus(ids, ARRAY_SIZE(ids));
	/*
	 * QEMU's emulator loses nested paging state on its first vCPU while
	 * others run: that one does not run guests (Documentation, openhv.rst).
	 */
	park = platform_is_tcg();
	if (park && count < 2)
		refuse("under QEMU's emulator openhv keeps one CPU to itself: give -smp 2 or more");

	platform_memory_init(count);
	paging_init(platform_map_end());
	info_page_init();
	features_init();
	partitions_init();
	acpi_hide_table("DMAR");
	acpi_hide_table("IVRS");
	make_lps(ids, count, park);
	root_init();
	info_page_show();
	linux_load(lps[0]->root_vp);
	log_info("%u processors for root%s, %s scheduler, %s local APIC for root", lp_count,
		 park ? ", one parked" : "",
		 sched->type == HV_SCHEDULER_TYPE_ROOT ? "root" : "core",
		 options.root_shim ? "physical" : "virtual");

	smp_start();
	while (load_acquire(&ready) < lp_count - !park)
		cpu_relax();
	log_info("starting root; %llu KiB of openhv's memory are free",
		 own_free_pages() * PAGE_SIZE / 1024);
	if (park) {
		store_release(&go, 1);
		park_cpu();
	}
	lp_switch_stack(lps[0]);
}

/* On LP 0's own stack: the last of the boot processor's way. */
void boot_continue(void)
{
	store_release(&go, 1);
	lp_main(lp_self());
}

void boot_main(u32 magic, u32 info);
void boot_main(u32 magic, u32 info)
{
	const char *error = multiboot_parse(magic, info);

	options_parse(boot_info.cmdline);
	if (options.console_port)
		serial_init(options.console_port);
	log_info("openhv %s", OPENHV_VERSION_STRING);
	if (error)
		refuse("bad multiboot data: %s", error);
	start();
	panic("the boot processor came back");
}
