// SPDX-License-Identifier: GPL-2.0-only
/*
 * Virtual CPUs on AMD's Secure Virtual Machine (APM vol. 2, chapter 15):
 * set-up and the world switch. Exits are decoded in exit.c, registers are
 * read and written in state.c.
 */
#include <asm/cpu.h>
#include <asm/x86.h>
#include <openhv/log.h>
#include <openhv/lp.h>
#include <openhv/memory.h>
#include <openhv/options.h>
#include <openhv/string.h>
#include <openhv/vcpu.h>
#include <openhv/vlapic.h>
#include "svm.h"
#include "vmcb.h"

struct vcpu_caps vcpu_caps;

/* Permission maps: a set bit intercepts. Children share theirs. */
static u8 iopm_root[SVM_IOPM_SIZE] __aligned(PAGE_SIZE);
static u8 iopm_child[SVM_IOPM_SIZE] __aligned(PAGE_SIZE);
static u8 msrpm_root[SVM_MSRPM_SIZE] __aligned(PAGE_SIZE);
static u8 msrpm_child[SVM_MSRPM_SIZE] __aligned(PAGE_SIZE);
static u8 msrpm_all[SVM_MSRPM_SIZE] __aligned(PAGE_SIZE);

/* MSRs that the processor switches with the guest (VMLOAD, VMSAVE, VMRUN). */
static const u32 switched_msrs[] = {
	MSR_STAR, MSR_LSTAR, MSR_CSTAR, MSR_SFMASK, MSR_FS_BASE, MSR_GS_BASE,
	MSR_KERNEL_GS_BASE, MSR_SYSENTER_CS, MSR_SYSENTER_ESP, MSR_SYSENTER_EIP,
};

/* MSRs of the root partition that openhv keeps or shows otherwise. */
static const u32 root_msrs[] = {
	MSR_APIC_BASE, MSR_EFER, MSR_VM_CR, MSR_VM_HSAVE_PA, MSR_TSC_DEADLINE, MSR_PAT,
};

static void msrpm_set(u8 *map, u32 msr, bool intercept)
{
	u32 bit;

	if (msr <= 0x1FFF)
		bit = msr * 2;
	else if (msr >= 0xC0000000 && msr <= 0xC0001FFF)
		bit = 0x800 * 8 + (msr - 0xC0000000) * 2;
	else if (msr >= 0xC0010000 && msr <= 0xC0011FFF)
		bit = 0x1000 * 8 + (msr - 0xC0010000) * 2;
	else
		return;		/* outside the map: always intercepted */
	if (intercept)
		map[bit / 8] |= 3 << (bit % 8);
	else
		map[bit / 8] &= ~(3 << (bit % 8));
}

static void permission_maps_init(void)
{
	u32 i;

	memset(iopm_child, 0xFF, sizeof(iopm_child));
	memset(msrpm_child, 0xFF, sizeof(msrpm_child));
	memset(msrpm_all, 0xFF, sizeof(msrpm_all));
	for (i = 0; i < ARRAY_SIZE(switched_msrs); i++)
		msrpm_set(msrpm_child, switched_msrs[i], false);
	for (i = 0; i < ARRAY_SIZE(root_msrs); i++)
		msrpm_set(msrpm_root, root_msrs[i], true);
	for (i = MSR_X2APIC_FIRST; i <= MSR_X2APIC_LAST; i++)
		msrpm_set(msrpm_root, i, true);
	if (!options.root_shim || !apic_has_x2apic())
		return;
	/* What root_apic_read() and root_apic_write() would do */
	msrpm_set(msrpm_root, X2APIC_MSR(APIC_TPR), false);
	msrpm_set(msrpm_root, X2APIC_MSR(APIC_PPR), false);
	msrpm_set(msrpm_root, X2APIC_MSR(APIC_EOI), false);
	msrpm_set(msrpm_root, X2APIC_MSR(APIC_SELF_IPI), false);
	for (i = X2APIC_MSR(APIC_ISR); i < X2APIC_MSR(APIC_ESR); i++)
		msrpm_set(msrpm_root, i, false);
}

