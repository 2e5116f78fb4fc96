/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/fs/posix_verb.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "store/base/compiler.h"
#include "tests/fs/posix_look.h"

struct word_value {
	const char *word;
	int value;
};

static int held[26];
static bool is_held[26];
static pid_t started;

/* The value of a list of words with commas between; 0 where one is unknown. */
static int
value_of(const struct word_value *table, size_t count, const char *list)
{
	int value = 0;

	while (*list) {
		size_t len = strcspn(list, ",");

		for (size_t i = 0; i < count; i++)
			if (strlen(table[i].word) == len &&
				!strncmp(table[i].word, list, len))
				value |= table[i].value;
		list += len + (list[len] == ',');
	}
	return value;
}

static int
open_flags(const char *words)
{
	static const struct word_value table[] = {
		{"r", O_RDONLY},
		{"w", O_WRONLY},
		{"rw", O_RDWR},
		{"creat", O_CREAT},
		{"excl", O_EXCL},
		{"trunc", O_TRUNC},
		{"append", O_APPEND},
		{"dir", O_DIRECTORY},
		{"nofollow", O_NOFOLLOW},
		{"nonblock", O_NONBLOCK},
		{"path", O_PATH},
		{"tmpfile", O_TMPFILE},
	};

	return value_of(table, array_len(table), words) | O_CLOEXEC;
}

static int
allocate_mode(const char *words)
{
	static const struct word_value table[] = {
		{"keep", FALLOC_FL_KEEP_SIZE},
		{"punch", FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE},
		{"zero", FALLOC_FL_ZERO_RANGE},
		{"collapse", FALLOC_FL_COLLAPSE_RANGE},
		{"insert", FALLOC_FL_INSERT_RANGE},
	};

	return value_of(table, array_len(table), words);
}

struct posix_place
posix_place_of(const char *word)
{
	if (word[0] != '@')
		return (struct posix_place){-1, word};
	/* EBADF where nothing is held. */
	size_t slot = (size_t)(word[1] - 'A');
	return (struct posix_place){
		is_held[slot % 26] ? held[slot % 26] : -1, NULL};
}

static mode_t
mode_of(const char *word)
{
	return (mode_t)strtoul(word, NULL, 8);
}

static int
done(int result)
{
	return result < 0 ? errno : 0;
}

static int
open_word(char **words, int count)
{
	return open(words[0], open_flags(words[1]),
		count > 2 ? mode_of(words[2]) : 0644);
}

static int
verb_open(char **words, int count, char *result)
{
	int fd = open_word(words, count);

	(void)result;
	if (fd < 0)
		return errno;
	return done(close(fd));
}

static int
verb_hold(char **words, int count, char *result)
{
	size_t slot = (size_t)(words[0][0] - 'A') % 26;
	int fd = open_word(words + 1, count - 1);

	(void)result;
	if (fd < 0)
		return errno;
	held[slot] = fd;
	is_held[slot] = true;
	return 0;
}

static int
verb_close(char **words, int count, char *result)
{
	size_t slot = (size_t)(words[0][1] - 'A') % 26;

	(void)count;
	(void)result;
	is_held[slot] = false;
	return done(close(held[slot]));
}

static int
verb_create(char **words, int count, char *result)
{
	int fd = open(words[0], O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC,
		mode_of(words[1]));

	(void)count;
	(void)result;
	if (fd < 0)
		return errno;
	return done(close(fd));
}

static int
verb_put(char **words, int count, char *result)
{
	int fd = open(words[0], O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0644);
	ssize_t len = (ssize_t)strlen(words[1]);

	(void)count;
	(void)result;
	if (fd < 0)
		return errno;
	int failed = write(fd, words[1], (size_t)len) == len ? 0 : errno;
	return close(fd) && !failed ? errno : failed;
}

static int
verb_write(char **words, int count, char *result)
{
	int fd = posix_place_of(words[0]).fd;
	size_t len = strlen(words[1]);

	(void)result;
	return done((int)(count > 2 ? pwrite(fd, words[1], len,
					      posix_number(words[2]))
				    : write(fd, words[1], len)));
}

