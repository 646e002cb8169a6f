/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * User space interface of /dev/mshv, the root partition's access to the
 * hypervisor. Numbers and layouts are those of upstream Linux.
 *
 * An ioctl number that a file descriptor does not know answers ENOTTY, always:
 * that is how a feature is probed.
 */
#ifndef _UAPI_LINUX_MSHV_H
#define _UAPI_LINUX_MSHV_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define MSHV_IOCTL	0xB8

/*
 * /dev/mshv
 */
enum {
	MSHV_PT_BIT_LAPIC,
	MSHV_PT_BIT_X2APIC,
	MSHV_PT_BIT_GPA_SUPER_PAGES,
	MSHV_PT_BIT_CPU_AND_XSAVE_FEATURES,
	MSHV_PT_BIT_NESTED_VIRTUALIZATION,
	MSHV_PT_BIT_SMT_ENABLED_GUEST,
	MSHV_PT_BIT_COUNT,
};

#define MSHV_PT_FLAGS_MASK ((1 << MSHV_PT_BIT_COUNT) - 1)

enum {
	MSHV_PT_ISOLATION_NONE,
	MSHV_PT_ISOLATION_COUNT,
};

/**
 * struct mshv_create_partition - arguments of MSHV_CREATE_PARTITION
 * @pt_flags: set of 1 << MSHV_PT_BIT_*
 * @pt_isolation: MSHV_PT_ISOLATION_*
 *
 * Returns a file descriptor of the new partition.
 */
struct mshv_create_partition {
	__u64 pt_flags;
	__u64 pt_isolation;
};

#define MSHV_NUM_CPU_FEATURES_BANKS	2

/**
 * struct mshv_create_partition_v2 - arguments of MSHV_CREATE_PARTITION with
 *	MSHV_PT_BIT_CPU_AND_XSAVE_FEATURES in @pt_flags
 * @pt_flags: set of 1 << MSHV_PT_BIT_*
 * @pt_isolation: MSHV_PT_ISOLATION_*
 * @pt_num_cpu_fbanks: number of banks in @pt_cpu_fbanks, MSHV_NUM_CPU_FEATURES_BANKS
 * @pt_rsvd: must be zero
 * @pt_cpu_fbanks: processor features to take from the guest (a set bit disables)
 * @pt_rsvd1: must be zero
 * @pt_disabled_xsave: XSAVE features to take from the guest (a set bit disables)
 */
struct mshv_create_partition_v2 {
	__u64 pt_flags;
	__u64 pt_isolation;
	__u16 pt_num_cpu_fbanks;
	__u8  pt_rsvd[6];
	__u64 pt_cpu_fbanks[MSHV_NUM_CPU_FEATURES_BANKS];
	__u64 pt_rsvd1[2];
	__u64 pt_disabled_xsave;
} __attribute__((packed));

/* /dev/mshv */
#define MSHV_CREATE_PARTITION	_IOW(MSHV_IOCTL, 0x00, struct mshv_create_partition)

/*
 * The partition file descriptor
 */

/**
 * struct mshv_create_vp - arguments of MSHV_CREATE_VP
 * @vp_index: index of the new VP; on x86 also what interrupts are routed by
 *
 * Returns a file descriptor of the new VP.
 */
struct mshv_create_vp {
	__u32 vp_index;
};

enum {
	MSHV_SET_MEM_BIT_WRITABLE,
	MSHV_SET_MEM_BIT_EXECUTABLE,
	MSHV_SET_MEM_BIT_UNMAP,
	MSHV_SET_MEM_BIT_COUNT,
};

#define MSHV_SET_MEM_FLAGS_MASK ((1 << MSHV_SET_MEM_BIT_COUNT) - 1)

/* The guest's page size; sizes and addresses of a region are multiples of it. */
#define MSHV_HV_PAGE_SIZE	0x1000

/**
 * struct mshv_user_mem_region - arguments of MSHV_SET_GUEST_MEMORY
 * @size: size of the region, in bytes
 * @guest_pfn: first guest page number
 * @userspace_addr: address of the memory in the caller
 * @flags: set of 1 << MSHV_SET_MEM_BIT_*
 * @rsvd: must be zero
 *
 * Regions do not overlap. To unmap, name the same @guest_pfn, @size and
 * @userspace_addr with only MSHV_SET_MEM_BIT_UNMAP in @flags. ENOENT: no region
 * has the page @guest_pfn; EINVAL: the one that has it is another one.
 */
struct mshv_user_mem_region {
	__u64 size;
	__u64 guest_pfn;
	__u64 userspace_addr;
	__u8 flags;
	__u8 rsvd[7];
};

