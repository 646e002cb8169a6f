// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * Decoder for the x86 instructions that reach devices (AMD64 Architecture
 * Programmer's Manual, volume 3, "Instruction Encoding").
 */
#include <errno.h>
#include <string.h>

#include <mshv/emulate.h>

#define X86_INSN_MAX_LENGTH	15

#define REX_W	0x8
#define REX_R	0x4
#define REX_X	0x2
#define REX_B	0x1

/* A cursor over the bytes of one instruction, with the prefixes found */
struct decoder {
	const __u8 *bytes;
	size_t count;
	size_t pos;
	unsigned int mode;
	unsigned int operand_size;
	__u8 rex;
	bool has_rex;
	bool operand_override;
	bool address_override;
	bool rep;
	__u32 segment;		/* of an override prefix; NO_OVERRIDE if none */
	struct mshv_insn *insn;
};

#define NO_OVERRIDE	0

/* The next @size bytes, little endian, sign-extended */
static int fetch(struct decoder *d, unsigned int size, __s64 *value)
{
	__u64 v = 0;
	unsigned int i;

	if (d->pos + size > X86_INSN_MAX_LENGTH)
		return -EOPNOTSUPP;
	if (d->pos + size > d->count)
		return -ENODATA;
	for (i = 0; i < size; i++)
		v |= (__u64)d->bytes[d->pos + i] << (8 * i);
	d->pos += size;

	*value = size == 8 ? (__s64)v : (__s64)(v << (64 - 8 * size)) >> (64 - 8 * size);
	return 0;
}

static int fetch_byte(struct decoder *d, __u8 *byte)
{
	__s64 value = 0;
	int ret = fetch(d, 1, &value);

	*byte = (__u8)value;
	return ret;
}

static int decode_prefixes(struct decoder *d, __u8 *opcode)
{
	int ret;

	for (;;) {
		ret = fetch_byte(d, opcode);
		if (ret)
			return ret;
		switch (*opcode) {
		case 0x26:
			d->segment = HV_X64_REGISTER_ES;
			break;
		case 0x2E:
			d->segment = HV_X64_REGISTER_CS;
			break;
		case 0x36:
			d->segment = HV_X64_REGISTER_SS;
			break;
		case 0x3E:
			d->segment = HV_X64_REGISTER_DS;
			break;
		case 0x64:
			d->segment = HV_X64_REGISTER_FS;
			break;
		case 0x65:
			d->segment = HV_X64_REGISTER_GS;
			break;
		case 0x66:
			d->operand_override = true;
			break;
		case 0x67:
			d->address_override = true;
			break;
		case 0xF2:
		case 0xF3:
			d->rep = true;
			break;
		default:
			/* REX counts only right before the opcode. */
			if (d->mode != 64 || (*opcode & 0xF0) != 0x40)
				return 0;
			d->rex = *opcode & 0xF;
			d->has_rex = true;
			ret = fetch_byte(d, opcode);
			return ret;
		}
	}
}

static unsigned int operand_size(const struct decoder *d)
{
	if (d->rex & REX_W)
		return 8;
	if (d->mode == 16)
		return d->operand_override ? 4 : 2;
	return d->operand_override ? 2 : 4;
}

static unsigned int address_size(const struct decoder *d)
{
	switch (d->mode) {
	case 64:
		return d->address_override ? 4 : 8;
	case 32:
		return d->address_override ? 2 : 4;
	default:
		return d->address_override ? 4 : 2;
	}
}

/* A general register; without REX, numbers 4 to 7 of a byte operand are AH, CH, DH, BH. */
static void set_register(struct decoder *d, unsigned int reg, unsigned int size)
{
	if (size == 1 && !d->has_rex && reg >= 4) {
		d->insn->reg = reg - 4;
		d->insn->high_byte = true;
	} else {
		d->insn->reg = reg;
	}
}

