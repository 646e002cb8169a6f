/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The ACPI tables (ACPI 6.4, chapter 5) of a hardware-reduced machine: no PIC, no
 * PIT, no PM timer. acpi.c copies them to ACPI_BASE, appends the processors to the
 * last one, and fills in the checksums.
 */
#include "layout.h"

#define FADT_REVISION			6
#define FADT_MINOR			4
#define FADT_BOOT_NO_VGA		(1 << 2)
#define FADT_WBINVD			(1 << 0)
#define FADT_NO_FIXED_POWER_BUTTON	(1 << 4)
#define FADT_NO_FIXED_SLEEP_BUTTON	(1 << 5)
#define FADT_RESET_SUPPORTED		(1 << 10)
#define FADT_HARDWARE_REDUCED		(1 << 20)

#define MADT_REVISION			5
#define MADT_IOAPIC			1
#define MADT_LOCAL_APIC_NMI		4
#define MADT_ALL_PROCESSORS		0xff

#define ADDRESS_OF(label)		(ACPI_BASE + (label - acpi_tables))

	/* The header of a table; its checksum is for acpi.c. */
	.macro	header label, end, signature, revision
	.balign	16
\label:
	.ascii	"\signature"
	.long	\end - \label
	.byte	\revision, 0
	.ascii	"MSHV  ", "MSHVRUN "
	.long	1
	.ascii	"MSHV"
	.long	1
	.endm

	/* A generic address: a port of one byte */
	.macro	port number
	.byte	1, 8, 0, 1
	.quad	\number
	.endm

	.section .rodata
	.global	acpi_tables, acpi_tables_end
	.balign	16
acpi_tables:
	.ascii	"RSD PTR "
	.byte	0
	.ascii	"MSHV  "
	.byte	2
	.long	0, 36			/* no RSDT; length */
	.quad	ADDRESS_OF(xsdt)
	.long	0

	header	xsdt, xsdt_end, XSDT, 1
	.quad	ADDRESS_OF(fadt), ADDRESS_OF(madt)
xsdt_end:

	header	fadt, fadt_end, FACP, FADT_REVISION
	.long	0, ADDRESS_OF(dsdt)
	.org	fadt + 109
	.word	FADT_BOOT_NO_VGA
	.byte	0
	.long	FADT_WBINVD | FADT_NO_FIXED_POWER_BUTTON | FADT_NO_FIXED_SLEEP_BUTTON | \
		FADT_RESET_SUPPORTED | FADT_HARDWARE_REDUCED
	port	ACPI_RESET_PORT
	.byte	ACPI_RESET_VALUE, 0, 0, FADT_MINOR
	.quad	0, ADDRESS_OF(dsdt)
	.org	fadt + 244
	port	ACPI_SLEEP_CONTROL_PORT
	port	ACPI_SLEEP_STATUS_PORT
	.quad	0			/* hypervisor's identity */
fadt_end:

	.balign	16
dsdt:	.incbin	DSDT_AML

	header	madt, acpi_tables_end, APIC, MADT_REVISION
	.long	LAPIC_ADDRESS, 0
	.byte	MADT_IOAPIC, 12, 0, 0
	.long	IOAPIC_ADDRESS, 0
	.byte	MADT_LOCAL_APIC_NMI, 6, MADT_ALL_PROCESSORS, 0, 0, 1
acpi_tables_end:

	.section .note.GNU-stack, "", @progbits
