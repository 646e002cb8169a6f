/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * For tests that attack: random numbers, a guest that is run for a while whatever
 * it does, and what must be as before when it is over.
 */
#ifndef MSHV_ATTACK_H
#define MSHV_ATTACK_H

#include <pthread.h>

#include "mshv_test.h"

#define ATTACK_VPS	4

/**
 * struct attack - guests of one test, one after the other
 * @seed: of the random numbers; it is printed
 * @random: where the test itself is in its sequence of them
 * @deadline: when it ends, in ns of CLOCK_MONOTONIC
 * @partitions: of the hypervisor when it began, if it tells
 * @deposited: pages that they had, if it tells
 * @messages: how many came
 * @restarts: how often a VP had to begin anew
 */
struct attack {
	uint64_t seed, random;
	uint64_t deadline;
	uint64_t partitions, deposited;
	uint64_t messages, restarts;
};

/* The next number of a sequence (xorshift64*), in a guest as well */
static inline uint64_t attack_random(uint64_t *state)
{
	uint64_t x = *state;

	x ^= x >> 12;
	x ^= x << 25;
	x ^= x >> 27;
	*state = x;
	return x * 0x2545f4914f6cdd1dULL;
}

/**
 * attack_begin() - begin a test
 * @attack: what to fill in
 * @units: how long to go on, in units of a second
 *
 * The environment changes both: MSHV_ATTACK_SEED is the seed, MSHV_ATTACK_SECONDS
 * the length of a unit.
 */
void attack_begin(struct attack *attack, unsigned int units);

/**
 * attack_goes_on() - whether there is time left
 * @attack: the test
 */
bool attack_goes_on(const struct attack *attack);

/**
 * attack_value() - a number that something might go wrong with
 * @state: of the sequence
 *
 * Return: small numbers, limits, non-canonical addresses, and any other.
 */
uint64_t attack_value(uint64_t *state);

/**
 * attack_run() - run all VPs of a guest at once, for a while
 * @attack: the test
 * @vps: the VPs
 * @count: how many, at most ATTACK_VPS
 * @ms: milliseconds; fewer if nothing runs any more
 * @restart: let a VP that cannot go on begin anew; false is to leave it.
 *	NULL: leave it
 *
 * A VP goes past what is intercepted. Meanwhile each processor of the root
 * partition must be there for a thread of root's.
 */
void attack_run(struct attack *attack, struct mshv_vp **vps, unsigned int count,
		unsigned int ms, bool (*restart)(struct attack *attack, struct mshv_vp *vp));

/**
 * attack_end() - end a test: everything must be as it was
 * @attack: the test
 *
 * A new guest runs, time goes by, and the hypervisor has back what it gave.
 */
void attack_end(struct attack *attack);

#endif /* MSHV_ATTACK_H */
