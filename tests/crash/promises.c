/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/crash/promises.h"

#include <assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "store/base/io.h"
#include "store/bucket.h"
#include "store/check.h"
#include "store/list_versions.h"
#include "store/object.h"

/* What a thing may be; the first of the versions, once acknowledged. */
struct thing {
	char key[CONTENT_KEY_MAX + 1];
	uint64_t *versions;
	size_t count;
	size_t room;
	bool was_done; /* ever */
	bool is_dropped;
};

struct promises {
	struct thing *things;
	size_t count;
	size_t room;
};

/* An object as it is found. */
struct found {
	struct slice key;
	struct slice bytes;
	uint64_t ino;
	bool is_known;
};

struct look {
	const struct promises *promises;
	struct store *store;
	uint64_t bucket;
	uint64_t kept;
	uint64_t fickle;
	struct arena arena;
	struct found *found;
	size_t count;
	unsigned int wrong;
	unsigned int lagging; /* see report() */
};

struct promises *
promises_new(void)
{
	struct promises *promises = calloc(1, sizeof(*promises));

	assert(promises);
	return promises;
}

void
promises_free(struct promises **ptr)
{
	struct promises *promises = *ptr;

	*ptr = NULL;
	for (size_t i = 0; i < promises->count; i++)
		free(promises->things[i].versions);
	free(promises->things);
	free(promises);
}

static void
allow(struct thing *thing, uint64_t version)
{
	if (thing->count == thing->room) {
		thing->room = thing->room ? 2 * thing->room : 4;
		thing->versions = reallocarray(thing->versions, thing->room,
			sizeof(*thing->versions));
		assert(thing->versions);
	}
	thing->versions[thing->count++] = version;
}

static struct thing *
find_thing(const struct promises *promises, const char *key)
{
	for (size_t i = 0; i < promises->count; i++) {
		if (strcmp(promises->things[i].key, key) == 0)
			return &promises->things[i];
	}
	return NULL;
}

static struct thing *
add_thing(struct promises *promises, const char *key)
{
	if (promises->count == promises->room) {
		promises->room = promises->room ? 2 * promises->room : 64;
		promises->things = reallocarray(promises->things,
			promises->room, sizeof(*promises->things));
		assert(promises->things);
	}
	struct thing *thing = &promises->things[promises->count++];

	*thing = (struct thing){0};
	snprintf(thing->key, sizeof(thing->key), "%s", key);
	return thing;
}

void
promises_note(struct promises *promises, const struct content_note *note)
{
	struct thing *thing = find_thing(promises, note->key);

	if (!thing) {
		thing = add_thing(promises, note->key);
		allow(thing, 0);
	}
	if (note->what == CONTENT_DONE) {
		thing->count = 0;
		thing->was_done = true;
	}
	allow(thing, note->version);
}

void
promises_drop(struct promises *promises, const char *key)
{
	struct thing *thing = find_thing(promises, key);

	if (!thing)
		thing = add_thing(promises, key);
	thing->is_dropped = true;
}

void
promises_save(const struct promises *promises, const char *path)
{
	FILE *file = fopen(path, "we");

	assert(file);
	for (size_t i = 0; i < promises->count; i++) {
		const struct thing *thing = &promises->things[i];

		fprintf(file, "%s %d %zu", thing->key, thing->was_done,
			thing->count);
		for (size_t j = 0; j < thing->count; j++)
			fprintf(file, " %llu",
				(unsigned long long)thing->versions[j]);
		fprintf(file, "\n");
	}
	fclose(file);
}

void
promises_load(struct promises *promises, const char *path)
{
	FILE *file = fopen(path, "re");
	char key[CONTENT_KEY_MAX + 1];
	int was_done;
	size_t count;

	assert(file);
	while (fscanf(file, "%47s %d %zu", key, &was_done, &count) == 3) {
		struct thing *thing = add_thing(promises, key);

		thing->was_done = was_done != 0;
		for (size_t i = 0; i < count; i++) {
			unsigned long long version;
			int got = fscanf(file, "%llu", &version);

			assert(got == 1);
			allow(thing, version);
		}
	}
	fclose(file);
}

/* --- looking ---------------------------------------------------------------
 */

static void
wrong(struct look *look, const char *what, const char *about)
{
	look->wrong++;
	fprintf(stderr, "%s: %s\n", what, about);
}

