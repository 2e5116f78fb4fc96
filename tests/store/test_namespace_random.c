/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random operations, as S3 and as a mount, against tests/support/model.h.
 * Names are few and alike, so that they meet: a file and a directory of one
 * name, names that differ around '/', and long ones that share their chunks.
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "tests/store/names.h"
#include "tests/support/model.h"
#include "tests/support/temp_store.h"

#define KEY_ROOM 16384
/* Renames may not make longer ones, or the model gets slow. */
#define LEN_MAX 3000

struct run {
	struct store *store;
	uint64_t bucket;
	uint64_t seed;
	struct model model;
	char long_names[5][512];
};

static uint32_t
draw(struct run *run, uint32_t below)
{
	run->seed = run->seed * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(run->seed >> 33) % below;
}

static const char *
draw_name(struct run *run)
{
	static const char *const names[] = {
		"a", "a-", "a0", "b", "ab", ".", "\xc3\xa9", "ab-b"};

	if (draw(run, 8) == 0)
		return run->long_names[draw(run, 5)];
	return names[draw(run, 8)];
}

/* A directory that may or may not exist: "", "a/", "a/b/". */
static void
draw_dir(struct run *run, char path[KEY_ROOM])
{
	uint32_t depth = draw(run, 4);

	path[0] = '\0';
	while (depth-- > 0 && strlen(path) < LEN_MAX - 512) {
		strncat(path, draw(run, 9) ? draw_name(run) : "", 600);
		strncat(path, "/", 2);
	}
}

/* One that exists. */
static void
draw_real_dir(struct run *run, char path[KEY_ROOM])
{
	do
		draw_dir(run, path);
	while (!model_has_dir(&run->model, path));
}

static void
draw_key(struct run *run, char key[KEY_ROOM])
{
	do {
		draw_dir(run, key);
		if (draw(run, 4) || !key[0])
			strncat(key, draw_name(run), 600);
		if (draw(run, 4) == 0)
			strncat(key, "/", 2);
	} while (strlen(key) > TREE_KEY_MAX);
}

static void
do_put(struct run *run)
{
	char key[KEY_ROOM];

	draw_key(run, key);
	model_put(&run->model, key);
	cr_assert(eq(int, names_put(run->store, run->bucket, key), STORE_OK));
}

static void
do_delete(struct run *run)
{
	char key[KEY_ROOM];

	draw_key(run, key);
	/* S3 does not see it: object.c's business. */
	if (model_find(&run->model, key) == MODEL_HIDDEN)
		return;
	bool is_done = model_delete(&run->model, key);
	cr_assert(eq(int, names_delete(run->store, run->bucket, key),
		is_done ? STORE_OK : STORE_NOT_FOUND));
}

static void
do_make(struct run *run)
{
	char parent[KEY_ROOM];
	const char *name = draw_name(run);
	bool is_dir = draw(run, 3);
	struct inode inode;
	enum store_err err;

	draw_real_dir(run, parent);
	uint64_t dir = names_dir(run->store, run->bucket, parent);
	if (is_dir)
		err = tree_mkdir(run->store, dir, slice_str(name), &names_owner,
			&inode);
	else
		err = tree_symlink(run->store, dir, slice_str(name),
			SLICE("to"), &names_owner, &inode);
	bool is_done = model_make(&run->model, parent, name,
		is_dir ? MODEL_EXPLICIT : MODEL_HIDDEN);
	cr_assert(eq(int, err, is_done ? STORE_OK : STORE_EXISTS));
}

static void
do_remove(struct run *run)
{
	char path[KEY_ROOM];
	const char *name = draw_name(run);
	struct inode inode;

	draw_real_dir(run, path);
	uint64_t dir = names_dir(run->store, run->bucket, path);
	strncat(path, name, 600);
	bool is_done = model_unlink(&run->model, path);
	enum store_err err =
		tree_unlink(run->store, dir, slice_str(name), &inode);
	cr_assert(eq(int, !err, is_done));

	strncat(path, "/", 2);
	is_done = model_rmdir(&run->model, path);
	err = tree_rmdir(run->store, dir, slice_str(name));
	cr_assert(eq(int, !err, is_done));
}

