// SPDX-License-Identifier: GPL-2.0-only
/*
 * Ports and connections.
 *
 * A port belongs to the partition that receives; its memory comes from that
 * partition's pool. A connection belongs to the one that sends, and holds a
 * reference to its port, so that a sender takes no lock but its own.
 */
#include <openhv/atomic.h>
#include <openhv/log.h>
#include <openhv/partition.h>
#include <openhv/ports.h>
#include <openhv/ring.h>
#include <openhv/string.h>

/**
 * struct port - a port
 * @node: in its owner's list (owner's lock)
 * @owner: the partition that receives
 * @refs: the list's reference, and one a connection
 * @dead: it was deleted; connections to it fail
 * @id: its number
 * @peer: the partition that may connect
 * @info: what was asked for
 */
struct port {
	struct list_head node;
	struct partition *owner;
	struct refcount refs;
	bool dead;
	u32 id;
	u64 peer;
	struct hv_port_info info;
};
_Static_assert(sizeof(struct port) <= OBJ_SIZE, "a port is a small object");

/**
 * struct connection - a partition's way to a port
 * @node: in its partition's list (connections_lock)
 * @id: its number
 * @port: where it goes; referenced
 * @info: what was asked for
 */
struct connection {
	struct list_head node;
	u32 id;
	struct port *port;
	struct hv_connection_info info;
};
_Static_assert(sizeof(struct connection) <= OBJ_SIZE, "a connection is a small object");

static void port_put(struct port *port)
{
	if (!atomic_sub(&port->refs.count, 1))
		partition_free_small(port->owner, port);
}

/* Lock order: a partition's connections_lock, then the port's owner's lock. */

/* The owner's lock is held. */
static struct port *port_find(struct partition *owner, u32 id)
{
	struct port *port;

	list_for_each_entry(port, &owner->ports, node) {
		if (port->id == id)
			return port;
	}
	return NULL;
}

static struct connection *connection_find(struct partition *p, u32 id)
{
	struct connection *c;

	list_for_each_entry(c, &p->connections, node) {
		if (c->id == id)
			return c;
	}
	return NULL;
}

static hv_status_t check_port_info(const struct hv_port_info *info)
{
	switch (info->port_type) {
	case HV_PORT_TYPE_MESSAGE:
		if (info->message_port_info.target_sint >= HV_SYNIC_SINT_COUNT)
			return HV_STATUS_INVALID_PARAMETER;
		return HV_STATUS_SUCCESS;
	case HV_PORT_TYPE_EVENT:
		if (info->event_port_info.target_sint >= HV_SYNIC_SINT_COUNT ||
		    info->event_port_info.base_flag_number + info->event_port_info.flag_count >
		    HV_EVENT_FLAGS_COUNT)
			return HV_STATUS_INVALID_PARAMETER;
		return HV_STATUS_SUCCESS;
	case HV_PORT_TYPE_DOORBELL:
		if (info->doorbell_port_info.target_sint >= HV_SYNIC_SINT_COUNT)
			return HV_STATUS_INVALID_PARAMETER;
		return HV_STATUS_SUCCESS;
	}
	/* Monitored notification pages are not offered. */
	return HV_STATUS_INVALID_PARAMETER;
}

hv_status_t port_create(struct partition *owner, const struct hv_input_create_port *in)
{
	hv_status_t status = check_port_info(&in->port_info);
	struct port *port;

	if (status)
		return status;
	if (!in->port_id || in->port_id & ~HV_PORT_ID_MASK)
		return HV_STATUS_INVALID_PORT_ID;
	if (in->port_info.port_type == HV_PORT_TYPE_DOORBELL) {
		/* They ring in an event ring, by number; root alone has one. */
		if (!partition_is_root(owner))
			return HV_STATUS_INVALID_PARAMETER;
		if (in->port_id >= RING_PORTS)
			return HV_STATUS_INVALID_PORT_ID;
	}
	if (in->port_vtl || in->min_connection_vtl)
		return HV_STATUS_INVALID_VTL_STATE;
	spin_lock(&owner->lock);
	/* Looked at with the lock: a partition that is finalized gets no more of them. */
	port = NULL;
	if (owner->state != PARTITION_ACTIVE)
		status = HV_STATUS_INVALID_PARTITION_STATE;
	else if (port_find(owner, in->port_id))
		status = HV_STATUS_INVALID_PORT_ID;
	else
		port = partition_alloc_small(owner);
	if (port) {
		port->owner = owner;
		port->id = in->port_id;
		port->peer = in->connection_partition_id;
		port->info = in->port_info;
		port->refs.count = 1;
		list_add_tail(&port->node, &owner->ports);
	} else if (!status) {
		status = HV_STATUS_INSUFFICIENT_MEMORY;
	}
	spin_unlock(&owner->lock);
	return status;
}

