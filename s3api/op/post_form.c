/* SPDX-License-Identifier: Apache-2.0 */
#include "s3api/op/post_form.h"

#include <ctype.h>

#include "s3api/http/http_body.h"
#include "s3api/op/tag_set.h"
#include "store/base/inode.h"
#include "store/base/text.h"
#include "store/tree.h"

#define FILENAME "${filename}"

/* --- reading -------------------------------------------------------------- */

static enum store_err
read_body(void *context, void *to, size_t len, size_t *got)
{
	return http_body_read(context, to, len, got);
}

static enum s3_error
refuse_broken(struct request *request, enum store_err err)
{
	enum s3_error error = S3_INTERNAL_ERROR;

	if (err == STORE_INVALID || err == STORE_NOT_FOUND)
		error = S3_MALFORMED_POST_REQUEST;
	else if (err == STORE_TOO_BIG)
		error = S3_MAX_POST_PRE_DATA_LENGTH;
	else if (err == STORE_TIMED_OUT)
		error = S3_REQUEST_TIMEOUT;
	else if (err == STORE_CLOSED)
		error = S3_INCOMPLETE_BODY;
	else if (err == STORE_CANCELED)
		error = S3_SERVICE_UNAVAILABLE;
	return error_set(&request->report, error, NULL);
}

static struct slice
lower_case(struct arena *arena, struct slice text)
{
	char *lower = arena_str(arena, text);

	for (size_t i = 0; i < text.len; i++)
		lower[i] = (char)tolower((unsigned char)lower[i]);
	return slice_of(lower, text.len);
}

struct slice
post_form_field(const struct post_form *form, const char *name)
{
	for (size_t i = 0; i < form->field_count; i++) {
		if (slice_equal(form->fields[i].name, slice_str(name)))
			return form->fields[i].value;
	}
	return SLICE_NULL;
}

static enum s3_error
add_field(struct request *request, struct post_form *form, struct slice name,
	struct slice value)
{
	struct slice lower = lower_case(request->arena, name);
	const char *text = arena_str(request->arena, lower);

	if (form->field_count == POST_FORM_FIELDS_MAX)
		return error_set(&request->report, S3_MAX_POST_PRE_DATA_LENGTH,
			NULL);
	if (post_form_field(form, text).data)
		return request_refuse_argument(request,
			"A field of a form may be there only once.", text,
			value);
	/* Empty is not the same as not there. */
	form->fields[form->field_count++] =
		(struct http_header){lower, value.len > 0 ? value : SLICE("")};
	return S3_OK;
}

static enum s3_error
begin(struct request *request, struct post_form *form)
{
	struct slice rest = request_header(request, "content-type");
	struct slice type;

	form->field_count = 0;
	form->filename = SLICE_NULL;
	if (multipart_begin(&form->multipart, request->arena,
		    request_header(request, "content-type"), read_body,
		    request->http))
		return S3_OK;
	if (slice_split(&rest, ';', &type) &&
		slice_equal_nocase(slice_trim(type),
			SLICE("multipart/form-data")))
		return error_set(&request->report, S3_MALFORMED_POST_REQUEST,
			NULL);
	error_set(&request->report, S3_PRECONDITION_FAILED, NULL);
	error_add(&request->report, "Condition",
		SLICE("Bucket POST must be of the enclosure-type "
		      "multipart/form-data"));
	return request->report.error;
}

enum s3_error
post_form_read(struct request *request, struct post_form *form)
{
	enum s3_error error = begin(request, form);

	while (!error) {
		struct multipart_part part;
		struct slice value;
		enum store_err err = multipart_next(&form->multipart, &part);

		if (err == STORE_NOT_FOUND)
			return request_refuse_argument(request,
				"POST requires exactly one file upload per "
				"request.",
				"file", SLICE("0"));
		if (!err && part.is_file) {
			form->filename = part.filename;
			break;
		}
		if (!err)
			err = multipart_value(&form->multipart, &value);
		error = err ? refuse_broken(request, err)
			    : add_field(request, form, part.name, value);
	}
	return error;
}

/* --- as a request --------------------------------------------------------- */

/* Fields that a PUT has as headers, by their names or how these begin. */
static const struct {
	const char *name;
	const char *header; /* NULL: the same */
	bool is_prefix;
} acting[] = {
	{"acl", "x-amz-acl", false},
	{"cache-control", NULL, false},
	{"content-disposition", NULL, false},
	{"content-encoding", NULL, false},
	{"content-language", NULL, false},
	{"content-md5", NULL, false},
	{"content-type", NULL, false},
	{"expires", NULL, false},
	{"x-amz-checksum-", NULL, true},
	{"x-amz-grant-", NULL, true},
	{"x-amz-meta-", NULL, true},
	{"x-amz-object-lock-", NULL, true},
	{"x-amz-request-payer", NULL, false},
	{"x-amz-sdk-checksum-algorithm", NULL, false},
	{"x-amz-server-side-encryption", NULL, true},
	{"x-amz-storage-class", NULL, false},
	{"x-amz-website-redirect-location", NULL, false},
};

