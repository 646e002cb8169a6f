// SPDX-License-Identifier: GPL-2.0-only
/*
 * Virtual processors: creation, ownership, requests (TLFS, "Virtual Processor
 * Management").
 */
#include <openhv/atomic.h>
#include <openhv/features.h>
#include <openhv/log.h>
#include <openhv/partition.h>
#include <openhv/run.h>
#include <openhv/sched.h>
#include <openhv/stats.h>
#include <openhv/string.h>

static u32 vps;

void vp_init(struct vp *vp, struct partition *p, u32 index, u32 apic_id,
	     const struct vp_pages *pages)
{
	void *synic[3] = { pages->simp, pages->siefp, pages->sirbp };

	vp->partition = p;
	vp->index = index;
	list_init(&vp->notify_node);
	list_init(&vp->sched.node);
	vcpu_init(&vp->vcpu, pages->vmcb, pages->fpu, virt_to_phys(p->gpamap.top),
		  partition_is_root(p));
	vlapic_init(&vp->apic, vp, apic_id);
	synic_init(vp, synic);
	vp->assist.own = pages->assist;
	list_init(&vp->assist.overlay.node);
	if (partition_is_root(p))
		vp->assist.msr = virt_to_phys(pages->assist);
	vp->startup_suspend = index != 0;
	vp->explicit_suspend = !partition_is_root(p);
	vp->blocked = partition_is_root(p) ? 0 : VP_SUSPENDED;
}

u32 vps_total(void)
{
	return READ_ONCE(vps);
}

void vp_publish(struct partition *p, struct vp *vp)
{
	struct vp_slot *slot = &p->vps[vp->index];

	slot->vp = vp;
	p->vp_count++;
	atomic_add(&vps, 1);
	store_release(&slot->ref.count, 1);
}

void vp_reset(struct vp *vp, bool init)
{
	vcpu_reset(&vp->vcpu, init);
	vlapic_reset(&vp->apic, init);
	vp->halted = false;
	vp->idle = false;
	apic_assist_forget(vp);
	WRITE_ONCE(vp->nmi_pending, 0);
	vp->pending_event = (struct hv_u128){};
}

static void pages_free(struct pool *pool, const struct vp_pages *pages)
{
	pool_free(pool, pages->vmcb);
	pool_free(pool, pages->fpu);
	pool_free(pool, pages->simp);
	pool_free(pool, pages->siefp);
	pool_free(pool, pages->assist);
}

hv_status_t vp_create(struct partition *p, u32 index)
{
	struct vp_pages pages = {};
	struct vp *vp;

	if (index >= VP_MAX)
		return HV_STATUS_INVALID_VP_INDEX;
	spin_lock(&p->lock);
	if (p->state != PARTITION_ACTIVE) {
		spin_unlock(&p->lock);
		return HV_STATUS_INVALID_PARTITION_STATE;
	}
	if (p->vps[index].vp) {
		spin_unlock(&p->lock);
		return HV_STATUS_INVALID_VP_INDEX;
	}
	vp = pool_alloc(&p->pool);
	pages.vmcb = pool_alloc(&p->pool);
	pages.fpu = pool_alloc(&p->pool);
	pages.simp = pool_alloc(&p->pool);
	pages.siefp = pool_alloc(&p->pool);
	pages.assist = pool_alloc(&p->pool);
	if (!vp || !pages.assist || !reserve_fill(p, RESERVE_VP)) {
		pages_free(&p->pool, &pages);
		pool_free(&p->pool, vp);
		spin_unlock(&p->lock);
		return HV_STATUS_INSUFFICIENT_MEMORY;
	}
	vp_init(vp, p, index, index, &pages);
	vcpu_pass_msrs(&vp->vcpu, p->pass_msrs);
	vcpu_intercept_exceptions(&vp->vcpu, p->exception_intercepts);
	vcpu_intercept_cr4(&vp->vcpu, features_cr4(p->proc_features, p->xsave_features) !=
			   vcpu_caps.cr4_valid);
	vp_publish(p, vp);
	spin_unlock(&p->lock);
	stats_update_partition(p);
	stats_update_machine();
	return HV_STATUS_SUCCESS;
}

