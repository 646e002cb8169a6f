// SPDX-License-Identifier: GPL-2.0-only
/*
 * Arguments that no ioctl takes: memory that cannot be read or written, values that mean
 * nothing, files of another kind. A call that fails has changed nothing: what it was to
 * do has not been done, and can be done afterwards.
 */
#include <fcntl.h>
#include <stddef.h>
#include <sys/eventfd.h>

#include <tlfs/memory.h>
#include <tlfs/partition.h>
#include <tlfs/state.h>

#include "mshv_test.h"

#define CODE_GPA	0x1000ULL	/* vm_init_real()'s */
#define REGION_GFN	0x1000ULL
#define DOORBELL_GPA	0xd0000000ULL
#define GSI		5
#define NEW_RAX		0x1234
#define NEW_LINT0	0x700
#define KERNEL_ADDRESS	0xffff800000000000ULL

/* The guest dirties the page that it is in, and exits. */
static const uint8_t code[] = {
	0xc6, 0x06, 0x00, 0x18, 0x01,	/* movb $1, 0x1800 */
	0xe6, 0x10,			/* out %al, $0x10 */
};

enum kind { DEVICE, PARTITION, VP, KINDS };

/* Two pages, and one that cannot be accessed: something may end where memory does */
struct memory {
	uint8_t *page, *last, *hole;
};

FIXTURE(vm) {
	struct test_vm vm;
	int fds[KINDS];
	int event, resample;
	int open_fds;
	void *region;
	uint8_t *lapic;		/* a page, with other contents than the VP's */
	struct memory memory;
};

