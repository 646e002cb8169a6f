// SPDX-License-Identifier: GPL-2.0-only
/*
 * Synthetic timers (TLFS, "Synthetic Timers").
 */
#include <asm/cpu.h>
#include <openhv/partition.h>
#include <openhv/string.h>
#include <openhv/synic.h>

/* A periodic timer that fires faster than this would keep its VP from running: 20 us. */
#define STIMER_MIN_PERIOD	200

static void fired(struct htimer *t)
{
	vp_wake(container_of(t, struct stimer, timer)->vp);
}

void stimers_init(struct vp *vp)
{
	u32 i;

	for (i = 0; i < HV_STIMER_COUNT; i++) {
		struct stimer *st = &vp->synic.stimers[i];

		st->vp = vp;
		st->index = i;
		st->timer.fn = fired;
		list_init(&st->timer.node);
	}
}

static void arm(struct stimer *st)
{
	u64 deadline = ~0UL;

	if (st->config & HV_STIMER_ENABLE)
		deadline = partition_time_to_tsc(st->vp->partition, st->expiration);
	if (deadline == ~0UL)
		htimer_cancel(&st->timer);
	else
		htimer_arm(&st->timer, deadline);
}

/* Begin to count, from the configuration and the count as they are. */
static void start(struct stimer *st)
{
	u64 now = partition_time(st->vp->partition);

	if (st->config & HV_STIMER_PERIODIC)
		st->expiration = now + max(st->count, (u64)STIMER_MIN_PERIOD);
	else
		st->expiration = st->count;
	arm(st);
}

static void stop(struct stimer *st)
{
	st->config &= ~HV_STIMER_ENABLE;
	htimer_cancel(&st->timer);
}

static u32 sint_of(const struct stimer *st)
{
	return (st->config & HV_STIMER_SINT_MASK) >> HV_STIMER_SINT_SHIFT;
}

u64 stimer_read(struct vp *vp, u32 reg)
{
	struct stimer *st = &vp->synic.stimers[reg / 2];

	return reg % 2 ? st->count : st->config;
}

bool stimer_write(struct vp *vp, u32 reg, u64 value)
{
	struct stimer *st = &vp->synic.stimers[reg / 2];

	if (reg % 2) {
		st->count = value;
		st->config &= ~HV_STIMER_ENABLE;
		if (value && st->config & HV_STIMER_AUTO_ENABLE)
			st->config |= HV_STIMER_ENABLE;
	} else {
		if (value & ~HV_STIMER_CONFIG_VALID)
			return false;
		st->config = value;
		st->message_pending = false;
		/* A message needs a SINT, and SINT0 is the hypervisor's own. */
		if (!(value & HV_STIMER_DIRECT_MODE) && !sint_of(st))
			st->config &= ~HV_STIMER_ENABLE;
		if (!st->count)
			st->config &= ~HV_STIMER_ENABLE;
	}
	if (st->config & HV_STIMER_ENABLE)
		start(st);
	else
		htimer_cancel(&st->timer);
	return true;
}

/* Returns: false if the slot is busy */
static bool deliver(struct stimer *st)
{
	struct hv_timer_message_payload *payload;
	struct hv_message msg;

	if (st->config & HV_STIMER_DIRECT_MODE) {
		u8 vector = (st->config & HV_STIMER_APIC_VECTOR_MASK) >>
			    HV_STIMER_APIC_VECTOR_SHIFT;

		vlapic_accept(&st->vp->apic, vector, false);
		return true;
	}
	memset(&msg, 0, sizeof(msg));
	msg.header.message_type = HVMSG_TIMER_EXPIRED;
	msg.header.payload_size = sizeof(*payload);
	payload = (struct hv_timer_message_payload *)msg.u.payload;
	payload->timer_index = st->index;
	payload->expiration_time = st->undelivered;
	payload->delivery_time = partition_time(st->vp->partition);
	return synic_post(st->vp, sint_of(st), &msg) != HV_STATUS_INSUFFICIENT_BUFFERS;
}

