// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tracepoints, which scripts written for the kernel's own driver use too.
 */
#include <linux/err.h>
#include <linux/sprintf.h>
#include <linux/string.h>
#include <linux/trace_events.h>

#include <tlfs/status.h>
#include <uapi/linux/mshv.h>

#include "../trace.h"
#include "test.h"

#define MAX_FIELDS	7

/**
 * struct event - a tracepoint, as scripts know it
 * @name: its name
 * @fields: types and names of its fields, in order; what a pointer points to is
 *	    the driver's own affair, and is not in here
 */
struct event {
	const char *name;
	const char *fields[MAX_FIELDS + 1];
};

/* Of upstream's drivers/hv/mshv_trace.h */
static const struct event events[] = {
	{ "mshv_create_partition", { "u64 partition_id", "int vm_fd" } },
	{ "mshv_hvcall_create_partition", { "u64 flags", "s64 partition_id" } },
	{ "mshv_hvcall_initialize_partition", { "u64 partition_id", "u64 status" } },
	{ "mshv_hvcall_finalize_partition", { "u64 partition_id", "u64 status" } },
	{ "mshv_hvcall_delete_partition", { "u64 partition_id", "u64 status" } },
	{ "mshv_hvcall_withdraw_memory", { "u64 partition_id", "u64 withdrawn", "u64 status" } },
	{ "mshv_partition_release", { "u64 partition_id" } },
	{ "mshv_destroy_partition", { "u64 partition_id" } },
	{ "mshv_create_vp", { "u64 partition_id", "u32 vp_index", "long vp_fd" } },
	{ "mshv_hvcall_map_vp_state_page",
	  { "u64 partition_id", "u32 vp_index", "u32 page_type", "u64 status" } },
	{ "mshv_drain_vp_signals", { "u64 partition_id", "u32 vp_index" } },
	{ "mshv_disable_vp_dispatch", { "u64 partition_id", "u32 vp_index", "int ret" } },
	{ "mshv_vp_release", { "u64 partition_id", "u32 vp_index" } },
	{ "mshv_run_vp_entry", { "u64 partition_id", "u32 vp_index" } },
	{ "mshv_run_vp_exit",
	  { "u64 partition_id", "u32 vp_index", "u64 hv_message_type", "long ret" } },
	{ "mshv_vp_clear_explicit_suspend", { "u64 partition_id", "u32 vp_index", "int ret" } },
	{ "mshv_xfer_to_guest_mode_work",
	  { "u64 partition_id", "u32 vp_index", "unsigned long thread_info_flag",
	    "long ret" } },
	{ "mshv_hvcall_dispatch_vp",
	  { "u64 partition_id", "u32 vp_index", "u32 flags", "u32 dispatch_state",
	    "u32 dispatch_event", "u64 irq_vectors", "u64 status" } },
	{ "mshv_update_routing_table",
	  { "u64 partition_id", "void * old", "void * new", "u32 numents" } },
	{ "mshv_map_user_memory",
	  { "u64 partition_id", "u64 start_uaddr", "u64 start_gfn", "u64 nr_pages",
	    "u32 map_flags", "long ret" } },
	{ "mshv_assign_ioeventfd",
	  { "u64 partition_id", "u64 addr", "u64 length", "u64 datamatch", "bool wildcard",
	    "void * eventfd", "int ret" } },
	{ "mshv_deassign_ioeventfd",
	  { "u64 partition_id", "u64 addr", "u64 length", "u64 datamatch", "bool wildcard",
	    "void * eventfd" } },
	{ "mshv_vp_wait_for_hv_kick",
	  { "u64 partition_id", "u32 vp_index", "bool kicked_by_hv", "bool blocked",
	    "bool irq_pending" } },
	{ "mshv_handle_gpa_intercept",
	  { "u64 partition_id", "u32 vp_index", "u64 gfn", "u8 access_type",
	    "bool handled" } },
};

/* The fields that it has, and that each is printed as NAME=VALUE */
static void expect_fields(struct kunit *test, const struct trace_event_call *call,
			  const struct event *event)
{
	const struct trace_event_fields *field = call->class->fields_array;
	char text[64];
	unsigned int i;

	for (i = 0; event->fields[i] && field->type; i++, field++) {
		snprintf(text, sizeof(text), "%s %s", field->type, field->name);
		KUNIT_EXPECT_STREQ_MSG(test, text, event->fields[i], "%s", event->name);
		snprintf(text, sizeof(text), "%s=", field->name);
		KUNIT_EXPECT_NOT_NULL_MSG(test, strstr(call->print_fmt, text), "%s: %s",
					  event->name, field->name);
	}
	KUNIT_EXPECT_TRUE_MSG(test, !event->fields[i] && !field->type, "%s: %u fields",
			      event->name, i);
}

static void tracepoints_have_upstreams_names_and_fields(struct kunit *test)
{
	struct trace_event_file *file;
	unsigned int i;

	KUNIT_EXPECT_EQ(test, ARRAY_SIZE(events), 24);
	for (i = 0; i < ARRAY_SIZE(events); i++) {
		file = trace_get_event_file(NULL, "mshv", events[i].name);
		KUNIT_EXPECT_FALSE_MSG(test, IS_ERR(file), "%s", events[i].name);
		if (IS_ERR(file))
			continue;
		expect_fields(test, file->event_call, &events[i]);
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

/* What the probe of a test saw */
static u64 seen_status;
static unsigned int seen;

static void see_dispatch(void *data, u64 partition_id, u32 vp_index, u32 flags,
			 u32 dispatch_state, u32 dispatch_event, u64 irq_vectors, u64 status)
{
	seen++;
	seen_status = status;
}

/* "status" is the hypervisor's, everywhere. */
static void dispatch_tells_the_status_of_the_hypervisor(struct kunit *test)
{
	unsigned long user = test_user(test, PAGE_SIZE);
	int fd = test_partition(test);
	int vp_fd = test_vp(test, fd, 0);

	KUNIT_ASSERT_EQ(test, register_trace_mshv_hvcall_dispatch_vp(see_dispatch, NULL), 0);
	seen = 0;
	KUNIT_EXPECT_EQ(test, test_ioctl(test, vp_fd, MSHV_RUN_VP, user), 0);
	KUNIT_EXPECT_GE(test, seen, 1);
	KUNIT_EXPECT_EQ(test, seen_status, HV_STATUS_SUCCESS);
	fake_hv_fail(HVCALL_DISPATCH_VP, HV_STATUS_INVALID_VP_INDEX, 0, 1);
	KUNIT_EXPECT_EQ(test, test_ioctl(test, vp_fd, MSHV_RUN_VP, user), -EINVAL);
	KUNIT_EXPECT_EQ(test, seen_status, HV_STATUS_INVALID_VP_INDEX);
	unregister_trace_mshv_hvcall_dispatch_vp(see_dispatch, NULL);
	tracepoint_synchronize_unregister();
	test_close(vp_fd);
	test_close(fd);
}

static struct kunit_case trace_cases[] = {
	KUNIT_CASE(tracepoints_have_upstreams_names_and_fields),
	KUNIT_CASE(kinds_of_access_have_their_letters),
	KUNIT_CASE(dispatch_tells_the_status_of_the_hypervisor),
	{}
};

static struct kunit_suite trace_suite = {
	.name = "mshv_trace",
	.init = test_init,
	.exit = test_exit,
	.test_cases = trace_cases,
};

kunit_test_suite(trace_suite);
