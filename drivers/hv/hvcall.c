// SPDX-License-Identifier: GPL-2.0-only
/*
 * The hypercall engine (TLFS, "Hypercall Interface").
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/gfp.h>
#include <linux/irqflags.h>
#include <linux/minmax.h>
#include <linux/percpu.h>
#include <linux/printk.h>
#include <linux/sched.h>
#include <linux/string.h>

#include <tlfs/hypercall.h>
#include <tlfs/status.h>

#include "compat.h"
#include "hvcall.h"
#include "pool.h"
#include "status.h"

/*
 * Pages deposited for one call without the call getting any further before it
 * is given up. The largest known need is a partition's own, some 200 pages.
 */
#define MAX_FRUITLESS_PAGES	4096
#define MAX_DEPOSIT_STEP	64
#define CONTIGUOUS_PAGES	8

struct hvcall_pages {
	void *in;
	void *out;
};

static DEFINE_PER_CPU(struct hvcall_pages, hvcall_pages);

void mshv_hvcall_exit(void)
{
	struct hvcall_pages *pages;
	int cpu;

	for_each_possible_cpu(cpu) {
		pages = per_cpu_ptr(&hvcall_pages, cpu);
		free_page((unsigned long)pages->in);
		free_page((unsigned long)pages->out);
		pages->in = NULL;
		pages->out = NULL;
	}
}

int mshv_hvcall_init(void)
{
	struct hvcall_pages *pages;
	int cpu;

	for_each_possible_cpu(cpu) {
		pages = per_cpu_ptr(&hvcall_pages, cpu);
		pages->in = (void *)__get_free_page(GFP_KERNEL);
		pages->out = (void *)__get_free_page(GFP_KERNEL);
		if (!pages->in || !pages->out) {
			mshv_hvcall_exit();
			return -ENOMEM;
		}
	}

	return 0;
}

static bool hvcall_fits(const struct mshv_hvcall *call)
{
	size_t in = call->in_size + call->in_rep_size * (call->reps ?: 1);
	size_t out = call->reps ? call->out_rep_size * call->reps : call->out_size;

	if (call->reps > (HV_HYPERCALL_REP_COUNT_MASK >> HV_HYPERCALL_REP_COUNT_SHIFT))
		return false;

	return (call->flags & MSHV_HVCALL_IN_PLACE) ||
	       (in <= HV_HYP_PAGE_SIZE && out <= HV_HYP_PAGE_SIZE);
}

/* Elements are numbered from the call's first repetition, wherever it was resumed. */
static void copy_output(struct mshv_hvcall *call, const void *page, u16 start, u16 done)
{
	size_t size = call->out_rep_size;

	if (!call->reps) {
		if (call->status == HV_STATUS_SUCCESS)
			memcpy(call->out, page, call->out_size);
	} else if (done > start) {
		memcpy(call->out + start * size, page + start * size, (done - start) * size);
	}
}

/* Issue @call once, from repetition @start on; returns the number completed. */
static u16 hvcall_issue(struct mshv_hvcall *call, u16 start)
{
	u64 control = call->code | (u64)call->varhead << HV_HYPERCALL_VARHEAD_SHIFT |
		      (u64)call->reps << HV_HYPERCALL_REP_COUNT_SHIFT |
		      (u64)start << HV_HYPERCALL_REP_START_SHIFT;
	struct hvcall_pages *pages;
	unsigned long flags;
	u64 result;
	u16 done;

	if (call->flags & MSHV_HVCALL_IN_PLACE) {
		result = mshv_platform_hypercall(control, (void *)call->in, call->out);
		call->status = result & HV_HYPERCALL_RESULT_MASK;
		return min_t(u16, (result & HV_HYPERCALL_REP_COMP_MASK) >>
			     HV_HYPERCALL_REP_COMP_SHIFT, call->reps);
	}

	/* The pages are this CPU's, and an interrupt handler may want them too. */
	local_irq_save(flags);
	pages = this_cpu_ptr(&hvcall_pages);
	memcpy(pages->in, call->in, call->in_size);
	if (call->in_reps)
		memcpy(pages->in + call->in_size, call->in_reps,
		       call->in_rep_size * (call->reps ?: 1));
	if (call->out)
		memset(pages->out, 0, call->reps ? call->out_rep_size * call->reps :
						   call->out_size);

	result = mshv_platform_hypercall(control, pages->in, call->out ? pages->out : NULL);
	call->status = result & HV_HYPERCALL_RESULT_MASK;
	done = min_t(u16, (result & HV_HYPERCALL_REP_COMP_MASK) >> HV_HYPERCALL_REP_COMP_SHIFT,
		     call->reps);
	if (call->out)
		copy_output(call, pages->out, start, done);
	local_irq_restore(flags);

	return done;
}

