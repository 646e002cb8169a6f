/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Multiboot (specification 0.6.96) and Multiboot 2.
 */
#ifndef OPENHV_MULTIBOOT_H
#define OPENHV_MULTIBOOT_H

#define MULTIBOOT_HEADER_MAGIC	0x1BADB002
/* Modules on page boundaries; memory information */
#define MULTIBOOT_HEADER_FLAGS	0x00000003
#define MULTIBOOT_LOADER_MAGIC	0x2BADB002

/* Multiboot 2 (specification 2.0, section 3.1) */
#define MULTIBOOT2_HEADER_MAGIC	0xE85250D6
#define MULTIBOOT2_ARCH_I386	0
#define MULTIBOOT2_LOADER_MAGIC	0x36D76289
#define MULTIBOOT2_TAG_ALIGN	6

#ifndef __ASSEMBLER__

#include <openhv/types.h>

#define MULTIBOOT_INFO_CMDLINE	BIT(2)
#define MULTIBOOT_INFO_MODS	BIT(3)
#define MULTIBOOT_INFO_MMAP	BIT(6)
#define MULTIBOOT_INFO_LOADER	BIT(9)

struct multiboot_info {
	u32 flags;
	u32 mem_lower;
	u32 mem_upper;
	u32 boot_device;
	u32 cmdline;
	u32 mods_count;
	u32 mods_addr;
	u32 syms[4];
	u32 mmap_length;
	u32 mmap_addr;
	u32 drives_length;
	u32 drives_addr;
	u32 config_table;
	u32 boot_loader_name;
};
TLFS_ASSERT_OFFSET(struct multiboot_info, mmap_length, 44);
TLFS_ASSERT_OFFSET(struct multiboot_info, boot_loader_name, 64);

struct multiboot_module {
	u32 start;
	u32 end;
	u32 string;
	u32 reserved;
};

/* @size does not count itself. */
struct multiboot_mmap {
	u32 size;
	u64 base;
	u64 length;
	u32 type;
} __packed;

/* What openhv takes from its loader */
#define BOOT_STRING_MAX		2048

struct boot_module {
	paddr_t start;
	u64 size;
	char string[BOOT_STRING_MAX];
};

struct boot_info {
	char cmdline[BOOT_STRING_MAX];
	struct boot_module kernel;
	struct boot_module initrd;
	bool has_initrd;
	bool has_rsdp;
	u8 rsdp_copy[36];	/* of the ACPI root pointer, if the loader gives one */
};

extern struct boot_info boot_info;

/**
 * multiboot_parse() - copy what the loader tells
 * @magic: EAX at entry
 * @info: EBX at entry
 *
 * Fills boot_info and the memory map.
 *
 * Returns: NULL, or in words what is wrong with it
 */
const char *multiboot_parse(u32 magic, u32 info);
const char *multiboot2_parse(u32 info);

#endif /* __ASSEMBLER__ */
#endif /* OPENHV_MULTIBOOT_H */
