/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Older versions that are null against the rows by which they are found.
 * Where these need not be complete (history_null_private.h, rule 3), none is
 * wrong: whoever opens the store next sees to them.
 */
#include "store/check_private.h"
#include "store/history_null_private.h"

enum store_err
check_null_begin(struct check *check)
{
	return history_null_run_is_complete(check->txn, &check->has_all_nulls);
}

enum store_err
check_null_row(struct check *check, struct slice key, struct slice value)
{
	bool is_right = true;
	uint64_t node = 0;
	struct slice stem;

	enum store_err err =
		history_null_row_is_right(check->txn, key, value, &is_right);
	if (is_right || (err && err != STORE_CORRUPT) || !check->has_all_nulls)
		return err == STORE_CORRUPT ? STORE_OK : err;
	(void)!key_split_dentry(key, &node, &stem);
	struct check_job *job = check_note(check, CHECK_DENTRY, CHECK_FIX_ROW,
		"a row for a null version in directory %llu leads to none",
		(unsigned long long)node);
	job->table = DB_NULL;
	job->name = arena_copy(&check->arena, key);
	return STORE_OK;
}

/* One whose name does not tell its number is found by nobody. */
static bool
is_null(struct slice name, const struct record_dentry *dentry)
{
	scoped(buffer_free) struct buffer digits = {0};

	if (!version_is_null(&dentry->version) ||
		name.len <= HISTORY_NULL_DIGITS)
		return false;
	history_null_append_digits(&digits, dentry->version.number);
	return slice_has_suffix(name, buffer_slice(&digits)) &&
	       name.data[name.len - HISTORY_NULL_DIGITS - 1] == 0;
}

/* NOT_FOUND: no row leads to it, or to a newer one. */
static enum store_err
find_row(struct db_txn *txn, uint64_t dir, struct slice name, uint64_t number)
{
	scoped(history_row_free) struct history_row row = {0};

	enum store_err err = history_null_find(txn, dir,
		slice_first(name, name.len - HISTORY_NULL_DIGITS), &row);
	if (!err && row.dentry.version.number < number)
		err = STORE_NOT_FOUND;
	return err == STORE_STALE ? STORE_NOT_FOUND : err;
}

enum store_err
check_null_name(struct check *check, uint64_t dir, struct slice name,
	const struct record_dentry *dentry, const struct inode *inode)
{
	if (!check->has_all_nulls || !(inode->flags & INODE_NONCURRENT) ||
		inode_is_dir(inode) || !is_null(name, dentry))
		return STORE_OK;
	enum store_err err =
		find_row(check->txn, dir, name, dentry->version.number);
	if (err != STORE_NOT_FOUND)
		return err;
	struct check_job *job = check_note(check, CHECK_DENTRY, CHECK_FIX_NULL,
		"the null version of '%.*s' in directory %llu has no row",
		(int)(name.len - HISTORY_NULL_DIGITS - 1), name.data,
		(unsigned long long)dir);
	job->a = dir;
	job->b = dentry->version.number;
	job->name = arena_copy(&check->arena, name);
	return STORE_OK;
}

enum store_err
check_null_repair(struct db_txn *txn, const struct check_job *job)
{
	struct record_dentry dentry;

	enum store_err err = find_row(txn, job->a, job->name, job->b);
	if (err != STORE_NOT_FOUND)
		return err ? err : STORE_NOT_FOUND;
	err = dentry_find(txn, job->a, job->name, &dentry);
	if (!err && !version_is_null(&dentry.version))
		err = STORE_NOT_FOUND;
	return err ? err : history_null_put(txn, job->a, job->name, job->b);
}
