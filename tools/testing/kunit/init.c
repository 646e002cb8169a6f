// SPDX-License-Identifier: GPL-2.0-only
/*
 * The only program of the machine that KUnit runs in: it loads the module, which
 * runs the suites, unloads it, and looks for what it left behind.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <termios.h>
#include <unistd.h>

#define MODULE		"mshv_root_test"
#define GCOV		"/sys/kernel/debug/gcov"
#define KMEMLEAK	"/sys/kernel/debug/kmemleak"
/* What a block of memory must have lived, to be called leaked, in seconds */
#define KMEMLEAK_AGE	6

static int failed;

static void fail(const char *what)
{
	printf("init: %s: %s\n", what, strerror(errno));
	failed = 1;
}

static void put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		fail(path);
	if (fd >= 0)
		close(fd);
}

static void set_up(void)
{
	mkdir("/proc", 0755);
	mkdir("/sys", 0755);
	mkdir("/dev", 0755);
	if (mount("dev", "/dev", "devtmpfs", 0, NULL) ||
	    mount("proc", "/proc", "proc", 0, NULL) ||
	    mount("sysfs", "/sys", "sysfs", 0, NULL) ||
	    mount("debugfs", "/sys/kernel/debug", "debugfs", 0, NULL))
		fail("mount");

	/* Any allocation may be ordered to fail, those that would wait included. */
	put("/sys/kernel/debug/failslab/ignore-gfp-wait", "N");
	put("/sys/kernel/debug/fail_page_alloc/ignore-gfp-wait", "N");
	put("/sys/kernel/debug/fail_page_alloc/ignore-gfp-highmem", "N");
	put("/sys/kernel/debug/fail_page_alloc/min-order", "0");
	put("/sys/kernel/debug/failslab/verbose", "0");
	put("/sys/kernel/debug/fail_page_alloc/verbose", "0");
}

/* Where a symbol of the kernel is, as text, or "0" */
static const char *address_of(const char *symbol)
{
	static char line[256];
	FILE *f = fopen("/proc/kallsyms", "r");
	char name[128];

	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%*x %*c %127s", name) == 1 && !strcmp(name, symbol)) {
			fclose(f);
			*strchr(line, ' ') = '\0';
			return line;
		}
	}
	if (f)
		fclose(f);

	return "0";
}

static void load(void)
{
	int fd = open("/" MODULE ".ko", O_RDONLY);
	char args[300];

	snprintf(args, sizeof(args), "eventfd2=0x%s", address_of("__x64_sys_eventfd2"));
	if (fd < 0 || syscall(SYS_finit_module, fd, args, 0))
		fail("cannot load " MODULE);
	if (fd >= 0)
		close(fd);
}

static void unload(void)
{
	if (syscall(SYS_delete_module, MODULE, O_NONBLOCK))
		fail("cannot unload " MODULE);
}

/* Print what kmemleak finds; a scan sees only what is old enough. */
static void find_leaks(void)
{
	char line[256];
	FILE *f;
	int i;

	for (i = 0; i < 2; i++) {
		sleep(KMEMLEAK_AGE);
		put(KMEMLEAK, "scan");
	}
	f = fopen(KMEMLEAK, "r");
	if (!f) {
		fail(KMEMLEAK);
		return;
	}
	while (fgets(line, sizeof(line), f)) {
		printf("kmemleak: %s", line);
		failed = 1;
	}
	fclose(f);
}

/* Send a file as "NAME SIZE\n" and its contents. */
static void send_file(FILE *to, const char *path)
{
	static char data[1 << 20];
	FILE *f = fopen(path, "r");
	size_t size;

	if (!f) {
		fail(path);
		return;
	}
	size = fread(data, 1, sizeof(data), f);
	fclose(f);
	fprintf(to, "%s %zu\n", path + strlen(GCOV), size);
	fwrite(data, 1, size, to);
}

static void send_tree(FILE *to, const char *path)
{
	char child[PATH_MAX];
	struct dirent *entry;
	DIR *dir = opendir(path);

	while (dir && (entry = readdir(dir))) {
		snprintf(child, sizeof(child), "%s/%s", path, entry->d_name);
		if (entry->d_type == DT_DIR && entry->d_name[0] != '.')
			send_tree(to, child);
		else if (strstr(entry->d_name, ".gcda"))
			send_file(to, child);
	}
	if (dir)
		closedir(dir);
}

static void send_coverage(void)
{
	struct termios raw;
	FILE *to = fopen("/dev/ttyS1", "w");

	if (!to || tcgetattr(fileno(to), &raw)) {
		fail("/dev/ttyS1");
		return;
	}
	cfmakeraw(&raw);
	tcsetattr(fileno(to), TCSANOW, &raw);
	send_tree(to, GCOV);
	fprintf(to, "END 0\n");
	fclose(to);
}

int main(int argc, char **argv)
{
	int coverage = argc > 1 && !strcmp(argv[1], "coverage");

	set_up();
	load();
	if (coverage)
		send_coverage();
	unload();
	find_leaks();
	printf("init: %s\n", failed ? "failed" : "done");
	fflush(stdout);
	sync();
	reboot(RB_AUTOBOOT);

	return 1;
}
