// SPDX-License-Identifier: GPL-2.0-only
/*
 * A device's registers as guest memory: a BAR that sysfs maps, of an AHCI controller
 * that has no driver. Its configuration is as stable as memory, and reading it has no
 * side effect (AHCI 1.3.1, 3.1 "Generic Host Control").
 */
#include <dirent.h>
#include <fcntl.h>
#include <sys/mman.h>

#include "mshv_test.h"

#define BAR_GPA		0xe0000000ULL
#define AHCI_CLASS	0x010601

#define PCI_COMMAND		4
#define PCI_COMMAND_MEMORY	0x2

/* Registers, in doublewords */
#define AHCI_CAP	0
#define AHCI_PI		3	/* which ports there are */
#define AHCI_VS		4
#define AHCI_REGISTERS	5
#define AHCI_PORT(n)	(0x40 + (n) * 0x20)
#define AHCI_PORTS	30	/* in one page */
/* Of a port: where its list of commands is, a multiple of 1024; and what is connected */
#define PORT_CLB	0
#define PORT_SSTS	10
#define SSTS_DET	0xf

FIXTURE(bar) {
	char device[300];
	volatile uint32_t *regs;	/* NULL: there is none, for this reason */
	const char *reason;
	bool enabled;			/* by us */
};

static int open_attribute(const char *device, const char *name, int flags)
{
	char path[400];

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/%s", device, name);
	return open(path, flags | O_CLOEXEC);
}

static uint32_t class_of(const char *device)
{
	char text[32] = "";
	int fd = open_attribute(device, "class", O_RDONLY);

	if (fd < 0)
		return 0;
	if (read(fd, text, sizeof(text) - 1) < 0)
		text[0] = '\0';
	close(fd);
	return strtoul(text, NULL, 16);
}

static bool has_driver(const char *device)
{
	int fd = open_attribute(device, "driver", O_PATH);

	if (fd < 0)
		return false;
	close(fd);
	return true;
}

static bool decodes_memory(const char *device)
{
	int fd = open_attribute(device, "config", O_RDONLY);
	uint16_t command = 0;

	if (fd < 0)
		return false;
	if (pread(fd, &command, sizeof(command), PCI_COMMAND) != sizeof(command))
		command = 0;
	close(fd);
	return command & PCI_COMMAND_MEMORY;
}

static bool set_enabled(const char *device, const char *value)
{
	int fd = open_attribute(device, "enable", O_WRONLY);
	bool done;

	if (fd < 0)
		return false;
	done = write(fd, value, 1) == 1;
	close(fd);
	return done;
}

static const char *find_device(char *device, size_t size)
{
	const char *reason = "no AHCI controller";
	DIR *dir = opendir("/sys/bus/pci/devices");
	struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		if (entry->d_name[0] == '.' || class_of(entry->d_name) != AHCI_CLASS)
			continue;
		reason = "the AHCI controller has a driver";
		if (has_driver(entry->d_name))
			continue;
		snprintf(device, size, "%s", entry->d_name);
		reason = NULL;
		break;
	}
	if (dir)
		closedir(dir);
	return reason;
}

