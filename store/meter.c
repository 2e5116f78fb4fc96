/* SPDX-License-Identifier: Apache-2.0 */
#include "store/meter.h"

#include <assert.h>

#include "store/base/clock.h"
#include "store/commit_private.h"
#include "store/meta/key.h"
#include "store/meter_private.h"
#include "store/tier_private.h"
#include "store/usage_private.h"

#define NS_PER_HOUR (3600 * CLOCK_NS_PER_S)
#define HOURS_PER_DAY 24

/* Reading a row is this much less than sampling a bucket. */
#define ROWS_PER_LOOK 16

/* How far it has come. */
struct state {
	uint64_t hour;
	enum record_sampled_stage stage;
	struct store_document_kind from; /* or the name of a bucket */
};

static const struct store_document_kind sampled = {
	.text = METER_SAMPLED, .len = sizeof(METER_SAMPLED) - 1};

uint64_t
meter_hour(int64_t time_ns)
{
	return time_ns > 0 ? (uint64_t)(time_ns / NS_PER_HOUR) : 0;
}

static uint32_t
day_of(uint64_t hour)
{
	return (uint32_t)(hour / HOURS_PER_DAY);
}

static bool
copy_text(struct slice from, struct store_document_kind *to)
{
	if (from.len > METER_FROM_MAX)
		return false;
	memcpy(to->text, from.data, from.len);
	to->len = from.len;
	return true;
}

/* Hour 0 and all of it, where there is none. */
static enum store_err
read_state(struct db_txn *txn, struct state *state)
{
	struct record_sampled record;
	struct slice value;
	enum store_err err = store_document_get(txn, &sampled, &value);

	*state = (struct state){.stage = RECORD_SAMPLED_ALL};
	if (err)
		return err == STORE_NOT_FOUND ? STORE_OK : err;
	err = record_sampled_decode(value, &record);
	if (err)
		return err;
	state->hour = record.hour;
	state->stage = record.stage;
	return copy_text(record.from, &state->from) ? STORE_OK : STORE_CORRUPT;
}

static enum store_err
write_state(struct db_txn *txn, const struct state *state)
{
	scoped(buffer_free) struct buffer value = {0};
	const struct record_sampled record = {
		.hour = state->hour,
		.stage = state->stage,
		.from = store_document_kind_slice(&state->from),
	};

	record_sampled_encode(&value, &record);
	return store_document_put(txn, &sampled, buffer_slice(&value));
}

static bool
is_done(const struct state *state, uint64_t hour)
{
	return state->hour > hour ||
	       (state->hour == hour && state->stage == RECORD_SAMPLED_ALL);
}

static void
begin_stage(struct state *state, enum record_sampled_stage stage)
{
	state->stage = stage;
	state->from = (struct store_document_kind){.len = 0};
}

/* --- samples of a bucket -------------------------------------------------- */

static bool
is_same(const struct record_sample *a, const struct record_sample *b)
{
	return a->objects == b->objects && a->bytes == b->bytes &&
	       a->part_bytes == b->part_bytes && a->warm == b->warm &&
	       a->cold == b->cold && a->archived == b->archived;
}

static bool
is_zero(const struct record_sample *sample)
{
	return is_same(sample, &(struct record_sample){0});
}

/* Rule 1.  CORRUPT: it does not decode. */
static enum store_err
read_last(struct db_txn *txn, const struct meter_name *name,
	struct record_sample *last)
{
	struct store_document_kind group = meter_name_group(name);
	struct store_document_kind end = meter_name_group_end(name);
	struct store_document_kind kind;
	struct slice value;
	enum store_err err = store_document_find_before(txn,
		store_document_kind_slice(&group),
		store_document_kind_slice(&end), &kind, &value);

	*last = (struct record_sample){0};
	if (err)
		return err == STORE_NOT_FOUND ? STORE_OK : err;
	return record_sample_decode(value, last);
}

/* Nothing where it holds what it did. */
static enum store_err
write_sample(struct db_txn *txn, const struct meter_name *name,
	const struct record_sample *now)
{
	scoped(buffer_free) struct buffer value = {0};
	struct store_document_kind kind = meter_name_kind(name);
	struct record_sample last;
	enum store_err err = read_last(txn, name, &last);

	/* A damaged one is fsck's; sampling goes on. */
	if (err && err != STORE_CORRUPT)
		return err;
	if (!err && is_same(&last, now))
		return STORE_OK;
	record_sample_encode(&value, now);
	return store_document_put(txn, &kind, buffer_slice(&value));
}

/* --- the first stage: what there is --------------------------------------- */

