/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reference time (TLFS, "Partition Reference Time"), in 100 ns.
 */
#ifndef OPENHV_TIME_H
#define OPENHV_TIME_H

#include <openhv/types.h>
#include <tlfs/msr.h>

struct partition;

/* After clocks_calibrate(): from now on time passes. */
void time_init(void);

/* The hypervisor's own time since it started, in 100 ns. */
u64 hv_time(void);
/* A duration in TSC ticks, in 100 ns. */
u64 tsc_to_100ns(u64 tsc);
u64 tsc_from_100ns(u64 t);

/* Let a new partition's time start at 0. */
void partition_time_start(struct partition *p);
u64 partition_time(struct partition *p);
void partition_set_time(struct partition *p, u64 time);
void partition_freeze_time(struct partition *p, bool freeze);
/*
 * The machine's TSC as a partition's parent is to see it: while time is frozen, as it
 * was then. The TSCs of all VPs are read as of one moment, and begin at one if set.
 */
u64 partition_tsc(const struct partition *p);
/* TSC value at which a partition's time will be @time; ~0: it stands still. */
u64 partition_time_to_tsc(struct partition *p, u64 time);
/* Fill in a reference TSC page. */
void partition_tsc_page(struct partition *p, struct hv_reference_tsc_page *page);

#endif /* OPENHV_TIME_H */
