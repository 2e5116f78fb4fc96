/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/crash/script.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "store/base/io.h"
#include "store/bucket.h"
#include "store/file.h"
#include "store/object.h"
#include "store/upload.h"

#define SECTORS 4

void
script_wrong(struct script *script, const char *what)
{
	script->wrong++;
	fprintf(stderr, "%s (struck: %s on %s)\n", what, script->faults->thread,
		script->faults->file);
}

static void
note(struct script *script, const char *key, uint64_t version,
	enum content_what what)
{
	struct content_note note = {.version = version, .what = what};

	snprintf(note.key, sizeof(note.key), "%s", key);
	promises_note(script->promises, &note);
}

bool
script_has_failed(struct script *script)
{
	struct store_status status;

	/* The side file cannot be read: then it was no flush. */
	return !store_status(script->store, &status) && status.has_failed;
}

/* What begins after the store has failed must not succeed: invariant 2. */
static bool
begin(struct script *script, const char *key, uint64_t version)
{
	note(script, key, version, CONTENT_BEGUN);
	return script_has_failed(script);
}

static void
end(struct script *script, const char *key, uint64_t version,
	enum store_err err, bool was_failed)
{
	if (err)
		return;
	note(script, key, version, CONTENT_DONE);
	if (was_failed)
		script_wrong(script, "acknowledged after a failed flush");
}

static struct slice
body(uint64_t version)
{
	static char bytes[1 << 17];

	content_fill(version, bytes, content_size(version));
	return slice_of(bytes, content_size(version));
}

static uint64_t
new_version(struct script *script)
{
	/* An empty one could not be told from another. */
	while (content_size(++script->version) == 0)
		;
	return script->version;
}

enum store_err
script_put(struct script *script, const char *key)
{
	scoped(object_put_abort) struct object_put *put = NULL;
	const struct object_attrs attrs = {0};
	uint64_t version = new_version(script);
	struct slice bytes = body(version);
	struct object made;
	bool was_failed = begin(script, key, version);
	enum store_err err = object_put_begin(script->store, bytes.len, &put);

	if (!err)
		err = object_put_write(put, slice_first(bytes, bytes.len / 3));
	if (!err)
		err = object_put_write(put, slice_from(bytes, bytes.len / 3));
	if (!err)
		err = object_put_commit(&put, script->bucket, slice_str(key),
			&attrs, NULL, &made);
	end(script, key, version, err, was_failed);
	return err;
}

static void delete (struct script *script, const char *key)
{
	bool was_failed = begin(script, key, 0);
	enum store_err err = object_delete(script->store, script->bucket,
		slice_str(key), NULL);

	/* One that is not there is no object that was made to be absent. */
	if (err != STORE_NOT_FOUND)
		end(script, key, 0, err, was_failed);
}

/* The version that an object has, or 0 where that cannot be told. */
static uint64_t
get(struct script *script, const char *key)
{
	scoped(arena_free) struct arena arena = {0};
	struct object object;
	uint64_t version = 0;
	uint64_t offset;
	int fd = -1;

	if (object_open(script->store, script->bucket, slice_str(key), &arena,
		    &object, &fd, &offset) ||
		fd < 0)
		return 0;
	char *bytes = arena_alloc(&arena, object.inode.size);
	if (!io_pread_all(fd, bytes, object.inode.size, offset)) {
		memcpy(&version, bytes, sizeof(version));
		if (!content_is(version, bytes, object.inode.size))
			script_wrong(script, "read and not whole");
	}
	close(fd);
	return version;
}

static void
copy(struct script *script, const char *from, const char *to)
{
	uint64_t version = get(script, from);
	struct object made;

	if (!version)
		return;
	bool was_failed = begin(script, to, version);
	enum store_err err = object_copy(script->store, script->bucket,
		slice_str(from), NULL, NULL, script->bucket, slice_str(to),
		NULL, NULL, &made);
	end(script, to, version, err, was_failed);
}

