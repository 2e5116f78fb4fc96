/* SPDX-License-Identifier: Apache-2.0 */
#include "s3api/body.h"

#include <assert.h>

#include "s3api/body_private.h"
#include "s3api/http/http_body.h"
#include "s3api/http/http_whole.h"
#include "store/base/text.h"

/* Of a body that is kept whole. */
#define WHOLE_STEP ((size_t)16 * 1024)
#define REST_PIECE                                                             \
	1024 /* of what the caller leaves unread: the end, mostly              \
	      */

/* --- failure -------------------------------------------------------------- */

/* With the report already made. */
static enum s3_error
fail_reported(struct body *body)
{
	body->error = body->report->error;
	return body->error;
}

static enum s3_error
fail(struct body *body, enum s3_error error, const char *message)
{
	error_set(body->report, error, message);
	return fail_reported(body);
}

/* What the connection had to say. */
static enum s3_error
fail_transport(struct body *body, enum store_err err)
{
	if (err == STORE_TIMED_OUT)
		return fail(body, S3_REQUEST_TIMEOUT, NULL);
	if (err == STORE_CANCELED)
		return fail(body, S3_SERVICE_UNAVAILABLE, NULL);
	if (err == STORE_INVALID && body->form)
		return fail(body, S3_MALFORMED_POST_REQUEST, NULL);
	if (err == STORE_INVALID)
		return fail(body, S3_INCOMPLETE_BODY,
			"The body's chunks are malformed.");
	if (err == STORE_CLOSED)
		return fail(body, S3_INCOMPLETE_BODY, NULL);
	return fail(body, S3_INTERNAL_ERROR, NULL);
}

/* --- digests -------------------------------------------------------------- */

/* Each kind once, however many ask for it. */
static void
want(struct body *body, enum digest_kind kind)
{
	for (size_t i = 0; i < body->digest_count; i++)
		if (body->digests[i].kind == kind)
			return;
	assert(body->digest_count < BODY_DIGESTS_MAX);
	digest_init(&body->digests[body->digest_count++], kind);
}

static void
want_all(struct body *body)
{
	const struct checksum_request *asked = &body->asked;

	if (body->wants_md5 || asked->has_md5)
		want(body, DIGEST_MD5);
	if (body->caller->payload == SIGV4_PAYLOAD_SHA256)
		want(body, DIGEST_SHA256);
	if (asked->given.kind)
		want(body, asked->given.kind);
	if (asked->trailer)
		want(body, asked->trailer);
	if (body->kind)
		want(body, body->kind);
}

/* --- beginning ------------------------------------------------------------ */

static bool
is_chunked(const struct sigv4_caller *caller)
{
	return caller->payload == SIGV4_PAYLOAD_CHUNKS ||
	       caller->payload == SIGV4_PAYLOAD_CHUNKS_TRAILER ||
	       caller->payload == SIGV4_PAYLOAD_UNSIGNED_TRAILER;
}

/* Else the frames would become bytes of the object. */
static bool
is_framed_unsaid(const struct body *body)
{
	struct slice encodings =
		http_request_header(body->request, "content-encoding");
	struct slice encoding;

	if (is_chunked(body->caller) || !http_request_header(body->request,
						"x-amz-decoded-content-length")
						 .data)
		return false;
	while (slice_split(&encodings, ',', &encoding))
		if (slice_equal_nocase(slice_trim(encoding),
			    SLICE("aws-chunked")))
			return true;
	return false;
}

static enum s3_error
read_length(struct body *body)
{
	struct slice text = http_request_header(body->request,
		"x-amz-decoded-content-length");
	unsigned long length;

	if (body->form)
		return S3_OK;
	if (!body->chunked) {
		body->is_length_known = body->request->is_length_known;
		body->length = body->request->content_length;
		return S3_OK;
	}
	if (!text.data)
		return S3_OK;
	if (!slice_to_u64(text, INT64_MAX, &length))
		return fail(body, S3_INVALID_ARGUMENT,
			"Value for x-amz-decoded-content-length header is "
			"invalid.");
	body->is_length_known = true;
	body->length = length;
	return S3_OK;
}

/*
 * A request without Content-Length counts as one of length 0 for HTTP; for S3
 * it must say so.
 */
static bool
is_length_missing(const struct body *body)
{
	if (!body->is_length_known)
		return true;
	return !body->chunked && !body->request->has_body &&
	       !http_request_header_count(body->request, "content-length");
}

static enum digest_kind
choose_kind(const struct body *body, const struct body_options *options)
{
	if (options->kind)
		return options->kind;
	if (body->asked.asked)
		return body->asked.asked;
	return options->default_kind;
}

