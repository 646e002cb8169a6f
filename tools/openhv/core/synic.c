// SPDX-License-Identifier: GPL-2.0-only
/*
 * The synthetic interrupt controller (TLFS, "Synthetic Interrupt Controller").
 */
#include <openhv/atomic.h>
#include <openhv/log.h>
#include <openhv/npt.h>
#include <openhv/partition.h>
#include <openhv/root.h>
#include <openhv/run.h>
#include <openhv/string.h>
#include <openhv/synic.h>

void synic_init(struct vp *vp, void **pages)
{
	struct synic *s = &vp->synic;
	u32 i;

	s->simp.own = pages[0];
	s->siefp.own = pages[1];
	list_init(&s->simp.overlay.node);
	list_init(&s->siefp.overlay.node);
	if (partition_is_root(vp->partition)) {
		/* Root finds the page that it is to use in the register. */
		s->sirbp.own = pages[2];
		s->simp.msr = virt_to_phys(pages[0]);
		s->siefp.msr = virt_to_phys(pages[1]);
		s->sirbp.msr = virt_to_phys(pages[2]);
	}
	for (i = 0; i < HV_SYNIC_SINT_COUNT; i++)
		s->sint[i] = HV_SYNIC_SINT_RESET;
	stimers_init(vp);
}

void synic_page_off(struct vp *vp, struct synic_page *sp)
{
	spin_lock(&vp->synic.lock);
	sp->page = NULL;
	spin_unlock(&vp->synic.lock);
	overlay_clear(&vp->partition->gpamap, &sp->overlay);
	if (sp->pinned) {
		frame_map_put(sp->pinned);
		sp->pinned = 0;
	}
}

/* Returns: false if the page cannot be where it should be */
static bool page_on(struct vp *vp, struct synic_page *sp)
{
	u64 pfn = sp->msr >> HV_MSR_PAGE_PFN_SHIFT;
	void *page = sp->own;

	if (!partition_is_root(vp->partition)) {
		if (overlay_set(&vp->partition->gpamap, &sp->overlay, pfn, sp->own, GPA_RW))
			return false;
	} else if (pfn != virt_to_phys(sp->own) >> PAGE_SHIFT) {
		/* A frame of root's own: it must stay root's while it is used here. */
		if (!frame_map_get(pfn))
			return false;
		sp->pinned = pfn;
		page = phys_to_virt(pfn << PAGE_SHIFT);
	}
	spin_lock(&vp->synic.lock);
	sp->page = page;
	spin_unlock(&vp->synic.lock);
	return true;
}

bool synic_page_write(struct vp *vp, struct synic_page *sp, u64 value)
{
	u64 old = sp->msr;

	if (value == old)
		return true;
	if ((value >> HV_MSR_PAGE_PFN_SHIFT) >= vp->partition->gpamap.max_pfn)
		return false;
	if (old & HV_MSR_PAGE_ENABLE)
		synic_page_off(vp, sp);
	sp->msr = value;
	if (value & HV_MSR_PAGE_ENABLE && !page_on(vp, sp)) {
		sp->msr = value & ~HV_MSR_PAGE_ENABLE;
		return false;
	}
	return true;
}

/* The event rings start empty, with the producer at the beginning. */
static bool rings_write(struct vp *vp, u64 value)
{
	struct synic *s = &vp->synic;
	bool was_on = s->sirbp.msr & HV_MSR_PAGE_ENABLE;

	if (!synic_page_write(vp, &s->sirbp, value))
		return false;
	if (!was_on && s->sirbp.page) {
		spin_lock(&s->lock);
		memset(s->sirbp.page, 0, PAGE_SIZE);
		memset(s->ring_head, 0, sizeof(s->ring_head));
		s->ring_notify = 0;
		spin_unlock(&s->lock);
	}
	return true;
}

void synic_reset(struct vp *vp)
{
	struct synic *s = &vp->synic;
	u32 i;

	synic_page_write(vp, &s->simp, s->simp.msr & ~HV_MSR_PAGE_ENABLE);
	synic_page_write(vp, &s->siefp, s->siefp.msr & ~HV_MSR_PAGE_ENABLE);
	synic_page_write(vp, &s->sirbp, s->sirbp.msr & ~HV_MSR_PAGE_ENABLE);
	s->scontrol = 0;
	for (i = 0; i < HV_SYNIC_SINT_COUNT; i++)
		s->sint[i] = HV_SYNIC_SINT_RESET;
	if (!partition_is_root(vp->partition)) {
		s->simp.msr = 0;
		s->siefp.msr = 0;
		memset(s->simp.own, 0, PAGE_SIZE);
		memset(s->siefp.own, 0, PAGE_SIZE);
	}
	stimers_reset(vp);
}

