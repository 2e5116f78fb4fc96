/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/fs/posix_look.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#include "store/base/compiler.h"

#define NOTES_MAX 8
#define NS_PER_S 1000000000ll

void
posix_say(char *result, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	(void)vsnprintf(result, POSIX_RESULT_MAX, format, args);
	va_end(args);
}

void
posix_add(char *result, const char *text)
{
	size_t len = strlen(result);

	(void)snprintf(result + len, POSIX_RESULT_MAX - len, "%s", text);
}

long
posix_number(const char *word)
{
	return strtol(word, NULL, 10);
}

static int
look_at(const char *word, struct stat *info)
{
	struct posix_place place = posix_place_of(word);
	int result =
		place.path ? lstat(place.path, info) : fstat(place.fd, info);

	return result ? errno : 0;
}

static int
mode(char **words, int count, char *result)
{
	struct stat info;
	int failed = look_at(words[0], &info);

	(void)count;
	posix_say(result, "%04o", (unsigned)info.st_mode & 07777);
	return failed;
}

static int
type(char **words, int count, char *result)
{
	struct stat info;
	int failed = look_at(words[0], &info);

	(void)count;
	if (failed)
		return failed;
	switch (info.st_mode & S_IFMT) {
	case S_IFREG:
		posix_say(result, "file");
		break;
	case S_IFDIR:
		posix_say(result, "dir");
		break;
	case S_IFLNK:
		posix_say(result, "link");
		break;
	case S_IFIFO:
		posix_say(result, "fifo");
		break;
	case S_IFSOCK:
		posix_say(result, "socket");
		break;
	case S_IFBLK:
		posix_say(result, "block");
		break;
	case S_IFCHR:
		posix_say(result, "char");
		break;
	default:
		posix_say(result, "?");
	}
	return 0;
}

static int
number_of(const char *what, char **words, char *result)
{
	struct stat info;
	int failed = look_at(words[0], &info);

	if (failed)
		return failed;
	if (!strcmp(what, "nlink"))
		posix_say(result, "%lu", (unsigned long)info.st_nlink);
	else if (!strcmp(what, "size"))
		posix_say(result, "%ld", (long)info.st_size);
	else if (!strcmp(what, "blocks"))
		posix_say(result, "%ld", (long)info.st_blocks);
	else if (!strcmp(what, "owner"))
		posix_say(result, "%d:%d", (int)info.st_uid, (int)info.st_gid);
	else
		posix_say(result, "%u:%u", major(info.st_rdev),
			minor(info.st_rdev));
	return 0;
}

static int
nlink(char **words, int count, char *result)
{
	(void)count;
	return number_of("nlink", words, result);
}

static int
size(char **words, int count, char *result)
{
	(void)count;
	return number_of("size", words, result);
}

static int
blocks(char **words, int count, char *result)
{
	(void)count;
	return number_of("blocks", words, result);
}

static int
owner(char **words, int count, char *result)
{
	(void)count;
	return number_of("owner", words, result);
}

static int
device(char **words, int count, char *result)
{
	(void)count;
	return number_of("device", words, result);
}

static int
same(char **words, int count, char *result)
{
	struct stat a, b;
	int failed = look_at(words[0], &a);

	(void)count;
	if (!failed)
		failed = look_at(words[1], &b);
	posix_say(result, "%s", !failed && a.st_ino == b.st_ino ? "yes" : "no");
	return failed;
}

static int
time_of(const struct timespec *time, char *result)
{
	posix_say(result, "%ld.%09ld", (long)time->tv_sec, time->tv_nsec);
	return 0;
}

static int
atime(char **words, int count, char *result)
{
	struct stat info;
	int failed = look_at(words[0], &info);

	(void)count;
	return failed ? failed : time_of(&info.st_atim, result);
}

static int
mtime(char **words, int count, char *result)
{
	struct stat info;
	int failed = look_at(words[0], &info);

	(void)count;
	return failed ? failed : time_of(&info.st_mtim, result);
}

/* The times of some names, to see which of them move. */
static struct note {
	char word[256];
	struct stat info;
} notes[NOTES_MAX];

static struct note *
find_note(const char *word)
{
	for (size_t i = 0; i < array_len(notes); i++)
		if (!strcmp(notes[i].word, word))
			return &notes[i];
	for (size_t i = 0; i < array_len(notes); i++)
		if (!notes[i].word[0])
			return &notes[i];
	return &notes[0];
}

static bool
is_later(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec > b->tv_sec ||
	       (a->tv_sec == b->tv_sec && a->tv_nsec > b->tv_nsec);
}

/* Whatever happens next must get a later time than what happened before:
 * kernels take file times from the clock that moves in steps, even where they
 * have given out finer ones (from 6.13 on). */
static void
wait_for_tick(void)
{
	struct timespec began, now;

	clock_gettime(CLOCK_REALTIME, &began);
	do {
		(void)nanosleep(&(struct timespec){.tv_nsec = 500000}, NULL);
		clock_gettime(CLOCK_REALTIME_COARSE, &now);
	} while (!is_later(&now, &began));
}

