// SPDX-License-Identifier: GPL-2.0-only
/*
 * Timers of an LP: a sorted list, and the physical timer set for its head.
 */
#include <asm/cpu.h>
#include <asm/x86.h>
#include <openhv/atomic.h>
#include <openhv/lp.h>

static void insert(struct lp *lp, struct htimer *t)
{
	struct htimer *pos;

	list_for_each_entry(pos, &lp->timers, node) {
		if ((s64)(t->deadline - pos->deadline) < 0)
			break;
	}
	list_add_tail(&t->node, &pos->node);
}

static void program(struct lp *lp)
{
	struct htimer *first;
	u8 vector;

	if (list_empty(&lp->timers)) {
		lp_program_timer(lp, 0, VECTOR_TIMER);
		return;
	}
	first = list_first_entry(&lp->timers, struct htimer, node);
	/* What root takes without an exit is the last that we hear of the physical timer. */
	vector = first->vector && first->node.next == &lp->timers ? first->vector : VECTOR_TIMER;
	lp_program_timer(lp, first->deadline, vector);
}

bool htimer_is_physical(const struct htimer *t)
{
	const struct lp *lp = t->lp;

	return t->vector && lp && lp->timer_vector == t->vector &&
	       lp->timer_programmed == t->deadline;
}

void htimer_cancel(struct htimer *t)
{
	for (;;) {
		struct lp *lp = load_acquire(&t->lp);
		struct lp *runner;

		if (lp) {
			spin_lock(&lp->timer_lock);
			if (t->lp == lp) {
				list_del(&t->node);
				t->lp = NULL;
				if (lp == lp_self())
					program(lp);
			}
			spin_unlock(&lp->timer_lock);
			continue;
		}
		runner = load_acquire(&t->runner);
		if (!runner || runner == lp_self())
			return;
		cpu_relax();
	}
}

void htimer_arm(struct htimer *t, u64 deadline)
{
	struct lp *lp = lp_self();

	/* One that is armed here only moves: the physical timer is set once. */
	if (load_acquire(&t->lp) != lp)
		htimer_cancel(t);
	spin_lock(&lp->timer_lock);
	if (t->lp == lp)
		list_del(&t->node);
	t->deadline = deadline ? deadline : 1;
	t->lp = lp;
	insert(lp, t);
	program(lp);
	spin_unlock(&lp->timer_lock);
}

void htimers_interrupt(struct lp *lp)
{
	lp->timer_due = false;
	/*
	 * With the shim it may be late, and the physical timer be root's by now: that one
	 * is not over, or has been raised. Taken for over it would be raised once more.
	 */
	if (lp->timer_vector == VECTOR_TIMER)
		lp->timer_programmed = 0;
}

void htimers_run(struct lp *lp)
{
	if (list_empty(&lp->timers))
		return;
	spin_lock(&lp->timer_lock);
	while (!list_empty(&lp->timers)) {
		struct htimer *t = list_first_entry(&lp->timers, struct htimer, node);

		if (htimer_is_physical(t) || (s64)(rdtsc() - t->deadline) < 0)
			break;
		list_del(&t->node);
		t->runner = lp;
		store_release(&t->lp, NULL);
		spin_unlock(&lp->timer_lock);
		t->fn(t);
		spin_lock(&lp->timer_lock);
		store_release(&t->runner, NULL);
	}
	program(lp);
	spin_unlock(&lp->timer_lock);
}
