// SPDX-License-Identifier: GPL-2.0-only
/*
 * Hypercalls on partitions and their properties.
 */
#include <asm/cpu.h>
#include <asm/x86.h>
#include <openhv/features.h>
#include <openhv/hypercall.h>
#include <openhv/options.h>
#include <openhv/partition.h>
#include <openhv/run.h>
#include <openhv/sched.h>
#include <openhv/string.h>
#include <tlfs/partition.h>

hv_status_t hvc_create_partition(struct hvcall *c)
{
	struct hv_output_create_partition *out = c->out;

	return partition_create(c->in, &out->partition_id);
}

hv_status_t hvc_initialize_partition(struct hvcall *c)
{
	const struct hv_input_partition_id *in = c->in;
	struct partition *p;
	hv_status_t status;

	status = hvc_partition(c, in->partition_id, &p);
	if (status)
		return status;
	status = partition_is_root(p) ? HV_STATUS_INVALID_PARTITION_STATE : partition_initialize(p);
	partition_put(p);
	return status;
}

hv_status_t hvc_finalize_partition(struct hvcall *c)
{
	const struct hv_input_partition_id *in = c->in;
	struct partition *p;
	hv_status_t status;

	status = hvc_partition(c, in->partition_id, &p);
	if (status)
		return status;
	status = partition_finalize(p);
	partition_put(p);
	return status;
}

hv_status_t hvc_delete_partition(struct hvcall *c)
{
	const struct hv_input_partition_id *in = c->in;

	return partition_delete(in->partition_id);
}

hv_status_t hvc_get_partition_id(struct hvcall *c)
{
	struct hv_output_get_partition_id *out = c->out;

	out->partition_id = c->vp->partition->id;
	return HV_STATUS_SUCCESS;
}

static u64 cl_flush_size(void)
{
	u32 a, b, cx, d;

	/* CPUID.1:EBX[15:8] in units of 8 bytes; the property is its binary logarithm */
	cpuid_count(1, 0, &a, &b, &cx, &d);
	b = (b >> 8 & 0xFF) * 8;
	return b ? 31 - __builtin_clz(b) : 0;
}

static u64 processor_vendor(void)
{
	u32 a, b, cx, d;

	/* CPUID.0:EBX, the first letters of the vendor's name */
	cpuid_count(0, 0, &a, &b, &cx, &d);
	switch (b) {
	case 0x756E6547:		/* Genu(ineIntel) */
		return HV_PROCESSOR_VENDOR_INTEL;
	case 0x6F677948:		/* Hygo(nGenuine) */
		return HV_PROCESSOR_VENDOR_HYGON;
	}
	return HV_PROCESSOR_VENDOR_AMD;
}

