/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The policy of a form, as JSON: what it lets through names every field, and
 * gives a range.
 */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include "s3api/auth/post_policy.h"
#include "store/base/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct http_header fields[] = {
		{{"key", 3}, {"a/b", 3}},
		{{"acl", 3}, {"private", 7}},
		{{"policy", 6}, {"e30=", 4}},
	};
	const struct post_policy_form form = {
		.bucket = SLICE("photos"),
		.fields = fields,
		.field_count = array_len(fields),
	};
	scoped(arena_free) struct arena arena = {0};
	struct error_report report = {0};
	struct post_policy_range range;
	char *encoded;
	enum s3_error error;

	if (size > 64 * 1024)
		return 0;
	encoded = arena_alloc(&arena, TEXT_BASE64_LEN(size) + 1);
	text_to_base64(data, size, encoded);
	error = post_policy_check(slice_str(encoded), &form, 0, &arena, &range,
		&report);
	assert(error == S3_OK || error == S3_ACCESS_DENIED ||
		error == S3_INVALID_POLICY_DOCUMENT);
	assert(report.error == error);
	/* Nothing that speaks of neither lets the form through. */
	if (!error) {
		struct slice text = slice_of(data, size);

		assert(slice_find(text, SLICE("expiration")) >= 0 ||
			slice_find_char(text, '\\') >= 0);
		assert(size > 20);
	}
	/* Not in base64. */
	error = post_policy_check(slice_of(data, size), &form, 0, &arena,
		&range, &report);
	assert(error != S3_OK || size > 20);
	return 0;
}
