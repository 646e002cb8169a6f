// SPDX-License-Identifier: GPL-2.0-only
/*
 * What OpenVMM asks of /dev/mshv, in its order: properties, intercepts for a guest's
 * messages and events, CPUID for all VPs at once, a guest in xAPIC mode.
 */
#include <sys/eventfd.h>
#include <tlfs/cpuid.h>
#include <tlfs/interrupt.h>

#include "mshv_test.h"

#define XAPIC		0xfee00000ULL
#define XAPIC_ID	0x020
#define XAPIC_SVR	0x0f0
#define CONNECTION	0x1234		/* nobody has such a port */
#define DEVICE		0x5678		/* likewise */
#define FAST		HV_HYPERCALL_FAST

#define FEATURE(name)	HV_SYNTHETIC_FEATURE(HV_SYNTHETIC_FEATURE_##name##_BIT)
/* The list that it asks for, whatever is offered: an error ends it. */
#define FEATURES \
	(FEATURE(HYPERVISOR_PRESENT) | FEATURE(HV1) | FEATURE(ACCESS_VP_RUN_TIME_REG) | \
	 FEATURE(ACCESS_PARTITION_REFERENCE_COUNTER) | FEATURE(ACCESS_SYNIC_REGS) | \
	 FEATURE(ACCESS_SYNTHETIC_TIMER_REGS) | FEATURE(ACCESS_INTR_CTRL_REGS) | \
	 FEATURE(ACCESS_HYPERCALL_REGS) | FEATURE(ACCESS_VP_INDEX) | \
	 FEATURE(ACCESS_PARTITION_REFERENCE_TSC) | FEATURE(ACCESS_GUEST_IDLE_REG) | \
	 FEATURE(ACCESS_FREQUENCY_REGS) | FEATURE(ENABLE_EXTENDED_GVA_RANGES) | \
	 FEATURE(FAST_HYPERCALL_OUTPUT) | FEATURE(DIRECT_SYNTHETIC_TIMERS) | \
	 FEATURE(EXTENDED_PROCESSOR_MASKS) | FEATURE(TB_FLUSH_HYPERCALLS) | \
	 FEATURE(SYNTHETIC_CLUSTER_IPI) | FEATURE(NOTIFY_LONG_SPIN_WAIT) | \
	 FEATURE(QUERY_NUMA_DISTANCE) | FEATURE(SIGNAL_EVENTS) | \
	 FEATURE(RETARGET_DEVICE_INTERRUPT))

/* ---- Creation ---- */

TEST(creation_sequence)
{
	static const uint32_t intercepts[] = {
		HV_INTERCEPT_TYPE_HYPERCALL, HV_INTERCEPT_TYPE_UNKNOWN_SYNIC_CONNECTION,
		HV_INTERCEPT_TYPE_RETARGET_INTERRUPT_WITH_UNKNOWN_DEVICE_ID,
	};
	static const uint32_t asked[] = {
		HV_PARTITION_PROPERTY_PROCESSOR_VENDOR, HV_PARTITION_PROPERTY_XSAVE_STATES,
		HV_PARTITION_PROPERTY_MAX_XSAVE_DATA_SIZE,
	};
	int dev = dev_open(), partition, i;
	struct mshv_vp vp[2];
	__u64 value;

	partition = partition_create_as_clients(dev, PT_LAPIC | BIT(MSHV_PT_BIT_SMT_ENABLED_GUEST),
						FEATURES);
	ASSERT_OK(mshv_initialize_partition(partition));
	/* Before there is a VP: how many there will be in a package */
	EXPECT_OK(mshv_set_property(partition, HV_PARTITION_PROPERTY_PROCESSORS_PER_SOCKET, 2));
	ASSERT_OK(mshv_vp_init(&vp[0], partition, 0));
	for (i = 0; i < ARRAY_SIZE(intercepts); i++) {
		EXPECT_OK(mshv_install_intercept(partition, intercepts[i],
						 HV_INTERCEPT_ACCESS_MASK_EXECUTE, 0));
	}
	for (i = 0; i < ARRAY_SIZE(asked); i++) {
		EXPECT_OK(mshv_get_property(partition, asked[i], &value));
	}
	ASSERT_OK(mshv_vp_init(&vp[1], partition, 1));
	for (i = 0; i < 2; i++) {
		/* It cannot do without the register page. */
		EXPECT_NE(NULL, vp[i].page);
		EXPECT_OK(mshv_vp_get_register(&vp[i], HV_X64_REGISTER_INITIAL_APIC_ID, &value));
		EXPECT_EQ(i, value);
		EXPECT_OK(mshv_vp_set_register(&vp[i], HV_X64_REGISTER_INITIAL_APIC_ID, 2 * i));
		EXPECT_OK(mshv_vp_get_register(&vp[i], HV_X64_REGISTER_INITIAL_APIC_ID, &value));
		EXPECT_EQ(2 * i, value);
		EXPECT_OK(mshv_vp_get_register(&vp[i], HV_X64_REGISTER_APIC_BASE, &value));
		EXPECT_EQ(XAPIC | BIT(11) | (i ? 0 : BIT(8)), value) TH_LOG("VP %d", i);
		mshv_vp_destroy(&vp[i]);
	}
	close(partition);
	close(dev);
}

