/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A payload in chunks, fed whole and in pieces, which must come to the same.
 * The first byte says which kind it is, the second how large the pieces are.
 */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "s3api/auth/aws_chunked.h"
#include "store/base/buffer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct decoded {
	struct aws_chunked chunked;
	struct buffer data;
};

static void
decode(struct decoded *decoded, const struct sigv4_caller *caller,
	struct slice body, size_t piece)
{
	enum s3_error error = S3_OK;

	aws_chunked_begin(&decoded->chunked, caller);
	while (body.len && !error) {
		struct slice part = slice_first(body, piece);
		char *bytes = malloc(part.len);
		size_t got = 0;

		assert(bytes);
		memcpy(bytes, part.data, part.len);
		error = aws_chunked_feed(&decoded->chunked, bytes, part.len,
			&got);
		assert(got <= part.len);
		buffer_append(&decoded->data, slice_of(bytes, got));
		free(bytes);
		body = slice_from(body, part.len);
	}
	assert(decoded->chunked.error == error);
	assert((decoded->chunked.state == AWS_CHUNKED_BAD) == (error != 0));
	assert(decoded->chunked.decoded == decoded->data.len);
}

static void
expect_same(const struct decoded *a, const struct decoded *b)
{
	assert(a->chunked.state == b->chunked.state);
	assert(a->chunked.error == b->chunked.error);
	assert(slice_equal(buffer_slice(&a->data), buffer_slice(&b->data)));
	assert(a->chunked.trailer_count == b->chunked.trailer_count);
	for (size_t i = 0; i < a->chunked.trailer_count; i++) {
		const struct http_header *first = &a->chunked.trailers[i];
		const struct http_header *second = &b->chunked.trailers[i];

		assert(slice_equal(first->name, second->name));
		assert(slice_equal(first->value, second->value));
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const enum sigv4_payload kinds[] = {
		SIGV4_PAYLOAD_CHUNKS,
		SIGV4_PAYLOAD_CHUNKS_TRAILER,
		SIGV4_PAYLOAD_UNSIGNED_TRAILER,
	};
	struct sigv4_caller caller = {
		.key = {1, 2, 3, 4},
		.timestamp = "20130524T000000Z",
		.scope = "20130524/us-east-1/s3/aws4_request",
	};
	struct decoded whole = {0};
	struct decoded pieces = {0};
	struct slice body;

	if (size < 2)
		return 0;
	body = slice_of(data + 2, size - 2);
	caller.payload = kinds[data[0] % array_len(kinds)];
	memset(caller.signature, 'a', SIGV4_SIGNATURE_LEN);
	decode(&whole, &caller, body, body.len);
	decode(&pieces, &caller, body, 1 + data[1] % 64);
	expect_same(&whole, &pieces);
	aws_chunked_end(&whole.chunked);
	aws_chunked_end(&pieces.chunked);
	buffer_free(&whole.data);
	buffer_free(&pieces.data);
	return 0;
}
