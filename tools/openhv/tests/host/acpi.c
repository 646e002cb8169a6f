// SPDX-License-Identifier: GPL-2.0-only
/*
 * ACPI where it is not what is tested: a machine that stays on.
 */
#include <openhv/acpi.h>

#include "acpi_host.h"

u8 host_sleep_types[2];
u32 host_power_offs;

paddr_t acpi_rsdp(void *room)
{
	(void)room;
	return HOST_RSDP;
}

void acpi_set_sleep_type(u8 pm1a, u8 pm1b)
{
	host_sleep_types[0] = pm1a;
	host_sleep_types[1] = pm1b;
}

bool acpi_power_off(void)
{
	host_power_offs++;
	return false;
}
