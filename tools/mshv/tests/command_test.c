// SPDX-License-Identifier: GPL-2.0-only
/*
 * The command line: what is wrong is told in one line, with the right status.
 * The command to test is in the environment variable MSHV.
 */
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "builtin.h"
#include "vm.h"

#include "kselftest_harness.h"

struct result {
	int status;
	char out[8192], err[2048];
};

static void slurp(const char *path, char *buf, size_t size)
{
	FILE *f = fopen(path, "r");
	size_t n = f ? fread(buf, 1, size - 1, f) : 0;

	buf[n] = '\0';
	if (f)
		fclose(f);
}

static struct result run(const char *args)
{
	char dir[] = "/tmp/mshv-command-XXXXXX", command[1024], path[64];
	struct result r = { 0 };

	if (!mkdtemp(dir))
		abort();
	snprintf(command, sizeof(command), "%s %s >%s/out 2>%s/err </dev/null", getenv("MSHV"),
		 args, dir, dir);
	r.status = WEXITSTATUS(system(command));
	snprintf(path, sizeof(path), "%s/out", dir);
	slurp(path, r.out, sizeof(r.out));
	unlink(path);
	snprintf(path, sizeof(path), "%s/err", dir);
	slurp(path, r.err, sizeof(r.err));
	unlink(path);
	rmdir(dir);
	return r;
}

static unsigned int lines(const char *text)
{
	unsigned int n = 0;

	while ((text = strchr(text, '\n'))) {
		text++;
		n++;
	}
	return n;
}

TEST(every_subcommand_has_help)
{
	static const char * const args[] = {
		"--help", "help", "help run", "help info", "run --help", "info --help", "help help",
	};
	size_t i;

	ASSERT_NE(NULL, (void *)getenv("MSHV"));
	for (i = 0; i < ARRAY_SIZE(args); i++) {
		struct result r = run(args[i]);

		EXPECT_EQ(0, r.status) TH_LOG("%s", args[i]);
		EXPECT_EQ(0, strncmp(r.out, "usage: mshv", 11)) TH_LOG("%s", args[i]);
		EXPECT_STREQ("", r.err);
	}
}

TEST(help_says_how_many_processors_there_can_be)
{
	char limit[32];

	snprintf(limit, sizeof(limit), "processors, 1 to %u ", VM_MAX_CPUS);
	EXPECT_NE(NULL, (void *)strstr(run("run --help").out, limit));
}

TEST(wrong_command_lines_get_one_line)
{
	static const struct {
		const char *args, *words;
	} wrong[] = {
		{ "frobnicate", "not a subcommand" },
		{ "help frobnicate", "not a subcommand" },
		{ "run", "one of --kernel, --bin and --restore" },
		{ "run --kernel a --bin b", "exclude each other" },
		{ "run --bin b", "--mode" },
		{ "run --bin b --mode fast", "fast" },
		{ "run --kernel a --mode real", "--mode goes with --bin" },
		{ "run --bin b --mode real --initrd i", "--initrd" },
		{ "run --kernel a --memory lots", "lots" },
		{ "run --kernel a --memory 1", "--memory" },
		{ "run --kernel a --timeout never", "never" },
		{ "run --kernel a --timeout 0", "--timeout" },
		{ "run --kernel a --cpus 0", "--cpus" },
		{ "run --kernel a --cpus 65", "--cpus: not a number from 1 to 64: 65" },
		{ "run --kernel a --cpus 256", "--cpus: not a number from 1 to 64: 256" },
		{ "run --bin b --mode real --cpus 2", "--cpus" },
		{ "run --restore r --kernel a", "--restore" },
		{ "run --restore r --memory 64M", "--restore" },
		{ "run --restore r --cpus 2", "--restore" },
		{ "run --bin b --mode real --disk d", "--disk" },
		{ "run --kernel a --net d", "--net" },
		{ "run --kernel a --dirty-rate 0", "--dirty-rate" },
		{ "run --dis 1 --dis 2 --dis 3 --dis 4 --dis 5 --dis 6 --dis 7 --dis 8 --dis 9",
		  "at most 8" },
		{ "run --kernel a --snapshot s --disk d", "--snapshot" },
		{ "run --kernel a stray", "stray" },
		{ "run --colour red", "colour" },
		{ "run --kernel", "requires an argument" },
		{ "info stray", "stray" },
		{ "info --colour", "colour" },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(wrong); i++) {
		struct result r = run(wrong[i].args);

		EXPECT_EQ(STATUS_USAGE, r.status) TH_LOG("%s", wrong[i].args);
		EXPECT_EQ(1, lines(r.err)) TH_LOG("%s: %s", wrong[i].args, r.err);
		EXPECT_NE(NULL, (void *)strstr(r.err, wrong[i].words)) {
			TH_LOG("%s: %s", wrong[i].args, r.err);
		}
		EXPECT_STREQ("", r.out);
	}
}

