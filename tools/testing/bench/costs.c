// SPDX-License-Identifier: GPL-2.0-only
/*
 * What operations of /dev/mshv cost: time, hypercalls of root's, exits of root and of its
 * child to the hypervisor. It uses nothing but the ABI that all drivers have, and openhv's
 * own counters, so that it says the same of any driver.
 *
 * Usage: costs [pinned|movable [MIB]]
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <mshv/vp.h>

#include "openhv.h"

#define PAGE_SIZE	4096UL
#define CODE_GPA	0x1000
#define CODE_SIZE	PAGE_SIZE
#define LARGE_GPA	0x40000000ULL
#define LARGE_PAGE	(2UL << 20)
#define ROUNDS		2000
#define GUESTS		20
#define FAULT_ROUNDS	20
#define FAULT_GPA	0x10000
#define FAULT_PAGES	240		/* to the end of what real mode reaches */
#define DOORBELL_GPA	0xf0000
#define RINGS		500
#define PORT		0x10
#define GSI		5
#define VECTOR		0x51
#define MSI_ADDRESS	0xfee00000
#define MSI_LOGICAL	4
#define RWX		(1 << MSHV_SET_MEM_BIT_WRITABLE | 1 << MSHV_SET_MEM_BIT_EXECUTABLE)

/* out %al, $0x10; jmp back */
static const unsigned char exits[] = { 0xe6, PORT, 0xeb, 0xfc };

/* Write to each page from FAULT_GPA on, then to the port, and from the start again. */
static const unsigned char touches[] = {
	0xb8, 0x00, FAULT_GPA >> 12,			/* mov $(FAULT_GPA >> 4), %ax */
	0xb9, FAULT_PAGES, 0x00,			/* mov $FAULT_PAGES, %cx */
	0x8e, 0xd8, 0xa2, 0x00, 0x00,			/* 1: mov %ax, %ds; mov %al, 0 */
	0x05, 0x00, 0x01, 0xe2, 0xf6,			/* add $0x100, %ax; loop 1b */
	0xe6, PORT, 0xeb, 0xec,
};

/* Ring RINGS times, then write to the port, and from the start again. */
static const unsigned char rings[] = {
	0xb8, 0x00, DOORBELL_GPA >> 12, 0x8e, 0xd8,	/* mov $(DOORBELL_GPA >> 4), %ax; %ds */
	0xb9, RINGS & 0xff, RINGS >> 8,
	0xa2, 0x00, 0x00, 0xe2, 0xfb,			/* 1: mov %al, 0; loop 1b */
	0xe6, PORT, 0xeb, 0xef,
};

static void __attribute__((noreturn)) die(const char *what, const char *why)
{
	fprintf(stderr, "costs: %s: %s\n", what, why);
	exit(1);
}

static void check(int ret, const char *what)
{
	if (ret < 0)
		die(what, mshv_strerror());
}

/* ---- Counting ---- */

struct counts {
	double us;
	uint64_t hypercalls, root_exits, child_exits;
};

static int uncounted;

static struct counts now(void)
{
	struct counts counts = { 0 };
	struct openhv_info *info;
	struct timespec time;
	unsigned int lp, i;
	size_t size;

	info = uncounted ? NULL : openhv_info_read(&size);
	uncounted = !info;
	for (lp = 0; info && lp < info->lp_count; lp++) {
		counts.hypercalls += info->lp[lp].hypercalls;
		for (i = 0; i < OPENHV_EXIT_COUNT; i++) {
			counts.root_exits += info->lp[lp].root_exits[i];
			counts.child_exits += info->lp[lp].child_exits[i];
		}
	}
	free(info);
	clock_gettime(CLOCK_MONOTONIC, &time);
	counts.us = time.tv_sec * 1e6 + time.tv_nsec / 1e3;
	return counts;
}

static struct counts since, sum;

/* What comes between begin() and end() is counted; there may be several such pieces. */
static void begin(void)
{
	since = now();
}

static void end(void)
{
	struct timespec time;
	struct counts counts;
	double us;

	clock_gettime(CLOCK_MONOTONIC, &time);
	us = time.tv_sec * 1e6 + time.tv_nsec / 1e3;
	counts = now();
	sum.us += us - since.us;
	sum.hypercalls += counts.hypercalls - since.hypercalls;
	sum.root_exits += counts.root_exits - since.root_exits;
	sum.child_exits += counts.child_exits - since.child_exits;
}

