// SPDX-License-Identifier: GPL-2.0-only
/*
 * Partitions: the table of them, and their life (TLFS, "Partition
 * Management").
 */
#include <openhv/atomic.h>
#include <openhv/features.h>
#include <openhv/info_page.h>
#include <openhv/log.h>
#include <openhv/partition.h>
#include <openhv/ports.h>
#include <openhv/sched.h>
#include <openhv/stats.h>
#include <openhv/string.h>
#include <tlfs/partition.h>

struct partition root_partition;

/*
 * Creation flags that mean something here. A partition that is capable of nested virtualization
 * has it if NESTED_VIRT is among its processor features, where a VMM that needs it has to look.
 * It is not among openhv's, so none has it.
 */
#define FLAGS_KNOWN	(HV_PARTITION_CREATION_FLAG_SMT_ENABLED_GUEST | \
			 HV_PARTITION_CREATION_FLAG_NESTED_VIRTUALIZATION_CAPABLE | \
			 HV_PARTITION_CREATION_FLAG_GPA_SUPER_PAGES_ENABLED | \
			 HV_PARTITION_CREATION_FLAG_EXO_PARTITION | \
			 HV_PARTITION_CREATION_FLAG_LAPIC_ENABLED | \
			 HV_PARTITION_CREATION_FLAG_INTERCEPT_MESSAGE_PAGE_ENABLED | \
			 HV_PARTITION_CREATION_FLAG_X2APIC_CAPABLE)

/* An ID is the slot's number in the low bits, and a generation that never comes again. */
#define ID_SLOT_BITS	8
#define ID_SLOT_MASK	((1UL << ID_SLOT_BITS) - 1)

static struct {
	struct refcount ref;
	u64 id;
	struct partition *partition;
} table[PARTITION_MAX];
static struct spinlock table_lock;
static u64 generation;
static u32 children;

static void init_common(struct partition *p, u32 slot, u64 id)
{
	p->slot = slot;
	p->id = id;
	list_init(&p->ports);
	list_init(&p->connections);
	list_init(&p->hypercall_overlay.node);
	list_init(&p->tsc_overlay.node);
	objpool_init(&p->small, OBJ_SIZE);
	table[slot].id = id;
	table[slot].partition = p;
	store_release(&table[slot].ref.count, 1);
}

void partitions_init(void)
{
	init_common(&root_partition, PARTITION_ROOT_SLOT, PARTITION_ROOT_SLOT);
	root_partition.state = PARTITION_ACTIVE;
}

struct partition *partition_get(u64 id, struct partition *self)
{
	u32 slot;

	if (id == HV_PARTITION_ID_SELF)
		id = self->id;
	slot = id & ID_SLOT_MASK;
	if (!ref_get_not_zero(&table[slot].ref))
		return NULL;
	if (READ_ONCE(table[slot].id) == id)
		return table[slot].partition;
	ref_put(&table[slot].ref);
	return NULL;
}

struct partition *partition_get_slot(u32 slot)
{
	return ref_get_not_zero(&table[slot].ref) ? table[slot].partition : NULL;
}

struct partition *partition_in_slot(u32 slot)
{
	return load_acquire(&table[slot].partition);
}

bool partition_slot_used(u32 slot)
{
	return partition_in_slot(slot);
}

void partition_put(struct partition *p)
{
	ref_put(&table[p->slot].ref);
}

u32 partition_children(void)
{
	return READ_ONCE(children);
}

struct vp *vp_get(struct partition *p, u32 index)
{
	struct vp_slot *slots = load_acquire(&p->vps);

	if (!slots || index >= VP_MAX || !ref_get_not_zero(&slots[index].ref))
		return NULL;
	return slots[index].vp;
}

void vp_put(struct vp *vp)
{
	ref_put(&vp->partition->vps[vp->index].ref);
}

hv_status_t partition_create(const struct hv_input_create_partition *in, u64 *id)
{
	struct partition *p;
	u32 slot;

	if (in->flags & ~FLAGS_KNOWN || in->padding ||
	    in->proximity_domain_info.flags & ~(HV_PXM_PREFERRED | HV_PXM_VALID))
		return HV_STATUS_INVALID_PARAMETER;
	if (in->isolation_properties & HV_PARTITION_ISOLATION_TYPE_MASK)
		return HV_STATUS_FEATURE_UNAVAILABLE;
	p = pool_alloc(&root_partition.pool);
	if (!p)
		return HV_STATUS_INSUFFICIENT_MEMORY;

	p->flags = in->flags;
	p->compat_version = in->compatibility_version;
	p->proc_features[0] = host_proc_features[0] & ~in->disabled_processor_features[0];
	p->proc_features[1] = host_proc_features[1] & ~in->disabled_processor_features[1];
	p->xsave_features = host_xsave_features & ~in->disabled_xsave_features;
	p->procs_per_socket = VP_MAX;
	p->pass_msrs = true;
	partition_time_start(p);

	spin_lock(&table_lock);
	for (slot = PARTITION_ROOT_SLOT + 1; slot < PARTITION_MAX; slot++) {
		if (!READ_ONCE(table[slot].partition))
			break;
	}
	if (slot == PARTITION_MAX) {
		spin_unlock(&table_lock);
		pool_free(&root_partition.pool, p);
		return HV_STATUS_NO_RESOURCES;
	}
	*id = ++generation << ID_SLOT_BITS | slot;
	init_common(p, slot, *id);
	children++;
	spin_unlock(&table_lock);
	info_page_update();
	stats_update_machine();
	log_info("partition %llu: created%s", *id,
		 in->flags & HV_PARTITION_CREATION_FLAG_NESTED_VIRTUALIZATION_CAPABLE ?
		 ", without the nested virtualization it may have" : "");
	return HV_STATUS_SUCCESS;
}

