// SPDX-License-Identifier: GPL-2.0-only
/*
 * The root partition's interface to the hypervisor, as the kernel exports it.
 *
 * No header of include/tlfs is included here: their names clash with those of
 * the kernel's headers, whose numbers are not always the same.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/crash_dump.h>
#include <linux/io.h>
#include <linux/irqflags.h>
#include <linux/kprobes.h>
#include <linux/panic_notifier.h>
#include <linux/printk.h>
#include <linux/processor.h>
#include <linux/rcupdate.h>
#include <linux/reboot.h>
#include <asm/hypervisor.h>
#include <asm/irq_vectors.h>
#include <asm/mshyperv.h>

#include "compat.h"

#define CPUID_HYPERV_VERSION	0x40000002
#define CPUID_HYPERV_FEATURES	0x40000003

#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 15, 0)
static bool is_root_partition(void)
{
	return hv_root_partition();
}
#else
static bool is_root_partition(void)
{
	return hv_root_partition;
}
#endif

/*
 * A root partition that is itself nested is the guest of another hypervisor too, whose
 * VMBus has this SynIC, the handler of its interrupt, and that of a crash.
 */
static bool is_nested(void)
{
	/* No kernel exports this bit by name: HV_X64_HYPERV_NESTED, from 6.3 on */
	return ms_hyperv.hints & BIT(12);
}

int mshv_platform_probe(struct mshv_platform *platform)
{
	u32 eax, ebx, ecx, edx;

	if (!hypervisor_is_type(X86_HYPER_MS_HYPERV)) {
		pr_info("no hypervisor with the Hyper-V interface under this kernel, not loading\n");
		return -ENODEV;
	}
	if (!is_root_partition()) {
		pr_info("this kernel is a guest of the hypervisor and not its root partition, not loading\n");
		return -ENODEV;
	}
	if (is_kdump_kernel()) {
		pr_info("this is a crash kernel, not loading\n");
		return -ENODEV;
	}
	if (is_nested()) {
		pr_info("this root partition is nested in another hypervisor's guest, not loading\n");
		return -ENODEV;
	}

	cpuid(CPUID_HYPERV_VERSION, &eax, &ebx, &ecx, &edx);
	platform->build = eax;
	platform->major = ebx >> 16;
	platform->minor = ebx;
	cpuid(CPUID_HYPERV_FEATURES, &eax, &ebx, &ecx, &edx);
	platform->ext_features = ecx;
	platform->partition_id = hv_current_partition_id;
	platform->sint_vector = HYPERVISOR_CALLBACK_VECTOR;
	platform->auto_eoi = !(ms_hyperv.hints & HV_DEPRECATING_AEOI_RECOMMENDED);

	return 0;
}

u64 mshv_platform_hypercall(u64 control, void *input, void *output)
{
	return hv_do_hypercall(control, input, output);
}

u64 mshv_platform_hypercall_fast(u64 control, u64 input1, u64 input2)
{
	/* Both take the call code alone and add the fast bit; the rest is zero in our calls. */
	return hv_do_fast_hypercall16(control & 0xffff, input1, input2);
}

#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 11, 0)
u64 mshv_platform_get_msr(u32 msr)
{
	return hv_get_msr(msr);
}

void mshv_platform_set_msr(u32 msr, u64 value)
{
	hv_set_msr(msr, value);
}
#else
u64 mshv_platform_get_msr(u32 msr)
{
	return hv_get_register(msr);
}

void mshv_platform_set_msr(u32 msr, u64 value)
{
	hv_set_register(msr, value);
}
#endif

#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 15, 0)
void mshv_platform_set_isr(void (*isr)(void))
{
	hv_setup_mshv_handler(isr);
}
#else
void mshv_platform_set_isr(void (*isr)(void))
{
	/* The VMBus driver leaves its slot alone in a root partition that is not nested. */
	if (isr)
		hv_setup_vmbus_handler(isr);
	else
		hv_remove_vmbus_handler();
}
#endif

