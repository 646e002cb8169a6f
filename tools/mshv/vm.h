/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A virtual machine: a partition, its memory, its processors, its devices, and
 * how it came to its end.
 */
#ifndef MSHV_VM_H
#define MSHV_VM_H

#include <stdatomic.h>
#include <time.h>

#include <mshv/bus.h>
#include <mshv/ioapic.h>
#include <mshv/machine.h>

#include "console.h"
#include "layout.h"
#include "serial.h"
#include "util.h"
#include "virtio.h"

#define VM_MAX_CPUS	64
_Static_assert(VM_MAX_CPUS <= MSHV_MACHINE_MAX_CPUS, "a machine can have them");

/**
 * struct vm_config - what machine is wanted
 * @memory: bytes
 * @cpus: number of processors
 * @flat: a flat program's machine: no APICs, no firmware tables; HLT ends it
 * @long_mode: flat: it starts in 64-bit mode, not in real mode
 * @serial: where the serial line ends, for console_open()
 * @stats: count messages by their type
 * @dirty_rate: print how much the guest writes to, each so many seconds; 0: never
 * @device_count: number of virtio devices
 * @devices: what makes each, and what its option was given
 */
struct vm_config {
	uint64_t memory;
	uint64_t cpus;
	bool flat;
	bool long_mode;
	const char *serial;
	bool stats;
	uint64_t dirty_rate;
	unsigned int device_count;
	struct vm_device {
		struct virtio *(*open)(const char *spec);
		const char *spec;
	} devices[VIRTIO_SLOTS];
};

/* Messages that --stats counts, each with a name in vcpu.c */
#define VM_MAX_STATS	16

/**
 * struct cmos - the CMOS real-time clock: the host's time, which cannot be set
 * @now: time(), but for tests
 * @selected: index of the register that the data port reaches
 */
struct cmos {
	time_t (*now)(time_t *also);
	uint8_t selected;
};

#define CMOS_PORTS	2
extern const struct mshv_device_ops cmos_ops;

/**
 * struct power_port - a port by which a guest ends itself, or the first of several
 * @vm: the machine
 * @port: its number
 */
struct power_port {
	struct vm *vm;
	uint16_t port;
};

/**
 * struct vcpu - a virtual processor
 * @vm: its machine
 * @vp: its VP
 * @thread: the thread that runs it, if @started
 * @started: there is a thread
 * @finished: the thread has left its loop
 * @halted: its thread waits after a message of a HLT with interrupts off
 * @stats: messages by their type
 */
struct vcpu {
	struct vm *vm;
	struct mshv_vp vp;
	pthread_t thread;
	bool started;
	atomic_bool finished;
	atomic_bool halted;
	uint64_t stats[VM_MAX_STATS];
};

/**
 * struct vm - a machine
 * @config: what was asked for
 * @dev: /dev/mshv
 * @partition: the partition
 * @space: its memory, and its devices by address; its lock guards the devices
 * @cpus: its processors, as many as the configuration has
 * @crash_registers: the hypervisor has the guest crash registers
 * @can_cancel: the driver has MSHV_CANCEL_VP
 * @serial: the UART
 * @ioapic: the I/O APIC
 * @cmos: the clock
 * @power: ports by which a guest ends itself
 * @virtio_count: number of virtio devices
 * @virtio: the virtio devices, by slot
 * @console: the other end of the UART
 * @panic_matched: for crash_watch()
 * @signals: a signalfd of the signals that end the machine, or -1
 * @end_lock: guards the fields after it
 * @end_event: an eventfd that is readable from the machine's end on
 * @ended: the machine has come to its end
 * @status: exit status, enum mshv_status
 * @reason: what happened, in words; empty if there is nothing to say
 */
struct vm {
	const struct vm_config *config;
	int dev;
	int partition;
	struct mshv_space space;
	struct vcpu *cpus;
	bool crash_registers;
	bool can_cancel;

	struct serial serial;
	struct mshv_ioapic ioapic;
	struct cmos cmos;
	struct power_port power[4];
	unsigned int virtio_count;
	struct virtio *virtio[VIRTIO_SLOTS];
	struct console console;
	unsigned int panic_matched;

