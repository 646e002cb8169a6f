/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The virtual local APIC (APM vol. 2, chapter 16), of children and of root.
 */
#ifndef OPENHV_VLAPIC_H
#define OPENHV_VLAPIC_H

#include <openhv/lp.h>
#include <openhv/types.h>
#include <tlfs/state.h>

struct vp;
struct partition;

#define APIC_DEFAULT_BASE	0xFEE00000UL

/* Register offsets in the xAPIC page; an x2APIC MSR is 0x800 + offset / 16 */
#define APIC_ID		0x020
#define APIC_VERSION	0x030
#define APIC_TPR	0x080
#define APIC_APR	0x090
#define APIC_PPR	0x0A0
#define APIC_EOI	0x0B0
#define APIC_RRR	0x0C0
#define APIC_LDR	0x0D0
#define APIC_DFR	0x0E0
#define APIC_SVR	0x0F0
#define APIC_ISR	0x100
#define APIC_TMR	0x180
#define APIC_IRR	0x200
#define APIC_ESR	0x280
#define APIC_LVT_CMCI	0x2F0
#define APIC_ICR_LOW	0x300
#define APIC_ICR_HIGH	0x310
#define APIC_LVT_TIMER	0x320
#define APIC_LVT_THERMAL 0x330
#define APIC_LVT_PERF	0x340
#define APIC_LVT_LINT0	0x350
#define APIC_LVT_LINT1	0x360
#define APIC_LVT_ERROR	0x370
#define APIC_TIMER_ICR	0x380
#define APIC_TIMER_CCR	0x390
#define APIC_TIMER_DCR	0x3E0
#define APIC_SELF_IPI	0x3F0
#define X2APIC_MSR(offset)	(MSR_X2APIC_FIRST + (offset) / 16)

#define APIC_SVR_ENABLE		BIT(8)
#define APIC_LVT_MASKED		BIT(16)
#define APIC_LVT_TIMER_MODE	(3U << 17)
#define APIC_LVT_TIMER_ONESHOT	(0U << 17)
#define APIC_LVT_TIMER_PERIODIC	(1U << 17)
#define APIC_LVT_TIMER_DEADLINE	(2U << 17)
#define APIC_DELIVERY_SHIFT	8
#define APIC_DELIVERY_MASK	(7U << 8)
#define APIC_ICR_LOGICAL	BIT(11)
#define APIC_ICR_PENDING	BIT(12)
#define APIC_ICR_ASSERT		BIT(14)
#define APIC_ICR_LEVEL		BIT(15)
#define APIC_ICR_SHORTHAND_SHIFT 18
#define APIC_ESR_SEND_ILLEGAL	BIT(5)
#define APIC_ESR_RECV_ILLEGAL	BIT(6)
#define APIC_ESR_REG_ILLEGAL	BIT(7)

#define APIC_BROADCAST_XAPIC	0xFFU
#define APIC_BROADCAST_X2APIC	0xFFFFFFFFU

/* Index of lvt[] */
enum vlapic_lvt {
	LVT_TIMER, LVT_THERMAL, LVT_PERF, LVT_LINT0, LVT_LINT1, LVT_ERROR, LVT_CMCI,
	LVT_COUNT,
};

/**
 * struct vlapic - the local APIC of a VP
 * @vp: whose it is
 * @base: IA32_APIC_BASE
 * @id: APIC ID
 * @tpr_low: task priority, bits 0-3; bits 4-7 are CR8
 * @ldr: logical destination, xAPIC form
 * @dfr: destination format
 * @svr: spurious interrupt vector register
 * @esr: error status as last latched
 * @esr_pending: errors since
 * @icr: interrupt command register
 * @lvt: local vector table
 * @timer_initial: initial count
 * @timer_divide: divide configuration
 * @tsc_deadline: IA32_TSC_DEADLINE
 * @timer_start: TSC value at which @timer_initial was written
 * @timer_next: TSC value of the next expiry, 0: not counting
 * @timer: fires at @timer_next
 * @irr: requested vectors; set atomically by anyone
 * @isr: vectors in service
 * @tmr: level-triggered vectors; set atomically by anyone
 * @physical: vectors whose EOI goes to the physical APIC too (root)
 * @extint: an ExtINT is held: bit 8, and its vector in bits 0-7; atomic
 *
 * All but the atomic fields are the owner's of the VP.
 */
struct vlapic {
	struct vp *vp;
	u64 base;
	u32 id;
	u8 tpr_low;
	u32 ldr;
	u32 dfr;
	u32 svr;
	u32 esr;
	u32 esr_pending;
	u64 icr;
	u32 lvt[LVT_COUNT];
	u32 timer_initial;
	u32 timer_divide;
	u64 tsc_deadline;
	u64 timer_start;
	u64 timer_next;
	struct htimer timer;
	u32 irr[8];
	u32 isr[8];
	u32 tmr[8];
	u32 physical[8];
	u32 extint;
};