static struct slice
read_object(struct look *look, uint64_t bucket, struct slice key,
	const struct version_ref *version)
{
	struct object object;
	uint64_t offset;
	int fd = -1;
	enum store_err err = object_open_version(look->store, bucket, key,
		version, &look->arena, &object, &fd, &offset);

	if (err) {
		wrong(look, "cannot be opened", error_sentence(err));
		return SLICE_NULL;
	}
	char *bytes = arena_alloc(&look->arena, object.inode.size + 8);
	if (fd >= 0) {
		err = io_pread_all(fd, bytes, object.inode.size, offset);
		close(fd);
	}
	if (err)
		wrong(look, "cannot be read", error_sentence(err));
	return slice_of(bytes, err ? 0 : object.inode.size);
}

static void
add_found(struct look *look, uint64_t bucket, struct slice key,
	const struct inode *inode, const struct version_ref *version)
{
	look->found = reallocarray(look->found, look->count + 1,
		sizeof(*look->found));
	assert(look->found);
	look->found[look->count++] = (struct found){
		.key = key,
		.ino = inode->ino,
		.bytes = read_object(look, bucket, key, version),
	};
}

static void
read_all(struct look *look, uint64_t bucket)
{
	static const struct version_ref current = {.which = VERSION_CURRENT};
	struct list_request request = {.bucket = bucket, .max = 10000};
	struct list_page page;
	enum store_err err =
		list_read(look->store, &request, &look->arena, &page);

	if (err || page.is_truncated) {
		wrong(look, "cannot be listed", error_sentence(err));
		return;
	}
	for (size_t i = 0; i < page.count; i++)
		add_found(look, bucket, page.entries[i].key,
			&page.entries[i].inode, &current);
}

/* Of each key the current version, and the newest of the others. */
static void
read_versions(struct look *look)
{
	struct list_versions_request request = {
		.bucket = look->kept, .max = 10000};
	struct slice older = SLICE_NULL;
	struct list_versions_page page;
	enum store_err err =
		list_versions_read(look->store, &request, &look->arena, &page);

	if (err || page.is_truncated) {
		wrong(look, "versions cannot be listed", error_sentence(err));
		return;
	}
	for (size_t i = 0; i < page.count; i++) {
		const struct list_versions_entry *entry = &page.entries[i];
		struct version_ref version = version_ref_of(&entry->version);
		bool is_second = slice_equal(entry->key, older);

		if (entry->is_marker || is_second)
			continue;
		add_found(look, look->kept, entry->key, &entry->inode,
			&version);
		if (entry->is_current)
			continue;
		older = entry->key;
		look->found[look->count - 1].key = arena_concat(&look->arena,
			entry->key, SLICE(CONTENT_OLDER));
	}
}

static struct found *
find_found(struct look *look, struct slice key)
{
	for (size_t i = 0; i < look->count; i++) {
		if (slice_equal(look->found[i].key, key))
			return &look->found[i];
	}
	return NULL;
}

static bool
is_whole(const struct thing *thing, struct slice bytes)
{
	for (size_t i = 0; i < thing->count; i++) {
		uint64_t version = thing->versions[i];

		if (version && bytes.len == content_size(version) &&
			content_is(version, bytes.data, bytes.len))
			return true;
	}
	return false;
}

static bool
may_be_absent(const struct thing *thing)
{
	for (size_t i = 0; i < thing->count; i++) {
		if (thing->versions[i] == 0)
			return true;
	}
	return false;
}

/* The n-th sector of a file.  One that was never promised may be anything. */
static bool
is_sector(const struct thing *thing, struct slice bytes, uint64_t n)
{
	if (may_be_absent(thing))
		return true;
	if (bytes.len < (n + 1) * CONTENT_SECTOR)
		return false;
	for (size_t i = 0; i < thing->count; i++) {
		if (content_is(thing->versions[i],
			    bytes.data + n * CONTENT_SECTOR, CONTENT_SECTOR))
			return true;
	}
	return false;
}

static void
look_at_thing(struct look *look, const struct thing *thing)
{
	const char *hash = strchr(thing->key, '#');
	struct slice key = slice_of(thing->key,
		hash ? (size_t)(hash - thing->key) : strlen(thing->key));
	struct found *found = find_found(look, key);

	if (found)
		found->is_known = true;
	if (thing->is_dropped)
		return;
	if (hash && found &&
		!is_sector(thing, found->bytes, strtoull(hash + 1, NULL, 10)))
		wrong(look, "acknowledged bytes are lost", thing->key);
	else if (!hash && found && !is_whole(thing, found->bytes))
		wrong(look, "not a whole version of now", thing->key);
	else if (!found && !may_be_absent(thing))
		wrong(look, "acknowledged and lost", thing->key);
}

