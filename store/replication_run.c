/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows are read some at a time.  Of each, where it is to be replicated is
 * looked at without a transaction, as policies are none of the tables'
 * business; each place is a change of its own, which decides anew whether all
 * that is still so.
 */
#include <stdlib.h>
#include <unistd.h>

#include "store/base/clock.h"
#include "store/base/log.h"
#include "store/commit_private.h"
#include "store/durable_private.h"
#include "store/meta/key.h"
#include "store/replication_rules_private.h"
#include "store/replication_step_private.h"

#define PAGE 64
/* Between tries, doubled by each. */
#define WAIT_NS CLOCK_NS_PER_S
#define DOUBLED_MAX 6

struct run {
	struct store *store;
	const struct replication_options *options;
	struct replication_result *result;
	int64_t now_ns;
	uint64_t commit; /* of the last change */

	/* of the bucket whose rows are done, as of this page */
	uint64_t bucket;		 /* 0: none */
	struct replication_rules *rules; /* NULL: none */
	struct bucket from;
};

/* --- a version ------------------------------------------------------------ */

/* Of the store, and not of one place. */
static bool
is_fatal(enum store_err err)
{
	return err == STORE_IO || err == STORE_READ_ONLY ||
	       err == STORE_NO_MEMORY || err == STORE_NO_SPACE ||
	       err == STORE_CANCELED;
}

static enum store_err
commit(struct run *run, struct replication_step *step,
	enum store_err (*apply)(struct store *store, struct db_txn *txn,
		void *arg))
{
	enum store_err err = commit_run(run->store, apply, step, &run->commit);

	run->result->done += !err && step->outcome == REPLICATION_STEP_DONE;
	run->result->failed += !err && step->outcome == REPLICATION_STEP_FAILED;
	return err;
}

static const struct replication_rule *
rule_of(const struct run *run, const struct replication_item *item,
	uint64_t bucket)
{
	size_t count = run->rules ? run->rules->of.count : 0;

	for (size_t i = 0; i < count; i++)
		if (replication_step_names(&run->rules->of.rules[i], item->key,
			    bucket))
			return &run->rules->of.rules[i];
	return NULL;
}

/* Whether it may be tried; `to` becomes where. */
static enum store_err
check_place(const struct run *run, const struct replication_ask *ask,
	struct bucket *to)
{
	const struct replication_options *options = run->options;
	enum store_err err = bucket_get(run->store, ask->rule->bucket_name, to);

	if (!err && to->ino != ask->rule->bucket)
		err = STORE_NO_BUCKET;
	if (!err && options->may && !options->may(ask, options->context))
		err = STORE_ACCESS;
	return err;
}

static enum store_err
do_place(struct run *run, struct replication_step *step,
	const struct replication_rule *rule, bool is_marker)
{
	const struct replication_options *options = run->options;
	struct bucket to = {.ino = 0};
	struct replication_ask ask = {
		.replication = &run->rules->of,
		.from = &run->from,
		.to = &to,
		.key = step->item->key,
		.rule = rule,
		.number = step->item->number,
		.is_marker = is_marker,
		.is_update = step->place->task == REPLICATION_UPDATE,
	};
	enum store_err err = check_place(run, &ask, &to);

	if (!err)
		err = commit(run, step, replication_step_place);
	if (!err && !step->is_changed)
		return STORE_OK;
	if (!err)
		ask.is_update = step->task == REPLICATION_UPDATE;
	/* A bucket that is gone has no log, and who waits is not refused. */
	if (options->report && to.ino == rule->bucket && err != STORE_BUSY)
		options->report(&ask, err, options->context);
	return err;
}

static void
log_failure(const struct replication_item *item,
	const struct replication_rule *rule, enum store_err err)
{
	log_debug("replication: %.*s to %.*s: %s", (int)item->key.len,
		item->key.data, (int)rule->bucket_name.len,
		rule->bucket_name.data, error_sentence(err));
}

struct places {
	uint64_t failed[REPLICATION_PLACES_MAX];
	uint16_t failed_count;
	uint64_t ended[REPLICATION_PLACES_MAX];
	uint16_t ended_count;
	bool is_left;
};

static enum store_err
try_place(struct run *run, const struct replication_item *item,
	const struct replication_place *place, bool is_marker,
	struct places *places)
{
	struct replication_step step = {
		.item = item, .now_ns = run->now_ns, .place = place};
	const struct replication_rule *rule = rule_of(run, item, place->bucket);

