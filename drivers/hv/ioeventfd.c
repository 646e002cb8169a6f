// SPDX-License-Identifier: GPL-2.0-only
/*
 * ioeventfds: stores of the guest's that signal an eventfd. The hypervisor takes
 * them for a doorbell and lets the guest go on; root hears of it by an event in a
 * ring (TLFS, "Inter-Partition Communication").
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/err.h>
#include <linux/eventfd.h>
#include <linux/list.h>
#include <linux/printk.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include <tlfs/synic.h>

#include "hvcalls.h"
#include "ioeventfd.h"
#include "partition.h"
#include "port.h"
#include "trace.h"

/**
 * struct mshv_ioeventfd - a doorbell
 * @entry: in the partition's list
 * @addr: guest physical address
 * @len: size of the store, in bytes; 0 is any
 * @datamatch: the value that counts
 * @wildcard: any value counts
 * @eventfd: what is signalled
 * @port_id: number of the port and of the connection to it
 */
struct mshv_ioeventfd {
	struct list_head entry;
	u64 addr;
	u32 len;
	u64 datamatch;
	bool wildcard;
	struct eventfd_ctx *eventfd;
	u32 port_id;
};

static int trigger_size(u32 len, u64 *flags)
{
	switch (len) {
	case 0:
		*flags = HV_DOORBELL_FLAG_TRIGGER_SIZE_ANY;
		return 0;
	case 1:
		*flags = HV_DOORBELL_FLAG_TRIGGER_SIZE_BYTE;
		return 0;
	case 2:
		*flags = HV_DOORBELL_FLAG_TRIGGER_SIZE_WORD;
		return 0;
	case 4:
		*flags = HV_DOORBELL_FLAG_TRIGGER_SIZE_DWORD;
		return 0;
	case 8:
		*flags = HV_DOORBELL_FLAG_TRIGGER_SIZE_QWORD;
		return 0;
	default:
		return -EINVAL;
	}
}

static bool collides(struct mshv_partition *partition, const struct mshv_ioeventfd *new)
{
	struct mshv_ioeventfd *old;

	list_for_each_entry(old, &partition->ioeventfds, entry)
		if (old->addr == new->addr && old->len == new->len &&
		    (old->wildcard || new->wildcard || old->datamatch == new->datamatch))
			return true;

	return false;
}

static int doorbell_register(struct mshv_partition *partition, struct mshv_ioeventfd *p, u64 flags)
{
	int ret;

	ret = mshv_port_alloc(p->eventfd);
	if (ret < 0)
		return ret;
	p->port_id = ret;

	ret = mshv_hvcall_create_doorbell_port(p->port_id, partition->id);
	if (ret)
		goto err_free;
	ret = mshv_hvcall_connect_doorbell(&partition->pool, p->port_id, p->addr, p->datamatch,
					   flags);
	if (ret)
		goto err_delete;

	return 0;

err_delete:
	mshv_hvcall_delete_port(p->port_id);
err_free:
	mshv_port_free(p->port_id);
	/* It may have been seen, if by a port of that number that is just gone. */
	synchronize_rcu();
	return ret;
}

static void doorbell_unregister(struct mshv_partition *partition, struct mshv_ioeventfd *p)
{
	mshv_hvcall_disconnect_doorbell(partition->id, p->port_id);
	mshv_hvcall_delete_port(p->port_id);
	mshv_port_free(p->port_id);
}

static struct mshv_ioeventfd *ioeventfd_alloc(const struct mshv_user_ioeventfd *args)
{
	struct mshv_ioeventfd *p;

	p = kzalloc(sizeof(*p), GFP_KERNEL_ACCOUNT);
	if (!p)
		return ERR_PTR(-ENOMEM);
	p->eventfd = eventfd_ctx_fdget(args->fd);
	if (IS_ERR(p->eventfd)) {
		struct mshv_ioeventfd *err = ERR_CAST(p->eventfd);

		kfree(p);
		return err;
	}
	p->addr = args->addr;
	p->len = args->len;
	p->wildcard = !(args->flags & BIT(MSHV_IOEVENTFD_BIT_DATAMATCH));
	if (!p->wildcard)
		p->datamatch = args->datamatch;

	return p;
}

static void ioeventfd_free(struct mshv_ioeventfd *p)
{
	eventfd_ctx_put(p->eventfd);
	kfree(p);
}

