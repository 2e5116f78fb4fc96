/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A run goes through the inodes in the order of their numbers, some at a time:
 * what they name is looked at without a transaction, then marked in one.
 */
#include "store/scrub.h"

#include <stdlib.h>
#include <unistd.h>

#include "store/base/clock.h"
#include "store/base/log.h"
#include "store/base/ticker.h"
#include "store/blob_record_private.h"
#include "store/bucket.h"
#include "store/dentry_private.h"
#include "store/durable_private.h"
#include "store/meta/key.h"
#include "store/scrub_private.h"
#include "store/sealed.h"
#include "store/session_private.h"
#include "store/tree.h"

#define BATCH 64
/* A name is looked for among all: not for ever so many. */
#define NAMED_BATCHES 16
#define FIRST_AFTER_S 600

struct run {
	struct store *store;
	const struct scrub_options *options;
	struct scrub_pace pace;
	struct scrub_item items[BATCH];
	size_t count;
	uint64_t next; /* inode */
	/* Blobs with several references that were looked at, a bit each, by
	 * their number modulo the size: one that is taken for another is looked
	 * at by the next run. */
	uint8_t *seen;
	unsigned int named;
	struct scrub_result result;
};

#define SEEN_BITS (1u << 23)

const char *
scrub_verdict_name(enum scrub_verdict verdict)
{
	switch (verdict) {
	case SCRUB_DAMAGED:
		return "damaged";
	case SCRUB_UNREADABLE:
		return "unreadable";
	case SCRUB_MISSING:
		return "missing";
	case SCRUB_WELL_AGAIN:
		return "well again";
	}
	return "";
}

/* True for the first time that this shared blob comes by. */
static bool
is_first_time(struct run *run, uint64_t blob)
{
	uint64_t bit = blob * 0x9e3779b97f4a7c15u % SEEN_BITS;
	uint8_t mask = (uint8_t)(1u << bit % 8);
	bool is_first = !(run->seen[bit / 8] & mask);

	run->seen[bit / 8] |= mask;
	return is_first;
}

/* Takes the inode where there is something to look at. */
static enum store_err
choose(struct run *run, struct db_txn *txn, struct slice value)
{
	struct scrub_item *item = &run->items[run->count];
	bool is_open = false;

	*item = (struct scrub_item){.look = SCRUB_LOOK_PASSED};
	/* One that does not decode is fsck's. */
	if (record_inode_decode(value, &item->inode) || !item->inode.blob)
		return STORE_OK;
	item->file_len = sealed_file_len(&item->inode);
	item->inode.attrs = SLICE_NULL;
	enum store_err err =
		blob_record_get(txn, item->inode.blob, &item->record);
	if (err)
		return err == STORE_NOT_FOUND ? STORE_OK : err;
	if (item->record.references > 1 &&
		!is_first_time(run, item->inode.blob))
		return STORE_OK;
	err = session_has_open(txn, 0, item->inode.ino, true, &is_open);
	if (err)
		return err;
	if (is_open || (item->inode.flags & (INODE_DIRTY | INODE_UNPUBLISHED)))
		run->result.passed_over++;
	else
		run->count++;
	return STORE_OK;
}

static enum store_err
choose_batch(struct run *run)
{
	scoped(db_abort) struct db_txn *txn = NULL;
	scoped(db_cursor_close) struct db_cursor cursor = {0};
	struct key key = key_u64(run->next);
	enum store_err err = db_begin_read(run->store->db, &txn);

	run->count = 0;
	if (!err)
		err = db_cursor_open(txn, DB_INODE, &cursor);
	if (!err)
		err = db_cursor_seek(&cursor, key_slice(&key));
	while (!err && run->count < BATCH) {
		uint64_t ino;

		err = key_split_u64(cursor.key, &ino);
		if (err)
			return err;
		run->next = ino + 1;
		err = choose(run, txn, cursor.value);
		if (!err)
			err = db_cursor_next(&cursor);
	}
	return err;
}

/* --- names ----------------------------------------------------------------
 */

/* The item that a finding was made of, or NULL. */
static const struct scrub_item *
find_item(const struct run *run, uint64_t ino)
{
	for (size_t i = 0; i < run->count; i++) {
		const struct scrub_item *item = &run->items[i];

		if (item->has_verdict && item->inode.ino == ino)
			return item;
	}
	return NULL;
}

