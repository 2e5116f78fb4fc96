/* SPDX-License-Identifier: Apache-2.0 */
/* What goes with a bucket: a row that stayed would be its successor's, or
 * nobody's. */
#include "store/bucket_private.h"
#include "store/history_private.h"
#include "store/meta/key.h"
#include "store/notification_private.h"
#include "store/replication_private.h"
#include "store/upload_private.h"
#include "store/usage_private.h"

/* Changes to the tables by what is removed at once: other writers wait
 * meanwhile. */
#define CHANGES_MAX 10000

/* The first row of a table whose key begins with the number.  NOT_FOUND. */
static enum store_err
find_row(struct db_txn *txn, enum db_table table, uint64_t first,
	struct key *out)
{
	scoped(db_cursor_close) struct db_cursor cursor = {0};
	struct key start = key_u64(first);

	enum store_err err = db_cursor_open(txn, table, &cursor);
	if (!err)
		err = db_cursor_seek(&cursor, key_slice(&start));
	if (err)
		return err;
	if (!slice_has_prefix(cursor.key, key_slice(&start)))
		return STORE_NOT_FOUND;
	out->len = cursor.key.len;
	memcpy(out->bytes, cursor.key.data, out->len);
	return STORE_OK;
}

static enum store_err
remove_documents(struct db_txn *txn, uint64_t bucket)
{
	struct key key;
	enum store_err err = find_row(txn, DB_DOCUMENT, bucket, &key);

	while (!err) {
		err = db_delete(txn, DB_DOCUMENT, key_slice(&key));
		if (!err)
			err = find_row(txn, DB_DOCUMENT, bucket, &key);
	}
	return err == STORE_NOT_FOUND ? STORE_OK : err;
}

/* *is_all: none is left. */
static enum store_err
remove_uploads(struct db_txn *txn, uint64_t bucket, bool *is_all)
{
	uint64_t begin = db_txn_changes(txn);
	uint64_t owner, number;
	struct key key;
	enum store_err err = find_row(txn, DB_UPLOAD, bucket, &key);

	*is_all = false;
	while (!err && db_txn_changes(txn) - begin < CHANGES_MAX) {
		err = key_split_u64_u64(key_slice(&key), &owner, &number);
		if (!err)
			err = upload_remove(txn, bucket, number);
		if (err)
			return err == STORE_NOT_FOUND ? STORE_CORRUPT : err;
		err = find_row(txn, DB_UPLOAD, bucket, &key);
	}
	*is_all = err == STORE_NOT_FOUND;
	return *is_all ? STORE_OK : err;
}

struct deletion {
	struct slice name;
	uint64_t ino; /* 0: whichever has the name */

	/* results */
	uint64_t found;
	bool is_done;
};

/* With its record, but for its uploads, which are gone. */
static enum store_err
remove_rows(struct db_txn *txn, struct slice name, uint64_t bucket)
{
	struct key by_name = key_text(name);
	struct key by_ino = key_u64(bucket);

	enum store_err err = db_delete(txn, DB_BUCKET, key_slice(&by_name));
	if (!err)
		err = db_delete_if_there(txn, DB_INODE, key_slice(&by_ino));
	if (!err)
		err = remove_documents(txn, bucket);
	if (!err)
		err = notification_end_bucket(txn, bucket);
	if (!err)
		err = replication_end_bucket(txn, bucket);
	return err ? err : usage_end_bucket(txn, bucket);
}

/* Uploads go first, by as many transactions as they take; while they do
 * something may come into the bucket, which stays then. */
static enum store_err
apply_delete(struct store *store, struct db_txn *txn, void *arg)
{
	struct deletion *deletion = arg;
	struct bucket bucket = {.ino = 0};
	bool is_empty;

	deletion->is_done = false;
	enum store_err err = bucket_find(txn, deletion->name, &bucket);
	if (!err && deletion->ino && deletion->ino != bucket.ino)
		err = STORE_NO_BUCKET;
	deletion->found = bucket.ino;
	if (!err)
		err = dentry_is_empty(txn, bucket.ino, &is_empty);
	if (err)
		return err;
	if (is_empty)
		err = history_is_empty(txn, bucket.ino, &is_empty);
	if (err)
		return err;
	if (!is_empty)
		return STORE_BUCKET_NOT_EMPTY;
	err = remove_uploads(txn, bucket.ino, &deletion->is_done);
	if (err || !deletion->is_done)
		return err;
	err = history_end(txn, bucket.ino);
	if (!err)
		err = remove_rows(txn, deletion->name, bucket.ino);
	return err ? err : bucket_tell(store, txn, &bucket);
}

static enum store_err
delete_bucket(struct store *store, struct deletion *deletion)
{
	enum store_err err;

	do {
		err = commit_run_durably(store, apply_delete, deletion);
		/* Not another one that gets its name meanwhile. */
		deletion->ino = deletion->found;
	} while (!err && !deletion->is_done);
	return err;
}

enum store_err
bucket_delete(struct store *store, struct slice name)
{
	struct deletion deletion = {.name = name};

	return delete_bucket(store, &deletion);
}

enum store_err
bucket_delete_known(struct store *store, const struct bucket *bucket)
{
	struct deletion deletion = {
		.name = slice_str(bucket->name),
		.ino = bucket->ino,
	};

	return delete_bucket(store, &deletion);
}
