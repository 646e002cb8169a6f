/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The processor and the platform as openhv itself uses them.
 */
#ifndef OPENHV_ASM_X86_H
#define OPENHV_ASM_X86_H

#include <asm/cpu.h>
#include <openhv/types.h>

struct lp;

/* openhv's own vectors: above all that root may give to a device */
#define VECTOR_DEVICE_FIRST	0x20
#define VECTOR_DEVICE_LAST	0xEF
#define VECTOR_TIMER		0xF0
#define VECTOR_KICK		0xF1
#define VECTOR_APIC_ERROR	0xF2
#define VECTOR_SPURIOUS		0xFF

/* Segment selectors of openhv's descriptor table */
#define SEL_CODE64		0x08
#define SEL_DATA		0x10

/* Values written to the debug exit port; QEMU exits with value * 2 + 1 */
#define DEBUG_EXIT_PORT		0xF4
#define DEBUG_EXIT_PANIC	0x3D
#define DEBUG_EXIT_REFUSED	0x3E

/* What an exception or interrupt leaves on the stack (traps.S) */
struct trap_frame {
	u64 r15, r14, r13, r12, r11, r10, r9, r8;
	u64 rbp, rdi, rsi, rdx, rcx, rbx, rax;
	u64 vector;
	u64 error;
	u64 rip, cs, rflags, rsp, ss;
};

/* Load openhv's descriptor tables on this LP. */
void descriptors_load(void);
void descriptors_init(void);

/* The serial console: one of the standard ports, polled. */
void serial_init(u16 port);
void serial_putc(char c);
/* The first port, if no other was chosen. */
void serial_init_default(void);

/* Physical local APIC; xAPIC page or x2APIC, as the firmware left it. */
void apic_init_bsp(void);
void apic_init_lp(void);
/* A CPU that stays outside of it all: mask what could disturb it. */
void apic_quiesce(void);
/**
 * apic_has_x2apic() - whether the processor has the local APIC's other mode
 *
 * Returns: true if it has, whatever mode it is in
 */
static inline bool apic_has_x2apic(void)
{
	u32 a, b, c, d;

	cpuid_count(1, 0, &a, &b, &c, &d);
	return c & CPUID1_ECX_X2APIC;
}

u32 apic_read_id(void);
/* Registers by their offset in the xAPIC page */
u32 apic_read(u32 offset);
void apic_write(u32 offset, u32 value);
void apic_send_ipi(u32 apic_id, u8 vector);
void apic_send_nmi(u32 apic_id);
void apic_send_init(u32 apic_id);
void apic_send_sipi(u32 apic_id, u8 vector);
void apic_eoi(void);
/* Whether a vector that is in service came in level-triggered. */
bool apic_vector_is_level(u8 vector);
bool apic_vector_in_service(u8 vector);
/* It has come, and has not been taken. */
bool apic_vector_waits(u8 vector);
/* Count down once and raise a vector, which is VECTOR_TIMER at first; 0 stops. */
void apic_timer_start(u32 count);
void apic_timer_vector(u8 vector);
u32 apic_timer_count(void);
/* Count down from all ones without an interrupt, to be measured. */
void apic_timer_free_run(bool on);

/* Frequencies, measured at boot, in Hz */
extern u64 tsc_hz;
extern u64 apic_timer_hz;
void clocks_calibrate(void);
/* Wait, by the TSC. */
void udelay(u32 us);

/* This is QEMU's emulator, whose first vCPU cannot run guests. */
bool platform_is_tcg(void);

/* Start all CPUs of the list but the one that runs this. */
void smp_start(void);

/* Stop the machine, with a status where the machine can give one. */
void machine_stop(u32 status) __noreturn;
/* Reset it. */
void machine_reset(void) __noreturn;

/* An NMI has come: whoever was about to sleep goes on as if it had been woken. */
void lp_nmi_ends_wait(struct trap_frame *frame);

/* Print this LP's registers and a back-trace (of a trap, if there is one). */
void dump_state(const struct trap_frame *frame);

#endif /* OPENHV_ASM_X86_H */
