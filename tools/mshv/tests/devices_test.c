// SPDX-License-Identifier: GPL-2.0-only
/*
 * The device models, one register at a time.
 */
#include "bus.h"
#include "cmos.h"
#include "ioapic.h"
#include "power.h"
#include "serial.h"

#include "kselftest_harness.h"

/* ---- The bus ---- */

static uint64_t echo_read(void *device, uint64_t offset, unsigned int size)
{
	return (uintptr_t)device * 0x1000000 + offset * 0x100 + size;
}

static uint64_t last_write;

static void echo_write(void *device, uint64_t offset, unsigned int size, uint64_t value)
{
	last_write = echo_read(device, offset, size) * 0x100 + value;
}

static const struct device_ops echo_ops = { .read = echo_read, .write = echo_write };

TEST(bus_finds_devices_by_address)
{
	struct bus bus = { 0 };

	ASSERT_EQ(0, bus_add(&bus, 0x100, 0x10, &echo_ops, (void *)2));
	ASSERT_EQ(0, bus_add(&bus, 0x10, 0x10, &echo_ops, (void *)1));
	ASSERT_EQ(0, bus_add(&bus, 0x110, 1, &echo_ops, (void *)3));
	EXPECT_EQ(0x01000004, bus_read(&bus, 0x10, 4));
	EXPECT_EQ(0x02000f01 & 0xff, bus_read(&bus, 0x10f, 1));
	EXPECT_EQ(0x03000001 & 0xff, bus_read(&bus, 0x110, 1));
	bus_write(&bus, 0x104, 2, 0x55);
	EXPECT_EQ(0x200040255, last_write);
}

TEST(bus_without_a_device_reads_all_ones)
{
	struct bus bus = { 0 };

	ASSERT_EQ(0, bus_add(&bus, 0x10, 4, &echo_ops, NULL));
	EXPECT_EQ(0xff, bus_read(&bus, 0xf, 1));
	EXPECT_EQ(0xffff, bus_read(&bus, 0x14, 2));
	EXPECT_EQ(0xffffffff, bus_read(&bus, 0x12, 4)) TH_LOG("an access that leaves its device");
	EXPECT_EQ(~0ULL, bus_read(&bus, 0, 8));
	last_write = 0;
	bus_write(&bus, 0x12, 4, 1);
	EXPECT_EQ(0, last_write);
}

TEST(bus_refuses_overlaps_and_overflow)
{
	struct bus bus = { 0 };
	unsigned int i;

	ASSERT_EQ(0, bus_add(&bus, 0x100, 0x10, &echo_ops, NULL));
	EXPECT_EQ(-1, bus_add(&bus, 0x100, 0x10, &echo_ops, NULL));
	EXPECT_EQ(-1, bus_add(&bus, 0xff, 2, &echo_ops, NULL));
	EXPECT_EQ(-1, bus_add(&bus, 0x10f, 1, &echo_ops, NULL));
	EXPECT_EQ(-1, bus_add(&bus, 0, 0x1000, &echo_ops, NULL));
	EXPECT_EQ(-1, bus_add(&bus, ~0ULL, 2, &echo_ops, NULL));
	EXPECT_EQ(-1, bus_add(&bus, 0x200, 0, &echo_ops, NULL));
	for (i = 1; i < BUS_MAX_DEVICES; i++) {
		EXPECT_EQ(0, bus_add(&bus, 0x1000 + i, 1, &echo_ops, NULL));
	}
	EXPECT_EQ(-1, bus_add(&bus, 0x9000, 1, &echo_ops, NULL));
}

/* ---- The UART ---- */

FIXTURE(serial) {
	struct serial s;
	char sent[64];
	unsigned int sent_count, edges;
	bool line;
};

static void on_output(void *context, uint8_t byte)
{
	struct serial_fixture_data *self = context;

	self->sent[self->sent_count++] = byte;
}

static void on_irq(void *context, bool level)
{
	struct serial_fixture_data *self = context;

	self->edges += level;
	self->line = level;
}

FIXTURE_SETUP(serial)
{
	self->s.output = on_output;
	self->s.set_irq = on_irq;
	self->s.context = self;
	serial_init(&self->s);
}

FIXTURE_TEARDOWN(serial)
{
}

#define IN(reg)		serial_ops.read(&self->s, reg, 1)
#define OUT(reg, value)	serial_ops.write(&self->s, reg, 1, value)

