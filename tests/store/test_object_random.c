/* SPDX-License-Identifier: Apache-2.0 */
/* Random operations on few keys against a model in memory.  The seed is
 * printed; TARN_TEST_SEED repeats a run. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>

#include "store/base/random.h"
#include "store/upload.h"
#include "tests/store/objects.h"
#include "tests/support/temp_store.h"

#define STEPS 1000
#define LARGEST 20000

/* Names that meet each other: objects that are directories, too. */
static const char *const keys[] = {"a", "a/", "a/b", "a/b/", "a/b/c", "a//",
	"b", "b/c/d/e", "b/c/d/f", "b/c/", "..", "a0"};
#define KEYS (sizeof(keys) / sizeof(keys[0]))

struct model {
	struct temp_store temp;
	uint64_t bucket;
	uint64_t seed;
	bool is_there[KEYS];
	uint32_t content[KEYS]; /* seeds of bytes() */
	unsigned checks;
};

static unsigned
draw(struct model *model, unsigned below)
{
	model->seed = model->seed * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(model->seed >> 33) % below;
}

/* The bytes that a content stands for; a fifth of them are none. */
static struct slice
bytes(uint32_t content, struct arena *arena)
{
	size_t size = content % 5 ? content % LARGEST : 0;
	char *to = arena_alloc(arena, size + 4);

	for (size_t at = 0; at < size; at += 4) {
		uint32_t word = content * 2654435761u + (uint32_t)at;
		memcpy(to + at, &word, 4);
	}
	return slice_of(to, size);
}

static void
check_key(struct model *model, size_t i)
{
	scoped(arena_free) struct arena arena = {0};
	struct slice got =
		objects_get(model->temp.store, model->bucket, keys[i], &arena);

	cr_assert(eq(int, got.data != NULL, model->is_there[i]), "%s", keys[i]);
	if (got.data)
		cr_assert(slice_equal(got, bytes(model->content[i], &arena)),
			"%s has other bytes", keys[i]);
	model->checks++;
}

static void
step_put(struct model *model, size_t i)
{
	scoped(arena_free) struct arena arena = {0};
	uint32_t content = draw(model, 1u << 30);
	const struct object_condition new_only = {.must_not_exist = true};
	bool is_conditional = draw(model, 4) == 0;
	enum store_err err = objects_put_if(model->temp.store, model->bucket,
		keys[i], bytes(content, &arena),
		is_conditional ? &new_only : NULL);

	if (is_conditional && model->is_there[i]) {
		cr_assert(eq(int, err, STORE_PRECONDITION));
		return;
	}
	cr_assert(eq(int, err, STORE_OK));
	model->is_there[i] = true;
	model->content[i] = content;
}

static void
step_upload(struct model *model, size_t i)
{
	scoped(arena_free) struct arena arena = {0};
	uint32_t content = draw(model, 1u << 30);
	struct slice body = bytes(content, &arena);
	struct store *store = model->temp.store;
	struct slice key = slice_str(keys[i]);
	const struct upload_info info = {0};
	const struct object_attrs attrs = {0};
	struct upload_part_info part_info = {.number = 1};
	struct upload_part *part = NULL;
	struct object made;
	char id[UPLOAD_ID_LEN + 1];

	digest_of(DIGEST_MD5, body, part_info.md5);
	cr_assert(eq(int, upload_begin(store, model->bucket, key, &info, id),
		STORE_OK));
	cr_assert(eq(int,
		upload_part_begin(store, model->bucket, key, slice_str(id), 1,
			body.len, &part),
		STORE_OK));
	cr_assert(eq(int, upload_part_write(part, body), STORE_OK));
	cr_assert(eq(int, upload_part_commit(&part, &part_info), STORE_OK));
	if (draw(model, 3) == 0) {
		cr_assert(eq(int,
			upload_abort(store, model->bucket, key, slice_str(id)),
			STORE_OK));
		return;
	}
	cr_assert(eq(int,
		upload_complete(store, model->bucket, key, slice_str(id),
			&part_info, 1, &attrs, NULL, &made),
		STORE_OK));
	model->is_there[i] = true;
	model->content[i] = content;
}

static void
step_copy(struct model *model, size_t from, size_t to)
{
	struct object made;
	enum store_err err = object_copy(model->temp.store, model->bucket,
		slice_str(keys[from]), NULL, NULL, model->bucket,
		slice_str(keys[to]), NULL, NULL, &made);

	cr_assert(eq(int, err,
		model->is_there[from] ? STORE_OK : STORE_NOT_FOUND));
	if (err)
		return;
	model->is_there[to] = true;
	model->content[to] = model->content[from];
}