	int signals;

	pthread_mutex_t end_lock;
	int end_event;
	atomic_bool ended;
	int status;
	char reason[256];
};

/**
 * vm_create() - create a machine, or complain
 * @vm: what to fill in
 * @config: what machine; it must stay
 *
 * Return: 0, or -1 after a complaint; vm_destroy() is due in both cases.
 */
int vm_create(struct vm *vm, const struct vm_config *config);

/**
 * vm_start() - let all processors run, or complain
 * @vm: the machine
 *
 * From here on SIGINT, SIGTERM, SIGHUP and SIGQUIT bring the machine to its end, and
 * not the process.
 *
 * Return: 0, or -1 after a complaint.
 */
int vm_start(struct vm *vm);

/**
 * vm_wait() - wait until a machine has come to its end, and stop it
 * @vm: the machine
 * @timeout: seconds, or 0 for ever
 *
 * Return: its exit status; vm->reason says why.
 */
int vm_wait(struct vm *vm, unsigned int timeout);

/**
 * vm_destroy() - stop a machine and free all it has
 * @vm: the machine
 */
void vm_destroy(struct vm *vm);

/**
 * vm_end() - bring a machine to its end
 * @vm: the machine
 * @status: exit status, enum mshv_status
 * @fmt: why, in the manner of printf
 *
 * The first reason is the one that counts, but for a panic that has led to it. May be
 * called by any thread.
 */
__printf(3, 4)
void vm_end(struct vm *vm, int status, const char *fmt, ...);

/**
 * vm_add_devices() - put the machine's devices on its buses
 * @vm: the machine
 *
 * Return: 0, or -1 after a complaint.
 */
int vm_add_devices(struct vm *vm);

/**
 * power_add() - put the ports on the bus by which a guest ends itself
 * @vm: the machine; a flat guest has an exit port and no other
 *
 * Return: 0 or a negative errno.
 */
int power_add(struct vm *vm);

/**
 * acpi_write_tables() - write RSDP, XSDT, FADT, MADT and DSDT, and a reset vector
 * @mem: ACPI_SIZE bytes of the guest's memory at ACPI_BASE; it begins with the RSDP
 * @cpus: number of processors; their APIC IDs are 0 to @cpus - 1
 */
void acpi_write_tables(void *mem, unsigned int cpus);

/**
 * vm_print_stats() - print how many messages of which type a machine had, and how
 *	often virtio devices were notified, and interrupted
 * @vm: the machine
 */
void vm_print_stats(const struct vm *vm);

/**
 * vcpu_start() - start a processor's thread, or complain
 * @vcpu: the processor
 *
 * Return: 0, or -1 after a complaint.
 */
int vcpu_start(struct vcpu *vcpu);

/**
 * vcpu_stop() - stop a processor's thread
 * @vcpu: the processor; its machine has ended
 */
void vcpu_stop(struct vcpu *vcpu);

/**
 * vcpu_kick() - make a processor look around
 * @vcpu: the processor
 */
void vcpu_kick(struct vcpu *vcpu);

/**
 * vcpu_where() - where in its program a processor is
 * @vcpu: a processor that is not running
 *
 * Return: that, in words, until the calling thread's next call.
 */
const char *vcpu_where(struct vcpu *vcpu);

/**
 * crash_check() - see whether the guest has told the hypervisor of a crash
 * @vm: the machine; its first processor is not running
 *
 * If so, the machine is brought to its end, and the guest's last words, if it
 * has left any, are printed.
 */
void crash_check(struct vm *vm);

/**
 * crash_watch() - look at what the guest says on its console
 * @vm: the machine; its device lock is held
 * @byte: the next byte
 */
void crash_watch(struct vm *vm, uint8_t byte);

/**
 * crash_at_reset() - find out whether a guest that has reset itself has crashed
 * @vm: the machine, which has ended by a reset or a triple fault, and is stopped
 *
 * It is one if the guest has not shut down before.
 */
void crash_at_reset(struct vm *vm);

#endif /* MSHV_VM_H */
