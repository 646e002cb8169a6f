// SPDX-License-Identifier: GPL-2.0-only
/*
 * Ports and connections, doorbells and event rings: core/ports.c,
 * core/ring.c, and the hypercalls on them.
 */
#include <openhv/ports.h>
#include <openhv/ring.h>
#include <openhv/run.h>
#include <tlfs/msr.h>
#include <tlfs/synic.h>
#include "test.h"

#define SINT		5
#define DOORBELL_GPA	0x100000UL
#define ROOT		HV_PARTITION_ID_SELF

static hv_status_t create_port(u64 owner, u32 id, u64 peer, u32 type)
{
	struct hv_input_create_port in = {
		.port_partition_id = owner, .port_id = id, .connection_partition_id = peer,
		.port_info = { .port_type = type },
	};

	in.port_info.event_port_info.target_sint = SINT;
	if (type == HV_PORT_TYPE_EVENT) {
		in.port_info.event_port_info.base_flag_number = 100;
		in.port_info.event_port_info.flag_count = 8;
	}
	return hv(HVCALL_CREATE_PORT, &in, sizeof(in), NULL, 0);
}

static hv_status_t connect_doorbell(u64 from, u32 id, u64 owner, u32 port, u64 value, u64 flags)
{
	struct hv_input_connect_port in = {
		.connection_partition_id = from, .connection_id = id,
		.port_partition_id = owner, .port_id = port,
		.connection_info = { .port_type = HV_PORT_TYPE_DOORBELL,
			.doorbell_connection_info = { .gpa = DOORBELL_GPA, .trigger_value = value,
						      .flags = flags } },
	};

	return hv(HVCALL_CONNECT_PORT, &in, sizeof(in), NULL, 0);
}

static hv_status_t connect_port(u64 from, u32 id, u64 owner, u32 port, u32 type)
{
	struct hv_input_connect_port in = {
		.connection_partition_id = from, .connection_id = id,
		.port_partition_id = owner, .port_id = port,
		.connection_info = { .port_type = type },
	};

	return hv(HVCALL_CONNECT_PORT, &in, sizeof(in), NULL, 0);
}

static hv_status_t delete_port(u64 owner, u32 id)
{
	struct hv_input_delete_port in = { .port_partition_id = owner, .port_id = id };

	return hv(HVCALL_DELETE_PORT, &in, sizeof(in), NULL, 0);
}

static hv_status_t disconnect(u64 from, u32 id)
{
	struct hv_input_disconnect_port in = { .connection_partition_id = from,
					       .connection_id = id };

	return hv(HVCALL_DISCONNECT_PORT, &in, sizeof(in), NULL, 0);
}

static hv_status_t post(struct partition *p, u32 connection, u32 type, const char *text)
{
	struct hv_input_post_message in = { .connection_id = connection, .message_type = type,
					    .payload_size = strlen(text) };

	memcpy(in.payload, text, strlen(text));
	return connection_post(p, &in);
}

/* A SynIC that is on, with a SINT that is not masked */
static void synic_on(struct vp *vp)
{
	EXPECT_EQ(MSR_OK, vp_msr_write(vp, HV_X64_MSR_SCONTROL, 1, true));
	EXPECT_EQ(MSR_OK, vp_msr_write(vp, HV_X64_MSR_SINT0 + SINT, 0x40, true));
}

static struct hv_message *slot_of(struct vp *vp, u32 sint)
{
	return &((struct hv_message *)vp->synic.simp.own)[sint];
}

static bool flag_set(struct vp *vp, u32 sint, u32 flag)
{
	const u8 *flags = (const u8 *)vp->synic.siefp.own + sint * HV_EVENT_FLAGS_BYTES;

	return flags[flag / 8] & (1 << flag % 8);
}

static void guest_synic_on(struct vp *vp)
{
	synic_on(vp);
	EXPECT_EQ(MSR_OK, vp_msr_write(vp, HV_X64_MSR_SIMP, 0x10000 | HV_MSR_PAGE_ENABLE, true));
	EXPECT_EQ(MSR_OK, vp_msr_write(vp, HV_X64_MSR_SIEFP, 0x11000 | HV_MSR_PAGE_ENABLE, true));
}

