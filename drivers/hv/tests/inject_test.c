// SPDX-License-Identifier: GPL-2.0-only
/*
 * Injection by the register page, and when it has to be by hypercall.
 */
#include <linux/uaccess.h>

#include <tlfs/cpuid.h>
#include <tlfs/interrupt.h>
#include <tlfs/status.h>
#include <tlfs/system.h>
#include <tlfs/vp.h>
#include <uapi/linux/mshv.h>

#include "../intr.h"
#include "../mshv.h"
#include "../partition.h"
#include "../vp.h"
#include "test.h"

#define ASSERTS()	fake_hv_calls(HVCALL_ASSERT_VIRTUAL_INTERRUPT)

static int inject_init(struct kunit *test)
{
	mshv_root.platform.ext_features = HV_VP_DISPATCH_INTERRUPT_INJECTION_AVAILABLE;

	return test_init(test);
}

static const struct mshv_route vector_0x61 = {
	.valid = true, .vector = 0x61, .type = HV_X64_INTERRUPT_TYPE_FIXED, .dest = 2,
};

static union hv_vp_register_page_interrupt_vectors *vectors(struct mshv_partition *partition)
{
	return &fake_hv_register_page(partition->id, 2)->interrupt_vectors;
}

/* A partition with one VP, whose index is 2 */
struct one_vp {
	int fd;
	int vp_fd;
	struct mshv_partition *partition;
};

static struct one_vp one_vp(struct kunit *test)
{
	int fd = test_partition(test);

	return (struct one_vp) {
		.fd = fd,
		.vp_fd = test_vp(test, fd, 2),
		.partition = test_partition_of(test, fd),
	};
}

static void one_vp_close(const struct one_vp *vm)
{
	test_close(vm->vp_fd);
	test_close(vm->fd);
}

static void vector_is_left_in_the_register_page(struct kunit *test)
{
	const struct one_vp vm = one_vp(test);
	struct mshv_route route = vector_0x61;

	KUNIT_EXPECT_EQ(test, mshv_intr_inject(vm.partition, &route), 0);
	KUNIT_EXPECT_EQ(test, vectors(vm.partition)->vector_count, 1);
	KUNIT_EXPECT_EQ(test, vectors(vm.partition)->vector[0], 0x61);
	/* One that is there already is one. */
	KUNIT_EXPECT_EQ(test, mshv_intr_inject(vm.partition, &route), 0);
	KUNIT_EXPECT_EQ(test, vectors(vm.partition)->vector_count, 1);
	route.vector = 0x62;
	KUNIT_EXPECT_EQ(test, mshv_intr_inject(vm.partition, &route), 0);
	KUNIT_EXPECT_EQ(test, vectors(vm.partition)->vector_count, 2);
	KUNIT_EXPECT_EQ(test, vectors(vm.partition)->vector[1], 0x62);
	KUNIT_EXPECT_EQ(test, ASSERTS(), 0);
	one_vp_close(&vm);
}

static void full_or_forged_page_is_not_written_to(struct kunit *test)
{
	const struct one_vp vm = one_vp(test);
	const struct hv_vp_register_page *page = fake_hv_register_page(vm.partition->id, 2);
	unsigned int i;

	for (i = 0; i < HV_VP_REGISTER_PAGE_MAX_VECTORS; i++) {
		struct mshv_route route = vector_0x61;

		route.vector += i;
		KUNIT_EXPECT_EQ(test, mshv_intr_inject(vm.partition, &route), 0);
	}
	KUNIT_EXPECT_EQ(test, ASSERTS(), 0);
	KUNIT_EXPECT_EQ(test, mshv_intr_inject(vm.partition, &(struct mshv_route) {
		.valid = true, .vector = 0x99, .dest = 2 }), 0);
	KUNIT_EXPECT_EQ(test, ASSERTS(), 1);

	/* User space has the page as well. */
	vectors(vm.partition)->vector_count = 255;
	KUNIT_EXPECT_EQ(test, mshv_intr_inject(vm.partition, &(struct mshv_route) {
		.valid = true, .vector = 0x99, .dest = 2 }), 0);
	KUNIT_EXPECT_EQ(test, ASSERTS(), 2);
	KUNIT_EXPECT_NULL(test, memchr_inv(page + 1, 0, PAGE_SIZE - sizeof(*page)));
	one_vp_close(&vm);
}

