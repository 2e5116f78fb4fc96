/* SPDX-License-Identifier: Apache-2.0 */
/* What waits for topics: outbox.h. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "store/base/clock.h"
#include "store/base/codec.h"
#include "store/meta/key.h"
#include "store/object_event_private.h"
#include "tests/store/checks.h"
#include "tests/store/events.h"
#include "tests/store/raw.h"
#include "tests/support/other_process.h"

Test(outbox, is_one_processs)
{
	struct events it = events_begin(VERSIONING_NEVER);
	struct outbox *other = NULL;

	cr_expect(eq(int, outbox_open(it.store, &other), STORE_BUSY));
	outbox_close(&it.outbox);
	cr_expect(zero(int, outbox_open(it.store, &it.outbox)));
	events_end(&it);
}

Test(outbox, keeps_what_was_not_removed)
{
	struct events it = events_begin(VERSIONING_NEVER);
	scoped(arena_free) struct arena arena = {0};
	struct topic topic = events_topic(it.store, "hook", &arena);
	struct outbox_batch batch;

	versions_put(&it.in, "a", "1");
	versions_put(&it.in, "b", "1");
	versions_put(&it.in, "c", "1");
	cr_assert(zero(int,
		outbox_read(it.outbox, topic.id, 2, &arena, &batch)));
	cr_expect(eq(sz, batch.count, 2));
	cr_assert(zero(int,
		outbox_remove(it.outbox, topic.id, batch.events[0].number)));

	topic = events_topic(it.store, "hook", &arena);
	cr_expect(eq(u64, topic.waiting, 2));
	cr_expect(events_are(&it,
		"ObjectCreated:Put=b(1) ObjectCreated:Put=c(1)"));
	events_end(&it);
}

Test(outbox, drops_the_oldest_of_too_many)
{
	struct events it = events_begin(VERSIONING_NEVER);
	scoped(arena_free) struct arena arena = {0};

	cr_assert(zero(int, events_delete_topic(it.store, "hook")));
	cr_assert(zero(int,
		events_create_topic(it.store, "hook", "http://h/", "", 2)));
	versions_put(&it.in, "a", "1");
	versions_put(&it.in, "b", "1");
	versions_put(&it.in, "c", "1");
	versions_put(&it.in, "d", "1");

	cr_expect(eq(u64, events_topic(it.store, "hook", &arena).dropped, 2));
	cr_expect(zero(u64, objects_findings(it.store)));
	cr_expect(events_are(&it,
		"ObjectCreated:Put=c(1) ObjectCreated:Put=d(1)"));
	events_end(&it);
}

/* A key that makes an event of some 1,000 bytes. */
static const char *
long_key(char first, char to[900])
{
	memset(to, first, 899);
	to[899] = 0;
	return to;
}

Test(outbox, drops_the_oldest_of_too_many_bytes)
{
	struct events it = events_begin(VERSIONING_NEVER);
	scoped(arena_free) struct arena arena = {0};
	char key[900];

	cr_assert(zero(int, events_delete_topic(it.store, "hook")));
	cr_assert(zero(int,
		events_create_topic(it.store, "hook", "http://h/", "", 8)));
	for (char first = 'a'; first < 'h'; first++)
		versions_put(&it.in, long_key(first, key), "1");
	struct topic topic = events_topic(it.store, "hook", &arena);

	cr_expect(eq(u64, topic.dropped, 3), "four take 8 times 512");
	cr_expect(eq(u64, topic.waiting, 4));
	cr_expect(zero(u64, objects_findings(it.store)));
	for (char first = 'a'; first < 'i'; first++)
		versions_put(&it.in, (char[]){first, 0}, "1");
	topic = events_topic(it.store, "hook", &arena);
	cr_expect(eq(u64, topic.waiting, 8), "those are short");
	cr_expect(zero(u64, objects_findings(it.store)));
	events_end(&it);
}

