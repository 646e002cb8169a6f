// SPDX-License-Identifier: GPL-2.0-only
/*
 * The scheduler of openhv's own: core/sched_core.c, core/sched.c.
 */
#include <openhv/run.h>
#include <openhv/sched.h>
#include <tlfs/message.h>
#include <tlfs/msr.h>
#include <tlfs/state.h>
#include "test.h"

#include <setjmp.h>

static jmp_buf out;
static struct partition *p;
static struct vp *vp[2];
static u32 entered[3], limit;

/* Children run for a while, root halts as soon as it runs. */
static void guest(struct lp *lp, struct vcpu *v)
{
	(void)lp;
	host_pass_time(1000);
	v->exit = (struct vcpu_exit){ .reason = VCPU_EXIT_INTERRUPT };
	if (v == &vp[0]->vcpu)
		entered[0]++;
	else if (vp[1] && v == &vp[1]->vcpu)
		entered[1]++;
	else
		entered[2]++;
	if (entered[0] + entered[1] + entered[2] >= limit)
		longjmp(out, 1);
}

static void nothing_left(struct lp *lp)
{
	(void)lp;
	if (lp->idle)
		longjmp(out, 2);
}

static void begin(u32 vps)
{
	u32 i;

	sched = &sched_core;
	p = child_new();
	for (i = 0; i < vps; i++) {
		vp[i] = child_vp(p, i);
		vp[i]->startup_suspend = false;
	}
	root_vp()->vcpu.rflags |= RFLAGS_IF;
}

/* Let this LP schedule until so many entries were made; 2: it went to sleep before */
static int schedule(u32 entries)
{
	int why = setjmp(out);

	if (why)
		return why;
	limit = entries;
	host_guest = guest;
	host_interrupts = nothing_left;
	sched->run(lp_self());
}

TEST_ON_MACHINE(vps_share_a_processor_evenly)
{
	u32 i, low = ~0U, high = 0;

	begin(2);
	EXPECT_EQ(1, schedule(3000));
	for (i = 0; i < 3; i++) {
		low = min(low, entered[i]);
		high = max(high, entered[i]);
	}
	/* Three of them: a slice of 3.3 ms is some 33 entries. */
	EXPECT_GE(1000U + 100, high);
	EXPECT_LE(1000U - 100, low);
}

TEST_ON_MACHINE(suspended_vp_does_not_run_until_it_is_resumed)
{
	struct vp *first;

	begin(2);
	first = vp[0];
	ASSERT_EQ(0, reg64_set(first, HV_REGISTER_EXPLICIT_SUSPEND, 1));
	EXPECT_EQ(1, schedule(500));
	EXPECT_EQ(0, entered[0]);
	EXPECT_EQ(VP_SUSPENDED, first->blocked);
	EXPECT_LE(100, entered[1]);
}

static void child_has_an_intercept(struct lp *lp, struct vcpu *v)
{
	(void)lp;
	if (v == &vp[0]->vcpu) {
		entered[0]++;
		v->exit = (struct vcpu_exit){ .reason = VCPU_EXIT_SHUTDOWN };
		return;
	}
	v->exit = (struct vcpu_exit){ .reason = VCPU_EXIT_RETRY };
	if (++entered[2] > 50)
		longjmp(out, 1);
	host_pass_time(10000);
	htimers_run(lp);
}

TEST_ON_MACHINE(intercept_is_told_to_root_by_a_message)
{
	struct hv_message *message, *slot;

	begin(1);
	message = state_page(vp[0], HV_VP_STATE_PAGE_INTERCEPT_MESSAGE);
	slot = root_sint0_on();
	if (!setjmp(out)) {
		host_guest = child_has_an_intercept;
		sched->run(lp_self());
	}
	EXPECT_EQ(1, entered[0]);
	EXPECT_EQ(HVMSG_UNRECOVERABLE_EXCEPTION, message->header.message_type);
	EXPECT_EQ(HVMSG_OPAQUE_INTERCEPT, slot->header.message_type);
	EXPECT_EQ(p->id, slot->header.sender);
	EXPECT_EQ(0, ((struct hv_opaque_intercept_message *)slot->u.payload)->vp_index);
	EXPECT_EQ(VP_SUSPENDED, vp[0]->blocked);
}

TEST_ON_MACHINE(idle_processor_takes_from_another)
{
	struct lp *other = lps[1];

	begin(1);
	other->added = true;
	/* It waits for another processor, which does not come to it. */
	notify_forget(vp[0]);
	if (vp[0]->sched.queued) {
		sched->forget(vp[0]);
		vp[0]->sched.lp = NULL;
	}
	host_lp = other;
	vp[0]->sched.lp = other;
	sched->wake(vp[0]);
	EXPECT_EQ(1, other->queue.count + lps[0]->queue.count);
	host_lp = lps[0];
	WRITE_ONCE(root_vp()->explicit_suspend, true);
	EXPECT_EQ(1, schedule(10));
	EXPECT_EQ(10, entered[0]);
	EXPECT_EQ(0, other->queue.count);
	EXPECT_EQ(lps[0], vp[0]->sched.lp);
}

TEST_ON_MACHINE(processor_without_work_sleeps)
{
	begin(0);
	WRITE_ONCE(root_vp()->explicit_suspend, true);
	vp[0] = root_vp();
	EXPECT_EQ(2, schedule(10));
	EXPECT_EQ(0, entered[0]);
}

TEST_ON_MACHINE(deleted_vp_leaves_its_queue)
{
	begin(2);
	EXPECT_TRUE(vp[0]->sched.queued);
	child_gone(p);
	EXPECT_EQ(0, lps[0]->queue.count);
	EXPECT_TRUE(list_empty(&lps[0]->queue.waiting));
}

TEST_HARNESS_MAIN
