// SPDX-License-Identifier: GPL-2.0-only
/*
 * The scripted hypervisor's front: what compat.c offers of the real one.
 */
#include <linux/irq_work.h>
#include <linux/mm.h>
#include <linux/percpu.h>
#include <linux/printk.h>
#include <linux/smp.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/vmalloc.h>

#include <tlfs/cpuid.h>
#include <tlfs/msr.h>
#include <tlfs/status.h>
#include <tlfs/synic.h>
#include <tlfs/system.h>

#include "../compat.h"
#include "fake_impl.h"

#define MAX_CPUS		8
#define MAX_CODES		0x140
#define RECORD_SIZE		512
#define MAX_MESSAGES		256
#define SYNTHETIC_MSRS		0x200
#define SYNIC_PAGES		3

struct fake_config fake_config = {
	.scheduler = HV_SCHEDULER_TYPE_ROOT,
	.init_cost = 3,
	.vp_cost = 2,
};

/* What is known, and ordered, of each kind of call */
struct script {
	fake_handler_t handler;
	void *context;
	unsigned int calls;
	unsigned int skip;
	unsigned int fail;
	bool failed;
	u16 status;
	u8 last[RECORD_SIZE];
};

static DEFINE_RAW_SPINLOCK(fake_lock);
static struct script scripts[MAX_CODES];
static unsigned int fail_nth;
static u16 fail_nth_status;
static bool fail_nth_came;
static unsigned int errors;

static u64 msrs[MAX_CPUS][SYNTHETIC_MSRS];
static u8 synic_pages[MAX_CPUS][SYNIC_PAGES][PAGE_SIZE] __aligned(PAGE_SIZE);
static void (*isr)(void);

/* Messages on their way; the handler finds each on the CPU that it arrives at */
static struct hv_message queue[MAX_MESSAGES];
static unsigned int queue_head;
static unsigned int queue_tail;
static void deliver_messages(struct irq_work *work);
static DEFINE_IRQ_WORK(delivery, deliver_messages);

void fake_error(const char *what, u64 value)
{
	errors++;
	pr_err("fake_hv: %s (%#llx)\n", what, value);
	dump_stack();
}

unsigned int fake_hv_errors(void)
{
	return errors;
}

void fake_hv_reset(void)
{
	unsigned long flags;

	irq_work_sync(&delivery);
	raw_spin_lock_irqsave(&fake_lock, flags);
	memset(scripts, 0, sizeof(scripts));
	fail_nth = 0;
	fail_nth_came = false;
	fake_config = (struct fake_config) {
		.scheduler = fake_config.scheduler,
		.ext_features = fake_config.ext_features,
		.init_cost = 3,
		.vp_cost = 2,
	};
	raw_spin_unlock_irqrestore(&fake_lock, flags);
}

void fake_hv_handle(u16 code, fake_handler_t handler, void *context)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&fake_lock, flags);
	scripts[code].handler = handler;
	scripts[code].context = context;
	raw_spin_unlock_irqrestore(&fake_lock, flags);
}

void fake_hv_fail(u16 code, u16 status, unsigned int skip, unsigned int count)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&fake_lock, flags);
	scripts[code].status = status;
	scripts[code].skip = skip;
	scripts[code].fail = count;
	raw_spin_unlock_irqrestore(&fake_lock, flags);
}

void fake_hv_fail_nth(unsigned int n, u16 status)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&fake_lock, flags);
	fail_nth = n;
	fail_nth_status = status;
	if (n)
		fail_nth_came = false;
	raw_spin_unlock_irqrestore(&fake_lock, flags);
}

bool fake_hv_failed(void)
{
	return fail_nth_came;
}

unsigned int fake_hv_calls(u16 code)
{
	return READ_ONCE(scripts[code].calls);
}

const void *fake_hv_last(u16 code)
{
	return scripts[code].last;
}

bool fake_call_failed(u16 code)
{
	return READ_ONCE(scripts[code].failed);
}

