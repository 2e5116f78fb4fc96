/* SPDX-License-Identifier: Apache-2.0 */
#include "store/reclaim_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

#include "store/base/clock.h"
#include "store/base/codec.h"
#include "store/base/log.h"
#include "store/base/mutex.h"
#include "store/base/owner.h"
#include "store/base/thread.h"
#include "store/commit_private.h"
#include "store/compact_private.h"
#include "store/data/blob_spare.h"
#include "store/durable_private.h"
#include "store/feed_private.h"
#include "store/file_linger_private.h"
#include "store/hold_private.h"
#include "store/meta/key.h"
#include "store/pack_private.h"
#include "store/session_private.h"
#include "store/unflushed_private.h"

#define PERIOD_MS 1000
#define REAP_PERIODS 5 /* dead sessions are looked for that often */
#define AT_ONCE_MAX 1024
/* Bytes that are moved in a period, beside what clients read and write. */
#define COMPACT_PER_PERIOD (32ull << 20)

struct reclaim {
	/* fixed after open */
	struct store *store;
	pthread_t thread;
	bool has_thread;
	int lock_fd; /* one process at a time removes files */

	/* atomic: a backup keeps freed data.  All of it would be looked through
	 * in vain after each checkpoint: once in a while is enough then. */
	atomic_bool is_held;
	/* atomic: that a freed blob is in use is in the log. */
	atomic_bool has_told;
	/* atomic: somebody has died since, or before we came. */
	atomic_bool must_sweep;

	pthread_mutex_t lock;
	pthread_cond_t wake;
	/* under lock */
	bool has_freed;
	bool is_stopping;
};

/* Freed blobs, in order of ids. */
struct batch {
	uint64_t ids[AT_ONCE_MAX];
	bool is_aside[AT_ONCE_MAX]; /* its file is to become a spare */
	size_t count;
	uint64_t next; /* where to go on looking */
	bool is_held;  /* some are kept for a backup */
};

/* A blob with a record is in use, whatever says that it is freed. */
static enum store_err
is_in_use(struct store *store, struct db_txn *txn, uint64_t id, bool *is_used)
{
	struct key key = key_u64(id);
	struct slice value;
	enum store_err err = db_get(txn, DB_BLOB, key_slice(&key), &value);

	*is_used = !err;
	if (*is_used && !atomic_exchange(&store->reclaim->has_told, true))
		log_error("blob %llu is marked as freed and in use, and stays: "
			  "run tarn fsck",
			(unsigned long long)id);
	return err == STORE_NOT_FOUND ? STORE_OK : err;
}

/* Those from batch->next on that the last checkpoint covers. */
static enum store_err
find_freed(struct store *store, struct batch *batch)
{
	uint64_t covered = feed_checkpoint(store);
	scoped(db_abort) struct db_txn *txn = NULL;
	scoped(db_cursor_close) struct db_cursor cursor = {0};
	struct key key = key_u64(batch->next);
	uint64_t held = UINT64_MAX;
	enum store_err err = db_begin_read(store->db, &txn);

	batch->count = 0;
	if (!err)
		err = hold_least(txn, &held);
	batch->is_held = held != UINT64_MAX;
	if (!err)
		err = db_cursor_open(txn, DB_FREED, &cursor);
	if (!err)
		err = db_cursor_seek(&cursor, key_slice(&key));
	while (!err && batch->count < AT_ONCE_MAX) {
		uint64_t *id = &batch->ids[batch->count];
		struct decoder decoder = codec_decoder(cursor.value);
		uint64_t number = codec_decode_u64(&decoder);
		bool is_used;

		err = key_split_u64(cursor.key, id);
		if (err || decoder.is_bad)
			return STORE_CORRUPT;
		batch->next = *id + 1;
		err = is_in_use(store, txn, *id, &is_used);
		if (err)
			return err;
		batch->count += !is_used && number <= covered && number < held;
		err = db_cursor_next(&cursor);
	}
	return err == STORE_NOT_FOUND ? STORE_OK : err;
}

static enum store_err
apply_forget(struct store *store, struct db_txn *txn, void *arg)
{
	const struct batch *batch = arg;
	enum store_err err = STORE_OK;

	(void)store;
	for (size_t i = 0; i < batch->count && !err; i++) {
		struct key key = key_u64(batch->ids[i]);

		err = db_delete_if_there(txn, DB_FREED, key_slice(&key));
	}
	return err;
}

