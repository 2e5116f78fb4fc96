/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "store/base/codec.h"
#include "store/history_null_private.h"
#include "store/session_private.h"
#include "tests/store/checks.h"
#include "tests/store/nulls.h"
#include "tests/store/raw.h"
#include "tests/store/versions.h"

static bool
is_complete(struct versions *it)
{
	scoped(db_abort) struct db_txn *txn = NULL;
	bool out;

	cr_assert(zero(int, db_begin_read(it->store->db, &txn)));
	cr_assert(zero(int, history_null_run_is_complete(txn, &out)));
	return out;
}

static void
reopen(struct versions *it)
{
	temp_store_reopen(&it->temp);
	it->store = it->temp.store;
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

Test(history_null_run, a_store_of_before_gets_its_rows_when_it_is_opened)
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
		nulls_put(&it, keys[i]);
	}
	nulls_put(&it, "z/");
	/* So that it takes more than one step. */
	cr_assert(zero(int, commit_run(it.store, apply_markers, &it, NULL)));
	uint64_t rows = objects_rows(it.store, DB_NULL);

	cr_assert(eq(u64, rows, array_len(lens) + 1));
	forget_rows(&it);
	cr_expect(not(is_complete(&it)));
	for (size_t i = 0; i < array_len(lens); i++)
		cr_expect(nulls_has(&it, keys[i]));
	reopen(&it);

	cr_expect(is_complete(&it));
	cr_expect(eq(u64, objects_rows(it.store, DB_NULL), rows));
	for (size_t i = 0; i < array_len(lens); i++)
		cr_expect(nulls_has(&it, keys[i]), "%zu", lens[i]);
	cr_expect(nulls_has(&it, "z/"));
	cr_expect(not(nulls_has(&it, "e/many")));
	versions_end(&it);
}

Test(history_null_run, what_an_older_tarn_does_is_not_passed_over)
{
	struct versions it = versions_begin(VERSIONING_ENABLED);
	struct object_deletion done;

	nulls_put(&it, "lost");
	nulls_put(&it, "left");
	cr_assert(zero(int, versions_drop(&it, "left", nulls_ref, &done)));
	cr_assert(is_complete(&it));
	/* It makes one null, and takes another one away. */
	nulls_come_as_older(&it);
	raw_delete(it.store, DB_NULL, nulls_row(&it, "lost"));
	raw_put(it.store, DB_NULL, nulls_row(&it, "left"),
		SLICE("\1\0\0\0\0\0\0\0"));

	cr_expect(not(is_complete(&it)));
	cr_expect(nulls_has(&it, "lost"));
	cr_expect(not(nulls_has(&it, "left")));
	cr_expect(zero(sz, objects_findings(it.store)));
	reopen(&it);
	cr_expect(is_complete(&it));
	cr_expect(nulls_has(&it, "lost"));
	cr_expect(not(nulls_has(&it, "left")));
	cr_expect(eq(u64, objects_rows(it.store, DB_NULL), 1));
	versions_end(&it);
}

Test(history_null_run, rows_are_not_taken_for_complete_beside_an_older_tarn)
{
	struct versions it = versions_begin(VERSIONING_ENABLED);
	scoped(buffer_free) struct buffer state = {0};
	uint64_t session = session_id(it.store);

	nulls_put(&it, "k");
	/* As if this one were older, and another one had come after it. */
	nulls_come_as_older(&it);
	codec_encode_u64(&state, session + 1);
	codec_encode_u64(&state, session + 2);
	codec_encode_u8(&state, 0);
	raw_put(it.store, DB_META, key_text(SLICE("null-versions")),
		buffer_slice(&state));
	raw_delete(it.store, DB_NULL, nulls_row(&it, "k"));

	cr_assert(zero(int, history_null_run_complete(it.store)));

	cr_expect(not(is_complete(&it)));
	cr_expect(nulls_has(&it, "k"));
	reopen(&it);
	cr_expect(is_complete(&it));
	cr_expect(eq(u64, objects_rows(it.store, DB_NULL), 1));
	versions_end(&it);
}