static int
note(char **words, int count, char *result)
{
	(void)result;
	for (int i = 0; i < count; i++) {
		struct note *note = find_note(words[i]);

		snprintf(note->word, sizeof(note->word), "%s", words[i]);
		int failed = look_at(words[i], &note->info);
		if (failed)
			return failed;
	}
	wait_for_tick();
	return 0;
}

static int
moved(char **words, int count, char *result)
{
	struct note *note = find_note(words[0]);
	struct stat info;
	int failed = look_at(words[0], &info);

	(void)count;
	if (failed)
		return failed;
	result[0] = '\0';
	if (is_later(&info.st_mtim, &note->info.st_mtim))
		posix_add(result, "mtime,");
	if (is_later(&info.st_ctim, &note->info.st_ctim))
		posix_add(result, "ctime,");
	if (!result[0])
		posix_say(result, "none,");
	result[strlen(result) - 1] = '\0';
	return 0;
}

static int
compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Sorted, with commas between. */
static void
join(char **names, size_t count, char *result)
{
	qsort(names, count, sizeof(*names), compare);
	posix_say(result, "%s", count ? "" : "nothing");
	for (size_t i = 0; i < count; i++) {
		posix_add(result, i ? "," : "");
		posix_add(result, names[i]);
		free(names[i]);
	}
}

static int
list(char **words, int count, char *result)
{
	char *names[14];
	size_t found = 0;
	struct dirent *entry;
	DIR *dir = opendir(words[0]);

	(void)count;
	if (!dir)
		return errno;
	while ((entry = readdir(dir)) && found < array_len(names))
		if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, ".."))
			names[found++] = strdup(entry->d_name);
	closedir(dir);
	join(names, found, result);
	return 0;
}

/* What a file holds; NULs as '0'. */
static int
text(char **words, int count, char *result)
{
	int fd = open(words[0], O_RDONLY | O_CLOEXEC);

	(void)count;
	if (fd < 0)
		return errno;
	ssize_t len = read(fd, result, POSIX_RESULT_MAX - 1);
	int failed = len < 0 ? errno : 0;
	close(fd);
	for (ssize_t i = 0; i < len; i++)
		if (!result[i])
			result[i] = '0';
	if (!failed && len == 0)
		posix_say(result, "nothing");
	else if (!failed)
		result[len] = '\0';
	return failed;
}

static int
target(char **words, int count, char *result)
{
	ssize_t len = readlink(words[0], result, POSIX_RESULT_MAX - 1);

	(void)count;
	if (len < 0)
		return errno;
	result[len] = '\0';
	return 0;
}

static int
attr(char **words, int count, char *result)
{
	struct posix_place place = posix_place_of(words[0]);
	size_t room = POSIX_RESULT_MAX - 1;
	ssize_t len = place.path ? lgetxattr(place.path, words[1], result, room)
				 : fgetxattr(place.fd, words[1], result, room);

	(void)count;
	if (len < 0)
		return errno;
	result[len] = '\0';
	return 0;
}

static int
attrs(char **words, int count, char *result)
{
	char *names[14];
	size_t found = 0;
	char buffer[4096];
	ssize_t len = llistxattr(words[0], buffer, sizeof(buffer));

	(void)count;
	if (len < 0)
		return errno;
	for (ssize_t i = 0; i < len; i += (ssize_t)strlen(buffer + i) + 1)
		/* What a file system shows of itself is its own business. */
		if (found < array_len(names) &&
			strncmp(buffer + i, "user.s3.", 8))
			names[found++] = strdup(buffer + i);
	join(names, found, result);
	return 0;
}

static int
can(char **words, int count, char *result)
{
	int mode = 0;

	(void)count;
	(void)result;
	mode |= strchr(words[1], 'r') ? R_OK : 0;
	mode |= strchr(words[1], 'w') ? W_OK : 0;
	mode |= strchr(words[1], 'x') ? X_OK : 0;
	return faccessat(AT_FDCWD, words[0], mode, AT_EACCESS) ? errno : 0;
}

const struct posix_verb posix_look_verbs[] = {
	{"type", 1, 1, type},	  /* PLACE: file dir link fifo ... */
	{"mode", 1, 1, mode},	  /* PLACE: 0644 */
	{"owner", 1, 1, owner},	  /* PLACE: UID:GID */
	{"nlink", 1, 1, nlink},	  /* PLACE */
	{"size", 1, 1, size},	  /* PLACE */
	{"blocks", 1, 1, blocks}, /* PLACE: of 512 bytes */
	{"device", 1, 1, device}, /* PLACE: MAJOR:MINOR */
	{"same", 2, 2, same},	  /* PLACE PLACE: one inode? yes no */
	{"atime", 1, 1, atime},	  /* PLACE: SECONDS.NANOSECONDS */
	{"mtime", 1, 1, mtime},
	{"note", 1, 4, note},	/* PLACE...: remembers the times */
	{"moved", 1, 1, moved}, /* PLACE: which of them are later by now */
	{"list", 1, 1, list},	/* DIR: names, sorted */
	{"text", 1, 1, text},	/* PATH */
	{"target", 1, 1, target}, {"attr", 2, 2, attr}, /* PLACE NAME: value */
	{"attrs", 1, 1, attrs}, /* PATH: names, sorted */
	{"can", 2, 2, can},	/* PATH rwx */
};
const size_t posix_look_count = array_len(posix_look_verbs);
