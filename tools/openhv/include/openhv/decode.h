/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Decoder of x86 instructions, as far as a memory operand goes.
 */
#ifndef OPENHV_DECODE_H
#define OPENHV_DECODE_H

#include <openhv/types.h>

/* Segment that a memory operand is relative to; the order of enum seg */
#define INSN_SEG_DEFAULT	0xFF

/**
 * struct insn - a decoded instruction
 * @length: bytes
 * @opcode: last opcode byte
 * @map: 0: one-byte opcodes, 1: 0F xx, 2: 0F 38 xx, 3: 0F 3A xx
 * @rex: REX prefix, or 0
 * @rep: F2 or F3, or 0
 * @lock: LOCK
 * @seg: segment override, or INSN_SEG_DEFAULT
 * @op_size: operand size in bytes: 2, 4, 8
 * @addr_size: address size in bytes: 2, 4, 8
 * @has_modrm: there is a ModRM byte
 * @mod: its fields; @reg and @rm with the REX bits
 * @reg: likewise
 * @rm: likewise
 * @has_sib: there is a SIB byte
 * @scale: its fields; @index and @base with the REX bits
 * @index: likewise
 * @base: likewise
 * @disp: displacement, sign-extended
 * @imm: immediate operand, sign-extended
 */
struct insn {
	u8 length;
	u8 opcode;
	u8 map;
	u8 rex;
	u8 rep;
	bool lock;
	u8 seg;
	u8 op_size;
	u8 addr_size;
	bool has_modrm;
	u8 mod, reg, rm;
	bool has_sib;
	u8 scale, index, base;
	s64 disp;
	s64 imm;
};

/**
 * insn_decode() - decode an instruction
 * @insn: receives it
 * @bytes: where it begins
 * @count: how many bytes there are, at most 16
 * @mode: default operand size of the code segment in bytes: 2, 4, or 8 for 64-bit mode
 *
 * Returns: false if the bytes end too early, or are no instruction with a
 * memory operand that this decoder knows
 */
bool insn_decode(struct insn *insn, const u8 *bytes, u32 count, u32 mode);

#endif /* OPENHV_DECODE_H */
