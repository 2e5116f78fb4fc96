/* SPDX-License-Identifier: Apache-2.0 */
#include "store/bucket_private.h"

#include "store/base/clock.h"
#include "store/history_private.h"
#include "store/meta/key.h"
#include "store/organization_private.h"
#include "store/usage_private.h"

/* Of a document's kind. */
#define KIND_MAX 160

static enum store_err
decode_bucket(struct slice name, struct slice value, struct bucket *out)
{
	struct record_bucket record;

	enum store_err err = record_bucket_decode(value, &record);
	if (err)
		return err;
	out->ino = record.root_ino;
	out->created_ns = record.created_ns;
	if (!slice_to_str(name, out->name, sizeof(out->name)) ||
		!slice_to_str(record.owner, out->owner, sizeof(out->owner)) ||
		!slice_to_str(record.region, out->region, sizeof(out->region)))
		return STORE_CORRUPT;
	return STORE_OK;
}

enum store_err
bucket_find(struct db_txn *txn, struct slice name, struct bucket *out)
{
	struct slice value;

	if (name.len == 0 || name.len > BUCKET_NAME_MAX)
		return STORE_NO_BUCKET;
	struct key key = key_text(name);
	enum store_err err = db_get(txn, DB_BUCKET, key_slice(&key), &value);
	if (err)
		return err == STORE_NOT_FOUND ? STORE_NO_BUCKET : err;
	return decode_bucket(name, value, out);
}

enum store_err
bucket_tell(struct store *store, struct db_txn *txn,
	const struct bucket *bucket)
{
	struct record_change change = {
		.kind = RECORD_CHANGE_BUCKET,
		.parent = INODE_ROOT,
		.ino = bucket->ino,
		.name = slice_str(bucket->name),
	};

	return feed_append(store, txn, &change);
}

struct document_request {
	uint64_t owner;
	struct slice kind;
	const struct slice *value;
};

static enum store_err
apply_document(struct store *store, struct db_txn *txn, void *arg)
{
	const struct document_request *request = arg;
	struct key key = key_dentry(request->owner, request->kind);
	struct record_change change = {
		.kind = RECORD_CHANGE_DOCUMENT,
		.ino = request->owner,
		.name = request->kind,
	};
	enum store_err err;

	if (request->value)
		err = db_put(txn, DB_DOCUMENT, key_slice(&key),
			*request->value);
	else
		err = db_delete_if_there(txn, DB_DOCUMENT, key_slice(&key));
	return err ? err : feed_append(store, txn, &change);
}

struct create_request {
	struct slice name;
	struct slice owner;
	const struct bucket_document *documents;
	size_t count;
	bool is_locking;
	struct bucket *out;
};

static enum store_err
save_root(struct db_txn *txn, const struct bucket *bucket)
{
	struct inode root = {
		.ino = bucket->ino,
		.bucket = bucket->ino,
		.parent = INODE_ROOT,
		.mode = S_IFDIR | 0755,
		.nlink = 2,
		.flags = INODE_FROM_S3,
		.atime_ns = bucket->created_ns,
		.mtime_ns = bucket->created_ns,
		.ctime_ns = bucket->created_ns,
		.birth_ns = bucket->created_ns,
	};

	return dentry_save_inode(txn, &root);
}

static enum store_err
save_documents(struct store *store, struct db_txn *txn,
	const struct create_request *request)
{
	enum store_err err = STORE_OK;

	for (size_t i = 0; i < request->count && !err; i++) {
		const struct bucket_document *document = &request->documents[i];
		struct document_request one = {
			request->out->ino, document->kind, &document->value};

		err = apply_document(store, txn, &one);
	}
	return err;
}

static enum store_err
begin_locking(struct db_txn *txn, uint64_t bucket)
{
	static const struct inode_lock_rule no_default;

	enum store_err err = history_set(txn, bucket, VERSIONING_ENABLED);
	return err ? err : history_set_lock(txn, bucket, &no_default);
}

