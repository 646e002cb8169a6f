// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the machine, and the module, may not do while there are partitions: start
 * another kernel, be suspended, be unloaded.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/reboot.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "mshv_test.h"

/* Start the kernel that is loaded. There is none, so it is an error in any case. */
static int kexec(void)
{
	long ret = syscall(SYS_reboot, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2,
			   LINUX_REBOOT_CMD_KEXEC, NULL);

	return ret < 0 ? -errno : (int)ret;
}

/* The kernel's log, from here on */
static int log_open(void)
{
	int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	if (fd >= 0)
		lseek(fd, 0, SEEK_END);
	return fd;
}

/* Whether the log says something, in one line of the module's */
static bool log_says(int fd, const char *text)
{
	char record[2048];
	ssize_t size;

	for (;;) {
		size = read(fd, record, sizeof(record) - 1);
		if (size < 0 && errno == EPIPE)	/* overwritten meanwhile */
			continue;
		if (size <= 0)
			return false;
		record[size] = 0;
		if (strstr(record, "mshv_root: ") && strstr(record, text))
			return true;
	}
}

static int unload(void)
{
	return syscall(SYS_delete_module, "mshv_root", O_NONBLOCK) < 0 ? -errno : 0;
}

/* Write to a file of /sys/power; 0 or a negative errno. */
static int power(const char *file, const char *text)
{
	char path[64];
	int ret = 0;
	int fd;

	snprintf(path, sizeof(path), "/sys/power/%s", file);
	fd = open(path, O_WRONLY);
	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		ret = -errno;
	close(fd);
	return ret;
}

FIXTURE(machine) {
	int dev, partition, vp;
};

FIXTURE_SETUP(machine)
{
	self->dev = dev_open();
	self->partition = mshv_create_partition(self->dev, 0);
	ASSERT_OK(self->partition);
	ASSERT_OK(mshv_initialize_partition(self->partition));
	self->vp = mshv_create_vp(self->partition, 0);
	ASSERT_OK(self->vp);
}

FIXTURE_TEARDOWN(machine)
{
	close(self->vp);
	close(self->partition);
	close(self->dev);
}

TEST_F(machine, kexec_is_refused_while_pages_are_deposited)
{
	int log = log_open();

	ASSERT_LE(0, log);
	EXPECT_FALSE(log_says(log, "kexec refused"));
	EXPECT_EQ(-EBUSY, kexec());
	/* Who called reboot(2) sees EBUSY; why, and what to do, is in the log. */
	EXPECT_TRUE(log_says(log, "kexec refused: the hypervisor holds "));
	close(log);
	close(self->partition);
	/* The VP's file alone keeps all that the partition has. */
	EXPECT_EQ(-EBUSY, kexec());
	close(self->vp);
	/* No kernel has been loaded: it got as far as that. */
	EXPECT_EQ(-EINVAL, kexec());
	self->partition = -1;
	self->vp = -1;
}

TEST_F(machine, module_stays_while_any_file_or_mapping_does)
{
	void *page = mmap(NULL, 4096, PROT_READ, MAP_SHARED, self->vp,
			  MSHV_VP_MMAP_OFFSET_REGISTERS * 4096L);

	ASSERT_NE(MAP_FAILED, page);
	EXPECT_EQ(-EWOULDBLOCK, unload());
	close(self->dev);
	EXPECT_EQ(-EWOULDBLOCK, unload());
	close(self->partition);
	EXPECT_EQ(-EWOULDBLOCK, unload());
	close(self->vp);
	EXPECT_EQ(-EWOULDBLOCK, unload());
	munmap(page, 4096);
	self->dev = -1;
	self->partition = -1;
	self->vp = -1;
}

TEST_F(machine, suspend_is_refused)
{
	EXPECT_EQ(-EBUSY, power("state", "freeze"));
}

TEST(suspend_is_refused_without_a_partition_too)
{
	EXPECT_EQ(-EBUSY, power("state", "freeze"));
}

TEST_HARNESS_MAIN
