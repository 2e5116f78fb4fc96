/* SPDX-License-Identifier: Apache-2.0 */
#include "store/outbox_private.h"

#include <stdlib.h>
#include <unistd.h>

#include "store/base/clock.h"
#include "store/base/log.h"
#include "store/commit_private.h"
#include "store/durable_private.h"
#include "store/meta/key.h"
#include "store/object_event_private.h"
#include "store/topic_private.h"

/* Rows that one change removes: other writers wait meanwhile. */
#define STEP 1000

struct outbox {
	struct store *store;
	int lock_fd;
};

enum store_err
outbox_open(struct store *store, struct outbox **out)
{
	struct outbox *outbox = calloc(1, sizeof(*outbox));

	if (!outbox)
		return STORE_NO_MEMORY;
	outbox->store = store;
	enum store_err err =
		store_lock(store, "run/notify.lock", &outbox->lock_fd);
	if (err) {
		free(outbox);
		return err;
	}
	*out = outbox;
	return STORE_OK;
}

void
outbox_close(struct outbox **outbox)
{
	if (!*outbox)
		return;
	(void)close((*outbox)->lock_fd);
	free(*outbox);
	*outbox = NULL;
}

uint64_t
outbox_mark(struct outbox *outbox)
{
	return db_last_commit(outbox->store->db);
}

/* --- reading -------------------------------------------------------------- */

/* The row that the cursor is at, if it is the topic's.  NOT_FOUND. */
static enum store_err
number_at(const struct db_cursor *cursor, uint64_t topic, uint64_t *number)
{
	uint64_t found;
	enum store_err err = key_split_u64_u64(cursor->key, &found, number);

	return !err && found != topic ? STORE_NOT_FOUND : err;
}

static void
copy_event(struct arena *arena, const struct object_event *from,
	struct object_event *to)
{
	*to = *from;
	to->bucket_name = arena_copy(arena, from->bucket_name);
	to->organization = arena_copy(arena, from->organization);
	to->rule = arena_copy(arena, from->rule);
	to->principal = arena_copy(arena, from->principal);
	to->address = arena_copy(arena, from->address);
	to->request = arena_copy(arena, from->request);
	to->key = arena_copy(arena, from->key);
}

/* A test is told alone: false where the row is for another batch. */
static bool
take_row(const struct db_cursor *cursor, uint64_t number, struct arena *arena,
	struct outbox_batch *batch)
{
	struct object_event event;

	if (object_event_row_decode(cursor->value, &event)) {
		log_error("event %llu does not decode, and is not told",
			(unsigned long long)number);
		batch->last = number;
		return true;
	}
	event.number = number;
	if (batch->count > 0 && (event.type == EVENT_TEST ||
					batch->events[0].type == EVENT_TEST))
		return false;
	copy_event(arena, &event, &batch->events[batch->count++]);
	batch->last = number;
	return true;
}

static enum store_err
read_rows(struct db_txn *txn, uint64_t topic, size_t max, struct arena *arena,
	struct outbox_batch *batch)
{
	scoped(db_cursor_close) struct db_cursor cursor = {0};
	struct key key = key_u64_u64(topic, 1);
	uint64_t number = 0;
	enum store_err err = db_cursor_open(txn, DB_EVENT, &cursor);

	if (!err)
		err = db_cursor_seek(&cursor, key_slice(&key));
	for (size_t i = 0; i < STEP && batch->count < max && !err; i++) {
		err = number_at(&cursor, topic, &number);
		if (err || !take_row(&cursor, number, arena, batch))
			break;
		err = db_cursor_next(&cursor);
	}
	return err == STORE_NOT_FOUND ? STORE_OK : err;
}

enum store_err
outbox_read(struct outbox *outbox, uint64_t topic, size_t max,
	struct arena *arena, struct outbox_batch *out)
{
	scoped(db_abort) struct db_txn *txn = NULL;
	enum store_err err = db_begin_read(outbox->store->db, &txn);

	*out = (struct outbox_batch){
		.events = arena_new_array(arena, max, struct object_event)};
	if (!err)
		err = read_rows(txn, topic, max, arena, out);
	if (err || !out->last)
		return err;
	uint64_t commit = db_txn_number(txn);
	db_abort(&txn);
	/* Else a power cut could undo what was told. */
	return durable_wait(outbox->store, commit);
}

/* --- removing ------------------------------------------------------------- */

struct removal {
	uint64_t topic;
	uint64_t last;	   /* up to this one, */
	int64_t before_ns; /* or INT64_MAX: and older than that */
	bool is_dropped;   /* and counted so */
	size_t count;	   /* the result; STEP: there may be more */
};

static bool
goes(const struct removal *removal, const struct db_cursor *cursor,
	uint64_t number)
{
	struct object_event event;

	return number <= removal->last &&
	       (removal->before_ns == INT64_MAX ||
		       object_event_row_decode(cursor->value, &event) ||
		       event.time_ns < removal->before_ns);
}

