// SPDX-License-Identifier: GPL-2.0-only
/*
 * Hypercalls that user space makes by itself. Those let through all begin with a
 * partition ID, and that is not user space's to choose.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/gfp.h>
#include <linux/minmax.h>
#include <linux/pagemap.h>
#include <linux/printk.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include <tlfs/hypercall.h>
#include <tlfs/memory.h>
#include <tlfs/message.h>
#include <tlfs/status.h>
#include <tlfs/vp.h>

#include "async.h"
#include "hvcall.h"
#include "intr.h"
#include "partition.h"
#include "passthru.h"
#include "region.h"
#include "status.h"

/* Pages of one translation: five levels of tables and the target, and then some */
#define MAX_TRANSLATE_FAULTS	16

#define FROM_DEVICE	BIT(MSHV_PASSTHRU_DEVICE)
#define FROM_PARTITION	BIT(MSHV_PASSTHRU_PARTITION)
#define FROM_VP		BIT(MSHV_PASSTHRU_VP)
#define FROM_CHILD	(FROM_PARTITION | FROM_VP)
#define FROM_ANY	(FROM_DEVICE | FROM_CHILD)

static unsigned int passthru_permitted(u16 code)
{
	switch (code) {
	case HVCALL_GET_PARTITION_PROPERTY:
	case HVCALL_GET_PARTITION_PROPERTY_EX:
		return FROM_ANY;
	case HVCALL_SET_PARTITION_PROPERTY:
		/* Waits for its completion, which is one of the partition's. */
		return FROM_PARTITION;
	case HVCALL_INSTALL_INTERCEPT:
	case HVCALL_GET_VP_REGISTERS:
	case HVCALL_SET_VP_REGISTERS:
	case HVCALL_TRANSLATE_VIRTUAL_ADDRESS:
	case HVCALL_CLEAR_VIRTUAL_INTERRUPT:
	case HVCALL_REGISTER_INTERCEPT_RESULT:
	case HVCALL_ASSERT_VIRTUAL_INTERRUPT:
	case HVCALL_SIGNAL_EVENT_DIRECT:
	case HVCALL_POST_MESSAGE_DIRECT:
	case HVCALL_GET_GPA_PAGES_ACCESS_STATES:
	case HVCALL_GET_VP_CPUID_VALUES:
		return FROM_CHILD;
	default:
		return 0;
	}
}

static bool passthru_valid(const struct mshv_root_hvcall *args)
{
	if (args->status || memchr_inv(args->rsvd, 0, sizeof(args->rsvd)))
		return false;
	if (!args->in_ptr || args->in_sz < sizeof(u64) || args->in_sz > HV_HYP_PAGE_SIZE)
		return false;
	if (args->out_ptr && (!args->out_sz || args->out_sz > HV_HYP_PAGE_SIZE))
		return false;

	return args->reps <= HV_HYPERCALL_REP_COUNT_MASK >> HV_HYPERCALL_REP_COUNT_SHIFT;
}

/*
 * A page that the translation needs may only not have been touched yet, or have been
 * moved: one of the guest's page tables as well as the target. The hypervisor names
 * the one that it has stopped at.
 */
static int passthru_translate(struct mshv_partition *partition, struct mshv_hvcall *call)
{
	const struct hv_output_translate_virtual_address *out = call->out;
	unsigned int tries;
	u8 access;
	int ret;

	for (tries = 0; tries < MAX_TRANSLATE_FAULTS; tries++) {
		ret = mshv_hvcall(call);
		if (ret)
			return ret;
		switch (out->result_code) {
		case HV_TRANSLATE_GVA_GPA_UNMAPPED:
		case HV_TRANSLATE_GVA_GPA_NO_READ_ACCESS:
			access = HV_INTERCEPT_ACCESS_READ;
			break;
		case HV_TRANSLATE_GVA_GPA_NO_WRITE_ACCESS:
			access = HV_INTERCEPT_ACCESS_WRITE;
			break;
		default:
			return 0;
		}
		if (mshv_mem_fault(partition, out->gpa_page, access))
			return 0;
	}

	return 0;
}

/* Injection goes by the index of a VP until one is given an APIC ID that is another. */
static void passthru_notice_apic_ids(struct mshv_partition *partition,
				     const struct mshv_root_hvcall *args, const void *page)
{
	const struct hv_input_set_vp_registers *in = page;
	unsigned int nr = min_t(unsigned int, args->reps, HV_SET_REGISTERS_MAX_REPS);
	unsigned int i;

	if (args->code != HVCALL_SET_VP_REGISTERS)
		return;
	for (i = 0; i < nr; i++) {
		const struct hv_register_assoc *reg = &in->elements[i];

		if ((reg->name == HV_X64_REGISTER_INITIAL_APIC_ID ||
		     reg->name == HV_X64_REGISTER_APIC_ID) && reg->value.reg64 != in->vp_index) {
			mshv_intr_apic_ids_differ(partition);
			break;
		}
	}
}

