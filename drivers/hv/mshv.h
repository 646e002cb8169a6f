/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What there is once: the hypervisor as this module found it.
 */
#ifndef MSHV_H
#define MSHV_H

#include <linux/types.h>

#include <tlfs/cpuid.h>
#include <tlfs/system.h>

#include "compat.h"

/* VPs in a partition; on x86 an interrupt's destination has 8 bits */
#define MSHV_MAX_VPS		256
/* Guest page numbers that a partition can have: 52 bits of address */
#define MSHV_MAX_GFN		(1ULL << (52 - 12))

/**
 * struct mshv_root - the hypervisor and this root partition
 * @platform: what the machine said of itself
 * @scheduler: who decides when a child's VP runs
 * @vmm_caps: HV_VMM_CAP_*
 *
 * Written at module load, constant after that.
 */
struct mshv_root {
	struct mshv_platform platform;
	enum hv_scheduler_type scheduler;
	u64 vmm_caps;
};

extern struct mshv_root mshv_root;

/**
 * mshv_root_scheduler() - whether this kernel schedules the children's VPs
 *
 * Return: true if VPs run inside HVCALL_DISPATCH_VP.
 */
static inline bool mshv_root_scheduler(void)
{
	return mshv_root.scheduler == HV_SCHEDULER_TYPE_ROOT;
}

/**
 * mshv_fast_interrupts() - whether a VP takes interrupts from its register page
 *
 * Return: true if the hypervisor looks there when it dispatches the VP.
 */
static inline bool mshv_fast_interrupts(void)
{
	return mshv_root_scheduler() &&
	       (mshv_root.platform.ext_features & HV_VP_DISPATCH_INTERRUPT_INJECTION_AVAILABLE);
}

#endif /* MSHV_H */
