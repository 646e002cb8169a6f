// SPDX-License-Identifier: GPL-2.0-only
/*
 * Statistics pages: an object's counters, in pages that root can read. They come
 * from root's pool, whose ever the object is: that is where root deposits when
 * there is none.
 *
 * A page stays mapped until its object goes away; mapping it again gives the
 * same page.
 */
#include <openhv/atomic.h>
#include <openhv/hypercall.h>
#include <openhv/lp.h>
#include <openhv/options.h>
#include <openhv/partition.h>
#include <openhv/root.h>
#include <openhv/stats.h>

static void *hypervisor_page;
static void *lp_pages[LP_MAX];
static struct spinlock stats_lock;

/* An object that a page belongs to, held */
struct target {
	void **slot;
	struct partition *partition;
	struct vp *vp;
};

static hv_status_t area_index(u8 area, u32 *index)
{
	switch (area) {
	case HV_STATS_AREA_SELF:
		*index = 0;
		return HV_STATUS_SUCCESS;
	case HV_STATS_AREA_PARENT:
		*index = 1;
		return options.compat < COMPAT_PARENT_STATS ? HV_STATUS_INVALID_PARAMETER :
		       HV_STATUS_SUCCESS;
	}
	return HV_STATUS_INVALID_PARAMETER;
}

static hv_status_t find_target(struct hvcall *c, const struct hv_input_map_stats_page *in,
			       struct target *t)
{
	const union hv_stats_object_identity *id = &in->identity;
	hv_status_t status;
	u32 index;

	*t = (struct target){};
	if (in->padding)
		return HV_STATUS_INVALID_PARAMETER;
	switch (in->type) {
	case HV_STATS_OBJECT_HYPERVISOR:
		if (id->hv.stats_area_type != HV_STATS_AREA_SELF)
			return HV_STATUS_INVALID_PARAMETER;
		t->slot = &hypervisor_page;
		return HV_STATUS_SUCCESS;
	case HV_STATS_OBJECT_LOGICAL_PROCESSOR:
		if (id->lp.stats_area_type != HV_STATS_AREA_SELF)
			return HV_STATUS_INVALID_PARAMETER;
		if (id->lp.lp_index >= lp_count)
			return HV_STATUS_INVALID_LP_INDEX;
		t->slot = &lp_pages[id->lp.lp_index];
		return HV_STATUS_SUCCESS;
	case HV_STATS_OBJECT_PARTITION:
		status = area_index(id->partition.stats_area_type, &index);
		if (status)
			return status;
		status = hvc_partition(c, id->partition.partition_id, &t->partition);
		if (status)
			return status;
		t->slot = &t->partition->stats[index];
		break;
	case HV_STATS_OBJECT_VP:
		status = area_index(id->vp.stats_area_type, &index);
		if (status)
			return status;
		status = hvc_partition(c, id->vp.partition_id, &t->partition);
		if (status)
			return status;
		t->vp = vp_get(t->partition, id->vp.vp_index);
		if (!t->vp) {
			partition_put(t->partition);
			return HV_STATUS_INVALID_VP_INDEX;
		}
		t->slot = (void **)&t->vp->stats[index];
		break;
	default:
		return HV_STATUS_INVALID_PARAMETER;
	}
	if (t->partition->state != PARTITION_ACTIVE) {
		if (t->vp)
			vp_put(t->vp);
		partition_put(t->partition);
		return HV_STATUS_INVALID_PARTITION_STATE;
	}
	return HV_STATUS_SUCCESS;
}

static void put_target(struct target *t)
{
	if (t->vp)
		vp_put(t->vp);
	if (t->partition)
		partition_put(t->partition);
}

/* Counters that do not change, or only with the object */
static void fill_fixed(const struct hv_input_map_stats_page *in, const struct target *t, u64 *page)
{
	switch (in->type) {
	case HV_STATS_OBJECT_HYPERVISOR:
		page[HV_STATS_HYPERVISOR_LOGICAL_PROCESSORS] = lp_count;
		page[HV_STATS_HYPERVISOR_PARTITIONS] = partition_children() + 1;
		page[HV_STATS_HYPERVISOR_TOTAL_PAGES] = own_total_pages();
		break;
	case HV_STATS_OBJECT_LOGICAL_PROCESSOR:
		page[HV_STATS_LP_ROOT_VP_INDEX] = in->identity.lp.lp_index;
		break;
	case HV_STATS_OBJECT_PARTITION:
		page[HV_STATS_PARTITION_PARTITION_ID] = t->partition->id;
		page[HV_STATS_PARTITION_VIRTUAL_PROCESSORS] = t->partition->vp_count;
		page[HV_STATS_PARTITION_DEPOSITED_PAGES] = t->partition->pool.total;
		page[HV_STATS_PARTITION_GPA_PAGES_4K] = t->partition->gpamap.pages_4k;
		page[HV_STATS_PARTITION_GPA_PAGES_2M] = t->partition->gpamap.pages_2m;
		page[HV_STATS_PARTITION_GPA_PAGES_1G] = t->partition->gpamap.pages_1g;
		page[HV_STATS_PARTITION_GPA_SPACE_MODIFICATIONS] =
			t->partition->gpamap.modifications;
		break;
	}
}

