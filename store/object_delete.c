/* SPDX-License-Identifier: Apache-2.0 */
#include "store/object.h"

#include "store/object_key_private.h"

/* So many deletions share a transaction: other writers wait meanwhile. */
#define BATCH 1000

struct delete_one {
	uint64_t bucket;
	struct slice key;
	const struct object_condition *condition;
	bool is_there; /* the result */
};

/* One that is gone is no error here: a checkpoint is waited for all the same.
 * It may be another client's delete that this one asks again for. */
static enum store_err
apply_delete(struct store *store, struct db_txn *txn, void *arg)
{
	struct delete_one *one = arg;
	struct inode inode;
	enum store_err err;

	err = object_key_check(store, txn, one->bucket, one->key,
		one->condition, &one->is_there, &inode);
	if (err || !one->is_there)
		return err;
	return object_key_remove(store, txn, one->bucket, one->key);
}

enum store_err
object_delete(struct store *store, uint64_t bucket, struct slice key,
	const struct object_condition *condition)
{
	struct delete_one one = {
		.bucket = bucket,
		.key = key,
		.condition = condition,
	};

	enum store_err err = commit_run_durably(store, apply_delete, &one);
	return !err && !one.is_there ? STORE_NOT_FOUND : err;
}

struct delete_many {
	uint64_t bucket;
	const struct slice *keys;
	const struct object_condition *conditions; /* NULL: none */
	size_t count;
	enum store_err *errs;
};

/* What concerns one key alone; nothing has been changed for it. */
static bool
is_answer(enum store_err err)
{
	return err == STORE_OK || err == STORE_NOT_FOUND ||
	       err == STORE_BAD_NAME || err == STORE_KEY_TOO_LONG ||
	       err == STORE_PRECONDITION;
}

static enum store_err
apply_delete_many(struct store *store, struct db_txn *txn, void *arg)
{
	struct delete_many *many = arg;

	for (size_t i = 0; i < many->count; i++) {
		struct inode inode;
		bool is_there;
		enum store_err err;

		err = object_key_check(store, txn, many->bucket, many->keys[i],
			many->conditions ? &many->conditions[i] : NULL,
			&is_there, &inode);
		if (!err && !is_there)
			err = STORE_NOT_FOUND;
		many->errs[i] = err;
		if (!is_answer(err))
			return err;
		if (err)
			continue;
		err = object_key_remove(store, txn, many->bucket,
			many->keys[i]);
		if (err)
			return err == STORE_NOT_FOUND ? STORE_CORRUPT : err;
	}
	return STORE_OK;
}

enum store_err
object_delete_many(struct store *store, uint64_t bucket,
	const struct slice *keys, const struct object_condition *conditions,
	size_t count, enum store_err *errs)
{
	while (count > BATCH) {
		struct delete_many many = {
			bucket, keys, conditions, BATCH, errs};
		enum store_err err;

		err = commit_run(store, apply_delete_many, &many, NULL);
		if (err)
			return err;
		keys += BATCH;
		conditions = conditions ? conditions + BATCH : NULL;
		errs += BATCH;
		count -= BATCH;
	}
	struct delete_many rest = {bucket, keys, conditions, count, errs};

	return commit_run_durably(store, apply_delete_many, &rest);
}
