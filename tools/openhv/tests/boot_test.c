// SPDX-License-Identifier: GPL-2.0-only
/*
 * What openhv takes from its loader: boot/multiboot2.c, boot/multiboot.c,
 * boot/linux.c, boot/e820.c.
 */
#include <asm/x86.h>
#include <openhv/platform.h>
#include "acpi_host.h"
#include "linux.h"
#include "multiboot.h"
#include "test.h"

#define INFO		0x8000UL	/* where the loader's information is */
#define KERNEL		0x800000UL
#define INITRD		0xA00000UL
#define RAM_END		0x1000000UL	/* of the memory map that the tests give */
#define PLACE		0xC00000UL	/* where the kernel wants to be */
#define BOOT_PARAMS	0x10000UL	/* where the kernel finds its own */
#define KERNEL_SIZE	(1024UL + 0x3000)
#define REFUSED		DEBUG_EXIT_REFUSED

/* --- Multiboot 2 ------------------------------------------------------------------ */

static u8 *end;

static void begin(void)
{
	e820_count = 0;
	memset(&boot_info, 0, sizeof(boot_info));
	end = phys_to_virt(INFO + 8);
}

static void put(const void *data, u32 size)
{
	if (size)
		memcpy(end, data, size);
	end += size;
}

static void tag(u32 type, const void *data, u32 size)
{
	u32 head[] = { type, 8 + size };

	put(head, sizeof(head));
	put(data, size);
	end = (u8 *)ALIGN_UP((u64)end, 8);
}

static void module(u32 from, u32 to, const char *string)
{
	u32 words[64] = { from, to };

	memcpy(&words[2], string, strlen(string) + 1);
	tag(3, words, 8 + strlen(string) + 1);
}

static void memory_map(void)
{
	const u64 words[] = {
		24UL,				/* entries of 24 bytes, version 0 */
		0, 0x9F000, 1,
		0xF0000, 0x10000, 2,
		0x100000, RAM_END - 0x100000, 1,
	};

	tag(6, words, sizeof(words));
}

static const char *parse(void)
{
	u32 size = end - (u8 *)phys_to_virt(INFO);

	memcpy(phys_to_virt(INFO), &size, sizeof(size));
	return multiboot_parse(MULTIBOOT2_LOADER_MAGIC, INFO);
}

TEST_ON_MACHINE(multiboot2_gives_map_modules_and_strings)
{
	begin();
	tag(1, "loglevel=debug", 15);
	tag(2, "a loader", 9);
	module(KERNEL, KERNEL + 0x1000, "console=ttyS0");
	module(INITRD, INITRD + 0x55, "");
	memory_map();
	tag(14, "RSD PTR .version 1..", 20);
	tag(15, "RSD PTR .version 2, which is longer.", 36);
	tag(14, "RSD PTR .of no use..", 20);
	tag(0, NULL, 0);
	/* Behind the end: nobody looks. */
	tag(6, NULL, 0);
	ASSERT_EQ(NULL, parse());
	EXPECT_EQ(0, strcmp(boot_info.cmdline, "loglevel=debug"));
	EXPECT_EQ(KERNEL, boot_info.kernel.start);
	EXPECT_EQ(0x1000, boot_info.kernel.size);
	EXPECT_EQ(0, strcmp(boot_info.kernel.string, "console=ttyS0"));
	EXPECT_TRUE(boot_info.has_initrd);
	EXPECT_EQ(0x55, boot_info.initrd.size);
	EXPECT_TRUE(boot_info.has_rsdp);
	EXPECT_EQ(0, memcmp(boot_info.rsdp_copy, "RSD PTR .version 2", 18));
	ASSERT_EQ(3, e820_count);
	EXPECT_EQ(0xF0000, e820[1].base);
	EXPECT_EQ(E820_RESERVED, e820[1].type);
	EXPECT_EQ(RAM_END, e820_ram_end());
}

