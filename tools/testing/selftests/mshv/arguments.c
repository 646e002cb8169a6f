// SPDX-License-Identifier: GPL-2.0-only
/*
 * Arguments that no ioctl takes: memory that cannot be read or written, values that mean
 * nothing, files of another kind. A call that fails has changed nothing: what it was to
 * do has not been done, and can be done afterwards.
 */
#include <fcntl.h>
#include <stddef.h>

#include "calls.h"

#define KERNEL_ADDRESS	0xffff800000000000ULL

/* Two pages, and one that cannot be accessed: something may end where memory does */
struct memory {
	uint8_t *page, *last, *hole;
};

FIXTURE(vm) {
	struct target target;
	struct memory memory;
};

FIXTURE_SETUP(vm)
{
	struct memory *m = &self->memory;

	target_init(&self->target);
	m->page = mem_alloc(3 * PAGE_SIZE);
	m->last = m->page + PAGE_SIZE;
	m->hole = m->last + PAGE_SIZE;
	ASSERT_EQ(0, mprotect(m->hole, PAGE_SIZE, PROT_NONE));
}

FIXTURE_TEARDOWN(vm)
{
	target_destroy(&self->target);
}

static void refused(struct __test_metadata *_metadata, struct target *target,
		    const struct call *call, int fd, void *args, int error, const char *how,
		    uint64_t value)
{
	int ret, seen;

	errno = 0;
	ret = ioctl(fd, call->request, args);
	seen = errno;
	EXPECT_EQ(-1, ret) TH_LOG("%s: %s 0x%llx", call->name, how, (unsigned long long)value);
	EXPECT_EQ(error, seen) {
		TH_LOG("%s: %s 0x%llx: %s", call->name, how, (unsigned long long)value,
		       strerror(seen));
	}
	if (call->done) {
		EXPECT_FALSE(call->done(target)) {
			TH_LOG("%s: %s 0x%llx: it was done all the same", call->name, how,
			       (unsigned long long)value);
		}
	}
}

/* And after all that, it can be done: which is also how this test would see that it was. */
static void accepted(struct __test_metadata *_metadata, struct target *target,
		     const struct call *call)
{
	union arguments args = { 0 };
	int ret;

	call->fill(target, &args);
	ret = ioctl(target->fds[call->on], call->request, &args);
	EXPECT_LE(0, ret) TH_LOG("%s: %s", call->name, strerror(errno));
	/* A run goes on from the instruction that it stopped at, if the VMM does not move it. */
	if (call->done && call != &calls[RUN]) {
		EXPECT_TRUE(call->done(target)) TH_LOG("%s", call->name);
	}
	if (call == &calls[RUN]) {
		EXPECT_EQ(HVMSG_X64_IO_PORT_INTERCEPT,
			  ((struct hv_message *)&args.run)->header.message_type);
	}
	if (ret > 0)
		close(ret);
}

TEST_F(vm, arguments_that_cannot_be_read)
{
	struct target *target = &self->target;
	struct memory *m = &self->memory;
	void *const nowhere[] = {
		NULL, m->hole, (void *)KERNEL_ADDRESS, (void *)~0xfffULL, (void *)BIT(62),
	};
	const struct call *call;
	union arguments args;
	size_t i, there;

	for (call = calls; call < calls + CALLS; call++) {
		for (i = 0; i < ARRAY_SIZE(nowhere); i++)
			refused(_metadata, target, call, target->fds[call->on], nowhere[i], EFAULT,
				"arguments at", (uintptr_t)nowhere[i]);
		/* The first bytes are there, and the others not. */
		memset(&args, 0, sizeof(args));
		call->fill(target, &args);
		for (there = 1; there < call->size; there += there < call->size - 5 ? 4 : 1) {
			memcpy(m->hole - there, &args, there);
			refused(_metadata, target, call, target->fds[call->on], m->hole - there,
				EFAULT, "bytes that are there:", there);
		}
		accepted(_metadata, target, call);
	}
}