static int decode_memory16(struct decoder *d, unsigned int mod, unsigned int rm)
{
	static const __u8 base[8] = {
		MSHV_RBX, MSHV_RBX, MSHV_RBP, MSHV_RBP, MSHV_RSI, MSHV_RDI, MSHV_RBP, MSHV_RBX,
	};
	static const __u8 index[4] = { MSHV_RSI, MSHV_RDI, MSHV_RSI, MSHV_RDI };
	struct mshv_insn *insn = d->insn;

	if (mod == 0 && rm == 6)
		return fetch(d, 2, &insn->displacement);

	insn->base = base[rm];
	if (rm < 4)
		insn->index = index[rm];
	if (insn->base == MSHV_RBP)
		insn->segment = HV_X64_REGISTER_SS;
	return mod ? fetch(d, mod, &insn->displacement) : 0;
}

static int decode_memory(struct decoder *d, unsigned int mod, unsigned int rm)
{
	struct mshv_insn *insn = d->insn;
	__u8 sib;
	int ret;

	if (rm == 4) {
		ret = fetch_byte(d, &sib);
		if (ret)
			return ret;
		insn->scale = 1 << (sib >> 6);
		insn->index = ((sib >> 3) & 7) | (d->rex & REX_X ? 8 : 0);
		if (insn->index == MSHV_RSP)
			insn->index = MSHV_INSN_NONE;
		rm = sib & 7;
		if (rm == MSHV_RBP && mod == 0)
			return fetch(d, 4, &insn->displacement);
	} else if (rm == MSHV_RBP && mod == 0) {
		insn->rip_relative = d->mode == 64;
		return fetch(d, 4, &insn->displacement);
	}

	insn->base = rm | (d->rex & REX_B ? 8 : 0);
	if (insn->base == MSHV_RBP || insn->base == MSHV_RSP)
		insn->segment = HV_X64_REGISTER_SS;
	if (mod)
		return fetch(d, mod == 1 ? 1 : 4, &insn->displacement);
	return 0;
}

/* ModRM with a memory operand; *reg is its register field */
static int decode_modrm(struct decoder *d, unsigned int *reg)
{
	unsigned int mod;
	__u8 modrm;
	int ret;

	ret = fetch_byte(d, &modrm);
	if (ret)
		return ret;
	mod = modrm >> 6;
	*reg = ((modrm >> 3) & 7) | (d->rex & REX_R ? 8 : 0);
	if (mod == 3)
		return -EOPNOTSUPP;
	return d->insn->address_size == 2 ? decode_memory16(d, mod, modrm & 7) :
					    decode_memory(d, mod, modrm & 7);
}

/* A load of @size bytes into a register of @reg_size bytes */
static int decode_load(struct decoder *d, unsigned int size, unsigned int reg_size, bool sign)
{
	unsigned int reg;
	int ret = decode_modrm(d, &reg);

	d->insn->op = MSHV_INSN_LOAD;
	d->insn->size = size;
	d->insn->reg_size = reg_size;
	d->insn->sign_extend = sign;
	set_register(d, reg, reg_size);
	return ret;
}

static int decode_store(struct decoder *d, unsigned int size)
{
	unsigned int reg;
	int ret = decode_modrm(d, &reg);

	d->insn->op = MSHV_INSN_STORE;
	d->insn->size = size;
	set_register(d, reg, size);
	return ret;
}

static int decode_store_immediate(struct decoder *d, unsigned int size)
{
	unsigned int reg;
	__s64 value = 0;
	int ret = decode_modrm(d, &reg);

	if (ret)
		return ret;
	if (reg & 7)		/* other operations of the group are not MOV */
		return -EOPNOTSUPP;
	d->insn->op = MSHV_INSN_STORE;
	d->insn->size = size;
	ret = fetch(d, size == 8 ? 4 : size, &value);
	d->insn->immediate = value;
	return ret;
}

/* MOV between RAX and an address in the instruction */
static int decode_moffs(struct decoder *d, unsigned int op, unsigned int size)
{
	d->insn->op = op;
	d->insn->size = size;
	d->insn->reg = MSHV_RAX;
	d->insn->reg_size = size;
	return fetch(d, d->insn->address_size, &d->insn->displacement);
}