/* As the model has it: the source moves, and something that S3 does not see
 * gets its name. */
static bool
model_rename_whiteout(struct model *model, const char *parent, const char *name,
	bool is_dir, const char *to, const char *new_name)
{
	bool stays = !strcmp(parent, to) && !strcmp(name, new_name);
	char file[KEY_ROOM], dir[KEY_ROOM];

	snprintf(file, sizeof(file), "%s%s", parent, name);
	snprintf(dir, sizeof(dir), "%s%s/", parent, name);
	if (!stays && is_dir && model_find(model, file) != MODEL_NONE)
		return false;
	if (!stays && !is_dir && model_find(model, dir) != MODEL_NONE)
		return false;
	if (!model_rename(model, is_dir ? dir : file, to, new_name, false,
		    false))
		return false;
	return stays || model_make(model, parent, name, MODEL_HIDDEN);
}

static void
do_rename_whiteout(struct run *run)
{
	char from[KEY_ROOM], to[KEY_ROOM];
	const char *name = draw_name(run);
	const char *new_name = draw_name(run);
	const struct tree_owner owner = {S_IFCHR, 0, 0};
	bool is_dir = draw(run, 2);
	struct inode replaced;

	draw_real_dir(run, from);
	draw_real_dir(run, to);
	uint64_t from_dir = names_dir(run->store, run->bucket, from);
	uint64_t to_dir = names_dir(run->store, run->bucket, to);
	bool is_done = model_rename_whiteout(&run->model, from, name, is_dir,
		to, new_name);
	enum store_err err = tree_rename_whiteout(run->store, from_dir,
		slice_str(name), is_dir ? TREE_DIR : TREE_FILE, to_dir,
		slice_str(new_name), 0, &owner, &replaced);
	cr_assert(eq(int, !err, is_done), "%s%s to %s%s: %s", from, name, to,
		new_name, error_name(err));
}

static void
do_rename(struct run *run)
{
	char from[KEY_ROOM], to[KEY_ROOM];
	const char *name = draw_name(run);
	const char *new_name = draw_name(run);
	static const unsigned all_flags[] = {
		0, 0, TREE_NO_REPLACE, TREE_EXCHANGE};
	unsigned flags = all_flags[draw(run, 4)];
	bool is_dir = draw(run, 2);
	struct inode replaced;

	draw_real_dir(run, from);
	draw_real_dir(run, to);
	uint64_t from_dir = names_dir(run->store, run->bucket, from);
	uint64_t to_dir = names_dir(run->store, run->bucket, to);
	strncat(from, name, 600);
	if (is_dir)
		strncat(from, "/", 2);
	bool is_done = model_rename(&run->model, from, to, new_name,
		flags == TREE_NO_REPLACE, flags == TREE_EXCHANGE);
	enum store_err err = tree_rename(run->store, from_dir, slice_str(name),
		is_dir ? TREE_DIR : TREE_FILE, to_dir, slice_str(new_name),
		flags, &replaced);
	cr_assert(eq(int, !err, is_done), "%s to %s%s, flags %u: %s", from, to,
		new_name, flags, error_name(err));
}

/* What it lists is what the model does, whatever is asked. */
static void
compare(struct run *run)
{
	static const char *const delimiters[] = {
		"", "/", "/", "-", "b", "/a", "b/", "//"};
	const char *delimiter = delimiters[draw(run, 8)];
	char prefix[KEY_ROOM];

	draw_dir(run, prefix);
	if (draw(run, 2))
		strncat(prefix, draw_name(run), 600);
	if (draw(run, 3) == 0)
		prefix[0] = '\0';
	char *expected = model_list(&run->model, prefix, delimiter);
	char *got = names_list(run->store, run->bucket, prefix, delimiter,
		1 + draw(run, 20));
	if (strcmp(expected, got) != 0)
		fprintf(stderr,
			"prefix '%s' delimiter '%s': got\n%s"
			"expected\n%s",
			prefix, delimiter, got, expected);
	cr_assert(eq(str, got, expected));
	free(expected);
	free(got);
}

