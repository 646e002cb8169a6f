// SPDX-License-Identifier: GPL-2.0-only
/*
 * Emulation of whole instructions, on a VP that this file makes up: its memory
 * is an array, its translation adds a constant, its devices are a log.
 */
#include <mshv/emulate.h>

#include "kselftest_harness.h"

#define RAM_SIZE	0x10000ULL
#define GVA_OFFSET	0xffff800000000000ULL	/* virtual minus physical, with paging */
#define DEVICE_GPA	0xfec00000ULL

static __u8 ram[RAM_SIZE];
static union hv_register_value vp_registers[18];	/* RAX to R15, RIP, RFLAGS */
static struct hv_x64_segment_register vp_segments[6];
static __u64 gva_offset;
static unsigned int hypercalls;

static struct {
	bool write, port;
	__u64 address, value;
	unsigned int size;
} access_log[8192];
static unsigned int accesses;
static __u64 device_value;

static void fake_get_registers(const struct hv_input_get_vp_registers *in, unsigned int count,
			       union hv_register_value *out)
{
	unsigned int i;

	for (i = 0; i < count; i++) {
		if (in->names[i] <= HV_X64_REGISTER_RFLAGS)
			out[i] = vp_registers[in->names[i] - HV_X64_REGISTER_RAX];
		else
			out[i].segment = vp_segments[in->names[i] - HV_X64_REGISTER_ES];
	}
}

static void fake_translate(const struct hv_input_translate_virtual_address *in,
			   struct hv_output_translate_virtual_address *out)
{
	__u64 gpa = (in->gva_page << HV_HYP_PAGE_SHIFT) - gva_offset;

	out->result_code = gpa >= 1ULL << 32 ? HV_TRANSLATE_GVA_PAGE_NOT_PRESENT : 0;
	out->gpa_page = gpa >> HV_HYP_PAGE_SHIFT;
}

int __wrap_ioctl(int fd, unsigned long request, struct mshv_root_hvcall *args);
int __wrap_ioctl(int fd, unsigned long request, struct mshv_root_hvcall *args)
{
	const struct hv_input_set_vp_registers *set = (void *)(unsigned long)args->in_ptr;
	unsigned int i;

	(void)fd;
	if (request != MSHV_ROOT_HVCALL) {
		errno = ENOTTY;
		return -1;
	}
	hypercalls++;
	switch (args->code) {
	case HVCALL_GET_VP_REGISTERS:
		fake_get_registers((void *)(unsigned long)args->in_ptr, args->reps,
				   (void *)(unsigned long)args->out_ptr);
		return 0;
	case HVCALL_SET_VP_REGISTERS:
		for (i = 0; i < args->reps; i++)
			vp_registers[set->elements[i].name - HV_X64_REGISTER_RAX] =
				set->elements[i].value;
		return 0;
	case HVCALL_TRANSLATE_VIRTUAL_ADDRESS:
		fake_translate((void *)(unsigned long)args->in_ptr,
			       (void *)(unsigned long)args->out_ptr);
		return 0;
	default:
		args->status = HV_STATUS_INVALID_HYPERCALL_CODE;
		errno = EINVAL;
		return -1;
	}
}

static void log_access(bool port, bool write, __u64 address, unsigned int size, __u64 value)
{
	access_log[accesses].port = port;
	access_log[accesses].write = write;
	access_log[accesses].address = address;
	access_log[accesses].size = size;
	access_log[accesses++].value = value;
}

static __u32 port_read(void *context, __u16 port, unsigned int size)
{
	(void)context;
	log_access(true, false, port, size, device_value);
	return device_value;
}

static void port_write(void *context, __u16 port, unsigned int size, __u32 value)
{
	(void)context;
	log_access(true, true, port, size, value);
}

static __u64 mmio_read(void *context, __u64 gpa, unsigned int size)
{
	(void)context;
	log_access(false, false, gpa, size, device_value);
	return device_value;
}