void synic_destroy(struct vp *vp)
{
	stimers_destroy(vp);
	synic_page_off(vp, &vp->synic.simp);
	synic_page_off(vp, &vp->synic.siefp);
}

bool synic_msr_read(struct vp *vp, u32 msr, u64 *value)
{
	struct synic *s = &vp->synic;

	switch (msr) {
	case HV_X64_MSR_SCONTROL:
		*value = s->scontrol;
		return true;
	case HV_X64_MSR_SVERSION:
		*value = HV_SYNIC_VERSION_1;
		return true;
	case HV_X64_MSR_SIEFP:
		*value = s->siefp.msr;
		return true;
	case HV_X64_MSR_SIMP:
		*value = s->simp.msr;
		return true;
	case HV_X64_MSR_SIRBP:
		if (!s->sirbp.own)
			return false;
		*value = s->sirbp.msr;
		return true;
	case HV_X64_MSR_EOM:
		*value = 0;
		return true;
	case HV_X64_MSR_SINT0 ... HV_X64_MSR_SINT15:
		*value = s->sint[msr - HV_X64_MSR_SINT0];
		return true;
	}
	return false;
}

static bool sint_write(struct vp *vp, u32 i, u64 value, bool host)
{
	u64 vector = value & HV_SYNIC_SINT_VECTOR_MASK;

	if (!(value & HV_SYNIC_SINT_MASKED) && vector < HV_SYNIC_FIRST_VALID_VECTOR && !host)
		return false;
	/* The physical APIC knows no interrupt that ends by itself. */
	if (value & HV_SYNIC_SINT_AUTO_EOI && root_has_shim(vp))
		return false;
	WRITE_ONCE(vp->synic.sint[i], value);
	return true;
}

static bool msr_write(struct vp *vp, u32 msr, u64 value, bool host)
{
	struct synic *s = &vp->synic;

	switch (msr) {
	case HV_X64_MSR_SCONTROL:
		WRITE_ONCE(s->scontrol, value);
		return true;
	case HV_X64_MSR_SIEFP:
		return synic_page_write(vp, &s->siefp, value);
	case HV_X64_MSR_SIMP:
		return synic_page_write(vp, &s->simp, value);
	case HV_X64_MSR_SIRBP:
		return s->sirbp.own && rings_write(vp, value);
	case HV_X64_MSR_EOM:
		synic_eom(vp);
		return true;
	case HV_X64_MSR_SINT0 ... HV_X64_MSR_SINT15:
		return sint_write(vp, msr - HV_X64_MSR_SINT0, value, host);
	case HV_X64_MSR_SVERSION:
		/* Read-only for the guest; what was read may be written back by the parent. */
		return host && value == HV_SYNIC_VERSION_1;
	}
	return false;
}

bool synic_msr_write(struct vp *vp, u32 msr, u64 value, bool host)
{
	struct spinlock *pump_lock;
	bool done;

	/* The end of a message is no change: it may bring the next one. */
	if (!partition_is_root(vp->partition) || msr == HV_X64_MSR_EOM)
		return msr_write(vp, msr, value, host);
	/* A message on its way to root gets there, or is another processor's. */
	pump_lock = &lps[vp->index]->pump_lock;
	spin_lock(pump_lock);
	done = msr_write(vp, msr, value, host);
	spin_unlock(pump_lock);
	if (msr == HV_X64_MSR_SCONTROL)
		root_messages_pump(vp);
	return done;
}

static void raise(struct vp *vp, u32 sint)
{
	u64 s = READ_ONCE(vp->synic.sint[sint]);

	if (s & (HV_SYNIC_SINT_MASKED | HV_SYNIC_SINT_POLLING))
		return;
	vlapic_accept(&vp->apic, s & HV_SYNIC_SINT_VECTOR_MASK, false);
}

