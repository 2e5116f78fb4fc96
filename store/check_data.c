/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Blobs against data files.  The store may be in use, and files come and go
 * outside of any snapshot: what looks wrong is looked at again in the newest
 * one before it is reported.
 */
#include "store/base/clock.h"
#include "store/base/codec.h"
#include "store/blob_record_private.h"
#include "store/check_private.h"
#include "store/scrub_private.h"
#include "store/sealed.h"

/* Whether the inode still is what it was. */
static enum store_err
is_unchanged(struct check *check, const struct inode *inode, bool *is_same)
{
	scoped(db_abort) struct db_txn *txn = NULL;
	struct inode now;
	enum store_err err = db_begin_read(check->store->db, &txn);

	*is_same = false;
	if (!err)
		err = dentry_inode(txn, inode->ino, &now);
	if (err)
		return err == STORE_STALE ? STORE_OK : err;
	*is_same = now.blob == inode->blob && now.size == inode->size &&
		   now.flags == inode->flags && now.pending == inode->pending;
	return STORE_OK;
}

static void
note_missing(struct check *check, uint64_t blob, const char *what,
	uint64_t number)
{
	/* Not repaired: with the file system of the data not mounted, that
	 * would empty the store. */
	check_note(check, CHECK_BLOB_MISSING, CHECK_FIX_NONE,
		"the data of %s %llu is gone: there is no file of blob %llu",
		what, (unsigned long long)number, (unsigned long long)blob);
}

/*
 * Bytes are gone that nobody took away.  Who writes in place leaves a file that
 * is younger than its inode, also where a power cut took back the commit that
 * marks it; and takes the checksum first, of what S3, which never shortens
 * anything, has put.
 */
static bool
is_cut_off(const struct inode *inode, const struct record_blob *record,
	const struct stat *stat)
{
	int64_t mtime_ns = (int64_t)stat->st_mtim.tv_sec * CLOCK_NS_PER_S +
			   stat->st_mtim.tv_nsec;
	bool is_younger =
		mtime_ns > inode->ctime_ns && mtime_ns != inode->mtime_ns;
	bool is_of_s3 = inode->etag.parts != 1;

	return inode->blob && (uint64_t)stat->st_size < inode->size &&
	       (!is_younger || (record->has_crc64nvme && is_of_s3));
}

static void
note_cut_off(struct check *check, const struct inode *inode, uint64_t found)
{
	struct check_job *job = check_note(check, CHECK_BLOB_SIZE,
		CHECK_FIX_CUT_OFF,
		"inode %llu has lost data: %llu bytes are there, its record "
		"says %llu",
		(unsigned long long)inode->ino, (unsigned long long)found,
		(unsigned long long)inode->size);

	job->a = inode->blob;
}

static void
note_size(struct check *check, const struct inode *inode, uint64_t found)
{
	/* What was cut off cannot be told, nor made to open. */
	if (sealed_is(inode)) {
		check_note(check, CHECK_BLOB_SIZE, CHECK_FIX_NONE,
			"inode %llu has %llu bytes of sealed data, its record "
			"asks for %llu",
			(unsigned long long)inode->ino,
			(unsigned long long)found,
			(unsigned long long)sealed_file_len(inode));
		return;
	}
	struct check_job *job = check_note(check, CHECK_BLOB_SIZE,
		inode->blob ? CHECK_FIX_SIZE : CHECK_FIX_RECORD_SIZE,
		"inode %llu has %llu bytes of data, its record says %llu",
		(unsigned long long)inode->ino, (unsigned long long)found,
		(unsigned long long)inode->size);

	job->a = inode->ino;
}

/* That its bytes are there is asked once for each segment. */
static enum store_err
check_packed_inode(struct check *check, const struct inode *inode,
	const struct record_blob *record)
{
	bool is_same = false;

	if (record->size == sealed_file_len(inode) ||
		!inode_attrs_are_valid(inode->attrs))
		return STORE_OK;
	enum store_err err = is_unchanged(check, inode, &is_same);
	if (err || !is_same)
		return err;
	if (sealed_is(inode)) {
		note_size(check, inode, record->size);
		return STORE_OK;
	}
	return check_pack_size(check, inode, record);
}

