// SPDX-License-Identifier: GPL-2.0-only
/*
 * x86 instruction decoding (APM vol. 3, chapter 1 and appendix A).
 */
#include <openhv/decode.h>
#include <openhv/string.h>
#include <openhv/vcpu.h>

struct cursor {
	const u8 *bytes;
	u32 count;
	u32 at;
};

static bool next(struct cursor *c, u8 *byte)
{
	if (c->at >= c->count || c->at >= 15)
		return false;
	*byte = c->bytes[c->at++];
	return true;
}

/* A little-endian field of 0, 1, 2, 4 or 8 bytes, sign-extended */
static bool next_signed(struct cursor *c, u32 size, s64 *value)
{
	u64 v = 0;
	u32 i;
	u8 b;

	for (i = 0; i < size; i++) {
		if (!next(c, &b))
			return false;
		v |= (u64)b << (8 * i);
	}
	if (size && size < 8) {
		u32 shift = 64 - 8 * size;

		v = (u64)((s64)(v << shift) >> shift);
	}
	*value = v;
	return true;
}

static bool segment_prefix(u8 byte, u8 *seg)
{
	switch (byte) {
	case 0x26:
		*seg = SEG_ES;
		return true;
	case 0x2E:
		*seg = SEG_CS;
		return true;
	case 0x36:
		*seg = SEG_SS;
		return true;
	case 0x3E:
		*seg = SEG_DS;
		return true;
	case 0x64:
		*seg = SEG_FS;
		return true;
	case 0x65:
		*seg = SEG_GS;
		return true;
	}
	return false;
}

/* Prefixes up to the first opcode byte, which is returned in *opcode. */
static bool prefixes(struct insn *insn, struct cursor *c, u32 mode, u8 *opcode)
{
	bool size = false, addr = false;
	u8 b;

	for (;;) {
		if (!next(c, &b))
			return false;
		if (segment_prefix(b, &insn->seg)) {
			insn->rex = 0;
		} else if (b == 0x66) {
			size = true;
			insn->rex = 0;
		} else if (b == 0x67) {
			addr = true;
			insn->rex = 0;
		} else if (b == 0xF0) {
			insn->lock = true;
			insn->rex = 0;
		} else if (b == 0xF2 || b == 0xF3) {
			insn->rep = b;
			insn->rex = 0;
		} else if (mode == 8 && (b & 0xF0) == 0x40) {
			insn->rex = b;
		} else {
			break;
		}
	}
	if (mode == 8) {
		insn->op_size = insn->rex & 8 ? 8 : size ? 2 : 4;
		insn->addr_size = addr ? 4 : 8;
	} else {
		insn->op_size = size ? 6 - mode : mode;
		insn->addr_size = addr ? 6 - mode : mode;
	}
	*opcode = b;
	return true;
}

/* One-byte opcodes with a ModRM byte that can name memory; a bit an opcode */
static const u32 modrm_map0[8] = {
	0x0F0F0F0F,	/* 00-1F: ALU, four forms each */
	0x0F0F0F0F,	/* 20-3F */
	0x00000000,	/* 40-5F */
	0x00000A08,	/* 60-7F: 63 MOVSXD, 69, 6B IMUL */
	0x0000FFFF,	/* 80-9F: groups 1 and 1A, TEST, XCHG, MOV, LEA, POP */
	0x00000000,	/* A0-BF: moffs and strings are handled apart */
	0xFF0F00F3,	/* C0-DF: shifts, LES, LDS, MOV imm, D0-D3, x87 */
	0xC0C00000,	/* E0-FF: F6, F7, FE, FF */
};

/* Of the 0F map, what moves data to or from memory */
static bool has_modrm_0f(u8 op)
{
	switch (op) {
	case 0x10 ... 0x17:		/* MOVUPS and the like */
	case 0x28 ... 0x2F:
	case 0x40 ... 0x4F:		/* CMOVcc */
	case 0x50 ... 0x76:
	case 0x7C ... 0x7F:
	case 0x90 ... 0x9F:		/* SETcc */
	case 0xA3 ... 0xA5:		/* BT, SHLD */
	case 0xAB ... 0xAF:		/* BTS, SHRD, group 15, IMUL */
	case 0xB0 ... 0xB8:		/* CMPXCHG, MOVZX */
	case 0xBA ... 0xC7:		/* BT group, MOVSX, XADD, MOVNTI, CMPXCHG8B */
	case 0xD0 ... 0xFE:
		return true;
	}
	return false;
}

