// SPDX-License-Identifier: GPL-2.0-only
/*
 * Instructions (core/decode.c), and accesses to memory that is not there
 * (core/emulate.c).
 */
#include <asm/cpu.h>
#include <asm/x86.h>
#include <openhv/decode.h>
#include <openhv/emulate.h>
#include <openhv/run.h>
#include <tlfs/message.h>
#include "test.h"

#define CODE	0x1000UL

/* --- Decoding --------------------------------------------------------------------- */

static const struct {
	const char *name;
	u8 bytes[16];
	u8 count, mode;
	struct insn want;
} good[] = {
	{ "mov [rax],ecx", { 0x89, 0x08 }, 2, 8,
	  { .length = 2, .opcode = 0x89, .op_size = 4, .addr_size = 8, .reg = 1 } },
	{ "mov [r9+0x10],r10", { 0x4D, 0x89, 0x51, 0x10 }, 4, 8,
	  { .length = 4, .opcode = 0x89, .rex = 0x4D, .op_size = 8, .addr_size = 8, .mod = 1,
	    .reg = 10, .rm = 9, .disp = 16 } },
	{ "mov ax,[ebx-4]", { 0x67, 0x66, 0x8B, 0x43, 0xFC }, 5, 8,
	  { .length = 5, .opcode = 0x8B, .op_size = 2, .addr_size = 4, .mod = 1, .rm = 3,
	    .disp = -4 } },
	{ "mov dword [rip+0x100],-1",
	  { 0xC7, 0x05, 0x00, 0x01, 0x00, 0x00, 0xFF, 0xFF, 0xFF, 0xFF }, 10, 8,
	  { .length = 10, .opcode = 0xC7, .op_size = 4, .addr_size = 8, .rm = 5, .disp = 0x100,
	    .imm = -1 } },
	{ "mov [rsi+rcx*4],al", { 0x88, 0x04, 0x8E }, 3, 8,
	  { .length = 3, .opcode = 0x88, .op_size = 4, .addr_size = 8, .rm = 4, .has_sib = true,
	    .scale = 2, .index = 1, .base = 6 } },
	{ "mov [disp32],al", { 0x88, 0x04, 0x25, 0x44, 0x33, 0x22, 0x11 }, 7, 8,
	  { .length = 7, .opcode = 0x88, .op_size = 4, .addr_size = 8, .rm = 4, .has_sib = true,
	    .index = 4, .base = 5, .disp = 0x11223344 } },
	{ "mov [bx+si+0x1234],ax in 16-bit code", { 0x89, 0x80, 0x34, 0x12 }, 4, 2,
	  { .length = 4, .opcode = 0x89, .op_size = 2, .addr_size = 2, .mod = 2, .disp = 0x1234 } },
	{ "mov [0x1234],ax in 16-bit code", { 0x89, 0x06, 0x34, 0x12 }, 4, 2,
	  { .length = 4, .opcode = 0x89, .op_size = 2, .addr_size = 2, .rm = 6, .disp = 0x1234 } },
	{ "mov fs:[eax],eax in 32-bit code", { 0x64, 0x89, 0x00 }, 3, 4,
	  { .length = 3, .opcode = 0x89, .seg = SEG_FS, .op_size = 4, .addr_size = 4 } },
	{ "movzx eax, word [rdi]", { 0x0F, 0xB7, 0x07 }, 3, 8,
	  { .length = 3, .opcode = 0xB7, .map = 1, .op_size = 4, .addr_size = 8, .rm = 7 } },
	{ "rep stosd", { 0xF3, 0xAB }, 2, 8,
	  { .length = 2, .opcode = 0xAB, .rep = 0xF3, .op_size = 4, .addr_size = 8 } },
	{ "lock add [rax],cl", { 0xF0, 0x00, 0x08 }, 3, 8,
	  { .length = 3, .lock = true, .op_size = 4, .addr_size = 8, .reg = 1 } },
	{ "mov al,[moffs64]", { 0xA0, 1, 2, 3, 4, 5, 6, 7, 8 }, 9, 8,
	  { .length = 9, .opcode = 0xA0, .op_size = 4, .addr_size = 8,
	    .disp = 0x0807060504030201 } },
	{ "test byte [rax],1", { 0xF6, 0x00, 0x01 }, 3, 8,
	  { .length = 3, .opcode = 0xF6, .op_size = 4, .addr_size = 8, .imm = 1 } },
	{ "not byte [rax]", { 0xF6, 0x10 }, 2, 8,
	  { .length = 2, .opcode = 0xF6, .op_size = 4, .addr_size = 8, .reg = 2 } },
	{ "test dword [rax],imm", { 0xF7, 0x00, 1, 0, 0, 0 }, 6, 8,
	  { .length = 6, .opcode = 0xF7, .op_size = 4, .addr_size = 8, .imm = 1 } },
	{ "add word [rax],imm16", { 0x66, 0x81, 0x00, 1, 0x80 }, 5, 8,
	  { .length = 5, .opcode = 0x81, .op_size = 2, .addr_size = 8, .imm = -32767 } },
	{ "bts [rax],imm8", { 0x0F, 0xBA, 0x28, 0x05 }, 4, 8,
	  { .length = 4, .opcode = 0xBA, .map = 1, .op_size = 4, .addr_size = 8, .reg = 5,
	    .imm = 5 } },
	{ "movbe [rax],ecx", { 0x0F, 0x38, 0xF1, 0x08 }, 4, 8,
	  { .length = 4, .opcode = 0xF1, .map = 2, .op_size = 4, .addr_size = 8, .reg = 1 } },
	{ "pextrb [rax],xmm0,3", { 0x66, 0x0F, 0x3A, 0x14, 0x00, 0x03 }, 6, 8,
	  { .length = 6, .opcode = 0x14, .map = 3, .op_size = 2, .addr_size = 8, .imm = 3 } },
	/* A REX prefix counts only right before the opcode. */
	{ "rex before a prefix", { 0x48, 0x66, 0x89, 0x08 }, 4, 8,
	  { .length = 4, .opcode = 0x89, .op_size = 2, .addr_size = 8, .reg = 1 } },
};

