// SPDX-License-Identifier: GPL-2.0-only
/*
 * Loading Linux: the x86 boot protocol, entered in 64-bit mode
 * (Documentation/arch/x86/boot.rst, "64-bit Boot Protocol").
 */
#include <asm/bootparam.h>
#include <inttypes.h>
#include <string.h>
#include <sys/random.h>

#include <mshv/vp.h>

#include "acpi.h"
#include "boot.h"

/* Low memory, where a BIOS would keep its own data */
#define TABLES		0x1000ULL	/* GDT and page tables */
#define STACK		0x8ff0ULL
#define ZERO_PAGE	0x9000ULL	/* struct boot_params */
#define SETUP_DATA	0xa000ULL	/* a seed for the random number generator */
#define CMDLINE		0x10000ULL
#define CMDLINE_MAX	0x10000ULL
#define LOW_END		0xa0000ULL	/* of low memory */
#define RESET_VECTOR	0xffff0ULL
#define HIGH_START	0x100000ULL

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
	const char *name;
	const struct file *file;
	struct setup_header header;
	uint64_t setup_size;	/* of the real-mode part */
	uint64_t address;	/* where the rest is loaded */
};

static int check_image(struct image *image)
{
	const struct file *file = image->file;
	struct setup_header *header = &image->header;

	if (file->size < SETUP_HEADER + sizeof(*header))
		return complain("%s: too short for a Linux kernel (bzImage)", image->name);
	memcpy(header, file->data + SETUP_HEADER, sizeof(*header));

	if (header->boot_flag != BOOT_MAGIC || header->header != HEADER_MAGIC)
		return complain("%s: not a Linux kernel (bzImage)", image->name);
	if (header->version < PROTOCOL_MIN || !(header->xloadflags & XLF_KERNEL_64))
		return complain("%s: this kernel has no 64-bit entry point (boot protocol %u.%02u)",
				image->name, header->version >> 8, header->version & 0xff);

	image->setup_size = ((header->setup_sects ? header->setup_sects : 4) + 1) * SECTOR;
	if (image->setup_size >= file->size ||
	    (uint64_t)header->syssize * 16 > align_up(file->size - image->setup_size, 16))
		return complain("%s: the kernel image is cut short", image->name);
	return 0;
}

/* Decide where the kernel goes: it decompresses itself in place, within init_size bytes. */
static int place_kernel(struct image *image, const struct mshv_memory *memory)
{
	const struct setup_header *header = &image->header;
	uint64_t size = image->file->size - image->setup_size;
	uint64_t need = header->init_size > size ? header->init_size : size;
	uint64_t alignment = header->kernel_alignment;
	bool fits;

	image->address = header->pref_address;
	fits = image->address >= HIGH_START && image->address + need <= memory->low;
	if (!fits && header->relocatable_kernel && alignment >= PAGE_SIZE &&
	    !(alignment & (alignment - 1)))
		image->address = align_up(HIGH_START, alignment);

	if (image->address < HIGH_START || image->address > MSHV_MEMORY_HOLE ||
	    need > MSHV_MEMORY_HOLE || image->address + need > memory->low)
		return complain("%s: too little memory: it needs %" PRIu64 " MiB of %" PRIu64,
				image->name, align_up(image->address + need, MIB) / MIB,
				memory->low / MIB);
	return 0;
}

/* The initial RAM disk goes as high as the kernel can read it, above the kernel itself. */
static int place_initrd(const struct image *image, const struct mshv_memory *memory,
			const struct file *initrd, struct boot_params *params)
{
	uint64_t top = (uint64_t)image->header.initrd_addr_max + 1, address;
	uint64_t bottom = image->address + image->header.init_size;

	if (!initrd || !initrd->size)
		return 0;
	if (top > memory->low)
		top = memory->low;
	if (initrd->size > top || align_down(top - initrd->size, PAGE_SIZE) < bottom)
		return complain("too little memory: the initrd needs %" PRIu64
				" MiB beside the kernel, of %" PRIu64,
				align_up(initrd->size, MIB) / MIB, memory->low / MIB);
	address = align_down(top - initrd->size, PAGE_SIZE);
	memcpy(mshv_memory_at(memory, address, initrd->size), initrd->data, initrd->size);
	params->hdr.ramdisk_image = address;
	params->hdr.ramdisk_size = initrd->size;
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
	add_e820(params, ACPI_BASE, ACPI_BASE + ACPI_SIZE, RESERVED);
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

/*
 * A guest that finds no better way to reset itself goes to real mode and jumps
 * to where a BIOS has its reset vector. What it finds there is all the BIOS it gets.
 */
static void write_reset_vector(const struct mshv_memory *memory)
{
	static const uint8_t code[] = {
		0xb0, ACPI_RESET_VALUE,				/* mov $1, %al		*/
		0xba, ACPI_RESET_PORT & 0xff, ACPI_RESET_PORT >> 8, /* mov $0x602, %dx	*/
		0xee,						/* out %al, %dx		*/
		0xf4,						/* hlt			*/
	};

	memcpy(mshv_memory_at(memory, RESET_VECTOR, sizeof(code)), code, sizeof(code));
}

int boot_linux(const struct mshv_memory *memory, const char *name, const struct file *file,
	       const struct file *initrd, const char *cmdline,
	       struct boot_entry *entry)
{
	struct image image = { .name = name, .file = file };
	struct boot_params *params;
	size_t header_size;
	uint64_t size;

	if (check_image(&image) || place_kernel(&image, memory))
		return -1;
	if (strlen(cmdline) > image.header.cmdline_size || strlen(cmdline) >= CMDLINE_MAX)
		return complain("the kernel takes a command line of at most %u bytes",
				image.header.cmdline_size);

	/* The kernel's own header tells how long it is: only that much is the zero page's. */
	params = mshv_memory_at(memory, ZERO_PAGE, sizeof(*params));
	memset(params, 0, sizeof(*params));
	header_size = 0x202 + (image.header.jump >> 8) - SETUP_HEADER;
	if (header_size > sizeof(params->hdr))
		header_size = sizeof(params->hdr);
	memcpy(&params->hdr, &image.header, header_size);

	if (place_initrd(&image, memory, initrd, params))
		return -1;
	size = file->size - image.setup_size;
	memcpy(mshv_memory_at(memory, image.address, size), file->data + image.setup_size, size);
	memcpy(mshv_memory_at(memory, CMDLINE, CMDLINE_MAX), cmdline, strlen(cmdline) + 1);

	params->hdr.type_of_loader = LOADER_OTHER;
	params->hdr.code32_start = image.address;
	params->hdr.cmd_line_ptr = CMDLINE;
	params->hdr.setup_data = 0;
	params->acpi_rsdp_addr = ACPI_BASE;
	fill_e820(params, memory);
	add_seed(params, memory);
	write_reset_vector(memory);
	mshv_write_boot_tables(mshv_memory_at(memory, TABLES, MSHV_BOOT_TABLES_SIZE), TABLES);

	entry->rip = image.address + ENTRY_64;
	entry->rsp = STACK;
	entry->rsi = ZERO_PAGE;
	entry->tables = TABLES;
	return 0;
}