	if (!rule) {
		places->ended[places->ended_count++] = place->bucket;
		return STORE_OK;
	}
	enum store_err err = do_place(run, &step, rule, is_marker);
	places->is_left = places->is_left || err != STORE_OK;
	if (!err || err == STORE_BUSY || is_fatal(err))
		return err == STORE_BUSY ? STORE_OK : err;
	log_failure(item, rule, err);
	places->failed[places->failed_count++] = place->bucket;
	return STORE_OK;
}

static enum store_err
note_failures(struct run *run, const struct replication_item *item,
	const struct places *places)
{
	struct replication_step ended = {
		.item = item,
		.failed = places->ended,
		.failed_count = places->ended_count,
		.is_ended = true,
	};
	struct replication_step failed = {
		.item = item,
		.now_ns = run->now_ns,
		.failed = places->failed,
		.failed_count = places->failed_count,
	};
	enum store_err err = STORE_OK;

	if (places->ended_count > 0)
		err = commit(run, &ended, replication_step_failed);
	if (!err && places->failed_count > 0)
		err = commit(run, &failed, replication_step_failed);
	if (places->is_left && failed.outcome != REPLICATION_STEP_FAILED)
		run->result->left++;
	return err;
}

/* The item gets the key that it has by now. */
static enum store_err
look_at_source(struct run *run, struct replication_item *item,
	struct arena *arena, bool *is_marker)
{
	scoped(buffer_free) struct buffer key = {0};
	scoped(db_abort) struct db_txn *txn = NULL;
	struct object source;
	enum store_err err = db_begin_read(run->store->db, &txn);

	if (!err)
		err = replication_step_source(txn, item, &key, &source);
	if (err)
		return err;
	*is_marker = source.is_marker;
	item->key = arena_copy(arena, buffer_slice(&key));
	return STORE_OK;
}

static void
fail_all(const struct replication_item *item, struct places *places)
{
	for (uint16_t i = 0; i < item->count; i++)
		places->failed[places->failed_count++] = item->places[i].bucket;
}

static enum store_err
do_item(struct run *run, struct replication_item *item, struct arena *arena,
	struct places *places)
{
	bool is_marker = false;
	enum store_err err = look_at_source(run, item, arena, &is_marker);

	if (err == STORE_NOT_FOUND) {
		struct replication_step step = {.item = item};

		return commit(run, &step, replication_step_drop);
	}
	places->failed_count = 0;
	places->ended_count = 0;
	places->is_left = err == STORE_CORRUPT;
	if (err == STORE_CORRUPT) {
		fail_all(item, places);
		return note_failures(run, item, places);
	}
	for (uint16_t i = 0; i < item->count && !err; i++)
		err = try_place(run, item, &item->places[i], is_marker, places);
	return err ? err : note_failures(run, item, places);
}

/* --- all of them ---------------------------------------------------------- */

static bool
is_due(const struct run *run, const struct replication_row *row)
{
	unsigned int doubled =
		row->tries < DOUBLED_MAX ? row->tries : DOUBLED_MAX;

	/* A clock that was set back makes nobody wait. */
	return row->tries == 0 || run->now_ns < row->tried_ns ||
	       run->now_ns - row->tried_ns >= (WAIT_NS << doubled);
}

static void
copy_item(struct arena *arena, const struct replication_row *row,
	struct replication_item *item)
{
	item->dir = row->dir;
	item->key = arena_copy(arena, row->key);
	item->count = row->count;
	item->places =
		arena_new_array(arena, row->count, struct replication_place);
	for (uint16_t i = 0; i < row->count; i++)
		item->places[i] = replication_row_place(row, i);
}

/* Behind that row; false: there can be none. */
static bool
go_behind(const struct replication_item *item, struct key *next)
{
	bool is_last = item->number == UINT64_MAX;

	if (is_last && item->bucket == UINT64_MAX)
		return false;
	*next = is_last ? key_u64_u64(item->bucket + 1, 0)
			: key_u64_u64(item->bucket, item->number + 1);
	return true;
}

/* From *next on, which goes behind them; NOT_FOUND: those were the last. */
static enum store_err
read_page(struct run *run, struct key *next, struct arena *arena,
	struct replication_item items[PAGE], size_t *count)
{
	scoped(db_abort) struct db_txn *txn = NULL;
	scoped(db_cursor_close) struct db_cursor cursor = {0};
	enum store_err err = db_begin_read(run->store->db, &txn);

