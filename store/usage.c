/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "store/access_day_private.h"
#include "store/base/buffer.h"
#include "store/bucket.h"
#include "store/dentry_private.h"
#include "store/meta/key.h"
#include "store/meta/record.h"
#include "store/organization.h"
#include "store/store_document_private.h"
#include "store/usage_private.h"

#define BUCKET_QUOTA SLICE("quota")
#define ORGANIZATION_QUOTA "quota/"

/* A row as it is in the map: good until the next change. */
struct row {
	struct key key;
	struct record_usage usage;
	bool is_there;
};

static struct key
organization_key(struct slice organization)
{
	return key_dentry(0, organization);
}

struct change {
	int64_t objects;
	int64_t bytes;
	int64_t part_bytes;
};

static enum store_err
read_row(struct db_txn *txn, struct row *row)
{
	struct slice value;
	enum store_err err =
		db_get(txn, DB_USAGE, key_slice(&row->key), &value);

	row->usage = (struct record_usage){0};
	row->is_there = !err;
	if (err)
		return err == STORE_NOT_FOUND ? STORE_OK : err;
	return record_usage_decode(value, &row->usage);
}

static enum store_err
write_row(struct db_txn *txn, const struct key *key,
	const struct record_usage *usage)
{
	scoped(buffer_free) struct buffer value = {0};

	record_usage_encode(&value, usage);
	return db_put(txn, DB_USAGE, key_slice(key), buffer_slice(&value));
}

/* Rows of stores made before organizations were counted do not name theirs. */
static enum store_err
find_organization(struct db_txn *txn, uint64_t bucket,
	struct slice *organization)
{
	scoped(db_cursor_close) struct db_cursor cursor = {0};
	struct record_bucket record;
	enum store_err err = db_cursor_open(txn, DB_BUCKET, &cursor);

	*organization = SLICE_NULL;
	if (!err)
		err = db_cursor_seek(&cursor, SLICE_NULL);
	for (; !err; err = db_cursor_next(&cursor)) {
		err = record_bucket_decode(cursor.value, &record);
		if (err)
			return err;
		if (record.root_ino == bucket) {
			*organization = record.owner;
			return STORE_OK;
		}
	}
	return err == STORE_NOT_FOUND ? STORE_OK : err;
}

/* The bucket's row and that of its organization, whose key is empty where
 * there is none. */
static enum store_err
read_rows(struct db_txn *txn, uint64_t bucket, struct row *own,
	struct row *organization)
{
	enum store_err err;

	own->key = key_u64(bucket);
	*organization = (struct row){0};
	err = read_row(txn, own);
	if (!err && own->usage.organization.len == 0)
		err = find_organization(txn, bucket, &own->usage.organization);
	if (err || own->usage.organization.len == 0)
		return err;
	organization->key = organization_key(own->usage.organization);
	return read_row(txn, organization);
}

uint64_t
usage_clamped(uint64_t count, int64_t more)
{
	if (more < 0 && count < (uint64_t)-more)
		return 0;
	return count + (uint64_t)more;
}

static void
add(struct record_usage *usage, const struct change *change)
{
	usage->objects = usage_clamped(usage->objects, change->objects);
	usage->bytes = usage_clamped(usage->bytes, change->bytes);
	usage->part_bytes =
		usage_clamped(usage->part_bytes, change->part_bytes);
}

static enum store_err
add_to_rows(struct db_txn *txn, uint64_t bucket, const struct change *change)
{
	struct row own, organization;
	enum store_err err = read_rows(txn, bucket, &own, &organization);

	if (err)
		return err;
	add(&own.usage, change);
	add(&organization.usage, change);
	err = write_row(txn, &own.key, &own.usage);
	if (!err && organization.key.len > 0)
		err = write_row(txn, &organization.key, &organization.usage);
	return err;
}

enum store_err
usage_add_parts(struct db_txn *txn, uint64_t bucket, int64_t bytes)
{
	return add_to_rows(txn, bucket, &(struct change){.part_bytes = bytes});
}

enum store_err
usage_add_names(struct db_txn *txn, const struct inode *inode, int64_t names)
{
	int64_t bytes = names * (int64_t)inode->size;
	enum store_err err = add_to_rows(txn, inode->bucket,
		&(struct change){.objects = names, .bytes = bytes});

	return err ? err : access_day_add(txn, inode, bytes);
}

enum store_err
usage_change_names(struct db_txn *txn, const struct inode *was,
	int64_t names_was, const struct inode *now, int64_t names_now)
{
	const struct access_day_part before = {
		was, names_was * (int64_t)was->size};
	const struct access_day_part after = {
		now, names_now * (int64_t)now->size};
	const struct change change = {
		.objects = names_now - names_was,
		.bytes = after.bytes - before.bytes,
	};
	enum store_err err = access_day_move(txn, &before, &after);

	if (err || (change.objects == 0 && change.bytes == 0))
		return err;
	return add_to_rows(txn, now->bucket, &change);
}

