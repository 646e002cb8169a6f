// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is not offered is refused, and the kernel's log has a line for it that names the
 * call: one, however slow the console, few, however often it is asked for, and never a
 * back-trace.
 */
#include <fcntl.h>
#include <sys/eventfd.h>
#include <time.h>

#include <tlfs/hypercall.h>
#include <tlfs/partition.h>
#include <tlfs/vp.h>

#include "mshv_test.h"

#define NOWHERE		0xdead
#define STORM		20000
/* The kernel's limit, for one place that prints */
#define LIMIT_LINES	10
#define LIMIT_SECONDS	5

static uint8_t page[PAGE_SIZE] __attribute__((aligned(4096)));

static int result(int ret)
{
	return ret < 0 ? -errno : 0;
}

/* ---- What is asked for ---------------------------------------------------------- */

static int get_property(struct test_vm *vm)
{
	__u64 value;

	return mshv_get_property(vm->dev, NOWHERE, &value);
}

static int get_property_ex(struct test_vm *vm)
{
	return mshv_get_property_ex(vm->dev, NOWHERE, 0, page, 64);
}

static int set_property(struct test_vm *vm)
{
	/* It is too late for that one. */
	return mshv_set_property(vm->partition, HV_PARTITION_PROPERTY_PRIVILEGE_FLAGS, 0);
}

static int install_intercept(struct test_vm *vm)
{
	return mshv_install_intercept(vm->partition, NOWHERE, HV_INTERCEPT_ACCESS_MASK_EXECUTE, 0);
}

static int get_registers(struct test_vm *vm)
{
	union hv_register_value value;
	__u32 name = NOWHERE;

	return mshv_get_registers(vm->vp.fd, 0, &name, &value, 1);
}

static int set_registers(struct test_vm *vm)
{
	const struct hv_register_assoc reg = { .name = NOWHERE };

	return mshv_set_registers(vm->vp.fd, 0, &reg, 1);
}

static int set_state(struct test_vm *vm)
{
	memset(page, 0xff, PAGE_SIZE);
	return mshv_set_vp_state(vm->vp.fd, MSHV_VP_STATE_XSAVE, page, PAGE_SIZE);
}

static int assert_interrupt(struct test_vm *vm)
{
	return mshv_assert_interrupt(vm->partition, ~0ULL, 0, 0x31);
}

static int post_message(struct test_vm *vm)
{
	const struct hv_message msg = { .header = { .message_type = 1, .payload_size = 16 } };

	/* There is no VP 7. */
	return mshv_post_message_direct(vm->partition, 7, 2, &msg);
}

static int create_isolated(struct test_vm *vm)
{
	const struct mshv_create_partition args = { .pt_flags = PT_LAPIC, .pt_isolation = 1 };

	return result(ioctl(vm->dev, MSHV_CREATE_PARTITION, &args));
}

static int create_with_unknown_flag(struct test_vm *vm)
{
	const struct mshv_create_partition args = { .pt_flags = BIT(MSHV_PT_BIT_COUNT) };

	return result(ioctl(vm->dev, MSHV_CREATE_PARTITION, &args));
}

static int create_with_feature_banks(struct test_vm *vm)
{
	const struct mshv_create_partition_v2 args = {
		.pt_flags = PT_LAPIC | BIT(MSHV_PT_BIT_CPU_AND_XSAVE_FEATURES),
		.pt_num_cpu_fbanks = MSHV_NUM_CPU_FEATURES_BANKS + 1,
	};

	return result(ioctl(vm->dev, MSHV_CREATE_PARTITION, &args));
}

static int pass_on(int fd, unsigned int code)
{
	struct mshv_root_hvcall call = {
		.code = code, .in_sz = 64, .in_ptr = (uintptr_t)page,
	};

	return result(ioctl(fd, MSHV_ROOT_HVCALL, &call));
}

static int retarget_interrupt(struct test_vm *vm)
{
	return pass_on(vm->partition, HVCALL_RETARGET_INTERRUPT);
}

