/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Partitions and virtual processors.
 */
#ifndef OPENHV_PARTITION_H
#define OPENHV_PARTITION_H

#include <openhv/atomic.h>
#include <openhv/gpamap.h>
#include <openhv/list.h>
#include <openhv/lp.h>
#include <openhv/memory.h>
#include <openhv/sched.h>
#include <openhv/synic.h>
#include <openhv/time.h>
#include <openhv/types.h>
#include <openhv/vcpu.h>
#include <openhv/vlapic.h>
#include <tlfs/message.h>
#include <tlfs/partition.h>
#include <tlfs/register.h>
#include <tlfs/vp.h>

#define PARTITION_MAX		256	/* the root among them */
#define PARTITION_ROOT_SLOT	1
#define VP_MAX			256	/* in one partition */

enum partition_state {
	PARTITION_CREATED,
	PARTITION_ACTIVE,		/* INITIALIZE was done */
	PARTITION_FINALIZED,
	PARTITION_DELETED,
};

struct vp_slot {
	struct refcount ref;
	u32 pad;
	struct vp *vp;
};
TLFS_ASSERT_SIZE(struct vp_slot, 16);

/* A CPUID result that the parent has set (HVCALL_REGISTER_INTERCEPT_RESULT) */
struct cpuid_override {
	struct cpuid_override *next;
	struct hv_register_x64_cpuid_result_parameters p;
	u32 vp_index;			/* HV_ANY_VP: all */
};

/* An installed intercept (HVCALL_INSTALL_INTERCEPT) */
struct intercept {
	struct intercept *next;
	u32 type;
	u32 access;
	u64 parameter;
};

/* Where both are found: by VP index and leaf, and by type and parameter */
#define INTERCEPT_BUCKETS	256
struct intercept_table {
	struct cpuid_override *cpuid[INTERCEPT_BUCKETS];
	struct intercept *intercepts[INTERCEPT_BUCKETS];
};
TLFS_ASSERT_SIZE(struct intercept_table, PAGE_SIZE);

/* MSRs that are only kept for the guest, without effect on the machine */
struct vp_msrs {
	u64 mtrr_def_type;
	u64 mtrr_var[2 * 16];		/* base, mask, base, ... */
	u64 mtrr_fix[11];
	u64 debugctl;
	u64 tsc_adjust;
	u64 misc_enable;
	u64 mcg_status;
	u64 spec_ctrl;
	u64 virt_spec_ctrl;
	u64 cet[8];			/* U_CET, S_CET, SSP, PL0-3_SSP, table address */
};

/**
 * struct partition - a partition
 * @id: its ID
 * @slot: its place in the partition table
 * @lock: guards state, properties and lists that have no lock of their own
 * @state: where it is in its life
 * @flags: HV_PARTITION_CREATION_FLAG_*
 * @pool: deposited pages
 * @reserve: pages kept back for overlays, whose place only the guest knows
 * @gpamap: guest physical address space
 * @vps: VP_MAX slots, or NULL before INITIALIZE
 * @vp_count: how many are in use
 * @privileges: CPUID 0x40000003 EBX:EAX
 * @synthetic_features: HV_SYNTHETIC_FEATURE_*
 * @proc_features: HV_PROC_FEATURE0_*, HV_PROC_FEATURE1_* that it has
 * @xsave_features: HV_XSAVE_FEATURE_* that it has
 * @compat_version: as CREATE_PARTITION was told
 * @msr_ignore: accesses to unknown MSRs are ignored instead of faulting
 * @procs_per_socket: property
 * @time_frozen: reference time stands still
 * @time_offset: reference time minus the hypervisor's, or the time if frozen
 * @frozen_tsc: the machine's TSC at the moment of freezing
 * @guest_os_id: HV_X64_MSR_GUEST_OS_ID
 * @hypercall: HV_X64_MSR_HYPERCALL
 * @reference_tsc: HV_X64_MSR_REFERENCE_TSC
 * @hypercall_overlay: the hypercall page
 * @tsc_overlay: the reference TSC page
 * @tsc_page: what it shows
 * @tsc_invariant: HV_X64_MSR_TSC_INVARIANT_CONTROL
 * @crash: crash parameters and control
 * @tsc_offset: what the VMM has set a VP's TSC to last, relative to the machine's
 * @tsc_setter: the index of that VP plus 1, or 0 for none
 * @small_lock: guards @small, @tsc_offset and @tsc_setter; taken last
 * @small: objects of OBJ_SIZE: overrides, intercepts, ports
 * @intercept_table: CPUID overrides and installed intercepts, or NULL for none yet
 * @cpuid_count: how many there are of the former
 * @intercept_count: and of the latter, those without access among them
 * @exception_intercepts: bit mask of intercepted exceptions
 * @pass_msrs: MSRs that the processor switches do not exit
 * @ports: ports that belong to the partition (@lock)
 * @connections_lock: guards @connections
 * @connections: connections of the partition to ports
 * @doorbells: how many of them are doorbells
 * @stats_lock: guards @stats
 * @stats: statistics pages (self, parent), or NULL
 * @completion: status of a call of which root is to be told (core/notify.c)
 */
