/* SPDX-License-Identifier: Apache-2.0 */
/* events.h - a bucket whose events wait for a topic, and what of them does. */
#pragma once

#include "store/notification.h"
#include "store/outbox.h"
#include "tests/store/files.h"
#include "tests/store/versions.h"

struct events {
	struct versions in; /* "bucket" */
	struct store *store;
	struct bucket bucket;
	struct outbox *outbox;
	struct notification notification;
};

static inline struct topic
events_topic(struct store *store, const char *name, struct arena *arena)
{
	struct topic *topics = NULL;
	size_t count = 0;

	cr_assert(zero(int,
		topic_list(store, SLICE_NULL, arena, &topics, &count)));
	for (size_t i = 0; i < count; i++)
		if (slice_equal(topics[i].name, slice_str(name)))
			return topics[i];
	return (struct topic){.id = 0};
}

/* Of the organization "default". */
static inline enum store_err
events_create_topic(struct store *store, const char *name, const char *url,
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

static inline enum store_err
events_delete_topic(struct store *store, const char *name)
{
	return topic_delete(store, SLICE("default"), slice_str(name));
}

/* Those of all kinds but ACLs, of all keys, for the topic "hook". */
static inline struct notification
events_all(void)
{
	struct notification all = {.count = 1};

	all.rules[0] = (struct notification_rule){
		.id = SLICE("all"),
		.topic = SLICE("hook"),
		.names = (1u << EVENT_NAMES) - 1,
	};
	return all;
}

static inline void
events_ask(struct events *it)
{
	cr_assert(zero(int, notification_put(it->store, &it->bucket,
				    &it->notification, false)));
}

/* The topic is there, and nobody has asked for anything. */
static inline struct events
events_begin_unasked(enum versioning versioning)
{
	struct events it = {.in = versions_begin(versioning)};
	const struct topic_draft draft = {
		.organization = SLICE("default"),
		.name = SLICE("hook"),
		.url = SLICE("http://127.0.0.1:1/"),
	};

	it.store = it.in.store;
	cr_assert(zero(int, bucket_get(it.store, SLICE("bucket"), &it.bucket)));
	cr_assert(zero(int, topic_create(it.store, &draft)));
	cr_assert(zero(int, outbox_open(it.store, &it.outbox)));
	it.notification = events_all();
	return it;
}

static inline struct events
events_begin(enum versioning versioning)
{
	struct events it = events_begin_unasked(versioning);

	events_ask(&it);
	return it;
}

static inline void
events_end(struct events *it)
{
	outbox_close(&it->outbox);
	versions_end(&it->in);
}

static inline void
events_append(struct buffer *to, const struct object_event *event)
{
	if (to->len > 0)
		buffer_append_char(to, ' ');
	buffer_append_str(to, object_event_name_of(event->type));
	buffer_append_char(to, '=');
	buffer_append(to, event->key);
	if (object_event_has_object(event->type))
		buffer_printf(to, "(%llu)", (unsigned long long)event->size);
	if (event->version.number)
		buffer_append_char(to, event->version.is_null ? '0' : 'v');
}

/* All that wait are "TYPE=KEY(SIZE)", with a 'v' behind where there is a
 * version, a '0' where it is null; then they are delivered. */
static inline bool
events_are(struct events *it, const char *expected)
{
	scoped(arena_free) struct arena arena = {0};
	scoped(buffer_free) struct buffer all = {0};
	struct topic topic = events_topic(it->store, "hook", &arena);
	struct outbox_batch batch;
	uint64_t before = 0;

	do {
		cr_assert(zero(int,
			outbox_read(it->outbox, topic.id, 3, &arena, &batch)));
		for (size_t i = 0; i < batch.count; i++) {
			cr_expect(gt(u64, batch.events[i].number, before));
			before = batch.events[i].number;
			events_append(&all, &batch.events[i]);
		}
		cr_assert(zero(int,
			outbox_remove(it->outbox, topic.id, batch.last)));
	} while (batch.last);
	topic = events_topic(it->store, "hook", &arena);
	cr_expect(eq(u64, topic.waiting, 0));
	if (slice_equal(buffer_slice(&all), slice_str(expected)))
		return true;
	fprintf(stderr, "\"%.*s\"\n", (int)all.len, (char *)all.data);
	return false;
}
