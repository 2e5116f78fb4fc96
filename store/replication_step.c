/* SPDX-License-Identifier: Apache-2.0 */
#include "store/replication_step_private.h"

#include "store/commit_private.h"
#include "store/meta/key.h"
#include "store/object_key_private.h"
#include "store/replication_rules_private.h"

static enum store_err
find_by_key(struct db_txn *txn, const struct replication_item *item,
	struct slice key, struct object *out)
{
	const struct version_ref ref = {VERSION_NUMBER, item->number};
	enum store_err err =
		object_key_find_version(txn, item->bucket, key, &ref, out);

	if (err == STORE_STALE) /* with its bucket */
		return STORE_NOT_FOUND;
	return err == STORE_NOT_FOUND && out->is_marker ? STORE_OK : err;
}

enum store_err
replication_step_source(struct db_txn *txn, const struct replication_item *item,
	struct buffer *key, struct object *out)
{
	enum store_err err = find_by_key(txn, item, item->key, out);

	if (err != STORE_NOT_FOUND) {
		buffer_append(key, item->key);
		return err;
	}
	err = replication_where_now(txn, item->dir, item->key, item->number,
		key);
	return err ? err : find_by_key(txn, item, buffer_slice(key), out);
}

static enum store_err
remove_row(struct db_txn *txn, const struct replication_item *item,
	bool has_failed)
{
	struct key key = key_u64_u64(item->bucket, item->number);
	enum store_err err = db_delete(txn, DB_REPLICATION, key_slice(&key));

	return err ? err
		   : replication_counts_add(txn, item->bucket, -1, has_failed);
}

/* The last place is done, or given up. */
static enum store_err
finish(struct db_txn *txn, struct replication_step *step, bool has_failed)
{
	scoped(buffer_free) struct buffer key = {0};
	struct object source;
	enum store_err err = remove_row(txn, step->item, has_failed);

	step->outcome =
		has_failed ? REPLICATION_STEP_FAILED : REPLICATION_STEP_DONE;
	if (!err)
		err = replication_step_source(txn, step->item, &key, &source);
	/* One that is damaged is given up without a word. */
	if (err == STORE_NOT_FOUND || err == STORE_CORRUPT)
		return STORE_OK;
	if (err || source.is_marker)
		return err;
	return replication_save_status(txn, source.inode.ino,
		has_failed ? REPLICATION_FAILED : REPLICATION_COMPLETED);
}

static bool
is_among(const uint64_t *buckets, uint16_t count, uint64_t bucket)
{
	for (uint16_t i = 0; i < count; i++)
		if (buckets[i] == bucket)
			return true;
	return false;
}

/* The row without these places. */
static enum store_err
take_out(struct db_txn *txn, struct replication_step *step,
	struct replication_row *row, const uint64_t *buckets, uint16_t count)
{
	scoped(buffer_free) struct buffer places = {0}, value = {0};
	struct key key = key_u64_u64(step->item->bucket, step->item->number);
	uint16_t left = 0;

	for (uint16_t i = 0; i < row->count; i++) {
		struct replication_place place = replication_row_place(row, i);

		if (is_among(buckets, count, place.bucket))
			continue;
		replication_row_add_place(&places, &place);
		left++;
	}
	if (left == 0)
		return finish(txn, step, row->has_failed);
	row->count = left;
	row->places = buffer_slice(&places);
	replication_row_encode(&value, row);
	return db_put(txn, DB_REPLICATION, key_slice(&key),
		buffer_slice(&value));
}

bool
replication_step_names(const struct replication_rule *rule, struct slice key,
	uint64_t bucket)
{
	return rule->bucket == bucket && (rule->said & REPLICATION_ENABLED) &&
	       slice_has_prefix(key, rule->prefix);
}

