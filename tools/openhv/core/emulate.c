// SPDX-License-Identifier: GPL-2.0-only
/*
 * Accesses to memory that is not there.
 *
 * The processor tells the guest physical address of the access, so that the
 * instruction only has to say how wide it is and what is moved.
 */
#include <asm/cpu.h>
#include <openhv/decode.h>
#include <openhv/emulate.h>
#include <openhv/gwalk.h>
#include <openhv/ports.h>
#include <openhv/run.h>
#include <tlfs/message.h>

/* Default operand size of the code that runs, in bytes */
static u32 code_mode(struct vp *vp)
{
	struct hv_x64_segment_register cs;

	vcpu_get_seg(&vp->vcpu, SEG_CS, &cs);
	if (vcpu_get_efer(&vp->vcpu) & EFER_LMA && cs.attributes & HV_SEGMENT_LONG)
		return 8;
	return cs.attributes & HV_SEGMENT_DEFAULT ? 4 : 2;
}

static u64 truncate(u64 value, u32 size)
{
	return size == 8 ? value : value & ((1UL << (8 * size)) - 1);
}

/* The general register that an instruction names; AH to BH without REX */
static u64 get_reg(struct vp *vp, const struct insn *insn, u8 reg, u32 size)
{
	if (size == 1 && !insn->rex && reg >= 4)
		return vp->vcpu.gpr[reg - 4] >> 8 & 0xFF;
	return truncate(vp->vcpu.gpr[reg], size);
}

static void set_reg(struct vp *vp, const struct insn *insn, u8 reg, u32 size, u64 value)
{
	u64 *gpr = vp->vcpu.gpr;

	if (size == 1 && !insn->rex && reg >= 4)
		gpr[reg - 4] = (gpr[reg - 4] & ~0xFF00UL) | (value & 0xFF) << 8;
	else if (size == 8)
		gpr[reg] = value;
	else if (size == 4)
		gpr[reg] = (u32)value;	/* the upper half is cleared */
	else
		gpr[reg] = (gpr[reg] & ~((1UL << (8 * size)) - 1)) | truncate(value, size);
}

static u64 sign_extend(u64 value, u32 size)
{
	u32 shift = 64 - 8 * size;

	return (u64)((s64)(value << shift) >> shift);
}

/**
 * struct access - what an instruction does to its memory operand
 * @write: it stores
 * @size: bytes
 * @value: what it stores
 * @reg: the register that it loads
 * @reg_size: its size
 * @sign: the value is sign-extended to it
 * @string: STOS: RDI moves on
 */
struct access {
	bool write;
	u32 size;
	u64 value;
	u8 reg;
	u32 reg_size;
	bool sign;
	bool string;
};

/* Plain moves; everything else is the parent's to emulate. */
static bool decode_access(struct vp *vp, const struct insn *insn, struct access *a)
{
	bool byte = !(insn->opcode & 1);

	*a = (struct access){ .size = byte ? 1 : insn->op_size, .reg = insn->reg };
	a->reg_size = a->size;
	if (insn->lock || (insn->has_modrm && insn->mod == 3))
		return false;
	if (insn->map == 1) {
		switch (insn->opcode) {
		case 0xB6:		/* MOVZX */
		case 0xB7:
		case 0xBE:		/* MOVSX */
		case 0xBF:
			a->size = insn->opcode & 1 ? 2 : 1;
			a->reg_size = insn->op_size;
			a->sign = insn->opcode >= 0xBE;
			return true;
		case 0xC3:		/* MOVNTI */
			if (insn->rep)
				return false;
			a->write = true;
			a->size = insn->op_size;
			a->value = get_reg(vp, insn, insn->reg, a->size);
			return true;
		}
		return false;
	}
	if (insn->map != 0)
		return false;
	switch (insn->opcode) {
	case 0x88:			/* MOV r to m */
	case 0x89:
		a->write = true;
		a->value = get_reg(vp, insn, insn->reg, a->size);
		return true;
	case 0x8A:			/* MOV m to r */
	case 0x8B:
		return true;
	case 0x63:			/* MOVSXD */
		a->size = 4;
		a->reg_size = insn->op_size;
		a->sign = true;
		return true;
	case 0xC6:			/* MOV imm to m */
	case 0xC7:
		if (insn->reg & 7)
			return false;
		a->write = true;
		a->value = truncate(insn->imm, a->size);
		return true;
	case 0xA0:			/* MOV between the accumulator and an address */
	case 0xA1:
		a->reg = GPR_RAX;
		return true;
	case 0xA2:
	case 0xA3:
		a->write = true;
		a->value = truncate(vp->vcpu.gpr[GPR_RAX], a->size);
		return true;
	case 0xAA:			/* STOS */
	case 0xAB:
		if (insn->rep)
			return false;
		a->write = true;
		a->string = true;
		a->value = truncate(vp->vcpu.gpr[GPR_RAX], a->size);
		return true;
	}
	return false;
}

