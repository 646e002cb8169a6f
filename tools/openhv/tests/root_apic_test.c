// SPDX-License-Identifier: GPL-2.0-only
/*
 * Root with the physical local APIC (option root-apic=shim): root/apic.c.
 */
#include <asm/cpu.h>
#include <asm/x86.h>
#include <openhv/features.h>
#include <openhv/options.h>
#include <openhv/root.h>
#include <openhv/run.h>
#include <tlfs/cpuid.h>
#include <tlfs/msr.h>
#include <tlfs/vp.h>
#include "apic.h"
#include "test.h"

#include <setjmp.h>

#define EDGE	0x41
#define LEVEL	0x52

static jmp_buf out;
static struct lp *lp;
static struct vp *root;
static struct host_vmcb *root_vmcb;

static bool bit(const u32 *map, u8 vector)
{
	return map[vector / 32] & 1U << vector % 32;
}

static bool waits(u8 vector)
{
	return bit(host_apic(lp)->irr, vector);
}

static bool in_service(u8 vector)
{
	return bit(host_apic(lp)->isr, vector);
}

/* As trap_handle() does it */
static void take(struct lp *this_lp)
{
	u8 vector = host_apic_take(this_lp);

	if (vector == VECTOR_TIMER) {
		apic_eoi();
		htimers_interrupt(this_lp);
	} else {
		this_lp->taken = vector;
	}
}

static void begin(void)
{
	options.root_shim = true;
	lp = lp_self();
	root = root_vp();
	root_vmcb = root->vcpu.arch.vmcb;
	root->apic.svr |= APIC_SVR_ENABLE;
	root->startup_suspend = false;
	root->vcpu.rflags |= RFLAGS_IF;
	host_interrupts = take;
	host_tsc_step = 0;
}

static struct vcpu_exit exits[2];
static u32 entered;

/* Root exits as exits[] says, and is not followed any further then. */
static void root_guest(struct lp *this_lp, struct vcpu *v)
{
	(void)this_lp;
	if (entered == ARRAY_SIZE(exits) || (entered && !exits[entered].reason))
		longjmp(out, 1);
	v->exit = exits[entered++];
}

static void run_root(struct vcpu_exit first, struct vcpu_exit second)
{
	exits[0] = first;
	exits[1] = second;
	entered = 0;
	host_guest = root_guest;
	if (!setjmp(out))
		vp_run(lp, root);
}

#define INTERRUPTED	((struct vcpu_exit){ .reason = VCPU_EXIT_INTERRUPT })
#define RETRIES		((struct vcpu_exit){ .reason = VCPU_EXIT_RETRY })
#define ENDS		((struct vcpu_exit){})

TEST_ON_MACHINE(interrupts_of_openhvs_come_from_the_physical_apic)
{
	begin();
	vlapic_accept(&root->apic, EDGE, false);
	EXPECT_TRUE(waits(EDGE));
	EXPECT_FALSE(bit(root->apic.irr, EDGE));
	EXPECT_FALSE(vlapic_has_work(&root->apic));
	/* Those between its processors as well, by whatever register */
	ASSERT_TRUE(vlapic_msr_write(&root->apic, X2APIC_MSR(APIC_ICR_LOW),
				     (u64)lps[1]->apic_id << 32 | 0x61));
	EXPECT_TRUE(bit(host_apic(lps[1])->irr, 0x61));
	ASSERT_TRUE(vlapic_msr_write(&root->apic, X2APIC_MSR(APIC_SELF_IPI), 0x62));
	EXPECT_TRUE(waits(0x62));
	/* INIT and SIPI do not reach a processor. */
	ASSERT_TRUE(vlapic_msr_write(&root->apic, X2APIC_MSR(APIC_ICR_LOW),
				     (u64)lps[1]->apic_id << 32 | 0x4500));
	EXPECT_EQ(VP_REQ_INIT, lps[1]->root_vp->requests);
}

TEST_ON_MACHINE(root_takes_interrupts_itself)
{
	begin();
	run_root(RETRIES, ENDS);
	EXPECT_TRUE(root_vmcb->passes_interrupts);
	EXPECT_FALSE(root_vmcb->intercept_interrupts);
	EXPECT_GT(0, root_vmcb->virq);
}

