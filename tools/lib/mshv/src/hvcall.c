// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * Hypercalls that the driver passes through.
 */
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>

#include <tlfs/synic.h>

#include "internal.h"

/* Input and output each fit in a page: that is what the driver and the ABI allow. */
#define HVCALL_MAX_SIZE		4096

int mshv_hvcall(int fd, __u16 code, __u16 reps, const void *in, size_t in_size, void *out,
		size_t out_size)
{
	struct mshv_root_hvcall args = {
		.code = code,
		.reps = reps,
		.in_sz = in_size,
		.out_sz = out ? out_size : 0,
		.in_ptr = (unsigned long)in,
		.out_ptr = (unsigned long)out,
	};
	const char *name = mshv_hvcall_name(code);

	if (!name)
		name = "MSHV_ROOT_HVCALL";
	if (in_size > HVCALL_MAX_SIZE || out_size > HVCALL_MAX_SIZE)
		return mshv_fail(E2BIG, HV_STATUS_SUCCESS, name, "more than a page");

	if (ioctl(fd, MSHV_ROOT_HVCALL, &args) < 0) {
		if (reps)
			return mshv_fail(errno, args.status, name, "code 0x%x, %u of %u done", code,
					 args.reps, reps);
		return mshv_fail(errno, args.status, name, "code 0x%x", code);
	}
	return args.reps;
}

/* A call that has to do all of its repetitions */
static int hvcall_all(int fd, __u16 code, __u16 reps, const void *in, size_t in_size, void *out,
		      size_t out_size)
{
	int ret = mshv_hvcall(fd, code, reps, in, in_size, out, out_size);

	if (ret < 0)
		return ret;
	if (ret != reps)
		return mshv_fail(EIO, HV_STATUS_SUCCESS, mshv_hvcall_name(code),
				 "code 0x%x, %d of %u done", code, ret, reps);
	return 0;
}

int mshv_get_registers(int fd, __u32 vp_index, const __u32 *names, union hv_register_value *values,
		       unsigned int count)
{
	struct {
		struct hv_input_get_vp_registers head;
		__u32 names[HV_GET_REGISTERS_MAX_REPS];
	} in = { .head.vp_index = vp_index };

	if (!count || count > HV_GET_REGISTERS_MAX_REPS)
		return mshv_fail(EINVAL, HV_STATUS_SUCCESS, "HVCALL_GET_VP_REGISTERS",
				 "%u registers", count);
	memcpy(in.names, names, count * sizeof(*names));
	return hvcall_all(fd, HVCALL_GET_VP_REGISTERS, count, &in,
			  sizeof(in.head) + count * sizeof(*names), values,
			  count * sizeof(*values));
}

int mshv_set_registers(int fd, __u32 vp_index, const struct hv_register_assoc *regs,
		       unsigned int count)
{
	struct {
		struct hv_input_set_vp_registers head;
		struct hv_register_assoc regs[HV_SET_REGISTERS_MAX_REPS];
	} in;

	if (!count || count > HV_SET_REGISTERS_MAX_REPS)
		return mshv_fail(EINVAL, HV_STATUS_SUCCESS, "HVCALL_SET_VP_REGISTERS",
				 "%u registers", count);
	memset(&in.head, 0, sizeof(in.head));
	in.head.vp_index = vp_index;
	memcpy(in.regs, regs, count * sizeof(*regs));
	return hvcall_all(fd, HVCALL_SET_VP_REGISTERS, count, &in,
			  sizeof(in.head) + count * sizeof(*regs), NULL, 0);
}

int mshv_get_property(int fd, __u32 code, __u64 *value)
{
	struct hv_input_get_partition_property in = { .property_code = code };
	struct hv_output_get_partition_property out = { 0 };
	int ret;

	ret = hvcall_all(fd, HVCALL_GET_PARTITION_PROPERTY, 0, &in, sizeof(in), &out, sizeof(out));
	if (!ret)
		*value = out.property_value;
	return ret;
}

int mshv_set_property(int fd, __u32 code, __u64 value)
{
	struct hv_input_set_partition_property in = {
		.property_code = code,
		.property_value = value,
	};

	return hvcall_all(fd, HVCALL_SET_PARTITION_PROPERTY, 0, &in, sizeof(in), NULL, 0);
}

int mshv_get_property_ex(int fd, __u32 code, __u64 arg, void *buf, size_t size)
{
	struct hv_input_get_partition_property_ex in = { .property_code = code, .arg = arg };

	return hvcall_all(fd, HVCALL_GET_PARTITION_PROPERTY_EX, 0, &in, sizeof(in), buf, size);
}

