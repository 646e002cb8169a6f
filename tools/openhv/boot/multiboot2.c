// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a multiboot 2 loader says (specification 2.0, section 3.4): a list of
 * tags.
 */
#include <openhv/memory.h>
#include <openhv/platform.h>
#include <openhv/string.h>
#include "multiboot.h"

#define TAG_END			0
#define TAG_CMDLINE		1
#define TAG_MODULE		3
#define TAG_MMAP		6
#define TAG_ACPI_OLD		14
#define TAG_ACPI_NEW		15

struct tag {
	u32 type;
	u32 size;
};

struct tag_module {
	struct tag tag;
	u32 start;
	u32 end;
	char string[];
};

struct tag_mmap {
	struct tag tag;
	u32 entry_size;
	u32 entry_version;
};

struct mmap_entry {
	u64 base;
	u64 length;
	u32 type;
	u32 reserved;
};

static const char *parse_mmap(const struct tag_mmap *t)
{
	const u8 *at = (const u8 *)(t + 1);
	u32 left = t->tag.size - sizeof(*t);

	if (t->entry_size < sizeof(struct mmap_entry))
		return "the memory map's entries are too short";
	for (; left >= t->entry_size; left -= t->entry_size, at += t->entry_size) {
		struct mmap_entry m;

		if (e820_count == E820_MAX)
			return "the memory map has too many entries";
		/* Entries of another size need not be aligned. */
		memcpy(&m, at, sizeof(m));
		e820_add(m.base, m.length, m.type);
	}
	return NULL;
}

static bool copy_text(char *to, const char *from, u64 max)
{
	size_t n = strnlen(from, max);

	if (n >= BOOT_STRING_MAX)
		return false;
	memcpy(to, from, n);
	to[n] = 0;
	return true;
}

static const char *parse_module(const struct tag_module *t, u32 index)
{
	struct boot_module *to = index ? &boot_info.initrd : &boot_info.kernel;

	if (index > 1)
		return "more than two modules: a kernel and an initrd are all that is used";
	if (t->tag.size < sizeof(*t) || t->end < t->start)
		return "a module ends before it begins";
	boot_info.has_initrd = index == 1;
	to->start = t->start;
	to->size = t->end - t->start;
	if (!copy_text(to->string, t->string, t->tag.size - sizeof(*t)))
		return "a module's string is too long";
	return NULL;
}

/* The root pointer comes as a copy, which is gone with the rest of this. */
static const char *parse_rsdp(const struct tag *t)
{
	u32 size = t->size - sizeof(*t);

	if (t->size < sizeof(*t) || size > sizeof(boot_info.rsdp_copy))
		return "the ACPI root pointer has an unknown size";
	memcpy(boot_info.rsdp_copy, t + 1, size);
	boot_info.has_rsdp = true;
	return NULL;
}

static const char *parse_tag(const struct tag *t, u32 *modules)
{
	switch (t->type) {
	case TAG_CMDLINE:
		if (!copy_text(boot_info.cmdline, (const char *)(t + 1), t->size - sizeof(*t)))
			return "the command line is too long";
		return NULL;
	case TAG_MODULE:
		return parse_module((const void *)t, (*modules)++);
	case TAG_MMAP:
		return t->size < sizeof(struct tag_mmap) ? "the memory map is cut off" :
		       parse_mmap((const void *)t);
	case TAG_ACPI_OLD:
		return boot_info.has_rsdp ? NULL : parse_rsdp(t);
	case TAG_ACPI_NEW:
		return parse_rsdp(t);
	}
	return NULL;
}

const char *multiboot2_parse(u32 info)
{
	const u8 *start = phys_to_virt(info);
	u64 size = *(const u32 *)start, at;
	const char *error;
	u32 modules = 0;

	for (at = 8; at + sizeof(struct tag) <= size;) {
		const struct tag *t = (const void *)(start + at);

		if (t->type == TAG_END)
			break;
		if (t->size < sizeof(*t) || at + t->size > size)
			return "a tag is longer than the information";
		error = parse_tag(t, &modules);
		if (error)
			return error;
		at += ALIGN_UP((u64)t->size, 8);
	}
	if (!e820_count)
		return "the loader gives no memory map";
	if (!modules)
		return "no kernel: the first module has to be a Linux kernel";
	return NULL;
}