/* It has the processor's vendor from the property, and does not look at CPUID itself. */
TEST(vendor_is_that_of_the_processor)
{
	static const struct {
		char name[13];
		uint64_t vendor;
	} vendors[] = {
		{ "AuthenticAMD", HV_PROCESSOR_VENDOR_AMD },
		{ "GenuineIntel", HV_PROCESSOR_VENDOR_INTEL },
		{ "HygonGenuine", HV_PROCESSOR_VENDOR_HYGON },
	};
	int dev = dev_open(), partition, i;
	uint64_t vendor = ~0ULL;
	__u64 value = ~0ULL;
	uint32_t r[4];
	char name[12];

	guest_cpuid(0, 0, r);
	memcpy(name, &r[1], 4);
	memcpy(name + 4, &r[3], 4);
	memcpy(name + 8, &r[2], 4);
	for (i = 0; i < ARRAY_SIZE(vendors); i++) {
		if (!memcmp(name, vendors[i].name, sizeof(name)))
			vendor = vendors[i].vendor;
	}
	ASSERT_NE(~0ULL, vendor);
	ASSERT_OK(mshv_get_property(dev, HV_PARTITION_PROPERTY_PROCESSOR_VENDOR, &value));
	EXPECT_EQ(vendor, value);
	partition = partition_create_as_clients(dev, PT_LAPIC, FEATURES);
	ASSERT_OK(mshv_initialize_partition(partition));
	value = ~0ULL;
	ASSERT_OK(mshv_get_property(partition, HV_PARTITION_PROPERTY_PROCESSOR_VENDOR, &value));
	EXPECT_EQ(vendor, value);
	close(partition);
	close(dev);
}

static GUEST_CODE void guest_reads_features(void)
{
	uint32_t r[4];

	guest_cpuid(HV_CPUID_FEATURES, 0, r);
	GUEST_SYNC_ARG(1, r[0] | (uint64_t)r[3] << 32);
	GUEST_DONE();
}

/* What the hypervisor has not is left out, and the guest is not told that it is there. */
TEST(features_are_asked_for_without_a_look_at_what_is_offered)
{
	int dev = dev_open(), partition;
	uint64_t offered = offered_features(dev), leaf;
	struct test_vm vm;
	__u64 given = 0;

	ASSERT_EQ(0x7f448fff, FEATURES);
	partition = partition_create_as_clients(dev, PT_LAPIC, FEATURES);
	ASSERT_OK(mshv_get_property(partition, HV_PARTITION_PROPERTY_SYNTHETIC_PROC_FEATURES,
				    &given));
	EXPECT_EQ(FEATURES & offered, given);
	ASSERT_OK(mshv_initialize_partition(partition));
	vm_init_long_with(&vm, dev, partition, guest_reads_features);
	leaf = vm_run_to_sync(&vm, 1);
	EXPECT_EQ(HV_ACCESS_SYNIC_REGS, leaf & HV_ACCESS_SYNIC_REGS);
	EXPECT_EQ(!!(offered & FEATURE(FAST_HYPERCALL_OUTPUT)),
		  !!(leaf >> 32 & HV_X64_HYPERCALL_XMM_OUTPUT_AVAILABLE));
	vm_run_to_done(&vm);
	vm_destroy(&vm);
}