/* *rows: how many it took to tell. */
static enum store_err
tell_bucket(struct db_txn *txn, uint64_t bucket, uint64_t hour,
	struct record_sample *now, size_t *rows)
{
	struct record_usage usage;
	struct tier_bytes tiers;
	enum store_err err = usage_counted(txn, bucket, &usage);

	if (!err)
		err = tier_counted(txn, bucket, &usage, day_of(hour), &tiers,
			rows);
	if (!err)
		*now = (struct record_sample){
			.objects = usage.objects,
			.bytes = usage.bytes,
			.part_bytes = usage.part_bytes,
			.warm = tiers.of[TIER_WARM],
			.cold = tiers.of[TIER_COLD],
			.archived = tiers.of[TIER_ARCHIVE],
		};
	return err;
}

static enum store_err
sample_bucket(struct db_txn *txn, uint64_t hour, struct slice bucket,
	struct slice value, size_t *rows)
{
	struct record_bucket record;
	struct record_sample now;
	struct meter_name name;
	enum store_err err = record_bucket_decode(value, &record);

	if (!err)
		err = tell_bucket(txn, record.root_ino, hour, &now, rows);
	/* One that is damaged is fsck's. */
	if (err)
		return err == STORE_CORRUPT ? STORE_OK : err;
	if (!meter_name_make(record.owner, bucket, hour, &name))
		return STORE_OK;
	return write_sample(txn, &name, &now);
}

static enum store_err
sample_buckets(struct db_txn *txn, struct state *state)
{
	scoped(db_cursor_close) struct db_cursor cursor = {0};
	enum store_err err = db_cursor_open(txn, DB_BUCKET, &cursor);

	if (!err)
		err = db_cursor_seek(&cursor,
			store_document_kind_slice(&state->from));
	for (size_t looks = 0; looks < METER_BATCH && !err; looks++) {
		struct store_document_kind name;
		size_t rows = 0;

		/* A sample that is written moves what the cursor points at.
		 * One that is damaged is fsck's. */
		if (cursor.key.len <= BUCKET_NAME_MAX &&
			copy_text(cursor.key, &name)) {
			err = sample_bucket(txn, state->hour,
				store_document_kind_slice(&name), cursor.value,
				&rows);
			looks += rows / ROWS_PER_LOOK;
			state->from = meter_name_after(&name);
		}
		if (!err)
			err = db_cursor_next(&cursor);
	}
	if (err != STORE_NOT_FOUND)
		return err;
	begin_stage(state, RECORD_SAMPLED_SAMPLES);
	return STORE_OK;
}

/* --- the second stage: what is gone, what is old -------------------------- */

static enum store_err
is_there(struct db_txn *txn, const struct meter_name *name, bool *is_there)
{
	struct key key = key_text(slice_str(name->bucket));
	struct record_bucket record;
	struct slice value;
	enum store_err err = db_get(txn, DB_BUCKET, key_slice(&key), &value);

	*is_there = !err;
	if (err)
		return err == STORE_NOT_FOUND ? STORE_OK : err;
	/* One that is damaged is there. */
	if (!record_bucket_decode(value, &record))
		*is_there = slice_equal(record.owner,
			slice_str(name->organization));
	return STORE_OK;
}

static enum store_err
end_if_gone(struct db_txn *txn, const struct meter_name *name)
{
	bool has_bucket;
	enum store_err err = is_there(txn, name, &has_bucket);

	if (err || has_bucket)
		return err;
	return write_sample(txn, name, &(struct record_sample){0});
}

/* The bucket's first sample from there on.  NOT_FOUND: also where the next one
 * has no proper name. */
static enum store_err
find_in_group(struct db_txn *txn, const struct store_document_kind *group,
	const struct store_document_kind *from,
	struct store_document_kind *kind, struct meter_name *name,
	struct slice *value)
{
	enum store_err err =
		store_document_find(txn, store_document_kind_slice(group),
			store_document_kind_slice(from), kind, value);

	if (err)
		return err;
	return meter_name_parse(store_document_kind_slice(kind), name)
		       ? STORE_OK
		       : STORE_NOT_FOUND;
}

/* The first sample of the bucket, where nothing is to be known of before
 * `kept` that would change without it.  NOT_FOUND: that is not so. */
static enum store_err
find_superfluous(struct db_txn *txn, const struct meter_name *bucket,
	uint64_t kept, struct store_document_kind *kind)
{
	struct store_document_kind group = meter_name_group(bucket);
	struct store_document_kind second;
	struct record_sample sample;
	struct meter_name name;
	struct slice value;
	enum store_err err =
		find_in_group(txn, &group, &group, kind, &name, &value);

	if (!err && name.hour >= kept)
		err = STORE_NOT_FOUND;
	if (err || (!record_sample_decode(value, &sample) && is_zero(&sample)))
		return err;

	struct store_document_kind after = meter_name_after(kind);

	err = find_in_group(txn, &group, &after, &second, &name, &value);
	return !err && name.hour > kept ? STORE_NOT_FOUND : err;
}

