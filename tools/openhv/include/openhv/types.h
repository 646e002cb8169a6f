/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Basic types and macros of openhv.
 */
#ifndef OPENHV_TYPES_H
#define OPENHV_TYPES_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <tlfs/types.h>
#include <tlfs/status.h>

typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __u64 u64;
typedef __s8 s8;
typedef __s16 s16;
typedef __s32 s32;
typedef __s64 s64;

/* An address in the machine: what the processor puts on the bus. */
typedef u64 paddr_t;
/* A hypercall's status: enum hv_status in 16 bits. */
typedef u16 hv_status_t;

#define PAGE_SHIFT	12
#define PAGE_SIZE	4096UL
#define PAGE_MASK	(~(PAGE_SIZE - 1))
#define SIZE_2M		(1UL << 21)
#define SIZE_1G		(1UL << 30)

#define BIT(n)		(1UL << (n))
#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
#define ALIGN_UP(x, a)	(((x) + (a) - 1) & ~((__typeof__(x))(a) - 1))
#define ALIGN_DOWN(x, a) ((x) & ~((__typeof__(x))(a) - 1))
#define IS_ALIGNED(x, a) (((x) & ((__typeof__(x))(a) - 1)) == 0)
#define DIV_ROUND_UP(n, d) (((n) + (d) - 1) / (d))

#define min(a, b) ({ __typeof__(a) _a = (a); __typeof__(b) _b = (b); _a < _b ? _a : _b; })
#define max(a, b) ({ __typeof__(a) _a = (a); __typeof__(b) _b = (b); _a > _b ? _a : _b; })

#define container_of(ptr, type, member) \
	((type *)((char *)(ptr) - offsetof(type, member)))

#define likely(x)	__builtin_expect(!!(x), 1)
#define unlikely(x)	__builtin_expect(!!(x), 0)

#define __packed	__attribute__((packed))
#define __aligned(n)	__attribute__((aligned(n)))
#define __printf(a, b)	__attribute__((format(printf, a, b)))
#define __noreturn	__attribute__((noreturn))
#define __must_check	__attribute__((warn_unused_result))
#define __maybe_unused	__attribute__((unused))
#define fallthrough	__attribute__((fallthrough))

#define READ_ONCE(x)	(*(const volatile __typeof__(x) *)&(x))
#define WRITE_ONCE(x, v) (*(volatile __typeof__(x) *)&(x) = (v))

/* Split and join 64-bit values of EDX:EAX pairs. */
static inline u32 lower_32(u64 v)
{
	return (u32)v;
}

static inline u32 upper_32(u64 v)
{
	return (u32)(v >> 32);
}

#endif /* OPENHV_TYPES_H */