/* ---- Messages and events of a guest ---- */

static struct {
	uint32_t connection, reserved, type, size;
	uint64_t payload[30];
} guest_post __attribute__((aligned(8)));

static GUEST_CODE void guest_calls(void)
{
	struct {
		uint64_t address_space, flags, processors;
	} flush __attribute__((aligned(32))) = { 0, 3 /* all spaces, all processors */, 0 };
	uint64_t ret;

	guest_hypercall_init();
	guest_post.connection = CONNECTION;
	guest_post.type = 1;
	guest_post.size = 16;
	guest_post.payload[0] = 0x1122334455667788;
	ret = hypercall(HVCALL_POST_MESSAGE, (uintptr_t)&guest_post, 0);
	GUEST_SYNC_ARG(1, ret);
	ret = hypercall(HVCALL_SIGNAL_EVENT | FAST, CONNECTION | 5ULL << 32, 0);
	GUEST_SYNC_ARG(2, ret);
	/* What the hypervisor does by itself is not the VMM's. */
	ret = hypercall(HVCALL_FLUSH_VIRTUAL_ADDRESS_SPACE, (uintptr_t)&flush, 0);
	GUEST_SYNC_ARG(3, ret);
	ret = hypercall(HVCALL_SIGNAL_EVENT | FAST, CONNECTION, 0);
	GUEST_SYNC_ARG(4, ret);
	GUEST_DONE();
}

TEST(messages_and_events_of_a_guest_are_the_vmms)
{
	const struct hv_x64_hypercall_intercept_message *msg;
	__u64 status = HV_STATUS_SUCCESS, gpa;
	struct test_vm vm;

	vm_init_long(&vm, PT_LAPIC, guest_calls);
	msg = (const void *)vm.vp.msg.u.payload;
	ASSERT_OK(mshv_install_intercept(vm.partition, HV_INTERCEPT_TYPE_HYPERCALL,
					 HV_INTERCEPT_ACCESS_MASK_EXECUTE, 0));
	ASSERT_OK(mshv_install_intercept(vm.partition, HV_INTERCEPT_TYPE_UNKNOWN_SYNIC_CONNECTION,
					 HV_INTERCEPT_ACCESS_MASK_EXECUTE, 0));

	ASSERT_EQ(HVMSG_HYPERCALL_INTERCEPT, vm_run(&vm));
	EXPECT_EQ(HVCALL_POST_MESSAGE, msg->rcx);
	gpa = msg->rdx;
	EXPECT_EQ(0x1122334455667788, *(uint64_t *)vm_guest_address(&vm, gpa + 16, 8));
	EXPECT_EQ(3, mshv_msg_insn_length(mshv_msg_header(&vm.vp.msg)));
	ASSERT_OK(mshv_vp_complete(&vm.vp, &status));
	EXPECT_EQ(HV_STATUS_SUCCESS, vm_run_to_sync(&vm, 1));

	ASSERT_EQ(HVMSG_HYPERCALL_INTERCEPT, vm_run(&vm));
	EXPECT_EQ(HVCALL_SIGNAL_EVENT | FAST, msg->rcx);
	EXPECT_EQ(CONNECTION | 5ULL << 32, msg->rdx);
	status = HV_STATUS_INVALID_PORT_ID;
	ASSERT_OK(mshv_vp_complete(&vm.vp, &status));
	EXPECT_EQ(HV_STATUS_INVALID_PORT_ID, vm_run_to_sync(&vm, 2));
	EXPECT_EQ(HV_STATUS_SUCCESS, vm_run_to_sync(&vm, 3));

	/* Without the intercept the hypervisor answers. */
	ASSERT_OK(mshv_install_intercept(vm.partition, HV_INTERCEPT_TYPE_UNKNOWN_SYNIC_CONNECTION,
					 HV_INTERCEPT_ACCESS_MASK_NONE, 0));
	EXPECT_EQ(HV_STATUS_INVALID_CONNECTION_ID, vm_run_to_sync(&vm, 4));
	vm_run_to_done(&vm);
	vm_destroy(&vm);
}

