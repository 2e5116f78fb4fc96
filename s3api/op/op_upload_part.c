/* SPDX-License-Identifier: Apache-2.0 */
/* S3 API: UploadPart, UploadPartCopy. */
#include <stdlib.h>
#include <unistd.h>

#include "s3api/body.h"
#include "s3api/op/attrs.h"
#include "s3api/op/condition.h"
#include "s3api/op/copy_source.h"
#include "s3api/op/lock_header.h"
#include "s3api/op/op.h"
#include "s3api/op/pump.h"
#include "s3api/op/range.h"
#include "s3api/reply.h"
#include "s3api/sse_c.h"
#include "s3api/xml/xml_writer.h"
#include "store/base/clock.h"
#include "store/upload.h"

static enum s3_error
parse_number(struct request *request, unsigned *number)
{
	unsigned long value = 0;
	enum s3_error error = request_param_number(request, "partNumber",
		UPLOAD_PARTS_MAX, &value);

	if (error || value == 0)
		return error_set(&request->report, S3_INVALID_ARGUMENT,
			"Part number must be an integer between 1 and 10000, "
			"inclusive");
	*number = (unsigned)value;
	return S3_OK;
}

/* The upload that a part belongs to, and the key of both. */
struct target {
	unsigned number;
	struct upload_info upload;
	struct sse_c sse_c;
	bool is_sealed;
	struct seal seal;
};

static void
wipe_target(struct target *target)
{
	sse_c_wipe(&target->sse_c);
	seal_wipe(&target->seal);
}

static enum s3_error
find_target(struct request *request, struct target *target)
{
	enum s3_error error = parse_number(request, &target->number);
	enum store_err err;

	if (!error)
		error = sse_c_parse(request, SSE_C_OBJECT, &target->sse_c);
	if (!error)
		error = attrs_refuse_unsupported(request);
	if (!error)
		error = lock_header_refuse(request);
	if (error)
		return error;
	err = upload_get(request->store, request->bucket.ino, request->key,
		request_param(request, "uploadId"), request->arena,
		&target->upload);
	if (err)
		return reply_store_error(request, err);
	return sse_c_open_upload(request, &target->sse_c, target->upload.attrs,
		&target->seal, &target->is_sealed);
}

static enum store_err
write_piece(void *part, struct slice piece)
{
	return upload_part_write(part, piece);
}

static void
fill_info(struct upload_part_info *info, const struct body *body,
	unsigned number, uint64_t size)
{
	*info = (struct upload_part_info){
		.number = number,
		.size = size,
		.checksum_kind = (uint8_t)body->checksum.kind,
		.checksum_len = body->checksum.len,
	};
	memcpy(info->md5, body->md5, sizeof(info->md5));
	memcpy(info->checksum, body->checksum.value, sizeof(info->checksum));
}

/* Writes and commits the part; the body's digests are known then. */
static enum s3_error
receive(struct request *request, struct body *body, const struct target *target,
	struct upload_part_info *info)
{
	scoped(upload_part_abort) struct upload_part *part = NULL;
	uint64_t size = body->is_length_known ? body->length : UINT64_MAX;
	enum store_err err =
		upload_part_begin(request->store, request->bucket.ino,
			request->key, request_param(request, "uploadId"),
			target->number, size, &part);

	if (err)
		return reply_store_error(request, err);
	if (target->is_sealed)
		upload_part_seal(part, &target->seal);

	enum s3_error error = pump_body(request, body, write_piece, part);

	if (error)
		return error;
	fill_info(info, body, target->number, upload_part_size(part));
	err = upload_part_commit(&part, info);
	return err ? reply_store_error(request, err) : S3_OK;
}

/*
 * A checksum of another kind than the upload's would be checked and thrown
 * away.  That an upload is summed by the default may be because nobody asked:
 * then a part may bring any.
 */