static bool says(const char *error, const char *text)
{
	return error && strstr(error, text);
}

TEST_ON_MACHINE(multiboot2_that_is_cut_off_or_incomplete_is_refused)
{
	const u64 odd[] = { 16, 0, 0x1000 };
	u32 size = 0x1000;
	char text[2100];

	begin();
	memory_map();
	EXPECT_TRUE(says(parse(), "no kernel"));
	begin();
	module(KERNEL, KERNEL + 1, "");
	EXPECT_TRUE(says(parse(), "no memory map"));
	begin();
	module(KERNEL, KERNEL - 1, "");
	EXPECT_TRUE(says(parse(), "ends before"));
	begin();
	tag(3, "", 1);
	EXPECT_TRUE(says(parse(), "ends before"));
	begin();
	module(1, 2, "");
	module(1, 2, "");
	module(1, 2, "");
	EXPECT_TRUE(says(parse(), "more than two"));
	begin();
	tag(6, odd, sizeof(odd));
	EXPECT_TRUE(says(parse(), "too short"));
	begin();
	tag(6, odd, 4);
	EXPECT_TRUE(says(parse(), "cut off"));
	memset(text, 'x', sizeof(text));
	begin();
	tag(15, text, 37);
	EXPECT_TRUE(says(parse(), "root pointer"));
	begin();
	tag(1, "12345678", 8);
	memcpy(phys_to_virt(INFO + 12), &size, sizeof(size));
	EXPECT_TRUE(says(parse(), "longer than"));
	begin();
	tag(1, text, sizeof(text));
	EXPECT_TRUE(says(parse(), "too long"));
}

TEST_ON_MACHINE(map_entry_beyond_all_addresses_is_no_memory)
{
	const u64 words[] = { 24UL, ~0UL << 20, 1UL << 30, 1, 0, 0x1000, 1 };

	begin();
	module(KERNEL, KERNEL + 1, "");
	tag(6, words, sizeof(words));
	ASSERT_EQ(NULL, parse());
	ASSERT_EQ(1, e820_count);
	EXPECT_EQ(0x1000, e820_ram_end());
}

/* --- Multiboot 1 ------------------------------------------------------------------- */

#define MODULES		(INFO + 0x100)
#define MAP		(INFO + 0x200)
#define STRINGS		(INFO + 0x300)

static struct multiboot_info *mbi;
static struct multiboot_module *modules;
static struct multiboot_mmap *map;

static u32 text(u32 n, const char *string)
{
	u32 at = STRINGS + n * 0x1000;

	memcpy(phys_to_virt(at), string, strlen(string) + 1);
	return at;
}

/* As QEMU gives it: strings begin with the file's name. */
static void begin_1(void)
{
	begin();
	mbi = phys_to_virt(INFO);
	modules = phys_to_virt(MODULES);
	map = phys_to_virt(MAP);
	*mbi = (struct multiboot_info){
		.flags = MULTIBOOT_INFO_CMDLINE | MULTIBOOT_INFO_MODS | MULTIBOOT_INFO_MMAP |
			 MULTIBOOT_INFO_LOADER,
		.cmdline = text(0, "openhv.elf  sched=core"), .mods_count = 2,
		.mods_addr = MODULES, .mmap_length = 2 * sizeof(*map), .mmap_addr = MAP,
		.boot_loader_name = text(1, "qemu"),
	};
	modules[0] = (struct multiboot_module){ KERNEL, KERNEL + 10, text(2, "vmlinuz quiet"), 0 };
	modules[1] = (struct multiboot_module){ INITRD, INITRD + 20, text(3, "initrd"), 0 };
	map[0] = (struct multiboot_mmap){ sizeof(*map) - 4, 0, 0x9F000, E820_RAM };
	map[1] = (struct multiboot_mmap){ sizeof(*map) - 4, 0x100000, 0x100000, E820_RAM };
}

static const char *parse_1(void)
{
	return multiboot_parse(MULTIBOOT_LOADER_MAGIC, INFO);
}