TEST_F(serial, sends_what_is_written)
{
	OUT(0, 'h');
	OUT(0, 'i');
	EXPECT_EQ(2, self->sent_count);
	EXPECT_EQ(0, memcmp(self->sent, "hi", 2));
	EXPECT_EQ(0x60, IN(5));
	EXPECT_EQ(0, self->edges) TH_LOG("no interrupt without IER");
}

TEST_F(serial, is_recognized_as_a_16550a)
{
	/* The order of Linux's autoconfig() */
	OUT(1, 0);
	EXPECT_EQ(0, IN(1) & 0xf);
	OUT(1, 0xf);
	EXPECT_EQ(0xf, IN(1) & 0xf);
	OUT(1, 0);
	OUT(4, 0x1a);			/* loop, RTS, OUT2 */
	EXPECT_EQ(0x90, IN(6) & 0xf0);
	OUT(4, 0);
	OUT(2, 1);
	EXPECT_EQ(0xc0, IN(2) & 0xc0);
	OUT(2, 0);
	EXPECT_EQ(0, IN(2) & 0xc0);
	OUT(7, 0x5a);
	EXPECT_EQ(0x5a, IN(7));
}

TEST_F(serial, divisor_hides_behind_dlab)
{
	OUT(3, 0x83);
	OUT(0, 0x34);
	OUT(1, 0x12);
	EXPECT_EQ(0x34, IN(0));
	EXPECT_EQ(0x12, IN(1));
	EXPECT_EQ(0, self->sent_count);
	OUT(3, 0x03);
	EXPECT_EQ(0, IN(1));
	EXPECT_EQ(0x1234, self->s.divisor);
}

TEST_F(serial, transmitter_interrupts_and_is_acknowledged_by_iir)
{
	OUT(1, 0x02);
	EXPECT_TRUE(self->line);
	EXPECT_EQ(0x02, IN(2));
	EXPECT_FALSE(self->line);
	EXPECT_EQ(0x01, IN(2));
	OUT(0, 'x');
	EXPECT_EQ(2, self->edges);
	/* Two bytes without a look at IIR: an edge for each */
	OUT(0, 'y');
	EXPECT_EQ(3, self->edges);
	OUT(1, 0);
	EXPECT_FALSE(self->line);
}

TEST_F(serial, receives_through_the_fifo)
{
	unsigned int i;

	OUT(2, 1);
	OUT(1, 0x01);
	EXPECT_EQ(SERIAL_FIFO_SIZE, serial_room(&self->s));
	for (i = 0; i < SERIAL_FIFO_SIZE; i++)
		serial_receive(&self->s, 'a' + i);
	EXPECT_EQ(0, serial_room(&self->s));
	EXPECT_TRUE(self->line);
	EXPECT_EQ(0xc4, IN(2));
	EXPECT_EQ(0x61, IN(5));
	for (i = 0; i < SERIAL_FIFO_SIZE; i++) {
		EXPECT_EQ('a' + i, IN(0));
	}
	EXPECT_EQ(0x60, IN(5));
	EXPECT_FALSE(self->line);
	EXPECT_EQ(0, IN(0));
}

TEST_F(serial, one_byte_too_many_is_an_overrun)
{
	OUT(1, 0x05);
	serial_receive(&self->s, '1');
	serial_receive(&self->s, '2');
	EXPECT_EQ(0x06, IN(2));
	EXPECT_EQ(0x63, IN(5));
	EXPECT_EQ(0x61, IN(5));
	EXPECT_EQ('1', IN(0));
	EXPECT_EQ(0x60, IN(5));
}

TEST_F(serial, fifo_control_clears_what_was_received)
{
	OUT(2, 1);
	serial_receive(&self->s, '1');
	OUT(2, 3);
	EXPECT_EQ(0x60, IN(5));
	serial_receive(&self->s, '1');
	OUT(2, 0);
	EXPECT_EQ(0x60, IN(5));
}

TEST_F(serial, loop_back_keeps_bytes_inside)
{
	OUT(4, 0x10);
	OUT(0, 'l');
	EXPECT_EQ(0, self->sent_count);
	EXPECT_EQ('l', IN(0));
	serial_receive(&self->s, 'x');
	EXPECT_EQ(0x60, IN(5));
	EXPECT_EQ(0, serial_room(&self->s));
}