TEST(missing_files_get_one_line)
{
	static const char * const args[] = {
		"run --kernel /nowhere", "run --kernel /", "run --bin /nowhere --mode real",
		"run --kernel /proc/self/exe --initrd /nowhere", "run --restore /nowhere",
		"run --restore /", "run --restore /proc/self/exe", "run --restore /dev/zero",
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(args); i++) {
		struct result r = run(args[i]);

		EXPECT_EQ(STATUS_ERROR, r.status) TH_LOG("%s", args[i]);
		EXPECT_EQ(1, lines(r.err)) TH_LOG("%s: %s", args[i], r.err);
	}
}

TEST(too_little_memory_for_linux)
{
	struct result r = run("run --kernel /proc/self/exe --memory 1M");

	EXPECT_EQ(STATUS_ERROR, r.status);
	EXPECT_EQ(1, lines(r.err));
	EXPECT_NE(NULL, (void *)strstr(r.err, "too little memory"));
}

TEST(without_the_device_it_says_why)
{
	struct result r;

	if (!access("/dev/mshv", F_OK))
		SKIP(return, "there is a /dev/mshv");
	r = run("run --bin /proc/self/exe --mode long");
	EXPECT_EQ(STATUS_ERROR, r.status);
	EXPECT_EQ(1, lines(r.err));
	EXPECT_NE(NULL, (void *)strstr(r.err, "no /dev/mshv: "));
	r = run("info");
	EXPECT_EQ(STATUS_ERROR, r.status);
	EXPECT_EQ(1, lines(r.err));
	EXPECT_NE(NULL, (void *)strstr(r.err, "root partition"));
	EXPECT_NE(NULL, (void *)strstr(r.out, "hypervisor"));
}

/* Where a process's file descriptor leads to, or nothing */
static const char *where(pid_t pid, int fd)
{
	static char target[64];
	char path[64];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/fd/%d", pid, fd);
	n = readlink(path, target, sizeof(target) - 1);
	target[n < 0 ? 0 : n] = '\0';
	return target;
}

/* It waits at the image, which is a pipe: its other files will have other numbers. */
TEST(standard_streams_that_are_closed_are_not_taken)
{
	char dir[] = "/tmp/mshv-command-XXXXXX", image[64];
	int fd, status, i;
	pid_t pid;

	ASSERT_NE(NULL, (void *)mkdtemp(dir));
	snprintf(image, sizeof(image), "%s/image", dir);
	ASSERT_EQ(0, mkfifo(image, 0600));
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		for (fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
			close(fd);
		execl(getenv("MSHV"), "mshv", "run", "--kernel", image, NULL);
		_exit(99);
	}
	for (i = 0; i < 10000 && strcmp(where(pid, STDERR_FILENO), "/dev/null"); i++)
		usleep(1000);
	for (fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		EXPECT_STREQ("/dev/null", where(pid, fd));
	}
	for (i = 0; i < 10000; i++) {
		fd = open(image, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
		if (fd >= 0)
			break;
		usleep(1000);
	}
	EXPECT_LE(0, fd);
	close(fd);
	if (fd < 0)
		kill(pid, SIGKILL);
	EXPECT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(STATUS_ERROR, WEXITSTATUS(status));
	unlink(image);
	rmdir(dir);
}

/* No CI machine is a root partition; that one is, is told by the rig. */
TEST(info_root_partition_says_nothing_and_1_elsewhere)
{
	struct result r = run("info --root-partition");

	EXPECT_EQ(STATUS_ERROR, r.status);
	EXPECT_EQ(0, lines(r.out));
	EXPECT_EQ(0, lines(r.err));
}

TEST_HARNESS_MAIN
