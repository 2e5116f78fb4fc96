/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whatever S3 and a mount do to a bucket that keeps versions, begins to or
 * stops it, or gets Object Lock: its list is that of a model that keeps a plain
 * array for each key, and so is what each key's null version is.  In some runs
 * an older tarn comes now and then, and what it does not know is gone.
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include <fcntl.h>

#include "store/file.h"
#include "store/lock.h"
#include "store/object_key_private.h"
#include "tests/store/raw.h"
#include "tests/store/versions.h"

enum { SEEDS = 12, STEPS = 120, VERSIONS_MAX = STEPS + 1, FILES = 3 };

/* The first FILES are changed by system calls, too. */
static const char *const keys[] = {"a", "b", "b0", "d/a", "d/b", "d/e/", "é"};

struct one {
	int body; /* -1: a marker */
	bool is_null;
	bool is_held; /* by a legal hold */
};

struct model {
	struct versions it;
	enum versioning versioning;
	bool may_lock; /* else it may stop keeping versions to the end */
	bool may_age;  /* by an older tarn */
	bool is_locking;
	struct one of[array_len(keys)][VERSIONS_MAX]; /* newest first */
	size_t count[array_len(keys)];
	int bodies;
	uint64_t seed;
};

static size_t
draw(struct model *model, size_t below)
{
	model->seed = model->seed * 6364136223846793005u + 1442695040888963407u;
	return (size_t)(model->seed >> 33) % below;
}

static void
forget(struct model *model, size_t key, size_t at)
{
	struct one *all = model->of[key];

	model->count[key]--;
	memmove(&all[at], &all[at + 1],
		(model->count[key] - at) * sizeof(*all));
}

/* What comes while versions are not kept takes the null one's place. */
static void
enter(struct model *model, size_t key, int body)
{
	bool is_null = model->versioning != VERSIONING_ENABLED;
	struct one *all = model->of[key];

	for (size_t i = model->count[key]; is_null && i-- > 0;)
		if (all[i].is_null)
			forget(model, key, i);
	if (body < 0 && model->versioning == VERSIONING_NEVER)
		return;
	memmove(&all[1], &all[0], model->count[key] * sizeof(*all));
	all[0] = (struct one){.body = body, .is_null = is_null};
	model->count[key]++;
}

static bool
has_object(const struct model *model, size_t key)
{
	return model->count[key] > 0 && model->of[key][0].body >= 0;
}

static const char *
next_body(struct model *model)
{
	static char text[16];

	snprintf(text, sizeof(text), "%d", ++model->bodies);
	return text;
}

static void
do_put(struct model *model)
{
	size_t key = draw(model, array_len(keys));

	versions_put(&model->it, keys[key], next_body(model));
	enter(model, key, model->bodies);
}

static void
do_delete(struct model *model)
{
	size_t key = draw(model, array_len(keys));
	bool is_there = has_object(model, key);

	cr_assert(eq(int,
		object_delete(model->it.store, model->it.bucket,
			slice_str(keys[key]), NULL),
		is_there || model->versioning != VERSIONING_NEVER
			? STORE_OK
			: STORE_NOT_FOUND));
	enter(model, key, -1);
}

static void
do_drop(struct model *model)
{
	size_t key = draw(model, array_len(keys));
	struct list_versions_request request = {
		.bucket = model->it.bucket,
		.prefix = slice_str(keys[key]),
		.max = VERSIONS_MAX,
	};
	scoped(arena_free) struct arena arena = {0};
	struct list_versions_page page;
	struct object_deletion done;

	if (!model->count[key])
		return;
	size_t at = draw(model, model->count[key]);

	cr_assert(zero(int,
		list_versions_read(model->it.store, &request, &arena, &page)));
	const bool is_held = model->of[key][at].is_held;
	cr_assert(eq(int,
		versions_drop(&model->it, keys[key],
			version_ref_of(&page.entries[at].version), &done),
		is_held ? STORE_LOCKED : STORE_OK));
	if (is_held)
		return;
	cr_assert(eq(int, done.is_marker, model->of[key][at].body < 0));
	forget(model, key, at);
}

/* Where the null version is; the count: there is none. */
static size_t
find_null(const struct model *model, size_t key)
{
	size_t at = 0;

	while (at < model->count[key] && !model->of[key][at].is_null)
		at++;
	return at;
}

static void
do_drop_null(struct model *model)
{
	static const struct version_ref null = {.which = VERSION_NULL};
	size_t key = draw(model, array_len(keys));
	size_t at = find_null(model, key);
	struct object_deletion done;

	if (at == model->count[key]) {
		cr_assert(eq(int,
			versions_drop(&model->it, keys[key], null, &done),
			STORE_NOT_FOUND));
		return;
	}
	const bool is_held = model->of[key][at].is_held;
	cr_assert(eq(int, versions_drop(&model->it, keys[key], null, &done),
		is_held ? STORE_LOCKED : STORE_OK));
	if (is_held)
		return;
	cr_assert(eq(int, done.is_marker, model->of[key][at].body < 0));
	forget(model, key, at);
}