/* A renamed directory is in one place. */
static void
look_at_twin(struct look *look, const struct thing *thing)
{
	size_t len = strlen(thing->key) - strlen(CONTENT_TWIN_A);
	char other[CONTENT_KEY_MAX + 1];

	snprintf(other, sizeof(other), "%.*s%s", (int)len, thing->key,
		CONTENT_TWIN_B);
	if (!thing->was_done)
		return;
	if (!find_found(look, slice_str(thing->key)) ==
		!find_found(look, slice_str(other)))
		wrong(look, "in two places, or in none", thing->key);
}

static bool
is_in_place(const struct found *found)
{
	return slice_has_suffix(found->key, SLICE("/log")) ||
	       slice_has_suffix(found->key, SLICE("/disk"));
}

static void
look_at_all(struct look *look)
{
	const struct promises *promises = look->promises;

	read_all(look, look->bucket);
	if (look->kept)
		read_versions(look);
	if (look->fickle)
		read_all(look, look->fickle);
	for (size_t i = 0; i < promises->count; i++) {
		const struct thing *thing = &promises->things[i];

		look_at_thing(look, thing);
		if (strstr(thing->key, CONTENT_TWIN_A))
			look_at_twin(look, thing);
	}
	for (size_t i = 0; i < look->count; i++) {
		const struct found *found = &look->found[i];
		/* Directories; files that are written in place. */
		bool is_frame =
			slice_has_suffix(found->key, SLICE("/")) ||
			slice_has_suffix(found->key, SLICE("/snapshot")) ||
			is_in_place(found);

		if (!found->is_known && !is_frame)
			wrong(look, "an unknown object", found->key.data);
	}
}

/*
 * A file may have grown in place since the checkpoint, without the mark that
 * says so: fsck makes the record follow.
 */
static bool
is_of_file_in_place(const struct look *look, const char *text)
{
	unsigned long long ino = 0;

	if (sscanf(text, "inode %llu has", &ino) != 1)
		return false;
	for (size_t i = 0; i < look->count; i++) {
		if (look->found[i].ino == ino)
			return is_in_place(&look->found[i]);
	}
	return false;
}

static void
report(const struct check_finding *finding, void *context)
{
	struct look *look = context;

	if (finding->kind == CHECK_BLOB_SIZE &&
		is_of_file_in_place(look, finding->text))
		look->lagging++;
	else
		wrong(look, check_kind_name(finding->kind), finding->text);
}

static enum store_err
check(struct look *look, enum check_mode mode)
{
	struct check_result result;

	look->lagging = 0;
	return check_store(look->store, mode, report, look, &result);
}

/* Nothing that fsck would complain of, and it takes writes. */
static void
look_after(struct look *look)
{
	const struct object_attrs attrs = {0};
	struct object_put *put = NULL;
	struct object made;
	enum store_err err = check(look, CHECK_LOOK);

	if (!err && look->lagging)
		err = check(look, CHECK_REPAIR);
	if (!err && look->lagging)
		err = check(look, CHECK_LOOK);
	if (look->lagging)
		wrong(look, "not repaired", "the size of a file in place");
	if (!err)
		err = object_put_begin(look->store, 5, &put);
	if (!err)
		err = object_put_write(put, SLICE("after"));
	if (!err)
		err = object_put_commit(&put, look->bucket, SLICE("after"),
			&attrs, NULL, &made);
	if (!err)
		err = object_delete(look->store, look->bucket, SLICE("after"),
			NULL);
	if (err)
		wrong(look, "the store does not go on", error_sentence(err));
}

bool
promises_are_kept(const struct promises *promises, const char *path)
{
	const struct store_options options = {
		.path = path,
		.spares_everywhere = true,
		.role = "replay",
		.map_size = 1u << 26,
	};
	struct look look = {.promises = promises};
	struct bucket bucket, kept, fickle;
	enum store_err err = store_open(&options, &look.store);

	if (!err)
		err = bucket_get(look.store, SLICE(CONTENT_BUCKET), &bucket);
	/* Of the recorded workload alone. */
	if (!err && !bucket_get(look.store, SLICE(CONTENT_KEPT_BUCKET), &kept))
		look.kept = kept.ino;
	if (!err &&
		!bucket_get(look.store, SLICE(CONTENT_FICKLE_BUCKET), &fickle))
		look.fickle = fickle.ino;
	if (err) {
		wrong(&look, "cannot be opened", error_sentence(err));
	} else {
		look.bucket = bucket.ino;
		look_at_all(&look);
		look_after(&look);
	}
	store_close(&look.store);
	free(look.found);
	arena_free(&look.arena);
	return look.wrong == 0;
}
