/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A 16550A UART.
 */
#ifndef MSHV_SERIAL_H
#define MSHV_SERIAL_H

#include <mshv/bus.h>

#define SERIAL_PORTS		8	/* how many ports it has */
#define SERIAL_FIFO_SIZE	16

/* What a UART has in it; a snapshot has it just so. */
struct serial_state {
	uint16_t divisor;
	uint8_t ier, fcr, lcr, mcr, scr;
	uint8_t thr_interrupt;		/* the transmitter is empty, and the guest was not told */
	uint8_t overrun;
	uint8_t irq;			/* level of the interrupt line */
	uint8_t fifo[SERIAL_FIFO_SIZE];	/* received */
	uint8_t head, count;
};

/*
 * A UART. The caller sets output, which is called with each byte that the guest
 * sends, set_irq, which is called when the interrupt line changes, and context,
 * which is passed on to both, and guards all of it by a lock.
 */
struct serial {
	void (*output)(void *context, uint8_t byte);
	void (*set_irq)(void *context, bool level);
	void *context;
	struct serial_state state;
};

extern const struct mshv_device_ops serial_ops;

/**
 * serial_init() - reset a UART
 * @serial: the UART; its callbacks are set
 */
void serial_init(struct serial *serial);

/**
 * serial_room() - how many bytes can be received now
 * @serial: the UART
 *
 * Return: a number of bytes.
 */
unsigned int serial_room(const struct serial *serial);

/**
 * serial_receive() - a byte comes in
 * @serial: the UART
 * @byte: the byte; without room it is lost, as on a real line
 */
void serial_receive(struct serial *serial, uint8_t byte);

#endif /* MSHV_SERIAL_H */