static void
report(struct run *run, const struct scrub_item *item, const char *name)
{
	const struct scrub_finding finding = {
		.verdict = item->verdict,
		.ino = item->inode.ino,
		.blob = item->inode.blob,
		.name = name,
	};

	if (item->verdict == SCRUB_WELL_AGAIN)
		log_info("scrub: data is right again: inode=%llu blob=%llu %s",
			(unsigned long long)finding.ino,
			(unsigned long long)finding.blob, name ? name : "");
	else
		log_error("scrub: data is %s: inode=%llu blob=%llu %s",
			scrub_verdict_name(item->verdict),
			(unsigned long long)finding.ino,
			(unsigned long long)finding.blob, name ? name : "");
	if (run->options->report)
		run->options->report(&finding, run->options->context);
}

/* BUCKET/KEY of a name in a directory; NULL where it is none by now. */
static const char *
name_of(struct run *run, uint64_t parent, struct slice component,
	struct arena *arena)
{
	struct bucket bucket;
	struct inode dir;
	struct slice path;

	if (tree_inode(run->store, parent, NULL, &dir) ||
		tree_path(run->store, parent, arena, &path) ||
		bucket_get_by_ino(run->store, dir.bucket, &bucket))
		return NULL;
	struct slice name = arena_concat(arena, slice_str(bucket.name),
		arena_concat(arena, SLICE("/"),
			arena_concat(arena, path, component)));
	return arena_str(arena, name);
}

/* Looks through all names for those of the findings; of a long one, and where
 * there are several, the first will do. */
static enum store_err
report_with_names(struct run *run)
{
	scoped(db_abort) struct db_txn *txn = NULL;
	scoped(db_cursor_close) struct db_cursor cursor = {0};
	scoped(arena_free) struct arena arena = {0};
	const char *names[BATCH] = {NULL};
	enum store_err err = db_begin_read(run->store->db, &txn);

	if (!err)
		err = db_cursor_open(txn, DB_DENTRY, &cursor);
	if (!err)
		err = db_cursor_seek(&cursor, SLICE_NULL);
	for (; !err; err = db_cursor_next(&cursor)) {
		struct record_dentry dentry;
		struct slice component;
		uint64_t parent;
		const struct scrub_item *item;

		if (record_dentry_decode(cursor.value, &dentry) ||
			key_split_dentry(cursor.key, &parent, &component))
			continue;
		item = find_item(run, dentry.ino);
		if (item && !names[item - run->items])
			names[item - run->items] =
				name_of(run, parent, component, &arena);
	}
	for (size_t i = 0; i < run->count; i++) {
		if (run->items[i].has_verdict)
			report(run, &run->items[i], names[i]);
	}
	return err == STORE_NOT_FOUND ? STORE_OK : err;
}

static enum store_err
report_all(struct run *run)
{
	bool has_any = false;

	for (size_t i = 0; i < run->count; i++)
		has_any = has_any || run->items[i].has_verdict;
	if (has_any && run->named++ < NAMED_BATCHES)
		return report_with_names(run);
	for (size_t i = 0; i < run->count; i++) {
		if (run->items[i].has_verdict)
			report(run, &run->items[i], NULL);
	}
	return STORE_OK;
}

/* --- a run ----------------------------------------------------------------
 */

static bool
is_sum_wrong(const struct scrub_item *item)
{
	return item->look == SCRUB_LOOK_SUM && item->record.has_crc64nvme &&
	       item->crc != item->record.crc64nvme;
}

/* False: it is over. */
static enum store_err
look(struct run *run, struct scrub_item *item, bool *goes_on)
{
	enum store_err err = scrub_read(run->store, &run->pace, item);

	/* Once more: it may have been the memory, or the way to it. */
	if (!err && is_sum_wrong(item))
		err = scrub_read(run->store, &run->pace, item);
	*goes_on = scrub_read_keep_pace(&run->pace, 0);
	return err;
}

static void
count(struct run *run)
{
	struct scrub_result *result = &run->result;

	for (size_t i = 0; i < run->count; i++) {
		const struct scrub_item *item = &run->items[i];

		if (item->is_stale || item->look == SCRUB_LOOK_PASSED) {
			result->passed_over++;
			continue;
		}
		result->blobs++;
		result->bytes += item->inode.size;
		result->computed += item->is_computed;
		if (!item->has_verdict)
			continue;
		result->damaged += item->verdict == SCRUB_DAMAGED ||
				   item->verdict == SCRUB_UNREADABLE;
		result->missing += item->verdict == SCRUB_MISSING;
		result->well_again += item->verdict == SCRUB_WELL_AGAIN;
	}
}