hv_status_t stats_map(struct hvcall *c, const struct hv_input_map_stats_page *in, u64 *pfn)
{
	hv_status_t status;
	struct target t;

	status = find_target(c, in, &t);
	if (status)
		return status;
	spin_lock(&stats_lock);
	if (t.partition && READ_ONCE(t.partition->state) != PARTITION_ACTIVE) {
		/* It was finalized meanwhile, and stats_drop() will not come again. */
		spin_unlock(&stats_lock);
		put_target(&t);
		return HV_STATUS_INVALID_PARTITION_STATE;
	}
	if (!*t.slot)
		*t.slot = pool_alloc_lent(&root_partition.pool);
	if (*t.slot) {
		fill_fixed(in, &t, *t.slot);
		*pfn = virt_to_phys(*t.slot) >> PAGE_SHIFT;
	} else {
		status = HV_STATUS_INSUFFICIENT_MEMORY;
	}
	spin_unlock(&stats_lock);
	put_target(&t);
	return status;
}

hv_status_t stats_unmap(struct hvcall *c, const struct hv_input_map_stats_page *in)
{
	hv_status_t status;
	struct target t;
	void *page;

	status = find_target(c, in, &t);
	if (status)
		return status;
	/* The LP that runs a child's VP writes to its page. */
	if (t.vp && !partition_is_root(t.partition))
		vp_lock(t.vp);
	spin_lock(&stats_lock);
	page = *t.slot;
	WRITE_ONCE(*t.slot, NULL);
	spin_unlock(&stats_lock);
	if (t.vp && !partition_is_root(t.partition))
		vp_unlock(t.vp);
	if (!page)
		status = HV_STATUS_INVALID_PARAMETER;
	pool_free_lent(&root_partition.pool, page);
	put_target(&t);
	return status;
}

static void drop(void **slot)
{
	void *page;

	spin_lock(&stats_lock);
	page = *slot;
	WRITE_ONCE(*slot, NULL);
	spin_unlock(&stats_lock);
	pool_free_lent(&root_partition.pool, page);
}

void stats_drop(struct partition *p)
{
	u32 i;

	for (i = 0; i < ARRAY_SIZE(p->stats); i++)
		drop(&p->stats[i]);
}

void stats_drop_root(void)
{
	struct vp *vp;
	u32 i, area;

	drop(&hypervisor_page);
	stats_drop(&root_partition);
	for (i = 0; i < lp_count; i++) {
		drop(&lp_pages[i]);
		vp = root_partition.vps[i].vp;
		for (area = 0; area < ARRAY_SIZE(vp->stats); area++)
			drop((void **)&vp->stats[area]);
	}
}

static u64 calls(const struct vp *vp, enum openhv_exit e)
{
	return vp->exits[e];
}

static void update_vp(struct vp *vp, u64 *page)
{
	page[HV_STATS_VP_TOTAL_RUN_TIME] = tsc_to_100ns(vp->run_time);
	page[HV_STATS_VP_HYPERCALLS_COUNT] = calls(vp, OPENHV_EXIT_HYPERCALL);
	page[HV_STATS_VP_IO_INSTRUCTIONS_COUNT] = calls(vp, OPENHV_EXIT_IO);
	page[HV_STATS_VP_HLT_INSTRUCTIONS_COUNT] = calls(vp, OPENHV_EXIT_HLT);
	page[HV_STATS_VP_CPUID_INSTRUCTIONS_COUNT] = calls(vp, OPENHV_EXIT_CPUID);
	page[HV_STATS_VP_MSR_ACCESSES_COUNT] = calls(vp, OPENHV_EXIT_MSR_READ) +
					       calls(vp, OPENHV_EXIT_MSR_WRITE);
	page[HV_STATS_VP_EXTERNAL_INTERRUPTS_COUNT] = calls(vp, OPENHV_EXIT_INTERRUPT);
	page[HV_STATS_VP_NESTED_PAGE_FAULT_INTERCEPTS_COUNT] = calls(vp, OPENHV_EXIT_NPT_FAULT);
	page[HV_STATS_VP_CONTROL_REGISTER_ACCESSES_COUNT] = calls(vp, OPENHV_EXIT_CR_ACCESS);
	page[HV_STATS_VP_LOGICAL_PROCESSOR_DISPATCHES] = vp->dispatches;
}

void stats_update_vp(struct vp *vp)
{
	bool root = partition_is_root(vp->partition);
	u64 *page;

	/* Nobody owns a VP of root's who takes its page away: that is done under the lock. */
	if (root)
		spin_lock(&stats_lock);
	page = READ_ONCE(vp->stats[0]);
	if (page)
		update_vp(vp, page);
	if (root)
		spin_unlock(&stats_lock);
}
