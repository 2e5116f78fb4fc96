/* SPDX-License-Identifier: Apache-2.0 */
#include "store/hold_private.h"

#include <stdio.h>

#include "store/base/buffer.h"
#include "store/base/codec.h"
#include "store/commit_private.h"
#include "store/session_private.h"

#define PREFIX "hold/"

struct hold_args {
	uint64_t session;
	uint64_t commit;
};

struct hold_key {
	char text[32];
};

static struct hold_key
key_of(uint64_t session)
{
	struct hold_key key;

	snprintf(key.text, sizeof(key.text), PREFIX "%llu",
		(unsigned long long)session);
	return key;
}

static enum store_err
apply_take(struct store *store, struct db_txn *txn, void *arg)
{
	scoped(buffer_free) struct buffer value = {0};
	struct hold_args *args = arg;
	struct hold_key key = key_of(args->session);

	(void)store;
	args->commit = db_txn_number(txn);
	codec_encode_u64(&value, args->commit);
	return db_put(txn, DB_META, slice_str(key.text), buffer_slice(&value));
}

enum store_err
hold_take(struct store *store, uint64_t *commit)
{
	struct hold_args args = {.session = session_id(store)};
	enum store_err err = commit_run(store, apply_take, &args, NULL);

	*commit = args.commit;
	return err;
}

static enum store_err
apply_forget(struct store *store, struct db_txn *txn, void *arg)
{
	const struct hold_args *args = arg;
	struct hold_key key = key_of(args->session);

	(void)store;
	return db_delete_if_there(txn, DB_META, slice_str(key.text));
}

enum store_err
hold_forget(struct store *store, uint64_t session)
{
	struct hold_args args = {.session = session};

	return commit_run(store, apply_forget, &args, NULL);
}

enum store_err
hold_release(struct store *store)
{
	return hold_forget(store, session_id(store));
}

enum store_err
hold_least(struct db_txn *txn, uint64_t *least)
{
	scoped(db_cursor_close) struct db_cursor cursor = {0};
	enum store_err err = db_cursor_open(txn, DB_META, &cursor);

	*least = UINT64_MAX;
	if (!err)
		err = db_cursor_seek(&cursor, SLICE(PREFIX));
	while (!err && slice_has_prefix(cursor.key, SLICE(PREFIX))) {
		struct decoder decoder = codec_decoder(cursor.value);
		uint64_t commit = codec_decode_u64(&decoder);

		if (decoder.is_bad)
			return STORE_CORRUPT;
		*least = commit < *least ? commit : *least;
		err = db_cursor_next(&cursor);
	}
	return err == STORE_NOT_FOUND ? STORE_OK : err;
}
