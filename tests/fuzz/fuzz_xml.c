/* SPDX-License-Identifier: Apache-2.0 */
/*
 * XML bodies: whatever comes is refused or becomes lists within their bounds,
 * and what xml_writer writes of a text, xml_reader gives back.
 */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include "s3api/op/key_list.h"
#include "s3api/op/part_list.h"
#include "s3api/xml/xml_reader.h"
#include "s3api/xml/xml_writer.h"
#include "store/tree.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
try_keys(struct slice text, struct arena *arena)
{
	struct key_list list;

	if (!key_list_parse(text, arena, &list))
		return;
	assert(list.count > 0 && list.count <= KEY_LIST_MAX);
	for (size_t i = 0; i < list.count; i++) {
		struct slice key = list.entries[i].key;

		assert(list.entries[i].refused ||
			(key.len > 0 && key.len <= TREE_KEY_MAX &&
				slice_is_utf8(key)));
	}
}

static void
try_parts(struct slice text, struct arena *arena)
{
	struct part_list list;

	if (part_list_parse(text, DIGEST_SHA256, arena, &list))
		return;
	assert(list.count > 0 && list.count <= UPLOAD_PARTS_MAX);
	for (size_t i = 0; i < list.count; i++) {
		assert(list.parts[i].number <= UPLOAD_PARTS_MAX);
		assert(i == 0 ||
			list.parts[i].number > list.parts[i - 1].number);
		assert(list.parts[i].checksum_len == 0 ||
			list.parts[i].checksum_len == 32);
	}
}

static void
try_round_trip(struct slice text, struct arena *arena)
{
	scoped(buffer_free) struct buffer document = {0};
	struct key_list list;

	xml_writer_begin(&document, "Delete");
	xml_writer_open(&document, "Object");
	xml_writer_text(&document, "Key", text);
	xml_writer_close(&document, "Object");
	xml_writer_close(&document, "Delete");

	bool is_read = key_list_parse(buffer_slice(&document), arena, &list);

	if (!xml_writer_is_text(text))
		return;
	assert(is_read && list.count == 1);
	assert(slice_equal(list.entries[0].key, text));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	scoped(arena_free) struct arena arena = {0};
	struct slice text = slice_of(data, size);

	try_keys(text, &arena);
	try_parts(text, &arena);
	try_round_trip(text, &arena);
	return 0;
}
