// SPDX-License-Identifier: GPL-2.0-only
/*
 * The scripted hypervisor's memory: pools of deposited pages, and page tables
 * that are made of them.
 */
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/string.h>

#include <tlfs/memory.h>
#include <tlfs/status.h>

#include "fake_impl.h"

/* What a page holds while it is in a pool */
#define POISON		0xd5
#define OWNED		0x66616b6568760000ULL

struct free_page {
	u64 next;
	u64 mark;
	u8 poison[4096 - 16];
};

#define LEVELS		5
#define INDEX_BITS	9
#define ENTRIES		BIT(INDEX_BITS)

/* A table entry: a page number, and this */
#define ENTRY_PRESENT	BIT_ULL(0)
#define ENTRY_LARGE	BIT_ULL(1)
#define ENTRY_NO_ACCESS	BIT_ULL(2)
#define ENTRY_PERM_SHIFT 4
#define ENTRY_PFN_SHIFT	12

static void *page_of(u64 pfn)
{
	return page_address(pfn_to_page(pfn));
}

static void push(u64 *list, u64 pfn)
{
	struct free_page *page = page_of(pfn);

	memset(page, POISON, sizeof(*page));
	page->next = *list;
	page->mark = OWNED ^ pfn;
	*list = pfn;
}

static u64 pop(u64 *list)
{
	struct free_page *page;
	u64 pfn = *list;

	if (!pfn)
		return 0;
	page = page_of(pfn);
	if (page->mark != (OWNED ^ pfn) ||
	    memchr_inv(page->poison, POISON, sizeof(page->poison)))
		fake_error("deposited page was written to", pfn);
	*list = page->next;
	memset(page, 0, sizeof(*page));

	return pfn;
}

u64 fake_take(struct fake_partition *p)
{
	return pop(&p->pool);
}

void fake_give(struct fake_partition *p, u64 pfn)
{
	push(&p->pool, pfn);
}

bool fake_charge(struct fake_partition *p, unsigned int pages)
{
	unsigned int have = 0;
	u64 pfn;

	for (pfn = p->pool; pfn && have < pages; pfn = ((struct free_page *)page_of(pfn))->next)
		have++;
	if (have < pages)
		return false;
	while (pages--)
		push(&p->used, pop(&p->pool));

	return true;
}

static void free_table(struct fake_partition *p, u64 table, int level)
{
	u64 *entries = page_of(table);
	unsigned int i;

	for (i = 0; level && i < ENTRIES; i++)
		if ((entries[i] & ENTRY_PRESENT) && !(entries[i] & ENTRY_LARGE))
			free_table(p, entries[i] >> ENTRY_PFN_SHIFT, level - 1);
	fake_give(p, table);
}

void fake_free_memory(struct fake_partition *p)
{
	if (p->table)
		free_table(p, p->table, LEVELS - 1);
	p->table = 0;
	while (p->used)
		fake_give(p, pop(&p->used));
}

/* Make a table of 4 KiB entries of a large one. */
static bool split(struct fake_partition *p, u64 *entry)
{
	u64 table = fake_take(p);
	u64 *entries;
	unsigned int i;

	if (!table)
		return false;
	entries = page_of(table);
	for (i = 0; i < ENTRIES; i++)
		entries[i] = (*entry & ~ENTRY_LARGE) +
			     (*entry & ENTRY_NO_ACCESS ? 0 : (u64)i << ENTRY_PFN_SHIFT);
	*entry = table << ENTRY_PFN_SHIFT | ENTRY_PRESENT;

	return true;
}

/*
 * The entry of @gfn at @level. With @alloc, tables that are missing are made, and
 * NULL means that there is no memory for them.
 */
static u64 *walk(struct fake_partition *p, u64 gfn, int level, bool alloc)
{
	u64 *entry = NULL;
	u64 table;
	int l;

	if (!p->table && alloc)
		p->table = fake_take(p);
	table = p->table;

	for (l = LEVELS - 1; table; l--) {
		entry = (u64 *)page_of(table) + ((gfn >> (l * INDEX_BITS)) & (ENTRIES - 1));
		if (l == level)
			return entry;
		if ((*entry & ENTRY_LARGE) && !(alloc && split(p, entry)))
			return alloc ? NULL : entry;
		if (!*entry && alloc) {
			table = fake_take(p);
			if (table)
				*entry = table << ENTRY_PFN_SHIFT | ENTRY_PRESENT;
		}
		table = *entry >> ENTRY_PFN_SHIFT;
	}

	return NULL;
}

/* Replace what is at @entry, of the large level if @large. */
static void set_entry(struct fake_partition *p, u64 *entry, u64 value, bool large)
{
	if (large && (*entry & ENTRY_PRESENT) && !(*entry & ENTRY_LARGE))
		free_table(p, *entry >> ENTRY_PFN_SHIFT, 0);
	*entry = value;
}

static int map_one(struct fake_partition *p, u64 gfn, u64 pfn, u32 flags)
{
	bool large = flags & HV_MAP_GPA_LARGE_PAGE;
	u64 *entry;

	if (large && ((gfn | pfn) % HV_PAGES_PER_LARGE_PAGE))
		return HV_STATUS_INVALID_PARAMETER;
	entry = walk(p, gfn, large, true);
	if (!entry)
		return HV_STATUS_INSUFFICIENT_MEMORY;
	set_entry(p, entry, pfn << ENTRY_PFN_SHIFT | ENTRY_PRESENT |
			    (large ? ENTRY_LARGE : 0) |
			    (flags & HV_MAP_GPA_NO_ACCESS ? ENTRY_NO_ACCESS : 0) |
			    (u64)(flags & HV_MAP_GPA_PERMISSIONS_MASK) << ENTRY_PERM_SHIFT, large);

	return HV_STATUS_SUCCESS;
}

