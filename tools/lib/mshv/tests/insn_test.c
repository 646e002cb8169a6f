// SPDX-License-Identifier: GPL-2.0-only
/*
 * The instruction decoder: known encodings, truncation, and random bytes.
 */
#include <mshv/emulate.h>

#include "kselftest_harness.h"

static const char * const gpr_names[MSHV_GPR_COUNT] = {
	"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
	"r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15",
};

static const char * const segment_names[] = { "es", "cs", "ss", "ds", "fs", "gs" };
static const char * const op_names[] = { "load", "store", "stos", "movs", "ins", "outs" };

/*
 * An instruction in words: operation and size of the access, the register with
 * the size that changes (or the immediate), the memory operand, its address size.
 */
static void describe(const struct mshv_insn *insn, char *buf, size_t size)
{
	FILE *f = fmemopen(buf, size, "w");

	fprintf(f, "%s%s%u", insn->rep ? "rep " : "", op_names[insn->op], insn->size);
	if (insn->op == MSHV_INSN_LOAD)
		fprintf(f, " %s%s/%u%s", gpr_names[insn->reg], insn->high_byte ? ":h" : "",
			insn->reg_size, insn->sign_extend ? "s" : "");
	if (insn->op == MSHV_INSN_STORE && insn->reg != MSHV_INSN_NONE)
		fprintf(f, " %s%s", gpr_names[insn->reg], insn->high_byte ? ":h" : "");
	if (insn->op == MSHV_INSN_STORE && insn->reg == MSHV_INSN_NONE)
		fprintf(f, " $0x%llx", insn->immediate);
	fprintf(f, " %s:", segment_names[insn->segment - HV_X64_REGISTER_ES]);
	if (insn->op <= MSHV_INSN_STORE) {
		if (insn->displacement)
			fprintf(f, "0x%llx", insn->displacement);
		fprintf(f, "(%s", insn->base != MSHV_INSN_NONE ? gpr_names[insn->base] :
				  insn->rip_relative ? "rip" : "");
		if (insn->index != MSHV_INSN_NONE)
			fprintf(f, ",%s,%u", gpr_names[insn->index], insn->scale);
		fprintf(f, ")");
	}
	fprintf(f, " a%u", insn->address_size);
	fclose(f);
}

struct encoding {
	const char *text;	/* as the assembler has it */
	unsigned int mode;
	unsigned int length;
	__u8 bytes[15];
	const char *expected;
};

