/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A form, read at once and in pieces, which must come to the same; the bytes of
 * its file are bytes of the input.  The first byte says how large the pieces
 * are; the rest of the first line is the content type.
 */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "s3api/multipart.h"
#include "store/base/buffer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct source {
	struct slice rest;
	size_t piece;
};

static enum store_err
read_source(void *context, void *to, size_t len, size_t *got)
{
	struct source *source = context;
	struct slice part = slice_first(source->rest,
		len < source->piece ? len : source->piece);

	if (part.len)
		memcpy(to, part.data, part.len);
	source->rest = slice_from(source->rest, part.len);
	*got = part.len;
	return STORE_OK;
}

struct read {
	struct buffer fields;
	struct buffer file;
	enum store_err err;
};

static void
read_file(struct multipart *form, struct read *read)
{
	char bytes[MULTIPART_READ_MIN];
	size_t got = 1;

	while (got > 0 && !read->err) {
		read->err = multipart_read(form, bytes, sizeof(bytes), &got);
		assert(got <= sizeof(bytes) && (!read->err || got == 0));
		buffer_append(&read->file, slice_of(bytes, got));
	}
}

static void
read_form(struct read *read, struct slice type, struct slice body, size_t piece)
{
	scoped(arena_free) struct arena arena = {0};
	struct source source = {body, piece};
	struct multipart form;
	struct multipart_part part;
	struct slice value;

	if (!multipart_begin(&form, &arena, type, read_source, &source)) {
		read->err = STORE_BAD_NAME;
		return;
	}
	while (!(read->err = multipart_next(&form, &part))) {
		assert(part.name.len > 0);
		buffer_append(&read->fields, part.name);
		buffer_append(&read->fields, part.filename);
		if (part.is_file) {
			read_file(&form, read);
			return;
		}
		read->err = multipart_value(&form, &value);
		if (read->err)
			return;
		buffer_append(&read->fields, value);
		assert(read->fields.len <= 2 * MULTIPART_FIELDS_MAX);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice body = slice_of(data + 1, size ? size - 1 : 0);
	struct slice type;
	struct read whole = {0};
	struct read parts = {0};

	if (size < 2 || !slice_split(&body, '\n', &type) || !body.data)
		return 0;
	read_form(&whole, type, body, SIZE_MAX);
	read_form(&parts, type, body, 1 + data[0]);
	assert(whole.err == parts.err);
	assert(slice_equal(buffer_slice(&whole.fields),
		buffer_slice(&parts.fields)));
	if (!whole.err)
		assert(slice_equal(buffer_slice(&whole.file),
			buffer_slice(&parts.file)));
	assert(whole.file.len == 0 ||
		slice_find(body, buffer_slice(&whole.file)) >= 0);
	buffer_free(&whole.fields);
	buffer_free(&whole.file);
	buffer_free(&parts.fields);
	buffer_free(&parts.file);
	return 0;
}
