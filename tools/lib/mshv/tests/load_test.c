// SPDX-License-Identifier: GPL-2.0-only
/*
 * Loading kernels and flat programs, and where a VP is after that.
 */
#include <asm/bootparam.h>
#include <sys/ioctl.h>

#include <mshv/load.h>

#include "kselftest_harness.h"

#define MIB		(1ULL << 20)
#define PAGE_SIZE	4096

/* The registers that were set last */
static struct hv_register_assoc registers[64];
static unsigned int register_count;

int __wrap_ioctl(int fd, unsigned long request, void *args);
int __wrap_ioctl(int fd, unsigned long request, void *args)
{
	const struct mshv_root_hvcall *call = args;
	const struct hv_input_set_vp_registers *in = (void *)(unsigned long)call->in_ptr;

	(void)fd;
	if (request != MSHV_ROOT_HVCALL || call->code != HVCALL_SET_VP_REGISTERS) {
		errno = ENOTTY;
		return -1;
	}
	register_count = call->reps;
	memcpy(registers, in->elements, call->reps * sizeof(*registers));
	return 0;
}

static __u64 started_at(__u32 name)
{
	unsigned int i;

	for (i = 0; i < register_count; i++) {
		if (registers[i].name == name)
			return registers[i].value.reg64;
	}
	return 0;
}

#define SETUP_SECTS	3
#define KERNEL_SIZE	0x5000

FIXTURE(bzimage) {
	struct mshv_memory memory;
	uint8_t image[(SETUP_SECTS + 1) * 512 + KERNEL_SIZE];
	struct setup_header *header;
	struct mshv_linux program;
	struct mshv_vp vp;
};

FIXTURE_SETUP(bzimage)
{
	unsigned int i;

	ASSERT_EQ(0, mshv_memory_init(&self->memory, 64 * MIB));
	for (i = 0; i < sizeof(self->image); i++)
		self->image[i] = i * 7;
	self->header = (struct setup_header *)(self->image + 0x1f1);
	memset(self->header, 0, sizeof(*self->header));
	self->header->setup_sects = SETUP_SECTS;
	self->header->syssize = KERNEL_SIZE / 16;
	self->header->boot_flag = 0xaa55;
	self->header->jump = 0x66eb;
	self->header->header = 0x53726448;
	self->header->version = 0x020f;
	self->header->xloadflags = XLF_KERNEL_64;
	self->header->initrd_addr_max = 0x7fffffff;
	self->header->kernel_alignment = 0x200000;
	self->header->relocatable_kernel = 1;
	self->header->pref_address = 0x1000000;
	self->header->init_size = 0x100000;
	self->header->cmdline_size = 2047;
	self->program = (struct mshv_linux){
		.kernel = self->image,
		.kernel_size = sizeof(self->image),
		.rsdp = 0xe0000,
	};
}

FIXTURE_TEARDOWN(bzimage)
{
	mshv_memory_destroy(&self->memory);
}

static int load(struct bzimage_fixture_data *self, const char *cmdline)
{
	self->program.cmdline = cmdline;
	return mshv_load_linux(&self->vp, &self->memory, &self->program);
}

TEST_F(bzimage, is_loaded_by_the_64_bit_protocol)
{
	uint8_t disk[5000];
	struct boot_params *params;
	uint64_t ram = 0;
	unsigned int i;

	memset(disk, 0x5a, sizeof(disk));
	self->program.initrd = disk;
	self->program.initrd_size = sizeof(disk);
	ASSERT_EQ(0, load(self, "console=ttyS0 quiet"));
	EXPECT_EQ(0x1000200, started_at(HV_X64_REGISTER_RIP));
	EXPECT_EQ(0, memcmp(self->memory.base + 0x1000000,
			    self->image + (SETUP_SECTS + 1) * 512, KERNEL_SIZE));

	params = mshv_memory_at(&self->memory, started_at(HV_X64_REGISTER_RSI), sizeof(*params));
	ASSERT_NE(NULL, (void *)params);
	EXPECT_EQ(0x53726448, params->hdr.header);
	EXPECT_EQ(0xff, params->hdr.type_of_loader);
	EXPECT_EQ(0xe0000, params->acpi_rsdp_addr);
	EXPECT_STREQ("console=ttyS0 quiet",
		     (char *)self->memory.base + params->hdr.cmd_line_ptr);
	EXPECT_EQ(sizeof(disk), params->hdr.ramdisk_size);
	EXPECT_EQ(0, params->hdr.ramdisk_image % 4096);
	EXPECT_LT(0x1100000, params->hdr.ramdisk_image);
	EXPECT_EQ(0, memcmp(self->memory.base + params->hdr.ramdisk_image, disk, sizeof(disk)));

	for (i = 0; i < params->e820_entries; i++) {
		if (params->e820_table[i].type == 1)
			ram += params->e820_table[i].size;
	}
	EXPECT_EQ(64 * MIB - 0x60000, ram);
}

