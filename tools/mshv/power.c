// SPDX-License-Identifier: GPL-2.0-only
/*
 * The ways a guest ends itself: ACPI sleep and reset registers, the keyboard
 * controller's reset, port 0xCF9, the pvpanic port, and a flat guest's exit port.
 */
#include "builtin.h"
#include "vm.h"

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
	uint8_t byte = value;
	bool reset = false;

	switch (p->port + offset) {
	case ACPI_SLEEP_CONTROL_PORT:
		if (byte & SLEEP_ENABLE &&
		    (byte >> SLEEP_TYPE_SHIFT & SLEEP_TYPE_MASK) == ACPI_SLEEP_TYPE_S5)
			vm_end(p->vm, STATUS_OK, "%s", "");
		break;
	case ACPI_RESET_PORT:
		reset = byte == ACPI_RESET_VALUE;
		break;
	case KEYBOARD_PORT:
		reset = byte == KEYBOARD_RESET;
		break;
	case PCI_RESET_PORT:
		reset = byte & PCI_RESET_CPU;
		break;
	case PVPANIC_PORT:
		if (byte & PVPANIC_PANICKED)
			vm_end(p->vm, STATUS_GUEST_PANIC, "guest panic");
		break;
	case FLAT_EXIT_PORT:
		vm_end(p->vm, byte, "%s", "");
		break;
	}
	if (reset)
		vm_end(p->vm, STATUS_GUEST_RESET, "the guest has asked for a reset");
}

static const struct mshv_device_ops power_ops = { .read = power_read, .write = power_write };

int power_add(struct vm *vm)
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
	struct power_port *p = vm->power;
	unsigned int i;
	int ret = 0;

	for (i = 0; !ret && i < ARRAY_SIZE(ports); i++) {
		if (ports[i].flat != vm->config->flat)
			continue;
		*p = (struct power_port){ vm, ports[i].port };
		ret = mshv_bus_add(&vm->space.ports, p->port, ports[i].count, &power_ops, p);
		p++;
	}
	return ret;
}
