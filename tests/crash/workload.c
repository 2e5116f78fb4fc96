/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/crash/workload.h"

#include <assert.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/base/io.h"
#include "store/bucket.h"
#include "store/file.h"
#include "store/object.h"
#include "store/pack_private.h"
#include "store/reclaim_private.h"
#include "store/upload.h"
#include "store/versioning.h"
#include "tests/crash/content.h"
#include "tests/crash/shim.h"

#define THREADS 3
#define KEYS 6
#define SECTORS 16
#define CHUNKS 40
#define ROUNDS 90
#define LARGEST 100008

#define BURST 66 /* more than are flushed one by one */
#define KEPT 3
#define FICKLE 3

/* What a worker makes promises about, by numbers. */
enum thing {
	THING_KEY,
	THING_TWIN = THING_KEY + KEYS,
	THING_SECTOR = THING_TWIN + 2,
	THING_CHUNK = THING_SECTOR + SECTORS,
	THING_SNAPSHOT = THING_CHUNK + CHUNKS, /* sectors of a copy */
	THING_BURST = THING_SNAPSHOT + SECTORS,
	/* In a bucket that keeps versions: current ones, the ones before. */
	THING_KEPT = THING_BURST + BURST,
	THING_OLDER = THING_KEPT + KEPT,
	/* Where they are now kept and now not. */
	THING_FICKLE = THING_OLDER + KEPT,
	THINGS = THING_FICKLE + FICKLE,
};

/* A thread, which alone works on what lies in its directory. */
struct worker {
	struct store *store;
	uint64_t bucket;
	uint64_t kept; /* the bucket that keeps versions */
	uint64_t fickle;
	uint64_t dir;
	char tag[16];
	uint64_t next_version;
	uint64_t random;
	pthread_t thread;
	uint64_t now[THINGS];  /* versions */
	bool is_begun[THINGS]; /* and not done */
	unsigned int chunks;
	bool has_burst;
	struct file *open[2]; /* the two files written in place, or NULL */
	char bytes[LARGEST];
};

static void
must_at(enum store_err err, int line)
{
	if (!err)
		return;
	fprintf(stderr, "workload.c:%d: %s\n", line, error_sentence(err));
	_exit(1);
}
#define must(err) must_at(err, __LINE__)

static uint64_t
draw(struct worker *worker, uint64_t below)
{
	uint64_t x = worker->random;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	worker->random = x;
	return x % below;
}

/* --- what is promised ------------------------------------------------------
 */

static void
name_of(const struct worker *worker, unsigned int thing,
	char name[CONTENT_KEY_MAX + 1])
{
	size_t room = CONTENT_KEY_MAX + 1;

	if (thing < THING_TWIN)
		snprintf(name, room, "%s/%sk%u", worker->tag,
			thing % 2 ? "sub/" : "", thing);
	else if (thing < THING_SECTOR)
		snprintf(name, room, "%s%s", worker->tag,
			thing == THING_TWIN ? CONTENT_TWIN_A : CONTENT_TWIN_B);
	else if (thing < THING_CHUNK)
		snprintf(name, room, "%s/disk#%u", worker->tag,
			thing - THING_SECTOR);
	else if (thing < THING_SNAPSHOT)
		snprintf(name, room, "%s/log#%u", worker->tag,
			thing - THING_CHUNK);
	else if (thing < THING_BURST)
		snprintf(name, room, "%s/snapshot#%u", worker->tag,
			thing - THING_SNAPSHOT);
	else if (thing < THING_KEPT)
		snprintf(name, room, "%s/burst/o%u", worker->tag,
			thing - THING_BURST);
	else if (thing < THING_OLDER)
		snprintf(name, room, "%s/v%u", worker->tag, thing - THING_KEPT);
	else if (thing < THING_FICKLE)
		snprintf(name, room, "%s/v%u" CONTENT_OLDER, worker->tag,
			thing - THING_OLDER);
	else
		snprintf(name, room, "%s/n%u", worker->tag,
			thing - THING_FICKLE);
}

static void
note(struct worker *worker, unsigned int thing, enum content_what what)
{
	struct content_note note = {
		.version = worker->now[thing],
		.what = what,
	};

	name_of(worker, thing, note.key);
	shim_note(&note, sizeof(note));
	worker->is_begun[thing] = what == CONTENT_BEGUN;
}

