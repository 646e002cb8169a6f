// SPDX-License-Identifier: GPL-2.0-only
/*
 * Walks of a guest's page tables: the guest's memory is the input.
 */
#include <openhv/gwalk.h>
#include <openhv/run.h>
#include <tlfs/vp.h>
#include "fuzz.h"

#include <string.h>

/* Tables that lead somewhere: an input says the entries that it cares about. */
static void tables(struct fuzz *f)
{
	u32 n = fuzz8(f) % 64, i;

	for (i = 0; i < n; i++) {
		u64 *page = (u64 *)(fuzz_guest() + fuzz8(f) % FUZZ_GUEST_PAGES * PAGE_SIZE);
		u8 how = fuzz8(f);
		u64 entry = how & 1 ? fuzz64(f) :
			    (u64)(fuzz8(f) % FUZZ_GUEST_PAGES) << PAGE_SHIFT | (how & 0xFE) | 1;

		if (how & 2)
			page[fuzz16(f) % 512] = entry;
		else if (how & 4)
			((u32 *)page)[fuzz16(f) % 1024] = entry;
		else
			page[0] = entry;
	}
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct hv_input_translate_virtual_address in = { .vp_index = 0 };
	struct hv_output_translate_virtual_address out;
	struct walk_result r;
	struct partition *p;
	struct fuzz f;
	struct vp *vp;
	u8 bytes[64];
	u32 i;

	fuzz_begin(&f, data, size);
	p = fuzz_child(1);
	vp = fuzz_vp(p, 0);
	fuzz_mode(&f, vp);
	tables(&f);
	for (i = 0; i < 8 && f.size; i++) {
		u64 gva = fuzz_number(&f);
		u16 flags = fuzz16(&f);

		gva_walk(vp, gva, flags, &r);
		if (r.code == HV_TRANSLATE_GVA_SUCCESS && r.gpa >> PAGE_SHIFT >= FUZZ_GUEST_PAGES)
			host_fail("a walk ends at %llx, where nothing is",
				  (unsigned long long)r.gpa);
		if ((r.gpa ^ gva) & (PAGE_SIZE - 1) && r.code == HV_TRANSLATE_GVA_SUCCESS)
			host_fail("a walk changes the offset in the page");
		in.partition_id = p->id;
		in.control_flags = flags;
		in.gva_page = gva >> PAGE_SHIFT;
		hv(HVCALL_TRANSLATE_VIRTUAL_ADDRESS, &in, sizeof(in), &out, sizeof(out));
		vp->vcpu.rip = gva;
		if (vp_fetch(vp, bytes, sizeof(bytes)) > sizeof(bytes))
			host_fail("more was fetched than there is room for");
		vp->vcpu.exit.insn_len = 0;
		if (vp_insn_length(vp, 1) > 16)
			host_fail("an instruction is too long");
	}
	fuzz_end();
	return 0;
}
