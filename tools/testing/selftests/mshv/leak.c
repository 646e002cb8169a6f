// SPDX-License-Identifier: GPL-2.0-only
/*
 * Whatever happens to a VMM, everything it had comes back: to the host, and
 * from the hypervisor's pools.
 */
#include <fcntl.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <time.h>

#include "mshv_test.h"
#include "openhv.h"

#define FEW_ROUNDS	200
#define MANY_ROUNDS	1000
#define WARM_UP		20
/* However many rounds there are: half a page in each of few, and in many next to nothing */
#define TOLERANCE_KIB	(FEW_ROUNDS * 4 / 2)
/*
 * What the driver has of less than a page, by size: kmalloc() has a cache for each. Those
 * of the kernel's own kinds of objects may grow, such as of what is unmapped later.
 */
#define CACHE		"kmalloc-"
#define MAX_CACHES	100
/* For root's page tables, if root itself has deposited a page meanwhile */
#define TOLERANCE_PAGES	2
#define SETTLE_TRIES	20

struct cache {
	char name[48];
	long objects;
};

struct usage {
	long available, slab;		/* KiB */
	int nr_caches;
	struct cache caches[MAX_CACHES];
	bool openhv;
	uint64_t deposited, own_free, partitions;
};

static long read_meminfo(const char *name)
{
	char line[128];
	long value = -1;
	FILE *f = fopen("/proc/meminfo", "r");

	TEST_ASSERT(f, "/proc/meminfo: %s", strerror(errno));
	while (value < 0 && fgets(line, sizeof(line), f)) {
		if (!strncmp(line, name, strlen(name)) && line[strlen(name)] == ':')
			value = atol(line + strlen(name) + 1);
	}
	fclose(f);
	TEST_ASSERT(value >= 0, "no %s in /proc/meminfo", name);
	return value;
}

/* Free pages that each processor keeps for itself count as used elsewhere; KiB */
static long kept_by_processors(void)
{
	char line[128];
	long pages = 0, count;
	FILE *f = fopen("/proc/zoneinfo", "r");

	TEST_ASSERT(f, "/proc/zoneinfo: %s", strerror(errno));
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, " count: %ld", &count) == 1)
			pages += count;
	}
	fclose(f);
	return pages * 4;
}

static void write_to(const char *path, const char *value)
{
	int fd = open(path, O_WRONLY);

	if (fd < 0)
		return;
	TEST_ASSERT(write(fd, value, 1) == 1, "%s: %s", path, strerror(errno));
	close(fd);
}

/* Objects in use; exact once no processor has a slab of its own, which shrinking sees to. */
static int count_objects(struct cache *caches)
{
	char line[512], path[128];
	int nr = 0, i;
	FILE *f = fopen("/proc/slabinfo", "r");

	while (f && nr < MAX_CACHES && fgets(line, sizeof(line), f)) {
		if (!strncmp(line, CACHE, strlen(CACHE)) &&
		    sscanf(line, "%47s %ld", caches[nr].name, &caches[nr].objects) == 2)
			nr++;
	}
	if (f)
		fclose(f);
	for (i = 0; i < nr; i++) {
		snprintf(path, sizeof(path), "/sys/kernel/slab/%s/shrink", caches[i].name);
		write_to(path, "1");
	}
	return nr;
}

static struct usage measure(void)
{
	struct usage u = { 0 };
	struct openhv_info *info;
	size_t size;

	write_to("/proc/sys/vm/drop_caches", "3");
	/* The first time for their names */
	count_objects(u.caches);
	u.nr_caches = count_objects(u.caches);
	u.available = read_meminfo("MemAvailable") + kept_by_processors();
	u.slab = read_meminfo("Slab");
	info = openhv_info_read(&size);
	if (info) {
		u.openhv = true;
		u.deposited = info->deposited_pages;
		u.own_free = info->free_pages;
		u.partitions = info->partition_count;
		free(info);
	}
	return u;
}

