/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where a guest finds what, and by which interrupt it is told: for C, for the ACPI
 * tables (acpi.S), and for what they say about devices (dsdt.asl).
 */
#ifndef MSHV_LAYOUT_H
#define MSHV_LAYOUT_H

/* Memory: the tables are where a BIOS has them, and where guests look for the RSDP */
#define ACPI_BASE		0xe0000
#define ACPI_SIZE		0x20000
#define VIRTIO_BASE		0xd0000000
#define VIRTIO_SIZE		0x1000
#define VIRTIO_SLOTS		8
#define IOAPIC_ADDRESS		0xfec00000
#define LAPIC_ADDRESS		0xfee00000

/* Ports */
#define KEYBOARD_PORT		0x64
#define CMOS_PORT		0x70
#define DEBUG_PORT		0xe9	/* bytes go to the console, as in Bochs */
#define FLAT_EXIT_PORT		0xf4
#define SERIAL_PORT		0x3f8
#define PVPANIC_PORT		0x505
#define SLOTS_PORT		0x506	/* has a bit for each virtio slot with a device in it */
#define ACPI_SLEEP_CONTROL_PORT	0x600
#define ACPI_SLEEP_STATUS_PORT	0x601
#define ACPI_RESET_PORT		0x602
#define PCI_RESET_PORT		0xcf9

#define ACPI_RESET_VALUE	1
#define ACPI_SLEEP_TYPE_S5	5

/* Lines of the I/O APIC */
#define SERIAL_IRQ		4
#define VIRTIO_IRQ		16	/* of the first slot */

#endif /* MSHV_LAYOUT_H */