TEST_F(serial, wide_accesses_do_nothing)
{
	serial_ops.write(&self->s, 0, 2, 0x4141);
	EXPECT_EQ(0, self->sent_count);
	EXPECT_EQ(~0ULL, serial_ops.read(&self->s, 0, 4));
}

/* ---- The I/O APIC ---- */

FIXTURE(ioapic) {
	struct ioapic io;
	struct ioapic_message msg;
	unsigned int count;
};

static void on_message(void *context, const struct ioapic_message *msg)
{
	struct ioapic_fixture_data *self = context;

	self->msg = *msg;
	self->count++;
}

FIXTURE_SETUP(ioapic)
{
	self->io.deliver = on_message;
	self->io.context = self;
	ioapic_init(&self->io);
}

FIXTURE_TEARDOWN(ioapic)
{
}

static void write_index(struct ioapic *io, unsigned int index, uint32_t value)
{
	ioapic_ops.write(io, 0, 4, index);
	ioapic_ops.write(io, 0x10, 4, value);
}

static uint32_t read_index(struct ioapic *io, unsigned int index)
{
	ioapic_ops.write(io, 0, 4, index);
	return ioapic_ops.read(io, 0x10, 4);
}

static void write_entry(struct ioapic *io, unsigned int pin, uint64_t entry)
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
	EXPECT_EQ(0, read_index(&self->io, 0x10 + 2 * IOAPIC_PINS));
	write_index(&self->io, 0x10 + 2 * IOAPIC_PINS, 0xffffffff);
	write_entry(&self->io, 23, ~0ULL);
	EXPECT_EQ(0x0001afff, read_index(&self->io, 0x10 + 46)) {
		TH_LOG("delivery status and remote IRR cannot be written");
	}
	EXPECT_EQ(0xff000000, read_index(&self->io, 0x11 + 46));
	EXPECT_EQ(0, ioapic_ops.read(&self->io, 0x20, 4));
}

TEST_F(ioapic, an_edge_is_delivered_once)
{
	write_entry(&self->io, 4, 0x0200000000000931ULL);	/* lowest priority, logical, 2 */
	ioapic_set_line(&self->io, 4, true);
	ASSERT_EQ(1, self->count);
	EXPECT_EQ(0x31, self->msg.vector);
	EXPECT_EQ(1, self->msg.delivery_mode);
	EXPECT_TRUE(self->msg.logical);
	EXPECT_FALSE(self->msg.level);
	EXPECT_EQ(2, self->msg.destination);
	ioapic_set_line(&self->io, 4, true);
	EXPECT_EQ(1, self->count);
	ioapic_set_line(&self->io, 4, false);
	ioapic_set_line(&self->io, 4, true);
	EXPECT_EQ(2, self->count);
}

TEST_F(ioapic, masked_pins_are_silent)
{
	ioapic_set_line(&self->io, 4, true);
	write_entry(&self->io, 5, 0x18031);
	ioapic_set_line(&self->io, 5, true);
	EXPECT_EQ(0, self->count);
	EXPECT_FALSE(ioapic_in_use(&self->io));
	/* A level that is still there when the mask goes is delivered then. */
	write_entry(&self->io, 5, 0x8031);
	EXPECT_EQ(1, self->count);
	EXPECT_TRUE(ioapic_in_use(&self->io));
}

TEST_F(ioapic, a_level_is_delivered_again_after_each_eoi)
{
	write_entry(&self->io, 9, 0x8051);
	ioapic_set_line(&self->io, 9, true);
	ASSERT_EQ(1, self->count);
	EXPECT_TRUE(self->msg.level);
	EXPECT_EQ(0xc051, read_index(&self->io, 0x10 + 18)) TH_LOG("remote IRR");
	ioapic_set_line(&self->io, 9, true);
	EXPECT_EQ(1, self->count);
	ioapic_eoi(&self->io, 0x52);
	EXPECT_EQ(1, self->count);
	ioapic_eoi(&self->io, 0x51);
	EXPECT_EQ(2, self->count);
	ioapic_set_line(&self->io, 9, false);
	ioapic_eoi(&self->io, 0x51);
	EXPECT_EQ(2, self->count);
	EXPECT_EQ(0x8051, read_index(&self->io, 0x10 + 18));
	ioapic_set_line(&self->io, 9, true);
	EXPECT_EQ(3, self->count);
	/* Linux's way to clear remote IRR by hand */
	write_entry(&self->io, 9, 0x10051);
	EXPECT_EQ(0x10051, read_index(&self->io, 0x10 + 18));
}

