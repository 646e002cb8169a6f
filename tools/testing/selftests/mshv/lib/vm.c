// SPDX-License-Identifier: GPL-2.0-only
/*
 * Machines for tests.
 */
#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>

#include "mshv_test.h"

/* Where this program is, from the linker: it is linked to fixed addresses. */
extern char __executable_start[], _end[];

#define LONG_MEMORY	(8ULL << 20)
#define LONG_TABLES	0x1000ULL
#define LONG_STACK	0x80000ULL
#define REAL_MEMORY	0x10000ULL
#define REAL_START	0x1000

void test_fail(const char *file, int line, const char *condition, const char *fmt, ...)
{
	va_list ap;

	printf("# %s:%d: %s: ", file, line, condition);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf("\n");
	fflush(NULL);
	_exit(KSFT_FAIL);
}

bool test_is_long(void)
{
	return getenv("MSHV_TEST_LONG");
}

unsigned int test_rounds(unsigned int few, unsigned int many)
{
	return test_is_long() ? many : few;
}

void test_require_device(int argc, char **argv)
{
	int dev;

	if (argc == 2 && !strcmp(argv[1], "-l"))
		return;
	dev = mshv_open(NULL);
	if (dev < 0) {
		printf("TAP version 13\n1..0 # SKIP %s\n", mshv_explain(NULL, dev));
		exit(KSFT_SKIP);
	}
	close(dev);
}

int dev_open(void)
{
	int dev = mshv_open(NULL);

	TEST_ASSERT(dev >= 0, "%s", mshv_strerror());
	return dev;
}

uint64_t offered_features(int dev)
{
	struct hv_partition_property_synthetic_features offered = { 0 };
	int ret;

	ret = mshv_get_property_ex(dev, HV_PARTITION_PROPERTY_ASSIGNABLE_SYNTHETIC_PROC_FEATURES,
				   0, &offered, sizeof(offered));
	TEST_ASSERT(!ret, "%s", mshv_strerror());
	return offered.bank0;
}

static void give_features(int partition, uint64_t features)
{
	int ret = mshv_set_property(partition, HV_PARTITION_PROPERTY_SYNTHETIC_PROC_FEATURES,
				    features);

	TEST_ASSERT(!ret, "%s", mshv_strerror());
}

/* What is not asked for is taken away: a set bit disables. */
static uint64_t host_features(int dev, uint32_t code)
{
	__u64 value = 0;
	int ret = mshv_get_property(dev, code, &value);

	TEST_ASSERT(!ret, "%s", mshv_strerror());
	return value;
}

int partition_create_as_clients(int dev, uint64_t flags, uint64_t features)
{
	struct mshv_create_partition_v2 args = {
		.pt_flags = flags | BIT(MSHV_PT_BIT_GPA_SUPER_PAGES) |
			    BIT(MSHV_PT_BIT_CPU_AND_XSAVE_FEATURES),
		.pt_num_cpu_fbanks = MSHV_NUM_CPU_FEATURES_BANKS,
	};
	int partition;

	args.pt_cpu_fbanks[0] = ~host_features(dev, HV_PARTITION_PROPERTY_PROCESSOR_FEATURES0);
	args.pt_cpu_fbanks[1] = ~host_features(dev, HV_PARTITION_PROPERTY_PROCESSOR_FEATURES1);
	args.pt_disabled_xsave =
		~host_features(dev, HV_PARTITION_PROPERTY_PROCESSOR_XSAVE_FEATURES);
	partition = mshv_create_partition_v2(dev, &args);
	TEST_ASSERT(partition >= 0, "%s", mshv_strerror());
	give_features(partition, features);
	return partition;
}

int partition_create(int dev, uint64_t flags)
{
	int partition, ret;

	partition = mshv_create_partition(dev, flags);
	TEST_ASSERT(partition >= 0, "%s", mshv_strerror());
	if (flags & BIT(MSHV_PT_BIT_LAPIC))
		give_features(partition, offered_features(dev));
	ret = mshv_initialize_partition(partition);
	TEST_ASSERT(!ret, "%s", mshv_strerror());
	return partition;
}