Test(outbox, keeps_one_however_long)
{
	struct events it = events_begin(VERSIONING_NEVER);
	scoped(arena_free) struct arena arena = {0};
	char key[900];

	cr_assert(zero(int, events_delete_topic(it.store, "hook")));
	cr_assert(zero(int,
		events_create_topic(it.store, "hook", "http://h/", "", 1)));
	versions_put(&it.in, "a", "1");
	versions_put(&it.in, long_key('b', key), "1");
	struct topic topic = events_topic(it.store, "hook", &arena);

	cr_expect(eq(u64, topic.waiting, 1));
	cr_expect(eq(u64, topic.dropped, 1));
	events_end(&it);
}

/* As they were written before bytes were counted. */
static void
put_old_counts(struct events *it, uint64_t waiting)
{
	scoped(arena_free) struct arena arena = {0};
	scoped(buffer_free) struct buffer value = {0};
	struct topic topic = events_topic(it->store, "hook", &arena);

	codec_encode_u8(&value, 1);
	codec_encode_u64(&value, waiting);
	codec_encode_u64(&value, 7);
	raw_put(it->store, DB_EVENT, key_u64_u64(topic.id, 0),
		buffer_slice(&value));
	cr_expect(zero(u64, objects_findings(it->store)));
}

Test(outbox, counts_the_bytes_of_what_waited_before_they_were_counted)
{
	struct events it = events_begin(VERSIONING_NEVER);
	scoped(arena_free) struct arena arena = {0};
	struct outbox_batch batch;

	versions_put(&it.in, "a", "1");
	versions_put(&it.in, "b", "1");
	put_old_counts(&it, 2);
	versions_put(&it.in, "c", "1");
	cr_expect(zero(u64, objects_findings(it.store)), "one comes");

	put_old_counts(&it, 3);
	struct topic topic = events_topic(it.store, "hook", &arena);
	cr_assert(zero(int,
		outbox_read(it.outbox, topic.id, 1, &arena, &batch)));
	cr_assert(zero(int, outbox_remove(it.outbox, topic.id, batch.last)));
	cr_expect(zero(u64, objects_findings(it.store)), "one goes");
	topic = events_topic(it.store, "hook", &arena);
	cr_expect(eq(u64, topic.waiting, 2));
	cr_expect(eq(u64, topic.dropped, 7));
	events_end(&it);
}

Test(outbox, drops_what_waits_for_too_long)
{
	struct events it = events_begin(VERSIONING_NEVER);
	scoped(arena_free) struct arena arena = {0};
	struct topic topic = events_topic(it.store, "hook", &arena);
	int64_t limit_ns = TOPIC_DAYS_DEFAULT * CLOCK_NS_PER_DAY;
	struct store_status status;

	versions_put(&it.in, "a", "1");
	int64_t between_ns = clock_now_ns();
	versions_put(&it.in, "b", "1");
	cr_assert(zero(int, outbox_trim(it.outbox, &topic, between_ns)));
	cr_assert(zero(int, store_status(it.store, &status)));
	cr_expect(eq(u64, status.events_waiting, 2));
	cr_assert(zero(int,
		outbox_trim(it.outbox, &topic, between_ns + limit_ns)));

	cr_assert(zero(int, store_status(it.store, &status)));
	cr_expect(eq(u64, status.events_waiting, 1));
	cr_expect(eq(u64, status.events_dropped, 1));
	cr_expect(events_are(&it, "ObjectCreated:Put=b(1)"));
	events_end(&it);
}

Test(outbox, keeps_what_was_of_a_bucket_that_is_gone)
{
	struct events it = events_begin(VERSIONING_NEVER);

	versions_put(&it.in, "a", "1");
	cr_assert(zero(int,
		object_delete(it.store, it.bucket.ino, SLICE("a"), NULL)));
	cr_assert(zero(int, bucket_delete(it.store, SLICE("bucket"))));
	cr_expect(zero(u64, objects_rows(it.store, DB_NOTIFICATION)));
	cr_expect(zero(u64, objects_findings(it.store)));

	cr_expect(events_are(&it,
		"ObjectCreated:Put=a(1) ObjectRemoved:Delete=a"));
	cr_expect(eq(int,
		notification_put(it.store, &it.bucket, &it.notification, true),
		STORE_NO_BUCKET));
	events_end(&it);
}

