// SPDX-License-Identifier: GPL-2.0-only
/*
 * The virtual local APIC's timer and its saved state: core/vlapic.c,
 * core/vlapic_state.c; and the timers of LPs below it: core/timer.c.
 */
#include <asm/cpu.h>
#include <openhv/run.h>
#include <openhv/vlapic.h>
#include <tlfs/interrupt.h>
#include <tlfs/state.h>
#include "test.h"
#include "apic.h"

/* Two ticks of the TSC are one of the APIC's clock. */
#define TSC_PER_TICK	(HOST_TSC_HZ / HOST_APIC_TIMER_HZ)

static struct vp *make_vp(void)
{
	struct vp *vp = child_vp(child_new(), 0);

	vlapic_write(&vp->apic, APIC_SVR, APIC_SVR_ENABLE | 0xFF);
	/* Time stands still unless a test lets it pass. */
	host_tsc_step = 0;
	return vp;
}

static void pass(u64 ticks)
{
	host_tsc += ticks * TSC_PER_TICK;
}

/* Whether the timer's interrupt is requested; takes it away again */
static bool fired(struct vp *vp, u8 vector)
{
	vlapic_poll_timer(&vp->apic);
	return bitmap_clear_atomic(vp->apic.irr, vector);
}

/* --- Modes --------------------------------------------------------------------------- */

TEST_ON_MACHINE(one_shot_counts_down_and_fires_once)
{
	struct vp *vp = make_vp();

	wr(vp, APIC_TIMER_DCR, 0xB);
	wr(vp, APIC_LVT_TIMER, 0x70);
	wr(vp, APIC_TIMER_ICR, 1000);
	EXPECT_EQ(1000, rd(vp, APIC_TIMER_CCR));
	pass(400);
	EXPECT_EQ(600, rd(vp, APIC_TIMER_CCR));
	EXPECT_FALSE(fired(vp, 0x70));
	pass(599);
	EXPECT_EQ(1, rd(vp, APIC_TIMER_CCR));
	EXPECT_FALSE(fired(vp, 0x70));
	pass(1);
	EXPECT_EQ(0, rd(vp, APIC_TIMER_CCR));
	EXPECT_TRUE(fired(vp, 0x70));
	pass(5000);
	EXPECT_EQ(0, rd(vp, APIC_TIMER_CCR));
	EXPECT_FALSE(fired(vp, 0x70));
	EXPECT_EQ(1000, rd(vp, APIC_TIMER_ICR));
	child_gone(vp->partition);
}

TEST_ON_MACHINE(divider_slows_the_count)
{
	static const struct {
		u8 code;
		u32 divider;
	} cases[] = {
		{ 0x0, 2 }, { 0x1, 4 }, { 0x2, 8 }, { 0x3, 16 },
		{ 0x8, 32 }, { 0x9, 64 }, { 0xA, 128 }, { 0xB, 1 },
	};
	struct vp *vp = make_vp();
	u32 i;

	wr(vp, APIC_LVT_TIMER, 0x70);
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		CONTEXT("code %x", cases[i].code);
		wr(vp, APIC_TIMER_ICR, 0);
		wr(vp, APIC_TIMER_DCR, cases[i].code);
		wr(vp, APIC_TIMER_ICR, 100);
		pass(60 * cases[i].divider);
		EXPECT_EQ(40, rd(vp, APIC_TIMER_CCR));
		pass(40 * cases[i].divider - 1);
		EXPECT_FALSE(fired(vp, 0x70));
		pass(1);
		EXPECT_TRUE(fired(vp, 0x70));
	}
	child_gone(vp->partition);
}

TEST_ON_MACHINE(divider_that_changes_lets_the_count_go_on)
{
	struct vp *vp = make_vp();

	wr(vp, APIC_TIMER_DCR, 0xB);
	wr(vp, APIC_LVT_TIMER, 0x70);
	wr(vp, APIC_TIMER_ICR, 1000);
	pass(400);
	wr(vp, APIC_TIMER_DCR, 0);
	EXPECT_EQ(600, rd(vp, APIC_TIMER_CCR));
	pass(1199);
	EXPECT_FALSE(fired(vp, 0x70));
	pass(1);
	EXPECT_TRUE(fired(vp, 0x70));
	child_gone(vp->partition);
}

