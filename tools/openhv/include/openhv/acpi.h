/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ACPI tables, as far as openhv reads and changes them.
 */
#ifndef OPENHV_ACPI_H
#define OPENHV_ACPI_H

#include <openhv/types.h>

/**
 * acpi_init() - find the tables
 * @copy: the root pointer (36 bytes), or NULL to look for it where a BIOS puts it
 *
 * Refuses to start where there are none.
 */
void acpi_init(const void *copy);
/* Where root finds the root pointer; @room: 36 bytes of root's, for a copy. */
paddr_t acpi_rsdp(void *room);

/**
 * acpi_cpus() - the machine's usable processors
 * @ids: receives their APIC IDs, in the MADT's order
 * @max: room for
 *
 * Returns: how many there are
 */
u32 acpi_cpus(u32 *ids, u32 max);

/* Take a processor out of the MADT, so that root does not see it. */
void acpi_hide_cpu(u32 apic_id);

/* Take a table out, so that root does not use what it describes. */
void acpi_hide_table(const char *signature);

/* I/O port of the ACPI timer; 0: there is none */
u16 acpi_pm_timer(void);

/* Root has told the sleep types that mean S5. */
void acpi_set_sleep_type(u8 pm1a, u8 pm1b);
/* Returns: false if the machine is still on */
bool acpi_power_off(void);

#endif /* OPENHV_ACPI_H */
