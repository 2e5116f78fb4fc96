/* SPDX-License-Identifier: Apache-2.0 */
#include "store/object_event.h"

#include "store/base/clock.h"
#include "store/base/fiber.h"
#include "store/base/log.h"
#include "store/commit_private.h"
#include "store/complaint_private.h"
#include "store/dentry_private.h"
#include "store/feed.h"
#include "store/meta/key.h"
#include "store/notification_private.h"
#include "store/object_event_private.h"
#include "store/object_key_private.h"
#include "store/replication_private.h"
#include "store/topic_private.h"

/* Rows that go for one: the longest takes the room of fewer. */
#define DROPS_MAX 100

/* What changes by no request. */
#define OWN SLICE("tarn")
#define MOUNT SLICE("mount")

void
object_event_set_cause(const struct object_event_cause *cause)
{
	fiber_set_note(cause);
}

const struct object_event_cause *
object_event_cause(void)
{
	return fiber_note();
}

/* --- a row ---------------------------------------------------------------- */

/* The oldest row of the topic goes. */
static enum store_err
drop_oldest(struct db_txn *txn, uint64_t topic,
	struct object_event_counts *counts)
{
	scoped(db_cursor_close) struct db_cursor cursor = {0};
	struct key key = key_u64_u64(topic, 1);
	uint64_t found, number;
	enum store_err err = db_cursor_open(txn, DB_EVENT, &cursor);

	if (!err)
		err = db_cursor_seek(&cursor, key_slice(&key));
	if (!err)
		err = key_split_u64_u64(cursor.key, &found, &number);
	if (err == STORE_NOT_FOUND || (!err && found != topic)) {
		counts->waiting = 0; /* it was wrong */
		counts->bytes = 0;
		return STORE_OK;
	}
	if (err)
		return err;
	key = key_u64_u64(topic, number);
	object_event_counts_take(counts, cursor.value.len);
	counts->dropped++;
	db_cursor_close(&cursor);
	return db_delete(txn, DB_EVENT, key_slice(&key));
}

/* Whether it has no room for that, too. */
static bool
is_full(const struct topic_row *topic, const struct object_event_counts *counts,
	size_t len)
{
	return counts->waiting > 0 &&
	       (counts->waiting >= topic->events_max ||
		       counts->bytes + len >
			       topic->events_max * TOPIC_EVENT_BYTES);
}

static enum store_err
add_row(struct db_txn *txn, const struct topic_row *topic, struct slice value)
{
	struct object_event_counts counts;
	uint64_t number;
	enum store_err err =
		object_event_counts_get_whole(txn, topic->id, &counts);

	/* Those that are damaged begin anew: fsck counts. */
	if (err && err != STORE_CORRUPT)
		return err == STORE_NOT_FOUND ? STORE_OK : err;
	err = STORE_OK;
	for (int i = 0; i < DROPS_MAX && !err; i++) {
		if (!is_full(topic, &counts, value.len))
			break;
		err = drop_oldest(txn, topic->id, &counts);
	}
	if (!err)
		err = commit_new_number(txn, &number);
	if (err)
		return err;
	struct key key = key_u64_u64(topic->id, number);
	counts.waiting++;
	counts.bytes += value.len;
	err = db_put(txn, DB_EVENT, key_slice(&key), value);
	return err ? err : object_event_counts_put(txn, topic->id, &counts);
}

/* Encoded first: what the event points to may be gone with the first change. */
static enum store_err
add_to_topic(struct db_txn *txn, struct slice topic,
	const struct object_event *event)
{
	scoped(buffer_free) struct buffer value = {0};
	struct topic_row row;
	enum store_err err =
		topic_row_get(txn, event->organization, topic, &row);

	if (err)
		return err == STORE_NOT_FOUND || err == STORE_CORRUPT ? STORE_OK
								      : err;
	object_event_row_encode(&value, event);
	return add_row(txn, &row, buffer_slice(&value));
}

/* --- what happened -------------------------------------------------------- */

static bool
is_of_tags(enum object_event_type type)
{
	return type == EVENT_TAGS_PUT || type == EVENT_TAGS_DELETED;
}

