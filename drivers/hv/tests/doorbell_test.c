// SPDX-License-Identifier: GPL-2.0-only
/*
 * Doorbells: ports, event rings, ioeventfds.
 */
#include <linux/cpu.h>
#include <linux/delay.h>
#include <linux/eventfd.h>
#include <linux/irqflags.h>
#include <linux/kthread.h>
#include <linux/smp.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include <tlfs/message.h>
#include <tlfs/msr.h>
#include <tlfs/status.h>
#include <tlfs/synic.h>
#include <uapi/linux/mshv.h>

#include "../partition.h"
#include "../port.h"
#include "../synic.h"
#include "test.h"

#define RING_SIZE	HV_SYNIC_EVENT_RING_MESSAGE_COUNT

static void port_numbers_are_unique_and_come_back(struct kunit *test)
{
	int event = test_eventfd(test);
	struct eventfd_ctx *ctx = eventfd_ctx_fdget(event);
	int a = mshv_port_alloc(ctx);
	int b = mshv_port_alloc(ctx);

	KUNIT_EXPECT_GT(test, a, 0);
	KUNIT_EXPECT_GT(test, b, 0);
	KUNIT_EXPECT_NE(test, a, b);
	mshv_port_signal(a);
	mshv_port_signal(b);
	KUNIT_EXPECT_EQ(test, test_count(test, event), 2);

	/* Not ours any more, and never ours */
	mshv_port_free(a);
	mshv_port_signal(a);
	mshv_port_signal(0);
	mshv_port_signal(HV_PORT_ID_MASK + 1);
	mshv_port_signal(U32_MAX);
	KUNIT_EXPECT_EQ(test, test_count(test, event), 0);
	mshv_port_free(b);
	eventfd_ctx_put(ctx);
	test_close(event);
}

static void port_is_not_allocated_without_memory(struct kunit *test)
{
	int event = test_eventfd(test);
	struct eventfd_ctx *ctx = eventfd_ctx_fdget(event);
	int port = -ENOMEM;
	unsigned int n;

	for (n = 1; port == -ENOMEM && n < 20; n++) {
		test_fail_alloc(n);
		port = mshv_port_alloc(ctx);
		test_alloc_failed();
	}
	KUNIT_EXPECT_GT(test, port, 0);
	mshv_port_free(port);
	eventfd_ctx_put(ctx);
	test_close(event);
}

/* Signals ports that come and go. */
static int signal_ports(void *data)
{
	u32 port = 0;

	while (!kthread_should_stop()) {
		mshv_port_signal(port++ % 16);
		cond_resched();
	}

	return 0;
}

static void port_is_never_signalled_after_it_was_freed(struct kunit *test)
{
	struct task_struct *thread = kthread_run(signal_ports, NULL, "mshv-ports");
	unsigned int i;

	KUNIT_ASSERT_FALSE(test, IS_ERR(thread));
	for (i = 0; i < 200; i++) {
		int event = test_eventfd(test);
		struct eventfd_ctx *ctx = eventfd_ctx_fdget(event);
		int port = mshv_port_alloc(ctx);

		KUNIT_EXPECT_GT(test, port, 0);
		mshv_port_free(port);
		synchronize_rcu();
		/* What KASAN would tell of is a use after this. */
		eventfd_ctx_put(ctx);
		test_close(event);
	}
	kthread_stop(thread);
}

/**
 * struct ring_test - a ring of its own, with one port
 * @hv: as the hypervisor has it
 * @ring: as the driver has it
 * @head: the hypervisor's place in it
 * @event: eventfd of the port
 * @ctx: the same
 * @port: its number
 */
struct ring_test {
	struct hv_synic_event_ring hv;
	struct mshv_event_ring ring;
	unsigned int head;
	int event;
	struct eventfd_ctx *ctx;
	u32 port;
};

static struct ring_test *ring_test(struct kunit *test)
{
	struct ring_test *r = kunit_kzalloc(test, sizeof(*r), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, r);
	r->ring.ring = &r->hv;
	r->event = test_eventfd(test);
	r->ctx = eventfd_ctx_fdget(r->event);
	r->port = mshv_port_alloc(r->ctx);

	return r;
}

static void ring_done(struct ring_test *r)
{
	mshv_port_free(r->port);
	synchronize_rcu();
	eventfd_ctx_put(r->ctx);
	test_close(r->event);
}