static void mmio_write(void *context, __u64 gpa, unsigned int size, __u64 value)
{
	(void)context;
	log_access(false, true, gpa, size, value);
}

static void *memory(void *context, __u64 gpa, __u64 size)
{
	(void)context;
	return gpa + size <= RAM_SIZE ? ram + gpa : NULL;
}

static const struct mshv_bus_ops ops = {
	.port_read = port_read,
	.port_write = port_write,
	.mmio_read = mmio_read,
	.mmio_write = mmio_write,
	.memory = memory,
};

#define GPR(n)	vp_registers[MSHV_##n].reg64
#define RIP	vp_registers[16].reg64
#define RFLAGS	vp_registers[17].reg64

FIXTURE(vp) {
	struct mshv_vp vp;
	struct hv_x64_memory_intercept_message *mem;
	struct hv_x64_io_port_intercept_message *io;
};

FIXTURE_SETUP(vp)
{
	unsigned int i;

	self->vp.fd = -1;
	self->mem = (void *)self->vp.msg.u.payload;
	self->io = (void *)self->vp.msg.u.payload;
	for (i = 0; i < MSHV_GPR_COUNT; i++)
		vp_registers[i].reg64 = 0x1111111111111111ULL * i;
	RFLAGS = 2;
	gva_offset = GVA_OFFSET;
	device_value = 0xfedcba9887654321ULL;
}

FIXTURE_TEARDOWN(vp)
{
}

/* A memory message about DEVICE_GPA + @offset; the instruction is at 0x1000 in 64-bit code. */
static void memory_message(struct hv_x64_memory_intercept_message *mem, unsigned int offset,
			   bool write, const char *bytes, unsigned int count)
{
	mem->header.execution_state = HV_X64_EXEC_STATE_CR0_PE | HV_X64_EXEC_STATE_EFER_LMA;
	mem->header.cs_segment.attributes = HV_SEGMENT_LONG;
	mem->header.intercept_access_type =
		write ? HV_INTERCEPT_ACCESS_WRITE : HV_INTERCEPT_ACCESS_READ;
	mem->header.rip = GVA_OFFSET + 0x1000;
	RIP = mem->header.rip;
	mem->guest_physical_address = DEVICE_GPA + offset;
	mem->guest_virtual_address = GVA_OFFSET + DEVICE_GPA + offset;
	mem->memory_access_info = HV_X64_MEMORY_ACCESS_GVA_VALID |
				  HV_X64_MEMORY_ACCESS_GVA_GPA_VALID;
	mem->instruction_byte_count = count;
	memcpy(mem->instruction_bytes, bytes, count);
	memcpy(ram + 0x1000, bytes, count);
}

#define DEVICE_GVA	(GVA_OFFSET + DEVICE_GPA)

TEST_F(vp, load_reads_the_device_and_clears_the_upper_half)
{
	GPR(RAX) = DEVICE_GVA + 0x10;
	memory_message(self->mem, 0x10, false, "\x8b\x08", 2);	/* mov (%rax),%ecx */
	ASSERT_EQ(0, mshv_emulate_mmio(&self->vp, &ops, NULL)) TH_LOG("%s", mshv_strerror());
	ASSERT_EQ(1, accesses);
	EXPECT_FALSE(access_log[0].write);
	EXPECT_EQ(DEVICE_GPA + 0x10, access_log[0].address);
	EXPECT_EQ(4, access_log[0].size);
	EXPECT_EQ(0x87654321ULL, GPR(RCX));
	EXPECT_EQ(GVA_OFFSET + 0x1002, RIP);
}