static const struct encoding encodings[] = {
	{ "mov (%rax),%ecx", 64, 2, { 0x8b, 0x08 }, "load4 rcx/4 ds:(rax) a8" },
	{ "mov %ecx,(%rax)", 64, 2, { 0x89, 0x08 }, "store4 rcx ds:(rax) a8" },
	{ "mov %r9,0x20(%r8)", 64, 4, { 0x4d, 0x89, 0x48, 0x20 }, "store8 r9 ds:0x20(r8) a8" },
	{ "mov 0x12345678(%rbp),%r15w", 64, 8, { 0x66, 0x44, 0x8b, 0xbd, 0x78, 0x56, 0x34, 0x12 },
	  "load2 r15/2 ss:0x12345678(rbp) a8" },
	{ "mov %sil,(%rsp)", 64, 4, { 0x40, 0x88, 0x34, 0x24 }, "store1 rsi ss:(rsp) a8" },
	{ "mov %ah,(%rbx)", 64, 2, { 0x88, 0x23 }, "store1 rax:h ds:(rbx) a8" },
	{ "mov (%rbx),%dh", 64, 2, { 0x8a, 0x33 }, "load1 rdx:h/1 ds:(rbx) a8" },
	{ "mov (%r12,%r13,4),%edx", 64, 4, { 0x43, 0x8b, 0x14, 0xac },
	  "load4 rdx/4 ds:(r12,r13,4) a8" },
	{ "mov -8(%rax,%rcx,8),%rdx", 64, 5, { 0x48, 0x8b, 0x54, 0xc8, 0xf8 },
	  "load8 rdx/8 ds:0xfffffffffffffff8(rax,rcx,8) a8" },
	{ "mov 0x11223344(,%rdx,2),%al", 64, 7, { 0x8a, 0x04, 0x55, 0x44, 0x33, 0x22, 0x11 },
	  "load1 rax/1 ds:0x11223344(,rdx,2) a8" },
	{ "mov 0x100(%rip),%eax", 64, 6, { 0x8b, 0x05, 0x00, 0x01, 0x00, 0x00 },
	  "load4 rax/4 ds:0x100(rip) a8" },
	{ "mov %gs:0x30,%eax", 64, 8, { 0x65, 0x8b, 0x04, 0x25, 0x30, 0x00, 0x00, 0x00 },
	  "load4 rax/4 gs:0x30() a8" },
	{ "mov %fs:(%rdi),%rbx", 64, 4, { 0x64, 0x48, 0x8b, 0x1f }, "load8 rbx/8 fs:(rdi) a8" },
	{ "movb $0x7f,(%rdi)", 64, 3, { 0xc6, 0x07, 0x7f }, "store1 $0x7f ds:(rdi) a8" },
	{ "movw $0x1234,(%rdi)", 64, 5, { 0x66, 0xc7, 0x07, 0x34, 0x12 },
	  "store2 $0x1234 ds:(rdi) a8" },
	{ "movl $0x80000000,0x10(%rdi)", 64, 7, { 0xc7, 0x47, 0x10, 0x00, 0x00, 0x00, 0x80 },
	  "store4 $0xffffffff80000000 ds:0x10(rdi) a8" },
	{ "movq $-2,0x10(%rdi)", 64, 8, { 0x48, 0xc7, 0x47, 0x10, 0xfe, 0xff, 0xff, 0xff },
	  "store8 $0xfffffffffffffffe ds:0x10(rdi) a8" },
	{ "movabs 0x1122334455667788,%eax", 64, 9,
	  { 0xa1, 0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11 },
	  "load4 rax/4 ds:0x1122334455667788() a8" },
	{ "movabs %al,0xfec00000", 64, 9,
	  { 0xa2, 0x00, 0x00, 0xc0, 0xfe, 0x00, 0x00, 0x00, 0x00 },
	  "store1 rax ds:0xfec00000() a8" },
	{ "movzbl (%rsi),%eax", 64, 3, { 0x0f, 0xb6, 0x06 }, "load1 rax/4 ds:(rsi) a8" },
	{ "movzwl 2(%rsi),%r10d", 64, 5, { 0x44, 0x0f, 0xb7, 0x56, 0x02 },
	  "load2 r10/4 ds:0x2(rsi) a8" },
	{ "movzbq (%rsi),%rax", 64, 4, { 0x48, 0x0f, 0xb6, 0x06 }, "load1 rax/8 ds:(rsi) a8" },
	{ "movsbl (%rsi),%eax", 64, 3, { 0x0f, 0xbe, 0x06 }, "load1 rax/4s ds:(rsi) a8" },
	{ "movswq (%rsi),%r8", 64, 4, { 0x4c, 0x0f, 0xbf, 0x06 }, "load2 r8/8s ds:(rsi) a8" },
	{ "movslq (%rsi),%rax", 64, 3, { 0x48, 0x63, 0x06 }, "load4 rax/8s ds:(rsi) a8" },
	{ "movzbw (%rsi),%cx", 64, 4, { 0x66, 0x0f, 0xb6, 0x0e }, "load1 rcx/2 ds:(rsi) a8" },
	{ "movnti %rax,(%rdi)", 64, 4, { 0x48, 0x0f, 0xc3, 0x07 }, "store8 rax ds:(rdi) a8" },
	{ "movnti %edx,(%rdi)", 64, 3, { 0x0f, 0xc3, 0x17 }, "store4 rdx ds:(rdi) a8" },
	{ "stosb", 64, 1, { 0xaa }, "stos1 ds: a8" },
	{ "stosl", 64, 1, { 0xab }, "stos4 ds: a8" },
	{ "stosq", 64, 2, { 0x48, 0xab }, "stos8 ds: a8" },
	{ "rep stosl", 64, 2, { 0xf3, 0xab }, "rep stos4 ds: a8" },
	{ "movsb", 64, 1, { 0xa4 }, "movs1 ds: a8" },
	{ "rep movsq", 64, 3, { 0xf3, 0x48, 0xa5 }, "rep movs8 ds: a8" },
	{ "movsl %fs:(%rsi),%es:(%rdi)", 64, 2, { 0x64, 0xa5 }, "movs4 fs: a8" },
	{ "rep insw", 64, 3, { 0x66, 0xf3, 0x6d }, "rep ins2 ds: a8" },
	{ "outsb", 64, 1, { 0x6e }, "outs1 ds: a8" },
	{ "addr32 mov (%eax),%ecx", 64, 3, { 0x67, 0x8b, 0x08 }, "load4 rcx/4 ds:(rax) a4" },
	{ "mov %ecx,(%r13)", 64, 4, { 0x41, 0x89, 0x4d, 0x00 }, "store4 rcx ds:(r13) a8" },
	{ "mov %ecx,(%r12)", 64, 4, { 0x41, 0x89, 0x0c, 0x24 }, "store4 rcx ds:(r12) a8" },
	{ "mov (%eax),%ecx", 32, 2, { 0x8b, 0x08 }, "load4 rcx/4 ds:(rax) a4" },
	{ "mov 0xfec00000,%eax", 32, 5, { 0xa1, 0x00, 0x00, 0xc0, 0xfe },
	  "load4 rax/4 ds:0xfffffffffec00000() a4" },
	{ "mov %ebx,0xfec00010", 32, 6, { 0x89, 0x1d, 0x10, 0x00, 0xc0, 0xfe },
	  "store4 rbx ds:0xfffffffffec00010() a4" },
	{ "mov %ebx,0x10(%esi)", 32, 3, { 0x89, 0x5e, 0x10 }, "store4 rbx ds:0x10(rsi) a4" },
	{ "movzbl (%ebx),%ecx", 32, 3, { 0x0f, 0xb6, 0x0b }, "load1 rcx/4 ds:(rbx) a4" },
	{ "addr16 mov 4(%bp,%si),%eax", 32, 4, { 0x67, 0x8b, 0x42, 0x04 },
	  "load4 rax/4 ss:0x4(rbp,rsi,1) a2" },
	{ "stosw", 32, 2, { 0x66, 0xab }, "stos2 ds: a4" },
	{ "rep outsl", 32, 2, { 0xf3, 0x6f }, "rep outs4 ds: a4" },
	{ "mov (%bx,%si),%ax", 16, 2, { 0x8b, 0x00 }, "load2 rax/2 ds:(rbx,rsi,1) a2" },
	{ "mov 2(%bp),%cl", 16, 3, { 0x8a, 0x4e, 0x02 }, "load1 rcx/1 ss:0x2(rbp) a2" },
	{ "mov %eax,0x1234", 16, 4, { 0x66, 0xa3, 0x34, 0x12 }, "store4 rax ds:0x1234() a2" },
	{ "movb $1,(%di)", 16, 3, { 0xc6, 0x05, 0x01 }, "store1 $0x1 ds:(rdi) a2" },
	{ "movl $1,(%edi)", 16, 8, { 0x67, 0x66, 0xc7, 0x07, 0x01, 0x00, 0x00, 0x00 },
	  "store4 $0x1 ds:(rdi) a4" },
	{ "mov %es:(%bx),%dx", 16, 3, { 0x26, 0x8b, 0x17 }, "load2 rdx/2 es:(rbx) a2" },
	{ "stosw", 16, 1, { 0xab }, "stos2 ds: a2" },
	{ "rep stosl", 16, 3, { 0x66, 0xf3, 0xab }, "rep stos4 ds: a2" },
	{ "outsb", 16, 1, { 0x6e }, "outs1 ds: a2" },
};

