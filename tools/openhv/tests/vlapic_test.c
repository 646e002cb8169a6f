// SPDX-License-Identifier: GPL-2.0-only
/*
 * The virtual local APIC: core/vlapic.c, vlapic_ipi.c, vlapic_state.c.
 */
#include <asm/cpu.h>
#include <openhv/run.h>
#include <openhv/vlapic.h>
#include <tlfs/interrupt.h>
#include <tlfs/msr.h>
#include <tlfs/partition.h>
#include <tlfs/state.h>
#include <tlfs/vp.h>
#include "test.h"
#include "apic.h"

#define FIXED(v)	((v) | HV_X64_INTERRUPT_TYPE_FIXED << APIC_DELIVERY_SHIFT)
#define X2APIC(reg)	(MSR_X2APIC_FIRST + (reg) / 16)

/* VPs of one partition, all with their APICs switched on */
static struct vp *vps[8];

static struct vp *make_vps(u32 count)
{
	struct partition *p = child_new();
	u32 i;

	for (i = 0; i < count; i++) {
		vps[i] = child_vp(p, i);
		vps[i]->startup_suspend = false;
		vlapic_write(&vps[i]->apic, APIC_SVR, APIC_SVR_ENABLE | 0xFF);
	}
	return vps[0];
}

static int next(struct vp *vp)
{
	bool extint, blocked;

	return vlapic_next(&vp->apic, &extint, &blocked);
}

/* Take a vector as a processor does. */
static int take(struct vp *vp)
{
	bool extint, blocked;
	int vector = vlapic_next(&vp->apic, &extint, &blocked);

	if (vector < 0)
		return vector;
	if (!extint)
		bitmap_clear_atomic(vp->apic.irr, vector);
	vlapic_ack(&vp->apic, vector, extint);
	return vector;
}

static bool requested(struct vp *vp, u8 vector)
{
	return rd(vp, APIC_IRR + vector / 32 * 16) & 1U << (vector % 32);
}

static void x2apic(struct vp *vp)
{
	ASSERT_TRUE(vlapic_set_base(&vp->apic, vp->apic.base | APIC_BASE_EXTD));
}

/* --- Registers -------------------------------------------------------------------------- */

TEST_ON_MACHINE(registers_after_reset)
{
	struct partition *p = child_new();
	struct vp *vp = child_vp(p, 3);
	u32 i;

	EXPECT_EQ(3U << 24, rd(vp, APIC_ID));
	EXPECT_EQ(0x60014, rd(vp, APIC_VERSION));
	EXPECT_EQ(0, rd(vp, APIC_TPR));
	EXPECT_EQ(0, rd(vp, APIC_PPR));
	EXPECT_EQ(0, rd(vp, APIC_LDR));
	EXPECT_EQ(0xFFFFFFFF, rd(vp, APIC_DFR));
	EXPECT_EQ(0xFF, rd(vp, APIC_SVR));
	EXPECT_EQ(0, rd(vp, APIC_ESR));
	EXPECT_EQ(0, rd(vp, APIC_ICR_LOW));
	EXPECT_EQ(0, rd(vp, APIC_ICR_HIGH));
	for (i = 0; i < 0x80; i += 0x10) {
		EXPECT_EQ(0, rd(vp, APIC_ISR + i));
		EXPECT_EQ(0, rd(vp, APIC_TMR + i));
		EXPECT_EQ(0, rd(vp, APIC_IRR + i));
	}
	for (i = APIC_LVT_TIMER; i <= APIC_LVT_ERROR; i += 0x10)
		EXPECT_EQ(APIC_LVT_MASKED, rd(vp, i));
	EXPECT_EQ(APIC_LVT_MASKED, rd(vp, APIC_LVT_CMCI));
	EXPECT_EQ(0, rd(vp, APIC_TIMER_ICR));
	EXPECT_EQ(0, rd(vp, APIC_TIMER_CCR));
	EXPECT_EQ(0, rd(vp, APIC_TIMER_DCR));
	child_gone(p);
}

