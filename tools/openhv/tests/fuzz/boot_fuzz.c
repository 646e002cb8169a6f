// SPDX-License-Identifier: GPL-2.0-only
/*
 * What comes from the loader: the tags of multiboot 2, the kernel's header, the
 * command line. All of it is one input, whose first byte says which.
 */
#include <asm/x86.h>
#include <openhv/log.h>
#include <openhv/options.h>
#include <openhv/platform.h>
#include <openhv/sched.h>
#include "fuzz.h"
#include "linux.h"
#include "multiboot.h"

#include <setjmp.h>
#include <string.h>

#define INFO		0x3000000UL	/* the loader's information, and what must not be read */
#define INFO_ROOM	0x2000UL
#define KERNEL		0x800000UL
#define KERNEL_ROOM	0x40000UL	/* the kernel's largest size */
#define RAM_END		0x1000000UL
#define LOW_RAM_END	0x9F000UL

static jmp_buf refused;

static void machine_stopped(int code)
{
	if (code == DEBUG_EXIT_REFUSED)
		longjmp(refused, 1);
}

static void play_command_line(struct fuzz *f)
{
	char line[BOOT_STRING_MAX];

	fuzz_bytes(f, line, sizeof(line) - 1);
	line[sizeof(line) - 1] = 0;
	options_parse(line);
	if (options.compat < COMPAT_BASE || options.compat > COMPAT_MAX || !sched)
		host_fail("options that there are not");
}

/* The information ends where the input does: not a byte more may be looked at. */
static void play_tags(struct fuzz *f)
{
	u32 size = 8 + min(f->size, (size_t)(INFO_ROOM - 8));
	u8 *info = phys_to_virt(INFO);
	u32 i;

	memory_unpoison(info, INFO_ROOM);
	memcpy(info, &size, sizeof(size));
	fuzz_bytes(f, info + 8, size - 8);
	memory_poison(info + size, INFO_ROOM - size);
	if (multiboot_parse(MULTIBOOT2_LOADER_MAGIC, INFO))
		return;
	for (i = 0; i < e820_count; i++) {
		if (e820[i].base + e820[i].size < e820[i].base)
			host_fail("memory behind the end of all addresses");
	}
	if (strnlen(boot_info.cmdline, BOOT_STRING_MAX) == BOOT_STRING_MAX ||
	    strnlen(boot_info.kernel.string, BOOT_STRING_MAX) == BOOT_STRING_MAX)
		host_fail("a string without an end");
	options_parse(boot_info.cmdline);
}

static void set(u32 offset, u64 value, u32 size)
{
	memcpy(phys_to_virt(KERNEL + offset), &value, size);
}

static bool within(u64 at, u64 size, u64 base, u64 end)
{
	return at >= base && at + size <= end;
}

/* A header that would do, of which the input changes what it likes */
static void play_kernel(struct fuzz *f)
{
	u32 size = fuzz32(f) % KERNEL_ROOM, n = fuzz8(f) % 16;
	u64 entry, setup;
	bool movable;

	memory_unpoison(phys_to_virt(KERNEL), KERNEL_ROOM);
	memset(phys_to_virt(KERNEL), 0, 4096);
	set(0x1F1, 1, 1);
	set(0x1FE, 0xAA55, 2);
	set(0x201, 0x6A, 1);
	set(0x202, 0x53726448, 4);
	set(0x206, 0x20F, 2);
	set(0x230, 0x200000, 4);
	set(0x236, 1, 2);
	set(0x238, 2047, 4);
	set(0x258, 0xC00000, 8);
	set(0x260, 0x100000, 4);
	while (n--) {
		u32 offset = 0x1F1 + fuzz8(f) % 128;

		set(offset, fuzz_number(f), 1 << fuzz8(f) % 4);
	}
	e820_add(0, LOW_RAM_END, E820_RAM);
	e820_add(0x100000, RAM_END - 0x100000, E820_RAM);
	boot_info.kernel.start = KERNEL;
	boot_info.kernel.size = size;
	fuzz_bytes(f, boot_info.kernel.string, fuzz8(f));
	boot_info.has_initrd = fuzz8(f) & 1;
	boot_info.initrd.start = fuzz32(f);
	boot_info.initrd.size = fuzz32(f) % KERNEL_ROOM;
	setup = (*(u8 *)phys_to_virt(KERNEL + 0x1F1) ?: 4) * 512 + 512;
	movable = *(u8 *)phys_to_virt(KERNEL + 0x234);
	/* One that runs at one address only may come to lie where it was, and beyond. */
	if (movable)
		memory_poison(phys_to_virt(KERNEL + size), KERNEL_ROOM - size);
	linux_load(root_vp());

	entry = root_vp()->vcpu.rip - 0x200;
	if (!within(entry, size - setup, 0x100000, RAM_END))
		host_fail("a kernel of %x bytes at %llx, where there is no memory for it", size,
			  (unsigned long long)entry);
	if (movable && entry < KERNEL + size && KERNEL < entry + size - setup)
		host_fail("the kernel is loaded over itself");
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	static struct options defaults;
	static bool kept;
	struct fuzz f;

	fuzz_begin(&f, data, size);
	if (!kept)
		defaults = options;
	kept = true;
	options = defaults;
	e820_count = 0;
	memset(&boot_info, 0, sizeof(boot_info));
	host_stopped = machine_stopped;
	if (!setjmp(refused)) {
		switch (fuzz8(&f) % 3) {
		case 0:
			play_command_line(&f);
			break;
		case 1:
			play_tags(&f);
			break;
		case 2:
			play_kernel(&f);
		}
	}
	host_stopped = NULL;
	sched = &sched_root;
	log_level = LOG_ERROR;
	return 0;
}
