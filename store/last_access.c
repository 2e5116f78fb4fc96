/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inode numbers are dense, so a bit for each costs less than a list would, and
 * gives them out in the order of the tables: what neighbours share is written
 * once.
 */
#include "store/last_access_private.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "store/base/clock.h"
#include "store/base/log.h"
#include "store/base/mutex.h"
#include "store/base/ticker.h"
#include "store/commit_private.h"
#include "store/dentry_private.h"
#include "store/file_table_private.h"

#define BATCH 256    /* inodes that one change writes */
#define SLOTS_MIN 64 /* a power of two */
#define LOOK_MS 60000
#define FLUSH_MS 1800000 /* each time a page is written once for all in it */
#define WORDS (LAST_ACCESS_SPAN / 64)

struct span {
	uint64_t number; /* of its first inode, divided by their count */
	uint64_t bits[WORDS];
};

/* By number, at the first free slot from its hash on. */
struct span_table {
	struct span **slots;
	size_t room; /* a power of two, more than count */
	size_t count;
};

struct last_access {
	struct ticker *ticker; /* set once */
	int64_t flushed_ms;    /* the thread's */
	enum store_err said;   /* the same: told once, not each time */

	pthread_mutex_t lock;
	/* under lock */
	struct span_table noted;
	bool is_full;
};

/* --- the table ------------------------------------------------------------ */

static void
free_table(struct span_table *table)
{
	for (size_t i = 0; i < table->room; i++)
		free(table->slots[i]);
	free(table->slots);
	*table = (struct span_table){0};
}

static struct span **
slot_of(const struct span_table *table, uint64_t number)
{
	size_t i = number & (table->room - 1);

	while (table->slots[i] && table->slots[i]->number != number)
		i = (i + 1) & (table->room - 1);
	return &table->slots[i];
}

static bool
grow(struct span_table *table)
{
	struct span_table larger = {
		.room = table->room ? 2 * table->room : SLOTS_MIN,
		.count = table->count,
	};

	larger.slots = calloc(larger.room, sizeof(struct span *));
	if (!larger.slots)
		return false;
	for (size_t i = 0; i < table->room; i++) {
		struct span *span = table->slots[i];

		if (span)
			*slot_of(&larger, span->number) = span;
	}
	free(table->slots);
	*table = larger;
	return true;
}

/* False: there is no room for it. */
static bool
set_bit(struct span_table *table, uint64_t ino)
{
	uint64_t number = ino / LAST_ACCESS_SPAN;
	size_t bit = ino % LAST_ACCESS_SPAN;

	if (2 * table->count >= table->room && !grow(table))
		return false;
	struct span **slot = slot_of(table, number);
	if (!*slot) {
		if (table->count == LAST_ACCESS_SPANS_MAX)
			return false;
		*slot = calloc(1, sizeof(**slot));
		if (!*slot)
			return false;
		(*slot)->number = number;
		table->count++;
	}
	(*slot)->bits[bit / 64] |= 1ull << bit % 64;
	return true;
}

/* Also S3's "dir/" may have bytes. */
static bool
may_have_bytes(const struct inode *inode)
{
	return S_ISREG(inode->mode) || inode_is_dir(inode);
}

/* --- noting --------------------------------------------------------------- */

static void
note_number(struct last_access *access, uint64_t ino)
{
	mutex_scoped(&access->lock);
	if (!set_bit(&access->noted, ino))
		access->is_full = true;
}

void
last_access_note(struct store *store, const struct inode *inode)
{
	if (!store->last_access || !may_have_bytes(inode) ||
		inode_access_day(inode) == clock_day(clock_stamp_ns()))
		return;
	note_number(store->last_access, inode->ino);
}

/* --- writing down --------------------------------------------------------- */

struct batch {
	uint32_t day;
	uint64_t inos[BATCH];
	size_t count;
};

/* Gone, damaged (fsck's), or accessed that day already: nothing to do.  A later
 * day is that of a clock that was wrong. */
static enum store_err
read_other(struct db_txn *txn, uint64_t ino, uint32_t day, struct inode *out,
	bool *is_other)
{
	enum store_err err = dentry_inode(txn, ino, out);

	*is_other = !err && may_have_bytes(out) && inode_access_day(out) != day;
	return err == STORE_STALE || err == STORE_CORRUPT ? STORE_OK : err;
}

static enum store_err
apply_batch(struct store *store, struct db_txn *txn, void *arg)
{
	const struct batch *batch = arg;
	enum store_err err = STORE_OK;

	(void)store;
	for (size_t i = 0; i < batch->count && !err; i++) {
		struct inode was;
		bool is_other;

		err = read_other(txn, batch->inos[i], batch->day, &was,
			&is_other);
		if (err || !is_other)
			continue;
		struct inode now = was;
		now.access_day = batch->day;
		err = dentry_update_inode(txn, &was, &now);
	}
	return err;
}