/* Returns false if there was no room, which the ring says. */
static bool push(struct ring_test *r)
{
	if (r->hv.data[r->head]) {
		r->hv.ring_full = 1;
		return false;
	}
	r->hv.data[r->head] = r->port;
	r->head = (r->head + 1) % RING_SIZE;

	return true;
}

static bool drain(struct ring_test *r)
{
	unsigned long flags;
	bool empty;

	local_irq_save(flags);
	empty = mshv_doorbell_drain(&r->ring);
	local_irq_restore(flags);

	return empty;
}

static void events_are_taken_in_order_round_the_ring(struct kunit *test)
{
	struct ring_test *r = ring_test(test);
	unsigned int total = 0;
	unsigned int i;
	unsigned int n;

	for (n = 0; n < 3 * RING_SIZE; n += 20) {
		for (i = 0; i < 20; i++)
			KUNIT_EXPECT_TRUE(test, push(r));
		r->hv.signal_masked = 1;
		KUNIT_EXPECT_TRUE(test, drain(r));
		total += 20;
		KUNIT_EXPECT_EQ(test, r->hv.signal_masked, 0);
		KUNIT_EXPECT_EQ(test, r->ring.tail, total % RING_SIZE);
		KUNIT_EXPECT_EQ(test, test_count(test, r->event), 20);
	}
	KUNIT_EXPECT_EQ(test, fake_hv_calls(HVCALL_NOTIFY_PORT_RING_EMPTY), 0);
	ring_done(r);
}

static void ring_that_was_full_is_told_when_it_is_empty(struct kunit *test)
{
	const u64 *in = fake_hv_last(HVCALL_NOTIFY_PORT_RING_EMPTY);
	struct ring_test *r = ring_test(test);

	while (push(r))
		;
	KUNIT_EXPECT_EQ(test, r->hv.ring_full, 1);
	KUNIT_EXPECT_FALSE(test, drain(r));
	KUNIT_EXPECT_TRUE(test, drain(r));
	KUNIT_EXPECT_EQ(test, test_count(test, r->event), RING_SIZE);
	KUNIT_EXPECT_EQ(test, r->hv.ring_full, 0);
	KUNIT_EXPECT_EQ(test, fake_hv_calls(HVCALL_NOTIFY_PORT_RING_EMPTY), 1);
	KUNIT_EXPECT_EQ(test, in[0], HV_SYNIC_DOORBELL_SINT_INDEX);
	ring_done(r);
}

/* Pushes an event that had no room. */
static int push_pending(const struct fake_call *call, u16 *done, void *context)
{
	push(context);

	return HV_STATUS_SUCCESS;
}

static void event_that_had_no_room_is_not_lost(struct kunit *test)
{
	struct ring_test *r = ring_test(test);

	fake_hv_handle(HVCALL_NOTIFY_PORT_RING_EMPTY, push_pending, r);
	while (push(r))
		;
	while (!drain(r))
		;
	KUNIT_EXPECT_EQ(test, test_count(test, r->event), RING_SIZE + 1);
	KUNIT_EXPECT_EQ(test, r->hv.signal_masked, 0);
	ring_done(r);
}

static void endless_ringing_does_not_hold_the_cpu(struct kunit *test)
{
	struct ring_test *r = ring_test(test);

	/* A ring that is always full */
	memset(r->hv.data, 0, sizeof(r->hv.data));
	while (push(r))
		;
	KUNIT_EXPECT_FALSE(test, drain(r));
	KUNIT_EXPECT_EQ(test, test_count(test, r->event), RING_SIZE);
	/* It stays masked: who stopped here goes on by himself. */
	KUNIT_EXPECT_EQ(test, r->hv.signal_masked, 1);
	ring_done(r);
}

static void events_are_found_wherever_the_hypervisor_begins(struct kunit *test)
{
	struct ring_test *r = ring_test(test);

	/* As after a reload, if its index was not reset */
	r->head = 40;
	push(r);
	push(r);
	KUNIT_EXPECT_TRUE(test, drain(r));
	KUNIT_EXPECT_EQ(test, test_count(test, r->event), 2);
	KUNIT_EXPECT_EQ(test, r->ring.tail, 42);
	ring_done(r);
}