static hv_status_t get_property(struct partition *p, u32 code, u64 *value)
{
	bool root = partition_is_root(p);

	switch (code) {
	case HV_PARTITION_PROPERTY_PRIVILEGE_FLAGS:
		*value = p->privileges;
		break;
	case HV_PARTITION_PROPERTY_SYNTHETIC_PROC_FEATURES:
		*value = root ? assignable_synthetic_features : p->synthetic_features;
		break;
	case HV_PARTITION_PROPERTY_TIME_FREEZE:
		*value = p->time_frozen;
		break;
	case HV_PARTITION_PROPERTY_APIC_FREQUENCY:
		*value = apic_timer_hz;
		break;
	case HV_PARTITION_PROPERTY_REFERENCE_TIME:
		*value = partition_time(p);
		break;
	case HV_PARTITION_PROPERTY_PROCESSORS_PER_SOCKET:
		*value = p->procs_per_socket;
		break;
	case HV_PARTITION_PROPERTY_GPA_PAGE_ACCESS_TRACKING:
		*value = p->gpamap.track;
		break;
	case HV_PARTITION_PROPERTY_UNIMPLEMENTED_MSR_ACTION:
		*value = p->msr_ignore ? HV_UNIMPLEMENTED_MSR_ACTION_IGNORE_WRITE_READ_ZERO :
			 HV_UNIMPLEMENTED_MSR_ACTION_FAULT;
		break;
	case HV_PARTITION_PROPERTY_IMPLEMENTED_PHYSICAL_ADDRESS_BITS:
	case HV_PARTITION_PROPERTY_PHYSICAL_ADDRESS_WIDTH:
		*value = vcpu_caps.phys_bits;
		break;
	case HV_PARTITION_PROPERTY_PROCESSOR_VENDOR:
		*value = processor_vendor();
		break;
	case HV_PARTITION_PROPERTY_PROCESSOR_CL_FLUSH_SIZE:
		*value = cl_flush_size();
		break;
	case HV_PARTITION_PROPERTY_COMPATIBILITY_VERSION:
		*value = root ? HV_COMPATIBILITY_21_H2 : p->compat_version;
		break;
	case HV_PARTITION_PROPERTY_PROCESSOR_XSAVE_FEATURES:
	case HV_PARTITION_PROPERTY_ROOT_PROCESSOR_XSAVE_FEATURES:
		*value = root || code == HV_PARTITION_PROPERTY_ROOT_PROCESSOR_XSAVE_FEATURES ?
			 host_xsave_features : p->xsave_features;
		break;
	case HV_PARTITION_PROPERTY_XSAVE_STATES:
		*value = features_xcr0(root ? host_xsave_features : p->xsave_features);
		break;
	case HV_PARTITION_PROPERTY_MAX_XSAVE_DATA_SIZE:
		*value = xsave_size(features_xcr0(root ? host_xsave_features : p->xsave_features));
		break;
	case HV_PARTITION_PROPERTY_PROCESSOR_CLOCK_FREQUENCY:
		*value = tsc_hz;
		break;
	case HV_PARTITION_PROPERTY_PROCESSOR_FEATURES0:
	case HV_PARTITION_PROPERTY_PROCESSOR_FEATURES1:
		*value = root ?
			 host_proc_features[code - HV_PARTITION_PROPERTY_PROCESSOR_FEATURES0] :
			 p->proc_features[code - HV_PARTITION_PROPERTY_PROCESSOR_FEATURES0];
		break;
	case HV_PARTITION_PROPERTY_ROOT_PROCESSOR_FEATURES0:
	case HV_PARTITION_PROPERTY_ROOT_PROCESSOR_FEATURES1:
		*value = host_proc_features[code - HV_PARTITION_PROPERTY_ROOT_PROCESSOR_FEATURES0];
		break;
	case HV_PARTITION_PROPERTY_ROOT_SYNTHETIC_PROC_FEATURES:
		*value = assignable_synthetic_features;
		break;
	case HV_PARTITION_PROPERTY_GUEST_OS_ID:
		*value = p->guest_os_id;
		break;
	default:
		return HV_STATUS_UNKNOWN_PROPERTY;
	}
	return HV_STATUS_SUCCESS;
}

/* What can only be chosen before INITIALIZE; the partition's lock is held. */
static hv_status_t set_early_property(struct partition *p, u32 code, u64 value)
{
	if (p->state != PARTITION_CREATED)
		return HV_STATUS_INVALID_PARTITION_STATE;
	if (code == HV_PARTITION_PROPERTY_SYNTHETIC_PROC_FEATURES) {
		/*
		 * A wish, as the banks of processor features are: VMMs ask for a list of
		 * theirs without a look at what is offered, and the property tells what
		 * the guest is given of it. A bit that has no name is a mistake.
		 */
		if (value & ~(assignable_synthetic_features | other_synthetic_features))
			return HV_STATUS_INVALID_PARAMETER;
		p->synthetic_features = value & assignable_synthetic_features;
		p->privileges = features_privileges(p->synthetic_features);
		return HV_STATUS_SUCCESS;
	}
	/* A child is never given a privilege of the root's. */
	if (value & ~features_privileges(assignable_synthetic_features))
		return HV_STATUS_ACCESS_DENIED;
	p->privileges = value;
	return HV_STATUS_SUCCESS;
}