static enum s3_error
check_kind(struct request *request, const struct body *body,
	const struct upload_info *upload)
{
	enum digest_kind asked = body->asked.asked;

	if (asked == upload->checksum_kind ||
		upload->checksum_kind == CHECKSUM_DEFAULT)
		return S3_OK;
	/* What each part has to say is missed here, not when all are sent. */
	if (!asked && upload->is_checksum_full)
		return S3_OK;
	return error_set(&request->report, S3_INVALID_REQUEST,
		arena_str(request->arena,
			arena_printf(request->arena,
				"Checksum Type mismatch occurred, expected "
				"checksum Type: %s, actual checksum Type: %s",
				upload->checksum_kind
					? checksum_name(upload->checksum_kind)
					: "null",
				asked ? checksum_name(asked) : "null")));
}

enum s3_error
op_upload_part_put(struct request *request)
{
	scoped(body_free) struct body body = {0};
	scoped(wipe_target) struct target target = {0};
	struct upload_part_info info;
	enum s3_error error = find_target(request, &target);

	if (error)
		return error;

	const struct body_options options = {
		.wants_length = true,
		.wants_md5 = !target.is_sealed,
		.kind = target.upload.checksum_kind,
		.max = UPLOAD_PART_MAX,
	};

	error = body_begin(&body, request->http, &request->caller, &options,
		&request->report);
	if (!error)
		error = check_kind(request, &body, &target.upload);
	if (!error)
		error = receive(request, &body, &target, &info);
	if (error)
		return error;

	struct inode_etag etag = {.parts = 0};

	memcpy(etag.value, info.md5, sizeof(etag.value));
	reply_status(request, 200);
	reply_etag(request, &etag);
	sse_c_reply(request, &target.sse_c);
	/* A part's checksum stands by itself: it has no type.  The default may
	 * be nobody's wish. */
	if (body.checksum.kind &&
		(body.asked.asked == body.checksum.kind ||
			target.upload.checksum_kind != CHECKSUM_DEFAULT)) {
		char text[CHECKSUM_TEXT_MAX];

		checksum_to_text(&body.checksum, text);
		http_reply_header_str(request->response,
			checksum_header(body.checksum.kind), text);
	}
	reply_empty(request, 200);
	return S3_OK;
}

/* What of the source is wanted. */
struct source {
	struct object object;
	int fd;
	uint64_t offset; /* in the file, of the object */
	uint64_t start;	 /* in the object, of the first byte wanted */
	uint64_t len;

	struct sse_c sse_c;
	bool is_sealed;
	struct seal seal;
};

static void
close_source(struct source *source)
{
	sse_c_wipe(&source->sse_c);
	seal_wipe(&source->seal);
	if (source->fd >= 0)
		close(source->fd);
}

static enum s3_error
open_source(struct request *request, struct source *out)
{
	struct copy_source from;
	struct condition condition = condition_of_copy_source(request);
	struct range range = {0};
	enum s3_error error =
		sse_c_parse(request, SSE_C_COPY_SOURCE, &out->sse_c);

	if (!error)
		error = copy_source_parse(request, &from);
	if (error)
		return error;

	enum store_err err = object_open_version(request->store,
		from.bucket.ino, from.key, &from.version, request->arena,
		&out->object, &out->fd, &out->offset);

	if (err)
		return copy_source_refuse(request, &from, &out->object, err);
	if (access_is_of_another(&request->access.of_source,
		    &out->object.inode))
		return error_set(&request->report,
			S3_CONDITIONAL_REQUEST_CONFLICT, NULL);
	error = sse_c_open(request, &out->sse_c, out->object.inode.attrs,
		&out->seal, &out->is_sealed);
	if (error)
		return error;
	if (condition_check(&condition, &out->object.inode))
		return error_set(&request->report, S3_PRECONDITION_FAILED,
			NULL);
	out->len = out->object.inode.size;
	if (!request_header(request, "x-amz-copy-source-range").data)
		return S3_OK;
	error = range_parse_copy(request, out->len, &range);
	out->start = range.start;
	out->len = range.len;
	return error;
}

static void
set_digests(struct upload_part_info *info, const struct pump_digests *digests)
{
	memcpy(info->md5, digests->md5, sizeof(info->md5));
	info->checksum_kind = (uint8_t)digests->checksum.kind;
	info->checksum_len = digests->checksum.len;
	memcpy(info->checksum, digests->checksum.value, sizeof(info->checksum));
}