TEST_BARE(instructions_are_decoded)
{
	struct insn insn;
	u32 i, n;

	for (i = 0; i < ARRAY_SIZE(good); i++) {
		const struct insn *w = &good[i].want;
		u8 seg = w->seg ? w->seg : INSN_SEG_DEFAULT;

		CONTEXT("%s", good[i].name);
		EXPECT_TRUE(insn_decode(&insn, good[i].bytes, good[i].count, good[i].mode));
		EXPECT_EQ(w->length, insn.length);
		EXPECT_EQ(w->opcode, insn.opcode);
		EXPECT_EQ(w->map, insn.map);
		EXPECT_EQ(w->rex, insn.rex);
		EXPECT_EQ(w->rep, insn.rep);
		EXPECT_EQ(w->lock, insn.lock);
		EXPECT_EQ(seg, insn.seg);
		EXPECT_EQ(w->op_size, insn.op_size);
		EXPECT_EQ(w->addr_size, insn.addr_size);
		EXPECT_EQ(w->mod, insn.mod);
		EXPECT_EQ(w->reg, insn.reg);
		EXPECT_EQ(w->rm, insn.rm);
		EXPECT_EQ(w->has_sib, insn.has_sib);
		EXPECT_EQ(w->index, insn.index);
		EXPECT_EQ(w->base, insn.base);
		EXPECT_EQ(w->disp, insn.disp);
		EXPECT_EQ(w->imm, insn.imm);
		/* Cut off anywhere, it is none. */
		for (n = 0; n < good[i].count; n++)
			EXPECT_FALSE(insn_decode(&insn, good[i].bytes, n, good[i].mode));
	}
}

TEST_BARE(what_touches_no_memory_is_not_decoded)
{
	static const u8 bad[][4] = {
		{ 0x90 }, { 0xC3 }, { 0xC5, 0xF8, 0x10, 0x00 }, { 0xC4, 0, 0, 0 }, { 0x62 },
		{ 0x0F, 0x05 }, { 0x0F, 0xA2 }, { 0x50 },
	};
	u8 prefixes[16];
	struct insn insn;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		CONTEXT("%x %x", bad[i][0], bad[i][1]);
		EXPECT_FALSE(insn_decode(&insn, bad[i], 4, 8));
	}
	/* No instruction is longer than 15 bytes. */
	memset(prefixes, 0x66, sizeof(prefixes));
	prefixes[14] = 0x89;
	prefixes[15] = 0x00;
	EXPECT_FALSE(insn_decode(&insn, prefixes, 16, 8));
	EXPECT_TRUE(insn_decode(&insn, prefixes + 1, 15, 8));
}

