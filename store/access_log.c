/* SPDX-License-Identifier: Apache-2.0 */
#include "store/access_log.h"

#include <stdlib.h>

#include "store/access_log_private.h"
#include "store/base/buffer.h"
#include "store/base/clock.h"
#include "store/base/mutex.h"
#include "store/base/owner.h"
#include "store/logging.h"
#include "store/meta/key.h"
#include "store/store_private.h"

#define FILE_BYTES (8u << 20)
#define FILE_MS 300000
/* More than request_log.h makes: what is cut has an end that nobody can read.
 */
#define LINE_MAX_BYTES (128u << 10)

struct access_log {
	struct store *store;
	struct audit *lines;

	/* As of this commit that bucket wants no lines.  Most want none, and
	 * are asked for again before anything has changed. */
	pthread_mutex_t lock;
	uint64_t unwanted_commit;
	uint64_t unwanted_bucket;
};

enum store_err
access_log_open(struct store *store, const struct access_log_options *options,
	struct access_log **out)
{
	struct access_log *log = calloc(1, sizeof(*log));
	struct store_path dir = store_path(store, "access-log");
	const struct audit_options gather = {
		.dir = dir.text,
		.role = "access",
		.file_bytes =
			options->file_bytes ? options->file_bytes : FILE_BYTES,
		.file_ms = options->file_ms ? options->file_ms : FILE_MS,
		.drops = true,
		.take = access_log_deliver,
	};
	enum store_err err;

	if (!log)
		return STORE_NO_MEMORY;
	/* For who serves it, where root began to. */
	if (owner_mkdir(dir.text) && errno != EEXIST)
		err = error_from_errno(errno);
	else
		err = audit_open(store, &gather, &log->lines);
	if (err) {
		free(log);
		return err;
	}
	log->store = store;
	mutex_init(&log->lock);
	*out = log;
	return STORE_OK;
}

void
access_log_close(struct access_log **log)
{
	if (!*log)
		return;
	audit_close(&(*log)->lines);
	mutex_destroy(&(*log)->lock);
	free(*log);
	*log = NULL;
}

static bool
is_known_unwanted(struct access_log *log, uint64_t commit, uint64_t bucket)
{
	mutex_scoped(&log->lock);
	return log->unwanted_commit == commit && log->unwanted_bucket == bucket;
}

static void
note_unwanted(struct access_log *log, uint64_t commit, uint64_t bucket)
{
	mutex_scoped(&log->lock);
	log->unwanted_commit = commit;
	log->unwanted_bucket = bucket;
}

bool
access_log_is_wanted(struct access_log *log, const struct bucket *bucket)
{
	struct db *db = log->store->db;
	struct key key = key_dentry(bucket->ino, SLICE(LOGGING_KIND));
	scoped(db_abort) struct db_txn *txn = NULL;
	struct logging logging;
	struct slice value;

	if (is_known_unwanted(log, db_last_commit(db), bucket->ino))
		return false;
	enum store_err err = db_begin_read(db, &txn);
	if (!err)
		err = db_get(txn, DB_DOCUMENT, key_slice(&key), &value);
	/* The commit that was read, which may not be the last one. */
	if (err == STORE_NOT_FOUND)
		note_unwanted(log, db_txn_number(txn), bucket->ino);
	return !err && logging_decode(value, &logging);
}

void
access_log_append(struct access_log *log, const struct bucket *bucket,
	int64_t time_ns, struct slice line)
{
	scoped(buffer_free) struct buffer text = {0};

	buffer_printf(&text, "%llu %lld ", (unsigned long long)bucket->ino,
		(long long)(time_ns / CLOCK_NS_PER_S));
	buffer_append(&text, slice_first(line, LINE_MAX_BYTES));
	audit_append(log->lines, buffer_slice(&text));
}
