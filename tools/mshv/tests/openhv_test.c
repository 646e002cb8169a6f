// SPDX-License-Identifier: GPL-2.0-only
/*
 * openhv's pages: what is accepted, and what is printed of it.
 */
#include "openhv.h"

#include "kselftest_harness.h"

#define LOG_SIZE	64

FIXTURE(pages) {
	struct openhv_info *info;
	size_t size;
	char *log;
};

FIXTURE_SETUP(pages)
{
	self->size = sizeof(*self->info) + LOG_SIZE;
	self->info = calloc(1, self->size);
	self->info->magic = OPENHV_INFO_MAGIC;
	self->info->version = OPENHV_INFO_VERSION;
	self->info->lp_count = 2;
	self->info->log_offset = sizeof(*self->info);
	self->info->log_size = LOG_SIZE;
	self->log = (char *)self->info + self->info->log_offset;
}

FIXTURE_TEARDOWN(pages)
{
	free(self->info);
}

TEST_F(pages, only_sane_ones_are_taken)
{
	struct openhv_info good = *self->info;

	EXPECT_TRUE(openhv_info_valid(self->info, self->size));
	EXPECT_FALSE(openhv_info_valid(self->info, self->size - 1));
	EXPECT_FALSE(openhv_info_valid(self->info, 100));
	self->info->magic++;
	EXPECT_FALSE(openhv_info_valid(self->info, self->size));
	*self->info = good;
	self->info->version++;
	EXPECT_FALSE(openhv_info_valid(self->info, self->size));
	*self->info = good;
	self->info->lp_count = OPENHV_INFO_MAX_LPS + 1;
	EXPECT_FALSE(openhv_info_valid(self->info, self->size));
	*self->info = good;
	self->info->log_size = 48;
	EXPECT_FALSE(openhv_info_valid(self->info, self->size));
	self->info->log_size = 0;
	EXPECT_FALSE(openhv_info_valid(self->info, self->size));
	*self->info = good;
	self->info->log_offset = ~0U;
	EXPECT_FALSE(openhv_info_valid(self->info, self->size));
}

static void print(void (*function)(FILE *f, const struct openhv_info *info),
		  const struct openhv_info *info, char *buf, size_t size)
{
	FILE *f = fmemopen(buf, size, "w");

	function(f, info);
	fclose(f);
}

TEST_F(pages, the_log_is_unrolled)
{
	char text[256] = "";

	memcpy(self->log, "one\ntwo\n", 8);
	self->info->log_head = 8;
	print(openhv_log_print, self->info, text, sizeof(text));
	EXPECT_STREQ("one\ntwo\n", text);

	/* 70 bytes were written: the first 6 are gone, and with them the first line. */
	memset(self->log, 'x', LOG_SIZE);
	memcpy(self->log + 10, "\nolder\n", 7);
	memcpy(self->log, "newer\n", 6);
	self->info->log_head = LOG_SIZE + 6;
	print(openhv_log_print, self->info, text, sizeof(text));
	EXPECT_EQ(0, strncmp(text, "older\nxx", 8));
	EXPECT_STREQ("newer\n", text + strlen(text) - 6);

	/* One line that fills the ring: nothing whole is left. */
	memset(self->log, 'x', LOG_SIZE);
	self->info->log_head = 1000;
	memset(text, 0, sizeof(text));
	print(openhv_log_print, self->info, text, sizeof(text));
	EXPECT_STREQ("", text);
}

TEST_F(pages, counters_are_summed)
{
	char text[4096] = "";

	self->info->lp[0].root_exits[OPENHV_EXIT_CPUID] = 3;
	self->info->lp[1].root_exits[OPENHV_EXIT_CPUID] = 4;
	self->info->lp[1].child_exits[OPENHV_EXIT_IO] = 5;
	self->info->lp[2].child_exits[OPENHV_EXIT_IO] = 99;	/* no such processor */
	self->info->lp[0].hypercalls = 11;
	self->info->deposited_pages = 208;
	print(openhv_info_print, self->info, text, sizeof(text));
	EXPECT_NE(NULL, (void *)strstr(text, "root   CPUID                         7"));
	EXPECT_NE(NULL, (void *)strstr(text, "child  IO                            5"));
	EXPECT_NE(NULL, (void *)strstr(text, "hypercalls                           11"));
	EXPECT_NE(NULL, (void *)strstr(text, "deposited by root             208"));
	EXPECT_NULL((void *)strstr(text, "HLT"));
}

TEST_HARNESS_MAIN
