/* SPDX-License-Identifier: Apache-2.0 */
#include "s3api/op/tag_set.h"

#include <stdlib.h>

#include "s3api/xml/xml_writer.h"
#include "store/base/inode.h"
#include "store/base/text.h"

/* S3 API: in characters, not bytes. */
#define KEY_MAX 128
#define VALUE_MAX 256

struct tags {
	struct inode_attr list[TAG_SET_BUCKET_MAX];
	size_t count;
	size_t max;
};

/* --- what a tag may be ---------------------------------------------------- */

/* Letters, digits and spaces of any script, and a few signs. */
static bool
is_allowed(char c)
{
	return (unsigned char)c >= 0x80 || (c >= 'a' && c <= 'z') ||
	       (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       (c && strchr(" +-=._:/@", c));
}

static bool
is_text(struct slice text, size_t max)
{
	size_t count = 0;

	for (size_t i = 0; i < text.len; i++)
		if (!is_allowed(text.data[i]))
			return false;
	while (text.len > 0 && count <= max) {
		size_t len = slice_utf8_len(text);

		if (len == 0)
			return false;
		text = slice_from(text, len);
		count++;
	}
	return count <= max;
}

/* NULL, or what is wrong with it. */
static const char *
check(struct slice key, struct slice value)
{
	if (key.len == 0 || !is_text(key, KEY_MAX))
		return "The TagKey you have provided is invalid";
	if (!is_text(value, VALUE_MAX))
		return "The TagValue you have provided is invalid";
	if (slice_equal_nocase(slice_first(key, 4), SLICE("aws:")))
		return "System tags cannot be added/updated by requester";
	return NULL;
}

static enum s3_error
add(struct request *request, struct tags *tags, struct slice key,
	struct slice value)
{
	const char *wrong = check(key, value);

	if (!wrong && tags->count == tags->max)
		wrong = tags->max == TAG_SET_OBJECT_MAX
				? "Object tags cannot be greater than 10"
				: "Bucket tag count cannot be greater than 50";
	if (wrong) {
		error_set(&request->report, S3_INVALID_TAG, wrong);
		error_add(&request->report, "TagKey", key);
		return request->report.error;
	}
	tags->list[tags->count++] =
		(struct inode_attr){INODE_ATTR_TAG, key, value};
	return S3_OK;
}

/* False: a key twice. */
static bool
encode(struct request *request, struct tags *tags, struct slice *out)
{
	scoped(buffer_free) struct buffer encoded = {0};

	qsort(tags->list, tags->count, sizeof(tags->list[0]),
		inode_attr_compare_names);
	for (size_t i = 0; i < tags->count; i++) {
		if (i > 0 && !inode_attr_compare_names(&tags->list[i - 1],
				     &tags->list[i]))
			return false;
		inode_attr_append(&encoded, &tags->list[i]);
	}
	*out = arena_copy(request->arena, buffer_slice(&encoded));
	return true;
}

/* --- XML ------------------------------------------------------------------ */

static enum s3_error
parse_tag(struct request *request, const struct xml_node *node,
	struct tags *tags)
{
	struct slice key = xml_reader_child_text(node, "Key", request->arena);
	struct slice value =
		xml_reader_child_text(node, "Value", request->arena);

	if (!xml_reader_child(node, "Key") || !xml_reader_child(node, "Value"))
		return error_set(&request->report, S3_MALFORMED_XML, NULL);
	return add(request, tags, key, value);
}

static enum s3_error
finish(struct request *request, struct tags *tags, struct slice *out)
{
	if (encode(request, tags, out))
		return S3_OK;
	return error_set(&request->report, S3_INVALID_TAG,
		"Cannot provide multiple Tags with the same key");
}

enum s3_error
tag_set_parse_elements(struct request *request, const struct xml_node *first,
	size_t max, struct slice *out)
{
	struct tags tags = {.max = max};

	for (; first; first = xml_reader_next(first, "Tag"))
		if (parse_tag(request, first, &tags))
			return request->report.error;
	return finish(request, &tags, out);
}

enum s3_error
tag_set_parse_xml(struct request *request, struct slice text, size_t max,
	struct slice *out)
{
	scoped(xml_reader_close) struct xml_reader *reader = NULL;
	const struct xml_node *set = NULL;

	if (xml_reader_open(text, "Tagging", &reader))
		set = xml_reader_child(xml_reader_root(reader), "TagSet");
	if (!set)
		return error_set(&request->report, S3_MALFORMED_XML, NULL);
	return tag_set_parse_node(request, set, max, out);
}

enum s3_error
tag_set_parse_node(struct request *request, const struct xml_node *set,
	size_t max, struct slice *out)
{
	const struct xml_node *node = xml_reader_child(set, NULL);

	for (; node; node = xml_reader_next(node, NULL))
		if (strcmp(xml_reader_name(node), "Tag") != 0)
			return error_set(&request->report, S3_MALFORMED_XML,
				NULL);
	return tag_set_parse_elements(request, xml_reader_child(set, "Tag"),
		max, out);
}

/* --- the header ----------------------------------------------------------- */

static enum s3_error
refuse_header(struct request *request)
{
	enum s3_error error = error_set(&request->report, S3_INVALID_ARGUMENT,
		"The header 'x-amz-tagging' shall be encoded as UTF-8 then "
		"URLEncoded URL query parameters without tag name duplicates.");

	error_add(&request->report, "ArgumentName", SLICE("x-amz-tagging"));
	error_add(&request->report, "ArgumentValue",
		request_header(request, "x-amz-tagging"));
	return error;
}

static bool
decode(struct request *request, struct slice text, struct slice *out)
{
	scoped(buffer_free) struct buffer decoded = {0};

	if (!text_percent_decode(&decoded, text, true))
		return false;
	*out = arena_copy(request->arena, buffer_slice(&decoded));
	return slice_is_utf8(*out);
}

enum s3_error
tag_set_parse_header(struct request *request, struct slice *out)
{
	struct slice rest = request_header(request, "x-amz-tagging");
	struct tags tags = {.max = TAG_SET_OBJECT_MAX};
	struct slice value;
	struct slice key;

	*out = SLICE_NULL;
	while (rest.len > 0 && slice_split(&rest, '&', &value)) {
		if (value.len == 0)
			continue;
		if (!slice_split(&value, '=', &key) || key.len == 0 ||
			!decode(request, key, &key) ||
			!decode(request, value, &value))
			return refuse_header(request);
		if (add(request, &tags, key, value))
			return request->report.error;
	}
	return encode(request, &tags, out) ? S3_OK : refuse_header(request);
}

/* --- replies -------------------------------------------------------------- */

size_t
tag_set_count(struct slice attrs)
{
	struct inode_attr attr;
	size_t count = 0;

	while (inode_attr_next(&attrs, &attr))
		count += attr.kind == INODE_ATTR_TAG;
	return count;
}

void
tag_set_write(struct buffer *to, struct slice attrs)
{
	struct inode_attr attr;

	xml_writer_begin(to, "Tagging");
	xml_writer_open(to, "TagSet");
	while (inode_attr_next(&attrs, &attr)) {
		if (attr.kind != INODE_ATTR_TAG)
			continue;
		xml_writer_open(to, "Tag");
		xml_writer_text(to, "Key", attr.name);
		xml_writer_text(to, "Value", attr.value);
		xml_writer_close(to, "Tag");
	}
	xml_writer_close(to, "TagSet");
	xml_writer_close(to, "Tagging");
}
