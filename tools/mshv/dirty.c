// SPDX-License-Identifier: GPL-2.0-only
/*
 * How fast a guest writes to its memory, as someone who migrates it would ask. What
 * devices write does not count: they are in this process.
 */
#include <poll.h>

#include "util.h"
#include "vm.h"

static void *dirty_thread(void *arg)
{
	struct vm *vm = arg;
	struct pollfd end = { .fd = vm->end_event, .events = POLLIN };
	int64_t pages;

	while (!poll(&end, 1, vm->config->dirty_rate * 1000)) {
		pages = mshv_memory_take_dirty(&vm->space.memory, vm->partition);
		if (pages < 0) {
			complain("%s", mshv_strerror());
			break;
		}
		complain("the guest dirties %.2f MiB/s",
			 (double)pages * PAGE_SIZE / MIB / vm->config->dirty_rate);
	}
	return NULL;
}

int dirty_start(struct vm *vm)
{
	if (!vm->config->dirty_rate)
		return 0;
	if (mshv_set_property(vm->partition, HV_PARTITION_PROPERTY_GPA_PAGE_ACCESS_TRACKING, 1))
		return complain("%s", mshv_strerror());
	vm->dirty_started = start_thread(&vm->dirty_thread, dirty_thread, vm);
	return vm->dirty_started ? 0 : -1;
}

void dirty_stop(struct vm *vm)
{
	if (vm->dirty_started)
		pthread_join(vm->dirty_thread, NULL);
	vm->dirty_started = false;
}
