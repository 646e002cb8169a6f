/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Guest virtual addresses: the guest's own page tables, walked by software.
 */
#ifndef OPENHV_GWALK_H
#define OPENHV_GWALK_H

#include <openhv/types.h>

struct vp;

/* What the access is; the same as the flags of HVCALL_TRANSLATE_VIRTUAL_ADDRESS */
#define WALK_READ	BIT(0)
#define WALK_WRITE	BIT(1)
#define WALK_EXEC	BIT(2)
#define WALK_EXEMPT	BIT(3)	/* privilege is not checked */
#define WALK_SET_BITS	BIT(4)	/* set accessed and dirty bits */
#define WALK_SUPERVISOR	BIT(6)	/* as if at CPL 0 */
#define WALK_USER	BIT(7)	/* as if at CPL 3 */
#define WALK_SMAP_ON	BIT(8)	/* SMAP applies whatever RFLAGS.AC says */
#define WALK_SMAP_OFF	BIT(9)

struct walk_result {
	u32 code;		/* enum hv_translate_gva_result_code */
	u64 gpa;		/* valid with HV_TRANSLATE_GVA_SUCCESS, and where the walk stuck */
	u8 cache_type;		/* HV_CACHE_TYPE_* */
	bool overlay;
};

/**
 * gva_walk() - translate a guest virtual address
 * @vp: the VP, owned
 * @gva: the address
 * @flags: WALK_*
 * @result: receives the outcome
 *
 * Returns: true if the address was translated
 */
bool gva_walk(struct vp *vp, u64 gva, u32 flags, struct walk_result *result);

/**
 * vp_linear_rip() - the linear address of the instruction at RIP
 * @vp: the VP, owned
 */
u64 vp_linear_rip(const struct vp *vp);

/**
 * vp_fetch() - instruction bytes at RIP
 * @vp: the VP, owned
 * @buf: receives them
 * @max: how many are wanted, at most 16
 *
 * Returns: how many there are, up to the first page that cannot be read
 */
u32 vp_fetch(struct vp *vp, u8 *buf, u32 max);

/**
 * vp_insn_prefixes() - how many bytes of prefixes an instruction of a VP has
 * @vp: the VP, owned, whose mode decides whether REX is one
 * @bytes: the instruction
 * @count: bytes there are
 */
u32 vp_insn_prefixes(struct vp *vp, const u8 *bytes, u32 count);

/**
 * vp_insn_length() - length of the instruction at RIP, whose opcode is known
 * @vp: the VP, owned
 * @opcode: bytes of the opcode
 *
 * For instructions that have no operand bytes but may have prefixes.
 */
u32 vp_insn_length(struct vp *vp, u32 opcode);

#endif /* OPENHV_GWALK_H */
