// SPDX-License-Identifier: GPL-2.0-only
/*
 * The end of a root kernel, which is not that of the machine: another one is
 * started in its place (kexec), or looks at what is left of it (kdump). What
 * the old one made, the new one knows nothing of: it takes all of the memory
 * that the map calls RAM for its own, and its numbers for ports are the same.
 */
#include <openhv/info_page.h>
#include <openhv/log.h>
#include <openhv/partition.h>
#include <openhv/ports.h>
#include <openhv/root.h>
#include <openhv/stats.h>

static u64 take_back(struct partition *p)
{
	u64 pages = 0, pfn;

	while (pool_withdraw(&p->pool, &pfn))
		pages++;
	return pages;
}

/* One of root's other processors may be at the same: then it does the rest. */
static u64 end_child(struct partition *p)
{
	u64 id = p->id, pages;

	partition_finalize(p);
	pages = take_back(p);
	partition_put(p);
	partition_delete(id);
	return pages;
}

void root_leave(void)
{
	struct partition *p;
	u32 children = 0, i;
	u64 pages = 0;

	for (i = PARTITION_ROOT_SLOT + 1; i < PARTITION_MAX; i++) {
		p = partition_get_slot(i);
		if (!p)
			continue;
		pages += end_child(p);
		children++;
	}
	ports_destroy(&root_partition);
	partition_trim_small(&root_partition);
	stats_drop_root();
	pages += take_back(&root_partition);
	info_page_update();

	/* Processors stay added, but the next kernel may not know it: see hvc_root.c. */
	for (i = 0; i < lp_count; i++)
		lps[i]->inherited = lps[i]->added;
	log_info("root's kernel leaves: %u partitions end, %llu pages go back to root", children,
		 pages);
}
