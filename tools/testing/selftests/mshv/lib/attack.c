// SPDX-License-Identifier: GPL-2.0-only
/*
 * Attacks: what their tests share.
 */
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <time.h>

#include "attack.h"
#include "openhv.h"

#define NS_PER_MS	1000000ULL
#define NS_PER_S	1000000000ULL
/* A thread that sleeps a millisecond must have run after that: nothing owns a processor. */
#define MAX_SILENCE_NS	(5 * NS_PER_S)
#define MAX_CPUS	64
#define SETTLE_TRIES	50

static uint64_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * NS_PER_S + ts.tv_nsec;
}

static uint64_t number_from(const char *variable, uint64_t otherwise)
{
	const char *text = getenv(variable);

	return text && *text ? strtoull(text, NULL, 0) : otherwise;
}

static bool hypervisor_memory(uint64_t *partitions, uint64_t *deposited)
{
	size_t size;
	struct openhv_info *info = openhv_info_read(&size);

	if (!info)
		return false;
	*partitions = info->partition_count;
	*deposited = info->deposited_pages;
	free(info);
	return true;
}

static void nothing(int number)
{
	(void)number;
}

/* Root's own pool keeps what it was once given: give it what the tests take. */
static void fill_roots_pool(void)
{
	struct mshv_vp more[ATTACK_VPS - 1];
	struct test_vm vm;
	unsigned int i;

	vm_init(&vm, PT_LAPIC, PAGE_SIZE);
	for (i = 0; i < ATTACK_VPS - 1; i++)
		TEST_ASSERT(!mshv_vp_init(&more[i], vm.partition, i + 1), "%s", mshv_strerror());
	for (i = 0; i < ATTACK_VPS - 1; i++)
		mshv_vp_destroy(&more[i]);
	vm_destroy(&vm);
}

void attack_begin(struct attack *attack, unsigned int units)
{
	struct sigaction action = { .sa_handler = nothing };

	memset(attack, 0, sizeof(*attack));
	attack->seed = number_from("MSHV_ATTACK_SEED", now() & 0xffffffff);
	/* No sequence may begin with 0. */
	attack->random = attack->seed * 2 + 1;
	attack->deadline = now() + units * number_from("MSHV_ATTACK_SECONDS", 1) * NS_PER_S;
	fill_roots_pool();
	hypervisor_memory(&attack->partitions, &attack->deposited);
	sigaction(SIGUSR1, &action, NULL);
	printf("# MSHV_ATTACK_SEED=%llu\n", (unsigned long long)attack->seed);
	fflush(stdout);
}

bool attack_goes_on(const struct attack *attack)
{
	return now() < attack->deadline;
}

uint64_t attack_value(uint64_t *state)
{
	uint64_t value = attack_random(state);
	unsigned int bits = attack_random(state) & 63;

	switch (attack_random(state) % 8) {
	case 0:
		return value & 0xff;
	case 1:
		return 1ULL << bits;
	case 2:
		return ~(1ULL << bits);
	case 3:
		return (1ULL << bits) - 1;
	case 4:
		return value & 0x7fffff;	/* memory of the guest's */
	case 5:
		return 0x800000000000ULL - (value & 0xfff);
	case 6:
		return -(value & 0xffff);
	default:
		return value;
	}
}

/* ---- Running ---- */

struct runner {
	struct attack *attack;
	struct mshv_vp *vp;
	bool (*restart)(struct attack *attack, struct mshv_vp *vp);
	pthread_t thread;
	uint64_t messages, restarts;
	atomic_bool ended;
};

static atomic_bool enough;

static bool go_past(struct mshv_vp *vp)
{
	switch (vp->msg.header.message_type) {
	case HVMSG_X64_IO_PORT_INTERCEPT:
	case HVMSG_X64_CPUID_INTERCEPT:
	case HVMSG_X64_MSR_INTERCEPT:
	case HVMSG_X64_HALT:
	case HVMSG_HYPERCALL_INTERCEPT:
		return !mshv_vp_complete(vp, NULL);
	case HVMSG_X64_APIC_EOI:
	case HVMSG_X64_INTERRUPTION_DELIVERABLE:
		return true;
	default:
		return false;
	}
}