TEST_ON_MACHINE(registers_of_interrupts_are_the_physical_ones)
{
	struct host_apic *apic;
	u64 value;

	begin();
	apic = host_apic(lp);
	apic->irr[2] = 2;
	apic->isr[3] = 1U << 31;
	ASSERT_TRUE(vlapic_msr_read(&root->apic, X2APIC_MSR(APIC_IRR) + 2, &value));
	EXPECT_EQ(2, value);
	ASSERT_TRUE(vlapic_msr_read(&root->apic, X2APIC_MSR(APIC_ISR) + 3, &value));
	EXPECT_EQ(1U << 31, value);
	ASSERT_TRUE(vlapic_msr_write(&root->apic, X2APIC_MSR(APIC_TPR), 0x10));
	EXPECT_EQ(0x10, apic->tpr);
	ASSERT_TRUE(vlapic_msr_write(&root->apic, X2APIC_MSR(APIC_EOI), 0));
	EXPECT_FALSE(in_service(127));
	EXPECT_EQ(MSR_OK, vp_hv_msr_write(root, HV_X64_MSR_EOI, 0, false));
	EXPECT_EQ(2, host_eois);
}

static struct vp *child;

static void child_guest(struct lp *this_lp, struct vcpu *v)
{
	(void)this_lp;
	if (v != &child->vcpu)
		host_fail("root is entered from a hypercall of its own");
	entered++;
	v->exit = exits[min(entered, 2U) - 1];
}

static struct hv_output_dispatch_vp run_child(void)
{
	struct partition *p = child_new();

	child = child_vp(p, 0);
	child->startup_suspend = false;
	exits[0] = INTERRUPTED;
	exits[1] = (struct vcpu_exit){ .reason = VCPU_EXIT_IO, .io = { .size = 1 } };
	entered = 0;
	host_guest = child_guest;
	return dispatch(child, HV_DISPATCH_VP_FLAG_CLEAR_INTERCEPT_SUSPEND);
}

TEST_ON_MACHINE(interrupt_in_a_childs_time_waits_for_root)
{
	struct hv_output_dispatch_vp result;

	begin();
	apic_send_ipi(lp->apic_id, EDGE);
	result = run_child();
	EXPECT_EQ(1, entered);
	EXPECT_EQ(HV_VP_DISPATCH_EVENT_NONE, result.dispatch_event);
	EXPECT_EQ(HV_VP_DISPATCH_STATE_READY, result.dispatch_state);
	EXPECT_TRUE(waits(EDGE));
	EXPECT_EQ(0, host_eois);
	/* When root is entered it has had its chance. */
	run_root(RETRIES, ENDS);
	EXPECT_FALSE(lp->root_interrupt);
}

TEST_ON_MACHINE(own_timer_in_a_childs_time_is_taken)
{
	struct hv_output_dispatch_vp result;

	begin();
	lp->timer_due = true;
	apic_send_ipi(lp->apic_id, VECTOR_TIMER);
	result = run_child();
	EXPECT_EQ(2, entered);
	EXPECT_EQ(HV_VP_DISPATCH_EVENT_INTERCEPT, result.dispatch_event);
	EXPECT_FALSE(waits(VECTOR_TIMER));
	EXPECT_EQ(1, host_eois);
	EXPECT_FALSE(lp->timer_due);
}

TEST_ON_MACHINE(own_timer_gives_way_to_a_higher_interrupt_of_root)
{
	begin();
	lp->timer_due = true;
	apic_send_ipi(lp->apic_id, VECTOR_TIMER);
	apic_send_ipi(lp->apic_id, 0xFD);
	run_child();
	EXPECT_EQ(1, entered);
	EXPECT_TRUE(waits(VECTOR_TIMER));
	EXPECT_TRUE(waits(0xFD));
	EXPECT_TRUE(lp->timer_due);
}

/* Another interrupt comes between the look and the taking. */
static void take_another(struct lp *this_lp)
{
	apic_send_ipi(this_lp->apic_id, 0xFD);
	take(this_lp);
}