/* What a partition needs before it has a VP; all of it, or nothing. */
hv_status_t partition_initialize(struct partition *p)
{
	hv_status_t status = HV_STATUS_INSUFFICIENT_MEMORY;
	void *vps, *tsc_page;

	spin_lock(&p->lock);
	if (p->state != PARTITION_CREATED) {
		spin_unlock(&p->lock);
		return HV_STATUS_INVALID_PARTITION_STATE;
	}
	vps = pool_alloc(&p->pool);
	tsc_page = pool_alloc(&p->pool);
	if (vps && tsc_page && reserve_fill(p, RESERVE_PARTITION))
		status = gpamap_init(&p->gpamap, p, false);
	if (status) {
		reserve_drain(p);
		pool_free(&p->pool, vps);
		pool_free(&p->pool, tsc_page);
	} else {
		p->tsc_page = tsc_page;
		store_release(&p->vps, vps);
		p->state = PARTITION_ACTIVE;
	}
	spin_unlock(&p->lock);
	return status;
}

hv_status_t partition_finalize(struct partition *p)
{
	bool initialized;
	void *vps, *intercepts;
	u32 i;

	if (partition_is_root(p))
		return HV_STATUS_OPERATION_DENIED;
	spin_lock(&p->lock);
	if (p->state >= PARTITION_FINALIZED) {
		spin_unlock(&p->lock);
		return HV_STATUS_INVALID_PARTITION_STATE;
	}
	/* From here on it gets nothing new: no VP, port, intercept, page. */
	initialized = p->state == PARTITION_ACTIVE;
	p->state = PARTITION_FINALIZED;
	spin_unlock(&p->lock);
	if (!initialized)
		return HV_STATUS_SUCCESS;

	/* Without the lock: a VP that is on its way out needs it. */
	for (i = 0; i < VP_MAX; i++)
		vp_delete(p, i);
	/* Those that another LP is deleting */
	while (READ_ONCE(p->vp_count))
		cpu_relax();
	spin_lock(&p->lock);
	vps = p->vps;
	store_release(&p->vps, NULL);
	intercepts = p->intercept_table;
	p->intercept_table = NULL;
	spin_unlock(&p->lock);

	ports_destroy(p);
	overlay_clear(&p->gpamap, &p->hypercall_overlay);
	overlay_clear(&p->gpamap, &p->tsc_overlay);
	write_lock(&p->gpamap.lock);
	gpamap_destroy(&p->gpamap);
	write_unlock(&p->gpamap.lock);
	objpool_destroy(&p->small, &p->pool);
	reserve_drain(p);
	stats_drop(p);
	pool_free(&p->pool, vps);
	pool_free(&p->pool, intercepts);
	pool_free(&p->pool, p->tsc_page);
	p->tsc_page = NULL;
	return HV_STATUS_SUCCESS;
}

hv_status_t partition_delete(u64 id)
{
	struct partition *p = partition_get(id, &root_partition);
	u32 slot;

	if (!p)
		return HV_STATUS_INVALID_PARTITION_ID;
	if (partition_is_root(p)) {
		partition_put(p);
		return HV_STATUS_OPERATION_DENIED;
	}
	spin_lock(&p->lock);
	if (p->state == PARTITION_ACTIVE || p->state == PARTITION_DELETED) {
		spin_unlock(&p->lock);
		partition_put(p);
		return HV_STATUS_INVALID_PARTITION_STATE;
	}
	if (p->pool.total) {
		/* Root has to take its pages back first: nobody could, later. */
		spin_unlock(&p->lock);
		partition_put(p);
		return HV_STATUS_OBJECT_IN_USE;
	}
	p->state = PARTITION_DELETED;
	spin_unlock(&p->lock);

	slot = p->slot;
	/* Our own reference and the table's; then wait for lookups that are under way. */
	partition_put(p);
	ref_put(&table[slot].ref);
	while (READ_ONCE(table[slot].ref.count))
		cpu_relax();
	notify_forget_completion(p);
	log_info("partition %llu: deleted", id);
	spin_lock(&table_lock);
	table[slot].id = 0;
	pool_free(&root_partition.pool, p);
	store_release(&table[slot].partition, NULL);
	children--;
	spin_unlock(&table_lock);
	info_page_update();
	stats_update_machine();
	return HV_STATUS_SUCCESS;
}

void *partition_alloc_small(struct partition *p)
{
	void *obj;

	spin_lock(&p->small_lock);
	obj = objpool_alloc(&p->small, &p->pool);
	spin_unlock(&p->small_lock);
	return obj;
}

void partition_free_small(struct partition *p, void *obj)
{
	spin_lock(&p->small_lock);
	objpool_free(&p->small, obj);
	spin_unlock(&p->small_lock);
}

void partition_trim_small(struct partition *p)
{
	spin_lock(&p->small_lock);
	if (!p->small.used)
		objpool_destroy(&p->small, &p->pool);
	spin_unlock(&p->small_lock);
}

bool reserve_fill(struct partition *p, u32 pages)
{
	u32 i;

	for (i = 0; i < pages; i++) {
		void *page = pool_alloc(&p->pool);

		if (!page)
			break;
		pool_free(&p->reserve, page);
	}
	if (i == pages)
		return true;
	while (i--)
		pool_free(&p->pool, pool_alloc(&p->reserve));
	return false;
}

void reserve_drain(struct partition *p)
{
	void *page;

	while ((page = pool_alloc(&p->reserve)) != NULL)
		pool_free(&p->pool, page);
}
