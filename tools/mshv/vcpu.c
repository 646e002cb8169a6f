// SPDX-License-Identifier: GPL-2.0-only
/*
 * A processor's thread: run, see what the guest wants, do it, run again.
 */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "builtin.h"
#include "vm.h"

/*
 * The signal that takes a thread out of MSHV_RUN_VP where the driver cannot be
 * asked to; its handler has nothing to do.
 */
#define SIGNAL_KICK	SIGUSR2

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

void vcpu_print_stats(const struct vm *vm)
{
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
}

void vcpu_where(struct vcpu *vcpu, char *text, size_t size)
{
	__u64 rip = 0, cr3 = 0, rsp = 0;

	mshv_vp_get_register(&vcpu->vp, HV_X64_REGISTER_RIP, &rip);
	mshv_vp_get_register(&vcpu->vp, HV_X64_REGISTER_RSP, &rsp);
	mshv_vp_get_register(&vcpu->vp, HV_X64_REGISTER_CR3, &cr3);
	snprintf(text, size, "processor %u, RIP 0x%llx, RSP 0x%llx, CR3 0x%llx", vcpu->vp.index,
		 rip, rsp, cr3);
}

static void end_emulation(struct vcpu *vcpu)
{
	char place[128];
	char why[160];

	snprintf(why, sizeof(why), "%s", mshv_strerror());
	vcpu_where(vcpu, place, sizeof(place));
	vm_end(vcpu->vm, STATUS_ERROR, "%s: %s", why, place);
}

/*
 * HLT with interrupts on is the hypervisor's affair. With interrupts off it is
 * the end of a processor, unless another one resets it: look again now and then.
 */
static void handle_halt(struct vcpu *vcpu)
{
	const struct timespec pause = { .tv_nsec = 10 * 1000 * 1000 };
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
	for (i = 0; i < vm->config->cpus && vm->cpus[i].halted; i++)
		;
	if (i == vm->config->cpus)
		vm_end(vm, STATUS_GUEST_HALTED, "the guest has halted for good");
	else
		nanosleep(&pause, NULL);
}

static void handle_unknown(struct vcpu *vcpu)
{
	__u32 type = vcpu->vp.msg.header.message_type;
	const char *name = mshv_message_name(type);
	char place[128];

	vcpu_where(vcpu, place, sizeof(place));
	vm_end(vcpu->vm, STATUS_ERROR, "unexpected message %s (0x%x): %s", name ? name : "", type,
	       place);
}

static void handle_message(struct vcpu *vcpu)
{
	struct vm *vm = vcpu->vm;
	char place[128];

	if (vcpu->vp.msg.header.message_type != HVMSG_X64_HALT)
		vcpu->halted = false;
	switch (vcpu->vp.msg.header.message_type) {
	case HVMSG_X64_IO_PORT_INTERCEPT:
		if (mshv_emulate_io(&vcpu->vp, &vm_bus_ops, vcpu))
			end_emulation(vcpu);
		break;
	case HVMSG_UNMAPPED_GPA:
	case HVMSG_GPA_INTERCEPT:
		if (mshv_emulate_mmio(&vcpu->vp, &vm_bus_ops, vcpu))
			end_emulation(vcpu);
		break;
	case HVMSG_X64_APIC_EOI:
		pthread_mutex_lock(&vm->lock);
		ioapic_eoi(&vm->ioapic, mshv_msg_eoi(&vcpu->vp.msg)->interrupt_vector);
		pthread_mutex_unlock(&vm->lock);
		break;
	case HVMSG_X64_HALT:
		handle_halt(vcpu);
		break;
	case HVMSG_UNRECOVERABLE_EXCEPTION:
		crash_check(vcpu);
		vcpu_where(vcpu, place, sizeof(place));
		vm_end(vm, STATUS_GUEST_TRIPLE_FAULT, "guest triple fault: %s", place);
		break;
	default:
		handle_unknown(vcpu);
	}
}

static void *vcpu_thread(void *arg)
{
	struct vcpu *vcpu = arg;
	struct vm *vm = vcpu->vm;
	int ret;

	while (!vm->ended) {
		ret = mshv_vp_run(&vcpu->vp);
		if (!ret) {
			count(vcpu, vcpu->vp.msg.header.message_type);
			handle_message(vcpu);
		} else if (ret == -EINTR || ret == -EAGAIN) {
			if (!vm->ended && vcpu->vp.index == 0)
				crash_check(vcpu);
		} else {
			vm_end(vm, STATUS_ERROR, "%s", mshv_strerror());
		}
	}
	vcpu->finished = true;
	return NULL;
}

static void kicked(int signal)
{
	(void)signal;
}

int vcpu_start(struct vcpu *vcpu)
{
	struct sigaction action = { .sa_handler = kicked };	/* without SA_RESTART */
	sigset_t blocked, old;
	int ret;

	sigaction(SIGNAL_KICK, &action, NULL);
	/* All other signals are for the main thread. */
	sigfillset(&blocked);
	sigdelset(&blocked, SIGNAL_KICK);
	pthread_sigmask(SIG_SETMASK, &blocked, &old);
	ret = pthread_create(&vcpu->thread, NULL, vcpu_thread, vcpu);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	vcpu->started = !ret;
	return ret;
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
	const struct timespec pause = { .tv_nsec = 5 * 1000 * 1000 };

	if (!vcpu->started)
		return;
	vcpu_kick(vcpu);
	/* A cancellation stays until it is seen; a signal just before the ioctl would be lost. */
	while (!vcpu->vm->can_cancel && !vcpu->finished) {
		nanosleep(&pause, NULL);
		vcpu_kick(vcpu);
	}
	pthread_join(vcpu->thread, NULL);
	vcpu->started = false;
}