static void *run_one(void *arg)
{
	struct runner *r = arg;
	int ret;

	while (!enough) {
		ret = mshv_vp_run(r->vp);
		if (ret == -EINTR)
			continue;
		if (!ret) {
			r->messages++;
			if (go_past(r->vp))
				continue;
		}
		r->restarts++;
		if (!r->restart || !r->restart(r->attack, r->vp))
			break;
	}
	r->ended = true;
	return NULL;
}

struct ticker {
	pthread_t thread;
	int cpu;
	uint64_t silence;
};

static void *tick(void *arg)
{
	const struct timespec ms = { .tv_nsec = NS_PER_MS };
	struct ticker *t = arg;
	uint64_t before = now(), after;
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(t->cpu, &set);
	sched_setaffinity(0, sizeof(set), &set);
	while (!enough) {
		clock_nanosleep(CLOCK_MONOTONIC, 0, &ms, NULL);
		after = now();
		if (after - before > t->silence)
			t->silence = after - before;
		before = after;
	}
	return NULL;
}

static bool all_ended(struct runner *runners, unsigned int count)
{
	unsigned int i;

	for (i = 0; i < count; i++) {
		if (!runners[i].ended)
			return false;
	}
	return true;
}

void attack_run(struct attack *attack, struct mshv_vp **vps, unsigned int count,
		unsigned int ms, bool (*restart)(struct attack *attack, struct mshv_vp *vp))
{
	struct runner runners[ATTACK_VPS] = { 0 };
	struct ticker tickers[MAX_CPUS] = { 0 };
	uint64_t end = now() + ms * NS_PER_MS;
	unsigned int cpus = sysconf(_SC_NPROCESSORS_ONLN), i;

	enough = false;
	for (i = 0; i < cpus; i++) {
		tickers[i].cpu = i;
		TEST_ASSERT(!pthread_create(&tickers[i].thread, NULL, tick, &tickers[i]), "thread");
	}
	for (i = 0; i < count; i++) {
		runners[i].attack = attack;
		runners[i].vp = vps[i];
		runners[i].restart = restart;
		TEST_ASSERT(!pthread_create(&runners[i].thread, NULL, run_one, &runners[i]),
			    "thread");
	}
	while (now() < end && !all_ended(runners, count))
		usleep(1000);
	enough = true;
	/* A signal may come just before a run: another follows. */
	while (!all_ended(runners, count)) {
		TEST_ASSERT(now() < end + MAX_SILENCE_NS, "VPs stop when they are asked to");
		for (i = 0; i < count; i++)
			pthread_kill(runners[i].thread, SIGUSR1);
		usleep(1000);
	}
	for (i = 0; i < count; i++) {
		pthread_join(runners[i].thread, NULL);
		attack->messages += runners[i].messages;
		attack->restarts += runners[i].restarts;
	}
	for (i = 0; i < cpus; i++) {
		pthread_join(tickers[i].thread, NULL);
		TEST_ASSERT(tickers[i].silence < MAX_SILENCE_NS,
			    "processor %u: nothing for %llu ms", i,
			    (unsigned long long)(tickers[i].silence / NS_PER_MS));
	}
}

/* ---- Afterwards ---- */

static GUEST_CODE void guest_is_well(void)
{
	volatile uint64_t sum = 0;
	uint64_t i;

	for (i = 1; i <= 1000; i++)
		sum += i * i;
	GUEST_ASSERT_EQ(sum, 333833500);
	GUEST_DONE();
}

void attack_end(struct attack *attack)
{
	uint64_t partitions = 0, deposited = 0;
	struct test_vm vm;
	int i;

	printf("# %llu messages, %llu restarts\n", (unsigned long long)attack->messages,
	       (unsigned long long)attack->restarts);
	vm_init_long(&vm, PT_LAPIC, guest_is_well);
	vm_run_to_done(&vm);
	vm_destroy(&vm);
	for (i = 0; i < SETTLE_TRIES; i++) {
		if (!hypervisor_memory(&partitions, &deposited) ||
		    (partitions == attack->partitions && deposited == attack->deposited))
			return;
		usleep(20000);
	}
	test_fail(__FILE__, __LINE__, "the hypervisor has its memory back",
		  "%llu partitions instead of %llu, %llu pages deposited instead of %llu",
		  (unsigned long long)partitions, (unsigned long long)attack->partitions,
		  (unsigned long long)deposited, (unsigned long long)attack->deposited);
}