static hv_status_t set_property(struct partition *p, u32 code, u64 value)
{
	hv_status_t status;

	switch (code) {
	case HV_PARTITION_PROPERTY_PRIVILEGE_FLAGS:
	case HV_PARTITION_PROPERTY_SYNTHETIC_PROC_FEATURES:
		spin_lock(&p->lock);
		status = set_early_property(p, code, value);
		spin_unlock(&p->lock);
		return status;
	case HV_PARTITION_PROPERTY_TIME_FREEZE:
		if (value > 1)
			return HV_STATUS_PROPERTY_VALUE_OUT_OF_RANGE;
		partition_freeze_time(p, value);
		return HV_STATUS_SUCCESS;
	case HV_PARTITION_PROPERTY_REFERENCE_TIME:
		partition_set_time(p, value);
		return HV_STATUS_SUCCESS;
	case HV_PARTITION_PROPERTY_PROCESSORS_PER_SOCKET:
		if (!value || value > VP_MAX)
			return HV_STATUS_PROPERTY_VALUE_OUT_OF_RANGE;
		p->procs_per_socket = value;
		return HV_STATUS_SUCCESS;
	case HV_PARTITION_PROPERTY_GPA_PAGE_ACCESS_TRACKING:
		if (value > 1)
			return HV_STATUS_PROPERTY_VALUE_OUT_OF_RANGE;
		p->gpamap.track = value;
		return HV_STATUS_SUCCESS;
	case HV_PARTITION_PROPERTY_UNIMPLEMENTED_MSR_ACTION:
		if (value > HV_UNIMPLEMENTED_MSR_ACTION_IGNORE_WRITE_READ_ZERO)
			return HV_STATUS_PROPERTY_VALUE_OUT_OF_RANGE;
		p->msr_ignore = value == HV_UNIMPLEMENTED_MSR_ACTION_IGNORE_WRITE_READ_ZERO;
		return HV_STATUS_SUCCESS;
	}
	if (get_property(p, code, &value) == HV_STATUS_UNKNOWN_PROPERTY)
		return HV_STATUS_UNKNOWN_PROPERTY;
	return HV_STATUS_OPERATION_DENIED;	/* it can only be read */
}

hv_status_t hvc_get_partition_property(struct hvcall *c)
{
	const struct hv_input_get_partition_property *in = c->in;
	struct hv_output_get_partition_property *out = c->out;
	struct partition *p;
	hv_status_t status;

	status = hvc_partition(c, in->partition_id, &p);
	if (status)
		return status;
	status = get_property(p, in->property_code, &out->property_value);
	partition_put(p);
	return status;
}

hv_status_t hvc_set_partition_property(struct hvcall *c)
{
	const struct hv_input_set_partition_property *in = c->in;
	struct partition *p;
	hv_status_t status;

	status = hvc_partition(c, in->partition_id, &p);
	if (status)
		return status;
	if (partition_is_root(p)) {
		status = HV_STATUS_ACCESS_DENIED;
	} else {
		status = set_property(p, in->property_code, in->property_value);
		if (options.properties_later && notify_completion(p, status))
			status = HV_STATUS_CALL_PENDING;
	}
	partition_put(p);
	return status;
}

hv_status_t hvc_get_partition_property_ex(struct hvcall *c)
{
	const struct hv_input_get_partition_property_ex *in = c->in;
	struct hv_partition_property_synthetic_features *synthetic = c->out;
	struct hv_partition_property_vmm_capabilities *caps = c->out;
	hv_status_t status = HV_STATUS_SUCCESS;
	struct partition *p;

	status = hvc_partition(c, in->partition_id, &p);
	if (status)
		return status;
	switch (in->property_code) {
	case HV_PARTITION_PROPERTY_VMM_CAPABILITIES:
		if (options.compat < COMPAT_VMM_CAPS) {
			status = HV_STATUS_UNKNOWN_PROPERTY;
			break;
		}
		caps->bank_count = 1;
		caps->bank0 = HV_VMM_CAP_ASSIGNABLE_SYNTHETIC_FEATURES;
		break;
	case HV_PARTITION_PROPERTY_ASSIGNABLE_SYNTHETIC_PROC_FEATURES:
		synthetic->bank_count = 1;
		synthetic->bank0 = assignable_synthetic_features;
		break;
	default:
		status = HV_STATUS_UNKNOWN_PROPERTY;
	}
	partition_put(p);
	return status;
}
