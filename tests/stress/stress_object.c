/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Threads put, copy, delete and upload the same few keys while others read
 * them: what a reader gets is one whole version, and nothing leaks.
 *
 * A version is a number; its body is that number over and over, and its
 * length follows from it.
 */
#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store/scrub.h"
#include "store/upload.h"
#include "tests/store/objects.h"
#include "tests/support/temp_store.h"

#define WRITERS 4
#define READERS 4
#define ROUNDS 60
#define KEYS 3
#define LARGEST 40000
#define PART (5u << 20)
#define UPLOADS 6

static const char *const keys[KEYS] = {"a", "d/b", "d/c/"};

struct stress {
	struct store *store;
	uint64_t bucket;
	atomic_uint next_version;
	atomic_bool is_over;
	atomic_bool has_ended;
	atomic_uint wrong;
	atomic_uint read;
	char upload[UPLOAD_ID_LEN + 1];
};

struct worker {
	struct stress *stress;
	unsigned number;
	unsigned seed;
	pthread_t thread;
};

static unsigned
draw(struct worker *worker, unsigned below)
{
	worker->seed = worker->seed * 1103515245u + 12345u;
	return (worker->seed >> 8) % below;
}

static size_t
length_of(unsigned version)
{
	return version * 2654435761u % LARGEST / 4 * 4;
}

static void
fill(void *to, unsigned version, size_t len)
{
	for (size_t at = 0; at < len; at += 4)
		memcpy((char *)to + at, &version, 4);
}

static bool
is_whole(const char *bytes, size_t len, size_t (*expected)(unsigned version))
{
	unsigned version, word;

	if (len < 4)
		return len == 0;
	memcpy(&version, bytes, 4);
	if (expected && len != expected(version))
		return false;
	for (size_t at = 0; at < len; at += 4) {
		memcpy(&word, bytes + at, 4);
		if (word != version)
			return false;
	}
	return true;
}

static void
expect(struct stress *stress, bool holds, const char *what)
{
	if (holds)
		return;
	atomic_fetch_add(&stress->wrong, 1);
	fprintf(stderr, "not so: %s\n", what);
}

static void
put(struct worker *worker, const char *key)
{
	struct stress *stress = worker->stress;
	unsigned version = atomic_fetch_add(&stress->next_version, 1);
	size_t len = length_of(version);
	const struct object_attrs attrs = {.etag.parts = version};
	struct object_put *handle = NULL;
	struct object made;
	char *bytes = malloc(LARGEST);
	enum store_err err = object_put_begin(stress->store, len, &handle);

	assert(bytes && !err);
	fill(bytes, version, len);
	err = object_put_write(handle, slice_of(bytes, len / 2));
	if (!err)
		err = object_put_write(handle,
			slice_of(bytes + len / 2, len - len / 2));
	free(bytes);
	if (err || draw(worker, 8) == 0) {
		object_put_abort(&handle);
	} else {
		err = object_put_commit(&handle, stress->bucket, slice_str(key),
			&attrs, NULL, &made);
	}
	expect(stress, !err, "a put succeeds");
}

static void *
write_keys(void *arg)
{
	struct worker *worker = arg;
	struct stress *stress = worker->stress;
	struct object made;
	enum store_err err;

	for (int i = 0; i < ROUNDS; i++) {
		struct slice key = slice_str(keys[draw(worker, KEYS)]);
		struct slice other = slice_str(keys[draw(worker, KEYS)]);

		switch (draw(worker, 4)) {
		case 0:
			err = object_delete(stress->store, stress->bucket, key,
				NULL);
			break;
		case 1:
			err = object_copy(stress->store, stress->bucket, key,
				NULL, NULL, stress->bucket, other, NULL, NULL,
				&made);
			break;
		default:
			put(worker, key.data);
			err = STORE_OK;
		}
		expect(stress, !err || err == STORE_NOT_FOUND,
			error_sentence(err));
	}
	return NULL;
}

static void
read_key(struct stress *stress, const char *key, size_t (*expected)(unsigned))
{
	scoped(arena_free) struct arena arena = {0};
	struct object object;
	uint64_t offset;
	int fd;
	enum store_err err = object_open(stress->store, stress->bucket,
		slice_str(key), &arena, &object, &fd, &offset);

	if (err == STORE_NOT_FOUND)
		return;
	expect(stress, !err, "a get finds its data");
	if (err)
		return;
	char *bytes = malloc(object.inode.size + 1);
	assert(bytes);
	if (fd >= 0) {
		err = io_pread_all(fd, bytes, object.inode.size, offset);
		close(fd);
	}
	expect(stress, !err, "the data is as long as the record says");
	expect(stress, is_whole(bytes, object.inode.size, expected),
		"a get is one whole version");
	free(bytes);
	atomic_fetch_add(&stress->read, 1);
}

static void *
read_keys(void *arg)
{
	struct worker *worker = arg;

	while (!atomic_load(&worker->stress->is_over))
		read_key(worker->stress, keys[draw(worker, KEYS)], length_of);
	return NULL;
}

static void
start(struct stress *stress, struct worker *workers, size_t count,
	void *(*run)(void *arg))
{
	for (size_t i = 0; i < count; i++) {
		workers[i] = (struct worker){
			.stress = stress,
			.number = (unsigned)i,
			.seed = (unsigned)(i + 1) * 7919u,
		};
		assert(!pthread_create(&workers[i].thread, NULL, run,
			&workers[i]));
	}
}

