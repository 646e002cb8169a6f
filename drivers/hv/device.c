// SPDX-License-Identifier: GPL-2.0-only
/*
 * /dev/mshv, and the module.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include <tlfs/partition.h>
#include <tlfs/system.h>
#include <uapi/linux/mshv.h>

#include "debugfs.h"
#include "device.h"
#include "hvcall.h"
#include "hvcalls.h"
#include "intr.h"
#include "machine.h"
#include "mshv.h"
#include "partition.h"
#include "passthru.h"
#include "synic.h"

struct mshv_root mshv_root;

static u64 creation_flags(u64 pt_flags)
{
	/* What upstream calls its only kind of partition, with messages in a page */
	u64 flags = HV_PARTITION_CREATION_FLAG_EXO_PARTITION |
		    HV_PARTITION_CREATION_FLAG_INTERCEPT_MESSAGE_PAGE_ENABLED;

	if (pt_flags & BIT_ULL(MSHV_PT_BIT_LAPIC))
		flags |= HV_PARTITION_CREATION_FLAG_LAPIC_ENABLED;
	if (pt_flags & BIT_ULL(MSHV_PT_BIT_X2APIC))
		flags |= HV_PARTITION_CREATION_FLAG_X2APIC_CAPABLE;
	if (pt_flags & BIT_ULL(MSHV_PT_BIT_GPA_SUPER_PAGES))
		flags |= HV_PARTITION_CREATION_FLAG_GPA_SUPER_PAGES_ENABLED;
	if (pt_flags & BIT_ULL(MSHV_PT_BIT_NESTED_VIRTUALIZATION))
		flags |= HV_PARTITION_CREATION_FLAG_NESTED_VIRTUALIZATION_CAPABLE;
	if (pt_flags & BIT_ULL(MSHV_PT_BIT_SMT_ENABLED_GUEST))
		flags |= HV_PARTITION_CREATION_FLAG_SMT_ENABLED_GUEST;

	return flags;
}

static long ioctl_create_partition(struct mshv_create_partition_v2 __user *uarg)
{
	const size_t v1_size = sizeof(struct mshv_create_partition);
	struct hv_input_create_partition in = {
		.compatibility_version = HV_COMPATIBILITY_21_H2,
		.isolation_properties = HV_PARTITION_ISOLATION_TYPE_NONE,
	};
	struct mshv_create_partition_v2 args = {};

	if (copy_from_user(&args, uarg, v1_size))
		return -EFAULT;
	if ((args.pt_flags & ~(u64)MSHV_PT_FLAGS_MASK) ||
	    args.pt_isolation >= MSHV_PT_ISOLATION_COUNT) {
		pr_warn_ratelimited("CREATE_PARTITION: flags %#llx with isolation %llu are not offered\n",
				    args.pt_flags, args.pt_isolation);
		return -EINVAL;
	}
	in.flags = creation_flags(args.pt_flags);

	/* Without the rest, no feature is taken from the guest. */
	if (args.pt_flags & BIT_ULL(MSHV_PT_BIT_CPU_AND_XSAVE_FEATURES)) {
		if (copy_from_user((void *)&args + v1_size, (void __user *)uarg + v1_size,
				   sizeof(args) - v1_size))
			return -EFAULT;
		if (args.pt_num_cpu_fbanks != MSHV_NUM_CPU_FEATURES_BANKS ||
		    memchr_inv(args.pt_rsvd, 0, sizeof(args.pt_rsvd)) ||
		    memchr_inv(args.pt_rsvd1, 0, sizeof(args.pt_rsvd1))) {
			pr_warn_ratelimited("CREATE_PARTITION: %u banks of processor features, only %u and nothing reserved are offered\n",
					    args.pt_num_cpu_fbanks, MSHV_NUM_CPU_FEATURES_BANKS);
			return -EINVAL;
		}
		memcpy(in.disabled_processor_features, args.pt_cpu_fbanks,
		       sizeof(args.pt_cpu_fbanks));
		in.disabled_xsave_features = args.pt_disabled_xsave;
	}

	return mshv_partition_create(&in);
}

long mshv_ioctl_unknown(const char *file, unsigned int cmd)
{
	/* Others are no questions to us: isatty(), for one. */
	if (_IOC_TYPE(cmd) == MSHV_IOCTL)
		pr_warn_ratelimited("%s: unknown ioctl %#x\n", file, cmd);

	return -ENOTTY;
}

