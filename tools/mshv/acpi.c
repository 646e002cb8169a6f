// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is not known of the ACPI tables until a machine starts: its processors, and
 * the checksums.
 */
#include <string.h>

#include "vm.h"

/* acpi.S; the MADT is the last table. */
extern const uint8_t acpi_tables[], acpi_tables_end[];

#define RSDP_SIZE	36
#define RSDP_CHECKSUM	8	/* of the first 20 bytes */
#define RSDP_EXTENDED	32	/* of all of it */

/* The beginning of each other table */
struct acpi_header {
	char signature[4];
	uint32_t length;
	uint8_t revision;
	uint8_t checksum;
};

#define MADT_LOCAL_APIC		0
#define MADT_ENABLED		1

static uint8_t checksum(const void *data, size_t size)
{
	const uint8_t *bytes = data;
	uint8_t sum = 0;

	while (size--)
		sum += *bytes++;
	return -sum;
}

/*
 * A guest that finds no better way to reset itself goes to real mode and jumps to where
 * a BIOS has its reset vector, behind the tables. What it finds is all the BIOS it gets.
 */
#define RESET_VECTOR	(0xffff0 - ACPI_BASE)
static const uint8_t reset_code[] = {
	0xb0, ACPI_RESET_VALUE,					/* mov $1, %al		*/
	0xba, ACPI_RESET_PORT & 0xff, ACPI_RESET_PORT >> 8,	/* mov $0x602, %dx	*/
	0xee,							/* out %al, %dx		*/
	0xf4,							/* hlt			*/
};

void acpi_write_tables(void *mem, unsigned int cpus)
{
	size_t size = acpi_tables_end - acpi_tables, offset;
	struct acpi_header *table = NULL;
	uint8_t *rsdp = mem;
	unsigned int i;

	memcpy(mem, acpi_tables, size);
	memcpy(rsdp + RESET_VECTOR, reset_code, sizeof(reset_code));
	for (i = 0; i < cpus; i++) {
		const uint8_t lapic[] = { MADT_LOCAL_APIC, 8, i, i, MADT_ENABLED, 0, 0, 0 };

		memcpy((uint8_t *)mem + size + i * sizeof(lapic), lapic, sizeof(lapic));
	}

	for (offset = align_up(RSDP_SIZE, 16); offset < size;
	     offset = align_up(offset + table->length, 16)) {
		table = (struct acpi_header *)((uint8_t *)mem + offset);
		if (!memcmp(table->signature, "APIC", 4))
			table->length += cpus * 8;
		table->checksum = 0;
		table->checksum = checksum(table, table->length);
	}
	rsdp[RSDP_CHECKSUM] = checksum(rsdp, 20);
	rsdp[RSDP_EXTENDED] = checksum(rsdp, RSDP_SIZE);
}
