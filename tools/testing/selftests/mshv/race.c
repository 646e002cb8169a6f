// SPDX-License-Identifier: GPL-2.0-only
/*
 * Many threads at once that create, use and close partitions and VPs.
 */
#include <fcntl.h>
#include <pthread.h>

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
	int partition, null;
	int vps[VPS];
	volatile bool over;
	unsigned long calls;
	int unexpected;
};

/* Everything but success and what a closed or another file descriptor answers */
static bool expected(int ret)
{
	return ret >= 0 || errno == EBADF || errno == ENOTTY || errno == EINTR ||
	       errno == EEXIST || errno == EINVAL;
}

static void *use_shared(void *arg)
{
	struct hv_message *msg = mem_alloc(PAGE_SIZE);
	struct shared *s = arg;
	unsigned int i;
	int ret;

	for (i = 0; !s->over; i++, s->calls++) {
		struct mshv_create_vp create = { .vp_index = i % VPS };
		struct mshv_get_set_vp_state state = {
			.type = MSHV_VP_STATE_LAPIC, .buf_sz = PAGE_SIZE,
			.buf_ptr = (uintptr_t)msg,
		};

		switch (i % 3) {
		case 0:
			ret = ioctl(s->partition, MSHV_CREATE_VP, &create);
			if (ret >= 0)
				close(ret);
			break;
		case 1:
			ret = ioctl(s->vps[i % VPS], MSHV_GET_VP_STATE, &state);
			break;
		default:
			ret = ioctl(s->vps[i % VPS], MSHV_RUN_VP, msg);
		}
		if (!expected(ret))
			s->unexpected = errno;
	}
	return NULL;
}

TEST_TIMEOUT(closing_what_other_threads_use, 60)
{
	unsigned int i, j, rounds = test_rounds(20, 200);
	pthread_t threads[4];
	struct shared s = { .null = open("/dev/null", O_RDWR | O_CLOEXEC) };
	struct test_vm vm;

	ASSERT_LE(0, s.null);
	s.partition = dup(s.null);
	for (j = 0; j < VPS; j++)
		s.vps[j] = dup(s.null);
	for (i = 0; i < 4; i++) {
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, use_shared, &s));
	}
	for (i = 0; i < rounds; i++) {
		vm_init_real(&vm, PT_LAPIC, code, sizeof(code));
		/* The numbers stay in use: it is the files behind them that go. */
		dup2(vm.partition, s.partition);
		for (j = 0; j < VPS; j++)
			dup2(vm.vp.fd, s.vps[j]);
		usleep(2000);
		vm_destroy(&vm);
		for (j = 0; j < VPS; j++)
			dup2(s.null, s.vps[(i + j) % VPS]);
		dup2(s.null, s.partition);
	}
	s.over = true;
	for (i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	TH_LOG("%lu calls", s.calls);
	EXPECT_EQ(0, s.unexpected) TH_LOG("%s", strerror(s.unexpected));
	EXPECT_LT(0, s.calls);
}

MSHV_TEST_MAIN
