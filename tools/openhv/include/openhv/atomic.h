/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Atomic operations and locks.
 *
 * openhv runs with GIF clear: nothing interrupts it, so that a lock needs no
 * interrupt-safe form. Locks are never held across a world switch.
 */
#ifndef OPENHV_ATOMIC_H
#define OPENHV_ATOMIC_H

#include <openhv/types.h>
#include <asm/cpu.h>

#define smp_mb()	__atomic_thread_fence(__ATOMIC_SEQ_CST)	/* all before, all after */
#define smp_rmb()	__atomic_thread_fence(__ATOMIC_ACQUIRE)	/* reads before, all after */
#define smp_wmb()	__atomic_thread_fence(__ATOMIC_RELEASE)	/* all before, writes after */
#define barrier()	__asm__ __volatile__("" ::: "memory")

#define load_acquire(p)		__atomic_load_n((p), __ATOMIC_ACQUIRE)
#define store_release(p, v)	__atomic_store_n((p), (v), __ATOMIC_RELEASE)
#define atomic_or(p, v)		__atomic_fetch_or((p), (v), __ATOMIC_SEQ_CST)
#define atomic_and(p, v)	__atomic_fetch_and((p), (v), __ATOMIC_SEQ_CST)
#define atomic_add(p, v)	__atomic_add_fetch((p), (v), __ATOMIC_SEQ_CST)
#define atomic_sub(p, v)	__atomic_sub_fetch((p), (v), __ATOMIC_SEQ_CST)
#define atomic_xchg(p, v)	__atomic_exchange_n((p), (v), __ATOMIC_SEQ_CST)

/**
 * atomic_cmpxchg() - replace a value if it is still the expected one
 * @p: pointer to the value
 * @old: pointer to the expected value; receives the value found on failure
 * @new: the value to store
 *
 * Returns: true if the value was replaced
 */
#define atomic_cmpxchg(p, old, new) \
	__atomic_compare_exchange_n((p), (old), (new), false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)

/* Test-and-set of one bit in a bitmap of 32-bit words; return the old value. */
static inline bool bitmap_set_atomic(u32 *map, unsigned int bit)
{
	return atomic_or(&map[bit / 32], 1U << (bit % 32)) & (1U << (bit % 32));
}

static inline bool bitmap_clear_atomic(u32 *map, unsigned int bit)
{
	return atomic_and(&map[bit / 32], ~(1U << (bit % 32))) & (1U << (bit % 32));
}

static inline bool bitmap_test(const u32 *map, unsigned int bit)
{
	return READ_ONCE(map[bit / 32]) & (1U << (bit % 32));
}

struct spinlock {
	u32 locked;
};

static inline void spin_lock(struct spinlock *lock)
{
	while (__atomic_exchange_n(&lock->locked, 1, __ATOMIC_ACQUIRE)) {
		while (READ_ONCE(lock->locked))
			cpu_relax();
	}
}

static inline void spin_unlock(struct spinlock *lock)
{
	__atomic_store_n(&lock->locked, 0, __ATOMIC_RELEASE);
}

/* Readers count in bits 0-30; a writer holds bit 31. Readers are short. */
struct rwlock {
	u32 state;
};

#define RWLOCK_WRITER	0x80000000U

static inline void read_lock(struct rwlock *lock)
{
	for (;;) {
		u32 old = READ_ONCE(lock->state);

		if (!(old & RWLOCK_WRITER) && atomic_cmpxchg(&lock->state, &old, old + 1))
			return;
		cpu_relax();
	}
}

static inline void read_unlock(struct rwlock *lock)
{
	atomic_sub(&lock->state, 1);
}

static inline void write_lock(struct rwlock *lock)
{
	/* Claim the writer bit first, so that new readers wait; then wait for the old ones. */
	for (;;) {
		u32 old = READ_ONCE(lock->state);

		if (!(old & RWLOCK_WRITER) &&
		    atomic_cmpxchg(&lock->state, &old, old | RWLOCK_WRITER))
			break;
		cpu_relax();
	}
	while (READ_ONCE(lock->state) != RWLOCK_WRITER)
		cpu_relax();
	/* The readers have left before what they read changes. */
	smp_rmb();
}

static inline void write_unlock(struct rwlock *lock)
{
	store_release(&lock->state, 0);
}

/**
 * struct refcount - references to an object in a slot that is never freed
 * @count: the references; 0 means that the slot is empty
 *
 * The slot's memory is type-stable, so that a lookup may touch the counter of
 * an object that is going away.
 */
struct refcount {
	u32 count;
};

static inline bool ref_get_not_zero(struct refcount *r)
{
	u32 old = READ_ONCE(r->count);

	while (old) {
		if (atomic_cmpxchg(&r->count, &old, old + 1))
			return true;
	}
	return false;
}

static inline void ref_put(struct refcount *r)
{
	atomic_sub(&r->count, 1);
}

#endif /* OPENHV_ATOMIC_H */