static int
verb_read(char **words, int count, char *result)
{
	ssize_t len = pread(posix_place_of(words[0]).fd, result,
		POSIX_RESULT_MAX - 1, 0);

	(void)count;
	if (len < 0)
		return errno;
	result[len] = '\0';
	return 0;
}

static int
verb_sync(char **words, int count, char *result)
{
	(void)count;
	(void)result;
	return done(fsync(posix_place_of(words[0]).fd));
}

static int
verb_mkdir(char **words, int count, char *result)
{
	(void)count;
	(void)result;
	return done(mkdir(words[0], mode_of(words[1])));
}

static int
verb_rmdir(char **words, int count, char *result)
{
	(void)count;
	(void)result;
	return done(rmdir(words[0]));
}

static int
verb_unlink(char **words, int count, char *result)
{
	(void)count;
	(void)result;
	return done(unlink(words[0]));
}

static int
verb_link(char **words, int count, char *result)
{
	struct posix_place from = posix_place_of(words[0]);

	(void)count;
	(void)result;
	return done(from.path ? link(from.path, words[1])
			      : linkat(from.fd, "", AT_FDCWD, words[1],
					AT_EMPTY_PATH));
}

static int
verb_symlink(char **words, int count, char *result)
{
	(void)count;
	(void)result;
	return done(symlink(words[0], words[1]));
}

static int
verb_mknod(char **words, int count, char *result)
{
	static const struct word_value types[] = {
		{"file", S_IFREG},
		{"fifo", S_IFIFO},
		{"char", S_IFCHR},
		{"block", S_IFBLK},
		{"socket", S_IFSOCK},
		{"dir", S_IFDIR},
	};
	int type = value_of(types, array_len(types), words[1]);
	dev_t device = count > 4 ? makedev((unsigned)posix_number(words[3]),
					   (unsigned)posix_number(words[4]))
				 : 0;

	(void)result;
	return done(mknod(words[0], (mode_t)type | mode_of(words[2]), device));
}

/* A socket is made by bind(2). */
static int
verb_bind(char **words, int count, char *result)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)count;
	(void)result;
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", words[0]);
	int failed = done(bind(fd, (const struct sockaddr *)&address,
		sizeof(address)));
	(void)close(fd);
	return failed;
}

static int
verb_rename(char **words, int count, char *result)
{
	static const struct word_value flags[] = {
		{"noreplace", RENAME_NOREPLACE},
		{"exchange", RENAME_EXCHANGE},
		{"whiteout", RENAME_WHITEOUT},
	};

	(void)result;
	if (count == 2)
		return done(rename(words[0], words[1]));
	return done(renameat2(AT_FDCWD, words[0], AT_FDCWD, words[1],
		(unsigned)value_of(flags, array_len(flags), words[2])));
}

static int
verb_chmod(char **words, int count, char *result)
{
	struct posix_place place = posix_place_of(words[0]);

	(void)count;
	(void)result;
	return done(place.path ? chmod(place.path, mode_of(words[1]))
			       : fchmod(place.fd, mode_of(words[1])));
}

static int
verb_chown(char **words, int count, char *result)
{
	struct posix_place place = posix_place_of(words[0]);
	uid_t uid = (uid_t)posix_number(words[1]);
	gid_t gid = (gid_t)posix_number(words[2]);

	(void)count;
	(void)result;
	return done(place.path ? chown(place.path, uid, gid)
			       : fchown(place.fd, uid, gid));
}

static int
verb_lchown(char **words, int count, char *result)
{
	(void)count;
	(void)result;
	return done(lchown(words[0], (uid_t)posix_number(words[1]),
		(gid_t)posix_number(words[2])));
}

static int
verb_truncate(char **words, int count, char *result)
{
	struct posix_place place = posix_place_of(words[0]);
	off_t size = posix_number(words[1]);

	(void)count;
	(void)result;
	return done(place.path ? truncate(place.path, size)
			       : ftruncate(place.fd, size));
}

