// SPDX-License-Identifier: GPL-2.0-only
/*
 * The virtual local APIC: registers, priorities and the timer. Delivery
 * between APICs is in vlapic_ipi.c, the saved state in vlapic_state.c.
 */
#include <asm/cpu.h>
#include <asm/x86.h>
#include <openhv/atomic.h>
#include <openhv/log.h>
#include <openhv/partition.h>
#include <openhv/root.h>
#include <openhv/run.h>
#include <openhv/string.h>
#include <openhv/vlapic.h>
#include <tlfs/interrupt.h>

/* Version 0x14, LVT entries 0 to 6, no EOI broadcast suppression */
#define VLAPIC_VERSION	(0x14U | (LVT_COUNT - 1) << 16)

#define ICR_VALID	0x000CDFFFU

static void timer_fired(struct htimer *t)
{
	vp_wake(container_of(t, struct vlapic, timer)->vp);
}

void vlapic_init(struct vlapic *apic, struct vp *vp, u32 id)
{
	apic->vp = vp;
	apic->id = id;
	apic->timer.fn = timer_fired;
	list_init(&apic->timer.node);
	vlapic_reset(apic, false);
}

void vlapic_reset(struct vlapic *apic, bool init)
{
	u32 i;

	htimer_cancel(&apic->timer);
	/* Level-triggered lines of root that it will not release any more */
	for (i = 0; i < 256; i++) {
		if (bitmap_test(apic->physical, i) && bitmap_clear_atomic(apic->physical, i))
			lp_root_eoi(apic->vp->lp, i);
	}
	if (!init) {
		apic->base = APIC_DEFAULT_BASE | APIC_BASE_ENABLE;
		if (!apic->vp->index)
			apic->base |= APIC_BASE_BSP;
	}
	apic->tpr_low = 0;
	apic->ldr = 0;
	apic->dfr = 0xFFFFFFFF;
	apic->svr = 0xFF;
	apic->esr = 0;
	apic->esr_pending = 0;
	apic->icr = 0;
	for (i = 0; i < LVT_COUNT; i++)
		apic->lvt[i] = APIC_LVT_MASKED;
	apic->timer_initial = 0;
	apic->timer_divide = 0;
	apic->tsc_deadline = 0;
	apic->timer_next = 0;
	memset(apic->irr, 0, sizeof(apic->irr));
	memset(apic->isr, 0, sizeof(apic->isr));
	memset(apic->tmr, 0, sizeof(apic->tmr));
	apic->extint = 0;
}

void vlapic_destroy(struct vlapic *apic)
{
	htimer_cancel(&apic->timer);
}

static int highest(const u32 *map)
{
	int i;

	for (i = 7; i >= 0; i--) {
		u32 w = READ_ONCE(map[i]);

		if (w)
			return i * 32 + 31 - __builtin_clz(w);
	}
	return -1;
}

static bool software_enabled(const struct vlapic *apic)
{
	return vlapic_enabled(apic) && apic->svr & APIC_SVR_ENABLE;
}

static u32 get_tpr(const struct vlapic *apic)
{
	return (u32)vcpu_get_cr(&apic->vp->vcpu, 8) << 4 | apic->tpr_low;
}

static void set_tpr(struct vlapic *apic, u32 tpr)
{
	vcpu_set_cr(&apic->vp->vcpu, 8, tpr >> 4 & 0xF);
	apic->tpr_low = tpr & 0xF;
}

/* Processor priority (APM vol. 2, 16.6.3) */
static u32 get_ppr(const struct vlapic *apic)
{
	int isrv = highest(apic->isr);
	u32 tpr = get_tpr(apic);

	if (isrv < 0 || tpr >> 4 >= (u32)isrv >> 4)
		return tpr;
	return isrv & 0xF0;
}

