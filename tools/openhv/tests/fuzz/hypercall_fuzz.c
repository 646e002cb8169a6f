// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sequences of hypercalls, from root and from children, with any control word,
 * any input and any memory behind it.
 */
#include <openhv/hypercall.h>
#include <openhv/options.h>
#include <openhv/sched.h>
#include <tlfs/memory.h>
#include <tlfs/partition.h>
#include "fuzz.h"

#include <string.h>

#define STEPS_MAX	64

/* What root's kernel puts into the list of pages of a call */
static void put_pages(u8 *in, u32 at, u32 count, u32 first, bool large)
{
	u32 i;

	for (i = 0; i < count && at + (i + 1) * 8 <= PAGE_SIZE; i++) {
		u64 pfn = large ? fuzz_pfn_2m(first + i) : fuzz_pfn(first + i);

		memcpy(in + at + i * 8, &pfn, 8);
	}
}

static void root_call(struct fuzz *f)
{
	const struct hvcall_desc *d = &hvcall_table[fuzz8(f) % hvcall_table_size];
	u8 in[PAGE_SIZE], how = fuzz8(f);
	u32 count = d->flags & HVC_REP ? fuzz16(f) % 520 : 0, var = 0;
	u64 control = d->code, id, result, in_gpa = HV_IN, out_gpa = HV_OUT;

	/* To power the machine off is root's right. */
	if (d->code == HVCALL_ENTER_SLEEP_STATE)
		return;
	memset(in, 0, sizeof(in));
	id = fuzz_partition_id(fuzz8(f) & 15);
	fuzz_bytes(f, in, min((u32)d->in_size, 512U));
	if (d->in_size >= 8 && !(how & 1))
		memcpy(in, &id, 8);
	if (d->flags & HVC_VAR)
		var = fuzz8(f) % 16;
	if (count && d->in_element == 8)
		put_pages(in, d->in_size, count, fuzz16(f), how & 2);
	else if (var && how & 2)
		put_pages(in, d->in_size, var, fuzz16(f), false);
	else if (how & 4)
		fuzz_bytes(f, in + d->in_size, fuzz8(f));
	control |= (u64)count << HV_HYPERCALL_REP_COUNT_SHIFT |
		   (u64)var << HV_HYPERCALL_VARHEAD_SHIFT;
	if (how & 8)
		control |= (u64)fuzz8(f) << HV_HYPERCALL_REP_START_SHIFT;
	if (how & 16)
		control ^= 1UL << (fuzz8(f) & 63);
	if (control & HV_HYPERCALL_FAST) {
		u64 words[2];

		memcpy(words, in, sizeof(words));
		result = hypercall_run(lp_self(), root_vp(), control, words[0], words[1]);
	} else if (how & 32) {
		memcpy(phys_to_virt(HV_IN), in, sizeof(in));
		in_gpa += fuzz_number(f);
		out_gpa += fuzz_number(f);
		result = hypercall_run(lp_self(), root_vp(), control, in_gpa, out_gpa);
	} else {
		result = hv_call(control, in, sizeof(in), NULL, 0);
	}
	if (hv_completed(result) > (control & HV_HYPERCALL_REP_COUNT_MASK) >>
	    HV_HYPERCALL_REP_COUNT_SHIFT)
		host_fail("more was completed than was asked for");
	if ((control & HV_HYPERCALL_CODE_MASK) == HVCALL_CREATE_PARTITION && !hv_status(result)) {
		const struct hv_output_create_partition *out = phys_to_virt(out_gpa);

		fuzz_add_child(out->partition_id);
	}
}

static struct vp *any_vp(struct fuzz *f)
{
	u8 which = fuzz8(f);
	struct partition *p = partition_of(fuzz_partition_id(which & 3));

	return p && !partition_is_root(p) ? fuzz_vp(p, which >> 4 & 3) : NULL;
}

static void step(struct fuzz *f)
{
	struct partition *p;
	struct vp *vp;
	u64 offset;
	u32 n;

	switch (fuzz8(f) & 7) {
	case 0:
		vp = any_vp(f);
		n = fuzz8(f);
		if (vp && sched->dispatch)
			fuzz_dispatch(f, vp, n & 31, n >> 5);
		break;
	case 1:
		vp = any_vp(f);
		if (vp)
			fuzz_mode(f, vp);
		break;
	case 2:
		offset = fuzz_number(f) % (FUZZ_GUEST_PAGES * PAGE_SIZE - 256);
		fuzz_guest_write(f, offset, fuzz8(f) & 63);
		break;
	case 3:
		p = partition_of(fuzz_partition_id(fuzz8(f) & 3));
		if (p && !partition_is_root(p) && p->state == PARTITION_ACTIVE) {
			n = fuzz16(f);
			map_pages(p, fuzz16(f), n & 1 ? fuzz_pfn_2m(0) : fuzz_pfn(n >> 1),
				  n & 1 ? 512 : 1, MAP_RWX);
		}
		break;
	case 4:
		vp = any_vp(f);
		if (vp && vp->regs) {
			offset = fuzz16(f) % (PAGE_SIZE - 64);
			fuzz_bytes(f, (u8 *)vp->regs + offset, fuzz8(f) & 63);
		}
		break;
	default:
		root_call(f);
	}
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct fuzz f;
	u8 setup;
	u32 i;

	fuzz_begin(&f, data, size);
	setup = fuzz8(&f);
	sched = setup & 1 ? &sched_core : &sched_root;
	options.compat = COMPAT_BASE + (setup >> 1 & 7) % COMPAT_MAX;
	options.gpa_intercept_page = setup & 16;
	options.log_exits = setup & 32;
	if (setup & 64)
		fuzz_child(2);
	for (i = 0; i < STEPS_MAX && f.size; i++)
		step(&f);
	fuzz_end();
	return 0;
}
