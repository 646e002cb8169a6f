/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * libmshv: /dev/mshv for programs in C.
 *
 * Three layers, each usable without the ones after it:
 *
 *  - one function an ioctl, on plain file descriptors;
 *  - one function a hypercall that the driver passes through;
 *  - <mshv/vp.h>: a VP with its mapped pages, its registers and its last
 *    message, and helpers that bring it into a mode to start in.
 *
 * Above them is what a VMM is made of: <mshv/memory.h>, <mshv/load.h> (programs into
 * it), <mshv/emulate.h> (from a message to a device access), <mshv/bus.h> (devices by
 * address), <mshv/ioapic.h>, <mshv/virtqueue.h>, and <mshv/machine.h> (partitions and
 * VPs for an operating system, and their state).
 *
 * Every function that can fail returns a negative errno (and something >= 0
 * otherwise) and leaves the details, with the hypervisor's own status, in the
 * calling thread's mshv_last_error(). Functions may be called from any thread;
 * two threads must not work on the same struct mshv_vp at the same time.
 */
#ifndef MSHV_MSHV_H
#define MSHV_MSHV_H

#include <stddef.h>

#include <linux/types.h>
#include <linux/mshv.h>
#include <tlfs/hypercall.h>
#include <tlfs/interrupt.h>
#include <tlfs/memory.h>
#include <tlfs/message.h>
#include <tlfs/partition.h>
#include <tlfs/register.h>
#include <tlfs/state.h>
#include <tlfs/status.h>
#include <tlfs/vp.h>

