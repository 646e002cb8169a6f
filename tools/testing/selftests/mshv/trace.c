// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tracepoints: each of them is hit when what it is named after happens, and tells
 * what that was.
 */
#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/mman.h>

#include "mshv_test.h"

#define TRACING		"/sys/kernel/tracing"
#define EVENTS		24
#define DEVICE_GPA	0xd0000000ULL
#define HIGH_GPA	0x40000000ULL	/* memory that nobody has touched */
#define GSI		41
#define VECTOR		GUEST_VECTOR

/*
 * Those that the hypervisor's own schedulers have no use for. The last one is there too,
 * but by chance: what gets a thread out of its wait is not work to do before a VP is run.
 */
static const char * const root_only[] = {
	"mshv_hvcall_dispatch_vp", "mshv_disable_vp_dispatch", "mshv_drain_vp_signals",
	"mshv_xfer_to_guest_mode_work",
};

/* Write to a file of tracefs; 0 or a negative errno. */
static int tracing(const char *file, const char *text)
{
	char path[128];
	int fd, ret = 0;

	snprintf(path, sizeof(path), TRACING "/%s", file);
	fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (*text && write(fd, text, strlen(text)) < 0)
		ret = -errno;
	close(fd);
	return ret;
}

/* ---- What there is in the trace ---- */

static char *trace;

static void trace_read(void)
{
	size_t size = 1 << 20, at = 0;
	int fd = open(TRACING "/trace", O_RDONLY | O_CLOEXEC);
	ssize_t n;

	TEST_ASSERT(fd >= 0, "%s", strerror(errno));
	trace = malloc(size);
	TEST_ASSERT(trace, "no memory");
	while ((n = read(fd, trace + at, size - at - 1)) > 0) {
		at += n;
		if (at == size - 1) {
			size *= 2;
			trace = realloc(trace, size);
			TEST_ASSERT(trace, "no memory");
		}
	}
	TEST_ASSERT(!n, "%s", strerror(errno));
	trace[at] = 0;
	close(fd);
}

/* Whether a line has NAME=VALUE, as a whole */
static bool line_has(const char *line, const char *end, const char *field)
{
	size_t length = strlen(field);
	const char *at;

	for (at = line; (at = strstr(at, field)) && at < end; at++) {
		if (at[-1] == ' ' && (isspace((unsigned char)at[length]) || !at[length]))
			return true;
	}
	return false;
}

/* How often an event is there with all of these fields: up to three, the rest NULL */
static unsigned int trace_count(const char *event, const char *a, const char *b, const char *c)
{
	unsigned int count = 0;
	const char *line, *end;
	char name[64];

	snprintf(name, sizeof(name), " %s: ", event);
	for (line = strstr(trace, name); line; line = strstr(end, name)) {
		end = line + strcspn(line + 1, "\n") + 1;
		count += (!a || line_has(line, end, a)) && (!b || line_has(line, end, b)) &&
			 (!c || line_has(line, end, c));
	}
	return count;
}

/* ---- A guest to which everything happens ---- */

static volatile bool guest_goes_on;

static GUEST_CODE void guest_does_everything(void)
{
	guest_handler = guest_count_interrupts;
	guest_install_handlers();
	guest_enable_x2apic();
	*(volatile uint32_t *)DEVICE_GPA = 1;
	*(volatile uint32_t *)HIGH_GPA = 1;
	GUEST_SYNC(1);
	sti_hlt();
	GUEST_ASSERT_EQ(guest_interrupts[VECTOR], 1);
	GUEST_SYNC(2);
	/* Until a signal gets it out of here */
	while (!guest_goes_on)
		asm volatile("pause" : : : "memory");
	GUEST_DONE();
}

static void on_signal(int signal)
{
	(void)signal;
}

/* What another thread does to a VP that runs, after a while */
struct disturber {
	pthread_t thread, vp_thread;
	int irqfd;
	volatile bool stop;
};

static void *interrupt_later(void *arg)
{
	const uint64_t one = 1;
	struct disturber *d = arg;

	usleep(100000);
	TEST_ASSERT(write(d->irqfd, &one, sizeof(one)) == sizeof(one), "%s", strerror(errno));
	return NULL;
}

/* Until the VP's thread says that one was in time: between the call and the guest */
static void *signal_often(void *arg)
{
	struct disturber *d = arg;

	while (!d->stop) {
		usleep(2000);
		pthread_kill(d->vp_thread, SIGUSR1);
	}
	return NULL;
}

