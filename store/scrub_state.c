/* SPDX-License-Identifier: Apache-2.0 */
#include "store/base/buffer.h"
#include "store/base/clock.h"
#include "store/base/codec.h"
#include "store/commit_private.h"
#include "store/scrub_private.h"

static enum store_err
get_u64(struct db_txn *txn, const char *name, uint64_t *number)
{
	struct slice value;
	enum store_err err = db_get(txn, DB_META, slice_str(name), &value);

	*number = 0;
	if (err)
		return err == STORE_NOT_FOUND ? STORE_OK : err;
	struct decoder decoder = codec_decoder(value);
	*number = codec_decode_u64(&decoder);
	return decoder.is_bad || codec_decode_left(&decoder) ? STORE_CORRUPT
							     : STORE_OK;
}

static enum store_err
put_u64(struct db_txn *txn, const char *name, uint64_t number)
{
	scoped(buffer_free) struct buffer value = {0};

	codec_encode_u64(&value, number);
	return db_put(txn, DB_META, slice_str(name), buffer_slice(&value));
}

enum store_err
scrub_state_count(struct db_txn *txn, int delta)
{
	uint64_t count;
	enum store_err err = get_u64(txn, SCRUB_DAMAGED_COUNT, &count);

	if (err)
		return err;
	/* One that would fall below 0 was wrong before: fsck finds it. */
	if (delta < 0 && count == 0)
		return STORE_OK;
	return put_u64(txn, SCRUB_DAMAGED_COUNT,
		delta < 0 ? count - 1 : count + 1);
}

enum store_err
scrub_state_set(struct db_txn *txn, uint64_t count)
{
	return put_u64(txn, SCRUB_DAMAGED_COUNT, count);
}

enum store_err
scrub_state_get(struct db_txn *txn, struct scrub_state *out)
{
	uint64_t last = 0;
	enum store_err err = get_u64(txn, SCRUB_DAMAGED_COUNT, &out->damaged);

	if (!err)
		err = get_u64(txn, SCRUB_MISSING_COUNT, &out->missing);
	if (!err)
		err = get_u64(txn, SCRUB_LAST, &last);
	out->last_ns = (int64_t)last;
	return err;
}

static enum store_err
apply_end(struct store *store, struct db_txn *txn, void *arg)
{
	const uint64_t *missing = arg;
	enum store_err err = put_u64(txn, SCRUB_MISSING_COUNT, *missing);

	(void)store;
	return err ? err : put_u64(txn, SCRUB_LAST, (uint64_t)clock_now_ns());
}

enum store_err
scrub_state_note_end(struct store *store, uint64_t missing)
{
	return commit_run(store, apply_end, &missing, NULL);
}