/* What waits is bounded whoever it was of. */
Test(outbox, drops_the_oldest_of_buckets_that_are_gone)
{
	struct events it = events_begin(VERSIONING_NEVER);
	scoped(arena_free) struct arena arena = {0};

	cr_assert(zero(int, events_delete_topic(it.store, "hook")));
	cr_assert(zero(int,
		events_create_topic(it.store, "hook", "http://h/", "", 1)));
	versions_put(&it.in, "a", "1");
	cr_assert(zero(int,
		object_delete(it.store, it.bucket.ino, SLICE("a"), NULL)));
	cr_assert(zero(int, bucket_delete(it.store, SLICE("bucket"))));

	cr_expect(eq(u64, events_topic(it.store, "hook", &arena).dropped, 1));
	cr_expect(events_are(&it, "ObjectRemoved:Delete=a"));
	events_end(&it);
}

Test(outbox, tells_a_test_alone)
{
	struct events it = events_begin_unasked(VERSIONING_NEVER);
	scoped(arena_free) struct arena arena = {0};
	struct topic topic = events_topic(it.store, "hook", &arena);
	struct outbox_batch batch;

	it.notification.count = 2;
	it.notification.rules[1] = it.notification.rules[0];
	events_ask(&it);
	versions_put(&it.in, "a", "1");
	cr_assert(zero(int, notification_put(it.store, &it.bucket,
				    &it.notification, true)));
	versions_put(&it.in, "b", "1");

	for (int i = 0; i < 3; i++) {
		cr_assert(zero(int,
			outbox_read(it.outbox, topic.id, 9, &arena, &batch)));
		cr_expect(eq(sz, batch.count, 1), "%d", i);
		cr_expect(eq(int, batch.events[0].type == EVENT_TEST, i == 1));
		cr_assert(zero(int,
			outbox_remove(it.outbox, topic.id, batch.last)));
	}
	events_end(&it);
}

Test(outbox, sweeps_what_waits_for_nobody)
{
	struct events it = events_begin(VERSIONING_NEVER);

	versions_put(&it.in, "a", "1");
	raw_put(it.store, DB_EVENT, key_u64_u64(4711, 0), SLICE("x"));
	raw_put(it.store, DB_EVENT, key_u64_u64(4711, 5), SLICE("x"));
	raw_put(it.store, DB_EVENT, key_u64_u64(UINT64_MAX, 5), SLICE("x"));
	cr_assert(zero(int, outbox_sweep(it.outbox)));

	cr_expect(eq(u64, objects_rows(it.store, DB_EVENT), 2));
	cr_expect(events_are(&it, "ObjectCreated:Put=a(1)"));
	events_end(&it);
}

Test(outbox, sweeps_more_topics_than_it_looks_for_at_a_time)
{
	struct events it = events_begin(VERSIONING_NEVER);

	cr_assert(zero(int,
		events_create_topic(it.store, "other", "http://h/", "", 0)));
	versions_put(&it.in, "a", "1");
	for (uint64_t topic = 0; topic < 250; topic++)
		raw_put(it.store, DB_EVENT, key_u64_u64(1000 + topic, 5),
			SLICE("x"));
	cr_assert(zero(int, outbox_sweep(it.outbox)));

	cr_expect(eq(u64, objects_rows(it.store, DB_EVENT), 3));
	cr_expect(events_are(&it, "ObjectCreated:Put=a(1)"));
	events_end(&it);
}