TEST_F(vm, arguments_that_cannot_be_written)
{
	struct target *target = &self->target;
	struct memory *m = &self->memory;
	union arguments *args = (void *)m->page;
	const struct call *call;

	for (call = calls; call < calls + CALLS; call++) {
		if (!call->writes)
			continue;
		call->fill(target, args);
		ASSERT_EQ(0, mprotect(m->page, PAGE_SIZE, PROT_READ));
		refused(_metadata, target, call, target->fds[call->on], args, EFAULT,
			"read-only", 0);
		ASSERT_EQ(0, mprotect(m->page, PAGE_SIZE, PROT_READ | PROT_WRITE));
		accepted(_metadata, target, call);
	}
}

/* Memory that arguments point to */
TEST_F(vm, buffers_that_are_not_there)
{
	struct target *target = &self->target;
#define POINTER(which, member, written) { which, offsetof(union arguments, member), written }
	static const struct {
		enum which call;
		size_t offset;
		bool written;
	} pointers[] = {
		POINTER(BITMAP, bitmap.bitmap_ptr, true),
		POINTER(DEVICE_HVCALL, hvcall.in_ptr, false),
		POINTER(DEVICE_HVCALL, hvcall.out_ptr, true),
		POINTER(SET_PROPERTY, hvcall.in_ptr, false),
		POINTER(SET_REGISTERS, hvcall.in_ptr, false),
		POINTER(GET_STATES, hvcall.in_ptr, false),
		POINTER(GET_STATES, hvcall.out_ptr, true),
		POINTER(GET_STATE, state.buf_ptr, true),
		POINTER(SET_STATE, state.buf_ptr, false),
	};
	struct memory *m = &self->memory;
	const uint64_t nowhere[] = {
		(uintptr_t)m->hole, PAGE_SIZE, KERNEL_ADDRESS, ~0xfffULL, BIT(62),
	};
	uint64_t read_only = (uintptr_t)m->page;
	union arguments args;
	size_t i, j;

	ASSERT_EQ(0, mprotect(m->page, PAGE_SIZE, PROT_READ));
	for (i = 0; i < ARRAY_SIZE(pointers); i++) {
		const struct call *call = &calls[pointers[i].call];

		for (j = 0; j < ARRAY_SIZE(nowhere) + pointers[i].written; j++) {
			const uint64_t *address = j < ARRAY_SIZE(nowhere) ? &nowhere[j] :
									    &read_only;

			memset(&args, 0, sizeof(args));
			call->fill(target, &args);
			memcpy(args.bytes + pointers[i].offset, address, sizeof(*address));
			refused(_metadata, target, call, target->fds[call->on], &args, EFAULT,
				"buffer at", *address);
		}
		accepted(_metadata, target, call);
	}

	/* The first page is there, and the second not. */
	memcpy(m->last, target->lapic, PAGE_SIZE);
	for (i = GET_STATE; i <= SET_STATE; i++) {
		args.state = (struct mshv_get_set_vp_state){
			.type = MSHV_VP_STATE_LAPIC, .buf_sz = 2 * PAGE_SIZE,
			.buf_ptr = (uintptr_t)m->last,
		};
		refused(_metadata, target, &calls[i], target->vm.vp.fd, &args, EFAULT,
			"half a buffer at", args.state.buf_ptr);
	}
}