static int decode_string(struct decoder *d, unsigned int op, unsigned int size)
{
	d->insn->op = op;
	d->insn->size = size;
	d->insn->rep = d->rep;
	return 0;
}

static int decode_two_byte(struct decoder *d)
{
	unsigned int size = d->operand_size;
	__u8 opcode;
	int ret;

	ret = fetch_byte(d, &opcode);
	if (ret)
		return ret;
	switch (opcode) {
	case 0xB6:
		return decode_load(d, 1, size, false);
	case 0xB7:
		return decode_load(d, 2, size, false);
	case 0xBE:
		return decode_load(d, 1, size, true);
	case 0xBF:
		return decode_load(d, 2, size, true);
	case 0xC3:			/* MOVNTI */
		return size == 2 ? -EOPNOTSUPP : decode_store(d, size);
	default:
		return -EOPNOTSUPP;
	}
}

static int decode_one_byte(struct decoder *d, __u8 opcode)
{
	unsigned int size = opcode & 1 ? d->operand_size : 1;

	switch (opcode) {
	case 0x0F:
		return decode_two_byte(d);
	case 0x63:			/* MOVSXD */
		if (d->mode != 64)
			return -EOPNOTSUPP;
		return decode_load(d, d->operand_size == 2 ? 2 : 4, d->operand_size, true);
	case 0x6C:
	case 0x6D:
		return decode_string(d, MSHV_INSN_INS, size == 8 ? 4 : size);
	case 0x6E:
	case 0x6F:
		return decode_string(d, MSHV_INSN_OUTS, size == 8 ? 4 : size);
	case 0x88:
	case 0x89:
		return decode_store(d, size);
	case 0x8A:
	case 0x8B:
		return decode_load(d, size, size, false);
	case 0xA0:
	case 0xA1:
		return decode_moffs(d, MSHV_INSN_LOAD, size);
	case 0xA2:
	case 0xA3:
		return decode_moffs(d, MSHV_INSN_STORE, size);
	case 0xA4:
	case 0xA5:
		return decode_string(d, MSHV_INSN_MOVS, size);
	case 0xAA:
	case 0xAB:
		return decode_string(d, MSHV_INSN_STOS, size);
	case 0xC6:
	case 0xC7:
		return decode_store_immediate(d, size);
	default:
		return -EOPNOTSUPP;
	}
}

int mshv_decode_insn(const __u8 *bytes, size_t count, unsigned int mode, struct mshv_insn *insn)
{
	struct decoder d = { .bytes = bytes, .count = count, .mode = mode, .insn = insn };
	__u8 opcode = 0;
	int ret;

	memset(insn, 0, sizeof(*insn));
	insn->reg = MSHV_INSN_NONE;
	insn->base = MSHV_INSN_NONE;
	insn->index = MSHV_INSN_NONE;
	insn->scale = 1;
	insn->segment = HV_X64_REGISTER_DS;

	ret = decode_prefixes(&d, &opcode);
	if (ret)
		return ret;
	d.operand_size = operand_size(&d);
	insn->address_size = address_size(&d);

	ret = decode_one_byte(&d, opcode);
	if (ret)
		return ret;
	if (d.segment != NO_OVERRIDE)
		insn->segment = d.segment;
	insn->length = d.pos;
	return 0;
}

__u64 mshv_insn_offset(const struct mshv_insn *insn, const struct mshv_regs *regs)
{
	__u64 offset = insn->displacement;

	if (insn->rip_relative)
		offset += regs->rip + insn->length;
	if (insn->base != MSHV_INSN_NONE)
		offset += regs->gpr[insn->base];
	if (insn->index != MSHV_INSN_NONE)
		offset += regs->gpr[insn->index] * insn->scale;
	if (insn->address_size == 2)
		return (__u16)offset;
	if (insn->address_size == 4)
		return (__u32)offset;
	return offset;
}