/* The first row goes, if it is one that is meant.  NOT_FOUND. */
static enum store_err
remove_first(struct db_txn *txn, const struct removal *removal)
{
	scoped(db_cursor_close) struct db_cursor cursor = {0};
	struct key key = key_u64_u64(removal->topic, 1);
	uint64_t number = 0;
	enum store_err err = db_cursor_open(txn, DB_EVENT, &cursor);

	if (!err)
		err = db_cursor_seek(&cursor, key_slice(&key));
	if (!err)
		err = number_at(&cursor, removal->topic, &number);
	if (!err && !goes(removal, &cursor, number))
		err = STORE_NOT_FOUND;
	db_cursor_close(&cursor);
	key = key_u64_u64(removal->topic, number);
	return err ? err : db_delete(txn, DB_EVENT, key_slice(&key));
}

static enum store_err
apply_removal(struct store *store, struct db_txn *txn, void *arg)
{
	struct removal *removal = arg;
	struct object_event_counts counts;
	enum store_err err = STORE_OK;

	(void)store;
	for (removal->count = 0; removal->count < STEP && !err;) {
		err = remove_first(txn, removal);
		removal->count += !err;
	}
	if (err && err != STORE_NOT_FOUND)
		return err;
	err = removal->count
		      ? object_event_counts_get(txn, removal->topic, &counts)
		      : STORE_NOT_FOUND;
	if (err)
		return err == STORE_NOT_FOUND || err == STORE_CORRUPT ? STORE_OK
								      : err;
	counts.waiting -= removal->count < counts.waiting ? removal->count
							  : counts.waiting;
	counts.dropped += removal->is_dropped ? removal->count : 0;
	return object_event_counts_put(txn, removal->topic, &counts);
}

/* Not durable: at worst it is told again. */
static enum store_err
remove_all(struct store *store, struct removal *removal)
{
	enum store_err err;

	do {
		err = commit_run(store, apply_removal, removal, NULL);
	} while (!err && removal->count == STEP);
	return err;
}

enum store_err
outbox_remove(struct outbox *outbox, uint64_t topic, uint64_t last)
{
	struct removal removal = {
		.topic = topic, .last = last, .before_ns = INT64_MAX};

	return remove_all(outbox->store, &removal);
}

enum store_err
outbox_trim(struct outbox *outbox, const struct topic *topic, int64_t now_ns)
{
	struct removal removal = {
		.topic = topic->id,
		.last = UINT64_MAX,
		.before_ns = now_ns - topic->days_max * CLOCK_NS_PER_DAY,
		.is_dropped = true,
	};

	return remove_all(outbox->store, &removal);
}

enum store_err
outbox_remove_topic(struct store *store, uint64_t topic)
{
	struct removal removal = {
		.topic = topic, .last = UINT64_MAX, .before_ns = INT64_MAX};

	return remove_all(store, &removal);
}

/* --- of topics that are gone ---------------------------------------------- */

struct search {
	uint64_t topic;
	bool is_found;
};

static enum store_err
compare(uint64_t id, void *context)
{
	struct search *search = context;

	/* Any may be that of one that does not decode: a later tarn's. */
	search->is_found = search->is_found || id == 0 || id == search->topic;
	return STORE_OK;
}

/* The first topic from that number on that has rows and is gone.  NOT_FOUND. */
static enum store_err
find_gone(struct db_txn *txn, uint64_t *topic)
{
	scoped(db_cursor_close) struct db_cursor cursor = {0};
	uint64_t number;
	enum store_err err = db_cursor_open(txn, DB_EVENT, &cursor);

	while (!err) {
		struct key key = key_u64(*topic);
		struct search search = {0};

		err = db_cursor_seek(&cursor, key_slice(&key));
		if (!err)
			err = key_split_u64_u64(cursor.key, &search.topic,
				&number);
		if (!err)
			err = topic_visit(txn, compare, &search);
		if (err)
			break;
		*topic = search.topic;
		if (!search.is_found)
			return STORE_OK;
		if (++*topic == 0)
			err = STORE_NOT_FOUND;
	}
	return err;
}

static enum store_err
apply_remove_counts(struct store *store, struct db_txn *txn, void *arg)
{
	const uint64_t *topic = arg;
	struct key key = key_u64_u64(*topic, 0);
	enum store_err err = db_delete(txn, DB_EVENT, key_slice(&key));

	(void)store;
	return err == STORE_NOT_FOUND ? STORE_OK : err;
}

enum store_err
outbox_sweep(struct outbox *outbox)
{
	struct store *store = outbox->store;
	enum store_err err = STORE_OK;
	uint64_t topic = 0;

	while (!err) {
		scoped(db_abort) struct db_txn *txn = NULL;

		err = db_begin_read(store->db, &txn);
		if (!err)
			err = find_gone(txn, &topic);
		db_abort(&txn);
		if (!err)
			err = commit_run(store, apply_remove_counts, &topic,
				NULL);
		if (!err)
			err = outbox_remove_topic(store, topic);
	}
	return err == STORE_NOT_FOUND ? STORE_OK : err;
}