TEST_ON_MACHINE(multiboot1_gives_map_modules_and_strings)
{
	begin_1();
	ASSERT_EQ(NULL, parse_1());
	EXPECT_EQ(0, strcmp(boot_info.cmdline, "sched=core"));
	EXPECT_EQ(0, strcmp(boot_info.kernel.string, "quiet"));
	EXPECT_EQ(10, boot_info.kernel.size);
	EXPECT_TRUE(boot_info.has_initrd);
	EXPECT_EQ(INITRD, boot_info.initrd.start);
	EXPECT_EQ(0, strlen(boot_info.initrd.string));
	EXPECT_EQ(0x200000, e820_ram_end());
	/* Others leave the name out. */
	begin_1();
	mbi->boot_loader_name = text(1, "GRUB");
	ASSERT_EQ(NULL, parse_1());
	EXPECT_EQ(0, strcmp(boot_info.kernel.string, "vmlinuz quiet"));
}

TEST_ON_MACHINE(multiboot1_that_is_incomplete_is_refused)
{
	EXPECT_TRUE(says(multiboot_parse(0, INFO), "not loaded by"));
	begin_1();
	mbi->flags &= ~MULTIBOOT_INFO_MMAP;
	EXPECT_TRUE(says(parse_1(), "no memory map"));
	begin_1();
	map[0].size = 4;
	EXPECT_TRUE(says(parse_1(), "too short"));
	begin_1();
	mbi->mmap_length = 0;
	EXPECT_TRUE(says(parse_1(), "is empty"));
	begin_1();
	mbi->mods_count = 0;
	EXPECT_TRUE(says(parse_1(), "no kernel"));
	begin_1();
	mbi->mods_count = 3;
	EXPECT_TRUE(says(parse_1(), "more than two"));
	begin_1();
	modules[1].end = INITRD - 1;
	EXPECT_TRUE(says(parse_1(), "ends before"));
	begin_1();
	memset(phys_to_virt(mbi->cmdline), 'x', BOOT_STRING_MAX);
	EXPECT_TRUE(says(parse_1(), "too long"));
}

/* --- The kernel ----------------------------------------------------------------------- */

static void set(u32 offset, u64 value, u32 size)
{
	memcpy(phys_to_virt(KERNEL + offset), &value, size);
}

/* A kernel of two sectors and 12 KiB, and an initrd behind it */
static void kernel(void)
{
	begin();
	memory_map();
	module(KERNEL, KERNEL + KERNEL_SIZE, "quiet");
	module(INITRD, INITRD + 0x1000, "");
	ASSERT_EQ(NULL, parse());
	memset(phys_to_virt(KERNEL), 0x90, KERNEL_SIZE);
	set(0x1F1, 1, 1);			/* sectors behind the first */
	set(0x1F4, 0x300, 4);			/* size of the rest, in 16 bytes */
	set(0x1FE, 0xAA55, 2);
	set(0x201, 0x6A, 1);			/* end of the header */
	set(0x202, 0x53726448, 4);
	set(0x206, 0x20F, 2);
	set(0x230, 0x200000, 4);		/* alignment */
	set(0x236, 1, 2);			/* a 64-bit entry */
	set(0x238, 2047, 4);			/* room for the command line */
	set(0x258, PLACE, 8);		/* where it wants to be */
	set(0x260, 0x400000, 4);		/* the room that it needs */
}

#define LOAD()	linux_load(root_vp())

