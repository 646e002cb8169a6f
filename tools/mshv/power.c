// SPDX-License-Identifier: GPL-2.0-only
/*
 * The ways a guest ends itself.
 */
#include "power.h"

/* Sleep control and status registers (ACPI 6.4, section 4.8.3.7) */
#define SLEEP_TYPE_SHIFT	2
#define SLEEP_TYPE_MASK		7
#define SLEEP_ENABLE		0x20
#define SLEEP_STATUS_WAKE	0x80

/* Keyboard controller: pulse the reset line; its status says that it is never busy. */
#define KEYBOARD_RESET		0xfe
#define KEYBOARD_IDLE		0x00

#define PCI_RESET_CPU		0x04

/* pvpanic: what the device understands, and the event of a panic (QEMU, docs/specs/pvpanic) */
#define PVPANIC_PANICKED	0x01

static uint64_t acpi_read(void *device, uint64_t offset, unsigned int size)
{
	(void)device;
	(void)size;
	return offset == ACPI_SLEEP_STATUS_PORT - ACPI_SLEEP_CONTROL_PORT ? SLEEP_STATUS_WAKE : 0;
}

static void acpi_write(void *device, uint64_t offset, unsigned int size, uint64_t value)
{
	struct power *power = device;

	(void)size;
	switch (offset + ACPI_SLEEP_CONTROL_PORT) {
	case ACPI_SLEEP_CONTROL_PORT:
		if (value & SLEEP_ENABLE &&
		    (value >> SLEEP_TYPE_SHIFT & SLEEP_TYPE_MASK) == ACPI_SLEEP_TYPE_S5)
			power->event(power->context, POWER_OFF, 0);
		break;
	case ACPI_RESET_PORT:
		if ((value & 0xff) == ACPI_RESET_VALUE)
			power->event(power->context, POWER_RESET, 0);
		break;
	}
}

static const struct device_ops acpi_ops = { .read = acpi_read, .write = acpi_write };

static uint64_t keyboard_read(void *device, uint64_t offset, unsigned int size)
{
	(void)device;
	(void)offset;
	(void)size;
	return KEYBOARD_IDLE;
}

static void keyboard_write(void *device, uint64_t offset, unsigned int size, uint64_t value)
{
	struct power *power = device;

	(void)offset;
	(void)size;
	if ((value & 0xff) == KEYBOARD_RESET)
		power->event(power->context, POWER_RESET, 0);
}

static const struct device_ops keyboard_ops = { .read = keyboard_read, .write = keyboard_write };

static void pci_reset_write(void *device, uint64_t offset, unsigned int size, uint64_t value)
{
	struct power *power = device;

	(void)offset;
	(void)size;
	if (value & PCI_RESET_CPU)
		power->event(power->context, POWER_RESET, 0);
}

static const struct device_ops pci_reset_ops = { .write = pci_reset_write };

static uint64_t pvpanic_read(void *device, uint64_t offset, unsigned int size)
{
	(void)device;
	(void)offset;
	(void)size;
	return PVPANIC_PANICKED;
}

static void pvpanic_write(void *device, uint64_t offset, unsigned int size, uint64_t value)
{
	struct power *power = device;

	(void)offset;
	(void)size;
	if (value & PVPANIC_PANICKED)
		power->event(power->context, POWER_PANIC, 0);
}

static const struct device_ops pvpanic_ops = { .read = pvpanic_read, .write = pvpanic_write };

static void exit_write(void *device, uint64_t offset, unsigned int size, uint64_t value)
{
	struct power *power = device;

	(void)offset;
	(void)size;
	power->event(power->context, POWER_EXIT, value & 0xff);
}

static const struct device_ops exit_ops = { .write = exit_write };

int power_add_machine(struct power *power, struct bus *ports)
{
	if (bus_add(ports, ACPI_SLEEP_CONTROL_PORT, ACPI_PORTS, &acpi_ops, power) ||
	    bus_add(ports, KEYBOARD_PORT, 1, &keyboard_ops, power) ||
	    bus_add(ports, PCI_RESET_PORT, 1, &pci_reset_ops, power) ||
	    bus_add(ports, PVPANIC_PORT, 1, &pvpanic_ops, power))
		return -1;
	return 0;
}

int power_add_flat(struct power *power, struct bus *ports)
{
	return bus_add(ports, FLAT_EXIT_PORT, 4, &exit_ops, power);
}
