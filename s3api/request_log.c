/* SPDX-License-Identifier: Apache-2.0 */
#include "s3api/request_log.h"

#include <stdlib.h>
#include <time.h>

#include "s3api/op/key_list.h"
#include "s3api/requester.h"
#include "store/base/clock.h"
#include "store/base/text.h"

#define NS_PER_MS 1000000
/* Of a header that may be as long as all of them together. */
#define SAID_MAX 2048

/* What one line is about. */
struct entry {
	const struct bucket *bucket;
	const char *operation;
	struct slice key;
	unsigned int status;
	enum s3_error error;
	bool is_whole; /* of the request: its bytes are counted here */
};

/* What all lines of a request have in common, made once: of DeleteObjects there
 * are a thousand, and headers may be long. */
struct shared {
	int64_t began_ns;
	uint64_t took_ns;
	struct buffer who; /* from the time to the request's id */
	struct buffer uri;
	struct buffer said; /* from the referrer on */
};

/* --- names ---------------------------------------------------------------- */

/* By how S3's names of operations end; others are of a bucket or an object. */
static const struct {
	const char *end;
	const char *resource;
} resources[] = {
	{"BucketLocation", "LOCATION"},
	{"ListMultipartUploads", "UPLOADS"},
	{"CreateMultipartUpload", "UPLOADS"},
	{"MultipartUpload", "UPLOAD"},
	{"ListParts", "UPLOAD"},
	{"UploadPart", "PART"},
	{"BucketPolicy", "BUCKETPOLICY"},
	{"BucketPolicyStatus", "POLICY_STATUS"},
	{"Acl", "ACL"},
	{"PublicAccessBlock", "PUBLIC_ACCESS_BLOCK"},
	{"OwnershipControls", "OWNERSHIP_CONTROLS"},
	{"BucketCors", "CORS"},
	{"BucketAccelerateConfiguration", "ACCELERATE"},
	{"BucketEncryption", "ENCRYPTION"},
	{"BucketLifecycleConfiguration", "LIFECYCLE"},
	{"BucketLifecycle", "LIFECYCLE"},
	{"BucketLogging", "LOGGING_STATUS"},
	{"BucketNotificationConfiguration", "NOTIFICATION"},
	{"ObjectLockConfiguration", "OBJECT_LOCK_CONFIGURATION"},
	{"ObjectRetention", "RETENTION"},
	{"ObjectLegalHold", "LEGAL_HOLD"},
	{"BucketReplication", "REPLICATION"},
	{"BucketRequestPayment", "REQUEST_PAYMENT"},
	{"BucketVersioning", "VERSIONING"},
	{"BucketWebsite", "WEBSITE"},
	{"BucketTagging", "TAGGING"},
	{"ObjectTagging", "OBJECT_TAGGING"},
	{"ObjectAttributes", "OBJECT_ATTRIBUTES"},
	{"ObjectVersions", "BUCKETVERSIONS"},
	{"DeleteObjects", "MULTI_OBJECT_DELETE"},
	{"RestoreObject", "RESTORE"},
};

static const char *
resource_of(const struct request *request)
{
	const char *name = request->operation ? request->operation->name : "";

	if (request->http->method == HTTP_METHOD_OPTIONS)
		return "PREFLIGHT";
	for (size_t i = 0; i < array_len(resources); i++)
		if (slice_has_suffix(slice_str(name),
			    slice_str(resources[i].end)))
			return resources[i].resource;
	/* Those of a form and of a website's directory are of objects. */
	return request->target == OPERATION_OBJECT ||
			       !strcmp(name, "PostObject")
		       ? "OBJECT"
		       : "BUCKET";
}

static bool
is_operation(const struct request *request, const char *name)
{
	return request->operation && !strcmp(request->operation->name, name);
}

/* "REST.GET.OBJECT" */
static const char *
operation_of(const struct request *request)
{
	if (is_operation(request, "CopyObject"))
		return "REST.COPY.OBJECT";
	if (is_operation(request, "UploadPartCopy"))
		return "REST.COPY.PART";
	return arena_str(request->arena,
		arena_printf(request->arena, "%s.%.*s.%s",
			request->is_website ? "WEBSITE" : "REST",
			(int)request->http->method_name.len,
			request->http->method_name.data,
			request->is_website ? "OBJECT" : resource_of(request)));
}

/* --- fields --------------------------------------------------------------- */

static void
add(struct buffer *to, const char *text)
{
	buffer_append_char(to, ' ');
	buffer_append_str(to, text && *text ? text : "-");
}