static int registers_by_the_device(struct test_vm *vm)
{
	return pass_on(vm->dev, HVCALL_GET_VP_REGISTERS);
}

static int unknown_hypercall(struct test_vm *vm)
{
	return pass_on(vm->vp.fd, NOWHERE);
}

static int hypercall_without_input(struct test_vm *vm)
{
	struct mshv_root_hvcall call = { .code = HVCALL_GET_VP_REGISTERS, .reps = 1 };

	return result(ioctl(vm->vp.fd, MSHV_ROOT_HVCALL, &call));
}

static int create_vp(struct test_vm *vm)
{
	return mshv_create_vp(vm->partition, 1000);
}

static int doorbell_at_a_port(struct test_vm *vm)
{
	struct mshv_user_ioeventfd args = {
		.fd = eventfd(0, EFD_CLOEXEC), .addr = 0x3f8, .len = 1,
		.flags = BIT(MSHV_IOEVENTFD_BIT_PIO),
	};
	int ret = result(ioctl(vm->partition, MSHV_IOEVENTFD, &args));

	close(args.fd);
	return ret;
}

static int assign_doorbell(struct test_vm *vm, struct mshv_user_ioeventfd args)
{
	int ret;

	args.fd = eventfd(0, EFD_CLOEXEC);
	ret = result(ioctl(vm->partition, MSHV_IOEVENTFD, &args));
	close(args.fd);
	return ret;
}

static int doorbell_of_three_bytes(struct test_vm *vm)
{
	return assign_doorbell(vm, (struct mshv_user_ioeventfd){ .addr = 0x1000, .len = 3 });
}

static int doorbell_with_unknown_flag(struct test_vm *vm)
{
	return assign_doorbell(vm, (struct mshv_user_ioeventfd){
		.addr = 0x1000, .len = 4, .flags = BIT(MSHV_IOEVENTFD_BIT_COUNT) });
}

static int assign_irqfd(struct test_vm *vm, __u32 gsi, __u32 flags)
{
	struct mshv_user_irqfd args = {
		.fd = eventfd(0, EFD_CLOEXEC), .resamplefd = eventfd(0, EFD_CLOEXEC),
		.gsi = gsi, .flags = flags,
	};
	int ret = result(ioctl(vm->partition, MSHV_IRQFD, &args));

	close(args.fd);
	close(args.resamplefd);
	return ret;
}

static int irqfd_of_a_large_gsi(struct test_vm *vm)
{
	return assign_irqfd(vm, 1 << 20, 0);
}

static int irqfd_with_unknown_flag(struct test_vm *vm)
{
	return assign_irqfd(vm, 5, BIT(MSHV_IRQFD_BIT_COUNT));
}

/* No route, for one */
static int resample_an_edge(struct test_vm *vm)
{
	return assign_irqfd(vm, 5, BIT(MSHV_IRQFD_BIT_RESAMPLE));
}

static int route(struct test_vm *vm, struct mshv_user_irq_entry entry, unsigned int copies)
{
	const struct mshv_user_irq_entry entries[] = { entry, entry };

	return mshv_set_msi_routing(vm->partition, entries, copies);
}

static int route_to_a_high_address(struct test_vm *vm)
{
	return route(vm, (struct mshv_user_irq_entry){ .gsi = 5, .address_hi = 1 }, 1);
}

static int route_of_a_large_gsi(struct test_vm *vm)
{
	return route(vm, (struct mshv_user_irq_entry){ .gsi = 1 << 20 }, 1);
}

static int two_routes_of_a_gsi(struct test_vm *vm)
{
	return route(vm, (struct mshv_user_irq_entry){ .gsi = 5 }, 2);
}

static int too_many_routes(struct test_vm *vm)
{
	const struct mshv_user_irq_table table = { .nr = 1 << 20 };

	return result(ioctl(vm->partition, MSHV_SET_MSI_ROUTING, &table));
}

