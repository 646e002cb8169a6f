// SPDX-License-Identifier: GPL-2.0-only
/*
 * A scheduler of openhv's own: root's VPs and children's share the LPs, each
 * getting the same time. Whoever was served least runs next; a VP that slept
 * is not owed more than a slice for it. A root VP stays on its LP; a child's
 * goes where there is room, and an LP with nothing to do takes from others.
 *
 * Lock order: one queue's lock at a time. The entity of a VP belongs to the
 * queue it is in, or to the LP that runs it.
 */
#include <asm/cpu.h>
#include <asm/x86.h>
#include <openhv/atomic.h>
#include <openhv/log.h>
#include <openhv/partition.h>
#include <openhv/run.h>
#include <openhv/sched.h>
#include <openhv/stats.h>
#include <tlfs/system.h>

/* How long a VP runs while others wait, and how much later than another one may come */
#define SLICE_HZ	300
#define GRANULARITY_HZ	2000

static u64 slice_ticks(void)
{
	return tsc_hz / SLICE_HZ;
}

/* The VP may be put into a queue: it is in none, and no LP runs it. */
static void enqueue(struct lp *lp, struct vp *vp)
{
	struct sched_queue *q = &lp->queue;
	struct sched_entity *se = &vp->sched, *pos;
	bool preempt;

	spin_lock(&q->lock);
	/* From another queue the time does not mean the same; and sleep is not saved up. */
	if ((s64)(se->vruntime - (q->min_vruntime - slice_ticks())) < 0 || se->lp != lp)
		se->vruntime = q->min_vruntime - slice_ticks();
	se->lp = lp;
	se->queued = true;
	list_for_each_entry(pos, &q->waiting, node) {
		if ((s64)(se->vruntime - pos->vruntime) < 0)
			break;
	}
	list_add_tail(&se->node, &pos->node);
	WRITE_ONCE(q->count, q->count + 1);
	/* Counted first, then the look whether the LP sleeps: idle() does the reverse */
	smp_mb();
	preempt = READ_ONCE(lp->idle) ||
		  (s64)(q->current_vruntime - se->vruntime) > (s64)(tsc_hz / GRANULARITY_HZ);
	spin_unlock(&q->lock);
	if (preempt)
		WRITE_ONCE(lp->need_resched, true);
	if (preempt && lp != lp_self())
		lp_kick(lp);
}

/* The next VP, referenced; the queue's lock is held. */
static struct vp *dequeue(struct sched_queue *q, bool child)
{
	struct sched_entity *se, *next;
	struct vp *vp;

	list_for_each_entry_safe(se, next, &q->waiting, node) {
		vp = container_of(se, struct vp, sched);
		if (child && partition_is_root(vp->partition))
			continue;
		list_del(&se->node);
		se->queued = false;
		q->count--;
		/* One that is being deleted is left alone: nobody refers to it any more. */
		if (vp_get(vp->partition, vp->index) == vp)
			return vp;
	}
	return NULL;
}

/* Where a child's VP should wait: where it was, or where it can run at once */
static struct lp *choose_lp(const struct vp *vp)
{
	struct lp *best = vp->sched.lp ? vp->sched.lp : lp_self();
	u32 load = READ_ONCE(best->queue.count) + !READ_ONCE(best->idle), i;

	if (!load)
		return best;
	for (i = 0; i < lp_count; i++) {
		u32 n = READ_ONCE(lps[i]->queue.count) + !READ_ONCE(lps[i]->idle);

		if (lps[i]->added && n < load) {
			best = lps[i];
			load = n;
		}
	}
	return best;
}

static void wake(struct vp *vp)
{
	/* Only one of those who wake it, and not while an LP still has it. */
	if (partition_is_root(vp->partition))
		enqueue(lps[vp->index], vp);
	else
		enqueue(choose_lp(vp), vp);
}

static void resume(struct vp *vp)
{
	if (vp->explicit_suspend || vp->intercept_suspend || vp->dispatch_suspend)
		return;
	if (atomic_xchg(&vp->blocked, 0))
		wake(vp);
}

static void forget(struct vp *vp)
{
	struct lp *lp;

	notify_forget(vp);
	while ((lp = READ_ONCE(vp->sched.lp)) != NULL) {
		spin_lock(&lp->queue.lock);
		if (READ_ONCE(vp->sched.lp) == lp) {
			if (vp->sched.queued) {
				list_del(&vp->sched.node);
				vp->sched.queued = false;
				lp->queue.count--;
			}
			spin_unlock(&lp->queue.lock);
			return;
		}
		spin_unlock(&lp->queue.lock);
	}
}

/* One message a VP: it waits with an intercept */
static void compose(struct lp *lp, struct hv_message *msg)
{
	struct hv_opaque_intercept_message *m = (void *)msg->u.payload;
	struct vp *vp = notify_take(lp);

	msg->header.message_type = HVMSG_OPAQUE_INTERCEPT;
	msg->header.payload_size = sizeof(*m);
	msg->header.sender = vp->partition->id;
	m->vp_index = vp->index;
}

