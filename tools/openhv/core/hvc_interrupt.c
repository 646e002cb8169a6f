// SPDX-License-Identifier: GPL-2.0-only
/*
 * Hypercalls on virtual interrupts, ports, messages and events.
 */
#include <openhv/hypercall.h>
#include <openhv/partition.h>
#include <openhv/ports.h>
#include <openhv/ring.h>
#include <openhv/run.h>
#include <openhv/string.h>
#include <tlfs/interrupt.h>
#include <tlfs/partition.h>
#include <tlfs/synic.h>

/* A child, active; *p is to be released. */
static hv_status_t child(struct hvcall *c, u64 id, struct partition **p)
{
	hv_status_t status = hvc_partition(c, id, p);

	if (status)
		return status;
	if (partition_is_root(*p))
		status = HV_STATUS_ACCESS_DENIED;
	else if ((*p)->state != PARTITION_ACTIVE)
		status = HV_STATUS_INVALID_PARTITION_STATE;
	if (status)
		partition_put(*p);
	return status;
}

static hv_status_t assert_interrupt(struct partition *p,
				    const struct hv_input_assert_virtual_interrupt *in)
{
	u32 type = in->interrupt_control & HV_INTERRUPT_CONTROL_TYPE_MASK;
	bool level = in->interrupt_control & HV_INTERRUPT_CONTROL_LEVEL_TRIGGERED;
	bool logical = in->interrupt_control & HV_INTERRUPT_CONTROL_LOGICAL_DEST;
	u32 dest = in->dest_addr, n;
	bool x2apic;

	if (in->interrupt_control & ~HV_INTERRUPT_CONTROL_VALID || in->vector > 255 ||
	    in->dest_addr >> 32)
		return HV_STATUS_INVALID_PARAMETER;
	if (in->target_vtl)
		return HV_STATUS_INVALID_VTL_STATE;
	switch (type) {
	case HV_X64_INTERRUPT_TYPE_FIXED:
	case HV_X64_INTERRUPT_TYPE_LOWESTPRIORITY:
		if (in->vector < 16)
			return HV_STATUS_INVALID_PARAMETER;
		break;
	case HV_X64_INTERRUPT_TYPE_NMI:
	case HV_X64_INTERRUPT_TYPE_INIT:
	case HV_X64_INTERRUPT_TYPE_SIPI:
	case HV_X64_INTERRUPT_TYPE_EXTINT:
		break;
	default:
		return HV_STATUS_INVALID_PARAMETER;
	}
	/* xAPIC's broadcast is one as long as it is nobody's ID. */
	x2apic = dest > 0xFF || (dest == 0xFF && p->vp_count > 255);
	n = vlapic_deliver(p, type, in->vector, logical, dest, level, x2apic);
	return n || logical ? HV_STATUS_SUCCESS : HV_STATUS_INVALID_PARAMETER;
}

hv_status_t hvc_assert_virtual_interrupt(struct hvcall *c)
{
	const struct hv_input_assert_virtual_interrupt *in = c->in;
	struct partition *p;
	hv_status_t status;

	status = child(c, in->partition_id, &p);
	if (status)
		return status;
	status = assert_interrupt(p, in);
	partition_put(p);
	return status;
}

/* The line that an ExtINT came by is low again. */
hv_status_t hvc_clear_virtual_interrupt(struct hvcall *c)
{
	const struct hv_input_partition_id *in = c->in;
	struct partition *p;
	hv_status_t status;
	u32 i;

	status = child(c, in->partition_id, &p);
	if (status)
		return status;
	for (i = 0; i < VP_MAX; i++) {
		struct vp *vp = vp_get(p, i);

		if (!vp)
			continue;
		atomic_xchg(&vp->apic.extint, 0);
		vp_put(vp);
	}
	partition_put(p);
	return HV_STATUS_SUCCESS;
}

hv_status_t hvc_create_port(struct hvcall *c)
{
	const struct hv_input_create_port *in = c->in;
	struct partition *p;
	hv_status_t status;

	status = hvc_partition(c, in->port_partition_id, &p);
	if (status)
		return status;
	status = p->state == PARTITION_ACTIVE ? port_create(p, in) :
		 HV_STATUS_INVALID_PARTITION_STATE;
	partition_put(p);
	return status;
}

