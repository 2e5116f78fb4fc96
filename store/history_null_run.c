/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether the rows of DB_NULL are complete, and who makes them so: first what
 * leads nowhere goes, then each bucket's history is gone through, by steps,
 * while others change it and keep the rows themselves.
 */
#include <string.h>

#include "store/base/codec.h"
#include "store/base/log.h"
#include "store/counter_private.h"
#include "store/history_null_private.h"
#include "store/meta/key.h"
#include "store/walk_private.h"

#define STATE "null-versions"

/* The row STATE: from the session `first` on, up to `next`, all have known the
 * rows. */
struct state {
	uint64_t first;
	uint64_t next;
	bool is_complete;
};

/* One that does not decode says no more than none. */
static enum store_err
state_get(struct db_txn *txn, struct state *state)
{
	struct slice value;

	*state = (struct state){.first = 0};
	enum store_err err = db_get(txn, DB_META, SLICE(STATE), &value);
	if (err)
		return err == STORE_NOT_FOUND ? STORE_OK : err;
	struct decoder decoder = codec_decoder(value);
	struct state found = {
		.first = codec_decode_u64(&decoder),
	};
	found.next = codec_decode_u64(&decoder);
	found.is_complete = codec_decode_u8(&decoder) == 1;
	if (!decoder.is_bad && !codec_decode_left(&decoder))
		*state = found;
	return STORE_OK;
}

static enum store_err
state_put(struct db_txn *txn, const struct state *state)
{
	scoped(buffer_free) struct buffer value = {0};

	codec_encode_u64(&value, state->first);
	codec_encode_u64(&value, state->next);
	codec_encode_u8(&value, state->is_complete);
	return db_put(txn, DB_META, SLICE(STATE), buffer_slice(&value));
}

enum store_err
history_null_run_begin_session(struct db_txn *txn, uint64_t session)
{
	struct state state;

	enum store_err err = state_get(txn, &state);
	if (state.next != session)
		state = (struct state){.first = session};
	state.next = session + 1;
	return err ? err : state_put(txn, &state);
}

/* *is_unbroken: the last session that began is of the run. */
static enum store_err
look(struct db_txn *txn, struct state *state, bool *is_unbroken)
{
	uint64_t next;

	*is_unbroken = false;
	enum store_err err = state_get(txn, state);
	if (!err)
		err = counter_peek(txn, COUNTER_SESSION, &next);
	if (!err)
		*is_unbroken = state->next == next;
	return err;
}

enum store_err
history_null_run_is_complete(struct db_txn *txn, bool *out)
{
	struct state state;

	enum store_err err = look(txn, &state, out);
	*out = !err && *out && state.is_complete;
	return err;
}

/* --- making them so ------------------------------------------------------- */

/* One step, and where it begins. */
struct step {
	uint64_t first; /* of the run */
	struct key row; /* of DB_NULL */
	uint64_t bucket;
	struct buffer path; /* below the bucket's history */

	/* results */
	bool is_off; /* another run has begun */
	bool is_last;
	struct key next_row;
	uint64_t next_bucket;
	struct buffer next_path;
};

static enum store_err
expect_run(struct db_txn *txn, struct step *step)
{
	struct state state;
	bool is_unbroken;

	enum store_err err = look(txn, &state, &is_unbroken);
	step->is_off = !is_unbroken || state.first != step->first;
	step->is_last = step->is_off;
	return err;
}

static void
copy_key(struct key *to, struct slice key)
{
	to->len = key.len;
	memcpy(to->bytes, key.data, key.len);
}

/* Rows of before the run that an older tarn has made wrong. */
static enum store_err
apply_sweep(struct store *store, struct db_txn *txn, void *arg)
{
	scoped(db_cursor_close) struct db_cursor cursor = {0};
	struct step *step = arg;
	bool is_right;

	(void)store;
	enum store_err err = expect_run(txn, step);
	if (err || step->is_off)
		return err;
	step->next_row = step->row;
	err = db_cursor_open(txn, DB_NULL, &cursor);
	for (int i = 0; i < HISTORY_NULL_RUN_BATCH && !err; i++) {
		err = db_cursor_seek(&cursor, key_slice(&step->next_row));
		if (err)
			break;
		copy_key(&step->next_row, cursor.key);
		err = history_null_row_is_right(txn, cursor.key, cursor.value,
			&is_right);
		/* No name is so long, and there is no key right above it. */
		bool is_longest = step->next_row.len == DB_KEY_MAX;

		if (!err && (!is_right || is_longest))
			err = db_delete(txn, DB_NULL,
				key_slice(&step->next_row));
		if (!is_longest)
			step->next_row.bytes[step->next_row.len++] = 0;
	}
	step->is_last = err == STORE_NOT_FOUND;
	return step->is_last ? STORE_OK : err;
}

static enum store_err
note_null(struct db_txn *txn, uint64_t root, struct slice path, uint64_t number)
{
	scoped(history_row_free) struct history_row row = {0};
	struct slice component;
	uint64_t dir;

	enum store_err err = dentry_locate(txn, root, path, &dir, &component);
	if (!err && component.len <= HISTORY_NULL_DIGITS)
		err = STORE_CORRUPT;
	if (err)
		return err;
	/* Of two, which should not be, the newer one counts. */
	err = history_null_find(txn, dir,
		slice_first(component, component.len - HISTORY_NULL_DIGITS),
		&row);
	return err == STORE_NOT_FOUND || err == STORE_STALE
		       ? history_null_put(txn, dir, component, number)
		       : err;
}

