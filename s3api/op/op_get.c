/* SPDX-License-Identifier: Apache-2.0 */
/* S3 API: GetObject, HeadObject. */
#include <stdlib.h>

#include "s3api/op/attrs.h"
#include "s3api/op/condition.h"
#include "s3api/op/decided.h"
#include "s3api/op/expiration.h"
#include "s3api/op/op.h"
#include "s3api/op/range.h"
#include "s3api/op/sealed_body.h"
#include "s3api/reply.h"
#include "s3api/sse_c.h"
#include "store/base/io.h"
#include "store/base/log.h"
#include "store/upload.h"

/* Up to here header and bytes leave in one send, from memory. */
#define SMALL_MAX (32 * 1024)
/* What is looked at before it leaves. */
#define PIECE_MAX (256 * 1024)
/* How often a mount may shorten a small object while it is read. */
#define TRIES 16

struct get {
	struct object object;
	int fd;
	uint64_t offset;	   /* of the object in the file */
	unsigned int error_status; /* of what it is the page of; 0: none */
	struct range range;
	bool is_partial;
	unsigned part_count;	  /* 0: no part was asked for */
	struct checksum checksum; /* of what is sent; kind 0: none */

	struct slice small; /* the bytes, where they are few and not sealed */

	struct sse_c sse_c;
	bool is_sealed;
	struct seal seal;
	struct sealed_body *body; /* sealed, and not empty */
};

static void
end_get(struct get *get)
{
	sealed_body_close(&get->body);
	sse_c_wipe(&get->sse_c);
	seal_wipe(&get->seal);
	if (get->fd >= 0)
		io_close(get->fd);
}

/* ?partNumber=: that part as if it were a range. */
static enum s3_error
find_part(struct request *request, struct get *get)
{
	const struct inode *inode = &get->object.inode;
	struct upload_part_info part;
	unsigned long number = 0;
	enum s3_error error = request_param_number(request, "partNumber",
		UPLOAD_PARTS_MAX, &number);

	if (error)
		return error;
	if (number == 0)
		return error_set(&request->report, S3_INVALID_ARGUMENT,
			"Part number must be an integer between 1 and 10000, "
			"inclusive");
	if (request_header(request, "range").data)
		return error_set(&request->report, S3_INVALID_REQUEST,
			"Cannot specify both Range header and partNumber "
			"query parameter");
	/* What a mount has changed has neither parts nor a checksum. */
	if ((inode->checksum_kind || get->is_sealed) &&
		upload_parts_of(inode, (unsigned)number, &part,
			&get->range.start, &get->part_count)) {
		get->range.len = part.size;
		get->is_partial = true;
		get->checksum = (struct checksum){
			.kind = part.checksum_kind,
			.is_composite = inode->is_checksum_composite,
			.len = part.checksum_len,
		};
		memcpy(get->checksum.value, part.checksum,
			sizeof(get->checksum.value));
		return S3_OK;
	}
	/* An object that one PUT made has one part. */
	if (get->part_count > 0 || number > 1)
		return error_set(&request->report, S3_INVALID_PART_NUMBER,
			NULL);
	get->range = (struct range){0, inode->size};
	get->is_partial = inode->size > 0;
	return S3_OK;
}

static enum s3_error
refuse_condition(struct request *request, const struct get *get,
	enum s3_error error)
{
	if (error != S3_NOT_MODIFIED)
		return error_set(&request->report, error, NULL);
	reply_status(request, 304);
	reply_etag(request, &get->object.inode.etag);
	reply_version(request, &get->object);
	reply_last_modified(request, get->object.inode.mtime_ns);
	reply_empty(request, 304);
	return S3_OK;
}