/* Rings a port's bell on this CPU, as the hypervisor would. */
static void ring_bell(u32 port)
{
	struct hv_message message = { .header.message_type = HVMSG_SYNIC_SINT_INTERCEPT };
	struct hv_notification_message_payload *payload = (void *)message.u.payload;
	struct hv_synic_event_ring *ring;
	static DEFINE_PER_CPU(unsigned int, head);
	unsigned int *h;

	payload->sint_index = HV_SYNIC_DOORBELL_SINT_INDEX;
	preempt_disable();
	h = this_cpu_ptr(&head);
	ring = fake_hv_ring();
	ring->data[*h] = port;
	*h = (*h + 1) % RING_SIZE;
	fake_hv_post(&message);
	preempt_enable();
}

static long ioeventfd(struct kunit *test, int fd, struct mshv_user_ioeventfd args)
{
	return test_ioctl_in(test, fd, MSHV_IOEVENTFD, &args, sizeof(args));
}

static void doorbell_signals_its_eventfd(struct kunit *test)
{
	static const struct {
		u32 len;
		u64 size;
	} sizes[] = {
		{ 0, HV_DOORBELL_FLAG_TRIGGER_SIZE_ANY },
		{ 1, HV_DOORBELL_FLAG_TRIGGER_SIZE_BYTE },
		{ 2, HV_DOORBELL_FLAG_TRIGGER_SIZE_WORD },
		{ 4, HV_DOORBELL_FLAG_TRIGGER_SIZE_DWORD },
		{ 8, HV_DOORBELL_FLAG_TRIGGER_SIZE_QWORD },
	};
	const struct hv_input_create_port *port = fake_hv_last(HVCALL_CREATE_PORT);
	const struct hv_input_connect_port *connect = fake_hv_last(HVCALL_CONNECT_PORT);
	const struct hv_connection_info *info = &connect->connection_info;
	int fd = test_partition(test);
	u64 id = test_partition_of(test, fd)->id;
	int event = test_eventfd(test);
	unsigned int match;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		for (match = 0; match < 2; match++) {
			struct mshv_user_ioeventfd args = {
				.addr = 0xe0000000 + i, .len = sizes[i].len, .fd = event,
				.datamatch = 0x1234,
				.flags = match ? BIT(MSHV_IOEVENTFD_BIT_DATAMATCH) : 0,
			};

			KUNIT_ASSERT_EQ(test, ioeventfd(test, fd, args), 0);
			KUNIT_EXPECT_EQ(test, port->port_partition_id, FAKE_ROOT_ID);
			KUNIT_EXPECT_EQ(test, port->connection_partition_id, id);
			KUNIT_EXPECT_EQ(test, port->port_info.port_type, HV_PORT_TYPE_DOORBELL);
			KUNIT_EXPECT_EQ(test, port->port_info.doorbell_port_info.target_sint,
					HV_SYNIC_DOORBELL_SINT_INDEX);
			KUNIT_EXPECT_EQ(test, port->port_info.doorbell_port_info.target_vp,
					HV_ANY_VP);
			KUNIT_EXPECT_EQ(test, connect->connection_partition_id, id);
			KUNIT_EXPECT_EQ(test, connect->connection_id, port->port_id);
			KUNIT_EXPECT_EQ(test, info->doorbell_connection_info.gpa, args.addr);
			KUNIT_EXPECT_EQ(test, info->doorbell_connection_info.trigger_value,
					match ? 0x1234 : 0);
			KUNIT_EXPECT_EQ(test, info->doorbell_connection_info.flags,
					sizes[i].size |
					(match ? 0 : HV_DOORBELL_FLAG_TRIGGER_ANY_VALUE));
			ring_bell(port->port_id);
			KUNIT_EXPECT_EQ(test, test_count(test, event), 1);

			args.flags |= BIT(MSHV_IOEVENTFD_BIT_DEASSIGN);
			KUNIT_EXPECT_EQ(test, ioeventfd(test, fd, args), 0);
			ring_bell(port->port_id);
			KUNIT_EXPECT_EQ(test, test_count(test, event), 0);
		}
	}
	KUNIT_EXPECT_EQ(test, fake_hv_calls(HVCALL_DISCONNECT_PORT), 10);
	KUNIT_EXPECT_EQ(test, fake_hv_calls(HVCALL_DELETE_PORT), 10);
	test_close(fd);
	test_close(event);
}

