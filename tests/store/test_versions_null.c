/* SPDX-License-Identifier: Apache-2.0 */
/* The version "null" among the older ones: history_null_private.h. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "store/base/codec.h"
#include "store/counter_private.h"
#include "store/history_null_private.h"
#include "store/session_private.h"
#include "tests/store/checks.h"
#include "tests/store/raw.h"
#include "tests/store/versions.h"

static const struct version_ref null = {.which = VERSION_NULL};

/* One that came before versions were kept, and others on top of it. */
static void
put_null(struct versions *it, const char *key)
{
	cr_assert(zero(int,
		versioning_set(it->store, it->bucket, VERSIONING_SUSPENDED)));
	versions_put(it, key, "null");
	cr_assert(zero(int,
		versioning_set(it->store, it->bucket, VERSIONING_ENABLED)));
	versions_put(it, key, "1");
	versions_put(it, key, "2");
}

static bool
has_null(struct versions *it, const char *key)
{
	scoped(arena_free) struct arena arena = {0};
	struct object object;
	uint64_t offset;
	int fd = -1;
	enum store_err err = object_open_version(it->store, it->bucket,
		slice_str(key), &null, &arena, &object, &fd, &offset);

	if (fd >= 0)
		close(fd);
	cr_assert(err == STORE_OK || err == STORE_NOT_FOUND);
	return !err;
}

static bool
is_complete(struct versions *it)
{
	scoped(db_abort) struct db_txn *txn = NULL;
	bool out;

	cr_assert(zero(int, db_begin_read(it->store->db, &txn)));
	cr_assert(zero(int, history_null_run_is_complete(txn, &out)));
	return out;
}

/* The key of the row of "KEY", which has no '/'. */
static struct key
row_of(struct versions *it, const char *key)
{
	scoped(db_abort) struct db_txn *txn = NULL;
	struct record_versions of;
	char stem[64];

	cr_assert(zero(int, db_begin_read(it->store->db, &txn)));
	cr_assert(zero(int, history_of(txn, it->bucket, &of)));
	snprintf(stem, sizeof(stem), "%s", key);
	return key_dentry(of.history, slice_of(stem, strlen(key) + 1));
}

static enum store_err
apply_older_session(struct store *store, struct db_txn *txn, void *arg)
{
	(void)store;
	return counter_take(txn, COUNTER_SESSION, 1, arg);
}

/* One of an older tarn, which knows nothing of the rows, begins and ends. */
static void
come_as_older(struct versions *it)
{
	uint64_t session;

	cr_assert(zero(int,
		commit_run(it->store, apply_older_session, &session, NULL)));
}

static void
reopen(struct versions *it)
{
	temp_store_reopen(&it->temp);
	it->store = it->temp.store;
}

/* The newest older one's name leads to what does not decode: who looks at it
 * fails. */
static void
spoil_newest(struct versions *it, const char *key)
{
	scoped(history_row_free) struct history_row row = {0};
	struct record_versions of;
	struct db_txn *txn;

	cr_assert(zero(int, db_begin_read(it->store->db, &txn)));
	cr_assert(zero(int, history_of(txn, it->bucket, &of)));
	cr_assert(zero(int, history_newest(txn, &of, slice_str(key), &row)));
	db_abort(&txn);
	raw_put(it->store, DB_DENTRY,
		key_dentry(row.parent, buffer_slice(&row.component)),
		SLICE("\x02x"));
}

Test(versions_null, is_found_without_a_look_at_the_others)
{
	struct versions it = versions_begin(VERSIONING_ENABLED);

	put_null(&it, "k");
	put_null(&it, "none");
	struct object_deletion done;
	cr_assert(zero(int, versions_drop(&it, "none", null, &done)));
	versions_put(&it, "none", "3");
	spoil_newest(&it, "k");
	spoil_newest(&it, "none");

	cr_expect(has_null(&it, "k"));
	cr_expect(not(has_null(&it, "none")));
	cr_assert(zero(int,
		versioning_set(it.store, it.bucket, VERSIONING_SUSPENDED)));
	versions_put(&it, "k", "4");
	versions_put(&it, "none", "4");
	cr_expect(zero(int,
		object_delete(it.store, it.bucket, SLICE("none"), NULL)));
	cr_expect(eq(u64, objects_rows(it.store, DB_NULL), 1));
	temp_store_close(&it.temp);
}

