// SPDX-License-Identifier: GPL-2.0-only
/*
 * Processor features: the table that ties the TLFS's feature banks to CPUID.
 */
#include <asm/cpu.h>
#include <openhv/features.h>
#include <openhv/log.h>
#include <openhv/string.h>
#include <openhv/vcpu.h>
#include <tlfs/cpuid.h>
#include <tlfs/partition.h>

u64 host_proc_features[2];
u64 host_xsave_features;

#define XS(name) TLFS_BIT64(HV_XSAVE_FEATURE_##name##_BIT)
#define SYN(name) TLFS_BIT64(HV_SYNTHETIC_FEATURE_##name##_BIT)
const u64 assignable_synthetic_features =
	SYN(HYPERVISOR_PRESENT) | SYN(HV1) | SYN(ACCESS_VP_RUN_TIME_REG) |
	SYN(ACCESS_PARTITION_REFERENCE_COUNTER) | SYN(ACCESS_SYNIC_REGS) |
	SYN(ACCESS_SYNTHETIC_TIMER_REGS) | SYN(ACCESS_INTR_CTRL_REGS) |
	SYN(ACCESS_HYPERCALL_REGS) | SYN(ACCESS_VP_INDEX) |
	SYN(ACCESS_PARTITION_REFERENCE_TSC) | SYN(ACCESS_GUEST_IDLE_REG) |
	SYN(ACCESS_FREQUENCY_REGS) | SYN(DIRECT_SYNTHETIC_TIMERS) |
	SYN(EXTENDED_PROCESSOR_MASKS) | SYN(TB_FLUSH_HYPERCALLS) |
	SYN(SYNTHETIC_CLUSTER_IPI) | SYN(NOTIFY_LONG_SPIN_WAIT) |
	SYN(ENABLE_EXTENDED_GVA_RANGES) | SYN(SIGNAL_EVENTS) | SYN(RETARGET_DEVICE_INTERRUPT);

enum bank { BANK0, BANK1, BANK_XSAVE };

struct feature {
	u8 bank;
	u8 bit;
	u32 leaf;
	u8 subleaf;
	u8 reg;
	u8 cpuid_bit;
};

