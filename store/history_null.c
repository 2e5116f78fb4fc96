/* SPDX-License-Identifier: Apache-2.0 */
#include "store/history_null_private.h"

#include "store/base/codec.h"
#include "store/chunk_private.h"
#include "store/meta/key.h"

void
history_null_append_digits(struct buffer *to, uint64_t number)
{
	buffer_printf(to, "%016llx", (unsigned long long)~number);
}

/* The row's key.  A name's nodes are those of its stem, too. */
static enum store_err
locate(struct db_txn *txn, uint64_t dir, struct slice stem, struct key *key)
{
	struct slice rest;
	uint64_t node;

	enum store_err err = chunk_locate(txn, dir, stem, &node, &rest);
	if (!err)
		*key = key_dentry(node, rest);
	return err;
}

static enum store_err
locate_of(struct db_txn *txn, uint64_t dir, struct slice component,
	struct key *key)
{
	if (component.len <= HISTORY_NULL_DIGITS)
		return STORE_CORRUPT;
	return locate(txn, dir,
		slice_first(component, component.len - HISTORY_NULL_DIGITS),
		key);
}

enum store_err
history_null_decode(struct slice value, uint64_t *number)
{
	struct decoder decoder = codec_decoder(value);

	*number = codec_decode_u64(&decoder);
	return decoder.is_bad || codec_decode_left(&decoder) ? STORE_CORRUPT
							     : STORE_OK;
}

/* STALE: it is not there, or not null. */
static enum store_err
find_version(struct db_txn *txn, uint64_t dir, struct slice stem,
	uint64_t number, struct buffer *component, struct record_dentry *dentry)
{
	buffer_clear(component);
	buffer_append(component, stem);
	history_null_append_digits(component, number);
	enum store_err err =
		dentry_find(txn, dir, buffer_slice(component), dentry);

	if (!err && (!version_is_null(&dentry->version) ||
			    dentry->version.number != number))
		err = STORE_STALE;
	return err == STORE_NOT_FOUND ? STORE_STALE : err;
}

enum store_err
history_null_find(struct db_txn *txn, uint64_t dir, struct slice stem,
	struct history_row *row)
{
	struct slice value;
	uint64_t number;
	struct key key;

	enum store_err err = locate(txn, dir, stem, &key);
	if (!err)
		err = db_get(txn, DB_NULL, key_slice(&key), &value);
	if (err)
		return err;
	row->parent = dir;
	if (history_null_decode(value, &number))
		return STORE_STALE;
	return find_version(txn, dir, stem, number, &row->component,
		&row->dentry);
}

enum store_err
history_null_row_is_right(struct db_txn *txn, struct slice key,
	struct slice value, bool *out)
{
	scoped(buffer_free) struct buffer component = {0};
	struct record_dentry dentry;
	uint64_t node, number;
	struct slice stem;

	*out = false;
	/* What is below a node is found as what is below its directory. */
	if (key_split_dentry(key, &node, &stem) ||
		history_null_decode(value, &number))
		return STORE_OK;
	enum store_err err =
		find_version(txn, node, stem, number, &component, &dentry);
	*out = !err;
	return err == STORE_STALE ? STORE_OK : err;
}

enum store_err
history_null_put(struct db_txn *txn, uint64_t dir, struct slice component,
	uint64_t number)
{
	scoped(buffer_free) struct buffer value = {0};
	struct key key;

	enum store_err err = locate_of(txn, dir, component, &key);
	codec_encode_u64(&value, number);
	return err ? err
		   : db_put(txn, DB_NULL, key_slice(&key),
			     buffer_slice(&value));
}

enum store_err
history_null_remove(struct db_txn *txn, const struct history_row *row)
{
	struct slice value;
	uint64_t found;
	struct key key;

	if (!version_is_null(&row->dentry.version))
		return STORE_OK;
	enum store_err err = locate_of(txn, row->parent,
		buffer_slice(&row->component), &key);
	if (!err)
		err = db_get(txn, DB_NULL, key_slice(&key), &value);
	/* Rows need not be complete. */
	if (err)
		return err == STORE_NOT_FOUND ? STORE_OK : err;
	if (!history_null_decode(value, &found) &&
		found != row->dentry.version.number)
		return STORE_OK;
	return db_delete(txn, DB_NULL, key_slice(&key));
}