static void on_change(void *context)
{
	struct ioapic_fixture_data *self = context;

	self->count++;
}

TEST_F(ioapic, tells_whoever_delivers_a_pin_himself)
{
	struct ioapic_message msg;

	self->io.changed = on_change;
	EXPECT_FALSE(ioapic_message_of(&self->io, 16, &msg));
	write_entry(&self->io, 16, 0x0300000000000941ULL);
	EXPECT_EQ(2, self->count) TH_LOG("once for each half");
	EXPECT_TRUE(ioapic_message_of(&self->io, 16, &msg));
	EXPECT_EQ(0x41, msg.vector);
	EXPECT_EQ(1, msg.delivery_mode);
	EXPECT_TRUE(msg.logical);
	EXPECT_EQ(3, msg.destination);
	write_entry(&self->io, 16, 0x10041);
	EXPECT_FALSE(ioapic_message_of(&self->io, 16, &msg));
}

/* ---- The clock ---- */

static time_t fake_now(void)
{
	return 951782399;	/* 2000-02-28 23:59:59, a Monday */
}

TEST(cmos_shows_the_time_in_bcd)
{
	static const struct {
		uint8_t reg, value;
	} expected[] = {
		{ 0x00, 0x59 }, { 0x02, 0x59 }, { 0x04, 0x23 }, { 0x06, 2 }, { 0x07, 0x28 },
		{ 0x08, 0x02 }, { 0x09, 0x00 }, { 0x32, 0x20 }, { 0x0a, 0x26 }, { 0x0b, 0x02 },
		{ 0x0c, 0 }, { 0x0d, 0x80 },
	};
	struct cmos cmos = { .now = fake_now };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(expected); i++) {
		cmos_ops.write(&cmos, 0, 1, expected[i].reg | 0x80);
		EXPECT_EQ(expected[i].value, cmos_ops.read(&cmos, 1, 1)) {
			TH_LOG("register 0x%x", expected[i].reg);
		}
	}
	EXPECT_EQ(~0ULL, cmos_ops.read(&cmos, 0, 1));
}

/* ---- Power ---- */

static unsigned int events, last_event, last_value;

static void on_power(void *context, enum power_event event, unsigned int value)
{
	(void)context;
	events++;
	last_event = event;
	last_value = value;
}

TEST(power_ports_of_a_machine)
{
	struct power power = { .event = on_power };
	struct bus ports = { 0 };

	ASSERT_EQ(0, power_add_machine(&power, &ports));
	bus_write(&ports, ACPI_SLEEP_CONTROL_PORT, 1, 5 << 2);	/* without enable */
	bus_write(&ports, ACPI_SLEEP_CONTROL_PORT, 1, 1 << 2 | 0x20);	/* not S5 */
	bus_write(&ports, ACPI_RESET_PORT, 1, 2);
	bus_write(&ports, KEYBOARD_PORT, 1, 0xd1);
	bus_write(&ports, PCI_RESET_PORT, 1, 2);
	EXPECT_EQ(0, events);
	EXPECT_EQ(0, bus_read(&ports, KEYBOARD_PORT, 1));
	EXPECT_EQ(1, bus_read(&ports, PVPANIC_PORT, 1));

	bus_write(&ports, ACPI_SLEEP_CONTROL_PORT, 1, 5 << 2 | 0x20);
	EXPECT_EQ(POWER_OFF, last_event);
	bus_write(&ports, ACPI_RESET_PORT, 1, 1);
	EXPECT_EQ(POWER_RESET, last_event);
	bus_write(&ports, PVPANIC_PORT, 1, 1);
	EXPECT_EQ(POWER_PANIC, last_event);
	bus_write(&ports, KEYBOARD_PORT, 1, 0xfe);
	EXPECT_EQ(POWER_RESET, last_event);
	bus_write(&ports, PCI_RESET_PORT, 1, 6);
	EXPECT_EQ(5, events);
}

TEST(exit_port_of_a_flat_guest)
{
	struct power power = { .event = on_power };
	struct bus ports = { 0 };

	ASSERT_EQ(0, power_add_flat(&power, &ports));
	bus_write(&ports, FLAT_EXIT_PORT, 4, 0x1234);
	EXPECT_EQ(POWER_EXIT, last_event);
	EXPECT_EQ(0x34, last_value);
}

TEST_HARNESS_MAIN