static bool is_root_status(u16 status)
{
	return status == HV_STATUS_INSUFFICIENT_ROOT_MEMORY ||
	       status == HV_STATUS_INSUFFICIENT_CONTIGUOUS_ROOT_MEMORY;
}

static bool is_contiguous_status(u16 status)
{
	return status == HV_STATUS_INSUFFICIENT_CONTIGUOUS_MEMORY ||
	       status == HV_STATUS_INSUFFICIENT_CONTIGUOUS_ROOT_MEMORY;
}

int mshv_hvcall_deposit(struct mshv_pool *pool, u16 status, unsigned int nr)
{
	bool contiguous = is_contiguous_status(status);

	if (is_root_status(status)) {
		pool = &mshv_root_pool;
		nr = 1;
	}
	if (contiguous)
		nr = CONTIGUOUS_PAGES;

	return mshv_pool_deposit(pool, nr, contiguous);
}

/*
 * Give the hypervisor what it asked for. @fruitless counts the pages given since
 * the call last got anywhere.
 */
static int hvcall_deposit(struct mshv_hvcall *call, unsigned int *fruitless)
{
	struct mshv_pool *pool = is_root_status(call->status) ? &mshv_root_pool : call->pool;
	unsigned int nr = max(call->deposit, 1U);
	s64 before;
	int ret;

	if (!pool || call->flags & (MSHV_HVCALL_ATOMIC | MSHV_HVCALL_NO_DEPOSIT))
		return -ENOMEM;
	if (*fruitless > MAX_FRUITLESS_PAGES)
		return -ENOMEM;

	if (*fruitless)
		nr = min_t(unsigned int, *fruitless, MAX_DEPOSIT_STEP);
	*fruitless += nr;

	before = atomic64_read(&pool->deposited);
	ret = mshv_hvcall_deposit(pool, call->status, nr);
	/* Less than was to be had in one go may be enough. */
	return ret == -ENOMEM && atomic64_read(&pool->deposited) != before ? 0 : ret;
}

int mshv_hvcall(struct mshv_hvcall *call)
{
	unsigned int fruitless = 0;
	u16 start = 0;
	u16 done;
	int ret;

	call->done = 0;
	call->status = HV_STATUS_SUCCESS;
	if (!hvcall_fits(call)) {
		pr_err_ratelimited("%s: parameters larger than a page\n",
				   mshv_hvcall_name(call->code));
		return -EINVAL;
	}

	for (;;) {
		done = hvcall_issue(call, start);
		if (done > start) {
			start = done;
			fruitless = 0;
		} else if (call->reps && call->status == HV_STATUS_SUCCESS) {
			/* Success without progress would be for ever. */
			pr_err_ratelimited("%s: the hypervisor makes no progress\n",
					   mshv_hvcall_name(call->code));
			ret = -EIO;
			break;
		}
		call->done = start;

		if (call->status == HV_STATUS_SUCCESS) {
			if (start == call->reps)
				return 0;
		} else if (mshv_status_needs_memory(call->status)) {
			ret = hvcall_deposit(call, &fruitless);
			if (ret)
				break;
		} else {
			ret = mshv_status_to_errno(call->status);
			break;
		}
		if (!(call->flags & MSHV_HVCALL_ATOMIC))
			cond_resched();
	}

	if (!(call->flags & MSHV_HVCALL_QUIET) && call->status != HV_STATUS_CALL_PENDING)
		pr_warn_ratelimited("%s: %s (%#x) after %u of %u\n", mshv_hvcall_name(call->code),
				    mshv_status_name(call->status), call->status, start,
				    call->reps);

	return ret;
}

int mshv_hvcall_fast(u16 code, u64 input1, u64 input2, u16 *status)
{
	u64 result = mshv_platform_hypercall_fast(code | HV_HYPERCALL_FAST, input1, input2);
	u16 answer = result & HV_HYPERCALL_RESULT_MASK;

	if (answer != HV_STATUS_SUCCESS)
		pr_warn_ratelimited("%s: %s (%#x)\n", mshv_hvcall_name(code),
				    mshv_status_name(answer), answer);
	if (status)
		*status = answer;

	return mshv_status_to_errno(answer);
}