/* CR4 bits that the processor has, from CPUID. */
static u64 cr4_from_cpuid(void)
{
	u64 cr4 = 0x7FF & ~CR4_OSFXSR;	/* VME to PCE, FXSR below, OSXMMEXCPT */
	u32 a, b, c, d;

	cpuid_count(1, 0, &a, &b, &c, &d);
	cr4 |= CR4_OSFXSR;
	if (c & BIT(17))
		cr4 |= CR4_PCIDE;
	if (c & BIT(26))
		cr4 |= CR4_OSXSAVE;
	cpuid_count(7, 0, &a, &b, &c, &d);
	if (b & BIT(0))
		cr4 |= CR4_FSGSBASE;
	if (b & BIT(7))
		cr4 |= CR4_SMEP;
	if (b & BIT(20))
		cr4 |= CR4_SMAP;
	if (c & BIT(2))
		cr4 |= CR4_UMIP;
	if (c & BIT(3))
		cr4 |= CR4_PKE;
	if (c & BIT(16))
		cr4 |= CR4_LA57;
	return cr4;
}

/* Bits of MXCSR that exist: FXSAVE stores them behind it; 0 means the default (APM vol. 1). */
static u32 mxcsr_mask(void)
{
	static u8 area[512] __aligned(16);
	u64 cr4 = read_cr4();
	u32 mask;

	write_cr4(cr4 | CR4_OSFXSR);
	fxsave(area);
	write_cr4(cr4);
	memcpy(&mask, area + 28, sizeof(mask));
	return mask ? mask : 0xFFBF;
}

void vcpu_probe(void)
{
	u32 a, b, c, d;

	cpuid_count(0x80000000, 0, &a, &b, &c, &d);
	if (a < 0x8000000A)
		refuse("this processor has no SVM (AMD virtualization)");
	cpuid_count(0x80000001, 0, &a, &b, &c, &d);
	if (!(c & BIT(2)))
		refuse("this processor has no SVM (AMD virtualization)");
	vcpu_caps.large_1g = d & BIT(26);
	svm_has_tsc_aux = d & BIT(27);
	vcpu_caps.efer_valid = EFER_SCE | EFER_LME | EFER_LMA | EFER_NXE;
	if (d & BIT(25))
		vcpu_caps.efer_valid |= EFER_FFXSR;
	if (rdmsr(MSR_VM_CR) & VM_CR_SVMDIS)
		refuse("SVM is switched off by the firmware (VM_CR.SVMDIS)");
	cpuid_count(0x8000000A, 0, &a, &b, &c, &d);
	if (!(d & BIT(0)))
		refuse("this processor has SVM, but no nested paging (NPT)");
	if (b < 8)
		refuse("this processor has only %u address space IDs", b);
	vcpu_caps.asids = b;
	vcpu_caps.next_rip = d & BIT(3);
	cpuid_count(0x80000008, 0, &a, &b, &c, &d);
	vcpu_caps.phys_bits = a & 0xFF;
	vcpu_caps.cr4_valid = cr4_from_cpuid();
	if (vcpu_caps.cr4_valid & CR4_OSXSAVE) {
		cpuid_count(0xD, 0, &a, &b, &c, &d);
		vcpu_caps.xcr0 = (u64)d << 32 | a;
		vcpu_caps.xsave_size = c;
		if (vcpu_caps.xsave_size > PAGE_SIZE) {
			/* Keep what fits in the page that a VP has for it. */
			vcpu_caps.xcr0 &= 0xFF;
			vcpu_caps.xsave_size = PAGE_SIZE;
		}
		cpuid_count(0xD, 1, &a, &b, &c, &d);
		if (a & BIT(3))
			vcpu_caps.xss = (u64)d << 32 | c;
	} else {
		vcpu_caps.xcr0 = 3;
		vcpu_caps.xsave_size = 512;
	}
	vcpu_caps.mxcsr_mask = mxcsr_mask();
	permission_maps_init();
}