void vlapic_init(struct vlapic *apic, struct vp *vp, u32 id);
/* The state after RESET or INIT; base is kept by an INIT. */
void vlapic_reset(struct vlapic *apic, bool init);
/* Before the VP is destroyed. */
void vlapic_destroy(struct vlapic *apic);

static inline bool vlapic_enabled(const struct vlapic *apic)
{
	return (apic->base >> 11) & 1;
}

static inline bool vlapic_x2apic(const struct vlapic *apic)
{
	return ((apic->base >> 10) & 3) == 3;
}

/**
 * vlapic_set_base() - write IA32_APIC_BASE
 * @apic: the APIC, owned
 * @value: what is written
 *
 * Returns: false if the transition is not allowed (the guest gets #GP)
 */
bool vlapic_set_base(struct vlapic *apic, u64 value);

/**
 * vlapic_read() - read a register
 * @apic: the APIC, owned
 * @offset: in the xAPIC page
 * @value: receives it
 *
 * Returns: false if there is no such register
 */
bool vlapic_read(struct vlapic *apic, u32 offset, u32 *value);
bool vlapic_write(struct vlapic *apic, u32 offset, u32 value);

/* The MSRs 0x800-0x8ff; false: #GP */
bool vlapic_msr_read(struct vlapic *apic, u32 msr, u64 *value);
bool vlapic_msr_write(struct vlapic *apic, u32 msr, u64 value);

void vlapic_set_tsc_deadline(struct vlapic *apic, u64 tsc);

/**
 * vlapic_accept() - a fixed interrupt arrives
 * @apic: the APIC; not owned, may be running
 * @vector: 16 to 255
 * @level: level-triggered
 *
 * Wakes the VP.
 */
void vlapic_accept(struct vlapic *apic, u8 vector, bool level);

/* An ExtINT arrives, and is held until the VP takes it. */
void vlapic_accept_extint(struct vlapic *apic, u8 vector);

/**
 * vlapic_next() - what the VP should take next
 * @apic: the APIC, owned
 * @extint: set if it is an ExtINT
 * @blocked: set if a vector is pending that only the task priority holds back
 *
 * Returns: a vector, or -1
 */
int vlapic_next(struct vlapic *apic, bool *extint, bool *blocked);

/* The VP took what vlapic_next() gave, and what is no longer in the IRR. */
void vlapic_ack(struct vlapic *apic, u8 vector, bool extint);

/* Something is pending that would end a HLT. */
bool vlapic_has_work(struct vlapic *apic);

/* Something is pending, of whatever priority: that ends a guest's idling by the MSR. */
bool vlapic_is_pending(struct vlapic *apic);

void vlapic_eoi(struct vlapic *apic);

/* For vlapic_set_state(): a register as it was saved, without what a write does. */
void vlapic_restore_lvt(struct vlapic *apic, enum vlapic_lvt i, u32 value);
void vlapic_restore_count(struct vlapic *apic, u32 count);

/* Raise the timer if its time has come. */
void vlapic_poll_timer(struct vlapic *apic);

/**
 * vlapic_deliver() - send an interrupt to the VPs of a partition that match
 * @p: the partition
 * @delivery: enum hv_interrupt_type, FIXED to EXTINT
 * @vector: the vector
 * @logical: @dest is a logical destination
 * @dest: APIC ID or logical destination
 * @level: level-triggered
 * @x2apic: @dest has 32 bits; else it is xAPIC's 8
 *
 * Returns: number of VPs it went to
 */
u32 vlapic_deliver(struct partition *p, u32 delivery, u8 vector, bool logical, u32 dest,
		   bool level, bool x2apic);

/**
 * vlapic_send() - an IPI, as the interrupt command register tells it
 * @from: the sender
 * @delivery: enum hv_interrupt_type
 * @vector: the vector
 * @logical: @dest is a logical destination
 * @dest: APIC ID or logical destination
 * @shorthand: 0 none, 1 self, 2 all, 3 all but self
 * @x2apic: @dest has 32 bits
 */
void vlapic_send(struct vp *from, u32 delivery, u8 vector, bool logical, u32 dest, u32 shorthand,
		 bool x2apic);

void vlapic_get_state(struct vlapic *apic, struct hv_local_interrupt_controller_state *out);
hv_status_t vlapic_set_state(struct vlapic *apic,
			     const struct hv_local_interrupt_controller_state *in);

#endif /* OPENHV_VLAPIC_H */