FIXTURE_SETUP(bar)
{
	void *bar;
	int fd;

	self->reason = find_device(self->device, sizeof(self->device));
	if (self->reason)
		return;
	if (!decodes_memory(self->device)) {
		self->reason = "the AHCI controller cannot be enabled";
		self->enabled = set_enabled(self->device, "1");
		if (!self->enabled || !decodes_memory(self->device))
			return;
	}
	self->reason = "the AHCI controller's registers cannot be mapped";
	fd = open_attribute(self->device, "resource5", O_RDWR);
	if (fd < 0)
		return;
	bar = mmap(NULL, PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	if (bar == MAP_FAILED)
		return;
	self->regs = bar;
}

FIXTURE_TEARDOWN(bar)
{
	if (self->regs)
		munmap((void *)self->regs, PAGE_SIZE);
	if (self->enabled)
		set_enabled(self->device, "0");
}

/* ---- The guest ---- */

static uint32_t seen[AHCI_REGISTERS];
static uint32_t which, value;	/* the register to write, and what */

static GUEST_CODE void guest_reads_and_writes(void)
{
	volatile uint32_t *regs = (void *)BAR_GPA;
	int i;

	for (i = 0; i < AHCI_REGISTERS; i++)
		*(volatile uint32_t *)&seen[i] = regs[i];
	GUEST_SYNC(1);
	regs[which] = value;
	GUEST_SYNC_ARG(2, regs[which]);
	GUEST_SYNC_ARG(3, regs[AHCI_VS]);
	GUEST_DONE();
}

/* A port with nothing behind it, whose registers are but memory; 0: there is none. */
static uint32_t unused_register(volatile uint32_t *regs)
{
	uint32_t port;

	for (port = 0; port < AHCI_PORTS; port++)
		if (regs[AHCI_PI] & 1U << port &&
		    !(regs[AHCI_PORT(port) + PORT_SSTS] & SSTS_DET))
			return AHCI_PORT(port) + PORT_CLB;
	return 0;
}

TEST_F(bar, guest_reads_and_writes_what_root_does)
{
	uint32_t saved;
	struct test_vm vm;
	int i;

	TEST_REQUIRE(self->regs, "%s", self->reason);
	which = unused_register(self->regs);
	TEST_REQUIRE(which, "every port has a disk");
	saved = self->regs[which];
	value = saved ^ 0x12345400;

	vm_init_long(&vm, 0, guest_reads_and_writes);
	ASSERT_OK(mshv_map_memory(vm.partition, BAR_GPA, (void *)self->regs, PAGE_SIZE, MEM_RW));
	vm_run_to_sync(&vm, 1);
	EXPECT_NE(0, self->regs[AHCI_CAP]);
	EXPECT_EQ(1, self->regs[AHCI_VS] >> 16) TH_LOG("AHCI 1.x");
	for (i = 0; i < AHCI_REGISTERS; i++) {
		EXPECT_EQ(self->regs[i], (*vm_guest_variable(&vm, seen))[i]) {
			TH_LOG("register %d", i);
		}
	}

	EXPECT_EQ(saved, self->regs[which]);
	EXPECT_EQ(value, vm_run_to_sync(&vm, 2));
	EXPECT_EQ(value, self->regs[which]);
	self->regs[which] = saved;

	EXPECT_EQ(self->regs[AHCI_VS], vm_run_to_sync(&vm, 3));
	vm_run_to_done(&vm);
	vm_destroy(&vm);
}

TEST_F(bar, guest_does_not_write_where_it_must_not)
{
	struct test_vm vm;
	uint32_t saved;

	TEST_REQUIRE(self->regs, "%s", self->reason);
	which = unused_register(self->regs);
	TEST_REQUIRE(which, "every port has a disk");
	saved = self->regs[which];
	value = saved ^ 0x12345400;

	vm_init_long(&vm, 0, guest_reads_and_writes);
	ASSERT_OK(mshv_map_memory(vm.partition, BAR_GPA, (void *)self->regs, PAGE_SIZE, 0));
	vm_run_to_sync(&vm, 1);
	ASSERT_EQ(HVMSG_GPA_INTERCEPT, vm_run(&vm));
	EXPECT_EQ(HV_INTERCEPT_ACCESS_WRITE,
		  mshv_msg_header(&vm.vp.msg)->intercept_access_type);
	EXPECT_EQ(saved, self->regs[which]);
	vm_destroy(&vm);
}

/* What root unmaps, as a driver that resets its device does, the guest has no more. */
TEST_F(bar, mapping_that_goes_is_gone_from_the_guest)
{
	struct test_vm vm;
	void *bar;

	TEST_REQUIRE(self->regs, "%s", self->reason);
	bar = (void *)self->regs;
	which = AHCI_REGISTERS - 1;	/* VS: read-only */
	vm_init_long(&vm, 0, guest_reads_and_writes);
	ASSERT_OK(mshv_map_memory(vm.partition, BAR_GPA, bar, PAGE_SIZE, MEM_RW));
	vm_run_to_sync(&vm, 1);
	vm_run_to_sync(&vm, 2);

	ASSERT_EQ(0, munmap(bar, PAGE_SIZE));
	self->regs = NULL;
	ASSERT_EQ(HVMSG_GPA_INTERCEPT, vm_run(&vm));
	EXPECT_EQ(BAR_GPA,
		  mshv_msg_memory(&vm.vp.msg)->guest_physical_address & ~(PAGE_SIZE - 1));

	/* And memory in its place is not what the region is of. */
	ASSERT_EQ(bar, mmap(bar, PAGE_SIZE, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
	EXPECT_EQ(HVMSG_GPA_INTERCEPT, vm_run(&vm));
	vm_destroy(&vm);
}

TEST_F(bar, region_does_not_go_beyond_the_mapping)
{
	struct test_vm vm;

	TEST_REQUIRE(self->regs, "%s", self->reason);
	vm_init_long(&vm, 0, guest_reads_and_writes);
	EXPECT_NE(0, mshv_map_memory(vm.partition, BAR_GPA, (void *)self->regs, 2 * PAGE_SIZE,
				     MEM_RW));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_OK(mshv_map_memory(vm.partition, BAR_GPA, (void *)self->regs, PAGE_SIZE, MEM_RW));
	EXPECT_OK(mshv_unmap_memory(vm.partition, BAR_GPA, (void *)self->regs, PAGE_SIZE));
	vm_destroy(&vm);
}

MSHV_TEST_MAIN
