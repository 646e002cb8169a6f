/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The ACPI tables that tell a guest what its machine has.
 */
#ifndef MSHV_ACPI_H
#define MSHV_ACPI_H

#include "layout.h"

/**
 * acpi_write_tables() - write RSDP, XSDT, FADT, MADT and DSDT
 * @mem: ACPI_SIZE bytes of the guest's memory at ACPI_BASE; it begins with the RSDP
 * @cpus: number of processors; their APIC IDs are 0 to @cpus - 1
 */
void acpi_write_tables(void *mem, unsigned int cpus);

#endif /* MSHV_ACPI_H */
