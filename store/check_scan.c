/* SPDX-License-Identifier: Apache-2.0 */
/* Each table by itself: does it decode, and is what it names there. */
#include <stdio.h>

#include "store/base/codec.h"
#include "store/check_private.h"
#include "store/lifecycle.h"
#include "store/meter_private.h"
#include "store/replication.h"
#include "store/sealed.h"
#include "store/tier_private.h"
#include "store/topic_private.h"

typedef enum store_err (*visit_row)(struct check *check, struct slice key,
	struct slice value);

/* The number that a key begins with, for messages; 0 where there is none. */
static uint64_t
number_of(struct slice key)
{
	uint64_t number = 0;

	if (key.len >= 8)
		number = codec_load_u64_big((const uint8_t *)key.data);
	return number;
}

static void
note_row(struct check *check, enum check_kind kind, enum db_table table,
	struct slice key, const char *what, uint64_t number, const char *why)
{
	struct check_job *job = check_note(check, kind, CHECK_FIX_ROW,
		"%s %llu %s", what, (unsigned long long)number, why);

	job->table = table;
	job->name = arena_copy(&check->arena, key);
}

/* A row whose key is a name does not decode. */
static void
note_named(struct check *check, enum db_table table, struct slice key,
	struct slice value, const char *what)
{
	char whose[DB_KEY_MAX + 32];

	(void)snprintf(whose, sizeof(whose), "%s %.*s", what, (int)key.len,
		key.data);
	check_note_record(check, table, key, value, whose);
}

static enum store_err
visit_bucket(struct check *check, struct slice key, struct slice value)
{
	struct record_bucket record;

	if (record_bucket_decode(value, &record) ||
		record.root_ino <= INODE_ROOT || key.len > BUCKET_NAME_MAX) {
		note_named(check, DB_BUCKET, key, value, "bucket");
		return STORE_OK;
	}
	check->result.buckets++;
	/* Not sorted yet. */
	const struct check_bucket *buckets = check->buckets.items;
	for (size_t i = 0; i < check->buckets.count; i++) {
		if (buckets[i].ino != record.root_ino)
			continue;
		note_row(check, CHECK_BUCKET, DB_BUCKET, key, "root directory",
			record.root_ino, "belongs to two buckets");
		return STORE_OK;
	}
	struct check_bucket *bucket =
		check_add(&check->buckets, record.root_ino);
	bucket->usage.organization = arena_copy(&check->arena, record.owner);
	return STORE_OK;
}

static enum store_err
visit_versions(struct check *check, struct slice key, struct slice value)
{
	struct record_versions record;
	struct inode root;
	uint64_t bucket;

	if (key_split_u64(key, &bucket) ||
		record_versions_decode(value, &record)) {
		check_note_row(check, DB_VERSION, key, value,
			"versions of bucket", number_of(key));
		return STORE_OK;
	}
	struct check_bucket *of = check_find(&check->buckets, bucket);
	if (!of) {
		note_row(check, CHECK_BUCKET, DB_VERSION, key, "bucket", bucket,
			"keeps versions but is gone");
		return STORE_OK;
	}
	of->has_lock = record.lock.is_enabled;
	check_add(&check->histories, record.history);
	enum store_err err = dentry_inode(check->txn, record.history, &root);
	if (err != STORE_STALE)
		return STORE_OK; /* what does not decode is noted there */
	check_counter_use(&check->last_number, record.history);
	struct check_job *job = check_note(check, CHECK_BUCKET,
		CHECK_FIX_HISTORY, "the versions of bucket %llu have no root",
		(unsigned long long)bucket);
	job->a = record.history;
	job->b = bucket;
	return STORE_OK;
}

static enum store_err
visit_blob(struct check *check, struct slice key, struct slice value)
{
	struct record_blob record;
	uint64_t id;

	if (key_split_u64(key, &id) || record_blob_decode(value, &record)) {
		check_note_row(check, DB_BLOB, key, value, "blob",
			number_of(key));
		return STORE_OK;
	}
	check->result.blobs += record.place != RECORD_BLOB_SEGMENT;
	check_add(&check->blobs, id);
	check_counter_use(&check->last_blob, id);
	return STORE_OK;
}

