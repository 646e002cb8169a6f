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
#define LOOK_MS		1000

static bool is_reset(int status)
{
	return status == STATUS_GUEST_RESET || status == STATUS_GUEST_TRIPLE_FAULT;
}

void vm_end(struct vm *vm, int status, const char *fmt, ...)
{
	va_list ap;

	pthread_mutex_lock(&vm->end_lock);
	/*
	 * A guest that ends while it is being stopped for a snapshot has ended. A panic
	 * explains the reset or the fault that it has ended in.
	 */
	if (!vm->ended || vm->status == STATUS_SNAPSHOT ||
	    (status == STATUS_GUEST_PANIC && is_reset(vm->status))) {
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

static int create_partition(struct vm *vm)
{
	vm->dev = mshv_open(NULL);
	if (vm->dev < 0)
		return complain("%s", mshv_explain(NULL, vm->dev));
	if (!vm->config->flat) {
		vm->partition = mshv_create_machine(vm->dev, vm->config->cpus);
		return vm->partition < 0 ? complain_mshv() : 0;
	}
	vm->partition = mshv_create_partition(vm->dev, 1 << MSHV_PT_BIT_GPA_SUPER_PAGES);
	if (vm->partition < 0 || mshv_initialize_partition(vm->partition))
		return complain_mshv();
	return 0;
}

static int create_cpus(struct vm *vm)
{
	__u64 crash[MSHV_CRASH_REGISTERS];
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
		if (!vm->config->flat && mshv_vp_setup_machine(&vcpu->vp, vm->config->cpus))
			return complain_mshv();
	}
	vm->can_cancel = mshv_cancel_vp(vm->cpus[0].vp.fd, MSHV_CANCEL_VP_CLEAR) >= 0;
	vm->crash_registers = !vm->config->flat && !mshv_vp_get_crash(&vm->cpus[0].vp, crash);
	return 0;
}

int vm_create(struct vm *vm, const struct vm_config *config)
{
	*vm = (struct vm){ .config = config, .dev = -1, .partition = -1, .signals = -1 };
	pthread_mutex_init(&vm->space.lock, NULL);
	pthread_mutex_init(&vm->end_lock, NULL);
	vm->end_event = eventfd(0, EFD_CLOEXEC);
	if (vm->end_event < 0)
		return complain("eventfd: %m");

	if (create_partition(vm))
		return -1;
	if (mshv_memory_init(&vm->space.memory, config->memory) ||
	    mshv_memory_map(&vm->space.memory, vm->partition))
		return complain_mshv();
	return create_cpus(vm) ? -1 : vm_add_devices(vm);
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
	vm->console.hurry = true;
}

int vm_start(struct vm *vm)
{
	unsigned int i;

	if (vm->config->dirty_rate &&
	    mshv_set_property(vm->partition, HV_PARTITION_PROPERTY_GPA_PAGE_ACCESS_TRACKING, 1))
		return complain_mshv();
	if (catch_signals(vm) || console_start(&vm->console))
		return -1;
	for (i = 0; i < vm->config->cpus; i++) {
		if (vcpu_start(&vm->cpus[i]))
			return -1;
	}
	return 0;
}

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * INT64_C(1000) + now.tv_nsec / 1000000;
}

/* How fast the guest writes to its memory, as someone who migrates it would ask */
static int print_dirty_rate(const struct vm *vm)
{
	int64_t pages = mshv_memory_take_dirty(&vm->space.memory, vm->partition);

	if (pages < 0)
		return complain_mshv();
	complain("the guest dirties %.2f MiB/s",
		 (double)pages * PAGE_SIZE / MIB / vm->config->dirty_rate);
	return 0;
}

int vm_wait(struct vm *vm, unsigned int timeout)
{
	struct pollfd fds[] = {
		{ .fd = vm->end_event, .events = POLLIN },
		{ .fd = vm->signals, .events = POLLIN },
	};
	const int64_t dirty_ms = vm->config->dirty_rate * INT64_C(1000);
	int64_t now = now_ms(), deadline = INT64_MAX, dirty = INT64_MAX, wait;
	unsigned int i;
	size_t used;

	if (timeout)
		deadline = now + timeout * INT64_C(1000);
	if (dirty_ms)
		dirty = now + dirty_ms;
	while (!vm->ended) {
		now = now_ms();
		wait = (deadline < dirty ? deadline : dirty) - now;
		if (now >= deadline) {
			vm_end(vm, STATUS_TIMEOUT, "timeout: the guest has not ended after %u s",
			       timeout);
			vm->console.hurry = true;
		} else if (now >= dirty) {
			dirty = print_dirty_rate(vm) ? INT64_MAX : dirty + dirty_ms;
		} else if (snapshot_wanted()) {
			vm_end(vm, STATUS_SNAPSHOT, "%s", "");
			vm->console.hurry = true;
		} else if (!poll(fds, ARRAY_SIZE(fds), wait < LOOK_MS ? wait : LOOK_MS) &&
			   vm->crash_registers) {
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
	if (is_reset(vm->status))
		crash_at_reset(vm);
	used = strlen(vm->reason);
	if (vm->status == STATUS_TIMEOUT)
		snprintf(vm->reason + used, sizeof(vm->reason) - used, ": %s",
			 vcpu_where(&vm->cpus[0]));
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
	for (i = 0; i < vm->virtio_count; i++)
		virtio_destroy(vm->virtio[i]);
	vm->virtio_count = 0;
	console_close(&vm->console);
	/* What there is not is -1, which is none of ours. */
	close(vm->partition);
	close(vm->dev);
	close(vm->signals);
	close(vm->end_event);
	mshv_memory_destroy(&vm->space.memory);
}
