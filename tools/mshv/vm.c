// SPDX-License-Identifier: GPL-2.0-only
/*
 * A virtual machine from its creation to its end.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "builtin.h"
#include "snapshot.h"
#include "vm.h"

/* How often a guest is looked at for a crash that it reports but does not die of */
#define CRASH_CHECK_MS	1000

#define FEATURE(name)	HV_SYNTHETIC_FEATURE(HV_SYNTHETIC_FEATURE_##name##_BIT)

/* What a Linux guest makes use of, if the hypervisor lets us give it */
#define WANTED_FEATURES \
	(FEATURE(HYPERVISOR_PRESENT) | FEATURE(HV1) | FEATURE(ACCESS_VP_RUN_TIME_REG) | \
	 FEATURE(ACCESS_PARTITION_REFERENCE_COUNTER) | FEATURE(ACCESS_SYNIC_REGS) | \
	 FEATURE(ACCESS_SYNTHETIC_TIMER_REGS) | FEATURE(ACCESS_INTR_CTRL_REGS) | \
	 FEATURE(ACCESS_HYPERCALL_REGS) | FEATURE(ACCESS_VP_INDEX) | \
	 FEATURE(ACCESS_PARTITION_REFERENCE_TSC) | FEATURE(ACCESS_GUEST_IDLE_REG) | \
	 FEATURE(ACCESS_FREQUENCY_REGS) | FEATURE(ENABLE_EXTENDED_GVA_RANGES) | \
	 FEATURE(FAST_HYPERCALL_OUTPUT) | FEATURE(DIRECT_SYNTHETIC_TIMERS) | \
	 FEATURE(EXTENDED_PROCESSOR_MASKS) | FEATURE(TB_FLUSH_HYPERCALLS) | \
	 FEATURE(SYNTHETIC_CLUSTER_IPI) | FEATURE(NOTIFY_LONG_SPIN_WAIT))

/* MTRRs on, write-back by default: a guest finds them as firmware leaves them. */
#define MTRR_DEF_TYPE_WB	0x806

/* LINT0 delivers ExtINT, LINT1 NMI: likewise */
#define LVT_EXTINT	0x700
#define LVT_NMI		0x400

#define MEMORY_FLAGS	(1 << MSHV_SET_MEM_BIT_WRITABLE | 1 << MSHV_SET_MEM_BIT_EXECUTABLE)

void vm_end(struct vm *vm, int status, const char *fmt, ...)
{
	va_list ap;

	pthread_mutex_lock(&vm->end_lock);
	/* A guest that ends while it is being stopped for a snapshot has ended. */
	if (!vm->ended || vm->status == STATUS_SNAPSHOT) {
		va_start(ap, fmt);
		vsnprintf(vm->reason, sizeof(vm->reason), fmt, ap);
		va_end(ap);
		vm->status = status;
		vm->ended = true;
		eventfd_write(vm->end_event, 1);
	}
	pthread_mutex_unlock(&vm->end_lock);
}

static int complain_mshv(void)
{
	return complain("%s", mshv_strerror());
}

/* The guest's view of the hypervisor has to be decided before the partition is initialized. */
static int set_features(struct vm *vm)
{
	struct hv_partition_property_synthetic_features offered = { 0 };
	__u64 features = WANTED_FEATURES;

	if (!mshv_get_property_ex(vm->dev, HV_PARTITION_PROPERTY_ASSIGNABLE_SYNTHETIC_PROC_FEATURES,
				  0, &offered, sizeof(offered)))
		features &= offered.bank0;
	return mshv_set_property(vm->partition, HV_PARTITION_PROPERTY_SYNTHETIC_PROC_FEATURES,
				 features);
}