#define ENCODINGS	ARRAY_SIZE(encodings)

TEST(known_encodings_decode)
{
	struct mshv_insn insn;
	char text[128];
	size_t i;

	for (i = 0; i < ENCODINGS; i++) {
		const struct encoding *e = &encodings[i];

		ASSERT_EQ(0, mshv_decode_insn(e->bytes, sizeof(e->bytes), e->mode, &insn)) {
			TH_LOG("%s", e->text);
		}
		EXPECT_EQ(e->length, insn.length) TH_LOG("%s", e->text);
		describe(&insn, text, sizeof(text));
		EXPECT_STREQ(e->expected, text) TH_LOG("%s", e->text);
	}
}

/* Heap copies of the exact length: ASan sees a read of one byte too many. */
TEST(truncated_instructions_ask_for_more)
{
	struct mshv_insn insn;
	unsigned int len;
	__u8 *copy;
	size_t i;

	for (i = 0; i < ENCODINGS; i++) {
		const struct encoding *e = &encodings[i];

		for (len = 0; len < e->length; len++) {
			copy = malloc(len ? len : 1);
			memcpy(copy, e->bytes, len);
			EXPECT_EQ(-ENODATA, mshv_decode_insn(copy, len, e->mode, &insn)) {
				TH_LOG("%s, %u bytes", e->text, len);
			}
			free(copy);
		}
	}
}