enum {
	MSHV_IRQFD_BIT_DEASSIGN,
	MSHV_IRQFD_BIT_RESAMPLE,
	MSHV_IRQFD_BIT_COUNT,
};

#define MSHV_IRQFD_FLAGS_MASK	((1 << MSHV_IRQFD_BIT_COUNT) - 1)

/**
 * struct mshv_user_irqfd - arguments of MSHV_IRQFD
 * @fd: eventfd that injects the interrupt
 * @resamplefd: eventfd that is signalled at the guest's EOI, with MSHV_IRQFD_BIT_RESAMPLE
 * @gsi: which entry of the routing table
 * @flags: set of 1 << MSHV_IRQFD_BIT_*
 */
struct mshv_user_irqfd {
	__s32 fd;
	__s32 resamplefd;
	__u32 gsi;
	__u32 flags;
};

enum {
	MSHV_IOEVENTFD_BIT_DATAMATCH,
	MSHV_IOEVENTFD_BIT_PIO,
	MSHV_IOEVENTFD_BIT_DEASSIGN,
	MSHV_IOEVENTFD_BIT_COUNT,
};

#define MSHV_IOEVENTFD_FLAGS_MASK	((1 << MSHV_IOEVENTFD_BIT_COUNT) - 1)

/**
 * struct mshv_user_ioeventfd - arguments of MSHV_IOEVENTFD
 * @datamatch: value that the guest must write, with MSHV_IOEVENTFD_BIT_DATAMATCH
 * @addr: guest physical address
 * @len: size of the write in bytes: 1, 2, 4, 8, or 0 for any
 * @fd: eventfd to signal
 * @flags: set of 1 << MSHV_IOEVENTFD_BIT_*
 * @rsvd: must be zero
 */
struct mshv_user_ioeventfd {
	__u64 datamatch;
	__u64 addr;
	__u32 len;
	__s32 fd;
	__u32 flags;
	__u8  rsvd[4];
};

/**
 * struct mshv_user_irq_entry - one route of MSHV_SET_MSI_ROUTING
 * @gsi: the entry's number, below 4096 and unique in the table
 * @address_lo: MSI address, low half
 * @address_hi: MSI address, high half; zero on x86
 * @data: MSI data
 */
struct mshv_user_irq_entry {
	__u32 gsi;
	__u32 address_lo;
	__u32 address_hi;
	__u32 data;
};

/**
 * struct mshv_user_irq_table - arguments of MSHV_SET_MSI_ROUTING
 * @nr: number of @entries; the table replaces the one before, 0 clears it
 * @rsvd: must be zero
 * @entries: the routes
 */
struct mshv_user_irq_table {
	__u32 nr;
	__u32 rsvd;
	struct mshv_user_irq_entry entries[];
};

enum {
	MSHV_GPAP_ACCESS_TYPE_ACCESSED,
	MSHV_GPAP_ACCESS_TYPE_DIRTY,
	MSHV_GPAP_ACCESS_TYPE_COUNT,
};

enum {
	MSHV_GPAP_ACCESS_OP_NOOP,
	MSHV_GPAP_ACCESS_OP_CLEAR,
	MSHV_GPAP_ACCESS_OP_SET,
	MSHV_GPAP_ACCESS_OP_COUNT,
};

/**
 * struct mshv_gpap_access_bitmap - arguments of MSHV_GET_GPAP_ACCESS_BITMAP
 * @access_type: MSHV_GPAP_ACCESS_TYPE_*
 * @access_op: MSHV_GPAP_ACCESS_OP_*, applied after the state was read
 * @rsvd: must be zero
 * @page_count: in: pages asked for; out: pages done
 * @gpap_base: first guest page number
 * @bitmap_ptr: user address of a bitmap of @page_count bits
 */
struct mshv_gpap_access_bitmap {
	__u8 access_type;
	__u8 access_op;
	__u8 rsvd[6];
	__u64 page_count;
	__u64 gpap_base;
	__u64 bitmap_ptr;
};

/**
 * struct mshv_root_hvcall - arguments of MSHV_ROOT_HVCALL
 * @code: hypercall code; only those on the descriptor's list are let through
 * @reps: in: repetitions asked for, 0 for a simple call; out: repetitions done
 * @in_sz: size of the input, in bytes: 8 to 4096
 * @out_sz: size of the output, in bytes: up to 4096
 * @status: in: must be zero; out: the hypervisor's status
 * @rsvd: must be zero
 * @in_ptr: user address of the input; its first 8 bytes are replaced by the partition ID
 * @out_ptr: user address of the output, or 0
 */
