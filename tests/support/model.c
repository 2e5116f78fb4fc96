/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/model.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/base/buffer.h"

#define PATH_ROOM 16384

void
model_free(struct model *model)
{
	for (size_t i = 0; i < model->count; i++)
		free(model->entries[i].path);
	free(model->entries);
	*model = (struct model){0};
}

/* strcmp() compares unsigned bytes: the order of keys. */
static size_t
place_of(const struct model *model, const char *path)
{
	size_t low = 0, high = model->count;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (strcmp(model->entries[middle].path, path) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool
is_at(const struct model *model, size_t place, const char *path)
{
	return place < model->count &&
	       strcmp(model->entries[place].path, path) == 0;
}

enum model_kind
model_find(const struct model *model, const char *path)
{
	size_t place = place_of(model, path);

	return is_at(model, place, path) ? model->entries[place].kind
					 : MODEL_NONE;
}

static void
set(struct model *model, const char *path, enum model_kind kind)
{
	size_t place = place_of(model, path);

	if (is_at(model, place, path)) {
		model->entries[place].kind = kind;
		return;
	}
	if (model->count == model->capacity) {
		model->capacity = 2 * model->capacity + 64;
		model->entries = reallocarray(model->entries, model->capacity,
			sizeof(*model->entries));
		assert(model->entries);
	}
	memmove(model->entries + place + 1, model->entries + place,
		(model->count - place) * sizeof(*model->entries));
	model->entries[place].path = strdup(path);
	model->entries[place].kind = kind;
	model->entries[place].tag = 0;
	model->count++;
}

uint64_t
model_tag(const struct model *model, const char *path)
{
	size_t place = place_of(model, path);

	return is_at(model, place, path) ? model->entries[place].tag : 0;
}

void
model_set_tag(struct model *model, const char *path, uint64_t tag)
{
	size_t place = place_of(model, path);

	assert(is_at(model, place, path));
	model->entries[place].tag = tag;
}

static void
drop(struct model *model, const char *path)
{
	size_t place = place_of(model, path);

	assert(is_at(model, place, path));
	free(model->entries[place].path);
	model->count--;
	memmove(model->entries + place, model->entries + place + 1,
		(model->count - place) * sizeof(*model->entries));
}

static bool
is_dir(const char *path)
{
	size_t len = strlen(path);

	return len > 0 && path[len - 1] == '/';
}

bool
model_has_dir(const struct model *model, const char *path)
{
	return !*path || model_find(model, path) != MODEL_NONE;
}

bool
model_is_empty_dir(const struct model *model, const char *path)
{
	size_t place = place_of(model, path);

	if (is_at(model, place, path))
		place++;
	return place == model->count ||
	       strncmp(model->entries[place].path, path, strlen(path)) != 0;
}

/* "a/b" and "a/b/" have the parent "a/". */
static void
parent_of(const char *path, char parent[PATH_ROOM])
{
	size_t len = strlen(path);

	if (len > 0)
		len--;
	while (len > 0 && path[len - 1] != '/')
		len--;
	memcpy(parent, path, len);
	parent[len] = '\0';
}

void
model_put(struct model *model, const char *key)
{
	char parent[PATH_ROOM];

	for (size_t i = 0; key[i] && key[i + 1]; i++) {
		if (key[i] != '/')
			continue;
		snprintf(parent, sizeof(parent), "%.*s", (int)i + 1, key);
		if (model_find(model, parent) == MODEL_NONE)
			set(model, parent, MODEL_IMPLICIT);
	}
	set(model, key, is_dir(key) ? MODEL_EXPLICIT : MODEL_FILE);
}

bool
model_delete(struct model *model, const char *key)
{
	enum model_kind kind = model_find(model, key);
	char path[PATH_ROOM], parent[PATH_ROOM];

	if (kind == MODEL_NONE || kind == MODEL_IMPLICIT)
		return false;
	if (is_dir(key) && !model_is_empty_dir(model, key)) {
		set(model, key, MODEL_IMPLICIT);
		model_set_tag(model, key, 0);
		return true;
	}
	drop(model, key);
	snprintf(path, sizeof(path), "%s", key);
	for (;;) {
		parent_of(path, parent);
		if (model_find(model, parent) != MODEL_IMPLICIT ||
			!model_is_empty_dir(model, parent))
			return true;
		drop(model, parent);
		memcpy(path, parent, sizeof(path));
	}
}

static void
join(char to[PATH_ROOM], const char *parent, const char *name, bool of_dir)
{
	snprintf(to, PATH_ROOM, "%s%s%s", parent, name, of_dir ? "/" : "");
}

bool
model_make(struct model *model, const char *parent, const char *name,
	enum model_kind kind)
{
	char file[PATH_ROOM], dir[PATH_ROOM];

	join(file, parent, name, false);
	join(dir, parent, name, true);
	if (!*name || model_find(model, file) != MODEL_NONE ||
		model_find(model, dir) != MODEL_NONE)
		return false;
	set(model, kind == MODEL_EXPLICIT ? dir : file, kind);
	return true;
}

/* Something has left the directory by way of the mount. */
static void
keep_parent(struct model *model, const char *path)
{
	char parent[PATH_ROOM];

	parent_of(path, parent);
	if (*parent && model_is_empty_dir(model, parent))
		set(model, parent, MODEL_EXPLICIT);
}

bool
model_unlink(struct model *model, const char *path)
{
	if (is_dir(path) || model_find(model, path) == MODEL_NONE)
		return false;
	drop(model, path);
	keep_parent(model, path);
	return true;
}

bool
model_rmdir(struct model *model, const char *path)
{
	if (model_find(model, path) == MODEL_NONE ||
		!model_is_empty_dir(model, path))
		return false;
	drop(model, path);
	keep_parent(model, path);
	return true;
}

/* Takes the entry and all below it out; *out has the tails. */
static void
cut(struct model *model, const char *path, struct model *out)
{
	size_t len = strlen(path);
	size_t place = place_of(model, path);

	while (place < model->count) {
		const char *entry = model->entries[place].path;

		if (strncmp(entry, path, len) != 0 ||
			(!is_dir(path) && entry[len]))
			break;
		set(out, entry + len, model->entries[place].kind);
		model_set_tag(out, entry + len, model->entries[place].tag);
		drop(model, entry);
	}
}

static void
paste(struct model *model, const char *path, struct model *from)
{
	char whole[PATH_ROOM];

	for (size_t i = 0; i < from->count; i++) {
		join(whole, path, from->entries[i].path, false);
		set(model, whole, from->entries[i].kind);
		model_set_tag(model, whole, from->entries[i].tag);
	}
	model_free(from);
}

static bool
exchange(struct model *model, const char *from, const char *to,
	const char *to_parent, const char *to_name)
{
	char from_parent[PATH_ROOM], from_name[PATH_ROOM];
	char new_from[PATH_ROOM], new_to[PATH_ROOM];
	struct model from_tree = {0}, to_tree = {0};

	parent_of(from, from_parent);
	join(from_name, from + strlen(from_parent), "", false);
	if (is_dir(from))
		from_name[strlen(from_name) - 1] = '\0';
	if (!strcmp(from_parent, to_parent) && !strcmp(from_name, to_name))
		return true;
	join(new_to, to_parent, to_name, is_dir(from));
	join(new_from, from_parent, from_name, is_dir(to));
	if (is_dir(from) != is_dir(to) &&
		(model_find(model, new_to) != MODEL_NONE ||
			model_find(model, new_from) != MODEL_NONE))
		return false;
	if (is_dir(from) && !strncmp(to_parent, from, strlen(from)))
		return false;
	if (is_dir(to) && !strncmp(from_parent, to, strlen(to)))
		return false;
	cut(model, from, &from_tree);
	cut(model, to, &to_tree);
	paste(model, new_to, &from_tree);
	paste(model, new_from, &to_tree);
	return true;
}

bool
model_rename(struct model *model, const char *from, const char *to_parent,
	const char *to_name, bool is_no_replace, bool is_exchange)
{
	char to[PATH_ROOM], other[PATH_ROOM];
	struct model tree = {0};

	join(to, to_parent, to_name, is_dir(from));
	join(other, to_parent, to_name, !is_dir(from));
	bool has_to = model_find(model, to) != MODEL_NONE;
	bool has_other = model_find(model, other) != MODEL_NONE;
	if (model_find(model, from) == MODEL_NONE || !*to_name)
		return false;
	if (is_exchange)
		return (has_to || has_other) &&
		       exchange(model, from, has_to ? to : other, to_parent,
			       to_name);
	if (is_no_replace && (has_to || has_other))
		return false;
	if (!strcmp(from, to))
		return true;
	/* Two names of one file: rename(2) does nothing. */
	if (has_to && !is_dir(from) && model_tag(model, from) &&
		model_tag(model, from) == model_tag(model, to))
		return true;
	if (!has_to && has_other)
		return false;
	if (is_dir(from) && !strncmp(to_parent, from, strlen(from)))
		return false;
	if (has_to && is_dir(to) && !model_is_empty_dir(model, to))
		return false;
	if (has_to)
		drop(model, to);
	cut(model, from, &tree);
	paste(model, to, &tree);
	keep_parent(model, from);
	return true;
}

static bool
is_visible(const struct model_entry *entry)
{
	return entry->kind == MODEL_FILE || entry->kind == MODEL_EXPLICIT;
}

char *
model_list(const struct model *model, const char *prefix, const char *delimiter)
{
	struct buffer text = {0};
	char last[PATH_ROOM] = "";

	for (size_t i = 0; i < model->count; i++) {
		const struct model_entry *entry = &model->entries[i];
		size_t prefix_len = strlen(prefix);
		bool is_slash = !strcmp(delimiter, "/");

		if (strncmp(entry->path, prefix, prefix_len) != 0)
			continue;
		const char *found =
			*delimiter ? strstr(entry->path + prefix_len, delimiter)
				   : NULL;
		/* A directory is not looked into. */
		if (!is_visible(entry) &&
			!(found && is_slash && entry->kind == MODEL_IMPLICIT))
			continue;
		if (!found) {
			buffer_printf(&text, "%s\n", entry->path);
			continue;
		}
		char common[PATH_ROOM];
		snprintf(common, sizeof(common), "%.*s",
			(int)(found - entry->path + strlen(delimiter)),
			entry->path);
		if (strcmp(common, last) != 0)
			buffer_printf(&text, "+%s\n", common);
		memcpy(last, common, sizeof(last));
	}
	buffer_append_char(&text, '\0');
	return text.data;
}

size_t
model_objects(const struct model *model)
{
	size_t count = 0;

	for (size_t i = 0; i < model->count; i++)
		count += is_visible(&model->entries[i]);
	return count;
}