bool vlapic_set_base(struct vlapic *apic, u64 value)
{
	u64 old = apic->base;
	u64 mode = value & (APIC_BASE_ENABLE | APIC_BASE_EXTD);
	u64 old_mode = old & (APIC_BASE_ENABLE | APIC_BASE_EXTD);
	u64 valid = APIC_BASE_BSP | APIC_BASE_EXTD | APIC_BASE_ENABLE |
		    (((1UL << vcpu_caps.phys_bits) - 1) & PAGE_MASK);

	if (value & ~valid || mode == APIC_BASE_EXTD)
		return false;
	/* The page stays where it is: nobody moves it, and decoding it elsewhere has no use. */
	if ((value & PAGE_MASK) != APIC_DEFAULT_BASE)
		return false;
	if (mode & APIC_BASE_EXTD && !partition_is_root(apic->vp->partition) &&
	    !(apic->vp->partition->flags & HV_PARTITION_CREATION_FLAG_X2APIC_CAPABLE))
		return false;
	/* x2APIC mode is left only by way of disabling the APIC (x2APIC transitions). */
	if (old_mode == (APIC_BASE_ENABLE | APIC_BASE_EXTD) && mode == APIC_BASE_ENABLE)
		return false;
	if (!old_mode && mode & APIC_BASE_EXTD)
		return false;
	apic->base = value;
	if (old_mode && !mode) {
		vlapic_reset(apic, true);
		apic->base = value;
	}
	if (mode & APIC_BASE_EXTD && !(old_mode & APIC_BASE_EXTD))
		apic->ldr = 0;
	return true;
}

/*
 * The timer: a tick is the APIC timer frequency over the divider.
 */
static u32 timer_divider(const struct vlapic *apic)
{
	u32 code = (apic->timer_divide & 3) | (apic->timer_divide >> 1 & 4);

	return code == 7 ? 1 : 2U << code;
}

static u64 ticks_to_tsc(const struct vlapic *apic, u64 ticks)
{
	unsigned __int128 t = (unsigned __int128)ticks * timer_divider(apic) * tsc_hz;

	return t / apic_timer_hz;
}

static u64 tsc_to_ticks(const struct vlapic *apic, u64 tsc)
{
	unsigned __int128 t = (unsigned __int128)tsc * apic_timer_hz;

	return t / ((unsigned __int128)tsc_hz * timer_divider(apic));
}

static u32 timer_mode(const struct vlapic *apic)
{
	return apic->lvt[LVT_TIMER] & APIC_LVT_TIMER_MODE;
}

static void timer_arm(struct vlapic *apic)
{
	u32 lvt = apic->lvt[LVT_TIMER];
	bool once = timer_mode(apic) == APIC_LVT_TIMER_ONESHOT && !(lvt & APIC_LVT_MASKED) &&
		    software_enabled(apic);
	/* The physical timer counts at one rate. */
	bool fits = (u64)apic->timer_initial * timer_divider(apic) <= 0xFFFFFFFF;

	apic->timer.vector = root_has_shim(apic->vp) && once && fits ? lvt & 0xFF : 0;
	if (apic->timer_next)
		htimer_arm(&apic->timer, apic->timer_next);
	else
		htimer_cancel(&apic->timer);
}

static void timer_start(struct vlapic *apic)
{
	apic->timer_start = rdtsc();
	apic->timer_next = 0;
	if (apic->timer_initial && timer_mode(apic) != APIC_LVT_TIMER_DEADLINE)
		apic->timer_next = apic->timer_start + ticks_to_tsc(apic, apic->timer_initial);
	timer_arm(apic);
}

static u32 timer_current(const struct vlapic *apic)
{
	u64 now = rdtsc();

	if (!apic->timer_next || timer_mode(apic) == APIC_LVT_TIMER_DEADLINE ||
	    (s64)(apic->timer_next - now) <= 0)
		return 0;
	return tsc_to_ticks(apic, apic->timer_next - now);
}

void vlapic_set_tsc_deadline(struct vlapic *apic, u64 tsc)
{
	/* The guest's TSC is the machine's plus an offset. */
	u64 now = rdtsc() + vcpu_get_tsc_offset(&apic->vp->vcpu);

	if (timer_mode(apic) != APIC_LVT_TIMER_DEADLINE)
		return;
	apic->tsc_deadline = tsc;
	/* 0 disarms, and what is a hundred years away never comes. */
	if (!tsc || (tsc > now && tsc - now > ~0UL / 4))
		apic->timer_next = 0;
	else
		apic->timer_next = max(tsc, now) - vcpu_get_tsc_offset(&apic->vp->vcpu);
	timer_arm(apic);
}

