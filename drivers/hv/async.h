/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MSHV_ASYNC_H
#define MSHV_ASYNC_H

#include <linux/types.h>

struct mshv_partition;

/**
 * mshv_async_begin() - prepare for a hypercall that may complete later
 * @partition: the partition; the caller holds its mutex
 *
 * Return: 0; -EBUSY if an earlier one, whose caller was killed, is still under way.
 */
int mshv_async_begin(struct mshv_partition *partition);

/**
 * mshv_async_wait() - wait for a hypercall that was answered with CALL_PENDING
 * @partition: the partition; the caller holds its mutex
 * @status: where the call's status goes
 *
 * Return: 0; -EINTR if the caller is being killed.
 */
int mshv_async_wait(struct mshv_partition *partition, u16 *status);

/**
 * mshv_async_complete() - the hypervisor's message that a call is complete
 * @partition: the partition
 * @status: the call's status
 *
 * Called in interrupt context, under the RCU read lock.
 */
void mshv_async_complete(struct mshv_partition *partition, u32 status);

#endif /* MSHV_ASYNC_H */