static void vp_that_is_not_there_is_left_to_the_hypervisor(struct kunit *test)
{
	int fd = test_partition(test);
	struct mshv_partition *partition = test_partition_of(test, fd);
	struct mshv_route route = vector_0x61;
	unsigned int dest;

	for (dest = 0; dest < 256; dest++) {
		route.dest = dest;
		KUNIT_EXPECT_EQ(test, mshv_intr_inject(partition, &route), 0);
	}
	KUNIT_EXPECT_EQ(test, ASSERTS(), 256);
	test_close(fd);
}

static void interrupt_that_is_not_ordinary_is_left_to_the_hypervisor(struct kunit *test)
{
	const struct one_vp vm = one_vp(test);
	struct mshv_route routes[4] = { vector_0x61, vector_0x61, vector_0x61, vector_0x61 };
	unsigned int i;

	routes[0].level = true;
	routes[1].logical = true;
	routes[2].type = HV_X64_INTERRUPT_TYPE_NMI;
	routes[3].type = HV_X64_INTERRUPT_TYPE_LOWESTPRIORITY;
	for (i = 0; i < ARRAY_SIZE(routes); i++)
		KUNIT_EXPECT_EQ(test, mshv_intr_inject(vm.partition, &routes[i]), 0);
	KUNIT_EXPECT_EQ(test, ASSERTS(), 4);

	/* And all of them where the hypervisor does not look at the page. */
	mshv_root.platform.ext_features = 0;
	KUNIT_EXPECT_EQ(test, mshv_intr_inject(vm.partition, &vector_0x61), 0);
	mshv_root.platform.ext_features = HV_VP_DISPATCH_INTERRUPT_INJECTION_AVAILABLE;
	mshv_root.scheduler = HV_SCHEDULER_TYPE_CORE_SMT;
	KUNIT_EXPECT_EQ(test, mshv_intr_inject(vm.partition, &vector_0x61), 0);
	mshv_root.scheduler = HV_SCHEDULER_TYPE_ROOT;
	KUNIT_EXPECT_EQ(test, ASSERTS(), 6);
	KUNIT_EXPECT_EQ(test, vectors(vm.partition)->vector_count, 0);
	one_vp_close(&vm);
}

static void route_that_cannot_be_delivered_is_dropped(struct kunit *test)
{
	int fd = test_partition(test);
	struct mshv_partition *partition = test_partition_of(test, fd);
	struct mshv_route route = vector_0x61;

	route.vector = 15;
	KUNIT_EXPECT_EQ(test, mshv_intr_inject(partition, &route), -EINVAL);
	route.valid = false;
	route.vector = 0x61;
	KUNIT_EXPECT_EQ(test, mshv_intr_inject(partition, &route), -EINVAL);
	KUNIT_EXPECT_EQ(test, ASSERTS(), 0);
	test_close(fd);
}

/* Blocks; the flags of the second dispatch are kept. */
static int block_once(const struct fake_call *call, u16 *done, void *context)
{
	const struct hv_input_dispatch_vp *in = call->in;
	struct hv_output_dispatch_vp *out = call->out;
	struct mshv_vp *vp = context;
	u64 *pending = &vp->register_page->interrupt_vectors.as_uint64;

	*fake_hv_reg(in->partition_id, 2, HV_REGISTER_EXPLICIT_SUSPEND) = 0;
	out->dispatch_state = HV_VP_DISPATCH_STATE_BLOCKED;
	if (!(in->flags & HV_DISPATCH_VP_FLAG_SCAN_INTERRUPT_INJECTION))
		return HV_STATUS_SUCCESS;
	/* While it is in here, the page may not be looked at again. */
	mshv_intr_inject(vp->partition, &(struct mshv_route) {
		.valid = true, .vector = 0x77, .dest = 2 });
	xchg(pending, 0);

	return FAKE_DEFAULT;
}