hv_status_t port_delete(struct partition *owner, u32 id)
{
	struct port *port;

	spin_lock(&owner->lock);
	port = port_find(owner, id);
	if (port) {
		list_del(&port->node);
		WRITE_ONCE(port->dead, true);
		if (port->info.port_type == HV_PORT_TYPE_DOORBELL)
			ring_forget(id);
		port_put(port);
	}
	spin_unlock(&owner->lock);
	return port ? HV_STATUS_SUCCESS : HV_STATUS_INVALID_PORT_ID;
}

static hv_status_t check_doorbell(const struct hv_connection_info *info)
{
	u64 flags = info->doorbell_connection_info.flags;

	if (flags & ~(HV_DOORBELL_FLAG_TRIGGER_SIZE_MASK | HV_DOORBELL_FLAG_TRIGGER_ANY_VALUE) ||
	    (flags & HV_DOORBELL_FLAG_TRIGGER_SIZE_MASK) > HV_DOORBELL_FLAG_TRIGGER_SIZE_QWORD)
		return HV_STATUS_INVALID_PARAMETER;
	return HV_STATUS_SUCCESS;
}

/* The port that is to be connected to; the owner's lock is held. */
static hv_status_t find_port(const struct partition *from, struct partition *owner,
			     const struct hv_input_connect_port *in, struct port **port)
{
	*port = owner->state == PARTITION_ACTIVE ? port_find(owner, in->port_id) : NULL;
	if (!*port)
		return HV_STATUS_INVALID_PORT_ID;
	if ((*port)->peer != from->id)
		return HV_STATUS_ACCESS_DENIED;
	if ((*port)->info.port_type != in->connection_info.port_type)
		return HV_STATUS_INVALID_PARAMETER;
	return HV_STATUS_SUCCESS;
}

hv_status_t port_connect(struct partition *from, struct partition *owner,
			 const struct hv_input_connect_port *in)
{
	hv_status_t status;
	struct connection *c;
	struct port *port;

	if (!in->connection_id || in->connection_id & ~HV_CONNECTION_ID_MASK)
		return HV_STATUS_INVALID_CONNECTION_ID;
	if (in->connection_vtl)
		return HV_STATUS_INVALID_VTL_STATE;
	if (in->connection_info.port_type == HV_PORT_TYPE_DOORBELL) {
		status = check_doorbell(&in->connection_info);
		if (status)
			return status;
	}
	write_lock(&from->connections_lock);
	spin_lock(&owner->lock);
	status = find_port(from, owner, in, &port);
	if (!status && READ_ONCE(from->state) != PARTITION_ACTIVE)
		status = HV_STATUS_INVALID_PARTITION_STATE;
	if (!status && connection_find(from, in->connection_id))
		status = HV_STATUS_INVALID_CONNECTION_ID;
	if (!status) {
		c = partition_alloc_small(from);
		if (!c)
			status = HV_STATUS_INSUFFICIENT_MEMORY;
	}
	if (!status) {
		atomic_add(&port->refs.count, 1);
		c->id = in->connection_id;
		c->port = port;
		c->info = in->connection_info;
		list_add_tail(&c->node, &from->connections);
		if (c->info.port_type == HV_PORT_TYPE_DOORBELL)
			from->doorbells++;
	}
	spin_unlock(&owner->lock);
	write_unlock(&from->connections_lock);
	return status;
}

/* With the lock: the port's owner, when it goes, waits for it. */
static void connection_drop(struct partition *from, struct connection *c)
{
	list_del(&c->node);
	if (c->info.port_type == HV_PORT_TYPE_DOORBELL)
		from->doorbells--;
	port_put(c->port);
	partition_free_small(from, c);
}

hv_status_t port_disconnect(struct partition *from, u32 id)
{
	struct connection *c;

	write_lock(&from->connections_lock);
	c = connection_find(from, id);
	if (c)
		connection_drop(from, c);
	write_unlock(&from->connections_lock);
	return c ? HV_STATUS_SUCCESS : HV_STATUS_INVALID_CONNECTION_ID;
}

/* Take away a partition's connections; @to: only those to ports of that partition. */
static void connections_drop(struct partition *from, const struct partition *to)
{
	struct connection *c, *next;

	write_lock(&from->connections_lock);
	list_for_each_entry_safe(c, next, &from->connections, node) {
		if (to && c->port->owner != to)
			continue;
		connection_drop(from, c);
	}
	write_unlock(&from->connections_lock);
}

/*
 * A port is in its owner's memory, which goes: so do all connections to it,
 * whosever they are. As the owner's state has changed, no new ones are made.
 */