/* Root's event ring page, as its kernel switches it on */
static struct hv_synic_event_ring *root_ring(void)
{
	struct vp *vp = root_vp();

	synic_on(vp);
	EXPECT_EQ(MSR_OK, vp_msr_write(vp, HV_X64_MSR_SIRBP,
				       virt_to_phys(vp->synic.sirbp.own) | HV_MSR_PAGE_ENABLE,
				       true));
	if (!vp->synic.sirbp.page)
		host_fail("root has no event ring page");
	return &((struct hv_synic_event_ring_page *)vp->synic.sirbp.page)->sint_event_ring[SINT];
}

/* --- What may be made ------------------------------------------------------------- */

TEST_ON_MACHINE(port_is_made_once_and_deleted)
{
	struct partition *p = child_new();

	ASSERT_EQ(0, deposit(ROOT, 2));
	EXPECT_EQ(0, create_port(ROOT, 7, p->id, HV_PORT_TYPE_MESSAGE));
	EXPECT_EQ(HV_STATUS_INVALID_PORT_ID, create_port(ROOT, 7, p->id, HV_PORT_TYPE_MESSAGE));
	EXPECT_EQ(0, create_port(p->id, 7, p->id, HV_PORT_TYPE_MESSAGE));
	EXPECT_EQ(0, delete_port(ROOT, 7));
	EXPECT_EQ(HV_STATUS_INVALID_PORT_ID, delete_port(ROOT, 7));
	EXPECT_EQ(HV_STATUS_INVALID_PORT_ID, delete_port(p->id, 8));
	EXPECT_EQ(HV_STATUS_INVALID_PARTITION_ID, delete_port(12345, 7));
	child_gone(p);
}

TEST_ON_MACHINE(bad_ports_are_refused)
{
	struct partition *p = child_new();
	struct hv_input_create_port in = {
		.port_partition_id = p->id, .port_id = 1, .connection_partition_id = p->id,
		.port_info = { .port_type = HV_PORT_TYPE_MESSAGE },
	};
	u32 type;

	EXPECT_EQ(HV_STATUS_INVALID_PORT_ID, create_port(p->id, 0, p->id, HV_PORT_TYPE_MESSAGE));
	EXPECT_EQ(HV_STATUS_INVALID_PORT_ID,
		  create_port(p->id, HV_PORT_ID_MASK + 1, p->id, HV_PORT_TYPE_MESSAGE));
	/* Doorbells' numbers go into a ring, which has so many bits for them. */
	EXPECT_EQ(HV_STATUS_INVALID_PORT_ID,
		  create_port(ROOT, RING_PORTS, p->id, HV_PORT_TYPE_DOORBELL));
	/* The ring is root's. */
	EXPECT_EQ(HV_STATUS_INVALID_PARAMETER,
		  create_port(p->id, 1, p->id, HV_PORT_TYPE_DOORBELL));
	EXPECT_EQ(HV_STATUS_INVALID_PARAMETER, create_port(p->id, 1, p->id, HV_PORT_TYPE_MONITOR));
	for (type = HV_PORT_TYPE_MESSAGE; type <= HV_PORT_TYPE_DOORBELL; type++) {
		in.port_info.port_type = type;
		in.port_info.message_port_info.target_sint = HV_SYNIC_SINT_COUNT;
		EXPECT_EQ(HV_STATUS_INVALID_PARAMETER,
			  hv(HVCALL_CREATE_PORT, &in, sizeof(in), NULL, 0));
	}
	in.port_info.port_type = HV_PORT_TYPE_EVENT;
	in.port_info.event_port_info.target_sint = 1;
	in.port_info.event_port_info.base_flag_number = HV_EVENT_FLAGS_COUNT - 1;
	in.port_info.event_port_info.flag_count = 2;
	EXPECT_EQ(HV_STATUS_INVALID_PARAMETER, hv(HVCALL_CREATE_PORT, &in, sizeof(in), NULL, 0));
	in.port_info.event_port_info.flag_count = 1;
	in.port_vtl = 1;
	EXPECT_EQ(HV_STATUS_INVALID_VTL_STATE, hv(HVCALL_CREATE_PORT, &in, sizeof(in), NULL, 0));
	in.port_vtl = 0;
	in.port_partition_id = child_create(CHILD_FLAGS);
	EXPECT_EQ(HV_STATUS_INVALID_PARTITION_STATE,
		  hv(HVCALL_CREATE_PORT, &in, sizeof(in), NULL, 0));
	EXPECT_EQ(HV_STATUS_INVALID_PARTITION_ID, create_port(4711, 1, p->id, 1));
	child_gone(p);
}

