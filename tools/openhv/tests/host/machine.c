// SPDX-License-Identifier: GPL-2.0-only
/*
 * The machine below the hypervisor's core: what arch/ and boot/ provide on
 * hardware.
 */
#include <asm/cpu.h>
#include <asm/x86.h>
#include <openhv/features.h>
#include <openhv/info_page.h>
#include <openhv/log.h>
#include <openhv/options.h>
#include <openhv/platform.h>
#include <openhv/root.h>
#include <openhv/time.h>
#include "machine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

u8 *host_memory;
u64 host_memory_size;

struct lp *lps[LP_MAX];
u32 lp_count;
u64 tsc_hz = HOST_TSC_HZ;
u64 apic_timer_hz = HOST_APIC_TIMER_HZ;

__thread struct lp *host_lp;
u32 host_kicks[LP_MAX];
void (*host_interrupts)(struct lp *lp);

void (*host_stopped)(int code);
static const char *stop_text;

static char log_text[65536];
static size_t log_length;

/* The console: kept, and shown only when something goes wrong */
void serial_init(u16 port)
{
	(void)port;
}

void serial_init_default(void)
{
}

void serial_putc(char c)
{
	if (log_length < sizeof(log_text) - 1 && c != '\r')
		log_text[log_length++] = c;
}

bool host_log_has(const char *text)
{
	log_text[log_length] = 0;
	return strstr(log_text, text);
}

void host_log_clear(void)
{
	log_length = 0;
}

static void show_log(void)
{
	size_t from = log_length > 1200 ? log_length - 1200 : 0, i;
	bool begin = true;

	for (i = from; i < log_length; i++) {
		if (begin)
			fputs("# log: ", stdout);
		putchar(log_text[i]);
		begin = log_text[i] == '\n';
	}
	fflush(stdout);
}

void host_fail(const char *fmt, ...)
{
	va_list args;

	show_log();
	va_start(args, fmt);
	fputs("# ", stdout);
	vprintf(fmt, args);
	putchar('\n');
	va_end(args);
	fflush(stdout);
	abort();
}

void host_bad_address(paddr_t pa)
{
	host_fail("the hypervisor looked at %llx, where there is no memory",
		  (unsigned long long)pa);
}

static void __noreturn stop(int code)
{
	if (host_stopped)
		host_stopped(code);
	host_fail("the machine stopped: %s", code == DEBUG_EXIT_PANIC ? "panic" :
		  code == DEBUG_EXIT_REFUSED ? "refused" : "reset");
}

static void stopped_as_expected(int code)
{
	if (stop_text && !host_log_has(stop_text)) {
		show_log();
		printf("# the log does not say \"%s\"\n", stop_text);
		fflush(stdout);
		code = 255;
	}
	_exit(code);
}

int host_stop_begin(const char *text)
{
	int pid;

	fflush(stdout);
	pid = fork();
	if (pid < 0)
		host_fail("no process to stop the machine in");
	if (!pid) {
		stop_text = text;
		host_stopped = stopped_as_expected;
	}
	return pid;
}

void host_stop_not(void)
{
	_exit(0);
}

int host_stop_end(int pid)
{
	int status;

	if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status) || WEXITSTATUS(status) == 255)
		return -1;
	return WEXITSTATUS(status);
}

void machine_stop(u32 status)
{
	stop(status);
}

void machine_reset(void)
{
	stop(HOST_STOP_RESET);
}

void dump_state(const struct trap_frame *frame)
{
	(void)frame;
}

/* AddressSanitizer's; NULL in a build without it */
void __asan_poison_memory_region(const void *va, size_t size) __attribute__((weak));
void __asan_unpoison_memory_region(const void *va, size_t size) __attribute__((weak));

bool host_watches_free_memory(void)
{
	return __asan_poison_memory_region;
}

void memory_poison(void *va, size_t size)
{
	if (__asan_poison_memory_region)
		__asan_poison_memory_region(va, size);
}

void memory_unpoison(void *va, size_t size)
{
	if (__asan_unpoison_memory_region)
		__asan_unpoison_memory_region(va, size);
}

struct lp *lp_self(void)
{
	return host_lp;
}

