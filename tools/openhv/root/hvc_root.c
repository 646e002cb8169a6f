// SPDX-License-Identifier: GPL-2.0-only
/*
 * Hypercalls of the root partition on the machine: its processors, its
 * devices' interrupts, its power.
 */
#include <asm/cpu.h>
#include <asm/x86.h>
#include <openhv/acpi.h>
#include <openhv/hypercall.h>
#include <openhv/log.h>
#include <openhv/partition.h>
#include <openhv/root.h>
#include <openhv/sched.h>
#include <openhv/stats.h>
#include <openhv/vpcall.h>
#include <tlfs/interrupt.h>
#include <tlfs/message.h>
#include <tlfs/system.h>

static struct spinlock add_lock;

/*
 * All processors were started at boot, in openhv's own order; root adds them
 * in an order of its own. From here on its index for one is the index.
 *
 * A kernel that follows another one either finds that they have been added, by
 * HVCALL_GET_LOGICAL_PROCESSOR_RUN_TIME, or adds them once more (Linux before 6.15), and
 * would not go on if that failed.
 */
hv_status_t hvc_add_logical_processor(struct hvcall *c)
{
	const struct hv_input_add_logical_processor *in = c->in;
	hv_status_t status = HV_STATUS_SUCCESS;
	u32 i;

	if (in->lp_index >= lp_count)
		return HV_STATUS_INVALID_LP_INDEX;
	spin_lock(&add_lock);
	for (i = 0; i < lp_count; i++) {
		if (lps[i]->apic_id == in->apic_id)
			break;
	}
	if (i < lp_count && i == in->lp_index && lps[i]->inherited)
		lps[i]->inherited = false;
	else if (i == lp_count || lps[i]->added || lps[in->lp_index]->added)
		status = HV_STATUS_INVALID_PARAMETER;
	else
		status = root_number_lp(i, in->lp_index);
	if (!status)
		lps[in->lp_index]->added = true;
	spin_unlock(&add_lock);
	return status;
}

hv_status_t root_create_vp(u32 index, u64 lp_index)
{
	/* A root VP lives on the LP of its own index, which has been added. */
	if (index >= lp_count || lp_index != index || !lps[index]->added)
		return HV_STATUS_INVALID_VP_INDEX;
	return HV_STATUS_SUCCESS;
}

hv_status_t hvc_get_logical_processor_run_time(struct hvcall *c)
{
	const struct hv_input_get_logical_processor_run_time *in = c->in;
	struct hv_output_get_logical_processor_run_time *out = c->out;

	if (in->lp_index >= lp_count || !lps[in->lp_index]->added)
		return HV_STATUS_INVALID_LP_INDEX;
	out->global_time = hv_time();
	stats_lp_times(lps[in->lp_index], &out->local_run_time, &out->hypervisor_time);
	return HV_STATUS_SUCCESS;
}

/* The one VP of a descriptor's processor set; root asks for no more than one. */
static hv_status_t target_lp(const struct hv_input_map_device_interrupt *in, u32 var_size,
			     struct lp **lp)
{
	const struct hv_device_interrupt_descriptor *d = &in->interrupt_descriptor;
	u32 banks = __builtin_popcountl(d->vp_set_valid_bank_mask), i;

	if (d->target_flags != HV_DEVICE_INTERRUPT_TARGET_PROCESSOR_SET ||
	    d->vp_set_format != HV_GENERIC_SET_SPARSE_4K || var_size != (banks + 1) * 8)
		return HV_STATUS_INVALID_PARAMETER;
	for (i = 0; i < banks; i++) {
		u64 mask = d->vp_set_valid_bank_mask;
		u32 n = i, bank, vp;

		if (!in->banks[i])
			continue;
		/* Bank i of the list is the i-th one that the mask names. */
		while (n--)
			mask &= mask - 1;
		bank = __builtin_ctzl(mask);
		vp = bank * HV_VPSET_BANK_SIZE + __builtin_ctzl(in->banks[i]);
		if (vp >= lp_count)
			return HV_STATUS_INVALID_VP_INDEX;
		*lp = lps[vp];
		return HV_STATUS_SUCCESS;
	}
	return HV_STATUS_INVALID_VP_INDEX;
}

/* MSI address and data (APM vol. 2, 16.11), and the same in an IOAPIC entry */
#define MSI_ADDRESS_BASE	0xFEE00000U
#define MSI_DATA_ASSERT		BIT(14)
#define MSI_DATA_LEVEL		BIT(15)
#define RTE_LEVEL		BIT(15)

/*
 * The vector that root sees is the physical one. What root puts into its
 * devices goes straight to the target's local APIC.
 */