static void
begin(struct worker *worker, unsigned int thing, uint64_t version)
{
	worker->now[thing] = version;
	note(worker, thing, CONTENT_BEGUN);
}

static void
done(struct worker *worker, unsigned int thing)
{
	note(worker, thing, CONTENT_DONE);
}

static void
sync_all(struct worker *worker)
{
	must(store_sync(worker->store));
	for (unsigned int i = 0; i < THINGS; i++) {
		unsigned int which = i < THING_CHUNK ? 0 : 1;

		/* What goes on in an open file only its fsync promises. */
		if (i >= THING_SECTOR && i < THING_SNAPSHOT &&
			worker->open[which])
			continue;
		if (worker->is_begun[i])
			done(worker, i);
	}
}

static struct slice
body(struct worker *worker, uint64_t version)
{
	uint64_t size = content_size(version);

	assert(size <= LARGEST);
	content_fill(version, worker->bytes, size);
	return slice_of(worker->bytes, size);
}

/* --- by S3 -----------------------------------------------------------------
 */

static void
put(struct worker *worker, unsigned int thing, bool may_abort)
{
	uint64_t version = worker->next_version++;
	const struct object_attrs attrs = {.etag.parts = (uint32_t)version};
	struct slice bytes = body(worker, version);
	struct object_put *handle = NULL;
	struct object made;
	char key[CONTENT_KEY_MAX + 1];

	name_of(worker, thing, key);
	begin(worker, thing, version);
	must(object_put_begin(worker->store, bytes.len, &handle));
	must(object_put_write(handle, slice_first(bytes, bytes.len / 3)));
	if (may_abort && draw(worker, 20) == 0) {
		object_put_abort(&handle);
		worker->is_begun[thing] = false; /* and never done */
		return;
	}
	must(object_put_write(handle, slice_from(bytes, bytes.len / 3)));
	must(object_put_commit(&handle, worker->bucket, slice_str(key), &attrs,
		NULL, &made));
	done(worker, thing);
}

static enum store_err
begin_absent(struct worker *worker, unsigned int thing,
	char key[CONTENT_KEY_MAX + 1])
{
	struct object object;
	scoped(arena_free) struct arena arena = {0};

	name_of(worker, thing, key);
	enum store_err err = object_head(worker->store, worker->bucket,
		slice_str(key), &arena, &object);
	if (!err)
		begin(worker, thing, 0);
	return err;
}

static void delete (struct worker *worker, unsigned int thing)
{
	char key[CONTENT_KEY_MAX + 1];

	if (begin_absent(worker, thing, key))
		return;
	must(object_delete(worker->store, worker->bucket, slice_str(key),
		NULL));
	done(worker, thing);
}

/* The version that the key has: where a put was aborted, not the last. */
static uint64_t
version_of(struct worker *worker, unsigned int thing)
{
	scoped(arena_free) struct arena arena = {0};
	char key[CONTENT_KEY_MAX + 1];
	struct object object;
	uint64_t offset;
	uint64_t version = 0;
	int fd = -1;

	name_of(worker, thing, key);
	if (object_open(worker->store, worker->bucket, slice_str(key), &arena,
		    &object, &fd, &offset))
		return 0;
	if (fd >= 0) {
		must(io_pread_all(fd, &version, sizeof(version), offset));
		close(fd);
	}
	/* Empty ones do not tell: nothing is made of them. */
	return version;
}

static void
copy(struct worker *worker, unsigned int from, unsigned int to)
{
	char keys[2][CONTENT_KEY_MAX + 1];
	uint64_t version = version_of(worker, from);
	struct object made;

	if (!version || from == to)
		return;
	name_of(worker, from, keys[0]);
	name_of(worker, to, keys[1]);
	begin(worker, to, version);
	must(object_copy(worker->store, worker->bucket, slice_str(keys[0]),
		NULL, NULL, worker->bucket, slice_str(keys[1]), NULL, NULL,
		&made));
	done(worker, to);
}

static void
upload_part_once(struct worker *worker, struct slice key, struct slice id,
	struct slice bytes, struct upload_part_info *info)
{
	struct upload_part *part = NULL;

