/* SPDX-License-Identifier: Apache-2.0 */
#include "store/object.h"

#include "store/history_null_private.h"
#include "store/lock_private.h"
#include "store/object_event_private.h"
#include "store/object_key_private.h"

/* So many deletions share a transaction: other writers wait meanwhile. */
#define BATCH 1000
/* And of those that have to look for a null version among all that its key
 * has. */
#define BATCH_NULL 8

/* Of what was found just now. */
static enum store_err
expect_there(enum store_err err)
{
	return err == STORE_NOT_FOUND ? STORE_CORRUPT : err;
}

/* What a request without versionId means. */
static enum store_err
delete_current(struct store *store, struct db_txn *txn, uint64_t bucket,
	struct object_deletion *deletion)
{
	struct record_versions of;
	bool is_there;

	enum store_err err = object_key_check(store, txn, bucket, deletion->key,
		&deletion->condition, &is_there);
	if (!err)
		err = history_of(txn, bucket, &of);
	if (err)
		return err;
	deletion->is_marker = of.versioning != VERSIONING_NEVER;
	if (is_there)
		return expect_there(object_key_remove(store, txn, bucket,
			deletion->key, &deletion->which));
	return deletion->is_marker ? history_mark(store, txn, bucket,
					     deletion->key, &deletion->which)
				   : STORE_NOT_FOUND;
}

/* Takes the name from the current version, for good. */
static enum store_err
drop_current(struct store *store, struct db_txn *txn, uint64_t bucket,
	struct slice key)
{
	struct slice component;
	struct inode gone;
	uint64_t parent;

	enum store_err err =
		dentry_locate(txn, bucket, key, &parent, &component);
	if (!err)
		err = dentry_unlink(store, txn, parent, component, true, &gone);
	if (!err)
		err = history_name_restore(store, txn, bucket, key);
	return expect_there(err);
}

/* It is in the history; behind a marker that was the newest the one before
 * appears. */
static enum store_err
drop_older(struct store *store, struct db_txn *txn, uint64_t bucket,
	struct object_deletion *deletion)
{
	scoped(history_row_free) struct history_row row = {0};
	struct record_versions of;
	struct inode current;

	enum store_err err = history_of(txn, bucket, &of);
	if (!err)
		err = history_find(txn, &of, deletion->key, &deletion->version,
			&row);
	if (!err)
		err = history_drop(store, txn, &row);
	if (err || !deletion->is_marker)
		return expect_there(err);
	err = object_key_find(txn, bucket, deletion->key, &current);
	if (err == STORE_NOT_FOUND)
		err = history_name_restore(store, txn, bucket, deletion->key);
	return expect_there(err);
}

static enum store_err
delete_version(struct store *store, struct db_txn *txn, uint64_t bucket,
	struct object_deletion *deletion)
{
	struct object object;

	enum store_err err = object_key_find_version(txn, bucket, deletion->key,
		&deletion->version, &object);
	if (err && (err != STORE_NOT_FOUND || !object.is_marker))
		return err;
	err = object.is_marker ? object_key_meets_nothing(&deletion->condition)
			       : object_key_meets(store, &deletion->condition,
					 &object.inode);
	if (err)
		return err;
	if (!object.is_marker)
		err = lock_yield(txn, &object.inode, deletion->bypasses);
	if (err)
		return err;
	deletion->is_marker = object.is_marker;
	deletion->which = object.version;
	err = object.is_marker || (object.inode.flags & INODE_NONCURRENT)
		      ? drop_older(store, txn, bucket, deletion)
		      : drop_current(store, txn, bucket, deletion->key);
	return err ? err
		   : object_event_add(store, txn, bucket, deletion->key,
			     EVENT_REMOVED, NULL, &deletion->which);
}

static enum store_err
apply_one(struct store *store, struct db_txn *txn, uint64_t bucket,
	struct object_deletion *deletion)
{
	deletion->is_marker = false;
	deletion->which = (struct version){.number = 0};
	return deletion->version.which == VERSION_CURRENT
		       ? delete_current(store, txn, bucket, deletion)
		       : delete_version(store, txn, bucket, deletion);
}

struct delete_many {
	uint64_t bucket;
	struct object_deletion *deletions;
	size_t count;
};

/* What concerns one key alone; nothing has been changed for it. */
static bool
is_answer(enum store_err err)
{
	return err == STORE_OK || err == STORE_NOT_FOUND ||
	       err == STORE_BAD_NAME || err == STORE_KEY_TOO_LONG ||
	       err == STORE_PRECONDITION || err == STORE_LOCKED;
}

/* One that is gone is no error here: a checkpoint is waited for all the same.
 * It may be another client's delete that this one asks again for. */
static enum store_err
apply_delete(struct store *store, struct db_txn *txn, void *arg)
{
	struct delete_many *many = arg;

	for (size_t i = 0; i < many->count; i++) {
		struct object_deletion *deletion = &many->deletions[i];

		deletion->err = apply_one(store, txn, many->bucket, deletion);
		if (!is_answer(deletion->err))
			return deletion->err;
	}
	return STORE_OK;
}

/* What a bucket's deletions find. */
struct ways {
	enum versioning versioning;
	bool finds_null; /* without a look at the others */
};

static enum store_err
look_at_ways(struct store *store, uint64_t bucket, struct ways *ways)
{
	scoped(db_abort) struct db_txn *txn = NULL;
	struct record_versions of;

	enum store_err err = db_begin_read(store->db, &txn);
	if (!err)
		err = history_of(txn, bucket, &of);
	if (err)
		return err;
	ways->versioning = of.versioning;
	return history_null_run_is_complete(txn, &ways->finds_null);
}

/* How many of them are the first batch. */
static size_t
cut_batch(const struct object_deletion *deletions, size_t count,
	const struct ways *ways)
{
	size_t nulls = 0;
	size_t i = 0;

	while (i < count && i < BATCH && nulls < BATCH_NULL) {
		enum version_which which = deletions[i++].version.which;

		/* The marker that it leaves is the null version. */
		nulls += !ways->finds_null &&
			 (which == VERSION_NULL ||
				 (which == VERSION_CURRENT &&
					 ways->versioning ==
						 VERSIONING_SUSPENDED));
	}
	return i;
}

enum store_err
object_delete_many(struct store *store, uint64_t bucket,
	struct object_deletion *deletions, size_t count)
{
	struct ways ways;

	enum store_err err = look_at_ways(store, bucket, &ways);
	while (!err) {
		size_t batch = cut_batch(deletions, count, &ways);
		struct delete_many many = {bucket, deletions, batch};

		if (batch == count)
			return commit_run_durably(store, apply_delete, &many);
		err = commit_run(store, apply_delete, &many, NULL);
		deletions += batch;
		count -= batch;
	}
	return err;
}

enum store_err
object_delete(struct store *store, uint64_t bucket, struct slice key,
	const struct object_condition *condition)
{
	struct object_deletion one = {.key = key};

	if (condition)
		one.condition = *condition;
	enum store_err err = object_delete_many(store, bucket, &one, 1);
	return err ? err : one.err;
}