#define RETARGET_INTERCEPT	HV_INTERCEPT_TYPE_RETARGET_INTERRUPT_WITH_UNKNOWN_DEVICE_ID

/* A guest moves the interrupt of a device that is the VMM's to VP 1. */
static struct {
	struct hv_input_retarget_interrupt head;
	uint64_t bank;
} guest_retarget __attribute__((aligned(128)));

static GUEST_CODE void guest_retargets(void)
{
	struct hv_input_retarget_interrupt *in = &guest_retarget.head;
	uint64_t call = HVCALL_RETARGET_INTERRUPT | 2ULL << HV_HYPERCALL_VARHEAD_SHIFT;

	guest_hypercall_init();
	in->partition_id = HV_PARTITION_ID_SELF;
	in->device_id = DEVICE;
	in->interrupt_entry.source = HV_INTERRUPT_SOURCE_MSI;
	in->interrupt_entry.msi_entry.address = 0xfee00000;
	in->interrupt_entry.msi_entry.data = 0x4061;
	in->vector = 0x61;
	in->target_flags = HV_DEVICE_INTERRUPT_TARGET_PROCESSOR_SET;
	in->vp_set_valid_bank_mask = 1;
	guest_retarget.bank = 2;
	GUEST_SYNC_ARG(1, hypercall(call, (uintptr_t)in, 0));
	/* One that is wrong is not worth the VMM's time. */
	in->partition_id = 0x1234;
	GUEST_SYNC_ARG(2, hypercall(call, (uintptr_t)in, 0));
	in->partition_id = HV_PARTITION_ID_SELF;
	GUEST_SYNC_ARG(3, hypercall(call, (uintptr_t)in, 0));
	GUEST_DONE();
}

TEST(interrupts_of_its_devices_are_retargeted_by_the_vmm)
{
	const struct hv_x64_hypercall_intercept_message *msg;
	const struct hv_input_retarget_interrupt *in;
	__u64 status = HV_STATUS_SUCCESS;
	struct test_vm vm;

	vm_init_long(&vm, PT_LAPIC, guest_retargets);
	msg = (const void *)vm.vp.msg.u.payload;
	ASSERT_OK(mshv_install_intercept(vm.partition, RETARGET_INTERCEPT,
					 HV_INTERCEPT_ACCESS_MASK_EXECUTE, 0));
	ASSERT_EQ(HVMSG_HYPERCALL_INTERCEPT, vm_run(&vm));
	EXPECT_EQ(HVCALL_RETARGET_INTERRUPT, msg->rcx & HV_HYPERCALL_CODE_MASK);
	in = vm_guest_address(&vm, msg->rdx, sizeof(guest_retarget));
	EXPECT_EQ(DEVICE, in->device_id);
	EXPECT_EQ(0x61, in->vector);
	EXPECT_EQ(2, in->banks[0]);
	EXPECT_EQ(3, mshv_msg_insn_length(mshv_msg_header(&vm.vp.msg)));
	ASSERT_OK(mshv_vp_complete(&vm.vp, &status));
	EXPECT_EQ(HV_STATUS_SUCCESS, vm_run_to_sync(&vm, 1));
	EXPECT_EQ(HV_STATUS_ACCESS_DENIED, vm_run_to_sync(&vm, 2));
	ASSERT_OK(mshv_install_intercept(vm.partition, RETARGET_INTERCEPT,
					 HV_INTERCEPT_ACCESS_MASK_NONE, 0));
	EXPECT_EQ(HV_STATUS_INVALID_DEVICE_ID, vm_run_to_sync(&vm, 3));
	vm_run_to_done(&vm);
	vm_destroy(&vm);
}

/* ---- Registers, while a VP is stopped ---- */

