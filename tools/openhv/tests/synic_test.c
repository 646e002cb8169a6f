// SPDX-License-Identifier: GPL-2.0-only
/*
 * The synthetic interrupt controller: core/synic.c, and messages and events
 * that come to it by hypercall.
 */
#include <asm/cpu.h>
#include <openhv/ports.h>
#include <openhv/run.h>
#include <openhv/synic.h>
#include <openhv/vlapic.h>
#include <tlfs/message.h>
#include <tlfs/msr.h>
#include <tlfs/partition.h>
#include <tlfs/synic.h>
#include "test.h"

#define SIMP_PFN	0x10UL
#define SIEFP_PFN	0x11UL
#define ON(pfn)		((pfn) << HV_MSR_PAGE_PFN_SHIFT | HV_MSR_PAGE_ENABLE)
#define VECTOR		0x60

static bool msr(struct vp *vp, u32 number, u64 value)
{
	return vp_msr_write(vp, number, value, false) == MSR_OK;
}

/* A VP of a child, with its SynIC as a guest sets it up */
static struct vp *make_vp(void)
{
	struct partition *p = child_new();
	struct vp *vp;

	map_ram(p, 0, 64);
	vp = child_vp(p, 0);
	vlapic_write(&vp->apic, APIC_SVR, APIC_SVR_ENABLE | 0xFF);
	ASSERT_TRUE(msr(vp, HV_X64_MSR_SIMP, ON(SIMP_PFN)));
	ASSERT_TRUE(msr(vp, HV_X64_MSR_SIEFP, ON(SIEFP_PFN)));
	ASSERT_TRUE(msr(vp, HV_X64_MSR_SCONTROL, HV_SYNIC_CONTROL_ENABLE));
	ASSERT_TRUE(msr(vp, HV_X64_MSR_SINT0 + 2, VECTOR));
	return vp;
}

/* A slot and the event flags of a SINT as the guest sees them */
static struct hv_message *slot(struct vp *vp, u32 sint)
{
	struct hv_message_page *page = gpamap_page(&vp->partition->gpamap, SIMP_PFN, GPA_READ);

	return &page->sint_message[sint];
}

static u8 *flags(struct vp *vp, u32 sint)
{
	struct hv_synic_event_flags_page *page =
		gpamap_page(&vp->partition->gpamap, SIEFP_PFN, GPA_READ);

	return page->flags[sint];
}

static bool raised(struct vp *vp, u8 vector)
{
	return bitmap_clear_atomic(vp->apic.irr, vector);
}

static struct hv_message message(u32 type, u8 size, u8 fill)
{
	struct hv_message m = { .header = { .message_type = type, .payload_size = size } };

	memset(m.u.payload, fill, size);
	return m;
}

/* --- Registers ---------------------------------------------------------------------- */

TEST_ON_MACHINE(sints_refuse_vectors_that_cannot_be)
{
	struct vp *vp = make_vp();
	u64 value;
	u32 i;

	for (i = 0; i < HV_SYNIC_SINT_COUNT; i++) {
		CONTEXT("SINT %u", i);
		EXPECT_FALSE(msr(vp, HV_X64_MSR_SINT0 + i, 15));
		EXPECT_TRUE(msr(vp, HV_X64_MSR_SINT0 + i, 15 | HV_SYNIC_SINT_MASKED));
		EXPECT_TRUE(msr(vp, HV_X64_MSR_SINT0 + i, 16));
		EXPECT_TRUE(msr(vp, HV_X64_MSR_SINT0 + i, 255 | HV_SYNIC_SINT_AUTO_EOI));
		ASSERT_EQ(MSR_OK, vp_msr_read(vp, HV_X64_MSR_SINT0 + i, &value, false));
		EXPECT_EQ(255 | HV_SYNIC_SINT_AUTO_EOI, value);
	}
	child_gone(vp->partition);
}