static void ioeventfd_ioctl_checks_its_arguments(struct kunit *test)
{
	int fd = test_partition(test);
	int event = test_eventfd(test);
	const struct mshv_user_ioeventfd good = { .addr = 0x1000, .len = 4, .fd = event };
	struct mshv_user_ioeventfd args;
	u32 len;

	args = good;
	args.flags = BIT(MSHV_IOEVENTFD_BIT_COUNT);
	KUNIT_EXPECT_EQ(test, ioeventfd(test, fd, args), -EINVAL);
	args = good;
	args.rsvd[3] = 1;
	KUNIT_EXPECT_EQ(test, ioeventfd(test, fd, args), -EINVAL);
	args = good;
	args.flags = BIT(MSHV_IOEVENTFD_BIT_PIO);
	KUNIT_EXPECT_EQ(test, ioeventfd(test, fd, args), -EOPNOTSUPP);
	args.flags |= BIT(MSHV_IOEVENTFD_BIT_DEASSIGN);
	KUNIT_EXPECT_EQ(test, ioeventfd(test, fd, args), -EOPNOTSUPP);
	for (len = 0; len <= 16; len++) {
		args = good;
		args.len = len;
		if (len && len != 1 && len != 2 && len != 4 && len != 8)
			KUNIT_EXPECT_EQ(test, ioeventfd(test, fd, args), -EINVAL);
	}
	args = good;
	args.len = U32_MAX;
	KUNIT_EXPECT_EQ(test, ioeventfd(test, fd, args), -EINVAL);
	args = good;
	args.addr = U64_MAX - 2;
	KUNIT_EXPECT_EQ(test, ioeventfd(test, fd, args), -EINVAL);
	args = good;
	args.fd = -1;
	KUNIT_EXPECT_EQ(test, ioeventfd(test, fd, args), -EBADF);
	args.fd = fd;
	KUNIT_EXPECT_EQ(test, ioeventfd(test, fd, args), -EINVAL);
	KUNIT_EXPECT_EQ(test, test_ioctl(test, fd, MSHV_IOEVENTFD, PAGE_SIZE), -EFAULT);
	KUNIT_EXPECT_EQ(test, fake_hv_calls(HVCALL_CREATE_PORT), 0);
	test_close(fd);
	test_close(event);
}

static void doorbells_that_would_both_ring_are_refused(struct kunit *test)
{
	const u32 match = BIT(MSHV_IOEVENTFD_BIT_DATAMATCH);
	const u32 deassign = BIT(MSHV_IOEVENTFD_BIT_DEASSIGN);
	int fd = test_partition(test);
	int event = test_eventfd(test);
	int other = test_eventfd(test);
	struct mshv_user_ioeventfd args = {
		.addr = 0x1000, .len = 4, .fd = event, .datamatch = 7, .flags = match,
	};

	KUNIT_EXPECT_EQ(test, ioeventfd(test, fd, args), 0);
	args.fd = other;
	KUNIT_EXPECT_EQ(test, ioeventfd(test, fd, args), -EEXIST);
	args.flags = 0;
	KUNIT_EXPECT_EQ(test, ioeventfd(test, fd, args), -EEXIST);
	args.flags = match;
	args.datamatch = 8;
	KUNIT_EXPECT_EQ(test, ioeventfd(test, fd, args), 0);
	args.flags = 0;
	args.len = 8;
	KUNIT_EXPECT_EQ(test, ioeventfd(test, fd, args), 0);

	/* One is removed by all that it was assigned by. */
	args = (struct mshv_user_ioeventfd) {
		.addr = 0x1000, .len = 4, .fd = other, .datamatch = 7, .flags = match | deassign,
	};
	KUNIT_EXPECT_EQ(test, ioeventfd(test, fd, args), -ENOENT);
	args.fd = event;
	args.flags = match | deassign;
	args.datamatch = 9;
	KUNIT_EXPECT_EQ(test, ioeventfd(test, fd, args), -ENOENT);
	args.datamatch = 7;
	args.len = 0;
	KUNIT_EXPECT_EQ(test, ioeventfd(test, fd, args), -ENOENT);
	args.len = 4;
	args.addr = 0x1004;
	KUNIT_EXPECT_EQ(test, ioeventfd(test, fd, args), -ENOENT);
	args.addr = 0x1000;
	args.fd = -1;
	KUNIT_EXPECT_EQ(test, ioeventfd(test, fd, args), -EBADF);
	args.fd = event;
	KUNIT_EXPECT_EQ(test, ioeventfd(test, fd, args), 0);
	test_close(fd);
	/* The rest went with the partition's file. */
	KUNIT_EXPECT_EQ(test, fake_hv_calls(HVCALL_DELETE_PORT), 3);
	test_close(event);
	test_close(other);
}

