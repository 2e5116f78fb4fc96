/* SPDX-License-Identifier: Apache-2.0 */
#include "store/session_private.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

#include "store/base/buffer.h"
#include "store/base/clock.h"
#include "store/base/codec.h"
#include "store/base/event.h"
#include "store/base/mutex.h"
#include "store/commit_private.h"
#include "store/counter_private.h"
#include "store/durable_private.h"
#include "store/file_linger_private.h"
#include "store/history_null_private.h"
#include "store/lock_private.h"
#include "store/meta/checkpoint.h"
#include "store/meta/key.h"
#include "store/meta/record.h"
#include "store/reap_private.h"

#define BLOCK_LEN SESSION_LEASE_BLOCK
#define CLEAN_MAX 512 /* rows that one commit takes out */

/* A block of leased ids. */
struct block {
	uint64_t first;
	unsigned int used;  /* given out: the first so many */
	unsigned int ended; /* named by a record, or returned */
	bool has_ended[BLOCK_LEN];
	bool is_returned[BLOCK_LEN];
	struct block *next;
};

/* Somebody who waits for a new block. */
struct lease_waiter {
	struct event done;
	struct lease_waiter *next;
};

struct session {
	/* fixed after open */
	uint64_t id;
	int lock_fd;

	/* the leader's */
	uint64_t *settling;
	size_t settling_count;
	size_t settling_room;

	pthread_mutex_t lock;
	/* under lock */
	struct block *blocks; /* the newest first */
	bool is_leasing;
	struct lease_waiter *waiters;
	struct buffer closed; /* inodes: session_note_closed() */
};

uint64_t
session_id(const struct store *store)
{
	return store->session ? store->session->id : 0;
}

struct open_args {
	const char *role;
	uint64_t id;
	int lock_fd;
};

/* Rule 1: the lock first.  Whoever takes it for a moment only looks. */
static enum store_err
take_lock(struct store *store, struct open_args *args)
{
	if (args->lock_fd >= 0)
		close(args->lock_fd);
	args->lock_fd = reap_open_lock(store, args->id);
	if (args->lock_fd < 0)
		return error_from_errno(errno);
	while (flock(args->lock_fd, LOCK_EX)) {
		if (errno != EINTR)
			return error_from_errno(errno);
	}
	return STORE_OK;
}

static enum store_err
apply_open(struct store *store, struct db_txn *txn, void *arg)
{
	struct open_args *args = arg;
	struct record_session record = {
		.started_ns = clock_now_ns(),
		.pid = (uint32_t)getpid(),
		.role = slice_first(slice_str(args->role), 15),
	};
	/* Nobody else of this process is there yet. */
	enum store_err err = db_open_added(txn);

	if (!err)
		err = counter_take(txn, COUNTER_SESSION, 1, &args->id);
	if (!err)
		err = history_null_run_begin_session(txn, args->id);
	if (!err)
		err = checkpoint_boot_id(record.boot_id);
	if (!err)
		err = take_lock(store, args);
	if (err)
		return err;
	scoped(buffer_free) struct buffer value = {0};
	struct key key = key_u64(args->id);
	record_session_encode(&value, &record);
	return db_put(txn, DB_SESSION, key_slice(&key), buffer_slice(&value));
}

enum store_err
session_open(struct store *store, const char *role)
{
	struct session *session = calloc(1, sizeof(*session));
	struct open_args args = {.role = role ? role : "", .lock_fd = -1};

	if (!session)
		return STORE_NO_MEMORY;
	session->lock_fd = -1;
	mutex_init(&session->lock);
	store->session = session;
	enum store_err err = commit_run(store, apply_open, &args, NULL);
	session->lock_fd = args.lock_fd;
	session->id = err ? 0 : args.id;
	return err;
}

void
session_close(struct store *store)
{
	struct session *session = store->session;

	if (!session)
		return;
	/* What cannot be done now is done by whoever reaps us. */
	if (session->id && !durable_has_failed(store))
		(void)reap_session(store, session->id, false, false);
	if (session->lock_fd >= 0)
		close(session->lock_fd);
	while (session->blocks) {
		struct block *block = session->blocks;

		session->blocks = block->next;
		free(block);
	}
	free(session->settling);
	buffer_free(&session->closed);
	mutex_destroy(&session->lock);
	free(session);
	store->session = NULL;
}

enum store_err
session_first_unleased(struct db_txn *txn, uint64_t *id)
{
	return counter_peek(txn, COUNTER_BLOB, id);
}

enum store_err
session_reap(struct store *store)
{
	return reap_dead(store);
}

struct lease_args {
	uint64_t first;
};

static enum store_err
apply_lease(struct store *store, struct db_txn *txn, void *arg)
{
	struct lease_args *args = arg;
	scoped(buffer_free) struct buffer value = {0};
	enum store_err err =
		counter_take(txn, COUNTER_BLOB, BLOCK_LEN, &args->first);

	if (err)
		return err;
	struct key key = key_u64_u64(session_id(store), args->first);
	codec_encode_u64(&value, BLOCK_LEN);
	return db_put(txn, DB_LEASE, key_slice(&key), buffer_slice(&value));
}

