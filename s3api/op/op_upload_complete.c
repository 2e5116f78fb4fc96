/* SPDX-License-Identifier: Apache-2.0 */
/*
 * S3 API: CompleteMultipartUpload.  What the client lists is held against
 * the parts that came, their checksums make the object's, and the engine
 * checks order, sizes and ETags again in the commit itself.
 */
#include "s3api/body.h"
#include "s3api/op/attrs.h"
#include "s3api/op/condition.h"
#include "s3api/op/expiration.h"
#include "s3api/op/op.h"
#include "s3api/op/part_list.h"
#include "s3api/reply.h"
#include "s3api/sse_c.h"
#include "s3api/xml/xml_writer.h"
#include "store/upload.h"

/* 10,000 parts with an ETag and a SHA-256 each come to 3 MB. */
#define BODY_MAX (4 << 20)

struct completion {
	struct upload_info upload;
	struct part_list wanted;	/* as the client lists them */
	struct upload_part_info *parts; /* as they came */
	size_t part_count;
	struct object_attrs attrs;
	struct object_condition condition;
	struct inode_etag condition_etag;

	/* S3 asks for the key only where checksums are compared. */
	struct sse_c sse_c;
	bool is_sealed;
	struct seal seal; /* where is_sealed and sse_c.is_given */
};

static void
wipe(struct completion *completion)
{
	sse_c_wipe(&completion->sse_c);
	seal_wipe(&completion->seal);
}

static enum s3_error
read_wanted(struct request *request, struct completion *completion)
{
	const struct body_options options = {
		.max = BODY_MAX, .ignores_checksum = true};
	scoped(body_free) struct body body = {0};
	struct slice text;
	enum s3_error error = body_begin(&body, request->http, &request->caller,
		&options, &request->report);

	if (!error)
		error = body_read_all(&body, BODY_MAX, &text);
	if (error)
		return error;
	error = part_list_parse(text, completion->upload.checksum_kind,
		request->arena, &completion->wanted);
	return error ? error_set(&request->report, error, NULL) : S3_OK;
}

static enum s3_error
read_parts(struct request *request, struct completion *completion)
{
	bool is_truncated;
	enum store_err err = upload_parts(request->store, request->bucket.ino,
		request->key, slice_str(completion->upload.id), 0,
		UPLOAD_PARTS_MAX, request->arena, &completion->parts,
		&completion->part_count, &is_truncated);

	if (err)
		return reply_store_error(request, err);
	for (size_t i = 0; i < completion->part_count; i++)
		if (completion->is_sealed && completion->sse_c.is_given)
			upload_part_show(&completion->parts[i],
				&completion->seal);
	return S3_OK;
}

static enum s3_error
read_key(struct request *request, struct completion *completion)
{
	struct slice attr;
	enum s3_error error =
		sse_c_parse(request, SSE_C_OBJECT, &completion->sse_c);

	completion->is_sealed = seal_find(completion->upload.attrs, &attr);
	if (error || !completion->sse_c.is_given)
		return error;
	return sse_c_open_upload(request, &completion->sse_c,
		completion->upload.attrs, &completion->seal,
		&completion->is_sealed);
}

/* Without the key no checksum can be held against what came. */
static enum s3_error
refuse_checksums(struct request *request, const struct completion *completion)
{
	const struct part_list *wanted = &completion->wanted;
	struct checksum given;
	enum s3_error error =
		checksum_parse_object(request->http, &given, &request->report);
	/* A composite one is demanded, and made of those of the parts. */
	bool has_any =
		given.kind || (completion->upload.checksum_kind &&
				      !completion->upload.is_checksum_full);

	for (size_t i = 0; i < wanted->count; i++)
		has_any |= wanted->parts[i].checksum_kind != 0;
	if (error || !has_any)
		return error;
	return error_set(&request->report, S3_INVALID_REQUEST,
		"The multipart upload initiate requested encryption. A "
		"completion with checksums must include the appropriate "
		"encryption parameters.");
}