static long device_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	void __user *uarg = (void __user *)arg;

	switch (cmd) {
	case MSHV_CREATE_PARTITION:
		return ioctl_create_partition(uarg);
	case MSHV_ROOT_HVCALL:
		return mshv_ioctl_root_hvcall(NULL, MSHV_PASSTHRU_DEVICE, uarg);
	default:
		return mshv_ioctl_unknown("/dev/mshv", cmd);
	}
}

static int device_open(struct inode *inode, struct file *file)
{
	return 0;
}

static const struct file_operations device_fops = {
	.owner = THIS_MODULE,
	.open = device_open,
	.unlocked_ioctl = device_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.llseek = noop_llseek,
};

static struct miscdevice mshv_miscdev = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "mshv",
	.fops = &device_fops,
	.mode = 0600,
};

static const char *scheduler_name(u64 scheduler)
{
	switch (scheduler) {
	case HV_SCHEDULER_TYPE_LP:
		return "classic scheduler";
	case HV_SCHEDULER_TYPE_LP_SMT:
		return "classic scheduler with SMT";
	case HV_SCHEDULER_TYPE_CORE_SMT:
		return "core scheduler";
	case HV_SCHEDULER_TYPE_ROOT:
		return "root scheduler";
	default:
		return NULL;
	}
}

/* Learn what the hypervisor is and can do. */
static int hypervisor_query(void)
{
	struct hv_partition_property_vmm_capabilities caps = {};
	u64 scheduler;
	int ret;

	ret = mshv_hvcall_get_system_property(HV_SYSTEM_PROPERTY_SCHEDULER_TYPE, &scheduler);
	if (ret) {
		pr_err("the hypervisor does not tell its scheduler: %d\n", ret);
		return ret;
	}
	if (!scheduler_name(scheduler)) {
		pr_err("the hypervisor has an unknown scheduler, %llu\n", scheduler);
		return -EOPNOTSUPP;
	}
	mshv_root.scheduler = scheduler;

	/* Older hypervisors have none. */
	if (!mshv_hvcall_get_partition_property_ex(HV_PARTITION_ID_SELF,
						   HV_PARTITION_PROPERTY_VMM_CAPABILITIES,
						   &caps, sizeof(caps)) && caps.bank_count)
		mshv_root.vmm_caps = caps.bank0;

	return 0;
}

/* The last to make hypercalls. Whoever comes after this module knows of none of it. */
static void root_pool_exit(void)
{
	/* Root's own objects may still need some of what they were given. */
	mshv_pool_withdraw(&mshv_root_pool, mshv_pool_balance(&mshv_root_pool));
	mshv_hvcall_exit();
}

int mshv_device_init(void)
{
	int ret;

	ret = mshv_platform_probe(&mshv_root.platform);
	if (ret)
		return ret;
	mshv_pool_open();
	mshv_pool_init(&mshv_root_pool, mshv_root.platform.partition_id);

	ret = mshv_hvcall_init();
	if (ret)
		return ret;
	ret = hypervisor_query();
	if (ret)
		goto err_hvcall;
	ret = mshv_irqfd_module_init();
	if (ret)
		goto err_hvcall;
	ret = mshv_synic_init();
	if (ret)
		goto err_irqfd;
	mshv_debugfs_init();
	ret = mshv_machine_init();
	if (ret)
		goto err_machine;
	ret = misc_register(&mshv_miscdev);
	if (ret)
		goto err_machine;

	pr_info("hypervisor %u.%u.%u, %s\n", mshv_root.platform.major, mshv_root.platform.minor,
		mshv_root.platform.build, scheduler_name(mshv_root.scheduler));

	return 0;

err_machine:
	mshv_machine_exit();
	mshv_debugfs_exit();
err_irqfd:
	mshv_irqfd_module_exit();
err_hvcall:
	root_pool_exit();
	return ret;
}

void mshv_device_exit(void)
{
	misc_deregister(&mshv_miscdev);
	mshv_machine_exit();
	mshv_debugfs_exit();
	mshv_irqfd_module_exit();
	root_pool_exit();
}

module_init(mshv_device_init);
module_exit(mshv_device_exit);

MODULE_DESCRIPTION("/dev/mshv: virtual machines on the Microsoft hypervisor's root partition");
MODULE_LICENSE("GPL");
MODULE_VERSION(MSHV_VERSION);