/* True where an id was there. */
static bool
take_id_locked(struct session *session, uint64_t *id)
{
	struct block *block = session->blocks;

	if (!block || block->used == BLOCK_LEN)
		return false;
	*id = block->first + block->used++;
	return true;
}

/* One more block, then wakes all who wait for one. */
static enum store_err
lease_block(struct store *store)
{
	struct session *session = store->session;
	struct block *block = calloc(1, sizeof(*block));
	struct lease_args args = {0};
	enum store_err err = block ? STORE_OK : STORE_NO_MEMORY;

	if (!err)
		err = commit_run(store, apply_lease, &args, NULL);
	mutex_lock(&session->lock);
	if (!err) {
		block->first = args.first;
		block->next = session->blocks;
		session->blocks = block;
	}
	session->is_leasing = false;
	struct lease_waiter *waiter = session->waiters;
	session->waiters = NULL;
	mutex_unlock(&session->lock);
	while (waiter) {
		struct lease_waiter *next = waiter->next;

		event_set(&waiter->done);
		waiter = next;
	}
	if (err)
		free(block);
	return err;
}

enum store_err
session_lease_blob(struct store *store, uint64_t *id)
{
	struct session *session = store->session;
	enum store_err err = STORE_OK;

	if (!session)
		return STORE_READ_ONLY;
	while (!err) {
		struct lease_waiter waiter = {0};

		event_init(&waiter.done);
		mutex_lock(&session->lock);
		bool is_taken = take_id_locked(session, id);
		bool leases = !is_taken && !session->is_leasing;
		if (leases) {
			session->is_leasing = true;
		} else if (!is_taken) {
			waiter.next = session->waiters;
			session->waiters = &waiter;
		}
		mutex_unlock(&session->lock);
		if (is_taken)
			return STORE_OK;
		if (leases)
			err = lease_block(store);
		else
			event_wait(&waiter.done);
	}
	return err;
}

static void
end_id_locked(struct session *session, uint64_t id, bool is_returned)
{
	struct block *block = session->blocks;

	while (block && id - block->first >= BLOCK_LEN)
		block = block->next;
	if (!block || block->has_ended[id - block->first])
		return;
	block->has_ended[id - block->first] = true;
	block->is_returned[id - block->first] = is_returned;
	block->ended++;
}

void
session_return_blob(struct store *store, uint64_t id)
{
	mutex_scoped(&store->session->lock);

	end_id_locked(store->session, id, true);
}

void
session_settle_blob(struct store *store, uint64_t id)
{
	struct session *session = store->session;

	if (session->settling_count == session->settling_room) {
		size_t room = session->settling_room
				      ? 2 * session->settling_room
				      : 64;
		uint64_t *settling = reallocarray(session->settling, room,
			sizeof(*settling));

		if (!settling)
			error_out_of_memory();
		session->settling = settling;
		session->settling_room = room;
	}
	session->settling[session->settling_count++] = id;
}

void
session_note_begin(struct store *store)
{
	if (store->session)
		store->session->settling_count = 0;
}

void
session_note_commit(struct store *store)
{
	struct session *session = store->session;

	if (!session || session->settling_count == 0)
		return;
	mutex_scoped(&session->lock);
	for (size_t i = 0; i < session->settling_count; i++)
		end_id_locked(session, session->settling[i], false);
	session->settling_count = 0;
}

/* Takes the blocks that are used up out of the list. */
static struct block *
take_ended(struct session *session)
{
	mutex_scoped(&session->lock);
	struct block *ended = NULL;
	struct block **link = &session->blocks;

	while (*link) {
		struct block *block = *link;

		if (block->ended < BLOCK_LEN) {
			link = &block->next;
			continue;
		}
		*link = block->next;
		block->next = ended;
		ended = block;
	}
	return ended;
}

static enum store_err
end_block(struct store *store, const struct block *block)
{
	uint64_t returned[BLOCK_LEN];
	size_t count = 0;

	for (size_t i = 0; i < BLOCK_LEN; i++) {
		if (block->is_returned[i])
			returned[count++] = block->first + i;
	}
	enum store_err err = blob_flush_removed(store->blobs, returned, count);
	return err ? err : reap_lease(store, session_id(store), block->first);
}

enum store_err
session_end_leases(struct store *store)
{
	struct block *block = take_ended(store->session);
	enum store_err err = STORE_OK;

	/* A block that fails here stays in the table until the session is
	 * reaped. */
	while (block) {
		struct block *next = block->next;

		if (!err)
			err = end_block(store, block);
		free(block);
		block = next;
	}
	return err;
}

enum store_err
session_put_open(struct db_txn *txn, uint64_t session, uint64_t ino,
	const struct session_open *row)
{
	scoped(buffer_free) struct buffer value = {0};
	struct key key = key_u64_u64(session, ino);

	codec_encode_u32(&value, row->flags);
	if (row->has_data) {
		codec_encode_u64(&value, row->blob);
		codec_encode_u64(&value, row->size);
		codec_encode_i64(&value, row->mtime_ns);
	}
	return db_put(txn, DB_OPEN, key_slice(&key), buffer_slice(&value));
}

