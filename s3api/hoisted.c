/* SPDX-License-Identifier: Apache-2.0 */
#include "s3api/hoisted.h"

#include <ctype.h>

#include "store/base/text.h"

/* Of the signature itself, and of none of its signers' headers. */
static bool
is_header(struct slice name)
{
	static const char *const others[] = {
		"x-amz-algorithm",
		"x-amz-content-sha256",
		"x-amz-credential",
		"x-amz-date",
		"x-amz-expires",
		"x-amz-sdk-checksum-algorithm",
		"x-amz-security-token",
		"x-amz-signature",
		"x-amz-signedheaders",
		"x-amz-user-agent",
	};

	if (!slice_has_prefix(name, SLICE("x-amz-")) ||
		slice_has_prefix(name, SLICE("x-amz-checksum-")))
		return false;
	for (size_t i = 0; i < array_len(others); i++) {
		if (slice_equal(name, slice_str(others[i])))
			return false;
	}
	return true;
}

static struct slice
lower(struct request *request, struct slice name)
{
	char *to = arena_str(request->arena, name);

	for (size_t i = 0; i < name.len; i++)
		to[i] = (char)tolower((unsigned char)to[i]);
	return slice_of(to, name.len);
}

enum s3_error
hoisted_apply(struct request *request)
{
	struct http_request *http = request->http;
	struct http_header *headers = arena_new_array(request->arena,
		http->header_count + request->param_count, struct http_header);
	size_t count = http->header_count;

	memcpy(headers, http->headers, count * sizeof(*headers));
	for (size_t i = 0; i < request->param_count; i++) {
		const struct http_param *param = &request->params[i];
		struct slice name = lower(request, param->name);

		if (!is_header(name) ||
			request_header(request, arena_str(request->arena, name))
				.data)
			continue;
		if (!text_is_lower_token(name) ||
			!text_is_header_value(param->value))
			return error_set(&request->report, S3_INVALID_ARGUMENT,
				"A parameter that stands for a header has "
				"characters that no header can have.");
		headers[count++] =
			(struct http_header){name, slice_trim(param->value)};
	}
	http->headers = headers;
	http->header_count = count;
	return S3_OK;
}