/* A failure that was ordered, or FAKE_DEFAULT */
static int ordered_failure(struct script *script)
{
	if (fail_nth && !--fail_nth) {
		fail_nth_came = true;
		script->failed = true;
		return fail_nth_status;
	}
	if (!script->fail)
		return FAKE_DEFAULT;
	if (script->skip) {
		script->skip--;
		return FAKE_DEFAULT;
	}
	script->fail--;
	script->failed = true;

	return script->status;
}

/* How much may be read of it: but for one, input comes in pages. */
static size_t input_size(const struct fake_call *call)
{
	if (call->fast)
		return 2 * sizeof(u64);
	if (call->code == HVCALL_DISPATCH_VP)
		return sizeof(struct hv_input_dispatch_vp);

	return call->in ? RECORD_SIZE : 0;
}

static u64 answer(const struct fake_call *call)
{
	struct script *script = &scripts[call->code % MAX_CODES];
	fake_handler_t handler;
	unsigned long flags;
	u16 done = call->start;
	void *context;
	int status;

	raw_spin_lock_irqsave(&fake_lock, flags);
	script->calls++;
	memcpy(script->last, call->in, input_size(call));
	status = ordered_failure(script);
	handler = script->handler;
	context = script->context;
	raw_spin_unlock_irqrestore(&fake_lock, flags);

	if (status == FAKE_DEFAULT && handler)
		status = handler(call, &done, context);
	if (status == FAKE_DEFAULT) {
		raw_spin_lock_irqsave(&fake_lock, flags);
		status = fake_memory_call(call, &done);
		if (status == FAKE_DEFAULT)
			status = fake_partition_call(call, &done);
		raw_spin_unlock_irqrestore(&fake_lock, flags);
	}
	/* Calls that nothing depends on succeed. */
	if (status == FAKE_DEFAULT) {
		status = HV_STATUS_SUCCESS;
		done = call->reps;
	}

	return status | (u64)done << HV_HYPERCALL_REP_COMP_SHIFT;
}

static struct fake_call decode(u64 control)
{
	return (struct fake_call) {
		.code = control & HV_HYPERCALL_CODE_MASK,
		.fast = control & HV_HYPERCALL_FAST,
		.varhead = (control & HV_HYPERCALL_VARHEAD_MASK) >> HV_HYPERCALL_VARHEAD_SHIFT,
		.reps = (control & HV_HYPERCALL_REP_COUNT_MASK) >> HV_HYPERCALL_REP_COUNT_SHIFT,
		.start = (control & HV_HYPERCALL_REP_START_MASK) >> HV_HYPERCALL_REP_START_SHIFT,
		.irqs_on = !irqs_disabled(),
		.preempt_on = !preempt_count(),
	};
}

static bool within_page(const void *block)
{
	/* The direct map: anything else has no physical address to speak of. */
	return !block || (virt_addr_valid(block) && !((unsigned long)block % 8));
}

u64 mshv_platform_hypercall(u64 control, void *input, void *output)
{
	struct fake_call call = decode(control);

	if ((control & HV_HYPERCALL_RSVD_MASK) || call.fast || call.code >= MAX_CODES)
		fake_error("malformed control word", control);
	if (!within_page(input) || !within_page(output))
		fake_error("parameters outside the direct map", (unsigned long)input);
	call.in = input;
	call.out = output;

	return answer(&call);
}

u64 mshv_platform_hypercall_fast(u64 control, u64 input1, u64 input2)
{
	struct fake_call call = decode(control);
	u64 in[2] = { input1, input2 };

	if ((control & HV_HYPERCALL_RSVD_MASK) || !call.fast || call.reps)
		fake_error("malformed control word", control);
	call.in = in;

	return answer(&call);
}

u64 *fake_hv_msr(unsigned int cpu, u32 msr)
{
	return &msrs[cpu][msr - HV_X64_MSR_FIRST];
}

u64 mshv_platform_get_msr(u32 msr)
{
	return *fake_hv_msr(smp_processor_id(), msr);
}

void mshv_platform_set_msr(u32 msr, u64 value)
{
	u64 *m = fake_hv_msr(smp_processor_id(), msr);

	/* How often it was written is all that there is to know of this one. */
	if (msr == HV_X64_MSR_EOM)
		(*m)++;
	else
		*m = value;
}

