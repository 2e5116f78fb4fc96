/* SPDX-License-Identifier: Apache-2.0 */
#include "s3api/request.h"

#include "s3api/accelerate.h"
#include "s3api/address.h"
#include "s3api/control/control.h"
#include "s3api/control/sts.h"
#include "s3api/hoisted.h"
#include "s3api/op/op.h"
#include "s3api/reply.h"
#include "s3api/request_audit.h"
#include "s3api/request_cause.h"
#include "s3api/request_log.h"
#include "s3api/route.h"
#include "s3api/server_private.h"
#include "s3api/site.h"
#include "s3api/sse_c.h"
#include "s3api/xml/xml_writer.h"
#include "store/base/clock.h"
#include "store/base/log.h"
#include "store/base/text.h"

struct slice
request_header(const struct request *request, const char *name)
{
	return http_request_header(request->http, name);
}

struct slice
request_client_address(const struct request *request)
{
	return proxy_client_address(&request->server->proxies, request->http);
}

bool
request_is_secure(const struct request *request)
{
	return proxy_is_secure(&request->server->proxies, request->http);
}

struct slice
request_tls_version(const struct request *request)
{
	return proxy_tls_version(&request->server->proxies, request->http);
}

bool
request_may_carry_keys(const struct request *request)
{
	struct slice client = request_client_address(request);

	return request_is_secure(request) ||
	       slice_has_prefix(client, SLICE("127.")) ||
	       slice_has_prefix(client, SLICE("::ffff:127.")) ||
	       slice_equal(client, SLICE("::1")) ||
	       request->server->allows_control_without_tls;
}

static const struct http_param *
find_param(const struct request *request, const char *name)
{
	for (size_t i = 0; i < request->param_count; i++) {
		if (slice_equal(request->params[i].name, slice_str(name)))
			return &request->params[i];
	}
	return NULL;
}

struct slice
request_param(const struct request *request, const char *name)
{
	const struct http_param *param = find_param(request, name);

	return param ? param->value : SLICE_NULL;
}

bool
request_has_param(const struct request *request, const char *name)
{
	return find_param(request, name) != NULL;
}

enum s3_error
request_refuse_argument(struct request *request, const char *message,
	const char *name, struct slice value)
{
	enum s3_error error =
		error_set(&request->report, S3_INVALID_ARGUMENT, message);

	error_add(&request->report, "ArgumentName", slice_str(name));
	error_add(&request->report, "ArgumentValue", value);
	return error;
}

enum s3_error
request_param_number(struct request *request, const char *name,
	unsigned long max, unsigned long *value)
{
	const struct http_param *param = find_param(request, name);
	unsigned long number;

	if (!param)
		return S3_OK;
	if (!slice_to_u64(param->value, max, &number))
		return request_refuse_argument(request,
			"Provided value is not a whole number in range.", name,
			param->value);
	*value = number;
	return S3_OK;
}

enum s3_error
request_check_owner(struct request *request, const char *header,
	const struct bucket *bucket)
{
	struct slice expected = request_header(request, header);

	if (!expected.data || slice_equal(expected, slice_str(bucket->owner)))
		return S3_OK;
	return error_set(&request->report, S3_ACCESS_DENIED, NULL);
}

enum s3_error
request_refuse_headers(struct request *request, const char *const *names,
	size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (!request_header(request, names[i]).data)
			continue;
		error_set(&request->report, S3_NOT_IMPLEMENTED, NULL);
		error_add(&request->report, "Header", slice_str(names[i]));
		return request->report.error;
	}
	return S3_OK;
}

enum s3_error
request_find_bucket(struct request *request)
{
	if (!bucket_name_is_valid(request->bucket_name))
		return error_set(&request->report, S3_INVALID_BUCKET_NAME,
			NULL);

	enum store_err err = bucket_get(request->store, request->bucket_name,
		&request->bucket);

	if (err)
		return reply_store_error(request, err);
	return request_check_owner(request, "x-amz-expected-bucket-owner",
		&request->bucket);
}

static enum s3_error
authenticate(struct request *request)
{
	enum sigv4_outcome outcome = sigv4_verify(request->sigv4, request->http,
		clock_now_ns(), &request->caller, &request->report);

	if (outcome == SIGV4_REFUSED)
		return request->report.error;
	/* What strangers may is for the policies to say. */
	request->report = (struct error_report){0};
	access_begin(request);
	if (outcome == SIGV4_SIGNED)
		clerk_note(request->clerk,
			slice_str(request->caller.token.access_key),
			request->access.now_ns);
	return request->caller.is_presigned ? hoisted_apply(request) : S3_OK;
}

enum s3_error
request_authenticate_form(struct request *request,
	const struct sigv4_form *form)
{
	enum s3_error error =
		sigv4_verify_form(request->server->sigv4, request->http, form,
			clock_now_ns(), &request->caller, &request->report);

	if (!error) {
		access_begin(request);
		request_cause_begin(request);
	}
	return error;
}

/* Strangers are not told what there is not. */
static enum s3_error
find_route(struct request *request)
{
	enum s3_error error = route_find(request);

	if (error && request->access.caller.is_anonymous)
		return error_set(&request->report, S3_ACCESS_DENIED, NULL);
	return error;
}

static enum s3_error
authorize(struct request *request)
{
	if (!request->access.caller.is_anonymous &&
		!level_allows(request->caller.token.level,
			request->operation->needs))
		return error_set(&request->report, S3_ACCESS_DENIED, NULL);
	return access_check(request);
}

static enum s3_error
refuse_version(struct request *request, struct slice version)
{
	error_set(&request->report, S3_NO_SUCH_VERSION, NULL);
	error_add(&request->report, "VersionId", version);
	return request->report.error;
}

