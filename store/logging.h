/* SPDX-License-Identifier: Apache-2.0 */
/*
 * logging.h - where lines about what is asked of a bucket go (S3 API:
 * PutBucketLogging).  access_log.h delivers them.
 *
 * The bucket's document LOGGING_KIND.  Encoded: u8 version 1, u8 enum
 * logging_format, s16 target bucket, s16 prefix, s32 the list that each object
 * gets, as the attribute of kind ACL has it, or nothing.
 *
 * Ownership: slices of what was decoded point into what it was decoded from.
 */
#pragma once

#include "store/base/arena.h"
#include "store/base/buffer.h"
#include "store/store.h"

#define LOGGING_KIND "logging"

/* How the keys of the target look. */
enum logging_format {
	LOGGING_PLAIN = 0, /* as LOGGING_SIMPLE, and was not asked for */
	LOGGING_SIMPLE,
	LOGGING_BY_EVENT, /* below days, of what the lines are about */
	LOGGING_BY_DELIVERY,
	LOGGING_FORMATS
};

struct logging {
	enum logging_format format;
	struct slice target; /* a bucket's name */
	struct slice prefix;
	struct slice list;
};

void logging_encode(struct buffer *to, const struct logging *logging);
/* False: the bytes are none. */
must_check bool logging_decode(struct slice bytes, struct logging *out);

/* NOT_FOUND: the bucket has none; CORRUPT. */
must_check enum store_err logging_read(struct store *store, uint64_t bucket,
	struct arena *arena, struct logging *out);
