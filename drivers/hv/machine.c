// SPDX-License-Identifier: GPL-2.0-only
/*
 * The life of the machine.
 *
 * What the hypervisor was given is still its own when another kernel starts that
 * knows nothing of it: pages that fault when they are touched, and pages that
 * counters and messages are written to. A kexec is refused while a partition has any,
 * which is the one moment where it can be. A crash kernel has memory of its own, and
 * takes what it is told to look at for ordinary memory.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/atomic.h>
#include <linux/errno.h>
#include <linux/mm_types.h>
#include <linux/notifier.h>
#include <linux/printk.h>
#include <linux/rcupdate.h>
#include <linux/reboot.h>
#include <linux/rwsem.h>
#include <linux/string.h>
#include <linux/suspend.h>

#include <tlfs/vp.h>

#include "compat.h"
#include "debugfs.h"
#include "hvcalls.h"
#include "machine.h"
#include "partition.h"
#include "pool.h"
#include "stats.h"
#include "synic.h"
#include "vp.h"

/* What other CPUs see in the place of a page that the hypervisor has taken back */
static u8 dead_page[PAGE_SIZE] __aligned(PAGE_SIZE);

/* The SynIC and all statistics pages are off already. */
static atomic_t quiet;
static atomic_t crashed;

static void forget_vp_stats(struct mshv_vp *vp)
{
	if (!vp->stats[HV_STATS_AREA_SELF])
		return;
	WRITE_ONCE(vp->stats[HV_STATS_AREA_SELF], (u64 *)dead_page);
	WRITE_ONCE(vp->stats[HV_STATS_AREA_PARENT], (u64 *)dead_page);
}

static void each_vp(struct mshv_partition *partition, void (*fn)(struct mshv_vp *vp))
{
	struct mshv_vp *vp;
	u32 i;

	for (i = 0; i < MSHV_MAX_VPS; i++) {
		vp = mshv_partition_vp(partition, i);
		if (vp)
			fn(vp);
	}
}

static void forget_stats(struct mshv_partition *partition)
{
	each_vp(partition, forget_vp_stats);
}

/* One that has come meanwhile may be using them. */
static void unmap_vp_stats(struct mshv_vp *vp)
{
	if (vp->stats[HV_STATS_AREA_SELF] == (u64 *)dead_page)
		mshv_stats_unmap_vp_pages(vp);
}

static void unmap_stats(struct mshv_partition *partition)
{
	mshv_debugfs_unmap_partition(partition);
	each_vp(partition, unmap_vp_stats);
}

/*
 * What counters are written to, of partitions too that are still there at a reboot: VMs
 * may still be running. Their register and message pages stay mapped. User space has
 * them mapped as well, and may touch them for as long as it runs, which must not be a
 * page that root has none of any more.
 */
static void unmap_all_stats(void)
{
	down_write(&mshv_stats_unmap_sem);
	mshv_debugfs_unmap();
	mshv_partition_each(forget_stats);
	/* Whoever runs a VP looks at the other page from here on. */
	synchronize_rcu();
	mshv_partition_each(unmap_stats);
	up_write(&mshv_stats_unmap_sem);
}

static void quieten(void)
{
	if (atomic_xchg(&quiet, 1))
		return;
	unmap_all_stats();
	mshv_synic_exit();
}

/* Asked before anything is shut down. Root's own pages are seen to when that begins. */
static int guard_kexec(void)
{
	/* Two numbers that change one after the other: root's own may seem to be too many. */
	s64 pages = mshv_pool_total() - mshv_pool_balance(&mshv_root_pool);

	if (pages <= 0)
		return 0;
	pr_err("kexec refused: the hypervisor holds %lld pages of partitions; end their virtual machines first\n",
	       pages);

	return -EBUSY;
}

void mshv_machine_going_down(bool kexec)
{
	u64 pages;

	/* What is deposited from here on would not be looked for. */
	mshv_pool_close();
	quieten();
	if (!kexec)
		return;

	mshv_pool_withdraw(&mshv_root_pool, mshv_pool_balance(&mshv_root_pool));
	pages = mshv_pool_total();
	if (!pages)
		return;
	pr_emerg("the hypervisor holds %llu pages that it does not give back; the machine is reset in the place of the kexec\n",
		 pages);
	mshv_platform_restart();
}

static int reboot_notify(struct notifier_block *nb, unsigned long event, void *command)
{
	/* There is no other way to tell that modules could use. */
	mshv_machine_going_down(command && !strcmp(command, "kexec reboot"));

	return NOTIFY_DONE;
}

static struct notifier_block reboot_notifier = { .notifier_call = reboot_notify };

int mshv_machine_pm(unsigned long action)
{
	switch (action) {
	case PM_SUSPEND_PREPARE:
	case PM_HIBERNATION_PREPARE:
	case PM_RESTORE_PREPARE:
		pr_err("suspend refused: the hypervisor under this kernel would not come back\n");
		return notifier_from_errno(-EBUSY);
	default:
		return NOTIFY_DONE;
	}
}

static int pm_notify(struct notifier_block *nb, unsigned long action, void *data)
{
	return mshv_machine_pm(action);
}

static struct notifier_block pm_notifier = { .notifier_call = pm_notify };

/* The threads that run it may be doing so, on other CPUs, for some time yet. */
static void crash_vp(struct mshv_vp *vp)
{
	u64 id = vp->partition->id;

	forget_vp_stats(vp);
	WRITE_ONCE(vp->register_page, (void *)dead_page);
	WRITE_ONCE(vp->intercept_page, (void *)dead_page);

	mshv_stats_unmap_vp_pages(vp);
	mshv_hvcall_unmap_vp_state_page(id, vp->index, HV_VP_STATE_PAGE_REGISTERS);
	mshv_hvcall_unmap_vp_state_page(id, vp->index, HV_VP_STATE_PAGE_INTERCEPT_MESSAGE);
}

static void crash_partition(struct mshv_partition *partition)
{
	mshv_debugfs_unmap_partition(partition);
	each_vp(partition, crash_vp);
}

/*
 * In any context, on top of anything, with any lock held: no locks, no sleep, no
 * memory. The SynICs of other CPUs stay as they are; their pages are none that the
 * crash kernel runs in.
 */
static void crash(void)
{
	if (atomic_xchg(&crashed, 1))
		return;
	mshv_synic_crash();
	mshv_debugfs_unmap();
	mshv_partition_each(crash_partition);
}

int mshv_machine_init(void)
{
	int ret;

	atomic_set(&quiet, 0);
	atomic_set(&crashed, 0);
	mshv_platform_set_crash_handler(crash);
	if (mshv_platform_guard_kexec(guard_kexec))
		pr_notice("this kernel lets no kexec be refused; it will be a reset while a partition has memory\n");
	ret = register_pm_notifier(&pm_notifier);

	return ret ?: register_reboot_notifier(&reboot_notifier);
}

void mshv_machine_exit(void)
{
	unregister_reboot_notifier(&reboot_notifier);
	unregister_pm_notifier(&pm_notifier);
	mshv_platform_guard_kexec(NULL);
	mshv_platform_set_crash_handler(NULL);
	quieten();
}
