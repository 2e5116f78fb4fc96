/* SPDX-License-Identifier: Apache-2.0 */
/*
 * files - what one thread does with small files in a second, on any file
 * system:
 *
 *	files tree DIR COUNT	makes COUNT files of 4 KiB in a new directory
 *				below DIR, and asks, reads, lists, renames
 *				and unlinks them
 *	files append DIR SECONDS	fdatasync(2) after each 4 KiB appended
 *	files fill DIR COUNT SIZE	makes DIR and COUNT files in it
 *	files read DIR COUNT SIZE PROCESSES SECONDS
 *				opens, reads and closes these, over and over
 *	files stat DIR COUNT	asks for each of them by its name
 *	files walk DIR COUNT	lists DIR and asks for each entry, as ls -l does
 *	files list DIR COUNT	lists DIR, over and over
 *	files move FROM TO	renames one file or directory, once
 *
 * Prints one JSON object: operations a second by name.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/base/clock.h"
#include "store/base/compiler.h"

#define PIECE 4096

static _Noreturn void
fail(const char *what)
{
	fprintf(stderr, "files: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void
name_of(char name[32], const char *prefix, unsigned int i)
{
	(void)snprintf(name, 32, "%s-%u", prefix, i);
}

static void
create_one(int dir, unsigned int i)
{
	static const char bytes[PIECE] = "tarn";
	char name[32];

	name_of(name, "a", i);
	int fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL, 0644);
	if (fd < 0 || write(fd, bytes, PIECE) != PIECE || close(fd))
		fail("create");
}

static void
stat_one(int dir, unsigned int i)
{
	struct stat st;
	char name[32];

	name_of(name, "a", i);
	if (fstatat(dir, name, &st, 0) || st.st_size != PIECE)
		fail("stat");
}

static void
read_one(int dir, unsigned int i)
{
	char bytes[PIECE];
	char name[32];

	name_of(name, "a", i);
	int fd = openat(dir, name, O_RDONLY);
	if (fd < 0 || read(fd, bytes, PIECE) != PIECE || close(fd))
		fail("read");
}

static void
rename_one(int dir, unsigned int i)
{
	char from[32], to[32];

	name_of(from, "a", i);
	name_of(to, "b", i);
	if (renameat(dir, from, dir, to))
		fail("rename");
}

static void
unlink_one(int dir, unsigned int i)
{
	char name[32];

	name_of(name, "b", i);
	if (unlinkat(dir, name, 0))
		fail("unlink");
}

static double
per_second(uint64_t count, int64_t start_ns)
{
	return (double)count /
	       ((double)(clock_monotonic_ns() - start_ns) / 1e9);
}

/* Entries a second of as many passes as fill a fifth of one. */
static double
list(int dir, unsigned int count)
{
	int64_t start_ns = clock_monotonic_ns();
	uint64_t seen = 0;

	while (clock_monotonic_ns() - start_ns < CLOCK_NS_PER_S / 5) {
		int copy = openat(dir, ".", O_RDONLY | O_DIRECTORY);
		DIR *stream = copy < 0 ? NULL : fdopendir(copy);
		uint64_t before = seen;

		if (!stream)
			fail("readdir");
		while (readdir(stream))
			seen++;
		(void)closedir(stream);
		if (seen - before < count)
			fail("readdir: entries are missing");
	}
	return per_second(seen, start_ns);
}

static void
tree(const char *path, unsigned int count)
{
	static const struct {
		const char *name;
		void (*run)(int dir, unsigned int i);
	} jobs[] = {
		{"create", create_one},
		{"stat", stat_one},
		{"statAgain", stat_one},
		{"openRead", read_one},
		{"openReadAgain", read_one},
		{"rename", rename_one},
		{"unlink", unlink_one},
	};
	char own[4096];

	(void)snprintf(own, sizeof(own), "%s/files-%d", path, (int)getpid());
	if (mkdir(own, 0755))
		fail(own);
	int dir = open(own, O_RDONLY | O_DIRECTORY);
	if (dir < 0)
		fail(own);
	printf("{");
	for (size_t j = 0; j < array_len(jobs); j++) {
		int64_t start_ns = clock_monotonic_ns();

		for (unsigned int i = 0; i < count; i++)
			jobs[j].run(dir, i);
		printf("\"%s\": %.0f, ", jobs[j].name,
			per_second(count, start_ns));
		if (!strcmp(jobs[j].name, "create"))
			printf("\"readdir\": %.0f, ", list(dir, count));
	}
	printf("\"count\": %u}\n", count);
	(void)close(dir);
	if (rmdir(own))
		fail("rmdir");
}

static void
append(const char *path, double seconds)
{
	static const char bytes[PIECE] = "tarn";
	int64_t start_ns = clock_monotonic_ns();
	int64_t end_ns = start_ns + (int64_t)(seconds * 1e9);
	uint64_t count = 0;
	char name[4096];

	(void)snprintf(name, sizeof(name), "%s/append-%d", path, (int)getpid());
	int fd = open(name, O_WRONLY | O_CREAT | O_EXCL, 0644);
	if (fd < 0)
		fail(name);
	for (; clock_monotonic_ns() < end_ns; count++) {
		if (write(fd, bytes, PIECE) != PIECE || fdatasync(fd))
			fail("append");
	}
	printf("{\"append\": %.0f}\n", per_second(count, start_ns));
	(void)close(fd);
	(void)unlink(name);
}

