/* SPDX-License-Identifier: Apache-2.0 */
/*
 * notification.h - which events of a bucket are told, and to which topics (S3
 * API: PutBucketNotificationConfiguration).
 *
 * Threads:   any.
 * Ownership: slices of what was read live in the arena it was given.
 */
#pragma once

#include "store/base/arena.h"
#include "store/bucket.h"

#define NOTIFICATION_RULES_MAX 100
#define NOTIFICATION_ID_MAX 1024     /* bytes */
#define NOTIFICATION_FILTER_MAX 1024 /* bytes of a prefix, of a suffix */

struct notification_rule {
	struct slice id;
	struct slice topic; /* of the organization that owns the bucket */
	uint32_t names;	    /* 1 << a number of object_event_name() */
	/* What the document had, to give it back. */
	bool has_filter;
	bool has_prefix;
	bool has_suffix;
	struct slice prefix;
	struct slice suffix;
};

struct notification {
	size_t count;
	struct notification_rule rules[NOTIFICATION_RULES_MAX];
};

/* The events that the rule asks for: a mask of 1 << enum object_event_type. */
uint32_t notification_rule_types(const struct notification_rule *rule);

/* Whether there may be an event that both ask for. */
bool notification_rules_overlap(const struct notification_rule *one,
	const struct notification_rule *other);

/*
 * Durable.  Without rules nothing is told.  with_test: each topic gets an
 * EVENT_TEST, whose request is that of the cause, if it is there.
 * NO_BUCKET: it is gone.
 */
must_check enum store_err notification_put(struct store *store,
	const struct bucket *bucket, const struct notification *notification,
	bool with_test);

/* Without rules where none were put.  CORRUPT. */
must_check enum store_err notification_read(struct store *store,
	uint64_t bucket, struct arena *arena, struct notification *out);
