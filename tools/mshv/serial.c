// SPDX-License-Identifier: GPL-2.0-only
/*
 * A 16550A UART (National Semiconductor PC16550D data sheet). Sending takes no
 * time, the line has no errors, and the modem at its other end is always ready.
 */
#include "serial.h"

enum {
	REG_DATA	= 0,	/* with LCR_DLAB: divisor, low byte */
	REG_IER		= 1,	/* with LCR_DLAB: divisor, high byte */
	REG_IIR_FCR	= 2,
	REG_LCR		= 3,
	REG_MCR		= 4,
	REG_LSR		= 5,
	REG_MSR		= 6,
	REG_SCR		= 7,
};

#define IER_RECEIVED		0x01
#define IER_TRANSMITTED		0x02
#define IER_LINE_STATUS		0x04
#define IER_VALID		0x0f

#define IIR_NONE		0x01
#define IIR_TRANSMITTED		0x02
#define IIR_RECEIVED		0x04
#define IIR_LINE_STATUS		0x06
#define IIR_FIFO		0xc0

#define FCR_ENABLE		0x01
#define FCR_CLEAR_RECEIVER	0x02
#define FCR_STAYS		0xc9	/* enable, DMA mode, trigger level */

#define LCR_DLAB		0x80

#define MCR_DTR			0x01
#define MCR_RTS			0x02
#define MCR_OUT1		0x04
#define MCR_OUT2		0x08
#define MCR_LOOP		0x10
#define MCR_VALID		0x1f

#define LSR_DATA_READY		0x01
#define LSR_OVERRUN		0x02
#define LSR_TRANSMITTER_EMPTY	0x60	/* holding register and shift register */

#define MSR_CTS			0x10
#define MSR_DSR			0x20
#define MSR_RI			0x40
#define MSR_DCD			0x80

void serial_init(struct serial *serial)
{
	serial->state = (struct serial_state){
		.divisor = 12,		/* 9600 baud */
		.lcr = 0x03,
		.mcr = MCR_OUT2,
	};
}

/* The interrupt of the highest priority that is due and enabled */
static uint8_t pending_interrupt(const struct serial *serial)
{
	if ((serial->state.ier & IER_LINE_STATUS) && serial->state.overrun)
		return IIR_LINE_STATUS;
	if ((serial->state.ier & IER_RECEIVED) && serial->state.count)
		return IIR_RECEIVED;
	if ((serial->state.ier & IER_TRANSMITTED) && serial->state.thr_interrupt)
		return IIR_TRANSMITTED;
	return IIR_NONE;
}

static void update_irq(struct serial *serial)
{
	bool level = pending_interrupt(serial) != IIR_NONE;

	if (level != serial->state.irq) {
		serial->state.irq = level;
		serial->set_irq(serial->context, level);
	}
}

static unsigned int fifo_size(const struct serial *serial)
{
	return serial->state.fcr & FCR_ENABLE ? SERIAL_FIFO_SIZE : 1;
}

unsigned int serial_room(const struct serial *serial)
{
	unsigned int size = fifo_size(serial);

	/* In loop-back mode nothing reaches the receiver from outside. */
	if (serial->state.mcr & MCR_LOOP || serial->state.count >= size)
		return 0;
	return size - serial->state.count;
}

static void fifo_put(struct serial *serial, uint8_t byte)
{
	if (serial->state.count >= fifo_size(serial)) {
		serial->state.overrun = true;
		return;
	}
	serial->state.fifo[(serial->state.head + serial->state.count) % SERIAL_FIFO_SIZE] = byte;
	serial->state.count++;
}

static uint8_t fifo_get(struct serial *serial)
{
	uint8_t byte;

	if (!serial->state.count)
		return 0;
	byte = serial->state.fifo[serial->state.head];
	serial->state.head = (serial->state.head + 1) % SERIAL_FIFO_SIZE;
	serial->state.count--;
	return byte;
}

void serial_receive(struct serial *serial, uint8_t byte)
{
	if (serial->state.mcr & MCR_LOOP)
		return;
	fifo_put(serial, byte);
	update_irq(serial);
}

