/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The HTTP parser: the first byte says how long the pieces are, the rest is a
 * request.  In one piece or in many it must be understood the same way, down
 * to where it ends, and all that it names must lie within it.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "s3api/http/http_parser.h"

#define HEADERS 16

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct outcome {
	enum http_parser_state state;
	unsigned int status;
	size_t used;
	enum http_parser_state body_state;
	size_t body_used;
	char *body;
	size_t body_len;
};

static void
check_within(struct slice s, const char *text, size_t len)
{
	/* A target without a path has "/" of our own. */
	if (s.len == 0 || slice_equal(s, SLICE("/")))
		return;
	assert(s.data >= text && s.data + s.len <= text + len);
}

static void
check_request(const struct http_request *request, const char *text, size_t len)
{
	const struct http_param *params = NULL;
	struct slice path;
	size_t count = 0;

	check_within(request->method_name, text, len);
	check_within(request->target, text, len);
	check_within(request->path, text, len);
	check_within(request->query, text, len);
	check_within(request->host, text, len);
	for (size_t i = 0; i < request->header_count; i++) {
		struct slice value = request->headers[i].value;

		check_within(request->headers[i].name, text, len);
		check_within(value, text, len);
		assert(request->headers[i].name.len > 0);
		for (size_t j = 0; j < value.len; j++)
			assert(!memchr("\r\n\0", value.data[j], 3));
	}
	if (!http_request_decode_path(request, &path))
		assert(path.len <= request->path.len);
	if (!http_request_decode_query(request, &params, &count))
		assert(count <= request->query.len);
}

static void
read_chunks(struct outcome *outcome, const char *text, size_t len, size_t piece)
{
	struct http_parser parser;

	http_parser_begin_chunked(&parser);
	outcome->body = malloc(len + 1);
	assert(outcome->body);
	while (outcome->body_used < len &&
		outcome->body_state == HTTP_PARSER_MORE) {
		size_t left = len - outcome->body_used;
		size_t used = 0;
		size_t got = 0;

		outcome->body_state = http_parser_feed_chunked(&parser,
			text + outcome->body_used, piece < left ? piece : left,
			&used, outcome->body + outcome->body_len, &got);
		outcome->body_used += used;
		outcome->body_len += got;
	}
	assert(outcome->body_len <= outcome->body_used);
}

static struct outcome
run(const uint8_t *data, size_t size, size_t piece)
{
	struct outcome outcome = {0};
	struct http_header headers[HEADERS];
	struct http_parser parser;
	struct arena arena = {0};
	struct http_request request = {.arena = &arena};
	char *text = malloc(size + 1);

	assert(text);
	memcpy(text, data, size);
	http_parser_begin(&parser, headers, HEADERS);
	while (outcome.used < size && outcome.state == HTTP_PARSER_MORE) {
		size_t left = size - outcome.used;
		size_t used = 0;

		outcome.state = http_parser_feed(&parser, text + outcome.used,
			piece < left ? piece : left, &used);
		outcome.used += used;
	}
	if (outcome.state == HTTP_PARSER_DONE)
		outcome.state = http_parser_finish(&parser, &request);
	if (outcome.state == HTTP_PARSER_DONE)
		check_request(&request, text, outcome.used);
	if (outcome.state == HTTP_PARSER_DONE && request.has_body &&
		!request.is_length_known)
		read_chunks(&outcome, text + outcome.used, size - outcome.used,
			piece);
	outcome.status = parser.status;
	arena_free(&arena);
	free(text);
	return outcome;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 2)
		return 0;

	struct outcome whole = run(data + 1, size - 1, size);
	struct outcome pieces = run(data + 1, size - 1, data[0] % 64u + 1);

	assert(whole.state == pieces.state);
	if (whole.state == HTTP_PARSER_DONE) {
		assert(whole.used == pieces.used);
		/* How much framing is too much depends on the pieces. */
		if (whole.body_state == HTTP_PARSER_DONE &&
			pieces.body_state == HTTP_PARSER_DONE) {
			assert(whole.body_used == pieces.body_used);
			assert(slice_equal(slice_of(whole.body, whole.body_len),
				slice_of(pieces.body, pieces.body_len)));
		}
	}
	free(whole.body);
	free(pieces.body);
	return 0;
}
