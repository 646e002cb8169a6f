// SPDX-License-Identifier: GPL-2.0-only
/*
 * Messages of the hypervisor to root. What they name is looked up, and is allowed
 * not to be there any more.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/bitops.h>
#include <linux/minmax.h>
#include <linux/printk.h>
#include <linux/rcupdate.h>

#include <tlfs/message.h>
#include <tlfs/synic.h>

#include "async.h"
#include "hvcalls.h"
#include "intr.h"
#include "partition.h"
#include "synic.h"
#include "vp.h"

static void kick(u64 partition_id, u32 vp_index)
{
	struct mshv_partition *partition = mshv_partition_find(partition_id);
	struct mshv_vp *vp = partition ? mshv_partition_vp(partition, vp_index) : NULL;

	if (vp)
		mshv_vp_kick(vp);
	else
		pr_debug_ratelimited("signal for VP %u of partition %llu, which is not there\n",
				     vp_index, partition_id);
}

static void handle_signal_pair(const struct hv_vp_signal_pair_scheduler_message *pair)
{
	unsigned int nr = READ_ONCE(pair->vp_count);
	unsigned int i;

	if (nr > HV_VP_SIGNAL_PAIR_MAX) {
		pr_err_ratelimited("scheduler message with %u signals\n", nr);
		return;
	}
	for (i = 0; i < nr; i++)
		kick(pair->partition_ids[i], pair->vp_indexes[i]);
}

static void handle_signal_bitset(const struct hv_vp_signal_bitset_scheduler_message *set)
{
	unsigned long mask = READ_ONCE(set->valid_bank_mask);
	unsigned int contents = 0;
	unsigned int bank;
	unsigned int bit;

	if (set->format != HV_GENERIC_SET_SPARSE_4K ||
	    hweight64(mask) > HV_VP_SIGNAL_BITSET_BANKS) {
		pr_err_ratelimited("scheduler message with banks %#lx in format %llu\n", mask,
				   set->format);
		return;
	}
	/* Only the banks that are in the mask are there. */
	for_each_set_bit(bank, &mask, BITS_PER_LONG) {
		unsigned long bits = READ_ONCE(set->bank_contents[contents++]);

		for_each_set_bit(bit, &bits, BITS_PER_LONG)
			kick(set->partition_id, bank * BITS_PER_LONG + bit);
	}
}

static void handle_async(const struct hv_async_completion_message_payload *completion)
{
	struct mshv_partition *partition = mshv_partition_find(completion->partition_id);

	if (partition)
		mshv_async_complete(partition, completion->status);
}

static void handle_eoi(u64 partition_id, const struct hv_x64_apic_eoi_message *eoi)
{
	struct mshv_partition *partition = mshv_partition_find(partition_id);

	if (partition)
		mshv_irqfd_eoi(partition, eoi->interrupt_vector);
}

bool mshv_message_handle(const struct hv_message *message)
{
	const struct hv_notification_message_payload *notification = (void *)message->u.payload;
	const void *payload = message->u.payload;
	u32 type = READ_ONCE(message->header.message_type);
	bool doorbells = false;

	rcu_read_lock();
	switch (type) {
	case HVMSG_SYNIC_SINT_INTERCEPT:
		doorbells = notification->sint_index == HV_SYNIC_DOORBELL_SINT_INDEX;
		break;
	case HVMSG_SCHEDULER_VP_SIGNAL_PAIR:
		handle_signal_pair(payload);
		break;
	case HVMSG_SCHEDULER_VP_SIGNAL_BITSET:
		handle_signal_bitset(payload);
		break;
	case HVMSG_ASYNC_CALL_COMPLETION:
		handle_async(payload);
		break;
	case HVMSG_OPAQUE_INTERCEPT:
		kick(message->header.sender,
		     ((const struct hv_opaque_intercept_message *)payload)->vp_index);
		break;
	case HVMSG_X64_APIC_EOI:
		handle_eoi(message->header.sender, payload);
		break;
	default:
		pr_warn_ratelimited("message of type %#x is not for this driver\n", type);
	}
	rcu_read_unlock();

	return doorbells;
}