	*info = (struct upload_part_info){.number = 1, .size = bytes.len};
	memcpy(info->md5, bytes.data, bytes.len < 16 ? bytes.len : 16);
	must(upload_part_begin(worker->store, worker->bucket, key, id, 1,
		bytes.len, &part));
	must(upload_part_write(part, bytes));
	must(upload_part_commit(&part, info));
}

static void
upload(struct worker *worker, unsigned int thing)
{
	uint64_t version = worker->next_version++;
	const struct object_attrs attrs = {0};
	const struct upload_info begun = {0};
	struct upload_part_info info;
	struct object made;
	char name[CONTENT_KEY_MAX + 1];
	char text[UPLOAD_ID_LEN + 1];

	name_of(worker, thing, name);
	struct slice key = slice_str(name);
	must(upload_begin(worker->store, worker->bucket, key, &begun, text));
	struct slice id = slice_str(text);
	/* A part of one's own first, that another then replaces. */
	if (draw(worker, 2))
		upload_part_once(worker, key, id, SLICE("replaced"), &info);
	upload_part_once(worker, key, id, body(worker, version), &info);
	switch (draw(worker, 6)) {
	case 0:
		must(upload_abort(worker->store, worker->bucket, key, id));
		return;
	case 1:
		return; /* left lying */
	default:
		break;
	}
	begin(worker, thing, version);
	must(upload_complete(worker->store, worker->bucket, key, id, &info, 1,
		&attrs, NULL, &made));
	done(worker, thing);
}

/* --- by a mount ------------------------------------------------------------
 */

static const struct tree_owner owner = {.mode = S_IFREG | 0644};
static const struct tree_owner dir_owner = {.mode = S_IFDIR | 0755};

/* The component below the worker's directory. */
static struct slice
component_of(const struct worker *worker, const char *key)
{
	return slice_str(key + strlen(worker->tag) + 1);
}

static void
write_at(struct file *file, struct slice bytes, uint64_t offset)
{
	must(io_pwrite_all(file_fd(file), bytes.data, bytes.len, offset));
}

static struct file *
create_or_rewrite(struct worker *worker, struct slice name)
{
	struct inode inode;
	struct file *file = NULL;
	enum store_err err = tree_lookup(worker->store, worker->dir, name,
		TREE_FILE, NULL, &inode);

	if (err == STORE_NOT_FOUND) {
		must(file_create(worker->store, worker->dir, name, &owner,
			&inode, &file));
		return file;
	}
	must(err);
	must(file_open(worker->store, inode.ino, O_RDWR | O_TRUNC, &file));
	return file;
}

static void
write_file(struct worker *worker, unsigned int thing)
{
	uint64_t version = worker->next_version++;
	struct slice bytes = body(worker, version);
	char key[CONTENT_KEY_MAX + 1];

	name_of(worker, thing, key);
	begin(worker, thing, version);
	struct file *file =
		create_or_rewrite(worker, component_of(worker, key));
	write_at(file, slice_first(bytes, bytes.len / 2), 0);
	write_at(file, slice_from(bytes, bytes.len / 2), bytes.len / 2);
	if (draw(worker, 2)) {
		must(file_sync(file, draw(worker, 2)));
		done(worker, thing);
	}
	must(file_flush(file));
	must(file_close(&file, O_RDWR | O_TRUNC));
}

static void
unlink_file(struct worker *worker, unsigned int thing)
{
	struct inode inode;
	char key[CONTENT_KEY_MAX + 1];

	if (begin_absent(worker, thing, key))
		return;
	must(tree_unlink(worker->store, worker->dir, component_of(worker, key),
		&inode));
}

static void
rename_file(struct worker *worker, unsigned int from, unsigned int to)
{
	uint64_t version = version_of(worker, from);
	char keys[2][CONTENT_KEY_MAX + 1];
	struct inode replaced;

	if (!version || from == to)
		return;
	name_of(worker, from, keys[0]);
	name_of(worker, to, keys[1]);
	begin(worker, from, 0);
	begin(worker, to, version);
	must(tree_rename(worker->store, worker->dir,
		component_of(worker, keys[0]), TREE_FILE, worker->dir,
		component_of(worker, keys[1]), 0, &replaced));
}

