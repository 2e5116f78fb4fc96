/* SPDX-License-Identifier: Apache-2.0 */
#include "store/feed_private.h"

#include <stdlib.h>

#include "store/base/clock.h"
#include "store/base/log.h"
#include "store/feed_state_private.h"
#include "store/feed_wait_private.h"
#include "store/meta/key.h"
#include "store/session_private.h"

#define LINES_MAX 256 /* read at once */
#define IDLE_MS 1000  /* no wake-up is lost; this is for the killed waker */

/* A line as read; its name lies in the listener's buffer. */
struct line {
	uint64_t sequence;
	struct record_change change;
	size_t name_start;
	size_t name_len;
};

/*
 * `whole` is the last commit of which all lines have been read.  Lines before
 * lines[next] have been handed out; the last of them is dealt with when the
 * next one is asked for.
 */
struct feed_listener {
	struct store *store;
	struct shared_listener *slot;
	unsigned int index;
	uint64_t deaf_to;  /* an origin, or 0 */
	uint64_t position; /* the sequence up to which has been read */
	uint64_t whole;
	struct line lines[LINES_MAX];
	size_t next;
	size_t count;
	struct buffer names;
	bool is_lost;

	/* atomic */
	atomic_bool is_woken;
};

static _Thread_local uint64_t thread_origin;

void
feed_set_origin(uint64_t origin)
{
	thread_origin = origin;
}

uint64_t
feed_origin(void)
{
	return thread_origin;
}

/* The next sequence in this transaction; it runs on where a dropped one had
 * the same number, which only leaves a gap. */
static enum store_err
next_sequence(struct feed *feed, struct db_txn *txn, uint64_t *sequence)
{
	uint64_t number = db_txn_number(txn);

	if (feed->txn_number != number) {
		feed->txn_number = number;
		feed->txn_lines = 0;
	}
	if (feed->txn_lines == FEED_LINES_MAX)
		return STORE_TOO_BIG;
	*sequence = number * FEED_LINES_MAX + feed->txn_lines++;
	return STORE_OK;
}

bool
feed_is_news(struct store *store, uint64_t origin)
{
	struct feed *feed = store->feed;
	uint64_t listeners = atomic_load(&feed->shared->listeners);

	return listeners &&
	       !(origin && atomic_load(&feed->own_bit) == listeners &&
		       atomic_load(&feed->own_origin) == origin);
}

enum store_err
feed_append(struct store *store, struct db_txn *txn,
	const struct record_change *change)
{
	struct feed *feed = store->feed;
	struct record_change line = *change;
	uint64_t sequence;

	if (!feed_is_news(store, thread_origin))
		return STORE_OK;
	enum store_err err = next_sequence(feed, txn, &sequence);
	if (err)
		return err;
	line.origin = thread_origin;
	buffer_clear(&feed->line);
	record_change_encode(&feed->line, &line);
	struct key key = key_u64(sequence);
	return db_append(txn, DB_CHANGE, key_slice(&key),
		buffer_slice(&feed->line));
}

enum store_err
feed_append_dentry(struct store *store, struct db_txn *txn, uint64_t parent,
	struct slice name, uint64_t ino)
{
	const struct record_change change = {
		.kind = RECORD_CHANGE_DENTRY,
		.parent = parent,
		.ino = ino,
		.name = name,
	};

	return feed_append(store, txn, &change);
}

enum store_err
feed_append_inode(struct store *store, struct db_txn *txn, uint64_t ino,
	bool with_data)
{
	const struct record_change change = {
		.kind = with_data ? RECORD_CHANGE_DATA : RECORD_CHANGE_INODE,
		.ino = ino,
	};

	return feed_append(store, txn, &change);
}

void
feed_publish(struct store *store)
{
	shared_wake(&store->feed->shared->published);
}

void
feed_set_checkpoint(struct store *store, uint64_t commit)
{
	struct shared *shared = store->feed->shared;
	uint64_t before = atomic_load(&shared->checkpoint);

	while (before < commit &&
		!atomic_compare_exchange_weak(&shared->checkpoint, &before,
			commit))
		;
}

uint64_t
feed_checkpoint(struct store *store)
{
	return atomic_load(&store->feed->shared->checkpoint);
}

struct blob_spares *
feed_spares(struct store *store)
{
	return &store->feed->shared->spares;
}

struct shared_cuts *
feed_cuts(struct store *store)
{
	return store->feed ? &store->feed->shared->cuts : NULL;
}

void
feed_set_failed(struct store *store)
{
	atomic_store(&store->feed->shared->has_failed, 1);
}

bool
feed_has_failed(const struct store *store)
{
	return store->feed && store->feed->shared &&
	       atomic_load(&store->feed->shared->has_failed);
}