static enum store_err
apply_create(struct store *store, struct db_txn *txn, void *arg)
{
	scoped(buffer_free) struct buffer value = {0};
	struct create_request *request = arg;
	struct bucket *bucket = request->out;

	enum store_err err = bucket_find(txn, request->name, bucket);
	if (err != STORE_NO_BUCKET)
		return err ? err : STORE_BUCKET_EXISTS;
	err = organization_check_in(txn, request->owner);
	if (err)
		return err;
	err = commit_new_number(txn, &bucket->ino);
	if (err)
		return err;
	struct record_bucket record = {
		.root_ino = bucket->ino,
		.created_ns = clock_now_ns(),
		.owner = request->owner,
		.region = store_region(store),
	};
	record_bucket_encode(&value, &record);
	err = decode_bucket(request->name, buffer_slice(&value), bucket);
	if (err)
		return err;
	struct key key = key_text(request->name);
	err = db_put(txn, DB_BUCKET, key_slice(&key), buffer_slice(&value));
	if (!err)
		err = save_root(txn, bucket);
	if (!err)
		err = usage_begin_bucket(txn, bucket->ino, request->owner);
	if (!err)
		err = bucket_tell(store, txn, bucket);
	if (!err && request->is_locking)
		err = begin_locking(txn, bucket->ino);
	return err ? err : save_documents(store, txn, request);
}

static bool
kind_is_valid(struct slice kind)
{
	return kind.len > 0 && kind.len <= KIND_MAX;
}

static enum store_err
create(struct store *store, struct create_request *request)
{
	struct bucket *out = request->out;
	struct bucket result = {.ino = 0};

	if (!bucket_name_is_valid(request->name))
		return STORE_BAD_NAME;
	if (request->owner.len >= sizeof(out->owner) ||
		store_region(store).len >= sizeof(out->region))
		return STORE_INVALID;
	for (size_t i = 0; i < request->count; i++) {
		if (!kind_is_valid(request->documents[i].kind))
			return STORE_INVALID;
	}
	request->out = &result;
	enum store_err err = commit_run_durably(store, apply_create, request);
	if (!err || err == STORE_BUCKET_EXISTS)
		*out = result;
	return err;
}

enum store_err
bucket_create(struct store *store, struct slice name, struct slice owner,
	struct bucket *out)
{
	return bucket_create_with(store, name, owner, NULL, 0, false, out);
}

enum store_err
bucket_create_with(struct store *store, struct slice name, struct slice owner,
	const struct bucket_document *documents, size_t count, bool is_locking,
	struct bucket *out)
{
	struct create_request request = {
		name, owner, documents, count, is_locking, out};

	if (!bucket_name_is_reserved(name))
		return create(store, &request);
	/* One that is older than the rule is there as any other. */
	enum store_err err = bucket_get(store, name, out);
	if (err == STORE_NO_BUCKET)
		return STORE_BAD_NAME;
	return err ? err : STORE_BUCKET_EXISTS;
}

enum store_err
bucket_create_own(struct store *store, struct slice name, struct slice owner,
	struct bucket *out)
{
	struct create_request request = {name, owner, NULL, 0, false, out};

	return create(store, &request);
}

enum store_err
bucket_get(struct store *store, struct slice name, struct bucket *out)
{
	scoped(db_abort) struct db_txn *txn = NULL;
	struct bucket bucket;

	enum store_err err = db_begin_read(store->db, &txn);
	if (!err)
		err = bucket_find(txn, name, &bucket);
	if (!err)
		*out = bucket;
	return err;
}

/* Calls visit for each bucket above `after` until it returns false. */
static enum store_err
walk(struct store *store, struct slice after,
	bool (*visit)(const struct bucket *bucket, void *context),
	void *context)
{
	scoped(db_abort) struct db_txn *txn = NULL;
	scoped(db_cursor_close) struct db_cursor cursor = {0};
	struct key start = key_text(slice_first(after, BUCKET_NAME_MAX + 1));

	/* LMDB knows no empty key: any is above it. */
	if (start.len == 0)
		start.bytes[start.len++] = 0;
	enum store_err err = db_begin_read(store->db, &txn);
	if (!err)
		err = db_cursor_open(txn, DB_BUCKET, &cursor);
	if (!err)
		err = db_cursor_seek(&cursor, key_slice(&start));
	if (!err && slice_equal(cursor.key, after))
		err = db_cursor_next(&cursor);
	while (!err) {
		struct bucket bucket;

		err = decode_bucket(cursor.key, cursor.value, &bucket);
		if (err)
			return err;
		if (!visit(&bucket, context))
			return STORE_OK;
		err = db_cursor_next(&cursor);
	}
	return err == STORE_NOT_FOUND ? STORE_OK : err;
}