static void
rename_dir(struct worker *worker)
{
	unsigned int from = worker->now[THING_TWIN] ? 0 : 1;
	uint64_t version = worker->now[THING_TWIN + from];
	struct inode replaced;

	begin(worker, THING_TWIN + from, 0);
	begin(worker, THING_TWIN + 1 - from, version);
	must(tree_rename(worker->store, worker->dir,
		from ? SLICE("d1") : SLICE("d0"), TREE_DIR, worker->dir,
		from ? SLICE("d0") : SLICE("d1"), 0, &replaced));
}

/* The file named so, which stays open until it is closed by chance. */
static struct file *
open_in_place(struct worker *worker, unsigned int which, struct slice name)
{
	struct inode inode;

	if (worker->open[which])
		return worker->open[which];
	must(tree_lookup(worker->store, worker->dir, name, TREE_FILE, NULL,
		&inode));
	must(file_open(worker->store, inode.ino, O_RDWR, &worker->open[which]));
	return worker->open[which];
}

static void
close_in_place(struct worker *worker, unsigned int which)
{
	if (!worker->open[which])
		return;
	must(file_flush(worker->open[which]));
	must(file_close(&worker->open[which], O_RDWR));
}

/* Sectors from `first` on, each of the same new version. */
static void
write_sectors(struct worker *worker, struct file *file, unsigned int first,
	unsigned int count, uint64_t offset)
{
	uint64_t version = worker->next_version++;

	content_fill(version, worker->bytes, CONTENT_SECTOR);
	for (unsigned int i = 0; i < count; i++) {
		begin(worker, first + i, version);
		memmove(worker->bytes + i * CONTENT_SECTOR, worker->bytes,
			CONTENT_SECTOR);
	}
	write_at(file, slice_of(worker->bytes, (size_t)count * CONTENT_SECTOR),
		offset);
}

static void
sync_sectors(struct worker *worker, struct file *file, unsigned int first,
	unsigned int count)
{
	must(file_sync(file, draw(worker, 2)));
	for (unsigned int i = first; i < first + count; i++) {
		if (worker->is_begun[i])
			done(worker, i);
	}
}

static void
write_in_place(struct worker *worker)
{
	unsigned int at = (unsigned int)draw(worker, SECTORS);
	unsigned int count = 1 + (unsigned int)draw(worker, SECTORS - at);
	struct file *file = open_in_place(worker, 0, SLICE("disk"));

	write_sectors(worker, file, THING_SECTOR + at, count,
		(uint64_t)at * CONTENT_SECTOR);
	if (draw(worker, 2))
		sync_sectors(worker, file, THING_SECTOR, SECTORS);
	if (draw(worker, 2))
		close_in_place(worker, 0);
}

static void
append(struct worker *worker)
{
	struct file *file;

	if (worker->chunks == CHUNKS)
		return;
	file = open_in_place(worker, 1, SLICE("log"));
	write_sectors(worker, file, THING_CHUNK + worker->chunks, 1,
		(uint64_t)worker->chunks * CONTENT_SECTOR);
	worker->chunks++;
	if (draw(worker, 2))
		sync_sectors(worker, file, THING_CHUNK, CHUNKS);
	if (draw(worker, 2))
		close_in_place(worker, 1);
}

/* The disk's bytes, shared until the next write to it. */
static void
take_snapshot(struct worker *worker)
{
	char keys[2][CONTENT_KEY_MAX + 1];
	struct object made;

	snprintf(keys[0], sizeof(keys[0]), "%s/disk", worker->tag);
	snprintf(keys[1], sizeof(keys[1]), "%s/snapshot", worker->tag);
	for (unsigned int i = 0; i < SECTORS; i++)
		begin(worker, THING_SNAPSHOT + i,
			worker->now[THING_SECTOR + i]);
	must(object_copy(worker->store, worker->bucket, slice_str(keys[0]),
		NULL, NULL, worker->bucket, slice_str(keys[1]), NULL, NULL,
		&made));
	for (unsigned int i = 0; i < SECTORS; i++)
		done(worker, THING_SNAPSHOT + i);
}