/* S3 API: a version that is not there can be deleted. */
static struct slice
missing_version(const struct request *request)
{
	if (request->version.which == VERSION_CURRENT ||
		!strcmp(request->operation->name, "DeleteObject"))
		return request->missing_version;
	return request_param(request, "versionId");
}

/* S3 API: GetObject.  What is not there of a key is the version, where one is
 * named. */
static enum s3_error
tell_missing(struct request *request, enum s3_error error)
{
	enum s3_error told = access_hide_missing(request, error);
	struct slice version = SLICE_NULL;

	if (told == S3_NO_SUCH_KEY)
		version = missing_version(request);
	return version.data ? refuse_version(request, version) : told;
}

/* Beside S3's, where it is for one of them. */
static bool
serve_other_api(struct request *request)
{
	if (request->is_accelerated)
		return false;
	if (control_is_for(request)) {
		control_handle(request);
		return true;
	}
	if (sts_is_for(request)) {
		sts_handle(request);
		return true;
	}
	return false;
}

static enum s3_error
serve(struct request *request)
{
	enum s3_error error = address_parse(request);

	if (request->is_website) {
		site_handle(request, error);
		return S3_OK;
	}
	if (!error && request->http->method == HTTP_METHOD_OPTIONS)
		return op_cors_preflight(request);
	if (!error && serve_other_api(request))
		return S3_OK;
	/* Who it is comes before what is there to ask for. */
	if (!error)
		error = authenticate(request);
	if (!error)
		error = find_route(request);
	if (!error && request->is_accelerated)
		error = accelerate_check_operation(request);
	if (!error)
		error = authorize(request);
	if (!error && request->is_accelerated)
		error = accelerate_check_bucket(request);
	if (!error) {
		request_cause_begin(request);
		error = request->operation->run(request);
		request_cause_end();
	}
	return tell_missing(request, error);
}

static void
log_request(const struct request *request, int64_t started_ns)
{
	if (!log_wants(LOG_DEBUG))
		return;
	log_debug("request %s: %.*s %.*s %s status=%u bytes=%llu us=%lld",
		request->id, (int)request->http->method_name.len,
		request->http->method_name.data, (int)request->http->path.len,
		request->http->path.data,
		request->operation ? request->operation->name : "-",
		http_reply_status(request->response),
		(unsigned long long)http_reply_bytes(request->response),
		(long long)((clock_monotonic_ns() - started_ns) / 1000));
}

/* Unlike any other of this server, and no system call: a permutation
 * (splitmix64's last steps) of a number that counts from a random one. */
static void
make_id(struct server *server, char id[REQUEST_ID_LEN + 1])
{
	uint64_t number = atomic_fetch_add(&server->requests, 1);

	number = (number ^ (number >> 30)) * 0xbf58476d1ce4e5b9;
	number = (number ^ (number >> 27)) * 0x94d049bb133111eb;
	number ^= number >> 31;

	text_to_hex(&number, sizeof(number), id);
}

/* What is about no bucket always is; a copy as what it reads, too. */
static bool
is_audited(const struct request *request)
{
	const struct bucket *source = &request->access.source;

	return request->bucket.ino == 0 ||
	       audit_choice_of_bucket(request->store, &request->bucket) ||
	       (source->ino != 0 &&
		       audit_choice_of_bucket(request->store, source));
}

void
request_handle(struct http_request *http, struct http_response *response,
	void *context)
{
	struct server *server = context;
	struct request request = {
		.server = server,
		.store = server->store,
		.policies = server->policies,
		.sigv4 = server->sigv4,
		.clerk = server->clerk,
		.http = http,
		.response = response,
		.arena = http->arena,
	};
	int64_t started_ns = clock_monotonic_ns();

	make_id(server, request.id);
	if (serve(&request))
		reply_error(&request);
	if (server->audit && is_audited(&request))
		request_audit(&request, server->audit, started_ns);
	if (server->access_log)
		request_log(&request, server->access_log, started_ns);
	sigv4_caller_wipe(&request.caller);
	sse_c_wipe_headers(http);
	sse_c_wipe_headers(request.http); /* those of a form */
	log_request(&request, started_ns);
	access_end(&request.access);
}

static enum s3_error
error_of_status(unsigned int status)
{
	switch (status) {
	case 408:
		return S3_REQUEST_TIMEOUT;
	case 414:
		return S3_URI_TOO_LONG;
	case 431:
		return S3_REQUEST_HEADER_TOO_LARGE;
	case 500:
		return S3_INTERNAL_ERROR;
	case 501:
		return S3_NOT_IMPLEMENTED;
	case 503:
		return S3_SLOW_DOWN;
	default:
		return S3_BAD_REQUEST;
	}
}

/* 408 and the like carry S3's document too, since SDKs parse it. */
void
request_refuse(struct http_response *response, unsigned int status,
	const char *reason, void *context)
{
	char id[REQUEST_ID_LEN + 1];
	scoped(buffer_free) struct buffer body = {0};

	make_id(context, id);
	xml_writer_begin_plain(&body, "Error");
	xml_writer_str(&body, "Code", error_code(error_of_status(status)));
	xml_writer_str(&body, "Message", reason);
	xml_writer_str(&body, "RequestId", id);
	xml_writer_close(&body, "Error");
	http_reply_begin(response, status);
	http_reply_header_str(response, "x-amz-request-id", id);
	http_reply_header_str(response, "content-type", "application/xml");
	if (http_reply_body(response, buffer_slice(&body)))
		log_debug("request %s: refusal not sent", id);
}
