// SPDX-License-Identifier: GPL-2.0-only
/*
 * irqfds: eventfds that inject an interrupt when they are signalled, and that
 * may want to hear when the guest has ended it.
 *
 * An irqfd lives as long as the partition's file at most. Signalling comes in
 * atomic context under the eventfd's own lock; removing needs to sleep and is
 * left to a work item, which is flushed before anyone may rely on it.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/eventfd.h>
#include <linux/file.h>
#include <linux/poll.h>
#include <linux/printk.h>
#include <linux/rculist.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/workqueue.h>

#include <tlfs/interrupt.h>

#include "compat.h"
#include "hvcalls.h"
#include "intr.h"
#include "partition.h"

/**
 * struct mshv_irqfd - an eventfd that injects an interrupt
 * @partition: whose interrupt
 * @gsi: by which route
 * @eventfd: what is waited for
 * @resamplefd: what to signal at the guest's EOI, or NULL
 * @wait: our place in @eventfd's wait queue
 * @pt: how we get there
 * @entry: in the partition's list, as long as it is active
 * @resampler: in the partition's list of those with @resamplefd
 * @shutdown: frees it
 */
struct mshv_irqfd {
	struct mshv_partition *partition;
	u32 gsi;
	struct eventfd_ctx *eventfd;
	struct eventfd_ctx *resamplefd;
	wait_queue_entry_t wait;
	poll_table pt;
	struct list_head entry;
	struct list_head resampler;
	struct work_struct shutdown;
};

static struct workqueue_struct *irqfd_wq;

int mshv_irqfd_module_init(void)
{
	irqfd_wq = alloc_workqueue("mshv-irqfd", WQ_UNBOUND, 0);

	return irqfd_wq ? 0 : -ENOMEM;
}

void mshv_irqfd_module_exit(void)
{
	destroy_workqueue(irqfd_wq);
}

void mshv_irqfd_init(struct mshv_intr *intr)
{
	spin_lock_init(&intr->lock);
	INIT_LIST_HEAD(&intr->irqfds);
	INIT_LIST_HEAD(&intr->resamplers);
}

static void irqfd_inject(struct mshv_irqfd *irqfd)
{
	struct mshv_route route = mshv_routing_get(&irqfd->partition->intr, irqfd->gsi);

	/* Without an EOI there would be no resampling, whatever the table says by now. */
	if (irqfd->resamplefd)
		route.level = true;
	mshv_intr_inject(irqfd->partition, &route);
}

static void irqfd_shutdown(struct work_struct *work)
{
	struct mshv_irqfd *irqfd = container_of(work, struct mshv_irqfd, shutdown);
	u64 count;

	/* Takes the count with it, which would be an interrupt of the next irqfd's. */
	eventfd_ctx_remove_wait_queue(irqfd->eventfd, &irqfd->wait, &count);
	eventfd_ctx_put(irqfd->eventfd);
	if (irqfd->resamplefd) {
		synchronize_rcu();
		eventfd_ctx_put(irqfd->resamplefd);
	}
	kfree(irqfd);
}

/* Take @irqfd out of service; whoever gets here first. */
static void irqfd_deactivate(struct mshv_irqfd *irqfd)
{
	lockdep_assert_held(&irqfd->partition->intr.lock);

	list_del_init(&irqfd->entry);
	if (irqfd->resamplefd)
		list_del_rcu(&irqfd->resampler);
	queue_work(irqfd_wq, &irqfd->shutdown);
}

/* Called with the eventfd's lock held and interrupts disabled. */
static int irqfd_wakeup(wait_queue_entry_t *wait, unsigned int mode, int sync, void *key)
{
	struct mshv_irqfd *irqfd = container_of(wait, struct mshv_irqfd, wait);
	struct mshv_intr *intr = &irqfd->partition->intr;
	__poll_t events = key_to_poll(key);
	unsigned long flags;
	u64 count;

	if (events & EPOLLIN) {
		eventfd_ctx_do_read(irqfd->eventfd, &count);
		irqfd_inject(irqfd);
	}

	if (events & EPOLLHUP) {
		/* The last file of the eventfd is gone. */
		spin_lock_irqsave(&intr->lock, flags);
		if (!list_empty(&irqfd->entry))
			irqfd_deactivate(irqfd);
		spin_unlock_irqrestore(&intr->lock, flags);
	}

	return 0;
}

static void irqfd_queue(struct file *file, wait_queue_head_t *queue, poll_table *pt)
{
	struct mshv_irqfd *irqfd = container_of(pt, struct mshv_irqfd, pt);

	add_wait_queue_priority(queue, &irqfd->wait);
}

static struct mshv_irqfd *irqfd_find(struct mshv_intr *intr, struct eventfd_ctx *eventfd)
{
	struct mshv_irqfd *irqfd;

	lockdep_assert_held(&intr->lock);

	list_for_each_entry(irqfd, &intr->irqfds, entry)
		if (irqfd->eventfd == eventfd)
			return irqfd;

	return NULL;
}

static int irqfd_get_resamplefd(struct mshv_partition *partition, struct mshv_irqfd *irqfd, int fd)
{
	struct mshv_route route = mshv_routing_get(&partition->intr, irqfd->gsi);

	if (!route.valid || !route.level) {
		pr_warn_ratelimited("IRQFD: GSI %u has no level-triggered route, which resampling wants\n",
				    irqfd->gsi);
		return -EINVAL;
	}
	irqfd->resamplefd = eventfd_ctx_fdget(fd);
	if (IS_ERR(irqfd->resamplefd))
		return PTR_ERR(irqfd->resamplefd);

	return 0;
}