TEST_ON_MACHINE(version_and_eom)
{
	struct vp *vp = make_vp();
	u64 value;

	ASSERT_EQ(MSR_OK, vp_msr_read(vp, HV_X64_MSR_SVERSION, &value, false));
	EXPECT_EQ(HV_SYNIC_VERSION_1, value);
	EXPECT_FALSE(msr(vp, HV_X64_MSR_SVERSION, HV_SYNIC_VERSION_1));
	EXPECT_EQ(MSR_OK, vp_msr_write(vp, HV_X64_MSR_SVERSION, HV_SYNIC_VERSION_1, true));
	EXPECT_EQ(MSR_FAULT, vp_msr_write(vp, HV_X64_MSR_SVERSION, 2, true));
	ASSERT_EQ(MSR_OK, vp_msr_read(vp, HV_X64_MSR_EOM, &value, false));
	EXPECT_EQ(0, value);
	EXPECT_TRUE(msr(vp, HV_X64_MSR_EOM, 0));
	/* Event rings are root's. */
	EXPECT_EQ(MSR_FAULT, vp_msr_read(vp, HV_X64_MSR_SIRBP, &value, false));
	EXPECT_FALSE(msr(vp, HV_X64_MSR_SIRBP, ON(5)));
	child_gone(vp->partition);
}

TEST_ON_MACHINE(pages_go_where_the_guest_puts_them)
{
	struct vp *vp = make_vp();
	struct partition *p = vp->partition;
	struct gpa_info info;
	u8 byte = 0x77;
	u64 value;

	gpamap_lookup(&p->gpamap, SIMP_PFN, &info);
	EXPECT_TRUE(info.overlay);
	EXPECT_EQ(GPA_RW, info.rights);
	/* What the guest writes there is in the page wherever it moves. */
	ASSERT_TRUE(gpa_write(&p->gpamap, (SIMP_PFN << PAGE_SHIFT) + 3000, &byte, 1));
	ASSERT_TRUE(msr(vp, HV_X64_MSR_SIMP, ON(0x20UL)));
	gpamap_lookup(&p->gpamap, SIMP_PFN, &info);
	EXPECT_FALSE(info.overlay);
	ASSERT_TRUE(gpa_read(&p->gpamap, (0x20UL << PAGE_SHIFT) + 3000, &byte, 1));
	EXPECT_EQ(0x77, byte);
	ASSERT_TRUE(gpa_read(&p->gpamap, (SIMP_PFN << PAGE_SHIFT) + 3000, &byte, 1));
	EXPECT_EQ(0, byte);
	/* Off, with its place kept */
	ASSERT_TRUE(msr(vp, HV_X64_MSR_SIMP, 0x20UL << HV_MSR_PAGE_PFN_SHIFT));
	gpamap_lookup(&p->gpamap, 0x20, &info);
	EXPECT_FALSE(info.overlay);
	EXPECT_NULL(vp->synic.simp.page);
	ASSERT_EQ(MSR_OK, vp_msr_read(vp, HV_X64_MSR_SIMP, &value, false));
	EXPECT_EQ(0x20UL << HV_MSR_PAGE_PFN_SHIFT, value);
	/* Outside of memory, even where no memory is; but not outside of addresses */
	EXPECT_TRUE(msr(vp, HV_X64_MSR_SIMP, ON(0x7654321UL)));
	EXPECT_FALSE(msr(vp, HV_X64_MSR_SIMP, ON(p->gpamap.max_pfn)));
	/* Where another one is already */
	EXPECT_FALSE(msr(vp, HV_X64_MSR_SIMP, ON(SIEFP_PFN)));
	EXPECT_NULL(vp->synic.simp.page);
	ASSERT_EQ(MSR_OK, vp_msr_read(vp, HV_X64_MSR_SIMP, &value, false));
	EXPECT_EQ(SIEFP_PFN << HV_MSR_PAGE_PFN_SHIFT, value);
	child_gone(p);
}

