/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * libmshv: a whole machine, for an operating system: its partition and VPs as
 * firmware would leave them, and their state, to be saved and restored.
 */
#ifndef MSHV_MACHINE_H
#define MSHV_MACHINE_H

#include <stdbool.h>

#include <mshv/vp.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * The most VPs that a machine has. Their indices are their APIC IDs, which have 8 bits in
 * CPUID, in the ACPI tables' usual form and in interrupts; 255 means all of them.
 */
#define MSHV_MACHINE_MAX_CPUS	255

/**
 * mshv_create_machine() - create and initialize a partition for Linux or Windows
 * @dev: file descriptor of the device
 * @cpus: how many VPs it will have, 1 to MSHV_MACHINE_MAX_CPUS
 *
 * It has local APICs, large pages, the synthetic features that Linux makes use of,
 * as far as they are there, and MSRs that it may try.
 *
 * Return: file descriptor of the partition, -EINVAL for more VPs than there can be, or
 * another negative errno.
 */
int mshv_create_machine(int dev, __u32 cpus);

/**
 * mshv_vp_setup_machine() - give a VP its place in a machine
 * @vp: the VP, never run; its index is below @cpus
 * @cpus: how many VPs there are, 1 to MSHV_MACHINE_MAX_CPUS; each is a core of its own
 *	in one package, and its APIC ID is its index
 *
 * That is CPUID, the local APIC's LINT0 (ExtINT) and LINT1 (NMI), and MTRRs that make
 * all memory write-back.
 *
 * Return: 0, -EINVAL if there can be no such VP, or another negative errno.
 */
int mshv_vp_setup_machine(struct mshv_vp *vp, __u32 cpus);

#define MSHV_CRASH_REGISTERS	5

/**
 * mshv_vp_get_crash() - what the guest has said of its crash
 * @vp: any VP of the partition, stopped
 * @p: the parameters P0 to P4 (TLFS, "Guest Crash Enlightenment"); all zero: nothing yet
 *
 * Return: 0 or a negative errno: not every hypervisor lets a VMM read them.
 */
int mshv_vp_get_crash(struct mshv_vp *vp, __u64 p[MSHV_CRASH_REGISTERS]);

#define MSHV_VP_STATE_REGISTERS	127

/**
 * struct mshv_vp_state - all that a VP is, in whole pages
 * @pages: what MSHV_GET_VP_STATE gives, by MSHV_VP_STATE_*
 * @count: number of @registers
 * @reserved: zero
 * @registers: its registers, in the order in which they are to be set
 *
 * It must be aligned to 4096.
 */
struct mshv_vp_state {
	__u8 pages[MSHV_VP_STATE_COUNT][4096];
	__u32 count;
	__u8 reserved[28];
	struct hv_register_assoc registers[MSHV_VP_STATE_REGISTERS];
};

/**
 * mshv_vp_save() - read all that a stopped VP is
 * @vp: the VP
 * @machine: it is of a partition with APICs and synthetic features
 * @state: where it goes
 *
 * Time is to be frozen (property TIME_FREEZE) while a partition's VPs are saved or
 * restored, all of them: their TSCs are then as of one moment. The partition's own
 * registers are saved with VP 0.
 *
 * Return: 0 or a negative errno.
 */
int mshv_vp_save(struct mshv_vp *vp, bool machine, struct mshv_vp_state *state);

/**
 * mshv_vp_restore() - make a VP what another one was
 * @vp: the VP, never run; the partition's memory is as it was, too
 * @machine: as it was saved
 * @state: what it is to be; what makes no sense is refused by the hypervisor
 *
 * Return: 0 or a negative errno.
 */
int mshv_vp_restore(struct mshv_vp *vp, bool machine, const struct mshv_vp_state *state);

#ifdef __cplusplus
}
#endif

#endif /* MSHV_MACHINE_H */