enum store_err
usage_counted(struct db_txn *txn, uint64_t bucket, struct record_usage *out)
{
	struct row row = {.key = key_u64(bucket)};
	enum store_err err = read_row(txn, &row);

	*out = row.usage;
	return err;
}

enum store_err
usage_begin_bucket(struct db_txn *txn, uint64_t bucket,
	struct slice organization)
{
	const struct record_usage usage = {.organization = organization};
	struct key key = key_u64(bucket);

	return write_row(txn, &key, &usage);
}

enum store_err
usage_end_bucket(struct db_txn *txn, uint64_t bucket)
{
	struct row own, organization;
	enum store_err err = read_rows(txn, bucket, &own, &organization);

	if (err || !own.is_there)
		return err;
	/* Nothing is left to count, unless it was counted wrong. */
	add(&organization.usage, &(struct change){-(int64_t)own.usage.objects,
					 -(int64_t)own.usage.bytes,
					 -(int64_t)own.usage.part_bytes});
	err = db_delete(txn, DB_USAGE, key_slice(&own.key));
	if (!err)
		err = access_day_end_bucket(txn, bucket);
	if (!err && organization.is_there)
		err = write_row(txn, &organization.key, &organization.usage);
	return err;
}

/* *quota stays as it is where none was set. */
static enum store_err
read_quota(struct db_txn *txn, const struct key *key, struct usage_quota *quota)
{
	struct record_quota record;
	struct slice value;
	enum store_err err = db_get(txn, DB_DOCUMENT, key_slice(key), &value);

	if (err)
		return err == STORE_NOT_FOUND ? STORE_OK : err;
	err = record_quota_decode(value, &record);
	if (!err)
		*quota = (struct usage_quota){record.objects, record.bytes};
	return err;
}

static enum store_err
read_bucket_quota(struct db_txn *txn, uint64_t bucket,
	struct usage_quota *quota)
{
	struct key key = key_dentry(bucket, BUCKET_QUOTA);

	*quota = (struct usage_quota){0, 0};
	return read_quota(txn, &key, quota);
}

/* The kind of the document; false where the name cannot be one. */
static bool
organization_kind(struct slice organization, struct buffer *kind)
{
	if (organization.len == 0 || organization.len > BUCKET_NAME_MAX)
		return false;
	buffer_append(kind, SLICE(ORGANIZATION_QUOTA));
	buffer_append(kind, organization);
	return true;
}

static enum store_err
read_organization_quota(struct db_txn *txn, struct slice organization,
	struct usage_quota *quota)
{
	scoped(buffer_free) struct buffer kind = {0};
	struct key key;

	*quota = (struct usage_quota){0, USAGE_ORGANIZATION_BYTES};
	if (!organization_kind(organization, &kind))
		return STORE_OK;
	key = key_dentry(0, buffer_slice(&kind));
	return read_quota(txn, &key, quota);
}

static struct usage
usage_in(const struct record_usage *record, const struct usage_quota *quota)
{
	return (struct usage){
		record->objects, record->bytes, record->part_bytes, *quota};
}

/* Those that limit a bucket: its own and its organization's. */
static enum store_err
read_limits(struct db_txn *txn, uint64_t bucket, struct usage limits[2])
{
	struct row own, organization;
	struct usage_quota quota;
	enum store_err err = read_rows(txn, bucket, &own, &organization);

	if (!err)
		err = read_bucket_quota(txn, bucket, &quota);
	if (err)
		return err;
	limits[0] = usage_in(&own.usage, &quota);
	err = read_organization_quota(txn, own.usage.organization, &quota);
	limits[1] = usage_in(&organization.usage, &quota);
	return err;
}

/* More bytes than there are may have been promised to nobody: saturates. */
static uint64_t
held_bytes(const struct usage *usage)
{
	uint64_t sum;

	if (__builtin_add_overflow(usage->bytes, usage->part_bytes, &sum))
		return UINT64_MAX;
	return sum;
}

enum store_err
usage_mark(struct db_txn *txn, uint64_t bucket, struct usage_mark *mark)
{
	struct row own = {.key = key_u64(bucket)};
	enum store_err err = read_row(txn, &own);

	if (err)
		return err;
	struct usage usage = usage_in(&own.usage, &(struct usage_quota){0, 0});

	*mark = (struct usage_mark){bucket, usage.objects, held_bytes(&usage)};
	return STORE_OK;
}

enum store_err
usage_check(struct db_txn *txn, const struct usage_mark *mark)
{
	struct usage limits[2];
	enum store_err err = read_limits(txn, mark->bucket, limits);

	if (err)
		return err;
	bool has_more_objects = limits[0].objects > mark->objects;
	bool has_more_bytes = held_bytes(&limits[0]) > mark->bytes;
	for (size_t i = 0; i < 2; i++) {
		const struct usage *at = &limits[i];

		if (has_more_objects && at->quota.objects &&
			at->objects > at->quota.objects)
			return STORE_QUOTA;
		if (has_more_bytes && at->quota.bytes &&
			held_bytes(at) > at->quota.bytes)
			return STORE_QUOTA;
	}
	return STORE_OK;
}

