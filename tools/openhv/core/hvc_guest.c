// SPDX-License-Identifier: GPL-2.0-only
/*
 * Hypercalls of an enlightened guest on itself: TLB flushes, IPIs, interrupts of
 * devices that it has been given.
 */
#include <openhv/atomic.h>
#include <openhv/hypercall.h>
#include <openhv/partition.h>
#include <openhv/run.h>
#include <tlfs/guest.h>
#include <tlfs/interrupt.h>
#include <tlfs/message.h>
#include <tlfs/partition.h>

static bool granted(const struct hvcall *c, u32 feature_bit)
{
	return partition_granted(c->vp->partition, feature_bit);
}

/* A set of VP indices: a mask of banks, and the banks that the mask names */
struct vpset {
	bool all;
	u64 mask;
	const u64 *banks;
};

static bool vpset_has(const struct vpset *set, u32 index)
{
	u32 bank = index / 64;

	if (set->all)
		return true;
	if (bank >= 64 || !(set->mask & 1UL << bank))
		return false;
	/* The banks that are there follow each other. */
	bank = __builtin_popcountl(set->mask & ((1UL << bank) - 1));
	return set->banks[bank] & 1UL << (index % 64);
}

/* A sparse set with its banks in the variable header: as many as the mask has bits */
static hv_status_t vpset_parse(const struct hvcall *c, u64 format, u64 mask, const u64 *banks,
			       struct vpset *set)
{
	*set = (struct vpset){ .mask = mask, .banks = banks };
	if (!granted(c, HV_SYNTHETIC_FEATURE_EXTENDED_PROCESSOR_MASKS_BIT))
		return HV_STATUS_ACCESS_DENIED;
	if (format == HV_GENERIC_SET_ALL) {
		set->all = true;
		return HV_STATUS_SUCCESS;
	}
	if (format != HV_GENERIC_SET_SPARSE_4K ||
	    c->var_size != (u32)__builtin_popcountl(mask) * 8)
		return HV_STATUS_INVALID_PARAMETER;
	return HV_STATUS_SUCCESS;
}

/*
 * No VP of the set uses a translation that it had before: each takes a new
 * address space ID when it enters the guest; those that are in it are made
 * to leave.
 */
static void flush(struct vp *self, const struct vpset *set)
{
	struct partition *p = self->partition;
	u32 i;

	for (i = 0; i < VP_MAX; i++) {
		struct vp *vp = vp_get(p, i);

		if (!vp)
			continue;
		if (vp != self && vpset_has(set, i)) {
			atomic_or(&vp->requests, VP_REQ_FLUSH);
			if (READ_ONCE(vp->in_guest))
				lp_kick(READ_ONCE(vp->lp));
		}
		vp_put(vp);
	}
	if (vpset_has(set, self->index))
		vcpu_flush_tlb(&self->vcpu);
	for (i = 0; i < VP_MAX; i++) {
		struct vp *vp = vp_get(p, i);

		if (!vp)
			continue;
		while (vp != self && READ_ONCE(vp->in_guest) &&
		       READ_ONCE(vp->requests) & VP_REQ_FLUSH)
			cpu_relax();
		vp_put(vp);
	}
}

static hv_status_t check_flush(const struct hvcall *c, u64 flags)
{
	if (!granted(c, HV_SYNTHETIC_FEATURE_TB_FLUSH_HYPERCALLS_BIT))
		return HV_STATUS_ACCESS_DENIED;
	return flags & ~HV_FLUSH_FLAGS_VALID ? HV_STATUS_INVALID_PARAMETER : HV_STATUS_SUCCESS;
}

/* Also for lists of addresses: flushing everything flushes those. */
hv_status_t hvc_flush_virtual_address_space(struct hvcall *c)
{
	const struct hv_input_flush_virtual_address_space *in = c->in;
	hv_status_t status = check_flush(c, in->flags);
	struct vpset set = {
		.all = in->flags & HV_FLUSH_ALL_PROCESSORS,
		.mask = 1,
		.banks = &in->processor_mask,
	};

	if (status)
		return status;
	flush(c->vp, &set);
	c->rep = c->rep_count;
	return HV_STATUS_SUCCESS;
}

hv_status_t hvc_flush_virtual_address_space_ex(struct hvcall *c)
{
	const struct hv_input_flush_virtual_address_space_ex *in = c->in;
	hv_status_t status = check_flush(c, in->flags);
	struct vpset set;

	if (!status)
		status = vpset_parse(c, in->vp_set_format, in->vp_set_valid_bank_mask,
				     in->bank_contents, &set);
	if (status)
		return status;
	if (in->flags & HV_FLUSH_ALL_PROCESSORS)
		set.all = true;
	flush(c->vp, &set);
	c->rep = c->rep_count;
	return HV_STATUS_SUCCESS;
}

static hv_status_t ipi(struct hvcall *c, u32 vector, u32 vtl, const struct vpset *set)
{
	u32 i;

	if (!granted(c, HV_SYNTHETIC_FEATURE_SYNTHETIC_CLUSTER_IPI_BIT))
		return HV_STATUS_ACCESS_DENIED;
	if (vector < HV_IPI_LOW_VECTOR || vector > HV_IPI_HIGH_VECTOR)
		return HV_STATUS_INVALID_PARAMETER;
	/* Its low byte is a VTL input field: only VTL 0, or the caller's own */
	if (vtl & ~HV_INPUT_VTL_USE_TARGET)
		return HV_STATUS_INVALID_VTL_STATE;
	for (i = 0; i < VP_MAX; i++) {
		struct vp *vp;

		if (!vpset_has(set, i))
			continue;
		vp = vp_get(c->vp->partition, i);
		if (!vp)
			continue;
		vlapic_accept(&vp->apic, vector, false);
		vp_put(vp);
	}
	return HV_STATUS_SUCCESS;
}

hv_status_t hvc_send_ipi(struct hvcall *c)
{
	const struct hv_input_send_ipi *in = c->in;
	struct vpset set = { .mask = 1, .banks = &in->cpu_mask };

	return ipi(c, in->vector, in->target_vtl, &set);
}

hv_status_t hvc_send_ipi_ex(struct hvcall *c)
{
	const struct hv_input_send_ipi_ex *in = c->in;
	hv_status_t status;
	struct vpset set;

	status = vpset_parse(c, in->vp_set_format, in->vp_set_valid_bank_mask, in->bank_contents,
			     &set);
	return status ? status : ipi(c, in->vector, in->target_vtl, &set);
}

/* A guest that waits for a lock. Root decides who runs, and sees it by the time used. */
hv_status_t hvc_notify_long_spin_wait(struct hvcall *c)
{
	return granted(c, HV_SYNTHETIC_FEATURE_NOTIFY_LONG_SPIN_WAIT_BIT) ? HV_STATUS_SUCCESS :
	       HV_STATUS_ACCESS_DENIED;
}

/*
 * Devices are root's, whose interrupts go where MAP_DEVICE_INTERRUPT says: all IDs
 * are unknown. A parent that emulates devices can have the call: hypercall.c.
 */
hv_status_t hvc_retarget_interrupt(struct hvcall *c)
{
	const struct hv_input_retarget_interrupt *in = c->in;
	struct partition *p;
	hv_status_t status;

	if (!granted(c, HV_SYNTHETIC_FEATURE_RETARGET_DEVICE_INTERRUPT_BIT))
		return HV_STATUS_ACCESS_DENIED;
	status = hvc_partition(c, in->partition_id, &p);
	if (status)
		return status;
	partition_put(p);
	return HV_STATUS_INVALID_DEVICE_ID;
}
