// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * All that a VP is: registers by hypercalls, the rest by MSHV_GET_VP_STATE and
 * MSHV_SET_VP_STATE.
 */
#include <errno.h>

#include <mshv/machine.h>

#include "internal.h"

_Static_assert(sizeof(struct mshv_vp_state) == 4096 * (MSHV_VP_STATE_COUNT + 1), "whole pages");

/* Only a whole machine has them; they are the partition's, and VP 0 has them for all. */
#define MACHINE		0x1
#define PARTITION	0x2

/*
 * Registers in the order in which they are set: EFER and the control registers
 * before the segments, which mean something else in real mode; the APIC's mode
 * before its state; the guest's identity before its hypercall page; TSC_ADJUST,
 * which moves the TSC, before the TSC; what is pending at the end.
 */
static const struct {
	__u32 name;
	__u16 count;
	__u16 flags;
} registers[] = {
	{ HV_X64_REGISTER_EFER, 1, 0 },
	{ HV_X64_REGISTER_XFEM, 1, 0 },
	{ HV_X64_REGISTER_CR0, 5, 0 },			/* CR0, CR2, CR3, CR4, CR8 */
	{ HV_X64_REGISTER_ES, 8, 0 },			/* to TR */
	{ HV_X64_REGISTER_IDTR, 2, 0 },
	{ HV_X64_REGISTER_DR0, 6, 0 },
	{ HV_X64_REGISTER_RAX, 18, 0 },			/* to RFLAGS */
	{ HV_X64_REGISTER_KERNEL_GS_BASE, 1, 0 },
	{ HV_X64_REGISTER_PAT, 8, 0 },			/* to SFMASK */
	{ HV_X64_REGISTER_TSC_AUX, 1, 0 },
	{ HV_X64_REGISTER_DEBUG_CTL, 1, 0 },
	{ HV_X64_REGISTER_MSR_IA32_MISC_ENABLE, 1, 0 },
	{ HV_X64_REGISTER_MSR_MTRR_DEF_TYPE, 1, 0 },
	{ HV_X64_REGISTER_MSR_MTRR_PHYS_BASE0, 8, 0 },
	{ HV_X64_REGISTER_MSR_MTRR_PHYS_MASK0, 8, 0 },
	{ HV_X64_REGISTER_MSR_MTRR_FIX64K00000, 11, 0 },
	{ HV_X64_REGISTER_TSC_ADJUST, 1, 0 },
	{ HV_X64_REGISTER_TSC, 1, 0 },
	{ HV_X64_REGISTER_APIC_BASE, 1, MACHINE },
	{ HV_REGISTER_GUEST_OS_ID, 1, MACHINE | PARTITION },
	{ HV_X64_REGISTER_HYPERCALL, 1, MACHINE | PARTITION },
	{ HV_REGISTER_REFERENCE_TSC, 1, MACHINE | PARTITION },
	{ HV_REGISTER_VP_ASSIST_PAGE, 1, MACHINE },
	{ HV_REGISTER_SINT0, 17, MACHINE },		/* and SCONTROL */
	{ HV_REGISTER_SIEFP, 2, MACHINE },		/* and SIMP */
	{ HV_X64_REGISTER_PENDING_DEBUG_EXCEPTION, 1, 0 },
	{ HV_REGISTER_PENDING_INTERRUPTION, 4, 0 },	/* INTERRUPT_STATE, PENDING_EVENT0 and 1 */
	{ HV_REGISTER_INTERNAL_ACTIVITY_STATE, 1, 0 },
};

/* State after the registers: the pages that SIMP and SIEFP have put into the guest's memory, too */
static const __u8 states[] = {
	MSHV_VP_STATE_XSAVE, MSHV_VP_STATE_LAPIC, MSHV_VP_STATE_SIMP, MSHV_VP_STATE_SIEFP,
	MSHV_VP_STATE_SYNTHETIC_TIMERS,
};

/* How many states of the list there are: the first is for a flat program too. */
static unsigned int state_count(bool machine)
{
	return machine ? ARRAY_SIZE(states) : 1;
}

int mshv_vp_save(struct mshv_vp *vp, bool machine, struct mshv_vp_state *state)
{
	union hv_register_value values[MSHV_VP_STATE_REGISTERS];
	__u32 names[MSHV_VP_STATE_REGISTERS], n = 0, i, j;
	long ret;

	for (i = 0; i < ARRAY_SIZE(registers); i++) {
		if ((registers[i].flags & MACHINE && !machine) ||
		    (registers[i].flags & PARTITION && vp->index))
			continue;
		for (j = 0; j < registers[i].count; j++)
			names[n++] = registers[i].name + j;
	}
	ret = mshv_get_registers(vp->fd, vp->index, names, values, n);
	if (ret)
		return ret;
	for (i = 0; i < n; i++) {
		state->registers[i].name = names[i];
		state->registers[i].value = values[i];
	}
	state->count = n;

	for (i = 0; i < state_count(machine); i++) {
		ret = mshv_get_vp_state(vp->fd, states[i], state->pages[states[i]],
					MSHV_HV_PAGE_SIZE);
		if (ret < 0)
			return ret;
	}
	return 0;
}

int mshv_vp_restore(struct mshv_vp *vp, bool machine, const struct mshv_vp_state *state)
{
	unsigned int i;
	int ret;

	if (state->count > MSHV_VP_STATE_REGISTERS)
		return mshv_fail(EINVAL, HV_STATUS_SUCCESS, "state of a VP", "%u registers",
				 state->count);
	ret = mshv_set_registers(vp->fd, vp->index, state->registers, state->count);
	for (i = 0; !ret && i < state_count(machine); i++)
		ret = mshv_set_vp_state(vp->fd, states[i], state->pages[states[i]],
					MSHV_HV_PAGE_SIZE);
	return ret;
}
