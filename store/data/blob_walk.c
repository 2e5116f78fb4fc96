/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store/data/blob.h"
#include "store/data/blob_private.h"

/* The numbers that one directory's entries are named by, in order. */
struct numbers {
	uint64_t *items;
	size_t count;
	size_t room;
};

struct walk {
	enum store_err (*visit)(uint64_t id, void *context);
	void (*stray)(const char *path, void *context);
	void *context;
	uint64_t first;
};

static void
numbers_free(struct numbers *numbers)
{
	free(numbers->items);
	*numbers = (struct numbers){0};
}

static enum store_err
numbers_add(struct numbers *numbers, uint64_t number)
{
	if (numbers->count == numbers->room) {
		size_t room = numbers->room ? 2 * numbers->room : 64;
		uint64_t *items =
			reallocarray(numbers->items, room, sizeof(*items));

		if (!items)
			return STORE_NO_MEMORY;
		numbers->items = items;
		numbers->room = room;
	}
	numbers->items[numbers->count++] = number;
	return STORE_OK;
}

/* Hexadecimal just as blob.c writes it: lower-case, no leading zeros. */
static bool
parse_number(const char *text, uint64_t *number)
{
	char again[20];
	char *end = NULL;

	errno = 0;
	*number = strtoull(text, &end, 16);
	if (errno || *end)
		return false;
	snprintf(again, sizeof(again), "%llx", (unsigned long long)*number);
	return strcmp(text, again) == 0;
}

/* One entry: a number to keep, or a stray. */
static enum store_err
add_entry(const struct walk *walk, const char *dir, const struct dirent *entry,
	unsigned char type, struct numbers *numbers)
{
	char path[2 * 256 + 2];
	uint64_t number;
	/* Some file systems leave the type open: then the name decides. */
	bool is_kind = entry->d_type == type || entry->d_type == DT_UNKNOWN;

	if (is_kind && parse_number(entry->d_name, &number))
		return numbers_add(numbers, number);
	if (!dir && is_kind && strcmp(entry->d_name, BLOB_SPARE_DIR) == 0)
		return STORE_OK;
	snprintf(path, sizeof(path), "%s%s%s", dir ? dir : "", dir ? "/" : "",
		entry->d_name);
	walk->stray(path, walk->context);
	return STORE_OK;
}

/* The numbers among the entries of that type; dir NULL: of the top. */
static enum store_err
read_dir(const struct walk *walk, int at, const char *dir, unsigned char type,
	struct numbers *numbers)
{
	int fd =
		openat(at, dir ? dir : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *stream = fd < 0 ? NULL : fdopendir(fd);
	enum store_err err = STORE_OK;

	if (!stream) {
		err = errno == ENOENT ? STORE_OK : error_from_errno(errno);
		if (fd >= 0)
			close(fd);
		return err;
	}
	errno = 0;
	for (struct dirent *entry = readdir(stream); entry && !err;
		entry = readdir(stream)) {
		if (strcmp(entry->d_name, ".") != 0 &&
			strcmp(entry->d_name, "..") != 0)
			err = add_entry(walk, dir, entry, type, numbers);
		errno = 0;
	}
	if (!err && errno)
		err = error_from_errno(errno);
	closedir(stream);
	if (numbers->count > 0)
		qsort(numbers->items, numbers->count, sizeof(*numbers->items),
			blob_compare_ids);
	return err;
}

static enum store_err
walk_dir(const struct walk *walk, int at, uint64_t dir)
{
	scoped(numbers_free) struct numbers files = {0};
	char name[20];
	char path[48];

	snprintf(name, sizeof(name), "%llx", (unsigned long long)dir);
	enum store_err err = read_dir(walk, at, name, DT_REG, &files);
	for (size_t i = 0; i < files.count && !err; i++) {
		uint64_t id = files.items[i];

		if (id / BLOB_IDS_PER_DIR != dir) {
			snprintf(path, sizeof(path), "%s/%llx", name,
				(unsigned long long)id);
			walk->stray(path, walk->context);
		} else if (id >= walk->first) {
			err = walk->visit(id, walk->context);
		}
	}
	return err;
}

enum store_err
blob_walk(struct blobs *blobs, uint64_t first,
	enum store_err (*visit)(uint64_t id, void *context),
	void (*stray)(const char *path, void *context), void *context)
{
	const struct walk walk = {
		.visit = visit,
		.stray = stray,
		.context = context,
		.first = first,
	};
	scoped(numbers_free) struct numbers dirs = {0};
	enum store_err err =
		read_dir(&walk, blobs->dir_fd, NULL, DT_DIR, &dirs);

	for (size_t i = 0; i < dirs.count && !err; i++) {
		if (dirs.items[i] >= first / BLOB_IDS_PER_DIR)
			err = walk_dir(&walk, blobs->dir_fd, dirs.items[i]);
	}
	return err;
}
