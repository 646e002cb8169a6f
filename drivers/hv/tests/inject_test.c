// SPDX-License-Identifier: GPL-2.0-only
/*
 * Injection by the register page, and when it has to be by hypercall.
 */
#include <linux/delay.h>
#include <linux/uaccess.h>

#include <tlfs/cpuid.h>
#include <tlfs/interrupt.h>
#include <tlfs/status.h>
#include <tlfs/system.h>
#include <tlfs/vp.h>

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

static void vector_is_left_in_the_register_page(struct kunit *test)
{
	int fd = test_partition(test);
	struct mshv_partition *partition = test_partition_of(test, fd);
	int vp_fd = test_vp(test, fd, 2);
	struct mshv_route route = vector_0x61;

	KUNIT_EXPECT_EQ(test, mshv_intr_inject(partition, &route), 0);
	KUNIT_EXPECT_EQ(test, vectors(partition)->vector_count, 1);
	KUNIT_EXPECT_EQ(test, vectors(partition)->vector[0], 0x61);
	/* One that is there already is one. */
	KUNIT_EXPECT_EQ(test, mshv_intr_inject(partition, &route), 0);
	KUNIT_EXPECT_EQ(test, vectors(partition)->vector_count, 1);
	route.vector = 0x62;
	KUNIT_EXPECT_EQ(test, mshv_intr_inject(partition, &route), 0);
	KUNIT_EXPECT_EQ(test, vectors(partition)->vector_count, 2);
	KUNIT_EXPECT_EQ(test, vectors(partition)->vector[1], 0x62);
	KUNIT_EXPECT_EQ(test, ASSERTS(), 0);
	test_close(vp_fd);
	test_close(fd);
}

static void full_or_forged_page_is_not_written_to(struct kunit *test)
{
	int fd = test_partition(test);
	struct mshv_partition *partition = test_partition_of(test, fd);
	int vp_fd = test_vp(test, fd, 2);
	const struct hv_vp_register_page *page = fake_hv_register_page(partition->id, 2);
	unsigned int i;

	for (i = 0; i < HV_VP_REGISTER_PAGE_MAX_VECTORS; i++) {
		struct mshv_route route = vector_0x61;

		route.vector += i;
		KUNIT_EXPECT_EQ(test, mshv_intr_inject(partition, &route), 0);
	}
	KUNIT_EXPECT_EQ(test, ASSERTS(), 0);
	KUNIT_EXPECT_EQ(test, mshv_intr_inject(partition, &(struct mshv_route) {
		.valid = true, .vector = 0x99, .dest = 2 }), 0);
	KUNIT_EXPECT_EQ(test, ASSERTS(), 1);

	/* User space has the page as well. */
	vectors(partition)->vector_count = 255;
	KUNIT_EXPECT_EQ(test, mshv_intr_inject(partition, &(struct mshv_route) {
		.valid = true, .vector = 0x99, .dest = 2 }), 0);
	KUNIT_EXPECT_EQ(test, ASSERTS(), 2);
	KUNIT_EXPECT_NULL(test, memchr_inv(page + 1, 0, PAGE_SIZE - sizeof(*page)));
	test_close(vp_fd);
	test_close(fd);
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
	int fd = test_partition(test);
	struct mshv_partition *partition = test_partition_of(test, fd);
	int vp_fd = test_vp(test, fd, 2);
	struct mshv_route routes[4] = { vector_0x61, vector_0x61, vector_0x61, vector_0x61 };
	unsigned int i;

	routes[0].level = true;
	routes[1].logical = true;
	routes[2].type = HV_X64_INTERRUPT_TYPE_NMI;
	routes[3].type = HV_X64_INTERRUPT_TYPE_LOWESTPRIORITY;
	for (i = 0; i < ARRAY_SIZE(routes); i++)
		KUNIT_EXPECT_EQ(test, mshv_intr_inject(partition, &routes[i]), 0);
	KUNIT_EXPECT_EQ(test, ASSERTS(), 4);

	/* And all of them where the hypervisor does not look at the page. */
	mshv_root.platform.ext_features = 0;
	KUNIT_EXPECT_EQ(test, mshv_intr_inject(partition, &vector_0x61), 0);
	mshv_root.platform.ext_features = HV_VP_DISPATCH_INTERRUPT_INJECTION_AVAILABLE;
	mshv_root.scheduler = HV_SCHEDULER_TYPE_CORE_SMT;
	KUNIT_EXPECT_EQ(test, mshv_intr_inject(partition, &vector_0x61), 0);
	mshv_root.scheduler = HV_SCHEDULER_TYPE_ROOT;
	KUNIT_EXPECT_EQ(test, ASSERTS(), 6);
	KUNIT_EXPECT_EQ(test, vectors(partition)->vector_count, 0);
	test_close(vp_fd);
	test_close(fd);
}