enum s3_error
body_begin(struct body *body, struct http_request *request,
	const struct sigv4_caller *caller, const struct body_options *options,
	struct error_report *report)
{
	*body = (struct body){
		.request = request,
		.caller = caller,
		.report = report,
		.max = options->max || options->takes_nothing ? options->max
							      : UINT64_MAX,
		.wants_md5 = options->wants_md5,
		.form = options->form,
	};
	if (is_framed_unsaid(body))
		return fail(body, S3_INVALID_ARGUMENT,
			"A body in aws-chunked needs an x-amz-content-sha256 "
			"that begins with STREAMING-.");
	if (is_chunked(caller)) {
		body->chunked = arena_new(request->arena, struct aws_chunked);
		aws_chunked_begin(body->chunked, caller);
	}
	if (read_length(body))
		return body->error;
	if (options->wants_length && is_length_missing(body))
		return fail(body, S3_MISSING_CONTENT_LENGTH, NULL);
	if (body->is_length_known && body->length > body->max)
		return fail(body, S3_ENTITY_TOO_LARGE, NULL);
	if (!options->ignores_checksum &&
		checksum_parse(request, &body->asked, report))
		return fail_reported(body);
	if (body->asked.trailer &&
		(!body->chunked || !body->chunked->has_trailer))
		return fail(body, S3_INVALID_REQUEST,
			"The x-amz-trailer header needs a payload with a "
			"trailer.");
	body->kind = choose_kind(body, options);
	want_all(body);
	return S3_OK;
}

void
body_free(struct body *body)
{
	if (body->chunked)
		aws_chunked_end(body->chunked);
	for (size_t i = 0; i < body->digest_count; i++)
		digest_free(&body->digests[i]);
	body->digest_count = 0;
}

/* --- reading -------------------------------------------------------------- */

/* minio's clients send no chunk, not even the last, where they have no bytes.
 */
static bool
is_nothing(const struct body *body)
{
	return !body->request->has_body && body->is_length_known &&
	       body->length == 0;
}

/* Bytes as they came, without the coding of chunks around them. */
static enum s3_error
read_decoded(struct body *body, char *to, size_t len, size_t *got)
{
	size_t raw = 0;
	enum store_err err =
		body->form ? multipart_read(body->form, to, len, &raw)
			   : http_body_read(body->request, to, len, &raw);

	if (err)
		return fail_transport(body, err);
	body->is_at_end = raw == 0;
	*got = raw;
	if (!body->chunked)
		return S3_OK;
	if (body->is_at_end && body->chunked->state != AWS_CHUNKED_DONE &&
		!is_nothing(body))
		return fail(body, S3_INCOMPLETE_BODY, NULL);
	if (aws_chunked_feed(body->chunked, to, raw, got))
		return fail(body, body->chunked->error, body->chunked->message);
	return S3_OK;
}

static enum s3_error
check_length(struct body *body)
{
	if (body->got > body->max)
		return fail(body, S3_ENTITY_TOO_LARGE, NULL);
	if (!body->is_length_known)
		return S3_OK;
	if (body->got > body->length ||
		(body->is_at_end && body->got < body->length))
		return fail(body, S3_INCOMPLETE_BODY, NULL);
	return S3_OK;
}

enum s3_error
body_read_undigested(struct body *body, void *to, size_t len, size_t *got)
{
	*got = 0;
	if (body->error)
		return body->error;
	while (*got == 0 && len > 0 && !body->is_at_end) {
		if (read_decoded(body, to, len, got)) {
			*got = 0;
			return body->error;
		}
		body->got += *got;
		if (check_length(body)) {
			*got = 0;
			return body->error;
		}
	}
	return S3_OK;
}

enum s3_error
body_read(struct body *body, void *to, size_t len, size_t *got)
{
	enum s3_error error = body_read_undigested(body, to, len, got);

	for (size_t i = 0; i < body->digest_count; i++)
		digest_update(&body->digests[i], to, *got);
	return error;
}

/* --- the verdict ---------------------------------------------------------- */

static enum s3_error
check_sha256(struct body *body, const uint8_t sha256[32])
{
	char given[TEXT_HEX_LEN(32) + 1];
	char computed[TEXT_HEX_LEN(32) + 1];
	struct arena *arena = body->request->arena;

	if (body->caller->payload != SIGV4_PAYLOAD_SHA256 ||
		digest_equal(sha256, body->caller->sha256, 32))
		return S3_OK;
	text_to_hex(body->caller->sha256, 32, given);
	text_to_hex(sha256, 32, computed);
	(void)fail(body, S3_CONTENT_SHA256_MISMATCH, NULL);
	error_add(body->report, "ClientComputedContentSHA256",
		arena_copy(arena, slice_str(given)));
	error_add(body->report, "S3ComputedContentSHA256",
		arena_copy(arena, slice_str(computed)));
	return body->error;
}

static struct slice
base64(struct arena *arena, const uint8_t md5[16])
{
	char text[TEXT_BASE64_LEN(16) + 1];

	text_to_base64(md5, 16, text);
	return arena_copy(arena, slice_str(text));
}

static enum s3_error
check_md5(struct body *body)
{
	struct arena *arena = body->request->arena;

	if (!body->asked.has_md5 ||
		digest_equal(body->md5, body->asked.md5, sizeof(body->md5)))
		return S3_OK;
	(void)fail(body, S3_BAD_DIGEST, NULL);
	error_add(body->report, "ExpectedDigest",
		base64(arena, body->asked.md5));
	error_add(body->report, "CalculatedDigest", base64(arena, body->md5));
	return body->error;
}

