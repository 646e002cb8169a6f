// SPDX-License-Identifier: GPL-2.0-only
/*
 * What interrupts cost a root partition: some kinds of them, each provoked again and
 * again; the time of one, and openhv's exits for it by reason. For idling and computing
 * it is exits a second.
 *
 * Usage: interrupts [ROUNDS]
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/membarrier.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "openhv.h"

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
#define BLOCK		4096
#define DISK		"/dev/vda"
#define SLEEP_NS	500000
#define SECONDS	5

static int rounds = 500;

static void die(const char *what)
{
	fprintf(stderr, "interrupts: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* Interrupts of a device: reads that no cache answers */
static void reads(void)
{
	static char block[BLOCK] __attribute__((aligned(BLOCK)));
	int fd = open(DISK, O_RDONLY | O_DIRECT), i;

	if (fd < 0)
		die(DISK);
	for (i = 0; i < rounds; i++)
		if (pread(fd, block, BLOCK, i % 256 * BLOCK) != BLOCK)
			die("read");
	close(fd);
}

/* Interrupts of the timer */
static void sleeps(void)
{
	const struct timespec time = { .tv_nsec = SLEEP_NS };
	int i;

	for (i = 0; i < rounds; i++)
		nanosleep(&time, NULL);
}

static void run_on(int cpu)
{
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET(cpu, &cpus);
	if (sched_setaffinity(0, sizeof(cpus), &cpus))
		die("affinity");
}

static atomic_bool begun, over;

static void *elsewhere(void *unused)
{
	run_on(1);
	begun = true;
	while (!over)
		;
	return unused;
}

/* Interrupts from one processor to another that computes */
static void ipis(void)
{
	pthread_t thread;
	int i;

	if (sysconf(_SC_NPROCESSORS_ONLN) < 2)
		return;
	run_on(0);
	if (pthread_create(&thread, NULL, elsewhere, NULL))
		die("thread");
	while (!begun)
		usleep(1000);
	if (syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0))
		die("membarrier");
	for (i = 0; i < rounds; i++)
		if (syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0))
			die("membarrier");
	over = true;
	pthread_join(thread, NULL);
}

/* None that anybody asked for */
static void idle(void)
{
	sleep(SECONDS);
}

/* The tick of one processor */
static void busy(void)
{
	struct timespec time;
	time_t end;

	clock_gettime(CLOCK_MONOTONIC, &time);
	end = time.tv_sec + SECONDS;
	while (time.tv_sec < end)
		clock_gettime(CLOCK_MONOTONIC, &time);
}

static const struct {
	const char *name;
	void (*run)(void);
	int times;		/* 0: rounds */
} kinds[] = {
	{ "idle", idle, SECONDS },
	{ "busy", busy, SECONDS },
	{ "reads", reads, 0 },
	{ "sleeps", sleeps, 0 },
	{ "ipis", ipis, 0 },
};

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1e6 + time.tv_nsec / 1e3;
}

static void count(uint64_t *exits, int sign)
{
	struct openhv_info *info;
	unsigned int lp, i;
	size_t size;

	info = openhv_info_read(&size);
	for (lp = 0; info && lp < info->lp_count; lp++)
		for (i = 0; i < OPENHV_EXIT_COUNT; i++)
			exits[i] += sign * info->lp[lp].root_exits[i];
	free(info);
}

static void tell(const char *name, int times, double us, const uint64_t *exits)
{
	static const struct {
		int reason;
		const char *name;
	} reasons[] = {
		{ OPENHV_EXIT_INTERRUPT, "interrupts" }, { OPENHV_EXIT_MSR_WRITE, "MSR writes" },
		{ OPENHV_EXIT_MSR_READ, "MSR reads" }, { OPENHV_EXIT_NMI, "NMIs" },
	};
	uint64_t all = 0;
	size_t i;

	for (i = 0; i < OPENHV_EXIT_COUNT; i++)
		all += exits[i];
	printf("%-8s %8.1f us, exits %.2f:", name, us / times, (double)all / times);
	for (i = 0; i < ARRAY_SIZE(reasons); i++)
		printf(" %s %.2f", reasons[i].name, (double)exits[reasons[i].reason] / times);
	printf("\n");
	fflush(stdout);
}

int main(int argc, char **argv)
{
	size_t k;

	if (argc > 1)
		rounds = atoi(argv[1]);
	if (rounds < 1) {
		fprintf(stderr, "usage: interrupts [ROUNDS]\n");
		return 2;
	}
	for (k = 0; k < ARRAY_SIZE(kinds); k++) {
		uint64_t exits[OPENHV_EXIT_COUNT] = {};
		double begin;

		count(exits, -1);
		begin = now();
		kinds[k].run();
		begin = now() - begin;
		count(exits, 1);
		tell(kinds[k].name, kinds[k].times ? kinds[k].times : rounds, begin, exits);
	}
	return 0;
}
