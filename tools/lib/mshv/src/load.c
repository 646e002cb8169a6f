// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * Loading programs. Linux by the x86 boot protocol, entered in 64-bit mode
 * (Documentation/arch/x86/boot.rst, "64-bit Boot Protocol").
 */
#include <asm/bootparam.h>
#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include <mshv/load.h>

#include "internal.h"

#define MIB		(1ULL << 20)
#define PAGE		4096ULL

/* Low memory, where a BIOS would keep its own data */
#define TABLES		0x1000ULL	/* GDT and page tables */
#define STACK		0x8ff0ULL
#define ZERO_PAGE	0x9000ULL	/* struct boot_params */
#define SETUP_DATA	0xa000ULL	/* a seed for the random number generator */
#define CMDLINE		0x10000ULL
#define CMDLINE_MAX	0x10000ULL
#define LOW_END		0xa0000ULL	/* of low memory */
#define HIGH_START	0x100000ULL
#define REAL_END	0x10000ULL	/* 16-bit offsets reach no further */

#define SETUP_HEADER	0x1f1		/* in the file and in the zero page */
#define SECTOR		512
#define ENTRY_64	0x200
#define PROTOCOL_MIN	0x020c		/* xloadflags; Linux 3.8 */
#define HEADER_MAGIC	0x53726448	/* "HdrS" */
#define BOOT_MAGIC	0xaa55
#define LOADER_OTHER	0xff
#define SEED_SIZE	32
/* linux/setup_data types; <asm/bootparam.h> has it from Linux 6.0 on */
#define SETUP_DATA_RNG_SEED	9

/* The headers of a kernel image, which may be anything at all */
struct image {
	const struct mshv_linux *program;
	struct setup_header header;
	uint64_t setup_size;	/* of the real-mode part */
	uint64_t address;	/* where the rest is loaded, and where it will run */
	uint64_t need;		/* bytes from there on that are the kernel's alone */
};

#define bad_kernel(...)	mshv_fail(ENOEXEC, HV_STATUS_SUCCESS, "Linux kernel", __VA_ARGS__)
#define no_room(...)	mshv_fail(ENOMEM, HV_STATUS_SUCCESS, "guest's memory", __VA_ARGS__)

static uint64_t align_up(uint64_t value, uint64_t to)
{
	return (value + to - 1) & -to;
}

static int check_image(struct image *image)
{
	const uint64_t size = image->program->kernel_size;
	struct setup_header *header = &image->header;

	if (size < SETUP_HEADER + sizeof(*header))
		return bad_kernel("too short for a bzImage");
	memcpy(header, (const uint8_t *)image->program->kernel + SETUP_HEADER, sizeof(*header));

	if (header->boot_flag != BOOT_MAGIC || header->header != HEADER_MAGIC)
		return bad_kernel("not a bzImage");
	if (header->version < PROTOCOL_MIN || !(header->xloadflags & XLF_KERNEL_64))
		return bad_kernel("no 64-bit entry point, boot protocol %u.%02u",
				  header->version >> 8, header->version & 0xff);

	image->setup_size = ((header->setup_sects ? header->setup_sects : 4) + 1) * SECTOR;
	if (image->setup_size >= size ||
	    (uint64_t)header->syssize * 16 > align_up(size - image->setup_size, 16))
		return bad_kernel("cut short");
	return 0;
}

/*
 * Decide where the kernel goes: it decompresses itself within init_size bytes from where it
 * runs. That is never below the address that it prefers, wherever it is loaded, and a
 * relocatable one moves itself on to a multiple of its alignment: it is loaded there.
 */
static int place_kernel(struct image *image, const struct mshv_memory *memory)
{
	const struct setup_header *header = &image->header;
	uint64_t size = image->program->kernel_size - image->setup_size;
	uint64_t alignment = header->kernel_alignment, end;

	image->need = header->init_size > size ? header->init_size : size;
	image->address = header->pref_address;
	if (header->relocatable_kernel && image->address <= MSHV_MEMORY_HOLE &&
	    alignment >= PAGE && !(alignment & (alignment - 1))) {
		if (image->address < HIGH_START)
			image->address = HIGH_START;
		image->address = align_up(image->address, alignment);
	}

	end = image->address + image->need;
	if (image->address < HIGH_START || image->address > MSHV_MEMORY_HOLE ||
	    image->need > MSHV_MEMORY_HOLE || end > memory->low)
		return no_room("the kernel needs %llu MiB of %llu",
			       (unsigned long long)align_up(end, MIB) / MIB,
			       (unsigned long long)memory->low / MIB);
	return 0;
}

/*
 * The initial RAM disk goes as high as the kernel can read it, above the kernel itself: all
 * of its file, and all that it overwrites before it knows of the disk.
 */
static int place_initrd(const struct image *image, const struct mshv_memory *memory,
			struct boot_params *params)
{
	uint64_t top = (uint64_t)image->header.initrd_addr_max + 1, address;
	uint64_t bottom = image->address + image->need;
	uint64_t size = image->program->initrd_size;

