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

#include "builtin.h"
#include "vm.h"

static const char panic_words[] = "Kernel panic - not syncing";

static bool console_has_panic(const struct vm *vm)
{
	return vm->panic_matched == sizeof(panic_words) - 1;
}

/* The end of the guest's log, unless it has been seen on the guest's console */
static void print_log(const struct vm *vm, __u64 gpa, __u64 size)
{
	const char *log = mshv_memory_at(&vm->space.memory, gpa, size);

	if (!log || size > PAGE_SIZE || console_has_panic(vm))
		return;
	fprintf(stderr, "mshv: the end of the guest's log:\r\n");
	fwrite(log, 1, size, stderr);
	if (size && log[size - 1] != '\n')
		fputc('\n', stderr);
}

void crash_check(struct vm *vm)
{
	__u64 p[MSHV_CRASH_REGISTERS];

	if (!vm->crash_registers || mshv_vp_get_crash(&vm->cpus[0].vp, p))
		return;
	/* P1 is the guest's OS ID; without it, P3 and P4 are address and size of its log. */
	if (p[1]) {
		vm_end(vm, STATUS_GUEST_PANIC, "guest panic: RIP 0x%llx, RSP 0x%llx", p[2], p[4]);
	} else if (p[3] && p[4]) {
		console_flush(&vm->console);
		print_log(vm, p[3], p[4]);
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

void crash_at_reset(struct vm *vm)
{
	crash_check(vm);
	if (vm->status == STATUS_GUEST_RESET &&
	    (mshv_ioapic_in_use(&vm->ioapic) || console_has_panic(vm)))
		vm_end(vm, STATUS_GUEST_PANIC,
		       "guest panic or forced reset: it has reset itself without shutting down");
}
