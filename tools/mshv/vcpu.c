// SPDX-License-Identifier: GPL-2.0-only
/*
 * A processor's thread: run, see what the guest wants, do it, run again.
 */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "builtin.h"
#include "vm.h"

/*
 * The signal that takes a thread out of MSHV_RUN_VP where the driver cannot be
 * asked to; its handler has nothing to do.
 */
#define SIGNAL_KICK	SIGUSR2

#define KICK_MS		5	/* how often that is done */
#define HALT_MS		10	/* how often a processor that has halted for good is looked at */

#define X86_RFLAGS_IF	(1ULL << 9)

static const __u32 counted_types[VM_MAX_STATS] = {
	HVMSG_X64_IO_PORT_INTERCEPT, HVMSG_UNMAPPED_GPA, HVMSG_GPA_INTERCEPT, HVMSG_X64_APIC_EOI,
	HVMSG_X64_MSR_INTERCEPT, HVMSG_X64_CPUID_INTERCEPT, HVMSG_X64_HALT,
	HVMSG_NONE,	/* everything else */
};

static void count(struct vcpu *vcpu, __u32 type)
{
	unsigned int i = 0;

	while (counted_types[i] != type && counted_types[i] != HVMSG_NONE)
		i++;
	vcpu->stats[i]++;
}

void vm_print_stats(const struct vm *vm)
{
	const struct virtio *dev;
	unsigned int type, i;
	uint64_t sum;

	for (type = 0; type < VM_MAX_STATS; type++) {
		sum = 0;
		for (i = 0; i < vm->config->cpus; i++)
			sum += vm->cpus[i].stats[type];
		if (sum)
			fprintf(stderr, "mshv: %10" PRIu64 " %s\n", sum,
				counted_types[type] == HVMSG_NONE ? "others" :
				mshv_message_name(counted_types[type]));
	}
	for (i = 0; i < vm->virtio_count; i++) {
		dev = vm->virtio[i];
		fprintf(stderr, "mshv: %s %u: %lu notifications, %lu of them by an exit; "
			"%lu interrupts\n", dev->name, i, dev->kicks - dev->own_kicks, dev->exits,
			dev->interrupts);
	}
}

const char *vcpu_where(struct vcpu *vcpu)
{
	static __thread char text[128];
	__u64 rip = 0, cr3 = 0, rsp = 0;

	mshv_vp_get_register(&vcpu->vp, HV_X64_REGISTER_RIP, &rip);
	mshv_vp_get_register(&vcpu->vp, HV_X64_REGISTER_RSP, &rsp);
	mshv_vp_get_register(&vcpu->vp, HV_X64_REGISTER_CR3, &cr3);
	snprintf(text, sizeof(text), "processor %u, RIP 0x%llx, RSP 0x%llx, CR3 0x%llx",
		 vcpu->vp.index, rip, rsp, cr3);
	return text;
}

static void end_emulation(struct vcpu *vcpu)
{
	char why[160];

	snprintf(why, sizeof(why), "%s", mshv_strerror());
	vm_end(vcpu->vm, STATUS_ERROR, "%s: %s", why, vcpu_where(vcpu));
}

/* What only another processor can wake: its HLT was told, or the hypervisor holds it. */
static bool is_halted(const struct vcpu *vcpu)
{
	const __u32 names[] = { HV_REGISTER_INTERNAL_ACTIVITY_STATE, HV_X64_REGISTER_RFLAGS };
	union hv_register_value values[2];
	__u64 activity;

	if (vcpu->halted)
		return true;
	/* The VP itself is busy with MSHV_RUN_VP. */
	if (mshv_get_registers(vcpu->vm->partition, vcpu->vp.index, names, values, 2))
		return false;
	activity = values[0].reg64;
	return activity & HV_ACTIVITY_STARTUP_SUSPEND ||
	       (activity & HV_ACTIVITY_HALT_SUSPEND && !(values[1].reg64 & X86_RFLAGS_IF));
}

/*
 * HLT with interrupts on is the hypervisor's affair. With interrupts off it is the end of
 * a processor, unless another one wakes it, and of the machine if none can. A hypervisor
 * tells of each such HLT, or only of the last. Whoever was woken meanwhile gets a while to
 * go on in; as long as there is anyone, the HLT comes again, and is looked at again.
 */
