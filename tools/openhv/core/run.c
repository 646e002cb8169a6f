// SPDX-License-Identifier: GPL-2.0-only
/*
 * The loop that runs a VP on an LP.
 */
#include <asm/cpu.h>
#include <asm/x86.h>
#include <openhv/atomic.h>
#include <openhv/log.h>
#include <openhv/lp.h>
#include <openhv/root.h>
#include <openhv/run.h>
#include <openhv/sched.h>
#include <openhv/stats.h>

/*
 * Somebody wants to own the VP (vp_lock()): give them all of its state, and
 * wait. While we do, only lock-free things are done to this LP.
 */
static void park(struct lp *lp, struct vp *vp)
{
	vcpu_sync(lp, &vp->vcpu);
	store_release(&vp->parked, 1);
	/* Parked first, then the look at held: vp_lock() does the reverse */
	smp_mb();
	while (READ_ONCE(vp->held))
		cpu_relax();
	store_release(&vp->parked, 0);
	/* Not parked for all to see, before the VP is touched */
	smp_mb();
}

void vp_begin(struct lp *lp, struct vp *vp)
{
	WRITE_ONCE(vp->lp, lp);
	/* vp_lock() sets held, then looks whether the VP runs and where */
	smp_mb();
	if (READ_ONCE(vp->held))
		park(lp, vp);
}

static void serve_init(struct lp *lp, struct vp *vp)
{
	vcpu_sync(lp, &vp->vcpu);
	vp_reset(vp, true);
	if (root_has_shim(vp))
		root_apic_reset();
	if (partition_is_root(vp->partition))
		vcpu_intercept_hlt(&vp->vcpu, !sched->dispatch);
	/* The bootstrap processor starts again at once, others wait for a SIPI. */
	vp->startup_suspend = !(vp->apic.base & APIC_BASE_BSP);
}

/* Serve the requests that others have made. */
static void serve_requests(struct lp *lp, struct vp *vp)
{
	u64 requests;

	/* Until all is done it looks as it did, and what wakes it is no longer requested. */
	WRITE_ONCE(vp->serving, true);
	requests = atomic_xchg(&vp->requests, 0);
	if (requests & VP_REQ_LEFT)
		vp_stay_halted(vp);
	if (requests & VP_REQ_INIT)
		serve_init(lp, vp);
	if (requests & VP_REQ_SIPI && vp->startup_suspend) {
		vcpu_sync(lp, &vp->vcpu);
		vcpu_sipi(&vp->vcpu, READ_ONCE(vp->sipi_vector));
		vp->startup_suspend = false;
	}
	if (requests & VP_REQ_FLUSH)
		vcpu_flush_tlb(&vp->vcpu);
	store_release(&vp->serving, false);
}

/* An event is there that ends a HLT, or the idling by an MSR. */
static bool has_event(struct vp *vp)
{
	struct vcpu_event ev;

	if (READ_ONCE(vp->nmi_pending) && !vcpu_nmi_masked(&vp->vcpu))
		return true;
	vcpu_get_injection(&vp->vcpu, &ev);
	if (ev.valid || vp->pending_event.low & HV_PENDING_EVENT_PENDING)
		return true;
	/*
	 * Linux waits for a spinlock like this inside of interrupts as well, and is woken by
	 * one of no higher priority, which will only be taken after the one that is in service.
	 */
	if (vp->idle)
		return vlapic_is_pending(&vp->apic);
	return vp->vcpu.rflags & RFLAGS_IF && vlapic_has_work(&vp->apic);
}

bool vp_can_continue(struct vp *vp)
{
	return READ_ONCE(vp->requests) || (!vp->startup_suspend && has_event(vp));
}

/* Under the root scheduler: something waits for this LP's root VP, a child has to make way. */
static bool root_wants_lp(struct lp *lp)
{
	struct vp *root = lp->root_vp;

	/* Its timers go on while a child runs in its time: a tick ends that. */
	stimers_poll(root);
	vlapic_poll_timer(&root->apic);
	return READ_ONCE(root->nmi_pending) || READ_ONCE(root->held) ||
	       READ_ONCE(root->requests) & (VP_REQ_INIT | VP_REQ_SIPI) ||
	       vlapic_has_work(&root->apic) || lp->root_interrupt ||
	       READ_ONCE(lp->need_resched);
}

static enum vp_stop may_run(struct lp *lp, struct vp *vp)
{
	if (vp->intercept_suspend)
		return VP_STOP_INTERCEPT;
	if (vp->explicit_suspend || vp->dispatch_suspend)
		return VP_STOP_SUSPENDED;
	if (sched->dispatch) {
		if (!partition_is_root(vp->partition) && root_wants_lp(lp))
			return VP_STOP_PREEMPTED;
	} else if (READ_ONCE(lp->need_resched)) {
		return VP_STOP_PREEMPTED;
	}
	if (vp->startup_suspend)
		return VP_STOP_BLOCKED;
	if (vp->halted || vp->idle) {
		if (!has_event(vp))
			return VP_STOP_BLOCKED;
		vp->halted = false;
		vp->idle = false;
	}
	return VP_STOP_NONE;
}