static void vp_destroy(struct vp *vp)
{
	struct pool *pool = &vp->partition->pool;
	struct vp_pages pages = {
		.vmcb = vp->vcpu.arch.vmcb,
		.fpu = vp->vcpu.fpu,
		.simp = vp->synic.simp.own,
		.siefp = vp->synic.siefp.own,
		.assist = vp->assist.own,
	};

	sched->forget(vp);
	vlapic_destroy(&vp->apic);
	synic_destroy(vp);
	synic_page_off(vp, &vp->assist);
	/* A timer that fired before it was cancelled may have made the VP known again. */
	sched->forget(vp);
	pool_free_lent(pool, vp->message);
	pool_free_lent(pool, vp->regs);
	pool_free_lent(&root_partition.pool, vp->stats[0]);
	pool_free_lent(&root_partition.pool, vp->stats[1]);
	pages_free(pool, &pages);
	pool_free(pool, vp);
}

hv_status_t vp_delete(struct partition *p, u32 index)
{
	struct vp *vp = vp_get(p, index);
	struct vp_slot *slot;
	u32 idle = 0;

	if (!vp)
		return HV_STATUS_INVALID_VP_INDEX;
	if (partition_is_root(p)) {
		vp_put(vp);
		return HV_STATUS_OPERATION_DENIED;
	}
	/*
	 * Stop it, then take it: from there on nobody can run it. Root may have another
	 * of its processors resume the VP meanwhile: it is stopped again.
	 */
	for (;;) {
		vp_lock(vp);
		vp->explicit_suspend = true;
		vp->dispatch_suspend = true;
		vp_unlock(vp);
		if (atomic_cmpxchg(&vp->running, &idle, VP_DELETED))
			break;
		if (idle == VP_DELETED) {
			/* Another LP deletes it, and waits for our reference. */
			vp_put(vp);
			return HV_STATUS_INVALID_VP_INDEX;
		}
		idle = 0;
		cpu_relax();
	}
	slot = &p->vps[index];
	vp_put(vp);
	ref_put(&slot->ref);
	while (READ_ONCE(slot->ref.count))
		cpu_relax();
	vp_destroy(vp);
	spin_lock(&p->lock);
	slot->vp = NULL;
	p->vp_count--;
	spin_unlock(&p->lock);
	atomic_sub(&vps, 1);
	stats_update_partition(p);
	stats_update_machine();
	return HV_STATUS_SUCCESS;
}

void vp_lock(struct vp *vp)
{
	spin_lock(&vp->lock);
	WRITE_ONCE(vp->held, 1);
	/* Held first, then the look whether the VP runs: its LP does the reverse */
	smp_mb();
	while (READ_ONCE(vp->running) == VP_RUNNING && !READ_ONCE(vp->parked)) {
		if (READ_ONCE(vp->in_guest))
			lp_kick(READ_ONCE(vp->lp));
		cpu_relax();
	}
	/* What its LP wrote is seen by the owner */
	smp_mb();
}

void vp_unlock(struct vp *vp)
{
	store_release(&vp->held, 0);
	/* Whoever owns it next shall not take "parked" for an answer to its own question. */
	while (READ_ONCE(vp->parked))
		cpu_relax();
	spin_unlock(&vp->lock);
}

void vp_request(struct vp *vp, u64 requests)
{
	u32 blocked = VP_BLOCKED;
	struct lp *lp;

	atomic_or(&vp->requests, requests);
	if (READ_ONCE(vp->in_guest)) {
		lp = READ_ONCE(vp->lp);
		if (lp != lp_self())
			lp_kick(lp);
		return;
	}
	/* Under the root scheduler the LP may be in guest mode with a child, in root's time. */
	if (sched->dispatch && partition_is_root(vp->partition)) {
		lp = READ_ONCE(vp->lp);
		if (READ_ONCE(lp->current) != vp && lp != lp_self())
			lp_kick(lp);
		return;
	}
	if (READ_ONCE(vp->blocked) == VP_BLOCKED && atomic_cmpxchg(&vp->blocked, &blocked, 0))
		sched->wake(vp);
}
