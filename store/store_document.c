/* SPDX-License-Identifier: Apache-2.0 */
#include "store/store_document_private.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

#include "store/meta/key.h"

#define OWNER 0

struct store_document_kind
store_document_kind(const char *format, ...)
{
	struct store_document_kind kind;
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(kind.text, sizeof(kind.text), format, args);
	va_end(args);
	assert(len > 0 && (size_t)len < sizeof(kind.text));
	kind.len = (size_t)len;
	return kind;
}

static struct key
key_of(const struct store_document_kind *kind)
{
	return key_dentry(OWNER, store_document_kind_slice(kind));
}

enum store_err
store_document_get(struct db_txn *txn, const struct store_document_kind *kind,
	struct slice *value)
{
	struct key key = key_of(kind);

	return db_get(txn, DB_DOCUMENT, key_slice(&key), value);
}

enum store_err
store_document_put(struct db_txn *txn, const struct store_document_kind *kind,
	struct slice value)
{
	struct key key = key_of(kind);

	return db_put(txn, DB_DOCUMENT, key_slice(&key), value);
}

enum store_err
store_document_remove(struct db_txn *txn,
	const struct store_document_kind *kind)
{
	struct key key = key_of(kind);

	return db_delete_if_there(txn, DB_DOCUMENT, key_slice(&key));
}

/* What the cursor is at, where that begins with the prefix. */
static enum store_err
take(const struct db_cursor *cursor, struct slice prefix,
	struct store_document_kind *kind, struct slice *value)
{
	uint64_t owner;
	struct slice found;
	enum store_err err = key_split_dentry(cursor->key, &owner, &found);

	if (err)
		return err;
	if (owner != OWNER || !slice_has_prefix(found, prefix))
		return STORE_NOT_FOUND;
	if (found.len > STORE_DOCUMENT_KIND_MAX)
		return STORE_CORRUPT;
	memcpy(kind->text, found.data, found.len);
	kind->text[found.len] = '\0';
	kind->len = found.len;
	*value = cursor->value;
	return STORE_OK;
}

enum store_err
store_document_find(struct db_txn *txn, struct slice prefix, struct slice from,
	struct store_document_kind *kind, struct slice *value)
{
	scoped(db_cursor_close) struct db_cursor cursor = {0};
	struct key start = key_dentry(OWNER, from);
	enum store_err err = db_cursor_open(txn, DB_DOCUMENT, &cursor);

	if (!err)
		err = db_cursor_seek(&cursor, key_slice(&start));
	return err ? err : take(&cursor, prefix, kind, value);
}

enum store_err
store_document_find_before(struct db_txn *txn, struct slice prefix,
	struct slice before, struct store_document_kind *kind,
	struct slice *value)
{
	scoped(db_cursor_close) struct db_cursor cursor = {0};
	struct key end = key_dentry(OWNER, before);
	enum store_err err = db_cursor_open(txn, DB_DOCUMENT, &cursor);

	if (!err)
		err = db_cursor_seek_before(&cursor, key_slice(&end));
	return err ? err : take(&cursor, prefix, kind, value);
}

enum store_err
store_document_remove_all(struct db_txn *txn, struct slice prefix)
{
	struct store_document_kind kind;
	struct slice value;
	enum store_err err =
		store_document_find(txn, prefix, prefix, &kind, &value);

	while (!err) {
		err = store_document_remove(txn, &kind);
		if (!err)
			err = store_document_find(txn, prefix, prefix, &kind,
				&value);
	}
	return err == STORE_NOT_FOUND ? STORE_OK : err;
}
