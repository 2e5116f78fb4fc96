/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What puts findings right.  Each repair is one change; it looks again
 * whether there is still something to do, since those before it may have
 * done it.
 */
#include <stdio.h>

#include "store/base/clock.h"
#include "store/blob_record_private.h"
#include "store/check_private.h"
#include "store/commit_private.h"
#include "store/file_left_private.h"
#include "store/history_private.h"
#include "store/scrub_private.h"

static enum store_err
fix_counter(struct store *store, struct db_txn *txn,
	const struct check_job *job)
{
	(void)store;
	return check_counter_repair(txn, job);
}

static enum store_err
fix_events(struct store *store, struct db_txn *txn, const struct check_job *job)
{
	(void)store;
	return check_event_repair(txn, job);
}

static enum store_err
fix_replication(struct store *store, struct db_txn *txn,
	const struct check_job *job)
{
	(void)store;
	return check_replication_repair(txn, job);
}

static enum store_err
fix_null(struct store *store, struct db_txn *txn, const struct check_job *job)
{
	(void)store;
	return check_null_repair(txn, job);
}

static enum store_err
fix_row(struct store *store, struct db_txn *txn, const struct check_job *job)
{
	(void)store;
	return db_delete(txn, job->table, job->name);
}

/* The parts' rows first: without their upload they are findings. */
static enum store_err
fix_upload(struct store *store, struct db_txn *txn, const struct check_job *job)
{
	scoped(db_cursor_close) struct db_cursor cursor = {0};
	struct key key = key_u64_u64(job->a, job->b);
	struct key first = key_u64(job->b);

	(void)store;
	enum store_err err = db_cursor_open(txn, DB_PART, &cursor);
	while (!err) {
		struct key part = {.len = 0};

		err = db_cursor_seek(&cursor, key_slice(&first));
		if (err || !slice_has_prefix(cursor.key, key_slice(&first)))
			break;
		part.len = cursor.key.len;
		memcpy(part.bytes, cursor.key.data, part.len);
		err = db_delete(txn, DB_PART, key_slice(&part));
	}
	if (err && err != STORE_NOT_FOUND)
		return err;
	/* The blobs: a later round finds that nothing names them. */
	return db_delete(txn, DB_UPLOAD, key_slice(&key));
}

/* Enabled: what is kept needlessly is not lost. */
static enum store_err
fix_versions(struct store *store, struct db_txn *txn,
	const struct check_job *job)
{
	scoped(buffer_free) struct buffer value = {0};
	struct record_versions record = {
		.versioning = VERSIONING_ENABLED, .history = job->a};
	struct key key = key_u64(job->b);
	struct record_versions of;
	struct inode root;

	(void)store;
	enum store_err err = dentry_inode(txn, job->b, &root);
	if (!err)
		err = history_of(txn, job->b, &of);
	if (!err && of.versioning != VERSIONING_NEVER)
		err = STORE_NOT_FOUND;
	record_versions_encode(&value, &record);
	return err ? err
		   : db_put(txn, DB_VERSION, key_slice(&key),
			     buffer_slice(&value));
}

/* The default is lost. */
static enum store_err
fix_lock(struct store *store, struct db_txn *txn, const struct check_job *job)
{
	static const struct inode_lock_rule no_default;
	struct record_versions of;

	(void)store;
	enum store_err err = history_of(txn, job->a, &of);
	if (!err && of.lock.is_enabled)
		err = STORE_NOT_FOUND;
	if (!err)
		err = history_set(txn, job->a, VERSIONING_ENABLED);
	return err ? err : history_set_lock(txn, job->a, &no_default);
}

static enum store_err
fix_bucket(struct store *store, struct db_txn *txn, const struct check_job *job)
{
	scoped(buffer_free) struct buffer value = {0};
	struct record_bucket record = {
		.root_ino = job->a,
		.created_ns = clock_now_ns(),
		.region = store_region(store),
	};
	char name[32];

	snprintf(name, sizeof(name), "lost-%llu", (unsigned long long)job->a);
	struct key key = key_text(slice_str(name));
	record_bucket_encode(&value, &record);
	return db_insert(txn, DB_BUCKET, key_slice(&key), buffer_slice(&value));
}

static enum store_err
fix_size(struct store *store, struct db_txn *txn, const struct check_job *job)
{
	struct stat stat;
	struct inode was;

	enum store_err err = dentry_inode(txn, job->a, &was);
	if (!err)
		err = blob_stat(store->blobs, was.blob, &stat);
	if (err)
		return err;
	struct inode now = was;
	dentry_apply_stat(&now, &stat);
	return dentry_update_inode(txn, &was, &now);
}

static enum store_err
fix_record_size(struct store *store, struct db_txn *txn,
	const struct check_job *job)
{
	struct record_blob record = {.place = RECORD_BLOB_PACKED};
	struct inode was;

	(void)store;
	enum store_err err = dentry_inode(txn, job->a, &was);
	if (!err && was.blob)
		err = blob_record_get(txn, was.blob, &record);
	if (err || record.place != RECORD_BLOB_PACKED)
		return err ? err : STORE_NOT_FOUND;
	struct inode now = was;
	now.size = record.size;
	return dentry_update_inode(txn, &was, &now);
}

/* What is left is not what was put there: nobody is to take it for that. */
static enum store_err
fix_cut_off(struct store *store, struct db_txn *txn,
	const struct check_job *job)
{
	struct record_blob record;

	(void)store;
	enum store_err err = blob_record_get(txn, job->a, &record);
	if (err || record.is_damaged)
		return err;
	record.is_damaged = true;
	err = blob_record_put(txn, job->a, &record);
	return err ? err : scrub_state_count(txn, 1);
}