static int ioeventfd_assign(struct mshv_partition *partition,
			    const struct mshv_user_ioeventfd *args)
{
	struct mshv_ioeventfd *p;
	u64 flags;
	int ret;

	ret = trigger_size(args->len, &flags);
	if (ret || args->addr + args->len < args->addr) {
		pr_warn_ratelimited("IOEVENTFD: no doorbell of %u bytes at %#llx is offered\n",
				    args->len, args->addr);
		return -EINVAL;
	}

	p = ioeventfd_alloc(args);
	if (IS_ERR(p))
		return PTR_ERR(p);
	if (p->wildcard)
		flags |= HV_DOORBELL_FLAG_TRIGGER_ANY_VALUE;

	ret = collides(partition, p) ? -EEXIST : doorbell_register(partition, p, flags);
	trace_mshv_assign_ioeventfd(partition->id, p->addr, p->len, p->datamatch, p->wildcard,
				    p->eventfd, ret);
	if (ret) {
		ioeventfd_free(p);
		return ret;
	}
	list_add_tail(&p->entry, &partition->ioeventfds);

	return 0;
}

/* Whether it was assigned by just these arguments */
static bool is_exactly(const struct mshv_ioeventfd *p, const struct mshv_user_ioeventfd *args)
{
	bool wildcard = !(args->flags & BIT(MSHV_IOEVENTFD_BIT_DATAMATCH));

	return p->len == args->len && p->wildcard == wildcard &&
	       (wildcard || p->datamatch == args->datamatch);
}

/* Whether it is among those that arguments without a value stand for */
static bool is_one_of(const struct mshv_ioeventfd *p, const struct mshv_user_ioeventfd *args)
{
	return !(args->flags & BIT(MSHV_IOEVENTFD_BIT_DATAMATCH)) &&
	       (!args->len || p->len == args->len);
}

/* Move to @gone what matches; returns whether anything does. */
static bool ioeventfds_take(struct mshv_partition *partition,
			    const struct mshv_user_ioeventfd *args,
			    const struct eventfd_ctx *eventfd, struct list_head *gone,
			    bool (*matches)(const struct mshv_ioeventfd *p,
					    const struct mshv_user_ioeventfd *args))
{
	struct mshv_ioeventfd *p, *next;

	list_for_each_entry_safe(p, next, &partition->ioeventfds, entry)
		if (p->eventfd == eventfd && p->addr == args->addr && matches(p, args))
			list_move_tail(&p->entry, gone);

	return !list_empty(gone);
}

/* Nothing is signalled any more when this returns. */
static void ioeventfds_remove(struct mshv_partition *partition, struct list_head *gone)
{
	struct mshv_ioeventfd *p, *next;

	list_for_each_entry(p, gone, entry)
		doorbell_unregister(partition, p);
	synchronize_rcu();
	list_for_each_entry_safe(p, next, gone, entry) {
		list_del(&p->entry);
		ioeventfd_free(p);
	}
}

static int ioeventfd_deassign(struct mshv_partition *partition,
			      const struct mshv_user_ioeventfd *args)
{
	struct eventfd_ctx *eventfd;
	struct mshv_ioeventfd *p;
	LIST_HEAD(gone);
	bool any;

	eventfd = eventfd_ctx_fdget(args->fd);
	if (IS_ERR(eventfd))
		return PTR_ERR(eventfd);
	/* Cloud Hypervisor names neither value nor length of what it assigned with both. */
	any = ioeventfds_take(partition, args, eventfd, &gone, is_exactly) ||
	      ioeventfds_take(partition, args, eventfd, &gone, is_one_of);
	eventfd_ctx_put(eventfd);
	if (!any)
		return -ENOENT;

	list_for_each_entry(p, &gone, entry)
		trace_mshv_deassign_ioeventfd(partition->id, p->addr, p->len, p->datamatch,
					      p->wildcard, p->eventfd);
	ioeventfds_remove(partition, &gone);

	return 0;
}

long mshv_ioctl_ioeventfd(struct mshv_partition *partition,
			  struct mshv_user_ioeventfd __user *uarg)
{
	struct mshv_user_ioeventfd args;

	lockdep_assert_held(&partition->mutex);

	if (copy_from_user(&args, uarg, sizeof(args)))
		return -EFAULT;
	if ((args.flags & ~MSHV_IOEVENTFD_FLAGS_MASK) ||
	    memchr_inv(args.rsvd, 0, sizeof(args.rsvd))) {
		pr_warn_ratelimited("IOEVENTFD: flags %#x at %#llx are not offered\n", args.flags,
				    args.addr);
		return -EINVAL;
	}
	/* As upstream: a doorbell is at a memory address. */
	if (args.flags & BIT(MSHV_IOEVENTFD_BIT_PIO)) {
		pr_warn_ratelimited("IOEVENTFD: there are no doorbells at ports, such as %#llx\n",
				    args.addr);
		return -EOPNOTSUPP;
	}

	if (args.flags & BIT(MSHV_IOEVENTFD_BIT_DEASSIGN))
		return ioeventfd_deassign(partition, &args);

	return ioeventfd_assign(partition, &args);
}

void mshv_ioeventfd_release(struct mshv_partition *partition)
{
	if (!list_empty(&partition->ioeventfds))
		ioeventfds_remove(partition, &partition->ioeventfds);
}