static int state(struct test_vm *vm, unsigned long command)
{
	struct mshv_get_set_vp_state args = {
		.type = MSHV_VP_STATE_COUNT, .buf_sz = PAGE_SIZE, .buf_ptr = (uintptr_t)page,
	};

	return result(ioctl(vm->vp.fd, command, &args));
}

static int get_unknown_state(struct test_vm *vm)
{
	return state(vm, MSHV_GET_VP_STATE);
}

static int set_unknown_state(struct test_vm *vm)
{
	return state(vm, MSHV_SET_VP_STATE);
}

static int unknown_kind_of_access(struct test_vm *vm)
{
	struct mshv_gpap_access_bitmap args = {
		.access_type = MSHV_GPAP_ACCESS_TYPE_COUNT, .page_count = 1,
		.bitmap_ptr = (uintptr_t)page,
	};

	return result(ioctl(vm->partition, MSHV_GET_GPAP_ACCESS_BITMAP, &args));
}

static int memory(struct test_vm *vm, struct mshv_user_mem_region args)
{
	return result(ioctl(vm->partition, MSHV_SET_GUEST_MEMORY, &args));
}

static int memory_with_unknown_flag(struct test_vm *vm)
{
	return memory(vm, (struct mshv_user_mem_region){
		.size = PAGE_SIZE, .guest_pfn = 0x1000, .userspace_addr = (uintptr_t)page,
		.flags = BIT(MSHV_SET_MEM_BIT_COUNT) });
}

/* The first page of a process's address space */
static int memory_that_is_not_there(struct test_vm *vm)
{
	return memory(vm, (struct mshv_user_mem_region){ .size = PAGE_SIZE, .guest_pfn = 0x1000 });
}

/* The guest's only page, but from another address */
static int unmap_another_region(struct test_vm *vm)
{
	return memory(vm, (struct mshv_user_mem_region){
		.size = PAGE_SIZE, .guest_pfn = 0, .userspace_addr = (uintptr_t)page,
		.flags = BIT(MSHV_SET_MEM_BIT_UNMAP) });
}

/* The guest has no memory at its second page. */
static int unmap_what_is_not_there(struct test_vm *vm)
{
	return memory(vm, (struct mshv_user_mem_region){
		.size = PAGE_SIZE, .guest_pfn = 1, .userspace_addr = (uintptr_t)vm->mem + PAGE_SIZE,
		.flags = BIT(MSHV_SET_MEM_BIT_UNMAP) });
}

static int map_page(struct test_vm *vm, unsigned int page_number)
{
	void *map = mmap(NULL, PAGE_SIZE, PROT_READ, MAP_SHARED, vm->vp.fd,
			 page_number * PAGE_SIZE);

	return map == MAP_FAILED ? -errno : 0;
}

static int map_a_ghcb(struct test_vm *vm)
{
	return map_page(vm, MSHV_VP_MMAP_OFFSET_GHCB);
}

static int map_an_unknown_page(struct test_vm *vm)
{
	return map_page(vm, MSHV_VP_MMAP_OFFSET_COUNT);
}

static int cancel_with_unknown_flag(struct test_vm *vm)
{
	return result(ioctl(vm->vp.fd, MSHV_CANCEL_VP, ~MSHV_CANCEL_VP_FLAGS_MASK));
}

static int unknown_ioctl_of_the_device(struct test_vm *vm)
{
	return result(ioctl(vm->dev, _IO(MSHV_IOCTL, 0x55)));
}

static int unknown_ioctl_of_the_partition(struct test_vm *vm)
{
	return result(ioctl(vm->partition, _IO(MSHV_IOCTL, 0x55)));
}

static int unknown_ioctl_of_the_vp(struct test_vm *vm)
{
	return result(ioctl(vm->vp.fd, _IO(MSHV_IOCTL, 0x55)));
}

