/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The life of the machine: reboot, kexec, crash, suspend. The first of them comes
 * once and has no way back: after it this driver is of no more use.
 */
#ifndef MSHV_MACHINE_H
#define MSHV_MACHINE_H

#include <linux/types.h>

/**
 * mshv_machine_init() - have a say in what becomes of the machine
 *
 * Return: 0; a negative errno.
 */
int mshv_machine_init(void);

/**
 * mshv_machine_exit() - undo mshv_machine_init(), and mshv_synic_init() and
 *	mshv_debugfs_init() unless mshv_machine_going_down() has
 */
void mshv_machine_exit(void);

/**
 * mshv_machine_going_down() - this kernel is about to give way
 * @kexec: to another one, without a reset of the machine
 *
 * Nothing of the hypervisor's is left in memory that the next kernel may take for
 * its own: the SynIC is off, no statistics page is mapped, of partitions neither, and
 * there will be no more deposits. Where deposited pages do not come back, the machine is
 * reset in the place of a kexec.
 *
 * The pages that VPs share with user space stay: what is left running may touch them.
 *
 * May sleep.
 */
void mshv_machine_going_down(bool kexec);

/**
 * mshv_machine_pm() - whether the machine may be suspended
 * @action: PM_*_PREPARE, or another event
 *
 * Return: a value for a notifier: no, whenever it asks.
 */
int mshv_machine_pm(unsigned long action);

#endif /* MSHV_MACHINE_H */
