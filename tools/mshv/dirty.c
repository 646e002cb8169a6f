// SPDX-License-Identifier: GPL-2.0-only
/*
 * How fast a guest writes to its memory, as someone who migrates it would ask: the
 * pages that it has written to since they were last asked for. What devices write is
 * not among them: they are in this process.
 */
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "util.h"
#include "vm.h"

#define CHUNK_PAGES	((uint64_t)32768)	/* asked for at a time: 128 MiB */

/* Pages that are dirty in a part of memory, which are clean after that; -1 after a complaint */
static long harvest(const struct vm *vm, uint64_t gpa, uint64_t size)
{
	uint64_t pages = size / PAGE_SIZE, n, i, bitmap[CHUNK_PAGES / 64];
	long dirty = 0;

	for (; pages; pages -= n, gpa += n * PAGE_SIZE) {
		n = pages < CHUNK_PAGES ? pages : CHUNK_PAGES;
		memset(bitmap, 0, sizeof(bitmap));
		if (mshv_get_access_bitmap(vm->partition, MSHV_GPAP_ACCESS_TYPE_DIRTY,
					   MSHV_GPAP_ACCESS_OP_CLEAR, gpa, n, bitmap) < 0)
			return complain("%s", mshv_strerror());
		for (i = 0; i < ARRAY_SIZE(bitmap); i++)
			dirty += __builtin_popcountll(bitmap[i]);
	}
	return dirty;
}

static void *dirty_thread(void *arg)
{
	struct pollfd end = { .events = POLLIN };
	struct vm *vm = arg;
	long low, high = 0;
	double rate;

	end.fd = vm->end_event;
	while (!poll(&end, 1, vm->config->dirty_rate * 1000)) {
		low = harvest(vm, 0, vm->memory.low);
		if (low >= 0 && vm->memory.high)
			high = harvest(vm, MEMORY_HIGH, vm->memory.high);
		if (low < 0 || high < 0)
			break;
		rate = (double)(low + high) * PAGE_SIZE / MIB / vm->config->dirty_rate;
		complain("the guest dirties %.2f MiB/s", rate);
	}
	return NULL;
}

int dirty_start(struct vm *vm)
{
	sigset_t all, before;
	int ret;

	if (!vm->config->dirty_rate)
		return 0;
	if (mshv_set_property(vm->partition, HV_PARTITION_PROPERTY_GPA_PAGE_ACCESS_TRACKING, 1))
		return complain("%s", mshv_strerror());
	/* Signals are for the main thread. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	ret = pthread_create(&vm->dirty_thread, NULL, dirty_thread, vm);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (ret)
		return complain("cannot start a thread: %s", strerror(ret));
	vm->dirty_started = true;
	return 0;
}

void dirty_stop(struct vm *vm)
{
	if (vm->dirty_started)
		pthread_join(vm->dirty_thread, NULL);
	vm->dirty_started = false;
}