TEST_ON_MACHINE(registers_keep_the_bits_they_have)
{
	static const struct {
		u32 reg;
		u32 mask;	/* bits that can be set */
		u32 always;	/* bits that are always set */
	} cases[] = {
		{ APIC_TPR, 0xFF, 0 },
		{ APIC_LDR, 0xFF000000, 0 },
		{ APIC_DFR, 0xFFFFFFFF, 0x0FFFFFFF },
		{ APIC_SVR, 0x3FF, 0 },
		{ APIC_ICR_HIGH, 0xFF000000, 0 },
		{ APIC_LVT_TIMER, 0x700FF, 0 },
		{ APIC_LVT_THERMAL, 0x107FF, 0 },
		{ APIC_LVT_PERF, 0x107FF, 0 },
		{ APIC_LVT_LINT0, 0x1A7FF, 0 },
		{ APIC_LVT_LINT1, 0x1A7FF, 0 },
		{ APIC_LVT_ERROR, 0x100FF, 0 },
		{ APIC_LVT_CMCI, 0x107FF, 0 },
		{ APIC_TIMER_DCR, 0xB, 0 },
	};
	struct vp *vp = make_vps(1);
	u32 i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		CONTEXT("register %x", cases[i].reg);
		wr(vp, cases[i].reg, 0xFFFFFFFF);
		EXPECT_EQ(cases[i].mask | cases[i].always, rd(vp, cases[i].reg));
		wr(vp, cases[i].reg, cases[i].reg == APIC_SVR ? APIC_SVR_ENABLE : 0);
		EXPECT_EQ(cases[i].always | (cases[i].reg == APIC_SVR ? APIC_SVR_ENABLE : 0),
			  rd(vp, cases[i].reg));
	}
	child_gone(vp->partition);
}

TEST_ON_MACHINE(registers_that_are_not_there_or_cannot_be_written)
{
	static const u32 absent[] = { 0x000, 0x010, 0x040, 0x070, 0x290, 0x2E0, 0x3A0, 0x3D0,
				      0x3F0, 0x400, 0xFF0, 0x024 };
	static const u32 read_only[] = { APIC_VERSION, APIC_PPR, APIC_APR, APIC_RRR, APIC_ISR,
					 APIC_TMR + 0x70, APIC_IRR + 0x30, APIC_TIMER_CCR };
	struct vp *vp = make_vps(1);
	u32 i, value;

	for (i = 0; i < ARRAY_SIZE(absent); i++) {
		CONTEXT("register %x", absent[i]);
		EXPECT_FALSE(vlapic_read(&vp->apic, absent[i], &value));
		EXPECT_FALSE(vlapic_write(&vp->apic, absent[i], 0));
	}
	for (i = 0; i < ARRAY_SIZE(read_only); i++) {
		CONTEXT("register %x", read_only[i]);
		value = rd(vp, read_only[i]);
		EXPECT_FALSE(vlapic_write(&vp->apic, read_only[i], 0xFFFFFFFF));
		EXPECT_EQ(value, rd(vp, read_only[i]));
	}
	/* The ID is the VP's. */
	EXPECT_TRUE(vlapic_write(&vp->apic, APIC_ID, 0x77000000));
	EXPECT_EQ(0, rd(vp, APIC_ID));
	child_gone(vp->partition);
}

TEST_ON_MACHINE(task_priority_is_cr8)
{
	struct vp *vp = make_vps(1);

	wr(vp, APIC_TPR, 0x5A);
	EXPECT_EQ(5, vcpu_get_cr(&vp->vcpu, 8));
	EXPECT_EQ(0x5A, rd(vp, APIC_TPR));
	vcpu_set_cr(&vp->vcpu, 8, 9);
	EXPECT_EQ(0x9A, rd(vp, APIC_TPR));
	EXPECT_EQ(0x9A, rd(vp, APIC_PPR));
	child_gone(vp->partition);
}

TEST_ON_MACHINE(software_disabled_apic_masks_its_entries)
{
	struct vp *vp = make_vps(1);

	wr(vp, APIC_LVT_LINT0, 0x700);
	EXPECT_EQ(0x700, rd(vp, APIC_LVT_LINT0));
	wr(vp, APIC_SVR, 0xFF);
	EXPECT_EQ(0x10700, rd(vp, APIC_LVT_LINT0));
	wr(vp, APIC_LVT_LINT0, 0x700);
	EXPECT_EQ(0x10700, rd(vp, APIC_LVT_LINT0));
	wr(vp, APIC_SVR, APIC_SVR_ENABLE);
	EXPECT_EQ(0x10700, rd(vp, APIC_LVT_LINT0));
	wr(vp, APIC_LVT_LINT0, 0x700);
	EXPECT_EQ(0x700, rd(vp, APIC_LVT_LINT0));
	child_gone(vp->partition);
}

TEST_ON_MACHINE(errors_are_seen_after_a_write)
{
	struct vp *vp = make_vps(1);

	vlapic_accept(&vp->apic, 5, false);
	EXPECT_EQ(0, rd(vp, APIC_ESR));
	wr(vp, APIC_ESR, 0);
	EXPECT_EQ(APIC_ESR_RECV_ILLEGAL, rd(vp, APIC_ESR));
	wr(vp, APIC_ESR, 0);
	EXPECT_EQ(0, rd(vp, APIC_ESR));
	/* A vector that cannot be sent, with the error entry to tell of it */
	wr(vp, APIC_LVT_ERROR, 0x44);
	wr(vp, APIC_ICR_LOW, FIXED(3));
	EXPECT_TRUE(requested(vp, 0x44));
	wr(vp, APIC_ESR, 0);
	EXPECT_EQ(APIC_ESR_SEND_ILLEGAL, rd(vp, APIC_ESR));
	child_gone(vp->partition);
}