/* --- Accesses ------------------------------------------------------------------------ */

static struct partition *p;
static struct vp *vp;
static u64 *gpr;

static void begin(void)
{
	struct host_vmcb *vmcb;

	p = child_new();
	vp = child_vp(p, 0);
	gpr = vp->vcpu.gpr;
	map_ram(p, 0, 16);
	vmcb = vp->vcpu.arch.vmcb;
	/* 64-bit code without paging does not exist; the walk is the identity, though. */
	vmcb->cr[0] = CR0_PE;
	vmcb->efer = EFER_LMA;
	vmcb->seg[SEG_CS].attributes = 0x9B | HV_SEGMENT_LONG;
	vmcb->seg[SEG_CS].base = 0;
}

static bool access_by(u64 gpa, bool write, const char *code, u32 size)
{
	gpa_write(&vp->partition->gpamap, CODE, code, size);
	vp->vcpu.rip = CODE;
	vp->vcpu.exit = (struct vcpu_exit){
		.reason = VCPU_EXIT_NPT_FAULT,
		.npt = { .gpa = gpa, .flags = write ? NPT_FAULT_WRITE : 0 },
	};
	return vp_emulate_mmio(vp);
}

#define ACCESS(gpa, write, code) \
	access_by(gpa, write, code "\x90\x90\x90\x90", sizeof(code) + 3)
#define APIC(reg) (APIC_DEFAULT_BASE + (reg))

TEST_ON_MACHINE(apic_page_is_written_and_read)
{
	begin();
	gpr[GPR_RAX] = 0xFFFFFFFF00000070UL;
	EXPECT_TRUE(ACCESS(APIC(0x80), true, "\x89\x03"));		/* mov [rbx],eax */
	EXPECT_EQ(CODE + 2, vp->vcpu.rip);
	EXPECT_EQ(7, vcpu_get_cr(&vp->vcpu, 8));
	gpr[GPR_RCX] = ~0UL;
	EXPECT_TRUE(ACCESS(APIC(0x80), false, "\x8B\x0B"));		/* mov ecx,[rbx] */
	EXPECT_EQ(0x70, gpr[GPR_RCX]);
	gpr[GPR_RCX] = ~0UL;
	EXPECT_TRUE(ACCESS(APIC(0x80), false, "\x66\x8B\x0B"));		/* mov cx,[rbx] */
	EXPECT_EQ(0xFFFFFFFFFFFF0070UL, gpr[GPR_RCX]);
	EXPECT_TRUE(ACCESS(APIC(0x80), false, "\x8A\x2B"));		/* mov ch,[rbx] */
	EXPECT_EQ(0xFFFFFFFFFFFF7070UL, gpr[GPR_RCX]);
	EXPECT_TRUE(ACCESS(APIC(0x84), false, "\x8B\x0B"));		/* between registers */
	EXPECT_EQ(0, gpr[GPR_RCX]);
	EXPECT_TRUE(ACCESS(APIC(0x80), false, "\x48\x0F\xB6\x0B"));	/* movzx rcx,byte [rbx] */
	EXPECT_EQ(0x70, gpr[GPR_RCX]);
	EXPECT_TRUE(ACCESS(APIC(0x80), true, "\xC7\x03\x90\x00\x00\x00"));	/* mov [rbx],0x90 */
	EXPECT_TRUE(ACCESS(APIC(0x80), false, "\x48\x0F\xBE\x0B"));	/* movsx rcx,byte [rbx] */
	EXPECT_EQ(0xFFFFFFFFFFFFFF90UL, gpr[GPR_RCX]);
	EXPECT_TRUE(ACCESS(APIC(0x80), false, "\x48\x63\x0B"));		/* movsxd rcx,[rbx] */
	EXPECT_EQ(0x90, gpr[GPR_RCX]);
	EXPECT_TRUE(ACCESS(APIC(0x80), false, "\xA1\x80\0\xE0\xFE\0\0\0\0"));
	EXPECT_EQ(0x90, gpr[GPR_RAX]);
	gpr[GPR_RAX] = 0x50;
	EXPECT_TRUE(ACCESS(APIC(0x80), true, "\xA3\x80\0\xE0\xFE\0\0\0\0"));
	EXPECT_EQ(5, vcpu_get_cr(&vp->vcpu, 8));
	gpr[GPR_RAX] = 0x60;
	EXPECT_TRUE(ACCESS(APIC(0x80), true, "\x0F\xC3\x03"));		/* movnti [rbx],eax */
	EXPECT_EQ(6, vcpu_get_cr(&vp->vcpu, 8));
	child_gone(p);
}

