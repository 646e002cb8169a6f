// SPDX-License-Identifier: GPL-2.0-only
/*
 * Injection of interrupts into a partition.
 */
#include <linux/atomic.h>
#include <linux/minmax.h>
#include <linux/rcupdate.h>
#include <linux/string.h>
#include <linux/wait.h>

#include <tlfs/interrupt.h>
#include <tlfs/msr.h>

#include "hvcalls.h"
#include "intr.h"
#include "mshv.h"
#include "partition.h"
#include "vp.h"

/* Vectors below 16 are the processor's exceptions and can come from no device. */
static bool route_deliverable(const struct mshv_route *route)
{
	if (!route->valid)
		return false;
	if (route->type != HV_X64_INTERRUPT_TYPE_FIXED &&
	    route->type != HV_X64_INTERRUPT_TYPE_LOWESTPRIORITY)
		return true;

	return route->vector >= HV_SYNIC_FIRST_VALID_VECTOR;
}

/*
 * Leave a vector in the register page, for the hypervisor to find when it next
 * dispatches the VP. User space can write to that page, so the number of vectors
 * in it is not to be relied on.
 */
static bool post_vector(struct hv_vp_register_page *page, u8 vector)
{
	union hv_vp_register_page_interrupt_vectors old, new;
	u64 *word = &page->interrupt_vectors.as_uint64;

	old.as_uint64 = READ_ONCE(*word);
	do {
		if (old.vector_count >= HV_VP_REGISTER_PAGE_MAX_VECTORS)
			return false;
		if (memchr(old.vector, vector, old.vector_count))
			return true;
		new = old;
		new.vector[new.vector_count++] = vector;
	} while (!try_cmpxchg64(word, &old.as_uint64, new.as_uint64));

	return true;
}

/*
 * Take a vector back out of the register page. Returns false if it is not there:
 * the hypervisor has found it, or another injection of it took it, which then
 * makes the hypercall for both.
 */
static bool take_vector_back(struct hv_vp_register_page *page, u8 vector)
{
	union hv_vp_register_page_interrupt_vectors old, new;
	u64 *word = &page->interrupt_vectors.as_uint64;
	unsigned int n;
	u8 *at;

	old.as_uint64 = READ_ONCE(*word);
	do {
		n = min_t(unsigned int, old.vector_count, HV_VP_REGISTER_PAGE_MAX_VECTORS);
		at = memchr(old.vector, vector, n);
		if (!at)
			return false;
		new = old;
		new.vector[at - old.vector] = old.vector[n - 1];
		new.vector[n - 1] = 0;
		new.vector_count = n - 1;
	} while (!try_cmpxchg64(word, &old.as_uint64, new.as_uint64));

	return true;
}

/*
 * Without a hypercall, for an ordinary interrupt to one VP that this kernel
 * schedules. VPs are found by APIC ID, which is their index unless user space has
 * given them others.
 */
static bool inject_fast(struct mshv_partition *partition, const struct mshv_route *route)
{
	struct mshv_vp *vp;
	bool posted;

	if (!mshv_fast_interrupts() || route->logical || route->level ||
	    route->type != HV_X64_INTERRUPT_TYPE_FIXED ||
	    READ_ONCE(partition->intr.renumbered))
		return false;

	rcu_read_lock();
	vp = mshv_partition_vp(partition, route->dest);
	posted = vp && vp->register_page && post_vector(vp->register_page, route->vector);
	if (posted) {
		wake_up(&vp->run.queue);
		/*
		 * One that is in the hypervisor already may not look again: see dispatch().
		 * It gets the interrupt by one of both ways, not by both.
		 */
		if (READ_ONCE(vp->run.cpu) >= 0)
			posted = !take_vector_back(vp->register_page, route->vector);
	}
	rcu_read_unlock();

	return posted;
}

int mshv_intr_inject(struct mshv_partition *partition, const struct mshv_route *route)
{
	u64 control = route->type;

	if (!route_deliverable(route))
		return -EINVAL;

	if (inject_fast(partition, route))
		return 0;

	if (route->level)
		control |= HV_INTERRUPT_CONTROL_LEVEL_TRIGGERED;
	if (route->logical)
		control |= HV_INTERRUPT_CONTROL_LOGICAL_DEST;

	return mshv_hvcall_assert_virtual_interrupt(partition->id, control, route->dest,
						    route->vector);
}