TEST_F(vp, small_loads_keep_the_rest_of_the_register)
{
	GPR(RAX) = DEVICE_GVA;
	memory_message(self->mem, 0, false, "\x8a\x28", 2);	/* mov (%rax),%ch */
	ASSERT_EQ(0, mshv_emulate_mmio(&self->vp, &ops, NULL));
	EXPECT_EQ(0x1111111111112111ULL, GPR(RCX));

	memory_message(self->mem, 0, false, "\x66\x8b\x10", 3);	/* mov (%rax),%dx */
	ASSERT_EQ(0, mshv_emulate_mmio(&self->vp, &ops, NULL));
	EXPECT_EQ(0x2222222222224321ULL, GPR(RDX));
}

TEST_F(vp, sign_and_zero_extension)
{
	GPR(RSI) = DEVICE_GVA;
	device_value = 0x80;
	memory_message(self->mem, 0, false, "\x0f\xbe\x06", 3);	/* movsbl (%rsi),%eax */
	ASSERT_EQ(0, mshv_emulate_mmio(&self->vp, &ops, NULL));
	EXPECT_EQ(0xffffff80ULL, GPR(RAX));
	memory_message(self->mem, 0, false, "\x0f\xb6\x06", 3);	/* movzbl (%rsi),%eax */
	ASSERT_EQ(0, mshv_emulate_mmio(&self->vp, &ops, NULL));
	EXPECT_EQ(0x80ULL, GPR(RAX));
	device_value = 0x8000;
	memory_message(self->mem, 0, false, "\x4c\x0f\xbf\x06", 4);	/* movswq (%rsi),%r8 */
	ASSERT_EQ(0, mshv_emulate_mmio(&self->vp, &ops, NULL));
	EXPECT_EQ(0xffffffffffff8000ULL, GPR(R8));
}

TEST_F(vp, stores_write_the_register_or_immediate)
{
	GPR(RAX) = DEVICE_GVA;
	GPR(RCX) = 0x123456789abcdef0ULL;
	memory_message(self->mem, 0, true, "\x89\x08", 2);	/* mov %ecx,(%rax) */
	ASSERT_EQ(0, mshv_emulate_mmio(&self->vp, &ops, NULL));
	memory_message(self->mem, 0, true, "\x88\x28", 2);	/* mov %ch,(%rax) */
	ASSERT_EQ(0, mshv_emulate_mmio(&self->vp, &ops, NULL));
	/* movq $-2,(%rax) */
	memory_message(self->mem, 0, true, "\x48\xc7\x00\xfe\xff\xff\xff", 7);
	ASSERT_EQ(0, mshv_emulate_mmio(&self->vp, &ops, NULL));
	ASSERT_EQ(3, accesses);
	EXPECT_EQ(0x9abcdef0ULL, access_log[0].value);
	EXPECT_EQ(0xdeULL, access_log[1].value);
	EXPECT_EQ(1, access_log[1].size);
	EXPECT_EQ(0xfffffffffffffffeULL, access_log[2].value);
	EXPECT_EQ(8, access_log[2].size);
}

/* Some hypervisors give the page only: the offset comes from the instruction. */
TEST_F(vp, page_aligned_gpa_in_the_message)
{
	GPR(RAX) = DEVICE_GVA + 0x10;
	memory_message(self->mem, 0x10, false, "\x8b\x08", 2);
	self->mem->guest_physical_address = DEVICE_GPA;
	self->mem->guest_virtual_address = DEVICE_GVA;
	ASSERT_EQ(0, mshv_emulate_mmio(&self->vp, &ops, NULL));
	EXPECT_EQ(DEVICE_GPA + 0x10, access_log[0].address);
}

TEST_F(vp, missing_instruction_bytes_are_fetched)
{
	GPR(RAX) = DEVICE_GVA;
	memory_message(self->mem, 0, true, "\x48\xc7\x00\x2a\x00\x00\x00", 7);
	self->mem->instruction_byte_count = 3;
	memset(self->mem->instruction_bytes + 3, 0xff, 13);
	ASSERT_EQ(0, mshv_emulate_mmio(&self->vp, &ops, NULL)) TH_LOG("%s", mshv_strerror());
	EXPECT_EQ(42ULL, access_log[0].value);
	EXPECT_EQ(GVA_OFFSET + 0x1007, RIP);

	self->mem->instruction_byte_count = 0;
	RIP = GVA_OFFSET + 0x1000;
	ASSERT_EQ(0, mshv_emulate_mmio(&self->vp, &ops, NULL));
	EXPECT_EQ(2, accesses);
}

