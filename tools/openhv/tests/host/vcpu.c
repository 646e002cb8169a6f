// SPDX-License-Identifier: GPL-2.0-only
/*
 * Virtual CPUs in the host build: registers in plain memory, and a guest that
 * the test plays.
 *
 * As on a processor, state that a world switch leaves alone is in the
 * registers of the LP while the VCPU is loaded there, and what is then in
 * memory is worth nothing: it is overwritten, so that whoever reads it without
 * a vcpu_sync() is found out.
 */
#include <asm/cpu.h>
#include "machine.h"
#include "vcpu.h"

#include <string.h>

#define STALE		0xEE
#define FCW_RESET	0x40
#define MXCSR_RESET	0x1F80

struct vcpu_caps vcpu_caps;

void (*host_guest)(struct lp *lp, struct vcpu *v);
__thread struct vcpu_event host_injected;

static struct host_registers registers[LP_MAX];
static const struct vcpu_exit *exits;
static u32 exits_left;

struct host_registers *host_registers(struct lp *lp)
{
	return &registers[lp->index];
}

static void plays(struct lp *lp, struct vcpu *v)
{
	(void)lp;
	if (!exits_left)
		host_fail("the guest was entered once more than there are exits");
	exits_left--;
	v->exit = *exits++;
}

void host_guest_plays(const struct vcpu_exit *list, u32 count)
{
	exits = list;
	exits_left = count;
	host_guest = plays;
}

u32 host_exits_left(void)
{
	return exits_left;
}

int host_take_virq(struct vcpu *v)
{
	struct host_vmcb *vmcb = v->arch.vmcb;

	if (vmcb->virq < 0)
		return -1;
	vmcb->virq_taken = true;
	return vmcb->virq;
}

void vcpu_init(struct vcpu *v, void *page, void *fpu, paddr_t npt, bool root)
{
	struct host_vmcb *vmcb = page;
	static const u8 zeroes[PAGE_SIZE];

	if (memcmp(page, zeroes, PAGE_SIZE) || memcmp(fpu, zeroes, PAGE_SIZE))
		host_fail("a VCPU was given pages that are not zeroed");
	v->fpu = fpu;
	v->arch.vmcb = vmcb;
	vmcb->npt = npt;
	vmcb->root = root;
	vmcb->virq = -1;
	vcpu_reset(v, false);
}

static void reset_seg(struct host_vmcb *vmcb, enum seg seg, u16 selector, u64 base, u16 attributes)
{
	vmcb->seg[seg] = (struct hv_x64_segment_register){
		.base = base, .limit = 0xFFFF, .selector = selector, .attributes = attributes,
	};
}

static void reset_fpu(struct vcpu *v)
{
	u64 both = 3;
	u16 fcw = FCW_RESET;
	u32 mxcsr = MXCSR_RESET;

	memset(v->fpu, 0, PAGE_SIZE);
	memcpy(v->fpu, &fcw, sizeof(fcw));
	memcpy((u8 *)v->fpu + 24, &mxcsr, sizeof(mxcsr));
	if (vcpu_caps.cr4_valid & CR4_OSXSAVE)
		memcpy((u8 *)v->fpu + 512, &both, sizeof(both));
	v->xcr0 = 1;
	v->xss = 0;
	v->tsc_aux = 0;
}