static GUEST_CODE void guest_reads_control_registers(void)
{
	uint64_t rbx, r12, cr2, cr4, cr8;

	for (;;) {
		asm volatile("mov $0x111, %%rbx; mov $0x222, %%r12; outb %%al, $0x10\n"
			     "mov %%rbx, %0; mov %%r12, %1"
			     : "=r"(rbx), "=r"(r12) : : "rbx", "r12", "memory");
		asm volatile("mov %%cr4, %0" : "=r"(cr4));
		asm volatile("mov %%cr8, %0" : "=r"(cr8));
		cr2 = read_cr2();
		GUEST_SYNC_ARG(1, rbx << 48 | r12 << 32 | cr2 << 16 | cr8 << 12 | (cr4 & 0xfff));
	}
}

#define CR4_TSD		0x4ULL

/*
 * A VP goes on with what was changed in the page and what was set by a call, in whatever
 * order, and a call for some control registers leaves the page's changes alone.
 */
TEST(page_and_control_registers_are_changed_together)
{
	struct hv_register_assoc control[] = {
		{ .name = HV_X64_REGISTER_CR2 }, { .name = HV_X64_REGISTER_CR4 },
		{ .name = HV_X64_REGISTER_CR8 },
	};
	struct hv_vp_register_page *page;
	struct test_vm vm;
	uint64_t cr4;
	int round;

	vm_init_long(&vm, PT_LAPIC, guest_reads_control_registers);
	page = vm.vp.page;
	ASSERT_NE(NULL, page);
	for (round = 0; round < 4; round++) {
		bool call_first = round & 1;

		ASSERT_EQ(HVMSG_X64_IO_PORT_INTERCEPT, vm_run(&vm));
		ASSERT_EQ(1, page->isvalid);
		cr4 = round & 2 ? page->cr4 & ~CR4_TSD : page->cr4 | CR4_TSD;
		control[0].value.reg64 = 0x70 + round;
		control[1].value.reg64 = cr4;
		control[2].value.reg64 = 8 + round;
		if (call_first) {
			ASSERT_OK(mshv_set_registers(vm.vp.fd, 0, control, 3));
		}
		ASSERT_EQ(1, page->isvalid);
		page->gp_registers[MSHV_RBX] = 0x30 + round;
		page->gp_registers[MSHV_R12] = 0x40 + round;
		page->rip += 2;
		page->dirty = HV_REGISTER_PAGE_DIRTY_IP | HV_REGISTER_PAGE_DIRTY_GENERAL;
		if (!call_first) {
			ASSERT_OK(mshv_set_registers(vm.vp.fd, 0, control, 3));
		}
		/* The page tells of both. */
		if (page->isvalid) {
			EXPECT_EQ(0x30 + round, page->gp_registers[MSHV_RBX]);
			EXPECT_EQ(cr4, page->cr4);
			EXPECT_EQ(8 + round, page->cr8);
		}
		EXPECT_EQ((0x30ULL + round) << 48 | (0x40ULL + round) << 32 |
			  (0x70ULL + round) << 16 | (8ULL + round) << 12 | (cr4 & 0xfff),
			  vm_run_to_sync(&vm, 1)) {
			TH_LOG("round %d", round);
		}
	}
	vm_destroy(&vm);
}

/* ---- Exceptions ---- */

#define NO_DEVICE	0xd0000000ULL	/* nothing is there */
#define PF_ERROR	0x17U

static volatile struct exception {
	uint64_t vector, error, cr2;
} guest_exceptions[2];
static volatile uint32_t guest_exception_count;

static void note_exception(struct guest_frame *frame)
{
	uint32_t n = guest_exception_count++ & 1;

	guest_exceptions[n].vector = frame->vector;
	guest_exceptions[n].error = frame->error_code;
	guest_exceptions[n].cr2 = read_cr2();
	/* Past the access: mov (%rdi), %rax */
	frame->rip += 3;
}

static GUEST_CODE void guest_reads_what_faults(void)
{
	uint64_t value;
	int i;

	guest_handler = note_exception;
	guest_install_handlers();
	for (i = 0; i < 2; i++)
		asm volatile("mov (%%rdi), %%rax" : "=a"(value) : "D"(NO_DEVICE + 8) : "memory");
	GUEST_DONE();
}

