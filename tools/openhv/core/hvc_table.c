// SPDX-License-Identifier: GPL-2.0-only
/*
 * The hypercalls that openhv has, sorted by code. All others answer
 * HV_STATUS_INVALID_HYPERCALL_CODE.
 */
#include <openhv/hypercall.h>
#include <tlfs/cpuid.h>
#include <tlfs/guest.h>
#include <tlfs/hypercall.h>
#include <tlfs/interrupt.h>
#include <tlfs/memory.h>
#include <tlfs/partition.h>
#include <tlfs/state.h>
#include <tlfs/stats.h>
#include <tlfs/synic.h>
#include <tlfs/system.h>
#include <tlfs/vp.h>

#define EBX(privilege) ((u64)(privilege) << 32)
#define CALL(name, fn, fl, in, in_el, out, out_el, priv) \
	{ .code = HVCALL_##name, .flags = (fl), .in_size = (in), .in_element = (in_el), \
	  .out_size = (out), .out_element = (out_el), .privileges = (priv), .handler = hvc_##fn }
/* A simple call of root's, by the types of its input and output */
#define ROOT(name, fn, in) CALL(name, fn, HVC_ROOT, sizeof(struct in), 0, 0, 0, 0)
#define ROOT_OUT(name, fn, in, out) \
	CALL(name, fn, HVC_ROOT, sizeof(struct in), 0, sizeof(struct out), 0, 0)
/* A rep call of root's */
#define ROOT_REP(name, fn, fl, in, in_el, out_el) \
	CALL(name, fn, HVC_ROOT | HVC_REP | (fl), sizeof(struct in), in_el, 0, out_el, 0)

const struct hvcall_desc hvcall_table[] = {
	CALL(FLUSH_VIRTUAL_ADDRESS_SPACE, flush_virtual_address_space, 0,
	     sizeof(struct hv_input_flush_virtual_address_space), 0, 0, 0, 0),
	CALL(FLUSH_VIRTUAL_ADDRESS_LIST, flush_virtual_address_space, HVC_REP | HVC_BATCH,
	     sizeof(struct hv_input_flush_virtual_address_space), 8, 0, 0, 0),
	ROOT_OUT(GET_LOGICAL_PROCESSOR_RUN_TIME, get_logical_processor_run_time,
		 hv_input_get_logical_processor_run_time,
		 hv_output_get_logical_processor_run_time),
	CALL(NOTIFY_LONG_SPIN_WAIT, notify_long_spin_wait, 0,
	     sizeof(struct hv_input_notify_long_spin_wait), 0, 0, 0, 0),
	CALL(SEND_IPI, send_ipi, 0, sizeof(struct hv_input_send_ipi), 0, 0, 0, 0),
	CALL(FLUSH_VIRTUAL_ADDRESS_SPACE_EX, flush_virtual_address_space_ex, HVC_VAR,
	     sizeof(struct hv_input_flush_virtual_address_space_ex), 0, 0, 0, 0),
	CALL(FLUSH_VIRTUAL_ADDRESS_LIST_EX, flush_virtual_address_space_ex,
	     HVC_REP | HVC_BATCH | HVC_VAR,
	     sizeof(struct hv_input_flush_virtual_address_space_ex), 8, 0, 0, 0),
	CALL(SEND_IPI_EX, send_ipi_ex, HVC_VAR, sizeof(struct hv_input_send_ipi_ex), 0, 0, 0, 0),
	CALL(CREATE_PARTITION, create_partition, HVC_ROOT, sizeof(struct hv_input_create_partition),
	     0, sizeof(struct hv_output_create_partition), 0, EBX(HV_CREATE_PARTITIONS)),
	ROOT(INITIALIZE_PARTITION, initialize_partition, hv_input_partition_id),
	ROOT(FINALIZE_PARTITION, finalize_partition, hv_input_partition_id),
	ROOT(DELETE_PARTITION, delete_partition, hv_input_partition_id),
	ROOT_OUT(GET_PARTITION_PROPERTY, get_partition_property, hv_input_get_partition_property,
		 hv_output_get_partition_property),
	ROOT(SET_PARTITION_PROPERTY, set_partition_property, hv_input_set_partition_property),
	CALL(GET_PARTITION_ID, get_partition_id, 0, 0, 0,
	     sizeof(struct hv_output_get_partition_id), 0, EBX(HV_ACCESS_PARTITION_ID)),
	ROOT_REP(DEPOSIT_MEMORY, deposit_memory, HVC_BATCH, hv_input_deposit_memory, 8, 0),
	ROOT_REP(WITHDRAW_MEMORY, withdraw_memory, HVC_BATCH, hv_input_withdraw_memory, 0, 8),
	ROOT_REP(MAP_GPA_PAGES, map_gpa_pages, HVC_BATCH, hv_input_map_gpa_pages, 8, 0),
	ROOT_REP(UNMAP_GPA_PAGES, unmap_gpa_pages, HVC_BATCH, hv_input_unmap_gpa_pages, 0, 0),
	ROOT(INSTALL_INTERCEPT, install_intercept, hv_input_install_intercept),
	ROOT(CREATE_VP, create_vp, hv_input_create_vp),
	ROOT(DELETE_VP, delete_vp, hv_input_delete_vp),
	ROOT_REP(GET_VP_REGISTERS, get_vp_registers, HVC_BATCH, hv_input_get_vp_registers, 4, 16),
	ROOT_REP(SET_VP_REGISTERS, set_vp_registers, HVC_BATCH, hv_input_set_vp_registers, 32, 0),
	ROOT_OUT(TRANSLATE_VIRTUAL_ADDRESS, translate_virtual_address,
		 hv_input_translate_virtual_address, hv_output_translate_virtual_address),
	ROOT(CLEAR_VIRTUAL_INTERRUPT, clear_virtual_interrupt, hv_input_partition_id),
	ROOT(DELETE_PORT, delete_port, hv_input_delete_port),
	ROOT(DISCONNECT_PORT, disconnect_port, hv_input_disconnect_port),
	CALL(POST_MESSAGE, post_message, 0, sizeof(struct hv_input_post_message), 0, 0, 0,
	     EBX(HV_POST_MESSAGES)),
	CALL(SIGNAL_EVENT, signal_event, 0, sizeof(struct hv_input_signal_event), 0, 0, 0,
	     EBX(HV_SIGNAL_EVENTS)),
	ROOT_OUT(MAP_STATS_PAGE, map_stats_page, hv_input_map_stats_page,
		 hv_output_map_stats_page),
	ROOT(UNMAP_STATS_PAGE, unmap_stats_page, hv_input_map_stats_page),
	ROOT(SET_SYSTEM_PROPERTY, set_system_property, hv_input_set_system_property),
	CALL(ADD_LOGICAL_PROCESSOR, add_logical_processor, HVC_ROOT,
	     sizeof(struct hv_input_add_logical_processor), 0,
	     sizeof(struct hv_lp_startup_status), 0, EBX(HV_CPU_MANAGEMENT)),
	ROOT_OUT(GET_SYSTEM_PROPERTY, get_system_property, hv_input_get_system_property,
		 hv_output_get_system_property),
	CALL(MAP_DEVICE_INTERRUPT, map_device_interrupt, HVC_ROOT | HVC_VAR,
	     offsetof(struct hv_input_map_device_interrupt,
		      interrupt_descriptor.vp_set_valid_bank_mask),
	     0, sizeof(struct hv_output_map_device_interrupt), 0, 0),
	ROOT(UNMAP_DEVICE_INTERRUPT, unmap_device_interrupt, hv_input_unmap_device_interrupt),
	CALL(RETARGET_INTERRUPT, retarget_interrupt, HVC_VAR,
	     offsetof(struct hv_input_retarget_interrupt, vp_set_valid_bank_mask), 0, 0, 0, 0),
	ROOT(ENTER_SLEEP_STATE, enter_sleep_state, hv_input_enter_sleep_state),
	ROOT(NOTIFY_PARTITION_EVENT, notify_partition_event, hv_input_notify_partition_event),
	ROOT(NOTIFY_PORT_RING_EMPTY, notify_port_ring_empty, hv_input_notify_port_ring_empty),
	/* Callers pass 60 bytes or, padded, 64: no more is read than the shorter form has. */
	CALL(REGISTER_INTERCEPT_RESULT, register_intercept_result, HVC_ROOT,
	     offsetof(struct hv_input_register_intercept_result, parameters) +
	     sizeof(struct hv_register_x64_cpuid_result_parameters), 0, 0, 0, 0),
	ROOT(ASSERT_VIRTUAL_INTERRUPT, assert_virtual_interrupt,
	     hv_input_assert_virtual_interrupt),
	ROOT(CREATE_PORT, create_port, hv_input_create_port),
	ROOT(CONNECT_PORT, connect_port, hv_input_connect_port),
	ROOT_OUT(SIGNAL_EVENT_DIRECT, signal_event_direct, hv_input_signal_event_direct,
		 hv_output_signal_event_direct),
	ROOT(POST_MESSAGE_DIRECT, post_message_direct, hv_input_post_message_direct),
	ROOT_OUT(DISPATCH_VP, dispatch_vp, hv_input_dispatch_vp, hv_output_dispatch_vp),
	ROOT_REP(GET_GPA_PAGES_ACCESS_STATES, get_gpa_pages_access_states, HVC_BATCH,
		 hv_input_get_gpa_pages_access_state, 0, 1),
	ROOT_OUT(MAP_VP_STATE_PAGE, map_vp_state_page, hv_input_map_vp_state_page,
		 hv_output_map_vp_state_page),
	ROOT(UNMAP_VP_STATE_PAGE, unmap_vp_state_page, hv_input_unmap_vp_state_page),
	CALL(GET_VP_STATE, get_vp_state, HVC_ROOT | HVC_VAR, sizeof(struct hv_input_get_vp_state),
	     0, 0, 0, 0),
	CALL(SET_VP_STATE, set_vp_state, HVC_ROOT | HVC_VAR, sizeof(struct hv_input_get_vp_state),
	     0, 0, 0, 0),
	ROOT_REP(GET_VP_CPUID_VALUES, get_vp_cpuid_values, HVC_BATCH, hv_input_get_vp_cpuid_values,
		 24, 16),
	ROOT_OUT(GET_PARTITION_PROPERTY_EX, get_partition_property_ex,
		 hv_input_get_partition_property_ex, hv_partition_property_vmm_capabilities),
};

const u32 hvcall_table_size = ARRAY_SIZE(hvcall_table);