static struct vp *steal(struct lp *lp)
{
	struct vp *vp = NULL;
	u32 i;

	for (i = 1; i < lp_count && !vp; i++) {
		struct lp *other = lps[(lp->index + i) % lp_count];

		if (!READ_ONCE(other->queue.count))
			continue;
		spin_lock(&other->queue.lock);
		vp = dequeue(&other->queue, true);
		if (vp) {
			vp->sched.lp = lp;
			vp->sched.vruntime = lp->queue.min_vruntime;
		}
		spin_unlock(&other->queue.lock);
	}
	return vp;
}

static struct vp *pick(struct lp *lp)
{
	struct sched_queue *q = &lp->queue;
	struct vp *vp;

	spin_lock(&q->lock);
	vp = dequeue(q, false);
	spin_unlock(&q->lock);
	if (!vp)
		vp = steal(lp);
	return vp;
}

static void slice_over(struct htimer *t)
{
	struct lp *lp = container_of(t, struct lp, slice_timer);

	if (READ_ONCE(lp->queue.count))
		WRITE_ONCE(lp->need_resched, true);
	else
		htimer_arm(t, rdtsc() + slice_ticks());
}

/*
 * A VP has stopped. It is complete, and root told, before it is let go of.
 * Whoever wakes it meanwhile puts it into a queue, where it waits for that.
 */
static void put(struct lp *lp, struct vp *vp, enum vp_stop stop)
{
	bool again = stop == VP_STOP_PREEMPTED;
	u32 blocked = VP_BLOCKED;

	if (!partition_is_root(vp->partition)) {
		stats_update_vp(vp);
		if (!again)
			regpage_fill(vp);
	}
	if (stop == VP_STOP_BLOCKED) {
		atomic_xchg(&vp->blocked, VP_BLOCKED);
		/* What came before that did not wake it. */
		again = vp_can_continue(vp) && atomic_cmpxchg(&vp->blocked, &blocked, 0);
	} else if (!again) {
		atomic_xchg(&vp->blocked, VP_SUSPENDED);
		if (stop == VP_STOP_INTERCEPT)
			notify_root(vp);
	}
	store_release(&vp->running, 0);
	if (again)
		enqueue(lp, vp);
}

/* Returns: false if the VP is being deleted */
static bool take(struct vp *vp)
{
	for (;;) {
		u32 state = 0;

		if (atomic_cmpxchg(&vp->running, &state, VP_RUNNING))
			return true;
		if (state == VP_DELETED)
			return false;
		/* The LP that had it is just letting go of it. */
		cpu_relax();
	}
}

static void run_one(struct lp *lp, struct vp *vp)
{
	struct sched_queue *q = &lp->queue;
	u64 begin = rdtsc();
	enum vp_stop stop;

	if (!take(vp)) {
		vp_put(vp);
		return;
	}
	vp_begin(lp, vp);
	if (!partition_is_root(vp->partition))
		regpage_load(vp);
	spin_lock(&q->lock);
	if ((s64)(vp->sched.vruntime - q->min_vruntime) > 0)
		q->min_vruntime = vp->sched.vruntime;
	q->current_vruntime = vp->sched.vruntime;
	spin_unlock(&q->lock);
	lp->need_resched = false;
	lp->slice_timer.fn = slice_over;
	htimer_arm(&lp->slice_timer, begin + slice_ticks());
	vp->dispatches++;
	stop = vp_run(lp, vp);
	vp->sched.vruntime += rdtsc() - begin;
	put(lp, vp, stop);
	vp_put(vp);
}

/* Nothing to run: say so, look again, sleep. */
static void idle(struct lp *lp)
{
	htimer_cancel(&lp->slice_timer);
	WRITE_ONCE(lp->idle, true);
	/* Said first, then the look at the queue */
	smp_mb();
	if (!READ_ONCE(lp->queue.count) && !READ_ONCE(lp->need_resched))
		lp_sleep(lp);
	WRITE_ONCE(lp->idle, false);
	lp->need_resched = false;
	htimers_run(lp);
}

static void __noreturn run(struct lp *lp)
{
	/* Root's VP begins as one that runs: bring it to the state of one that waits. */
	store_release(&lp->root_vp->running, 0);
	lp->root_vp->sched.lp = lp;
	enqueue(lp, lp->root_vp);
	for (;;) {
		struct vp *vp = pick(lp);

		if (vp)
			run_one(lp, vp);
		else
			idle(lp);
	}
}

const struct sched_ops sched_core = {
	.type = HV_SCHEDULER_TYPE_CORE_SMT,
	.run = run,
	.wake = wake,
	.resume = resume,
	.forget = forget,
	.compose = compose,
};
