// SPDX-License-Identifier: GPL-2.0-only
/*
 * What makes a partition a machine, and what of a VP is saved and restored.
 */
#include <stdlib.h>
#include <sys/ioctl.h>

#include <mshv/machine.h>

#include "kselftest_harness.h"

#define MAX_CALLS	64

/* Each ioctl, and each hypercall by its code; registers and state that were read or set */
static unsigned long calls[MAX_CALLS];
static unsigned int call_count;
static __u64 registers[2 * MSHV_VP_STATE_REGISTERS];
static unsigned int get_count, set_count;
/* The value of PENDING_EVENT0 that was set last: 16 bytes */
static struct hv_u128 event_set;
static __u64 states_read, states_set;
static struct hv_register_x64_cpuid_result_parameters leaves[8];
static unsigned int leaf_count;
static unsigned int fail_at;

static void hvcall(const struct mshv_root_hvcall *call)
{
	const struct hv_input_get_vp_registers *get = (void *)(unsigned long)call->in_ptr;
	const struct hv_input_set_vp_registers *set = (void *)(unsigned long)call->in_ptr;
	const struct hv_input_register_intercept_result *result = (void *)get;
	union hv_register_value *out = (void *)(unsigned long)call->out_ptr;
	unsigned int i;

	if (call->code == HVCALL_REGISTER_INTERCEPT_RESULT && leaf_count < ARRAY_SIZE(leaves))
		leaves[leaf_count++] = result->parameters.cpuid;
	for (i = 0; i < call->reps; i++) {
		if (call->code == HVCALL_GET_VP_REGISTERS) {
			registers[get_count++] = get->names[i];
			out[i] = (union hv_register_value){
				.reg128 = { get->names[i] + 1ULL, get->names[i] + 2ULL } };
		} else if (call->code == HVCALL_SET_VP_REGISTERS) {
			/* In the order in which they were read, as they were read */
			if (registers[set_count] == set->elements[i].name &&
			    set->elements[i].value.reg64 == set->elements[i].name + 1ULL)
				set_count++;
			if (set->elements[i].name == HV_REGISTER_PENDING_EVENT0)
				event_set = set->elements[i].value.reg128;
		}
	}
}

int __wrap_ioctl(int fd, unsigned long request, void *args);
int __wrap_ioctl(int fd, unsigned long request, void *args)
{
	struct mshv_get_set_vp_state *state = args;
	struct mshv_root_hvcall *call = args;

	(void)fd;
	if (call_count == MAX_CALLS || (fail_at && call_count == fail_at - 1)) {
		errno = EIO;
		return -1;
	}
	calls[call_count++] = request == MSHV_ROOT_HVCALL ? call->code : request;
	switch (request) {
	case MSHV_CREATE_PARTITION:
		return dup(STDIN_FILENO);
	case MSHV_ROOT_HVCALL:
		hvcall(call);
		break;
	case MSHV_GET_VP_STATE:
		states_read |= 1 << state->type;
		memset((void *)(unsigned long)state->buf_ptr, 0x40 + state->type, state->buf_sz);
		break;
	case MSHV_SET_VP_STATE:
		if (*(__u8 *)(unsigned long)state->buf_ptr == 0x40 + state->type)
			states_set |= 1 << state->type;
		break;
	}
	return 0;
}

TEST(features_are_chosen_before_the_partition_is_initialized)
{
	const unsigned long expected[] = {
		MSHV_CREATE_PARTITION, HVCALL_GET_PARTITION_PROPERTY_EX,
		HVCALL_SET_PARTITION_PROPERTY, MSHV_INITIALIZE_PARTITION,
		HVCALL_SET_PARTITION_PROPERTY, HVCALL_SET_PARTITION_PROPERTY,
	};
	int partition = mshv_create_machine(3, 2);

	EXPECT_LE(0, partition);
	ASSERT_EQ(6, call_count);
	EXPECT_EQ(0, memcmp(expected, calls, sizeof(expected)));
	close(partition);
}

TEST(a_partition_that_cannot_be_one_is_closed)
{
	int next = dup(STDIN_FILENO);

	close(next);
	fail_at = 4;
	EXPECT_EQ(-EIO, mshv_create_machine(3, 2));
	EXPECT_EQ(next, dup(STDIN_FILENO)) TH_LOG("a descriptor is left open");
	close(next);
}

