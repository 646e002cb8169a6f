// SPDX-License-Identifier: GPL-2.0-only
/*
 * The device models, one register at a time.
 */
#include <sys/eventfd.h>

#include "builtin.h"
#include "no_ioctl.h"
#include "vm.h"

#include "kselftest_harness.h"

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
	EXPECT_EQ(0x1234, self->s.state.divisor);
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

/* ---- The clock ---- */

static time_t fake_now(time_t *also)
{
	(void)also;
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

FIXTURE(power) {
	struct vm_config config;
	struct vm vm;
};

FIXTURE_SETUP(power)
{
	self->vm.config = &self->config;
	self->vm.end_event = eventfd(0, EFD_NONBLOCK);
	ASSERT_LE(0, self->vm.end_event);
	pthread_mutex_init(&self->vm.end_lock, NULL);
}

FIXTURE_TEARDOWN(power)
{
	close(self->vm.end_event);
}

/* What a write to a port ends the machine with; -1: with nothing */
static int ended_by(struct vm *vm, uint16_t port, unsigned int size, uint32_t value)
{
	vm->ended = false;
	vm->status = -1;
	mshv_bus_write(&vm->space.ports, port, size, value);
	return vm->status;
}

TEST_F(power, ports_of_a_machine)
{
	struct vm *vm = &self->vm;

	ASSERT_EQ(0, power_add(vm));
	EXPECT_EQ(-1, ended_by(vm, ACPI_SLEEP_CONTROL_PORT, 1, 5 << 2)) TH_LOG("without enable");
	EXPECT_EQ(-1, ended_by(vm, ACPI_SLEEP_CONTROL_PORT, 1, 1 << 2 | 0x20)) TH_LOG("not S5");
	EXPECT_EQ(-1, ended_by(vm, ACPI_RESET_PORT, 1, 2));
	EXPECT_EQ(-1, ended_by(vm, KEYBOARD_PORT, 1, 0xd1));
	EXPECT_EQ(-1, ended_by(vm, PCI_RESET_PORT, 1, 2));
	EXPECT_EQ(0, mshv_bus_read(&vm->space.ports, KEYBOARD_PORT, 1));
	EXPECT_EQ(1, mshv_bus_read(&vm->space.ports, PVPANIC_PORT, 1));

	EXPECT_EQ(STATUS_OK, ended_by(vm, ACPI_SLEEP_CONTROL_PORT, 1, 5 << 2 | 0x20));
	EXPECT_EQ(STATUS_GUEST_RESET, ended_by(vm, ACPI_RESET_PORT, 1, 1));
	EXPECT_EQ(STATUS_GUEST_PANIC, ended_by(vm, PVPANIC_PORT, 1, 1));
	EXPECT_EQ(STATUS_GUEST_RESET, ended_by(vm, KEYBOARD_PORT, 1, 0xfe));
	EXPECT_EQ(STATUS_GUEST_RESET, ended_by(vm, PCI_RESET_PORT, 1, 6));
	EXPECT_EQ(-1, ended_by(vm, FLAT_EXIT_PORT, 1, 0)) TH_LOG("a flat guest's");
}

TEST_F(power, exit_port_of_a_flat_guest)
{
	self->config.flat = true;
	ASSERT_EQ(0, power_add(&self->vm));
	EXPECT_EQ(0x34, ended_by(&self->vm, FLAT_EXIT_PORT, 4, 0x1234));
	EXPECT_EQ(-1, ended_by(&self->vm, ACPI_RESET_PORT, 1, 1)) TH_LOG("a machine's");
}

/* What comes after the end does not count, but for a panic that explains a reset. */
TEST_F(power, the_first_end_is_the_one_that_counts)
{
	struct vm *vm = &self->vm;

	vm_end(vm, STATUS_GUEST_RESET, "reset");
	vm_end(vm, STATUS_OK, "off");
	EXPECT_EQ(STATUS_GUEST_RESET, vm->status);
	vm_end(vm, STATUS_GUEST_PANIC, "panic");
	EXPECT_EQ(STATUS_GUEST_PANIC, vm->status);
	EXPECT_STREQ("panic", vm->reason);
	vm_end(vm, STATUS_GUEST_PANIC, "another");
	EXPECT_STREQ("panic", vm->reason);
	vm->ended = false;
	vm_end(vm, STATUS_OK, "off");
	vm_end(vm, STATUS_GUEST_PANIC, "panic");
	EXPECT_EQ(STATUS_OK, vm->status);
}

TEST_HARNESS_MAIN