/* The LVT entry has changed while the timer counts. */
static void timer_rearm(struct vlapic *apic)
{
	if (!apic->timer_next)
		return;
	/* What the physical timer has raised comes no second time. */
	if (htimer_is_physical(&apic->timer) && (s64)(apic->timer_next - rdtsc()) <= 0)
		apic->timer_next = 0;
	timer_arm(apic);
}

/* An interrupt that comes from the APIC itself */
static void raise(struct vlapic *apic, u8 vector)
{
	if (root_has_shim(apic->vp))
		root_apic_raise(apic->vp, vector);
	else
		bitmap_set_atomic(apic->irr, vector);
}

/* An interrupt of the local vector table's own */
static void lvt_fire(struct vlapic *apic, enum vlapic_lvt i)
{
	u32 lvt = apic->lvt[i];

	if (lvt & APIC_LVT_MASKED || !software_enabled(apic))
		return;
	switch ((lvt & APIC_DELIVERY_MASK) >> APIC_DELIVERY_SHIFT) {
	case HV_X64_INTERRUPT_TYPE_FIXED:
		if ((lvt & 0xFF) >= 16)
			raise(apic, lvt & 0xFF);
		else
			apic->esr_pending |= APIC_ESR_RECV_ILLEGAL;
		break;
	case HV_X64_INTERRUPT_TYPE_NMI:
		WRITE_ONCE(apic->vp->nmi_pending, 1);
		break;
	}
}

/* The timer's deadline may have passed: raise it, and find the next one. */
void vlapic_poll_timer(struct vlapic *apic)
{
	u64 now, period;

	if (!apic->timer_next || htimer_is_physical(&apic->timer))
		return;
	now = rdtsc();
	if ((s64)(now - apic->timer_next) < 0)
		return;
	if (timer_mode(apic) == APIC_LVT_TIMER_PERIODIC) {
		period = ticks_to_tsc(apic, apic->timer_initial);
		/* Missed periods are lost, as they are when an interrupt is still pending. */
		if (period < tsc_hz / 100000)
			period = tsc_hz / 100000;
		apic->timer_next += period * ((now - apic->timer_next) / period + 1);
	} else {
		apic->timer_next = 0;
		apic->tsc_deadline = 0;
	}
	timer_arm(apic);
	lvt_fire(apic, LVT_TIMER);
}

static u32 read_icr_low(const struct vlapic *apic)
{
	return lower_32(apic->icr);
}

static bool lvt_index(u32 offset, enum vlapic_lvt *i)
{
	switch (offset) {
	case APIC_LVT_TIMER:
		*i = LVT_TIMER;
		return true;
	case APIC_LVT_THERMAL:
		*i = LVT_THERMAL;
		return true;
	case APIC_LVT_PERF:
		*i = LVT_PERF;
		return true;
	case APIC_LVT_LINT0:
		*i = LVT_LINT0;
		return true;
	case APIC_LVT_LINT1:
		*i = LVT_LINT1;
		return true;
	case APIC_LVT_ERROR:
		*i = LVT_ERROR;
		return true;
	case APIC_LVT_CMCI:
		*i = LVT_CMCI;
		return true;
	}
	return false;
}

/* In x2APIC mode the logical ID follows from the APIC ID. */
static u32 x2apic_ldr(const struct vlapic *apic)
{
	return (apic->id >> 4) << 16 | 1U << (apic->id & 0xF);
}