TEST_ON_MACHINE(interrupt_that_was_taken_by_mistake_comes_again)
{
	begin();
	lp->timer_due = true;
	apic_send_ipi(lp->apic_id, VECTOR_TIMER);
	host_interrupts = take_another;
	run_child();
	EXPECT_EQ(1, entered);
	EXPECT_TRUE(waits(0xFD));
	EXPECT_FALSE(in_service(0xFD));
	EXPECT_EQ(0, lp->taken);
}

TEST_ON_MACHINE(while_an_own_timer_is_armed_interrupts_go_by_way_of_openhv)
{
	begin();
	lp->timer_due = true;
	apic_send_ipi(lp->apic_id, EDGE);
	run_root(INTERRUPTED, ENDS);
	EXPECT_TRUE(root_vmcb->intercept_interrupts);
	EXPECT_TRUE(host_injected.valid);
	EXPECT_EQ(HV_INTERRUPTION_TYPE_EXT_INT, host_injected.type);
	EXPECT_EQ(EDGE, host_injected.vector);
	/* Its end is root's to say. */
	EXPECT_TRUE(in_service(EDGE));
	wr(root, APIC_EOI, 0);
	EXPECT_FALSE(in_service(EDGE));
}

TEST_ON_MACHINE(root_that_cannot_take_it_now_gets_it_later)
{
	begin();
	root->idle = true;
	root->vcpu.rflags &= ~RFLAGS_IF;
	lp->taken = EDGE;
	host_apic(lp)->isr[EDGE / 32] = 1U << EDGE % 32;
	root_apic_woken(lp, root);
	EXPECT_TRUE(waits(EDGE));
	EXPECT_FALSE(in_service(EDGE));
	EXPECT_FALSE(root_vmcb->injection.valid);
	/* A level-triggered one comes again by itself. */
	host_apic(lp)->irr[EDGE / 32] = 0;
	lp->taken = LEVEL;
	host_apic(lp)->isr[LEVEL / 32] = 1U << LEVEL % 32;
	host_apic(lp)->tmr[LEVEL / 32] = 1U << LEVEL % 32;
	root_apic_woken(lp, root);
	EXPECT_FALSE(waits(LEVEL));
	EXPECT_FALSE(in_service(LEVEL));
	/* A spurious one was never in service. */
	lp->taken = 0xFF;
	root_apic_woken(lp, root);
	EXPECT_EQ(2, host_eois);
	EXPECT_FALSE(waits(0xFF));
}

TEST_ON_MACHINE(halted_root_is_woken_by_its_interrupt)
{
	begin();
	root->halted = true;
	apic_send_ipi(lp->apic_id, EDGE);
	run_root(RETRIES, ENDS);
	EXPECT_FALSE(root->halted);
	EXPECT_EQ(1, entered);
	EXPECT_TRUE(in_service(EDGE));
}

TEST_ON_MACHINE(processor_that_is_not_started_takes_nothing)
{
	begin();
	root->startup_suspend = true;
	apic_send_ipi(lp->apic_id, EDGE);
	take(lp);
	root_apic_woken(lp, root);
	EXPECT_FALSE(waits(EDGE));
	EXPECT_FALSE(in_service(EDGE));
	EXPECT_FALSE(root_vmcb->injection.valid);
}

TEST_ON_MACHINE(processor_that_was_stopped_takes_nothing_until_init)
{
	begin();
	root->vcpu.rflags &= ~(u64)RFLAGS_IF;
	root->halted = true;
	apic_send_ipi(lp->apic_id, EDGE);
	take(lp);
	root_apic_woken(lp, root);
	/* It does not come again and again. */
	EXPECT_FALSE(waits(EDGE));
	EXPECT_TRUE(in_service(EDGE));
	EXPECT_FALSE(root_vmcb->injection.valid);
	EXPECT_TRUE(root->halted);
	root_apic_reset();
	EXPECT_FALSE(in_service(EDGE));
}

