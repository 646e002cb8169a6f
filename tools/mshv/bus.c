// SPDX-License-Identifier: GPL-2.0-only
/*
 * An address space with devices in it: I/O ports or memory.
 */
#include <stddef.h>
#include <string.h>

#include "bus.h"

int bus_add(struct bus *bus, uint64_t base, uint64_t size, const struct device_ops *ops,
	    void *device)
{
	unsigned int i = 0;

	if (bus->count == BUS_MAX_DEVICES || !size || base + size < base)
		return -1;
	while (i < bus->count && bus->entries[i].base < base)
		i++;
	if (i > 0 && base - bus->entries[i - 1].base < bus->entries[i - 1].size)
		return -1;
	if (i < bus->count && bus->entries[i].base - base < size)
		return -1;

	memmove(&bus->entries[i + 1], &bus->entries[i],
		(bus->count - i) * sizeof(bus->entries[0]));
	bus->entries[i] = (struct bus_entry){ base, size, ops, device };
	bus->count++;
	return 0;
}

/* The device that has all of an access; one that leaves its device has none. */
static const struct bus_entry *bus_find(const struct bus *bus, uint64_t address, unsigned int size)
{
	unsigned int low = 0, high = bus->count, middle;
	const struct bus_entry *entry;

	while (low < high) {
		middle = (low + high) / 2;
		entry = &bus->entries[middle];
		if (address < entry->base)
			high = middle;
		else if (address - entry->base >= entry->size)
			low = middle + 1;
		else
			return address - entry->base + size <= entry->size ? entry : NULL;
	}
	return NULL;
}

uint64_t bus_read(const struct bus *bus, uint64_t address, unsigned int size)
{
	const struct bus_entry *entry = bus_find(bus, address, size);
	uint64_t mask = size >= 8 ? ~0ULL : (1ULL << (8 * size)) - 1;

	if (!entry || !entry->ops->read)
		return mask;
	return entry->ops->read(entry->device, address - entry->base, size) & mask;
}

void bus_write(const struct bus *bus, uint64_t address, unsigned int size, uint64_t value)
{
	const struct bus_entry *entry = bus_find(bus, address, size);

	if (entry && entry->ops->write)
		entry->ops->write(entry->device, address - entry->base, size, value);
}
