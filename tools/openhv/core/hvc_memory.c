// SPDX-License-Identifier: GPL-2.0-only
/*
 * Hypercalls on memory: deposits, and guest physical address spaces.
 */
#include <openhv/hypercall.h>
#include <openhv/info_page.h>
#include <openhv/partition.h>
#include <openhv/stats.h>
#include <tlfs/memory.h>

#define MAP_FLAGS_KNOWN	(HV_MAP_GPA_PERMISSIONS_MASK | HV_MAP_GPA_ADJUSTABLE | \
			 HV_MAP_GPA_NO_ACCESS | HV_MAP_GPA_NOT_CACHED | HV_MAP_GPA_LARGE_PAGE)

hv_status_t hvc_deposit_memory(struct hvcall *c)
{
	const struct hv_input_deposit_memory *in = c->in;
	struct partition *p;
	hv_status_t status;

	status = hvc_partition(c, in->partition_id, &p);
	if (status)
		return status;
	status = pool_deposit(p, (const u64 *)c->elements + c->rep, c->rep_count - c->rep);
	if (!status)
		c->rep = c->rep_count;
	info_page_update();
	stats_update_partition(p);
	stats_update_machine();
	partition_put(p);
	return status;
}

hv_status_t hvc_withdraw_memory(struct hvcall *c)
{
	const struct hv_input_withdraw_memory *in = c->in;
	u64 *pfns = c->out_elements;
	struct partition *p;
	hv_status_t status;

	status = hvc_partition(c, in->partition_id, &p);
	if (status)
		return status;
	while (c->rep < c->rep_count && pool_withdraw(&p->pool, &pfns[c->rep]))
		c->rep++;
	if (c->rep < c->rep_count)
		status = HV_STATUS_NO_RESOURCES;	/* nothing left */
	info_page_update();
	stats_update_partition(p);
	stats_update_machine();
	partition_put(p);
	return status;
}

static hv_status_t map_rights(u32 flags, u32 *rights, unsigned int *order)
{
	if (flags & ~MAP_FLAGS_KNOWN)
		return HV_STATUS_INVALID_PARAMETER;
	*order = flags & HV_MAP_GPA_LARGE_PAGE ? MAP_ORDER_2M : MAP_ORDER_4K;
	if (flags & HV_MAP_GPA_NO_ACCESS) {
		*rights = GPA_NO_ACCESS;
		return flags & (HV_MAP_GPA_PERMISSIONS_MASK | HV_MAP_GPA_NOT_CACHED) ?
		       HV_STATUS_INVALID_PARAMETER : HV_STATUS_SUCCESS;
	}
	/* Nested page tables cannot allow writes or execution alone. */
	if (!(flags & HV_MAP_GPA_READABLE))
		return HV_STATUS_INVALID_PARAMETER;
	*rights = GPA_READ;
	if (flags & HV_MAP_GPA_WRITABLE)
		*rights |= GPA_WRITE;
	if (flags & HV_MAP_GPA_EXECUTABLE)
		*rights |= GPA_EXEC;
	if (flags & HV_MAP_GPA_NOT_CACHED)
		*rights |= GPA_UNCACHED;
	return HV_STATUS_SUCCESS;
}

/* A child whose address space hypercalls may change; *p is to be released. */
static hv_status_t child_with_map(struct hvcall *c, u64 id, struct partition **p)
{
	hv_status_t status = hvc_partition(c, id, p);

	if (status)
		return status;
	if (partition_is_root(*p))
		status = HV_STATUS_ACCESS_DENIED;
	else if ((*p)->state != PARTITION_ACTIVE)
		status = HV_STATUS_INVALID_PARTITION_STATE;
	if (status)
		partition_put(*p);
	return status;
}

/* The map may have been destroyed since its partition was looked up. */
static bool map_alive(const struct gpamap *map)
{
	return map->top;
}