bool vlapic_read(struct vlapic *apic, u32 offset, u32 *value)
{
	enum vlapic_lvt i;

	vlapic_poll_timer(apic);
	if (root_has_shim(apic->vp) && root_apic_read(apic->vp, offset, value))
		return true;
	switch (offset) {
	case APIC_ID:
		*value = vlapic_x2apic(apic) ? apic->id : apic->id << 24;
		return true;
	case APIC_VERSION:
		*value = VLAPIC_VERSION;
		return true;
	case APIC_TPR:
		*value = get_tpr(apic);
		return true;
	case APIC_APR:
	case APIC_RRR:
		*value = 0;
		return true;
	case APIC_PPR:
		*value = get_ppr(apic);
		return true;
	case APIC_LDR:
		*value = vlapic_x2apic(apic) ? x2apic_ldr(apic) : apic->ldr;
		return true;
	case APIC_DFR:
		*value = apic->dfr;
		return true;
	case APIC_SVR:
		*value = apic->svr;
		return true;
	case APIC_ISR ... APIC_ISR + 0x70:
		*value = apic->isr[(offset - APIC_ISR) / 16];
		return true;
	case APIC_TMR ... APIC_TMR + 0x70:
		*value = READ_ONCE(apic->tmr[(offset - APIC_TMR) / 16]);
		return true;
	case APIC_IRR ... APIC_IRR + 0x70:
		*value = READ_ONCE(apic->irr[(offset - APIC_IRR) / 16]);
		return true;
	case APIC_ESR:
		*value = apic->esr;
		return true;
	case APIC_ICR_LOW:
		*value = read_icr_low(apic);
		return true;
	case APIC_ICR_HIGH:
		*value = upper_32(apic->icr);
		return true;
	case APIC_TIMER_ICR:
		*value = apic->timer_initial;
		return true;
	case APIC_TIMER_CCR:
		*value = timer_current(apic);
		return true;
	case APIC_TIMER_DCR:
		*value = apic->timer_divide;
		return true;
	}
	if (lvt_index(offset, &i)) {
		*value = apic->lvt[i];
		return true;
	}
	return false;
}

/* Bits that an LVT register keeps: not the delivery status */
static u32 lvt_valid(enum vlapic_lvt i)
{
	switch (i) {
	case LVT_TIMER:
		return 0xFF | APIC_LVT_MASKED | APIC_LVT_TIMER_MODE;
	case LVT_LINT0:
	case LVT_LINT1:
		/* Polarity and trigger mode as well */
		return 0xFF | APIC_DELIVERY_MASK | APIC_LVT_MASKED | BIT(13) | BIT(15);
	case LVT_ERROR:
		return 0xFF | APIC_LVT_MASKED;
	default:
		return 0xFF | APIC_DELIVERY_MASK | APIC_LVT_MASKED;
	}
}

void vlapic_restore_lvt(struct vlapic *apic, enum vlapic_lvt i, u32 value)
{
	apic->lvt[i] = value & lvt_valid(i);
}

void vlapic_restore_count(struct vlapic *apic, u32 count)
{
	if (!apic->timer_next || count >= apic->timer_initial)
		return;
	/* At 0 a timer that fires once is over. */
	if (count || timer_mode(apic) == APIC_LVT_TIMER_PERIODIC)
		apic->timer_next = rdtsc() + ticks_to_tsc(apic, count);
	else
		apic->timer_next = 0;
	timer_arm(apic);
}

static void write_lvt(struct vlapic *apic, enum vlapic_lvt i, u32 value)
{
	u32 old_mode = timer_mode(apic);

	value &= lvt_valid(i);
	if (!(apic->svr & APIC_SVR_ENABLE))
		value |= APIC_LVT_MASKED;
	apic->lvt[i] = value;
	if (i == LVT_TIMER && timer_mode(apic) != old_mode) {
		/* Changing to or from the deadline mode disarms the timer. */
		if (timer_mode(apic) == APIC_LVT_TIMER_DEADLINE ||
		    old_mode == APIC_LVT_TIMER_DEADLINE) {
			apic->timer_initial = 0;
			apic->tsc_deadline = 0;
			apic->timer_next = 0;
			timer_arm(apic);
		}
	}
	if (i == LVT_TIMER)
		timer_rearm(apic);
}

static void write_svr(struct vlapic *apic, u32 value)
{
	u32 i;

	apic->svr = value & 0x3FF;
	if (apic->svr & APIC_SVR_ENABLE)
		return;
	for (i = 0; i < LVT_COUNT; i++)
		apic->lvt[i] |= APIC_LVT_MASKED;
	timer_rearm(apic);
}

