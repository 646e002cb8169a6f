/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MSHV_STATUS_H
#define MSHV_STATUS_H

#include <linux/types.h>

/**
 * mshv_status_to_errno() - what a failed hypercall means to user space
 * @status: enum hv_status, or anything a hypervisor may answer
 *
 * Return: 0 for HV_STATUS_SUCCESS, a negative errno otherwise; that of upstream
 * Linux where it knows the status, -EIO where it does not.
 */
int mshv_status_to_errno(u16 status);

/**
 * mshv_status_name() - name of a status, for messages
 * @status: enum hv_status, or anything else
 *
 * Return: the TLFS's name without its prefix, or "unknown status".
 */
const char *mshv_status_name(u16 status);

/**
 * mshv_status_needs_memory() - whether a deposit could make the call succeed
 * @status: enum hv_status
 *
 * Return: true for the four statuses that ask for memory.
 */
bool mshv_status_needs_memory(u16 status);

/**
 * mshv_hvcall_name() - name of a hypercall, for messages
 * @code: enum hv_call_code, or anything else
 *
 * Return: the TLFS's name without its prefix, or "unknown hypercall".
 */
const char *mshv_hvcall_name(u16 code);

#endif /* MSHV_STATUS_H */