static int count_fds(void)
{
	int fd, count = 0;

	for (fd = 0; fd < 256; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

/* Let the guest write to its page, of which it is known then that it is dirty. */
static void make_dirty(struct vm_fixture_data *self)
{
	int ret = mshv_vp_set_register(&self->vm.vp, HV_X64_REGISTER_RIP, CODE_GPA);

	TEST_ASSERT(!ret, "%s", mshv_strerror());
	TEST_ASSERT(vm_run(&self->vm) == HVMSG_X64_IO_PORT_INTERCEPT, "another message");
}

static uint64_t reg(struct vm_fixture_data *self, __u32 name)
{
	union hv_register_value value;
	int ret = mshv_get_registers(self->vm.vp.fd, 0, &name, &value, 1);

	TEST_ASSERT(!ret, "%s", mshv_strerror());
	return value.reg64;
}

FIXTURE_SETUP(vm)
{
	struct hv_local_interrupt_controller_state *lapic;
	struct memory *m = &self->memory;

	vm_init_real(&self->vm, PT_LAPIC, code, sizeof(code));
	self->fds[DEVICE] = self->vm.dev;
	self->fds[PARTITION] = self->vm.partition;
	self->fds[VP] = self->vm.vp.fd;
	self->event = eventfd(0, EFD_CLOEXEC);
	self->resample = eventfd(0, EFD_CLOEXEC);
	self->region = mem_alloc(PAGE_SIZE);
	m->page = mem_alloc(3 * PAGE_SIZE);
	m->last = m->page + PAGE_SIZE;
	m->hole = m->last + PAGE_SIZE;
	ASSERT_EQ(0, mprotect(m->hole, PAGE_SIZE, PROT_NONE));
	ASSERT_OK(mshv_set_property(self->vm.partition,
				    HV_PARTITION_PROPERTY_GPA_PAGE_ACCESS_TRACKING, 1));
	make_dirty(self);
	self->lapic = mem_alloc(PAGE_SIZE);
	ASSERT_OK(mshv_get_vp_state(self->vm.vp.fd, MSHV_VP_STATE_LAPIC, self->lapic, PAGE_SIZE));
	lapic = (void *)self->lapic;
	ASSERT_NE(NEW_LINT0, lapic->apic_lvt_lint0);
	lapic->apic_lvt_lint0 = NEW_LINT0;
	self->open_fds = count_fds();
}

FIXTURE_TEARDOWN(vm)
{
	vm_destroy(&self->vm);
}

/* ---- Each ioctl: arguments that it takes, and whether it has done what they say ---- */

union arguments {
	struct mshv_create_partition_v2 partition;
	struct mshv_create_vp vp;
	struct mshv_user_mem_region region;
	struct mshv_user_irqfd irqfd;
	struct mshv_user_ioeventfd ioeventfd;
	struct {
		struct mshv_user_irq_table table;
		struct mshv_user_irq_entry entry;
	} routing;
	struct mshv_gpap_access_bitmap bitmap;
	struct mshv_root_hvcall hvcall;
	struct mshv_run_vp run;
	struct mshv_get_set_vp_state state;
	uint8_t bytes[512];
};

static bool has_new_fd(struct vm_fixture_data *self)
{
	return count_fds() != self->open_fds;
}

static void fill_partition(struct vm_fixture_data *self, union arguments *args)
{
	__u64 host[2] = { 0 };
	int i;

	for (i = 0; i < 2; i++)
		mshv_get_property(self->vm.dev, HV_PARTITION_PROPERTY_PROCESSOR_FEATURES0 + i,
				  &host[i]);
	args->partition = (struct mshv_create_partition_v2){
		.pt_flags = PT_LAPIC | BIT(MSHV_PT_BIT_CPU_AND_XSAVE_FEATURES),
		.pt_num_cpu_fbanks = MSHV_NUM_CPU_FEATURES_BANKS,
		.pt_cpu_fbanks = { ~host[0], ~host[1] },
	};
}

static void fill_vp(struct vm_fixture_data *self, union arguments *args)
{
	(void)self;
	args->vp.vp_index = 1;
}

static void fill_region(struct vm_fixture_data *self, union arguments *args)
{
	args->region = (struct mshv_user_mem_region){
		.size = PAGE_SIZE, .guest_pfn = REGION_GFN, .flags = MEM_RW,
		.userspace_addr = (uintptr_t)self->region,
	};
}

static bool region_is_there(struct vm_fixture_data *self)
{
	return !mshv_unmap_memory(self->vm.partition, REGION_GFN * PAGE_SIZE, self->region,
				  PAGE_SIZE);
}

static void fill_irqfd(struct vm_fixture_data *self, union arguments *args)
{
	args->irqfd = (struct mshv_user_irqfd){ .fd = self->event, .resamplefd = -1, .gsi = GSI };
}

static bool irqfd_is_there(struct vm_fixture_data *self)
{
	int ret = mshv_assign_irqfd(self->vm.partition, self->event, GSI + 1, -1);

	mshv_deassign_irqfd(self->vm.partition, self->event, ret ? GSI : GSI + 1);
	return ret;
}

static void fill_ioeventfd(struct vm_fixture_data *self, union arguments *args)
{
	args->ioeventfd = (struct mshv_user_ioeventfd){
		.addr = DOORBELL_GPA, .len = 4, .fd = self->event,
	};
}

static bool ioeventfd_is_there(struct vm_fixture_data *self)
{
	return !mshv_deassign_ioeventfd(self->vm.partition, self->event, DOORBELL_GPA, 4, NULL);
}

static void fill_routing(struct vm_fixture_data *self, union arguments *args)
{
	(void)self;
	args->routing.table.nr = 1;
	args->routing.entry = (struct mshv_user_irq_entry){
		.gsi = GSI, .address_lo = 0xfee00000, .data = 1 << 15 | 0x51,
	};
}

/* An irqfd that is to hear of the EOI needs a route that is level-triggered. */
static bool route_is_there(struct vm_fixture_data *self)
{
	if (mshv_assign_irqfd(self->vm.partition, self->event, GSI, self->resample))
		return false;
	mshv_deassign_irqfd(self->vm.partition, self->event, GSI);
	mshv_set_msi_routing(self->vm.partition, NULL, 0);
	return true;
}

static uint64_t bitmap;

static void fill_bitmap(struct vm_fixture_data *self, union arguments *args)
{
	(void)self;
	args->bitmap = (struct mshv_gpap_access_bitmap){
		.access_type = MSHV_GPAP_ACCESS_TYPE_DIRTY,
		.access_op = MSHV_GPAP_ACCESS_OP_CLEAR,
		.page_count = 1, .gpap_base = CODE_GPA / PAGE_SIZE,
		.bitmap_ptr = (uintptr_t)&bitmap,
	};
}

static bool page_is_clean(struct vm_fixture_data *self)
{
	uint64_t bits = 0;
	long ret;

	ret = mshv_get_access_bitmap(self->vm.partition, MSHV_GPAP_ACCESS_TYPE_DIRTY,
				     MSHV_GPAP_ACCESS_OP_NOOP, CODE_GPA, 1, &bits);
	TEST_ASSERT(ret == 1, "%s", mshv_strerror());
	if (bits & 1)
		return false;
	make_dirty(self);
	return true;
}

static void fill_property(struct vm_fixture_data *self, union arguments *args)
{
	static struct hv_input_set_partition_property in = {
		.property_code = HV_PARTITION_PROPERTY_UNIMPLEMENTED_MSR_ACTION,
		.property_value = 1,
	};

	(void)self;
	args->hvcall = (struct mshv_root_hvcall){
		.code = HVCALL_SET_PARTITION_PROPERTY, .in_sz = sizeof(in),
		.in_ptr = (uintptr_t)&in,
	};
}

static bool property_is_set(struct vm_fixture_data *self)
{
	__u64 value = 0;
	int ret;

	ret = mshv_get_property(self->vm.partition, HV_PARTITION_PROPERTY_UNIMPLEMENTED_MSR_ACTION,
				&value);
	TEST_ASSERT(!ret, "%s", mshv_strerror());
	if (value)
		mshv_set_property(self->vm.partition,
				  HV_PARTITION_PROPERTY_UNIMPLEMENTED_MSR_ACTION, 0);
	return value;
}

static void fill_query(struct vm_fixture_data *self, union arguments *args)
{
	static struct hv_input_get_partition_property in = {
		.property_code = HV_PARTITION_PROPERTY_PROCESSOR_VENDOR,
	};
	static __u64 out;

	(void)self;
	args->hvcall = (struct mshv_root_hvcall){
		.code = HVCALL_GET_PARTITION_PROPERTY, .in_sz = sizeof(in), .out_sz = sizeof(out),
		.in_ptr = (uintptr_t)&in, .out_ptr = (uintptr_t)&out,
	};
}

static void fill_registers(struct vm_fixture_data *self, union arguments *args)
{
	static struct {
		struct hv_input_set_vp_registers header;
		struct hv_register_assoc rax;
	} in = { .rax = { .name = HV_X64_REGISTER_RAX, .value.reg64 = NEW_RAX } };

	(void)self;
	args->hvcall = (struct mshv_root_hvcall){
		.code = HVCALL_SET_VP_REGISTERS, .reps = 1, .in_sz = sizeof(in),
		.in_ptr = (uintptr_t)&in,
	};
}

static bool register_is_set(struct vm_fixture_data *self)
{
	if (reg(self, HV_X64_REGISTER_RAX) != NEW_RAX)
		return false;
	mshv_vp_set_register(&self->vm.vp, HV_X64_REGISTER_RAX, 0);
	return true;
}

static void fill_states(struct vm_fixture_data *self, union arguments *args)
{
	static struct hv_input_get_gpa_pages_access_state in = {
		.flags = HV_PAGE_ACCESS_CLEAR_DIRTY, .hv_gpa_page_number = CODE_GPA / PAGE_SIZE,
	};
	static uint8_t states[8];

	(void)self;
	args->hvcall = (struct mshv_root_hvcall){
		.code = HVCALL_GET_GPA_PAGES_ACCESS_STATES, .reps = 1, .in_sz = sizeof(in),
		.in_ptr = (uintptr_t)&in, .out_sz = sizeof(states), .out_ptr = (uintptr_t)states,
	};
}

static void fill_run(struct vm_fixture_data *self, union arguments *args)
{
	(void)self;
	memset(&args->run, 0, sizeof(args->run));
}

static bool guest_went_on(struct vm_fixture_data *self)
{
	return reg(self, HV_X64_REGISTER_RIP) != CODE_GPA + 5;
}

static void fill_state(struct vm_fixture_data *self, union arguments *args)
{
	args->state = (struct mshv_get_set_vp_state){
		.type = MSHV_VP_STATE_LAPIC, .buf_sz = PAGE_SIZE,
		.buf_ptr = (uintptr_t)self->lapic,
	};
}

static void fill_state_to_get(struct vm_fixture_data *self, union arguments *args)
{
	fill_state(self, args);
	args->state.buf_ptr = (uintptr_t)self->region;
}

static bool state_is_set(struct vm_fixture_data *self)
{
	static uint8_t page[PAGE_SIZE] __attribute__((aligned(PAGE_SIZE)));
	struct hv_local_interrupt_controller_state *lapic = (void *)page;
	long ret = mshv_get_vp_state(self->vm.vp.fd, MSHV_VP_STATE_LAPIC, page, PAGE_SIZE);

	TEST_ASSERT(ret >= 0, "%s", mshv_strerror());
	if (lapic->apic_lvt_lint0 != NEW_LINT0)
		return false;
	lapic->apic_lvt_lint0 = 0x10000;
	mshv_set_vp_state(self->vm.vp.fd, MSHV_VP_STATE_LAPIC, page, PAGE_SIZE);
	return true;
}

enum which {
	CREATE_PARTITION, DEVICE_HVCALL,
	CREATE_VP, SET_MEMORY, IRQFD, IOEVENTFD, ROUTING, BITMAP, SET_PROPERTY,
	RUN, GET_STATE, SET_STATE, SET_REGISTERS, GET_STATES,
	CALLS
};

/**
 * struct call - an ioctl
 * @name: what a failure is reported under
 * @request: its number
 * @on: the kind of file that it is of
 * @size: bytes of its arguments
 * @writes: it writes to its arguments
 * @fill: fills in arguments that it takes
 * @done: whether it has done what they say, which is undone then; NULL: it does nothing
 */
struct call {
	const char *name;
	unsigned long request;
	enum kind on;
	size_t size;
	bool writes;
	void (*fill)(struct vm_fixture_data *self, union arguments *args);
	bool (*done)(struct vm_fixture_data *self);
};

static const struct call calls[] = {
	[CREATE_PARTITION] = { "CREATE_PARTITION", MSHV_CREATE_PARTITION, DEVICE,
			       sizeof(struct mshv_create_partition_v2), false, fill_partition,
			       has_new_fd },
	[DEVICE_HVCALL] = { "ROOT_HVCALL: get property", MSHV_ROOT_HVCALL, DEVICE,
			    sizeof(struct mshv_root_hvcall), true, fill_query, NULL },
	[CREATE_VP] = { "CREATE_VP", MSHV_CREATE_VP, PARTITION, sizeof(struct mshv_create_vp),
			false, fill_vp, has_new_fd },
	[SET_MEMORY] = { "SET_GUEST_MEMORY", MSHV_SET_GUEST_MEMORY, PARTITION,
			 sizeof(struct mshv_user_mem_region), false, fill_region,
			 region_is_there },
	[IRQFD] = { "IRQFD", MSHV_IRQFD, PARTITION, sizeof(struct mshv_user_irqfd), false,
		    fill_irqfd, irqfd_is_there },
	[IOEVENTFD] = { "IOEVENTFD", MSHV_IOEVENTFD, PARTITION,
			sizeof(struct mshv_user_ioeventfd), false, fill_ioeventfd,
			ioeventfd_is_there },
	[ROUTING] = { "SET_MSI_ROUTING", MSHV_SET_MSI_ROUTING, PARTITION,
		      sizeof(((union arguments *)NULL)->routing), false, fill_routing,
		      route_is_there },
	[BITMAP] = { "GET_GPAP_ACCESS_BITMAP", MSHV_GET_GPAP_ACCESS_BITMAP, PARTITION,
		     sizeof(struct mshv_gpap_access_bitmap), true, fill_bitmap, page_is_clean },
	[SET_PROPERTY] = { "ROOT_HVCALL: set property", MSHV_ROOT_HVCALL, PARTITION,
			   sizeof(struct mshv_root_hvcall), true, fill_property,
			   property_is_set },
	[RUN] = { "RUN_VP", MSHV_RUN_VP, VP, sizeof(struct mshv_run_vp), true, fill_run,
		  guest_went_on },
	[GET_STATE] = { "GET_VP_STATE", MSHV_GET_VP_STATE, VP,
			sizeof(struct mshv_get_set_vp_state), true, fill_state_to_get, NULL },
	[SET_STATE] = { "SET_VP_STATE", MSHV_SET_VP_STATE, VP,
			sizeof(struct mshv_get_set_vp_state), true, fill_state, state_is_set },
	[SET_REGISTERS] = { "ROOT_HVCALL: set registers", MSHV_ROOT_HVCALL, VP,
			    sizeof(struct mshv_root_hvcall), true, fill_registers,
			    register_is_set },
	[GET_STATES] = { "ROOT_HVCALL: clear dirty bits", MSHV_ROOT_HVCALL, VP,
			 sizeof(struct mshv_root_hvcall), true, fill_states, page_is_clean },
};

/* ---- What must fail ---- */

static void refused(struct __test_metadata *_metadata, struct vm_fixture_data *self,
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
		EXPECT_FALSE(call->done(self)) {
			TH_LOG("%s: %s 0x%llx: it was done all the same", call->name, how,
			       (unsigned long long)value);
		}
	}
}

/* And after all that, it can be done: which is also how this test would see that it was. */
static void accepted(struct __test_metadata *_metadata, struct vm_fixture_data *self,
		     const struct call *call)
{
	union arguments args = { 0 };
	int ret;

	call->fill(self, &args);
	ret = ioctl(self->fds[call->on], call->request, &args);
	EXPECT_LE(0, ret) TH_LOG("%s: %s", call->name, strerror(errno));
	/* A run goes on from the instruction that it stopped at, if the VMM does not move it. */
	if (call->done && call != &calls[RUN]) {
		EXPECT_TRUE(call->done(self)) TH_LOG("%s", call->name);
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
	struct memory *m = &self->memory;
	void *const nowhere[] = {
		NULL, m->hole, (void *)KERNEL_ADDRESS, (void *)~0xfffULL, (void *)BIT(62),
	};
	const struct call *call;
	union arguments args;
	size_t i, there;

	for (call = calls; call < calls + CALLS; call++) {
		for (i = 0; i < ARRAY_SIZE(nowhere); i++)
			refused(_metadata, self, call, self->fds[call->on], nowhere[i], EFAULT,
				"arguments at", (uintptr_t)nowhere[i]);
		/* The first bytes are there, and the others not. */
		memset(&args, 0, sizeof(args));
		call->fill(self, &args);
		for (there = 1; there < call->size; there += there < call->size - 5 ? 4 : 1) {
			memcpy(m->hole - there, &args, there);
			refused(_metadata, self, call, self->fds[call->on], m->hole - there,
				EFAULT, "bytes that are there:", there);
		}
		accepted(_metadata, self, call);
	}
}

TEST_F(vm, arguments_that_cannot_be_written)
{
	struct memory *m = &self->memory;
	union arguments *args = (void *)m->page;
	const struct call *call;

	for (call = calls; call < calls + CALLS; call++) {
		if (!call->writes)
			continue;
		call->fill(self, args);
		ASSERT_EQ(0, mprotect(m->page, PAGE_SIZE, PROT_READ));
		refused(_metadata, self, call, self->fds[call->on], args, EFAULT, "read-only", 0);
		ASSERT_EQ(0, mprotect(m->page, PAGE_SIZE, PROT_READ | PROT_WRITE));
		accepted(_metadata, self, call);
	}
}

/* Memory that arguments point to */
TEST_F(vm, buffers_that_are_not_there)
{
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
			call->fill(self, &args);
			memcpy(args.bytes + pointers[i].offset, address, sizeof(*address));
			refused(_metadata, self, call, self->fds[call->on], &args, EFAULT,
				"buffer at", *address);
		}
		accepted(_metadata, self, call);
	}

	/* The first page is there, and the second not. */
	memcpy(m->last, self->lapic, PAGE_SIZE);
	for (i = GET_STATE; i <= SET_STATE; i++) {
		args.state = (struct mshv_get_set_vp_state){
			.type = MSHV_VP_STATE_LAPIC, .buf_sz = 2 * PAGE_SIZE,
			.buf_ptr = (uintptr_t)m->last,
		};
		refused(_metadata, self, &calls[i], self->vm.vp.fd, &args, EFAULT,
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
	WRONG(SET_MEMORY, EINVAL, BIT(MSHV_SET_MEM_BIT_UNMAP), region.flags),
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
	union arguments args;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(wrong); i++) {
		const struct call *call = &calls[wrong[i].call];

		memset(&args, 0, sizeof(args));
		call->fill(self, &args);
		memcpy(args.bytes + wrong[i].offset, &wrong[i].value, wrong[i].size);
		refused(_metadata, self, call, self->fds[call->on], &args, wrong[i].error,
			wrong[i].member, wrong[i].value);
		if (i + 1 == ARRAY_SIZE(wrong) || wrong[i + 1].call != wrong[i].call)
			accepted(_metadata, self, call);
	}
}

TEST_F(vm, files_of_another_kind)
{
	const int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	const int path = open("/dev/mshv", O_PATH | O_CLOEXEC);
	const struct call *call;
	union arguments args;
	enum kind kind;

	ASSERT_LE(0, null);
	ASSERT_LE(0, path);
	self->open_fds = count_fds();
	for (call = calls; call < calls + CALLS; call++) {
		memset(&args, 0, sizeof(args));
		call->fill(self, &args);
		/* All kinds have this one, and lists of what they let through. */
		for (kind = 0; kind < KINDS && call->request != MSHV_ROOT_HVCALL; kind++)
			if (kind != call->on)
				refused(_metadata, self, call, self->fds[kind], &args, ENOTTY,
					"kind", kind);
		refused(_metadata, self, call, null, &args, ENOTTY, "null", null);
		refused(_metadata, self, call, self->event, &args, ENOTTY, "eventfd", 0);
		refused(_metadata, self, call, path, &args, EBADF, "O_PATH", path);
		refused(_metadata, self, call, -1, &args, EBADF, "none", -1);
		accepted(_metadata, self, call);
	}
}

/* What fails because it is too early can be done when it is time; what does not, lasts. */
TEST_F(vm, before_the_partition_is_initialized)
{
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

	self->vm.partition = mshv_create_partition(self->vm.dev, PT_LAPIC);
	ASSERT_OK(self->vm.partition);
	for (i = 0; i < ARRAY_SIZE(early); i++) {
		call = &calls[early[i].call];
		memset(&args, 0, sizeof(args));
		call->fill(self, &args);
		errno = 0;
		ret = ioctl(self->vm.partition, call->request, &args);
		EXPECT_EQ(early[i].error ? -1 : 0, ret) TH_LOG("%s", call->name);
		EXPECT_EQ(early[i].error, errno) TH_LOG("%s: %s", call->name, strerror(errno));
		if (early[i].call == BITMAP) {
			EXPECT_EQ(0, args.bitmap.page_count);
		}
	}
	ASSERT_OK(mshv_initialize_partition(self->vm.partition));
	ASSERT_OK(mshv_set_property(self->vm.partition,
				    HV_PARTITION_PROPERTY_GPA_PAGE_ACCESS_TRACKING, 1));
	self->open_fds = count_fds();
	for (i = 0; i < ARRAY_SIZE(early); i++) {
		call = &calls[early[i].call];
		memset(&args, 0, sizeof(args));
		call->fill(self, &args);
		/* The memory that this partition has by now */
		if (early[i].call == BITMAP)
			args.bitmap.gpap_base = REGION_GFN;
		ret = early[i].error ? ioctl(self->vm.partition, call->request, &args) : 0;
		EXPECT_LE(0, ret) TH_LOG("%s: %s", call->name, strerror(errno));
		if (early[i].call != SET_MEMORY && early[i].call != BITMAP) {
			EXPECT_TRUE(call->done(self)) TH_LOG("%s", call->name);
		}
	}
	EXPECT_TRUE(region_is_there(self));
	close(self->vm.partition);
	self->vm.partition = self->fds[PARTITION];
}

MSHV_TEST_MAIN