static enum store_err
visit_freed(struct check *check, struct slice key, struct slice value)
{
	uint64_t id;

	(void)value;
	if (key_split_u64(key, &id))
		check_note_row(check, DB_FREED, key, value, "freed blob",
			number_of(key));
	else if (check_find(&check->blobs, id))
		note_row(check, CHECK_REFERENCES, DB_FREED, key, "blob", id,
			"is in use but marked as freed");
	else
		check_counter_use(&check->last_blob, id);
	return STORE_OK;
}

static enum store_err
visit_session(struct check *check, struct slice key, struct slice value)
{
	struct record_session record;
	uint64_t id;

	if (key_split_u64(key, &id) || record_session_decode(value, &record)) {
		check_note_row(check, DB_SESSION, key, value, "session",
			number_of(key));
		return STORE_OK;
	}
	check_add(&check->sessions, id);
	check_counter_use(&check->last_session, id);
	return STORE_OK;
}

static enum store_err
visit_open(struct check *check, struct slice key, struct slice value)
{
	uint64_t session, ino;

	(void)value;
	if (key_split_u64_u64(key, &session, &ino)) {
		check_note_row(check, DB_OPEN, key, value,
			"open files of session", number_of(key));
		return STORE_OK;
	}
	check_add(&check->opens, ino);
	if (check_find(&check->sessions, session))
		return STORE_OK;
	struct check_job *job = check_note(check, CHECK_LEASE, CHECK_FIX_OPEN,
		"inode %llu is marked as open by session %llu, which is gone",
		(unsigned long long)ino, (unsigned long long)session);
	job->a = session;
	job->b = ino;
	return STORE_OK;
}

static enum store_err
visit_lease(struct check *check, struct slice key, struct slice value)
{
	uint64_t session, first;

	(void)value;
	if (key_split_u64_u64(key, &session, &first))
		check_note_row(check, DB_LEASE, key, value, "leases of session",
			number_of(key));
	else if (!check_find(&check->sessions, session))
		note_row(check, CHECK_LEASE, DB_LEASE, key, "session", session,
			"has leased data files but is gone");
	return STORE_OK;
}

static enum store_err
visit_upload(struct check *check, struct slice key, struct slice value)
{
	struct record_upload record;
	uint64_t bucket, number;

	if (key_split_u64_u64(key, &bucket, &number) ||
		record_upload_decode(value, &record)) {
		check_note_row(check, DB_UPLOAD, key, value, "upload in bucket",
			number_of(key));
		return STORE_OK;
	}
	check->result.uploads++;
	struct check_upload *upload = check_add(&check->uploads, number);
	upload->bucket = bucket;
	check_counter_use(&check->last_number, number);
	check_reference_add(check, record.blob, "upload", number, 0);
	return STORE_OK;
}

static enum store_err
visit_part(struct check *check, struct slice key, struct slice value)
{
	struct record_part record;
	uint64_t upload, number;

	if (key_split_u64_u64(key, &upload, &number) ||
		record_part_decode(value, &record)) {
		check_note_row(check, DB_PART, key, value, "a part of upload",
			number_of(key));
		return STORE_OK;
	}
	const struct check_upload *owner = check_find(&check->uploads, upload);
	if (!owner) {
		note_row(check, CHECK_UPLOAD, DB_PART, key, "upload", upload,
			"has a part but is gone");
		/* Goes with the row, once nothing names it. */
		return STORE_OK;
	}
	check_reference_add(check, record.blob, "a part of upload", upload,
		record.size);
	struct check_bucket *bucket =
		check_find(&check->buckets, owner->bucket);
	if (bucket)
		bucket->usage.part_bytes += record.size;
	return STORE_OK;
}

