// SPDX-License-Identifier: GPL-2.0-only
/*
 * Hypercalls on guest physical address spaces.
 */
#include <linux/minmax.h>

#include <tlfs/hypercall.h>

#include "hvcall.h"
#include "hvcalls.h"

/* A page of page table has 512 entries at each level. */
#define TABLE_SHIFT	9

/* Page tables deposited at once: for some 2 GiB of small pages */
#define MAX_TABLES	1024

unsigned int mshv_hvcall_map_gpa_deposit(u64 gfn, u64 nr, bool large)
{
	u64 last = gfn + nr - 1;
	unsigned int pages = 0;
	unsigned int shift;

	for (shift = large ? 2 * TABLE_SHIFT : TABLE_SHIFT; shift <= 3 * TABLE_SHIFT;
	     shift += TABLE_SHIFT)
		pages += (last >> shift) - (gfn >> shift) + 1;

	return pages;
}

static unsigned int tables(u64 gfn, u64 nr, bool large)
{
	return min_t(unsigned int, mshv_hvcall_map_gpa_deposit(gfn, nr, large), MAX_TABLES);
}

int mshv_hvcall_map_gpa(struct mshv_pool *pool, u64 gfn, u32 flags, const u64 *pfns,
			unsigned int nr, u64 more, unsigned int *done, u16 *status)
{
	bool large = flags & HV_MAP_GPA_LARGE_PAGE;
	u64 nr_pages = (nr + more) * (large ? HV_PAGES_PER_LARGE_PAGE : 1);
	struct hv_input_map_gpa_pages in = {
		.target_partition_id = pool->partition_id,
		.target_gpa_base = gfn,
		.map_flags = flags,
	};
	struct mshv_hvcall call = {
		.code = HVCALL_MAP_GPA_PAGES,
		.flags = status ? MSHV_HVCALL_ATOMIC | MSHV_HVCALL_QUIET : 0,
		.reps = nr,
		.in = &in,
		.in_size = sizeof(in),
		.in_reps = pfns,
		.in_rep_size = sizeof(pfns[0]),
		.pool = pool,
		.deposit = tables(gfn, nr_pages, large),
	};
	int ret = mshv_hvcall(&call);

	*done = call.done;
	if (status)
		*status = call.status;

	return ret;
}

int mshv_hvcall_unmap_gpa(u64 partition_id, u64 gfn, u32 flags, u64 nr, u64 *done, u16 *status)
{
	u64 unit = flags & HV_UNMAP_GPA_LARGE_PAGE ? HV_PAGES_PER_LARGE_PAGE : 1;
	struct hv_input_unmap_gpa_pages in = {
		.target_partition_id = partition_id,
		.unmap_flags = flags,
	};
	struct mshv_hvcall call = {
		.code = HVCALL_UNMAP_GPA_PAGES,
		.flags = status ? MSHV_HVCALL_NO_DEPOSIT : 0,
		.in = &in,
		.in_size = sizeof(in),
	};
	int ret = 0;

	*done = 0;
	while (!ret && *done < nr) {
		in.target_gpa_base = gfn + *done * unit;
		call.reps = min_t(u64, nr - *done, HV_UNMAP_GPA_MAX_REPS);
		ret = mshv_hvcall(&call);
		*done += call.done;
	}
	if (status)
		*status = call.status;

	return ret;
}

int mshv_hvcall_get_gpa_access_states(struct mshv_pool *pool, u64 gfn, u64 flags, u8 *states,
				      unsigned int nr, u64 more, unsigned int *done)
{
	struct hv_input_get_gpa_pages_access_state in = {
		.partition_id = pool->partition_id,
		.flags = flags,
		.hv_gpa_page_number = gfn,
	};
	struct mshv_hvcall call = {
		.code = HVCALL_GET_GPA_PAGES_ACCESS_STATES,
		.reps = nr,
		.in = &in,
		.in_size = sizeof(in),
		.out = states,
		.out_rep_size = sizeof(states[0]),
		/* To track its parts a large page is split, which takes a page table. */
		.pool = pool,
		.deposit = tables(gfn, nr + more, false),
	};
	int ret = mshv_hvcall(&call);

	*done = call.done;

	return ret;
}
