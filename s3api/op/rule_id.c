/* SPDX-License-Identifier: Apache-2.0 */
#include "s3api/op/rule_id.h"

#include "store/base/random.h"
#include "store/base/text.h"

#define ID_MAX 255 /* characters */
#define MADE_LEN 24

static size_t
count_characters(struct slice text)
{
	size_t count = 0;

	for (; text.len > 0; count++)
		text = slice_from(text, slice_utf8_len(text));
	return count;
}

enum s3_error
rule_id_read(struct request *request, const struct xml_node *rule,
	const char *element, struct slice *out)
{
	uint8_t random[MADE_LEN];
	char hex[TEXT_HEX_LEN(MADE_LEN) + 1];

	*out = xml_reader_child_text(rule, element, request->arena);
	if (count_characters(*out) > ID_MAX)
		return error_set(&request->report, S3_INVALID_ARGUMENT,
			"ID length should not exceed allowed limit of 255");
	if (out->len > 0)
		return S3_OK;
	random_bytes(random, sizeof(random));
	text_to_hex(random, sizeof(random), hex);
	*out = arena_copy(request->arena, slice_str(hex));
	return S3_OK;
}