void vcpu_lp_enable(struct lp *lp)
{
	wrmsr(MSR_EFER, rdmsr(MSR_EFER) | EFER_SVME);
	wrmsr(MSR_VM_HSAVE_PA, virt_to_phys(lp->host_save));
	if (vcpu_caps.cr4_valid & CR4_OSXSAVE) {
		write_cr4(read_cr4() | CR4_OSXSAVE);
		xsetbv(0, vcpu_caps.xcr0);
	}
	lp->asid_gen = 1;
	lp->next_asid = 1;
	/* From here on GIF is clear, but for the windows in which interrupts are taken. */
	__asm__ __volatile__("clgi; sti" ::: "memory");
	__asm__ __volatile__("vmsave %0" :: "a"(virt_to_phys(lp->host_vmcb)) : "memory");
}

void vcpu_init(struct vcpu *v, void *page, void *fpu, paddr_t npt, bool root)
{
	struct vmcb *vmcb = page;

	v->fpu = fpu;
	v->arch.vmcb = vmcb;
	v->arch.virq = -1;
	v->arch.root = root;
	vmcb->intercept1 = SVM_INTERCEPT1_INTR | SVM_INTERCEPT1_NMI | SVM_INTERCEPT1_INIT |
			   SVM_INTERCEPT1_CPUID | SVM_INTERCEPT1_RSM | SVM_INTERCEPT1_INVLPGA |
			   SVM_INTERCEPT1_IOIO | SVM_INTERCEPT1_MSR | SVM_INTERCEPT1_SHUTDOWN;
	vmcb->intercept2 = SVM_INTERCEPT2_VMRUN | SVM_INTERCEPT2_VMMCALL | SVM_INTERCEPT2_VMLOAD |
			   SVM_INTERCEPT2_VMSAVE | SVM_INTERCEPT2_STGI | SVM_INTERCEPT2_CLGI |
			   SVM_INTERCEPT2_SKINIT;
	/* core/softint.c says what for. */
	if (platform_is_tcg())
		vmcb->intercept1 |= SVM_INTERCEPT1_SWINT;
	if (root) {
		vmcb->iopm_base = virt_to_phys(iopm_root);
		vmcb->msrpm_base = virt_to_phys(msrpm_root);
	} else {
		/*
		 * #AC and #DB can be raised again and again by their own delivery: the
		 * processor would never come back (APM vol. 2, 15.12).
		 */
		vmcb->intercept_exceptions = BIT(X86_TRAP_AC) | BIT(X86_TRAP_DB);
		vmcb->intercept1 |= SVM_INTERCEPT1_HLT | SVM_INTERCEPT1_INVD |
				    SVM_INTERCEPT1_RDPMC;
		vmcb->intercept2 |= SVM_INTERCEPT2_WBINVD | SVM_INTERCEPT2_MONITOR |
				    SVM_INTERCEPT2_MWAIT | SVM_INTERCEPT2_MWAIT_ARMED |
				    SVM_INTERCEPT2_XSETBV | SVM_INTERCEPT2_ICEBP;
		/*
		 * QEMU's emulator keeps the breakpoints that a guest sets for all that runs
		 * on the processor after it. VMRUN sets none, but a write of any debug
		 * register does, if the DR7 that VMRUN loaded has it enabled.
		 */
		if (platform_is_tcg()) {
			v->arch.keeps_dr7 = true;
			vmcb->intercept_dr_read = BIT(5) | BIT(7);
			vmcb->intercept_dr_write = BIT(5) | BIT(7);
		}
		vmcb->iopm_base = virt_to_phys(iopm_child);
		vmcb->msrpm_base = virt_to_phys(msrpm_child);
	}
	vmcb->np_enable = 1;
	vmcb->n_cr3 = npt;
	vmcb->int_ctl = SVM_V_INTR_MASKING;
	vcpu_reset(v, false);
}

void vcpu_pass_msrs(struct vcpu *v, bool pass)
{
	v->arch.vmcb->msrpm_base = virt_to_phys(pass ? msrpm_child : msrpm_all);
}

void vcpu_pass_soft_interrupt(struct vcpu *v)
{
	v->arch.soft_passes = true;
	v->arch.vmcb->intercept1 &= ~SVM_INTERCEPT1_SWINT;
}

