// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * An I/O APIC (Intel 82093AA data sheet). Lines are active or not: which level
 * that is on the wire, and so the polarity bit, makes no difference here.
 */
#include <mshv/ioapic.h>
#include <mshv/mshv.h>

#define REG_SELECT	0x00
#define REG_WINDOW	0x10

#define INDEX_ID		0x00
#define INDEX_VERSION		0x01
#define INDEX_ARBITRATION	0x02
#define INDEX_TABLE		0x10

#define IOAPIC_VERSION		0x11

#define ENTRY_VECTOR		0xffULL
#define ENTRY_MODE_SHIFT	8
#define ENTRY_MODE		7ULL
#define ENTRY_LOGICAL		(1ULL << 11)
#define ENTRY_STATUS		(1ULL << 12)
#define ENTRY_REMOTE_IRR	(1ULL << 14)
#define ENTRY_LEVEL		(1ULL << 15)
#define ENTRY_MASKED		(1ULL << 16)
#define ENTRY_DESTINATION_SHIFT	56
#define ENTRY_READ_ONLY		(ENTRY_STATUS | ENTRY_REMOTE_IRR)
#define ENTRY_VALID		(0x1ffffULL | 0xffULL << ENTRY_DESTINATION_SHIFT)

/* MSI address (Intel SDM, "Message Signalled Interrupts") */
#define MSI_ADDRESS		0xfee00000
#define MSI_DESTINATION_SHIFT	12
#define MSI_LOGICAL		(1U << 2)

void mshv_ioapic_init(struct mshv_ioapic *ioapic, int partition)
{
	unsigned int pin;

	*ioapic = (struct mshv_ioapic){ .partition = partition };
	for (pin = 0; pin < MSHV_IOAPIC_PINS; pin++)
		ioapic->state.entries[pin] = ENTRY_MASKED;
}

static void deliver(const struct mshv_ioapic *ioapic, uint64_t entry)
{
	__u64 control = entry >> ENTRY_MODE_SHIFT & ENTRY_MODE;

	if (entry & ENTRY_LEVEL)
		control |= HV_INTERRUPT_CONTROL_LEVEL_TRIGGERED;
	if (entry & ENTRY_LOGICAL)
		control |= HV_INTERRUPT_CONTROL_LOGICAL_DEST;
	/* A guest may program nonsense; that is its own loss, and real hardware is silent too. */
	mshv_assert_interrupt(ioapic->partition, control, entry >> ENTRY_DESTINATION_SHIFT,
			      entry & ENTRY_VECTOR);
}

bool mshv_ioapic_route(const struct mshv_ioapic *ioapic, unsigned int pin,
		       struct mshv_user_irq_entry *route)
{
	uint64_t entry = ioapic->state.entries[pin];

	*route = (struct mshv_user_irq_entry){
		.gsi = pin,
		.address_lo = MSI_ADDRESS |
			      entry >> ENTRY_DESTINATION_SHIFT << MSI_DESTINATION_SHIFT |
			      (entry & ENTRY_LOGICAL ? MSI_LOGICAL : 0),
		.data = entry & (ENTRY_VECTOR | ENTRY_MODE << ENTRY_MODE_SHIFT),
	};
	return !(entry & ENTRY_MASKED);
}

/* A level-triggered pin interrupts while its line is active, once until each EOI. */
static void update_level(struct mshv_ioapic *ioapic, unsigned int pin)
{
	uint64_t *entry = &ioapic->state.entries[pin];

	if (!(*entry & ENTRY_LEVEL) || *entry & (ENTRY_MASKED | ENTRY_REMOTE_IRR) ||
	    !(ioapic->state.lines & 1U << pin))
		return;
	*entry |= ENTRY_REMOTE_IRR;
	deliver(ioapic, *entry);
}

