// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which devices a machine has, where they are, and what they are wired to.
 */
#include <sys/eventfd.h>

#include "builtin.h"
#include "vm.h"

/* One lock for all devices: their work is short, and two processors seldom meet in it. */

static void devices_lock(struct vcpu *vcpu)
{
	pthread_mutex_lock(&vcpu->vm->lock);
	vcpu->vm->caller = vcpu;
}

static void devices_unlock(struct vcpu *vcpu)
{
	vcpu->vm->caller = NULL;
	pthread_mutex_unlock(&vcpu->vm->lock);
}

static __u32 port_read(void *context, __u16 port, unsigned int size)
{
	struct vcpu *vcpu = context;
	__u32 value;

	devices_lock(vcpu);
	value = bus_read(&vcpu->vm->ports, port, size);
	devices_unlock(vcpu);
	return value;
}

static void port_write(void *context, __u16 port, unsigned int size, __u32 value)
{
	struct vcpu *vcpu = context;

	devices_lock(vcpu);
	bus_write(&vcpu->vm->ports, port, size, value);
	devices_unlock(vcpu);
}

static __u64 mmio_read(void *context, __u64 gpa, unsigned int size)
{
	struct vcpu *vcpu = context;
	__u64 value;

	devices_lock(vcpu);
	value = bus_read(&vcpu->vm->mmio, gpa, size);
	devices_unlock(vcpu);
	return value;
}

static void mmio_write(void *context, __u64 gpa, unsigned int size, __u64 value)
{
	struct vcpu *vcpu = context;

	devices_lock(vcpu);
	bus_write(&vcpu->vm->mmio, gpa, size, value);
	devices_unlock(vcpu);
}

static void *guest_memory(void *context, __u64 gpa, __u64 size)
{
	struct vcpu *vcpu = context;

	return memory_at(&vcpu->vm->memory, gpa, size);
}

const struct mshv_bus_ops vm_bus_ops = {
	.port_read = port_read,
	.port_write = port_write,
	.mmio_read = mmio_read,
	.mmio_write = mmio_write,
	.memory = guest_memory,
};

static void ioapic_deliver(void *context, const struct ioapic_message *msg)
{
	struct vm *vm = context;
	__u64 control = msg->delivery_mode;

	if (msg->level)
		control |= HV_INTERRUPT_CONTROL_LEVEL_TRIGGERED;
	if (msg->logical)
		control |= HV_INTERRUPT_CONTROL_LOGICAL_DEST;
	/* A guest may program nonsense; that is its own loss, and real hardware is silent too. */
	mshv_assert_interrupt(vm->partition, control, msg->destination, msg->vector);
}

/* MSI address (Intel SDM, "Message Signalled Interrupts") */
#define MSI_ADDRESS		0xfee00000
#define MSI_DESTINATION_SHIFT	12
#define MSI_LOGICAL		(1U << 2)

/*
 * Interrupts of virtio devices do not come through here, but by irqfds. Where they go
 * to is what the I/O APIC's table says, told to the driver as if they were MSIs.
 */
static void ioapic_changed(void *context)
{
	struct mshv_user_irq_entry routes[VIRTIO_SLOTS];
	struct vm *vm = context;
	struct ioapic_message msg;
	unsigned int i, count = 0;

	for (i = 0; i < vm->virtio_count; i++) {
		if (!ioapic_message_of(&vm->ioapic, IRQ_VIRTIO + i, &msg))
			continue;
		routes[count++] = (struct mshv_user_irq_entry){
			.gsi = IRQ_VIRTIO + i,
			.address_lo = MSI_ADDRESS | msg.destination << MSI_DESTINATION_SHIFT |
				      (msg.logical ? MSI_LOGICAL : 0),
			.data = msg.vector | msg.delivery_mode << 8,
		};
	}
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

	(void)offset;
	(void)size;
	return (1U << vm->virtio_count) - 1;
}

static const struct device_ops slots_ops = { .read = slots_read };

/* A virtio device in the next slot, with its doorbell and its interrupt */
static int add_virtio(struct vm *vm, const struct vm_device *wanted)
{
	unsigned int slot = vm->virtio_count;
	uint64_t base = VIRTIO_BASE + slot * VIRTIO_SIZE;
	struct virtio *dev = wanted->open(wanted->spec);

	if (!dev)
		return -1;
	vm->virtio[vm->virtio_count++] = dev;
	if (virtio_init(dev, &vm->memory) ||
	    bus_add(&vm->mmio, base, VIRTIO_SIZE, &virtio_ops, dev))
		return -1;
	if (mshv_assign_ioeventfd(vm->partition, dev->kick, base + VIRTIO_MMIO_QUEUE_NOTIFY,
				  sizeof(uint32_t), NULL) ||
	    mshv_assign_irqfd(vm->partition, dev->irq, IRQ_VIRTIO + slot, -1))
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
		ioapic_set_line(&vm->ioapic, IRQ_SERIAL, level);
}

