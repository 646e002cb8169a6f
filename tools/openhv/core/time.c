// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reference time: the TSC, scaled to 10 MHz, plus a partition's offset.
 */
#include <asm/cpu.h>
#include <asm/x86.h>
#include <openhv/partition.h>
#include <openhv/string.h>
#include <openhv/time.h>

static u64 scale;		/* 100 ns a TSC tick, times 2^64 */

void time_init(void)
{
	scale = ((unsigned __int128)HV_REFERENCE_TIME_HZ << 64) / tsc_hz;
}

u64 tsc_to_100ns(u64 tsc)
{
	return (unsigned __int128)tsc * scale >> 64;
}

/* Rounded up, so that a deadline has passed when its time is compared again. */
u64 tsc_from_100ns(u64 t)
{
	return ((unsigned __int128)t * tsc_hz + HV_REFERENCE_TIME_HZ - 1) /
	       HV_REFERENCE_TIME_HZ + 1;
}

u64 hv_time(void)
{
	return tsc_to_100ns(rdtsc());
}

void partition_time_start(struct partition *p)
{
	p->time_frozen = false;
	p->time_offset = -hv_time();
}

u64 partition_time(struct partition *p)
{
	if (READ_ONCE(p->time_frozen))
		return p->time_offset;
	return hv_time() + p->time_offset;
}

u64 partition_tsc(const struct partition *p)
{
	return READ_ONCE(p->time_frozen) ? p->frozen_tsc : rdtsc();
}

u64 partition_time_to_tsc(struct partition *p, u64 time)
{
	if (p->time_frozen)
		return ~0UL;
	/* A time before the hypervisor's own beginning has passed. */
	if ((s64)(time - p->time_offset) <= 0)
		return 1;
	if (time - p->time_offset > ~0UL / 2)
		return ~0UL;
	return tsc_from_100ns(time - p->time_offset);
}

/* The partition's VPs have to look at their timers, and its TSC page is no longer right. */
static void time_changed(struct partition *p)
{
	u32 i;

	if (p->tsc_overlay.active)
		partition_tsc_page(p, p->tsc_overlay.page);
	if (!p->vps)
		return;
	for (i = 0; i < VP_MAX; i++) {
		struct vp *vp = vp_get(p, i);

		if (!vp)
			continue;
		vp_lock(vp);
		stimers_rearm(vp);
		vp_unlock(vp);
		vp_put(vp);
	}
}

void partition_set_time(struct partition *p, u64 time)
{
	p->time_offset = p->time_frozen ? time : time - hv_time();
	time_changed(p);
}

void partition_freeze_time(struct partition *p, bool freeze)
{
	u64 tsc = rdtsc(), now = partition_time(p);

	if (freeze == p->time_frozen)
		return;
	if (freeze) {
		p->time_offset = now;
		p->frozen_tsc = tsc;
		/* Frozen only after what it is frozen at */
		smp_wmb();
		WRITE_ONCE(p->time_frozen, true);
	} else {
		p->time_offset = now - hv_time();
		WRITE_ONCE(p->time_frozen, false);
	}
	time_changed(p);
}

void partition_tsc_page(struct partition *p, struct hv_reference_tsc_page *page)
{
	u32 sequence = page->sequence;
	struct vp *vp;
	u64 guest_offset = 0;

	/* All VPs of a partition have the same TSC; take the first one's offset. */
	vp = p->vps ? vp_get(p, 0) : NULL;
	if (vp) {
		guest_offset = vcpu_get_tsc_offset(&vp->vcpu);
		vp_put(vp);
	}
	WRITE_ONCE(page->sequence, HV_REFERENCE_TSC_SEQUENCE_INVALID);
	/* Invalid before anything changes */
	smp_wmb();
	page->scale = scale;
	if ((s64)guest_offset < 0)
		page->offset = p->time_offset + tsc_to_100ns(-guest_offset);
	else
		page->offset = p->time_offset - tsc_to_100ns(guest_offset);
	/* Valid again only after all of it */
	smp_wmb();
	if (p->time_frozen)
		return;
	sequence++;
	if (sequence == HV_REFERENCE_TSC_SEQUENCE_INVALID || sequence == 0xFFFFFFFF)
		sequence = 1;
	WRITE_ONCE(page->sequence, sequence);
}
