// SPDX-License-Identifier: GPL-2.0-only
/*
 * The ACPI tables (ACPI 6.4, chapter 5); the DSDT is compiled from dsdt.asl.
 */
#include <stdbool.h>
#include <string.h>

#include "acpi.h"
#include "ioapic.h"
#include "power.h"
#include "util.h"

/* dsdt.S */
extern const uint8_t dsdt_aml[], dsdt_aml_end[];

struct acpi_header {
	char signature[4];
	uint32_t length;
	uint8_t revision;
	uint8_t checksum;
	char oem_id[6];
	char oem_table_id[8];
	uint32_t oem_revision;
	char creator_id[4];
	uint32_t creator_revision;
} __packed;
_Static_assert(sizeof(struct acpi_header) == 36, "ACPI table header");

struct acpi_rsdp {
	char signature[8];
	uint8_t checksum;		/* of the first 20 bytes */
	char oem_id[6];
	uint8_t revision;
	uint32_t rsdt;
	uint32_t length;
	uint64_t xsdt;
	uint8_t extended_checksum;
	uint8_t reserved[3];
} __packed;
_Static_assert(sizeof(struct acpi_rsdp) == 36, "RSDP");

struct acpi_address {
	uint8_t space;
	uint8_t bit_width;
	uint8_t bit_offset;
	uint8_t access_size;
	uint64_t address;
} __packed;
_Static_assert(sizeof(struct acpi_address) == 12, "generic address");

/* FADT; a hardware-reduced machine leaves most of it at zero. */
struct acpi_fadt {
	struct acpi_header header;
	uint32_t firmware_ctrl;
	uint32_t dsdt;
	uint8_t unused1[65];
	uint16_t boot_architecture;
	uint8_t unused2;
	uint32_t flags;
	struct acpi_address reset;
	uint8_t reset_value;
	uint16_t arm_boot_architecture;
	uint8_t minor_version;
	uint64_t x_firmware_ctrl;
	uint64_t x_dsdt;
	uint8_t unused3[96];
	struct acpi_address sleep_control;
	struct acpi_address sleep_status;
	uint64_t hypervisor_id;
} __packed;
_Static_assert(sizeof(struct acpi_fadt) == 276, "FADT");
_Static_assert(offsetof(struct acpi_fadt, boot_architecture) == 109, "FADT");
_Static_assert(offsetof(struct acpi_fadt, flags) == 112, "FADT");
_Static_assert(offsetof(struct acpi_fadt, reset) == 116, "FADT");
_Static_assert(offsetof(struct acpi_fadt, x_dsdt) == 140, "FADT");
_Static_assert(offsetof(struct acpi_fadt, sleep_control) == 244, "FADT");

#define FADT_REVISION			6
#define FADT_MINOR			4
#define FADT_BOOT_NO_VGA		(1U << 2)
#define FADT_WBINVD			(1U << 0)
#define FADT_NO_FIXED_POWER_BUTTON	(1U << 4)
#define FADT_NO_FIXED_SLEEP_BUTTON	(1U << 5)
#define FADT_RESET_SUPPORTED		(1U << 10)
#define FADT_HARDWARE_REDUCED		(1U << 20)
#define ADDRESS_SPACE_IO		1
#define ACCESS_BYTE			1

struct acpi_madt {
	struct acpi_header header;
	uint32_t local_apic;
	uint32_t flags;
} __packed;

struct madt_local_apic {
	uint8_t type, length;
	uint8_t processor_uid;
	uint8_t apic_id;
	uint32_t flags;
} __packed;

struct madt_ioapic {
	uint8_t type, length;
	uint8_t id;
	uint8_t reserved;
	uint32_t address;
	uint32_t gsi_base;
} __packed;

struct madt_local_apic_nmi {
	uint8_t type, length;
	uint8_t processor_uid;
	uint16_t flags;
	uint8_t lint;
} __packed;

#define MADT_REVISION		5
#define MADT_LOCAL_APIC		0
#define MADT_IOAPIC		1
#define MADT_LOCAL_APIC_NMI	4
#define MADT_ENABLED		1
#define MADT_ALL_PROCESSORS	0xff
#define LOCAL_APIC_BASE		0xfee00000

/* Where the next table goes */
struct writer {
	uint8_t *mem;
	size_t used;
};

static uint64_t address_of(const struct writer *w, const void *table)
{
	return ACPI_BASE + ((const uint8_t *)table - w->mem);
}

static void *append(struct writer *w, size_t size)
{
	void *p = w->mem + w->used;

	memset(p, 0, size);
	w->used += size;
	return p;
}