/* NOT_FOUND: that was the end. */
static enum store_err
gather_history(struct db_txn *txn, uint64_t root, struct step *step)
{
	scoped(walk_close) struct walk *walk = NULL;
	struct record_dentry dentry;
	struct slice path;

	enum store_err err = walk_open(txn, root, buffer_slice(&step->path),
		step->path.len > 0, &walk);
	for (int i = 0; i < HISTORY_NULL_RUN_BATCH && !err; i++) {
		err = walk_next(walk, &path, &dentry);
		if (err)
			break;
		buffer_clear(&step->next_path);
		buffer_append(&step->next_path, path);
		if (dentry.kind == RECORD_DENTRY_DIR)
			err = walk_enter(walk, dentry.ino);
		else if (version_is_null(&dentry.version))
			err = note_null(txn, root,
				buffer_slice(&step->next_path),
				dentry.version.number);
	}
	return err;
}

static enum store_err
apply_gather(struct store *store, struct db_txn *txn, void *arg)
{
	scoped(db_cursor_close) struct db_cursor cursor = {0};
	struct step *step = arg;
	struct key from = key_u64(step->bucket);
	struct record_versions of;

	(void)store;
	enum store_err err = expect_run(txn, step);
	if (err || step->is_off)
		return err;
	buffer_clear(&step->next_path);
	err = db_cursor_open(txn, DB_VERSION, &cursor);
	if (!err)
		err = db_cursor_seek(&cursor, key_slice(&from));
	if (err) {
		step->is_last = err == STORE_NOT_FOUND;
		return step->is_last ? STORE_OK : err;
	}
	err = key_split_u64(cursor.key, &step->next_bucket);
	if (!err)
		err = record_versions_decode(cursor.value, &of);
	/* It went meanwhile, and this is the next one. */
	if (step->next_bucket != step->bucket)
		buffer_clear(&step->path);
	if (!err)
		err = gather_history(txn, of.history, step);
	if (err != STORE_NOT_FOUND)
		return err;
	buffer_clear(&step->next_path);
	step->next_bucket++;
	return STORE_OK;
}

static enum store_err
apply_end(struct store *store, struct db_txn *txn, void *arg)
{
	struct step *step = arg;
	struct state state;

	(void)store;
	enum store_err err = expect_run(txn, step);
	if (!err)
		err = state_get(txn, &state);
	if (err || step->is_off)
		return err;
	state.is_complete = true;
	return state_put(txn, &state);
}

static enum store_err
take_steps(struct store *store, struct step *step,
	enum store_err (*apply)(struct store *store, struct db_txn *txn,
		void *arg))
{
	enum store_err err;

	do {
		err = commit_run(store, apply, step, NULL);
		step->row = step->next_row;
		step->bucket = step->next_bucket;
		buffer_clear(&step->path);
		buffer_append(&step->path, buffer_slice(&step->next_path));
	} while (!err && !step->is_last);
	return err;
}

/* Whether they can be made complete now; *first: of the run. */
static enum store_err
is_due(struct store *store, bool *out, uint64_t *first)
{
	scoped(db_cursor_close) struct db_cursor cursor = {0};
	scoped(db_abort) struct db_txn *txn = NULL;
	struct key from = key_u64(0);
	uint64_t oldest = 0;
	struct state state;

	*out = false;
	enum store_err err = db_begin_read(store->db, &txn);
	if (!err)
		err = look(txn, &state, out);
	if (err || state.is_complete || !*out) {
		*out = false;
		return err;
	}
	*first = state.first;
	err = db_cursor_open(txn, DB_SESSION, &cursor);
	if (!err)
		err = db_cursor_seek(&cursor, key_slice(&from));
	*out = !err && !key_split_u64(cursor.key, &oldest) &&
	       oldest >= state.first;
	return err == STORE_NOT_FOUND ? STORE_OK : err;
}

static enum store_err
complete(struct store *store, uint64_t first)
{
	struct step step = {.first = first, .row = key_u64(0)};

	enum store_err err = take_steps(store, &step, apply_sweep);
	if (!err && !step.is_off)
		err = take_steps(store, &step, apply_gather);
	if (!err && !step.is_off)
		err = commit_run(store, apply_end, &step, NULL);
	buffer_free(&step.path);
	buffer_free(&step.next_path);
	return err;
}

enum store_err
history_null_run_complete(struct store *store)
{
	uint64_t first;
	bool due;

	enum store_err err = is_due(store, &due, &first);
	if (err || !due)
		return err;
	err = complete(store, first);
	/* What is wrong there is for fsck to find; without the rows all goes
	 * on, if slower. */
	if (err != STORE_CORRUPT && err != STORE_STALE &&
		err != STORE_BAD_NAME && err != STORE_KEY_TOO_LONG)
		return err;
	log_warn("older versions could not be gone through: run tarn fsck");
	return STORE_OK;
}