struct mshv_root_hvcall {
	__u16 code;
	__u16 reps;
	__u16 in_sz;
	__u16 out_sz;
	__u16 status;
	__u8 rsvd[6];
	__u64 in_ptr;
	__u64 out_ptr;
};

/* Partition fds */
#define MSHV_INITIALIZE_PARTITION	_IO(MSHV_IOCTL, 0x00)
#define MSHV_CREATE_VP			_IOW(MSHV_IOCTL, 0x01, struct mshv_create_vp)
#define MSHV_SET_GUEST_MEMORY		_IOW(MSHV_IOCTL, 0x02, struct mshv_user_mem_region)
#define MSHV_IRQFD			_IOW(MSHV_IOCTL, 0x03, struct mshv_user_irqfd)
#define MSHV_IOEVENTFD			_IOW(MSHV_IOCTL, 0x04, struct mshv_user_ioeventfd)
#define MSHV_SET_MSI_ROUTING		_IOW(MSHV_IOCTL, 0x05, struct mshv_user_irq_table)
#define MSHV_GET_GPAP_ACCESS_BITMAP	_IOWR(MSHV_IOCTL, 0x06, struct mshv_gpap_access_bitmap)
/* On all three kinds of fd */
#define MSHV_ROOT_HVCALL		_IOWR(MSHV_IOCTL, 0x07, struct mshv_root_hvcall)

/*
 * The VP file descriptor
 */

#define MSHV_RUN_VP_BUF_SZ	256

/**
 * struct mshv_run_vp - result of MSHV_RUN_VP
 * @msg_buf: the intercept message (struct hv_message) that stopped the VP
 */
struct mshv_run_vp {
	__u8 msg_buf[MSHV_RUN_VP_BUF_SZ];
};

enum {
	MSHV_VP_STATE_LAPIC,
	MSHV_VP_STATE_XSAVE,
	MSHV_VP_STATE_SIMP,
	MSHV_VP_STATE_SIEFP,
	MSHV_VP_STATE_SYNTHETIC_TIMERS,
	MSHV_VP_STATE_COUNT,
};

/**
 * struct mshv_get_set_vp_state - arguments of MSHV_GET_VP_STATE and MSHV_SET_VP_STATE
 * @type: MSHV_VP_STATE_*
 * @rsvd: must be zero
 * @buf_sz: in: size of the buffer, a multiple of 4096; out: size of the state, in bytes
 * @buf_ptr: user address of the buffer, aligned to 4096
 */
struct mshv_get_set_vp_state {
	__u8 type;
	__u8 rsvd[3];
	__u32 buf_sz;
	__u64 buf_ptr;
};

/* Pages of the VP fd that can be mapped: mmap() offset in pages */
enum {
	MSHV_VP_MMAP_OFFSET_REGISTERS,
	MSHV_VP_MMAP_OFFSET_INTERCEPT_MESSAGE,
	MSHV_VP_MMAP_OFFSET_GHCB,
	MSHV_VP_MMAP_OFFSET_COUNT,
};

/* VP fds */
#define MSHV_RUN_VP		_IOR(MSHV_IOCTL, 0x00, struct mshv_run_vp)
#define MSHV_GET_VP_STATE	_IOWR(MSHV_IOCTL, 0x01, struct mshv_get_set_vp_state)
#define MSHV_SET_VP_STATE	_IOWR(MSHV_IOCTL, 0x02, struct mshv_get_set_vp_state)

/*
 * What follows is not upstream's. Its numbers are in a range that upstream Linux
 * and Azure's kernel leave free.
 */

/* Flags of MSHV_CANCEL_VP: withdraw a request instead of making one */
#define MSHV_CANCEL_VP_CLEAR		(1U << 0)
#define MSHV_CANCEL_VP_FLAGS_MASK	MSHV_CANCEL_VP_CLEAR

/*
 * VP fds: make MSHV_RUN_VP return -EINTR. The argument is a set of flags, by value.
 *
 * May be called by any thread and in a signal handler, whether or not the VP is
 * being run; it does not wait for it. A request stays until a MSHV_RUN_VP has
 * returned -EINTR, so none is lost between a VMM's last check and its ioctl; two
 * are one. A message that comes first is delivered first.
 *
 * With MSHV_CANCEL_VP_CLEAR it returns 1 if there was a request, 0 if not. That
 * changes nothing where there is none, and is how to find out whether the kernel
 * has this ioctl: -ENOTTY says that it has not.
 */
#define MSHV_CANCEL_VP		_IO(MSHV_IOCTL, 0xC0)

#endif /* _UAPI_LINUX_MSHV_H */
