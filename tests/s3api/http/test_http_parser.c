/* SPDX-License-Identifier: Apache-2.0 */
#include "s3api/http/http_parser.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>
#include <string.h>

#define HEADERS 8

/* A request parsed from one text, fed in pieces of one size. */
struct parsed {
	struct http_parser parser;
	struct http_header headers[HEADERS];
	struct http_request request;
	struct arena arena;
	char *text;
	enum http_parser_state state;
	size_t used;
};

static void
free_parsed(struct parsed *parsed)
{
	arena_free(&parsed->arena);
	free(parsed->text);
}

static void
parse(struct parsed *parsed, const char *text, size_t len, size_t piece)
{
	size_t at = 0;

	memset(parsed, 0, sizeof(*parsed));
	parsed->text = malloc(len + 1);
	memcpy(parsed->text, text, len + 1);
	parsed->request.arena = &parsed->arena;
	http_parser_begin(&parsed->parser, parsed->headers, HEADERS);
	while (at < len && parsed->state == HTTP_PARSER_MORE) {
		size_t used = 0;
		size_t more = piece < len - at ? piece : len - at;

		parsed->state = http_parser_feed(&parsed->parser,
			parsed->text + at, more, &used);
		at += used;
	}
	parsed->used = at;
	if (parsed->state == HTTP_PARSER_DONE)
		parsed->state =
			http_parser_finish(&parsed->parser, &parsed->request);
}

/* Status 0 where the text is a good request; the same in any pieces. */
static unsigned int
status_of(const char *text, size_t len)
{
	unsigned int status = 0;

	for (size_t piece = len; piece > 0; piece /= 3) {
		struct parsed parsed;

		parse(&parsed, text, len, piece);
		cr_expect(ne(int, parsed.state, HTTP_PARSER_MORE), "%s", text);
		if (piece < len)
			cr_expect(eq(u32, parsed.parser.status, status), "%s",
				text);
		status = parsed.parser.status;
		free_parsed(&parsed);
	}
	return status;
}

#define STATUS(text) status_of(text, sizeof(text) - 1)
#define LINE "GET / HTTP/1.1\r\n"
#define HOST "Host: h\r\n"

Test(http_parser, takes_a_request_apart)
{
	static const char text[] = "PUT /a%20b/c?x=1&y HTTP/1.1\r\n"
				   "HOST: example.test:9000\r\n"
				   "X-Amz-Meta-One: \t some value \t\r\n"
				   "Content-Length: 12\r\n"
				   "x-empty:\r\n\r\n"
				   "body";

	for (size_t piece = 1; piece < sizeof(text); piece++) {
		scoped(free_parsed) struct parsed parsed;
		struct http_request *request = &parsed.request;

		parse(&parsed, text, sizeof(text) - 1, piece);

		cr_assert(eq(int, parsed.state, HTTP_PARSER_DONE));
		cr_expect(eq(sz, parsed.used, sizeof(text) - 1 - 4));
		cr_expect(eq(int, request->method, HTTP_METHOD_PUT));
		cr_expect(slice_equal(request->path, SLICE("/a%20b/c")));
		cr_expect(slice_equal(request->query, SLICE("x=1&y")));
		cr_expect(slice_equal(request->host,
			SLICE("example.test:9000")));
		cr_expect(eq(sz, request->header_count, 4));
		cr_expect(slice_equal(http_request_header(request,
					      "x-amz-meta-one"),
			SLICE("some value")));
		cr_expect(eq(sz, http_request_header(request, "x-empty").len,
			0));
		cr_expect(eq(u64, request->content_length, 12));
		cr_expect(request->has_body);
		cr_expect(request->is_length_known);
	}
}

Test(http_parser, decodes_the_path_and_the_query)
{
	static const char text[] =
		"GET /b/%C3%A9+%2f?prefix=a%26b+c&&acl&=v&e= HTTP/1.1\r\n" HOST
		"\r\n";
	scoped(free_parsed) struct parsed parsed;
	const struct http_param *params = NULL;
	struct slice path;
	size_t count = 0;

	parse(&parsed, text, sizeof(text) - 1, sizeof(text));
	cr_assert(zero(int, http_request_decode_path(&parsed.request, &path)));
	cr_assert(zero(int,
		http_request_decode_query(&parsed.request, &params, &count)));

	cr_expect(slice_equal(path, SLICE("/b/\xc3\xa9+/")));
	cr_assert(eq(sz, count, 4));
	cr_expect(slice_equal(params[0].name, SLICE("prefix")));
	cr_expect(slice_equal(params[0].value, SLICE("a&b c")));
	cr_expect(slice_equal(params[0].raw_value, SLICE("a%26b+c")));
	cr_expect(slice_equal(params[1].name, SLICE("acl")));
	cr_expect(eq(sz, params[1].value.len, 0));
	cr_expect(slice_equal(params[2].value, SLICE("v")));
	cr_expect(slice_equal(params[3].name, SLICE("e")));
}