static void blocked_vp_is_woken_by_a_vector(struct kunit *test)
{
	const struct one_vp vm = one_vp(test);
	struct test_runner *runner;

	fake_hv_handle(HVCALL_DISPATCH_VP, block_once, test_vp_of(test, vm.vp_fd));
	runner = test_run_waits(test, vm.vp_fd);
	KUNIT_EXPECT_EQ(test, fake_hv_calls(HVCALL_DISPATCH_VP), 1);
	KUNIT_EXPECT_EQ(test, mshv_intr_inject(vm.partition, &vector_0x61), 0);
	KUNIT_EXPECT_EQ(test, test_ran(test, runner), 0);
	KUNIT_EXPECT_EQ(test, fake_hv_calls(HVCALL_DISPATCH_VP), 2);
	/* The other vector came while the VP was dispatched. */
	KUNIT_EXPECT_EQ(test, ASSERTS(), 1);
	one_vp_close(&vm);
}

/* What it may not look at again is not there when it does. */
static void vp_in_the_hypervisor_gets_an_interrupt_once(struct kunit *test)
{
	const struct one_vp vm = one_vp(test);
	struct mshv_vp *vp = test_vp_of(test, vm.vp_fd);
	struct mshv_route other = vector_0x61;

	other.vector = 0x62;
	KUNIT_EXPECT_EQ(test, mshv_intr_inject(vm.partition, &vector_0x61), 0);
	WRITE_ONCE(vp->run.cpu, 0);
	KUNIT_EXPECT_EQ(test, mshv_intr_inject(vm.partition, &other), 0);
	KUNIT_EXPECT_EQ(test, ASSERTS(), 1);
	KUNIT_EXPECT_EQ(test, vectors(vm.partition)->vector_count, 1);
	KUNIT_EXPECT_EQ(test, vectors(vm.partition)->vector[0], 0x61);
	KUNIT_EXPECT_EQ(test, mshv_intr_inject(vm.partition, &vector_0x61), 0);
	KUNIT_EXPECT_EQ(test, ASSERTS(), 2);
	KUNIT_EXPECT_EQ(test, vectors(vm.partition)->as_uint64, 0);
	WRITE_ONCE(vp->run.cpu, -1);
	one_vp_close(&vm);
}

/* ---- VPs by their APIC IDs ---- */

/* Where in user memory an ioctl's arguments are, and what they point to */
#define ARGS	0
#define DATA	PAGE_SIZE

static long set_register(struct kunit *test, int fd, u32 vp_index, u32 name, u64 value)
{
	unsigned long user = test_user(test, 2 * PAGE_SIZE);
	const struct mshv_root_hvcall args = {
		.code = HVCALL_SET_VP_REGISTERS, .reps = 2,
		.in_ptr = user + DATA, .in_sz = sizeof(struct hv_input_set_vp_registers) +
						2 * sizeof(struct hv_register_assoc),
	};
	const struct hv_input_set_vp_registers in = { .vp_index = vp_index };
	const struct hv_register_assoc regs[2] = {
		{ .name = HV_X64_REGISTER_RAX, .value.reg64 = 0x99 },
		{ .name = name, .value.reg64 = value },
	};

	KUNIT_ASSERT_EQ(test, copy_to_user((void __user *)(user + ARGS), &args, sizeof(args)), 0);
	KUNIT_ASSERT_EQ(test, copy_to_user((void __user *)(user + DATA), &in, sizeof(in)), 0);
	KUNIT_ASSERT_EQ(test, copy_to_user((void __user *)(user + DATA + sizeof(in)), regs,
					   sizeof(regs)), 0);

	return test_ioctl(test, fd, MSHV_ROOT_HVCALL, user + ARGS);
}

