// SPDX-License-Identifier: GPL-2.0-only
/*
 * Many threads at once that create, use and close partitions and VPs.
 */
#include <fcntl.h>
#include <pthread.h>
#include <sys/eventfd.h>

#include <tlfs/partition.h>

#include "mshv_test.h"

#define THREADS		8
#define VPS		16
#define PARTITIONS	64

/* out %al, $0x10 */
static const uint8_t code[] = { 0xe6, 0x10 };

TEST_TIMEOUT(many_partitions_at_once, 60)
{
	static struct test_vm vms[PARTITIONS];
	unsigned int i, round;

	for (i = 0; i < PARTITIONS; i++)
		vm_init_real(&vms[i], PT_LAPIC, code, sizeof(code));
	for (round = 0; round < test_rounds(2, 20); round++) {
		for (i = 0; i < PARTITIONS; i++) {
			ASSERT_EQ(HVMSG_X64_IO_PORT_INTERCEPT, vm_run(&vms[i]));
		}
	}
	for (i = 0; i < PARTITIONS; i++)
		vm_destroy(&vms[i * 37 % PARTITIONS]);
}

/* ---- Creating and closing ---- */

static void *create_and_close(void *arg)
{
	unsigned int i, j, rounds = test_rounds(5, 50);
	struct test_vm vm;
	int vps[3];

	(void)arg;
	for (i = 0; i < rounds; i++) {
		vm_init_real(&vm, PT_LAPIC, code, sizeof(code));
		for (j = 0; j < 3; j++) {
			vps[j] = mshv_create_vp(vm.partition, j + 1);
			TEST_ASSERT(vps[j] >= 0, "%s", mshv_strerror());
		}
		TEST_ASSERT(vm_run(&vm) == HVMSG_X64_IO_PORT_INTERCEPT, "another message");
		/* The last of these ends the partition. */
		vm_destroy(&vm);
		for (j = 0; j < 3; j++)
			close(vps[j]);
	}
	return NULL;
}

TEST_TIMEOUT(threads_with_partitions_of_their_own, 60)
{
	pthread_t threads[THREADS];
	int i;

	for (i = 0; i < THREADS; i++) {
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, create_and_close, NULL));
	}
	for (i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
}

/* ---- Closing under those who use it ---- */

struct shared {
	int device, partition, null;
	int vps[VPS];
	volatile bool over;
	unsigned long calls, done[3];	/* all, and those of each kind of file that succeeded */
	int unexpected;
	unsigned int which;	/* of the calls, if one ended unexpectedly */
};

/* Everything but success and what a closed or another file descriptor answers */
static bool expected(int ret)
{
	return ret >= 0 || errno == EBADF || errno == ENOTTY || errno == EINTR ||
	       errno == EEXIST || errno == EINVAL || errno == EBUSY || errno == ENOENT;
}

static int use_device(int fd, unsigned int i)
{
	struct mshv_create_partition create = { .pt_flags = PT_LAPIC };
	struct hv_input_get_partition_property in = {
		.property_code = HV_PARTITION_PROPERTY_PROCESSOR_VENDOR,
	};
	__u64 vendor;
	struct mshv_root_hvcall call = {
		.code = HVCALL_GET_PARTITION_PROPERTY, .in_sz = sizeof(in),
		.in_ptr = (uintptr_t)&in, .out_sz = sizeof(vendor), .out_ptr = (uintptr_t)&vendor,
	};
	int ret;

	if (i % 4)
		return ioctl(fd, MSHV_ROOT_HVCALL, &call);
	ret = ioctl(fd, MSHV_CREATE_PARTITION, &create);
	if (ret >= 0)
		close(ret);
	return ret;
}

/* The ioctls of a partition that take arguments, each in turn */
static int use_partition(int fd, unsigned int i, void *page, int event)
{
	struct mshv_create_vp create = { .vp_index = i % VPS };
	struct mshv_user_mem_region region = {
		.guest_pfn = 0x1000 + i % 4, .size = PAGE_SIZE, .userspace_addr = (uintptr_t)page,
		.flags = i & 8 ? BIT(MSHV_SET_MEM_BIT_UNMAP) : MEM_RW,
	};
	struct mshv_user_irqfd irqfd = {
		.fd = event, .gsi = 5, .flags = i & 8 ? BIT(MSHV_IRQFD_BIT_DEASSIGN) : 0,
	};
	struct mshv_user_ioeventfd ioeventfd = {
		.fd = event, .addr = 0xd0000000 + i % 4 * 8, .len = 4,
		.flags = i & 8 ? BIT(MSHV_IOEVENTFD_BIT_DEASSIGN) : 0,
	};
	struct {
		struct mshv_user_irq_table table;
		struct mshv_user_irq_entry entry;
	} routing = { .table.nr = i >> 3 & 1, .entry = { 5, 0xfee00000, 0, 0x51 } };
	uint64_t bitmap;
	struct mshv_gpap_access_bitmap harvest = {
		.access_type = MSHV_GPAP_ACCESS_TYPE_DIRTY, .page_count = 16,
		.bitmap_ptr = (uintptr_t)&bitmap,
	};
	struct hv_input_set_partition_property property = {
		.property_code = HV_PARTITION_PROPERTY_UNIMPLEMENTED_MSR_ACTION,
		.property_value = i >> 3 & 1,
	};
	struct mshv_root_hvcall call = {
		.code = HVCALL_SET_PARTITION_PROPERTY, .in_sz = sizeof(property),
		.in_ptr = (uintptr_t)&property,
	};
	int ret;

	switch (i % 8) {
	case 0:
		ret = ioctl(fd, MSHV_CREATE_VP, &create);
		if (ret >= 0)
			close(ret);
		return ret;
	case 1:
		return ioctl(fd, MSHV_SET_GUEST_MEMORY, &region);
	case 2:
		return ioctl(fd, MSHV_IRQFD, &irqfd);
	case 3:
		return ioctl(fd, MSHV_IOEVENTFD, &ioeventfd);
	case 4:
		return ioctl(fd, MSHV_SET_MSI_ROUTING, &routing);
	case 5:
		return ioctl(fd, MSHV_GET_GPAP_ACCESS_BITMAP, &harvest);
	case 6:
		return ioctl(fd, MSHV_ROOT_HVCALL, &call);
	default:
		return ioctl(fd, MSHV_INITIALIZE_PARTITION);
	}
}