static int call_map(const struct fake_call *call, u16 *done)
{
	const struct hv_input_map_gpa_pages *in = call->in;
	struct fake_partition *p = fake_find(in->target_partition_id);
	u64 unit = in->map_flags & HV_MAP_GPA_LARGE_PAGE ? HV_PAGES_PER_LARGE_PAGE : 1;
	int status;

	if (!p || p->state != FAKE_INITIALIZED)
		return HV_STATUS_INVALID_PARTITION_STATE;
	for (; *done < call->reps; (*done)++) {
		status = map_one(p, in->target_gpa_base + *done * unit,
				 in->source_gpa_page_list[*done], in->map_flags);
		if (status)
			return status;
	}

	return HV_STATUS_SUCCESS;
}

int fake_hv_map_some(const struct fake_call *call, u16 *done, u16 nr)
{
	struct fake_call some = *call;

	some.reps = min_t(u16, call->reps, call->start + nr);

	return call_map(&some, done);
}

static int call_unmap(const struct fake_call *call, u16 *done)
{
	const struct hv_input_unmap_gpa_pages *in = call->in;
	struct fake_partition *p = fake_find(in->target_partition_id);
	bool large = in->unmap_flags & HV_UNMAP_GPA_LARGE_PAGE;
	u64 *entry;

	if (!p || p->state != FAKE_INITIALIZED)
		return HV_STATUS_INVALID_PARTITION_STATE;
	if (large && in->target_gpa_base % HV_PAGES_PER_LARGE_PAGE)
		return HV_STATUS_INVALID_PARAMETER;
	for (; *done < call->reps; (*done)++) {
		u64 gfn = in->target_gpa_base + *done * (large ? HV_PAGES_PER_LARGE_PAGE : 1);

		entry = walk(p, gfn, large, false);
		if (entry && !large && (*entry & ENTRY_LARGE)) {
			fake_error("small unmap of a large page", gfn);
			return HV_STATUS_INVALID_PARAMETER;
		}
		if (entry)
			set_entry(p, entry, 0, large);
	}

	return HV_STATUS_SUCCESS;
}

static int call_deposit(const struct fake_call *call, u16 *done)
{
	const struct hv_input_deposit_memory *in = call->in;
	struct fake_partition *p = fake_find(in->partition_id);

	if (!p)
		return HV_STATUS_INVALID_PARTITION_ID;
	for (; *done < call->reps; (*done)++) {
		u64 pfn = in->gpa_page_list[*done];
		struct free_page *page;

		if (!pfn || !pfn_valid(pfn)) {
			fake_error("deposit of no page", pfn);
			return HV_STATUS_INVALID_PARAMETER;
		}
		page = page_of(pfn);
		if (page->mark == (OWNED ^ pfn))
			fake_error("page deposited twice", pfn);
		if (memchr_inv(page, 0, sizeof(*page)))
			fake_error("deposit of a page that is not zeroed", pfn);
		push(&p->pool, pfn);
	}

	return HV_STATUS_SUCCESS;
}

static int call_withdraw(const struct fake_call *call, u16 *done)
{
	const struct hv_input_withdraw_memory *in = call->in;
	struct hv_output_withdraw_memory *out = call->out;
	struct fake_partition *p = fake_find(in->partition_id);

	if (!p)
		return HV_STATUS_INVALID_PARTITION_ID;
	for (; *done < call->reps; (*done)++) {
		u64 pfn = fake_take(p);

		if (!pfn)
			return HV_STATUS_NO_RESOURCES;
		out->gpa_page_list[*done] = pfn;
	}

	return HV_STATUS_SUCCESS;
}

int fake_memory_call(const struct fake_call *call, u16 *done)
{
	switch (call->code) {
	case HVCALL_DEPOSIT_MEMORY:
		return call_deposit(call, done);
	case HVCALL_WITHDRAW_MEMORY:
		return call_withdraw(call, done);
	case HVCALL_MAP_GPA_PAGES:
		return call_map(call, done);
	case HVCALL_UNMAP_GPA_PAGES:
		return call_unmap(call, done);
	default:
		return FAKE_DEFAULT;
	}
}

u64 fake_hv_mapping(u64 id, u64 gfn, u32 *flags)
{
	struct fake_partition *p = fake_find(id);
	u64 *entry = p ? walk(p, gfn, 0, false) : NULL;
	u64 pfn;

	*flags = 0;
	if (!entry || !(*entry & ENTRY_PRESENT))
		return U64_MAX;

	pfn = *entry >> ENTRY_PFN_SHIFT;
	*flags = (*entry >> ENTRY_PERM_SHIFT) & HV_MAP_GPA_PERMISSIONS_MASK;
	if (*entry & ENTRY_NO_ACCESS)
		*flags |= HV_MAP_GPA_NO_ACCESS;
	if (*entry & ENTRY_LARGE) {
		*flags |= HV_MAP_GPA_LARGE_PAGE;
		pfn += gfn % HV_PAGES_PER_LARGE_PAGE;
	}

	return pfn;
}
