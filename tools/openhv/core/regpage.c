// SPDX-License-Identifier: GPL-2.0-only
/*
 * The VP register page: a VMM's way to registers without a hypercall. The
 * page is the VMM's to write at any time, so that it is read once.
 */
#include <asm/cpu.h>
#include <openhv/atomic.h>
#include <openhv/run.h>
#include <openhv/string.h>

#define FX_XMM0		160
#define XSAVE_BV	512

void regpage_fill(struct vp *vp)
{
	struct hv_vp_register_page *r = vp->regs;
	union hv_register_value value;
	struct vcpu *v = &vp->vcpu;

	if (!r)
		return;
	r->version = HV_VP_REGISTER_PAGE_VERSION_1;
	r->rsvdz = 0;
	memcpy(r->gp_registers, v->gpr, sizeof(r->gp_registers));
	r->rip = v->rip;
	r->rflags = v->rflags;
	memcpy(r->xmm, (u8 *)v->fpu + FX_XMM0, sizeof(r->xmm));
	vcpu_get_seg(v, SEG_ES, &r->es);
	vcpu_get_seg(v, SEG_CS, &r->cs);
	vcpu_get_seg(v, SEG_SS, &r->ss);
	vcpu_get_seg(v, SEG_DS, &r->ds);
	vcpu_get_seg(v, SEG_FS, &r->fs);
	vcpu_get_seg(v, SEG_GS, &r->gs);
	r->cr0 = vcpu_get_cr(v, 0);
	r->cr3 = vcpu_get_cr(v, 3);
	r->cr4 = vcpu_get_cr(v, 4);
	r->cr8 = vcpu_get_cr(v, 8);
	r->efer = vcpu_get_efer(v);
	r->dr7 = vcpu_get_dr7(v);
	vp_get_register(vp, HV_REGISTER_PENDING_INTERRUPTION, &value);
	r->pending_interruption = value.reg64;
	vp_get_register(vp, HV_REGISTER_INTERRUPT_STATE, &value);
	r->interrupt_state = value.reg64;
	r->instruction_emulation_hints = 0;
	r->xfem = v->xcr0;
	r->dirty = 0;
	store_release(&r->isvalid, (u8)1);
}

void regpage_load(struct vp *vp)
{
	struct hv_vp_register_page *r = vp->regs;
	struct vcpu *v = &vp->vcpu;
	union hv_register_value value;
	u32 dirty;

	if (!r)
		return;
	dirty = atomic_xchg(&r->dirty, 0);
	if (!atomic_xchg(&r->isvalid, (u8)0) || !(dirty & HV_REGISTER_PAGE_DIRTY_VALID))
		return;
	if (dirty & HV_REGISTER_PAGE_DIRTY_GENERAL)
		memcpy(v->gpr, r->gp_registers, sizeof(v->gpr));
	if (dirty & HV_REGISTER_PAGE_DIRTY_IP)
		v->rip = READ_ONCE(r->rip);
	if (dirty & HV_REGISTER_PAGE_DIRTY_FLAGS) {
		value.reg64 = READ_ONCE(r->rflags);
		vp_set_register(vp, HV_X64_REGISTER_RFLAGS, &value);
	}
	if (dirty & HV_REGISTER_PAGE_DIRTY_XMM) {
		memcpy((u8 *)v->fpu + FX_XMM0, r->xmm, sizeof(r->xmm));
		if (vcpu_caps.cr4_valid & CR4_OSXSAVE)
			*(u64 *)((u8 *)v->fpu + XSAVE_BV) |= 3;
	}
	if (dirty & HV_REGISTER_PAGE_DIRTY_SEGMENT) {
		const struct hv_x64_segment_register *seg = &r->es;
		u32 i;

		/* ES CS SS DS FS GS: the order of the names */
		for (i = 0; i < 6; i++) {
			memcpy(&value.segment, &seg[i], sizeof(value.segment));
			vp_set_register(vp, HV_X64_REGISTER_ES + i, &value);
		}
	}
}

void regpage_scan_vectors(struct vp *vp)
{
	union hv_vp_register_page_interrupt_vectors vectors;
	struct hv_vp_register_page *r = vp->regs;
	u32 i;

	if (!r || !READ_ONCE(r->interrupt_vectors.as_uint64))
		return;
	vectors.as_uint64 = atomic_xchg(&r->interrupt_vectors.as_uint64, 0);
	for (i = 0; i < vectors.vector_count && i < HV_VP_REGISTER_PAGE_MAX_VECTORS; i++)
		vlapic_accept(&vp->apic, vectors.vector[i], false);
}