/* --- Priorities ------------------------------------------------------------------------------ */

TEST_ON_MACHINE(higher_priority_class_goes_first)
{
	struct vp *vp = make_vps(1);

	EXPECT_EQ(-1, next(vp));
	vlapic_accept(&vp->apic, 0x31, false);
	vlapic_accept(&vp->apic, 0x52, false);
	vlapic_accept(&vp->apic, 0x51, false);
	vlapic_accept(&vp->apic, 0xFF, false);
	EXPECT_EQ(0xFF, take(vp));
	/* Nothing of the same or a lower class while one is in service */
	EXPECT_EQ(0xF0, rd(vp, APIC_PPR));
	EXPECT_EQ(-1, take(vp));
	wr(vp, APIC_EOI, 0);
	EXPECT_EQ(0x52, take(vp));
	EXPECT_EQ(-1, take(vp));
	vlapic_accept(&vp->apic, 0x5F, false);
	EXPECT_EQ(-1, take(vp));
	vlapic_accept(&vp->apic, 0x60, false);
	EXPECT_EQ(0x60, take(vp));
	EXPECT_EQ(1U << 0x12, rd(vp, APIC_ISR + 0x20));
	EXPECT_EQ(1, rd(vp, APIC_ISR + 0x30));
	/* EOI ends the highest. */
	wr(vp, APIC_EOI, 0);
	EXPECT_EQ(0, rd(vp, APIC_ISR + 0x30));
	EXPECT_EQ(0x50, rd(vp, APIC_PPR));
	wr(vp, APIC_EOI, 0);
	EXPECT_EQ(0x5F, take(vp));
	wr(vp, APIC_EOI, 0);
	EXPECT_EQ(0x51, take(vp));
	wr(vp, APIC_EOI, 0);
	EXPECT_EQ(0x31, take(vp));
	wr(vp, APIC_EOI, 0);
	/* One for nothing does nothing. */
	wr(vp, APIC_EOI, 0);
	EXPECT_EQ(-1, take(vp));
	EXPECT_EQ(0, rd(vp, APIC_PPR));
	child_gone(vp->partition);
}

TEST_ON_MACHINE(task_priority_holds_back_its_class_and_those_below)
{
	struct vp *vp = make_vps(1);
	bool extint, blocked;

	wr(vp, APIC_TPR, 0x40);
	vlapic_accept(&vp->apic, 0x4F, false);
	EXPECT_EQ(-1, vlapic_next(&vp->apic, &extint, &blocked));
	EXPECT_TRUE(blocked);
	EXPECT_FALSE(vlapic_has_work(&vp->apic));
	wr(vp, APIC_TPR, 0x3F);
	EXPECT_EQ(0x4F, vlapic_next(&vp->apic, &extint, &blocked));
	EXPECT_FALSE(blocked);
	EXPECT_TRUE(vlapic_has_work(&vp->apic));
	wr(vp, APIC_TPR, 0xFF);
	vlapic_accept(&vp->apic, 0xFF, false);
	EXPECT_EQ(-1, next(vp));
	EXPECT_EQ(0xFF, rd(vp, APIC_PPR));
	child_gone(vp->partition);
}

TEST_ON_MACHINE(one_in_service_is_not_blocked_by_priority)
{
	struct vp *vp = make_vps(1);
	bool extint, blocked;

	vlapic_accept(&vp->apic, 0x50, false);
	take(vp);
	vlapic_accept(&vp->apic, 0x48, false);
	EXPECT_EQ(-1, vlapic_next(&vp->apic, &extint, &blocked));
	EXPECT_FALSE(blocked);
	child_gone(vp->partition);
}

TEST_ON_MACHINE(disabled_apic_gives_nothing)
{
	struct vp *vp = make_vps(1);

	vlapic_accept(&vp->apic, 0x50, false);
	vp->apic.svr = 0xFF;
	EXPECT_EQ(-1, next(vp));
	vp->apic.svr = APIC_SVR_ENABLE;
	EXPECT_EQ(0x50, next(vp));
	ASSERT_TRUE(vlapic_set_base(&vp->apic, APIC_DEFAULT_BASE | APIC_BASE_BSP));
	EXPECT_EQ(-1, next(vp));
	child_gone(vp->partition);
}