static enum store_err
upload_one(struct script *script, struct slice key, struct slice id,
	struct slice bytes, struct upload_part_info *info)
{
	scoped(upload_part_abort) struct upload_part *part = NULL;

	*info = (struct upload_part_info){.number = 1, .size = bytes.len};
	memcpy(info->md5, bytes.data, bytes.len < 16 ? bytes.len : 16);
	enum store_err err = upload_part_begin(script->store, script->bucket,
		key, id, 1, bytes.len, &part);
	if (!err)
		err = upload_part_write(part, bytes);
	return err ? err : upload_part_commit(&part, info);
}

static void
upload(struct script *script, const char *name, bool is_aborted)
{
	const struct object_attrs attrs = {0};
	const struct upload_info begun = {0};
	uint64_t version = new_version(script);
	struct slice bytes = body(version);
	struct upload_part_info info;
	struct slice key = slice_str(name);
	struct object made;
	char id[UPLOAD_ID_LEN + 1];
	bool was_failed = begin(script, name, version);
	enum store_err err =
		upload_begin(script->store, script->bucket, key, &begun, id);

	if (!err)
		err = upload_one(script, key, slice_str(id), bytes, &info);
	/* Again, in the place of the one before. */
	if (!err)
		err = upload_one(script, key, slice_str(id), bytes, &info);
	if (!err && is_aborted) {
		(void)!upload_abort(script->store, script->bucket, key,
			slice_str(id));
		return;
	}
	if (!err)
		err = upload_complete(script->store, script->bucket, key,
			slice_str(id), &info, 1, &attrs, NULL, &made);
	end(script, name, version, err, was_failed);
}

static const struct tree_owner owner = {.mode = S_IFREG | 0644};
static const struct tree_owner dir_owner = {.mode = S_IFDIR | 0755};

/* Created, or written anew. */
static void
write_file(struct script *script, const char *name)
{
	uint64_t version = new_version(script);
	struct slice bytes = body(version);
	struct file *file = NULL;
	struct inode inode;
	char key[CONTENT_KEY_MAX + 1];

	snprintf(key, sizeof(key), "dir/%s", name);
	bool was_failed = begin(script, key, version);
	enum store_err err = tree_lookup(script->store, script->dir,
		slice_str(name), TREE_FILE, NULL, &inode);
	if (err == STORE_NOT_FOUND)
		err = file_create(script->store, script->dir, slice_str(name),
			&owner, &inode, &file);
	else if (!err)
		err = file_open(script->store, inode.ino, O_RDWR | O_TRUNC,
			&file);
	if (err)
		return;
	err = io_pwrite_all(file_fd(file), bytes.data, bytes.len, 0);
	/* A program whose write failed leaves what it has written, as on any
	 * file system. */
	if (err) {
		promises_drop(script->promises, key);
	} else {
		err = file_sync(file, false);
		end(script, key, version, err, was_failed);
	}
	(void)!file_flush(file);
	(void)!file_close(&file, O_RDWR | O_TRUNC);
}

/* Sectors of one file, over and over. */
static void
write_in_place(struct script *script)
{
	uint64_t version = new_version(script);
	struct file *file = NULL;
	struct inode inode;
	char bytes[CONTENT_SECTOR];
	char key[CONTENT_KEY_MAX + 1];
	bool was_failed = script_has_failed(script);
	enum store_err err = tree_lookup(script->store, script->dir,
		SLICE("disk"), TREE_FILE, NULL, &inode);

	if (!err)
		err = file_open(script->store, inode.ino, O_RDWR, &file);
	if (err)
		return;
	content_fill(version, bytes, sizeof(bytes));
	script->disk_begun = version;
	for (unsigned int i = 0; i < SECTORS && !err; i++) {
		snprintf(key, sizeof(key), "dir/disk#%u", i);
		note(script, key, version, CONTENT_BEGUN);
		err = io_pwrite_all(file_fd(file), bytes, sizeof(bytes),
			(uint64_t)i * sizeof(bytes));
	}
	if (!err)
		err = file_sync(file, true);
	for (unsigned int i = 0; i < SECTORS; i++) {
		snprintf(key, sizeof(key), "dir/disk#%u", i);
		end(script, key, version, err, was_failed);
	}
	if (!err)
		script->disk_done = version;
	(void)!file_flush(file);
	(void)!file_close(&file, O_RDWR);
}

