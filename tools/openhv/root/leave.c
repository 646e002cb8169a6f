// SPDX-License-Identifier: GPL-2.0-only
/*
 * The end of a root kernel, which is not that of the machine: another one is
 * started in its place (kexec), or looks at what is left of it (kdump). What
 * the old one made, the new one knows nothing of: it takes all of the memory
 * that the map calls RAM for its own, and its numbers for ports are the same.
 */
#include <asm/cpu.h>
#include <asm/x86.h>
#include <openhv/info_page.h>
#include <openhv/log.h>
#include <openhv/partition.h>
#include <openhv/ports.h>
#include <openhv/root.h>
#include <openhv/sched.h>
#include <openhv/stats.h>

/* So long it waits for hypercalls in which other processors of root's are. */
#define LEAVE_SECONDS	10

static u64 take_back(struct partition *p)
{
	u64 pages = 0, pfn;

	while (pool_withdraw(&p->pool, &pfn))
		pages++;
	return pages;
}

/*
 * One of root's other processors may be in a hypercall that finalizes or deletes the
 * same child, and its kernel have been stopped meanwhile. The hypercall still runs to
 * its end: openhv has nothing that breaks one off. What stops root's processor, an NMI
 * or an INIT, is a request to its VP, which is looked at before the VP is entered
 * again. That was the last thing the processor did for the child, though: nobody takes
 * back the pages that the hypercall freed, unless it is done here. So do it all again
 * until the slot is empty.
 *
 * The other processor does not wait for this one, which is not in guest mode and owns
 * no VP of the child's, so that it gets done. Time is limited all the same: the next
 * kernel had better start without some of its pages than not at all.
 */
static bool empty_slot(u32 slot, u64 deadline, u64 *pages)
{
	struct partition *p;
	u64 id;

	while (partition_slot_used(slot)) {
		p = partition_get_slot(slot);
		if (p) {
			id = p->id;
			partition_finalize(p);
			*pages += take_back(p);
			partition_put(p);
			if (partition_delete(id) == HV_STATUS_SUCCESS)
				return true;
		}
		if ((s64)(rdtsc() - deadline) >= 0)
			return false;
		cpu_relax();
	}
	return true;
}

/* Whether a processor of root's has seen that its kernel is gone, if it is one that runs */
static bool knows(const struct lp *lp)
{
	const struct vp *vp = lp->root_vp;

	if (lp == lp_self() || !READ_ONCE(lp->current) || READ_ONCE(vp->startup_suspend))
		return true;
	if (READ_ONCE(vp->requests) & VP_REQ_LEFT)
		return false;
	/* After the requests: it says so before it takes them. */
	smp_mb();
	return !load_acquire(&vp->serving);
}

/*
 * The code that they halted in is what the next kernel overwrites: vp_stay_halted() has to
 * have seen it. Where root shares its processors, HLT exits in any case.
 */
static void tell_processors(u64 deadline)
{
	u32 i;

	for (i = 0; i < lp_count; i++) {
		if (lps[i] != lp_self())
			vp_request(lps[i]->root_vp, VP_REQ_LEFT);
	}
	for (i = 0; i < lp_count && sched->dispatch; i++) {
		while (!knows(lps[i]) && (s64)(rdtsc() - deadline) < 0)
			cpu_relax();
	}
}

void root_leave(void)
{
	u64 deadline = rdtsc() + LEAVE_SECONDS * tsc_hz, pages = 0;
	u32 children = 0, i;

	for (i = PARTITION_ROOT_SLOT + 1; i < PARTITION_MAX; i++) {
		if (!partition_slot_used(i))
			continue;
		if (!empty_slot(i, deadline, &pages))
			log_warn("root's kernel leaves: a processor is still at work on partition slot %u, whose pages stay hidden",
				 i);
		children++;
	}
	ports_destroy(&root_partition);
	partition_trim_small(&root_partition);
	stats_drop_root();
	pages += take_back(&root_partition);
	info_page_update();
	/* Those that ran a child, or were in a hypercall, have come to their end by now. */
	tell_processors(deadline);

	/* Processors stay added, but the next kernel may not know it: see hvc_root.c. */
	for (i = 0; i < lp_count; i++)
		lps[i]->inherited = lps[i]->added;
	log_info("root's kernel leaves: %u partitions end, %llu pages go back to root", children,
		 pages);
}