TEST_F(vp, rep_stos_does_one_repetition_an_exit)
{
	GPR(RDI) = DEVICE_GVA;
	GPR(RCX) = 2;
	GPR(RAX) = 0xabcd;
	memory_message(self->mem, 0, true, "\xf3\xab", 2);	/* rep stosl */
	ASSERT_EQ(0, mshv_emulate_mmio(&self->vp, &ops, NULL));
	EXPECT_EQ(1ULL, GPR(RCX));
	EXPECT_EQ(DEVICE_GVA + 4, GPR(RDI));
	EXPECT_EQ(GVA_OFFSET + 0x1000, RIP);
	ASSERT_EQ(0, mshv_emulate_mmio(&self->vp, &ops, NULL));
	EXPECT_EQ(0ULL, GPR(RCX));
	EXPECT_EQ(GVA_OFFSET + 0x1002, RIP);
	ASSERT_EQ(2, accesses);
	EXPECT_EQ(DEVICE_GPA + 4, access_log[1].address);
	EXPECT_EQ(0xabcdULL, access_log[1].value);
}

TEST_F(vp, movs_between_device_and_memory)
{
	__u64 value = 0x0123456789abcdefULL;

	/* From the device, backwards */
	GPR(RSI) = DEVICE_GVA + 0x20;
	GPR(RDI) = GVA_OFFSET + 0x2000;
	RFLAGS |= 1 << 10;
	memory_message(self->mem, 0x20, false, "\x48\xa5", 2);	/* movsq */
	ASSERT_EQ(0, mshv_emulate_mmio(&self->vp, &ops, NULL)) TH_LOG("%s", mshv_strerror());
	EXPECT_EQ(0, memcmp(ram + 0x2000, &device_value, 8));
	EXPECT_EQ(DEVICE_GVA + 0x18, GPR(RSI));
	EXPECT_EQ(GVA_OFFSET + 0x1ff8, GPR(RDI));

	/* To the device, from memory that crosses a page */
	memcpy(ram + 0x2ffc, &value, 8);
	RFLAGS = 2;
	GPR(RSI) = GVA_OFFSET + 0x2ffc;
	GPR(RDI) = DEVICE_GVA;
	memory_message(self->mem, 0, true, "\x48\xa5", 2);
	ASSERT_EQ(0, mshv_emulate_mmio(&self->vp, &ops, NULL)) TH_LOG("%s", mshv_strerror());
	ASSERT_EQ(2, accesses);
	EXPECT_TRUE(access_log[1].write);
	EXPECT_EQ(value, access_log[1].value);
}

TEST_F(vp, segment_bases_count_in_protected_mode_and_for_fs_gs)
{
	vp_segments[HV_X64_REGISTER_GS - HV_X64_REGISTER_ES].base = DEVICE_GVA;
	memory_message(self->mem, 0x30, false, "\x65\x8b\x04\x25\x30\x00\x00\x00", 8);
	ASSERT_EQ(0, mshv_emulate_mmio(&self->vp, &ops, NULL));
	EXPECT_EQ(DEVICE_GPA + 0x30, access_log[0].address);

	gva_offset = 0;
	vp_segments[HV_X64_REGISTER_DS - HV_X64_REGISTER_ES].base = DEVICE_GPA;
	GPR(RBX) = 0x40;
	memory_message(self->mem, 0x40, false, "\x8b\x03", 2);	/* mov (%ebx),%eax */
	self->mem->header.execution_state = HV_X64_EXEC_STATE_CR0_PE;
	self->mem->header.cs_segment.attributes = HV_SEGMENT_DEFAULT;
	RIP = 0x1000;
	self->mem->header.rip = 0x1000;
	ASSERT_EQ(0, mshv_emulate_mmio(&self->vp, &ops, NULL));
	EXPECT_EQ(DEVICE_GPA + 0x40, access_log[1].address);
	EXPECT_EQ(0x1002ULL, RIP);
}

