/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Each ioctl of /dev/mshv, for tests that make calls which must fail: arguments that it
 * takes, on a machine that is made for that, and whether it has done what they say.
 */
#ifndef MSHV_CALLS_H
#define MSHV_CALLS_H

#include "mshv_test.h"

#define REGION_GFN	0x1000ULL	/* where the call that maps memory does so */

enum kind { DEVICE, PARTITION, VP, KINDS };

/**
 * struct target - a machine that the calls are made on
 * @vm: the machine
 * @fds: its files, by kind
 * @event: an eventfd, which some calls are about
 * @resample: another one
 * @open_fds: how many files are open between two calls
 * @region: a page that is not the guest's
 * @lapic: a page, with other contents than the VP's local APIC has
 */
struct target {
	struct test_vm vm;
	int fds[KINDS];
	int event, resample;
	int open_fds;
	void *region;
	uint8_t *lapic;
};

/* Of any of them */
union arguments {
	struct mshv_create_partition_v2 partition;
	struct mshv_create_vp vp;
	struct mshv_user_mem_region region;
	struct mshv_user_irqfd irqfd;
	struct mshv_user_ioeventfd ioeventfd;
	struct {
		struct mshv_user_irq_table table;
		struct mshv_user_irq_entry entry;
	} routing;
	struct mshv_gpap_access_bitmap bitmap;
	struct mshv_root_hvcall hvcall;
	struct mshv_run_vp run;
	struct mshv_get_set_vp_state state;
	uint8_t bytes[512];
};

/* Each ioctl, and each kind of hypercall; in the order of the files that they are of */
enum which {
	CREATE_PARTITION, DEVICE_HVCALL,
	CREATE_VP, SET_MEMORY, IRQFD, IOEVENTFD, ROUTING, BITMAP, SET_PROPERTY,
	RUN, GET_STATE, SET_STATE, SET_REGISTERS, GET_STATES,
	CALLS
};

/**
 * struct call - an ioctl
 * @name: what a failure is reported under
 * @request: its number
 * @on: the kind of file that it is of
 * @size: bytes of its arguments
 * @writes: it writes to its arguments
 * @fill: fills in arguments that it takes
 * @done: whether it has done what they say, which is undone then; NULL: it does nothing
 */
struct call {
	const char *name;
	unsigned long request;
	enum kind on;
	size_t size;
	bool writes;
	void (*fill)(struct target *target, union arguments *args);
	bool (*done)(struct target *target);
};

/* All of them, by enum which */
extern const struct call calls[CALLS];

/**
 * count_fds() - how many files this process has open
 *
 * Return: their number.
 */
int count_fds(void);

/**
 * target_init() - a machine that each call can be made on
 * @target: what to fill in
 */
void target_init(struct target *target);

/**
 * target_destroy() - free what it has
 * @target: the machine
 */
void target_destroy(struct target *target);

#endif /* MSHV_CALLS_H */