/* What Cloud Hypervisor does to those that it assigned with a value, and with none */
static void deassigning_without_a_value_finds_what_has_one(struct kunit *test)
{
	const u32 match = BIT(MSHV_IOEVENTFD_BIT_DATAMATCH);
	const u32 deassign = BIT(MSHV_IOEVENTFD_BIT_DEASSIGN);
	int event = test_eventfd(test);
	int other = test_eventfd(test);
	const struct mshv_user_ioeventfd assigned[] = {
		{ .addr = 0x1000, .len = 4, .fd = event, .datamatch = 7, .flags = match },
		{ .addr = 0x1000, .len = 4, .fd = event, .datamatch = 8, .flags = match },
		{ .addr = 0x1000, .len = 8, .fd = event, .datamatch = 7, .flags = match },
		{ .addr = 0x1000, .len = 0, .fd = event },
		{ .addr = 0x1000, .len = 4, .fd = other, .datamatch = 9, .flags = match },
		{ .addr = 0x1008, .len = 4, .fd = event, .datamatch = 7, .flags = match },
	};
	struct mshv_user_ioeventfd args = { .addr = 0x1000, .fd = event, .flags = deassign };
	int fd = test_partition(test);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(assigned); i++)
		KUNIT_ASSERT_EQ(test, ioeventfd(test, fd, assigned[i]), 0);

	/* One that was assigned like this is meant first, and alone. */
	KUNIT_EXPECT_EQ(test, ioeventfd(test, fd, args), 0);
	KUNIT_EXPECT_EQ(test, fake_hv_calls(HVCALL_DELETE_PORT), 1);
	/* With a length, all of that length */
	args.len = 4;
	KUNIT_EXPECT_EQ(test, ioeventfd(test, fd, args), 0);
	KUNIT_EXPECT_EQ(test, fake_hv_calls(HVCALL_DELETE_PORT), 3);
	KUNIT_EXPECT_EQ(test, ioeventfd(test, fd, args), -ENOENT);
	/* Without one, all that there are; but of this eventfd at this address only */
	args.len = 0;
	KUNIT_EXPECT_EQ(test, ioeventfd(test, fd, args), 0);
	KUNIT_EXPECT_EQ(test, fake_hv_calls(HVCALL_DELETE_PORT), 4);
	KUNIT_EXPECT_EQ(test, ioeventfd(test, fd, args), -ENOENT);
	KUNIT_EXPECT_EQ(test, ioeventfd(test, fd, assigned[4]), -EEXIST);
	KUNIT_EXPECT_EQ(test, ioeventfd(test, fd, assigned[5]), -EEXIST);
	KUNIT_EXPECT_EQ(test, ioeventfd(test, fd, assigned[0]), 0);
	test_close(fd);
	test_close(event);
	test_close(other);
}

static void nothing_is_left_whatever_fails(struct kunit *test)
{
	int fd = test_partition(test);
	int event = test_eventfd(test);
	const struct mshv_user_ioeventfd args = { .addr = 0x1000, .len = 4, .fd = event };
	unsigned long user = test_user(test, PAGE_SIZE);
	long ret = -ENOMEM;
	unsigned int n;

	fake_hv_fail(HVCALL_CREATE_PORT, HV_STATUS_OPERATION_FAILED, 0, 1);
	KUNIT_EXPECT_EQ(test, ioeventfd(test, fd, args), -EIO);
	KUNIT_EXPECT_EQ(test, fake_hv_calls(HVCALL_DELETE_PORT), 0);
	fake_hv_fail(HVCALL_CONNECT_PORT, HV_STATUS_OPERATION_FAILED, 0, 1);
	KUNIT_EXPECT_EQ(test, ioeventfd(test, fd, args), -EIO);
	KUNIT_EXPECT_EQ(test, fake_hv_calls(HVCALL_DELETE_PORT), 1);

	KUNIT_ASSERT_EQ(test, copy_to_user((void __user *)user, &args, sizeof(args)), 0);
	for (n = 1; ret == -ENOMEM && n < 20; n++) {
		test_fail_alloc(n);
		ret = test_ioctl(test, fd, MSHV_IOEVENTFD, user);
		test_alloc_failed();
	}
	KUNIT_EXPECT_EQ(test, ret, 0);
	test_close(fd);
	test_close(event);
}

