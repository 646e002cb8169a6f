/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Hypercalls: what a handler gets, and the table of them.
 */
#ifndef OPENHV_HYPERCALL_H
#define OPENHV_HYPERCALL_H

#include <openhv/types.h>

struct vp;
struct lp;
struct partition;

/**
 * struct hvcall - a hypercall in hand
 * @lp: this LP
 * @vp: the caller
 * @code: call code
 * @in: a copy of the input: fixed header, variable header, rep elements
 * @out: where the output is put together; zeroed
 * @var_size: bytes of variable header
 * @elements: @in's rep elements
 * @out_elements: @out's rep elements
 * @rep_count: repetitions asked for; 0 for a simple call
 * @rep: the repetition in hand; on return, how many were completed
 * @deadline: TSC value after which a rep call returns to be continued
 * @out_gpa: where the output goes, for a call that has some only sometimes
 */
struct hvcall {
	struct lp *lp;
	struct vp *vp;
	u16 code;
	void *in;
	void *out;
	u32 var_size;
	void *elements;
	void *out_elements;
	u32 rep_count;
	u32 rep;
	u64 deadline;
	u64 out_gpa;
};

/* Flags of a call */
#define HVC_REP		BIT(0)	/* a rep call */
#define HVC_VAR		BIT(1)	/* has a variable header */
#define HVC_ROOT	BIT(2)	/* only the root partition may call it */
#define HVC_BATCH	BIT(3)	/* the handler does all repetitions itself */

/**
 * struct hvcall_desc - a hypercall that openhv has
 * @code: its code
 * @flags: HVC_*
 * @in_size: bytes of the fixed input header
 * @in_element: bytes of an input element
 * @out_size: bytes of output of a simple call, or before its elements
 * @out_element: bytes of an output element
 * @privileges: what the caller's partition needs of CPUID 0x40000003 EBX:EAX
 * @handler: carries out the call, or one repetition of it
 */
struct hvcall_desc {
	u16 code;
	u16 flags;
	u16 in_size;
	u16 in_element;
	u16 out_size;
	u16 out_element;
	u64 privileges;
	hv_status_t (*handler)(struct hvcall *c);
};

extern const struct hvcall_desc hvcall_table[];
extern const u32 hvcall_table_size;

/**
 * hypercall_run() - carry out a hypercall
 * @lp: this LP
 * @vp: the caller
 * @control: the control word
 * @in: GPA of the input, or its first 8 bytes of a fast call
 * @out: GPA of the output, or the second 8 bytes of a fast call
 *
 * Returns: the result word
 */
u64 hypercall_run(struct lp *lp, struct vp *vp, u64 control, u64 in, u64 out);

/* Handlers, by file */
#define HVC_HANDLER(name) hv_status_t hvc_##name(struct hvcall *c)
/* hvc_partition.c */
HVC_HANDLER(create_partition);
HVC_HANDLER(initialize_partition);
HVC_HANDLER(finalize_partition);
HVC_HANDLER(delete_partition);
HVC_HANDLER(get_partition_property);
HVC_HANDLER(set_partition_property);
HVC_HANDLER(get_partition_property_ex);
HVC_HANDLER(get_partition_id);
/* hvc_memory.c */
HVC_HANDLER(deposit_memory);
HVC_HANDLER(withdraw_memory);
HVC_HANDLER(map_gpa_pages);
HVC_HANDLER(unmap_gpa_pages);
HVC_HANDLER(get_gpa_pages_access_states);
/* hvc_vp.c */
HVC_HANDLER(create_vp);
HVC_HANDLER(delete_vp);
HVC_HANDLER(get_vp_registers);
HVC_HANDLER(set_vp_registers);
HVC_HANDLER(translate_virtual_address);
HVC_HANDLER(get_vp_cpuid_values);
HVC_HANDLER(dispatch_vp);
/* hvc_intercept.c */
HVC_HANDLER(install_intercept);
HVC_HANDLER(register_intercept_result);
/* hvc_state.c */
HVC_HANDLER(map_vp_state_page);
HVC_HANDLER(unmap_vp_state_page);
HVC_HANDLER(get_vp_state);
HVC_HANDLER(set_vp_state);
HVC_HANDLER(map_stats_page);
HVC_HANDLER(unmap_stats_page);
/* hvc_interrupt.c */
HVC_HANDLER(assert_virtual_interrupt);
HVC_HANDLER(clear_virtual_interrupt);
HVC_HANDLER(create_port);
HVC_HANDLER(delete_port);
HVC_HANDLER(connect_port);
HVC_HANDLER(disconnect_port);
HVC_HANDLER(notify_port_ring_empty);
HVC_HANDLER(post_message);
HVC_HANDLER(signal_event);
HVC_HANDLER(post_message_direct);
HVC_HANDLER(signal_event_direct);
/* hvc_guest.c */
HVC_HANDLER(flush_virtual_address_space);
HVC_HANDLER(flush_virtual_address_space_ex);
HVC_HANDLER(send_ipi);
HVC_HANDLER(send_ipi_ex);
HVC_HANDLER(notify_long_spin_wait);
HVC_HANDLER(retarget_interrupt);
/* root/hvc_root.c */
HVC_HANDLER(add_logical_processor);
HVC_HANDLER(get_logical_processor_run_time);
HVC_HANDLER(map_device_interrupt);
HVC_HANDLER(unmap_device_interrupt);
HVC_HANDLER(get_system_property);
HVC_HANDLER(set_system_property);
HVC_HANDLER(enter_sleep_state);
HVC_HANDLER(notify_partition_event);
#undef HVC_HANDLER

/**
 * hvc_partition() - the partition that a call names
 * @c: the call
 * @id: its ID; HV_PARTITION_ID_SELF is the caller's own
 * @p: receives the partition, to be released by partition_put()
 *
 * Root may name itself and its children, a child only itself.
 */
hv_status_t hvc_partition(struct hvcall *c, u64 id, struct partition **p);

#endif /* OPENHV_HYPERCALL_H */