enum store_err
session_get_open(struct db_txn *txn, uint64_t session, uint64_t ino,
	struct session_open *out)
{
	struct key key = key_u64_u64(session, ino);
	struct slice value;
	enum store_err err = db_get(txn, DB_OPEN, key_slice(&key), &value);

	if (err)
		return err;
	struct decoder decoder = codec_decoder(value);
	*out = (struct session_open){.flags = codec_decode_u32(&decoder)};
	out->has_data = codec_decode_left(&decoder) > 0;
	if (out->has_data) {
		out->blob = codec_decode_u64(&decoder);
		out->size = codec_decode_u64(&decoder);
		out->mtime_ns = codec_decode_i64(&decoder);
	}
	return decoder.is_bad ? STORE_CORRUPT : STORE_OK;
}

enum store_err
session_set_open(struct store *store, struct db_txn *txn, uint64_t ino,
	uint32_t flags)
{
	const struct session_open row = {.flags = flags};
	struct key key = key_u64_u64(session_id(store), ino);

	if (flags)
		return session_put_open(txn, session_id(store), ino, &row);
	enum store_err err = db_delete(txn, DB_OPEN, key_slice(&key));
	return err == STORE_NOT_FOUND ? STORE_OK : err;
}

void
session_note_closed(struct store *store, uint64_t ino)
{
	struct session *session = store->session;

	if (!session)
		return;
	mutex_scoped(&session->lock);
	buffer_append(&session->closed, slice_of(&ino, sizeof(ino)));
}

bool
session_needs_cleaning(struct store *store)
{
	mutex_scoped(&store->session->lock);

	return store->session->closed.len > 0;
}

/* How many were taken off the list.  Those of a commit that then fails stay
 * in the table until the session is reaped. */
static size_t
take_closed(struct session *session, uint64_t inos[CLEAN_MAX])
{
	mutex_scoped(&session->lock);
	size_t left = session->closed.len / sizeof(*inos);
	size_t count = left < CLEAN_MAX ? left : CLEAN_MAX;

	session->closed.len -= count * sizeof(*inos);
	if (count > 0)
		memcpy(inos, session->closed.data + session->closed.len,
			count * sizeof(*inos));
	return count;
}

static enum store_err
end_row(struct store *store, struct db_txn *txn, uint64_t ino)
{
	enum store_err err = session_set_open(store, txn, ino, 0);

	return err ? err : lock_settle(store, txn, ino);
}

/* Opened again since: that one's end takes it out. */
static enum store_err
end_closed(struct store *store, struct db_txn *txn, uint64_t ino)
{
	struct session_open row;

	enum store_err err =
		session_get_open(txn, session_id(store), ino, &row);
	if (!err && !row.flags && !file_linger_has(store, ino))
		err = end_row(store, txn, ino);
	return err == STORE_NOT_FOUND ? STORE_OK : err;
}

static enum store_err
apply_end_closed(struct store *store, struct db_txn *txn, void *arg)
{
	return end_closed(store, txn, *(const uint64_t *)arg);
}

void
session_end_closed(struct store *store, uint64_t ino, bool is_due)
{
	if (!is_due || commit_run(store, apply_end_closed, &ino, NULL))
		session_note_closed(store, ino);
}

enum store_err
session_clean_open(struct store *store, struct db_txn *txn)
{
	uint64_t inos[CLEAN_MAX];
	size_t count = store->session ? take_closed(store->session, inos) : 0;

	for (size_t i = 0; i < count; i++) {
		enum store_err err = end_closed(store, txn, inos[i]);

		if (err)
			return err;
	}
	return STORE_OK;
}

enum store_err
session_each_open(struct db_txn *txn, uint64_t ino,
	void (*visit)(uint64_t session, const struct session_open *row,
		void *context),
	void *context)
{
	scoped(db_cursor_close) struct db_cursor cursor = {0};

	enum store_err err = db_cursor_open(txn, DB_SESSION, &cursor);
	if (!err)
		err = db_cursor_seek(&cursor, SLICE_NULL);
	for (; !err; err = db_cursor_next(&cursor)) {
		struct session_open row;
		uint64_t session;

		err = key_split_u64(cursor.key, &session);
		if (err)
			return err;
		err = session_get_open(txn, session, ino, &row);
		if (!err)
			visit(session, &row, context);
		else if (err != STORE_NOT_FOUND)
			return err;
	}
	return err == STORE_NOT_FOUND ? STORE_OK : err;
}

struct search {
	uint64_t except;
	bool with_published;
	bool is_found;
};

static void
find_open(uint64_t session, const struct session_open *row, void *context)
{
	struct search *search = context;

	if (session != search->except && (row->flags || search->with_published))
		search->is_found = true;
}

enum store_err
session_has_open(struct db_txn *txn, uint64_t except, uint64_t ino,
	bool with_published, bool *out)
{
	struct search search = {except, with_published, false};

	enum store_err err = session_each_open(txn, ino, find_open, &search);
	*out = search.is_found;
	return err;
}
