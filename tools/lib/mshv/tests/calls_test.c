// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which ioctl and hypercall each function makes, what it says when they fail,
 * and the tables that a guest starts with.
 */
#include <fcntl.h>
#include <sys/ioctl.h>

#include <mshv/vp.h>

#include "kselftest_harness.h"

/* The last ioctl, with copies of what it pointed to; and what the next one shall answer */
static struct {
	int fd;
	unsigned long request;
	__u64 args[1024];
	__u8 by_value[8];
	__u8 input[4096];
} seen;

static struct {
	int ret, error;
	__u16 status, reps;
	__u64 output[512];
} answer;

int __wrap_ioctl(int fd, unsigned long request, void *args);
int __wrap_ioctl(int fd, unsigned long request, void *args)
{
	struct mshv_root_hvcall *call = args;
	struct mshv_user_irq_table *table = args;
	size_t size = _IOC_SIZE(request);

	if (request == MSHV_CANCEL_VP)
		args = memcpy(seen.by_value, &args, sizeof(args));
	seen.fd = fd;
	seen.request = request;
	if (request == MSHV_SET_MSI_ROUTING)
		size += table->nr * sizeof(table->entries[0]);
	memcpy(seen.args, args, size);
	if (request == MSHV_ROOT_HVCALL) {
		memcpy(seen.input, (void *)(unsigned long)call->in_ptr, call->in_sz);
		call->status = answer.status;
		if (answer.ret < 0)
			call->reps = answer.reps;
		else if (call->out_ptr)
			memcpy((void *)(unsigned long)call->out_ptr, answer.output, call->out_sz);
	}
	errno = answer.error;
	return answer.ret;
}

#define ARGS(type)	((type *)(&seen.args))
#define INPUT(type)	((type *)(&seen.input))

TEST(partition_ioctls)
{
	__u64 match = 0x1234;
	struct mshv_user_irq_entry route = { .gsi = 5, .address_lo = 0xfee00000, .data = 0x41 };

	answer.ret = 7;
	EXPECT_EQ(7, mshv_create_partition(3, 1 << MSHV_PT_BIT_LAPIC));
	EXPECT_EQ(MSHV_CREATE_PARTITION, seen.request);
	EXPECT_EQ(3, seen.fd);
	EXPECT_EQ(1, ARGS(struct mshv_create_partition)->pt_flags);

	EXPECT_EQ(7, mshv_create_vp(4, 2));
	EXPECT_EQ(MSHV_CREATE_VP, seen.request);
	EXPECT_EQ(2, ARGS(struct mshv_create_vp)->vp_index);

	answer.ret = 0;
	EXPECT_EQ(0, mshv_map_memory(4, 0x3000, (void *)0x7000, 0x2000, 3));
	EXPECT_EQ(MSHV_SET_GUEST_MEMORY, seen.request);
	EXPECT_EQ(3, ARGS(struct mshv_user_mem_region)->guest_pfn);
	EXPECT_EQ(0x7000, ARGS(struct mshv_user_mem_region)->userspace_addr);
	EXPECT_EQ(0x2000, ARGS(struct mshv_user_mem_region)->size);
	EXPECT_EQ(3, ARGS(struct mshv_user_mem_region)->flags);
	EXPECT_EQ(0, mshv_unmap_memory(4, 0x3000, (void *)0x7000, 0x2000));
	EXPECT_EQ(1 << MSHV_SET_MEM_BIT_UNMAP, ARGS(struct mshv_user_mem_region)->flags);

	EXPECT_EQ(0, mshv_assign_irqfd(4, 9, 5, -1));
	EXPECT_EQ(MSHV_IRQFD, seen.request);
	EXPECT_EQ(0, ARGS(struct mshv_user_irqfd)->flags);
	EXPECT_EQ(0, mshv_assign_irqfd(4, 9, 5, 10));
	EXPECT_EQ(1 << MSHV_IRQFD_BIT_RESAMPLE, ARGS(struct mshv_user_irqfd)->flags);
	EXPECT_EQ(10, ARGS(struct mshv_user_irqfd)->resamplefd);
	EXPECT_EQ(0, mshv_deassign_irqfd(4, 9, 5));
	EXPECT_EQ(1 << MSHV_IRQFD_BIT_DEASSIGN, ARGS(struct mshv_user_irqfd)->flags);

	EXPECT_EQ(0, mshv_assign_ioeventfd(4, 9, 0xd0000000, 4, &match));
	EXPECT_EQ(MSHV_IOEVENTFD, seen.request);
	EXPECT_EQ(1 << MSHV_IOEVENTFD_BIT_DATAMATCH, ARGS(struct mshv_user_ioeventfd)->flags);
	EXPECT_EQ(match, ARGS(struct mshv_user_ioeventfd)->datamatch);
	EXPECT_EQ(0, mshv_deassign_ioeventfd(4, 9, 0xd0000000, 4, NULL));
	EXPECT_EQ(1 << MSHV_IOEVENTFD_BIT_DEASSIGN, ARGS(struct mshv_user_ioeventfd)->flags);

	EXPECT_EQ(0, mshv_set_msi_routing(4, &route, 1));
	EXPECT_EQ(MSHV_SET_MSI_ROUTING, seen.request);
	EXPECT_EQ(1, ARGS(struct mshv_user_irq_table)->nr);
	EXPECT_EQ(0x41, ARGS(struct mshv_user_irq_table)->entries[0].data);
	EXPECT_EQ(0, mshv_set_msi_routing(4, NULL, 0));
	EXPECT_EQ(0, ARGS(struct mshv_user_irq_table)->nr);
}

