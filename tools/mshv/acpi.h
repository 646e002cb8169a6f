/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The ACPI tables that tell a guest what its machine has.
 */
#ifndef MSHV_ACPI_H
#define MSHV_ACPI_H

#include <stddef.h>
#include <stdint.h>

/* Where the tables go: where a BIOS has them, and where guests look for the RSDP */
#define ACPI_BASE	0xe0000ULL
#define ACPI_SIZE	0x20000ULL

/**
 * acpi_write_tables() - write RSDP, XSDT, FADT, MADT and DSDT
 * @mem: ACPI_SIZE bytes of the guest's memory at ACPI_BASE
 * @cpus: number of processors; their APIC IDs are 0 to @cpus - 1
 *
 * The machine is a hardware-reduced one: no PIC, no PIT, no PM timer.
 *
 * Return: guest physical address of the RSDP.
 */
uint64_t acpi_write_tables(void *mem, unsigned int cpus);

#endif /* MSHV_ACPI_H */
