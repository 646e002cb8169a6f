/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The processor in the host build: its definitions as they are, with the
 * instructions replaced that depend on the machine the tests run on, or that
 * a process may not execute.
 */
#ifndef OPENHV_HOST_ASM_CPU_H
#define OPENHV_HOST_ASM_CPU_H

#include <openhv/types.h>

#define cpu_relax	hardware_cpu_relax
#define rdtsc		hardware_rdtsc
#define cpuid_count	hardware_cpuid_count
#define outb		hardware_outb
#define outw		hardware_outw
#define outl		hardware_outl
#include_next <asm/cpu.h>
#undef cpu_relax
#undef rdtsc
#undef cpuid_count
#undef outb
#undef outw
#undef outl

/* Somebody waits for another processor; ends the test if there is none. */
void cpu_relax(void);

/* The tests' clock: it goes on by host_tsc_step with each look at it. */
u64 rdtsc(void);

/* The tests' processor */
void cpuid_count(u32 leaf, u32 subleaf, u32 *a, u32 *b, u32 *c, u32 *d);

/* Writes to ports are remembered (host_port_writes). */
void outb(u16 port, u8 value);
void outw(u16 port, u16 value);
void outl(u16 port, u32 value);

#endif /* OPENHV_HOST_ASM_CPU_H */