hv_status_t hvc_map_device_interrupt(struct hvcall *c)
{
	const struct hv_input_map_device_interrupt *in = c->in;
	const struct hv_device_interrupt_descriptor *d = &in->interrupt_descriptor;
	struct hv_output_map_device_interrupt *out = c->out;
	struct partition *p;
	hv_status_t status;
	struct lp *lp;

	status = hvc_partition(c, in->partition_id, &p);
	if (status)
		return status;
	/* Devices are root's; none is assigned to a child. */
	status = partition_is_root(p) ? HV_STATUS_SUCCESS : HV_STATUS_ACCESS_DENIED;
	partition_put(p);
	if (status)
		return status;
	if (in->flags || in->base_irt_idx || d->vector_count != 1 || d->reserved ||
	    d->interrupt_type > HV_X64_INTERRUPT_TYPE_LOWESTPRIORITY ||
	    d->trigger_mode > HV_INTERRUPT_TRIGGER_MODE_LEVEL ||
	    d->vector < VECTOR_DEVICE_FIRST || d->vector > VECTOR_DEVICE_LAST)
		return HV_STATUS_INVALID_PARAMETER;
	status = target_lp(in, c->var_size, &lp);
	if (status)
		return status;
	/* Eight bits of destination, without interrupt remapping */
	if (lp->apic_id > 0xFE)
		return HV_STATUS_INVALID_VP_INDEX;
	switch (in->device_id >> HV_DEVICE_TYPE_SHIFT) {
	case HV_DEVICE_TYPE_IOAPIC:
		out->interrupt_entry.source = HV_INTERRUPT_SOURCE_IOAPIC;
		out->interrupt_entry.ioapic_rte.low = d->vector;
		if (d->trigger_mode == HV_INTERRUPT_TRIGGER_MODE_LEVEL)
			out->interrupt_entry.ioapic_rte.low |= RTE_LEVEL;
		out->interrupt_entry.ioapic_rte.high = lp->apic_id << 24;
		break;
	case HV_DEVICE_TYPE_PCI:
		out->interrupt_entry.source = HV_INTERRUPT_SOURCE_MSI;
		out->interrupt_entry.msi_entry.address = MSI_ADDRESS_BASE | lp->apic_id << 12;
		out->interrupt_entry.msi_entry.data = d->vector | MSI_DATA_ASSERT;
		if (d->trigger_mode == HV_INTERRUPT_TRIGGER_MODE_LEVEL)
			out->interrupt_entry.msi_entry.data |= MSI_DATA_LEVEL;
		break;
	default:
		return HV_STATUS_INVALID_DEVICE_ID;
	}
	return HV_STATUS_SUCCESS;
}

/* There is nothing that would have to be undone: the entry was all there was. */
hv_status_t hvc_unmap_device_interrupt(struct hvcall *c)
{
	const struct hv_input_unmap_device_interrupt *in = c->in;
	struct partition *p;
	hv_status_t status;

	status = hvc_partition(c, in->partition_id, &p);
	if (status)
		return status;
	status = partition_is_root(p) ? HV_STATUS_SUCCESS : HV_STATUS_ACCESS_DENIED;
	partition_put(p);
	if (!status && in->interrupt_entry.source != HV_INTERRUPT_SOURCE_MSI &&
	    in->interrupt_entry.source != HV_INTERRUPT_SOURCE_IOAPIC)
		status = HV_STATUS_INVALID_PARAMETER;
	return status;
}

hv_status_t hvc_get_system_property(struct hvcall *c)
{
	const struct hv_input_get_system_property *in = c->in;
	struct hv_output_get_system_property *out = c->out;

	switch (in->property_id) {
	case HV_SYSTEM_PROPERTY_SCHEDULER_TYPE:
		out->value = sched->type;
		return HV_STATUS_SUCCESS;
	case HV_SYSTEM_PROPERTY_CRASHDUMPAREA:
		out->value = 0;		/* none */
		return HV_STATUS_SUCCESS;
	}
	return HV_STATUS_INVALID_PARAMETER;
}

hv_status_t hvc_set_system_property(struct hvcall *c)
{
	const struct hv_input_set_system_property *in = c->in;

	if (in->property_id != HV_SYSTEM_PROPERTY_SLEEP_STATE ||
	    in->sleep_state_info.sleep_state != HV_SLEEP_STATE_S5)
		return HV_STATUS_INVALID_PARAMETER;
	acpi_set_sleep_type(in->sleep_state_info.pm1a_slp_typ, in->sleep_state_info.pm1b_slp_typ);
	return HV_STATUS_SUCCESS;
}

hv_status_t hvc_enter_sleep_state(struct hvcall *c)
{
	const struct hv_input_enter_sleep_state *in = c->in;

	if (in->sleep_state != HV_SLEEP_STATE_S5)
		return HV_STATUS_INVALID_PARAMETER;
	log_info("root powers the machine off");
	return acpi_power_off() ? HV_STATUS_SUCCESS : HV_STATUS_OPERATION_FAILED;
}

hv_status_t hvc_notify_partition_event(struct hvcall *c)
{
	const struct hv_input_notify_partition_event *in = c->in;

	switch (in->event) {
	case HV_PARTITION_ALL_LOGICAL_PROCESSORS_STARTED:
	case HV_PARTITION_EVENT_ROOT_CRASHDUMP:
		log_info("root notifies: event %u", in->event);
		return HV_STATUS_SUCCESS;
	}
	return HV_STATUS_INVALID_PARAMETER;
}