/* Returns the partition's ID, which the driver tells nobody but in its trace. */
static unsigned long long run_everything(int *vm_fd, int *vp_fd)
{
	const struct sigaction action = { .sa_handler = on_signal };
	const struct mshv_user_irq_entry entry = {
		.gsi = GSI, .address_lo = 0xfee00000, .data = VECTOR,
	};
	struct mshv_user_mem_region region = {
		.guest_pfn = HIGH_GPA / PAGE_SIZE, .size = 16 * PAGE_SIZE, .flags = MEM_RWX,
	};
	int bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	struct disturber d = { .irqfd = eventfd(0, EFD_CLOEXEC), .vp_thread = pthread_self() };
	unsigned long long id = 0;
	struct test_vm vm;
	uint64_t count = 0;
	const char *line;
	int i, ret;

	vm_init_long(&vm, PT_LAPIC, guest_does_everything);
	*vm_fd = vm.partition;
	*vp_fd = vm.vp.fd;
	region.userspace_addr = (uintptr_t)mem_alloc(region.size);
	TEST_ASSERT(!ioctl(vm.partition, MSHV_SET_GUEST_MEMORY, &region), "%s", strerror(errno));
	TEST_ASSERT(!mshv_set_msi_routing(vm.partition, &entry, 1) &&
		    !mshv_assign_irqfd(vm.partition, d.irqfd, GSI, -1) &&
		    !mshv_assign_ioeventfd(vm.partition, bell, DEVICE_GPA, 4, NULL),
		    "%s", mshv_strerror());

	vm_run_to_sync(&vm, 1);
	for (i = 0; i < 10000 && read(bell, &count, sizeof(count)) < 0; i++)
		usleep(1000);
	TEST_ASSERT(count == 1, "the doorbell does not ring");
	pthread_create(&d.thread, NULL, interrupt_later, &d);
	vm_run_to_sync(&vm, 2);
	pthread_join(d.thread, NULL);

	sigaction(SIGUSR1, &action, NULL);
	pthread_create(&d.thread, NULL, signal_often, &d);
	for (i = 0; i < 20; i++) {
		ret = mshv_vp_run(&vm.vp);
		TEST_ASSERT(ret == -EINTR, "%d: %s", ret, mshv_strerror());
	}
	d.stop = true;
	pthread_join(d.thread, NULL);
	*vm_guest_variable(&vm, guest_goes_on) = true;
	vm_run_to_done(&vm);

	TEST_ASSERT(!mshv_deassign_ioeventfd(vm.partition, bell, DEVICE_GPA, 4, NULL) &&
		    !mshv_deassign_irqfd(vm.partition, d.irqfd, GSI) &&
		    !mshv_set_msi_routing(vm.partition, NULL, 0), "%s", mshv_strerror());
	region.flags = BIT(MSHV_SET_MEM_BIT_UNMAP);
	TEST_ASSERT(!ioctl(vm.partition, MSHV_SET_GUEST_MEMORY, &region), "%s", strerror(errno));
	vm_destroy(&vm);
	close(bell);
	close(d.irqfd);

	trace_read();
	line = strstr(trace, " mshv_create_partition: partition_id=");
	TEST_ASSERT(line && sscanf(line, " mshv_create_partition: partition_id=%llu", &id) == 1,
		    "no partition was created");
	return id;
}

static bool is_root_only(const char *name)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(root_only); i++) {
		if (!strcmp(name, root_only[i]))
			return true;
	}
	return false;
}

