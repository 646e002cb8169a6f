// SPDX-License-Identifier: GPL-2.0-only
/*
 * What an exit of a guest to its VMM costs, by /dev/mshv or by /dev/kvm: a guest in
 * real mode writes to a port again and again.
 *
 * Usage: port_exit mshv|kvm [ROUNDS]
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <mshv/vp.h>

#define GUEST_GPA	0x1000
#define PAGE_SIZE	4096
#define WARM_UP		100
#define PORT		0x10

/* out %al, $0x10; jmp back */
static const unsigned char guest_code[] = { 0xe6, PORT, 0xeb, 0xfc };

static void die(const char *what, const char *why)
{
	fprintf(stderr, "port_exit: %s: %s\n", what, why);
	exit(1);
}

static void *guest_memory(void)
{
	void *mem = mmap(NULL, PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
			 -1, 0);

	if (mem == MAP_FAILED)
		die("mmap", strerror(errno));
	memcpy(mem, guest_code, sizeof(guest_code));
	return mem;
}

static struct mshv_vp vp;

static void mshv_begin(void)
{
	int dev = mshv_open(NULL), partition;

	if (dev < 0)
		die("/dev/mshv", mshv_explain(NULL, dev));
	partition = mshv_create_partition(dev, 1 << MSHV_PT_BIT_LAPIC);
	if (partition < 0 || mshv_initialize_partition(partition) ||
	    mshv_map_memory(partition, GUEST_GPA, guest_memory(), PAGE_SIZE,
			    1 << MSHV_SET_MEM_BIT_WRITABLE | 1 << MSHV_SET_MEM_BIT_EXECUTABLE) ||
	    mshv_vp_init(&vp, partition, 0) || mshv_vp_setup_real_mode(&vp, GUEST_GPA, 0))
		die("guest", mshv_strerror());
}

static void mshv_round(void)
{
	if (mshv_vp_run(&vp))
		die("run", mshv_strerror());
	if (vp.msg.header.message_type != HVMSG_X64_IO_PORT_INTERCEPT ||
	    mshv_msg_io(&vp.msg)->port_number != PORT)
		die("run", "another message than that of the port");
	if (mshv_vp_complete(&vp, NULL))
		die("complete", mshv_strerror());
}

static struct kvm_run *kvm_run;
static int kvm_vcpu;

static void kvm_begin(void)
{
	int dev = open("/dev/kvm", O_RDWR), vm;
	struct kvm_userspace_memory_region region = {
		.guest_phys_addr = GUEST_GPA, .memory_size = PAGE_SIZE,
	};
	struct kvm_sregs sregs;
	struct kvm_regs regs = { .rip = GUEST_GPA, .rflags = 2 };

	if (dev < 0)
		die("/dev/kvm", strerror(errno));
	vm = ioctl(dev, KVM_CREATE_VM, 0);
	region.userspace_addr = (unsigned long)guest_memory();
	if (vm < 0 || ioctl(vm, KVM_SET_USER_MEMORY_REGION, &region))
		die("guest", strerror(errno));
	kvm_vcpu = ioctl(vm, KVM_CREATE_VCPU, 0);
	kvm_run = mmap(NULL, ioctl(dev, KVM_GET_VCPU_MMAP_SIZE, 0), PROT_READ | PROT_WRITE,
		       MAP_SHARED, kvm_vcpu, 0);
	if (kvm_vcpu < 0 || kvm_run == MAP_FAILED || ioctl(kvm_vcpu, KVM_GET_SREGS, &sregs))
		die("VCPU", strerror(errno));
	sregs.cs.base = 0;
	sregs.cs.selector = 0;
	if (ioctl(kvm_vcpu, KVM_SET_SREGS, &sregs) || ioctl(kvm_vcpu, KVM_SET_REGS, &regs))
		die("registers", strerror(errno));
}

static void kvm_round(void)
{
	if (ioctl(kvm_vcpu, KVM_RUN, 0))
		die("run", strerror(errno));
	if (kvm_run->exit_reason != KVM_EXIT_IO || kvm_run->io.port != PORT)
		die("run", "another exit than that of the port");
}

int main(int argc, char **argv)
{
	int kvm = argc > 1 && !strcmp(argv[1], "kvm");
	void (*one)(void) = kvm ? kvm_round : mshv_round;
	int rounds = argc > 2 ? atoi(argv[2]) : 10000, i;
	struct timespec a, b;

	if (argc < 2 || (!kvm && strcmp(argv[1], "mshv")) || rounds < 1) {
		fprintf(stderr, "usage: port_exit mshv|kvm [ROUNDS]\n");
		return 2;
	}
	if (kvm)
		kvm_begin();
	else
		mshv_begin();
	for (i = 0; i < WARM_UP; i++)
		one();
	clock_gettime(CLOCK_MONOTONIC, &a);
	for (i = 0; i < rounds; i++)
		one();
	clock_gettime(CLOCK_MONOTONIC, &b);
	printf("%s: %d exits to user space and back, %.2f us each\n", argv[1], rounds,
	       ((b.tv_sec - a.tv_sec) * 1e6 + (b.tv_nsec - a.tv_nsec) / 1e3) / rounds);
	return 0;
}
