// SPDX-License-Identifier: GPL-2.0-only
/*
 * Has the guest crashed? There are three ways to know, in the order of what
 * they are worth:
 *
 *  - the guest crash registers (TLFS, "Guest Crash Enlightenment"): Linux from
 *    6.4 on writes them when it panics, with the end of its log if the
 *    hypervisor takes that;
 *  - the pvpanic port (power.c), for a guest that has that driver;
 *  - a reset that comes without a shutdown. An orderly reboot of Linux masks
 *    the I/O APIC first, whatever its version; the reset after a panic
 *    ("panic=-1") does not. Before the guest has set up any interrupt there is
 *    only what it says on its console.
 */
#include <stdio.h>
#include <string.h>

#include "builtin.h"
#include "vm.h"

#define CRASH_REGISTERS	5

static const char panic_words[] = "Kernel panic - not syncing";

static const __u32 crash_names[CRASH_REGISTERS] = {
	HV_REGISTER_GUEST_CRASH_P0, HV_REGISTER_GUEST_CRASH_P0 + 1,
	HV_REGISTER_GUEST_CRASH_P0 + 2, HV_REGISTER_GUEST_CRASH_P0 + 3,
	HV_REGISTER_GUEST_CRASH_P4,
};

static bool read_registers(struct vcpu *vcpu, union hv_register_value *values)
{
	return !mshv_get_registers(vcpu->vp.fd, vcpu->vp.index, crash_names, values,
				   CRASH_REGISTERS);
}

static bool console_has_panic(const struct vm *vm)
{
	return vm->panic_matched == sizeof(panic_words) - 1;
}

void crash_init(struct vm *vm)
{
	union hv_register_value values[CRASH_REGISTERS];

	vm->crash_registers = !vm->config->flat && read_registers(&vm->cpus[0], values);
}

/* The end of the guest's log, unless it has been seen on the guest's console */
static void print_log(const struct vm *vm, __u64 gpa, __u64 size)
{
	const char *log = memory_at(&vm->memory, gpa, size);

	if (!log || size > PAGE_SIZE || console_has_panic(vm))
		return;
	fprintf(stderr, "mshv: the end of the guest's log:\r\n");
	fwrite(log, 1, size, stderr);
	if (size && log[size - 1] != '\n')
		fputc('\n', stderr);
}

void crash_check(struct vcpu *vcpu)
{
	union hv_register_value p[CRASH_REGISTERS];
	struct vm *vm = vcpu->vm;

	if (!vm->crash_registers || vm->ended || !read_registers(vcpu, p))
		return;
	/* P1 is the guest's OS ID; without it, P3 and P4 are address and size of its log. */
	if (p[1].reg64) {
		vm_end(vm, STATUS_GUEST_PANIC, "guest panic: RIP 0x%llx, RSP 0x%llx", p[2].reg64,
		       p[4].reg64);
	} else if (p[3].reg64 && p[4].reg64) {
		console_flush(&vm->console);
		print_log(vm, p[3].reg64, p[4].reg64);
		vm_end(vm, STATUS_GUEST_PANIC, "guest panic");
	}
}

void crash_watch(struct vm *vm, uint8_t byte)
{
	if (console_has_panic(vm))
		return;
	/* The first letter comes only once in these words, so no match can begin inside another. */
	if (byte != panic_words[vm->panic_matched])
		vm->panic_matched = 0;
	if (byte == panic_words[vm->panic_matched])
		vm->panic_matched++;
}

bool crash_at_reset(const struct vm *vm)
{
	return ioapic_in_use(&vm->ioapic) || console_has_panic(vm);
}
