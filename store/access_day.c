/* SPDX-License-Identifier: Apache-2.0 */
#include "store/access_day_private.h"

#include "store/base/buffer.h"
#include "store/commit_private.h"
#include "store/counter_private.h"
#include "store/dentry_private.h"
#include "store/meta/key.h"
#include "store/meta/record.h"
#include "store/usage_private.h"

#define MARK "counted-by-day"
#define ALL UINT64_MAX

enum store_err
access_day_mark(struct db_txn *txn, uint64_t *mark)
{
	return counter_get(txn, MARK, mark);
}

enum store_err
access_day_begin_store(struct db_txn *txn)
{
	return counter_set(txn, MARK, ALL);
}

static enum store_err
add_to_row(struct db_txn *txn, const struct inode *inode, int64_t bytes)
{
	scoped(buffer_free) struct buffer value = {0};
	struct key key = key_u64_u64(inode->bucket, inode_access_day(inode));
	struct record_day record = {0};
	struct slice row;
	enum store_err err = db_get(txn, DB_USAGE, key_slice(&key), &row);
	bool is_there = !err;

	if (!err)
		err = record_day_decode(row, &record);
	if (err && err != STORE_NOT_FOUND)
		return err;
	record.bytes = usage_clamped(record.bytes, bytes);
	if (record.bytes == 0)
		return is_there ? db_delete(txn, DB_USAGE, key_slice(&key))
				: STORE_OK;
	record_day_encode(&value, &record);
	return db_put(txn, DB_USAGE, key_slice(&key), buffer_slice(&value));
}

enum store_err
access_day_add(struct db_txn *txn, const struct inode *inode, int64_t bytes)
{
	uint64_t mark;

	if (bytes == 0)
		return STORE_OK;
	enum store_err err = access_day_mark(txn, &mark);
	return err || inode->ino >= mark ? err : add_to_row(txn, inode, bytes);
}

enum store_err
access_day_move(struct db_txn *txn, const struct access_day_part *was,
	const struct access_day_part *now)
{
	if (inode_access_day(was->inode) == inode_access_day(now->inode))
		return access_day_add(txn, now->inode, now->bytes - was->bytes);
	enum store_err err = access_day_add(txn, was->inode, -was->bytes);
	return err ? err : access_day_add(txn, now->inode, now->bytes);
}

/* NOT_FOUND: the row there is not one of the bucket's. */
static enum store_err
day_at(const struct db_cursor *cursor, uint64_t bucket, uint64_t *day)
{
	uint64_t owner;

	return key_split_u64_u64(cursor->key, &owner, day) || owner != bucket
		       ? STORE_NOT_FOUND
		       : STORE_OK;
}

static enum store_err
open_at_first(struct db_txn *txn, uint64_t bucket, struct db_cursor *cursor)
{
	struct key from = key_u64_u64(bucket, 0);
	enum store_err err = db_cursor_open(txn, DB_USAGE, cursor);

	return err ? err : db_cursor_seek(cursor, key_slice(&from));
}

static enum store_err
remove_first(struct db_txn *txn, uint64_t bucket)
{
	scoped(db_cursor_close) struct db_cursor cursor = {0};
	uint64_t day;
	enum store_err err = open_at_first(txn, bucket, &cursor);

	if (!err)
		err = day_at(&cursor, bucket, &day);
	if (err)
		return err;
	struct key key = key_u64_u64(bucket, day);

	return db_delete(txn, DB_USAGE, key_slice(&key));
}

enum store_err
access_day_end_bucket(struct db_txn *txn, uint64_t bucket)
{
	enum store_err err;

	do {
		err = remove_first(txn, bucket);
	} while (!err);
	return err == STORE_NOT_FOUND ? STORE_OK : err;
}

enum store_err
access_day_each(struct db_txn *txn, uint64_t bucket,
	void (*visit)(uint32_t day, uint64_t bytes, void *context),
	void *context)
{
	scoped(db_cursor_close) struct db_cursor cursor = {0};
	struct record_day record;
	uint64_t day;
	enum store_err err = open_at_first(txn, bucket, &cursor);

	while (!err) {
		err = day_at(&cursor, bucket, &day);
		if (!err)
			err = record_day_decode(cursor.value, &record);
		if (!err && day > UINT32_MAX)
			err = STORE_CORRUPT;
		if (err)
			break;
		visit((uint32_t)day, record.bytes, context);
		err = db_cursor_next(&cursor);
	}
	return err == STORE_NOT_FOUND ? STORE_OK : err;
}

/* One that does not decode is fsck's. */
static enum store_err
count_inode(struct db_txn *txn, struct slice value)
{
	struct inode inode;

	if (record_inode_decode(value, &inode))
		return STORE_OK;
	int64_t bytes = dentry_names_counted(&inode) * (int64_t)inode.size;
	return bytes ? add_to_row(txn, &inode, bytes) : STORE_OK;
}

static enum store_err
count_inodes(struct db_txn *txn, uint64_t *mark)
{
	scoped(db_cursor_close) struct db_cursor cursor = {0};
	struct key from = key_u64(*mark);
	enum store_err err = db_cursor_open(txn, DB_INODE, &cursor);

	if (!err)
		err = db_cursor_seek(&cursor, key_slice(&from));
	for (size_t i = 0; i < ACCESS_DAY_BATCH && !err; i++) {
		uint64_t ino;

		if (key_split_u64(cursor.key, &ino) == STORE_OK) {
			err = count_inode(txn, cursor.value);
			*mark = ino + 1;
		}
		if (!err)
			err = db_cursor_next(&cursor);
	}
	if (err == STORE_NOT_FOUND)
		*mark = ALL;
	return err == STORE_NOT_FOUND ? STORE_OK : err;
}

static enum store_err
apply_count(struct store *store, struct db_txn *txn, void *arg)
{
	bool *more = arg;
	uint64_t mark;
	enum store_err err = access_day_mark(txn, &mark);

	(void)store;
	if (!err && mark != ALL) {
		err = count_inodes(txn, &mark);
		if (!err)
			err = counter_set(txn, MARK, mark);
	}
	*more = mark != ALL;
	return err;
}

static enum store_err
look(struct store *store, uint64_t *mark)
{
	scoped(db_abort) struct db_txn *txn = NULL;
	enum store_err err = db_begin_read(store->db, &txn);

	return err ? err : access_day_mark(txn, mark);
}

enum store_err
access_day_count(struct store *store, bool *more)
{
	uint64_t mark;
	enum store_err err = look(store, &mark);

	/* Mostly it is over, and looking takes no writer's lock. */
	*more = !err && mark != ALL;
	if (*more)
		err = commit_run(store, apply_count, more, NULL);
	*more = *more && !err;
	return err;
}