/* A value in the place of one field of arguments that are right otherwise */
#define WRONG(which, error, value, member) \
	{ which, error, value, offsetof(union arguments, member), \
	  sizeof(((union arguments *)NULL)->member), #member }

static const struct {
	enum which call;
	int error;
	uint64_t value;
	size_t offset, size;
	const char *member;
} wrong[] = {
	WRONG(CREATE_PARTITION, EINVAL, BIT(MSHV_PT_BIT_COUNT), partition.pt_flags),
	WRONG(CREATE_PARTITION, EINVAL, BIT(63), partition.pt_flags),
	WRONG(CREATE_PARTITION, EINVAL, ~0ULL, partition.pt_flags),
	WRONG(CREATE_PARTITION, EINVAL, MSHV_PT_ISOLATION_COUNT, partition.pt_isolation),
	WRONG(CREATE_PARTITION, EINVAL, BIT(32), partition.pt_isolation),
	WRONG(CREATE_PARTITION, EINVAL, 0, partition.pt_num_cpu_fbanks),
	WRONG(CREATE_PARTITION, EINVAL, 0xffff, partition.pt_num_cpu_fbanks),
	WRONG(CREATE_PARTITION, EINVAL, 1, partition.pt_rsvd[5]),
	WRONG(CREATE_PARTITION, EINVAL, 1, partition.pt_rsvd1[1]),

	WRONG(DEVICE_HVCALL, EINVAL, HVCALL_SET_PARTITION_PROPERTY, hvcall.code),
	WRONG(DEVICE_HVCALL, EINVAL, HVCALL_GET_VP_REGISTERS, hvcall.code),
	WRONG(DEVICE_HVCALL, EINVAL, HVCALL_CREATE_PARTITION, hvcall.code),

	WRONG(CREATE_VP, EEXIST, 0, vp.vp_index),
	WRONG(CREATE_VP, EINVAL, 256, vp.vp_index),
	WRONG(CREATE_VP, EINVAL, 0xffffffff, vp.vp_index),

	WRONG(SET_MEMORY, EINVAL, 0, region.size),
	WRONG(SET_MEMORY, EINVAL, PAGE_SIZE / 2, region.size),
	WRONG(SET_MEMORY, EINVAL, PAGE_SIZE + 1, region.size),
	WRONG(SET_MEMORY, EINVAL, BIT(52), region.size),
	WRONG(SET_MEMORY, EINVAL, ~0xfffULL, region.size),
	WRONG(SET_MEMORY, EEXIST, 0, region.guest_pfn),
	WRONG(SET_MEMORY, EINVAL, BIT(40), region.guest_pfn),
	WRONG(SET_MEMORY, EINVAL, BIT(52), region.guest_pfn),
	WRONG(SET_MEMORY, EINVAL, ~0ULL, region.guest_pfn),
	WRONG(SET_MEMORY, EINVAL, 0, region.userspace_addr),
	WRONG(SET_MEMORY, EINVAL, PAGE_SIZE / 2, region.userspace_addr),
	WRONG(SET_MEMORY, EINVAL, KERNEL_ADDRESS, region.userspace_addr),
	WRONG(SET_MEMORY, EINVAL, BIT(MSHV_SET_MEM_BIT_COUNT), region.flags),
	WRONG(SET_MEMORY, EINVAL, 0xff, region.flags),
	WRONG(SET_MEMORY, ENOENT, BIT(MSHV_SET_MEM_BIT_UNMAP), region.flags),
	WRONG(SET_MEMORY, EINVAL, 1, region.rsvd[0]),
	WRONG(SET_MEMORY, EINVAL, 0x80, region.rsvd[6]),

	WRONG(IRQFD, EBADF, 0xffffffff, irqfd.fd),
	WRONG(IRQFD, EINVAL, 0, irqfd.fd),
	WRONG(IRQFD, EINVAL, 4096, irqfd.gsi),
	WRONG(IRQFD, EINVAL, 0xffffffff, irqfd.gsi),
	WRONG(IRQFD, EINVAL, BIT(MSHV_IRQFD_BIT_RESAMPLE), irqfd.flags),
	WRONG(IRQFD, EINVAL, BIT(MSHV_IRQFD_BIT_COUNT), irqfd.flags),
	WRONG(IRQFD, EINVAL, BIT(31), irqfd.flags),

	WRONG(IOEVENTFD, EINVAL, ~0ULL - 2, ioeventfd.addr),
	WRONG(IOEVENTFD, EINVAL, 3, ioeventfd.len),
	WRONG(IOEVENTFD, EINVAL, 16, ioeventfd.len),
	WRONG(IOEVENTFD, EINVAL, 0xffffffff, ioeventfd.len),
	WRONG(IOEVENTFD, EBADF, 0xffffffff, ioeventfd.fd),
	WRONG(IOEVENTFD, EINVAL, 0, ioeventfd.fd),
	WRONG(IOEVENTFD, EOPNOTSUPP, BIT(MSHV_IOEVENTFD_BIT_PIO), ioeventfd.flags),
	WRONG(IOEVENTFD, ENOENT, BIT(MSHV_IOEVENTFD_BIT_DEASSIGN), ioeventfd.flags),
	WRONG(IOEVENTFD, EINVAL, BIT(MSHV_IOEVENTFD_BIT_COUNT), ioeventfd.flags),
	WRONG(IOEVENTFD, EINVAL, BIT(31), ioeventfd.flags),
	WRONG(IOEVENTFD, EINVAL, 1, ioeventfd.rsvd[3]),

	WRONG(ROUTING, EINVAL, 4097, routing.table.nr),
	WRONG(ROUTING, EINVAL, 0xffffffff, routing.table.nr),
	WRONG(ROUTING, EINVAL, 1, routing.table.rsvd),
	WRONG(ROUTING, EINVAL, 4096, routing.entry.gsi),
	WRONG(ROUTING, EINVAL, 0xffffffff, routing.entry.gsi),
	WRONG(ROUTING, EINVAL, 1, routing.entry.address_hi),

	WRONG(BITMAP, EINVAL, MSHV_GPAP_ACCESS_TYPE_COUNT, bitmap.access_type),
	WRONG(BITMAP, EINVAL, 0xff, bitmap.access_type),
	WRONG(BITMAP, EINVAL, MSHV_GPAP_ACCESS_OP_COUNT, bitmap.access_op),
	WRONG(BITMAP, EINVAL, 0xff, bitmap.access_op),
	WRONG(BITMAP, EINVAL, 1, bitmap.rsvd[5]),
	WRONG(BITMAP, EINVAL, 0, bitmap.page_count),
	WRONG(BITMAP, EINVAL, BIT(40), bitmap.page_count),
	WRONG(BITMAP, EINVAL, ~0ULL, bitmap.page_count),
	WRONG(BITMAP, EINVAL, BIT(40), bitmap.gpap_base),
	WRONG(BITMAP, EINVAL, ~0ULL, bitmap.gpap_base),
	WRONG(BITMAP, EINVAL, 0, bitmap.bitmap_ptr),

	WRONG(SET_PROPERTY, EINVAL, HVCALL_CREATE_VP, hvcall.code),
	WRONG(SET_PROPERTY, EINVAL, 0xffff, hvcall.code),
	WRONG(SET_PROPERTY, EINVAL, 1, hvcall.reps),
	WRONG(SET_PROPERTY, EINVAL, 4096, hvcall.reps),
	WRONG(SET_PROPERTY, EINVAL, 7, hvcall.in_sz),
	WRONG(SET_PROPERTY, EINVAL, 4097, hvcall.in_sz),
	WRONG(SET_PROPERTY, EINVAL, 0xffff, hvcall.in_sz),
	WRONG(SET_PROPERTY, EINVAL, 1, hvcall.status),
	WRONG(SET_PROPERTY, EINVAL, 1, hvcall.rsvd[0]),
	WRONG(SET_PROPERTY, EINVAL, 1, hvcall.rsvd[5]),
	WRONG(SET_PROPERTY, EINVAL, 0, hvcall.in_ptr),
	/* An output of no size */
	WRONG(SET_PROPERTY, EINVAL, PAGE_SIZE, hvcall.out_ptr),

	WRONG(SET_REGISTERS, EINVAL, HVCALL_SET_PARTITION_PROPERTY, hvcall.code),
	WRONG(SET_REGISTERS, EINVAL, 0, hvcall.reps),
	WRONG(SET_REGISTERS, EINVAL, 1, hvcall.status),
	WRONG(GET_STATES, EINVAL, 0, hvcall.out_sz),
	WRONG(GET_STATES, EINVAL, 4097, hvcall.out_sz),

	WRONG(GET_STATE, EINVAL, MSHV_VP_STATE_COUNT, state.type),
	WRONG(GET_STATE, EINVAL, PAGE_SIZE + 1, state.buf_sz),
	WRONG(SET_STATE, EINVAL, MSHV_VP_STATE_COUNT, state.type),
	WRONG(SET_STATE, EINVAL, 0xff, state.type),
	WRONG(SET_STATE, EINVAL, 1, state.rsvd[0]),
	WRONG(SET_STATE, EINVAL, 1, state.rsvd[2]),
	WRONG(SET_STATE, EINVAL, 0, state.buf_sz),
	WRONG(SET_STATE, EINVAL, PAGE_SIZE / 2, state.buf_sz),
	WRONG(SET_STATE, EINVAL, PAGE_SIZE + 1, state.buf_sz),
	WRONG(SET_STATE, EINVAL, PAGE_SIZE + 8, state.buf_ptr),
};

TEST_F(vm, values_that_mean_nothing)
{
	struct target *target = &self->target;
	union arguments args;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(wrong); i++) {
		const struct call *call = &calls[wrong[i].call];

		memset(&args, 0, sizeof(args));
		call->fill(target, &args);
		memcpy(args.bytes + wrong[i].offset, &wrong[i].value, wrong[i].size);
		refused(_metadata, target, call, target->fds[call->on], &args, wrong[i].error,
			wrong[i].member, wrong[i].value);
		if (i + 1 == ARRAY_SIZE(wrong) || wrong[i + 1].call != wrong[i].call)
			accepted(_metadata, target, call);
	}
}

