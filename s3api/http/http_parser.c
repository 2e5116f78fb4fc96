/* SPDX-License-Identifier: Apache-2.0 */
#include "s3api/http/http_parser.h"

#include <assert.h>
#include <string.h>

/* Chunk headers, extensions and trailers without a byte of data. */
#define OVERHEAD_MAX (16 * 1024)

static struct http_parser *
parser_of(llhttp_t *llhttp)
{
	return container_of(llhttp, struct http_parser, llhttp);
}

/* Pieces of one token follow each other, as the feeds do. */
static int
extend(struct slice *token, const char *at, size_t len)
{
	if (!token->data)
		*token = slice_of(at, 0);
	if (token->data + token->len != at)
		return HPE_USER;
	token->len += len;
	return HPE_OK;
}

static int
on_method(llhttp_t *llhttp, const char *at, size_t len)
{
	return extend(&parser_of(llhttp)->method, at, len);
}

static int
on_url(llhttp_t *llhttp, const char *at, size_t len)
{
	return extend(&parser_of(llhttp)->target, at, len);
}

static int
on_header_field(llhttp_t *llhttp, const char *at, size_t len)
{
	struct http_parser *parser = parser_of(llhttp);

	if (parser->header_count == 0 || parser->is_in_value) {
		if (parser->header_count == parser->header_max)
			return HPE_USER;
		parser->headers[parser->header_count++] =
			(struct http_header){0};
		parser->is_in_value = false;
	}
	return extend(&parser->headers[parser->header_count - 1].name, at, len);
}

static int
on_header_value(llhttp_t *llhttp, const char *at, size_t len)
{
	struct http_parser *parser = parser_of(llhttp);

	if (parser->header_count == 0)
		return HPE_USER;
	parser->is_in_value = true;
	return extend(&parser->headers[parser->header_count - 1].value, at,
		len);
}

static int
on_header_end(llhttp_t *llhttp)
{
	parser_of(llhttp)->is_in_value = true; /* also of an empty value */
	return HPE_OK;
}

static int
on_headers_end(llhttp_t *llhttp)
{
	(void)llhttp;
	return HPE_PAUSED;
}

static const llhttp_settings_t header_settings = {
	.on_method = on_method,
	.on_url = on_url,
	.on_header_field = on_header_field,
	.on_header_value = on_header_value,
	.on_header_value_complete = on_header_end,
	.on_headers_complete = on_headers_end,
};

void
http_parser_begin(struct http_parser *parser, struct http_header *headers,
	size_t header_max)
{
	*parser = (struct http_parser){
		.headers = headers,
		.header_max = header_max,
	};
	llhttp_init(&parser->llhttp, HTTP_REQUEST, &header_settings);
}

static enum http_parser_state
refuse(struct http_parser *parser, unsigned int status, const char *reason)
{
	parser->state = HTTP_PARSER_BAD;
	parser->status = status;
	parser->reason = reason;
	return parser->state;
}

static enum http_parser_state
refuse_malformed(struct http_parser *parser)
{
	const char *reason = llhttp_get_error_reason(&parser->llhttp);

	if (llhttp_get_errno(&parser->llhttp) == HPE_USER &&
		parser->header_count == parser->header_max)
		return refuse(parser, 431, "too many header fields");
	if (llhttp_get_errno(&parser->llhttp) == HPE_INVALID_VERSION)
		return refuse(parser, 505, "not HTTP/1.0 or HTTP/1.1");
	return refuse(parser, 400,
		reason && *reason ? reason : "the request is malformed");
}

enum http_parser_state
http_parser_feed(struct http_parser *parser, char *bytes, size_t len,
	size_t *used)
{
	*used = len;
	if (parser->state != HTTP_PARSER_MORE)
		return parser->state;

	llhttp_errno_t err = llhttp_execute(&parser->llhttp, bytes, len);
	if (err == HPE_OK)
		return parser->state;
	if (err != HPE_PAUSED)
		return refuse_malformed(parser);
	*used = (size_t)(llhttp_get_error_pos(&parser->llhttp) - bytes);
	parser->state = HTTP_PARSER_DONE;
	return parser->state;
}

bool
http_parser_is_in_target(const struct http_parser *parser)
{
	return parser->header_count == 0;
}

/* "METHOD target HTTP/1.x CRLF", with single spaces. */
static bool
check_request_line(const struct http_parser *parser, const char *header_end,
	struct http_request *request)
{
	const char *end = parser->target.data + parser->target.len;

