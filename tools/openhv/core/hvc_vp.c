// SPDX-License-Identifier: GPL-2.0-only
/*
 * Hypercalls on virtual processors.
 */
#include <asm/cpu.h>
#include <openhv/gwalk.h>
#include <openhv/hypercall.h>
#include <openhv/log.h>
#include <openhv/partition.h>
#include <openhv/run.h>
#include <openhv/sched.h>
#include <openhv/string.h>
#include <openhv/vpcall.h>
#include <tlfs/memory.h>
#include <tlfs/vp.h>

hv_status_t vpcall_begin(struct hvcall *c, u64 id, u32 index, u8 vtl, struct vpcall *vc)
{
	hv_status_t status;

	/* There is only VTL 0. */
	if (vtl & ~(HV_INPUT_VTL_TARGET_MASK | HV_INPUT_VTL_USE_TARGET) ||
	    (vtl & HV_INPUT_VTL_USE_TARGET && vtl & HV_INPUT_VTL_TARGET_MASK))
		return HV_STATUS_INVALID_VTL_STATE;
	status = hvc_partition(c, id, &vc->partition);
	if (status)
		return status;
	if (index == HV_VP_INDEX_SELF)
		index = vc->partition == c->vp->partition ? c->vp->index : HV_ANY_VP;
	vc->vp = vp_get(vc->partition, index);
	vc->own = vc->vp == c->vp;
	status = HV_STATUS_INVALID_VP_INDEX;
	if (!vc->vp)
		goto put;
	if (vc->own) {
		vcpu_sync(c->lp, &vc->vp->vcpu);
		return HV_STATUS_SUCCESS;
	}
	/* Another VP of the caller's own partition lives on another LP, and stays there. */
	status = HV_STATUS_ACCESS_DENIED;
	if (vc->partition == c->vp->partition)
		goto put_vp;
	vp_lock(vc->vp);
	if (!READ_ONCE(vc->vp->running))
		regpage_load(vc->vp);
	return HV_STATUS_SUCCESS;
put_vp:
	vp_put(vc->vp);
put:
	partition_put(vc->partition);
	return status;
}

void vpcall_end(struct vpcall *vc)
{
	if (!vc->own) {
		if (!READ_ONCE(vc->vp->running))
			regpage_fill(vc->vp);
		vp_unlock(vc->vp);
	}
	vp_put(vc->vp);
	partition_put(vc->partition);
}

hv_status_t hvc_create_vp(struct hvcall *c)
{
	const struct hv_input_create_vp *in = c->in;
	struct partition *p;
	hv_status_t status;

	status = hvc_partition(c, in->partition_id, &p);
	if (status)
		return status;
	if (partition_is_root(p))
		status = root_create_vp(in->vp_index, in->flags);
	else if (in->flags)
		status = HV_STATUS_INVALID_PARAMETER;
	else
		status = vp_create(p, in->vp_index);
	partition_put(p);
	return status;
}

hv_status_t hvc_delete_vp(struct hvcall *c)
{
	const struct hv_input_delete_vp *in = c->in;
	struct partition *p;
	hv_status_t status;

	status = hvc_partition(c, in->partition_id, &p);
	if (status)
		return status;
	status = vp_delete(p, in->vp_index);
	partition_put(p);
	return status;
}

hv_status_t hvc_get_vp_registers(struct hvcall *c)
{
	const struct hv_input_get_vp_registers *in = c->in;
	const u32 *names = c->elements;
	union hv_register_value *values = c->out_elements;
	hv_status_t status;
	struct vpcall vc;

	status = vpcall_begin(c, in->partition_id, in->vp_index, in->input_vtl, &vc);
	if (status)
		return status;
	for (; c->rep < c->rep_count; c->rep++) {
		status = vp_get_register(vc.vp, names[c->rep], &values[c->rep]);
		if (status)
			break;
	}
	vpcall_end(&vc);
	return status;
}

