/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of DB_META, "unread-audit/SESSION" -> how many, for `tarn status`: the
 * directory of a log is known to those alone that write it. */
#include <stdio.h>

#include "store/audit_private.h"
#include "store/base/buffer.h"
#include "store/base/codec.h"
#include "store/commit_private.h"
#include "store/session_private.h"

#define PREFIX "unread-audit/"

struct args {
	uint64_t session;
	uint64_t count;
};

static enum store_err
apply_set(struct store *store, struct db_txn *txn, void *arg)
{
	scoped(buffer_free) struct buffer value = {0};
	const struct args *args = arg;
	char key[48];

	(void)store;
	(void)snprintf(key, sizeof(key), PREFIX "%llu",
		(unsigned long long)args->session);
	if (args->count) {
		codec_encode_u64(&value, args->count);
		return db_put(txn, DB_META, slice_str(key),
			buffer_slice(&value));
	}
	return db_delete_if_there(txn, DB_META, slice_str(key));
}

enum store_err
audit_state_set(struct store *store, uint64_t count)
{
	struct args args = {.session = session_id(store), .count = count};

	return commit_run(store, apply_set, &args, NULL);
}

enum store_err
audit_state_forget(struct store *store, uint64_t session)
{
	struct args args = {.session = session};

	return commit_run(store, apply_set, &args, NULL);
}

enum store_err
audit_state_sum(struct db_txn *txn, uint64_t *count)
{
	scoped(db_cursor_close) struct db_cursor cursor = {0};
	enum store_err err = db_cursor_open(txn, DB_META, &cursor);

	*count = 0;
	if (!err)
		err = db_cursor_seek(&cursor, SLICE(PREFIX));
	while (!err && slice_has_prefix(cursor.key, SLICE(PREFIX))) {
		struct decoder decoder = codec_decoder(cursor.value);

		*count += codec_decode_u64(&decoder);
		if (decoder.is_bad)
			return STORE_CORRUPT;
		err = db_cursor_next(&cursor);
	}
	return err == STORE_NOT_FOUND ? STORE_OK : err;
}
