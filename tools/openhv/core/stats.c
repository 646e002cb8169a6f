// SPDX-License-Identifier: GPL-2.0-only
/*
 * Statistics pages: an object's counters, in pages that root can read. They come
 * from root's pool, whose ever the object is: that is where root deposits when
 * there is none.
 *
 * A page stays mapped until its object goes away; mapping it again gives the
 * same page. A VP and a partition have two, which say the same here.
 *
 * Counters of what hypercalls change are brought up to date by these; those of
 * a child's VP when the VP stops; those of an LP and of the root VP that lives
 * there by that LP, now and then. Each object has a lock for its pages, or an
 * owner: there is none that LPs share. It is taken last, and only pages, and
 * what they said of an LP's times, are written under it.
 */
#include <asm/cpu.h>
#include <asm/x86.h>
#include <openhv/atomic.h>
#include <openhv/hypercall.h>
#include <openhv/lp.h>
#include <openhv/options.h>
#include <openhv/partition.h>
#include <openhv/root.h>
#include <openhv/stats.h>

/* How often an LP brings its own counters up to date */
#define REFRESH_HZ	100

static void *hypervisor_page;
static struct spinlock hypervisor_lock;

/* An object that a page belongs to, held */
struct target {
	void **slot;
	struct spinlock *lock;		/* NULL: whoever owns @vp */
	struct lp *lp;
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
		t->lock = &hypervisor_lock;
		return HV_STATUS_SUCCESS;
	case HV_STATS_OBJECT_LOGICAL_PROCESSOR:
		if (id->lp.stats_area_type != HV_STATS_AREA_SELF)
			return HV_STATUS_INVALID_PARAMETER;
		if (id->lp.lp_index >= lp_count)
			return HV_STATUS_INVALID_LP_INDEX;
		t->lp = lps[id->lp.lp_index];
		t->slot = (void **)&t->lp->stats;
		t->lock = &t->lp->stats_lock;
		return HV_STATUS_SUCCESS;
	case HV_STATS_OBJECT_PARTITION:
		status = area_index(id->partition.stats_area_type, &index);
		if (status)
			return status;
		status = hvc_partition(c, id->partition.partition_id, &t->partition);
		if (status)
			return status;
		t->slot = (void **)&t->partition->stats[index];
		t->lock = &t->partition->stats_lock;
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
		/* Nobody can own a VP of root's; it lives on one LP. */
		if (partition_is_root(t->partition))
			t->lock = &t->vp->lp->stats_lock;
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

static void lock_target(struct target *t)
{
	if (t->lock)
		spin_lock(t->lock);
	else
		vp_lock(t->vp);
}

static void unlock_target(struct target *t)
{
	if (t->lock)
		spin_unlock(t->lock);
	else
		vp_unlock(t->vp);
}

static void fill_hypervisor(u64 *page)
{
	page[HV_STATS_HYPERVISOR_LOGICAL_PROCESSORS] = lp_count;
	page[HV_STATS_HYPERVISOR_PARTITIONS] = partition_children() + 1;
	page[HV_STATS_HYPERVISOR_VIRTUAL_PROCESSORS] = vps_total();
	/* What it took at boot, and what it was given since */
	page[HV_STATS_HYPERVISOR_TOTAL_PAGES] = own_total_pages() + pool_deposited_total();
}

/* @from less @what, which another LP may have gone on counting meanwhile */
static u64 less(u64 from, u64 what)
{
	return from - min(from, what);
}

/*
 * The LP may be another one that goes on meanwhile: what it sleeps or is in guest mode
 * now may be missed for the time of a few instructions, or be counted twice, and clocks
 * may differ. So what was said last is the least. @lp's stats_lock is held.
 */
static void lp_times(struct lp *lp, u64 *total, u64 *hypervisor)
{
	/* Since when, then how much before: an LP counts the latter first. */
	u64 idle_since = load_acquire(&lp->idle_since), idle = READ_ONCE(lp->idle_time);
	u64 guest_since = load_acquire(&lp->guest_since), guest = READ_ONCE(lp->guest_time);
	u64 started = READ_ONCE(lp->started), now = rdtsc(), all;

	/* One that has not got that far yet has not worked since the machine was switched on. */
	if (!started)
		started = now;
	if (idle_since)
		idle += less(now, idle_since);
	if (guest_since)
		guest += less(now, guest_since);
	all = less(less(now, started), idle);
	lp->times_total = max(lp->times_total, tsc_to_100ns(all));
	lp->times_hypervisor = max(lp->times_hypervisor, tsc_to_100ns(less(all, guest)));
	*total = lp->times_total;
	*hypervisor = lp->times_hypervisor;
}

void stats_lp_times(struct lp *lp, u64 *total, u64 *hypervisor)
{
	spin_lock(&lp->stats_lock);
	lp_times(lp, total, hypervisor);
	spin_unlock(&lp->stats_lock);
}

static void fill_lp(struct lp *lp, u64 *page)
{
	u64 total, hypervisor;

	lp_times(lp, &total, &hypervisor);
	page[HV_STATS_LP_GLOBAL_TIME] = hv_time();
	page[HV_STATS_LP_TOTAL_RUN_TIME] = total;
	page[HV_STATS_LP_HYPERVISOR_RUN_TIME] = hypervisor;
	page[HV_STATS_LP_HARDWARE_INTERRUPTS] = lp->info->root_exits[OPENHV_EXIT_INTERRUPT] +
						lp->info->child_exits[OPENHV_EXIT_INTERRUPT];
	page[HV_STATS_LP_CONTEXT_SWITCHES] = lp->switches;
	page[HV_STATS_LP_PROCESSOR_HALTS] = lp->halts;
	page[HV_STATS_LP_ROOT_VP_INDEX] = lp->index;
	page[HV_STATS_LP_COUNTER_REFRESH_SEQUENCE_NUMBER]++;
	page[HV_STATS_LP_COUNTER_REFRESH_REFERENCE_TIME] = hv_time();
}

static void fill_partition(const struct partition *p, u64 *page)
{
	const struct gpamap *map = &p->gpamap;

	page[HV_STATS_PARTITION_PARTITION_ID] = p->id;
	page[HV_STATS_PARTITION_VIRTUAL_PROCESSORS] = READ_ONCE(p->vp_count);
	page[HV_STATS_PARTITION_DEPOSITED_PAGES] = READ_ONCE(p->pool.total);
	page[HV_STATS_PARTITION_GPA_PAGES] = READ_ONCE(map->pages_4k) +
					     (READ_ONCE(map->pages_2m) << MAP_ORDER_2M) +
					     (READ_ONCE(map->pages_1g) << MAP_ORDER_1G);
	page[HV_STATS_PARTITION_GPA_PAGES_4K] = READ_ONCE(map->pages_4k);
	page[HV_STATS_PARTITION_GPA_PAGES_2M] = READ_ONCE(map->pages_2m);
	page[HV_STATS_PARTITION_GPA_PAGES_1G] = READ_ONCE(map->pages_1g);
	page[HV_STATS_PARTITION_GPA_SPACE_MODIFICATIONS] = READ_ONCE(map->modifications);
	if (partition_is_root(p))
		page[HV_STATS_PARTITION_NUMBER_OF_ACTIVE_CHILD_PARTITIONS] = partition_children();
}

/* Both areas at once: this is done each time that a VP stops. */
void stats_update_vp(struct vp *vp)
{
	u64 *self = vp->stats[0] ? vp->stats[0] : vp->stats[1];
	u64 *parent = vp->stats[1] ? vp->stats[1] : self;
	const u64 *exits = vp->exits;

	if (!self)
		return;
#define FILL(name, value) \
	(self[HV_STATS_VP_##name] = parent[HV_STATS_VP_##name] = (value))
	FILL(TOTAL_RUN_TIME, tsc_to_100ns(vp->run_time));
	FILL(HYPERCALLS_COUNT, exits[OPENHV_EXIT_HYPERCALL]);
	FILL(IO_INSTRUCTIONS_COUNT, exits[OPENHV_EXIT_IO]);
	FILL(HLT_INSTRUCTIONS_COUNT, exits[OPENHV_EXIT_HLT]);
	FILL(CPUID_INSTRUCTIONS_COUNT, exits[OPENHV_EXIT_CPUID]);
	FILL(MSR_ACCESSES_COUNT, exits[OPENHV_EXIT_MSR_READ] + exits[OPENHV_EXIT_MSR_WRITE]);
	FILL(EXTERNAL_INTERRUPTS_COUNT, exits[OPENHV_EXIT_INTERRUPT]);
	FILL(NESTED_PAGE_FAULT_INTERCEPTS_COUNT, exits[OPENHV_EXIT_NPT_FAULT]);
	FILL(CONTROL_REGISTER_ACCESSES_COUNT, exits[OPENHV_EXIT_CR_ACCESS]);
	FILL(LOGICAL_PROCESSOR_DISPATCHES, vp->dispatches);
#undef FILL
}

static void fill_target(struct target *t)
{
	if (t->vp)
		stats_update_vp(t->vp);
	else if (t->partition)
		fill_partition(t->partition, *t->slot);
	else if (t->lp)
		fill_lp(t->lp, *t->slot);
	else
		fill_hypervisor(*t->slot);
}

hv_status_t stats_map(struct hvcall *c, const struct hv_input_map_stats_page *in, u64 *pfn)
{
	void *page = NULL;
	hv_status_t status;
	struct target t;

	status = find_target(c, in, &t);
	if (status)
		return status;
	if (!READ_ONCE(*t.slot))
		page = pool_alloc_lent(&root_partition.pool);
	lock_target(&t);
	if (t.partition && READ_ONCE(t.partition->state) != PARTITION_ACTIVE) {
		/* It was finalized meanwhile, and stats_drop() will not come again. */
		status = HV_STATUS_INVALID_PARTITION_STATE;
	} else {
		if (!*t.slot) {
			WRITE_ONCE(*t.slot, page);
			page = NULL;
		}
		if (*t.slot) {
			fill_target(&t);
			*pfn = virt_to_phys(*t.slot) >> PAGE_SHIFT;
		} else {
			status = HV_STATUS_INSUFFICIENT_MEMORY;
		}
	}
	unlock_target(&t);
	pool_free_lent(&root_partition.pool, page);
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
	lock_target(&t);
	page = *t.slot;
	WRITE_ONCE(*t.slot, NULL);
	unlock_target(&t);
	if (!page)
		status = HV_STATUS_INVALID_PARAMETER;
	pool_free_lent(&root_partition.pool, page);
	put_target(&t);
	return status;
}

static void drop(void **slot, struct spinlock *lock)
{
	void *page;

	spin_lock(lock);
	page = *slot;
	WRITE_ONCE(*slot, NULL);
	spin_unlock(lock);
	pool_free_lent(&root_partition.pool, page);
}

void stats_drop(struct partition *p)
{
	u32 i;

	for (i = 0; i < ARRAY_SIZE(p->stats); i++)
		drop((void **)&p->stats[i], &p->stats_lock);
}

void stats_drop_root(void)
{
	u32 i, area;

	drop(&hypervisor_page, &hypervisor_lock);
	stats_drop(&root_partition);
	for (i = 0; i < lp_count; i++) {
		struct lp *lp = lps[i];

		drop((void **)&lp->stats, &lp->stats_lock);
		for (area = 0; area < ARRAY_SIZE(lp->root_vp->stats); area++)
			drop((void **)&lp->root_vp->stats[area], &lp->stats_lock);
	}
}

void stats_update_partition(struct partition *p)
{
	u32 i;

	if (!READ_ONCE(p->stats[0]) && !READ_ONCE(p->stats[1]))
		return;
	spin_lock(&p->stats_lock);
	for (i = 0; i < ARRAY_SIZE(p->stats); i++) {
		if (p->stats[i])
			fill_partition(p, p->stats[i]);
	}
	spin_unlock(&p->stats_lock);
}

void stats_update_machine(void)
{
	stats_update_partition(&root_partition);
	if (!READ_ONCE(hypervisor_page))
		return;
	spin_lock(&hypervisor_lock);
	if (hypervisor_page)
		fill_hypervisor(hypervisor_page);
	spin_unlock(&hypervisor_lock);
}

void stats_refresh(struct lp *lp)
{
	struct vp *vp = lp->root_vp;

	lp->stats_due = rdtsc() + tsc_hz / REFRESH_HZ;
	if (READ_ONCE(lp->stats) || READ_ONCE(vp->stats[0]) || READ_ONCE(vp->stats[1])) {
		spin_lock(&lp->stats_lock);
		if (lp->stats)
			fill_lp(lp, lp->stats);
		stats_update_vp(vp);
		spin_unlock(&lp->stats_lock);
	}
	/* Whatever changed root's own address space: one LP is enough for that. */
	if (!lp->index)
		stats_update_partition(&root_partition);
}