void vcpu_reset(struct vcpu *v, bool init)
{
	struct host_vmcb *vmcb = v->arch.vmcb;
	int seg;

	if (host_loaded(v))
		host_fail("a VCPU was reset while its state is in a processor");
	memset(v->gpr, 0, sizeof(v->gpr));
	v->gpr[GPR_RDX] = 0x600;
	v->rip = 0xFFF0;
	v->rflags = RFLAGS_FIXED;
	for (seg = 0; seg < SEG_LDTR; seg++)
		reset_seg(vmcb, seg, 0, 0, 0x93);
	reset_seg(vmcb, SEG_CS, 0xF000, 0xFFFF0000, 0x9B);
	reset_seg(vmcb, SEG_LDTR, 0, 0, 0x82);
	reset_seg(vmcb, SEG_TR, 0, 0, 0x8B);
	vmcb->gdtr = (struct hv_x64_table_register){ .limit = 0xFFFF };
	vmcb->idtr = vmcb->gdtr;
	vmcb->cr[0] = init ? (vmcb->cr[0] & (CR0_CD | CR0_NW)) | CR0_ET :
		      CR0_CD | CR0_NW | CR0_ET;
	vmcb->cr[2] = 0;
	vmcb->cr[3] = 0;
	vmcb->cr[4] = 0;
	vmcb->cr[8] = 0;
	vmcb->efer = 0;
	vmcb->dr6 = 0xFFFF0FF0;
	vmcb->dr7 = 0x400;
	memset(v->dr, 0, sizeof(v->dr));
	vmcb->injection.valid = false;
	vmcb->shadow = false;
	vmcb->virq = -1;
	vmcb->nmi_masked = false;
	if (!init) {
		memset(vmcb->slots, 0, sizeof(vmcb->slots));
		vmcb->slots[HOST_PAT] = 0x0007040600070406;
		reset_fpu(v);
	}
	vcpu_flush_tlb(v);
}

void vcpu_sipi(struct vcpu *v, u8 vector)
{
	reset_seg(v->arch.vmcb, SEG_CS, vector << 8, (u64)vector << 12, 0x9B);
	v->rip = 0;
}

/* PAT is in the control block proper; VMLOAD and VMSAVE have nothing to do with it. */
static void swap_slots(u64 *to, const u64 *from)
{
	memcpy(to, from, HOST_PAT * sizeof(*to));
}

void vcpu_load(struct lp *lp, struct vcpu *v)
{
	struct host_registers *r = host_registers(lp);
	struct host_vmcb *vmcb = v->arch.vmcb;

	if (lp != lp_self())
		host_fail("a VCPU was loaded on another LP");
	if (lp->loaded == v)
		return;
	if (lp->loaded)
		vcpu_sync(lp, lp->loaded);
	if (host_loaded(v))
		host_fail("a VCPU was loaded that is loaded elsewhere");
	memcpy(r->fpu, v->fpu, sizeof(r->fpu));
	memcpy(r->dr, v->dr, sizeof(r->dr));
	r->xcr0 = v->xcr0;
	r->xss = v->xss;
	r->tsc_aux = v->tsc_aux;
	r->fs = vmcb->seg[SEG_FS];
	r->gs = vmcb->seg[SEG_GS];
	r->tr = vmcb->seg[SEG_TR];
	r->ldtr = vmcb->seg[SEG_LDTR];
	swap_slots(r->slots, vmcb->slots);

	memset(v->fpu, STALE, PAGE_SIZE);
	memset(v->dr, STALE, sizeof(v->dr));
	memset(&vmcb->seg[SEG_FS], STALE, 4 * sizeof(vmcb->seg[0]));
	memset(vmcb->slots, STALE, HOST_PAT * sizeof(u64));
	memset(&v->xcr0, STALE, sizeof(v->xcr0));
	memset(&v->xss, STALE, sizeof(v->xss));
	memset(&v->tsc_aux, STALE, sizeof(v->tsc_aux));
	lp->loaded = v;
}

void vcpu_sync(struct lp *lp, struct vcpu *v)
{
	const struct host_registers *r = host_registers(lp);
	struct host_vmcb *vmcb = v->arch.vmcb;

	if (lp != lp_self())
		host_fail("the state of another LP cannot be saved");
	if (lp->loaded != v)
		return;
	memcpy(v->fpu, r->fpu, sizeof(r->fpu));
	memcpy(v->dr, r->dr, sizeof(r->dr));
	v->xcr0 = r->xcr0;
	v->xss = r->xss;
	v->tsc_aux = r->tsc_aux;
	vmcb->seg[SEG_FS] = r->fs;
	vmcb->seg[SEG_GS] = r->gs;
	vmcb->seg[SEG_TR] = r->tr;
	vmcb->seg[SEG_LDTR] = r->ldtr;
	swap_slots(vmcb->slots, r->slots);
	lp->loaded = NULL;
}