hv_status_t synic_post(struct vp *vp, u32 sint, const struct hv_message *msg)
{
	struct synic *s = &vp->synic;
	hv_status_t status = HV_STATUS_SUCCESS;
	struct hv_message *slot;

	spin_lock(&s->lock);
	if (!(s->scontrol & HV_SYNIC_CONTROL_ENABLE) || !s->simp.page) {
		spin_unlock(&s->lock);
		return HV_STATUS_INVALID_SYNIC_STATE;
	}
	slot = &((struct hv_message_page *)s->simp.page)->sint_message[sint];
	if (READ_ONCE(slot->header.message_type) != HVMSG_NONE) {
		/*
		 * The receiver clears the type, then looks at the flag; we set the
		 * flag, then look at the type again: one of us sees the other.
		 */
		atomic_or(&slot->header.message_flags, (u8)HV_MESSAGE_FLAG_PENDING);
		/* The flag first, then the type */
		smp_mb();
		if (READ_ONCE(slot->header.message_type) != HVMSG_NONE)
			status = HV_STATUS_INSUFFICIENT_BUFFERS;
	}
	if (!status) {
		memcpy(&slot->u, &msg->u, sizeof(slot->u));
		slot->header.payload_size = msg->header.payload_size;
		slot->header.message_flags = msg->header.message_flags;
		slot->header.reserved[0] = 0;
		slot->header.reserved[1] = 0;
		slot->header.sender = msg->header.sender;
		store_release(&slot->header.message_type, msg->header.message_type);
	}
	spin_unlock(&s->lock);
	if (!status)
		raise(vp, sint);
	return status;
}

hv_status_t synic_signal(struct vp *vp, u32 sint, u32 flag, bool *newly)
{
	struct synic *s = &vp->synic;
	u8 *byte;

	spin_lock(&s->lock);
	if (!(s->scontrol & HV_SYNIC_CONTROL_ENABLE) || !s->siefp.page) {
		spin_unlock(&s->lock);
		return HV_STATUS_INVALID_SYNIC_STATE;
	}
	byte = &((struct hv_synic_event_flags_page *)s->siefp.page)->flags[sint][flag / 8];
	*newly = !(atomic_or(byte, (u8)(1U << (flag % 8))) & (1U << (flag % 8)));
	spin_unlock(&s->lock);
	if (*newly)
		raise(vp, sint);
	return HV_STATUS_SUCCESS;
}

bool synic_slot_claim(struct vp *vp, u32 sint)
{
	struct synic *s = &vp->synic;
	bool free = false;

	spin_lock(&s->lock);
	if (s->scontrol & HV_SYNIC_CONTROL_ENABLE && s->simp.page) {
		struct hv_message_page *page = s->simp.page;
		struct hv_message *slot = &page->sint_message[sint];

		if (READ_ONCE(slot->header.message_type) != HVMSG_NONE) {
			atomic_or(&slot->header.message_flags, (u8)HV_MESSAGE_FLAG_PENDING);
			/* The flag first, then the type */
			smp_mb();
		}
		free = READ_ONCE(slot->header.message_type) == HVMSG_NONE;
	}
	spin_unlock(&s->lock);
	return free;
}

bool synic_slot_free(struct vp *vp, u32 sint)
{
	struct synic *s = &vp->synic;
	bool free = false;

	spin_lock(&s->lock);
	if (s->scontrol & HV_SYNIC_CONTROL_ENABLE && s->simp.page) {
		struct hv_message_page *page = s->simp.page;

		free = READ_ONCE(page->sint_message[sint].header.message_type) == HVMSG_NONE;
	}
	spin_unlock(&s->lock);
	return free;
}

void synic_eom(struct vp *vp)
{
	if (partition_is_root(vp->partition)) {
		root_messages_pump(vp);
		return;
	}
	stimers_poll(vp);
	vp_check_deliverability(vp);
}

bool synic_auto_eoi(struct vp *vp, u8 vector)
{
	struct synic *s = &vp->synic;
	u32 i;

	if (!(s->scontrol & HV_SYNIC_CONTROL_ENABLE))
		return false;
	for (i = 0; i < HV_SYNIC_SINT_COUNT; i++) {
		if ((s->sint[i] & (HV_SYNIC_SINT_AUTO_EOI | HV_SYNIC_SINT_MASKED)) ==
		    HV_SYNIC_SINT_AUTO_EOI && (s->sint[i] & HV_SYNIC_SINT_VECTOR_MASK) == vector)
			return true;
	}
	return false;
}
