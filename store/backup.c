/* SPDX-License-Identifier: Apache-2.0 */
/*
 * 1. The hold comes before the copy of the tables: every blob that the copy
 *    names is still there when its turn comes (hold_private.h).
 * 2. The directory gets its name only when all that is in it has been flushed.
 * 3. A file is shared with an earlier backup only if its size and time are
 *    those that the store's own has, and that one was not touched since the
 *    earlier backup began: who writes in place may put the time back, but not
 *    that of the last change (st_ctim).  Nobody writes to files of a backup.
 */
#include "store/backup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/backup_private.h"
#include "store/base/buffer.h"
#include "store/base/clock.h"
#include "store/base/dir.h"
#include "store/base/io.h"
#include "store/base/log.h"
#include "store/base/owner.h"
#include "store/blob_record_private.h"
#include "store/hold_private.h"
#include "store/meta/key.h"
#include "store/meta/side.h"
#include "store/store_private.h"

struct job {
	struct store *store;
	const struct backup_options *options;
	struct backup_result *result;
	char *partial;
	int partial_fd;
	struct db *db;	      /* the copy of the tables */
	struct blobs *blobs;  /* of the backup */
	struct blobs *before; /* of the one before; NULL: none */
	int64_t before_ns;    /* when that was begun; 0: it does not say */
	int64_t begun_ns;
	uint64_t last_number;	  /* of the backups that are there */
	struct backup_lost lost;  /* of segments */
	struct buffer lost_blobs; /* the list: backup_lost.c */
};

static bool
goes_on(const struct job *job)
{
	const struct backup_options *options = job->options;

	return !options->goes_on || options->goes_on(options->context);
}

static void
report(const struct job *job, const char *format, uint64_t blob)
{
	char text[256];

	(void)snprintf(text, sizeof(text), format, (unsigned long long)blob);
	log_error("backup: %s", text);
	if (job->options->report)
		job->options->report(text, job->options->context);
}

/* --- the directory ---------------------------------------------------------
 */

/* Of the backup that was made of a commit. */
static struct backup_path
path_of(const struct job *job, uint64_t commit)
{
	char name[24];

	(void)snprintf(name, sizeof(name), "%llu", (unsigned long long)commit);
	return backup_dir_path(job->options->to, name);
}

static enum store_err
make_partial(struct job *job)
{
	const char *to = job->options->to;
	enum store_err err = backup_target_remove_partial(job->partial);

	if (!err)
		err = backup_dir_make(to, BACKUP_PARTIAL);
	if (!err)
		err = dir_open(job->partial, &job->partial_fd);
	if (!err)
		err = backup_dir_make(job->partial, "meta");
	if (!err)
		err = backup_dir_make(job->partial, "data");
	if (!err)
		err = backup_dir_make(job->partial, "run");
	return err;
}

/* The next tick of the clock that stamps files: what was written before this
 * call has an earlier time, and what is written after it has none. */
static int64_t
wait_for_tick(void)
{
	int64_t start_ns = clock_stamp_ns();
	int64_t now_ns = start_ns;

	while (now_ns == start_ns) {
		io_sleep_ms(1);
		now_ns = clock_stamp_ns();
	}
	return now_ns;
}

static enum store_err
open_before(struct job *job)
{
	if (!job->options->since)
		return STORE_OK;
	struct backup_path dir = path_of(job, job->options->since);
	struct backup_path data = backup_dir_path(dir.text, "data");
	job->before_ns = (int64_t)backup_dir_number(dir.text, "begun");
	return blob_open_all(data.text, true, &job->before);
}

/* --- tables ----------------------------------------------------------------
 */

static enum store_err
copy_tables(struct job *job)
{
	struct backup_path path =
		backup_dir_path(job->partial, "meta/data.mdb");
	int fd = owner_open(path.text, O_RDWR | O_EXCL);

	if (fd < 0)
		return error_from_errno(errno);
	enum store_err err = db_copy(job->store->db, fd);
	close(fd);
	if (err)
		return err;
	struct backup_path meta = backup_dir_path(job->partial, "meta");
	const struct db_options options = {
		.path = meta.text,
		.is_read_only = true,
	};
	err = db_open(&options, &job->db);
	if (!err)
		job->result->commit = db_last_commit(job->db);
	return err;
}

/* Of no boot: whoever opens it goes back to this commit, as after a power
 * cut. */