static void finish(struct vp *vp, const struct insn *insn, const struct access *a, u64 loaded)
{
	if (a->string) {
		s64 step = vp->vcpu.rflags & RFLAGS_DF ? -(s64)a->size : (s64)a->size;

		set_reg(vp, insn, GPR_RDI, insn->addr_size,
			vp->vcpu.gpr[GPR_RDI] + step);
	} else if (!a->write) {
		if (a->sign)
			loaded = sign_extend(loaded, a->size);
		set_reg(vp, insn, a->reg, a->reg_size, loaded);
	}
	vp_advance(vp, insn->length);
}

/* The APIC's registers are 32 bits wide, on 16-byte boundaries. */
static bool apic_access(struct vp *vp, const struct access *a, u32 offset, u64 *loaded)
{
	u32 reg = offset & ~0xFU, value = 0;
	u32 shift = (offset & 0xF) * 8;

	if (a->write) {
		if (offset & 0xF || a->size != 4)
			return true;	/* undefined by the architecture: ignored */
		if (!vlapic_write(&vp->apic, reg, a->value))
			vp->apic.esr_pending |= APIC_ESR_REG_ILLEGAL;
		return true;
	}
	if (!vlapic_read(&vp->apic, reg, &value)) {
		vp->apic.esr_pending |= APIC_ESR_REG_ILLEGAL;
		value = 0;
	}
	*loaded = shift < 32 ? truncate((u64)value >> shift, a->size) : 0;
	return true;
}

bool vp_emulate_mmio(struct vp *vp)
{
	u64 gpa = vp->vcpu.exit.npt.gpa;
	u32 flags = vp->vcpu.exit.npt.flags;
	bool apic, doorbell;
	struct access a;
	struct insn insn;
	u64 loaded = 0;
	u8 bytes[16];

	if (flags & (NPT_FAULT_EXEC | NPT_FAULT_WALK))
		return false;
	apic = vlapic_enabled(&vp->apic) && !vlapic_x2apic(&vp->apic) &&
	       (gpa & PAGE_MASK) == APIC_DEFAULT_BASE;
	doorbell = !apic && flags & NPT_FAULT_WRITE && doorbell_near(vp->partition, gpa);
	if (!apic && !doorbell)
		return false;
	if (!insn_decode(&insn, bytes, vp_fetch(vp, bytes, sizeof(bytes)), code_mode(vp)) ||
	    !decode_access(vp, &insn, &a) || a.write != !!(flags & NPT_FAULT_WRITE))
		return false;
	if (apic) {
		if (!apic_access(vp, &a, gpa & (PAGE_SIZE - 1), &loaded))
			return false;
	} else if (!doorbell_ring(vp->partition, gpa, a.value, a.size)) {
		return false;
	}
	finish(vp, &insn, &a, loaded);
	return true;
}