struct partition {
	u64 id;
	u32 slot;
	struct spinlock lock;
	enum partition_state state;
	u64 flags;
	struct pool pool;
	struct pool reserve;
	struct gpamap gpamap;
	struct vp_slot *vps;
	u32 vp_count;
	u64 privileges;
	u64 synthetic_features;
	u64 proc_features[2];
	u64 xsave_features;
	u32 compat_version;
	bool msr_ignore;
	u32 procs_per_socket;
	bool time_frozen;
	u64 time_offset;
	u64 frozen_tsc;
	u64 guest_os_id;
	u64 hypercall;
	u64 reference_tsc;
	struct overlay hypercall_overlay;
	struct overlay tsc_overlay;
	void *tsc_page;
	u64 tsc_invariant;
	u64 crash[6];
	u64 tsc_offset;
	u32 tsc_setter;
	struct spinlock small_lock;
	struct objpool small;
	struct intercept_table *intercept_table;
	u32 cpuid_count;
	u32 intercept_count;
	u32 exception_intercepts;
	bool pass_msrs;
	struct list_head ports;
	struct rwlock connections_lock;
	struct list_head connections;
	u32 doorbells;
	struct spinlock stats_lock;
	u64 *stats[2];
	hv_status_t completion;
};
_Static_assert(sizeof(struct partition) <= PAGE_SIZE, "a partition is one page");

#define OBJ_SIZE	128	/* of the small objects, in bytes */

/* A small object of a partition's, from its pool; NULL if that is empty. */
void *partition_alloc_small(struct partition *p);
void partition_free_small(struct partition *p, void *obj);
/* Give the pages of small objects back to the partition's pool, if no object is in use. */
void partition_trim_small(struct partition *p);

/* Bits of vp.requests; set atomically by anyone, served by the LP that runs the VP */
#define VP_REQ_EVENT	BIT(0)	/* an interrupt or NMI may be deliverable */
#define VP_REQ_INIT	BIT(1)
#define VP_REQ_SIPI	BIT(2)
#define VP_REQ_SUSPEND	BIT(3)	/* a suspend register was set */
#define VP_REQ_FLUSH	BIT(4)	/* the guest's own translations are to be flushed */
#define VP_REQ_LEFT	BIT(5)	/* root's: its kernel is gone, see vp_stay_halted() */

/* vp.running */
#define VP_RUNNING	1	/* an LP has it */
#define VP_DELETED	2	/* nobody will have it any more */

/* vp.blocked */
#define VP_BLOCKED	1	/* the next event wakes it */
#define VP_SUSPENDED	2	/* only the end of its suspension does */

/**
 * struct vp - a virtual processor
 * @partition: whose it is
 * @index: its number in the partition
 * @lock: taken by vp_lock(); keeps apart those who want to own the VP
 * @held: somebody owns the VP by vp_lock() or is waiting to; atomic
 * @parked: the LP that runs the VP has seen @held and keeps out of the way
 * @vcpu: processor state
 * @apic: local APIC
 * @synic: SynIC
 * @in_guest: the LP @lp is in guest mode with this VP, or sleeps in its name;
 *	written by that LP
 * @lp: the LP that runs the VP, or ran it last
 * @generation: the address space's generation at the last entry
 * @requests: VP_REQ_*, atomic
 * @sipi_vector: with VP_REQ_SIPI
 * @nmi_pending: an NMI waits; atomic
 * @running: VP_RUNNING, VP_DELETED, or 0; changed atomically
 * @blocked: why no LP has it and it is in no queue: VP_BLOCKED, VP_SUSPENDED,
 *	or 0; atomic. Whoever clears it passes the VP to the scheduler.
 * @explicit_suspend: register
 * @intercept_suspend: register
 * @dispatch_suspend: register
 * @startup_suspend: waits for a SIPI
 * @halted: executed HLT
 * @idle: halted by the guest idle MSR
 * @serving: @requests are being served
 * @offered_extint: the interrupt on offer is an ExtINT
 * @assist_armed: the guest was told that it need not EOI (core/assist.c)
 * @sched: the core scheduler's part
 * @root_signal_count: notifications sent, HV_REGISTER_VP_ROOT_SIGNAL_COUNT
 * @notify_node: in an LP's queue while root is to be told of the VP
 * @notify_queued: it is in such a queue; atomic
 * @notify_lp: the LP
 * @message: intercept message page, or NULL
 * @regs: register page, or NULL
 * @stats: statistics pages (self, parent), or NULL; whoever owns the VP may write
 *	to them, those of root under its LP's lock
 * @assist: the VP assist page, HV_X64_MSR_VP_ASSIST_PAGE
 * @deliverability: what the parent wants to be told of,
 *	HV_REGISTER_DELIVERABILITY_NOTIFICATIONS
 * @pending_event: HV_REGISTER_PENDING_EVENT0, until the VP is entered next
 * @pending_debug: register, only kept
 * @msrs: MSRs that are only kept
 * @run_time: in guest mode, in TSC ticks
 * @dispatches: how often an LP took it, to run it
 * @exits: how many, by enum openhv_exit
 */