/* Its rows are not complete any more, and some are gone. */
static void
do_age(struct model *model)
{
	scoped(db_cursor_close) struct db_cursor cursor = {0};
	struct key from = key_u64(0), row = {.len = 0};
	struct db_txn *txn;

	if (!model->may_age)
		return;
	if (draw(model, 2)) {
		temp_store_reopen(&model->it.temp);
		model->it.store = model->it.temp.store;
		return;
	}
	cr_assert(zero(int, db_begin_read(model->it.store->db, &txn)));
	cr_assert(zero(int, db_cursor_open(txn, DB_NULL, &cursor)));
	if (!db_cursor_seek(&cursor, key_slice(&from))) {
		row.len = cursor.key.len;
		memcpy(row.bytes, cursor.key.data, row.len);
	}
	db_cursor_close(&cursor);
	db_abort(&txn);
	raw_put(model->it.store, DB_META, key_text(SLICE("null-versions")),
		SLICE("x"));
	if (row.len)
		raw_delete(model->it.store, DB_NULL, row);
}

static void
do_set(struct model *model)
{
	if (draw(model, model->may_lock ? 4 : 2))
		return;
	enum versioning wanted = draw(model, model->may_lock ? 3 : 2)
					 ? VERSIONING_ENABLED
					 : VERSIONING_SUSPENDED;
	bool is_refused = model->is_locking && wanted == VERSIONING_SUSPENDED;

	cr_assert(eq(int,
		versioning_set(model->it.store, model->it.bucket, wanted),
		is_refused ? STORE_LOCKED : STORE_OK));
	if (!is_refused)
		model->versioning = wanted;
}

/* From the middle on: then versions are kept for good. */
static void
do_hold(struct model *model)
{
	static const struct inode_lock_rule rule;
	static const struct version_ref current = {.which = VERSION_CURRENT};
	size_t key = draw(model, draw(model, 2) ? FILES : array_len(keys));

	if (!model->may_lock || model->versioning != VERSIONING_ENABLED ||
		model->bodies < STEPS / 8 || !has_object(model, key))
		return;
	cr_assert(zero(int,
		lock_set_rule(model->it.store, model->it.bucket, &rule)));
	model->is_locking = true;
	model->of[key][0].is_held = draw(model, 3) > 0;
	cr_assert(zero(int, lock_set_hold(model->it.store, model->it.bucket,
				    slice_str(keys[key]), &current,
				    model->of[key][0].is_held)));
}

/* So that all can go. */
static void
release_all(struct model *model)
{
	scoped(arena_free) struct arena arena = {0};
	const struct list_versions_request request = {
		.bucket = model->it.bucket, .max = STEPS * 2};
	struct list_versions_page page;

	cr_assert(zero(int,
		list_versions_read(model->it.store, &request, &arena, &page)));
	for (size_t i = 0; i < page.count && model->is_locking; i++) {
		const struct list_versions_entry *entry = &page.entries[i];
		struct version_ref version = version_ref_of(&entry->version);

		if (!entry->is_marker)
			cr_assert(zero(int,
				lock_set_hold(model->it.store, model->it.bucket,
					entry->key, &version, false)));
	}
}

static void
do_copy(struct model *model)
{
	size_t from = draw(model, array_len(keys));
	size_t to = draw(model, array_len(keys));
	struct object made;

	if (!has_object(model, from))
		return;
	int body = model->of[from][0].body;

	cr_assert(zero(int,
		object_copy(model->it.store, model->it.bucket,
			slice_str(keys[from]), NULL, NULL, model->it.bucket,
			slice_str(keys[to]), NULL, NULL, &made)));
	enter(model, to, body);
}

static void
do_write(struct model *model)
{
	static const struct tree_owner owner = {.mode = 0644};
	size_t key = draw(model, FILES);
	int flags = draw(model, 2) ? O_RDWR : O_RDWR | O_TRUNC;
	const char *body = next_body(model);
	struct slice name = slice_str(keys[key]);
	struct inode inode;
	struct file *file;
	size_t done;

	if (has_object(model, key)) {
		cr_assert(zero(int,
			tree_lookup(model->it.store, model->it.bucket, name,
				TREE_FILE, NULL, &inode)));
		cr_assert(zero(int,
			file_open(model->it.store, inode.ino, flags, &file)));
		cr_assert(zero(int, file_data_truncate(file, 0)));
	} else {
		flags = O_RDWR;
		cr_assert(zero(int,
			file_create(model->it.store, model->it.bucket, name,
				&owner, &inode, &file)));
	}
	cr_assert(zero(int, file_data_write(file, slice_str(body), 0, &done)));
	if (draw(model, 2))
		cr_assert(zero(int, file_sync(file, false)));
	cr_assert(zero(int, file_close(&file, flags)));
	enter(model, key, model->bodies);
}