hv_status_t hvc_map_gpa_pages(struct hvcall *c)
{
	const struct hv_input_map_gpa_pages *in = c->in;
	const u64 *source = c->elements;
	unsigned int order;
	struct partition *p;
	struct gpa_gather g;
	hv_status_t status;
	u32 rights;

	status = map_rights(in->map_flags, &rights, &order);
	if (status)
		return status;
	/* Linux's own driver leaves whatever was there in the padding. */
	status = child_with_map(c, in->target_partition_id, &p);
	if (status)
		return status;
	gpa_gather_init(&g, &p->gpamap);
	write_lock(&p->gpamap.lock);
	if (!map_alive(&p->gpamap))
		status = HV_STATUS_INVALID_PARTITION_STATE;
	while (!status && c->rep < c->rep_count) {
		u64 gpfn = in->target_gpa_base + ((u64)c->rep << order);

		if (gpfn < in->target_gpa_base) {
			status = HV_STATUS_INVALID_PARAMETER;
			break;
		}
		status = gpamap_map(&g, gpfn, source[c->rep], order, rights);
		if (status)
			break;
		c->rep++;
		if ((s64)(rdtsc() - c->deadline) > 0)
			break;
	}
	gpa_gather_finish(&g);
	write_unlock(&p->gpamap.lock);
	stats_update_partition(p);
	partition_put(p);
	return status;
}

hv_status_t hvc_unmap_gpa_pages(struct hvcall *c)
{
	const struct hv_input_unmap_gpa_pages *in = c->in;
	struct partition *p;
	unsigned int order;
	struct gpa_gather g;
	hv_status_t status;

	if (in->unmap_flags & ~HV_UNMAP_GPA_LARGE_PAGE)
		return HV_STATUS_INVALID_PARAMETER;
	order = in->unmap_flags & HV_UNMAP_GPA_LARGE_PAGE ? MAP_ORDER_2M : MAP_ORDER_4K;
	status = child_with_map(c, in->target_partition_id, &p);
	if (status)
		return status;
	gpa_gather_init(&g, &p->gpamap);
	write_lock(&p->gpamap.lock);
	if (!map_alive(&p->gpamap))
		status = HV_STATUS_INVALID_PARTITION_STATE;
	while (!status && c->rep < c->rep_count) {
		u64 gpfn = in->target_gpa_base + ((u64)c->rep << order);

		if (gpfn < in->target_gpa_base) {
			status = HV_STATUS_INVALID_PARAMETER;
			break;
		}
		status = gpamap_unmap(&g, gpfn, order);
		if (status)
			break;
		c->rep++;
		if ((s64)(rdtsc() - c->deadline) > 0)
			break;
	}
	gpa_gather_finish(&g);
	write_unlock(&p->gpamap.lock);
	stats_update_partition(p);
	partition_put(p);
	return status;
}

hv_status_t hvc_get_gpa_pages_access_states(struct hvcall *c)
{
	const struct hv_input_get_gpa_pages_access_state *in = c->in;
	u8 *states = c->out_elements;
	struct partition *p;
	struct gpa_gather g;
	hv_status_t status;

	if (in->flags & ~HV_PAGE_ACCESS_FLAGS_VALID)
		return HV_STATUS_INVALID_PARAMETER;
	status = child_with_map(c, in->partition_id, &p);
	if (status)
		return status;
	gpa_gather_init(&g, &p->gpamap);
	write_lock(&p->gpamap.lock);
	if (!map_alive(&p->gpamap) || !p->gpamap.track)
		status = HV_STATUS_INVALID_PARTITION_STATE;
	while (!status && c->rep < c->rep_count) {
		u64 gpfn = in->hv_gpa_page_number + c->rep;

		if (gpfn < in->hv_gpa_page_number) {
			status = HV_STATUS_INVALID_PARAMETER;
			break;
		}
		status = gpamap_access_state(&g, gpfn, in->flags, &states[c->rep]);
		if (status)
			break;
		c->rep++;
		if ((s64)(rdtsc() - c->deadline) > 0)
			break;
	}
	gpa_gather_finish(&g);
	write_unlock(&p->gpamap.lock);
	stats_update_partition(p);
	partition_put(p);
	return status;
}