struct vp {
	struct partition *partition;
	u32 index;
	struct spinlock lock;
	u32 held;
	u32 parked;
	struct vcpu vcpu;
	struct vlapic apic;
	struct synic synic;

	u32 in_guest;
	struct lp *lp;
	u64 generation;
	u64 requests;
	u8 sipi_vector;
	u32 nmi_pending;
	u32 running;
	u32 blocked;

	bool explicit_suspend;
	bool intercept_suspend;
	bool dispatch_suspend;
	bool startup_suspend;
	bool halted;
	bool idle;
	bool serving;
	bool offered_extint;
	bool assist_armed;

	struct sched_entity sched;
	u64 root_signal_count;
	struct list_head notify_node;
	u32 notify_queued;
	struct lp *notify_lp;

	struct hv_message *message;
	struct hv_vp_register_page *regs;
	u64 *stats[2];

	struct synic_page assist;
	u64 deliverability;
	struct hv_u128 pending_event;
	u64 pending_debug;

	struct vp_msrs msrs;
	u64 run_time;
	u64 dispatches;
	u64 exits[OPENHV_EXIT_COUNTERS];
};
_Static_assert(sizeof(struct vp) <= PAGE_SIZE, "a VP is one page");

extern struct partition root_partition;

static inline bool partition_is_root(const struct partition *p)
{
	return p == &root_partition;
}

/* Whether a partition has been given a feature, HV_SYNTHETIC_FEATURE_*_BIT; root has all. */
static inline bool partition_granted(const struct partition *p, u32 feature_bit)
{
	return partition_is_root(p) || p->synthetic_features & TLFS_BIT64(feature_bit);
}

/* The partition table; ID is slot plus a generation, never reused. */
void partitions_init(void);

/**
 * partition_get() - find a partition and hold it
 * @id: its ID; HV_PARTITION_ID_SELF means @self
 * @self: the caller's partition
 *
 * Returns: the partition, to be released by partition_put(), or NULL
 */
struct partition *partition_get(u64 id, struct partition *self);
void partition_put(struct partition *p);
/* The partition in a slot below PARTITION_MAX, held, or NULL. */
struct partition *partition_get_slot(u32 slot);
/* The same, not held, and be it on its way out; and whether there is one. */
struct partition *partition_in_slot(u32 slot);
bool partition_slot_used(u32 slot);
u32 partition_children(void);
/* VPs of all partitions */
u32 vps_total(void);

/**
 * vp_get() - find a VP and hold it
 * @p: its partition, held
 * @index: its index
 *
 * Returns: the VP, to be released by vp_put(), or NULL
 */
struct vp *vp_get(struct partition *p, u32 index);
void vp_put(struct vp *vp);

/* Life of a partition: the hypercalls of the same names. */
hv_status_t partition_create(const struct hv_input_create_partition *in, u64 *id);
hv_status_t partition_initialize(struct partition *p);
hv_status_t partition_finalize(struct partition *p);
hv_status_t partition_delete(u64 id);

hv_status_t vp_create(struct partition *p, u32 index);
hv_status_t vp_delete(struct partition *p, u32 index);

/* Zeroed pages that a VP needs beside its own */
struct vp_pages {
	void *vmcb;
	void *fpu;
	void *simp;
	void *siefp;
	void *sirbp;			/* root only */
	void *assist;
};

/**
 * vp_init() - fill in a VP's structure
 * @vp: a zeroed page
 * @p: its partition
 * @index: its index
 * @apic_id: its APIC ID
 * @pages: see above
 */
void vp_init(struct vp *vp, struct partition *p, u32 index, u32 apic_id,
	     const struct vp_pages *pages);

/* Publish a VP in its partition. */
void vp_publish(struct partition *p, struct vp *vp);

/*
 * Pages kept back when a partition is initialized and a VP created: an overlay
 * may need tables down to its page, and the guest that places it cannot be
 * asked for memory.
 */
#define RESERVE_PARTITION	6
#define RESERVE_VP		6
bool reserve_fill(struct partition *p, u32 pages);
void reserve_drain(struct partition *p);

/* INIT: the state of a processor that waits for a SIPI. */
void vp_reset(struct vp *vp, bool init);

/**
 * vp_lock() - own a VP that is not the caller's own
 * @vp: the VP, referenced
 *
 * A VP belongs to the LP that runs it; if one does, that LP is made to leave
 * guest mode and to wait until vp_unlock(). Its registers are all in @vp then.
 * Nobody owns two VPs in this way, and a child's exit handlers never do.
 */
void vp_lock(struct vp *vp);
void vp_unlock(struct vp *vp);

/* Set requests and make sure that they are served: kick, or signal root. */
void vp_request(struct vp *vp, u64 requests);

/* Something happened that ends a HLT. */
static inline void vp_wake(struct vp *vp)
{
	vp_request(vp, VP_REQ_EVENT);
}

#endif /* OPENHV_PARTITION_H */
