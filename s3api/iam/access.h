/* SPDX-License-Identifier: Apache-2.0 */
/*
 * access.h - a request before its policies: who asks, what for, and what
 * decide() says.
 *
 * The policies are read once a request, as they are then.
 *
 * Threads:   the fiber of the connection.
 * Ownership: decisions and what they point to live until access_end().
 */
#pragma once

#include "s3api/error.h"
#include "s3api/iam/decide.h"
#include "store/bucket.h"

struct request;

/* The document of a bucket that holds its policy. */
#define ACCESS_POLICY_KIND "policy"

/* The policies that a bucket's requests are decided by; zeros: not read. */
struct access_policies {
	struct decide_policies decide;
	struct policy *bucket;
	bool is_own_read;
	bool is_read;
	/* The object whose tags or list decisions asked for. */
	bool has_seen;
	uint64_t seen_ino; /* 0: they saw several, or none */
	uint8_t seen[32];  /* SHA-256 of those attributes */
};

#define ACCESS_ASKED_MAX 8

struct access {
	struct policy_caller caller;
	int64_t now_ns; /* the request's time, for all its conditions */
	uint64_t steps; /* struct policy_context */
	struct access_policies policies;
	struct bucket source; /* of a copy, */
	struct slice source_key;
	struct slice source_version; /* as struct access_ask */
	/* s3:prefix, as of a list of the one key that is missed; not from the
	 * query of a request for an object */
	struct slice missed;
	struct decision source_decision;
	struct access_policies of_source; /* from then on */
	/* Tags that the request brings elsewhere than in x-amz-tagging, as
	 * attributes; what the conditions see then. */
	bool has_request_tags;
	struct slice request_tags;
	/* The same of a lock. */
	bool has_request_lock;
	struct inode_lock request_lock;
	/* On what the request itself names; for logs. */
	enum policy_action action;
	struct decision decision;
	/* What was asked about that, to ask it again. */
	enum policy_action asked[ACCESS_ASKED_MAX];
	size_t asked_count;
};

/* An action, and what it is done to. */
struct access_ask {
	enum policy_action action;
	const struct bucket *bucket; /* NULL: none, or a new one */
	struct slice bucket_name;
	struct slice key;     /* empty: the bucket itself */
	struct slice version; /* its id, which the action is then one of;
				 SLICE_NULL: none is named */
};

/* Once it is known who asks. */
void access_begin(struct request *request);
void access_end(struct access *access);

/*
 * Decides about something that the request need not name.  ACCESS_DENIED;
 * NO_SUCH_KEY where the list of an object might have allowed it, which is for
 * access_hide_missing() to tell or not; INTERNAL_ERROR: a policy cannot be
 * read.  The report stays as it is.
 */
must_check enum s3_error access_ask(struct request *request,
	const struct access_ask *ask, struct decision *decision);

/* The same of something that is elsewhere than where the request is, by the
 * policies that are there. */
must_check enum s3_error access_check_elsewhere(struct request *request,
	const struct access_ask *ask);

/* To ask about several buckets in turn, with request->arena another for each:
 * what the caller's organization says is read once, and kept as the bucket is
 * left.  Read: INTERNAL_ERROR. */
must_check enum s3_error access_read_own(struct request *request);
void access_leave_bucket(struct access *access);

/*
 * Whether the operation may be done to the bucket or object that is named.
 * Fills in request->bucket of every operation that needs one.  ACCESS_DENIED;
 * what request_find_bucket() gives; INTERNAL_ERROR: a policy cannot be read.
 */
must_check enum s3_error access_check(struct request *request);

/*
 * Whether an action may be done to what the request names: for what an
 * operation learns as it reads the request (policy_operation_decides_itself()),
 * and what it does besides.  ACCESS_DENIED, and as above.
 */
must_check enum s3_error access_check_action(struct request *request,
	enum policy_action action);

/*
 * Whether what was opened after a decision can be another object than the one
 * that it was made for, by its tags or its list; one that has just been put in
 * its place is for those whom its own tags let in.
 */
bool access_is_of_another(const struct access_policies *policies,
	const struct inode *opened);

/* Asks again what was asked, of what is there now. */
must_check enum s3_error access_check_again(struct request *request);

/* What was asked of one key says nothing of the next that the same request is
 * about. */
void access_leave_key(struct access *access);

/* The same where a refusal only changes what is done; false too where the
 * policies cannot be read.  Of the source: after access_check_source(). */
bool access_may(struct request *request, enum policy_action action);
bool access_may_of_source(struct request *request, enum policy_action action,
	struct slice key);
/* Whether it is refused by more than that the bucket's owner says nothing of
 * it. */
bool access_is_denied(struct request *request, enum policy_action action);

/* Whether the caller's level lets them learn something of what objects hold. */
bool access_may_tell(const struct request *request);

/* Whether one of several keys, or its version, may be deleted; compares: only
 * with a certain ETag, which tells something of it and needs s3:GetObject, as
 * in S3. ACCESS_DENIED, and as above; the report stays as it is. */
must_check enum s3_error access_check_delete(struct request *request,
	struct slice key, struct slice version, bool compares);

/* Whether the source of a copy may be read.  ACCESS_DENIED, and as above. */
must_check enum s3_error access_check_source(struct request *request,
	const struct bucket *bucket, struct slice key, struct slice version);

/* ACCESS_DENIED in place of NO_SUCH_KEY where the bucket may not be listed, for
 * one of several keys; the report stays as it is. */
must_check enum s3_error access_hide_missing_key(struct request *request,
	enum s3_error error);

/*
 * NO_SUCH_KEY for those who may list the bucket, of a copy that of the source;
 * ACCESS_DENIED for others, who are not to learn what is there (S3 API:
 * GetObject).  Any other error stays.
 */
must_check enum s3_error access_hide_missing(struct request *request,
	enum s3_error error);