static long lapic_state(struct kunit *test, int vp_fd, unsigned int cmd, u32 apic_id)
{
	unsigned long user = test_user(test, 2 * PAGE_SIZE);
	const struct mshv_get_set_vp_state args = {
		.type = MSHV_VP_STATE_LAPIC, .buf_sz = PAGE_SIZE, .buf_ptr = user + DATA,
	};

	KUNIT_ASSERT_EQ(test, copy_to_user((void __user *)(user + ARGS), &args, sizeof(args)), 0);
	KUNIT_ASSERT_EQ(test, copy_to_user((void __user *)(user + DATA), &apic_id,
					   sizeof(apic_id)), 0);

	return test_ioctl(test, vp_fd, cmd, user + ARGS);
}

static void expect_fast(struct kunit *test, struct mshv_partition *partition, bool fast)
{
	unsigned int asserts = ASSERTS();

	vectors(partition)->as_uint64 = 0;
	KUNIT_EXPECT_EQ(test, mshv_intr_inject(partition, &vector_0x61), 0);
	KUNIT_EXPECT_EQ(test, ASSERTS(), asserts + !fast);
	KUNIT_EXPECT_EQ(test, vectors(partition)->vector_count, fast);
	vectors(partition)->as_uint64 = 0;
}

static void vps_are_not_taken_for_one_another(struct kunit *test)
{
	static const u32 names[] = { HV_X64_REGISTER_INITIAL_APIC_ID, HV_X64_REGISTER_APIC_ID };
	unsigned int i;

	/* Twice by the partition's file, twice by a VP's, once by the state of another VP */
	for (i = 0; i < 5; i++) {
		int fd = test_partition(test);
		struct mshv_partition *partition = test_partition_of(test, fd);
		int vp_fds[] = { test_vp(test, fd, 1), test_vp(test, fd, 2) };
		int by = i & 2 ? vp_fds[0] : fd;

		/* What an ID is anyway makes no difference. */
		KUNIT_EXPECT_EQ(test, set_register(test, by, 2, names[i & 1], 2), 0);
		KUNIT_EXPECT_EQ(test, lapic_state(test, vp_fds[0], MSHV_SET_VP_STATE, 1), 0);
		KUNIT_EXPECT_EQ(test, set_register(test, by, 2, HV_X64_REGISTER_RAX, 9), 0);
		expect_fast(test, partition, true);
		if (i == 4)
			KUNIT_EXPECT_EQ(test, lapic_state(test, vp_fds[0], MSHV_SET_VP_STATE, 2),
					0);
		else
			KUNIT_EXPECT_EQ(test, set_register(test, by, 1, names[i & 1], 2), 0);
		expect_fast(test, partition, false);
		/* They may be again what they were; it is not worth knowing. */
		KUNIT_EXPECT_EQ(test, set_register(test, by, 1, names[0], 1), 0);
		expect_fast(test, partition, false);
		test_close(vp_fds[0]);
		test_close(vp_fds[1]);
		test_close(fd);
	}
}

/* A hypervisor that counts by packages of three */
static int in_packages(const struct fake_call *call, u16 *done, void *context)
{
	const struct hv_input_get_vp_registers *in = call->in;
	union hv_register_value *out = call->out;

	if (in->names[0] != HV_X64_REGISTER_INITIAL_APIC_ID)
		return FAKE_DEFAULT;
	out[0] = (union hv_register_value) { .reg64 = in->vp_index + in->vp_index / 3 };
	*done = 1;

	return HV_STATUS_SUCCESS;
}

static void apic_ids_are_the_hypervisors_to_begin_with(struct kunit *test)
{
	int fd = test_partition(test);
	struct mshv_partition *partition = test_partition_of(test, fd);
	int vp_fds[3];

	fake_hv_handle(HVCALL_GET_VP_REGISTERS, in_packages, NULL);
	vp_fds[0] = test_vp(test, fd, 2);
	expect_fast(test, partition, true);
	vp_fds[1] = test_vp(test, fd, 3);
	expect_fast(test, partition, false);
	test_close(vp_fds[0]);
	test_close(vp_fds[1]);
	test_close(fd);

	/* One that does not tell is not trusted. */
	fake_hv_handle(HVCALL_GET_VP_REGISTERS, NULL, NULL);
	fd = test_partition(test);
	fake_hv_fail(HVCALL_GET_VP_REGISTERS, HV_STATUS_ACCESS_DENIED, 0, 1);
	vp_fds[0] = test_vp(test, fd, 2);
	expect_fast(test, test_partition_of(test, fd), false);
	test_close(vp_fds[0]);
	test_close(fd);
}