static int create_partition(struct vm *vm)
{
	__u64 flags = 1 << MSHV_PT_BIT_GPA_SUPER_PAGES;

	vm->dev = mshv_open(NULL);
	if (vm->dev < 0)
		return complain("%s", mshv_explain(NULL, vm->dev));

	if (!vm->config->flat)
		flags |= 1 << MSHV_PT_BIT_LAPIC | 1 << MSHV_PT_BIT_X2APIC;
	vm->partition = mshv_create_partition(vm->dev, flags);
	if (vm->partition < 0)
		return complain_mshv();
	if (!vm->config->flat && set_features(vm))
		return complain_mshv();
	if (mshv_initialize_partition(vm->partition))
		return complain_mshv();
	if (vm->config->flat)
		return 0;

	/* Linux tries MSRs that not every hypervisor has; it must not die of that. */
	if (mshv_set_property(vm->partition, HV_PARTITION_PROPERTY_UNIMPLEMENTED_MSR_ACTION,
			      HV_UNIMPLEMENTED_MSR_ACTION_IGNORE_WRITE_READ_ZERO))
		return complain_mshv();
	/* A matter of taste for the guest's scheduler: fine without. */
	mshv_set_property(vm->partition, HV_PARTITION_PROPERTY_PROCESSORS_PER_SOCKET,
			  vm->config->cpus);
	return 0;
}

static int map_memory(struct vm *vm)
{
	struct guest_memory *memory = &vm->memory;

	if (memory_init(memory, vm->config->memory))
		return -1;
	if (mshv_map_memory(vm->partition, 0, memory->base, memory->low, MEMORY_FLAGS))
		return complain_mshv();
	if (memory->high && mshv_map_memory(vm->partition, MEMORY_HIGH, memory->base + memory->low,
					    memory->high, MEMORY_FLAGS))
		return complain_mshv();
	return 0;
}

static int setup_lapic(struct vcpu *vcpu)
{
	struct hv_local_interrupt_controller_state *lapic;
	long ret;

	lapic = aligned_alloc(PAGE_SIZE, PAGE_SIZE);
	if (!lapic)
		return -ENOMEM;
	ret = mshv_get_vp_state(vcpu->vp.fd, MSHV_VP_STATE_LAPIC, lapic, PAGE_SIZE);
	if (ret >= 0) {
		lapic->apic_lvt_lint0 = LVT_EXTINT;
		lapic->apic_lvt_lint1 = LVT_NMI;
		ret = mshv_set_vp_state(vcpu->vp.fd, MSHV_VP_STATE_LAPIC, lapic, PAGE_SIZE);
	}
	free(lapic);
	return ret < 0 ? (int)ret : 0;
}

static int create_cpus(struct vm *vm)
{
	unsigned int i;

	vm->cpus = calloc(vm->config->cpus, sizeof(*vm->cpus));
	if (!vm->cpus)
		return complain("out of memory");
	for (i = 0; i < vm->config->cpus; i++)
		vm->cpus[i].vp.fd = -1;

	for (i = 0; i < vm->config->cpus; i++) {
		struct vcpu *vcpu = &vm->cpus[i];

		vcpu->vm = vm;
		if (mshv_vp_init(&vcpu->vp, vm->partition, i))
			return complain_mshv();
		if (vm->config->flat)
			continue;
		if (vm_setup_cpuid(vcpu) || setup_lapic(vcpu) ||
		    mshv_vp_set_register(&vcpu->vp, HV_X64_REGISTER_MSR_MTRR_DEF_TYPE,
					 MTRR_DEF_TYPE_WB))
			return complain_mshv();
	}
	vm->can_cancel = mshv_cancel_vp(vm->cpus[0].vp.fd, MSHV_CANCEL_VP_CLEAR) >= 0;
	crash_init(vm);
	return 0;
}

int vm_create(struct vm *vm, const struct vm_config *config)
{
	memset(vm, 0, sizeof(*vm));
	vm->config = config;
	vm->dev = -1;
	vm->partition = -1;
	vm->signals = -1;
	vm->end_event = eventfd(0, EFD_CLOEXEC);
	pthread_mutex_init(&vm->lock, NULL);
	pthread_mutex_init(&vm->end_lock, NULL);
	if (vm->end_event < 0)
		return complain("eventfd: %m");

	if (create_partition(vm) || map_memory(vm) || create_cpus(vm))
		return -1;
	return vm_add_devices(vm);
}

/* Signals that end a process, unless whoever started it wants otherwise */
static int catch_signals(struct vm *vm)
{
	static const int ending[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };
	struct sigaction action;
	unsigned int i;
	sigset_t set;

	sigemptyset(&set);
	for (i = 0; i < ARRAY_SIZE(ending); i++) {
		if (!sigaction(ending[i], NULL, &action) && action.sa_handler != SIG_IGN)
			sigaddset(&set, ending[i]);
	}
	/* The threads that are started after this have them blocked, too. */
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	vm->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	vm->console.signals = vm->signals;
	return vm->signals < 0 ? complain("signalfd: %m") : 0;
}