	if (header_end - end < 11 ||
		parser->method.data + parser->method.len + 1 !=
			parser->target.data ||
		memcmp(end, " HTTP/1.", 8) != 0 ||
		memcmp(end + 9, "\r\n", 2) != 0)
		return false;
	if (end[8] != '0' && end[8] != '1')
		return false;
	request->is_http_1_0 = end[8] == '0';
	return true;
}

/*
 * Every line ends in CRLF, none is folded, and there is no NUL: llhttp says
 * so too, but all of smuggling hangs on it.
 */
static bool
check_lines(struct http_parser *parser, const char *end)
{
	const char *byte = parser->target.data + parser->target.len;

	for (; byte < end; byte++) {
		if (*byte == '\0')
			return false;
		if (*byte == '\n' && byte[-1] != '\r')
			return false;
		if (*byte == '\r' && (byte + 1 == end || byte[1] != '\n'))
			return false;
		if (*byte == '\n' && byte + 1 < end &&
			(byte[1] == ' ' || byte[1] == '\t'))
			return false;
	}
	return true;
}

static void
lower(struct slice name)
{
	char *bytes = (char *)name.data;

	for (size_t i = 0; i < name.len; i++) {
		if (bytes[i] >= 'A' && bytes[i] <= 'Z')
			bytes[i] = (char)(bytes[i] | 0x20);
	}
}

static void
set_method(struct http_request *request)
{
	static const char *const names[] = {
		[HTTP_METHOD_GET] = "GET",
		[HTTP_METHOD_HEAD] = "HEAD",
		[HTTP_METHOD_PUT] = "PUT",
		[HTTP_METHOD_POST] = "POST",
		[HTTP_METHOD_DELETE] = "DELETE",
		[HTTP_METHOD_OPTIONS] = "OPTIONS",
	};

	request->method = HTTP_METHOD_OTHER;
	for (size_t i = 0; i < array_len(names); i++) {
		if (slice_equal(request->method_name, slice_str(names[i])))
			request->method = (enum http_method)i;
	}
}

/* Cuts "http://host" off the front; false where there is no such thing. */
static bool
split_absolute(struct slice *target, struct slice *host)
{
	static const struct slice schemes[] = {
		{"http://", 7},
		{"https://", 8},
	};

	for (size_t i = 0; i < array_len(schemes); i++) {
		struct slice first = slice_first(*target, schemes[i].len);

		if (!slice_equal_nocase(first, schemes[i]))
			continue;
		struct slice rest = slice_from(*target, schemes[i].len);
		size_t len = 0;

		while (len < rest.len && rest.data[len] != '/' &&
			rest.data[len] != '?')
			len++;
		*host = slice_first(rest, len);
		*target = slice_from(rest, len);
		return host->len > 0;
	}
	return false;
}

/* RFC 9112 §3.2: origin, absolute and asterisk form. */
static bool
set_target(struct http_request *request)
{
	struct slice rest = request->target;

	for (size_t i = 0; i < rest.len; i++) {
		if ((unsigned char)rest.data[i] <= ' ' || rest.data[i] == '#' ||
			rest.data[i] == 0x7f)
			return false;
	}
	if (slice_equal(rest, SLICE("*"))) {
		request->path = rest;
		return request->method == HTTP_METHOD_OPTIONS;
	}
	if (!slice_has_prefix(rest, SLICE("/")) &&
		!split_absolute(&rest, &request->host))
		return false;

	ptrdiff_t mark = slice_find_char(rest, '?');
	request->has_query = mark >= 0;
	request->path = mark < 0 ? rest : slice_first(rest, (size_t)mark);
	request->query =
		mark < 0 ? SLICE_NULL : slice_from(rest, (size_t)mark + 1);
	if (request->path.len == 0)
		request->path = SLICE("/");
	return true;
}

static bool
is_host(struct slice host)
{
	for (size_t i = 0; i < host.len; i++) {
		char c = host.data[i];
		bool is_fine = (c >= 'a' && c <= 'z') ||
			       (c >= 'A' && c <= 'Z') ||
			       (c >= '0' && c <= '9') || strchr("-._~:[]%", c);

		if (!is_fine || c == '\0')
			return false;
	}
	return true;
}