static void *start_table(struct writer *w, const char *signature, uint8_t revision, size_t size)
{
	struct acpi_header *header;

	w->used = align_up(w->used, 16);
	header = append(w, size);
	memcpy(header->signature, signature, sizeof(header->signature));
	header->revision = revision;
	memcpy(header->oem_id, "MSHV  ", sizeof(header->oem_id));
	memcpy(header->oem_table_id, "MSHVRUN ", sizeof(header->oem_table_id));
	header->oem_revision = 1;
	memcpy(header->creator_id, "MSHV", sizeof(header->creator_id));
	header->creator_revision = 1;
	return header;
}

static uint8_t checksum(const void *data, size_t size)
{
	const uint8_t *bytes = data;
	uint8_t sum = 0;

	while (size--)
		sum += *bytes++;
	return -sum;
}

/* The table ends where the next one would go. */
static uint64_t end_table(struct writer *w, struct acpi_header *header)
{
	header->length = w->mem + w->used - (uint8_t *)header;
	header->checksum = checksum(header, header->length);
	return address_of(w, header);
}

static uint64_t write_dsdt(struct writer *w)
{
	size_t size = dsdt_aml_end - dsdt_aml;
	void *table;

	w->used = align_up(w->used, 16);
	table = append(w, size);
	memcpy(table, dsdt_aml, size);
	return address_of(w, table);
}

static void set_port(struct acpi_address *address, uint16_t port)
{
	address->space = ADDRESS_SPACE_IO;
	address->bit_width = 8;
	address->access_size = ACCESS_BYTE;
	address->address = port;
}

static uint64_t write_fadt(struct writer *w, uint64_t dsdt)
{
	struct acpi_fadt *fadt = start_table(w, "FACP", FADT_REVISION, sizeof(*fadt));

	fadt->dsdt = dsdt;
	fadt->x_dsdt = dsdt;
	fadt->minor_version = FADT_MINOR;
	fadt->boot_architecture = FADT_BOOT_NO_VGA;
	fadt->flags = FADT_WBINVD | FADT_NO_FIXED_POWER_BUTTON | FADT_NO_FIXED_SLEEP_BUTTON |
		      FADT_RESET_SUPPORTED | FADT_HARDWARE_REDUCED;
	set_port(&fadt->reset, ACPI_RESET_PORT);
	fadt->reset_value = ACPI_RESET_VALUE;
	set_port(&fadt->sleep_control, ACPI_SLEEP_CONTROL_PORT);
	set_port(&fadt->sleep_status, ACPI_SLEEP_STATUS_PORT);
	return end_table(w, &fadt->header);
}

static uint64_t write_madt(struct writer *w, unsigned int cpus)
{
	struct acpi_madt *madt = start_table(w, "APIC", MADT_REVISION, sizeof(*madt));
	struct madt_local_apic_nmi *nmi;
	struct madt_local_apic *lapic;
	struct madt_ioapic *ioapic;
	unsigned int i;

	madt->local_apic = LOCAL_APIC_BASE;
	for (i = 0; i < cpus; i++) {
		lapic = append(w, sizeof(*lapic));
		lapic->type = MADT_LOCAL_APIC;
		lapic->length = sizeof(*lapic);
		lapic->processor_uid = i;
		lapic->apic_id = i;
		lapic->flags = MADT_ENABLED;
	}
	ioapic = append(w, sizeof(*ioapic));
	ioapic->type = MADT_IOAPIC;
	ioapic->length = sizeof(*ioapic);
	ioapic->address = IOAPIC_BASE;

	nmi = append(w, sizeof(*nmi));
	nmi->type = MADT_LOCAL_APIC_NMI;
	nmi->length = sizeof(*nmi);
	nmi->processor_uid = MADT_ALL_PROCESSORS;
	nmi->lint = 1;
	return end_table(w, &madt->header);
}

static uint64_t write_xsdt(struct writer *w, const uint64_t *tables, unsigned int count)
{
	struct acpi_header *xsdt = start_table(w, "XSDT", 1, sizeof(*xsdt));

	memcpy(append(w, count * sizeof(*tables)), tables, count * sizeof(*tables));
	return end_table(w, xsdt);
}

uint64_t acpi_write_tables(void *mem, unsigned int cpus)
{
	struct writer w = { .mem = mem };
	struct acpi_rsdp *rsdp = append(&w, sizeof(*rsdp));
	uint64_t tables[2];

	tables[0] = write_fadt(&w, write_dsdt(&w));
	tables[1] = write_madt(&w, cpus);

	memcpy(rsdp->signature, "RSD PTR ", sizeof(rsdp->signature));
	memcpy(rsdp->oem_id, "MSHV  ", sizeof(rsdp->oem_id));
	rsdp->revision = 2;
	rsdp->length = sizeof(*rsdp);
	rsdp->xsdt = write_xsdt(&w, tables, ARRAY_SIZE(tables));
	rsdp->checksum = checksum(rsdp, offsetof(struct acpi_rsdp, length));
	rsdp->extended_checksum = checksum(rsdp, sizeof(*rsdp));
	return address_of(&w, rsdp);
}