/* The engine compares ETags alone: what it keeps of checksums is hidden. */
static void
drop_checksums(struct completion *completion)
{
	for (size_t i = 0; i < completion->wanted.count; i++) {
		completion->wanted.parts[i].checksum_kind = 0;
		completion->wanted.parts[i].checksum_len = 0;
	}
}

static const struct upload_part_info *
find_part(const struct completion *completion, unsigned number)
{
	size_t low = 0, high = completion->part_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (completion->parts[middle].number < number)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == completion->part_count ||
		completion->parts[low].number != number)
		return NULL;
	return &completion->parts[low];
}

static bool
is_part_as_wanted(const struct upload_part_info *part,
	const struct upload_part_info *wanted)
{
	if (!part || memcmp(part->md5, wanted->md5, sizeof(part->md5)) != 0)
		return false;
	return !wanted->checksum_kind ||
	       (part->checksum_kind == wanted->checksum_kind &&
		       !memcmp(part->checksum, wanted->checksum,
			       wanted->checksum_len));
}

static enum s3_error
refuse_part(struct request *request, const struct upload_part_info *wanted)
{
	enum s3_error error =
		error_set(&request->report, S3_INVALID_PART, NULL);

	error_add(&request->report, "PartNumber",
		arena_printf(request->arena, "%u", wanted->number));
	return error;
}

/* S3 API: a composite checksum is one of what the client knows of each. */
static enum s3_error
demand_checksums(struct request *request, const struct completion *completion)
{
	enum digest_kind kind = completion->upload.checksum_kind;

	if (!kind || completion->upload.is_checksum_full)
		return S3_OK;
	for (size_t i = 0; i < completion->wanted.count; i++) {
		const struct upload_part_info *wanted =
			&completion->wanted.parts[i];

		if (wanted->checksum_kind)
			continue;
		return error_set(&request->report, S3_INVALID_REQUEST,
			arena_str(request->arena,
				arena_printf(request->arena,
					"The upload was created using a %s "
					"checksum. The complete request must "
					"include the checksum for each part. "
					"It was missing for part %u in the "
					"request.",
					checksum_name(kind), wanted->number)));
	}
	return S3_OK;
}

/* The object's checksum out of those of its parts, and its size. */
static enum s3_error
sum_parts(struct request *request, struct completion *completion,
	struct checksum *out, uint64_t *size)
{
	enum digest_kind kind = completion->upload.checksum_kind;
	struct checksum_sum sum;

	*out = (struct checksum){0};
	*size = 0;
	if (kind)
		checksum_sum_begin(&sum, kind,
			completion->upload.is_checksum_full);

	enum s3_error error = S3_OK;

	for (size_t i = 0; i < completion->wanted.count && !error; i++) {
		const struct upload_part_info *wanted =
			&completion->wanted.parts[i];
		const struct upload_part_info *part =
			find_part(completion, wanted->number);

		if (!is_part_as_wanted(part, wanted)) {
			error = refuse_part(request, wanted);
			break;
		}
		*size += part->size;
		if (kind)
			checksum_sum_add(&sum, part->checksum, part->size);
	}
	if (kind)
		checksum_sum_end(&sum, out);
	return error;
}

static enum s3_error
check_promises(struct request *request, const struct checksum *computed,
	uint64_t size)
{
	struct slice announced =
		request_header(request, "x-amz-mp-object-size");
	struct slice type = request_header(request, "x-amz-checksum-type");
	struct checksum given;
	unsigned long number;
	enum s3_error error =
		checksum_parse_object(request->http, &given, &request->report);

	if (error)
		return error;
	if (announced.data && (!slice_to_u64(announced, INT64_MAX, &number) ||
				      number != size))
		return error_set(&request->report, S3_INVALID_REQUEST,
			"The x-amz-mp-object-size does not match the size of "
			"the parts.");
	if (type.data && computed->kind &&
		!slice_equal_nocase(type,
			slice_str(checksum_type_name(computed->is_composite))))
		return error_set(&request->report, S3_INVALID_REQUEST,
			"The upload was created with checksums of another "
			"type.");
	if (!given.kind)
		return S3_OK;
	/* S3 takes it without the number of parts, as minio's clients send it.
	 */
	if (computed->is_composite && !given.is_composite) {
		given.is_composite = true;
		given.parts = computed->parts;
	}
	return checksum_compare(&given, computed, request->arena,
		&request->report);
}

