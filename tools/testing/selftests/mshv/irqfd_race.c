// SPDX-License-Identifier: GPL-2.0-only
/*
 * irqfds, ioeventfds and routes that are changed by many threads at once, while
 * their eventfds are signalled.
 */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <time.h>

#include "mshv_test.h"

#define SECONDS		3
#define CHANGERS	3
#define GSIS		8

struct storm {
	int partition;
	int shared;
	time_t end;
	atomic_uint gsi;
	atomic_uint rounds;
	atomic_int error;
};

/* Keep the first error, a negative errno. */
static void note(struct storm *s, int ret)
{
	int none = 0;

	if (ret < 0)
		atomic_compare_exchange_strong(&s->error, &none, ret);
}

static int signal_eventfd(int fd)
{
	const uint64_t one = 1;

	return write(fd, &one, sizeof(one)) < 0 ? -errno : 0;
}

static bool goes_on(const struct storm *s)
{
	return time(NULL) < s->end;
}

/* Its own eventfd, which it closes now and then with the irqfd still there */
static void *changer(void *arg)
{
	struct storm *s = arg;
	__u32 gsi = atomic_fetch_add(&s->gsi, 1);

	while (goes_on(s)) {
		int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

		note(s, mshv_assign_irqfd(s->partition, fd, gsi, -1));
		note(s, signal_eventfd(fd));
		if (atomic_fetch_add(&s->rounds, 1) % 3)
			note(s, mshv_deassign_irqfd(s->partition, fd, gsi));
		close(fd);
	}
	return NULL;
}

static void *router(void *arg)
{
	struct mshv_user_irq_entry entries[GSIS] = {};
	struct storm *s = arg;
	int i;

	while (goes_on(s)) {
		for (i = 0; i < GSIS; i++) {
			entries[i].gsi = i;
			entries[i].address_lo = 0xfee00000;
			entries[i].data = 0x40 + (entries[i].data + 1) % 0x80;
		}
		note(s, mshv_set_msi_routing(s->partition, entries, GSIS));
		note(s, mshv_set_msi_routing(s->partition, NULL, 0));
	}
	return NULL;
}

static void *signaller(void *arg)
{
	struct storm *s = arg;

	while (goes_on(s))
		note(s, signal_eventfd(s->shared));
	return NULL;
}

TEST(irqfds_come_and_go_while_they_are_signalled)
{
	void *(*functions[])(void *) = { changer, changer, changer, router, signaller };
	pthread_t threads[ARRAY_SIZE(functions)];
	struct storm s = { .shared = eventfd(0, EFD_CLOEXEC), .end = time(NULL) + SECONDS };
	int dev = dev_open(), vp;
	size_t i;

	s.partition = partition_create(dev, PT_LAPIC);
	vp = mshv_create_vp(s.partition, 0);
	ASSERT_OK(vp);
	ASSERT_OK(mshv_assign_irqfd(s.partition, s.shared, CHANGERS, -1));
	for (i = 0; i < ARRAY_SIZE(functions); i++) {
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, functions[i], &s));
	}
	for (i = 0; i < ARRAY_SIZE(functions); i++)
		pthread_join(threads[i], NULL);
	EXPECT_EQ(0, atomic_load(&s.error));
	EXPECT_GT(atomic_load(&s.rounds), 10);

	/* The one that was there all the time has not been lost. */
	EXPECT_EQ(-EBUSY, mshv_assign_irqfd(s.partition, s.shared, CHANGERS, -1));
	EXPECT_OK(mshv_deassign_irqfd(s.partition, s.shared, CHANGERS));
	EXPECT_OK(mshv_assign_irqfd(s.partition, s.shared, CHANGERS, -1));
	close(vp);
	close(s.partition);
	close(dev);
}

TEST_HARNESS_MAIN
