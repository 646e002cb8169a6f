// SPDX-License-Identifier: GPL-2.0-only
/*
 * Each ioctl: arguments that it takes, and whether it has done what they say.
 */
#include <fcntl.h>
#include <sys/eventfd.h>

#include <tlfs/memory.h>
#include <tlfs/partition.h>
#include <tlfs/state.h>

#include "calls.h"

#define CODE_GPA	0x1000ULL	/* vm_init_real()'s */
#define DOORBELL_GPA	0xd0000000ULL
#define GSI		5
#define NEW_RAX		0x1234
#define NEW_LINT0	0x700

/* The guest dirties the page that it is in, and exits. */
static const uint8_t code[] = {
	0xc6, 0x06, 0x00, 0x18, 0x01,	/* movb $1, 0x1800 */
	0xe6, 0x10,			/* out %al, $0x10 */
};

int count_fds(void)
{
	int fd, count = 0;

	for (fd = 0; fd < 256; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

/* Let the guest write to its page, of which it is known then that it is dirty. */
static void make_dirty(struct target *target)
{
	int ret = mshv_vp_set_register(&target->vm.vp, HV_X64_REGISTER_RIP, CODE_GPA);

	TEST_ASSERT(!ret, "%s", mshv_strerror());
	TEST_ASSERT(vm_run(&target->vm) == HVMSG_X64_IO_PORT_INTERCEPT, "another message");
}

static uint64_t reg(struct target *target, __u32 name)
{
	union hv_register_value value;
	int ret = mshv_get_registers(target->vm.vp.fd, 0, &name, &value, 1);

	TEST_ASSERT(!ret, "%s", mshv_strerror());
	return value.reg64;
}

void target_init(struct target *target)
{
	struct hv_local_interrupt_controller_state *lapic;
	long ret;

	vm_init_real(&target->vm, PT_LAPIC, code, sizeof(code));
	target->fds[DEVICE] = target->vm.dev;
	target->fds[PARTITION] = target->vm.partition;
	target->fds[VP] = target->vm.vp.fd;
	target->event = eventfd(0, EFD_CLOEXEC);
	target->resample = eventfd(0, EFD_CLOEXEC);
	target->region = mem_alloc(PAGE_SIZE);
	ret = mshv_set_property(target->vm.partition,
				HV_PARTITION_PROPERTY_GPA_PAGE_ACCESS_TRACKING, 1);
	TEST_ASSERT(!ret, "%s", mshv_strerror());
	make_dirty(target);
	target->lapic = mem_alloc(PAGE_SIZE);
	ret = mshv_get_vp_state(target->vm.vp.fd, MSHV_VP_STATE_LAPIC, target->lapic, PAGE_SIZE);
	TEST_ASSERT(ret >= 0, "%s", mshv_strerror());
	lapic = (void *)target->lapic;
	TEST_ASSERT(lapic->apic_lvt_lint0 != NEW_LINT0, "the state to set is the VP's already");
	lapic->apic_lvt_lint0 = NEW_LINT0;
	target->open_fds = count_fds();
}

void target_destroy(struct target *target)
{
	vm_destroy(&target->vm);
}

static bool has_new_fd(struct target *target)
{
	return count_fds() != target->open_fds;
}

static void fill_partition(struct target *target, union arguments *args)
{
	__u64 host[2] = { 0 };
	int i;

	for (i = 0; i < 2; i++)
		mshv_get_property(target->vm.dev, HV_PARTITION_PROPERTY_PROCESSOR_FEATURES0 + i,
				  &host[i]);
	args->partition = (struct mshv_create_partition_v2){
		.pt_flags = PT_LAPIC | BIT(MSHV_PT_BIT_CPU_AND_XSAVE_FEATURES),
		.pt_num_cpu_fbanks = MSHV_NUM_CPU_FEATURES_BANKS,
		.pt_cpu_fbanks = { ~host[0], ~host[1] },
	};
}

static void fill_vp(struct target *target, union arguments *args)
{
	(void)target;
	args->vp.vp_index = 1;
}

static void fill_region(struct target *target, union arguments *args)
{
	args->region = (struct mshv_user_mem_region){
		.size = PAGE_SIZE, .guest_pfn = REGION_GFN, .flags = MEM_RW,
		.userspace_addr = (uintptr_t)target->region,
	};
}

static bool region_is_there(struct target *target)
{
	return !mshv_unmap_memory(target->vm.partition, REGION_GFN * PAGE_SIZE, target->region,
				  PAGE_SIZE);
}

static void fill_irqfd(struct target *target, union arguments *args)
{
	args->irqfd = (struct mshv_user_irqfd){ .fd = target->event, .resamplefd = -1, .gsi = GSI };
}

static bool irqfd_is_there(struct target *target)
{
	int ret = mshv_assign_irqfd(target->vm.partition, target->event, GSI + 1, -1);

	mshv_deassign_irqfd(target->vm.partition, target->event, ret ? GSI : GSI + 1);
	return ret;
}

static void fill_ioeventfd(struct target *target, union arguments *args)
{
	args->ioeventfd = (struct mshv_user_ioeventfd){
		.addr = DOORBELL_GPA, .len = 4, .fd = target->event,
	};
}

static bool ioeventfd_is_there(struct target *target)
{
	return !mshv_deassign_ioeventfd(target->vm.partition, target->event, DOORBELL_GPA, 4, NULL);
}

static void fill_routing(struct target *target, union arguments *args)
{
	(void)target;
	args->routing.table.nr = 1;
	args->routing.entry = (struct mshv_user_irq_entry){
		.gsi = GSI, .address_lo = 0xfee00000, .data = 1 << 15 | 0x51,
	};
}

/* An irqfd that is to hear of the EOI needs a route that is level-triggered. */
static bool route_is_there(struct target *target)
{
	if (mshv_assign_irqfd(target->vm.partition, target->event, GSI, target->resample))
		return false;
	mshv_deassign_irqfd(target->vm.partition, target->event, GSI);
	mshv_set_msi_routing(target->vm.partition, NULL, 0);
	return true;
}

static uint64_t bitmap;

static void fill_bitmap(struct target *target, union arguments *args)
{
	(void)target;
	args->bitmap = (struct mshv_gpap_access_bitmap){
		.access_type = MSHV_GPAP_ACCESS_TYPE_DIRTY,
		.access_op = MSHV_GPAP_ACCESS_OP_CLEAR,
		.page_count = 1, .gpap_base = CODE_GPA / PAGE_SIZE,
		.bitmap_ptr = (uintptr_t)&bitmap,
	};
}

static bool page_is_clean(struct target *target)
{
	uint64_t bits = 0;
	long ret;

	ret = mshv_get_access_bitmap(target->vm.partition, MSHV_GPAP_ACCESS_TYPE_DIRTY,
				     MSHV_GPAP_ACCESS_OP_NOOP, CODE_GPA, 1, &bits);
	TEST_ASSERT(ret == 1, "%s", mshv_strerror());
	if (bits & 1)
		return false;
	make_dirty(target);
	return true;
}

static void fill_property(struct target *target, union arguments *args)
{
	static struct hv_input_set_partition_property in = {
		.property_code = HV_PARTITION_PROPERTY_UNIMPLEMENTED_MSR_ACTION,
		.property_value = 1,
	};

	(void)target;
	args->hvcall = (struct mshv_root_hvcall){
		.code = HVCALL_SET_PARTITION_PROPERTY, .in_sz = sizeof(in),
		.in_ptr = (uintptr_t)&in,
	};
}

static bool property_is_set(struct target *target)
{
	const int partition = target->vm.partition;
	__u64 value = 0;
	int ret;

	ret = mshv_get_property(partition, HV_PARTITION_PROPERTY_UNIMPLEMENTED_MSR_ACTION, &value);
	TEST_ASSERT(!ret, "%s", mshv_strerror());
	if (value)
		mshv_set_property(partition, HV_PARTITION_PROPERTY_UNIMPLEMENTED_MSR_ACTION, 0);
	return value;
}

static void fill_query(struct target *target, union arguments *args)
{
	static struct hv_input_get_partition_property in = {
		.property_code = HV_PARTITION_PROPERTY_PROCESSOR_VENDOR,
	};
	static __u64 out;

	(void)target;
	args->hvcall = (struct mshv_root_hvcall){
		.code = HVCALL_GET_PARTITION_PROPERTY, .in_sz = sizeof(in), .out_sz = sizeof(out),
		.in_ptr = (uintptr_t)&in, .out_ptr = (uintptr_t)&out,
	};
}

static void fill_registers(struct target *target, union arguments *args)
{
	static struct {
		struct hv_input_set_vp_registers header;
		struct hv_register_assoc rax;
	} in = { .rax = { .name = HV_X64_REGISTER_RAX, .value.reg64 = NEW_RAX } };

	(void)target;
	args->hvcall = (struct mshv_root_hvcall){
		.code = HVCALL_SET_VP_REGISTERS, .reps = 1, .in_sz = sizeof(in),
		.in_ptr = (uintptr_t)&in,
	};
}

static bool register_is_set(struct target *target)
{
	if (reg(target, HV_X64_REGISTER_RAX) != NEW_RAX)
		return false;
	mshv_vp_set_register(&target->vm.vp, HV_X64_REGISTER_RAX, 0);
	return true;
}

static void fill_states(struct target *target, union arguments *args)
{
	static struct hv_input_get_gpa_pages_access_state in = {
		.flags = HV_PAGE_ACCESS_CLEAR_DIRTY, .hv_gpa_page_number = CODE_GPA / PAGE_SIZE,
	};
	static uint8_t states[8];

	(void)target;
	args->hvcall = (struct mshv_root_hvcall){
		.code = HVCALL_GET_GPA_PAGES_ACCESS_STATES, .reps = 1, .in_sz = sizeof(in),
		.in_ptr = (uintptr_t)&in, .out_sz = sizeof(states), .out_ptr = (uintptr_t)states,
	};
}

static void fill_run(struct target *target, union arguments *args)
{
	(void)target;
	memset(&args->run, 0, sizeof(args->run));
}

static bool guest_went_on(struct target *target)
{
	return reg(target, HV_X64_REGISTER_RIP) != CODE_GPA + 5;
}

static void fill_state(struct target *target, union arguments *args)
{
	args->state = (struct mshv_get_set_vp_state){
		.type = MSHV_VP_STATE_LAPIC, .buf_sz = PAGE_SIZE,
		.buf_ptr = (uintptr_t)target->lapic,
	};
}

static void fill_state_to_get(struct target *target, union arguments *args)
{
	fill_state(target, args);
	args->state.buf_ptr = (uintptr_t)target->region;
}

static bool state_is_set(struct target *target)
{
	static uint8_t page[PAGE_SIZE] __attribute__((aligned(PAGE_SIZE)));
	struct hv_local_interrupt_controller_state *lapic = (void *)page;
	long ret = mshv_get_vp_state(target->vm.vp.fd, MSHV_VP_STATE_LAPIC, page, PAGE_SIZE);

	TEST_ASSERT(ret >= 0, "%s", mshv_strerror());
	if (lapic->apic_lvt_lint0 != NEW_LINT0)
		return false;
	lapic->apic_lvt_lint0 = 0x10000;
	mshv_set_vp_state(target->vm.vp.fd, MSHV_VP_STATE_LAPIC, page, PAGE_SIZE);
	return true;
}

const struct call calls[CALLS] = {
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
