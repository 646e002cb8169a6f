// SPDX-License-Identifier: GPL-2.0-only
/*
 * Virtual processors: their files, the pages they share, their life.
 *
 * A VP is created and destroyed with its partition's own file open or closed; its
 * own file only holds a reference to the partition.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/anon_inodes.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "debugfs.h"
#include "device.h"
#include "hvcalls.h"
#include "mshv.h"
#include "partition.h"
#include "passthru.h"
#include "stats.h"
#include "trace.h"
#include "vp.h"

/* How long the hypervisor may take to deliver the last signal it sent for a VP */
#define DRAIN_TIMEOUT	(5 * HZ)

static long vp_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct mshv_vp *vp = file->private_data;
	void __user *uarg = (void __user *)arg;
	long ret;

	/* Whoever runs the VP holds its mutex. */
	if (cmd == MSHV_CANCEL_VP)
		return mshv_vp_ioctl_cancel(vp, arg);

	if (mutex_lock_killable(&vp->mutex))
		return -EINTR;

	switch (cmd) {
	case MSHV_RUN_VP:
		ret = mshv_vp_ioctl_run(vp, uarg);
		break;
	case MSHV_GET_VP_STATE:
		ret = mshv_vp_ioctl_state(vp, uarg, false);
		break;
	case MSHV_SET_VP_STATE:
		ret = mshv_vp_ioctl_state(vp, uarg, true);
		break;
	case MSHV_ROOT_HVCALL:
		ret = mshv_ioctl_root_hvcall(vp->partition, MSHV_PASSTHRU_VP, uarg);
		break;
	default:
		ret = mshv_ioctl_unknown("VP", cmd);
	}
	mutex_unlock(&vp->mutex);

	return ret;
}

/*
 * The page is the hypervisor's as soon as the VP is gone, so no reference to it
 * may outlive the mapping: it is mapped by number, which get_user_pages() refuses.
 */
static int vp_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct mshv_vp *vp = file->private_data;
	void *page = NULL;

	if (vma->vm_pgoff >= MSHV_VP_MMAP_OFFSET_COUNT || vma_pages(vma) != 1 ||
	    !(vma->vm_flags & VM_SHARED)) {
		pr_warn_ratelimited("VP: mapping %lu pages at %lu is not offered\n",
				    vma_pages(vma), vma->vm_pgoff);
		return -EINVAL;
	}

	if (vma->vm_pgoff == MSHV_VP_MMAP_OFFSET_REGISTERS)
		page = vp->register_page;
	else if (vma->vm_pgoff == MSHV_VP_MMAP_OFFSET_INTERCEPT_MESSAGE)
		page = vp->intercept_page;
	if (!page) {
		pr_warn_ratelimited("VP: there is no page %lu to map\n", vma->vm_pgoff);
		return -ENODEV;
	}

	return remap_pfn_range(vma, vma->vm_start, page_to_pfn(virt_to_page(page)), PAGE_SIZE,
			       vma->vm_page_prot);
}

static int vp_release(struct inode *inode, struct file *file)
{
	struct mshv_vp *vp = file->private_data;

	/* The VP itself is destroyed with its partition. */
	trace_mshv_vp_release(vp->partition->id, vp->index);
	mshv_partition_put(vp->partition);

	return 0;
}

static const struct file_operations vp_fops = {
	.owner = THIS_MODULE,
	.release = vp_release,
	.unlocked_ioctl = vp_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.mmap = vp_mmap,
	.llseek = noop_llseek,
};

static int vp_map_page(struct mshv_vp *vp, u16 type, void **page)
{
	u64 pfn;
	int ret;

	ret = mshv_hvcall_map_vp_state_page(&vp->partition->pool, vp->index, type, &pfn);
	if (ret)
		return ret;
	if (!pfn_valid(pfn)) {
		pr_err("partition %llu VP %u: page %#llx is no memory of this kernel's\n",
		       vp->partition->id, vp->index, pfn);
		mshv_hvcall_unmap_vp_state_page(vp->partition->id, vp->index, type);
		return -EIO;
	}
	*page = page_to_virt(pfn_to_page(pfn));

	return 0;
}

static void vp_unmap_pages(struct mshv_vp *vp)
{
	u64 id = vp->partition->id;

	mshv_stats_unmap_vp(vp);
	if (vp->register_page)
		mshv_hvcall_unmap_vp_state_page(id, vp->index, HV_VP_STATE_PAGE_REGISTERS);
	if (vp->intercept_page)
		mshv_hvcall_unmap_vp_state_page(id, vp->index, HV_VP_STATE_PAGE_INTERCEPT_MESSAGE);
}

static int vp_map_pages(struct mshv_vp *vp)
{
	int ret;

	ret = vp_map_page(vp, HV_VP_STATE_PAGE_INTERCEPT_MESSAGE, (void **)&vp->intercept_page);
	if (!ret) {
		ret = vp_map_page(vp, HV_VP_STATE_PAGE_REGISTERS, (void **)&vp->register_page);
		/*
		 * Older hypervisors have no such page. Whoever maps it is told so, and
		 * has the same registers by hypercalls.
		 */
		if (ret == -EINVAL || ret == -EOPNOTSUPP)
			ret = 0;
	}
	if (!ret)
		ret = mshv_stats_map_vp(vp);
	if (ret)
		vp_unmap_pages(vp);

	return ret;
}

