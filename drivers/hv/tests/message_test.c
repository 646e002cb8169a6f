// SPDX-License-Identifier: GPL-2.0-only
/*
 * Messages to root, well formed and not.
 */
#include <linux/cpu.h>

#include <tlfs/message.h>
#include <tlfs/msr.h>
#include <tlfs/status.h>
#include <tlfs/synic.h>

#include "../device.h"
#include "../mshv.h"
#include "../partition.h"
#include "../vp.h"
#include "test.h"

/* A partition with VPs 0, 1 and 9 */
struct guest {
	int fd;
	u64 id;
	int vp_fds[3];
	struct mshv_vp *vps[3];
};

static struct guest guest(struct kunit *test)
{
	static const u32 indexes[] = { 0, 1, 9 };
	struct guest g;
	unsigned int i;

	g.fd = test_partition(test);
	g.id = test_partition_of(test, g.fd)->id;
	for (i = 0; i < ARRAY_SIZE(indexes); i++) {
		g.vp_fds[i] = test_vp(test, g.fd, indexes[i]);
		g.vps[i] = test_vp_of(test, g.vp_fds[i]);
	}

	return g;
}

static void close_guest(struct guest *g)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(g->vp_fds); i++)
		test_close(g->vp_fds[i]);
	test_close(g->fd);
}

static s64 signals(const struct mshv_vp *vp)
{
	return atomic64_read(&vp->run.signals);
}

static void signal_pairs_reach_their_vps(struct kunit *test)
{
	struct hv_message message = {
		.header.message_type = HVMSG_SCHEDULER_VP_SIGNAL_PAIR,
	};
	struct hv_vp_signal_pair_scheduler_message *pair = (void *)message.u.payload;
	struct guest g = guest(test);
	unsigned int i;

	/* As many as there can be, some for no one */
	pair->vp_count = HV_VP_SIGNAL_PAIR_MAX;
	for (i = 0; i < HV_VP_SIGNAL_PAIR_MAX; i++) {
		pair->partition_ids[i] = i % 4 == 3 ? g.id + 1000 : g.id;
		pair->vp_indexes[i] = i % 5 == 4 ? U32_MAX - i : i;
	}
	KUNIT_EXPECT_EQ(test, fake_hv_post(&message), HVMSG_NONE);
	KUNIT_EXPECT_EQ(test, signals(g.vps[0]), 1);
	KUNIT_EXPECT_EQ(test, signals(g.vps[1]), 1);
	KUNIT_EXPECT_EQ(test, signals(g.vps[2]), 0);
	KUNIT_EXPECT_TRUE(test, g.vps[0]->run.kicked);
	KUNIT_EXPECT_FALSE(test, g.vps[2]->run.kicked);
	close_guest(&g);
}

static void signal_pairs_that_claim_too_many_are_dropped(struct kunit *test)
{
	struct hv_message message = {
		.header.message_type = HVMSG_SCHEDULER_VP_SIGNAL_PAIR,
	};
	struct hv_vp_signal_pair_scheduler_message *pair = (void *)message.u.payload;
	struct guest g = guest(test);

	pair->partition_ids[0] = g.id;
	pair->vp_count = HV_VP_SIGNAL_PAIR_MAX + 1;
	KUNIT_EXPECT_EQ(test, fake_hv_post(&message), HVMSG_NONE);
	pair->vp_count = 255;
	KUNIT_EXPECT_EQ(test, fake_hv_post(&message), HVMSG_NONE);
	KUNIT_EXPECT_EQ(test, signals(g.vps[0]), 0);
	close_guest(&g);
}