/* Its emulator of instructions has found that one faults, and leaves the rest to the guest. */
TEST(exceptions_are_injected_by_a_pending_event)
{
	static const struct {
		uint32_t vector, error;
		uint64_t parameter;
	} injected[] = {
		{ 14, PF_ERROR, 0x123456789000 }, { 13, 0x1238, 0 },
	};
	const struct hv_x64_memory_intercept_message *msg;
	struct hv_register_assoc event = { .name = HV_REGISTER_PENDING_EVENT0 };
	const volatile struct exception *seen;
	struct test_vm vm;
	int i;

	vm_init_long(&vm, PT_LAPIC, guest_reads_what_faults);
	msg = mshv_msg_memory(&vm.vp.msg);
	for (i = 0; i < ARRAY_SIZE(injected); i++) {
		ASSERT_EQ(HVMSG_UNMAPPED_GPA, vm_run(&vm));
		EXPECT_EQ(NO_DEVICE + 8, msg->guest_physical_address);
		event.value.reg128.low = HV_PENDING_EVENT_PENDING |
			HV_PENDING_EVENT_DELIVER_ERROR_CODE |
			(__u64)injected[i].vector << HV_PENDING_EVENT_VECTOR_SHIFT |
			(__u64)injected[i].error << HV_PENDING_EVENT_ERROR_CODE_SHIFT;
		event.value.reg128.high = injected[i].parameter;
		ASSERT_OK(mshv_set_registers(vm.vp.fd, 0, &event, 1));
	}
	vm_run_to_done(&vm);
	EXPECT_EQ(2, *vm_guest_variable(&vm, guest_exception_count));
	seen = *vm_guest_variable(&vm, guest_exceptions);
	for (i = 0; i < ARRAY_SIZE(injected); i++) {
		EXPECT_EQ(injected[i].vector, seen[i].vector);
		EXPECT_EQ(injected[i].error, seen[i].error);
		/* CR2 is a page fault's; the other one leaves it alone. */
		EXPECT_EQ(injected[0].parameter, seen[i].cr2);
	}
	vm_destroy(&vm);
}

/* ---- CPUID ---- */

static GUEST_CODE void guest_cpuids(void)
{
	uint32_t r[4];

	guest_cpuid(0x40000201, 0, r);
	GUEST_SYNC_ARG(1, r[0] | (uint64_t)r[3] << 32);
	GUEST_DONE();
}

TEST(cpuid_of_all_vps_at_once)
{
	struct hv_register_x64_cpuid_result_parameters result = {
		.eax = 0x40000201, .always_override = 1,
		.result_eax = 0x1111, .result_eax_mask = ~0U,
		.result_edx = 0x4444, .result_edx_mask = ~0U,
	};
	const struct hv_cpuid_leaf_info leaf = { .eax = 0x40000201 };
	struct hv_cpuid_result values;
	struct test_vm vm;
	struct mshv_vp second, first;

	vm_init_long(&vm, PT_LAPIC, guest_cpuids);
	ASSERT_OK(mshv_register_cpuid_result(vm.partition, HV_ANY_VP, &result));
	vm_add_vp(&vm, &second, 1, guest_cpuids);
	ASSERT_OK(mshv_get_cpuid_values(vm.vp.fd, 0,
					HV_GET_VP_CPUID_VALUES_APPLY_REGISTERED_VALUES, &leaf,
					&values, 1));
	EXPECT_EQ(0x1111, values.eax);
	EXPECT_EQ(0x444400001111, vm_run_to_sync(&vm, 1));
	first = vm.vp;
	vm.vp = second;
	EXPECT_EQ(0x444400001111, vm_run_to_sync(&vm, 1)) TH_LOG("a VP that came later");
	vm.vp = first;
	mshv_vp_destroy(&second);
	vm_destroy(&vm);
}

/* ---- Interrupts ---- */