TEST_ON_MACHINE(store_of_a_string_moves_its_pointer)
{
	begin();
	gpr[GPR_RAX] = 0x40;
	gpr[GPR_RDI] = APIC(0x80);
	EXPECT_TRUE(ACCESS(APIC(0x80), true, "\xAB"));
	EXPECT_EQ(APIC(0x84), gpr[GPR_RDI]);
	EXPECT_EQ(4, vcpu_get_cr(&vp->vcpu, 8));
	vp->vcpu.rflags |= RFLAGS_DF;
	EXPECT_TRUE(ACCESS(APIC(0x80), true, "\xAB"));
	EXPECT_EQ(APIC(0x80), gpr[GPR_RDI]);
	/* With a repeat prefix the parent has to do it. */
	EXPECT_FALSE(ACCESS(APIC(0x80), true, "\xF3\xAB"));
	child_gone(p);
}

TEST_ON_MACHINE(what_is_not_a_move_is_left_to_the_parent)
{
	begin();
	EXPECT_FALSE(ACCESS(APIC(0x80), true, "\x01\x03"));		/* add [rbx],eax */
	EXPECT_FALSE(ACCESS(APIC(0x80), true, "\xF0\x89\x03"));		/* with LOCK */
	EXPECT_FALSE(ACCESS(APIC(0x80), true, "\x89\xC3"));		/* mov ebx,eax */
	EXPECT_FALSE(ACCESS(APIC(0x80), true, "\xC7\x0B\0\0\0\0"));	/* no /0 */
	EXPECT_FALSE(ACCESS(APIC(0x80), true, "\x0F\x11\x03"));		/* movups [rbx],xmm0 */
	EXPECT_FALSE(ACCESS(APIC(0x80), true, "\xF3\x0F\xC3\x03"));
	EXPECT_FALSE(ACCESS(APIC(0x80), true, "\x0F\x38\xF1\x03"));
	EXPECT_FALSE(ACCESS(APIC(0x80), true, "\x8B\x03"));		/* a load that stores */
	EXPECT_FALSE(ACCESS(0x900000, true, "\x89\x03"));		/* nothing is there */
	EXPECT_EQ(CODE, vp->vcpu.rip);
	vp->vcpu.exit.npt.flags = NPT_FAULT_WALK;
	EXPECT_FALSE(vp_emulate_mmio(vp));
	child_gone(p);
}

TEST_ON_MACHINE(odd_accesses_to_the_apic_page)
{
	begin();
	gpr[GPR_RAX] = 0x30;
	EXPECT_TRUE(ACCESS(APIC(0x80), true, "\x89\x03"));
	/* Stores that are not of 32 bits on a boundary are ignored. */
	gpr[GPR_RAX] = 0x90;
	EXPECT_TRUE(ACCESS(APIC(0x80), true, "\x88\x03"));
	EXPECT_TRUE(ACCESS(APIC(0x84), true, "\x89\x03"));
	EXPECT_EQ(3, vcpu_get_cr(&vp->vcpu, 8));
	/* Registers that do not exist are told in the ESR. */
	vp->apic.esr_pending = 0;
	EXPECT_TRUE(ACCESS(APIC(0x40), true, "\x89\x03"));
	EXPECT_EQ(APIC_ESR_REG_ILLEGAL, vp->apic.esr_pending);
	vp->apic.esr_pending = 0;
	EXPECT_TRUE(ACCESS(APIC(0x40), false, "\x8B\x03"));
	EXPECT_EQ(APIC_ESR_REG_ILLEGAL, vp->apic.esr_pending);
	EXPECT_EQ(0, gpr[GPR_RAX]);
	child_gone(p);
}