static struct pump_source
pump_of(const struct source *source)
{
	return (struct pump_source){
		.object = &source->object,
		.seal = source->is_sealed ? &source->seal : NULL,
		.fd = source->fd,
		.offset = source->offset,
		.start = source->start,
		.len = source->len,
	};
}

/*
 * The digests of a part are those of its bytes, so a copied one is read once;
 * the bytes themselves are shared or copied in the kernel.
 */
static enum s3_error
digest_source(struct request *request, const struct source *source,
	enum digest_kind kind, struct upload_part_info *info)
{
	const struct pump_source from = pump_of(source);
	struct pump_digests digests;
	enum store_err err =
		pump_object(&from, true, kind, NULL, NULL, &digests);

	if (err)
		return reply_store_error(request, err);
	set_digests(info, &digests);
	return S3_OK;
}

/* Where either is sealed, or a mount writes to the source, the bytes have to go
 * through our hands: what is digested is what is kept. */
static enum s3_error
write_anew(struct request *request, const struct source *source,
	const struct target *target, struct upload_part *part,
	struct upload_part_info *info)
{
	const struct pump_source from = pump_of(source);
	struct pump_digests digests;

	if (target->is_sealed)
		upload_part_seal(part, &target->seal);

	enum store_err err = pump_object(&from, !target->is_sealed,
		target->upload.checksum_kind, write_piece, part, &digests);

	if (err)
		return reply_store_error(request, err);
	set_digests(info, &digests);
	return S3_OK;
}

static enum s3_error
share(struct request *request, const struct source *source,
	const struct target *target, struct upload_part *part,
	struct upload_part_info *info)
{
	enum store_err err = STORE_OK;

	if (source->len > 0)
		err = upload_part_copy(part, source->fd,
			source->offset + source->start, source->len);
	if (err)
		return reply_store_error(request, err);

	enum s3_error error = digest_source(request, source,
		target->upload.checksum_kind, info);

	/* They are read twice, and have to be the same. */
	if (!error && cut_is_written(&source->object.guard))
		error = reply_store_error(request, STORE_BUSY);
	return error;
}

static enum s3_error
copy_part(struct request *request, const struct source *source,
	const struct target *target, struct upload_part_info *info)
{
	scoped(upload_part_abort) struct upload_part *part = NULL;
	enum store_err err =
		upload_part_begin(request->store, request->bucket.ino,
			request->key, request_param(request, "uploadId"),
			target->number, source->len, &part);

	if (err)
		return reply_store_error(request, err);
	*info = (struct upload_part_info){
		.number = target->number,
		.size = source->len,
	};
	enum s3_error error =
		source->is_sealed || target->is_sealed ||
				source->object.guard.is_written
			? write_anew(request, source, target, part, info)
			: share(request, source, target, part, info);

	if (error)
		return error;
	err = upload_part_commit(&part, info);
	return err ? reply_store_error(request, err) : S3_OK;
}

static void
reply_copied(struct request *request, const struct source *source,
	const struct target *target, const struct upload_part_info *info)
{
	scoped(buffer_free) struct buffer body = {0};
	struct inode_etag etag = {.parts = 0};

	memcpy(etag.value, info->md5, sizeof(etag.value));
	reply_status(request, 200);
	copy_source_reply(request, &source->object);
	sse_c_reply(request, &target->sse_c);
	xml_writer_begin(&body, "CopyPartResult");
	xml_writer_time(&body, "LastModified", clock_now_ns());
	xml_writer_etag(&body, &etag);
	/* Who completes the upload has to name it. */
	attrs_write_part_checksum(&body, info);
	xml_writer_close(&body, "CopyPartResult");
	reply_xml(request, &body);
}

enum s3_error
op_upload_part_copy(struct request *request)
{
	scoped(close_source) struct source source = {.fd = -1};
	scoped(wipe_target) struct target target = {0};
	struct upload_part_info info;
	enum s3_error error = find_target(request, &target);

	if (!error)
		error = open_source(request, &source);
	if (!error && source.len > UPLOAD_PART_MAX)
		error = error_set(&request->report, S3_ENTITY_TOO_LARGE, NULL);
	if (!error)
		error = copy_part(request, &source, &target, &info);
	if (!error)
		reply_copied(request, &source, &target, &info);
	return error;
}
