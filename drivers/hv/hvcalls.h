/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One function a hypercall. A partition is named by its memory pool where the
 * call may need memory of it, and by its ID elsewhere.
 *
 * All return 0 or the errno of the hypervisor's status (status.h), besides what
 * mshv_hvcall() returns. Those not marked atomic may sleep.
 */
#ifndef MSHV_HVCALLS_H
#define MSHV_HVCALLS_H

#include <linux/types.h>

#include <tlfs/interrupt.h>
#include <tlfs/memory.h>
#include <tlfs/partition.h>
#include <tlfs/register.h>
#include <tlfs/state.h>
#include <tlfs/stats.h>
#include <tlfs/synic.h>
#include <tlfs/system.h>
#include <tlfs/vp.h>

#include "pool.h"

/* hvcalls_partition.c */

/**
 * mshv_hvcall_create_partition() - create a child partition
 * @in: its properties
 * @partition_id: where its ID goes
 *
 * Memory comes from root's pool. (TLFS, "HvCallCreatePartition".)
 */
int mshv_hvcall_create_partition(const struct hv_input_create_partition *in, u64 *partition_id);

/**
 * mshv_hvcall_initialize_partition() - make a new partition usable
 * @pool: the partition
 */
int mshv_hvcall_initialize_partition(struct mshv_pool *pool);

/**
 * mshv_hvcall_finalize_partition() - free a partition's resources
 * @partition_id: the partition
 *
 * Its memory can be withdrawn after this.
 */
int mshv_hvcall_finalize_partition(u64 partition_id);

/**
 * mshv_hvcall_delete_partition() - delete a finalized partition
 * @partition_id: the partition; the ID is invalid after this
 */
int mshv_hvcall_delete_partition(u64 partition_id);

/**
 * mshv_hvcall_get_partition_property() - read a partition property
 * @partition_id: the partition
 * @code: HV_PARTITION_PROPERTY_*
 * @value: where it goes
 */
int mshv_hvcall_get_partition_property(u64 partition_id, u32 code, u64 *value);

/**
 * mshv_hvcall_get_partition_property_ex() - read a property that is larger than 8 bytes
 * @partition_id: the partition
 * @code: HV_PARTITION_PROPERTY_*
 * @value: where it goes
 * @size: bytes of it, at most HV_PARTITION_PROPERTY_EX_MAX_SIZE
 *
 * A failure is not logged: the call is how newer features are probed.
 */
int mshv_hvcall_get_partition_property_ex(u64 partition_id, u32 code, void *value, size_t size);

/**
 * mshv_hvcall_get_system_property() - read a property of the hypervisor
 * @id: HV_SYSTEM_PROPERTY_*
 * @value: where it goes
 */
int mshv_hvcall_get_system_property(u32 id, u64 *value);

/**
 * mshv_hvcall_map_stats_page() - make a page of statistics visible
 * @type: HV_STATS_OBJECT_*
 * @identity: which object and area
 * @pfn: where the page's number goes
 *
 * Memory comes from root's pool. A failure is not logged: areas may be absent.
 */
int mshv_hvcall_map_stats_page(u32 type, const union hv_stats_object_identity *identity,
			       u64 *pfn);

/**
 * mshv_hvcall_unmap_stats_page() - undo mshv_hvcall_map_stats_page()
 * @type: as there
 * @identity: as there
 */
int mshv_hvcall_unmap_stats_page(u32 type, const union hv_stats_object_identity *identity);

/* hvcalls_memory.c */

/**
 * mshv_hvcall_map_gpa() - map pages of root into a partition
 * @pool: the partition
 * @gfn: first guest page number, in units of 4 KiB
 * @flags: HV_MAP_GPA_*; with HV_MAP_GPA_LARGE_PAGE units are 2 MiB
 * @pfns: first 4 KiB page number of each unit
 * @nr: units, at most HV_MAP_GPA_MAX_REPS
 * @more: units that will be mapped after these; if there is not enough memory for page
 *	tables, some is deposited for them as well
 * @done: where the number of units mapped goes, after a failure too
 * @status: NULL; or where the hypervisor's status goes, by a caller that cannot
 *	sleep. A shortage of memory is then for the caller to make good, and to come
 *	again; see mshv_hvcall_deposit()
 */
