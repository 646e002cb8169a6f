// SPDX-License-Identifier: GPL-2.0-only
/*
 * The SynIC of each of root's CPUs: the pages that the hypervisor writes messages
 * and events to, and the interrupt by which it says so (TLFS, "Inter-Partition
 * Communication"). The hypervisor provides a root partition's pages.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/cpuhotplug.h>
#include <linux/cpumask.h>
#include <linux/io.h>
#include <linux/irq_work.h>
#include <linux/irqflags.h>
#include <linux/kernel.h>
#include <linux/percpu.h>
#include <linux/printk.h>
#include <linux/rcupdate.h>
#include <linux/smp.h>

#include <tlfs/msr.h>

#include "compat.h"
#include "hvcalls.h"
#include "mshv.h"
#include "synic.h"

/* Ringfuls that are taken out of a ring before it is turned off, at most */
#define MAX_LAST_DRAINS	64

/**
 * struct synic - the SynIC of a CPU
 * @messages: SIM page, or NULL while the SynIC is off
 * @flags: SIEF page; nothing is read from it, but the SynIC wants one
 * @events: SIRB page
 * @doorbells: the ring of HV_SYNIC_DOORBELL_SINT_INDEX in it
 * @more: goes on emptying it
 */
struct synic {
	struct hv_message_page *messages;
	void *flags;
	struct hv_synic_event_ring_page *events;
	struct mshv_event_ring doorbells;
	struct irq_work more;
};

static DEFINE_PER_CPU(struct synic, synic);
static int synic_cpuhp_state;
static int synic_dead_state;

static void synic_more(struct irq_work *work);

/* Turn on the page that the hypervisor has put in an MSR, and map it. */
static void *page_enable(u32 msr)
{
	u64 value = mshv_platform_get_msr(msr);
	void *page;

	if (!(value >> HV_MSR_PAGE_PFN_SHIFT)) {
		pr_err("the hypervisor provides no page in MSR %#x\n", msr);
		return NULL;
	}
	page = memremap(value & HV_HYP_PAGE_MASK, HV_HYP_PAGE_SIZE, MEMREMAP_WB);
	if (page)
		mshv_platform_set_msr(msr, value | HV_MSR_PAGE_ENABLE);

	return page;
}

static void page_disable(u32 msr)
{
	mshv_platform_set_msr(msr, mshv_platform_get_msr(msr) & ~HV_MSR_PAGE_ENABLE);
}

static void sint_enable(unsigned int sint, u64 flags)
{
	u64 value = mshv_root.platform.sint_vector | flags;

	if (mshv_root.platform.auto_eoi)
		value |= HV_SYNIC_SINT_AUTO_EOI;
	mshv_platform_set_msr(HV_X64_MSR_SINT0 + sint, value);
}

static void sint_mask(unsigned int sint)
{
	u32 msr = HV_X64_MSR_SINT0 + sint;

	mshv_platform_set_msr(msr, mshv_platform_get_msr(msr) | HV_SYNIC_SINT_MASKED);
}

/* The hypervisor's side, in the reverse order of synic_cpu_online() */
static void synic_off(void)
{
	mshv_platform_set_msr(HV_X64_MSR_SCONTROL, 0);
	sint_mask(HV_SYNIC_DOORBELL_SINT_INDEX);
	sint_mask(HV_SYNIC_INTERCEPTION_SINT_INDEX);
	page_disable(HV_X64_MSR_SIRBP);
	page_disable(HV_X64_MSR_SIEFP);
	page_disable(HV_X64_MSR_SIMP);
}

/*
 * Take what is in the ring of a CPU that goes offline. It is masked, so there is an end
 * to that: of what comes from now on nothing comes here.
 */
static void doorbells_finish(struct synic *s)
{
	unsigned long flags;
	unsigned int i;
	bool empty;

	for (i = 0, empty = false; !empty && i < MAX_LAST_DRAINS; i++) {
		/* The handler runs on this CPU, with interrupts off. */
		local_irq_save(flags);
		empty = mshv_doorbell_drain(&s->doorbells);
		local_irq_restore(flags);
	}
}

/* On a CPU that stays: what found no room in another one's ring has some in this one's. */
static void doorbells_resume(void *unused)
{
	struct synic *s = this_cpu_ptr(&synic);

	if (!s->doorbells.ring)
		return;
	mshv_hvcall_notify_port_ring_empty(HV_SYNIC_DOORBELL_SINT_INDEX);
	if (!mshv_doorbell_drain(&s->doorbells))
		irq_work_queue(&s->more);
}

static void synic_unmap(struct synic *s)
{
	void *pages[] = { s->messages, s->flags, s->events };
	unsigned long flags;
	unsigned int i;

	local_irq_save(flags);
	s->doorbells.ring = NULL;
	s->messages = NULL;
	s->flags = NULL;
	s->events = NULL;
	local_irq_restore(flags);
	irq_work_sync(&s->more);

	for (i = 0; i < ARRAY_SIZE(pages); i++)
		if (pages[i])
			memunmap(pages[i]);
}

