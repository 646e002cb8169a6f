// SPDX-License-Identifier: GPL-2.0-only
/*
 * Loading kernels and flat programs, the ACPI tables, and numbers.
 */
#include <asm/bootparam.h>

#include "acpi.h"
#include "boot.h"
#include "no_ioctl.h"
#include "util.h"

#include "kselftest_harness.h"

#define SETUP_SECTS	3
#define KERNEL_SIZE	0x5000

FIXTURE(bzimage) {
	struct mshv_memory memory;
	uint8_t image[(SETUP_SECTS + 1) * 512 + KERNEL_SIZE];
	struct setup_header *header;
	struct file file;
	struct boot_entry entry;
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
	self->file.data = self->image;
	self->file.size = sizeof(self->image);
}

FIXTURE_TEARDOWN(bzimage)
{
	mshv_memory_destroy(&self->memory);
}

#define BOOT(initrd, cmdline) \
	boot_linux(&self->memory, "image", &self->file, initrd, cmdline, &self->entry)

TEST_F(bzimage, is_loaded_by_the_64_bit_protocol)
{
	uint8_t disk[5000];
	struct file initrd = { disk, sizeof(disk) };
	struct boot_params *params;
	uint64_t ram = 0;
	unsigned int i;

	memset(disk, 0x5a, sizeof(disk));
	ASSERT_EQ(0, BOOT(&initrd, "console=ttyS0 quiet"));
	EXPECT_EQ(0x1000200, self->entry.rip);
	EXPECT_EQ(0, memcmp(self->memory.base + 0x1000000,
			    self->image + (SETUP_SECTS + 1) * 512, KERNEL_SIZE));

	params = mshv_memory_at(&self->memory, self->entry.rsi, sizeof(*params));
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

TEST_F(bzimage, a_relocatable_kernel_moves_into_little_memory)
{
	mshv_memory_destroy(&self->memory);
	ASSERT_EQ(0, mshv_memory_init(&self->memory, 16 * MIB));
	ASSERT_EQ(0, BOOT(NULL, ""));
	EXPECT_EQ(0x200200, self->entry.rip);
	self->header->relocatable_kernel = 0;
	EXPECT_EQ(-1, BOOT(NULL, ""));
}

TEST_F(bzimage, too_little_memory_is_refused)
{
	uint8_t *disk = calloc(1, 50 * MIB);
	struct file initrd = { disk, 50 * MIB };

	EXPECT_EQ(-1, BOOT(&initrd, ""));
	self->header->init_size = 0x7fffffff;
	EXPECT_EQ(-1, BOOT(NULL, ""));
	self->header->init_size = 0x100000;
	self->header->pref_address = ~0ULL - 0x1000;
	self->header->relocatable_kernel = 0;
	EXPECT_EQ(-1, BOOT(NULL, ""));
	free(disk);
}

TEST_F(bzimage, corrupt_images_are_refused)
{
	static char long_line[3000];

	self->file.size = 100;
	EXPECT_EQ(-1, BOOT(NULL, ""));
	self->file.size = 0;
	EXPECT_EQ(-1, BOOT(NULL, ""));
	self->file.size = sizeof(self->image) - 512;
	EXPECT_EQ(-1, BOOT(NULL, "")) TH_LOG("cut short");
	self->file.size = sizeof(self->image);
	self->header->boot_flag = 0;
	EXPECT_EQ(-1, BOOT(NULL, ""));
	self->header->boot_flag = 0xaa55;
	self->header->header = 0;
	EXPECT_EQ(-1, BOOT(NULL, ""));
	self->header->header = 0x53726448;
	self->header->xloadflags = 0;
	EXPECT_EQ(-1, BOOT(NULL, "")) TH_LOG("32 bits only");
	self->header->xloadflags = XLF_KERNEL_64;
	self->header->version = 0x0206;
	EXPECT_EQ(-1, BOOT(NULL, "")) TH_LOG("old protocol");
	self->header->version = 0x020f;
	memset(long_line, 'x', sizeof(long_line) - 1);
	EXPECT_EQ(-1, BOOT(NULL, long_line));
	EXPECT_EQ(0, BOOT(NULL, ""));
}

/* Whatever the header says, nothing is read or written where it must not be. */
TEST_F(bzimage, random_headers_do_no_harm)
{
	struct setup_header good = *self->header;
	unsigned int i, j;

	srandom(2);
	freopen("/dev/null", "w", stderr);
	for (i = 0; i < 20000; i++) {
		*self->header = good;
		for (j = 0; j < 8; j++)
			((uint8_t *)self->header)[random() % sizeof(good)] = random();
		self->file.size = i % 4 ? sizeof(self->image) : random() % sizeof(self->image);
		BOOT(NULL, "x");
	}
}

TEST(flat_programs_are_loaded_by_mode)
{
	uint8_t code[0x2000] = { 0xf4 };
	struct file file = { code, sizeof(code) };
	struct mshv_memory memory;
	struct boot_entry entry;

	ASSERT_EQ(0, mshv_memory_init(&memory, 2 * MIB));
	ASSERT_EQ(0, boot_flat(&memory, "flat", &file, false, &entry));
	EXPECT_EQ(0x1000, entry.rip);
	EXPECT_EQ(0, entry.tables);
	EXPECT_EQ(0xf4, memory.base[0x1000]);
	ASSERT_EQ(0, boot_flat(&memory, "flat", &file, true, &entry));
	EXPECT_EQ(0x100000, entry.rip);
	EXPECT_NE(0, entry.tables);
	EXPECT_EQ(0xf4, memory.base[0x100000]);

	file.size = 0;
	EXPECT_EQ(-1, boot_flat(&memory, "flat", &file, false, &entry));
	file.size = 0xf001;
	EXPECT_EQ(-1, boot_flat(&memory, "flat", &file, false, &entry));
	file.size = 1 * MIB + 1;
	EXPECT_EQ(-1, boot_flat(&memory, "flat", &file, true, &entry));
	mshv_memory_destroy(&memory);

	file.size = sizeof(code);
	ASSERT_EQ(0, mshv_memory_init(&memory, 0x2000));
	EXPECT_EQ(-1, boot_flat(&memory, "flat", &file, false, &entry));
	EXPECT_EQ(-1, boot_flat(&memory, "flat", &file, true, &entry));
	mshv_memory_destroy(&memory);
}

static uint8_t sum(const uint8_t *bytes, size_t size)
{
	uint8_t total = 0;

	while (size--)
		total += *bytes++;
	return total;
}

#define LE32(p)	(*(uint32_t *)(p))

static uint64_t le64(const uint8_t *p)
{
	return LE32(p) | (uint64_t)LE32(p + 4) << 32;
}

/* A table by its signature, through RSDP and XSDT as a guest goes */
static uint8_t *find_table(uint8_t *mem, const char *signature)
{
	uint8_t *xsdt = mem + le64(mem + 24) - ACPI_BASE, *table;
	unsigned int i;

	for (i = 36; i < LE32(xsdt + 4); i += 8) {
		table = mem + le64(xsdt + i) - ACPI_BASE;
		if (!memcmp(table, signature, 4))
			return table;
	}
	return NULL;
}

TEST(acpi_tables_are_consistent)
{
	uint8_t *mem = calloc(1, ACPI_SIZE), *table, *dsdt;
	unsigned int cpus = 0, ioapics = 0, i;

	acpi_write_tables(mem, 3);
	EXPECT_EQ(0, memcmp(mem, "RSD PTR ", 8));
	EXPECT_EQ(0, sum(mem, 20));
	EXPECT_EQ(0, sum(mem, 36));

	table = find_table(mem, "FACP");
	ASSERT_NE(NULL, (void *)table);
	EXPECT_EQ(0, sum(table, LE32(table + 4)));
	EXPECT_EQ(0x602, le64(table + 116 + 4));
	EXPECT_TRUE(LE32(table + 112) & 1 << 20);
	dsdt = mem + LE32(table + 40) - ACPI_BASE;
	EXPECT_EQ(0, memcmp(dsdt, "DSDT", 4));
	EXPECT_EQ(0, sum(dsdt, LE32(dsdt + 4)));

	table = find_table(mem, "APIC");
	ASSERT_NE(NULL, (void *)table);
	EXPECT_EQ(0, sum(table, LE32(table + 4)));
	for (i = 44; i < LE32(table + 4); i += table[i + 1]) {
		ASSERT_NE(0, table[i + 1]);
		cpus += table[i] == 0;
		ioapics += table[i] == 1;
	}
	EXPECT_EQ(3, cpus);
	EXPECT_EQ(1, ioapics);
	free(mem);
}

/* The disassembler reads every table without complaint, and finds in them what we meant. */
TEST(acpi_tables_can_be_disassembled)
{
	static const char * const expected[][2] = {
		{ "FACP", "Hardware Reduced (V5) : 1" },
		{ "FACP", "Reset Register Supported (V2) : 1" },
		{ "APIC", "Processor Enabled : 1" },
		{ "DSDT", "PNP0501" },
		{ "DSDT", "LNRO0005" },
	};
	char path[] = "/tmp/mshv-acpi-XXXXXX", name[64], command[512];
	uint8_t *mem = calloc(1, ACPI_SIZE), *table;
	size_t i;
	FILE *f;

	acpi_write_tables(mem, 1);
	if (system("iasl -v >/dev/null 2>&1"))
		SKIP(return, "no iasl");
	ASSERT_NE(NULL, (void *)mkdtemp(path));
	for (i = 0; i < ARRAY_SIZE(expected); i++) {
		if (!strcmp(expected[i][0], "DSDT"))
			table = mem + LE32(find_table(mem, "FACP") + 40) - ACPI_BASE;
		else
			table = find_table(mem, expected[i][0]);
		snprintf(name, sizeof(name), "%s/%s.dat", path, expected[i][0]);
		f = fopen(name, "wb");
		ASSERT_NE(NULL, (void *)f);
		fwrite(table, 1, LE32(table + 4), f);
		fclose(f);
		snprintf(command, sizeof(command), "cd %s && iasl -d %s.dat >log 2>&1", path,
			 expected[i][0]);
		EXPECT_EQ(0, system(command));
		snprintf(command, sizeof(command), "! grep -i 'error\\|incorrect' %s/log", path);
		EXPECT_EQ(0, system(command));
		snprintf(command, sizeof(command), "grep -qF '%s' %s/%s.dsl", expected[i][1], path,
			 expected[i][0]);
		EXPECT_EQ(0, system(command)) TH_LOG("%s: %s", expected[i][0], expected[i][1]);
	}
	snprintf(command, sizeof(command), "rm -r %s", path);
	EXPECT_EQ(0, system(command));
	free(mem);
}

TEST(sizes_and_numbers)
{
	uint64_t value = 0;

	EXPECT_TRUE(parse_size("256M", &value));
	EXPECT_EQ(256 * MIB, value);
	EXPECT_TRUE(parse_size("1g", &value));
	EXPECT_EQ(1 * GIB, value);
	EXPECT_TRUE(parse_size("0x1000", &value));
	EXPECT_EQ(4096, value);
	EXPECT_FALSE(parse_size("", &value));
	EXPECT_FALSE(parse_size("0", &value));
	EXPECT_FALSE(parse_size("-1", &value));
	EXPECT_FALSE(parse_size(" 1", &value));
	EXPECT_FALSE(parse_size("1MB", &value));
	EXPECT_FALSE(parse_size("1X", &value));
	EXPECT_FALSE(parse_size("lots", &value));
	EXPECT_FALSE(parse_size("99999999999999999999", &value));
	EXPECT_FALSE(parse_size("99999999999999T", &value));
	EXPECT_TRUE(parse_number("5", 1, 5, &value));
	EXPECT_EQ(5, value);
	EXPECT_FALSE(parse_number("6", 1, 5, &value));
	EXPECT_FALSE(parse_number("0", 1, 5, &value));
	EXPECT_FALSE(parse_number("5x", 1, 5, &value));
}

TEST_HARNESS_MAIN