TEST_F(vp, unknown_instruction_says_which)
{
	memory_message(self->mem, 0, false, "\x0f\x0b\xcc", 3);
	EXPECT_EQ(-EOPNOTSUPP, mshv_emulate_mmio(&self->vp, &ops, NULL));
	EXPECT_EQ(EOPNOTSUPP, mshv_last_error()->error);
	EXPECT_TRUE(strstr(mshv_strerror(), "0f 0b cc"));
	EXPECT_EQ(GVA_OFFSET + 0x1000, RIP);
}

TEST_F(vp, fetch_from_a_device_is_an_error)
{
	memory_message(self->mem, 0, false, "", 0);
	self->mem->header.intercept_access_type = HV_INTERCEPT_ACCESS_EXECUTE;
	EXPECT_EQ(-EFAULT, mshv_emulate_mmio(&self->vp, &ops, NULL));
	EXPECT_EQ(0, accesses);
}

static void io_message(struct hv_x64_io_port_intercept_message *io, bool write, unsigned int info,
		       unsigned int length, __u64 rax)
{
	io->header.execution_state = HV_X64_EXEC_STATE_CR0_PE | HV_X64_EXEC_STATE_EFER_LMA;
	io->header.cs_segment.attributes = HV_SEGMENT_LONG;
	io->header.intercept_access_type =
		write ? HV_INTERCEPT_ACCESS_WRITE : HV_INTERCEPT_ACCESS_READ;
	io->header.rip = GVA_OFFSET + 0x1000;
	io->header.instruction_length_and_cr8 = length;
	RIP = io->header.rip;
	io->port_number = 0x3f8;
	io->access_info = info;
	io->rax = rax;
	GPR(RAX) = rax;
}

TEST_F(vp, port_reads_change_as_much_of_rax_as_they_read)
{
	io_message(self->io, false, 1, 1, 0x1122334455667788ULL);
	ASSERT_EQ(0, mshv_emulate_io(&self->vp, &ops, NULL));
	EXPECT_EQ(0x1122334455667721ULL, GPR(RAX));
	EXPECT_EQ(GVA_OFFSET + 0x1001, RIP);
	io_message(self->io, false, 4, 1, 0x1122334455667788ULL);
	ASSERT_EQ(0, mshv_emulate_io(&self->vp, &ops, NULL));
	EXPECT_EQ(0x87654321ULL, GPR(RAX));
}

TEST_F(vp, port_writes_pass_the_low_bytes)
{
	io_message(self->io, true, 2, 2, 0x1122334455667788ULL);
	ASSERT_EQ(0, mshv_emulate_io(&self->vp, &ops, NULL));
	EXPECT_TRUE(access_log[0].port && access_log[0].write);
	EXPECT_EQ(0x7788ULL, access_log[0].value);
	EXPECT_EQ(0x3f8ULL, access_log[0].address);
	EXPECT_EQ(GVA_OFFSET + 0x1002, RIP);
}

