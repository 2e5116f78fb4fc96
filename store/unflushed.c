/* SPDX-License-Identifier: Apache-2.0 */
#include "store/unflushed_private.h"

#include <stdlib.h>

#include "store/base/codec.h"
#include "store/base/mutex.h"
#include "store/feed_private.h"
#include "store/meta/key.h"

/* Blobs that a checkpoint flushes at once, and remembers for cleaning. */
#define FLUSH_MAX 65536
#define CLEAN_MAX 512 /* records that one commit takes out */

/* Blob ids, with room for FLUSH_MAX. */
struct ids {
	uint64_t *items;
	size_t count;
};

struct unflushed {
	/* fixed after open */
	struct blobs *blobs;

	/* the checkpoint thread's */
	struct ids due;	  /* to be flushed now */
	struct ids named; /* of the snapshot: cleanable when it is durable */
	bool has_named;	  /* since the last checkpoint */

	pthread_mutex_t lock;
	/* under lock */
	struct ids cleanable;
};

static enum store_err
decode_number(struct slice value, uint64_t *number)
{
	struct decoder decoder = codec_decoder(value);

	*number = codec_decode_u64(&decoder);
	return decoder.is_bad ? STORE_CORRUPT : STORE_OK;
}

static enum store_err
ids_alloc(struct ids *ids)
{
	ids->items = malloc(FLUSH_MAX * sizeof(*ids->items));
	return ids->items ? STORE_OK : STORE_NO_MEMORY;
}

static enum store_err
flush_due(struct unflushed *unflushed)
{
	enum store_err err = blob_flush(unflushed->blobs, unflushed->due.items,
		unflushed->due.count);

	unflushed->due.count = 0;
	return err;
}

/* One record of DB_UNFLUSHED. */
static enum store_err
flush_record(struct unflushed *unflushed, const struct db_cursor *cursor,
	uint64_t covered)
{
	uint64_t blob;
	uint64_t number;
	enum store_err err = key_split_u64(cursor->key, &blob);

	if (!err)
		err = decode_number(cursor->value, &number);
	if (err)
		return err;
	if (unflushed->named.count < FLUSH_MAX)
		unflushed->named.items[unflushed->named.count++] = blob;
	if (number <= covered)
		return STORE_OK;
	unflushed->due.items[unflushed->due.count++] = blob;
	return unflushed->due.count < FLUSH_MAX ? STORE_OK
						: flush_due(unflushed);
}

enum store_err
unflushed_flush(struct store *store, struct db_txn *snapshot)
{
	struct unflushed *unflushed = store->unflushed;
	/* Before the snapshot's records are read: invariant 1. */
	uint64_t covered = feed_checkpoint(store);
	scoped(db_cursor_close) struct db_cursor cursor = {0};

	unflushed->has_named = true;
	unflushed->named.count = 0;
	unflushed->due.count = 0;
	enum store_err err = db_cursor_open(snapshot, DB_UNFLUSHED, &cursor);
	if (err)
		return err;
	for (err = db_cursor_seek(&cursor, SLICE_NULL); !err;
		err = db_cursor_next(&cursor)) {
		err = flush_record(unflushed, &cursor, covered);
		if (err)
			return err;
	}
	if (err == STORE_NOT_FOUND)
		err = flush_due(unflushed);
	/* One that came meanwhile: the flush that has just passed may have
	 * passed because the kernel had told somebody else. */
	return !err && feed_has_failed(store) ? STORE_IO : err;
}

void
unflushed_note_checkpoint(struct store *store)
{
	struct unflushed *unflushed = store->unflushed;

	if (!unflushed->has_named)
		return;
	unflushed->has_named = false;
	mutex_scoped(&unflushed->lock);
	struct ids cleanable = unflushed->cleanable;

	unflushed->cleanable = unflushed->named;
	unflushed->named = cleanable;
}

/* Invariant 1: unless the blob was put there again since. */
static enum store_err
clean_one(struct db_txn *txn, uint64_t blob, uint64_t covered)
{
	struct key key = key_u64(blob);
	struct slice value;
	uint64_t number;
	enum store_err err = db_get(txn, DB_UNFLUSHED, key_slice(&key), &value);

	if (err)
		return err == STORE_NOT_FOUND ? STORE_OK : err;
	err = decode_number(value, &number);
	if (err || number > covered)
		return err;
	return db_delete(txn, DB_UNFLUSHED, key_slice(&key));
}

enum store_err
unflushed_clean(struct store *store, struct db_txn *txn)
{
	struct unflushed *unflushed = store->unflushed;
	uint64_t covered = feed_checkpoint(store);
	uint64_t ids[CLEAN_MAX];
	size_t count = 0;
	enum store_err err = STORE_OK;

	/* Those of a commit that then fails are found by the next
	 * checkpoint again. */
	mutex_lock(&unflushed->lock);
	while (count < CLEAN_MAX && unflushed->cleanable.count > 0) {
		unflushed->cleanable.count--;
		ids[count++] =
			unflushed->cleanable.items[unflushed->cleanable.count];
	}
	mutex_unlock(&unflushed->lock);
	for (size_t i = 0; i < count && !err; i++)
		err = clean_one(txn, ids[i], covered);
	return err;
}

bool
unflushed_needs_cleaning(struct store *store)
{
	mutex_scoped(&store->unflushed->lock);

	return store->unflushed->cleanable.count > 0;
}

bool
unflushed_may_be_lost(struct store *store, struct db_txn *txn, uint64_t blob)
{
	struct key key = key_u64(blob);
	struct slice value;
	uint64_t number;

	return feed_has_failed(store) &&
	       !db_get(txn, DB_UNFLUSHED, key_slice(&key), &value) &&
	       !decode_number(value, &number) &&
	       number > feed_checkpoint(store);
}

enum store_err
unflushed_open(struct store *store)
{
	struct unflushed *unflushed = calloc(1, sizeof(*unflushed));

	if (!unflushed)
		return STORE_NO_MEMORY;
	unflushed->blobs = store->blobs;
	mutex_init(&unflushed->lock);
	store->unflushed = unflushed;
	enum store_err err = ids_alloc(&unflushed->due);
	if (!err)
		err = ids_alloc(&unflushed->named);
	return err ? err : ids_alloc(&unflushed->cleanable);
}

void
unflushed_close(struct store *store)
{
	struct unflushed *unflushed = store->unflushed;

	store->unflushed = NULL;
	if (!unflushed)
		return;
	free(unflushed->due.items);
	free(unflushed->named.items);
	free(unflushed->cleanable.items);
	mutex_destroy(&unflushed->lock);
	free(unflushed);
}
