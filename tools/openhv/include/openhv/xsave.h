/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The extended processor state as a saved state.
 */
#ifndef OPENHV_XSAVE_H
#define OPENHV_XSAVE_H

#include <openhv/types.h>

struct vp;

/* Bytes of an area in the compacted format with these states. */
u32 xsave_compacted_size(u64 states);

/**
 * xsave_get() - write a VP's extended state
 * @vp: the VP, owned
 * @states: components wanted, as XCR0 numbers them
 * @out: where to
 * @size: bytes there are
 */
hv_status_t xsave_get(struct vp *vp, u64 states, void *out, u32 size);

/* Take over an area in the compacted or the standard format. */
hv_status_t xsave_set(struct vp *vp, const void *in, u32 size);

#endif /* OPENHV_XSAVE_H */