	if (!image->program->initrd || !size)
		return 0;
	if (top > memory->low)
		top = memory->low;
	address = (top - size) & -PAGE;
	if (size > top || address < bottom)
		return no_room("the initrd needs %llu MiB beside the kernel, of %llu",
			       (unsigned long long)align_up(size, MIB) / MIB,
			       (unsigned long long)memory->low / MIB);
	memcpy(mshv_memory_at(memory, address, size), image->program->initrd, size);
	params->hdr.ramdisk_image = address;
	params->hdr.ramdisk_size = size;
	return 0;
}

static void add_e820(struct boot_params *params, uint64_t start, uint64_t end, uint32_t type)
{
	struct boot_e820_entry *entry = &params->e820_table[params->e820_entries];

	if (start >= end)
		return;
	entry->addr = start;
	entry->size = end - start;
	entry->type = type;
	params->e820_entries++;
}

static void fill_e820(struct boot_params *params, const struct mshv_memory *memory)
{
	enum { RAM = 1, RESERVED = 2 };

	add_e820(params, 0, LOW_END, RAM);
	add_e820(params, MSHV_LOAD_BIOS, MSHV_LOAD_BIOS + MSHV_LOAD_BIOS_SIZE, RESERVED);
	add_e820(params, HIGH_START, memory->low, RAM);
	add_e820(params, MSHV_MEMORY_HIGH, MSHV_MEMORY_HIGH + memory->high, RAM);
}

/* Without a seed a guest with few interrupts waits long for its random numbers. */
static void add_seed(struct boot_params *params, const struct mshv_memory *memory)
{
	struct setup_data *data = mshv_memory_at(memory, SETUP_DATA, sizeof(*data) + SEED_SIZE);

	if (getrandom(data->data, SEED_SIZE, GRND_NONBLOCK) != SEED_SIZE)
		return;
	data->next = 0;
	data->type = SETUP_DATA_RNG_SEED;
	data->len = SEED_SIZE;
	params->hdr.setup_data = SETUP_DATA;
}

int mshv_load_linux(struct mshv_vp *vp, const struct mshv_memory *memory,
		    const struct mshv_linux *program)
{
	struct mshv_regs start = { .gpr = { [MSHV_RSP] = STACK, [MSHV_RSI] = ZERO_PAGE } };
	struct image image = { .program = program };
	struct boot_params *params;
	size_t header_size;
	uint64_t size;
	int ret;

	ret = check_image(&image);
	if (!ret)
		ret = place_kernel(&image, memory);
	if (ret)
		return ret;
	size = strlen(program->cmdline);
	if (size > image.header.cmdline_size || size >= CMDLINE_MAX)
		return mshv_fail(E2BIG, HV_STATUS_SUCCESS, "Linux kernel",
				 "a command line of at most %u bytes", image.header.cmdline_size);
	memcpy(mshv_memory_at(memory, CMDLINE, CMDLINE_MAX), program->cmdline, size + 1);

	/* The kernel's own header tells how long it is: only that much is the zero page's. */
	params = mshv_memory_at(memory, ZERO_PAGE, sizeof(*params));
	memset(params, 0, sizeof(*params));
	header_size = 0x202 + (image.header.jump >> 8) - SETUP_HEADER;
	if (header_size > sizeof(params->hdr))
		header_size = sizeof(params->hdr);
	memcpy(&params->hdr, &image.header, header_size);

	ret = place_initrd(&image, memory, params);
	if (ret)
		return ret;
	size = program->kernel_size - image.setup_size;
	memcpy(mshv_memory_at(memory, image.address, size),
	       (const uint8_t *)program->kernel + image.setup_size, size);

	params->hdr.type_of_loader = LOADER_OTHER;
	params->hdr.code32_start = image.address;
	params->hdr.cmd_line_ptr = CMDLINE;
	params->hdr.setup_data = 0;
	params->acpi_rsdp_addr = program->rsdp;
	fill_e820(params, memory);
	add_seed(params, memory);

	mshv_write_boot_tables(mshv_memory_at(memory, TABLES, MSHV_BOOT_TABLES_SIZE), TABLES);
	start.rip = image.address + ENTRY_64;
	return mshv_vp_setup_long_mode(vp, TABLES, &start);
}

int mshv_load_flat(struct mshv_vp *vp, const struct mshv_memory *memory, const void *image,
		   size_t size, bool long_mode)
{
	const struct mshv_regs regs = {
		.gpr = { [MSHV_RSP] = MSHV_LOAD_LONG },
		.rip = MSHV_LOAD_LONG,
	};
	uint64_t start = long_mode ? MSHV_LOAD_LONG : MSHV_LOAD_REAL, end = memory->low;

	if (!long_mode && end > REAL_END)
		end = REAL_END;
	if (!size)
		return mshv_fail(ENOEXEC, HV_STATUS_SUCCESS, "flat program", "it is empty");
	if (start > end || size > end - start)
		return no_room("%zu bytes at 0x%llx do not fit below 0x%llx", size,
			       (unsigned long long)start, (unsigned long long)end);
	memcpy(mshv_memory_at(memory, start, size), image, size);
	if (!long_mode)
		return mshv_vp_setup_real_mode(vp, start, start);
	/* The tables and the stack lie below the program. */
	mshv_write_boot_tables(mshv_memory_at(memory, TABLES, MSHV_BOOT_TABLES_SIZE), TABLES);
	return mshv_vp_setup_long_mode(vp, TABLES, &regs);
}