TEST_ON_MACHINE(connection_goes_to_the_port_that_was_made_for_it)
{
	struct partition *p = child_new(), *other = child_new();

	ASSERT_EQ(0, create_port(p->id, 1, p->id, HV_PORT_TYPE_EVENT));
	EXPECT_EQ(HV_STATUS_INVALID_PORT_ID, connect_port(p->id, 1, p->id, 2, HV_PORT_TYPE_EVENT));
	EXPECT_EQ(HV_STATUS_ACCESS_DENIED,
		  connect_port(other->id, 1, p->id, 1, HV_PORT_TYPE_EVENT));
	EXPECT_EQ(HV_STATUS_INVALID_PARAMETER,
		  connect_port(p->id, 1, p->id, 1, HV_PORT_TYPE_MESSAGE));
	EXPECT_EQ(HV_STATUS_INVALID_CONNECTION_ID,
		  connect_port(p->id, 0, p->id, 1, HV_PORT_TYPE_EVENT));
	EXPECT_EQ(0, connect_port(p->id, 1, p->id, 1, HV_PORT_TYPE_EVENT));
	EXPECT_EQ(HV_STATUS_INVALID_CONNECTION_ID,
		  connect_port(p->id, 1, p->id, 1, HV_PORT_TYPE_EVENT));
	EXPECT_EQ(0, disconnect(p->id, 1));
	EXPECT_EQ(HV_STATUS_INVALID_CONNECTION_ID, disconnect(p->id, 1));
	EXPECT_EQ(HV_STATUS_INVALID_PARTITION_ID, disconnect(4711, 1));
	/* A doorbell has flags that have to be known. */
	ASSERT_EQ(0, deposit(ROOT, 2));
	ASSERT_EQ(0, create_port(ROOT, 2, p->id, HV_PORT_TYPE_DOORBELL));
	EXPECT_EQ(HV_STATUS_INVALID_PARAMETER, connect_doorbell(p->id, 2, ROOT, 2, 0, 1UL << 40));
	EXPECT_EQ(HV_STATUS_INVALID_PARAMETER, connect_doorbell(p->id, 2, ROOT, 2, 0, 5));
	child_gone(other);
	child_gone(p);
}

/* --- Messages and events ------------------------------------------------------------- */

TEST_ON_MACHINE(message_goes_through_a_connection_to_the_guest)
{
	struct partition *p = child_new();
	struct vp *vp = child_vp(p, 0);
	struct partition *root = &root_partition;

	ASSERT_EQ(0, deposit(ROOT, 2));
	map_ram(p, 0, 64);
	guest_synic_on(vp);
	ASSERT_EQ(0, create_port(p->id, 9, root->id, HV_PORT_TYPE_MESSAGE));
	ASSERT_EQ(0, connect_port(ROOT, 3, p->id, 9, HV_PORT_TYPE_MESSAGE));
	EXPECT_EQ(0, post(root, 3, 77, "hello"));
	EXPECT_EQ(77, slot_of(vp, SINT)->header.message_type);
	EXPECT_EQ(5, slot_of(vp, SINT)->header.payload_size);
	EXPECT_EQ(9, slot_of(vp, SINT)->header.sender);
	EXPECT_EQ(0, memcmp(slot_of(vp, SINT)->u.payload, "hello", 5));
	/* Types of the hypervisor's own, and none, may not be sent. */
	EXPECT_EQ(HV_STATUS_INVALID_PARAMETER, post(root, 3, HVMSG_GPA_INTERCEPT, ""));
	EXPECT_EQ(HV_STATUS_INVALID_PARAMETER, post(root, 3, 0, ""));
	EXPECT_EQ(HV_STATUS_INVALID_CONNECTION_ID, post(root, 4, 77, ""));
	EXPECT_EQ(HV_STATUS_INVALID_CONNECTION_ID, connection_signal(root, 3, 0));
	/* The port is deleted: the connection leads nowhere. */
	EXPECT_EQ(0, delete_port(p->id, 9));
	EXPECT_EQ(HV_STATUS_INVALID_CONNECTION_ID, post(root, 3, 77, ""));
	EXPECT_EQ(0, disconnect(ROOT, 3));
	child_gone(p);
}

