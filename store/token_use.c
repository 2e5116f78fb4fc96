/* SPDX-License-Identifier: Apache-2.0 */
#include "store/base/codec.h"
#include "store/store_document_private.h"
#include "store/token_private.h"

#define VERSION 1

static struct store_document_kind
kind_of(struct slice access_key)
{
	return store_document_kind("used/%.*s", (int)access_key.len,
		access_key.data);
}

struct use {
	const struct slice *access_keys;
	size_t count;
	int64_t now_ns;
};

static enum store_err
note_one(struct db_txn *txn, struct slice access_key, int64_t now_ns)
{
	struct store_document_kind kind = kind_of(access_key);
	scoped(buffer_free) struct buffer value = {0};

	codec_encode_u8(&value, VERSION);
	codec_encode_i64(&value, now_ns);
	return store_document_put(txn, &kind, buffer_slice(&value));
}

static enum store_err
apply_use(struct store *store, struct db_txn *txn, void *arg)
{
	const struct use *use = arg;
	enum store_err err = STORE_OK;

	(void)store;
	for (size_t i = 0; i < use->count && !err; i++) {
		struct record_token record;
		struct token token;

		/* It may have been deleted meanwhile. */
		err = token_find_in(txn, use->access_keys[i], &record, &token);
		if (!err)
			err = note_one(txn, use->access_keys[i], use->now_ns);
		else if (err == STORE_NO_TOKEN)
			err = STORE_OK;
	}
	return err;
}

enum store_err
token_use_note(struct store *store, const struct slice *access_keys,
	size_t count, int64_t now_ns)
{
	struct use use = {access_keys, count, now_ns};

	return commit_run(store, apply_use, &use, NULL);
}

enum store_err
token_use_forget(struct db_txn *txn, struct slice access_key)
{
	struct store_document_kind kind = kind_of(access_key);

	return store_document_remove(txn, &kind);
}

enum store_err
token_use_last(struct store *store, struct slice access_key, int64_t *used_ns)
{
	scoped(db_abort) struct db_txn *txn = NULL;
	struct slice value;

	*used_ns = 0;
	if (access_key.len > TOKEN_ACCESS_KEY_MAX)
		return STORE_NO_TOKEN;

	struct store_document_kind kind = kind_of(access_key);
	enum store_err err = db_begin_read(store->db, &txn);

	if (!err)
		err = store_document_get(txn, &kind, &value);
	if (err)
		return err == STORE_NOT_FOUND ? STORE_OK : err;

	struct decoder decoder = codec_decoder(value);
	bool is_known = codec_decode_u8(&decoder) == VERSION;
	int64_t time_ns = codec_decode_i64(&decoder);

	if (!is_known || decoder.is_bad || codec_decode_left(&decoder) > 0)
		return STORE_CORRUPT;
	*used_ns = time_ns;
	return STORE_OK;
}