TEST(cancel_passes_its_flags_by_value)
{
	EXPECT_EQ(0, mshv_cancel_vp(5, MSHV_CANCEL_VP_CLEAR));
	EXPECT_EQ(MSHV_CANCEL_VP, seen.request);
	EXPECT_EQ(MSHV_CANCEL_VP_CLEAR, seen.by_value[0]);
	answer.ret = -1;
	answer.error = ENOTTY;
	EXPECT_EQ(-ENOTTY, mshv_cancel_vp(5, 0));
	EXPECT_STREQ("MSHV_CANCEL_VP (flags 0x0): Inappropriate ioctl for device",
		     mshv_strerror());
}

TEST(unaligned_memory_is_refused_before_its_low_bits_are_lost)
{
	EXPECT_EQ(-EINVAL, mshv_map_memory(4, 0x3001, (void *)0x7000, 0x1000, 3));
	EXPECT_EQ(0, seen.request);
}

TEST(register_hypercalls)
{
	const __u32 names[2] = { HV_X64_REGISTER_RIP, HV_X64_REGISTER_CR0 };
	struct hv_register_assoc assoc = { .name = HV_X64_REGISTER_CR8, .value.reg64 = 3 };
	union hv_register_value values[2];

	answer.output[0] = 0x1000;
	answer.output[2] = 0x10;
	ASSERT_EQ(0, mshv_get_registers(5, 1, names, values, 2));
	EXPECT_EQ(0x1000, values[0].reg64);
	EXPECT_EQ(0x10, values[1].reg64);
	EXPECT_EQ(HVCALL_GET_VP_REGISTERS, ARGS(struct mshv_root_hvcall)->code);
	EXPECT_EQ(2, ARGS(struct mshv_root_hvcall)->reps);
	EXPECT_EQ(16 + 2 * 4, ARGS(struct mshv_root_hvcall)->in_sz);
	EXPECT_EQ(32, ARGS(struct mshv_root_hvcall)->out_sz);
	EXPECT_EQ(1, INPUT(struct hv_input_get_vp_registers)->vp_index);
	EXPECT_EQ(HV_X64_REGISTER_CR0, INPUT(struct hv_input_get_vp_registers)->names[1]);

	ASSERT_EQ(0, mshv_set_registers(5, 1, &assoc, 1));
	EXPECT_EQ(HVCALL_SET_VP_REGISTERS, ARGS(struct mshv_root_hvcall)->code);
	EXPECT_EQ(48, ARGS(struct mshv_root_hvcall)->in_sz);
	EXPECT_EQ(3, INPUT(struct hv_input_set_vp_registers)->elements[0].value.reg64);

	EXPECT_EQ(-EINVAL, mshv_get_registers(5, 1, names, values, 0));
	EXPECT_EQ(-EINVAL, mshv_get_registers(5, 1, names, values, 257));
	EXPECT_EQ(-EINVAL, mshv_set_registers(5, 1, &assoc, 128));
}

