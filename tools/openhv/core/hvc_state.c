// SPDX-License-Identifier: GPL-2.0-only
/*
 * Hypercalls on the state of VPs that is larger than registers, on the pages
 * that show it, and on statistics pages.
 */
#include <asm/cpu.h>
#include <openhv/atomic.h>
#include <openhv/hypercall.h>
#include <openhv/options.h>
#include <openhv/partition.h>
#include <openhv/run.h>
#include <openhv/stats.h>
#include <openhv/string.h>
#include <openhv/vpcall.h>
#include <openhv/xsave.h>
#include <tlfs/state.h>
#include <tlfs/stats.h>
#include <tlfs/vp.h>

static void **state_page_slot(struct vp *vp, u16 type)
{
	switch (type) {
	case HV_VP_STATE_PAGE_REGISTERS:
		return options.compat < COMPAT_REGISTER_PAGE ? NULL : (void **)&vp->regs;
	case HV_VP_STATE_PAGE_INTERCEPT_MESSAGE:
		return (void **)&vp->message;
	}
	return NULL;			/* GHCB: no encrypted partitions */
}

hv_status_t hvc_map_vp_state_page(struct hvcall *c)
{
	const struct hv_input_map_vp_state_page *in = c->in;
	struct hv_output_map_vp_state_page *out = c->out;
	hv_status_t status;
	struct vpcall vc;
	void **slot;

	/* The caller's own page is not taken: it could give it to somebody else. */
	if (in->flags)
		return HV_STATUS_INVALID_PARAMETER;
	status = vpcall_begin(c, in->partition_id, in->vp_index, in->input_vtl, &vc);
	if (status)
		return status;
	slot = state_page_slot(vc.vp, in->type);
	if (partition_is_root(vc.partition)) {
		status = HV_STATUS_ACCESS_DENIED;
	} else if (!slot) {
		status = HV_STATUS_INVALID_PARAMETER;
	} else if (!*slot) {
		*slot = pool_alloc_lent(&vc.partition->pool);
		if (!*slot)
			status = HV_STATUS_INSUFFICIENT_MEMORY;
	}
	if (!status)
		out->map_location = virt_to_phys(*slot) >> PAGE_SHIFT;
	vpcall_end(&vc);
	return status;
}

hv_status_t hvc_unmap_vp_state_page(struct hvcall *c)
{
	const struct hv_input_unmap_vp_state_page *in = c->in;
	hv_status_t status;
	struct vpcall vc;
	void **slot, *page = NULL;

	status = vpcall_begin(c, in->partition_id, in->vp_index, in->input_vtl, &vc);
	if (status)
		return status;
	slot = state_page_slot(vc.vp, in->type);
	if (!slot || !*slot) {
		status = HV_STATUS_INVALID_PARAMETER;
	} else {
		page = *slot;
		*slot = NULL;
	}
	pool_free_lent(&vc.partition->pool, page);
	vpcall_end(&vc);
	return status;
}

/* The data of a state, gathered from or scattered to the caller's pages */
#define STATE_SIZE_MAX	PAGE_SIZE

static u32 pages_given(const struct hvcall *c)
{
	return c->var_size / sizeof(u64);
}

/* @size bytes of @data, through a list of the caller's page numbers */
static hv_status_t copy_pages(struct hvcall *c, const u64 *pfns, u8 *data, u32 size, bool write)
{
	struct gpamap *map = &c->vp->partition->gpamap;
	u32 i;

	if ((u64)pages_given(c) * PAGE_SIZE < size)
		return HV_STATUS_INVALID_PARAMETER;
	for (i = 0; i * PAGE_SIZE < size; i++) {
		u32 n = min(size - i * (u32)PAGE_SIZE, (u32)PAGE_SIZE);
		bool ok;

		if (pfns[i] >= map->max_pfn)
			return HV_STATUS_INVALID_PARAMETER;
		if (write)
			ok = gpa_write(map, pfns[i] << PAGE_SHIFT, data + i * PAGE_SIZE, n);
		else
			ok = gpa_read(map, pfns[i] << PAGE_SHIFT, data + i * PAGE_SIZE, n);
		if (!ok)
			return HV_STATUS_INVALID_PARAMETER;
	}
	return HV_STATUS_SUCCESS;
}