static void expire(struct stimer *st, u64 now)
{
	u64 expired = st->expiration;

	if (st->config & HV_STIMER_PERIODIC) {
		u64 period = max(st->count, (u64)STIMER_MIN_PERIOD);

		/* Periods that nobody could see are skipped. */
		st->expiration += period * ((now - st->expiration) / period + 1);
		arm(st);
	} else {
		st->config &= ~HV_STIMER_ENABLE;
	}
	/* An expiration whose predecessor has not been delivered merges with it. */
	if (st->message_pending)
		return;
	st->undelivered = expired;
	st->message_pending = !deliver(st);
}

void stimers_poll(struct vp *vp)
{
	u64 now = 0;
	u32 i;

	for (i = 0; i < HV_STIMER_COUNT; i++) {
		struct stimer *st = &vp->synic.stimers[i];

		if (st->message_pending)
			st->message_pending = !deliver(st);
		if (!(st->config & HV_STIMER_ENABLE))
			continue;
		if (!now)
			now = partition_time(vp->partition);
		if (now >= st->expiration && !vp->partition->time_frozen)
			expire(st, now);
	}
}

void stimers_reset(struct vp *vp)
{
	u32 i;

	for (i = 0; i < HV_STIMER_COUNT; i++) {
		struct stimer *st = &vp->synic.stimers[i];

		stop(st);
		st->config = 0;
		st->count = 0;
		st->message_pending = false;
	}
}

void stimers_destroy(struct vp *vp)
{
	u32 i;

	for (i = 0; i < HV_STIMER_COUNT; i++)
		htimer_cancel(&vp->synic.stimers[i].timer);
}

void stimers_rearm(struct vp *vp)
{
	u32 i;

	for (i = 0; i < HV_STIMER_COUNT; i++) {
		if (vp->synic.stimers[i].config & HV_STIMER_ENABLE)
			arm(&vp->synic.stimers[i]);
	}
}

void stimers_get_state(struct vp *vp, struct hv_synthetic_timers_state *out)
{
	u32 i;

	memset(out, 0, sizeof(*out));
	for (i = 0; i < HV_STIMER_COUNT; i++) {
		const struct stimer *st = &vp->synic.stimers[i];
		struct hv_stimer_state *s = &out->timers[i];

		s->flags = st->message_pending ? HV_STIMER_STATE_UNDELIVERED_MESSAGE : 0;
		s->config = st->config;
		s->count = st->count;
		/* Where a periodic timer is in its period, so that it keeps its phase */
		if ((st->config & (HV_STIMER_ENABLE | HV_STIMER_PERIODIC)) ==
		    (HV_STIMER_ENABLE | HV_STIMER_PERIODIC))
			s->adjustment = st->expiration;
		s->undelivered_expiration_time = st->message_pending ? st->undelivered : 0;
	}
}

hv_status_t stimers_set_state(struct vp *vp, const struct hv_synthetic_timers_state *in)
{
	u32 i;

	for (i = 0; i < HV_STIMER_COUNT; i++) {
		if (in->timers[i].config & ~HV_STIMER_CONFIG_VALID ||
		    in->timers[i].flags & ~HV_STIMER_STATE_UNDELIVERED_MESSAGE)
			return HV_STATUS_INVALID_PARAMETER;
	}
	for (i = 0; i < HV_STIMER_COUNT; i++) {
		struct stimer *st = &vp->synic.stimers[i];
		const struct hv_stimer_state *s = &in->timers[i];

		stop(st);
		st->config = s->config;
		st->count = s->count;
		st->message_pending = s->flags & HV_STIMER_STATE_UNDELIVERED_MESSAGE;
		st->undelivered = s->undelivered_expiration_time;
		if (!(st->config & HV_STIMER_ENABLE))
			continue;
		start(st);
		if (st->config & HV_STIMER_PERIODIC && s->adjustment) {
			st->expiration = s->adjustment;
			arm(st);
		}
	}
	return HV_STATUS_SUCCESS;
}
