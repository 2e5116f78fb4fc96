/* SPDX-License-Identifier: Apache-2.0 */
/* S3 API: CreateMultipartUpload, AbortMultipartUpload, and the two lists. */
#include "s3api/op/attrs.h"
#include "s3api/op/expiration.h"
#include "s3api/op/op.h"
#include "s3api/reply.h"
#include "s3api/sse_c.h"
#include "s3api/xml/xml_writer.h"
#include "store/base/clock.h"
#include "store/upload.h"

#define LIST_MAX 1000

static void
reply_upload_checksum(struct request *request,
	const struct checksum_upload *checksum)
{
	if (checksum->is_default)
		return;
	http_reply_header_str(request->response, "x-amz-checksum-algorithm",
		checksum_name(checksum->kind));
	http_reply_header_str(request->response, "x-amz-checksum-type",
		checksum_type_name(!checksum->is_full));
}

/* Every part will be sealed with what this data key gives. */
static void
seal_upload(struct request *request, const struct sse_c *sse_c,
	struct upload_info *info)
{
	scoped(seal_wipe) struct seal seal;
	scoped(buffer_free) struct buffer attrs = {0};
	struct slice value = slice_of(seal.attr, SEAL_ATTR_LEN);

	seal_create(&seal, sse_c->key);
	inode_attr_set(&attrs, info->attrs, INODE_ATTR_SSE_C, SLICE_NULL,
		&value);
	info->attrs = arena_copy(request->arena, buffer_slice(&attrs));
}

enum s3_error
op_upload_create(struct request *request)
{
	scoped(sse_c_wipe) struct sse_c sse_c = {0};
	scoped(buffer_free) struct buffer body = {0};
	struct upload_info info = {
		.key = request->key,
		.initiator = slice_str(request->caller.token.access_key),
	};
	struct checksum_upload checksum;
	char id[UPLOAD_ID_LEN + 1];
	enum s3_error error = sse_c_parse_stored(request, &sse_c);

	if (!error)
		error = attrs_refuse_unsupported(request);
	if (!error)
		error = checksum_parse_upload(request->http, &checksum,
			&request->report);
	if (!error)
		error = attrs_parse(request, true, &info.attrs);
	if (error)
		return error;
	if (sse_c.is_given)
		seal_upload(request, &sse_c, &info);
	info.checksum_kind = (uint8_t)checksum.kind;
	info.is_checksum_full = checksum.is_full;

	enum store_err err = upload_begin(request->store, request->bucket.ino,
		request->key, &info, id);

	if (err)
		return reply_store_error(request, err);
	reply_status(request, 200);
	reply_upload_checksum(request, &checksum);
	expiration_reply_upload(request, clock_now_ns());
	sse_c_reply(request, &sse_c);
	xml_writer_begin(&body, "InitiateMultipartUploadResult");
	xml_writer_text(&body, "Bucket", request->bucket_name);
	xml_writer_text(&body, "Key", request->key);
	xml_writer_str(&body, "UploadId", id);
	xml_writer_close(&body, "InitiateMultipartUploadResult");
	reply_xml(request, &body);
	return S3_OK;
}

enum s3_error
op_upload_abort(struct request *request)
{
	static const char *const refused[] = {"x-amz-if-match-initiated-time"};
	enum s3_error error =
		request_refuse_headers(request, refused, array_len(refused));

	if (error)
		return error;

	enum store_err err = upload_abort(request->store, request->bucket.ino,
		request->key, request_param(request, "uploadId"));

	if (err)
		return reply_store_error(request, err);
	reply_empty(request, 204);
	return S3_OK;
}

static void
write_part(struct buffer *to, const struct upload_part_info *part)
{
	struct inode_etag md5 = {.parts = 0};

	memcpy(md5.value, part->md5, sizeof(md5.value));
	xml_writer_open(to, "Part");
	xml_writer_u64(to, "PartNumber", part->number);
	xml_writer_time(to, "LastModified", part->modified_ns);
	xml_writer_etag(to, &md5);
	xml_writer_u64(to, "Size", part->size);
	attrs_write_part_checksum(to, part);
	xml_writer_close(to, "Part");
}

