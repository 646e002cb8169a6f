// SPDX-License-Identifier: GPL-2.0-only
/*
 * Starting Linux: its 64-bit boot protocol (Documentation/arch/x86/boot.rst).
 */
#include <asm/cpu.h>
#include <openhv/acpi.h>
#include <openhv/log.h>
#include <openhv/memory.h>
#include <openhv/partition.h>
#include <openhv/platform.h>
#include <openhv/string.h>
#include <openhv/vcpu.h>
#include "linux.h"
#include "multiboot.h"

/* Offsets in the first sectors of the image, and in struct boot_params */
#define SETUP_HEADER		0x1F1
#define SETUP_SECTS		0x1F1
#define SYSSIZE			0x1F4	/* in 16 bytes */
#define BOOT_FLAG		0x1FE
#define JUMP_LENGTH		0x201
#define HEADER_MAGIC		0x202
#define VERSION			0x206
#define TYPE_OF_LOADER		0x210
#define RAMDISK_IMAGE		0x218
#define RAMDISK_SIZE		0x21C
#define CMD_LINE_PTR		0x228
#define INITRD_ADDR_MAX		0x22C
#define KERNEL_ALIGNMENT	0x230
#define RELOCATABLE_KERNEL	0x234
#define XLOADFLAGS		0x236
#define CMDLINE_SIZE		0x238
#define PREF_ADDRESS		0x258
#define INIT_SIZE		0x260
#define BP_ACPI_RSDP		0x070
#define BP_E820_COUNT		0x1E8
#define BP_E820_TABLE		0x2D0
#define BP_E820_MAX		128

#define MAGIC_BOOT_FLAG		0xAA55
#define MAGIC_HDRS		0x53726448	/* "HdrS" */
#define XLF_KERNEL_64		BIT(0)
#define LOADER_UNDEFINED	0xFF
#define ENTRY_64		0x200
#define MIN_VERSION		0x20C

/* Where the boot data goes: conventional memory, which the kernel does not decompress to */
#define BOOT_DATA		0x10000UL
#define BOOT_PARAMS		BOOT_DATA
#define BOOT_GDT		(BOOT_DATA + 0x1000)
#define BOOT_RSDP		(BOOT_DATA + 0x1800)
#define BOOT_CMDLINE		(BOOT_DATA + 0x2000)
#define BOOT_TABLES		(BOOT_DATA + 0x4000)
#define BOOT_DATA_SIZE		0xA000UL
#define HIGH_MEMORY		0x100000UL

static u8 get8(u64 at)
{
	return *(u8 *)phys_to_virt(at);
}

static u16 get16(u64 at)
{
	u16 v;

	memcpy(&v, phys_to_virt(at), sizeof(v));
	return v;
}

static u32 get32(u64 at)
{
	u32 v;

	memcpy(&v, phys_to_virt(at), sizeof(v));
	return v;
}

static u64 get64(u64 at)
{
	u64 v;

	memcpy(&v, phys_to_virt(at), sizeof(v));
	return v;
}

static void put8(u64 at, u8 v)
{
	*(u8 *)phys_to_virt(at) = v;
}

static void put32(u64 at, u32 v)
{
	memcpy(phys_to_virt(at), &v, sizeof(v));
}

static void put64(u64 at, u64 v)
{
	memcpy(phys_to_virt(at), &v, sizeof(v));
}

static u64 setup_size(u64 image)
{
	u32 sectors = get8(image + SETUP_SECTS);

	return ((sectors ? sectors : 4) + 1) * 512;
}

static void check_image(u64 image, u64 size)
{
	if (size < 4096 || get16(image + BOOT_FLAG) != MAGIC_BOOT_FLAG ||
	    get32(image + HEADER_MAGIC) != MAGIC_HDRS)
		refuse("the first module is not a Linux kernel (bzImage)");
	if (get16(image + VERSION) < MIN_VERSION || !(get16(image + XLOADFLAGS) & XLF_KERNEL_64))
		refuse("the kernel has no 64-bit entry (boot protocol %x)", get16(image + VERSION));
	if (size < setup_size(image) + (u64)get32(image + SYSSIZE) * 16)
		refuse("the kernel is cut off: %llu bytes of %llu", size,
		       setup_size(image) + (u64)get32(image + SYSSIZE) * 16);
	if (strlen(boot_info.kernel.string) > get32(image + CMDLINE_SIZE))
		refuse("the kernel's command line is too long");
}