/* Headers of the request itself that still count. */
static const char *const kept[] = {"host", "origin", "referer", "user-agent",
	"x-forwarded-for", "x-forwarded-proto"};

/* SLICE_NULL: it stands for no header. */
static struct slice
header_of(struct slice field)
{
	for (size_t i = 0; i < array_len(acting); i++) {
		struct slice name = slice_str(acting[i].name);

		if (acting[i].is_prefix ? slice_has_prefix(field, name)
					: slice_equal(field, name))
			return acting[i].header ? slice_str(acting[i].header)
						: field;
	}
	return SLICE_NULL;
}

/* The field tagging has XML; the header has it in its own form. */
static enum s3_error
make_tagging(struct request *request, struct slice xml, struct slice *out)
{
	scoped(buffer_free) struct buffer text = {0};
	struct slice tags = SLICE_NULL;
	struct inode_attr tag;
	enum s3_error error =
		tag_set_parse_xml(request, xml, TAG_SET_OBJECT_MAX, &tags);

	if (error)
		return error;
	while (inode_attr_next(&tags, &tag)) {
		if (text.len > 0)
			buffer_append_char(&text, '&');
		text_percent_encode(&text, tag.name, false);
		buffer_append_char(&text, '=');
		text_percent_encode(&text, tag.value, false);
	}
	*out = arena_copy(request->arena, buffer_slice(&text));
	return S3_OK;
}

static enum s3_error
fill_headers(struct request *request, const struct post_form *form,
	struct http_header *headers, size_t *count)
{
	for (size_t i = 0; i < form->field_count; i++) {
		struct http_header header = form->fields[i];
		const char *name = arena_str(request->arena, header.name);
		enum s3_error error = S3_OK;

		if (slice_equal(header.name, SLICE("tagging"))) {
			error = make_tagging(request, header.value,
				&header.value);
			header.name = SLICE("x-amz-tagging");
		} else {
			header.name = header_of(header.name);
			header.value = slice_trim(header.value);
		}
		if (error)
			return error;
		if (!header.name.data)
			continue;
		if (!text_is_lower_token(header.name) ||
			!text_is_header_value(header.value))
			return request_refuse_argument(request,
				"A field has characters that no header can "
				"have.",
				name, SLICE_NULL);
		headers[(*count)++] = header;
	}
	for (size_t i = 0; i < request->http->header_count; i++) {
		const struct http_header *header = &request->http->headers[i];

		for (size_t k = 0; k < array_len(kept); k++) {
			if (slice_equal(header->name, slice_str(kept[k])))
				headers[(*count)++] = *header;
		}
	}
	return S3_OK;
}

static enum s3_error
make_key(struct request *request, const struct post_form *form)
{
	scoped(buffer_free) struct buffer key = {0};
	struct slice rest = post_form_field(form, "key");
	ptrdiff_t at;

	if (rest.len == 0)
		return request_refuse_argument(request,
			"Bucket POST must contain a field named 'key'. If it "
			"is specified, please check the order of the fields.",
			"key", rest);
	while ((at = slice_find(rest, SLICE(FILENAME))) >= 0) {
		buffer_append(&key, slice_first(rest, (size_t)at));
		buffer_append(&key, form->filename);
		rest = slice_from(rest, (size_t)at + sizeof(FILENAME) - 1);
	}
	buffer_append(&key, rest);
	if (key.len > TREE_KEY_MAX)
		return error_set(&request->report, S3_KEY_TOO_LONG, NULL);
	if (key.len == 0 || !slice_is_utf8(buffer_slice(&key)) ||
		memchr(key.data, '\0', key.len))
		return request_refuse_argument(request, "Such a key cannot be.",
			"key", SLICE_NULL);
	request->key = arena_copy(request->arena, buffer_slice(&key));
	request->target = OPERATION_OBJECT;
	return S3_OK;
}

enum s3_error
post_form_apply(struct request *request, const struct post_form *form)
{
	struct http_request *http =
		arena_new(request->arena, struct http_request);
	struct http_header *headers = arena_new_array(request->arena,
		form->field_count + request->http->header_count,
		struct http_header);
	size_t count = 0;
	enum s3_error error = make_key(request, form);

	if (!error)
		error = fill_headers(request, form, headers, &count);
	if (error)
		return error;
	*http = *request->http;
	http->headers = headers;
	http->header_count = count;
	request->http = http;
	return S3_OK;
}
