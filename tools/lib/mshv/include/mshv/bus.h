/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * libmshv: where a machine has its devices: I/O ports and addresses in memory.
 */
#ifndef MSHV_BUS_H
#define MSHV_BUS_H

#include <pthread.h>

#include <mshv/emulate.h>
#include <mshv/memory.h>

#ifdef __cplusplus
extern "C" {
#endif

#define MSHV_BUS_MAX_DEVICES	64

/**
 * struct mshv_device_ops - how a device is reached
 * @read: read @size bytes at @offset from the device's base, or NULL: all ones
 * @write: write them; only the low @size bytes of @value count; NULL: no effect
 */
struct mshv_device_ops {
	uint64_t (*read)(void *device, uint64_t offset, unsigned int size);
	void (*write)(void *device, uint64_t offset, unsigned int size, uint64_t value);
};

/**
 * struct mshv_bus - devices by address, which do not overlap
 * @count: how many
 * @entries: in the order of their addresses
 */
struct mshv_bus {
	unsigned int count;
	struct mshv_bus_entry {
		uint64_t base;
		uint64_t size;
		const struct mshv_device_ops *ops;
		void *device;
	} entries[MSHV_BUS_MAX_DEVICES];
};

/**
 * struct mshv_space - all that a machine's instructions reach
 * @lock: guards all devices: their work is short, and two VPs seldom meet in it
 * @ports: devices on ports
 * @mmio: devices in memory
 * @memory: the guest's memory
 */
struct mshv_space {
	pthread_mutex_t lock;
	struct mshv_bus ports;
	struct mshv_bus mmio;
	struct mshv_memory memory;
};

/* For mshv_emulate_io() and mshv_emulate_mmio(); their context is the struct mshv_space. */
extern const struct mshv_bus_ops mshv_space_ops;

/**
 * mshv_bus_add() - put a device at an address
 * @bus: the bus
 * @base: its first address
 * @size: how many addresses it has
 * @ops: how it is reached
 * @device: passed on to @ops
 *
 * Return: 0, -ENOSPC if the bus is full, -EEXIST if something is there already, or
 * -EINVAL if the addresses are none.
 */
int mshv_bus_add(struct mshv_bus *bus, uint64_t base, uint64_t size,
		 const struct mshv_device_ops *ops, void *device);

/**
 * mshv_bus_read() - read from whatever is at an address
 * @bus: the bus
 * @address: the address
 * @size: bytes: 1, 2, 4 or 8
 *
 * Return: the value, or all ones where there is no device.
 */
uint64_t mshv_bus_read(const struct mshv_bus *bus, uint64_t address, unsigned int size);

/**
 * mshv_bus_write() - write to whatever is at an address
 * @bus: the bus
 * @address: the address
 * @size: bytes: 1, 2, 4 or 8
 * @value: what to write
 */
void mshv_bus_write(const struct mshv_bus *bus, uint64_t address, unsigned int size,
		    uint64_t value);

#ifdef __cplusplus
}
#endif

#endif /* MSHV_BUS_H */