TEST(other_hypercalls)
{
	struct hv_register_x64_cpuid_result_parameters cpuid = { .eax = 7, .result_ebx = 1 };
	struct hv_output_translate_virtual_address *translated = (void *)answer.output;
	__u64 value = 0;

	answer.output[0] = 42;
	ASSERT_EQ(0, mshv_get_property(5, HV_PARTITION_PROPERTY_PROCESSOR_VENDOR, &value));
	EXPECT_EQ(42, value);
	EXPECT_EQ(0x60000, INPUT(struct hv_input_get_partition_property)->property_code);

	ASSERT_EQ(0, mshv_set_property(5, HV_PARTITION_PROPERTY_TIME_FREEZE, 1));
	EXPECT_EQ(1, INPUT(struct hv_input_set_partition_property)->property_value);

	translated->result_code = HV_TRANSLATE_GVA_SUCCESS;
	translated->gpa_page = 0x77;
	ASSERT_EQ(0, mshv_translate_gva(5, 0, 0xffff800000001234, 1, &value));
	EXPECT_EQ(0x77234, value);
	EXPECT_EQ(0xffff800000001, INPUT(struct hv_input_translate_virtual_address)->gva_page);
	translated->result_code = HV_TRANSLATE_GVA_PAGE_NOT_PRESENT;
	EXPECT_EQ(HV_TRANSLATE_GVA_PAGE_NOT_PRESENT, mshv_translate_gva(5, 0, 0, 1, &value));
	EXPECT_EQ(0x77234, value);

	ASSERT_EQ(0, mshv_register_cpuid_result(5, HV_ANY_VP, &cpuid));
	EXPECT_EQ(64, ARGS(struct mshv_root_hvcall)->in_sz);
	EXPECT_EQ(HV_INTERCEPT_TYPE_X64_CPUID,
		  INPUT(struct hv_input_register_intercept_result)->intercept_type);
	EXPECT_EQ(7, INPUT(struct hv_input_register_intercept_result)->parameters.cpuid.eax);

	ASSERT_EQ(0, mshv_assert_interrupt(5, HV_X64_INTERRUPT_TYPE_NMI, 2, 0x30));
	EXPECT_EQ(HV_X64_INTERRUPT_TYPE_NMI,
		  INPUT(struct hv_input_assert_virtual_interrupt)->interrupt_control);
	EXPECT_EQ(2, INPUT(struct hv_input_assert_virtual_interrupt)->dest_addr);
	EXPECT_EQ(0x30, INPUT(struct hv_input_assert_virtual_interrupt)->vector);
}

TEST(a_failed_hypercall_is_told_in_full)
{
	const __u32 names[3] = { 0 };
	union hv_register_value values[3];
	char text[160];

	answer.ret = -1;
	answer.error = EINVAL;
	answer.status = HV_STATUS_INVALID_PARAMETER;
	answer.reps = 1;
	EXPECT_EQ(-EINVAL, mshv_get_registers(5, 1, names, values, 3));
	EXPECT_EQ(EINVAL, mshv_last_error()->error);
	EXPECT_EQ(HV_STATUS_INVALID_PARAMETER, mshv_last_error()->status);
	snprintf(text, sizeof(text), "%s: %s [%s]",
		 "HVCALL_GET_VP_REGISTERS (code 0x50, 1 of 3 done)", strerror(EINVAL),
		 "HV_STATUS_INVALID_PARAMETER");
	EXPECT_STREQ(text, mshv_strerror());

	answer.status = 0x7fff;
	EXPECT_EQ(-EINVAL, mshv_clear_interrupt(5));
	snprintf(text, sizeof(text), "%s: %s [%s]", "HVCALL_CLEAR_VIRTUAL_INTERRUPT (code 0x56)",
		 strerror(EINVAL), "hypervisor status 0x7fff");
	EXPECT_STREQ(text, mshv_strerror());
}

TEST(a_failed_ioctl_is_told_in_full)
{
	answer.ret = -1;
	answer.error = EEXIST;
	EXPECT_EQ(-EEXIST, mshv_map_memory(4, 0x100000, (void *)0x1000, 0x2000, 3));
	EXPECT_STREQ("MSHV_SET_GUEST_MEMORY (map 0x2000 bytes at 0x100000): File exists",
		     mshv_strerror());
	EXPECT_EQ(HV_STATUS_SUCCESS, mshv_last_error()->status);
}