static int synic_cpu_offline(unsigned int cpu)
{
	struct synic *s = this_cpu_ptr(&synic);

	/* What is left in a ring that is turned off is gone. */
	sint_mask(HV_SYNIC_DOORBELL_SINT_INDEX);
	doorbells_finish(s);
	synic_off();
	synic_unmap(s);

	/* Not where the module goes, and the CPU stays */
	if (!cpu_active(cpu))
		mshv_platform_cpu_goes_offline(cpu);

	return 0;
}

/*
 * The hypervisor keeps a doorbell that finds a ring full, or masked, until it is told
 * of room. The CPU that went cannot tell it that any more. It is gone when this is
 * called: what the doorbells wake would only keep it from going.
 */
static int synic_cpu_dead(unsigned int cpu)
{
	unsigned int other;

	for_each_online_cpu(other) {
		if (!per_cpu(synic, other).doorbells.ring)
			continue;
		smp_call_function_single(other, doorbells_resume, NULL, true);
		break;
	}

	return 0;
}

static int synic_cpu_online(unsigned int cpu)
{
	struct synic *s = this_cpu_ptr(&synic);

	init_irq_work(&s->more, synic_more);
	s->messages = page_enable(HV_X64_MSR_SIMP);
	s->flags = page_enable(HV_X64_MSR_SIEFP);
	s->events = page_enable(HV_X64_MSR_SIRBP);
	if (!s->messages || !s->flags || !s->events) {
		synic_cpu_offline(cpu);
		return -EFAULT;
	}
	/* The hypervisor's side of the ring starts anew when it is turned on. */
	s->doorbells.ring = &s->events->sint_event_ring[HV_SYNIC_DOORBELL_SINT_INDEX];
	s->doorbells.tail = 0;

	sint_enable(HV_SYNIC_INTERCEPTION_SINT_INDEX, 0);
	/* Messages about doorbells go to the slot of the other one. */
	sint_enable(HV_SYNIC_DOORBELL_SINT_INDEX, HV_SYNIC_SINT_AS_INTERCEPT);
	mshv_platform_set_msr(HV_X64_MSR_SCONTROL, HV_SYNIC_CONTROL_ENABLE);

	return 0;
}

/* A slot is freed by its type; then the hypervisor may have to be told. */
static void message_done(struct hv_message *message)
{
	WRITE_ONCE(message->header.message_type, HVMSG_NONE);
	/* It sets the flag before it looks at the type again. */
	mb();
	if (READ_ONCE(message->header.message_flags) & HV_MESSAGE_FLAG_PENDING)
		mshv_platform_set_msr(HV_X64_MSR_EOM, 0);
}

static void synic_isr(void)
{
	struct synic *s = this_cpu_ptr(&synic);
	struct hv_message *message;
	bool doorbells;

	if (!s->messages)
		return;
	message = &s->messages->sint_message[HV_SYNIC_INTERCEPTION_SINT_INDEX];
	if (READ_ONCE(message->header.message_type) == HVMSG_NONE)
		return;

	doorbells = mshv_message_handle(message);
	message_done(message);
	if (doorbells && !mshv_doorbell_drain(&s->doorbells))
		irq_work_queue(&s->more);
}

/* A guest that rings without end does not keep other interrupts from being taken. */
static void synic_more(struct irq_work *work)
{
	struct synic *s = container_of(work, struct synic, more);

	if (!mshv_doorbell_drain(&s->doorbells))
		irq_work_queue(work);
}

int mshv_synic_init(void)
{
	int ret;

	ret = cpuhp_setup_state_nocalls(CPUHP_BP_PREPARE_DYN, "mshv/synic:dead", NULL,
					synic_cpu_dead);
	if (ret < 0)
		return ret;
	synic_dead_state = ret;

	mshv_platform_set_isr(synic_isr);
	ret = cpuhp_setup_state(CPUHP_AP_ONLINE_DYN, "mshv/synic:online", synic_cpu_online,
				synic_cpu_offline);
	if (ret < 0)
		goto err_isr;
	synic_cpuhp_state = ret;

	return 0;

err_isr:
	mshv_platform_set_isr(NULL);
	synchronize_rcu();
	cpuhp_remove_state_nocalls(synic_dead_state);
	return ret;
}

void mshv_synic_exit(void)
{
	cpuhp_remove_state(synic_cpuhp_state);
	cpuhp_remove_state_nocalls(synic_dead_state);
	mshv_platform_set_isr(NULL);
	/* An interrupt handler is a reader: none is running after this. */
	synchronize_rcu();
}

void mshv_synic_crash(void)
{
	synic_off();
}
