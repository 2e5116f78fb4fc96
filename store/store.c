/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opening, in this order, with all other openers locked out at first:
 *
 * 1. recovery: the tables are the last checkpoint's, where need be;
 * 2. after a power cut, files that no lease of that checkpoint covers go, but
 *    for those that a record names: then it is the counter that is wrong.
 *    This comes before our first checkpoint: whoever dies here leaves a store
 *    that still says so to the next one;
 * 3. our own first checkpoint, before the first write (checkpoint.h rule 4);
 * 4. the session;
 * 5. what dead sessions left is cleared up: after a power cut still alone,
 *    else with others free to open;
 * 6. null versions get their rows, where an older tarn has been here.
 */
#include "store/store_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/base/cipher.h"
#include "store/base/log.h"
#include "store/base/owner.h"
#include "store/commit_private.h"
#include "store/complaint_private.h"
#include "store/counter_private.h"
#include "store/durable_private.h"
#include "store/feed_private.h"
#include "store/history_null_private.h"
#include "store/last_access_private.h"
#include "store/meta/checkpoint.h"
#include "store/meta/key.h"
#include "store/meter_private.h"
#include "store/pack_private.h"
#include "store/reclaim_private.h"
#include "store/replication_rules_private.h"
#include "store/scrub_private.h"
#include "store/session_private.h"

struct store_path
store_path(const struct store *store, const char *name)
{
	struct store_path path;

	/* store_open() has seen to it that there is room. */
	snprintf(path.text, sizeof(path.text), "%s/%s", store->path, name);
	return path;
}

enum store_err
store_lock(const struct store *store, const char *name, int *out)
{
	struct store_path path = store_path(store, name);
	int fd = owner_open(path.text, O_RDWR);

	if (fd < 0)
		return error_from_errno(errno);
	if (flock(fd, LOCK_EX | LOCK_NB)) {
		enum store_err err = errno == EWOULDBLOCK
					     ? STORE_BUSY
					     : error_from_errno(errno);

		close(fd);
		return err;
	}
	*out = fd;
	return STORE_OK;
}

/* The whole of a small file.  NOT_FOUND. */
static enum store_err
read_small(const char *path, char *to, size_t room, size_t *len)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return error_from_errno(errno);
	ssize_t got = read(fd, to, room);
	enum store_err err = got < 0 ? error_from_errno(errno) : STORE_OK;
	close(fd);
	*len = err ? 0 : (size_t)got;
	return err;
}

static enum store_err
check_format(const struct store *store, bool is_restoring)
{
	const char *prefix =
		is_restoring ? STORE_RESTORE_PREFIX : STORE_FORMAT_PREFIX;
	struct store_path path = store_path(store, "format");
	char text[64];
	size_t len = 0;
	unsigned long version;
	enum store_err err = read_small(path.text, text, sizeof(text), &len);

	if (err)
		return err == STORE_NOT_FOUND || err == STORE_NOT_DIR
			       ? STORE_NOT_A_STORE
			       : err;
	struct slice line = slice_of(text, len);
	if (!is_restoring &&
		slice_has_prefix(line, SLICE(STORE_RESTORE_PREFIX)))
		return STORE_UNEXAMINED;
	if (!slice_has_prefix(line, slice_str(prefix)) ||
		!slice_has_suffix(line, SLICE("\n")))
		return STORE_NOT_A_STORE;
	line = slice_from(slice_first(line, len - 1), strlen(prefix));
	if (!slice_to_u64(line, UINT32_MAX, &version))
		return STORE_NOT_A_STORE;
	if (version == STORE_FORMAT_VERSION)
		return STORE_OK;
	log_error("%s has format %lu, and this tarn knows format %d alone: "
		  "copy what is in it with the tarn that made it",
		store->path, version, STORE_FORMAT_VERSION);
	return STORE_BAD_VERSION;
}

