// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a parent sets: registers, states of all kinds, the register page.
 */
#include <asm/cpu.h>
#include <openhv/run.h>
#include <openhv/xsave.h>
#include <tlfs/hypercall.h>
#include <tlfs/state.h>
#include <tlfs/vp.h>
#include "fuzz.h"

#include <string.h>

#define STEPS_MAX	48
#define DATA_PAGE	400	/* of the arena: neither the guest's nor in a pool */

static void registers(struct fuzz *f, struct vp *vp)
{
	union hv_register_value value, again;
	u32 name = fuzz_register(f);
	u8 how = fuzz8(f);

	memset(&value, 0, sizeof(value));
	if (how & 1)
		fuzz_bytes(f, &value, sizeof(value));
	else
		value.reg64 = fuzz_number(f);
	if (!reg_set(vp, name, &value) && reg_get(vp, name, &again) == HV_STATUS_SUCCESS)
		reg_set(vp, name, &again);
}

/* States: of a page that the input patches */
static void states(struct fuzz *f, struct vp *vp)
{
	static const u32 types[] = {
		HV_VP_STATE_LAPIC, HV_VP_STATE_XSAVE, HV_VP_STATE_SIM_PAGE,
		HV_VP_STATE_SIEF_PAGE, HV_VP_STATE_SYNTHETIC_TIMERS,
	};
	u8 in[PAGE_SIZE], *data = ram(fuzz_pfn(DATA_PAGE)), how = fuzz8(f);
	struct hv_input_get_vp_state *call = (void *)in;
	u64 pfn = fuzz_pfn(DATA_PAGE);
	u32 n, var = 2;

	memset(in, 0, sizeof(in));
	call->partition_id = vp->partition->id;
	call->vp_index = vp->index;
	call->state_data.type = how & 0x80 ? fuzz32(f) : types[(how & 7) % ARRAY_SIZE(types)];
	if (call->state_data.type == HV_VP_STATE_XSAVE)
		call->state_data.xsave.states = fuzz64(f);
	memcpy(in + sizeof(*call), &pfn, 8);
	memcpy(in + sizeof(*call) + 8, &pfn, 8);
	if (call->state_data.type == HV_VP_STATE_SYNTHETIC_TIMERS) {
		var = sizeof(struct hv_synthetic_timers_state) / 8;
		fuzz_bytes(f, in + sizeof(*call), var * 8);
	}
	if (how & 0x40)
		memset(data, 0, PAGE_SIZE);
	if (how & 0x20)
		hv_call(hv_var(HVCALL_GET_VP_STATE, var), in, sizeof(in), NULL, 0);
	for (n = fuzz8(f) & 7; n; n--)
		fuzz_bytes(f, data + fuzz16(f) % (PAGE_SIZE - 32), 1 + (fuzz8(f) & 31));
	hv_call(hv_var(HVCALL_SET_VP_STATE, var), in, sizeof(in), NULL, 0);
	hv_call(hv_var(HVCALL_GET_VP_STATE, var), in, sizeof(in), NULL, 0);
}

/* What the processor loads must not make it fault (APM vol. 4, XRSTOR). */
static void extended_state_is_valid(struct vp *vp)
{
	const u8 *fpu = vp->vcpu.fpu;
	u64 header[8];
	u32 mxcsr, i;

	vcpu_sync(lp_self(), &vp->vcpu);
	memcpy(header, fpu + 512, sizeof(header));
	memcpy(&mxcsr, fpu + 24, sizeof(mxcsr));
	if (header[0] & ~(vcpu_caps.xcr0 | 3))
		host_fail("XSTATE_BV is %llx", (unsigned long long)header[0]);
	for (i = 1; i < ARRAY_SIZE(header); i++) {
		if (header[i])
			host_fail("word %u of the header is not zero", i);
	}
	if (mxcsr & 0xFFFF0000)
		host_fail("MXCSR is %x", mxcsr);
	if (!(vp->vcpu.xcr0 & 1) || vp->vcpu.xcr0 & ~vcpu_caps.xcr0)
		host_fail("XCR0 is %llx", (unsigned long long)vp->vcpu.xcr0);
	if (vcpu_get_cr(&vp->vcpu, 4) & ~vcpu_caps.cr4_valid)
		host_fail("CR4 is %llx", (unsigned long long)vcpu_get_cr(&vp->vcpu, 4));
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct partition *p;
	struct fuzz f;
	struct vp *vp;
	u8 *page;
	u32 i;

	fuzz_begin(&f, data, size);
	p = fuzz_child(2);
	vp = fuzz_vp(p, 0);
	page = state_page(vp, HV_VP_STATE_PAGE_REGISTERS);
	state_page(vp, HV_VP_STATE_PAGE_INTERCEPT_MESSAGE);
	for (i = 0; i < STEPS_MAX && f.size; i++) {
		u8 what = fuzz8(&f);

		switch (what & 3) {
		case 0:
			registers(&f, vp);
			break;
		case 1:
			states(&f, vp);
			break;
		case 2:
			fuzz_bytes(&f, page + fuzz16(&f) % (PAGE_SIZE - 64), what >> 2);
			break;
		case 3:
			fuzz_dispatch(&f, vp, what >> 6, what >> 2 & 15);
		}
		extended_state_is_valid(vp);
	}
	fuzz_end();
	return 0;
}
