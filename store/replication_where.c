/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A directory is renamed by its own entry: what hangs in it goes on hanging in
 * the same inode, by the same last component.
 */
#include "store/meta/key.h"
#include "store/object_key_private.h"
#include "store/replication_private.h"

/* "c" of "a/b/c", "b/" of "a/b/". */
static struct slice
last_component(struct slice key)
{
	size_t at = key.len;

	while (at > 0 && (at == key.len || key.data[at - 1] != '/'))
		at--;
	return slice_from(key, at);
}

static bool
is_version(const struct record_dentry *dentry, uint64_t number)
{
	return !version_is_null(&dentry->version) &&
	       dentry->version.number == number;
}

enum store_err
replication_where(struct db_txn *txn, uint64_t bucket, struct slice key,
	uint64_t number, uint64_t *dir)
{
	struct record_dentry dentry;
	struct slice component;
	uint64_t parent;

	*dir = 0;
	enum store_err err =
		dentry_locate(txn, bucket, key, &parent, &component);
	if (!err)
		err = dentry_find(txn, parent, component, &dentry);
	if (!err && is_version(&dentry, number))
		*dir = parent;
	return err == STORE_NOT_FOUND ? STORE_OK : err;
}

enum store_err
replication_where_now(struct db_txn *txn, uint64_t dir, struct slice key,
	uint64_t number, struct buffer *now)
{
	struct slice component = last_component(key);
	struct record_dentry dentry;

	if (!dir)
		return STORE_NOT_FOUND;
	enum store_err err = dentry_find(txn, dir, component, &dentry);
	if (!err && !is_version(&dentry, number))
		err = STORE_NOT_FOUND;
	if (!err)
		err = dentry_spell(txn, dir, component, now);
	return !err && object_key_validate(buffer_slice(now)) ? STORE_NOT_FOUND
							      : err;
}

enum store_err
replication_where_moved(struct db_txn *txn, uint64_t bucket, struct slice key,
	const struct version *version)
{
	scoped(buffer_free) struct buffer value = {0};
	struct key row_key = key_u64_u64(bucket, version->number);
	struct replication_row row;
	uint64_t dir;

	if (version_is_null(version))
		return STORE_OK;
	enum store_err err =
		replication_row_get(txn, bucket, version->number, &row);
	/* What is damaged is fsck's. */
	if (err == STORE_NOT_FOUND || err == STORE_CORRUPT)
		return STORE_OK;
	if (!err)
		err = replication_where(txn, bucket, key, version->number,
			&dir);
	if (err || (row.dir == dir && slice_equal(row.key, key)))
		return err;
	row.key = key;
	row.dir = dir;
	replication_row_encode(&value, &row);
	return db_put(txn, DB_REPLICATION, key_slice(&row_key),
		buffer_slice(&value));
}