/* A mark that somebody has the file open, but nobody does. */
static void
check_flags(struct check *check, const struct inode *inode)
{
	if (!(inode->flags & (INODE_DIRTY | INODE_UNPUBLISHED)) ||
		check_find(&check->opens, inode->ino))
		return;
	struct check_job *job = check_note(check, CHECK_LEASE, CHECK_FIX_OPEN,
		"inode %llu is marked as open, but no session has it open",
		(unsigned long long)inode->ino);
	job->b = inode->ino;
}

static void
check_root(struct check *check, const struct inode *inode)
{
	struct check_bucket *bucket = check_find(&check->buckets, inode->ino);

	if (bucket) {
		bucket->has_root = inode_is_dir(inode);
		return;
	}
	struct check_job *job =
		check_note(check, CHECK_BUCKET, CHECK_FIX_BUCKET,
			"directory %llu is the root of a bucket without a name",
			(unsigned long long)inode->ino);
	job->a = inode->ino;
}

static enum store_err
visit_inode(struct check *check, struct slice key, struct slice value)
{
	struct inode inode;
	uint64_t ino;

	if (key_split_u64(key, &ino) || record_inode_decode(value, &inode) ||
		inode.ino != ino) {
		check_note_row(check, DB_INODE, key, value, "inode",
			number_of(key));
		return STORE_OK;
	}
	/* Its data and its place are known: no reason to remove it. */
	if (!inode_attrs_are_valid(inode.attrs))
		check_note(check, CHECK_RECORD, CHECK_FIX_NONE,
			"inode %llu has attributes that do not decode",
			(unsigned long long)ino);
	check_counter_use(&check->last_number, ino);
	struct check_inode *known = check_add(&check->inodes, ino);
	known->is_dir = inode_is_dir(&inode);
	known->is_root = known->is_dir && inode.ino == inode.bucket;
	check->result.inodes++;
	check_reference_add(check, inode.blob, "inode", ino,
		sealed_file_len(&inode));
	check_reference_add(check, inode.pending, "inode", ino, 0);
	if (inode.ino == inode.bucket)
		check_root(check, &inode);
	check_flags(check, &inode);
	return check_data_inode(check, &inode);
}

static bool
is_usage_row(uint64_t bucket, struct slice key, struct slice value)
{
	struct record_usage usage;
	struct record_day record;
	uint64_t day;

	if (bucket && key.len > 8)
		return !key_split_u64_u64(key, &bucket, &day) &&
		       day <= UINT32_MAX && !record_day_decode(value, &record);
	return !record_usage_decode(value, &usage) &&
	       (bucket ? key.len == 8
		       : key.len > 8 && key.len <= 8 + RECORD_NAME_MAX);
}

static enum store_err
visit_usage(struct check *check, struct slice key, struct slice value)
{
	uint64_t bucket = number_of(key);

	if (!is_usage_row(bucket, key, value))
		check_note_row(check, DB_USAGE, key, value, "usage of bucket",
			bucket);
	else if (bucket && !check_find(&check->buckets, bucket))
		note_row(check, CHECK_USAGE, DB_USAGE, key, "bucket", bucket,
			"has counters but is gone");
	return STORE_OK;
}

/* What others than the metering, topics, the archive and the rules for
 * lifecycles and replicas are is known where they are read. */
static bool
is_sound(uint64_t owner, struct slice kind, struct slice value)
{
	scoped(arena_free) struct arena arena = {0};
	struct replication replication;
	struct lifecycle_rules rules;

	if (!owner)
		return meter_document_is_sound(kind, value) &&
		       topic_document_is_sound(kind, value);
	if (slice_equal(kind, SLICE(TIER_ARCHIVE_KIND)))
		return tier_archive_is_sound(value);
	if (slice_equal(kind, SLICE(REPLICATION_KIND)))
		return replication_decode(value, &arena, &replication);
	return !slice_equal(kind, SLICE(LIFECYCLE_KIND)) ||
	       lifecycle_decode(value, &arena, &rules);
}

