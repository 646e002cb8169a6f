/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * An I/O APIC: interrupt lines in, messages to local APICs out.
 */
#ifndef MSHV_IOAPIC_H
#define MSHV_IOAPIC_H

#include <stdbool.h>
#include <stdint.h>

#include "bus.h"

#define IOAPIC_BASE	0xfec00000ULL
#define IOAPIC_SIZE	0x1000ULL
#define IOAPIC_PINS	24

/**
 * struct ioapic_message - what the I/O APIC tells the local APICs
 * @vector: the vector
 * @delivery_mode: 0 fixed, 1 lowest priority, 2 SMI, 4 NMI, 5 INIT, 7 ExtINT
 * @logical: @destination is a logical one, not an APIC ID
 * @level: level-triggered: an EOI comes back
 * @destination: APIC ID or logical destination
 */
struct ioapic_message {
	uint8_t vector;
	uint8_t delivery_mode;
	bool logical;
	bool level;
	uint8_t destination;
};

/*
 * An I/O APIC. The caller sets deliver, which is called for each interrupt;
 * changed, which is called after each change of the redirection table; and context,
 * which is passed on to them. The rest are registers, guarded by the caller's lock.
 */
struct ioapic {
	void (*deliver)(void *context, const struct ioapic_message *msg);
	void (*changed)(void *context);
	void *context;

	uint8_t id;
	uint8_t selected;
	uint32_t lines;			/* one bit a pin */
	uint64_t entries[IOAPIC_PINS];	/* redirection table */
};

extern const struct device_ops ioapic_ops;

/**
 * ioapic_init() - reset an I/O APIC
 * @ioapic: the I/O APIC; its callback is set
 */
void ioapic_init(struct ioapic *ioapic);

/**
 * ioapic_set_line() - a device raises or lowers its line
 * @ioapic: the I/O APIC
 * @pin: the line, below IOAPIC_PINS
 * @level: true: active
 */
void ioapic_set_line(struct ioapic *ioapic, unsigned int pin, bool level);

/**
 * ioapic_eoi() - the guest has ended a level-triggered interrupt
 * @ioapic: the I/O APIC
 * @vector: its vector
 */
void ioapic_eoi(struct ioapic *ioapic, uint8_t vector);

/**
 * ioapic_message_of() - what a pin's interrupts are, whoever delivers them
 * @ioapic: the I/O APIC
 * @pin: the pin, below IOAPIC_PINS
 * @msg: where it goes
 *
 * Return: false if the pin is masked.
 */
bool ioapic_message_of(const struct ioapic *ioapic, unsigned int pin, struct ioapic_message *msg);

/**
 * ioapic_in_use() - does the guest expect interrupts
 * @ioapic: the I/O APIC
 *
 * Return: true if any pin is not masked.
 */
bool ioapic_in_use(const struct ioapic *ioapic);

#endif /* MSHV_IOAPIC_H */
