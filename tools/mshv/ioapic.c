// SPDX-License-Identifier: GPL-2.0-only
/*
 * An I/O APIC (Intel 82093AA data sheet). Lines are active or not: which level
 * that is on the wire, and so the polarity bit, makes no difference here.
 */
#include "ioapic.h"

#define REG_SELECT	0x00
#define REG_WINDOW	0x10

#define INDEX_ID		0x00
#define INDEX_VERSION		0x01
#define INDEX_ARBITRATION	0x02
#define INDEX_TABLE		0x10

#define IOAPIC_VERSION		0x11

#define ENTRY_VECTOR		0xffULL
#define ENTRY_MODE_SHIFT	8
#define ENTRY_LOGICAL		(1ULL << 11)
#define ENTRY_STATUS		(1ULL << 12)
#define ENTRY_REMOTE_IRR	(1ULL << 14)
#define ENTRY_LEVEL		(1ULL << 15)
#define ENTRY_MASKED		(1ULL << 16)
#define ENTRY_DESTINATION_SHIFT	56
#define ENTRY_READ_ONLY		(ENTRY_STATUS | ENTRY_REMOTE_IRR)
#define ENTRY_VALID		(0x1ffffULL | 0xffULL << ENTRY_DESTINATION_SHIFT)

void ioapic_init(struct ioapic *ioapic)
{
	unsigned int pin;

	ioapic->id = 0;
	ioapic->selected = 0;
	ioapic->lines = 0;
	for (pin = 0; pin < IOAPIC_PINS; pin++)
		ioapic->entries[pin] = ENTRY_MASKED;
}

static struct ioapic_message decode(uint64_t entry)
{
	return (struct ioapic_message){
		.vector = entry & ENTRY_VECTOR,
		.delivery_mode = entry >> ENTRY_MODE_SHIFT & 7,
		.logical = entry & ENTRY_LOGICAL,
		.level = entry & ENTRY_LEVEL,
		.destination = entry >> ENTRY_DESTINATION_SHIFT,
	};
}

static void deliver(struct ioapic *ioapic, uint64_t entry)
{
	const struct ioapic_message msg = decode(entry);

	ioapic->deliver(ioapic->context, &msg);
}

bool ioapic_message_of(const struct ioapic *ioapic, unsigned int pin, struct ioapic_message *msg)
{
	*msg = decode(ioapic->entries[pin]);
	return !(ioapic->entries[pin] & ENTRY_MASKED);
}

/* A level-triggered pin interrupts while its line is active, once until each EOI. */
static void update_level(struct ioapic *ioapic, unsigned int pin)
{
	uint64_t *entry = &ioapic->entries[pin];

	if (!(*entry & ENTRY_LEVEL) || *entry & (ENTRY_MASKED | ENTRY_REMOTE_IRR) ||
	    !(ioapic->lines & 1U << pin))
		return;
	*entry |= ENTRY_REMOTE_IRR;
	deliver(ioapic, *entry);
}

void ioapic_set_line(struct ioapic *ioapic, unsigned int pin, bool level)
{
	uint32_t bit = 1U << pin;
	uint64_t entry = ioapic->entries[pin];
	bool rises = level && !(ioapic->lines & bit);

	if (level)
		ioapic->lines |= bit;
	else
		ioapic->lines &= ~bit;

	if (entry & ENTRY_LEVEL)
		update_level(ioapic, pin);
	else if (rises && !(entry & ENTRY_MASKED))
		deliver(ioapic, entry);
}

void ioapic_eoi(struct ioapic *ioapic, uint8_t vector)
{
	unsigned int pin;

	for (pin = 0; pin < IOAPIC_PINS; pin++) {
		if ((ioapic->entries[pin] & (ENTRY_LEVEL | ENTRY_VECTOR)) != (ENTRY_LEVEL | vector))
			continue;
		ioapic->entries[pin] &= ~ENTRY_REMOTE_IRR;
		update_level(ioapic, pin);
	}
}

bool ioapic_in_use(const struct ioapic *ioapic)
{
	unsigned int pin;

	for (pin = 0; pin < IOAPIC_PINS; pin++) {
		if (!(ioapic->entries[pin] & ENTRY_MASKED))
			return true;
	}
	return false;
}

static uint32_t read_register(const struct ioapic *ioapic)
{
	unsigned int index = ioapic->selected;

	switch (index) {
	case INDEX_ID:
	case INDEX_ARBITRATION:
		return (uint32_t)ioapic->id << 24;
	case INDEX_VERSION:
		return IOAPIC_VERSION | (IOAPIC_PINS - 1) << 16;
	}
	index -= INDEX_TABLE;
	if (ioapic->selected < INDEX_TABLE || index >= 2 * IOAPIC_PINS)
		return 0;
	return ioapic->entries[index / 2] >> (index % 2 ? 32 : 0);
}

static void write_register(struct ioapic *ioapic, uint32_t value)
{
	unsigned int index = ioapic->selected, pin;
	uint64_t old, entry;

	if (index == INDEX_ID)
		ioapic->id = value >> 24 & 0xf;
	if (index < INDEX_TABLE || index >= INDEX_TABLE + 2 * IOAPIC_PINS)
		return;

	index -= INDEX_TABLE;
	pin = index / 2;
	old = ioapic->entries[pin];
	entry = index % 2 ? (old & 0xffffffff) | (uint64_t)value << 32 :
			    (old & ~0xffffffffULL) | value;
	entry = (entry & ENTRY_VALID & ~ENTRY_READ_ONLY) | (old & ENTRY_READ_ONLY);
	/* What is edge-triggered waits for no EOI: this is how Linux clears a stuck pin. */
	if (!(entry & ENTRY_LEVEL))
		entry &= ~ENTRY_REMOTE_IRR;
	ioapic->entries[pin] = entry;
	update_level(ioapic, pin);
	if (ioapic->changed)
		ioapic->changed(ioapic->context);
}

static uint64_t ioapic_read(void *device, uint64_t offset, unsigned int size)
{
	struct ioapic *ioapic = device;

	(void)size;
	if (offset == REG_SELECT)
		return ioapic->selected;
	return offset == REG_WINDOW ? read_register(ioapic) : 0;
}

static void ioapic_write(void *device, uint64_t offset, unsigned int size, uint64_t value)
{
	struct ioapic *ioapic = device;

	(void)size;
	if (offset == REG_SELECT)
		ioapic->selected = value;
	else if (offset == REG_WINDOW)
		write_register(ioapic, value);
}

const struct device_ops ioapic_ops = {
	.read = ioapic_read,
	.write = ioapic_write,
};
