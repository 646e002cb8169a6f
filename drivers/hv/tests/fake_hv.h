/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A scripted hypervisor in the place of compat.c. It does what the TLFS says of
 * well-behaved calls, with memory that it takes from what was deposited and from
 * nowhere else, and it fails, or does anything else, to order.
 */
#ifndef MSHV_FAKE_HV_H
#define MSHV_FAKE_HV_H

#include <linux/types.h>

struct page;

#include <tlfs/hypercall.h>
#include <tlfs/message.h>
#include <tlfs/stats.h>
#include <tlfs/vp.h>

#define FAKE_ROOT_ID		1

/* Logical processors that it says there are */
#define FAKE_LPS		2
#define FAKE_MAX_VPS		16

/**
 * struct fake_call - a hypercall as it arrived
 * @code: HVCALL_*
 * @fast: its input came in registers
 * @varhead: size of the variable header, in 8-byte units
 * @reps: repetition count
 * @start: repetition to start from
 * @in: its input: a page, or the two registers
 * @out: its output page, or NULL
 * @irqs_on: interrupts were enabled
 * @preempt_on: preemption was enabled
 */
struct fake_call {
	u16 code;
	bool fast;
	u16 varhead;
	u16 reps;
	u16 start;
	const void *in;
	void *out;
	bool irqs_on;
	bool preempt_on;
};

/**
 * typedef fake_handler_t - answers a hypercall in the place of the default
 * @call: the call
 * @done: repetitions completed, counted from the first; starts as @call's start
 * @context: the test's own
 *
 * Called as the driver called the hypervisor, interrupts disabled or not.
 *
 * Return: a status, or FAKE_DEFAULT.
 */
typedef int (*fake_handler_t)(const struct fake_call *call, u16 *done, void *context);

/* Let the default answer it. */
#define FAKE_DEFAULT	(-1)

/**
 * fake_hv_reset() - forget scripts and records; partitions stay
 */
void fake_hv_reset(void);

/**
 * fake_hv_handle() - answer all calls of one kind by a function
 * @code: HVCALL_*
 * @handler: the function; NULL restores the default
 * @context: passed to it
 */
void fake_hv_handle(u16 code, fake_handler_t handler, void *context);

/**
 * fake_hv_fail() - let calls of one kind fail
 * @code: HVCALL_*
 * @status: with what
 * @skip: how many are to succeed first
 * @count: how many are to fail after that
 */
void fake_hv_fail(u16 code, u16 status, unsigned int skip, unsigned int count);

/**
 * fake_hv_fail_nth() - let one call fail, whatever it is
 * @n: which one, from 1 on; 0: none
 * @status: with what
 */
void fake_hv_fail_nth(unsigned int n, u16 status);

/**
 * fake_hv_failed() - whether the call that fake_hv_fail_nth() spoke of has come
 *
 * Return: true if it has.
 */
bool fake_hv_failed(void);

/**
 * fake_hv_calls() - how many calls of a kind there were
 * @code: HVCALL_*
 *
 * Return: their number since fake_hv_reset().
 */
unsigned int fake_hv_calls(u16 code);

/**
 * fake_hv_last() - the input of the last call of a kind
 * @code: HVCALL_*
 *
 * Return: its first 512 bytes.
 */
const void *fake_hv_last(u16 code);

/**
 * fake_hv_mapping() - how a guest page is mapped
 * @id: partition
 * @gfn: guest page number
 * @flags: HV_MAP_GPA_*, with HV_MAP_GPA_LARGE_PAGE if that is how
 *
 * Return: the page number that it is mapped to; U64_MAX if it is not mapped.
 */
u64 fake_hv_mapping(u64 id, u64 gfn, u32 *flags);

/**
 * fake_hv_map_some() - do a part of HVCALL_MAP_GPA_PAGES
 * @call: the call
 * @done: repetitions completed
 * @nr: how many to do, at most
 *
 * Return: a status; success, for the driver to continue the call.
 */
int fake_hv_map_some(const struct fake_call *call, u16 *done, u16 nr);