/* The cache that has grown most, by @objects; they are always listed in the same order */
static const char *grown_most(const struct usage *before, const struct usage *after, long *objects)
{
	const char *name = "none";
	int i;

	*objects = 0;
	for (i = 0; i < after->nr_caches && i < before->nr_caches; i++) {
		if (after->caches[i].objects - before->caches[i].objects > *objects) {
			*objects = after->caches[i].objects - before->caches[i].objects;
			name = after->caches[i].name;
		}
	}
	return name;
}

/* More are a leak; root has some of its own that come and go, 34 have been seen to. */
static long most_objects(int rounds)
{
	return rounds / 2 + FEW_ROUNDS / 4;
}

static bool is_back(const struct usage *before, const struct usage *after, int rounds)
{
	long objects;

	grown_most(before, after, &objects);
	return objects <= most_objects(rounds) &&
	       after->available >= before->available - TOLERANCE_KIB &&
	       after->slab <= before->slab + TOLERANCE_KIB &&
	       after->deposited == before->deposited &&
	       after->own_free + TOLERANCE_PAGES >= before->own_free &&
	       after->partitions == before->partitions;
}

static const uint8_t spin[] = { 0xeb, 0xfe };

/* A VMM: a partition with a bit of everything, and a guest that never ends */
static void __attribute__((noreturn)) be_a_vmm(int ready)
{
	const struct mshv_user_irq_entry route = {
		.gsi = 4, .address_lo = 0xfee00000, .data = 0x41,
	};
	struct hv_message msg;
	struct test_vm vm;
	void *more;

	vm_init_real(&vm, PT_LAPIC, spin, sizeof(spin));
	more = mem_alloc(4 << 20);
	mshv_map_memory(vm.partition, 1 << 20, more, 4 << 20, MEM_RW);
	mshv_create_vp(vm.partition, 1);
	mshv_set_msi_routing(vm.partition, &route, 1);
	mshv_assign_irqfd(vm.partition, eventfd(0, 0), 4, -1);
	if (write(ready, "r", 1) != 1)
		_exit(1);
	mshv_run_vp(vm.vp.fd, &msg);
	_exit(1);
}

/* @microseconds: how long the guest runs before the end, or -1: do not even wait for its start */
static void one_round(int microseconds)
{
	int fds[2], status;
	char c;
	pid_t pid;

	TEST_ASSERT(!pipe(fds), "pipe: %s", strerror(errno));
	pid = fork();
	if (!pid)
		be_a_vmm(fds[1]);
	TEST_ASSERT(pid > 0, "fork: %s", strerror(errno));
	close(fds[1]);
	if (microseconds >= 0) {
		TEST_ASSERT(read(fds[0], &c, 1) == 1, "the VMM did not get to run its guest");
		usleep(microseconds);
	} else {
		usleep(random() % 20000);
	}
	kill(pid, SIGKILL);
	TEST_ASSERT(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status), "status 0x%x", status);
	close(fds[0]);
}

static void check_usage(struct __test_metadata *_metadata, const struct usage *before, int rounds)
{
	struct usage after;
	const char *name;
	long objects;
	int tries;

	/* What is freed after a grace period comes a little later. */
	for (tries = 0; tries < SETTLE_TRIES; tries++) {
		after = measure();
		if (is_back(before, &after, rounds))
			break;
		usleep(200000);
	}
	TH_LOG("available %ld -> %ld KiB, slab %ld -> %ld KiB", before->available, after.available,
	       before->slab, after.slab);
	name = grown_most(before, &after, &objects);
	TH_LOG("%s grew most, by %ld objects in %d rounds", name, objects, rounds);
	EXPECT_LE(objects, most_objects(rounds));
	EXPECT_GE(after.available, before->available - TOLERANCE_KIB);
	EXPECT_LE(after.slab, before->slab + TOLERANCE_KIB);
	if (before->openhv) {
		TH_LOG("deposited %llu -> %llu pages, openhv's own free pages %llu -> %llu",
		       (unsigned long long)before->deposited, (unsigned long long)after.deposited,
		       (unsigned long long)before->own_free, (unsigned long long)after.own_free);
		EXPECT_EQ(before->deposited, after.deposited);
		EXPECT_LE(before->own_free, after.own_free + TOLERANCE_PAGES);
		EXPECT_EQ(before->partitions, after.partitions);
	}
}