static void broadcast_is_not_for_one_vp_alone(struct kunit *test)
{
	const struct one_vp vm = one_vp(test);
	struct mshv_route route = vector_0x61;

	/* Whichever VP it is that has this index */
	rcu_assign_pointer(vm.partition->vps[255], test_vp_of(test, vm.vp_fd));
	route.dest = 0xff;
	KUNIT_EXPECT_EQ(test, mshv_intr_inject(vm.partition, &route), 0);
	KUNIT_EXPECT_EQ(test, ASSERTS(), 1);
	KUNIT_EXPECT_EQ(test, vectors(vm.partition)->vector_count, 0);
	RCU_INIT_POINTER(vm.partition->vps[255], NULL);
	one_vp_close(&vm);
}

/* What had been asserted when a hypercall came */
static int asserts_before(const struct fake_call *call, u16 *done, void *context)
{
	*(unsigned int *)context = ASSERTS();

	return FAKE_DEFAULT;
}

static void interrupt_on_its_way_arrives_before_apic_ids_change(struct kunit *test)
{
	const struct hv_input_assert_virtual_interrupt *in =
		fake_hv_last(HVCALL_ASSERT_VIRTUAL_INTERRUPT);
	const struct one_vp vm = one_vp(test);
	unsigned int before = 0;

	KUNIT_EXPECT_EQ(test, mshv_intr_inject(vm.partition, &vector_0x61), 0);
	KUNIT_EXPECT_EQ(test, ASSERTS(), 0);
	fake_hv_handle(HVCALL_SET_VP_REGISTERS, asserts_before, &before);
	KUNIT_EXPECT_EQ(test, set_register(test, vm.vp_fd, 2, HV_X64_REGISTER_INITIAL_APIC_ID, 4),
			0);
	fake_hv_handle(HVCALL_SET_VP_REGISTERS, NULL, NULL);
	KUNIT_EXPECT_EQ(test, before, 1);
	KUNIT_EXPECT_EQ(test, ASSERTS(), 1);
	KUNIT_EXPECT_EQ(test, in->vector, 0x61);
	KUNIT_EXPECT_EQ(test, in->dest_addr, 2);
	KUNIT_EXPECT_EQ(test, vectors(vm.partition)->as_uint64, 0);
	one_vp_close(&vm);
}

/* ---- The register page, and the state of the local APIC ---- */

static void saved_state_has_what_is_in_the_register_page(struct kunit *test)
{
	const struct hv_input_assert_virtual_interrupt *in =
		fake_hv_last(HVCALL_ASSERT_VIRTUAL_INTERRUPT);
	const struct one_vp vm = one_vp(test);
	unsigned int before = 0;

	KUNIT_EXPECT_EQ(test, mshv_intr_inject(vm.partition, &vector_0x61), 0);
	fake_hv_handle(HVCALL_GET_VP_STATE, asserts_before, &before);
	KUNIT_EXPECT_EQ(test, lapic_state(test, vm.vp_fd, MSHV_GET_VP_STATE, 0), 0);
	KUNIT_EXPECT_EQ(test, before, 1);
	KUNIT_EXPECT_EQ(test, in->partition_id, vm.partition->id);
	KUNIT_EXPECT_EQ(test, in->interrupt_control, HV_X64_INTERRUPT_TYPE_FIXED);
	KUNIT_EXPECT_EQ(test, in->vector, 0x61);
	KUNIT_EXPECT_EQ(test, in->dest_addr, 2);
	KUNIT_EXPECT_EQ(test, vectors(vm.partition)->as_uint64, 0);

	/* Nothing more, and nothing that is no interrupt: the page is user space's too. */
	KUNIT_EXPECT_EQ(test, lapic_state(test, vm.vp_fd, MSHV_GET_VP_STATE, 0), 0);
	vectors(vm.partition)->as_uint64 = U64_MAX;
	vectors(vm.partition)->vector[0] = 15;
	KUNIT_EXPECT_EQ(test, lapic_state(test, vm.vp_fd, MSHV_GET_VP_STATE, 0), 0);
	KUNIT_EXPECT_EQ(test, ASSERTS(), HV_VP_REGISTER_PAGE_MAX_VECTORS);
	one_vp_close(&vm);
}

