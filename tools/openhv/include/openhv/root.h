/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The root partition: what it has that children do not.
 */
#ifndef OPENHV_ROOT_H
#define OPENHV_ROOT_H

#include <openhv/lp.h>
#include <openhv/types.h>

struct vp;
struct acpi_info;

/* Build the root partition and its VPs, from what the boot code found. */
void root_init(void);

/**
 * root_leave() - take back what root's kernel made, which is gone
 *
 * Ends all children, with their VPs wherever they run, and gives root all pages that it has
 * deposited. Processors remain added. Root's other processors may make hypercalls meanwhile.
 */
void root_leave(void);

/* Root has EOIed a level-triggered device interrupt: so do we. */
void lp_root_eoi(struct lp *lp, u8 vector);

/**
 * root_messages_pump() - write the next message for root, if its slot is free
 * @vp: the root VP whose SINT0 slot may have become free
 */
void root_messages_pump(struct vp *vp);

/* Exchange the numbers of two LPs, none of which is in use yet. */
hv_status_t root_number_lp(u32 from, u32 to);

/* A root VP's exit for an address that its page tables do not map */
void root_npt_fault(struct vp *vp);

/* The hypervisor's pages in root's address space */
extern void *hypercall_page;
extern void *reference_tsc_page;

#endif /* OPENHV_ROOT_H */
