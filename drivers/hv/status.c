// SPDX-License-Identifier: GPL-2.0-only
/*
 * Hypercall statuses: their errno, their names.
 */
#include <linux/errno.h>
#include <linux/kernel.h>

#include <tlfs/hypercall.h>
#include <tlfs/status.h>

#include "status.h"

/* What mshv_platform_hypercall() answers where there is no hypercall page */
#define STATUS_NO_HYPERCALL_PAGE	0xffff

int mshv_status_to_errno(u16 status)
{
	switch (status) {
	case HV_STATUS_SUCCESS:
		return 0;
	case HV_STATUS_INVALID_HYPERCALL_CODE:
	case HV_STATUS_INVALID_HYPERCALL_INPUT:
	case HV_STATUS_INVALID_PARAMETER:
	case HV_STATUS_UNKNOWN_PROPERTY:
	case HV_STATUS_PROPERTY_VALUE_OUT_OF_RANGE:
	case HV_STATUS_INVALID_PARTITION_ID:
	case HV_STATUS_INVALID_VP_INDEX:
	case HV_STATUS_INVALID_PORT_ID:
	case HV_STATUS_INVALID_CONNECTION_ID:
	case HV_STATUS_INVALID_LP_INDEX:
	case HV_STATUS_INVALID_REGISTER_VALUE:
		return -EINVAL;
	case HV_STATUS_ACCESS_DENIED:
	case HV_STATUS_OPERATION_DENIED:
		return -EACCES;
	case HV_STATUS_INSUFFICIENT_MEMORY:
	case HV_STATUS_INSUFFICIENT_ROOT_MEMORY:
	case HV_STATUS_INSUFFICIENT_CONTIGUOUS_MEMORY:
	case HV_STATUS_INSUFFICIENT_CONTIGUOUS_ROOT_MEMORY:
		return -ENOMEM;
	case HV_STATUS_PROCESSOR_FEATURE_NOT_SUPPORTED:
	case STATUS_NO_HYPERCALL_PAGE:
		return -EOPNOTSUPP;
	default:
		return -EIO;
	}
}

bool mshv_status_needs_memory(u16 status)
{
	return mshv_status_to_errno(status) == -ENOMEM;
}

struct name {
	u16 value;
	const char *name;
};

#define NAME(name, value)	{ value, #name },

static const struct name status_names[] = {
	HV_STATUS_LIST(NAME)
	{ STATUS_NO_HYPERCALL_PAGE, "no hypercall page" },
};

static const struct name hvcall_names[] = {
	HVCALL_LIST(NAME)
};

static const char *find_name(const struct name *names, size_t nr, u16 value)
{
	size_t i;

	for (i = 0; i < nr; i++)
		if (names[i].value == value)
			return names[i].name;

	return NULL;
}

const char *mshv_status_name(u16 status)
{
	return find_name(status_names, ARRAY_SIZE(status_names), status) ?: "unknown status";
}

const char *mshv_hvcall_name(u16 code)
{
	return find_name(hvcall_names, ARRAY_SIZE(hvcall_names), code) ?: "unknown hypercall";
}