TEST_ON_MACHINE(pending_vector_is_one_however_often_it_comes)
{
	struct vp *vp = make_vps(1);

	vlapic_accept(&vp->apic, 0x50, false);
	vlapic_accept(&vp->apic, 0x50, false);
	EXPECT_EQ(0x50, take(vp));
	/* And another while it is in service waits. */
	vlapic_accept(&vp->apic, 0x50, false);
	EXPECT_EQ(-1, take(vp));
	wr(vp, APIC_EOI, 0);
	EXPECT_EQ(0x50, take(vp));
	wr(vp, APIC_EOI, 0);
	EXPECT_EQ(-1, take(vp));
	child_gone(vp->partition);
}

/* --- EOI of level-triggered interrupts ------------------------------------------------------ */

TEST_ON_MACHINE(eoi_of_a_level_interrupt_is_told_to_the_parent)
{
	struct vp *vp = make_vps(1);
	struct hv_message *msg = state_page(vp, HV_VP_STATE_PAGE_INTERCEPT_MESSAGE);
	struct hv_x64_apic_eoi_message *m = (void *)msg->u.payload;

	vlapic_accept(&vp->apic, 0x61, true);
	EXPECT_EQ(2, rd(vp, APIC_TMR + 0x30));
	EXPECT_EQ(0x61, take(vp));
	EXPECT_FALSE(vp->intercept_suspend);
	wr(vp, APIC_EOI, 0);
	EXPECT_TRUE(vp->intercept_suspend);
	EXPECT_EQ(HVMSG_X64_APIC_EOI, msg->header.message_type);
	EXPECT_EQ(sizeof(*m), msg->header.payload_size);
	EXPECT_EQ(vp->partition->id, msg->header.sender);
	EXPECT_EQ(0x61, m->interrupt_vector);
	EXPECT_EQ(0, m->vp_index);
	/* The same vector as an edge has no such end. */
	vp->intercept_suspend = false;
	vlapic_accept(&vp->apic, 0x61, false);
	EXPECT_EQ(0, rd(vp, APIC_TMR + 0x30));
	take(vp);
	wr(vp, APIC_EOI, 0);
	EXPECT_FALSE(vp->intercept_suspend);
	child_gone(vp->partition);
}

TEST_ON_MACHINE(roots_level_interrupt_is_ended_at_the_machines_apic)
{
	struct vp *vp = root_vp();

	vlapic_write(&vp->apic, APIC_SVR, APIC_SVR_ENABLE | 0xFF);
	lp_device_interrupt(lp_self(), 0x61, true);
	EXPECT_EQ(0x61, take(vp));
	EXPECT_EQ(0, host_eois);
	wr(vp, APIC_EOI, 0);
	EXPECT_EQ(1, host_eois);
	EXPECT_FALSE(vp->intercept_suspend);
	lp_device_interrupt(lp_self(), 0x61, false);
	take(vp);
	wr(vp, APIC_EOI, 0);
	EXPECT_EQ(1, host_eois);
	/* A line that root leaves behind at its reset is released as well. */
	lp_device_interrupt(lp_self(), 0x62, true);
	vlapic_reset(&vp->apic, true);
	EXPECT_EQ(2, host_eois);
	EXPECT_EQ(-1, next(vp));
}

/* --- ExtINT --------------------------------------------------------------------------------- */

TEST_ON_MACHINE(extint_passes_lint0_or_a_disabled_apic)
{
	struct vp *vp = make_vps(1);
	bool extint, blocked;

	vlapic_accept_extint(&vp->apic, 8);
	EXPECT_EQ(-1, next(vp));
	wr(vp, APIC_LVT_LINT0, HV_X64_INTERRUPT_TYPE_EXTINT << APIC_DELIVERY_SHIFT);
	EXPECT_EQ(8, vlapic_next(&vp->apic, &extint, &blocked));
	EXPECT_TRUE(extint);
	/* It has neither a priority nor a place in service. */
	wr(vp, APIC_TPR, 0xFF);
	vlapic_accept(&vp->apic, 0x80, false);
	EXPECT_EQ(8, vlapic_next(&vp->apic, &extint, &blocked));
	vlapic_ack(&vp->apic, 8, true);
	EXPECT_EQ(-1, next(vp));
	EXPECT_EQ(0, rd(vp, APIC_ISR));
	/* Masked, or of another kind */
	vlapic_accept_extint(&vp->apic, 9);
	wr(vp, APIC_LVT_LINT0, APIC_LVT_MASKED | HV_X64_INTERRUPT_TYPE_EXTINT << 8);
	EXPECT_EQ(-1, next(vp));
	wr(vp, APIC_LVT_LINT0, HV_X64_INTERRUPT_TYPE_NMI << 8);
	EXPECT_EQ(-1, next(vp));
	/* An APIC that is off lets it through. */
	ASSERT_TRUE(vlapic_set_base(&vp->apic, APIC_DEFAULT_BASE | APIC_BASE_BSP));
	vlapic_accept_extint(&vp->apic, 9);
	EXPECT_EQ(9, vlapic_next(&vp->apic, &extint, &blocked));
	EXPECT_TRUE(extint);
	child_gone(vp->partition);
}