static int passthru_issue(struct mshv_partition *partition, struct mshv_hvcall *call)
{
	bool async = call->code == HVCALL_SET_PARTITION_PROPERTY;
	int ret;

	if (async) {
		ret = mshv_async_begin(partition);
		if (ret)
			return ret;
	}

	if (call->code == HVCALL_TRANSLATE_VIRTUAL_ADDRESS)
		return passthru_translate(partition, call);

	ret = mshv_hvcall(call);
	if (call->status != HV_STATUS_CALL_PENDING)
		return ret;
	if (async) {
		ret = mshv_async_wait(partition, &call->status);
		if (ret)
			return ret;
		ret = mshv_status_to_errno(call->status);
	} else {
		ret = -EBADFD;
	}
	/* Other failures have had their line. */
	if (ret)
		pr_warn_ratelimited("%s: %s (%#x)\n", mshv_hvcall_name(call->code),
				    mshv_status_name(call->status), call->status);

	return ret;
}

/* Its bits are cleared as they are read: those of the pages that were done are told always. */
static bool passthru_is_harvest(const struct mshv_root_hvcall *args)
{
	return args->code == HVCALL_GET_GPA_PAGES_ACCESS_STATES;
}

/*
 * What cannot be told of must not be done. The status is 0, and stays so for now; of the
 * outputs, the one that matters is that of the call that clears what it tells.
 */
static bool passthru_can_tell(const struct mshv_root_hvcall *args,
			      struct mshv_root_hvcall __user *uarg)
{
	if (put_user(args->status, &uarg->status))
		return false;
	if (!passthru_is_harvest(args) || !args->out_ptr)
		return true;

	return !fault_in_safe_writeable(u64_to_user_ptr(args->out_ptr), args->out_sz);
}

/* Accessed and dirty bits are not the hypervisor's alone to tell. */
static void passthru_merge_states(struct mshv_partition *partition,
				  const struct mshv_hvcall *call, u32 out_sz)
{
	const struct hv_input_get_gpa_pages_access_state *in = call->in;

	mshv_mem_merge_states(&partition->mem, in->hv_gpa_page_number,
			      min_t(u32, call->done, out_sz), in->flags, call->out);
}

static long passthru_copy_back(const struct mshv_root_hvcall *args,
			       const struct mshv_hvcall *call, long ret,
			       struct mshv_root_hvcall __user *uarg)
{
	u32 size = args->out_sz;

	if (ret)
		size = passthru_is_harvest(args) ? min_t(u32, call->done, size) : 0;
	if (put_user(call->status, &uarg->status) || put_user(call->done, &uarg->reps))
		return -EFAULT;
	if (args->out_ptr && copy_to_user(u64_to_user_ptr(args->out_ptr), call->out, size))
		return -EFAULT;

	return ret;
}

long mshv_ioctl_root_hvcall(struct mshv_partition *partition, enum mshv_passthru_from from,
			    struct mshv_root_hvcall __user *uarg)
{
	struct mshv_hvcall call = { .flags = MSHV_HVCALL_IN_PLACE };
	struct mshv_root_hvcall args;
	void *in, *out;
	long ret;

	if (copy_from_user(&args, uarg, sizeof(args)))
		return -EFAULT;
	if (!passthru_valid(&args)) {
		pr_warn_ratelimited("ROOT_HVCALL: %s (%#x) with %u bytes in, %u out and %u repetitions is not valid\n",
				    mshv_hvcall_name(args.code), args.code, args.in_sz,
				    args.out_sz, args.reps);
		return -EINVAL;
	}
	if (!(passthru_permitted(args.code) & BIT(from))) {
		pr_warn_ratelimited("ROOT_HVCALL: %s (%#x) is not let through\n",
				    mshv_hvcall_name(args.code), args.code);
		return -EINVAL;
	}
	if (!passthru_can_tell(&args, uarg))
		return -EFAULT;

	/*
	 * Whole zeroed pages, both of them: the hypervisor reads and writes what the call
	 * is defined to, however little of it the caller claims to have or wants to see.
	 * A call that has an output and was given no page would have it at address 0.
	 */
	in = (void *)get_zeroed_page(GFP_KERNEL);
	out = (void *)get_zeroed_page(GFP_KERNEL);
	if (!in || !out) {
		ret = -ENOMEM;
		goto out_free;
	}
	if (copy_from_user(in, u64_to_user_ptr(args.in_ptr), args.in_sz)) {
		ret = -EFAULT;
		goto out_free;
	}
	*(u64 *)in = partition ? partition->id : HV_PARTITION_ID_SELF;
	passthru_notice_apic_ids(partition, &args, in);

	call.code = args.code;
	call.reps = args.reps;
	call.in = in;
	call.out = out;
	call.pool = partition ? &partition->pool : &mshv_root_pool;
	ret = passthru_issue(partition, &call);
	if (passthru_is_harvest(&args))
		passthru_merge_states(partition, &call, args.out_sz);
	ret = passthru_copy_back(&args, &call, ret, uarg);

out_free:
	free_page((unsigned long)out);
	free_page((unsigned long)in);
	return ret;
}
