/* SPDX-License-Identifier: Apache-2.0 */
/* text_request.h - a request parsed from its text, without a connection. */
#pragma once

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "s3api/http/http_parser.h"
#include "store/base/arena.h"
#include "store/base/compiler.h"

#define TEXT_REQUEST_HEADERS 64

struct text_request {
	struct http_request request;
	struct http_header headers[TEXT_REQUEST_HEADERS];
	struct arena arena;
	char *text;
};

/* False where the text is no request; free it all the same. */
static inline bool
text_request_parse(struct text_request *self, const char *text, size_t len)
{
	struct http_parser parser;
	size_t used = 0;

	memset(self, 0, sizeof(*self));
	self->text = malloc(len + 1);
	assert(self->text);
	memcpy(self->text, text, len);
	self->request.arena = &self->arena;
	http_parser_begin(&parser, self->headers, TEXT_REQUEST_HEADERS);
	return http_parser_feed(&parser, self->text, len, &used) ==
		       HTTP_PARSER_DONE &&
	       http_parser_finish(&parser, &self->request) == HTTP_PARSER_DONE;
}

static inline void
text_request_free(struct text_request *self)
{
	arena_free(&self->arena);
	free(self->text);
}