/* What is not known is taken to be otherwise. */
static bool apic_id_is_index(const struct mshv_vp *vp)
{
	u64 id;

	return !mshv_hvcall_get_vp_register(vp->partition->id, vp->index,
					    HV_X64_REGISTER_INITIAL_APIC_ID, &id) &&
	       id == vp->index;
}

static struct mshv_vp *vp_alloc(struct mshv_partition *partition, u32 vp_index)
{
	struct mshv_vp *vp;

	vp = kzalloc(sizeof(*vp), GFP_KERNEL_ACCOUNT);
	if (!vp)
		return NULL;

	vp->partition = partition;
	vp->index = vp_index;
	mutex_init(&vp->mutex);
	if (mshv_vp_run_init(vp)) {
		kfree(vp);
		return NULL;
	}

	return vp;
}

static void vp_free(struct mshv_vp *vp)
{
	mshv_vp_run_exit(vp);
	kfree_rcu(vp, rcu);
}

int mshv_vp_create(struct mshv_partition *partition, u32 vp_index)
{
	struct mshv_vp *vp;
	struct file *file;
	int ret;
	int fd;

	lockdep_assert_held(&partition->mutex);

	if (vp_index >= MSHV_MAX_VPS) {
		pr_warn_ratelimited("CREATE_VP: there is no VP %u, only %u of them\n", vp_index,
				    MSHV_MAX_VPS);
		return -EINVAL;
	}
	if (mshv_partition_vp(partition, vp_index))
		return -EEXIST;

	vp = vp_alloc(partition, vp_index);
	if (!vp)
		return -ENOMEM;

	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0) {
		ret = fd;
		goto err_free;
	}
	ret = mshv_hvcall_create_vp(&partition->pool, vp_index);
	if (ret)
		goto err_put_fd;
	ret = vp_map_pages(vp);
	if (ret)
		goto err_delete;

	/* Only the fast way of interrupts asks. */
	if (mshv_fast_interrupts() && !apic_id_is_index(vp))
		mshv_intr_apic_ids_differ(partition);

	mshv_partition_get(partition);
	file = anon_inode_getfile("mshv_vp", &vp_fops, vp, O_RDWR);
	if (IS_ERR(file)) {
		ret = PTR_ERR(file);
		goto err_put_partition;
	}

	/* Interrupt handlers must find it before user space can run it. */
	rcu_assign_pointer(partition->vps[vp_index], vp);
	mshv_debugfs_add_vp(vp);
	trace_mshv_create_vp(partition->id, vp_index, fd);
	fd_install(fd, file);

	return fd;

err_put_partition:
	/* Not the last one: the caller came by the partition's file. */
	mshv_partition_put(partition);
	vp_unmap_pages(vp);
err_delete:
	mshv_hvcall_delete_vp(partition->id, vp_index);
err_put_fd:
	put_unused_fd(fd);
err_free:
	vp_free(vp);
	return ret;
}

static int vp_disable_dispatch(struct mshv_vp *vp)
{
	const struct hv_register_assoc suspend = {
		.name = HV_REGISTER_DISPATCH_SUSPEND,
		.value.reg64 = HV_SUSPEND_SUSPENDED,
	};
	int ret;

	ret = mshv_hvcall_set_vp_registers(vp->partition->id, vp->index, &suspend, 1);
	trace_mshv_disable_vp_dispatch(vp->partition->id, vp->index, ret);

	return ret;
}

/*
 * The hypervisor counts the signals that it sends, and we count those that come.
 */
static void vp_drain_signals(struct mshv_vp *vp)
{
	u64 sent;

	trace_mshv_drain_vp_signals(vp->partition->id, vp->index);
	if (mshv_hvcall_get_vp_register(vp->partition->id, vp->index,
					HV_REGISTER_VP_ROOT_SIGNAL_COUNT, &sent))
		return;
	if (!wait_event_timeout(vp->run.queue, atomic64_read(&vp->run.signals) >= sent,
				DRAIN_TIMEOUT))
		pr_err("partition %llu VP %u: %llu signals sent, %llu came\n", vp->partition->id,
		       vp->index, sent, (u64)atomic64_read(&vp->run.signals));
}

void mshv_vp_quiesce(struct mshv_vp *vp)
{
	bool message;

	if (!mshv_root_scheduler()) {
		if (vp->run.resumed)
			mshv_vp_suspend_hv(vp, &message);
		return;
	}
	if (!vp_disable_dispatch(vp))
		vp_drain_signals(vp);
}

void mshv_vp_destroy(struct mshv_vp *vp)
{
	/* Finalizing the partition deletes its VPs. */
	vp_unmap_pages(vp);
	vp_free(vp);
}