static void
do_open(struct model *model)
{
	size_t key = draw(model, FILES);
	struct inode inode;
	struct file *file;

	if (!has_object(model, key))
		return;
	cr_assert(zero(int,
		tree_lookup(model->it.store, model->it.bucket,
			slice_str(keys[key]), TREE_FILE, NULL, &inode)));
	cr_assert(zero(int,
		file_open(model->it.store, inode.ino, O_RDWR, &file)));
	cr_assert(zero(int, file_close(&file, O_RDWR)));
}

static void
do_unlink(struct model *model)
{
	size_t key = draw(model, FILES);
	struct inode gone;

	if (!has_object(model, key))
		return;
	cr_assert(zero(int, tree_unlink(model->it.store, model->it.bucket,
				    slice_str(keys[key]), &gone)));
	enter(model, key, -1);
}

static void
do_rename(struct model *model)
{
	size_t from = draw(model, FILES), to = draw(model, FILES);
	struct inode replaced;

	if (from == to || !has_object(model, from))
		return;
	int body = model->of[from][0].body;
	bool is_held = model->of[from][0].is_held;

	cr_assert(zero(int,
		tree_rename(model->it.store, model->it.bucket,
			slice_str(keys[from]), TREE_FILE, model->it.bucket,
			slice_str(keys[to]), 0, &replaced)));
	enter(model, to, body);
	if (!is_held)
		forget(model, from, 0);
	if (model->count[from] && model->of[from][0].body >= 0)
		enter(model, from, -1);
}

/* As a request with versionId=null finds it. */
static void
compare_nulls(struct model *model, size_t step)
{
	static const struct version_ref null = {.which = VERSION_NULL};

	for (size_t key = 0; key < array_len(keys); key++) {
		scoped(db_abort) struct db_txn *txn = NULL;
		size_t at = find_null(model, key);
		bool is_there = at < model->count[key];
		bool is_marker = is_there && model->of[key][at].body < 0;
		struct object found;

		cr_assert(zero(int, db_begin_read(model->it.store->db, &txn)));
		enum store_err err = object_key_find_version(txn,
			model->it.bucket, slice_str(keys[key]), &null, &found);
		cr_assert(eq(int, err,
				  is_there && !is_marker ? STORE_OK
							 : STORE_NOT_FOUND),
			"step %zu, \"%s\"", step, keys[key]);
		cr_assert(eq(int, found.is_marker, is_marker));
	}
}

static void
compare(struct model *model, size_t step)
{
	scoped(buffer_free) struct buffer expected = {0};

	for (size_t key = 0; key < array_len(keys); key++)
		for (size_t i = 0; i < model->count[key]; i++) {
			const struct one *one = &model->of[key][i];

			buffer_printf(&expected,
				"%s%s=", expected.len ? " " : "", keys[key]);
			if (one->body < 0)
				buffer_append_char(&expected, '-');
			else
				buffer_printf(&expected, "%d", one->body);
			buffer_printf(&expected, "%s%s", i ? "" : "*",
				one->is_null ? "0" : "");
		}
	buffer_append_char(&expected, '\0');
	cr_assert(versions_lists(&model->it, expected.data), "step %zu: \"%s\"",
		step, expected.data);
}

static void (*const operations[])(struct model *model) = {do_put, do_put,
	do_delete, do_drop, do_drop, do_set, do_copy, do_write, do_write,
	do_open, do_unlink, do_rename, do_rename, do_hold, do_hold,
	do_drop_null, do_drop_null, do_age};

static void
run(uint64_t seed)
{
	struct model *model = calloc(1, sizeof(*model));

	model->seed = seed;
	model->may_lock = seed % 2 == 0;
	model->may_age = seed % 3 == 0;
	model->it = versions_begin(VERSIONING_NEVER);
	for (size_t step = 0; step < STEPS; step++) {
		operations[draw(model, array_len(operations))](model);
		compare(model, step);
		compare_nulls(model, step);
		if (step % 20 == 0)
			cr_assert(names_are_sound(model->it.store), "step %zu",
				step);
	}
	release_all(model);
	for (size_t key = 0; key < array_len(keys); key++)
		while (model->count[key]) {
			struct object_deletion done;
			struct version_ref first = versions_nth(&model->it, 0);

			cr_assert(zero(int, versions_drop(&model->it, keys[key],
						    first, &done)));
			forget(model, key, 0);
		}
	cr_expect(zero(int, bucket_delete(model->it.store, SLICE("bucket"))));
	cr_expect(eq(u64, objects_blob_records(model->it.store), 0));
	versions_end(&model->it);
	free(model);
}

Test(versions_random, what_is_listed_is_what_a_model_keeps)
{
	for (uint64_t seed = 1; seed <= SEEDS; seed++)
		run(seed);
}
