/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * An address space with devices in it: I/O ports or memory.
 */
#ifndef MSHV_BUS_H
#define MSHV_BUS_H

#include <stdint.h>

#define BUS_MAX_DEVICES	64

/**
 * struct device_ops - how a device is reached
 * @read: read @size bytes at @offset from the device's base
 * @write: write them; only the low @size bytes of @value count
 */
struct device_ops {
	uint64_t (*read)(void *device, uint64_t offset, unsigned int size);
	void (*write)(void *device, uint64_t offset, unsigned int size, uint64_t value);
};

/**
 * struct bus - devices by address, which do not overlap
 * @count: how many
 * @entries: in the order of their addresses
 */
struct bus {
	unsigned int count;
	struct bus_entry {
		uint64_t base;
		uint64_t size;
		const struct device_ops *ops;
		void *device;
	} entries[BUS_MAX_DEVICES];
};

/**
 * bus_add() - put a device at an address
 * @bus: the bus
 * @base: its first address
 * @size: how many addresses it has
 * @ops: how it is reached
 * @device: passed on to @ops
 *
 * Return: 0, or -1 if the bus is full or something is there already.
 */
int bus_add(struct bus *bus, uint64_t base, uint64_t size, const struct device_ops *ops,
	    void *device);

/**
 * bus_read() - read from whatever is at an address
 * @bus: the bus
 * @address: the address
 * @size: bytes: 1, 2, 4 or 8
 *
 * Return: the value, or all ones where there is no device.
 */
uint64_t bus_read(const struct bus *bus, uint64_t address, unsigned int size);

/**
 * bus_write() - write to whatever is at an address
 * @bus: the bus
 * @address: the address
 * @size: bytes: 1, 2, 4 or 8
 * @value: what to write
 */
void bus_write(const struct bus *bus, uint64_t address, unsigned int size, uint64_t value);

#endif /* MSHV_BUS_H */
