// SPDX-License-Identifier: GPL-2.0-only
/*
 * Hypercalls as the root partition's kernel makes them.
 */
#include <openhv/features.h>
#include <openhv/hypercall.h>
#include <openhv/run.h>
#include <tlfs/memory.h>
#include <tlfs/msr.h>
#include <tlfs/partition.h>
#include <tlfs/vp.h>
#include "calls.h"
#include "machine.h"

#include <string.h>

u64 hv_call(u64 control, const void *in, u32 in_size, void *out, u32 out_size)
{
	u64 result;

	memset(phys_to_virt(HV_OUT), 0xAA, PAGE_SIZE);
	if (in_size)
		memcpy(phys_to_virt(HV_IN), in, in_size);
	result = hypercall_run(lp_self(), root_vp(), control, HV_IN, HV_OUT);
	if (out)
		memcpy(out, phys_to_virt(HV_OUT), out_size);
	return result;
}

hv_status_t hv(u16 code, const void *in, u32 in_size, void *out, u32 out_size)
{
	return hv_status(hv_call(code, in, in_size, out, out_size));
}

hv_status_t hv_fast(u16 code, u64 first, u64 second)
{
	return hv_status(hypercall_run(lp_self(), root_vp(), code | HV_HYPERCALL_FAST, first,
				       second));
}

u64 hv_rep(u16 code, u32 count, const void *header, u32 header_size, const void *elements,
	   u32 elements_size, void *out, u32 out_size)
{
	u8 in[PAGE_SIZE];
	u32 start = 0;
	u64 result;

	if (header_size + elements_size > sizeof(in))
		host_fail("a hypercall's input is larger than a page");
	memcpy(in, header, header_size);
	if (elements_size)
		memcpy(in + header_size, elements, elements_size);
	memcpy(phys_to_virt(HV_IN), in, header_size + elements_size);
	memset(phys_to_virt(HV_OUT), 0xAA, PAGE_SIZE);
	do {
		result = hypercall_run(lp_self(), root_vp(), hv_reps(code, count, start), HV_IN,
				       HV_OUT);
		if (!hv_status(result) && hv_completed(result) <= start)
			host_fail("hypercall %x makes no progress", code);
		start = hv_completed(result);
	} while (!hv_status(result) && start < count);
	if (out)
		memcpy(out, phys_to_virt(HV_OUT), out_size);
	return result;
}

static u64 next_page = HOST_FREE_PAGES >> PAGE_SHIFT;

u64 ram_pages(u64 count)
{
	next_page += count;
	if (next_page > HOST_FREE_2M >> PAGE_SHIFT)
		host_fail("the test has used up its pages");
	return next_page - count;
}

u64 ram_mark(void)
{
	return next_page;
}

void ram_release(u64 mark)
{
	while (next_page > mark) {
		/* A page that is mapped or deposited would be used twice. */
		next_page--;
		if (!frame_change(next_page, FRAME_ROOT, FRAME_POOL) ||
		    !frame_change(next_page, FRAME_POOL, FRAME_ROOT))
			host_fail("page %llx did not come back", (unsigned long long)next_page);
	}
}

u64 ram_pages_2m(u64 count)
{
	static u64 next = HOST_FREE_2M >> PAGE_SHIFT;

	next += count << MAP_ORDER_2M;
	if (next > HOST_FREE_1G >> PAGE_SHIFT)
		host_fail("the test has used up its large pages");
	return next - (count << MAP_ORDER_2M);
}

hv_status_t deposit(u64 id, u32 count)
{
	u64 pfns[HV_DEPOSIT_MAX_REPS], first;
	u32 i, n;

	while (count) {
		u64 result;

		n = min(count, (u32)HV_DEPOSIT_MAX_REPS);
		first = ram_pages(n);
		for (i = 0; i < n; i++)
			pfns[i] = first + i;
		result = hv_rep(HVCALL_DEPOSIT_MEMORY, n, &id, sizeof(id), pfns, n * 8, NULL, 0);
		if (hv_status(result))
			return hv_status(result);
		count -= n;
	}
	return HV_STATUS_SUCCESS;
}