/* @size may be 0; the sum of the two does not overflow. */
static bool is_ram(u64 base, u64 size)
{
	u32 i;

	for (i = 0; i < e820_count; i++) {
		if (e820[i].type == E820_RAM && base >= e820[i].base &&
		    base + size <= e820[i].base + e820[i].size)
			return true;
	}
	return false;
}

static bool clear_of(u64 base, u64 size, const struct boot_module *m)
{
	return base + size <= m->start || base >= m->start + m->size;
}

/* The room is the kernel's to say, but what is loaded has to fit in any case. */
static u64 room_of(u64 image)
{
	return max((u64)get32(image + INIT_SIZE), boot_info.kernel.size - setup_size(image));
}

static bool clear_of_modules(u64 base, u64 size)
{
	return clear_of(base, size, &boot_info.kernel) &&
	       (!boot_info.has_initrd || clear_of(base, size, &boot_info.initrd));
}

/* Out of the way of a kernel that will not go anywhere else */
static void move_initrd(u64 image, u64 kernel, u64 kernel_size)
{
	struct boot_module *m = &boot_info.initrd;
	u64 at;

	for (at = ALIGN_UP(kernel + kernel_size, SIZE_2M);
	     at + m->size <= (u64)get32(image + INITRD_ADDR_MAX) + 1; at += SIZE_2M) {
		if (is_ram(at, m->size) && clear_of_modules(at, m->size)) {
			memcpy(phys_to_virt(at), phys_to_virt(m->start), m->size);
			m->start = at;
			return;
		}
	}
	refuse("too little memory: the initrd needs %llu MiB in one piece", m->size >> 20);
}

static u64 place_fixed_kernel(u64 image)
{
	u64 at = get64(image + PREF_ADDRESS);
	u64 size = room_of(image);

	if (at < HIGH_MEMORY || at >= 1UL << 32 || !is_ram(at, size))
		refuse("the kernel runs at %llx alone, where is no memory", at);
	if (boot_info.has_initrd && !clear_of(at, size, &boot_info.initrd))
		move_initrd(image, at, size);
	return at;
}

/* A place to decompress from, with room to decompress to */
static u64 place_kernel(u64 image)
{
	u64 align = max((u64)get32(image + KERNEL_ALIGNMENT), SIZE_2M);
	/* Conventional memory has the boot data. */
	u64 at = max(get64(image + PREF_ADDRESS), HIGH_MEMORY), end = 1UL << 32;
	u64 size = room_of(image);

	if (!get8(image + RELOCATABLE_KERNEL))
		return place_fixed_kernel(image);
	if (align & (align - 1))
		refuse("the kernel wants to be aligned to %llx, which is no power of two", align);
	if (at < end) {
		for (at = ALIGN_UP(at, align); at + size <= end; at += align) {
			if (is_ram(at, size) && clear_of_modules(at, size))
				return at;
		}
	}
	refuse("too little memory: the kernel needs %llu MiB in one piece", size >> 20);
}