/* The disk's bytes, shared until the next write to it. */
static void
take_snapshot(struct script *script)
{
	char key[CONTENT_KEY_MAX + 1];
	struct object made;
	bool was_failed = script_has_failed(script);

	for (unsigned int i = 0; i < SECTORS; i++) {
		snprintf(key, sizeof(key), "dir/snapshot#%u", i);
		note(script, key, script->disk_done, CONTENT_BEGUN);
		note(script, key, script->disk_begun, CONTENT_BEGUN);
	}
	enum store_err err = object_copy(script->store, script->bucket,
		SLICE("dir/disk"), NULL, NULL, script->bucket,
		SLICE("dir/snapshot"), NULL, NULL, &made);
	for (unsigned int i = 0; i < SECTORS; i++) {
		snprintf(key, sizeof(key), "dir/snapshot#%u", i);
		/* Else it is one of the two. */
		if (script->disk_done == script->disk_begun)
			end(script, key, script->disk_done, err, was_failed);
	}
}

static void
make_disk(struct script *script)
{
	struct file *file = NULL;
	struct inode inode;

	if (file_create(script->store, script->dir, SLICE("disk"), &owner,
		    &inode, &file))
		return;
	(void)!file_flush(file);
	(void)!file_close(&file, O_RDWR);
}

static void
rename_file(struct script *script, const char *from, const char *to)
{
	char keys[2][CONTENT_KEY_MAX + 1];
	struct inode replaced;

	snprintf(keys[0], sizeof(keys[0]), "dir/%s", from);
	snprintf(keys[1], sizeof(keys[1]), "dir/%s", to);
	uint64_t version = get(script, keys[0]);
	if (!version)
		return;
	note(script, keys[0], 0, CONTENT_BEGUN);
	bool was_failed = begin(script, keys[1], version);
	enum store_err err =
		tree_rename(script->store, script->dir, slice_str(from),
			TREE_FILE, script->dir, slice_str(to), 0, &replaced);
	if (!err)
		err = store_sync(script->store);
	end(script, keys[0], 0, err, was_failed);
	end(script, keys[1], version, err, was_failed);
}

static void
delete_many(struct script *script)
{
	static const char *const names[] = {"many/0", "many/1", "many/2"};
	struct object_deletion deletions[array_len(names)];
	bool was_failed = false;

	for (size_t i = 0; i < array_len(names); i++) {
		(void)!script_put(script, names[i]);
		deletions[i] =
			(struct object_deletion){.key = slice_str(names[i])};
	}
	for (size_t i = 0; i < array_len(names); i++)
		was_failed = begin(script, names[i], 0);
	enum store_err err = object_delete_many(script->store, script->bucket,
		deletions, array_len(names));
	for (size_t i = 0; i < array_len(names) && !err; i++) {
		if (deletions[i].err != STORE_NOT_FOUND)
			end(script, names[i], 0, deletions[i].err, was_failed);
	}
}

void
script_run(struct script *script)
{
	struct inode dir;

	(void)!script_put(script, "one");
	(void)!script_put(script, "two");
	(void)!script_put(script, "one");
	copy(script, "one", "copy");
	upload(script, "uploaded", false);
	upload(script, "aborted", true);
	if (tree_mkdir(script->store, script->bucket, SLICE("dir"), &dir_owner,
		    &dir))
		return;
	script->dir = dir.ino;
	make_disk(script);
	write_file(script, "file");
	write_file(script, "file");
	write_in_place(script);
	take_snapshot(script);
	write_in_place(script);
	rename_file(script, "file", "renamed");
	delete_many(script);
	delete (script, "two");
	(void)!store_sync(script->store);
	(void)!script_put(script, "last");
}
