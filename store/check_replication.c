/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What waits to be replicated.  Rows of a version, or of a bucket, that is gone
 * are no finding: who replicates takes them away.
 */
#include "store/check_private.h"
#include "store/replication_private.h"

/* Rows come by bucket. */
static struct check_replication *
replication_of_row(struct check *check, uint64_t bucket)
{
	struct check_replication *all = check->replications.items;
	size_t count = check->replications.count;

	if (count > 0 && all[count - 1].bucket == bucket)
		return &all[count - 1];
	return check_add(&check->replications, bucket);
}

static void
check_counts(struct check *check, struct slice key, uint64_t bucket)
{
	if (check_find(&check->buckets, bucket))
		return; /* check_replication_buckets() */
	struct check_job *job = check_note(check, CHECK_BUCKET, CHECK_FIX_ROW,
		"bucket %llu has counters of replicas but is gone",
		(unsigned long long)bucket);
	job->table = DB_REPLICATION;
	job->name = arena_copy(&check->arena, key);
}

enum store_err
check_replication_row(struct check *check, struct slice key, struct slice value)
{
	struct replication_row row;
	uint64_t bucket, number;

	if (key_split_u64_u64(key, &bucket, &number)) {
		check_note_record(check, DB_REPLICATION, key, value,
			"the key of what is to be replicated");
		return STORE_OK;
	}
	struct check_replication *replication =
		replication_of_row(check, bucket);
	check_counter_use(&check->last_number, number);
	if (number == 0) {
		check_counts(check, key, bucket);
		return STORE_OK;
	}
	replication->waiting++;
	if (replication_row_decode(value, &row))
		check_note_row(check, DB_REPLICATION, key, value,
			"the replication of version", number);
	return STORE_OK;
}

static enum store_err
check_bucket(struct check *check, const struct check_replication *of)
{
	struct replication_counts counts = {0};
	enum store_err err;

	if (!check_find(&check->buckets, of->bucket))
		return STORE_OK;
	err = replication_counts_get(check->txn, of->bucket, &counts);
	if (!err && counts.waiting == of->waiting)
		return STORE_OK;
	if (err && err != STORE_CORRUPT)
		return err;
	struct check_job *job = check_note(check, CHECK_REPLICATION,
		CHECK_FIX_REPLICATION,
		"bucket %llu has %llu versions that wait to be replicated, not "
		"%llu",
		(unsigned long long)of->bucket, (unsigned long long)of->waiting,
		(unsigned long long)counts.waiting);
	job->a = of->bucket;
	return STORE_OK;
}

enum store_err
check_replication_buckets(struct check *check)
{
	const struct check_replication *all = check->replications.items;
	enum store_err err = STORE_OK;

	for (size_t i = 0; i < check->replications.count && !err; i++)
		err = check_bucket(check, &all[i]);
	return err;
}

/* Rows of the bucket, but for its row 0. */
static enum store_err
count_rows(struct db_txn *txn, uint64_t bucket, uint64_t *count)
{
	scoped(db_cursor_close) struct db_cursor cursor = {0};
	struct key key = key_u64_u64(bucket, 1);
	uint64_t found, number;
	enum store_err err = db_cursor_open(txn, DB_REPLICATION, &cursor);

	*count = 0;
	if (!err)
		err = db_cursor_seek(&cursor, key_slice(&key));
	for (; !err; err = db_cursor_next(&cursor)) {
		err = key_split_u64_u64(cursor.key, &found, &number);
		if (err || found != bucket)
			break;
		++*count;
	}
	return err == STORE_NOT_FOUND ? STORE_OK : err;
}

enum store_err
check_replication_repair(struct db_txn *txn, const struct check_job *job)
{
	struct replication_counts counts;
	uint64_t waiting;
	enum store_err known = replication_counts_get(txn, job->a, &counts);
	enum store_err err = count_rows(txn, job->a, &waiting);

	if (err)
		return err;
	if (!known && counts.waiting == waiting)
		return STORE_NOT_FOUND;
	counts.waiting = waiting;
	return replication_counts_put(txn, job->a, &counts);
}
