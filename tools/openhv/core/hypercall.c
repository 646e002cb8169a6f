// SPDX-License-Identifier: GPL-2.0-only
/*
 * The hypercall interface (TLFS, "Hypercall Interface"): the control word is
 * checked, the input copied once, and the result written back.
 */
#include <asm/cpu.h>
#include <asm/x86.h>
#include <openhv/gwalk.h>
#include <openhv/hypercall.h>
#include <openhv/log.h>
#include <openhv/options.h>
#include <openhv/partition.h>
#include <openhv/run.h>
#include <openhv/string.h>
#include <tlfs/hypercall.h>
#include <tlfs/interrupt.h>

/* A rep call goes on for this long before it lets interrupts in: 50 us (TLFS, "Continuation") */
#define CONTINUE_HZ	20000

hv_status_t hvc_partition(struct hvcall *c, u64 id, struct partition **p)
{
	struct partition *self = c->vp->partition;

	if (!partition_is_root(self) && id != HV_PARTITION_ID_SELF && id != self->id)
		return HV_STATUS_ACCESS_DENIED;
	*p = partition_get(id, self);
	return *p ? HV_STATUS_SUCCESS : HV_STATUS_INVALID_PARTITION_ID;
}

static const struct hvcall_desc *find(u16 code)
{
	u32 low = 0, high = hvcall_table_size;

	/* The table is sorted by code. */
	while (low < high) {
		u32 mid = (low + high) / 2;

		if (hvcall_table[mid].code == code)
			return &hvcall_table[mid];
		if (hvcall_table[mid].code < code)
			low = mid + 1;
		else
			high = mid;
	}
	return NULL;
}

static u64 result(hv_status_t status, u32 reps)
{
	return status | (u64)reps << HV_HYPERCALL_REP_COMP_SHIFT;
}

static hv_status_t check_control(const struct hvcall_desc *d, u64 control, u32 count, u32 start)
{
	bool fast = control & HV_HYPERCALL_FAST;

	if (control & (HV_HYPERCALL_RSVD_MASK | HV_HYPERCALL_NESTED))
		return HV_STATUS_INVALID_HYPERCALL_INPUT;
	if (d->flags & HVC_REP ? !count || start >= count : count || start)
		return HV_STATUS_INVALID_HYPERCALL_INPUT;
	if (!(d->flags & HVC_VAR) && control & HV_HYPERCALL_VARHEAD_MASK)
		return HV_STATUS_INVALID_HYPERCALL_INPUT;
	/* A fast call has 16 bytes of input, and no output. */
	if (fast && (d->flags & HVC_REP || d->in_size > 16 || d->out_size ||
		     control & HV_HYPERCALL_VARHEAD_MASK))
		return HV_STATUS_INVALID_HYPERCALL_INPUT;
	return HV_STATUS_SUCCESS;
}

/* A parameter block: aligned, and within one page */
static hv_status_t check_block(u64 gpa, u32 size)
{
	if (!IS_ALIGNED(gpa, HV_HYPERCALL_PARAM_ALIGN) ||
	    (gpa & (PAGE_SIZE - 1)) + size > PAGE_SIZE)
		return HV_STATUS_INVALID_ALIGNMENT;
	return HV_STATUS_SUCCESS;
}

/* Before anything is done: what cannot be told shall not be done. */
static bool writable(struct gpamap *map, u64 gpa)
{
	bool ok;

	read_lock(&map->lock);
	ok = gpamap_page(map, gpa >> PAGE_SHIFT, GPA_WRITE);
	read_unlock(&map->lock);
	return ok;
}

static hv_status_t run_reps(const struct hvcall_desc *d, struct hvcall *c)
{
	hv_status_t status = HV_STATUS_SUCCESS;

	if (!(d->flags & HVC_REP) || d->flags & HVC_BATCH)
		return d->handler(c);
	while (c->rep < c->rep_count) {
		status = d->handler(c);
		if (status)
			break;
		c->rep++;
		/* Success with fewer repetitions than asked for: call again. */
		if ((s64)(rdtsc() - c->deadline) > 0)
			break;
	}
	return status;
}

/* Newer builds tell whose memory is missing, and whether it has to be in one piece. */
static hv_status_t which_memory(u16 code)
{
	if (options.compat < COMPAT_STATUSES)
		return HV_STATUS_INSUFFICIENT_MEMORY;
	switch (code) {
	case HVCALL_CREATE_PARTITION:
	case HVCALL_CREATE_PORT:
		return HV_STATUS_INSUFFICIENT_ROOT_MEMORY;
	case HVCALL_CREATE_VP:
		return HV_STATUS_INSUFFICIENT_CONTIGUOUS_MEMORY;
	}
	return HV_STATUS_INSUFFICIENT_MEMORY;
}