static unsigned int console_room(void *context)
{
	struct vm *vm = context;
	unsigned int room;

	pthread_mutex_lock(&vm->lock);
	room = serial_room(&vm->serial);
	pthread_mutex_unlock(&vm->lock);
	return room;
}

static void console_input(void *context, uint8_t byte)
{
	struct vm *vm = context;

	pthread_mutex_lock(&vm->lock);
	serial_receive(&vm->serial, byte);
	pthread_mutex_unlock(&vm->lock);
}

static void console_quit(void *context)
{
	vm_end(context, STATUS_ERROR, "ended by Ctrl-A X");
}

static const struct console_ops console_ops = {
	.room = console_room,
	.input = console_input,
	.quit = console_quit,
};

static uint64_t debug_read(void *device, uint64_t offset, unsigned int size)
{
	(void)device;
	(void)offset;
	(void)size;
	return PORT_DEBUG;	/* how a guest finds out that the port is there */
}

static void debug_write(void *device, uint64_t offset, unsigned int size, uint64_t value)
{
	(void)offset;
	(void)size;
	console_output(device, value);
}

static const struct device_ops debug_ops = { .read = debug_read, .write = debug_write };

/* Called with the device lock held, by the processor that wrote the port */
static void power_event(void *context, enum power_event event, unsigned int value)
{
	struct vm *vm = context;

	switch (event) {
	case POWER_OFF:
		vm_end(vm, STATUS_OK, "%s", "");
		break;
	case POWER_RESET:
		crash_check(vm->caller);
		if (crash_at_reset(vm))
			vm_end(vm, STATUS_GUEST_PANIC,
			       "guest panic or forced reset: it has reset itself without shutting down");
		else
			vm_end(vm, STATUS_GUEST_RESET, "the guest has asked for a reset");
		break;
	case POWER_PANIC:
		vm_end(vm, STATUS_GUEST_PANIC, "guest panic");
		break;
	case POWER_EXIT:
		vm_end(vm, value, "%s", "");
		break;
	}
}

static time_t real_time(void)
{
	return time(NULL);
}

int vm_add_devices(struct vm *vm)
{
	unsigned int i;
	int ret;

	vm->console.ops = &console_ops;
	vm->console.context = vm;
	if (console_open(&vm->console, vm->config->serial))
		return -1;

	vm->serial.output = serial_output;
	vm->serial.set_irq = serial_irq;
	vm->serial.context = vm;
	serial_init(&vm->serial);
	vm->power.event = power_event;
	vm->power.context = vm;

	ret = bus_add(&vm->ports, PORT_SERIAL, SERIAL_PORTS, &serial_ops, &vm->serial) |
	      bus_add(&vm->ports, PORT_DEBUG, 1, &debug_ops, &vm->console);
	if (vm->config->flat) {
		ret |= power_add_flat(&vm->power, &vm->ports);
	} else {
		vm->ioapic.deliver = ioapic_deliver;
		vm->ioapic.changed = vm->config->device_count ? ioapic_changed : NULL;
		vm->ioapic.context = vm;
		ioapic_init(&vm->ioapic);
		vm->cmos.now = real_time;
		ret |= bus_add(&vm->mmio, IOAPIC_BASE, IOAPIC_SIZE, &ioapic_ops, &vm->ioapic) |
		       bus_add(&vm->ports, PORT_SLOTS, 1, &slots_ops, vm) |
		       bus_add(&vm->ports, CMOS_PORT, CMOS_PORTS, &cmos_ops, &vm->cmos) |
		       power_add_machine(&vm->power, &vm->ports);
	}
	if (ret)
		return complain("two devices at one address");
	for (i = 0; i < vm->config->device_count; i++) {
		if (add_virtio(vm, &vm->config->devices[i]))
			return -1;
	}
	return 0;
}

void vm_print_devices(const struct vm *vm)
{
	const struct virtio *dev;
	unsigned int i;

	for (i = 0; i < vm->virtio_count; i++) {
		dev = vm->virtio[i];
		fprintf(stderr, "mshv: %s %u: %lu notifications, %lu of them by an exit; "
			"%lu interrupts\n", dev->name, i, dev->kicks - dev->own_kicks, dev->exits,
			dev->interrupts);
	}
}