/* What user space does to a VP's registers */
static void set_register(struct kunit *test, int vp_fd, u32 vp_index, u32 name, u64 value)
{
	const struct {
		struct hv_input_set_vp_registers head;
		struct hv_register_assoc element;
	} in = { .head.vp_index = vp_index, .element = { .name = name, .value.reg64 = value } };
	unsigned long user = test_user(test, PAGE_SIZE);
	const struct mshv_root_hvcall args = {
		.code = HVCALL_SET_VP_REGISTERS, .reps = 1,
		.in_sz = sizeof(in), .in_ptr = user,
	};

	KUNIT_EXPECT_EQ(test, copy_to_user((void __user *)user, &in, sizeof(in)), 0);
	test_ioctl_in(test, vp_fd, MSHV_ROOT_HVCALL, &args, sizeof(args));
}

static void vp_with_another_apic_id_is_found_by_the_hypervisor(struct kunit *test)
{
	int fd = test_partition(test);
	struct mshv_partition *partition = test_partition_of(test, fd);
	int vp_fd = test_vp(test, fd, 2);
	int other_fd = test_vp(test, fd, 1);

	/* Its index, and no ID at all: nothing has changed. */
	set_register(test, vp_fd, 2, HV_X64_REGISTER_INITIAL_APIC_ID, 2);
	set_register(test, vp_fd, 2, HV_X64_REGISTER_RAX, 7);
	KUNIT_EXPECT_EQ(test, mshv_intr_inject(partition, &vector_0x61), 0);
	KUNIT_EXPECT_EQ(test, ASSERTS(), 0);
	KUNIT_EXPECT_EQ(test, vectors(partition)->vector_count, 1);

	/* VP 1 is number 2 from now on. */
	set_register(test, other_fd, 1, HV_X64_REGISTER_INITIAL_APIC_ID, 2);
	vectors(partition)->as_uint64 = 0;
	KUNIT_EXPECT_EQ(test, mshv_intr_inject(partition, &vector_0x61), 0);
	KUNIT_EXPECT_EQ(test, ASSERTS(), 1);
	KUNIT_EXPECT_EQ(test, vectors(partition)->vector_count, 0);
	test_close(other_fd);
	test_close(vp_fd);
	test_close(fd);
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
	int fd = test_partition(test);
	struct mshv_partition *partition = test_partition_of(test, fd);
	int vp_fd = test_vp(test, fd, 2);
	struct test_runner *runner;

	fake_hv_handle(HVCALL_DISPATCH_VP, block_once, test_vp_of(test, vp_fd));
	runner = test_run(test, vp_fd);
	msleep(100);
	KUNIT_EXPECT_EQ(test, fake_hv_calls(HVCALL_DISPATCH_VP), 1);
	KUNIT_EXPECT_EQ(test, mshv_intr_inject(partition, &vector_0x61), 0);
	KUNIT_EXPECT_EQ(test, test_ran(test, runner), 0);
	KUNIT_EXPECT_EQ(test, fake_hv_calls(HVCALL_DISPATCH_VP), 2);
	/* The other vector came while the VP was dispatched. */
	KUNIT_EXPECT_EQ(test, ASSERTS(), 1);
	test_close(vp_fd);
	test_close(fd);
}

/* What it may not look at again is not there when it does. */
static void vp_in_the_hypervisor_gets_an_interrupt_once(struct kunit *test)
{
	int fd = test_partition(test);
	struct mshv_partition *partition = test_partition_of(test, fd);
	int vp_fd = test_vp(test, fd, 2);
	struct mshv_vp *vp = test_vp_of(test, vp_fd);
	struct mshv_route other = vector_0x61;

	other.vector = 0x62;
	KUNIT_EXPECT_EQ(test, mshv_intr_inject(partition, &vector_0x61), 0);
	WRITE_ONCE(vp->run.cpu, 0);
	KUNIT_EXPECT_EQ(test, mshv_intr_inject(partition, &other), 0);
	KUNIT_EXPECT_EQ(test, ASSERTS(), 1);
	KUNIT_EXPECT_EQ(test, vectors(partition)->vector_count, 1);
	KUNIT_EXPECT_EQ(test, vectors(partition)->vector[0], 0x61);
	KUNIT_EXPECT_EQ(test, mshv_intr_inject(partition, &vector_0x61), 0);
	KUNIT_EXPECT_EQ(test, ASSERTS(), 2);
	KUNIT_EXPECT_EQ(test, vectors(partition)->as_uint64, 0);
	WRITE_ONCE(vp->run.cpu, -1);
	test_close(vp_fd);
	test_close(fd);
}

static struct kunit_case inject_cases[] = {
	KUNIT_CASE(vector_is_left_in_the_register_page),
	KUNIT_CASE(full_or_forged_page_is_not_written_to),
	KUNIT_CASE(vp_that_is_not_there_is_left_to_the_hypervisor),
	KUNIT_CASE(interrupt_that_is_not_ordinary_is_left_to_the_hypervisor),
	KUNIT_CASE(vp_with_another_apic_id_is_found_by_the_hypervisor),
	KUNIT_CASE(route_that_cannot_be_delivered_is_dropped),
	KUNIT_CASE(blocked_vp_is_woken_by_a_vector),
	KUNIT_CASE(vp_in_the_hypervisor_gets_an_interrupt_once),
	{}
};

static struct kunit_suite inject_suite = {
	.name = "mshv_inject",
	.init = inject_init,
	.exit = test_exit,
	.test_cases = inject_cases,
};

kunit_test_suite(inject_suite);
