/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The kernel and the hypervisor under the driver.
 *
 * compat.c is the one file that includes the kernel's own Hyper-V headers, and
 * this pair the only place where a kernel version is named: those headers use
 * the names of include/tlfs for other numbers, and differ from version to
 * version. What is offered here has plain types.
 *
 * Everything named mshv_platform_* is the machine; the KUnit build replaces
 * compat.c, and with it these functions, by a scripted hypervisor.
 */
#ifndef MSHV_COMPAT_H
#define MSHV_COMPAT_H

#include <linux/eventfd.h>
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/types.h>
#include <linux/version.h>

/**
 * struct mshv_platform - what the driver has to know of its machine
 * @partition_id: the root partition's own ID
 * @ext_features: CPUID 0x40000003 ECX, HV_VP_*_AVAILABLE
 * @sint_vector: interrupt vector that the handler of
 *	mshv_platform_set_isr() is reached by
 * @auto_eoi: that vector is not acknowledged by the kernel
 * @major: hypervisor version
 * @minor: hypervisor version
 * @build: hypervisor version
 */
struct mshv_platform {
	u64 partition_id;
	u32 ext_features;
	u8 sint_vector;
	bool auto_eoi;
	u16 major;
	u16 minor;
	u32 build;
};

/**
 * mshv_platform_probe() - find out whether this is a root partition
 * @platform: filled in on success
 *
 * Writes one line to the kernel log that says why, if it is not.
 *
 * Return: 0; -ENODEV on anything but a root partition.
 */
int mshv_platform_probe(struct mshv_platform *platform);

/**
 * mshv_platform_hypercall() - issue a hypercall that takes its input from memory
 * @control: the control word (TLFS, "Hypercall Inputs")
 * @input: input block in the kernel's direct map, within a page, or NULL
 * @output: output block, likewise, or NULL
 *
 * May be called in any context.
 *
 * Return: the result word; all ones where there is no hypercall page.
 */
u64 mshv_platform_hypercall(u64 control, void *input, void *output);

/**
 * mshv_platform_hypercall_fast() - issue a hypercall that takes its input from registers
 * @control: the control word, with HV_HYPERCALL_FAST
 * @input1: first 8 bytes of input
 * @input2: second 8 bytes of input
 *
 * May be called in any context.
 *
 * Return: the result word; all ones where there is no hypercall page.
 */
u64 mshv_platform_hypercall_fast(u64 control, u64 input1, u64 input2);

/**
 * mshv_platform_get_msr() - read a synthetic MSR of this CPU
 * @msr: HV_X64_MSR_*
 *
 * Return: its value.
 */
u64 mshv_platform_get_msr(u32 msr);

/**
 * mshv_platform_set_msr() - write a synthetic MSR of this CPU
 * @msr: HV_X64_MSR_*
 * @value: its new value
 */
void mshv_platform_set_msr(u32 msr, u64 value);

/**
 * mshv_platform_set_isr() - install the handler of the SynIC's interrupt
 * @isr: called with interrupts disabled on the CPU that got it; NULL removes it
 *
 * A removed handler may still be running elsewhere until an RCU grace period
 * has passed.
 */
void mshv_platform_set_isr(void (*isr)(void));

/**
 * mshv_platform_cpu_goes_offline() - a CPU is about to be the kernel's no more
 * @cpu: this CPU
 *
 * Called on its way out, by the thread that takes it there.
 */
void mshv_platform_cpu_goes_offline(unsigned int cpu);

/**
 * mshv_platform_set_crash_handler() - install what is called when this kernel panics
 * @handler: called on the CPU that panicked, on the way to a crash kernel, or to the
 *	end of this one; perhaps twice. Other CPUs may be running. NULL removes it
 */
void mshv_platform_set_crash_handler(void (*handler)(void));

/**
 * mshv_platform_guard_kexec() - have a say in whether another kernel may be started
 * @guard: called before anything is shut down for it, with preemption disabled;
 *	what it returns, unless that is 0, is what user space gets, and nothing
 *	happens. NULL removes it
 *
 * Return: 0; a negative errno if this kernel has no way to do that.
 */
int mshv_platform_guard_kexec(int (*guard)(void));

/**
 * mshv_platform_restart() - reset the machine instead of whatever it is about to do
 *
 * Called in a reboot notifier. May sleep.
 */
void mshv_platform_restart(void);

/**
 * mshv_platform_vp_index() - the VP that a CPU of this kernel is
 * @cpu: a CPU that has been online
 *
 * Return: its VP index.
 */
u32 mshv_platform_vp_index(unsigned int cpu);

/* eventfd_signal() lost its count in 6.8. */
static inline void mshv_eventfd_signal(struct eventfd_ctx *ctx)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 8, 0)
	eventfd_signal(ctx);
#else
	eventfd_signal(ctx, 1);
#endif
}

/**
 * mshv_follow_pfnmap() - what a raw mapping maps an address to
 * @vma: one with VM_IO or VM_PFNMAP; its address space is read-locked
 * @addr: an address in it
 * @pfn: where the page number goes
 * @writable: whether it is mapped for writing
 *
 * Return: 0; -EINVAL if nothing is mapped there.
 */
static inline int mshv_follow_pfnmap(struct vm_area_struct *vma, unsigned long addr,
				     unsigned long *pfn, bool *writable)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 12, 0)
	struct follow_pfnmap_args args = { .vma = vma, .address = addr };
	int ret = follow_pfnmap_start(&args);

	if (ret)
		return ret;
	*pfn = args.pfn;
	*writable = args.writable;
	follow_pfnmap_end(&args);

	return 0;
#else
	*writable = vma->vm_flags & VM_WRITE;

	return follow_pfn(vma, addr, pfn);
#endif
}

/* Lazy rescheduling came with 6.13; where it exists the guest must make way for it too. */
#ifdef _TIF_NEED_RESCHED_LAZY
#define MSHV_TIF_NEED_RESCHED	(_TIF_NEED_RESCHED | _TIF_NEED_RESCHED_LAZY)
#else
#define MSHV_TIF_NEED_RESCHED	_TIF_NEED_RESCHED
#endif

/* What a thread has to see to before it may enter a guest */
#define MSHV_TIF_WORK \
	(MSHV_TIF_NEED_RESCHED | _TIF_SIGPENDING | _TIF_NOTIFY_SIGNAL | _TIF_NOTIFY_RESUME)

#endif /* MSHV_COMPAT_H */