static uint8_t modem_status(const struct serial *serial)
{
	uint8_t mcr = serial->state.mcr, msr = 0;

	if (!(mcr & MCR_LOOP))
		return MSR_CTS | MSR_DSR | MSR_DCD;
	msr |= mcr & MCR_RTS ? MSR_CTS : 0;
	msr |= mcr & MCR_DTR ? MSR_DSR : 0;
	msr |= mcr & MCR_OUT1 ? MSR_RI : 0;
	msr |= mcr & MCR_OUT2 ? MSR_DCD : 0;
	return msr;
}

static uint8_t line_status(struct serial *serial)
{
	uint8_t lsr = LSR_TRANSMITTER_EMPTY;

	lsr |= serial->state.count ? LSR_DATA_READY : 0;
	lsr |= serial->state.overrun ? LSR_OVERRUN : 0;
	serial->state.overrun = false;	/* reading takes the error back */
	return lsr;
}

static uint8_t interrupt_identification(struct serial *serial)
{
	uint8_t iir = pending_interrupt(serial);

	if (iir == IIR_TRANSMITTED)
		serial->state.thr_interrupt = false;
	return iir | (serial->state.fcr & FCR_ENABLE ? IIR_FIFO : 0);
}

static uint64_t serial_read(void *device, uint64_t offset, unsigned int size)
{
	struct serial *serial = device;
	bool dlab = serial->state.lcr & LCR_DLAB;
	uint8_t value = 0xff;

	if (size != 1)
		return ~0ULL;
	switch (offset) {
	case REG_DATA:
		value = dlab ? serial->state.divisor & 0xff : fifo_get(serial);
		break;
	case REG_IER:
		value = dlab ? serial->state.divisor >> 8 : serial->state.ier;
		break;
	case REG_IIR_FCR:
		value = interrupt_identification(serial);
		break;
	case REG_LCR:
		value = serial->state.lcr;
		break;
	case REG_MCR:
		value = serial->state.mcr;
		break;
	case REG_LSR:
		value = line_status(serial);
		break;
	case REG_MSR:
		value = modem_status(serial);
		break;
	case REG_SCR:
		value = serial->state.scr;
		break;
	}
	update_irq(serial);
	return value;
}

static void transmit(struct serial *serial, uint8_t byte)
{
	if (serial->state.mcr & MCR_LOOP)
		fifo_put(serial, byte);
	else
		serial->output(serial->context, byte);

	/* The line falls and rises again, so that an edge is seen for each byte. */
	serial->state.thr_interrupt = false;
	update_irq(serial);
	serial->state.thr_interrupt = true;
}

static void set_fifo_control(struct serial *serial, uint8_t value)
{
	/* Switching the FIFOs on or off empties them. */
	if (value & FCR_CLEAR_RECEIVER || (value ^ serial->state.fcr) & FCR_ENABLE)
		serial->state.count = 0;
	serial->state.fcr = value & FCR_ENABLE ? value & FCR_STAYS : 0;
}

static void serial_write(void *device, uint64_t offset, unsigned int size, uint64_t value)
{
	struct serial *serial = device;
	uint8_t byte = value;

	if (size != 1)
		return;
	switch (offset) {
	case REG_DATA:
		if (serial->state.lcr & LCR_DLAB)
			serial->state.divisor = (serial->state.divisor & 0xff00) | byte;
		else
			transmit(serial, byte);
		break;
	case REG_IER:
		if (serial->state.lcr & LCR_DLAB) {
			serial->state.divisor = (serial->state.divisor & 0xff) | byte << 8;
			break;
		}
		/* Enabling the interrupt of an empty transmitter raises it. */
		if (byte & ~serial->state.ier & IER_TRANSMITTED)
			serial->state.thr_interrupt = true;
		serial->state.ier = byte & IER_VALID;
		break;
	case REG_IIR_FCR:
		set_fifo_control(serial, byte);
		break;
	case REG_LCR:
		serial->state.lcr = byte;
		break;
	case REG_MCR:
		serial->state.mcr = byte & MCR_VALID;
		break;
	case REG_SCR:
		serial->state.scr = byte;
		break;
	}
	update_irq(serial);
}

const struct mshv_device_ops serial_ops = { .read = serial_read, .write = serial_write };