int mshv_translate_gva(int fd, __u32 vp_index, __u64 gva, __u64 flags, __u64 *gpa)
{
	struct hv_input_translate_virtual_address in = {
		.vp_index = vp_index,
		.control_flags = flags,
		.gva_page = gva >> HV_HYP_PAGE_SHIFT,
	};
	struct hv_output_translate_virtual_address out = { 0 };
	int ret;

	ret = hvcall_all(fd, HVCALL_TRANSLATE_VIRTUAL_ADDRESS, 0, &in, sizeof(in), &out,
			 sizeof(out));
	if (ret)
		return ret;
	if (out.result_code == HV_TRANSLATE_GVA_SUCCESS)
		*gpa = (out.gpa_page << HV_HYP_PAGE_SHIFT) | (gva & ~HV_HYP_PAGE_MASK);
	return (int)out.result_code;
}

int mshv_register_cpuid_result(int fd, __u32 vp_index,
			       const struct hv_register_x64_cpuid_result_parameters *result)
{
	struct hv_input_register_intercept_result in = {
		.vp_index = vp_index,
		.intercept_type = HV_INTERCEPT_TYPE_X64_CPUID,
		.parameters.cpuid = *result,
	};

	return hvcall_all(fd, HVCALL_REGISTER_INTERCEPT_RESULT, 0, &in, sizeof(in), NULL, 0);
}

int mshv_get_cpuid_values(int fd, __u32 vp_index, __u32 flags,
			  const struct hv_cpuid_leaf_info *leaves,
			  struct hv_cpuid_result *results, unsigned int count)
{
	enum { MAX = (HVCALL_MAX_SIZE - sizeof(struct hv_input_get_vp_cpuid_values)) /
		     sizeof(struct hv_cpuid_leaf_info) };
	struct {
		struct hv_input_get_vp_cpuid_values head;
		struct hv_cpuid_leaf_info leaf[MAX];
	} in = { .head = { .vp_index = vp_index, .flags = flags } };

	if (!count || count > MAX)
		return mshv_fail(EINVAL, HV_STATUS_SUCCESS, "HVCALL_GET_VP_CPUID_VALUES",
				 "%u leaves", count);
	memcpy(in.leaf, leaves, count * sizeof(*leaves));
	return hvcall_all(fd, HVCALL_GET_VP_CPUID_VALUES, count, &in,
			  sizeof(in.head) + count * sizeof(*leaves), results,
			  count * sizeof(*results));
}

int mshv_install_intercept(int fd, __u32 type, __u32 access, __u64 parameter)
{
	struct hv_input_install_intercept in = {
		.access_type = access,
		.intercept_type = type,
		.intercept_parameter = parameter,
	};

	return hvcall_all(fd, HVCALL_INSTALL_INTERCEPT, 0, &in, sizeof(in), NULL, 0);
}

int mshv_assert_interrupt(int fd, __u64 control, __u64 destination, __u32 vector)
{
	struct hv_input_assert_virtual_interrupt in = {
		.interrupt_control = control,
		.dest_addr = destination,
		.vector = vector,
	};

	return hvcall_all(fd, HVCALL_ASSERT_VIRTUAL_INTERRUPT, 0, &in, sizeof(in), NULL, 0);
}

int mshv_clear_interrupt(int fd)
{
	struct hv_input_partition_id in = { 0 };

	return hvcall_all(fd, HVCALL_CLEAR_VIRTUAL_INTERRUPT, 0, &in, sizeof(in), NULL, 0);
}

int mshv_signal_event_direct(int fd, __u32 vp_index, __u8 sint, __u16 flag)
{
	struct hv_input_signal_event_direct in = {
		.target_vp = vp_index,
		.target_sint = sint,
		.flag_number = flag,
	};
	struct hv_output_signal_event_direct out = { 0 };
	int ret;

	ret = hvcall_all(fd, HVCALL_SIGNAL_EVENT_DIRECT, 0, &in, sizeof(in), &out, sizeof(out));
	return ret ? ret : out.newly_signaled & 1;
}

int mshv_post_message_direct(int fd, __u32 vp_index, __u32 sint, const struct hv_message *msg)
{
	struct hv_input_post_message_direct in = { .vp_index = vp_index, .sint_index = sint };

	memcpy(in.message, msg, sizeof(in.message));
	return hvcall_all(fd, HVCALL_POST_MESSAGE_DIRECT, 0, &in, sizeof(in), NULL, 0);
}

int mshv_get_access_states(int fd, __u64 flags, __u64 gpa, __u8 *states, unsigned int count)
{
	struct hv_input_get_gpa_pages_access_state in = {
		.flags = flags,
		.hv_gpa_page_number = gpa >> HV_HYP_PAGE_SHIFT,
	};

	if (!count || count > HV_PAGE_ACCESS_STATES_MAX_REPS)
		return mshv_fail(EINVAL, HV_STATUS_SUCCESS, "HVCALL_GET_GPA_PAGES_ACCESS_STATES",
				 "%u pages", count);
	return hvcall_all(fd, HVCALL_GET_GPA_PAGES_ACCESS_STATES, count, &in, sizeof(in), states,
			  count);
}
