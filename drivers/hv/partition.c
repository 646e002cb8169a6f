// SPDX-License-Identifier: GPL-2.0-only
/*
 * Partitions: their files, their life.
 *
 * A partition lives as long as its own file or that of one of its VPs. The table
 * of partitions is what interrupt handlers find one by, under RCU; it is taken
 * out of there before anything that they use is freed.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/anon_inodes.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/hashtable.h>
#include <linux/nospec.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include <uapi/linux/mshv.h>

#include "access.h"
#include "debugfs.h"
#include "device.h"
#include "hvcalls.h"
#include "ioeventfd.h"
#include "partition.h"
#include "passthru.h"
#include "trace.h"
#include "vp.h"

#define TABLE_BITS	9

static DEFINE_HASHTABLE(partitions, TABLE_BITS);
static DEFINE_SPINLOCK(partitions_lock);

struct mshv_partition *mshv_partition_find(u64 id)
{
	struct mshv_partition *partition;

	hash_for_each_possible_rcu(partitions, partition, node, id)
		if (partition->id == id)
			return partition;

	return NULL;
}

void mshv_partition_each(void (*fn)(struct mshv_partition *partition))
{
	struct mshv_partition *partition;
	unsigned int bucket;

	rcu_read_lock();
	hash_for_each_rcu(partitions, bucket, partition, node)
		fn(partition);
	rcu_read_unlock();
}

struct mshv_vp *mshv_partition_vp(struct mshv_partition *partition, u32 vp_index)
{
	if (vp_index >= MSHV_MAX_VPS)
		return NULL;

	vp_index = array_index_nospec(vp_index, MSHV_MAX_VPS);

	return rcu_dereference_check(partition->vps[vp_index],
				     lockdep_is_held(&partition->mutex) ||
				     !refcount_read(&partition->refs));
}

/* Take back what the hypervisor was given for a partition, and delete it there. */
static bool partition_delete(struct mshv_partition *partition)
{
	u64 balance;
	int ret;

	mshv_pool_withdraw(&partition->pool, U64_MAX);
	ret = mshv_hvcall_delete_partition(partition->id);
	if (ret)
		pr_err("partition %llu cannot be deleted: %d\n", partition->id, ret);

	balance = mshv_pool_balance(&partition->pool);
	/* If it is still there, so may what it has in them be. */
	WARN_ONCE(!ret && balance, "partition %llu: %lld deposited pages did not come back\n",
		  partition->id, (s64)balance);

	return !ret;
}

static void partition_destroy(struct mshv_partition *partition)
{
	bool finalized = false;
	struct mshv_vp *vp;
	bool deleted;
	u32 i;

	trace_mshv_destroy_partition(partition->id);

	/* Signals still to come find their VP by the table: quiesce before leaving it. */
	for (i = 0; i < MSHV_MAX_VPS; i++) {
		vp = mshv_partition_vp(partition, i);
		if (vp)
			mshv_vp_quiesce(vp);
	}

	spin_lock(&partitions_lock);
	hash_del_rcu(&partition->node);
	spin_unlock(&partitions_lock);

	mshv_debugfs_remove_partition(partition);
	for (i = 0; i < MSHV_MAX_VPS; i++) {
		vp = mshv_partition_vp(partition, i);
		if (!vp)
			continue;
		RCU_INIT_POINTER(partition->vps[i], NULL);
		mshv_vp_destroy(vp);
	}

	if (partition->initialized)
		finalized = !mshv_hvcall_finalize_partition(partition->id);
	mshv_mem_detach(partition, finalized);
	deleted = partition_delete(partition);
	mshv_mem_release_stuck(partition, deleted);

	/* Interrupt handlers that found it may be reading it, and its routes. */
	mshv_routing_free(&partition->intr);
	kfree_rcu(partition, rcu);
}

void mshv_partition_put(struct mshv_partition *partition)
{
	if (refcount_dec_and_test(&partition->refs))
		partition_destroy(partition);
}

static int partition_release(struct inode *inode, struct file *file)
{
	struct mshv_partition *partition = file->private_data;

	trace_mshv_partition_release(partition->id);
	mshv_irqfd_release(partition);
	mshv_ioeventfd_release(partition);
	mshv_partition_put(partition);

	return 0;
}