TEST(opening_what_is_not_there)
{
	int ret = mshv_open("/nonexistent/mshv");

	EXPECT_EQ(-ENOENT, ret);
	EXPECT_STREQ("open (/nonexistent/mshv): No such file or directory", mshv_strerror());
	EXPECT_TRUE(!strncmp("no /nonexistent/mshv: ", mshv_explain("/nonexistent/mshv", ret), 22));
	EXPECT_TRUE(strstr(mshv_explain(NULL, -EACCES), "no permission to open /dev/mshv"));
}

TEST(names)
{
	EXPECT_STREQ("HV_STATUS_INSUFFICIENT_MEMORY", mshv_status_name(0xb));
	EXPECT_NULL(mshv_status_name(0xffff));
	EXPECT_STREQ("HVCALL_DISPATCH_VP", mshv_hvcall_name(0xc2));
	EXPECT_STREQ("HVMSG_X64_HALT", mshv_message_name(0x80010007));
	EXPECT_NULL(mshv_message_name(1));
	EXPECT_STREQ("HV_PARTITION_PROPERTY_TIME_FREEZE", mshv_property_name(0x30003));
}

/* Walk the tables as the processor does. */
static __u64 walk(const __u8 *mem, __u64 gpa, __u64 cr3, __u64 va)
{
	const __u64 *table = (const __u64 *)(mem + (cr3 - gpa));
	int shift;

	for (shift = 39; shift > 21; shift -= 9) {
		__u64 entry = table[(va >> shift) & 511];

		if ((entry & 3) != 3)
			return ~0ULL;
		table = (const __u64 *)(mem + ((entry & ~0xfffULL) - gpa));
	}
	return (table[(va >> 21) & 511] & 0x83) == 0x83 ?
	       (table[(va >> 21) & 511] & ~0x1fffffULL) | (va & 0x1fffff) : ~0ULL;
}

TEST(boot_tables_map_four_gib_one_to_one)
{
	__u8 *mem = aligned_alloc(4096, MSHV_BOOT_TABLES_SIZE);
	const __u64 *gdt = (const __u64 *)mem;
	__u64 va;

	memset(mem, 0xff, MSHV_BOOT_TABLES_SIZE);
	mshv_write_boot_tables(mem, 0x8000);
	for (va = 0; va < 1ULL << 32; va += 0x123456) {
		ASSERT_EQ(va, walk(mem, 0x8000, 0x9000, va));
	}
	EXPECT_EQ(~0ULL, walk(mem, 0x8000, 0x9000, 1ULL << 32));

	EXPECT_EQ(0, gdt[0]);
	EXPECT_EQ(0x00af9b000000ffffULL, gdt[MSHV_BOOT_CS / 8]);
	EXPECT_EQ(0x00cf93000000ffffULL, gdt[MSHV_BOOT_DS / 8]);
	free(mem);
}

TEST(long_mode_sets_a_consistent_state)
{
	struct mshv_vp vp = { .fd = 5 };
	struct mshv_regs regs = { .rip = 0x100200, .gpr[MSHV_RSI] = 0x7000 };
	const struct hv_register_assoc *set;
	unsigned int i, found = 0;

	ASSERT_EQ(0, mshv_vp_setup_long_mode(&vp, 0x8000, &regs));
	set = INPUT(struct hv_input_set_vp_registers)->elements;
	for (i = 0; i < ARGS(struct mshv_root_hvcall)->reps; i++) {
		switch (set[i].name) {
		case HV_X64_REGISTER_CR0:
			EXPECT_EQ(0x80010031, set[i].value.reg64);
			found++;
			break;
		case HV_X64_REGISTER_CR3:
			EXPECT_EQ(0x9000, set[i].value.reg64);
			found++;
			break;
		case HV_X64_REGISTER_EFER:
			EXPECT_EQ(0x500, set[i].value.reg64);
			found++;
			break;
		case HV_X64_REGISTER_CS:
			EXPECT_EQ(0xa09b, set[i].value.segment.attributes);
			EXPECT_EQ(0x10, set[i].value.segment.selector);
			found++;
			break;
		case HV_X64_REGISTER_RSI:
			EXPECT_EQ(0x7000, set[i].value.reg64);
			found++;
			break;
		case HV_X64_REGISTER_RFLAGS:
			EXPECT_EQ(2, set[i].value.reg64);
			found++;
			break;
		}
	}
	EXPECT_EQ(6, found);
}

TEST_HARNESS_MAIN