static const struct hv_register_x64_cpuid_result_parameters *leaf(__u32 eax)
{
	unsigned int i;

	for (i = 0; i < leaf_count; i++) {
		if (leaves[i].eax == eax)
			return &leaves[i];
	}
	return NULL;
}

TEST(the_last_of_as_many_vps_as_there_can_be_has_its_place)
{
	struct mshv_vp vp = { .fd = 4, .index = 254 };
	int partition = mshv_create_machine(3, 255);

	ASSERT_LE(0, partition);
	close(partition);
	ASSERT_EQ(0, mshv_vp_setup_machine(&vp, 255)) TH_LOG("%s", mshv_strerror());
	ASSERT_NE(NULL, (void *)leaf(1));
	EXPECT_EQ(254U << 24 | 255 << 16, leaf(1)->result_ebx);
	ASSERT_NE(NULL, (void *)leaf(0x80000008));
	EXPECT_EQ(8 << 12 | 254, leaf(0x80000008)->result_ecx);
}

TEST(more_vps_than_there_are_apic_ids_are_refused)
{
	static const __u32 counts[] = { 0, 256, 257, 0x10000, ~0U };
	struct mshv_vp vp = { .fd = 4 };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(counts); i++) {
		EXPECT_EQ(-EINVAL, mshv_create_machine(3, counts[i])) TH_LOG("%u", counts[i]);
		EXPECT_EQ(-EINVAL, mshv_vp_setup_machine(&vp, counts[i])) TH_LOG("%u", counts[i]);
	}
	EXPECT_NE(NULL, (void *)strstr(mshv_strerror(), "1 to 255 VPs"));
	vp.index = 2;
	EXPECT_EQ(-EINVAL, mshv_vp_setup_machine(&vp, 2));
	EXPECT_EQ(0, call_count);
}

FIXTURE(state) {
	struct mshv_vp vp;
	struct mshv_vp_state *state;
};

FIXTURE_SETUP(state)
{
	self->vp.fd = 4;
	self->state = aligned_alloc(4096, sizeof(*self->state));
	ASSERT_NE(NULL, (void *)self->state);
}

FIXTURE_TEARDOWN(state)
{
	free(self->state);
}

TEST_F(state, is_restored_as_it_was_saved)
{
	ASSERT_EQ(0, mshv_vp_save(&self->vp, true, self->state));
	EXPECT_EQ(get_count, self->state->count);
	EXPECT_EQ(1 << MSHV_VP_STATE_XSAVE | 1 << MSHV_VP_STATE_LAPIC | 1 << MSHV_VP_STATE_SIMP |
		  1 << MSHV_VP_STATE_SIEFP | 1 << MSHV_VP_STATE_SYNTHETIC_TIMERS, states_read);
	ASSERT_EQ(0, mshv_vp_restore(&self->vp, true, self->state));
	EXPECT_EQ(get_count, set_count);
	EXPECT_EQ(states_read, states_set);
}

/* What a VMM has injected just before it saved, and the guest has not seen yet */
TEST_F(state, has_the_event_that_is_pending)
{
	int machine;

	for (machine = 0; machine < 2; machine++) {
		memset(&event_set, 0, sizeof(event_set));
		ASSERT_EQ(0, mshv_vp_save(&self->vp, machine, self->state));
		ASSERT_EQ(0, mshv_vp_restore(&self->vp, machine, self->state));
		EXPECT_EQ(HV_REGISTER_PENDING_EVENT0 + 1ULL, event_set.low);
		EXPECT_EQ(HV_REGISTER_PENDING_EVENT0 + 2ULL, event_set.high);
	}
}

TEST_F(state, of_the_partition_is_with_the_first_vp)
{
	unsigned int first;

	ASSERT_EQ(0, mshv_vp_save(&self->vp, true, self->state));
	first = self->state->count;
	self->vp.index = 1;
	ASSERT_EQ(0, mshv_vp_save(&self->vp, true, self->state));
	EXPECT_EQ(first - 3, self->state->count);
}

TEST_F(state, of_a_flat_program_has_no_apic)
{
	ASSERT_EQ(0, mshv_vp_save(&self->vp, false, self->state));
	EXPECT_EQ(1 << MSHV_VP_STATE_XSAVE, states_read);
}

TEST_F(state, with_too_many_registers_is_refused)
{
	self->state->count = MSHV_VP_STATE_REGISTERS + 1;
	EXPECT_EQ(-EINVAL, mshv_vp_restore(&self->vp, true, self->state));
	EXPECT_EQ(0, call_count);
}

TEST_HARNESS_MAIN