static void new_state_does_not_have_the_old_ones_interrupts(struct kunit *test)
{
	const struct one_vp vm = one_vp(test);

	KUNIT_EXPECT_EQ(test, mshv_intr_inject(vm.partition, &vector_0x61), 0);
	KUNIT_EXPECT_EQ(test, lapic_state(test, vm.vp_fd, MSHV_SET_VP_STATE, 2), 0);
	KUNIT_EXPECT_EQ(test, vectors(vm.partition)->as_uint64, 0);
	KUNIT_EXPECT_EQ(test, ASSERTS(), 0);

	/* The old one stays, with all that it had. */
	KUNIT_EXPECT_EQ(test, mshv_intr_inject(vm.partition, &vector_0x61), 0);
	fake_hv_fail(HVCALL_SET_VP_STATE, HV_STATUS_INVALID_PARAMETER, 0, 1);
	KUNIT_EXPECT_EQ(test, lapic_state(test, vm.vp_fd, MSHV_SET_VP_STATE, 2), -EINVAL);
	KUNIT_EXPECT_EQ(test, vectors(vm.partition)->as_uint64, 0);
	KUNIT_EXPECT_EQ(test, ASSERTS(), 1);
	one_vp_close(&vm);
}

static void page_that_the_hypervisor_does_not_look_at_is_left_alone(struct kunit *test)
{
	const struct one_vp vm = one_vp(test);

	mshv_root.platform.ext_features = 0;
	vectors(vm.partition)->as_uint64 = 0x6101;
	KUNIT_EXPECT_EQ(test, lapic_state(test, vm.vp_fd, MSHV_GET_VP_STATE, 0), 0);
	KUNIT_EXPECT_EQ(test, lapic_state(test, vm.vp_fd, MSHV_SET_VP_STATE, 2), 0);
	KUNIT_EXPECT_EQ(test, vectors(vm.partition)->as_uint64, 0x6101);
	KUNIT_EXPECT_EQ(test, ASSERTS(), 0);
	one_vp_close(&vm);
}

static struct kunit_case inject_cases[] = {
	KUNIT_CASE(vector_is_left_in_the_register_page),
	KUNIT_CASE(full_or_forged_page_is_not_written_to),
	KUNIT_CASE(vp_that_is_not_there_is_left_to_the_hypervisor),
	KUNIT_CASE(interrupt_that_is_not_ordinary_is_left_to_the_hypervisor),
	KUNIT_CASE(route_that_cannot_be_delivered_is_dropped),
	KUNIT_CASE(blocked_vp_is_woken_by_a_vector),
	KUNIT_CASE(vp_in_the_hypervisor_gets_an_interrupt_once),
	KUNIT_CASE(vps_are_not_taken_for_one_another),
	KUNIT_CASE(apic_ids_are_the_hypervisors_to_begin_with),
	KUNIT_CASE(broadcast_is_not_for_one_vp_alone),
	KUNIT_CASE(interrupt_on_its_way_arrives_before_apic_ids_change),
	KUNIT_CASE(saved_state_has_what_is_in_the_register_page),
	KUNIT_CASE(new_state_does_not_have_the_old_ones_interrupts),
	KUNIT_CASE(page_that_the_hypervisor_does_not_look_at_is_left_alone),
	{}
};

static struct kunit_suite inject_suite = {
	.name = "mshv_inject",
	.init = inject_init,
	.exit = test_exit,
	.test_cases = inject_cases,
};

kunit_test_suite(inject_suite);
