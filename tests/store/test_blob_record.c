/* SPDX-License-Identifier: Apache-2.0 */
#include "store/blob_record_private.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "store/commit_private.h"
#include "store/reclaim_private.h"
#include "store/session_private.h"
#include "tests/support/temp_store.h"

/* What one blob goes through. */
struct blob_step {
	enum { ADD, SHARE, DROP } what;
	uint64_t blob;
};

static enum store_err
apply_step(struct store *store, struct db_txn *txn, void *arg)
{
	const struct blob_step *step = arg;

	switch (step->what) {
	case ADD:
		return blob_record_add(store, txn, step->blob, 5);
	case SHARE:
		return blob_record_share(txn, step->blob);
	case DROP:
		return blob_record_drop(txn, step->blob);
	}
	return STORE_INVALID;
}

static void
step(struct store *store, int what, uint64_t blob)
{
	struct blob_step args = {.what = what, .blob = blob};

	cr_assert(zero(int, commit_run(store, apply_step, &args, NULL)));
}

/* 0: there is no record. */
static void
expect_references(struct store *store, uint64_t blob, uint32_t expected)
{
	scoped(db_abort) struct db_txn *txn = NULL;
	struct record_blob record = {0};
	bool is_shared;
	bool is_named;

	cr_assert(zero(int, db_begin_read(store->db, &txn)));
	cr_assert(zero(int, blob_record_is_shared(txn, blob, &is_shared)));
	cr_assert(zero(int, blob_record_is_named(txn, blob, &is_named)));
	/* What has no record is not to be written to, nor removed by others
	 * than who reclaims it. */
	cr_expect(eq(int, is_shared, expected != 1));
	cr_expect(is_named);
	cr_expect(eq(int, blob_record_get(txn, blob, &record),
		expected ? STORE_OK : STORE_NOT_FOUND));
	cr_expect(eq(u32, record.references, expected));
}

Test(blob_record, counts_references_and_frees_with_the_last)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t blob;

	/* What is freed waits. */
	reclaim_stop(temp.store);
	cr_assert(zero(int, session_lease_blob(temp.store, &blob)));
	step(temp.store, ADD, blob);
	step(temp.store, SHARE, blob);
	expect_references(temp.store, blob, 2);
	step(temp.store, DROP, blob);
	expect_references(temp.store, blob, 1);

	step(temp.store, DROP, blob);
	expect_references(temp.store, blob, 0);
}

Test(blob_record, to_drop_what_has_no_record_tells_of_damage)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	struct blob_step drop = {.what = DROP, .blob = 77};
	struct blob_step none = {.what = DROP, .blob = 0};

	cr_expect(eq(int, commit_run(temp.store, apply_step, &drop, NULL),
		STORE_CORRUPT));
	cr_expect(zero(int, commit_run(temp.store, apply_step, &none, NULL)));
}
