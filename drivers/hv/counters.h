/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MSHV_COUNTERS_H
#define MSHV_COUNTERS_H

#include <linux/types.h>

struct seq_file;

/**
 * struct mshv_counters - the counters of one kind of object
 * @prefix: what their names begin with
 * @width: of the column that these are in
 * @nr: length of @names
 * @names: by index in the page; TLFS names, NULL where there is none
 */
struct mshv_counters {
	const char *prefix;
	int width;
	unsigned int nr;
	const char * const *names;
};

extern const struct mshv_counters mshv_hypervisor_counters;
extern const struct mshv_counters mshv_lp_counters;
extern const struct mshv_counters mshv_partition_counters;
extern const struct mshv_counters mshv_vp_counters;

/**
 * mshv_counters_show() - print the counters of an object, one a line
 * @m: where to
 * @counters: its kind
 * @self: page of what the object may know of itself
 * @parent: page of what its parent may know; may be the same one
 */
void mshv_counters_show(struct seq_file *m, const struct mshv_counters *counters,
			const u64 *self, const u64 *parent);

#endif /* MSHV_COUNTERS_H */