u32 withdraw(u64 id)
{
	struct hv_input_withdraw_memory in = { .partition_id = id };
	u32 total = 0;
	u64 result;

	do {
		result = hv_call(hv_reps(HVCALL_WITHDRAW_MEMORY, HV_WITHDRAW_MAX_REPS, 0), &in,
				 sizeof(in), NULL, 0);
		total += hv_completed(result);
	} while (!hv_status(result));
	if (hv_status(result) != HV_STATUS_NO_RESOURCES)
		host_fail("withdrawing ends with status %x", hv_status(result));
	return total;
}

struct partition *partition_of(u64 id)
{
	struct partition *p = partition_get(id, &root_partition);

	if (p)
		partition_put(p);
	return p;
}

static void must(hv_status_t status, const char *what)
{
	if (status)
		host_fail("%s: status %x", what, status);
}

u64 child_create(u64 flags)
{
	struct hv_input_create_partition in = {
		.flags = flags, .compatibility_version = HV_COMPATIBILITY_21_H2,
	};
	struct hv_output_create_partition out;

	if (!root_partition.pool.free)
		must(deposit(HV_PARTITION_ID_SELF, 1), "deposit to root");
	must(hv(HVCALL_CREATE_PARTITION, &in, sizeof(in), &out, sizeof(out)), "create");
	return out.partition_id;
}

struct partition *child_with(u32 pool, u64 synthetic)
{
	struct hv_input_set_partition_property in = {
		.partition_id = child_create(CHILD_FLAGS),
		.property_code = HV_PARTITION_PROPERTY_SYNTHETIC_PROC_FEATURES,
		.property_value = synthetic,
	};

	must(hv(HVCALL_SET_PARTITION_PROPERTY, &in, sizeof(in), NULL, 0), "features");
	must(deposit(in.partition_id, pool), "deposit");
	must(hv_fast(HVCALL_INITIALIZE_PARTITION, in.partition_id, 0), "initialize");
	return partition_of(in.partition_id);
}

struct partition *child_new(void)
{
	return child_with(CHILD_POOL, assignable_synthetic_features);
}

struct vp *child_vp(struct partition *p, u32 index)
{
	struct hv_input_create_vp in = { .partition_id = p->id, .vp_index = index };
	struct vp *vp;

	must(hv(HVCALL_CREATE_VP, &in, sizeof(in), NULL, 0), "create VP");
	vp = vp_get(p, index);
	vp_put(vp);
	must(reg64_set(vp, HV_REGISTER_EXPLICIT_SUSPEND, 0), "resume");
	return vp;
}

u32 pool_drain(struct partition *p, u32 leave, void **pages)
{
	u32 n = 0;

	while (p->pool.free > leave)
		pages[n++] = pool_alloc(&p->pool);
	return n;
}

void pool_refill(struct partition *p, void **pages, u32 n)
{
	while (n)
		pool_free(&p->pool, pages[--n]);
}

void child_gone(struct partition *p)
{
	u64 id = p->id, total = p->pool.total;
	u32 back;

	must(hv_fast(HVCALL_FINALIZE_PARTITION, id, 0), "finalize");
	back = withdraw(id);
	if (back != total)
		host_fail("of %llu pages deposited, %u came back", (unsigned long long)total, back);
	must(hv_fast(HVCALL_DELETE_PARTITION, id, 0), "delete");
}

hv_status_t map_pages(struct partition *p, u64 gpfn, u64 pfn, u32 count, u32 flags)
{
	struct hv_input_map_gpa_pages in = { .target_partition_id = p->id, .map_flags = flags };
	u32 step = flags & HV_MAP_GPA_LARGE_PAGE ? HV_PAGES_PER_LARGE_PAGE : 1, n, i;
	u64 pfns[HV_MAP_GPA_MAX_REPS];

	while (count) {
		u64 result;

		n = min(count, (u32)HV_MAP_GPA_MAX_REPS);
		for (i = 0; i < n; i++)
			pfns[i] = flags & HV_MAP_GPA_NO_ACCESS ? 0 : pfn + i * step;
		in.target_gpa_base = gpfn;
		result = hv_rep(HVCALL_MAP_GPA_PAGES, n, &in, sizeof(in), pfns, n * 8, NULL, 0);
		if (hv_status(result))
			return hv_status(result);
		count -= n;
		gpfn += n * step;
		pfn += n * step;
	}
	return HV_STATUS_SUCCESS;
}