u64 hypercall_run(struct lp *lp, struct vp *vp, u64 control, u64 in, u64 out)
{
	struct gpamap *map = &vp->partition->gpamap;
	u16 code = control & HV_HYPERCALL_CODE_MASK;
	u32 count = (control & HV_HYPERCALL_REP_COUNT_MASK) >> HV_HYPERCALL_REP_COUNT_SHIFT;
	u32 start = (control & HV_HYPERCALL_REP_START_MASK) >> HV_HYPERCALL_REP_START_SHIFT;
	u32 var = (control & HV_HYPERCALL_VARHEAD_MASK) >> HV_HYPERCALL_VARHEAD_SHIFT;
	const struct hvcall_desc *d = find(code);
	struct hvcall c = {
		.lp = lp, .vp = vp, .code = code,
		/* A child's hypercalls come while one of root's, the dispatch, is in hand. */
		.in = lp->hc_pages[!partition_is_root(vp->partition)][0],
		.out = lp->hc_pages[!partition_is_root(vp->partition)][1],
		.var_size = var * 8, .rep_count = count, .rep = start, .out_gpa = out,
	};
	u32 in_size, out_size, out_from;
	hv_status_t status;

	if (!d)
		return result(HV_STATUS_INVALID_HYPERCALL_CODE, 0);
	if ((d->flags & HVC_ROOT && !partition_is_root(vp->partition)) ||
	    (vp->partition->privileges & d->privileges) != d->privileges)
		return result(HV_STATUS_ACCESS_DENIED, 0);
	status = check_control(d, control, count, start);
	if (status)
		return result(status, 0);

	in_size = d->in_size + c.var_size + count * d->in_element;
	out_size = d->out_size + count * d->out_element;
	if (in_size > PAGE_SIZE || out_size > PAGE_SIZE)
		return result(HV_STATUS_INVALID_HYPERCALL_INPUT, 0);
	if (control & HV_HYPERCALL_FAST) {
		((u64 *)c.in)[0] = in;
		((u64 *)c.in)[1] = out;
	} else if (in_size) {
		status = check_block(in, in_size);
		if (status)
			return result(status, start);
		if (!gpa_read(map, in, c.in, in_size))
			return result(HV_STATUS_INVALID_PARAMETER, start);
	}
	if (out_size) {
		status = check_block(out, out_size);
		if (status)
			return result(status, start);
		if (!writable(map, out))
			return result(HV_STATUS_INVALID_PARAMETER, start);
		memset(c.out, 0, out_size);
	}
	c.elements = (u8 *)c.in + d->in_size + c.var_size;
	c.out_elements = (u8 *)c.out + d->out_size;
	c.deadline = rdtsc() + tsc_hz / CONTINUE_HZ;

	status = run_reps(d, &c);
	if (unlikely(status == HV_STATUS_INSUFFICIENT_MEMORY))
		status = which_memory(code);

	/* Output of this call's repetitions only: earlier ones are the guest's already. */
	out_from = start ? d->out_size + start * d->out_element : 0;
	out_size = d->out_size + c.rep * d->out_element;
	if ((!status || d->flags & HVC_REP) && out_size > out_from &&
	    !gpa_write(map, out + out_from, (u8 *)c.out + out_from, out_size - out_from))
		return result(HV_STATUS_INVALID_PARAMETER, start);
	return result(status, d->flags & HVC_REP ? c.rep : 0);
}

/* Codes that a parent may want to see instead */
static bool forward_to_parent(struct vp *vp, u16 code, u64 result)
{
	struct partition *p = vp->partition;
	u16 status = result & HV_HYPERCALL_RESULT_MASK;

	if (likely(!p->intercept_count))
		return false;
	if (status == HV_STATUS_INVALID_CONNECTION_ID &&
	    (code == HVCALL_POST_MESSAGE || code == HVCALL_SIGNAL_EVENT) &&
	    intercept_wanted(p, HV_INTERCEPT_TYPE_UNKNOWN_SYNIC_CONNECTION, 0,
			     HV_INTERCEPT_ACCESS_MASK_EXECUTE))
		return true;
	if (status == HV_STATUS_INVALID_DEVICE_ID && code == HVCALL_RETARGET_INTERRUPT &&
	    intercept_wanted(p, HV_INTERCEPT_TYPE_RETARGET_INTERRUPT_WITH_UNKNOWN_DEVICE_ID, 0,
			     HV_INTERCEPT_ACCESS_MASK_EXECUTE))
		return true;
	/*
	 * Codes that are not the hypervisor's are the parent's, if it wants them (the
	 * extended hypercalls among them). All others have been carried out by now.
	 */
	return status == HV_STATUS_INVALID_HYPERCALL_CODE &&
	       intercept_wanted(p, HV_INTERCEPT_TYPE_HYPERCALL, 0,
				HV_INTERCEPT_ACCESS_MASK_EXECUTE);
}

void hypercall_handle(struct lp *lp, struct vp *vp)
{
	struct vcpu *v = &vp->vcpu;
	u64 control, in, out, res;
	bool long_mode;

	lp->info->hypercalls++;
	/* Only the kernel of a guest that has a hypercall page may call. */
	if (vcpu_get_cpl(v) || !(vp->partition->hypercall & HV_MSR_PAGE_ENABLE)) {
		vp_inject_ud(vp);
		return;
	}
	long_mode = vcpu_get_efer(v) & EFER_LMA;
	if (long_mode) {
		control = v->gpr[GPR_RCX];
		in = v->gpr[GPR_RDX];
		out = v->gpr[GPR_R8];
	} else {
		control = (u64)lower_32(v->gpr[GPR_RDX]) << 32 | lower_32(v->gpr[GPR_RAX]);
		in = (u64)lower_32(v->gpr[GPR_RBX]) << 32 | lower_32(v->gpr[GPR_RCX]);
		out = (u64)lower_32(v->gpr[GPR_RDI]) << 32 | lower_32(v->gpr[GPR_RSI]);
	}
	res = hypercall_run(lp, vp, control, in, out);
	if (unlikely(forward_to_parent(vp, control & HV_HYPERCALL_CODE_MASK, res))) {
		intercept_hypercall(vp);
		return;
	}
	if (long_mode) {
		v->gpr[GPR_RAX] = res;
	} else {
		v->gpr[GPR_RAX] = lower_32(res);
		v->gpr[GPR_RDX] = upper_32(res);
	}
	vp_skip_insn(vp, 3);
}