static enum store_err
let(const struct inode *source, const struct inode *target, void *context)
{
	(void)source;
	(void)target;
	(void)context;
	return STORE_OK;
}

static bool
is_dir_key(size_t i)
{
	return slice_has_suffix(slice_str(keys[i]), SLICE("/"));
}

static void
step_rename(struct model *model, size_t from, size_t to)
{
	struct inode moved;
	enum store_err err = object_rename(model->temp.store, model->bucket,
		slice_str(keys[from]), slice_str(keys[to]), let, NULL, NULL,
		&moved);

	cr_assert(eq(int, err,
		is_dir_key(from) || is_dir_key(to) ? STORE_IS_DIR
		: model->is_there[from]		   ? STORE_OK
						   : STORE_NOT_FOUND));
	if (err)
		return;
	model->is_there[from] = false;
	model->is_there[to] = true;
	model->content[to] = model->content[from];
}

static void
step_delete(struct model *model, size_t i)
{
	enum store_err err = object_delete(model->temp.store, model->bucket,
		slice_str(keys[i]), NULL);

	cr_assert(eq(int, err,
		model->is_there[i] ? STORE_OK : STORE_NOT_FOUND));
	model->is_there[i] = false;
}

static void
step_delete_many(struct model *model)
{
	struct object_deletion deletions[4];
	size_t chosen[4];

	for (size_t i = 0; i < 4; i++) {
		chosen[i] = draw(model, KEYS);
		deletions[i] = (struct object_deletion){
			.key = slice_str(keys[chosen[i]])};
	}
	cr_assert(eq(int,
		object_delete_many(model->temp.store, model->bucket, deletions,
			4),
		STORE_OK));
	for (size_t i = 0; i < 4; i++) {
		cr_assert(eq(int, deletions[i].err,
			model->is_there[chosen[i]] ? STORE_OK
						   : STORE_NOT_FOUND));
		model->is_there[chosen[i]] = false;
	}
}

/* Counters, data files and records agree with what is there. */
static void
check_all(struct model *model)
{
	scoped(arena_free) struct arena arena = {0};
	uint64_t objects, size, count = 0, total = 0;

	for (size_t i = 0; i < KEYS; i++) {
		check_key(model, i);
		count += model->is_there[i];
		if (model->is_there[i])
			total += bytes(model->content[i], &arena).len;
	}
	cr_assert(eq(u64, objects_findings(model->temp.store), 0));
	objects_usage(model->temp.store, model->bucket, &objects, &size);
	cr_assert(eq(u64, objects, count));
	cr_assert(eq(u64, size, total));
}

static void
step(struct model *model)
{
	size_t i = draw(model, KEYS);
	unsigned what = draw(model, 100);

	if (what < 35)
		step_put(model, i);
	else if (what < 45)
		step_upload(model, i);
	else if (what < 55)
		step_copy(model, i, draw(model, KEYS));
	else if (what < 65)
		step_rename(model, i, draw(model, KEYS));
	else if (what < 80)
		step_delete(model, i);
	else if (what < 85)
		step_delete_many(model);
	else if (what < 99)
		check_key(model, i);
	else
		temp_store_reopen(&model->temp);
}

Test(object_random, does_what_a_map_in_memory_does)
{
	const char *given = getenv("TARN_TEST_SEED");
	struct model model = {
		.temp = temp_store_open(),
		.seed = given ? strtoull(given, NULL, 0) : random_u64(),
	};

	printf("TARN_TEST_SEED=%llu\n", (unsigned long long)model.seed);
	fflush(stdout);
	model.bucket = objects_bucket(model.temp.store, "bucket");
	for (int i = 0; i < STEPS; i++) {
		step(&model);
		if (i % 100 == 99)
			check_all(&model);
	}
	temp_store_reopen(&model.temp);
	check_all(&model);

	cr_expect(gt(u32, model.checks, KEYS * STEPS / 100));
	cr_expect(eq(u64, objects_files_left(model.temp.store),
		objects_blob_records(model.temp.store)));
	for (size_t i = 0; i < KEYS; i++)
		if (model.is_there[i])
			step_delete(&model, i);
	cr_expect(eq(u64, objects_files_left(model.temp.store), 0));
	cr_expect(eq(int, bucket_delete(model.temp.store, SLICE("bucket")),
		STORE_OK));
	temp_store_close(&model.temp);
}