static void tell(const char *what, unsigned long times)
{
	printf("%-44s %12.2f", what, sum.us / times);
	if (!uncounted)
		printf(" %10.2f %10.2f %10.2f", (double)sum.hypercalls / times,
		       (double)sum.root_exits / times, (double)sum.child_exits / times);
	putchar('\n');
	fflush(stdout);
	memset(&sum, 0, sizeof(sum));
}

/* ---- Guests ---- */

struct guest {
	int dev, partition;
	struct mshv_vp vp;
	void *code;
};

static void *memory(size_t size, int advice)
{
	/* The tail is for alignment, and is left where it is. */
	char *mem = mmap(NULL, size + LARGE_PAGE, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (mem == MAP_FAILED)
		die("mmap", strerror(errno));
	mem = (char *)(((unsigned long)mem + LARGE_PAGE - 1) & ~(LARGE_PAGE - 1));
	madvise(mem, size, advice);
	return mem;
}

/* As far as its first instruction */
static void guest_create(struct guest *guest, const void *code, size_t size)
{
	guest->dev = mshv_open(NULL);
	if (guest->dev < 0)
		die("/dev/mshv", mshv_explain(NULL, guest->dev));
	guest->partition = mshv_create_partition(guest->dev, 1 << MSHV_PT_BIT_LAPIC |
						 1 << MSHV_PT_BIT_GPA_SUPER_PAGES);
	check(guest->partition, "create");
	check(mshv_initialize_partition(guest->partition), "initialize");
	guest->code = mmap(NULL, CODE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			   -1, 0);
	if (guest->code == MAP_FAILED)
		die("mmap", strerror(errno));
	memcpy(guest->code, code, size);
	check(mshv_map_memory(guest->partition, CODE_GPA, guest->code, CODE_SIZE, RWX), "code");
	check(mshv_vp_init(&guest->vp, guest->partition, 0), "VP");
	check(mshv_vp_setup_real_mode(&guest->vp, CODE_GPA, 0), "registers");
}

static void guest_destroy(struct guest *guest)
{
	mshv_vp_destroy(&guest->vp);
	close(guest->partition);
	close(guest->dev);
	munmap(guest->code, CODE_SIZE);
}

/* To its next write to the port, and past it */
static void guest_round(struct guest *guest)
{
	const struct hv_message *msg = &guest->vp.msg;

	check(mshv_vp_run(&guest->vp), "run");
	if (msg->header.message_type != HVMSG_X64_IO_PORT_INTERCEPT ||
	    mshv_msg_io(msg)->port_number != PORT)
		die("run", "another message than that of the port");
	check(mshv_vp_complete(&guest->vp, NULL), "complete");
}

/* ---- What is measured ---- */

static void measure_life(void)
{
	struct guest guest;
	int i;

	for (i = 0; i < GUESTS; i++) {
		begin();
		guest_create(&guest, exits, sizeof(exits));
		guest_round(&guest);
		end();
		guest_destroy(&guest);
	}
	tell("partition: from nothing to its first exit", GUESTS);
	for (i = 0; i < GUESTS; i++) {
		guest_create(&guest, exits, sizeof(exits));
		begin();
		guest_destroy(&guest);
		end();
	}
	tell("partition: closing it", GUESTS);
}

static void measure_exit(void)
{
	struct guest guest;
	int i;

	guest_create(&guest, exits, sizeof(exits));
	guest_round(&guest);
	begin();
	for (i = 0; i < ROUNDS; i++)
		guest_round(&guest);
	end();
	tell("exit to the VMM for a port, and back", ROUNDS);
	guest_destroy(&guest);
}

static void measure_irqfd(void)
{
	static unsigned char page[PAGE_SIZE] __attribute__((aligned(PAGE_SIZE)));
	struct hv_local_interrupt_controller_state *lapic = (void *)page;
	struct mshv_user_irq_entry route = { .gsi = GSI, .data = VECTOR };
	int fd = eventfd(0, EFD_CLOEXEC), logical, i;
	struct guest guest;
	uint64_t one = 1;

	guest_create(&guest, exits, sizeof(exits));
	/* Switched on by software, or the hypervisor has nothing to do */
	check(mshv_get_vp_state(guest.vp.fd, MSHV_VP_STATE_LAPIC, page, PAGE_SIZE), "APIC");
	lapic->apic_spurious = 0x1ff;
	check(mshv_set_vp_state(guest.vp.fd, MSHV_VP_STATE_LAPIC, page, PAGE_SIZE), "APIC");
	guest_round(&guest);
	check(mshv_assign_irqfd(guest.partition, fd, GSI, -1), "irqfd");
	for (logical = 0; logical < 2; logical++) {
		/* A logical destination is the hypervisor's to find. */
		route.address_lo = MSI_ADDRESS | (logical ? 1 << 12 | MSI_LOGICAL : 0);
		check(mshv_set_msi_routing(guest.partition, &route, 1), "route");
		begin();
		for (i = 0; i < ROUNDS; i++)
			if (write(fd, &one, sizeof(one)) != sizeof(one))
				die("eventfd", strerror(errno));
		end();
		tell(logical ? "irqfd, to a logical destination" :
			       "irqfd, to a VP that does not run", ROUNDS);
	}
	guest_destroy(&guest);
	close(fd);
}

static void measure_doorbell(void)
{
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), i;
	struct guest guest;
	uint64_t count = 0;

	guest_create(&guest, rings, sizeof(rings));
	check(mshv_assign_ioeventfd(guest.partition, fd, DOORBELL_GPA, 1, NULL), "ioeventfd");
	guest_round(&guest);
	begin();
	for (i = 0; i < ROUNDS / RINGS; i++)
		guest_round(&guest);
	end();
	if (read(fd, &count, sizeof(count)) != sizeof(count) || !count)
		die("doorbell", "it does not ring");
	tell("doorbell", ROUNDS / RINGS * RINGS);
	guest_destroy(&guest);
	close(fd);
}