TEST_ON_MACHINE(extint_that_came_meanwhile_is_not_acknowledged_with_the_one_before)
{
	struct vp *vp = make_vps(1);

	wr(vp, APIC_LVT_LINT0, HV_X64_INTERRUPT_TYPE_EXTINT << APIC_DELIVERY_SHIFT);
	vlapic_accept_extint(&vp->apic, 8);
	EXPECT_EQ(8, next(vp));
	vlapic_accept_extint(&vp->apic, 12);
	vlapic_ack(&vp->apic, 8, true);
	EXPECT_EQ(12, take(vp));
	EXPECT_EQ(-1, take(vp));
	child_gone(vp->partition);
}

/* --- IPIs ----------------------------------------------------------------------------------- */

/* Which VPs have a vector requested, as a bit mask; takes it away again */
static u32 who(u32 count, u8 vector)
{
	u32 i, mask = 0;

	for (i = 0; i < count; i++) {
		if (bitmap_clear_atomic(vps[i]->apic.irr, vector))
			mask |= 1U << i;
	}
	return mask;
}

static void icr(struct vp *vp, u32 dest, u32 low)
{
	wr(vp, APIC_ICR_HIGH, dest << 24);
	wr(vp, APIC_ICR_LOW, low);
}

#define SELF	(1U << 18)
#define ALL	(2U << 18)
#define OTHERS	(3U << 18)

TEST_ON_MACHINE(ipi_by_physical_id_and_shorthand)
{
	struct vp *vp = make_vps(4);

	icr(vp, 2, FIXED(0x50));
	EXPECT_EQ(1 << 2, who(4, 0x50));
	icr(vp, 0, FIXED(0x50));
	EXPECT_EQ(1 << 0, who(4, 0x50));
	icr(vp, 9, FIXED(0x50));
	EXPECT_EQ(0, who(4, 0x50));
	icr(vp, 0xFF, FIXED(0x50));
	EXPECT_EQ(0xF, who(4, 0x50));
	icr(vp, 2, FIXED(0x50) | SELF);
	EXPECT_EQ(1 << 0, who(4, 0x50));
	icr(vp, 2, FIXED(0x50) | ALL);
	EXPECT_EQ(0xF, who(4, 0x50));
	icr(vp, 2, FIXED(0x50) | OTHERS);
	EXPECT_EQ(0xE, who(4, 0x50));
	/* What was written stays to be read, without the delivery status. */
	icr(vp, 2, FIXED(0x50) | OTHERS | APIC_ICR_PENDING);
	EXPECT_EQ(FIXED(0x50) | OTHERS, rd(vp, APIC_ICR_LOW));
	EXPECT_EQ(2U << 24, rd(vp, APIC_ICR_HIGH));
	child_gone(vp->partition);
}

TEST_ON_MACHINE(ipi_passes_by_a_disabled_apic)
{
	struct vp *vp = make_vps(3);

	ASSERT_TRUE(vlapic_set_base(&vps[1]->apic, APIC_DEFAULT_BASE));
	icr(vp, 1, FIXED(0x50));
	EXPECT_EQ(0, who(3, 0x50));
	icr(vp, 0xFF, FIXED(0x50));
	EXPECT_EQ(5, who(3, 0x50));
	icr(vp, 0, FIXED(0x50) | ALL);
	EXPECT_EQ(5, who(3, 0x50));
	child_gone(vp->partition);
}

TEST_ON_MACHINE(ipi_by_logical_id_in_the_flat_model)
{
	struct vp *vp = make_vps(4);
	u32 i;

	for (i = 0; i < 4; i++)
		wr(vps[i], APIC_LDR, 1U << (24 + i));
	icr(vp, 0x5, FIXED(0x50) | APIC_ICR_LOGICAL);
	EXPECT_EQ(0x5, who(4, 0x50));
	icr(vp, 0xF0, FIXED(0x50) | APIC_ICR_LOGICAL);
	EXPECT_EQ(0, who(4, 0x50));
	icr(vp, 0xFF, FIXED(0x50) | APIC_ICR_LOGICAL);
	EXPECT_EQ(0xF, who(4, 0x50));
	icr(vp, 0, FIXED(0x50) | APIC_ICR_LOGICAL);
	EXPECT_EQ(0, who(4, 0x50));
	child_gone(vp->partition);
}

