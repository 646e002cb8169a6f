// SPDX-License-Identifier: GPL-2.0-only
/*
 * Injection of interrupts into a partition.
 */
#include <tlfs/interrupt.h>
#include <tlfs/msr.h>

#include "hvcalls.h"
#include "intr.h"
#include "partition.h"

/* Vectors below 16 are the processor's exceptions and can come from no device. */
static bool route_deliverable(const struct mshv_route *route)
{
	if (!route->valid)
		return false;
	if (route->type != HV_X64_INTERRUPT_TYPE_FIXED &&
	    route->type != HV_X64_INTERRUPT_TYPE_LOWESTPRIORITY)
		return true;

	return route->vector >= HV_SYNIC_FIRST_VALID_VECTOR;
}

int mshv_intr_inject(struct mshv_partition *partition, const struct mshv_route *route)
{
	u64 control = route->type;

	if (!route_deliverable(route))
		return -EINVAL;

	if (route->level)
		control |= HV_INTERRUPT_CONTROL_LEVEL_TRIGGERED;
	if (route->logical)
		control |= HV_INTERRUPT_CONTROL_LOGICAL_DEST;

	return mshv_hvcall_assert_virtual_interrupt(partition->id, control, route->dest,
						    route->vector);
}
