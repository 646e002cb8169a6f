/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Virtual interrupts: routes, injection, irqfds.
 */
#ifndef MSHV_INTR_H
#define MSHV_INTR_H

#include <linux/list.h>
#include <linux/rcupdate.h>
#include <linux/spinlock.h>
#include <linux/types.h>

#include <uapi/linux/mshv.h>

struct mshv_partition;

/* GSIs of a partition */
#define MSHV_MAX_GSIS		4096

/**
 * struct mshv_route - where a GSI goes
 * @valid: the table has an entry for it
 * @vector: interrupt vector
 * @type: HV_X64_INTERRUPT_TYPE_*
 * @level: level triggered
 * @logical: @dest is a logical destination
 * @dest: APIC ID or logical destination
 */
struct mshv_route {
	bool valid;
	u8 vector;
	u8 type;
	bool level;
	bool logical;
	u8 dest;
};

struct mshv_routing_table;

/**
 * struct mshv_intr - a partition's interrupt sources
 * @routes: by GSI; replaced as a whole under the partition's mutex, read under RCU
 * @lock: guards the two lists; taken in interrupt context
 * @irqfds: all irqfds
 * @resamplers: those that want to hear of the guest's EOI; read under RCU
 * @renumbered: some VP may have another APIC ID than its index; never taken back
 */
struct mshv_intr {
	struct mshv_routing_table __rcu *routes;
	spinlock_t lock;	/* @irqfds, @resamplers */
	struct list_head irqfds;
	struct list_head resamplers;
	bool renumbered;
};

/* routing.c */

/**
 * mshv_routing_set() - replace a partition's routing table
 * @partition: the partition; the caller holds its mutex
 * @entries: the new table
 * @nr: its length; 0 clears the table
 *
 * Return: 0; -EINVAL if a GSI is too large or named twice, or if the upper half
 * of an address is not zero; -ENOMEM. After a failure the old table stands.
 */
int mshv_routing_set(struct mshv_partition *partition,
		     const struct mshv_user_irq_entry *entries, u32 nr);

/**
 * mshv_routing_get() - look up where a GSI goes
 * @intr: the partition's
 * @gsi: any number
 *
 * May be called in any context. The result is one entry of one table, whole.
 *
 * Return: the route; @valid is false if there is none.
 */
struct mshv_route mshv_routing_get(struct mshv_intr *intr, u32 gsi);

/**
 * mshv_routing_free() - free the table of a partition that no one can find any more
 * @intr: the partition's
 */
void mshv_routing_free(struct mshv_intr *intr);

/**
 * mshv_ioctl_set_msi_routing() - MSHV_SET_MSI_ROUTING
 * @partition: the partition; the caller holds its mutex
 * @uarg: arguments
 *
 * Return: 0; a negative errno.
 */
long mshv_ioctl_set_msi_routing(struct mshv_partition *partition,
				struct mshv_user_irq_table __user *uarg);

/* inject.c */

/**
 * mshv_intr_inject() - interrupt a partition by a route
 * @partition: the partition
 * @route: where to; one that cannot be delivered is dropped
 *
 * May be called in any context.
 *
 * Return: 0; -EINVAL if the route cannot be delivered; the hypercall's errno.
 */
int mshv_intr_inject(struct mshv_partition *partition, const struct mshv_route *route);

/* irqfd.c */

/**
 * mshv_irqfd_module_init() - set up what irqfds share
 *
 * Return: 0; -ENOMEM.
 */
int mshv_irqfd_module_init(void);

/**
 * mshv_irqfd_module_exit() - undo mshv_irqfd_module_init()
 */
void mshv_irqfd_module_exit(void);

/**
 * mshv_irqfd_init() - prepare a new partition for irqfds
 * @intr: the partition's
 */
void mshv_irqfd_init(struct mshv_intr *intr);

/**
 * mshv_ioctl_irqfd() - MSHV_IRQFD
 * @partition: the partition; the caller holds its mutex
 * @uarg: arguments
 *
 * Return: 0; a negative errno.
 */
long mshv_ioctl_irqfd(struct mshv_partition *partition, struct mshv_user_irqfd __user *uarg);

/**
 * mshv_irqfd_release() - remove all irqfds of a partition
 * @partition: the partition
 *
 * None of them injects after this. May sleep.
 */
void mshv_irqfd_release(struct mshv_partition *partition);

/**
 * mshv_irqfd_eoi() - the guest has ended an interrupt
 * @partition: the partition
 * @vector: of that interrupt
 *
 * Signals the resample eventfds of the GSIs that go to @vector. May be called in
 * any context.
 *
 * Return: true if there was one.
 */
bool mshv_irqfd_eoi(struct mshv_partition *partition, u32 vector);

#endif /* MSHV_INTR_H */