int mshv_hvcall_map_gpa(struct mshv_pool *pool, u64 gfn, u32 flags, const u64 *pfns,
			unsigned int nr, u64 more, unsigned int *done, u16 *status);

/**
 * mshv_hvcall_map_gpa_deposit() - memory that mapping a range may need
 * @gfn: first guest page number, in units of 4 KiB
 * @nr: number of 4 KiB pages
 * @large: they are mapped by pages of 2 MiB
 *
 * Return: pages: the page tables under the range.
 */
unsigned int mshv_hvcall_map_gpa_deposit(u64 gfn, u64 nr, bool large);

/**
 * mshv_hvcall_unmap_gpa() - unmap guest pages
 * @partition_id: the partition
 * @gfn: first guest page number, in units of 4 KiB
 * @flags: HV_UNMAP_GPA_LARGE_PAGE or 0
 * @nr: units of 4 KiB or, with that flag, of 2 MiB; any number
 * @done: where the number of units unmapped goes, after a failure too
 * @status: NULL; or where the hypervisor's status goes, by a caller that cannot
 *	allocate memory, as in mshv_hvcall_map_gpa(). May sleep all the same
 */
int mshv_hvcall_unmap_gpa(u64 partition_id, u64 gfn, u32 flags, u64 nr, u64 *done, u16 *status);

/**
 * mshv_hvcall_get_gpa_access_states() - read and change accessed and dirty bits
 * @pool: the partition; to tell the pages of a large one apart takes page tables
 * @gfn: first guest page number
 * @flags: HV_PAGE_ACCESS_*, applied after the state was read
 * @states: where a byte of HV_PAGE_STATE_* for each page goes
 * @nr: pages, at most HV_PAGE_ACCESS_STATES_MAX_REPS
 * @more: pages that will be asked for after these, as in mshv_hvcall_map_gpa()
 * @done: where the number of pages done goes, after a failure too
 */
int mshv_hvcall_get_gpa_access_states(struct mshv_pool *pool, u64 gfn, u64 flags, u8 *states,
				      unsigned int nr, u64 more, unsigned int *done);

/* hvcalls_vp.c */

/**
 * mshv_hvcall_create_vp() - create a VP
 * @pool: its partition
 * @vp_index: its index
 */
int mshv_hvcall_create_vp(struct mshv_pool *pool, u32 vp_index);

/**
 * mshv_hvcall_delete_vp() - delete a VP
 * @partition_id: its partition
 * @vp_index: its index
 */
int mshv_hvcall_delete_vp(u64 partition_id, u32 vp_index);

/**
 * mshv_hvcall_get_vp_register() - read one register
 * @partition_id: the VP's partition
 * @vp_index: its index
 * @name: HV_REGISTER_* or HV_X64_REGISTER_*
 * @value: where its low 8 bytes go
 */
int mshv_hvcall_get_vp_register(u64 partition_id, u32 vp_index, u32 name, u64 *value);

/**
 * mshv_hvcall_set_vp_registers() - write registers, in order
 * @partition_id: the VP's partition
 * @vp_index: its index
 * @regs: names and values
 * @nr: how many, at most HV_SET_REGISTERS_MAX_REPS
 */
int mshv_hvcall_set_vp_registers(u64 partition_id, u32 vp_index,
				 const struct hv_register_assoc *regs, unsigned int nr);

/**
 * mshv_hvcall_map_vp_state_page() - make a page that a VP shares with its parent visible
 * @pool: the VP's partition
 * @vp_index: its index
 * @type: HV_VP_STATE_PAGE_*
 * @pfn: where the page's number goes
 */
int mshv_hvcall_map_vp_state_page(struct mshv_pool *pool, u32 vp_index, u16 type, u64 *pfn);

/**
 * mshv_hvcall_unmap_vp_state_page() - undo mshv_hvcall_map_vp_state_page()
 * @partition_id: the VP's partition
 * @vp_index: its index
 * @type: as there
 */
int mshv_hvcall_unmap_vp_state_page(u64 partition_id, u32 vp_index, u16 type);

