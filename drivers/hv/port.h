/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MSHV_PORT_H
#define MSHV_PORT_H

#include <linux/types.h>

struct eventfd_ctx;

/**
 * mshv_port_alloc() - find a number for a port of root's
 * @eventfd: signalled when the port is; the caller keeps its reference
 *
 * Numbers are unique over all partitions. May sleep.
 *
 * Return: the number, greater than 0; a negative errno.
 */
int mshv_port_alloc(struct eventfd_ctx *eventfd);

/**
 * mshv_port_free() - give a number back
 * @port_id: the number
 *
 * The eventfd may still be being signalled until an RCU grace period has passed.
 */
void mshv_port_free(u32 port_id);

/**
 * mshv_port_signal() - an event has come for a port
 * @port_id: what the hypervisor says; it need not be one of ours any more
 *
 * May be called in any context.
 */
void mshv_port_signal(u32 port_id);

#endif /* MSHV_PORT_H */
