// SPDX-License-Identifier: GPL-2.0-only
/*
 * Interrupt routes: which GSI goes where. The table is never changed, only
 * replaced, so that a reader sees an entry as it was given.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/bits.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/nospec.h>
#include <linux/printk.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "intr.h"
#include "partition.h"
#include "trace.h"

/* MSI address and data (Intel SDM, "Message Signalled Interrupts") */
#define MSI_ADDR_DEST_SHIFT	12
#define MSI_ADDR_LOGICAL	BIT(2)
#define MSI_DATA_TYPE_SHIFT	8
#define MSI_DATA_TYPE_MASK	0x7
#define MSI_DATA_LEVEL		BIT(15)

struct mshv_routing_table {
	struct rcu_head rcu;
	u32 nr;
	struct mshv_route routes[];
};

static void route_decode(struct mshv_route *route, const struct mshv_user_irq_entry *entry)
{
	route->valid = true;
	route->vector = entry->data;
	route->type = (entry->data >> MSI_DATA_TYPE_SHIFT) & MSI_DATA_TYPE_MASK;
	route->level = entry->data & MSI_DATA_LEVEL;
	route->logical = entry->address_lo & MSI_ADDR_LOGICAL;
	route->dest = entry->address_lo >> MSI_ADDR_DEST_SHIFT;
}

static struct mshv_routing_table *table_create(const struct mshv_user_irq_entry *entries, u32 nr)
{
	struct mshv_routing_table *table;
	u32 max = 0;
	u32 i;

	for (i = 0; i < nr; i++) {
		if (entries[i].gsi >= MSHV_MAX_GSIS || entries[i].address_hi) {
			pr_warn_ratelimited("SET_MSI_ROUTING: GSI %u by address %#llx is not offered\n",
					    entries[i].gsi,
					    (u64)entries[i].address_hi << 32 |
					    entries[i].address_lo);
			return ERR_PTR(-EINVAL);
		}
		max = max(max, entries[i].gsi);
	}

	table = kvzalloc(struct_size(table, routes, max + 1), GFP_KERNEL_ACCOUNT);
	if (!table)
		return ERR_PTR(-ENOMEM);
	table->nr = max + 1;

	for (i = 0; i < nr; i++) {
		struct mshv_route *route = &table->routes[entries[i].gsi];

		if (route->valid) {
			pr_warn_ratelimited("SET_MSI_ROUTING: GSI %u has more than one route\n",
					    entries[i].gsi);
			kvfree(table);
			return ERR_PTR(-EINVAL);
		}
		route_decode(route, &entries[i]);
	}

	return table;
}

int mshv_routing_set(struct mshv_partition *partition,
		     const struct mshv_user_irq_entry *entries, u32 nr)
{
	struct mshv_routing_table *table = NULL;
	struct mshv_routing_table *old;

	lockdep_assert_held(&partition->mutex);

	if (nr) {
		table = table_create(entries, nr);
		if (IS_ERR(table))
			return PTR_ERR(table);
	}

	old = rcu_replace_pointer(partition->intr.routes, table,
				  lockdep_is_held(&partition->mutex));
	trace_mshv_update_routing_table(partition->id, old, table, nr);
	if (old)
		kvfree_rcu(old, rcu);

	return 0;
}

struct mshv_route mshv_routing_get(struct mshv_intr *intr, u32 gsi)
{
	struct mshv_route route = { .valid = false };
	struct mshv_routing_table *table;

	rcu_read_lock();
	table = rcu_dereference(intr->routes);
	if (table && gsi < table->nr)
		route = table->routes[array_index_nospec(gsi, table->nr)];
	rcu_read_unlock();

	return route;
}

void mshv_routing_free(struct mshv_intr *intr)
{
	struct mshv_routing_table *table = rcu_replace_pointer(intr->routes, NULL, true);

	if (table)
		kvfree_rcu(table, rcu);
}

long mshv_ioctl_set_msi_routing(struct mshv_partition *partition,
				struct mshv_user_irq_table __user *uarg)
{
	struct mshv_user_irq_entry *entries = NULL;
	struct mshv_user_irq_table table;
	long ret;

	if (copy_from_user(&table, uarg, sizeof(table)))
		return -EFAULT;
	if (table.nr > MSHV_MAX_GSIS || table.rsvd) {
		pr_warn_ratelimited("SET_MSI_ROUTING: %u routes, only %u and nothing reserved are offered\n",
				    table.nr, MSHV_MAX_GSIS);
		return -EINVAL;
	}

	if (table.nr) {
		entries = vmemdup_user(uarg->entries, array_size(table.nr, sizeof(*entries)));
		if (IS_ERR(entries))
			return PTR_ERR(entries);
	}
	ret = mshv_routing_set(partition, entries, table.nr);
	kvfree(entries);

	return ret;
}