static void
reply_head(struct request *request, const struct get *get)
{
	const struct inode *inode = &get->object.inode;

	reply_status(request, get->error_status ? get->error_status
			      : get->is_partial ? 206
						: 200);
	http_reply_header(request->response, "accept-ranges", SLICE("bytes"));
	reply_etag(request, &inode->etag);
	reply_last_modified(request, inode->mtime_ns);
	reply_version(request, &get->object);
	attrs_reply(request, inode);
	/* The rules for objects are for the current version. */
	if (request->version.which == VERSION_CURRENT)
		expiration_reply(request, inode);
	sse_c_reply(request, &get->sse_c);
	if (get->is_partial)
		http_reply_header(request->response, "content-range",
			arena_printf(request->arena, "bytes %llu-%llu/%llu",
				(unsigned long long)get->range.start,
				(unsigned long long)(get->range.start +
						     get->range.len - 1),
				(unsigned long long)inode->size));
	if (get->part_count > 0)
		http_reply_header_u64(request->response, "x-amz-mp-parts-count",
			get->part_count);
	if (slice_equal_nocase(request_header(request, "x-amz-checksum-mode"),
		    SLICE("ENABLED")))
		attrs_reply_checksum(request, &get->checksum);
}

static enum store_err
send_sealed(struct request *request, const struct get *get)
{
	enum store_err err =
		http_reply_start(request->response, get->range.len);
	struct slice piece = SLICE_NULL;

	while (!err && get->body) {
		err = sealed_body_next(get->body, &piece);
		if (err || !piece.len)
			break;
		err = http_reply_write(request->response, piece);
	}
	if (err == STORE_CORRUPT)
		log_error("request %s: %.*s/%.*s: sealed data does not open",
			request->id, (int)request->bucket_name.len,
			request->bucket_name.data, (int)request->key.len,
			request->key.data);
	return err;
}

static uint64_t
start_of(const struct get *get)
{
	return get->offset + get->range.start;
}

/* What was read until now is the object's. */
static enum store_err
check_uncut(const struct get *get)
{
	return cut_check(&get->object.guard, get->fd, get->object.inode.size);
}

/* Of an object that a mount is writing to. */
static enum store_err
send_copied(struct request *request, const struct get *get, uint64_t done)
{
	char *piece = malloc(PIECE_MAX);
	enum store_err err = piece ? STORE_OK : STORE_NO_MEMORY;

	while (!err && done < get->range.len) {
		uint64_t left = get->range.len - done;
		size_t len = left < PIECE_MAX ? (size_t)left : PIECE_MAX;

		err = io_pread_all(get->fd, piece, len, start_of(get) + done);
		if (!err)
			err = check_uncut(get);
		if (!err)
			err = http_reply_write(request->response,
				slice_of(piece, len));
		done += len;
	}
	free(piece);
	return err;
}

/* Bytes leave from the page cache as long as no mount may be about them. */
static enum store_err
send_file(struct request *request, const struct get *get)
{
	uint64_t sent = 0;
	enum store_err err =
		http_reply_start(request->response, get->range.len);

	if (!err && !get->object.guard.is_written)
		err = http_reply_file(request->response, get->fd, start_of(get),
			get->range.len, &get->object.guard.watch, &sent);
	if (!err && sent < get->range.len)
		err = send_copied(request, get, sent);
	return err;
}

/* Bytes that are not there any more end the connection before the announced
 * length: no client takes that for the whole. */
static void
reply_bytes(struct request *request, const struct get *get)
{
	enum store_err err =
		get->is_sealed ? send_sealed(request, get)
		: get->small.len
			? http_reply_body(request->response, get->small)
			: send_file(request, get);

	if (err && err != STORE_CLOSED)
		log_warn("request %s: GetObject ended early: %s", request->id,
			error_sentence(err));
}

/* What sums the whole object would mislead about a range of it. */
static void
choose_checksum(struct get *get)
{
	const struct range *range = &get->range;
	uint64_t size = get->object.inode.size;

	if (get->part_count > 0 || range->start > 0 || range->len != size)
		return;
	get->checksum = attrs_checksum(&get->object.inode);
	if (get->is_sealed)
		attrs_show_checksum(&get->checksum, &get->object.inode,
			&get->seal);
}

