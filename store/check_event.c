/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What waits for topics.  Rows of a topic that is gone are no finding: who
 * delivers sweeps them away.
 */
#include "store/check_private.h"
#include "store/notification_private.h"
#include "store/object_event_private.h"
#include "store/topic_private.h"

enum store_err
check_event_notification(struct check *check, struct slice key,
	struct slice value)
{
	uint64_t bucket;

	if (key_split_u64(key, &bucket)) {
		check_note_record(check, DB_NOTIFICATION, key, value,
			"the key of a bucket's notifications");
		return STORE_OK;
	}
	if (!notification_row_is_sound(value)) {
		check_note_row(check, DB_NOTIFICATION, key, value,
			"the notifications of bucket", bucket);
		return STORE_OK;
	}
	if (check_find(&check->buckets, bucket))
		return STORE_OK;
	struct check_job *job = check_note(check, CHECK_BUCKET, CHECK_FIX_ROW,
		"bucket %llu has notifications but is gone",
		(unsigned long long)bucket);
	job->table = DB_NOTIFICATION;
	job->name = arena_copy(&check->arena, key);
	return STORE_OK;
}

/* Rows come by topic. */
static struct check_topic *
topic_of_row(struct check *check, uint64_t id)
{
	struct check_topic *topics = check->topics.items;
	size_t count = check->topics.count;

	if (count > 0 && topics[count - 1].id == id)
		return &topics[count - 1];
	return check_add(&check->topics, id);
}

enum store_err
check_event_row(struct check *check, struct slice key, struct slice value)
{
	uint64_t id, number;
	struct object_event event;

	if (key_split_u64_u64(key, &id, &number)) {
		check_note_record(check, DB_EVENT, key, value,
			"the key of an event");
		return STORE_OK;
	}
	struct check_topic *topic = topic_of_row(check, id);
	check_counter_use(&check->last_number, id);
	check_counter_use(&check->last_number, number);
	if (number == 0)
		return STORE_OK; /* check_topic() */
	topic->waiting++;
	topic->bytes += value.len;
	if (object_event_row_decode(value, &event))
		check_note_row(check, DB_EVENT, key, value, "event", number);
	return STORE_OK;
}

static enum store_err
check_topic(uint64_t id, void *context)
{
	if (id == 0)
		return STORE_OK; /* the document is a finding */

	struct check *check = context;
	const struct check_topic *topic = check_find(&check->topics, id);
	struct object_event_counts counts = {0};
	uint64_t waiting = topic ? topic->waiting : 0;
	uint64_t bytes = topic ? topic->bytes : 0;
	enum store_err err = object_event_counts_get(check->txn, id, &counts);

	check_counter_use(&check->last_number, id);
	if (!err && counts.waiting == waiting &&
		(counts.lacks_bytes || counts.bytes == bytes))
		return STORE_OK;
	if (err && err != STORE_NOT_FOUND && err != STORE_CORRUPT)
		return err;
	struct check_job *job = check_note(check, CHECK_EVENT, CHECK_FIX_EVENTS,
		"topic %llu has %llu events of %llu bytes that wait, not %llu "
		"of %llu",
		(unsigned long long)id, (unsigned long long)waiting,
		(unsigned long long)bytes, (unsigned long long)counts.waiting,
		(unsigned long long)counts.bytes);
	job->a = id;
	return STORE_OK;
}

enum store_err
check_event_topics(struct check *check)
{
	return topic_visit(check->txn, check_topic, check);
}

enum store_err
check_event_repair(struct db_txn *txn, const struct check_job *job)
{
	struct object_event_counts was, now;
	enum store_err known = object_event_counts_get(txn, job->a, &was);

	now = was;
	enum store_err err = object_event_counts_anew(txn, job->a, &now);
	if (err)
		return err;
	if (!known && was.waiting == now.waiting && was.bytes == now.bytes)
		return STORE_NOT_FOUND;
	return object_event_counts_put(txn, job->a, &now);
}
