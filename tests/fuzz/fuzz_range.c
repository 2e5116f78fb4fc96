/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Range, x-amz-copy-source-range and the conditions: a range that is taken
 * lies within the object.  Input: the size as 8 bytes, then the header.
 */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include "s3api/op/condition.h"
#include "s3api/op/range.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
try_range(struct request *request, uint64_t size)
{
	struct range range;
	bool is_partial;
	enum s3_error error = range_parse(request, size, &range, &is_partial);

	assert(error == S3_OK || error == S3_INVALID_RANGE);
	if (error)
		return;
	assert(range.start <= size && range.len <= size - range.start);
	assert(!is_partial || range.len > 0);
	assert(is_partial || (range.start == 0 && range.len == size));
	if (range_parse_copy(request, size, &range))
		return;
	assert(range.start < size && range.len > 0);
	assert(range.len <= size - range.start);
}

/* An object and a copy of its ETag are one; conditions are none or both. */
static void
try_conditions(struct request *request, struct slice value)
{
	struct inode inode = {.mtime_ns = 0};
	struct object_condition write;
	struct inode_etag etag;
	struct condition read = condition_of_read(request);
	enum s3_error error = condition_check(&read, &inode);

	assert(error == S3_OK || error == S3_PRECONDITION_FAILED ||
		error == S3_NOT_MODIFIED);
	(void)condition_allows_range(request, &inode);
	/* What is none is the one that no object has. */
	if (!condition_of_write(request, &write, &etag) && write.must_match)
		assert(inode_etag_parse(value, &inode.etag) ||
			etag.parts == INODE_ETAG_OF_NONE.parts);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const names[] = {"range", "x-amz-copy-source-range",
		"if-match", "if-range", "if-unmodified-since"};
	scoped(arena_free) struct arena arena = {0};
	struct http_header headers[array_len(names)];
	struct http_request http = {
		.headers = headers,
		.header_count = array_len(names),
		.arena = &arena,
	};
	struct request request = {.http = &http, .arena = &arena};
	uint64_t object_size = 0;

	if (size < 8)
		return 0;
	for (size_t i = 0; i < 8; i++)
		object_size = object_size << 8 | data[i];
	object_size &= INT64_MAX;

	struct slice value = slice_trim(slice_of(data + 8, size - 8));

	for (size_t i = 0; i < array_len(names); i++)
		headers[i] = (struct http_header){slice_str(names[i]), value};
	try_range(&request, object_size);
	try_conditions(&request, value);
	return 0;
}
