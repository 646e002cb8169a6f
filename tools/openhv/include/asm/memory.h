/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How openhv sees the machine's memory: identity mapped, all of it.
 */
#ifndef OPENHV_ASM_MEMORY_H
#define OPENHV_ASM_MEMORY_H

#include <openhv/types.h>

static inline void *phys_to_virt(paddr_t pa)
{
	return (void *)pa;
}

static inline paddr_t virt_to_phys(const void *va)
{
	return (paddr_t)va;
}

/* Free memory, which nobody may touch: the host build, where it is tested, watches it. */
static inline void memory_poison(void *va, size_t size)
{
	(void)va;
	(void)size;
}

static inline void memory_unpoison(void *va, size_t size)
{
	(void)va;
	(void)size;
}

#endif /* OPENHV_ASM_MEMORY_H */
