/* SPDX-License-Identifier: Apache-2.0 */
/*
 * files - what one thread does with small files in a second, on any file
 * system:
 *
 *	files tree DIR COUNT	makes COUNT files of 4 KiB in a new directory
 *				below DIR, and asks, reads, lists, renames
 *				and unlinks them
 *	files append DIR SECONDS	fdatasync(2) after each 4 KiB appended
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

int
main(int argc, char **argv)
{
	if (argc == 4 && !strcmp(argv[1], "tree")) {
		tree(argv[2], (unsigned int)strtoul(argv[3], NULL, 10));
	} else if (argc == 4 && !strcmp(argv[1], "append")) {
		append(argv[2], strtod(argv[3], NULL));
	} else {
		fprintf(stderr, "usage: files tree|append DIR NUMBER\n");
		return 2;
	}
	return 0;
}
