/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The canonical request as S3 wants it: the path is encoded once and never
 * normalised; both path and query are decoded and encoded anew, so that it
 * does not matter how a client or a proxy chose to write them.
 */
#include <stdlib.h>

#include "s3api/auth/sigv4_private.h"
#include "store/base/text.h"

#define SIGNED_HEADERS_MAX 128

/* --- which headers are signed --------------------------------------------- */

static bool
is_signed(const struct sigv4_claim *claim, struct slice name)
{
	struct slice rest = claim->signed_headers;
	struct slice piece;

	while (slice_split(&rest, ';', &piece))
		if (slice_equal(piece, name))
			return true;
	return false;
}

/*
 * A name listed twice would put its value into the canonical request twice:
 * a few kilobytes of names could make megabytes of it.
 */
static bool
has_repeats(const struct sigv4_claim *claim)
{
	struct slice seen[SIGNED_HEADERS_MAX];
	struct slice rest = claim->signed_headers;
	size_t count = 0;

	while (slice_split(&rest, ';', &seen[count])) {
		for (size_t i = 0; i < count; i++)
			if (slice_equal(seen[i], seen[count]))
				return true;
		if (++count == SIGNED_HEADERS_MAX)
			return true;
	}
	return false;
}

static enum s3_error
not_signed(const struct http_request *request, struct error_report *report,
	struct slice names)
{
	enum s3_error error = error_set(report, S3_ACCESS_DENIED,
		"There were headers present in the request which were not "
		"signed");

	error_add(report, "HeadersNotSigned",
		arena_copy(request->arena, names));
	return error;
}

enum s3_error
sigv4_canonical_check_headers(const struct http_request *request,
	const struct sigv4_claim *claim, struct error_report *report)
{
	scoped(buffer_free) struct buffer missing = {0};

	if (has_repeats(claim))
		return sigv4_claim_malformed(claim, request->arena, report,
			"the list of signed headers is too long or names one "
			"twice.");
	if (!is_signed(claim, SLICE("host")))
		buffer_append(&missing, SLICE("host"));
	for (size_t i = 0; i < request->header_count; i++) {
		struct slice name = request->headers[i].name;

		if (!slice_has_prefix(name, SLICE("x-amz-")) ||
			is_signed(claim, name))
			continue;
		if (missing.len)
			buffer_append(&missing, SLICE(", "));
		buffer_append(&missing, name);
	}
	if (missing.len)
		return not_signed(request, report, buffer_slice(&missing));
	return S3_OK;
}

/* --- headers -------------------------------------------------------------- */

static bool
has_runs_of_spaces(struct slice value)
{
	for (size_t i = 0; i < value.len; i++)
		if (value.data[i] == '\t' ||
			(value.data[i] == ' ' && i + 1 < value.len &&
				value.data[i + 1] == ' '))
			return true;
	return false;
}

/* Trimmed; spaces that follow each other become one. */
static void
append_value(struct buffer *to, struct slice value)
{
	bool was_space = false;

	value = slice_trim(value);
	if (!has_runs_of_spaces(value)) {
		buffer_append(to, value);
		return;
	}
	for (size_t i = 0; i < value.len; i++) {
		bool is_space = value.data[i] == ' ' || value.data[i] == '\t';

		if (!is_space)
			buffer_append_char(to, value.data[i]);
		else if (!was_space)
			buffer_append_char(to, ' ');
		was_space = is_space;
	}
}

static void
append_header(struct buffer *to, const struct http_request *request,
	struct slice name)
{
	bool is_found = false;

	buffer_append(to, name);
	buffer_append_char(to, ':');
	for (size_t i = 0; i < request->header_count; i++) {
		if (!slice_equal(request->headers[i].name, name))
			continue;
		if (is_found)
			buffer_append_char(to, ',');
		append_value(to, request->headers[i].value);
		is_found = true;
	}
	/* The host may have come in the target: GET http://host/path. */
	if (!is_found && slice_equal(name, SLICE("host")))
		buffer_append(to, request->host);
	buffer_append_char(to, '\n');
}

static void
append_headers(struct buffer *to, const struct http_request *request,
	const struct sigv4_claim *claim)
{
	struct slice rest = claim->signed_headers;
	struct slice name;

	while (slice_split(&rest, ';', &name))
		append_header(to, request, name);
	buffer_append_char(to, '\n');
	buffer_append(to, claim->signed_headers);
	buffer_append_char(to, '\n');
}

/* --- query ---------------------------------------------------------------- */

struct pair {
	struct slice name;
	struct slice value;
};

static int
compare_pairs(const void *a, const void *b)
{
	const struct pair *first = a;
	const struct pair *second = b;
	int order = slice_compare(first->name, second->name);

	return order ? order : slice_compare(first->value, second->value);
}

static struct slice
encode(const struct http_request *request, struct buffer *scratch,
	struct slice text)
{
	buffer_clear(scratch);
	text_percent_encode(scratch, text, false);
	return arena_copy(request->arena, buffer_slice(scratch));
}

static void
append_query(struct buffer *to, const struct http_request *request,
	const struct sigv4_claim *claim)
{
	scoped(buffer_free) struct buffer scratch = {0};
	struct pair *pairs;
	size_t count = 0;

	if (claim->param_count == 0)
		return;
	pairs = arena_new_array(request->arena, claim->param_count,
		struct pair);
	for (size_t i = 0; i < claim->param_count; i++) {
		const struct http_param *param = &claim->params[i];

		if (claim->is_presigned &&
			slice_equal(param->name, SLICE("X-Amz-Signature")))
			continue;
		pairs[count++] = (struct pair){
			encode(request, &scratch, param->name),
			encode(request, &scratch, param->value),
		};
	}
	qsort(pairs, count, sizeof(pairs[0]), compare_pairs);
	for (size_t i = 0; i < count; i++) {
		if (i)
			buffer_append_char(to, '&');
		buffer_append(to, pairs[i].name);
		buffer_append_char(to, '=');
		buffer_append(to, pairs[i].value);
	}
}

/* --- the whole ------------------------------------------------------------ */

enum s3_error
sigv4_canonical_request(const struct http_request *request,
	const struct sigv4_claim *claim, struct buffer *to,
	struct error_report *report)
{
	struct slice path;

	if (http_request_decode_path(request, &path))
		return error_set(report, S3_INVALID_URI, NULL);
	buffer_reserve(to, 1024);
	buffer_append(to, request->method_name);
	buffer_append_char(to, '\n');
	text_percent_encode(to, path, true);
	buffer_append_char(to, '\n');
	append_query(to, request, claim);
	buffer_append_char(to, '\n');
	append_headers(to, request, claim);
	buffer_append(to, claim->payload);
	return S3_OK;
}
