/* SPDX-License-Identifier: Apache-2.0 */
/*
 * S3 API: POST Object, an upload by an HTML form.  Who signed it stands in the
 * form; so the request comes here as one that nobody signed, and what it may is
 * asked here, before a byte of the file is taken.
 */
#include "s3api/auth/post_policy.h"
#include "s3api/iam/access.h"
#include "s3api/op/expiration.h"
#include "s3api/op/op.h"
#include "s3api/op/op_put.h"
#include "s3api/op/post_form.h"
#include "s3api/payer.h"
#include "s3api/reply.h"
#include "s3api/xml/xml_writer.h"
#include "store/base/clock.h"
#include "store/base/text.h"

/* --- who, and whether it may ---------------------------------------------- */

static struct sigv4_form
signature_of(const struct post_form *form)
{
	return (struct sigv4_form){
		.algorithm = post_form_field(form, "x-amz-algorithm"),
		.credential = post_form_field(form, "x-amz-credential"),
		.date = post_form_field(form, "x-amz-date"),
		.signature = post_form_field(form, "x-amz-signature"),
		.token = post_form_field(form, "x-amz-security-token"),
		.policy = post_form_field(form, "policy"),
	};
}

static bool
is_signed(const struct sigv4_form *signature)
{
	return signature->algorithm.data || signature->credential.data ||
	       signature->date.data || signature->signature.data ||
	       signature->token.data || signature->policy.data;
}

/* The key with the name of the file in it: conditions are about that. */
static struct post_policy_form
expanded(const struct request *request, struct post_form *form)
{
	for (size_t i = 0; i < form->field_count; i++) {
		if (slice_equal(form->fields[i].name, SLICE("key")))
			form->fields[i].value = request->key;
	}
	return (struct post_policy_form){
		.bucket = request->bucket_name,
		.fields = form->fields,
		.field_count = form->field_count,
	};
}

static enum s3_error
authenticate(struct request *request, struct post_form *form,
	struct post_policy_range *range)
{
	const struct sigv4_form signature = signature_of(form);
	int64_t now_ns = clock_now_ns();
	enum s3_error error;

	*range = (struct post_policy_range){0, UINT64_MAX};
	request->caller = (struct sigv4_caller){0};
	if (post_form_field(form, "awsaccesskeyid").data)
		return error_set(&request->report, S3_INVALID_REQUEST,
			"The authorization mechanism you have provided is not "
			"supported. Please use AWS4-HMAC-SHA256.");
	if (!is_signed(&signature))
		return S3_OK;
	error = request_authenticate_form(request, &signature);
	if (error)
		return error;

	const struct post_policy_form fields = expanded(request, form);

	return post_policy_check(signature.policy, &fields, now_ns,
		request->arena, range, &request->report);
}

static enum s3_error
authorize(struct request *request)
{
	if (!request->access.caller.is_anonymous &&
		!level_allows(request->caller.token.level, LEVEL_WRITE))
		return error_set(&request->report, S3_ACCESS_DENIED, NULL);
	return access_check_action(request, POLICY_ACTION_PUT_OBJECT);
}

/* --- replies -------------------------------------------------------------- */

static struct slice
location_of(const struct request *request)
{
	const struct http_request *http = request->http;
	scoped(buffer_free) struct buffer url = {0};

	buffer_printf(&url, "%s://%.*s",
		request_is_secure(request) ? "https" : "http",
		(int)http->host.len, http->host.data);
	buffer_append(&url, http->path);
	if (!slice_has_suffix(http->path, SLICE("/")))
		buffer_append_char(&url, '/');
	text_percent_encode(&url, request->key, true);
	return arena_copy(request->arena, buffer_slice(&url));
}

/* False: there is nowhere to go. */
static bool
redirect(struct request *request, const struct post_form *form,
	const char *etag)
{
	struct slice to = post_form_field(form, "success_action_redirect");
	scoped(buffer_free) struct buffer url = {0};

	if (!to.data)
		to = post_form_field(form, "redirect");
	if (!slice_has_prefix(to, SLICE("http://")) &&
		!slice_has_prefix(to, SLICE("https://")))
		return false;
	buffer_append(&url, to);
	buffer_append_str(&url,
		slice_find_char(to, '?') < 0 ? "?bucket=" : "&bucket=");
	buffer_append(&url, request->bucket_name);
	buffer_append_str(&url, "&key=");
	text_percent_encode(&url, request->key, true);
	buffer_printf(&url, "&etag=%%22%s%%22", etag);
	reply_status(request, 303);
	http_reply_header(request->response, "location", buffer_slice(&url));
	reply_empty(request, 303);
	return true;
}

static void
reply_created(struct request *request, const struct object *object,
	struct slice location)
{
	scoped(buffer_free) struct buffer body = {0};

	xml_writer_begin_plain(&body, "PostResponse");
	xml_writer_text(&body, "Location", location);
	xml_writer_text(&body, "Bucket", request->bucket_name);
	xml_writer_text(&body, "Key", request->key);
	xml_writer_etag(&body, &object->inode.etag);
	xml_writer_close(&body, "PostResponse");
	reply_xml(request, &body);
}

static void
reply_stored(struct request *request, const struct post_form *form,
	const struct sse_c *sse_c, const struct object *object)
{
	struct slice wanted = post_form_field(form, "success_action_status");
	unsigned int status = slice_equal(wanted, SLICE("200"))	  ? 200
			      : slice_equal(wanted, SLICE("201")) ? 201
								  : 204;
	struct slice location = location_of(request);
	char etag[INODE_ETAG_TEXT_LEN + 1];

	inode_etag_text(&object->inode.etag, etag);
	if (redirect(request, form, etag))
		return;
	reply_status(request, status);
	reply_etag(request, &object->inode.etag);
	reply_version(request, object);
	expiration_reply_new(request);
	sse_c_reply(request, sse_c);
	http_reply_header(request->response, "location", location);
	if (status == 201)
		reply_created(request, object, location);
	else
		reply_empty(request, status);
}

enum s3_error
op_post_object(struct request *request)
{
	struct post_form *form = arena_new(request->arena, struct post_form);
	scoped(sse_c_wipe) struct sse_c sse_c = {0};
	struct post_policy_range range;
	struct checksum checksum;
	struct object object;
	enum s3_error error = S3_OK;

	if (!request->access.caller.is_anonymous)
		return error_set(&request->report, S3_INVALID_REQUEST,
			"A form is signed by its fields and by nothing else.");
	error = post_form_read(request, form);
	if (!error)
		error = post_form_apply(request, form);
	if (!error)
		error = authenticate(request, form, &range);
	if (!error)
		error = payer_check(request, &request->bucket);
	if (!error)
		error = authorize(request);
	if (error)
		return error;

	const struct op_put_source source = {
		.form = &form->multipart,
		.min = range.min,
		.max = range.max,
	};

	error = op_put_store(request, &source, &sse_c, &object, &checksum);
	if (!error)
		reply_stored(request, form, &sse_c, &object);
	return error;
}
