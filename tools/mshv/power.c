// SPDX-License-Identifier: GPL-2.0-only
/*
 * The ways a guest ends itself.
 */
#include "power.h"
#include "util.h"

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

static uint64_t power_read(void *device, uint64_t offset, unsigned int size)
{
	const struct power_port *p = device;

	(void)size;
	switch (p->port + offset) {
	case ACPI_SLEEP_STATUS_PORT:
		return SLEEP_STATUS_WAKE;
	case KEYBOARD_PORT:
		return KEYBOARD_IDLE;
	case PVPANIC_PORT:
		return PVPANIC_PANICKED;
	default:
		return 0;
	}
}

static void power_write(void *device, uint64_t offset, unsigned int size, uint64_t value)
{
	const struct power_port *p = device;
	struct power *power = p->power;
	uint8_t byte = value;

	(void)size;
	switch (p->port + offset) {
	case ACPI_SLEEP_CONTROL_PORT:
		if (byte & SLEEP_ENABLE &&
		    (byte >> SLEEP_TYPE_SHIFT & SLEEP_TYPE_MASK) == ACPI_SLEEP_TYPE_S5)
			power->event(power->context, POWER_OFF, 0);
		break;
	case ACPI_RESET_PORT:
		if (byte == ACPI_RESET_VALUE)
			power->event(power->context, POWER_RESET, 0);
		break;
	case KEYBOARD_PORT:
		if (byte == KEYBOARD_RESET)
			power->event(power->context, POWER_RESET, 0);
		break;
	case PCI_RESET_PORT:
		if (byte & PCI_RESET_CPU)
			power->event(power->context, POWER_RESET, 0);
		break;
	case PVPANIC_PORT:
		if (byte & PVPANIC_PANICKED)
			power->event(power->context, POWER_PANIC, 0);
		break;
	case FLAT_EXIT_PORT:
		power->event(power->context, POWER_EXIT, byte);
		break;
	}
}

static const struct mshv_device_ops power_ops = { .read = power_read, .write = power_write };

int power_add(struct power *power, struct mshv_bus *bus, bool flat)
{
	static const struct {
		uint16_t port, count;
		bool flat;
	} ports[] = {
		{ ACPI_SLEEP_CONTROL_PORT, 3, false },	/* and status, and reset */
		{ KEYBOARD_PORT, 1, false },
		{ PCI_RESET_PORT, 1, false },
		{ PVPANIC_PORT, 1, false },
		{ FLAT_EXIT_PORT, 4, true },
	};
	struct power_port *p = power->ports;
	unsigned int i;
	int ret = 0;

	for (i = 0; !ret && i < ARRAY_SIZE(ports); i++) {
		if (ports[i].flat != flat)
			continue;
		*p = (struct power_port){ power, ports[i].port };
		ret = mshv_bus_add(bus, p->port, ports[i].count, &power_ops, p);
		p++;
	}
	return ret;
}