TEST_ON_MACHINE(registers_want_their_privilege)
{
	struct partition *p = child_with(CHILD_POOL, 0);
	struct vp *vp = child_vp(p, 0);
	u64 value;
	u32 i;

	for (i = HV_X64_MSR_SCONTROL; i <= HV_X64_MSR_SINT15; i++) {
		CONTEXT("MSR %x", i);
		EXPECT_EQ(MSR_FAULT, vp_msr_read(vp, i, &value, false));
		EXPECT_EQ(MSR_FAULT, vp_msr_write(vp, i, HV_SYNIC_SINT_MASKED, false));
	}
	/* The parent may look all the same. */
	EXPECT_EQ(MSR_OK, vp_msr_read(vp, HV_X64_MSR_SINT0, &value, true));
	child_gone(p);
}

/* --- Messages --------------------------------------------------------------------------- */

TEST_ON_MACHINE(message_is_written_and_its_interrupt_raised)
{
	struct vp *vp = make_vp();
	struct hv_message m = message(1, 100, 0x5A);

	m.header.sender = 0x1234;
	EXPECT_TRUE(synic_slot_free(vp, 2));
	EXPECT_EQ(0, synic_post(vp, 2, &m));
	EXPECT_EQ(0, memcmp(&m, slot(vp, 2), sizeof(m)));
	EXPECT_TRUE(raised(vp, VECTOR));
	EXPECT_FALSE(synic_slot_free(vp, 2));
	EXPECT_TRUE(synic_slot_free(vp, 3));
	child_gone(vp->partition);
}

TEST_ON_MACHINE(message_waits_for_a_slot_with_its_flag_set)
{
	struct vp *vp = make_vp();
	struct hv_message first = message(1, 8, 1), second = message(2, 8, 2);

	ASSERT_EQ(0, synic_post(vp, 2, &first));
	EXPECT_EQ(0, slot(vp, 2)->header.message_flags);
	raised(vp, VECTOR);
	EXPECT_EQ(HV_STATUS_INSUFFICIENT_BUFFERS, synic_post(vp, 2, &second));
	EXPECT_EQ(HV_MESSAGE_FLAG_PENDING, slot(vp, 2)->header.message_flags);
	EXPECT_EQ(1, slot(vp, 2)->header.message_type);
	EXPECT_EQ(1, slot(vp, 2)->u.payload_bytes[0]);
	EXPECT_FALSE(raised(vp, VECTOR));
	/* The reader frees the slot; the next message finds it, and no flag. */
	slot(vp, 2)->header.message_type = HVMSG_NONE;
	EXPECT_EQ(0, synic_post(vp, 2, &second));
	EXPECT_EQ(2, slot(vp, 2)->header.message_type);
	EXPECT_EQ(0, slot(vp, 2)->header.message_flags);
	child_gone(vp->partition);
}

TEST_ON_MACHINE(claiming_a_slot_marks_one_that_is_taken)
{
	struct vp *vp = make_vp();
	struct hv_message m = message(1, 8, 1);

	EXPECT_TRUE(synic_slot_claim(vp, 2));
	EXPECT_EQ(0, slot(vp, 2)->header.message_flags);
	ASSERT_EQ(0, synic_post(vp, 2, &m));
	EXPECT_FALSE(synic_slot_free(vp, 2));
	EXPECT_EQ(0, slot(vp, 2)->header.message_flags);
	EXPECT_FALSE(synic_slot_claim(vp, 2));
	EXPECT_EQ(HV_MESSAGE_FLAG_PENDING, slot(vp, 2)->header.message_flags);
	child_gone(vp->partition);
}

TEST_ON_MACHINE(masked_or_polled_sint_gets_its_message_in_silence)
{
	struct vp *vp = make_vp();
	struct hv_message m = message(1, 8, 1);

	ASSERT_TRUE(msr(vp, HV_X64_MSR_SINT0 + 2, VECTOR | HV_SYNIC_SINT_MASKED));
	EXPECT_EQ(0, synic_post(vp, 2, &m));
	EXPECT_FALSE(raised(vp, VECTOR));
	slot(vp, 2)->header.message_type = HVMSG_NONE;
	ASSERT_TRUE(msr(vp, HV_X64_MSR_SINT0 + 2, VECTOR | HV_SYNIC_SINT_POLLING));
	EXPECT_EQ(0, synic_post(vp, 2, &m));
	EXPECT_EQ(1, slot(vp, 2)->header.message_type);
	EXPECT_FALSE(raised(vp, VECTOR));
	child_gone(vp->partition);
}