static void
add_key(struct buffer *to, struct slice text)
{
	buffer_append_char(to, ' ');
	if (text.len > 0)
		text_percent_encode(to, text, true);
	else
		buffer_append_char(to, '-');
}

/* 0: nothing is known. */
static void
add_number(struct buffer *to, uint64_t number)
{
	buffer_append_char(to, ' ');
	if (number)
		buffer_append_u64(to, number);
	else
		buffer_append_char(to, '-');
}

/* So that no reader finds the end too early: of what is between quotation
 * marks, or up to a space. */
static void
append_inert(struct buffer *to, struct slice text, unsigned char least)
{
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.data[i];

		if (c < least || c == '"' || c >= 0x7f)
			text_percent_encode(to, slice_of(text.data + i, 1),
				false);
		else
			buffer_append_char(to, (char)c);
	}
}

static void
append_inside(struct buffer *to, struct slice text)
{
	append_inert(to, text, ' ');
}

/* What others have said, in one word. */
static void
add_word(struct buffer *to, struct slice text)
{
	buffer_append_char(to, ' ');
	append_inert(to,
		text.len > 0 ? slice_first(text, SAID_MAX) : SLICE("-"),
		' ' + 1);
}

/* Who reads the log must not be able to do what a presigned URL lets. */
static bool
is_secret(struct slice name)
{
	static const char *const names[] = {
		"signature",
		"x-amz-signature",
		"x-amz-security-token",
		"x-amz-server-side-encryption-customer-key",
		"x-amz-copy-source-server-side-encryption-customer-key",
	};
	scoped(buffer_free) struct buffer plain = {0};

	if (!text_percent_decode(&plain, name, true))
		return true;
	for (size_t i = 0; i < array_len(names); i++)
		if (slice_equal_nocase(buffer_slice(&plain),
			    slice_str(names[i])))
			return true;
	return false;
}

static void
append_query(struct buffer *to, struct slice query)
{
	char before = '?';
	struct slice piece;

	while (slice_split(&query, '&', &piece)) {
		ptrdiff_t end = slice_find_char(piece, '=');
		struct slice name =
			end < 0 ? piece : slice_first(piece, (size_t)end);
		bool hides = end >= 0 && is_secret(name);

		buffer_append_char(to, before);
		append_inside(to, hides ? name : piece);
		if (hides)
			buffer_append_str(to, "=-");
		before = '&';
	}
}

/* A page that a presigned URL got names that URL to whatever it shows. */
static void
append_url(struct buffer *to, struct slice url)
{
	ptrdiff_t mark = slice_find_char(url, '?');

	append_inside(to, mark < 0 ? url : slice_first(url, (size_t)mark));
	if (mark >= 0)
		append_query(to, slice_from(url, (size_t)mark + 1));
}

static void
add_quoted(struct buffer *to, struct slice text,
	void (*append_text)(struct buffer *to, struct slice text))
{
	if (text.len == 0) {
		add(to, "-");
		return;
	}
	buffer_append_str(to, " \"");
	append_text(to, slice_first(text, SAID_MAX));
	buffer_append_char(to, '"');
}

static void
add_uri(struct buffer *to, const struct http_request *http)
{
	buffer_append_str(to, " \"");
	append_inside(to, http->method_name);
	buffer_append_char(to, ' ');
	append_inside(to, http->path);
	if (http->has_query)
		append_query(to, http->query);
	buffer_append_str(to,
		http->is_http_1_0 ? " HTTP/1.0\"" : " HTTP/1.1\"");
}

static void
add_time(struct buffer *to, int64_t time_ns)
{
	time_t seconds = (time_t)(time_ns / CLOCK_NS_PER_S);
	char text[40];
	struct tm tm;

	/* Months are English: no locale is ever set. */
	if (!gmtime_r(&seconds, &tm) ||
		!strftime(text, sizeof(text), "[%d/%b/%Y:%H:%M:%S +0000]", &tm))
		text[0] = '\0';
	add(to, text);
}

static void
add_requester(struct buffer *to, const struct policy_caller *caller)
{
	buffer_append_char(to, ' ');
	if (!requester_append(to, caller))
		buffer_append_char(to, '-');
}

static void
add_signature(struct buffer *to, const struct request *request)
{
	const struct sigv4_caller *caller = &request->caller;
	bool is_signed = caller->token.access_key[0] != '\0';

	add(to, is_signed ? "SigV4" : NULL);
	add(to, request->http->tls_cipher);
	add(to, !is_signed || caller->is_form ? NULL
		: caller->is_presigned	      ? "QueryString"
					      : "AuthHeader");
}

