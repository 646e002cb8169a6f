/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The ways a guest ends itself: ACPI sleep and reset registers, the keyboard
 * controller's reset, port 0xCF9, the pvpanic port, and a flat guest's exit port.
 */
#ifndef MSHV_POWER_H
#define MSHV_POWER_H

#include <mshv/bus.h>

#include "layout.h"

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
 * @ports: each port, or the first of several, with the listener
 */
struct power {
	void (*event)(void *context, enum power_event event, unsigned int value);
	void *context;
	struct power_port {
		struct power *power;
		uint16_t port;
	} ports[4];
};

/**
 * power_add() - put the ports on the bus
 * @power: the listener
 * @ports: the bus
 * @flat: it is a flat guest, which has an exit port and no other
 *
 * Return: 0 or a negative errno.
 */
int power_add(struct power *power, struct mshv_bus *ports, bool flat);

#endif /* MSHV_POWER_H */
