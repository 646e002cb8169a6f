// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * A partition and its VPs as firmware would leave them to an operating system.
 */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include <mshv/machine.h>

#include "internal.h"

#define FEATURE(name)	HV_SYNTHETIC_FEATURE(HV_SYNTHETIC_FEATURE_##name##_BIT)

/* What a Linux guest makes use of, if the hypervisor lets us give it */
#define WANTED_FEATURES \
	(FEATURE(HYPERVISOR_PRESENT) | FEATURE(HV1) | FEATURE(ACCESS_VP_RUN_TIME_REG) | \
	 FEATURE(ACCESS_PARTITION_REFERENCE_COUNTER) | FEATURE(ACCESS_SYNIC_REGS) | \
	 FEATURE(ACCESS_SYNTHETIC_TIMER_REGS) | FEATURE(ACCESS_INTR_CTRL_REGS) | \
	 FEATURE(ACCESS_HYPERCALL_REGS) | FEATURE(ACCESS_VP_INDEX) | \
	 FEATURE(ACCESS_PARTITION_REFERENCE_TSC) | FEATURE(ACCESS_GUEST_IDLE_REG) | \
	 FEATURE(ACCESS_FREQUENCY_REGS) | FEATURE(ENABLE_EXTENDED_GVA_RANGES) | \
	 FEATURE(FAST_HYPERCALL_OUTPUT) | FEATURE(DIRECT_SYNTHETIC_TIMERS) | \
	 FEATURE(EXTENDED_PROCESSOR_MASKS) | FEATURE(TB_FLUSH_HYPERCALLS) | \
	 FEATURE(SYNTHETIC_CLUSTER_IPI) | FEATURE(NOTIFY_LONG_SPIN_WAIT))

/* MTRRs on, write-back by default */
#define MTRR_DEF_TYPE_WB	0x806

#define LVT_EXTINT		0x700
#define LVT_NMI			0x400

#define CPUID_1_EDX_HTT		(1U << 28)
#define CPUID_B_LEVEL_SMT	(1U << 8)
#define CPUID_B_LEVEL_CORE	(2U << 8)

/* The guest's view of the hypervisor has to be decided before the partition is initialized. */
static int set_features(int dev, int partition)
{
	struct hv_partition_property_synthetic_features offered = { 0 };
	__u64 features = WANTED_FEATURES;

	if (!mshv_get_property_ex(dev, HV_PARTITION_PROPERTY_ASSIGNABLE_SYNTHETIC_PROC_FEATURES, 0,
				  &offered, sizeof(offered)))
		features &= offered.bank0;
	return mshv_set_property(partition, HV_PARTITION_PROPERTY_SYNTHETIC_PROC_FEATURES,
				 features);
}

static int check_cpus(__u32 cpus)
{
	if (cpus && cpus <= MSHV_MACHINE_MAX_CPUS)
		return 0;
	return mshv_fail(EINVAL, HV_STATUS_SUCCESS, "machine", "it has 1 to %u VPs, not %u",
			 MSHV_MACHINE_MAX_CPUS, cpus);
}

int mshv_create_machine(int dev, __u32 cpus)
{
	const __u64 flags = 1 << MSHV_PT_BIT_GPA_SUPER_PAGES | 1 << MSHV_PT_BIT_LAPIC |
			    1 << MSHV_PT_BIT_X2APIC;
	int partition, ret;

	ret = check_cpus(cpus);
	if (ret)
		return ret;
	partition = mshv_create_partition(dev, flags);
	if (partition < 0)
		return partition;
	ret = set_features(dev, partition);
	if (!ret)
		ret = mshv_initialize_partition(partition);
	/* Linux tries MSRs that not every hypervisor has; it must not die of that. */
	if (!ret)
		ret = mshv_set_property(partition, HV_PARTITION_PROPERTY_UNIMPLEMENTED_MSR_ACTION,
					HV_UNIMPLEMENTED_MSR_ACTION_IGNORE_WRITE_READ_ZERO);
	if (ret) {
		close(partition);
		return ret;
	}
	/* A matter of taste for the guest's scheduler: fine without. */
	mshv_set_property(partition, HV_PARTITION_PROPERTY_PROCESSORS_PER_SOCKET, cpus);
	return partition;
}

/* How many bits an APIC ID has, for @cpus of them */
static unsigned int apic_id_bits(__u32 cpus)
{
	unsigned int bits = 0;

	while (1U << bits < cpus)
		bits++;
	return bits;
}

static int setup_cpuid(struct mshv_vp *vp, __u32 cpus)
{
	const unsigned int bits = apic_id_bits(cpus), id = vp->index;
	struct hv_register_x64_cpuid_result_parameters leaves[] = {
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

	for (i = 0; !ret && i < ARRAY_SIZE(leaves); i++) {
		leaves[i].always_override = 1;
		ret = mshv_register_cpuid_result(vp->fd, vp->index, &leaves[i]);
	}
	return ret;
}

static int setup_lapic(struct mshv_vp *vp)
{
	struct hv_local_interrupt_controller_state *lapic;
	long ret;

	lapic = aligned_alloc(MSHV_HV_PAGE_SIZE, MSHV_HV_PAGE_SIZE);
	if (!lapic)
		return mshv_fail(ENOMEM, HV_STATUS_SUCCESS, "state of the local APIC", "%s", "");
	ret = mshv_get_vp_state(vp->fd, MSHV_VP_STATE_LAPIC, lapic, MSHV_HV_PAGE_SIZE);
	if (ret >= 0) {
		lapic->apic_lvt_lint0 = LVT_EXTINT;
		lapic->apic_lvt_lint1 = LVT_NMI;
		ret = mshv_set_vp_state(vp->fd, MSHV_VP_STATE_LAPIC, lapic, MSHV_HV_PAGE_SIZE);
	}
	free(lapic);
	return ret < 0 ? (int)ret : 0;
}

int mshv_vp_setup_machine(struct mshv_vp *vp, __u32 cpus)
{
	int ret = check_cpus(cpus);

	if (!ret && vp->index >= cpus)
		ret = mshv_fail(EINVAL, HV_STATUS_SUCCESS, "machine", "no VP %u among %u",
				vp->index, cpus);
	if (!ret)
		ret = setup_cpuid(vp, cpus);
	if (!ret)
		ret = setup_lapic(vp);
	if (!ret)
		ret = mshv_vp_set_register(vp, HV_X64_REGISTER_MSR_MTRR_DEF_TYPE, MTRR_DEF_TYPE_WB);
	return ret;
}

int mshv_vp_get_crash(struct mshv_vp *vp, __u64 p[MSHV_CRASH_REGISTERS])
{
	union hv_register_value values[MSHV_CRASH_REGISTERS];
	__u32 names[MSHV_CRASH_REGISTERS];
	unsigned int i;
	int ret;

	for (i = 0; i < MSHV_CRASH_REGISTERS; i++)
		names[i] = HV_REGISTER_GUEST_CRASH_P0 + i;
	ret = mshv_get_registers(vp->fd, vp->index, names, values, MSHV_CRASH_REGISTERS);
	for (i = 0; !ret && i < MSHV_CRASH_REGISTERS; i++)
		p[i] = values[i].reg64;
	return ret;
}