	*count = 0;
	if (!err)
		err = db_cursor_open(txn, DB_REPLICATION, &cursor);
	if (!err)
		err = db_cursor_seek(&cursor, key_slice(next));
	while (!err && *count < PAGE) {
		struct replication_item *item = &items[*count];
		struct replication_row row;

		err = key_split_u64_u64(cursor.key, &item->bucket,
			&item->number);
		if (!err && !go_behind(item, next))
			err = STORE_NOT_FOUND;
		if (err)
			break;
		/* What is damaged is fsck's. */
		if (item->number &&
			!replication_row_decode(cursor.value, &row)) {
			bool is_now = is_due(run, &row);

			if (is_now)
				copy_item(arena, &row, item);
			*count += is_now;
			run->result->left += !is_now;
		}
		err = db_cursor_next(&cursor);
	}
	return err;
}

static enum store_err
read_rules(struct run *run, uint64_t bucket)
{
	scoped(db_abort) struct db_txn *txn = NULL;
	enum store_err err = db_begin_read(run->store->db, &txn);

	return err ? err
		   : replication_rules_take(run->store, txn, bucket,
			     &run->rules);
}

static enum store_err
take_rules(struct run *run, uint64_t bucket)
{
	enum store_err err;

	if (run->bucket == bucket)
		return STORE_OK;
	run->bucket = 0;
	replication_rules_drop(&run->rules);
	err = read_rules(run, bucket);
	if (!err)
		err = bucket_get_by_ino(run->store, bucket, &run->from);
	if (err)
		replication_rules_drop(&run->rules);
	/* Its rows go. */
	if (err == STORE_NOT_FOUND || err == STORE_NO_BUCKET)
		err = STORE_OK;
	/* What cannot be read says of none of its rows that they are done. */
	if (!err)
		run->bucket = bucket;
	return err;
}

static enum store_err
do_page(struct run *run, struct replication_item *items, size_t count,
	struct arena *arena, struct places *places)
{
	const struct replication_options *options = run->options;
	enum store_err err = STORE_OK;

	run->bucket = 0;
	run->commit = 0;
	for (size_t i = 0; i < count && !err; i++) {
		if (options->goes_on && !options->goes_on(options->context))
			break;
		err = take_rules(run, items[i].bucket);
		if (!err)
			err = do_item(run, &items[i], arena, places);
		if (!err || is_fatal(err))
			continue;
		/* What is damaged holds up nobody else; fsck sees to it. */
		log_debug("replication: %.*s: %s", (int)items[i].key.len,
			items[i].key.data, error_sentence(err));
		run->result->left++;
		err = STORE_OK;
	}
	/* Who sees a replica goes on seeing it. */
	if (!err && run->commit)
		err = durable_wait(run->store, run->commit);
	return err;
}

static enum store_err
run_all(struct run *run, struct places *places)
{
	const struct replication_options *options = run->options;
	struct key next = key_u64_u64(0, 0);
	bool is_last = false;
	enum store_err err = STORE_OK;

	while (!err && !is_last &&
		(!options->goes_on || options->goes_on(options->context))) {
		scoped(arena_free) struct arena arena = {0};
		struct replication_item items[PAGE];
		size_t count;

		err = read_page(run, &next, &arena, items, &count);
		is_last = err == STORE_NOT_FOUND;
		if (!err || is_last)
			err = do_page(run, items, count, &arena, places);
	}
	return err;
}

enum store_err
replication_run(struct store *store, const struct replication_options *options,
	struct replication_result *out)
{
	static const struct object_event_cause cause = {
		.is_replication = true,
		.principal = {"tarn", 4},
		.address = {"tarn", 4},
	};
	const struct object_event_cause *before = object_event_cause();
	struct run run = {
		.store = store,
		.options = options,
		.result = out,
		.now_ns = options->now_ns ? options->now_ns : clock_now_ns(),
	};
	int lock_fd;

	*out = (struct replication_result){0};
	if (store->is_read_only)
		return STORE_READ_ONLY;
	if (durable_has_failed(store))
		return STORE_IO;
	enum store_err err =
		store_lock(store, "run/replication.lock", &lock_fd);
	if (err)
		return err;
	struct places *places = calloc(1, sizeof(*places));
	object_event_set_cause(&cause);
	err = places ? run_all(&run, places) : STORE_NO_MEMORY;
	object_event_set_cause(before);
	replication_rules_drop(&run.rules);
	free(places);
	(void)close(lock_fd);
	return err;
}