TEST_TIMEOUT(every_tracepoint_is_hit_and_tells_what_happened, 120)
{
	char id[48], fd[32], gfn[48], address[48], flags[48];
	int vm_fd, vp_fd;
	unsigned int names = 0, interrupted;
	struct dirent *entry;
	bool root;
	DIR *dir;

	TEST_REQUIRE(!access(TRACING "/events", R_OK), "this kernel has no tracefs");
	dir = opendir(TRACING "/events/mshv");
	ASSERT_NE(NULL, dir) TH_LOG("the module's tracepoints are not there");
	ASSERT_EQ(0, tracing("trace", ""));
	/* What a full run of this makes fits in there. */
	tracing("buffer_size_kb", "4096");
	ASSERT_EQ(0, tracing("events/mshv/enable", "1"));
	tracing("tracing_on", "1");
	snprintf(id, sizeof(id), "partition_id=%llu", run_everything(&vm_fd, &vp_fd));
	EXPECT_EQ(0, tracing("events/mshv/enable", "0"));
	tracing("trace", "");
	root = trace_count("mshv_hvcall_dispatch_vp", NULL, NULL, NULL);

	while ((entry = readdir(dir))) {
		if (strncmp(entry->d_name, "mshv_", 5))
			continue;
		names++;
		if (!strcmp(entry->d_name, "mshv_hvcall_dispatch_vp") ||
		    (!root && is_root_only(entry->d_name)))
			continue;
		EXPECT_LT(0, trace_count(entry->d_name, id, NULL, NULL)) {
			TH_LOG("%s of this partition is not in the trace", entry->d_name);
		}
	}
	closedir(dir);
	EXPECT_EQ(EVENTS, names);
	/* The scheduler is known by what it leaves out, so it is asked for by another sign. */
	EXPECT_EQ(root, !!trace_count("mshv_disable_vp_dispatch", id, "vp_index=0", "ret=0"));
	EXPECT_EQ(root, !!trace_count("mshv_hvcall_dispatch_vp", id, "vp_index=0",
				      "status=0x0"));
	EXPECT_EQ(root, !!trace_count("mshv_drain_vp_signals", id, "vp_index=0", NULL));

	snprintf(fd, sizeof(fd), "vm_fd=%d", vm_fd);
	EXPECT_EQ(1, trace_count("mshv_create_partition", id, fd, NULL));
	EXPECT_EQ(1, trace_count("mshv_hvcall_create_partition", id, NULL, NULL));
	EXPECT_EQ(1, trace_count("mshv_hvcall_initialize_partition", id, "status=0x0", NULL));
	snprintf(fd, sizeof(fd), "vp_fd=%d", vp_fd);
	EXPECT_EQ(1, trace_count("mshv_create_vp", id, "vp_index=0", fd));
	EXPECT_LE(2, trace_count("mshv_hvcall_map_vp_state_page", id, "vp_index=0", "status=0x0"));
	EXPECT_EQ(trace_count("mshv_run_vp_entry", id, "vp_index=0", NULL),
		  trace_count("mshv_run_vp_exit", id, "vp_index=0", NULL));
	/*
	 * A run that goes back for other work is to be restarted (ERESTARTNOHAND), but not
	 * if a signal comes on its way: that is EINTR for user space, too.
	 */
	interrupted = trace_count("mshv_run_vp_exit", id, "vp_index=0", "ret=-4");
	EXPECT_LE(10, interrupted);
	EXPECT_LE(20, interrupted + trace_count("mshv_run_vp_exit", id, "vp_index=0", "ret=-514"));
	EXPECT_LE(1, trace_count("mshv_vp_clear_explicit_suspend", id, "vp_index=0", "ret=0"));
	EXPECT_LE(1, trace_count("mshv_vp_wait_for_hv_kick", id, "vp_index=0", NULL));
	snprintf(gfn, sizeof(gfn), "gfn=0x%llx", HIGH_GPA / PAGE_SIZE);
	EXPECT_LE(1, trace_count("mshv_handle_gpa_intercept", id, gfn, "handled=1"));
	snprintf(gfn, sizeof(gfn), "start_gfn=0x%llx", HIGH_GPA / PAGE_SIZE);
	EXPECT_EQ(1, trace_count("mshv_map_user_memory", id, gfn, "ret=0"));
	EXPECT_EQ(1, trace_count("mshv_update_routing_table", id, "numents=1", NULL));
	EXPECT_EQ(1, trace_count("mshv_update_routing_table", id, "numents=0", NULL));
	snprintf(address, sizeof(address), "addr=0x%014llx", DEVICE_GPA);
	EXPECT_EQ(1, trace_count("mshv_assign_ioeventfd", id, address, "ret=0"));
	EXPECT_EQ(1, trace_count("mshv_deassign_ioeventfd", id, address, "length=0x4"));
	EXPECT_EQ(1, trace_count("mshv_partition_release", id, NULL, NULL));
	EXPECT_EQ(1, trace_count("mshv_vp_release", id, "vp_index=0", NULL));
	EXPECT_EQ(1, trace_count("mshv_destroy_partition", id, NULL, NULL));
	EXPECT_EQ(1, trace_count("mshv_hvcall_finalize_partition", id, "status=0x0", NULL));
	EXPECT_EQ(1, trace_count("mshv_hvcall_delete_partition", id, "status=0x0", NULL));
	snprintf(flags, sizeof(flags), "withdrawn=%d", 0);
	EXPECT_LE(1, trace_count("mshv_hvcall_withdraw_memory", id, NULL, NULL) -
		     trace_count("mshv_hvcall_withdraw_memory", id, flags, NULL));
	free(trace);
}

MSHV_TEST_MAIN
