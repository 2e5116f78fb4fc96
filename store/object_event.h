/* SPDX-License-Identifier: Apache-2.0 */
/*
 * object_event.h - what happens to objects, as S3 tells it of buckets that want
 * it told: notification.h says which, topic.h to whom.
 *
 * Threads:   a cause is that of the fiber, or of the plain thread, that sets
 *            it, and of the changes that this one commits from then on.
 * Ownership: a cause is borrowed until another is set.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "store/base/inode.h"
#include "store/base/slice.h"
#include "store/base/version.h"

/* Numbers are on the disk: never change one. */
enum object_event_type {
	EVENT_CREATED_PUT = 0,
	EVENT_CREATED_POST = 1,
	EVENT_CREATED_COPY = 2,
	EVENT_CREATED_UPLOAD = 3,
	EVENT_REMOVED = 4,
	EVENT_REMOVED_MARKER = 5,
	EVENT_EXPIRED = 6,
	EVENT_EXPIRED_MARKER = 7,
	EVENT_TAGS_PUT = 8,
	EVENT_TAGS_DELETED = 9,
	EVENT_ACL_PUT = 10,
	EVENT_TEST = 11, /* of no object: who is told is to see that he is */
	EVENT_TYPES
};

/* Why something changes, and for whom. */
struct object_event_cause {
	/* Of what comes to be, or is set, by it: EVENT_CREATED_COPY rather
	 * than _PUT. */
	enum object_event_type type;
	bool is_lifecycle;
	bool is_replication; /* it makes replicas, or makes them follow */
	struct slice principal;
	struct slice address;
	struct slice request; /* its id */
};

/* NULL: none, as everybody begins. */
void object_event_set_cause(const struct object_event_cause *cause);
const struct object_event_cause *object_event_cause(void);

/* What a bucket can ask for, by S3's names ("s3:ObjectCreated:*"): numbers
 * from 0 to EVENT_NAMES - 1, which are on the disk, too. */
#define EVENT_NAMES 15
const char *object_event_name(unsigned int name);
/* The events that are meant: a mask of 1 << enum object_event_type. */
uint32_t object_event_name_types(unsigned int name);
/* False: it is none of them. */
bool object_event_name_find(struct slice text, unsigned int *name);
/* "ObjectCreated:Put"; "TestEvent". */
const char *object_event_name_of(enum object_event_type type);

struct object_event {
	uint64_t number; /* grows */
	enum object_event_type type;
	int64_t time_ns;
	uint64_t bucket;
	struct slice bucket_name;
	struct slice organization; /* that owns the bucket */
	struct slice rule;	   /* the id of which asked for it */
	struct slice principal;
	struct slice address;
	struct slice request;
	struct slice key;
	struct version version;
	uint64_t size;
	struct inode_etag etag; /* where something came to be */
};

static inline bool
object_event_is_creation(enum object_event_type type)
{
	return type <= EVENT_CREATED_UPLOAD;
}

/* Whether there is an object afterwards, with a size and an ETag. */
static inline bool
object_event_has_object(enum object_event_type type)
{
	return object_event_is_creation(type) ||
	       (type >= EVENT_TAGS_PUT && type <= EVENT_ACL_PUT);
}