TEST_ON_MACHINE(event_sets_a_flag_from_the_ports_base_on)
{
	struct partition *p = child_new();
	struct vp *vp = child_vp(p, 0);

	ASSERT_EQ(0, deposit(ROOT, 2));
	map_ram(p, 0, 64);
	guest_synic_on(vp);
	ASSERT_EQ(0, create_port(p->id, 9, p->id, HV_PORT_TYPE_EVENT));
	ASSERT_EQ(0, connect_port(p->id, 3, p->id, 9, HV_PORT_TYPE_EVENT));
	EXPECT_EQ(0, connection_signal(p, 3, 7));
	EXPECT_TRUE(flag_set(vp, SINT, 107));
	EXPECT_FALSE(flag_set(vp, SINT, 106));
	EXPECT_EQ(HV_STATUS_INVALID_PARAMETER, connection_signal(p, 3, 8));
	EXPECT_EQ(HV_STATUS_INVALID_CONNECTION_ID, connection_signal(p, 4, 0));
	EXPECT_EQ(HV_STATUS_INVALID_CONNECTION_ID, post(p, 3, 77, ""));
	child_gone(p);
}

TEST_ON_MACHINE(port_to_a_vp_that_is_not_there)
{
	struct partition *p = child_new();

	ASSERT_EQ(0, create_port(p->id, 1, p->id, HV_PORT_TYPE_EVENT));
	ASSERT_EQ(0, create_port(p->id, 2, p->id, HV_PORT_TYPE_MESSAGE));
	ASSERT_EQ(0, connect_port(p->id, 1, p->id, 1, HV_PORT_TYPE_EVENT));
	ASSERT_EQ(0, connect_port(p->id, 2, p->id, 2, HV_PORT_TYPE_MESSAGE));
	EXPECT_EQ(HV_STATUS_INVALID_VP_INDEX, connection_signal(p, 1, 0));
	EXPECT_EQ(HV_STATUS_INVALID_VP_INDEX, post(p, 2, 77, ""));
	child_gone(p);
}

/*
 * The port is in the memory of the partition that receives, which goes back to
 * root: a sender that is still there must not come across it.
 */
TEST_ON_MACHINE(connections_go_with_the_partition_whose_port_they_lead_to)
{
	struct partition *p = child_new(), *other = child_new();

	ASSERT_EQ(0, deposit(ROOT, 2));
	ASSERT_EQ(0, create_port(p->id, 1, root_partition.id, HV_PORT_TYPE_EVENT));
	ASSERT_EQ(0, create_port(p->id, 2, other->id, HV_PORT_TYPE_EVENT));
	ASSERT_EQ(0, create_port(ROOT, 2, p->id, HV_PORT_TYPE_DOORBELL));
	ASSERT_EQ(0, connect_port(ROOT, 11, p->id, 1, HV_PORT_TYPE_EVENT));
	ASSERT_EQ(0, connect_port(other->id, 12, p->id, 2, HV_PORT_TYPE_EVENT));
	ASSERT_EQ(0, connect_doorbell(p->id, 13, ROOT, 2, 0, 0));
	EXPECT_TRUE(doorbell_near(p, DOORBELL_GPA));
	child_gone(p);
	EXPECT_EQ(HV_STATUS_INVALID_CONNECTION_ID, connection_signal(&root_partition, 11, 0));
	EXPECT_EQ(HV_STATUS_INVALID_CONNECTION_ID, disconnect(ROOT, 11));
	EXPECT_EQ(HV_STATUS_INVALID_CONNECTION_ID, connection_signal(other, 12, 0));
	EXPECT_EQ(HV_STATUS_INVALID_CONNECTION_ID, disconnect(other->id, 12));
	child_gone(other);
}

