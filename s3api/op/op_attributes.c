/* SPDX-License-Identifier: Apache-2.0 */
/* S3 API: GetObjectAttributes. */
#include "s3api/iam/access.h"
#include "s3api/op/attrs.h"
#include "s3api/op/condition.h"
#include "s3api/op/decided.h"
#include "s3api/op/op.h"
#include "s3api/reply.h"
#include "s3api/sse_c.h"
#include "s3api/xml/xml_writer.h"
#include "store/upload.h"

#define PARTS_MAX 1000

enum wanted {
	WANTS_ETAG = 1 << 0,
	WANTS_CHECKSUM = 1 << 1,
	WANTS_PARTS = 1 << 2,
	WANTS_CLASS = 1 << 3,
	WANTS_SIZE = 1 << 4,
};

struct question {
	unsigned int wanted;
	unsigned long after;
	unsigned long max;
};

static unsigned int
find_wanted(struct slice name)
{
	static const char *const names[] = {"ETag", "Checksum", "ObjectParts",
		"StorageClass", "ObjectSize"};

	for (unsigned int i = 0; i < array_len(names); i++) {
		if (slice_equal(name, slice_str(names[i])))
			return 1u << i;
	}
	return 0;
}

static enum s3_error
parse_names(struct request *request, struct question *question)
{
	const char *header = "x-amz-object-attributes";
	const struct http_request *http = request->http;

	/* Some clients send a line each. */
	for (size_t i = 0; i < http->header_count; i++) {
		struct slice rest = http->headers[i].value;
		struct slice name;

		if (!slice_equal(http->headers[i].name, slice_str(header)))
			continue;
		while (slice_split(&rest, ',', &name)) {
			unsigned int wanted = find_wanted(slice_trim(name));

			if (!wanted)
				return request_refuse_argument(request,
					"Invalid attribute name specified.",
					header, name);
			question->wanted |= wanted;
		}
	}
	if (question->wanted)
		return S3_OK;
	return request_refuse_argument(request,
		"The x-amz-object-attributes header specifying the attributes "
		"to be retrieved is either missing or empty",
		header, SLICE_NULL);
}

static enum s3_error
parse_number(struct request *request, const char *header, unsigned long *out)
{
	struct slice text = request_header(request, header);

	if (!text.data || slice_to_u64(text, INT32_MAX, out))
		return S3_OK;
	return request_refuse_argument(request,
		"Provided value is not a whole number in range.", header, text);
}

static enum s3_error
parse(struct request *request, struct question *question)
{
	enum s3_error error = parse_names(request, question);

	if (!error)
		error = parse_number(request, "x-amz-part-number-marker",
			&question->after);
	if (!error)
		error = parse_number(request, "x-amz-max-parts",
			&question->max);
	if (question->max > PARTS_MAX)
		question->max = PARTS_MAX;
	return error;
}

/* --- the reply ------------------------------------------------------------ */

static void
write_checksum(struct buffer *to, const struct inode *inode,
	const struct seal *seal)
{
	struct checksum checksum = attrs_checksum(inode);

	if (!checksum.kind)
		return;
	/* S3 API: the number of parts is elsewhere in this reply. */
	checksum.parts = 0;
	if (seal)
		attrs_show_checksum(&checksum, inode, seal);
	xml_writer_open(to, "Checksum");
	attrs_write_checksum(to, &checksum);
	xml_writer_close(to, "Checksum");
}

static void
write_part(struct buffer *to, const struct upload_part_info *part)
{
	xml_writer_open(to, "Part");
	attrs_write_part_checksum(to, part);
	xml_writer_u64(to, "PartNumber", part->number);
	xml_writer_u64(to, "Size", part->size);
	xml_writer_close(to, "Part");
}

/* Of an object that no upload made, nothing. */
static void
write_parts(struct buffer *to, const struct inode *inode,
	const struct question *question)
{
	scoped(buffer_free) struct buffer parts = {0};
	unsigned long last = question->after;
	unsigned long found = 0;
	bool is_truncated = false;
	unsigned int count = 0;

	for (unsigned long number = question->after + 1;
		number <= UPLOAD_PARTS_MAX && !is_truncated; number++) {
		struct upload_part_info part;
		uint64_t offset;

		if (!upload_parts_of(inode, (unsigned int)number, &part,
			    &offset, &count))
			continue;
		is_truncated = found == question->max;
		if (is_truncated)
			break;
		write_part(&parts, &part);
		last = number;
		found++;
	}
	if (count == 0)
		return;
	xml_writer_open(to, "ObjectParts");
	xml_writer_bool(to, "IsTruncated", is_truncated);
	xml_writer_u64(to, "MaxParts", question->max);
	xml_writer_u64(to, "NextPartNumberMarker", last);
	xml_writer_u64(to, "PartNumberMarker", question->after);
	buffer_append(to, buffer_slice(&parts));
	xml_writer_u64(to, "PartsCount", count);
	xml_writer_close(to, "ObjectParts");
}

static void
write_attributes(struct buffer *to, const struct inode *inode,
	const struct seal *seal, const struct question *question)
{
	char etag[INODE_ETAG_TEXT_LEN + 1];

	xml_writer_begin(to, "GetObjectAttributesResponse");
	if (question->wanted & WANTS_ETAG) {
		inode_etag_text(&inode->etag, etag);
		xml_writer_str(to, "ETag", etag);
	}
	if (question->wanted & WANTS_CHECKSUM)
		write_checksum(to, inode, seal);
	if (question->wanted & WANTS_PARTS)
		write_parts(to, inode, question);
	if (question->wanted & WANTS_CLASS)
		xml_writer_str(to, "StorageClass", "STANDARD");
	if (question->wanted & WANTS_SIZE)
		xml_writer_u64(to, "ObjectSize", inode->size);
	xml_writer_close(to, "GetObjectAttributesResponse");
}

enum s3_error
op_attributes_get(struct request *request)
{
	scoped(buffer_free) struct buffer body = {0};
	struct question question = {.max = PARTS_MAX};
	struct condition condition = condition_of_read(request);
	scoped(sse_c_wipe) struct sse_c sse_c = {0};
	scoped(seal_wipe) struct seal seal = {{0}, {0}};
	bool is_sealed = false;
	struct object object;
	enum s3_error error = parse(request, &question);

	/* S3 API: both rights are needed. */
	if (!error)
		error = access_check_action(request, POLICY_ACTION_GET_OBJECT);
	if (!error)
		error = sse_c_parse(request, SSE_C_OBJECT, &sse_c);
	if (error)
		return error;

	error = decided_head(request, &object);
	if (error)
		return error;
	error = sse_c_open(request, &sse_c, object.inode.attrs, &seal,
		&is_sealed);
	if (error)
		return error;
	if (condition_check(&condition, &object.inode))
		return error_set(&request->report, S3_PRECONDITION_FAILED,
			NULL);
	write_attributes(&body, &object.inode, is_sealed ? &seal : NULL,
		&question);
	reply_status(request, 200);
	reply_version(request, &object);
	sse_c_reply(request, &sse_c);
	reply_last_modified(request, object.inode.mtime_ns);
	reply_xml(request, &body);
	return S3_OK;
}
