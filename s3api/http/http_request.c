/* SPDX-License-Identifier: Apache-2.0 */
#include "s3api/http/http_request.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include "store/base/text.h"

struct slice
http_request_header(const struct http_request *request, const char *name)
{
	struct slice wanted = slice_str(name);

	for (size_t i = 0; i < request->header_count; i++) {
		if (slice_equal(request->headers[i].name, wanted))
			return request->headers[i].value;
	}
	return SLICE_NULL;
}

struct slice
http_request_last_header(const struct http_request *request, const char *name)
{
	struct slice wanted = slice_str(name);

	for (size_t i = request->header_count; i > 0; i--) {
		if (slice_equal(request->headers[i - 1].name, wanted))
			return request->headers[i - 1].value;
	}
	return SLICE_NULL;
}

size_t
http_request_header_count(const struct http_request *request, const char *name)
{
	struct slice wanted = slice_str(name);
	size_t count = 0;

	for (size_t i = 0; i < request->header_count; i++)
		count += slice_equal(request->headers[i].name, wanted);
	return count;
}

/* A slice without anything encoded is its own decoding. */
static enum store_err
decode(const struct http_request *request, struct slice raw, bool is_query,
	struct slice *out)
{
	struct buffer decoded = {0};
	bool is_plain = slice_find_char(raw, '%') < 0 &&
			(!is_query || slice_find_char(raw, '+') < 0);

	*out = raw;
	if (is_plain)
		return STORE_OK;
	bool is_fine = text_percent_decode(&decoded, raw, is_query);
	if (is_fine)
		*out = arena_copy(request->arena, buffer_slice(&decoded));
	buffer_free(&decoded);
	return is_fine ? STORE_OK : STORE_INVALID;
}

enum store_err
http_request_decode_path(const struct http_request *request, struct slice *out)
{
	return decode(request, request->path, false, out);
}

static size_t
count_params(struct slice query)
{
	size_t count = 1;

	for (size_t i = 0; i < query.len; i++)
		count += query.data[i] == '&';
	return count;
}

static enum store_err
decode_param(const struct http_request *request, struct slice piece,
	struct http_param *param)
{
	ptrdiff_t mark = slice_find_char(piece, '=');

	param->raw_name = mark < 0 ? piece : slice_first(piece, (size_t)mark);
	param->raw_value = mark < 0 ? slice_from(piece, piece.len)
				    : slice_from(piece, (size_t)mark + 1);
	enum store_err err =
		decode(request, param->raw_name, true, &param->name);
	if (!err)
		err = decode(request, param->raw_value, true, &param->value);
	return err;
}

enum store_err
http_request_decode_query(const struct http_request *request,
	const struct http_param **out, size_t *count)
{
	struct slice rest = request->query;
	struct slice piece;
	struct http_param *params = arena_new_array(request->arena,
		count_params(rest), struct http_param);
	size_t found = 0;

	while (slice_split(&rest, '&', &piece)) {
		/* "a&&b" and "a&" hold nothing between. */
		if (piece.len == 0)
			continue;
		enum store_err err =
			decode_param(request, piece, &params[found]);
		if (err)
			return err;
		found++;
	}
	*out = params;
	*count = found;
	return STORE_OK;
}

struct slice
http_request_peer_address(const struct http_request *request)
{
	char text[INET6_ADDRSTRLEN] = "";

	if (request->peer.ss_family == AF_INET) {
		const struct sockaddr_in *v4 =
			(const struct sockaddr_in *)&request->peer;

		inet_ntop(AF_INET, &v4->sin_addr, text, sizeof(text));
	} else if (request->peer.ss_family == AF_INET6) {
		const struct in6_addr *v6 =
			&((const struct sockaddr_in6 *)&request->peer)
				 ->sin6_addr;
		bool is_mapped = IN6_IS_ADDR_V4MAPPED(v6);

		inet_ntop(is_mapped ? AF_INET : AF_INET6,
			is_mapped ? &v6->s6_addr[12] : v6->s6_addr, text,
			sizeof(text));
	}
	return arena_copy(request->arena, slice_str(text));
}
