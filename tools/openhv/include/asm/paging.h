/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * openhv's own address space.
 */
#ifndef OPENHV_ASM_PAGING_H
#define OPENHV_ASM_PAGING_H

#include <openhv/types.h>

/* How many pages its tables take. */
u64 paging_pages(u64 end);

/**
 * paging_init() - map memory at its own addresses
 * @end: up to here
 *
 * Code can be executed and not written, everything else the other way round;
 * page 0 is not mapped.
 */
void paging_init(u64 end);
/* Use these tables on this LP. */
void paging_load(void);

#endif /* OPENHV_ASM_PAGING_H */