static bool
set_host(struct http_request *request)
{
	size_t count = http_request_header_count(request, "host");

	if (count > 1 || (count == 0 && !request->is_http_1_0))
		return false;
	struct slice host = http_request_header(request, "host");

	/* An absolute target has said it already, and both are the same: RFC
	 * 9112 §3.2.2.  One of them is signed, the other must not count. */
	if (!request->host.data)
		request->host = host;
	else if (count > 0 && !slice_equal_nocase(host, request->host))
		return false;
	return is_host(request->host);
}

static enum http_parser_state
set_body(struct http_parser *parser, struct http_request *request)
{
	size_t lengths = http_request_header_count(request, "content-length");
	size_t codings =
		http_request_header_count(request, "transfer-encoding");
	struct slice length = http_request_header(request, "content-length");
	struct slice coding = http_request_header(request, "transfer-encoding");
	unsigned long value = 0;

	if (lengths + codings > 1)
		return refuse(parser, 400, "the length is given twice");
	if (codings && request->is_http_1_0)
		return refuse(parser, 400, "HTTP/1.0 has no Transfer-Encoding");
	if (codings && !slice_equal_nocase(coding, SLICE("chunked")))
		return refuse(parser, 501, "only chunked is known");
	if (lengths && !slice_to_u64(length, INT64_MAX, &value))
		return refuse(parser, 400, "the Content-Length is malformed");
	request->has_body = codings || value;
	request->is_length_known = !codings;
	request->content_length = value;
	return parser->state;
}

enum http_parser_state
http_parser_finish(struct http_parser *parser, struct http_request *request)
{
	const char *end = llhttp_get_error_pos(&parser->llhttp);

	assert(parser->state == HTTP_PARSER_DONE);
	request->method_name = parser->method;
	request->target = parser->target;
	request->headers = parser->headers;
	request->header_count = parser->header_count;
	set_method(request);
	if (!check_request_line(parser, end, request))
		return refuse(parser, 400, "the request line is malformed");
	if (!check_lines(parser, end))
		return refuse(parser, 400, "a header line is malformed");
	for (size_t i = 0; i < parser->header_count; i++) {
		struct http_header *header = &parser->headers[i];

		lower(header->name);
		header->value = slice_trim(header->value);
	}
	if (!set_target(request))
		return refuse(parser, 400, "the request target is malformed");
	if (!set_host(request))
		return refuse(parser, 400, "the Host header is malformed");
	return set_body(parser, request);
}

static int
on_body(llhttp_t *llhttp, const char *at, size_t len)
{
	struct http_parser *parser = parser_of(llhttp);

	memcpy(parser->to + parser->got, at, len);
	parser->got += len;
	return HPE_OK;
}

static int
on_message_end(llhttp_t *llhttp)
{
	(void)llhttp;
	return HPE_PAUSED;
}

static const llhttp_settings_t chunked_settings = {
	.on_body = on_body,
	.on_message_complete = on_message_end,
};

/*
 * A parser of its own behind a header of our own, so that nothing in the
 * client's header (such as Upgrade) changes how its body is read.
 */
void
http_parser_begin_chunked(struct http_parser *parser)
{
	static const char header[] = "POST / HTTP/1.1\r\n"
				     "Transfer-Encoding: chunked\r\n\r\n";

	*parser = (struct http_parser){0};
	llhttp_init(&parser->llhttp, HTTP_REQUEST, &chunked_settings);
	llhttp_errno_t err =
		llhttp_execute(&parser->llhttp, header, sizeof(header) - 1);
	assert(err == HPE_OK);
}

enum http_parser_state
http_parser_feed_chunked(struct http_parser *parser, const char *bytes,
	size_t len, size_t *used, char *to, size_t *got)
{
	*used = len;
	*got = 0;
	if (parser->state != HTTP_PARSER_MORE)
		return parser->state;

	parser->to = to;
	parser->got = 0;
	llhttp_errno_t err = llhttp_execute(&parser->llhttp, bytes, len);
	*got = parser->got;
	if (err == HPE_PAUSED) {
		*used = (size_t)(llhttp_get_error_pos(&parser->llhttp) - bytes);
		parser->state = HTTP_PARSER_DONE;
		return parser->state;
	}
	if (err != HPE_OK)
		return refuse_malformed(parser);
	parser->overhead = *got ? 0 : parser->overhead + len;
	if (parser->overhead > OVERHEAD_MAX)
		return refuse(parser, 400, "the chunks hold too little");
	return parser->state;
}
