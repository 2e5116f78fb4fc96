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
/* Topics that are gone, looked for at a time. */
#define PAGE 100

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
	struct object_event_counts counts; /* as they become */
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
remove_first(struct db_txn *txn, struct removal *removal)
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
	if (!err)
		object_event_counts_take(&removal->counts, cursor.value.len);
	db_cursor_close(&cursor);
	key = key_u64_u64(removal->topic, number);
	return err ? err : db_delete(txn, DB_EVENT, key_slice(&key));
}

static enum store_err
apply_removal(struct store *store, struct db_txn *txn, void *arg)
{
	struct removal *removal = arg;
	enum store_err known =
		object_event_counts_get(txn, removal->topic, &removal->counts);
	bool is_counted = !known && removal->counts.lacks_bytes;
	enum store_err err = STORE_OK;

	(void)store;
	if (is_counted)
		known = object_event_counts_anew(txn, removal->topic,
			&removal->counts);
	/* What is damaged is fsck's. */
	if (known && known != STORE_NOT_FOUND && known != STORE_CORRUPT)
		return known;
	for (removal->count = 0; removal->count < STEP && !err;) {
		err = remove_first(txn, removal);
		removal->count += !err;
	}
	if (err && err != STORE_NOT_FOUND)
		return err;
	if (known || (removal->count == 0 && !is_counted))
		return STORE_OK;
	removal->counts.dropped += removal->is_dropped ? removal->count : 0;
	return object_event_counts_put(txn, removal->topic, &removal->counts);
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

/* Numbers that are not given again: what is gone stays so. */
struct sweep {
	struct db_txn *txn;
	struct buffer ids; /* uint64_t, of all topics there are */
	bool has_damaged;  /* any may be its number */
	uint64_t gone[PAGE];
	size_t count;
};

static enum store_err
note_topic(uint64_t id, void *context)
{
	struct sweep *sweep = context;

	sweep->has_damaged = sweep->has_damaged || id == 0;
	buffer_append(&sweep->ids, slice_of(&id, sizeof(id)));
	return STORE_OK;
}

static int
compare_ids(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static bool
is_there(const struct sweep *sweep, uint64_t id)
{
	return sweep->ids.len > 0 &&
	       bsearch(&id, sweep->ids.data, sweep->ids.len / sizeof(id),
		       sizeof(id), compare_ids);
}

/* The first topics that have rows and are gone. */
static enum store_err
find_gone(struct sweep *sweep)
{
	scoped(db_cursor_close) struct db_cursor cursor = {0};
	struct key key = key_u64(0);
	uint64_t topic, number;
	enum store_err err = db_cursor_open(sweep->txn, DB_EVENT, &cursor);

	while (!err && sweep->count < PAGE) {
		err = db_cursor_seek(&cursor, key_slice(&key));
		if (!err)
			err = key_split_u64_u64(cursor.key, &topic, &number);
		if (err)
			break;
		if (!is_there(sweep, topic))
			sweep->gone[sweep->count++] = topic;
		if (topic == UINT64_MAX)
			break;
		key = key_u64(topic + 1);
	}
	return err == STORE_NOT_FOUND ? STORE_OK : err;
}

/* Both of one moment: a topic that comes later is not among them. */
static enum store_err
look_for_gone(struct store *store, struct sweep *sweep)
{
	scoped(db_abort) struct db_txn *txn = NULL;
	enum store_err err = db_begin_read(store->db, &txn);

	sweep->txn = txn;
	sweep->count = 0;
	buffer_clear(&sweep->ids);
	if (!err)
		err = topic_visit(txn, note_topic, sweep);
	if (err || sweep->has_damaged)
		return err;
	if (sweep->ids.len > 0)
		qsort(sweep->ids.data, sweep->ids.len / sizeof(uint64_t),
			sizeof(uint64_t), compare_ids);
	return find_gone(sweep);
}

static void
end_sweep(struct sweep *sweep)
{
	buffer_free(&sweep->ids);
}

static enum store_err
apply_remove_counts(struct store *store, struct db_txn *txn, void *arg)
{
	const uint64_t *topic = arg;
	struct key key = key_u64_u64(*topic, 0);

	(void)store;
	return db_delete_if_there(txn, DB_EVENT, key_slice(&key));
}

static enum store_err
remove_gone(struct store *store, const struct sweep *sweep)
{
	enum store_err err = STORE_OK;

	for (size_t i = 0; i < sweep->count && !err; i++) {
		uint64_t topic = sweep->gone[i];

		err = commit_run(store, apply_remove_counts, &topic, NULL);
		if (!err)
			err = outbox_remove_topic(store, topic);
	}
	return err;
}

enum store_err
outbox_sweep(struct outbox *outbox)
{
	scoped(end_sweep) struct sweep sweep = {0};
	enum store_err err;

	do {
		err = look_for_gone(outbox->store, &sweep);
		if (!err)
			err = remove_gone(outbox->store, &sweep);
	} while (!err && sweep.count == PAGE);
	return err;
}
