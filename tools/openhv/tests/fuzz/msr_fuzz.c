// SPDX-License-Identifier: GPL-2.0-only
/*
 * What guests program: MSRs, the local APIC, the SynIC and its timers, by VPs
 * that send each other interrupts while time passes.
 */
#include <asm/x86.h>
#include <openhv/run.h>
#include <openhv/synic.h>
#include <openhv/vlapic.h>
#include <tlfs/interrupt.h>
#include <tlfs/msr.h>
#include "fuzz.h"

#include <string.h>

#define STEPS_MAX	128
#define VPS		3

static void assert_interrupt(struct fuzz *f, struct partition *p)
{
	struct hv_input_assert_virtual_interrupt in = {
		.partition_id = p->id, .interrupt_control = fuzz_number(f),
		.dest_addr = fuzz8(f), .vector = fuzz8(f),
	};

	hv(HVCALL_ASSERT_VIRTUAL_INTERRUPT, &in, sizeof(in), NULL, 0);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct partition *p;
	struct fuzz f;
	struct vp *vp;
	u64 value;
	u32 i, msr;

	fuzz_begin(&f, data, size);
	p = fuzz_child(VPS);
	for (i = 0; i < STEPS_MAX && f.size; i++) {
		u8 what = fuzz8(&f);

		vp = fuzz_vp(p, (what >> 6) % VPS);
		vcpu_sync(lp_self(), &vp->vcpu);
		switch (what & 7) {
		case 0:
			vp_msr_read(vp, fuzz_msr(&f), &value, what & 8);
			break;
		case 1:
		case 2:
			msr = fuzz_msr(&f);
			vp_msr_write(vp, msr, fuzz_number(&f), what & 8);
			break;
		case 3:
			host_pass_time(fuzz16(&f));
			break;
		case 4:
			assert_interrupt(&f, p);
			break;
		case 5:
			msr = fuzz16(&f) & 0xFF0;
			if (what & 8)
				vlapic_write(&vp->apic, msr, fuzz_number(&f));
			else
				vlapic_read(&vp->apic, msr, (u32 *)&value);
			break;
		default:
			fuzz_dispatch(&f, vp, what >> 3 & 7, 0);
		}
	}
	fuzz_end();
	return 0;
}
