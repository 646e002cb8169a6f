// SPDX-License-Identifier: GPL-2.0-only
/*
 * The numbers of root's ports, and what happens when one is signalled.
 */
#include <linux/eventfd.h>
#include <linux/rcupdate.h>
#include <linux/xarray.h>

#include <tlfs/synic.h>

#include "compat.h"
#include "port.h"

static DEFINE_XARRAY_ALLOC1(ports);

int mshv_port_alloc(struct eventfd_ctx *eventfd)
{
	u32 port_id;
	int ret;

	ret = xa_alloc(&ports, &port_id, eventfd, XA_LIMIT(1, HV_PORT_ID_MASK),
		       GFP_KERNEL_ACCOUNT);

	return ret ?: port_id;
}

void mshv_port_free(u32 port_id)
{
	xa_erase(&ports, port_id);
}

void mshv_port_signal(u32 port_id)
{
	struct eventfd_ctx *eventfd;

	/* The eventfd is there as long as its entry may be seen. */
	rcu_read_lock();
	eventfd = xa_load(&ports, port_id);
	if (eventfd)
		mshv_eventfd_signal(eventfd);
	rcu_read_unlock();
}
