// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tracepoints, which scripts written for the kernel's own driver use too.
 */
#include <linux/err.h>
#include <linux/trace_events.h>

#include "../trace.h"
#include "test.h"

static const char * const events[] = {
	"mshv_create_partition", "mshv_hvcall_create_partition",
	"mshv_hvcall_initialize_partition", "mshv_hvcall_finalize_partition",
	"mshv_hvcall_delete_partition", "mshv_hvcall_withdraw_memory", "mshv_partition_release",
	"mshv_destroy_partition", "mshv_create_vp", "mshv_hvcall_map_vp_state_page",
	"mshv_drain_vp_signals", "mshv_disable_vp_dispatch", "mshv_vp_release",
	"mshv_run_vp_entry", "mshv_run_vp_exit", "mshv_vp_clear_explicit_suspend",
	"mshv_xfer_to_guest_mode_work", "mshv_hvcall_dispatch_vp", "mshv_update_routing_table",
	"mshv_map_user_memory", "mshv_assign_ioeventfd", "mshv_deassign_ioeventfd",
	"mshv_vp_wait_for_hv_kick", "mshv_handle_gpa_intercept",
};

static void tracepoints_have_upstreams_names(struct kunit *test)
{
	struct trace_event_file *file;
	unsigned int i;

	KUNIT_EXPECT_EQ(test, ARRAY_SIZE(events), 24);
	for (i = 0; i < ARRAY_SIZE(events); i++) {
		file = trace_get_event_file(NULL, "mshv", events[i]);
		KUNIT_EXPECT_FALSE_MSG(test, IS_ERR(file), "%s", events[i]);
		if (!IS_ERR(file))
			trace_put_event_file(file);
	}
	file = trace_get_event_file(NULL, "mshv", "mshv_no_such_event");
	KUNIT_EXPECT_TRUE(test, IS_ERR(file));
}

static void kinds_of_access_have_their_letters(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, mshv_trace_access(HV_INTERCEPT_ACCESS_READ), 'R');
	KUNIT_EXPECT_EQ(test, mshv_trace_access(HV_INTERCEPT_ACCESS_WRITE), 'W');
	KUNIT_EXPECT_EQ(test, mshv_trace_access(HV_INTERCEPT_ACCESS_EXECUTE), 'X');
	KUNIT_EXPECT_EQ(test, mshv_trace_access(3), '?');
}

static struct kunit_case trace_cases[] = {
	KUNIT_CASE(tracepoints_have_upstreams_names),
	KUNIT_CASE(kinds_of_access_have_their_letters),
	{}
};

static struct kunit_suite trace_suite = {
	.name = "mshv_trace",
	.test_cases = trace_cases,
};

kunit_test_suite(trace_suite);