TEST(other_instructions_are_refused)
{
	static const struct {
		char text[40];
		__u8 bytes[4];
	} refused[] = {
		{ "mov %eax,%ecx (no memory operand)", { 0x89, 0xc1 } },
		{ "lock mov", { 0xf0, 0x89, 0x08 } },
		{ "group 11 other than mov", { 0xc7, 0x0f } },
		{ "add %eax,(%rax)", { 0x01, 0x00 } },
		{ "movntiw", { 0x66, 0x0f, 0xc3, 0x07 } },
		{ "ud2", { 0x0f, 0x0b } },
		{ "nop", { 0x90 } },
	};
	struct mshv_insn insn;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(refused); i++) {
		EXPECT_EQ(-EOPNOTSUPP, mshv_decode_insn(refused[i].bytes, 4, 64, &insn)) {
			TH_LOG("instruction %zu: %s", i, refused[i].text);
		}
	}
}

TEST(prefixes_without_end_are_refused)
{
	__u8 bytes[16];
	struct mshv_insn insn;

	memset(bytes, 0x66, sizeof(bytes));
	EXPECT_EQ(-EOPNOTSUPP, mshv_decode_insn(bytes, sizeof(bytes), 64, &insn));
	EXPECT_EQ(-EOPNOTSUPP, mshv_decode_insn(bytes, 15, 16, &insn));
}

TEST(offsets_are_computed_and_wrap)
{
	struct mshv_regs regs = { .rip = 0x1000 };
	struct mshv_insn insn;

	regs.gpr[MSHV_RAX] = 0x100000000ULL;
	regs.gpr[MSHV_RCX] = 0x10;
	regs.gpr[MSHV_RBP] = 0xfffe;
	regs.gpr[MSHV_RSI] = 0x4;

	/* mov -8(%rax,%rcx,8),%rdx */
	mshv_decode_insn((const __u8[]){ 0x48, 0x8b, 0x54, 0xc8, 0xf8 }, 5, 64, &insn);
	EXPECT_EQ(0x100000078ULL, mshv_insn_offset(&insn, &regs));
	/* mov 0x100(%rip),%eax */
	mshv_decode_insn((const __u8[]){ 0x8b, 0x05, 0, 1, 0, 0 }, 6, 64, &insn);
	EXPECT_EQ(0x1106ULL, mshv_insn_offset(&insn, &regs));
	/* addr32 mov (%eax),%ecx */
	mshv_decode_insn((const __u8[]){ 0x67, 0x8b, 0x08 }, 3, 64, &insn);
	EXPECT_EQ(0ULL, mshv_insn_offset(&insn, &regs));
	/* mov 4(%bp,%si),%eax in 16-bit code: 64 KiB and round again */
	mshv_decode_insn((const __u8[]){ 0x66, 0x8b, 0x42, 0x04 }, 4, 16, &insn);
	EXPECT_EQ(6ULL, mshv_insn_offset(&insn, &regs));
}

/* Whatever the bytes: an answer, a length within bounds, and no read beyond the end. */
TEST(random_bytes_never_break_the_decoder)
{
	static const unsigned int modes[] = { 16, 32, 64 };
	struct mshv_insn insn;
	unsigned int i, j, len;
	__u8 *bytes;
	int ret;

	srandom(1);
	for (i = 0; i < 2000000; i++) {
		len = random() % 17;
		bytes = malloc(len + 1);
		for (j = 0; j < len; j++)
			bytes[j] = random();
		bytes = realloc(bytes, len ? len : 1);
		ret = mshv_decode_insn(bytes, len, modes[i % 3], &insn);
		ASSERT_TRUE(ret == 0 || ret == -ENODATA || ret == -EOPNOTSUPP);
		if (!ret) {
			ASSERT_TRUE(insn.length >= 1 && insn.length <= 15 && insn.length <= len);
			ASSERT_TRUE(insn.size == 1 || insn.size == 2 || insn.size == 4 ||
				    insn.size == 8);
			ASSERT_TRUE(insn.reg < MSHV_GPR_COUNT || insn.reg == MSHV_INSN_NONE);
			ASSERT_TRUE(insn.op != MSHV_INSN_LOAD || insn.reg < MSHV_GPR_COUNT);
		}
		free(bytes);
	}
}

TEST_HARNESS_MAIN
