// SPDX-License-Identifier: GPL-2.0-only
/*
 * CPUID: each processor is a core of its own in one package, and its APIC ID
 * is its VP index. Everything else is as the hypervisor has it.
 */
#include "vm.h"

#define CPUID_1_EDX_HTT			(1U << 28)
#define CPUID_B_LEVEL_SMT		(1U << 8)
#define CPUID_B_LEVEL_CORE		(2U << 8)

/* How many bits an APIC ID has, for @cpus of them */
static unsigned int apic_id_bits(unsigned int cpus)
{
	unsigned int bits = 0;

	while (1U << bits < cpus)
		bits++;
	return bits;
}

static int set_leaf(struct vcpu *vcpu, struct hv_register_x64_cpuid_result_parameters leaf)
{
	leaf.always_override = 1;
	return mshv_register_cpuid_result(vcpu->vp.fd, vcpu->vp.index, &leaf);
}

int vm_setup_cpuid(struct vcpu *vcpu)
{
	unsigned int cpus = vcpu->vm->config->cpus, id = vcpu->vp.index;
	unsigned int bits = apic_id_bits(cpus);
	const struct hv_register_x64_cpuid_result_parameters leaves[] = {
		{	/* initial APIC ID and number of logical processors */
			.eax = 1,
			.result_ebx = id << 24 | cpus << 16,
			.result_ebx_mask = 0xffff0000,
			.result_edx = cpus > 1 ? CPUID_1_EDX_HTT : 0,
			.result_edx_mask = CPUID_1_EDX_HTT,
		}, {	/* extended topology: one thread a core */
			.eax = 0xb, .ecx = 0, .subleaf_specific = 1,
			.result_eax_mask = ~0U,
			.result_ebx = 1, .result_ebx_mask = ~0U,
			.result_ecx = CPUID_B_LEVEL_SMT, .result_ecx_mask = ~0U,
			.result_edx = id, .result_edx_mask = ~0U,
		}, {	/* extended topology: all cores in one package */
			.eax = 0xb, .ecx = 1, .subleaf_specific = 1,
			.result_eax = bits, .result_eax_mask = ~0U,
			.result_ebx = cpus, .result_ebx_mask = ~0U,
			.result_ecx = CPUID_B_LEVEL_CORE | 1, .result_ecx_mask = ~0U,
			.result_edx = id, .result_edx_mask = ~0U,
		}, {	/* AMD: cores in the package, and the width of their IDs */
			.eax = 0x80000008,
			.result_ecx = (cpus - 1) | bits << 12,
			.result_ecx_mask = 0xf0ff,
		}, {	/* AMD: extended APIC ID, core and node */
			.eax = 0x8000001e,
			.result_eax = id, .result_eax_mask = ~0U,
			.result_ebx = id, .result_ebx_mask = ~0U,
			.result_ecx_mask = ~0U,
		},
	};
	unsigned int i;
	int ret = 0;

	for (i = 0; !ret && i < ARRAY_SIZE(leaves); i++)
		ret = set_leaf(vcpu, leaves[i]);
	return ret;
}
