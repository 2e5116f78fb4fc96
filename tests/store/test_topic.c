/* SPDX-License-Identifier: Apache-2.0 */
/* Whom events are told to: topic.h. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "store/base/codec.h"
#include "store/meta/key.h"
#include "tests/store/events.h"
#include "tests/store/raw.h"

Test(topic, is_told_as_it_was_made)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	scoped(arena_free) struct arena arena = {0};
	uint8_t secret[TOPIC_SECRET_MAX];
	size_t len = 0;

	cr_assert(zero(int,
		events_create_topic(temp.store, "b", "https://example.com/x",
			"0123456789abcdef", 5)));
	cr_assert(zero(int, events_create_topic(temp.store, "a",
				    "http://[::1]:1/?q=%20", "", 0)));
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
		cr_expect(eq(int,
				  events_create_topic(temp.store, "a", urls[i],
					  "", 0),
				  STORE_INVALID),
			"%s", urls[i]);
	cr_expect(eq(int,
		events_create_topic(temp.store, "a", "http://h/", "short", 0),
		STORE_INVALID));
	cr_expect(eq(int,
		events_create_topic(temp.store, "a", "http://h/", "",
			UINT64_MAX),
		STORE_INVALID));
	cr_expect(eq(int,
		events_create_topic(temp.store, "a/b", "http://h/", "", 0),
		STORE_BAD_NAME));
	cr_expect(eq(int, topic_create(temp.store, &nobodys),
		STORE_NO_ORGANIZATION));
	cr_assert(zero(int,
		events_create_topic(temp.store, "a", "http://h/", "", 0)));
	cr_expect(eq(int,
		events_create_topic(temp.store, "a", "http://h/", "", 0),
		STORE_TOPIC_EXISTS));
	cr_expect(eq(int, events_delete_topic(temp.store, "b"),
		STORE_NO_TOPIC));
	cr_expect(zero(u64, objects_findings(temp.store)));
}

Test(topic, goes_with_what_waits_for_it)
{
	struct events it = events_begin(VERSIONING_NEVER);

	versions_put(&it.in, "a", "1");
	cr_assert(zero(int, events_delete_topic(it.store, "hook")));
	cr_expect(zero(u64, objects_rows(it.store, DB_EVENT)));
	versions_put(&it.in, "b", "1");
	cr_expect(zero(u64, objects_rows(it.store, DB_EVENT)));

	/* The configuration names it still. */
	cr_assert(zero(int,
		events_create_topic(it.store, "hook", "http://h/", "", 0)));
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
