// SPDX-License-Identifier: GPL-2.0-only
/*
 * The machine around the processors: clocks, serial port, stopping.
 */
#include <asm/cpu.h>
#include <asm/x86.h>
#include <openhv/acpi.h>
#include <openhv/log.h>
#include <openhv/string.h>

u64 tsc_hz;
u64 apic_timer_hz;

static u16 serial_port;

/* 16550 registers */
#define UART_DATA	0
#define UART_IER	1
#define UART_FCR	2
#define UART_LCR	3
#define UART_MCR	4
#define UART_LSR	5
#define UART_LSR_THRE	BIT(5)
#define UART_WAIT	100000

void serial_init(u16 port)
{
	outb(port + UART_IER, 0);
	outb(port + UART_LCR, 0x80);	/* divisor latch: 115200 baud */
	outb(port + UART_DATA, 1);
	outb(port + UART_IER, 0);
	outb(port + UART_LCR, 0x03);	/* 8 data bits, no parity, 1 stop bit */
	outb(port + UART_FCR, 0x07);
	outb(port + UART_MCR, 0x03);
	serial_port = port;
}

void serial_init_default(void)
{
	if (!serial_port)
		serial_init(0x3F8);
}

void serial_putc(char c)
{
	u32 i;

	if (!serial_port)
		return;
	for (i = 0; i < UART_WAIT; i++) {
		if (inb(serial_port + UART_LSR) & UART_LSR_THRE)
			break;
		cpu_relax();
	}
	outb(serial_port + UART_DATA, c);
}

/*
 * The clocks are measured against the ACPI timer. Below an emulator or a busy
 * hypervisor a reading may be interrupted at any place for any time; each is
 * therefore taken between two readings of the TSC, several times over, and
 * the one with the least between them counts.
 */
#define PM_TIMER_HZ	3579545UL
#define PM_TIMER_MASK	0xFFFFFFUL	/* it has at least 24 bits: 4.7 s */
#define CALIBRATE_MS	60UL
#define READINGS	24

struct reading {
	u64 tsc;		/* in the middle */
	u64 width;		/* how long the reading took, in TSC ticks */
	u32 pm;
	u32 apic;
};

static struct reading take_reading(u16 port)
{
	struct reading best = { .width = ~0UL };
	u32 i;

	for (i = 0; i < READINGS; i++) {
		struct reading r;
		u64 before = rdtsc();

		r.pm = inl(port) & PM_TIMER_MASK;
		r.apic = apic_timer_count();
		r.width = rdtsc() - before;
		r.tsc = before + r.width / 2;
		if (r.width < best.width)
			best = r;
	}
	return best;
}

void clocks_calibrate(void)
{
	u16 port = acpi_pm_timer();
	struct reading begin, end;
	u64 ticks, limit;

	if (!port)
		refuse("no ACPI timer: there is no clock to measure the TSC with");
	apic_timer_free_run(true);
	begin = take_reading(port);
	limit = rdtsc() + (1UL << 36);	/* more than 10 s of any processor's TSC */
	do {
		if (rdtsc() > limit)
			refuse("the ACPI timer does not count");
		ticks = ((inl(port) & PM_TIMER_MASK) - begin.pm) & PM_TIMER_MASK;
	} while (ticks < PM_TIMER_HZ * CALIBRATE_MS / 1000);
	end = take_reading(port);
	apic_timer_free_run(false);

	ticks = (end.pm - begin.pm) & PM_TIMER_MASK;
	tsc_hz = (unsigned __int128)(end.tsc - begin.tsc) * PM_TIMER_HZ / ticks;
	/* The APIC's counter runs down. */
	apic_timer_hz = (u64)(begin.apic - end.apic) * PM_TIMER_HZ / ticks;
	if (tsc_hz < 1000000 || apic_timer_hz < 1000000)
		refuse("implausible clocks: TSC %llu Hz, APIC timer %llu Hz", tsc_hz,
		       apic_timer_hz);
	/* A measurement, so no more digits than it has: round to 10 kHz. */
	tsc_hz = (tsc_hz + 5000) / 10000 * 10000;
	apic_timer_hz = (apic_timer_hz + 5000) / 10000 * 10000;
	log_info("clocks: TSC %llu kHz, APIC timer %llu kHz", tsc_hz / 1000,
		 apic_timer_hz / 1000);
}

void udelay(u32 us)
{
	u64 end = rdtsc() + (u64)us * tsc_hz / 1000000;

	while ((s64)(rdtsc() - end) < 0)
		cpu_relax();
}

bool platform_is_tcg(void)
{
	u32 a, sig[3];

	cpuid_count(1, 0, &a, &sig[0], &sig[1], &sig[2]);
	if (!(sig[1] & TLFS_BIT(31)))
		return false;
	cpuid_count(0x40000000, 0, &a, &sig[0], &sig[1], &sig[2]);
	return !memcmp(sig, "TCGTCGTCGTCG", 12);
}

void machine_stop(u32 status)
{
	outl(DEBUG_EXIT_PORT, status);
	for (;;)
		__asm__ __volatile__("cli; hlt");
}

void machine_reset(void)
{
	/* The chipset's reset control register: full reset */
	outb(0xCF9, 0x02);
	outb(0xCF9, 0x06);
	udelay(100000);
	/* The keyboard controller's */
	outb(0x64, 0xFE);
	for (;;)
		__asm__ __volatile__("cli; hlt");
}
