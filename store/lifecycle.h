/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lifecycle.h - rules of a bucket by which objects are deleted when they are
 * old enough, and uploads that nobody completed are aborted.
 *
 * S3 API: PutBucketLifecycleConfiguration.  An object's age counts from its
 * Last-Modified, or from when its file was made, which is later where a mount
 * has set the times of what it copied; what is due is due at the next midnight
 * UTC, as in S3.  An older version's age counts from when it became one, or was
 * tagged since; it goes for good, and so does a delete marker that nothing is
 * behind.
 *
 * The rules are the bucket's document LIFECYCLE_KIND.  Encoded: u8 version 1,
 * u8 enum lifecycle_minimum, u16 count; of each rule s16 id, u16 its flags, u8
 * enum lifecycle_form, s16 prefix, s16 tags, u64 above, u64 below, u32
 * expire_days, i64 expire_date_ns, u32 noncurrent_days, u32 noncurrent_newer,
 * u32 abort_days.
 *
 * Threads:   any; lifecycle_run() by plain threads, one process at a time.
 * Ownership: slices of decoded rules point into what they were decoded from;
 *            the rules lie in the arena.
 */
#pragma once

#include "store/base/arena.h"
#include "store/base/inode.h"
#include "store/base/version.h"
#include "store/bucket.h"

#define LIFECYCLE_KIND "lifecycle"
#define LIFECYCLE_RULES_MAX 1000

/* How a rule's filter was written; it is told the same way. */
enum lifecycle_form {
	LIFECYCLE_PREFIX, /* <Prefix> of the rule itself */
	LIFECYCLE_FILTER, /* <Filter> of one condition, or of none */
	LIFECYCLE_AND,
	LIFECYCLE_FORMS
};

/* x-amz-transition-default-minimum-object-size: kept and told. */
enum lifecycle_minimum {
	LIFECYCLE_ALL_128K,
	LIFECYCLE_VARIES,
	LIFECYCLE_MINIMUMS
};

struct lifecycle_rule {
	struct slice id;
	bool is_enabled;

	/* The filter: all that is given has to fit. */
	enum lifecycle_form form;
	bool has_prefix;
	struct slice prefix;
	struct slice tags; /* as attributes, inode.h */
	bool has_above;
	uint64_t above; /* only what is larger than so many bytes */
	bool has_below;
	uint64_t below;

	/* What is done; 0 and false: not. */
	uint32_t expire_days;
	int64_t expire_date_ns;
	bool has_marker; /* ExpiredObjectDeleteMarker, */
	bool marker;
	uint32_t noncurrent_days;
	uint32_t noncurrent_newer;
	uint32_t abort_days;
};

struct lifecycle_rules {
	struct lifecycle_rule *rules;
	size_t count;
	enum lifecycle_minimum minimum;
	struct slice encoded; /* what they were decoded from */
};

void lifecycle_encode(struct buffer *to, const struct lifecycle_rules *rules);
/* False: the bytes are no such rules. */
must_check bool lifecycle_decode(struct slice bytes, struct arena *arena,
	struct lifecycle_rules *out);

/* NOT_FOUND: the bucket has none; CORRUPT. */
must_check enum store_err lifecycle_read(struct store *store, uint64_t bucket,
	struct arena *arena, struct lifecycle_rules *out);

/* The rule by which the object expires first, and when; INT64_MAX: in more time
 * than can be told.  inode: with its tags among its attributes.  NULL: it
 * stays, as a directory does that S3 has not made. */
const struct lifecycle_rule *
lifecycle_expires(const struct lifecycle_rules *rules, struct slice key,
	const struct inode *inode, int64_t *when_ns);

/* Whether a rule can make objects expire. */
static inline bool
lifecycle_rule_expires(const struct lifecycle_rule *rule)
{
	return rule->is_enabled && (rule->expire_days || rule->expire_date_ns);
}

/* Whether the object has expired by the rule. */
bool lifecycle_rule_takes(const struct lifecycle_rule *rule, struct slice key,
	const struct inode *inode, int64_t now_ns);

/* Whether an older version, or an older delete marker, goes by the rule if
 * enough others are newer; since_ns: when it became one.  A marker has neither
 * tags nor a size. */
bool lifecycle_rule_drops(const struct lifecycle_rule *rule, struct slice key,
	const struct inode *inode, int64_t since_ns, int64_t now_ns);

/* Whether a delete marker goes that is all there is of its key. */
bool lifecycle_rule_unmarks(const struct lifecycle_rule *rule, struct slice key,
	const struct inode *inode, int64_t now_ns);

/* The rule by which an upload is aborted first, and when; as above. */
const struct lifecycle_rule *
lifecycle_aborts(const struct lifecycle_rules *rules, struct slice key,
	int64_t created_ns, int64_t *when_ns);

/* --- lifecycle_run.c ------------------------------------------------------ */

/* What was due, and is gone unless it is a dry run. */
struct lifecycle_finding {
	const struct bucket *bucket;
	struct slice key;
	struct slice rule; /* its id */
	bool is_upload;
	const struct version *version; /* an older one, or a delete marker, that
					* is gone for good; NULL: an object */
	uint64_t size;		       /* of objects and versions */
};

struct lifecycle_options {
	int64_t now_ns; /* 0: now */
	bool is_dry;	/* nothing is changed */
	/* Asked before each page of a listing; false ends the run. NULL: it
	 * goes on. */
	bool (*goes_on)(void *context);
	void (*report)(const struct lifecycle_finding *finding, void *context);
	void *context;
};

struct lifecycle_result {
	uint64_t objects;
	uint64_t versions; /* older ones, and delete markers */
	uint64_t bytes;
	uint64_t uploads;
	uint64_t failed; /* buckets; the log says why */
	bool is_whole;	 /* not ended by goes_on() */
};

/* Looks at all buckets that have rules.  Decided is in the commit that deletes:
 * what is overwritten, tagged anew or being written to stays, and so does all
 * once its bucket's rules are others.  BUSY: another process is at it;
 * READ_ONLY; IO: also where a flush has failed before. */
must_check enum store_err lifecycle_run(struct store *store,
	const struct lifecycle_options *options, struct lifecycle_result *out);

/* The same once a day (UTC), whoever of several processes comes first; nothing
 * where the day's run has been.  One that did not come to its end, or failed
 * somewhere, is made again.  As above, and CORRUPT: the note of that day. */
must_check enum store_err lifecycle_run_daily(struct store *store,
	const struct lifecycle_options *options, struct lifecycle_result *out);