/* The inode's data file; one without data has one of 0 bytes, as it were.
 * *is_there: it can be looked at. */
static enum store_err
stat_data(struct check *check, const struct inode *inode,
	struct check_blob *blob, struct stat *stat, bool *is_there)
{
	bool is_same = false;
	enum store_err err;

	*stat = (struct stat){.st_size = 0};
	*is_there = true;
	if (!inode->blob)
		return STORE_OK;
	err = blob_stat(check->store->blobs, inode->blob, stat);
	if (err && err != STORE_NOT_FOUND)
		return err;
	if (blob)
		blob->is_seen = true;
	*is_there = !err;
	/* One without a record has been reported. */
	if (!err || !blob)
		return STORE_OK;
	err = is_unchanged(check, inode, &is_same);
	if (!err && is_same)
		note_missing(check, inode->blob, "inode", inode->ino);
	return err;
}

enum store_err
check_data_inode(struct check *check, const struct inode *inode)
{
	bool is_open = inode->pending ||
		       (inode->flags & (INODE_DIRTY | INODE_UNPUBLISHED));
	struct check_blob *blob = check_find(&check->blobs, inode->blob);
	struct record_blob record = {.place = RECORD_BLOB_FILE};
	bool is_there, is_same = false;
	struct stat stat;

	if (!S_ISREG(inode->mode) && !inode_is_dir(inode))
		return STORE_OK;
	if (check_find(&check->lost, inode->blob) ||
		check_pack_is_named(check, inode))
		return STORE_OK; /* reported */
	if (blob && !blob_record_get(check->txn, inode->blob, &record) &&
		record.place == RECORD_BLOB_PACKED)
		return check_packed_inode(check, inode, &record);
	enum store_err err = stat_data(check, inode, blob, &stat, &is_there);
	/* What the size should be depends on the attributes: sealed.h. */
	if (err || !is_there || is_open || record.is_damaged ||
		!inode_attrs_are_valid(inode->attrs) ||
		(uint64_t)stat.st_size == sealed_file_len(inode))
		return err;
	err = is_unchanged(check, inode, &is_same);
	if (err || !is_same)
		return err;
	if (!sealed_is(inode) && is_cut_off(inode, &record, &stat))
		note_cut_off(check, inode, (uint64_t)stat.st_size);
	else
		note_size(check, inode, (uint64_t)stat.st_size);
	return STORE_OK;
}

static enum store_err
is_in_table(struct db_txn *txn, enum db_table table, uint64_t id, bool *is_in)
{
	struct key key = key_u64(id);
	struct slice value;
	enum store_err err = db_get(txn, table, key_slice(&key), &value);

	*is_in = !err;
	return err == STORE_NOT_FOUND ? STORE_OK : err;
}

/* A file may go before its record is looked at. */
static enum store_err
note_if_missing(struct check *check, uint64_t id)
{
	scoped(db_abort) struct db_txn *txn = NULL;
	bool is_in = false;
	enum store_err err = db_begin_read(check->store->db, &txn);

	if (!err)
		err = is_in_table(txn, DB_BLOB, id, &is_in);
	if (!err && is_in)
		note_missing(check, id, "blob", id);
	return err;
}

