// SPDX-License-Identifier: GPL-2.0-only
/*
 * The machine around the scripted hypervisor: it crashes, and starts other kernels.
 */
#include <linux/errno.h>
#include <linux/irqflags.h>
#include <linux/preempt.h>

#include "../compat.h"
#include "fake_hv.h"

static void (*crash_handler)(void);
static int (*kexec_guard)(void);
static unsigned int restarts;

void mshv_platform_set_crash_handler(void (*handler)(void))
{
	crash_handler = handler;
}

int mshv_platform_guard_kexec(int (*guard)(void))
{
	if (guard && fake_config.no_kexec_guard)
		return -EOPNOTSUPP;
	kexec_guard = guard;

	return 0;
}

void mshv_platform_restart(void)
{
	restarts++;
}

void fake_hv_crash(void)
{
	unsigned long flags;

	local_irq_save(flags);
	crash_handler();
	local_irq_restore(flags);
}

int fake_hv_kexec(void)
{
	int ret = 0;

	preempt_disable();
	if (kexec_guard)
		ret = kexec_guard();
	preempt_enable();

	return ret;
}

unsigned int fake_hv_restarts(void)
{
	return restarts;
}