/* SECONDS.NANOSECONDS, "now" or "omit". */
static struct timespec
time_of(const char *word)
{
	if (!strcmp(word, "now"))
		return (struct timespec){.tv_nsec = UTIME_NOW};
	if (!strcmp(word, "omit"))
		return (struct timespec){.tv_nsec = UTIME_OMIT};
	const char *dot = strchr(word, '.');
	return (struct timespec){
		posix_number(word), dot ? posix_number(dot + 1) : 0};
}

static int
verb_utimens(char **words, int count, char *result)
{
	struct posix_place place = posix_place_of(words[0]);
	const struct timespec times[2] = {time_of(words[1]), time_of(words[2])};

	(void)count;
	(void)result;
	return done(place.path ? utimensat(AT_FDCWD, place.path, times,
					 AT_SYMLINK_NOFOLLOW)
			       : futimens(place.fd, times));
}

static int
verb_fallocate(char **words, int count, char *result)
{
	(void)count;
	(void)result;
	return done(fallocate(posix_place_of(words[0]).fd,
		allocate_mode(words[1]), posix_number(words[2]),
		posix_number(words[3])));
}

static int
verb_posix_fallocate(char **words, int count, char *result)
{
	(void)count;
	(void)result;
	return posix_fallocate(posix_place_of(words[0]).fd,
		posix_number(words[1]), posix_number(words[2]));
}

static int
verb_seek(char **words, int count, char *result)
{
	off_t at = lseek(posix_place_of(words[0]).fd, posix_number(words[2]),
		!strcmp(words[1], "hole") ? SEEK_HOLE : SEEK_DATA);

	(void)count;
	if (at < 0)
		return errno;
	posix_say(result, "%ld", (long)at);
	return 0;
}

/* Bytes copied from OFFSET on to OFFSET: copy_file_range(2). */
static int
verb_copy_range(char **words, int count, char *result)
{
	off_t from = posix_number(words[1]), to = posix_number(words[3]);
	ssize_t len = copy_file_range(posix_place_of(words[0]).fd, &from,
		posix_place_of(words[2]).fd, &to,
		(size_t)posix_number(words[4]), 0);

	(void)count;
	if (len < 0)
		return errno;
	posix_say(result, "%ld", (long)len);
	return 0;
}

static int
verb_setattr(char **words, int count, char *result)
{
	struct posix_place place = posix_place_of(words[0]);
	int flags = count < 4			  ? 0
		    : !strcmp(words[3], "create") ? XATTR_CREATE
						  : XATTR_REPLACE;
	size_t len = strlen(words[2]);

	(void)result;
	return done(place.path ? lsetxattr(place.path, words[1], words[2], len,
					 flags)
			       : fsetxattr(place.fd, words[1], words[2], len,
					 flags));
}

static int
verb_removeattr(char **words, int count, char *result)
{
	(void)count;
	(void)result;
	return done(lremovexattr(words[0], words[1]));
}

/* Copies a program, to be executed. */
static int
verb_install(char **words, int count, char *result)
{
	int from = open(words[0], O_RDONLY | O_CLOEXEC);
	int to = open(words[1], O_CREAT | O_WRONLY | O_CLOEXEC, 0755);
	char buffer[65536];
	ssize_t len = 0;

	(void)count;
	(void)result;
	while (to >= 0 && (len = read(from, buffer, sizeof(buffer))) > 0)
		if (write(to, buffer, (size_t)len) != len)
			return errno;
	(void)close(from);
	return to < 0 || len < 0 ? errno : done(close(to));
}

/* Executes a copy of a program that waits, until posix_verb_reset(). */
static int
verb_start(char **words, int count, char *result)
{
	int to_child[2], from_child[2];
	char byte = 0;

	(void)count;
	(void)result;
	if (pipe(to_child) || pipe(from_child))
		return errno;
	started = fork();
	if (started == 0) {
		(void)dup2(to_child[0], 0);
		(void)dup2(from_child[1], 1);
		(void)close(to_child[1]);
		(void)close(from_child[0]);
		/* It says when it runs. */
		execl(words[0], words[0], "-u", "-", NULL);
		_exit(127);
	}
	(void)close(to_child[0]);
	(void)close(from_child[1]);
	/* cat(1) gives back what it gets: it has begun. */
	if (write(to_child[1], "x", 1) != 1 ||
		read(from_child[0], &byte, 1) != 1)
		return EIO;
	(void)close(from_child[0]);
	held['Z' - 'A'] = to_child[1];
	is_held['Z' - 'A'] = true;
	return 0;
}