static enum store_err
make_side(struct job *job)
{
	struct backup_path path =
		backup_dir_path(job->partial, "meta/checkpoint");
	struct side side = {.sequence = 1, .commit = job->result->commit};
	struct metapage page;
	struct stat stat;
	uint32_t page_size;
	int side_fd = -1;
	int fd = db_fd(job->db);
	enum store_err err = metapage_page_size(fd, &page_size);

	if (!err && fstat(fd, &stat))
		err = error_from_errno(errno);
	if (!err)
		err = metapage_read(fd, page_size, (int)(side.commit % 2),
			side.metapage, &page);
	if (err)
		return err;
	if (page.commit != side.commit)
		return STORE_CORRUPT;
	side.file_size = (uint64_t)stat.st_size;
	err = side_write(path.text, &side_fd, &side);
	if (side_fd >= 0)
		close(side_fd);
	return err;
}

/* --- blobs -----------------------------------------------------------------
 */

static int64_t
time_ns(struct timespec time)
{
	return (int64_t)time.tv_sec * CLOCK_NS_PER_S + time.tv_nsec;
}

/* True where the backup before has the very file: invariant 3. */
static bool
share(struct job *job, uint64_t id)
{
	struct stat now, then;

	if (!job->before || blob_stat(job->before, id, &then) ||
		blob_stat(job->store->blobs, id, &now))
		return false;
	if (now.st_size != then.st_size ||
		time_ns(now.st_mtim) != time_ns(then.st_mtim) ||
		time_ns(now.st_ctim) >= job->before_ns)
		return false;
	return !blob_link(job->before, id, job->blobs);
}

/* Of one that was deleted meanwhile.  Who opened it to write in place did so
 * after this began: before, its record would have no checksum. */
static enum store_err
is_copy_younger(struct job *job, uint64_t id, bool *is_younger)
{
	struct stat stat;
	enum store_err err = blob_stat(job->blobs, id, &stat);

	*is_younger = !err && time_ns(stat.st_mtim) >= job->begun_ns;
	return err;
}

/* The store's record of a blob that is not as it should be: where it is
 * written in place meanwhile it has lost its checksum. */
static enum store_err
is_written_since(struct job *job, uint64_t id, const struct record_blob *then,
	bool *is_written)
{
	scoped(db_abort) struct db_txn *txn = NULL;
	struct record_blob now;
	enum store_err err = db_begin_read(job->store->db, &txn);

	if (!err)
		err = blob_record_get(txn, id, &now);
	if (err == STORE_NOT_FOUND)
		return is_copy_younger(job, id, is_written);
	*is_written = !err &&
		      (!now.has_crc64nvme || now.crc64nvme != then->crc64nvme);
	return err;
}

static enum store_err
verify(struct job *job, uint64_t id, const struct record_blob *record)
{
	bool is_right = true;
	bool is_written = false;
	enum store_err err =
		backup_copy_is_right(job->blobs, id, record, &is_right);

	if (err || is_right)
		return err;
	if (record->place == RECORD_BLOB_FILE)
		err = is_written_since(job, id, record, &is_written);
	if (err || is_written)
		return err;
	job->result->damaged++;
	report(job, "blob %llu is damaged in the store, and so in the backup",
		id);
	return STORE_OK;
}

static enum store_err
copy_file(struct job *job, uint64_t id, const struct record_blob *record)
{
	bool is_segment = record->place == RECORD_BLOB_SEGMENT;
	uint64_t size = 0;

	if (share(job, id)) {
		job->result->shared++;
		return STORE_OK;
	}
	enum store_err err = backup_copy_blob(job->store->blobs, id,
		is_segment ? record->size : UINT64_MAX, job->blobs,
		is_segment ? &job->lost : NULL, &size);
	if (err == STORE_NOT_FOUND) {
		job->result->missing++;
		report(job, "blob %llu is missing in the store", id);
		return STORE_OK;
	}
	if (err == STORE_DAMAGED) {
		job->result->damaged++;
		report(job, "blob %llu cannot be read", id);
		return STORE_OK;
	}
	if (err)
		return err;
	job->result->copied++;
	job->result->copied_bytes += size;
	return is_segment ? STORE_OK : verify(job, id, record);
}

static enum store_err
look_at_packed(struct job *job, uint64_t id, const struct record_blob *record)
{
	if (backup_lost_hides(&job->lost, record)) {
		job->result->damaged++;
		buffer_printf(&job->lost_blobs, "%llu\n",
			(unsigned long long)id);
		report(job, "blob %llu lies where a segment cannot be read",
			id);
		return STORE_OK;
	}
	enum store_err err = verify(job, id, record);
	return err == STORE_NOT_FOUND ? STORE_OK : err;
}

/* Files first: what is packed is looked at in the copy of its segment. */
static enum store_err
visit(struct job *job, uint64_t id, struct slice value, bool wants_packed)
{
	struct record_blob record;

	/* One that does not decode is fsck's. */
	if (record_blob_decode(value, &record) ||
		(record.place == RECORD_BLOB_PACKED) != wants_packed)
		return STORE_OK;
	if (!goes_on(job))
		return STORE_CANCELED;
	return wants_packed ? look_at_packed(job, id, &record)
			    : copy_file(job, id, &record);
}