enum store_err
store_lock_openers(const struct store *store, int *fd)
{
	struct store_path path = store_path(store, "run/open.lock");

	*fd = owner_open(path.text, O_RDWR);
	if (*fd < 0)
		return store->is_read_only ? STORE_OK : error_from_errno(errno);
	if (!flock(*fd, LOCK_EX | LOCK_NB))
		return STORE_OK;
	log_debug("waiting for who opens or repairs the store");
	while (flock(*fd, LOCK_EX)) {
		if (errno != EINTR)
			return error_from_errno(errno);
	}
	return STORE_OK;
}

static enum store_err
read_region(struct store *store)
{
	scoped(db_abort) struct db_txn *txn = NULL;
	struct slice region;
	enum store_err err = db_begin_read(store->db, &txn);

	if (!err)
		err = db_get(txn, DB_META, SLICE("region"), &region);
	if (err)
		return err == STORE_NOT_FOUND ? STORE_CORRUPT : err;
	store->region = strndup(region.data, region.len);
	return store->region ? STORE_OK : STORE_NO_MEMORY;
}

/* What a power cut left: see the top.  Removals of one directory are flushed
 * together. */
struct leftovers {
	struct blobs *blobs;
	struct db_txn *txn;
	uint64_t ids[256];
	size_t count;
	uint64_t total;
};

static enum store_err
flush_leftovers(struct leftovers *leftovers)
{
	enum store_err err = blob_flush_removed(leftovers->blobs,
		leftovers->ids, leftovers->count);

	leftovers->total += leftovers->count;
	leftovers->count = 0;
	return err;
}

static enum store_err
remove_leftover(uint64_t id, void *context)
{
	struct leftovers *leftovers = context;
	struct key key = key_u64(id);
	struct slice value;
	enum store_err err =
		db_get(leftovers->txn, DB_BLOB, key_slice(&key), &value);

	if (!err)
		log_error("blob %llu is in use, and the next id is below it: "
			  "run tarn fsck",
			(unsigned long long)id);
	if (err != STORE_NOT_FOUND)
		return err;
	err = blob_remove(leftovers->blobs, id);
	if (err)
		return err;
	leftovers->ids[leftovers->count++] = id;
	return leftovers->count < array_len(leftovers->ids)
		       ? STORE_OK
		       : flush_leftovers(leftovers);
}

static void
pass_over_stray(const char *path, void *context)
{
	(void)context;
	log_warn("not a blob in the data directory: %s", path);
}

static enum store_err
remove_leftovers(struct store *store)
{
	scoped(db_abort) struct db_txn *txn = NULL;
	struct leftovers leftovers = {.blobs = store->blobs};
	uint64_t first;
	enum store_err err = db_begin_read(store->db, &txn);

	leftovers.txn = txn;
	if (!err)
		err = session_first_unleased(txn, &first);
	if (!err)
		err = blob_walk(store->blobs, first, remove_leftover,
			pass_over_stray, &leftovers);
	if (!err)
		err = flush_leftovers(&leftovers);
	log_info("recovered the last checkpoint; removed files=%llu",
		(unsigned long long)leftovers.total);
	return err;
}

static enum store_err
open_tables(struct store *store, uint64_t map_size)
{
	struct store_path meta = store_path(store, "meta");
	struct store_path data = store_path(store, "data");
	struct store_path side = store_path(store, "meta/checkpoint");
	struct db_options options = {
		.path = meta.text,
		.map_size = map_size,
		.is_read_only = store->is_read_only,
	};
	enum store_err err = checkpoint_recover(meta.text, side.text,
		&store->after_power_cut);

	/* After a failed flush those who have it open may go on reading, and
	 * so may we. */
	if (err == STORE_BUSY && store->is_read_only)
		err = STORE_OK;
	if (!err)
		err = db_open(&options, &store->db);
	if (!err)
		err = blob_open_all(data.text, store->is_read_only,
			&store->blobs);
	if (!err)
		err = store_key_check(store);
	return err ? err : read_region(store);
}

static enum store_err
apply_generation(struct store *store, struct db_txn *txn, void *unused)
{
	uint64_t generation;

	(void)store;
	(void)unused;
	enum store_err err = counter_get_generation(txn, &generation);
	if (err || generation >= RECORD_GENERATION)
		return err;
	return counter_set(txn, COUNTER_GENERATION, RECORD_GENERATION);
}

