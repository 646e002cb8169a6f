// SPDX-License-Identifier: GPL-2.0-only
/*
 * ACPI tables (ACPI specification 6.4, chapter 5).
 *
 * Tables may lie above the image's fine-grained mapping and at any alignment;
 * they are read in place. What is changed is changed in place, with its
 * checksum.
 */
#include <asm/cpu.h>
#include <asm/x86.h>
#include <openhv/acpi.h>
#include <openhv/log.h>
#include <openhv/string.h>

struct acpi_rsdp {
	char signature[8];
	u8 checksum;
	char oem[6];
	u8 revision;
	u32 rsdt;
	u32 length;
	u64 xsdt;
} __packed;

struct acpi_header {
	char signature[4];
	u32 length;
	u8 revision;
	u8 checksum;
	char oem[22];		/* OEM ID, table ID, revision, creator ID */
	u32 creator_revision;
} __packed;

TLFS_ASSERT_SIZE(struct acpi_header, 36);

struct acpi_madt_entry {
	u8 type;
	u8 length;
	union {
		struct {
			u8 processor;
			u8 apic_id;
			u32 flags;
		} __packed lapic;
		struct {
			u16 reserved;
			u32 apic_id;
			u32 flags;
			u32 processor;
		} __packed x2apic;
	};
} __packed;

#define MADT_ENTRIES		44	/* offset of the first */
#define MADT_LAPIC		0
#define MADT_X2APIC		9
#define MADT_ENABLED		BIT(0)
#define MADT_LAPIC_NOBODY	0xFF
#define MADT_X2APIC_NOBODY	0xFFFFFFFF

/* FADT: offsets of the PM1 control blocks' ports */
#define FADT_PM1A_CNT		64
#define FADT_PM1B_CNT		68
#define FADT_PM_TMR		76
#define PM1_SLP_TYP_SHIFT	10
#define PM1_SLP_EN		BIT(13)

static struct acpi_rsdp rsdp_copy;
static struct acpi_rsdp *rsdp;
static u8 sleep_type_a, sleep_type_b;
static bool sleep_types_known;

static u8 sum(const void *p, u32 length)
{
	const u8 *b = p;
	u8 s = 0;

	while (length--)
		s += *b++;
	return s;
}

static void fix_checksum(struct acpi_header *h)
{
	h->checksum -= sum(h, h->length);
}

static struct acpi_rsdp *scan(u64 from, u64 to)
{
	for (; from < to; from += 16) {
		struct acpi_rsdp *r = (void *)from;

		if (!memcmp(r->signature, "RSD PTR ", 8) && !sum(r, 20))
			return r;
	}
	return NULL;
}

void acpi_init(const void *copy)
{
	if (copy) {
		memcpy(&rsdp_copy, copy, sizeof(rsdp_copy));
		rsdp = scan((u64)&rsdp_copy, (u64)&rsdp_copy + 1);
	} else {
		rsdp = scan(0xE0000, 0x100000);
	}
	if (!rsdp)
		refuse("no ACPI tables: the root pointer was not found");
}

paddr_t acpi_rsdp(void *room)
{
	if (rsdp != &rsdp_copy)
		return (paddr_t)rsdp;
	memcpy(room, rsdp, sizeof(*rsdp));
	return (paddr_t)room;
}

/* The root table has entries of four bytes, the extended one of eight. */
static struct acpi_header *entry_at(u32 i)
{
	bool extended = rsdp->revision >= 2 && rsdp->xsdt;
	struct acpi_header *root = (void *)(extended ? rsdp->xsdt : (u64)rsdp->rsdt);
	u32 size = extended ? 8 : 4;
	u64 address = 0;

	if (sizeof(*root) + (i + 1) * size > root->length)
		return NULL;
	memcpy(&address, (u8 *)root + sizeof(*root) + i * size, size);
	return (void *)address;
}

static struct acpi_header *find(const char *signature)
{
	struct acpi_header *h;
	u32 i;

	for (i = 0; (h = entry_at(i)) != NULL; i++) {
		if (!memcmp(h->signature, signature, 4))
			return h;
	}
	return NULL;
}