/* Damaged, or a later tarn's. */
Test(outbox, keeps_what_waits_for_a_topic_that_does_not_decode)
{
	struct events it = events_begin(VERSIONING_NEVER);

	versions_put(&it.in, "a", "1");
	raw_put(it.store, DB_DOCUMENT, key_dentry(0, SLICE("topic/default/x")),
		SLICE("\2"));
	raw_put(it.store, DB_EVENT, key_u64_u64(4711, 5), SLICE("x"));
	cr_assert(zero(int, outbox_sweep(it.outbox)));
	cr_expect(eq(u64, objects_rows(it.store, DB_EVENT), 3));

	cr_assert(zero(int, events_delete_topic(it.store, "x")));
	cr_assert(zero(int, outbox_sweep(it.outbox)));
	cr_expect(eq(u64, objects_rows(it.store, DB_EVENT), 2));
	cr_expect(events_are(&it, "ObjectCreated:Put=a(1)"));
	events_end(&it);
}

/* What was acknowledged. */
static void
put_and_tell(struct store *store, struct other_process *self)
{
	struct bucket bucket;
	enum store_err err = bucket_get(store, SLICE("bucket"), &bucket);

	assert(!err);
	err = objects_put(store, bucket.ino, "a", "1");
	assert(!err);
	other_process_tell(self, 1);
	other_process_pause(self);
}

Test(outbox, outlives_a_process_that_is_killed)
{
	struct events it = events_begin(VERSIONING_NEVER);

	outbox_close(&it.outbox);
	store_close(&it.in.temp.store);
	struct other_process other =
		other_process_start(it.in.temp.path, put_and_tell);
	other_process_hear(&other);
	other_process_kill(&other);
	temp_store_reopen(&it.in.temp);
	it.store = it.in.store = it.in.temp.store;
	cr_assert(zero(int, outbox_open(it.store, &it.outbox)));

	cr_expect(events_are(&it, "ObjectCreated:Put=a(1)"));
	events_end(&it);
}

/* --- damage --------------------------------------------------------------- */

Test(outbox, a_row_that_is_damaged_is_passed_over)
{
	struct events it = events_begin(VERSIONING_NEVER);
	scoped(arena_free) struct arena arena = {0};
	struct topic topic = events_topic(it.store, "hook", &arena);

	raw_put(it.store, DB_EVENT, key_u64_u64(topic.id, 1), SLICE("x"));
	versions_put(&it.in, "a", "1");
	cr_expect(events_are(&it, "ObjectCreated:Put=a(1)"));
	events_end(&it);
}

Test(outbox, fsck_finds_rows_that_are_damaged)
{
	struct events it = events_begin(VERSIONING_NEVER);
	scoped(arena_free) struct arena arena = {0};
	struct topic topic = events_topic(it.store, "hook", &arena);

	outbox_close(&it.outbox);
	versions_put(&it.in, "a", "1");
	raw_put(it.store, DB_EVENT, key_u64_u64(topic.id, 1), SLICE("x"));
	checks_expect_repair(it.store, CHECK_RECORD);
	raw_put(it.store, DB_NOTIFICATION, key_u64(4711), SLICE("\1x"));
	checks_expect_repair(it.store, CHECK_RECORD);
	raw_put(it.store, DB_NOTIFICATION, key_u64(4711),
		SLICE("\1\0\0\0\0\0\0"));
	checks_expect_repair(it.store, CHECK_BUCKET);
	raw_delete(it.store, DB_EVENT, key_u64_u64(topic.id, 0));
	checks_expect_repair(it.store, CHECK_EVENT);
	raw_put(it.store, DB_EVENT, key_u64_u64(topic.id, 0), SLICE("x"));
	checks_expect_repair(it.store, CHECK_EVENT);
	raw_put(it.store, DB_EVENT, key_u64_u64(topic.id, 0),
		SLICE("\2\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
		      "\1\0\0\0\0\0\0\0"));
	checks_expect_repair(it.store, CHECK_EVENT);
	raw_put(it.store, DB_EVENT, key_u64_u64(topic.id, INT64_MAX - 2),
		SLICE("x"));
	checks_expect_repair(it.store, CHECK_COUNTER);

	cr_expect(eq(u64, events_topic(it.store, "hook", &arena).waiting, 1));
	cr_assert(zero(int, outbox_open(it.store, &it.outbox)));
	cr_expect(events_are(&it, "ObjectCreated:Put=a(1)"));
	events_end(&it);
}