/* --- lines ---------------------------------------------------------------- */

static void
free_shared(struct shared *shared)
{
	buffer_free(&shared->who);
	buffer_free(&shared->uri);
	buffer_free(&shared->said);
}

static struct shared
make_shared(const struct request *request, int64_t started_ns)
{
	const struct decision *decision = &request->access.decision;
	int64_t took_ns = clock_monotonic_ns() - started_ns;
	struct shared shared = {
		.began_ns = clock_now_ns() - took_ns,
		.took_ns = (uint64_t)took_ns,
	};
	struct buffer *said = &shared.said;

	add_time(&shared.who, shared.began_ns);
	add_word(&shared.who, request_client_address(request));
	add_requester(&shared.who, &request->access.caller);
	add(&shared.who, request->id);
	add_uri(&shared.uri, request->http);
	add_quoted(said, request_header(request, "referer"), append_url);
	add_quoted(said, request_header(request, "user-agent"), append_inside);
	add_word(said, request_param(request, "versionId"));
	add(said, NULL); /* host id */
	add_signature(said, request);
	add_word(said, request->http->host);
	add(said, request->http->tls_version);
	add(said, NULL); /* access point */
	add(said, decision->is_allowed && decision->reason == DECIDE_ACL_ALLOW
			  ? "Yes"
			  : NULL);
	return shared;
}

static void
append(const struct request *request, struct access_log *log,
	const struct entry *entry, const struct shared *shared)
{
	scoped(buffer_free) struct buffer line = {0};

	text_percent_encode(&line, slice_str(entry->bucket->owner), false);
	add(&line, entry->bucket->name);
	buffer_append(&line, buffer_slice(&shared->who));
	add(&line, entry->operation);
	add_key(&line, entry->key);
	buffer_append(&line, buffer_slice(&shared->uri));
	add_number(&line, entry->status);
	add(&line, entry->error ? error_code(entry->error) : NULL);
	add_number(&line,
		entry->is_whole ? http_reply_bytes(request->response) : 0);
	add_number(&line, entry->is_whole ? request->object_size : 0);
	buffer_append_char(&line, ' ');
	buffer_append_u64(&line, shared->took_ns / NS_PER_MS);
	add(&line, NULL); /* turn-around time */
	buffer_append(&line, buffer_slice(&shared->said));
	access_log_append(log, entry->bucket, shared->began_ns,
		buffer_slice(&line));
}

/* Of DeleteObjects: each. */
static void
append_keys(const struct request *request, struct access_log *log,
	const struct entry *whole, const struct shared *shared)
{
	const struct key_list *list = request->keys;

	for (size_t i = 0; list && i < list->count; i++) {
		enum s3_error refused = list->entries[i].refused;
		const struct entry entry = {
			.bucket = whole->bucket,
			.operation = "BATCH.DELETE.OBJECT",
			.key = list->entries[i].key,
			.status = refused ? error_status(refused) : 204,
			.error = refused,
		};

		append(request, log, &entry, shared);
	}
}

/* Who was refused before the bucket was asked for has asked for it, too. */
static bool
find_bucket(const struct request *request, struct bucket *bucket)
{
	*bucket = request->bucket;
	return bucket->ino || (bucket_name_is_valid(request->bucket_name) &&
				      !bucket_get(request->store,
					      request->bucket_name, bucket));
}

static bool
is_wanted(struct access_log *log, const struct bucket *bucket)
{
	return bucket->ino && access_log_is_wanted(log, bucket);
}

void
request_log(const struct request *request, struct access_log *log,
	int64_t started_ns)
{
	const struct bucket *source = &request->access.source;
	struct bucket bucket;
	bool of_bucket =
		find_bucket(request, &bucket) && is_wanted(log, &bucket);
	bool of_source = is_wanted(log, source);

	if (!of_bucket && !of_source)
		return;

	scoped(free_shared) struct shared shared =
			make_shared(request, started_ns);
	struct entry entry = {
		.bucket = &bucket,
		.key = request->key,
		.status = http_reply_status(request->response),
		.error = request->report.error,
		.is_whole = true,
	};

	if (of_bucket) {
		entry.operation = operation_of(request);
		append(request, log, &entry, &shared);
		append_keys(request, log, &entry, &shared);
	}
	if (of_source) {
		entry.bucket = source;
		entry.operation = is_operation(request, "CopyObject")
					  ? "REST.COPY.OBJECT_GET"
					  : "REST.COPY.PART_GET";
		entry.key = request->access.source_key;
		entry.is_whole = false;
		append(request, log, &entry, &shared);
	}
}