Test(versions_null, what_is_not_asked_for_is_not_looked_at)
{
	struct versions it = versions_begin(VERSIONING_ENABLED);
	struct object_deletion done;

	for (int i = 0; i < 3; i++)
		versions_put(&it, "d/k", "1");
	spoil_newest(&it, "d/k");
	for (int i = 0; i < 3; i++)
		versions_put(&it, "d/k", "2");
	versions_put(&it, "e", "3");

	cr_expect(versions_lists_below(&it, "", "/", "(d/) e=3*"));
	struct version_ref current = versions_nth(&it, 0);
	struct version_ref older = versions_nth(&it, 1);
	cr_expect(zero(int, versions_drop(&it, "d/k", older, &done)));
	cr_expect(zero(int, versions_drop(&it, "d/k", current, &done)));
	cr_expect(zero(int,
		object_delete(it.store, it.bucket, SLICE("d/k"), NULL)));
	temp_store_close(&it.temp);
}

Test(versions_null, a_row_comes_and_goes_with_its_version)
{
	struct versions it = versions_begin(VERSIONING_ENABLED);
	struct object_deletion done;

	versions_put(&it, "d/k", "1");
	versions_put(&it, "d/k", "2");
	cr_expect(eq(u64, objects_rows(it.store, DB_NULL), 0));
	put_null(&it, "d/k");
	cr_expect(eq(u64, objects_rows(it.store, DB_NULL), 1));
	cr_assert(zero(int, versions_drop(&it, "d/k", null, &done)));
	cr_expect(eq(u64, objects_rows(it.store, DB_NULL), 0));

	/* Back under its key, as the newest one that is left. */
	put_null(&it, "r");
	cr_expect(eq(u64, objects_rows(it.store, DB_NULL), 1));
	for (int i = 0; i < 2; i++) {
		cr_assert(zero(int,
			versions_drop(&it, "r", versions_nth(&it, 4), &done)));
	}
	cr_expect(eq(u64, objects_rows(it.store, DB_NULL), 0));
	cr_expect(has_null(&it, "r"));

	/* A marker is one, too. */
	cr_assert(zero(int,
		versioning_set(it.store, it.bucket, VERSIONING_SUSPENDED)));
	cr_assert(zero(int,
		object_delete(it.store, it.bucket, SLICE("r"), NULL)));
	cr_expect(eq(u64, objects_rows(it.store, DB_NULL), 1));
	versions_put(&it, "r", "3");
	cr_expect(eq(u64, objects_rows(it.store, DB_NULL), 0));
	versions_end(&it);
}

static enum store_err
apply_forget(struct store *store, struct db_txn *txn, void *arg)
{
	scoped(db_cursor_close) struct db_cursor cursor = {0};
	struct key from = key_u64(0), row;

	(void)store;
	(void)arg;
	enum store_err err = db_delete(txn, DB_META, SLICE("null-versions"));
	if (!err)
		err = db_cursor_open(txn, DB_NULL, &cursor);
	while (!err) {
		err = db_cursor_seek(&cursor, key_slice(&from));
		if (err)
			break;
		row.len = cursor.key.len;
		memcpy(row.bytes, cursor.key.data, row.len);
		err = db_delete(txn, DB_NULL, key_slice(&row));
	}
	return err == STORE_NOT_FOUND ? STORE_OK : err;
}

/* As a store is that no tarn has opened which knows the rows. */
static void
forget_rows(struct versions *it)
{
	cr_assert(zero(int, commit_run(it->store, apply_forget, NULL, NULL)));
}

static enum store_err
apply_markers(struct store *store, struct db_txn *txn, void *arg)
{
	struct versions *it = arg;
	enum store_err err = STORE_OK;

	for (int i = 0; i < HISTORY_NULL_RUN_BATCH && !err; i++) {
		struct version marker;

		err = history_mark(store, txn, it->bucket, SLICE("e/many"),
			&marker);
	}
	return err;
}

Test(versions_null, a_store_of_before_gets_its_rows_when_it_is_opened)
{
	/* The last components end before a node of long names, at it, with the
	 * digits across it, and behind one. */
	static const size_t lens[] = {1, 462, 463, 470, 479, 480, 500, 900};
	struct versions it = versions_begin(VERSIONING_ENABLED);
	char keys[array_len(lens)][1024] = {""};

	for (size_t i = 0; i < array_len(lens); i++) {
		snprintf(keys[i], sizeof(keys[i]), "d%zu/", i);
		size_t at = strlen(keys[i]);
		memset(keys[i] + at, 'a', lens[i]);
		put_null(&it, keys[i]);
	}
	put_null(&it, "z/");
	/* So that it takes more than one step. */
	cr_assert(zero(int, commit_run(it.store, apply_markers, &it, NULL)));
	uint64_t rows = objects_rows(it.store, DB_NULL);

	cr_assert(eq(u64, rows, array_len(lens) + 1));
	forget_rows(&it);
	cr_expect(not(is_complete(&it)));
	for (size_t i = 0; i < array_len(lens); i++)
		cr_expect(has_null(&it, keys[i]));
	reopen(&it);

	cr_expect(is_complete(&it));
	cr_expect(eq(u64, objects_rows(it.store, DB_NULL), rows));
	for (size_t i = 0; i < array_len(lens); i++)
		cr_expect(has_null(&it, keys[i]), "%zu", lens[i]);
	cr_expect(has_null(&it, "z/"));
	cr_expect(not(has_null(&it, "e/many")));
	versions_end(&it);
}