static enum store_err
fix_references(struct store *store, struct db_txn *txn,
	const struct check_job *job)
{
	struct record_blob record;
	struct stat stat;

	enum store_err err = blob_record_get(txn, job->a, &record);
	if (err == STORE_NOT_FOUND) {
		/* A record can be made only where there is data. */
		err = blob_stat(store->blobs, job->a, &stat);
		record = (struct record_blob){.place = RECORD_BLOB_FILE};
		if (!err)
			record.size = (uint64_t)stat.st_size;
	}
	if (err)
		return err;
	if (!job->b && record.place == RECORD_BLOB_PACKED)
		return check_pack_drop(txn, job->a, &record);
	/* With the last one the data is given to reclaim. */
	record.references = job->b ? (uint32_t)job->b : 1;
	err = blob_record_put(txn, job->a, &record);
	return err || job->b ? err : blob_record_drop(txn, job->a);
}

static enum store_err
fix_usage(struct store *store, struct db_txn *txn, const struct check_job *job)
{
	(void)store;
	if (job->value.len > 0)
		return db_put(txn, DB_USAGE, job->name, job->value);
	return db_delete_if_there(txn, DB_USAGE, job->name);
}

static enum store_err
fix_damaged(struct store *store, struct db_txn *txn,
	const struct check_job *job)
{
	(void)store;
	return scrub_state_set(txn, job->a);
}

static enum store_err
apply(struct store *store, struct db_txn *txn, void *arg)
{
	static enum store_err (*const fixes[])(struct store * store,
		struct db_txn * txn, const struct check_job *job) = {
		[CHECK_FIX_COUNTER] = fix_counter,
		[CHECK_FIX_ROW] = fix_row,
		[CHECK_FIX_UPLOAD] = fix_upload,
		[CHECK_FIX_ROOT] = check_tree_repair,
		[CHECK_FIX_HISTORY] = check_tree_repair,
		[CHECK_FIX_VERSIONS] = fix_versions,
		[CHECK_FIX_LOCK] = fix_lock,
		[CHECK_FIX_BUCKET] = fix_bucket,
		[CHECK_FIX_DIR] = check_tree_repair,
		[CHECK_FIX_ADOPT] = check_tree_repair,
		[CHECK_FIX_CUT] = check_tree_repair,
		[CHECK_FIX_ATTACH] = check_tree_repair,
		[CHECK_FIX_HOME] = check_tree_repair,
		[CHECK_FIX_PARENT] = check_tree_repair,
		[CHECK_FIX_SIZE] = fix_size,
		[CHECK_FIX_RECORD_SIZE] = fix_record_size,
		[CHECK_FIX_CUT_OFF] = fix_cut_off,
		[CHECK_FIX_PACKED] = check_pack_repair,
		[CHECK_FIX_PLACE] = check_pack_repair,
		[CHECK_FIX_SEGMENT] = check_pack_repair,
		[CHECK_FIX_NLINK] = check_tree_repair,
		[CHECK_FIX_REFERENCES] = fix_references,
		[CHECK_FIX_USAGE] = fix_usage,
		[CHECK_FIX_DAMAGED] = fix_damaged,
		[CHECK_FIX_EVENTS] = fix_events,
		[CHECK_FIX_REPLICATION] = fix_replication,
		[CHECK_FIX_NULL] = fix_null,
	};
	struct check_job *job = arg;

	return fixes[job->fix](store, txn, job);
}

/* Nobody has it open, and there is nothing to publish. */
static enum store_err
fix_flags(struct store *store, struct db_txn *txn, void *arg)
{
	const struct check_job *job = arg;
	struct inode was;

	(void)store;
	enum store_err err = dentry_inode(txn, job->b, &was);
	if (err)
		return err == STORE_STALE ? STORE_OK : err;
	/* What was to be published is missing. */
	if (was.pending)
		return STORE_NOT_FOUND;
	struct inode now = was;
	now.flags &= ~(uint32_t)(INODE_DIRTY | INODE_UNPUBLISHED);
	return now.flags == was.flags ? STORE_OK
				      : dentry_update_inode(txn, &was, &now);
}

static enum store_err
fix_open(struct store *store, struct check_job *job)
{
	enum store_err err =
		file_left_settle(store, job->a, job->b, false, NULL);

	return err ? err : commit_run(store, fix_flags, job, NULL);
}

static enum store_err
fix_file(struct store *store, const struct check_job *job)
{
	bool is_named = true;
	enum store_err err = check_data_is_named(store, job->a, &is_named);

	if (err || is_named)
		return err ? err : STORE_EXISTS;
	return blob_remove(store->blobs, job->a);
}

enum store_err
check_repair_job(struct store *store, struct check_job *job)
{
	enum store_err err;

	if (job->fix == CHECK_FIX_FILE)
		err = fix_file(store, job);
	else if (job->fix == CHECK_FIX_OPEN)
		err = fix_open(store, job);
	else
		err = commit_run(store, apply, job, NULL);
	job->is_repaired = !err;
	/* It is gone, or there is something in its place by now, or it hangs on
	 * what is to be repaired first. */
	if (err == STORE_NOT_FOUND || err == STORE_STALE ||
		err == STORE_EXISTS || err == STORE_CORRUPT)
		return STORE_OK;
	return err;
}