Test(http_parser, tells_of_a_broken_percent_code)
{
	static const char text[] = "GET /%4?a=%zz HTTP/1.1\r\n" HOST "\r\n";
	scoped(free_parsed) struct parsed parsed;
	const struct http_param *params = NULL;
	struct slice path;
	size_t count = 0;

	parse(&parsed, text, sizeof(text) - 1, sizeof(text));

	cr_expect(eq(int, http_request_decode_path(&parsed.request, &path),
		STORE_INVALID));
	cr_expect(eq(int,
		http_request_decode_query(&parsed.request, &params, &count),
		STORE_INVALID));
}

Test(http_parser, takes_an_absolute_target_for_the_host)
{
	static const char text[] = "GET http://real.test:80?q HTTP/1.1\r\n"
				   "Host: Real.test:80\r\n\r\n";
	scoped(free_parsed) struct parsed parsed;

	parse(&parsed, text, sizeof(text) - 1, sizeof(text));

	cr_assert(eq(int, parsed.state, HTTP_PARSER_DONE));
	cr_expect(slice_equal(parsed.request.host, SLICE("real.test:80")));
	cr_expect(slice_equal(parsed.request.path, SLICE("/")));
	cr_expect(slice_equal(parsed.request.query, SLICE("q")));
}

Test(http_parser, accepts_what_clients_send)
{
	cr_expect(eq(u32, STATUS(LINE HOST "\r\n"), 0));
	cr_expect(eq(u32, STATUS("\r\n" LINE HOST "\r\n"), 0));
	cr_expect(eq(u32, STATUS("GET / HTTP/1.0\r\n\r\n"), 0));
	cr_expect(eq(u32, STATUS("OPTIONS * HTTP/1.1\r\n" HOST "\r\n"), 0));
	cr_expect(eq(u32, STATUS("LOCK / HTTP/1.1\r\n" HOST "\r\n"), 0));
	cr_expect(eq(u32, STATUS(LINE "Host: [::1]:9000\r\n\r\n"), 0));
	cr_expect(eq(u32, STATUS(LINE "Host:\r\n\r\n"), 0));
	cr_expect(eq(u32, STATUS(LINE HOST "Content-Length: 0\r\n\r\n"), 0));
	cr_expect(eq(u32, STATUS(LINE HOST "A: \xc3\xa9\r\n\r\n"), 0));
	cr_expect(eq(u32,
		STATUS(LINE HOST "Transfer-Encoding: Chunked\r\n\r\n"), 0));
	cr_expect(eq(u32,
		STATUS(LINE HOST "Connection: Upgrade\r\n"
				 "Upgrade: h2c\r\n\r\n"),
		0));
}

/* Each of these some server in the world reads in another way. */
Test(http_parser, refuses_what_could_smuggle_a_request)
{
	cr_expect(eq(u32,
		STATUS(LINE HOST "Content-Length: 5\r\n"
				 "Transfer-Encoding: chunked\r\n\r\n"),
		400));
	cr_expect(eq(u32,
		STATUS(LINE HOST "Transfer-Encoding: chunked\r\n"
				 "Content-Length: 5\r\n\r\n"),
		400));
	cr_expect(eq(u32,
		STATUS(LINE HOST "Content-Length: 5\r\n"
				 "Content-Length: 5\r\n\r\n"),
		400));
	cr_expect(eq(u32, STATUS(LINE HOST "Content-Length: 5, 5\r\n\r\n"),
		400));
	cr_expect(eq(u32, STATUS(LINE HOST "Content-Length: +5\r\n\r\n"), 400));
	cr_expect(eq(u32, STATUS(LINE HOST "Content-Length: -5\r\n\r\n"), 400));
	cr_expect(eq(u32, STATUS(LINE HOST "Content-Length: 0x5\r\n\r\n"),
		400));
	cr_expect(eq(u32, STATUS(LINE HOST "Content-Length:\r\n\r\n"), 400));
	cr_expect(eq(u32,
		STATUS(LINE HOST
			"Content-Length: 18446744073709551616\r\n\r\n"),
		400));
	cr_expect(eq(u32, STATUS(LINE HOST "Content-Length: 5\n\r\n"), 400));
	cr_expect(eq(u32, STATUS(LINE HOST "A: b\rc: d\r\n\r\n"), 400));
	cr_expect(eq(u32, STATUS(LINE HOST "A: b\nContent-Length: 5\r\n\r\n"),
		400));
	cr_expect(eq(u32, STATUS(LINE HOST "A: b\r\n folded\r\n\r\n"), 400));
	cr_expect(eq(u32, STATUS(LINE HOST "A:\r\n\tfolded\r\n\r\n"), 400));
	cr_expect(eq(u32, STATUS(LINE " A: b\r\n" HOST "\r\n"), 400));
	cr_expect(eq(u32, STATUS(LINE HOST "Content-Length : 5\r\n\r\n"), 400));
	cr_expect(eq(u32, STATUS(LINE HOST "A\0: b\r\n\r\n"), 400));
	cr_expect(eq(u32, STATUS(LINE HOST "A: b\0c\r\n\r\n"), 400));
	cr_expect(eq(u32, STATUS(LINE HOST ": b\r\n\r\n"), 400));
	cr_expect(eq(u32, STATUS(LINE HOST "novalue\r\n\r\n"), 400));
}