static void handle_halt(struct vcpu *vcpu)
{
	struct vm *vm = vcpu->vm;
	unsigned int i;

	if (vm->config->flat) {
		vm_end(vm, STATUS_OK, "%s", "");
		return;
	}
	if (mshv_msg_header(&vcpu->vp.msg)->rflags & X86_RFLAGS_IF) {
		mshv_vp_complete(&vcpu->vp, NULL);
		return;
	}
	vcpu->halted = true;
	usleep(HALT_MS * 1000);
	for (i = 0; i < vm->config->cpus && is_halted(&vm->cpus[i]); i++)
		;
	if (i == vm->config->cpus)
		vm_end(vm, STATUS_GUEST_HALTED, "the guest has halted for good");
	vcpu->halted = false;
}

static void handle_message(struct vcpu *vcpu)
{
	__u32 type = vcpu->vp.msg.header.message_type;
	struct vm *vm = vcpu->vm;
	const char *name;

	switch (type) {
	case HVMSG_X64_IO_PORT_INTERCEPT:
		if (mshv_emulate_io(&vcpu->vp, &mshv_space_ops, &vm->space))
			end_emulation(vcpu);
		break;
	case HVMSG_UNMAPPED_GPA:
	case HVMSG_GPA_INTERCEPT:
		if (mshv_emulate_mmio(&vcpu->vp, &mshv_space_ops, &vm->space))
			end_emulation(vcpu);
		break;
	case HVMSG_X64_APIC_EOI:
		pthread_mutex_lock(&vm->space.lock);
		mshv_ioapic_eoi(&vm->ioapic, mshv_msg_eoi(&vcpu->vp.msg)->interrupt_vector);
		pthread_mutex_unlock(&vm->space.lock);
		break;
	case HVMSG_X64_HALT:
		handle_halt(vcpu);
		break;
	case HVMSG_UNRECOVERABLE_EXCEPTION:
		vm_end(vm, STATUS_GUEST_TRIPLE_FAULT, "guest triple fault: %s", vcpu_where(vcpu));
		break;
	default:
		name = mshv_message_name(type);
		vm_end(vm, STATUS_ERROR, "unexpected message %s (0x%x): %s", name ? name : "",
		       type, vcpu_where(vcpu));
	}
}

static void *vcpu_thread(void *arg)
{
	struct vcpu *vcpu = arg;
	struct vm *vm = vcpu->vm;
	sigset_t kick;
	int ret;

	sigemptyset(&kick);
	sigaddset(&kick, SIGNAL_KICK);
	pthread_sigmask(SIG_UNBLOCK, &kick, NULL);
	while (!vm->ended) {
		ret = mshv_vp_run(&vcpu->vp);
		if (!ret) {
			count(vcpu, vcpu->vp.msg.header.message_type);
			handle_message(vcpu);
		} else if (ret == -EINTR || ret == -EAGAIN) {
			if (!vm->ended && vcpu->vp.index == 0)
				crash_check(vm);
		} else {
			vm_end(vm, STATUS_ERROR, "%s", mshv_strerror());
		}
	}
	vcpu->finished = true;
	return NULL;
}

static void kicked(int signal)
{
}

int vcpu_start(struct vcpu *vcpu)
{
	struct sigaction action = { .sa_handler = kicked };	/* without SA_RESTART */

	sigaction(SIGNAL_KICK, &action, NULL);
	vcpu->started = start_thread(&vcpu->thread, vcpu_thread, vcpu);
	return vcpu->started ? 0 : -1;
}

void vcpu_kick(struct vcpu *vcpu)
{
	if (!vcpu->started)
		return;
	if (vcpu->vm->can_cancel)
		mshv_cancel_vp(vcpu->vp.fd, 0);
	else
		pthread_kill(vcpu->thread, SIGNAL_KICK);
}

void vcpu_stop(struct vcpu *vcpu)
{
	if (!vcpu->started)
		return;
	vcpu_kick(vcpu);
	/* A cancellation stays until it is seen; a signal just before the ioctl would be lost. */
	while (!vcpu->vm->can_cancel && !vcpu->finished) {
		usleep(KICK_MS * 1000);
		vcpu_kick(vcpu);
	}
	pthread_join(vcpu->thread, NULL);
	vcpu->started = false;
}