TEST_ON_MACHINE(partition_that_is_gone_makes_no_ports)
{
	struct partition *p = child_new();
	struct hv_input_create_port port = {
		.port_id = 1, .port_info = { .port_type = HV_PORT_TYPE_MESSAGE },
	};
	struct hv_input_connect_port connect = {
		.connection_id = 1, .port_id = 1,
		.connection_info = { .port_type = HV_PORT_TYPE_MESSAGE },
	};

	ASSERT_EQ(0, create_port(p->id, 1, p->id, HV_PORT_TYPE_MESSAGE));
	ASSERT_EQ(0, hv_fast(HVCALL_FINALIZE_PARTITION, p->id, 0));
	/* As if its state had been looked at just before */
	EXPECT_EQ(HV_STATUS_INVALID_PARTITION_STATE, port_create(p, &port));
	EXPECT_EQ(HV_STATUS_INVALID_PORT_ID, port_connect(&root_partition, p, &connect));
	EXPECT_TRUE(list_empty(&p->ports));
}

/* --- Doorbells ------------------------------------------------------------------------- */

TEST_ON_MACHINE(doorbell_rings_for_the_store_it_was_made_for)
{
	struct partition *p = child_new();
	struct hv_synic_event_ring *ring = root_ring();

	ASSERT_EQ(0, deposit(ROOT, 2));
	ASSERT_EQ(0, create_port(ROOT, 21, p->id, HV_PORT_TYPE_DOORBELL));
	ASSERT_EQ(0, create_port(ROOT, 22, p->id, HV_PORT_TYPE_DOORBELL));
	EXPECT_FALSE(doorbell_near(p, DOORBELL_GPA));
	ASSERT_EQ(0, connect_doorbell(p->id, 1, ROOT, 21, 0x1234,
				      HV_DOORBELL_FLAG_TRIGGER_SIZE_WORD));
	EXPECT_TRUE(doorbell_near(p, DOORBELL_GPA));
	EXPECT_FALSE(doorbell_near(p, DOORBELL_GPA + 1));
	EXPECT_FALSE(doorbell_ring(p, DOORBELL_GPA, 0x1235, 2));
	EXPECT_FALSE(doorbell_ring(p, DOORBELL_GPA, 0x1234, 4));
	EXPECT_FALSE(doorbell_ring(p, DOORBELL_GPA + 2, 0x1234, 2));
	EXPECT_EQ(0, ring->data[0]);
	EXPECT_TRUE(doorbell_ring(p, DOORBELL_GPA, 0x1234, 2));
	EXPECT_EQ(21, ring->data[0]);
	ASSERT_EQ(0, connect_doorbell(p->id, 2, ROOT, 22, 0, HV_DOORBELL_FLAG_TRIGGER_ANY_VALUE));
	EXPECT_TRUE(doorbell_ring(p, DOORBELL_GPA, 99, 8));
	EXPECT_EQ(22, ring->data[1]);
	EXPECT_EQ(0, delete_port(ROOT, 22));
	EXPECT_FALSE(doorbell_ring(p, DOORBELL_GPA, 99, 8));
	child_gone(p);
	EXPECT_EQ(0, delete_port(ROOT, 21));
}

TEST_ON_MACHINE(full_ring_keeps_what_did_not_fit)
{
	struct hv_synic_event_ring *ring = root_ring();
	struct hv_input_notify_port_ring_empty in = { .sint_index = SINT };
	u32 i;

	for (i = 0; i < HV_SYNIC_EVENT_RING_MESSAGE_COUNT; i++)
		ring_push(SINT, 0, 10 + i % 50);
	EXPECT_EQ(0, ring->ring_full);
	ring_push(SINT, 0, 200);
	ring_push(SINT, 0, 201);
	ring_push(SINT, 0, 201);
	EXPECT_EQ(1, ring->ring_full);
	EXPECT_EQ(10, ring->data[0]);
	ring_forget(200);
	/* Root takes two entries and says so. */
	ring->data[0] = 0;
	ring->data[1] = 0;
	ring->ring_full = 0;
	EXPECT_EQ(0, hv(HVCALL_NOTIFY_PORT_RING_EMPTY, &in, sizeof(in), NULL, 0));
	EXPECT_EQ(201, ring->data[0]);
	EXPECT_EQ(0, ring->data[1]);
	EXPECT_EQ(0, hv(HVCALL_NOTIFY_PORT_RING_EMPTY, &in, sizeof(in), NULL, 0));
	EXPECT_EQ(0, ring->data[1]);
	in.sint_index = HV_SYNIC_SINT_COUNT;
	EXPECT_EQ(HV_STATUS_INVALID_PARAMETER,
		  hv(HVCALL_NOTIFY_PORT_RING_EMPTY, &in, sizeof(in), NULL, 0));
}