TEST_ON_MACHINE(synic_that_is_off_takes_nothing)
{
	struct vp *vp = make_vp();
	struct hv_message m = message(1, 8, 1);
	bool newly;

	ASSERT_TRUE(msr(vp, HV_X64_MSR_SCONTROL, 0));
	EXPECT_EQ(HV_STATUS_INVALID_SYNIC_STATE, synic_post(vp, 2, &m));
	EXPECT_EQ(HV_STATUS_INVALID_SYNIC_STATE, synic_signal(vp, 2, 0, &newly));
	EXPECT_FALSE(synic_slot_free(vp, 2));
	EXPECT_FALSE(synic_slot_claim(vp, 2));
	ASSERT_TRUE(msr(vp, HV_X64_MSR_SCONTROL, HV_SYNIC_CONTROL_ENABLE));
	ASSERT_TRUE(msr(vp, HV_X64_MSR_SIMP, 0));
	ASSERT_TRUE(msr(vp, HV_X64_MSR_SIEFP, 0));
	EXPECT_EQ(HV_STATUS_INVALID_SYNIC_STATE, synic_post(vp, 2, &m));
	EXPECT_EQ(HV_STATUS_INVALID_SYNIC_STATE, synic_signal(vp, 2, 0, &newly));
	EXPECT_FALSE(synic_slot_free(vp, 2));
	child_gone(vp->partition);
}

TEST_ON_MACHINE(auto_eoi_is_the_sints_whose_vector_it_is)
{
	struct vp *vp = make_vp();

	EXPECT_FALSE(synic_auto_eoi(vp, VECTOR));
	ASSERT_TRUE(msr(vp, HV_X64_MSR_SINT0 + 2, VECTOR | HV_SYNIC_SINT_AUTO_EOI));
	EXPECT_TRUE(synic_auto_eoi(vp, VECTOR));
	EXPECT_FALSE(synic_auto_eoi(vp, VECTOR + 1));
	vlapic_ack(&vp->apic, VECTOR, false);
	EXPECT_EQ(0, vp->apic.isr[VECTOR / 32]);
	ASSERT_TRUE(msr(vp, HV_X64_MSR_SINT0 + 2,
			VECTOR | HV_SYNIC_SINT_AUTO_EOI | HV_SYNIC_SINT_MASKED));
	EXPECT_FALSE(synic_auto_eoi(vp, VECTOR));
	ASSERT_TRUE(msr(vp, HV_X64_MSR_SINT0 + 2, VECTOR | HV_SYNIC_SINT_AUTO_EOI));
	ASSERT_TRUE(msr(vp, HV_X64_MSR_SCONTROL, 0));
	EXPECT_FALSE(synic_auto_eoi(vp, VECTOR));
	child_gone(vp->partition);
}

/* --- Events ------------------------------------------------------------------------------ */

TEST_ON_MACHINE(event_flag_is_set_and_its_interrupt_raised_once)
{
	struct vp *vp = make_vp();
	bool newly;

	EXPECT_EQ(0, synic_signal(vp, 2, 0, &newly));
	EXPECT_TRUE(newly);
	EXPECT_TRUE(raised(vp, VECTOR));
	EXPECT_EQ(1, flags(vp, 2)[0]);
	EXPECT_EQ(0, synic_signal(vp, 2, 0, &newly));
	EXPECT_FALSE(newly);
	EXPECT_FALSE(raised(vp, VECTOR));
	EXPECT_EQ(0, synic_signal(vp, 2, 2047, &newly));
	EXPECT_TRUE(newly);
	EXPECT_EQ(0x80, flags(vp, 2)[255]);
	EXPECT_EQ(0, flags(vp, 3)[0]);
	flags(vp, 2)[0] = 0;
	EXPECT_EQ(0, synic_signal(vp, 2, 0, &newly));
	EXPECT_TRUE(newly);
	child_gone(vp->partition);
}

