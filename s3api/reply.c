/* SPDX-License-Identifier: Apache-2.0 */
#include "s3api/reply.h"

#include "s3api/cors.h"
#include "s3api/route.h"
#include "s3api/xml/xml_writer.h"
#include "store/base/clock.h"
#include "store/base/log.h"

void
reply_status(struct request *request, unsigned int status)
{
	http_reply_begin(request->response, status);
	http_reply_header_str(request->response, "x-amz-request-id",
		request->id);
	if (request->is_charged && status < 400)
		http_reply_header_str(request->response,
			"x-amz-request-charged", "requester");
	cors_reply(request);
}

/* The connection notices by itself that a send failed. */
static void
send_body(struct request *request, struct slice body)
{
	enum store_err err = http_reply_body(request->response, body);

	if (err)
		log_debug("request %s: reply not sent: %s", request->id,
			error_sentence(err));
}

void
reply_xml(struct request *request, const struct buffer *body)
{
	if (http_reply_status(request->response) == 0)
		reply_status(request, 200);
	http_reply_header_str(request->response, "content-type",
		"application/xml");
	send_body(request, buffer_slice(body));
}

void
reply_empty(struct request *request, unsigned int status)
{
	if (http_reply_status(request->response) != status)
		reply_status(request, status);
	send_body(request, SLICE_NULL);
}

/* A client must be able to read why it was refused, whatever it has sent. */
static void
write_if_legible(struct buffer *to, const char *name, struct slice text)
{
	if (text.len > 0 && xml_writer_is_text(text))
		xml_writer_text(to, name, text);
}

static void
write_error(const struct request *request, struct buffer *to)
{
	const struct error_report *report = &request->report;

	xml_writer_begin_plain(to, "Error");
	xml_writer_str(to, "Code", error_code(report->error));
	xml_writer_text(to, "Message",
		report->message.len > 0
			? report->message
			: slice_str(error_message(report->error)));
	write_if_legible(to, "BucketName", request->bucket_name);
	write_if_legible(to, "Key", request->key);
	for (size_t i = 0; i < report->field_count; i++)
		write_if_legible(to, report->fields[i].name,
			report->fields[i].value);
	write_if_legible(to, "Resource", request->http->path);
	xml_writer_str(to, "RequestId", request->id);
	xml_writer_close(to, "Error");
}

void
reply_size_of_range(struct request *request)
{
	const struct error_report *report = &request->report;

	for (size_t i = 0; i < report->field_count; i++) {
		if (!strcmp(report->fields[i].name, "ActualObjectSize"))
			http_reply_header(request->response, "content-range",
				arena_concat(request->arena, SLICE("bytes */"),
					report->fields[i].value));
	}
}

/* S3 API: HeadBucket.  By it SDKs find where to ask, and how to sign that. */
static bool
tells_region(const struct request *request)
{
	enum s3_error error = request->report.error;
	enum http_method method = request->http->method;

	if (error == S3_AUTHORIZATION_HEADER_MALFORMED)
		return request->target != OPERATION_SERVICE;
	return error_status(error) == 403 &&
	       request->target == OPERATION_BUCKET &&
	       (method == HTTP_METHOD_GET || method == HTTP_METHOD_HEAD);
}

/* Who was refused before the bucket was asked for learns no more by it than
 * strangers do by asking for it. */
static void
reply_region(struct request *request)
{
	struct bucket bucket = request->bucket;

	if (bucket.ino == 0 && (!bucket_name_is_valid(request->bucket_name) ||
				       bucket_get(request->store,
					       request->bucket_name, &bucket)))
		return;
	http_reply_header_str(request->response, "x-amz-bucket-region",
		bucket.region);
}

/* Those who are not to learn what is there have another error. */
static bool
tells_marker(const struct request *request)
{
	enum s3_error error = request->report.error;

	return request->marker.is_found &&
	       (error == S3_NO_SUCH_KEY || error == S3_METHOD_NOT_ALLOWED);
}

static struct slice
allowed_methods(const struct request *request)
{
	if (request->marker.is_found)
		return SLICE("DELETE");
	if (request->is_accelerated)
		return SLICE("GET, HEAD");
	return route_methods(request->target, request->arena);
}

static void
reply_allowed(struct request *request)
{
	if (request->marker.is_found)
		reply_last_modified(request, request->marker.mtime_ns);
	http_reply_header(request->response, "allow", allowed_methods(request));
}

void
reply_error(struct request *request)
{
	unsigned int status = error_status(request->report.error);
	scoped(buffer_free) struct buffer body = {0};

	if (http_reply_is_started(request->response)) {
		http_reply_close(request->response);
		return;
	}
	reply_status(request, status);
	if (status == 304) {
		send_body(request, SLICE_NULL);
		return;
	}
	if (tells_marker(request))
		reply_marker(request, &request->marker.version);
	if (status == 405)
		reply_allowed(request);
	if (status == 416)
		reply_size_of_range(request);
	if (tells_region(request))
		reply_region(request);
	write_error(request, &body);
	reply_xml(request, &body);
}

void
reply_etag(struct request *request, const struct inode_etag *etag)
{
	char text[1 + INODE_ETAG_TEXT_LEN + 2];
	size_t len = inode_etag_text(etag, text + 1);

	text[0] = '"';
	text[len + 1] = '"';
	http_reply_header(request->response, "etag", slice_of(text, len + 2));
}