static int irqfd_assign(struct mshv_partition *partition, const struct mshv_user_irqfd *args)
{
	struct mshv_intr *intr = &partition->intr;
	struct mshv_irqfd *irqfd;
	struct file *file;
	__poll_t events;
	int ret;

	irqfd = kzalloc(sizeof(*irqfd), GFP_KERNEL_ACCOUNT);
	if (!irqfd)
		return -ENOMEM;
	irqfd->partition = partition;
	irqfd->gsi = args->gsi;
	INIT_LIST_HEAD(&irqfd->entry);
	INIT_WORK(&irqfd->shutdown, irqfd_shutdown);
	init_waitqueue_func_entry(&irqfd->wait, irqfd_wakeup);
	init_poll_funcptr(&irqfd->pt, irqfd_queue);

	file = eventfd_fget(args->fd);
	if (IS_ERR(file)) {
		ret = PTR_ERR(file);
		goto err_free;
	}
	irqfd->eventfd = eventfd_ctx_fileget(file);
	if (IS_ERR(irqfd->eventfd)) {
		ret = PTR_ERR(irqfd->eventfd);
		goto err_fput;
	}
	if (args->flags & BIT(MSHV_IRQFD_BIT_RESAMPLE)) {
		ret = irqfd_get_resamplefd(partition, irqfd, args->resamplefd);
		if (ret)
			goto err_put;
	}

	spin_lock_irq(&intr->lock);
	if (irqfd_find(intr, irqfd->eventfd)) {
		spin_unlock_irq(&intr->lock);
		ret = -EBUSY;
		goto err_put_resamplefd;
	}
	list_add_tail(&irqfd->entry, &intr->irqfds);
	if (irqfd->resamplefd)
		list_add_tail_rcu(&irqfd->resampler, &intr->resamplers);
	spin_unlock_irq(&intr->lock);

	/* From here on it is the wait queue's; a signal from before counts too. */
	events = vfs_poll(file, &irqfd->pt);
	if (events & EPOLLIN)
		irqfd_inject(irqfd);
	fput(file);

	return 0;

err_put_resamplefd:
	if (irqfd->resamplefd)
		eventfd_ctx_put(irqfd->resamplefd);
err_put:
	eventfd_ctx_put(irqfd->eventfd);
err_fput:
	fput(file);
err_free:
	kfree(irqfd);
	return ret;
}

static int irqfd_deassign(struct mshv_partition *partition, const struct mshv_user_irqfd *args)
{
	struct mshv_intr *intr = &partition->intr;
	struct eventfd_ctx *eventfd;
	struct mshv_irqfd *irqfd;

	eventfd = eventfd_ctx_fdget(args->fd);
	if (IS_ERR(eventfd))
		return PTR_ERR(eventfd);

	spin_lock_irq(&intr->lock);
	irqfd = irqfd_find(intr, eventfd);
	if (irqfd && irqfd->gsi == args->gsi)
		irqfd_deactivate(irqfd);
	spin_unlock_irq(&intr->lock);
	eventfd_ctx_put(eventfd);

	/* When this returns, nothing is injected any more. */
	flush_workqueue(irqfd_wq);

	return 0;
}

long mshv_ioctl_irqfd(struct mshv_partition *partition, struct mshv_user_irqfd __user *uarg)
{
	struct mshv_user_irqfd args;

	if (copy_from_user(&args, uarg, sizeof(args)))
		return -EFAULT;
	if ((args.flags & ~MSHV_IRQFD_FLAGS_MASK) || args.gsi >= MSHV_MAX_GSIS) {
		pr_warn_ratelimited("IRQFD: flags %#x with GSI %u are not offered\n", args.flags,
				    args.gsi);
		return -EINVAL;
	}

	if (args.flags & BIT(MSHV_IRQFD_BIT_DEASSIGN))
		return irqfd_deassign(partition, &args);

	return irqfd_assign(partition, &args);
}

void mshv_irqfd_release(struct mshv_partition *partition)
{
	struct mshv_intr *intr = &partition->intr;
	struct mshv_irqfd *irqfd, *next;

	spin_lock_irq(&intr->lock);
	list_for_each_entry_safe(irqfd, next, &intr->irqfds, entry)
		irqfd_deactivate(irqfd);
	spin_unlock_irq(&intr->lock);

	flush_workqueue(irqfd_wq);
}

bool mshv_irqfd_eoi(struct mshv_partition *partition, u32 vector)
{
	struct mshv_intr *intr = &partition->intr;
	struct mshv_irqfd *irqfd;
	struct mshv_route route;
	bool found = false;

	rcu_read_lock();
	list_for_each_entry_rcu(irqfd, &intr->resamplers, resampler) {
		route = mshv_routing_get(intr, irqfd->gsi);
		if (!route.valid || route.vector != vector)
			continue;
		/* An external interrupt is held until it is acknowledged. */
		if (route.type == HV_X64_INTERRUPT_TYPE_EXTINT)
			mshv_hvcall_clear_virtual_interrupt(partition->id);
		mshv_eventfd_signal(irqfd->resamplefd);
		found = true;
	}
	rcu_read_unlock();

	return found;
}