TEST_ON_MACHINE(ipi_by_logical_id_in_the_cluster_model)
{
	struct vp *vp = make_vps(4);
	u32 i;

	for (i = 0; i < 4; i++) {
		wr(vps[i], APIC_DFR, 0x0FFFFFFF);
		/* Clusters 0 and 1, two members each */
		wr(vps[i], APIC_LDR, (u32)((i / 2) << 4 | 1 << (i % 2)) << 24);
	}
	icr(vp, 0x13, FIXED(0x50) | APIC_ICR_LOGICAL);
	EXPECT_EQ(0xC, who(4, 0x50));
	icr(vp, 0x02, FIXED(0x50) | APIC_ICR_LOGICAL);
	EXPECT_EQ(0x2, who(4, 0x50));
	icr(vp, 0xF1, FIXED(0x50) | APIC_ICR_LOGICAL);
	EXPECT_EQ(0x5, who(4, 0x50));
	icr(vp, 0x23, FIXED(0x50) | APIC_ICR_LOGICAL);
	EXPECT_EQ(0, who(4, 0x50));
	child_gone(vp->partition);
}

TEST_ON_MACHINE(ipi_of_lowest_priority_goes_to_one)
{
	struct vp *vp = make_vps(4);
	u32 i, mask;

	for (i = 0; i < 4; i++)
		wr(vps[i], APIC_LDR, 1U << (24 + i));
	icr(vp, 0xE, HV_X64_INTERRUPT_TYPE_LOWESTPRIORITY << 8 | 0x50 | APIC_ICR_LOGICAL);
	mask = who(4, 0x50);
	EXPECT_NE(0, mask & 0xE);
	EXPECT_EQ(0, mask & (mask - 1));
	child_gone(vp->partition);
}

TEST_ON_MACHINE(ipi_that_is_no_vector)
{
	struct vp *vp = make_vps(3);

	icr(vp, 1, HV_X64_INTERRUPT_TYPE_NMI << 8);
	EXPECT_EQ(1, vps[1]->nmi_pending);
	EXPECT_EQ(0, vps[2]->nmi_pending);
	icr(vp, 0, HV_X64_INTERRUPT_TYPE_NMI << 8 | ALL);
	EXPECT_EQ(1, vps[0]->nmi_pending);
	EXPECT_EQ(1, vps[2]->nmi_pending);
	vps[1]->requests = 0;
	icr(vp, 1, HV_X64_INTERRUPT_TYPE_INIT << 8 | APIC_ICR_ASSERT);
	EXPECT_EQ(VP_REQ_INIT, vps[1]->requests);
	/* The de-assertion of INIT is nothing. */
	vps[1]->requests = 0;
	icr(vp, 1, HV_X64_INTERRUPT_TYPE_INIT << 8 | APIC_ICR_LEVEL);
	EXPECT_EQ(0, vps[1]->requests);
	icr(vp, 1, HV_X64_INTERRUPT_TYPE_SIPI << 8 | 0x9A);
	EXPECT_EQ(VP_REQ_SIPI, vps[1]->requests);
	EXPECT_EQ(0x9A, vps[1]->sipi_vector);
	icr(vp, 2, HV_X64_INTERRUPT_TYPE_EXTINT << 8 | 0x20);
	EXPECT_EQ(0x120, vps[2]->apic.extint);
	/* SMI and remote read are not offered; nothing happens. */
	vps[1]->requests = 0;
	icr(vp, 1, HV_X64_INTERRUPT_TYPE_SMI << 8);
	icr(vp, 1, HV_X64_INTERRUPT_TYPE_REMOTEREAD << 8 | 0x50);
	EXPECT_EQ(0, vps[1]->requests);
	EXPECT_EQ(0, who(3, 0x50));
	child_gone(vp->partition);
}

/* --- x2APIC --------------------------------------------------------------------------------- */

TEST_ON_MACHINE(transitions_of_the_apic_base)
{
	static const struct {
		u64 from;
		u64 to;
		bool ok;
	} cases[] = {
		{ APIC_BASE_ENABLE, APIC_BASE_ENABLE, true },
		{ APIC_BASE_ENABLE, APIC_BASE_ENABLE | APIC_BASE_EXTD, true },
		{ APIC_BASE_ENABLE, 0, true },
		{ APIC_BASE_ENABLE, APIC_BASE_EXTD, false },
		{ APIC_BASE_ENABLE | APIC_BASE_EXTD, APIC_BASE_ENABLE, false },
		{ APIC_BASE_ENABLE | APIC_BASE_EXTD, APIC_BASE_ENABLE | APIC_BASE_EXTD, true },
		{ APIC_BASE_ENABLE | APIC_BASE_EXTD, 0, true },
		{ 0, APIC_BASE_ENABLE, true },
		{ 0, APIC_BASE_ENABLE | APIC_BASE_EXTD, false },
		{ 0, 0, true },
	};
	struct vp *vp = make_vps(1);
	u32 i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		CONTEXT("%llx to %llx", (unsigned long long)cases[i].from,
			(unsigned long long)cases[i].to);
		vp->apic.base = APIC_DEFAULT_BASE | cases[i].from;
		EXPECT_EQ(cases[i].ok, vlapic_set_base(&vp->apic, APIC_DEFAULT_BASE | cases[i].to));
		EXPECT_EQ(APIC_DEFAULT_BASE | (cases[i].ok ? cases[i].to : cases[i].from),
			  vp->apic.base);
	}
	vp->apic.base = APIC_DEFAULT_BASE | APIC_BASE_ENABLE;
	EXPECT_FALSE(vlapic_set_base(&vp->apic, vp->apic.base | 1));
	EXPECT_FALSE(vlapic_set_base(&vp->apic, vp->apic.base | 1UL << HOST_PHYS_BITS));
	EXPECT_FALSE(vlapic_set_base(&vp->apic, 0x1000 | APIC_BASE_ENABLE));
	EXPECT_TRUE(vlapic_set_base(&vp->apic, vp->apic.base | APIC_BASE_BSP));
	child_gone(vp->partition);
}