void mshv_ioapic_set_line(struct mshv_ioapic *ioapic, unsigned int pin, bool level)
{
	uint32_t bit = 1U << pin;
	uint64_t entry = ioapic->state.entries[pin];
	bool rises = level && !(ioapic->state.lines & bit);

	if (level)
		ioapic->state.lines |= bit;
	else
		ioapic->state.lines &= ~bit;

	if (entry & ENTRY_LEVEL)
		update_level(ioapic, pin);
	else if (rises && !(entry & ENTRY_MASKED))
		deliver(ioapic, entry);
}

void mshv_ioapic_eoi(struct mshv_ioapic *ioapic, uint8_t vector)
{
	const uint64_t mask = ENTRY_LEVEL | ENTRY_VECTOR;
	unsigned int pin;

	for (pin = 0; pin < MSHV_IOAPIC_PINS; pin++) {
		if ((ioapic->state.entries[pin] & mask) != (ENTRY_LEVEL | vector))
			continue;
		ioapic->state.entries[pin] &= ~ENTRY_REMOTE_IRR;
		update_level(ioapic, pin);
	}
}

bool mshv_ioapic_in_use(const struct mshv_ioapic *ioapic)
{
	unsigned int pin;

	for (pin = 0; pin < MSHV_IOAPIC_PINS; pin++) {
		if (!(ioapic->state.entries[pin] & ENTRY_MASKED))
			return true;
	}
	return false;
}

static uint32_t read_register(const struct mshv_ioapic *ioapic)
{
	unsigned int index = ioapic->state.selected;

	switch (index) {
	case INDEX_ID:
	case INDEX_ARBITRATION:
		return (uint32_t)ioapic->state.id << 24;
	case INDEX_VERSION:
		return IOAPIC_VERSION | (MSHV_IOAPIC_PINS - 1) << 16;
	}
	index -= INDEX_TABLE;
	if (ioapic->state.selected < INDEX_TABLE || index >= 2 * MSHV_IOAPIC_PINS)
		return 0;
	return ioapic->state.entries[index / 2] >> (index % 2 ? 32 : 0);
}

static void write_register(struct mshv_ioapic *ioapic, uint32_t value)
{
	unsigned int index = ioapic->state.selected, pin;
	uint64_t old, entry;

	if (index == INDEX_ID)
		ioapic->state.id = value >> 24 & 0xf;
	if (index < INDEX_TABLE || index >= INDEX_TABLE + 2 * MSHV_IOAPIC_PINS)
		return;

	index -= INDEX_TABLE;
	pin = index / 2;
	old = ioapic->state.entries[pin];
	entry = index % 2 ? (old & 0xffffffff) | (uint64_t)value << 32 :
			    (old & ~0xffffffffULL) | value;
	entry = (entry & ENTRY_VALID & ~ENTRY_READ_ONLY) | (old & ENTRY_READ_ONLY);
	/* What is edge-triggered waits for no EOI: this is how Linux clears a stuck pin. */
	if (!(entry & ENTRY_LEVEL))
		entry &= ~ENTRY_REMOTE_IRR;
	ioapic->state.entries[pin] = entry;
	update_level(ioapic, pin);
	if (ioapic->changed)
		ioapic->changed(ioapic->context);
}

static uint64_t ioapic_read(void *device, uint64_t offset, unsigned int size)
{
	struct mshv_ioapic *ioapic = device;

	(void)size;
	if (offset == REG_SELECT)
		return ioapic->state.selected;
	return offset == REG_WINDOW ? read_register(ioapic) : 0;
}

static void ioapic_write(void *device, uint64_t offset, unsigned int size, uint64_t value)
{
	struct mshv_ioapic *ioapic = device;

	(void)size;
	if (offset == REG_SELECT)
		ioapic->state.selected = value;
	else if (offset == REG_WINDOW)
		write_register(ioapic, value);
}

const struct mshv_device_ops mshv_ioapic_ops = {
	.read = ioapic_read,
	.write = ioapic_write,
};