void
feed_forget_session(struct store *store, uint64_t session)
{
	struct shared *shared = store->feed->shared;

	for (unsigned int i = 0; i < SHARED_LISTENERS; i++) {
		struct shared_listener *listener = &shared->listener[i];

		if (atomic_load(&listener->session) != session)
			continue;
		atomic_fetch_and(&shared->listeners, ~(1ull << i));
		atomic_store(&listener->session, 0);
	}
	shared_wake(&shared->seen);
}

struct listen_args {
	struct shared_listener *slot;
	uint64_t number;
};

/* Invariant 2.  The slot says so before this transaction can be over, so that
 * no line from here on is trimmed. */
static enum store_err
apply_listen(struct store *store, struct db_txn *txn, void *arg)
{
	struct listen_args *args = arg;

	(void)store;
	args->number = db_txn_number(txn);
	atomic_store(&args->slot->seen, args->number - 1);
	return STORE_OK;
}

/* False: all are taken. */
static bool
claim_slot(struct shared *shared, uint64_t session, unsigned int *index)
{
	for (unsigned int i = 0; i < SHARED_LISTENERS; i++) {
		struct shared_listener *slot = &shared->listener[i];
		uint64_t nobody = 0;

		if (!atomic_compare_exchange_strong(&slot->session, &nobody,
			    session))
			continue;
		atomic_store(&slot->seen, UINT64_MAX);
		atomic_store(&slot->is_lagging, 0);
		atomic_fetch_or(&shared->listeners, 1ull << i);
		*index = i;
		return true;
	}
	return false;
}

static void
release_slot(struct shared *shared, unsigned int index)
{
	atomic_fetch_and(&shared->listeners, ~(1ull << index));
	atomic_store(&shared->listener[index].session, 0);
	shared_wake(&shared->seen);
}

/* Invariant 4. */
static void
note_own(struct feed *feed, const struct feed_listener *listener)
{
	if (!listener->deaf_to)
		return;
	atomic_store(&feed->own_origin, listener->deaf_to);
	atomic_store(&feed->own_bit, 1ull << listener->index);
}

/* Before the slot can be another's. */
static void
forget_own(struct feed *feed, const struct feed_listener *listener)
{
	uint64_t bit = 1ull << listener->index;

	atomic_compare_exchange_strong(&feed->own_bit, &bit, 0);
}

enum store_err
feed_listen(struct store *store, uint64_t origin, struct feed_listener **out)
{
	struct listen_args args;
	unsigned int index;

	if (store->is_read_only)
		return STORE_READ_ONLY;
	struct shared *shared = store->feed->shared;
	struct feed_listener *listener = calloc(1, sizeof(*listener));
	if (!listener)
		return STORE_NO_MEMORY;
	if (!claim_slot(shared, session_id(store), &index)) {
		free(listener);
		return STORE_BUSY;
	}
	args.slot = &shared->listener[index];
	enum store_err err = commit_run(store, apply_listen, &args, NULL);
	if (err) {
		release_slot(shared, index);
		free(listener);
		return err;
	}
	listener->store = store;
	listener->slot = args.slot;
	listener->index = index;
	listener->deaf_to = origin;
	listener->whole = args.number - 1;
	listener->position = args.number * FEED_LINES_MAX - 1;
	note_own(store->feed, listener);
	*out = listener;
	return STORE_OK;
}

void
feed_ignore(struct feed_listener **ptr)
{
	struct feed_listener *listener = *ptr;

	*ptr = NULL;
	if (!listener)
		return;
	forget_own(listener->store->feed, listener);
	release_slot(listener->store->feed->shared, listener->index);
	buffer_free(&listener->names);
	free(listener);
}

void
feed_wake(struct feed_listener *listener)
{
	atomic_store(&listener->is_woken, true);
	shared_wake(&listener->store->feed->shared->published);
}

/* Tells the others how far this one has come. */
static void
post_seen(struct feed_listener *listener, uint64_t commit)
{
	if (atomic_load(&listener->slot->seen) >= commit)
		return;
	atomic_store(&listener->slot->seen, commit);
	shared_wake(&listener->store->feed->shared->seen);
}

/* All that was read has been dealt with.  Who has come to the end of what
 * there was is waited for again. */
static void
post_whole(struct feed_listener *listener)
{
	if (listener->count < LINES_MAX)
		atomic_store(&listener->slot->is_lagging, 0);
	post_seen(listener, listener->whole);
}

static enum store_err
read_line(struct feed_listener *listener, const struct db_cursor *cursor)
{
	struct line *line = &listener->lines[listener->count];
	enum store_err err = key_split_u64(cursor->key, &line->sequence);

	if (!err)
		err = record_change_decode(cursor->value, &line->change);
	if (err)
		return err;
	listener->position = line->sequence;
	if (listener->deaf_to && line->change.origin == listener->deaf_to)
		return STORE_OK;
	line->name_start = listener->names.len;
	line->name_len = line->change.name.len;
	buffer_append(&listener->names, line->change.name);
	listener->count++;
	return STORE_OK;
}