/* --- By hypercall --------------------------------------------------------------------------- */

static hv_status_t post_direct(u64 id, u32 vp, u8 vtl, u32 sint, const struct hv_message *m)
{
	struct hv_input_post_message_direct in = {
		.partition_id = id, .vp_index = vp, .vtl = vtl, .sint_index = sint,
	};

	memcpy(in.message, m, sizeof(*m));
	return hv(HVCALL_POST_MESSAGE_DIRECT, &in, sizeof(in), NULL, 0);
}

TEST_ON_MACHINE(post_message_direct)
{
	struct vp *vp = make_vp();
	u64 id = vp->partition->id;
	struct hv_message m = message(0x80000001, 240, 0x33);

	m.header.message_flags = 0xFF;
	m.header.sender = 77;
	EXPECT_EQ(0, post_direct(id, 0, 0, 2, &m));
	EXPECT_EQ(0x80000001, slot(vp, 2)->header.message_type);
	EXPECT_EQ(77, slot(vp, 2)->header.sender);
	EXPECT_EQ(0, slot(vp, 2)->header.message_flags);
	EXPECT_EQ(0, memcmp(&m.u, &slot(vp, 2)->u, sizeof(m.u)));
	EXPECT_TRUE(raised(vp, VECTOR));
	EXPECT_EQ(HV_STATUS_INSUFFICIENT_BUFFERS, post_direct(id, 0, 0, 2, &m));
	EXPECT_EQ(HV_STATUS_INVALID_PARAMETER, post_direct(id, 0, 0, 16, &m));
	EXPECT_EQ(HV_STATUS_INVALID_VTL_STATE, post_direct(id, 0, 1, 3, &m));
	EXPECT_EQ(HV_STATUS_INVALID_VP_INDEX, post_direct(id, 1, 0, 3, &m));
	EXPECT_EQ(HV_STATUS_INVALID_VP_INDEX, post_direct(id, HV_ANY_VP, 0, 3, &m));
	EXPECT_EQ(HV_STATUS_INVALID_PARTITION_ID, post_direct(0, 0, 0, 3, &m));
	EXPECT_EQ(HV_STATUS_ACCESS_DENIED, post_direct(HV_PARTITION_ID_SELF, 0, 0, 3, &m));
	m.header.payload_size = 241;
	EXPECT_EQ(HV_STATUS_INVALID_PARAMETER, post_direct(id, 0, 0, 3, &m));
	m.header.payload_size = 0;
	m.header.message_type = HVMSG_NONE;
	EXPECT_EQ(HV_STATUS_INVALID_PARAMETER, post_direct(id, 0, 0, 3, &m));
	child_gone(vp->partition);
}

TEST_ON_MACHINE(signal_event_direct)
{
	struct vp *vp = make_vp();
	struct hv_input_signal_event_direct good = {
		.target_partition = vp->partition->id, .target_sint = 2, .flag_number = 9,
	}, in;
	struct hv_output_signal_event_direct out;

#define SIGNAL() hv(HVCALL_SIGNAL_EVENT_DIRECT, &in, sizeof(in), &out, sizeof(out))
	in = good;
	EXPECT_EQ(0, SIGNAL());
	EXPECT_EQ(1, out.newly_signaled);
	EXPECT_EQ(2, flags(vp, 2)[1]);
	EXPECT_TRUE(raised(vp, VECTOR));
	EXPECT_EQ(0, SIGNAL());
	EXPECT_EQ(0, out.newly_signaled);
	in.target_sint = 16;
	EXPECT_EQ(HV_STATUS_INVALID_PARAMETER, SIGNAL());
	in = good;
	in.flag_number = 2048;
	EXPECT_EQ(HV_STATUS_INVALID_PARAMETER, SIGNAL());
	in = good;
	in.target_vtl = 1;
	EXPECT_EQ(HV_STATUS_INVALID_VTL_STATE, SIGNAL());
	in = good;
	in.target_vp = 7;
	EXPECT_EQ(HV_STATUS_INVALID_VP_INDEX, SIGNAL());
	in = good;
	in.target_partition = HV_PARTITION_ID_SELF;
	EXPECT_EQ(HV_STATUS_ACCESS_DENIED, SIGNAL());
	in = good;
	ASSERT_TRUE(msr(vp, HV_X64_MSR_SIEFP, 0));
	EXPECT_EQ(HV_STATUS_INVALID_SYNIC_STATE, SIGNAL());
	child_gone(vp->partition);
}