struct ino_search {
	uint64_t ino;
	bool is_found;
	struct bucket bucket;
};

static bool
match_ino(const struct bucket *bucket, void *context)
{
	struct ino_search *search = context;

	if (bucket->ino != search->ino)
		return true;
	search->bucket = *bucket;
	search->is_found = true;
	return false;
}

enum store_err
bucket_get_by_ino(struct store *store, uint64_t ino, struct bucket *out)
{
	struct ino_search search = {.ino = ino};

	enum store_err err = walk(store, SLICE_NULL, match_ino, &search);
	if (!err && !search.is_found)
		err = STORE_NO_BUCKET;
	if (!err)
		*out = search.bucket;
	return err;
}

struct bucket_page {
	struct bucket *out;
	size_t max;
	size_t count;
};

static bool
add_to_page(const struct bucket *bucket, void *context)
{
	struct bucket_page *page = context;

	page->out[page->count++] = *bucket;
	return page->count < page->max;
}

enum store_err
bucket_list(struct store *store, struct slice after, struct bucket *out,
	size_t max, size_t *count)
{
	struct bucket_page page = {out, max, 0};
	enum store_err err = STORE_OK;

	if (max > 0)
		err = walk(store, after, add_to_page, &page);
	if (!err)
		*count = page.count;
	return err;
}

enum store_err
bucket_set_document(struct store *store, uint64_t owner, struct slice kind,
	const struct slice *value)
{
	struct document_request request = {owner, kind, value};

	if (!kind_is_valid(kind))
		return STORE_INVALID;
	return commit_run_durably(store, apply_document, &request);
}

enum store_err
bucket_get_document(struct store *store, uint64_t owner, struct slice kind,
	struct arena *arena, struct slice *value)
{
	scoped(db_abort) struct db_txn *txn = NULL;
	struct slice found;

	if (!kind_is_valid(kind))
		return STORE_INVALID;
	struct key key = key_dentry(owner, kind);
	enum store_err err = db_begin_read(store->db, &txn);
	if (!err)
		err = db_get(txn, DB_DOCUMENT, key_slice(&key), &found);
	if (!err)
		*value = arena_copy(arena, found);
	return err;
}

/* Copies what the cursor is at, while it is below the prefix. */
static enum store_err
copy_documents(struct db_cursor *cursor, const struct key *start,
	struct arena *arena, struct bucket_document *to, size_t *count)
{
	enum store_err err = db_cursor_seek(cursor, key_slice(start));

	for (*count = 0; !err; err = db_cursor_next(cursor)) {
		uint64_t owner;
		struct slice kind;

		if (!slice_has_prefix(cursor->key, key_slice(start)))
			break;
		err = key_split_dentry(cursor->key, &owner, &kind);
		if (err)
			return err;
		if (to)
			to[*count] = (struct bucket_document){
				.kind = arena_copy(arena, kind),
				.value = arena_copy(arena, cursor->value),
			};
		(*count)++;
	}
	return err == STORE_NOT_FOUND ? STORE_OK : err;
}

enum store_err
bucket_list_documents(struct store *store, uint64_t owner, struct slice prefix,
	struct arena *arena, struct bucket_document **out, size_t *count)
{
	scoped(db_abort) struct db_txn *txn = NULL;
	scoped(db_cursor_close) struct db_cursor cursor = {0};

	if (prefix.len == 0 || prefix.len > KIND_MAX)
		return STORE_INVALID;
	struct key start = key_dentry(owner, prefix);
	enum store_err err = db_begin_read(store->db, &txn);
	if (!err)
		err = db_cursor_open(txn, DB_DOCUMENT, &cursor);
	if (!err)
		err = copy_documents(&cursor, &start, arena, NULL, count);
	*out = NULL;
	if (err || *count == 0)
		return err;
	*out = arena_new_array(arena, *count, struct bucket_document);
	return copy_documents(&cursor, &start, arena, *out, count);
}