TEST_TIMEOUT(killed_while_the_guest_runs, 240)
{
	int i, rounds = test_rounds(FEW_ROUNDS, MANY_ROUNDS);
	struct usage before;

	for (i = 0; i < WARM_UP; i++)
		one_round(1000);
	before = measure();
	for (i = 0; i < rounds; i++)
		one_round(i % 10 * 1000);
	check_usage(_metadata, &before, rounds);
}

TEST_TIMEOUT(killed_at_any_moment, 240)
{
	int i, rounds = test_rounds(FEW_ROUNDS, MANY_ROUNDS);
	struct usage before;

	srandom(3);
	for (i = 0; i < WARM_UP; i++)
		one_round(-1);
	before = measure();
	for (i = 0; i < rounds; i++)
		one_round(-1);
	check_usage(_metadata, &before, rounds);
}

/* The same in one process, which ends its machines itself. */
TEST_TIMEOUT(created_and_destroyed, 240)
{
	struct usage before;
	struct test_vm vm;
	int i, rounds = test_rounds(FEW_ROUNDS, MANY_ROUNDS);

	for (i = 0; i < WARM_UP + rounds; i++) {
		/* in $0x10, %al */
		static const uint8_t code[] = { 0xe4, 0x10 };

		if (i == WARM_UP)
			before = measure();
		vm_init_real(&vm, PT_LAPIC, code, sizeof(code));
		ASSERT_EQ(HVMSG_X64_IO_PORT_INTERCEPT, vm_run(&vm));
		vm_destroy(&vm);
	}
	check_usage(_metadata, &before, rounds);
}

/*
 * However much of what was deposited for a partition is free when its VP is created:
 * memory for one thing is not asked for of another.
 */
TEST_TIMEOUT(of_many_sizes, 120)
{
	struct usage before;
	struct test_vm vm;
	unsigned int i;

	for (i = 0; i < WARM_UP + 64; i++) {
		if (i == WARM_UP)
			before = measure();
		vm_init(&vm, PT_LAPIC, (i % 32 + 1) * 512 * PAGE_SIZE);
		vm_destroy(&vm);
	}
	check_usage(_metadata, &before, 64);
}

/* Calls that fail must not keep anything either. */
TEST_TIMEOUT(failing_calls, 120)
{
	struct mshv_user_mem_region region = { .size = PAGE_SIZE, .guest_pfn = 1ULL << 50 };
	struct mshv_create_vp vp = { .vp_index = 1000 };
	struct usage before;
	struct test_vm vm;
	int i;

	vm_init(&vm, PT_LAPIC, 16 * PAGE_SIZE);
	region.userspace_addr = (uintptr_t)vm.mem;
	for (i = 0; i < 100 + 5000; i++) {
		if (i == 100)
			before = measure();
		ioctl(vm.partition, MSHV_SET_GUEST_MEMORY, &region);
		ioctl(vm.partition, MSHV_CREATE_VP, &vp);
		mshv_map_memory(vm.partition, 0x2000, vm.mem, PAGE_SIZE, MEM_RW);
		mshv_map_memory(vm.partition, 1 << 20, (void *)0x10000, PAGE_SIZE, MEM_RW);
		mshv_assign_irqfd(vm.partition, vm.dev, 1, -1);
	}
	check_usage(_metadata, &before, 5000);
	vm_destroy(&vm);
}

MSHV_TEST_MAIN