/**
 * struct backlog - doorbells that found no room in a ring
 * @port: whose
 * @nr: how many
 */
struct backlog {
	u32 port;
	unsigned int nr;
};

/* Puts one of them into the ring of the CPU that says that it has room, if it is on. */
static int push_backlog(const struct fake_call *call, u16 *done, void *context)
{
	u64 sint = *fake_hv_msr(smp_processor_id(),
				HV_X64_MSR_SINT0 + HV_SYNIC_DOORBELL_SINT_INDEX);
	u64 sirbp = *fake_hv_msr(smp_processor_id(), HV_X64_MSR_SIRBP);
	struct hv_synic_event_ring *ring = fake_hv_ring();
	struct backlog *backlog = context;

	if (sint & HV_SYNIC_SINT_MASKED || !(sirbp & HV_MSR_PAGE_ENABLE))
		return HV_STATUS_SUCCESS;
	if (backlog->nr && !ring->data[0]) {
		backlog->nr--;
		ring->data[0] = backlog->port;
	}

	return HV_STATUS_SUCCESS;
}

/* On the CPU that is about to go */
static void fill_ring(void *context)
{
	struct hv_synic_event_ring *ring = fake_hv_ring();
	struct backlog *backlog = context;
	unsigned int i;

	for (i = 0; i < RING_SIZE; i++)
		ring->data[i] = backlog->port;
	ring->ring_full = 1;
}

static void no_doorbell_is_lost_with_the_cpu_that_goes(struct kunit *test)
{
	struct ring_test *r = ring_test(test);
	struct backlog backlog = { .port = r->port, .nr = 1 };

	fake_hv_handle(HVCALL_NOTIFY_PORT_RING_EMPTY, push_backlog, &backlog);
	KUNIT_ASSERT_EQ(test, smp_call_function_single(1, fill_ring, &backlog, true), 0);
	KUNIT_ASSERT_EQ(test, remove_cpu(1), 0);
	KUNIT_EXPECT_EQ(test, backlog.nr, 0);
	KUNIT_EXPECT_EQ(test, test_count(test, r->event), RING_SIZE + 1);
	KUNIT_ASSERT_EQ(test, add_cpu(1), 0);

	/* What found the ring masked, and not full */
	backlog.nr = 1;
	KUNIT_ASSERT_EQ(test, remove_cpu(1), 0);
	KUNIT_EXPECT_EQ(test, backlog.nr, 0);
	KUNIT_EXPECT_EQ(test, test_count(test, r->event), 1);
	KUNIT_ASSERT_EQ(test, add_cpu(1), 0);
	ring_done(r);
}

static struct kunit_case doorbell_cases[] = {
	KUNIT_CASE(port_numbers_are_unique_and_come_back),
	KUNIT_CASE(port_is_not_allocated_without_memory),
	KUNIT_CASE_SLOW(port_is_never_signalled_after_it_was_freed),
	KUNIT_CASE(events_are_taken_in_order_round_the_ring),
	KUNIT_CASE(ring_that_was_full_is_told_when_it_is_empty),
	KUNIT_CASE(event_that_had_no_room_is_not_lost),
	KUNIT_CASE(endless_ringing_does_not_hold_the_cpu),
	KUNIT_CASE(events_are_found_wherever_the_hypervisor_begins),
	KUNIT_CASE(doorbell_signals_its_eventfd),
	KUNIT_CASE(ioeventfd_ioctl_checks_its_arguments),
	KUNIT_CASE(doorbells_that_would_both_ring_are_refused),
	KUNIT_CASE(deassigning_without_a_value_finds_what_has_one),
	KUNIT_CASE(nothing_is_left_whatever_fails),
	KUNIT_CASE(no_doorbell_is_lost_with_the_cpu_that_goes),
	{}
};

static struct kunit_suite doorbell_suite = {
	.name = "mshv_doorbell",
	.init = test_init,
	.exit = test_exit,
	.test_cases = doorbell_cases,
};

kunit_test_suite(doorbell_suite);