static long partition_initialize(struct mshv_partition *partition)
{
	int ret;

	/* As often as one likes, like the kernel's own driver */
	if (partition->initialized)
		return 0;

	ret = mshv_hvcall_initialize_partition(&partition->pool);
	if (ret)
		return ret;
	partition->initialized = true;
	mshv_debugfs_add_partition(partition);

	return 0;
}

static long partition_create_vp(struct mshv_partition *partition,
				struct mshv_create_vp __user *uarg)
{
	struct mshv_create_vp args;

	if (copy_from_user(&args, uarg, sizeof(args)))
		return -EFAULT;

	return mshv_vp_create(partition, args.vp_index);
}

static long partition_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct mshv_partition *partition = file->private_data;
	void __user *uarg = (void __user *)arg;
	long ret;

	if (mutex_lock_killable(&partition->mutex))
		return -EINTR;

	switch (cmd) {
	case MSHV_INITIALIZE_PARTITION:
		ret = partition_initialize(partition);
		break;
	case MSHV_CREATE_VP:
		ret = partition_create_vp(partition, uarg);
		break;
	case MSHV_SET_GUEST_MEMORY:
		ret = mshv_ioctl_set_guest_memory(partition, uarg);
		break;
	case MSHV_IRQFD:
		ret = mshv_ioctl_irqfd(partition, uarg);
		break;
	case MSHV_IOEVENTFD:
		ret = mshv_ioctl_ioeventfd(partition, uarg);
		break;
	case MSHV_SET_MSI_ROUTING:
		ret = mshv_ioctl_set_msi_routing(partition, uarg);
		break;
	case MSHV_GET_GPAP_ACCESS_BITMAP:
		ret = mshv_ioctl_get_gpap_access_bitmap(partition, uarg);
		break;
	case MSHV_ROOT_HVCALL:
		ret = mshv_ioctl_root_hvcall(partition, MSHV_PASSTHRU_PARTITION, uarg);
		break;
	default:
		ret = mshv_ioctl_unknown("partition", cmd);
	}
	mutex_unlock(&partition->mutex);

	return ret;
}

static const struct file_operations partition_fops = {
	.owner = THIS_MODULE,
	.release = partition_release,
	.unlocked_ioctl = partition_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.llseek = noop_llseek,
};

static struct mshv_partition *partition_alloc(u64 flags)
{
	struct mshv_partition *partition;

	partition = kzalloc(sizeof(*partition), GFP_KERNEL_ACCOUNT);
	if (!partition)
		return NULL;

	refcount_set(&partition->refs, 1);
	partition->flags = flags;
	mutex_init(&partition->mutex);
	mshv_mem_init(&partition->mem);
	mshv_irqfd_init(&partition->intr);
	INIT_LIST_HEAD(&partition->ioeventfds);
	init_completion(&partition->async.done);

	return partition;
}

int mshv_partition_create(const struct hv_input_create_partition *in)
{
	struct mshv_partition *partition;
	struct file *file;
	int ret;
	int fd;

	partition = partition_alloc(in->flags);
	if (!partition)
		return -ENOMEM;

	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0) {
		kfree(partition);
		return fd;
	}

	ret = mshv_hvcall_create_partition(in, &partition->id);
	if (ret) {
		kfree(partition);
		goto err_put_fd;
	}
	mshv_pool_init(&partition->pool, partition->id);

	spin_lock(&partitions_lock);
	hash_add_rcu(partitions, &partition->node, partition->id);
	spin_unlock(&partitions_lock);

	/* From here on, dropping the reference destroys it. */
	file = anon_inode_getfile("mshv_partition", &partition_fops, partition, O_RDWR);
	if (IS_ERR(file)) {
		ret = PTR_ERR(file);
		mshv_partition_put(partition);
		goto err_put_fd;
	}

	trace_mshv_create_partition(partition->id, fd);
	fd_install(fd, file);

	return fd;

err_put_fd:
	put_unused_fd(fd);
	return ret;
}