static const struct refusal {
	int (*ask)(struct test_vm *vm);
	int error;
	const char *line;
} refusals[] = {
	/* by the hypervisor */
	{ get_property, EINVAL, "GET_PARTITION_PROPERTY: " },
	{ get_property_ex, EINVAL, "GET_PARTITION_PROPERTY_EX: " },
	{ set_property, EIO, "SET_PARTITION_PROPERTY: " },
	{ install_intercept, EINVAL, "INSTALL_INTERCEPT: " },
	{ get_registers, EINVAL, "GET_VP_REGISTERS: " },
	{ set_registers, EINVAL, "SET_VP_REGISTERS: " },
	{ set_state, EINVAL, "SET_VP_STATE: " },
	{ assert_interrupt, EINVAL, "ASSERT_VIRTUAL_INTERRUPT: " },
	{ post_message, EINVAL, "POST_MESSAGE_DIRECT: " },
	/* by the driver */
	{ create_isolated, EINVAL, "CREATE_PARTITION: flags 0x3 with isolation 1 " },
	{ create_with_unknown_flag, EINVAL, "CREATE_PARTITION: flags 0x" },
	{ create_with_feature_banks, EINVAL, "CREATE_PARTITION: 3 banks of processor features" },
	{ retarget_interrupt, EINVAL, "ROOT_HVCALL: RETARGET_INTERRUPT (0x" },
	{ registers_by_the_device, EINVAL, "ROOT_HVCALL: GET_VP_REGISTERS (0x50)" },
	{ unknown_hypercall, EINVAL, "ROOT_HVCALL: unknown hypercall (0xdead)" },
	{ hypercall_without_input, EINVAL, "ROOT_HVCALL: GET_VP_REGISTERS (0x50) with 0 bytes" },
	{ create_vp, EINVAL, "CREATE_VP: there is no VP 1000" },
	{ doorbell_at_a_port, EOPNOTSUPP, "IOEVENTFD: there are no doorbells at ports" },
	{ doorbell_of_three_bytes, EINVAL, "IOEVENTFD: no doorbell of 3 bytes" },
	{ doorbell_with_unknown_flag, EINVAL, "IOEVENTFD: flags 0x8 " },
	{ irqfd_of_a_large_gsi, EINVAL, "IRQFD: flags 0x0 with GSI 1048576 " },
	{ irqfd_with_unknown_flag, EINVAL, "IRQFD: flags 0x4 with GSI 5 " },
	{ resample_an_edge, EINVAL, "IRQFD: GSI 5 has no level-triggered route" },
	{ route_to_a_high_address, EINVAL, "SET_MSI_ROUTING: GSI 5 by address 0x100000000 " },
	{ route_of_a_large_gsi, EINVAL, "SET_MSI_ROUTING: GSI 1048576 " },
	{ two_routes_of_a_gsi, EINVAL, "SET_MSI_ROUTING: GSI 5 has more than one route" },
	{ too_many_routes, EINVAL, "SET_MSI_ROUTING: 1048576 routes" },
	{ get_unknown_state, EINVAL, "GET_VP_STATE: state 5 " },
	{ set_unknown_state, EINVAL, "SET_VP_STATE: state 5 " },
	{ unknown_kind_of_access, EINVAL, "GET_GPAP_ACCESS_BITMAP: type 2, " },
	{ memory_with_unknown_flag, EINVAL, "SET_GUEST_MEMORY: flags 0x8 " },
	{ memory_that_is_not_there, EINVAL, "SET_GUEST_MEMORY: 0x1000 bytes from 0x0 " },
	{ unmap_another_region, EINVAL, "SET_GUEST_MEMORY: 0x1000 bytes from " },
	{ unmap_what_is_not_there, ENOENT, "SET_GUEST_MEMORY: 0x1000 bytes from " },
	{ map_a_ghcb, ENODEV, "VP: there is no page 2 to map" },
	{ map_an_unknown_page, EINVAL, "VP: mapping 1 pages at 3 " },
	{ cancel_with_unknown_flag, EINVAL, "CANCEL_VP: flags 0x" },
	{ unknown_ioctl_of_the_device, ENOTTY, "/dev/mshv: unknown ioctl 0xb855" },
	{ unknown_ioctl_of_the_partition, ENOTTY, "partition: unknown ioctl 0xb855" },
	{ unknown_ioctl_of_the_vp, ENOTTY, "VP: unknown ioctl 0xb855" },
};