static void
add_version_id(struct request *request, const struct version *version)
{
	char id[VERSION_ID_LEN + 1];

	version_text(version, id);
	request->told_version = arena_copy(request->arena, slice_str(id));
	http_reply_header(request->response, "x-amz-version-id",
		request->told_version);
}

void
reply_version(struct request *request, const struct object *object)
{
	/* A new one has a number only where its bucket is such a one. */
	if (object->versioning != VERSIONING_NEVER ||
		object->version.number != 0)
		add_version_id(request, &object->version);
}

void
reply_marker(struct request *request, const struct version *version)
{
	request->tells_marker = true;
	http_reply_header_str(request->response, "x-amz-delete-marker", "true");
	add_version_id(request, version);
}

void
reply_last_modified(struct request *request, int64_t mtime_ns)
{
	char text[30];

	clock_to_http(mtime_ns, text);
	http_reply_header_str(request->response, "last-modified", text);
}

enum s3_error
reply_error_of_store(enum store_err err)
{
	switch (err) {
	case STORE_OK:
		return S3_OK;
	case STORE_NOT_FOUND:
		return S3_NO_SUCH_KEY;
	case STORE_NO_BUCKET:
	case STORE_STALE: /* the bucket's root went meanwhile */
		return S3_NO_SUCH_BUCKET;
	case STORE_BUCKET_EXISTS:
		return S3_BUCKET_ALREADY_OWNED;
	case STORE_BUCKET_NOT_EMPTY:
		return S3_BUCKET_NOT_EMPTY;
	case STORE_NO_UPLOAD:
		return S3_NO_SUCH_UPLOAD;
	case STORE_BAD_PART:
		return S3_INVALID_PART;
	case STORE_BAD_PART_ORDER:
		return S3_INVALID_PART_ORDER;
	case STORE_PART_TOO_SMALL:
		return S3_ENTITY_TOO_SMALL;
	case STORE_TOO_BIG:
		return S3_ENTITY_TOO_LARGE;
	case STORE_KEY_TOO_LONG:
	case STORE_NAME_TOO_LONG:
		return S3_KEY_TOO_LONG;
	case STORE_ATTR_TOO_BIG:
		return S3_METADATA_TOO_LARGE;
	case STORE_PRECONDITION:
		return S3_PRECONDITION_FAILED;
	case STORE_DIGEST_MISMATCH:
		return S3_BAD_DIGEST;
	case STORE_BAD_NAME:
	case STORE_INVALID:
		return S3_INVALID_ARGUMENT;
	case STORE_NO_KEY:
		return S3_INVALID_REQUEST;
	case STORE_WRONG_KEY:
		return S3_INVALID_ARGUMENT;
	case STORE_ACCESS:
	case STORE_NOT_PERMITTED:
	case STORE_LOCKED:
	case STORE_NO_ORGANIZATION: /* the caller's went meanwhile */
		return S3_ACCESS_DENIED;
	case STORE_REPLICATED:
		return S3_INVALID_BUCKET_STATE;
	case STORE_UNSUPPORTED:
		return S3_NOT_IMPLEMENTED;
	case STORE_QUOTA:
		return S3_QUOTA_EXCEEDED;
	case STORE_NO_SPACE:
		return S3_STORAGE_FULL;
	case STORE_READ_ONLY:
	case STORE_CANCELED:
		return S3_SERVICE_UNAVAILABLE;
	case STORE_BUSY:
	case STORE_NO_MEMORY:
		return S3_SLOW_DOWN;
	case STORE_TIMED_OUT:
	case STORE_CLOSED:
		return S3_REQUEST_TIMEOUT;
	case STORE_EXISTS:
	case STORE_NOT_DIR:
	case STORE_IS_DIR:
	case STORE_NOT_EMPTY:
	case STORE_CROSS_BUCKET:
	case STORE_LOOP:
	case STORE_TOO_MANY_LINKS:
	case STORE_NO_ATTR:
	case STORE_NO_DATA:
	case STORE_NO_TOKEN:
	case STORE_TOKEN_EXISTS:
	case STORE_NO_TOPIC:
	case STORE_TOPIC_EXISTS:
	case STORE_ORGANIZATION_EXISTS:
	case STORE_ORGANIZATION_NOT_EMPTY:
	case STORE_BAD_KEY:
	case STORE_NO_STORE_KEY:
	case STORE_IO:
	case STORE_CORRUPT:
	case STORE_DAMAGED:
	case STORE_NOT_A_STORE:
	case STORE_UNEXAMINED:
	case STORE_BAD_VERSION:
		return S3_INTERNAL_ERROR;
	}
	return S3_INTERNAL_ERROR;
}

enum s3_error
reply_store_error(struct request *request, enum store_err err)
{
	enum s3_error error = reply_error_of_store(err);
	const char *message = NULL;

	if (err == STORE_READ_ONLY)
		message = "The store is read-only.";
	if (err == STORE_LOCKED)
		message = "Access Denied because object protected by object "
			  "lock.";
	if (error_status(error) >= 500)
		log_error("request %s: %s %.*s/%.*s: %s", request->id,
			request->operation ? request->operation->name : "?",
			(int)request->bucket_name.len,
			request->bucket_name.data, (int)request->key.len,
			request->key.data, error_sentence(err));
	return error_set(&request->report, error, message);
}