/* What one step did to a batch.  A file that cannot be removed is left for the
 * next time. */
static void
note_each(struct batch *batch, size_t i, enum store_err err)
{
	if (err) {
		log_error("cannot remove freed data blob=%llu: %s",
			(unsigned long long)batch->ids[i], error_sentence(err));
		return;
	}
	batch->ids[batch->count] = batch->ids[i];
	batch->is_aside[batch->count++] = batch->is_aside[i];
}

static void
remove_files(struct store *store, struct batch *batch)
{
	size_t count = batch->count;

	batch->count = 0;
	for (size_t i = 0; i < count; i++)
		note_each(batch, i,
			blob_spare_set_aside(store->blobs, batch->ids[i],
				&batch->is_aside[i]));
}

static void
keep_spares(struct store *store, struct batch *batch)
{
	size_t count = batch->count;

	batch->count = 0;
	for (size_t i = 0; i < count; i++)
		note_each(batch, i,
			batch->is_aside[i]
				? blob_spare_keep(store->blobs, batch->ids[i])
				: STORE_OK);
}

/* The file, then the certainty that it is gone, then what is left of it, then
 * the record. */
static enum store_err
remove_batch(struct store *store, struct batch *batch)
{
	remove_files(store, batch);
	enum store_err err =
		blob_flush_removed(store->blobs, batch->ids, batch->count);
	if (err)
		return err;
	keep_spares(store, batch);
	return commit_run(store, apply_forget, batch, NULL);
}

static enum store_err
remove_freed(struct store *store, struct batch *batch, int64_t deadline_ms,
	bool *is_left)
{
	enum store_err err = find_freed(store, batch);

	while (!err && batch->count > 0) {
		*is_left = clock_monotonic_ms() >= deadline_ms;
		if (*is_left)
			return STORE_OK;
		err = remove_batch(store, batch);
		if (!err)
			err = find_freed(store, batch);
	}
	return err;
}

static void
sweep(struct store *store)
{
	if (!atomic_exchange(&store->reclaim->must_sweep, false))
		return;
	enum store_err err = blob_spare_sweep(store->blobs);
	if (err)
		log_error("cannot remove all files that were set aside: %s",
			error_sentence(err));
}

enum store_err
reclaim_run_until(struct store *store, uint64_t max, int64_t deadline_ms,
	bool *is_left)
{
	struct reclaim *reclaim = store->reclaim;

	*is_left = false;
	/* Who has it does our work. */
	if (durable_has_failed(store) ||
		flock(reclaim->lock_fd, LOCK_EX | LOCK_NB))
		return STORE_OK;
	struct batch *batch = calloc(1, sizeof(*batch));
	enum store_err err =
		batch ? remove_freed(store, batch, deadline_ms, is_left)
		      : STORE_NO_MEMORY;
	atomic_store(&reclaim->is_held, batch && batch->is_held);
	free(batch);
	if (!err)
		sweep(store);
	if (!err)
		err = compact_run(store, max);
	flock(reclaim->lock_fd, LOCK_UN);
	return err;
}

enum store_err
reclaim_run(struct store *store)
{
	bool is_left;

	return reclaim_run_until(store, UINT64_MAX, INT64_MAX, &is_left);
}

static enum store_err
apply_clean(struct store *store, struct db_txn *txn, void *arg)
{
	(void)arg;
	enum store_err err = unflushed_clean(store, txn);
	return err ? err : session_clean_open(store, txn);
}

/* Once a period: what commits would do by the way if there were any. */
static enum store_err
tidy(struct store *store)
{
	enum store_err err = STORE_OK;

	blob_expire(store->blobs);
	file_linger_run(store);
	while (!err && (unflushed_needs_cleaning(store) ||
			       session_needs_cleaning(store)))
		err = commit_run(store, apply_clean, NULL, NULL);
	if (!err)
		err = session_end_leases(store);
	if (!err)
		err = pack_retire_dead(store);
	if (err)
		return err;
	/* What cannot be sealed now does not let the feed grow. */
	enum store_err seal_err = pack_seal_full(store);
	err = feed_trim(store);
	return err ? err : seal_err;
}