/* Bytes of immediate operand behind ModRM and displacement */
static u32 imm_size(const struct insn *insn)
{
	u32 full = insn->op_size == 2 ? 2 : 4;
	u8 op = insn->opcode;

	if (insn->map == 0) {
		switch (op) {
		case 0x80:
		case 0x82:
		case 0x83:
		case 0x6B:
		case 0xC0:
		case 0xC1:
		case 0xC6:
			return 1;
		case 0x69:
		case 0x81:
		case 0xC7:
			return full;
		case 0xF6:
			return insn->reg & 6 ? 0 : 1;
		case 0xF7:
			return insn->reg & 6 ? 0 : full;
		}
		return 0;
	}
	if (insn->map == 3)
		return 1;
	if (insn->map == 1 && (op == 0xBA || op == 0xA4 || op == 0xAC || op == 0xC2 ||
			       op == 0xC4 || op == 0xC5 || op == 0xC6 ||
			       (op >= 0x70 && op <= 0x73)))
		return 1;
	return 0;
}

static bool modrm(struct insn *insn, struct cursor *c)
{
	u32 disp = 0;
	u8 b;

	if (!next(c, &b))
		return false;
	insn->has_modrm = true;
	insn->mod = b >> 6;
	insn->reg = (b >> 3 & 7) | (insn->rex & 4 ? 8 : 0);
	insn->rm = b & 7;
	if (insn->mod == 3) {
		insn->rm |= insn->rex & 1 ? 8 : 0;
		return true;
	}
	if (insn->addr_size == 2) {
		if (insn->mod == 1)
			disp = 1;
		else if (insn->mod == 2 || insn->rm == 6)
			disp = 2;
		return next_signed(c, disp, &insn->disp);
	}
	if (insn->rm == 4) {
		if (!next(c, &b))
			return false;
		insn->has_sib = true;
		insn->scale = b >> 6;
		insn->index = (b >> 3 & 7) | (insn->rex & 2 ? 8 : 0);
		insn->base = (b & 7) | (insn->rex & 1 ? 8 : 0);
		if (insn->mod == 0 && (b & 7) == 5)
			disp = 4;
	} else {
		if (insn->mod == 0 && insn->rm == 5)
			disp = 4;
		insn->rm |= insn->rex & 1 ? 8 : 0;
	}
	if (insn->mod == 1)
		disp = 1;
	else if (insn->mod == 2)
		disp = 4;
	return next_signed(c, disp, &insn->disp);
}

bool insn_decode(struct insn *insn, const u8 *bytes, u32 count, u32 mode)
{
	struct cursor c = { bytes, count, 0 };
	bool has;
	u8 op;

	memset(insn, 0, sizeof(*insn));
	insn->seg = INSN_SEG_DEFAULT;
	if (!prefixes(insn, &c, mode, &op))
		return false;
	if (op == 0x0F) {
		if (!next(&c, &op))
			return false;
		insn->map = 1;
		if (op == 0x38 || op == 0x3A) {
			insn->map = op == 0x38 ? 2 : 3;
			if (!next(&c, &op))
				return false;
		}
	}
	insn->opcode = op;
	/* VEX and EVEX: vector moves, which the parent emulates if anybody does */
	if (!insn->map && mode == 8 && (op == 0xC4 || op == 0xC5 || op == 0x62))
		return false;
	switch (insn->map) {
	case 0:
		has = modrm_map0[op / 32] & (1U << (op % 32));
		break;
	case 1:
		has = has_modrm_0f(op);
		break;
	default:
		has = true;
	}
	if (has) {
		if (!modrm(insn, &c) || !next_signed(&c, imm_size(insn), &insn->imm))
			return false;
	} else if (insn->map == 0 && op >= 0xA0 && op <= 0xA3) {
		/* MOV between the accumulator and an address in the instruction */
		if (!next_signed(&c, insn->addr_size, &insn->disp))
			return false;
	} else if (insn->map != 0 || !((op >= 0xA4 && op <= 0xA7) || (op >= 0xAA && op <= 0xAF))) {
		return false;		/* neither a string instruction */
	}
	insn->length = c.at;
	return true;
}