/* Those of a VP; @lapic is what was got, and is what is set */
static int use_vp(int fd, unsigned int i, void *page, void *lapic)
{
	struct mshv_get_set_vp_state state = {
		.type = MSHV_VP_STATE_LAPIC, .buf_sz = PAGE_SIZE, .buf_ptr = (uintptr_t)lapic,
	};
	struct {
		struct hv_input_get_vp_registers header;
		__u32 name;
	} in = { .name = HV_X64_REGISTER_RIP };
	union hv_register_value value;
	struct mshv_root_hvcall call = {
		.code = HVCALL_GET_VP_REGISTERS, .reps = 1, .in_sz = sizeof(in),
		.in_ptr = (uintptr_t)&in, .out_sz = sizeof(value), .out_ptr = (uintptr_t)&value,
	};

	switch (i % 6) {
	case 0:
		return ioctl(fd, MSHV_GET_VP_STATE, &state);
	case 3:
		return ioctl(fd, MSHV_SET_VP_STATE, &state);
	case 1:
		return ioctl(fd, MSHV_ROOT_HVCALL, &call);
	case 2:
		return ioctl(fd, MSHV_CANCEL_VP, i & 8 ? MSHV_CANCEL_VP_CLEAR : 0);
	default:
		return ioctl(fd, MSHV_RUN_VP, page);
	}
}

static void *use_shared(void *arg)
{
	void *page = mem_alloc(PAGE_SIZE), *lapic = mem_alloc(PAGE_SIZE);
	int event = eventfd(0, EFD_CLOEXEC);
	struct shared *s = arg;
	unsigned int i;
	int ret;

	for (i = 0; !s->over; i++, s->calls++) {
		if (i % 3 == 0)
			ret = use_device(s->device, i / 3);
		else if (i % 3 == 1)
			ret = use_partition(s->partition, i / 3, page, event);
		else
			ret = use_vp(s->vps[i % VPS], i / 3, page, lapic);
		if (ret >= 0)
			s->done[i % 3]++;
		if (!expected(ret)) {
			s->unexpected = errno;
			s->which = i;
		}
	}
	close(event);
	return NULL;
}

TEST_TIMEOUT(closing_what_other_threads_use, 60)
{
	static const char * const of[] = { "the device", "a partition", "a VP" };
	unsigned int i, j, rounds = test_rounds(20, 200);
	pthread_t threads[4];
	struct shared s = { .null = open("/dev/null", O_RDWR | O_CLOEXEC) };
	struct test_vm vm;

	ASSERT_LE(0, s.null);
	s.device = dup(s.null);
	s.partition = dup(s.null);
	for (j = 0; j < VPS; j++)
		s.vps[j] = dup(s.null);
	for (i = 0; i < 4; i++) {
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, use_shared, &s));
	}
	for (i = 0; i < rounds; i++) {
		vm_init_real(&vm, PT_LAPIC, code, sizeof(code));
		ASSERT_OK(mshv_set_property(vm.partition,
					    HV_PARTITION_PROPERTY_GPA_PAGE_ACCESS_TRACKING, 1));
		/* The numbers stay in use: it is the files behind them that go. */
		dup2(vm.dev, s.device);
		dup2(vm.partition, s.partition);
		for (j = 0; j < VPS; j++)
			dup2(vm.vp.fd, s.vps[j]);
		usleep(2000);
		vm_destroy(&vm);
		for (j = 0; j < VPS; j++)
			dup2(s.null, s.vps[(i + j) % VPS]);
		dup2(s.null, s.partition);
		dup2(s.null, s.device);
	}
	s.over = true;
	for (i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	TH_LOG("%lu calls; %lu of the device, %lu of a partition, %lu of a VP succeeded", s.calls,
	       s.done[0], s.done[1], s.done[2]);
	EXPECT_EQ(0, s.unexpected) {
		TH_LOG("%s: call %u of %s", strerror(s.unexpected), s.which / 3, of[s.which % 3]);
	}
	for (i = 0; i < 3; i++) {
		EXPECT_LT(0, s.done[i]) TH_LOG("no call of %s succeeds", of[i]);
	}
}

MSHV_TEST_MAIN