void lp_kick(struct lp *lp)
{
	if (lp != host_lp)
		atomic_add(&host_kicks[lp->index], 1);
}

void lp_take_interrupts(struct lp *lp)
{
	if (host_interrupts)
		host_interrupts(lp);
}

void lp_take_nmi(struct lp *lp)
{
	(void)lp;
}

void lp_wait_for_interrupt(struct lp *lp)
{
	if (!host_interrupts)
		host_fail("LP %u sleeps, and there is nobody to wake it", lp->index);
	host_interrupts(lp);
}

void lp_program_timer(struct lp *lp, u64 deadline, u8 vector)
{
	lp->timer_programmed = deadline;
	lp->timer_vector = vector;
	lp->timer_due = options.root_shim && deadline && vector == VECTOR_TIMER;
}

bool host_loaded(const struct vcpu *v)
{
	u32 i;

	for (i = 0; i < lp_count; i++) {
		if (lps[i]->loaded == v)
			return true;
	}
	return false;
}

bool platform_is_own(u64 pfn, u64 count)
{
	u64 own = HOST_OWN_BASE >> PAGE_SHIFT, apic = APIC_DEFAULT_BASE >> PAGE_SHIFT;

	return (pfn < own + HOST_OWN_PAGES && own < pfn + count) ||
	       (pfn <= apic && apic < pfn + count);
}

u64 platform_map_end(void)
{
	return 4 * SIZE_1G;
}

bool platform_tsc_invariant(void)
{
	return true;
}

static void *boot_page(void)
{
	void *page = own_alloc();

	if (!page)
		host_fail("no memory left at boot");
	return page;
}

static struct lp *make_lp(u32 index)
{
	struct lp *lp = boot_page();

	lp->index = index;
	/* Not the same as the index, to see that the two are told apart */
	lp->apic_id = index * 2;
	lp->stack = boot_page();
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

static void make_memory(void)
{
	static u16 frames[HOST_RAM_END >> PAGE_SHIFT];

	host_memory_size = HOST_RAM_END;
	/* At an address that the largest pages are aligned to, so that nothing is by chance */
	host_memory = mmap(NULL, host_memory_size + SIZE_1G, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (host_memory == MAP_FAILED)
		host_fail("no memory for the machine");
	host_memory = (u8 *)ALIGN_UP((u64)host_memory, SIZE_1G);

	frames_init(frames, ARRAY_SIZE(frames));
	frames_set(0, HOST_LOW_END >> PAGE_SHIFT, FRAME_ROOT);
	frames_set(HOST_HIGH_START >> PAGE_SHIFT, (HOST_RAM_END - HOST_HIGH_START) >> PAGE_SHIFT,
		   FRAME_ROOT);
	frames_set(HOST_OWN_BASE >> PAGE_SHIFT, HOST_OWN_PAGES, FRAME_OPENHV);
	own_init(HOST_OWN_BASE, HOST_OWN_PAGES);
}

void host_caps_default(struct vcpu_caps *caps)
{
	*caps = (struct vcpu_caps){
		.large_1g = true,
		.asids = 16,
		.xcr0 = 0xE7,
		.xsave_size = 2688,
		.mxcsr_mask = 0xFFFF,
		.phys_bits = HOST_PHYS_BITS,
		.cr4_valid = 0x7FF | CR4_UMIP | CR4_FSGSBASE | CR4_PCIDE | CR4_OSXSAVE |
			     CR4_SMEP | CR4_SMAP | CR4_PKE | CR4_LA57,
		.efer_valid = EFER_SCE | EFER_LME | EFER_LMA | EFER_NXE | EFER_FFXSR,
	};
}

void host_boot_with(const struct vcpu_caps *caps, u32 count)
{
	vcpu_caps = *caps;
	make_memory();
	time_init();
	info_page_init();
	features_init();
	partitions_init();
	for (lp_count = 0; lp_count < count; lp_count++)
		lps[lp_count] = make_lp(lp_count);
	openhv_info->lp_count = lp_count;
	host_lp = lps[0];
	root_init();
	info_page_show();
}

void host_boot(void)
{
	struct vcpu_caps caps;

	host_caps_default(&caps);
	host_boot_with(&caps, HOST_LPS);
}