/* --- Deliverability ------------------------------------------------------------------------- */

TEST_ON_MACHINE(parent_is_told_when_a_slot_is_free)
{
	struct vp *vp = make_vp();
	struct hv_message *msg = state_page(vp, HV_VP_STATE_PAGE_INTERCEPT_MESSAGE), m;
	struct hv_x64_synic_sint_deliverable_message *d = (void *)msg->u.payload;

	m = message(1, 8, 1);
	ASSERT_EQ(0, synic_post(vp, 2, &m));
	ASSERT_EQ(0, synic_post(vp, 5, &m));
	ASSERT_EQ(0, reg64_set(vp, HV_REGISTER_DELIVERABILITY_NOTIFICATIONS,
			       (1UL << 2 | 1UL << 5) << HV_DELIVERABILITY_SINTS_SHIFT));
	vp_check_deliverability(vp);
	EXPECT_FALSE(vp->intercept_suspend);
	/* The guest frees one and says so. */
	slot(vp, 2)->header.message_type = HVMSG_NONE;
	ASSERT_TRUE(msr(vp, HV_X64_MSR_EOM, 0));
	EXPECT_TRUE(vp->intercept_suspend);
	EXPECT_EQ(HVMSG_SYNIC_SINT_DELIVERABLE, msg->header.message_type);
	EXPECT_EQ(1 << 2, d->deliverable_sints);
	EXPECT_EQ(1UL << (48 + 5), reg64(vp, HV_REGISTER_DELIVERABILITY_NOTIFICATIONS));
	/* Not again, and not while it is suspended */
	slot(vp, 5)->header.message_type = HVMSG_NONE;
	ASSERT_TRUE(msr(vp, HV_X64_MSR_EOM, 0));
	EXPECT_EQ(1 << 2, d->deliverable_sints);
	vp->intercept_suspend = false;
	vp_check_deliverability(vp);
	EXPECT_EQ(1 << 5, d->deliverable_sints);
	EXPECT_EQ(0, reg64(vp, HV_REGISTER_DELIVERABILITY_NOTIFICATIONS));
	child_gone(vp->partition);
}

TEST_ON_MACHINE(parent_is_told_when_an_interrupt_can_be_taken)
{
	struct vp *vp = make_vp();
	struct hv_message *msg = state_page(vp, HV_VP_STATE_PAGE_INTERCEPT_MESSAGE);
	struct hv_x64_interruption_deliverable_message *d = (void *)msg->u.payload;

	ASSERT_EQ(0, reg64_set(vp, HV_REGISTER_DELIVERABILITY_NOTIFICATIONS,
			       HV_DELIVERABILITY_INTERRUPT));
	vp_check_deliverability(vp);
	EXPECT_FALSE(vp->intercept_suspend);
	vp->vcpu.rflags |= RFLAGS_IF;
	vcpu_set_shadow(&vp->vcpu, true);
	vp_check_deliverability(vp);
	EXPECT_FALSE(vp->intercept_suspend);
	vcpu_set_shadow(&vp->vcpu, false);
	vp_check_deliverability(vp);
	EXPECT_TRUE(vp->intercept_suspend);
	EXPECT_EQ(HVMSG_X64_INTERRUPTION_DELIVERABLE, msg->header.message_type);
	EXPECT_EQ(HV_INTERRUPTION_TYPE_EXT_INT, d->deliverable_type);
	EXPECT_EQ(0, reg64(vp, HV_REGISTER_DELIVERABILITY_NOTIFICATIONS));
	child_gone(vp->partition);
}

