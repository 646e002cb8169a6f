// SPDX-License-Identifier: GPL-2.0-only
/*
 * The tests' processor: its clock, its ports, and what CPUID says of it, which
 * is the same wherever the tests run.
 */
#include <asm/cpu.h>
#include "machine.h"

#include <sched.h>

/* So many turns of a loop that waits are no waiting any more. */
#define RELAX_LIMIT	50000000

u64 host_tsc = 1000000000;
u64 host_tsc_step = 100;

struct host_port_write host_port_writes[16];
u32 host_port_write_count;

static struct {
	u32 leaf;
	u32 subleaf;
	u32 regs[4];
} leaves[64] = {
	{ 0x0, 0, { 0xD, 0x68747541, 0x444D4163, 0x69746E65 } },
	{ 0x1, 0, { 0x00800F12, 0x00000800, 0x7EFA3203, 0x178BFBFF } },
	{ 0x7, 0, { 0, 0xF1BF07AB, 0x00415F46, 0x00004010 } },
	/* AVX, and AVX-512 in three parts, the last of which wants to be aligned */
	{ 0xD, 0, { 0xE7, 2688, 2688, 0 } },
	{ 0xD, 1, { 0xF, 2688, 0, 0 } },
	{ 0xD, 2, { 256, 576, 0, 0 } },
	{ 0xD, 5, { 64, 1088, 0, 0 } },
	{ 0xD, 6, { 512, 1152, 0, 0 } },
	{ 0xD, 7, { 1024, 1664, 2, 0 } },
	{ 0x80000000, 0, { 0x8000001F, 0x68747541, 0x444D4163, 0x69746E65 } },
	{ 0x80000001, 0, { 0x00800F12, 0, 0x004001F7, 0x2FD3FBFF } },
	{ 0x80000002, 0, { 0x54534554, 0, 0, 0 } },
	{ 0x80000007, 0, { 0, 0, 0, 0x100 } },
	{ 0x80000008, 0, { 0x3028, 0x1, 0x4003, 0 } },
	{ 0x8000000A, 0, { 1, 16, 0, 0xFF } },
	{ 0x8000001E, 0, { 5, 5, 5, 5 } },
};

void cpuid_count(u32 leaf, u32 subleaf, u32 *a, u32 *b, u32 *c, u32 *d)
{
	u32 i;

	*a = 0;
	*b = 0;
	*c = 0;
	*d = 0;
	for (i = 0; i < ARRAY_SIZE(leaves); i++) {
		if (!leaves[i].leaf && i)
			break;
		if (leaves[i].leaf != leaf || leaves[i].subleaf != subleaf)
			continue;
		*a = leaves[i].regs[0];
		*b = leaves[i].regs[1];
		*c = leaves[i].regs[2];
		*d = leaves[i].regs[3];
		return;
	}
}

void host_cpuid_set(u32 leaf, u32 subleaf, u32 a, u32 b, u32 c, u32 d)
{
	u32 i;

	for (i = 0; i < ARRAY_SIZE(leaves) - 1; i++) {
		if ((leaves[i].leaf == leaf && leaves[i].subleaf == subleaf) ||
		    (!leaves[i].leaf && i))
			break;
	}
	leaves[i].leaf = leaf;
	leaves[i].subleaf = subleaf;
	leaves[i].regs[0] = a;
	leaves[i].regs[1] = b;
	leaves[i].regs[2] = c;
	leaves[i].regs[3] = d;
}

void host_cpuid_clear(u32 leaf, u32 subleaf, u32 reg, u32 bits)
{
	u32 r[4];

	cpuid_count(leaf, subleaf, &r[0], &r[1], &r[2], &r[3]);
	r[reg] &= ~bits;
	host_cpuid_set(leaf, subleaf, r[0], r[1], r[2], r[3]);
}

u64 rdtsc(void)
{
	return atomic_add(&host_tsc, host_tsc_step);
}

void host_pass_time(u64 t)
{
	atomic_add(&host_tsc, t * (HOST_TSC_HZ / 10000000));
}

void cpu_relax(void)
{
	static __thread u32 turns;

	if (++turns > RELAX_LIMIT)
		host_fail("waits for ever");
	if (!(turns % 64))
		sched_yield();
}

static void port_write(u16 port, u8 size, u32 value)
{
	if (host_port_write_count < ARRAY_SIZE(host_port_writes))
		host_port_writes[host_port_write_count++] =
			(struct host_port_write){ port, size, value };
}

void outb(u16 port, u8 value)
{
	port_write(port, 1, value);
}

void outw(u16 port, u16 value)
{
	port_write(port, 2, value);
}

void outl(u16 port, u32 value)
{
	port_write(port, 4, value);
}