static void
reply_completed(struct request *request, const struct object *object,
	const struct seal *seal, bool is_sealed)
{
	scoped(buffer_free) struct buffer body = {0};
	struct checksum checksum = attrs_checksum(&object->inode);

	request->object_size = object->inode.size;
	if (is_sealed && seal)
		attrs_show_checksum(&checksum, &object->inode, seal);
	else if (is_sealed)
		checksum.kind = 0;

	xml_writer_begin(&body, "CompleteMultipartUploadResult");
	xml_writer_text(&body, "Location",
		arena_printf(request->arena, "%s://%.*s%.*s",
			request_is_secure(request) ? "https" : "http",
			(int)request->http->host.len, request->http->host.data,
			(int)request->http->path.len,
			request->http->path.data));
	xml_writer_text(&body, "Bucket", request->bucket_name);
	xml_writer_text(&body, "Key", request->key);
	xml_writer_etag(&body, &object->inode.etag);
	attrs_write_checksum(&body, &checksum);
	xml_writer_close(&body, "CompleteMultipartUploadResult");
	reply_status(request, 200);
	reply_version(request, object);
	expiration_reply_new(request);
	reply_xml(request, &body);
}

/* A client that did not hear our reply asks again. */
static enum s3_error
repeat(struct request *request, struct slice id)
{
	struct object object;
	struct slice attr;
	enum store_err err = upload_was(request->store, request->bucket.ino,
		request->key, id, request->arena, &object);

	if (err)
		return reply_store_error(request, err);
	reply_completed(request, &object, NULL,
		seal_find(object.inode.attrs, &attr));
	return S3_OK;
}

static enum s3_error
prepare(struct request *request, struct completion *completion)
{
	bool is_closed = false; /* sealed, and there is no key */
	struct checksum checksum;
	uint64_t size;
	enum s3_error error = read_key(request, completion);

	if (!error)
		error = read_wanted(request, completion);
	if (!error) {
		is_closed =
			completion->is_sealed && !completion->sse_c.is_given;
		if (is_closed)
			error = refuse_checksums(request, completion);
	}
	/* None can be made, and none was asked to be compared. */
	if (!error && is_closed)
		completion->upload.checksum_kind = 0;
	if (!error)
		error = condition_of_write(request, &completion->condition,
			&completion->condition_etag);
	if (!error)
		error = read_parts(request, completion);
	if (!error)
		error = demand_checksums(request, completion);
	if (!error)
		error = sum_parts(request, completion, &checksum, &size);
	if (!error)
		error = check_promises(request, &checksum, size);
	if (error)
		return error;
	completion->attrs.attrs = completion->upload.attrs;
	attrs_set_checksum(&completion->attrs, &checksum);
	if (completion->is_sealed) {
		completion->attrs.seal = is_closed ? NULL : &completion->seal;
		drop_checksums(completion);
	}
	return S3_OK;
}

enum s3_error
op_upload_complete(struct request *request)
{
	scoped(wipe) struct completion completion = {0};
	struct slice id = request_param(request, "uploadId");
	struct object object;
	enum store_err err = upload_get(request->store, request->bucket.ino,
		request->key, id, request->arena, &completion.upload);

	if (err == STORE_NO_UPLOAD)
		return repeat(request, id);
	if (err)
		return reply_store_error(request, err);

	enum s3_error error = prepare(request, &completion);

	if (error)
		return error;
	err = upload_complete(request->store, request->bucket.ino, request->key,
		id, completion.wanted.parts, completion.wanted.count,
		&completion.attrs, &completion.condition, &object);
	if (err == STORE_NO_UPLOAD)
		return repeat(request, id);
	if (err)
		return reply_store_error(request, err);
	reply_completed(request, &object, completion.attrs.seal,
		completion.is_sealed);
	return S3_OK;
}