static void signal_bitset_reaches_its_vps(struct kunit *test)
{
	struct hv_message message = {
		.header.message_type = HVMSG_SCHEDULER_VP_SIGNAL_BITSET,
	};
	struct hv_vp_signal_bitset_scheduler_message *set = (void *)message.u.payload;
	struct guest g = guest(test);

	set->partition_id = g.id;
	set->format = HV_GENERIC_SET_SPARSE_4K;
	/* Banks 0, 3 and 63; of the last two there are no VPs. */
	set->valid_bank_mask = BIT_ULL(0) | BIT_ULL(3) | BIT_ULL(63);
	set->bank_contents[0] = BIT_ULL(1) | BIT_ULL(9) | BIT_ULL(63);
	set->bank_contents[1] = U64_MAX;
	set->bank_contents[2] = U64_MAX;
	KUNIT_EXPECT_EQ(test, fake_hv_post(&message), HVMSG_NONE);
	KUNIT_EXPECT_EQ(test, signals(g.vps[0]), 0);
	KUNIT_EXPECT_EQ(test, signals(g.vps[1]), 1);
	KUNIT_EXPECT_EQ(test, signals(g.vps[2]), 1);

	set->partition_id = g.id + 1000;
	KUNIT_EXPECT_EQ(test, fake_hv_post(&message), HVMSG_NONE);
	KUNIT_EXPECT_EQ(test, signals(g.vps[1]), 1);
	close_guest(&g);
}

static void malformed_bitset_is_dropped(struct kunit *test)
{
	struct hv_message message = {
		.header.message_type = HVMSG_SCHEDULER_VP_SIGNAL_BITSET,
	};
	struct hv_vp_signal_bitset_scheduler_message *set = (void *)message.u.payload;
	struct guest g = guest(test);

	memset(set->bank_contents, 0xff, sizeof(set->bank_contents));
	set->partition_id = g.id;
	set->format = HV_GENERIC_SET_ALL;
	set->valid_bank_mask = 1;
	KUNIT_EXPECT_EQ(test, fake_hv_post(&message), HVMSG_NONE);
	/* More banks than the message has room for */
	set->format = HV_GENERIC_SET_SPARSE_4K;
	set->valid_bank_mask = U64_MAX;
	KUNIT_EXPECT_EQ(test, fake_hv_post(&message), HVMSG_NONE);
	set->valid_bank_mask = GENMASK_ULL(HV_VP_SIGNAL_BITSET_BANKS, 0);
	KUNIT_EXPECT_EQ(test, fake_hv_post(&message), HVMSG_NONE);
	KUNIT_EXPECT_EQ(test, signals(g.vps[0]), 0);
	close_guest(&g);
}

static void intercept_kicks_the_vp_it_names_if_there_is_one(struct kunit *test)
{
	static const u32 nowhere[] = { 2, 255, 256, 257, 0x80000000, U32_MAX };
	struct hv_message message = { .header.message_type = HVMSG_OPAQUE_INTERCEPT };
	struct hv_opaque_intercept_message *opaque = (void *)message.u.payload;
	struct guest g = guest(test);
	unsigned int i;

	message.header.sender = g.id;
	opaque->vp_index = 9;
	KUNIT_EXPECT_EQ(test, fake_hv_post(&message), HVMSG_NONE);
	KUNIT_EXPECT_EQ(test, signals(g.vps[2]), 1);
	for (i = 0; i < ARRAY_SIZE(nowhere); i++) {
		opaque->vp_index = nowhere[i];
		KUNIT_EXPECT_EQ(test, fake_hv_post(&message), HVMSG_NONE);
	}
	opaque->vp_index = 0;
	message.header.sender = 0;
	KUNIT_EXPECT_EQ(test, fake_hv_post(&message), HVMSG_NONE);
	KUNIT_EXPECT_EQ(test, signals(g.vps[0]), 0);
	close_guest(&g);
}

static void message_of_unknown_type_does_not_block_the_slot(struct kunit *test)
{
	static const u32 types[] = {
		HVMSG_UNMAPPED_GPA, HVMSG_X64_IO_PORT_INTERCEPT, HVMSG_EVENTLOG_BUFFER_COMPLETE,
		1, 0x80000102, U32_MAX,
	};
	struct hv_message message;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(types); i++) {
		memset(&message, 0xff, sizeof(message));
		message.header.message_type = types[i];
		KUNIT_EXPECT_EQ(test, fake_hv_post(&message), HVMSG_NONE);
	}
	memset(&message, 0xff, sizeof(message));
	message.header.message_type = HVMSG_ASYNC_CALL_COMPLETION;
	KUNIT_EXPECT_EQ(test, fake_hv_post(&message), HVMSG_NONE);
}