/* Before anything that needs it is written. */
static enum store_err
note_generation(struct store *store)
{
	scoped(db_abort) struct db_txn *txn = NULL;
	uint64_t generation = 0;

	enum store_err err = db_begin_read(store->db, &txn);
	if (!err)
		err = counter_get_generation(txn, &generation);
	db_abort(&txn);
	if (err || generation >= RECORD_GENERATION)
		return err;
	return commit_run(store, apply_generation, NULL, NULL);
}

static enum store_err
open_for_writing(struct store *store, const struct store_options *options)
{
	enum store_err err = feed_open(store);

	if (!err && store->after_power_cut)
		err = remove_leftovers(store);
	if (!err)
		err = commit_open(store);
	if (!err)
		err = reclaim_open(store, options->spares_everywhere);
	if (!err)
		err = durable_open(store);
	if (!err)
		err = session_open(store, options->role);
	if (!err)
		err = pack_open(store, options->segment_size);
	if (!err)
		err = note_generation(store);
	/* While nobody can take those of before the cut for such as died
	 * after it. */
	if (!err && store->after_power_cut)
		err = session_reap(store);
	store->after_power_cut = false;
	return err;
}

static enum store_err
open_locked_out(struct store *store, const struct store_options *options)
{
	int fd;
	enum store_err err = store_lock_openers(store, &fd);

	if (!err)
		err = open_tables(store, options->map_size);
	if (!err)
		err = store->is_read_only ? durable_open(store)
					  : open_for_writing(store, options);
	if (fd >= 0)
		close(fd);
	return err;
}

static enum store_err
open_all(struct store *store, const struct store_options *options)
{
	enum store_err err = check_format(store, options->is_restoring);

	if (!err)
		err = store_key_read(store);
	if (!err)
		err = complaint_open(store);
	if (!err)
		err = replication_rules_open(store);
	if (!err)
		err = file_table_create(&store->files);
	if (!err)
		err = file_linger_create(&store->lingers);
	if (!err)
		err = open_locked_out(store, options);
	if (err || store->is_read_only)
		return err;
	err = last_access_open(store);
	if (!err)
		err = session_reap(store);
	if (!err)
		err = history_null_run_complete(store);
	return err ? err : reclaim_start(store);
}

enum store_err
store_open(const struct store_options *options, struct store **out)
{
	struct store *store = calloc(1, sizeof(*store));

	if (!store)
		return STORE_NO_MEMORY;
	store->is_read_only = options->is_read_only;
	store->key_path = options->key_path;
	store->path = realpath(options->path, NULL);
	enum store_err err = store->path ? STORE_OK : STORE_NOT_A_STORE;
	if (!err && strlen(store->path) + 64 > sizeof(struct store_path))
		err = STORE_NAME_TOO_LONG;
	if (!err)
		err = open_all(store, options);
	if (err)
		store_close(&store);
	else
		store->key_path = NULL; /* it was borrowed */
	*out = store;
	return err;
}

const char *
store_dir(const struct store *store)
{
	return store->path;
}

void
store_close(struct store **ptr)
{
	struct store *store = *ptr;

	*ptr = NULL;
	if (!store)
		return;
	/* The session goes while there still are commits and checkpoints. */
	scrub_close(store);
	meter_thread_stop(store);
	last_access_close(store);
	reclaim_stop(store);
	pack_close(store);
	file_linger_stop(store);
	session_close(store);
	file_table_free(&store->files);
	file_linger_free(&store->lingers);
	/* Its thread hands on to durable's. */
	commit_close(store);
	durable_close(store);
	reclaim_close(store);
	feed_close(store);
	replication_rules_close(store);
	complaint_close(store);
	blob_close_all(&store->blobs);
	db_close(&store->db);
	cipher_wipe(store->key, sizeof(store->key));
	free(store->region);
	free(store->path);
	free(store);
}

struct slice
store_region(const struct store *store)
{
	return slice_str(store->region);
}

enum store_err
store_sync(struct store *store)
{
	return durable_wait(store, db_last_commit(store->db));
}
