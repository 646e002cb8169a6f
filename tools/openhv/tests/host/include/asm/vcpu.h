/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The vendor's part of a VCPU in the host build: plain memory.
 */
#ifndef OPENHV_ASM_VCPU_H
#define OPENHV_ASM_VCPU_H

#include <openhv/types.h>

struct host_vmcb;

/**
 * struct vcpu_arch - what the core does not look into
 * @vmcb: the control block: a page of the hypervisor's
 */
struct vcpu_arch {
	struct host_vmcb *vmcb;
};

#endif /* OPENHV_ASM_VCPU_H */
