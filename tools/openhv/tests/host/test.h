/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What every test of the host build includes, last: the harness, whose
 * processes make a panic the failure of one test, and the machine.
 */
#ifndef HOST_TEST_H
#define HOST_TEST_H

#include "calls.h"
#include "machine.h"
#include "vcpu.h"

/* Both have one. */
#undef ARRAY_SIZE
#include <kselftest_harness.h>

/* A test with a machine of its own */
FIXTURE(machine) {
	int unused;
};

FIXTURE_SETUP(machine)
{
	host_boot();
}

FIXTURE_TEARDOWN(machine)
{
}

#endif /* HOST_TEST_H */