static void send_ipi(struct vlapic *apic)
{
	u32 low = lower_32(apic->icr);
	u32 delivery = (low & APIC_DELIVERY_MASK) >> APIC_DELIVERY_SHIFT;
	u32 shorthand = low >> APIC_ICR_SHORTHAND_SHIFT & 3;
	bool x2 = vlapic_x2apic(apic);
	u32 dest = x2 ? upper_32(apic->icr) : upper_32(apic->icr) >> 24;

	/* INIT level de-assert: nothing on processors with an xAPIC (APM vol. 2, 16.5) */
	if (delivery == HV_X64_INTERRUPT_TYPE_INIT && low & APIC_ICR_LEVEL &&
	    !(low & APIC_ICR_ASSERT))
		return;
	if ((delivery == HV_X64_INTERRUPT_TYPE_FIXED ||
	     delivery == HV_X64_INTERRUPT_TYPE_LOWESTPRIORITY) && (low & 0xFF) < 16) {
		apic->esr_pending |= APIC_ESR_SEND_ILLEGAL;
		lvt_fire(apic, LVT_ERROR);
		return;
	}
	vlapic_send(apic->vp, delivery, low & 0xFF, low & APIC_ICR_LOGICAL, dest, shorthand, x2);
}

bool vlapic_write(struct vlapic *apic, u32 offset, u32 value)
{
	enum vlapic_lvt i;
	u32 left;

	vlapic_poll_timer(apic);
	if (root_has_shim(apic->vp) && root_apic_write(apic->vp, offset, value))
		return true;
	switch (offset) {
	case APIC_ID:
		return true;		/* the ID is the VP's: writes are ignored */
	case APIC_TPR:
		set_tpr(apic, value & 0xFF);
		return true;
	case APIC_EOI:
		vlapic_eoi(apic);
		return true;
	case APIC_LDR:
		apic->ldr = value & 0xFF000000;
		return true;
	case APIC_DFR:
		apic->dfr = value | 0x0FFFFFFF;
		return true;
	case APIC_SVR:
		write_svr(apic, value);
		return true;
	case APIC_ESR:
		apic->esr = apic->esr_pending;
		apic->esr_pending = 0;
		return true;
	case APIC_ICR_LOW:
		apic->icr = (apic->icr & ~0xFFFFFFFFUL) | (value & ICR_VALID & ~APIC_ICR_PENDING);
		send_ipi(apic);
		return true;
	case APIC_ICR_HIGH:
		apic->icr = lower_32(apic->icr) | (u64)(value & 0xFF000000) << 32;
		return true;
	case APIC_TIMER_ICR:
		if (timer_mode(apic) == APIC_LVT_TIMER_DEADLINE)
			return true;
		apic->timer_initial = value;
		timer_start(apic);
		return true;
	case APIC_TIMER_DCR:
		left = timer_current(apic);
		apic->timer_divide = value & 0xB;
		/* A running count goes on from where it is, at the new rate. */
		if (left) {
			apic->timer_next = rdtsc() + ticks_to_tsc(apic, left);
			timer_arm(apic);
		}
		return true;
	}
	if (lvt_index(offset, &i)) {
		write_lvt(apic, i, value);
		return true;
	}
	return false;
}

bool vlapic_msr_read(struct vlapic *apic, u32 msr, u64 *value)
{
	u32 offset = (msr - MSR_X2APIC_FIRST) * 16, v;

	if (!vlapic_x2apic(apic))
		return false;
	if (offset == APIC_ICR_LOW) {
		*value = apic->icr;
		return true;
	}
	/* Registers that x2APIC does not have, and write-only ones */
	if (offset == APIC_DFR || offset == APIC_ICR_HIGH || offset == APIC_EOI ||
	    offset == APIC_SELF_IPI || offset == APIC_RRR || offset == APIC_APR)
		return false;
	if (!vlapic_read(apic, offset, &v))
		return false;
	*value = v;
	return true;
}