static void
delete_burst(struct worker *worker)
{
	char names[BURST][CONTENT_KEY_MAX + 1];
	struct object_deletion deletions[BURST];

	for (unsigned int i = 0; i < BURST; i++) {
		name_of(worker, THING_BURST + i, names[i]);
		deletions[i] =
			(struct object_deletion){.key = slice_str(names[i])};
		begin(worker, THING_BURST + i, 0);
	}
	must(object_delete_many(worker->store, worker->bucket, deletions,
		BURST));
	for (unsigned int i = 0; i < BURST; i++) {
		must(deletions[i].err);
		done(worker, THING_BURST + i);
	}
}

/* Files that are closed and not flushed, until all are at once. */
static void
write_burst(struct worker *worker)
{
	struct inode inode;
	uint64_t dir = worker->dir;

	must(tree_mkdir(worker->store, dir, SLICE("burst"), &dir_owner,
		&inode));
	worker->dir = inode.ino;
	for (unsigned int i = 0; i < BURST; i++) {
		struct file *file = NULL;
		char name[CONTENT_KEY_MAX + 1];
		uint64_t version = worker->next_version++;

		name_of(worker, THING_BURST + i, name);
		begin(worker, THING_BURST + i, version);
		must(file_create(worker->store, worker->dir,
			slice_str(strrchr(name, '/') + 1), &owner, &inode,
			&file));
		write_at(file, body(worker, version), 0);
		must(file_flush(file));
		must(file_close(&file, O_RDWR));
	}
	worker->dir = dir;
	sync_all(worker);
}

/* --- versions --------------------------------------------------------------
 */

/* What it is now becomes, or stays, the one before. */
static void
begin_older(struct worker *worker, unsigned int n)
{
	uint64_t now = worker->now[THING_KEPT + n];

	begin(worker, THING_OLDER + n,
		now ? now : worker->now[THING_OLDER + n]);
}

static void
put_kept(struct worker *worker, unsigned int n)
{
	uint64_t bucket = worker->bucket;

	worker->bucket = worker->kept;
	begin_older(worker, n);
	put(worker, THING_KEPT + n, false);
	done(worker, THING_OLDER + n);
	worker->bucket = bucket;
}

static void
delete_kept(struct worker *worker, unsigned int n)
{
	uint64_t bucket = worker->bucket;

	worker->bucket = worker->kept;
	if (worker->now[THING_KEPT + n])
		begin_older(worker, n);
	delete (worker, THING_KEPT + n);
	if (worker->is_begun[THING_OLDER + n])
		done(worker, THING_OLDER + n);
	worker->bucket = bucket;
}

static void
write_kept(struct worker *worker, unsigned int n)
{
	uint64_t version = worker->next_version++;
	char name[16];
	struct file *file;
	struct inode dir, inode;

	/* An empty one in the place of an empty one is no new version. */
	while (content_size(version) == 0)
		version = worker->next_version++;
	snprintf(name, sizeof(name), "v%u", n);
	if (!worker->now[THING_KEPT + n])
		return;
	must(tree_lookup(worker->store, worker->kept, slice_str(worker->tag),
		TREE_DIR, NULL, &dir));
	must(tree_lookup(worker->store, dir.ino, slice_str(name), TREE_FILE,
		NULL, &inode));
	begin_older(worker, n);
	begin(worker, THING_KEPT + n, version);
	must(file_open(worker->store, inode.ino, O_RDWR, &file));
	must(file_data_truncate(file, 0));
	write_at(file, body(worker, version), 0);
	must(file_sync(file, false));
	done(worker, THING_KEPT + n);
	done(worker, THING_OLDER + n);
	must(file_close(&file, O_RDWR));
}

/* What is null becomes an older version, and goes. */
static void
change_fickle(struct worker *worker, unsigned int n)
{
	uint64_t bucket = worker->bucket;

	worker->bucket = worker->fickle;
	must(versioning_set(worker->store, worker->fickle,
		draw(worker, 2) ? VERSIONING_ENABLED : VERSIONING_SUSPENDED));
	for (int i = 0; i < 3; i++) {
		if (draw(worker, 3) == 0)
			delete (worker, THING_FICKLE + n);
		else
			put(worker, THING_FICKLE + n, false);
	}
	worker->bucket = bucket;
}

/* As the store's own thread does it now and then. */
static void
compact(struct worker *worker)
{
	must(pack_seal_full(worker->store));
	must(reclaim_run(worker->store));
}