/* --- Root's --------------------------------------------------------------------------------- */

TEST_ON_MACHINE(root_finds_pages_for_its_synic)
{
	struct vp *vp = root_vp();
	u64 simp, siefp, sirbp;
	struct gpa_info info;

	ASSERT_EQ(MSR_OK, vp_msr_read(vp, HV_X64_MSR_SIMP, &simp, false));
	ASSERT_EQ(MSR_OK, vp_msr_read(vp, HV_X64_MSR_SIEFP, &siefp, false));
	ASSERT_EQ(MSR_OK, vp_msr_read(vp, HV_X64_MSR_SIRBP, &sirbp, false));
	EXPECT_EQ(0, (simp | siefp | sirbp) & HV_MSR_PAGE_ENABLE);
	EXPECT_TRUE(simp && siefp && sirbp);
	gpamap_lookup(&root_partition.gpamap, simp >> PAGE_SHIFT, &info);
	EXPECT_EQ(GPA_RW, info.rights);
	/* Enabled where they are, they are used as they are. */
	ASSERT_TRUE(msr(vp, HV_X64_MSR_SIMP, simp | HV_MSR_PAGE_ENABLE));
	EXPECT_EQ(phys_to_virt(simp), vp->synic.simp.page);
	ASSERT_TRUE(msr(vp, HV_X64_MSR_SIMP, simp));
	EXPECT_NULL(vp->synic.simp.page);
	/* Each VP has its own. */
	EXPECT_NE(simp, lps[1]->root_vp->synic.simp.msr);
}

TEST_ON_MACHINE(root_may_choose_a_page_which_is_then_held)
{
	struct vp *vp = root_vp();
	u64 pfn = ram_pages(1), id = child_create(CHILD_FLAGS);
	u64 own = HOST_OWN_HIDDEN >> PAGE_SHIFT;

	ASSERT_TRUE(msr(vp, HV_X64_MSR_SIMP, ON(pfn)));
	EXPECT_EQ(ram(pfn), vp->synic.simp.page);
	/* It can be no other's while it is used. */
	EXPECT_EQ(HV_STATUS_INVALID_PARAMETER,
		  hv_status(hv_rep(HVCALL_DEPOSIT_MEMORY, 1, &id, 8, &pfn, 8, NULL, 0)));
	EXPECT_FALSE(msr(vp, HV_X64_MSR_SIMP, ON(own)));
	EXPECT_NULL(vp->synic.simp.page);
	EXPECT_FALSE(msr(vp, HV_X64_MSR_SIMP, ON(HOST_DEVICE >> PAGE_SHIFT)));
	EXPECT_EQ(0, hv_status(hv_rep(HVCALL_DEPOSIT_MEMORY, 1, &id, 8, &pfn, 8, NULL, 0)));
}

TEST_ON_MACHINE(reset_switches_everything_off)
{
	struct vp *vp = make_vp();
	struct hv_message m = message(1, 8, 1);
	struct gpa_info info;
	u32 i;

	ASSERT_EQ(0, synic_post(vp, 2, &m));
	ASSERT_EQ(0, reg64_set(vp, HV_REGISTER_STIMER0_CONFIG, 0x20000));
	synic_reset(vp);
	EXPECT_EQ(0, vp->synic.scontrol);
	EXPECT_EQ(0, vp->synic.simp.msr);
	EXPECT_EQ(0, vp->synic.siefp.msr);
	for (i = 0; i < 16; i++)
		EXPECT_EQ(HV_SYNIC_SINT_RESET, vp->synic.sint[i]);
	EXPECT_EQ(0, reg64(vp, HV_REGISTER_STIMER0_CONFIG));
	gpamap_lookup(&vp->partition->gpamap, SIMP_PFN, &info);
	EXPECT_FALSE(info.overlay);
	EXPECT_EQ(0, *(u32 *)((u8 *)vp->synic.simp.own + 2 * HV_MESSAGE_SIZE));
	child_gone(vp->partition);
}

TEST_HARNESS_MAIN