void ports_destroy(struct partition *p)
{
	struct port *port, *next;
	u32 slot;

	connections_drop(p, NULL);
	for (slot = 0; slot < PARTITION_MAX; slot++) {
		struct partition *other = partition_get_slot(slot);

		if (!other)
			continue;
		connections_drop(other, p);
		partition_put(other);
	}
	spin_lock(&p->lock);
	list_for_each_entry_safe(port, next, &p->ports, node) {
		list_del(&port->node);
		WRITE_ONCE(port->dead, true);
		if (port->info.port_type == HV_PORT_TYPE_DOORBELL)
			ring_forget(port->id);
		port_put(port);
	}
	spin_unlock(&p->lock);
}

static struct vp *target_vp(struct port *port, u32 index)
{
	return vp_get(port->owner, index == HV_ANY_VP ? 0 : index);
}

hv_status_t connection_post(struct partition *from, const struct hv_input_post_message *in)
{
	hv_status_t status = HV_STATUS_INVALID_CONNECTION_ID;
	struct hv_message msg;
	struct connection *c;
	struct vp *vp;

	if (in->payload_size > HV_MESSAGE_PAYLOAD_BYTE_COUNT ||
	    in->message_type & HV_MESSAGE_TYPE_HYPERVISOR_MASK || !in->message_type)
		return HV_STATUS_INVALID_PARAMETER;
	memset(&msg, 0, sizeof(msg));
	msg.header.message_type = in->message_type;
	msg.header.payload_size = in->payload_size;
	memcpy(msg.u.payload_bytes, in->payload, in->payload_size);
	read_lock(&from->connections_lock);
	c = connection_find(from, in->connection_id);
	if (c && c->info.port_type == HV_PORT_TYPE_MESSAGE && !READ_ONCE(c->port->dead)) {
		const struct hv_port_info *info = &c->port->info;

		msg.header.sender = c->port->id;
		vp = target_vp(c->port, info->message_port_info.target_vp);
		status = HV_STATUS_INVALID_VP_INDEX;
		if (vp) {
			status = synic_post(vp, info->message_port_info.target_sint, &msg);
			vp_put(vp);
		}
	}
	read_unlock(&from->connections_lock);
	return status;
}

hv_status_t connection_signal(struct partition *from, u32 id, u32 flag)
{
	hv_status_t status = HV_STATUS_INVALID_CONNECTION_ID;
	struct connection *c;
	struct vp *vp;
	bool newly;

	read_lock(&from->connections_lock);
	c = connection_find(from, id);
	if (c && c->info.port_type == HV_PORT_TYPE_EVENT && !READ_ONCE(c->port->dead)) {
		const struct hv_port_info *info = &c->port->info;

		if (flag >= info->event_port_info.flag_count) {
			status = HV_STATUS_INVALID_PARAMETER;
		} else {
			vp = target_vp(c->port, info->event_port_info.target_vp);
			status = HV_STATUS_INVALID_VP_INDEX;
			if (vp) {
				status = synic_signal(vp, info->event_port_info.target_sint,
						      info->event_port_info.base_flag_number + flag,
						      &newly);
				vp_put(vp);
			}
		}
	}
	read_unlock(&from->connections_lock);
	return status;
}

static bool doorbell_matches(const struct connection *c, u64 gpa, u64 value, u32 size)
{
	static const u8 sizes[] = { 0, 1, 2, 4, 8 };
	u64 flags = c->info.doorbell_connection_info.flags;
	u32 wanted = sizes[flags & HV_DOORBELL_FLAG_TRIGGER_SIZE_MASK];

	if (c->info.port_type != HV_PORT_TYPE_DOORBELL ||
	    c->info.doorbell_connection_info.gpa != gpa || (wanted && wanted != size))
		return false;
	return flags & HV_DOORBELL_FLAG_TRIGGER_ANY_VALUE ||
	       c->info.doorbell_connection_info.trigger_value == value;
}

bool doorbell_near(struct partition *p, u64 gpa)
{
	struct connection *c;
	bool found = false;

	if (!READ_ONCE(p->doorbells))
		return false;
	read_lock(&p->connections_lock);
	list_for_each_entry(c, &p->connections, node) {
		if (c->info.port_type == HV_PORT_TYPE_DOORBELL &&
		    c->info.doorbell_connection_info.gpa == gpa) {
			found = true;
			break;
		}
	}
	read_unlock(&p->connections_lock);
	return found;
}

bool doorbell_ring(struct partition *p, u64 gpa, u64 value, u32 size)
{
	struct connection *c;
	bool found = false;

	read_lock(&p->connections_lock);
	list_for_each_entry(c, &p->connections, node) {
		if (!doorbell_matches(c, gpa, value, size) || READ_ONCE(c->port->dead))
			continue;
		found = true;
		ring_push(c->port->info.doorbell_port_info.target_sint,
			  c->port->info.doorbell_port_info.target_vp, c->port->id);
		break;
	}
	read_unlock(&p->connections_lock);
	return found;
}