/* --- one after the other ---------------------------------------------------
 */

static void
set_up(struct worker *worker)
{
	struct inode inode;
	struct file *file = NULL;

	must(tree_mkdir(worker->store, worker->bucket, slice_str(worker->tag),
		&dir_owner, &inode));
	worker->dir = inode.ino;
	must(file_create(worker->store, worker->dir, SLICE("log"), &owner,
		&inode, &file));
	must(file_close(&file, O_RDWR));
	must(file_create(worker->store, worker->dir, SLICE("disk"), &owner,
		&inode, &file));
	write_sectors(worker, file, THING_SECTOR, SECTORS, 0);
	sync_sectors(worker, file, THING_SECTOR, SECTORS);
	must(file_close(&file, O_RDWR));
	/* An empty version could not be told from another. */
	while (content_size(worker->next_version) == 0)
		worker->next_version++;
	put(worker, THING_TWIN, false);
}

static void
one_round(struct worker *worker)
{
	unsigned int any = (unsigned int)draw(worker, KEYS);
	unsigned int other = (unsigned int)draw(worker, KEYS);
	/* Those in the worker's own directory. */
	unsigned int own = any / 2 * 2;

	switch (draw(worker, 22)) {
	case 0:
		delete (worker, any);
		break;
	case 1:
		copy(worker, any, other);
		break;
	case 2:
		upload(worker, any);
		break;
	case 3:
		unlink_file(worker, own);
		break;
	case 4:
		rename_file(worker, own, other / 2 * 2);
		break;
	case 5:
		rename_dir(worker);
		break;
	case 6:
		sync_all(worker);
		break;
	case 7:
	case 8:
		write_in_place(worker);
		break;
	case 9:
		append(worker);
		break;
	case 10:
		take_snapshot(worker);
		break;
	case 11:
	case 12:
		write_file(worker, own);
		break;
	case 13:
		compact(worker);
		break;
	case 14:
		put_kept(worker, any % KEPT);
		break;
	case 15:
		delete_kept(worker, any % KEPT);
		break;
	case 16:
		write_kept(worker, any % KEPT);
		break;
	case 17:
	case 18:
		change_fickle(worker, any % FICKLE);
		break;
	default:
		put(worker, any, true);
	}
}

static void *
work(void *arg)
{
	struct worker *worker = arg;

	set_up(worker);
	for (int i = 0; i < ROUNDS; i++) {
		if (worker->has_burst && i == ROUNDS / 3)
			write_burst(worker);
		if (worker->has_burst && i == ROUNDS / 2)
			delete_burst(worker);
		one_round(worker);
	}
	return NULL;
}

/* What goes on in its files is promised nothing. */
static void
end(struct worker *worker)
{
	close_in_place(worker, 0);
	close_in_place(worker, 1);
}

void
workload_run(struct store *store, unsigned int generation, unsigned int process,
	bool closes_files)
{
	struct worker *workers = calloc(THREADS, sizeof(*workers));
	struct bucket bucket, kept, fickle;

	assert(workers);
	must(bucket_get(store, SLICE(CONTENT_BUCKET), &bucket));
	must(bucket_get(store, SLICE(CONTENT_KEPT_BUCKET), &kept));
	must(bucket_get(store, SLICE(CONTENT_FICKLE_BUCKET), &fickle));
	for (unsigned int i = 0; i < THREADS; i++) {
		struct worker *worker = &workers[i];
		uint64_t id = (generation * 4 + process) * 4 + i + 1;

		worker->store = store;
		worker->bucket = bucket.ino;
		worker->kept = kept.ino;
		worker->fickle = fickle.ino;
		worker->has_burst = process < 2 && i == 0;
		worker->next_version = id << 32 | 1;
		worker->random = id * 0x9e3779b97f4a7c15u;
		snprintf(worker->tag, sizeof(worker->tag), "g%up%ut%u",
			generation, process, i);
		assert(!pthread_create(&worker->thread, NULL, work, worker));
	}
	for (unsigned int i = 0; i < THREADS; i++)
		pthread_join(workers[i].thread, NULL);
	for (unsigned int i = 0; i < THREADS && closes_files; i++)
		end(&workers[i]);
	free(workers);
}