static enum store_err
run_batch(struct run *run, bool *goes_on)
{
	enum store_err err = STORE_OK;

	*goes_on = true;
	for (size_t i = 0; i < run->count && *goes_on && !err; i++)
		err = look(run, &run->items[i], goes_on);
	if (!err)
		err = scrub_mark(run->store, run->items, run->count);
	if (err)
		return err;
	count(run);
	return report_all(run);
}

static enum store_err
run_all(struct run *run)
{
	bool goes_on = true;
	enum store_err err = STORE_OK;

	while (goes_on && !err) {
		err = choose_batch(run);
		if (err && err != STORE_NOT_FOUND)
			return err;
		bool is_last = err == STORE_NOT_FOUND;
		err = run_batch(run, &goes_on);
		if (is_last && goes_on && !err) {
			run->result.is_whole = true;
			return scrub_state_note_end(run->store,
				run->result.missing);
		}
	}
	return err;
}

enum store_err
scrub_run(struct store *store, const struct scrub_options *options,
	struct scrub_result *out)
{
	int fd = -1;

	*out = (struct scrub_result){0};
	if (store->is_read_only)
		return STORE_READ_ONLY;
	struct run *run = calloc(1, sizeof(*run));
	uint8_t *seen = calloc(1, SEEN_BITS / 8);
	enum store_err err = run && seen
				     ? store_lock(store, "run/scrub.lock", &fd)
				     : STORE_NO_MEMORY;
	if (!err) {
		run->store = store;
		run->options = options;
		run->seen = seen;
		run->pace = (struct scrub_pace){
			.bytes_per_s = options->bytes_per_s,
			.start_ms = clock_monotonic_ms(),
			.goes_on = options->goes_on,
			.context = options->context,
		};
		err = run_all(run);
		*out = run->result;
		close(fd);
	}
	free(seen);
	free(run);
	return err;
}

/* --- by itself ------------------------------------------------------------
 */

struct scrub_thread {
	struct store *store;
	uint64_t bytes_per_s;
	struct ticker *ticker;
};

static bool
goes_on(void *context)
{
	struct scrub_thread *thread = context;

	return !ticker_is_stopping(thread->ticker) &&
	       !durable_has_failed(thread->store);
}

static void
run_once(struct ticker *ticker, void *context)
{
	struct scrub_thread *thread = context;
	const struct scrub_options options = {
		.bytes_per_s = thread->bytes_per_s,
		.goes_on = goes_on,
		.context = thread,
	};
	struct scrub_result result;

	(void)ticker;
	if (!goes_on(thread))
		return;
	enum store_err err = scrub_run(thread->store, &options, &result);

	if (err == STORE_BUSY)
		return; /* another process does it */
	if (err)
		log_error("scrub: %s", error_sentence(err));
	else if (result.is_whole)
		log_info("scrub: blobs=%llu bytes=%llu damaged=%llu "
			 "missing=%llu",
			(unsigned long long)result.blobs,
			(unsigned long long)result.bytes,
			(unsigned long long)result.damaged,
			(unsigned long long)result.missing);
}

enum store_err
scrub_start(struct store *store, uint64_t bytes_per_s, uint32_t period_s)
{
	struct scrub_thread *thread = calloc(1, sizeof(*thread));

	if (!thread)
		return STORE_NO_MEMORY;
	*thread = (struct scrub_thread){store, bytes_per_s, NULL};
	const struct ticker_options options = {
		.name = "tarn-scrub",
		.first_ms =
			1000ull *
			(period_s < FIRST_AFTER_S ? period_s : FIRST_AFTER_S),
		.then_ms = 1000ull * period_s,
		.tick = run_once,
		.context = thread,
	};
	enum store_err err = ticker_start(&options, &thread->ticker);

	if (err)
		free(thread);
	else
		store->scrubber = thread;
	return err;
}

void
scrub_close(struct store *store)
{
	if (store->scrubber)
		ticker_stop(&store->scrubber->ticker);
	free(store->scrubber);
	store->scrubber = NULL;
}