hv_status_t unmap_pages(struct partition *p, u64 gpfn, u32 count, u32 flags)
{
	struct hv_input_unmap_gpa_pages in = {
		.target_partition_id = p->id, .target_gpa_base = gpfn, .unmap_flags = flags,
	};

	return hv_status(hv_rep(HVCALL_UNMAP_GPA_PAGES, count, &in, sizeof(in), NULL, 0, NULL, 0));
}

u64 map_ram(struct partition *p, u64 gpfn, u32 count)
{
	u64 pfn = ram_pages(count);

	must(map_pages(p, gpfn, pfn, count, MAP_RWX), "map");
	return pfn;
}

hv_status_t reg_get(struct vp *vp, u32 name, union hv_register_value *value)
{
	struct hv_input_get_vp_registers in = {
		.partition_id = vp->partition->id, .vp_index = vp->index,
	};

	return hv_status(hv_rep(HVCALL_GET_VP_REGISTERS, 1, &in, sizeof(in), &name, sizeof(name),
				value, sizeof(*value)));
}

hv_status_t reg_set(struct vp *vp, u32 name, const union hv_register_value *value)
{
	struct hv_input_set_vp_registers in = {
		.partition_id = vp->partition->id, .vp_index = vp->index,
	};
	struct hv_register_assoc element = { .name = name, .value = *value };

	return hv_status(hv_rep(HVCALL_SET_VP_REGISTERS, 1, &in, sizeof(in), &element,
				sizeof(element), NULL, 0));
}

u64 reg64(struct vp *vp, u32 name)
{
	union hv_register_value value;
	hv_status_t status = reg_get(vp, name, &value);

	if (status)
		host_fail("register %x cannot be read: status %x", name, status);
	return value.reg64;
}

hv_status_t reg64_set(struct vp *vp, u32 name, u64 v)
{
	union hv_register_value value = { .reg128 = { .low = v } };

	return reg_set(vp, name, &value);
}

void *state_page(struct vp *vp, u16 type)
{
	struct hv_input_map_vp_state_page in = {
		.partition_id = vp->partition->id, .vp_index = vp->index, .type = type,
	};
	struct hv_output_map_vp_state_page out;

	must(hv(HVCALL_MAP_VP_STATE_PAGE, &in, sizeof(in), &out, sizeof(out)), "map state page");
	return ram(out.map_location);
}

struct hv_output_dispatch_vp dispatch_full(struct vp *vp, u32 flags, u64 slice,
					   hv_status_t *status)
{
	struct hv_input_dispatch_vp in = {
		.partition_id = vp->partition->id, .vp_index = vp->index, .flags = flags,
		.time_slice = slice,
	};
	struct hv_output_dispatch_vp out = {};
	hv_status_t s = hv(HVCALL_DISPATCH_VP, &in, sizeof(in), &out, sizeof(out));

	if (status)
		*status = s;
	else
		must(s, "dispatch");
	return out;
}

struct hv_output_dispatch_vp dispatch(struct vp *vp, u32 flags)
{
	return dispatch_full(vp, flags, 0, NULL);
}

struct hv_message *root_sint0_on(void)
{
	struct hv_message *slot = root_vp()->synic.simp.own;

	if (vp_msr_write(root_vp(), HV_X64_MSR_SCONTROL, 1, true) != MSR_OK ||
	    vp_msr_write(root_vp(), HV_X64_MSR_SINT0, 0x41, true) != MSR_OK ||
	    vp_msr_write(root_vp(), HV_X64_MSR_SIMP, virt_to_phys(slot) | 1, true) != MSR_OK)
		host_fail("root's SINT0 cannot be turned on");
	return slot;
}