static uint64_t
left_of(uint64_t most, uint64_t held)
{
	if (!most)
		return UINT64_MAX;
	return held < most ? most - held : 0;
}

static struct usage_quota
left_of_limits(const struct usage limits[2])
{
	struct usage_quota left = {UINT64_MAX, UINT64_MAX};

	for (size_t i = 0; i < 2; i++) {
		uint64_t objects =
			left_of(limits[i].quota.objects, limits[i].objects);
		uint64_t bytes =
			left_of(limits[i].quota.bytes, held_bytes(&limits[i]));

		left.objects = objects < left.objects ? objects : left.objects;
		left.bytes = bytes < left.bytes ? bytes : left.bytes;
	}
	return left;
}

enum store_err
usage_check_full(struct db_txn *txn, uint64_t bucket)
{
	struct usage limits[2];
	enum store_err err = read_limits(txn, bucket, limits);

	if (err)
		return err;
	struct usage_quota left = left_of_limits(limits);

	return left.objects && left.bytes ? STORE_OK : STORE_QUOTA;
}

enum store_err
usage_left(struct store *store, uint64_t bucket, struct usage_quota *out)
{
	scoped(db_abort) struct db_txn *txn = NULL;
	struct usage limits[2];
	enum store_err err = db_begin_read(store->db, &txn);

	if (!err)
		err = read_limits(txn, bucket, limits);
	if (!err)
		*out = left_of_limits(limits);
	return err;
}

enum store_err
usage_check_kept(struct store *store, uint64_t bucket)
{
	scoped(db_abort) struct db_txn *txn = NULL;
	struct usage limits[2];
	enum store_err err = db_begin_read(store->db, &txn);

	if (!err)
		err = read_limits(txn, bucket, limits);
	for (size_t i = 0; !err && i < 2; i++) {
		const struct usage *at = &limits[i];

		if ((at->quota.objects && at->objects > at->quota.objects) ||
			(at->quota.bytes && held_bytes(at) > at->quota.bytes))
			err = STORE_QUOTA;
	}
	return err;
}

enum store_err
usage_check_room(struct store *store, uint64_t bucket, uint64_t bytes)
{
	struct usage_quota left;
	enum store_err err = usage_left(store, bucket, &left);

	if (err)
		return err;
	return bytes > left.bytes ? STORE_QUOTA : STORE_OK;
}

enum store_err
usage_of_bucket(struct store *store, uint64_t bucket, struct usage *out)
{
	scoped(db_abort) struct db_txn *txn = NULL;
	struct row row = {.key = key_u64(bucket)};
	struct usage_quota quota;
	struct inode root;
	enum store_err err = db_begin_read(store->db, &txn);

	if (!err)
		err = dentry_inode(txn, bucket, &root);
	if (err)
		return err == STORE_STALE ? STORE_NO_BUCKET : err;
	err = read_row(txn, &row);
	if (!err)
		err = read_bucket_quota(txn, bucket, &quota);
	if (!err)
		*out = usage_in(&row.usage, &quota);
	return err;
}

enum store_err
usage_of_organization(struct store *store, struct slice organization,
	struct usage *out)
{
	scoped(db_abort) struct db_txn *txn = NULL;
	struct usage_quota quota;
	enum store_err err;

	if (organization.len == 0 || organization.len > BUCKET_NAME_MAX)
		return STORE_INVALID;
	struct row row = {.key = organization_key(organization)};

	err = db_begin_read(store->db, &txn);
	if (!err)
		err = read_row(txn, &row);
	if (!err)
		err = read_organization_quota(txn, organization, &quota);
	if (!err)
		*out = usage_in(&row.usage, &quota);
	return err;
}

static enum store_err
set_quota(struct store *store, uint64_t owner, struct slice kind,
	const struct usage_quota *quota)
{
	scoped(buffer_free) struct buffer value = {0};
	const struct record_quota record = {quota->objects, quota->bytes};

	record_quota_encode(&value, &record);
	return bucket_set_document(store, owner, kind,
		&(struct slice){value.data, value.len});
}

enum store_err
usage_set_bucket_quota(struct store *store, uint64_t bucket,
	const struct usage_quota *quota)
{
	struct usage usage;
	enum store_err err = usage_of_bucket(store, bucket, &usage);

	return err ? err : set_quota(store, bucket, BUCKET_QUOTA, quota);
}

enum store_err
usage_set_organization_quota(struct store *store, struct slice organization,
	const struct usage_quota *quota)
{
	scoped(buffer_free) struct buffer kind = {0};

	if (!organization_kind(organization, &kind))
		return STORE_INVALID;
	enum store_err err = organization_check(store, organization);
	return err ? err : set_quota(store, 0, buffer_slice(&kind), quota);
}

enum store_err
usage_end_organization(struct db_txn *txn, struct slice organization)
{
	struct store_document_kind kind =
		store_document_kind(ORGANIZATION_QUOTA "%.*s",
			(int)organization.len, organization.data);

	return store_document_remove(txn, &kind);
}
