// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the loader says. The loader is trusted; that it is of another version,
 * or was given too little, is not ruled out.
 */
#include <openhv/memory.h>
#include <openhv/platform.h>
#include <openhv/string.h>
#include "multiboot.h"

struct boot_info boot_info;

static bool copy_string(char *to, u32 from)
{
	const char *s = phys_to_virt(from);
	size_t n;

	to[0] = 0;
	if (!from)
		return true;
	n = strnlen(s, BOOT_STRING_MAX);
	if (n == BOOT_STRING_MAX)
		return false;
	memcpy(to, s, n + 1);
	return true;
}

/* Drop a string's first word. */
static void drop_word(char *s)
{
	char *rest = strchr(s, ' ');

	if (rest) {
		while (*rest == ' ')
			rest++;
		memmove(s, rest, strlen(rest) + 1);
	} else {
		s[0] = 0;
	}
}

static const char *parse_mmap(const struct multiboot_info *mbi)
{
	u64 at = mbi->mmap_addr, end = at + mbi->mmap_length;

	while (at + sizeof(struct multiboot_mmap) <= end) {
		const struct multiboot_mmap *m = phys_to_virt(at);

		if (m->size < sizeof(*m) - sizeof(m->size))
			return "the memory map's entries are too short";
		if (e820_count == E820_MAX)
			return "the memory map has too many entries";
		e820_add(m->base, m->length, m->type);
		at += m->size + sizeof(m->size);
	}
	return e820_count ? NULL : "the memory map is empty";
}

static const char *parse_module(struct boot_module *to, const struct multiboot_module *m,
				bool skip_name)
{
	if (m->end < m->start)
		return "a module ends before it begins";
	to->start = m->start;
	to->size = m->end - m->start;
	if (!copy_string(to->string, m->string))
		return "a module's string is too long";
	if (skip_name)
		drop_word(to->string);
	return NULL;
}

const char *multiboot_parse(u32 magic, u32 info)
{
	const struct multiboot_info *mbi = phys_to_virt(info);
	const struct multiboot_module *mods;
	const char *error;
	bool qemu;

	if (magic == MULTIBOOT2_LOADER_MAGIC)
		return multiboot2_parse(info);
	if (magic != MULTIBOOT_LOADER_MAGIC)
		return "not loaded by a multiboot loader";
	if (!(mbi->flags & MULTIBOOT_INFO_MMAP))
		return "the loader gives no memory map";
	error = parse_mmap(mbi);
	if (error)
		return error;
	/* QEMU begins strings with the file's name; other loaders leave it out. */
	qemu = mbi->flags & MULTIBOOT_INFO_LOADER &&
	       !strcmp(phys_to_virt(mbi->boot_loader_name), "qemu");
	if (mbi->flags & MULTIBOOT_INFO_CMDLINE && !copy_string(boot_info.cmdline, mbi->cmdline))
		return "the command line is too long";
	if (qemu)
		drop_word(boot_info.cmdline);
	if (!(mbi->flags & MULTIBOOT_INFO_MODS) || !mbi->mods_count)
		return "no kernel: the first module has to be a Linux kernel";
	mods = phys_to_virt(mbi->mods_addr);
	error = parse_module(&boot_info.kernel, &mods[0], qemu);
	if (!error && mbi->mods_count > 1) {
		boot_info.has_initrd = true;
		error = parse_module(&boot_info.initrd, &mods[1], qemu);
	}
	if (!error && mbi->mods_count > 2)
		error = "more than two modules: a kernel and an initrd are all that is used";
	return error;
}
