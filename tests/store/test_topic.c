/* SPDX-License-Identifier: Apache-2.0 */
/* Topics, and what waits for them: topic.h, outbox.h. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "store/base/cipher.h"
#include "store/base/clock.h"
#include "store/base/codec.h"
#include "store/meta/key.h"
#include "store/object_event_private.h"
#include "tests/store/checks.h"
#include "tests/store/events.h"
#include "tests/store/raw.h"
#include "tests/support/other_process.h"

static enum store_err
create(struct store *store, const char *name, const char *url,
	const char *secret, uint64_t events_max)
{
	const struct topic_draft draft = {
		.organization = SLICE("default"),
		.name = slice_str(name),
		.url = slice_str(url),
		.secret = slice_str(secret),
		.events_max = events_max,
	};

	return topic_create(store, &draft);
}

static enum store_err delete (struct store *store, const char *name) {
	return topic_delete(store, SLICE("default"), slice_str(name));
}

/* --- topics --------------------------------------------------------------- */

Test(topic, is_told_as_it_was_made)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	scoped(arena_free) struct arena arena = {0};
	uint8_t secret[TOPIC_SECRET_MAX];
	size_t len = 0;

	cr_assert(zero(int, create(temp.store, "b", "https://example.com/x",
				    "0123456789abcdef", 5)));
	cr_assert(zero(int,
		create(temp.store, "a", "http://[::1]:1/?q=%20", "", 0)));
	struct topic a = events_topic(temp.store, "a", &arena);
	struct topic b = events_topic(temp.store, "b", &arena);

	cr_expect(slice_equal(a.url, SLICE("http://[::1]:1/?q=%20")));
	cr_expect(not(a.has_secret));
	cr_expect(eq(u64, a.events_max, TOPIC_EVENTS_DEFAULT));
	cr_expect(eq(u32, a.days_max, TOPIC_DAYS_DEFAULT));
	cr_expect(slice_equal(b.organization, SLICE("default")));
	cr_expect(eq(u64, b.events_max, 5));
	cr_expect(b.has_secret);
	cr_assert(zero(int, topic_secret(temp.store, &b, secret, &len)));
	cr_expect(slice_equal(slice_of(secret, len),
		SLICE("0123456789abcdef")));
	cr_assert(zero(int, topic_secret(temp.store, &a, secret, &len)));
	cr_expect(zero(sz, len));
	cr_expect(zero(int,
		topic_check(temp.store, SLICE("default"), SLICE("a"))));
	cr_expect(eq(int,
		topic_check(temp.store, SLICE("default"), SLICE("../x")),
		STORE_NO_TOPIC));
}

Test(topic, what_can_be_none_is_refused)
{
	static const char *const urls[] = {"", "ftp://h/", "http://",
		"https:///x", "http://:1/", "http://h/ x", "http://h/\n",
		"file:///etc/passwd", "HTTP://h/"};
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	const struct topic_draft nobodys = {
		.organization = SLICE("nobody"),
		.name = SLICE("a"),
		.url = SLICE("http://h/"),
	};

	for (size_t i = 0; i < array_len(urls); i++)
		cr_expect(eq(int, create(temp.store, "a", urls[i], "", 0),
				  STORE_INVALID),
			"%s", urls[i]);
	cr_expect(eq(int, create(temp.store, "a", "http://h/", "short", 0),
		STORE_INVALID));
	cr_expect(eq(int, create(temp.store, "a", "http://h/", "", UINT64_MAX),
		STORE_INVALID));
	cr_expect(eq(int, create(temp.store, "a/b", "http://h/", "", 0),
		STORE_BAD_NAME));
	cr_expect(eq(int, topic_create(temp.store, &nobodys),
		STORE_NO_ORGANIZATION));
	cr_assert(zero(int, create(temp.store, "a", "http://h/", "", 0)));
	cr_expect(eq(int, create(temp.store, "a", "http://h/", "", 0),
		STORE_TOPIC_EXISTS));
	cr_expect(eq(int, delete (temp.store, "b"), STORE_NO_TOPIC));
	cr_expect(zero(u64, objects_findings(temp.store)));
}

Test(topic, goes_with_what_waits_for_it)
{
	struct events it = events_begin(VERSIONING_NEVER);

	versions_put(&it.in, "a", "1");
	cr_assert(zero(int, delete (it.store, "hook")));
	cr_expect(zero(u64, objects_rows(it.store, DB_EVENT)));
	versions_put(&it.in, "b", "1");
	cr_expect(zero(u64, objects_rows(it.store, DB_EVENT)));

	/* The configuration names it still. */
	cr_assert(zero(int, create(it.store, "hook", "http://h/", "", 0)));
	versions_put(&it.in, "c", "1");
	cr_expect(events_are(&it, "ObjectCreated:Put=c(1)"));
	events_end(&it);
}

Test(topic, goes_with_its_organization)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	const struct topic_draft draft = {
		.organization = SLICE("acme"),
		.name = SLICE("a"),
		.url = SLICE("http://h/"),
	};

	cr_assert(zero(int, organization_create(temp.store, SLICE("acme"))));
	cr_assert(zero(int, topic_create(temp.store, &draft)));
	cr_assert(zero(int, organization_delete(temp.store, SLICE("acme"))));

	cr_expect(zero(u64, objects_rows(temp.store, DB_EVENT)));
	cr_expect(eq(int, topic_check(temp.store, SLICE("acme"), SLICE("a")),
		STORE_NO_TOPIC));
}

/* --- the outbox ----------------------------------------------------------- */

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

	cr_assert(zero(int, delete (it.store, "hook")));
	cr_assert(zero(int, create(it.store, "hook", "http://h/", "", 2)));
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

	cr_assert(zero(int, delete (it.store, "hook")));
	cr_assert(zero(int, create(it.store, "hook", "http://h/", "", 1)));
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

	cr_assert(zero(int, delete (it.store, "x")));
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

/* As many days are more nanoseconds than there are. */
Test(topic, with_limits_beyond_the_limits_is_damaged)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	scoped(buffer_free) struct buffer value = {0};

	codec_encode_u8(&value, 1);
	codec_encode_u64(&value, 4711);
	codec_encode_i64(&value, 0);
	codec_encode_u64(&value, 1);
	codec_encode_u32(&value, UINT32_MAX);
	codec_encode_sized16(&value, SLICE("http://h/"));
	codec_encode_sized16(&value, SLICE_NULL);
	raw_put(temp.store, DB_DOCUMENT,
		key_dentry(0, SLICE("topic/default/a")), buffer_slice(&value));

	cr_expect(eq(int, topic_check(temp.store, SLICE("default"), SLICE("a")),
		STORE_CORRUPT));
}

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
	raw_put(it.store, DB_EVENT, key_u64_u64(topic.id, INT64_MAX - 2),
		SLICE("x"));
	checks_expect_repair(it.store, CHECK_COUNTER);

	cr_expect(eq(u64, events_topic(it.store, "hook", &arena).waiting, 1));
	cr_assert(zero(int, outbox_open(it.store, &it.outbox)));
	cr_expect(events_are(&it, "ObjectCreated:Put=a(1)"));
	events_end(&it);
}
