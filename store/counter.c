/* SPDX-License-Identifier: Apache-2.0 */
#include "store/counter_private.h"

#include "store/base/buffer.h"
#include "store/base/codec.h"

enum store_err
counter_set(struct db_txn *txn, const char *name, uint64_t next)
{
	scoped(buffer_free) struct buffer value = {0};

	codec_encode_u64(&value, next);
	return db_put(txn, DB_META, slice_str(name), buffer_slice(&value));
}

enum store_err
counter_get(struct db_txn *txn, const char *name, uint64_t *number)
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

enum store_err
counter_get_generation(struct db_txn *txn, uint64_t *generation)
{
	enum store_err err = counter_get(txn, COUNTER_GENERATION, generation);

	if (err != STORE_CORRUPT)
		return err;
	*generation = 0;
	return STORE_OK;
}

enum store_err
counter_peek(struct db_txn *txn, const char *name, uint64_t *next)
{
	enum store_err err = counter_get(txn, name, next);

	return !err && *next == 0 ? STORE_CORRUPT : err;
}

enum store_err
counter_take(struct db_txn *txn, const char *name, uint64_t count,
	uint64_t *first)
{
	enum store_err err = counter_peek(txn, name, first);

	if (err)
		return err;
	if (*first > UINT64_MAX - count)
		return STORE_CORRUPT;
	return counter_set(txn, name, *first + count);
}