hv_status_t hvc_get_vp_state(struct hvcall *c)
{
	const struct hv_input_get_vp_state *in = c->in;
	u8 *data = c->lp->state_page;
	hv_status_t status;
	u32 size = 0, inline_size = 0;
	struct vpcall vc;

	status = vpcall_begin(c, in->partition_id, in->vp_index, in->input_vtl, &vc);
	if (status)
		return status;
	switch (in->state_data.type) {
	case HV_VP_STATE_LAPIC:
		size = sizeof(struct hv_local_interrupt_controller_state);
		vlapic_get_state(&vc.vp->apic, (void *)data);
		break;
	case HV_VP_STATE_XSAVE:
		if (in->state_data.xsave.flags) {
			status = HV_STATUS_INVALID_PARAMETER;
			break;
		}
		size = min(pages_given(c) * (u32)PAGE_SIZE, (u32)STATE_SIZE_MAX);
		status = xsave_get(vc.vp, in->state_data.xsave.states, data, size);
		break;
	case HV_VP_STATE_SIM_PAGE:
		size = PAGE_SIZE;
		memcpy(data, vc.vp->synic.simp.own, PAGE_SIZE);
		break;
	case HV_VP_STATE_SIEF_PAGE:
		size = PAGE_SIZE;
		memcpy(data, vc.vp->synic.siefp.own, PAGE_SIZE);
		break;
	case HV_VP_STATE_SYNTHETIC_TIMERS:
		stimers_get_state(vc.vp, (void *)data);
		inline_size = sizeof(struct hv_synthetic_timers_state);
		break;
	default:
		status = HV_STATUS_INVALID_PARAMETER;
	}
	vpcall_end(&vc);
	if (!status && size)
		status = copy_pages(c, in->output_data_pfns, data, size, true);
	/* Only this type has its data in the output block. */
	if (!status && inline_size &&
	    (!IS_ALIGNED(c->out_gpa, 8) ||
	     (c->out_gpa & (PAGE_SIZE - 1)) + inline_size > PAGE_SIZE))
		status = HV_STATUS_INVALID_ALIGNMENT;
	if (!status && inline_size &&
	    !gpa_write(&c->vp->partition->gpamap, c->out_gpa, data, inline_size))
		status = HV_STATUS_INVALID_PARAMETER;
	return status;
}

hv_status_t hvc_set_vp_state(struct hvcall *c)
{
	/* The data or the page list is the variable header. */
	const struct hv_input_get_vp_state *in = c->in;
	const u8 *bytes = (const u8 *)c->in + sizeof(*in);
	u8 *data = c->lp->state_page;
	hv_status_t status = HV_STATUS_SUCCESS;
	struct vpcall vc;
	u32 size = 0;

	switch (in->state_data.type) {
	case HV_VP_STATE_LAPIC:
		size = sizeof(struct hv_local_interrupt_controller_state);
		break;
	case HV_VP_STATE_XSAVE:
		size = min(pages_given(c) * (u32)PAGE_SIZE, (u32)STATE_SIZE_MAX);
		break;
	case HV_VP_STATE_SIM_PAGE:
	case HV_VP_STATE_SIEF_PAGE:
		size = PAGE_SIZE;
		break;
	case HV_VP_STATE_SYNTHETIC_TIMERS:
		if (c->var_size < sizeof(struct hv_synthetic_timers_state))
			return HV_STATUS_INVALID_PARAMETER;
		break;
	default:
		return HV_STATUS_INVALID_PARAMETER;
	}
	if (size)
		status = copy_pages(c, (const u64 *)bytes, data, size, false);
	if (status)
		return status;
	status = vpcall_begin(c, in->partition_id, in->vp_index, in->input_vtl, &vc);
	if (status)
		return status;
	switch (in->state_data.type) {
	case HV_VP_STATE_LAPIC:
		status = vlapic_set_state(&vc.vp->apic, (void *)data);
		break;
	case HV_VP_STATE_XSAVE:
		status = xsave_set(vc.vp, data, size);
		break;
	case HV_VP_STATE_SIM_PAGE:
		memcpy(vc.vp->synic.simp.own, data, PAGE_SIZE);
		break;
	case HV_VP_STATE_SIEF_PAGE:
		memcpy(vc.vp->synic.siefp.own, data, PAGE_SIZE);
		break;
	default:
		status = stimers_set_state(vc.vp, (const void *)bytes);
	}
	vpcall_end(&vc);
	return status;
}

hv_status_t hvc_map_stats_page(struct hvcall *c)
{
	const struct hv_input_map_stats_page *in = c->in;
	struct hv_output_map_stats_page *out = c->out;

	return stats_map(c, in, &out->map_location);
}

hv_status_t hvc_unmap_stats_page(struct hvcall *c)
{
	return stats_unmap(c, c->in);
}