/* A token that may only write sees what it has begun itself. */
static bool
may_see(const struct request *request, const struct upload_info *upload)
{
	const struct token *token = &request->caller.token;

	return !level_sees_own_uploads_only(token->level) ||
	       slice_equal(upload->initiator, slice_str(token->access_key));
}

struct part_list {
	struct upload_info upload;
	struct upload_part_info *parts;
	size_t count;
	bool is_truncated;
	unsigned long after;
	unsigned long max;
};

static enum s3_error
read_parts(struct request *request, struct part_list *list)
{
	struct slice id = request_param(request, "uploadId");
	enum store_err err = upload_get(request->store, request->bucket.ino,
		request->key, id, request->arena, &list->upload);

	if (!err && !may_see(request, &list->upload))
		return error_set(&request->report, S3_ACCESS_DENIED, NULL);
	if (!err && list->max > 0)
		err = upload_parts(request->store, request->bucket.ino,
			request->key, id, (unsigned)list->after, list->max,
			request->arena, &list->parts, &list->count,
			&list->is_truncated);
	return err ? reply_store_error(request, err) : S3_OK;
}

/* Checksums of sealed parts are shown to who has the key. */
static enum s3_error
show_checksums(struct request *request, struct part_list *list)
{
	scoped(sse_c_wipe) struct sse_c sse_c = {0};
	scoped(seal_wipe) struct seal seal;
	struct slice attr;
	bool is_sealed = seal_find(list->upload.attrs, &attr);
	enum s3_error error = sse_c_parse(request, SSE_C_OBJECT, &sse_c);

	if (!error && sse_c.is_given)
		error = sse_c_open_upload(request, &sse_c, list->upload.attrs,
			&seal, &is_sealed);
	if (error || !is_sealed)
		return error;
	for (size_t i = 0; i < list->count; i++) {
		if (sse_c.is_given)
			upload_part_show(&list->parts[i], &seal);
		else
			list->parts[i].checksum_kind = 0;
	}
	return S3_OK;
}

static void
write_parts(const struct request *request, struct buffer *to,
	const struct part_list *list)
{
	xml_writer_begin(to, "ListPartsResult");
	xml_writer_text(to, "Bucket", request->bucket_name);
	xml_writer_text(to, "Key", request->key);
	xml_writer_str(to, "UploadId", list->upload.id);
	xml_writer_person(to, "Initiator", list->upload.initiator);
	xml_writer_person(to, "Owner", slice_str(request->bucket.owner));
	xml_writer_str(to, "StorageClass", "STANDARD");
	xml_writer_u64(to, "PartNumberMarker", list->after);
	xml_writer_u64(to, "NextPartNumberMarker",
		list->count > 0 ? list->parts[list->count - 1].number
				: list->after);
	xml_writer_u64(to, "MaxParts", list->max);
	xml_writer_bool(to, "IsTruncated", list->is_truncated);
	if (list->upload.checksum_kind) {
		xml_writer_str(to, "ChecksumAlgorithm",
			checksum_name(list->upload.checksum_kind));
		xml_writer_str(to, "ChecksumType",
			checksum_type_name(!list->upload.is_checksum_full));
	}
	for (size_t i = 0; i < list->count; i++)
		write_part(to, &list->parts[i]);
	xml_writer_close(to, "ListPartsResult");
}

enum s3_error
op_upload_list_parts(struct request *request)
{
	scoped(buffer_free) struct buffer body = {0};
	struct part_list list = {.max = LIST_MAX};
	enum s3_error error = request_param_number(request,
		"part-number-marker", INT32_MAX, &list.after);

	if (!error)
		error = request_param_number(request, "max-parts", INT32_MAX,
			&list.max);
	if (error)
		return error;
	if (list.max > LIST_MAX)
		list.max = LIST_MAX;
	error = read_parts(request, &list);
	if (!error)
		error = show_checksums(request, &list);
	if (error)
		return error;
	write_parts(request, &body, &list);
	reply_status(request, 200);
	expiration_reply_upload(request, list.upload.created_ns);
	reply_xml(request, &body);
	return S3_OK;
}
