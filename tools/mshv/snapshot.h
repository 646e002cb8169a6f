/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A machine in a file: mshv run --snapshot and --restore.
 *
 * The file is a header of one page, the processors, and the memory, in which a page
 * that is zero is a hole. All of it is in the byte order of x86.
 */
#ifndef MSHV_SNAPSHOT_H
#define MSHV_SNAPSHOT_H

#include <mshv/ioapic.h>
#include <mshv/machine.h>

#include "serial.h"
#include "util.h"

struct vm;

#define SNAPSHOT_MAGIC		"mshvsnap"
#define SNAPSHOT_VERSION	2

#define SNAPSHOT_FLAT		0x1U
#define SNAPSHOT_LONG_MODE	0x2U
#define SNAPSHOT_FLAGS_VALID	(SNAPSHOT_FLAT | SNAPSHOT_LONG_MODE)

#define SNAPSHOT_FEATURES	4

/**
 * struct snapshot_header - the first page of a file
 * @magic: SNAPSHOT_MAGIC, without a zero
 * @version: SNAPSHOT_VERSION
 * @flags: set of SNAPSHOT_*
 * @cpus: number of processors
 * @cmos_selected: index of the clock's register
 * @memory: the guest's memory, in bytes
 * @reference_time: the partition's time, in 100 ns
 * @features: what the guest has seen of its processors, in the order of snapshot.c
 * @ioapic: the I/O APIC
 * @serial: the UART
 */
struct snapshot_header {
	char magic[8];
	uint32_t version;
	uint32_t flags;
	uint32_t cpus;
	uint32_t cmos_selected;
	uint64_t memory;
	uint64_t reference_time;
	uint64_t features[SNAPSHOT_FEATURES];
	struct mshv_ioapic_state ioapic;
	struct serial_state serial;
} __attribute__((aligned(4096)));
_Static_assert(sizeof(struct snapshot_header) == 4096, "the header is a page");

/**
 * struct snapshot - a file's contents, but for the memory
 * @path: the file, for complaints
 * @fd: the file, or -1
 * @header: its header
 * @vps: processors
 */
struct snapshot {
	const char *path;
	int fd;
	struct snapshot_header *header;
	struct mshv_vp_state *vps;
};

/**
 * snapshot_alloc() - get room for a machine's state, or complain
 * @s: what to fill in
 * @path: the file; the string must stay
 * @cpus: number of processors
 *
 * Return: 0, or -1 after a complaint; snapshot_free() is due in both cases.
 */
int snapshot_alloc(struct snapshot *s, const char *path, uint32_t cpus);

/**
 * snapshot_free() - close the file, and free what was read
 * @s: the snapshot
 */
void snapshot_free(struct snapshot *s);

/**
 * snapshot_write() - write a file whole or not at all, or complain
 * @s: what to write; header and processors are filled in
 * @memory: the guest's memory
 * @signals: a signalfd of signals that end the writing, or -1
 *
 * Return: an exit status, enum mshv_status.
 */
int snapshot_write(struct snapshot *s, const struct mshv_memory *memory, int signals);

/**
 * snapshot_open() - open a file and check everything in it but the memory, or complain
 * @s: what to fill in
 * @path: the file; the string must stay
 *
 * What the hypervisor checks when it is set, registers and the like, is its affair.
 *
 * Return: 0, or -1 after a complaint; snapshot_free() is due in both cases.
 */
int snapshot_open(struct snapshot *s, const char *path);

/**
 * snapshot_read_memory() - fill a new guest's memory, or complain
 * @s: a snapshot that has been opened
 * @memory: the memory, all zero, of the size that the header says
 *
 * Return: 0, or -1 after a complaint.
 */
int snapshot_read_memory(const struct snapshot *s, const struct mshv_memory *memory);

/**
 * snapshot_restore() - give a new machine the state of a saved one, or complain
 * @s: a snapshot that has been opened
 * @vm: a machine of the same size and kind, none of which runs
 *
 * Return: 0, or -1 after a complaint.
 */
int snapshot_restore(const struct snapshot *s, struct vm *vm);

/**
 * snapshot_save() - save a machine, or complain
 * @vm: a machine none of whose processors runs, and whose console is closed
 * @path: the file
 *
 * Return: an exit status, enum mshv_status.
 */
int snapshot_save(struct vm *vm, const char *path);

/**
 * snapshot_catch_signal() - take SIGUSR1 for the wish of a snapshot
 */
void snapshot_catch_signal(void);

/**
 * snapshot_wanted() - has SIGUSR1 come
 *
 * Return: true if it has.
 */
bool snapshot_wanted(void);

#endif /* MSHV_SNAPSHOT_H */