hv_status_t hvc_set_vp_registers(struct hvcall *c)
{
	const struct hv_input_set_vp_registers *in = c->in;
	const struct hv_register_assoc *elements = c->elements;
	hv_status_t status;
	struct vpcall vc;

	status = vpcall_begin(c, in->partition_id, in->vp_index, in->input_vtl, &vc);
	if (status)
		return status;
	for (; c->rep < c->rep_count; c->rep++) {
		status = vp_set_register(vc.vp, elements[c->rep].name, &elements[c->rep].value);
		if (status)
			break;
	}
	vpcall_end(&vc);
	return status;
}

hv_status_t hvc_translate_virtual_address(struct hvcall *c)
{
	const struct hv_input_translate_virtual_address *in = c->in;
	struct hv_output_translate_virtual_address *out = c->out;
	struct walk_result r;
	hv_status_t status;
	struct vpcall vc;

	if (in->control_flags & ~HV_TRANSLATE_GVA_FLAGS_VALID || in->gva_page >> 52)
		return HV_STATUS_INVALID_PARAMETER;
	status = vpcall_begin(c, in->partition_id, in->vp_index, 0, &vc);
	if (status)
		return status;
	/* The flags have the walk's own numbers. A translation that fails is a success. */
	gva_walk(vc.vp, in->gva_page << PAGE_SHIFT, in->control_flags, &r);
	vpcall_end(&vc);
	out->result_code = r.code;
	out->cache_type_and_overlay = r.cache_type |
				      (r.overlay ? HV_TRANSLATE_GVA_OVERLAY_PAGE : 0);
	out->gpa_page = r.gpa >> PAGE_SHIFT;
	return HV_STATUS_SUCCESS;
}

hv_status_t hvc_get_vp_cpuid_values(struct hvcall *c)
{
	const struct hv_input_get_vp_cpuid_values *in = c->in;
	const struct hv_cpuid_leaf_info *leaves = c->elements;
	struct hv_cpuid_result *out = c->out_elements;
	hv_status_t status;
	struct vpcall vc;

	if (in->flags & ~HV_GET_VP_CPUID_VALUES_FLAGS_VALID || in->reserved)
		return HV_STATUS_INVALID_PARAMETER;
	status = vpcall_begin(c, in->partition_id, in->vp_index, 0, &vc);
	if (status)
		return status;
	for (; c->rep < c->rep_count; c->rep++) {
		const struct hv_cpuid_leaf_info *l = &leaves[c->rep];

		if (in->flags & HV_GET_VP_CPUID_VALUES_APPLY_REGISTERED_VALUES)
			vp_cpuid(vc.vp, l->eax, l->ecx, &out[c->rep]);
		else
			vp_cpuid_default(vc.vp, l->eax, l->ecx, &out[c->rep]);
		/* The size of the state follows XCR0: the VP's, or the one that is given. */
		if (l->eax == 0xD && l->ecx == 0 && out[c->rep].eax &&
		    !(in->flags & HV_GET_VP_CPUID_VALUES_USE_VP_XFEM_XSS))
			out[c->rep].ebx = xsave_size(l->xfem & vcpu_caps.xcr0);
	}
	vpcall_end(&vc);
	return status;
}

hv_status_t hvc_dispatch_vp(struct hvcall *c)
{
	/* The dispatched VP's own hypercalls have other pages; a copy all the same. */
	struct hv_input_dispatch_vp in = *(struct hv_input_dispatch_vp *)c->in;
	struct hv_output_dispatch_vp *out = c->out;
	struct partition *p;
	hv_status_t status;
	struct vp *vp;

	status = hvc_partition(c, in.partition_id, &p);
	if (status)
		return status;
	vp = vp_get(p, in.vp_index);
	if (!sched->dispatch) {
		status = HV_STATUS_OPERATION_DENIED;
		if (vp)
			vp_put(vp);
	} else if (vp) {
		status = sched->dispatch(vp, &in, out);
		vp_put(vp);
	} else {
		status = HV_STATUS_INVALID_VP_INDEX;
	}
	partition_put(p);
	return status;
}
