/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "store/feed_state_private.h"
#include "store/meta/key.h"

#define AT_ONCE_MAX 4096  /* lines that one commit removes */
#define LINES_MAX 1000000 /* kept for one who lags behind */

/* All lines of commits up to this one may go. */
static uint64_t
seen_by_all(struct store *store)
{
	struct shared *shared = store->feed->shared;
	/* Before the slots: who marks one later hears nothing older. */
	uint64_t least = db_last_commit(store->db);

	for (unsigned int i = 0; i < SHARED_LISTENERS; i++) {
		struct shared_listener *listener = &shared->listener[i];
		uint64_t seen = atomic_load(&listener->seen);

		if (atomic_load(&listener->session) && seen < least)
			least = seen;
	}
	return least;
}

struct trim_args {
	uint64_t up_to; /* the last sequence that may go */
	bool is_all;	/* look for all that may, not whether there is one */
	size_t count;	/* the result: so many went, or would */
	uint64_t sequences[AT_ONCE_MAX];
};

static enum store_err
find_lines(struct db_txn *txn, struct trim_args *args)
{
	scoped(db_cursor_close) struct db_cursor cursor = {0};
	size_t max = args->is_all ? AT_ONCE_MAX : 1;
	uint64_t lines = 0;
	enum store_err err = db_count(txn, DB_CHANGE, &lines);

	args->count = 0;
	if (!err)
		err = db_cursor_open(txn, DB_CHANGE, &cursor);
	if (!err)
		err = db_cursor_seek(&cursor, SLICE_NULL);
	while (!err && args->count < max) {
		uint64_t *sequence = &args->sequences[args->count];

		err = key_split_u64(cursor.key, sequence);
		if (err)
			return err;
		if (*sequence > args->up_to && lines - args->count <= LINES_MAX)
			return STORE_OK;
		args->count++;
		err = db_cursor_next(&cursor);
	}
	return err == STORE_NOT_FOUND ? STORE_OK : err;
}

static enum store_err
apply_trim(struct store *store, struct db_txn *txn, void *arg)
{
	struct trim_args *args = arg;
	struct shared *shared = store->feed->shared;
	enum store_err err = find_lines(txn, args);

	if (err || args->count == 0)
		return err;
	/* feed_private.h, invariant 3. */
	if (atomic_load(&shared->trimmed) < args->sequences[args->count - 1])
		atomic_store(&shared->trimmed,
			args->sequences[args->count - 1]);
	for (size_t i = 0; i < args->count && !err; i++) {
		struct key key = key_u64(args->sequences[i]);

		err = db_delete(txn, DB_CHANGE, key_slice(&key));
	}
	return err;
}

/* Without a write where there is nothing to do. */
static enum store_err
look(struct store *store, struct trim_args *args)
{
	scoped(db_abort) struct db_txn *txn = NULL;
	enum store_err err = db_begin_read(store->db, &txn);

	return err ? err : find_lines(txn, args);
}

static enum store_err
trim(struct store *store, struct trim_args *args)
{
	args->up_to = (seen_by_all(store) + 1) * FEED_LINES_MAX - 1;
	enum store_err err = look(store, args);
	if (args->count == 0)
		return err;
	args->is_all = true;
	do
		err = commit_run(store, apply_trim, args, NULL);
	while (!err && args->count == AT_ONCE_MAX);
	return err;
}

enum store_err
feed_trim(struct store *store)
{
	struct trim_args *args = calloc(1, sizeof(*args));

	if (!args)
		return STORE_NO_MEMORY;
	enum store_err err = trim(store, args);
	free(args);
	return err;
}