static int
open_dir(const char *path)
{
	int dir = open(path, O_RDONLY | O_DIRECTORY);

	if (dir < 0)
		fail(path);
	return dir;
}

static void
fill(const char *path, unsigned int count, size_t size)
{
	char *bytes = calloc(1, size);
	char name[32];

	if (!bytes || mkdir(path, 0755))
		fail(path);
	int dir = open_dir(path);
	for (unsigned int i = 0; i < count; i++) {
		name_of(name, "a", i);
		int fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL, 0644);
		if (fd < 0 || write(fd, bytes, size) != (ssize_t)size ||
			close(fd))
			fail("fill");
	}
	printf("{\"count\": %u}\n", count);
	(void)close(dir);
	free(bytes);
}

/* What one process does: each file once at least.  The number of files read. */
static uint64_t
read_for(const char *path, unsigned int count, size_t size, double seconds)
{
	int64_t end_ns = clock_monotonic_ns() + (int64_t)(seconds * 1e9);
	char *bytes = malloc(size);
	int dir = open_dir(path);
	uint64_t done = 0;
	char name[32];

	if (!bytes)
		fail("read");
	for (; done < count || clock_monotonic_ns() < end_ns; done++) {
		name_of(name, "a", (unsigned int)(done % count));
		int fd = openat(dir, name, O_RDONLY);
		if (fd < 0 || read(fd, bytes, size) != (ssize_t)size ||
			close(fd))
			fail("read");
	}
	(void)close(dir);
	free(bytes);
	return done;
}

static void
read_files(const char *path, unsigned int count, size_t size,
	unsigned int processes, double seconds)
{
	int64_t start_ns = clock_monotonic_ns();
	uint64_t total = 0;
	int results[2];

	if (pipe(results))
		fail("pipe");
	for (unsigned int i = 0; i < processes; i++) {
		pid_t pid = fork();

		if (pid < 0)
			fail("fork");
		if (pid > 0)
			continue;
		uint64_t done = read_for(path, count, size, seconds);
		_exit(write(results[1], &done, sizeof(done)) != sizeof(done));
	}
	(void)close(results[1]);
	for (unsigned int i = 0; i < processes; i++) {
		uint64_t done;

		if (read(results[0], &done, sizeof(done)) != sizeof(done))
			fail("a process ended early");
		total += done;
	}
	printf("{\"openRead\": %.0f}\n", per_second(total, start_ns));
}

static void
stat_files(const char *path, unsigned int count)
{
	int64_t start_ns = clock_monotonic_ns();
	int dir = open_dir(path);
	struct stat st;
	char name[32];

	for (unsigned int i = 0; i < count; i++) {
		name_of(name, "a", i);
		if (fstatat(dir, name, &st, 0))
			fail("stat");
	}
	printf("{\"stat\": %.0f}\n", per_second(count, start_ns));
	(void)close(dir);
}

static void
walk(const char *path, unsigned int count)
{
	int64_t start_ns = clock_monotonic_ns();
	DIR *stream = opendir(path);
	struct dirent *entry;
	unsigned int seen = 0;
	struct stat st;

	if (!stream)
		fail(path);
	while ((entry = readdir(stream))) {
		if (fstatat(dirfd(stream), entry->d_name, &st,
			    AT_SYMLINK_NOFOLLOW))
			fail("walk");
		seen += S_ISREG(st.st_mode);
	}
	(void)closedir(stream);
	if (seen < count)
		fail("walk: entries are missing");
	printf("{\"walk\": %.0f}\n", per_second(seen, start_ns));
}

static void
move(const char *from, const char *to)
{
	int64_t start_ns = clock_monotonic_ns();

	if (rename(from, to))
		fail(from);
	printf("{\"move\": %.0f}\n", per_second(1, start_ns));
}

static unsigned int
number(const char *text)
{
	return (unsigned int)strtoul(text, NULL, 10);
}

int
main(int argc, char **argv)
{
	const char *verb = argc > 2 ? argv[1] : "";

	if (argc == 4 && !strcmp(verb, "tree")) {
		tree(argv[2], number(argv[3]));
	} else if (argc == 4 && !strcmp(verb, "append")) {
		append(argv[2], strtod(argv[3], NULL));
	} else if (argc == 4 && !strcmp(verb, "list")) {
		printf("{\"list\": %.0f}\n",
			list(open_dir(argv[2]), number(argv[3])));
	} else if (argc == 5 && !strcmp(verb, "fill")) {
		fill(argv[2], number(argv[3]), number(argv[4]));
	} else if (argc == 7 && !strcmp(verb, "read")) {
		read_files(argv[2], number(argv[3]), number(argv[4]),
			number(argv[5]), strtod(argv[6], NULL));
	} else if (argc == 4 && !strcmp(verb, "stat")) {
		stat_files(argv[2], number(argv[3]));
	} else if (argc == 4 && !strcmp(verb, "walk")) {
		walk(argv[2], number(argv[3]));
	} else if (argc == 4 && !strcmp(verb, "move")) {
		move(argv[2], argv[3]);
	} else {
		fprintf(stderr, "usage: files tree|append|fill|read|stat|walk|"
				"list|move DIR ...: see files.c\n");
		return 2;
	}
	return 0;
}
