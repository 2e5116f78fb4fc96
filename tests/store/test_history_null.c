/* SPDX-License-Identifier: Apache-2.0 */
/* The version "null" among the older ones: history_null_private.h. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "store/history_null_private.h"
#include "tests/store/checks.h"
#include "tests/store/nulls.h"
#include "tests/store/raw.h"
#include "tests/store/versions.h"

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

Test(history_null, is_found_without_a_look_at_the_others)
{
	struct versions it = versions_begin(VERSIONING_ENABLED);

	nulls_put(&it, "k");
	nulls_put(&it, "none");
	struct object_deletion done;
	cr_assert(zero(int, versions_drop(&it, "none", nulls_ref, &done)));
	versions_put(&it, "none", "3");
	spoil_newest(&it, "k");
	spoil_newest(&it, "none");

	cr_expect(nulls_has(&it, "k"));
	cr_expect(not(nulls_has(&it, "none")));
	cr_assert(zero(int,
		versioning_set(it.store, it.bucket, VERSIONING_SUSPENDED)));
	versions_put(&it, "k", "4");
	versions_put(&it, "none", "4");
	cr_expect(zero(int,
		object_delete(it.store, it.bucket, SLICE("none"), NULL)));
	cr_expect(eq(u64, objects_rows(it.store, DB_NULL), 1));
	temp_store_close(&it.temp);
}

Test(history_null, what_is_not_asked_for_is_not_looked_at)
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

Test(history_null, a_row_comes_and_goes_with_its_version)
{
	struct versions it = versions_begin(VERSIONING_ENABLED);
	struct object_deletion done;

	versions_put(&it, "d/k", "1");
	versions_put(&it, "d/k", "2");
	cr_expect(eq(u64, objects_rows(it.store, DB_NULL), 0));
	nulls_put(&it, "d/k");
	cr_expect(eq(u64, objects_rows(it.store, DB_NULL), 1));
	cr_assert(zero(int, versions_drop(&it, "d/k", nulls_ref, &done)));
	cr_expect(eq(u64, objects_rows(it.store, DB_NULL), 0));

	/* Back under its key, as the newest one that is left. */
	nulls_put(&it, "r");
	cr_expect(eq(u64, objects_rows(it.store, DB_NULL), 1));
	for (int i = 0; i < 2; i++) {
		cr_assert(zero(int,
			versions_drop(&it, "r", versions_nth(&it, 4), &done)));
	}
	cr_expect(eq(u64, objects_rows(it.store, DB_NULL), 0));
	cr_expect(nulls_has(&it, "r"));

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

Test(history_null, many_deletions_share_a_transaction_where_rows_tell)
{
	struct versions it = versions_begin(VERSIONING_SUSPENDED);
	struct object_deletion deletions[40];
	uint64_t before = db_last_commit(it.store->db);

	for (size_t i = 0; i < array_len(deletions); i++)
		deletions[i] = (struct object_deletion){.key = SLICE("k")};
	cr_assert(zero(int, object_delete_many(it.store, it.bucket, deletions,
				    array_len(deletions))));
	cr_expect(lt(u64, db_last_commit(it.store->db) - before, 5));
	nulls_come_as_older(&it);
	before = db_last_commit(it.store->db);
	cr_assert(zero(int, object_delete_many(it.store, it.bucket, deletions,
				    array_len(deletions))));
	cr_expect(ge(u64, db_last_commit(it.store->db) - before, 5));
	versions_end(&it);
}