TEST_ON_MACHINE(init_leaves_nothing_in_service)
{
	begin();
	host_apic(lp)->isr[EDGE / 32] = 1U << EDGE % 32;
	host_apic(lp)->isr[6] = 1;
	host_apic(lp)->tpr = 0x20;
	root->apic.base |= APIC_BASE_BSP;
	vp_request(root, VP_REQ_INIT);
	run_root(RETRIES, ENDS);
	EXPECT_EQ(0, host_apic(lp)->isr[EDGE / 32] | host_apic(lp)->isr[6]);
	EXPECT_EQ(0, host_apic(lp)->tpr);
}

static u32 own_timer_fired;

static void own_fired(struct htimer *t)
{
	(void)t;
	own_timer_fired++;
}

static struct htimer own_timer = { .fn = own_fired };

static void root_timer(u32 ticks)
{
	list_init(&own_timer.node);
	wr(root, APIC_TIMER_DCR, 0xB);
	wr(root, APIC_LVT_TIMER, 0xEC);
	wr(root, APIC_TIMER_ICR, ticks);
}

TEST_ON_MACHINE(timer_of_root_alone_is_the_physical_one)
{
	begin();
	root_timer(1000);
	EXPECT_EQ(0xEC, lp->timer_vector);
	EXPECT_EQ(host_tsc + 2000, lp->timer_programmed);
	EXPECT_TRUE(htimer_is_physical(&root->apic.timer));
	/* When it is over nobody but the physical timer raises it. */
	host_tsc += 2001;
	htimers_run(lp);
	vlapic_poll_timer(&root->apic);
	EXPECT_FALSE(waits(0xEC));
	EXPECT_EQ(0, rd(root, APIC_TIMER_CCR));
	/* Root sets it again. */
	wr(root, APIC_TIMER_ICR, 500);
	EXPECT_EQ(0xEC, lp->timer_vector);
	EXPECT_EQ(host_tsc + 1000, lp->timer_programmed);
	run_root(RETRIES, ENDS);
	EXPECT_FALSE(root_vmcb->intercept_interrupts);
}

TEST_ON_MACHINE(with_another_timer_openhv_raises_it)
{
	begin();
	root_timer(1000);
	htimer_arm(&own_timer, host_tsc + 5000);
	EXPECT_EQ(VECTOR_TIMER, lp->timer_vector);
	EXPECT_EQ(host_tsc + 2000, lp->timer_programmed);
	EXPECT_TRUE(lp->timer_due);
	run_root(RETRIES, ENDS);
	EXPECT_TRUE(root_vmcb->intercept_interrupts);
	host_tsc += 2001;
	htimers_run(lp);
	vlapic_poll_timer(&root->apic);
	EXPECT_TRUE(waits(0xEC));
	EXPECT_EQ(0, own_timer_fired);
	/* The one that is left is openhv's. */
	EXPECT_EQ(VECTOR_TIMER, lp->timer_vector);
	host_tsc += 5000;
	htimers_run(lp);
	EXPECT_EQ(1, own_timer_fired);
	EXPECT_EQ(0, lp->timer_programmed);
}

/* Its interrupt is there when it is cancelled; root's own timer comes before it is taken. */
TEST_ON_MACHINE(late_interrupt_of_the_other_timer_does_not_raise_roots_again)
{
	begin();
	root_timer(1000);
	htimer_arm(&own_timer, host_tsc + 500);
	host_tsc += 501;
	apic_send_ipi(lp->apic_id, VECTOR_TIMER);
	htimer_cancel(&own_timer);
	EXPECT_EQ(0xEC, lp->timer_vector);
	/* The physical timer raises root's, which root takes and ends. */
	host_tsc += 1500;
	take(lp);
	htimers_run(lp);
	vlapic_poll_timer(&root->apic);
	EXPECT_FALSE(waits(VECTOR_TIMER));
	EXPECT_FALSE(waits(0xEC));
	EXPECT_TRUE(htimer_is_physical(&root->apic.timer));
	/* Root sets it for another time. */
	wr(root, APIC_TIMER_ICR, 500);
	EXPECT_EQ(host_tsc + 1000, lp->timer_programmed);
}

