/* SPDX-License-Identifier: Apache-2.0 */
#include "store/base/clock.h"
#include "store/commit_private.h"
#include "store/counter_private.h"
#include "store/scrub_private.h"

enum store_err
scrub_state_count(struct db_txn *txn, int delta)
{
	uint64_t count;
	enum store_err err = counter_get(txn, SCRUB_DAMAGED_COUNT, &count);

	if (err)
		return err;
	/* One that would fall below 0 was wrong before: fsck finds it. */
	if (delta < 0 && count == 0)
		return STORE_OK;
	return counter_set(txn, SCRUB_DAMAGED_COUNT,
		delta < 0 ? count - 1 : count + 1);
}

enum store_err
scrub_state_set(struct db_txn *txn, uint64_t count)
{
	return counter_set(txn, SCRUB_DAMAGED_COUNT, count);
}

enum store_err
scrub_state_get(struct db_txn *txn, struct scrub_state *out)
{
	uint64_t last = 0;
	enum store_err err =
		counter_get(txn, SCRUB_DAMAGED_COUNT, &out->damaged);

	if (!err)
		err = counter_get(txn, SCRUB_MISSING_COUNT, &out->missing);
	if (!err)
		err = counter_get(txn, SCRUB_LAST, &last);
	out->last_ns = (int64_t)last;
	return err;
}

static enum store_err
apply_end(struct store *store, struct db_txn *txn, void *arg)
{
	const uint64_t *missing = arg;
	enum store_err err = counter_set(txn, SCRUB_MISSING_COUNT, *missing);

	(void)store;
	return err ? err
		   : counter_set(txn, SCRUB_LAST, (uint64_t)clock_now_ns());
}

enum store_err
scrub_state_note_end(struct store *store, uint64_t missing)
{
	return commit_run(store, apply_end, &missing, NULL);
}
