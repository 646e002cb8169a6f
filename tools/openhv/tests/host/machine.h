/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The machine that the host build of openhv runs on: memory, logical
 * processors, a clock, a log. Tests begin with host_boot().
 *
 *	0	640 KiB	RAM of the root partition
 *	1 MiB	16 MiB	likewise; the tests' hypercall pages are here
 *	16 MiB	24 MiB	openhv's own
 *	24 MiB	2 GiB	RAM of the root partition
 *
 * What is not named is memory of devices.
 */
#ifndef HOST_MACHINE_H
#define HOST_MACHINE_H

#include <openhv/lp.h>
#include <openhv/partition.h>
#include <openhv/types.h>

#define HOST_RAM_END		(2 * SIZE_1G)
#define HOST_LOW_END		0xA0000UL
#define HOST_HIGH_START		0x100000UL
#define HOST_OWN_BASE		0x1000000UL
#define HOST_OWN_PAGES		2048UL
#define HOST_OWN_HIDDEN		(HOST_OWN_BASE + (HOST_OWN_PAGES - 1) * PAGE_SIZE) /* not shown */
#define HOST_DEVICE		0xC0000000UL	/* memory of a device, in root's map */
#define HOST_FREE_PAGES		0x2000000UL	/* from here on ram_pages() gives */
#define HOST_FREE_2M		0x20000000UL	/* from here on ram_pages_2m() gives */
#define HOST_FREE_1G		0x40000000UL
#define HOST_LPS		4
#define HOST_TSC_HZ		2000000000UL
#define HOST_APIC_TIMER_HZ	1000000000UL
#define HOST_PHYS_BITS		40

/* Codes of a machine that stopped, beside DEBUG_EXIT_* */
#define HOST_STOP_RESET		0x3F

/* Start the machine: root partition, LPs. Once in a process. */
void host_boot(void);
/* The same with what the caller says of the processor; see host_caps_default(). */
void host_boot_with(const struct vcpu_caps *caps, u32 lps);
void host_caps_default(struct vcpu_caps *caps);

/* End the test, with the last lines of the log. */
void host_fail(const char *fmt, ...) __printf(1, 2) __noreturn;

/* The LP that this thread is */
extern __thread struct lp *host_lp;

/* Whether a VCPU's state is in some LP's registers. */
bool host_loaded(const struct vcpu *v);

/* The clock: the time in TSC ticks, and how far it goes on at each look */
extern u64 host_tsc;
extern u64 host_tsc_step;
/* Let 100 ns times @t pass. */
void host_pass_time(u64 t);

/* What CPUID gives; sub-leaves that were not set give zero. */
void host_cpuid_set(u32 leaf, u32 subleaf, u32 a, u32 b, u32 c, u32 d);
/* Take features away: bits of a register, 0 for EAX to 3 for EDX. */
void host_cpuid_clear(u32 leaf, u32 subleaf, u32 reg, u32 bits);

/* What was done to the hardware */
struct host_port_write {
	u16 port;
	u8 size;
	u32 value;
};

extern struct host_port_write host_port_writes[16];
extern u32 host_port_write_count;
extern u32 host_kicks[LP_MAX];
extern u32 host_eois;

/* The physical APIC of an LP, as far as it is modelled: bit maps of 256 vectors */
struct host_apic {
	u32 irr[8];
	u32 isr[8];
	u32 tmr[8];
	u32 tpr;
};

struct host_apic *host_apic(const struct lp *lp);
/* The LP takes the highest interrupt that waits; it is in service then. 0: there is none. */
u8 host_apic_take(struct lp *lp);

/* Called when an LP lets interrupts in; may be NULL. */
extern void (*host_interrupts)(struct lp *lp);

/* Whether a line of the log has this in it. */
bool host_log_has(const char *text);
void host_log_clear(void);

/* Whether whoever touches memory that is free dies of it; that needs AddressSanitizer. */
bool host_watches_free_memory(void);

/*
 * Called when the machine stops, with the code; ends the test if it comes back
 * or is NULL.
 */
extern void (*host_stopped)(int code);

/*
 * HOST_STOP() runs something that stops the machine, in a process of its own;
 * the value is the code of the stop, 0 if it did not stop, or -1 if it died in
 * another way, or if @text (unless that is NULL) is not in the log.
 */
#define HOST_STOP_SAYING(text, statement) ({ \
	int host_pid = host_stop_begin(text); \
	if (!host_pid) { \
		statement; \
		host_stop_not(); \
	} \
	host_stop_end(host_pid); })
#define HOST_STOP(statement) HOST_STOP_SAYING(NULL, statement)
int host_stop_begin(const char *text);
void host_stop_not(void) __noreturn;
int host_stop_end(int pid);

#endif /* HOST_MACHINE_H */
