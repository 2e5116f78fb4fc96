/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/tarn/mount_options.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "store/base/privilege.h"
#include "store/base/slice.h"
#include "store/bucket.h"
#include "store/tree.h"

#define UMASK_DEFAULT 022
#define FLAGS_MAX 200

/* Three octal digits, perhaps with a 0 before them. */
static bool
parse_umask(const char *text, uint32_t *out)
{
	size_t len = strlen(text);

	*out = 0;
	if (len == 0 || len > 4)
		return false;
	for (; *text; text++) {
		if (*text < '0' || *text > '7')
			return false;
		*out = *out * 8 + (uint32_t)(*text - '0');
	}
	return *out <= 0777;
}

bool
mount_options_is_flag(struct slice word)
{
	static const char *const flags[] = {"suid", "nosuid", "dev", "nodev",
		"exec", "noexec", "async", "sync", "noatime", "nodiratime",
		"norelatime", "nostrictatime", "dirsync"};

	for (size_t i = 0; i < array_len(flags); i++)
		if (slice_equal(word, slice_str(flags[i])))
			return true;
	return false;
}

/* Nothing but flags: libfuse takes other words as options of its own. */
static bool
are_flags(const char *list)
{
	while (*list) {
		size_t len = strcspn(list, ",");

		if (!mount_options_is_flag(slice_of(list, len)))
			return false;
		list += len + (list[len] == ',');
	}
	return true;
}

static uint32_t
id_or(const char *text, uint32_t otherwise)
{
	unsigned long number;

	if (!text || !slice_to_u64(slice_str(text), UINT32_MAX - 1, &number))
		return otherwise;
	return (uint32_t)number;
}

static bool
is_any_given(const struct mount_words *words)
{
	return words->uid || words->gid || words->umask || words->bucket ||
	       words->flags || words->sse_c_keys.count > 0 ||
	       words->is_read_only || words->is_small_files ||
	       words->without_io_uring || words->is_private ||
	       words->is_for_others;
}

void
mount_options_check(const struct args_command *command,
	const struct mount_words *words)
{
	uint32_t mask;

	if (!words->mount_point && is_any_given(words))
		args_refuse(command,
			"options of a mount were given, but no --mount DIR");
	if (words->uid)
		(void)args_number(command, "uid", words->uid, 0,
			UINT32_MAX - 1);
	if (words->gid)
		(void)args_number(command, "gid", words->gid, 0,
			UINT32_MAX - 1);
	if (words->umask && !parse_umask(words->umask, &mask))
		args_refuse(command, "--umask takes octal digits, as in 022");
	if (words->flags &&
		(strlen(words->flags) > FLAGS_MAX || !are_flags(words->flags)))
		args_refuse(command, "--flags takes words like noexec,noatime");
	if (words->is_private && words->is_for_others)
		args_refuse(command,
			"--private and --allow-other exclude each other");
}

/* Where a directory really is.  Asks no file system for its attributes: what
 * is mounted there may not answer. */
static bool
find_real_path(const char *path, char real[PATH_MAX])
{
	char link[64];
	int dir = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (dir < 0)
		return false;
	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", dir);

	ssize_t len = readlink(link, real, PATH_MAX - 1);

	(void)close(dir);
	if (len <= 0)
		return false;
	real[len] = '\0';
	return true;
}

static bool
is_below(const char *path, const char *above)
{
	struct slice rest = slice_str(path);
	struct slice start = slice_str(above);

	if (!slice_has_prefix(rest, start))
		return false;
	rest = slice_from(rest, start.len);
	return rest.len == 0 || rest.data[0] == '/' || start.len == 1;
}

static bool
fits(const char *point, const char *dir, const char *what)
{
	char mount_point[PATH_MAX];
	char path[PATH_MAX];

	/* What is wrong with either is found when it is used. */
	if (!find_real_path(point, mount_point) || !find_real_path(dir, path))
		return true;
	if (!is_below(path, mount_point) && !is_below(mount_point, path))
		return true;
	fprintf(stderr,
		"tarn: %s: the %s lies there, and a mount would hide it; "
		"choose another directory\n",
		point, what);
	return false;
}

bool
mount_options_fit(const struct mount_words *words, const char *store,
	const char *audit)
{
	return fits(words->mount_point, store, "store") &&
	       (!audit || fits(words->mount_point, audit, "audit log"));
}

static enum store_err
find_top(struct store *store, struct slice path, uint64_t *top)
{
	ptrdiff_t slash = slice_find_char(path, '/');
	struct slice name = slash < 0 ? path : slice_first(path, (size_t)slash);
	struct bucket bucket;
	struct inode inode;

	enum store_err err = bucket_get(store, name, &bucket);
	*top = bucket.ino;
	while (!err && name.len < path.len) {
		path = slice_from(path, name.len + 1);
		slash = slice_find_char(path, '/');
		name = slash < 0 ? path : slice_first(path, (size_t)slash);
		if (name.len == 0)
			continue; /* a slash at the end, or two */
		err = tree_lookup(store, *top, name, TREE_DIR, NULL, &inode);
		*top = inode.ino;
	}
	return err;
}

bool
mount_options_find_top(const struct mount_words *words, struct store *store,
	uint64_t *top)
{
	*top = 0;
	if (!words->bucket)
		return true;
	enum store_err err = find_top(store, slice_str(words->bucket), top);
	if (!err)
		return true;
	fprintf(stderr, "tarn: --bucket %s: %s\n", words->bucket,
		err == STORE_NOT_FOUND ? "there is no such directory"
				       : error_sentence(err));
	return false;
}

void
mount_options_fill(const struct mount_words *words,
	struct mount_options *options)
{
	options->mount_point = words->mount_point;
	options->allow_other = words->is_for_others ||
			       (!words->is_private && privilege_may_mount());
	options->flags = words->flags;
	options->is_read_only = words->is_read_only;
	options->is_small_files = words->is_small_files;
	options->without_io_uring = words->without_io_uring;
	options->uid = id_or(words->uid, geteuid());
	options->gid = id_or(words->gid, getegid());
	options->umask = UMASK_DEFAULT;
	if (words->umask)
		(void)parse_umask(words->umask, &options->umask);
}