TEST_ON_MACHINE(periodic_timer_goes_on_and_loses_what_nobody_saw)
{
	struct vp *vp = make_vp();
	u32 i;

	wr(vp, APIC_TIMER_DCR, 0xB);
	wr(vp, APIC_LVT_TIMER, APIC_LVT_TIMER_PERIODIC | 0x70);
	wr(vp, APIC_TIMER_ICR, 100000);
	for (i = 0; i < 5; i++) {
		pass(99999);
		EXPECT_FALSE(fired(vp, 0x70));
		pass(1);
		EXPECT_TRUE(fired(vp, 0x70));
	}
	/* Ten periods late: one interrupt, and the phase is kept. */
	pass(1030000);
	EXPECT_TRUE(fired(vp, 0x70));
	EXPECT_FALSE(fired(vp, 0x70));
	EXPECT_EQ(70000, rd(vp, APIC_TIMER_CCR));
	wr(vp, APIC_TIMER_ICR, 0);
	pass(1000000);
	EXPECT_FALSE(fired(vp, 0x70));
	child_gone(vp->partition);
}

TEST_ON_MACHINE(periodic_timer_has_a_shortest_period)
{
	struct vp *vp = make_vp();
	u32 n = 0;
	u64 end;

	wr(vp, APIC_TIMER_DCR, 0xB);
	wr(vp, APIC_LVT_TIMER, APIC_LVT_TIMER_PERIODIC | 0x70);
	wr(vp, APIC_TIMER_ICR, 1);
	/* For 1 ms, looked at as often as can be */
	for (end = host_tsc + HOST_TSC_HZ / 1000; host_tsc < end; host_tsc++)
		n += fired(vp, 0x70);
	EXPECT_LE(n, 101);
	EXPECT_GE(n, 99);
	child_gone(vp->partition);
}

TEST_ON_MACHINE(masked_timer_counts_in_silence)
{
	struct vp *vp = make_vp();

	wr(vp, APIC_TIMER_DCR, 0xB);
	wr(vp, APIC_LVT_TIMER, APIC_LVT_MASKED | 0x70);
	wr(vp, APIC_TIMER_ICR, 1000);
	pass(400);
	EXPECT_EQ(600, rd(vp, APIC_TIMER_CCR));
	pass(600);
	EXPECT_FALSE(fired(vp, 0x70));
	EXPECT_EQ(0, rd(vp, APIC_TIMER_CCR));
	child_gone(vp->partition);
}

TEST_ON_MACHINE(timer_with_a_vector_that_cannot_be)
{
	struct vp *vp = make_vp();

	wr(vp, APIC_LVT_TIMER, 0x0F);
	wr(vp, APIC_TIMER_ICR, 1);
	pass(1000);
	EXPECT_FALSE(fired(vp, 0x0F));
	EXPECT_EQ(APIC_ESR_RECV_ILLEGAL, vp->apic.esr_pending);
	child_gone(vp->partition);
}

/* --- Deadline ---------------------------------------------------------------------------- */

static void deadline_mode(struct vp *vp)
{
	wr(vp, APIC_LVT_TIMER, APIC_LVT_TIMER_DEADLINE | 0x70);
}

TEST_ON_MACHINE(deadline_is_the_guests_tsc)
{
	struct vp *vp = make_vp();

	deadline_mode(vp);
	vcpu_set_tsc_offset(&vp->vcpu, 5000 - host_tsc);
	vlapic_set_tsc_deadline(&vp->apic, 7000);
	EXPECT_EQ(7000, vp->apic.tsc_deadline);
	host_tsc += 1999;
	EXPECT_FALSE(fired(vp, 0x70));
	host_tsc += 1;
	EXPECT_TRUE(fired(vp, 0x70));
	/* Once it is over the register is 0. */
	EXPECT_EQ(0, vp->apic.tsc_deadline);
	EXPECT_FALSE(fired(vp, 0x70));
	child_gone(vp->partition);
}

TEST_ON_MACHINE(deadline_in_the_past_fires_at_once)
{
	struct vp *vp = make_vp();

	deadline_mode(vp);
	vlapic_set_tsc_deadline(&vp->apic, 1);
	EXPECT_TRUE(fired(vp, 0x70));
	vlapic_set_tsc_deadline(&vp->apic, host_tsc);
	EXPECT_TRUE(fired(vp, 0x70));
	child_gone(vp->partition);
}