/* MADT entries one after the other; NULL at the end */
static struct acpi_madt_entry *madt_next(struct acpi_header *madt, struct acpi_madt_entry *e)
{
	u64 at = e ? (u64)e + e->length : (u64)madt + MADT_ENTRIES;
	struct acpi_madt_entry *next = (void *)at;

	if (at + 2 > (u64)madt + madt->length || next->length < 2 ||
	    at + next->length > (u64)madt + madt->length)
		return NULL;
	return next;
}

/* The APIC ID of a processor that can be used */
static bool usable_cpu(const struct acpi_madt_entry *e, u32 *apic_id)
{
	u32 flags;

	if (e->type == MADT_LAPIC) {
		memcpy(&flags, &e->lapic.flags, sizeof(flags));
		*apic_id = e->lapic.apic_id;
		return flags & MADT_ENABLED && *apic_id != MADT_LAPIC_NOBODY;
	}
	if (e->type == MADT_X2APIC) {
		memcpy(&flags, &e->x2apic.flags, sizeof(flags));
		memcpy(apic_id, &e->x2apic.apic_id, sizeof(*apic_id));
		return flags & MADT_ENABLED && *apic_id != MADT_X2APIC_NOBODY;
	}
	return false;
}

u32 acpi_cpus(u32 *ids, u32 max)
{
	struct acpi_header *madt = find("APIC");
	struct acpi_madt_entry *e = NULL;
	u32 n = 0, id;

	if (!madt)
		refuse("no ACPI table of interrupt controllers (MADT)");
	while ((e = madt_next(madt, e)) != NULL) {
		if (usable_cpu(e, &id) && n < max)
			ids[n++] = id;
	}
	return n;
}

void acpi_hide_cpu(u32 apic_id)
{
	struct acpi_header *madt = find("APIC");
	struct acpi_madt_entry *e = NULL;
	u32 id;

	while ((e = madt_next(madt, e)) != NULL) {
		if (!usable_cpu(e, &id) || id != apic_id)
			continue;
		/* An ID that no processor has: the entry is passed over. */
		if (e->type == MADT_LAPIC) {
			e->lapic.apic_id = MADT_LAPIC_NOBODY;
			memset(&e->lapic.flags, 0, sizeof(e->lapic.flags));
		} else {
			memset(&e->x2apic.apic_id, 0xFF, sizeof(e->x2apic.apic_id));
			memset(&e->x2apic.flags, 0, sizeof(e->x2apic.flags));
		}
	}
	fix_checksum(madt);
}

void acpi_hide_table(const char *signature)
{
	struct acpi_header *h = find(signature);

	if (!h)
		return;
	log_info("ACPI table %s is hidden from root", signature);
	memcpy(h->signature, "XXXX", 4);
	fix_checksum(h);
}

u16 acpi_pm_timer(void)
{
	struct acpi_header *fadt = find("FACP");
	u32 port = 0;

	if (fadt && fadt->length >= FADT_PM_TMR + 4)
		memcpy(&port, (u8 *)fadt + FADT_PM_TMR, sizeof(port));
	return port;
}

void acpi_set_sleep_type(u8 pm1a, u8 pm1b)
{
	sleep_type_a = pm1a & 7;
	sleep_type_b = pm1b & 7;
	sleep_types_known = true;
}

bool acpi_power_off(void)
{
	struct acpi_header *fadt = find("FACP");
	u32 a = 0, b = 0;

	if (!fadt || !sleep_types_known || fadt->length < FADT_PM1B_CNT + 4)
		return false;
	memcpy(&a, (u8 *)fadt + FADT_PM1A_CNT, sizeof(a));
	memcpy(&b, (u8 *)fadt + FADT_PM1B_CNT, sizeof(b));
	if (a)
		outw(a, sleep_type_a << PM1_SLP_TYP_SHIFT | PM1_SLP_EN);
	if (b)
		outw(b, sleep_type_b << PM1_SLP_TYP_SHIFT | PM1_SLP_EN);
	udelay(100000);
	return false;
}
