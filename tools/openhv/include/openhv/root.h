/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The root partition: what it has that children do not.
 */
#ifndef OPENHV_ROOT_H
#define OPENHV_ROOT_H

#include <openhv/lp.h>
#include <openhv/options.h>
#include <openhv/partition.h>
#include <openhv/types.h>

struct acpi_info;

/* Build the root partition and its VPs, from what the boot code found. */
void root_init(void);

/**
 * root_leave() - take back what root's kernel made, which is gone
 *
 * Ends all children, with their VPs wherever they run, and gives root all pages that it has
 * deposited. Processors remain added. Root's other processors may make hypercalls meanwhile:
 * it waits for those that finalize or delete a child, for some seconds at most.
 */
void root_leave(void);

/* Root has EOIed a level-triggered device interrupt: so do we. */
void lp_root_eoi(struct lp *lp, u8 vector);

/**
 * root_messages_pump() - write the next message for root, if its slot is free
 * @vp: the root VP whose SINT0 slot may have become free
 */
void root_messages_pump(struct vp *vp);

/*
 * The shim (option root-apic=shim): root has the physical local APIC of its
 * processor, and takes interrupts from there without an exit.
 */
static inline bool root_has_shim(const struct vp *vp)
{
	return unlikely(options.root_shim) && partition_is_root(vp->partition);
}

/**
 * root_apic_raise() - an interrupt for a root VP that has the shim
 * @vp: the VP; not owned, may be running
 * @vector: 16 to 255
 *
 * Comes from its physical APIC, as a device's would.
 */
void root_apic_raise(struct vp *vp, u8 vector);

/**
 * root_apic_read() - a register that the shim has from the physical APIC
 * @vp: the VP
 * @offset: in the xAPIC page
 * @value: receives it
 *
 * Returns: false if the register is none of those, or is another LP's
 */
bool root_apic_read(const struct vp *vp, u32 offset, u32 *value);
bool root_apic_write(struct vp *vp, u32 offset, u32 value);

/* What a root VP's INIT does to the physical APIC: nothing is in service any more. */
void root_apic_reset(void);

/* Root's VP is about to be entered: see whether its interrupts have to exit. */
void root_apic_enter(struct lp *lp, struct vp *vp);

/**
 * root_apic_interrupt() - a physical interrupt has come, and root has the shim
 * @lp: this LP
 * @vp: the VP that it interrupted: root's, or a child's
 */
void root_apic_interrupt(struct lp *lp, struct vp *vp);

/* It came while the LP slept in the name of its root VP. */
void root_apic_woken(struct lp *lp, struct vp *vp);

/* Exchange the numbers of two LPs, none of which is in use yet. */
hv_status_t root_number_lp(u32 from, u32 to);

/* A root VP's exit for an address that its page tables do not map */
void root_npt_fault(struct vp *vp);

/* The hypervisor's pages in root's address space */
extern void *hypercall_page;
extern void *reference_tsc_page;

#endif /* OPENHV_ROOT_H */