/* What a change is by its cause. */
static enum object_event_type
refine(enum object_event_type type, const struct object_event_cause *cause)
{
	if (!cause)
		return type;
	if (cause->is_lifecycle && type == EVENT_REMOVED)
		return EVENT_EXPIRED;
	if (cause->is_lifecycle && type == EVENT_REMOVED_MARKER)
		return EVENT_EXPIRED_MARKER;
	if ((object_event_is_creation(type) &&
		    object_event_is_creation(cause->type)) ||
		(is_of_tags(type) && is_of_tags(cause->type)))
		return cause->type;
	return type;
}

static void
describe_cause(struct object_event *event,
	const struct object_event_cause *cause)
{
	event->time_ns = clock_now_ns();
	event->principal = cause ? cause->principal : OWN;
	event->address = cause ? cause->address : feed_origin() ? MOUNT : OWN;
	event->request = cause ? cause->request : SLICE_NULL;
}

/* Of a bucket that has a row. */
static enum store_err
add_wanted(struct db_txn *txn, uint64_t bucket,
	const struct notification_row *row, struct slice key,
	enum object_event_type type, const struct inode *inode,
	const struct version *version)
{
	struct notification_rule rule;
	struct object_event event = {
		.type = refine(type, object_event_cause()),
		.bucket = bucket,
		.bucket_name = row->bucket_name,
		.organization = row->organization,
		.key = key,
	};

	if (object_key_validate(key) ||
		!notification_match(row, event.type, key, &rule))
		return STORE_OK;
	describe_cause(&event, object_event_cause());
	event.rule = rule.id;
	if (version)
		event.version = *version;
	if (inode) {
		event.size = inode->size;
		event.etag = inode->etag;
	}
	return add_to_topic(txn, rule.topic, &event);
}

/* NOT_FOUND: nobody is to be told, or it is not known who. */
static enum store_err
find_row(struct store *store, struct db_txn *txn, uint64_t bucket,
	struct notification_row *row)
{
	enum store_err err = notification_row_get(txn, bucket, row);

	if (err != STORE_CORRUPT)
		return err;
	if (complaint_is_new(store, COMPLAINT_NOTIFICATION, bucket))
		log_error(
			"bucket %llu: whom to tell of events does not decode: "
			"see tarn fsck",
			(unsigned long long)bucket);
	return STORE_NOT_FOUND;
}

enum store_err
object_event_add(struct store *store, struct db_txn *txn, uint64_t bucket,
	struct slice key, enum object_event_type type,
	const struct inode *inode, const struct version *version)
{
	struct notification_row row;
	enum store_err err = find_row(store, txn, bucket, &row);

	if (!err)
		err = add_wanted(txn, bucket, &row, key, type, inode, version);
	return err && err != STORE_NOT_FOUND
		       ? err
		       : replication_note(store, txn, bucket, key, type,
				 version);
}

enum store_err
object_event_add_name(struct store *store, struct db_txn *txn, uint64_t bucket,
	uint64_t parent, struct slice component, enum object_event_type type,
	const struct inode *inode, const struct version *version)
{
	scoped(buffer_free) struct buffer key = {0};
	bool is_told, is_replicated;
	enum store_err err = notification_is_there(txn, bucket, &is_told);

	if (!err)
		err = replication_note_is_wanted(txn, bucket, version,
			&is_replicated);
	if (err || (!is_told && !is_replicated))
		return err;
	err = dentry_spell(txn, parent, component, &key);
	return err ? err
		   : object_event_add(store, txn, bucket, buffer_slice(&key),
			     type, inode, version);
}

enum store_err
object_event_add_told(struct store *store, struct db_txn *txn,
	const struct inode *inode)
{
	struct record_dentry dentry;
	struct slice name;

	if (!dentry_is_visible(inode) ||
		!inode_attr_find(inode->attrs, INODE_ATTR_NAME, SLICE_NULL,
			&name))
		return STORE_OK;
	enum store_err err = dentry_find_told(txn, inode, &dentry);
	if (err)
		return err == STORE_NOT_FOUND ? STORE_OK : err;
	return object_event_add_name(store, txn, inode->bucket, inode->parent,
		name, EVENT_CREATED_PUT, inode, &dentry.version);
}

enum store_err
object_event_add_test(struct db_txn *txn, const struct bucket *bucket,
	struct slice topic)
{
	struct object_event event = {
		.type = EVENT_TEST,
		.bucket = bucket->ino,
		.bucket_name = slice_str(bucket->name),
		.organization = slice_str(bucket->owner),
	};

	describe_cause(&event, object_event_cause());
	return add_to_topic(txn, topic, &event);
}