Test(versions_null, what_an_older_tarn_does_is_not_passed_over)
{
	struct versions it = versions_begin(VERSIONING_ENABLED);
	struct object_deletion done;

	put_null(&it, "lost");
	put_null(&it, "left");
	cr_assert(zero(int, versions_drop(&it, "left", null, &done)));
	cr_assert(is_complete(&it));
	/* It makes one null, and takes another one away. */
	come_as_older(&it);
	raw_delete(it.store, DB_NULL, row_of(&it, "lost"));
	raw_put(it.store, DB_NULL, row_of(&it, "left"),
		SLICE("\1\0\0\0\0\0\0\0"));

	cr_expect(not(is_complete(&it)));
	cr_expect(has_null(&it, "lost"));
	cr_expect(not(has_null(&it, "left")));
	cr_expect(zero(sz, objects_findings(it.store)));
	reopen(&it);
	cr_expect(is_complete(&it));
	cr_expect(has_null(&it, "lost"));
	cr_expect(not(has_null(&it, "left")));
	cr_expect(eq(u64, objects_rows(it.store, DB_NULL), 1));
	versions_end(&it);
}

Test(versions_null, rows_are_not_taken_for_complete_beside_an_older_tarn)
{
	struct versions it = versions_begin(VERSIONING_ENABLED);
	scoped(buffer_free) struct buffer state = {0};
	uint64_t session = session_id(it.store);

	put_null(&it, "k");
	/* As if this one were older, and another one had come after it. */
	come_as_older(&it);
	codec_encode_u64(&state, session + 1);
	codec_encode_u64(&state, session + 2);
	codec_encode_u8(&state, 0);
	raw_put(it.store, DB_META, key_text(SLICE("null-versions")),
		buffer_slice(&state));
	raw_delete(it.store, DB_NULL, row_of(&it, "k"));

	cr_assert(zero(int, history_null_run_complete(it.store)));

	cr_expect(not(is_complete(&it)));
	cr_expect(has_null(&it, "k"));
	reopen(&it);
	cr_expect(is_complete(&it));
	cr_expect(eq(u64, objects_rows(it.store, DB_NULL), 1));
	versions_end(&it);
}

Test(versions_null, fsck_finds_a_row_that_is_missing)
{
	struct versions it = versions_begin(VERSIONING_ENABLED);

	put_null(&it, "k");
	raw_delete(it.store, DB_NULL, row_of(&it, "k"));
	cr_expect(not(has_null(&it, "k")));
	checks_expect_repair(it.store, CHECK_DENTRY);
	cr_expect(has_null(&it, "k"));
	versions_end(&it);
}

Test(versions_null, fsck_finds_a_row_that_leads_elsewhere)
{
	struct versions it = versions_begin(VERSIONING_ENABLED);

	put_null(&it, "k");
	versions_put(&it, "j", "1");
	raw_put(it.store, DB_NULL, row_of(&it, "k"), SLICE("\1\0\0\0\0\0\0\0"));
	raw_put(it.store, DB_NULL, row_of(&it, "j"), SLICE("xyz"));
	/* The rest tells. */
	cr_expect(has_null(&it, "k"));
	cr_expect(not(has_null(&it, "j")));
	checks_expect_repair(it.store, CHECK_DENTRY);
	cr_expect(has_null(&it, "k"));
	cr_expect(eq(u64, objects_rows(it.store, DB_NULL), 1));
	versions_end(&it);
}

Test(versions_null, many_deletions_share_a_transaction_where_rows_tell)
{
	struct versions it = versions_begin(VERSIONING_SUSPENDED);
	struct object_deletion deletions[40];
	uint64_t before = db_last_commit(it.store->db);

	for (size_t i = 0; i < array_len(deletions); i++)
		deletions[i] = (struct object_deletion){.key = SLICE("k")};
	cr_assert(zero(int, object_delete_many(it.store, it.bucket, deletions,
				    array_len(deletions))));
	cr_expect(lt(u64, db_last_commit(it.store->db) - before, 5));
	come_as_older(&it);
	before = db_last_commit(it.store->db);
	cr_assert(zero(int, object_delete_many(it.store, it.bucket, deletions,
				    array_len(deletions))));
	cr_expect(ge(u64, db_last_commit(it.store->db) - before, 5));
	versions_end(&it);
}
