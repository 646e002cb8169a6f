/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Hypercalls as the root partition's kernel makes them, and children made by
 * them. What a test is not about ends it when it fails.
 */
#ifndef HOST_CALLS_H
#define HOST_CALLS_H

#include <openhv/partition.h>
#include <openhv/types.h>
#include <tlfs/hypercall.h>

/* Root's pages for the input and the output of a hypercall */
#define HV_IN		0x200000UL
#define HV_OUT		0x201000UL

/**
 * hv_call() - make a hypercall with any control word
 * @control: the control word
 * @in: the input block; copied to root's input page
 * @in_size: its size in bytes
 * @out: receives what is in root's output page after the call; may be NULL
 * @out_size: bytes of it
 *
 * The output page is filled with 0xAA before.
 *
 * Returns: the result word
 */
u64 hv_call(u64 control, const void *in, u32 in_size, void *out, u32 out_size);

/* A simple call; returns its status. */
hv_status_t hv(u16 code, const void *in, u32 in_size, void *out, u32 out_size);
/* The same, for a fast call with up to 16 bytes of input */
hv_status_t hv_fast(u16 code, u64 first, u64 second);

/* A rep call: a header, its elements; repeated until it is done or fails. */
u64 hv_rep(u16 code, u32 count, const void *header, u32 header_size, const void *elements,
	   u32 elements_size, void *out, u32 out_size);

/* The control word of a rep call, and the parts of a result word */
static inline u64 hv_reps(u16 code, u32 count, u32 start)
{
	return code | (u64)count << HV_HYPERCALL_REP_COUNT_SHIFT |
	       (u64)start << HV_HYPERCALL_REP_START_SHIFT;
}

static inline u64 hv_var(u16 code, u32 words)
{
	return code | (u64)words << HV_HYPERCALL_VARHEAD_SHIFT;
}

static inline hv_status_t hv_status(u64 result)
{
	return result & HV_HYPERCALL_RESULT_MASK;
}

static inline u32 hv_completed(u64 result)
{
	return (result & HV_HYPERCALL_REP_COMP_MASK) >> HV_HYPERCALL_REP_COMP_SHIFT;
}

/* Page frames of root's that nobody uses, one after the other */
u64 ram_pages(u64 count);
u64 ram_pages_2m(u64 count);
/* Use the pages again that ram_pages() has given since the mark; all of them are root's again. */
u64 ram_mark(void);
void ram_release(u64 mark);
/* The same as memory of this process */
static inline void *ram(u64 pfn)
{
	return phys_to_virt(pfn << PAGE_SHIFT);
}

/* Creation flags of the driver's */
#define CHILD_FLAGS	(HV_PARTITION_CREATION_FLAG_EXO_PARTITION | \
			 HV_PARTITION_CREATION_FLAG_LAPIC_ENABLED | \
			 HV_PARTITION_CREATION_FLAG_INTERCEPT_MESSAGE_PAGE_ENABLED | \
			 HV_PARTITION_CREATION_FLAG_X2APIC_CAPABLE)
#define CHILD_POOL	256	/* pages that child_new() deposits */

/* Deposit pages into a partition; HV_PARTITION_ID_SELF: root itself. */
hv_status_t deposit(u64 id, u32 count);
/* Withdraw all that can be; returns how many pages that were. */
u32 withdraw(u64 id);

/**
 * child_create() - a partition that is created, and nothing else
 * @flags: HV_PARTITION_CREATION_FLAG_*
 *
 * Returns: its ID
 */
u64 child_create(u64 flags);
/* One that is initialized, with all synthetic features and pages in its pool */
struct partition *child_new(void);
/* The same with @pool pages and these features */
struct partition *child_with(u32 pool, u64 synthetic);
/* Add a VP; its explicit suspend is cleared. */
struct vp *child_vp(struct partition *p, u32 index);
/* Give everything back; ends the test if not all of it comes. */
void child_gone(struct partition *p);
/*
 * Leave so many free pages in a partition's pool: the others go to @pages, and
 * how many these are is returned. Then give them back.
 */
u32 pool_drain(struct partition *p, u32 leave, void **pages);
void pool_refill(struct partition *p, void **pages, u32 n);
/* The partition with an ID, without a reference */
struct partition *partition_of(u64 id);

/* Map pages of root's from @pfn on at @gpfn; flags are HV_MAP_GPA_*. */
hv_status_t map_pages(struct partition *p, u64 gpfn, u64 pfn, u32 count, u32 flags);
hv_status_t unmap_pages(struct partition *p, u64 gpfn, u32 count, u32 flags);
#define MAP_RWX	(HV_MAP_GPA_READABLE | HV_MAP_GPA_WRITABLE | HV_MAP_GPA_EXECUTABLE)
/* Map new pages; returns the first one's frame. */
u64 map_ram(struct partition *p, u64 gpfn, u32 count);

/* Registers of a VP, by hypercall */
hv_status_t reg_get(struct vp *vp, u32 name, union hv_register_value *value);
hv_status_t reg_set(struct vp *vp, u32 name, const union hv_register_value *value);
u64 reg64(struct vp *vp, u32 name);
hv_status_t reg64_set(struct vp *vp, u32 name, u64 value);

/* Its pages that root may see */
void *state_page(struct vp *vp, u16 type);

/* HVCALL_DISPATCH_VP; the status goes to *@status unless that is NULL. */
struct hv_output_dispatch_vp dispatch_full(struct vp *vp, u32 flags, u64 slice,
					   hv_status_t *status);
struct hv_output_dispatch_vp dispatch(struct vp *vp, u32 flags);

/* The VP whose LP this is */
static inline struct vp *root_vp(void)
{
	return lp_self()->root_vp;
}

/* Turn root's SINT0 on; returns its slot. */
struct hv_message *root_sint0_on(void);

#endif /* HOST_CALLS_H */
