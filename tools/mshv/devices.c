// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which devices a machine has, where they are, and what they are wired to.
 */
#include <sys/eventfd.h>

#include "vm.h"

/*
 * Interrupts of virtio devices do not go through the I/O APIC, but by irqfds: where they
 * go to is what its table says, told to the driver as if they were MSIs.
 */
static void ioapic_changed(void *context)
{
	struct mshv_user_irq_entry routes[VIRTIO_SLOTS];
	struct vm *vm = context;
	unsigned int i, count = 0;

	for (i = 0; i < vm->virtio_count; i++)
		count += mshv_ioapic_route(&vm->ioapic, VIRTIO_IRQ + i, &routes[count]);
	mshv_set_msi_routing(vm->partition, routes, count);
	/* What came while a line was masked went nowhere. */
	for (i = 0; i < vm->virtio_count; i++) {
		if (vm->virtio[i]->irq_status)
			eventfd_write(vm->virtio[i]->irq, 1);
	}
}

static uint64_t slots_read(void *device, uint64_t offset, unsigned int size)
{
	const struct vm *vm = device;

	return (1U << vm->virtio_count) - 1;
}

static const struct mshv_device_ops slots_ops = { .read = slots_read };

/* A virtio device in the next slot, with its doorbell and its interrupt */
static int add_virtio(struct vm *vm, const struct vm_device *wanted)
{
	unsigned int slot = vm->virtio_count;
	uint64_t base = VIRTIO_BASE + slot * VIRTIO_SIZE;
	struct virtio *dev = wanted->open(wanted->spec);

	if (!dev)
		return -1;
	vm->virtio[vm->virtio_count++] = dev;
	if (virtio_init(dev, &vm->space.memory))
		return -1;
	if (mshv_bus_add(&vm->space.mmio, base, VIRTIO_SIZE, &virtio_ops, dev) ||
	    mshv_assign_ioeventfd(vm->partition, dev->kick, base + VIRTIO_MMIO_QUEUE_NOTIFY,
				  sizeof(uint32_t), NULL) ||
	    mshv_assign_irqfd(vm->partition, dev->irq, VIRTIO_IRQ + slot, -1))
		return complain("%s", mshv_strerror());
	return virtio_start(dev);
}

static void serial_output(void *context, uint8_t byte)
{
	struct vm *vm = context;

	crash_watch(vm, byte);
	console_output(&vm->console, byte);
}

static void serial_irq(void *context, bool level)
{
	struct vm *vm = context;

	if (!vm->config->flat)
		mshv_ioapic_set_line(&vm->ioapic, SERIAL_IRQ, level);
}

static uint64_t debug_read(void *device, uint64_t offset, unsigned int size)
{
	return DEBUG_PORT;	/* how a guest finds out that the port is there */
}

static void debug_write(void *device, uint64_t offset, unsigned int size, uint64_t value)
{
	console_output(device, value);
}

static const struct mshv_device_ops debug_ops = { .read = debug_read, .write = debug_write };

int vm_add_devices(struct vm *vm)
{
	struct mshv_bus *ports = &vm->space.ports;
	unsigned int i;
	int ret;

	vm->console.vm = vm;
	if (console_open(&vm->console, vm->config->serial))
		return -1;

	vm->serial.output = serial_output;
	vm->serial.set_irq = serial_irq;
	vm->serial.context = vm;
	serial_init(&vm->serial);

	ret = mshv_bus_add(ports, SERIAL_PORT, SERIAL_PORTS, &serial_ops, &vm->serial) |
	      mshv_bus_add(ports, DEBUG_PORT, 1, &debug_ops, &vm->console) |
	      power_add(vm);
	if (!vm->config->flat) {
		mshv_ioapic_init(&vm->ioapic, vm->partition);
		vm->ioapic.changed = vm->config->device_count ? ioapic_changed : NULL;
		vm->ioapic.context = vm;
		vm->cmos.now = time;
		ret |= mshv_bus_add(&vm->space.mmio, IOAPIC_ADDRESS, MSHV_IOAPIC_SIZE,
				    &mshv_ioapic_ops, &vm->ioapic) |
		       mshv_bus_add(ports, SLOTS_PORT, 1, &slots_ops, vm) |
		       mshv_bus_add(ports, CMOS_PORT, CMOS_PORTS, &cmos_ops, &vm->cmos);
	}
	if (ret)
		return complain("%s", mshv_strerror());
	for (i = 0; i < vm->config->device_count; i++) {
		if (add_virtio(vm, &vm->config->devices[i]))
			return -1;
	}
	return 0;
}
