// SPDX-License-Identifier: GPL-2.0-only
/*
 * The extended state as HV_VP_STATE_XSAVE has it: in the compacted format
 * (APM vol. 2, 11.5), whatever format the processor writes.
 */
#include <asm/cpu.h>
#include <openhv/features.h>
#include <openhv/partition.h>
#include <openhv/string.h>
#include <openhv/xsave.h>

#define LEGACY_SIZE		512
#define HEADER_SIZE		64
#define XCOMP_COMPACTED		(1UL << 63)
#define MXCSR_OFFSET		24

struct xsave_header {
	u64 xstate_bv;
	u64 xcomp_bv;
	u64 reserved[6];
};

/* Where a component is in the standard format, its size, and its alignment when compacted */
static void component(u32 i, u32 *offset, u32 *size, bool *aligned)
{
	u32 c, d;

	cpuid_count(0xD, i, size, offset, &c, &d);
	*aligned = c & BIT(1);
}

u32 xsave_compacted_size(u64 states)
{
	u32 size = LEGACY_SIZE + HEADER_SIZE, i;

	for (i = 2; i < 63; i++) {
		u32 offset, n;
		bool aligned;

		if (!(states & (1UL << i)))
			continue;
		component(i, &offset, &n, &aligned);
		if (aligned)
			size = ALIGN_UP(size, 64U);
		size += n;
	}
	return size;
}

hv_status_t xsave_get(struct vp *vp, u64 states, void *out, u32 size)
{
	u64 valid = features_xcr0(vp->partition->xsave_features) | 3;
	const u8 *from = vp->vcpu.fpu;
	const struct xsave_header *h = (const void *)(from + LEGACY_SIZE);
	struct xsave_header *oh = (void *)((u8 *)out + LEGACY_SIZE);
	u32 at = LEGACY_SIZE + HEADER_SIZE, i;

	states = (states & valid) | 3;
	if (size < xsave_compacted_size(states))
		return HV_STATUS_INSUFFICIENT_BUFFER;
	memset(out, 0, size);
	memcpy(out, from, LEGACY_SIZE);
	oh->xstate_bv = vcpu_caps.cr4_valid & CR4_OSXSAVE ? h->xstate_bv & states : 3;
	oh->xcomp_bv = XCOMP_COMPACTED | states;
	for (i = 2; i < 63; i++) {
		u32 offset, n;
		bool aligned;

		if (!(states & (1UL << i)))
			continue;
		component(i, &offset, &n, &aligned);
		if (aligned)
			at = ALIGN_UP(at, 64U);
		if (oh->xstate_bv & (1UL << i))
			memcpy((u8 *)out + at, from + offset, n);
		at += n;
	}
	return HV_STATUS_SUCCESS;
}

/*
 * What is set will be loaded by XRSTOR in the hypervisor, which must not
 * fault: every field that it checks is checked here.
 */
hv_status_t xsave_set(struct vp *vp, const void *in, u32 size)
{
	u64 valid = features_xcr0(vp->partition->xsave_features) | 3;
	const struct xsave_header *h = (const void *)((const u8 *)in + LEGACY_SIZE);
	u8 *to = vp->vcpu.fpu;
	struct xsave_header *th = (void *)(to + LEGACY_SIZE);
	u32 at = LEGACY_SIZE + HEADER_SIZE, i, mxcsr;
	bool compacted;
	u64 states;

	if (size < LEGACY_SIZE + HEADER_SIZE)
		return HV_STATUS_INVALID_PARAMETER;
	compacted = h->xcomp_bv & XCOMP_COMPACTED;
	states = compacted ? h->xcomp_bv & ~XCOMP_COMPACTED : h->xstate_bv;
	if (h->xstate_bv & ~(valid | 3) || states & ~(valid | 3) ||
	    (compacted && h->xstate_bv & ~states))
		return HV_STATUS_INVALID_PARAMETER;
	if (size < (compacted ? xsave_compacted_size(states) : LEGACY_SIZE + HEADER_SIZE))
		return HV_STATUS_INVALID_PARAMETER;
	memcpy(&mxcsr, (const u8 *)in + MXCSR_OFFSET, sizeof(mxcsr));
	/* Not by the mask behind it: that is what was set last, or of a VP that has never run. */
	if (mxcsr & ~vcpu_caps.mxcsr_mask)
		return HV_STATUS_INVALID_REGISTER_VALUE;
	memcpy(to, in, LEGACY_SIZE);
	memset(th, 0, HEADER_SIZE);
	if (!(vcpu_caps.cr4_valid & CR4_OSXSAVE))
		return HV_STATUS_SUCCESS;
	th->xstate_bv = h->xstate_bv;
	for (i = 2; i < 63; i++) {
		u32 offset, n;
		bool aligned;

		if (!(states & (1UL << i)))
			continue;
		component(i, &offset, &n, &aligned);
		if (compacted && aligned)
			at = ALIGN_UP(at, 64U);
		if (!compacted)
			at = offset;
		if (at + n > size)
			return HV_STATUS_INVALID_PARAMETER;
		if (h->xstate_bv & (1UL << i))
			memcpy(to + offset, (const u8 *)in + at, n);
		at += n;
	}
	return HV_STATUS_SUCCESS;
}