#ifdef __cplusplus
extern "C" {
#endif

#define MSHV_DEVICE	"/dev/mshv"

/* ---- Errors ---- */

/**
 * struct mshv_error - why the last libmshv call of this thread failed
 * @error: errno value, positive
 * @status: HV_STATUS_* of the hypercall, HV_STATUS_SUCCESS if none failed
 * @call: name of the ioctl or hypercall that failed
 * @context: what it was called for ("port 0x3f8"), or an empty string
 */
struct mshv_error {
	int error;
	unsigned int status;
	const char *call;
	char context[96];
};

/**
 * mshv_last_error() - details of this thread's last failed call
 *
 * Return: a pointer that stays valid, and whose contents stay the same, until
 * the thread's next libmshv call fails.
 */
const struct mshv_error *mshv_last_error(void);

/**
 * mshv_strerror() - this thread's last failed call in one line of text
 *
 * Return: "CALL(context): errno text (HV_STATUS_NAME)", valid until the
 * thread's next call of this function.
 */
const char *mshv_strerror(void);

/**
 * mshv_status_name() - name of a hypercall status
 * @status: HV_STATUS_*
 *
 * Return: "HV_STATUS_..." or NULL if the status has no name.
 */
const char *mshv_status_name(unsigned int status);

/**
 * mshv_hvcall_name() - name of a hypercall
 * @code: HVCALL_*
 *
 * Return: "HVCALL_..." or NULL if the code has no name.
 */
const char *mshv_hvcall_name(unsigned int code);

/**
 * mshv_message_name() - name of a message type
 * @type: HVMSG_*
 *
 * Return: "HVMSG_..." or NULL if the type has no name.
 */
const char *mshv_message_name(__u32 type);

/**
 * mshv_property_name() - name of a partition property
 * @code: HV_PARTITION_PROPERTY_*
 *
 * Return: "HV_PARTITION_PROPERTY_..." or NULL if the code has no name.
 */
const char *mshv_property_name(__u32 code);

/* ---- /dev/mshv ---- */

/**
 * mshv_open() - open the device
 * @path: its path, or NULL for MSHV_DEVICE
 *
 * Return: a file descriptor, or a negative errno: mshv_explain() says in plain
 * words what to do about it.
 */
int mshv_open(const char *path);

/**
 * mshv_explain() - why the device cannot be opened, in plain words
 * @path: its path, or NULL for MSHV_DEVICE
 * @error: what mshv_open() returned
 *
 * Return: one line of text for a person: no hypervisor, not a root partition,
 * module not loaded, no permission. Valid until the thread's next call.
 */
const char *mshv_explain(const char *path, int error);

/**
 * mshv_create_partition() - MSHV_CREATE_PARTITION
 * @dev: file descriptor of the device
 * @flags: set of 1 << MSHV_PT_BIT_*, without CPU_AND_XSAVE_FEATURES
 *
 * Return: file descriptor of the new partition, or a negative errno.
 */
int mshv_create_partition(int dev, __u64 flags);

/**
 * mshv_create_partition_v2() - MSHV_CREATE_PARTITION with features taken away
 * @dev: file descriptor of the device
 * @args: the whole argument; MSHV_PT_BIT_CPU_AND_XSAVE_FEATURES must be in its
 *	flags, or the driver reads only the first 16 bytes
 *
 * Return: file descriptor of the new partition, or a negative errno.
 */
int mshv_create_partition_v2(int dev, const struct mshv_create_partition_v2 *args);

/* ---- The partition ---- */

/**
 * mshv_initialize_partition() - MSHV_INITIALIZE_PARTITION
 * @partition: file descriptor of the partition
 *
 * The synthetic features are set before it, everything else after it.
 *
 * Return: 0 or a negative errno.
 */
int mshv_initialize_partition(int partition);

/**
 * mshv_create_vp() - MSHV_CREATE_VP
 * @partition: file descriptor of the partition
 * @vp_index: index of the new VP, below 256
 *
 * Return: file descriptor of the new VP, or a negative errno.
 */
int mshv_create_vp(int partition, __u32 vp_index);

/**
 * mshv_map_memory() - MSHV_SET_GUEST_MEMORY: give memory to the guest
 * @partition: file descriptor of the partition
 * @gpa: guest physical address, a multiple of 4096
 * @addr: address of the memory in this process, a multiple of 4096
 * @size: bytes, a multiple of 4096
 * @flags: set of 1 << MSHV_SET_MEM_BIT_WRITABLE and _EXECUTABLE
 *
 * Return: 0 or a negative errno.
 */
int mshv_map_memory(int partition, __u64 gpa, void *addr, __u64 size, __u8 flags);

/**
 * mshv_unmap_memory() - MSHV_SET_GUEST_MEMORY: take memory back
 * @partition: file descriptor of the partition
 * @gpa: as it was mapped
 * @addr: as it was mapped
 * @size: as it was mapped
 *
 * Return: 0, -ENOENT if no region has the first page, -EINVAL if that is another region, or a
 * negative errno.
 */
int mshv_unmap_memory(int partition, __u64 gpa, void *addr, __u64 size);

/**
 * mshv_assign_irqfd() - MSHV_IRQFD: an eventfd that injects an interrupt
 * @partition: file descriptor of the partition
 * @fd: the eventfd
 * @gsi: entry of the routing table that says which interrupt
 * @resamplefd: eventfd to be signalled at the guest's EOI, or -1; the route must
 *	be level-triggered then
 *
 * Return: 0 or a negative errno.
 */
int mshv_assign_irqfd(int partition, int fd, __u32 gsi, int resamplefd);

/**
 * mshv_deassign_irqfd() - MSHV_IRQFD with DEASSIGN
 * @partition: file descriptor of the partition
 * @fd: the eventfd
 * @gsi: as it was assigned
 *
 * Return: 0 or a negative errno.
 */
int mshv_deassign_irqfd(int partition, int fd, __u32 gsi);

/**
 * mshv_assign_ioeventfd() - MSHV_IOEVENTFD: an eventfd that a guest's store signals
 * @partition: file descriptor of the partition
 * @fd: the eventfd
 * @gpa: guest physical address of the store
 * @len: size of the store in bytes: 1, 2, 4, 8, or 0 for any
 * @datamatch: the value that must be stored, or NULL for any
 *
 * Return: 0 or a negative errno.
 */
int mshv_assign_ioeventfd(int partition, int fd, __u64 gpa, __u32 len, const __u64 *datamatch);

/**
 * mshv_deassign_ioeventfd() - MSHV_IOEVENTFD with DEASSIGN
 * @partition: file descriptor of the partition
 * @fd: the eventfd
 * @gpa: as it was assigned
 * @len: as it was assigned
 * @datamatch: as it was assigned
 *
 * Return: 0 or a negative errno.
 */
int mshv_deassign_ioeventfd(int partition, int fd, __u64 gpa, __u32 len, const __u64 *datamatch);

/**
 * mshv_set_msi_routing() - MSHV_SET_MSI_ROUTING: replace the routing table
 * @partition: file descriptor of the partition
 * @entries: the new table, one entry a GSI
 * @nr: number of entries; 0 clears the table
 *
 * Return: 0 or a negative errno.
 */
int mshv_set_msi_routing(int partition, const struct mshv_user_irq_entry *entries, __u32 nr);

/**
 * mshv_get_access_bitmap() - MSHV_GET_GPAP_ACCESS_BITMAP
 * @partition: file descriptor of the partition
 * @type: MSHV_GPAP_ACCESS_TYPE_*
 * @op: MSHV_GPAP_ACCESS_OP_*, done after reading
 * @gpa: first guest physical address, a multiple of 4096
 * @pages: number of 4 KiB pages
 * @bitmap: (pages + 7) / 8 bytes rounded up to 8, one bit a page
 *
 * Property GPA_PAGE_ACCESS_TRACKING must be 1.
 *
 * Return: number of pages done, or a negative errno.
 */
long mshv_get_access_bitmap(int partition, __u8 type, __u8 op, __u64 gpa, __u64 pages,
			    void *bitmap);

/* ---- The VP ---- */

/**
 * mshv_run_vp() - MSHV_RUN_VP: run until the guest needs something
 * @vp: file descriptor of the VP
 * @msg: the message that stopped it
 *
 * Return: 0, -EINTR after a signal (run it again), or another negative errno.
 */
int mshv_run_vp(int vp, struct hv_message *msg);

/**
 * mshv_cancel_vp() - MSHV_CANCEL_VP: make a run return, now or the next
 * @vp: file descriptor of the VP
 * @flags: 0, or MSHV_CANCEL_VP_CLEAR to withdraw the request
 *
 * For other threads and for signal handlers: the request stays until a
 * MSHV_RUN_VP has returned -EINTR, so none is lost.
 *
 * Return: 0; with MSHV_CANCEL_VP_CLEAR 1 if there was a request; -ENOTTY if
 * the driver has no such ioctl: then a signal has to do, sent until it is seen.
 */
int mshv_cancel_vp(int vp, __u32 flags);

/**
 * mshv_get_vp_state() - MSHV_GET_VP_STATE
 * @vp: file descriptor of the VP
 * @type: MSHV_VP_STATE_*
 * @buf: buffer aligned to 4096
 * @size: its size in bytes, a multiple of 4096
 *
 * Return: size of the state in bytes, or a negative errno.
 */
long mshv_get_vp_state(int vp, __u8 type, void *buf, __u32 size);

/**
 * mshv_set_vp_state() - MSHV_SET_VP_STATE
 * @vp: file descriptor of the VP
 * @type: MSHV_VP_STATE_*
 * @buf: buffer aligned to 4096
 * @size: its size in bytes, a multiple of 4096
 *
 * Return: 0 or a negative errno.
 */
int mshv_set_vp_state(int vp, __u8 type, const void *buf, __u32 size);

/* ---- Pass-through hypercalls; @fd is the device's, a partition's or a VP's ---- */

/**
 * mshv_hvcall() - MSHV_ROOT_HVCALL
 * @fd: file descriptor; which hypercalls it passes depends on its kind
 * @code: HVCALL_*
 * @reps: repetitions, 0 for a simple hypercall
 * @in: input; the driver puts the partition's ID in its first 8 bytes
 * @in_size: bytes, 8 to 4096
 * @out: output, or NULL
 * @out_size: bytes, up to 4096
 *
 * Return: repetitions completed (0 for a simple call), or a negative errno: the
 * hypervisor's status is in mshv_last_error().
 */
int mshv_hvcall(int fd, __u16 code, __u16 reps, const void *in, size_t in_size, void *out,
		size_t out_size);

/**
 * mshv_get_registers() - HVCALL_GET_VP_REGISTERS
 * @fd: file descriptor of the partition or the VP
 * @vp_index: the VP
 * @names: HV_REGISTER_* or HV_X64_REGISTER_*
 * @values: where their values go
 * @count: how many, up to HV_GET_REGISTERS_MAX_REPS
 *
 * Return: 0 or a negative errno.
 */
int mshv_get_registers(int fd, __u32 vp_index, const __u32 *names, union hv_register_value *values,
		       unsigned int count);

/**
 * mshv_set_registers() - HVCALL_SET_VP_REGISTERS
 * @fd: file descriptor of the partition or the VP
 * @vp_index: the VP
 * @regs: names and values, set in this order
 * @count: how many, up to HV_SET_REGISTERS_MAX_REPS
 *
 * Return: 0 or a negative errno.
 */
int mshv_set_registers(int fd, __u32 vp_index, const struct hv_register_assoc *regs,
		       unsigned int count);

/**
 * mshv_get_property() - HVCALL_GET_PARTITION_PROPERTY
 * @fd: file descriptor of the partition, or of the device for the host's own
 * @code: HV_PARTITION_PROPERTY_*
 * @value: where the value goes
 *
 * Return: 0 or a negative errno.
 */
int mshv_get_property(int fd, __u32 code, __u64 *value);

/**
 * mshv_set_property() - HVCALL_SET_PARTITION_PROPERTY
 * @fd: file descriptor of the partition
 * @code: HV_PARTITION_PROPERTY_*
 * @value: the value
 *
 * Return: 0 or a negative errno.
 */
int mshv_set_property(int fd, __u32 code, __u64 value);

/**
 * mshv_get_property_ex() - HVCALL_GET_PARTITION_PROPERTY_EX
 * @fd: file descriptor of the partition, or of the device for the host's own
 * @code: HV_PARTITION_PROPERTY_*
 * @arg: the property's argument
 * @buf: where its value goes
 * @size: bytes of it, up to HV_PARTITION_PROPERTY_EX_MAX_SIZE
 *
 * Return: 0 or a negative errno.
 */
int mshv_get_property_ex(int fd, __u32 code, __u64 arg, void *buf, size_t size);

/**
 * mshv_translate_gva() - HVCALL_TRANSLATE_VIRTUAL_ADDRESS
 * @fd: file descriptor of the partition or the VP
 * @vp_index: the VP whose page tables and mode are used
 * @gva: guest virtual address, of any alignment
 * @flags: HV_TRANSLATE_GVA_*
 * @gpa: where the guest physical address of the same byte goes
 *
 * Return: 0, a positive enum hv_translate_gva_result_code if the address has
 * no translation, or a negative errno.
 */
int mshv_translate_gva(int fd, __u32 vp_index, __u64 gva, __u64 flags, __u64 *gpa);

/**
 * mshv_register_cpuid_result() - HVCALL_REGISTER_INTERCEPT_RESULT for a CPUID leaf
 * @fd: file descriptor of the partition or the VP
 * @vp_index: the VP, or HV_ANY_VP for all
 * @result: the leaf and which bits of its result are replaced
 *
 * Return: 0 or a negative errno.
 */
int mshv_register_cpuid_result(int fd, __u32 vp_index,
			       const struct hv_register_x64_cpuid_result_parameters *result);

/**
 * mshv_get_cpuid_values() - HVCALL_GET_VP_CPUID_VALUES
 * @fd: file descriptor of the partition or the VP
 * @vp_index: the VP
 * @flags: HV_GET_VP_CPUID_VALUES_*
 * @leaves: which leaves
 * @results: where their values go
 * @count: how many, up to 169
 *
 * Return: 0 or a negative errno.
 */
int mshv_get_cpuid_values(int fd, __u32 vp_index, __u32 flags,
			  const struct hv_cpuid_leaf_info *leaves,
			  struct hv_cpuid_result *results, unsigned int count);

/**
 * mshv_install_intercept() - HVCALL_INSTALL_INTERCEPT
 * @fd: file descriptor of the partition
 * @type: enum hv_intercept_type
 * @access: HV_INTERCEPT_ACCESS_MASK_*; NONE removes the intercept
 * @parameter: port, leaf, MSR or vector, as the type has it
 *
 * Return: 0 or a negative errno.
 */
int mshv_install_intercept(int fd, __u32 type, __u32 access, __u64 parameter);

/**
 * mshv_assert_interrupt() - HVCALL_ASSERT_VIRTUAL_INTERRUPT
 * @fd: file descriptor of the partition
 * @control: enum hv_interrupt_type, and HV_INTERRUPT_CONTROL_* for level or
 *	logical destination
 * @destination: APIC ID or logical destination
 * @vector: the vector
 *
 * May be called while the VP runs, from any thread.
 *
 * Return: 0 or a negative errno.
 */
int mshv_assert_interrupt(int fd, __u64 control, __u64 destination, __u32 vector);

/**
 * mshv_clear_interrupt() - HVCALL_CLEAR_VIRTUAL_INTERRUPT: acknowledge a held ExtINT
 * @fd: file descriptor of the partition
 *
 * Return: 0 or a negative errno.
 */
int mshv_clear_interrupt(int fd);

/**
 * mshv_signal_event_direct() - HVCALL_SIGNAL_EVENT_DIRECT
 * @fd: file descriptor of the partition
 * @vp_index: the VP
 * @sint: the SINT, 0 to 15
 * @flag: the event flag, below HV_EVENT_FLAGS_COUNT
 *
 * Return: 1 if the flag was clear before, 0 if not, or a negative errno.
 */
int mshv_signal_event_direct(int fd, __u32 vp_index, __u8 sint, __u16 flag);

/**
 * mshv_post_message_direct() - HVCALL_POST_MESSAGE_DIRECT
 * @fd: file descriptor of the partition
 * @vp_index: the VP
 * @sint: the SINT, 0 to 15
 * @msg: the message
 *
 * Return: 0 or a negative errno.
 */
int mshv_post_message_direct(int fd, __u32 vp_index, __u32 sint, const struct hv_message *msg);

/**
 * mshv_get_access_states() - HVCALL_GET_GPA_PAGES_ACCESS_STATES
 * @fd: file descriptor of the partition
 * @flags: HV_PAGE_ACCESS_*, done after reading
 * @gpa: first guest physical address, a multiple of 4096
 * @states: where the states go, HV_PAGE_STATE_*, one byte a page
 * @count: number of 4 KiB pages, up to HV_PAGE_ACCESS_STATES_MAX_REPS
 *
 * mshv_get_access_bitmap() does the same for any number of pages.
 *
 * Return: 0 or a negative errno.
 */
int mshv_get_access_states(int fd, __u64 flags, __u64 gpa, __u8 *states, unsigned int count);

#ifdef __cplusplus
}
#endif

#endif /* MSHV_MSHV_H */
