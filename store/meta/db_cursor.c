/* SPDX-License-Identifier: Apache-2.0 */
#include "store/meta/db_private.h"

enum store_err
db_cursor_open(struct db_txn *txn, enum db_table table,
	struct db_cursor *cursor)
{
	MDB_cursor *handle = NULL;

	*cursor = (struct db_cursor){0};
	if (txn->failed || txn->db->tables[table] == DB_MISSING)
		return txn->failed;
	int rc = mdb_cursor_open(txn->handle, txn->db->tables[table], &handle);
	cursor->handle = handle;
	return db_failure("opening a cursor", rc);
}

void
db_cursor_close(struct db_cursor *cursor)
{
	if (cursor->handle)
		mdb_cursor_close(cursor->handle);
	*cursor = (struct db_cursor){0};
}

struct cursor_call {
	MDB_cursor *cursor;
	MDB_cursor_op op;
	MDB_val key;
	MDB_val value;
};

static int
cursor_call(void *arg)
{
	struct cursor_call *call = arg;

	return mdb_cursor_get(call->cursor, &call->key, &call->value, call->op);
}

static enum store_err
move(struct db_cursor *cursor, struct slice key, MDB_cursor_op op)
{
	struct cursor_call call = {
		.cursor = cursor->handle,
		.op = op,
		.key = db_to_val(key),
	};
	/* Of a table that is not there. */
	if (!cursor->handle)
		return STORE_NOT_FOUND;
	enum store_err err =
		db_failure("a scan", db_guarded(cursor_call, &call));

	if (err)
		return err;
	cursor->key = slice_of(call.key.mv_data, call.key.mv_size);
	cursor->value = slice_of(call.value.mv_data, call.value.mv_size);
	return STORE_OK;
}

enum store_err
db_cursor_seek(struct db_cursor *cursor, struct slice key)
{
	if (key.len == 0)
		return move(cursor, SLICE_NULL, MDB_FIRST);
	return move(cursor, key, MDB_SET_RANGE);
}

enum store_err
db_cursor_next(struct db_cursor *cursor)
{
	return move(cursor, SLICE_NULL, MDB_NEXT);
}

enum store_err
db_cursor_seek_before(struct db_cursor *cursor, struct slice key)
{
	enum store_err err = db_cursor_seek(cursor, key);

	if (!err)
		return move(cursor, SLICE_NULL, MDB_PREV);
	return err == STORE_NOT_FOUND ? move(cursor, SLICE_NULL, MDB_LAST)
				      : err;
}