TEST_ON_MACHINE(deadline_in_the_far_future_does_not_fire)
{
	struct vp *vp = make_vp();

	deadline_mode(vp);
	vlapic_set_tsc_deadline(&vp->apic, ~0UL);
	EXPECT_FALSE(fired(vp, 0x70));
	host_tsc += 1UL << 50;
	EXPECT_FALSE(fired(vp, 0x70));
	EXPECT_EQ(~0UL, vp->apic.tsc_deadline);
	/* With an offset as well */
	vcpu_set_tsc_offset(&vp->vcpu, -host_tsc);
	vlapic_set_tsc_deadline(&vp->apic, 1UL << 63);
	EXPECT_FALSE(fired(vp, 0x70));
	child_gone(vp->partition);
}

TEST_ON_MACHINE(deadline_0_disarms)
{
	struct vp *vp = make_vp();

	deadline_mode(vp);
	vlapic_set_tsc_deadline(&vp->apic, host_tsc + 100);
	vlapic_set_tsc_deadline(&vp->apic, 0);
	host_tsc += 1000;
	EXPECT_FALSE(fired(vp, 0x70));
	EXPECT_TRUE(list_empty(&lp_self()->timers));
	child_gone(vp->partition);
}

TEST_ON_MACHINE(modes_do_not_touch_each_others_registers)
{
	struct vp *vp = make_vp();

	wr(vp, APIC_LVT_TIMER, 0x70);
	vlapic_set_tsc_deadline(&vp->apic, host_tsc);
	EXPECT_FALSE(fired(vp, 0x70));
	EXPECT_EQ(0, vp->apic.tsc_deadline);
	wr(vp, APIC_TIMER_ICR, 1000);
	/* A change to or from the deadline mode disarms. */
	deadline_mode(vp);
	pass(10000);
	EXPECT_FALSE(fired(vp, 0x70));
	EXPECT_EQ(0, rd(vp, APIC_TIMER_ICR));
	wr(vp, APIC_TIMER_ICR, 1000);
	EXPECT_EQ(0, rd(vp, APIC_TIMER_ICR));
	vlapic_set_tsc_deadline(&vp->apic, host_tsc + 100);
	EXPECT_EQ(0, rd(vp, APIC_TIMER_CCR));
	/* The divider has nothing to do with a deadline. */
	wr(vp, APIC_TIMER_DCR, 0xB);
	host_tsc += 100;
	EXPECT_TRUE(fired(vp, 0x70));
	vlapic_set_tsc_deadline(&vp->apic, host_tsc + 100);
	wr(vp, APIC_LVT_TIMER, 0x70);
	host_tsc += 1000;
	EXPECT_FALSE(fired(vp, 0x70));
	child_gone(vp->partition);
}

TEST_ON_MACHINE(one_shot_becomes_periodic_without_a_stop)
{
	struct vp *vp = make_vp();

	wr(vp, APIC_TIMER_DCR, 0xB);
	wr(vp, APIC_LVT_TIMER, 0x70);
	wr(vp, APIC_TIMER_ICR, 100000);
	wr(vp, APIC_LVT_TIMER, APIC_LVT_TIMER_PERIODIC | 0x70);
	pass(100000);
	EXPECT_TRUE(fired(vp, 0x70));
	pass(100000);
	EXPECT_TRUE(fired(vp, 0x70));
	child_gone(vp->partition);
}

/* --- The LP's timers ------------------------------------------------------------------------ */

TEST_ON_MACHINE(timer_wakes_its_vp)
{
	struct vp *vp = make_vp();
	struct lp *lp = lp_self();

	wr(vp, APIC_TIMER_DCR, 0xB);
	wr(vp, APIC_LVT_TIMER, 0x70);
	vp->requests = 0;
	wr(vp, APIC_TIMER_ICR, 1000);
	EXPECT_EQ(host_tsc + 2000, lp->timer_programmed);
	htimers_run(lp);
	EXPECT_EQ(0, vp->requests);
	pass(1000);
	htimers_run(lp);
	EXPECT_EQ(VP_REQ_EVENT, vp->requests);
	EXPECT_EQ(0, lp->timer_programmed);
	EXPECT_TRUE(list_empty(&lp->timers));
	child_gone(vp->partition);
}

static u32 order[8], order_count;

struct test_timer {
	struct htimer timer;
	u32 number;
};

static void note(struct htimer *t)
{
	order[order_count++] = container_of(t, struct test_timer, timer)->number;
}

static void make_timers(struct test_timer *t, u32 count)
{
	u32 i;

	for (i = 0; i < count; i++) {
		t[i] = (struct test_timer){ .timer.fn = note, .number = i };
		list_init(&t[i].timer.node);
	}
}

