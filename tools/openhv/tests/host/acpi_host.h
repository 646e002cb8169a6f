/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the tests see of the machine's power.
 */
#ifndef HOST_ACPI_HOST_H
#define HOST_ACPI_HOST_H

#include <openhv/types.h>

/* Where acpi_rsdp() says that the root pointer is */
#define HOST_RSDP	0xE0000UL

/* What acpi_set_sleep_type() was last told */
extern u8 host_sleep_types[2];
/* Calls of acpi_power_off() */
extern u32 host_power_offs;

#endif /* HOST_ACPI_HOST_H */