static u64 eoms(void)
{
	u64 nr;

	/* Written on the CPU that the message was posted on. */
	nr = *fake_hv_msr(0, HV_X64_MSR_EOM) + *fake_hv_msr(1, HV_X64_MSR_EOM);

	return nr;
}

static void end_of_message_is_told_only_when_another_waits(struct kunit *test)
{
	struct hv_message message = { .header.message_type = HVMSG_OPAQUE_INTERCEPT };
	u64 before = eoms();

	fake_hv_post(&message);
	KUNIT_EXPECT_EQ(test, eoms(), before);
	message.header.message_flags = HV_MESSAGE_FLAG_PENDING;
	fake_hv_post(&message);
	KUNIT_EXPECT_EQ(test, eoms(), before + 1);
	/* An interrupt without a message */
	message.header.message_type = HVMSG_NONE;
	fake_hv_post(&message);
	KUNIT_EXPECT_EQ(test, eoms(), before + 1);
}

static void expect_synic(struct kunit *test, unsigned int cpu, bool on)
{
	const u64 pages[] = { HV_X64_MSR_SIMP, HV_X64_MSR_SIEFP, HV_X64_MSR_SIRBP };
	u64 sint0 = *fake_hv_msr(cpu, HV_X64_MSR_SINT0);
	u64 sint5 = *fake_hv_msr(cpu, HV_X64_MSR_SINT0 + HV_SYNIC_DOORBELL_SINT_INDEX);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(pages); i++) {
		u64 value = *fake_hv_msr(cpu, pages[i]);

		KUNIT_EXPECT_EQ(test, value & HV_MSR_PAGE_ENABLE, on);
		/* The page is the hypervisor's choice. */
		KUNIT_EXPECT_NE(test, value >> HV_MSR_PAGE_PFN_SHIFT, 0);
	}
	KUNIT_EXPECT_EQ(test, *fake_hv_msr(cpu, HV_X64_MSR_SCONTROL), on);
	KUNIT_EXPECT_EQ(test, !(sint0 & HV_SYNIC_SINT_MASKED), on);
	KUNIT_EXPECT_EQ(test, !(sint5 & HV_SYNIC_SINT_MASKED), on);
	if (!on)
		return;
	KUNIT_EXPECT_EQ(test, sint0, 0xf3);
	KUNIT_EXPECT_EQ(test, sint5, 0xf3 | HV_SYNIC_SINT_AS_INTERCEPT);
}

static void synic_follows_its_cpu(struct kunit *test)
{
	expect_synic(test, 0, true);
	expect_synic(test, 1, true);
	KUNIT_ASSERT_EQ(test, remove_cpu(1), 0);
	expect_synic(test, 0, true);
	expect_synic(test, 1, false);
	KUNIT_ASSERT_EQ(test, add_cpu(1), 0);
	expect_synic(test, 1, true);
}

static void synic_is_off_when_the_module_is_gone(struct kunit *test)
{
	mshv_device_exit();
	expect_synic(test, 0, false);
	expect_synic(test, 1, false);

	/* A hypervisor that gives root no pages is none to load on. */
	fake_config.no_synic_pages = true;
	KUNIT_EXPECT_EQ(test, mshv_device_init(), -EFAULT);
	fake_config.no_synic_pages = false;
	KUNIT_ASSERT_EQ(test, mshv_device_init(), 0);
	expect_synic(test, 0, true);
}

static struct kunit_case message_cases[] = {
	KUNIT_CASE(signal_pairs_reach_their_vps),
	KUNIT_CASE(signal_pairs_that_claim_too_many_are_dropped),
	KUNIT_CASE(signal_bitset_reaches_its_vps),
	KUNIT_CASE(malformed_bitset_is_dropped),
	KUNIT_CASE(intercept_kicks_the_vp_it_names_if_there_is_one),
	KUNIT_CASE(message_of_unknown_type_does_not_block_the_slot),
	KUNIT_CASE(end_of_message_is_told_only_when_another_waits),
	KUNIT_CASE(synic_follows_its_cpu),
	KUNIT_CASE(synic_is_off_when_the_module_is_gone),
	{}
};

static struct kunit_suite message_suite = {
	.name = "mshv_message",
	.init = test_init,
	.exit = test_exit,
	.test_cases = message_cases,
};

kunit_test_suite(message_suite);
