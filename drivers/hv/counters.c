// SPDX-License-Identifier: GPL-2.0-only
/*
 * The names of the hypervisor's counters, as the kernel's own driver prints them:
 * those of the TLFS, in another case.
 */
#include <linux/compiler.h>
#include <linux/ctype.h>
#include <linux/kernel.h>
#include <linux/seq_file.h>
#include <linux/string.h>

#include <tlfs/stats.h>

#include "counters.h"

#define NAME_MAX_LEN	64

#define NAME(name, index)	[index] = #name,

static const char * const hypervisor_names[] = { HV_STATS_HYPERVISOR_LIST(NAME) };
static const char * const lp_names[] = { HV_STATS_LP_LIST(NAME) };
static const char * const partition_names[] = { HV_STATS_PARTITION_LIST(NAME) };
static const char * const vp_names[] = { HV_STATS_VP_LIST(NAME) };

const struct mshv_counters mshv_hypervisor_counters = {
	.prefix = "Hv", .width = 27,
	.nr = ARRAY_SIZE(hypervisor_names), .names = hypervisor_names,
};

const struct mshv_counters mshv_lp_counters = {
	.prefix = "Lp", .width = 32,
	.nr = ARRAY_SIZE(lp_names), .names = lp_names,
};

const struct mshv_counters mshv_partition_counters = {
	.prefix = "Pt", .width = 37,
	.nr = ARRAY_SIZE(partition_names), .names = partition_names,
};

const struct mshv_counters mshv_vp_counters = {
	.prefix = "Vp", .width = 43,
	.nr = ARRAY_SIZE(vp_names), .names = vp_names,
};

/* How names begin that are not spelt by the rule, and how tools know them */
static const char * const spellings[][2] = {
	{ "HvIoSpacePages", "HvIOSpacePages" },
	{ "PtVirtualTlbFlushEntries", "PtVirtualTlbFlushEntires" },
	{ "PtNumberOfActive", "PtNumberofActive" },
	{ "VpNestedVm", "VpNestedVM" },
	{ "VpNestedSlat", "VpNestedSLAT" },
};

/* GPA_PAGES_4K becomes PtGpaPages4K. */
static void counter_name(char *buf, const char *prefix, const char *name)
{
	size_t len = strscpy(buf, prefix, NAME_MAX_LEN);
	bool upper = true;
	unsigned int i;

	for (; *name && len < NAME_MAX_LEN - 1; name++) {
		if (*name != '_')
			buf[len++] = upper ? *name : tolower(*name);
		upper = *name == '_' || isdigit(*name);
	}
	buf[len] = '\0';

	for (i = 0; i < ARRAY_SIZE(spellings); i++)
		if (strstarts(buf, spellings[i][0]))
			memcpy(buf, spellings[i][1], strlen(spellings[i][1]));
}

void mshv_counters_show(struct seq_file *m, const struct mshv_counters *counters,
			const u64 *self, const u64 *parent)
{
	char name[NAME_MAX_LEN];
	unsigned int i;
	u64 value;

	for (i = 0; i < counters->nr; i++) {
		if (!counters->names[i])
			continue;
		counter_name(name, counters->prefix, counters->names[i]);
		/* Some are in one page only, some in both. */
		value = READ_ONCE(parent[i]) ?: READ_ONCE(self[i]);
		seq_printf(m, "%-*s: %llu\n", counters->width, name, value);
	}
}
