// SPDX-License-Identifier: GPL-2.0-only
/*
 * The ACPI tables, and numbers.
 */
#include "vm.h"

#include "kselftest_harness.h"

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