/* The extended state and the debug registers, into or out of the processor. */
static void extra_save(struct vcpu *v)
{
	v->dr[0] = read_dr0();
	v->dr[1] = read_dr1();
	v->dr[2] = read_dr2();
	v->dr[3] = read_dr3();
	if (vcpu_caps.cr4_valid & CR4_OSXSAVE) {
		v->xcr0 = xgetbv(0);
		if (v->xcr0 != vcpu_caps.xcr0)
			xsetbv(0, vcpu_caps.xcr0);
		xsave(v->fpu, vcpu_caps.xcr0);
	} else {
		fxsave(v->fpu);
	}
}

static void extra_load(struct vcpu *v)
{
	write_dr0(v->dr[0]);
	write_dr1(v->dr[1]);
	write_dr2(v->dr[2]);
	write_dr3(v->dr[3]);
	if (vcpu_caps.cr4_valid & CR4_OSXSAVE) {
		xrstor(v->fpu, vcpu_caps.xcr0);
		if (v->xcr0 != vcpu_caps.xcr0)
			xsetbv(0, v->xcr0);
	} else {
		fxrstor(v->fpu);
	}
}

void vcpu_sync(struct lp *lp, struct vcpu *v)
{
	if (lp->loaded != v)
		return;
	__asm__ __volatile__("vmsave %0" :: "a"(virt_to_phys(v->arch.vmcb)) : "memory");
	extra_save(v);
	if (svm_has_tsc_aux)
		v->tsc_aux = rdmsr(MSR_TSC_AUX);
	if (vcpu_caps.xss)
		v->xss = rdmsr(MSR_XSS);
	lp->loaded = NULL;
}

void vcpu_load(struct lp *lp, struct vcpu *v)
{
	if (lp->loaded == v)
		return;
	if (lp->loaded)
		vcpu_sync(lp, lp->loaded);
	__asm__ __volatile__("vmload %0" :: "a"(virt_to_phys(v->arch.vmcb)) : "memory");
	extra_load(v);
	if (svm_has_tsc_aux)
		wrmsr(MSR_TSC_AUX, v->tsc_aux);
	if (vcpu_caps.xss)
		wrmsr(MSR_XSS, v->xss);
	lp->loaded = v;
}

u64 vcpu_get_xcr0(const struct vcpu *v)
{
	struct lp *lp = lp_self();

	if (vcpu_caps.cr4_valid & CR4_OSXSAVE && lp->loaded == v)
		return xgetbv(0);
	return v->xcr0;
}

void vcpu_flush_tlb(struct vcpu *v)
{
	v->arch.asid = 0;
}

/* An address space ID on this LP; a new one has no translations in the TLB. */
static void assign_asid(struct lp *lp, struct vcpu *v)
{
	struct vcpu_arch *a = &v->arch;

	a->vmcb->tlb_control = 0;
	if (likely(a->asid && a->asid_lp == lp && a->asid_gen == lp->asid_gen))
		return;
	if (lp->next_asid >= vcpu_caps.asids) {
		lp->asid_gen++;
		lp->next_asid = 1;
		a->vmcb->tlb_control = SVM_TLB_FLUSH_ALL;
	}
	a->asid = lp->next_asid++;
	a->asid_lp = lp;
	a->asid_gen = lp->asid_gen;
	a->vmcb->asid = a->asid;
}

void vcpu_enter(struct lp *lp, struct vcpu *v)
{
	struct vmcb *vmcb = v->arch.vmcb;

	assign_asid(lp, v);
	vmcb->rax = v->gpr[GPR_RAX];
	vmcb->rsp = v->gpr[GPR_RSP];
	vmcb->rip = v->rip;
	vmcb->rflags = v->rflags;
	svm_enter(virt_to_phys(vmcb), v->gpr);
	v->gpr[GPR_RAX] = vmcb->rax;
	v->gpr[GPR_RSP] = vmcb->rsp;
	v->rip = vmcb->rip;
	v->rflags = vmcb->rflags;
	svm_decode_exit(v);
}