bool memory_is(const char *kind)
{
	int fd = open("/sys/module/mshv_root/parameters/memory", O_RDONLY | O_CLOEXEC);
	char text[16] = "";

	if (fd < 0)
		return false;
	if (read(fd, text, sizeof(text) - 1) < 0)
		text[0] = '\0';
	close(fd);
	text[strcspn(text, "\n")] = '\0';
	return !strcmp(text, kind);
}

void *mem_alloc(uint64_t size)
{
	void *mem = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	TEST_ASSERT(mem != MAP_FAILED, "%s", strerror(errno));
	return mem;
}

void vm_init(struct test_vm *vm, uint64_t flags, uint64_t mem_size)
{
	int dev = dev_open();

	vm_init_with(vm, dev, partition_create(dev, flags), mem_size);
}

void vm_init_with(struct test_vm *vm, int dev, int partition, uint64_t mem_size)
{
	int ret;

	memset(vm, 0, sizeof(*vm));
	vm->dev = dev;
	vm->partition = partition;
	vm->mem_size = mem_size;
	vm->mem = mem_alloc(mem_size);
	ret = mshv_map_memory(vm->partition, 0, vm->mem, mem_size, MEM_RWX);
	TEST_ASSERT(!ret, "%s", mshv_strerror());
	ret = mshv_vp_init(&vm->vp, vm->partition, 0);
	TEST_ASSERT(!ret, "%s", mshv_strerror());
}

void vm_init_real(struct test_vm *vm, uint64_t flags, const void *code, size_t size)
{
	int ret;

	vm_init(vm, flags, REAL_MEMORY);
	memcpy(vm_guest_address(vm, REAL_START, size), code, size);
	ret = mshv_vp_setup_real_mode(&vm->vp, REAL_START, REAL_START);
	TEST_ASSERT(!ret, "%s", mshv_strerror());
}

/* The program, and VP 0 at its function */
static void load_long(struct test_vm *vm, void (*function)(void))
{
	uintptr_t start = (uintptr_t)__executable_start;
	struct mshv_regs regs = { .rip = (uintptr_t)function };
	int ret;

	memcpy(vm_guest_address(vm, start, _end - __executable_start), __executable_start,
	       _end - __executable_start);
	mshv_write_boot_tables(vm_guest_address(vm, LONG_TABLES, MSHV_BOOT_TABLES_SIZE),
			       LONG_TABLES);
	/* As if the function had been called: the ABI's alignment */
	regs.gpr[MSHV_RSP] = LONG_STACK - 8;
	ret = mshv_vp_setup_long_mode(&vm->vp, LONG_TABLES, &regs);
	TEST_ASSERT(!ret, "%s", mshv_strerror());
}

void vm_init_long(struct test_vm *vm, uint64_t flags, void (*function)(void))
{
	vm_init(vm, flags, LONG_MEMORY);
	load_long(vm, function);
}

void vm_init_long_with(struct test_vm *vm, int dev, int partition, void (*function)(void))
{
	vm_init_with(vm, dev, partition, LONG_MEMORY);
	load_long(vm, function);
}

void vm_add_vp(struct test_vm *vm, struct mshv_vp *vp, unsigned int index, void (*function)(void))
{
	struct mshv_regs regs = { .rip = (uintptr_t)function };
	int ret;

	ret = mshv_vp_init(vp, vm->partition, index);
	TEST_ASSERT(!ret, "%s", mshv_strerror());
	/* 64 KiB of stack for each of 16 */
	regs.gpr[MSHV_RSP] = LONG_STACK + index % 16 * 0x10000 - 8;
	ret = mshv_vp_setup_long_mode(vp, LONG_TABLES, &regs);
	TEST_ASSERT(!ret, "%s", mshv_strerror());
	ret = mshv_vp_set_register(vp, HV_REGISTER_INTERNAL_ACTIVITY_STATE, 0);
	TEST_ASSERT(!ret, "%s", mshv_strerror());
}