bool vlapic_msr_write(struct vlapic *apic, u32 msr, u64 value)
{
	u32 offset = (msr - MSR_X2APIC_FIRST) * 16;

	if (!vlapic_x2apic(apic))
		return false;
	switch (offset) {
	case APIC_ICR_LOW:
		if (lower_32(value) & ~(ICR_VALID & ~APIC_ICR_PENDING))
			return false;
		apic->icr = value;
		send_ipi(apic);
		return true;
	case APIC_SELF_IPI:
		if (value & ~0xFFUL)
			return false;
		if (value < 16) {
			apic->esr_pending |= APIC_ESR_SEND_ILLEGAL;
			lvt_fire(apic, LVT_ERROR);
		} else {
			bitmap_clear_atomic(apic->tmr, value);
			raise(apic, value);
		}
		return true;
	case APIC_EOI:
	case APIC_ESR:
		if (value)
			return false;
		return vlapic_write(apic, offset, 0);
	case APIC_TPR:
		if (value & ~0xFFUL)
			return false;
		break;
	case APIC_SVR:
		if (value & ~0x13FFUL)
			return false;
		break;
	case APIC_TIMER_ICR:
	case APIC_TIMER_DCR:
	case APIC_LVT_TIMER:
	case APIC_LVT_THERMAL:
	case APIC_LVT_PERF:
	case APIC_LVT_LINT0:
	case APIC_LVT_LINT1:
	case APIC_LVT_ERROR:
	case APIC_LVT_CMCI:
		if (value >> 32)
			return false;
		break;
	default:
		return false;		/* read-only, or not there */
	}
	return vlapic_write(apic, offset, value);
}

int vlapic_next(struct vlapic *apic, bool *extint, bool *blocked)
{
	u32 held = READ_ONCE(apic->extint);
	u32 lint0 = apic->lvt[LVT_LINT0];
	int irrv, isrv;

	vlapic_poll_timer(apic);
	*extint = false;
	*blocked = false;
	if (held) {
		bool passes = !vlapic_enabled(apic) ||
			      (!(lint0 & APIC_LVT_MASKED) &&
			       (lint0 & APIC_DELIVERY_MASK) >> APIC_DELIVERY_SHIFT ==
			       HV_X64_INTERRUPT_TYPE_EXTINT);

		if (passes) {
			*extint = true;
			return held & 0xFF;
		}
	}
	if (!software_enabled(apic))
		return -1;
	irrv = highest(apic->irr);
	if (irrv < 0)
		return -1;
	isrv = highest(apic->isr);
	if (isrv >= 0 && irrv >> 4 <= isrv >> 4)
		return -1;
	if ((u32)irrv >> 4 <= get_tpr(apic) >> 4) {
		*blocked = true;
		return -1;
	}
	return irrv;
}

bool vlapic_has_work(struct vlapic *apic)
{
	bool extint, blocked;

	return vlapic_next(apic, &extint, &blocked) >= 0;
}

bool vlapic_is_pending(struct vlapic *apic)
{
	vlapic_poll_timer(apic);
	return READ_ONCE(apic->extint) || (software_enabled(apic) && highest(apic->irr) >= 0);
}

void vlapic_ack(struct vlapic *apic, u8 vector, bool extint)
{
	if (extint) {
		u32 old = 0x100 | vector;

		/* Unless another one has come meanwhile. */
		atomic_cmpxchg(&apic->extint, &old, 0);
		return;
	}
	if (!synic_auto_eoi(apic->vp, vector))
		apic->isr[vector / 32] |= 1U << (vector % 32);
}

void vlapic_eoi(struct vlapic *apic)
{
	int vector = highest(apic->isr);

	if (root_has_shim(apic->vp))
		root_apic_write(apic->vp, APIC_EOI, 0);
	if (vector < 0)
		return;
	apic->isr[vector / 32] &= ~(1U << (vector % 32));
	if (bitmap_test(apic->physical, vector)) {
		bitmap_clear_atomic(apic->physical, vector);
		lp_root_eoi(apic->vp->lp, vector);
	}
	if (bitmap_test(apic->tmr, vector) && !partition_is_root(apic->vp->partition))
		vp_eoi_message(apic->vp, vector);
}

void vlapic_accept(struct vlapic *apic, u8 vector, bool level)
{
	if (vector < 16) {
		atomic_or(&apic->esr_pending, APIC_ESR_RECV_ILLEGAL);
		return;
	}
	if (root_has_shim(apic->vp)) {
		root_apic_raise(apic->vp, vector);
		return;
	}
	if (level)
		bitmap_set_atomic(apic->tmr, vector);
	else
		bitmap_clear_atomic(apic->tmr, vector);
	if (!bitmap_set_atomic(apic->irr, vector))
		vp_wake(apic->vp);
}

void vlapic_accept_extint(struct vlapic *apic, u8 vector)
{
	atomic_xchg(&apic->extint, 0x100U | vector);
	vp_wake(apic->vp);
}