/*
 * Linux as root ends interrupts by the VP assist page. When a CPU goes offline, all
 * versions up to 7.3 at least unmap it and then forget where it was (hv_cpu_die()), so
 * that an interrupt between the two is a crash. So let it be forgotten first: then
 * interrupts are ended by an MSR, and hv_cpu_die() finds nothing to do. The page is
 * mapped anew when the CPU comes back.
 */
void mshv_platform_cpu_goes_offline(unsigned int cpu)
{
	struct hv_vp_assist_page *page = hv_get_vp_assist_page(cpu);
	unsigned long flags;
	u32 low, high;

	if (!page)
		return;
	local_irq_save(flags);
	WRITE_ONCE(hv_vp_assist_page[cpu], NULL);
	rdmsr(HV_X64_MSR_VP_ASSIST_PAGE, low, high);
	wrmsr(HV_X64_MSR_VP_ASSIST_PAGE, low & ~HV_X64_MSR_VP_ASSIST_PAGE_ENABLE, high);
	/*
	 * An interrupt that waits may have been promised to need no end. It does now, and
	 * the promise must not be there when the page is mapped again.
	 */
	WRITE_ONCE(page->apic_assist, 0);
	local_irq_restore(flags);
	memunmap(page);
}

static void (*crash_handler)(void);

static void call_crash_handler(struct pt_regs *regs)
{
	crash_handler();
}

/* Where there is no crash kernel */
static int call_panic_handler(struct notifier_block *nb, unsigned long event, void *text)
{
	crash_handler();

	return NOTIFY_DONE;
}

static struct notifier_block panic_notifier = { .notifier_call = call_panic_handler };

void mshv_platform_set_crash_handler(void (*handler)(void))
{
	if (handler) {
		crash_handler = handler;
		hv_setup_crash_handler(call_crash_handler);
		atomic_notifier_chain_register(&panic_notifier_list, &panic_notifier);
	} else {
		hv_remove_crash_handler();
		/* Waits for RCU, and so for whoever is in either of them. */
		atomic_notifier_chain_unregister(&panic_notifier_list, &panic_notifier);
	}
}

/*
 * No kernel asks anyone whether it may start another one, and a reboot notifier
 * comes too late to say no. So the function behind the system call is made to begin,
 * if need be, somewhere else.
 */
static int (*kexec_guard)(void);
static int kexec_error;

static int refuse_kexec(void)
{
	return kexec_error;
}

static int before_kexec(struct kprobe *probe, struct pt_regs *regs)
{
	kexec_error = kexec_guard();
	if (!kexec_error)
		return 0;
	instruction_pointer_set(regs, (unsigned long)refuse_kexec);

	return 1;
}

/* A probe that has one is not optimized into a jump, which knows no other way on. */
static void after_kexec(struct kprobe *probe, struct pt_regs *regs, unsigned long flags)
{
}

static struct kprobe kexec_probe = {
	.symbol_name = "kernel_kexec",
	.pre_handler = before_kexec,
	.post_handler = after_kexec,
};

int mshv_platform_guard_kexec(int (*guard)(void))
{
	int ret = 0;

	if (guard) {
		kexec_guard = guard;
		ret = register_kprobe(&kexec_probe);
		if (ret)
			kexec_guard = NULL;
	} else if (kexec_guard) {
		unregister_kprobe(&kexec_probe);
		kexec_guard = NULL;
		/*
		 * Whoever was made to go to refuse_kexec() is a task like any other, and may
		 * have been preempted there: it has left this module's text when it has
		 * slept of its own accord, or is in user mode.
		 */
		synchronize_rcu_tasks();
	}

	return ret;
}

void mshv_platform_restart(void)
{
	kernel_restart(NULL);
}

u32 mshv_platform_vp_index(unsigned int cpu)
{
	return hv_vp_index[cpu];
}