static enum store_err
visit_document(struct check *check, struct slice key, struct slice value)
{
	struct slice kind;
	uint64_t owner;

	if (key_split_dentry(key, &owner, &kind) ||
		is_sound(owner, kind, value))
		return STORE_OK;
	check_note_record(check, DB_DOCUMENT, key, value,
		arena_str(&check->arena,
			arena_printf(&check->arena, "the document %.*s",
				(int)kind.len, kind.data)));
	return STORE_OK;
}

static enum store_err
visit_change(struct check *check, struct slice key, struct slice value)
{
	struct record_change record;

	if (record_change_decode(value, &record))
		check_note_row(check, DB_CHANGE, key, value, "change",
			number_of(key));
	return STORE_OK;
}

static enum store_err
visit_token(struct check *check, struct slice key, struct slice value)
{
	struct record_token record;

	if (record_token_decode(value, &record))
		note_named(check, DB_TOKEN, key, value, "access key");
	return STORE_OK;
}

static void
check_roots(struct check *check)
{
	struct check_bucket *buckets = check->buckets.items;

	for (size_t i = 0; i < check->buckets.count; i++) {
		if (buckets[i].has_root)
			continue;
		struct check_job *job = check_note(check, CHECK_BUCKET,
			CHECK_FIX_ROOT, "bucket %llu has no root directory",
			(unsigned long long)buckets[i].ino);
		job->a = buckets[i].ino;
	}
}

/* After the inodes: a bucket that has lost its row alone is saved, with what
 * was on its way into it. */
static void
check_uploads(struct check *check)
{
	const struct check_upload *uploads = check->uploads.items;

	for (size_t i = 0; i < check->uploads.count; i++) {
		const struct check_upload *upload = &uploads[i];

		if (check_is_bucket(check, upload->bucket))
			continue;
		struct check_job *job =
			check_note(check, CHECK_UPLOAD, CHECK_FIX_UPLOAD,
				"upload %llu is for bucket %llu, which is gone",
				(unsigned long long)upload->number,
				(unsigned long long)upload->bucket);
		job->a = upload->bucket;
		job->b = upload->number;
	}
}

enum store_err
check_scan_tables(struct check *check)
{
	static const struct {
		enum db_table table;
		visit_row visit;
		/* Not in the order of its rows. */
		size_t sorted;
	} passes[] = {
		{DB_BUCKET, visit_bucket, offsetof(struct check, buckets)},
		{DB_VERSION, visit_versions, offsetof(struct check, histories)},
		{DB_BLOB, visit_blob, 0},
		{DB_PACK, check_pack_row, offsetof(struct check, lost)},
		{DB_FREED, visit_freed, 0},
		{DB_SESSION, visit_session, 0},
		{DB_OPEN, visit_open, offsetof(struct check, opens)},
		{DB_LEASE, visit_lease, 0},
		{DB_UPLOAD, visit_upload, offsetof(struct check, uploads)},
		{DB_PART, visit_part, 0},
		{DB_INODE, visit_inode, 0},
		{DB_USAGE, visit_usage, 0},
		{DB_DOCUMENT, visit_document, 0},
		{DB_CHANGE, visit_change, 0},
		{DB_TOKEN, visit_token, 0},
		{DB_NOTIFICATION, check_event_notification, 0},
		{DB_EVENT, check_event_row, 0},
		{DB_REPLICATION, check_replication_row, 0},
		{DB_NULL, check_null_row, 0},
	};

	for (size_t i = 0; i < array_len(passes); i++) {
		enum store_err err =
			check_rows(check, passes[i].table, passes[i].visit);
		if (err)
			return err;
		if (passes[i].sorted)
			check_sort((struct check_array *)((char *)check +
							  passes[i].sorted));
	}
	check_roots(check);
	check_uploads(check);
	check_pack_lost(check);
	return STORE_OK;
}
