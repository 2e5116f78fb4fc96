/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The line in TO/format says first that this is being restored, which nobody
 * opens, and last, when all has been looked at, that it is a store.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/backup_private.h"
#include "store/base/dir.h"
#include "store/base/io.h"
#include "store/blob_record_private.h"
#include "store/check.h"
#include "store/scrub.h"
#include "store/store_private.h"

struct job {
	const struct restore_options *options;
	struct restore_result *result;
	struct backup_path from; /* the one backup */
	struct blobs *source;
	struct blobs *target;
	struct backup_lost lost; /* by the disk of the backup */
};

static bool
goes_on(void *context)
{
	const struct restore_options *options = context;

	return !options->goes_on || options->goes_on(options->context);
}

static void
report(const struct job *job, const char *text)
{
	if (job->options->report)
		job->options->report(text, job->options->context);
}

/* --- which one -------------------------------------------------------------
 */

/* Of backups in one directory. */
struct age {
	uint64_t number; /* in the order in which they were made; 0: older */
	char taken[25];
	uint64_t commit;
};

/* Not by commits: a store that was restored counts on from an older one; nor by
 * the clock, which may be set back, but for those that have no number. */
static bool
is_newer(const struct age *one, const struct age *other)
{
	int order = strcmp(one->taken, other->taken);

	if (one->number != other->number)
		return one->number > other->number;
	return order ? order > 0 : one->commit > other->commit;
}

static enum store_err
find_newest(const char *path, uint64_t *commit)
{
	DIR *stream = opendir(path);
	struct age newest = {.commit = 0};

	*commit = 0;
	if (!stream)
		return error_from_errno(errno);
	for (struct dirent *entry = readdir(stream); entry;
		entry = readdir(stream)) {
		struct backup_path dir = backup_dir_path(path, entry->d_name);
		struct age age;

		if (!slice_to_u64(slice_str(entry->d_name), UINT64_MAX,
			    &age.commit) ||
			age.commit == 0)
			continue;
		age.number = backup_dir_number(dir.text, "number");
		backup_dir_fact(dir.text, "taken", age.taken,
			sizeof(age.taken));
		if (is_newer(&age, &newest))
			newest = age;
	}
	closedir(stream);
	*commit = newest.commit;
	return *commit ? STORE_OK : STORE_NOT_FOUND;
}

static enum store_err
choose(struct job *job)
{
	uint64_t *commit = &job->result->commit;
	char text[512];
	char name[24];
	size_t len = 0;
	enum store_err err = STORE_OK;

	*commit = job->options->commit;
	if (!*commit)
		err = find_newest(job->options->from, commit);
	if (err)
		return err;
	(void)snprintf(name, sizeof(name), "%llu", (unsigned long long)*commit);
	job->from = backup_dir_path(job->options->from, name);
	err = backup_dir_read(job->from.text, "backup", text, sizeof(text),
		&len);
	if (err)
		return err;
	return slice_has_prefix(slice_of(text, len), SLICE("tarn backup 1\n"))
		       ? STORE_OK
		       : STORE_BAD_VERSION;
}

/* --- copying ---------------------------------------------------------------
 */

static enum store_err
take_target(const char *path)
{
	char text[64];
	size_t len = 0;

	if (!mkdir(path, 0700))
		return STORE_OK;
	if (errno != EEXIST)
		return error_from_errno(errno);
	enum store_err err =
		backup_dir_read(path, "format", text, sizeof(text), &len);
	if (!err)
		return slice_has_prefix(slice_of(text, len),
			       SLICE(STORE_RESTORE_PREFIX))
			       ? STORE_UNEXAMINED
			       : STORE_EXISTS;
	err = dir_expect_empty(path);
	if (err)
		return err;
	return chmod(path, 0700) ? error_from_errno(errno) : STORE_OK;
}

/* By the tables, which have been copied. */
static bool
is_segment(const struct job *job, uint64_t id)
{
	struct backup_path meta = backup_dir_path(job->options->to, "meta");
	const struct db_options options = {
		.path = meta.text,
		.is_read_only = true,
	};
	struct record_blob record = {.place = RECORD_BLOB_FILE};
	struct db_txn *txn = NULL;
	struct db *db = NULL;

	if (db_open(&options, &db))
		return false;
	bool is_known =
		!db_begin_read(db, &txn) && !blob_record_get(txn, id, &record);
	db_abort(&txn);
	db_close(&db);
	return is_known && record.place == RECORD_BLOB_SEGMENT;
}

static enum store_err
copy_one(uint64_t id, void *context)
{
	struct job *job = context;
	uint64_t size = 0;

	if (!goes_on((void *)job->options))
		return STORE_CANCELED;
	enum store_err err = backup_copy_blob(job->source, id, UINT64_MAX,
		job->target, NULL, &size);
	if (err == STORE_DAMAGED && is_segment(job, id))
		err = backup_copy_blob(job->source, id, UINT64_MAX, job->target,
			&job->lost, &size);
	/* What is lost with it is found by whoever looks at all of it. */
	if (err == STORE_DAMAGED) {
		char text[80];

		(void)snprintf(text, sizeof(text),
			"blob %llu cannot be read in the backup",
			(unsigned long long)id);
		report(job, text);
		return STORE_OK;
	}
	job->result->blobs++;
	job->result->bytes += size;
	return err;
}