/* Reads what there is.  NOT_FOUND: all of it. */
static enum store_err
read_from(struct feed_listener *listener, struct db_txn *txn)
{
	scoped(db_cursor_close) struct db_cursor cursor = {0};
	struct key key = key_u64(listener->position + 1);
	enum store_err err = db_cursor_open(txn, DB_CHANGE, &cursor);

	if (!err)
		err = db_cursor_seek(&cursor, key_slice(&key));
	while (!err && listener->count < LINES_MAX) {
		err = read_line(listener, &cursor);
		if (!err)
			err = db_cursor_next(&cursor);
	}
	return err;
}

static enum store_err
read_lines(struct feed_listener *listener)
{
	struct shared *shared = listener->store->feed->shared;
	scoped(db_abort) struct db_txn *txn = NULL;
	enum store_err err = db_begin_read(listener->store->db, &txn);

	listener->next = 0;
	listener->count = 0;
	buffer_clear(&listener->names);
	if (err)
		return err;
	/* Invariant 3: only now that there is a snapshot. */
	listener->is_lost = atomic_load(&shared->trimmed) > listener->position;
	if (!listener->is_lost) {
		err = read_from(listener, txn);
		if (!err) {
			listener->whole =
				listener->position / FEED_LINES_MAX - 1;
			return STORE_OK;
		}
		if (err != STORE_NOT_FOUND)
			return err;
	}
	listener->whole = db_txn_number(txn);
	listener->position = (listener->whole + 1) * FEED_LINES_MAX - 1;
	return STORE_OK;
}

static void
hand_out_lost(struct feed_listener *listener, struct feed_entry *entry)
{
	listener->is_lost = false;
	*entry = (struct feed_entry){
		.kind = FEED_LOST,
		.sequence = listener->position,
	};
}

static enum feed_kind
kind_of(enum record_change_kind kind)
{
	switch (kind) {
	case RECORD_CHANGE_DENTRY:
		return FEED_DENTRY;
	case RECORD_CHANGE_INODE:
		return FEED_INODE;
	case RECORD_CHANGE_DATA:
		return FEED_DATA;
	case RECORD_CHANGE_BUCKET:
		return FEED_BUCKET;
	case RECORD_CHANGE_DOCUMENT:
		return FEED_DOCUMENT;
	}
	return FEED_LOST;
}

static void
hand_out(struct feed_listener *listener, struct feed_entry *entry)
{
	const struct line *line = &listener->lines[listener->next++];

	/* Those before it are dealt with, so all commits before its own. */
	post_seen(listener, line->sequence / FEED_LINES_MAX - 1);
	*entry = (struct feed_entry){
		.sequence = line->sequence,
		.kind = kind_of(line->change.kind),
		.origin = line->change.origin,
		.parent = line->change.parent,
		.ino = line->change.ino,
		.name = slice_of(listener->names.data + line->name_start,
			line->name_len),
	};
}

enum store_err
feed_next(struct feed_listener *listener, struct feed_entry *entry)
{
	struct shared *shared = listener->store->feed->shared;

	for (;;) {
		if (listener->next < listener->count) {
			hand_out(listener, entry);
			return STORE_OK;
		}
		post_whole(listener);
		/* Before the looks: what comes after them, a commit or
		 * feed_wake(), changes the word. */
		uint32_t published = atomic_load(&shared->published);
		if (atomic_exchange(&listener->is_woken, false))
			return STORE_CANCELED;
		uint64_t whole = listener->whole;
		enum store_err err = read_lines(listener);
		if (err)
			return err;
		if (listener->is_lost) {
			hand_out_lost(listener, entry);
			return STORE_OK;
		}
		if (listener->count > 0 || listener->whole != whole)
			continue;
		shared_wait(&shared->published, published, IDLE_MS);
	}
}

enum store_err
feed_open(struct store *store)
{
	struct feed *feed = calloc(1, sizeof(*feed));
	struct store_path path = store_path(store, "run/shared");

	if (!feed)
		return STORE_NO_MEMORY;
	feed->shared_fd = -1;
	store->feed = feed;
	enum store_err err =
		shared_attach(path.text, &feed->shared, &feed->shared_fd);
	return err ? err : feed_wait_open(store);
}

void
feed_close(struct store *store)
{
	struct feed *feed = store->feed;

	if (!feed)
		return;
	feed_wait_close(store);
	shared_detach(&feed->shared, &feed->shared_fd);
	buffer_free(&feed->line);
	free(feed);
	store->feed = NULL;
}