static void
join(struct worker *workers, size_t count)
{
	for (size_t i = 0; i < count; i++)
		assert(!pthread_join(workers[i].thread, NULL));
}

static void
race_objects(struct stress *stress)
{
	struct worker writers[WRITERS], readers[READERS];

	start(stress, readers, READERS, read_keys);
	start(stress, writers, WRITERS, write_keys);
	join(writers, WRITERS);
	atomic_store(&stress->is_over, true);
	join(readers, READERS);
}

/* Uploads part 1 and completes with it, or starts a part 2 that comes to
 * nothing, possibly after the object is there. */
static void *
work_on_upload(void *arg)
{
	struct worker *worker = arg;
	struct stress *stress = worker->stress;
	unsigned version = atomic_fetch_add(&stress->next_version, 1);
	struct upload_part_info info = {.number = worker->number == 0 ? 2 : 1};
	const struct object_attrs attrs = {0};
	struct slice key = SLICE("upload");
	struct slice id = slice_str(stress->upload);
	struct upload_part *part = NULL;
	struct object made;
	char *bytes = malloc(PART);
	enum store_err err;

	assert(bytes);
	fill(bytes, version, PART);
	memcpy(info.md5, &version, sizeof(version));
	err = upload_part_begin(stress->store, stress->bucket, key, id,
		info.number, PART, &part);
	for (size_t at = 0; !err && at < PART; at += PART / 5)
		err = upload_part_write(part, slice_of(bytes + at, PART / 5));
	free(bytes);
	if (err || worker->number == 0)
		upload_part_abort(&part);
	else
		err = upload_part_commit(&part, &info);
	if (!err && worker->number)
		err = upload_complete(stress->store, stress->bucket, key, id,
			&info, 1, &attrs, NULL, &made);
	/* Another one's part took the place of ours, or it completed first. */
	expect(stress,
		!err || err == STORE_NO_UPLOAD || err == STORE_BAD_PART ||
			err == STORE_BUSY,
		error_sentence(err));
	return NULL;
}

static size_t
length_of_part(unsigned version)
{
	(void)version;
	return PART;
}

static void
race_uploads(struct stress *stress)
{
	const struct upload_info info = {0};
	struct worker workers[4];
	enum store_err err;

	for (int i = 0; i < UPLOADS; i++) {
		err = upload_begin(stress->store, stress->bucket,
			SLICE("upload"), &info, stress->upload);
		assert(!err);
		start(stress, workers, 4, work_on_upload);
		join(workers, 4);
		read_key(stress, "upload", length_of_part);
		err = upload_abort(stress->store, stress->bucket,
			SLICE("upload"), slice_str(stress->upload));
		expect(stress, !err || err == STORE_NO_UPLOAD,
			"an upload is complete or can be aborted");
	}
}

static void
print_finding(const struct check_finding *finding, void *context)
{
	(void)context;
	fprintf(stderr, "%s: %s\n", check_kind_name(finding->kind),
		finding->text);
}

static void
expect_sound(struct stress *stress)
{
	struct check_result result;
	enum store_err err = check_store(stress->store, CHECK_LOOK,
		print_finding, NULL, &result);

	expect(stress, !err && !result.findings, "fsck has nothing to say");
}

static void
expect_no_leak(struct stress *stress)
{
	struct object_deletion all[] = {
		{.key = slice_str(keys[0])},
		{.key = slice_str(keys[1])},
		{.key = slice_str(keys[2])},
		{.key = SLICE("upload")},
	};
	enum store_err err = object_delete_many(stress->store, stress->bucket,
		all, array_len(all));

	expect(stress, !err && !objects_files_left(stress->store),
		"no data is left without a name");
	expect(stress, !bucket_delete(stress->store, SLICE("bucket")),
		"the bucket is empty");
}

/* Reads all that there is, over and over, while it changes. */
static void *
scrub(void *arg)
{
	struct stress *stress = arg;
	const struct scrub_options options = {.bytes_per_s = 0};

	while (!atomic_load(&stress->has_ended)) {
		struct scrub_result result;
		enum store_err err =
			scrub_run(stress->store, &options, &result);

		expect(stress, !err && !result.damaged && !result.missing,
			"a scrub finds nothing");
	}
	return NULL;
}

int
main(void)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	struct stress stress = {.store = temp.store};
	struct bucket bucket;
	enum store_err err = bucket_create(temp.store, SLICE("bucket"),
		SLICE("default"), &bucket);

	assert(!err);
	stress.bucket = bucket.ino;
	atomic_store(&stress.next_version, 1);
	pthread_t scrubber;
	assert(!pthread_create(&scrubber, NULL, scrub, &stress));
	race_objects(&stress);
	race_uploads(&stress);
	atomic_store(&stress.has_ended, true);
	pthread_join(scrubber, NULL);
	expect_sound(&stress);
	expect_no_leak(&stress);
	expect(&stress, atomic_load(&stress.read) > UPLOADS, "readers read");
	printf("%d passed, %d failed\n", !stress.wrong, !!stress.wrong);
	return stress.wrong != 0;
}