/* *left: how many more may be removed. */
static enum store_err
remove_old(struct db_txn *txn, const struct meter_name *bucket, uint64_t kept,
	size_t *left)
{
	struct store_document_kind kind;
	enum store_err err = find_superfluous(txn, bucket, kept, &kind);

	while (!err && *left > 0) {
		err = store_document_remove(txn, &kind);
		--*left;
		if (!err)
			err = find_superfluous(txn, bucket, kept, &kind);
	}
	return err == STORE_NOT_FOUND ? STORE_OK : err;
}

static uint64_t
kept_from(uint64_t hour)
{
	return hour > METER_KEPT_HOURS ? hour - METER_KEPT_HOURS : 0;
}

static enum store_err
tend_bucket(struct db_txn *txn, struct state *state, struct meter_name *name,
	size_t *left)
{
	enum store_err err =
		remove_old(txn, name, kept_from(state->hour), left);

	/* The step ends within it: the next one begins with it. */
	if (err || *left == 0) {
		state->from = meter_name_group(name);
		return err;
	}
	name->hour = state->hour;
	state->from = meter_name_group_end(name);
	--*left;
	return end_if_gone(txn, name);
}

static enum store_err
tend_samples(struct db_txn *txn, struct state *state)
{
	size_t left = METER_BATCH;
	enum store_err err = STORE_OK;

	while (!err && left > 0) {
		struct store_document_kind kind;
		struct meter_name name;
		struct slice value;

		err = store_document_find(txn, SLICE(METER_SAMPLES),
			state->from.len > 0
				? store_document_kind_slice(&state->from)
				: SLICE(METER_SAMPLES),
			&kind, &value);
		if (err)
			break;
		if (meter_name_parse(store_document_kind_slice(&kind), &name)) {
			err = tend_bucket(txn, state, &name, &left);
		} else {
			state->from = meter_name_after(&kind);
			left--;
		}
	}
	if (err != STORE_NOT_FOUND)
		return err;
	begin_stage(state, RECORD_SAMPLED_ALL);
	return STORE_OK;
}

/* --- steps ---------------------------------------------------------------- */

struct step {
	uint64_t hour;
	bool more;
};

static enum store_err
apply_step(struct store *store, struct db_txn *txn, void *arg)
{
	struct step *step = arg;
	struct state state;
	enum store_err err = read_state(txn, &state);

	(void)store;
	step->more = false;
	if (err || is_done(&state, step->hour))
		return err;
	if (state.hour < step->hour) {
		state.hour = step->hour;
		begin_stage(&state, RECORD_SAMPLED_BUCKETS);
	}
	err = state.stage == RECORD_SAMPLED_BUCKETS
		      ? sample_buckets(txn, &state)
		      : tend_samples(txn, &state);
	step->more = state.stage != RECORD_SAMPLED_ALL;
	return err ? err : write_state(txn, &state);
}

enum store_err
meter_step(struct store *store, uint64_t hour, bool *more)
{
	struct step step = {.hour = hour};
	enum store_err err = commit_run(store, apply_step, &step, NULL);

	*more = !err && step.more;
	return err;
}

static enum store_err
look(struct store *store, struct state *state)
{
	scoped(db_abort) struct db_txn *txn = NULL;
	enum store_err err = db_begin_read(store->db, &txn);

	return err ? err : read_state(txn, state);
}

enum store_err
meter_sample(struct store *store, uint64_t hour)
{
	struct state state;
	bool more = true;

	assert(hour > 0);
	if (store->is_read_only)
		return STORE_READ_ONLY;
	/* Mostly it is done, and looking takes no writer's lock. */
	enum store_err err = look(store, &state);
	if (err || is_done(&state, hour))
		return err;
	while (more && !err)
		err = meter_step(store, hour, &more);
	return err;
}

enum store_err
meter_kept_from(struct store *store, uint64_t *hour)
{
	struct state state;
	enum store_err err = look(store, &state);

	if (!err)
		*hour = kept_from(state.hour);
	return err;
}

bool
meter_document_is_sound(struct slice kind, struct slice value)
{
	struct record_sampled state;
	struct record_sample sample;
	struct meter_name name;

	if (slice_equal(kind, SLICE(METER_SAMPLED)))
		return !record_sampled_decode(value, &state) &&
		       state.from.len <= METER_FROM_MAX;
	return !slice_has_prefix(kind, SLICE(METER_SAMPLES)) ||
	       (meter_name_parse(kind, &name) &&
		       !record_sample_decode(value, &sample));
}
