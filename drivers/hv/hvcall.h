/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The hypercall engine. The typed wrappers are in hvcalls.h.
 */
#ifndef MSHV_HVCALL_H
#define MSHV_HVCALL_H

#include <linux/bits.h>
#include <linux/types.h>

struct mshv_pool;

/* The caller cannot sleep: no deposits, no rescheduling */
#define MSHV_HVCALL_ATOMIC	BIT(0)
/* @in and @out are whole pages of the direct map and are used in place */
#define MSHV_HVCALL_IN_PLACE	BIT(1)
/* A failure is a user's or a probe's, and not worth a line in the log */
#define MSHV_HVCALL_QUIET	BIT(2)
/* Do not deposit on behalf of this call, whoever's pool is short */
#define MSHV_HVCALL_NO_DEPOSIT	BIT(3)

/**
 * struct mshv_hvcall - one hypercall that takes its input from memory
 * @code: HVCALL_*
 * @flags: MSHV_HVCALL_*
 * @varhead: size of the variable header, in 8-byte units
 * @reps: number of repetitions; 0 makes it a simple call
 * @in: fixed part of the input
 * @in_size: its size, in bytes
 * @in_reps: elements that follow it, or NULL
 * @in_rep_size: size of one of them, in bytes; with @reps 0, size of them all
 * @out: where the output goes, or NULL
 * @out_size: its size, in bytes, of a simple call
 * @out_rep_size: size of one element of it, in bytes, of a rep call
 * @pool: whose pool is meant by "insufficient memory"; NULL: no one's
 * @deposit: pages to deposit when first asked for some; 0 is 1
 * @done: result: repetitions completed
 * @status: result: the hypervisor's status
 */
struct mshv_hvcall {
	u16 code;
	u16 flags;
	u16 varhead;
	u16 reps;
	const void *in;
	size_t in_size;
	const void *in_reps;
	size_t in_rep_size;
	void *out;
	size_t out_size;
	size_t out_rep_size;
	struct mshv_pool *pool;
	unsigned int deposit;
	/* results */
	u16 done;
	u16 status;
};

/**
 * mshv_hvcall_init() - allocate the input and output pages of every possible CPU
 *
 * Return: 0; -ENOMEM.
 */
int mshv_hvcall_init(void);

/**
 * mshv_hvcall_exit() - free them
 */
void mshv_hvcall_exit(void);

/**
 * mshv_hvcall() - issue a hypercall to its end
 * @call: the call; @done and @status are filled in
 *
 * Continues a rep call that the hypervisor interrupted, and deposits memory and
 * goes on where the hypervisor stopped when it asks for some. Bounded: a
 * hypervisor that makes no progress is not asked for ever.
 *
 * May sleep unless MSHV_HVCALL_ATOMIC is set.
 *
 * Return: 0; the errno of the status; -ENOMEM where memory was asked for and
 * there is none; -EIO if the hypervisor made no progress; -EINVAL if the
 * parameters do not fit in their pages.
 */
int mshv_hvcall(struct mshv_hvcall *call);

/**
 * mshv_hvcall_deposit() - deposit what a status asks for
 * @pool: whose pool is meant, unless the status says that it is root's
 * @status: one that mshv_status_needs_memory() is true of
 * @nr: pages, where the status itself does not say how many
 *
 * May sleep.
 *
 * Return: 0; a negative errno.
 */
int mshv_hvcall_deposit(struct mshv_pool *pool, u16 status, unsigned int nr);

/**
 * mshv_hvcall_fast() - issue a simple hypercall with up to 16 bytes of input
 * @code: HVCALL_*
 * @input1: first 8 bytes
 * @input2: second 8 bytes
 * @status: where the hypervisor's status goes, or NULL
 *
 * May be called in any context.
 *
 * Return: 0; the errno of the status.
 */
int mshv_hvcall_fast(u16 code, u64 input1, u64 input2, u16 *status);

#endif /* MSHV_HVCALL_H */