/*
 * A relocatable kernel runs at a multiple of its alignment, and never below the address that
 * it prefers: loaded lower, it moves itself there.
 */
TEST_F(bzimage, a_relocatable_kernel_is_loaded_where_it_will_run)
{
	self->header->pref_address = 0;
	ASSERT_EQ(0, load(self, ""));
	EXPECT_EQ(0x200200, started_at(HV_X64_REGISTER_RIP));
	self->header->pref_address = 0x1000001;
	ASSERT_EQ(0, load(self, ""));
	EXPECT_EQ(0x1200200, started_at(HV_X64_REGISTER_RIP));

	self->header->pref_address = 0x1000000;
	mshv_memory_destroy(&self->memory);
	ASSERT_EQ(0, mshv_memory_init(&self->memory, 17 * MIB));
	ASSERT_EQ(0, load(self, ""));
	EXPECT_EQ(0x1000200, started_at(HV_X64_REGISTER_RIP));
	self->header->init_size = 0x100001;
	EXPECT_EQ(-ENOMEM, load(self, "")) TH_LOG("it would run beyond its memory");
	self->header->relocatable_kernel = 0;
	EXPECT_EQ(-ENOMEM, load(self, ""));
}

/* What the kernel needs is init_size bytes, or its file if that is larger: no initrd in there */
TEST_F(bzimage, the_initrd_is_outside_of_all_that_the_kernel_needs)
{
	const uint32_t sizes[] = { 0, PAGE_SIZE, KERNEL_SIZE, 0x100000 };
	struct boot_params *params;
	uint64_t start, end;
	uint8_t disk[512];
	unsigned int i;

	memset(disk, 0x5a, sizeof(disk));
	self->program.initrd = disk;
	self->program.initrd_size = sizeof(disk);
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		self->header->init_size = sizes[i];
		end = 0x1000000 + (sizes[i] > KERNEL_SIZE ? sizes[i] : KERNEL_SIZE);

		/* The last address at which it just fits, and the one before */
		self->header->initrd_addr_max = end + PAGE_SIZE - 1;
		ASSERT_EQ(0, load(self, "")) TH_LOG("init_size 0x%x", sizes[i]);
		start = started_at(HV_X64_REGISTER_RSI);
		params = mshv_memory_at(&self->memory, start, sizeof(*params));
		EXPECT_EQ(end, params->hdr.ramdisk_image) TH_LOG("init_size 0x%x", sizes[i]);
		EXPECT_EQ(0, memcmp(self->memory.base + params->hdr.ramdisk_image, disk,
				    sizeof(disk)));
		EXPECT_EQ(0, memcmp(self->memory.base + 0x1000000,
				    self->image + (SETUP_SECTS + 1) * 512, KERNEL_SIZE)) {
			TH_LOG("init_size 0x%x", sizes[i]);
		}
		self->header->initrd_addr_max = end + sizeof(disk) - 2;
		EXPECT_EQ(-ENOMEM, load(self, "")) TH_LOG("init_size 0x%x", sizes[i]);
	}
}

/* One that is loaded low moves itself up, over whatever is there. */
TEST_F(bzimage, the_initrd_is_not_where_the_kernel_moves_itself)
{
	uint8_t disk[512] = { 0 };

	self->program.initrd = disk;
	self->program.initrd_size = sizeof(disk);
	self->header->init_size = 50 * MIB;
	EXPECT_EQ(-ENOMEM, load(self, ""));
}