TEST_ON_MACHINE(timers_run_in_the_order_of_their_deadlines)
{
	struct lp *lp = lp_self();
	struct test_timer t[4];

	host_tsc_step = 0;
	make_timers(t, 4);
	htimer_arm(&t[0].timer, host_tsc + 300);
	htimer_arm(&t[1].timer, host_tsc + 100);
	htimer_arm(&t[2].timer, host_tsc + 200);
	htimer_arm(&t[3].timer, host_tsc + 400);
	EXPECT_EQ(host_tsc + 100, lp->timer_programmed);
	host_tsc += 300;
	htimers_run(lp);
	ASSERT_EQ(3, order_count);
	EXPECT_EQ(1, order[0]);
	EXPECT_EQ(2, order[1]);
	EXPECT_EQ(0, order[2]);
	EXPECT_EQ(host_tsc + 100, lp->timer_programmed);
	htimer_cancel(&t[3].timer);
	EXPECT_EQ(0, lp->timer_programmed);
	htimer_cancel(&t[3].timer);
	host_tsc += 1000;
	htimers_run(lp);
	EXPECT_EQ(3, order_count);
}

TEST_ON_MACHINE(timer_that_is_armed_again_moves)
{
	struct lp *lp = lp_self();
	struct test_timer t[2];

	host_tsc_step = 0;
	make_timers(t, 2);
	htimer_arm(&t[0].timer, host_tsc + 100);
	htimer_arm(&t[1].timer, host_tsc + 200);
	htimer_arm(&t[0].timer, host_tsc + 300);
	EXPECT_EQ(host_tsc + 200, lp->timer_programmed);
	host_tsc += 200;
	htimers_run(lp);
	EXPECT_EQ(1, order_count);
	EXPECT_EQ(1, order[0]);
	/* Deadline 0 is the past, and not "never". */
	htimer_arm(&t[1].timer, 0);
	EXPECT_NE(0, lp->timer_programmed);
	htimers_run(lp);
	EXPECT_EQ(2, order_count);
}

TEST_ON_MACHINE(timer_goes_to_the_lp_that_arms_it)
{
	struct test_timer t[1];

	host_tsc_step = 0;
	make_timers(t, 1);
	htimer_arm(&t[0].timer, host_tsc + 100);
	host_lp = lps[1];
	htimer_arm(&t[0].timer, host_tsc + 200);
	EXPECT_TRUE(list_empty(&lps[0]->timers));
	EXPECT_FALSE(list_empty(&lps[1]->timers));
	/* Another LP's can be disarmed from here. */
	host_lp = lps[0];
	htimer_cancel(&t[0].timer);
	EXPECT_TRUE(list_empty(&lps[1]->timers));
}

/* --- Saved state ---------------------------------------------------------------------------- */

TEST_ON_MACHINE(state_is_the_same_after_it_was_restored)
{
	struct vp *a = make_vp(), *b = child_vp(child_new(), 0);
	struct hv_local_interrupt_controller_state first, second;

	vlapic_accept(&a->apic, 0x41, true);
	vlapic_accept(&a->apic, 0xFE, false);
	bitmap_clear_atomic(a->apic.irr, 0xFE);
	vlapic_ack(&a->apic, 0xFE, false);
	wr(a, APIC_LDR, 0x04000000);
	wr(a, APIC_DFR, 0x0FFFFFFF);
	wr(a, APIC_SVR, 0x3AB);
	wr(a, APIC_LVT_LINT0, 0x700);
	wr(a, APIC_LVT_LINT1, 0x400);
	wr(a, APIC_LVT_ERROR, 0xFE);
	wr(a, APIC_LVT_TIMER, 0x170EF & ~0x10000);
	wr(a, APIC_LVT_THERMAL, 0x33);
	wr(a, APIC_LVT_PERF, 0x400);
	wr(a, APIC_LVT_CMCI, 0xF2);
	wr(a, APIC_TIMER_DCR, 3);
	wr(a, APIC_ICR_HIGH, 0x05000000);
	wr(a, APIC_ICR_LOW, 0x41);
	vlapic_accept(&a->apic, 3, false);
	wr(a, APIC_ESR, 0);
	vlapic_accept(&a->apic, 3, false);
	wr(a, APIC_LVT_TIMER, 0xEF);
	wr(a, APIC_TIMER_ICR, 5000);
	pass(16000);

	vlapic_get_state(&a->apic, &first);
	EXPECT_EQ(0, first.apic_id);
	EXPECT_EQ(0x3AB, first.apic_spurious);
	EXPECT_EQ(2, first.apic_irr[2]);
	EXPECT_EQ(2, first.apic_tmr[2]);
	EXPECT_EQ(1U << 30, first.apic_isr[7]);
	EXPECT_EQ(APIC_ESR_RECV_ILLEGAL, first.apic_esr);
	EXPECT_EQ(APIC_ESR_RECV_ILLEGAL, first.apic_error_status);
	EXPECT_EQ(5000, first.apic_initial_count);
	EXPECT_EQ(4000, first.apic_counter_value);
	ASSERT_EQ(0, vlapic_set_state(&b->apic, &first));
	vlapic_get_state(&b->apic, &second);
	EXPECT_EQ(0, memcmp(&first, &second, sizeof(first)));
	/* The timer goes on where it was. */
	pass(16 * 4000 - 1);
	EXPECT_FALSE(fired(b, 0xEF));
	pass(1);
	EXPECT_TRUE(fired(b, 0xEF));
	child_gone(a->partition);
	child_gone(b->partition);
}