void vcpu_enter(struct lp *lp, struct vcpu *v)
{
	struct host_vmcb *vmcb = v->arch.vmcb;

	if (lp->loaded != v)
		host_fail("a VCPU was entered that is not loaded");
	if (!host_guest)
		host_fail("a guest was entered, and there is none");
	vmcb->entries++;
	host_injected = vmcb->injection;
	vmcb->injection.valid = false;
	vmcb->virq_taken = false;
	host_guest(lp, v);
}

u64 vcpu_get_xcr0(const struct vcpu *v)
{
	struct lp *lp = lp_self();

	return lp->loaded == v ? host_registers(lp)->xcr0 : v->xcr0;
}

void vcpu_flush_tlb(struct vcpu *v)
{
	v->arch.vmcb->flushes++;
}

static void check_cr(unsigned int cr)
{
	if (cr != 0 && cr != 2 && cr != 3 && cr != 4 && cr != 8)
		host_fail("there is no CR%u", cr);
}

u64 vcpu_get_cr(const struct vcpu *v, unsigned int cr)
{
	check_cr(cr);
	return v->arch.vmcb->cr[cr];
}

void vcpu_set_cr(struct vcpu *v, unsigned int cr, u64 value)
{
	check_cr(cr);
	v->arch.vmcb->cr[cr] = cr == 8 ? value & 0xF : value;
	if (cr != 8)
		vcpu_flush_tlb(v);
}

u64 vcpu_get_dr6(const struct vcpu *v)
{
	return v->arch.vmcb->dr6;
}

u64 vcpu_get_dr7(const struct vcpu *v)
{
	return v->arch.vmcb->dr7;
}

void vcpu_set_dr6(struct vcpu *v, u64 value)
{
	v->arch.vmcb->dr6 = value;
}

void vcpu_set_dr7(struct vcpu *v, u64 value)
{
	v->arch.vmcb->dr7 = value;
}

u64 vcpu_get_efer(const struct vcpu *v)
{
	return v->arch.vmcb->efer;
}

void vcpu_set_efer(struct vcpu *v, u64 value)
{
	v->arch.vmcb->efer = value;
	vcpu_flush_tlb(v);
}

unsigned int vcpu_get_cpl(const struct vcpu *v)
{
	const struct host_vmcb *vmcb = v->arch.vmcb;

	if (!(vmcb->cr[0] & CR0_PE))
		return 0;
	if (v->rflags & RFLAGS_VM)
		return 3;
	return (vmcb->seg[SEG_SS].attributes & HV_SEGMENT_DPL_MASK) >> HV_SEGMENT_DPL_SHIFT;
}

void vcpu_get_seg(const struct vcpu *v, enum seg seg, struct hv_x64_segment_register *out)
{
	*out = v->arch.vmcb->seg[seg];
}

/* Bits 8-11 of the attributes are the limit's, and have no place of their own. */
void vcpu_set_seg(struct vcpu *v, enum seg seg, const struct hv_x64_segment_register *in)
{
	struct hv_x64_segment_register *s = &v->arch.vmcb->seg[seg];

	*s = *in;
	s->attributes &= 0xF0FF;
}

void vcpu_get_table(const struct vcpu *v, bool idt, struct hv_x64_table_register *out)
{
	const struct hv_x64_table_register *t = idt ? &v->arch.vmcb->idtr : &v->arch.vmcb->gdtr;

	*out = (struct hv_x64_table_register){ .base = t->base, .limit = t->limit };
}

void vcpu_set_table(struct vcpu *v, bool idt, const struct hv_x64_table_register *in)
{
	struct hv_x64_table_register *t = idt ? &v->arch.vmcb->idtr : &v->arch.vmcb->gdtr;

	t->base = in->base;
	t->limit = in->limit;
}