static void
pass_over(const char *path, void *context)
{
	struct job *job = context;
	char text[512];

	(void)snprintf(text, sizeof(text), "%s in the backup is no blob", path);
	report(job, text);
}

static enum store_err
copy_blobs(struct job *job)
{
	struct backup_path from = backup_dir_path(job->from.text, "data");
	struct backup_path to = backup_dir_path(job->options->to, "data");
	enum store_err err = blob_open_all(from.text, true, &job->source);

	if (!err)
		err = blob_open_all(to.text, false, &job->target);
	return err ? err : blob_walk(job->source, 0, copy_one, pass_over, job);
}

static enum store_err
add_format(const struct job *job, const char *name, const char *prefix)
{
	char line[64];
	int len = snprintf(line, sizeof(line), "%s%d\n", prefix,
		STORE_FORMAT_VERSION);

	return backup_dir_add(job->options->to, name,
		slice_of(line, (size_t)len));
}

static enum store_err
copy_all(struct job *job)
{
	const char *to = job->options->to;
	scoped(io_close_fd) int fd = -1;
	enum store_err err = dir_open(to, &fd);

	if (!err)
		err = add_format(job, "format", STORE_RESTORE_PREFIX);
	if (!err)
		err = backup_dir_make(to, "meta");
	if (!err)
		err = backup_dir_make(to, "data");
	if (!err)
		err = backup_dir_make(to, "run");
	if (!err)
		err = backup_dir_copy_key(job->from.text, to);
	if (!err)
		err = backup_dir_copy(job->from.text, to, "meta/data.mdb");
	if (!err)
		err = backup_dir_copy(job->from.text, to, "meta/checkpoint");
	if (!err)
		err = copy_blobs(job);
	return err ? err : backup_dir_flush_all(fd);
}

/* --- is it all there -------------------------------------------------------
 */

static void
note_finding(const struct check_finding *finding, void *context)
{
	struct job *job = context;

	if (finding->is_settled)
		job->result->settled += finding->count;
	else
		report(job, finding->text);
}

static void
note_damage(const struct scrub_finding *finding, void *context)
{
	const struct restore_options *options = context;
	char text[1400];

	if (!options->report)
		return;
	(void)snprintf(text, sizeof(text), "inode %llu is %s: %s",
		(unsigned long long)finding->ino,
		scrub_verdict_name(finding->verdict),
		finding->name ? finding->name : "");
	options->report(text, options->context);
}

/* Before the scrub, which then finds it damaged. */
static enum store_err
tell_of_lost(struct job *job, struct store *store)
{
	enum store_err err = backup_lost_spoil(store, &job->lost);

	if (!err)
		err = backup_lost_spoil_listed(store, job->from.text);
	if (err != STORE_CORRUPT && err != STORE_IO)
		return err;
	report(job, "the backup's list of what was lost cannot be read");
	job->result->findings++;
	return STORE_OK;
}

/* What was written in place during the backup gets the size that it has, every
 * checksum is compared, what is missing is said.  Nothing is taken away from
 * tables that are not as they should be: that is for `tarn fsck --repair`. */
static enum store_err
look_at_all(struct job *job)
{
	const struct store_options options = {
		.path = job->options->to,
		.key_path = job->options->key_path,
		.role = "restore",
		.is_restoring = true,
	};
	const struct scrub_options scrub = {
		.goes_on = goes_on,
		.report = note_damage,
		.context = (void *)job->options,
	};
	struct check_result checked = {0};
	struct scrub_result scrubbed = {0};
	scoped(store_close) struct store *store = NULL;
	enum store_err err = store_open(&options, &store);

	if (!err)
		err = tell_of_lost(job, store);
	if (!err)
		err = check_store(store, CHECK_SETTLE, note_finding, job,
			&checked);
	if (!err)
		err = scrub_run(store, &scrub, &scrubbed);
	if (!err && !scrubbed.is_whole)
		err = STORE_CANCELED;
	if (!err)
		err = store_sync(store);
	job->result->findings += checked.findings - checked.repaired;
	job->result->damaged = scrubbed.damaged;
	job->result->missing = scrubbed.missing;
	return err;
}

static enum store_err
make_it_a_store(const struct job *job)
{
	const char *to = job->options->to;
	struct backup_path made = backup_dir_path(to, "format.new");
	struct backup_path format = backup_dir_path(to, "format");
	enum store_err err = add_format(job, "format.new", STORE_FORMAT_PREFIX);

	if (!err && rename(made.text, format.text))
		err = error_from_errno(errno);
	return err ? err : dir_flush(to);
}

enum store_err
backup_restore(const struct restore_options *options,
	struct restore_result *out)
{
	struct job job = {.options = options, .result = out};

	*out = (struct restore_result){0};
	enum store_err err = choose(&job);
	if (!err)
		err = take_target(options->to);
	if (!err)
		err = copy_all(&job);
	blob_close_all(&job.source);
	blob_close_all(&job.target);
	if (!err)
		err = look_at_all(&job);
	if (!err)
		err = make_it_a_store(&job);
	backup_lost_free(&job.lost);
	return err;
}