static bool
count_entry(struct slice component, const struct inode *inode, void *context)
{
	(void)component;
	(void)inode;
	++*(size_t *)context;
	return true;
}

static size_t
count_below(struct run *run, uint64_t dir)
{
	size_t count = 0;

	cr_assert(eq(int,
		tree_read_dir(run->store, dir, SLICE_NULL, count_entry, &count),
		STORE_OK));
	return count;
}

static void
do_one(struct run *run)
{
	uint32_t what = draw(run, 13);

	if (what < 5)
		do_put(run);
	else if (what < 7)
		do_delete(run);
	else if (what < 8)
		do_make(run);
	else if (what < 10)
		do_remove(run);
	else if (what < 12)
		do_rename(run);
	else
		do_rename_whiteout(run);
}

static void
run_seed(uint64_t seed, int operations)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	struct run run = {.store = temp.store, .seed = seed};
	static const size_t long_lens[] = {479, 480, 481, 490, 255};

	run.bucket = names_bucket(temp.store, "bucket");
	for (size_t i = 0; i < 5; i++)
		memset(run.long_names[i], 'b', long_lens[i]);
	for (int i = 0; i < operations; i++) {
		do_one(&run);
		if (i % 4 == 0)
			compare(&run);
		if (i % 500 == 499)
			cr_assert(names_are_sound(temp.store));
	}
	cr_expect(names_are_sound(temp.store));
	cr_expect(eq(u64, names_objects(temp.store, run.bucket),
		model_objects(&run.model)));

	/* All of it can be taken away again, and leaves nothing. */
	while (run.model.count > 0) {
		char path[KEY_ROOM];
		const struct model_entry *entry =
			&run.model.entries[run.model.count - 1];

		snprintf(path, sizeof(path), "%s", entry->path);
		size_t len = strlen(path);
		bool is_dir = path[len - 1] == '/';
		if (is_dir)
			path[--len] = '\0';
		char *slash = strrchr(path, '/');
		char *name = slash ? slash + 1 : path;
		char parent[KEY_ROOM];
		struct inode inode;
		snprintf(parent, sizeof(parent), "%.*s", (int)(name - path),
			path);
		uint64_t dir = names_dir(run.store, run.bucket, parent);
		if (is_dir) {
			cr_assert(eq(int,
				tree_rmdir(run.store, dir, slice_str(name)),
				STORE_OK));
			strncat(path, "/", 2);
			cr_assert(model_rmdir(&run.model, path));
		} else {
			cr_assert(eq(int,
				tree_unlink(run.store, dir, slice_str(name),
					&inode),
				STORE_OK));
			cr_assert(model_unlink(&run.model, path));
		}
	}
	cr_expect(eq(sz, count_below(&run, run.bucket), 0));
	cr_expect(eq(u64, names_objects(temp.store, run.bucket), 0));
	cr_expect(eq(int, bucket_delete(temp.store, SLICE("bucket")),
		STORE_OK));
	cr_expect(names_are_sound(temp.store));
	model_free(&run.model);
}

Test(namespace_random, is_as_the_model_has_it)
{
	run_seed(1, 3000);
}

Test(namespace_random, is_as_the_model_has_it_another_time)
{
	run_seed(20261121, 3000);
}

Test(namespace_random, small_ones_are_as_the_model_has_them)
{
	for (uint64_t seed = 100; seed < 120; seed++)
		run_seed(seed, 100);
}