static enum s3_error
check(struct request *request, struct get *get)
{
	struct condition condition = condition_of_read(request);
	enum s3_error error = sse_c_parse(request, SSE_C_OBJECT, &get->sse_c);

	if (!error)
		error = sse_c_open(request, &get->sse_c,
			get->object.inode.attrs, &get->seal, &get->is_sealed);
	if (!error && get->error_status) {
		get->range.len = get->object.inode.size;
		return S3_OK;
	}
	if (!error)
		error = condition_check(&condition, &get->object.inode);
	if (error)
		return error;
	if (request_has_param(request, "partNumber"))
		return find_part(request, get);
	if (!condition_allows_range(request, &get->object.inode)) {
		get->range = (struct range){0, get->object.inode.size};
		return S3_OK;
	}
	return range_parse(request, get->object.inode.size, &get->range,
		&get->is_partial);
}

static enum store_err
read_small(struct request *request, struct get *get)
{
	size_t len = (size_t)get->range.len;
	char *bytes = arena_alloc(request->arena, len);
	enum store_err err = io_pread_all(get->fd, bytes, len, start_of(get));
	enum store_err cut = check_uncut(get);

	get->small = slice_of(bytes, len);
	return cut ? cut : err;
}

/* Before the header goes: bytes that do not open are an error's own reply.
 * BUSY: they were cut meanwhile. */
static enum store_err
open_body(struct request *request, struct get *get)
{
	if (!get->range.len)
		return STORE_OK;
	if (get->is_sealed)
		return sealed_body_open(&get->object.inode, &get->seal, get->fd,
			get->offset, get->range.start, get->range.len,
			&get->body);
	return get->range.len <= SMALL_MAX ? read_small(request, get)
					   : STORE_OK;
}

/* *is_cut: there is no reply yet. */
static enum s3_error
try_get(struct request *request, unsigned int error_status, bool *is_cut)
{
	scoped(end_get) struct get get = {
		.fd = -1, .error_status = error_status};
	enum s3_error error =
		decided_open(request, &get.object, &get.fd, &get.offset);

	*is_cut = false;
	if (error)
		return error;
	request->object_size = get.object.inode.size;
	error = check(request, &get);

	if (error == S3_NOT_MODIFIED || error == S3_PRECONDITION_FAILED)
		return refuse_condition(request, &get, error);
	if (error)
		return error;

	enum store_err err = open_body(request, &get);

	*is_cut = err == STORE_BUSY;
	if (*is_cut)
		return S3_OK;
	if (err)
		return reply_store_error(request, err);
	choose_checksum(&get);
	reply_head(request, &get);
	reply_bytes(request, &get);
	return S3_OK;
}

static enum s3_error
get_uncut(struct request *request, unsigned int error_status)
{
	enum s3_error error = S3_OK;
	bool is_cut = true;

	for (int i = 0; i < TRIES && is_cut; i++)
		error = try_get(request, error_status, &is_cut);
	return is_cut ? reply_store_error(request, STORE_BUSY) : error;
}

enum s3_error
op_get_object(struct request *request)
{
	enum s3_error error = attrs_check_overrides(request);

	return error ? error : get_uncut(request, 0);
}

enum s3_error
op_get_error_page(struct request *request, unsigned int status)
{
	return get_uncut(request, status);
}

enum s3_error
op_get_head(struct request *request)
{
	scoped(end_get) struct get get = {.fd = -1};
	enum s3_error error = attrs_check_overrides(request);

	if (error)
		return error;

	error = decided_head(request, &get.object);
	if (error)
		return error;
	request->object_size = get.object.inode.size;
	error = check(request, &get);

	if (error == S3_NOT_MODIFIED || error == S3_PRECONDITION_FAILED)
		return refuse_condition(request, &get, error);
	if (error)
		return error;
	choose_checksum(&get);
	reply_head(request, &get);
	if (http_reply_start(request->response, get.range.len))
		log_debug("request %s: reply not sent", request->id);
	return S3_OK;
}