/* Effective address of the memory operand, without its segment's base */
static u64 effective_address(struct vp *vp, const struct insn *insn, u8 *seg)
{
	static const u8 base16[8] = { GPR_RBX, GPR_RBX, GPR_RBP, GPR_RBP,
				      GPR_RSI, GPR_RDI, GPR_RBP, GPR_RBX };
	static const u8 index16[4] = { GPR_RSI, GPR_RDI, GPR_RSI, GPR_RDI };
	const u64 *gpr = vp->vcpu.gpr;
	u64 ea = insn->disp;

	*seg = SEG_DS;
	if (!insn->has_modrm)
		return truncate(ea, insn->addr_size);
	if (insn->addr_size == 2) {
		if (insn->mod || insn->rm != 6) {
			ea += gpr[base16[insn->rm]];
			if (base16[insn->rm] == GPR_RBP)
				*seg = SEG_SS;
		}
		if (insn->rm < 4)
			ea += gpr[index16[insn->rm]];
		return truncate(ea, 2);
	}
	if (insn->has_sib) {
		if (insn->index != 4)
			ea += gpr[insn->index] << insn->scale;
		if (insn->mod || (insn->base & 7) != 5) {
			ea += gpr[insn->base];
			if (insn->base == GPR_RSP || insn->base == GPR_RBP)
				*seg = SEG_SS;
		}
	} else if (insn->mod == 0 && (insn->rm & 7) == 5) {
		if (code_mode(vp) == 8)
			ea += vp->vcpu.rip + insn->length;
	} else {
		ea += gpr[insn->rm];
		if (insn->rm == GPR_RBP)
			*seg = SEG_SS;
	}
	return truncate(ea, insn->addr_size);
}

void memory_operand_gva(struct vp *vp, struct hv_x64_memory_intercept_message *m)
{
	const struct vcpu_exit *e = &vp->vcpu.exit;
	struct hv_x64_segment_register segment;
	struct walk_result r;
	struct insn insn;
	u8 seg;
	u64 ea;

	if (e->npt.flags & NPT_FAULT_WALK)
		return;
	if (e->npt.flags & NPT_FAULT_EXEC) {
		ea = vp->vcpu.rip;
		seg = SEG_CS;
	} else {
		if (!insn_decode(&insn, m->instruction_bytes, m->instruction_byte_count,
				 code_mode(vp)))
			return;
		if (insn.has_modrm || (insn.opcode >= 0xA0 && insn.opcode <= 0xA3)) {
			ea = effective_address(vp, &insn, &seg);
		} else {
			bool source = e->npt.flags & NPT_FAULT_WRITE ? false :
				      insn.opcode != 0xAE && insn.opcode != 0xAF;

			/* Strings: the source is DS:RSI, the destination ES:RDI. */
			seg = source ? SEG_DS : SEG_ES;
			ea = truncate(vp->vcpu.gpr[source ? GPR_RSI : GPR_RDI], insn.addr_size);
		}
		if (insn.seg != INSN_SEG_DEFAULT && seg != SEG_ES)
			seg = insn.seg;
	}
	if (code_mode(vp) != 8 || seg == SEG_FS || seg == SEG_GS) {
		if (seg == SEG_FS || seg == SEG_GS)
			vcpu_sync(lp_self(), &vp->vcpu);
		vcpu_get_seg(&vp->vcpu, seg, &segment);
		ea += segment.base;
		if (code_mode(vp) != 8)
			ea = (u32)ea;
	}
	/* An address is given only if it is the one: an access may span two pages. */
	gva_walk(vp, ea, WALK_EXEMPT, &r);
	if ((r.code != HV_TRANSLATE_GVA_SUCCESS && r.code != HV_TRANSLATE_GVA_GPA_UNMAPPED &&
	     r.code != HV_TRANSLATE_GVA_GPA_NO_READ_ACCESS) || r.gpa != e->npt.gpa)
		return;
	m->guest_virtual_address = ea;
	m->memory_access_info = HV_X64_MEMORY_ACCESS_GVA_VALID |
				HV_X64_MEMORY_ACCESS_GVA_GPA_VALID;
}