TEST_ON_MACHINE(x2apic_mode_is_for_those_who_were_created_with_it)
{
	u64 id = child_create(CHILD_FLAGS & ~HV_PARTITION_CREATION_FLAG_X2APIC_CAPABLE);
	struct partition *p = partition_of(id);
	struct vp *vp;

	ASSERT_EQ(0, deposit(id, 64));
	ASSERT_EQ(0, hv_fast(HVCALL_INITIALIZE_PARTITION, id, 0));
	vp = child_vp(p, 0);
	EXPECT_FALSE(vlapic_set_base(&vp->apic, vp->apic.base | APIC_BASE_EXTD));
	child_gone(p);
}

TEST_ON_MACHINE(switching_the_apic_off_resets_it)
{
	struct vp *vp = make_vps(1);

	wr(vp, APIC_TPR, 0x40);
	wr(vp, APIC_LVT_LINT0, 0x700);
	vlapic_accept(&vp->apic, 0x80, false);
	ASSERT_TRUE(vlapic_set_base(&vp->apic, APIC_DEFAULT_BASE | APIC_BASE_BSP));
	ASSERT_TRUE(vlapic_set_base(&vp->apic, APIC_DEFAULT_BASE | APIC_BASE_BSP |
				    APIC_BASE_ENABLE));
	EXPECT_EQ(0xFF, rd(vp, APIC_SVR));
	EXPECT_EQ(APIC_LVT_MASKED, rd(vp, APIC_LVT_LINT0));
	EXPECT_EQ(0, rd(vp, APIC_IRR + 0x40));
	child_gone(vp->partition);
}

TEST_ON_MACHINE(x2apic_ids)
{
	struct vp *vp = make_vps(3);
	u64 value;

	x2apic(vps[2]);
	EXPECT_EQ(2, rd(vps[2], APIC_ID));
	EXPECT_EQ(1U << 2, rd(vps[2], APIC_LDR));
	vps[2]->apic.id = 0x125;
	EXPECT_EQ(0x125, rd(vps[2], APIC_ID));
	EXPECT_EQ(0x12 << 16 | 1 << 5, rd(vps[2], APIC_LDR));
	ASSERT_TRUE(vlapic_msr_read(&vps[2]->apic, X2APIC(APIC_ID), &value));
	EXPECT_EQ(0x125, value);
	child_gone(vp->partition);
}

