// SPDX-License-Identifier: GPL-2.0-only
/*
 * What work costs a root partition: some kinds of it, each done again and again, in
 * ticks of the TSC. Where QEMU counts instructions instead of time (-icount), a tick is
 * one instruction, of whoever: of the program, its kernel and the hypervisor.
 *
 * Usage: root_work [REPEATS]
 *
 * A line for each kind: its name, and the ticks of the median repeat.
 */
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
#define MAX_REPEATS	99
#define WORDS		(64 * 1024)
#define SWEEPS		300
#define SYSCALLS	100000
#define SWITCHES	4000
#define FAULT_PAGES	8192
#define FORKS		100
#define TIMER_US	100

static uint64_t words[WORDS];
static int ping[2], pong[2];

static void die(const char *what)
{
	perror(what);
	exit(1);
}

/* Its own instructions and nothing else: arithmetic, and memory that is there */
static void cpu(void)
{
	uint64_t x = 88172645463325252ULL;
	int n, i;

	for (n = 0; n < SWEEPS; n++) {
		for (i = 0; i < WORDS; i++) {
			x ^= x << 13;
			x ^= x >> 7;
			x ^= x << 17;
			words[i] += x;
		}
	}
}

/* The shortest way into the kernel and back */
static void syscalls(void)
{
	int i;

	for (i = 0; i < SYSCALLS; i++)
		syscall(SYS_getppid);
}

/* Pages that are not there yet */
static void faults(void)
{
	size_t size = FAULT_PAGES * 4096UL, i;
	char *mem = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (mem == MAP_FAILED)
		die("mmap");
	/* 4 KiB each, whatever the kernel prefers */
	madvise(mem, size, MADV_NOHUGEPAGE);
	for (i = 0; i < size; i += 4096)
		mem[i] = 1;
	munmap(mem, size);
}

static sig_atomic_t alarms;

static void alarmed(int number)
{
	(void)number;
	alarms++;
}

/* As much computing with an interrupt of the timer every TIMER_US */
static void timers(void)
{
	const struct itimerval every = { { 0, TIMER_US }, { 0, TIMER_US } };
	const struct itimerval none = {};

	signal(SIGALRM, alarmed);
	setitimer(ITIMER_REAL, &every, NULL);
	cpu();
	setitimer(ITIMER_REAL, &none, NULL);
}

/* Two processes that wait for each other */
static void switches(void)
{
	char byte = 0;
	pid_t child = fork();
	int i;

	if (child < 0)
		die("fork");
	for (i = 0; i < SWITCHES; i++) {
		if (child ? write(ping[1], &byte, 1) != 1 || read(pong[0], &byte, 1) != 1 :
			    read(ping[0], &byte, 1) != 1 || write(pong[1], &byte, 1) != 1)
			_exit(1);
	}
	if (!child)
		_exit(0);
	waitpid(child, NULL, 0);
}

static void forks(void)
{
	int i;

	for (i = 0; i < FORKS; i++) {
		pid_t child = fork();

		if (child < 0)
			die("fork");
		if (!child)
			_exit(0);
		waitpid(child, NULL, 0);
	}
}

static const struct {
	const char *name;
	void (*run)(void);
} kinds[] = {
	{ "cpu", cpu },
	{ "syscalls", syscalls },
	{ "faults", faults },
	{ "switches", switches },
	{ "forks", forks },
	{ "timers", timers },
};

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

int main(int argc, char **argv)
{
	int repeats = argc > 1 ? atoi(argv[1]) : 5, r;
	uint64_t ticks[MAX_REPEATS], begin;
	size_t k;

	if (repeats < 1 || repeats > MAX_REPEATS) {
		fprintf(stderr, "usage: root_work [REPEATS]\n");
		return 2;
	}
	if (pipe(ping) || pipe(pong))
		die("pipe");
	for (k = 0; k < ARRAY_SIZE(kinds); k++) {
		kinds[k].run();		/* caches, and pages of the program */
		for (r = 0; r < repeats; r++) {
			begin = __builtin_ia32_rdtsc();
			kinds[k].run();
			ticks[r] = __builtin_ia32_rdtsc() - begin;
		}
		qsort(ticks, repeats, sizeof(ticks[0]), compare);
		printf("%s %llu\n", kinds[k].name, (unsigned long long)ticks[repeats / 2]);
		fflush(stdout);
	}
	return 0;
}