u64 *vcpu_msr_slot(struct vcpu *v, u32 msr)
{
	static const u32 numbers[HOST_SLOTS] = {
		[HOST_STAR] = MSR_STAR, [HOST_LSTAR] = MSR_LSTAR, [HOST_CSTAR] = MSR_CSTAR,
		[HOST_SFMASK] = MSR_SFMASK, [HOST_KERNEL_GS_BASE] = MSR_KERNEL_GS_BASE,
		[HOST_SYSENTER_CS] = MSR_SYSENTER_CS, [HOST_SYSENTER_ESP] = MSR_SYSENTER_ESP,
		[HOST_SYSENTER_EIP] = MSR_SYSENTER_EIP, [HOST_PAT] = MSR_PAT,
	};
	struct host_vmcb *vmcb = v->arch.vmcb;
	u32 i;

	if (msr == MSR_FS_BASE || msr == MSR_GS_BASE)
		return (u64 *)&vmcb->seg[msr == MSR_FS_BASE ? SEG_FS : SEG_GS].base;
	for (i = 0; i < HOST_SLOTS; i++) {
		if (numbers[i] == msr)
			return &vmcb->slots[i];
	}
	return NULL;
}

void vcpu_pass_msrs(struct vcpu *v, bool all)
{
	v->arch.vmcb->pass_msrs = all;
}

void vcpu_pass_soft_interrupt(struct vcpu *v)
{
	v->arch.vmcb->soft_passes = true;
}

bool vcpu_get_shadow(const struct vcpu *v)
{
	return v->arch.vmcb->shadow;
}

void vcpu_set_shadow(struct vcpu *v, bool on)
{
	v->arch.vmcb->shadow = on;
}

void vcpu_get_injection(const struct vcpu *v, struct vcpu_event *ev)
{
	*ev = v->arch.vmcb->injection;
}

void vcpu_set_injection(struct vcpu *v, const struct vcpu_event *ev)
{
	struct host_vmcb *vmcb = v->arch.vmcb;

	vmcb->injection = *ev;
	if (ev->valid && ev->type == HV_INTERRUPTION_TYPE_NMI)
		vmcb->nmi_masked = true;
}

void vcpu_set_virq(struct vcpu *v, int vector, bool ignore_tpr)
{
	struct host_vmcb *vmcb = v->arch.vmcb;

	vmcb->virq = vector;
	vmcb->virq_ignore_tpr = vector >= 0 && ignore_tpr;
}

int vcpu_virq_offered(const struct vcpu *v)
{
	return v->arch.vmcb->virq;
}

int vcpu_virq_taken(struct vcpu *v)
{
	struct host_vmcb *vmcb = v->arch.vmcb;
	int vector = vmcb->virq;

	if (vector < 0 || !vmcb->virq_taken)
		return -1;
	vmcb->virq = -1;
	return vector;
}

bool vcpu_nmi_masked(const struct vcpu *v)
{
	return v->arch.vmcb->nmi_masked;
}

void vcpu_set_nmi_masked(struct vcpu *v, bool on)
{
	v->arch.vmcb->nmi_masked = on;
}

void vcpu_pass_interrupts(struct vcpu *v, bool exit)
{
	v->arch.vmcb->passes_interrupts = true;
	v->arch.vmcb->intercept_interrupts = exit;
}

void vcpu_intercept_hlt(struct vcpu *v, bool on)
{
	v->arch.vmcb->intercept_hlt = on;
}

void vcpu_intercept_cr4(struct vcpu *v, bool on)
{
	v->arch.vmcb->intercept_cr4 = on;
}

void vcpu_intercept_cr8(struct vcpu *v, bool on)
{
	v->arch.vmcb->intercept_cr8 = on;
}

void vcpu_intercept_exceptions(struct vcpu *v, u32 mask)
{
	v->arch.vmcb->intercept_exceptions = mask;
}

void vcpu_set_tsc_offset(struct vcpu *v, u64 offset)
{
	v->arch.vmcb->tsc_offset = offset;
}

u64 vcpu_get_tsc_offset(const struct vcpu *v)
{
	return v->arch.vmcb->tsc_offset;
}