#define F0(name, leaf, sub, reg, cbit) \
	{ BANK0, HV_PROC_FEATURE0_##name##_BIT, leaf, sub, CPUID_##reg, cbit }
#define F1(name, leaf, sub, reg, cbit) \
	{ BANK1, HV_PROC_FEATURE1_##name##_BIT, leaf, sub, CPUID_##reg, cbit }
#define FX(name, leaf, sub, reg, cbit) \
	{ BANK_XSAVE, HV_XSAVE_FEATURE_##name##_BIT, leaf, sub, CPUID_##reg, cbit }

/* CPUID bits: APM vol. 3, appendix E */
static const struct feature features[] = {
	F0(SSE3, 1, 0, ECX, 0), F0(PCLMULQDQ, 1, 0, ECX, 1), F0(SSSE3, 1, 0, ECX, 9),
	FX(FMA, 1, 0, ECX, 12), F0(CMPXCHG16B, 1, 0, ECX, 13), F0(PCID, 1, 0, ECX, 17),
	F0(SSE4_1, 1, 0, ECX, 19), F0(SSE4_2, 1, 0, ECX, 20), F0(MOVBE, 1, 0, ECX, 22),
	F0(POP_CNT, 1, 0, ECX, 23), F0(AES, 1, 0, ECX, 25), FX(XSAVE, 1, 0, ECX, 26),
	FX(AVX, 1, 0, ECX, 28), F0(F16C, 1, 0, ECX, 29), F0(RD_RAND, 1, 0, ECX, 30),
	F0(RD_WR_FS_GS, 7, 0, EBX, 0), F1(TSC_ADJUST, 7, 0, EBX, 1), F0(BMI1, 7, 0, EBX, 3),
	FX(AVX2, 7, 0, EBX, 5), F0(SMEP, 7, 0, EBX, 7), F0(BMI2, 7, 0, EBX, 8),
	F0(ENHANCED_FAST_STRING, 7, 0, EBX, 9), F0(INVPCID, 7, 0, EBX, 10),
	FX(AVX512, 7, 0, EBX, 16), FX(AVX512_DQ, 7, 0, EBX, 17), F0(RD_SEED, 7, 0, EBX, 18),
	F0(ADX, 7, 0, EBX, 19), F0(SMAP, 7, 0, EBX, 20), FX(AVX512_I_FMA, 7, 0, EBX, 21),
	F0(CLFLUSHOPT, 7, 0, EBX, 23), F0(CLWB, 7, 0, EBX, 24), FX(AVX512_CD, 7, 0, EBX, 28),
	F0(SHA, 7, 0, EBX, 29), FX(AVX512_BW, 7, 0, EBX, 30), FX(AVX512_VL, 7, 0, EBX, 31),
	FX(AVX512_V_BMI, 7, 0, ECX, 1), F0(UMIP, 7, 0, ECX, 2), FX(AVX512_V_BMI2, 7, 0, ECX, 6),
	FX(GFNI, 7, 0, ECX, 8), FX(VAES, 7, 0, ECX, 9), FX(VPCLMULQDQ, 7, 0, ECX, 10),
	FX(AVX512_VNNI, 7, 0, ECX, 11), FX(AVX512_BITALG, 7, 0, ECX, 12),
	FX(AVX512_V_POPCNTDQ, 7, 0, ECX, 14), F1(LA57, 7, 0, ECX, 16), F0(RD_PID, 7, 0, ECX, 22),
	F0(FAST_SHORT_REP_MOV, 7, 0, EDX, 4), F1(SERIALIZE, 7, 0, EDX, 14),
	FX(XSAVEOPT, 0xD, 1, EAX, 0), FX(XSAVE_COMP, 0xD, 1, EAX, 1), FX(XCR1, 0xD, 1, EAX, 2),
	FX(XSAVE_SUPERVISOR, 0xD, 1, EAX, 3),
	F0(LAHF_SAHF, 0x80000001, 0, ECX, 0), F0(ALTMOVCR8, 0x80000001, 0, ECX, 4),
	F0(LZCNT, 0x80000001, 0, ECX, 5), F0(SSE4A, 0x80000001, 0, ECX, 6),
	F0(MIS_ALIGN_SSE, 0x80000001, 0, ECX, 7), F0(INTEL_PREFETCH, 0x80000001, 0, ECX, 8),
	F0(XOP, 0x80000001, 0, ECX, 11), F0(FMA4, 0x80000001, 0, ECX, 16),
	F0(MMX_EXT, 0x80000001, 0, EDX, 22), F0(PAGE_1GB, 0x80000001, 0, EDX, 26),
	F0(RDTSCP, 0x80000001, 0, EDX, 27), F0(EXTENDED_AMD3DNOW, 0x80000001, 0, EDX, 30),
	F0(AMD3DNOW, 0x80000001, 0, EDX, 31), F1(TSC_INVARIANT, 0x80000007, 0, EDX, 8),
	F1(CL_ZERO, 0x80000008, 0, EBX, 0),
};

/* Bits that every guest has if the processor has them, and that are no feature of the banks */
static const struct {
	u32 leaf;
	u8 subleaf;
	u32 mask[4];
} base[] = {
	/* FPU, paging, MSRs, APIC, SSE2 and other things of any x86-64; HTT is the parent's */
	{ 1, 0, { 0xFFFFFFFF, 0xFFFFFFFF, 0, 0x178BFBFF } },
	{ 7, 0, { 0, 0, 0, 0 } },
	{ 0xD, 1, { 0, 0xFFFFFFFF, 0, 0 } },
	/* CMP_LEGACY, TOPOEXT; SYSCALL, NX, FFXSR, long mode, and what leaf 1 has */
	{ 0x80000001, 0, { 0xFFFFFFFF, 0xFFFFFFFF, 0x00400002, 0x2393FBFF } },
	{ 0x80000007, 0, { 0, 0, 0, 0 } },
	{ 0x80000008, 0, { 0xFFFFFFFF, 0, 0, 0 } },
};

static u64 *bank_of(u64 *proc, u64 *xsave, u8 bank)
{
	return bank == BANK_XSAVE ? xsave : &proc[bank];
}

void features_init(void)
{
	u64 avx512 = XS(AVX512) | XS(AVX512_DQ) | XS(AVX512_CD) | XS(AVX512_BW) | XS(AVX512_VL) |
		     XS(AVX512_BITALG) | XS(AVX512_I_FMA) | XS(AVX512_V_BMI) | XS(AVX512_V_BMI2) |
		     XS(AVX512_VNNI) | XS(AVX512_V_POPCNTDQ);
	u32 i;

	for (i = 0; i < ARRAY_SIZE(features); i++) {
		const struct feature *f = &features[i];
		u32 regs[4], max, b, c, d;

		cpuid_count(f->leaf & 0x80000000, 0, &max, &b, &c, &d);
		if (f->leaf > max)
			continue;
		cpuid_count(f->leaf, f->subleaf, &regs[0], &regs[1], &regs[2], &regs[3]);
		if (regs[f->reg] & TLFS_BIT(f->cpuid_bit))
			*bank_of(host_proc_features, &host_xsave_features, f->bank) |=
				TLFS_BIT64(f->bit);
	}
	/* What openhv makes itself, and what the state it can save allows */
	host_proc_features[1] |= TLFS_BIT64(HV_PROC_FEATURE1_TSC_DEADLINE_TMR_BIT);
	host_proc_features[0] |= TLFS_BIT64(HV_PROC_FEATURE0_UNRESTRICTED_GUEST_BIT);
	if ((vcpu_caps.xcr0 & 0xE0) != 0xE0)
		host_xsave_features &= ~avx512;
}

bool features_cpuid_mask(const u64 *proc, u64 xsave, u32 leaf, u32 subleaf, u32 *mask)
{
	u32 i;

	for (i = 0; i < ARRAY_SIZE(base); i++) {
		if (base[i].leaf == leaf && base[i].subleaf == subleaf)
			break;
	}
	if (i == ARRAY_SIZE(base))
		return false;
	memcpy(mask, base[i].mask, sizeof(base[i].mask));
	for (i = 0; i < ARRAY_SIZE(features); i++) {
		const struct feature *f = &features[i];
		u64 bank = f->bank == BANK_XSAVE ? xsave : proc[f->bank];

		if (f->leaf == leaf && f->subleaf == subleaf && bank & TLFS_BIT64(f->bit))
			mask[f->reg] |= TLFS_BIT(f->cpuid_bit);
	}
	return true;
}

#define XSAVE_HAS(xsave, name) ((xsave) & TLFS_BIT64(HV_XSAVE_FEATURE_##name##_BIT))
#define PROC_HAS(proc, name) ((proc) & TLFS_BIT64(HV_PROC_FEATURE0_##name##_BIT))

u64 features_xcr0(u64 xsave)
{
	u64 xcr0 = 3;

	if (!XSAVE_HAS(xsave, XSAVE))
		return 1;
	if (XSAVE_HAS(xsave, AVX))
		xcr0 |= 4;
	if (XSAVE_HAS(xsave, AVX512))
		xcr0 |= 0xE0;
	return xcr0 & vcpu_caps.xcr0;
}

u64 features_cr4(const u64 *proc, u64 xsave)
{
	u64 cr4 = vcpu_caps.cr4_valid & ~(CR4_PKE | CR4_CET);

	if (!PROC_HAS(proc[0], PCID))
		cr4 &= ~CR4_PCIDE;
	if (!PROC_HAS(proc[0], SMEP))
		cr4 &= ~CR4_SMEP;
	if (!PROC_HAS(proc[0], SMAP))
		cr4 &= ~CR4_SMAP;
	if (!PROC_HAS(proc[0], RD_WR_FS_GS))
		cr4 &= ~CR4_FSGSBASE;
	if (!PROC_HAS(proc[0], UMIP))
		cr4 &= ~CR4_UMIP;
	if (!(proc[1] & TLFS_BIT64(HV_PROC_FEATURE1_LA57_BIT)))
		cr4 &= ~CR4_LA57;
	if (!XSAVE_HAS(xsave, XSAVE))
		cr4 &= ~CR4_OSXSAVE;
	return cr4;
}

bool features_synthetic_known(u64 synthetic)
{
#define KNOWN(name, bit) { #name, bit },
	static const struct {
		const char *name;
		u8 bit;
	} known[] = { HV_SYNTHETIC_FEATURE_LIST(KNOWN) };
#undef KNOWN
	u32 i;

	for (i = 0; i < ARRAY_SIZE(known); i++) {
		if (synthetic & ~assignable_synthetic_features & TLFS_BIT64(known[i].bit))
			log_debug("a partition wants %s, which is not there", known[i].name);
		synthetic &= ~TLFS_BIT64(known[i].bit);
	}
	return !synthetic;
}

u64 features_privileges(u64 s)
{
	static const struct {
		u8 synthetic;
		u32 privilege;
	} map[] = {
		{ HV_SYNTHETIC_FEATURE_ACCESS_VP_RUN_TIME_REG_BIT, HV_ACCESS_VP_RUNTIME },
		{ HV_SYNTHETIC_FEATURE_ACCESS_PARTITION_REFERENCE_COUNTER_BIT,
		  HV_ACCESS_PARTITION_REFERENCE_COUNTER },
		{ HV_SYNTHETIC_FEATURE_ACCESS_SYNIC_REGS_BIT, HV_ACCESS_SYNIC_REGS },
		{ HV_SYNTHETIC_FEATURE_ACCESS_SYNTHETIC_TIMER_REGS_BIT,
		  HV_ACCESS_SYNTHETIC_TIMER_REGS },
		{ HV_SYNTHETIC_FEATURE_ACCESS_INTR_CTRL_REGS_BIT, HV_ACCESS_INTR_CTRL_REGS },
		{ HV_SYNTHETIC_FEATURE_ACCESS_HYPERCALL_REGS_BIT, HV_ACCESS_HYPERCALL_REGS },
		{ HV_SYNTHETIC_FEATURE_ACCESS_VP_INDEX_BIT, HV_ACCESS_VP_INDEX },
		{ HV_SYNTHETIC_FEATURE_ACCESS_PARTITION_REFERENCE_TSC_BIT,
		  HV_ACCESS_PARTITION_REFERENCE_TSC },
		{ HV_SYNTHETIC_FEATURE_ACCESS_GUEST_IDLE_REG_BIT, HV_ACCESS_GUEST_IDLE_REG },
		{ HV_SYNTHETIC_FEATURE_ACCESS_FREQUENCY_REGS_BIT, HV_ACCESS_FREQUENCY_REGS },
	};
	u64 privileges = 0;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(map); i++) {
		if (s & TLFS_BIT64(map[i].synthetic))
			privileges |= map[i].privilege;
	}
	/* Messages and events can be sent by whoever has a SynIC. */
	if (s & SYN(ACCESS_SYNIC_REGS))
		privileges |= (u64)(HV_POST_MESSAGES | HV_SIGNAL_EVENTS) << 32;
	return privileges;
}