/**
 * fake_hv_withhold() - keep a deposited page for good
 * @id: partition, whose pool has a page that is not in use
 *
 * Return: the page, which is for the test to free once the partition is gone.
 */
struct page *fake_hv_withhold(u64 id);

/**
 * fake_hv_partitions() - how many child partitions there are
 *
 * Return: their number.
 */
unsigned int fake_hv_partitions(void);

/**
 * fake_hv_errors() - what the driver did that no driver may do
 *
 * Such as writing to memory that it had deposited, or naming pages that it had
 * not. Each is printed when it happens.
 *
 * Return: how often that was.
 */
unsigned int fake_hv_errors(void);

/**
 * fake_hv_post() - deliver a message to root's current CPU
 * @message: the message
 *
 * The driver's handler has run when this returns.
 *
 * Return: the type that is in the slot then: HVMSG_NONE if it was freed.
 */
u32 fake_hv_post(const struct hv_message *message);

/**
 * fake_hv_signal_vp() - send a scheduler signal for a VP
 * @id: partition
 * @vp_index: VP; the hypervisor's count of its signals goes up
 */
void fake_hv_signal_vp(u64 id, u32 vp_index);

/**
 * fake_hv_ring() - the doorbell event ring of root's current CPU
 *
 * Return: the hypervisor's view of it.
 */
struct hv_synic_event_ring *fake_hv_ring(void);

/**
 * fake_hv_reg() - a register of a VP as the hypervisor has it
 * @id: partition
 * @vp_index: VP
 * @name: one of those that the driver uses
 *
 * Return: where its value is.
 */
u64 *fake_hv_reg(u64 id, u32 vp_index, u32 name);

/**
 * fake_hv_message_page() - the intercept message page of a VP
 * @id: partition
 * @vp_index: VP
 *
 * Return: the page, or NULL if it is not mapped.
 */
struct hv_message *fake_hv_message_page(u64 id, u32 vp_index);

/**
 * fake_hv_register_page() - the register page of a VP
 * @id: partition
 * @vp_index: VP
 *
 * Return: the page, or NULL if it is not mapped.
 */
struct hv_vp_register_page *fake_hv_register_page(u64 id, u32 vp_index);

/**
 * fake_hv_stats() - a statistics page
 * @type: HV_STATS_OBJECT_*
 * @identity: which object's and which area's
 *
 * Return: its counters, or NULL if it is not mapped.
 */
u64 *fake_hv_stats(u32 type, union hv_stats_object_identity identity);

/**
 * fake_hv_msr() - a synthetic MSR of a CPU
 * @cpu: the CPU
 * @msr: HV_X64_MSR_*
 *
 * Return: where its value is.
 */
u64 *fake_hv_msr(unsigned int cpu, u32 msr);

/**
 * struct fake_config - what the hypervisor is like
 * @scheduler: HV_SCHEDULER_TYPE_*
 * @ext_features: CPUID 0x40000003 ECX
 * @no_parent_stats: nothing has PARENT statistics
 * @init_cost: pages that initializing a partition takes
 * @vp_cost: pages that creating a VP takes
 * @no_synic_pages: root's SynIC registers hold no pages
 * @no_kexec_guard: root's kernel lets no one refuse a kexec
 * @probe: what mshv_platform_probe() returns
 */
struct fake_config {
	u64 scheduler;
	u32 ext_features;
	bool no_parent_stats;
	unsigned int init_cost;
	unsigned int vp_cost;
	bool no_synic_pages;
	bool no_kexec_guard;
	int probe;
};

extern struct fake_config fake_config;

/* fake_machine.c */

/**
 * fake_hv_crash() - let root's kernel panic
 *
 * What the driver wants done then has been done when this returns, as it would be:
 * with interrupts disabled.
 */
void fake_hv_crash(void);

/**
 * fake_hv_kexec() - ask whether another kernel may be started
 *
 * Return: what user space would get; 0 if it may.
 */
int fake_hv_kexec(void);

/**
 * fake_hv_restarts() - how often the driver reset the machine
 *
 * Return: their number, ever.
 */
unsigned int fake_hv_restarts(void);

#endif /* MSHV_FAKE_HV_H */
