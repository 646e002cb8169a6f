// SPDX-License-Identifier: GPL-2.0-only
/*
 * The scripted hypervisor's statistics pages.
 */
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/string.h>

#include <tlfs/hypercall.h>
#include <tlfs/partition.h>
#include <tlfs/stats.h>
#include <tlfs/status.h>

#include "fake_hv.h"
#include "fake_impl.h"

#define MAX_PAGES	512

/**
 * struct stats_page - a page that is mapped
 * @type: HV_STATS_OBJECT_*
 * @identity: which object's and which area's
 * @pfn: its number; root's memory. 0: none
 */
static struct stats_page {
	u32 type;
	union hv_stats_object_identity identity;
	u64 pfn;
} stats_pages[MAX_PAGES];

static struct stats_page *find(u32 type, const union hv_stats_object_identity *identity)
{
	unsigned int i;

	for (i = 0; i < MAX_PAGES; i++)
		if (stats_pages[i].pfn && stats_pages[i].type == type &&
		    !memcmp(&stats_pages[i].identity, identity, sizeof(*identity)))
			return &stats_pages[i];

	return NULL;
}

u64 *fake_hv_stats(u32 type, union hv_stats_object_identity identity)
{
	const struct stats_page *page = find(type, &identity);

	return page ? page_address(pfn_to_page(page->pfn)) : NULL;
}

bool fake_drop_stats(u64 id)
{
	bool any = false;
	unsigned int i;

	for (i = 0; i < MAX_PAGES; i++) {
		struct stats_page *page = &stats_pages[i];

		if (!page->pfn || page->type < HV_STATS_OBJECT_PARTITION ||
		    page->identity.partition.partition_id != id)
			continue;
		fake_give(fake_find(HV_PARTITION_ID_SELF), page->pfn);
		page->pfn = 0;
		any = true;
	}

	return any;
}

static int map(const struct hv_input_map_stats_page *in, struct hv_output_map_stats_page *out)
{
	struct fake_partition *root = fake_find(HV_PARTITION_ID_SELF);
	unsigned int i;
	u64 *counters;

	if (find(in->type, &in->identity)) {
		fake_error("statistics page mapped twice", in->type);
		return HV_STATUS_INVALID_PARAMETER;
	}
	for (i = 0; i < MAX_PAGES && stats_pages[i].pfn; i++)
		;
	if (i == MAX_PAGES) {
		fake_error("too many statistics pages", in->type);
		return HV_STATUS_INVALID_PARAMETER;
	}

	stats_pages[i].pfn = fake_take(root);
	if (!stats_pages[i].pfn)
		return HV_STATUS_INSUFFICIENT_MEMORY;
	stats_pages[i].type = in->type;
	stats_pages[i].identity = in->identity;
	out->map_location = stats_pages[i].pfn;

	if (in->type == HV_STATS_OBJECT_HYPERVISOR) {
		counters = page_address(pfn_to_page(stats_pages[i].pfn));
		counters[HV_STATS_HYPERVISOR_LOGICAL_PROCESSORS] = FAKE_LPS;
	}

	return HV_STATUS_SUCCESS;
}

static int unmap(const struct hv_input_map_stats_page *in)
{
	struct stats_page *page = find(in->type, &in->identity);

	if (!page) {
		fake_error("statistics page unmapped that is not mapped", in->type);
		return HV_STATUS_INVALID_PARAMETER;
	}
	fake_give(fake_find(HV_PARTITION_ID_SELF), page->pfn);
	page->pfn = 0;

	return HV_STATUS_SUCCESS;
}

int fake_stats_call(const struct fake_call *call)
{
	const struct hv_input_map_stats_page *in = call->in;
	u8 area = in->identity.hv.stats_area_type;

	if (area > HV_STATS_AREA_PARENT ||
	    (area == HV_STATS_AREA_PARENT && fake_config.no_parent_stats &&
	     call->code == HVCALL_MAP_STATS_PAGE))
		return HV_STATUS_INVALID_PARAMETER;
	if (in->type >= HV_STATS_OBJECT_PARTITION &&
	    !fake_find(in->identity.partition.partition_id))
		return HV_STATUS_INVALID_PARTITION_ID;

	return call->code == HVCALL_MAP_STATS_PAGE ? map(in, call->out) : unmap(in);
}
