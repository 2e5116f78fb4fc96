/* SPDX-License-Identifier: Apache-2.0 */
#include "s3api/op/part_list.h"

#include "s3api/checksum.h"
#include "s3api/xml/xml_reader.h"

/* False: not a part of ours, whatever it is. */
static bool
parse_part(const struct xml_node *node, struct arena *arena,
	struct upload_part_info *out, enum digest_kind kind)
{
	struct slice number_text =
		xml_reader_child_text(node, "PartNumber", arena);
	struct slice etag_text = xml_reader_child_text(node, "ETag", arena);
	struct inode_etag etag;
	unsigned long number;

	if (!slice_to_u64(slice_trim(number_text), UPLOAD_PARTS_MAX, &number))
		return false;
	if (!inode_etag_parse(slice_trim(etag_text), &etag) || etag.parts > 0)
		return false;
	*out = (struct upload_part_info){.number = (unsigned)number};
	memcpy(out->md5, etag.value, sizeof(out->md5));
	if (!kind)
		return true;

	struct slice text =
		xml_reader_child_text(node, checksum_element(kind), arena);
	struct checksum checksum;

	if (!text.data)
		return true;
	if (!checksum_from_text(kind, text, &checksum))
		return false;
	out->checksum_kind = (uint8_t)kind;
	out->checksum_len = checksum.len;
	memcpy(out->checksum, checksum.value, sizeof(out->checksum));
	return true;
}

/* Of another kind than the upload's.  That one has the default may be because
 * nobody asked: then a part may bring any. */
static bool
has_other_checksum(const struct xml_node *node, enum digest_kind kind)
{
	if (!kind || kind == CHECKSUM_DEFAULT)
		return false;
	for (enum digest_kind other = DIGEST_MD5; other <= DIGEST_KIND_LAST;
		other++)
		if (other != kind &&
			xml_reader_child(node, checksum_element(other)))
			return true;
	return false;
}

/* S3 API: what is below 1 is no number of a part; one that is too large is that
 * of a part that is not there. */
static bool
is_below_one(const struct xml_node *node, struct arena *arena)
{
	struct slice text =
		slice_trim(xml_reader_child_text(node, "PartNumber", arena));
	unsigned long number;

	return slice_has_prefix(text, SLICE("-")) ||
	       (slice_to_u64(text, UPLOAD_PARTS_MAX, &number) && number == 0);
}

static enum s3_error
parse_parts(const struct xml_node *root, enum digest_kind kind,
	struct arena *arena, struct part_list *list)
{
	const struct xml_node *node = xml_reader_child(root, "Part");

	for (; node; node = xml_reader_next(node, "Part")) {
		if (list->count == UPLOAD_PARTS_MAX ||
			!xml_reader_child(node, "PartNumber") ||
			!xml_reader_child(node, "ETag"))
			return S3_MALFORMED_XML;
		if (is_below_one(node, arena))
			return S3_INVALID_ARGUMENT;
		if (has_other_checksum(node, kind))
			return S3_BAD_DIGEST;
		if (!parse_part(node, arena, &list->parts[list->count], kind))
			return S3_INVALID_PART;
		list->count++;
	}
	return list->count > 0 ? S3_OK : S3_MALFORMED_XML;
}

enum s3_error
part_list_parse(struct slice text, enum digest_kind kind, struct arena *arena,
	struct part_list *out)
{
	scoped(xml_reader_close) struct xml_reader *reader = NULL;
	enum s3_error error;

	*out = (struct part_list){0};
	if (!xml_reader_open(text, "CompleteMultipartUpload", &reader))
		return S3_MALFORMED_XML;
	out->parts = arena_new_array(arena, UPLOAD_PARTS_MAX,
		struct upload_part_info);
	error = parse_parts(xml_reader_root(reader), kind, arena, out);
	for (size_t i = 1; i < out->count && !error; i++) {
		if (out->parts[i].number <= out->parts[i - 1].number)
			error = S3_INVALID_PART_ORDER;
	}
	return error;
}
