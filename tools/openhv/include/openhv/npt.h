/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Nested page table entries. The format is that of long-mode page tables
 * (APM vol. 2, 15.25); a vendor whose differ has another of these headers.
 *
 * An entry that is not present belongs to software: NPTE_NO_ACCESS tells a
 * page that is mapped without any right from a hole.
 */
#ifndef OPENHV_NPT_H
#define OPENHV_NPT_H

#include <asm/cpu.h>
#include <openhv/gpamap.h>
#include <openhv/types.h>

#define NPT_LEVELS		4
#define NPT_ENTRIES		512
#define NPTE_SOFT_NO_ACCESS	BIT(9)	/* with PTE_PRESENT clear */
#define NPTE_SOFT_OVERLAY	BIT(10)
#define NPTE_SOFT_COUNTED	BIT(11)	/* holds references to its frames */
#define NPTE_SOFT_SPARE		BIT(52)	/* large: a table is kept to split it into */
#define NPTE_SOFT_SPARES	BIT(53)	/* 1 GiB: and one for each of its parts */

static inline bool npte_present(u64 e)
{
	return e & PTE_PRESENT;
}

static inline bool npte_no_access(u64 e)
{
	return !(e & PTE_PRESENT) && e & NPTE_SOFT_NO_ACCESS;
}

/* A mapping of any kind, at a level where it is one (not a table). */
static inline bool npte_mapped(u64 e)
{
	return e & (PTE_PRESENT | NPTE_SOFT_NO_ACCESS);
}

/* Level 0 is 4 KiB pages, 1: 2 MiB, 2: 1 GiB. */
static inline bool npte_is_table(u64 e, unsigned int level)
{
	return level > 0 && e & PTE_PRESENT && !(e & PTE_LARGE);
}

static inline u64 npte_pfn(u64 e)
{
	return (e & PTE_ADDR) >> PAGE_SHIFT;
}

static inline u64 npte_table(paddr_t table)
{
	return table | PTE_PRESENT | PTE_WRITE | PTE_USER | PTE_ACCESSED;
}

static inline u64 npte_leaf(u64 pfn, unsigned int level, u32 rights)
{
	u64 e;

	if (rights & GPA_NO_ACCESS)
		return NPTE_SOFT_NO_ACCESS | (level ? PTE_LARGE : 0);
	e = pfn << PAGE_SHIFT | PTE_PRESENT | PTE_USER;
	if (level)
		e |= PTE_LARGE;
	if (rights & GPA_WRITE)
		e |= PTE_WRITE;
	if (!(rights & GPA_EXEC))
		e |= PTE_NX;
	if (rights & GPA_UNCACHED)
		e |= PTE_PCD | PTE_PWT;
	return e;
}

static inline u32 npte_rights(u64 e)
{
	u32 rights;

	if (!(e & PTE_PRESENT))
		return e & NPTE_SOFT_NO_ACCESS ? GPA_NO_ACCESS : 0;
	rights = GPA_READ;
	if (e & PTE_WRITE)
		rights |= GPA_WRITE;
	if (!(e & PTE_NX))
		rights |= GPA_EXEC;
	if (e & PTE_PCD)
		rights |= GPA_UNCACHED;
	return rights;
}

#endif /* OPENHV_NPT_H */