static void end_by_signal(struct vm *vm)
{
	struct signalfd_siginfo info;

	if (read(vm->signals, &info, sizeof(info)) != sizeof(info))
		return;
	vm_end(vm, STATUS_SIGNAL + info.ssi_signo, "ended by a signal: %s",
	       strsignal(info.ssi_signo));
	console_hurry(&vm->console);
}

static int enter(struct mshv_vp *vp, const struct boot_entry *entry)
{
	struct mshv_regs regs = { .rip = entry->rip };

	regs.gpr[MSHV_RSP] = entry->rsp;
	regs.gpr[MSHV_RSI] = entry->rsi;
	if (entry->tables)
		return mshv_vp_setup_long_mode(vp, entry->tables, &regs);
	return mshv_vp_setup_real_mode(vp, entry->rip, entry->rsp);
}

int vm_start(struct vm *vm, const struct boot_entry *entry)
{
	unsigned int i;
	int ret;

	if (entry && enter(&vm->cpus[0].vp, entry))
		return complain_mshv();

	if (catch_signals(vm) || console_start(&vm->console) || dirty_start(vm))
		return -1;
	for (i = 0; i < vm->config->cpus; i++) {
		ret = vcpu_start(&vm->cpus[i]);
		if (ret)
			return complain("cannot start a thread: %s", strerror(ret));
	}
	return 0;
}

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * INT64_C(1000) + now.tv_nsec / 1000000;
}

int vm_wait(struct vm *vm, unsigned int timeout)
{
	struct pollfd fds[] = {
		{ .fd = vm->end_event, .events = POLLIN },
		{ .fd = vm->signals, .events = POLLIN },
	};
	int64_t deadline = now_ms() + timeout * INT64_C(1000), left;
	char place[128];
	unsigned int i;
	int wait;

	while (!vm->ended) {
		left = deadline - now_ms();
		wait = timeout && left < CRASH_CHECK_MS ? left : CRASH_CHECK_MS;
		if (timeout && left <= 0) {
			vm_end(vm, STATUS_TIMEOUT, "timeout: the guest has not ended after %u s",
			       timeout);
			console_hurry(&vm->console);
		} else if (snapshot_wanted()) {
			vm_end(vm, STATUS_SNAPSHOT, "%s", "");
		} else if (!poll(fds, ARRAY_SIZE(fds), wait) && vm->crash_registers) {
			vcpu_kick(&vm->cpus[0]);
		} else if (fds[1].revents) {
			end_by_signal(vm);
		}
	}

	/* A processor may be waiting for a device. */
	for (i = 0; i < vm->virtio_count; i++)
		vm->virtio[i]->stop = true;
	for (i = 0; i < vm->config->cpus; i++)
		vcpu_stop(&vm->cpus[i]);
	if (vm->status == STATUS_TIMEOUT) {
		vcpu_where(&vm->cpus[0], place, sizeof(place));
		strncat(vm->reason, ": ", sizeof(vm->reason) - strlen(vm->reason) - 1);
		strncat(vm->reason, place, sizeof(vm->reason) - strlen(vm->reason) - 1);
	}
	return vm->status;
}

void vm_destroy(struct vm *vm)
{
	unsigned int i;

	vm_end(vm, STATUS_ERROR, "%s", "");
	for (i = 0; vm->cpus && i < vm->config->cpus; i++) {
		vcpu_stop(&vm->cpus[i]);
		mshv_vp_destroy(&vm->cpus[i].vp);
	}
	free(vm->cpus);
	vm->cpus = NULL;
	dirty_stop(vm);
	for (i = 0; i < vm->virtio_count; i++)
		virtio_destroy(vm->virtio[i]);
	vm->virtio_count = 0;
	console_close(&vm->console);
	if (vm->partition >= 0)
		close(vm->partition);
	if (vm->dev >= 0)
		close(vm->dev);
	if (vm->signals >= 0)
		close(vm->signals);
	if (vm->end_event >= 0)
		close(vm->end_event);
	memory_free(&vm->memory);
}