TEST_F(vm, files_of_another_kind)
{
	struct target *target = &self->target;
	const int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	const int path = open("/dev/mshv", O_PATH | O_CLOEXEC);
	const struct call *call;
	union arguments args;
	enum kind kind;

	ASSERT_LE(0, null);
	ASSERT_LE(0, path);
	target->open_fds = count_fds();
	for (call = calls; call < calls + CALLS; call++) {
		memset(&args, 0, sizeof(args));
		call->fill(target, &args);
		/* All kinds have this one, and lists of what they let through. */
		for (kind = 0; kind < KINDS && call->request != MSHV_ROOT_HVCALL; kind++)
			if (kind != call->on)
				refused(_metadata, target, call, target->fds[kind], &args, ENOTTY,
					"kind", kind);
		refused(_metadata, target, call, null, &args, ENOTTY, "null", null);
		refused(_metadata, target, call, target->event, &args, ENOTTY, "eventfd", 0);
		refused(_metadata, target, call, path, &args, EBADF, "O_PATH", path);
		refused(_metadata, target, call, -1, &args, EBADF, "none", -1);
		accepted(_metadata, target, call);
	}
}

/* What fails because it is too early can be done when it is time; what does not, lasts. */
TEST_F(vm, before_the_partition_is_initialized)
{
	struct target *target = &self->target;
	static const struct {
		enum which call;
		int error;
	} early[] = {
		{ CREATE_VP, EIO }, { SET_MEMORY, EIO }, { IRQFD, 0 }, { IOEVENTFD, EIO },
		{ ROUTING, 0 }, { BITMAP, EIO }, { SET_PROPERTY, 0 },
	};
	const struct call *call;
	union arguments args;
	size_t i;
	int ret;

	target->vm.partition = mshv_create_partition(target->vm.dev, PT_LAPIC);
	ASSERT_OK(target->vm.partition);
	for (i = 0; i < ARRAY_SIZE(early); i++) {
		call = &calls[early[i].call];
		memset(&args, 0, sizeof(args));
		call->fill(target, &args);
		errno = 0;
		ret = ioctl(target->vm.partition, call->request, &args);
		EXPECT_EQ(early[i].error ? -1 : 0, ret) TH_LOG("%s", call->name);
		EXPECT_EQ(early[i].error, errno) TH_LOG("%s: %s", call->name, strerror(errno));
		if (early[i].call == BITMAP) {
			EXPECT_EQ(0, args.bitmap.page_count);
		}
	}
	ASSERT_OK(mshv_initialize_partition(target->vm.partition));
	ASSERT_OK(mshv_set_property(target->vm.partition,
				    HV_PARTITION_PROPERTY_GPA_PAGE_ACCESS_TRACKING, 1));
	target->open_fds = count_fds();
	for (i = 0; i < ARRAY_SIZE(early); i++) {
		call = &calls[early[i].call];
		memset(&args, 0, sizeof(args));
		call->fill(target, &args);
		/* The memory that this partition has by now */
		if (early[i].call == BITMAP)
			args.bitmap.gpap_base = REGION_GFN;
		ret = early[i].error ? ioctl(target->vm.partition, call->request, &args) : 0;
		EXPECT_LE(0, ret) TH_LOG("%s: %s", call->name, strerror(errno));
		if (early[i].call != SET_MEMORY && early[i].call != BITMAP) {
			EXPECT_TRUE(call->done(target)) TH_LOG("%s", call->name);
		}
	}
	EXPECT_TRUE(calls[SET_MEMORY].done(target));
	close(target->vm.partition);
	target->vm.partition = target->fds[PARTITION];
}

MSHV_TEST_MAIN