static int
verb_stop(char **words, int count, char *result)
{
	(void)words;
	(void)count;
	(void)result;
	if (started > 0) {
		(void)kill(started, SIGKILL);
		(void)waitpid(started, NULL, 0);
	}
	started = 0;
	return 0;
}

static const struct posix_verb verbs[] = {
	{"open", 2, 3, verb_open},     /* PATH FLAGS [MODE], and closes */
	{"hold", 3, 4, verb_hold},     /* A PATH FLAGS [MODE] */
	{"close", 1, 1, verb_close},   /* @A */
	{"create", 2, 2, verb_create}, /* PATH MODE: a new, empty file */
	{"put", 2, 2, verb_put},       /* PATH TEXT: as a shell's > */
	{"write", 2, 3, verb_write},   /* @A TEXT [OFFSET] */
	{"read", 1, 1, verb_read},     /* @A: all, from the start */
	{"sync", 1, 1, verb_sync},
	{"mkdir", 2, 2, verb_mkdir}, /* PATH MODE */
	{"rmdir", 1, 1, verb_rmdir},
	{"unlink", 1, 1, verb_unlink},
	{"link", 2, 2, verb_link},	 /* PLACE PATH */
	{"symlink", 2, 2, verb_symlink}, /* TARGET PATH */
	{"mknod", 3, 5, verb_mknod},	 /* PATH TYPE MODE [MAJOR MINOR] */
	{"bind", 1, 1, verb_bind},	 /* PATH: a socket */
	{"rename", 2, 3, verb_rename},	 /* PATH PATH [FLAG] */
	{"chmod", 2, 2, verb_chmod},	 /* PLACE MODE */
	{"chown", 3, 3, verb_chown},	 /* PLACE UID GID */
	{"lchown", 3, 3, verb_lchown},
	{"truncate", 2, 2, verb_truncate},   /* PLACE SIZE */
	{"utimens", 3, 3, verb_utimens},     /* PLACE ATIME MTIME */
	{"fallocate", 4, 4, verb_fallocate}, /* @A FLAGS OFFSET LENGTH */
	{"posix_fallocate", 3, 3, verb_posix_fallocate},
	{"seek", 3, 3, verb_seek}, /* @A data|hole OFFSET */
	{"copy_range", 5, 5, verb_copy_range},
	{"setattr", 3, 4, verb_setattr}, /* PLACE NAME VALUE [FLAG] */
	{"removeattr", 2, 2, verb_removeattr},
	{"install", 2, 2, verb_install}, /* PATH PATH */
	{"start", 1, 1, verb_start},	 /* PATH of a cat(1) */
	{"stop", 0, 0, verb_stop},
};

const char *
posix_errno_name(int number)
{
	const char *name = strerrorname_np(number);

	/* One number, two names. */
	return number == EOPNOTSUPP ? "EOPNOTSUPP" : name ? name : "?";
}

static const struct posix_verb *
find(const struct posix_verb *table, size_t size, const char *name)
{
	for (size_t i = 0; i < size; i++)
		if (!strcmp(table[i].name, name))
			return &table[i];
	return NULL;
}

bool
posix_verb_run(char **words, int count, char result[POSIX_RESULT_MAX])
{
	const struct posix_verb *verb = find(verbs, array_len(verbs), words[0]);

	if (!verb)
		verb = find(posix_look_verbs, posix_look_count, words[0]);
	if (!verb || count - 1 < verb->words_min || count - 1 > verb->words_max)
		return false;
	posix_say(result, "0");
	int failed = verb->run(words + 1, count - 1, result);
	if (failed)
		posix_say(result, "%s", posix_errno_name(failed));
	return true;
}

void
posix_verb_reset(void)
{
	for (size_t i = 0; i < array_len(held); i++) {
		if (is_held[i])
			(void)close(held[i]);
		is_held[i] = false;
	}
	(void)verb_stop(NULL, 0, NULL);
}
