/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * libmshv: an I/O APIC: interrupt lines in, messages to a partition's local APICs
 * out. The hypervisor has local APICs, and leaves this one to the VMM.
 */
#ifndef MSHV_IOAPIC_H
#define MSHV_IOAPIC_H

#include <mshv/bus.h>

#ifdef __cplusplus
extern "C" {
#endif

#define MSHV_IOAPIC_BASE	0xfec00000ULL
#define MSHV_IOAPIC_SIZE	0x1000ULL
#define MSHV_IOAPIC_PINS	24

/**
 * struct mshv_ioapic_state - what an I/O APIC has in it, to be saved as it is
 * @entries: redirection table
 * @lines: the lines that are active, one bit a pin
 * @id: its APIC ID
 * @selected: index of the register that the window shows
 * @reserved: zero
 */
struct mshv_ioapic_state {
	uint64_t entries[MSHV_IOAPIC_PINS];
	uint32_t lines;
	uint8_t id;
	uint8_t selected;
	uint8_t reserved[2];
};

/**
 * struct mshv_ioapic - an I/O APIC
 * @changed: called after each change of the redirection table, or NULL
 * @context: passed on to it
 * @partition: file descriptor of the partition that is interrupted
 * @state: what it has in it
 *
 * The caller's lock guards it: that of struct mshv_space, if it is in one.
 */
struct mshv_ioapic {
	void (*changed)(void *context);
	void *context;
	int partition;
	struct mshv_ioapic_state state;
};

/* Its registers, to be put at MSHV_IOAPIC_BASE */
extern const struct mshv_device_ops mshv_ioapic_ops;

/**
 * mshv_ioapic_init() - an I/O APIC as it is after a reset
 * @ioapic: what to fill in; the caller sets @changed and @context after that
 * @partition: file descriptor of the partition
 */
void mshv_ioapic_init(struct mshv_ioapic *ioapic, int partition);

/**
 * mshv_ioapic_set_line() - a device raises or lowers its line
 * @ioapic: the I/O APIC
 * @pin: the line, below MSHV_IOAPIC_PINS
 * @level: true: active
 */
void mshv_ioapic_set_line(struct mshv_ioapic *ioapic, unsigned int pin, bool level);

/**
 * mshv_ioapic_eoi() - the guest has ended a level-triggered interrupt
 * @ioapic: the I/O APIC
 * @vector: its vector
 */
void mshv_ioapic_eoi(struct mshv_ioapic *ioapic, uint8_t vector);

/**
 * mshv_ioapic_route() - a pin's interrupts as MSIs, for an irqfd
 * @ioapic: the I/O APIC
 * @pin: the pin, below MSHV_IOAPIC_PINS
 * @route: entry for mshv_set_msi_routing(); its GSI is the pin
 *
 * A device whose interrupts come so does not use mshv_ioapic_set_line().
 *
 * Return: false if the pin is masked.
 */
bool mshv_ioapic_route(const struct mshv_ioapic *ioapic, unsigned int pin,
		       struct mshv_user_irq_entry *route);

/**
 * mshv_ioapic_in_use() - does the guest expect interrupts
 * @ioapic: the I/O APIC
 *
 * Return: true if any pin is not masked.
 */
bool mshv_ioapic_in_use(const struct mshv_ioapic *ioapic);

#ifdef __cplusplus
}
#endif

#endif /* MSHV_IOAPIC_H */