TEST_ON_MACHINE(x2apic_registers_are_msrs)
{
	struct vp *vp = make_vps(1);
	static const u32 readable[] = {
		APIC_ID, APIC_VERSION, APIC_TPR, APIC_PPR, APIC_LDR, APIC_SVR, APIC_ISR,
		APIC_ISR + 0x70, APIC_TMR, APIC_IRR + 0x70, APIC_ESR, APIC_LVT_CMCI, APIC_ICR_LOW,
		APIC_LVT_TIMER, APIC_LVT_THERMAL, APIC_LVT_PERF, APIC_LVT_LINT0, APIC_LVT_LINT1,
		APIC_LVT_ERROR, APIC_TIMER_ICR, APIC_TIMER_CCR, APIC_TIMER_DCR,
	};
	static const struct {
		u32 reg;
		u64 good;
		u64 bad;
	} writable[] = {
		{ APIC_TPR, 0xFF, 0x100 },
		{ APIC_EOI, 0, 1 },
		{ APIC_SVR, 0x1FF, 0x2000 },
		{ APIC_ESR, 0, 1 },
		{ APIC_LVT_CMCI, 0x10000, 1UL << 32 },
		{ APIC_ICR_LOW, FIXED(0x50), 1UL << 13 },
		{ APIC_LVT_TIMER, 0x10000, 1UL << 32 },
		{ APIC_LVT_THERMAL, 0x10000, 1UL << 32 },
		{ APIC_LVT_PERF, 0x10000, 1UL << 32 },
		{ APIC_LVT_LINT0, 0x10000, 1UL << 32 },
		{ APIC_LVT_LINT1, 0x10000, 1UL << 32 },
		{ APIC_LVT_ERROR, 0x10000, 1UL << 32 },
		{ APIC_TIMER_ICR, 0, 1UL << 32 },
		{ APIC_TIMER_DCR, 0, 1UL << 32 },
		{ APIC_SELF_IPI, 0x50, 0x100 },
	};
	u64 value;
	u32 msr, i;

	/* None of them in xAPIC mode */
	for (msr = MSR_X2APIC_FIRST; msr <= MSR_X2APIC_LAST; msr++) {
		EXPECT_FALSE(vlapic_msr_read(&vp->apic, msr, &value));
		EXPECT_FALSE(vlapic_msr_write(&vp->apic, msr, 0));
	}
	x2apic(vp);
	for (msr = MSR_X2APIC_FIRST; msr <= MSR_X2APIC_LAST; msr++) {
		u32 reg = (msr - MSR_X2APIC_FIRST) * 16;
		bool reads = false, writes = false;

		for (i = 0; i < ARRAY_SIZE(readable); i++)
			reads |= readable[i] == reg;
		reads |= (reg >= APIC_ISR && reg < APIC_ISR + 0x180);
		for (i = 0; i < ARRAY_SIZE(writable); i++)
			writes |= writable[i].reg == reg;
		CONTEXT("MSR %x", msr);
		EXPECT_EQ(reads, vlapic_msr_read(&vp->apic, msr, &value));
		if (!writes)
			EXPECT_FALSE(vlapic_msr_write(&vp->apic, msr, 0));
	}
	for (i = 0; i < ARRAY_SIZE(writable); i++) {
		CONTEXT("register %x", writable[i].reg);
		EXPECT_TRUE(vlapic_msr_write(&vp->apic, X2APIC(writable[i].reg), writable[i].good));
		EXPECT_FALSE(vlapic_msr_write(&vp->apic, X2APIC(writable[i].reg), writable[i].bad));
	}
	child_gone(vp->partition);
}

TEST_ON_MACHINE(x2apic_ipis)
{
	struct vp *vp = make_vps(4);
	u64 value;
	u32 i;

	for (i = 0; i < 4; i++)
		x2apic(vps[i]);
	vps[3]->apic.id = 0x1FF;
	ASSERT_TRUE(vlapic_msr_write(&vp->apic, X2APIC(APIC_ICR_LOW), 2UL << 32 | FIXED(0x50)));
	EXPECT_EQ(1 << 2, who(4, 0x50));
	ASSERT_TRUE(vlapic_msr_read(&vp->apic, X2APIC(APIC_ICR_LOW), &value));
	EXPECT_EQ(2UL << 32 | FIXED(0x50), value);
	/* 0xFF is an ID like others, and no broadcast. */
	ASSERT_TRUE(vlapic_msr_write(&vp->apic, X2APIC(APIC_ICR_LOW), 0xFFUL << 32 | FIXED(0x50)));
	EXPECT_EQ(0, who(4, 0x50));
	ASSERT_TRUE(vlapic_msr_write(&vp->apic, X2APIC(APIC_ICR_LOW), 0x1FFUL << 32 | FIXED(0x50)));
	EXPECT_EQ(1 << 3, who(4, 0x50));
	ASSERT_TRUE(vlapic_msr_write(&vp->apic, X2APIC(APIC_ICR_LOW),
				     0xFFFFFFFFUL << 32 | FIXED(0x50)));
	EXPECT_EQ(0xF, who(4, 0x50));
	/* Logical: cluster 0, members 0 and 2 */
	ASSERT_TRUE(vlapic_msr_write(&vp->apic, X2APIC(APIC_ICR_LOW),
				     5UL << 32 | FIXED(0x50) | APIC_ICR_LOGICAL));
	EXPECT_EQ(0x5, who(4, 0x50));
	ASSERT_TRUE(vlapic_msr_write(&vp->apic, X2APIC(APIC_ICR_LOW),
				     0x1F8000UL << 32 | FIXED(0x50) | APIC_ICR_LOGICAL));
	EXPECT_EQ(1 << 3, who(4, 0x50));
	ASSERT_TRUE(vlapic_msr_write(&vp->apic, X2APIC(APIC_SELF_IPI), 0x50));
	EXPECT_EQ(1, who(4, 0x50));
	ASSERT_TRUE(vlapic_msr_write(&vp->apic, X2APIC(APIC_SELF_IPI), 0x0F));
	EXPECT_EQ(APIC_ESR_SEND_ILLEGAL, vp->apic.esr_pending);
	child_gone(vp->partition);
}

TEST_HARNESS_MAIN