static enum store_err
is_named_still(struct store *store, struct db_txn *txn,
	const struct replication_step *step, bool *out)
{
	scoped(replication_rules_drop) struct replication_rules *rules = NULL;
	enum store_err err =
		replication_rules_take(store, txn, step->item->bucket, &rules);

	*out = false;
	for (size_t i = 0; !err && !*out && i < rules->of.count; i++)
		*out = replication_step_names(&rules->of.rules[i],
			step->item->key, step->place->bucket);
	return err == STORE_NOT_FOUND ? STORE_OK : err;
}

/* The place as the row has it now; false: it is not there any more. */
static bool
find_place(const struct replication_row *row, uint64_t bucket,
	struct replication_place *out)
{
	for (uint16_t i = 0; i < row->count; i++) {
		*out = replication_row_place(row, i);
		if (out->bucket == bucket)
			return true;
	}
	return false;
}

enum store_err
replication_step_place(struct store *store, struct db_txn *txn, void *arg)
{
	struct replication_step *step = arg;
	const struct replication_item *item = step->item;
	scoped(buffer_free) struct buffer key = {0};
	struct replication_place place;
	struct replication_row row;
	struct object source;
	bool is_named;

	step->outcome = REPLICATION_STEP_OPEN;
	step->is_changed = false;
	enum store_err err =
		replication_row_get(txn, item->bucket, item->number, &row);
	if (err || !find_place(&row, step->place->bucket, &place))
		return err == STORE_NOT_FOUND ? STORE_OK : err;
	err = is_named_still(store, txn, step, &is_named);
	/* By the rules of now, in the next run. */
	if (err || !is_named)
		return err ? err : STORE_BUSY;
	err = replication_step_source(txn, item, &key, &source);
	if (err)
		return err == STORE_NOT_FOUND ? remove_row(txn, item, false)
					      : err;
	/* By the key of now, in the next run. */
	if (!slice_equal(buffer_slice(&key), item->key))
		return STORE_BUSY;
	step->task = place.task;
	err = place.task == REPLICATION_MAKE
		      ? replica_make(store, txn, place.bucket, item->key,
				&source, &step->is_changed)
		      : replica_update(store, txn, place.bucket, item->key,
				&source, &step->is_changed);
	/* What was found is in the map, where it may have moved. */
	if (!err)
		err = replication_row_get(txn, item->bucket, item->number,
			&row);
	return err ? err : take_out(txn, step, &row, &place.bucket, 1);
}

enum store_err
replication_step_failed(struct store *store, struct db_txn *txn, void *arg)
{
	scoped(buffer_free) struct buffer copy = {0};
	struct replication_step *step = arg;
	const struct replication_item *item = step->item;
	struct key key = key_u64_u64(item->bucket, item->number);
	struct replication_row row;
	struct slice value;

	(void)store;
	step->outcome = REPLICATION_STEP_OPEN;
	enum store_err err =
		db_get(txn, DB_REPLICATION, key_slice(&key), &value);
	if (err)
		return err == STORE_NOT_FOUND ? STORE_OK : err;
	buffer_append(&copy, value);
	err = replication_row_decode(buffer_slice(&copy), &row);
	if (err)
		return err;
	if (!step->is_ended) {
		if (row.tries < UINT8_MAX)
			row.tries++;
		row.tried_ns = step->now_ns;
	}
	if (!step->is_ended && row.tries < REPLICATION_TRIES)
		return take_out(txn, step, &row, NULL, 0);
	row.has_failed = true;
	return take_out(txn, step, &row, step->failed, step->failed_count);
}

enum store_err
replication_step_drop(struct store *store, struct db_txn *txn, void *arg)
{
	scoped(buffer_free) struct buffer key = {0};
	struct replication_step *step = arg;
	struct object source;
	enum store_err err =
		replication_step_source(txn, step->item, &key, &source);

	(void)store;
	step->outcome = REPLICATION_STEP_OPEN;
	if (err == STORE_NOT_FOUND)
		err = remove_row(txn, step->item, false);
	return err == STORE_NOT_FOUND ? STORE_OK : err;
}