TEST_ON_MACHINE(end_of_the_other_timer_gives_it_back)
{
	begin();
	root_timer(1000);
	htimer_arm(&own_timer, host_tsc + 500);
	EXPECT_EQ(host_tsc + 500, lp->timer_programmed);
	htimer_cancel(&own_timer);
	EXPECT_EQ(0xEC, lp->timer_vector);
	EXPECT_EQ(host_tsc + 2000, lp->timer_programmed);
}

TEST_ON_MACHINE(timer_that_the_physical_one_cannot_be_is_openhvs)
{
	begin();
	root_timer(1000);
	wr(root, APIC_LVT_TIMER, APIC_LVT_TIMER_PERIODIC | 0xEC);
	EXPECT_EQ(VECTOR_TIMER, lp->timer_vector);
	wr(root, APIC_LVT_TIMER, APIC_LVT_MASKED | 0xEC);
	EXPECT_EQ(VECTOR_TIMER, lp->timer_vector);
	wr(root, APIC_LVT_TIMER, 0xEC);
	EXPECT_EQ(0xEC, lp->timer_vector);
	/* 32 bits at the physical rate */
	wr(root, APIC_TIMER_DCR, 0);
	wr(root, APIC_TIMER_ICR, 0x80000000);
	EXPECT_EQ(VECTOR_TIMER, lp->timer_vector);
	wr(root, APIC_TIMER_ICR, 0x7FFFFFFF);
	EXPECT_EQ(0xEC, lp->timer_vector);
	/* What is over already does not come again because its entry changes. */
	wr(root, APIC_TIMER_ICR, 1);
	host_tsc += 100;
	wr(root, APIC_LVT_TIMER, APIC_LVT_MASKED | 0xEC);
	EXPECT_EQ(0, lp->timer_programmed);
	EXPECT_FALSE(waits(0xEC));
}

TEST_ON_MACHINE(shim_changes_what_root_is_told)
{
	struct hv_cpuid_result r;

	begin();
	vp_cpuid(root, HV_CPUID_ENLIGHTENMENT_INFO, 0, &r);
	EXPECT_EQ(0, r.eax & HV_X64_APIC_ACCESS_RECOMMENDED);
	vp_cpuid(root, HV_CPUID_FEATURES, 0, &r);
	EXPECT_EQ(0, r.edx & HV_STIMER_DIRECT_MODE_AVAILABLE);
	/* An interrupt that ends by itself is none of the physical APIC's. */
	EXPECT_EQ(MSR_FAULT, vp_hv_msr_write(root, HV_X64_MSR_SINT0,
					     HV_SYNIC_SINT_AUTO_EOI | EDGE, false));
	EXPECT_EQ(MSR_OK, vp_hv_msr_write(root, HV_X64_MSR_SINT0, EDGE, false));
	options.root_shim = false;
	vp_cpuid(root, HV_CPUID_ENLIGHTENMENT_INFO, 0, &r);
	EXPECT_NE(0, r.eax & HV_X64_APIC_ACCESS_RECOMMENDED);
}

static bool chosen(const char *words)
{
	options_parse(words);
	return options.root_shim;
}

TEST_BARE(shim_needs_the_root_scheduler)
{
	EXPECT_EQ(DEBUG_EXIT_REFUSED, HOST_STOP_SAYING("sched=core needs root-apic=virtual",
						       options_parse("root-apic=shim sched=core")));
	EXPECT_EQ(DEBUG_EXIT_REFUSED, HOST_STOP_SAYING("root-apic=",
						       options_parse("root-apic=real")));
	EXPECT_FALSE(chosen("sched=core root-apic=virtual"));
	EXPECT_TRUE(chosen("sched=root root-apic=shim"));
}

TEST_BARE(shim_is_the_default_where_it_is_better)
{
	EXPECT_TRUE(chosen("sched=root"));
	EXPECT_FALSE(chosen("sched=core"));
	host_cpuid_clear(1, 0, CPUID_ECX, CPUID1_ECX_X2APIC);
	EXPECT_FALSE(chosen("sched=root"));
	EXPECT_TRUE(chosen("root-apic=shim"));
}

TEST_HARNESS_MAIN
