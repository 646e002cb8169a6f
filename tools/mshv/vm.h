/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A virtual machine: a partition, its memory, its processors, its devices, and
 * how it came to its end.
 */
#ifndef MSHV_VM_H
#define MSHV_VM_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <mshv/emulate.h>

#include "boot.h"
#include "bus.h"
#include "cmos.h"
#include "console.h"
#include "ioapic.h"
#include "memory.h"
#include "power.h"
#include "serial.h"
#include "virtio.h"

#define VM_MAX_CPUS	64

/* Lines of the I/O APIC */
#define IRQ_SERIAL	4
#define IRQ_VIRTIO	16	/* of the first slot; dsdt.asl has it too */
#define PORT_SERIAL	0x3f8
#define PORT_DEBUG	0xe9	/* bytes go to the console, as in Bochs */
#define PORT_SLOTS	0x506	/* dsdt.asl reads here which virtio slots are taken */

/**
 * struct vm_device - a virtio device that is wanted
 * @open: makes it, from @spec
 * @spec: what its option was given
 */
struct vm_device {
	struct virtio *(*open)(const char *spec);
	const char *spec;
};

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
 * @devices: which
 */
struct vm_config {
	uint64_t memory;
	unsigned int cpus;
	bool flat;
	bool long_mode;
	const char *serial;
	bool stats;
	unsigned int dirty_rate;
	unsigned int device_count;
	struct vm_device devices[VIRTIO_SLOTS];
};

/* Messages that --stats counts, each with a name in vcpu.c */
#define VM_MAX_STATS	16

/**
 * struct vcpu - a virtual processor
 * @vm: its machine
 * @vp: its VP
 * @thread: the thread that runs it, if @started
 * @started: there is a thread
 * @finished: the thread has left its loop
 * @halted: the guest has halted it with interrupts off
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
 * @memory: the guest's memory
 * @cpus: its processors, as many as the configuration has
 * @crash_registers: the hypervisor has the guest crash registers
 * @can_cancel: the driver has MSHV_CANCEL_VP
 * @lock: guards all devices, and @caller
 * @caller: the processor that is at a device, or NULL: it is the console
 * @ports: devices on ports
 * @mmio: devices in memory
 * @serial: the UART
 * @ioapic: the I/O APIC
 * @cmos: the clock
 * @power: what listens to a guest that ends itself
 * @virtio_count: number of virtio devices
 * @virtio: the virtio devices, by slot
 * @console: the other end of the UART
 * @panic_matched: for crash_watch()
 * @signals: a signalfd of the signals that end the machine, or -1
 * @dirty_thread: the thread that prints the dirty rate, if @dirty_started
 * @dirty_started: there is such a thread
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
	struct guest_memory memory;
	struct vcpu *cpus;
	bool crash_registers;
	bool can_cancel;

	pthread_mutex_t lock;
	struct vcpu *caller;
	struct bus ports;
	struct bus mmio;
	struct serial serial;
	struct ioapic ioapic;
	struct cmos cmos;
	struct power power;
	unsigned int virtio_count;
	struct virtio *virtio[VIRTIO_SLOTS];
	struct console console;
	unsigned int panic_matched;

	int signals;
	pthread_t dirty_thread;
	bool dirty_started;

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
 * vm_start() - set the first processor up and let all of them run, or complain
 * @vm: the machine
 * @entry: how the first processor starts, or NULL if it has its registers
 *
 * From here on SIGINT, SIGTERM, SIGHUP and SIGQUIT bring the machine to its end, and
 * not the process.
 *
 * Return: 0, or -1 after a complaint.
 */
int vm_start(struct vm *vm, const struct boot_entry *entry);

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
 * The first reason is the one that counts. May be called by any thread.
 */
__printf(3, 4)
void vm_end(struct vm *vm, int status, const char *fmt, ...);

/**
 * vm_setup_cpuid() - give a processor its place in the machine by CPUID
 * @vcpu: the processor
 *
 * Return: 0 or a negative errno.
 */
int vm_setup_cpuid(struct vcpu *vcpu);

/**
 * vm_add_devices() - put the machine's devices on its buses
 * @vm: the machine
 *
 * Return: 0, or -1 after a complaint.
 */
int vm_add_devices(struct vm *vm);

/**
 * vm_print_devices() - print how often virtio devices were notified, and interrupted
 * @vm: the machine
 */
void vm_print_devices(const struct vm *vm);

/* How emulated instructions reach the machine's devices; the context is the vcpu. */
extern const struct mshv_bus_ops vm_bus_ops;

/**
 * vcpu_start() - start a processor's thread
 * @vcpu: the processor
 *
 * Return: 0 or a positive errno.
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
 * @text: where to put that, in words
 * @size: room for them, in bytes
 */
void vcpu_where(struct vcpu *vcpu, char *text, size_t size);

/**
 * vcpu_print_stats() - print how many messages of which type a machine had
 * @vm: the machine
 */
void vcpu_print_stats(const struct vm *vm);

/**
 * crash_init() - find out whether guests can tell the hypervisor of their crash
 * @vm: the machine
 */
void crash_init(struct vm *vm);

/**
 * crash_check() - see whether the guest has told the hypervisor of a crash
 * @vcpu: a processor that is not running
 *
 * If so, the machine is brought to its end, and the guest's last words, if it
 * has left any, are printed.
 */
void crash_check(struct vcpu *vcpu);

/**
 * crash_watch() - look at what the guest says on its console
 * @vm: the machine; its device lock is held
 * @byte: the next byte
 */
void crash_watch(struct vm *vm, uint8_t byte);

/**
 * crash_at_reset() - is a reset that the guest asks for an emergency
 * @vm: the machine; its device lock is held
 *
 * Return: true if the guest has not shut down before.
 */
bool crash_at_reset(const struct vm *vm);

/**
 * dirty_start() - start to print the dirty rate, if that is wanted, or complain
 * @vm: the machine
 *
 * Return: 0, or -1 after a complaint.
 */
int dirty_start(struct vm *vm);

/**
 * dirty_stop() - end that
 * @vm: the machine, which has ended
 */
void dirty_stop(struct vm *vm);

#endif /* MSHV_VM_H */
