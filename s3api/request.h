/* SPDX-License-Identifier: Apache-2.0 */
/*
 * request.h - one S3 request on its way: parse, route, authenticate,
 * authorize, operate, reply.
 *
 * An operation (op/) replies by reply.h and returns S3_OK, or returns the
 * error that shall be the reply, with its report filled in by error_set() or
 * reply_store_error().
 *
 * Threads:   the fiber of its connection.
 * Ownership: everything lives until the handler returns; memory comes from
 *            request->arena.
 */
#pragma once

#include "s3api/auth/sigv4.h"
#include "s3api/error.h"
#include "s3api/http/http_body.h"
#include "s3api/http/http_reply.h"
#include "s3api/http/http_request.h"
#include "s3api/iam/access.h"
#include "s3api/operation.h"
#include "store/base/version.h"
#include "store/bucket.h"
#include "store/object_event.h"
#include "store/store.h"

#define REQUEST_ID_LEN 16

struct clerk;
struct policy_cache;
struct server;

/* What the audit log tells of a request to the control API or to STS, which
 * have nothing in `access`.  Nothing of it is what a client has only claimed:
 * that may be a secret in the wrong place. */
struct key_list; /* op/key_list.h */

struct request_note {
	bool is_used;
	const char *action; /* "sts:GetCallerIdentity"; NULL: not known */
	const char *error;  /* in the API's own words; NULL: none */
	bool is_allowed;
	const char *reason;	/* why; NULL: it did not come to a decision */
	struct slice statement; /* as decide_statement() */
	struct slice organization;
	struct slice principal;
	struct slice role;
	struct slice access_key;
	struct slice resource; /* the key, policy or bucket it was about */
	struct slice issued;   /* the access key that was made */
};

/* A delete marker where an object was asked for. */
struct request_marker {
	bool is_found;
	struct version version;
	int64_t mtime_ns;
};

struct request {
	struct server *server;
	struct store *store;
	struct policy_cache *policies;
	struct sigv4 *sigv4;
	struct clerk *clerk;
	struct http_request *http;
	struct http_response *response;
	struct arena *arena; /* http's */
	char id[REQUEST_ID_LEN + 1];

	enum operation_target target;
	bool is_charged;	    /* by payer.h */
	bool is_website;	    /* asked of a website's domain: site.h */
	bool is_accelerated;	    /* of the endpoint's of accelerate.h */
	struct slice bucket_name;   /* decoded; empty for the service */
	struct slice key;	    /* decoded; empty but for objects */
	struct version_ref version; /* of the query's versionId */
	const struct http_param *params;
	size_t param_count;
	const struct operation *operation;

	struct sigv4_caller caller;
	struct access access;		 /* who that is to the policies */
	struct bucket bucket;		 /* of operations that need one */
	struct object_event_cause cause; /* request_cause.h */
	struct error_report report;
	uint64_t object_size; /* of what is got or put, for logs; 0: unknown */
	struct request_note note;
	struct request_marker marker;
	/* Of a copy's source, where that is what is not there. */
	struct slice missing_version;
	/* The x-amz-version-id of the reply; SLICE_NULL: none. */
	struct slice told_version;
	bool tells_marker;	     /* x-amz-delete-marker */
	const struct key_list *keys; /* of DeleteObjects, for the audit log */
};

/* The handler of http_server.h; context is the struct server. */
void request_handle(struct http_request *http, struct http_response *response,
	void *context);

/* Answers what never became a request: http_server.h's refuse. */
void request_refuse(struct http_response *response, unsigned int status,
	const char *reason, void *context);

/* Value of a query parameter; SLICE_NULL where there is none. */
struct slice request_param(const struct request *request, const char *name);
bool request_has_param(const struct request *request, const char *name);

/* INVALID_ARGUMENT, with which one and what it was; message: a literal. */
enum s3_error request_refuse_argument(struct request *request,
	const char *message, const char *name, struct slice value);

/*
 * A parameter that is a number from 0 to max; *value stays as it is where
 * there is none.  INVALID_ARGUMENT.
 */
must_check enum s3_error request_param_number(struct request *request,
	const char *name, unsigned long max, unsigned long *value);

struct slice request_header(const struct request *request, const char *name);

/* Refuses headers that ask for what there is not.  NOT_IMPLEMENTED. */
must_check enum s3_error request_refuse_headers(struct request *request,
	const char *const *names, size_t count);

/* Of the client, also behind a trusted proxy (proxy.h). */
struct slice request_client_address(const struct request *request);
bool request_is_secure(const struct request *request);
struct slice request_tls_version(const struct request *request);
/* Whether bearers and new keys may go this way: TLS, or no further than this
 * machine; or the server was told that all may. */
bool request_may_carry_keys(const struct request *request);

/* Refuses a bucket of another owner than a header expects.  ACCESS_DENIED. */
must_check enum s3_error request_check_owner(struct request *request,
	const char *header, const struct bucket *bucket);

/* The caller is whoever signed the form.  What sigv4_verify_form() gives. */
must_check enum s3_error request_authenticate_form(struct request *request,
	const struct sigv4_form *form);

/* Fills in request->bucket.  NO_SUCH_BUCKET, INVALID_BUCKET_NAME, and what
 * request_check_owner() says. */
must_check enum s3_error request_find_bucket(struct request *request);