static enum s3_error
check_checksum(struct body *body, const struct checksum *given,
	const struct checksum *computed)
{
	if (given->kind != computed->kind)
		return S3_OK;
	if (checksum_compare(given, computed, body->request->arena,
		    body->report))
		return fail_reported(body);
	return S3_OK;
}

/* The checksum that was promised to come in the trailer. */
/* A checksum that was not announced would be taken for one that was looked
 * at. */
static bool
has_unannounced(const struct body *body)
{
	const struct aws_chunked *chunked = body->chunked;
	const char *announced =
		body->asked.trailer ? checksum_header(body->asked.trailer) : "";

	for (size_t i = 0; chunked && i < chunked->trailer_count; i++) {
		struct slice name = chunked->trailers[i].name;

		if (slice_has_prefix(name, SLICE("x-amz-checksum-")) &&
			!slice_equal(name, slice_str(announced)))
			return true;
	}
	return false;
}

static enum s3_error
read_trailer(struct body *body, struct checksum *out)
{
	const char *header;
	struct slice text;

	*out = (struct checksum){0};
	if (has_unannounced(body))
		return fail(body, S3_MALFORMED_TRAILER, NULL);
	if (!body->asked.trailer)
		return S3_OK;
	header = checksum_header(body->asked.trailer);
	text = aws_chunked_trailer(body->chunked, header);
	if (!text.data)
		return fail(body, S3_MALFORMED_TRAILER, NULL);
	if (checksum_from_text(body->asked.trailer, text, out) &&
		!out->is_composite)
		return S3_OK;
	return fail(body, S3_INVALID_REQUEST,
		arena_printf(body->request->arena,
			"Value for %s trailing header is invalid.", header)
			.data);
}

/* Settles one digest against everyone who asked for its kind. */
static enum s3_error
settle(struct body *body, struct digest *digest,
	const struct checksum *in_trailer)
{
	struct checksum computed = {
		.kind = digest->kind,
		.len = (uint8_t)digest_len(digest->kind),
	};

	digest_final(digest, computed.value);
	if (computed.kind == DIGEST_MD5) {
		memcpy(body->md5, computed.value, sizeof(body->md5));
		if (check_md5(body))
			return body->error;
	}
	if (computed.kind == DIGEST_SHA256 &&
		check_sha256(body, computed.value))
		return body->error;
	if (computed.kind == body->kind)
		body->checksum = computed;
	if (check_checksum(body, &body->asked.given, &computed))
		return body->error;
	return check_checksum(body, in_trailer, &computed);
}

static enum s3_error
read_rest(struct body *body)
{
	char piece[REST_PIECE];
	size_t got = 1;

	while (got)
		if (body_read(body, piece, sizeof(piece), &got))
			return body->error;
	return S3_OK;
}

enum s3_error
body_finish(struct body *body)
{
	struct checksum in_trailer;

	if (body->error || body->is_finished)
		return body->error;
	if (read_rest(body) || read_trailer(body, &in_trailer))
		return body->error;
	for (size_t i = 0; i < body->digest_count; i++)
		if (settle(body, &body->digests[i], &in_trailer))
			return body->error;
	body->is_finished = true;
	return S3_OK;
}

struct slice
body_content_encoding(const struct http_request *request)
{
	scoped(buffer_free) struct buffer kept = {0};
	struct slice all = http_request_header(request, "content-encoding");
	struct slice rest = all;
	struct slice piece;
	bool is_all = true;

	while (slice_split(&rest, ',', &piece)) {
		piece = slice_trim(piece);
		if (slice_equal_nocase(piece, SLICE("aws-chunked"))) {
			is_all = false;
			continue;
		}
		if (!piece.len)
			continue;
		if (kept.len)
			buffer_append_char(&kept, ',');
		buffer_append(&kept, piece);
	}
	if (!kept.len)
		return SLICE_NULL;
	return is_all ? all : arena_copy(request->arena, buffer_slice(&kept));
}

enum s3_error
body_read_all(struct body *body, size_t max, struct slice *out)
{
	scoped(http_whole_free) struct http_whole whole = {
		.is_stranger = body->caller->token.access_key[0] == '\0'};
	struct buffer *bytes = &whole.bytes;
	size_t got = 1;

	*out = SLICE_NULL;
	if (body->error)
		return body->error;
	if (body->is_length_known && body->length > max)
		return fail(body, S3_MAX_MESSAGE_LENGTH, NULL);
	while (got) {
		if (http_whole_reserve(&whole, WHOLE_STEP))
			return fail(body, S3_SLOW_DOWN, NULL);
		if (body_read(body, bytes->data + bytes->len, WHOLE_STEP, &got))
			return body->error;
		bytes->len += got;
		if (bytes->len > max)
			return fail(body, S3_MAX_MESSAGE_LENGTH, NULL);
	}
	*out = arena_copy(body->request->arena, buffer_slice(bytes));
	return body_finish(body);
}
