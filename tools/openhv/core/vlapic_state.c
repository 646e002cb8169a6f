// SPDX-License-Identifier: GPL-2.0-only
/*
 * The local APIC as a saved state (HV_VP_STATE_LAPIC).
 */
#include <asm/cpu.h>
#include <openhv/partition.h>
#include <openhv/string.h>
#include <openhv/vlapic.h>
#include <tlfs/state.h>

void vlapic_get_state(struct vlapic *apic, struct hv_local_interrupt_controller_state *out)
{
	u32 v = 0;

	memset(out, 0, sizeof(*out));
	out->apic_id = apic->id;
	vlapic_read(apic, APIC_VERSION, &out->apic_version);
	vlapic_read(apic, APIC_LDR, &out->apic_ldr);
	out->apic_dfr = apic->dfr;
	out->apic_spurious = apic->svr;
	memcpy(out->apic_isr, apic->isr, sizeof(out->apic_isr));
	memcpy(out->apic_tmr, apic->tmr, sizeof(out->apic_tmr));
	memcpy(out->apic_irr, apic->irr, sizeof(out->apic_irr));
	out->apic_esr = apic->esr;
	out->apic_icr_high = upper_32(apic->icr);
	out->apic_icr_low = lower_32(apic->icr);
	out->apic_lvt_timer = apic->lvt[LVT_TIMER];
	out->apic_lvt_thermal = apic->lvt[LVT_THERMAL];
	out->apic_lvt_perfmon = apic->lvt[LVT_PERF];
	out->apic_lvt_lint0 = apic->lvt[LVT_LINT0];
	out->apic_lvt_lint1 = apic->lvt[LVT_LINT1];
	out->apic_lvt_error = apic->lvt[LVT_ERROR];
	out->apic_lvt_cmci = apic->lvt[LVT_CMCI];
	out->apic_error_status = apic->esr_pending;
	out->apic_initial_count = apic->timer_initial;
	vlapic_read(apic, APIC_TIMER_CCR, &v);
	out->apic_counter_value = v;
	out->apic_divide_configuration = apic->timer_divide;
}

hv_status_t vlapic_set_state(struct vlapic *apic,
			     const struct hv_local_interrupt_controller_state *in)
{
	if (in->apic_id != apic->id)
		return HV_STATUS_INVALID_PARAMETER;
	/* The registers' own rules apply, but for the order in which a guest would write. */
	apic->svr = in->apic_spurious & 0x3FF;
	if (!vlapic_x2apic(apic))
		vlapic_write(apic, APIC_LDR, in->apic_ldr);
	vlapic_write(apic, APIC_DFR, in->apic_dfr);
	memcpy(apic->isr, in->apic_isr, sizeof(apic->isr));
	memcpy(apic->tmr, in->apic_tmr, sizeof(apic->tmr));
	memcpy(apic->irr, in->apic_irr, sizeof(apic->irr));
	/* Vectors 0 to 15 do not exist. */
	apic->isr[0] &= 0xFFFF0000;
	apic->tmr[0] &= 0xFFFF0000;
	apic->irr[0] &= 0xFFFF0000;
	apic->esr = in->apic_esr & 0xEF;
	apic->esr_pending = in->apic_error_status & 0xEF;
	/* Restoring the command register sends nothing. */
	apic->icr = (u64)in->apic_icr_high << 32 | (in->apic_icr_low & ~APIC_ICR_PENDING);
	vlapic_restore_lvt(apic, LVT_TIMER, in->apic_lvt_timer);
	vlapic_restore_lvt(apic, LVT_THERMAL, in->apic_lvt_thermal);
	vlapic_restore_lvt(apic, LVT_PERF, in->apic_lvt_perfmon);
	vlapic_restore_lvt(apic, LVT_LINT0, in->apic_lvt_lint0);
	vlapic_restore_lvt(apic, LVT_LINT1, in->apic_lvt_lint1);
	vlapic_restore_lvt(apic, LVT_ERROR, in->apic_lvt_error);
	vlapic_restore_lvt(apic, LVT_CMCI, in->apic_lvt_cmci);
	vlapic_write(apic, APIC_TIMER_DCR, in->apic_divide_configuration);
	vlapic_write(apic, APIC_TIMER_ICR, in->apic_initial_count);
	vlapic_restore_count(apic, in->apic_counter_value);
	return HV_STATUS_SUCCESS;
}