static void make_params(u64 image)
{
	u32 header_end = HEADER_MAGIC + get8(image + JUMP_LENGTH);
	u32 i, n = 0;

	memset(phys_to_virt(BOOT_DATA), 0, BOOT_DATA_SIZE);
	memcpy(phys_to_virt(BOOT_PARAMS + SETUP_HEADER), phys_to_virt(image + SETUP_HEADER),
	       header_end - SETUP_HEADER);
	put8(BOOT_PARAMS + TYPE_OF_LOADER, LOADER_UNDEFINED);
	memcpy(phys_to_virt(BOOT_CMDLINE), boot_info.kernel.string,
	       strlen(boot_info.kernel.string) + 1);
	put32(BOOT_PARAMS + CMD_LINE_PTR, BOOT_CMDLINE);
	if (boot_info.has_initrd) {
		put32(BOOT_PARAMS + RAMDISK_IMAGE, boot_info.initrd.start);
		put32(BOOT_PARAMS + RAMDISK_SIZE, boot_info.initrd.size);
	}
	put64(BOOT_PARAMS + BP_ACPI_RSDP, acpi_rsdp(phys_to_virt(BOOT_RSDP)));
	for (i = 0; i < e820_count && n < BP_E820_MAX; i++, n++)
		memcpy(phys_to_virt(BOOT_PARAMS + BP_E820_TABLE + n * sizeof(e820[0])), &e820[i],
		       sizeof(e820[0]));
	put8(BOOT_PARAMS + BP_E820_COUNT, n);
}

/* The first 4 GiB at their own addresses, and flat segments */
static void make_tables(void)
{
	u64 *pml4 = phys_to_virt(BOOT_TABLES), *pdpt = pml4 + 512, *pd = pdpt + 512;
	u64 *gdt = phys_to_virt(BOOT_GDT);
	u32 i;

	pml4[0] = virt_to_phys(pdpt) | PTE_PRESENT | PTE_WRITE;
	for (i = 0; i < 4; i++)
		pdpt[i] = virt_to_phys(pd + i * 512) | PTE_PRESENT | PTE_WRITE;
	for (i = 0; i < 2048; i++)
		pd[i] = i * SIZE_2M | PTE_PRESENT | PTE_WRITE | PTE_LARGE;
	gdt[2] = 0x00AF9B000000FFFFUL;
	gdt[3] = 0x00CF93000000FFFFUL;
}

static void set_registers(struct vp *vp, u64 entry)
{
	struct hv_x64_segment_register code = {
		.limit = 0xFFFFFFFF, .selector = 0x10, .attributes = 0xA09B,
	};
	struct hv_x64_segment_register data = {
		.limit = 0xFFFFFFFF, .selector = 0x18, .attributes = 0xC093,
	};
	struct hv_x64_table_register gdt = { .base = BOOT_GDT, .limit = 4 * 8 - 1 };
	struct vcpu *v = &vp->vcpu;

	vcpu_set_seg(v, SEG_CS, &code);
	vcpu_set_seg(v, SEG_DS, &data);
	vcpu_set_seg(v, SEG_ES, &data);
	vcpu_set_seg(v, SEG_SS, &data);
	vcpu_set_table(v, false, &gdt);
	vcpu_set_cr(v, 3, BOOT_TABLES);
	vcpu_set_cr(v, 4, CR4_PAE);
	vcpu_set_cr(v, 0, CR0_PE | CR0_ET | CR0_PG);
	vcpu_set_efer(v, EFER_LME | EFER_LMA);
	v->rip = entry;
	v->gpr[GPR_RSI] = BOOT_PARAMS;
	/* Below the boot data is memory that nobody uses yet. */
	v->gpr[GPR_RSP] = BOOT_DATA;
}

void linux_load(struct vp *vp)
{
	u64 image = boot_info.kernel.start, at, setup;

	check_image(image, boot_info.kernel.size);
	if (!is_ram(BOOT_DATA, BOOT_DATA_SIZE) || !clear_of_modules(BOOT_DATA, BOOT_DATA_SIZE))
		refuse("no RAM at %lx for the kernel's boot data", BOOT_DATA);
	at = place_kernel(image);
	setup = setup_size(image);
	make_params(image);
	make_tables();
	/* The loader may have put it where it belongs, more or less. */
	memmove(phys_to_virt(at), phys_to_virt(image + setup), boot_info.kernel.size - setup);
	set_registers(vp, at + ENTRY_64);
	log_info("root: kernel of %llu KiB at %llx, initrd of %llu KiB",
		 boot_info.kernel.size / 1024, at,
		 boot_info.has_initrd ? boot_info.initrd.size / 1024 : 0UL);
}