TEST_ON_MACHINE(kernel_is_put_where_it_wants_to_be)
{
	u32 cmdline;

	kernel();
	LOAD();
	EXPECT_EQ(PLACE + 0x200, root_vp()->vcpu.rip);
	EXPECT_EQ(BOOT_PARAMS, root_vp()->vcpu.gpr[GPR_RSI]);
	EXPECT_EQ(0, memcmp(phys_to_virt(PLACE), phys_to_virt(KERNEL + 1024), 0x3000));
	EXPECT_EQ(3, *(u8 *)phys_to_virt(BOOT_PARAMS + 0x1E8));
	EXPECT_EQ(HOST_RSDP, *(u64 *)phys_to_virt(BOOT_PARAMS + 0x70));
	EXPECT_EQ(INITRD, *(u32 *)phys_to_virt(BOOT_PARAMS + 0x218));
	cmdline = *(u32 *)phys_to_virt(BOOT_PARAMS + 0x228);
	EXPECT_EQ(0, strcmp(phys_to_virt(cmdline), "quiet"));
}

/* Conventional memory has what it is told. */
TEST_ON_MACHINE(kernel_is_not_put_into_conventional_memory)
{
	kernel();
	set(0x258, 0, 8);
	set(0x260, 0x3000, 4);
	LOAD();
	EXPECT_EQ(0x200200, root_vp()->vcpu.rip);
}

TEST_ON_MACHINE(kernel_makes_way_for_the_modules)
{
	kernel();
	set(0x258, KERNEL, 8);
	LOAD();
	/* The first place behind the initrd that is aligned */
	EXPECT_EQ(PLACE + 0x200, root_vp()->vcpu.rip);
}

TEST_ON_MACHINE(what_is_no_kernel_is_refused)
{
	kernel();
	set(0x1FE, 0, 2);
	EXPECT_EQ(REFUSED, HOST_STOP_SAYING("not a Linux kernel", LOAD()));
	kernel();
	set(0x202, 0, 4);
	EXPECT_EQ(REFUSED, HOST_STOP_SAYING("not a Linux kernel", LOAD()));
	kernel();
	boot_info.kernel.size = 4095;
	EXPECT_EQ(REFUSED, HOST_STOP_SAYING("not a Linux kernel", LOAD()));
	kernel();
	set(0x206, 0x20B, 2);
	EXPECT_EQ(REFUSED, HOST_STOP_SAYING("no 64-bit entry", LOAD()));
	kernel();
	set(0x1F4, 0x301, 4);
	EXPECT_EQ(REFUSED, HOST_STOP_SAYING("cut off", LOAD()));
	kernel();
	set(0x238, 4, 4);
	EXPECT_EQ(REFUSED, HOST_STOP_SAYING("command line is too long", LOAD()));
}

TEST_ON_MACHINE(kernel_that_wants_what_there_is_not_is_refused)
{
	kernel();
	set(0x260, RAM_END, 4);
	EXPECT_EQ(REFUSED, HOST_STOP_SAYING("too little memory", LOAD()));
	/* So high that the end of it is low */
	kernel();
	set(0x258, -0x200000UL, 8);
	EXPECT_EQ(REFUSED, HOST_STOP_SAYING("too little memory", LOAD()));
	kernel();
	set(0x230, 0x300000, 4);
	EXPECT_EQ(REFUSED, HOST_STOP_SAYING("no power of two", LOAD()));
	kernel();
	e820[0].base = 0x11000;
	EXPECT_EQ(REFUSED, HOST_STOP_SAYING("boot data", LOAD()));
	kernel();
	boot_info.initrd.start = BOOT_PARAMS + 0x1000;
	EXPECT_EQ(REFUSED, HOST_STOP_SAYING("boot data", LOAD()));
}

/* Less than it is itself: the memory behind is somebody else's. */
TEST_ON_MACHINE(kernel_that_says_too_little_gets_room_for_all_of_it)
{
	kernel();
	set(0x260, 0x1000, 4);
	e820[2].size = PLACE + 0x2000 - e820[2].base;
	EXPECT_EQ(REFUSED, HOST_STOP_SAYING("too little memory", LOAD()));
	e820[2].size = PLACE + 0x3000 - e820[2].base;
	EXPECT_EQ(0, HOST_STOP(LOAD()));
}

TEST_HARNESS_MAIN