/* Put what is pending into the VCPU: an NMI, or the offer of an interrupt. */
static void prepare_events(struct vp *vp)
{
	struct vcpu *v = &vp->vcpu;
	bool extint, blocked;
	struct vcpu_event ev;
	int vector;

	if (unlikely(READ_ONCE(vp->nmi_pending)) && !vcpu_nmi_masked(v) && !vcpu_get_shadow(v)) {
		vcpu_get_injection(v, &ev);
		if (!ev.valid) {
			WRITE_ONCE(vp->nmi_pending, 0);
			ev = (struct vcpu_event){ .valid = true, .type = HV_INTERRUPTION_TYPE_NMI,
						  .vector = X86_TRAP_NMI };
			vcpu_set_injection(v, &ev);
		}
	}
	vlapic_poll_timer(&vp->apic);
	apic_assist_reconsider(vp);
	vector = vlapic_next(&vp->apic, &extint, &blocked);
	vp->offered_extint = extint;
	vcpu_set_virq(v, vector, extint);
	/* When CR8 falls, or rises above what is on offer, look again. */
	vcpu_intercept_cr8(v, blocked || vector >= 0);
	if (vector >= 0)
		apic_assist_arm(vp);
}

/*
 * While the guest runs, the vector on offer is not in the IRR: the guest may
 * take it at any moment, and the same vector arriving after that is another
 * interrupt.
 */
static void hand_out_offer(struct vp *vp)
{
	int vector = vcpu_virq_offered(&vp->vcpu);

	if (vector >= 0 && !vp->offered_extint)
		bitmap_clear_atomic(vp->apic.irr, vector);
}

static void take_back_offer(struct vp *vp)
{
	int vector = vcpu_virq_offered(&vp->vcpu);

	if (vector < 0)
		return;
	if (vcpu_virq_taken(&vp->vcpu) >= 0)
		vlapic_ack(&vp->apic, vector, vp->offered_extint);
	else if (!vp->offered_extint)
		bitmap_set_atomic(vp->apic.irr, vector);
}

/*
 * Say that the VP is in guest mode, then look once more at what others may
 * have asked for meanwhile: they set their request first, then look whether
 * the VP is in guest mode and has to be kicked.
 */
static bool begin_guest_mode(struct vp *vp)
{
	u64 generation;

	WRITE_ONCE(vp->in_guest, 1);
	/* Said first, then the look at what others want */
	smp_mb();
	generation = READ_ONCE(vp->partition->gpamap.generation);
	if (vp->generation != generation) {
		vcpu_flush_tlb(&vp->vcpu);
		store_release(&vp->generation, generation);
	}
	if (READ_ONCE(vp->requests) || READ_ONCE(vp->held)) {
		store_release(&vp->in_guest, 0);
		return false;
	}
	return true;
}

void lp_sleep(struct lp *lp)
{
	u64 begin = rdtsc();

	WRITE_ONCE(lp->idle_since, begin);
	lp_wait_for_interrupt(lp);
	/* Counted first: stats_lp_times() looks at them in the other order. */
	WRITE_ONCE(lp->idle_time, lp->idle_time + rdtsc() - begin);
	store_release(&lp->idle_since, 0);
	lp->halts++;
	stats_tick(lp);
}

/* Wait for an interrupt in the name of a root VP that has not been started. */
static void idle(struct lp *lp, struct vp *vp)
{
	if (!begin_guest_mode(vp))
		return;
	lp_sleep(lp);
	store_release(&vp->in_guest, 0);
	if (root_has_shim(vp))
		root_apic_woken(lp, vp);
	htimers_run(lp);
}

enum vp_stop vp_run(struct lp *lp, struct vp *vp)
{
	struct vp *previous = lp->current;
	enum vp_stop stop;

	lp->switches++;
	WRITE_ONCE(vp->lp, lp);
	WRITE_ONCE(lp->current, vp);
	/* Said first, then the look at what root's VP has got: vp_request() does the reverse */
	smp_mb();
	for (;;) {
		u64 entered, ticks;

		if (unlikely(READ_ONCE(vp->held)))
			park(lp, vp);
		if (unlikely(READ_ONCE(vp->requests)))
			serve_requests(lp, vp);
		stimers_poll(vp);
		vp_check_deliverability(vp);
		stop = may_run(lp, vp);
		if (unlikely(stop != VP_STOP_NONE)) {
			/* Under the root scheduler a root VP has its LP for itself. */
			if (!sched->dispatch || !partition_is_root(vp->partition))
				break;
			idle(lp, vp);
			continue;
		}
		if (unlikely(vp->pending_event.low & HV_PENDING_EVENT_PENDING))
			vp_take_event(vp);
		if (unlikely(vcpu_get_shadow(&vp->vcpu)) && vp_complete_hlt(lp, vp))
			continue;
		vcpu_load(lp, &vp->vcpu);
		prepare_events(vp);
		if (root_has_shim(vp))
			root_apic_enter(lp, vp);
		if (!begin_guest_mode(vp))
			continue;
		hand_out_offer(vp);
		entered = rdtsc();
		WRITE_ONCE(lp->guest_since, entered);
		vcpu_enter(lp, &vp->vcpu);
		store_release(&vp->in_guest, 0);
		ticks = rdtsc() - entered;
		vp->run_time += ticks;
		WRITE_ONCE(lp->guest_time, lp->guest_time + ticks);
		store_release(&lp->guest_since, 0);
		take_back_offer(vp);
		apic_assist_collect(vp);
		vp_handle_exit(lp, vp);
	}
	vcpu_sync(lp, &vp->vcpu);
	lp->current = previous;
	return stop;
}
