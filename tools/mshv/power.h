/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The ways a guest ends itself: ACPI sleep and reset registers, the keyboard
 * controller's reset, port 0xCF9, the pvpanic port, and a flat guest's exit port.
 */
#ifndef MSHV_POWER_H
#define MSHV_POWER_H

#include <stdint.h>

#include "bus.h"

/* ACPI hardware-reduced registers; acpi.c puts these into the FADT. */
#define ACPI_SLEEP_CONTROL_PORT	0x600
#define ACPI_SLEEP_STATUS_PORT	0x601
#define ACPI_RESET_PORT		0x602
#define ACPI_PORTS		3
#define ACPI_RESET_VALUE	1
#define ACPI_SLEEP_TYPE_S5	5	/* dsdt.asl has it in _S5 */

#define PVPANIC_PORT		0x505	/* dsdt.asl has it too */
#define KEYBOARD_PORT		0x64
#define PCI_RESET_PORT		0xcf9
#define FLAT_EXIT_PORT		0xf4

enum power_event {
	POWER_OFF,
	POWER_RESET,
	POWER_PANIC,	/* the guest's kernel says that it has panicked */
	POWER_EXIT,	/* a flat guest ends, with a status */
};

/**
 * struct power - what listens to a guest that ends itself
 * @event: called with what the guest wants; @value is the status of POWER_EXIT
 * @context: passed on to it
 */
struct power {
	void (*event)(void *context, enum power_event event, unsigned int value);
	void *context;
};

/**
 * power_add_machine() - put the ports of a whole machine on the bus
 * @power: the listener
 * @ports: the bus
 *
 * Return: 0, or -1 if there is no room.
 */
int power_add_machine(struct power *power, struct bus *ports);

/**
 * power_add_flat() - put a flat guest's exit port on the bus
 * @power: the listener
 * @ports: the bus
 *
 * Return: 0, or -1 if there is no room.
 */
int power_add_flat(struct power *power, struct bus *ports);

#endif /* MSHV_POWER_H */