TEST_F(vp, rep_outsb_prints_a_whole_string)
{
	memcpy(ram + 0x2ffd, "hello", 5);
	io_message(self->io, true,
		   1 | HV_X64_IO_PORT_STRING_OP | HV_X64_IO_PORT_REP_PREFIX, 2, 0);
	self->io->instruction_byte_count = 2;
	memcpy(self->io->instruction_bytes, "\xf3\x6e", 2);
	GPR(RSI) = GVA_OFFSET + 0x2ffd;
	GPR(RCX) = 5;
	ASSERT_EQ(0, mshv_emulate_io(&self->vp, &ops, NULL)) TH_LOG("%s", mshv_strerror());
	ASSERT_EQ(5, accesses);
	EXPECT_EQ('h', (int)access_log[0].value);
	EXPECT_EQ('o', (int)access_log[4].value);
	EXPECT_EQ(0ULL, GPR(RCX));
	EXPECT_EQ(GVA_OFFSET + 0x3002, GPR(RSI));
	EXPECT_EQ(GVA_OFFSET + 0x1002, RIP);
}

TEST_F(vp, endless_rep_comes_back_to_the_vmm)
{
	io_message(self->io, false,
		   1 | HV_X64_IO_PORT_STRING_OP | HV_X64_IO_PORT_REP_PREFIX, 2, 0);
	self->io->instruction_byte_count = 2;
	memcpy(self->io->instruction_bytes, "\xf3\x6c", 2);	/* rep insb */
	GPR(RDI) = GVA_OFFSET + 0x4000;
	GPR(RCX) = 0x8000000000000000ULL;
	ASSERT_EQ(0, mshv_emulate_io(&self->vp, &ops, NULL));
	EXPECT_EQ(4096, accesses);
	EXPECT_EQ(GVA_OFFSET + 0x1000, RIP);
	EXPECT_EQ(0x8000000000000000ULL - 4096, GPR(RCX));
}

TEST_F(vp, string_io_to_no_memory_fails_cleanly)
{
	io_message(self->io, false, 1 | HV_X64_IO_PORT_STRING_OP, 1, 0);
	self->io->instruction_byte_count = 1;
	self->io->instruction_bytes[0] = 0x6c;
	GPR(RDI) = GVA_OFFSET + RAM_SIZE;
	EXPECT_EQ(-EFAULT, mshv_emulate_io(&self->vp, &ops, NULL));
	GPR(RDI) = 0;
	EXPECT_EQ(-EFAULT, mshv_emulate_io(&self->vp, &ops, NULL));
	EXPECT_EQ(GVA_OFFSET + 0x1000, RIP);
}

TEST_F(vp, nonsense_port_messages_are_refused)
{
	io_message(self->io, false, 3, 1, 0);
	EXPECT_EQ(-EIO, mshv_emulate_io(&self->vp, &ops, NULL));
	io_message(self->io, false, 1 | HV_X64_IO_PORT_STRING_OP, 1, 0);
	self->io->instruction_byte_count = 2;
	memcpy(self->io->instruction_bytes, "\x8b\x08", 2);
	EXPECT_EQ(-EIO, mshv_emulate_io(&self->vp, &ops, NULL));
	EXPECT_EQ(0, accesses);
}

/* With a valid register page no hypercall is needed for a port read. */
TEST_F(vp, register_page_saves_the_hypercall)
{
	struct hv_vp_register_page page = {
		.version = HV_VP_REGISTER_PAGE_VERSION_1, .isvalid = 1, .rip = 0x1000,
	};

	self->vp.page = &page;
	io_message(self->io, false, 1, 1, 0x55);
	ASSERT_EQ(0, mshv_emulate_io(&self->vp, &ops, NULL));
	EXPECT_EQ(0, hypercalls);
	EXPECT_EQ(0x21ULL, page.gp_registers[MSHV_RAX]);
	EXPECT_EQ(GVA_OFFSET + 0x1001, page.rip);
	EXPECT_EQ(HV_REGISTER_PAGE_DIRTY_GENERAL | HV_REGISTER_PAGE_DIRTY_IP, page.dirty);

	page.isvalid = 0;
	ASSERT_EQ(0, mshv_emulate_io(&self->vp, &ops, NULL));
	EXPECT_EQ(1, hypercalls);
	EXPECT_EQ(0x21ULL, GPR(RAX));
}

TEST_HARNESS_MAIN