/* A number says little: each partition numbers its ports by itself. */
TEST_ON_MACHINE(port_of_a_child_does_not_take_a_doorbell_of_roots_along)
{
	struct partition *p = child_new();
	struct hv_synic_event_ring *ring;

	ASSERT_EQ(0, deposit(ROOT, 2));
	ASSERT_EQ(0, create_port(ROOT, 33, p->id, HV_PORT_TYPE_DOORBELL));
	ASSERT_EQ(0, create_port(ROOT, 34, p->id, HV_PORT_TYPE_DOORBELL));
	ASSERT_EQ(0, create_port(p->id, 33, p->id, HV_PORT_TYPE_EVENT));
	ASSERT_EQ(0, create_port(p->id, 34, p->id, HV_PORT_TYPE_EVENT));
	/* There is no ring yet: they wait. */
	ring_push(SINT, HV_ANY_VP, 33);
	ring_push(SINT, HV_ANY_VP, 34);
	ASSERT_EQ(0, delete_port(p->id, 33));
	ASSERT_EQ(0, delete_port(ROOT, 34));
	ring = root_ring();
	ring_retry(root_vp(), SINT);
	EXPECT_EQ(33, ring->data[0]);
	/* The one that waited for a doorbell that is gone is gone, too. */
	EXPECT_EQ(0, ring->data[1]);
	child_gone(p);
}

TEST_ON_MACHINE(doorbell_waits_until_there_is_a_ring)
{
	struct hv_synic_event_ring *ring;

	ring_push(SINT, HV_ANY_VP, 33);
	ring = root_ring();
	EXPECT_EQ(0, ring->data[0]);
	ring_retry(root_vp(), SINT);
	EXPECT_EQ(33, ring->data[0]);
}

TEST_ON_MACHINE(ring_of_another_processor_is_taken_if_ours_is_off)
{
	struct vp *other = lps[2]->root_vp;
	struct hv_synic_event_ring *ring;

	synic_on(other);
	EXPECT_EQ(MSR_OK, vp_msr_write(other, HV_X64_MSR_SIRBP,
				       virt_to_phys(other->synic.sirbp.own) | HV_MSR_PAGE_ENABLE,
				       true));
	ring = &((struct hv_synic_event_ring_page *)other->synic.sirbp.page)->sint_event_ring[SINT];
	ring_push(SINT, HV_ANY_VP, 44);
	EXPECT_EQ(44, ring->data[0]);
	/* One that was meant for a processor stays with it. */
	ring_push(SINT, 0, 45);
	EXPECT_EQ(0, ring->data[1]);
}

TEST_ON_MACHINE(root_is_told_of_an_entry_unless_it_looks_anyway)
{
	struct hv_synic_event_ring *ring = root_ring();
	struct hv_message *slot = slot_of(root_vp(), HV_SYNIC_INTERCEPTION_SINT_INDEX);

	EXPECT_EQ(MSR_OK, vp_msr_write(root_vp(), HV_X64_MSR_SINT0, 0x41, true));
	EXPECT_EQ(MSR_OK, vp_msr_write(root_vp(), HV_X64_MSR_SIMP,
				       virt_to_phys(root_vp()->synic.simp.own) | 1, true));
	ring->signal_masked = 1;
	ring_push(SINT, 0, 50);
	EXPECT_EQ(HVMSG_NONE, slot->header.message_type);
	ring->signal_masked = 0;
	ring_push(SINT, 0, 51);
	EXPECT_EQ(HVMSG_SYNIC_SINT_INTERCEPT, slot->header.message_type);
	EXPECT_EQ(SINT, ((struct hv_notification_message_payload *)slot->u.payload)->sint_index);
}

TEST_HARNESS_MAIN