static void measure_faults(void)
{
	const size_t size = FAULT_PAGES * PAGE_SIZE;
	void *mem = memory(size, MADV_NOHUGEPAGE);
	struct guest guest;
	int i;

	guest_create(&guest, touches, sizeof(touches));
	check(mshv_map_memory(guest.partition, FAULT_GPA, mem, size, RWX), "map");
	guest_round(&guest);
	for (i = 0; i < FAULT_ROUNDS; i++) {
		if (madvise(mem, size, MADV_DONTNEED))
			die("madvise", strerror(errno));
		begin();
		guest_round(&guest);
		end();
	}
	tell("fault of a movable page", FAULT_ROUNDS * FAULT_PAGES);
	guest_destroy(&guest);
	munmap(mem, size);
}

static void measure_memory(size_t size, int advice, const char *pages)
{
	char *mem = memory(size, advice), what[64];
	uint64_t *bitmap = calloc(size / PAGE_SIZE / 64, sizeof(*bitmap));
	struct guest guest;
	int i;

	if (!bitmap)
		die("bitmap", strerror(errno));
	memset(mem, 1, size);
	guest_create(&guest, exits, sizeof(exits));
	begin();
	check(mshv_map_memory(guest.partition, LARGE_GPA, mem, size, RWX), "map");
	end();
	snprintf(what, sizeof(what), "mapping %zu MiB, %s pages", size >> 20, pages);
	tell(what, 1);
	check(mshv_set_property(guest.partition, HV_PARTITION_PROPERTY_GPA_PAGE_ACCESS_TRACKING,
				1), "tracking");
	for (i = 0; i < 3; i++) {
		begin();
		if (mshv_get_access_bitmap(guest.partition, MSHV_GPAP_ACCESS_TYPE_DIRTY,
					   MSHV_GPAP_ACCESS_OP_CLEAR, LARGE_GPA, size / PAGE_SIZE,
					   bitmap) != (long)(size / PAGE_SIZE))
			die("bitmap", mshv_strerror());
		end();
	}
	snprintf(what, sizeof(what), "harvesting dirty bits of %zu MiB, %s pages", size >> 20,
		 pages);
	tell(what, 3);
	begin();
	check(mshv_unmap_memory(guest.partition, LARGE_GPA, mem, size), "unmap");
	end();
	snprintf(what, sizeof(what), "unmapping %zu MiB, %s pages", size >> 20, pages);
	tell(what, 1);
	guest_destroy(&guest);
	munmap(mem, size);
	free(bitmap);
}

int main(int argc, char **argv)
{
	const char *kind = argc > 1 ? argv[1] : "movable";
	size_t size = (argc > 2 ? strtoul(argv[2], NULL, 10) : 1024) << 20;

	if ((strcmp(kind, "pinned") && strcmp(kind, "movable")) || !size || argc > 3) {
		fprintf(stderr, "usage: costs [pinned|movable [MIB]]\n");
		return 2;
	}
	printf("%-44s %12s %10s %10s %10s\n", "each time:", "us", "hypercalls", "root exits",
	       "child's");
	if (!strcmp(kind, "movable")) {
		measure_life();
		measure_exit();
		measure_irqfd();
		measure_doorbell();
		measure_faults();
	}
	measure_memory(size, MADV_NOHUGEPAGE, "4 KiB");
	measure_memory(size, MADV_HUGEPAGE, "2 MiB");
	return 0;
}