/* Where sockets have no power of two of processors, its APIC IDs are not the indices. */
TEST(interrupts_go_by_apic_id_and_not_by_index)
{
	static const __u64 apic_ids[] = { 0, 2, 1 };
	struct mshv_user_irq_entry routes[2] = { { .gsi = 1 }, { .gsi = 2 } };
	int fd[2], i;
	struct mshv_vp vp[3];
	struct test_vm vm;
	__u64 one = 1;

	vm_init_long(&vm, PT_LAPIC, guest_waits);
	vp[0] = vm.vp;
	for (i = 1; i < 3; i++) {
		vm_add_vp(&vm, &vp[i], i, guest_waits);
		ASSERT_OK(mshv_vp_set_register(&vp[i], HV_X64_REGISTER_INITIAL_APIC_ID,
					       apic_ids[i]));
		routes[i - 1].address_lo = XAPIC | apic_ids[i] << 12;
		routes[i - 1].data = GUEST_VECTOR;
		fd[i - 1] = eventfd(0, EFD_CLOEXEC);
	}
	ASSERT_OK(mshv_set_msi_routing(vm.partition, routes, 2));
	for (i = 1; i < 3; i++) {
		ASSERT_OK(mshv_assign_irqfd(vm.partition, fd[i - 1], i, -1));
		vm.vp = vp[i];
		vm_run_to_sync(&vm, 1);
	}
	/* The guest counts for all VPs. */
	for (i = 1; i < 3; i++) {
		ASSERT_EQ(8, write(fd[i - 1], &one, 8));
		vm.vp = vp[i];
		EXPECT_EQ(i, vm_run_to_sync(&vm, 2));
		close(fd[i - 1]);
		mshv_vp_destroy(&vp[i]);
	}
	vm.vp = vp[0];
	vm_destroy(&vm);
}

/* ---- The local APIC's page ---- */

static volatile uint32_t xapic_vector;

static void end_in_xapic(struct guest_frame *frame)
{
	xapic_vector = frame->vector;
	*(volatile uint32_t *)(XAPIC + 0xb0) = 0;
}

static GUEST_CODE void guest_uses_xapic(void)
{
	volatile uint32_t *apic = (void *)XAPIC;

	guest_handler = end_in_xapic;
	guest_install_handlers();
	apic[XAPIC_SVR / 4] = APIC_SVR_ENABLE | 0xff;
	GUEST_SYNC_ARG(1, apic[XAPIC_ID / 4] >> 24);
	sti_hlt();
	GUEST_SYNC_ARG(2, xapic_vector);
	sti_hlt();
	GUEST_SYNC_ARG(3, xapic_vector);
	GUEST_DONE();
}

TEST(guest_in_xapic_mode)
{
	int dev = dev_open(), partition;
	struct test_vm vm;
	__u64 id = 0;

	partition = partition_create_as_clients(dev, BIT(MSHV_PT_BIT_LAPIC), FEATURES);
	ASSERT_OK(mshv_initialize_partition(partition));
	vm_init_long_with(&vm, dev, partition, guest_uses_xapic);
	ASSERT_OK(mshv_vp_set_register(&vm.vp, HV_X64_REGISTER_INITIAL_APIC_ID, 3));
	EXPECT_OK(mshv_vp_get_register(&vm.vp, HV_X64_REGISTER_APIC_ID, &id));
	EXPECT_OK(mshv_vp_set_register(&vm.vp, HV_X64_REGISTER_APIC_ID, id));
	EXPECT_EQ(3, vm_run_to_sync(&vm, 1));
	/* An edge, by physical destination; then level, with the EOI for the VMM */
	ASSERT_OK(mshv_assert_interrupt(partition, HV_X64_INTERRUPT_TYPE_FIXED, 3, 0x61));
	EXPECT_EQ(0x61, vm_run_to_sync(&vm, 2));
	ASSERT_OK(mshv_assert_interrupt(partition, HV_X64_INTERRUPT_TYPE_FIXED |
					HV_INTERRUPT_CONTROL_LEVEL_TRIGGERED, 3, 0x62));
	ASSERT_EQ(HVMSG_X64_APIC_EOI, vm_run(&vm));
	EXPECT_EQ(0x62, mshv_msg_eoi(&vm.vp.msg)->interrupt_vector);
	EXPECT_EQ(0x62, vm_run_to_sync(&vm, 3));
	vm_run_to_done(&vm);
	vm_destroy(&vm);
}

MSHV_TEST_MAIN
