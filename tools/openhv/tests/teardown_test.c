// SPDX-License-Identifier: GPL-2.0-only
/*
 * Two LPs that take down the same VP or partition at once: core/vp.c,
 * core/partition.c.
 */
#include <openhv/atomic.h>
#include <tlfs/partition.h>
#include <tlfs/vp.h>
#include "test.h"

#include <pthread.h>
#include <sched.h>

/* What an LP other than the first calls, and what it was answered */
struct other_lp {
	u32 index;
	u64 code;
	u64 first;
	u64 second;
	hv_status_t status;
};

static void *call_on_other_lp(void *arg)
{
	struct other_lp *o = arg;

	host_lp = lps[o->index];
	o->status = hv_fast(o->code, o->first, o->second);
	return NULL;
}

/*
 * Both LPs have found the VP when one of them takes it: a reference of the
 * test's own holds that one back, so that the other comes upon what it has begun.
 */
TEST_ON_MACHINE(vp_is_deleted_by_one_lp_when_two_want_to)
{
	struct partition *p = child_new();
	struct vp *vp = child_vp(p, 0), *held;
	struct other_lp other = { .index = 1, .code = HVCALL_DELETE_VP, .first = p->id };
	pthread_t thread;

	held = vp_get(p, 0);
	ASSERT_EQ(0, pthread_create(&thread, NULL, call_on_other_lp, &other));
	while (READ_ONCE(vp->running) != VP_DELETED)
		sched_yield();
	EXPECT_EQ(HV_STATUS_INVALID_VP_INDEX, hv_fast(HVCALL_DELETE_VP, p->id, 0));
	EXPECT_EQ(1, READ_ONCE(p->vp_count));
	vp_put(held);
	pthread_join(thread, NULL);
	EXPECT_EQ(0, other.status);
	EXPECT_EQ(0, p->vp_count);
	/* The index can be used again. */
	child_vp(p, 0);
	child_gone(p);
}

/* An LP that runs a VP, which is resumed once after it was suspended */
static void *run_and_resume(void *arg)
{
	struct vp *vp = arg;
	u32 suspended = 0;

	host_lp = lps[2];
	while (suspended < 2) {
		if (READ_ONCE(vp->held)) {
			store_release(&vp->parked, 1);
			while (READ_ONCE(vp->held))
				sched_yield();
			store_release(&vp->parked, 0);
		}
		if (READ_ONCE(vp->explicit_suspend) && ++suspended < 2)
			WRITE_ONCE(vp->explicit_suspend, false);
		sched_yield();
	}
	store_release(&vp->running, 0);
	return NULL;
}

TEST_ON_MACHINE(vp_that_is_resumed_while_it_is_deleted_is_stopped_again)
{
	struct partition *p = child_new();
	struct vp *vp = child_vp(p, 0);
	pthread_t thread;

	vp->running = VP_RUNNING;
	ASSERT_EQ(0, pthread_create(&thread, NULL, run_and_resume, vp));
	EXPECT_EQ(0, hv_fast(HVCALL_DELETE_VP, p->id, 0));
	pthread_join(thread, NULL);
	child_gone(p);
}

TEST_ON_MACHINE(finalizing_waits_for_a_vp_that_another_lp_deletes)
{
	struct partition *p = child_new();
	struct vp *vp = child_vp(p, 3), *held;
	struct other_lp del = { .index = 1, .code = HVCALL_DELETE_VP, .first = p->id, .second = 3 };
	struct other_lp fin = { .index = 2, .code = HVCALL_FINALIZE_PARTITION, .first = p->id };
	pthread_t deleter, finalizer;
	u64 id = p->id;

	held = vp_get(p, 3);
	ASSERT_EQ(0, pthread_create(&deleter, NULL, call_on_other_lp, &del));
	while (READ_ONCE(vp->running) != VP_DELETED)
		sched_yield();
	ASSERT_EQ(0, pthread_create(&finalizer, NULL, call_on_other_lp, &fin));
	while (READ_ONCE(p->state) != PARTITION_FINALIZED)
		sched_yield();
	/* What is being finalized gets nothing more, and is finalized once. */
	EXPECT_EQ(HV_STATUS_INVALID_PARTITION_STATE, vp_create(p, 4));
	EXPECT_EQ(HV_STATUS_INVALID_PARTITION_STATE, hv_fast(HVCALL_FINALIZE_PARTITION, id, 0));
	EXPECT_EQ(HV_STATUS_OBJECT_IN_USE, hv_fast(HVCALL_DELETE_PARTITION, id, 0));
	EXPECT_NE(NULL, p->vps);
	vp_put(held);
	pthread_join(deleter, NULL);
	pthread_join(finalizer, NULL);
	EXPECT_EQ(0, del.status);
	EXPECT_EQ(0, fin.status);
	EXPECT_EQ(CHILD_POOL, withdraw(id));
	EXPECT_EQ(0, hv_fast(HVCALL_DELETE_PARTITION, id, 0));
}

struct depositor {
	u64 id;
	u64 pfn;
	u64 result;
};

static void *deposit_on_other_lp(void *arg)
{
	struct depositor *d = arg;

	host_lp = lps[1];
	d->result = hv_rep(HVCALL_DEPOSIT_MEMORY, 1, &d->id, sizeof(d->id), &d->pfn,
			   sizeof(d->pfn), NULL, 0);
	return NULL;
}

/*
 * One LP has found the partition and taken the page from root when the other finalizes
 * it: the lock is the test's own, so that the page is added after that.
 */
TEST_ON_MACHINE(page_deposited_while_its_partition_goes_is_roots_again)
{
	struct partition *p = child_new();
	struct depositor d = { .id = p->id, .pfn = ram_pages(1) };
	u64 total = pool_deposited_total();
	pthread_t thread;

	spin_lock(&p->lock);
	ASSERT_EQ(0, pthread_create(&thread, NULL, deposit_on_other_lp, &d));
	while (frame_type(d.pfn) != FRAME_POOL)
		sched_yield();
	p->state = PARTITION_FINALIZED;
	spin_unlock(&p->lock);
	pthread_join(thread, NULL);
	EXPECT_EQ(HV_STATUS_INVALID_PARTITION_STATE, hv_status(d.result));
	EXPECT_EQ(0, hv_completed(d.result));
	EXPECT_EQ(FRAME_ROOT, frame_type(d.pfn));
	EXPECT_EQ(total, pool_deposited_total());
	p->state = PARTITION_ACTIVE;
	child_gone(p);
}

TEST_HARNESS_MAIN
