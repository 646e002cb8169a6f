/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The machine's memory in the host build: a mapping of this process. An
 * address outside of it is one that the hypervisor should not have touched.
 */
#ifndef OPENHV_ASM_MEMORY_H
#define OPENHV_ASM_MEMORY_H

#include <openhv/types.h>

extern u8 *host_memory;
extern u64 host_memory_size;

void host_bad_address(paddr_t pa) __noreturn;

static inline void *phys_to_virt(paddr_t pa)
{
	if (pa >= host_memory_size)
		host_bad_address(pa);
	return host_memory + pa;
}

static inline paddr_t virt_to_phys(const void *va)
{
	return (paddr_t)va - (paddr_t)host_memory;
}

/* Touching memory that is free is an error of AddressSanitizer's; without it nothing happens. */
void memory_poison(void *va, size_t size);
void memory_unpoison(void *va, size_t size);

#endif /* OPENHV_ASM_MEMORY_H */