TEST_F(bzimage, too_little_memory_is_refused)
{
	uint8_t *disk = calloc(1, 50 * MIB);

	self->program.initrd = disk;
	self->program.initrd_size = 50 * MIB;
	EXPECT_EQ(-ENOMEM, load(self, ""));
	self->program.initrd = NULL;
	self->header->init_size = 0x7fffffff;
	EXPECT_EQ(-ENOMEM, load(self, ""));
	self->header->init_size = 0x100000;
	self->header->pref_address = ~0ULL - 0x1000;
	self->header->relocatable_kernel = 0;
	EXPECT_EQ(-ENOMEM, load(self, ""));
	free(disk);
}

TEST_F(bzimage, corrupt_images_are_refused)
{
	static char long_line[3000];

	self->program.kernel_size = 100;
	EXPECT_EQ(-ENOEXEC, load(self, ""));
	self->program.kernel_size = 0;
	EXPECT_EQ(-ENOEXEC, load(self, ""));
	self->program.kernel_size = sizeof(self->image) - 512;
	EXPECT_EQ(-ENOEXEC, load(self, "")) TH_LOG("cut short");
	self->program.kernel_size = sizeof(self->image);
	self->header->boot_flag = 0;
	EXPECT_EQ(-ENOEXEC, load(self, ""));
	self->header->boot_flag = 0xaa55;
	self->header->header = 0;
	EXPECT_EQ(-ENOEXEC, load(self, ""));
	self->header->header = 0x53726448;
	self->header->xloadflags = 0;
	EXPECT_EQ(-ENOEXEC, load(self, "")) TH_LOG("32 bits only");
	self->header->xloadflags = XLF_KERNEL_64;
	self->header->version = 0x0206;
	EXPECT_EQ(-ENOEXEC, load(self, "")) TH_LOG("old protocol");
	self->header->version = 0x020f;
	memset(long_line, 'x', sizeof(long_line) - 1);
	EXPECT_EQ(-E2BIG, load(self, long_line));
	EXPECT_EQ(0, load(self, ""));
}

/* Whatever the header says, nothing is read or written where it must not be. */
TEST_F(bzimage, random_headers_do_no_harm)
{
	struct setup_header good = *self->header;
	unsigned int i, j;

	srandom(2);
	for (i = 0; i < 20000; i++) {
		*self->header = good;
		for (j = 0; j < 8; j++)
			((uint8_t *)self->header)[random() % sizeof(good)] = random();
		self->program.kernel_size = sizeof(self->image);
		if (i % 4 == 0)
			self->program.kernel_size = random() % sizeof(self->image);
		load(self, "x");
	}
}

TEST(flat_programs_are_loaded_by_mode)
{
	struct mshv_memory memory;
	uint8_t code[0x2000] = { 0xf4 };
	struct mshv_vp vp = { 0 };

	ASSERT_EQ(0, mshv_memory_init(&memory, 2 * MIB));
	ASSERT_EQ(0, mshv_load_flat(&vp, &memory, code, sizeof(code), false));
	EXPECT_EQ(0x1000, started_at(HV_X64_REGISTER_RIP));
	EXPECT_EQ(0, started_at(HV_X64_REGISTER_CR4));
	EXPECT_EQ(0xf4, memory.base[0x1000]);
	ASSERT_EQ(0, mshv_load_flat(&vp, &memory, code, sizeof(code), true));
	EXPECT_EQ(0x100000, started_at(HV_X64_REGISTER_RIP));
	EXPECT_EQ(0x100000, started_at(HV_X64_REGISTER_RSP));
	EXPECT_NE(0, started_at(HV_X64_REGISTER_CR4));
	EXPECT_EQ(0xf4, memory.base[0x100000]);

	EXPECT_EQ(-ENOEXEC, mshv_load_flat(&vp, &memory, code, 0, false));
	EXPECT_EQ(-ENOMEM, mshv_load_flat(&vp, &memory, code, 0xf001, false));
	EXPECT_EQ(-ENOMEM, mshv_load_flat(&vp, &memory, code, MIB + 1, true));
	mshv_memory_destroy(&memory);

	ASSERT_EQ(0, mshv_memory_init(&memory, 0x2000));
	EXPECT_EQ(-ENOMEM, mshv_load_flat(&vp, &memory, code, sizeof(code), false));
	EXPECT_EQ(-ENOMEM, mshv_load_flat(&vp, &memory, code, sizeof(code), true));
	mshv_memory_destroy(&memory);
}

TEST_HARNESS_MAIN
