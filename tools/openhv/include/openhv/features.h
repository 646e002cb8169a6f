/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Processor features as the TLFS numbers them, and as CPUID does.
 */
#ifndef OPENHV_FEATURES_H
#define OPENHV_FEATURES_H

#include <openhv/types.h>

enum cpuid_reg { CPUID_EAX, CPUID_EBX, CPUID_ECX, CPUID_EDX };

/* What this machine, or openhv on it, has: HV_PROC_FEATURE0_*, HV_PROC_FEATURE1_* */
extern u64 host_proc_features[2];
/* HV_XSAVE_FEATURE_* */
extern u64 host_xsave_features;
/* HV_SYNTHETIC_FEATURE_* that a child may be given */
extern const u64 assignable_synthetic_features;

/* Find out the above; after vcpu_probe(). */
void features_init(void);

/**
 * features_cpuid_mask() - bits of a CPUID result that a partition may see
 * @proc: its processor features, two banks
 * @xsave: its XSAVE features
 * @leaf: leaf
 * @subleaf: subleaf
 * @mask: receives a mask for EAX, EBX, ECX and EDX
 *
 * Returns: false if the leaf is not one of feature bits
 */
bool features_cpuid_mask(const u64 *proc, u64 xsave, u32 leaf, u32 subleaf, u32 *mask);

/* XCR0 bits that go with XSAVE features. */
u64 features_xcr0(u64 xsave);
/* CR4 bits that go with features. */
u64 features_cr4(const u64 *proc, u64 xsave);

/* Whether these are all HV_SYNTHETIC_FEATURE_*. */
bool features_synthetic_known(u64 synthetic);
/* The privileges (CPUID 0x40000003 EBX:EAX) that synthetic features stand for. */
u64 features_privileges(u64 synthetic);

#endif /* OPENHV_FEATURES_H */