void mshv_platform_set_isr(void (*handler)(void))
{
	WRITE_ONCE(isr, handler);
}

void mshv_platform_cpu_goes_offline(unsigned int cpu)
{
}

u32 mshv_platform_vp_index(unsigned int cpu)
{
	return cpu;
}

int mshv_platform_probe(struct mshv_platform *platform)
{
	unsigned int cpu;
	unsigned int i;

	static const u32 page_msrs[SYNIC_PAGES] = {
		HV_X64_MSR_SIMP, HV_X64_MSR_SIEFP, HV_X64_MSR_SIRBP,
	};

	for (cpu = 0; cpu < MAX_CPUS; cpu++)
		for (i = 0; i < SYNIC_PAGES; i++)
			*fake_hv_msr(cpu, page_msrs[i]) = fake_config.no_synic_pages ? 0 :
				(u64)vmalloc_to_pfn(synic_pages[cpu][i]) << HV_MSR_PAGE_PFN_SHIFT;

	*platform = (struct mshv_platform) {
		.partition_id = FAKE_ROOT_ID,
		.ext_features = fake_config.ext_features,
		.sint_vector = 0xf3,
		.major = 10,
		.build = 27744,
	};

	return fake_config.probe;
}

static struct hv_message *slot(void)
{
	return (struct hv_message *)synic_pages[smp_processor_id()][0];
}

struct hv_synic_event_ring *fake_hv_ring(void)
{
	struct hv_synic_event_ring_page *page = (void *)synic_pages[smp_processor_id()][2];

	return &page->sint_event_ring[HV_SYNIC_DOORBELL_SINT_INDEX];
}

static void call_isr(void)
{
	if (isr)
		isr();
}

u32 fake_hv_post(const struct hv_message *message)
{
	unsigned long flags;
	u32 type;

	local_irq_save(flags);
	*slot() = *message;
	call_isr();
	type = slot()->header.message_type;
	local_irq_restore(flags);

	return type;
}

/* Runs as an interrupt. */
static void deliver_messages(struct irq_work *work)
{
	struct hv_message message;

	for (;;) {
		raw_spin_lock(&fake_lock);
		if (queue_head == queue_tail) {
			raw_spin_unlock(&fake_lock);
			return;
		}
		message = queue[queue_tail++ % MAX_MESSAGES];
		raw_spin_unlock(&fake_lock);
		if (fake_hv_post(&message) != HVMSG_NONE)
			fake_error("message left in its slot", message.header.message_type);
	}
}

void fake_post_later(const struct hv_message *message)
{
	if (queue_head - queue_tail == MAX_MESSAGES) {
		fake_error("too many messages", message->header.message_type);
		return;
	}
	queue[queue_head++ % MAX_MESSAGES] = *message;
	irq_work_queue(&delivery);
}

void fake_signal_vp(u64 id, u32 vp_index)
{
	struct hv_message message = {
		.header.message_type = HVMSG_SCHEDULER_VP_SIGNAL_PAIR,
		.header.payload_size = sizeof(struct hv_vp_signal_pair_scheduler_message),
	};
	struct hv_vp_signal_pair_scheduler_message *pair = (void *)message.u.payload;
	u64 *count = fake_hv_reg(id, vp_index, HV_REGISTER_VP_ROOT_SIGNAL_COUNT);

	if (!count)
		return;
	(*count)++;
	pair->vp_count = 1;
	pair->partition_ids[0] = id;
	pair->vp_indexes[0] = vp_index;
	fake_post_later(&message);
}

struct page *fake_hv_withhold(u64 id)
{
	unsigned long flags;
	u64 pfn;

	raw_spin_lock_irqsave(&fake_lock, flags);
	pfn = fake_take(fake_find(id));
	raw_spin_unlock_irqrestore(&fake_lock, flags);

	return pfn ? pfn_to_page(pfn) : NULL;
}

void fake_hv_signal_vp(u64 id, u32 vp_index)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&fake_lock, flags);
	fake_signal_vp(id, vp_index);
	raw_spin_unlock_irqrestore(&fake_lock, flags);
}
