// SPDX-License-Identifier: GPL-2.0-only
/*
 * The I/O APIC: its registers, and the interrupts that it asserts.
 */
#include <sys/ioctl.h>

#include <mshv/ioapic.h>

#include "kselftest_harness.h"

/* The last interrupt, and how many there were */
static struct hv_input_assert_virtual_interrupt sent;
static unsigned int count;

int __wrap_ioctl(int fd, unsigned long request, void *args);
int __wrap_ioctl(int fd, unsigned long request, void *args)
{
	struct mshv_root_hvcall *call = args;

	if (fd != 7 || request != MSHV_ROOT_HVCALL ||
	    call->code != HVCALL_ASSERT_VIRTUAL_INTERRUPT) {
		errno = EINVAL;
		return -1;
	}
	sent = *(struct hv_input_assert_virtual_interrupt *)(unsigned long)call->in_ptr;
	count++;
	return 0;
}

FIXTURE(ioapic) {
	struct mshv_ioapic io;
	unsigned int changes;
};

FIXTURE_SETUP(ioapic)
{
	mshv_ioapic_init(&self->io, 7);
	count = 0;
}

FIXTURE_TEARDOWN(ioapic)
{
}

static void write_index(struct mshv_ioapic *io, unsigned int index, uint32_t value)
{
	mshv_ioapic_ops.write(io, 0, 4, index);
	mshv_ioapic_ops.write(io, 0x10, 4, value);
}

static uint32_t read_index(struct mshv_ioapic *io, unsigned int index)
{
	mshv_ioapic_ops.write(io, 0, 4, index);
	return mshv_ioapic_ops.read(io, 0x10, 4);
}

static void write_entry(struct mshv_ioapic *io, unsigned int pin, uint64_t entry)
{
	write_index(io, 0x11 + 2 * pin, entry >> 32);
	write_index(io, 0x10 + 2 * pin, entry);
}

TEST_F(ioapic, registers)
{
	EXPECT_EQ(0x00170011, read_index(&self->io, 1));
	write_index(&self->io, 0, 0x05000000);
	EXPECT_EQ(0x05000000, read_index(&self->io, 0));
	EXPECT_EQ(0x00010000, read_index(&self->io, 0x10));
	EXPECT_EQ(0, read_index(&self->io, 0x10 + 2 * MSHV_IOAPIC_PINS));
	write_index(&self->io, 0x10 + 2 * MSHV_IOAPIC_PINS, 0xffffffff);
	write_entry(&self->io, 23, ~0ULL);
	EXPECT_EQ(0x0001afff, read_index(&self->io, 0x10 + 46)) {
		TH_LOG("delivery status and remote IRR cannot be written");
	}
	EXPECT_EQ(0xff000000, read_index(&self->io, 0x11 + 46));
	EXPECT_EQ(0, mshv_ioapic_ops.read(&self->io, 0x20, 4));
}

TEST_F(ioapic, an_edge_is_delivered_once)
{
	write_entry(&self->io, 4, 0x0200000000000931ULL);	/* lowest priority, logical, 2 */
	mshv_ioapic_set_line(&self->io, 4, true);
	ASSERT_EQ(1, count);
	EXPECT_EQ(0x31, sent.vector);
	EXPECT_EQ(1 | HV_INTERRUPT_CONTROL_LOGICAL_DEST, sent.interrupt_control);
	EXPECT_EQ(2, sent.dest_addr);
	mshv_ioapic_set_line(&self->io, 4, true);
	EXPECT_EQ(1, count);
	mshv_ioapic_set_line(&self->io, 4, false);
	mshv_ioapic_set_line(&self->io, 4, true);
	EXPECT_EQ(2, count);
}

TEST_F(ioapic, masked_pins_are_silent)
{
	mshv_ioapic_set_line(&self->io, 4, true);
	write_entry(&self->io, 5, 0x18031);
	mshv_ioapic_set_line(&self->io, 5, true);
	EXPECT_EQ(0, count);
	EXPECT_FALSE(mshv_ioapic_in_use(&self->io));
	/* A level that is still there when the mask goes is delivered then. */
	write_entry(&self->io, 5, 0x8031);
	EXPECT_EQ(1, count);
	EXPECT_TRUE(mshv_ioapic_in_use(&self->io));
}

TEST_F(ioapic, a_level_is_delivered_again_after_each_eoi)
{
	write_entry(&self->io, 9, 0x8051);
	mshv_ioapic_set_line(&self->io, 9, true);
	ASSERT_EQ(1, count);
	EXPECT_EQ(HV_INTERRUPT_CONTROL_LEVEL_TRIGGERED, sent.interrupt_control);
	EXPECT_EQ(0xc051, read_index(&self->io, 0x10 + 18)) TH_LOG("remote IRR");
	mshv_ioapic_set_line(&self->io, 9, true);
	EXPECT_EQ(1, count);
	mshv_ioapic_eoi(&self->io, 0x52);
	EXPECT_EQ(1, count);
	mshv_ioapic_eoi(&self->io, 0x51);
	EXPECT_EQ(2, count);
	mshv_ioapic_set_line(&self->io, 9, false);
	mshv_ioapic_eoi(&self->io, 0x51);
	EXPECT_EQ(2, count);
	EXPECT_EQ(0x8051, read_index(&self->io, 0x10 + 18));
	mshv_ioapic_set_line(&self->io, 9, true);
	EXPECT_EQ(3, count);
	/* Linux's way to clear remote IRR by hand */
	write_entry(&self->io, 9, 0x10051);
	EXPECT_EQ(0x10051, read_index(&self->io, 0x10 + 18));
}

static void on_change(void *context)
{
	struct ioapic_fixture_data *self = context;

	self->changes++;
}

TEST_F(ioapic, tells_what_an_irqfd_needs)
{
	struct mshv_user_irq_entry route;

	self->io.changed = on_change;
	self->io.context = self;
	EXPECT_FALSE(mshv_ioapic_route(&self->io, 16, &route));
	write_entry(&self->io, 16, 0x0300000000000941ULL);
	EXPECT_EQ(2, self->changes) TH_LOG("once for each half");
	EXPECT_TRUE(mshv_ioapic_route(&self->io, 16, &route));
	EXPECT_EQ(16, route.gsi);
	EXPECT_EQ(0xfee03004, route.address_lo) TH_LOG("logical destination 3");
	EXPECT_EQ(0, route.address_hi);
	EXPECT_EQ(0x141, route.data) TH_LOG("lowest priority");
	write_entry(&self->io, 16, 0x10041);
	EXPECT_FALSE(mshv_ioapic_route(&self->io, 16, &route));
}

TEST_HARNESS_MAIN