void *vm_guest_address(struct test_vm *vm, uint64_t gpa, uint64_t size)
{
	TEST_ASSERT(gpa <= vm->mem_size && size <= vm->mem_size - gpa, "no memory at 0x%llx",
		    (unsigned long long)gpa);
	return vm->mem + gpa;
}

void vm_destroy(struct test_vm *vm)
{
	mshv_vp_destroy(&vm->vp);
	close(vm->partition);
	close(vm->dev);
	munmap(vm->mem, vm->mem_size);
}

uint32_t vm_run(struct test_vm *vm)
{
	int ret = mshv_vp_run(&vm->vp);

	TEST_ASSERT(!ret, "%s", mshv_strerror());
	return vm->vp.msg.header.message_type;
}

void vm_complete(struct test_vm *vm)
{
	int ret = mshv_vp_complete(&vm->vp, NULL);

	TEST_ASSERT(!ret, "%s", mshv_strerror());
}

/* What stopped a guest that should have made a ucall */
static void fail_message(struct test_vm *vm)
{
	const struct hv_message *msg = &vm->vp.msg;
	const char *name = mshv_message_name(msg->header.message_type);
	struct mshv_regs regs = { 0 };

	mshv_vp_get_regs(&vm->vp, &regs);
	test_fail(__FILE__, __LINE__, "the guest makes a ucall",
		  "message %s (0x%x), payload %016llx %016llx %016llx %016llx %016llx %016llx %016llx %016llx; RIP 0x%llx RSP 0x%llx",
		  name ? name : "", msg->header.message_type, msg->u.payload[0],
		  msg->u.payload[1], msg->u.payload[2], msg->u.payload[3], msg->u.payload[4],
		  msg->u.payload[5], msg->u.payload[6], msg->u.payload[7], regs.rip,
		  regs.gpr[MSHV_RSP]);
}

struct ucall vm_run_ucall(struct test_vm *vm)
{
	uint32_t type = vm_run(vm);
	const struct hv_x64_io_port_intercept_message *io = mshv_msg_io(&vm->vp.msg);
	struct ucall uc;

	if (type != HVMSG_X64_IO_PORT_INTERCEPT || io->port_number != UCALL_PORT)
		fail_message(vm);
	memcpy(&uc, vm_guest_address(vm, (uint32_t)io->rax, sizeof(uc)), sizeof(uc));
	vm_complete(vm);
	if (uc.cmd == UCALL_ABORT)
		test_fail("guest", (int)uc.args[1], (const char *)(uintptr_t)uc.args[0],
			  "0x%llx, 0x%llx", (unsigned long long)uc.args[2],
			  (unsigned long long)uc.args[3]);
	return uc;
}

uint64_t vm_run_to_sync(struct test_vm *vm, uint64_t stage)
{
	struct ucall uc = vm_run_ucall(vm);

	TEST_ASSERT(uc.cmd == UCALL_SYNC && uc.args[0] == stage,
		    "ucall %llu, stage %llu instead of %llu", (unsigned long long)uc.cmd,
		    (unsigned long long)uc.args[0], (unsigned long long)stage);
	return uc.args[1];
}

bool test_comes(const volatile uint32_t *count, uint32_t value)
{
	unsigned int i;

	for (i = 0; i < 10000 && *count != value; i++)
		usleep(1000);

	return *count == value;
}

unsigned int vm_interrupt(pthread_t thread, const volatile bool *ended)
{
	unsigned int ms = 0, signals = 0;

	for (; !*ended; ms++) {
		if (!(ms % 1000)) {
			pthread_kill(thread, SIGUSR1);
			signals++;
		}
		usleep(1000);
	}
	pthread_join(thread, NULL);

	return signals;
}

void vm_run_to_done(struct test_vm *vm)
{
	struct ucall uc = vm_run_ucall(vm);

	TEST_ASSERT(uc.cmd == UCALL_DONE, "ucall %llu, stage %llu", (unsigned long long)uc.cmd,
		    (unsigned long long)uc.args[0]);
}
