// SPDX-License-Identifier: GPL-2.0-only
/*
 * Plays a corpus without libFuzzer: the arguments are inputs, or directories of
 * them. Each is played in a process of its own, so that none depends on others.
 */
#include "fuzz.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define INPUT_MAX	65536

static u32 played, failed;

static void play(const char *name)
{
	/* Of the input's size, so that a read behind its end is found */
	FILE *file = fopen(name, "rb");
	u8 *buf = malloc(INPUT_MAX), *data;
	size_t size;
	int status;
	pid_t pid;

	if (!file || !buf) {
		perror(name);
		exit(1);
	}
	size = fread(buf, 1, INPUT_MAX, file);
	fclose(file);
	fflush(stdout);
	pid = fork();
	if (!pid) {
		data = malloc(size ? size : 1);
		memcpy(data, buf, size);
		LLVMFuzzerTestOneInput(data, size);
		fflush(stdout);
		_exit(0);
	}
	free(buf);
	played++;
	if (pid < 0 || waitpid(pid, &status, 0) != pid || status) {
		failed++;
		printf("not ok %s\n", name);
	}
}

static void play_all(const char *name)
{
	struct dirent **entries;
	struct stat st;
	char path[4096];
	int n, i;

	if (stat(name, &st)) {
		perror(name);
		exit(1);
	}
	if (!S_ISDIR(st.st_mode)) {
		play(name);
		return;
	}
	n = scandir(name, &entries, NULL, alphasort);
	for (i = 0; i < n; i++) {
		if (entries[i]->d_name[0] != '.') {
			snprintf(path, sizeof(path), "%s/%s", name, entries[i]->d_name);
			play_all(path);
		}
		free(entries[i]);
	}
	if (n >= 0)
		free(entries);
}

int main(int argc, char **argv)
{
	int i;

	for (i = 1; i < argc; i++)
		play_all(argv[i]);
	printf("# %u inputs played, %u failed\n", played, failed);
	return !played || failed;
}