/* ---- What the log says ---------------------------------------------------------- */

FIXTURE(log) {
	struct test_vm vm;
	int fd;
	char line[1024];	/* the driver's last one */
	bool trace;		/* there was a warning or a back-trace */
};

FIXTURE_SETUP(log)
{
	self->fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	ASSERT_LE(0, self->fd) TH_LOG("/dev/kmsg: %s", strerror(errno));
	vm_init(&self->vm, PT_LAPIC, PAGE_SIZE);
	ASSERT_EQ(0, lseek(self->fd, 0, SEEK_END));
}

FIXTURE_TEARDOWN(log)
{
	vm_destroy(&self->vm);
	close(self->fd);
}

/* How many lines are the driver's, of those that are new */
static unsigned int new_lines(struct log_fixture_data *self)
{
	char record[sizeof(self->line)], *text;
	unsigned int lines = 0;
	ssize_t size;

	for (;;) {
		size = read(self->fd, record, sizeof(record) - 1);
		if (size < 0 && errno == EPIPE)
			continue;	/* some were overwritten */
		if (size <= 0)
			return lines;
		record[size] = '\0';
		/* Facility, number and time; and what belongs to the line, in lines of its own */
		text = strchr(record, ';');
		if (!text)
			continue;
		text++;
		text[strcspn(text, "\n")] = '\0';
		if (strstr(text, "Call Trace") || strstr(text, "WARNING: ") ||
		    strstr(text, "BUG: "))
			self->trace = true;
		if (strncmp(text, "mshv_root: ", 11))
			continue;
		lines++;
		snprintf(self->line, sizeof(self->line), "%s", text);
	}
}

static time_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec;
}

TEST_F(log, what_is_refused_is_named_in_one_line)
{
	const struct refusal *r;
	unsigned int lines;
	time_t until;
	int ret;

	for (r = refusals; r < refusals + ARRAY_SIZE(refusals); r++) {
		/* Those before may have used up what may be printed. */
		until = now() + 3 * LIMIT_SECONDS;
		do {
			ret = r->ask(&self->vm);
			EXPECT_EQ(-r->error, ret) TH_LOG("%s: %s", r->line, mshv_strerror());
			lines = new_lines(self);
			if (!lines)
				usleep(200000);
		} while (!lines && ret == -r->error && now() < until);
		EXPECT_EQ(1, lines) TH_LOG("%s", r->line);
		EXPECT_EQ(self->line + 11, strstr(self->line, r->line)) {
			TH_LOG("\"%s\" is not \"%s\"", self->line, r->line);
		}
		EXPECT_FALSE(self->trace) TH_LOG("%s", r->line);
	}
}

/* isatty() is no question to the driver. */
TEST_F(log, other_files_ioctls_are_not_worth_a_line)
{
	EXPECT_FALSE(isatty(self->vm.dev));
	EXPECT_FALSE(isatty(self->vm.partition));
	EXPECT_FALSE(isatty(self->vm.vp.fd));
	EXPECT_EQ(0, new_lines(self)) TH_LOG("%s", self->line);
}

TEST_F(log, a_storm_of_refusals_is_a_few_lines)
{
	unsigned int lines = 0;
	time_t start = now();
	int i;

	for (i = 0; i < STORM; i++) {
		ASSERT_EQ(-EINVAL, unknown_hypercall(&self->vm));
		if (i % 1000 == 0)
			lines += new_lines(self);
	}
	lines += new_lines(self);
	/* The limit's periods need not begin with ours, nor do the seconds. */
	EXPECT_GE(LIMIT_LINES * (2 + (now() - start + 1) / LIMIT_SECONDS), lines);
	EXPECT_FALSE(self->trace);
}

MSHV_TEST_MAIN