/* Most may be of today by now: whoever opens a file again notes it again.
 * Found outside of a write transaction, which keeps others waiting. */
static enum store_err
drop_recent(struct store *store, struct batch *batch)
{
	scoped(db_abort) struct db_txn *txn = NULL;
	enum store_err err = db_begin_read(store->db, &txn);
	size_t count = 0;

	for (size_t i = 0; i < batch->count && !err; i++) {
		struct inode inode;
		bool is_other;

		err = read_other(txn, batch->inos[i], batch->day, &inode,
			&is_other);
		if (is_other)
			batch->inos[count++] = batch->inos[i];
	}
	batch->count = count;
	return err;
}

static enum store_err
write_batch(struct store *store, struct batch *batch)
{
	enum store_err err =
		batch->count > 0 ? drop_recent(store, batch) : STORE_OK;

	if (!err && batch->count > 0)
		err = commit_run(store, apply_batch, batch, NULL);
	batch->count = 0;
	return err;
}

static enum store_err
write_span(struct store *store, const struct span *span, struct batch *batch)
{
	enum store_err err = STORE_OK;

	for (size_t i = 0; i < WORDS; i++) {
		for (uint64_t left = span->bits[i]; left && !err;
			left &= left - 1) {
			uint64_t bit = (uint64_t)__builtin_ctzll(left);

			batch->inos[batch->count++] =
				span->number * LAST_ACCESS_SPAN + 64 * i + bit;
			if (batch->count == BATCH)
				err = write_batch(store, batch);
		}
	}
	return err;
}

static int
compare_spans(const void *a, const void *b)
{
	const struct span *const *one = a, *const *other = b;

	/* Free slots come last. */
	if (!*one || !*other)
		return !*one - !*other;
	return ((*one)->number > (*other)->number) -
	       ((*one)->number < (*other)->number);
}

static enum store_err
write_table(struct store *store, const struct span_table *table)
{
	struct batch batch = {.day = clock_day(clock_now_ns())};
	enum store_err err = STORE_OK;

	if (table->room > 0)
		qsort(table->slots, table->room, sizeof(*table->slots),
			compare_spans);
	for (size_t i = 0; i < table->count && !err; i++)
		err = write_span(store, table->slots[i], &batch);
	return err ? err : write_batch(store, &batch);
}

/* Who has a file open may read it at any time, and the kernel does not tell. */
static void
note_open(struct store *store)
{
	size_t count;
	uint64_t *inos = file_table_inodes(store, &count);

	for (size_t i = 0; i < count; i++)
		note_number(store->last_access, inos[i]);
	free(inos);
}

enum store_err
last_access_flush(struct store *store)
{
	struct last_access *access = store->last_access;
	struct span_table noted;

	if (!access)
		return STORE_READ_ONLY;
	note_open(store);
	mutex_lock(&access->lock);
	noted = access->noted;
	access->noted = (struct span_table){0};
	access->is_full = false;
	mutex_unlock(&access->lock);
	enum store_err err = write_table(store, &noted);
	free_table(&noted);
	return err;
}

/* --- the thread ----------------------------------------------------------- */

static bool
is_full(struct last_access *access)
{
	mutex_scoped(&access->lock);
	return access->is_full;
}

static void
flush_or_say(struct store *store)
{
	struct last_access *access = store->last_access;
	enum store_err err = last_access_flush(store);

	if (err && err != access->said)
		log_error("last accesses are not written down: %s",
			error_sentence(err));
	access->said = err;
}

static void
look(struct ticker *ticker, void *context)
{
	struct store *store = context;
	struct last_access *access = store->last_access;
	int64_t now_ms = clock_monotonic_ms();

	(void)ticker;
	if (now_ms - access->flushed_ms < FLUSH_MS && !is_full(access))
		return;
	flush_or_say(store);
	access->flushed_ms = now_ms;
}

enum store_err
last_access_thread_start(struct store *store)
{
	const struct ticker_options options = {
		.name = "tarn-access",
		.first_ms = LOOK_MS,
		.then_ms = LOOK_MS,
		.tick = look,
		.context = store,
	};

	if (!store->last_access)
		return STORE_OK;
	store->last_access->flushed_ms = clock_monotonic_ms();
	return ticker_start(&options, &store->last_access->ticker);
}

enum store_err
last_access_open(struct store *store)
{
	store->last_access = calloc(1, sizeof(*store->last_access));
	if (!store->last_access)
		return STORE_NO_MEMORY;
	mutex_init(&store->last_access->lock);
	return STORE_OK;
}

void
last_access_close(struct store *store)
{
	struct last_access *access = store->last_access;

	if (!access)
		return;
	ticker_stop(&access->ticker);
	flush_or_say(store);
	free_table(&access->noted);
	mutex_destroy(&access->lock);
	free(access);
	store->last_access = NULL;
}