TEST_ON_MACHINE(state_of_a_timer_that_is_over_does_not_start_it_again)
{
	struct vp *a = make_vp(), *b = child_vp(child_new(), 0);
	struct hv_local_interrupt_controller_state state;

	wr(a, APIC_LVT_TIMER, 0xEF);
	wr(a, APIC_TIMER_ICR, 5000);
	pass(100000);
	EXPECT_TRUE(fired(a, 0xEF));
	vlapic_get_state(&a->apic, &state);
	EXPECT_EQ(0, state.apic_counter_value);
	ASSERT_EQ(0, vlapic_set_state(&b->apic, &state));
	EXPECT_FALSE(fired(b, 0xEF));
	pass(100000);
	EXPECT_FALSE(fired(b, 0xEF));
	EXPECT_EQ(5000, rd(b, APIC_TIMER_ICR));
	child_gone(a->partition);
	child_gone(b->partition);
}

TEST_ON_MACHINE(state_of_another_apic_is_refused)
{
	struct vp *vp = make_vp();
	struct hv_local_interrupt_controller_state state;

	vlapic_get_state(&vp->apic, &state);
	state.apic_id = 1;
	EXPECT_EQ(HV_STATUS_INVALID_PARAMETER, vlapic_set_state(&vp->apic, &state));
	child_gone(vp->partition);
}

TEST_ON_MACHINE(state_that_no_apic_can_have)
{
	struct vp *vp = make_vp();
	struct hv_local_interrupt_controller_state state, seen;
	u32 i;

	memset(&state, 0xFF, sizeof(state));
	state.apic_id = 0;
	ASSERT_EQ(0, vlapic_set_state(&vp->apic, &state));
	vlapic_get_state(&vp->apic, &seen);
	EXPECT_EQ(0x60014, seen.apic_version);
	EXPECT_EQ(0x3FF, seen.apic_spurious);
	/* There are no vectors below 16. */
	EXPECT_EQ(0xFFFF0000, seen.apic_isr[0]);
	EXPECT_EQ(0xFFFF0000, seen.apic_irr[0]);
	EXPECT_EQ(0xFFFF0000, seen.apic_tmr[0]);
	EXPECT_EQ(0, seen.apic_icr_low & APIC_ICR_PENDING);
	EXPECT_EQ(0xB, seen.apic_divide_configuration);
	/* And nothing was sent by it. */
	EXPECT_EQ(0, vp->nmi_pending);
	for (i = 0; i < 16; i++)
		wr(vp, APIC_EOI, 0);
	child_gone(vp->partition);
}

TEST_ON_MACHINE(state_in_x2apic_mode_has_the_logical_id_of_the_mode)
{
	struct vp *vp = make_vp();
	struct hv_local_interrupt_controller_state state;

	wr(vp, APIC_LDR, 0x04000000);
	ASSERT_TRUE(vlapic_set_base(&vp->apic, vp->apic.base | APIC_BASE_EXTD));
	vlapic_get_state(&vp->apic, &state);
	EXPECT_EQ(1, state.apic_ldr);
	state.apic_ldr = 0x77;
	ASSERT_EQ(0, vlapic_set_state(&vp->apic, &state));
	EXPECT_EQ(1, rd(vp, APIC_LDR));
	child_gone(vp->partition);
}

TEST_HARNESS_MAIN