Test(http_parser, refuses_transfer_codings_it_does_not_know)
{
	cr_expect(ne(u32,
		STATUS(LINE HOST "Transfer-Encoding: gzip, chunked\r\n\r\n"),
		0));
	cr_expect(ne(u32,
		STATUS(LINE HOST "Transfer-Encoding: chunked, gzip\r\n\r\n"),
		0));
	cr_expect(ne(u32,
		STATUS(LINE HOST "Transfer-Encoding: xchunked\r\n\r\n"), 0));
	cr_expect(ne(u32,
		STATUS(LINE HOST "Transfer-Encoding: chunked\r\n"
				 "Transfer-Encoding: chunked\r\n\r\n"),
		0));
	cr_expect(ne(u32,
		STATUS(LINE HOST "Transfer-Encoding: identity\r\n\r\n"), 0));
	cr_expect(ne(u32,
		STATUS("GET / HTTP/1.0\r\n"
		       "Transfer-Encoding: chunked\r\n\r\n"),
		0));
}

Test(http_parser, refuses_malformed_request_lines)
{
	cr_expect(eq(u32, STATUS("GE(T / HTTP/1.1\r\n" HOST "\r\n"), 400));
	cr_expect(eq(u32, STATUS("get / HTTP/1.1\r\n" HOST "\r\n"), 400));
	cr_expect(eq(u32, STATUS("GET  / HTTP/1.1\r\n" HOST "\r\n"), 400));
	cr_expect(eq(u32, STATUS("GET /  HTTP/1.1\r\n" HOST "\r\n"), 400));
	cr_expect(ne(u32, STATUS("GET / HTTP/1.1 \r\n" HOST "\r\n"), 0));
	cr_expect(ne(u32, STATUS("GET / HTTP/1.1\n" HOST "\r\n"), 0));
	cr_expect(eq(u32, STATUS("GET /a b HTTP/1.1\r\n" HOST "\r\n"), 400));
	cr_expect(eq(u32, STATUS("GET /a#b HTTP/1.1\r\n" HOST "\r\n"), 400));
	cr_expect(eq(u32, STATUS("GET a HTTP/1.1\r\n" HOST "\r\n"), 400));
	cr_expect(eq(u32, STATUS("GET * HTTP/1.1\r\n" HOST "\r\n"), 400));
	cr_expect(eq(u32, STATUS("GET http:///a HTTP/1.1\r\n" HOST "\r\n"),
		400));
	cr_expect(eq(u32, STATUS("GET ftp://h/a HTTP/1.1\r\n" HOST "\r\n"),
		400));
	cr_expect(eq(u32, STATUS("CONNECT h:1 HTTP/1.1\r\n" HOST "\r\n"), 400));
	cr_expect(eq(u32, STATUS("GET /\r\n\r\n"), 400));
	cr_expect(ne(u32, STATUS("GET / HTTP/0.9\r\n\r\n"), 0));
	cr_expect(eq(u32, STATUS("GET / HTTP/1.2\r\n" HOST "\r\n"), 505));
	cr_expect(ne(u32, STATUS("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), 0));
	cr_expect(ne(u32, STATUS("ANNOUNCE / RTSP/1.0\r\n\r\n"), 0));
	cr_expect(ne(u32, STATUS("\x16\x03\x01\x02\x01 TLS"), 0));
}

Test(http_parser, wants_exactly_one_host_that_is_one)
{
	cr_expect(eq(u32, STATUS(LINE "\r\n"), 400));
	cr_expect(eq(u32, STATUS(LINE HOST HOST "\r\n"), 400));
	cr_expect(eq(u32, STATUS("GET / HTTP/1.0\r\n" HOST HOST "\r\n"), 400));
	cr_expect(eq(u32, STATUS(LINE "Host: a/b\r\n\r\n"), 400));
	/* The one is signed, the other would name the bucket. */
	cr_expect(eq(u32,
		STATUS("GET http://a.test/ HTTP/1.1\r\nHost: b.test\r\n\r\n"),
		400));
	cr_expect(eq(u32,
		STATUS("GET http://a.test/ HTTP/1.1\r\nHost:\r\n\r\n"), 400));
	cr_expect(eq(u32, STATUS(LINE "Host: a b\r\n\r\n"), 400));
	cr_expect(eq(u32, STATUS(LINE "Host: a,b\r\n\r\n"), 400));
	cr_expect(eq(u32, STATUS(LINE "Host: a@b\r\n\r\n"), 400));
}

Test(http_parser, refuses_more_header_fields_than_there_is_room_for)
{
	cr_expect(eq(u32,
		STATUS(LINE HOST "a:1\r\nb:1\r\nc:1\r\nd:1\r\n"
				 "e:1\r\nf:1\r\ng:1\r\n\r\n"),
		0));
	cr_expect(eq(u32,
		STATUS(LINE HOST "a:1\r\nb:1\r\nc:1\r\nd:1\r\n"
				 "e:1\r\nf:1\r\ng:1\r\nh:1\r\n\r\n"),
		431));
}

/* The data of a chunked body fed in pieces; NULL where it is malformed. */
static char *
unchunk(const char *text, size_t len, size_t piece, size_t *used)
{
	char *data = calloc(1, len + 1);
	struct http_parser parser;
	enum http_parser_state state = HTTP_PARSER_MORE;
	size_t total = 0;

	*used = 0;
	http_parser_begin_chunked(&parser);
	while (*used < len && state == HTTP_PARSER_MORE) {
		size_t took = 0;
		size_t got = 0;
		size_t more = piece < len - *used ? piece : len - *used;

		state = http_parser_feed_chunked(&parser, text + *used, more,
			&took, data + total, &got);
		*used += took;
		total += got;
	}
	if (state == HTTP_PARSER_DONE)
		return data;
	free(data);
	return NULL;
}

Test(http_parser, puts_chunks_together_and_finds_their_end)
{
	static const char text[] = "5\r\nhello\r\n1;ext=\"v\"\r\n,\r\n"
				   "00A\r\n brave new\r\n0\r\n"
				   "Trailer: dropped\r\n\r\nGET /next";

	for (size_t piece = 1; piece < sizeof(text); piece++) {
		size_t used = 0;
		char *data = unchunk(text, sizeof(text) - 1, piece, &used);

		cr_assert(ne(ptr, data, NULL));
		cr_expect(eq(str, data, "hello, brave new"));
		cr_expect(eq(str, (char *)text + used, "GET /next"));
		free(data);
	}
}

static bool
is_chunked_body(const char *text)
{
	size_t used = 0;
	char *data = unchunk(text, strlen(text), strlen(text), &used);
	bool is_fine = data != NULL;

	free(data);
	return is_fine;
}

Test(http_parser, refuses_malformed_chunks)
{
	cr_expect(is_chunked_body("1\r\nx\r\n0\r\n\r\n"));
	cr_expect(not(is_chunked_body("1\nx\r\n0\r\n\r\n")));
	cr_expect(not(is_chunked_body("1\r\nxy\r\n0\r\n\r\n")));
	cr_expect(not(is_chunked_body("1 \r\nx\r\n0\r\n\r\n")));
	cr_expect(not(is_chunked_body("0x1\r\nx\r\n0\r\n\r\n")));
	cr_expect(not(is_chunked_body("-1\r\nx\r\n0\r\n\r\n")));
	cr_expect(not(is_chunked_body("\r\nx\r\n0\r\n\r\n")));
	cr_expect(not(is_chunked_body("1\r\nx0\r\n\r\n")));
	cr_expect(not(is_chunked_body("10000000000000000\r\nx\r\n0\r\n\r\n")));
	cr_expect(not(is_chunked_body("1\r\nx\r\n0\r\n\n")));
}

Test(http_parser, refuses_chunks_that_are_all_framing)
{
	size_t len = 64 * 1024;
	char *text = malloc(len + 1);
	size_t used = 0;
	memset(text, 'x', len);
	memcpy(text, "1;", 2);
	text[len] = '\0';

	char *data = unchunk(text, len, 1000, &used);

	cr_expect(eq(ptr, data, NULL));
	cr_expect(lt(sz, used, len));
	free(text);
}
