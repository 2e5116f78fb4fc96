/* SPDX-License-Identifier: Apache-2.0 */
/* By S3. */
#include "store/base/io.h"
#include "store/object.h"
#include "store/upload.h"
#include "tests/crash/worker.h"

void
worker_put(struct worker *worker, unsigned int thing, bool may_abort)
{
	uint64_t version = worker->next_version++;
	const struct object_attrs attrs = {.etag.parts = (uint32_t)version};
	struct slice bytes = worker_body(worker, version);
	struct object_put *handle = NULL;
	struct object made;
	char key[CONTENT_KEY_MAX + 1];

	worker_name(worker, thing, key);
	worker_begin(worker, thing, version);
	must(object_put_begin(worker->store, bytes.len, &handle));
	must(object_put_write(handle, slice_first(bytes, bytes.len / 3)));
	if (may_abort && worker_draw(worker, 20) == 0) {
		object_put_abort(&handle);
		worker->is_begun[thing] = false; /* and never done */
		return;
	}
	must(object_put_write(handle, slice_from(bytes, bytes.len / 3)));
	must(object_put_commit(&handle, worker->bucket, slice_str(key), &attrs,
		NULL, &made));
	worker_done(worker, thing);
}

enum store_err
worker_begin_absent(struct worker *worker, unsigned int thing,
	char key[CONTENT_KEY_MAX + 1])
{
	struct object object;
	scoped(arena_free) struct arena arena = {0};

	worker_name(worker, thing, key);
	enum store_err err = object_head(worker->store, worker->bucket,
		slice_str(key), &arena, &object);
	if (!err)
		worker_begin(worker, thing, 0);
	return err;
}

void
worker_delete(struct worker *worker, unsigned int thing)
{
	char key[CONTENT_KEY_MAX + 1];

	if (worker_begin_absent(worker, thing, key))
		return;
	must(object_delete(worker->store, worker->bucket, slice_str(key),
		NULL));
	worker_done(worker, thing);
}

/* The version that the key has: where a put was aborted, not the last. */
uint64_t
worker_version_of(struct worker *worker, unsigned int thing)
{
	scoped(arena_free) struct arena arena = {0};
	char key[CONTENT_KEY_MAX + 1];
	struct object object;
	uint64_t offset;
	uint64_t version = 0;
	int fd = -1;

	worker_name(worker, thing, key);
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

void
worker_copy(struct worker *worker, unsigned int from, unsigned int to)
{
	char keys[2][CONTENT_KEY_MAX + 1];
	uint64_t version = worker_version_of(worker, from);
	struct object made;

	if (!version || from == to)
		return;
	worker_name(worker, from, keys[0]);
	worker_name(worker, to, keys[1]);
	worker_begin(worker, to, version);
	must(object_copy(worker->store, worker->bucket, slice_str(keys[0]),
		NULL, NULL, worker->bucket, slice_str(keys[1]), NULL, NULL,
		&made));
	worker_done(worker, to);
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

void
worker_upload(struct worker *worker, unsigned int thing)
{
	uint64_t version = worker->next_version++;
	const struct object_attrs attrs = {0};
	const struct upload_info begun = {0};
	struct upload_part_info info;
	struct object made;
	char name[CONTENT_KEY_MAX + 1];
	char text[UPLOAD_ID_LEN + 1];

	worker_name(worker, thing, name);
	struct slice key = slice_str(name);
	must(upload_begin(worker->store, worker->bucket, key, &begun, text));
	struct slice id = slice_str(text);
	/* A part of one's own first, that another then replaces. */
	if (worker_draw(worker, 2))
		upload_part_once(worker, key, id, SLICE("replaced"), &info);
	upload_part_once(worker, key, id, worker_body(worker, version), &info);
	switch (worker_draw(worker, 6)) {
	case 0:
		must(upload_abort(worker->store, worker->bucket, key, id));
		return;
	case 1:
		return; /* left lying */
	default:
		break;
	}
	worker_begin(worker, thing, version);
	must(upload_complete(worker->store, worker->bucket, key, id, &info, 1,
		&attrs, NULL, &made));
	worker_done(worker, thing);
}

/* The disk's bytes, shared until the next write to it. */
void
worker_take_snapshot(struct worker *worker)
{
	char keys[2][CONTENT_KEY_MAX + 1];
	struct object made;

	snprintf(keys[0], sizeof(keys[0]), "%s/disk", worker->tag);
	snprintf(keys[1], sizeof(keys[1]), "%s/snapshot", worker->tag);
	for (unsigned int i = 0; i < SECTORS; i++)
		worker_begin(worker, THING_SNAPSHOT + i,
			worker->now[THING_SECTOR + i]);
	must(object_copy(worker->store, worker->bucket, slice_str(keys[0]),
		NULL, NULL, worker->bucket, slice_str(keys[1]), NULL, NULL,
		&made));
	for (unsigned int i = 0; i < SECTORS; i++)
		worker_done(worker, THING_SNAPSHOT + i);
}

void
worker_delete_burst(struct worker *worker)
{
	char names[BURST][CONTENT_KEY_MAX + 1];
	struct object_deletion deletions[BURST];

	for (unsigned int i = 0; i < BURST; i++) {
		worker_name(worker, THING_BURST + i, names[i]);
		deletions[i] =
			(struct object_deletion){.key = slice_str(names[i])};
		worker_begin(worker, THING_BURST + i, 0);
	}
	must(object_delete_many(worker->store, worker->bucket, deletions,
		BURST));
	for (unsigned int i = 0; i < BURST; i++) {
		must(deletions[i].err);
		worker_done(worker, THING_BURST + i);
	}
}
