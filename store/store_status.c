/* SPDX-License-Identifier: Apache-2.0 */
#include "store/audit_private.h"
#include "store/durable_private.h"
#include "store/meta/key.h"
#include "store/meta/record.h"
#include "store/object_event_private.h"
#include "store/replication_private.h"
#include "store/scrub_private.h"
#include "store/shared_private.h"
#include "store/store_private.h"
#include "store/topic_private.h"

#define SESSIONS_MAX 64

static enum store_err
sum_usage(struct db_txn *txn, struct store_status *out)
{
	scoped(db_cursor_close) struct db_cursor cursor = {0};
	/* Behind the sums of organizations. */
	struct key start = key_u64(1);
	enum store_err err = db_cursor_open(txn, DB_USAGE, &cursor);

	if (!err)
		err = db_cursor_seek(&cursor, key_slice(&start));
	while (!err) {
		struct record_usage usage;
		uint64_t bucket;

		err = key_split_u64(cursor.key, &bucket);
		if (!err)
			err = record_usage_decode(cursor.value, &usage);
		if (err)
			return err;
		out->objects += usage.objects;
		out->bytes += usage.bytes;
		/* Behind its rows by day. */
		start = key_u64(bucket + 1);
		err = db_cursor_seek(&cursor, key_slice(&start));
	}
	return err == STORE_NOT_FOUND ? STORE_OK : err;
}

struct event_sum {
	struct db_txn *txn;
	struct store_status *out;
};

static enum store_err
add_events(uint64_t topic, void *context)
{
	struct event_sum *sum = context;
	struct object_event_counts counts;
	enum store_err err = object_event_counts_get(sum->txn, topic, &counts);

	sum->out->events_waiting += counts.waiting;
	sum->out->events_dropped += counts.dropped;
	return err == STORE_NOT_FOUND || err == STORE_CORRUPT ? STORE_OK : err;
}

static enum store_err
sum_events(struct db_txn *txn, struct store_status *out)
{
	struct event_sum sum = {txn, out};

	return topic_visit(txn, add_events, &sum);
}

static enum store_err
count_tables(struct store *store, struct store_status *out)
{
	scoped(db_abort) struct db_txn *txn = NULL;
	struct replication_counts replication = {0};
	struct scrub_state state = {0};
	enum store_err err = db_begin_read(store->db, &txn);

	if (err)
		return err;
	out->last_commit = db_txn_number(txn);
	err = db_count(txn, DB_BUCKET, &out->buckets);
	if (!err)
		err = db_count(txn, DB_FREED, &out->freed_blobs);
	if (!err)
		err = db_count(txn, DB_UNFLUSHED, &out->unflushed_blobs);
	if (!err)
		err = scrub_state_get(txn, &state);
	out->damaged_blobs = state.damaged;
	out->missing_blobs = state.missing;
	out->last_scrub_ns = state.last_ns;
	if (!err)
		err = audit_state_sum(txn, &out->unread_audit_files);
	if (!err)
		err = sum_events(txn, out);
	if (!err)
		err = replication_counts_sum(txn, &replication);
	out->replicas_waiting = replication.waiting;
	out->replicas_failed = replication.failed;
	return err ? err : sum_usage(txn, out);
}

/* Who opens for reading only shares no memory with the others. */
static bool
others_have_failed(struct store *store)
{
	struct store_path path = store_path(store, "run/shared");
	struct store_session sessions[SESSIONS_MAX];
	size_t count = 0;

	if (!store->is_read_only || !shared_says_failed(path.text) ||
		store_sessions(store, sessions, SESSIONS_MAX, &count))
		return false;
	for (size_t i = 0; i < count; i++) {
		if (sessions[i].is_alive)
			return true;
	}
	return false;
}

enum store_err
store_status(struct store *store, struct store_status *out)
{
	struct statvfs space;

	*out = (struct store_status){.has_failed = durable_has_failed(store)};
	/* What cannot be read any more stays 0. */
	if (db_has_failed(store->db))
		return STORE_OK;
	enum store_err err = count_tables(store, out);
	if (!err)
		err = durable_checkpoint(store, &out->last_checkpoint);
	if (!err)
		err = blob_space(store->blobs, &space);
	if (err)
		return err;
	out->has_failed = out->has_failed || others_have_failed(store);
	out->capacity_bytes = (uint64_t)space.f_blocks * space.f_frsize;
	out->free_bytes = (uint64_t)space.f_bavail * space.f_frsize;
	if (space.f_bfree > space.f_bavail)
		out->reserved_bytes =
			(uint64_t)(space.f_bfree - space.f_bavail) *
			space.f_frsize;
	out->inodes = space.f_files;
	out->free_inodes = space.f_favail;
	return STORE_OK;
}
