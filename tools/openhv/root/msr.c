// SPDX-License-Identifier: GPL-2.0-only
/*
 * MSRs of root VPs that exit: everything else goes to the processor.
 */
#include <asm/cpu.h>
#include <openhv/partition.h>
#include <openhv/run.h>

enum msr_result root_msr_read(struct vp *vp, u32 msr, u64 *value)
{
	(void)vp;
	switch (msr) {
	case MSR_VM_CR:
		/* SVM is in use already, so far as root is concerned: disabled. */
		*value = VM_CR_SVMDIS;
		return MSR_OK;
	case MSR_VM_HSAVE_PA:
	case MSR_TSC_DEADLINE:
		return MSR_FAULT;
	case MSR_EFER:
	case MSR_APIC_BASE:
	case MSR_PAT:
		return MSR_UNKNOWN;	/* as all VPs' */
	}
	/* Outside the permission map, and so not passed through: root has none of these. */
	return MSR_FAULT;
}

enum msr_result root_msr_write(struct vp *vp, u32 msr, u64 value)
{
	(void)vp;
	(void)value;
	switch (msr) {
	case MSR_EFER:
	case MSR_APIC_BASE:
	case MSR_PAT:
		return MSR_UNKNOWN;
	}
	return MSR_FAULT;
}
