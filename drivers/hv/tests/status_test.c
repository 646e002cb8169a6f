// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a status means to user space.
 */
#include <linux/errno.h>

#include <tlfs/hypercall.h>
#include <tlfs/status.h>

#include "../status.h"
#include "test.h"

struct status_case {
	u16 status;
	int err;
};

/* By the table that clients have of upstream; what it leaves out is EIO. */
static const struct status_case named[] = {
	{ HV_STATUS_SUCCESS, 0 },
	{ HV_STATUS_INVALID_HYPERCALL_CODE, -EINVAL },
	{ HV_STATUS_INVALID_HYPERCALL_INPUT, -EINVAL },
	{ HV_STATUS_INVALID_ALIGNMENT, -EIO },
	{ HV_STATUS_INVALID_PARAMETER, -EINVAL },
	{ HV_STATUS_ACCESS_DENIED, -EACCES },
	{ HV_STATUS_INVALID_PARTITION_STATE, -EIO },
	{ HV_STATUS_OPERATION_DENIED, -EACCES },
	{ HV_STATUS_UNKNOWN_PROPERTY, -EINVAL },
	{ HV_STATUS_PROPERTY_VALUE_OUT_OF_RANGE, -EINVAL },
	{ HV_STATUS_INSUFFICIENT_MEMORY, -ENOMEM },
	{ HV_STATUS_PARTITION_TOO_DEEP, -EIO },
	{ HV_STATUS_INVALID_PARTITION_ID, -EINVAL },
	{ HV_STATUS_INVALID_VP_INDEX, -EINVAL },
	{ HV_STATUS_NOT_FOUND, -EIO },
	{ HV_STATUS_INVALID_PORT_ID, -EINVAL },
	{ HV_STATUS_INVALID_CONNECTION_ID, -EINVAL },
	{ HV_STATUS_INSUFFICIENT_BUFFERS, -EIO },
	{ HV_STATUS_NOT_ACKNOWLEDGED, -EIO },
	{ HV_STATUS_INVALID_VP_STATE, -EIO },
	{ HV_STATUS_NO_RESOURCES, -EIO },
	{ HV_STATUS_PROCESSOR_FEATURE_NOT_SUPPORTED, -EOPNOTSUPP },
	{ HV_STATUS_INVALID_LP_INDEX, -EINVAL },
	{ HV_STATUS_INVALID_REGISTER_VALUE, -EINVAL },
	{ HV_STATUS_OPERATION_FAILED, -EIO },
	{ HV_STATUS_INSUFFICIENT_ROOT_MEMORY, -ENOMEM },
	{ HV_STATUS_INSUFFICIENT_CONTIGUOUS_MEMORY, -ENOMEM },
	{ HV_STATUS_TIME_OUT, -EIO },
	{ HV_STATUS_CALL_PENDING, -EIO },
	{ HV_STATUS_INSUFFICIENT_CONTIGUOUS_ROOT_MEMORY, -ENOMEM },
	{ HV_STATUS_VTL_ALREADY_ENABLED, -EIO },
	/* No hypercall page */
	{ 0xffff, -EOPNOTSUPP },
};

static void every_status_has_upstreams_errno(struct kunit *test)
{
	unsigned int status;
	unsigned int i;

	for (status = 0; status <= U16_MAX; status++) {
		int err = -EIO;

		for (i = 0; i < ARRAY_SIZE(named); i++)
			if (named[i].status == status)
				err = named[i].err;
		KUNIT_EXPECT_EQ_MSG(test, mshv_status_to_errno(status), err, "status %#x", status);
	}
}

static void four_statuses_ask_for_memory(struct kunit *test)
{
	unsigned int status;
	unsigned int nr = 0;

	for (status = 0; status <= U16_MAX; status++)
		nr += mshv_status_needs_memory(status);
	KUNIT_EXPECT_EQ(test, nr, 4);
	KUNIT_EXPECT_TRUE(test, mshv_status_needs_memory(HV_STATUS_INSUFFICIENT_MEMORY));
	KUNIT_EXPECT_TRUE(test, mshv_status_needs_memory(HV_STATUS_INSUFFICIENT_ROOT_MEMORY));
	KUNIT_EXPECT_TRUE(test,
			  mshv_status_needs_memory(HV_STATUS_INSUFFICIENT_CONTIGUOUS_MEMORY));
	KUNIT_EXPECT_TRUE(test,
			  mshv_status_needs_memory(HV_STATUS_INSUFFICIENT_CONTIGUOUS_ROOT_MEMORY));
}

static void statuses_and_calls_have_their_names(struct kunit *test)
{
	KUNIT_EXPECT_STREQ(test, mshv_status_name(HV_STATUS_SUCCESS), "SUCCESS");
	KUNIT_EXPECT_STREQ(test, mshv_status_name(0x86), "VTL_ALREADY_ENABLED");
	KUNIT_EXPECT_STREQ(test, mshv_status_name(0xffff), "no hypercall page");
	KUNIT_EXPECT_STREQ(test, mshv_status_name(1), "unknown status");
	KUNIT_EXPECT_STREQ(test, mshv_hvcall_name(HVCALL_MAP_GPA_PAGES), "MAP_GPA_PAGES");
	KUNIT_EXPECT_STREQ(test, mshv_hvcall_name(0), "unknown hypercall");
}

static struct kunit_case status_cases[] = {
	KUNIT_CASE(every_status_has_upstreams_errno),
	KUNIT_CASE(four_statuses_ask_for_memory),
	KUNIT_CASE(statuses_and_calls_have_their_names),
	{}
};

static struct kunit_suite status_suite = {
	.name = "mshv_status",
	.init = test_init,
	.exit = test_exit,
	.test_cases = status_cases,
};

kunit_test_suite(status_suite);
