// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * Where a machine has its devices, and how an emulated instruction gets there.
 */
#include <errno.h>
#include <string.h>

#include <mshv/bus.h>

#include "internal.h"

static int fail(int error, uint64_t base, uint64_t size)
{
	return mshv_fail(error, HV_STATUS_SUCCESS, "a device", "0x%llx addresses at 0x%llx",
			 (unsigned long long)size, (unsigned long long)base);
}

int mshv_bus_add(struct mshv_bus *bus, uint64_t base, uint64_t size,
		 const struct mshv_device_ops *ops, void *device)
{
	unsigned int i = 0;

	if (!size || base + size < base)
		return fail(EINVAL, base, size);
	if (bus->count == MSHV_BUS_MAX_DEVICES)
		return fail(ENOSPC, base, size);
	while (i < bus->count && bus->entries[i].base < base)
		i++;
	if (i > 0 && base - bus->entries[i - 1].base < bus->entries[i - 1].size)
		return fail(EEXIST, base, size);
	if (i < bus->count && bus->entries[i].base - base < size)
		return fail(EEXIST, base, size);

	memmove(&bus->entries[i + 1], &bus->entries[i],
		(bus->count - i) * sizeof(bus->entries[0]));
	bus->entries[i] = (struct mshv_bus_entry){ base, size, ops, device };
	bus->count++;
	return 0;
}

/* The device that has all of an access; one that leaves its device has none. */
static const struct mshv_bus_entry *bus_find(const struct mshv_bus *bus, uint64_t address,
					     unsigned int size)
{
	unsigned int low = 0, high = bus->count, middle;
	const struct mshv_bus_entry *entry;

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

uint64_t mshv_bus_read(const struct mshv_bus *bus, uint64_t address, unsigned int size)
{
	const struct mshv_bus_entry *entry = bus_find(bus, address, size);
	uint64_t mask = size >= 8 ? ~0ULL : (1ULL << (8 * size)) - 1;

	if (!entry || !entry->ops->read)
		return mask;
	return entry->ops->read(entry->device, address - entry->base, size) & mask;
}

void mshv_bus_write(const struct mshv_bus *bus, uint64_t address, unsigned int size,
		    uint64_t value)
{
	const struct mshv_bus_entry *entry = bus_find(bus, address, size);

	if (entry && entry->ops->write)
		entry->ops->write(entry->device, address - entry->base, size, value);
}

static uint64_t locked_read(struct mshv_space *space, const struct mshv_bus *bus, uint64_t address,
			    unsigned int size)
{
	uint64_t value;

	pthread_mutex_lock(&space->lock);
	value = mshv_bus_read(bus, address, size);
	pthread_mutex_unlock(&space->lock);
	return value;
}

static void locked_write(struct mshv_space *space, const struct mshv_bus *bus, uint64_t address,
			 unsigned int size, uint64_t value)
{
	pthread_mutex_lock(&space->lock);
	mshv_bus_write(bus, address, size, value);
	pthread_mutex_unlock(&space->lock);
}

static __u32 port_read(void *space, __u16 port, unsigned int size)
{
	return locked_read(space, &((struct mshv_space *)space)->ports, port, size);
}

static void port_write(void *space, __u16 port, unsigned int size, __u32 value)
{
	locked_write(space, &((struct mshv_space *)space)->ports, port, size, value);
}

static __u64 mmio_read(void *space, __u64 gpa, unsigned int size)
{
	return locked_read(space, &((struct mshv_space *)space)->mmio, gpa, size);
}

static void mmio_write(void *space, __u64 gpa, unsigned int size, __u64 value)
{
	locked_write(space, &((struct mshv_space *)space)->mmio, gpa, size, value);
}

static void *memory(void *space, __u64 gpa, __u64 size)
{
	return mshv_memory_at(&((struct mshv_space *)space)->memory, gpa, size);
}

const struct mshv_bus_ops mshv_space_ops = {
	.port_read = port_read,
	.port_write = port_write,
	.mmio_read = mmio_read,
	.mmio_write = mmio_write,
	.memory = memory,
};