/* --- The address of an operand ----------------------------------------------------- */

static u64 operand(u64 gpa, u32 flags, const char *code, u32 size)
{
	struct hv_x64_memory_intercept_message m;

	memset(&m, 0, sizeof(m));
	memcpy(m.instruction_bytes, code, size);
	m.instruction_byte_count = size;
	vp->vcpu.rip = CODE;
	vp->vcpu.exit.npt.gpa = gpa;
	vp->vcpu.exit.npt.flags = flags;
	memory_operand_gva(vp, &m);
	return m.memory_access_info & HV_X64_MEMORY_ACCESS_GVA_VALID ? m.guest_virtual_address : 0;
}

#define OPERAND(gpa, code) operand(gpa, 0, code, sizeof(code) - 1)

TEST_ON_MACHINE(operand_address_is_told_where_it_is_the_one)
{
	struct host_vmcb *vmcb;

	begin();
	vmcb = vp->vcpu.arch.vmcb;
	gpr[GPR_RAX] = 0x9000000;
	gpr[GPR_RCX] = 0x10;
	gpr[GPR_RBP] = 0x9000100;
	gpr[GPR_RSI] = 0x9000200;
	gpr[GPR_RDI] = 0x9000300;
	EXPECT_EQ(0x9000008, OPERAND(0x9000008, "\x8B\x58\x08"));	/* [rax+8] */
	EXPECT_EQ(0, OPERAND(0x9000009, "\x8B\x58\x08"));
	EXPECT_EQ(0x9000040, OPERAND(0x9000040, "\x8B\x1C\x88"));	/* [rax+rcx*4] */
	EXPECT_EQ(0x9000100, OPERAND(0x9000100, "\x8B\x5D\x00"));	/* [rbp] */
	EXPECT_EQ(CODE + 6 + 0x9000000, OPERAND(CODE + 6 + 0x9000000, "\x8B\x1D\0\0\0\x09"));
	EXPECT_EQ(0x9000200, OPERAND(0x9000200, "\xA5"));		/* movs: source */
	EXPECT_EQ(0x9000300, operand(0x9000300, NPT_FAULT_WRITE, "\xA5", 1));
	EXPECT_EQ(0x9000300, OPERAND(0x9000300, "\xAF"));		/* scas */
	EXPECT_EQ(0x9000010, OPERAND(0x9000010, "\xA1\x10\0\0\x09\0\0\0\0"));
	EXPECT_EQ(CODE, operand(CODE, NPT_FAULT_EXEC, "", 0));
	EXPECT_EQ(0, operand(0x9000000, NPT_FAULT_WALK, "\x8B\x00", 2));
	EXPECT_EQ(0, OPERAND(0x9000000, "\x90"));
	vmcb->seg[SEG_FS].base = 0x5000;
	EXPECT_EQ(0x9005000, OPERAND(0x9005000, "\x64\x8B\x18"));	/* fs:[rax] */

	/* 16-bit code, with segments */
	vmcb->efer = 0;
	vmcb->seg[SEG_CS].attributes = 0x9B;
	vmcb->seg[SEG_DS].base = 0x8000000;
	vmcb->seg[SEG_SS].base = 0xA000000;
	gpr[GPR_RBX] = 0x1000;
	gpr[GPR_RSI] = 0x20;
	gpr[GPR_RBP] = 0x2000;
	EXPECT_EQ(0x8001024, OPERAND(0x8001024, "\x8B\x40\x04"));	/* [bx+si+4] */
	EXPECT_EQ(0xA002000, OPERAND(0xA002000, "\x8B\x46\x00"));	/* [bp] */
	EXPECT_EQ(0x8004321, OPERAND(0x8004321, "\x8B\x06\x21\x43"));	/* [0x4321] */
	child_gone(p);
}

TEST_HARNESS_MAIN