/**
 * mshv_hvcall_get_vp_state() - read a component of a VP's state
 * @pool: the VP's partition
 * @vp_index: its index
 * @data: which one
 * @pfns: pages that it is written to, if its type is one of HV_VP_STATE_TYPE_PFN
 * @nr: how many
 * @out: where it is written to otherwise
 * @out_size: its size there, in bytes
 *
 * A failure is not logged: components may be absent.
 */
int mshv_hvcall_get_vp_state(struct mshv_pool *pool, u32 vp_index,
			     const struct hv_vp_state_data *data, const u64 *pfns,
			     unsigned int nr, void *out, size_t out_size);

/**
 * mshv_hvcall_set_vp_state() - write a component of a VP's state
 * @pool: the VP's partition
 * @vp_index: its index
 * @data: which one
 * @bytes: page numbers if its type is one of HV_VP_STATE_TYPE_PFN, the state otherwise
 * @size: of @bytes, in bytes
 *
 * A failure is not logged.
 */
int mshv_hvcall_set_vp_state(struct mshv_pool *pool, u32 vp_index,
			     const struct hv_vp_state_data *data, const void *bytes, size_t size);

/**
 * struct mshv_dispatch - input and output of a dispatch
 * @in: as the hypervisor reads it
 * @out: as the hypervisor writes it
 *
 * Lies within a page: interrupts are on while the hypervisor uses it, so it
 * cannot be in the CPU's own pages.
 */
struct mshv_dispatch {
	struct hv_input_dispatch_vp in;
	struct hv_output_dispatch_vp out;
};

/**
 * mshv_hvcall_dispatch_vp() - run a VP on this CPU until something happens
 * @dispatch: input and output
 * @status: where the hypervisor's status goes
 *
 * Called with preemption disabled and interrupts enabled; atomic.
 */
int mshv_hvcall_dispatch_vp(struct mshv_dispatch *dispatch, u16 *status);

/**
 * mshv_hvcall_assert_virtual_interrupt() - interrupt VPs of a partition
 * @partition_id: the partition
 * @control: HV_X64_INTERRUPT_TYPE_* and HV_INTERRUPT_CONTROL_*
 * @dest: APIC ID, or logical destination
 * @vector: interrupt vector
 *
 * Atomic.
 */
int mshv_hvcall_assert_virtual_interrupt(u64 partition_id, u64 control, u64 dest, u32 vector);

/**
 * mshv_hvcall_clear_virtual_interrupt() - acknowledge a held external interrupt
 * @partition_id: the partition
 *
 * Atomic.
 */
int mshv_hvcall_clear_virtual_interrupt(u64 partition_id);

/* hvcalls_port.c */

/**
 * mshv_hvcall_create_doorbell_port() - create a doorbell port of the root partition
 * @port_id: its number
 * @connection_partition_id: who may ring it
 */
int mshv_hvcall_create_doorbell_port(u32 port_id, u64 connection_partition_id);

/**
 * mshv_hvcall_delete_port() - delete a port of the root partition
 * @port_id: its number
 */
int mshv_hvcall_delete_port(u32 port_id);

/**
 * mshv_hvcall_connect_doorbell() - let stores to a guest address ring a doorbell
 * @pool: the guest's partition
 * @port_id: the port; the connection has the same number
 * @gpa: guest physical address
 * @trigger_value: the value that rings
 * @flags: HV_DOORBELL_FLAG_*
 */
int mshv_hvcall_connect_doorbell(struct mshv_pool *pool, u32 port_id, u64 gpa,
				 u64 trigger_value, u64 flags);

/**
 * mshv_hvcall_disconnect_doorbell() - undo mshv_hvcall_connect_doorbell()
 * @partition_id: the guest's partition
 * @port_id: the port
 */
int mshv_hvcall_disconnect_doorbell(u64 partition_id, u32 port_id);

/**
 * mshv_hvcall_notify_port_ring_empty() - an event ring that was full is empty
 * @sint: its SINT
 *
 * Atomic.
 */
int mshv_hvcall_notify_port_ring_empty(u32 sint);

#endif /* MSHV_HVCALLS_H */