static enum store_err
reap(struct store *store)
{
	db_reap_readers(store->db);
	return session_reap(store);
}

/* Waits for freed blobs, or the period's end.  False: it is over. */
static bool
wait_for_work(struct reclaim *reclaim, int64_t deadline_ms, bool *has_freed)
{
	mutex_scoped(&reclaim->lock);

	while (!reclaim->has_freed && !reclaim->is_stopping &&
		thread_wait_locked(&reclaim->wake, &reclaim->lock, deadline_ms))
		;
	*has_freed = reclaim->has_freed;
	reclaim->has_freed = false;
	return !reclaim->is_stopping;
}

static void
note(enum store_err err, const char *what)
{
	if (err)
		log_error("%s failed: %s", what, error_sentence(err));
}

/* What is left at the deadline is done after what else is due. */
static void
run(struct store *store, uint64_t max, int64_t deadline_ms, const char *what)
{
	bool is_left;

	note(reclaim_run_until(store, max, deadline_ms, &is_left), what);
	if (is_left)
		reclaim_wake(store);
}

static void
thread_run(void *arg)
{
	struct reclaim *reclaim = arg;
	struct store *store = reclaim->store;
	int64_t deadline_ms = clock_monotonic_ms() + PERIOD_MS;
	unsigned int periods = 0;
	bool has_freed;

	while (wait_for_work(reclaim, deadline_ms, &has_freed)) {
		if (durable_has_failed(store))
			has_freed = false;
		if (has_freed && !atomic_load(&reclaim->is_held))
			run(store, 0, deadline_ms, "removing freed data");
		if (clock_monotonic_ms() < deadline_ms)
			continue;
		deadline_ms = clock_monotonic_ms() + PERIOD_MS;
		if (durable_has_failed(store))
			continue;
		note(tidy(store), "tidying up");
		run(store, COMPACT_PER_PERIOD, deadline_ms, "compacting");
		if (++periods % REAP_PERIODS)
			continue;
		note(reap(store), "looking for dead sessions");
	}
}

void
reclaim_note_death(struct store *store)
{
	atomic_store(&store->reclaim->must_sweep, true);
}

void
reclaim_wake(struct store *store)
{
	struct reclaim *reclaim = store->reclaim;

	mutex_scoped(&reclaim->lock);
	reclaim->has_freed = true;
	pthread_cond_signal(&reclaim->wake);
}

enum store_err
reclaim_open(struct store *store, bool spares_everywhere)
{
	struct store_path path = store_path(store, "run/reclaim.lock");
	struct reclaim *reclaim = calloc(1, sizeof(*reclaim));

	if (!reclaim)
		return STORE_NO_MEMORY;
	reclaim->store = store;
	mutex_init(&reclaim->lock);
	thread_init_condition(&reclaim->wake);
	store->reclaim = reclaim;
	reclaim->lock_fd = owner_open(path.text, O_RDWR);
	if (reclaim->lock_fd < 0)
		return error_from_errno(errno);
	atomic_store(&reclaim->must_sweep, true);
	return blob_spare_use(store->blobs, feed_spares(store),
		spares_everywhere);
}

enum store_err
reclaim_start(struct store *store)
{
	struct reclaim *reclaim = store->reclaim;
	enum store_err err = thread_start(&reclaim->thread, "tarn-reclaim",
		thread_run, reclaim);

	reclaim->has_thread = !err;
	return err;
}

void
reclaim_stop(struct store *store)
{
	struct reclaim *reclaim = store->reclaim;

	if (!reclaim || !reclaim->has_thread)
		return;
	mutex_lock(&reclaim->lock);
	reclaim->is_stopping = true;
	pthread_cond_signal(&reclaim->wake);
	mutex_unlock(&reclaim->lock);
	pthread_join(reclaim->thread, NULL);
	reclaim->has_thread = false;
}

void
reclaim_close(struct store *store)
{
	struct reclaim *reclaim = store->reclaim;

	store->reclaim = NULL;
	if (!reclaim)
		return;
	if (reclaim->lock_fd >= 0)
		close(reclaim->lock_fd);
	pthread_cond_destroy(&reclaim->wake);
	mutex_destroy(&reclaim->lock);
	free(reclaim);
}