hv_status_t hvc_delete_port(struct hvcall *c)
{
	const struct hv_input_delete_port *in = c->in;
	struct partition *p;
	hv_status_t status;

	status = hvc_partition(c, in->port_partition_id, &p);
	if (status)
		return status;
	status = port_delete(p, in->port_id);
	partition_put(p);
	return status;
}

hv_status_t hvc_connect_port(struct hvcall *c)
{
	const struct hv_input_connect_port *in = c->in;
	struct partition *from, *owner;
	hv_status_t status;

	status = hvc_partition(c, in->connection_partition_id, &from);
	if (status)
		return status;
	status = hvc_partition(c, in->port_partition_id, &owner);
	if (!status) {
		status = from->state == PARTITION_ACTIVE ? port_connect(from, owner, in) :
			 HV_STATUS_INVALID_PARTITION_STATE;
		partition_put(owner);
	}
	partition_put(from);
	return status;
}

hv_status_t hvc_disconnect_port(struct hvcall *c)
{
	const struct hv_input_disconnect_port *in = c->in;
	struct partition *p;
	hv_status_t status;

	if (in->flags & ~HV_DISCONNECT_PORT_IS_DOORBELL)
		return HV_STATUS_INVALID_PARAMETER;
	status = hvc_partition(c, in->connection_partition_id, &p);
	if (status)
		return status;
	status = port_disconnect(p, in->connection_id);
	partition_put(p);
	return status;
}

hv_status_t hvc_notify_port_ring_empty(struct hvcall *c)
{
	const struct hv_input_notify_port_ring_empty *in = c->in;

	if (in->sint_index >= HV_SYNIC_SINT_COUNT)
		return HV_STATUS_INVALID_PARAMETER;
	ring_retry(c->vp, in->sint_index);
	return HV_STATUS_SUCCESS;
}

hv_status_t hvc_post_message(struct hvcall *c)
{
	return connection_post(c->vp->partition, c->in);
}

hv_status_t hvc_signal_event(struct hvcall *c)
{
	const struct hv_input_signal_event *in = c->in;

	return connection_signal(c->vp->partition, in->connection_id, in->flag_number);
}

hv_status_t hvc_post_message_direct(struct hvcall *c)
{
	const struct hv_input_post_message_direct *in = c->in;
	struct hv_message msg;
	struct partition *p;
	hv_status_t status;
	struct vp *vp;

	if (in->vtl)
		return HV_STATUS_INVALID_VTL_STATE;
	memcpy(&msg, in->message, sizeof(msg));
	if (in->sint_index >= HV_SYNIC_SINT_COUNT || !msg.header.message_type ||
	    msg.header.payload_size > HV_MESSAGE_PAYLOAD_BYTE_COUNT)
		return HV_STATUS_INVALID_PARAMETER;
	msg.header.message_flags = 0;
	status = child(c, in->partition_id, &p);
	if (status)
		return status;
	vp = vp_get(p, in->vp_index);
	if (vp) {
		status = synic_post(vp, in->sint_index, &msg);
		vp_put(vp);
	} else {
		status = HV_STATUS_INVALID_VP_INDEX;
	}
	partition_put(p);
	return status;
}

hv_status_t hvc_signal_event_direct(struct hvcall *c)
{
	const struct hv_input_signal_event_direct *in = c->in;
	struct hv_output_signal_event_direct *out = c->out;
	struct partition *p;
	hv_status_t status;
	struct vp *vp;
	bool newly;

	if (in->target_vtl)
		return HV_STATUS_INVALID_VTL_STATE;
	if (in->target_sint >= HV_SYNIC_SINT_COUNT || in->flag_number >= HV_EVENT_FLAGS_COUNT)
		return HV_STATUS_INVALID_PARAMETER;
	status = child(c, in->target_partition, &p);
	if (status)
		return status;
	vp = vp_get(p, in->target_vp);
	if (vp) {
		status = synic_signal(vp, in->target_sint, in->flag_number, &newly);
		if (!status)
			out->newly_signaled = newly;
		vp_put(vp);
	} else {
		status = HV_STATUS_INVALID_VP_INDEX;
	}
	partition_put(p);
	return status;
}