static enum store_err
visit_blob(struct check *check, struct slice key, struct slice value)
{
	struct record_blob record;
	struct stat stat;
	uint64_t id;

	/* Those that do not decode have been reported. */
	if (key_split_u64(key, &id) || record_blob_decode(value, &record))
		return STORE_OK;
	if (record.place == RECORD_BLOB_SEGMENT)
		return check_pack_segment(check, id, &record);
	if (check_pack_is_segment(check, id))
		return STORE_OK;
	if (record.is_damaged) {
		check->damaged++;
		check_note(check, CHECK_DAMAGED, CHECK_FIX_NONE,
			"the data of blob %llu is marked as damaged",
			(unsigned long long)id);
	}
	struct check_blob *blob = check_find(&check->blobs, id);
	if (record.references != blob->references) {
		struct check_job *job = check_note(check, CHECK_REFERENCES,
			CHECK_FIX_REFERENCES,
			"blob %llu counts %u references and has %u",
			(unsigned long long)id, record.references,
			blob->references);
		job->a = id;
		job->b = blob->references;
	}
	if (record.place == RECORD_BLOB_PACKED)
		return check_pack_blob(check, id, &record);
	if (blob->is_seen || blob->references == 0)
		return STORE_OK;
	enum store_err err = blob_stat(check->store->blobs, id, &stat);
	return err == STORE_NOT_FOUND ? note_if_missing(check, id) : err;
}

enum store_err
check_data_blobs(struct check *check)
{
	struct scrub_state state;
	enum store_err err = check_rows(check, DB_BLOB, visit_blob);

	if (!err)
		err = scrub_state_get(check->txn, &state);
	if (err || state.damaged == check->damaged)
		return err;
	struct check_job *job =
		check_note(check, CHECK_DAMAGED, CHECK_FIX_DAMAGED,
			"%llu blobs are marked as damaged, the count says %llu",
			(unsigned long long)check->damaged,
			(unsigned long long)state.damaged);
	job->a = check->damaged;
	return STORE_OK;
}

/* Leased to a session, which is about to name it, or to remove it. */
static enum store_err
find_lease(struct db_txn *txn, uint64_t id, bool *is_leased)
{
	scoped(db_cursor_close) struct db_cursor cursor = {0};
	struct key start = key_u64(0);
	uint64_t session, first;
	enum store_err err = db_cursor_open(txn, DB_LEASE, &cursor);

	*is_leased = false;
	if (!err)
		err = db_cursor_seek(&cursor, key_slice(&start));
	while (!err && !*is_leased) {
		struct decoder decoder = codec_decoder(cursor.value);
		uint64_t count = codec_decode_u64(&decoder);

		*is_leased = !key_split_u64_u64(cursor.key, &session, &first) &&
			     id >= first && id - first < count;
		err = db_cursor_next(&cursor);
	}
	return err == STORE_NOT_FOUND ? STORE_OK : err;
}

enum store_err
check_data_is_named(struct store *store, uint64_t id, bool *is_named)
{
	scoped(db_abort) struct db_txn *txn = NULL;
	enum store_err err = db_begin_read(store->db, &txn);

	*is_named = false;
	if (!err)
		err = find_lease(txn, id, is_named);
	if (!err && !*is_named)
		err = is_in_table(txn, DB_BLOB, id, is_named);
	if (!err && !*is_named)
		err = is_in_table(txn, DB_FREED, id, is_named);
	return err;
}

static enum store_err
visit_file(uint64_t id, void *context)
{
	struct check *check = context;
	bool is_named = true;
	struct stat stat;

	if (check_find(&check->blobs, id) || check_find(&check->unknown, id))
		return STORE_OK;
	enum store_err err = check_data_is_named(check->store, id, &is_named);
	if (err || is_named)
		return err;
	/* Reclaimed since. */
	err = blob_stat(check->store->blobs, id, &stat);
	if (err)
		return err == STORE_NOT_FOUND ? STORE_OK : err;
	struct check_job *job = check_note(check, CHECK_BLOB_STRAY,
		CHECK_FIX_FILE, "no record names the data file of blob %llu",
		(unsigned long long)id);
	job->a = id;
	return STORE_OK;
}

static void
visit_stray(const char *path, void *context)
{
	check_note(context, CHECK_BLOB_STRAY, CHECK_FIX_NONE,
		"%s is no data file of this store", path);
}

enum store_err
check_data_files(struct check *check)
{
	check_sort(&check->unknown);
	return blob_walk(check->store->blobs, 0, visit_file, visit_stray,
		check);
}