static enum store_err
visit_all(struct job *job, bool wants_packed)
{
	scoped(db_abort) struct db_txn *txn = NULL;
	scoped(db_cursor_close) struct db_cursor cursor = {0};
	uint64_t id;
	enum store_err err = db_begin_read(job->db, &txn);

	if (!err)
		err = db_cursor_open(txn, DB_BLOB, &cursor);
	if (!err)
		err = db_cursor_seek(&cursor, SLICE_NULL);
	while (!err) {
		err = key_split_u64(cursor.key, &id);
		if (!err)
			err = visit(job, id, cursor.value, wants_packed);
		if (!err)
			err = db_cursor_next(&cursor);
		else if (err == STORE_NOT_FOUND)
			return STORE_CORRUPT;
	}
	return err == STORE_NOT_FOUND ? STORE_OK : err;
}

static enum store_err
copy_blobs(struct job *job)
{
	struct backup_path path = backup_dir_path(job->partial, "data");
	enum store_err err = blob_open_all(path.text, false, &job->blobs);

	if (!err)
		err = visit_all(job, false);
	return err ? err : visit_all(job, true);
}

/* --- all of it -------------------------------------------------------------
 */

static enum store_err
describe(struct job *job)
{
	char text[512];
	char taken[25];
	char store[STORE_KEY_TRACE_LEN];
	const struct backup_result *result = job->result;

	clock_to_iso8601(clock_now_ns(), taken);
	store_key_trace(job->store, store);
	int len = snprintf(text, sizeof(text),
		"tarn backup 1\nnumber %llu\nstore %s\ncommit %llu\n"
		"since %llu\n"
		"begun %lld\ntaken %s\ncopied %llu\n"
		"shared %llu\ndamaged %llu\nmissing %llu\n",
		(unsigned long long)job->last_number + 1, store,
		(unsigned long long)result->commit,
		(unsigned long long)job->options->since,
		(long long)job->begun_ns, taken,
		(unsigned long long)result->copied,
		(unsigned long long)result->shared,
		(unsigned long long)result->damaged,
		(unsigned long long)result->missing);
	return backup_dir_add(job->partial, "backup",
		slice_of(text, (size_t)len));
}

/* Invariant 2. */
static enum store_err
finish(struct job *job)
{
	struct backup_path path = path_of(job, job->result->commit);
	enum store_err err = backup_dir_flush_all(job->partial_fd);

	if (err)
		return err;
	if (renameat2(AT_FDCWD, job->partial, AT_FDCWD, path.text,
		    RENAME_NOREPLACE))
		return error_from_errno(errno);
	return dir_flush(job->options->to);
}

static enum store_err
expect_new(const struct job *job)
{
	struct backup_path path = path_of(job, job->result->commit);
	struct stat stat;

	return lstat(path.text, &stat) ? STORE_OK : STORE_EXISTS;
}

static enum store_err
make(struct job *job)
{
	uint64_t hold;
	enum store_err err = open_before(job);

	if (!err)
		err = make_partial(job);
	job->begun_ns = wait_for_tick();
	if (!err)
		err = hold_take(job->store, &hold);
	if (err)
		return err;
	err = copy_tables(job);
	if (!err)
		err = expect_new(job);
	if (!err)
		err = make_side(job);
	if (!err)
		err = backup_dir_copy_key(job->store->path, job->partial);
	if (!err)
		err = copy_blobs(job);
	if (!err)
		err = backup_lost_write(job->partial,
			buffer_slice(&job->lost_blobs));
	if (!err)
		err = describe(job);
	if (!err)
		err = finish(job);
	enum store_err released = hold_release(job->store);
	return err ? err : released;
}

enum store_err
backup_make(struct store *store, const struct backup_options *options,
	struct backup_result *out)
{
	struct backup_path partial =
		backup_dir_path(options->to, BACKUP_PARTIAL);
	struct job job = {
		.store = store,
		.options = options,
		.result = out,
		.partial = partial.text,
		.partial_fd = -1,
	};
	int lock = -1;

	*out = (struct backup_result){0};
	if (store->is_read_only)
		return STORE_READ_ONLY;
	enum store_err err =
		backup_target_take(store, options->to, &job.last_number, &lock);
	if (!err)
		err = make(&job);
	io_close_fd(&job.partial_fd);
	db_close(&job.db);
	blob_close_all(&job.blobs);
	blob_close_all(&job.before);
	backup_lost_free(&job.lost);
	buffer_free(&job.lost_blobs);
	if (err && lock >= 0 && err != STORE_BUSY)
		(void)!backup_target_remove_partial(job.partial);
	if (lock >= 0)
		close(lock);
	return err;
}
